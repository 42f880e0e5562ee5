#!/bin/sh
# check --server: a server that does not close what its clients have closed.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

# Whether so many connections in CLOSE_WAIT have heard nothing for a minute.
left() { # COUNT
	ss -tniH state close-wait 'sport = :8080' | grep -oE 'lastack:[0-9]{5,}' | awk -F: '$2 >= 60000' | wc -l |
		grep -qx "$1"
}

# Closed connections count towards a limit of the server's own, too.
limit() { # STATUS CONNECTIONS
	expect "$1" epolltune check --quick --probe configuration --server :8080 --connections 60 --format json
	json 'wall("application.limit").limit == '"$2"
}

# 60 that it accepted are closed, and ten are open. A client of its own is as that: 20 connections that the server
# behind it has closed.
test_what_clients_have_closed_takes_descriptors_that_no_client_can_use() {
	needs python3 ss
	in_namespace
	ip link set lo up
	cat >serving.py <<-EOF
		import resource, socket, time
		open("/proc/self/comm", "w").write("uvicorn")
		resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
		listener = socket.create_server(("127.0.0.1", 8080), backlog=100)
		print("begun", flush=True)
		held = [listener.accept()[0] for i in range(70)]
		held += [socket.create_connection(("127.0.0.1", 8081)) for i in range(20)]
		time.sleep(600)
	EOF
	python3 serving.py --limit-concurrency 100 >serving &
	server=$!
	python3 - >clients <<-EOF &
		import socket, time
		behind = socket.create_server(("127.0.0.1", 8081), backlog=100)
		while True:
		    try:
		        clients = [socket.create_connection(("127.0.0.1", 8080)) for i in range(70)]
		        break
		    except ConnectionRefusedError:
		        time.sleep(0.1)
		for client in clients[10:]:
		    client.close()
		for i in range(20):
		    behind.accept()[0].close()
		print("closed", flush=True)
		time.sleep(600)
	EOF
	wait_for grep -q closed clients
	expect any epolltune check --quick --probe descriptors,live --server :8080 --connections 120 --format json
	json 'wall("descriptors.process") | .verdict != "short"' 'has_finding("live.unclosed") | not'
	limit 0 99
	sleep 61
	wait_for left 60
	expect 2 epolltune check --quick --probe descriptors,live --server :8080 --connections 120 --format json
	json 'wall("descriptors.process") | .verdict == "short" and .limit <= 116 and .limit >= 110' \
		'finding("live.unclosed") | .level == "warning" and
			(.title | contains("(pid '$server') has not closed 60 connections"))'
	expect 2 epolltune check --quick --probe descriptors --server :8080 --role proxy --connections 120 --format json
	json 'wall("descriptors.process") | .limit <= 116 and .limit >= 110'
	limit 2 39
	json 'finding("application.limit.short").detail | contains("60 connections that clients closed a minute ago")'
	end_jobs
}

run_tests "$@"
