#!/bin/sh
# The chapters of epolltune-runbook(7): their commands, in scenes where the incident happens.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

! sanitized || all_skip 'the scenes need the time of an ordinary build'

page=$root/man/epolltune-runbook.7

# A namespace with the directories that apply and --save write to, and scripts for sudo and systemctl.
scene() {
	options=-Urnmpf
	if ! unshare -Urn test -e /proc/sys/net/core/somaxconn; then options=-nmpf; fi
	in_namespace "$options --mount-proc"
	[ -e /proc/sys/net/core/somaxconn ] || skip 'no private network namespace with net.core'
	mkdir bin lib etc sysctl.d
	cp -r /etc/. etc/ 2>/dev/null || true
	mount --bind lib /var/lib && mount --bind etc /etc || skip '/etc cannot be bound here'
	printf '#!/bin/sh\nexec "$@"\n' >bin/sudo
	printf '#!/bin/sh\necho 128 >/proc/sys/net/core/somaxconn\n' >bin/systemctl
	chmod +x bin/sudo bin/systemctl
	PATH=$work/bin:$PATH
}

serves() { # [OPTION…]
	"$PROGRAM" serve --quiet --port 443 --workers 1 "$@" &
	server=$!
	wait_for sh -c 'grep -q ":01BB .* 0A " /proc/net/tcp'
}

# Runs all blocks of the chapter as one script, but for the lines of a crontab, and observes for 2 s; ./out has what they
# print, ./blocks what they are.
chapter() { # NUMBER
	awk -v number="$1." '/^\.Sh/ { inside = $2 == number } /^\.Ed/ { literal = 0 }
		inside && literal && !/^\*/ { gsub(/\\e/, "\\"); sub(/--observe 300s/, "--observe 2s"); print } /^\.Bd/ { literal = 1 }' "$page" >blocks
	grep -q epolltune blocks || fail "there is no block in chapter $1"
	expect any timeout 300 sh blocks </dev/null
	[ "$status" -lt 3 ] || { show out err && fail "chapter $1 ends with $status"; }
	if grep -v '^epolltune: .*\(run [0-9]\|in use\)' err; then fail 'errors'; fi
}

test_1_timeouts_with_an_idle_server() {
	scene
	serves --backlog 16
	for pid in $server $(pgrep -P "$server"); do kill -STOP "$pid"; done
	timeout 290 "$PROGRAM" load --mode connect --rate 200 --connections 5000 --duration 280s 127.0.0.1:443 >load 2>&1 &
	wait_for sh -c 'nstat -az TcpExtListenOverflows | grep -q "ListenOverflows *[1-9]"'
	chapter 1
	for pid in $server $(pgrep -P "$server"); do kill -CONT "$pid"; done
	matches out '^accept-queue.overflowing' '^accept-queue.slow' '^accept-queue.short' 'listen\(\)'
}

test_2_too_many_open_files() {
	scene
	# systemctl restart nginx, with the limit of the drop-in or of 512.
	cat >bin/systemctl <<-EOF
		#!/bin/sh
		[ "\$*" = 'restart nginx' ] || exit 0
		if [ -f $work/pid ]; then kill "\$(cat $work/pid)"; fi
		while grep -q ':01BB .* 0A ' /proc/net/tcp; do sleep 0.05; done
		files=\$(sed -n 's/^LimitNOFILE=\\([0-9]*\\).*/\\1/p' /etc/systemd/system/nginx.service.d/nofile.conf 2>/dev/null)
		ulimit -n "\${files:-512}"
		for try in 1 2 3 4 5; do
			$PROGRAM serve --quiet --port 443 --workers 1 >/dev/null 2>&1 &
			echo \$! >$work/pid
			until grep -q ':01BB .* 0A ' /proc/net/tcp; do kill -0 \$! 2>/dev/null || break; done
			! kill -0 \$! 2>/dev/null || exit 0
			sleep 1
		done
	EOF
	systemctl restart nginx
	wait_for sh -c 'grep -q ":01BB .* 0A " /proc/net/tcp'
	chapter 2
	matches out '^Max open files +512 ' '^descriptors.process .*SHORT' '^descriptors.process .*ok$'
}

test_3_possible_syn_flooding() {
	scene
	echo 16 >/proc/sys/net/core/somaxconn
	serves
	chapter 3
	matches out 'TCPReqQFullDoCookies' '^syn-queue .*tight' '^syn-queue .*tight → ok'
	said 'Applied as run 1' 'Run 1 rolled back'
	is somaxconn "$(cat /proc/sys/net/core/somaxconn)" 16
}

test_4_cannot_assign_requested_address() {
	scene
	echo '40001 40200' >/proc/sys/net/ipv4/ip_local_port_range
	chapter 4
	matches out '^ports.ephemeral .*SHORT' '^ports.ephemeral .*short → ok'
	said 'Run 1 rolled back'
}

test_5_slow_downloads_far_away() {
	needs_tun
	scene
	echo '4096 16384 65536' >/proc/sys/net/ipv4/tcp_wmem
	serves
	chapter 5
	matches out '^buffers.send .*SHORT' '^buffers.send .*short → ok'
	said 'Run 1 rolled back'
}

test_6_drops_after_a_deploy_in_a_container() {
	scene
	echo 128 >/proc/sys/net/core/somaxconn
	serves --backlog 4096
	chapter 6
	matches out '^accept-queue .*SHORT' 'somaxconn'
}

test_7_conntrack_full() {
	scene
	tar -czf node.tar.gz -C "$tests/hosts" conntrack-full
	chapter 7
	matches out '^conntrack .*SHORT' 'nf_conntrack_max'
}

test_8_time_wait_piles_up() {
	scene
	serves
	expect 0 "$PROGRAM" load --mode connect --close client --rate 200 --duration 1s 127.0.0.1:443
	chapter 8
	matches out '^[1-9][0-9]*$' '^ports.rate .*SHORT' '^ports.rate .*ok$'
	said 'Run 1 rolled back'
}

test_9_a_node_after_a_kernel_update() {
	scene
	export HOME="$work"
	chapter 9
	matches out '^accept-queue .*ok → short +worse' '[0-9] files?[.:]'
}

test_10_before_a_sale() {
	scene
	serves --backlog 64
	timeout 110 "$PROGRAM" load --mode connect --rate 300 --duration 100s 127.0.0.1:443 >load 2>&1 &
	wait_for sh -c 'nstat -az TcpPassiveOpens | grep -q "PassiveOpens *[1-9]"'
	chapter 10
	matches out '^Observed for 2' '^Target' 'new/s'
	contains etc/epolltune/targets/sale 'server = :443'
}

test_findings_name_chapters_that_exist() {
	expect 0 epolltune list findings --format json
	jq -r '.findings[] | .runbook | select(. != "")' out | sed 's/^epolltune-runbook(7), //' | sort -u >named
	sed -n 's/^\.Sh \([0-9].*\)/\1/p' "$page" | sort >chapters
	is 'chapters' "$(wc -l <chapters)" 10
	diff -u chapters named || fail 'findings name other chapters'
	expect 0 epolltune explain accept-queue.overflowing
	said 'epolltune-runbook(7), 1. TIMEOUTS WITH AN IDLE SERVER'
}

# As the alerts promise, which know the wall only.
test_walls_name_their_remedy_and_chapter() {
	expect 0 epolltune explain accept-queue
	said 'what to do     Raise net.core.somaxconn and the backlog' 'epolltune-runbook(7), 1. TIMEOUTS WITH AN IDLE SERVER'
	# The remedy is that of the short wall, which is not the first finding.
	expect 0 epolltune explain --format json ports.ephemeral
	expect 0 jq -er '.topics[0].remedy' out
	cp out wall
	expect 0 epolltune explain --format json ports.ephemeral.short
	expect 0 jq -er '.topics[0].remedy' out
	diff -u out wall || fail 'the wall has another remedy than its finding'
	expect 0 epolltune explain application.limit
	said 'epolltune-runbook(7), 2. TOO MANY OPEN FILES'
	expect 0 epolltune explain orphans
	said 'what to do     Raise net.ipv4.tcp_max_orphans'
	! grep -q runbook out || fail 'a chapter that does not exist'
}

run_tests "$@"
