#!/bin/sh
# serve and load over IPv6, in a private network namespace.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

setup() { [ -e /proc/net/if_inet6 ] || skip 'this kernel has no IPv6'; }

link_local() {
	ip link add wire0 type veth peer name wire1
	ip addr add fe80::77/64 dev wire0 nodad
	ip link set wire0 up
	ip link set wire1 up
}

# Both sides count the same connections.
serve_and_load() { # ADDRESS
	mkfifo served
	epolltune serve --listen "$1" --duration 30s >served &
	server=$!
	exec 3<served
	read -r line <&3
	is 'what it says' "${line%%,*}" "listening on [$1]:7007"
	expect 0 epolltune load --mode connect --close client --from "$1" --connections 20 --duration 100ms \
		--format json "[$1]:7007"
	kill "$server"
	wait "$server"
	cat <&3 >rest
	json '.results[] | select(.metric == "rate") | .median > 0'
	lacks out 'epolltune counts'
	matches rest '^served [1-9]'
}

test_the_loopback_address_is_served_and_loaded() {
	in_namespace
	serve_and_load ::1
}

test_a_link_local_address_is_served_and_loaded_with_its_interface() {
	in_namespace
	link_local
	serve_and_load fe80::77%wire0
}

test_the_address_of_the_peer_is_not_local() {
	in_namespace
	link_local
	expect 3 epolltune load '[fe80::78%wire0]:7007'
	complained --remote
}

run_tests "$@"
