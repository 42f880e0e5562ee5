#!/bin/sh
# check --server: servers behind the one that is checked, at UNIX sockets and TCP ports.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=SCRIPTDIR/../guests.sh
. "$(dirname "$0")/../guests.sh"
# shellcheck source=SCRIPTDIR/../limits.sh
. "$(dirname "$0")/../limits.sh"

setup() { limits_begin; }

SHORT='finding("accept-queue.unix.upstream")'

backend() { # BACKLOG
	python3 - "$work/app.sock" "$1" >backend.out <<-EOF &
		import socket, sys, time
		s = socket.socket(socket.AF_UNIX)
		s.bind(sys.argv[1])
		s.listen(int(sys.argv[2]))
		print("listens", flush=True)
		time.sleep(60)
	EOF
	wait_for grep -q listens backend.out
}

nginx_behind() { # DIRECTIVE [UPSTREAM]
	nginx_conf "worker_connections 4096;"
	sed -i "s|return 200 ok;|$1;|; s|access_log off;|&${2:-}|" etc/nginx.conf
	nginx -e stderr -c "$work/etc/nginx.conf" >server.out 2>&1 &
	wait_for serves 8080
}

asked() { # STATUS ROLE
	expect "$1" epolltune check --quick --probe listeners --server :8080 --connections 100 --rate 1000 --stall 100ms \
		--role "$2" --format json
}

# Nothing is connected to it: its configuration names it.
test_unix_upstream_that_is_short_is_named() {
	needs nginx python3
	backend 16
	nginx_behind "proxy_pass http://unix:$work/app.sock:/"
	asked 2 proxy
	json "$SHORT"' | .level == "critical" and .remedy == "application" and
		(.title | contains("app.sock, to which nginx (pid ")) and
		(.title | contains("has backlog 16; this load needs 100")) and
		(.advice | contains("epolltune check --server unix:"))'
	asked 1 server
	json "$SHORT"'.level == "warning"'
	end_jobs
}

test_unix_server_of_an_upstream_group_counts() {
	needs nginx python3
	backend 16
	nginx_behind "fastcgi_pass app" "upstream app { server unix:$work/app.sock; }"
	asked 2 proxy
	json "$SHORT"'.level == "critical"'
	end_jobs
}

test_unix_upstream_that_suffices_is_well() {
	needs nginx python3
	backend 1024
	nginx_behind "proxy_pass http://unix:$work/app.sock"
	asked 0 proxy
	end_jobs
}

# As of a container that shares the directory of its socket.
test_unix_upstream_of_another_network_namespace_is_not_ready() {
	needs nginx python3
	unshare -n python3 - "$work/app.sock" >backend.out <<-EOF &
		import socket, sys, time
		s = socket.socket(socket.AF_UNIX)
		s.bind(sys.argv[1])
		s.listen(16)
		print("listens", flush=True)
		time.sleep(60)
	EOF
	wait_for grep -q listens backend.out
	nginx_behind "proxy_pass http://unix:$work/app.sock"
	asked 1 proxy
	json 'finding("listeners.upstream") | .level == "warning" and (.title | contains("/app.sock, which this check does not judge"))'
	end_jobs
}

# That of another service of the machine.
test_tcp_upstream_asks_no_unix_socket() {
	needs nginx python3
	backend 16
	nginx_behind "proxy_pass http://127.0.0.1:9"
	asked 0 proxy
	end_jobs
}

tcp_backends() { # BACKLOG [ADDRESS]
	ip link set lo up
	ip address add 10.9.0.1/24 dev lo
	ip address add 10.9.0.2/24 dev lo
	python3 - "$1" "${2:-127.0.0.1}" >backend.out <<-EOF &
		import socket, sys, time
		held = [socket.create_server((sys.argv[2], port), backlog=int(sys.argv[1])) for port in range(9001, 9005)]
		print("listens", flush=True)
		time.sleep(60)
	EOF
	wait_for grep -q listens backend.out
}

haproxy_before() {
	haproxy_conf haproxy.cfg 9000
	sed -i "/http-request/d; s/bind :8080/& backlog 4096/" haproxy.cfg
	printf '  server s1 localhost:9001\n  server s2 ipv4@127.0.0.1:9002\n  server s3 127.0.0.1:9003\n  server s4 127.0.0.1:9004\n' >>haproxy.cfg
	haproxy -db -f "$work/haproxy.cfg" >server.out 2>&1 &
	wait_for serves 8080
}

of_two() { # STATUS ANOTHER [ADDRESS]
	haproxy_conf haproxy.cfg 9000
	sed -i "/http-request/d; s/bind :8080/& backlog 4096/" haproxy.cfg
	printf '  server a %s:9001\n%s\n' "${3:-127.0.0.1}" "$2" >>haproxy.cfg
	haproxy -db -f "$work/haproxy.cfg" >server.out 2>&1 &
	haproxy=$!
	wait_for listens 8080
	asked "$1" proxy
	kill "$haproxy"
	wait "$haproxy" || true
}

TCP_SHORT='[.findings[] | select(.id == "accept-queue.upstream")]'

test_tcp_upstreams_that_are_short_are_named() {
	needs haproxy python3
	tcp_backends 5
	haproxy_before
	asked 2 proxy
	json "$TCP_SHORT"' | length == 4 and all(.level == "critical" and .remedy == "application") and
		(.[0].title | contains("127.0.0.1:9001, to which haproxy (pid ") and contains("has backlog 5; this load needs 100")) and
		(.[0].detail | contains("retransmits it after 1 s"))'
	end_jobs
}

test_tcp_upstreams_that_suffice_are_well() {
	needs haproxy python3
	tcp_backends 4096
	haproxy_before
	asked 0 proxy
	json "$TCP_SHORT == []"
	end_jobs
}

# 60 of the 100 connections of a stall: one of two servers gets a half.
test_tcp_upstreams_share_the_load_of_their_section() {
	needs haproxy python3
	tcp_backends 60
	of_two 0 "  server b 10.0.0.2:9001"
	json "$TCP_SHORT"' | length == 1 and .[0].level == "note" and (.[0].detail | contains("50 if it is spread evenly over 2"))'
	of_two 2 ""
	json "$TCP_SHORT"'[0].level == "critical"'
	# How much comes to this one is not known.
	for other in "  server b 10.0.0.2:9001 backup" "  server b 10.0.0.2:9001 weight 9" "  server b 10.0.0.2:9001 disabled" \
		"backend health
		server b 127.0.0.1:9002"; do
		of_two 1 "$other"
		json "$TCP_SHORT"' | length > 0 and all(.level == "warning")'
	done
	end_jobs
}

# The kernel connects to a second address of a subnet from the first one.
test_tcp_upstream_at_a_second_address_is_named() {
	needs haproxy python3
	tcp_backends 5 10.9.0.2
	of_two 2 "" 10.9.0.2
	json "$TCP_SHORT"' | length == 1 and .[0].level == "critical" and (.[0].title | contains("10.9.0.2:9001"))'
	expect 3 epolltune load --from 10.9.0.1,10.9.0.2,10.9.0.2 10.9.0.2:9001
	complained '--from: 10.9.0.2 given twice'
	expect 3 epolltune load 10.8.0.2:9001
	complained '10.8.0.2:9001 is not a local address'
	end_jobs
}

# Of a server whose configuration is not read, its connections.
connections_show() { # ADDRESS
	tcp_backends 16 "$1"
	python3 - "$1" >server.out <<-EOF &
		import socket, sys, time
		s = socket.create_server(("127.0.0.1", 8080), backlog=1024)
		held = [socket.create_connection((sys.argv[1], 9001)) for _ in range(8)]
		print("open", flush=True)
		time.sleep(60)
	EOF
	wait_for grep -q open server.out
	asked 1 proxy
	json "$TCP_SHORT"' | length == 1 and .[0].level == "warning" and (.[0].detail | contains("those of a pool"))'
	end_jobs
}

test_connections_to_a_tcp_upstream_show_it() {
	needs python3
	connections_show 127.0.0.1
}

test_connections_to_a_second_address_show_it() {
	needs python3
	connections_show 10.9.0.2
}

ports() { # STATUS
	expect "$1" epolltune check --quick --probe ports --server :8080 --connections 60000 --rate 10 --role proxy --format json
}

test_unix_upstreams_take_no_port() {
	needs nginx python3
	backend 16
	nginx_behind "fastcgi_pass app" "upstream app { server unix:$work/app.sock; }"
	ports 0
	json 'wall("ports.ephemeral") | .verdict == "n/a" and (.detail | contains("takes no port"))' \
		'wall("ports.rate").verdict == "n/a"'
	end_jobs
}

# Their ports rest for 1 s, and those to another host for 60 s.
test_tcp_upstreams_of_this_machine_are_over_loopback() {
	needs haproxy nginx
	ip link set lo up
	echo 2 >/proc/sys/net/ipv4/tcp_tw_reuse
	echo 32768 60999 >/proc/sys/net/ipv4/ip_local_port_range
	haproxy_before
	expect 0 epolltune check --quick --probe ports --server :8080 --format json
	json '.target.role == "proxy"' 'wall("ports.rate").limit == 18232'
	end_jobs
	nginx_behind "proxy_pass http://127.0.0.1:9001"
	expect 0 epolltune check --quick --probe ports --server :8080 --format json
	json '.target.role == "server"'
	end_jobs
}

# By an address of this machine that is not one of loopback.
test_a_listener_of_its_own_is_found_by_any_address() {
	needs nginx
	ip link set lo up
	ip address add 192.0.2.10/32 dev lo
	nginx_conf ""
	sed -i "s|return 200 ok;|proxy_pass http://192.0.2.10:8081; } } server { listen 8081; location / { return 200 ok;|" etc/nginx.conf
	nginx -e stderr -c "$work/etc/nginx.conf" >server.out 2>&1 &
	wait_for serves 8081
	expect any epolltune check --quick --probe descriptors --server :8080 --connections 100 --rate 10 --role proxy --format json
	json 'wall("descriptors.process").needed == 300'
	end_jobs
}

test_one_tcp_upstream_takes_ports() {
	needs nginx python3
	backend 16
	nginx_behind "fastcgi_pass app" "upstream app { server unix:$work/app.sock; server 127.0.0.1:9; }"
	ports 2
	json 'wall("ports.ephemeral").verdict == "short"'
	end_jobs
}

# A file that is not read may name another one.
test_unread_include_may_name_a_tcp_upstream() {
	needs nginx python3
	backend 16
	echo "# none" >etc/more.conf
	nginx_behind "proxy_pass http://unix:$work/app.sock" "include $work/etc/more.conf;"
	until [ "$(date +%s)" -gt "$(stat -c %Y etc/more.conf)" ]; do sleep 0.1; done
	echo "upstream other { server 127.0.0.1:9; }" >etc/more.conf
	ports 2
	end_jobs
}

# Of a server whose configuration is not read, its connections: they wait for accept().
# They stay open, as those of a pool, so that it is not known how many arrive.
test_connections_to_a_unix_upstream_show_it() {
	needs python3
	backend 16
	python3 - "$work/app.sock" >server.out <<-EOF &
		import socket, sys, time
		s = socket.create_server(("127.0.0.1", 8080), backlog=1024)
		held = []
		for _ in range(8):
		    c = socket.socket(socket.AF_UNIX)
		    c.connect(sys.argv[1])
		    held.append(c)
		print("open", flush=True)
		time.sleep(60)
	EOF
	ip link set lo up
	wait_for grep -q open server.out
	expect 1 epolltune check --quick --probe listeners --server :8080 --connections 100 --rate 1000 --stall 100ms \
		--role proxy --format json
	json "$SHORT"' | .level == "warning" and (.detail | contains("those of a pool"))'
	end_jobs
}

run_tests "$@"
