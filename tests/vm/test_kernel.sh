#!/bin/sh
# The short form of all on one kernel: settings, an experiment while a CPU comes and goes, a change and its way
# back, ranges of knobs.
# shellcheck source=SCRIPTDIR/boot.sh
. "$(dirname "$0")/boot.sh"

boot --get "/tmp/reports:$work/reports" \
	--file "${BUILD:-build}/tests/lab/test_knob_ranges:/tests/test_knob_ranges" - <<'END'
#!/bin/sh
mkdir /tmp/reports
ulimit -n 65536
epolltune check --quick --format json >/tmp/reports/quick
echo "quick $?"
echo 37 >/proc/sys/net/core/somaxconn
epolltune check --probe accept-queue,syn-queue --format json >/tmp/reports/short &
check=$! times=0
while kill -0 $check 2>/dev/null && [ $times -lt 1000 ]; do
	times=$((times + 1))
	echo 0 >/sys/devices/system/cpu/cpu1/online
	echo 1 >/sys/devices/system/cpu/cpu1/online
	sleep 0.05
done
wait $check
echo "short $? $((times > 1))"
epolltune apply --yes --probe accept-queue --only net.core.somaxconn >/tmp/reports/apply 2>&1
echo "apply $? $(($(cat /proc/sys/net/core/somaxconn) >= 1000))"
epolltune rollback >/dev/null
echo "rollback $? $(cat /proc/sys/net/core/somaxconn)"
modprobe nf_conntrack
dmesg -n 1 # of tables that are too large for the memory
DISPOSABLE=1 /tests/test_knob_ranges >/tmp/ranges 2>&1 || cat /tmp/ranges
echo "ranges $?"
END
[ "$status" -eq 0 ] || fail "exit status $status"
for line in 'quick 0' 'short 2 1' 'apply 0 1' 'rollback 0 37' 'ranges 0'; do
	grep -qx "$line" "$work/out" || { cat "$work/reports/apply"; fail "no line \"$line\""; }
done
if since 6.14; then half_open=38; else half_open=37; fi
for filter in 'all(.walls[]; .verdict != "short")' '.summary.unknown == 0'; do
	jq -e "$filter" "$work/reports/quick" >/dev/null || fail "quick: not $filter"
done
for filter in '.host.isolation == "lab"' 'any(.findings[]; .id == "probe.failed") | not' \
	'any(.walls[]; .name == "accept-queue" and .measured == 38 and .verdict == "short")' \
	"any(.walls[]; .name == \"syn-queue\" and (.measured // .limit) == $half_open)"; do
	jq -e "$filter" "$work/reports/short" >/dev/null || { cat "$work/reports/short"; fail "short: not $filter"; }
done
