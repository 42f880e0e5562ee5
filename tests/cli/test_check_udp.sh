#!/bin/sh
# Probe udp measures what a UDP socket holds. test_verdict_udp tests the rules, test_queues sockets that drop.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

net=/proc/sys/net
check='epolltune check --format json --probe udp'
known='wall("udp.receive").measured | type == "number"'
test_a_burst_beyond_the_largest_buffer_is_dropped_and_the_proposal_holds_it() {
	in_root_namespace
	max=$(cat $net/core/rmem_max)
	[ "$max" -le 16777216 ] || skip "net.core.rmem_max is $max: such a burst takes too much memory"
	needed=$((max * 2 / 2304 * 3 / 2))
	expect_known "$known" 2 $check --datagrams $((needed * 10))
	json 'wall("udp.receive") | .verdict == "short" and .method == "measured" and .knob == "net.core.rmem_max" and
			.needed == '$needed'' \
		'finding("udp.receive.short") | at_current("dropped by the socket") > 0 and
			at_current("dropped by the socket") == at_current("UdpRcvbufErrors")' \
		'finding("udp.receive.short") | at_current("received") + at_current("dropped by the socket") == '$needed'' \
		'finding("udp.receive.short") | .current == "'$max'" and (.proposed | tonumber) > '$max \
		'[.findings[] | select(.level | IN("note", "skipped") | not).id] == ["udp.receive.short"]'
	# The measured capacity is that of the buffer, which is twice the maximum.
	json 'wall("udp.receive") | .measured > '$max' * 2 / 2600 and .measured <= '$max' * 2 / 2000'
	proposed=$(jq -r '.findings[] | select(.id == "udp.receive.short").proposed' out)
	if jq -e '.findings[] | select(.id == "udp.receive.short").tried_state == "tried"' out >tried; then
		json 'finding("udp.receive.short") | at_proposed("dropped by the socket") == 0 and at_proposed("UdpRcvbufErrors") == 0 and
				(.tried | contains("with half the value"))'
	else
		json 'finding("udp.receive.short") | .tried_state == "not tried" and (.tried | contains("CAP_NET_ADMIN"))'
		[ "$(id -u)" -ne 0 ] || fail 'root has not tried it'
	fi
	[ "$proposed" -le $((max * 4)) ] || fail "$proposed is proposed"
}

test_a_burst_that_fits_is_ready_and_no_burst_is_no_wall() {
	in_namespace
	held=$(($(cat $net/core/rmem_default) / 2304))
	expect_known "$known" 0 $check --datagrams $((held * 4)) --datagram 1200
	json 'wall("udp.receive") | .verdict == "ok" and .measured == .needed' '.findings == []' \
		'.target | .datagrams_per_s == '$((held * 4))' and .datagram_bytes == 1200'
	# A socket that does not ask for more holds fewer.
	expect 1 $check --quick --datagrams $((held * 20))
	json 'wall("udp.receive") | .verdict == "tight" and .knob == "net.core.rmem_default"' \
		'[.findings[].id] == ["udp.receive.default"]'
	expect 0 $check
	json '.walls == []' '.findings == []'
}

both() {
	grep -q ': 00000000:0035 ' /proc/net/udp && grep -q ': 00000000:0035 00000000:0000 0A' /proc/net/tcp
}

test_a_tunnel_has_no_queue() {
	in_namespace
	ip link add t0 type vxlan id 42 dstport 4789 local 127.0.0.1 && ip link set t0 up || skip 'no VXLAN'
	expect 0 $check --quick --server :4789 --datagrams 50k
	json 'wall("udp.receive") | .verdict == "n/a" and (.detail | contains("a tunnel"))' '.findings == []'
}

opens() { # PORT [TCP]
	python3 -c 'import socket, sys, time
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", int(sys.argv[1])))
if sys.argv[2]:
    tcp = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(60)' "$1" "${2-}" &
	wait_for sh -c "ss -Hlun | grep -q 127.0.0.1:$1"
	[ -z "${2-}" ] || wait_for sh -c "ss -Hltn | grep -q 127.0.0.1:$1"
}

test_a_server_of_datagrams_has_no_verdict_without_their_number() {
	needs python3 ss
	in_namespace
	opens 8125
	opens 8126 tcp
	noted='finding("udp.receive.unjudged") | .level == "note" and (.advice | startswith("Add --datagrams N"))'
	expect 3 $check --server :8125
	json 'wall("udp.receive") | .verdict == "unknown" and .needed == 1 and
			(.detail | contains("how many arrive is not known."))' \
		'.summary.answer | startswith("Not known: 1 wall has no verdict: udp.receive")' "$noted"
	expect 0 $check --quick --server :8125 --datagrams 10
	json '.findings == []'
	# The target is that of its connections.
	expect 0 $check --quick --server :8126
	json 'wall("udp.receive") | .verdict == "ok" and .needed == null' "$noted"
	end_jobs
}

# Its clients use UDP, and TCP where that fails.
test_a_server_of_dns_needs_no_connections_unless_they_are_asked_for() {
	needs python3
	in_root_namespace
	python3 -c 'import socket, time
open("/proc/self/comm", "w").write("named")
tcp, udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
tcp.bind(("0.0.0.0", 53))
tcp.listen(10)
udp.bind(("0.0.0.0", 53))
time.sleep(60)' &
	wait_for both
	dns='epolltune check --quick --probe accept-queue,syn-queue,descriptors,udp --server :53'
	expect 0 $dns --datagrams 100 --save ./dns.target --format json
	json '.target | .datagrams_only and .datagrams_per_s == 100' 'wall("accept-queue") | .verdict == "ok" and .needed == null' \
		'wall("descriptors.process").needed == null' '.findings == []'
	cat dns.target >saved
	contains saved 'datagrams = 100'
	lacks saved 'connections =' 'rate ='
	expect 0 $dns --target ./dns.target
	contains out 'Target: datagrams only'
	expect 2 $dns --target ./dns.target --connections 10k --format json
	json '.target | .datagrams_only == false' 'wall("accept-queue").verdict == "short"'
	expect 2 $dns --datagrams 100 --target c10k
	end_jobs
}

run_tests "$@"
