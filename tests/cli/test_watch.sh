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
	matches out '^[0-9:]{8} SHORT accept-queue epolltune 127.0.0.1:8080: 1[78] of 17 connections, full.*is stopped'
	server_end
}

# Those are in use for all destinations.
test_ports_of_udp_are_counted() {
	needs python3
	in_namespace
	python3 -c 'import signal, socket
sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(300)]
for s in sockets:
    s.bind(("", 0))
open("bound", "w").close()
signal.pause()' &
	wait_for test -e bound
	expect any epolltune watch --interval 100ms --count 1 --format jsonl
	mv out lines
	newest '[.rows[] | select(.what == "UDP ports")] | length == 1 and .[0].used == 300 and .[0].limit > 300'
}

# A server that waits for data leaves handshakes half open: TCP_DEFER_ACCEPT.
test_syns_that_are_dropped_without_cookies_are_a_loss() {
	needs python3
	in_namespace
	echo 0 >/proc/sys/net/ipv4/tcp_syncookies
	echo 16 >/proc/sys/net/ipv4/tcp_max_syn_backlog
	python3 -c 'import socket, time
s = socket.create_server(("127.0.0.1", 8080), backlog=128)
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 60)
time.sleep(600)' &
	server=$!
	wait_for listens 8080
	epolltune watch --interval 100ms --format jsonl >lines &
	watch=$!
	wait_for newest '.rows[0].wall == "accept-queue" and .counters.syns_dropped == 0'
	python3 -c 'import socket, time
s = [socket.socket() for _ in range(40)]
for c in s:
    c.setblocking(False)
    c.connect_ex(("127.0.0.1", 8080))
time.sleep(600)' &
	clients=$!
	wait_for newest '.counters.syns_dropped > 0'
	kill $watch $clients $server
	wait $watch || true
	# Half-open connections are not counted at every look.
	jq -es 'any(.[]; .counters["TcpExt.ListenOverflows"] == 0 and any(.rows[]; .wall == "accept-queue" and
			.verdict == "short" and .lost_per_s > 0 and .syn_room == 13))' lines >filtered ||
		{ show lines && fail 'the loss is not shown'; }
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

# A UNIX listener has no address by which a socket after a restart could be known.
# The look before did not have the socket that overflows; another listener receives a stray packet. What overflowed and
# has ended since then is charged to no one.
test_a_server_that_restarts_between_two_looks_has_its_losses() {
	needs python3
	in_namespace
	cat >restart.py <<-'EOS'
		import socket, sys, time
		def overflow(keep):
		    s = socket.create_server(("127.0.0.1", 8080), backlog=1)
		    clients = [socket.socket() for _ in range(60)]
		    for c in clients:
		        c.setblocking(False)
		        c.connect_ex(("127.0.0.1", 8080))
		    time.sleep(.1)
		    s.setblocking(False)
		    for c in clients:
		        try: s.accept()[0].close()
		        except BlockingIOError: pass
		    for c in clients: c.close()
		    if not keep: s.close()
		    return s
		def stray():
		    # A listener drops an ACK that belongs to no connection and to no SYN cookie.
		    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
		    def sum16(b):
		        n = sum((b[i] << 8) + b[i + 1] for i in range(0, len(b), 2))
		        n = (n >> 16) + (n & 0xffff)
		        return ~(n + (n >> 16)) & 0xffff
		    head = bytes.fromhex("22b80016000000010000000150010200")
		    lo = bytes([127, 0, 0, 1])
		    check = sum16(lo + lo + bytes([0, 6, 0, 20]) + head + bytes(4))
		    raw.sendto(head + check.to_bytes(2, "big") + bytes(2), ("127.0.0.1", 22))
		quiet = socket.create_server(("127.0.0.1", 22))
		print("ready", flush=True)
		for keep in sys.stdin:
		    stray()
		    s = overflow(keep == "keep\n")
		    print("done", flush=True)
	EOS
	mkfifo orders
	python3 restart.py <orders >answers &
	exec 3>orders
	wait_for grep -q ready answers
	epolltune watch --interval 3s --count 4 --format jsonl >lines &
	watch=$!
	wait_for newest '.seconds == null'
	echo end >&3
	wait_for newest '.seconds and .counters["TcpExt.ListenOverflows"] > 20'
	is 'looks' "$(wc -l <lines)" 2
	echo keep >&3
	status=0
	wait $watch || status=$?
	exec 3>&-
	is 'the exit status' $status 2
	jq -es '.[1].rows | all(.[]; .verdict != "short") and any(.[]; (.what | endswith(":22")) and .lost > 0 and .lost_per_s == 0)' lines >filtered ||
		{ show lines && fail 'the listener that received a stray packet is charged'; }
	jq -es '.[2].rows | all(.[]; (.what | endswith(":22") | not) or .verdict != "short") and
		any(.[]; (.what | endswith(":8080")) and .made and .verdict == "short" and .lost_per_s > 5)' lines >filtered ||
		{ show lines && fail 'the new listener is not charged'; }
}

test_listeners_that_begin_later_are_followed() {
	needs python3
	in_namespace
	cat >server.py <<-'EOF'
		import os, socket, sys, time
		open("/proc/self/comm", "w").write("planted")
		def listen(name):
		    s = socket.socket(socket.AF_INET if name.isdigit() else socket.AF_UNIX)
		    if name.isdigit():
		        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		    elif os.path.exists(name):
		        os.unlink(name)
		    s.bind(("127.0.0.1", int(name)) if name.isdigit() else name)
		    s.listen(16)
		    return s
		held = [listen(name) for name in sys.argv[1:]]
		while not os.path.exists("more"):
		    time.sleep(0.05)
		held.append(listen("8082"))
		time.sleep(100)
	EOF
	python3 server.py 8081 sock &
	server=$!
	wait_for listens 8081
	wait_for test -S sock
	epolltune watch --server planted --interval 100ms --format jsonl >lines &
	wait_for newest '[.rows[] | select(.wall | startswith("accept-queue"))] | length == 2'
	touch more
	wait_for newest 'any(.rows[]; .what | endswith(":8082"))'
	kill $server
	wait $server || true
	wait_for newest '.listening == false and .waiting == null'
	rm more
	python3 server.py 8081 sock &
	wait_for newest 'any(.rows[]; .what | endswith(":8081")) and any(.rows[]; .wall == "accept-queue.unix")'
}

# Containers that restart have a new network namespace each time.
test_a_server_is_found_again_in_another_namespace() {
	in_root_namespace
	cp "$PROGRAM" planted
	unshare -n sh -c 'ip link set lo up && exec ./planted serve --port 8080 --workers 1 --quiet' &
	server=$!
	wait_for sh -c 'nsenter -t "$1" -n ss -Hltn 2>/dev/null | grep -q :8080' - $server
	epolltune watch --server planted --interval 100ms --format jsonl >lines &
	wait_for newest .listening
	kill $server
	wait $server || true
	wait_for newest '.listening == false'
	unshare -n sh -c 'ip link set lo up && exec ./planted serve --port 8081 --backlog 32 --workers 1 --quiet' &
	wait_for newest '.listening and any(.rows[]; .wall == "accept-queue" and .limit == 32)'
	# What the counters grew by is not known where they are others.
	jq -es 'any(.[1:][]; .seconds == null and .listening)' lines >filtered || fail 'the run continues'
}

# They are one for the machine, and the namespace of a container does not show them.
test_limits_of_the_machine_are_read_again() {
	in_namespace -m
	[ -e /proc/sys/net/ipv4/tcp_mem ] || skip 'tcp_mem is not visible here'
	memory='any(.rows[]; .wall == "buffers.memory" and .limit == $limit * $page)'
	limit_is() { wait_for newest "$(getconf PAGE_SIZE) as \$page | $1 as \$limit | $memory"; }
	cp "$PROGRAM" planted
	echo 1000 2000 3000 >tcp_mem
	mount --bind tcp_mem /proc/sys/net/ipv4/tcp_mem
	unshare -n sh -c 'ip link set lo up && exec ./planted serve --port 8080 --workers 1 --quiet' &
	server=$!
	wait_for sh -c 'nsenter -t "$1" -n ss -Hltn 2>/dev/null | grep -q :8080' - $server
	epolltune watch --server $server --interval 100ms --format jsonl >lines &
	limit_is 3000
	echo 4000 5000 6000 >tcp_mem
	limit_is 6000
}

# As in a container of an ordinary user before Linux 5.5.
test_tracked_connections_are_counted_without_sysctls() {
	in_namespace -Urnm
	[ -e /proc/net/stat/nf_conntrack ] || skip 'connection tracking is not loaded'
	mount -t tmpfs tmpfs /proc/sys/net/netfilter
	mkdir -p net/stat
	printf 'entries drop insert_failed\n00000007 00000000 00000000\n' >net/stat/nf_conntrack
	expect any sh -c 'mount --bind net /proc/$$/net &&
		exec epolltune watch --interval 100ms --count 1 --format jsonl'
	mv out lines
	newest 'any(.rows[]; .wall == "conntrack" and .used == 7 and .limit == null)' ||
		{ show lines err && fail 'the entries are not counted'; }
}

# Which of two it is, is not known.
test_a_server_that_is_ambiguous_is_said_to_be() {
	in_namespace
	cp "$PROGRAM" planted
	./planted serve --port 8080 --workers 1 --quiet &
	server=$!
	wait_for listens 8080
	epolltune watch --server planted --interval 100ms --format jsonl >lines &
	wait_for newest .listening
	kill $server
	wait $server || true
	./planted serve --port 8081 --workers 1 --quiet &
	./planted serve --port 8082 --workers 1 --quiet &
	again=$!
	wait_for newest '.waiting // "" | test("several servers: .*:808[12].*:808[12].*; give a pid or an address")'
	kill $again
	wait_for newest '.listening and .waiting == null'
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

# nohup ignores SIGHUP, and a shell SIGINT and SIGQUIT of a command in the background.
test_signals_that_the_caller_ignores_do_not_end_it() {
	in_namespace
	nohup epolltune watch --interval 100ms --record file >/dev/null 2>&1 &
	watch=$!
	wait_for recorded 2
	for signal in HUP INT QUIT; do kill -$signal $watch; done
	wait_for recorded $(($(wc -l <file) + 3))
	kill $watch
	wait $watch || fail "it ends with $?"
}
recorded() { [ -e file ] && [ "$(wc -l <file)" -ge "$1" ]; } # LINES

# At the limit of the machine there is no descriptor to read the others with. The growth since the last whole look is
# that of the next one.
test_a_look_that_cannot_be_read_does_not_end_it() {
	needs prlimit python3
	in_namespace
	echo 0 >/proc/sys/net/ipv4/tcp_syncookies
	echo 16 >/proc/sys/net/ipv4/tcp_max_syn_backlog
	cat >server.py <<-'EOF'
		import os, socket, time
		s = socket.create_server(("127.0.0.1", 8080), backlog=128)
		s.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 60)
		while not os.path.exists("drop"):
		    time.sleep(0.05)
		clients = [socket.socket() for _ in range(40)]
		for c in clients:
		    c.setblocking(False)
		    c.connect_ex(("127.0.0.1", 8080))
		open("dropped", "w").close()
		time.sleep(600)
	EOF
	python3 server.py &
	wait_for listens 8080
	epolltune watch --interval 100ms --record file >/dev/null 2>errors &
	watch=$!
	wait_for recorded 2
	prlimit --pid $watch --nofile=3:
	wait_for test -s errors
	touch drop
	wait_for test -e dropped
	sleep 1
	prlimit --pid $watch --nofile=64:
	wait_for recorded $(($(wc -l <file) + 3))
	kill $watch
	wait $watch || fail "it ends with $?"
	is errors "$(cat errors)" 'epolltune: cannot read /proc/net/netstat: Too many open files'
	jq -es '([.[] | select(.seconds == null)] | length == 1) and
		any(.[]; .seconds > 0.9 and .counters.syns_dropped > 0 and
			any(.rows[]; (.what | endswith(":8080")) and .lost_per_s > 0))' file >filtered ||
		{ show file && fail 'the growth is not that since the last whole look'; }
	rm file
	# The search for leaks at its end takes descriptors.
	ASAN_OPTIONS=detect_leaks=0 epolltune watch --interval 500ms --count 4 --format prometheus --record file >out 2>errors &
	watch=$!
	wait_for recorded 1
	prlimit --pid $watch --nofile=3:
	status=0
	wait $watch || status=$?
	is 'the exit status' $status 3
	[ ! -s out ] || fail 'there are metrics of an interval that could not be read'
}

test_what_is_wrong_is_one_line() {
	expect 3 epolltune watch --replay none
	refused 'none: No such file'
	echo x >file
	expect 3 epolltune watch --replay file
	refused 'file:1: not a line of a recording of epolltune watch'
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
	shown 'of 17 connections, full'
	shown 'VERDICT'
	grep -qE '^> epoll.*:8080 +1[78] +17 +1[78] .* full .* SHORT' now || fail "$(cat now)"
	tmux -S socket resize-window -x 60 -y 20
	wait_for lacks_maximum
	grep -qE '^> epoll.*:8080 +1[78] +17 .* SHORT' now || fail "$(cat now)"
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
lacks_maximum() { shows 'q quit' && shows 'VERDICT' && ! grep -q ' MAX ' now; }
selected_another() { shows '  epolltune' && grep -q '^> ' now && ! grep -q '^> epoll.*:8080' now; }

test_a_terminal_without_screen_gets_lines() {
	in_namespace
	terminal
	types "TERM=dumb epolltune watch --interval 100ms --count 1; echo status \$?"
	shown 'status 0'
	is lines "$(grep -cE '^[0-9:]{8} [a-z]+ [a-z.-]+ ' now)" 2
}

run_tests "$@"
