#!/bin/sh
# check --run: the operator's nginx and Redis in a lab: which limit ends them, and whose it is.
# shellcheck source=SCRIPTDIR/../lib.sh
# shellcheck disable=SC2016 # the command's shell expands them
. "$(dirname "$0")/../lib.sh"
# shellcheck source=SCRIPTDIR/../guests.sh
. "$(dirname "$0")/../guests.sh"

# On a busy machine not all clients may be answered in time, and a proof may be inconclusive.
known='wall("application.connections").verdict != "unknown"'
all_known='all(.walls[]; .verdict != "unknown")'
tried="$known"' and finding("application.connections.short").tried_state != "inconclusive"'

# What the command writes is to stay.
shown() { echo "$work,${PROGRAM%/*}"; }

run() { # STATUS COMMAND OPTIONS…
	want=$1 command=$2
	shift 2
	expect "$want" env "MARK=$work" epolltune check --run "$command" --writable "$(shown)" --format json "$@"
}

# Again, until a busy machine has allowed a verdict.
run_known() { # FILTER STATUS COMMAND OPTIONS…
	filter=$1 want=$2 command=$3
	shift 3
	expect_known "$filter" "$want" env "MARK=$work" epolltune check --run "$command" --writable "$(shown)" --format json "$@"
}

nginx_conf() { # CONNECTIONS [LISTEN [ADDRESS]]
	cat >nginx.conf <<-EOF
		daemon off;
		pid /run/nginx.pid;
		error_log stderr;
		events { worker_connections $1; }
		http {
			access_log off;
			client_body_temp_path /tmp/1; proxy_temp_path /tmp/2; fastcgi_temp_path /tmp/3;
			uwsgi_temp_path /tmp/4; scgi_temp_path /tmp/5;
			server { listen ${3:-8080} ${2:-}; location / { return 200 ok; } }
		}
	EOF
}

# Whether a process of a command is left: it has this in its environment.
left() { grep -qs "MARK=$work" /proc/[0-9]*/environ; }

test_nginx_is_limited_by_worker_connections() {
	needs_lab
	nginx_conf 256
	run_known "$tried and $all_known" 2 "exec nginx -e stderr -c $work/nginx.conf" --port 8080 --protocol http --path /x --requests 10 \
		--connections 400 --rate 10 --probe application,manners
	# nginx closes idle ones when a sixteenth is left.
	json 'wall("application.connections") | .verdict == "short" and .method == "measured"' \
		'wall("application.connections") | .measured <= 256 and .measured >= 220' \
		'finding("application.connections.short") | .remedy == "application"' \
		'finding("application.connections.short") | .advice | contains("worker_connections 576;")' \
		'finding("application.connections.short") | .tried_state == "tried" and .tried ==
			"at least 500 held, with worker_connections 576 in \(env.PWD)/nginx.conf"' \
		'finding("application.connections.short") | [.proposals[] | [.knob, .current, .proposed]] ==
			[["server.max_connections", "256", "576"]]' \
		'wall("application.rate") | .verdict == "ok" and .measured > 10 and .needed == 10' \
		'wall("application.accepts") | .verdict == "ok" and .measured > 10' \
		'wall("application.memory") | .verdict == "ok" and .method == "measured" and .measured > 400' \
		'.server.run and .server.name == "nginx"' \
		'[.findings[].id] - ["application.connections.short"] == []'
	contains nginx.conf 'worker_connections 256;'
	# With the line it is met.
	nginx_conf 576
	run_known "$all_known" 0 "exec nginx -e stderr -c $work/nginx.conf" --port 8080 --connections 400 --rate 10 --probe application
	json 'wall("application.connections") | .verdict == "ok" and .at_least'
	! left
}

test_a_line_is_tried_together_with_the_descriptors_that_it_needs() {
	needs_lab
	nginx_conf 128
	ulimit -Sn 200
	run_known "$tried" 2 "exec nginx -e stderr -c $work/nginx.conf" --port 8080 --connections 400 --rate 10 --probe application
	json 'finding("application.connections.short") | .remedy == "application" and .tried_state == "tried"' \
		'finding("application.connections.short") | [.proposals[] | [.knob, .current, .proposed]] ==
			[["server.max_connections", "128", "576"], ["RLIMIT_NOFILE", "200", "1024"]]'
}

test_a_line_that_cannot_be_tried_is_not() {
	needs_lab
	not_tried() { # TEXT COMMAND
		run_known "$tried" 2 "$2" --port 8080 --connections 400 --rate 10 --probe application
		TEXT=$1 json 'finding("application.connections.short") | .tried_state == "not tried" and (.tried | contains(env.TEXT))'
	}
	nginx_conf 256
	echo "exec nginx -e stderr -c $work/nginx.conf" >start.sh
	export TEXT
	not_tried 'the command does not start nginx itself' "exec sh $work/start.sh"
	not_tried 'the shell expands the name' "exec nginx -e stderr -c \$MARK/nginx.conf"
	not_tried '/tmp/made.conf' "cp $work/nginx.conf /tmp/made.conf; exec nginx -e stderr -c /tmp/made.conf"
	# A server that does not start with the line says why.
	not_tried 'the server exited with status 7: an error of its' \
		"grep -q '{ worker_connections 256;' $work/nginx.conf || { echo an error of its; exit 7; }; exec nginx -e stderr -c $work/nginx.conf"
}

test_a_low_limit_on_descriptors_is_the_process() {
	needs_lab
	nginx_conf 1024
	run_known "$known" 2 "ulimit -n 300; exec nginx -e stderr -c $work/nginx.conf" --port 8080 --connections 400 --probe application
	json 'wall("application.connections") | .verdict == "short" and .measured > 280 and .measured < 300' \
		'wall("application.connections") | .knob == "RLIMIT_NOFILE"' \
		'finding("application.connections.short") | .remedy == "process" and .tried_state == "not tried"'
	# A limit that epolltune passes on is raised for the proof.
	(
		ulimit -Sn 300
		run_known "$tried" 2 "exec nginx -e stderr -c $work/nginx.conf" --port 8080 --connections 400 --probe application
	)
	json 'finding("application.connections.short") | .remedy == "process" and .tried_state == "tried"' \
		'finding("application.connections.short") | .tried | contains("at least 500 held")'
}

test_the_queues_are_of_the_kernel_or_the_application() {
	in_root_namespace
	half_open='(wall("syn-queue").measured | type == "number") and
		all(.findings[]; .id != "syn-queue.tight" or .tried_state != "inconclusive")'
	echo 64 >/proc/sys/net/core/somaxconn || skip 'somaxconn cannot be set here'
	nginx_conf 1024 backlog=4096
	run_known "$half_open" 2 "exec nginx -e stderr -c $work/nginx.conf" --port 8080 --connections 10 --rate 2k --rtt 100ms \
		--probe accept-queue,syn-queue
	json 'wall("accept-queue") | .measured == 65 and .verdict == "short" and .method == "measured"' \
		'finding("accept-queue.short") | .remedy == "kernel" and .tried_state == "tried"'
	json 'wall("syn-queue") | .measured == 65 and .verdict == "tight" and .method == "measured"' \
		'finding("syn-queue.tight") | .remedy == "kernel" and .tried_state == "tried"' \
		'finding("syn-queue.tight") | at_proposed("half open") == 250'
	echo 4096 >/proc/sys/net/core/somaxconn
	nginx_conf 1024
	run_known "$half_open" 2 "exec nginx -e stderr -c $work/nginx.conf" --port 8080 --connections 10 --rate 8k --rtt 100ms \
		--probe accept-queue,syn-queue
	json 'wall("accept-queue") | .measured == 512 and .verdict == "short"' \
		'finding("accept-queue.short") | .remedy == "application" and .tried_state == "tried"' \
		'finding("accept-queue.short") | .tried | startswith("0 dropped") and
			endswith("with listen … backlog=1024 in \(env.PWD)/nginx.conf")'
	json 'wall("syn-queue") | .measured == 512 and .verdict == "tight"' \
		'finding("syn-queue.tight") | .remedy == "application" and .tried_state == "tried"' \
		'finding("syn-queue.tight") | at_proposed("half open") == 1000'
	# Both have to be raised: the kernel's limit, and the line in a file that another includes.
	echo 64 >/proc/sys/net/core/somaxconn
	mkdir sites
	for site in a b; do echo "server { listen 8080; server_name $site; }"; done >sites/both.conf
	echo 'server { listen 8080 reuseport; server_name c; }' >sites/c.conf
	sed 's|server {.*|include sites/*.conf;|' nginx.conf >all.conf
	run_known 'finding("accept-queue.short").tried_state == "tried"' 2 "exec nginx -e stderr -c $work/all.conf" --port 8080 \
		--connections 10 --rate 8k --probe accept-queue
	json 'finding("accept-queue.short") | .remedy == "kernel"' \
		'finding("accept-queue.short") | .tried | startswith("0 dropped") and contains("backlog=1024 in \(env.PWD)/sites/c.conf")'
}

test_redis_is_limited_by_maxclients() {
	needs_lab
	run_known "$tried" 2 'exec redis-server --maxclients 100 --save "" --protected-mode no' --port 6379 --protocol redis \
		--connections 200 --rate 1k --probe application
	json 'wall("application.connections") | .measured == 100 and .verdict == "short"' \
		'finding("application.connections.short") | .detail | contains("max number of clients reached")' \
		'finding("application.connections.short") | .advice | contains("maxclients 288")' \
		'finding("application.connections.short") | .tried == "at least 250 held, with --maxclients 288 in its command"'
	printf 'maxclients 100\nsave ""\nprotected-mode no\n' >redis.conf
	run_known "$tried" 2 "exec redis-server $work/redis.conf" --port 6379 --protocol redis --connections 200 --rate 1k --probe application
	json 'finding("application.connections.short") | .tried == "at least 250 held, with maxclients 288 in \(env.PWD)/redis.conf"'
	contains redis.conf 'maxclients 100'
	# On loopback, where clients of its own host reach it; a daemon is followed.
	run_known "$all_known" 0 'redis-server --save "" --bind 127.0.0.1 --daemonize yes' --port 6379 --protocol redis \
		--connections 50 --requests 10 --rate 10 --probe application
	json 'wall("application.connections") | .verdict == "ok" and .at_least'
	! left
}

overlays_logged() { dmesg 2>/dev/null | grep '"xino"' | tail -n 1; }

test_a_unix_socket_is_driven_into_its_limits() {
	in_root_namespace
	echo 64 >/proc/sys/net/core/somaxconn || skip 'somaxconn cannot be set here'
	nginx_conf 256 backlog=4096 unix:/run/app.sock
	logged=$(overlays_logged)
	run_known "$known"' and (wall("accept-queue.unix").measured | type == "number") and
		finding("accept-queue.unix.short").tried_state != "inconclusive"' \
		2 "exec nginx -e stderr -c $work/nginx.conf" --port unix:/run/app.sock --protocol http --requests 10 \
		--connections 400 --rate 2k --probe accept-queue,syn-queue,ports,application
	json '.server.addresses == "unix:/run/app.sock"' \
		'wall("accept-queue.unix") | .measured == 65 and .verdict == "short" and .method == "measured"' \
		'finding("accept-queue.unix.short") | .remedy == "kernel" and .tried_state == "tried"' \
		'finding("accept-queue.unix.short") | .tried == "0 of 200 refused"' \
		'wall("application.connections") | .measured <= 256 and .measured >= 220' \
		'wall("application.rate") | .verdict == "ok" and .method == "measured"' \
		'[.walls[] | select(.detail | contains("has no TCP listener")) | .verdict] | length >= 5 and unique == ["n/a"]'
	# Where the kernel shows the inodes of overlays (Linux 5.14).
	! grep -q '^ino:' /proc/self/fdinfo/0 || [ "$(overlays_logged)" = "$logged" ] || fail 'the kernel logged an overlay'
	! left
}

test_what_a_server_leaves_at_its_path_is_removed() {
	needs_lab
	cat >server.pl <<-'EOF'
		use IO::Socket::UNIX;
		my $l = IO::Socket::UNIX->new(Local => "$ARGV[0].new", Listen => 3) or die "$ARGV[0].new: $!";
		chmod 0600, "$ARGV[0].new";
		chown 65534, 65534, "$ARGV[0].new";
		rename "$ARGV[0].new", $ARGV[0];
		my @all;
		while (1) { push @all, $l->accept }
	EOF
	run_known "$all_known" 0 "exec perl $work/server.pl $work/app.sock" --port "unix:$work/app.sock" --connections 20 --rate 10 \
		--probe accept-queue,application
	json 'wall("accept-queue.unix") | .measured == 4' 'wall("application.connections") | .at_least and .measured == 25'
	[ ! -e app.sock ]
	# Another one may use what it finds there.
	touch app.sock
	expect 3 epolltune check --run "exec perl $work/server.pl $work/app.sock" --port "unix:$work/app.sock" --writable "$work"
	contains err "$work/app.sock exists before the command starts"
	[ -e app.sock ]
	# A link may lead to nothing in the lab, and to a server of this host.
	ln -sf /tmp/elsewhere/app.sock app.sock
	expect 3 epolltune check --run "exec perl $work/server.pl $work/app.sock" --port "unix:$work/app.sock" --writable "$work"
	contains err "$work/app.sock exists before the command starts"
	[ -L app.sock ]
	expect 3 epolltune check --run "exec perl $work/server.pl /tmp/a" --port unix:/tmp/b --writable "$work"
	contains err 'does not listen on unix:/tmp/b; it listens on unix:/tmp/a.new'
}

# It listens on $1 until it is killed.
unix_server() { exec perl -MIO::Socket::UNIX -e '$l = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 3) or die; sleep 600' "$1"; }

test_a_command_writes_copies() {
	needs_lab
	grep -qw overlay /proc/filesystems || skip 'this kernel has no overlays'
	echo old >kept
	touch gone
	mkdir log
	unix_server app.sock &
	server=$!
	wait_for [ -S app.sock ]
	cat >copies <<-EOF
		set -e
		cd $work
		grep -q old kept
		echo new >>kept
		rm -f gone
		echo x >log/x
		for d in /tmp /var/tmp /run; do echo x >\$d/${work##*/}.x; done
		exec perl -MIO::Socket::UNIX -e 'my \$l = IO::Socket::UNIX->new(Local => "app.sock", Listen => 3) or die;
			while (1) { push @all, \$l->accept }'
	EOF
	# The directory that it is started in is there, too.
	expect_known "$all_known" 0 env "MARK=$work" epolltune check --run '. ./copies' --port "unix:$work/app.sock" --format json \
		--connections 20 --rate 10 --probe accept-queue,application
	json 'wall("accept-queue.unix") | .measured == 4'
	! left
	[ "$(cat kept)" = old ]
	[ -e gone ]
	[ ! -e log/x ]
	[ ! -e "/tmp/${work##*/}.x" ]
	[ ! -e "/var/tmp/${work##*/}.x" ]
	[ ! -e "/run/${work##*/}.x" ]
	[ -S app.sock ]
	kill "$server"
}

test_servers_start_with_the_files_of_their_packages() {
	[ "$(id -u)" = 0 ] || skip 'they become another user'
	may_unshare -m || skip 'namespaces are not available'
	grep -qw overlay /proc/filesystems || skip 'this kernel has no overlays'
	# They write to /run, /var/lib and /var/log.
	for server in 'nginx:80:http' 'redis-server /etc/redis/redis.conf:6379:redis'; do
		IFS=: read -r command port protocol <<-EOF
			$server
		EOF
		expect_known "$all_known" 0 env "MARK=$work" epolltune check --run "$command" --port "$port" --protocol "$protocol" --format json \
			--connections 100 --requests 10 --rate 10 --probe application
		json 'wall("application.connections") | .verdict == "ok" and .method == "measured"'
	done
	! left
}

# Of a log that a server appends to all of it would be copied.
test_a_command_begins_its_logs_anew() {
	[ "$(id -u)" = 0 ] || skip 'only root may mount here'
	may_unshare -m || skip 'namespaces are not available'
	grep -qw overlay /proc/filesystems || skip 'this kernel has no overlays'
	expect 3 unshare -m sh -ec 'mount -t tmpfs none /var/log
		mkdir /var/log/1
		head -c 100000 /dev/zero >/var/log/1/large
		echo >/var/log/1/small
		epolltune check --port 80 --run "ls /var/log/1; echo x >>/var/log/1/small; echo >/var/log/1/large && exit 7" || status=$?
		[ "$(stat -c %s /var/log/1/large /var/log/1/small | xargs)" = "100000 1" ]
		exit "$status"'
	is 'what the command says' "$(head -n 2 err | xargs)" \
		'small epolltune: --run: the command exited with status 7 before it listened on port 80'
}

test_a_command_without_overlays_has_an_empty_run() {
	may_unshare -m || skip 'namespaces are not available'
	[ "$(id -u)" = 0 ] || skip 'only root may stack overlays'
	grep -qw overlay /proc/filesystems || skip 'this kernel has no overlays'
	mkdir s
	# The kernel stacks two at most.
	expect 3 unshare -m sh -ec 'mount -t tmpfs none s
		mkdir s/1 s/2 s/3 s/4 s/5
		mount -t overlay none s/5 -o lowerdir=/var,upperdir=s/1,workdir=s/2
		mount -t overlay none /var -o lowerdir=s/5,upperdir=s/3,workdir=s/4
		mount --bind /var /run
		exec epolltune check --port 80 --run "ls -A /run; ls /var/lib >/dev/null && exit 7"'
	is 'what the command says' "$(head -c 200 err)" \
		'epolltune: --run: the command exited with status 7 before it listened on port 80'
}

test_a_server_that_spins_without_descriptors_is_named() {
	needs_lab
	cp "$tests/support/echo_server.py" .
	# Again, until a busy machine has let it use up its descriptors, and spin.
	run_known 'has_finding("manners.untried") | not' 1 "exec python3 $work/echo_server.py spins" --port 8080 --protocol echo \
		--connections 10 --probe manners
	json '[.findings[].id] == ["application.spins"]' \
		'finding("application.spins") | (.title | contains("with no descriptor left")) and
			at_current("busiest thread ran or waited for a CPU") > 50' \
		'.summary.answer | startswith("Ready, but python3 spins")'
	! left
}

test_a_send_buffer_of_the_application_is_named() {
	needs_lab
	needs_tun
	nginx_conf 64 sndbuf=8k
	head -c 2000000 /dev/zero >large
	sed "s|return 200 ok|root $work|; 1i user root;" nginx.conf >files.conf
	run_known 'wall("application.throughput").measured | type == "number"' 2 \
		"exec nginx -e stderr -c $work/files.conf" --port 8080 --protocol http --path /large --probe throughput
	json 'wall("application.throughput") | .verdict == "short" and .method == "measured" and .measured < 1000000' \
		'finding("application.throughput.short") | .remedy == "application" and (.detail | contains("SO_SNDBUF")) and
			(.advice | contains("sndbuf=")) and at_current("send buffer") == 16384'
	run 0 "exec nginx -e stderr -c $work/files.conf" --port 8080 --protocol http --path /x --probe throughput
	json 'wall("application.throughput") | .verdict == "n/a" and (.detail | contains("an error"))'
	! left
}

test_a_server_that_keeps_no_connection_holds_none() {
	needs_lab
	run 3 'exec perl -MIO::Socket::INET -e "\$s = IO::Socket::INET->new(LocalPort => 8080, Listen => 100) or die;
		close \$c while \$c = \$s->accept"' --port 8080 --connections 100 --probe application
	json 'wall("application.connections") | .verdict == "unknown" and .measured == null' \
		'wall("application.connections") | .reason | contains("was closed at once")'
}

# Between its processes a connection is for a while among the descriptors of neither.
test_a_connection_that_is_passed_on_is_held() {
	needs_lab
	cat >server.py <<-'EOF'
		import os, socket, time
		here, there = socket.socketpair()
		kept = []
		if os.fork():
		    listener = socket.create_server(("0.0.0.0", 8080), backlog=100)
		    while True:
		        connection, _ = listener.accept()
		        socket.send_fds(here, [b"x"], [connection.fileno()])
		        connection.close()
		        here.recv(1)
		while True:
		    there.recv(1, socket.MSG_PEEK)
		    time.sleep(.05)
		    kept += socket.recv_fds(there, 1, 1)[1]
		    there.send(b"y")
	EOF
	run_known "$all_known" 0 "exec python3 $work/server.py" --port 8080 --connections 8 --rate 10 --probe application
	json 'wall("application.connections") | .verdict == "ok"'
}

# Many servers close a connection that is idle for seconds; one after the other, more take longer to open.
test_a_server_that_closes_idle_connections_is_not_limited() {
	needs_lab
	! sanitized || exit 0
	cat >server.py <<-'EOF'
		import asyncio, sys
		one_by_one = asyncio.Lock()
		async def serve(reader, writer):
		    try:
		        while await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 1):
		            if sys.argv[1] == "slow":
		                async with one_by_one:
		                    await asyncio.sleep(.05)
		            else:
		                await asyncio.sleep(.05)
		            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		    except (asyncio.TimeoutError, asyncio.IncompleteReadError, ConnectionError):
		        writer.close()
		async def main():
		    async with await asyncio.start_server(serve, "0.0.0.0", 8080) as server:
		        await server.serve_forever()
		asyncio.run(main())
	EOF
	run_known 'wall("application.connections").measured | type == "number"' 0 "exec python3 $work/server.py fast" \
		--port 8080 --protocol http --connections 30 --rate 10 --probe application
	json 'wall("application.connections") | .verdict == "ok" and .at_least'
	run 3 "exec python3 $work/server.py slow" --port 8080 --protocol http --connections 30 --rate 10 --probe application
	json 'wall("application.connections") | .verdict == "unknown" and .measured == null' \
		'wall("application.connections") | .reason | contains("closes a connection that is idle for")'
	! left
}

# One that serves clients, with a line before it accepts them.
server_with() { # LINE
	sed "s/^events = /$1\n&/" "$tests/support/echo_server.py" >server.py
}

test_a_server_that_starts_slowly_is_accused_of_nothing() {
	needs_lab
	# As one whose workers load an application.
	server_with 'import time; time.sleep(3)'
	slowly() { # PROTOCOL PROBES
		run_known 'all(.walls[]; .verdict != "unknown")' 0 "exec python3 $work/server.py none" --port 8080 \
			--protocol "$1" --connections 100 --rate 10 --probe "$2"
		json '.findings == []' 'wall("application.connections") | .verdict == "ok" and .at_least'
	}
	slowly echo application,manners
	slowly connect application
}

# They would count as open before the first connection, which would seem to be closed at once.
test_descriptors_that_a_server_closes_while_it_starts_are_none_at_rest() {
	needs_lab
	server_with 'import os, time; held = [os.dup(0) for each in range(3)]; time.sleep(.5); [os.close(fd) for fd in held]'
	run_known 'wall("application.connections").verdict != "unknown"' 0 "exec python3 $work/server.py none" --port 8080 \
		--protocol connect --connections 100 --rate 10 --probe application
	json 'wall("application.connections") | .verdict == "ok" and .at_least'
}

test_nothing_is_known_of_a_server_that_serves_nobody() {
	needs_lab
	server_with 'import time; time.sleep(1000)'
	for protocol in echo connect; do
		run 3 "exec python3 $work/server.py none" --port 8080 --protocol $protocol --connections 100 --rate 10 \
			--probe application
		json '.findings == []' '.probes[0].state == "done"' \
			'wall("application.connections") | .verdict == "unknown" and .measured == null and
				(.reason | startswith("the server did not serve its first client within 10 s: "))'
	done
	! left
}

test_a_server_that_ends_while_it_starts_says_so() {
	needs_lab
	server_with 'import time; time.sleep(.5); sys.exit("no such module")'
	run 3 "exec python3 $work/server.py none" --port 8080 --protocol echo --probe application
	contains err 'no such module' 'the server exited with status 1'
	! left
}

test_a_pause_is_no_limit() {
	needs_lab
	pause='import os, time'
	pause="$pause\\npaused = os.environ[\"MARK\"] + \"\/paused\""
	server_with "$pause"
	sed -i 's/^def answer.*/&\n    if len(clients) == 20 and not os.path.exists(paused):\n        os.mkdir(paused)\n        time.sleep(3)/' server.py
	paused_once() {
		rm -rf paused
		epolltune check "$@"
	}
	export MARK="$work"
	expect_known 'wall("application.connections").verdict != "unknown"' 0 paused_once --run "exec python3 $work/server.py none" \
		--writable "$(shown)" --format json --port 8080 --protocol echo --connections 100 --rate 10 --probe application
	[ -d paused ]
	json 'wall("application.connections") | .verdict == "ok" and .at_least'
}

# Its replies count neither connections nor requests.
test_a_server_that_answers_more_than_was_asked_is_not_measured() {
	needs_lab
	cat >server.py <<-'EOF'
		import asyncio
		async def serve(reader, writer):
		    while await reader.readline():
		        writer.write(b"+PONG\r\n")
		async def main():
		    async with await asyncio.start_server(serve, "0.0.0.0", 8080) as server:
		        await server.serve_forever()
		asyncio.run(main())
	EOF
	run 3 "exec python3 $work/server.py" --port 8080 --protocol redis --connections 100 --probe application
	for name in application.connections application.accepts; do
		json "wall(\"$name\") | .verdict == \"unknown\" and .measured == null" \
			"wall(\"$name\") | .reason | contains(\"did not ask for: +PONG\")"
	done
	json 'wall("application.rate") | .verdict == "n/a"' 'wall("application.memory") | .verdict == "n/a"'
}

# Neither is a limit on connections, nor are the other replies its rate.
test_errors_and_ends_of_connections_are_no_rate() {
	needs_lab
	cat >server.py <<-'EOF'
		import select, socket, sys
		fault = sys.argv[1]
		listener = socket.create_server(("0.0.0.0", 8080), backlog=500)
		events = select.epoll()
		events.register(listener, select.EPOLLIN)
		clients = {}
		while True:
		    for fd, _ in events.poll():
		        if fd == listener.fileno():
		            client = listener.accept()[0]
		            clients[client.fileno()] = [client, 0]
		            events.register(client, select.EPOLLIN)
		            continue
		        client, answered = clients[fd]
		        try:
		            data = client.recv(4096)
		            status = 503 if fault == "busy" and answered % 2 else 200
		            reply = b"HTTP/1.1 %d x\r\nContent-Length: 2\r\n\r\nok" % status
		            if fault == "long":
		                reply = b"HTTP/1.0 200 OK\r\n\r\n" + bytes(200000)
		            if fault == "echo":
		                reply = data
		            if data:
		                # The end comes with the reply, before the next request.
		                client.sendall(reply, socket.MSG_MORE if fault == "ends" else 0)
		        except OSError:
		            data = b""
		        clients[fd][1] += 1
		        if not data or fault in ("long", "ends") or (fault == "echo" and clients[fd][1] == 50):
		            events.unregister(client)
		            client.close()
		            del clients[fd]
	EOF
	fault() { # FAULT STATUS PROTOCOL
		run_known "$known" "$2" "exec python3 $work/server.py $1" --port 8080 --protocol "$3" --connections 30 --rate 10 --requests 50 \
			--probe application --no-proof
	}
	for fault in long ends; do
		fault $fault 0 http
		json 'wall("application.connections") | .verdict == "ok" and .at_least' \
			'wall("application.latency.p50").measured > 0'
	done
	fault busy 3 http
	json 'wall("application.rate") | .verdict == "unknown" and (.reason | contains("replies were errors: status 503"))' \
		'wall("application.latency.p99").measured == null' \
		'finding("application.errors") | .level == "warning" and (.detail | contains("On open connections, ") and
			contains("replies were errors: status 503") and (contains("new connection") | not))'
	run 1 "exec python3 $work/server.py busy" --port 8080 --protocol http --connections 30 --rate 10 --probe application --no-proof
	json 'wall("application.rate").verdict == "n/a"' '[.findings[].id] == ["application.errors"]'
	fault echo 3 echo
	# A reset where the next request comes before the end is seen.
	json 'wall("application.rate") | .measured == null and
		(.reason | contains("the server closed the connection") or contains("Connection reset by peer"))' \
		'wall("application.latency.p99").measured == null'
}

test_an_error_for_another_client_is_a_limit() {
	needs_lab
	cat >server.pl <<-'EOF'
		use IO::Socket::INET;
		use IO::Select;
		my $l = IO::Socket::INET->new(LocalPort => 8080, Listen => 100) or die;
		my $all = IO::Select->new($l);
		while (1) {
			for my $c ($all->can_read) {
				if ($c == $l) { $all->add($l->accept); next }
				sysread $c, my $request, 4096;
				syswrite $c, "HTTP/1.0 " . ($all->count > 20 ? 503 : 200) . " x\r\nContent-Length: 0\r\n\r\n";
				$all->remove($c);
				close $c;
			}
		}
	EOF
	run_known "$known" 2 "exec perl $work/server.pl" --port 8080 --protocol http --connections 100 --probe application
	json 'wall("application.connections") | .verdict == "short" and .measured == 19' \
		'finding("application.connections.short") | .detail | contains("got an error")'
}

test_a_client_without_ports_is_no_limit_of_the_server() {
	in_root_namespace
	echo '32768 32867' >/proc/sys/net/ipv4/ip_local_port_range || skip 'the range cannot be set here'
	for protocol in redis connect; do
		run 3 'exec redis-server --save "" --bind 127.0.0.1' --port 6379 --protocol $protocol \
			--connections 150 --rate 10 --probe application
		json 'wall("application.connections") | .verdict == "unknown" and .measured == null' \
			'wall("application.connections") | .reason | contains("no port is left")'
	done
}

test_a_bad_command_is_one_clear_line() {
	needs_lab
	bad() { # COMMAND TEXT…
		expect 3 env "MARK=$work" epolltune check --run "$1" --port 80 --writable "$(shown)"
		shift
		[ ! -s out ]
		is 'the number of errors' "$(grep -c '^epolltune: ' err)" 1
		contains err "$@"
		! left
	}
	bad /nowhere/x 'exited with status 127 before it listened on port 80' 'not found'
	bad 'echo broken >&2; exit 7' 'broken' 'exited with status 7 before'
	bad 'kill -9 $$' 'was killed by signal 9'
	bad 'touch /etc/passwd' 'Read-only file system' '--writable DIRECTORY'
	bad 'dd if=/dev/zero of=/tmp/x bs=1M' 'No space left' 'exited with status 1'
	bad 'for i in $(seq 100); do sleep 1000 & done; exec '"$PROGRAM serve --port 8080" \
		'it listens on 127.0.0.1:8080'
	# It ignores SIGTERM, and ends half-way.
	expect 3 env "MARK=$work" epolltune check --port 80 --protocol echo --probe application --connections 10k \
		--writable "$(shown)" --run "trap '' TERM; $PROGRAM serve --port 80 --quiet &
		while [ \$(ss -Htn 'sport = 80' | wc -l) -lt 20 ]; do :; done; kill -9 \$!; exit 5"
	said 'the server exited with status 5'
	! left
}

# Each server whose start `begun` notes, before it can be asked to end, has noted its end.
all_ended() {
	sort begun >notes
	sort ended | cmp notes - || fail 'a server had no time to end'
}

test_each_server_ends_by_sigterm() {
	needs_lab
	cat >server.pl <<-'EOF'
		use IO::Socket::INET;
		sub note { open my $out, '>>', "$ENV{MARK}/$_[0]" or die; print $out "$$\n" }
		$SIG{TERM} = sub { select undef, undef, undef, 0.3; note 'ended'; exit };
		note 'begun';
		my $l = IO::Socket::INET->new(LocalPort => 8080, Listen => 100) or die;
		my @all;
		while (1) { push @all, $l->accept }
	EOF
	run any "exec perl $work/server.pl" --port 8080 --connections 20 --rate 10 --probe application
	[ "$(wc -l <begun)" -ge 2 ]
	all_ended
	! left
}

# Signals a check of `command` when `path` exists, twice as timeout does, and waits for it. Nothing of
# the server is left.
signalled() { # SIGNAL STATUS PATH OPTIONS…
	signal=$1 want=$2 path=$3 status=0
	shift 3
	env --default-signal "MARK=$work" epolltune check --run "$command" --port "unix:$work/app.sock" --writable "$work" \
		"$@" >out 2>err &
	check=$!
	wait_for [ -e "$path" ]
	kill -"$signal" $check
	kill -"$signal" $check
	wait $check || status=$?
	is 'the exit status' "$status" "$want"
	[ ! -s out ] && quiet
	[ ! -e app.sock ]
	! left
}

test_a_signalled_check_leaves_nothing_of_the_server() {
	needs_lab
	cat >server.pl <<-'EOF'
		use IO::Socket::UNIX;
		sub note { open my $out, '>>', "$ENV{MARK}/$_[0]" or die; print $out "$$\n" }
		$SIG{TERM} = sub { select undef, undef, undef, 0.3; note 'ended'; exit };
		note 'begun';
		my $l = IO::Socket::UNIX->new(Local => "$ENV{MARK}/app.sock", Listen => 3) or die;
		my @all;
		while (1) { push @all, $l->accept }
	EOF
	command="exec perl $work/server.pl"
	for case in INT:130 TERM:143 HUP:129; do
		rm -f begun ended
		signalled ${case%:*} ${case#*:} app.sock --probe accept-queue,application
		all_ended
	done
	# One that never listens.
	command='touch $MARK/waits; sleep 1000'
	signalled TERM 143 waits
	# The server that a probe has started in another lab, which removes its pid file.
	printf 'port 0\nunixsocket %s\npidfile %s\nmaxclients 20\nsave ""\n' "$work/app.sock" "$work/pid" >redis.conf
	command="grep -q 'maxclients 20$' $work/redis.conf || touch $work/tried; exec redis-server $work/redis.conf"
	signalled TERM 143 tried --protocol redis --connections 50 --probe application
	[ ! -e pid ]
}

test_a_command_that_prints_endlessly_is_drained() {
	needs_lab
	# Its output goes on while the server is asked, and at its end.
	flood_three="for i in 1 2 3; do yes 'a line of its output' & done;"
	flood="yes 'a line of its output' & exec $PROGRAM serve --port 8080 --quiet"
	run_known "$all_known" 0 "$flood" --port 8080 --protocol echo --connections 10 --rate 10 --probe application
	json 'wall("application.connections") | .verdict == "ok"'
	! left
	# Several, which outlive SIGTERM.
	expect 3 timeout 300 env "MARK=$work" epolltune check --run "trap '' TERM; $flood_three $flood" --port 80 --writable "$(shown)"
	contains err 'a line of its output' 'does not listen on port 80; it listens on 127.0.0.1:8080'
	[ "$(wc -c <err)" -lt 4096 ]
	! left
}

test_a_command_signals_no_process_outside_its_lab() {
	needs_lab
	# setsid: what a wrong signal would end is not this test.
	expect 3 setsid -w epolltune check --port 80 --run 'kill 0; sleep 9'
	contains err 'was killed by signal 15 before'
}

# Before Linux 5.12.
test_a_lab_is_read_only_without_mount_setattr() {
	may_unshare -Urnm || skip 'namespaces are not available'
	strace -o /dev/null true 2>/dev/null || skip 'no strace (ptrace) here'
	# LeakSanitizer does not work in a traced process.
	expect 3 unshare -Urnm sh -c 'mount -t tmpfs none /mnt && mkdir "/mnt/a b" && mount -t tmpfs none "/mnt/a b" &&
		exec strace -f -qq -E ASAN_OPTIONS=detect_leaks=0 -o trace -e trace=mount_setattr -e inject=mount_setattr:error=ENOSYS \
		epolltune check --port 80 --run "echo >/mnt/x; echo >\"/mnt/a b/x\"; echo 1 >/proc/self/oom_score_adj; >/tmp/x && exit 4"'
	contains trace ENOSYS
	contains err '/mnt/x: Read-only' '/mnt/a b/x: Read-only' 'oom_score_adj: Read-only' 'exited with status 4 before'
}

test_options_that_do_not_fit_are_refused() {
	bad() { # TEXT OPTIONS…
		text=$1
		shift
		expect 3 epolltune check "$@"
		refused "$text"
	}
	bad '--port needs --run' --port 80
	bad '--run needs --port' --run true
	bad 'not a port from 1 to 65535, or unix:PATH' --run true --port 65536
	bad 'not the absolute path of a UNIX socket' --run true --port unix:app.sock
	bad '--run and --server exclude' --run true --port 80 --server nginx
	bad '--run and --quick exclude' --run true --port 80 --quick
	bad '--path: valid only with' --run true --port 80 --path /x
	bad 'the path of a directory' --run true --port 80 --writable nowhere
	bad 'text,json,junit,markdown,html' --run true --port 80 --versus false --format line
}

run_tests "$@"
