#!/bin/sh
# A check of which a probe crashes, or that is killed itself: the verdicts by the settings, the
# reason, the exit status, and no process left.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=SCRIPTDIR/../checks.sh
. "$(dirname "$0")/../checks.sh"

# A command that prints the process of that name below $check, once it is there.
setup() {
	cat >victim <<-'END'
		while kill -0 "$1"; do
			for pid in $(cat "/proc/$1/task/$1/children"); do
				[ "$(cat "/proc/$pid/comm")" != "$2" ] || { echo "$pid"; exit; }
			done
			sleep 0.01
		done 2>/dev/null
		echo "no process $2 below $1" >&2
	END
	victim="sh $work/victim \$check"
}

# No process that strace saw is there any more.
none_left() {
	for pid in $(cut -d' ' -f1 trace | sort -u); do
		wait_for gone "$pid"
	done
}

# Walls that are short by their settings.
short='ulimit -n 333; echo 16 >/proc/sys/net/core/somaxconn;'

# The report of a probe that was killed once equals that of --quick, but for the reason.
crashed() { # PROBE PLANT
	cp out crash
	quick=quick.$1${2:+.short} want=3
	[ -e "$quick" ] || inside "$2 epolltune check --format json --quick --probe $1" >"$quick" || [ $? -ne 2 ] || touch "$quick.is-short"
	[ ! -e "$quick.is-short" ] || want=2
	for report in "$quick" crash; do
		jq -S '[.walls[] | {name, verdict, needed, knob}], [.findings[].id] - ["probe.failed"],
			[.findings[].proposals | select(. != [])]' "$report" >"$report.settings"
	done
	diff "$quick.settings" crash.settings || fail "$1: other settings"
	is 'the exit status' $status $want
	json '[.findings[] | select(.id == "probe.failed")] | length == 1 and
		(.[0].detail | startswith("Reason: ended by signal 9")) and .[0].title == "Probe \($ENV.probe) crashed"' \
		'.probes == [{name: $ENV.probe, state: "crashed", isolation: "none"}] and .host.isolation == "none"' \
		".summary.answer | $want == 2 or startswith(\"Not known: probe $1 crashed\")" \
		'[.walls[] | select(.experiment == "missed")] |
		(length > 0 or $ENV.probe == "readiness") and all(.method == "derived" and (.reason | startswith("probe \($ENV.probe) crashed: ended by signal 9")))' \
		'[.walls[] | select(.experiment == "done" or .method == "measured")] == []' \
		'[.findings[] | select(.tried_state == "tried")] == []'
}

# Of the system calls of a probe's process these happen once the lab is being made, once it is up, and
# after an experiment; a probe without experiments has none of them, the first one neither.
test_a_killed_probe_is_judged_by_its_settings() {
	needs_strace
	export probe
	for probe in $probes; do
		times=0
		for at in socketpair:1 socketpair:3 shutdown:1; do
			# It is a task of the lab that calls shutdown(), for its experiments.
			[ "$probe $at" != 'readiness shutdown:1' ] || continue
			for plant in '' "$short"; do
				[ -z "$plant" ] || [ $at = socketpair:3 ] || continue
				wrap="$strace -f -o trace -e trace=${at%:*} -e inject=${at%:*}:signal=KILL:when=${at#*:}"
				check "$plant" "--probe $probe"
				wrap=
				none_left
				grep -q 'killed by SIGKILL' trace || break 2
				crashed "$probe" "$plant"
				times=$((times + 1))
			done
		done
		# Both processes: the one that measures and the one that only reads the settings.
		wrap="$strace -f -o trace -e trace=getppid -e inject=getppid:signal=KILL:when=1"
		check '' "--probe $probe"
		wrap=
		none_left
		is 'the exit status' $status 3
		json '.probes[0].state == "crashed" and all(.walls[]; .verdict == "unknown") and
			(.summary.answer | startswith("Not known: probe \($ENV.probe) crashed"))'
		epolltune list probes --format json | jq -r ".probes[] | select(.name == \"$probe\") | .walls[]" |
			grep -vx -e accept-queue.unix -e application.limit -e application.starts -e tasks -e neighbours -e udp.receive -e idle.keepalive | sort >a # with --server, --peers, --datagrams, --idle only
		jq -r '.walls[].name' out | sort >b
		cmp -s a b || fail "$probe killed twice: other walls: $(diff a b)"
		all_times="${all_times:-} $probe:$times"
	done
	case $all_times in *accept-queue:4*) ;; *) fail "accept-queue was not killed each time:$all_times" ;; esac
}

test_a_crash_of_one_probe_accuses_no_other() {
	check '' "--probe accept-queue,descriptors & check=\$!; kill -9 \$($victim probe:accept-qu); wait \$check"
	is 'the exit status' $status 3
	answers 'Not known: probe accept-queue crashed.'
	json '[.probes[] | {(.name): .state}] | add == {"accept-queue": "crashed", "descriptors": "done"}'
	json '[.findings[] | select(.id == "probe.failed")] | length == 1'
	json '[.walls[] | select(.experiment == "missed") | .name] - ["memory.connection"] == ["accept-queue"]'
	# No proposal of a wall that is short by its settings is lost.
	check 'echo 16 >/proc/sys/net/core/somaxconn;' "--probe accept-queue & check=\$!; kill -9 \$($victim probe:accept-qu); wait \$check"
	is 'the exit status' $status 2
	answers 'Not ready: 1 wall is short: accept-queue.'
	json '.findings[] | select(.id == "accept-queue.short") | .remedy == "kernel" and .current == "16" and
		(.proposed | tonumber) >= 1249 and .tried_state == "not tried" and (.tried | contains("probe accept-queue crashed"))'
}

test_the_next_probe_does_not_use_the_servers_lab_after_a_crash() {
	check '' "--run 'exec $PROGRAM serve --port 8080 --quiet' --port 8080 --protocol echo --connections 50 \
		--writable ${PROGRAM%/*} --probe accept-queue,application & check=\$!; kill -9 \$($victim probe:accept-qu); wait \$check"
	is 'the exit status' $status 3
	json '[.probes[] | {(.name): .state}] | add == {"accept-queue": "crashed", "application": "done"}' \
		'wall("application.connections") | .experiment == "missed" and .measured == null and
			.reason == "probe accept-queue crashed in the lab of the server"'
}

# What this program's own process meets; the probes' are not traced.
test_refused_system_calls_have_their_answer() {
	needs_strace
	injecting() { wrap="$strace -o trace -e trace=$1 -e inject=$1:error=$2${3:-}"; }
	injecting pidfd_open ENOSYS
	check '' '--probe accept-queue'
	is 'the exit status' $status 0
	injecting 'clone,clone3,fork,vfork' EAGAIN
	check 'echo 1100 >/proc/sys/net/core/somaxconn;' '--probe accept-queue,syn-queue'
	is 'the exit status' $status 3
	answers 'Not known: probe accept-queue crashed; probe syn-queue crashed; also: 1 wall is tight: accept-queue.'
	json 'all(.walls[]; .verdict != "unknown" and .experiment == "missed" and (.reason | contains("could not be started")))'
	wrap="$strace -o trace -e trace=mmap"
	check '' '--quick'
	memory=$(grep -n 'MAP_SHARED|MAP_ANONYMOUS' trace | head -n 1 | cut -d: -f1)
	for refused in "mmap ENOMEM :when=$memory" 'eventfd2 EMFILE'; do
		# shellcheck disable=SC2086
		injecting $refused
		status=0
		inside "$wrap epolltune check --quick --format json" >out 2>err || status=$?
		[ "$(wc -l <err)" -eq 1 ] || fail "$refused: not one line: $(cat err)"
	done
	wrap=
}

test_a_caller_may_ignore_sigchld() {
	# The kernel would reap the probes.
	expect 0 timeout 60 env --ignore-signal=CHLD unshare -Urn "$PROGRAM" check --probe accept-queue --format json
}

# Its probes end while they run, and so do their labs.
test_an_ended_check_leaves_no_process() {
	for signal in KILL TERM HUP; do
		status=0
		# Its PID namespace has only this shell in the end.
		unshare -Urnpf --mount-proc env --default-signal sh -c 'ip link set lo up
			epolltune check >/dev/null 2>&1 & check=$!
			until for p in $(pgrep probe:); do pgrep -P $p; done | grep -q .; do sleep 0.01; done # a lab
			kill -'$signal' $check; wait $check; status=$?
			tries=600; while [ $(ls -d /proc/[0-9]* | wc -l) -gt 4 ]; do
				tries=$((tries - 1)); [ $tries -gt 0 ] || { cat /proc/[0-9]*/comm; exit 1; }; sleep 0.1
			done; exit $status' >out 2>err || status=$?
		case $signal in KILL) want=137 ;; TERM) want=143 ;; HUP) want=129 ;; esac
		[ "$status" -eq "$want" ] || { show out err && fail "$signal: exit status $status, not $want"; }
	done
}

test_processes_of_probes_and_their_labs_are_named() {
	expect 0 inside "epolltune check --probe accept-queue >/dev/null & check=\$!; $victim probe:accept-qu; wait \$check"
	matches out '^[0-9]+$'
}

run_tests "$@"
