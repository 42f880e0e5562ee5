#!/bin/sh
# A check of which a probe hangs, or a server is slow; it takes as long as the check waits for them.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=SCRIPTDIR/../guests.sh
. "$(dirname "$0")/../guests.sh"

find_probe() {
	gone $check && fail 'the check has ended'
	for probe in $(cat "/proc/$check/task/$check/children"); do
		[ "$(cat "/proc/$probe/comm")" != probe:accept-qu ] || return 0
	done
	return 1
}

test_a_probe_that_hangs_is_ended_and_accuses_no_other() {
	in_namespace -Urnm
	ulimit -Sn "$(ulimit -Hn)"
	epolltune check --format json >out 2>err &
	check=$!
	wait_for find_probe
	kill -STOP "$probe"
	status=0
	wait $check || status=$?
	[ "$status" -eq 3 ] || [ "$status" -eq 2 ] || fail "the exit status is $status"
	quiet
	json '[.probes[] | select(.state == "crashed") | .name] == ["accept-queue"]'
	json '[.findings[] | select(.id == "probe.failed" and (.title | endswith("crashed")))] | length == 1 and
		(.[0].detail | test("^Reason: it did not end within [0-9]+ s and was killed, last at: .+"))'
	json '.walls[] | select(.name == "accept-queue") | .experiment == "missed" and .verdict == "ok" and .method == "derived"'
}

test_a_server_that_answers_slowly_crashes_no_probe() {
	needs_lab
	needs haproxy
	haproxy_conf haproxy.cfg 9000
	sed -i "s/^global/&\n  maxconnrate 4/" haproxy.cfg
	expect any epolltune check --run "exec haproxy -db -f $work/haproxy.cfg" --writable "$work" --port 8080 \
		--protocol http --connections 300 --rate 10 --probe application --format json
	json '.probes == [.probes[] | select(.state == "done")]' \
		'wall("application.connections") | .verdict == "unknown" and
			(.reason | test("^[0-9]+ of 375 clients were answered within 20 s(;|$)"))'
}

run_tests "$@"
