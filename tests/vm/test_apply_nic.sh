#!/bin/sh
# apply changes rings, channels, coalescing and NAPI settings of real drivers, reads them back, asks for
# confirmation where the default route is at risk, and rolls back. test_persist_nic.sh tests the files.
# shellcheck source=SCRIPTDIR/boot.sh
. "$(dirname "$0")/boot.sh"

boot --full --state "$work/disk" --nic e1000e --nic virtio,queues=4 - <<'END'
#!/bin/sh
set -u
fail() { echo "FAILED: $*"; exit 1; }
mkdir -p /etc/systemd/network /etc/udev/rules.d
for n in 0 1; do ip address add 10.9.$n.2/24 dev eth$n && ip link set eth$n up; done
# After a reset a card negotiates its link again, which takes seconds, longer on a busy machine.
answers() {
	tries=0
	until ping -q -c 1 -W 1 10.9.0.1 >/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 60 ] || fail 'the gateway does not answer'
		sleep 1
	done
}
answers

apply() { # STATUS WORDS…: apply --set and what follows, without experiments
	want=$1
	shift
	epolltune apply --probe nic --no-proof --yes --set "$@" >/tmp/said 2>&1
	got=$?
	[ $got -eq "$want" ] || { cat /tmp/said; fail "apply $*: status $got, not $want"; }
}
said() { tr -s '\n ' ' ' </tmp/said | grep -q -- "$1" || { cat /tmp/said; fail "not in the output: $1"; }; }
state() {
	for n in 0 1; do ethtool -g eth$n; ethtool -l eth$n; ethtool -c eth$n; done 2>&1
	grep -H . /sys/class/net/eth?/gro_flush_timeout /sys/class/net/eth?/napi_defer_hard_irqs \
		/sys/class/net/eth?/queues/rx-*/rps_cpus
}

state >/tmp/before
apply 2 device.ring.rx@eth0=512
said 'add --allow-link-reset'
apply 3 device.ring.rx@eth0=9999 --allow-link-reset
said 'above the maximum of the device: 4096'
apply 3 device.channels@eth0=2 --allow-link-reset
state | cmp -s - /tmp/before || fail 'a refusal changed something'

# No systemd-udevd: a manual step remains.
apply 1 device.ring.rx@eth0=512,device.coalesce.rx-usecs@eth0=50,device.channels@eth1=4,device.gro_flush_timeout@eth1=20000,device.rps_cpus@eth0=3 \
	--allow-link-reset --persist
said 'lost at the next boot: eth0: systemd-udevd'
ethtool -g eth0 | tail -n 12 | grep -q '^RX:[^0-9]*512$' || fail 'the ring is not 512'
ethtool -l eth1 | tail -n 1 | grep -q 4 || fail 'not four channels'
ethtool -c eth0 | grep -q '^rx-usecs:[^0-9]*50$' || fail 'rx-usecs is not 50'
answers
epolltune rollback >/tmp/said 2>&1 || { cat /tmp/said; fail 'rollback'; }
state | diff /tmp/before - || fail 'rollback did not restore every setting'
[ -z "$(ls /etc/systemd/network /etc/udev/rules.d | grep epolltune)" ] || fail 'rollback left a file'
answers

# On the interface of the default route, a reset must be confirmed or is rolled back.
ip route add default via 10.9.0.1
apply 2 device.ring.rx@eth0=512 --allow-link-reset
said 'carries the default route'
apply 0 device.ring.rx@eth0=512 --allow-link-reset --confirm 8s
ethtool -g eth0 | tail -n 12 | grep -q '^RX:[^0-9]*512$' || fail 'the ring is not 512'
tries=0
while ! state | cmp -s - /tmp/before; do
	tries=$((tries + 1))
	[ $tries -lt 60 ] || fail 'not confirmed, but not rolled back'
	sleep 1
done
answers

# A card that is removed after the change: nothing to roll back, and the journal is whole.
apply 0 device.channels@eth1=4,device.gro_flush_timeout@eth1=20000 --allow-link-reset
echo 1 >"$(readlink -f /sys/class/net/eth1/device/..)/remove"
epolltune rollback >/tmp/said 2>&1 || { cat /tmp/said; fail 'rollback of a removed card'; }
said 'the card of eth1 was removed'
apply 3 device.ring.rx@eth1=512 --allow-link-reset
said 'eth1: no such interface'
state | grep -c . >/dev/null
echo good
END
[ "$status" -eq 0 ] || fail "exit status $status"
grep -qx good "$work/out" || fail 'the script did not finish'
