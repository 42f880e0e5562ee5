#!/bin/bash
# load --protocol against nginx, Redis and serve; serve --protocol http.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

listens() { [ "$(ss -Hltn "sport = :$1")" ]; } # PORT

start_nginx() { # REQUESTS
	mkdir logs
	cat >nginx.conf <<-EOF
		daemon off;
		user root root;
		pid nginx.pid;
		error_log logs/error;
		events { worker_connections 256; }
		http {
			access_log off;
			keepalive_requests $1;
			client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4;
			scgi_temp_path t5;
			server {
				listen 8080;
				location / { return 200 ok; }
				location /missing { return 404; }
				location /status { stub_status; }
			}
		}
	EOF
	nginx -p . -c nginx.conf -e logs/error &
	wait_for listens 8080
}

load() { expect "$@" --workers 1 --connections 10; } # STATUS epolltune load OPTIONS… ADDRESS

test_reserved_ports_are_not_counted() {
	in_namespace
	echo 40000 40009 >/proc/sys/net/ipv4/ip_local_port_range
	echo 40000-40004 >/proc/sys/net/ipv4/ip_local_reserved_ports
	expect 3 epolltune load --connections 8 127.0.0.1:9
	refused 'load: 8 connections need more than the 5 ephemeral ports of 1 source address '
}

test_http_counts_as_nginx_does() {
	in_root_namespace
	start_nginx 1000000
	load any epolltune load --protocol http --rate 500 --duration 1s 127.0.0.1:8080
	said 'HTTP requests of /'
	count=$(sed -n 's/^- replies by status: 200: //p' out)
	[ "$count" -gt 10 ] && [ "$count" -le 500 ]
	# And the request for the status itself.
	exec 3<>/dev/tcp/127.0.0.1/8080
	printf 'GET /status HTTP/1.0\r\n\r\n' >&3
	cat <&3 >status
	matches status "^ [0-9]+ [0-9]+ $((count + 1)) *\$"
	load 1 epolltune load --protocol http --path /missing --duration 100ms 127.0.0.1:8080
	matches out '^- replies by status: 404: [0-9]+$'
}

test_connections_that_nginx_ends_are_opened_again() {
	in_root_namespace
	start_nginx 10
	load 0 epolltune load --protocol http --duration 200ms 127.0.0.1:8080
	matches out '^- the server ended [0-9 ]+ connections after a reply'
	matches out '^- [0-9 ]+ connections that had ended or failed were opened again$'
	load 0 epolltune load --protocol http --mode connect --close server --duration 200ms 127.0.0.1:8080
	matches out '^- replies by status: 200: [0-9]+$'
}

# Each connection is answered once and ended, in one segment.
test_connections_that_end_are_counted() {
	in_root_namespace
	cat >server.py <<-'EOF'
		import socket, sys
		port = 7000 if sys.argv[1] == "echo" else 7001
		listener = socket.create_server(("127.0.0.1", port), backlog=100)
		while True:
		    connection, _ = listener.accept()
		    data = connection.recv(4096)
		    reply = data if sys.argv[1] == "echo" else b"HTTP/1.0 200 OK\r\n\r\n" + bytes(200000)
		    connection.send(reply, socket.MSG_MORE)
		    connection.close()
	EOF
	python3 server.py echo &
	wait_for listens 7000
	# With echo they stay closed: the rest of the run has none.
	expect 1 epolltune load --workers 1 --connections 2 --rate 100 --duration 1s 127.0.0.1:7000
	said 'no connection was left after' 'the load reached 2/s of 100/s' \
		'98 operations were due but never started: their connections had failed' 'latencies are of 100 operations'
	python3 server.py http &
	wait_for listens 7001
	load 0 epolltune load --protocol http --rate 20 --duration 1s 127.0.0.1:7001
	said 'replies by status: 200: 20' 'latencies are of 20 operations: the p99 is the longest of them'
	load 0 epolltune load --protocol http --mode connect --rate 20 --duration 1s 127.0.0.1:7001
	said 'replies by status: 200: 20'
}

test_another_protocol_is_named_at_once() {
	in_root_namespace
	start_nginx 1000
	expect 3 timeout 8 epolltune load --duration 60s 127.0.0.1:8080
	contains err '127.0.0.1:8080 does not speak echo but HTTP; use --protocol http'
	expect 3 timeout 8 epolltune load --duration 60s --protocol redis 127.0.0.1:8080
	contains err 'does not speak redis but HTTP'
	epolltune serve --port 7000 --quiet &
	wait_for listens 7000
	expect 3 timeout 8 epolltune load --duration 60s --protocol http 127.0.0.1:7000
	contains err "does not speak http: its first answer was 'GET / HTTP/1.1'"
	load 0 epolltune load --protocol connect --mode connect --duration 100ms 127.0.0.1:8080
	load 0 epolltune load --protocol connect --mode hold --duration 100ms 127.0.0.1:8080
	lacks out hold-sample
}

test_redis_refuses_as_an_error() {
	in_root_namespace
	redis-server --port 6379 --bind 127.0.0.1 --save '' --maxclients 5 --daemonize no >redis &
	wait_for listens 6379
	load 1 epolltune load --protocol redis --duration 200ms 127.0.0.1:6379
	said 'requests of redis, depth 1' 'replies were errors; the first: -ERR max number of clients reached'
	lacks out 'not one of the protocol'
	# In an open loop it does so before the first request of a connection.
	expect 1 epolltune load --protocol redis --workers 1 --connections 50 --rate 500 --duration 500ms 127.0.0.1:6379
	said 'replies were errors; the first: -ERR max number of clients reached'
	lacks out 'not one of the protocol'
	expect 0 epolltune load --protocol redis --depth 8 --workers 1 --connections 4 --duration 200ms 127.0.0.1:6379
}

# In one segment or two, and where only the end of the connection ends it.
test_an_error_before_a_request_is_no_other_protocol() {
	in_root_namespace
	cat >server.py <<-'EOF'
		import socket, sys, time
		listener = socket.create_server(("127.0.0.1", 8080), backlog=100)
		while True:
		    client = listener.accept()[0]
		    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
		    try:
		        for part in sys.argv[1:]:
		            client.sendall(part.encode().decode("unicode_escape").encode())
		            time.sleep(0.01)
		        client.shutdown(socket.SHUT_WR)
		        while client.recv(4096):
		            pass
		    except OSError:
		        pass
		    client.close()
	EOF
	turns_away() { # PROTOCOL PART…
		protocol=$1
		shift
		python3 server.py "$@" &
		server=$!
		wait_for listens 8080
		expect any epolltune load --protocol "$protocol" --workers 1 --connections 10 --rate 2 --duration 1s 127.0.0.1:8080
		kill "$server"
		wait "$server" || true
		cat out err >said
		lacks said 'not one of the protocol' 'does not speak'
		matches said 'sent an error|were errors|was an error'
	}
	turns_away redis '-ERR max number' ' of clients reached\r\n'
	turns_away http 'HTTP/1.1 503 x\r\nContent-Length: 2\r\n' '\r\nno'
	turns_away http 'HTTP/1.0 503 x\r\n\r\n'
}

test_serve_answers_http() {
	in_root_namespace
	epolltune serve --protocol http --port 8080 >served &
	server=$!
	wait_for listens 8080
	expect 0 wrk -t 1 -c 10 -d 1 http://127.0.0.1:8080/any
	lacks out 'Non-2xx' 'Socket errors'
	matches out '[1-9][0-9]* requests in'
	load 0 epolltune load --protocol http --mode connect --close server --duration 200ms 127.0.0.1:8080
	load 0 epolltune load --protocol http --duration 200ms 127.0.0.1:8080
	exec 3<>/dev/tcp/127.0.0.1/8080
	printf 'POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nConnection: close\r\n\r\n' >&3
	cat <&3 >out
	printf 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n' >wanted
	printf 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n' >>wanted
	cmp out wanted
	exec 3<>/dev/tcp/127.0.0.1/8080
	printf 'no HTTP at all\r\n' >&3
	head -n 1 <&3 >out
	said 'HTTP/1.1 400'
	kill $server
	wait $server
	matches served 'protocol http'
}

test_options_that_do_not_fit_are_refused() {
	expect 3 epolltune load --path /x 127.0.0.1:1
	complained '--path: valid only with --protocol http'
	expect 3 epolltune load --protocol http --path x 127.0.0.1:1
	complained "'x' is not a path of HTTP"
	expect 3 epolltune load --protocol http --depth 2 127.0.0.1:1
	complained '--depth: not with --protocol http'
	expect 3 epolltune load --protocol redis --size 9 127.0.0.1:1
	complained '--size: valid only with --protocol echo'
	expect 3 epolltune load --protocol connect 127.0.0.1:1
	complained '--protocol connect: valid only with --mode connect or hold'
}

run_tests "$@"
