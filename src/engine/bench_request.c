/* Requests over connections that stay: by how the server waits. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/benches.h"
#include "engine/cpus.h"
#include "engine/floor.h"
#include "engine/rig.h"

#define CONNECTIONS 100
#define SIZE 64u
#define MOD_EXPECTED 1.3 /* times the cost, of a server that changes its registration */
#define LONE_RIG 32      /* number of the rig with a single connection */

static const struct variant {
	const char *name;
	enum crew_share share;
	enum worker_mode mode;
	const char *conditions;
} variants[] = {
	{"level", CREW_REUSEPORT, WORKER_LEVEL, "level-triggered"},
	{"edge", CREW_REUSEPORT, WORKER_EDGE, "edge-triggered"},
	{"oneshot", CREW_REUSEPORT, WORKER_ONESHOT, "EPOLLONESHOT, a MOD for each request"},
	{"leader-follower", CREW_FOLLOWERS, WORKER_ONESHOT,
	 "threads at one set, one event at a time, EPOLLONESHOT"},
	{"level-mod", CREW_REUSEPORT, WORKER_LEVEL_MOD,
	 "level-triggered, waits for EPOLLOUT before each reply: two MODs a request"},
};
#define VARIANTS (sizeof(variants) / sizeof(variants[0]))

struct request_bench {
	struct bench_run *run;
	unsigned workers;
	uint64_t connections;
	struct rig rigs[VARIANTS];
	struct rig lone; /* a single connection to a level-triggered server */
};

static int rig_open(struct request_bench *b, struct rig *rig, unsigned number, unsigned workers,
		    uint64_t connections, const struct variant *v, struct err *e)
{
	struct rig_config config = {
		.number = number,
		.share = v->share,
		.mode = v->mode,
		.workers = workers,
		.connections = connections,
		.pin = true,
	};
	struct rig_round round;
	struct driver_order order = {.verb = DRIVER_OPEN, .count = connections};
	/* New connections acknowledge at once for a while (TCP_MAX_QUICKACKS, 16). */
	const struct driver_order warm_up = {.verb = DRIVER_REQUEST,
					     .count = 50 * connections,
					     .active = connections,
					     .depth = 1,
					     .size = SIZE};
	char what[64];
	int rc = rig_start(rig, b->run, &config, e);
	order.window = rig->window;
	snprintf(what, sizeof(what), "request %s, opening", v->name);
	if (rc == 0)
		rc = rig_order(rig, b->run, what, &order, &round, e);
	if (rc == 0 && round.load.held != connections)
		rc = err_set(e, EIO, "%llu of %llu connections were opened",
			     (unsigned long long)round.load.held, (unsigned long long)connections);
	return rc == 0 ? fleet_order(&rig->fleet, &warm_up, NULL, NULL, e) : rc;
}

static int rig_round_add(struct request_bench *b, struct rig *rig, const struct variant *v,
			 unsigned workers, uint64_t connections, struct err *e)
{
	char conditions[200], what[64];
	struct rig_round round;
	struct driver_order order = {
		.verb = DRIVER_REQUEST,
		.duration_us = b->run->options.duration_us,
		.active = connections,
		.depth = 1,
		.size = SIZE,
	};
	snprintf(what, sizeof(what), "request %s", v->name);
	int rc = rig_order(rig, b->run, what, &order, &round, e);
	if (rc < 0)
		return err_prefix(e, "%s", v->name);
	snprintf(conditions, sizeof(conditions),
		 "%s; %u server worker%s and load process%s, one request at a time on each "
		 "connection, %u B each way, loopback",
		 v->conditions, workers, workers > 1 ? "s" : "", workers > 1 ? "es" : "", SIZE);
	rig_add(b->run, "request", v->name, connections, connections, &round, conditions);
	return 0;
}

static int floor_add(struct request_bench *b, enum floor_loop loop, unsigned processes,
		     uint64_t connections, struct err *e)
{
	struct place place = rig_place(b->run);
	struct floor_result result;
	const struct floor_order order = {
		.loop = loop,
		.duration_us = b->run->options.duration_us,
		.connections = connections,
		.processes = processes,
		.size = SIZE,
	};
	int rc = floor_run(&place, &order, &result, e);
	if (rc < 0)
		return err_prefix(e, "floor-blocking");
	char conditions[200];
	snprintf(conditions, sizeof(conditions), "%s, %u B each way, loopback",
		 loop == FLOOR_PINGPONG
			 ? "blocking ping-pong, two processes on one CPU"
			 : "blocking calls, both ends in one thread, one such process for each CPU",
		 SIZE);
	bench_add(&b->run->table, "request", "floor-blocking", connections, connections, BENCH_RATE,
		  result.rate, "%s", conditions);
	if (loop != FLOOR_PINGPONG)
		bench_add(&b->run->table, "request", "floor-blocking", connections, connections,
			  BENCH_CPU, result.cpu_us, "%s", conditions);
	return 0;
}

static int request_round(struct request_bench *b, struct err *e)
{
	int rc = 0;
	for (size_t v = 0; v < VARIANTS && rc == 0; v++)
		if (b->rigs[v].crew.processes)
			rc = rig_round_add(b, &b->rigs[v], &variants[v], b->workers, b->connections,
					   e);
	if (rc == 0 && bench_wants(b->run, "floor-blocking"))
		rc = floor_add(b, FLOOR_REQUEST, b->workers, b->connections, e);
	/* The two that are compared, one right after the other. */
	if (rc == 0 && b->lone.crew.processes)
		rc = rig_round_add(b, &b->lone, &variants[0], 1, 1, e);
	if (rc == 0 && bench_wants(b->run, "floor-blocking"))
		rc = floor_add(b, FLOOR_PINGPONG, 1, 1, e);
	return rc;
}

static void note_ratio(struct bench_table *t, const char *a, const char *b, uint64_t n,
		       const char *text)
{
	char ratio[48];
	struct bench_ratio r = bench_ratio(bench_find(t, "request", a, n, n, BENCH_RATE),
					   bench_find(t, "request", b, n, n, BENCH_RATE));
	if (r.rounds)
		bench_note(t, "request, %llu connection%s: %s's rate to that of %s: %s",
			   (unsigned long long)n, n == 1 ? "" : "s", a, text,
			   bench_ratio_text(ratio, sizeof(ratio), &r));
}

/* What the two MODs and the event more can make of a server: beside the engine's own, of one that
 * costs no more than the server's half of the floor, the least that the kernel takes. */
static void note_bound(struct bench_table *t, uint64_t n)
{
	const struct bench_result *level =
		bench_find(t, "request", "level", n, n, BENCH_SERVER_CPU);
	const struct bench_result *mod =
		bench_find(t, "request", "level-mod", n, n, BENCH_SERVER_CPU);
	const struct bench_result *both =
		bench_find(t, "request", "floor-blocking", n, n, BENCH_CPU);
	double bounds[BENCH_RUNS];
	char own[48], most[48];
	unsigned rounds = 0;
	if (!level || !mod || !both)
		return;
	for (; rounds < level->runs && rounds < mod->runs && rounds < both->runs; rounds++)
		bounds[rounds] = 1 + (mod->sample[rounds] - level->sample[rounds]) /
					     (both->sample[rounds] / 2);
	struct bench_ratio ratio = bench_ratio(mod, level), bound = bench_ratio_of(bounds, rounds);
	bench_note(t, "request, %llu connections, CPU of the server alone: level-mod to level: %s",
		   (unsigned long long)n, bench_ratio_text(own, sizeof(own), &ratio));
	bench_note(t,
		   "request, %llu connections: the most that two MODs a request could cost a "
		   "server that is as fast as blocking calls (%.2f us an end): %s, where %.1f was "
		   "expected",
		   (unsigned long long)n, both->median / 2,
		   bench_ratio_text(most, sizeof(most), &bound), MOD_EXPECTED);
}

static int request_run(struct bench_run *run, struct err *e)
{
	struct request_bench *b = calloc(1, sizeof(*b));
	int rc = 0;
	if (!b)
		return err_set(e, ENOMEM, "no memory for the benches");
	b->run = run;
	b->workers = run->options.workers ? (unsigned)run->options.workers : cpus_count();
	b->connections = run->options.connections ? run->options.connections : CONNECTIONS;
	if (b->connections < b->workers)
		b->workers = (unsigned)b->connections;
	if (!run->options.duration_us)
		run->options.duration_us = run->options.quick ? 100000 : 300000;
	for (size_t v = 0; v < VARIANTS && rc == 0; v++)
		if (bench_wants(run, variants[v].name))
			rc = rig_open(b, &b->rigs[v], (unsigned)v, b->workers, b->connections,
				      &variants[v], e);
	if (rc == 0 && bench_wants(run, variants[0].name))
		rc = rig_open(b, &b->lone, LONE_RIG, 1, 1, &variants[0], e);
	for (unsigned i = 0; i < run->options.runs && rc == 0; i++) {
		bench_progress(run, "request: round %u of %u", i + 1, run->options.runs);
		rc = request_round(b, e);
	}
	for (size_t v = 0; v < VARIANTS; v++)
		rig_stop(&b->rigs[v]);
	rig_stop(&b->lone);
	if (rc == 0) {
		note_ratio(&run->table, "level", "level-mod", b->connections,
			   "level-mod, two MODs a request");
		note_bound(&run->table, b->connections);
		note_ratio(&run->table, "level", "floor-blocking", b->connections,
			   "the floor of blocking calls");
		note_ratio(&run->table, "edge", "floor-blocking", b->connections,
			   "the floor of blocking calls");
		note_ratio(&run->table, "level", "floor-blocking", 1, "a blocking ping-pong");
	}
	free(b);
	return rc;
}

const struct bench bench_request = {
	.name = "request",
	.summary = "requests a second over connections that stay, by how the server waits",
	.n = "connections",
	.variants = "level,edge,oneshot,leader-follower,level-mod,floor-blocking",
	.run = request_run,
};
