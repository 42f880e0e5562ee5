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

# All processes below a process.
below() { # PID
	for task in "/proc/$1/task/"*; do
		for pid in $(cat "$task/children" 2>/dev/null); do
			echo "$pid"
			below "$pid"
		done
	done
}

# Whether the process has SCHED_IDLE (5) and one CPU, or is gone.
is_lowest() { # PID
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
	cpus=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null) || return 0
	# shellcheck disable=SC2086 # its fields from the third on
	set -- ${stat##*) }
	case $1 in Z | X) return 0 ;; esac
	shift 38 # to field 41 of proc_pid_stat(5)
	[ "$1" = 5 ] && [ "${cpus:-$last}" = "$last" ]
}

# They enter their policy right after they were forked.
becomes_lowest() { # PID
	for _ in $(seq 50); do
		! is_lowest "$1" || return 0
		sleep 0.02
	done
	fail "$comm: CPUs $cpus, $stat"
}

# Watches all processes below one while it runs, and writes their names to ./seen.
watch() { # PID
	: >seen
	until gone "$1"; do
		for pid in $(below "$1"); do
			comm=$(cat "/proc/$pid/comm" 2>/dev/null) || continue
			echo "$comm $pid" >>seen
			becomes_lowest "$pid"
		done
		runs_one_experiment "$1"
	done
}

# Processes of a lab have the name of its probe: the children of the check count.
runs_one_experiment() { # PID
	experiments=0
	for pid in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
		case $(cat "/proc/$pid/comm" 2>/dev/null) in
		probe:listeners | probe:nic | '') ;;
		probe:*) gone "$pid" || experiments=$((experiments + 1)) ;;
		esac
	done
	[ "$experiments" -le 1 ] || fail "$experiments probes beside each other"
}

test_every_process_has_the_lowest_priority_and_one_cpu() {
	in_namespace -Urnm
	epolltune check --gentle --format json --probe listeners,accept-queue,syn-queue,nic,readiness >out &
	check=$!
	watch $check
	wait $check || true
	[ "$(sort -u seen | wc -l)" -ge 8 ] || { show seen && fail 'few processes seen'; }
	matches seen '^probe:accept'
	json '.gentle and .schema == "epolltune.report/1"'
}

test_apply_gentle_has_the_lowest_priority_and_one_cpu() {
	in_namespace -Urnm
	echo 16 >/proc/sys/net/core/somaxconn
	epolltune apply --gentle --probe accept-queue --dry-run --format json --state-dir state >out &
	apply=$!
	watch $apply
	wait $apply || true
	matches seen '^probe:accept'
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
	json 'wall("buffers.receive") | .verdict != "short" and .experiment == "missed"'
}

test_a_window_that_the_settings_refuse_is_short() {
	in_namespace -Urnm
	echo 4096 16384 262144 >$ipv4/tcp_rmem
	gentle --probe buffers
	json 'wall("buffers.receive").verdict == "short"'
}

# Beside a busy loop on each CPU no experiment gets CPU time, and the check ends anyway.
test_starved_experiments_are_missed() {
	in_namespace -Urnm
	for cpu in $(taskset -cp $$ | sed 's/.*: //; s/,/ /g'); do
		for one in $(seq "${cpu%-*}" "${cpu#*-}"); do
			timeout 120 taskset -c "$one" sh -c 'while :; do :; done' &
		done
	done
	expect any timeout 100 "$PROGRAM" check --format json --gentle --probe listeners,accept-queue,buffers,readiness,nic
	json '[.probes[].state] | unique == ["done"]' \
		'[.walls[] | select(.verdict == "short")] == []' \
		'[wall("accept-queue", "buffers.receive", "buffers.send") |
			.experiment == "missed" and .reason == $ENV.starved] == [true, true, true]' \
		'[.findings[] | select(.id | startswith("readiness"))] == []'
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
