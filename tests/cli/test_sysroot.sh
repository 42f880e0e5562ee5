#!/bin/sh
# check reports the same about a captured machine (tests/hosts/) wherever it runs, and does not read
# this machine. `UPDATE=1 make test TESTS_ONLY=cli/test_sysroot.sh` updates the expected reports: review
# the difference before you commit it.
set -u
cd "$(dirname "$0")/.." || exit 1
program=${PROGRAM:?is set by make test}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM
failed=0

fail() {
	echo "FAILED: $*"
	failed=1
}

# Prints the exit status and the report, without time and version, and without nulls, so that a new
# field that a capture does not have is not a difference.
report() {
	status=0
	"$@" >"$work/out" 2>"$work/err" || status=$?
	jq -S --argjson status "$status" '{exit_status: $status} + del(.time, .version) |
		walk(if type == "object" then with_entries(select(.value != null)) else . end)' "$work/out" ||
		{ echo "exit status $status, no JSON:"; cat "$work/out" "$work/err"; }
}

for host in hosts/*/; do
	host=${host%/}
	report "$program" check --sysroot "$host" --format json >"$work/report"
	if [ "${UPDATE:-}" ]; then cp "$work/report" "$host.json"; fi
	diff -u "$host.json" "$work/report" || fail "$host: not the report in $host.json"
	if [ -s "$work/err" ]; then
		cat "$work/err"
		fail "$host: check wrote to standard error"
	fi
	grep -q '"isolation": "sysroot"' "$work/report" || fail "$host: not marked as a captured machine"

	# With other limits, in another directory, as another user in another namespace.
	(cd "$host" && report prlimit --nofile=64 "$program" check --sysroot . --format json) >"$work/again"
	cmp -s "$work/report" "$work/again" || fail "$host: another report with other limits"
	if unshare -Urn true 2>/dev/null; then
		report unshare -Urn "$program" check --sysroot "$host" --format json >"$work/again"
		cmp -s "$work/report" "$work/again" || fail "$host: another report in another namespace"
	fi

	status=0
	"$program" check --sysroot "$host" --color never >"$work/text" 2>&1 || status=$?
	[ "$status" -eq "$(jq .exit_status "$work/report")" ] || fail "$host: text and JSON differ in exit status: $status"
	! LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" "$work/text" || fail "$host: control characters in the text"
	for wall in $(jq -r '.walls[].name' "$work/report"); do
		grep -q "^ *$wall " "$work/text" || fail "$host: $wall is not in the text"
	done

	"$program" list knobs --sysroot "$host" >"$work/list" 2>"$work/err" || fail "$host: list knobs: $(cat "$work/err")"
	grep -q net.core.somaxconn "$work/list" || fail "$host: list knobs without somaxconn"
	"$program" explain net.core.somaxconn --sysroot "$host" >"$work/explain" 2>"$work/err" ||
		fail "$host: explain: $(cat "$work/err")"
done

# The values come from the capture.
for host in linux-6.18 debian-12-6.1; do
	"$program" list knobs --sysroot hosts/$host >"$work/list"
	for knob in fs.nr_open fs.epoll.max_user_watches net.ipv4.tcp_max_tw_buckets; do
		value=$(cat "hosts/$host/proc/sys/$(echo $knob | tr . /)")
		grep -F $knob "$work/list" | grep -qw "$value" || fail "$host: list knobs: $knob is not $value"
	done
done

# A damaged capture gets no verdict for walls that the target needs, and exit status 3.
[ "$(jq .exit_status hosts/damaged.json)" -eq 3 ] || fail 'damaged: the exit status is not 3'
[ "$(jq '[.walls[] | select((.verdict | IN("unknown", "n/a") | not) and .needed != null)] | length' hosts/damaged.json)" -eq 0 ] ||
	fail 'damaged: a verdict out of garbage'

# check reads only the capture: no /proc, no /sys, no netlink, no namespace. (Sanitizers read
# /proc/self/maps and similar files.)
if strace -o /dev/null true 2>/dev/null; then
	for host in hosts/*/; do
		ASAN_OPTIONS=detect_leaks=0 strace -f -qq -e trace=%file,socket,unshare,setns -o "$work/trace" \
			"$program" check --sysroot "$host" --format json >"$work/out" 2>&1
		[ -s "$work/trace" ] || fail "$host: strace saw nothing"
		sed '/"\/proc\/self\/\(maps\|exe\|environ\|cmdline\)"/d' "$work/trace" |
			grep -E '"/(proc|sys)/|AF_NETLINK|unshare\(|setns\(' && fail "$host: this machine was read"
	done
else
	echo 'no strace: opened files are not checked'
fi

# Invalid roots are refused.
: >"$work/file"
mkdir "$work/empty"
for root in "$work/nowhere" "$work/file" "$work/empty" ''; do
	"$program" check --sysroot "$root" >"$work/out" 2>"$work/err"
	[ $? -eq 3 ] || fail "--sysroot '$root' was not refused"
	[ "$(wc -l <"$work/err")" -eq 1 ] || fail "--sysroot '$root': not one line: $(cat "$work/err")"
done
exit $failed
