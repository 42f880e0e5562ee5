#!/bin/sh
# check --run with HAProxy, memcached and gunicorn, and two commands in turn.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

run() { # STATUS COMMAND OPTIONS…
	want=$1 command=$2
	shift 2
	expect "$want" epolltune check --run "$command" --writable "$work" --format json --connections 200 "$@"
}

needs_lab() { may_unshare -Urn || skip 'namespaces are not available'; }

haproxy_conf() { # FILE CONNECTIONS
	cat >"$1" <<-EOF
		global
		  maxconn $2
		defaults
		  mode http
		  timeout client 30s
		  timeout connect 5s
		  timeout server 5s
		listen a
		  bind :8080
		  http-request return status 200
	EOF
}

is_the_applications() { # CONNECTIONS LINE
	json "wall(\"application.connections\") | .measured == $1 and .verdict == \"short\"" \
		"finding(\"application.connections.short\") | .remedy == \"application\"" \
		"finding(\"application.connections.short\") | .advice | contains(\"$2\")"
}

test_haproxy_is_limited_by_maxconn() {
	needs_lab
	needs haproxy
	haproxy_conf haproxy.cfg 50
	run 2 "exec haproxy -f $work/haproxy.cfg" --port 8080 --protocol http --probe application
	is_the_applications 50 'maxconn 250'
}

test_memcached_is_limited_by_its_option() {
	needs_lab
	needs memcached
	run 2 "exec memcached -u root -c 64 -U 0" --port 11211 --protocol memcached --probe application
	# Some are its own: listeners, epoll, pipes of its threads.
	json 'wall("application.connections") | .measured < 64 and .measured > 20' \
		'finding("application.connections.short") | .remedy == "application"' \
		'finding("application.connections.short") | .advice | contains("memcached -c 250")'
}

test_a_synchronous_worker_of_gunicorn_serves_one() {
	needs_lab
	needs gunicorn
	cat >app.py <<-EOF
		def app(env, start):
		    start("200 OK", [("Content-Length", "3")])
		    return [b"ok\\n"]
	EOF
	run 2 "cd $work && exec gunicorn -b :8000 app:app" --port 8000 --protocol http --probe application
	is_the_applications 1 'worker_connections = 250'
}

test_two_commands_differ_where_they_do() {
	needs_lab
	needs haproxy
	haproxy_conf small.cfg 50
	haproxy_conf large.cfg 1000
	run 0 "exec haproxy -f $work/small.cfg" --versus "exec haproxy -f $work/large.cfg" --port 8080 --protocol http \
		--rate 100
	json '.schema == "epolltune.diff/1"' 'wall("application.connections") | .change == "better"' \
		'wall("application.connections") | .before.value == 50 and .after.verdict == "ok"'
	run 0 "exec haproxy -f $work/large.cfg" --versus "exec haproxy -f $work/large.cfg #" --port 8080 --rate 100
	json '[.walls[].change] | unique == ["same"]'
}

run_tests "$@"
