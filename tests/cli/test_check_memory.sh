#!/bin/sh
# check --server: the memory that a server maps, and has, for each of its clients.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=SCRIPTDIR/../limits.sh
. "$(dirname "$0")/../limits.sh"

setup() {
	limits_begin
	ip link set lo up
}

# A thread for each client, with the stacks that RLIMIT_STACK gives it.
threads_server() { # PRLIMIT-OPTION…
	cat >threads.py <<-EOF
		import socket, threading
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
	json 'finding("listeners.processes") | .level == "critical" and (.detail | contains("The limit is RLIMIT_AS"))'
	end_jobs
}

run_tests "$@"
