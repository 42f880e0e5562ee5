#!/bin/sh
# The files of apply --persist, read by Debian's systemd-udevd: a card that is removed and rescanned,
# as at a boot, has the same settings and name again.
# shellcheck source=SCRIPTDIR/boot.sh
. "$(dirname "$0")/boot.sh"

boot --full --udev --state "$work/disk" --nic e1000e --nic virtio,queues=4 - <<'END'
#!/bin/sh
set -u
fail() { echo "FAILED: $*"; ls /sys/class/net; grep -r . /etc/systemd /etc/udev/rules.d; exit 1; }
mkdir -p /etc/systemd/network /etc/udev/rules.d
/usr/lib/systemd/systemd-udevd --daemon 2>/dev/null || fail 'no systemd-udevd'
again() { # [ADDRESS…]: removes cards and rescans, which resets them to their drivers' defaults
	for address in ${*:-0000:00:02.0}; do echo 1 >/sys/bus/pci/devices/$address/remove; done
	udevadm settle
	# udevd checks for changed files only every three seconds.
	udevadm control --reload
	echo 1 >/sys/bus/pci/rescan
	tries=0
	until [ "$(grep -l ID_NET_NAME= /run/udev/data/n* 2>/dev/null | wc -l)" -eq 2 ] || [ $tries -eq 100 ]; do
		tries=$((tries + 1))
		udevadm settle
		sleep 0.1
	done
	udevadm settle
}
names() { echo $(cd /sys/bus/pci/devices/0000:00:02.0/net && ls) $(cd /sys/bus/pci/devices/0000:00:03.0/virtio*/net && ls); }
apply() { # STATUS WORDS…: apply --persist --set and what follows, without experiments
	want=$1
	shift
	epolltune apply --probe nic --no-proof --yes --allow-link-reset --persist --set "$@" >/tmp/said 2>&1
	got=$?
	[ $got -eq "$want" ] || { cat /tmp/said; fail "apply $*: status $got, not $want"; }
}
said() { tr -s '\n ' ' ' </tmp/said | grep -q -- "$1" || { cat /tmp/said; fail "not in the output: $1"; }; }
rollback() { epolltune rollback >/tmp/said 2>&1 || { cat /tmp/said; fail 'rollback'; }; }
ring() { ethtool -g "$1" | sed -n 's/^RX:[^0-9]*//p' | tail -n 1; }

again 0000:00:02.0 0000:00:03.0
[ "$(names)" = 'enp0s2 enp0s3' ] || fail "named $(names)"
[ "$(ring enp0s2)" -eq 256 ] || fail 'not the default ring of the driver'
apply 0 device.ring.rx@enp0s2=512,device.coalesce.rx-usecs@enp0s2=50,device.channels@enp0s3=4,device.gro_flush_timeout@enp0s3=20000,device.rps_cpus@enp0s3=3
said 'device.ring.rx@enp0s2: 512 after a reboot, as now'
link=/etc/systemd/network/90-epolltune-enp0s2.link
for line in PermanentMACAddress=52:54:00:00:00:00 RxBufferSize=512 RxCoalesceSec=50us; do
	grep -qx "$line" $link || fail "$link lacks $line"
done
again 0000:00:02.0 0000:00:03.0
[ "$(names)" = 'enp0s2 enp0s3' ] || fail "named $(names), with our files"
[ "$(udevadm info /sys/class/net/enp0s2 | sed -n 's/.*ID_NET_LINK_FILE=//p')" = $link ] || fail 'our .link file does not apply'
[ "$(ring enp0s2)" -eq 512 ] || fail 'the ring was not restored'
ethtool -c enp0s2 | grep -q '^rx-usecs:[^0-9]*50$' || fail 'rx-usecs was not restored'
ethtool -l enp0s3 | tail -n 1 | grep -q 4 || fail 'the channels were not restored'
[ "$(cat /sys/class/net/enp0s3/gro_flush_timeout)" = 20000 ] || fail 'gro_flush_timeout was not restored'
[ "$(cat /sys/class/net/enp0s3/queues/rx-*/rps_cpus | sort -u)" = 3 ] || fail 'rps_cpus was not restored'
rollback
[ -z "$(ls /etc/systemd/network /etc/udev/rules.d | grep epolltune)" ] || fail 'rollback left a file'

# A .link file of the administrator names the card: it stays the one that applies.
printf '[Match]\nMACAddress=52:54:00:00:00:00\n[Link]\nName=lan0\n' >/etc/systemd/network/98-lan.link
again
[ "$(names)" = 'lan0 enp0s3' ] || fail "named $(names)"
[ "$(ring lan0)" -eq 256 ] || fail 'rolled back, but the ring is set again'
apply 1 device.ring.rx@lan0=512
said 'only one .link file applies to it, .*98-lan.link: add RxBufferSize'
[ ! -e /etc/systemd/network/90-epolltune-lan0.link ] || fail 'its file was displaced'
rollback
rm /etc/systemd/network/98-lan.link

# Without the default, cards keep the kernel's names, also with a file of ours.
ln -s /dev/null /etc/systemd/network/99-default.link
again
kept=$(names)
card=${kept% *}
[ "${card#eth}" != "$card" ] || fail "named $kept without a policy"
apply 0 "device.ring.rx@$card=512"
again
[ "$(names)" = "$kept" ] || fail "named $(names), not $kept"
[ "$(ring "$card")" -eq 512 ] || fail 'the ring was not restored without a policy'

# A file that takes precedence over ours and names the card is reported.
rm /etc/systemd/network/99-default.link
printf '[Match]\nOriginalName=%s\n[Link]\nMTUBytes=1500\n' "$card" >/etc/systemd/network/10-lan.link
apply 0 "device.coalesce.rx-usecs@$card=60"
said '10-lan.link takes precedence over our'
echo good
END
[ "$status" -eq 0 ] || fail "exit status $status"
grep -qx good "$work/out" || fail 'the script did not finish'
