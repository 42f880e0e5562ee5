#!/bin/sh
# check --gentle: the processes that it starts have the lowest priority and share one CPU, experiments
# run one at a time, and a slow or starved experiment makes no wall short and no probe crash. A case a
# function; each runs in a network namespace of its own.
set -u
cd "$(dirname "$0")/.." || exit 1
program=${PROGRAM:?is set by make test}
work=$(mktemp -d) || exit 1
failed=0 busy=
# shellcheck disable=SC2086 # several processes
trap '[ -z "$busy" ] || kill $busy 2>/dev/null; wait; rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM
refused='--gentle runs no experiment that fills a CPU or the wire'
starved='--gentle waits for an idle CPU, and other work kept this one busy'

fail() {
	echo "FAILED: $*"
	failed=1
}

unshare -Urn true 2>/dev/null || {
	echo 'skipped: user namespaces are refused'
	exit 77
}

inside() { unshare -Urnm sh -c "ip link set lo up; $1"; }

# check PLANT OPTIONS: a report as JSON in $work/report.
check() {
	inside "$1 exec $program check --format json $2" >"$work/report" 2>"$work/errors"
	[ ! -s "$work/errors" ] || fail "check $2: $(cat "$work/errors")"
}

# holds TEXT FILTER: the jq filter is true of the report.
holds() {
	jq -e --arg refused "$refused" --arg starved "$starved" "$2" "$work/report" >/dev/null && return
	fail "$1: not so: $2"
	jq -c '[.probes, .summary, [.walls[] | {name, verdict, experiment, reason}], [.findings[].id]]' "$work/report"
}

# below PID: all processes below a process.
below() {
	for task in "/proc/$1/task/"*; do
		for pid in $(cat "$task/children" 2>/dev/null); do
			echo "$pid"
			below "$pid"
		done
	done
}

# lowest PID: whether the process has SCHED_IDLE (5) and one CPU, or is gone.
lowest() {
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
	cpus=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null) || return 0
	# shellcheck disable=SC2086 # its fields from the third on
	set -- ${stat##*) }
	case $1 in Z | X) return 0 ;; esac
	shift 38 # to field 41 of proc_pid_stat(5)
	[ "$1" = 5 ] && [ "${cpus:-$last}" = "$last" ]
}

# The processes enter their policy right after they were forked.
becomes_lowest() {
	for _ in $(seq 50); do
		lowest "$1" && return
		sleep 0.02
	done
	return 1
}

last=$(taskset -cp $$ | sed 's/.*[-, ]//')

# watch PID: all processes below it while it runs; writes their number and names to $work/seen.
watch() {
	: >"$work/seen"
	while [ -d "/proc/$1" ] && [ "$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null)" != Z ]; do
		for pid in $(below "$1"); do
			name=$(cat "/proc/$pid/comm" 2>/dev/null) || continue
			echo "$name $pid" >>"$work/seen"
			becomes_lowest "$pid" || fail "$name: CPUs $cpus, $stat"
		done
		# Processes of a lab have the name of its probe: count the children of the check.
		alone=0
		for pid in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
			case $(cat "/proc/$pid/comm" 2>/dev/null) in
			probe:listeners | probe:nic | '') ;;
			probe:*) [ "$(sed 's/.*) //; s/ .*//' "/proc/$pid/stat" 2>/dev/null)" = Z ] || alone=$((alone + 1)) ;;
			esac
		done
		[ "$alone" -le 1 ] || fail "$alone probes beside each other"
	done
}

test_processes() {
	inside "echo \$\$ >$work/pid; exec $program check --gentle --format json --probe listeners,accept-queue,syn-queue,nic,readiness" \
		>"$work/report" &
	run=$!
	for _ in $(seq 100); do
		[ -s "$work/pid" ] && break
		sleep 0.02
	done
	watch "$(cat "$work/pid")"
	wait "$run"
	[ "$(sort -u "$work/seen" | wc -l)" -ge 8 ] || fail "few processes seen: $(sort -u "$work/seen")"
	grep -q '^probe:accept' "$work/seen" || fail "probe accept-queue was not seen: $(sort -u "$work/seen")"
	holds 'processes' '.gentle and .schema == "epolltune.report/1"'
}

# Experiments are measured, or missed with a reason; verdicts are those without --gentle.
test_healthy() {
	check 'ulimit -Sn $(ulimit -Hn);' '--gentle'
	holds 'healthy' '[.walls[] | select(.verdict == "short")] == []'
	holds 'healthy' '[.walls[] | select(.experiment == "missed" and (.reason | not))] == []'
	holds 'healthy' '[.probes[].state] | unique == ["done"]'
	holds 'healthy' '.walls[] | select(.name == "napi.latency") | .reason == $refused'
	cp "$work/report" "$work/gentle"
	check 'ulimit -Sn $(ulimit -Hn);' ''
	holds 'without' '.gentle == false'
	jq -r --slurpfile usual "$work/report" '.walls[] | select(.experiment != "missed") | . as $wall |
		$usual[0].walls[] | select(.name == $wall.name and .experiment != "missed" and .verdict != $wall.verdict) |
		"\(.name): \(.verdict), with --gentle \($wall.verdict)"' "$work/gentle" >"$work/differ"
	[ ! -s "$work/differ" ] || fail "$(cat "$work/differ")"
}

test_short_is_short() {
	check 'echo 16 >/proc/sys/net/core/somaxconn;' '--gentle --probe accept-queue --rate 500'
	holds 'short' '.walls[] | select(.name == "accept-queue") | .reason == $starved or (.verdict == "short" and .measured == 17)'
	holds 'short' '.findings[] | select(.id == "accept-queue.short") | .tried_state == "tried" or (.tried | contains($starved))'
	# At 2 000/s this takes longer than filling the same ports without --gentle.
	check 'echo 40000 41999 >/proc/sys/net/ipv4/ip_local_port_range;' '--gentle --probe ports --role proxy'
	holds 'ports' '.walls[] | select(.name == "ports.ephemeral") | .verdict == "short" and (.reason == $starved or .measured == 2000)'
	holds 'ports' '[.findings[] | select(.id == "ports.connect-rate")] == []'
}

test_bounds() {
	check '' '--gentle --probe buffers,syn-queue --bandwidth 1gbit --rate 50k --no-proof'
	for wall in buffers.receive buffers.send syn-queue; do
		holds 'bounds' ".walls[] | select(.name == \"$wall\") | .experiment == \"missed\" and
			(.reason == \$refused or .reason == \$starved)"
	done
	check '' '--gentle --probe buffers,syn-queue'
	holds 'within bounds' '[.walls[] | select(.reason == $refused)] == []'
}

# A window that the settings allow, and practice does not: the CPU may have been the limit.
test_slow_is_not_short() {
	check 'echo 4096 131072 700000 >/proc/sys/net/ipv4/tcp_rmem;' '--gentle --probe buffers'
	holds 'slow' '.walls[] | select(.name == "buffers.receive") | .verdict != "short" and .experiment == "missed"'
	check 'echo 4096 16384 262144 >/proc/sys/net/ipv4/tcp_rmem;' '--gentle --probe buffers'
	holds 'too small' '.walls[] | select(.name == "buffers.receive") | .verdict == "short"'
}

# Beside a busy loop on each CPU no experiment gets CPU time.
test_starved() {
	for cpu in $(taskset -cp $$ | sed 's/.*: //; s/,/ /g'); do
		for one in $(seq "${cpu%-*}" "${cpu#*-}"); do
			timeout 120 taskset -c "$one" sh -c 'while :; do :; done' &
			busy="$busy $!"
		done
	done
	check '' '--gentle --probe listeners,accept-queue,buffers,readiness,nic'
	holds 'starved' '[.probes[].state] | unique == ["done"]'
	holds 'starved' '[.walls[] | select(.verdict == "short")] == []'
	holds 'starved' '[.walls[] | select(.name == "accept-queue" or .name == "buffers.receive" or .name == "buffers.send") |
		.experiment == "missed" and .reason == $starved] == [true, true, true]'
	holds 'starved' '[.findings[] | select(.id | startswith("readiness"))] == []'
	# shellcheck disable=SC2086 # several processes
	kill $busy
	wait
	busy=
}

test_text() {
	inside "exec $program check --gentle --probe accept-queue --color never" >"$work/text"
	grep -qxE 'Experiments: (in a private lab, with --gentle|none, settings only)' "$work/text" ||
		fail "text: $(grep Experiments "$work/text")"
	inside "echo 16 >/proc/sys/net/core/somaxconn; exec $program check --gentle --probe accept-queue --color never" >"$work/text"
	grep -q 'epolltune apply .*--gentle --dry-run' "$work/text" || fail "text: $(tail -n 3 "$work/text")"
}

test_options() {
	for command in check apply; do
		"$program" "$command" --help | grep -e '--gentle  ' >/dev/null || fail "$command --help lacks --gentle"
	done
	"$program" completion bash | grep -e '--gentle' >/dev/null || fail 'bash completion lacks --gentle'
	inside "echo \$\$ >$work/pid; echo 16 >/proc/sys/net/core/somaxconn
		exec $program apply --gentle --probe accept-queue --dry-run --format json --state-dir $work/state" >"$work/report" &
	run=$!
	for _ in $(seq 100); do
		[ -s "$work/pid" ] && break
		sleep 0.02
	done
	apply=$(cat "$work/pid")
	watch "$apply"
	wait "$run"
	grep -q '^probe:accept' "$work/seen" || fail "apply: probe accept-queue was not seen: $(cat "$work/seen")"
	jq -e '.changes[0].name == "net.core.somaxconn"' "$work/report" >/dev/null || fail "apply: $(head -c 300 "$work/report")"
}

for case in processes healthy short_is_short bounds slow_is_not_short starved text options; do
	: >"$work/pid"
	began=$(date +%s)
	"test_$case"
	echo "$case: $(($(date +%s) - began)) s"
done
exit "$failed"
