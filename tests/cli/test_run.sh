#!/bin/sh
# tests/run counts every kind of failure.
set -u

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

# program NAME SCRIPT: make a fake cmocka program.
program() {
	printf '#!/bin/sh\n%s\n' "$2" >"$work/$1"
	chmod +x "$work/$1"
}

# expect LAST-LINE STATUS TEST…
expect() {
	last=$1 status=$2
	shift 2
	seen=$(EPOLLTUNE_MUST_RUN=$must BUILD=$work tests/run "$@" 2>&1)
	got=$?
	if [ "$got" -ne "$status" ] || [ "$(echo "$seen" | tail -n 1)" != "$last" ]; then
		echo "tests/run $*: status $got, not $status, or not '$last':"
		echo "$seen"
		failed=1
	fi
}

program good 'echo "[==========] Running 2 test(s)."; echo "[  PASSED  ] 2 test(s)."'
program skips 'echo "[==========] Running 2 test(s)."; echo "[  PASSED  ] 1 test(s).
[  SKIPPED ] 1 test(s), listed below:"'
program bad 'echo "[==========] Running 2 test(s)."; echo "[  PASSED  ] 1 test(s).
[  FAILED  ] 1 test(s), listed below:"; exit 1'
program crashes 'echo "[==========] Running 2 test(s)."; kill -SEGV $$'
program silent 'exit 0'
program none 'echo "[==========] Running 0 test(s)."; echo "[  PASSED  ] 0 test(s)."'
program stops 'echo "[==========] Running 2 test(s)."; echo "[  PASSED  ] 1 test(s)."'
program teardown 'echo "[==========] Running 1 test(s)."; echo "[  PASSED  ] 1 test(s)."; exit 1'
printf '#!/bin/sh\nexit 77\n' >"$work/skip.sh"
printf '#!/bin/sh\nexit 3\n' >"$work/fail.sh"
chmod +x "$work"/*.sh

must=
expect '2 passed, 0 failed, 0 skipped' 0 good
expect '1 passed, 0 failed, 1 skipped' 0 skips
expect '1 passed, 1 failed, 0 skipped' 1 bad
expect '0 passed, 1 failed, 0 skipped' 1 crashes
expect '0 passed, 1 failed, 0 skipped' 1 silent
expect '0 passed, 1 failed, 0 skipped' 1 none
expect '1 passed, 1 failed, 0 skipped' 1 stops
expect '1 passed, 1 failed, 0 skipped' 1 teardown
expect '0 passed, 1 failed, 0 skipped' 1 missing
expect '0 passed, 0 failed, 1 skipped' 0 "$work/skip.sh"
expect '0 passed, 1 failed, 0 skipped' 1 "$work/fail.sh"
expect '0 passed, 1 failed, 0 skipped' 1 "$work/missing.sh"
expect '2 passed, 1 failed, 0 skipped' 1 good "$work/fail.sh"
expect '0 passed, 0 failed, 0 skipped' 1

# Failures are repeated at the end, with their last lines.
printf '#!/bin/sh\nseq 100\nexit 3\n' >"$work/long.sh"
chmod +x "$work/long.sh"
seen=$(BUILD=$work tests/run "$work/long.sh" good 2>&1 | tail -n 17 | tr '\n' ' ')
case $seen in
"-- $work/long.sh FAILED: exit status 3; its last lines: 86 87 "*' 100 2 passed, 1 failed, 0 skipped ') ;;
*)
	echo "the end is not the list of failures: $seen"
	failed=1
	;;
esac

must=1
expect '0 passed, 1 failed, 0 skipped' 1 "$work/skip.sh"
exit $failed
