#!/bin/sh
# The server, in each way of sharing, with some load and a clean end, under valgrind: its processes
# make no error and lose no memory.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

setup() {
	needs valgrind
	case $BUILD in *san) skip 'valgrind runs no sanitized program' ;; esac
}

# A worker in which valgrind finds an error exits with 99, and serve then exits with 3.
shared_by() { # WAY
	in_namespace
	mkfifo served
	valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect,possible \
		--suppressions="$tests/valgrind.supp" \
		"$PROGRAM" serve --workers 2 --share "$1" --duration 60s >served 2>err &
	server=$!
	exec 3<served
	read -r line <&3 || true
	epolltune load --mode connect --connections 20 --duration 300ms 127.0.0.1:7007 >load || { show load err && fail load; }
	kill "$server"
	status=0
	wait "$server" || status=$?
	cat <&3 >rest
	[ $status -eq 0 ] || { show err && fail "serve exits with $status: $line"; }
	quiet
	matches rest '^served [1-9]'
}

test_workers_with_so_reuseport_make_no_error() { shared_by reuseport; }
test_workers_that_share_a_listener_make_no_error() { shared_by exclusive; }
test_a_leader_and_its_followers_make_no_error() { shared_by leader-follower; }

run_tests "$@"
