# Shared by the tests of this directory; sourced.
# shellcheck shell=sh
set -u
vm=$(dirname "$0")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM

# boot [option of machine]… - [ARGUMENT]… <SCRIPT: boots a machine, runs SCRIPT in it and ends it.
# Leaves its output in $work/out and $work/err and its exit status in $status. Skips the test where
# no machine is available.
boot() {
	status=0
	"$vm/machine" "$@" >"$work/out" 2>"$work/err" || status=$?
	if [ "$status" -eq 77 ]; then
		cat "$work/err"
		exit 77
	fi
}

fail() {
	echo "FAILED: $*"
	head -c 4000 "$work/out"
	head -c 4000 "$work/err"
	exit 1
}
