#!/bin/sh
# rollback --pending, which runs at boot: a run that was not confirmed is rolled back, others stay.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

knob=/proc/sys/net/core/somaxconn

set_to() { # VALUE [OPTION…]
	value=$1
	shift
	expect 0 epolltune apply --set "net.core.somaxconn=$value" --no-proof --yes --state-dir "$work/state" "$@"
}

pending() { expect 0 epolltune rollback --pending --state-dir "$work/$1"; } # STATE

test_a_confirmed_run_stays_and_a_waiting_one_is_rolled_back() {
	in_root_namespace
	echo 128 >$knob
	set_to 256
	pending state
	said 'Nothing to roll back.'
	is somaxconn "$(cat $knob)" 256
	set_to 512 --confirm 600s
	cp -r state earlier
	pending state
	said 'Run 2 rolled back; all values restored.'
	is somaxconn "$(cat $knob)" 256

	# The same journal after a reboot: the kernel has its default again.
	boot=$(cat /proc/sys/kernel/random/boot_id)
	sed -i "s/$boot/00000000-0000-4000-8000-000000000000/" earlier/journal.jsonl
	echo 128 >$knob
	expect 0 epolltune history --state-dir earlier --format json
	json '[.runs[].status] == ["applied", "waiting"]'
	pending earlier
	said 'Run 2 rolled back; none of its changes was in force.'
	is somaxconn "$(cat $knob)" 128
	expect 0 epolltune history --state-dir earlier --format json
	json '[.runs[].status] == ["applied", "reverted"]'
	pending earlier
	said 'Nothing to roll back.'
}

# The files are of another network namespace: the run can do without.
test_a_run_that_cannot_be_persisted_still_waits() {
	in_root_namespace
	set_to 8192 --confirm 600s
	expect any epolltune confirm --persist --state-dir "$work/state"
	contains err '--persist: the files' '; run 1 still waits: to confirm it without files, epolltune confirm --state-dir '
	expect 0 epolltune confirm --state-dir "$work/state"
	said 'Run 1 is confirmed'
}

test_it_chooses_the_run_itself() {
	expect 3 epolltune rollback --pending 2 --state-dir state
	refused 'rollback: --pending chooses the run itself; it takes no RUN'
}

test_a_lock_that_another_command_makes_meanwhile_is_used() {
	in_root_namespace
	strace -o /dev/null true 2>/dev/null || skip 'no strace (ptrace) here'
	set_to 8192
	strace -E ASAN_OPTIONS=detect_leaks=0 -o trace -e trace=openat "$PROGRAM" rollback --pending --state-dir state
	call=$(grep openat trace | grep -n '"lock"' | cut -d: -f1)
	# It is not there yet, and then it is.
	expect 0 strace -E ASAN_OPTIONS=detect_leaks=0 -o trace -e trace=openat -e "inject=openat:error=ENOENT:when=$call" \
		"$PROGRAM" rollback --pending --state-dir state
	grep -q 'O_EXCL.*EEXIST' trace || fail "not injected: $(cat trace)"
}

run_tests "$@"
