/* Facts of a machine from its files: CPUs, limits, counters, slabs, ports, routes. Damage makes
 * them absent. */
#include "../support/captured.h"
#include "../support/support.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "epolltune/host.h"
#include "epolltune/ports.h"
#include "host/nic_sources.h"

/* As of a router with the routes of the internet; truncate() stands for them. */
static void a_default_route_is_found_before_many_others(void **state)
{
	char name[128];
	struct nic eth = {.name = "eth1"};
	struct nics all = {.at = &eth, .count = 1};
	put("proc/net/route", "Iface\tDestination\tGateway\n"
			      "eth1\t00000000\t0200000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n");
	snprintf(name, sizeof(name), "%s/proc/net/route", root);
	assert_int_equal(truncate(name, (off_t)1 << 34), 0);
	nics_take_routes(captured, &all);
	assert_true(eth.default_route);
}

static void facts_are_read_or_absent(void **state)
{
	struct host_facts f;
	struct utsname u;
	assert_int_equal(uname(&u), 0);
	host_facts(live, &f);
	assert_string_equal(f.name, u.nodename);
	assert_string_equal(f.kernel, u.release);
	assert_true(f.cpus >= 1 && f.memory_bytes > 1 << 20);
	assert_true(f.available_bytes && f.available_bytes <= f.memory_bytes);
	assert_int_equal(f.page_bytes, sysconf(_SC_PAGESIZE));

	host_facts(captured, &f);
	assert_string_equal(f.name, "");
	assert_int_equal(f.cpus + f.memory_bytes + f.available_bytes + f.page_bytes, 0);
	put("proc/sys/kernel/hostname", "web-1\n");
	put("proc/sys/kernel/osrelease", "5.10.0-8-amd64\n");
	put("sys/devices/system/cpu/online", "0-3,8,10-11\n");
	put("proc/meminfo", "MemTotal:    2048 kB\nMemAvailable: 1024 kB\nDirectMap4k: 1 kB\n");
	host_facts(captured, &f);
	assert_string_equal(f.name, "web-1");
	assert_int_equal(f.cpus, 7);
	assert_int_equal(f.memory_bytes, 2048 * 1024);
	assert_int_equal(f.available_bytes, 1024 * 1024);
	assert_int_equal(f.page_bytes, 4096);
	assert_true(host_kernel(captured) >= KERNEL(5, 10));
	assert_int_equal(host_oom_kills(captured), -1);
	put("proc/vmstat", "nr_free_pages 7\noom_kill 3\nzone_oom_kill 9\n");
	assert_int_equal(host_oom_kills(captured), 3);
	put("proc/vmstat", "nr_free_pages 7\noom_kill x\n");
	assert_int_equal(host_oom_kills(captured), -1);
	assert_true(host_kernel(captured) >= KERNEL(4, 20));
	assert_true(host_kernel(captured) < KERNEL(5, 11));
	assert_true(host_kernel(captured) < KERNEL(6, 0));
	put("proc/sys/kernel/osrelease", "custom\n");
	assert_true(host_kernel(captured) >= KERNEL(9, 0));
	put("sys/devices/system/cpu/online", "0-\n");
	put("proc/cpuinfo", "processor\t: 0\nmodel\t: x\n\nprocessor\t: 1\n");
	put("proc/meminfo", "MemTotal: 99999999999999999999 kB\nMemAvailable: -1 kB\n");
	host_facts(captured, &f);
	assert_int_equal(f.cpus, 2);
	assert_int_equal(f.memory_bytes + f.available_bytes, 0);
}

static void cpu_times_are_read_by_cpu(void **state)
{
	static struct host_cpu_times before, after;
	struct err e;
	assert_int_equal(host_cpu_times(captured, &before, &e), -ENOENT);
	put("proc/stat", "cpu  1 2 3 4 5 6 7 8 9 10\n"
			 "cpu3 1 2 3 4 5 6 7 8 9 10\n"
			 "cpu1024 1 2 3 4 5 6 7 8 9 10\n"
			 "cpufreq 1\n"
			 "intr 5 5\n");
	assert_int_equal(host_cpu_times(captured, &before, &e), 0);
	assert_int_equal(before.at[3].softirq, 7);
	assert_int_equal(before.at[3].steal, 8);
	assert_int_equal(before.at[3].all, 36); /* user and nice contain the guests */
	assert_int_equal(before.at[0].all, 0);
	put("proc/stat", "cpu3 1 2 3 64 5 6 47 8 9 10\n");
	assert_int_equal(host_cpu_times(captured, &after, &e), 0);
	assert_true(host_softirq_share(&before, &after, 3) == 0.4);
	assert_true(host_softirq_share(&before, &before, 3) == 0);
	assert_true(host_softirq_share(&before, &after, 0) == 0);
	assert_true(host_softirq_share(&before, &after, HOST_CPUS) == 0);
	assert_int_equal(host_cpu_times(live, &after, &e), 0);
	assert_true(after.at[0].all > 0);
}

static void the_idle_time_is_of_the_cpus_of_this_process(void **state)
{
	static struct host_cpu_times before, after;
	cpu_set_t all, one;
	struct err e;
	char text[128];
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	size_t cpu = 0;
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	snprintf(text, sizeof(text), "cpu%zu 0 0 0 100 0 0 0 0 0 0\ncpu%zu 0 0 0 100 0 0 0 0 0 0\n",
		 cpu, cpu + 1);
	put("proc/stat", text);
	assert_int_equal(host_cpu_times(captured, &before, &e), 0);
	snprintf(text, sizeof(text),
		 "cpu%zu 60 0 0 120 0 0 0 0 0 0\ncpu%zu 0 0 0 900 0 0 0 0 0 0\n", cpu, cpu + 1);
	put("proc/stat", text);
	assert_int_equal(host_cpu_times(captured, &after, &e), 0);
	assert_true(host_idle_cpus(&before, &after) == 0.25);
	assert_true(host_idle_cpus(&after, &before) == 0);
	/* The kernel may correct it. */
	after.at[cpu].idle = 99;
	assert_true(host_idle_cpus(&before, &after) == 0);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

static void limits_are_read_or_refused(void **state)
{
	struct err e = {0};
	struct host_nofile n;
	struct rlimit r;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
	assert_int_equal(host_nofile(live, &n, &e), 0);
	assert_true(n.soft == r.rlim_cur && n.hard == r.rlim_max);

	assert_int_equal(host_nofile(captured, &n, &e), -ENOENT);
	put("proc/self/limits",
	    "Limit                     Soft Limit           Hard Limit           Units     \n"
	    "Max processes             100                  200                  processes \n"
	    "Max open files            1024                 524288               files     \n");
	assert_int_equal(host_nofile(captured, &n, &e), 0);
	assert_true(n.soft == 1024 && n.hard == 524288);
	put("proc/self/limits", "Max open files  1024  unlimited  files\n");
	assert_int_equal(host_nofile(captured, &n, &e), 0);
	assert_true(n.hard == HOST_UNLIMITED);
	put("proc/self/limits", "Max open files  1024");
	assert_int_equal(host_nofile(captured, &n, &e), -EBADMSG);
	put("proc/self/limits", "Max locked memory 1 2 bytes\n");
	assert_int_equal(host_nofile(captured, &n, &e), -EBADMSG);

	struct host_files files;
	assert_int_equal(host_files(live, &files, &e), 0);
	assert_true(files.allocated && files.max);
	put("proc/sys/fs/file-nr", "546\t0\t9223372036854775807\n");
	assert_int_equal(host_files(captured, &files, &e), 0);
	assert_true(files.allocated == 546 && files.max == INT64_MAX);
	put("proc/sys/fs/file-nr", "546 0\n");
	assert_int_equal(host_files(captured, &files, &e), -EBADMSG);
}

static void counters_are_named_and_damage_is_absent(void **state)
{
	struct err e = {0};
	static struct host_counters c, later;
	assert_int_equal(host_counters(live, &c, &e), 0);
	assert_true(c.count > 100 && c.count < HOST_COUNTERS);
	assert_true(host_counter(&c, "TcpExt.ListenOverflows") >= 0);
	assert_true(host_counter(&c, "Tcp.ActiveOpens") >= 0);
	assert_true(host_counter(&c, "sockstat.TCP.inuse") >= 0);
	assert_int_equal(host_counter(&c, "TcpExt.NoSuch"), -1);

	assert_int_equal(c.unread.code, 0);
	assert_int_equal(host_counters(captured, &c, &e), -ENOENT);
	assert_int_equal(c.unread.code, ENOENT);
	put("proc/net/netstat", "TcpExt: A B C\nTcpExt: 1 2 3\nIpExt: D\nIpExt: 4 5\n");
	put("proc/net/snmp", "Tcp: MaxConn X\nTcp: -1 9223372036854775808\nUdp: Y\n");
	put("proc/net/sockstat", "sockets: used 9\nTCP: inuse 5 orphan\nrubbish\n");
	assert_int_equal(host_counters(captured, &c, &e), 0);
	assert_int_equal(c.unread.code, EBADMSG);
	assert_int_equal(host_counter(&c, "TcpExt.C"), 3);
	assert_int_equal(host_counter(&c, "IpExt.D"), -1); /* more values than names */
	assert_int_equal(host_counter(&c, "Tcp.X"), -1);
	assert_int_equal(host_counter(&c, "sockstat.TCP.inuse"), 5);
	assert_int_equal(host_counter(&c, "sockstat.TCP.orphan"), -1);
	assert_int_equal(host_counter(&c, "sockstat.sockets.used"), 9);
	assert_int_equal(c.count, 6);
	put("proc/net/netstat", "TcpExt: A B C\nTcpExt: 11 2 3\n");
	assert_int_equal(host_counters(captured, &later, &e), 0);
	assert_int_equal(host_counter_delta(&c, &later, "TcpExt.A"), 10);
	assert_int_equal(host_counter_delta(&c, &later, "TcpExt.Z"), -1);

	/* The entries are those of all CPUs, in each line; a damaged line ends the table. */
	put("proc/net/stat/nf_conntrack",
	    "entries  found drop\n0000000a  00000001 000000ff\n0000000a  00000002 00000001\n1 2\n");
	host_table_counters(captured, "nf_conntrack", &c);
	assert_int_equal(c.count, 6);
	put("proc/net/stat/nf_conntrack", "entries  found drop\n0000000a  00000001 rubbish\n");
	c.unread.code = 0;
	host_table_counters(captured, "nf_conntrack", &c);
	assert_int_equal(c.unread.code, EBADMSG);
	put("proc/net/stat/nf_conntrack", "drop\n7fffffffffffffff\n7fffffffffffffff\n");
	host_table_counters(captured, "nf_conntrack", &c);
	assert_int_equal(c.count, 6);
	put("proc/net/stat/nf_conntrack",
	    "entries  found drop\n0000000a  00000001 000000ff\n0000000a  00000002 00000001\n");
	host_table_counters(captured, "nf_conntrack", &c);
	c.unread.code = 0;
	host_table_counters(captured, "nosuch", &c);
	assert_int_equal(c.unread.code, 0);
	assert_int_equal(c.count, 9);
	assert_int_equal(host_counter(&c, "nf_conntrack.entries"), 10);
	assert_int_equal(host_counter(&c, "nf_conntrack.drop"), 256);

	put("proc/net/netstat", "");
	put("proc/net/snmp", "garbage");
	put("proc/net/sockstat", "\n\n");
	assert_int_equal(host_counters(captured, &c, &e), -EBADMSG);
	assert_int_equal(c.count, 0);
}

static void counters_beyond_the_capacity_are_omitted(void **state)
{
	struct err e = {0};
	static struct host_counters c;
	char *text = calloc(1, 65536);
	assert_non_null(text);
	for (int line = 0; line < 2; line++) {
		strcat(text, "TcpExt:");
		for (int i = 0; i < 2 * HOST_COUNTERS; i++)
			sprintf(text + strlen(text), line ? " %d" : " N%d", i);
		strcat(text, "\n");
	}
	put("proc/net/netstat", text);
	free(text);
	assert_int_equal(host_counters(captured, &c, &e), 0);
	assert_int_equal(c.count, HOST_COUNTERS);
	assert_int_equal(host_counter(&c, "TcpExt.N1"), 1);
	assert_int_equal(host_counter(&c, "TcpExt.N1279"), -1);
	put("proc/net/netstat", "TcpExt: Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa B\n"
				"TcpExt: 1 2\n");
	assert_int_equal(host_counters(captured, &c, &e), 0);
	assert_int_equal(c.count, 1);
	assert_int_equal(host_counter(&c, "TcpExt.B"), 2);
}

/* One value a line; those of each ICMP type, and of UDP-Lite, are not used. */
static void counters_of_ipv6_are_named_and_need_not_exist(void **state)
{
	struct err e = {0};
	static struct host_counters c;
	put("proc/net/netstat", "TcpExt: A\nTcpExt: 1\n");
	put("proc/net/snmp", "Ip: A\nIp: 1\n");
	put("proc/net/sockstat", "TCP: inuse 5\n");
	assert_int_equal(host_counters(captured, &c, &e), 0);
	assert_int_equal(c.unread.code, 0);
	assert_int_equal(c.count, 3);
	put("proc/net/snmp6", "Ip6OutNoRoutes                   \t7\n"
			      "Icmp6InDestUnreachs 2\nIcmp6InType1 2\nIcmp6OutType143 9\n"
			      "Udp6RcvbufErrors                 \t4997\nUdpLite6RcvbufErrors 3\n");
	assert_int_equal(host_counters(captured, &c, &e), 0);
	assert_int_equal(c.unread.code, 0);
	assert_int_equal(c.count, 6);
	assert_int_equal(host_counter(&c, "Ip6.OutNoRoutes"), 7);
	assert_int_equal(host_counter(&c, "Icmp6.InDestUnreachs"), 2);
	assert_int_equal(host_counter(&c, "Udp6.RcvbufErrors"), 4997);
	put("proc/net/snmp6", "Udp6RcvbufErrors\nUdp6MemErrors 1\n");
	assert_int_equal(host_counters(captured, &c, &e), 0);
	assert_int_equal(c.unread.code, EBADMSG);
	assert_int_equal(host_counter(&c, "Udp6.MemErrors"), 1);
}

static void counters_of_filters_and_ipsec_are_named(void **state)
{
	struct err e = {0};
	static struct host_counters c;
	put("proc/net/xfrm_stat", "XfrmInError             \t0\nXfrmInNoStates          \t7\n");
	put("proc/net/netfilter/nfnetlink_queue",
	    "    0   4711    12 2 65531     5     3       99  1\n"
	    "    1 -29321     0 2 65531     2     0        9  1\n");
	assert_int_equal(host_counters(captured, &c, &e), 0);
	assert_int_equal(host_counter(&c, "xfrm_stat.XfrmInNoStates"), 7);
	host_filter_counters(captured, &c);
	assert_int_equal(host_counter(&c, "nfnetlink_queue.dropped"), 7);
	assert_int_equal(host_counter(&c, "nfnetlink_queue.user_dropped"), 3);
	put("proc/net/netfilter/nfnetlink_queue", "");
	put("proc/net/xfrm_stat", "XfrmInError\n");
	host_counters(captured, &c, &e);
	assert_int_equal(host_counter(&c, "xfrm_stat.XfrmInError"), -1);
	host_filter_counters(captured, &c);
	assert_int_equal(host_counter(&c, "nfnetlink_queue.dropped"), -1);
}

static void ipv6_is_disabled_on_any_interface(void **state)
{
	assert_true(host_ipv6_disabled(captured));
	put("proc/sys/net/ipv6/conf/all/disable_ipv6", "1\n");
	put("proc/sys/net/ipv6/conf/eth0/disable_ipv6", "0\n");
	assert_false(host_ipv6_disabled(captured));
	put("proc/sys/net/ipv6/conf/eth1/disable_ipv6", "1\n");
	assert_true(host_ipv6_disabled(captured));
}

static void slabs_are_read_or_refused(void **state)
{
	struct err e = {0};
	uint64_t bytes = 0;
	static struct host_slabs s;
	int r = host_slabs(live, &s, &e);
	assert_true(r == 0 ? s.count > 10 : r == -EACCES || r == -ENOENT);
	assert_int_equal(host_slab_bytes(live, &bytes, &e), 0);
	assert_true(bytes > 1 << 16);

	assert_int_equal(host_slabs(captured, &s, &e), -ENOENT);
	put("proc/slabinfo",
	    "slabinfo - version: 2.1\n# name <active_objs> <num_objs> <objsize>\n"
	    "TCP  60 65 2496 13 8 : tunables 0 0 0\nbroken 1\n\nfilp 9 9 256 1 1\n");
	assert_int_equal(host_slabs(captured, &s, &e), 0);
	assert_int_equal(s.count, 2);
	assert_string_equal(s.at[0].name, "TCP");
	assert_true(s.at[0].active == 60 && s.at[0].object_bytes == 2496);
	put("proc/slabinfo", "garbage\n");
	assert_int_equal(host_slabs(captured, &s, &e), -EBADMSG);
	put("proc/meminfo", "SReclaimable: 3 kB\nSUnreclaim: 4 kB\n");
	assert_int_equal(host_slab_bytes(captured, &bytes, &e), 0);
	assert_int_equal(bytes, 7 * 1024);
	put("proc/meminfo", "SReclaimable: 3 kB\n");
	assert_int_equal(host_slab_bytes(captured, &bytes, &e), -EBADMSG);
}

static struct host_slab_memory slab_memory(uint64_t tcp, uint64_t filp, uint64_t other,
					   uint64_t all)
{
	return (struct host_slab_memory){.slabs = {.count = 3,
						   .at = {{"TCP", tcp, 2000},
							  {"filp", filp, 250},
							  {"ext4_inode", other, 1000}}},
					 .bytes = all};
}

static void slabs_grow_by_connections(void **state)
{
	static const struct {
		uint64_t tcp, filp, other, all; /* from 100, 100, 100 and 1 000 000 */
		uint64_t bytes;                 /* that 1000 connections took */
	} rows[] = {
		{2100, 2100, 100, 9000000, 2000 * 2000 + 2000 * 250},
		/* The minimum is an object for every other connection. */
		{600, 599, 100, 0, 500 * 2000},
		{599, 599, 100, 9000000, 0},
		/* A cache that grew by more counts completely; one that shrank does not count. */
		{2100, 0, 1100, 0, 2000 * 2000 + 1000 * 1000},
		{100, 100, 100, 1000000, 0},
	};
	bool by_cache;
	static struct host_slab_memory before, after;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		before = slab_memory(100, 100, 100, 1000000);
		after = slab_memory(rows[i].tcp, rows[i].filp, rows[i].other, rows[i].all);
		assert_int_equal(host_slab_taken(&before, &after, 1000, &by_cache), rows[i].bytes);
		assert_true(by_cache);
		after.slabs.count = 0;
		assert_int_equal(host_slab_taken(&before, &after, 1000, &by_cache),
				 rows[i].all > before.bytes ? rows[i].all - before.bytes : 0);
		assert_false(by_cache);
	}
	/* A cache that was not there, and one that shrank. */
	before.slabs.count = 1;
	after = slab_memory(40, 60, 0, 0);
	assert_int_equal(host_slab_growth(&before.slabs, &after.slabs.at[0]), -60 * 2000);
	assert_int_equal(host_slab_growth(&before.slabs, &after.slabs.at[1]), 60 * 250);
	before.bytes = 0;
	after = (struct host_slab_memory){.bytes = 5};
	assert_int_equal(host_slab_taken(&before, &after, 1000, &by_cache), 0);
}

static void a_connection_takes_its_objects(void **state)
{
	static const struct host_slab_memory none;
	struct host_slab_memory m = slab_memory(1, 1, 1, 0);
	assert_int_equal(host_slab_connection(&m.slabs), 2000 + 250);
	assert_int_equal(host_slab_connection(&none.slabs), 0);
	uint64_t socket = 1;
	assert_int_equal(host_connection_bytes(captured, &socket), 0);
	assert_int_equal(socket, 0);
	put("proc/slabinfo", "TCP 60 65 2496 13 8\ndentry 9 9 192 1 1\nkmalloc-8 9 9 8 1 1\n");
	assert_int_equal(host_connection_bytes(captured, NULL), 2496 + 192);
	assert_int_equal(host_connection_bytes(captured, &socket), 2496 + 192);
	assert_int_equal(socket, 2496);
}

static void reserved_ports_are_counted_within_a_range(void **state)
{
	static const char path[] = "proc/sys/net/ipv4/ip_local_reserved_ports";
	static const struct {
		const char *list;
		int64_t low, high, count;
	} rows[] = {
		{"\n", 1, 65535, 0},
		{"8080\n", 1, 65535, 1},
		{"8080,9000-9010\n", 1, 65535, 12},
		{"8080,9000-9010\n", 8081, 65535, 11},
		{"8080,9000-9010\n", 9005, 9006, 2},
		{"8080,9000-9010\n", 8080, 9000, 2},
		{"8080,9000-9010\n", 9011, 65535, 0},
		{"63-64,127,192\n", 0, 63, 1},
		{"63-64,127,192\n", 64, 191, 2},
		{"63-64,127,192\n", -5, 999999, 4},
		{"63-64,127,192\n", 127, 64, 0},
		{"0-65535\n", 1000, 1999, 1000},
		/* What a damaged list reserves is not known. */
		{"8080;9000\n", 1, 65535, -1},
		{"8080,9000-\n", 1, 65535, -1},
		{"ports\n", 1, 65535, -1},
	};
	/* The tree of another tool may lack the file, one of epolltune capture does not. */
	assert_int_equal(host_reserved_ports(captured, 1, 65535), -1);
	assert_int_equal(port_range_free(1000, 1999, -1), -1);
	assert_int_equal(port_range_free(1000, 1999, 10), 990);
	assert_int_equal(port_range_free(0, 1999, 0), -1);
	assert_int_equal(port_range_free(1000, 65536, 0), -1);
	assert_int_equal(port_range_free(1000, 999, 0), -1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		put(path, rows[i].list);
		if (host_reserved_ports(captured, rows[i].low, rows[i].high) != rows[i].count)
			fail_msg("%s within %lld-%lld", rows[i].list, (long long)rows[i].low,
				 (long long)rows[i].high);
	}
	/* Of a whole capture a list that is not there is empty, an unreadable one is not known. */
	put("identity", "boot 1\nnetns 1\ninitial 1\nfirst_pids 1\n");
	put_bytes(path, "80\0", 3);
	assert_int_equal(host_reserved_ports(captured, 1, 65535), -1);
	char name[512];
	snprintf(name, sizeof(name), "%s/%s", root, path);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(host_reserved_ports(captured, 1, 65535), 0);
}

static void sets_of_ports_are_written_as_lists(void **state)
{
	static const struct {
		const char *list;
		size_t size;
		const char *written;
	} rows[] = {
		{"", 64, ""},
		{"0,63-64,127,128,65535", 64, "0,63-64,127-128,65535"},
		{"0-65535", 64, "0-65535"},
		{"1,63,66,190,65535", 16, "1-66,190,65535"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct port_set set = {0};
		char text[64];
		assert_true(port_set_parse(&set, rows[i].list));
		port_set_format(&set, text, rows[i].size);
		assert_string_equal(text, rows[i].written);
	}
}

static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void parse_all(void)
{
	static struct host_counters c;
	static struct host_slabs s;
	struct err e = {0};
	struct host_facts f;
	struct host_nofile n;
	struct host_files files;
	uint64_t bytes;
	host_facts(captured, &f);
	host_kernel(captured);
	host_nofile(captured, &n, &e);
	host_files(captured, &files, &e);
	host_slab_bytes(captured, &bytes, &e);
	host_slabs(captured, &s, &e);
	assert_true(s.count <= HOST_SLABS);
	host_counters(captured, &c, &e);
	assert_true(c.count <= HOST_COUNTERS);
}

/* Real files with bytes changed and cut, and random bytes: no parser may read or write out of
 * bounds (SAN=1 checks). */
static void randomly_damaged_files_are_parsed_in_bounds(void **state)
{
	static const char *const paths[] = {"proc/net/netstat",
					    "proc/net/snmp",
					    "proc/net/snmp6",
					    "proc/net/sockstat",
					    "proc/meminfo",
					    "proc/self/limits",
					    "proc/sys/fs/file-nr",
					    "proc/slabinfo",
					    "proc/sys/kernel/osrelease",
					    "proc/cpuinfo",
					    "sys/devices/system/cpu/online"};
	enum { FILES = sizeof(paths) / sizeof(*paths), LARGEST = 8192 };
	static unsigned char bytes[LARGEST];
	uint64_t seed = 0x9e3779b97f4a7c15;
	for (int round = 0; round < 60; round++) {
		for (size_t i = 0; i < FILES; i++) {
			struct err e;
			CLEAN(free_pointer) char *text = NULL;
			ssize_t length = host_read_all(live, paths[i], &text, &e);
			size_t size = length > 0 ? (size_t)length : random_next(&seed) % 256;
			size = size > LARGEST ? LARGEST : size;
			for (size_t b = 0; b < size; b++)
				bytes[b] = text && round % 4 ? (unsigned char)text[b]
							     : (unsigned char)random_next(&seed);
			for (size_t hits = random_next(&seed) % 8; size && hits; hits--)
				bytes[random_next(&seed) % size] =
					(unsigned char)" \n:-09\t\377"[random_next(&seed) % 8];
			put_bytes(paths[i], bytes,
				  round % 3 ? size
				  : size    ? random_next(&seed) % size
					    : 0);
		}
		parse_all();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CAPTURED_TEST(a_default_route_is_found_before_many_others),
		CAPTURED_TEST(facts_are_read_or_absent),
		CAPTURED_TEST(cpu_times_are_read_by_cpu),
		CAPTURED_TEST(the_idle_time_is_of_the_cpus_of_this_process),
		CAPTURED_TEST(limits_are_read_or_refused),
		CAPTURED_TEST(counters_are_named_and_damage_is_absent),
		CAPTURED_TEST(counters_beyond_the_capacity_are_omitted),
		CAPTURED_TEST(counters_of_ipv6_are_named_and_need_not_exist),
		CAPTURED_TEST(counters_of_filters_and_ipsec_are_named),
		CAPTURED_TEST(ipv6_is_disabled_on_any_interface),
		CAPTURED_TEST(slabs_are_read_or_refused),
		CAPTURED_TEST(slabs_grow_by_connections),
		CAPTURED_TEST(a_connection_takes_its_objects),
		CAPTURED_TEST(reserved_ports_are_counted_within_a_range),
		CAPTURED_TEST(sets_of_ports_are_written_as_lists),
		CAPTURED_TEST(randomly_damaged_files_are_parsed_in_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
