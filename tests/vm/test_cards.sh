#!/bin/sh
# Network cards of the disposable machine have the requested models, queues and rings in the requested
# order, and forward packets to each other through the namespace outside.
# shellcheck source=SCRIPTDIR/boot.sh
. "$(dirname "$0")/boot.sh"

boot --full --nic e1000e --nic virtio,queues=4 - <<'END'
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
[ "$status" -eq 0 ] || fail "exit status $status"
if since 6.0; then ring=128; else ring=1024; fi # virtio_net could not change its rings
cat >"$work/expected" <<END
e1000e virtio_net
Combined:4
RX: 4096 RX: 256 RX: 512
RX: $ring
3 packets transmitted, 3 packets received, 0% packet loss
END
tr -s '\t ' ' ' <"$work/out" >"$work/got"
diff "$work/expected" "$work/got" || fail 'not the requested cards'
