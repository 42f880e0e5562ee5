#!/bin/sh
# check --server: the files that a limit on connections is read from, and when they are not evidence.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=SCRIPTDIR/../guests.sh
. "$(dirname "$0")/../guests.sh"
# shellcheck source=SCRIPTDIR/../limits.sh
. "$(dirname "$0")/../limits.sh"

setup() { limits_begin; }

# Relative names begin at the first file, those with wildcards mean none, one or more.
test_included_files_are_read() {
	needs nginx
	mkdir etc/conf
	nginx_conf "include conf/*.conf;"
	check 2 500 8080 nginx -e stderr -c "$work/etc/nginx.conf"
	json 'wall("application.limit").limit == 478'
	echo "include $work/etc/conf/c;" >etc/conf/b.conf
	echo "worker_connections 200;" >etc/conf/c
	check 2 500 8080 nginx -e stderr -c "$work/etc/nginx.conf"
	json 'wall("application.limit").limit == 186'
	sed "/^events/d" etc/nginx.conf >etc/main.conf
	echo "include $work/etc/events.conf;" >>etc/main.conf
	echo "events { worker_connections 100; }" >etc/events.conf
	check 2 500 8080 nginx -e stderr -c "$work/etc/main.conf"
	json 'wall("application.limit").limit == 92'
}

# Any user may name such a server and its files.
test_files_are_read_up_to_a_bound() {
	needs nginx
	nginx_conf "include $work/etc/events.conf;"
	yes "# a comment" | head -n 90000 >etc/events.conf
	check 3 100 8080 nginx -e stderr -c "$work/etc/nginx.conf"
	unknown_for "events.conf has parts that epolltune does not follow"
	: >etc/events.conf
	nginx_conf "$(seq 33 | sed "s|.*|include $work/etc/events.conf;|" | tr "\\n" " ") worker_connections 9000;"
	check 3 100 8080 nginx -e stderr -c "$work/etc/nginx.conf"
	unknown_for "nginx.conf has parts that epolltune does not follow"
}

reloaded() {
	epolltune check --quick --probe configuration --server :8080 --connections 100 --rate 10 --format json |
		jq -e '[.walls[] | select(.name == "application.limit" and .limit > 8370)] != []' >/dev/null
}

test_a_file_that_changed_since_the_start_says_nothing() {
	needs nginx
	nginx_conf "worker_connections 200;" 2
	nginx -e stderr -c "$work/etc/nginx.conf" >server.out 2>&1 &
	wait_for serves 8080
	sleep 0.2 # longer than the clocks of processes and files differ
	again 0 100
	nginx_conf "worker_connections 9000;" 2
	again 3 100
	unknown_for "nginx.conf, its owner, mode or directory, or a link to it changed"
	kill -HUP "$(cat pid)"
	wait_for reloaded
	again 0 100
	json 'wall("application.limit") | .verdict == "ok" and .limit > 8370'
	end_jobs
}

# Neither the time of the content nor that of the file behind a link shows what the server has read.
test_a_file_with_an_older_time_may_have_changed() {
	needs nginx
	nginx_conf "worker_connections 9000;" 2
	cp etc/nginx.conf etc/older.conf
	nginx_conf "worker_connections 200;" 2
	ln -s nginx.conf etc/link.conf
	nginx -e stderr -c "$work/etc/link.conf" >server.out 2>&1 &
	wait_for serves 8080
	sleep 0.2 # longer than the clocks of processes and files differ
	again 2 400
	ln -sfn older.conf etc/link.conf
	again 3 200
	unknown_for "link.conf, its owner, mode or directory, or a link to it changed"
	kill -HUP "$(cat pid)"
	wait_for reloaded
	cp -p etc/nginx.conf etc/older.conf
	again 3 200
	unknown_for "link.conf, its owner, mode or directory, or a link to it changed"
	end_jobs
}

# The only worker may replace one that ended: it has what the master read at its start.
test_a_worker_that_was_replaced_reads_no_file() {
	needs nginx
	nginx_conf "worker_connections 200;"
	nginx -e stderr -c "$work/etc/nginx.conf" >server.out 2>&1 &
	wait_for serves 8080
	again 2 200
	sleep 0.2 # longer than the clocks of processes and files differ
	nginx_conf "worker_connections 9000;"
	worker=$(pgrep -P $!)
	kill -KILL "$worker"
	wait_for replaced $! "$worker"
	again 3 200
	unknown_for "restart it and check again"
	end_jobs
}

replaced() { # MASTER WORKER
	worker=$(pgrep -P "$1") && [ "$worker" != "$2" ]
}

# Also where neither the file nor a link in its name changed.
test_a_directory_above_a_file_may_have_changed() {
	needs nginx
	mkdir a b
	nginx_conf "worker_connections 9000;"
	mv etc/nginx.conf b/n.conf
	nginx_conf "worker_connections 200;"
	mv etc/nginx.conf a/n.conf
	ln -s a current
	ln -s "$work/current/n.conf" etc/link.conf
	nginx -e stderr -c "$work/etc/link.conf" >server.out 2>&1 &
	wait_for serves 8080
	sleep 0.2 # longer than the clocks of processes and files differ
	again 2 200
	ln -sfn b current
	again 3 200
	unknown_for "link.conf, its owner, mode or directory, or a link to it changed"
	end_jobs
	nginx -e stderr -c "$work/a/n.conf" >server.out 2>&1 &
	wait_for serves 8080
	sleep 0.2
	again 2 200
	mv a c
	mv b a
	again 3 200
	unknown_for "/a/n.conf, its owner, mode or directory, or a link to it changed"
	: >a/other # a later change of the directory's content hides when it was renamed
	again 3 200
	unknown_for "/a/n.conf, its owner, mode or directory, or a link to it changed"
	end_jobs
}

# As sockets and files of process ids are, by the servers themselves.
test_a_file_beside_it_may_change() {
	needs nginx
	nginx_conf "worker_connections 200;"
	mkdir etc/own
	mv etc/nginx.conf etc/own/nginx.conf
	nginx -e stderr -c "$work/etc/own/nginx.conf" >server.out 2>&1 &
	wait_for serves 8080
	sleep 0.2 # longer than the clocks of processes and files differ
	: >etc/own/other
	rm etc/own/other
	again 2 200
	json 'wall("application.limit") | .verdict == "short" and .limit == 186'
	end_jobs
}

# Links are resolved in the root of the server.
test_the_file_is_the_servers_own() {
	needs nginx
	nginx_conf "worker_connections 200;"
	sed "s/worker_connections 200/worker_connections 9000/" etc/nginx.conf >etc/real.conf
	cat >enter.sh <<-EOF
		mount --bind "$work/etc/nginx.conf" "$work/etc/real.conf"
		exec nginx -e stderr -c "$work/etc/link.conf"
	EOF
	ln -s "$work/etc/real.conf" etc/link.conf
	unshare -m sh enter.sh >server.out 2>&1 &
	wait_for serves 8080
	again 2 200
	json 'wall("application.limit") | .verdict == "short" and .limit == 186'
	end_jobs
}

# It has read its file outside of its root.
test_a_server_with_a_root_of_its_own_shows_no_file() {
	needs haproxy
	haproxy_conf "$work/etc/haproxy.cfg" 120
	mkdir -p "root$work/etc"
	haproxy_conf "root$work/etc/haproxy.cfg" 9900
	sed -i "s|^global|&\n  chroot $work/root|" "$work/etc/haproxy.cfg"
	check 3 100 8080 haproxy -db -f "$work/etc/haproxy.cfg"
	unknown_for "is not visible"
}

# A worker shows no command.
test_a_worker_without_its_master_names_no_file() {
	needs nginx
	nginx_conf "worker_connections 9000;"
	nginx -e stderr -c "$work/etc/nginx.conf" >server.out 2>&1 &
	wait_for serves 8080
	worker=$(pgrep -P $!)
	kill -KILL $!
	wait_for orphaned $!
	again 3 100
	unknown_for "is not visible"
	kill "$worker"
}

orphaned() { ! kill -0 "$1"; }

test_files_that_are_gone_are_unknown() {
	needs nginx
	mkdir etc/gone
	nginx_conf "include $work/etc/gone/*.conf;"
	echo "worker_connections 100;" >etc/gone/a.conf
	nginx -e stderr -c "$work/etc/nginx.conf" >server.out 2>&1 &
	wait_for serves 8080
	rm -r etc/gone
	again 3 100
	end_jobs
}

test_all_files_of_haproxy_are_read_in_their_order() {
	needs haproxy
	haproxy_conf "$work/all.cfg" 9900
	mkdir conf
	sed "/^listen/,\$d" all.cfg >conf/10-global.cfg
	sed -n "/^listen/,\$p" all.cfg >conf/30-listen.cfg
	printf 'defaults\n  mode http\n  maxconn 50\n  timeout client 30s\n  timeout connect 5s\n  timeout server 5s\n' >conf/20-defaults.cfg
	cp conf/20-defaults.cfg conf/.hidden.cfg
	cp conf/20-defaults.cfg conf/40.bak
	check 2 500 8080 haproxy -db -f "$work/conf"
	json 'wall("application.limit") | .verdict == "short" and .limit == 50'
	check 2 500 8080 haproxy -db -f "$work/conf/10-global.cfg" -f "$work/conf/20-defaults.cfg" -- "$work/conf/30-listen.cfg"
	json 'wall("application.limit") | .verdict == "short" and .limit == 50'
	mv conf/20-defaults.cfg conf/05-defaults.cfg
	check 0 500 8080 haproxy -db -f "$work/conf"
	json 'wall("application.limit") | .verdict == "ok" and .limit == 9900'
	haproxy -db -f "$work/conf" >server.out 2>&1 &
	wait_for serves 8080
	sleep 0.2 # longer than the clocks of processes and files differ
	mv conf/05-defaults.cfg conf/05-defaults.off
	again 3 500
	unknown_for "/conf, its owner, mode or directory, or a link to it changed"
	end_jobs
}

# Also in a file that is included where the limit cannot be set; what is not readable is left out.
test_included_files_may_limit_further() {
	needs nginx
	nginx_conf "worker_connections 9000;"
	sed -i "s|access_log off;|& include $work/etc/more/*.conf; include $work/etc/gone/none;|" etc/nginx.conf
	mkdir etc/more etc/gone
	: >etc/gone/none
	echo "client_max_body_size 1k;" >etc/more/a.conf
	check 0 100 8080 nginx -e stderr -c "$work/etc/nginx.conf"
	json 'wall("application.limit") | .verdict == "ok"'
	echo "limit_conn_zone \$binary_remote_addr zone=a:1m; limit_conn a 5;" >etc/more/b.conf
	nginx -e stderr -c "$work/etc/nginx.conf" >server.out 2>&1 &
	wait_for serves 8080
	rm etc/gone/none # not in a directory of the other files, whose change hides when it was renamed
	again 3 100
	unknown_for "limit_conn in "
	end_jobs
}

test_other_places_of_a_configuration_make_the_limit_unknown() {
	app
	check 3 20 8080 env GUNICORN_CMD_ARGS=--worker-connections=50 gunicorn -b :8080 -k gthread app:app
	unknown_for "GUNICORN_CMD_ARGS, which"
	echo "worker_connections = 50" >gunicorn.conf.py
	check 3 20 8080 gunicorn -b :8080 -k gthread app:app
	unknown_for "gunicorn.conf.py, which"
	# That of the directory in which it was started.
	check 3 20 8080 env PYTHONPATH="$work" gunicorn -b :8080 -k gthread --chdir / app:app
	unknown_for "gunicorn.conf.py, which"
	check 0 20 8080 gunicorn -b :8080 -k gthread --worker-connections 50 app:app
	json 'wall("application.limit") | .verdict == "ok" and .limit == 50'
}

run_tests "$@"
