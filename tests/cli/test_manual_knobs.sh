#!/bin/sh
# epolltune-knobs(7) is made from the catalogue.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

test_the_page_is_the_output_of_make_man() {
	"$BUILD/man/knobs" | diff - "$root/man/epolltune-knobs.7" || fail 'run make man'
}

run_tests "$@"
