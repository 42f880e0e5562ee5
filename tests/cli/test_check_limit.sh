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

test_a_limit_that_is_not_set_is_the_default() {
	needs nginx
	cat >nginx.conf <<-EOF
		daemon off; user root; pid $work/pid; worker_processes 1; error_log stderr;
		events { }
		http { access_log off; client_body_temp_path $work/1; proxy_temp_path $work/2; fastcgi_temp_path $work/3;
			uwsgi_temp_path $work/4; scgi_temp_path $work/5; server { listen 8080; } }
	EOF
	check 2 1000 8080 nginx -e stderr -c "$work/nginx.conf"
	json 'wall("application.limit") | .verdict == "short" and .limit == 476'
	# Each client of a proxy takes two.
	nginx -e stderr -c "$work/nginx.conf" >server.out 2>&1 &
	wait_for listens 8080
	expect 2 epolltune check --quick --probe configuration --server :8080 --role proxy --connections 300 --rate 10 --format json
	json 'wall("application.limit") | .verdict == "short" and .limit == 238'
	# What it has read is not known then.
	sleep 0.1
	sed -i 's/events { }/events { worker_connections 9000; }/' nginx.conf
	expect 3 epolltune check --quick --probe configuration --server :8080 --connections 1000 --rate 10 --format json
	json 'wall("application.limit") | .verdict == "unknown" and (.detail | contains("changed since the server started"))'
	end_jobs
}

test_a_lower_maxconn_of_a_section_is_the_limit() {
	needs haproxy
	for section in defaults listen; do
		haproxy_conf "$work/haproxy.cfg" 9000
		sed -i "s/^\\( *\\)$section.*/&\\n  maxconn 50/" haproxy.cfg
		check 2 100 8080 haproxy -db -f "$work/haproxy.cfg"
		json 'wall("application.limit") | .verdict == "short" and .limit == 50'
	done
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
	# It counts descriptors.
	check 2 100 8080 memcached -u root -U 0 -p 8080 -c 64
	json 'wall("application.limit") | .verdict == "short" and .limit < 64 and .limit > 30' \
		'finding("application.limit.short") | .detail | contains("-c of its command is 64")'
	check 0 100 8080 memcached -u root -U 0 -p 8080
	json 'wall("application.limit") | .verdict == "ok" and .limit < 1024 and (.detail | contains("not in its command"))'
}

test_a_server_that_is_not_known_has_no_such_wall() {
	check 0 100 8080 epolltune serve --port 8080 --workers 1 --quiet
	json '[.walls[] | select(.name == "application.limit")] == []'
}

run_tests "$@"
