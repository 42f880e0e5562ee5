#!/bin/sh
# watch beside a real server, as lines and in a terminal emulator.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

# A server whose queue of 16 is full, as its worker is stopped.
planted_overflow() {
	epolltune serve --port 8080 --backlog 16 --workers 1 --quiet &
	server=$!
	wait_for listens 8080
	worker=$(cat "/proc/$server/task/$server/children")
	kill -STOP "${worker% }"
	epolltune load 127.0.0.1:8080 --mode hold --connections 60 --duration 1min >load.out 2>&1 &
	wait_for queue_is_full
}
# A process that is stopped ends when it continues.
server_end() {
	kill -CONT "${worker% }"
	kill $server
	wait $server || fail "the server ends with $?"
}
listens() { [ "$(ss -Hltn "sport = :$1" | wc -l)" -gt 0 ]; } # PORT
# Handshakes that end on two CPUs at once may both take the last place.
queue_is_full() { [ "$(ss -Hltn 'sport = :8080' | awk '{ print $2 }')" -ge 17 ]; }
# Whether the newest line of a watch is so.
newest() { tail -n 1 lines 2>/dev/null | jq -es "length > 0 and (.[0] | $1)" >/dev/null 2>&1; } # FILTER

# A socket counts an ACK that ends a handshake at a full queue twice, ListenOverflows once.
test_a_full_queue_is_first_and_agrees_with_ss_and_nstat() {
	needs ss nstat
	in_namespace
	planted_overflow
	before=$(nstat -asz TcpExtListenOverflows | awk '/Overflows/ { print $2 }')
	expect 2 epolltune watch --interval 200ms --count 2 --format jsonl
	after=$(nstat -asz TcpExtListenOverflows | awk '/Overflows/ { print $2 }')
	quiet
	is lines "$(wc -l <out)" 3
	mv out lines
	jq -es --argjson from "$before" --argjson to "$after" --argjson ss "$(ss -Hltn 'sport = :8080' |
		awk '{ print "[" $2 "," $3 "]" }')" 'map(.rows[0].wall == "accept-queue" and .rows[0].verdict == "short" and
			[.rows[0].used, .rows[0].limit] == $ss and
			.counters["TcpExt.ListenOverflows"] >= $from and .counters["TcpExt.ListenOverflows"] <= $to and
			.rows[0].lost >= $from and .rows[0].lost <= 2 * $to) | all' lines >filtered ||
		{ show lines && fail 'the figures differ'; }
	newest '.rows[0] | (.what | test("^epolltune 127.0.0.1:8080$")) and (.note | test("is stopped .state T."))' ||
		{ show lines && fail 'the server is not named'; }
	expect 2 epolltune watch --interval 100ms --count 1
	matches out '^[0-9:]{8} SHORT accept-queue epolltune 127.0.0.1:8080: 1[78] of 16 connections, full.*is stopped'
	server_end
}

test_it_survives_the_end_of_the_server_and_finds_it_again() {
	in_namespace
	cp "$PROGRAM" planted
	./planted serve --port 8080 --backlog 16 --workers 1 --quiet &
	server=$!
	wait_for listens 8080
	epolltune watch --server planted --interval 100ms --format jsonl >lines &
	watch=$!
	wait_for newest 'any(.rows[]; .wall == "accept-queue") and any(.rows[]; .wall == "descriptors.process")'
	kill $server
	wait $server
	wait_for newest 'all(.rows[]; .wall != "accept-queue")'
	./planted serve --port 8081 --backlog 32 --workers 1 --quiet &
	again=$!
	wait_for newest 'any(.rows[]; .wall == "accept-queue" and .limit == 32)'
	kill $watch
	wait $watch || fail "it ends with $?"
	# The server is gone at the end: unknown.
	epolltune watch --server planted --interval 100ms --count 20 --format jsonl >lines &
	watch=$!
	wait_for newest 'any(.rows[]; .wall == "accept-queue")'
	kill $again
	wait $again
	status=0
	wait $watch || status=$?
	is 'the exit status' $status 3
}

test_a_quiet_namespace_is_ok() {
	in_namespace
	expect 0 epolltune watch --interval 100ms --count 1
	quiet
	expect 0 epolltune watch --interval 100ms --count 1 --format jsonl
	jq -es 'all(.[].rows[]; .verdict | IN("ok", "unknown", "n/a"))' out >filtered || { show out && fail 'it is not quiet'; }
}

test_a_recording_is_replayed() {
	in_namespace
	expect 0 epolltune watch --interval 100ms --count 3 --format jsonl --record file
	mv out lines
	expect 0 epolltune watch --replay file --format jsonl
	cmp lines out || fail 'the replay differs'
	expect 0 epolltune watch --replay file
	is lines "$(wc -l <out)" 4
}

test_what_is_wrong_is_one_line() {
	expect 3 epolltune watch --replay none
	refused 'none: No such file'
	echo x >file
	expect 3 epolltune watch --replay file
	refused 'file:1: not JSON'
	expect 3 epolltune watch --replay .
	refused '.: not a file'
	expect 3 epolltune watch --record file --count 1
	refused 'file: not a recording'
	expect 3 epolltune watch --replay file --server :80
	refused '--replay' '--server'
	expect 3 epolltune watch --record-size 2mib
	refused '--record'
	expect 3 epolltune watch --interval 1ms
	refused '--interval'
	expect 3 epolltune watch --server :1
	refused ':1'
	expect 3 epolltune watch x
	refused 'x'
	expect 3 sh -c 'epolltune watch --count 1 >/dev/full'
	complained 'cannot write the watch'
}

# A terminal emulator with a shell in it; its settings are in ./before.
terminal() {
	needs tmux bash
	export TERM=screen HISTFILE=/dev/null LC_ALL=C.UTF-8
	tmux -S socket -f /dev/null -D &
	wait_for test -S socket
	tmux -S socket new-session -d -x 80 -y 24 'bash --norc -i'
	types 'stty -g >before; echo >ready'
	wait_for test -e ready
}
types() { tmux -S socket send-keys -l "$1" && tmux -S socket send-keys Enter; } # TEXT
key() { tmux -S socket send-keys "$1"; }                                        # NAME
shows() { tmux -S socket capture-pane -p >now && grep -qF -e "$1" now; }        # TEXT
shown() { wait_for shows "$1"; }                                                # TEXT
mode() { tmux -S socket display -p '#{alternate_on} #{cursor_flag}'; }
# What follows a command of the shell writes ./after.
after='; stty -g >after; echo >finished'
restored() { # AFTER-WHAT
	wait_for test -e finished
	cmp before after || fail "the settings of the terminal after $1"
	is "screen and cursor after $1" "$(mode)" '0 1'
	rm finished
}

test_the_terminal_is_as_it_was() {
	in_namespace
	terminal
	for end in q C-c; do
		types "epolltune watch --interval 100ms$after"
		shown 'q quit'
		is 'screen and cursor' "$(mode)" '1 0'
		key $end
		restored $end
	done
	# In the background it stops as soon as it sets the terminal.
	types "epolltune watch --interval 100ms & echo \$! >pid; fg$after"
	shown 'q quit'
	key C-z
	restored C-z
	types "fg$after"
	shown 'q quit'
	is 'screen and cursor' "$(mode)" '1 0'
	kill "$(cat pid)"
	restored SIGTERM
	# bash itself restores the settings after a signal.
	types "sh -c 'epolltune watch --interval 100ms & echo \$! >pid; wait$after'"
	shown 'q quit'
	kill -ABRT "$(cat pid)"
	restored SIGABRT
}

test_the_screen_follows_the_terminal_and_the_keys() {
	in_namespace
	terminal
	planted_overflow
	types "epolltune watch --interval 100ms$after"
	shown 'of 16 connections, full'
	shown 'VERDICT'
	grep -qE '^> epoll.*:8080 +1[78] +16 +1[78] .* full .* SHORT' now || fail "$(cat now)"
	tmux -S socket resize-window -x 60 -y 20
	wait_for lacks_verdict
	grep -qE '^> epoll.*:8080 +1[78] +16 ' now || fail "$(cat now)"
	[ "$(wc -l <now)" -le 20 ] || fail 'it is higher than the terminal'
	tmux -S socket resize-window -x 100 -y 60
	shown 'VERDICT'
	key e
	shown '$ epolltune explain accept-queue'
	shown 'Press a key to return'
	is 'screen and cursor' "$(mode)" '0 1'
	key x
	shown 'q quit'
	key Down
	wait_for selected_another
	server_end
	shown 'ended'
	key q
	restored q
}
lacks_verdict() { shows 'q quit' && ! grep -q VERDICT now; }
selected_another() { shows '  epolltune' && grep -q '^> ' now && ! grep -q '^> epoll.*:8080' now; }

test_a_terminal_without_screen_gets_lines() {
	in_namespace
	terminal
	types "TERM=dumb epolltune watch --interval 100ms --count 1; echo status \$?"
	shown 'status 0'
	is lines "$(grep -cE '^[0-9:]{8} [a-z]+ [a-z.-]+ ' now)" 2
}

run_tests "$@"
