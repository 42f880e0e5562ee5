#!/bin/sh
# What tracking costs a new connection and a request, and what clients see at a full table.
# Not a test: BUILD=build PROGRAM=build/epolltune sh tests/vm/bench_conntrack.sh [ROUNDS] prints the medians.
# The machine's clock counts instructions, those of both ends of the connection: a nanosecond is one. One process
# loads the server over loopback, where both ends track the connection in the same namespace.
# shellcheck source=SCRIPTDIR/boot.sh
. "$(dirname "$0")/boot.sh"
rounds=${1:-3}

boot --icount --get "/tmp/figures:$work/figures" --time 900 - "$rounds" <<'END'
#!/bin/sh
mkdir /tmp/figures
epolltune serve --port 8090 --workers 1 --quiet &
load() { # NAME OPTION…
	name=$1
	shift
	epolltune load 127.0.0.1:8090 --workers 1 --duration 1s --format json "$@" >/tmp/figures/"$name"
}
until grep -qi ':1F9A 00000000:0000 0A' /proc/net/tcp; do sleep 0.1; done
load warm --mode connect --close server
both() { # NAME
	load connect-"$1" --mode connect --close reset
	load request-"$1" --mode request --connections 8
}
round=0
while [ $round -lt "$1" ]; do
	round=$((round + 1))
	rmmod nf_conntrack 2>/dev/null
	both plain-$round
	modprobe nf_conntrack enable_hooks=1 || exit 1
	both tracked-$round
done
echo 1 >/proc/sys/net/netfilter/nf_conntrack_max
cat /proc/sys/net/netfilter/nf_conntrack_count >/tmp/figures/count
ping -c 1 -W 1 127.0.0.1 >/tmp/figures/ping 2>&1
timeout 20 epolltune load 127.0.0.1:8090 --mode connect --connections 1 --duration 3s >/tmp/figures/client 2>&1
dmesg | grep nf_conntrack >/tmp/figures/log
END
[ "$status" -eq 0 ] || fail "exit status $status"
median() { jq -s 'map(.results[] | select(.metric == "rate").median) | sort | .[length / 2 | floor]' "$work"/figures/"$1"-*; }
for kind in connect request; do
	plain=$(median $kind-plain)
	tracked=$(median $kind-tracked)
	echo "# $kind: $(jq -n "[1e9 / $plain, 1e9 / $tracked | round | tostring] | join(\" instructions untracked, \")" -r) tracked:" \
		"$(jq -n "($plain / $tracked - 1) * 100 | round") % more"
done
sed 's/^/# /' "$work"/figures/count "$work"/figures/ping "$work"/figures/client "$work"/figures/log
