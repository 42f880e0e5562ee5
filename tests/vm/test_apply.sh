#!/bin/sh
# apply on a machine of its own: knobs of the whole machine, reboots, power cuts, rollback.
# shellcheck source=SCRIPTDIR/boot.sh
. "$(dirname "$0")/boot.sh"

expect() { # WHAT LINE: a line of the output
	grep -qxF -- "$2" "$work/out" || fail "$1: no line \"$2\""
}

expect_part() {
	grep -qF -- "$2" "$work/out" || fail "$1: no line contains \"$2\""
}

# Knobs of the whole machine: set, persisted, read back, and overridden by another file.
boot --state "$work/disk" - <<'END'
#!/bin/sh
export COLUMNS=100
mkdir -p /etc/sysctl.d
knobs='fs/file-max fs/nr_open fs/epoll/max_user_watches net/core/rmem_max net/core/netdev_max_backlog
net/core/somaxconn net/ipv4/tcp_mem'
show() { for k in $knobs; do echo "$1 $k $(tr '\t' ' ' </proc/sys/$k)"; done; }
echo 'net.core.rmem_max = 1000000' >/etc/sysctl.d/95-later.conf
epolltune check --quick --format json >/root/report.json
# Not with `read`: it reads byte by byte, and a sysctl answers the first read only.
set -- $(cat /proc/sys/net/ipv4/tcp_mem)
low=$1 middle=$2 high=$3
echo 100000 >/proc/sys/fs/file-max
show value >/root/before
sync
watches=$(cat /proc/sys/fs/epoll/max_user_watches)
epolltune apply --from /root/report.json --no-proof --yes --persist --set "fs.file-max=200000,\
fs.nr_open=2000000,fs.epoll.max_user_watches=$((watches + 10)),net.core.rmem_max=8000000,\
net.core.netdev_max_backlog=5000,net.core.somaxconn=8192,net.ipv4.tcp_mem=$low $middle $((high + 1))"
echo "apply $?"
show value
epolltune apply --from /root/report.json --no-proof --yes --persist --set net.core.somaxconn=8192
echo "again $?"
# In a network namespace neither the system-wide knobs nor the files can be changed.
unshare -n epolltune apply --from /root/report.json --no-proof --yes --set net.core.rmem_max=9000000
echo "contained $?"
unshare -n epolltune apply --from /root/report.json --no-proof --yes --persist --set net.core.somaxconn=9000
echo "contained files $?"
epolltune apply --from /root/report.json --no-proof --yes --set "net.ipv4.tcp_mem=$low $middle 100000000"
echo "too much $?"
as_user epolltune apply --from /root/report.json --no-proof --yes --set fs.nr_open=3000000
echo "user $?"
power_cut
END
[ "$status" -eq 125 ] || fail "first boot: exit status $status"
expect 'first boot' 'apply 1' # a later file overrides rmem_max
expect 'first boot' 'value fs/file-max 200000'
expect 'first boot' 'value fs/nr_open 2000000'
expect 'first boot' 'value net/core/rmem_max 8000000'
expect 'first boot' 'value net/core/netdev_max_backlog 5000'
expect 'first boot' 'value net/core/somaxconn 8192'
expect_part 'first boot' '/etc/sysctl.d/95-later.conf:1'
expect 'first boot' 'again 1'
expect 'first boot' 'contained 3'
expect 'first boot' 'contained files 2'
expect 'first boot' 'too much 2'
expect 'first boot' 'user 3'
grep '^value ' "$work/out" | grep -v rmem_max >"$work/first"

# The power was cut at once: all is on the disk and in force, except what a later file overrides.
boot --state "$work/disk" - <<'END'
#!/bin/sh
export COLUMNS=100
knobs='fs/file-max fs/nr_open fs/epoll/max_user_watches net/core/rmem_max net/core/netdev_max_backlog
net/core/somaxconn net/ipv4/tcp_mem'
show() { for k in $knobs; do echo "$1 $k $(tr '\t' ' ' </proc/sys/$k)"; done; }
show value
epolltune history
epolltune rollback
echo "rollback $?"
show value >/root/now
diff /root/before /root/now
ls -A /etc/sysctl.d
epolltune rollback
echo "nothing $?"
# Not confirmed, and then the power fails: no file was written.
epolltune check --quick --format json >/root/report.json
epolltune apply --from /root/report.json --no-proof --yes --persist --confirm 60s --only net.core.somaxconn \
	--set net.core.somaxconn=7777
echo "waiting $?"
echo "files: $(ls -A /etc/sysctl.d)"
power_cut
END
[ "$status" -eq 125 ] || fail "second boot: exit status $status"
grep '^value ' "$work/out" | grep -v rmem_max | cmp -s - "$work/first" || fail 'second boot: values differ from the first boot'
expect 'second boot' 'value net/core/rmem_max 1000000'
# After the rollback only rmem_max differs from the first boot.
[ "$(grep -c '^[-+][^-+]' "$work/out")" = 2 ] || fail 'second boot: more than rmem_max differs'
expect 'second boot' '+value net/core/rmem_max 1000000'
expect_part 'second boot' 'net.core.netdev_max_backlog: 5000 -> 1000'
expect_part 'second boot' 'net.core.rmem_max: nothing to roll back'
expect 'second boot' 'rollback 0'
expect 'second boot' 'nothing 0'
expect 'second boot' 'waiting 0'
expect 'second boot' 'files: 95-later.conf'

boot --state "$work/disk" - <<'END'
#!/bin/sh
export COLUMNS=100
cat /proc/sys/net/core/somaxconn
epolltune version 2>&1 >/dev/null
epolltune rollback
echo "rollback $?"
epolltune version 2>&1 >/dev/null
# With the experiment, on this kernel: the wall moves, and rollback restores the value.
echo 16 >/proc/sys/net/core/somaxconn
epolltune apply --yes --probe accept-queue --only net.core.somaxconn
echo "proven $?"
epolltune rollback
cat /proc/sys/net/core/somaxconn
# Killed while it is at work, again and again.
for i in 1 2 3 4 5; do
	epolltune apply --from /root/report.json --foreign --no-proof --yes --persist \
		--set net.core.somaxconn=$((5000 + i)),net.core.netdev_max_backlog=$((5000 + i)) >/dev/null &
	sleep 0.0$((i * 2 - 1))
	kill -KILL $!
	wait $!
	epolltune rollback >/dev/null
	echo "round $(cat /proc/sys/net/core/somaxconn) $(cat /proc/sys/net/core/netdev_max_backlog) $(ls -A /etc/sysctl.d)"
done
END
[ "$status" -eq 0 ] || fail "third boot: exit status $status"
[ "$(head -n 1 "$work/out")" = 4096 ] || fail 'an unconfirmed change survived the reboot'
[ "$(grep -c 'interrupted by a reboot; roll back what remains with: epolltune rollback' "$work/out")" = 1 ] || fail 'no notice, or two'
expect 'third boot' 'rollback 0'
expect 'third boot' 'proven 0'
[ "$(grep -cx 'round 16 1000 95-later.conf' "$work/out")" = 5 ] || fail 'rollback of a killed run left something'
