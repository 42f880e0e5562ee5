#!/bin/sh
# A full table of connection tracking is critical, its drops are the kernel's, and the proposed value suffices.
# shellcheck source=SCRIPTDIR/boot.sh
. "$(dirname "$0")/boot.sh"

boot --get "/tmp/reports:$work/reports" --time 200 - <<'END'
#!/bin/sh
table=/proc/sys/net/netfilter/nf_conntrack
target='--probe conntrack,counters --connections 100 --rate 10'
mkdir /tmp/reports
check() { epolltune check --quick $target --format json >/tmp/reports/"$1" 2>/tmp/reports/"$1.err"; }
modprobe nf_conntrack || exit 1
check untracked
echo "untracked $? $(cat ${table}_count)"
rmmod nf_conntrack && modprobe nf_conntrack enable_hooks=1 || exit 1
echo 600 >${table}_tcp_timeout_time_wait
epolltune serve --port 8090 --workers 1 --quiet &
tries=0
until grep -qi ':1F9A 00000000:0000 0A' /proc/net/tcp; do
	tries=$((tries + 1))
	[ $tries -lt 300 ] || exit 1
	sleep 0.1
done
load() { timeout 60 epolltune load 127.0.0.1:8090 --mode connect --close client --duration 1s --rate 200 >/dev/null 2>&1; }
load
check tracked
echo "tracked $?"
echo 20 >${table}_max
load
kill $!
# The columns of the kernel's file by name, summed over the CPUs.
drops=$(awk 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "drop") c = i; next } { print "0x" $c }' \
	/proc/net/stat/nf_conntrack | { sum=0; while read -r n; do sum=$((sum + n)); done; echo $sum; })
check full
echo "full $? $drops $(cat ${table}_count)"
epolltune apply --yes $target >/tmp/reports/apply 2>&1
echo "applied $? $(cat ${table}_max)"
check applied
echo "again $?"
END
[ "$status" -eq 0 ] || fail "exit status $status"
holds() { # NAME FILTER…
	name=$1
	shift
	for filter; do
		jq -e --argjson drops "${drops:-0}" "def wall: .walls[] | select(.name == \"conntrack\");
			def found: [.findings[] | select(.level != \"note\").id]; $filter" \
			"$work/reports/$name" >"$work/filtered" 2>&1 || {
			cat "$work/reports/$name" "$work/reports/$name.err" >>"$work/out"
			fail "$name: not so: $filter"
		}
	done
}
grep -qx 'untracked 0 0' "$work/out" || fail 'nothing is tracked, and yet a wall'
holds untracked 'wall.verdict == "n/a"' 'found == []'
grep -qx 'tracked 0' "$work/out" || fail 'tracked, with room: not ready'
holds tracked 'wall | .verdict == "ok" and .needed == 6100' 'found == []' '.counters["nf_conntrack.drop"] == 0'
read -r _ is drops used <<END
$(grep '^full ' "$work/out")
END
[ "$is" = 2 ] && [ "$drops" -gt 0 ] && [ "$used" -ge 20 ] || fail "exit status $is, $drops drops, $used entries"
holds full 'found == ["conntrack.full", "conntrack.short"]' '.counters["nf_conntrack.drop"] == $drops' \
	'.findings[] | select(.id == "conntrack.full").evidence[] | select(.name == "nf_conntrack.drop").at_current == $drops'
grep -qx 'applied 0 65536' "$work/out" || fail "not applied: $(cat "$work/reports/apply")"
grep -qx 'again 0' "$work/out" || fail 'the applied value does not suffice'
holds applied 'wall | .verdict == "ok"' 'found == []'
