#!/bin/sh
# The units of src/share/systemd: systemd accepts and rates them, and their commands work with what they leave.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

setup() {
	for unit in "$root"/src/share/systemd/*; do
		sed "s|/usr/bin/epolltune|$PROGRAM|g" "$unit" >"${unit##*/}"
	done
}

setting() { sed -n "s/^$2=//p" "$1"; } # UNIT NAME

test_systemd_accepts_the_units() {
	needs systemd-analyze
	expect 0 systemd-analyze verify --man=no ./epolltune-check.service ./epolltune-check.timer ./epolltune-rollback.service
	quiet
	systemd-analyze security --offline=yes --threshold=25 ./epolltune-check.service >out || fail 'check: exposed'
	systemd-analyze security --offline=yes --threshold=35 ./epolltune-rollback.service >out || fail 'rollback: exposed'
}

# The system calls of a set, without those of the sets behind "~".
calls_of() { # SET…
	for set; do
		systemd-analyze syscall-filter "$set" | sed '1d; /#/d' | while read -r call; do
			case $call in @*) calls_of "$call" ;; ?*) echo "$call" ;; esac
		done
	done
}

# What a unit allows, and not.
allowed_calls() { # UNIT
	# shellcheck disable=SC2046 # several sets
	calls_of $(setting "$1" SystemCallFilter | grep -v '^~') | sort -u >all
	# shellcheck disable=SC2046
	calls_of $(setting "$1" SystemCallFilter | sed -n 's/^~//p') | sort -u >not
	comm -23 all not
}

# Runs a shell command with the capabilities of a unit, and compares its system calls with the filter.
run_as_unit() { # UNIT COMMAND
	caps=$(setting "$1" CapabilityBoundingSet | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
	sanitized && expect any setpriv --no-new-privs --bounding-set="-all,$caps" sh -c "$2" && return
	expect any strace -f -qq -o trace setpriv --no-new-privs --bounding-set="-all,$caps" sh -c "$2"
	sed -n '/execve("[^"]*\/sh"/,$s/^[0-9]* *\([a-z0-9_]*\)(.*/\1/p' trace | sort -u >used
	[ "$(wc -l <used)" -gt 10 ] || fail 'strace saw nothing'
	allowed_calls "$1" >allowed
	is 'refused system calls' "$(comm -23 used allowed | tr '\n' ' ')" ''
}

test_the_commands_of_the_check_work_with_its_capabilities_and_system_calls() {
	needs systemd-analyze setpriv
	in_root_namespace
	strace -o /dev/null true 2>/dev/null || skip 'no strace (ptrace) here'
	echo 16 >/proc/sys/net/core/somaxconn
	export OPTIONS='--rate 50k' TEXTFILES=$work/textfiles
	setting epolltune-check.service ExecStart | sed 's/%%/%/g' >commands
	is commands "$(wc -l <commands)" 2
	run_as_unit epolltune-check.service "$(sed -n 1p commands)"
	is 'the exit status' "$status" 2
	said 'EPOLLTUNE CRITICAL - Not ready: 1 wall is short: accept-queue. accept-queue 17 of 5 000; syn-queue 17 of 2 500'
	run_as_unit epolltune-check.service "$(sed -n 2p commands)"
	is 'the exit status without node_exporter' "$status" 0
	mkdir textfiles
	run_as_unit epolltune-check.service "$(sed -n 2p commands)"
	quiet
	is 'the exit status' "$status" 2
	matches textfiles/epolltune.prom '^epolltune_wall_verdict.wall="accept-queue",verdict="short". 1$'
	is 'the mode' "$(stat -c %a textfiles/epolltune.prom)" 644
	for status in 1 2 3; do
		setting epolltune-check.service SuccessExitStatus | grep -qw $status || fail "$status is a failure"
	done
	# The same as with all privilege.
	epolltune check --quick --rate 50k --format json >all.json || true
	run_as_unit epolltune-check.service "epolltune check --quick --rate 50k --format json"
	jq -c '[.walls[] | {name, verdict}]' all.json out | uniq | wc -l | grep -qx 1 || fail 'other verdicts'
}

test_the_rollback_at_boot_works_with_its_capabilities_and_system_calls() {
	needs systemd-analyze setpriv
	in_root_namespace
	strace -o /dev/null true 2>/dev/null || skip 'no strace (ptrace) here'
	echo 128 >/proc/sys/net/core/somaxconn
	expect 0 epolltune apply --set net.core.somaxconn=256 --no-proof --yes --confirm 600s --state-dir "$work/state"
	run_as_unit epolltune-rollback.service "$(setting epolltune-rollback.service ExecStart) --state-dir $work/state"
	is 'the exit status' "$status" 0
	is somaxconn "$(cat /proc/sys/net/core/somaxconn)" 128
}

run_tests "$@"
