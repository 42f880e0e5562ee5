#!/bin/sh
# Probe ports measures the port range and TIME_WAIT, which only a proxy needs. test_verdict_ports
# tests the rules.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

ipv4=/proc/sys/net/ipv4
check='epolltune check --format json --probe ports'
# A busy machine may open too few connections to show the rate.
rate_known='wall("accept.rate").experiment == "done"'

test_a_proxy_runs_out_of_ports() {
	in_namespace
	echo 40000 40099 >$ipv4/ip_local_port_range
	expect 2 $check --role proxy
	json 'wall("ports.ephemeral") | .verdict == "short" and .method == "measured" and .measured == 100 and .needed == 10000' \
		'finding("ports.ephemeral.short") | .knob == "net.ipv4.ip_local_port_range" and .current == "40000 40099" and
			.proposed == "40000 52799" and at_proposed("connections before EADDRNOTAVAIL") == 12500'
	# So few ports are searched fast.
	json '[.findings[].id] | index("ports.connect-cost") | not'
	# Alternatives on 64 ports, some without effect.
	json 'finding("ports.ephemeral.short") | rows("2 source addresses")[0] == 128 and rows("2 destinations")[0] == 128 and
		rows("2 destinations, bind() without NO_PORT")[0] == 64 and
		rows("tcp_tw_reuse=1, all in TIME_WAIT before")[0] == 64'
}

test_connect_costs_a_proxy_more_above_half_of_the_range() {
	in_namespace
	# So many that a search costs more than ten times a connect(), which is dear in some guests.
	echo 30000 59999 >$ipv4/ip_local_port_range
	expect_known 'finding("ports.connect-cost")' 0 $check --no-proof --role proxy --rate 1 --connections 18840
	json 'finding("ports.connect-cost") | .level == "note" and (.title | startswith("With 63 % of the ports to one destination")) and
			(.table.rows | map(.name) == ["0 %", "50 %", "75 %", "90 %", "99 %"]) and
			rows("50 %")[1] > 5 * rows("0 %")[1] and rows("75 %")[0] > rows("0 %")[0]'
}

test_a_server_needs_no_ports() {
	in_namespace
	echo 40000 40099 >$ipv4/ip_local_port_range
	expect 0 $check
	json 'wall("ports.ephemeral") | .verdict == "ok" and .measured == 100 and .needed == null' \
		'finding("ports.connect-rate") | .level == "note" and rows("veth, client closes first")[0] > 0 and
			rows("veth, server closes first")[0] > 0 and rows("loopback, client resets")[0] > 0'
}

test_reserved_ports_do_not_count() {
	in_namespace
	echo 40000 40099 >$ipv4/ip_local_port_range
	echo 80,40010-40019,40098-50000 >$ipv4/ip_local_reserved_ports
	expect any $check
	json 'wall("ports.ephemeral") | .limit == 88 and .measured == 88'
}

test_reserved_ports_do_not_count_in_the_proposal() {
	in_namespace
	echo 32768 60999 >$ipv4/ip_local_port_range
	echo 20000-20063,32768-60899 >$ipv4/ip_local_reserved_ports
	expect any $check --role proxy --rate 10 --connections 1000
	json 'wall("ports.ephemeral").measured == 100' \
		'finding("ports.ephemeral.short") | .proposed == "32768 62463" and
			(.advice | contains("ip_local_reserved_ports takes 28 132")) and
			at_proposed("connections before EADDRNOTAVAIL") == 1250'
	# Reserved ports do not limit the alternatives.
	json 'finding("ports.ephemeral.short") | rows("2 source addresses")[0] == 128 and
		rows("2 destinations, bind() without NO_PORT")[0] == 64'
}

# A UDP client and connect() take ports of one range.
test_a_wider_range_leaves_udp_services_their_ports() {
	needs python3
	in_namespace
	echo 32768 60999 >$ipv4/ip_local_port_range
	python3 -c '
import socket, time
listener, udp, client = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.bind(("0.0.0.0", 62001))
listener.listen()
udp.bind(("0.0.0.0", 62000))
client.bind(("0.0.0.0", 40000))
open("ready", "w")
time.sleep(60)' &
	wait_for test -e ready
	expect 2 $check --quick --role proxy --connections 30k --rate 10
	json 'finding("ports.ephemeral.short").proposals | map(select(.knob == "net.ipv4.ip_local_reserved_ports"))[0].proposed == "62000-62001"'
}

# All 14 116 of them, in 84 695 bytes, here and in the lab.
test_a_long_list_of_reserved_ports_is_read_and_copied_whole() {
	in_namespace
	seq -s, 32769 2 60999 | dd of=$ipv4/ip_local_reserved_ports bs=1M iflag=fullblock status=none
	[ "$(wc -c <$ipv4/ip_local_reserved_ports)" -gt 0 ] || skip 'the kernel does not take the list'
	expect 2 $check --role proxy --connections 16000 --rate 1
	json 'wall("ports.ephemeral") | .verdict == "short" and .limit == 14116 and .measured == 14116' \
		'[.findings[].id] | index("lab.uncopied") | not'
}

test_a_list_of_ports_that_no_plan_holds_is_shown() {
	in_namespace
	seq -s, 40000 2 40100 >$ipv4/ip_local_reserved_ports
	expect 0 epolltune list knobs --format json
	jq -e '.knobs[] | select(.name == "net.ipv4.ip_local_reserved_ports") | .value == ([range(40000; 40101; 2) | tostring] | join(","))' out >filtered ||
		{ show out && fail 'the list is not the whole one'; }
	expect 0 epolltune explain net.ipv4.ip_local_reserved_ports
	matches out '^  running value +40000,40002,[0-9,]*(…|[.]{3})$'
	expect 3 epolltune apply --dry-run --only net.ipv4.ip_local_reserved_ports --set net.ipv4.ip_local_reserved_ports=80 --allow-lower
	matches err 'net.ipv4.ip_local_reserved_ports: its value is longer than 79 bytes'
}

test_the_running_range_is_not_proposed() {
	in_namespace
	echo 1024 65535 >$ipv4/ip_local_port_range
	expect any $check --quick --role proxy --rate 10 --connections 100k
	json 'finding("ports.ephemeral.short") | .remedy == "application" and .proposed == null and
		(.advice | contains("2 source addresses"))'
}

# 64 512 ports of one pair: the load of the predefined target has to have several.
test_several_destinations_have_ports_of_their_own() {
	in_namespace
	echo 1024 65535 >$ipv4/ip_local_port_range
	echo 1 >$ipv4/tcp_tw_reuse
	expect 2 $check --quick --target c100k --role proxy
	json '.target.destinations == 1' 'finding("ports.ephemeral.short").advice | contains("it takes 2 source addresses or destinations") and
		contains("--destinations N")'
	expect 0 $check --quick --target c100k --role proxy --destinations 2 --output two.json
	json2() { jq -e "$1" two.json >/dev/null || fail "$1"; }
	json2 '.target.destinations == 2 and ([.walls[] | select(.name == "ports.ephemeral") | .needed] == [50000]) and
		([.walls[] | select(.name == "ports.rate") | .needed] == [10000])'
	expect 0 epolltune check --quick --probe ports --target c100k --role proxy --destinations 2
	said '2 destinations'
	# Of no effect on a server.
	expect 0 $check --quick --target c100k --destinations 2
	json 'wall("ports.ephemeral").needed == null'
	for wrong in 0 65537 x -1 ''; do
		expect 3 epolltune check "--destinations=$wrong"
		refused '--destinations'
	done
}

test_reuse_needs_timestamps() {
	in_namespace
	echo 40000 40599 >$ipv4/ip_local_port_range
	echo 0 >$ipv4/tcp_timestamps
	echo 1 >$ipv4/tcp_tw_reuse
	expect any $check
	json 'finding("ports.connect-rate").detail | contains("can open 10 connections/s from one")'
}

test_the_default_range_suffices_for_a_proxy() {
	in_namespace
	echo 32768 60999 >$ipv4/ip_local_port_range
	echo 1 >$ipv4/tcp_tw_reuse
	expect 0 $check --role proxy
	json 'wall("ports.rate") | .verdict == "ok" and .limit == 18232'
	json 'wall("ports.ephemeral") | .verdict == "ok" and .limit == 28232 and .measured >= 12500'
}

beyond_the_cpus() { # ROLE
	in_namespace
	expect_known "$rate_known" 2 $check --rate 50m --role "$1"
	json 'wall("accept.rate") | .verdict == "short" and .method == "derived" and .unit == "accepts/s" and
			.needed == 50000000 and .limit >= 1 and .limit <= 49999999 and .at_most == true' \
		'finding("accept.rate.short") | .remedy == "application" and
			at_current("server CPU time per connection") > 0 and
			at_current("server CPU time per connection") < at_current("CPU time of both ends")'
}
test_a_rate_beyond_the_cpus_is_short_for_a_server() { beyond_the_cpus server; }
test_a_rate_beyond_the_cpus_is_short_for_a_proxy() { beyond_the_cpus proxy; }

test_the_cpus_accept_the_default_rate() {
	in_namespace
	expect_known "$rate_known" 0 $check
	json 'wall("accept.rate") | .verdict == "ok" and .needed == 10000' \
		'has_finding("accept.rate.short", "accept.rate.tight") | not'
}

test_inspection_does_not_judge_the_cpus() {
	in_namespace
	expect 0 $check --quick --rate 50m
	json 'wall("accept.rate") | .verdict == "n/a" and .experiment == "none" and .limit == null'
}

test_time_wait_overflows() {
	in_namespace
	echo 500 >$ipv4/tcp_max_tw_buckets
	expect 0 $check --role proxy --rate 20 --connections 100
	# The kernel tests and increments the count in two steps (inet_twsk_alloc()): every other CPU may
	# add one between them.
	json "wall(\"time-wait\").measured | . >= 500 and . <= 499 + $(getconf _NPROCESSORS_CONF)" \
		'wall("time-wait") | .method == "measured" and .needed == null' \
		'finding("time-wait.early").level == "note"' '[.findings[].id] | index("ports.connect-cost") | not'
}

of_500() {
	in_namespace
	echo 40000 40499 >$ipv4/ip_local_port_range
	echo 2 >$ipv4/tcp_tw_reuse
}

test_a_proxy_connects_more_often_than_time_wait_allows() {
	of_500
	expect 2 $check --role proxy --connections 300 --rate 60
	json 'wall("ports.rate") | .verdict == "short" and .method == "measured" and .unit == "connects/s" and
			.limit == 3 and .measured == 3 and .needed == 60 and (.detail | contains("3.3/s"))' \
		'finding("ports.rate.short") | .knob == "net.ipv4.tcp_tw_reuse" and .proposed == "1"'
	# 300 and 75/s: the first 500 use up the ports, 375 more take them again.
	json 'finding("ports.rate.short") | at_current("connects before EADDRNOTAVAIL") == 500 and
			at_proposed("connects before EADDRNOTAVAIL") >= 875' \
		'finding("ports.rate.short") | rows("nothing")[0] == 64 and rows("2 source addresses")[0] == 128 and
			rows("2 destinations")[0] == 128 and rows("2 destinations, IP_BIND_ADDRESS_NO_PORT")[0] == 128 and
			rows("2 destinations, bind() without NO_PORT")[0] == 64 and rows("tcp_tw_reuse=1")[0] == 128 and
			rows("keep-alive, 1 connection")[0] == 128'
}

test_settings_show_that_too() {
	of_500
	expect 2 $check --quick --role proxy --connections 300 --rate 60
	json 'wall("ports.rate") | .verdict == "short" and .limit == 3' 'has_finding("ports.rate.short")'
	expect 0 $check --quick --role server --connections 300 --rate 60
	json 'wall("ports.rate") | .verdict == "ok" and .needed == null'
}

test_a_small_need_gets_a_small_range() {
	in_namespace
	echo 40000 40007 >$ipv4/ip_local_port_range
	expect any $check --no-proof --role proxy --rate 1 --connections 10
	json 'finding("ports.ephemeral.short").proposed == "40000 40013"'
}

# The lab may use ports that the host's kernel refuses.
test_privileged_ports_do_not_stop_the_experiments() {
	in_namespace
	echo 40000 40099 >$ipv4/ip_local_port_range
	echo 30000 >$ipv4/ip_unprivileged_port_start
	expect_known "$rate_known" any $check --role proxy --rate 1 --connections 200
	json 'wall("ports.ephemeral").measured == 100' \
		'finding("ports.ephemeral.short") | (.tried | contains("250 connections")) and rows("2 source addresses")[0] == 128' \
		'wall("accept.rate").limit > 0'
}

test_inspection_judges_by_the_knobs() {
	in_namespace
	echo 40000 40099 >$ipv4/ip_local_port_range
	expect 2 $check --quick --role proxy
	json 'wall("ports.ephemeral").method == "inspected"' \
		'has_finding("ports.ephemeral.short")' 'has_finding("ports.rate.short")'
}

run_tests "$@"
