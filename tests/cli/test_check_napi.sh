#!/bin/sh
# Probes napi and nic: check finds deferred interrupts that the test sets, measures busy polling
# unless the machine is too busy, and the code of the guide compiles and works.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

check='epolltune check --format json --probe'
class=/sys/class/net

skip_where_refused() { ! holds 'has_finding("lab.refused")' || skip 'no private namespaces'; }

# A namespace with an interface v0, whose settings only root may change.
in_veth_namespace() { # OPTIONS-OF-IP
	in_namespace -nm
	mount -t sysfs sysfs /sys || skip 'no private sysfs'
	# shellcheck disable=SC2086 # several options
	ip link add name v0 ${1:-} type veth peer name v1 ${1:-}
	ip link set v0 up
}

defer_interrupts() {
	in_veth_namespace
	{ echo 200000 >$class/v0/gro_flush_timeout; } 2>/dev/null || skip 'only root may defer interrupts'
	echo 2 >$class/v0/napi_defer_hard_irqs
}

# Or each way is as fast, again and again: then there is nothing to report.
test_busy_polling_is_measured_or_the_machine_was_busy() {
	expect_known 'has_finding("napi.latency.busy-poll", "napi.latency.too-busy", "probe.failed", "lab.refused") or
		(finding("napi.latency.untried").detail | contains("EPIOCSPARAMS"))' any $check napi
	skip_where_refused
	json 'wall("napi.latency").verdict == "ok"' \
		'if has_finding("napi.latency.busy-poll") then
			finding("napi.latency.busy-poll") | .knob == "EPIOCSPARAMS" and .level == "note" and
				at_current("request p50") > 0 and at_proposed("request p50") > 0 and
				at_proposed("request p50") <= 0.8 * at_current("request p50")
		else
			has_finding("napi.latency.too-busy", "probe.failed") or wall("napi.latency").experiment == "done" or
				(finding("napi.latency.untried").detail | contains("EPIOCSPARAMS"))
		end'
}

test_deferral_is_found_and_its_cure_is_proven() {
	defer_interrupts
	# With the deferral and without it a busy machine may answer as slowly.
	expect_known 'has_finding("napi.latency.deferred")' 1 $check napi
	json 'finding("napi.latency.deferred") | .knob == "device.gro_flush_timeout@v0" and .current == "200000" and
			.proposed == "0" and (.detail | contains("napi_defer_hard_irqs=2"))' \
		'wall("napi.latency").verdict == "tight"'
	# On a busy machine the deferral is reported without a measurement.
	if holds 'finding("napi.latency.deferred").tried_state == "inconclusive"'; then return; fi
	# The proof is the same experiment with the defaults; `make bench` compares the times.
	json 'finding("napi.latency.deferred") | at_proposed("request p50") > 0 and at_current("request p50") > 0'
	# Busy polling is compared with the defaults, not with the deferral.
	json '(finding("napi.latency.deferred") | at_proposed("request p50")) as $defaults |
		[.findings[] | select(.id == "napi.latency.busy-poll") | at_current("request p50")] - [$defaults] == []'
}

test_deferral_is_derived_without_privilege() {
	defer_interrupts
	chmod 755 "$work" "$work/.."
	install -m 755 "$PROGRAM" copy
	expect any setpriv --reuid 65534 --regid 65534 --clear-groups "$work/copy" check --format json --probe napi
	json 'finding("napi.latency.deferred") | .proposed == "0" and .evidence == []' \
		'has_finding("lab.refused") or (finding("napi.latency.deferred").tried | contains("needs root"))'
}

# The probes do not try to change an interface.
test_nothing_is_attempted_without_privilege() {
	in_veth_namespace
	strace -u nobody -o /dev/null true 2>/dev/null || skip 'no strace (ptrace) here'
	chmod 755 "$work" "$work/.."
	install -m 755 "$PROGRAM" copy
	expect any env ASAN_OPTIONS=detect_leaks=0 strace -u nobody -f -qq -o trace -e trace=openat,recvmsg \
		"$work/copy" check --probe nic,napi
	[ $status -le 1 ] || fail "exit status $status"
	[ -s trace ]
	! grep -E 'sys/class.*(O_WRONLY|O_RDWR)|error=-E(PERM|ACCES)' trace || fail 'it tries'
}

# The wall is judged by its settings, without an error.
test_one_cpu_is_not_an_error() {
	expect 0 taskset -c "$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')" $check napi
	skip_where_refused
	json 'has_finding("probe.failed") | not' \
		'finding("napi.latency.untried").detail | contains("one CPU only")'
}

# So that the proposal can be set.
test_the_deferral_of_an_instance_is_named_by_its_queue() {
	in_veth_namespace 'numrxqueues 2 numtxqueues 2'
	ethtool -L v0 rx 2
	ethtool -K v0 gro on
	ip link set v1 up
	expect any epolltune apply --yes --no-proof --probe nic --state-dir state --set \
		device.gro_flush_timeout@v0:rx-1=200000,device.napi_defer_hard_irqs@v0:rx-1=2
	[ $status -ne 3 ] || skip 'this kernel has no settings of NAPI instances, or only root may set them'
	is 'the exit status' $status 0
	expect any $check napi --quick
	json 'finding("napi.latency.deferred").knob == "device.gro_flush_timeout@v0:rx-1"'
}

test_inspection_finds_deferral_too() {
	defer_interrupts
	expect 1 $check napi,nic --quick
	json 'has_finding("napi.latency.deferred")' 'wall("napi.latency").method == "derived"'
}

settings() {
	for nic in "$class"/*; do
		grep -H . "$nic/gro_flush_timeout" "$nic/napi_defer_hard_irqs" "$nic/threaded" || true
	done
	ls $class
	ethtool -k lo
}

test_nothing_is_left_set() {
	settings >before 2>&1
	expect any $check napi,nic
	settings >after 2>&1
	diff before after || fail 'changed'
}

test_the_window_option_is_used() {
	expect 3 epolltune check --probe nic --window 100ms
	contains err --window
	expect any $check nic --window 600ms
	json 'wall("softnet.backlog", "softnet.budget", "nic.ring", "nic.queues")'
}

children() { # PID NUMBER
	# shellcheck disable=SC2046 # PIDs
	set -- "$2" $(cat "/proc/$1/task/$1/children")
	first=${2-} second=${3-}
	[ $# -gt "$1" ]
}

# What the experiments make a card drop is not accused.
test_nic_watches_before_the_experiments() {
	$check accept-queue,nic --window 5s >out 2>err &
	check=$!
	wait_for children $check 1
	kill -STOP "$first"
	wait_for children $check 2
	wait_for gone "$second"
	kill -CONT "$first"
	wait $check || true
	quiet
	json 'wall("softnet.backlog").detail | test(" in the .* watched")'
}

# As of a VPN whose process is too slow: what waits for it is dropped at no qdisc.
test_a_tun_device_that_is_not_read_is_named() {
	needs python3
	in_namespace
	cat >tun.py <<-'EOS'
		import fcntl, socket, struct, subprocess, time
		tun = open("/dev/net/tun", "r+b", buffering=0)
		fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH22x", b"tun0", 0x1001)) # TUNSETIFF, IFF_TUN | IFF_NO_PI
		subprocess.run("ip addr add 10.9.9.1/24 dev tun0; ip link set tun0 up", shell=True, check=True)
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		while True:
		    s.sendto(bytes(100), ("10.9.9.2", 9))
		    time.sleep(.001)
	EOS
	python3 tun.py &
	tun=$!
	full() { awk '$1 == "tun0:" && $13 > 0 { full = 1 } END { exit !full }' /proc/net/dev; }
	wait_for full
	expect 1 $check nic
	json 'finding("nic.errors") | .level == "warning" and .remedy == "application" and (.title | startswith("tun0 "))'
	kill $tun
}

test_what_filters_of_the_ingress_drop_is_a_note() {
	needs tc python3
	in_namespace
	ip link set lo up
	tc qdisc add dev lo handle ffff: ingress 2>err || skip 'this kernel has no ingress qdisc'
	# A program that returns TC_ACT_SHOT.
	tc filter add dev lo parent ffff: bpf da bytecode '1,6 0 0 2' 2>err || skip 'this kernel has no filter bpf'
	python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    s.sendto(bytes(100), ("127.0.0.1", 9))
    time.sleep(.001)' &
	sender=$!
	sends() { awk '$1 == "lo:" && $3 > 0 { sent = 1 } END { exit !sent }' /proc/net/dev; }
	wait_for sends
	expect 0 $check nic
	kill $sender
	json 'finding("nic.filters.dropping") | .level == "note" and (.title | startswith("lo: filters of its ingress dropped "))'
}

test_the_code_of_the_guide_compiles_and_works() {
	cc=$(command -v cc || command -v gcc || command -v clang) || skip 'no C compiler'
	expect 0 epolltune explain --format json epoll-busy-poll
	{
		jq -r '.topics[0].code' out
		cat <<-'END'
			#include <errno.h>
			int main(void)
			{
				int epoll = epoll_create1(0);
				if (epoll < 0 || (busy_poll(epoll) && errno != ENOTTY))
					return 1;
				return napi_of(epoll) ? 2 : 0;
			}
		END
	} >guide.c
	"$cc" -Wall -Wextra -Werror -D_GNU_SOURCE -o guide guide.c
	./guide
}

run_tests "$@"
