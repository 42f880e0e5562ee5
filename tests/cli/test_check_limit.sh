#!/bin/sh
# check --server: the limit on connections in the command or the configuration of a running server.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=SCRIPTDIR/../guests.sh
. "$(dirname "$0")/../guests.sh"
# shellcheck source=SCRIPTDIR/../limits.sh
. "$(dirname "$0")/../limits.sh"

setup() { limits_begin; }

test_worker_connections_is_the_limit_of_each_worker() {
	needs nginx
	nginx_conf "worker_connections 200;"
	check 2 200 8080 nginx -e stderr -c "$work/etc/nginx.conf"
	json 'wall("application.limit") | .verdict == "short" and .limit == 186 and .needed == 200' \
		'finding("application.limit.short") | .remedy == "application" and (.advice | contains("worker_connections 288;")) and
			(.detail | contains("/nginx.conf is 200"))'
	check 0 100 8080 nginx -e stderr -c "$work/etc/nginx.conf"
	json 'wall("application.limit").verdict == "ok"'
}

test_worker_connections_of_a_proxy_count_twice() {
	needs nginx
	nginx_conf "worker_connections 200;"
	nginx -e stderr -c "$work/etc/nginx.conf" >server.out 2>&1 &
	wait_for serves 8080
	again 2 100 --role proxy
	json 'wall("application.limit") | .verdict == "short" and .limit == 93'
	again 0 70 --role proxy
	json 'wall("application.limit").verdict == "ok"'
	end_jobs
}

test_without_the_directive_its_default_is_the_limit() {
	needs nginx
	nginx_conf ""
	check 2 500 8080 nginx -e stderr -c "$work/etc/nginx.conf"
	json 'wall("application.limit") | .verdict == "short" and .limit == 478 and (.detail | contains("(default, not set in "))'
	nginx_conf "include $work/etc/events.conf;"
	echo "worker_connections 10;" >etc/events.conf
	check 2 100 8080 nginx -e stderr -c "$work/etc/nginx.conf"
	json 'wall("application.limit").limit == 8'
}

# Not the path of its program decides.
test_without_a_file_in_its_command_the_one_that_it_was_built_for_counts() {
	needs nginx
	[ -d /etc/nginx ] || skip 'no /etc/nginx'
	nginx_conf "worker_connections 200;"
	mount --bind etc /etc/nginx
	mkdir own
	cp "$(command -v nginx)" own/nginx
	check 2 200 8080 "$work/own/nginx" -e stderr
	json 'wall("application.limit") | .verdict == "short" and .limit == 186' \
		'finding("application.limit.short").detail | contains("/etc/nginx/nginx.conf is 200")'
	LC_ALL=C sed 's|--conf-path=/|--conf-path=.|' "$(command -v nginx)" >own/nginx
	check 3 100 8080 "$work/own/nginx" -e stderr
	unknown_for "The configuration of nginx is not visible"
}

# Of 512 the worker has 161 for itself, and closes idle ones when 32 are left: of 380 clients 319 stayed.
test_listeners_of_nginx_take_from_its_limit() {
	needs nginx
	nginx_conf "worker_connections 512;"
	listens=$(seq 1 160 | sed 's/.*/listen 127.0.1.&:8080;/' | tr '\n' ' ')
	sed -i "s/listen 8080;/$listens/" etc/nginx.conf
	ip link set lo up
	check 2 380 8080 nginx -e stderr -c "$work/etc/nginx.conf"
	json 'wall("application.limit") | .verdict == "short" and .limit == 319' \
		'finding("application.limit.short").detail | contains("Its listeners and the channel to its master take 161.")'
	check 0 250 8080 nginx -e stderr -c "$work/etc/nginx.conf"
}

# Not the number in the file.
test_running_workers_count() {
	needs nginx
	nginx_conf "worker_connections 200;" 3
	nginx -e stderr -c "$work/etc/nginx.conf" >server.out 2>&1 &
	wait_for serves 8080
	again 2 500
	json 'wall("application.limit").detail | contains("for each of 3 processes")'
	kill -STOP $! # it starts no other one
	kill -KILL "$(pgrep -P $! | head -n 1)"
	again 2 500
	json 'wall("application.limit").detail | contains("for each of 2 processes")'
	kill -CONT $!
	end_jobs
}

# Before 1.21.6 the kernel wakes the worker that waited first.
test_one_worker_of_an_older_nginx_may_get_most_connections() {
	needs nginx
	nginx_conf "worker_connections 200;" 4
	check 0 400 8080 nginx -e stderr -c "$work/etc/nginx.conf"
	json 'wall("application.limit") | .verdict == "ok" and (.at_most | not)'
	mkdir old
	LC_ALL=C sed 's|nginx version: nginx/1\.[0-9][0-9]\.|nginx version: nginx/1.18.|' "$(command -v nginx)" >old/nginx
	chmod +x old/nginx
	check 1 400 8080 "$work/old/nginx" -e stderr -c "$work/etc/nginx.conf"
	json 'wall("application.limit") | .verdict == "tight" and .at_most' \
		'finding("application.limit.tight") | (.detail | contains("It suffices for 186 to ")) and
			(.advice | contains("worker_connections 576; }, for each worker")) and
			(.advice | contains("Or set reuseport in each listen"))'
	sed -i "s/listen 8080/& reuseport/" etc/nginx.conf
	check 0 400 8080 "$work/old/nginx" -e stderr -c "$work/etc/nginx.conf"
	json 'wall("application.limit").verdict == "ok"'
}

# Only one of them watches the listener while all are idle.
test_workers_that_accept_in_turns_are_not_one() {
	needs nginx
	nginx_conf "worker_connections 200; accept_mutex on;" 3
	check 3 300 8080 nginx -e stderr -c "$work/etc/nginx.conf"
	unknown_for "How many processes of nginx accept is not visible"
	check 0 100 8080 nginx -e stderr -c "$work/etc/nginx.conf"
	json 'wall("application.limit").verdict == "ok"'
}

test_the_default_of_the_command_counts() {
	needs redis-server
	redis-server --port 8080 --save "" --bind 127.0.0.1 >server.out 2>&1 &
	wait_for serves 8080
	again 3 100
	unknown_for "redis-cli CONFIG GET maxclients shows the limit"
	end_jobs
}

# Words behind the file of Redis are lines of it.
test_words_of_redis_are_read_as_lines() {
	needs redis-server unshare
	echo maxclients 9000 >etc/redis.conf
	echo maxclients 100 >etc/more.conf
	cat >unit.sh <<-'EOF'
		mount -t tmpfs none /etc/systemd/system
		echo "0::$2" >cgroup
		printf '[Service]\nExecStart=%s %s\n' "$(command -v redis-server)" "$1" >/etc/systemd/system/redis-server.service
		sleep 0.1 # longer than the clocks of processes and files differ
		redis-server $1 >server.out 2>&1 &
		mount --bind cgroup /proc/$!/cgroup
		for i in $(seq 600); do
			! grep -q ":1F90 .* 0A " /proc/net/tcp || break
			sleep 0.1
		done
		epolltune check --quick --probe configuration --server :8080 --connections 200 --rate 10 --format json >a.json
		umount /proc/$!/cgroup
		kill $!
		wait $!
	EOF
	for words in "--MaxClients 100" "--include $work/etc/more.conf"; do
		unshare -m sh unit.sh "$work/etc/redis.conf --port 8080 --bind 127.0.0.1 $words" \
			/system.slice/redis-server.service
		jq -se '.[0].walls[0] | .verdict == "short" and .limit == 100' a.json
	done
	# That of a user's manager is not the system's.
	unshare -m sh unit.sh "$work/etc/redis.conf --port 8080 --bind 127.0.0.1" \
		/user.slice/user-0.slice/user@0.service/app.slice/redis-server.service
	jq -se '.[0].walls[0] | .verdict == "unknown"' a.json
}

# The socket of its commands is none for clients.
test_a_socket_of_commands_of_haproxy_does_not_count() {
	needs haproxy
	haproxy_conf "$work/etc/haproxy.cfg" 9900
	sed -i "s|^global|&\n  stats socket $work/admin.sock|" "$work/etc/haproxy.cfg"
	haproxy -db -f "$work/etc/haproxy.cfg" >server.out 2>&1 &
	wait_for serves 8080
	expect 0 epolltune check --quick --probe configuration --server "$!" --connections 500 --rate 10 --format json
	json 'wall("application.limit") | .verdict == "ok" and .limit == 9900'
	end_jobs
}

test_an_option_of_redis_is_read_where_it_is_visible() {
	needs redis-server
	check 2 200 8080 redis-server --save '' --port 8080 --maxclients 100 --set-proc-title no
	json 'wall("application.limit") | .verdict == "short" and .limit == 100'
}

test_maxconn_of_haproxy_is_read() {
	needs haproxy
	haproxy_conf "$work/etc/haproxy.cfg" 120
	check 1 100 8080 haproxy -db -f "$work/etc/haproxy.cfg"
	json 'wall("application.limit") | .verdict == "tight" and .limit == 120' \
		'finding("application.limit.tight") | .advice | contains("maxconn 144 in section global")'
}

test_a_lower_maxconn_of_a_section_of_haproxy_counts() {
	needs haproxy
	haproxy_conf "$work/etc/haproxy.cfg" 9900
	sed -i "s/^defaults/&\n  maxconn 50/" "$work/etc/haproxy.cfg"
	check 2 500 8080 haproxy -db -f "$work/etc/haproxy.cfg"
	json 'wall("application.limit") | .verdict == "short" and .limit == 50' \
		'finding("application.limit.short") | (.detail | contains("maxconn in section defaults of ")) and
			(.advice | contains("Raise it in each section (defaults, frontend, listen) that has it lower"))'
	printf 'frontend b\n  bind :8081\n  maxconn 20\n  http-request return status 200\n' >>"$work/etc/haproxy.cfg"
	check 2 500 8080 haproxy -db -f "$work/etc/haproxy.cfg"
	json 'wall("application.limit").limit == 50'
	haproxy_conf "$work/etc/haproxy.cfg" 0
	check 0 100 8080 haproxy -db -f "$work/etc/haproxy.cfg"
	json 'wall("application.limit") | .verdict == "ok" and .limit > 100 and .at_most'
}

# It replaces RLIMIT_NOFILE, which it leaves as it is.
# What haproxy prints of its version: the number is in the text until 2.0.
test_sections_of_an_older_haproxy_have_a_limit_by_default() {
	needs haproxy
	mkdir old
	cp "$(command -v haproxy)" old/haproxy
	haproxy_conf "$work/etc/haproxy.cfg" 9900
	check 0 4000 8080 "$work/old/haproxy" -db -f "$work/etc/haproxy.cfg"
	printf 'HA-Proxy version 1.8.27 2020/11/06\n%0128d' 0 >>old/haproxy
	check 2 4000 8080 "$work/old/haproxy" -db -f "$work/etc/haproxy.cfg"
	json 'wall("application.limit") | .verdict == "short" and .limit == 2000 and
			(.detail | test("^maxconn in section (frontend|listen) \\(default, not set in .*/haproxy.cfg\\) is 2 000"))' \
		'finding("application.limit.short").advice | contains("Raise it in each section (defaults, frontend, listen) that has it lower")'
	sed -i "s/^defaults/&\n  maxconn 9000/" "$work/etc/haproxy.cfg"
	check 0 4000 8080 "$work/old/haproxy" -db -f "$work/etc/haproxy.cfg"
}

test_fd_hard_limit_of_haproxy_bounds_what_it_takes_without_maxconn() {
	needs haproxy
	haproxy_conf "$work/etc/haproxy.cfg" 0
	sed -i "s/^global/&\n  fd-hard-limit 300/" "$work/etc/haproxy.cfg"
	check 0 60 8080 haproxy -db -f "$work/etc/haproxy.cfg"
	json 'wall("application.limit") | .verdict == "ok" and .limit == 150 and .at_most and
		(.detail | contains("fd-hard-limit of ")) and (.detail | contains("halved, is 150"))'
	check 2 500 8080 haproxy -db -f "$work/etc/haproxy.cfg"
	json 'finding("application.limit.short").advice |
		contains("maxconn 704 in section global; remove fd-hard-limit")'
	check 0 60 8080 haproxy -db -n 100 -f "$work/etc/haproxy.cfg"
	json 'wall("application.limit") | .verdict == "ok" and .limit == 100'
}

# No client of a section comes to the listeners of peers, of logs and of commands.
test_listeners_of_haproxy_without_clients_do_not_count() {
	needs haproxy
	for address in 127.0.0.1 0.0.0.0; do
		haproxy_conf "$work/etc/haproxy.cfg" 9900
		sed -i "s/^global/&\n  localpeer own\n  stats socket ipv4@$address:8081/" "$work/etc/haproxy.cfg"
		printf 'peers p\n  peer own %s:8082\nring r\n  size 32768\nlog-forward l\n  bind %s:8083\n  log ring@r local0\n' \
			$address $address >>"$work/etc/haproxy.cfg"
		haproxy -db -f "$work/etc/haproxy.cfg" >server.out 2>&1 &
		wait_for serves 8083
		expect 0 epolltune check --quick --probe configuration --server "$!" --connections 500 --rate 10 --format json
		json 'wall("application.limit") | .verdict == "ok" and .limit == 9900'
		end_jobs
	done
}

test_a_section_of_another_listener_does_not_count() {
	needs haproxy
	haproxy_conf "$work/etc/haproxy.cfg" 9900
	printf 'listen stats\n  bind :8404\n  maxconn 10\n  stats enable\n' >>"$work/etc/haproxy.cfg"
	haproxy -db -f "$work/etc/haproxy.cfg" >server.out 2>&1 &
	wait_for serves 8404
	again 0 500
	json 'wall("application.limit") | .verdict == "ok" and .limit == 9900'
	expect 3 epolltune check --quick --probe configuration --server "$!" --connections 500 --rate 10 --format json
	unknown_for "name one listener"
	expect 2 epolltune check --quick --probe configuration --server "$!" --connections 20k --rate 10 --format json
	json 'wall("application.limit") | .verdict == "short" and .limit == 9900'
	end_jobs
}

# A client of :8080 comes through :8081 too, of the same process: of 200 it takes two, and 100 are served.
test_a_listener_of_its_own_behind_it_counts() {
	needs haproxy
	cat >etc/haproxy.cfg <<-EOF
		global
		  maxconn 200
		defaults
		  mode tcp
		  timeout connect 5s
		  timeout client 60s
		  timeout server 60s
		frontend f
		  bind :8080
		  default_backend own
		backend own
		  server l 127.0.0.1:8081
		frontend g
		  bind 127.0.0.1:8081
		  mode http
		  http-request return status 200
	EOF
	haproxy -db -f "$work/etc/haproxy.cfg" >server.out 2>&1 &
	wait_for serves 8081
	for server in $! :8080; do
		expect 2 epolltune check --quick --probe configuration,descriptors --server "$server" --connections 150 --rate 10 \
			--role proxy --format json
		json 'wall("application.limit") | .verdict == "short" and .limit == 100' 'wall("descriptors.process").needed == 450' \
			'finding("application.limit.short").detail | contains("It connects to its own listener 127.0.0.1:8081")'
	done
	# Without --role it is a proxy, too.
	expect 2 epolltune check --quick --probe configuration --server :8080 --connections 150 --rate 10 --format json
	json '.target.role == "proxy" and .server.proxy' 'wall("application.limit").verdict == "short"'
	expect 3 epolltune check --quick --probe configuration --server :8080 --connections 150 --rate 10 --role server \
		--format json
	json '.target.role == "server" and (.server.proxy | not)'
	unknown_for "HAProxy connects to its own listener 127.0.0.1:8081"
	expect 0 epolltune check --quick --probe configuration --server :8080 --connections 80 --rate 10 --format json
	printf 'backend other\n  server o 192.0.2.1:80\n' >>etc/haproxy.cfg
	end_jobs
	check 3 150 8080 haproxy -db -f "$work/etc/haproxy.cfg"
	unknown_for "a client that comes through it takes 2 of maxconn"
}

# Each client takes a port, of 200.
test_a_proxy_is_judged_as_one_without_its_role() {
	needs haproxy nginx
	echo 40000 40199 >/proc/sys/net/ipv4/ip_local_port_range
	haproxy_conf "$work/etc/haproxy.cfg" 9900
	haproxy -db -f "$work/etc/haproxy.cfg" >server.out 2>&1 &
	wait_for serves 8080
	expect 0 epolltune check --quick --probe ports --server :8080 --connections 500 --rate 1 --format json
	json '.target.role == "server"'
	end_jobs
	printf 'backend b\n  server o 192.0.2.1:80\n' >>"$work/etc/haproxy.cfg"
	haproxy -db -f "$work/etc/haproxy.cfg" >server.out 2>&1 &
	wait_for serves 8080
	expect 2 epolltune check --quick --probe ports --server :8080 --connections 500 --rate 1
	grep -q "^Target of a proxy, as haproxy is one: 500 connections" out
	grep -q "epolltune apply .*--role proxy" out
	expect 0 epolltune check --quick --probe ports --server :8080 --connections 500 --rate 1 --role server
	end_jobs
	nginx_conf ""
	sed -i "s|return 200 ok|proxy_pass http://192.0.2.1|" etc/nginx.conf
	nginx -e stderr -c "$work/etc/nginx.conf" >server.out 2>&1 &
	wait_for serves 8080
	expect 1 epolltune check --quick --probe ports --server :8080 --connections 500 --rate 1 --format json
	json '.target.role == "server"' \
		'finding("listeners.role") | .level == "warning" and (.detail | contains("ports.ephemeral")) and
			(.advice | contains("epolltune check --server :8080 --connections 500 --rate 1 --role proxy"))'
	expect 0 epolltune check --quick --probe ports --server :8080 --connections 500 --rate 1 --role server
	expect 0 epolltune check --quick --probe ports --server :8080 --connections 20 --rate 1
	end_jobs
}

test_an_option_of_haproxy_replaces_that_of_its_file() {
	needs haproxy
	haproxy_conf "$work/etc/haproxy.cfg" 9900
	check 2 500 8080 haproxy -db -n 70 -f "$work/etc/haproxy.cfg"
	json 'wall("application.limit") | .verdict == "short" and .limit == 70' \
		'finding("application.limit.short").advice | contains("-n 704 in its command")'
}

test_the_directive_is_proposed() {
	needs nginx
	nginx_conf "worker_connections 200;"
	nginx -e stderr -c "$work/etc/nginx.conf" >server.out 2>&1 &
	wait_for serves 8080
	again 2 200 --role proxy
	json 'wall("application.limit").knob == "server.max_connections"' \
		'finding("application.limit.short") | [.proposals[] | [.knob, .current, .proposed]] ==
			[["server.max_connections", "200", "576"]] and .tried_state == "not tried"'
	cp etc/nginx.conf before.conf
	expect 1 epolltune apply --yes --no-proof --state-dir state --probe configuration --server :8080 --connections 200 \
		--rate 10 --role proxy --format json
	json '[.manual[] | [.knob, .proposed]] == [["server.max_connections", "576"]]' '.changes == []'
	cmp etc/nginx.conf before.conf
	end_jobs
}

limited_by() { # SECTION DIRECTIVE ARGUMENTS
	haproxy_conf "$work/etc/haproxy.cfg" 9900
	sed -i "s/^$1/&\n  $2 $3/" "$work/etc/haproxy.cfg"
	check 3 100 8080 haproxy -db -f "$work/etc/haproxy.cfg"
	unknown_for "$2 in "
}

test_what_epolltune_does_not_evaluate_makes_the_limit_unknown() {
	needs haproxy
	limited_by global maxconnrate 5
	limited_by defaults 'rate-limit sessions' 5
	limited_by 'listen a' 'tcp-request connection reject' 'if { dst_conn gt 5 }'
}

workers() { # LIMIT
	epolltune check --quick --probe configuration --server :8080 --connections 3000 --rate 10 --format json |
		jq -e "[.walls[] | select(.name == \"application.limit\" and .limit == $1)] != []" >/dev/null
}

# Of workers that serve many clients it has a default, the others serve one.
test_the_default_of_the_worker_class_counts() {
	app
	check 0 20 8080 gunicorn -b :8080 -k gthread app:app
	json 'wall("application.limit") | .verdict == "ok" and .limit == 1000 and
		(.detail | contains("--worker-connections (default, not set in its command) is 1 000"))'
	check 2 2000 8080 gunicorn -b :8080 --threads 4 app:app
	json 'wall("application.limit") | .verdict == "short" and .limit == 1000'
	check 0 20 8080 gunicorn -b :8080 --threads 4 --worker-connections 50 app:app
	json 'wall("application.limit") | .verdict == "ok" and .limit == 50'
	check 2 2000 8080 /usr/bin/python3 -m gunicorn -b :8080 --threads 4 app:app
	json 'wall("application.limit") | .verdict == "short" and .limit == 1000'
	gunicorn -b :8080 -w 2 app:app >server.out 2>&1 &
	wait_for serves 8080
	wait_for workers 2051
	again 0 2
	again 3 20
	unknown_for "serves 2 connections at a time, and the others wait in its accept queue"
	again 2 3000
	json 'wall("application.limit") | .verdict == "short" and .limit == 2051 and
		(.detail | contains("The limit of a worker of class sync is 1 for each of 2 processes, and its accept queue holds 2 049 more"))' \
		'finding("application.limit.short").advice | contains("worker_class = \"gevent\"")'
	end_jobs
	sed 's/.*/import gunicorn.workers.sync\nclass Own(gunicorn.workers.sync.SyncWorker): pass/;q' app.py >own.py
	check 3 20 8080 gunicorn -b :8080 --pythonpath "$work" -k own.Own app:app
	unknown_for "does not understand "
}

# A server of another name, at :8080.
named_server() {
	needs python3
	cat >named.py <<-EOF
		import socket, sys, threading, time
		def name(text):
		    open("/proc/thread-self/comm", "w").write(text)
		def work():
		    name(sys.argv[2])
		    time.sleep(60)
		name(sys.argv[1])
		if len(sys.argv) > 2:
		    threading.Thread(target=work, daemon=True).start()
		    time.sleep(0.2)
		listener = socket.create_server(("0.0.0.0", 8080))
		time.sleep(60)
	EOF
}

# Its default is no evidence of what a file that is not read sets.
test_a_server_whose_files_are_not_read_is_unknown() {
	named_server
	check 3 20 8080 python3 named.py postgres
	unknown_for "epolltune does not read max_connections of PostgreSQL (default: 100); to see it: psql -c 'show max_connections'; check"
	check 3 20 8080 python3 named.py mysqlrouter
	unknown_for "epolltune does not read max_total_connections and max_connections of MySQL Router (default: 512 of all its routes); to see it: grep -rE"
	json '.target.role == "proxy"'
	check 3 20 8080 python3 named.py slapd
	unknown_for "epolltune does not read the size of the table of descriptors of OpenLDAP (default: what RLIMIT_NOFILE allows at its start); to see it: systemctl show"
	check 3 20 8080 python3 named.py php-fpm8.2
	unknown_for "epolltune does not read pm.max_children of php-fpm (default: 5 in Debian's pool); to see it: php-fpm -tt; further clients wait in the accept queue; check"
}

# Of more those that have logged in do not count.
test_the_title_of_sshd_shows_how_many_it_takes() {
	named_server
	check 0 20 8080 python3 named.py sshd "[listener] 3 of 50-60 startups"
	json 'wall("application.limit") | .verdict == "ok" and .limit == 50 and (.detail | startswith("MaxStartups of its title is 50"))'
	check 3 200 8080 python3 named.py sshd "[listener] 3 of 50-60 startups"
	unknown_for "epolltune does not read MaxStartups of OpenSSH"
}

# By its threads, as Java names and shortens them; older versions name none.
test_tomcat_is_told_from_other_servers_in_java() {
	named_server
	for thread in http-nio-8080-A http-ni..Poller https-j..ceptor java; do
		check 3 20 8080 python3 named.py java $thread
		unknown_for "epolltune does not read maxConnections, maximumConnections or maxClientCnxns of Java (default: 8 192 in Tomcat, 1 000 in ActiveMQ"
	done
	check 0 20 8080 python3 named.py java qtp12-acceptor
	json 'wall("application.limit") | .verdict == "n/a" and (.detail | startswith("epolltune knows of no limit"))'
}

test_an_option_without_a_default_is_the_limit_where_it_is_there() {
	named_server
	check 0 20000 8080 python3 named.py uvicorn
	json 'wall("application.limit").verdict == "n/a"'
	check 2 60 8080 python3 named.py uvicorn --limit-concurrency 50
	json 'wall("application.limit") | .verdict == "short" and .limit == 49' \
		'finding("application.limit.short").advice | contains("uvicorn --limit-concurrency ")'
	check 3 20 8080 env UVICORN_LIMIT_CONCURRENCY=50 python3 named.py uvicorn
	unknown_for "UVICORN_LIMIT_CONCURRENCY, which"
}

test_a_proxy_of_socket_units_refuses_beyond_its_limit() {
	named_server
	check 0 20 8080 python3 named.py systemd-socket- --connections-max=50 host:80
	json 'wall("application.limit") | .verdict == "ok" and .limit == 50'
	check 2 60 8080 python3 named.py systemd-socket- --connections-max=50 host:80
	json 'finding("application.limit.short").advice | contains("systemd-socket-proxyd --connections-max=")'
}

# One worker has one client: its limit on descriptors does not bind.
test_synchronous_workers_need_no_descriptors() {
	app
	(ulimit -Sn 512 && exec gunicorn -b :8080 -w 2 app:app) >server.out 2>&1 &
	wait_for serves 8080
	wait_for workers 2051
	expect 0 epolltune check --quick --probe descriptors --server :8080 --connections 1500 --format json
	json 'wall("descriptors.process").verdict == "n/a"'
	end_jobs
	(ulimit -Sn 512 && exec gunicorn -b :8080 -w 2 -k gthread app:app) >server.out 2>&1 &
	wait_for serves 8080
	wait_for workers 2000
	expect 2 epolltune check --quick --probe descriptors --server :8080 --connections 1500 --format json
	json 'wall("descriptors.process").verdict == "short"'
	end_jobs
}

test_a_limit_that_a_command_changes_is_an_upper_bound() {
	needs redis-server
	check 0 200 8080 redis-server --save '' --port 8080 --maxclients 500 --set-proc-title no
	json 'wall("application.limit") | .verdict == "ok" and .limit == 500 and .at_most'
}

test_an_option_of_memcached_is_read() {
	needs memcached
	check 2 100 8080 memcached -u root -U 0 -p 8080 -c 64
	json 'wall("application.limit") | .verdict == "short" and .limit < 64' \
		'finding("application.limit.short") | .detail | contains("-c of its command is 64")'
	check 0 100 8080 memcached -u root -U 0 -p 8080
	json 'wall("application.limit") | .verdict == "ok" and .limit < 1024'
	check 2 5000 8080 memcached -u root -U 0 -p 8080
	json 'wall("application.limit").verdict == "short"'
	check 2 200 8080 memcached -u root -U 0 -p 8080 --conn-limit=200
	json 'wall("application.limit") | .verdict == "short" and .limit > 100 and .limit < 200'
	check 3 100 8080 memcached -u root -U 0 -p 8080 -vc 110
	unknown_for "does not understand -vc in the command"
	check 3 100 8080 memcached -u root -U 0 -p 8080 --conn-lim 110
	unknown_for "does not understand --conn-lim in the command"
}

test_a_server_that_is_not_known_has_no_such_wall() {
	check 0 100 8080 epolltune serve --port 8080 --workers 1 --quiet
	json '[.walls[] | select(.name == "application.limit")] == []'
}

run_tests "$@"
