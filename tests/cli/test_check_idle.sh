#!/bin/sh
# check --idle: keepalive against the idle timeout of a load balancer. test_verdict_idle tests the rules, test_idle the wire.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

time=/proc/sys/net/ipv4/tcp_keepalive_time
check='epolltune check --format json --probe idle'
known='wall("idle.keepalive").experiment == "done"'
accused='[.findings[] | select(.level | IN("note", "skipped") | not).id]'

test_keepalive_beyond_the_timeout_is_short_and_the_proposal_suffices() {
	in_root_namespace
	needs_tun
	is 'the time of a new namespace' "$(cat $time)" 7200
	expect_known "$known" 2 $check --idle 350s
	json 'wall("idle.keepalive") | .verdict == "short" and .limit == 350000000 and .needed == 7200000000 and
			.method == "derived" and .knob == "net.ipv4.tcp_keepalive_time"' \
		"$accused"' == ["idle.keepalive.short"]' \
		'finding("idle.keepalive.short") | .remedy == "kernel" and .current == "7200" and .proposed == "280" and
			.tried_state == "tried" and at_current("writes acknowledged") == 0 and
			at_proposed("writes acknowledged") == 1 and at_current("retransmissions") > 0' \
		'finding("idle.keepalive.short").detail | contains("ETIMEDOUT after 925 s or more")'
	# apply lowers no value unasked.
	expect 1 epolltune apply --idle 350s --probe idle --state-dir state --yes
	is 'the time after apply' "$(cat $time)" 7200
	# The step is not left to do when it is done; a value above it does not do it.
	expect 1 epolltune apply --idle 350s --probe idle --state-dir state --dry-run --allow-lower \
		--set net.ipv4.tcp_keepalive_time=281
	said 'Manual steps'
	expect 0 epolltune apply --idle 350s --probe idle --state-dir state --yes --allow-lower \
		--only net.ipv4.tcp_keepalive_time --set net.ipv4.tcp_keepalive_time=280
	said 'idle.keepalive    350 s   350 s   short → ok   better'
	! grep -q 'Manual steps' out || fail 'a step that is done is listed'
	is 'the time after apply --allow-lower' "$(cat $time)" 280
	expect_known "$known" 0 $check --idle 350s
	json 'wall("idle.keepalive").verdict == "ok"' '.findings == []'
}

test_without_a_timeout_there_is_no_wall() {
	in_namespace
	expect 0 $check
	json '.walls == []' '.findings == []'
	for wrong in 0 999ms 44000min soon; do
		expect 3 epolltune check --idle "$wrong"
		refused '--idle'
	done
}

listens() { ss -Hltn | grep -q 127.0.0.1:7000; }
has_connections() { [ "$(ss -Htn state established sport = :7000 | wc -l)" -ge "$1" ]; } # COUNT
test_connections_without_keepalive_are_the_applications() {
	in_namespace
	needs ss
	epolltune serve --port 7000 --quiet >/dev/null &
	wait_for listens
	epolltune load --mode hold --connections 20 --duration 60s 127.0.0.1:7000 >/dev/null &
	wait_for has_connections 20
	expect 1 $check --quick --idle 350s --server :7000
	json 'wall("idle.keepalive") | .verdict == "tight" and .method == "running" and
			(.detail | startswith("None of 20 connections of epolltune has SO_KEEPALIVE"))' \
		"$accused"' == ["idle.keepalive.application"]' \
		'finding("idle.keepalive.application") | .remedy == "application" and .knob == "TCP_KEEPIDLE" and
			.proposed == "280" and (.title | startswith("20 of 20 connections of epolltune have no SO_KEEPALIVE"))'
	expect 0 $check --quick --server :7000
	json '.walls == []' "$accused"' == []'
}

test_a_captured_machine_is_inspected() {
	cp -r "$tests/hosts/linux-6.18" host
	chmod -R u+w host
	set -- epolltune check --sysroot host --idle 350s --probe idle --format json
	rm -f host$time host/proc/sys/net/ipv4/tcp_retries2
	expect 3 "$@"
	json '.walls[0] | .verdict == "unknown" and .detail == "net.ipv4.tcp_keepalive_time could not be read."'
	echo 7200 >host$time
	expect 2 "$@"
	json '.walls[0] | .verdict == "short" and .method == "inspected"' '.findings[0].detail | contains("ETIMEDOUT") | not'
	echo 240 >host$time
	expect 0 "$@"
	json '.walls[0].verdict == "ok"' '.findings == []'
}

run_tests "$@"
