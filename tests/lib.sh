# A small library for tests in shell; sourced. Prints TAP for tests/run.
# shellcheck shell=sh
#
#	#!/bin/sh
#	# What this file tests.
#	. "$(dirname "$0")/../lib.sh"
#
#	test_a_full_queue_is_named() {
#		in_namespace
#		echo 16 >/proc/sys/net/core/somaxconn
#		expect 2 epolltune check --format json --probe accept-queue
#		json 'wall("accept-queue") | .verdict == "short" and .measured == 17'
#	}
#	run_tests "$@"
#
# Each function test_… is a test, and its name a sentence. It runs in a subshell with `set -e`, in an empty
# directory of its own ($work), and ends at its first failure; its background jobs are killed at its end.
# `FILE NAME…` runs the tests whose names contain NAME. Where a file has them, `setup` runs before each test,
# and `setup_all` once, in the directory $shared. The program under test is in PATH. UPDATE=1 writes the
# files of tests/expected/ that `expected` compares with.
set -u
tests=$(cd "$(dirname "$0")/.." && pwd)
root=${tests%/*}
self=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")
: "${PROGRAM:=$root/build/epolltune}" "${BUILD:=build}"
case $BUILD in /*) ;; *) BUILD=$root/$BUILD ;; esac
export PROGRAM BUILD

if [ "${1-}" != --one ]; then
	top=$(mktemp -d) || exit 1
	trap 'rm -rf "$top"' EXIT
	trap 'exit 130' HUP INT TERM
	mkdir "$top/bin" "$top/shared"
	ln -s "$PROGRAM" "$top/bin/epolltune"
	export shared="$top/shared" PATH="$top/bin:$PATH"
fi

fail() { # TEXT…
	echo "FAILED: $*"
	exit 1
}

skip() { # REASON…
	echo "skipped: $*"
	exit 77
}

# Skips all tests of the file; outside of its functions.
all_skip() { # REASON…
	echo '1..1'
	echo "ok 1 - all # SKIP $*"
	exit
}

show() { # FILE…
	for shown; do
		[ -s "$shown" ] || continue
		echo "-- $shown:" && head -c 4000 "$shown" && echo
		# The findings of a report are at its end.
		[ "$(wc -c <"$shown")" -le 4000 ] || { echo "-- its end:" && tail -c 4000 "$shown"; }
	done
}

# Keeps a document of epolltune for tests/schemas.
keep_json() {
	{ read -r line && read -r line; } <out || return 0
	case $line in '"schema": "epolltune.'*) cp out "$(mktemp "$EPOLLTUNE_JSON/XXXXXX" 2>/dev/null)" 2>/dev/null || true ;; esac
}

# Runs a command and keeps what it writes in ./out and ./err. STATUS is a number or `any`.
expect() { # STATUS COMMAND…
	want=$1
	shift
	status=0
	"$@" >out 2>err || status=$?
	[ -z "${EPOLLTUNE_JSON-}" ] || keep_json
	[ "$want" = any ] || [ "$status" -eq "$want" ] || {
		show out err
		fail "exit status $status, not $want: $*"
	}
}

contains() { # FILE TEXT…
	file=$1
	shift
	for text; do
		case $(cat "$file") in *"$text"*) ;; *) show out err && fail "\"$text\" is not in $file" ;; esac
	done
}

lacks() { # FILE TEXT…
	file=$1
	shift
	for text; do
		case $(cat "$file") in *"$text"*) show "$file" && fail "\"$text\" is in $file" ;; esac
	done
}

matches() { # FILE REGEX…
	file=$1
	shift
	for text; do
		grep -qE -e "$text" "$file" || { show out err && fail "/$text/ is not in $file"; }
	done
}

# Each TEXT is part of what the command of the last `expect` printed.
said() { contains out "$@"; } # TEXT…

# It printed nothing, and one line of error that has each TEXT.
refused() { # TEXT…
	[ ! -s out ] || { show out && fail 'there is output'; }
	complained "$@"
}

complained() { # TEXT…
	[ "$(wc -l <err)" -eq 1 ] || { show err && fail 'the error is not one line'; }
	contains err "$@"
}

# No errors were printed.
quiet() { [ ! -s err ] || { show err && fail 'there are errors'; }; }

is() { # WHAT VALUE EXPECTED
	[ "$2" = "$3" ] || fail "$1 is \"$2\", not \"$3\""
}

# All that each of the filters yields.
holds() { # FILTER…
	holding=true
	for filter; do holding="$holding and ([$filter] | length > 0 and all)"; done
	[ -s out ] && jq -e "$jq_words $holding" out >filtered 2>&1
}

# Each jq filter is true of ./out. A filter can use `wall("name")`, `finding("id")`, and of a finding
# `at_current("name")`, `at_proposed("name")` and `rows("name")`.
json() { # FILTER…
	! holds "$@" || return 0
	for filter; do
		! holds "$filter" || continue
		jq -c '{summary, host, walls, findings} | del(..|nulls)' out 2>/dev/null | head -c 6000
		echo
		head -c 400 filtered
		fail "not so: $filter"
	done
}
# shellcheck disable=SC2016 # jq's variables
jq_words='
def only(f): [.[] | select(f)] | if length > 0 then .[0] else error("no such row") end;
def wall(n): n as $n | .walls | only(.name == $n);
def finding(i): i as $i | .findings | only(.id == $i);
def has_finding(i): any(.findings[].id; IN(i));
def evidence(n): n as $n | .evidence | only(.name == $n);
def at_current(n): evidence(n).at_current;
def at_proposed(n): evidence(n).at_proposed;
def rows(n): n as $n | .table.rows | only(.name == $n).values;'

# Repeats a check whose result a busy machine made inconclusive, until the jq filter is true of it: for two minutes,
# a fifth of what a file has. Where any STATUS is right, the filter may stay untrue.
expect_known() { # FILTER STATUS COMMAND…
	filter=$1 wanted=$2 attempts=20 begun=$(date +%s)
	shift 2
	expect any "$@"
	while ! holds "$filter" && [ $attempts -gt 0 ] && [ $(($(date +%s) - begun)) -lt 120 ]; do
		attempts=$((attempts - 1))
		expect any "$@"
	done
	[ "$wanted" != any ] || return 0
	json "$filter"
	is 'the exit status' "$status" "$wanted"
}

# ./out, or FILE, is as tests/expected/NAME.
expected() { # NAME [FILE]
	if [ "${UPDATE:-}" ]; then
		mkdir -p "$(dirname "$tests/expected/$1")"
		cp "${2:-out}" "$tests/expected/$1"
	fi
	diff -u "$tests/expected/$1" "${2:-out}" ||
		fail "not as tests/expected/$1 (UPDATE=1 writes it: review the difference)"
}

# Waits for a condition, a minute or more.
wait_for() { # COMMAND…
	tries=1200
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "not within 60 s: $*"
		sleep 0.05
	done
}

# A process has exited, also where nothing has waited for it.
gone() { # PID
	! kill -0 "$1" 2>/dev/null || grep -qs '^State:[[:space:]]*Z' "/proc/$1/status"
}

may_unshare() { # OPTIONS
	# shellcheck disable=SC2086 # several options
	unshare $1 true 2>/dev/null
}

# Starts the test over in new namespaces, as their root and with loopback up; so it comes first in a test.
# OPTIONS of unshare(1): a user and a network namespace.
in_namespace() { # [OPTIONS]
	options=${1:--Urn}
	if [ "${INSIDE:-}" != "$name" ]; then
		may_unshare "$options" || skip "unshare $options is refused"
		# shellcheck disable=SC2086 # several options
		INSIDE=$name exec unshare $options "$self" --one "$name"
	fi
	case $options in *n*) ip link set lo up ;; esac
}

# In a network namespace, as the real root where that runs the tests.
in_root_namespace() { if [ "$(id -u)" -eq 0 ]; then in_namespace -n; else in_namespace -Urn; fi; }

needs_tun() { { [ -r /dev/net/tun ] && [ -w /dev/net/tun ]; } || skip '/dev/net/tun may not be used'; }

# Whether the program has sanitizers, which need memory, address space and /proc of their own.
sanitized() { case $BUILD in *san) ;; *) return 1 ;; esac }

needs() { # COMMAND…
	for command; do
		command -v "$command" >/dev/null || skip "$command is not installed"
	done
}

# A job that has just been started may miss a signal: its shell still has the traps of this one.
end_jobs() {
	jobs -p >"$work/.jobs" # a subshell of dash has no jobs
	while read -r job; do
		tries=100
		while ! gone "$job"; do
			[ $tries -gt 0 ] || kill -KILL "$job"
			kill "$job" 2>/dev/null || true
			tries=$((tries - 1))
			sleep 0.05
		done
	done <"$work/.jobs"
	wait
}

has() { grep -q "^$1() {" "$self"; } # FUNCTION

run_one() { # NAME
	name=$1
	trap 'end_jobs' EXIT
	trap 'exit 130' HUP INT TERM
	if [ "${INSIDE:-}" != "$name" ] && has setup; then setup; fi
	"$name"
}

# The tests of this file, in its order; those whose name contains an argument.
names_of() {
	sed -n 's/^\(test_[a-z0-9_]*\)() {.*/\1/p' "$self" | while read -r name; do
		[ $# -gt 0 ] || echo "$name"
		for part; do
			case $name in *"$part"*) echo "$name" && break ;; esac
		done
	done
}

in_subshell() { # DIRECTORY COMMAND…
	(
		set -e
		export work="$1"
		shift
		cd "$work"
		"$@"
	) >"$top/log" 2>&1
	status=$?
}

result() { # NUMBER-AND-NAME
	case $status in
	0) echo "ok $1" ;;
	77) echo "ok $1 # SKIP $(sed -n 's/^skipped: //p' "$top/log")" ;;
	*)
		grep -q '^FAILED: ' "$top/log" || echo "FAILED: a command exits with $status" >>"$top/log"
		sed 's/^/# /' "$top/log"
		echo "not ok $1"
		failed=1
		;;
	esac
}

run_tests() { # [NAME…]
	if [ "${1-}" = --one ]; then
		set -e
		run_one "$2"
		exit
	fi
	# shellcheck disable=SC2046 # names have no blanks
	set -- $(names_of "$@")
	echo "1..$#"
	number=0 failed=0 status=0
	if has setup_all; then
		in_subshell "$shared" setup_all
		if [ $status -ne 0 ] && [ $status -ne 77 ]; then set -- "$1"; fi
	fi
	setup_status=$status
	for name; do
		number=$((number + 1)) began=$(date +%s)
		mkdir "$top/$number"
		[ $setup_status -ne 0 ] || in_subshell "$top/$number" run_one "$name"
		result "$number - $(echo "${name#test_}" | tr _ ' ')"
		took=$(($(date +%s) - began))
		[ $took -lt 2 ] || echo "# $took s"
		rm -rf "${top:?}/$number"
	done
	exit $failed
}
