#!/bin/sh
# What a check answers, and the exit status that goes with it, when all was measured and when
# something cannot be.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=SCRIPTDIR/../checks.sh
. "$(dirname "$0")/../checks.sh"

test_the_exit_status_is_that_of_the_verdict_in_every_format() {
	for way in text 'text --measured' 'text --quick' 'json --quick' 'line --quick'; do
		for row in '4096 0' '1100 1' '37 2'; do
			expect "${row#* }" inside "echo ${row% *} >/proc/sys/net/core/somaxconn
				epolltune check --probe accept-queue --no-proof --format $way"
		done
	done
}

test_errors_exit_with_3_and_one_line() {
	for wrong in --nonsense '--probe nonsense' '--measured --quick' "--measured --sysroot $tests/hosts/linux-6.18"; do
		# shellcheck disable=SC2086 # several options
		expect 3 epolltune check $wrong
		complained ''
	done
	expect 3 epolltune apply --measured --dry-run
	contains err --measured
}

# The answer is the same sentence in each format.
same() { # PLANT OPTIONS
	check "$1" "$2"
	answer=$(jq -r .summary.answer out)
	inside "$1 epolltune check --format line $2" >line || true
	case $(cat line) in
	"EPOLLTUNE OK - $answer"* | "EPOLLTUNE WARNING - $answer"* | "EPOLLTUNE CRITICAL - $answer"* | "EPOLLTUNE UNKNOWN - $answer"*) ;;
	*) fail "line \"$(cat line)\" does not say \"$answer\"" ;;
	esac
	inside "$1 epolltune check --color never $2" >text || true
	# The last paragraph, unwrapped, without the hint behind it.
	awk 'BEGIN { RS = "" } { last = $0 } END { print last }' text |
		grep -vE '^(To see the changes|For more|For the notes): ' | tr '\n' ' ' | sed 's/ $//' >last
	is 'the last paragraph' "$(cat last)" "$answer"
}

test_the_answer_is_the_same_in_each_format() {
	same '' '--probe accept-queue'
	same 'echo 1100 >/proc/sys/net/core/somaxconn;' '--probe accept-queue --no-proof'
	same 'echo 16 >/proc/sys/net/core/somaxconn;' '--probe accept-queue,syn-queue --quick'
	same 'mount -t tmpfs none /dev/net;' '--probe syn-queue'
	same 'mount -t tmpfs none /dev/net;' '--probe syn-queue --measured'
}

# With walls and without, of some probes, by the settings.
test_apply_answers_as_its_report() {
	for row in '4096 0 --probe myths' '4096 0 --probe listeners' '4096 0 --probe accept-queue' '1100 0 --probe accept-queue' \
		'64 0 --probe ports'; do
		options=${row#* * }
		expect any inside "echo ${row%% *} >/proc/sys/net/core/somaxconn
			epolltune check --no-proof --quick --format json $options >report
			epolltune apply --from report --dry-run --state-dir state --format json"
		is "the answer with $options" "$(jq -r .answer out)" "$(jq -r .summary.answer report)"
		contains report " by the settings; nothing was measured; with $options only."
		is 'the exit status' $status 0
	done
}

test_quick_misses_nothing() {
	check '' '--quick --probe accept-queue,syn-queue'
	is 'the exit status' $status 0
	answers 'Ready for this target, by the settings; nothing was measured; with --probe accept-queue,syn-queue only.'
	# Also a target that no wire can try.
	for options in '' '--rtt 30min --rate 1'; do
		check '' "--quick $options"
		json '[.walls[] | select(.experiment != "none" or .method == "measured" or .reason)] == []'
		json '.summary.missed == 0 and .quick and ([.probes[].isolation] | unique) == ["none"]'
	done
}

test_a_failed_probe_without_walls_has_not_crashed() {
	needs_strace
	wrap="$strace -f -o /dev/null -e trace=socketpair -e inject=socketpair:error=EMFILE"
	check '' '--probe readiness'
	json '.probes[0].state == "failed" and (.findings[] | select(.id == "probe.failed") | .detail | test("Too many open files"))'
	is 'the exit status' $status 3
	answers 'Not known: probe readiness failed.'
}

# tcp_mem is one for the machine, and only its own network namespace shows it.
test_a_setting_that_is_not_visible_is_named() {
	# By default an eighth of it is enough, and no other value of it is likely to make another verdict.
	check '' '--quick --probe buffers --connections 1k'
	is 'the exit status' $status 0
	json 'wall("buffers.memory") | .assumed == null and .verdict == "ok" and (.detail | test("default is assumed"))' '.summary.assumed == 0'
	answers 'Ready for this target, by the settings; nothing was measured; with --probe buffers only.'
	connections=$(jq '.walls[] | select(.name == "buffers.memory") | .limit / .needed * 1000 / 2 | floor' out)
	check '' '--no-proof --probe buffers --measured --connections 1k'
	is 'the exit status' $status 0
	check '' "--quick --probe buffers --connections $connections"
	is 'the exit status' $status 0
	json 'wall("buffers.memory") | .assumed == "net.ipv4.tcp_mem" and .verdict == "ok"' '.summary.assumed == 1'
	answers 'Ready, with 1 wall assumed, not read: buffers.memory (net.ipv4.tcp_mem); by the settings; nothing was measured; with --probe buffers only.'
	check '' "--no-proof --probe buffers --measured --connections $connections"
	is 'the exit status' $status 3
	json '.summary.answer | startswith("Not known: ") and contains("1 wall assumed, not read: buffers.memory (net.ipv4.tcp_mem)")'
}

test_an_experiment_that_cannot_run_is_derived() {
	# Without the device of the delay wire.
	hide='mount -t tmpfs none /dev/net;'
	check "$hide" ''
	json '[.walls[] | select(.experiment == "missed") | select(.method != "derived" or .reason == null)] == []'
	json '[.walls[] | select(.name == "syn-queue")][0] | .experiment == "missed" and (.reason | contains("/dev/net/tun"))'
	json '.probes[] | select(.name == "syn-queue") | .isolation == "none" and .state == "done"'
	json '.summary.missed >= 1'
	check "$hide" '--probe accept-queue,syn-queue'
	is 'the exit status' $status 0
	json '.summary.answer | test("^Ready, with 1 wall derived, not measured: syn-queue: .*/dev/net/tun.*; with --probe accept-queue,syn-queue only[.]$")'
	check "$hide" '--probe accept-queue,syn-queue --measured'
	is 'the exit status' $status 3
	json '.summary.answer | test("^Not known: 1 wall derived, not measured: syn-queue: .*/dev/net/tun")'
	# Short beats not measured, and that beats tight.
	check "$hide echo 16 >/proc/sys/net/core/somaxconn; echo 0 >/proc/sys/net/ipv4/tcp_syncookies;" \
		'--probe syn-queue --measured'
	is 'the exit status' $status 2
	check "$hide echo 1100 >/proc/sys/net/core/somaxconn;" '--probe accept-queue,syn-queue --no-proof'
	is 'the exit status' $status 1
	check "$hide echo 1100 >/proc/sys/net/core/somaxconn;" '--probe accept-queue,syn-queue --no-proof --measured'
	is 'the exit status' $status 3
}

test_a_wire_that_carries_nothing_is_a_failed_experiment() {
	check 'ip link set lo down;' '--in-place --no-proof --probe accept-queue'
	is 'the exit status' $status 0
	json '.probes[0].state == "failed" and .walls[0].experiment == "missed" and .walls[0].verdict == "ok"'
	json '.summary.answer | startswith("Ready, with 1 wall derived, not measured: accept-queue: ")'
	json '[.findings[] | select(.id == "probe.failed")][0].title == "Probe accept-queue failed"'
	check 'ip link set lo down;' '--in-place --no-proof --probe accept-queue --measured'
	is 'the exit status' $status 3
	# Nothing that it did not see is said of a wall that is short by its settings.
	check 'ip link set lo down; echo 16 >/proc/sys/net/core/somaxconn;' '--in-place --probe accept-queue'
	is 'the exit status' $status 2
	json '.findings[] | select(.id == "accept-queue.short") | .tried_state == "not tried" and .evidence == [] and
		(.detail | test("arrived|dropped,|queued") | not) and .proposed == "2048"'
}

# What the text says of the experiments is what the JSON says probe by probe.
isolated() {
	json '.host.isolation as $h | [.probes[].isolation] as $all | $h ==
		(if $all | any(. == "sysroot") then "sysroot" elif $all | any(. == "in-place") then "in-place"
		elif $all | any(. == "lab") then "lab" else "none" end)'
}

# Of a trace of clone() and prctl(): the probes one of whose processes made a namespace for processes, by what their
# names begin with.
made_labs() {
	awk '/PR_SET_NAME, "probe:/ { split($0, part, "\""); of[$1] = part[2] }
		$1 in of && / clone3?\(|<\.\.\. clone3? resumed/ && $NF > 0 { of[$NF] = of[$1] }
		$1 in of && /CLONE_NEWPID/ { print of[$1] }' trace | sort -u
}

test_isolation_is_stated_probe_by_probe() {
	traced=
	if strace -o /dev/null true 2>/dev/null; then traced=1; fi
	[ ! "$traced" ] || wrap="$strace -f -o trace -e trace=clone,clone3,prctl"
	check '' --no-proof
	wrap=
	isolated
	json '[.probes[].isolation] | unique == ["lab", "none"]'
	if [ "$traced" ]; then
		jq -r '.probes[] | select(.isolation == "lab") | "probe:\(.name)"[:15]' out | sort >labs
		made_labs | diff -u labs - || fail 'strace saw other labs'
	fi
	expect any inside 'epolltune check --color never --quick'
	matches out '^Experiments: none, settings only$'
	for options in '--probe myths' '--probe accept-queue --no-proof' '--in-place --no-proof'; do
		check '' "$options"
		isolated
	done
	check 'mount -t tmpfs none /dev/net; echo 0 >/proc/sys/user/max_net_namespaces;' --no-proof
	isolated
	json '[.probes[].isolation] | unique == ["in-place", "none"]'
	expect any epolltune check --sysroot "$tests/hosts/linux-6.18" --format json
	isolated
	json '[.probes[].isolation] | unique == ["sysroot"]' '.summary.missed == 0'
}

test_the_text_states_where_the_experiments_ran() {
	check '' '--probe accept-queue,syn-queue --in-place --no-proof'
	json '[.probes[] | .isolation] == ["in-place", "lab"]'
	expect any inside "epolltune check --color never --probe accept-queue,syn-queue --in-place --no-proof"
	matches out '^Experiments: in a private lab \(syn-queue\) (·|\.) in this namespace \(accept-queue\)$'
	expect any inside "epolltune check --color never --probe accept-queue"
	matches out '^Experiments: in a private lab$'
	expect any epolltune check --color never --sysroot "$tests/hosts/linux-6.18"
	matches out '^Experiments: none \(captured machine\)$'
}

# The probe, which runs once the server was found, waits until that has ended.
probe_runs() {
	for pid in $(cat "/proc/$check/task/$check/children"); do
		case $(cat "/proc/$pid/comm") in probe:*) kill -STOP "$pid" && probe=$pid && return ;; esac
	done 2>/dev/null
	return 1
}

test_a_server_that_ends_during_the_experiments_is_not_ready() {
	in_namespace
	epolltune serve --port 8090 --workers 1 --quiet >/dev/null &
	server=$!
	wait_for grep -q ':1F9A 00000000:0000 0A' /proc/net/tcp
	epolltune check --format json --server :8090 --probe accept-queue >out 2>err &
	check=$!
	wait_for probe_runs
	kill -KILL $server
	wait $server || :
	kill -CONT "$probe"
	status=0
	wait $check || status=$?
	is 'the exit status' $status 2
	json 'wall("accept-queue").verdict == "ok"' 'finding("listeners.closed").level == "critical"' \
		'.summary.answer | startswith("Not ready: ")'
}

run_tests "$@"
