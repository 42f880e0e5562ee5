#!/bin/sh
# The formats of a report, read by programs: JUnit XML by its schema, HTML by parsers. On captured machines.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

xpath() { xmllint --xpath "$1" out; } # EXPRESSION

is_junit() {
	quiet
	xmllint --noout --schema "$tests/cli/junit.xsd" out || fail 'not JUnit'
	suite=/testsuites/testsuite
	for counts in /testsuites $suite; do
		is tests "$(xpath "string($counts/@tests)")" "$(xpath "count($suite/testcase)")"
		is failures "$(xpath "string($counts/@failures)")" "$(xpath "count($suite/testcase/failure)")"
		is errors "$(xpath "string($counts/@errors)")" "$(xpath "count($suite/testcase/error)")"
	done
	is skipped "$(xpath "string($suite/@skipped)")" "$(xpath "count($suite/testcase/skipped)")"
}

test_junit_is_as_its_schema_and_counts_its_cases() {
	needs xmllint
	for host in linux-6.18 conntrack-full folklore damaged; do
		expect any epolltune check --sysroot "$tests/hosts/$host" --rate 50k --format junit
		is_junit
		failing=$(xpath "count($suite/testcase/*[self::failure or self::error])")
		[ "$((failing > 0))" -eq "$((status > 0))" ] || fail "$failing failing with exit status $status"
	done
}

test_junit_says_why_there_is_no_figure() {
	expect 3 epolltune check --sysroot "$tests/hosts/damaged" --rate 50k --format junit
	said 'message="unknown: net.core.somaxconn could not be read; needed 5 000"'
	lacks out '"unknown: unknown' '"n/a: n/a'
}

# A page is XML too, and tidy has nothing to say of it.
is_page() { # FILE
	xmllint --noout "$1" || fail "$1: not well-formed"
	tidy -q -e "$1" 2>faults >&2 || { cat faults && fail "$1: not HTML"; }
	[ ! -s faults ] || { cat faults && fail "$1: not HTML"; }
	lacks "$1" '<script' 'http:' 'https:' 'url(' ' href=' ' src='
}

test_pages_are_html_and_need_nothing() {
	needs xmllint tidy
	for host in linux-6.18 conntrack-full folklore; do
		expect any epolltune check --sysroot "$tests/hosts/$host" --rate 50k --format html --output page
		quiet
		is_page page
		epolltune check --sysroot "$tests/hosts/$host" --rate 50k --format json >"$host" || :
		is walls "$(xmllint --xpath 'count((//table)[1]/tbody/tr)' page)" \
			"$(epolltune check --sysroot "$tests/hosts/$host" --rate 50k --format markdown | grep -c '^| `')"
	done
	expect any epolltune diff linux-6.18 conntrack-full --format html
	is_page out
	contains out '<h2>The conditions differ</h2>'
	expect any epolltune apply --from folklore --foreign --dry-run --format html --state-dir state
	quiet
	is_page out
}

test_what_a_host_says_is_no_markup() {
	needs xmllint tidy
	name=$(printf '<script>alert(1)</script>"&\001')
	epolltune check --sysroot "$tests/hosts/folklore" --format json >report || :
	jq --arg name "$name" '.host.name = $name | .findings[].title = $name | .findings[].detail = $name
		| .walls[].detail = $name' report >hostile
	for format in html markdown junit; do
		expect any epolltune diff report hostile --format $format
		! grep -q '^<script\|[^\\]<script' out || fail "$format has a script"
	done
	is_junit
	expect any epolltune apply --from hostile --foreign --dry-run --format html --state-dir state
	is_page out
	is title "$(xpath 'string(//h1)')" '<script>alert(1)</script>"&?'
}

test_a_diff_fails_in_junit_where_it_is_worse() {
	needs xmllint
	epolltune check --sysroot "$tests/hosts/linux-6.18" --format json >before || :
	jq '(.walls[] | select(.name == "accept-queue")).verdict = "short"' before >after
	expect 0 epolltune diff before before --format junit
	is_junit
	is failures "$(xpath 'string(/testsuites/@failures)')" 0
	expect 2 epolltune diff before after --format junit
	is_junit
	is failures "$(xpath 'count(//testcase[@name="accept-queue"]/failure)')" 1
	expect any epolltune diff before "$tests/hosts/folklore" --format junit
	is_junit
	for operands in '- before' 'before -'; do
		# shellcheck disable=SC2086 # words
		expect 0 epolltune diff $operands <before
	done
	expect 2 epolltune diff before after --format markdown
	matches out '^\| `accept-queue` .* \| \*\*worse\*\* \|$'
}

test_a_format_is_written_to_a_file() {
	expect any epolltune check --sysroot "$tests/hosts/linux-6.18" --format markdown --output report.md
	[ ! -s out ] || fail 'there is output'
	contains report.md '## epolltune check of ' '| Wall | Capacity | Needed | Basis | Verdict |'
}

run_tests "$@"
