#!/bin/sh
# A bench of which a server or client process is killed reports which, keeps the other figures, and
# leaves no process behind; so does one that gets two signals and does not stop at the first.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

# Prints the descendants of a process without children, each with its start time.
leaves() { # PID
	children=$(cat "/proc/$1/task/$1/children" 2>/dev/null) || true
	[ -n "$children" ] || echo "$(cut -d' ' -f22 "/proc/$1/stat" 2>/dev/null) $1"
	for child in $children; do leaves "$child"; done
}

# Starts a bench and waits until the leaf that COMMAND picks holds connections. The lab's processes come
# first, then server workers, then clients.
begin() { # COMMAND
	epolltune bench hold control --quick --connections 60k --variant idle,add --runs 50 \
		--format csv >out 2>err &
	bench=$!
	victim=0
	wait_for holds_connections "$1"
}

holds_connections() { # COMMAND
	kill -0 $bench 2>/dev/null || fail 'the bench has ended'
	all=$(leaves $bench | sort -n -k1,1 -k2,2 | cut -d' ' -f2)
	victim=$(echo "$all" | $1)
	[ "$(find "/proc/${victim:-0}/fd" -mindepth 1 2>/dev/null | wc -l)" -gt 100 ]
}

all_gone() {
	for pid in $all; do
		gone "$pid" || fail "process $pid is left"
	done
}

killed() { # COMMAND PATTERN
	begin "$1"
	kill -KILL "$victim"
	status=0
	wait $bench || status=$?
	is 'the exit status' $status 3
	matches err "$2"
	matches out 'control,add,'
	all_gone
}

test_a_killed_client_is_reported() { killed 'tail -n 1' 'client process [0-9]+: '; }

test_a_killed_server_worker_is_reported() { killed 'sed -n 3p' 'server worker [0-9]+: exited unexpectedly'; }

test_a_first_signal_waits_for_the_round_and_a_second_does_not() {
	begin 'tail -n 1'
	kill -STOP "$victim"
	kill -TERM $bench
	sleep 2
	! gone $bench || fail 'did not wait for the running round'
	kill -TERM $bench
	status=0
	wait $bench || status=$?
	is 'the exit status' $status 143
	for pid in $all; do wait_for gone "$pid"; done
}

run_tests "$@"
