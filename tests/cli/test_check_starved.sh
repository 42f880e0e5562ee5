#!/bin/sh
# check --gentle beside processes that leave it no CPU time: alone, as they leave other tests none either.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

export starved='--gentle waits for an idle CPU, and other work kept this one busy'

# Beside a busy loop on each CPU no experiment gets CPU time, and the check ends anyway.
test_starved_experiments_are_missed() {
	in_namespace -Urnm
	for cpu in $(taskset -cp $$ | sed 's/.*: //; s/,/ /g'); do
		for one in $(seq "${cpu%-*}" "${cpu#*-}"); do
			timeout 320 taskset -c "$one" sh -c ": >spins.$one; while :; do :; done" &
			wait_for test -e "spins.$one"
		done
	done
	expect any timeout 300 "$PROGRAM" check --format json --gentle --probe listeners,accept-queue,buffers,readiness,nic
	json '[.probes[].state] | unique == ["done"]' \
		'[.walls[] | select(.verdict == "short")] == []' \
		'[wall("accept-queue", "buffers.receive", "buffers.send") |
			.experiment == "missed" and .reason == $ENV.starved] == [true, true, true]' \
		'[.findings[] | select(.id | startswith("readiness"))] == []'
}

run_tests "$@"
