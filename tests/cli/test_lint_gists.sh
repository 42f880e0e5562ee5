#!/bin/sh
# What lint --try says of gists is what check says in a namespace that has the line. `make test-gists`.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

# The walls that the lines of a namespace concern.
probes=accept-queue,syn-queue,ports,buffers

# A namespace of a machine before Linux 5.4, with a line or without: what check says of its walls.
checked() { # [NAME VALUE]
	unshare -n sh -c 'ip link set lo up && echo 128 >/proc/sys/net/core/somaxconn || exit 1
		[ -z "$1" ] || echo "$2" >"/proc/sys/$(echo "$1" | tr . /)" || exit 1
		epolltune check --format json --no-proof --probe "$3" $4 >walls; [ $? -le 3 ]' \
		sh "${1-}" "${2-}" "$probes" "$target" || fail "the namespace takes no $1 = $2"
}

# Repeats what a busy machine may make inconclusive.
agrees() { # WALL VERDICT [NAME VALUE]
	wall=$1 verdict=$2 tries=4
	shift 2
	until [ "$(jq -r --arg wall "$wall" '.walls[] | select(.name == $wall).verdict' walls)" = "$verdict" ]; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || { jq -c '.walls[] | {name, measured, limit, verdict, method, reason}' walls && fail "$wall is not $verdict: $*"; }
		checked "$@"
	done
}

confirms() { # GIST OPTION…
	in_root_namespace
	[ -e /proc/sys/net/core/somaxconn ] || skip 'no net.core in a network namespace'
	needs_tun
	gist=$1 lines=0
	shift
	target=$*
	echo 128 >/proc/sys/net/core/somaxconn
	expect any epolltune lint --try "$tests/cli/lint/gists/$gist.conf" --format json "$@"
	[ "$status" -lt 3 ] || { show err && fail 'lint fails'; }
	jq -r '.tried.lines[] | "\(.line) \(.effect): \(.name) = \(.value): \(.why // (.walls | map("\(.name) \(.before.value) -> \(.after.value) \(.after.verdict)") | join(", ")))"' out
	# A line of the lab, each of its walls, and the verdicts without and with it.
	jq -r '.tried | (.walls | map({(.name): .now.verdict}) | add) as $now | .lines[] |
		select(.name | test("^net[.](core|ipv4|ipv6|unix)[.][a-z0-9_]+$")) |
		select(.effect == "gains" or .effect == "harms" or (.why | test(" stays "))) |
		"\(.name)\t\(.value)\t" + ([(.walls[] | "\(.name) \(.before.verdict) \(.after.verdict)"),
			((.why // "") | scan("([a-z.-]+) (?:[^,]* )?stays ([a-z]+)") | "\(.[0]) \(.[1]) \(.[1])")] | join("\t"))' out >lines
	checked
	cp walls before
	while IFS='	' read -r name value rest; do
		# Those of the whole machine are read-only here.
		unshare -n sh -c 'echo "$2" >"/proc/sys/$(echo "$1" | tr . /)"' sh "$name" "$value" 2>/dev/null || continue
		checked "$name" "$value"
		lines=$((lines + 1))
		echo "$rest" | tr '\t' '\n' >of
		while read -r wall before after; do
			if ! jq -e --arg wall "$wall" 'any(.walls[]; .name == $wall)' walls >/dev/null; then continue; fi
			agrees "$wall" "$after" "$name" "$value"
			cp walls with
			cp before walls
			agrees "$wall" "$before"
			cp walls before
			cp with walls
		done <of
	done <lines
	[ $lines -ge 3 ] || fail "only $lines lines were tried"
}

test_a_web_server_for_c10k() { confirms web-server; }
test_a_web_server_for_c100k() { confirms web-server --target c100k; }
test_a_long_fat_network_for_c10k() { confirms long-fat-network; }
test_a_long_fat_network_for_c100k() { confirms long-fat-network --target c100k; }
test_hardening_for_c10k() { confirms hardening; }
test_hardening_for_c100k() { confirms hardening --target c100k; }
test_a_million_connections_for_c10k() { confirms million-connections; }
test_a_million_connections_for_c100k() { confirms million-connections --target c100k; }
test_a_proxy_for_c10k() { confirms proxy-node --role proxy; }
test_a_proxy_for_c100k() { confirms proxy-node --role proxy --target c100k; }

run_tests "$@"
