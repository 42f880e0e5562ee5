#!/bin/sh
# The Ansible collection without Ansible: its judgement of what epolltune prints, and the pages of a fleet.
# `make test-fleet` tries it with ansible-core and hosts.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

test_the_logic_of_the_collection() {
	[ -x /usr/bin/python3 ] || skip 'python3 is not installed'
	/usr/bin/python3 -B "$tests/cli/ansible/test_collection.py" >out 2>&1 || { cat out && fail 'the unit tests fail'; }
	grep -qE '^Ran [1-9][0-9]+ tests' out || fail 'few tests ran'
}

run_tests "$@"
