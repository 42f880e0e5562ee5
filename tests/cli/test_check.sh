#!/bin/sh
# check finds limits that the tests set in namespaces and processes.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

net=/proc/sys/net
check='epolltune check --format json'
queue='epolltune check --format json --probe accept-queue'
small='--connections 200 --rate 1k'

raise_descriptors() { ulimit -Sn "$(ulimit -Hn)"; }

somaxconn_is_named() { # ISOLATION OPTIONS…
	isolation=$1
	shift
	echo 37 >$net/core/somaxconn
	expect 2 $queue "$@"
	somaxconn_was_named "$isolation"
}

somaxconn_was_named() { # ISOLATION
	json ".host.isolation == \"$1\"" \
		'wall("accept-queue") | .method == "measured" and .verdict == "short" and .knob == "net.core.somaxconn" and
			.limit == 38 and .measured == 38 and .needed == 1000' \
		'finding("accept-queue.short") | .level == "critical" and .remedy == "kernel" and
			.knob == "net.core.somaxconn" and .current == "37" and (.proposed | tonumber) + 1 >= 1250' \
		'finding("accept-queue.short") | at_current("ListenOverflows") >= 900 and
			at_proposed("ListenOverflows") == 0 and at_proposed("clients served") == 1000'
}

test_somaxconn_is_named_as_root() {
	in_root_namespace
	somaxconn_is_named lab
}

test_somaxconn_is_named_in_a_user_namespace() {
	in_namespace
	somaxconn_is_named lab
}

test_somaxconn_is_named_in_place() {
	in_root_namespace
	somaxconn_is_named in-place --in-place
}

# With a copy of the program that every user can execute.
test_somaxconn_is_named_unprivileged() {
	if [ "$(id -u)" -ne 0 ]; then in_namespace && somaxconn_is_named lab && return; fi
	chmod 755 "$work" "$work/.."
	install -m 755 "$PROGRAM" copy
	expect 2 setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs unshare -Urn sh -ec \
		'ip link set lo up; echo 37 >/proc/sys/net/core/somaxconn; exec "$1" check --format json --probe accept-queue' \
		sh "$work/copy"
	somaxconn_was_named lab
}

# The clients must use several processes then.
test_somaxconn_is_named_with_few_descriptors() {
	ulimit -n 100
	in_namespace
	somaxconn_is_named lab
}

# The lab of another user cannot set its somaxconn: the listen() argument emulates it.
test_a_read_only_sysctl_does_not_hide_the_limit() {
	in_namespace -Urnm
	echo 37 >$net/core/somaxconn
	mount --bind /proc/sys /proc/sys
	mount -o remount,bind,ro /proc/sys
	expect 2 unshare -Ur $queue --rate 1k
	json 'wall("accept-queue").measured == 38'
}

# If no clients arrive, check judges the queue by its settings.
dead_wire() { # OPTIONS…
	expect 0 $queue "$@"
	json 'wall("accept-queue") | .verdict == "ok" and .method == "derived" and .experiment == "missed"' \
		'wall("accept-queue").reason as $reason | .summary.answer | contains($reason)' \
		'has_finding("probe.failed")'
}

test_a_loopback_that_is_down_is_not_a_short_queue() {
	in_namespace
	ip link set lo down
	dead_wire --in-place
}

# With it no host of the lab would answer an ARP request.
test_a_lab_takes_over_no_arp_settings() {
	in_namespace
	echo 8 >$net/ipv4/conf/all/arp_ignore
	expect 0 $queue
	json 'wall("accept-queue").measured == 4097'
}

test_few_ports_do_not_limit_the_load() {
	in_namespace
	echo 40000 40009 >$net/ipv4/ip_local_port_range
	expect 0 $queue
	json 'wall("accept-queue").measured == 4097'
}

test_both_limits_are_named() {
	in_namespace
	echo 100 >$net/core/somaxconn
	expect any $queue --backlog 500
	json 'wall("accept-queue").measured == 101' \
		'[finding("accept-queue.short").proposals[] | [.knob, .current, .proposed]] ==
			[["net.core.somaxconn", "100", "2048"], ["listen.backlog", "500", "2048"]]'
}

test_no_value_is_proposed_beyond_the_range() {
	in_namespace
	expect any $queue --rate 100m --stall 60min
	json 'wall("accept-queue").method == "derived"' 'finding("accept-queue.short").proposed == null'
}

test_the_line_format_is_for_monitoring() {
	in_namespace
	echo 37 >$net/core/somaxconn
	expect 2 epolltune check --quick --format line --probe accept-queue
	quiet
	is 'the line' "$(cat out)" "EPOLLTUNE CRITICAL - Not ready: 1 wall is short: accept-queue. accept-queue 38 of 1 000\
 | accept-queue=38;1250:;1000:;0"
}

test_myths_are_reported() {
	in_namespace
	echo 5000 >$net/ipv4/tcp_max_tw_buckets
	echo 0 >$net/ipv4/tcp_timestamps
	for way in --quick '--probe myths'; do
		# shellcheck disable=SC2086 # several options
		expect any $check $way
		json '[.findings[] | select(.id == "knob.myth" and (.knob // "" | startswith("net.ipv4.")))] | length == 2' \
			'[.findings[] | select(.id == "knob.myth" and .knob == "net.ipv4.tcp_max_tw_buckets") | [.level, .current]] ==
				[["note", "5000"]]'
	done
}

# A new network namespace has the kernel's defaults.
test_kernel_defaults_are_not_myths() {
	in_namespace
	expect any $check --quick
	json '[.findings[] | select(.id == "knob.myth" and (.knob // "" | startswith("net.ipv4.")))] == []'
}

test_a_sysroot_must_not_be_this_machine() {
	expect 3 epolltune check --sysroot /
	contains err 'is this machine'
}

test_the_proposed_value_suffices() {
	in_namespace
	echo 2048 >$net/core/somaxconn
	expect 0 $queue
	json 'wall("accept-queue") | .verdict == "ok" and .measured == 2049'
}

test_a_tight_queue_is_a_warning() {
	in_namespace
	echo 1100 >$net/core/somaxconn
	expect 1 $queue
	json 'wall("accept-queue").verdict == "tight"' 'finding("accept-queue.tight").proposed == "2048"'
}

test_the_listen_argument_is_distinguished_from_somaxconn() {
	in_namespace
	expect 2 $queue --backlog 63
	json 'wall("accept-queue") | .measured == 64 and .knob == "listen.backlog"' \
		'finding("accept-queue.short") | .remedy == "application" and .current == "63"'
}

test_abort_on_overflow_is_noted() {
	in_namespace
	echo 1 >$net/ipv4/tcp_abort_on_overflow
	expect any $check --quick
	json 'finding("accept-queue.abort-on-overflow").level == "note"'
}

listens() { ss -Hltn | grep -q "$1"; } # PORT

test_a_live_listener_is_noted() {
	in_namespace
	busybox nc -l -p 8080 >/dev/null &
	wait_for listens 8080
	expect 0 $check --quick
	json 'finding("accept-queue.application") | .level == "note" and (.title | startswith("busybox (pid ")) and
		(.title | contains(":8080 has backlog 1; "))'
}

test_a_low_hard_limit_is_short() {
	ulimit -n 333
	expect 2 $check --probe descriptors
	# The detail names the descriptors that the server holds, which are the difference.
	json 'wall("descriptors.process") | .measured == 333 - (.detail | capture("less the (?<held>[0-9]+)").held | tonumber)' \
		'wall("descriptors.process") | .verdict == "short" and .method == "measured" and .knob == "RLIMIT_NOFILE"' \
		'finding("descriptors.process.short") | .remedy == "process" and .current == "333" and
			(.proposed | tonumber) >= 12500 and at_current("wakeups at the limit") > 1000'
}

test_a_low_soft_limit_is_tight() {
	hard=$(ulimit -Hn)
	[ "$hard" = unlimited ] || [ "$hard" -ge 12600 ] || skip "the hard limit is $hard here"
	ulimit -Sn 333
	expect 1 $check --probe descriptors
	json 'wall("descriptors.process").verdict == "tight"' \
		'finding("descriptors.process.soft-limit") | .level == "warning" and .current == "333"'
}

# What check must not change: global and namespace knobs, interfaces, network namespaces, processes.
snapshot() {
	cd /proc/sys
	cat fs/file-max fs/nr_open fs/epoll/max_user_watches kernel/core_pattern
	grep -rs . net/core net/ipv4 vm | grep -v stat_refresh || true
	ip -o link
	# shellcheck disable=SC2012 # numbers
	ls -l /proc/[0-9]*/ns/net 2>/dev/null | sed 's/.*-> //' | sort -u
	pgrep -c epolltune || true
}

is_unchanged() { (snapshot) >after 2>/dev/null && cmp -s before after; }

# In a PID namespace of its own, as other processes run on the machine too.
in_pid_namespace() { in_namespace '-Urnmpf --mount-proc'; }

test_check_leaves_the_host_unchanged() {
	in_pid_namespace
	(snapshot) >before 2>/dev/null
	expect any epolltune check $small
	is_unchanged || { diff before after || fail changed; }
}

# Its remaining processes exit by themselves.
test_a_killed_check_leaves_the_host_unchanged() {
	in_pid_namespace
	(snapshot) >before 2>/dev/null
	for moment in 0.01 0.05 0.1 0.2 0.3; do
		epolltune check >/dev/null 2>&1 &
		sleep $moment
		kill -KILL $!
		wait $! || true
	done
	wait_for is_unchanged
}

test_refused_namespaces_fall_back_to_loopback() {
	raise_descriptors
	in_namespace
	echo 0 >/proc/sys/user/max_net_namespaces
	expect 0 $check $small
	json 'finding("lab.refused") | .level == "skipped" and (.detail | contains("user.max_user_namespaces"))' \
		'.host.isolation == "in-place"' \
		'wall("accept-queue").method == "measured"' \
		'[.findings[] | select(.id == "lab.refused")] | length == 1'
}

first_child() { child=$(cut -d' ' -f1 "/proc/$1/task/$1/children") && [ "$child" ]; } # PID

# The children of check are its probes.
test_a_killed_probe_is_reported() {
	raise_descriptors
	in_namespace
	$queue --rate 1k --backlog 50 >out 2>err &
	check=$!
	wait_for first_child $check
	kill -KILL "$child"
	wait $check || true
	json 'finding("probe.failed") | .level == "skipped" and (.detail | contains("signal 9"))'
}

test_quick_only_inspects() {
	raise_descriptors
	in_namespace
	expect 0 $check --quick $small
	json 'all(.walls[]; .method != "measured")'
}

test_no_proof_tries_nothing() {
	in_namespace
	expect any $queue --backlog 10 --rate 1k --no-proof
	json 'finding("accept-queue.short") | .tried_state == "not tried" and at_proposed("ListenOverflows") == null'
}

wrong() { # NAMED OPTIONS…
	named=$1
	shift
	expect 3 epolltune check --quick "$@"
	refused "$named"
}

test_errors_name_the_option() {
	for value in -1 1e9 10x 0 '' 99999999999999999999; do
		wrong --connections --connections "$value"
	done
	wrong --rate --rate 18446744073709551617
	wrong --stall --stall 50
	wrong --rtt --rtt 0ms
	wrong --bandwidth --bandwidth 1gib
	wrong --backlog --backlog 4294967296
	wrong --role --role client
	wrong --target --target c5
	wrong nonsense --probe nonsense
	wrong --format --format yaml
	wrong /nonexistent --sysroot /nonexistent
	wrong --nonsense --nonsense
	wrong operand operand
}

test_output_is_complete_or_absent() {
	mkdir here
	echo old >here/report
	(cd here && expect any "$PROGRAM" check --quick $small --format json --output report && rm out err)
	is 'its beginning' "$(head -c 1 here/report)" '{'
	is 'the files' "$(ls here)" report
	expect 3 epolltune check --quick --output missing/report
	expect 3 sh -c 'exec epolltune check --quick >/dev/full'
	contains err 'No space left'
}

test_progress_is_printed_on_terminals_only() {
	raise_descriptors
	in_namespace
	slow="$PROGRAM check --color never --no-proof --window 2s --probe listeners,ports"
	expect any $slow
	quiet
	lacks out "$(printf '\033')"
	for term in '' dumb; do
		expect any env TERM=$term script -qec "$slow" /dev/null
		lacks out "$(printf '\033')"
	done
	# A line that wraps cannot be replaced.
	for columns in 80 20; do
		expect any env TERM=xterm script -qec "stty cols $columns; $slow" /dev/null
		# Behind the last one is the report.
		tr '\r' '\n' <out | sed -n "s/^$(printf '\033')\\[K//p" | sed '$d' | grep . >progress.$columns
	done
	grep -qE '.{20}' progress.80 || { show out && fail 'no progress was printed'; }
	[ -s progress.20 ] || fail 'no progress was printed in a narrow window'
	! grep -E '.{20}' progress.20 || fail 'progress exceeds the window'
}

# Also where the owner of a listener is not found.
test_descriptors_are_listed_once() {
	strace -o /dev/null true 2>/dev/null || skip 'no strace (ptrace) here'
	! sanitized || exit 0
	in_namespace
	epolltune serve --port 8090 --workers 1 --backlog 100 --quiet &
	server=$!
	wait_for sh -c 'ss -Hltn | grep -q 8090'
	expect any unshare -pf --mount-proc sh -c \
		'sleep 60 & strace -f -qq -y -e trace=openat -o trace "$PROGRAM" check --quick; kill $!'
	kill $server
	grep -E 'openat\([0-9]+</proc/[0-9]+>, "fd"' trace | sed 's/.*<\(.proc.[0-9]*\)>, "fd".*/\1/' | sort >listed
	[ "$(sort -u listed | wc -l)" -ge 2 ] || fail "no process was looked at"
	[ ! "$(uniq -d listed)" ] || fail "listed twice: $(uniq -d listed)"
}

run_tests "$@"
