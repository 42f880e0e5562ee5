#!/bin/sh
# check --server: limits on connections by units of systemd.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=SCRIPTDIR/../guests.sh
. "$(dirname "$0")/../guests.sh"
# shellcheck source=SCRIPTDIR/../limits.sh
. "$(dirname "$0")/../limits.sh"

setup() { limits_begin; }

# Redis writes a title over its command: that of its unit names the file.
test_the_unit_names_the_file_of_a_server_that_hides_it() {
	needs redis-server unshare
	cat >unit.sh <<-EOF
		mount -t tmpfs none /etc/systemd/system
		echo maxclients 100 >etc/redis.conf
		printf '[Service]\nExecStart=-$(command -v redis-server) $work/etc/redis.conf --port 8080\n' \
			>/etc/systemd/system/redis-server.service
		mkdir /etc/systemd/system/redis-server.service.d
		sleep 0.2 # longer than the clocks of processes and files differ
		redis-server $work/etc/redis.conf --port 8080 --save "" --bind 127.0.0.1 >server.out 2>&1 &
		echo 0::/system.slice/redis-server.service >cgroup
		mount --bind cgroup /proc/\$!/cgroup
		until grep -q ':1F90 .* 0A ' /proc/net/tcp; do kill -0 \$! || exit; sleep 0.05; done
		epolltune check --quick --probe configuration --server :8080 --connections 200 --rate 10 --format json >a.json
		sleep 0.2
		echo "[Service]" >/etc/systemd/system/redis-server.service.d/a.conf
		epolltune check --quick --probe configuration --server :8080 --connections 200 --rate 10 --format json >b.json
		umount /proc/\$!/cgroup
		kill \$!
	EOF
	unshare -m sh unit.sh
	jq -se '.[0].walls[0] | .name == "application.limit" and .verdict == "short" and .limit == 100' a.json
	jq -se '.[0].walls[0] | .name == "application.limit" and .verdict == "unknown"' b.json
}

# A socket unit with Accept=yes: systemd accepts, starts a process for each connection, and closes those
# beyond MaxConnections=.
unit_accepts() { # PORT MAX ARGUMENT…
	python3 - "$@" <<-EOF >server.out 2>&1 &
		import os, signal, socket, sys
		open("/proc/self/comm", "w").write("systemd")
		signal.signal(signal.SIGCHLD, signal.SIG_IGN)
		listener, count = socket.create_server(("0.0.0.0", int(sys.argv[1]))), 0
		while True:
		    client = listener.accept()[0]
		    count += 1
		    if count <= int(sys.argv[2]) and not os.fork():
		        open("/proc/self/comm", "w").write("app")
		        listener.close()
		        client.recv(1)
		        os._exit(0)
		    client.close()
	EOF
	wait_for listens "$1"
}

test_a_socket_unit_that_accepts_has_its_own_limit() {
	needs python3
	[ -d /etc/systemd/system ] || skip 'there is no /etc/systemd/system'
	mount -t tmpfs none /etc/systemd/system || skip 'no tmpfs here'
	unit_accepts 8080 64
	again 3 20
	unknown_for "No socket unit is known to have each listener of systemd (systemctl list-sockets"
	printf '[Socket]\nListenStream = 8081\nAccept=yes\nMaxConnections=9\n' >/etc/systemd/system/other.socket
	printf '[Socket]\nListenStream = 8080\nAccept=yes\n# MaxConnections=9\n' >/etc/systemd/system/app.socket
	again 0 20
	json 'wall("application.limit") | .verdict == "ok" and .limit == 64 and
		(.detail | contains("MaxConnections (default, not set in /etc/systemd/system/app.socket) is 64; "))'
	again 2 80
	json 'finding("application.limit.short") | (.title | startswith("app.socket (Accept=yes) cannot hold 80 ")) and
		.advice == "(d=/etc/systemd/system/app.socket.d; mkdir -p $d && printf " +
			"\u0027[Socket]\\nMaxConnections=128\\n\u0027 >$d/zz-MaxConnections.conf && systemctl daemon-reload && " +
			"systemctl restart app.socket)."'
	# Pasted into a shell it is a drop-in that counts.
	systemctl() { echo "$*" >>asked; }
	eval "$(jq -r '.findings[] | select(.id == "application.limit.short").advice | rtrimstr(".")' out)"
	is 'what systemctl was asked for' "$(tr '\n' ' ' <asked)" 'daemon-reload restart app.socket '
	again 0 80
	json 'wall("application.limit").limit == 128'
	rm -r /etc/systemd/system/app.socket.d
	expect 2 epolltune check --quick --probe configuration --server :8080 --connections 20 --rate 200 --format json
	json 'wall("application.starts") | .verdict == "short" and .limit == 100 and .needed == 200' \
		'finding("application.starts.short").advice | startswith("(d=/etc/systemd/system/app.socket.d; mkdir -p $d && " +
			"printf \u0027[Socket]\\nTriggerLimitBurst=666\\nPollLimitBurst=500\\n\u0027 >$d/zz-LimitBurst.conf && ")'
	clients 8080 64
	wait_for accepted
	again 1 20
	json 'finding("application.limit.reached") | .title |
		startswith("app.socket (Accept=yes) has 64 of 64 connections open, its own limit: it would close")'
	mkdir /etc/systemd/system/app.socket.d
	printf '[Socket]\nMaxConnections=200\n' >/etc/systemd/system/app.socket.d/more.conf
	again 0 100
	json 'wall("application.limit").limit == 200'
	printf '[Socket]\nTriggerLimitBurst=0\nPollLimitBurst=0\n' >/etc/systemd/system/app.socket.d/rate.conf
	expect 0 epolltune check --quick --probe configuration --server :8080 --connections 20 --rate 200 --format json
	json 'wall("application.starts") | .verdict == "ok" and .limit == null'
	printf '[Socket]\nMaxConnectionsPerSource=4\n' >/etc/systemd/system/app.socket.d/source.conf
	again 3 100
	json 'wall("application.limit").detail | contains("MaxConnectionsPerSource in ")'
	printf '[Socket]\nAccept=no\n' >/etc/systemd/system/app.socket.d/more.conf
	again 0 100
	json 'wall("application.limit").verdict == "n/a"' 'wall("application.starts").verdict == "n/a"'
	end_jobs
}

own_units() {
	needs python3
	[ -d /etc/systemd/system ] || skip 'there is no /etc/systemd/system'
	etc=/etc/systemd/system run=/run/systemd/system
	for tree in $etc /run; do
		mount -t tmpfs none $tree || skip 'no tmpfs here'
	done
	mkdir -p $run
}

unit() { # FILE LINE…
	file=$1
	shift
	mkdir -p "${file%/*}"
	printf '[Socket]\n' >"$file"
	printf '%s\n' "$@" >>"$file"
}

limit_is() { # NUMBER
	json "wall(\"application.limit\") | .verdict == \"ok\" and .limit == $1"
}

# Of all trees by name; of one name that of the highest tree, and of that the one for the fewest units.
test_drop_ins_of_a_socket_unit_are_read_in_their_order() {
	own_units
	unit_accepts 8080 4
	unit $run/a-b.socket ListenStream=8080 Accept=yes MaxConnections=3
	unit $run/socket.d/50-all.conf MaxConnections=11
	again 0 4
	limit_is 11
	for name in 10 90 30 70 20; do
		unit $etc/a-b.socket.d/$name.conf MaxConnections=1$name
	done
	again 0 4
	limit_is 190
	unit $run/a-b.socket.d/95.conf MaxConnections=12
	again 0 4
	limit_is 12
	unit $etc/a-.socket.d/95.conf MaxConnections=13
	again 0 4
	limit_is 13
	unit $etc/a-b.socket.d/95.conf MaxConnections=14
	unit $etc/b.socket.d/99.conf MaxConnections=15
	again 0 4
	limit_is 14
	ln -s a-b.socket $run/b.socket
	again 0 4
	limit_is 15
	unit $run/socket.d/99.conf MaxConnections=16
	ln -sf /dev/null $etc/a-b.socket.d/99.conf
	again 0 4
	limit_is 14
	end_jobs
}

test_a_hidden_or_masked_socket_unit_does_not_count() {
	own_units
	unit_accepts 8080 4
	unit $run/a.socket ListenStream=8080 Accept=yes MaxConnections=3
	again 2 10
	unit $etc/a.socket ListenStream=8080 Accept=no
	again 0 10
	json 'wall("application.limit").verdict == "n/a"'
	unit $etc/a.socket ListenStream=8081
	again 3 10
	unknown_for "No socket unit is known"
	: >$etc/a.socket
	again 3 10
	ln -sf /dev/null $etc/a.socket
	unit $etc/a.socket.d/a.conf ListenStream=8080 Accept=yes
	again 3 10
	unknown_for "No socket unit is known"
	end_jobs
}

# Of a template that of the instance counts; what its address depends on besides is not known.
test_a_template_of_socket_units_has_the_listeners_of_its_instances() {
	own_units
	unit_accepts 8080 4
	unit "$etc/echo@.socket" ListenStream=%i Accept=yes
	again 2 80
	json 'wall("application.limit") | .verdict == "short" and .limit == 64'
	unit "$etc/echo@8080.socket.d/a.conf" MaxConnections=200
	again 0 80
	limit_is 200
	unit $etc/a.socket ListenStream=8080 Accept=yes MaxConnections=100
	again 0 80
	limit_is 100
	rm $etc/a.socket
	unit "$etc/echo@.socket" ListenStream=%H:8080 Accept=yes
	again 3 20
	unknown_for "No socket unit is known to have each listener of systemd, and $etc/echo@.socket may be its own"
	end_jobs
}

test_a_socket_unit_that_is_not_readable_may_be_its_own() {
	own_units
	unit_accepts 8080 4
	ln -s a.socket $etc/a.socket # a loop, also for root
	again 3 20
	unknown_for "and $etc/a.socket may be its own"
	rm $etc/a.socket
	unit $etc/a.socket ListenStream=8080 Accept=yes
	mkdir $etc/a.socket.d
	ln -s a.conf $etc/a.socket.d/a.conf
	again 3 20
	unknown_for "and $etc/a.socket may be its own"
	end_jobs
}

# Which unit is active is not in the files.
test_socket_units_that_differ_leave_the_limit_unknown() {
	own_units
	unit_accepts 8080 4
	unit $etc/a.socket ListenStream=0.0.0.0:8080 Accept=no
	unit $etc/b.socket ListenStream=8080 Accept=yes
	again 3 80
	unknown_for "$etc/a.socket and $etc/b.socket both have a listener of systemd"
	unit $etc/a.socket ListenStream=8080 Accept=yes MaxConnections=200
	again 3 80
	unknown_for "both have a listener of systemd"
	unit $etc/a.socket ListenStream=8080 Accept=yes MaxConnections=64
	again 0 40
	limit_is 64
	end_jobs
}

test_a_socket_unit_of_a_user_is_unknown() {
	own_units
	unit $etc/a.socket ListenStream=8080 Accept=yes
	unit_accepts 8080 4 --user
	again 3 80
	unknown_for "epolltune does not understand --user"
	end_jobs
}

# A server that writes a title over its command writes over its environment, too: its unit has both.
test_variables_of_a_unit_may_set_the_limit_of_a_server_that_hides_them() {
	needs python3 unshare
	cat >server.py <<-EOF
		import socket
		open("/proc/self/comm", "w").write("gunicorn: maste")
		listener = socket.create_server(("0.0.0.0", 8080))
		while True: listener.accept()
	EOF
	cat >unit.sh <<-'EOF'
		mount -t tmpfs none /etc/systemd
		mkdir /etc/systemd/system /etc/systemd/system.conf.d
		printf '[Manager]\n%s\n' "$2" >/etc/systemd/system.conf.d/own.conf
		printf '[Service]\n%s\nExecStart=/usr/bin/gunicorn -b :8080 -k gthread app:app\n' "$1" \
			>/etc/systemd/system/gunicorn.service
		sleep 0.2 # longer than the clocks of processes and files differ
		python3 -c 'import os, sys; os.execve(sys.executable, ["gunicorn: master [app:app]"], {})' <server.py >server.out 2>&1 &
		echo 0::/system.slice/gunicorn.service >cgroup
		mount --bind cgroup /proc/$!/cgroup
		until grep -q ':1F90 .* 0A ' /proc/net/tcp; do kill -0 $! || exit; sleep 0.05; done
		epolltune check --quick --probe configuration --server :8080 --connections 20 --rate 10 --format json >a.json
		umount /proc/$!/cgroup
		kill $!
		wait $! || true
	EOF
	unshare -m sh unit.sh Environment=PATH=/usr/bin DefaultEnvironment=LANG=C
	jq -se '.[0].walls[0] | .verdict == "ok" and .limit == 1000' a.json
	unshare -m sh unit.sh Environment=GUNICORN_CMD_ARGS=--worker-connections=5
	jq -se '.[0].walls[0] | .verdict == "unknown"' a.json
	unshare -m sh unit.sh "" 'DefaultEnvironment="GUNICORN_CMD_ARGS=--worker-connections=5"'
	jq -se '.[0].walls[0] | .verdict == "unknown"' a.json
	unshare -m sh unit.sh PAMName=login # /etc/environment
	jq -se '.[0].walls[0] | .verdict == "unknown"' a.json
}

run_tests "$@"
