#!/bin/sh
# The server, in each way of sharing, with some load and a clean end, under valgrind: its processes
# make no error and lose no memory. In a network namespace of its own.
set -eu
if [ "${1-}" != inside ]; then
	command -v valgrind >/dev/null || { echo 'skipped: no valgrind here'; exit 77; }
	case ${BUILD-} in
	*san) echo 'skipped: valgrind runs no sanitized program' && exit 77 ;;
	esac
	exec unshare -rn "$0" inside
fi

tests=$(dirname "$0")/..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ip link set lo up

for share in reuseport exclusive leader-follower; do
	rm -f "$work/said"
	mkfifo "$work/said"
	# A worker in which valgrind finds an error exits with 99, and serve then exits with 3.
	valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect,possible \
		--suppressions="$tests/valgrind.supp" \
		"$PROGRAM" serve --workers 2 --share $share --duration 60s >"$work/said" 2>"$work/error" &
	server=$!
	exec 3<"$work/said"
	read -r line <&3 || true
	status=0
	"$PROGRAM" load --mode connect --connections 20 --duration 300ms 127.0.0.1:7007 >"$work/load" ||
		status=$?
	kill "$server"
	wait "$server" || status=$?
	grep '^served [1-9]' <&3 >/dev/null || status=$?
	exec 3<&-
	if [ $status -ne 0 ] || [ -s "$work/error" ]; then
		echo "$share: status $status; $line"
		cat "$work/error" "$work/load"
		exit 1
	fi
done
