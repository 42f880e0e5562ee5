#!/bin/sh
# Full tables of connection tracking and of neighbours, short receive buffers and exhausted TCP memory are critical, losses are the kernel's, and the proposed values suffice.
# shellcheck source=SCRIPTDIR/boot.sh
. "$(dirname "$0")/boot.sh"

boot --get "/tmp/reports:$work/reports" --file /usr/bin/perl:/usr/bin/perl --memory 2048 --time 400 - <<'END'
#!/bin/sh
table=/proc/sys/net/netfilter/nf_conntrack
target='--probe conntrack,counters --connections 100 --rate 10'
mkdir /tmp/reports
check() { epolltune check --quick $target --format json >/tmp/reports/"$1" 2>/tmp/reports/"$1.err"; }
modprobe nf_conntrack || exit 1
# sum TABLE COLUMN: over the CPUs, of the kernel's file.
sum() {
	awk -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; next } { print "0x" $c }' \
		/proc/net/stat/"$1" | { sum=0; while read -r n; do sum=$((sum + n)); done; echo $sum; }
}
fulls() { sum arp_cache table_fulls; }
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
load() { exec timeout 60 epolltune load 127.0.0.1:8090 --mode connect --close client --duration 1s --rate 200 >/dev/null 2>&1; }
(load)
check tracked
echo "tracked $?"
echo 20 >${table}_max
server=$!
load &
tries=0
until [ "$(sum nf_conntrack drop)" -gt 0 ]; do
	tries=$((tries + 1))
	[ $tries -lt 300 ] || exit 1
	sleep 0.1
done
kill $! $server
wait
drops=$(sum nf_conntrack drop)
check full
echo "full $? $drops $(cat ${table}_count)"
epolltune apply --yes $target >/tmp/reports/apply 2>&1
echo "applied $? $(cat ${table}_max)"
check applied
echo "again $?"

thresh=/proc/sys/net/ipv4/neigh/default/gc_thresh
target='--probe neighbours,counters --peers 100'
check peers
echo "peers $?"
echo 8 >${thresh}2
echo 16 >${thresh}3
ip link add peers type dummy && ip link set peers arp on up && ip address add 10.1.0.1/16 dev peers || exit 1
# The link has no other host: an entry stays until its three requests are not answered.
while [ ! -e /tmp/enough ]; do
	i=2
	while [ $i -lt 60 ]; do
		ping -c 1 -W 1 10.1.0.$i >/dev/null 2>&1 &
		i=$((i + 1))
	done
	wait
done &
tries=0
until [ "$(fulls)" -gt 0 ]; do
	tries=$((tries + 1))
	[ $tries -lt 300 ] || exit 1
	sleep 0.1
done
epolltune check $target --window 5s --format json >/tmp/reports/refusing 2>/tmp/reports/refusing.err
echo "refusing $?"
touch /tmp/enough
wait $!
# Then the kernel reports the last failures to this host itself, which takes entries too.
tries=0
until [ -z "$(ip neigh show dev peers nud incomplete)" ]; do
	tries=$((tries + 1))
	[ $tries -lt 300 ] || exit 1
	sleep 0.1
done
check few
echo "few $? $(fulls)"
epolltune apply --yes $target >/tmp/reports/apply 2>&1
echo "raised $? $(cat ${thresh}2 ${thresh}3 | tr '\n' ' ')"
check raised
echo "after $?"

target='--probe udp --datagrams 50k'
echo 212992 >/proc/sys/net/core/rmem_max
epolltune check $target --format json >/tmp/reports/burst 2>/tmp/reports/burst.err
echo "burst $?"
epolltune apply --yes $target >/tmp/reports/apply 2>&1
echo "buffer $(cat /proc/sys/net/core/rmem_max)"
check buffer
echo "held $?"

# The first field of udp_mem limits what sockets without room to read hold, however large the others
# are. On one CPU, as the kernel counts up to 1 MiB of each CPU later.
target='--probe udp --datagrams 30k'
refused_datagrams() {
	awk '$1 == "Udp:" && !names { names = split($0, name); next }
		$1 == "Udp:" { for (i = 2; i <= NF; i++) if (name[i] == "MemErrors") print $i }' /proc/net/snmp
}
burst() { # NAME: sends as many datagrams as the target needs to a socket that no process reads
	before=$(refused_datagrams)
	taskset 1 perl -e 'my $to = pack("Sna4x8", 2, 9053, "\x7f\0\0\1");
		socket(my $r, 2, 2, 17) or die;
		setsockopt($r, 1, 33, pack("i", 1 << 24)) && bind($r, $to) or die;
		socket(my $s, 2, 2, 17) or die;
		send($s, "x" x 1200, 0, $to) for 1 .. 3000'
	echo "$1 $(($(refused_datagrams) - before))"
}
echo '512 200000 400000' >/proc/sys/net/ipv4/udp_mem
check memory
echo "memory $?"
burst refused
epolltune apply --yes $target >/tmp/reports/apply 2>&1
echo "first $(tr '\t' ' ' </proc/sys/net/ipv4/udp_mem)"
burst taken

target='--probe counters --connections 10 --rate 10'
busybox nc -l -p 9000 >/dev/null &
reader=$!
tries=0
until grep -qi ':2328 0*:0000 0A' /proc/net/tcp /proc/net/tcp6; do
	tries=$((tries + 1))
	[ $tries -lt 300 ] || exit 1
	sleep 0.1
done
kill -STOP $reader
busybox nc 127.0.0.1 9000 </dev/zero &
writer=$!
# Until the reader's socket holds data, established and not read.
tries=0
until awk '$2 ~ /:2328$/ && $4 == "01" && $5 !~ /:00000000$/ { found = 1 } END { exit !found }' \
	/proc/net/tcp /proc/net/tcp6; do
	tries=$((tries + 1))
	[ $tries -lt 300 ] || exit 1
	sleep 0.1
done
echo '1 2 4' >/proc/sys/net/ipv4/tcp_mem
tries=0
until [ "$(awk '/^TCP:/ { print $NF }' /proc/net/sockstat)" -gt 4 ]; do
	tries=$((tries + 1))
	[ $tries -lt 300 ] || exit 1
	sleep 0.1
done
check exhausted
echo "exhausted $?"
kill -KILL $reader $writer 2>/dev/null || : # the kernel may have reset the writer
END
[ "$status" -eq 0 ] || fail "exit status $status"
holds() { # NAME FILTER…
	name=$1
	shift
	for filter; do
		jq -e --argjson drops "${drops:-0}" "def wall: [.walls[] | select(.name != \"orphans\")][0];
			def found: [.findings[] | select(.level != \"note\").id]; $filter" \
			"$work/reports/$name" >"$work/filtered" 2>&1 || {
			jq -c '.counters, .walls, [.findings[].id]' "$work/reports/$name" >>"$work/out"
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

holds peers 'wall | .name == "neighbours" and .verdict == "ok"' 'found == []'
grep -qx 'refusing 2' "$work/out" || fail 'a full neighbour table is not critical'
holds refusing 'found | sort == ["neighbours.full", "neighbours.short"]'
read -r _ is drops <<END
$(grep '^few ' "$work/out")
END
[ "$is" = 2 ] && [ "$drops" -gt 0 ] || fail "exit status $is, $drops refused"
holds few '.counters["arp_cache.table_fulls"] == $drops' 'found | index("neighbours.short")'
grep -qx 'raised 0 512 1024 ' "$work/out" || fail "not applied: $(cat "$work/reports/apply")"
grep -qx 'after 0' "$work/out" || fail 'the applied value does not suffice'
holds raised 'wall | .verdict == "ok"' 'found == []'

grep -qx 'burst 2' "$work/out" || fail 'a QUIC burst at 212 992 bytes is not short'
holds burst 'found == ["udp.receive.short"]' 'wall | .method == "measured" and .needed == 5000 and .measured < 200' \
	'.findings[] | select(.id == "udp.receive.short") | .proposed == "7340032" and .tried_state == "tried" and
		(.tried | test("0 of 5.000 dropped; with half the value"))' \
	'.findings[] | select(.id == "udp.receive.short").evidence | map({(.name): .at_current}) | add |
		.["dropped by the socket"] == .UdpRcvbufErrors and .received + .UdpRcvbufErrors == 5000'
grep -qx 'buffer 7340032' "$work/out" || fail "not applied: $(cat "$work/reports/apply")"
# A socket that does not ask for it has rmem_default.
grep -qx 'held 1' "$work/out" || fail 'the applied value does not suffice'
holds buffer 'found == ["udp.receive.default"]'

grep -qx 'memory 2' "$work/out" || fail 'the first field of udp_mem, which suffices for few datagrams, is not short'
holds memory 'wall | .knob == "net.ipv4.udp_mem"' 'found == ["udp.receive.short"]'
read -r _ drops <<END
$(grep '^refused ' "$work/out")
END
[ "$drops" -gt 0 ] || fail 'the kernel does not refuse datagrams above the first field of udp_mem'
grep -Eqx 'first [0-9]{4} 200000 400000' "$work/out" || fail "not applied: $(cat "$work/reports/apply")"
grep -qx 'taken 0' "$work/out" || fail 'the applied value does not suffice'

grep -qx 'exhausted 2' "$work/out" || fail 'exhausted TCP memory is not critical'
holds exhausted 'found | index("buffers.memory.exhausted")' \
	'.findings[] | select(.id == "buffers.memory.exhausted").table.rows | length > 0 and length <= 10 and
		any(.[]; .name | test("^(nc|busybox) .pid [0-9]+., 127.0.0.1:"))'
