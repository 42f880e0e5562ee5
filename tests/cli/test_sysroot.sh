#!/bin/sh
# check reports the same about a captured machine (tests/hosts/) wherever it runs, and does not read
# this machine. `UPDATE=1 make test TESTS_ONLY=cli/test_sysroot.sh` updates the expected reports: review
# the difference before you commit it.
#
# linux-6.18 and the debian-12 hosts were captured (epolltune capture, unpacked), the latter in the machines of
# tests/vm/machine; debian-12-s390x (one CPU, 256 MiB, big-endian) and debian-12-ppc64le
# (pages of 64 KiB, CPU 1 of four offline) likewise with tests/vm/foreign; large is part of linux-6.18 with 128
# CPUs, 2 TiB and the limits that the kernel derives from them; damaged is written by hand; folklore is part of
# linux-6.18 with values from common but ineffective advice; counters-past, tcp-memory-exhausted and orphans-near are part of it with a history of
# losses, TCP memory above tcp_mem and orphans above tcp_max_orphans; conntrack-full with a full table of
# connection tracking; docker is part of a capture of a machine with a bridge and tracked traffic.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

hosts=$tests/hosts

# Prints the exit status and the report, without time and version, and without nulls, so that a new
# field that a capture does not have is not a difference.
report() { # COMMAND…
	status=0
	"$@" >json 2>err || status=$?
	[ -s json ] || { show err >&2 && fail "exit status $status, no output" >&2; }
	jq -S --argjson status "$status" '{exit_status: $status} + del(.time, .version) |
		walk(if type == "object" then with_entries(select(.value != null)) else . end)' json ||
		{ show json err && fail "exit status $status, no JSON"; }
}

test_reports_are_as_expected() {
	for host in "$hosts"/*/; do
		host=${host%/}
		report epolltune check --sysroot "$host" --format json >report
		if [ "${UPDATE:-}" ]; then cp report "$host.json"; fi
		diff -u "$host.json" report || fail "$host: not the report in $host.json"
		quiet
		grep -q '"isolation": "sysroot"' report || fail "$host: not marked as a captured machine"
	done
}

# As a proposal, or as a command of an advice.
test_a_report_has_one_value_for_a_knob() {
	for host in "$hosts"/*.json; do
		jq -e '[.findings[] | (.proposals[]? | select(.proposed) | {knob, value: .proposed}),
				(.advice // "" | scan("sysctl -w ([a-z0-9_.]+)=([0-9]+)") | {knob: .[0], value: .[1]})] |
			group_by(.knob) | all(unique | length == 1)' "$host" >/dev/null ||
			fail "$host: several values for a knob"
	done
}

test_limits_directories_and_namespaces_of_the_caller_do_not_count() {
	for host in "$hosts"/*/; do
		host=${host%/}
		report sh -c 'cd "$1" && exec prlimit --nofile=64 "$PROGRAM" check --sysroot . --format json' sh "$host" >again
		cmp -s "$host.json" again || fail "$host: another report with other limits"
		may_unshare -Urn || continue
		report unshare -Urn "$PROGRAM" check --sysroot "$host" --format json >again
		cmp -s "$host.json" again || fail "$host: another report in another namespace"
	done
}

test_the_text_has_every_wall_and_the_same_exit_status() {
	for host in "$hosts"/*/; do
		host=${host%/}
		expect "$(jq .exit_status "$host.json")" epolltune check --sysroot "$host" --color never --verbose
		quiet
		! LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" out || fail "$host: control characters in the text"
		for wall in $(jq -r '.walls[].name' "$host.json"); do
			matches out "^ *$wall "
		done
	done
}

test_list_and_explain_read_the_capture() {
	for host in "$hosts"/*/; do
		expect 0 epolltune list knobs --sysroot "$host"
		said net.core.somaxconn
		expect 0 epolltune explain net.core.somaxconn --sysroot "$host"
	done
	for host in linux-6.18 debian-12-6.1; do
		expect 0 epolltune list knobs --sysroot "$hosts/$host"
		for knob in fs.nr_open fs.epoll.max_user_watches net.ipv4.tcp_max_tw_buckets; do
			value=$(cat "$hosts/$host/proc/sys/$(echo $knob | tr . /)")
			grep -F $knob out | grep -qw "$value" || fail "$host: list knobs: $knob is not $value"
		done
	done
}

# The command for the notes reads the same capture, and replaces no file.
test_the_hint_repeats_the_command() {
	ln -s "$hosts/counters-past" 'a host'
	expect 0 epolltune check --sysroot 'a host' --ignore listeners.uncaptured --save ./target --connections 1k
	said "For the notes:" "epolltune check --sysroot 'a host' --ignore listeners.uncaptured --connections 1k --verbose"
	expect 0 epolltune check --sysroot 'a host' --ignore listeners.uncaptured -o report --save=./target
	grep -q "^  epolltune check --sysroot 'a host' --ignore listeners.uncaptured --verbose$" report || fail "$(tail -3 report)"
}

test_a_host_with_a_bridge_and_tracked_traffic_is_ready() {
	expect 1 epolltune check --sysroot "$hosts/docker" --target c10k --rate 1k --format json
	json '[.findings[] | select(.level | IN("note", "skipped") | not) | .id] == ["listeners.uncaptured"]' \
		'.walls[] | select(.name == "conntrack") | .verdict == "ok" and .needed == 130000'
}

# 64 KiB a page since 6.0: tcp_mem, 1945 pages, is 121.6 MiB, and 10 000 connections take a page each. CPU 1 of
# four is off.
test_pages_and_cpus_are_those_of_the_captured_machine() {
	cp "$hosts/debian-12-ppc64le.json" out
	json '.host.cpus == 3' 'wall("buffers.memory") | .limit == 1945 * 65536 and .needed == 10000 * 65536' \
		'finding("buffers.memory.short").proposed == "9375 12500 18750"'
	cp -r "$hosts/debian-12-ppc64le" host
	chmod -R u+w host
	rm host/proc/self/smaps
	expect 3 epolltune check --sysroot host --probe buffers --format json
	json 'wall("buffers.memory") | .verdict == "unknown" and (.detail | contains("does not show their size"))'
	cp "$hosts/large.json" out
	json '.host.cpus == 128' 'wall("buffers.memory") | .verdict == "ok" and .limit == (33554432 - 800) * 4096'
}

# The values that ethtool would print in the machine, which records big-endian numbers; 236 MiB, one CPU.
test_a_big_endian_recording_is_read_in_its_byte_order() {
	expect 0 epolltune list --nic --sysroot "$hosts/debian-12-s390x" --format json
	jq -e '.. | objects | select(.name? == "eth0") | .link.mtu == 1500 and .rings.rx == 256 and .rings["rx-max"] == 256' out ||
		fail 'not the rings of eth0'
	cp "$hosts/debian-12-s390x.json" out
	json '.host.cpus == 1' 'wall("nic.ring").limit == 256' 'wall("buffers.memory").limit == 3466 * 4096'
}

# `epolltune capture` writes "identity": then a file that is not there was not on the machine either.
test_a_limit_that_another_tool_did_not_record_is_unknown() {
	cp -r "$hosts/debian-12-6.1" host
	chmod -R u+w host
	rm -rf host/proc/self/cgroup host/proc/sys/net/netfilter
	limits() { jq -c '[.walls[] | select(.name | test("^(cgroup|conntrack)")) | .verdict] | unique' out; }
	expect 3 epolltune check --sysroot host --probe container,conntrack --format json
	[ "$(limits)" = '["unknown"]' ] || fail "other tree: $(limits)"
	: >host/identity
	expect 0 epolltune check --sysroot host --probe container,conntrack --format json
	[ "$(limits)" = '["n/a"]' ] || fail "capture: $(limits)"
	rm host/identity
	mkdir -p sos/sos_commands/kernel
	mv host/proc sos
	echo 'net.core.somaxconn = 4096' >sos/sos_commands/kernel/sysctl_-a
	expect 0 epolltune check --sysroot sos --probe conntrack --format json
	[ "$(limits)" = '["n/a"]' ] || fail "sosreport: $(limits)"
}

# Synthetic: what capture writes of UDP sockets, one of which drops datagrams meanwhile.
test_a_captured_udp_socket_that_drops_is_named() {
	cp -r "$hosts/debian-12-6.1" host
	chmod -R u+w host
	mkdir -p host/earlier/proc/net
	echo '100.0 1.0' >host/earlier/proc/uptime
	echo '101.0 1.0' >host/proc/uptime
	mv host/proc/net/snmp host/earlier/proc/net
	awk '/^Udp: [0-9]/ { $6 += 64 } { print }' host/earlier/proc/net/snmp >host/proc/net/snmp
	sockets() { # DROPS
		printf 'counted\t1\thidden\t0\n'
		printf 'process\t812\t812\t9\t83\t1024\t1024\t7\tquicd\tquicd.service\t\n'
		printf 'udp\t443\t212992\t212992\t%s\t0\t77\t5\t0\t0\t0\tudp:198.18.0.1:443\n' "$1"
		printf 'udp\t53\t0\t212992\t9\t0\t78\t6\t0\t-1\t0\tudp:127.0.0.53:53\n'
	}
	sockets 100 >host/earlier/listeners
	sockets 164 >host/listeners
	expect 1 epolltune check --sysroot host --probe counters,listeners --format json
	json 'finding("udp.receive.overflowing") | (.title + .detail | contains("quicd") and contains("198.18.0.1:443")) and
		at_current("dropped by the socket") == 64' '[.listeners[] | select(.address | startswith("udp"))] == []'
}

# Older captures have the name alone.
test_captured_listeners_of_epolltune_are_left_out() {
	cp -r "$hosts/debian-12-6.1" host
	chmod -R u+w host
	listeners() { # NAME OWN
		printf 'counted\t1\thidden\t0\n'
		printf 'process\t812\t812\t9\t83\t1024\t1024\t7\t%s\t\t\t0\t1\t0%b\n' "$1" "$2"
		printf 'tcp\t443\t0\t128\t0\t0\t77\t5\t0\t0\t0\t0.0.0.0:443\t0\t0\n'
	}
	for row in 'epolltune \t1 0' 'shop \t1 0' 'probe:shop \t0 1' 'epolltune  0' 'shop  1'; do
		name=${row%% *} own=${row#* }
		listeners "$name" "${own% *}" >host/listeners
		expect 0 epolltune check --sysroot host --rate 10k --probe accept-queue --format json --verbose
		json "([.findings[] | select(.id == \"accept-queue.application\")] | length) == ${row##* }"
	done
}

test_the_neighbour_table_of_a_family_without_addresses_does_not_count() {
	cp -r "$hosts/docker" host
	chmod -R u+w host
	echo 8192 >host/proc/sys/net/ipv4/neigh/default/gc_thresh3
	expect 2 epolltune check --sysroot host --peers 3000 --probe neighbours --format json
	json '.walls[0] | .verdict == "short" and .knob == "net.ipv6.neigh.default.gc_thresh3"'
	for addresses in '' 'fe80000000000000021122fffe334455 02 40 20 80 eth0'; do
		echo "$addresses" | sed '/^$/d' >host/proc/net/if_inet6
		expect 0 epolltune check --sysroot host --peers 3000 --probe neighbours --format json
		json '.walls[0] | .verdict == "ok" and (.detail | contains("IPv6") | not)'
	done
}

test_tracked_connections_that_cannot_be_counted_are_unknown() {
	cp -r "$hosts/docker" host
	chmod -R u+w host
	count=host/proc/sys/net/netfilter/nf_conntrack_count
	echo 99999999999 >$count
	expect 3 epolltune check --sysroot host --probe conntrack --format json
	json '.walls[0] | .verdict == "unknown" and .detail == "nf_conntrack_count could not be read."'
	echo 0 >$count
	expect 0 epolltune check --sysroot host --probe conntrack --format json
	json '.walls[0].verdict == "n/a"'
}

test_without_counters_nothing_is_known_of_losses() {
	for file in netstat snmp sockstat softnet_stat; do
		cp -r "$hosts/linux-6.18" host
		rm "host/proc/net/$file"
		expect 3 epolltune check --sysroot host --format json
		json "[.findings[] | select(.id == \"probe.failed\") | .detail | select(contains(\"$file\"))] != []" \
			'.summary.answer | startswith("Not known: probe ")'
		rm -rf host
	done
	# What can be read of them counts.
	cp -r "$hosts/tcp-memory-exhausted" host
	rm host/proc/net/snmp
	expect 2 epolltune check --sysroot host --format json
	json '[.findings[].id] | index("buffers.memory.exhausted")'
}

test_a_list_of_listeners_that_is_missing_is_a_warning_and_one_that_is_unreadable_is_unknown() {
	cp -r "$hosts/linux-6.18" host
	expect 1 epolltune check --sysroot host
	said "Ready, but whether a listener was full is not known; by the settings"
	mkdir host/listeners
	expect 3 epolltune check --sysroot host
	said "Not known: probe listeners could not observe this machine"
}

test_a_damaged_capture_gets_no_verdict_for_a_needed_wall() {
	cp "$hosts/damaged.json" out
	json '.exit_status == 3' '[.walls[] | select((.verdict | IN("unknown", "n/a") | not) and .needed != null)] == []'
}

# Synthetic: eth0 becomes a card of EC2, with the counters that its driver has (Linux 6.12,
# drivers/net/ethernet/amazon/ena/ena_ethtool.c), before and after a second.
test_an_allowance_of_the_provider_is_no_matter_of_a_ring() {
	cp -r "$hosts/debian-12-e1000e" host
	chmod -R u+w host
	mkdir host/sys/class/net/eth0/device host/earlier
	echo DRIVER=ena >host/sys/class/net/eth0/device/uevent
	mkdir -p host/earlier/netlink host/earlier/proc
	echo '100.0 1.0' >host/earlier/proc/uptime
	echo '101.0 1.0' >host/proc/uptime
	counters() { # BW_IN CONNTRACK
		printf '%s: %s\n' tx_timeout 0 bw_in_allowance_exceeded "$1" conntrack_allowance_exceeded "$2" \
			conntrack_allowance_available 136812 queue_0_rx_cnt 91524
	}
	counters 3241329 0 >host/netlink/eth0.counters
	counters 3241329 0 >host/earlier/netlink/eth0.counters
	expect 0 epolltune check --sysroot host --probe nic --format json
	json 'finding("nic.allowance.past") | .level == "note" and .remedy == "provider"' \
		'[.findings[] | select(.id | startswith("nic.ring"))] == []'
	counters 3244329 7 >host/netlink/eth0.counters
	expect 1 epolltune check --sysroot host --probe nic --format json
	json '[.findings[] | select(.id == "nic.allowance.exceeded") | .evidence[0] | {name, at_current}] == [
			{name: "bw_in_allowance_exceeded", at_current: 3000},
			{name: "conntrack_allowance_exceeded", at_current: 7}]' \
		'[.findings[] | select(.id == "nic.allowance.exceeded") | .proposals[]] == []'
	expect 0 epolltune list --nic --sysroot host --format json
	jq -e '.. | objects | select(.name? == "eth0") | .counters.queue_0_rx_cnt == 91524' out || fail 'not the counters of eth0'
}

# Synthetic: the same card gives each packet a page before Linux 6.5.
test_a_card_that_gives_each_packet_a_page_holds_fewer() {
	cp -r "$hosts/debian-12-e1000e" host
	chmod -R u+w host
	check='epolltune check --sysroot host --probe udp --datagrams 600 --format json'
	mkdir host/sys/class/net/eth0/device host/sys/class/net/eth1/device
	echo DRIVER=e1000e | tee host/sys/class/net/eth0/device/uevent >host/sys/class/net/eth1/device/uevent
	expect 0 $check
	json '.walls[0].verdict == "ok"'
	echo DRIVER=ena >host/sys/class/net/eth0/device/uevent
	expect 1 $check
	json '.walls[0].verdict == "tight"' 'finding("udp.receive.default") | .title | contains("may hold only 43 datagrams")'
}

# No /proc, no /sys, no netlink, no namespace. (Sanitizers read /proc/self/maps and similar files.)
test_a_file_that_is_missing_makes_no_short_wall_ok() {
	for host in orphans-near tcp-memory-exhausted conntrack-full; do
		cp -r "$hosts/$host" machine
		quick() { epolltune check --sysroot machine --role proxy --rate 2k --format json; }
		status=0
		quick >whole || status=$?
		jq -e 'any(.walls[]; .verdict == "short")' whole >/dev/null || fail "$host: no wall is short"
		find machine -type f >files
		while read -r file; do
			mv "$file" aside
			now=0
			quick >without || now=$?
			mv aside "$file"
			[ "$now" -ge "$status" ] || fail "$file: without it exit status $now, not $status"
			jq -e --slurpfile whole whole '[.walls[] | {(.name): .verdict}] | add as $now |
				all($whole[0].walls[]; (.verdict | IN("short", "unknown") | not) or $now[.name] != "ok")' \
				without >/dev/null || fail "$file: without it a wall is ok"
		done <files
		rm -r machine
	done
}

test_check_opens_only_the_capture() {
	strace -o /dev/null true 2>/dev/null || skip 'no strace (ptrace) here'
	for host in "$hosts"/*/; do
		expect any env ASAN_OPTIONS=detect_leaks=0 strace -f -qq -e trace=%file,socket,unshare,setns -o trace \
			epolltune check --sysroot "$host" --format json
		[ -s trace ] || fail "$host: strace saw nothing"
		# What a link of the capture names is not opened.
		sed '/"\/proc\/self\/\(maps\|exe\|environ\|cmdline\)"/d; /readlinkat([0-9]*, "",/d' trace |
			grep -E '"/(proc|sys)/|AF_NETLINK|unshare\(|setns\(' && fail "$host: this machine was read"
	done
	true
}

test_invalid_roots_are_refused() {
	: >file
	mkdir empty
	for path in nowhere file empty ''; do
		expect 3 epolltune check --sysroot "$path"
		complained ''
	done
}

run_tests "$@"
