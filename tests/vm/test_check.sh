#!/bin/sh
# `epolltune check` on Debian's kernel names planted faults and changes nothing. The faults, low global
# limits and refused namespaces, would disturb the host that runs the tests.
# shellcheck source=SCRIPTDIR/boot.sh
. "$(dirname "$0")/boot.sh"

boot --get "/tmp/reports:$work/reports" - <<'END'
#!/bin/sh
# Writes the state that a check must not change to /run/$1.
snapshot() {
	{
		sysctl -a 2>/dev/null | grep -vE '^(fs\.(file-nr|inode|dentry)|kernel\.(random|ns_last_pid|pty\.nr|sched_domain))'
		ip -o link | sed 's/ qlen.*//'
		ls -l /proc/[0-9]*/ns 2>/dev/null | sed -n 's/.*-> //p' | sort -u
		pidof epolltune
		ls /tmp
	} >"/run/$1"
}
# check NAME COMMAND…: writes the JSON report of COMMAND to NAME.
check() {
	name=$1
	shift
	"$@" --format json >/tmp/reports/"$name" 2>/tmp/reports/"$name.err"
	echo "$name $?"
}
queue='epolltune check --probe accept-queue'
files='epolltune check --probe descriptors,accept-queue'
mkdir /tmp/reports
ulimit -n 65536
epolltune check --quick >/run/warm 2>&1 # loads modules and fills caches
# The lab's own modules: the manual names them. One writes a line when it is loaded.
modprobe -a tun veth tcp_diag udp_diag unix_diag 2>/run/no-module
# Checks write nothing to the kernel log and load no other module.
silence() {
	dmesg | sed 's/^\[[^]]*\] *//; /^hrtimer: interrupt took/d' >/run/log # the machine is slow
	sed 's/ .*//' /proc/modules | sort >/run/modules
}
silent() {
	mv /run/log /run/log-before && mv /run/modules /run/modules-before
	silence
	diff /run/log-before /run/log && diff /run/modules-before /run/modules && echo silent
}
silence
epolltune check --role proxy --connections 30k --probe ports >/dev/null 2>&1
epolltune check --rate 200k --probe syn-queue,accept-queue >/dev/null 2>&1
echo 37 >/proc/sys/net/core/somaxconn
epolltune check --probe accept-queue,syn-queue,descriptors >/dev/null 2>&1
echo 4096 >/proc/sys/net/core/somaxconn
silent
snapshot before

# A check of all probes leaves nothing behind. Some have no verdict: the emulated machine is slow.
epolltune check >/run/whole 2>&1
check root $files
check user as_user $files
snapshot after
diff /run/before /run/after && echo unchanged
silent
epolltune check >/run/killed 2>&1 &
sleep 2
kill -9 $!
wait
tries=0
until snapshot after; cmp -s /run/before /run/after || [ $tries -ge 50 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
diff /run/before /run/after && echo unchanged

echo 37 >/proc/sys/net/core/somaxconn
check root-37 $queue
check user-37 as_user $queue
as_user unshare -Urn cat /proc/sys/net/core/somaxconn 2>/dev/null
check nested as_user unshare -Urn $queue
echo 4500 >/proc/sys/net/core/somaxconn
check user-4500 as_user $queue --rate 44k

echo 0 >/proc/sys/user/max_user_namespaces
check refused as_user $queue
echo 1000 >/proc/sys/user/max_user_namespaces
echo 0 >/proc/sys/kernel/unprivileged_userns_clone
check refused-debian as_user $queue
echo 1 >/proc/sys/kernel/unprivileged_userns_clone

read -r used rest </proc/sys/fs/file-nr
echo $((used + 300)) >/proc/sys/fs/file-max
check root-files $files
check user-files as_user $files
[ "$(cat /proc/sys/fs/file-max)" -eq $((used + 300)) ] && echo unchanged
END
[ "$status" -eq 0 ] || fail "exit status $status"
[ "$(grep -c '^silent$' "$work/out")" -eq 2 ] || fail 'check wrote to the kernel log or loaded a module'
[ "$(grep -c '^unchanged$' "$work/out")" -eq 3 ] || fail 'check changed the machine'

# expect NAME STATUS [FILTER]…: the report has this exit status, and each jq filter is true.
expect() {
	name=$1
	report=$work/reports/$name
	grep -qx "$name $2" "$work/out" || { cat "$report" "$report.err"; fail "$name: not exit status $2"; }
	shift 2
	for filter in '.schema == "epolltune.report/1"' 'all(.findings[]; .id != "probe.failed")' "$@"; do
		jq -e "$filter" "$report" >/dev/null || { cat "$report" "$report.err"; fail "$name: not $filter"; }
	done
}
wall() { printf '(.walls[] | select(.name == "%s")).%s' "$1" "$2"; }
finding() { printf 'any(.findings[]; .id == "%s" and %s)' "$1" "$2"; }

for name in root user; do
	expect $name "$(jq '.summary.status | {ok: 0, warning: 1, critical: 2, unknown: 3}[.]' "$work/reports/$name")" \
		'.host.isolation == "lab"' \
		"$(wall descriptors.process 'verdict == "ok"')" "$(wall descriptors.process 'method == "measured"')" \
		"$(wall accept-queue 'measured == 4097')" '.summary.short == 0'
done
for name in root-37 user-37; do
	expect $name 2 '.host.isolation == "lab"' "$(wall accept-queue 'measured == 38')" \
		"$(wall accept-queue 'verdict == "short"')" \
		"$(finding accept-queue.short '.knob == "net.core.somaxconn" and .current == "37" and (.proposed | tonumber) >= 1000')" \
		"$(finding accept-queue.short 'any(.evidence[]; .name == "ListenOverflows" and .at_current > 0 and .at_proposed == 0)')"
done
if grep -qx 4096 "$work/out"; then
	expect nested 0 "$(wall accept-queue 'measured == 4097')"
	expect user-4500 1 "$(wall accept-queue 'measured == 4501')" "$(wall accept-queue 'verdict == "tight"')"
else
	# An older kernel shows no somaxconn in the network namespace of an ordinary user. Nor can the lab of
	# one raise it: the value is derived, and reported as such.
	expect nested 3 "$(wall accept-queue 'verdict == "unknown"')"
	expect user-4500 1 "$(wall accept-queue 'method == "derived"')" \
		"$(finding accept-queue.tight 'all(.evidence[]; .at_proposed == null)')" \
		"$(wall accept-queue 'reason | contains("oot measures it")')"
fi
for name in refused refused-debian; do
	expect $name 0 '.host.isolation == "in-place"' "$(wall accept-queue 'verdict == "ok"')" \
		"$(finding lab.refused '.level == "skipped" and (.detail | contains("user.max_user_namespaces") and contains("kernel.unprivileged_userns_clone=1"))')"
done
for name in root-files user-files; do
	expect $name 2 "$(wall accept-queue 'method == "derived"')" "$(wall descriptors.system 'verdict == "short"')" "$(wall descriptors.system 'limit <= 300')" \
		"$(finding descriptors.system.short '.level == "critical" and .knob == "fs.file-max" and .remedy == "kernel" and (.proposed | tonumber) > 10000')"
done
