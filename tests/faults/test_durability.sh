#!/bin/sh
# Power cuts and random histories, a part of what `make test-durability` runs.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

run_part() { # SCRIPT OPTION…
	script=$1
	shift
	expect any "$tests/durability/$script.py" "$@"
	[ "$status" -ne 77 ] || skip "$(cat out)"
	[ "$status" -eq 0 ] || { show out err && fail "$script $*"; }
	tail -n 1 out
}

test_what_a_power_cut_leaves_is_restored() { run_part crash_states --every 6; }

test_random_histories_go_as_the_model_says() { run_part histories --histories 12; }

run_tests "$@"
