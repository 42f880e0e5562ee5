#!/bin/sh
# explain and list: every name of the catalogue is explained, as text within 80 columns and as JSON.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

kinds='walls probes knobs findings counters symptoms complaints directives myths rules guides'

names() { # KIND…
	for kind; do
		epolltune list "$kind" --format json | jq -r ".${kind}[].name"
	done
}

fits() { # FILE: but for commands, which stay on one line
	! sed '/^  to see it /,/^  what to do/d; /^ *\(epolltune\|sysctl -w\) /d' "$1" | LC_ALL=C grep '.\{81\}' || fail 'wider than 80 columns'
}

test_every_name_is_explained() {
	export COLUMNS=80
	# shellcheck disable=SC2086 # several kinds
	names $kinds >names
	[ "$(wc -l <names)" -ge 150 ] || fail 'few names'
	expect 0 xargs -d '\n' epolltune explain <names
	quiet
	fits out
	! LC_ALL=C grep '[^ -~]' out || fail 'not ASCII'
}

test_a_number_keeps_its_unit() {
	for columns in 79 95 96; do
		export COLUMNS=$columns
		expect 0 epolltune explain ports.rate
		! grep '[^0-9A-Za-z_][0-9]\{1,2\}$' out || fail "at $columns columns a line ends inside \"1 s\""
	done
}

# Names of programs that commands begin with, for the shell accepts any word there.
programs='apachectl asinfo awk cat cd clickhouse-client conntrack curl cut df dig dmesg doveadm doveconf echo epolltune ethtool exim free grep
	head id ip journalctl kubectl lnstat ls lsmod mongosh mosquitto_sub mpstat mysql nc nft nginx nstat
	pdns_control pgrep postconf printf ps psql rabbitmq-diagnostics readlink redis-cli rndc slabtop socat sort
	squidclient ss sshd sysctl systemctl tail tc top tr ulimit uniq wc'

test_what_shows_a_state_is_a_command() {
	for kind in counters symptoms complaints directives; do
		epolltune list $kind --format json | jq -r ".${kind}[].show"
	done | sort -u >shown
	[ "$(wc -l <shown)" -ge 100 ] || fail 'few commands'
	while IFS= read -r line; do
		echo "$line" | sh -n 2>err || fail "no command: $line"
		# Of several commands, a remark belongs behind the last.
		case $line in *'# '*\;*) fail "a remark hides a command: $line" ;; esac
	done <shown
	sed "s/  # .*//; s/'[^']*'//g; s/\"[^\"]*\"//g; s/\$([^)]*)//g; s/2>&1//g" shown | tr ';|&()' '\n\n\n\n\n' |
		awk -v programs="$programs" 'BEGIN { n = split(programs, name); for (i in name) known[name[i]] = 1 }
			NF && !known[$1] { print; bad = 1 } END { exit bad }' || fail 'no command'
}

test_every_kind_is_a_kind_of_the_program() {
	expect 3 epolltune list knob
	refused "not one of $(echo "$kinds" | sed 's/ /, /g')"
}

test_knobs_are_explained_as_json_in_their_order() {
	names knobs >names
	expect 0 xargs -d '\n' epolltune explain --format json <names
	json '.schema == "epolltune.explain/1"'
	jq -r '.topics[].name' out | cmp - names
}

test_a_knob_is_described_completely() {
	expect 0 epolltune explain net/core/somaxconn
	said 'net.core.somaxconn (knob)' '0 to 2147483647 connections' 'each network namespace' 'at the next listen()' \
		'raising costs' TcpExt.ListenOverflows 'accept-queue, accept-queue.unix, syn-queue' net/socket.c
}

wrong() { # ERROR ARGUMENTS…
	error=$1
	shift
	expect 3 epolltune "$@"
	refused "$error"
}

# No control characters, and valid UTF-8.
printable() { # FILE
	! LC_ALL=C grep -q '[[:cntrl:]]' "$1" && iconv -f UTF-8 "$1" >/dev/null || fail "$1 is not printable"
}

test_errors_name_the_argument() {
	wrong 'unknown name "somaxcon"; did you mean net.core.somaxconn' explain somaxcon
	wrong 'did you mean accept-queue.short, ' explain accept-queue.shrt
	wrong 'unknown name "zzzzzzzzzzzz"; epolltune list' explain zzzzzzzzzzzz
	wrong 'unknown name ""' explain ''
	wrong 'unknown name "nosuch nothing"' explain nosuch nothing
	wrong 'missing NAME or TEXT' explain </dev/null
	wrong --format explain --format xml net.core.somaxconn
	wrong 'not one of walls, probes' list knob
	wrong 'unexpected argument "walls"' list knobs walls
	wrong 'knobs: no such interface' list --nic knobs
	wrong /nonexistent list --sysroot /nonexistent
	wrong /etc/passwd explain --sysroot /etc/passwd net.core.somaxconn
}

test_unknown_words_lead_to_at_most_five_similar_names() {
	wrong 'did you mean nofile' explain nofil
	wrong 'did you mean accept-queue.overflowing' explain 'accept queue overflowed'
	wrong 'did you mean ports.ephemeral, ' explain 'ephemeral ports'
	for far in 'the quick brown fox' 'segmentation fault' kubernetes 'my cat sat on the memory mat' ENOTANERRNO; do
		wrong "unknown name \"$far\"; epolltune list" explain "$far"
	done
	wrong 'unknown name "' explain network queue memory connections packets limit of the kernel
	[ "$(tr -cd , <err | wc -c)" -le 4 ] || fail 'more than five names'
	# Escape sequences and invalid UTF-8 are not printed.
	wrong 'unknown name "qqred qq' explain "$(printf 'qq\033[31mred\033]0;title\007 qq\377')"
	printable err
}

# Quoted or not, or from standard input.
test_a_pasted_line_is_one_text() {
	line='Nov 28 10:00:01 web-1 kernel: [16427.2] TCP: Possible SYN flooding on port 443. Sending cookies.'
	# shellcheck disable=SC2086 # words
	for how in "epolltune explain '$line'" "epolltune explain $line" "echo '$line' | epolltune explain" \
		"echo '$line' | epolltune explain -"; do
		expect 0 sh -c "$how"
		is 'the first line' "$(head -1 out)" 'Possible SYN flooding (symptom)'
		said 'whose limit    application' 'to see it      nstat -az' 'what to do     Raise the backlog' \
			'walls          syn-queue' tcp_syn_flood_action
	done
	expect 0 epolltune explain accept EMFILE
	said 'accept: Too many open files (symptom)'
	# Known words are explained each.
	expect 0 epolltune explain --format json somaxconn EMFILE 'Too many open files in system'
	json '[.topics[].name] == ["net.core.somaxconn", "EMFILE", "ENFILE"] and .log == null'
}

test_the_most_specific_is_explained_and_others_are_named() {
	expect 0 epolltune explain --format json 'accept4() failed (24: Too many open files), see net.core.somaxconn'
	json '.topics | length == 1' '.topics[0].name == "accept: Too many open files"' \
		'.topics[0].also == ["EMFILE", "net.core.somaxconn"]' '.topics[0].owner == "process"' \
		'.topics[0].walls == ["descriptors.process", "accept-queue"]'
	expect 0 epolltune explain 'accept4() failed (24: Too many open files), see net.core.somaxconn'
	said 'see also       EMFILE, net.core.somaxconn'
	expect 0 epolltune explain EMFILE
	lacks out 'see also'
}

# A line that does not fit is broken between commands only, never in quotes.
test_commands_can_be_pasted() {
	expect 0 epolltune explain 'Possible SYN flooding'
	is 'the commands' "$(grep -A1 'to see it' out)" \
		"  to see it      nstat -az TcpExtTCPReqQFullDoCookies TcpExtTCPReqQFullDrop
                 ss -ltn 'sport = :PORT'"
	expect 0 epolltune explain EMFILE
	said "  to see it      grep 'open files' /proc/PID/limits; ls /proc/PID/fd | wc -l"
	expect 0 epolltune explain 'ERROR 1040: Too many connections'
	said "like 'Threads_connected'; show variables like"
}

test_any_bytes_are_read_as_a_text() {
	head -c 300000 /dev/urandom | tr -d '\n' >noise
	expect any sh -c 'epolltune explain <noise'
	[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "exit status $status"
	printf 'a\0b EMFILE\0\0' | expect 0 epolltune explain
	said 'EMFILE (symptom)'
	expect 3 sh -c 'epolltune explain <.'
	complained 'standard input'
}

log_lines() {
	echo 'nothing here'
	printf 'kernel: TCP: Possible SYN flooding on port %s. Sending cookies.\n' 80 81 82
	printf '\033[31mcrit\033[0m accept4() failed (24: Too many open files)\033]0;evil\007\0\377 \302\23331m end\n'
	echo 'net.core.somaxconn is no symptom'
	printf 'last EMFILE' # without a line end
}

test_the_symptoms_of_a_log_are_counted() {
	log_lines >log
	for how in '--log log' '--log=log' '--log - <log'; do
		expect 0 sh -c "epolltune explain --format json $how"
		json '[.log | .lines, .recognised, .unrecognised] == [7, 5, 2]' \
			'[.topics[] | [.name, .lines, .first_line, .last_line]] == [["Possible SYN flooding", 3, 2, 4],
				["accept: Too many open files", 1, 5, 5], ["EMFILE", 1, 7, 7]]' \
			'.topics[0].first | endswith("on port 80. Sending cookies.")' \
			'.topics[0].last | endswith("on port 82. Sending cookies.")' \
			'.topics[1].first == "crit accept4() failed (24: Too many open files) \ufffd ?31m end"'
	done
	expect 0 epolltune explain --log log
	said 'log: 7 lines, 5 of them recognised' '3  Possible SYN flooding' 'line 2: kernel: TCP' 'line 4: kernel: TCP' \
		'whose limit    process'
	printable out
	quiet
}

test_a_log_without_symptoms_is_read_as_well() {
	: >empty
	expect 0 epolltune explain --log empty
	is output "$(cat out)" 'empty: 0 lines, 0 of them recognised'
	echo nothing >one
	expect 0 epolltune explain --log one
	is output "$(cat out)" 'one: 1 line, 0 of them recognised'
	expect 0 epolltune explain --log "$PROGRAM"
	expect 0 epolltune explain --log /proc/self/status
	said 'recognised'
}

test_what_is_no_log_is_refused_at_once() {
	mkfifo fifo
	mkdir directory
	ln -s loop loop
	for file in fifo /dev/zero /dev/null; do
		expect 3 timeout 20 epolltune explain --log $file
		refused "$file" 'not a regular file' 'epolltune explain --log -'
	done
	wrong 'directory is a directory; give a file name' explain --log directory
	wrong 'nosuch: No such file' explain --log nosuch
	wrong 'loop: Too many levels' explain --log loop
	wrong 'unexpected argument "EMFILE"' explain --log log EMFILE
	expect 3 sh -c 'epolltune explain --log - <&-'
	complained 'standard input'
	expect 3 sh -c 'epolltune explain --log - <directory'
	complained 'Is a directory'
}

# Each pattern is compared once with a line, however often its words are in it. Without that this takes
# minutes.
test_repeated_words_are_not_compared_again() {
	yes files files files files files files files files | tr '\n' ' ' | fold -w 2040 | head -c 48M >log
	expect 0 timeout 30 epolltune explain --format json --log log
	json '.log.recognised == 0' '.log.lines > 24000'
}

# 128 MiB without a line end, in less memory than that.
test_a_line_of_any_length_is_judged_by_its_beginning() {
	printf 'EMFILE ' >log
	truncate -s 128M log
	printf '\nEMFILE\n' >>log
	sanitized || ulimit -v 60000
	expect 0 epolltune explain --format json --log log
	json '.log.lines == 2' '.topics[0] | .name == "EMFILE" and .lines == 2 and .first == "EMFILE"'
}

test_every_kind_is_listed() {
	export COLUMNS=80
	expect 0 epolltune list
	fits out
	for name in $(names knobs walls); do said "$name"; done
	lacks out MYTH
	expect 0 epolltune list findings
	fits out
	for name in $(names findings); do said "$name"; done
	expect 0 epolltune list myths
	fits out
}

file() { # PATH TEXT
	mkdir -p "host/$(dirname "$1")"
	printf '%s\n' "$2" >"host/$1"
}

# Missing or damaged ones are null.
test_a_captured_machine_has_its_own_values() {
	file proc/sys/net/core/somaxconn 77
	file proc/sys/net/ipv4/tcp_rmem '1	2	3'
	file proc/sys/net/ipv4/tcp_wmem garbage
	expect 0 epolltune list knobs --format json --sysroot host
	json '.schema == "epolltune.list/1" and .walls == null' \
		'[.knobs[] | {(.name): .value}] | add | .["net.core.somaxconn"] == "77" and .["net.ipv4.tcp_rmem"] == "1 2 3"' \
		'[.knobs[] | {(.name): .value}] | add | has("net.ipv4.tcp_wmem") and .["net.ipv4.tcp_wmem"] == null and
			has("fs.file-max") and .["fs.file-max"] == null and has("RLIMIT_NOFILE") and .RLIMIT_NOFILE == null'
}

# On a machine where everything is short.
test_every_finding_of_a_check_is_explained() {
	file proc/sys/net/core/somaxconn 37
	file proc/sys/net/ipv4/tcp_abort_on_overflow 1
	file proc/sys/fs/file-nr '190	0	200'
	file proc/sys/fs/epoll/max_user_watches 10
	file proc/self/limits 'Max open files            333       333       files'
	file proc/meminfo 'MemTotal: 2048 kB
MemAvailable: 1024 kB'
	expect 2 epolltune check --format json --sysroot host
	jq -r '.findings[].id' out | sort -u >ids
	json '.findings | length >= 4'
	names findings | sort >known
	is 'findings without a row' "$(comm -23 ids known)" ''
}

# All finding ids in the sources of the probes have a row, also those that no test produces. An id is
# "<wall or probe>.<words>".
test_every_finding_of_the_sources_is_explained() {
	names walls probes | sort >owners
	names findings walls | sort >known
	grep -hoE '"[a-z-]+(\.[a-z-]+)+"' "$root"/probes/*.c "$root"/src/check/*.c | tr -d '"' | sort -u |
		while read -r id; do
			if grep -qxF "${id%.*}" owners; then echo "$id"; fi
		done >ids
	[ "$(wc -l <ids)" -gt 4 ] || { show ids && fail 'few ids'; }
	is 'ids without a row in src/catalogue/findings.c' "$(comm -23 ids known)" ''
}

test_a_full_disk_is_an_error() {
	[ -w /dev/full ] || skip 'no /dev/full'
	for arguments in list 'list --format json' 'explain --format json net.core.somaxconn'; do
		expect 3 sh -c "exec epolltune $arguments >/dev/full"
		complained 'No space left on device'
	done
}

run_tests "$@"
