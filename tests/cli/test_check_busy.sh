#!/bin/sh
# Verdicts on a machine whose CPUs are all busy: none is wrong.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

keep_busy() { # COUNT
	for _ in $(seq "$1"); do
		timeout 400 sh -c 'while :; do :; done' &
	done
}

# Verdicts of these walls are counts.
test_verdicts_of_counts_are_steady() {
	ulimit -Sn "$(ulimit -Hn)"
	keep_busy 2
	for _ in 1 2 3 4; do
		expect any epolltune check --format json --probe descriptors,accept-queue
		jq -c '[.walls[] | [.name, .verdict]]' out >>verdicts
	done
	[ "$(sort -u verdicts | wc -l)" -eq 1 ] || { show verdicts && fail 'they differ'; }
	matches verdicts '^\[\['
}

check_buffers() { # THIRD-FIELD
	needs_tun
	in_namespace
	echo 4096 131072 "$1" >/proc/sys/net/ipv4/tcp_rmem
	keep_busy "$(nproc)"
	expect any epolltune check --format json --probe buffers --no-proof --rtt 20ms --bandwidth 1gbit
	json 'has_finding("buffers.send.short") | not'
}

test_a_short_receive_buffer_is_short() {
	check_buffers 262144
	json 'wall("buffers.receive").verdict == "short"' 'has_finding("buffers.receive.short")'
}

# The busy machine may prevent a verdict.
test_a_long_receive_buffer_is_not_short() {
	check_buffers 33554432
	json 'wall("buffers.receive").verdict | IN("ok", "unknown")'
}

run_tests "$@"
