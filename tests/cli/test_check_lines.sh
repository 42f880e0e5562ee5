#!/bin/sh
# check --run: the lines of servers' configurations that are tried, and those that do not help.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=SCRIPTDIR/../guests.sh
. "$(dirname "$0")/../guests.sh"

setup() { needs_lab; }

run() { # COMMAND OPTIONS…
	command=$1
	shift
	expect 2 epolltune check --run "$command" --writable "$work" --format json "$@"
}

connections() { # COMMAND OPTIONS…
	command=$1
	shift
	run "$command" --connections 100 --rate 10 --probe application "$@"
}

is_met_with() { # LINE
	LINE=$1 json 'finding("application.connections.short") | .remedy == "application" and .tried_state == "tried" and
		.tried == "at least 125 held, with \(env.LINE)"'
}

test_haproxy_holds_more_with_a_higher_maxconn() {
	export LINE
	haproxy_conf haproxy.cfg 50
	connections "exec haproxy -f $work/haproxy.cfg" --port 8080 --protocol http
	json 'wall("application.connections") | .measured == 50'
	is_met_with "maxconn 144 in $work/haproxy.cfg"
	contains haproxy.cfg 'maxconn 50'
}

# Both its line for all and that of the listener are too low.
test_haproxy_holds_more_with_each_maxconn_that_is_too_low() {
	export LINE
	haproxy_conf haproxy.cfg 50
	sed 's/^  bind/  maxconn 50\n&/' haproxy.cfg >both.cfg
	connections "exec haproxy -f $work/both.cfg" --port 8080 --protocol http
	is_met_with "maxconn 144 (global,listen) in $work/both.cfg"
	sed 's/maxconn 50$/maxconn 1000/; s/^  bind/  maxconn 50\n&/' haproxy.cfg >listener.cfg
	connections "exec haproxy -f $work/listener.cfg" --port 8080 --protocol http
	is_met_with "maxconn 144 (listen) in $work/listener.cfg"
}

# A line that does not help is not proven: a listener has a limit of its own there, too.
test_haproxy_holds_no_more_where_its_listener_is_the_limit() {
	haproxy_conf haproxy.cfg 50
	sed 's/^  bind.*/& maxconn 50/' haproxy.cfg >both.cfg
	connections "exec haproxy -f $work/both.cfg" --port 8080 --protocol http
	json 'finding("application.connections.short") | .proposals == [] and
		(.detail | contains("both.cfg was tried too and is not enough: 50 held"))' \
		'finding("application.connections.short") | .advice | contains("is lower")'
	# Its line for all is high enough, so that there is none to try.
	sed 's/maxconn 50$/maxconn 1000/; s/^  bind.*/& maxconn 50/' haproxy.cfg >listener.cfg
	connections "exec haproxy -f $work/listener.cfg" --port 8080 --protocol http
	json 'finding("application.connections.short") | .tried_state == null and (.advice | contains("already has maxconn 1000"))'
}

test_memcached_holds_more_with_a_higher_c() {
	export LINE
	connections 'exec memcached -u root -U 0 -c 64' --port 11211 --protocol memcached
	json 'finding("application.connections.short") | .tried_state == "tried" and (.tried | test("^at least 125 held, with -c [0-9]+ in its command$"))' \
		'finding("application.connections.short") | [.proposals[] | [.knob, .current]] == [["server.max_connections", "64"]]'
}

app() {
	cat >app.py <<-EOF
		def application(environ, start_response):
		    start_response('200 OK', [('Content-Length', '0')])
		    return []
	EOF
}

test_a_line_that_the_server_refuses_is_not_tried() {
	app
	if python3 -c 'import gevent' 2>/dev/null; then skip 'gevent is installed'; fi
	connections "cd $work; exec gunicorn --bind 0.0.0.0:8000 app" --port 8000 --protocol http
	json 'wall("application.connections") | .measured == 1' \
		'finding("application.connections.short") | .tried_state == "not tried" and (.tried |
			contains("with --worker-class gevent --worker-connections 144 in its command: the server exited with status 1"))'
}

test_backlogs_of_the_application_are_tried() {
	app
	haproxy_conf haproxy.cfg 300
	backlog() { # LINE RATE COMMAND OPTIONS…
		added=$1 rate=$2 command=$3
		shift 3
		run "$command" --connections 10 --rate "$rate" --probe accept-queue "$@"
		LINE=$added json 'finding("accept-queue.short") | .remedy == "application" and .tried_state == "tried" and
			(.tried | startswith("0 dropped") and endswith("with \(env.LINE)"))'
	}
	export LINE
	backlog "bind … backlog 1024 in $work/haproxy.cfg" 8k "exec haproxy -f $work/haproxy.cfg" --port 8080
	backlog '-b 4096 in its command' 20k 'exec memcached -u root -U 0' --port 11211
	# No backlog below the server's own default is proposed.
	backlog '--backlog 2048 in its command' 8k "cd $work; exec gunicorn --backlog 100 --bind 0.0.0.0:8000 app" --port 8000
}

run_tests "$@"
