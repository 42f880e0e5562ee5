#!/bin/sh
# check --run: servers that behave badly without descriptors and with bad clients, and those that do not.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=SCRIPTDIR/../guests.sh
. "$(dirname "$0")/../guests.sh"

# Again, until a busy machine has allowed each verdict, and left no experiment untried.
application_known='all(.walls[]; .verdict != "unknown") and all(.findings[]; .level != "skipped")'
run() { # STATUS COMMAND OPTIONS…
	want=$1 command=$2
	shift 2
	expect_known "$application_known" "$want" epolltune check --run "$command" --writable "$work" --format json --connections 100 --rate 10 \
		--probe application,manners "$@"
}

setup() {
	may_unshare -Urn || skip 'namespaces are not available'
	cp "$tests/support/echo_server.py" .
}

has_fault() { # STATUS FAULT ID WHAT OPTIONS…
	status=$1 fault=$2 id=$3 what=$4
	shift 4
	run "$status" "exec python3 $work/echo_server.py $fault" --port 8080 "$@"
	json "[.findings[].id] == [\"$id\"]" "finding(\"$id\") | .remedy == \"application\" and (.title | contains(\"$what\"))"
}

test_a_server_that_exits_at_its_limit_is_named() {
	has_fault 2 exits application.stuck 'after more clients connected than it had descriptors for' --protocol echo
	json 'finding("application.stuck").detail | contains("It exited with status 1.")'
}

test_a_server_that_spins_at_its_limit_is_named() {
	has_fault 1 spins application.spins 'with no descriptor left' --protocol http
}

test_a_server_that_stops_after_invalid_requests_is_named() {
	has_fault 1 stops application.stuck 'after 16 clients sent invalid requests' --protocol http
}

test_a_server_that_blocks_in_a_write_is_named() {
	has_fault 1 blocks application.stuck 'while 16 clients do not read' --protocol echo
}

# A busy machine may not carry what is needed.
throughput_known='wall("application.throughput") | .verdict == "ok" or .verdict == "short"'

test_a_small_send_buffer_is_named() {
	needs_tun
	expect_known "$throughput_known" 2 epolltune check --run "exec python3 $work/echo_server.py small" --writable "$work" \
		--format json --port 8080 --protocol echo --probe throughput
	json '[.findings[].id] == ["application.throughput.short"]' \
		'finding("application.throughput.short") | .remedy == "application" and (.advice | contains("SO_SNDBUF"))'
}

test_buffers_that_the_kernel_sizes_carry_what_is_needed() {
	needs_tun
	expect_known "$throughput_known" 0 epolltune check --run "exec python3 $work/echo_server.py none" --writable "$work" \
		--format json --port 8080 --protocol echo --probe throughput --bandwidth 20mbit
	json '.findings == []' 'wall("application.throughput") | .verdict == "ok" and .at_least'
}

is_healthy() {
	json '.findings == []' 'wall("application.connections").verdict == "ok"' \
		'wall("application.accepts").verdict == "ok"' 'wall("application.memory").verdict == "ok"'
}

test_a_healthy_server_is_accused_of_nothing() {
	run 0 "exec python3 $work/echo_server.py none" --port 8080 --protocol echo
	is_healthy
}

test_nginx_with_workers_is_accused_of_nothing() {
	cat >nginx.conf <<-EOF
		daemon off;
		worker_processes 4;
		pid /run/nginx.pid;
		error_log stderr;
		events { worker_connections 1024; }
		http {
			access_log off;
			client_body_temp_path /tmp/1; proxy_temp_path /tmp/2; fastcgi_temp_path /tmp/3;
			uwsgi_temp_path /tmp/4; scgi_temp_path /tmp/5;
			server { listen 8080 reuseport; location / { return 200 ok; } }
		}
	EOF
	run 0 "exec nginx -e stderr -c $work/nginx.conf" --port 8080 --protocol http
	is_healthy
}

test_redis_is_accused_of_nothing() {
	run 0 'exec redis-server --save "" --protected-mode no' --port 6379 --protocol redis
	is_healthy
}

test_haproxy_is_accused_of_nothing() {
	haproxy_conf haproxy.cfg 1000
	run 0 "exec haproxy -f $work/haproxy.cfg" --port 8080 --protocol http
	is_healthy
}

test_memcached_is_accused_of_nothing() {
	run 0 'exec memcached -u root -U 0' --port 11211 --protocol memcached
	is_healthy
}

test_node_is_accused_of_nothing() {
	needs node
	echo "require('http').createServer((_, answer) => answer.end('ok')).listen(8080)" >server.js
	run 0 "exec node $work/server.js" --port 8080 --protocol http
	is_healthy
}

test_node_is_limited_by_max_connections() {
	needs node
	echo "const server = require('http').createServer((_, answer) => answer.end('ok')).listen(8080)
		server.maxConnections = 40" >server.js
	run 2 "exec node $work/server.js" --port 8080 --protocol http
	json 'wall("application.connections") | .verdict == "short" and .measured == 40' \
		'finding("application.connections.short") | .remedy == "application" and (.advice | contains("maxConnections"))' \
		'[.findings[].id] == ["application.connections.short"]'
}

run_tests "$@"
