#!/bin/sh
# explain and list: every name of the catalogue is explained, as text within 80 columns and as JSON.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

kinds='walls probes knobs findings counters symptoms myths guides'

names() { # KIND…
	for kind; do
		epolltune list "$kind" --format json | jq -r ".${kind}[].name"
	done
}

fits() { # FILE
	! LC_ALL=C grep '.\{81\}' "$1" || fail 'wider than 80 columns'
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
		'raising costs' TcpExt.ListenOverflows 'accept-queue, syn-queue' net/socket.c
}

wrong() { # ERROR ARGUMENTS…
	error=$1
	shift
	expect 3 epolltune "$@"
	refused "$error"
}

test_errors_name_the_argument() {
	wrong 'unknown name "somaxcon"; did you mean net.core.somaxconn?' explain somaxcon
	wrong 'did you mean accept-queue.short?' explain accept-queue.shrt
	wrong 'unknown name "zzzzzzzzzzzz"; epolltune list' explain zzzzzzzzzzzz
	wrong 'unknown name ""' explain ''
	wrong 'unknown name "nosuch"' explain net.core.somaxconn nosuch
	wrong 'missing NAME' explain
	wrong --format explain --format xml net.core.somaxconn
	wrong 'not one of walls, probes' list knob
	wrong 'unexpected argument "walls"' list knobs walls
	wrong 'unexpected argument "knobs"' list --nic knobs
	wrong /nonexistent list --sysroot /nonexistent
	wrong /etc/passwd explain --sysroot /etc/passwd net.core.somaxconn
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
	grep -hoE '"[a-z-]+(\.[a-z-]+)+"' "$root"/probes/*.c "$root"/src/commands/*.c | tr -d '"' | sort -u |
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
		complained 'standard output'
	done
}

run_tests "$@"
