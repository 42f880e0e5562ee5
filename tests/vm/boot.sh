# Shared by the tests of this directory; sourced. Each file is one test, whose name is its second line.
# shellcheck shell=sh
set -u
vm=$(dirname "$0")
export EPOLLTUNE_KERNEL="${EPOLLTUNE_KERNEL:-6.1}"
work=$(mktemp -d) || exit 1
trap 'finish $?' EXIT
trap 'exit 130' HUP INT TERM

# Prints the result as TAP.
finish() { # STATUS
	rm -rf "$work"
	name=$(sed -n '2s/^# //p' "$0")
	echo 1..1
	case $1 in
	0) echo "ok 1 - $name" ;;
	77) echo "ok 1 - $name # SKIP" ;;
	*) echo "not ok 1 - $name" ;;
	esac
}

# boot [option of machine]… - [ARGUMENT]… <SCRIPT: boots a machine, runs SCRIPT in it and ends it.
# Leaves its output in $work/out and $work/err and its exit status in $status. Skips the test where
# no machine is available.
boot() {
	status=0
	"$vm/machine" "$@" >"$work/out" 2>"$work/err" || status=$?
	if [ "$status" -eq 77 ]; then
		sed 's/^/# /' "$work/err"
		exit 77
	fi
}

# Whether the machine's kernel is VERSION or a later one.
since() { # VERSION
	[ "$EPOLLTUNE_KERNEL" = newest ] ||
		[ "$(printf '%s\n' "$1" "$EPOLLTUNE_KERNEL" | sort -V | head -n 1)" = "$1" ]
}

fail() {
	{ echo "FAILED: $*" && head -c 4000 "$work/out" "$work/err"; } | sed 's/^/# /'
	exit 1
}
