#!/bin/sh
# Probe buffers measures and names a bound that the test sets, and its proposal removes it.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

ipv4=/proc/sys/net/ipv4
check='epolltune check --format json --probe buffers'
far='--rtt 20ms --bandwidth 200mbit'

in_wired_namespace() {
	needs_tun
	in_namespace
}

# On a busy machine the wall is derived or the proof inconclusive.
known() { # WALL
	echo "wall(\"$1\").method == \"measured\" and all(.findings[]; .id != \"$1.short\" or .tried_state != \"inconclusive\")"
}

# The window is 500 kB with 25 % headroom, half to all of the buffer. A proof has a reserve of 35 % beyond
# that. Half of the proposal is too small; it is tried unless the machine is too busy.
proposal_is_proven() { # FINDING FIRST SECOND
	json "finding(\"$1\") | (.proposed | split(\" \") | map(tonumber)) as [\$first, \$second, \$third] |
		\$first == $2 and \$second == $3 and \$third >= 500000 and \$third <= 2 * 2 * 500000" \
		"finding(\"$1\") | at_proposed(\"throughput\") >= 1.35 * 25e6"
}

test_a_short_receive_buffer_is_named() {
	in_wired_namespace
	echo 4096 131072 262144 >$ipv4/tcp_rmem
	expect_known "$(known buffers.receive)" 2 $check $far
	# Half to all of 256 KiB in 20 ms.
	json 'wall("buffers.receive") | .verdict == "short" and .method == "measured" and .knob == "net.ipv4.tcp_rmem" and
			.measured >= 6553600 and .measured <= 13107200 and .needed == 25000000' \
		'finding("buffers.receive.short").current == "4096 131072 262144"'
	proposal_is_proven buffers.receive.short 4096 131072
	json 'has_finding("buffers.send.short") | not'
}

test_a_short_send_buffer_is_named() {
	in_wired_namespace
	echo 4096 16384 262144 >$ipv4/tcp_wmem
	expect_known "$(known buffers.send)" 2 $check $far
	json 'wall("buffers.send") | .verdict == "short" and .knob == "net.ipv4.tcp_wmem" and
		.measured >= 6000000 and .measured <= 14000000'
	proposal_is_proven buffers.send.short 4096 16384
	json 'has_finding("buffers.receive.short") | not'
}

# A server that sends when there is room gets 164 to 250 kB/s. One that tries earlier exceeds the buffer by a
# packet of up to 64 KiB each time, and packets of 9 000 bytes by more.
test_a_small_send_buffer_is_short() {
	in_wired_namespace
	echo 4096 16384 32768 >$ipv4/tcp_wmem
	expect_known "$(known buffers.send)" 2 $check --bandwidth 4mbit --rtt 200ms --no-proof
	json 'wall("buffers.send") | .verdict == "short" and .measured >= 100000 and .measured <= 400000' \
		'has_finding("buffers.receive.short") | not'
}

# The buffer begins with the second field; over a path with room it has shrunk to the third a second later,
# at 4 to 5 MB/s.
test_a_send_buffer_that_shrinks_is_short() {
	in_wired_namespace
	echo 4096 8388608 262144 >$ipv4/tcp_wmem
	expect_known "$(known buffers.send)" 2 $check
	json 'wall("buffers.send") | .verdict == "short" and .measured >= 2000000 and .measured <= 8000000 and
			(.detail | contains("shrinks to the third"))' \
		'finding("buffers.send.short").proposed == "4096 8388608 8388608"' \
		'has_finding("buffers.receive.short") | not'
}

knob_is_named() { # KNOB
	in_wired_namespace
	echo 0 >$ipv4/"$1"
	expect_known "$(known buffers.receive)" 2 $check --rtt 40ms
	json "finding(\"buffers.receive.short\") | .knob == \"net.ipv4.$1\"" \
		'finding("buffers.receive.short") | .current == "0" and .proposed == "1" and at_proposed("throughput") >= 12.5e6'
}
test_autotuning_off_is_named() { knob_is_named tcp_moderate_rcvbuf; }
test_window_scaling_off_is_named() { knob_is_named tcp_window_scaling; }

# Both causes of one wall are reported and tried together, also from fields that do not ascend.
test_two_causes_are_tried_together() {
	in_wired_namespace
	echo 0 >$ipv4/tcp_moderate_rcvbuf
	echo 4096 65536 65536 >$ipv4/tcp_rmem
	echo 4096 16384 4608 >$ipv4/tcp_wmem
	expect_known "$(known buffers.receive) and $(known buffers.send)" 2 $check --rtt 40ms
	json 'finding("buffers.receive.short") | [.proposals[].knob] | sort == ["net.ipv4.tcp_moderate_rcvbuf", "net.ipv4.tcp_rmem"]' \
		'finding("buffers.receive.short", "buffers.send.short") | .remedy == "kernel" and at_proposed("throughput") >= 1.25 * 1.35 * 12.5e6'
}

test_no_proof_runs_with_no_proof() {
	in_wired_namespace
	echo 4096 131072 262144 >$ipv4/tcp_rmem
	expect_known "$(known buffers.receive)" 2 $check --no-proof $far
	json 'finding("buffers.receive.short") | at_proposed("throughput") == null and .tried_state == "not tried" and
		(.tried | contains("--no-proof"))'
}

test_the_defaults_suffice() {
	in_wired_namespace
	echo 4096 131072 6291456 >$ipv4/tcp_rmem
	expect_known "$(known buffers.receive)" any $check
	[ $status -eq 0 ] || [ $status -eq 3 ] || fail "exit status $status"
	json 'wall("buffers.receive").verdict == "ok"' 'wall("buffers.memory").verdict == "ok"'
}

test_settings_alone_give_a_verdict_by_their_bounds() {
	in_wired_namespace
	echo 4096 131072 262144 >$ipv4/tcp_rmem
	expect 2 $check --quick $far
	json 'wall("buffers.receive") | .verdict == "short" and .method == "derived" and .limit == 262144 * 50' \
		'finding("buffers.receive.short").tried_state == "not tried"'
}

test_a_path_beyond_the_wire_is_derived() {
	in_wired_namespace
	echo 4096 131072 6291456 >$ipv4/tcp_rmem
	expect 2 $check --rtt 500ms --bandwidth 10gbit
	json 'wall("buffers.receive") | .method == "derived" and .experiment == "missed" and (.reason | contains("at most 64 MiB"))' \
		'has_finding("buffers.receive.short")'
}

test_a_window_beyond_tcp_is_not_proposed() {
	in_wired_namespace
	echo 4096 131072 6291456 >$ipv4/tcp_rmem
	expect 2 $check --quick --rtt 500ms --bandwidth 40gbit
	json 'finding("buffers.receive.short") | .remedy == "application" and .proposed == null and
		(.advice | contains("several connections"))'
}

# On a busy machine the wall is judged by its settings.
test_a_fast_path_is_measured_over_a_longer_rtt() {
	in_wired_namespace
	echo 4096 131072 2621440 >$ipv4/tcp_rmem
	expect any $check --no-proof --rtt 10ms --bandwidth 3gbit
	json 'wall("buffers.receive") | .method == "derived" and .verdict != "ok" and
		(.experiment != "done" or (.detail | contains("over 20 ms, a window that allows")))'
}

test_all_connections_together_have_a_limit() {
	in_wired_namespace
	echo 4096 131072 6291456 >$ipv4/tcp_rmem
	expect 2 $check --quick --connections 100m --rtt 1ms
	json 'finding("buffers.memory.short").remedy == "none"'
}

test_memory_pressure_is_reported() {
	cp -r "$tests/hosts/linux-6.18" host
	chmod -R u+w host
	# shellcheck disable=SC2046 # three numbers
	set -- $(cat host/proc/sys/net/ipv4/tcp_mem)
	sed -i "s/^\(TCP:.* mem\) .*/\1 $2/" host/proc/net/sockstat
	expect 2 $check,counters --sysroot host # nothing is left of the limit
	json 'finding("buffers.memory.pressure").level == "warning"'
}

# A network namespace does not show what is one for the machine: the caller's does.
test_a_server_in_another_namespace_has_the_limits_of_the_machine() {
	[ "$(id -u)" -eq 0 ] || skip 'another network namespace is entered by root'
	[ -r $ipv4/tcp_mem ] || skip 'this network namespace does not show tcp_mem either'
	needs ss
	may_unshare -n || skip 'unshare -n is refused'
	unshare -n epolltune serve --port 8090 --workers 1 --quiet &
	wait_for nsenter -t $! -n sh -c 'ss -ltn | grep -q :8090'
	# shellcheck disable=SC2046 # three numbers
	set -- $(cat $ipv4/tcp_mem)
	for which in "--server $!" "--netns $!" "--netns $! --server :8090"; do
		expect any $check,counters --quick $which
		json 'wall("buffers.memory") | .limit > 0 and (.detail | contains("not visible") | not)' \
			'wall("orphans") | .detail | contains("net.ipv4.tcp_max_orphans is ")'
		expect 2 $check --quick --connections 100m $which
		json 'finding("buffers.memory.short") | .current == "'"$1 $2 $3"'" and .knob == "net.ipv4.tcp_mem"'
	done
}

test_without_the_tun_device_the_finding_names_it() {
	in_namespace -Urm
	mount -t tmpfs none /dev/net
	expect any $check
	json 'finding("lab.refused") | .level == "skipped" and (.detail | contains("/dev/net/tun"))' \
		'wall("buffers.receive").method == "derived"'
}

run_tests "$@"
