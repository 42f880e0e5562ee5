/* How many connections a second the CPU time allows. */
#include "../support/port_verdicts.h"
#include "../support/support.h"
#include "../support/verdict.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cpu_time_bounds_the_rate_of_accepts),
		cmocka_unit_test(a_quota_bounds_the_rate_of_accepts),
		cmocka_unit_test(affinity_bounds_the_rate_of_accepts),
		cmocka_unit_test(a_busy_machine_gives_no_rate_of_accepts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
