#!/bin/sh
# The JSON of each command is as its schema in src/share/schema says, and the schemas are strict. tests/run
# validates what other tests print.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

# Keeps what a command prints.
print() { # FILE COMMAND…
	file=$1
	shift
	expect any epolltune "$@" --format json
	[ -s out ] || { show err && fail "$* prints nothing"; }
	mv out "json/$file"
}

test_each_schema_is_what_is_printed_and_strict() {
	in_namespace
	/usr/bin/python3 -c 'import jsonschema' 2>/dev/null || skip 'python3-jsonschema is not installed'
	mkdir json
	echo 16 >/proc/sys/net/core/somaxconn
	print report check --rate 50k --probe accept-queue,ports
	print report-captured check --sysroot "$tests/hosts/folklore" --rate 50k
	print diff diff json/report-captured json/report
	print bench bench semantics
	print diff-bench diff json/bench json/bench
	print list list
	for kind in findings counters symptoms directives myths rules guides; do
		print "list-$kind" list "$kind"
	done
	print explain explain somaxconn EMFILE accept-queue accept-queue.short TcpExt.ListenDrops LimitNOFILE lint.quotes
	echo 'nf_conntrack: table full, dropping packet' >log
	print explain-log explain --log log
	print nic list --nic
	echo 'net.core.somaxconn = "12"' >sysctl.conf
	print lint lint sysctl.conf
	echo 'net.core.somaxconn = 4096' >sysctl.conf
	print lint-tried lint --try sysctl.conf --rate 50k --probe accept-queue
	expect any epolltune watch --count 1 --format jsonl
	tail -n 1 out >json/watch
	print apply-planned apply --rate 50k --probe accept-queue --state-dir state --dry-run
	print apply apply --rate 50k --probe accept-queue --state-dir state --yes
	jq -e '.proof and .memory and .changes[0].became' json/apply >/dev/null || fail 'nothing was applied'
	print history history --state-dir state
	print rollback rollback --state-dir state
	"$tests/schemas" --mutate json
	jq -r .schema json/* | sort -u | sed 's|epolltune.||; s|/|-|; s|$|.json|' >printed
	ls "$root/src/share/schema" >schemas
	diff schemas printed || fail 'not each schema is tried'
}

test_a_document_that_breaks_its_schema_is_found() {
	/usr/bin/python3 -c 'import jsonschema' 2>/dev/null || skip 'python3-jsonschema is not installed'
	expect any epolltune check --sysroot "$tests/hosts/linux-6.18" --format json
	cp out good
	"$tests/schemas" good
	for change in 'del(.walls[3].needed)' '.summary.ok = "3"' '.walls[0].verdict = "fine"' '.more = 1' '.findings[0].name = .findings[0].id'; do
		jq "$change" good >bad
		expect 1 "$tests/schemas" bad
	done
}

run_tests "$@"
