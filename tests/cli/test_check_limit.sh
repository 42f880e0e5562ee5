#!/bin/sh
# check --server: the limit on connections in the command or the configuration of a running server.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=SCRIPTDIR/../guests.sh
. "$(dirname "$0")/../guests.sh"

setup() { in_root_namespace; }

listens() { # PORT
	grep -q ": 0*:$(printf %04X "$1") \|: [0-9A-F]*:$(printf %04X "$1") 0*:0000 0A" /proc/net/tcp /proc/net/tcp6
}

# Starts a server and checks it for so many connections.
check() { # STATUS CONNECTIONS PORT COMMAND…
	want=$1 connections=$2 port=$3
	shift 3
	"$@" >server.out 2>&1 &
	wait_for listens "$port"
	expect "$want" epolltune check --quick --probe configuration --server ":$port" --connections "$connections" \
		--rate 10 --format json
	end_jobs
}

test_worker_connections_is_the_limit_of_each_worker() {
	needs nginx
	cat >nginx.conf <<-EOF
		daemon off; user root; pid $work/pid; worker_processes 1; error_log stderr;
		# worker_connections 9000;
		events { worker_connections 200; }
		http {
			access_log off;
			client_body_temp_path $work/1; proxy_temp_path $work/2; fastcgi_temp_path $work/3;
			uwsgi_temp_path $work/4; scgi_temp_path $work/5;
			server { listen 8080; location / { return 200 ok; } }
		}
	EOF
	check 2 200 8080 nginx -e stderr -c "$work/nginx.conf"
	json 'wall("application.limit") | .verdict == "short" and .limit == 186 and .needed == 200' \
		'finding("application.limit.short") | .remedy == "application" and (.advice | contains("worker_connections 288;")) and
			(.detail | contains("/nginx.conf is 200"))'
	check 0 100 8080 nginx -e stderr -c "$work/nginx.conf"
	json 'wall("application.limit").verdict == "ok"'
}

test_maxconn_of_haproxy_is_read() {
	needs haproxy
	haproxy_conf "$work/haproxy.cfg" 120
	check 1 100 8080 haproxy -db -f "$work/haproxy.cfg"
	json 'wall("application.limit") | .verdict == "tight" and .limit == 120' \
		'finding("application.limit.tight") | .advice | contains("maxconn 144 in section global")'
}

test_an_option_of_memcached_is_read() {
	needs memcached
	check 2 100 8080 memcached -u root -U 0 -p 8080 -c 64
	json 'wall("application.limit") | .verdict == "short" and .limit == 64' \
		'finding("application.limit.short") | .detail | contains("-c of its command is 64")'
	check 0 100 8080 memcached -u root -U 0 -p 8080
	json 'wall("application.limit").verdict == "n/a"'
}

test_a_server_that_is_not_known_has_no_such_wall() {
	check 0 100 8080 epolltune serve --port 8080 --workers 1 --quiet
	json '[.walls[] | select(.name == "application.limit")] == []'
}

run_tests "$@"
