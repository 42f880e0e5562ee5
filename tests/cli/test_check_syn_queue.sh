#!/bin/sh
# Probe syn-queue counts half-open connections and names their bound, with cookies and without.
# test_verdict_syn_queue tests the rules.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

net=/proc/sys/net
check='epolltune check --format json --probe syn-queue'
few='--rate 1k --rtt 200ms' # 200 half-open connections, which a busy machine can hold too
known='(wall("syn-queue").measured | type == "number") and
	all(.findings[]; (.id | startswith("syn-queue.") | not) or .tried_state != "inconclusive")'

in_wired_namespace() {
	needs_tun
	in_namespace
}

test_without_cookies_the_sysctl_binds() {
	in_wired_namespace
	# A small port range does not limit the clients.
	echo 40000 40099 >$net/ipv4/ip_local_port_range
	echo 0 >$net/ipv4/tcp_syncookies
	echo 16 >$net/ipv4/tcp_max_syn_backlog
	expect_known "$known" 2 $check $few
	# Three quarters of 16, and one.
	json 'wall("syn-queue") | .verdict == "short" and .method == "measured" and
			.knob == "net.ipv4.tcp_max_syn_backlog" and .measured == 13 and .needed == 200' \
		'finding("syn-queue.short") | .knob == "net.ipv4.tcp_max_syn_backlog" and .current == "16" and .proposed == "512"' \
		'finding("syn-queue.short") | at_current("ListenDrops") >= 230 and at_proposed("ListenDrops") == 0 and
			at_proposed("half open") >= 200'
}

test_with_cookies_the_backlog_binds() {
	in_wired_namespace
	echo 16 >$net/core/somaxconn
	echo 8 >$net/ipv4/tcp_max_syn_backlog # no effect
	# One more than the backlog, as the kernel tests for "more than". No SYN goes beyond, which the kernel
	# would log.
	expect_known "$known" 1 $check $few
	json 'wall("syn-queue") | .verdict == "tight" and .knob == "net.core.somaxconn" and .measured == 17 and .method == "measured"' \
		'all(finding("syn-queue.tight").evidence[]; .name == "half open")'
	expect_known "$known" 1 $check --allow-kernel-log $few
	json 'wall("syn-queue").measured == 17' \
		'finding("syn-queue.tight") | .knob == "net.core.somaxconn" and .proposed == "256" and
			(.advice | contains("tcp_max_syn_backlog has no effect"))' \
		'finding("syn-queue.tight") | at_current("TCPReqQFullDoCookies") >= 230 and
			at_proposed("TCPReqQFullDoCookies") == 0 and at_current("SyncookiesSent") >= 230 and
			at_current("SyncookiesRecv") > 0'
}

test_several_binding_knobs_are_one_finding() {
	in_wired_namespace
	echo 0 >$net/ipv4/tcp_syncookies
	echo 100 >$net/core/somaxconn
	echo 64 >$net/ipv4/tcp_max_syn_backlog
	expect_known "$known" 2 $check --backlog 10
	json 'wall("syn-queue").measured == 11' \
		'finding("syn-queue.short").remedy == "application"' \
		'[finding("syn-queue.short").proposals[] | [.knob, .proposed]] == [["listen.backlog", "2048"],
			["net.core.somaxconn", "2048"], ["net.ipv4.tcp_max_syn_backlog", "1024"]]' \
		'finding("syn-queue.short").tried | contains("625 of 625")'
}

test_a_backlog_is_the_remedy_of_the_application() {
	in_wired_namespace
	expect_known "$known" 1 $check --backlog 20
	json 'finding("syn-queue.tight") | .remedy == "application" and .current == "20" and .proposed == "2048"'
}

test_the_defaults_suffice() {
	in_wired_namespace
	echo 4096 >$net/core/somaxconn
	expect_known "$known" 0 $check
	json 'wall("syn-queue") | .verdict == "ok" and .needed == 500 and .measured == 625 and .limit == 4097 and
		(.detail | contains("has no effect"))'
}

# The clients must use several processes then.
test_few_descriptors_suffice() {
	in_wired_namespace
	ulimit -n 100
	echo 16 >$net/core/somaxconn
	expect_known "$known" 1 $check
	json 'wall("syn-queue").measured == 17'
}

test_cookies_for_all_need_no_queue() {
	in_wired_namespace
	echo 2 >$net/ipv4/tcp_syncookies
	echo 16 >$net/core/somaxconn
	expect 0 $check
	json 'wall("syn-queue").needed == null'
}

test_inspection_judges_by_the_knobs() {
	in_wired_namespace
	echo 0 >$net/ipv4/tcp_syncookies
	echo 100 >$net/ipv4/tcp_max_syn_backlog
	expect 2 $check --quick
	json 'wall("syn-queue") | .limit == 76 and .method == "inspected"'
}

run_tests "$@"
