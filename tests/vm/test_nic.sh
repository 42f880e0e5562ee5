#!/bin/sh
# Network cards with rings, channels and coalescing on Debian's kernel: list --nic agrees with ethtool,
# and check reports what this kernel lacks, busy polling of epoll and per-NAPI settings.
# shellcheck source=SCRIPTDIR/boot.sh
. "$(dirname "$0")/boot.sh"

build=${BUILD:-build}
boot --full --nic e1000e --nic virtio,queues=4 --file "$build/tests/cli/test_list_nic:/tests/test_list_nic" \
	--file "$vm/../hosts/debian-12-e1000e:/tests/tests/hosts/debian-12-e1000e" - <<'END'
#!/bin/sh
export PROGRAM=/usr/bin/epolltune EPOLLTUNE_MUST_RUN=1
cd /tests || exit 1
./test_list_nic || exit 1
ethtool -G eth0 rx 512 && ethtool -C eth0 rx-usecs 100 && ethtool -L eth1 combined 4 || exit 1
./test_list_nic || exit 1
ip link set eth0 up
epolltune check --probe napi,nic --format json >/tmp/report
echo "status $?"
as_user epolltune check --probe napi --format json >/tmp/unprivileged
echo "status $?"
cat /tmp/report /tmp/unprivileged

# Planted: a backlog and a budget that are too small for the load on loopback.
dd if=/dev/zero of=/tmp/big bs=1M count=100 2>/dev/null
httpd -p 8080 -h /tmp
pull() { while wget -q -O /dev/null http://127.0.0.1:8080/big; do :; done; }
pull & loader=$!
sysctl -q -w net.core.netdev_max_backlog=0
epolltune check --probe nic --window 2s --format json >/tmp/backlog
echo "backlog $?"
sysctl -q -w net.core.netdev_max_backlog=1000 net.core.netdev_budget=1
epolltune check --probe nic --window 2s --format json >/tmp/budget
echo "budget $?"
kill $loader
cat /tmp/backlog /tmp/budget
END
[ "$status" -eq 0 ] || fail "exit status $status"
[ "$(grep -c '^status 0$' "$work/out")" -eq 2 ] || fail 'a healthy machine is not ok'
# lacks VERSION TEXT: both reports say what the kernel needs, and no kernel that has it does.
lacks() {
	if since "$1"; then times=0; else times=2; fi
	[ "$(grep -c "$2" "$work/out")" -eq $times ] || fail "not $times times: $2"
}
lacks 5.13 'the lab.s wire does not receive through NAPI (SO_INCOMING_NAPI_ID is 0)\."'
if since 5.13; then
	lacks 6.9 'EPIOCSPARAMS) needs Linux 6.9'
	lacks 6.13 'irq-suspend-timeout) need Linux 6.13'
fi
grep -q '"nic.coalesce"' "$work/out" || fail 'rx-usecs 100 is not reported'
for plant in 'backlog softnet.backlog.drops' 'budget softnet.budget.squeezed'; do
	grep -q "^${plant% *} 1\$" "$work/out" || fail "${plant% *}: not a warning"
	grep -q "\"${plant#* }\"" "$work/out" || fail "${plant#* } is not reported"
done
