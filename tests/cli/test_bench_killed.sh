#!/bin/sh
# Kill a server or client process of a bench inside the lab: the bench reports which, keeps the other
# figures, and leaves no process behind. Then send two signals to a bench that does not stop at the first.
set -u
program=${PROGRAM:?is set by make test}
work=$(mktemp -d) || exit 1
bench=
trap '[ -z "$bench" ] || kill "$bench" 2>/dev/null; wait; rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM
fail() {
	echo "FAILED: $*"
	cat "$work/errors"
	exit 1
}

# leaves PID: print its descendants without children, each with its start time.
leaves() {
	children=$(cat "/proc/$1/task/$1/children" 2>/dev/null)
	[ -n "$children" ] || echo "$(cut -d' ' -f22 "/proc/$1/stat" 2>/dev/null) $1"
	for child in $children; do leaves "$child"; done
}

# descriptors PID: count its open descriptors.
descriptors() { find "/proc/$1/fd" -mindepth 1 2>/dev/null | wc -l; }

# gone NAME: fail unless all processes have exited, now or within `tries` polls.
gone() {
	for pid in $all; do
		while kill -0 "$pid" 2>/dev/null; do
			tries=$((tries - 1))
			[ $tries -gt 0 ] || fail "$1: process $pid is left"
			sleep 0.05
		done
	done
}

# begin COMMAND: start a bench and wait until the leaf that COMMAND picks holds connections.
begin() {
	"$program" bench hold control --quick --connections 60k --variant idle,add --runs 50 \
		--format csv >"$work/figures" 2>"$work/errors" &
	bench=$!
	tries=0 victim=0
	until [ "$(descriptors "$victim")" -gt 100 ]; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || fail "$1: holds no connections"
		kill -0 $bench 2>/dev/null || fail "$1: has ended"
		sleep 0.05
		all=$(leaves $bench | sort -n -k1,1 -k2,2 | cut -d' ' -f2)
		victim=$(echo "$all" | $1)
		victim=${victim:-0}
	done
}

# killed COMMAND PATTERN: kill the victim; the bench reports it as PATTERN.
killed() {
	begin "$1"
	kill -KILL "$victim" || fail "$1: nothing to kill"
	wait $bench
	status=$?
	bench=
	[ $status -eq 3 ] || fail "$1: status $status, not 3"
	grep -qE "$2" "$work/errors" || fail "$1: not reported as $2"
	grep -q 'control,add,' "$work/figures" || fail "$1: the other bench's figures are lost"
	tries=0
	gone "$1"
}

# signalled_twice COMMAND: with one process stopped, a first signal waits for it, a second does not.
signalled_twice() {
	begin "$1"
	kill -STOP "$victim" || fail "$1: nothing to stop"
	kill -TERM $bench
	sleep 2
	kill -0 $bench 2>/dev/null || fail "$1: did not wait for the running round"
	kill -TERM $bench
	wait $bench
	status=$?
	bench=
	[ $status -eq 143 ] || fail "$1: status $status, not 143"
	tries=100
	gone "$1"
}

# The lab's processes come first, then server workers, then clients.
killed 'tail -n 1' 'client process [0-9]+: '
killed 'sed -n 3p' 'server worker [0-9]+: exited unexpectedly'
signalled_twice 'tail -n 1'
