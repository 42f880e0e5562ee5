#!/bin/sh
# check --server: a server whose clients are as many as its limit allows.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=SCRIPTDIR/../guests.sh
. "$(dirname "$0")/../guests.sh"
# shellcheck source=SCRIPTDIR/../limits.sh
. "$(dirname "$0")/../limits.sh"

setup() { limits_begin; }

# The other worker has room.
test_one_worker_at_its_limit_is_named() {
	needs nginx python3
	nginx_conf "worker_connections 24;" 2
	nginx -e stderr -c "$work/etc/nginx.conf" >server.out 2>&1 &
	wait_for serves 8080
	again 0 10
	other=$(pgrep -P $! | head -n 1)
	kill -STOP "$other"
	ip link set lo up
	# Without a request it would close them for others.
	python3 - >clients <<-EOF &
		import socket, time
		held = []
		for i in range(22):
		    held.append(socket.create_connection(("127.0.0.1", 8080)))
		    held[i].sendall(b"GET / HTTP/1.1\r\n")
		    time.sleep(0.02)
		print("open", flush=True)
		time.sleep(60)
	EOF
	wait_for grep -q open clients
	wait_for accepted
	kill -CONT "$other"
	again 1 10
	json 'wall("application.limit").verdict == "ok"' \
		'finding("application.limit.reached") | .level == "warning" and
			(.title | contains("), one of 2 processes, has 22 of 24 connections open, its own limit"))'
	end_jobs
}

test_clients_of_other_listeners_take_from_the_limit() {
	needs haproxy python3
	haproxy_conf "$work/etc/haproxy.cfg" 60
	printf 'listen b\n  bind :8081\n  http-request return status 200\n' >>"$work/etc/haproxy.cfg"
	haproxy -db -f "$work/etc/haproxy.cfg" >server.out 2>&1 &
	wait_for serves 8081
	again 0 30
	json 'wall("application.limit") | .verdict == "ok" and .limit == 60'
	clients 8081 40
	wait_for accepted 8081
	again 2 30
	json 'wall("application.limit") | .verdict == "short" and .limit == 20' \
		'finding("application.limit.short") | .detail | contains("40 connections to its other listeners count, too.")'
	expect 0 epolltune check --quick --probe configuration --server "$(pgrep -x haproxy -P $$)" --connections 30 --rate 10 \
		--format json
	json 'wall("application.limit") | .verdict == "ok" and .limit == 60'
	end_jobs
}

test_clients_at_another_address_of_memcached_take_from_its_limit() {
	needs memcached python3
	memcached -u root -U 0 -l 127.0.0.1:8080,127.0.0.1:8081 -c 200 >server.out 2>&1 &
	wait_for serves 8081
	again 0 80
	clients 8081 100
	wait_for accepted 8081
	again 2 80
	json 'wall("application.limit") | .verdict == "short" and .limit < 80'
	end_jobs
}

drains() { # WORKER
	grep -q "shutting down" "/proc/$1/cmdline" && [ "$(pgrep -P "$(cat pid)" | wc -l)" -eq 2 ]
}

# The clients of a worker from before a reload do not hide that the new one is full.
test_a_worker_that_drains_has_a_limit_of_its_own() {
	needs nginx python3
	nginx_conf "worker_connections 60;"
	nginx -e stderr -c "$work/etc/nginx.conf" >server.out 2>&1 &
	wait_for serves 8080
	ip link set lo up
	cat >hold.py <<-EOF
		import socket, sys, time
		held = []
		for i in range(int(sys.argv[1])):
		    held.append(socket.create_connection(("127.0.0.1", 8080)))
		    held[i].sendall(b"GET / HTTP/1.1\r\n")
		    time.sleep(0.05) # without a request it would close them for others
		print("open", flush=True)
		time.sleep(60)
	EOF
	python3 hold.py 30 >old &
	wait_for grep -q open old
	wait_for accepted
	worker=$(pgrep -P "$(cat pid)")
	kill -HUP "$(cat pid)"
	wait_for drains "$worker"
	python3 hold.py 28 >new &
	wait_for grep -q open new
	wait_for accepted
	again 0 20
	json 'has_finding("application.limit.reached") | not'
	python3 hold.py 30 >full &
	wait_for grep -q open full
	wait_for accepted
	again 1 20
	json 'finding("application.limit.reached").title | contains("has 58 of 60 connections open")'
	end_jobs
}

redis_takes_40() {
	printf 'port 8080\nmaxclients 40\nset-proc-title no\nsave ""\n' >etc/redis.conf
	sleep 0.2 # longer than the clocks of processes and files differ
	redis-server "$work/etc/redis.conf" >server.out 2>&1 &
	wait_for serves 8080
}

at_its_limit='epolltune check --probe configuration --server :8080 --connections 20 --rate 10 --format json'
closes_new_clients() {
	rm -f closed
	python3 -c 'import socket, time
while True:
    socket.create_connection(("127.0.0.1", 8080)).recv(99)
    open("closed", "w").close()
    time.sleep(0.05)' &
	wait_for test -e closed
	# In the window of a check on a busy machine none may come.
	expect_known 'finding("application.limit.reached") | .level == "critical" and (.title | contains("it closes new clients"))' \
		2 $at_its_limit
}

test_a_server_that_has_as_many_clients_as_it_allows_is_at_its_limit() {
	needs redis-server python3
	redis_takes_40
	clients 8080 39
	wait_for accepted
	again 0 20
	rm clients
	clients 8080 1
	wait_for accepted
	again 1 20
	json 'wall("application.limit") | .verdict == "ok" and .limit == 40' \
		'finding("application.limit.reached") | .level == "warning" and
			(.title | contains("40 of 40 connections open, its own limit: it would close the next client"))'
	closes_new_clients
	end_jobs
}

# As beside sshd: the kernel counts the clients of both together.
test_clients_that_a_server_closes_beside_another_one_are_its_own() {
	needs redis-server python3
	python3 -m http.server 8081 >other.out 2>&1 &
	redis_takes_40
	wait_for listens 8081
	clients 8080 40
	wait_for accepted
	python3 -c 'import socket, time
while True:
    socket.create_connection(("127.0.0.1", 8081))
    time.sleep(0.05)' &
	other=$!
	at_its_limit 1
	json 'finding("application.limit.reached") | .level == "warning" and (.title | contains("it would close the next client"))'
	kill $other
	closes_new_clients
	end_jobs
}

at_its_limit() { expect "$1" $at_its_limit; } # STATUS

test_a_server_that_stops_accepting_at_its_limit_has_clients_that_wait() {
	needs haproxy python3
	haproxy_conf "$work/etc/haproxy.cfg" 40
	sleep 0.2 # longer than the clocks of processes and files differ
	haproxy -db -f "$work/etc/haproxy.cfg" >server.out 2>&1 &
	wait_for serves 8080
	clients 8080 40
	wait_for accepted
	at_its_limit 1
	json 'finding("application.limit.reached") | .level == "warning" and
			(.title | contains("the next client would wait in its accept queue")) and
			(.advice | contains("each section") | not)'
	rm clients
	clients 8080 1
	at_its_limit 2
	json 'finding("application.limit.reached") | .level == "critical" and
			(.title | contains("new clients wait in its accept queue"))'
	end_jobs
}

paused() { ss -Hltn sport = :8080 | awk '{ exit $3 != 0 }'; }

test_a_memcached_that_has_switched_accepting_off_has_its_usual_backlog() {
	needs memcached python3
	memcached -u root -U 0 -l 127.0.0.1:8080 -c 40 -b 200 -o no_maxconns_fast >server.out 2>&1 &
	wait_for serves 8080
	ip link set lo up
	# Those beyond its limit may not get through: with its backlog of 0 the kernel drops them or answers with cookies.
	python3 -c 'import socket, time
held = [socket.socket() for _ in range(40)]
for s in held: s.setblocking(False); s.connect_ex(("127.0.0.1", 8080))
time.sleep(60)' &
	wait_for paused
	expect 2 epolltune check --quick --probe accept-queue,syn-queue,listeners --server :8080 --connections 10 --rate 20 \
		--format json
	json 'wall("accept-queue"), wall("syn-queue") | .verdict == "ok" and .limit == 201 and .method == "derived"' \
		'[.findings[].id | select(startswith("accept-queue.short") or startswith("syn-queue"))]
			- ["syn-queue.cookies"] == []' \
		'[.findings[] | select(.id == "syn-queue.cookies" and .level != "note")] == []' \
		'finding("descriptors.process.exhausted").level == "critical"'
	end_jobs
}

run_tests "$@"
