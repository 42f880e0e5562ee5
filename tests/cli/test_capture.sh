#!/bin/sh
# capture writes what a check reads, without private data; --sysroot reads it, packed or not, and what
# other tools collect; nothing in an archive harms.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

# What a check of a captured machine says: walls, findings and counters that nothing moves meanwhile.
facts() { # SYSROOT [OPTION…]
	from=$1
	shift
	expect any epolltune check --sysroot "$from" --format json "$@"
	quiet
	jq -S '{walls: [.walls[] | {name, verdict, knob, measured, needed}],
		findings: [.findings[] | {id, level}]}' out
}

capture() { # [OPTION…]
	rm -rf c.tar.gz machine
	expect 0 epolltune capture --window 500ms -o c.tar.gz "$@"
	quiet
	mkdir machine
	tar -xzf c.tar.gz --strip-components=1 -C machine
}

# A support archive as sos writes it, of the machine that capture() captured.
sosreport() { # DIRECTORY
	mkdir -p "$1/proc/4711" "$1/sos_commands/kernel" "$1/sys/devices/system"
	cp machine/proc/meminfo machine/proc/uptime "$1/proc"
	cp -r machine/proc/net machine/proc/self/limits "$1/proc/4711"
	cp -r machine/sys/devices/system/cpu "$1/sys/devices/system"
	ln -s 4711 "$1/proc/self"
	ln -s self/net "$1/proc/net"
	(cd machine/proc/sys && find . -type f) | sed 's/^..//' | while read -r file; do
		printf '%s = %s\n' "$(echo "$file" | tr / .)" "$(cat "machine/proc/sys/$file")"
	done >"$1/sos_commands/kernel/sysctl_-a"
	echo 'sysctl: permission denied on key "net.ipv4.tcp_fastopen_key"' >>"$1/sos_commands/kernel/sysctl_-a"
}

test_a_capture_has_all_that_a_quick_check_opens() {
	strace -o /dev/null true 2>/dev/null || skip 'no strace (ptrace) here'
	! sanitized || exit 0
	in_namespace
	expect any strace -f -qq -e trace=openat -o trace epolltune check --quick --peers 1
	capture
	# Not what is of single processes.
	sed -nE 's/.*openat\([^"]*"\/?((proc|sys|etc)\/[^"]*)", [^)]*\) = [0-9].*/\1/p' trace | grep -vE '^proc/[0-9]|^etc/ld\.so|/cgroup\.procs$' |
		sort -u >opened
	[ "$(wc -l <opened)" -ge 40 ] || { show opened && fail 'few files were opened'; }
	while read -r path; do
		[ -e "machine/$path" ] || [ -d "/$path" ] || ! cat "/$path" >/dev/null 2>&1 || fail "$path is not in the capture"
	done <opened
}

test_the_capture_has_the_counters_of_drivers() {
	in_namespace
	ip link add v0 type veth peer name v1 2>/dev/null || skip 'no veth here'
	capture
	ethtool -S v0 | sed -n 's/^ *\(.*\): [0-9]*$/\1/p' >names
	grep -q peer_ifindex names || fail 'ethtool prints no counters of v0'
	sed -n 's/^ *\(.*\): [0-9]*$/\1/p' machine/netlink/v0.counters >captured
	cmp names captured
	expect 0 epolltune list --nic --sysroot machine --format json
	jq -e '.interfaces[] | select(.name == "v0") | .counters.peer_ifindex > 1' out || fail 'not the counters of v0'
}

test_the_capture_has_udp_sockets_without_their_addresses() {
	in_namespace
	ip address add 192.0.2.77/32 dev lo
	bash -c 'exec 3<>/dev/udp/192.0.2.77/9; exec sleep 60' &
	socket=$!
	wait_for sh -c 'ss -uan | grep -q 192.0.2.77:9'
	capture
	kill $socket
	wait $socket 2>/dev/null || true
	grep -qP '^udp\t.*\tudp:198\.18\.' machine/listeners || { show machine/listeners && fail 'no UDP socket'; }
	! grep -rq 192.0.2.77 machine || fail 'an address is in the capture'
}

test_the_capture_gives_the_report_of_the_quick_check_packed_or_not() {
	in_namespace
	echo 777 >/proc/sys/net/core/somaxconn 2>/dev/null || true
	capture
	jq_filter='[.walls[] | select(.name | test("^(memory|buffers.memory|descriptors.system)") | not) | {name, verdict, needed, measured}]'
	expect any epolltune check --quick --format json
	jq "$jq_filter" out >live
	expect any epolltune check --sysroot c.tar.gz --format json
	jq "$jq_filter" out >captured
	diff -u live captured || fail 'the capture is another machine'
	json '.host.isolation == "sysroot"' '.host.name == "captured"'
	facts c.tar.gz >packed
	facts machine >unpacked
	diff -u packed unpacked || fail 'packed is not unpacked'
	for pack in xz bzip2 zstd compress cat; do
		command -v $pack >/dev/null || continue
		tar -c machine | $pack -c >other 2>/dev/null || tar -c machine | $pack >other
		facts other >again
		diff packed again || fail "packed by $pack it is another machine"
	done
	expect 0 epolltune diff c.tar.gz machine
	lacks out better worse moved
}

test_private_data_is_left_out() {
	in_namespace '-Urnmu'
	hostname secret-host 2>/dev/null || echo secret-host >/proc/sys/kernel/hostname
	ip link add veth-a address 02:5e:c8:e7:00:01 type veth peer name veth-b
	ip link set veth-a up && ip link set veth-b up
	ip address add 192.0.2.77/24 dev veth-a
	ip address add 2001:db8:77::77/64 dev veth-a nodad
	ip route add default via 192.0.2.1
	epolltune serve --quiet --listen 192.0.2.77 --port 8080 &
	wait_for sh -c 'grep -q :1F90 /proc/net/tcp'
	bash -c 'exec -a secret-argument sleep 60' &
	private='secret|192\.0\.2\.|4D0200C0|4d0200c0|2001:?0?db8:?0?0?77|02:5e:c8:e7'
	capture
	if grep -rlE "$private" machine; then fail 'private data in a file'; fi
	if LC_ALL=C grep -rlP '\x02\x5e\xc8\xe7' machine; then fail 'a hardware address in a file'; fi
	grep -qP ':8080\t' machine/listeners || fail 'the listener is not captured'
	grep -q '^veth-a.00000000.00000000' machine/proc/net/route || fail 'no default route'
	if find machine | grep -E 'cmdline|environ'; then fail 'a command line'; fi
	capture --addresses
	for there in secret-host 4D0200C0 192.0.2.77:8080; do
		grep -rq "$there" machine || fail "--addresses: no $there"
	done
	if grep -r secret-argument machine; then fail 'a command line'; fi
}

# Where files set values at boot, they are read: in the initial network namespace.
test_of_files_of_sysctl_the_lines_stay_and_the_comments_do_not() {
	in_namespace '-Urm'
	mount -t tmpfs none /etc/sysctl.d || skip 'no tmpfs here'
	printf '%s\n' '' '' 'net.core.somaxconn = 4096' '' '# private' '  ; private' '	' 'net.ipv4.tcp_fin_timeout = 60' '' \
		>/etc/sysctl.d/60-web.conf
	capture
	sed 's/^[#;].*\|^[ 	].*/#/' /etc/sysctl.d/60-web.conf | diff - machine/etc/sysctl.d/60-web.conf ||
		fail 'lines are not the same'
}

test_the_contents_are_listed() {
	in_namespace
	capture
	tar -tzf c.tar.gz | sed 's/^[^/]*.//; s/.$//; /^$/d' | sort >files
	sed -n '/^FILE /,/^$/{/^FILE /d; /^$/d; s/  .*//; s/.$//; p;}' out | sort >listed
	diff -u files listed || fail 'other files are listed'
	matches out '^proc/sys/kernel/hostname +[0-9]+ +private data replaced$' '^earlier/proc/uptime '
}

test_the_command_that_reads_it_can_be_pasted() {
	expect 0 epolltune capture --output './a capture.tar.gz'
	said "epolltune check --sysroot './a capture.tar.gz'"
}

test_two_samples_make_rates() {
	cp -r "$tests/hosts/counters-past" host
	chmod -R u+w host
	mkdir -p host/earlier/proc/net
	echo '100.00 50.00' >host/earlier/proc/uptime
	echo '102.50 51.00' >host/proc/uptime
	awk '/^TcpExt: [0-9]/ { for (i = 2; i <= NF; i++) if (name[i] == "TCPTimeWaitOverflow") $i -= 5 }
		/^TcpExt: [A-Z]/ { split($0, name, " ") } { print }' host/proc/net/netstat >host/earlier/proc/net/netstat
	expect any epolltune check --sysroot host --format json
	json 'finding("counters.growing") | .title | contains("5 TCPTimeWaitOverflow") and contains("2.5 s")'
	rm host/earlier/proc/uptime
	expect any epolltune check --sysroot host --format json
	json 'has_finding("counters.growing") | not'
}

test_the_limits_of_a_server_are_captured() {
	in_namespace
	prlimit --nofile=777 "$PROGRAM" serve --quiet --port 8080 &
	wait_for sh -c 'grep -q :1F90 /proc/net/tcp'
	capture --server :8080
	matches machine/proc/self/limits '^Max open files +777 '
	matches machine/server '^name epolltune$' '^accepting [1-9]'
	expect any epolltune check --sysroot c.tar.gz --format json
	json 'wall("descriptors.process") | .verdict == "short"' '.listeners[] | select(.address | endswith(":8080")) | .process == "epolltune"'
}

# A master that listens and does not accept, and workers that have a soft limit of their own.
has_workers() { # LIMIT OF THE MASTER, OF A WORKER, WORKERS
	prlimit --nofile="$1:4096" python3 - "$2" "$3" <<-EOF &
		import os, resource, select, signal, socket, sys
		listener = socket.create_server(("", 8080))
		master = os.getpid()
		for _ in range(int(sys.argv[2])):
		    if not os.fork():
		        resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), 4096))
		        events = select.epoll()
		        events.register(listener, select.EPOLLIN)
		        os.write(1, b"polls\n")
		        while os.getppid() == master:
		            events.poll(0.1)
		        os._exit(0)
		signal.pause()
	EOF
}

# The walls of a server that was captured are those of the same server where it runs.
test_the_limits_of_a_server_are_those_of_its_workers() {
	needs python3
	in_namespace
	same() { # MASTER WORKER WORKERS VERDICT
		has_workers "$1" "$2" "$3" >workers
		server=$!
		wait_for sh -c "[ \"\$(grep -c polls workers)\" -eq $3 ]"
		for how in "--quick --server :8080" "--sysroot c.tar.gz"; do
			[ -e c.tar.gz ] || capture --server :8080
			# shellcheck disable=SC2086 # two options
			expect any epolltune check $how --connections 1000 --probe descriptors --format json
			json "wall(\"descriptors.process\") | .method == \"running\" and .verdict == \"$4\""
			jq -c '.walls[] | select(.name == "descriptors.process") | [.limit, .detail]' out >>walls
		done
		[ "$(sort -u walls | wc -l)" -eq 1 ] || { show walls && fail "$1 $2 $3: other walls"; }
		rm -f walls c.tar.gz
		kill "$server"
		wait "$server" 2>/dev/null || true
		wait_for sh -c '! grep -q :1F90 /proc/net/tcp'
	}
	same 4096 256 1 short
	same 256 4096 1 ok
	same 4096 1024 4 ok
}

# A server with a small backlog, that has a process for each connection.
forks_by_name() {
	python3 - <<-EOF &
		import signal, socket
		open("/proc/self/comm", "w").write("postgres")
		listener = socket.create_server(("", 8080), backlog=128)
		other = socket.create_server(("", 8081), backlog=4)
		print("listens", flush=True)
		signal.pause()
	EOF
}

test_the_walls_of_a_captured_server_are_those_of_one_that_runs() {
	needs python3
	in_namespace
	forks_by_name >listens
	server=$!
	wait_for grep -q listens listens
	capture --server :8080
	for how in "--quick --server :8080" "--sysroot c.tar.gz"; do
		n=$((${n:-0} + 1))
		# shellcheck disable=SC2086 # two options
		expect any epolltune check $how --rate 41k --stall 100ms --connections 5000 --idle 300s --format json
		json 'wall("accept-queue") | .verdict == "short" and .limit == 129 and .method == "running"'
		# Those that other processes move meanwhile, with their verdict only; a capture has not what
		# RLIMIT_NPROC counts.
		jq -c '.walls[] | select(.name != "tasks") | if .name | test("^(memory|buffers.memory|descriptors.system|orphans|cgroup|softnet)")
			then {name, verdict, method} else {name, verdict, method, limit, needed, detail} end' out >walls$n
	done
	diff -u walls1 walls2 || fail 'the capture has other walls'
	expect 3 epolltune check --sysroot c.tar.gz --backlog 511
	refused '--backlog'
	# Its control group, too.
	mkdir -p machine/sys/fs/cgroup/own machine/proc/self
	echo 0::/own >machine/proc/self/cgroup
	echo '30 24 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw' >machine/proc/self/mountinfo
	echo 2048 >machine/sys/fs/cgroup/own/pids.max
	echo 10 >machine/sys/fs/cgroup/own/pids.current
	expect any epolltune check --sysroot machine --connections 5000 --probe container --format json
	json 'wall("cgroup.pids") | .verdict == "short" and .needed == 5000 and .limit == 2038'
	kill "$server"
}

# Of a service that systemd will start neither limits nor control group are known.
test_what_a_server_hides_is_not_taken_from_this_process() {
	in_namespace
	prlimit --nofile=777 "$PROGRAM" serve --quiet --port 8080 &
	wait_for sh -c 'grep -q :1F90 /proc/net/tcp'
	capture --server :8080
	sed 's/^activated 0$/activated 1/' machine/server >server
	cp server machine/server
	rm machine/proc/self/limits
	expect any epolltune check --sysroot machine --probe descriptors --format json
	json 'wall("descriptors.process") | .verdict == "n/a"'
	rm machine/server
	expect 3 epolltune check --sysroot machine --probe descriptors --format json
	complained 'server'
}

# As of an archive whose end is lost: what the rest does not say is not known, and no answer is better.
test_a_file_that_is_lost_makes_no_answer_better() {
	in_namespace
	prlimit --nofile=777 "$PROGRAM" serve --quiet --port 8080 --backlog 64 &
	wait_for sh -c 'grep -q :1F90 /proc/net/tcp'
	capture --server :8080
	quick() { epolltune check --sysroot machine --role proxy --rate 2k --datagrams 600 --format json; }
	status=0
	quick >whole || status=$?
	jq -e 'any(.walls[]; .verdict == "short")' whole >/dev/null || fail 'no wall is short'
	find machine -type f ! -path '*/sys/kernel/slab/*' ! -path '*sysctl.d*' ! -path '*/etc/*' ! -path '*/earlier/sys/*' \
		! -name left-out ! -name about >files
	while read -r file; do
		mv "$file" aside
		now=0
		quick >without 2>err || now=$?
		mv aside "$file"
		[ "$now" -ge "$status" ] || fail "$file: without it exit status $now, not $status"
		[ -s without ] || [ "$now" = 3 ] || fail "$file: without it there is no report"
		{ echo "\"$file\"" && cat without; } >>each
	done <files
	# A name, and what is reported without that file, if anything is.
	jq -nr --slurpfile whole whole 'foreach inputs as $next ({}; if $next | type == "string" then {file: $next} else .report = $next end;
		select(.report) | ([.report.walls[] | {(.name): .verdict}] | add) as $now | .file as $file |
		select(all($whole[0].walls[]; (.verdict | IN("short", "unknown") | not) or ($now[.name] | IN("short", "unknown"))) | not) | $file)' \
		each >better
	[ ! -s better ] || { show better && fail 'without each of these files a wall is better'; }
}

test_nothing_is_overwritten_or_left_half_done() {
	in_namespace '-Urnm'
	echo mine >c.tar.gz
	expect 3 epolltune capture -o c.tar.gz
	refused 'c.tar.gz: exists'
	is 'the file' "$(cat c.tar.gz)" mine
	expect 3 epolltune capture --window 500ms -o /dev/full
	complained 'No space left'
	mkdir small
	mount -t tmpfs -o size=8k none small || skip 'no tmpfs here'
	head -c 4096 /dev/zero >small/filler
	expect 3 epolltune capture --window 500ms -o small/c.tar.gz
	refused 'No space left'
	is 'what is left' "$(ls -A small)" filler
	mkdir here
	(cd here && exec epolltune capture --window 60s >/dev/null 2>&1) &
	pid=$!
	# Before, the shell would be ended.
	wait_for grep -qx epolltune "/proc/$pid/comm"
	kill "$pid"
	wait "$pid" || true
	is 'what is left' "$(ls -A here)" ''
	# A file that appears during the window.
	epolltune capture --window 4s -o here/c.tar.gz >late 2>&1 &
	pid=$!
	wait_for grep -qx epolltune "/proc/$pid/comm"
	sleep 1
	echo mine >here/c.tar.gz
	status=0
	wait "$pid" || status=$?
	is 'the status' $status 3
	matches late '^epolltune: here/c.tar.gz: exists; remove it, or give --output another name$'
	is 'what is left' "$(ls -A here) $(cat here/c.tar.gz)" 'c.tar.gz mine'
}

test_a_sosreport_is_the_machine_as_far_as_it_has_the_facts() {
	in_namespace
	capture
	sosreport sosreport-host-2026
	facts c.tar.gz >captured
	facts sosreport-host-2026 >tree
	mkdir packed
	tar -cJf packed/sos.tar.xz sosreport-host-2026
	facts packed/sos.tar.xz >archive
	cmp tree archive || fail 'packed is not unpacked'
	jq -n --slurpfile a captured --slurpfile b tree '[$a[0].walls, $b[0].walls] | transpose[] |
		select(.[1].verdict | IN("unknown", "n/a") | not) | select(.[0].name != "memory.connection" and .[0] != .[1])' >other
	[ ! -s other ] || { show other && fail 'other verdicts'; }
	is 'walls with a verdict' "$(jq '[.walls[] | select(.verdict == "ok" or .verdict == "tight" or .verdict == "short")] | length >= 11' tree)" true
	for wall in nic.ring nic.queues; do
		jq -e --arg wall $wall '.walls[] | select(.name == $wall) | .verdict == "unknown"' tree >filtered || fail "$wall is known"
	done
}

test_of_the_nodes_of_a_must_gather_one_is_named() {
	in_namespace
	capture
	mkdir -p must-gather.local/nodes/a must-gather.local/nodes/b sysinfo
	sosreport must-gather.local/nodes/a
	sosreport sysinfo
	(cd sysinfo && tar -czf ../must-gather.local/nodes/b/sysinfo.tgz .)
	tar -cf gather.tar must-gather.local
	for from in must-gather.local gather.tar; do
		expect 3 epolltune check --sysroot $from
		refused 'several machines' nodes/a nodes/b
	done
	facts must-gather.local/nodes/a >a
	for from in must-gather.local/nodes/b gather.tar/nodes/a gather.tar/nodes/b must-gather.local/nodes/b/sysinfo.tgz; do
		facts $from >other
		cmp a other || fail "$from is another machine"
	done
	expect 3 epolltune check --sysroot gather.tar/nodes/c
	refused 'no machine' nodes/c
}

test_what_a_sysctl_listing_lacks_is_unknown() {
	printf '%s\n' 'kernel.osrelease = 6.1.0' 'net.core.somaxconn = 128' 'net.ipv4.tcp_rmem = 4096	131072	6291456' \
		'net.ipv4.conf.eth0/1.forwarding = 0' 'sysctl: permission denied on key x' >sysctl.txt
	expect 2 epolltune check --sysroot sysctl.txt --format json
	json 'wall("accept-queue") | .verdict == "short" and .limit == 129' \
		'[.walls[] | select(.needed != null and .verdict == "ok") | .name] - ["buffers.receive"] == []' \
		'wall("descriptors.process").verdict == "unknown"' '.host.kernel == "6.1.0"'
	gzip -k sysctl.txt
	expect 2 epolltune check --sysroot sysctl.txt.gz
	echo 'net.core.somaxconn = 4096' >sysctl.txt
	expect 3 epolltune check --sysroot sysctl.txt
	said 'Not known'
}

refused_quickly() { # PATH TEXT…
	from=$1
	shift
	expect 3 timeout 20 epolltune check --sysroot "$from"
	refused "$@"
}

test_archives_that_lie_are_refused_or_read_as_far_as_they_are_true() {
	! sanitized || exit 0
	cp -r "$tests/hosts/folklore" machine
	chmod -R u+w machine
	tar -czf true.tar.gz machine
	facts true.tar.gz >true
	size=$(stat -c %s true.tar.gz)
	head -c $((size / 2)) true.tar.gz >cut.tar.gz
	refused_quickly cut.tar.gz 'cannot be read as an archive'
	head -c 5000 /dev/urandom >noise
	refused_quickly noise 'neither an archive'
	truncate -s 1G zeros
	refused_quickly zeros 'no machine'
	mkfifo fifo
	refused_quickly fifo 'not a regular file'
	mkfifo machine/proc/net/fifo machine/proc/sys/net/core/rmem_max 2>/dev/null || true
	tar -cf fifo.tar machine
	facts fifo.tar >again
	# Beside the true ones: links in circles and out of the tree, a name that climbs, a huge file.
	mkdir -p extra/machine/proc/net extra/machine/sys/class/net
	ln -s loop-b extra/machine/proc/net/loop-a
	ln -s loop-a extra/machine/proc/net/loop-b
	ln -s loop-b extra/machine/proc/net/softnet_stat
	ln -s /etc/passwd extra/machine/proc/cpuinfo
	ln -s ../../../../../../../../etc/passwd extra/machine/proc/slabinfo
	ln -s . extra/machine/sys/class/net/eth0
	truncate -s 1G extra/machine/proc/interrupts
	echo 1 >extra/climb
	tar -S -cf extra.tar machine -C extra machine --transform 's,^climb,../../../climb,' -P climb
	expect any timeout 20 epolltune check --sysroot extra.tar --format json
	quiet
	json '[.walls[] | select(.name | test("^nic|softnet") | not)] | length > 8'
	[ ! -e ../climb ] && [ ! -e ../../climb ] || fail 'a name climbed out'
	# The same in a directory.
	cp -r machine tree && cp -r extra/machine/proc tree/ && mkdir tree/sos_commands
	expect any timeout 20 epolltune check --sysroot tree --format json
	quiet
	needs zstd
	truncate -s 300M extra/zeros
	tar -cf - -C extra zeros | zstd -1 -q >bomb.tar.zst
	refused_quickly bomb.tar.zst 'expands to more than any support archive'
}

# In a directory and in an archive of it.
ports_are() { # VERDICT OF ports.ephemeral, OF ports.rate
	tar -cf machine.tar machine
	for from in machine machine.tar; do
		expect any epolltune check --sysroot "$from" --role proxy --rate 1 --connections 100 --probe ports --format json
		quiet
		is "$from" "$(jq -r '[.walls[] | select(.name | test("^ports.(ephemeral|rate)$")) | .verdict] | join(" ")' out)" "$1 $2"
	done
}

test_what_cannot_be_read_is_unknown_and_not_empty() {
	cp -r "$tests/hosts/debian-12-6.1" machine
	chmod -R u+w machine
	net=machine/proc/net
	header='  sl  local_address rem_address   st'
	echo "$header" >$net/tcp
	ports_are ok ok
	printf '\0' >>$net/tcp
	ports_are ok unknown
	rm $net/tcp
	touch $net/tcp6
	ports_are ok unknown
	truncate -s 65M $net/tcp
	ports_are ok unknown
	echo "$header" >$net/tcp
	reserved=machine/proc/sys/net/ipv4/ip_local_reserved_ports
	printf '8080\0\n' >$reserved
	ports_are unknown unknown
	# What a capture does not have was not there, unless it says otherwise.
	rm $reserved
	printf 'boot 1\nnetns 1\ninitial 1\nfirst_pids 1\n' >machine/identity
	ports_are ok ok
	printf 'too-large proc/other\ndamaged %s\n' "${reserved#*/}" >machine/left-out
	ports_are unknown unknown
}

test_what_a_capture_leaves_out_is_listed() {
	in_namespace '-Urnm'
	knob=proc/sys/net/ipv4/ip_local_reserved_ports
	printf '8080\0\n' >nul
	mount --bind nul /$knob 2>/dev/null || skip 'a file of /proc cannot be replaced here'
	capture
	matches out "^$knob +left out: not a text$"
	is 'the list' "$(grep -v "^kept " machine/left-out)" "damaged $knob"
	[ ! -e machine/$knob ] || fail 'a damaged file is in the capture'
	ports_are unknown unknown
	facts c.tar.gz >packed
	facts machine >unpacked
	diff -u packed unpacked || fail 'packed is not unpacked'
}

# As the kernel reads the values of files at boot, and systemd their names.
test_what_the_kernel_makes_of_a_line_is_the_value_at_boot() {
	cp -r "$tests/hosts/debian-12-6.1" machine
	chmod -R u+w machine
	mkdir -p machine/etc/sysctl.d machine/run/systemd/system
	drift() { # LINE TITLE, "" IF NO VALUE DIFFERS
		printf '%s\n' "$1" >machine/etc/sysctl.d/50-x.conf
		expect any epolltune check --sysroot machine --quick --format json --probe drift
		quiet
		is "$1" "$(jq -r '.findings[] | select(.id == "knob.drift") | .title' out)" "${2:+$2 after a reboot}"
	}
	for line in 'net.core.somaxconn = 128 # default' 'net.core.somaxconn = 0x80' 'net.core.somaxconn = 0200' \
		'/net/core/somaxconn = 128' 'net//core/somaxconn = 128' '.net.core.somaxconn = 128' \
		'net..core.somaxconn = 128'; do
		drift "$line" 'net.core.somaxconn is 4096 now, and 128'
	done
	for line in 'net.core.somaxconn = +128' 'net.core.somaxconn = 128k' \
		'net.core.somaxconn = 0x1000'; do
		drift "$line" ''
	done
	drift 'net.ipv4.ip_local_port_range = 50000' 'net.ipv4.ip_local_port_range is 32768 60999 now, and 50000 60999'
	drift 'net.ipv4.ip_local_port_range = 50000 50100 # few' 'net.ipv4.ip_local_port_range is 32768 60999 now, and 50000 50100'
	mkdir -p machine/proc/sys/net/netfilter machine/etc/modules-load.d
	echo nf_conntrack >machine/etc/modules-load.d/conntrack.conf
	echo 250368 >machine/proc/sys/net/netfilter/nf_conntrack_buckets
	drift 'net.netfilter.nf_conntrack_buckets = 250000' ''
	drift 'net.core.rps_sock_flow_entries = 3000' 'net.core.rps_sock_flow_entries is 0 now, and 4096'
	drift 'net.ipv4.tcp_rmem = 4096 131072 65536' 'net.ipv4.tcp_rmem is 4096 131072 6291456 now, and 4096 131072 65536'
	# The other name of the same value.
	echo 250000 >machine/proc/sys/net/netfilter/nf_conntrack_max
	echo 'net.nf_conntrack_max = 65536' >machine/etc/sysctl.d/50-x.conf
	expect any epolltune check --sysroot machine --quick --format json --probe drift
	json '[.findings[] | select(.id == "knob.drift") | .title | startswith("net.netfilter.nf_conntrack_max is 250000 now, and 65536")] == [true]'
}

# The running value is that of a line, but nothing applies the line at boot.
test_a_line_that_nothing_applies_at_boot_is_drift() {
	cp -r "$tests/hosts/debian-12-6.1" machine
	chmod -R u+w machine
	mkdir -p machine/etc/sysctl.d machine/run/systemd/system machine/proc/sys/net/netfilter
	drift() { # STATUS TEXT…
		expect "$1" epolltune check --sysroot machine --quick --probe drift
		shift
		said "$@"
	}
	drift 0
	echo 1048576 >machine/proc/sys/net/netfilter/nf_conntrack_max
	echo 'net.netfilter.nf_conntrack_max = 1048576' >machine/etc/sysctl.d/60-ct.conf
	drift 1 'net.netfilter.nf_conntrack_max is 1048576 now, and will be the kernel' \
		'/etc/sysctl.d/60-ct.conf:1 sets 1048576, but has no effect at boot' \
		'To keep 1048576: load the module before' 'echo nf_conntrack >/etc/modules-load.d/nf_conntrack.conf'
	mkdir -p machine/etc/modules-load.d
	echo nf_conntrack >machine/etc/modules-load.d/a.conf
	drift 0
	echo 8192 >machine/proc/sys/net/core/somaxconn
	echo 'net.core.somaxconn = 8192' >machine/etc/sysctl.conf
	drift 1 'net.core.somaxconn is 8192 now, and will be the kernel' '(4096) after' '/etc/sysctl.conf:1 sets 8192'
	mv machine/etc/sysctl.conf machine/etc/sysctl.d/60-a.conf
	drift 0
	mkdir -p machine/etc/systemd/system
	ln -s /dev/null machine/etc/systemd/system/systemd-sysctl.service
	drift 1 'systemd-sysctl.service is masked' 'run: sudo systemctl unmask systemd-sysctl.service'
	echo 1024 >machine/proc/sys/net/core/somaxconn
	echo 'net.core.somaxconn = 1024' >machine/etc/sysctl.d/60-a.conf
	expect any epolltune check --sysroot machine --quick --format json --probe drift
	json '[.findings[] | select(.id == "knob.drift") | .knob] == ["net.netfilter.nf_conntrack_max"]'
}

# As systemd reads them: a link is a file, and one to /dev/null masks.
test_links_to_files_of_sysctl_count_in_a_directory_too() {
	cp -r "$tests/hosts/debian-12-6.1" machine
	chmod -R u+w machine
	mkdir -p machine/etc/sysctl.d machine/usr/lib/sysctl.d
	boot() { # VALUE OF net.core.somaxconn AFTER A REBOOT, "" IF THE SAME
		tar -cf machine.tar machine
		for from in machine machine.tar; do
			expect any epolltune check --sysroot "$from" --quick --format json
			quiet
			is "$from" "$(jq -r '.findings[] | select(.id == "knob.drift") | .title | capture("and (?<n>[0-9]+) after") | .n' out)" "$1"
		done
	}
	boot ''
	echo 'net.core.somaxconn = 128' >machine/etc/sysctl.conf
	ln -s ../sysctl.conf machine/etc/sysctl.d/99-sysctl.conf
	boot 128
	rm machine/etc/sysctl.d/99-sysctl.conf
	mkdir machine/etc/systemd
	touch machine/etc/systemd/system.conf
	boot ''
	# Without systemd, procps reads it last.
	rm -r machine/etc/systemd
	boot 128
	rm machine/etc/sysctl.conf
	echo 'net.core.somaxconn = 129' >machine/usr/lib/sysctl.d/50-x.conf
	boot 129
	ln -s /dev/null machine/etc/sysctl.d/50-x.conf
	boot ''
	# What has the name masks it, of any type.
	rm machine/etc/sysctl.d/50-x.conf
	mkdir machine/etc/sysctl.d/50-x.conf
	boot ''
	touch machine/etc/sysctl.d/50-x.conf/file
	boot ''
	rm -r machine/etc/sysctl.d/50-x.conf
	boot 129
	ln -s nowhere machine/etc/sysctl.d/50-x.conf
	boot ''
}

# A link to nothing, which masks, is in a capture as well.
test_masks_are_captured() {
	in_namespace -Urm
	mount -t tmpfs none /etc/sysctl.d
	mount -t tmpfs none /usr/lib/sysctl.d
	echo 'net.core.somaxconn = 129' >/usr/lib/sysctl.d/50-x.conf
	ln -s /nowhere /etc/sysctl.d/50-x.conf
	echo 'net.core.somaxconn = 130' >/usr/lib/sysctl.d/60-x.conf
	mkdir /etc/sysctl.d/60-x.conf
	expect 0 epolltune capture --window 500ms -o masked.tar.gz
	expect any epolltune lint --sysroot masked.tar.gz
	lacks out 50-x.conf 60-x.conf
	rm -r /etc/sysctl.d/*
	expect 0 epolltune capture --window 500ms -o machine.tar.gz
	expect any epolltune lint --sysroot machine.tar.gz
	said 50-x.conf:1 60-x.conf:1
}

test_a_long_value_of_a_sysctl_listing_counts() {
	{
		echo 'net.ipv4.ip_local_port_range = 32768 60999'
		echo "net.ipv4.ip_local_reserved_ports = $(seq -s, 33000 3 36000),40000-60999"
	} >sysctl.txt
	expect any epolltune check --sysroot sysctl.txt --role proxy --probe ports --format json
	json 'wall("ports.ephemeral") | .limit == 6231'
}

run_tests "$@"
