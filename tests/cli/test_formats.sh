#!/bin/sh
# The formats of a report, read by programs: JUnit XML by an XML parser. On captured machines.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

xpath() { xmllint --xpath "$1" out; } # EXPRESSION

test_junit_is_xml_and_counts_its_cases() {
	needs xmllint
	for host in linux-6.18 conntrack-full folklore; do
		expect any epolltune check --sysroot "$tests/hosts/$host" --rate 50k --format junit
		quiet
		xmllint --noout out || fail 'not XML'
		suite=/testsuites/testsuite
		is tests "$(xpath "string($suite/@tests)")" "$(xpath "count($suite/testcase)")"
		is failures "$(xpath "string($suite/@failures)")" "$(xpath "count($suite/testcase/failure)")"
		is errors "$(xpath "string($suite/@errors)")" "$(xpath "count($suite/testcase/error)")"
		is skipped "$(xpath "string($suite/@skipped)")" "$(xpath "count($suite/testcase/skipped)")"
		failing=$(xpath "count($suite/testcase/*[self::failure or self::error])")
		[ "$((failing > 0))" -eq "$((status > 0))" ] || fail "$failing failing with exit status $status"
	done
}

test_a_format_is_written_to_a_file() {
	expect any epolltune check --sysroot "$tests/hosts/linux-6.18" --format markdown --output report.md
	[ ! -s out ] || fail 'there is output'
	contains report.md '## epolltune check of ' '| Wall | Capacity | Needed | Basis | Verdict |'
}

run_tests "$@"
