#!/bin/sh
# What a check answers when a probe crashes, hangs, or cannot measure: the verdicts by the settings,
# the reason, the exit status, and no process left. A case a function; each runs in a network
# namespace of its own, whose settings are the kernel's defaults.
set -u
cd "$(dirname "$0")/.." || exit 1
program=${PROGRAM:?is set by make test}
work=$(mktemp -d) || exit 1
failed=0 hung=
trap '[ -z "$hung" ] || kill "$hung" 2>/dev/null; wait; rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM

fail() {
	echo "FAILED: $*"
	failed=1
}

unshare -Urn true 2>/dev/null || {
	echo 'skipped: user namespaces are refused'
	exit 77
}
export program work

# victim CHECK NAME: prints the process of that name below a check, once it is there.
cat >"$work/victim" <<'END'
while kill -0 "$1"; do
	for pid in $(cat "/proc/$1/task/$1/children"); do
		[ "$(cat "/proc/$pid/comm")" != "$2" ] || { echo "$pid"; exit; }
	done
	sleep 0.01
done 2>/dev/null
echo "no process $2 below $1" >&2
END
victim="sh $work/victim \$check"
export victim

# inside COMMAND: in a new network namespace with a loopback, as root of a user namespace.
inside() { unshare -Urnm sh -c 'ip link set lo up; ulimit -Sn "$(ulimit -Hn)"; '"$1"; }

# check PLANT OPTIONS: a report as JSON in $work/report, its exit status in $status.
check() {
	status=0
	inside "$1 \$wrap $program check --format json $2" >"$work/report" 2>"$work/errors" || status=$?
	[ ! -s "$work/errors" ] || fail "check $2: $(cat "$work/errors")"
}
wrap=
export wrap
# LeakSanitizer does not work in a traced process.
strace='strace -qq -E ASAN_OPTIONS=detect_leaks=0'

# holds TEXT FILTER [JQ-OPTIONS]: the jq filter is true of the report.
holds() {
	what=$1 filter=$2
	shift 2
	jq -e "$@" "$filter" "$work/report" >/dev/null && return
	fail "$what: not so: $filter $*"
	jq -c '[.probes, .summary, [.walls[] | {name, verdict, method, experiment, reason}], [.findings[].id]]' "$work/report"
}

exits() { [ "$status" -eq "$2" ] || fail "$1: exit status $status, not $2"; }

answers() {
	[ "$(jq -r .summary.answer "$work/report")" = "$2" ] ||
		fail "$1: \"$(jq -r .summary.answer "$work/report")\" is not \"$2\""
}

# none_left TEXT: no process that strace saw is there any more.
none_left() {
	for pid in $(cut -d' ' -f1 "$work/trace" | sort -u); do
		tries=100
		while kill -0 "$pid" 2>/dev/null; do
			tries=$((tries - 1))
			[ $tries -gt 0 ] || { fail "$1: process $pid is left"; break; }
			sleep 0.05
		done
	done
}

probes=$("$program" list probes --format json | jq -r '.probes[].name')
[ "$probes" ] || fail 'no probes'

test_exit_status_of_each_verdict() {
	for format in text json line; do
		for row in '4096 0' '1100 1' '37 2'; do
			for options in '' --quick --measured; do
				status=0
				inside "echo ${row% *} >/proc/sys/net/core/somaxconn
					$program check --probe accept-queue --no-proof --format $format $options" >"$work/out" || status=$?
				exits "somaxconn $row $format $options" "${row#* }"
			done
		done
	done
	for wrong in --nonsense '--probe nonsense' '--measured --quick' '--measured --sysroot hosts/linux-6.18'; do
		status=0
		# shellcheck disable=SC2086
		"$program" check $wrong >"$work/out" 2>"$work/errors" || status=$?
		exits "check $wrong" 3
		[ "$(wc -l <"$work/errors")" -eq 1 ] || fail "check $wrong: not one line: $(cat "$work/errors")"
	done
	! "$program" apply --measured --dry-run >"$work/out" 2>&1 || fail 'apply takes --measured'
	grep -q -- --measured "$work/out" || fail "apply --measured: $(cat "$work/out")"
}

# same TEXT PLANT OPTIONS: the answer is the same sentence in each format.
same() {
	check "$2" "$3"
	answer=$(jq -r .summary.answer "$work/report")
	inside "$2 $program check --format line $3" >"$work/line"
	case $(cat "$work/line") in
	"EPOLLTUNE OK - $answer"* | "EPOLLTUNE WARNING - $answer"* | "EPOLLTUNE CRITICAL - $answer"* | "EPOLLTUNE UNKNOWN - $answer"*) ;;
	*) fail "$1: line \"$(cat "$work/line")\" does not say \"$answer\"" ;;
	esac
	inside "$2 $program check --color never $3" >"$work/text"
	# The last paragraph, unwrapped, without the hint behind it.
	awk 'BEGIN { RS = "" } { last = $0 } END { print last }' "$work/text" |
		grep -vE '^(To see the changes|For more|For the notes): ' | tr '\n' ' ' | sed 's/ $//' >"$work/last"
	[ "$(cat "$work/last")" = "$answer" ] || fail "$1: text \"$(cat "$work/last")\" is not \"$answer\""
}

test_answer_is_the_same_in_each_format() {
	same ready '' '--probe accept-queue'
	same tight 'echo 1100 >/proc/sys/net/core/somaxconn;' '--probe accept-queue --no-proof'
	same short 'echo 16 >/proc/sys/net/core/somaxconn;' '--probe accept-queue,syn-queue --quick'
	same derived 'mount -t tmpfs none /dev/net;' '--probe syn-queue'
	same unknown 'mount -t tmpfs none /dev/net;' '--probe syn-queue --measured'
}

test_quick_misses_nothing() {
	check '' '--quick --probe accept-queue,syn-queue'
	exits quick 0
	answers quick 'Ready for this target, by the settings; nothing was measured; with --probe accept-queue,syn-queue only.'
	# Also a target that no wire can try.
	for options in '' '--rtt 30min --rate 1'; do
		check '' "--quick $options"
		holds quick '[.walls[] | select(.experiment != "none" or .method == "measured" or .reason)] == []'
		holds quick '.summary.missed == 0 and .quick and ([.probes[].isolation] | unique) == ["none"]'
	done
}

test_failed_probe_without_walls_has_not_crashed() {
	check 'ulimit -n 24;' '--probe readiness'
	holds failed '.probes[0].state == "failed" and (.findings[] | select(.id == "probe.failed") | .detail | test("Too many open files"))'
	exits failed 3
	answers failed 'Not known: probe readiness failed.'
}

# Walls that are short by their settings.
short='ulimit -n 333; echo 16 >/proc/sys/net/core/somaxconn;'

# crashed PROBE WHERE PLANT: the report of a probe that was killed once equals that of --quick, but for
# the reason.
crashed() {
	probe=$1 text="$1 killed at $2"
	cp "$work/report" "$work/crash"
	crash_status=$status
	status=0
	inside "$3 $program check --format json --quick --probe $probe" >"$work/quick" || status=$?
	for part in '[.walls[] | {name, verdict, needed, knob}]' '[.findings[].id] - ["probe.failed"]' \
		'[.findings[] | .proposals]'; do
		jq -S "$part | map(select(. != []))" "$work/quick" >"$work/a"
		jq -S "$part | map(select(. != []))" "$work/crash" >"$work/b"
		cmp -s "$work/a" "$work/b" || fail "$text: other settings: $(diff "$work/a" "$work/b")"
	done
	if [ "$status" -eq 2 ]; then want=2; else want=3; fi
	status=$crash_status
	exits "$text" $want
	holds "$text" '[.findings[] | select(.id == "probe.failed")] | length == 1 and
		(.[0].detail | startswith("Reason: ended by signal 9")) and .[0].title == "Probe \($p) crashed"' --arg p "$probe"
	holds "$text" '.probes == [{name: $p, state: "crashed", isolation: "none"}] and .host.isolation == "none"' --arg p "$probe"
	[ $want -eq 2 ] || holds "$text" '.summary.answer | startswith("Not known: probe \($p) crashed")' --arg p "$probe"
	holds "$text" '[.walls[] | select(.experiment == "missed")] |
		(length > 0 or $p == "readiness") and all(.method == "derived" and (.reason | startswith("probe \($p) crashed: ended by signal 9")))' --arg p "$probe"
	holds "$text" '[.walls[] | select(.experiment == "done" or .method == "measured")] == []'
	holds "$text" '[.findings[] | select(.tried_state == "tried")] == []'
}

# Of the system calls of a probe's process these happen once the lab is being made, once it is up, and
# after an experiment; a probe without experiments has none of them.
test_killed_probe_is_judged_by_its_settings() {
	strace -o /dev/null true 2>/dev/null || return 77
	for probe in $probes; do
		times=0
		for at in socketpair:1 socketpair:3 shutdown:1; do
			# It is a task of the lab that calls shutdown(), for its experiments.
			[ "$probe $at" != 'readiness shutdown:1' ] || continue
			for plant in '' "$short"; do
				[ -z "$plant" ] || [ $at = socketpair:3 ] || continue
				wrap="$strace -f -o $work/trace -e trace=${at%:*} -e inject=${at%:*}:signal=KILL:when=${at#*:}"
				check "$plant" "--probe $probe"
				wrap=
				none_left "$probe killed at $at"
				grep -q 'killed by SIGKILL' "$work/trace" || continue
				crashed "$probe" "$at" "$plant"
				times=$((times + 1))
			done
		done
		# Both processes: the one that measures and the one that only reads the settings.
		wrap="$strace -f -o $work/trace -e trace=getppid -e inject=getppid:signal=KILL:when=1"
		check '' "--probe $probe"
		wrap=
		none_left "$probe killed twice"
		exits "$probe killed twice" 3
		holds "$probe killed twice" '.probes[0].state == "crashed" and all(.walls[]; .verdict == "unknown") and
			(.summary.answer | startswith("Not known: probe \($p) crashed"))' --arg p "$probe"
		"$program" list probes --format json | jq -r ".probes[] | select(.name == \"$probe\") | .walls[]" |
			grep -vx accept-queue.unix | sort >"$work/a" # with --server only
		jq -r '.walls[].name' "$work/report" | sort >"$work/b"
		cmp -s "$work/a" "$work/b" || fail "$probe killed twice: other walls: $(diff "$work/a" "$work/b")"
		all_times="${all_times:-} $probe:$times"
	done
	case $all_times in *accept-queue:4*) ;; *) fail "accept-queue was not killed each time:$all_times" ;; esac
}

test_crash_of_one_probe_accuses_no_other() {
	check '' "--probe accept-queue,descriptors & check=\$!; kill -9 \$($victim probe:accept-qu); wait \$check"
	exits 'one of two' 3
	answers 'one of two' 'Not known: probe accept-queue crashed.'
	holds 'one of two' '[.probes[] | {(.name): .state}] | add == {"accept-queue": "crashed", "descriptors": "done"}'
	holds 'one of two' '[.findings[] | select(.id == "probe.failed")] | length == 1'
	holds 'one of two' '[.walls[] | select(.experiment == "missed") | .name] - ["memory.connection"] == ["accept-queue"]'
	# No proposal of a wall that is short by its settings is lost.
	check 'echo 16 >/proc/sys/net/core/somaxconn;' "--probe accept-queue & check=\$!; kill -9 \$($victim probe:accept-qu); wait \$check"
	exits 'short and crashed' 2
	answers 'short and crashed' 'Not ready: 1 wall is short: accept-queue.'
	holds 'short and crashed' '.findings[] | select(.id == "accept-queue.short") | .remedy == "kernel" and .current == "16" and
		(.proposed | tonumber) >= 1249 and .tried_state == "not tried" and (.tried | contains("probe accept-queue crashed"))'
}

test_failed_experiment_is_derived() {
	# Without the device of the delay wire.
	hide='mount -t tmpfs none /dev/net;'
	check "$hide" ''
	missed=$(jq '.summary.missed' "$work/report")
	holds 'no TUN' '[.walls[] | select(.experiment == "missed") | select(.method != "derived" or .reason == null)] == []'
	holds 'no TUN' '[.walls[] | select(.name == "syn-queue")][0] | .experiment == "missed" and (.reason | contains("/dev/net/tun"))'
	holds 'no TUN' '.probes[] | select(.name == "syn-queue") | .isolation == "none" and .state == "done"'
	[ "$missed" -ge 1 ] || fail "no TUN: $missed walls are missed"
	check "$hide" '--probe accept-queue,syn-queue'
	exits 'no TUN' 0
	holds 'no TUN' '.summary.answer | test("^Ready, with 1 wall derived, not measured: syn-queue: .*/dev/net/tun.*; with --probe accept-queue,syn-queue only[.]$")'
	check "$hide" '--probe accept-queue,syn-queue --measured'
	exits 'no TUN, --measured' 3
	holds 'no TUN, --measured' '.summary.answer | test("^Not known: 1 wall derived, not measured: syn-queue: .*/dev/net/tun")'
	# Short beats not measured, and that beats tight.
	check "$hide echo 16 >/proc/sys/net/core/somaxconn;" '--probe syn-queue --measured'
	exits 'no TUN, short' 2
	check "$hide echo 1100 >/proc/sys/net/core/somaxconn;" '--probe accept-queue,syn-queue --no-proof'
	exits 'no TUN, tight' 1
	check "$hide echo 1100 >/proc/sys/net/core/somaxconn;" '--probe accept-queue,syn-queue --no-proof --measured'
	exits 'no TUN, tight, --measured' 3

	# A wire that carries nothing: the experiment itself fails.
	check 'ip link set lo down;' '--in-place --no-proof --probe accept-queue'
	exits 'dead wire' 0
	holds 'dead wire' '.probes[0].state == "failed" and .walls[0].experiment == "missed" and .walls[0].verdict == "ok"'
	holds 'dead wire' '.summary.answer | startswith("Ready, with 1 wall derived, not measured: accept-queue: ")'
	holds 'dead wire' '[.findings[] | select(.id == "probe.failed")][0].title == "Probe accept-queue failed"'
	check 'ip link set lo down;' '--in-place --no-proof --probe accept-queue --measured'
	exits 'dead wire, --measured' 3
	# Nothing that it did not see is said of a wall that is short by its settings.
	check 'ip link set lo down; echo 16 >/proc/sys/net/core/somaxconn;' '--in-place --probe accept-queue'
	exits 'dead wire, short' 2
	holds 'dead wire, short' '.findings[] | select(.id == "accept-queue.short") | .tried_state == "not tried" and .evidence == [] and
		(.detail | test("arrived|dropped,|queued") | not) and .proposed == "2048"'
}

# isolated TEXT: what the text says of the experiments is what the JSON says probe by probe.
isolated() {
	holds "$1" '.host.isolation as $h | [.probes[].isolation] as $all | $h ==
		(if $all | any(. == "sysroot") then "sysroot" elif $all | any(. == "in-place") then "in-place"
		elif $all | any(. == "lab") then "lab" else "none" end)'
}

test_isolation_is_stated_probe_by_probe() {
	traced=
	if strace -o /dev/null true 2>/dev/null; then traced=1; fi
	for probe in $probes; do
		[ ! "$traced" ] || wrap="$strace -f -o $work/trace -e trace=clone"
		check '' "--probe $probe --window 500ms"
		wrap=
		isolated "$probe"
		is=$(jq -r '.probes[0].isolation' "$work/report")
		if [ "$traced" ]; then
			if grep -q CLONE_NEWPID "$work/trace"; then opened=lab; else opened=none; fi
			[ "$is" = $opened ] || fail "$probe: isolation $is, but strace saw: $opened"
		fi
		inside "$program check --color never --probe $probe --quick" >"$work/text"
		grep -qx 'Experiments: none, settings only' "$work/text" || fail "$probe --quick: $(grep Experiments "$work/text")"
		check '' "--probe $probe --in-place --no-proof"
		isolated "$probe in place"
		check "mount -t tmpfs none /dev/net; echo 0 >/proc/sys/user/max_net_namespaces;" "--probe $probe --no-proof"
		isolated "$probe without namespaces"
		holds "$probe without namespaces" '.probes[0].isolation == "none" or .probes[0].isolation == "in-place"'
		"$program" check --sysroot hosts/linux-6.18 --format json --probe "$probe" >"$work/report"
		isolated "$probe of a captured machine"
		holds "$probe of a captured machine" '.probes[0].isolation == "sysroot" and .summary.missed == 0'
	done
	check '' '--probe accept-queue,syn-queue --in-place --no-proof'
	holds mixed '[.probes[] | .isolation] == ["in-place", "lab"]'
	inside "$program check --color never --probe accept-queue,syn-queue --in-place --no-proof" >"$work/text"
	grep -qx 'Experiments: in a private lab (syn-queue) · in this namespace (accept-queue)' "$work/text" ||
		grep -qx 'Experiments: in a private lab (syn-queue) . in this namespace (accept-queue)' "$work/text" ||
		fail "mixed: $(grep Experiments "$work/text")"
	inside "$program check --color never --probe accept-queue" >"$work/text"
	grep -qx 'Experiments: in a private lab' "$work/text" || fail "lab: $(grep Experiments "$work/text")"
	"$program" check --color never --sysroot hosts/linux-6.18 >"$work/text"
	grep -qx 'Experiments: none (captured machine)' "$work/text" || fail "sysroot: $(grep Experiments "$work/text")"
}

# What this program's own process meets; the probes' are not traced.
test_refused_system_calls() {
	strace -o /dev/null true 2>/dev/null || return 77
	injecting() { wrap="$strace -o $work/trace -e trace=$1 -e inject=$1:error=$2${3:-}"; }
	injecting pidfd_open ENOSYS
	check '' '--probe accept-queue'
	exits 'no pidfds' 0
	injecting 'clone,clone3,fork,vfork' EAGAIN
	check 'echo 1100 >/proc/sys/net/core/somaxconn;' '--probe accept-queue,syn-queue'
	exits 'no processes' 3
	answers 'no processes' 'Not known: probe accept-queue crashed; probe syn-queue crashed.'
	holds 'no processes' 'all(.walls[]; .verdict != "unknown" and .experiment == "missed" and (.reason | contains("could not be started")))'
	wrap="$strace -o $work/trace -e trace=mmap"
	check '' '--quick'
	memory=$(grep -n 'MAP_SHARED|MAP_ANONYMOUS' "$work/trace" | head -n 1 | cut -d: -f1)
	for refused in "mmap ENOMEM :when=$memory" 'eventfd2 EMFILE'; do
		# shellcheck disable=SC2086
		injecting $refused
		status=0
		inside "$wrap $program check --quick --format json" >"$work/out" 2>"$work/errors" || status=$?
		exits "$refused" 3
		[ "$(wc -l <"$work/errors")" -eq 1 ] || fail "$refused: not one line: $(cat "$work/errors")"
	done
	wrap=
}

# A caller that ignores SIGCHLD would have the kernel reap the probes.
test_ignored_sigchld() {
	status=0
	timeout 60 env --ignore-signal=CHLD unshare -Urn "$program" check --probe accept-queue --format json >"$work/report" || status=$?
	exits 'SIGCHLD ignored' 0
}

# The check is killed or ended while its probes run: they end, and so do their labs.
test_ended_check_leaves_no_process() {
	for signal in KILL TERM HUP; do
		status=0
		# Its PID namespace has only this shell in the end.
		unshare -Urnpf --mount-proc env --default-signal sh -c 'ip link set lo up
			"$program" check >/dev/null 2>&1 & check=$!
			until grep -sqx "probe:.*" /proc/[0-9]*/comm; do sleep 0.01; done
			sleep 0.3; kill -'$signal' $check; wait $check; status=$?
			tries=100; while [ $(ls -d /proc/[0-9]* | wc -l) -gt 4 ]; do
				tries=$((tries - 1)); [ $tries -gt 0 ] || { cat /proc/[0-9]*/comm; exit 1; }; sleep 0.1
			done; exit $status' >"$work/out" 2>&1 || status=$?
		case $signal in KILL) want=137 ;; TERM) want=143 ;; HUP) want=129 ;; esac
		[ "$status" -eq "$want" ] || fail "$signal: exit status $status, not $want; $(cat "$work/out")"
	done
}

# Probes' processes have names; those of their labs as well.
test_processes_are_named() {
	inside "$program check --probe accept-queue >/dev/null & check=\$!; $victim probe:accept-qu; wait \$check" \
		>"$work/out" 2>&1 || fail 'no process is named probe:accept-qu'
	grep -qx '[0-9]*' "$work/out" || fail "names: $(cat "$work/out")"
}

# A probe that hangs: it is killed when its time is over, and the others are not accused, neither
# those that came after it nor those that watched. Runs beside the other cases, as it takes a minute.
hang_begin() {
	inside "$program check --format json & check=\$!; kill -STOP \$($victim probe:accept-qu); wait \$check" \
		>"$work/hung" 2>"$work/hung.errors" &
	hung=$!
}

test_hanging_probe_is_ended() {
	status=0
	wait $hung || status=$?
	hung=
	cp "$work/hung" "$work/report"
	[ "$status" -eq 3 ] || [ "$status" -eq 2 ] || fail "hang: exit status $status"
	holds hang '[.probes[] | select(.state == "crashed") | .name] == ["accept-queue"]'
	holds hang '[.findings[] | select(.id == "probe.failed" and (.title | endswith("crashed")))] | length == 1 and
		(.[0].detail | test("^Reason: it did not end within [0-9]+ s and was killed"))'
	holds hang '.walls[] | select(.name == "accept-queue") | .experiment == "missed" and .verdict == "ok" and .method == "derived"'
}

skipped=
cases=${*:-$(sed -n 's/^\(test_[a-z_]*\)() {$/\1/p' "cli/$(basename "$0")")}
case $cases in *test_hanging*) hang_begin ;; esac
for case in $cases; do
	began=$(date +%s)
	"$case" || { [ $? -ne 77 ] || skipped="$skipped $case"; }
	echo "$case: $(($(date +%s) - began)) s"
done
if [ "$skipped" ]; then
	echo "skipped: no strace (ptrace) here:$skipped"
	[ ! "${EPOLLTUNE_MUST_RUN:-}" ] || failed=1
fi
exit $failed
