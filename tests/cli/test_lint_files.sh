#!/bin/sh
# lint: what it finds in files and machines, that it finds nothing in what distributions ship, and that no
# file stops it.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

put() { # FILE LINE…
	mkdir -p "$(dirname "$1")"
	file=$1
	shift
	printf '%s\n' "$@" >"$file"
}

rules() { # of ./out, without files
	jq -r '.problems[] | "\(.line // 0) \(.rule)"' out
}

test_the_corpus_is_found_and_nothing_else() {
	mkdir corpus
	awk '/^== / { file = "corpus/" $2; dir = file; sub("/[^/]*$", "", dir); system("mkdir -p " dir); n++; next }
		/^-- / { for (i = 3; i <= NF; i++) print file, $2, $i >"want"; next }
		file { print >file }
		END { print n >"files" }' "$root/tests/cli/lint/corpus"
	[ "$(cat files)" -ge 60 ] || fail 'few snippets'
	expect 2 epolltune lint --format json corpus
	jq -r '.problems[] | "\(.file) \(.line // 0) \(.rule)"' out | sort >found
	sort want | diff - found >differ || { show differ && fail 'not what the corpus says'; }
	json '.schema == "epolltune.lint/1"'
	json '[.problems[] | select(.text | test("[.;:,] *$"))] | length <= 20'
}

test_every_rule_is_planted_or_of_a_machine() {
	epolltune list rules --format json | jq -r '.rules[].name' >names
	for name in $(cat names); do
		grep -qs "$name" "$root/tests/cli/lint/corpus" "$self" || fail "no case of $name"
	done
}

test_what_distributions_ship_has_no_problems() {
	put m/usr/lib/sysctl.d/50-pid-max.conf 'kernel.pid_max = 4194304'
	put m/usr/lib/sysctl.d/50-default.conf '-kernel.sysrq = 16' 'kernel.core_uses_pid = 1' \
		'net.ipv4.conf.default.rp_filter = 2' 'net.ipv4.conf.*.rp_filter = 2' '-net.ipv4.conf.all.rp_filter' \
		'-net.ipv4.conf.all.promote_secondaries' '-net.ipv4.ping_group_range = 0 2147483647' \
		'-net.core.default_qdisc = fq_codel' 'fs.protected_regular = 2'
	put m/usr/lib/sysctl.d/99-protect-links.conf 'fs.protected_fifos = 1' 'fs.protected_hardlinks = 1' \
		'fs.protected_regular = 2' 'fs.protected_symlinks = 1'
	put m/etc/sysctl.conf '#net.ipv4.conf.default.rp_filter=1' '#kernel.sysrq=438'
	put m/etc/sysctl.d/README.sysctl 'Local settings'
	put m/etc/security/limits.conf '#*               soft    core            0' '# End of file'
	put m/etc/systemd/system.conf '[Manager]' '#DefaultLimitNOFILE=1024:524288'
	put m/usr/lib/systemd/system/systemd-journald.service '[Unit]' 'Description=Journal' '[Service]' 'LimitNOFILE=524288'
	put m/usr/lib/systemd/systemd-sysctl ''
	expect 0 epolltune lint --sysroot m
	said 'No problems in 7 files.'
	expect 0 epolltune lint m
	said 'No problems'
}

# What lint recommends for a unit, its own rule of units accepts.
test_a_limit_for_a_service_is_one_of_systemd() {
	for value in unlimited infinity -1 65536 524288 1048576 2000000 64k; do
		put limits.d/x.conf "* - nofile $value"
		epolltune lint limits.d/x.conf >out || :
		sed -n 's/.*for a service write \(LimitNOFILE=.*\) in its unit/\1/p' out >unit
		[ -s unit ] || fail "no advice for $value"
		[ "$(cat unit)" = 'LimitNOFILE=' ] && continue
		printf '[Service]\n%s\n' "$(cat unit)" >x.service
		expect 0 epolltune lint x.service
		said 'No problems'
	done
	put limits.d/x.conf '* - nofile unlimited'
	expect 1 epolltune lint limits.d/x.conf
	said 'lint.capped: nofile unlimited is fs.nr_open (1048576 where systemd does not raise it) since'
	put limits.d/x.conf '* - nofile 65536'
	expect 0 epolltune lint limits.d/x.conf
	said 'LimitNOFILE=65536:524288 in its unit'
}

# setrlimit() gets the smaller of both, so that only a hard limit can fail.
test_a_soft_limit_is_cut_to_the_hard_one() {
	put sysctl.d/x.conf 'fs.nr_open = 1048576'
	for value in 2000000 unlimited; do
		put limits.d/x.conf "www-data soft nofile $value"
		expect 1 epolltune lint limits.d/x.conf sysctl.d
		said "1: lint.capped: soft nofile $value is above fs.nr_open (1048576), and pam_limits cuts it"
	done
	for type in hard -; do
		put limits.d/x.conf "www-data $type nofile 2000000"
		expect 2 epolltune lint limits.d/x.conf sysctl.d
		said '1: lint.refused: nofile 2000000 is above fs.nr_open (1048576): setrlimit'
	done
}

# systemd raises fs.nr_open at boot, unless it is built without; a file that is judged as well may do it, too.
test_a_limit_of_an_unknown_machine_is_judged_by_the_files() {
	put d/limits.d/x.conf 'www-data hard nofile 2097152' 'www-data soft nofile 2000000'
	put d/x.service '[Service]' 'LimitNOFILE=2097152'
	expect 0 epolltune lint d
	said 'x.conf:1: lint.capped: nofile 2097152 is above fs.nr_open (1048576 where systemd does not raise it), and there' \
		'x.conf:2: lint.capped: soft nofile 2000000 is above fs.nr_open (1048576 where' \
		'x.service:2: lint.capped: LimitNOFILE=2097152 is above fs.nr_open (1048576 where systemd does not raise it), which'
	put d/sysctl.d/10.conf 'fs.nr_open = 4194304'
	put d/sysctl.d/20.conf 'fs.nr_open = 2097152'
	expect 0 epolltune lint d
	said 'No problems'
	expect 0 epolltune lint d/limits.d d/x.service d/sysctl.d/20.conf
	said 'No problems'
	put d/sysctl.d/10.conf ''
	put d/sysctl.d/20.conf 'fs.nr_open = 1048577'
	expect 2 epolltune lint d
	said 'x.conf:1: lint.refused: nofile 2097152 is above fs.nr_open (1048577): setrlimit() fails'
	rm -r d/sysctl.d
	# More than the kernel takes for fs.nr_open.
	put d/limits.d/x.conf 'www-data hard nofile 2147483585'
	expect 2 epolltune lint d
	said 'x.conf:1: lint.refused: nofile 2147483585 is above fs.nr_open (at most 2147483584): setrlimit() fails'
}

machine_of() { # KERNEL MEMORY-KIB: ./m
	rm -rf m
	put m/usr/lib/systemd/systemd-sysctl ''
	put m/proc/sys/kernel/osrelease "$1"
	put m/proc/meminfo "MemTotal: $2 kB" 'DirectMap4k: 1024 kB'
}

judged() { # LINE RULES
	put m/etc/sysctl.d/50-x.conf "$1"
	expect any epolltune lint --sysroot m --format json
	is "$1" "$(jq -r '[.problems[].rule | select(. != "lint.module")] | sort | join(" ")' out)" "$2"
}

# tcp_init(): at most a 128th of the memory, and 32 MiB since Linux 6.16.
test_a_maximum_of_the_kernel_is_that_of_its_version_and_memory() {
	machine_of 6.18.0 16000000
	judged 'net.ipv4.tcp_rmem = 4096 131072 16777216' lint.lowers
	judged 'net.ipv4.tcp_rmem = 4096 131072 33554432' ''
	judged 'net.netfilter.nf_conntrack_max = 131072' lint.lowers
	judged 'net.netfilter.nf_conntrack_max = 262144' ''
	machine_of 6.15.0 16000000
	judged 'net.ipv4.tcp_rmem = 4096 131072 6291456' ''
	judged 'net.ipv4.tcp_rmem = 4096 131072 6291455' lint.lowers
	# As a machine of 236 MiB had it.
	machine_of 6.1.0 241644
	judged 'net.ipv4.tcp_rmem = 4096 131072 1774752' ''
	judged 'net.ipv4.tcp_rmem = 4096 131072 1048576' lint.lowers
	matches out 'below the kernel.s own about 1933152:'
	judged 'net.ipv4.tcp_wmem = 4096 16384 1774752' ''
	judged 'net.netfilter.nf_conntrack_max = 8192' ''
	judged 'net.netfilter.nf_conntrack_max = 1024' lint.lowers
	put x.conf 'net.ipv4.tcp_rmem = 4096 131072 16777216' 'net.netfilter.nf_conntrack_max = 131072'
	expect 1 epolltune lint x.conf
	said "below the kernel's own 33554432 (with 4 GiB of memory or more): autotuning" \
		"below the kernel's own 262144 (with 4 GiB of memory or more): fewer"
	expect any epolltune lint --fix x.conf
	lacks out '^-net'
}

test_pages_are_bytes_where_they_exceed_the_memory() {
	bytes='net.ipv4.tcp_mem = 8388608 12582912 16777216'
	put x.conf "$bytes"
	expect 1 epolltune lint x.conf
	said '1: lint.unit: net.ipv4.tcp_mem counts pages, and 16777216 of them are 64 GiB: unless the machine has more'
	expect any epolltune lint --fix x.conf
	lacks out '^-net'
	machine_of 6.18.0 16000000
	judged "$bytes" lint.classic
	epolltune lint --fix --sysroot m >out || :
	matches out '^-net.ipv4.tcp_mem'
	machine_of 6.18.0 500000000
	judged "$bytes" lint.automatic
}

# ipv4_local_port_range() compares with the value at the time of the line.
test_a_port_range_begins_where_ports_are_unprivileged() {
	range='net.ipv4.ip_local_port_range = 80 60999' first='net.ipv4.ip_unprivileged_port_start = 80'
	put x.conf "$first" "$range"
	expect 0 epolltune lint x.conf
	said '2: lint.ports'
	put x.conf "$range" "$first"
	expect 2 epolltune lint x.conf
	said '1: lint.refused: net.ipv4.ip_local_port_range: 80 is below net.ipv4.ip_unprivileged_port_start (1024), which x.conf:2 sets later'
	put x.conf "$range"
	expect 2 epolltune lint x.conf
	said '1: lint.refused: net.ipv4.ip_local_port_range: 80 is below net.ipv4.ip_unprivileged_port_start (1024), and the kernel refuses'
	put x.conf 'net.ipv4.ip_unprivileged_port_start = 2048' 'net.ipv4.ip_local_port_range = 1024 60999'
	expect 2 epolltune lint x.conf
	said '2: lint.refused: net.ipv4.ip_local_port_range: 1024 is below net.ipv4.ip_unprivileged_port_start (2048)'
	# Likewise ipv4_privileged_ports() with the range.
	put x.conf 'net.ipv4.ip_local_port_range = 1024 60999' 'net.ipv4.ip_unprivileged_port_start = 2048'
	expect 2 epolltune lint x.conf
	said '2: lint.refused: net.ipv4.ip_unprivileged_port_start: 2048 is above the low end of net.ipv4.ip_local_port_range (1024), and the kernel refuses'
	put x.conf 'net.ipv4.ip_unprivileged_port_start = 40000'
	expect 2 epolltune lint x.conf
	said '1: lint.refused: net.ipv4.ip_unprivileged_port_start: 40000 is above the low end of net.ipv4.ip_local_port_range (32768)'
	put x.conf 'net.ipv4.ip_local_port_range = 20000 60999' 'net.ipv4.ip_unprivileged_port_start = 20000'
	expect 0 epolltune lint x.conf
	# One that is refused leaves the other as it was.
	put x.conf "$range" 'net.ipv4.ip_unprivileged_port_start = 2048'
	expect 2 epolltune lint x.conf
	said '1: lint.refused: net.ipv4.ip_local_port_range: 80 is below net.ipv4.ip_unprivileged_port_start (1024), which x.conf:2 sets later'
	put x.conf 'net.ipv4.ip_unprivileged_port_start = 40000' 'net.ipv4.ip_local_port_range = 2000 60999'
	expect 2 epolltune lint x.conf
	said '1: lint.refused: net.ipv4.ip_unprivileged_port_start: 40000 is above the low end of net.ipv4.ip_local_port_range (32768), and the kernel refuses'
	# A value that the kernel refuses is not in force, in either order.
	for value in 70000 -1 '"80"'; do
		for range in 'net.ipv4.ip_local_port_range = 1024 60999' 'net.ipv4.ip_local_port_range = 80 60999'; do
			first="net.ipv4.ip_unprivileged_port_start = $value"
			put x.conf "$first" "$range"
			epolltune lint x.conf >before || :
			put x.conf "$range" "$first"
			epolltune lint x.conf >after || :
			case $range in
			*' 80 '*) contains before "80 is below net.ipv4.ip_unprivileged_port_start (1024), and the kernel refuses" ;;
			*) lacks before ' is below net.ipv4.ip_unprivileged_port_start' ;;
			esac
			lacks after 'which x.conf:2 sets later'
		done
	done
	range='net.ipv4.ip_local_port_range = 80 60999' first='net.ipv4.ip_unprivileged_port_start = 80'
	machine_of 6.18.0 16000000
	judged "$range" lint.refused
	put m/proc/sys/net/ipv4/ip_unprivileged_port_start 0
	judged "$range" lint.ports
	put m/etc/sysctl.d/60-y.conf "$first"
	judged "$range" lint.refused
}

# A line that sets nothing gets no advice, nor is what is running another value than it sets.
test_a_port_range_that_is_refused_has_no_other_verdict() {
	range='net.ipv4.ip_local_port_range = 500 600'
	put x.conf "$range"
	expect 2 epolltune lint x.conf --format json
	is 'the rules' "$(jq -r '.problems[].rule' out)" lint.refused
	machine_of 6.18.0 16000000
	put m/proc/sys/net/ipv4/ip_local_port_range '32768	60999'
	judged "$range" lint.refused
	lacks out lint.lowers
	lacks out lint.drift
}

test_the_files_of_a_machine_are_read_in_their_order() {
	put m/usr/lib/sysctl.d/10-a.conf 'net.core.somaxconn = 8192'
	put m/usr/lib/sysctl.d/20-masked.conf 'net.ipv4.tcp_tw_recycle = 1'
	put m/run/sysctl.d/30-b.conf 'net.core.somaxconn = 16384'
	put m/etc/sysctl.d/99-typo 'net.core.somaxconn = 1'
	put m/etc/sysctl.conf 'net.core.somaxconn = 32768'
	put m/usr/lib/systemd/systemd-sysctl ''
	put m/proc/sys/net/core/somaxconn 4096
	put m/etc/nginx/nginx.conf 'http { server {' ' listen 80 backlog=65535;' '} }'
	put m/etc/php/8.2/fpm/pool.d/www.conf 'listen = 9000' 'listen.backlog = 65535'
	ln -s /dev/null m/etc/sysctl.d/20-masked.conf
	expect 2 epolltune lint --sysroot m --format json
	jq -r '.problems[] | "\(.file):\(.line // 0) \(.rule)"' out >found
	cat >want <<-'end'
		/etc/nginx/nginx.conf:2 lint.capped
		/etc/php/8.2/fpm/pool.d/www.conf:2 lint.capped
		/etc/sysctl.conf:0 lint.unread
		/etc/sysctl.d/99-typo:0 lint.unread
		/run/sysctl.d/30-b.conf:1 lint.drift
	end
	diff want found >differ || { show differ && fail 'another order'; }
	# Likewise packed.
	cp out unpacked
	tar -czf m.tar.gz -C m .
	expect 2 epolltune lint --sysroot m.tar.gz --format json
	diff unpacked out >differ || { show differ && fail 'packed, it is another machine'; }
	expect 3 epolltune lint --sysroot m.tar.gz --fix
	refused 'lint: --fix needs files'
	ln -sf ../sysctl.conf m/etc/sysctl.d/99-sysctl.conf
	tar -czf m.tar.gz -C m .
	for machine in m m.tar.gz; do
		expect 2 epolltune lint --sysroot $machine
		lacks out /etc/sysctl.conf:0
		matches out '^/run/sysctl.d/30-b.conf:1: lint.overridden: .*/etc/sysctl.d/99-sysctl.conf:1'
	done
	rm m/etc/sysctl.d/99-sysctl.conf
	# A diff is of the captured files, not of this machine's.
	put m/etc/sysctl.d/40-c.conf 'net.ipv4.tcp_tw_recycle = 1'
	expect 2 epolltune lint --sysroot m --fix
	quiet
	matches out '^--- /etc/sysctl.d/40-c.conf' '^-net.ipv4.tcp_tw_recycle = 1'
	rm m/etc/sysctl.d/40-c.conf
	# procps reads sysctl.conf, and last.
	rm m/usr/lib/systemd/systemd-sysctl m/etc/sysctl.d/99-typo
	expect 1 epolltune lint --sysroot m
	said '30-b.conf:1: lint.overridden' '/etc/sysctl.conf:1: lint.drift'
}

# The administrator changes what the distribution ships, whose files change each other.
test_what_is_shipped_may_be_overridden() {
	put m/usr/lib/systemd/systemd-sysctl ''
	put m/usr/lib/sysctl.d/50-default.conf '-net.core.default_qdisc = fq_codel' 'net.ipv4.conf.default.rp_filter = 2'
	put m/usr/lib/sysctl.d/50-redhat.conf 'net.ipv4.conf.default.rp_filter = 1'
	put m/lib/sysctl.d/40-split.conf 'kernel.sysrq = 1'
	put m/etc/sysctl.d/99-bbr.conf 'net.core.default_qdisc = fq' 'kernel.sysrq = 16'
	expect 0 epolltune lint --sysroot m
	said 'No problems'
	# A package that overrides the administrator is a surprise.
	put m/usr/lib/sysctl.d/99-vendor.conf 'net.core.default_qdisc = pfifo_fast'
	expect 1 epolltune lint --sysroot m
	said '/etc/sysctl.d/99-bbr.conf:1: lint.overridden: net.core.default_qdisc = fq is overridden by /usr/lib/sysctl.d/99-vendor.conf:1'
	is 'the problems' "$(grep -c ': lint' out)" 1
}

# net.nf_conntrack_max and net.netfilter.nf_conntrack_max are one variable of the kernel.
test_two_names_of_one_value_override_each_other() {
	put m/usr/lib/systemd/systemd-sysctl ''
	put m/etc/modules-load.d/conntrack.conf nf_conntrack
	put m/proc/sys/net/netfilter/nf_conntrack_max 1048576
	put m/etc/sysctl.d/90-epolltune.conf 'net.netfilter.nf_conntrack_max = 1048576'
	put m/etc/sysctl.d/99-guide.conf 'net.nf_conntrack_max = 524288'
	expect 1 epolltune lint --sysroot m
	said '/etc/sysctl.d/90-epolltune.conf:1: lint.overridden: net.netfilter.nf_conntrack_max = 1048576 is overridden by /etc/sysctl.d/99-guide.conf:1, which is read later and sets 524288 as net.nf_conntrack_max' \
		'/etc/sysctl.d/99-guide.conf:1: lint.drift: net.nf_conntrack_max = 524288, but 1048576 is running'
	is 'the problems' "$(grep -c ': lint' out)" 2
	# The same value is no problem; nor does one name exclude the other.
	put m/etc/sysctl.d/99-guide.conf 'net.nf_conntrack_max = 1048576'
	expect 0 epolltune lint --sysroot m
	said 'No problems'
	put m/etc/sysctl.d/99-guide.conf '-net.nf_conntrack_max'
	expect 0 epolltune lint --sysroot m
	said 'No problems'
	# A value that the kernel refuses leaves that of the other name.
	put m/etc/sysctl.d/99-guide.conf 'net.nf_conntrack_max = 512k'
	expect 2 epolltune lint --sysroot m
	is 'the rules' "$(sed -n 's/.*: \(lint[^:]*\):.*/\1/p' out)" lint.refused
	put x.conf 'net.netfilter.nf_conntrack_max = 1048576' 'net.nf_conntrack_max = 524288' 'net.ipv4.ip_forward = 1' \
		'net.ipv4.conf.all.forwarding = 1'
	expect 1 epolltune lint x.conf
	said 'x.conf:1: lint.duplicate: net.netfilter.nf_conntrack_max is set again in line 2 as net.nf_conntrack_max, to 524288, which wins'
	is 'the duplicates' "$(grep -c lint.duplicate out)" 1
	# Under any name it is judged by the kernel's own value.
	put x.conf 'net.nf_conntrack_max = 1024'
	expect 1 epolltune lint x.conf
	said "x.conf:1: lint.lowers: net.nf_conntrack_max: 1024 is below the kernel's own"
}

# systemd-sysctl writes a line that repeats an earlier one in the place of that one.
test_a_repeated_line_keeps_its_place() {
	put x.conf 'net.netfilter.nf_conntrack_max=262144' 'net.nf_conntrack_max=524288' 'net.netfilter.nf_conntrack_max=262144'
	expect 1 epolltune lint x.conf
	said 'x.conf:3: lint.duplicate: net.netfilter.nf_conntrack_max is set again in line 2 as net.nf_conntrack_max, to 524288, which wins, as systemd-sysctl' \
		'x.conf:3: lint.duplicate: net.netfilter.nf_conntrack_max is set already in line 1'
	lacks out 'to 262144'
	put x.conf 'net.ipv4.ip_local_port_range=1024 65535' 'net.ipv4.ip_unprivileged_port_start=2048' \
		'net.ipv4.ip_local_port_range=1024 65535' 'net.ipv4.ip_local_reserved_ports=8080'
	expect 2 epolltune lint x.conf
	said 'x.conf:2: lint.refused: net.ipv4.ip_unprivileged_port_start: 2048 is above the low end'
	lacks out 'begin at 2048'
	# The line goes without which the order stays.
	expect 2 epolltune lint --fix x.conf
	matches out '^ net.ipv4.ip_local_port_range=1024 65535' '^-net.ipv4.ip_local_port_range=1024 65535'
	is 'the lines that go' "$(grep -c '^-net' out)" 1
	# procps writes each line.
	put m/etc/sysctl.d/10-a.conf 'net.ipv4.ip_forward = 1' 'net.ipv4.conf.all.forwarding = 0' 'net.ipv4.ip_forward = 1'
	mkdir -p m/proc/sys
	expect 1 epolltune lint --sysroot m
	said '10-a.conf:2: lint.duplicate: net.ipv4.conf.all.forwarding is set again in line 3 as net.ipv4.ip_forward, to 1, which wins: keep'
	put m/usr/lib/systemd/systemd-sysctl ''
	expect 1 epolltune lint --sysroot m
	said '10-a.conf:3: lint.duplicate: net.ipv4.ip_forward is set again in line 2 as net.ipv4.conf.all.forwarding, to 0, which wins, as'
	put m/etc/sysctl.d/20-b.conf 'net.ipv4.ip_forward = 1'
	expect 1 epolltune lint --sysroot m
	said '20-b.conf:1: lint.overridden: net.ipv4.ip_forward = 1 is overridden by /etc/sysctl.d/10-a.conf:2, which is written later, as systemd-sysctl'
}

# What no program reads is not judged, and lint does not advise to restore it.
test_copies_that_were_put_aside_are_not_judged() {
	machine_of 6.18.0 16000000
	put m/proc/sys/net/core/somaxconn 4096
	mkdir -p m/etc/systemd/system/multi-user.target.wants m/etc/nginx/sites-enabled
	put m/etc/systemd/system/web.service '[Service]' 'LimitNOFILE=infinity'
	put m/usr/lib/systemd/system/ssh.service '[Service]' 'LimitNOFILE=64K'
	put m/etc/nginx/sites-available/web 'server { listen 80 backlog=65535; }'
	ln -s ../web.service m/etc/systemd/system/multi-user.target.wants/web.service
	ln -s /usr/lib/systemd/system/ssh.service m/etc/systemd/system/sshd.service
	ln -s ../sites-available/web m/etc/nginx/sites-enabled/web
	# nginx includes all names of that directory.
	put m/etc/nginx/sites-enabled/web.bak 'server { listen 81 backlog=65535; }'
	put m/etc/systemd/system/web.service.d/override 'LimitNOFILE=1000' '[Service]'
	put m/etc/sysctl.d/98-tuning 'net.core.somaxconn = 8192'
	expect 2 epolltune lint --sysroot m --format json
	jq -r '.problems[] | "\(.file):\(.line // 0) \(.rule)"' out >want
	cat >found <<-'end'
		/etc/nginx/sites-enabled/web:1 lint.capped
		/etc/nginx/sites-enabled/web.bak:1 lint.capped
		/etc/sysctl.d/98-tuning:0 lint.unread
		/etc/systemd/system/web.service:2 lint.classic
		/etc/systemd/system/web.service.d/override:0 lint.unread
		/etc/systemd/system/web.service.d/override:1 lint.unread
		/usr/lib/systemd/system/ssh.service:2 lint.refused
	end
	diff found want >differ || { show differ && fail 'other problems before'; }
	put m/etc/systemd/system/web.service.d/10-a.conf '[Service]' 'LimitCORE=1'
	put m/etc/systemd/system/web.service.d/10-a.conf.bak '[Service]' 'LimitCORE=2'
	put m/etc/systemd/system/web.service.d/10-a.conf~ '[Service]' 'LimitCORE=3'
	put m/etc/systemd/system/web.service.d.bak/20-b.conf '[Service]' 'LimitNOFILE=64K'
	put m/etc/systemd/system/web.service.rpmsave '[Service]' 'LimitNOFILE=64K'
	put m/etc/sysctl.d/99-old.conf.bak 'net.core.somaxconn = 1'
	put m/etc/sysctl.d/99-old.conf.dpkg-old 'net.core.somaxconn = 1'
	put m/etc/security/limits.d/90-nofile.conf.rpmsave '* - nofile 64K'
	put m/etc/security/limits.d/90-nofile.conf.disabled '* - nofile 64K'
	put m/etc/nginx/sites-available/old 'server { listen 82 backlog=65535; }'
	put m/etc/nginx/nginx.conf.bak-2024 'http { server { listen 83 backlog=65535; } }'
	put m/etc/nginx/nginx.conf.default 'http { server { listen 83 backlog=65535; } }'
	tar -czf m.tar.gz -C m .
	for machine in m m.tar.gz; do
		expect 2 epolltune lint --sysroot $machine --format json
		jq -r '.problems[] | "\(.file):\(.line // 0) \(.rule)"' out | diff found - >differ ||
			{ show differ && fail "other problems of $machine"; }
	done
	# Likewise below a directory; a file that is named is judged, without the advice to rename it.
	expect 0 epolltune lint m/etc/security/limits.d
	expect any epolltune lint m/etc/sysctl.d/99-old.conf.bak
	said '99-old.conf.bak:1: lint.lowers'
	lacks out lint.unread
}

# patch(1) refuses to follow a link.
test_a_diff_names_the_files_behind_links() {
	put m/usr/lib/systemd/systemd-sysctl ''
	put m/etc/sysctl.conf 'net.ipv4.tcp_tw_recycle = 1' '# end'
	mkdir -p m/etc/sysctl.d d
	ln -s ../sysctl.conf m/etc/sysctl.d/99-sysctl.conf
	expect 1 epolltune lint --sysroot m
	said '/etc/sysctl.d/99-sysctl.conf:1: lint.gone'
	epolltune lint --sysroot m --fix >fixes || :
	contains fixes '--- /etc/sysctl.conf'
	(cd m && patch -s -p1 <../fixes) || fail 'the diff does not apply'
	expect 0 epolltune lint --sysroot m
	# Each file once, under the name below the working directory.
	put d/10.conf 'net.ipv4.tcp_tw_recycle = 1' '# end'
	ln -s 10.conf d/20.conf
	ln -s "$PWD/d/10.conf" d/30.conf
	epolltune lint --fix d >fixes || :
	is 'the files' "$(grep -c '^--- ' fixes)" 1
	patch -s -p0 <fixes || fail 'the diff does not apply'
	expect 0 epolltune lint d
}

# plugin_sysctl.py: after its profile it applies /run/sysctl.d, /etc/sysctl.d and /etc/sysctl.conf.
test_tuned_yields_to_files_of_etc() {
	put m/usr/lib/systemd/systemd-sysctl ''
	put m/etc/sysctl.d/50-x.conf 'net.core.somaxconn = 8192'
	put m/etc/sysctl.conf 'vm.swappiness = 10'
	mkdir -p m/run/tuned
	echo 1 >m/run/tuned/tuned.pid
	for line in '' '# reapply_sysctl = 0' 'reapply_sysctl = 1' 'reapply_sysctl=True'; do
		put m/etc/tuned/tuned-main.conf "$line"
		expect 1 epolltune lint --sysroot m
		said 'lint.writer: TuneD is here and writes the [sysctl] sections of its profile after these files, but no name that /etc or /run sets: change tuned-adm profile' \
			'/etc/sysctl.conf: lint.unread: systemd-sysctl does not read it at boot, only sysctl --system does, and TuneD after a profile with a [sysctl] section: move'
	done
	for line in 'reapply_sysctl = 0' 'reapply_sysctl=False' ' reapply_sysctl = off'; do
		put m/etc/tuned/tuned-main.conf "$line"
		expect 2 epolltune lint --sysroot m
		said 'lint.writer: TuneD is here and writes the [sysctl] sections of its profile after these files: change' \
			'/etc/sysctl.conf: lint.unread: systemd-sysctl does not read it at boot, only sysctl --system does: move'
	done
}

# The files of /etc and /run are applied again after those of /usr, and /etc/sysctl.conf last.
test_tuned_reads_etc_last() {
	put m/usr/lib/systemd/systemd-sysctl ''
	put m/run/tuned/tuned.pid 1
	put m/etc/tuned/active_profile 'guest'
	put m/etc/tuned/guest/tuned.conf '[sysctl]' 'net.core.somaxconn = 512' 'vm.swappiness = 1'
	put m/usr/lib/sysctl.d/99-z.conf 'net.core.somaxconn = 4096'
	put m/etc/sysctl.d/50-x.conf 'net.core.somaxconn = 8192' 'vm.swappiness = 10'
	put m/etc/sysctl.conf 'vm.swappiness = 20'
	put m/proc/sys/net/core/somaxconn 8192
	put m/proc/sys/vm/swappiness 20
	expect 1 epolltune lint --sysroot m
	said '/etc/sysctl.d/50-x.conf:2: lint.overridden: vm.swappiness = 10 is overridden by /etc/sysctl.conf:1, which is read later and sets 20'
	lacks out 'somaxconn'
	# Without a section of sysctls TuneD applies none, and the file of /usr is read last.
	put m/etc/tuned/guest/tuned.conf '[vm]' 'transparent_hugepages = never'
	put m/proc/sys/net/core/somaxconn 4096
	put m/proc/sys/vm/swappiness 10
	expect 2 epolltune lint --sysroot m
	said '50-x.conf:1: lint.overridden: net.core.somaxconn = 8192 is overridden by /usr/lib/sysctl.d/99-z.conf:1'
	lacks out 'swappiness = 10 is overridden'
	# The profile has the last word.
	put m/etc/tuned/guest/tuned.conf '[sysctl]' 'net.core.somaxconn = 512'
	put m/etc/tuned/tuned-main.conf 'reapply_sysctl = 0'
	put m/usr/lib/sysctl.d/99-z.conf '# none'
	put m/proc/sys/net/core/somaxconn 512
	expect 2 epolltune lint --sysroot m
	said '50-x.conf:1: lint.overridden: net.core.somaxconn = 8192 is overridden by /etc/tuned/guest/tuned.conf:2, which TuneD applies later, with 512'
	lacks out 'is running'
	# But not where it only raises what is lower, or says the same.
	put m/etc/tuned/guest/tuned.conf '[sysctl]' 'net.core.somaxconn=>2048' 'net.ipv4.tcp_rmem = "4096 131072 6291456"'
	put m/etc/sysctl.d/50-x.conf 'net.core.somaxconn = 8192' "net.ipv4.tcp_rmem = 4096$(printf '\t')131072  6291456"
	epolltune lint --sysroot m >out || :
	lacks out 'TuneD applies later'
}

test_nothing_reads_the_files_of_a_masked_unit() {
	machine_of 6.18.0 16000000
	put m/usr/lib/systemd/systemd-sysctl ''
	put m/etc/sysctl.d/50-x.conf 'vm.swappiness = 10'
	put m/proc/sys/vm/swappiness 10
	mkdir -p m/etc/systemd/system
	expect 0 epolltune lint --sysroot m
	ln -s /dev/null m/etc/systemd/system/systemd-sysctl.service
	expect 2 epolltune lint --sysroot m
	said '/etc/sysctl.d: lint.unread: systemd-sysctl.service is masked, and nothing reads the files at boot: sudo systemctl unmask systemd-sysctl.service'
	# TuneD does, after a profile with a section of sysctls.
	put m/run/tuned/tuned.pid 1
	put m/etc/tuned/active_profile 'guest'
	put m/etc/tuned/guest/tuned.conf '[sysctl]' 'net.core.somaxconn = 8192'
	expect 0 epolltune lint --sysroot m
	lacks out 'is masked'
}

# Where /lib is no link to /usr/lib.
test_units_below_lib_rank_below_all() {
	put m/lib/systemd/system/x.service.d/10-a.conf '[Service]' 'LimitNOFILE=1000'
	put m/run/systemd/system/x.service.d/10-a.conf '[Service]' 'LimitNOFILE=3000'
	put m/etc/systemd/system/x.service.d/10-a.conf '[Service]' 'LimitNOFILE=2000'
	epolltune lint --sysroot m >out || :
	said '/run/systemd/system/x.service.d/10-a.conf:2: lint.overridden: LimitNOFILE=3000 is overridden by /etc/systemd/system/x.service.d/10-a.conf:2, which hides this file and sets 2000'
	lacks out '/lib/systemd/system/x.service.d/10-a.conf:2, which hides'
}

# A directive ends where its server ends it, and is what that takes for one.
test_backlogs_are_read_as_by_their_servers() {
	machine_of 6.18.0 16000000
	put m/proc/sys/net/core/somaxconn 4096
	put m/etc/nginx/sites-enabled/web 'server {' '  listen 0.0.0.0:80' '    reuseport' '    backlog=65535;' \
		'  # listen 81 backlog=65535;' '  listen 82 quic backlog=65535;' '  log_format x "listen 83 backlog=65535;";' '}'
	put m/etc/haproxy/haproxy.cfg 'defaults' '  backlog 65535' 'frontend a' '  bind :80 backlog 65534' \
		'  bind :81 backlog "65533" ssl' '  bind :82 backlog 4096' '  # bind :83 backlog 65535'
	put m/etc/valkey/valkey.conf 'TCP-backlog "65535"' '# tcp-backlog 65535'
	put m/etc/php-fpm.d/www.conf '[www]' 'listen.backlog=65535 ; all' ';listen.backlog = 65535' 'listen.backlog = -1'
	put m/etc/apache2/ports.conf 'listenBacklog 65535' '#ListenBacklog 65535'
	put m/etc/systemd/system/x.socket '[Socket]' 'Backlog=65535'
	expect 1 epolltune lint --sysroot m
	sed -n 's/: raise that as well$//p' out >found
	sed 's/$/ is cut to net.core.somaxconn (4096)/' >want <<-'end'
		/etc/apache2/ports.conf:1: lint.capped: ListenBacklog 65535
		/etc/haproxy/haproxy.cfg:2: lint.capped: backlog 65535
		/etc/haproxy/haproxy.cfg:4: lint.capped: backlog 65534
		/etc/haproxy/haproxy.cfg:5: lint.capped: backlog 65533
		/etc/nginx/sites-enabled/web:4: lint.capped: backlog=65535
		/etc/php-fpm.d/www.conf:2: lint.capped: listen.backlog 65535
		/etc/systemd/system/x.socket:2: lint.capped: Backlog=65535
		/etc/valkey/valkey.conf:1: lint.capped: tcp-backlog 65535
	end
	diff want found >differ || { show differ && fail 'other backlogs'; }
	tar -czf m.tar.gz -C m .
	expect 1 epolltune lint --sysroot m.tar.gz
	sed -n 's/: raise that as well$//p' out | diff want - >differ || { show differ && fail 'packed, other backlogs'; }
}

# The directory says whose a file is, also where its name has another server's.
test_a_file_is_of_the_server_whose_directory_has_it() {
	machine_of 6.18.0 16000000
	put m/proc/sys/net/core/somaxconn 4096
	put m/etc/php/8.2/fpm/pool.d/redis.conf '[redis]' 'listen.backlog = 65535'
	put m/etc/php-fpm.d/nginx.conf '[nginx]' 'listen.backlog = 65535'
	put m/etc/apache2/conf-enabled/php-limits.conf 'ListenBacklog 65535'
	put m/etc/haproxy/conf.d/nginx.cfg 'frontend a' '  bind :80 backlog 65535'
	cat >want <<-'end'
		/etc/apache2/conf-enabled/php-limits.conf:1 lint.capped
		/etc/haproxy/conf.d/nginx.cfg:2 lint.capped
		/etc/php-fpm.d/nginx.conf:2 lint.capped
		/etc/php/8.2/fpm/pool.d/redis.conf:2 lint.capped
	end
	expect 1 epolltune lint --sysroot m --format json
	jq -r '.problems[] | "\(.file):\(.line) \(.rule)"' out | sort >found
	diff want found >differ || { show differ && fail 'taken for those of other servers'; }
}

# Nothing sets it at boot, so that another value that is running is no drift.
test_an_excluded_name_is_set_by_no_earlier_line() {
	put m/usr/lib/systemd/systemd-sysctl ''
	put m/proc/sys/net/core/somaxconn 4096
	put m/proc/sys/net/ipv4/tcp_fin_timeout 60
	put m/etc/sysctl.d/10-a.conf 'net.core.somaxconn = 9000'
	put m/usr/lib/sysctl.d/10-b.conf 'net.ipv4.tcp_fin_timeout = 30'
	put m/etc/sysctl.d/20-c.conf '-net.core.somaxconn' '-net.ipv4.tcp_fin_timeout'
	expect 0 epolltune lint --sysroot m
	said '/etc/sysctl.d/10-a.conf:1: lint.overridden: net.core.somaxconn = 9000 is excluded by the line -net.core.somaxconn in /etc/sysctl.d/20-c.conf:1'
	is 'the lines that are excluded' "$(grep -c ' is excluded by ' out)" 1
	lacks out lint.drift
	put m/etc/sysctl.d/30-d.conf 'net.core.somaxconn = 0x2000 # more'
	expect 1 epolltune lint --sysroot m
	said '30-d.conf:1: lint.drift: net.core.somaxconn = 8192, but 4096 is running'
}

# Absolute ones too, which would lead to files of this machine.
test_links_of_a_captured_machine_lead_to_its_own_files() {
	put here.conf 'not of that machine'
	put m/etc/sysctl.conf 'net.ipv4.tcp_tw_recycle = 1'
	put m/nix/store/x/etc/sysctl.d/60-nixos.conf 'net.core.somaxconn = 64'
	put m/nix/store/x/nginx.service '[Service]' 'LimitNOFILE=64K'
	put m/nix/store/x/limits.conf 'nginx - nofile'
	put m/usr/lib/systemd/systemd-sysctl ''
	mkdir -p m/etc/sysctl.d m/etc/systemd/system m/etc/security
	ln -s "$PWD/here.conf" m/etc/sysctl.d/50-here.conf
	ln -s "$PWD/here.conf" m/etc/systemd/system/here.service
	ln -s /etc/sysctl.conf m/etc/sysctl.d/99-sysctl.conf
	ln -s /nix/store/x/etc m/etc/static
	ln -s /etc/static/sysctl.d/60-nixos.conf m/etc/sysctl.d/60-nixos.conf
	ln -s /nix/store/x/nginx.service m/etc/systemd/system/nginx.service
	ln -s /nix/store/x/limits.conf m/etc/security/limits.conf
	expect 2 epolltune lint --sysroot m --format json
	jq -r '.problems[] | "\(.file):\(.line // 0) \(.rule)"' out >found
	cat >want <<-'end'
		/etc/security/limits.conf:1 lint.syntax
		/etc/sysctl.d/60-nixos.conf:1 lint.lowers
		/etc/sysctl.d/99-sysctl.conf:1 lint.gone
		/etc/systemd/system/nginx.service:2 lint.refused
	end
	diff want found >differ || { show differ && fail 'other files'; }
	# A diff is of the same files.
	printf 'net.core.somaxconn = 64' >m/nix/store/x/etc/sysctl.d/60-nixos.conf
	expect 2 epolltune lint --sysroot m --fix
	matches out '^--- /nix/store/x/etc/sysctl.d/60-nixos.conf' '^-net.core.somaxconn = 64' \
		'^. No newline at end of file' '^-net.ipv4.tcp_tw_recycle = 1'
}

test_a_file_of_a_machine_that_is_no_text_is_named() {
	mkdir -p m/etc/sysctl.d m/proc/sys
	printf 'net.core.somaxconn = 64\n\0' >m/etc/sysctl.d/10-nul.conf
	truncate -s 5M m/etc/sysctl.d/20-large.conf
	tar -czf m.tar.gz -C m .
	for machine in m m.tar.gz; do
		expect 1 epolltune lint --sysroot $machine
		said '/etc/sysctl.d/10-nul.conf: lint.unreadable: the file has NUL bytes' '/etc/sysctl.d/20-large.conf: lint.unreadable'
	done
}

# What this user may not read hides nothing else.
test_a_directory_that_this_user_cannot_read_is_named() {
	[ "$(id -u)" -eq 0 ] || skip 'needs root, to become another user'
	put m/etc/systemd/system/a.service.d/x.conf '[Service]' 'LimitNOFILE=65536k'
	put m/etc/systemd/system/z.service.d/x.conf '[Service]' 'LimitNOFILE=65536k'
	chmod 755 "$work" "$work/.."
	chmod 700 m/etc/systemd/system/a.service.d
	install -m 755 "$PROGRAM" copy
	expect 2 setpriv --reuid 65534 --regid 65534 --clear-groups "$work/copy" lint --sysroot "$work/m"
	said 'z.service.d/x.conf:2: lint.refused' '/etc/systemd/system: lint.denied: cannot read ' \
		'a.service.d: Permission denied: not judged; run lint as root'
}

# systemd-sysctl writes the last line of a name alone.
test_a_later_line_that_the_kernel_refuses_wins_nothing() {
	put m/etc/sysctl.d/10-a.conf 'net.core.somaxconn = 8192' '-net.core.somaxconn =' 'fs.file-max = 2000000'
	put m/etc/sysctl.d/20-b.conf 'fs.file-max = 2M' 'fs.file-max = 3000000k'
	expect 2 epolltune lint --sysroot m
	said '10-a.conf:1: lint.duplicate: net.core.somaxconn is set again in line 2, which the kernel refuses: systemd-sysctl sets neither' \
		'10-a.conf:3: lint.overridden: fs.file-max = 2000000 is overridden by /etc/sysctl.d/20-b.conf:1, which the kernel refuses'
	lacks out 'which wins'
	put m/etc/sysctl.d/10-a.conf 'net.ipv4.ip_local_reserved_ports = 8080' 'net.ipv4.ip_local_reserved_ports ='
	expect 2 epolltune lint --sysroot m
	said '10-a.conf:1: lint.duplicate: net.ipv4.ip_local_reserved_ports is set again in line 2, to an empty value, which wins'
	put one.conf 'net.core.somaxconn = 8192' 'net.core.somaxconn ='
	expect 2 epolltune lint --fix one.conf
	lacks out '^-net.core.somaxconn = 8192'
}

test_of_a_triple_the_kernel_sets_the_fields_before_a_refused_one() {
	put one.conf 'net.ipv4.tcp_rmem = 4096' 'net.ipv4.tcp_rmem = 4096 131072 x'
	expect 2 epolltune lint one.conf
	said 'one.conf:1: lint.duplicate: net.ipv4.tcp_rmem is set again in line 2, of which the kernel sets 4096 131072 and refuses the rest: correct that line'
	lacks out 'sets neither'
	put m/etc/sysctl.d/10-a.conf 'net.ipv4.tcp_rmem = 4096 131072 6291456'
	put m/etc/sysctl.d/20-b.conf 'net.ipv4.tcp_rmem = 4097 x 6291456'
	expect 2 epolltune lint --sysroot m
	said '10-a.conf:1: lint.overridden: net.ipv4.tcp_rmem = 4096 131072 6291456 is overridden by /etc/sysctl.d/20-b.conf:1, of which the kernel sets 4097 and refuses the rest'
}

# Only the last line of a name has an effect.
test_a_line_that_ends_excluded_is_judged_by_that_alone() {
	put m/usr/lib/systemd/systemd-sysctl ''
	put m/etc/sysctl.d/10-a.conf 'net.core.somaxconn = 8192' 'net.core.somaxconn =' '-net.core.somaxconn'
	expect 2 epolltune lint --sysroot m
	said '10-a.conf:1: lint.overridden: net.core.somaxconn = 8192 is excluded by the line' \
		'10-a.conf:2: lint.overridden: the empty value of net.core.somaxconn is excluded by the line'
	lacks out 'sets neither'
	# A line that comes after the exclusion sets it again.
	put m/etc/sysctl.d/20-b.conf 'net.core.somaxconn = 16384'
	put m/etc/sysctl.d/10-a.conf 'net.core.somaxconn = 8192' '-net.core.somaxconn'
	expect 1 epolltune lint --sysroot m
	said '10-a.conf:1: lint.overridden: net.core.somaxconn = 8192 is overridden by /etc/sysctl.d/20-b.conf:1'
	lacks out 'is excluded by'
}

test_what_systemd_and_pam_read_is_printed() {
	put x.service '[Service]' 'LimitNOFILE=065536:524288'
	expect 1 epolltune lint x.service
	said 'x.service:2: lint.misread: LimitNOFILE: systemd reads 065536 as octal, which is 27486: write 65536'
	put limits.d/x.conf 'www-data hard nofile 64K'
	expect 1 epolltune lint limits.d/x.conf
	said 'nofile "64k": pam_limits reads 64 and ignores what follows'
}

test_the_drop_ins_of_a_unit_are_read_in_their_order() {
	put m/usr/lib/systemd/system/nginx.service '[Service]' 'LimitNOFILE=4096:524288'
	put m/etc/systemd/system/nginx.service.d/20-b.conf '[Service]' 'LimitNOFILE=8192:524288' 'LimitCORE=0'
	put m/etc/systemd/system/nginx.service.d/10-a.conf '[Service]' 'LimitNOFILE=65536:524288' 'LimitCORE=0'
	put m/etc/systemd/system/redis.service.d/10-a.conf '[Service]' 'LimitNOFILE=65536:524288'
	put m/run/systemd/system/nginx.service.d/20-b.conf '[Service]' 'LimitNOFILE=9999:524288'
	put m/run/systemd/system/foo@.service.d/10-a.conf '[Service]' 'LimitNOFILE=1111:524288'
	mkdir -p m/etc/systemd/system/multi-user.target.wants
	ln -s /usr/lib/systemd/system/nginx.service m/etc/systemd/system/multi-user.target.wants/nginx.service
	expect 1 epolltune lint --sysroot m
	matches out 'nginx.service.d/10-a.conf:2: lint.overridden: LimitNOFILE=65536:524288 is overridden by /etc/.*20-b.conf:2, which is read later and sets 8192' \
		'^/run/systemd/system/nginx.service.d/20-b.conf:2: lint.overridden: .*/etc/.*/20-b.conf:2, which hides this file and sets 8192'
	is 'the problems' "$(grep -c ': lint' out)" 2
}

# A file of sysctls among those of units or servers is judged alone.
test_sysctls_in_other_places_are_no_values_of_units() {
	put m/usr/lib/systemd/system/haproxy.service '[Service]' 'LimitNOFILE=4096:524288'
	put m/etc/systemd/system/haproxy.service.d/override.conf '[Service]' 'LimitNOFILE=65536:524288'
	put m/etc/redis/sysctl.conf 'net.core.somaxconn = 8192'
	put m/usr/lib/systemd/system/x.service.d/sysctl.conf 'vm.swappiness = 10'
	expect 0 epolltune lint --sysroot m
	said 'No problems'
	put m/etc/redis/sysctl.conf 'net.core.somaxconn = 8192' 'net.core.somaxconn = 16384'
	expect 1 epolltune lint --sysroot m
	said '/etc/redis/sysctl.conf:1: lint.duplicate: net.core.somaxconn is set again in line 2'
	is 'the problems' "$(grep -c ': lint' out)" 1
}

# A file of a higher tree hides that of the same name, also where it masks or does not set the key.
test_hidden_files_of_units_override_nothing() {
	mkdir -p m/etc/systemd/system/x.service.d m/proc/sys
	put m/etc/systemd/system/x.service.d/10-mine.conf '[Service]' 'LimitNOFILE=65536:524288'
	put m/usr/lib/systemd/system/x.service.d/20-vendor.conf '[Service]' 'LimitNOFILE=4096:524288'
	expect 1 epolltune lint --sysroot m
	said '10-mine.conf:2: lint.overridden: LimitNOFILE=65536:524288 is overridden by /usr/lib/systemd/system/x.service.d/20-vendor.conf:2, which is read later'
	ln -s /dev/null m/etc/systemd/system/x.service.d/20-vendor.conf
	expect 0 epolltune lint --sysroot m
	said 'No problems'
	tar -czf m.tar.gz -C m .
	expect 0 epolltune lint --sysroot m.tar.gz
	said 'No problems'
	rm m/etc/systemd/system/x.service.d/20-vendor.conf
	put m/run/systemd/system/x.service.d/20-vendor.conf '[Service]' 'Nice=5'
	expect 0 epolltune lint --sysroot m
	said 'No problems'
	# Nor is what it has judged.
	put m/usr/lib/systemd/system/x.service.d/20-vendor.conf '[Service]' 'LimitNOFILE=64K'
	expect 0 epolltune lint --sysroot m
	said 'No problems'
	# A file of /run that is hidden by one without the key neither overrides nor is overridden.
	put m/run/systemd/system/x.service.d/20-vendor.conf '[Service]' 'LimitNOFILE=2048:524288'
	put m/etc/systemd/system/x.service.d/20-vendor.conf '[Service]' 'Nice=5'
	put m/etc/systemd/system/x.service.d/30-more.conf '[Service]' 'LimitNOFILE=65536:524288'
	expect 0 epolltune lint --sysroot m
	said 'No problems'
}

# systemd src/core/main.c, CONF_PATHS.
test_the_drop_ins_of_the_manager_are_read_in_all_trees() {
	mkdir -p m/proc/sys
	put m/etc/systemd/system.conf '[Manager]' 'DefaultLimitNOFILE=65536:524288'
	for tree in /usr/lib /usr/local/lib /run; do
		put m$tree/systemd/system.conf.d/50-vendor.conf '[Manager]' 'DefaultLimitNOFILE=2048:524288'
		expect 1 epolltune lint --sysroot m
		said "/etc/systemd/system.conf:2: lint.overridden: DefaultLimitNOFILE=65536:524288 is overridden by $tree/systemd/system.conf.d/50-vendor.conf:2, which is read later"
		tar -czf m.tar.gz -C m .
		expect 1 epolltune lint --sysroot m.tar.gz
		mkdir -p m/etc/systemd/system.conf.d
		ln -s /dev/null m/etc/systemd/system.conf.d/50-vendor.conf
		expect 0 epolltune lint --sysroot m
		said 'No problems'
		rm -r m$tree m/etc/systemd/system.conf.d
	done
}

# rlimit_parse("") is -EINVAL.
test_an_empty_limit_resets_nothing() {
	put x.service.d/a.conf '[Service]' 'LimitNOFILE='
	expect 2 epolltune lint x.service.d/a.conf
	said 'a.conf:2: lint.refused: LimitNOFILE= is empty, and systemd skips the line: the earlier value stays; write the one that is wanted'
	put x.service '[Service]' 'LimitNOFILE='
	expect 0 epolltune lint x.service
	said 'x.service:2: lint.refused: LimitNOFILE= is empty'
	put x.socket.d/a.conf '[Socket]' 'Backlog='
	expect 2 epolltune lint x.socket.d/a.conf
	said 'a.conf:2: lint.refused: Backlog= is empty'
	# Before the line that sets it, as other directives are reset, it does no harm.
	put x.service.d/a.conf '[Service]' 'LimitNOFILE=' 'LimitNOFILE=65536:524288'
	expect 0 epolltune lint x.service.d/a.conf
	said 'a.conf:2: lint.refused: LimitNOFILE= is empty'
	put m/etc/systemd/system/x.service.d/10-a.conf '[Service]' 'LimitNOFILE=65536:524288'
	put m/etc/systemd/system/x.service.d/20-b.conf '[Service]' 'LimitNOFILE='
	expect 2 epolltune lint --sysroot m
	is 'the rules' "$(sed -n 's/.*: \(lint[^:]*\):.*/\1/p' out)" lint.refused
}

# As sysctl.d(5) advises: the line is written when the module is loaded.
test_a_rule_of_udev_sets_what_a_module_has() {
	put m/usr/lib/systemd/systemd-sysctl ''
	put m/etc/sysctl.d/50-x.conf 'net.bridge.bridge-nf-call-iptables = 1' 'net.netfilter.nf_conntrack_max = 1048576'
	of='ACTION=="add", SUBSYSTEM=="module", KERNEL=="nf_conntrack", RUN+="/usr/lib/systemd/systemd-sysctl'
	put m/etc/modules-load.d/bridge.conf br_netfilter
	mkdir -p m/proc/sys
	rules=m/etc/udev/rules.d/99-x.rules
	for rule in "$of --prefix=/net/netfilter\"" "$of --prefix=net.netfilter\"" "$of\"" "$of --prefix /proc/sys/net\"" \
		'SUBSYSTEM=="module", KERNEL=="br_netfilter|nf_*", RUN{program}+="/sbin/sysctl --system"' \
		"$(printf 'ACTION=="add", SUBSYSTEM=="module", \\\n\tKERNEL=="nf_conntrack", RUN+="/sbin/sysctl -p"')"; do
		put $rules '# modules' "$rule"
		expect 0 epolltune lint --sysroot m
		said 'No problems'
	done
	tar -czf m.tar.gz -C m .
	expect 0 epolltune lint --sysroot m.tar.gz
	for rule in "$of --prefix=/net/bridge\"" "$of --prefix=/net/net\"" "# $of\"" \
		'SUBSYSTEM=="module", KERNEL=="nf_conntrack", RUN+="/bin/true"' \
		'SUBSYSTEM=="module", KERNEL=="nf_tables", RUN+="/sbin/sysctl --system"' \
		'SUBSYSTEM=="module", KERNEL!="nf_conntrack", RUN+="/sbin/sysctl --system"' \
		'SUBSYSTEM=="net", RUN+="/sbin/sysctl --system"' \
		'ACTION=="remove", SUBSYSTEM=="module", KERNEL=="nf_conntrack", RUN+="/sbin/sysctl --system"'; do
		put $rules "$rule"
		expect 1 epolltune lint --sysroot m
		said '50-x.conf:2: lint.module: net.netfilter.nf_conntrack_max exists only while nf_conntrack is loaded'
		is "the problems of $rule" "$(grep -c ': lint' out)" 1
	done
	# One that is masked is none.
	put m/usr/lib/udev/rules.d/99-x.rules "$of\""
	expect 1 epolltune lint --sysroot m
	rm $rules
	expect 0 epolltune lint --sysroot m
	rm m/usr/lib/udev/rules.d/99-x.rules
	for word in modules_load=br_netfilter,nf-conntrack rd.modules_load=nf_conntrack modules-load=nf_conntrack \
		rd.modules-load=x,nf_conntrack; do
		put m/proc/cmdline "root=/dev/vda $word quiet"
		expect 0 epolltune lint --sysroot m
		said 'No problems'
	done
	for word in modules_load=nf_conntrack_ftp modulesload=nf_conntrack modules-load; do
		put m/proc/cmdline "root=/dev/vda $word quiet"
		expect 1 epolltune lint --sysroot m
	done
}

# sscanf() takes four words.
test_what_follows_a_limit_is_ignored() {
	put limits.d/x.conf 'www-data hard nofile 65536 - for nginx'
	expect 1 epolltune lint limits.d/x.conf
	put limits.d/x.conf 'www-data hard nofile 65536 ; of 2024' 'redis - nofile 65536 # of 2024'
	expect 1 epolltune lint limits.d/x.conf
	said 'x.conf:1: lint.misread: pam_limits ignores ";" and what follows: write comments behind #'
	is 'the problems' "$(grep -c ': lint' out)" 1
	for line in 'www-data soft nofile 1024 hard nofile 65536' 'www-data soft nofile 1024 www-data hard nofile 65536'; do
		put limits.d/x.conf "$line"
		expect 2 epolltune lint limits.d/x.conf
		said 'follows the value: write one limit a line'
	done
}

# Of the name alone: the file has other lines, which later files override.
test_the_remedy_of_a_drift_sets_one_name() {
	machine_of 6.18.0 16000000
	put m/proc/sys/net/ipv4/tcp_rmem '4096	131072	33554432'
	put m/proc/sys/net/core/default_qdisc pfifo_fast
	put m/etc/sysctl.d/50-x.conf 'net.ipv4.tcp_rmem = 4096 131072 67108864' 'net.core.default_qdisc = fq'
	expect 1 epolltune lint --sysroot m
	said "lint.drift: net.ipv4.tcp_rmem = 4096 131072 67108864, but 4096 131072 33554432 is running: find the writer, or set it: sysctl -w 'net.ipv4.tcp_rmem=4096 131072 67108864'" \
		'or set it: sysctl -w net.core.default_qdisc=fq'
}

test_modules_and_last_writers_are_those_of_the_machine() {
	put m/etc/sysctl.d/50-conntrack.conf 'net.netfilter.nf_conntrack_max = 1048576'
	mkdir -p m/var/lib/kube-proxy
	expect 1 epolltune lint --sysroot m
	said 'lint.module' 'lint.writer: kube-proxy'
	put m/etc/modules-load.d/conntrack.conf nf_conntrack
	expect 0 epolltune lint --sysroot m
	! grep -q lint.module out || fail 'the module is loaded'
	# In a container it has no file of the machine, but its port.
	rm -r m/var/lib/kube-proxy
	expect 0 epolltune lint --sysroot m
	lacks out kube-proxy
	put m/proc/net/tcp '  sl  local_address rem_address   st' \
		'   0: 00000000:2810 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 108 1 0 100 0 0 10 0'
	expect 0 epolltune lint --sysroot m
	said 'lint.writer: kube-proxy'
	# ufw may apply /etc/sysctl.conf.
	mkdir -p m/run/systemd/system
	put m/etc/sysctl.conf 'net.core.somaxconn = 8192'
	expect 2 epolltune lint --sysroot m
	said 'systemd-sysctl does not read it'
	put m/etc/ufw/ufw.conf ENABLED=yes
	put m/etc/default/ufw IPT_SYSCTL=/etc/sysctl.conf
	expect 0 epolltune lint --sysroot m
	lacks out 'systemd-sysctl does not read it'
}

test_a_container_cannot_set_what_is_the_machines() {
	in_namespace -Urnm
	mount -t tmpfs none /etc/sysctl.d
	put /etc/sysctl.d/50-files.conf 'fs.nr_open = 2097152'
	expect 1 epolltune lint
	said '/etc/sysctl.d/50-files.conf:1: lint.container: fs.nr_open'
	# A link to a file is read, one to /dev/null masks.
	mv /etc/sysctl.d/50-files.conf /etc/sysctl.d/files
	ln -s files /etc/sysctl.d/60-link.conf
	ln -s /dev/null /etc/sysctl.d/50-files.conf
	expect 2 epolltune lint
	said '/etc/sysctl.d/60-link.conf:1: lint.container: fs.nr_open'
	lacks out 50-files.conf
}

# Kernels of vendors, and newer ones, have names that the list lacks.
test_what_the_machine_has_exists() {
	name=net.ipv4.tcp_collapse_max_bytes
	put m/etc/sysctl.d/60-x.conf "$name = 6291456" 'net.ipv4.tcp_rto_max_ms = 60000'
	put m/proc/sys/kernel/osrelease 5.14.0-570.el9
	expect 2 epolltune lint --sysroot m
	said "$name does not exist"
	said 'tcp_rto_max_ms exists since Linux 6.15'
	put m/proc/sys/net/ipv4/tcp_collapse_max_bytes 0
	put m/proc/sys/net/ipv4/tcp_rto_max_ms 120000
	expect 0 epolltune lint --sysroot m
	said 'No problems'
	expect 0 epolltune lint --sysroot m --fix
	lacks out "$name"
	# Another kernel is not the machine's.
	expect 2 epolltune lint --sysroot m --kernel 6.12
	rm -r m/proc/sys/net
	put m/proc/sys/kernel/osrelease 99.0.0
	expect 0 epolltune lint --sysroot m
	said "$name is not known to epolltune"
	put 10.conf 'net.ipv4.ip_local_port_step_width = 128' 'net.ipv4.ip_nosuch = 1'
	expect 2 epolltune lint --format json --kernel 6.18 10.conf
	[ "$(rules | tr '\n' ' ')" = '1 lint.new 2 lint.unknown ' ] || fail 'Linux 6.18'
	expect 0 epolltune lint --format json --kernel 7.1 10.conf
	[ "$(jq -r '.problems[] | "\(.line) \(.rule) \(.level)"' out)" = '2 lint.unknown note' ] || fail 'Linux 7.1'
	expect 2 epolltune lint --format json 10.conf
}

test_the_kernel_decides() {
	put 10.conf 'net.ipv4.tcp_tw_recycle = 1' 'net.ipv4.tcp_rto_max_ms = 60000' 'net.core.somaxconn = 1024'
	expect 1 epolltune lint --format json 10.conf
	[ "$(rules | tr '\n' ' ')" = '1 lint.gone 3 lint.lowers ' ] || fail 'the newest kernel'
	expect 1 epolltune lint --format json --kernel 4.4 10.conf
	[ "$(rules | tr '\n' ' ')" = '1 lint.classic 2 lint.new ' ] || fail 'Linux 4.4'
	expect 3 epolltune lint --kernel six 10.conf
	refused 'not a version'
}

# As src/catalogue/knobs.c has it, which test_knob_ranges compares with kernels.
test_what_is_refused_depends_on_the_kernel() {
	put 10.conf 'fs.file-max = -1' 'fs.epoll.max_user_watches = -1' 'net.ipv4.tcp_mem = -1 5 6' \
		'net.core.dev_weight = 0' 'net.core.netdev_budget_usecs = 1000' 'net.core.somaxconn = -1'
	expect 2 epolltune lint --format json --kernel 5.10 10.conf
	[ "$(rules | grep -v automatic | tr '\n' ' ')" = \
		'1 lint.unit 2 lint.unit 3 lint.unit 4 lint.unit 5 lint.unit 6 lint.refused ' ] || fail 'Linux 5.10'
	expect 2 epolltune lint --format json --kernel 6.1 10.conf
	[ "$(rules | grep -v automatic | tr '\n' ' ')" = \
		'1 lint.refused 2 lint.refused 3 lint.refused 4 lint.unit 5 lint.unit 6 lint.refused ' ] || fail 'Linux 6.1'
	expect 2 epolltune lint --format json --kernel 6.14 10.conf
	[ "$(rules | grep -cx '[45] lint.refused')" = 2 ] || fail 'Linux 6.14'
}

test_the_fix_applies_and_leaves_no_critical_problem() {
	put gist.conf '# tuning' 'net.ipv4.ip_local_port_range = "10240 65535"' 'net.ipv4.tcp_tw_recycle = 1' \
		'net.core.somaxcon = 65535' 'net.core.rmem_max = 8M' 'kernel.pid_max = 4194304' 'kernel.panic = 10' \
		'vm.swappiness = 10' 'vm.dirty_ratio = 20' 'kernel.sysrq = 0' 'kernel.msgmnb = 65536' \
		'sysctl -w net.ipv4.tcp_slow_start_after_idle=0' 'fs.file-nr = 1'
	cp gist.conf before.conf
	expect 2 epolltune lint --fix gist.conf
	cmp gist.conf before.conf
	patch -s gist.conf <out || fail 'the diff does not apply'
	expect 0 epolltune lint gist.conf
	[ "$(grep -c . gist.conf)" = 11 ] || fail 'other lines'
}

# The corrected LINE, by --fix: empty where it goes, "kept" where it stays.
fixed() { # LINE FIXED
	put sysctl.d/one.conf '# one line' "$1"
	expect any epolltune lint --fix sysctl.d/one.conf
	quiet
	if [ -s out ]; then
		patch -s sysctl.d/one.conf <out || fail "the diff does not apply: $1"
		is "--fix of $1" "$(sed 1d sysctl.d/one.conf)" "$2"
	else
		is "--fix of $1" kept "$2"
	fi
}

# Without the line that wins, which does harm, an earlier one sets the value.
test_a_good_value_is_not_removed_with_a_bad_one() {
	for bad in 'net.core.somaxconn = 128' 'net/core/somaxconn=3'; do
		put sysctl.d/two.conf 'net.core.somaxconn = 4096' 'net.core.somaxconn = 65535' '# ours' "$bad"
		expect any epolltune lint sysctl.d/two.conf
		said '1: lint.duplicate: net.core.somaxconn is set again in line 2, to 65535, which wins: keep one line' \
			'2: lint.duplicate: net.core.somaxconn is set again in line 4, to' 'which wins: remove that line'
		expect any epolltune lint --fix sysctl.d/two.conf
		patch -s sysctl.d/two.conf <out || fail 'the diff does not apply'
		is "$bad" "$(cat sysctl.d/two.conf)" "$(printf 'net.core.somaxconn = 65535\n# ours')"
	done
	put sysctl.d/two.conf 'net.core.somaxconn = 128' 'net.core.somaxconn = 65535'
	expect any epolltune lint --fix sysctl.d/two.conf
	patch -s sysctl.d/two.conf <out || fail 'the diff does not apply'
	is 'the last one' "$(cat sysctl.d/two.conf)" 'net.core.somaxconn = 65535'
}

# The dash is for the kernels that have the name.
test_a_removed_name_with_a_dash_stays() {
	fixed '-net.ipv4.tcp_tw_recycle = 0' kept
	fixed 'net.ipv4.tcp_tw_recycle = 0' ''
	put 10.conf '-net.ipv4.tcp_tw_recycle = 0'
	expect 0 epolltune lint 10.conf
	said '10.conf:1: lint.gone: net.ipv4.tcp_tw_recycle was removed in Linux 4.12'
	expect 0 epolltune lint --kernel 4.4 10.conf
	said 'No problems'
}

test_a_guess_is_no_fix() {
	for line in net.core.rmem=16777216 net.ipv4.tcp_retries=5 net.core.netdev_rss=1 \
		net.ipv4.tcp_foo=1 net.ipv4.tcp_congestion=bbr 'net.core.tcp_rmem = 4096 131072 6291456'; do
		fixed "$line" kept
	done
	fixed 'net.ipv4.tcp_turbo_accept = 1' ''
	# What is meant beyond doubt.
	fixed '-net.core.somaxcon = 65535' '-net.core.somaxconn = 65535'
	fixed 'net.ipv4.conf.eth0.rp_fitler = 1' 'net.ipv4.conf.eth0.rp_filter = 1'
	fixed '"net.core.somaxconn" = 65535' 'net.core.somaxconn = 65535'
	fixed "$(printf 'net.core.so\342\200\213maxconn = 65535')" 'net.core.somaxconn = 65535'
	fixed "$(printf 'net.\303\244.b = 1')" kept
	fixed 'sysctl -w net.core.somaxconn=65535' 'net.core.somaxconn=65535'
	fixed 'sysctl -w net.core.somaxconn=65535 net.core.optmem_max=131072' kept
}

# A line that sets nothing does no harm: corrected, it must not.
test_a_fix_is_judged_again() {
	fixed '"net.core.somaxconn" = 3' ''
	fixed 'net.core.somaxcon = 3' ''
	fixed 'net.core.somaxconn = "3"' ''
	fixed 'sysctl -w net.ipv4.tcp_sack=0' ''
	fixed 'net.ipv4.tcp_rmem = "4096 131072"' kept
	fixed '"net.core.rmem_max" = 8M' 'net.core.rmem_max = 8388608'
	fixed 'net.core.somaxcon = "64k"' 'net.core.somaxconn = 65536'
}

# The kernel looks up the whole line, finds none of that name and keeps the old one.
test_a_word_is_corrected_to_the_word_alone() {
	fixed 'net.core.default_qdisc = "fq"' 'net.core.default_qdisc = fq'
	fixed 'net.core.default_qdisc = fq # BBR needs fq' 'net.core.default_qdisc = fq'
	fixed 'net.core.default_qdisc = "fq" # BBR needs fq' 'net.core.default_qdisc = fq'
	fixed 'net.ipv4.tcp_congestion_control = bbr; # needs 4.9' 'net.ipv4.tcp_congestion_control = bbr'
	fixed 'net.ipv4.tcp_allowed_congestion_control = "bbr cubic"' 'net.ipv4.tcp_allowed_congestion_control = bbr cubic'
	fixed 'net.ipv4.tcp_allowed_congestion_control = bbr cubic # both' 'net.ipv4.tcp_allowed_congestion_control = bbr cubic'
	fixed 'net.ipv4.tcp_congestion_control = # bbr' kept
	fixed 'kernel.core_pattern = |/usr/lib/coredump "%P" # %u' kept
	put x.conf 'net.core.default_qdisc = fq # BBR needs fq'
	expect 2 epolltune lint x.conf
	said '1: lint.refused: net.core.default_qdisc: the kernel takes the whole line for one word and refuses it (ENOENT): write net.core.default_qdisc = fq, and'
	# So that an earlier line is lost with it.
	machine_of 6.18.0 16000000
	put m/etc/sysctl.d/10-a.conf 'net.core.default_qdisc = fq'
	judged 'net.core.default_qdisc = "fq"' 'lint.overridden lint.quotes'
}

# More than 200 ports that are not adjacent: of such a line only the beginning is read, and the name is judged.
test_a_long_list_of_ports_is_an_assignment() {
	list=$(seq -s, 30000 3 33000)
	put 10.conf "net.ipv4.ip_local_reserved_ports = $list"
	expect 0 epolltune lint 10.conf
	said 'No problems in 1 file.'
	fixed "net.ipv4.ip_local_reserved_port = $list" kept
	fixed "net.core.somaxconn = \"$list\"" kept
}

# Below vm and net.foo there may be names that epolltune does not know.
test_names_that_are_not_judged_are_printed() {
	put 10.conf 'vm.foo = 1' 'net.foo.bar = 1' 'vm.foo = 2' 'vm.swappiness = 10' '-kernel.panic = 10'
	expect 1 epolltune lint 10.conf
	said 'Not judged, as epolltune does not know the names: vm.foo, net.foo.bar.'
	put 10.conf 'vm.foo = 1' 'vm.foo = 2'
	expect any epolltune lint 10.conf
	said 'Not judged, as epolltune does not know the name: vm.foo.'
	put 10.conf 'vm.swappiness = 10'
	expect 0 epolltune lint 10.conf
	lacks out 'Not judged'
}

test_problems_are_printed_as_sarif() {
	put 10.conf 'net.core.somaxcon = 1' 'net.ipv4.tcp_tw_reuse = 1'
	expect 2 epolltune lint --format sarif 10.conf
	json '.version == "2.1.0" and (.runs | length) == 1'
	json '[.runs[0].results[].level] == ["error", "note"]'
	json '.runs[0] | .tool.driver.rules[.results[0].ruleIndex].id == "lint.unknown"'
	json '.runs[0].results[0].locations[0].physicalLocation | .region.startLine == 1 and .artifactLocation.uri == "10.conf"'
	# A path is a URI reference, in any locale.
	mkdir -p "a b"
	name=$(printf 'a b/x\t%%|\303\251:1.conf')
	cp 10.conf "$name"
	# In Latin 1 the two bytes are a letter and a sign.
	mkdir locales
	localedef -f ISO-8859-1 -i de_DE locales/de_DE 2>localedef.err || :
	for locale in "${LC_ALL-C}" de_DE; do
		expect 2 env LOCPATH="$PWD/locales" LC_ALL="$locale" epolltune lint --format sarif "$name"
		is uri "$(jq -r '.runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri' out)" \
			a%20b/x%09%25%7C%C3%A9%3A1.conf
	done
}

# No file stops it: it is no reader of devices, and of no file larger than 4 MiB.
test_nothing_that_is_read_stops_it() {
	mkdir -p d/sysctl.d
	mkfifo d/sysctl.d/10-fifo.conf
	ln -s 11-loop.conf d/sysctl.d/11-loop.conf
	ln -s . d/sysctl.d/12-circle
	ln -s nowhere d/sysctl.d/13-dangling.conf
	ln -s /dev/zero d/sysctl.d/14-zero.conf
	truncate -s 1G d/sysctl.d/15-sparse.conf
	head -c 5000 /dev/urandom >d/sysctl.d/16-random.conf
	printf '\357\273\277net.core.somaxconn = 8192\r\nnet.ipv4.tcp_sack = 0' >d/sysctl.d/17-bom.conf
	head -c 100000 /dev/zero | tr '\0' 'x' >d/sysctl.d/18-long.conf
	head -c 70000 /dev/zero | tr '\0' '=' >>d/sysctl.d/18-long.conf
	expect 2 timeout 60 epolltune lint d
	said '15-sparse.conf: lint.unreadable' '17-bom.conf:1: lint.syntax' '17-bom.conf:2: lint.lowers'
	quiet
	expect 3 epolltune lint d/sysctl.d/10-fifo.conf
	refused 'neither a file nor a directory'
	tar -cf m.tar d
	expect 3 timeout 60 epolltune lint --sysroot m.tar
	[ "$(wc -l <err)" -eq 1 ] || fail 'no error'
	expect 3 epolltune lint d/sysctl.d/13-dangling.conf
	refused 'No such file'
	: >empty.conf
	expect 0 epolltune lint empty.conf
	# A value may be as long as a line.
	mkdir -p long/etc/systemd/system long/proc/sys
	printf '[Service]\nLimitNOFILE=%0990d\n' 1 >long/etc/systemd/system/x.service
	expect 1 epolltune lint --sysroot long
	said '1 file: 0 critical, 1 warning, 0 notes.'
}

test_work_grows_with_the_lines_not_with_their_square() {
	mkdir many
	i=0
	while [ $i -lt 1000 ]; do
		echo 'net.core.somaxconn = 8192' >many/$i.conf
		i=$((i + 1))
	done
	expect 0 timeout 60 epolltune lint many
	said 'No problems in 1000 files.'
	# Of a pair in each line, in a file of twenty thousand.
	seq -f 'net.vendor.%.0f = 1' 20000 >large.conf
	expect 0 timeout 60 epolltune lint large.conf
}

run_tests "$@"
