# boot: what the tests of this directory share. Sourced.
# shellcheck shell=sh
set -u
vm=$(dirname "$0")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM

# boot [option of machine]… - [ARGUMENT]… <SCRIPT: one life of a machine. What it wrote is in
# $work/out and $work/err, its exit status in $status. Where no machine can be had, the test is
# skipped.
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
