#!/bin/sh
# The limits of a control group that the test makes: memory and CPU time, of epolltune itself and of a server.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

# Makes $group, with a controller: of cgroup v1 below this process' own, of v2 below the root. Ends the test where
# that is refused, as in most containers: tests/vm/test_cgroup.sh tests the same on a machine of its own.
make_group() { # CONTROLLER [PREFIX]
	own=$(sed -n "s/^[0-9]*:\([^:]*,\)*$1\(,[^:]*\)*://p" /proc/self/cgroup)
	parent=/sys/fs/cgroup
	[ -z "$own" ] || parent=$parent/$1
	[ ! -d "$parent$own" ] || parent=$parent$own
	[ "$own" ] || grep -qsw "$1" "$parent/cgroup.subtree_control" || exit 0
	group=$parent/${2-}epolltune-test.$$
	mkdir "$group" || exit 0
	trap 'end_jobs; wait_for rmdir "$group" 2>/dev/null' EXIT
}

# Sets FILE of the group, which has another name in v1.
limit() { # V1-FILE VALUE V2-FILE VALUE
	if [ -e "$group/$1" ]; then echo "$2" >"$group/$1"; else echo "$4" >"$group/$3"; fi
}

# sh -c "$enter" "$group" COMMAND…: a job is then the command itself.
enter='echo 0 >"$0/cgroup.procs" && exec "$@"'

# The experiments fit into the group, or are not run: the kernel kills no process.
test_64_mib_are_short_and_kill_nothing() {
	! sanitized || exit 0
	in_namespace -n
	make_group memory docker-
	limit memory.limit_in_bytes 64M memory.max 64M
	echo 128 >/proc/sys/net/core/somaxconn
	expect 2 sh -c "$enter" "$group" epolltune check --quick --target c100k --format json
	json 'wall("cgroup.memory") | .verdict == "short" and .limit <= 67108864' \
		'has_finding("cgroup.memory.short")' \
		'finding("cgroup.memory.short").advice | contains("mem_limit: ")' \
		'finding("accept-queue.short").advice | contains("sysctls: {net.core.somaxconn: ") and
			contains("the host'"'"'s value does not reach it")'
	expect any sh -c "$enter" "$group" epolltune check --connections 15k --format json
	json '.summary.status | IN("ok", "warning", "critical", "unknown")' 'has_finding("probe.failed") | not' \
		'wall("cgroup.memory").verdict != "unknown"'
	for counter in memory.events memory.oom_control; do
		[ ! -e "$group/$counter" ] || is 'the number of processes killed' "$(sed -n 's/^oom_kill //p' "$group/$counter")" 0
	done
}

holds_connections() { [ "$(ss -Htn state established sport = :8090 | wc -l)" -ge 200 ]; }

# What a server takes of its own for a connection is known of few: up to the most that is assumed it is not ready.
test_the_memory_of_a_server_counts_in_its_group() {
	needs ss
	in_namespace -n
	make_group memory
	limit memory.limit_in_bytes 64M memory.max 64M
	cp "$PROGRAM" nginx
	cp "$PROGRAM" own
	serve() { sh -c "$enter" "$group" "./$1" serve --port "$2" --workers 1 --quiet & }
	serve own 8090
	serve nginx 8091
	wait_for sh -c 'ss -ltn | grep -q :8090 && ss -ltn | grep -q :8091'
	check="epolltune check --quick --probe container --format json"
	expect 3 $check --server :8090 --connections 2000
	json 'wall("cgroup.memory") | .verdict == "unknown" and .limit > .needed and .needed > 0 and
			(.detail | contains("takes up to 256 KiB of its own memory per connection. check --run measures it (application.memory)."))' \
		'.summary.answer == "Not known: 1 wall has no verdict: cgroup.memory."'
	expect 0 $check --server :8090 --connections 20
	json 'wall("cgroup.memory").verdict == "ok"'
	expect 1 $check --server :8091 --connections 4000
	json 'wall("cgroup.memory") | .verdict == "tight" and .limit >= .needed and .limit < 1.25 * .needed_max' 'finding("cgroup.memory.tight") |
		.remedy == "container" and (.title | contains(" may leave too little for 4 000 connections")) and
			(.detail | contains("nginx takes 500 B to 15.6 KiB of its own memory per connection (15.6 KiB with TLS)."))'
	# Those that are open need what they may add: silent ones show nothing of busy ones.
	epolltune load --mode hold --connections 200 --duration 60s 127.0.0.1:8090 >load 2>&1 &
	wait_for holds_connections
	expect any $check --server :8090 --connections 2000
	json 'wall("cgroup.memory") | .detail | contains(" takes up to 256 KiB ") and
		contains("For the 200 open connections epolltune counts only what they may add.")'
	limit memory.limit_in_bytes 128M memory.max 128M
	expect 0 $check --server :8090 --connections 200
	json 'wall("cgroup.memory") | .verdict == "ok" and .needed < 10000 and .needed_max > 200 * 1060'
}

# Without --server. What listens on loopback only is reached from within its own namespace.
test_servers_in_other_network_namespaces_are_noted() {
	in_namespace '-n -p -f --mount-proc'
	cp "$PROGRAM" own
	cp "$PROGRAM" inner
	# Each namespace is looked at once, however many processes it has.
	unshare -n sh -c 'for _ in $(seq 150); do sleep 60 & done; wait' &
	wait_for sh -c 'test "$(pgrep -cx sleep)" -ge 150'
	unshare -n sh -c 'ip link set lo up && exec ./inner serve --listen 127.0.0.1 --port 8090 --workers 1 --quiet' &
	inner=$!
	unshare -n sh -c 'ip link set lo up && exec ./own serve --listen 0.0.0.0 --port 8090 --workers 1 --quiet' &
	own=$!
	for pid in $own $inner; do wait_for grep -q ':1F9A .* 0A ' "/proc/$pid/net/tcp"; done
	expect 0 epolltune check --quick --probe listeners --format json
	json 'finding("listeners.elsewhere") | .level == "note" and (.detail | startswith("own (pid ")) and
		(.title | startswith("1 other network namespace has a listener, "))'
	expect 0 epolltune check --quick --probe listeners --server "$own" --format json
	json 'has_finding("listeners.elsewhere") | not'
}

drops_at() { # PID
	awk '/^TcpExt: [A-Z]/ { for (i = 1; i <= NF; i++) if ($i == "ListenDrops") at = i; next }
		/^TcpExt:/ { exit !($at > 0) }' "/proc/$1/net/netstat"
}

test_a_server_in_another_network_namespace_that_drops_clients_is_a_warning() {
	in_namespace '-n -p -f --mount-proc'
	cp "$PROGRAM" own
	unshare -n sh -c 'ip link set lo up && exec ./own serve --listen 0.0.0.0 --port 8090 --workers 1 --backlog 4 --quiet' &
	own=$!
	wait_for grep -q ':1F9A .* 0A ' "/proc/$own/net/tcp"
	kill -STOP "$own"
	while sleep 0.5; do
		nsenter -n -t "$own" "$PROGRAM" load --mode hold --connections 50 --duration 1s 127.0.0.1:8090 &
	done >load 2>&1 &
	wait_for drops_at "$own"
	expect 1 epolltune check --window 2500ms --probe listeners --format json
	json 'finding("listeners.elsewhere.dropping") | .level == "warning" and (.title | test("^The network namespace of own .pid [0-9]+. dropped ")) and
			(.advice | contains("epolltune check --netns "))' \
		'.summary.answer | contains("the network namespace of own (pid ")'
	kill -CONT "$own"
}

waits_at() { grep -q ':1F9A 0*:0000 0A 0*:0000003[0-9] ' "/proc/$1/net/tcp"; } # PID

# Its queue has room: nothing is dropped.
test_a_stopped_server_in_another_network_namespace_is_a_warning() {
	in_namespace '-n -p -f --mount-proc'
	cp "$PROGRAM" own
	unshare -n sh -c 'ip link set lo up && exec ./own serve --listen 0.0.0.0 --port 8090 --workers 1 --backlog 128 --quiet' &
	own=$!
	wait_for grep -q ':1F9A .* 0A ' "/proc/$own/net/tcp"
	for pid in $own $(pgrep -P "$own"); do kill -STOP "$pid"; done
	nsenter -n -t "$own" "$PROGRAM" load --mode hold --connections 50 --duration 60s 127.0.0.1:8090 >load 2>&1 &
	wait_for waits_at "$own"
	expect 1 epolltune check --probe listeners --format json
	json 'finding("listeners.elsewhere.waiting") | .level == "warning" and
			(.title | test("^5[0-9] connections wait in the network namespace of own .pid [0-9]+.: own is stopped .state T.$"))' \
		'.summary.answer | contains("connections wait in the network namespace of own (pid ")'
	for pid in $own $(pgrep -P "$own"); do kill -CONT "$pid"; done
	expect 0 epolltune check --probe listeners --format json
}

drops_datagrams_at() { # PID
	awk '/^Udp: [A-Z]/ { for (i = 1; i <= NF; i++) if ($i == "RcvbufErrors") at = i; next }
		/^Udp:/ { exit !($at > 0) }' "/proc/$1/net/snmp"
}

# A server in another network namespace that reads none of what it gets at PORT.
udp_server_drops() { # PORT
	in_namespace '-n -p -f --mount-proc'
	unshare -n sh -c 'ip link set lo up && exec python3 -c "import socket, sys, time
port = int(sys.argv[1])
server, client = [socket.socket(type=socket.SOCK_DGRAM) for i in range(2)]
server.bind((\"0.0.0.0\", port))
while True:
	client.sendto(bytes(1000), (\"127.0.0.1\", port))
	time.sleep(0.001)" "$1"' sh "$1" &
	own=$!
	wait_for drops_datagrams_at "$own"
	expect 1 epolltune check --window 2500ms --probe listeners --format json
	json "finding(\"listeners.elsewhere.dropping\") | .level == \"warning\" and
			(.title | test(\"^The network namespace of python3? .pid $own. dropped [0-9 ]+ datagrams in \"))" \
		'.summary.answer | contains("is dropping datagrams now")'
}

test_a_server_in_another_network_namespace_that_drops_datagrams_is_a_warning() {
	udp_server_drops 53
	json "finding(\"listeners.elsewhere\") | .detail | startswith(\"python3 (pid $own)\")"
}

# Of WireGuard in user space or a TURN relay: no other socket of the container is a server's.
test_a_udp_server_on_a_port_of_clients_that_drops_is_a_warning() {
	udp_server_drops 51820
	json 'has_finding("listeners.elsewhere") | not'
}

# Each of its sockets drops for a moment: a client that is slow.
test_udp_clients_of_another_network_namespace_that_drop_are_none() {
	in_namespace '-n -p -f --mount-proc'
	unshare -n sh -c 'ip link set lo up && exec python3 -c "import socket, time
sender = socket.socket(type=socket.SOCK_DGRAM)
while True:
	client = socket.socket(type=socket.SOCK_DGRAM)
	client.bind((\"0.0.0.0\", 0))
	for i in range(400):
		sender.sendto(bytes(1000), (\"127.0.0.1\", client.getsockname()[1]))
	time.sleep(0.1)"' &
	own=$!
	wait_for drops_datagrams_at "$own"
	expect 0 epolltune check --window 2500ms --probe listeners --format json
	json 'has_finding("listeners.elsewhere.dropping") | not'
}

test_an_ordinary_user_is_told_of_other_network_namespaces() {
	[ "$(id -u)" -eq 0 ] || skip 'root only: the namespace is of another user'
	in_namespace '-n -p -f --mount-proc'
	chmod 755 "$work" "$work/.."
	install -m 755 "$PROGRAM" own
	install -m 755 "$PROGRAM" copy
	unshare -n sh -c 'ip link set lo up && exec ./own serve --listen 0.0.0.0 --port 8090 --workers 1 --backlog 4 --quiet' &
	own=$!
	wait_for grep -q ':1F9A .* 0A ' "/proc/$own/net/tcp"
	user='setpriv --reuid 65534 --regid 65534 --clear-groups ./copy'
	expect 0 $user check --quick --probe listeners --format json
	json 'finding("listeners.elsewhere") | .level == "note" and
			(.title | startswith("1 other network namespace may have listeners, ")) and
			(.detail | startswith("This user may not read which process "))' \
		'has_finding("listeners.elsewhere.dropping") | not'
	kill -STOP "$own"
	while sleep 0.5; do
		nsenter -n -t "$own" "$PROGRAM" load --mode hold --connections 50 --duration 1s 127.0.0.1:8090 &
	done >load 2>&1 &
	wait_for drops_at "$own"
	expect 1 $user check --window 2500ms --probe listeners --format json
	json 'finding("listeners.elsewhere.dropping") | .level == "warning" and (.title | test("^The network namespace of own .pid [0-9]+. dropped "))'
	kill -CONT "$own"
}

# With a quota of 2 ms in 100 a busy server pauses for 98 ms: the target's stall is no shorter. The group uses 2 ms up
# in each period, however busy the machine is.
test_the_accept_queue_must_hold_what_arrives_in_the_pause_of_a_quota() {
	in_namespace -n
	make_group cpu
	sh -c "$enter" "$group" epolltune serve --port 8090 --workers 1 --backlog 128 --quiet &
	wait_for sh -c 'ss -ltn | grep -q :8090'
	for _ in 1 2; do sh -c "$enter" "$group" sh -c 'while :; do :; done' & done
	limit cpu.cfs_period_us 100000 cpu.max '2000 100000'
	limit cpu.cfs_quota_us 2000 cpu.max '2000 100000'
	wait_for grep -q '^nr_throttled [1-9]' "$group/cpu.stat"
	check() { expect any epolltune check --probe container,accept-queue --no-proof --rate 10k --format json "$@"; }
	check --server :8090 --stall 20ms
	json 'wall("cgroup.cpu") | .verdict == "short" and .limit == 2' \
		'finding("cgroup.cpu.short") | at_current("periods throttled") >= 0.8 * at_current("periods")' \
		'has_finding("cgroup.cpu.pause")' '.target.stall_us | . >= 98000 and . < 100000' 'wall("accept-queue").needed >= 980'
	check --server :8090 --stall 200ms
	json 'has_finding("cgroup.cpu.pause") | not' 'wall("accept-queue").needed == 2000'
	# Others are not held up.
	check --stall 20ms
	json 'has_finding("cgroup.cpu.pause", "cgroup.cpu.short") | not' 'wall("accept-queue").needed == 200'
}

# One thread accepts, and those of a neighbour use the quota up on all CPUs.
test_the_pause_of_a_quota_is_that_of_all_threads_of_its_group() {
	in_namespace -n
	make_group cpu
	cpus=$(nproc)
	[ "$cpus" -gt 1 ] || exit 0
	sh -c "$enter" "$group" epolltune serve --port 8090 --workers 1 --quiet &
	wait_for sh -c 'ss -ltn | grep -q :8090'
	for _ in $(seq "$cpus"); do sh -c "$enter" "$group" sh -c 'while :; do :; done' & done
	limit cpu.cfs_period_us 100000 cpu.max '20000 100000'
	limit cpu.cfs_quota_us 20000 cpu.max '20000 100000'
	wait_for grep -q '^nr_throttled [1-9]' "$group/cpu.stat"
	expect any epolltune check --server :8090 --probe container --stall 5ms --format json
	json 'has_finding("cgroup.cpu.pause")' ".target.stall_us == $((100000 - 20000 / cpus))"
}

# More workers would share the quota.
test_the_quota_that_stops_a_slow_server_is_named() {
	in_namespace -n
	make_group cpu
	cp "$PROGRAM" own
	sh -c "$enter" "$group" ./own serve --port 8090 --workers 1 --backlog 16 --quiet &
	wait_for sh -c 'ss -ltn | grep -q :8090'
	for _ in 1 2; do sh -c "$enter" "$group" sh -c 'while :; do :; done' & done
	limit cpu.cfs_period_us 100000 cpu.max '2000 100000'
	limit cpu.cfs_quota_us 2000 cpu.max '2000 100000'
	wait_for grep -q '^nr_throttled [1-9]' "$group/cpu.stat"
	epolltune load --mode connect --rate 2000 --duration 150s 127.0.0.1:8090 >load 2>&1 &
	wait_for drops
	# The queue is not full while all clients wait to retransmit.
	expect_known 'has_finding("accept-queue.slow", "accept-queue.full")' 2 epolltune check --probe listeners --format json
	json 'any(.findings[]; (.id | IN("accept-queue.slow", "accept-queue.full")) and .remedy == "container" and
			(.detail | contains(" The CPU quota of own, 2 ms in 100 ms (")) and
			(.advice | contains("To remove that quota") and (contains("dd workers") | not)))'
}

drops() { [ "$(nstat -asz TcpExtListenOverflows | awk '/^TcpExt/ { print $2 }')" -gt 100 ]; }

# As of an idle container of Kubernetes: the check, with all that watches the machine, uses it up alone.
check_with_a_small_quota() {
	! sanitized || exit 0
	in_namespace -n
	make_group cpu
	limit cpu.cfs_period_us 100000 cpu.max '10000 100000'
	limit cpu.cfs_quota_us 10000 cpu.max '10000 100000'
	[ ! "${1-}" ] || sh -c "$enter" "$group" "$@" &
	expect any sh -c "$enter" "$group" epolltune check --format json --no-proof --connections 100 --rate 10 \
		--probe container,listeners,counters,nic,configuration,syn-queue,descriptors,accept-queue
}

test_a_check_in_a_group_with_a_quota_accuses_nobody() {
	check_with_a_small_quota
	json 'wall("cgroup.cpu") | .verdict == "ok" and .limit == 10'
}

test_a_server_that_uses_its_quota_up_is_accused_by_a_check_in_its_group() {
	check_with_a_small_quota sh -c 'while :; do :; done'
	json 'wall("cgroup.cpu") | .verdict == "short" and .limit == 10' 'has_finding("cgroup.cpu.short")'
}

# 175 processes of the server: with those of the check less than a tenth of the limit would be left.
test_the_processes_of_a_check_are_not_those_of_its_group() {
	in_namespace -n
	make_group pids
	limit pids.max 200 pids.max 200
	for _ in $(seq 175); do sh -c "$enter" "$group" sleep 100 & done
	wait_for sh -c '[ "$(cat "$0/pids.current")" -eq 175 ]' "$group"
	expect any sh -c "$enter" "$group" epolltune check --format json --connections 100 \
		--probe listeners,counters,container,tasks,conntrack,neighbours,configuration,live,drift,myths,application
	json 'wall("cgroup.pids") | .verdict == "ok" and .limit == 25' 'has_finding("cgroup.pids.near") | not'
}

test_what_does_not_fit_is_not_run() {
	in_namespace -n
	make_group pids
	limit pids.max 12 pids.max 12
	expect 0 sh -c "$enter" "$group" epolltune check --probe syn-queue --format json
	json 'wall("syn-queue") | .experiment == "missed" and .method == "derived" and
			(.reason | startswith("pids.max of /"))' \
		'.summary.answer | contains("not measured")' 'has_finding("probe.failed") | not'
}

# More groups than have a limit, and two of one name.
test_the_limit_of_each_group_is_watched() {
	needs python3
	in_namespace -n
	make_group memory
	top=$group
	python=$(python3 -c 'import sys; print(sys.executable)')
	trap 'end_jobs; for group in "$top"/*/app "$top"/*/ "$top"; do wait_for rmdir "$group"; done 2>/dev/null' EXIT
	[ ! -e "$top/cgroup.subtree_control" ] || echo +memory >"$top/cgroup.subtree_control"
	for number in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 a b; do
		group=$top/$number
		mkdir "$group"
		case $number in
		a | b)
			[ ! -e "$group/cgroup.subtree_control" ] || echo +memory >"$group/cgroup.subtree_control"
			group=$group/app
			mkdir "$group"
			limit memory.limit_in_bytes 64M memory.max 64M
			;;
		esac
		sh -c 'echo $$ >"$1/cgroup.procs" && exec "$3" -c "import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(1); time.sleep(100)" "$2"' - "$group" "$number" "$python" &
		wait_for test -S "$number"
	done
	expect any epolltune watch --interval 1s --count 2 --format jsonl
	jq -es '.[-1] | [.rows[] | select(.wall == "cgroup.memory" and .what == "app memory")] |
		length == 2 and .[0].key != .[1].key and all(.limit == 67108864)' out >filtered || { show out && fail 'a group is missing'; }
}

# Clients of published ports meet the queue of what accepts for the container outside of it.
test_a_container_of_a_user_is_not_ready_while_its_forwarder_is_not_judged() {
	in_root_namespace
	cp "$PROGRAM" rootlessport
	unshare -Urn "$PROGRAM" serve --port 8090 --workers 1 --quiet &
	server=$!
	wait_for grep -q ':1F9A .* 0A ' "/proc/$server/net/tcp"
	check="epolltune check --quick --server $server --connections 100 --rate 100 --format json"
	expect any $check
	json 'has_finding("listeners.published") | not'
	./rootlessport serve --port 8091 --workers 1 --quiet &
	wait_for grep -q ':1F9B .* 0A ' "/proc/$!/net/tcp"
	expect any $check
	json 'finding("listeners.published") | .level == "warning" and (.title | startswith("rootlessport (pid "))' \
		'.summary.answer | contains("rootlessport may accept the clients of")'
}

serves_at() { grep -q ':1F9A .* 0A ' "/proc/$1/net/tcp"; } # PID

# Starts `own` in a network namespace of its own, as $own, behind a veth pair whose end here is v0.
own_behind_a_pair() {
	cp "$PROGRAM" own
	unshare -n ./own serve --listen 0.0.0.0 --port 8090 --workers 1 --quiet &
	own=$!
	wait_for serves_at "$own"
	ip link add v0 type veth peer name v1 netns "$own"
	ip addr add 10.9.0.1/24 dev v0
	ip link set v0 up
	nsenter -n -t "$own" sh -c 'ip link set lo up; ip addr add 10.9.0.2/24 dev v1; ip link set v1 up'
}

drops_at_v0() { tc -s qdisc show dev v0 | grep -q 'dropped [1-9]'; }

# A qdisc there drops what a check in the server's own namespace does not see.
test_what_drops_packets_outside_of_the_servers_network_namespace_is_a_warning() {
	needs tc
	in_namespace '-n -p -f --mount-proc'
	own_behind_a_pair
	check='epolltune check --probe nic,conntrack,neighbours --format json'
	expect 0 $check --server "$own"
	json '[.findings[].id] | any(startswith("nic.")) | not'
	tc qdisc add dev v0 root tbf rate 64kbit burst 2kb limit 3000 || skip 'the kernel has no tbf'
	epolltune load --remote --mode connect --connections 200 --duration 60s 10.9.0.2:8090 >load 2>&1 &
	wait_for drops_at_v0
	expect 1 $check --server "$own"
	json 'finding("nic.qdisc.dropping") | .level == "warning" and .about == "v0 outside" and
			(.title | startswith("The qdisc (tbf) of v0 drops ")) and
			(.detail | startswith("This is of the network namespace that the check was started in: packets to own cross it. "))' \
		'.summary.answer | contains("the qdisc of v0 drops packets now, outside the checked network namespace")' \
		'has_finding("nic.outside") | not'
	expect 1 $check --netns "$own" --window 1s
	json 'finding("nic.qdisc.dropping").detail | contains("packets to the one that was checked cross it")'
	# As containers have it, in a bridge: a check here takes it for that of a guest.
	ip link add br0 type bridge
	ip link set v0 master br0
	expect 0 $check
	json 'has_finding("nic.qdisc.dropping") | not'
	expect 1 $check --server "$own"
	json 'has_finding("nic.qdisc.dropping")'
}

# What drops packets to others does not accuse it.
test_a_quiet_path_beside_one_that_drops_is_quiet() {
	needs tc
	in_namespace '-n -p -f --mount-proc'
	own_behind_a_pair
	unshare -n ./own serve --listen 0.0.0.0 --port 8090 --workers 1 --quiet &
	other=$!
	wait_for serves_at "$other"
	ip link set v0 down
	nsenter -n -t "$own" ip link set v1 down
	ip link set v0 name w0
	ip link add v0 type veth peer name v1 netns "$other"
	ip addr flush dev w0
	ip addr add 10.9.0.1/24 dev v0
	ip link set v0 up
	ip link set w0 up
	nsenter -n -t "$own" ip link set v1 up
	nsenter -n -t "$other" sh -c 'ip link set lo up; ip addr add 10.9.0.2/24 dev v1; ip link set v1 up'
	tc qdisc add dev v0 root tbf rate 64kbit burst 2kb limit 3000 || skip 'the kernel has no tbf'
	epolltune load --remote --mode connect --connections 200 --duration 60s 10.9.0.2:8090 >load 2>&1 &
	wait_for drops_at_v0
	expect 0 epolltune check --probe nic --server "$own" --format json
	json '[.findings[].id] | any(startswith("nic.")) | not'
	expect 1 epolltune check --probe nic --server "$other" --format json
	json 'has_finding("nic.qdisc.dropping")'
}

# Where no interface of the server leads out, nothing outside is on the way to it.
test_a_server_without_a_way_out_is_not_judged_by_what_is_outside() {
	in_namespace '-n -p -f --mount-proc'
	cp "$PROGRAM" own
	unshare -n sh -c 'ip link set lo up && exec ./own serve --port 8090 --workers 1 --quiet' &
	own=$!
	wait_for serves_at "$own"
	expect 0 epolltune check --probe nic --server "$own" --format json
	json 'has_finding("nic.outside")' 'any(.findings[]; .about // "" | endswith("outside")) | not'
}

# Not "no limit applies": the limit of the group is not visible.
test_a_group_that_is_not_visible_is_unknown() {
	grep -Eq '^([0-9]+:memory|0:):/.' /proc/self/cgroup || skip 'this process is in the root group'
	expect 3 unshare -Urm sh -c 'mount -t tmpfs tmpfs /sys/fs/cgroup && "$PROGRAM" check --quick --probe container --format json'
	json 'wall("cgroup.memory") | .verdict == "unknown" and .needed > 0' '.summary.answer | startswith("Not known: ")'
}

# The root of a cgroup namespace is no root of all groups: it may have limits.
test_the_root_of_a_cgroup_namespace_that_is_not_mounted_is_unknown() {
	may_unshare -UrmC || skip 'unshare -UrmC is refused'
	expect 3 unshare -UrmC sh -c 'mount -t tmpfs tmpfs /sys/fs/cgroup && "$PROGRAM" check --quick --probe container --format json'
	json 'wall("cgroup.memory") | .verdict == "unknown" and .needed > 0' '.summary.answer | startswith("Not known: ")'
}

# In a container process 1 has its network namespace, too, but the counters began with that.
test_losses_of_a_container_are_not_those_since_boot() {
	cp -r "$tests/hosts/counters-past" host
	chmod -R u+w host
	for first in 0 1; do
		printf 'boot 1\nnetns 1\ninitial 1\nfirst_pids 0\nfirst_cgroups 0\nfirst_netns %s\n' "$first" >host/identity
		expect any epolltune check --sysroot host --probe counters --format json
		json 'finding("counters.past").title | contains("since boot") == ('"$first"' == 1) and
			contains("since this network namespace was made") == ('"$first"' == 0)'
	done
}

# Softnet counters are of the machine: a container with its network shows them.
test_a_container_with_the_network_of_the_host_is_in_the_first_namespace() {
	[ -e /proc/sys/net/ipv4/tcp_mem ] || skip 'this is not the first network namespace'
	may_unshare '-Urmpf --mount-proc' || skip 'unshare -Urmpf --mount-proc is refused'
	expect any unshare -Urmpf --mount-proc "$PROGRAM" watch --interval 1s --count 1 --format jsonl
	jq -es 'any(.[].rows[]?; .wall == "softnet.backlog")' out >filtered || { show out && fail 'no softnet row'; }
}

# Groups above the root of a container, as of systemd-nspawn, are not visible in it: their limits are not denied.
test_a_container_without_a_limit_may_have_one_above() {
	cp -r "$tests/hosts/linux-6.18" host
	chmod -R u+w host
	mkdir -p host/sys/fs/cgroup
	printf 'boot 1\nnetns 1\ninitial 1\nfirst_pids 0\nfirst_cgroups 0\n' >host/identity
	echo 0::/ >host/proc/self/cgroup
	echo '30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw' >host/proc/self/mountinfo
	echo domain >host/sys/fs/cgroup/cgroup.type
	check='epolltune check --sysroot host --probe container --format json'
	expect 3 $check
	json '.summary.answer == "Not known: 1 wall has no verdict: cgroup.memory."' \
		'wall("cgroup.memory").detail | startswith("Groups above this container are not visible here")' \
		'wall("cgroup.cpu") | .verdict == "unknown" and (.detail | startswith("Groups above this container "))'
	: >host/.dockerenv
	expect 0 $check
	json '. as $r | all("cgroup.memory", "cgroup.cpu", "cgroup.pids"; . as $name | $r | wall($name) |
			.verdict == "n/a" and (.detail | startswith("The control group of this container has no such limit.")))'
}

run_tests "$@"
