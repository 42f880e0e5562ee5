#!/bin/sh
# apply sets NAPI settings of a device and of one instance, on a veth in a private namespace. Only root
# may set them, and instances need Linux 6.13: otherwise apply must refuse.
set -u
program=${PROGRAM:?is set by make test}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM

cat >"$work/script" <<'END'
program=$1 work=$2
fail() { echo "FAILED: $*"; cat "$work/said"; exit 1; }
apply() { # STATUS SETTING WORDS…
	want=$1
	shift
	"$program" apply --probe nic --no-proof --yes --state-dir "$work/state" --set "$@" >"$work/said" 2>&1
	got=$?
	[ $got -eq "$want" ] || fail "apply $*: status $got, not $want"
}
rollback() { "$program" rollback --state-dir "$work/state" >"$work/said" 2>&1 || fail rollback; }
napi() {
	"$program" list --nic --format json | jq -c '.interfaces[] | select(.name == "v0") |
		[.napi.gro_flush_timeout, .napi.napi_defer_hard_irqs, (.napis[] |
			."gro-flush-timeout", ."defer-hard-irqs", ."irq-suspend-timeout")]'
}
is() { [ "$(napi)" = "$1" ] || fail "$(napi), not $1"; }

mount -t sysfs sysfs /sys 2>/dev/null || { echo 'cannot mount a private sysfs'; exit 0; }
ip link add name v0 numrxqueues 2 numtxqueues 2 type veth peer name v1 &&
	ethtool -L v0 rx 1 && ethtool -K v0 gro on && ip link set v0 up || exit 77
if ! { echo 1 >/sys/class/net/v0/gro_flush_timeout; } 2>/dev/null; then
	apply 3 device.gro_flush_timeout@v0=20000
	grep -qE 'not permitted|denied|NET_ADMIN' "$work/said" || fail 'no reason printed'
	exit 0
fi
echo 0 >/sys/class/net/v0/gro_flush_timeout
apply 0 device.gro_flush_timeout@v0=20000,device.napi_defer_hard_irqs@v0=2
[ "$(cat /sys/class/net/v0/gro_flush_timeout /sys/class/net/v0/napi_defer_hard_irqs | tr '\n' ' ')" = '20000 2 ' ] ||
	fail 'not written'
apply 2 device.gro_flush_timeout@v0=0
apply 0 device.gro_flush_timeout@v0=0 --allow-lower
rollback
rollback
[ "$(cat /sys/class/net/v0/gro_flush_timeout /sys/class/net/v0/napi_defer_hard_irqs | tr '\n' ' ')" = '0 0 ' ] ||
	fail 'not rolled back'
# The shell script compares before it writes, as the program does.
epolltune_script() {
	"$program" apply --probe nic --no-proof --dry-run --format shell --allow-link-reset \
		--set 'device.channels@v0=2,device.gro_flush_timeout@v0=3000,device.rps_cpus@v0=0,00000001' >"$work/script.sh" || fail 'no script'
}
epolltune_script
sh -e "$work/script.sh" >"$work/said" 2>&1 || fail 'the script fails'
grep -q '^v0: rx: 1 -> 2$' "$work/said" || fail 'the script did not set the channels'
[ "$(cat /sys/class/net/v0/gro_flush_timeout)" = 3000 ] || fail 'the script did not write'
echo 1000 >/sys/class/net/v0/gro_flush_timeout
sh -e "$work/script.sh" >"$work/said" 2>&1 && fail 'the script overwrote a value that was modified'
ethtool -L v0 rx 1
echo 0 >/sys/class/net/v0/gro_flush_timeout
# The mounted /sys may be of another namespace, with an interface of that name and index.
unshare -n sh -ec 'ip link add name v0 index "$1" address "$2" type veth peer name v1; shift 2
	"$@"' sh "$(cat /sys/class/net/v0/ifindex)" "$(cat /sys/class/net/v0/address)" \
	"$program" apply --probe nic --no-proof --yes --state-dir "$work/state" --set device.gro_flush_timeout@v0=4000 >"$work/said" 2>&1
[ $? -eq 3 ] || fail 'set in a namespace that /sys does not show'
[ "$(cat /sys/class/net/v0/gro_flush_timeout)" = 0 ] || fail 'written to an interface of another namespace'
if ! napi | grep -q ',0,0,0]'; then
	apply 3 device.irq-suspend-timeout@v0=20000000
	exit 0
fi
apply 0 device.irq-suspend-timeout@v0:rx-0=20000000
apply 0 device.gro_flush_timeout@v0:rx-0=200000
is '[0,0,200000,0,20000000]'
# A change of all instances could not restore the setting of one.
apply 3 device.gro_flush_timeout@v0=100000
grep -q 'different settings' "$work/said" || fail 'no reason printed'
rollback
rollback
is '[0,0,0,0,0]'
# An instance is hidden while its interface is down, but keeps its settings.
apply 0 device.irq-suspend-timeout@v0:rx-0=20000000
ip link set v0 down
"$program" rollback --state-dir "$work/state" >"$work/said" 2>&1 && fail 'rolled back a hidden instance'
grep -q 'while the interface is down' "$work/said" || fail 'no reason printed'
ip link set v0 up
is '[0,0,0,0,20000000]'
rollback
is '[0,0,0,0,0]'
apply 3 device.irq-suspend-timeout@v0:rx-7=1
ip link del v0
apply 3 device.irq-suspend-timeout@v0=1
grep -q 'v0: no such interface' "$work/said" || fail 'no reason printed'
END
if unshare -nm true 2>/dev/null; then
	unshare -nm sh "$work/script" "$program" "$work"
elif unshare -Urnm true 2>/dev/null; then
	unshare -Urnm sh "$work/script" "$program" "$work"
else
	echo 'skipped: no private namespaces'
	exit 77
fi
