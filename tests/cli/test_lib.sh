#!/bin/sh
# tests/lib.sh fails what fails, and leaves nothing behind.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

# Runs a test file of its own that consists of the text, without its indent.
file() { # TEXT
	mkdir -p cli
	cp "$tests/lib.sh" .
	printf '%s\n' '#!/bin/sh' '. "$(dirname "$0")/../lib.sh"' "$1" 'run_tests "$@"' | sed 's/^		//' >cli/test_x.sh
	chmod +x cli/test_x.sh
	expect any cli/test_x.sh
}

test_results_are_tap() {
	file '
		test_a_b() { :; }
		test_c() { skip no d; }
		test_e() { fail f; }'
	is 'the exit status' $status 1
	printf '1..3\nok 1 - a b\nok 2 - c # SKIP no d\n# FAILED: f\nnot ok 3 - e\n' | diff - out
}

test_any_command_that_fails_ends_a_test() {
	file '
		test_a() {
			false
			touch b
		}
		test_b() { expect 0 false; }
		test_c() { expect any false; said c; }
		test_d() { expect any echo "{}"; json ".d == 1"; }
		test_e() { expect any echo e; expected e; }
		test_f() { in_namespace; false; }'
	is 'the number of failures' "$(grep -c '^not ok' out)" 6
	lacks out '/b'
	said 'a command exits with 1' 'exit status 1, not 0: false' 'not so: .d == 1' 'UPDATE=1'
}

test_a_check_without_a_verdict_is_repeated_for_a_bounded_time() {
	# shellcheck disable=SC2016 # expanded by the file
	file '
		date() { echo >>clock; echo $((50 * $(wc -l <clock))); }
		try() { echo >>'"$work"'/tries; echo "{\"verdict\": \"unknown\"}"; }
		test_a() { expect_known ".verdict != \"unknown\"" 0 try; }'
	is 'the exit status' $status 1
	is 'the number of tries' "$(wc -l <tries)" 3
	said 'not so: .verdict != "unknown"'
}

test_a_failed_preparation_fails_the_file() {
	file '
		setup_all() { false; }
		test_a() { :; }
		test_b() { :; }'
	is 'the exit status' $status 1
	matches out '^not ok 1 - a'
	lacks out 'ok 2'
}

test_background_jobs_and_directories_are_removed() {
	file '
		test_a() {
			in_namespace
			sleep 100 &
			echo $! $work >'"$work"'/left
		}'
	is 'the exit status' $status 0
	read -r pid directory <left
	gone "$pid"
	[ ! -e "$directory" ]
}

test_a_namespace_is_private_and_starts_the_test_over() {
	in_namespace -Urnm
	is 'interfaces' "$(ip -o link | grep -v ': sit0\|: tunl0' | wc -l)" 1
	is 'user' "$(id -u)" 0
	[ -d "$work" ] && [ -d "$shared" ]
}

test_an_updated_file_is_expected() {
	mkdir -p cli
	export UPDATE=1
	file '
		test_a() { expect 0 echo a; expected x/a; }'
	UPDATE=
	file '
		test_a() { expect 0 echo a; expected x/a; }'
	is 'the exit status' $status 0
	is 'the file' "$(cat expected/x/a)" a
}

run_tests "$@"
