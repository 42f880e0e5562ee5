#!/bin/sh
# check --server: the process of the same network namespace that most of its clients are connections of.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=SCRIPTDIR/../guests.sh
. "$(dirname "$0")/../guests.sh"
# shellcheck source=SCRIPTDIR/../limits.sh
. "$(dirname "$0")/../limits.sh"

setup() { limits_begin; }

FRONT='finding("listeners.front")'
NONE='has_finding("listeners.front") | not'

# At port 9001 of all addresses and at a path; it accepts what comes.
backend() {
	ip link set lo up
	python3 - "$work/app.sock" >backend.out <<-EOF &
		import select, socket, sys
		tcp, local = socket.create_server(("", 9001), backlog=4096), socket.socket(socket.AF_UNIX)
		local.bind(sys.argv[1])
		local.listen(4096)
		print("listens", flush=True)
		held = []
		while True:
		    held += [s.accept() for s in select.select([tcp, local], [], [])[0]]
	EOF
	backend=$!
	wait_for grep -q listens backend.out
}

# A process of that name with so many connections to the server; it listens where asked for.
before() { # NAME LISTEN CONNECTIONS [TO [FROM]]
	: >before.out # of the one before
	python3 - "$@" >>before.out <<-EOF &
		import socket, sys, time
		name, listen, count, to, source = (sys.argv[1:] + ["127.0.0.1", "127.0.0.1"][len(sys.argv) - 4:])[:5]
		open("/proc/self/comm", "w").write(name)
		own = socket.create_server(tuple([listen, 8080]), backlog=4096) if listen != "none" else None
		held = []
		for _ in range(int(count)):
		    if to.startswith("/"):
		        s = socket.socket(socket.AF_UNIX)
		        s.connect(to)
		    else:
		        s = socket.create_connection((to, 9001), source_address=(source, 0))
		    held.append(s)
		print("open", flush=True)
		time.sleep(60)
	EOF
	before=$!
	wait_for grep -q open before.out
}

asked() { # STATUS [SERVER]
	expect "$1" epolltune check --quick --probe listeners --server "${2:-$backend}" --connections 100 --rate 1000 \
		--stall 100ms --format json
}

test_a_proxy_before_the_server_is_a_note() {
	needs python3
	backend
	before envoy 0.0.0.0 8
	asked 0
	json "$FRONT"' | .level == "note" and
		(.title | startswith("8 of 8 connections to ") and contains("come from envoy (pid '"$before"'), which this check does not judge")) and
		(.detail | startswith("The limits of envoy, which listens on 0.0.0.0:8080, apply to these clients")) and
		(.advice | contains("epolltune check --server '"$before"' ") and contains("--role proxy"))'
	end_jobs
}

# As Envoy of Istio does: from an address of loopback to that of the pod.
test_its_connections_may_be_to_any_address_of_the_machine() {
	needs python3
	ip address add 192.0.2.10/32 dev lo
	backend
	before envoy 0.0.0.0 8 192.0.2.10 127.0.0.6
	asked 0 :9001
	json "$FRONT"'.level == "note"'
	end_jobs
}

# The kernel connects to a second address of a subnet from the first one.
test_its_connections_may_be_to_a_second_address_of_a_subnet() {
	needs python3
	ip address add 10.9.0.1/24 dev lo
	ip address add 10.9.0.2/24 dev lo
	backend
	before envoy 0.0.0.0 8 10.9.0.2 10.9.0.1
	asked 0 10.9.0.2:9001
	json "$FRONT"'.level == "note"'
	end_jobs
}

# That of a standby: bind() allows it, the kernel does not deliver it here.
test_an_address_of_another_host_is_no_server_here() {
	needs python3
	backend
	echo 1 >/proc/sys/net/ipv4/ip_nonlocal_bind
	asked 3 192.0.2.7:9001
	complained '--server 192.0.2.7:9001: nothing listens there'
	asked 0 127.0.0.9:9001
	end_jobs
}

test_a_proxy_with_few_descriptors_is_not_ready() {
	needs python3
	backend
	before hitch 0.0.0.0 8
	prlimit --pid "$before" --nofile=64:64
	asked 1
	json "$FRONT"' | .level == "warning" and .remedy == "process" and
		(.detail | contains("RLIMIT_NOFILE of hitch is 64; with two descriptors for each of its clients its part of this load needs 200"))' \
		'.summary.answer | contains("hitch limits the clients of")'
	end_jobs
}

# An application with a pool of connections, as to Redis: how many it opens is its own affair.
test_an_application_with_a_pool_is_a_note() {
	needs python3
	backend
	before shop 0.0.0.0 8
	prlimit --pid "$before" --nofile=64:64
	asked 0
	json "$FRONT"' | .level == "note" and (.advice | contains("--role") | not)'
	end_jobs
}

test_a_client_that_does_not_listen_is_no_front() {
	needs python3
	backend
	before worker none 8
	asked 0
	json "$NONE"
	end_jobs
}

test_a_client_that_listens_on_loopback_is_no_front() {
	needs python3
	backend
	before worker 127.0.0.1 8
	asked 0
	json "$NONE"
	end_jobs
}

test_a_monitor_is_no_front() {
	needs python3
	backend
	before exporter 0.0.0.0 3
	asked 0
	json "$NONE"
	end_jobs
}

test_one_of_several_clients_is_no_front() {
	needs python3
	backend
	before shop 0.0.0.0 8
	before worker none 9
	asked 0
	json "$NONE"
	end_jobs
}

test_a_proxy_at_a_unix_socket_is_found() {
	needs python3
	backend
	before nginx 0.0.0.0 8 "$work/app.sock"
	asked 0
	json "$FRONT"' | .level == "note" and (.title | contains("come from nginx (pid '"$before"')"))'
	end_jobs
}

test_a_real_proxy_is_found() {
	needs haproxy python3
	backend
	cat >haproxy.cfg <<-EOF
		defaults
		  mode tcp
		  timeout connect 5s
		  timeout client 60s
		  timeout server 60s
		listen app
		  bind :8080
		  server s1 127.0.0.1:9001
	EOF
	haproxy -db -f haproxy.cfg >server.out 2>&1 &
	haproxy=$!
	wait_for serves 8080
	clients 8080 6
	wait_for eval '[ "$(ss -Htn state established dport = :9001 | wc -l)" -eq 6 ]'
	asked 0
	json "$FRONT"' | .level == "note" and (.title | startswith("6 of 6 connections to ") and contains("haproxy (pid '"$haproxy"')"))'
	end_jobs
}

run_tests "$@"
