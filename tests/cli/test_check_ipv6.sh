#!/bin/sh
# A host without IPv4 is measured over IPv6.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

net=/proc/sys/net
check='epolltune check --format json --rtt 40ms'

# A namespace whose interface has these addresses.
with_addresses() { # ADDRESS…
	needs_tun
	in_namespace
	[ -e $net/ipv6 ] || skip 'this kernel has no IPv6'
	ip link add v0 type veth peer name v1
	for address; do ip addr add "$address" dev v0; done
	ip link set v1 up
	ip link set v0 up
}
family_is() { json ".host.family == $1"; } # VERSION

test_all_walls_are_measured_over_ipv6() {
	with_addresses 2001:db8::1/64
	known='all(wall("accept-queue", "syn-queue", "buffers.receive", "buffers.send", "ports.ephemeral"); .method == "measured")'
	echo 40000 40099 >$net/ipv4/ip_local_port_range
	echo 37 >$net/core/somaxconn
	echo 4096 16384 65536 >$net/ipv4/tcp_wmem
	expect_known "$known" 2 $check --no-proof --rate 1k --probe accept-queue,syn-queue,ports,buffers
	family_is 6
	json 'wall("accept-queue").measured == 38' 'wall("syn-queue").measured <= 38' \
		'wall("ports.ephemeral").measured == 100' 'wall("buffers.send").verdict == "short"' \
		'wall("buffers.receive").verdict == "ok"'
}

test_a_proposal_is_proven_over_ipv6() {
	with_addresses 2001:db8::1/64
	echo 37 >$net/core/somaxconn
	expect 2 $check --probe accept-queue
	json 'finding("accept-queue.short") | at_current("ListenOverflows") >= 900 and at_proposed("ListenOverflows") == 0'
	expect 2 $check --in-place --no-proof --probe accept-queue
	family_is 6
	json 'wall("accept-queue").measured == 38'
}

test_a_host_with_both_is_measured_over_ipv4() {
	with_addresses 2001:db8::1/64 192.0.2.1/24
	expect 0 $check --probe accept-queue
	family_is 4
	expect 0 $check --family 6 --probe accept-queue
	family_is 6
}

test_loopback_alone_is_measured_over_ipv4() {
	with_addresses
	ip link del v0
	expect 0 $check --probe accept-queue
	family_is 4
}

test_a_path_has_addresses_of_the_host() {
	with_addresses 2001:db8::1/64
	# shellcheck disable=SC2016 # the inner shell expands it
	expect 0 epolltune path --client 'echo $SERVER $CLIENT'
	said '2001:2::1 2001:2::101'
	# shellcheck disable=SC2016
	expect 0 epolltune path --family 4 --client 'echo $SERVER'
	said 198.18.0.1
}

test_no_other_version_is_accepted() {
	expect 3 epolltune check --family 5
	complained family
}

run_tests "$@"
