#!/bin/sh
# Commands that read files of others give up rights before they open them.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

# Whether the filter comes before the first look into a file, in this order of the calls.
confined() { # FILE COMMAND…
	file=$1
	shift
	strace -o /dev/null true 2>/dev/null || skip 'no strace (ptrace) here'
	expect any strace -f -qq -e trace=prctl,seccomp,openat,openat2,open -o trace "$@"
	awk -v file="$file" '/PR_SET_SECCOMP.*= 0/ { on = 1 } index($0, "\"" file "\"") && !on { early = 1 }
		index($0, "\"" file "\"") && on { read = 1 } END { exit early || !read }' trace ||
		fail "$file is opened without the filter: $*"
}

test_foreign_files_are_opened_behind_the_filter() {
	echo 'net.core.somaxconn=128' >a.conf
	echo 'accept4() failed (24: Too many open files)' >log
	epolltune check --quick --format json >a.json || :
	tar cf a.tar -C "$root/tests/hosts/docker" .
	confined a.conf epolltune lint a.conf
	confined log epolltune explain --log log
	confined a.json epolltune diff a.json a.json
	confined a.tar epolltune check --sysroot a.tar
	confined a.tar epolltune lint --sysroot a.tar
	confined a.tar epolltune list knobs --sysroot a.tar
	confined a.tar epolltune diff a.tar a.json
	epolltune watch --count 1 --interval 100ms --format jsonl >a.jsonl || :
	# The recording is open before the terminal is known.
	expect any strace -f -qq -e trace=prctl -o trace epolltune watch --replay a.jsonl --count 1
	grep -q 'PR_SET_SECCOMP.*= 0' trace || fail 'watch --replay has no filter'
}

test_a_reader_of_a_log_has_no_rights() {
	mkfifo pipe
	epolltune explain --log - <pipe >/dev/null &
	pid=$!
	exec 3>pipe
	wait_for grep -q "^Seccomp:.2" "/proc/$pid/status"
	grep -q '^NoNewPrivs:.1' "/proc/$pid/status" || fail 'new privileges'
	grep -Eq '^CapEff:.000000000000000[04]$' "/proc/$pid/status" || fail 'capabilities'
	exec 3>&-
	wait $pid || fail "explain ended with $?"
}

test_a_filter_that_the_kernel_refuses_is_named() {
	echo 'accept4() failed (24: Too many open files)' >log
	strace -o /dev/null true 2>/dev/null || skip 'no strace (ptrace) here'
	expect 0 epolltune version
	said 'confinement: seccomp filter'
	strace -qq -E ASAN_OPTIONS=detect_leaks=0 -e trace=prctl -o trace "$PROGRAM" explain --log log >/dev/null
	call=$(grep prctl trace | grep -n PR_SET_SECCOMP | cut -d: -f1)
	refuse="strace -qq -E ASAN_OPTIONS=detect_leaks=0 -e trace=prctl -e inject=prctl:error=EINVAL:when=$call -o trace"
	expect 0 $refuse "$PROGRAM" explain --log log
	grep -q '^epolltune: warning: files of others are read with no seccomp filter: PR_SET_SECCOMP: Invalid argument$' err ||
		fail "not named: $(cat err)"
	expect 0 $refuse "$PROGRAM" version
	said 'confinement: no seccomp filter: PR_SET_SECCOMP: Invalid argument'
}

test_what_is_not_read_only_works_as_before() {
	expect any epolltune check --sysroot "$root/tests/hosts/docker" --format json
	mv out piped
	expect any epolltune check --sysroot "$root/tests/hosts/docker" --format json --output written
	[ -s written ] || fail 'nothing is written'
	jq -S 'del(.time)' piped >a
	jq -S 'del(.time)' written | cmp - a
	# This machine is read through netlink.
	expect 0 epolltune list --nic --sysroot /
}

run_tests "$@"
