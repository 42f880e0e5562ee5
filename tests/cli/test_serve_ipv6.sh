#!/bin/sh
# serve and load over IPv6 in a private network namespace: loopback, and a link-local address with its
# interface.
set -eu
if [ "${1-}" != inside ]; then
	# Skip on a kernel without IPv6.
	[ -e /proc/net/if_inet6 ] || exit 0
	exec unshare -rn "$0" inside
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

ip link set lo up
ip link add wire0 type veth peer name wire1
ip addr add fe80::77/64 dev wire0 nodad
ip link set wire0 up
ip link set wire1 up

# serve_and_load ADDRESS: load a server; both sides count the same connections.
serve_and_load() {
	mkfifo "$work/said"
	"$PROGRAM" serve --listen "$1" --duration 30s >"$work/said" &
	server=$!
	exec 3<"$work/said"
	read -r line <&3
	[ "${line%%,*}" = "listening on [$1]:7007" ]
	"$PROGRAM" load --mode connect --close client --from "$1" --connections 20 --duration 100ms \
		--format json "[$1]:7007" >"$work/load"
	kill "$server"
	wait "$server"
	cat <&3 >"$work/rest"
	exec 3<&-
	rm "$work/said"
	jq -e '.results[] | select(.metric == "rate") | .median > 0' "$work/load"
	if grep "epolltune counts" "$work/load"; then exit 1; fi
	grep -q '^served [1-9]' "$work/rest"
}
serve_and_load ::1
serve_and_load fe80::77%wire0

# The address of the peer is not local.
if "$PROGRAM" load '[fe80::78%wire0]:7007' 2>"$work/error"; then exit 1; fi
grep -q -e --remote "$work/error"
