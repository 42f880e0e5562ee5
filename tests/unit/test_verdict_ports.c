/* The verdicts and findings of ports and TIME_WAIT, by settings and outcome. */
#include "../support/support.h"
#include "../support/verdict.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/knob.h"
#include "epolltune/port_settings.h"
#include "epolltune/ports.h"
#include "epolltune/ports_udp.h"
#include "epolltune/ports_used.h"
#include "host/port_sockets.h"

#define RANGE "net.ipv4.ip_local_port_range="
#define RESERVED "; net.ipv4.ip_local_reserved_ports="
#define LISTENERS "; listeners="
#define FIRST "; net.ipv4.ip_unprivileged_port_start="
#define BUCKETS "net.ipv4.tcp_max_tw_buckets="

struct row {
	const char *wall, *settings;
	uint64_t needed;
	enum outcome_state state;
	int64_t reached; /* by an experiment; 0: none */
	bool limit_met;
	int64_t limit;
	enum wall_verdict verdict;
	enum wall_method method;
	const char *proposals;
	enum finding_remedy remedy;
};

#define PORTS "ports.ephemeral"
#define WAIT "time-wait"
#define SETTINGS_ONLY OUTCOME_CONCLUSIVE, 0, false
#define REACHED(number, met) OUTCOME_CONCLUSIVE, number, met
#define FAILS(state_) state_, 1, false

#define WIDER(now, then) "net.ipv4.ip_local_port_range " now " -> " then
#define KEEPS(now, then) ", net.ipv4.ip_local_reserved_ports " now " -> " then

static const struct row rows[] = {
	{PORTS, RANGE "32768 60999", 10000, SETTINGS_ONLY, 28232, VERDICT_OK, METHOD_INSPECTED, "",
	 REMEDY_NONE},
	/* 80 are needed: ok from 100 on, short below 80. */
	{PORTS, RANGE "40000 40099", 80, SETTINGS_ONLY, 100, VERDICT_OK, METHOD_INSPECTED, "",
	 REMEDY_NONE},
	{PORTS, RANGE "40000 40099" RESERVED "40001", 80, SETTINGS_ONLY, 99, VERDICT_TIGHT,
	 METHOD_INSPECTED, WIDER("40000 40099", "40000 40103"), REMEDY_KERNEL},
	{PORTS, RANGE "40000 40099" RESERVED "40000-40019,40050", 80, SETTINGS_ONLY, 79,
	 VERDICT_SHORT, METHOD_INSPECTED, WIDER("40000 40099", "40000 40123"), REMEDY_KERNEL},
	/* Just enough, to the top first; the ends differ in parity. */
	{PORTS, RANGE "40000 40009", 10, SETTINGS_ONLY, 10, VERDICT_TIGHT, METHOD_INSPECTED,
	 WIDER("40000 40009", "40000 40013"), REMEDY_KERNEL},
	{PORTS, RANGE "40001 40009", 10, SETTINGS_ONLY, 9, VERDICT_SHORT, METHOD_INSPECTED,
	 WIDER("40001 40009", "40001 40014"), REMEDY_KERNEL},
	{PORTS, RANGE "32768 60999", 30000, SETTINGS_ONLY, 28232, VERDICT_SHORT, METHOD_INSPECTED,
	 WIDER("32768 60999", "26624 65535"), REMEDY_KERNEL},
	{PORTS, RANGE "65000 65535", 1000, SETTINGS_ONLY, 536, VERDICT_SHORT, METHOD_INSPECTED,
	 WIDER("65000 65535", "64256 65535"), REMEDY_KERNEL},
	/* Ports of services are reserved, beside those that are. */
	{PORTS, RANGE "32768 60999" LISTENERS "22,9100,33000", 30000, SETTINGS_ONLY, 28231,
	 VERDICT_SHORT, METHOD_INSPECTED, WIDER("32768 60999", "26624 65535") KEEPS("", "33000"),
	 REMEDY_KERNEL},
	{PORTS, RANGE "32768 60999" RESERVED "8000,40000-40009" LISTENERS "9100,33000,40005", 45000,
	 SETTINGS_ONLY, 28221, VERDICT_SHORT, METHOD_INSPECTED,
	 WIDER("32768 60999", "8192 65535")
		 KEEPS("8000,40000-40009", "8000,9090,9100,10250-10259,33000,40000-40009"),
	 REMEDY_KERNEL},
	{PORTS, RANGE "40000 40009" LISTENERS "40010-40019", 16, SETTINGS_ONLY, 10, VERDICT_SHORT,
	 METHOD_INSPECTED, WIDER("40000 40009", "40000 40029") KEEPS("", "40010-40019"),
	 REMEDY_KERNEL},
	/* connect() takes no port of a listener; one that is reserved is not subtracted twice. */
	{PORTS, RANGE "40000 40999" LISTENERS "40000-40299", 750, SETTINGS_ONLY, 700, VERDICT_SHORT,
	 METHOD_INSPECTED, WIDER("40000 40999", "40000 41279") KEEPS("", "40000-40299"),
	 REMEDY_KERNEL},
	{PORTS, RANGE "40000 40999" RESERVED "40200-40399" LISTENERS "40000-40299", 400,
	 SETTINGS_ONLY, 600, VERDICT_OK, METHOD_INSPECTED, "", REMEDY_NONE},
	{PORTS, RANGE "1024 65535" LISTENERS "2000-2999", 63600, SETTINGS_ONLY, 63512,
	 VERDICT_SHORT, METHOD_INSPECTED, "", REMEDY_APPLICATION},
	/* The kernel refuses a range that starts below the privileged ports. */
	{PORTS, RANGE "32768 60999" FIRST "2000", 60000, SETTINGS_ONLY, 28232, VERDICT_SHORT,
	 METHOD_INSPECTED, WIDER("32768 60999", "2000 65535") KEEPS("", "9090,10250-10259"),
	 REMEDY_KERNEL},
	{PORTS, RANGE "32768 60999" FIRST "2001", 60000, SETTINGS_ONLY, 28232, VERDICT_SHORT,
	 METHOD_INSPECTED, WIDER("32768 60999", "2002 65535") KEEPS("", "9090,10250-10259"),
	 REMEDY_KERNEL},
	/* Below 1024 are privileged services, even if the kernel allows it. */
	{PORTS, RANGE "32768 60999" FIRST "0", 60000, SETTINGS_ONLY, 28232, VERDICT_SHORT,
	 METHOD_INSPECTED, WIDER("32768 60999", "1024 65535") KEEPS("", "9090,10250-10259"),
	 REMEDY_KERNEL},
	/* A node of Kubernetes has node ports. */
	{PORTS, RANGE "32768 60999" LISTENERS "1", 30000, SETTINGS_ONLY, 28232, VERDICT_SHORT,
	 METHOD_INSPECTED, WIDER("32768 60999", "24576 65535") KEEPS("", "30000-32767"),
	 REMEDY_KERNEL},
	/* None suffices: the widest is proposed. */
	{PORTS, RANGE "32768 60999", 100000, SETTINGS_ONLY, 28232, VERDICT_SHORT, METHOD_INSPECTED,
	 WIDER("32768 60999", "1024 65535") KEEPS("", "9090,10250-10259"), REMEDY_KERNEL},
	/* The widest range, or a wider one, is not replaced. */
	{PORTS, RANGE "1024 65535", 100000, SETTINGS_ONLY, 64512, VERDICT_SHORT, METHOD_INSPECTED,
	 "", REMEDY_APPLICATION},
	{PORTS, RANGE "1 65535", 100000, SETTINGS_ONLY, 65535, VERDICT_SHORT, METHOD_INSPECTED, "",
	 REMEDY_APPLICATION},
	/* Unreadable. */
	{PORTS, "listeners=80", 80, SETTINGS_ONLY, REPORT_NONE, VERDICT_UNKNOWN, METHOD_INSPECTED,
	 "", REMEDY_NONE},
	/* An experiment that met the limit overrides the settings; another one does not. */
	{PORTS, RANGE "32768 60999", 10000, REACHED(12500, false), 28232, VERDICT_OK,
	 METHOD_DERIVED, "", REMEDY_NONE},
	{PORTS, RANGE "40000 40099", 80, REACHED(100, true), 100, VERDICT_OK, METHOD_MEASURED, "",
	 REMEDY_NONE},
	{PORTS, RANGE "40000 40099", 80, REACHED(60, true), 100, VERDICT_SHORT, METHOD_MEASURED, "",
	 REMEDY_APPLICATION},
	/* An experiment that is not needed leaves the settings. */
	{PORTS, RANGE "32768 60999", 10000, FAILS(OUTCOME_UNNEEDED), 28232, VERDICT_OK,
	 METHOD_INSPECTED, "", REMEDY_NONE},

	/* A proxy needs no number of them: P ports are at most P connections in TIME_WAIT. */
	{WAIT, BUCKETS "750", 10, SETTINGS_ONLY, 750, VERDICT_OK, METHOD_INSPECTED, "",
	 REMEDY_NONE},
	{WAIT, BUCKETS "0", 10, SETTINGS_ONLY, 0, VERDICT_OK, METHOD_INSPECTED, "", REMEDY_NONE},
	{WAIT, BUCKETS "131072", 100000000, SETTINGS_ONLY, 131072, VERDICT_OK, METHOD_INSPECTED, "",
	 REMEDY_NONE},
	{WAIT, "", 10, SETTINGS_ONLY, REPORT_NONE, VERDICT_UNKNOWN, METHOD_INSPECTED, "",
	 REMEDY_NONE},
	{WAIT, BUCKETS "500", 10, REACHED(501, true), 500, VERDICT_OK, METHOD_MEASURED, "",
	 REMEDY_NONE},
};

static struct target proxy(uint64_t connections, uint64_t rate)
{
	struct target t = target_default();
	t.role = TARGET_PROXY;
	t.connections = connections;
	t.rate_per_s = rate;
	return t;
}

static void each_row_gets_its_verdict(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		const struct experiment *x = verdict_experiment("ports", row->wall);
		struct target t = proxy(row->needed, row->needed);
		struct settings s = verdict_settings(x, row->settings);
		struct outcome o = verdict_outcome(row->reached, row->limit_met);
		o.state = row->state;
		const struct report *r = verdict_of(x, &t, &s, row->reached ? &o : NULL);
		char id[64] = "";
		if (verdict_asks(row->verdict))
			snprintf(id, sizeof(id), "%s.%s", row->wall,
				 wall_verdict_name(row->verdict));
		verdict_is(row->settings, r, row->limit, row->verdict, id, row->proposals,
			   row->remedy);
		assert_int_equal(r->walls[0].method, row->method);
	}
}

/* The CPU time of one connection in ns: server, client, both in one run; 0: not measured. */
static void cpu_time_bounds_the_rate_of_accepts(void **state)
{
	static const struct {
		enum target_role role;
		struct taken taken;
		uint64_t rate;
		int64_t limit;
		enum wall_verdict verdict;
		const char *detail;
	} cases[] = {
#define COSTS(server, client, both)                                                                \
	{.accept_ns = server, .connect_ns = client, .both_ns = both, .cpus = 2}
		{TARGET_SERVER, COSTS(5000, 15000, 20000), 10000, 400000, VERDICT_OK,
		 "2 CPUs at 5.0 us of CPU time a connection, which accept4()"},
		/* Both ends together show 100 000/s: ok with 25 % headroom, tight up to the bound.
		 */
		{TARGET_SERVER, COSTS(5000, 15000, 20000), 80000, 400000, VERDICT_OK,
		 "together took 20.0 us: 100 000/s."},
		{TARGET_SERVER, COSTS(5000, 15000, 20000), 80001, 400000, VERDICT_TIGHT, ""},
		{TARGET_SERVER, COSTS(5000, 15000, 20000), 400000, 400000, VERDICT_TIGHT, ""},
		{TARGET_SERVER, COSTS(5000, 15000, 20000), 400001, 400000, VERDICT_SHORT, ""},
		/* A proxy pays for both ends. */
		{TARGET_PROXY, COSTS(5000, 15000, 25000), 64000, 100000, VERDICT_OK,
		 "2 CPUs at 20.0 us of CPU time a connection, at both ends"},
		{TARGET_PROXY, COSTS(5000, 15000, 25000), 64001, 100000, VERDICT_TIGHT, ""},
		{TARGET_PROXY, COSTS(5000, 15000, 25000), 100001, 100000, VERDICT_SHORT, ""},
		/* Of a server that may use one of two. */
		{TARGET_SERVER,
		 {.accept_ns = 5000, .connect_ns = 15000, .both_ns = 20000, .cpus = 1},
		 10000,
		 200000,
		 VERDICT_OK,
		 "1 CPU of 2, by affinity and cpuset, at 5.0 us"},
		/* A part of a CPU by the quota, one by the one thread that accepts. */
		{TARGET_SERVER,
		 {.accept_ns = 5000,
		  .connect_ns = 15000,
		  .both_ns = 20000,
		  .cpus = 2,
		  .quota = 0.2},
		 50000,
		 40000,
		 VERDICT_SHORT,
		 "0.2 CPUs of 2, by the CPU quota of the control group, at 5.0 us"},
		{TARGET_SERVER,
		 {.accept_ns = 5000,
		  .connect_ns = 15000,
		  .both_ns = 20000,
		  .cpus = 64,
		  .threads = 1},
		 50001,
		 200000,
		 VERDICT_TIGHT,
		 "1 CPU of 2, by the threads that accept, at 5.0 us"},
		{TARGET_SERVER,
		 {.accept_ns = 5000,
		  .connect_ns = 15000,
		  .both_ns = 20000,
		  .cpus = 64,
		  .threads = 8,
		  .quota = 1.5},
		 10000,
		 300000,
		 VERDICT_OK,
		 "1.5 CPUs of 2, by the CPU quota"},
		/* More than there are limit nothing. */
		{TARGET_SERVER,
		 {.accept_ns = 5000,
		  .connect_ns = 15000,
		  .both_ns = 20000,
		  .cpus = 2,
		  .threads = 8,
		  .quota = 4},
		 10000,
		 400000,
		 VERDICT_OK,
		 "2 CPUs at 5.0 us"},
		/* There may be a quota. */
		{TARGET_SERVER,
		 {.accept_ns = 5000,
		  .connect_ns = 15000,
		  .both_ns = 20000,
		  .cpus = 2,
		  .quota_unread = "cpu.max"},
		 10000,
		 400000,
		 VERDICT_OK,
		 "cpu.max could not be read. Its default is assumed."},
		{TARGET_SERVER,
		 {.accept_ns = 5000,
		  .connect_ns = 15000,
		  .both_ns = 20000,
		  .cpus = 2,
		  .quota_unread = "cpu.max"},
		 17000,
		 400000,
		 VERDICT_OK,
		 "cpu.max could not be read. Its default is assumed."},
		/* Rounded to the accuracy of a measurement. */
		{TARGET_SERVER, COSTS(6188, 15000, 22000), 10000, 323000, VERDICT_OK, ""},
		/* Without an experiment there is no value: the target is not accused. */
		{TARGET_SERVER,
		 {0},
		 50000000,
		 REPORT_NONE,
		 VERDICT_NA,
		 "Only an experiment shows what the CPUs can accept."},
		{TARGET_SERVER, {.cpus = 2}, 50000000, REPORT_NONE, VERDICT_NA, ""},
	};
	const struct experiment *x = verdict_experiment("ports", "accept.rate");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct target t = target_default();
		struct settings s = verdict_settings(x, "");
		struct outcome o = verdict_outcome(REPORT_NONE, false);
		t.role = cases[i].role;
		t.rate_per_s = cases[i].rate;
		s.taken = cases[i].taken;
		const struct report *r = verdict_of(x, &t, &s, s.taken.accept_ns ? &o : NULL);
		const struct wall *w = &r->walls[0];
		const struct finding *f = r->finding_count ? &r->findings[0] : NULL;
		const char *id = w->verdict == VERDICT_SHORT   ? "accept.rate.short"
				 : w->verdict == VERDICT_TIGHT ? "accept.rate.tight"
							       : "";
		/* A tenth of a CPU accepts 20 000/s. */
		bool doubtful = s.taken.quota_unread && cases[i].rate > 16000;
		if (w->limit != cases[i].limit || w->verdict != cases[i].verdict ||
		    w->at_most != (w->limit != REPORT_NONE) ||
		    w->needed != (int64_t)cases[i].rate || !strstr(w->detail, cases[i].detail) ||
		    strcmp(w->assumed, doubtful ? "cpu.max" : "") != 0 ||
		    strcmp(f ? f->id : "", id) != 0 || (f && f->remedy != REMEDY_APPLICATION))
			fail_msg("case %zu: limit %lld, %s, %s: %s", i, (long long)w->limit,
				 wall_verdict_name(w->verdict), f ? f->id : "", w->detail);
	}
}

static void *wait_for_end(void *unused)
{
	for (;;)
		pause();
	return NULL;
}

/* Without a server in question that of this group: of a container. */
static void a_quota_bounds_the_rate_of_accepts(void **state)
{
	const struct experiment *x = verdict_experiment("ports", "accept.rate");
	struct settings s = verdict_settings(x, "");
	struct output made =
		run("d=$(mktemp -d) && mkdir -p $d/proc/self $d/sys/fs/cgroup && cd $d && "
		    "echo 0::/ >proc/self/cgroup && echo 30 25 0:26 / /sys/fs/cgroup rw - "
		    "cgroup2 cgroup2 rw >proc/self/mountinfo && "
		    "echo 20000 100000 >sys/fs/cgroup/cpu.max && printf $d");
	struct host *h;
	struct err e = {0};
	assert_int_equal(host_open(&h, made.out, &e), 0);
	x->read(h, &s);
	assert_true(s.taken.quota > 0.19 && s.taken.quota < 0.21);
	host_close(h);
	struct output removed = run("rm -r %s", made.out);
	output_free(&removed);
	output_free(&made);
}

/* A server on one CPU, here this process. */
static void affinity_bounds_the_rate_of_accepts(void **state)
{
	const struct experiment *x = verdict_experiment("ports", "accept.rate");
	struct settings s = verdict_settings(x, "");
	struct subject self = {.pid = getpid()};
	struct process here;
	struct host *h;
	struct err e = {0};
	cpu_set_t all, one;
	struct stat threads;
	if (stat("/proc/self/task", &threads) == 0 && threads.st_nlink > 3)
		skip_because("user emulation runs a thread of its own, on all CPUs");
	assert_int_equal(host_open(&h, "/", &e), 0);
	x->read(h, &s);
	assert_int_equal(s.taken.cpus, 0); /* known by the experiment */
	assert_int_equal(process_read(h, self.pid, &here, &e), 0);
	snprintf(self.name, sizeof(self.name), "%s", here.name);
	self.pid = here.root;
	s.subject = &self;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&one);
	for (size_t cpu = 0; cpu < CPU_SETSIZE && !CPU_COUNT(&one); cpu++)
		if (CPU_ISSET(cpu, &all))
			CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	x->read(h, &s);
	assert_int_equal(s.taken.cpus, 1);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	assert_int_equal(s.taken.threads, 0); /* those that accept are not known */
	struct process acceptors[] = {here, here};
	self.acceptors = acceptors;
	self.acceptor_count = self.accepting = 2;
	x->read(h, &s);
	assert_int_equal(s.taken.threads, 2);
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, wait_for_end, NULL), 0);
	x->read(h, &s);
	assert_int_equal(s.taken.threads, 4);
	snprintf(self.name, sizeof(self.name), "redis-server");
	x->read(h, &s);
	assert_int_equal(s.taken.threads, 2);
	self.accepting = 3; /* one was not found again */
	x->read(h, &s);
	assert_int_equal(s.taken.threads, 0);
	assert_int_equal(pthread_cancel(thread), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	host_close(h);
}

static void a_busy_machine_gives_no_rate_of_accepts(void **state)
{
	const struct experiment *x = verdict_experiment("ports", "accept.rate");
	struct target t = target_default();
	struct settings s = verdict_settings(x, "");
	struct outcome o = verdict_outcome(REPORT_NONE, false);
	outcome_inconclusive(&o, "this machine is too busy");
	const struct report *r = verdict_of(x, &t, &s, &o);
	assert_int_equal(r->walls[0].verdict, VERDICT_NA);
	assert_int_equal(r->walls[0].experiment, EXPERIMENT_MISSED);
	assert_string_equal(r->walls[0].reason, "this machine is too busy");
	assert_int_equal(r->finding_count, 0);
	assert_int_equal(report_exit_status(r), 0);
}

#define RATE "ports.rate"

static void a_server_needs_neither_wall(void **state)
{
	static const struct {
		const char *wall, *settings;
	} short_of[] = {{PORTS, RANGE "40000 40099"}, {RATE, RANGE "40000 40099"}};
	struct target t = target_default();
	for (size_t i = 0; i < 2; i++) {
		const struct experiment *x = verdict_experiment("ports", short_of[i].wall);
		struct settings s = verdict_settings(x, short_of[i].settings);
		const struct report *r = verdict_of(x, &t, &s, NULL);
		assert_int_equal(r->walls[0].verdict, VERDICT_OK);
		assert_true(r->walls[0].needed == REPORT_NONE);
		assert_non_null(strstr(r->walls[0].detail, "Not needed with --role server."));
		assert_int_equal(r->finding_count, 0);
	}
}

static void the_finding_says_how_many_addresses_are_needed(void **state)
{
	static const struct {
		const char *settings, *advice;
	} cases[] = {
		{RANGE "1024 65535",
		 "No range is wider: it takes 2 source addresses or destinations."},
		{RANGE "32768 60999",
		 "Even with that range it takes 2 source addresses or destinations."},
		{RANGE "32768 60999" RESERVED "32768-60899",
		 "net.ipv4.ip_local_reserved_ports takes 28 132 ports of the range. Even with "
		 "that range it takes 4 source addresses"},
	};
	const struct experiment *x = verdict_experiment("ports", PORTS);
	struct target t = proxy(100000, 10);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct settings s = verdict_settings(x, cases[i].settings);
		const struct finding *f = verdict_of(x, &t, &s, NULL)->findings;
		if (!strstr(f->advice, cases[i].advice))
			fail_msg("case %zu: %s", i, f->advice);
	}
	t.connections = 1000;
	struct settings s = verdict_settings(x, RANGE "40000 40099" LISTENERS "40100");
	const struct report *r = verdict_of(x, &t, &s, NULL);
	assert_null(strstr(r->findings[0].advice, "source addresses"));
	assert_non_null(strstr(r->findings[0].advice,
			       "net.ipv4.ip_local_reserved_ports keeps 40100 for listeners"));
}

static void reserved_ports_are_read(void **state)
{
	char root[] = "/tmp/epolltune.XXXXXX", longest[200] = "";
	struct err e = {0};
	CLEAN(host_closep) struct host *h = NULL;
	const struct experiment *x = verdict_experiment("ports", PORTS);
	struct target t = proxy(1000, 10);
	assert_non_null(mkdtemp(root));
	struct output o = run("mkdir -p %s/proc/sys/net/ipv4 && cd %s/proc/sys/net/ipv4 && "
			      "echo 80,1024,40010-40019,40098-50000,65535 "
			      ">ip_local_reserved_ports && echo 2000 >ip_unprivileged_port_start",
			      root, root);
	assert_int_equal(o.status, 0);
	output_free(&o);
	assert_int_equal(host_open(&h, root, &e), 0);
	struct settings s = verdict_settings(x, RANGE "40000 40099");
	x->read(h, &s);
	assert_int_equal(verdict_of(x, &t, &s, NULL)->walls[0].limit, 100 - 12);
	/* The tree of another tool may lack the list. */
	char list[96], away[48];
	struct settings lacking = verdict_settings(x, RANGE "40000 40099");
	report_text(list, "%s/proc/sys/net/ipv4/ip_local_reserved_ports", root);
	report_text(away, "%s/away", root);
	assert_int_equal(rename(list, away), 0);
	x->read(h, &lacking);
	assert_int_equal(verdict_of(x, &t, &lacking, NULL)->walls[0].verdict, VERDICT_UNKNOWN);
	assert_int_equal(rename(away, list), 0);
	assert_string_equal(s.text[1], "80,1024,40010-40019,40098-50000,65535");
	assert_int_equal(s.at[3][0], 2000);
	/* A list that no finding can hold still counts. No range is proposed that it would have to
	 * be extended for. */
	for (int port = 40000; port < 40060; port += 2)
		report_append(longest, "%s%d", port > 40000 ? "," : "", port);
	o = run("echo %s >%s/proc/sys/net/ipv4/ip_local_reserved_ports", longest, root);
	output_free(&o);
	s = verdict_settings(x, RANGE "40000 40099");
	x->read(h, &s);
	snprintf(s.text[2], sizeof(s.text[2]), "40105");
	const struct report *r = verdict_of(x, &t, &s, NULL);
	assert_int_equal(r->walls[0].limit, 70);
	assert_string_equal(verdict_proposals(r), "");
	snprintf(s.text[2], sizeof(s.text[2]), "80");
	assert_non_null(strstr(verdict_proposals(verdict_of(x, &t, &s, NULL)), "40000 4"));
	o = run("rm -r %s", root);
	output_free(&o);
}

#define KNOBS(reuse, timestamps, delay)                                                            \
	"; net.ipv4.tcp_tw_reuse=" reuse "; net.ipv4.tcp_timestamps=" timestamps                   \
	"; net.ipv4.tcp_tw_reuse_delay=" delay
#define OF_500 RANGE "40000 40499"
#define FAR(held_all) "; destination=" held_all
#define NEAR(held_all) "; destination.loopback=" held_all
#define OTHERS(bound) "; others.bound=" bound
#define STAMPS(far_near) "; destination.timestamps=" far_near
#define REUSE(now) "net.ipv4.tcp_tw_reuse " now " -> 1"

static const struct rate_row {
	uint64_t connections, rate;
	const char *settings;
	int64_t limit;
	enum wall_verdict verdict;
	const char *proposals, *detail;
	int64_t opened; /* by an experiment that met EADDRNOTAVAIL; 0: none */
} rate_rows[] = {
	/* connections + rate x rest <= ports. */
	{300, 60, OF_500 KNOBS("2", "1", "1000"), 3, VERDICT_SHORT, REUSE("2"),
	 "Of 500 ports to one destination 300 are for open connections; a closed one keeps its "
	 "port for 60 s: 3.3/s (200/s over loopback).",
	 0},
	{300, 60, OF_500 KNOBS("2", "1", "1000"), 3, VERDICT_SHORT, REUSE("2"), "3.3/s", 3},
	{300, 60, OF_500 KNOBS("0", "1", "1000"), 3, VERDICT_SHORT, REUSE("0"), "60 s: 3.3/s.", 0},
	/* Where neither knob is known, only a wider range suffices for sure. */
	{300, 60, OF_500, 3, VERDICT_SHORT, WIDER("40000 40499", "40000 44863"), "3.3/s", 0},
	{200, 4, OF_500 KNOBS("2", "1", "1000"), 5, VERDICT_OK, "", "5/s", 0},
	{200, 5, OF_500 KNOBS("2", "1", "1000"), 5, VERDICT_TIGHT, REUSE("2"), "5/s", 0},
	{500, 1, OF_500 KNOBS("1", "1", "1000"), 0, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 40511"),
	 "for 1 s, if the destination has TCP timestamps: 0/s.", 0},
	{1000, 1, OF_500 KNOBS("1", "1", "1000"), 0, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 41023"), "0/s", 0},
	/* tcp_tw_reuse lets connect() take a port after 1 s, or what is set since 6.14. */
	{300, 160, OF_500 KNOBS("1", "1", "1000"), 200, VERDICT_OK, "",
	 "keeps its port for 1 s, if the destination has TCP timestamps: 200/s.", 0},
	{300, 161, OF_500 KNOBS("1", "1", "1000"), 200, VERDICT_TIGHT,
	 WIDER("40000 40499", "40000 40511"), "", 0},
	{300, 160, OF_500 KNOBS("1", "1", "4000"), 50, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 41151"), "for 4 s, if", 0},
	{300, 160, OF_500 "; net.ipv4.tcp_tw_reuse=1", REPORT_NONE, VERDICT_UNKNOWN, "",
	 "net.ipv4.tcp_timestamps could not be read", 0},
	/* That needs timestamps. */
	{300, 60, OF_500 KNOBS("1", "0", "1000"), 3, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 44863"), "60 s: 3.3/s.", 0},
	{300, 60, OF_500 KNOBS("0", "0", "1000"), 3, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 44863"), "", 0},
	{300, 2000, OF_500 KNOBS("1", "0", "1000"), 3, VERDICT_SHORT,
	 "net.ipv4.ip_local_port_range 40000 40499 -> 40000 42815, net.ipv4.tcp_timestamps 0 -> 1",
	 "", 0},
	{300, 100, RANGE "32768 60999" KNOBS("0", "1", "1000"), 465, VERDICT_OK, "", "465/s", 0},
	/* tcp_tw_reuse alone, otherwise a wider range, otherwise both. */
	{1000, 10, OF_500 KNOBS("2", "1", "1000"), 0, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 41791"), "", 0},
	{1000, 2000, OF_500 KNOBS("2", "1", "1000"), 0, VERDICT_SHORT,
	 REUSE("2") ", " WIDER("40000 40499", "40000 43583"), "", 0},
	{10000, 2000000, OF_500 KNOBS("2", "1", "1000"), 0, VERDICT_SHORT, "", "", 0},
	{300, INT64_MAX, OF_500 KNOBS("2", "1", "1000"), 3, VERDICT_SHORT, "", "", 0},
	{INT64_MAX, 1, OF_500 KNOBS("2", "1", "1000"), 0, VERDICT_SHORT, "", "", 0},
	/* Fewer buckets than ports: TIME_WAIT ends before they are used up. */
	{300, 60, OF_500 KNOBS("2", "1", "1000") "; " BUCKETS "199", REPORT_NONE, VERDICT_OK, "",
	 "net.ipv4.tcp_max_tw_buckets=199 ends TIME_WAIT before", 0},
	{300, 60, OF_500 KNOBS("2", "1", "1000") "; " BUCKETS "200", 3, VERDICT_SHORT, REUSE("2"),
	 "", 0},
	/* At both ends: the server's open connections show it, where they may have them. */
	{300, 160, OF_500 KNOBS("1", "1", "1000") FAR("0 0") STAMPS("1"), 200, VERDICT_OK, "",
	 "keeps its port for 1 s: 200/s.", 0},
	{300, 60, OF_500 KNOBS("1", "1", "1000") FAR("0 0") STAMPS("0"), 3, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 44863"),
	 "keeps its port for 60 s, as the open ones have no TCP timestamps: 3.3/s.", 0},
	{300, 60, OF_500 KNOBS("2", "1", "1000") FAR("0 0") STAMPS("0"), 3, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 44863"), "60 s, as the open", 0},
	{300, 60, OF_500 KNOBS("1", "1", "1000") NEAR("0 0") STAMPS("0"), 200, VERDICT_OK, "",
	 "keeps its port for 1 s: 200/s.", 0},
	{300, 60, OF_500 KNOBS("1", "1", "1000") NEAR("0 0") STAMPS("1 0"), 3, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 44863"), "60 s, as the open", 0},
	{300, 60, RANGE "32768 60999" KNOBS("1", "1", "1000") FAR("0 0") STAMPS("0"), 465,
	 VERDICT_OK, "", "465/s", 0},
	{300, 2000, OF_500 KNOBS("1", "1", "1000") FAR("0 0") STAMPS("0"), 3, VERDICT_SHORT, "", "",
	 0},
	/* bind() takes one range for all destinations, and none in TIME_WAIT. */
	{300, 200, OF_500 KNOBS("1", "1", "1000") FAR("0 0") NEAR("0 0 1"), 3, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 55359"), "60 s: 3.3/s", 0},
	{300, 60, "net.ipv4.tcp_tw_reuse=1", REPORT_NONE, VERDICT_UNKNOWN, "", "", 0},
	/* What others have in use to the fullest destination is subtracted, what is in TIME_WAIT
	 * only where it stays. */
	{100, 1, OF_500 KNOBS("2", "1", "1000") FAR("200 260"), 2, VERDICT_OK, "",
	 "260 are in use and 100 are for open connections; a closed one keeps its port for 60 s: "
	 "2.3/s.",
	 0},
	{100, 1, OF_500 KNOBS("2", "1", "1000") FAR("200 260"), 2, VERDICT_OK, "", "2.3/s", 2},
	{100, 160, OF_500 KNOBS("1", "1", "1000") FAR("200 260"), 200, VERDICT_OK, "",
	 "200 are in use and", 0},
	{300, 1, OF_500 KNOBS("1", "1", "1000") FAR("300 300"), 0, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 40607"), "", 0},
	/* One over loopback has the rest of loopback. */
	{100, 200, OF_500 KNOBS("2", "1", "1000") NEAR("100 400"), 300, VERDICT_OK, "",
	 "100 are in use and 100 are for open connections; a closed one keeps its port for 1 s: "
	 "300/s.",
	 0},
	{100, 1, OF_500 KNOBS("0", "1", "1000") NEAR("100 400"), 0, VERDICT_SHORT, REUSE("0"), "",
	 0},
	/* What others seem to have bound is most likely not free for any destination. */
	{100, 3, OF_500 KNOBS("2", "1", "1000") OTHERS("100"), 6, VERDICT_OK, "",
	 "6.7/s (400/s over loopback).", 0},
	{100, 2, OF_500 KNOBS("2", "1", "1000") OTHERS("350"), 6, VERDICT_TIGHT,
	 WIDER("40000 40499", "40000 40639"),
	 "loopback). 350 of these ports seem to be bound by other "
	 "processes: what they leave is not enough.",
	 0},
	{100, 2, OF_500 KNOBS("2", "1", "1000") OTHERS("350"), 6, VERDICT_TIGHT,
	 WIDER("40000 40499", "40000 40639"), "seem to be bound", 6},
	{100, 160, OF_500 KNOBS("1", "1", "1000") OTHERS("300"), 400, VERDICT_TIGHT,
	 WIDER("40000 40499", "40000 40607"), "seem to be bound", 0},
	{100, 4, OF_500 KNOBS("2", "1", "1000") FAR("50 50") OTHERS("350"), 5, VERDICT_TIGHT,
	 WIDER("40000 40499", "40000 40767"), "50 are in use and", 0},
	/* No range has enough beside them. */
	{10000, 200, RANGE "10000 65535" KNOBS("2", "1", "1000") OTHERS("45000"), 758,
	 VERDICT_TIGHT, "", "seem to be bound", 0},
	{300, 60, OF_500 KNOBS("2", "1", "1000") OTHERS("100"), 3, VERDICT_SHORT, REUSE("2"),
	 "60 s: 3.3/s (200/s over loopback).", 0},
	/* The one that allows least binds. */
	{100, 6, OF_500 KNOBS("2", "1", "1000") FAR("0 0") NEAR("390 390"), 6, VERDICT_TIGHT,
	 REUSE("2"), "Of 500 ports", 0},
	{100, 4, OF_500 KNOBS("2", "1", "1000") FAR("0 0") NEAR("398 398"), 2, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 40511"), "398 are in use", 0},
};

static void text_is_whole(const char *text)
{
	if (strpbrk(text, "{}") || strstr(text, "…") || strstr(text, "  ") || strstr(text, " ."))
		fail_msg("\"%s\"", text);
}

static void time_wait_allows_a_rate(void **state)
{
	const struct experiment *x = verdict_experiment("ports", RATE);
	for (size_t i = 0; i < sizeof(rate_rows) / sizeof(*rate_rows); i++) {
		const struct rate_row *row = &rate_rows[i];
		struct target t = proxy(row->connections, row->rate);
		struct settings s = verdict_settings(x, row->settings);
		s.text[PORT_OTHERS][0] = 0; /* no owner */
		struct outcome o = verdict_outcome(row->opened, true);
		const struct report *r = verdict_of(x, &t, &s, row->opened ? &o : NULL);
		const struct wall *w = &r->walls[0];
		const struct finding *f = r->finding_count ? &r->findings[0] : NULL;
		const char *id = w->verdict == VERDICT_SHORT   ? RATE ".short"
				 : w->verdict == VERDICT_TIGHT ? RATE ".tight"
							       : "";
		text_is_whole(w->detail);
		if (f) {
			text_is_whole(f->title);
			text_is_whole(f->detail);
			text_is_whole(f->advice);
		}
		if (w->limit != row->limit || w->verdict != row->verdict ||
		    w->method != (row->opened ? METHOD_MEASURED : METHOD_INSPECTED) ||
		    !strstr(w->detail, row->detail) || strcmp(f ? f->id : "", id) != 0 ||
		    strcmp(verdict_proposals(r), row->proposals) != 0)
			fail_msg("row %zu: limit %lld, %s, %s [%s]: %s", i, (long long)w->limit,
				 wall_verdict_name(w->verdict), f ? f->id : "",
				 verdict_proposals(r), w->detail);
	}
}

static void the_finding_names_rate_and_remedies(void **state)
{
	const struct experiment *x = verdict_experiment("ports", RATE);
	struct target t = proxy(300, 60);
	struct settings s = verdict_settings(x, OF_500 KNOBS("2", "1", "1000") LISTENERS "40600");
	const struct report *r = verdict_of(x, &t, &s, NULL);
	const struct finding *f = r->findings;
	assert_int_equal(f->level, LEVEL_CRITICAL);
	assert_int_equal(f->remedy, REMEDY_KERNEL);
	assert_string_equal(f->title, "TIME_WAIT allows 3.3 new connections/s from one address to "
				      "one destination; 60/s are needed");
	assert_non_null(strstr(f->detail, "for 60 s (tcp_tw_reuse=2). 300 of 500 ports"));
	assert_non_null(strstr(f->advice, "A peer without usable timestamps"));
	assert_non_null(strstr(f->advice, "use 10 source addresses or destinations"));
	/* No range is proposed: it takes in no listener. */
	assert_null(strstr(f->advice, "ip_local_reserved_ports"));
	s = verdict_settings(x, OF_500 KNOBS("1", "0", "1000") LISTENERS "40600");
	r = verdict_of(x, &t, &s, NULL);
	assert_non_null(strstr(r->findings[0].detail, "without effect as tcp_timestamps is off"));
	assert_non_null(strstr(r->findings[0].advice,
			       "net.ipv4.ip_local_reserved_ports keeps 40600 for listeners"));
	assert_string_equal(verdict_proposals(r),
			    WIDER("40000 40499", "40000 44863") KEEPS("", "40600"));
}

/* The note about buckets, by the observation of a captured machine. */
static size_t notes_with(const char *buckets, enum target_role role, struct report *r)
{
	const struct probe *p = probe_find("ports");
	struct target t = proxy(300, 60);
	struct probe_options options = {0};
	struct moment m = {.target = &t, .options = &options};
	struct output made =
		run("d=$(mktemp -d) && mkdir -p $d/proc/sys/net/ipv4 && cd $d/proc/sys/net/ipv4 && "
		    "echo 40000 40499 >ip_local_port_range && echo >ip_local_reserved_ports && "
		    "echo %s >tcp_max_tw_buckets && "
		    "printf $d",
		    buckets);
	struct host *h;
	struct err e = {0};
	struct sample *s = calloc(1, p->observation->size);
	t.role = role;
	assert_non_null(s);
	assert_int_equal(host_open(&h, made.out, &e), 0);
	assert_int_equal(p->observation->sample(h, &options, s, &e), 0);
	report_init(r);
	p->observation->judge(s, s, &m, r);
	p->observation->release(s);
	free(s);
	host_close(h);
	struct output removed = run("rm -r %s", made.out);
	output_free(&removed);
	output_free(&made);
	return r->finding_count;
}

static void buckets_that_end_time_wait_early_are_a_note(void **state)
{
	static struct report r;
	assert_int_equal(notes_with("500", TARGET_PROXY, &r), 0);
	assert_int_equal(notes_with("499", TARGET_SERVER, &r), 0);
	assert_int_equal(notes_with("499", TARGET_PROXY, &r), 1);
	findings_are("499 buckets", &r, "time-wait.early note");
	assert_int_equal(r.findings[0].proposal_count, 0);
	assert_int_equal(report_exit_status(&r), 0);
}

static void the_note_on_connect_rates_warns_of_nothing(void **state)
{
	static struct report r;
	const struct experiment *x = verdict_experiment("ports", RATE);
	struct target t = proxy(10, 500);
	struct wording w = {0};
	struct settings s = verdict_settings(x, RANGE "40000 40959" KNOBS("2", "1", "1000"));
	report_init(&r);
	x->words(&t, &s, NULL, NULL, &w);
	const struct finding *f = report_finding(&r, "ports.connect-rate", &w);
	assert_string_equal(f->title, "Connect rates, by the side that closes first");
	assert_non_null(strstr(f->detail, "can open 16 connections/s from one address to one "
					  "destination, 960/s over loopback."));
	assert_string_equal(f->advice, "");
	assert_true(f->quiet);
	f = report_finding(&r, "ports.connect-rate", NULL);
	assert_string_equal(f->detail, "");
}

/* /proc/net/tcp of a captured machine: sl, local, remote, state and inode of proc(5). */
#define LINE(local, remote, state)                                                                 \
	"  0: " local " " remote " " state " 00000000:00000000 00:00000000 00000000 0 0 4711 1\\n"
#define FROM_40000 "0100000A:9C40"
#define FROM_40001 "0100000A:9C41"
#define TO_80 "0200000A:0050"
#define SIX "0000000000000000FFFF00000100000A"

static void addresses_are_in_the_byte_order_of_the_machine(void **state)
{
	struct port_socket little, big;
	assert_true(
		port_socket_parse(LINE("0100000A:9C40", "0200000A:0050", "01"), false, &little));
	assert_true(port_socket_parse(LINE("0A000001:9C40", "0A000002:0050", "01"), true, &big));
	assert_memory_equal(&little, &big, sizeof(big));
	assert_int_equal(little.route.source.s6_addr[12], 10);
}

static void a_captured_machine_shows_its_destinations(void **state)
{
	struct output made = run(
		"d=$(mktemp -d) && mkdir -p $d/proc/sys/net/ipv4 $d/proc/net && cd $d/proc && "
		"echo 40000 40099 >sys/net/ipv4/ip_local_port_range && "
		"echo >sys/net/ipv4/ip_local_reserved_ports && printf '"
		/* Of both families the same port; one outside of the range; a listener; two more
		 * destinations; a damaged line. */
		"sl header\\n" LINE(FROM_40000, TO_80, "01") LINE(FROM_40001, TO_80, "06") LINE(
			"0100000A:9C3F", TO_80, "01") LINE("00000000:9C43", "00000000:0000", "0A")
			LINE("0100007F:9C40", "0100007F:0050", "01") "  1: zz' >net/tcp && printf '" LINE(
				SIX ":9C40", "0000000000000000FFFF00000200000A:0050", "01")
				LINE(SIX ":9C42", "0000000000000000FFFF00000200000A:0050", "01")
					LINE("00000000000000000000000001000000:9C40",
					     "000080FE000000000000000002000000:0050",
					     "02") "' >net/tcp6 && printf $d");
	struct host *h;
	struct ports_used u;
	struct ports_taken taken;
	struct err e = {0};
	assert_int_equal(host_open(&h, made.out, &e), 0);
	assert_int_equal(ports_used_read(h, NULL, &u, &e), 0);
	assert_int_equal(u.count, 3);
	assert_string_equal(u.at[0].source, "10.0.0.1");
	assert_string_equal(u.at[0].destination, "10.0.0.2:80");
	assert_int_equal(u.at[0].used, 3);
	assert_int_equal(u.at[0].waiting, 1);
	assert_true(ports_used_taken(&u, false, false, &taken));
	assert_string_equal(taken.destination, "10.0.0.2:80");
	assert_int_equal(taken.held, 2);
	assert_int_equal(taken.all, 3);
	assert_true(ports_used_taken(&u, true, false, &taken));
	assert_int_equal(taken.all, 1);
	ports_used_free(&u);
	const struct experiment *x = verdict_experiment("ports", RATE);
	struct settings s = verdict_settings(x, OF_500);
	x->read(h, &s);
	assert_string_equal(s.text[PORT_SERVICES], "40003");
	assert_string_equal(s.text[PORT_REMOTE], "10.0.0.2:80");
	assert_int_equal(s.at[PORT_REMOTE][1], 3);
	assert_int_equal(s.at[PORT_NEAR][1], 1);
	host_close(h);
	struct output removed = run("rm -r %s", made.out);
	output_free(&removed);
	output_free(&made);
}

/* Ports whose use is not known may be short, and are never ok. */
static void sockets_that_were_not_captured_are_unknown(void **state)
{
	struct output made = run("d=$(mktemp -d) && mkdir -p $d/proc/sys/net/ipv4 && cd $d/proc && "
				 "echo 40000 40499 >sys/net/ipv4/ip_local_port_range && "
				 "echo >sys/net/ipv4/ip_local_reserved_ports && printf $d");
	const struct experiment *x = verdict_experiment("ports", RATE);
	struct settings s = verdict_settings(x, OF_500 KNOBS("0", "1", "1000"));
	const struct target met = proxy(300, 3), missed = proxy(300, 60);
	struct host *h;
	struct err e = {0};
	assert_int_equal(host_open(&h, made.out, &e), 0);
	x->read(h, &s);
	assert_int_equal(verdict_of(x, &met, &s, NULL)->walls[0].verdict, VERDICT_UNKNOWN);
	assert_int_equal(verdict_of(x, &missed, &s, NULL)->walls[0].verdict, VERDICT_SHORT);
	host_close(h);
	struct output removed = run("rm -r %s", made.out);
	output_free(&removed);
	output_free(&made);
}

/* The fullest destination is not always that of most connections; the server's own do not count. */
static void the_fullest_destination_is_chosen(void **state)
{
	struct ports_used u = {.count = 4};
	struct ports_taken taken;
	static const struct ports_to at[] = {
		{.destination = "a", .used = 100, .waiting = 90, .own = 0},
		{.destination = "b", .used = 60, .waiting = 0, .own = 55},
		{.destination = "c", .used = 50, .waiting = 10, .own = 10},
		{.destination = "d", .used = 80, .loopback = true, .own = 80},
	};
	memcpy(u.at, at, sizeof(at));
	assert_true(ports_used_taken(&u, false, false, &taken));
	assert_string_equal(taken.destination, "a");
	assert_int_equal(taken.all, 45 + 55);
	assert_int_equal(taken.held, 30);
	assert_true(ports_used_taken(&u, false, true, &taken));
	assert_string_equal(taken.destination, "c");
	assert_int_equal(taken.all, 30);
	assert_true(ports_used_taken(&u, true, true, &taken));
	assert_string_equal(taken.destination, "d");
	assert_int_equal(taken.all, 0);
	u.count = 3;
	assert_false(ports_used_taken(&u, true, true, &taken));
}

/* Of several sources that the server binds the fullest counts, without its own ports. */
static void the_fullest_bound_source_is_chosen(void **state)
{
	struct ports_used u = {.available = 100, .count = 2, .from_count = 4};
	struct ports_taken taken;
	static const struct ports_from from[] = {
		{.used = 90, .largest = 40, .own = 60},
		{.used = 90, .largest = 40, .own = 20},
		{.used = 95, .largest = 40, .own = 90},
		{.used = 95, .largest = 40}, /* another's */
	};
	u.at[1].loopback = true;
	memcpy(u.from, from, sizeof(from));
	assert_true(ports_used_bound(&u, false, &taken));
	assert_int_equal(taken.all, 70);
	assert_int_equal(taken.held, 70);
	assert_string_equal(taken.destination, "all destinations");
	assert_false(ports_used_bound(&u, true, &taken));
	u.from[2].to = 1;
	assert_true(ports_used_bound(&u, true, &taken));
	assert_int_equal(taken.all, 5);
	u.from[1].used = u.from[1].own = 100;
	assert_true(ports_used_bound(&u, false, &taken));
	assert_int_equal(taken.all, 30);
}

/* connect() shares ports between destinations, and takes those at an even distance first. */
static void ports_that_others_bind_are_told_by_parity_and_sharing(void **state)
{
	static const struct {
		struct ports_others of;
		uint32_t bound;
	} cases[] = {
		{{0}, 0},
		{{.used = 700, .largest = 175, .odd = 500}, 700},
		{{.used = 700, .largest = 175, .odd = 350}, 700},
		/* Of the even ones at most as many. */
		{{.used = 700, .largest = 175, .odd = 175}, 350},
		{{.used = 4100, .largest = 3000, .odd = 1100}, 2200},
		/* By connect(): the odd ones are free, or destinations share. */
		{{.used = 400, .largest = 100, .odd = 0}, 0},
		{{.used = 400, .largest = 100, .odd = 99}, 0},
		{{.used = 700, .largest = 400, .shared = 31, .odd = 300}, 0},
		{{.used = 700, .largest = 400, .shared = 30, .odd = 300}, 600},
		/* To one destination nothing shows it. */
		{{.used = 700, .largest = 691, .odd = 350}, 0},
		{{.used = 700, .largest = 690, .odd = 350}, 700},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (ports_others_bound(&cases[i].of) != cases[i].bound)
			fail_msg("case %zu: %u", i, ports_others_bound(&cases[i].of));
}

/* A list of reserved ports is short: those outside of the range have no place in it. */
static void the_lab_has_as_many_ports(void **state)
{
	static const char listeners[] = "22,80,111,443,2049,3306,6379,8080,9090,9100,33060,35357,"
					"36123,38045,39999,41001,43211,45677";
	struct settings s =
		verdict_settings(verdict_experiment("ports", RATE), RANGE "32768 60999");
	struct port_set reserved = {0};
	char list[KNOB_VALUE];
	report_text(s.text[PORT_SERVICES], "%s", listeners);
	assert_true(ports_free_reserve(&s, list, sizeof(list)));
	assert_true(port_set_parse(&reserved, list));
	assert_int_equal(port_set_count(&reserved, 0, UINT16_MAX), 8);
	/* Where they do not fit, none are reserved: the experiment ends at what the machine has. */
	assert_false(ports_free_reserve(&s, list, 20));
}

static void the_finding_names_who_binds_ports(void **state)
{
	const struct experiment *x = verdict_experiment("ports", RATE);
	struct target t = proxy(100, 2);
	struct settings s = verdict_settings(x, OF_500 KNOBS("2", "1", "1000") OTHERS("350"));
	report_text(s.text[PORT_OTHERS], "batch (pid 77)");
	const struct finding *f = verdict_of(x, &t, &s, NULL)->findings;
	assert_string_equal(f->title, "350 of 500 ports seem to be bound by other processes, such "
				      "as batch (pid 77)");
	assert_non_null(
		strstr(f->advice, "IP_BIND_ADDRESS_NO_PORT before bind() in batch (pid 77)"));
	assert_int_equal(f->level, LEVEL_WARNING);
	s.subject = &(struct subject){.name = "haproxy", .pid = 5};
	t.role = TARGET_SERVER;
	assert_int_equal(verdict_of(x, &t, &s, NULL)->finding_count, 0);
}

/* Without timestamps, tcp_tw_reuse has no effect; where they are not known, the rate is not. */
static void unknown_timestamps_are_not_on(void **state)
{
	static const struct {
		const char *settings;
		uint64_t rate;
		enum wall_verdict verdict;
	} cases[] = {
		{OF_500 "; net.ipv4.tcp_tw_reuse=1; net.ipv4.tcp_timestamps=1", 100, VERDICT_OK},
		{OF_500 "; net.ipv4.tcp_tw_reuse=1", 100, VERDICT_UNKNOWN},
		{OF_500 "; net.ipv4.tcp_tw_reuse=1", 1000, VERDICT_SHORT},
		{OF_500 "; net.ipv4.tcp_tw_reuse=2", 2, VERDICT_OK},
		{OF_500 "; net.ipv4.tcp_tw_reuse=2", 100, VERDICT_SHORT},
	};
	const struct experiment *x = verdict_experiment("ports", RATE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct settings s = verdict_settings(x, cases[i].settings);
		const struct target t = proxy(300, cases[i].rate);
		const struct report *r = verdict_of(x, &t, &s, NULL);
		if (r->walls[0].verdict != cases[i].verdict)
			fail_msg("case %zu: %s, %lld", i, wall_verdict_name(r->walls[0].verdict),
				 (long long)r->walls[0].limit);
	}
	assert_true(ports_reused(1, 1, false) && ports_reused(2, 1, true));
	assert_false(ports_reused(2, 1, false) || ports_reused(1, 0, true) ||
		     ports_reused(1, REPORT_NONE, true) || ports_reused(REPORT_NONE, 1, true));
}

/* A hundred ports, and what is in use to one destination. */
struct use {
	uint32_t used, waiting;
	int64_t reuse, timestamps;
	bool loopback, seen; /* an owner */
	const char *level;   /* "": no finding */
	const char *title, *detail, *advice;
	const char *knobs;
};

#define FROM " of 100 ports from 10.0.0.1 to 10.0.0.2:9000 are in use"
#define BY ", by haproxy (pid 812)"
#define TIME_WAITS "where the side that closes first keeps its port for 60 s."
#define REUSE_KNOB "net.ipv4.tcp_tw_reuse"
#define ADD                                                                                        \
	"Otherwise add an address or a port of the destination, or a source address, or widen "    \
	"net.ipv4.ip_local_port_range."

static const struct use uses[] = {
	{79, 0, 2, 1, false, true, "", "", "", "", ""},
	{80, 0, 2, 1, false, true, "warning", "80" FROM BY,
	 "connect() to it fails with EADDRNOTAVAIL after 20 more; above half of the range it "
	 "searches long for a free port.",
	 "Reuse connections (keep-alive). " ADD, RANGE "40000 40099"},
	{98, 0, 2, 1, false, true, "warning", "98" FROM BY, "after 2 more", "", ""},
	{99, 0, 2, 1, false, true, "critical", "99" FROM BY, "after 1 more", "", ""},
	{100, 0, 2, 1, false, false, "critical", "100" FROM,
	 "No port is left: connect() to it fails with EADDRNOTAVAIL. Run the check as root to see "
	 "the process.",
	 "", RANGE "40000 40099"},
	/* An application may use reserved ports, too. */
	{120, 0, 2, 1, false, true, "critical", "100" FROM BY, "No port is left", "", ""},
	/* TIME_WAIT that stays. */
	{90, 60, 2, 1, false, true, "warning", "90" FROM BY,
	 "60 of them are in TIME_WAIT, " TIME_WAITS,
	 "Reuse connections (keep-alive), let the other side close first, or set "
	 "net.ipv4.tcp_tw_reuse=1 (connect() then takes ports that have been in TIME_WAIT for 1 "
	 "s). " ADD,
	 RANGE "40000 40099; " REUSE_KNOB "=2"},
	{90, 90, 0, 1, true, false, "warning", "90" FROM,
	 "90 of them are in TIME_WAIT, " TIME_WAITS, "", RANGE "40000 40099; " REUSE_KNOB "=0"},
	{100, 100, 1, 0, false, false, "critical", "100" FROM, "100 of them are in TIME_WAIT",
	 "net.ipv4.tcp_tw_reuse=1 and net.ipv4.tcp_timestamps=1 (", ""},
	{100, 100, REPORT_NONE, REPORT_NONE, false, false, "critical", "100" FROM,
	 "100 of them are in TIME_WAIT", "let the other side close first. Otherwise",
	 RANGE "40000 40099"},
	/* TIME_WAIT that connect() reuses. */
	{100, 60, 1, 1, false, true, "", "", "", "", ""},
	{100, 60, 2, 1, true, true, "", "", "", "", ""},
	{100, 15, 1, 1, false, true, "warning", "85" FROM BY,
	 "Another 15 are in TIME_WAIT: connect() reuses those.", "Reuse connections (keep-alive). ",
	 RANGE "40000 40099"},
};

static void use_add(struct ports_used *u, const struct use *use, const char *destination)
{
	struct ports_to *to = &u->at[u->count++];
	snprintf(to->source, sizeof(to->source), "10.0.0.1");
	snprintf(to->destination, sizeof(to->destination), "%s", destination);
	to->used = use->used;
	to->waiting = use->waiting;
	to->loopback = use->loopback;
	to->owner = use->seen ? 0 : -1;
}

static struct ports_used hundred_ports(struct process *p)
{
	*p = (struct process){.pid = 812, .name = "haproxy"};
	return (struct ports_used){.low = 40000,
				   .high = 40099,
				   .available = 100,
				   .processes = p,
				   .process_count = 1,
				   .hidden = true};
}

static void knobs_of(const struct finding *f, char *text, size_t size)
{
	text[0] = 0;
	for (size_t i = 0; i < f->proposal_count; i++)
		report_append_to(text, size, "%s%s=%s", i ? "; " : "", f->proposals[i].knob,
				 f->proposals[i].current);
}

static void ports_in_use_are_judged(void **state)
{
	static struct report r;
	for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++) {
		const struct use *use = &uses[i];
		struct process p;
		struct ports_used u = hundred_ports(&p);
		char knobs[200] = "";
		use_add(&u, use, "10.0.0.2:9000");
		report_init(&r);
		ports_used_judge(&u, use->reuse, use->timestamps, &r);
		const struct finding *f = &r.findings[0];
		assert_int_equal(r.finding_count, *use->level ? 1 : 0);
		if (!r.finding_count)
			continue;
		knobs_of(f, knobs, sizeof(knobs));
		text_is_whole(f->detail);
		text_is_whole(f->advice);
		if (strcmp(finding_level_name(f->level), use->level) != 0 ||
		    strcmp(f->title, use->title) != 0 || !strstr(f->detail, use->detail) ||
		    !strstr(f->advice, use->advice) || !f->observed || finding_proposes(f) ||
		    (*use->knobs && strcmp(knobs, use->knobs) != 0))
			fail_msg("row %zu: %s: %s. %s %s [%s]", i, finding_level_name(f->level),
				 f->title, f->detail, f->advice, knobs);
	}
}

/* The socket option IP_LOCAL_PORT_RANGE, or bind(). */
static void a_full_interval_of_the_range_is_a_warning(void **state)
{
	static const struct {
		uint32_t used, waiting;
		uint16_t first, last;
		int64_t available;
		const char *level; /* "": not found */
		uint32_t opening;
	} looks[] = {
		{100, 0, 40000, 40099, 28232, " note", 0}, /* a pool, maybe */
		{100, 5, 40000, 40099, 28232, " warning", 0},
		{100, 0, 40000, 40099, 28232, " warning", 1},
		{99, 0, 40000, 40099, 28232, "", 0},  /* one is free */
		{100, 0, 40000, 40198, 28232, "", 0}, /* every second one */
		{15, 0, 40000, 40014, 28232, "", 0},  /* by chance, maybe */
		{100, 0, 40000, 40099, -1, "", 0},
	};
	static struct report r;
	struct process p;
	for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++) {
		struct ports_used u = hundred_ports(&p);
		use_add(&u,
			&(struct use){
				.used = looks[i].used, .waiting = looks[i].waiting, .seen = true},
			"10.0.0.2:9000");
		u.available = looks[i].available;
		u.at[0].first = looks[i].first;
		u.at[0].last = looks[i].last;
		u.at[0].opening = looks[i].opening;
		u.at[0].stamps = PORTS_STAMPS_NONE;
		report_init(&r);
		ports_used_judge(&u, 0, 1, &r);
		char row[24], expected[48] = "";
		snprintf(row, sizeof(row), "row %zu", i);
		if (looks[i].level[0])
			snprintf(expected, sizeof(expected), "ports.ephemeral.interval%s",
				 looks[i].level);
		findings_are(row, &r, expected);
	}
	struct ports_used u = hundred_ports(&p);
	use_add(&u, &(struct use){.used = 100, .seen = true}, "10.0.0.2:9000");
	u.available = 28232;
	u.at[0].first = 40000;
	u.at[0].last = 40099;
	report_init(&r);
	ports_used_judge(&u, 0, 1, &r);
	assert_string_equal(
		r.findings[0].title,
		"haproxy (pid 812) uses every port from 40000 to 40099 from 10.0.0.1 to "
		"10.0.0.2:9000, and no other (100 ports)");
}

/* TIME_WAIT stays there, also with tcp_tw_reuse=1. */
static void a_destination_without_timestamps_is_not_reused(void **state)
{
	static struct report r;
	struct process p;
	struct ports_used u = hundred_ports(&p);
	char knobs[200];
	use_add(&u, &(struct use){.used = 100, .waiting = 90, .seen = true}, "10.0.0.2:9000");
	report_init(&r);
	ports_used_judge(&u, 1, 1, &r);
	assert_int_equal(r.finding_count, 0);
	u.at[0].stamps = PORTS_STAMPS_NONE;
	ports_used_judge(&u, 1, 1, &r);
	assert_int_equal(r.finding_count, 1);
	knobs_of(r.findings, knobs, sizeof(knobs));
	assert_string_equal(knobs, RANGE "40000 40099");
	text_is_whole(r.findings[0].advice);
	assert_null(strstr(r.findings[0].advice, REUSE_KNOB));
}

static void ports_that_are_not_shared_are_one_range(void **state)
{
	static const struct {
		struct ports_from from;
		const char *level, *text;
	} cases[] = {
		{{.used = 80, .largest = 40}, "warning", "EADDRINUSE after 20 more. 40 of the"},
		{{.used = 100, .largest = 50}, "critical", "No port is left: bind()"},
		{{.used = 110, .largest = 50}, "critical", "No port is left: bind()"},
		{{.used = 100, .largest = 1}, "critical", "1 of the ports is to 10.0.0.2:9000"},
		/* A few of another program. */
		{{.used = 100, .largest = 50, .shared = 5}, "critical", "No port"},
		{{.used = 79, .largest = 40}, "", ""},
		{{.used = 100, .largest = 50, .shared = 6}, "", ""},
		/* To one destination, so that nothing shows it. */
		{{.used = 100, .largest = 91}, "", ""},
		{{.used = 90, .largest = 95}, "", ""},
	};
	static struct report r;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct process p;
		struct ports_used u = hundred_ports(&p);
		char knobs[200];
		use_add(&u, &(struct use){.used = 50, .seen = true}, "10.0.0.2:9000");
		u.from[u.from_count++] = cases[i].from;
		report_init(&r);
		ports_used_judge(&u, 1, 1, &r);
		assert_int_equal(r.finding_count, *cases[i].level ? 1 : 0);
		if (!r.finding_count)
			continue;
		const struct finding *f = r.findings;
		knobs_of(f, knobs, sizeof(knobs));
		assert_string_equal(f->id, "ports.ephemeral.bound");
		assert_string_equal(finding_level_name(f->level), cases[i].level);
		assert_string_equal(knobs, RANGE "40000 40099");
		text_is_whole(f->detail);
		text_is_whole(f->advice);
		if (!strstr(f->detail, cases[i].text))
			fail_msg("case %zu: %s", i, f->detail);
	}
}

/* What watch shows: the destination or the bound source that check would name. */
static void the_fullest_is_where_connect_can_take_fewest(void **state)
{
	static const struct {
		struct use uses[2];
		struct ports_from from;
		int64_t used;
		size_t to; /* 2: none */
		bool bound;
	} cases[] = {
		{.to = 2},
		{{{.used = 100}, {.used = 90}}, {0}, 100, 0, false},
		/* Those in TIME_WAIT that connect() reuses are not in use. */
		{{{.used = 100, .waiting = 90}, {.used = 95, .waiting = 5}}, {0}, 90, 1, false},
		{{{.used = 100, .waiting = 100}, {.used = 1}}, {0}, 1, 1, false},
		{{{.used = 100, .waiting = 100}}, {0}, 0, 0, false},
		{{{.used = 50}}, {.used = 80, .largest = 40}, 80, 0, true},
		{{{.used = 50}}, {.used = 110, .largest = 40}, 100, 0, true},
		{{{.used = 90}}, {.used = 80, .largest = 40}, 90, 0, false},
		{{{.used = 50}}, {.used = 79, .largest = 40}, 50, 0, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct process p;
		struct ports_used u = hundred_ports(&p);
		for (size_t k = 0; k < 2 && cases[i].uses[k].used; k++)
			use_add(&u, &cases[i].uses[k], k ? "10.0.0.2:9001" : "10.0.0.2:9000");
		if (cases[i].from.used)
			u.from[u.from_count++] = cases[i].from;
		struct ports_fullest f = ports_used_fullest(&u, 1, 1);
		if (f.used != cases[i].used || f.bound != cases[i].bound ||
		    f.to != (cases[i].to < 2 ? &u.at[cases[i].to] : NULL))
			fail_msg("case %zu: %lld", i, (long long)f.used);
	}
}

static void several_destinations_are_named(void **state)
{
	static struct report r;
	static const char *const names[] = {"10.0.0.2:9001", "10.0.0.2:9002", "10.0.0.2:9003",
					    "10.0.0.2:9004", "10.0.0.2:9005", "10.0.0.2:9006"};
	struct process p;
	struct ports_used u = hundred_ports(&p);
	char answer[REPORT_ANSWER];
	/* Most of the first ones can be reused: another one is the worst. */
	use_add(&u, &(struct use){.used = 100, .waiting = 90, .seen = true}, names[0]);
	use_add(&u, &(struct use){.used = 99, .waiting = 10, .seen = true}, names[1]);
	use_add(&u, &(struct use){.used = 95, .seen = true}, names[2]);
	for (size_t i = 3; i < 6; i++)
		use_add(&u, &(struct use){.used = 90}, names[i]);
	report_init(&r);
	ports_used_judge(&u, 1, 1, &r);
	assert_int_equal(r.finding_count, 1);
	assert_string_equal(r.findings[0].title, "95 of 100 ports from 10.0.0.1 to 10.0.0.2:9003 "
						 "are in use, by haproxy (pid 812)");
	assert_non_null(strstr(r.findings[0].detail,
			       "More destinations: 10.0.0.1 to 10.0.0.2:9002 (haproxy, 89 of 100), "
			       "10.0.0.1 to 10.0.0.2:9004 (90 of 100), 10.0.0.1 to 10.0.0.2:9005 "
			       "(90 of 100) and 1 more."));
	report_answer(&r, answer);
	assert_string_equal(answer, "Ready, but haproxy uses 95 of 100 ports to 10.0.0.2:9003.");
}

/* A small pool of connections without timestamps takes no ports that rest. */
static void timestamps_are_those_of_a_destination_that_takes_ports(void **state)
{
	static struct ports_used u = {.count = 2};
	u.at[0] = (struct ports_to){.used = 3, .stamps = PORTS_STAMPS_NONE};
	assert_int_equal(ports_used_stamps(&u, false), PORTS_STAMPS_UNKNOWN);
	u.at[0].used = 10;
	assert_int_equal(ports_used_stamps(&u, false), PORTS_STAMPS_NONE);
	u.at[0].used = 9;
	u.at[1] = (struct ports_to){.used = 1, .stamps = PORTS_STAMPS_SOME};
	assert_int_equal(ports_used_stamps(&u, false), PORTS_STAMPS_SOME);
	u.at[0].waiting = 1;
	assert_int_equal(ports_used_stamps(&u, false), PORTS_STAMPS_NONE);
	assert_int_equal(ports_used_stamps(&u, true), PORTS_STAMPS_UNKNOWN);
}

/* Ports of a UDP socket are taken for all destinations. */
static void ports_of_udp_are_counted_once(void **state)
{
	static const struct {
		const char *address;
		bool v6only;
	} sockets[] = {
		{"udp:0.0.0.0:53", false},          {"udp:0.0.0.0:40001", false},
		{"udp:0.0.0.0:40001", false}, /* SO_REUSEPORT */
		{"udp:10.0.0.1%eth0:40001", false}, {"udp:10.0.0.1:40001", false},
		{"udp:10.0.0.1:40002", false},      {"udp:10.0.0.1:40003", false},
		{"udp:10.0.0.1:40005", false}, /* reserved */
		{"udp:[2001:db8::1]:40004", true},  {"udp:[::]:40006", false},
		{"udp:[::]:40007", true},
	};
	struct listener at[sizeof(sockets) / sizeof(*sockets)] = {0};
	const struct listeners l = {.count = sizeof(at) / sizeof(*at), .at = at};
	struct port_set ephemeral = {0};
	struct ports_udp u;
	port_set_add(&ephemeral, 40000, 40004);
	port_set_add(&ephemeral, 40006, 40009);
	for (size_t i = 0; i < l.count; i++) {
		at[i] = (struct listener){.kind = LISTENER_UDP, .v6only = sockets[i].v6only};
		snprintf(at[i].address, sizeof(at[i].address), "%s", sockets[i].address);
		at[i].port = (uint16_t)strtoul(strrchr(at[i].address, ':') + 1, NULL, 10);
	}
	ports_udp_count(&l, &ephemeral, &u);
	assert_int_equal(u.available, 9);
	assert_int_equal(u.four, 4);
	assert_int_equal(u.all, 6);
	assert_int_equal(u.bound, 3);
	assert_string_equal(u.address, "10.0.0.1");
}

static void ports_of_udp_are_judged(void **state)
{
	static const struct {
		uint32_t four, all;
		const char *level, *title, *detail;
	} cases[] = {
		{79, 79, "", "", ""},
		{80, 80, "warning",
		 "UDP sockets have 80 of 100 ephemeral ports, most of them of unbound (pid 812)",
		 "After 20 more no port is left for an IPv4 socket without"},
		{99, 100, "critical", "99 of 100",
		 "After 1 more no port is left for an IPv4 socket"},
		{100, 100, "critical", "100 of 100", ". No port is left for an IPv4 socket"},
		{10, 100, "critical", "100 of 100", ". No port is left for an IPv6 socket"},
	};
	static struct report r;
	char knobs[200];
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ports_udp u = {.low = 40000,
				      .high = 40099,
				      .available = 100,
				      .four = cases[i].four,
				      .all = cases[i].all,
				      .bound = 70,
				      .address = "10.0.0.1",
				      .owned = true,
				      .owner = {.pid = 812, .name = "unbound"}};
		report_init(&r);
		ports_udp_judge(&u, &r);
		assert_int_equal(r.finding_count, *cases[i].level ? 1 : 0);
		if (!r.finding_count)
			continue;
		const struct finding *f = r.findings;
		knobs_of(f, knobs, sizeof(knobs));
		text_is_whole(f->detail);
		text_is_whole(f->advice);
		assert_string_equal(knobs, RANGE "40000 40099");
		assert_string_equal(finding_level_name(f->level), cases[i].level);
		if (!strstr(f->title, cases[i].title) || !strstr(f->detail, cases[i].detail) ||
		    !strstr(f->detail, "10.0.0.1 has 70 of them."))
			fail_msg("case %zu: %s: %s", i, f->title, f->detail);
	}
	ports_udp_judge(&(struct ports_udp){0}, &r);
	assert_int_equal(r.finding_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timestamps_are_those_of_a_destination_that_takes_ports),
		cmocka_unit_test(each_row_gets_its_verdict),
		cmocka_unit_test(cpu_time_bounds_the_rate_of_accepts),
		cmocka_unit_test(a_quota_bounds_the_rate_of_accepts),
		cmocka_unit_test(affinity_bounds_the_rate_of_accepts),
		cmocka_unit_test(a_busy_machine_gives_no_rate_of_accepts),
		cmocka_unit_test(a_server_needs_neither_wall),
		cmocka_unit_test(the_finding_says_how_many_addresses_are_needed),
		cmocka_unit_test(reserved_ports_are_read),
		cmocka_unit_test(time_wait_allows_a_rate),
		cmocka_unit_test(the_finding_names_rate_and_remedies),
		cmocka_unit_test(buckets_that_end_time_wait_early_are_a_note),
		cmocka_unit_test(the_note_on_connect_rates_warns_of_nothing),
		cmocka_unit_test(addresses_are_in_the_byte_order_of_the_machine),
		cmocka_unit_test(a_captured_machine_shows_its_destinations),
		cmocka_unit_test(sockets_that_were_not_captured_are_unknown),
		cmocka_unit_test(the_fullest_destination_is_chosen),
		cmocka_unit_test(the_fullest_bound_source_is_chosen),
		cmocka_unit_test(ports_that_others_bind_are_told_by_parity_and_sharing),
		cmocka_unit_test(the_lab_has_as_many_ports),
		cmocka_unit_test(the_finding_names_who_binds_ports),
		cmocka_unit_test(unknown_timestamps_are_not_on),
		cmocka_unit_test(ports_in_use_are_judged),
		cmocka_unit_test(ports_that_are_not_shared_are_one_range),
		cmocka_unit_test(a_destination_without_timestamps_is_not_reused),
		cmocka_unit_test(a_full_interval_of_the_range_is_a_warning),
		cmocka_unit_test(the_fullest_is_where_connect_can_take_fewest),
		cmocka_unit_test(several_destinations_are_named),
		cmocka_unit_test(ports_of_udp_are_counted_once),
		cmocka_unit_test(ports_of_udp_are_judged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
