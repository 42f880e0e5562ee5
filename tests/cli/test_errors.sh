#!/bin/sh
# The command line: errors name the argument, and lost output is an error.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

wrong() { # ERROR ARGUMENTS…
	error=$1
	shift
	expect 3 epolltune "$@"
	refused "$error"
}

test_errors_name_the_argument() {
	expect 3 epolltune
	[ ! -s out ]
	contains err 'usage: epolltune COMMAND'
	wrong 'unknown command "verison"; did you mean version?' verison
	wrong 'unknown command "xyzzy"; see epolltune --help' xyzzy
	wrong 'unknown command ""' ''
	wrong 'unknown option "--frobnicate"' --frobnicate
	wrong 'version: unknown option "--hlep"; did you mean --help?' version --hlep
	wrong 'version: unknown option "-x"' version -x
	wrong 'version: unexpected argument "more"' version more
	wrong 'version: unexpected argument "more"' version -- more
	wrong 'expected one shell: bash, zsh or fish' completion
	wrong 'expected one shell: bash, zsh or fish' completion csh
	wrong 'unknown command "xyzzy"' help xyzzy
}

# An option without effect is no assurance.
test_an_option_that_nothing_uses_is_refused() {
	wrong 'check: --requests needs --protocol' check --run true --port 8080 --requests 50
	for command in 'check --quick' 'apply --dry-run'; do
		# shellcheck disable=SC2086 # words
		wrong '--datagram needs --datagrams' $command --datagram 300
	done
	wrong '--foreign needs --from' apply --dry-run --foreign
	for format in json sarif; do
		wrong "lint: --fix prints a diff; it takes no --format $format" lint --fix --format $format /dev/null
	done
}

# Before anything is measured.
test_a_file_that_cannot_be_written_is_named() {
	for option in 'check --output' 'check --since' 'bench --output' 'bench --svg' 'capture --output' 'watch --record' 'watch --replay'; do
		# shellcheck disable=SC2086 # words
		wrong "${option#* } needs FILE: it is empty" $option ''
		wrong "${option#* } needs FILE: it is empty" "${option% *}" "${option#* }="
	done
	for command in check 'bench control' 'load 127.0.0.1:9'; do
		# shellcheck disable=SC2086 # words
		wrong 'nosuch/file: cannot create a file in its directory: No such file' $command --output nosuch/file
	done
	wrong 'nosuch/file: cannot create a file in its directory: No such file' bench control --svg nosuch/file
}

# Of a pipe that no process reads.
test_a_signal_ends_the_wait_for_a_reader() {
	mkfifo pipe
	status=0
	timeout -k 20 4 epolltune check --sysroot "$tests/hosts/folklore" --output pipe || status=$?
	is 'the status, 137 if it had to be killed' $status 124
	status=0
	timeout -k 20 4 epolltune watch --count 1 --interval 100ms --format prometheus --output pipe 2>err || status=$?
	is 'the status' $status 3
	matches err '^epolltune: pipe: cannot open for writing: no process reads it$'
}

test_the_version_is_printed() {
	version=$(make -s -C "$root" version)
	expect 0 epolltune --version
	is 'what it prints' "$(head -n 1 out)" "epolltune $version"
	quiet
	expect 0 epolltune -h
	said 'Usage: epolltune COMMAND'
	quiet
}

test_versions_name_the_libraries() {
	expect 0 epolltune version
	said 'epolltune ' 'libnl ' 'jansson ' 'libsmartcols ' 'Linux '
	lacks out '?'
}

test_lost_output_is_an_error() {
	for line in 'version >/dev/full' '--help >/dev/full' 'completion zsh >/dev/full' 'version >&-'; do
		expect 3 sh -c "epolltune $line"
		complained 'standard output'
		matches err '^epolltune: '
	done
}

# The reader exits before the program writes.
test_a_closed_pipe_is_an_error() {
	expect any sh -c '{ (trap "" PIPE; while printf x; do sleep 0.02; done) 2>/dev/null
		epolltune version; echo $? >&2; } | :'
	contains err 'Broken pipe
3'
}

test_closed_streams_that_are_not_needed_do_no_harm() {
	expect 0 sh -c 'epolltune version <&- 2>&-'
	said 'epolltune '
}

run_tests "$@"
