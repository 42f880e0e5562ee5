#!/bin/sh
# lint --try: what it says of lines, confirmed by a machine that has them.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

sys=/proc/sys/net

scene() {
	in_root_namespace
	[ -e $sys/core/somaxconn ] || skip 'no net.core in a network namespace'
	echo 128 | tee $sys/core/somaxconn >$sys/ipv4/tcp_max_syn_backlog
}

# What is said of line N, and the walls that it moves.
line() { # N EFFECT [WALL=BEFORE>AFTER]
	json ".tried.lines[] | select(.line == $1) |
		[.effect, (.walls[] | \"\(.name)=\(.before.verdict)>\(.after.verdict)\")] | join(\" \") == \"$2${3:+ $3}\""
}

test_lines_gain_harm_or_do_nothing() {
	needs_tun
	scene
	cat >gist.conf <<-'end'
		net.core.somaxconn = 65535
		net.ipv4.tcp_syncookies = 0
		net.ipv4.ip_local_port_range = 40000 40100
		net.ipv4.tcp_syncookies = "1"
		net.ipv4.tcp_timestamps = 1
		net.ipv4.tcp_keepalive_time = 300
		net.ipv4.conf.all.rp_filter = 1
		vm.swappiness = 10
		net.ipv4.tcp_tw_recycle = 1
		net.ipv4.neigh.default.gc_thresh1 = 80000
		net.ipv4.tcp_congestion_control = no_such_module
		fs.file-max = 9000
	end
	sed 4d gist.conf >plain.conf
	before=$(cat $sys/core/somaxconn $sys/ipv4/ip_local_port_range $sys/ipv4/tcp_syncookies)
	expect 2 epolltune lint --try gist.conf --probe accept-queue --format json
	line 2 none
	line 4 none
	expect 2 epolltune lint --try plain.conf --probe accept-queue,syn-queue,ports --format json
	json '.schema == "epolltune.lint/1"' '.problems != []' '.tried.lines | length == 11'
	line 1 gains 'accept-queue=short>ok syn-queue=tight>ok'
	line 2 harms 'syn-queue=tight>short'
	for line in 3 4 8; do line $line none; done
	for line in 5 6 7 9 10; do line $line untested; done
	line 11 harms 'descriptors.system=ok>short'
	json '.tried.lines | all(.[]; (.why == null) == (.walls != []))' \
		'.tried.files | length == 1 and (.[0] | .effect == "harms" and .why == null)' \
		'.tried.files | (.[0].walls | map(.change) | unique == ["better", "worse"])' \
		'.tried.walls | only(.name == "accept-queue") | .now.value == 129 and .file.value == 65536 and .other == null'
	is 'this namespace' "$(cat $sys/core/somaxconn $sys/ipv4/ip_local_port_range $sys/ipv4/tcp_syncookies)" "$before"
	# The same by hand.
	cp out tried
	echo 0 >$sys/ipv4/tcp_syncookies
	expect 2 epolltune check --no-proof --probe syn-queue --format json
	json 'wall("syn-queue").measured == 97'
	cp tried out
	json '.tried.lines[1].walls[0] | .before.value == 129 and .after.value == 97'
	echo 1 >$sys/ipv4/tcp_syncookies
	echo 65535 >$sys/core/somaxconn
	expect 0 epolltune check --no-proof --probe accept-queue,syn-queue --format json
}

test_two_files_are_shown_side_by_side() {
	scene
	echo 'net.core.somaxconn = 4096' >a.conf
	echo 'net.core.somaxconn = 512' >b.conf
	expect 1 epolltune lint --try a.conf --versus b.conf --probe accept-queue
	matches out '^a.conf:1: gains: net.core.somaxconn: accept-queue 129 (->|→) 4 097 \(1 000 needed; short (->|→) ok, ' \
		'^b.conf:1: gains: net.core.somaxconn: accept-queue 129 (->|→) 513 ' '^a.conf: all lines together: gains: ' \
		'^accept-queue +1 000 +129 +short +4 097 +ok +513 +short'
}

test_what_is_in_force_costs_no_experiment() {
	scene
	echo 'net.core.somaxconn = 128' >gist.conf
	expect 1 epolltune lint --try gist.conf
	said 'gist.conf:1: no effect here: net.core.somaxconn: the value is in force already' \
		'gist.conf: all lines together: no effect here'
}

test_what_is_not_set_is_not_tried() {
	scene
	cat >gist.conf <<-'end'
		net.core.somaxconn = 8192
		net.ipv4.conf.all.rp_filter = 2
		-net.core.somaxconn
		net.ipv4.ip_local_port_range = 1024 65535
		net.ipv4.ip_unprivileged_port_start = 2048
	end
	expect 2 epolltune lint --try gist.conf --probe accept-queue
	said 'gist.conf:1: no effect here: net.core.somaxconn: line 3 excludes it' \
		'gist.conf:5: no effect here: net.ipv4.ip_unprivileged_port_start: the kernel refuses it after line 4' \
		'gist.conf: all lines together: no effect here: 1 of 4 lines could not be tried'
	printf '%s\n' '-net.core.somaxconn' '-net.ipv4.conf.*.rp_filter' >gist.conf
	expect 3 epolltune lint --try gist.conf
	refused 'gist.conf: no line sets a sysctl'
	echo 'net.ipv4.conf.all.rp_filter = 2' >gist.conf
	expect 3 epolltune lint --try gist.conf
	said 'gist.conf: all lines together: not testable here: no line could be tried'
	expect 3 epolltune lint --try gist.conf --format json
	json '.tried.files[0] | .effect == "untested" and .why == "no line could be tried" and .lines == 1 and .tried == 0'
}

test_bad_use_is_refused() {
	echo '* soft nofile 1024' >limits.conf
	echo 'net.core.somaxconn = 128' >gist.conf
	expect 3 epolltune lint --try
	refused 'lint: --try needs one FILE'
	expect 3 epolltune lint --try limits.conf
	refused 'limits.conf: no line sets a sysctl'
	expect 3 epolltune lint --try gist.conf --versus missing.conf
	refused 'missing.conf'
	expect 3 epolltune lint --try gist.conf --fix
	refused 'not --fix'
	expect 3 epolltune lint --versus gist.conf gist.conf
	refused 'lint: --versus needs --try FILE'
	expect 3 epolltune lint --rate 10k gist.conf
	refused 'lint: a target needs --try FILE'
}

run_tests "$@"
