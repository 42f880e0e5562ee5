# A check in namespaces of its own, which may run under strace; sourced after lib.sh.
# shellcheck shell=sh disable=SC2034 # used by the tests
may_unshare -Urnm || all_skip 'user namespaces are refused'
# Those of --run check nothing without it.
probes=$("$PROGRAM" list probes --format json | jq -r '.probes[].name | select(IN("application", "manners", "throughput") | not)')
wrap=
export wrap
# LeakSanitizer does not work in a traced process.
strace='strace -qq -E ASAN_OPTIONS=detect_leaks=0'
needs_strace() { strace -o /dev/null true 2>/dev/null || skip 'no strace (ptrace) here'; }

# Runs a shell text in namespaces of its own, whose settings are the kernel's defaults.
inside() { unshare -Urnm sh -c 'ip link set lo up; ulimit -Sn "$(ulimit -Hn)"; '"$1"; } # COMMAND

# A report as JSON in ./out, and its exit status in $status.
check() { # PLANT OPTIONS
	expect any inside "$1 \$wrap epolltune check --format json $2"
	quiet
}

answers() { is 'the answer' "$(jq -r .summary.answer out)" "$1"; } # TEXT
