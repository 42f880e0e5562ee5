#!/bin/sh
# src/share/cron/check-since, as cron runs it: from another directory, with few variables.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

setup() {
	sed "s|/usr/bin/epolltune|$PROGRAM|" "$root/src/share/cron/check-since" >check-since
	chmod +x check-since
}

since() { # STATUS [OPTION…]
	want=$1
	shift
	expect "$want" env -i PATH=/usr/bin:/bin REPORT="$work/kept/last.json" ASAN_OPTIONS="${ASAN_OPTIONS-}" \
		sh -c 'cd / && exec "$0" "$@"' "$work/check-since" "$@"
}

test_a_check_is_compared_with_the_one_before() {
	needs jq
	in_root_namespace
	since 0 --rate 1k --probe counters,accept-queue
	matches out '^Ready for this target, by the settings'
	cp kept/last.json first.json
	since 0 --rate 1k --probe counters,accept-queue
	is 'comparisons' "$(jq .host.since.time kept/last.json)" "$(jq .host.time first.json)"
	since 2 --rate 50k --probe counters,accept-queue
	matches out '^Not ready: 1 wall is short: accept-queue'
	cp kept/last.json short.json
	# Without a verdict the report before stays.
	since 3 --rate 50k --probe nosuch
	cmp short.json kept/last.json
	is 'what is left' "$(ls kept)" last.json
	# One of another host is replaced, and that is said once.
	jq '.host.name = "before" | .host.boot = "another"' first.json >kept/last.json
	since 3 --rate 1k --probe counters,accept-queue
	contains err 'is of another host' 'last.json was refused, and is replaced'
	since 0 --rate 1k --probe counters,accept-queue
}

# Each set of options has a report of its own.
test_reports_have_names() {
	needs jq
	in_root_namespace
	sed -i "s|/var/lib/epolltune|$work/var|" check-since
	expect 0 ./check-since --rate 1k --probe counters,accept-queue
	expect 0 ./check-since --rate 2k --probe counters,accept-queue
	is 'reports' "$(ls var)" 'last__rate_1k___probe_counters_accept_queue.json
last__rate_2k___probe_counters_accept_queue.json'
	REPORT=mine.json expect 0 ./check-since --rate 1k --probe counters,accept-queue
	[ -f mine.json ] || fail 'no mine.json'
}

test_what_is_missing_is_named() {
	mkdir bin
	for tool in mkdir rm; do ln -s "$(command -v $tool)" bin/; done
	expect 3 env -i PATH="$work/bin" "$(command -v sh)" ./check-since
	contains err 'check-since: jq is missing: install it'
	needs jq
	: >kept
	since 3
	contains err "check-since: $work/kept is not writable"
}

# One line each, with a user and the path of the script.
test_the_manual_has_lines_for_cron() {
	for page in README.md man/epolltune-check.1 man/epolltune-runbook.7 src/share/cron/check-since; do
		grep -qE '^(#?[[:blank:]]+)?[*]/[0-9]+ [*] [*] [*] [*] root /usr/(local/)?share/epolltune/cron/check-since( |$)' \
			"$root/$page" || fail "$page has no line for cron"
	done
}

run_tests "$@"
