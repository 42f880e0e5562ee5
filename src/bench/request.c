/* Requests per second over persistent connections, by how the server waits. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/benches.h"
#include "bench/fixture.h"
#include "engine/cpus.h"

#define CONNECTIONS 100
#define SIZE 64u
/* Requests on each connection beforehand: new ones acknowledge at once (TCP_MAX_QUICKACKS, 16). */
#define WARM_UP 50
/* A server and a client process for each variant, and one of the baseline. */
#define PROCESSES_EACH (2 * VARIANTS + 1)
#define WORKERS_MAX (FIXTURE_TASKS / PROCESSES_EACH)

static const struct request_variant {
	const char *name;
	enum server_share share;
	enum server_mode mode;
	const char *conditions;
} variants[] = {
	{"level", SERVER_REUSEPORT, SERVER_LEVEL, "level-triggered"},
	{"edge", SERVER_REUSEPORT, SERVER_EDGE, "edge-triggered"},
	{"oneshot", SERVER_REUSEPORT, SERVER_ONESHOT,
	 "EPOLLONESHOT, one EPOLL_CTL_MOD per request"},
	{"leader-follower", SERVER_FOLLOWERS, SERVER_ONESHOT,
	 "threads that share one set, one event at a time, EPOLLONESHOT"},
	{"level-mod", SERVER_REUSEPORT, SERVER_LEVEL_MOD,
	 "level-triggered, waits for EPOLLOUT before each reply: two EPOLL_CTL_MOD per request"},
};
#define VARIANTS 5
_Static_assert(sizeof(variants) / sizeof(variants[0]) == VARIANTS, "one case per variant");

/* Server and client of one variant, kept for all rounds. */
struct request_case {
	const struct request_variant *variant; /* NULL: not selected */
	unsigned workers;
	uint64_t connections, active;
	struct fixture fixture;
};

/* Two more cases: a single connection, and one active connection beside an idle one. */
enum { CASE_LONE = VARIANTS, CASE_BESIDE, CASES };

struct request_bench {
	struct bench_run *run;
	unsigned workers;
	uint64_t connections;
	struct request_case cases[CASES];
};

/* Names a fixture in errors and notes. */
static void fixture_name(char *text, size_t size, const struct request_case *at)
{
	snprintf(text, size, "request %s, %llu connection%s", at->variant->name,
		 (unsigned long long)at->connections, at->connections == 1 ? "" : "s");
}

static int talk(struct request_bench *b, struct request_case *at, uint64_t requests,
		uint64_t duration_us, struct fixture_round *round, struct err *e)
{
	const struct client_order order = {
		.verb = CLIENT_REQUEST,
		.count = requests,
		.duration_us = duration_us,
		.active = at->active,
		.depth = 1,
		.size = SIZE,
	};
	if (requests)
		return client_order(&at->fixture.client, &order, NULL, NULL, e);
	return fixture_order(&at->fixture, b->run, &order, round, e);
}

static int case_open(struct request_bench *b, struct request_case *at, struct err *e)
{
	const struct fixture_config config = {
		.number = (unsigned)(at - b->cases),
		.share = at->variant->share,
		.mode = at->variant->mode,
		.workers = at->workers,
		.connections = at->connections,
		/* With more workers than CPUs, some would never receive a SYN. */
		.pin = at->workers <= cpus_count(),
	};
	struct fixture_round round = {0};
	char name[64];
	int rc = fixture_start(&at->fixture, b->run, &config, e);
	const struct client_order order = {
		.verb = CLIENT_OPEN, .count = at->connections, .window = at->fixture.window};
	fixture_name(name, sizeof(name), at);
	if (rc == 0)
		rc = fixture_order(&at->fixture, b->run, &order, &round, e);
	if (rc < 0)
		return err_prefix(e, "%s", name);
	uint64_t accepted = server_sum(&at->fixture.server).accepted;
	if (round.client.held != at->connections || accepted < at->connections)
		return err_set(e, EIO, "%s: %llu connections opened, %llu accepted", name,
			       (unsigned long long)round.client.held, (unsigned long long)accepted);
	return talk(b, at, WARM_UP * at->active, 0, NULL, e);
}

static int case_round(struct request_bench *b, struct request_case *at, struct err *e)
{
	char conditions[BENCH_CONDITIONS], idle[64] = "", name[64];
	struct fixture_round round;
	/* After a pause a connection acknowledges at once again for a while. */
	int rc = talk(b, at, WARM_UP * at->active, 0, NULL, e);
	if (rc == 0)
		rc = talk(b, at, 0, b->run->options.duration_us, &round, e);
	fixture_name(name, sizeof(name), at);
	if (rc < 0)
		return err_prefix(e, "%s", name);
	if (at->active < at->connections)
		snprintf(idle, sizeof(idle), ", beside an idle connection");
	else if (at->connections == 1)
		snprintf(idle, sizeof(idle), ", the only one");
	snprintf(conditions, sizeof(conditions),
		 "%s; %u server worker%s and client process%s%s, one request at a time on each "
		 "connection%s, %u B each way, loopback",
		 at->variant->conditions, at->workers, at->workers > 1 ? "s" : "",
		 at->workers > 1 ? "es" : "",
		 at->workers > cpus_count() ? ""
		 : at->workers > 1          ? ", one pair per CPU"
					    : ", both on one CPU",
		 idle, SIZE);
	fixture_add(b->run, "request", at->variant->name, at->connections, at->active, &round,
		    conditions);
	return 0;
}

static int baseline_round(struct request_bench *b, enum baseline_loop loop, unsigned processes,
			  uint64_t connections, struct err *e)
{
	const struct baseline_order order = {
		.loop = loop,
		.duration_us = b->run->options.duration_us,
		.connections = connections,
		.processes = processes,
		.size = SIZE,
	};
	char conditions[BENCH_CONDITIONS];
	snprintf(conditions, sizeof(conditions), "%s, %u B each way, loopback",
		 loop == BASELINE_PINGPONG
			 ? "blocking ping-pong, two processes on one CPU"
			 : "blocking calls, both ends in one thread, one process per CPU",
		 SIZE);
	return fixture_baseline(b->run, "request", &order, connections, conditions, e);
}

static int request_round(struct request_bench *b, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; i < VARIANTS && rc == 0; i++)
		if (b->cases[i].variant)
			rc = case_round(b, &b->cases[i], e);
	if (rc == 0 && bench_wants(b->run, BENCH_BASELINE))
		rc = baseline_round(b, BASELINE_REQUEST, b->workers, b->connections, e);
	if (rc == 0 && b->cases[CASE_BESIDE].variant)
		rc = case_round(b, &b->cases[CASE_BESIDE], e);
	/* Run the two that are compared back to back. */
	if (rc == 0 && b->cases[CASE_LONE].variant)
		rc = case_round(b, &b->cases[CASE_LONE], e);
	if (rc == 0 && bench_wants(b->run, BENCH_BASELINE))
		rc = baseline_round(b, BASELINE_PINGPONG, 1, 1, e);
	return rc;
}

/* Rates are comparable if both variants had the same CPU time, which is rate x CPU per request. */
static bool rounds_alike(const double a[2], const double b[2])
{
	double x = a[0] * a[1], y = b[0] * b[1];
	return x > 0.9 * y && y > 0.9 * x;
}

static void note_ratio(struct bench_table *t, const char *a, const char *b, uint64_t n)
{
	const struct bench_result *rate[2] = {bench_find(t, "request", a, n, n, BENCH_RATE),
					      bench_find(t, "request", b, n, n, BENCH_RATE)};
	const struct bench_result *cpu[2] = {bench_find(t, "request", a, n, n, BENCH_CPU),
					     bench_find(t, "request", b, n, n, BENCH_CPU)};
	double values[BENCH_RUNS];
	unsigned count = 0, rounds = 0;
	char ratio[48];
	if (!rate[0] || !rate[1] || !cpu[0] || !cpu[1])
		return;
	for (; rounds < rate[0]->runs && rounds < rate[1]->runs; rounds++) {
		const double one[2] = {rate[0]->sample[rounds], cpu[0]->sample[rounds]};
		const double other[2] = {rate[1]->sample[rounds], cpu[1]->sample[rounds]};
		if (rounds_alike(one, other))
			values[count++] = one[0] / other[0];
	}
	struct bench_ratio r = bench_ratio_of(values, count);
	if (2 * count <= rounds)
		snprintf(ratio, sizeof(ratio), "not comparable");
	else
		bench_ratio_text(ratio, sizeof(ratio), &r);
	char apart[80] = "";
	if (count < rounds)
		snprintf(apart, sizeof(apart), "; CPU time differed in %u of %u round%s (left out)",
			 rounds - count, rounds, rounds == 1 ? "" : "s");
	bench_note(t, "request, %llu connection%s: rate of %s relative to %s: %s%s",
		   (unsigned long long)n, n == 1 ? "" : "s", a, b, ratio, apart);
}

/* What the two EPOLL_CTL_MOD and the additional event cost a server: this one, and one that costs
 * no more than half of the baseline, the minimum that the kernel needs. */
static void note_bound(struct bench_table *t, uint64_t n)
{
	const struct bench_result *level =
		bench_find(t, "request", "level", n, n, BENCH_SERVER_CPU);
	const struct bench_result *mod =
		bench_find(t, "request", "level-mod", n, n, BENCH_SERVER_CPU);
	const struct bench_result *both = bench_find(t, "request", BENCH_BASELINE, n, n, BENCH_CPU);
	double bounds[BENCH_RUNS];
	char own[48], max[48];
	unsigned rounds = 0;
	if (!level || !mod || !both)
		return;
	for (; rounds < level->runs && rounds < mod->runs && rounds < both->runs; rounds++)
		bounds[rounds] = 1 + (mod->sample[rounds] - level->sample[rounds]) /
					     (both->sample[rounds] / 2);
	struct bench_ratio ratio = bench_ratio(mod, level), bound = bench_ratio_of(bounds, rounds);
	bench_note(t,
		   "request, %llu connections: server CPU of level-mod relative to level (%.2f and "
		   "%.2f us per request): %s",
		   (unsigned long long)n, mod->median, level->median,
		   bench_ratio_text(own, sizeof(own), &ratio));
	bench_note(t,
		   "request, %llu connections: upper bound of that, for a server that costs no "
		   "more than half of floor-blocking (%.2f us): %s",
		   (unsigned long long)n, both->median / 2,
		   bench_ratio_text(max, sizeof(max), &bound));
}

/* Enough workers to hold the connections even if they are spread unevenly; at least one per CPU. */
static int workers_choose(struct request_bench *b, struct err *e)
{
	unsigned max = fixture_workers(b->run, "request", PROCESSES_EACH);
	uint64_t each = client_per_process() / 2, needed = (b->connections + each - 1) / each;
	b->workers = b->run->options.workers ? (unsigned)b->run->options.workers : max;
	if (needed > b->workers && needed <= WORKERS_MAX)
		b->workers = (unsigned)needed;
	if (needed > b->workers)
		return err_set(e, EMFILE,
			       "%llu connections need %llu server processes of %llu descriptors "
			       "each (RLIMIT_NOFILE, half of it in reserve); the maximum is %d",
			       (unsigned long long)b->connections, (unsigned long long)needed,
			       (unsigned long long)client_per_process(), WORKERS_MAX);
	if (b->connections < b->workers)
		b->workers = (unsigned)b->connections;
	return 0;
}

static void cases_choose(struct request_bench *b)
{
	for (size_t i = 0; i < VARIANTS; i++)
		if (bench_wants(b->run, variants[i].name))
			b->cases[i] = (struct request_case){.variant = &variants[i],
							    .workers = b->workers,
							    .connections = b->connections,
							    .active = b->connections};
	for (size_t i = CASE_LONE; i < CASES && bench_wants(b->run, variants[0].name); i++)
		b->cases[i] = (struct request_case){.variant = &variants[0],
						    .workers = 1,
						    .connections = i == CASE_LONE ? 1 : 2,
						    .active = 1};
}

static void request_notes(struct bench_run *run, uint64_t n)
{
	struct bench_table *t = &run->table;
	note_ratio(t, "level", "level-mod", n);
	note_bound(t, n);
	note_ratio(t, "edge", "level", n);
	note_ratio(t, "oneshot", "level", n);
	note_ratio(t, "leader-follower", "level", n);
	note_ratio(t, "level", BENCH_BASELINE, n);
	note_ratio(t, "edge", BENCH_BASELINE, n);
	note_ratio(t, "level", BENCH_BASELINE, 1);
}

static int request_run(struct bench_run *run, struct err *e)
{
	struct request_bench *b = calloc(1, sizeof(*b));
	if (!b)
		return err_set(e, ENOMEM, "benches: out of memory");
	b->run = run;
	b->connections = run->options.connections ? run->options.connections : CONNECTIONS;
	if (!run->options.duration_us)
		run->options.duration_us = run->options.quick ? 100000 : 300000;
	int rc = workers_choose(b, e);
	if (rc == 0)
		cases_choose(b);
	for (size_t i = 0; i < CASES && rc == 0; i++)
		if (b->cases[i].variant)
			rc = case_open(b, &b->cases[i], e);
	for (unsigned i = 0; i < run->options.runs && rc == 0; i++) {
		rc = bench_round(run, "request", i, e);
		if (rc == 0)
			rc = request_round(b, e);
	}
	for (size_t i = 0; i < CASES; i++)
		if (b->cases[i].variant) {
			char name[64];
			fixture_name(name, sizeof(name), &b->cases[i]);
			fixture_notes(&b->cases[i].fixture, run, name);
			fixture_stop(&b->cases[i].fixture);
		}
	if (rc == 0)
		request_notes(run, b->connections);
	free(b);
	return rc;
}

const struct bench bench_request = {
	.name = "request",
	.summary = "requests per second over open connections, by how the server waits",
	.n = "connections",
	.variants = {BENCH_VARIANTS(variants), .baseline = true},
	.run = request_run,
};
