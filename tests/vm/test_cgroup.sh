#!/bin/sh
# Limits of a control group v2, on memory and CPU time, are named, and no experiment makes the kernel kill.
# shellcheck source=SCRIPTDIR/boot.sh
. "$(dirname "$0")/boot.sh"

boot --get "/tmp/reports:$work/reports" - <<'END'
#!/bin/sh
root=/sys/fs/cgroup
grep -q ' /sys/fs/cgroup cgroup2 ' /proc/mounts || mount -t cgroup2 none $root || exit 1
echo '+memory +cpu +pids' >$root/cgroup.subtree_control || exit 1
mkdir $root/small $root/tiny $root/few $root/slow $root/busy /tmp/reports || exit 1
echo 67108864 >$root/small/memory.max
echo 33554432 >$root/tiny/memory.max
echo 20 >$root/few/pids.max
echo 200 >$root/busy/pids.max
echo '10000 100000' >$root/slow/cpu.max
# check GROUP NAME OPTION…: writes the JSON report of a check within GROUP to NAME.
check() {
	group=$1
	name=$2
	shift 2
	sh -c 'echo 0 >"$0/cgroup.procs" && exec "$@"' "$root/$group" epolltune check "$@" --format json \
		>/tmp/reports/"$name" 2>/tmp/reports/"$name.err"
	echo "$name $?"
}
check small quick --quick --target c100k
check small memory --probe descriptors,container --connections 15k
# The experiments that take most memory of a group.
check tiny tiny --connections 15k --probe container,descriptors,accept-queue,syn-queue
check few few --probe syn-queue,container
# 175 of the server: with those of the check less than a tenth of the limit would be left.
n=0
while [ $n -lt 175 ]; do
	sh -c 'echo 0 >"$0/cgroup.procs" && exec sleep 600' $root/busy &
	n=$((n + 1))
done
until [ "$(cat $root/busy/pids.current)" -eq 175 ]; do sleep 0.1; done
check busy busy --connections 100 \
	--probe listeners,counters,container,tasks,conntrack,neighbours,configuration,live,drift,myths,application
kill $(cat $root/busy/cgroup.procs)
until [ "$(cat $root/busy/pids.current)" -eq 0 ]; do sleep 0.1; done
for group in small tiny; do
	echo "$group $(grep '^oom_kill ' $root/$group/memory.events)"
done
sh -c 'echo 0 >"$0/cgroup.procs" && exec epolltune serve --port 8090 --workers 1 --quiet' $root/slow &
sh -c 'echo 0 >"$0/cgroup.procs" && while :; do :; done' $root/slow &
tries=0
until grep -qi ':1F9A 00000000:0000 0A' /proc/net/tcp && grep -q '^nr_throttled [1-9]' $root/slow/cpu.stat; do
	tries=$((tries + 1))
	[ $tries -lt 300 ] || exit 1
	sleep 0.1
done
check . slow --server :8090 --probe container,accept-queue --no-proof --rate 10k --stall 20ms
echo 67108864 >$root/slow/memory.max
echo 50 >$root/slow/pids.max
timeout 60 epolltune watch --server :8090 --interval 500ms --format jsonl |
	grep -m 1 '"unit":"periods","used":[1-9]' >/tmp/reports/watch
# One of them may end with the other, before its own signal: what runs on ends with the machine.
kill $(cat $root/slow/cgroup.procs) 2>/dev/null || :
# Processes that are killed or refused between two looks, and leave use and limits as they were.
echo 10 >$root/small/pids.max
sh -c 'echo 0 >"$0/cgroup.procs" && exec epolltune serve --port 8091 --workers 1 --quiet' $root/small &
until grep -qi ':1F9B 00000000:0000 0A' /proc/net/tcp; do sleep 0.1; done
epolltune watch --server :8091 --interval 200ms --format jsonl >/tmp/reports/losses &
watch=$!
until [ -s /tmp/reports/losses ]; do sleep 0.1; done
sh -c 'echo 0 >"$0/cgroup.procs" && exec tail /dev/zero' $root/small 2>/dev/null || :
sh -c 'echo 0 >"$0/cgroup.procs"; n=0; while [ $n -lt 10 ]; do sleep 600 & n=$((n + 1)); done' $root/small \
	2>/dev/null || :
echo "losses $(sed -n 's/^oom_kill //p' $root/small/memory.events) $(sed -n 's/^max //p' $root/small/pids.events)"
# Groups are read again after a thousand times as long as it took.
lost() { grep -q "\"wall\":\"$1\"[^}]*\"lost\":1," /tmp/reports/losses; } # WALL
tries=0
until lost cgroup.memory && lost cgroup.pids || [ $tries -eq 600 ]; do
	tries=$((tries + 1))
	sleep 0.1
done
kill $watch
kill $(cat $root/small/cgroup.procs) 2>/dev/null || :
END
[ "$status" -eq 0 ] || fail "exit status $status"
holds() { # NAME FILTER…
	name=$1
	shift
	for filter; do
		jq -e "def wall(n): .walls[] | select(.name == n); def finding(i): .findings[] | select(.id == i); $filter" \
			"$work/reports/$name" >"$work/filtered" 2>&1 || {
			cat "$work/reports/$name" "$work/reports/$name.err" >>"$work/out"
			fail "$name: not so: $filter"
		}
	done
}
grep -qx 'quick 2' "$work/out" || fail 'not short'
holds quick 'wall("cgroup.memory") | .verdict == "short" and .limit <= 67108864' \
	'finding("cgroup.memory.short").title'
holds memory 'wall("cgroup.memory").verdict != "unknown"' 'any(.findings[]; .id == "probe.failed") | not'
holds tiny 'wall("cgroup.memory").verdict != "unknown"' \
	'wall("syn-queue").reason | startswith("the memory limit of /tiny leaves ")' \
	'any(.findings[]; .id == "probe.failed") | not'
holds few 'wall("cgroup.pids").verdict == "ok"' 'wall("syn-queue").reason | startswith("pids.max of /few leaves ")' \
	'any(.findings[]; .id == "probe.failed") | not'
holds busy 'wall("cgroup.pids") | .verdict == "ok" and .limit == 25' \
	'any(.findings[]; .id == "cgroup.pids.near") | not'
for group in small tiny; do
	grep -qx "$group oom_kill 0" "$work/out" || fail "the kernel killed a process of $group"
done
# Its server and the loop beside it use the 10 ms up on two CPUs.
holds slow 'wall("cgroup.cpu") | .verdict == "short" and .limit == 10' 'finding("cgroup.cpu.pause").title' \
	'.target.stall_us == 95000' 'wall("accept-queue").needed == 950'
holds watch 'def row(n): .rows[] | select(.wall == n);
	row("cgroup.cpu") | (.verdict | IN("tight", "short")) and .used > 0 and .limit >= .used and .what == "slow CPU"' \
	'def row(n): .rows[] | select(.wall == n); row("cgroup.memory") | .limit == 67108864 and .used > 0' \
	'def row(n): .rows[] | select(.wall == n); row("cgroup.pids") | .limit == 50 and .used >= 2'
grep -qx 'losses 1 1' "$work/out" || fail 'not one process was killed and one refused'
jq -es 'def worst(n): map(.rows[] | select(.wall == n)) | (map(.lost) == (map(.lost) | sort)) and .[-1].lost == 1 and
	any(.[]; .verdict == "short" and .lost_per_s > 0); worst("cgroup.memory") and worst("cgroup.pids")' "$work/reports/losses" \
	>"$work/filtered" 2>&1 || {
	cat "$work/reports/losses" >>"$work/out"
	fail 'losses: what the group lost is not short'
}
