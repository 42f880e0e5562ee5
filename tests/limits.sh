# What tests of the limit on connections of a running server share; sourced after lib.sh and guests.sh.
# shellcheck shell=sh disable=SC2154 # $work is of lib.sh

limits_begin() {
	mkdir etc
	if [ "$(id -u)" -eq 0 ]; then in_namespace -nm; else in_namespace -Urnm; fi
}

listens() { # PORT
	grep -q ": 0*:$(printf %04X "$1") \|: [0-9A-F]*:$(printf %04X "$1") 0*:0000 0A" /proc/net/tcp /proc/net/tcp6
}

# The server that was started last listens, and it and its workers, of which nginx starts some later, wait.
serves() { # PORT
	listens "$1" || return 1
	comm='' others=''
	read -r comm <"/proc/$!/comm" || :
	read -r others <"/proc/$!/task/$!/children" || : # without a newline
	[ "$comm" != nginx ] || [ "$others" ] || return 1
	for pid in $! $others; do
		! grep -qs '^State:[[:space:]]*[DR]' "/proc/$pid/status" || return 1
	done
}

unused() { ! listens "$1"; } # PORT
booted() { grep -q 'Booting worker' server.out; }

# Starts a server and checks it for so many connections. A worker of gunicorn may end after its master.
check() { # STATUS CONNECTIONS PORT COMMAND…
	want=$1 connections=$2 port=$3
	shift 3
	"$@" >server.out 2>&1 &
	wait_for serves "$port"
	case $* in "gunicorn -"* | *" -m gunicorn -"*) wait_for booted ;; esac
	expect "$want" epolltune check --quick --probe configuration --server ":$port" --connections "$connections" \
		--rate 10 --format json
	end_jobs
	wait_for unused "$port"
}

# Checks a server that runs already.
again() { # STATUS CONNECTIONS OPTION…
	want=$1 connections=$2
	shift 2
	expect "$want" epolltune check --quick --probe configuration --server :8080 --connections "$connections" --rate 10 \
		--format json "$@"
}

nginx_conf() { # EVENTS [WORKERS]
	cat >etc/nginx.conf <<-EOF
		daemon off; user root; pid $work/pid; worker_processes ${2:-1}; error_log stderr;
		# worker_connections 9000;
		events { $1 }
		http {
			access_log off;
			client_body_temp_path $work/1; proxy_temp_path $work/2; fastcgi_temp_path $work/3;
			uwsgi_temp_path $work/4; scgi_temp_path $work/5;
			server { listen 8080; location / { return 200 ok; } }
		}
	EOF
}

unknown_for() { # REASON
	json "wall(\"application.limit\") | .verdict == \"unknown\" and .limit == null and (.detail | contains(\"$1\"))"
}

# Clients that stay.
clients() { # PORT NUMBER
	ip link set lo up
	python3 - "$1" "$2" >clients <<-EOF &
		import socket, sys, time
		held = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(int(sys.argv[2]))]
		print("open", flush=True)
		time.sleep(60)
	EOF
	wait_for grep -q open clients
}
accepted() { ss -Hltn sport = ":${1:-8080}" | grep -q 'LISTEN *0 '; } # all of them

app() {
	needs gunicorn
	cat >app.py <<-EOF
		def app(environ, start_response):
		    start_response("200 OK", [("Content-Length", "0")])
		    return [b""]
	EOF
}
