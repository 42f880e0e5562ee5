#!/bin/sh
# check --run with HAProxy, memcached and gunicorn, and two commands in turn.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=SCRIPTDIR/../guests.sh
. "$(dirname "$0")/../guests.sh"

run() { # STATUS COMMAND OPTIONS…
	want=$1 command=$2
	shift 2
	expect "$want" epolltune check --run "$command" --writable "$work" --format json --connections 200 "$@"
}

# Again, until a busy machine has allowed a verdict.
run_known() { # FILTER STATUS COMMAND OPTIONS…
	filter=$1 want=$2 command=$3
	shift 3
	expect_known "$filter" "$want" epolltune check --run "$command" --writable "$work" --format json --connections 200 "$@"
}
known='wall("application.connections").verdict != "unknown"'
timed='wall("application.latency.p50").measured | type == "number"'
both_known='wall("application.connections") | .before.verdict != "unknown" and .after.verdict != "unknown"'

is_the_applications() { # CONNECTIONS LINE
	json "wall(\"application.connections\") | .measured == $1 and .verdict == \"short\"" \
		"finding(\"application.connections.short\") | .remedy == \"application\"" \
		"finding(\"application.connections.short\") | .advice | contains(\"$2\")"
}

test_haproxy_is_limited_by_maxconn() {
	needs_lab
	needs haproxy
	haproxy_conf haproxy.cfg 50
	run_known "$known" 2 "exec haproxy -f $work/haproxy.cfg" --port 8080 --protocol http --probe application
	is_the_applications 50 'maxconn 288'
}

test_memcached_is_limited_by_its_option() {
	needs_lab
	needs memcached
	run_known "$known" 2 "exec memcached -u root -c 64 -U 0" --port 11211 --protocol memcached --probe application
	# Some are its own: listeners, epoll, pipes of its threads.
	json 'wall("application.connections") | .measured < 64 and .measured > 20' \
		'finding("application.connections.short") | .remedy == "application"' \
		'finding("application.connections.short") | .advice | test("memcached -c (28[89]|29|30|31|32)")'
}

test_a_synchronous_worker_of_gunicorn_serves_one() {
	needs_lab
	needs gunicorn
	cat >app.py <<-EOF
		def app(env, start):
		    start("200 OK", [("Content-Length", "3")])
		    return [b"ok\\n"]
	EOF
	run_known "$known" 2 "cd $work && exec gunicorn -b :8000 app:app" --port 8000 --protocol http --probe application
	is_the_applications 1 'worker_connections = 288'
}

test_two_commands_differ_where_they_do() {
	needs_lab
	needs haproxy
	haproxy_conf small.cfg 50
	haproxy_conf large.cfg 1000
	run_known "$both_known" 0 "exec haproxy -f $work/small.cfg" --versus "exec haproxy -f $work/large.cfg" --port 8080 --protocol http \
		--rate 100 --probe application
	json '.schema == "epolltune.diff/1"' 'wall("application.connections") | .change == "better"' \
		'wall("application.connections") | .before.value == 50 and .after.verdict == "ok"'
	expect 0 epolltune check --run "exec haproxy -f $work/large.cfg" --versus "exec haproxy -f $work/large.cfg #" \
		--writable "$work" --connections 200 --port 8080 --rate 100 --format markdown
	is changes "$(sed -n 's/^| `.* | \([a-z]*\) |$/\1/p' out | sort -u)" same
	said '## epolltune check --versus of ' 'large.cfg \#' 'Medians of 5 rounds each.'
}

# Each process serves one connection at a time, and answers after 100 ms.
slow_server() { # FILE
	cat >"$1" <<-'EOF'
		use IO::Socket::INET;
		my $l = IO::Socket::INET->new(LocalPort => 8080, Listen => 4096) or die;
		for (2 .. $ARGV[0]) { fork or last }
		while (my $c = $l->accept) {
			while (sysread $c, my $request, 4096) {
				select undef, undef, undef, 0.1;
				syswrite $c, $request or last;
			}
		}
	EOF
}

test_the_latency_of_a_pause_is_that_pause() {
	needs_lab
	slow_server server.pl
	run_known "$known and ($timed)" 2 "exec perl $work/server.pl 1" \
		--port 8080 --protocol echo --requests 2 --probe application
	# 10 answers a second at most, and none before its pause.
	json 'wall("application.connections") | .measured == 1' \
		'wall("application.rate") | .measured <= 10' \
		'wall("application.latency.p50") | .unit == "us" and .measured >= 100000 and .measured < 2000000' \
		'wall("application.latency.p50") | .detail | startswith("At 2/s, in an open loop over 1 connection, ")' \
		'wall("application.latency.p99").measured >= wall("application.latency.p50").measured'
}

test_two_workers_differ_from_one() {
	needs_lab
	slow_server server.pl
	run_known "$both_known" 0 "exec perl $work/server.pl 1" --versus "exec perl $work/server.pl 2" --port 8080 --protocol echo \
		--probe application
	json 'wall("application.connections") | .before.value == 1 and .after.value == 2 and .change == "moved"' \
		'wall("application.rate") | .before.value <= 10 and .after.value > .before.value and .change == "moved"' \
		'wall("application.latency.p50") | .before.value >= 100000 and .after.value >= 100000'
	run_known "$both_known" 0 "exec perl $work/server.pl 1" --versus "exec perl $work/server.pl 1 #" --port 8080 --protocol echo \
		--probe application
	json 'wall("application.connections") | .before.value == 1 and .change == "same"' \
		'wall("application.rate").change == "same"' '.findings == {"gone": [], "new": [], "worse": []}'
}

nginx_conf() { # FILE LISTEN [MORE]
	cat >"$1" <<-EOF
		daemon off;
		worker_processes 2;
		pid /run/nginx.pid;
		error_log stderr;
		${3:-}
		events { worker_connections 512; }
		http {
			access_log off;
			keepalive_requests 100000000;
			client_body_temp_path /tmp/1; proxy_temp_path /tmp/2; fastcgi_temp_path /tmp/3;
			uwsgi_temp_path /tmp/4; scgi_temp_path /tmp/5;
			server {
				listen $2;
				location / { return 200 ok; }
				location /status { stub_status; }
			}
		}
	EOF
}

test_reuseport_differs_where_it_counts() {
	needs_lab
	needs nginx
	nginx_conf one.conf '8080 backlog=64'
	nginx_conf two.conf '8080 backlog=64 reuseport'
	run any "exec nginx -e stderr -c $work/one.conf" --versus "exec nginx -e stderr -c $work/two.conf" \
		--port 8080 --rate 300 --probe accept-queue
	json 'wall("accept-queue") | .before.value == 65 and .after.value > 70 and .change != "same"'
	run 0 "exec nginx -e stderr -c $work/two.conf" --versus "exec nginx -e stderr -c $work/two.conf #" \
		--port 8080 --rate 300 --probe accept-queue
	json 'wall("accept-queue").change == "same"'
}

# Ends by SIGTERM: it asks nginx, which does not receive that signal, for its count.
counting_server() { # FILE
	cat >"$1" <<-'EOF'
		use POSIX qw(:signal_h);
		use IO::Socket::INET;
		my $term = POSIX::SigSet->new(SIGTERM);
		sigprocmask(SIG_BLOCK, $term);
		my $nginx = fork // die;
		if (!$nginx) { exec @ARGV; die }
		$SIG{TERM} = sub {
			my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1:8080') or die;
			print $s "GET /status HTTP/1.0\r\n\r\n";
			my $status = join '', <$s>;
			kill KILL => $nginx;
			open my $counts, '>>', "$ENV{COUNTS}" or die;
			print $counts $1 - 1, "\n" if $status =~ /^ \d+ \d+ (\d+)/m;
			exit;
		};
		sigprocmask(SIG_UNBLOCK, $term);
		waitpid $nginx, 0;
	EOF
}

test_nginx_counts_as_many_requests() {
	needs_lab
	needs nginx
	nginx_conf nginx.conf 8080 'master_process off;'
	counting_server server.pl
	run_known "$timed" 0 "COUNTS=$work/counts exec perl $work/server.pl nginx -e stderr -c $work/nginx.conf" --port 8080 \
		--protocol http --requests 200 --rate 100 --probe application
	json 'wall("application.latency.p50") | .detail | startswith("At 200/s, in an open loop over 64 connections, ")'
	count=$(jq -r '.walls[] | select(.name == "application.latency.p50").detail' out | sed 's/.* requests; \(.*\) in all .*/\1/' | tr -cd 0-9)
	[ "$count" -gt 200 ]
	grep -qx "$count" counts || fail "no server counted $count: $(cat counts)"
}

run_tests "$@"
