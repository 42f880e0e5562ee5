#!/bin/sh
# apply sets NAPI settings of a device and of one instance, on a veth in a private namespace. Only root
# may set them, and instances need Linux 6.13: otherwise apply must refuse.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

nic=/sys/class/net/v0

in_veth_namespace() { # [OPTIONS of unshare]
	options=-Urnm
	if may_unshare -nm; then options=-nm; fi
	in_namespace "$options${1:+ $1}"
	mount -t sysfs sysfs /sys || skip 'cannot mount a private sysfs'
	ip link add name v0 numrxqueues 2 numtxqueues 2 type veth peer name v1 && ethtool -L v0 rx 1 &&
		ethtool -K v0 gro on && ip link set v0 up || skip 'no veth with channels'
}

may_write() { { echo 0 >$nic/gro_flush_timeout; } 2>/dev/null; }
has_instances() { napi | grep -q ',0,0,0]'; }

apply() { # STATUS SETTING OPTIONS…
	want=$1
	shift
	expect "$want" epolltune apply --probe nic --no-proof --yes --state-dir state --set "$@"
}
rollback() { expect "${1:-0}" epolltune rollback --state-dir state; }

napi() {
	epolltune list --nic --format json | jq -c '.interfaces[] | select(.name == "v0") |
		[.napi.gro_flush_timeout, .napi.napi_defer_hard_irqs, (.napis[] |
			."gro-flush-timeout", ."defer-hard-irqs", ."irq-suspend-timeout")]'
}
of_device() { cat $nic/gro_flush_timeout $nic/napi_defer_hard_irqs | tr '\n' ' '; }

test_without_privilege_apply_gives_the_reason() {
	in_veth_namespace
	if may_write; then return; fi
	apply 3 device.gro_flush_timeout@v0=20000
	matches err 'not permitted|denied|NET_ADMIN'
}

test_settings_of_the_device_are_written_and_rolled_back() {
	in_veth_namespace
	may_write || return 0
	apply 0 device.gro_flush_timeout@v0=20000,device.napi_defer_hard_irqs@v0=2
	is 'what is set' "$(of_device)" '20000 2 '
	apply 2 device.gro_flush_timeout@v0=0
	apply 0 device.gro_flush_timeout@v0=0 --allow-lower
	rollback
	rollback
	is 'what is set' "$(of_device)" '0 0 '
}

test_the_shell_script_compares_before_it_writes() {
	in_veth_namespace
	may_write || return 0
	expect 0 epolltune apply --probe nic --no-proof --dry-run --format shell --allow-link-reset \
		--set 'device.channels@v0=2,device.gro_flush_timeout@v0=3000,device.rps_cpus@v0=0,00000001'
	cp out script.sh
	expect 0 sh -e script.sh
	cat out err | grep -qx 'v0: rx: 1 -> 2' || fail 'the script did not set the channels'
	is 'what is set' "$(cat $nic/gro_flush_timeout)" 3000
	echo 1000 >$nic/gro_flush_timeout
	expect any sh -e script.sh
	[ $status -ne 0 ] || fail 'the script overwrote a value that was modified'
}

masks() { cat $nic/queues/rx-*/rps_cpus | sed 's/^[0,]*\(.\)/\1/' | tr '\n' ' '; }

# A crash between the writes: the run has no record of the end of its change.
test_a_change_of_all_queues_that_was_cut_off_is_rolled_back() {
	in_veth_namespace
	may_write || return 0
	ethtool -L v0 rx 2
	apply 0 device.rps_cpus@v0=1
	is 'what is set' "$(masks)" '1 1 '
	sed -i '/"event":"done"/,$d' state/journal.jsonl
	echo 0 >$nic/queues/rx-1/rps_cpus
	rollback
	contains out 'several values → 0'
	is 'what is set' "$(masks)" '0 0 '
}

is_a_conflict_with_more_queues() {
	ethtool -L v0 rx 2
	is 'what is set' "$(masks)" '1 0 '
	rollback 1
	contains out 'has several values, run 1 set 1; modified since run 1'
	is 'what is set' "$(masks)" '1 0 '
	expect 0 epolltune rollback --force --state-dir state
	is 'what is set' "$(masks)" '0 0 '
}

test_queues_that_were_added_since_are_a_conflict() {
	in_veth_namespace
	may_write || return 0
	apply 0 device.rps_cpus@v0=1
	is_a_conflict_with_more_queues
}

# A rule has set the mask at boot, and the queues came later.
test_queues_that_were_added_after_a_reboot_are_a_conflict() {
	in_veth_namespace '--pid --fork --mount-proc'
	may_write || return 0
	apply 0 device.rps_cpus@v0=1
	# A veth has no address that a rule could name: the journal says that one was written.
	line='"name":"device.rps_cpus@v0","from":"","to":"1","why":""'
	sed -i -e 's/"boot":"[^"]*"/"boot":"another"/' -e "/\"event\":\"end\"/i\\
{\"v\":2,\"event\":\"intent\",\"run\":1,\"time\":1,\"n\":1,\"kind\":\"sysctl.d\",\"scope\":\"files\",$line}\\
{\"v\":2,\"event\":\"done\",\"run\":1,\"time\":1,\"n\":1,\"became\":\"1\"}" state/journal.jsonl
	is_a_conflict_with_more_queues
}

# The mounted /sys may be of another namespace, with an interface of that name and index.
test_an_interface_of_another_namespace_is_not_written() {
	in_veth_namespace
	may_write || return 0
	# shellcheck disable=SC2016 # the inner shell expands them
	expect 3 unshare -n sh -ec 'ip link add name v0 index "$1" address "$2" type veth peer name v1; shift 2
		"$@"' sh "$(cat $nic/ifindex)" "$(cat $nic/address)" \
		epolltune apply --probe nic --no-proof --yes --state-dir state --set device.gro_flush_timeout@v0=4000
	is 'what is set' "$(cat $nic/gro_flush_timeout)" 0
}

test_a_kernel_without_instances_is_refused() {
	in_veth_namespace
	may_write || return 0
	if has_instances; then return; fi
	apply 3 device.irq-suspend-timeout@v0=20000000
}

test_settings_of_an_instance_are_written_and_rolled_back() {
	in_veth_namespace
	may_write && has_instances || return 0
	apply 0 device.irq-suspend-timeout@v0:rx-0=20000000
	apply 0 device.gro_flush_timeout@v0:rx-0=200000
	is 'what is set' "$(napi)" '[0,0,200000,0,20000000]'
	# A change of all instances could not restore the setting of one.
	apply 3 device.gro_flush_timeout@v0=100000
	contains err 'different settings'
	rollback
	rollback
	is 'what is set' "$(napi)" '[0,0,0,0,0]'
}

test_an_instance_is_hidden_while_its_interface_is_down_but_keeps_its_settings() {
	in_veth_namespace
	may_write && has_instances || return 0
	apply 0 device.irq-suspend-timeout@v0:rx-0=20000000
	ip link set v0 down
	rollback any
	[ $status -ne 0 ] || fail 'rolled back a hidden instance'
	cat out err >both
	contains both 'while the interface is down'
	ip link set v0 up
	is 'what is set' "$(napi)" '[0,0,0,0,20000000]'
	rollback
	is 'what is set' "$(napi)" '[0,0,0,0,0]'
}

test_an_unknown_instance_or_interface_is_refused() {
	in_veth_namespace
	may_write && has_instances || return 0
	apply 3 device.irq-suspend-timeout@v0:rx-7=1
	ip link del v0
	apply 3 device.irq-suspend-timeout@v0=1
	contains err 'v0: no such interface'
}

run_tests "$@"
