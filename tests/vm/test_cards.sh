#!/bin/sh
# Network cards of the disposable machine: models, queues and rings as asked for, in that order,
# and packets that pass from one card to the other through the namespace outside.
set -u
here=$(dirname "$0")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM

cat >"$work/script" <<'END'
#!/bin/sh
driver() { ethtool -i "$1" | sed -n 's/^driver: //p'; }
echo "$(driver eth0) $(driver eth1)"
ethtool -l eth1 | grep -m 1 Combined | tr -d '\t'
ethtool -g eth0 | grep RX: | tr '\t\n' '  '
ethtool -G eth0 rx 512
ethtool -G eth1 rx 128
ethtool -g eth0 | grep RX: | tail -n 1
ethtool -g eth1 | grep RX: | tail -n 1
for n in 0 1; do
	ip netns add side$n
	ip link set eth$n netns side$n
	ip -n side$n address add 10.9.$n.2/24 dev eth$n
	ip -n side$n link set eth$n up
	ip -n side$n route add default via 10.9.$n.1
done
tries=0
until ip netns exec side1 ping -q -c 3 -W 1 10.9.0.2 | grep '3 packets received' || [ $tries -ge 20 ]; do
	tries=$((tries + 1))
done
END
status=0
"$here/machine" --full --nic e1000e --nic virtio,queues=4 "$work/script" >"$work/out" 2>"$work/err" || status=$?
if [ $status -eq 77 ]; then cat "$work/err"; exit 77; fi
cat >"$work/expected" <<'END'
e1000e virtio_net
Combined:4
RX: 4096 RX: 256 RX: 512
RX: 128
3 packets transmitted, 3 packets received, 0% packet loss
END
tr -s '\t ' ' ' <"$work/out" >"$work/got"
if [ $status -ne 0 ] || ! diff "$work/expected" "$work/got"; then
	cat "$work/err"
	echo "FAILED: exit status $status"
	exit 1
fi
