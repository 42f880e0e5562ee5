#!/bin/sh
# check --gentle: the processes that it starts have the lowest priority and share one CPU, experiments
# run one at a time, and a slow or starved experiment makes no wall short and no probe crash.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

last=$(taskset -cp $$ | sed 's/.*[-, ]//')
export refused='--gentle runs no experiment that fills a CPU or the wire'
export starved='--gentle waits for an idle CPU, and other work kept this one busy'
ipv4=/proc/sys/net/ipv4

gentle() { expect any epolltune check --format json --gentle "$@" && quiet; } # OPTIONS…

# Runs a command. Each process of a probe takes SCHED_IDLE and one CPU before it starts others, which
# inherit both; none changes that later; and one experiment runs at a time.
lowered() { # STATUS COMMAND…
	strace -o /dev/null true 2>/dev/null || skip 'no strace (ptrace) here'
	want=$1
	shift
	expect "$want" strace -f -o trace -E ASAN_OPTIONS=detect_leaks=0 \
		-e trace=clone,clone3,fork,vfork,prctl,sched_setscheduler,sched_setattr,sched_setaffinity,setpriority "$@"
	awk -v cpu="$last" '
		/PR_SET_NAME, "probe:/ {
			probes[$1] = $3
			if (!/probe:(listeners|nic)"/ && ++running > 1) print "beside another experiment: " $0
		}
		$2 == "+++" && $1 in probes && probes[$1] !~ /probe:(listeners|nic)"/ { running-- }
		/ sched_setscheduler\(0, SCHED_IDLE,/ { lowered[$1]++; next }
		/ sched_setaffinity\(/ && index($0, ", [" cpu "]") { bound[$1]++; next }
		/ (sched_set|setpriority)/ && !/resumed/ || / sched_set.* = -1 / { print "not the lowest: " $0 }
		$2 ~ /^(clone|clone3|fork|vfork)\(/ && $1 in probes && !(lowered[$1] && bound[$1]) { print "too early: " $0 }
		END { for (pid in probes) if (!lowered[pid] || !bound[pid]) print pid " " probes[pid] " is as its caller" }' \
		trace >wrong
	[ ! -s wrong ] || { show wrong trace && fail 'not gentle'; }
	matches trace 'PR_SET_NAME, "probe:accept'
}

test_every_process_has_the_lowest_priority_and_one_cpu() {
	in_namespace -Urnm
	lowered any epolltune check --gentle --format json --probe listeners,accept-queue,syn-queue,nic,readiness
	json '.gentle and .schema == "epolltune.report/1"'
}

test_apply_gentle_has_the_lowest_priority_and_one_cpu() {
	in_namespace -Urnm
	echo 16 >/proc/sys/net/core/somaxconn
	lowered 0 epolltune apply --gentle --probe accept-queue --dry-run --format json --state-dir state
	json '.changes[0].name == "net.core.somaxconn"'
}

test_experiments_are_measured_or_missed_with_a_reason() {
	in_namespace -Urnm
	ulimit -Sn "$(ulimit -Hn)"
	gentle
	json '[.walls[] | select(.verdict == "short")] == []' \
		'[.walls[] | select(.experiment == "missed" and (.reason | not))] == []' \
		'[.probes[].state] | unique == ["done"]' \
		'wall("napi.latency").reason == $ENV.refused'
	cp out gentle
	expect any epolltune check --format json
	json '.gentle == false'
	jq -r --slurpfile usual out '.walls[] | select(.experiment != "missed") | . as $wall |
		$usual[0].walls[] | select(.name == $wall.name and .experiment != "missed" and .verdict != $wall.verdict) |
		"\(.name): \(.verdict), with --gentle \($wall.verdict)"' gentle >differ
	[ ! -s differ ] || { show differ && fail 'other verdicts'; }
}

test_a_short_queue_is_short() {
	in_namespace -Urnm
	echo 16 >/proc/sys/net/core/somaxconn
	gentle --probe accept-queue --rate 500
	json 'wall("accept-queue") | .reason == $ENV.starved or (.verdict == "short" and .measured == 17)' \
		'finding("accept-queue.short") | .tried_state == "tried" or (.tried | contains($ENV.starved))'
}

# At 2 000/s this takes longer than filling the same ports without --gentle.
test_few_ports_are_short() {
	in_namespace -Urnm
	echo 40000 41999 >$ipv4/ip_local_port_range
	gentle --probe ports --role proxy
	json 'wall("ports.ephemeral") | .verdict == "short" and (.reason == $ENV.starved or .measured == 2000)' \
		'has_finding("ports.connect-rate") | not'
}

test_experiments_beyond_its_bounds_are_not_run() {
	in_namespace -Urnm
	gentle --probe buffers,syn-queue --bandwidth 1gbit --rate 50k --no-proof
	for wall in buffers.receive buffers.send syn-queue; do
		json "wall(\"$wall\") | .experiment == \"missed\" and (.reason == \$ENV.refused or .reason == \$ENV.starved)"
	done
}

test_experiments_within_its_bounds_are_run() {
	in_namespace -Urnm
	gentle --probe buffers,syn-queue
	json '[.walls[] | select(.reason == $ENV.refused)] == []'
}

# A window that the settings allow, and practice does not: the CPU may have been the limit.
test_slow_is_not_short() {
	in_namespace -Urnm
	echo 4096 131072 700000 >$ipv4/tcp_rmem
	gentle --probe buffers
	json 'wall("buffers.receive") | .verdict != "short" and
		(.experiment == "missed" or .measured >= .needed)'
}

test_a_window_that_the_settings_refuse_is_short() {
	in_namespace -Urnm
	echo 4096 16384 262144 >$ipv4/tcp_rmem
	gentle --probe buffers
	json 'wall("buffers.receive").verdict == "short"' \
		'finding("buffers.receive.short").tried_state == "not tried"'
}

test_the_text_says_that_it_was_gentle() {
	in_namespace -Urnm
	expect any epolltune check --gentle --probe accept-queue --color never
	matches out '^Experiments: (in a private lab, with --gentle|none, settings only)$'
	echo 16 >/proc/sys/net/core/somaxconn
	expect 2 epolltune check --gentle --probe accept-queue --color never
	matches out 'epolltune apply .*--gentle --dry-run'
}

test_check_and_apply_offer_the_option() {
	for command in check apply; do
		expect 0 epolltune "$command" --help
		said '--gentle  '
	done
	expect 0 epolltune completion bash
	said --gentle
}

run_tests "$@"
