#!/bin/sh
# tests/run counts every kind of failure, and runs what tests/needs allows beside each other.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

# Makes a program in place of one of cmocka, or a script of that name.
program() { # NAME SCRIPT
	printf '#!/bin/sh\n%s\n' "$2" >"$1"
	chmod +x "$1"
}

tests_run() { EPOLLTUNE_MUST_RUN=$must BUILD=$work "$tests/run" "$@"; }

ends_with() { # LAST-LINE STATUS TEST…
	last=$1 want=$2
	shift 2
	expect "$want" tests_run "$@"
	is 'the last line' "$(tail -n 1 out)" "$last"
}

setup() {
	export must=
	program good 'echo 1..2; echo ok 1 - a; echo ok 2 - b'
	program skip.sh 'exit 77'
	program fail.sh 'exit 3'
}

test_programs_are_judged_by_their_results() {
	program skips 'echo 1..2; echo ok 1 - a; echo "not ok 2 # SKIP b"'
	program bad 'echo 1..2; echo ok 1 - a; echo not ok 2 - b; exit 1'
	program crashes 'echo 1..2; kill -SEGV $$'
	program silent 'exit 0'
	program none 'echo 1..0'
	program stops 'echo 1..2; echo ok 1 - a'
	program teardown 'echo 1..1; echo ok 1 - a; echo "not ok 0 - group [  FAILED  ] GROUP TEARDOWN"; exit 1'
	program groups 'echo 1..1; echo ok 1 - a; echo 1..1; echo ok 1 - a'
	program forks 'echo 1..2; echo ok 1 - a; echo ok 1 - a; echo ok 2 - b'
	ends_with '2 passed, 0 failed, 0 skipped' 0 good
	ends_with '1 passed, 0 failed, 1 skipped' 0 skips
	ends_with '1 passed, 1 failed, 0 skipped' 1 bad
	ends_with '0 passed, 1 failed, 0 skipped' 1 crashes
	ends_with '0 passed, 1 failed, 0 skipped' 1 silent
	ends_with '0 passed, 1 failed, 0 skipped' 1 none
	ends_with '1 passed, 1 failed, 0 skipped' 1 stops
	ends_with '1 passed, 1 failed, 0 skipped' 1 teardown
	ends_with '2 passed, 0 failed, 0 skipped' 0 groups
	ends_with '2 passed, 0 failed, 0 skipped' 0 forks
	ends_with '0 passed, 1 failed, 0 skipped' 1 missing
}

test_scripts_are_judged_by_their_results() {
	program good.sh 'echo 1..1; echo ok 1 - a'
	program silent.sh 'exit 0'
	program skipped.sh 'echo 1..2; echo ok 1 - a; echo "ok 2 - b # SKIP no c"'
	ends_with '1 passed, 0 failed, 0 skipped' 0 "$work/good.sh"
	ends_with '0 passed, 1 failed, 0 skipped' 1 "$work/silent.sh"
	ends_with '1 passed, 0 failed, 1 skipped' 0 "$work/skipped.sh"
	said 'ok 2 - b # SKIP no c'
	ends_with '0 passed, 0 failed, 1 skipped' 0 "$work/skip.sh"
	ends_with '0 passed, 1 failed, 0 skipped' 1 "$work/fail.sh"
	ends_with '0 passed, 1 failed, 0 skipped' 1 "$work/missing.sh"
	ends_with '2 passed, 1 failed, 0 skipped' 1 good "$work/fail.sh"
	ends_with '0 passed, 0 failed, 0 skipped' 1
}

test_a_skip_that_must_run_is_a_failure() {
	must=1
	program skips 'echo 1..2; echo ok 1 - a; echo "not ok 2 # SKIP b"'
	ends_with '0 passed, 1 failed, 0 skipped' 1 "$work/skip.sh"
	ends_with '1 passed, 1 failed, 0 skipped' 1 skips
}

test_failures_are_repeated_at_the_end_with_their_last_lines() {
	program long.sh 'seq 100; exit 3'
	program after 'sleep 0.2; echo 1..1; echo not ok 1 - a; exit 1'
	expect 1 tests_run "$work/long.sh" good after
	is 'the end' "$(grep -v ' s  ' out | tail -n 20 | tr '\n' ' ')" "-- $work/long.sh FAILED: ran no test; its last lines: $(
		seq 86 100 | tr '\n' ' ')-- after FAILED: 1 of 1 failed; its last lines: 1..1 not ok 1 - a 2 passed, 2 failed, 0 skipped "
}

test_a_process_that_is_left_is_a_failure() {
	program leaves 'echo 1..1; echo ok 1 - a; setsid sleep 100 >/dev/null 2>&1 & echo $! >left.pid'
	ends_with '1 passed, 1 failed, 0 skipped' 1 leaves
	said 'left processes: ' '(sleep)'
	gone "$(cat left.pid)" || fail 'it still runs'
}

test_the_order_of_results_is_that_of_the_arguments() {
	program slow 'sleep 0.5; echo 1..1; echo ok 1 - a'
	for jobs in 1 2 4; do
		JOBS=$jobs expect 0 tests_run slow good slow good
		is 'the order' "$(sed -n 's/  .*//p' out | tr '\n' ' ')" 'slow good slow good '
	done
}

run_tests "$@"
