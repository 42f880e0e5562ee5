#!/bin/sh
# check --server: the memory that a server maps, and has, for each of its clients.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=SCRIPTDIR/../limits.sh
. "$(dirname "$0")/../limits.sh"

setup() { limits_begin; }

# A thread for each client, with the stacks that RLIMIT_STACK gives it.
threads_server() { # PRLIMIT-OPTION…, as $comm
	cat >threads.py <<-EOF
		import socket, threading
		open("/proc/self/comm", "w").write("${comm:-python3}")
		s = socket.socket()
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		s.bind(("127.0.0.1", 8080))
		s.listen(100)
		while True:
		    c = s.accept()[0]
		    threading.Thread(target=c.recv, args=(1,), daemon=True).start()
	EOF
	MALLOC_ARENA_MAX=1 prlimit --stack=8388608 "$@" python3 threads.py >server.out 2>&1 &
	wait_for listens 8080
	clients 8080 20
	wait_for accepted
}

tasks() { # STATUS
	expect "$1" epolltune check --quick --probe tasks,listeners --server :8080 --connections 1000 --rate 10 \
		--format json
}

test_address_space_bounds_threads() {
	needs prlimit python3
	threads_server --as=1500000000
	tasks 2
	json 'wall("tasks") | .verdict == "short" and .limit > 100 and .limit < 180' \
		'finding("tasks.short") | (.detail | contains("(RLIMIT_AS, 8 MiB a thread)")) and
			(.advice | contains("--as="))'
	end_jobs
}

# A runtime is no server: what it runs shows by its threads that each client has one.
test_what_java_runs_may_need_a_thread_for_each_client() {
	needs prlimit python3
	comm=java threads_server --as=1500000000
	tasks 2
	json 'wall("tasks") | .verdict == "short" and (.detail | contains("java has a thread for each connection"))'
	end_jobs
}

test_memory_without_a_limit_bounds_none() {
	needs prlimit python3
	threads_server
	tasks 0
	json 'wall("tasks").verdict == "ok"'
	end_jobs
}

# Stacks of 8 MiB fill it: the next client has no thread.
test_spent_address_space_is_named() {
	needs prlimit python3
	threads_server
	prlimit --pid "$(pgrep -x python3 -P $$ | head -n 1)" --as=100000000
	tasks 2
	json 'finding("listeners.processes") | .level == "critical" and (.title | contains(" of RLIMIT_AS "))'
	end_jobs
}

# It takes 4 MiB for each client, and no group limits it.
test_memory_that_a_server_takes_for_its_clients_counts() {
	needs python3
	ip link set lo up
	cat >memory.py <<-EOF
		import socket, select
		s = socket.socket()
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		s.bind(("127.0.0.1", 8080))
		s.listen(200)
		e = select.epoll()
		e.register(s, select.EPOLLIN)
		held = {}
		while True:
		    for fd, _ in e.poll():
		        if fd == s.fileno():
		            c = s.accept()[0]
		            held[c.fileno()] = (c, b"x" * (4 << 20))
		            e.register(c, select.EPOLLIN)
		        else:
		            held[fd][0].recv(1)
	EOF
	python3 memory.py >server.out 2>&1 &
	wait_for listens 8080
	python3 - >clients <<-EOF &
		import socket, time
		held = [socket.create_connection(("127.0.0.1", 8080)) for _ in range(120)]
		for c in held:
		    c.sendall(b"x")
		print("open", flush=True)
		time.sleep(60)
	EOF
	wait_for grep -q open clients
	wait_for accepted
	expect any epolltune check --quick --probe descriptors --server :8080 --connections 900 --rate 10 --format json
	json 'wall("memory.connection") | .needed_max > 780 * 1000000 and
			(.detail | contains("by its memory now, with 120 connections in use"))'
	# So few of so many show no maximum.
	expect any epolltune check --quick --probe descriptors --server :8080 --connections 1m --rate 10 --format json
	json 'wall("memory.connection") | .verdict == "ok" and .needed_max < 1000000 * 10000'
	end_jobs
}

run_tests "$@"
