#!/bin/sh
# The delay wire and its probes on Debian's kernel, as root and as an ordinary user. The machine is slow:
# counts are exact, rates may be unknown but never wrong.
# shellcheck source=SCRIPTDIR/boot.sh
. "$(dirname "$0")/boot.sh"

boot --get "/tmp/reports:$work/reports" - <<'END'
#!/bin/sh
net=/proc/sys/net
# check NAME COMMAND…: writes the JSON report of COMMAND to NAME.
check() {
	name=$1
	shift
	"$@" --format json >/tmp/reports/"$name" 2>/tmp/reports/"$name.err"
	echo "$name $?"
}
mkdir /tmp/reports
chmod 600 /dev/net/tun
check denied as_user epolltune check --probe buffers
chmod 666 /dev/net/tun

few='epolltune check --rate 100 --rtt 200ms --probe syn-queue'
check syn-plenty as_user $few
echo 16 >$net/core/somaxconn
check syn-cookies $few
check syn-cookies-user as_user $few
echo 4096 >$net/core/somaxconn
echo 0 >$net/ipv4/tcp_syncookies
echo 16 >$net/ipv4/tcp_max_syn_backlog
check syn-drops as_user $few
echo 1 >$net/ipv4/tcp_syncookies

slow='epolltune check --rtt 100ms --bandwidth 16mbit --probe buffers'
check buffers $slow
echo 4096 16384 16384 >$net/ipv4/tcp_rmem
check buffers-receive as_user $slow
echo 4096 131072 6291456 >$net/ipv4/tcp_rmem
echo 4096 16384 32768 >$net/ipv4/tcp_wmem
check buffers-send as_user $slow
echo 4096 16384 4194304 >$net/ipv4/tcp_wmem

echo 40000 40099 >$net/ipv4/ip_local_port_range
check ports-proxy as_user epolltune check --role proxy --connections 1k --probe ports
check ports-server epolltune check --rate 100 --probe ports

echo "path $(as_user epolltune path --rtt 100ms --set net.ipv4.tcp_fin_timeout=33 -- \
	cat $net/ipv4/tcp_fin_timeout)"
END
[ "$status" -eq 0 ] || fail "exit status $status"
grep -qx 'path 33' "$work/out" || fail 'path did not run its command'

# expect NAME FILTER…: each jq filter is true for the report.
expect() {
	report=$work/reports/$1
	name=$1
	shift
	for filter in '.schema == "epolltune.report/1"' 'all(.findings[]; .id != "probe.failed")' "$@"; do
		jq -e "$filter" "$report" >/dev/null || { cat "$report" "$report.err"; fail "$name: not $filter"; }
	done
}
wall() { printf '(.walls[] | select(.name == "%s")).%s' "$1" "$2"; }
finding() { printf 'any(.findings[]; .id == "%s" and %s)' "$1" "$2"; }

expect denied "$(finding lab.refused '(.detail | contains("/dev/net/tun"))')" \
	"$(wall buffers.receive 'method == "derived"')"
expect syn-plenty "$(wall syn-queue 'verdict == "ok"')" "$(wall syn-queue 'measured == 25')"
if since 6.14; then queue=17; else queue=16; fi # the backlog, and one more
for name in syn-cookies syn-cookies-user; do
	expect $name "$(wall syn-queue "measured == $queue")" "$(wall syn-queue 'verdict == "tight"')" \
		"$(finding syn-queue.tight '.knob == "net.core.somaxconn"')" \
		"$(finding syn-queue.tight "any(.evidence[]; .name == \"half open\" and .at_current == $queue and .at_proposed >= 20)")"
done
expect syn-drops "$(wall syn-queue 'measured == 13')" \
	"$(finding syn-queue.short '.knob == "net.ipv4.tcp_max_syn_backlog"')"
expect buffers "$(wall buffers.receive 'verdict | IN("ok", "unknown")')" \
	"$(wall buffers.send 'verdict | IN("ok", "unknown")')"
expect buffers-receive "$(wall buffers.receive 'verdict | IN("short", "unknown")')" \
	"$(wall buffers.send 'verdict | IN("ok", "unknown")')"
expect buffers-send "$(wall buffers.receive 'verdict | IN("ok", "unknown")')" \
	"$(wall buffers.send 'verdict | IN("short", "tight", "unknown")')"
expect ports-proxy "$(wall ports.ephemeral 'measured == 100')" \
	"$(wall ports.ephemeral 'verdict == "short"')" \
	"$(finding ports.ephemeral.short 'any(.table.rows[]; .name == "2 source addresses" and .values == [128])')"
expect ports-server "$(wall ports.ephemeral 'measured == 100')" '.summary.status == "ok"'
jq -r '.walls[] | "\(.name) \(.verdict) \(.measured)"' "$work"/reports/buffers*[a-z] | sort | uniq -c
