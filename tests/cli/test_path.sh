#!/bin/sh
# path: runs commands on two hosts, over the given path and with the given sysctls.
# shellcheck source=SCRIPTDIR/../lib.sh
# shellcheck disable=SC2016 # the commands' shell expands them
. "$(dirname "$0")/../lib.sh"

path() { # STATUS OPTIONS…
	want=$1
	shift
	expect "$want" epolltune path "$@"
}

needs_path() {
	may_unshare -Urn || skip 'namespaces are not available'
	needs_tun
}

prints() { printf '%s\n' "$@" | diff - out || fail 'other output'; } # LINE…

test_commands_inherit_streams_and_pass_on_status() {
	needs_path
	echo hello >hello
	path 0 --rtt 1ms -- cat <hello
	prints hello
	contains err 'path: RTT 1 ms'
	path 2 --rtt 1ms -- sh -c 'echo no >&2; exit 7'
	[ ! -s out ]
	contains err 'status 7'
	path 2 --rtt 1ms --client 'kill -9 $$'
	[ ! -s out ]
	contains err 'signal 9'
	path 3 --rtt 1ms -- /nowhere/x
	[ ! -s out ]
	contains err '/nowhere/x: No such file'
	path 0 --rtt 1ms --client 'echo $SERVER $CLIENT'
	prints '198.18.0.1 198.18.1.1'
	(cd / && "$PROGRAM" path --rtt 1ms -- pwd) >out 2>err
	prints /
}

test_standard_input_is_the_clients() {
	needs_path
	echo hello >hello
	path 0 --rtt 1ms --server 'cat; sleep 9' -- cat <hello
	prints hello
	path 0 --rtt 1ms --server cat <hello
	prints hello
}

test_sysctls_can_be_set() {
	needs_path
	path 0 --rtt 1ms --set 'net.core.somaxconn=77,net.ipv4.tcp_rmem=4096 5000 6000' \
		-- cat /proc/sys/net/core/somaxconn /proc/sys/net/ipv4/tcp_rmem
	prints 77 '4096	5000	6000'
	# The kernel refuses the value: not an absent knob.
	path 3 --rtt 1ms --set net.ipv4.tcp_congestion_control=nosuch -- true
	[ ! -s out ]
	contains err 'cannot write'
}

# The server's host has them too; the caller's namespace is unchanged.
test_hosts_copy_the_sysctls_of_the_caller() {
	needs_path
	in_namespace
	echo 55 >/proc/sys/net/core/somaxconn
	path 0 --rtt 1ms --server 'cat /proc/sys/net/core/somaxconn'
	prints 55
	path 0 --rtt 1ms --set net.core.somaxconn=66 --server 'cat /proc/sys/net/core/somaxconn'
	prints 66
	is 'the caller has' "$(cat /proc/sys/net/core/somaxconn)" 55
}

# One RTT for the handshake, half for the ACK, half for the data. bash implements /dev/tcp.
test_the_path_has_the_round_trip_time() {
	needs_path
	path 0 --rtt 300ms --server 'echo hello | busybox nc -l -p 8080' -- bash -c 's=$(date +%s%N)
		exec 3<>/dev/tcp/$SERVER/8080; read x <&3
		e=$(date +%s%N); [ "$x" = hello ] && echo $(((e - s) / 1000000))'
	[ "$(cat out)" -ge 600 ] || fail "the answer came after $(cat out) ms"
}

test_a_lossy_path_delivers_all_data() {
	needs_path
	head -c 2000000 /dev/urandom >a
	export work
	path 0 --rtt 2ms --loss 1% --seed 3 --server 'busybox nc -l -p 8080 <$work/a' \
		-- bash -c 'exec 3<>/dev/tcp/$SERVER/8080; cat <&3 >$work/b'
	cmp a b
	contains err ' lost'
}

test_the_path_drops_nothing_by_default() {
	needs_path
	path any --rtt 1ms -- true
	lacks err dropped
}

# The grandchild of the command that has the TUN device.
find_relay() { # PID
	for child in $(pgrep -P "$1"); do
		for relay in $(pgrep -P "$child"); do
			[ "$(readlink "/proc/$relay/fd/3")" != /dev/net/tun ] || return 0
		done
	done
	return 1
}

# Stops the relay while more packets arrive than its device queues.
test_a_path_that_fell_behind_is_reported() {
	needs_path
	export work
	epolltune path --rtt 50ms -- bash -c 'until [ -e $work/go ]; do sleep .02; done
		exec 3>/dev/udp/$SERVER/9; for i in {1..7000}; do echo x >&3; done 2>/dev/null
		: >$work/sent; until [ -e $work/end ]; do sleep .02; done; sleep .3' >out 2>err &
	pid=$!
	wait_for find_relay $pid
	kill -STOP "$relay"
	: >go
	wait_for test -e sent
	kill -CONT "$relay"
	wait_for grep -q '^State:[[:space:]]*S' "/proc/$relay/status" # it has taken what its device held
	: >end
	wait $pid
	contains err ' dropped, 0 lost' 'fell behind'
}

# Also a server that ignores SIGTERM, and its children.
test_the_server_stops_after_its_client() {
	needs_path
	path any --rtt 1ms --server 'trap : TERM; sleep 4321 & sleep 4321; sleep 4321' -- true
	[ ! -s out ]
	! pgrep -f '^sleep 4321' || fail 'it is left'
	path 3 --rtt 1ms --server 'exit 3' -- true
	[ ! -s out ]
	contains err 'with status 3'
	path 0 --rtt 1ms --server 'exit 0'
	[ ! -s out ]
	path 2 --rtt 1ms --server 'exit 4'
	[ ! -s out ]
	contains err 'server command exited'
}

test_commands_cannot_change_the_host() {
	needs_path
	path any --rtt 1ms --client 'd=$(mktemp) && rm $d && echo written
		echo 1 >/proc/sys/fs/nr_open; echo 1 >/proc/sys/vm/swappiness
		cat /proc/net/dev | grep -c eth0'
	prints written 0
	contains err 'nr_open: Read-only file system' 'swappiness: Read-only file system'
}

error() { # TEXT OPTIONS…
	text=$1
	shift
	path 3 "$@"
	[ ! -s out ] || fail 'there is output'
	contains err "$text"
}

test_errors_name_the_argument() {
	error 'nothing to run'
	error 'exclude each other' --client true -- true
	error '--loss: "2"' --loss 2 -- true
	error '--loss: "100%"' --loss 100% -- true
	error --loss --loss -1% -- true
	error '--loss: "nan"' --loss nan -- true
	error --rtt --rtt 2s -- true
	error '256 MiB' --rtt 1s --bandwidth 10gbit -- true
}

test_errors_name_the_knob() {
	needs_path
	error 'not KNOB=VALUE' --set net.core.somaxconn -- true
	error 'fs.file-max is not a knob' --set fs.file-max=5 -- true
	error net.core.nosuch --set net.core.nosuch=5 -- true
	error 'unknown knob "net/core/somaxcon"; did you mean net.core.somaxconn?' --set net/core/somaxcon=5 -- true
	# A comma without a KNOB= after it is part of the value, as for apply.
	error '"3,4" is not two decimal integers' --set net.ipv4.ip_local_port_range=3,4 -- true
	error somaxconn --set net.core.somaxconn=x -- true
}

run_tests "$@"
