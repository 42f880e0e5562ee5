#!/bin/sh
# NAPI settings through apply, for a device and for one instance, on a veth in a namespace of the test's
# own. Only root may set them, and only Linux 6.13 knows instances: elsewhere the refusal is tested.
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
	"$program" apply --probe nic --no-proof --state-dir "$work/state" --set "$@" >"$work/said" 2>&1
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

mount -t sysfs sysfs /sys 2>/dev/null || { echo 'no sysfs of its own'; exit 0; }
ip link add name v0 type veth peer name v1 && ethtool -K v0 gro on && ip link set v0 up || exit 77
if ! { echo 1 >/sys/class/net/v0/gro_flush_timeout; } 2>/dev/null; then
	apply 3 device.gro_flush_timeout@v0=20000
	grep -qE 'not permitted|denied|NET_ADMIN' "$work/said" || fail 'not said why'
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
	fail 'not taken back'
if ! napi | grep -q ',0,0,0]'; then
	apply 3 device.irq-suspend-timeout@v0=20000000
	exit 0
fi
apply 0 device.irq-suspend-timeout@v0:rx-0=20000000
apply 0 device.gro_flush_timeout@v0:rx-0=200000
is '[0,0,200000,0,20000000]'
# What one instance has would be lost if all were set and taken back.
apply 3 device.gro_flush_timeout@v0=100000
grep -q 'settings of their own' "$work/said" || fail 'not said why'
rollback
rollback
is '[0,0,0,0,0]'
apply 3 device.irq-suspend-timeout@v0:rx-7=1
ip link del v0
apply 3 device.irq-suspend-timeout@v0=1
grep -q 'v0: no such interface' "$work/said" || fail 'not said why'
END
if unshare -nm true 2>/dev/null; then
	unshare -nm sh "$work/script" "$program" "$work"
elif unshare -Urnm true 2>/dev/null; then
	unshare -Urnm sh "$work/script" "$program" "$work"
else
	echo 'skipped: no private namespaces'
	exit 77
fi
