#!/bin/sh
# check --observe: the target comes from what the server's clients do. Saved targets: --save and --target.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

address=127.0.0.1:7000
quick() { expect any epolltune check --quick --format json "$@"; } # OPTIONS…
listens() { ss -Hltn | grep -q "$1"; }                            # ADDRESS
has_connections() { [ "$(ss -Htn state established sport = :7000 | wc -l)" -ge "$1" ]; } # COUNT

# Whether the check that $checked runs sleeps between two looks at the server.
observes() {
	observer=$(cat "/proc/$checked/task/$checked/children") && grep -qx epolltune /proc/${observer% }/comm &&
		grep -q '^State:[[:space:]]*S' /proc/${observer% }/status
}

serves() {
	epolltune serve --port 7000 --quiet >/dev/null &
	server=$!
	wait_for listens $address
}

test_an_idle_server_gives_nothing_to_observe() {
	in_namespace
	serves
	expect 3 epolltune check --quick --server :7000 --observe 1s
	refused 'epolltune had no connection in 1 s'
}

# 100 connections that are held, beside 400 new ones a second.
test_the_load_becomes_the_target() {
	in_namespace
	serves
	epolltune load --mode hold --connections 100 --duration 60s $address >/dev/null &
	wait_for has_connections 100
	epolltune load --mode connect --connections 4 --rate 400 --duration 60s $address >/dev/null &
	wait_for has_connections 101
	quick --server :7000 --observe 3s --headroom 3 --stall 20ms
	quiet
	json '.observed.duration_us >= 3000000 and .observed.sampled > 0' \
		'.observed.connections >= 100 and .observed.connections <= 200' \
		'.observed.rate_per_s >= 200 and .observed.rate_per_s <= 800' \
		'.observed.rate_peak_per_s >= .observed.rate_per_s' \
		'.observed.other_listeners == false' \
		'.observed.rtt_us.samples > 0 and .observed.rtt_us.p50 <= .observed.rtt_us.p99' \
		'.observed.target.connections == .observed.connections' \
		'.target.idle_us == 0' '.target.connections == 3 * .observed.connections' \
		'.target.rate_per_s == ([3 * .observed.rate_per_s, .observed.rate_peak_per_s] | max)' \
		'.target.stall_us == 20000' '.target.rtt_us == .observed.target.rtt_us' \
		'.observed.options | startswith("--connections 1")'
}

waits() { [ "$(ss -Hltn | awk '/:7000/ { print $2 }')" -ge "$1" ]; } # COUNT

# All processes of the server are stopped while it is observed; its queue overflows.
test_a_stall_is_seen() {
	in_namespace
	epolltune serve --port 7000 --quiet --workers 1 --backlog 4 >/dev/null &
	server=$!
	wait_for listens $address
	epolltune load --mode connect --connections 64 --rate 200 --duration 60s $address >/dev/null &
	wait_for has_connections 1
	worker=$(cat /proc/$server/task/$server/children)
	# shellcheck disable=SC2086 # several processes
	kill -STOP "$server" $worker
	wait_for waits 1
	quick --server :7000 --observe 2s
	# shellcheck disable=SC2086 # several processes
	kill -CONT "$server" $worker
	json '.observed.stall_us >= .observed.duration_us / 2 and .observed.stall_us <= .observed.duration_us' \
		'.target.stall_us >= .observed.stall_us / 2' '.observed.options | contains("--stall ")' \
		'finding("accept-queue.dropped").detail | contains("since the observation began at 2")' \
		'.observed.dropped > 0'
}

# It accepts none; where the operator allows a stall longer than the window, that may be one.
test_a_stall_that_was_seen_allows_nothing() {
	needs python3
	in_namespace
	python3 -c 'import signal, socket
listener = socket.create_server(("", 7000), backlog=100)
clients = [socket.create_connection(("127.0.0.1", 7000)) for _ in range(20)]
signal.pause()' &
	wait_for waits 20
	quick
	cp out since.json
	watched() { expect any epolltune check --probe counters,listeners --server :7000 --format json "$@"; }
	for since in '' '--since since.json'; do
		# shellcheck disable=SC2086 # two options, or none
		watched --observe 1s $since
		json '.target.stall_us >= 900000' 'finding("accept-queue.waiting").level == "critical"'
	done
	watched --observe 1s --stall 5s
	json '.target.stall_us == 5000000' 'finding("accept-queue.waiting") | .level == "warning"
		and (.advice | contains("--window of more than 10 s"))' \
		'.summary.answer | contains("does not become shorter") | not'
}

# A client waits at a port for management, which is set aside: that is no stall of the server.
test_a_client_of_a_listener_that_is_set_aside_shows_no_stall() {
	needs python3
	in_namespace
	python3 -c 'import socket
listener = socket.create_server(("", 7000), backlog=100)
aside = socket.create_server(("127.0.0.1", 7001), backlog=1)
client = socket.create_connection(("127.0.0.1", 7001))
while True:
	listener.accept()[0].close()' &
	wait_for listens 127.0.0.1:7001
	epolltune load --mode connect --connections 4 --rate 50 --duration 60s $address >/dev/null 2>&1 &
	expect any epolltune check --probe listeners --server :7000 --observe 2s --format json
	json '.observed.stall_us < 500000' 'finding("accept-queue.waiting").level == "warning"'
}

# A deployment: what is checked is the server that runs then.
test_a_restarted_server_is_checked_as_it_is_now() {
	in_namespace
	epolltune serve --port 7000 --workers 1 --backlog 64 --quiet >/dev/null &
	server=$!
	wait_for listens $address
	epolltune load --mode connect --connections 4 --rate 50 --duration 60s $address >/dev/null 2>&1 &
	quick --server :7000 --observe 6s &
	checked=$!
	wait_for observes
	kill $server
	wait_for gone $server
	epolltune serve --port 7000 --workers 1 --backlog 32 --quiet >/dev/null &
	server=$!
	wait $checked
	quiet
	json ".server.pid == $server" 'any(.findings[]; .id == "listeners.closed") | not' \
		'[.listeners[] | select(.subject)] | all(.limit == 32)' '.observed.opened > 0'
}

test_a_server_that_has_gone_is_reported_with_its_load() {
	in_namespace
	serves
	epolltune load --mode hold --connections 7 --duration 60s $address >/dev/null 2>&1 &
	wait_for has_connections 7
	expect 3 epolltune check --quick --server :7000 --observe 3s &
	checked=$!
	wait_for observes
	kill $server
	wait $checked
	refused 'observed for ' ', as options: --connections 7 ' '; then: --server :7000: nothing listens'
}

in_container() { # COMMAND…
	nsenter -t "$server" -n "$@"
}

container() { # BACKLOG
	# shellcheck disable=SC2016 # of the inner shell
	unshare -n sh -c 'ip link set lo up && exec ./boxed serve --port 7000 --workers 1 --backlog "$1" --quiet' \
		- "$1" >/dev/null &
	server=$!
	wait_for in_container sh -c 'ss -Hltn 2>/dev/null | grep -q :7000'
	nsenter -t $server -n epolltune load --mode connect --connections 4 --rate 50 --duration 60s $address >/dev/null 2>&1 &
}

# It has another network namespace then, whose counters began at 0.
test_a_restarted_container_is_followed() {
	in_root_namespace
	cp "$PROGRAM" boxed
	container 64
	quick --server boxed --observe 8s >/dev/null &
	checked=$!
	wait_for observes
	sleep 1 # of its load
	kill $server
	wait_for gone $server
	container 32
	wait $checked
	quiet
	json ".server.pid == $server" '[.listeners[] | select(.subject)] | length > 0 and all(.limit == 32)' \
		'.observed.opened > 60 and .observed.rate_per_s < 100' '.observed.duration_us < 7990000'
}

overflows() {
	# shellcheck disable=SC2016 # of awk
	in_container awk '/^TcpExt:/ {
		if (n) exit !($n > 0)
		for (i = 1; i <= NF; i++) if ($i == "ListenOverflows") n = i
	}' /proc/net/netstat
}

# From cron, a restart of the container does not end the comparison: what was counted since counts.
test_a_restarted_container_is_compared() {
	in_root_namespace
	cp "$PROGRAM" boxed
	container 64
	quick --probe counters,listeners --server boxed --output last.json
	kill $server
	wait_for gone $server
	container 1
	worker=$(cat /proc/$server/task/$server/children)
	# shellcheck disable=SC2086 # several processes
	kill -STOP $server $worker
	wait_for overflows
	quick --probe counters,listeners --server boxed --since last.json
	quiet
	json 'finding("accept-queue.dropped").title | contains("since this network namespace was made")' \
		'finding("counters.since").detail | contains("had another network namespace in the report of 2")'
	# Those of another server are not compared.
	sed 's/"asked": "boxed"/"asked": "other"/' last.json >other.json
	expect 3 epolltune check --quick --probe counters,listeners --server boxed --since other.json
	refused 'other.json is of another network namespace'
	# shellcheck disable=SC2086 # several processes
	kill -CONT $server $worker
}

# A server of DNS or HTTP/3: it reads all, at about 2 000 a second.
datagrams_come() { # LISTENS
	python3 -c 'import socket, sys, threading, time
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 7000))
if sys.argv[1] == "both":
    tcp = socket.create_server(("127.0.0.1", 7000))
    threading.Thread(target=lambda: [tcp.accept() for _ in range(9)], daemon=True).start()
    held = socket.create_connection(("127.0.0.1", 7000))
def send():
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.connect(("127.0.0.1", 7000))
    while True:
        out.send(b"x")
        time.sleep(0.0005)
threading.Thread(target=send, daemon=True).start()
while udp.recv(9):
    pass' "$1" &
	server=$!
	wait_for sh -c 'ss -Hlun | grep -q 127.0.0.1:7000'
}

test_datagrams_become_the_target() {
	needs python3
	in_namespace
	for listens in both udp; do
		datagrams_come $listens
		quick --server :7000 --observe 2s
		json '.observed | .udp_sockets and .datagrams_per_s >= 200 and .datagrams_per_s <= 4000 and
				.datagrams_peak_per_s >= .datagrams_per_s and (.options | contains("--datagrams "))' \
			'.target.datagrams_per_s == ([2 * .observed.datagrams_per_s, .observed.datagrams_peak_per_s] | max)' \
			'wall("udp.receive").needed > 10'
		quick --server :7000 --observe 1s --datagrams 30
		json '.target.datagrams_per_s == 30 and .observed.datagrams_per_s > 30'
		kill $server
		wait_for gone $server
	done
}

# The kernel counts the datagrams of all sockets of the network namespace.
test_datagrams_that_may_be_of_others_are_an_upper_bound() {
	needs python3
	in_namespace
	python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 9999))
time.sleep(60)' &
	wait_for sh -c 'ss -Hlun | grep -q 0.0.0.0:9999'
	datagrams_come udp
	expect 3 epolltune check --quick --probe udp --server :7000 --observe 2s --stall 10s --format json
	json '.observed.other_udp_sockets and .target.datagrams_per_s == 0' \
		'wall("udp.receive") | .verdict == "unknown" and .needed == 1' \
		'finding("udp.receive.unjudged").detail | test("received up to [0-9 ]+ datagrams/s")'
	# All of them fit.
	expect 0 epolltune check --quick --probe udp --server :7000 --observe 2s --stall 1ms --format json
	json 'wall("udp.receive") | .verdict == "ok" and .needed == 1 and .needed_max > 0' '.findings == []'
	end_jobs
}

test_it_needs_a_server_that_can_be_observed() {
	expect 3 epolltune check --observe 5s
	refused 'check: --observe needs --server WHO'
	expect 3 epolltune check --headroom 2
	refused 'check: --headroom needs --observe TIME'
	for wrong in 0.5 101 x 1e1 -2 nan ''; do
		expect 3 epolltune check --server :1 --observe 5s "--headroom=$wrong"
		refused '--headroom'
	done
	expect 3 epolltune check --server :1 --observe 24h
	refused 'nothing listens'
	expect 3 epolltune check --sysroot "$tests/hosts/healthy" --observe 5s --server :80
	refused '--sysroot'
}

test_a_target_is_saved_and_used() {
	in_namespace
	quick --connections 3000 --rate 700 --stall 40ms --rtt 3ms --bandwidth 20mbit --role proxy \
		--save ./web.target
	quiet
	grep -v '^#' web.target >saved
	cat >want <<-END
		connections = 3k
		rate = 700
		stall = 40ms
		rtt = 3ms
		bandwidth = 20mbit
		role = proxy
	END
	diff want saved || fail 'not what was asked for'
	quick --target ./web.target
	json '.target == {role: "proxy", connections: 3000, rate_per_s: 700, stall_us: 40000,
			rtt_us: 3000, bandwidth_bps: 20000000, datagrams_per_s: 0, datagram_bytes: 1200, idle_us: 0,
			destinations: 1, datagrams_only: false}'
	quick --destinations 4 --target ./web.target --save ./several.target
	contains several.target 'destinations = 4'
	quick --target ./several.target
	json '.target.destinations == 4' 'wall("ports.ephemeral").needed == 750' 'wall("ports.rate").needed == 175'
	quick --rate 800 --target ./web.target
	json '.target.rate_per_s == 800 and .target.connections == 3000'
	expect any epolltune check --quick --target ./web.target
	said 'Target of a proxy: 3 000 connections · 700 new/s'
	expect any epolltune apply --target ./web.target --dry-run --probe ports
	quiet
	expect 3 epolltune apply --target ./absent.target --dry-run
	refused './absent.target: No such file or directory'
}

test_peers_datagrams_and_namespace_are_saved() {
	in_root_namespace
	quick --peers 20 --datagrams 500 --idle 2min --netns $$ --save ./web.target
	grep -v '^#' web.target >saved
	contains saved "netns = $$" 'peers = 20' 'datagrams = 500' 'datagram = 1200' 'idle = 2min'
	quick --target ./web.target
	json '.target | .datagrams_per_s == 500 and .idle_us == 120000000' 'wall("neighbours").needed == 20' \
		'wall("udp.receive").needed == 50' 'wall("idle.keepalive").limit == 120000000'
	# It is this one, which apply may change.
	expect any epolltune apply --target ./web.target --dry-run --probe ports
	quiet
	echo 'netns = 1' >web.target
	expect 3 epolltune apply --target ./web.target --dry-run --probe ports
	expect 3 epolltune check --quick --netns absent --save ./web.target
}

test_a_saved_target_names_its_server() {
	in_namespace
	serves
	quick --server :7000 --connections 50 --rate 10 --save ./web.target
	contains web.target 'server = :7000'
	quick --target ./web.target
	json '.server.asked == ":7000"'
	quick --target ./web.target --server $address
	json ".server.asked == \"$address\""
}

# somaxconn 16 is short for 1 000 connections a second; the operator knows.
test_what_is_accepted_counts_nothing() {
	in_root_namespace
	echo 16 >/proc/sys/net/core/somaxconn
	cat >web.target <<-END
		# the batch host
		rate = 1k
		accept = accept-queue.short
	END
	expect 2 epolltune check --quick --probe accept-queue --rate 1k
	expect 0 epolltune check --quick --probe accept-queue --target ./web.target
	said 'accepted accept-queue.short' 'accepted: accept-queue.short'
	expect 0 epolltune check --quick --probe accept-queue --target ./web.target --format line
	lacks out 'accept-queue 17 of'
	quick --probe accept-queue --target ./web.target
	is 'the exit status' "$status" 0
	json '.summary.accepted == 1 and .summary.short == 0' \
		'wall("accept-queue") | .accepted and .verdict == "short"' \
		'finding("accept-queue.short").accepted'
	expect 0 epolltune apply --probe accept-queue --target ./web.target --dry-run
	said 'Nothing to change'
	# Another wall does not match, and saving keeps the line.
	sed 's/short$/short@syn-queue/' web.target >other.target
	expect 2 epolltune check --quick --probe accept-queue --target ./other.target
	expect 0 epolltune check --quick --probe accept-queue --target ./web.target --rate 2k --save ./web.target
	contains web.target 'rate = 2k' 'accept = accept-queue.short'
	# The command to run next accepts the same.
	cp web.target "my web"
	expect any epolltune check --quick --probe accept-queue --target './my web' --rate 150
	said "epolltune apply --target './my web' --rate 150 "
}

# Listed with the reason, and counted again when the time is over or the queue gets shorter.
test_the_machine_accepts_for_a_time_and_from_a_value() {
	in_namespace -Urnm
	mount -t tmpfs none /etc
	mkdir /etc/epolltune
	echo 16 >/proc/sys/net/core/somaxconn
	accepts() { # STATUS LINE
		printf '# known\n\n%s\n' "$2" >/etc/epolltune/accepted
		expect "$1" epolltune check --quick --probe accept-queue --rate 1k
		quick --probe accept-queue --rate 1k
	}
	accepts 0 'accept-queue.short@accept-queue 2999-12-31 17 replaced in January'
	json 'finding("accept-queue.short") | .accepted and .acceptance ==
		{state: "valid", until: "2999-12-31", value: 17, reason: "replaced in January"}'
	expect 0 epolltune check --quick --probe accept-queue --rate 1k
	said 'accepted accept-queue.short: ' 'Accepted until 2999-12-31 at 17 (replaced in'
	accepts 2 'accept-queue.short 2999-12-31 18 replaced in January'
	json 'finding("accept-queue.short") | (.accepted | not) and .acceptance.state == "worse"'
	expect 2 epolltune check --quick --probe accept-queue --rate 1k
	said 'No longer accepted (replaced in January): accepted at 18, now 17.'
	accepts 2 'accept-queue.short 2026-01-31 - replaced in January'
	json 'finding("accept-queue.short") | (.accepted | not) and .acceptance.state == "expired"'
	expect 2 epolltune check --quick --probe accept-queue --rate 1k
	said 'No longer accepted (replaced in January): accepted until 2026-01-31.'
	accepts 0 'accept-queue.short never - replaced in January'
	wrong() { # LINE ERROR
		accepts 3 "$1"
		refused "/etc/epolltune/accepted:3: $2"
	}
	wrong 'accept-queue.short' 'not "ID[@WALL][=ABOUT] UNTIL VALUE REASON"'
	wrong 'accept-queue.short never -' 'not "ID[@WALL][=ABOUT] UNTIL VALUE REASON"'
	wrong 'accept-queue.brief never - no' 'no finding "accept-queue.brief"'
	wrong 'accept-queue.short@queue never - no' 'no wall "queue"'
	wrong 'accept-queue.short 2027-02-30 - no' 'until "2027-02-30": not a date such as'
	wrong 'accept-queue.short never many no' 'value'
	wrong 'knob.myth never 5 no' 'knob.myth belongs to no wall'
	wrong "accept-queue.short never - $(printf '%0150d' 1)" 'the reason is longer than'
}

test_findings_are_ignored_by_an_option() {
	in_root_namespace
	echo 16 >/proc/sys/net/core/somaxconn
	expect 0 epolltune check --quick --probe accept-queue --rate 1k --ignore accept-queue.short
	said 'accepted accept-queue.short: '
	expect 0 epolltune check --quick --probe accept-queue --rate 1k \
		--ignore knob.myth,accept-queue.short@accept-queue
	expect 2 epolltune check --quick --probe accept-queue --rate 1k --ignore accept-queue.short@syn-queue
	said '--probe accept-queue --ignore accept-queue.short@syn-queue --dry-run'
	expect 0 epolltune apply --probe accept-queue --rate 1k --ignore accept-queue.short --dry-run
	said 'Nothing to change'
	expect 3 epolltune check --quick --ignore accept-queue.brief
	refused '--ignore: no finding "accept-queue.brief"'
	expect 3 epolltune check --quick --ignore ''
	refused '--ignore: no finding ""'
	expect 3 epolltune apply --from x.json --ignore knob.myth
	refused '--from accepts what its report does'
}

test_a_damaged_file_is_refused() {
	bad() { # LINE ERROR
		printf 'rate = 5\n%s\n' "$1" >bad.target
		expect 3 epolltune check --quick --target ./bad.target
		refused './bad.target:2: ' "$2"
	}
	bad 'connection = 5' 'no "connection" in a target'
	bad 'rate = 6' 'rate: given twice'
	bad 'stall = 5' '--stall'
	bad 'role = client' 'role'
	bad 'connections' 'not "name = value"'
	bad 'accept = nosuch.finding' 'no finding "nosuch.finding"'
	bad 'accept = accept-queue.short@nosuch' 'no wall "nosuch"'
	bad "server = $(printf '%0200d' 1)" 'server: longer than'
	bad "rtt = $(printf '%0600d' 1)" 'longer than'
	expect 3 epolltune check --quick --target ./absent.target
	refused './absent.target: No such file or directory'
	expect 3 epolltune check --quick --target .
	refused 'no target "." in /etc/epolltune/targets'
	expect 3 epolltune check --quick --target ./
	refused './: not a file'
	expect 3 epolltune check --quick --target c10
	refused 'no target "c10" in /etc/epolltune/targets; a file needs a "/"; predefined: c10k, c100k, c1m'
	printf 'rate = 5\0 6\n' >nul.target
	expect 3 epolltune check --quick --target ./nul.target
	refused './nul.target:1: has a NUL byte'
	mkfifo pipe.target
	expect 3 epolltune check --quick --target ./pipe.target
	refused './pipe.target: not a file'
}

# Nothing is measured or observed for a target that cannot be saved.
test_what_cannot_be_saved_is_refused_first() {
	expect 3 epolltune check --save c100k
	refused '--save c100k: this target is predefined'
	expect 3 epolltune check --save ../../tmp/x/y
	refused '--save: ../../tmp/x/y: ' 'No such file or directory'
	expect 3 epolltune check --save .hidden
	refused '--save .hidden: a name has letters'
	echo 'rate = x' >broken
	expect 3 epolltune check --save ./broken
	refused '--save ./broken: ./broken:1: '
	contains broken 'rate = x'
	ln -s absent link
	expect 3 epolltune check --save ./link
	refused './link: is a symbolic link'
	expect 3 epolltune check --server "$(printf '%0200d' 1)" --save ./long
	refused '--save ./long: server: longer than 127 bytes'
	expect 3 epolltune check --server ' nginx' --save ./blank
	refused '--save ./blank: server: '
}

# In a mount namespace of its own: /etc of this machine stays as it is.
test_a_name_is_a_file_below_etc() {
	in_namespace -Urnm
	mount -t tmpfs none /etc
	quick --connections 70 --save web
	quiet
	contains /etc/epolltune/targets/web 'connections = 70'
	quick --target web
	json '.target.connections == 70'
	expect 3 epolltune check --target wed
	refused 'no target "wed" in /etc/epolltune/targets; a file needs a "/"; predefined: c10k, c100k, c1m; saved: web'
	# Names that fit after one that does not would hide it.
	long=$(printf '%060d' 0)
	for name in a b c d e f g h; do
		: >"/etc/epolltune/targets/$name$long"
	done
	: >/etc/epolltune/targets/z
	expect 3 epolltune check --target wed
	refused "a$long, b" ', …'
	! grep -q '; saved: .*z' err || fail 'the list goes on after a name that is left out'
	rm /etc/epolltune/targets/?0* /etc/epolltune/targets/z
	expect any epolltune check --quick --save web
	said 'Saved as /etc/epolltune/targets/web. Use it with: epolltune check --target web'
	quick --connections 80 --save web
	contains /etc/epolltune/targets/web 'connections = 80'
	[ "$(ls -A /etc/epolltune/targets)" = web ] || fail 'files are left'
	# The report is printed, whether or not its target can be saved.
	mkdir full
	mount -t tmpfs -o size=4k none full
	head -c 8192 /dev/zero >full/zeros 2>/dev/null || :
	expect 3 epolltune check --quick --save ./full/web
	said 'Target: 10 000 connections'
	contains err './full/web: cannot write: No space left on device'
}

run_tests "$@"
