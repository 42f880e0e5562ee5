/* What takes the CPU of a server whose accept queue is in trouble. */
#include "looks.h"

static struct owner_quota quotas[2][2];

static void quota_set(struct looks *m, size_t n, const char *path, uint64_t periods,
		      uint64_t throttled)
{
	struct accept_queues *q[2] = {&m->before.queues, &m->after.queues};
	for (int i = 0; i < 2; i++) {
		struct owner_quota *to = &quotas[i][n];
		*to = (struct owner_quota){.pid = 812,
					   .quota = {.quota_us = 20000,
						     .period_us = 100000,
						     .periods = 1000 + (uint64_t)i * periods,
						     .throttled = 600 + (uint64_t)i * throttled}};
		snprintf(to->quota.path, sizeof(to->quota.path), "%s", path);
		q[i]->cpu.at = quotas[i];
		q[i]->cpu.count = n + 1;
	}
}

/* It accepts 8/s; 246 wait. */
static void runs(struct looks *m)
{
	grows(m, 248, 247, 246, 0);
	m->process.state = 'R';
	m->process.waits_in[0] = 0;
	m->process.wait = WAIT_OTHER;
}

static void runs_within_a_quota(struct looks *m)
{
	runs(m);
	quota_set(m, 0, "/system.slice/nginx.service", 5, 5);
}

static void runs_below_a_quota(struct looks *m)
{
	runs(m);
	quota_set(m, 0, "/system.slice/nginx.service", 5, 0);
}

static void throttled_once(struct looks *m)
{
	runs(m);
	quota_set(m, 0, "/system.slice/nginx.service", 5, 1);
}

static void quota_of_another(struct looks *m)
{
	runs_within_a_quota(m);
	quotas[0][0].pid = quotas[1][0].pid = 813;
}

/* That of the group above stops it in more periods. */
static void runs_within_two_quotas(struct looks *m)
{
	runs(m);
	quota_set(m, 0, "/system.slice/nginx.service", 5, 2);
	quota_set(m, 1, "/system.slice", 5, 4);
	quotas[1][1].quota.shared = true;
}

/* Its queue was empty at the first look, which has no owner of it. */
static void fills_within_a_quota(struct looks *m)
{
	runs_within_a_quota(m);
	m->before.queues.cpu = (struct owner_cpu){0};
	m->after.queues.cpu_middle = (struct owner_cpu){.at = quotas[0], .count = 1};
	quotas[1][0].quota.periods = 1003;
	quotas[1][0].quota.throttled = 602;
}

/* The first look has the whole window. */
static void read_at_each_look(struct looks *m)
{
	static struct owner_quota middle;
	runs_within_a_quota(m);
	middle = quotas[1][0];
	m->after.queues.cpu_middle = (struct owner_cpu){.at = &middle, .count = 1};
}

static void overflows_within_a_quota(struct looks *m)
{
	overflows(m, 0, 10);
	m->process.state = 'R';
	quota_set(m, 0, "/system.slice/nginx.service", 5, 5);
}

static void bursts_within_a_quota(struct looks *m)
{
	bursts(m);
	quota_set(m, 0, "/system.slice/nginx.service", 5, 2);
}

static void stopped_within_a_quota(struct looks *m)
{
	overflows_within_a_quota(m);
	m->process.state = 'T';
}

/* The hypervisor takes that many of 100 ticks. */
static void stolen(struct looks *m, uint64_t ticks)
{
	runs(m);
	m->before.queues.cpu.all = 5000;
	m->before.queues.cpu.stolen = 90;
	m->after.queues.cpu.all = 5100;
	m->after.queues.cpu.stolen = 90 + ticks;
}

static void stolen_much(struct looks *m) { stolen(m, 60); }

static void stolen_little(struct looks *m) { stolen(m, 19); }

static void stolen_while_it_sleeps(struct looks *m)
{
	stolen(m, 60);
	m->process.state = 'S';
}

static const char came[] = "The queue was not empty in any of 10 samples: in 500 ms it came from "
			   "248 to 246.";
#define WORKERS                                                                                     \
	"No backlog helps: add workers or CPUs, or find out what nginx waits for (a disk, a lock, " \
	"another server)."
#define QUOTA                                                                                      \
	"No backlog helps. To remove that quota, which more workers share: systemctl "             \
	"set-property nginx.service CPUQuota= (then check again)."
#define STOPPED_5                                                                                      \
	"The CPU quota of nginx, 20 ms in 100 ms (/system.slice/nginx.service), stopped it in 5 of 5 " \
	"periods."
#define STEAL " The hypervisor took 60"

static void the_finding_names_what_takes_the_cpu(void **state)
{
	char quota[256], half[256], shared[256], steal[256];
	snprintf(
		half, sizeof(half),
		"%s The CPU quota of nginx, 20 ms in 100 ms (/system.slice/nginx.service), stopped "
		"it in 2 of 3 periods.",
		came);
	snprintf(quota, sizeof(quota), "%s " STOPPED_5, came);
	snprintf(
		shared, sizeof(shared),
		"%s The CPU quota of nginx, 20 ms in 100 ms (shared, of /system.slice), stopped it in 4 "
		"of 5 periods.",
		came);
	snprintf(steal, sizeof(steal), "%s" STEAL " %% of the CPU time (steal).", came);
	const struct look_texts rows[] = {
		{runs, 0, NULL, came, WORKERS},
		{runs_within_a_quota, 0, NULL, quota, QUOTA},
		{fills_within_a_quota, 0, NULL, half, QUOTA},
		{read_at_each_look, 0, NULL, quota, QUOTA},
		{runs_below_a_quota, 0, NULL, came, WORKERS},
		{throttled_once, 0, NULL, came, WORKERS},
		{quota_of_another, 0, NULL, came, WORKERS},
		{runs_within_two_quotas, 0, NULL, shared, NULL},
		{overflows_within_a_quota, 1, NULL,
		 "nginx (pid 812) is runnable (state R). " STOPPED_5, QUOTA},
		{bursts_within_a_quota, 0, NULL,
		 "Retransmissions included; 400 since the socket was made. net.core.somaxconn allows "
		 "4096; nginx's default backlog is 511. The CPU quota of nginx, 20 ms in 100 ms "
		 "(/system.slice/nginx.service), stopped it in 2 of 5 periods.",
		 NULL},
		{stopped_within_a_quota, 1, NULL, "nginx (pid 812) is stopped (state T).", NULL},
		{stolen_much, 0, NULL, steal,
		 "No backlog helps. Move this machine to dedicated CPUs. The provider limits "
		 "its CPU time, and more workers get no more of it."},
		{stolen_little, 0, NULL, came, WORKERS},
		{stolen_while_it_sleeps, 0, NULL, steal, WORKERS},
	};
	looks_say(rows, sizeof(rows) / sizeof(*rows));
}

static void the_remedy_is_whose_limit_it_is(void **state)
{
	static const struct {
		void (*plant)(struct looks *);
		size_t finding;
		enum finding_remedy remedy;
	} rows[] = {
		{runs, 0, REMEDY_APPLICATION},
		{runs_within_a_quota, 0, REMEDY_CONTAINER},
		{fills_within_a_quota, 0, REMEDY_CONTAINER},
		{runs_below_a_quota, 0, REMEDY_APPLICATION},
		{overflows_within_a_quota, 0, REMEDY_APPLICATION},
		{overflows_within_a_quota, 1, REMEDY_CONTAINER},
		{stopped_within_a_quota, 1, REMEDY_APPLICATION},
		{stolen_much, 0, REMEDY_PROVIDER},
		{stolen_while_it_sleeps, 0, REMEDY_APPLICATION},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		look_twice(rows[i].plant);
		assert_int_equal(report.findings[rows[i].finding].remedy, rows[i].remedy);
	}
}

/* Of these the owner is looked for in the middle of the window. */
static void queues_that_may_be_in_trouble_linger(void **state)
{
	static const struct {
		uint32_t depth, waiting; /* and at so many of 5 ticks */
		bool lingers;
	} rows[] = {{0, 0, false}, {3, 2, false}, {3, 3, true}, {512, 1, true}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct queue_seen seen = {.cookie = 7, .waiting = rows[i].waiting};
		struct accept_queues q = {.ticks = 5, .seen = &seen, .seen_count = 1};
		struct listener l = {.cookie = 7, .depth = rows[i].depth, .limit = 511};
		assert_int_equal(queue_lingers(&l, &q), rows[i].lingers);
		q.seen_count = 0;
		assert_int_equal(queue_lingers(&l, &q), rows[i].depth > 511);
	}
}

static void without_a_window_nothing_is_known_of_now(void **state)
{
	look_once(overflows_within_a_quota);
	assert_null(strstr(report.findings[0].detail, "quota"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_finding_names_what_takes_the_cpu),
		cmocka_unit_test(the_remedy_is_whose_limit_it_is),
		cmocka_unit_test(queues_that_may_be_in_trouble_linger),
		cmocka_unit_test(without_a_window_nothing_is_known_of_now),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
