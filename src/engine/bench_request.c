/* Requests per second over persistent connections, by how the server waits. */
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
/* Requests on each connection beforehand: new ones acknowledge at once (TCP_MAX_QUICKACKS, 16). */
#define WARM_UP 50
/* A server and a load process for each variant, and one of the baseline. */
#define PROCESSES_EACH (2 * VARIANTS + 1)
#define WORKERS_MOST (RIG_TASKS / PROCESSES_EACH)

static const struct variant {
	const char *name;
	enum crew_share share;
	enum worker_mode mode;
	const char *conditions;
} variants[] = {
	{"level", CREW_REUSEPORT, WORKER_LEVEL, "level-triggered"},
	{"edge", CREW_REUSEPORT, WORKER_EDGE, "edge-triggered"},
	{"oneshot", CREW_REUSEPORT, WORKER_ONESHOT, "EPOLLONESHOT, one EPOLL_CTL_MOD per request"},
	{"leader-follower", CREW_FOLLOWERS, WORKER_ONESHOT,
	 "threads that share one set, one event at a time, EPOLLONESHOT"},
	{"level-mod", CREW_REUSEPORT, WORKER_LEVEL_MOD,
	 "level-triggered, waits for EPOLLOUT before each reply: two EPOLL_CTL_MOD per request"},
};
#define VARIANTS 5
_Static_assert(sizeof(variants) / sizeof(variants[0]) == VARIANTS, "one seat per variant");

/* Server and client pool of one variant, kept for all rounds. */
struct seat {
	const struct variant *variant; /* NULL: not selected */
	unsigned workers;
	uint64_t connections, active;
	struct rig rig;
};

/* Two more seats: a single connection, and one active connection beside an idle one. */
enum { SEAT_LONE = VARIANTS, SEAT_BESIDE, SEATS };

struct request_bench {
	struct bench_run *run;
	unsigned workers;
	uint64_t connections;
	struct seat seats[SEATS];
};

/* Names a fixture in errors and notes. */
static void rig_name(char *text, size_t size, const struct seat *seat)
{
	snprintf(text, size, "request %s, %llu connection%s", seat->variant->name,
		 (unsigned long long)seat->connections, seat->connections == 1 ? "" : "s");
}

static int talk(struct request_bench *b, struct seat *seat, uint64_t requests, uint64_t duration_us,
		struct rig_round *round, struct err *e)
{
	const struct driver_order order = {
		.verb = DRIVER_REQUEST,
		.count = requests,
		.duration_us = duration_us,
		.active = seat->active,
		.depth = 1,
		.size = SIZE,
	};
	if (requests)
		return fleet_order(&seat->rig.fleet, &order, NULL, NULL, e);
	return rig_order(&seat->rig, b->run, &order, round, e);
}

static int seat_open(struct request_bench *b, struct seat *seat, struct err *e)
{
	const struct rig_config config = {
		.number = (unsigned)(seat - b->seats),
		.share = seat->variant->share,
		.mode = seat->variant->mode,
		.workers = seat->workers,
		.connections = seat->connections,
		/* With more workers than CPUs, some would never receive a SYN. */
		.pin = seat->workers <= cpus_count(),
	};
	struct rig_round round = {0};
	char name[64];
	int rc = rig_start(&seat->rig, b->run, &config, e);
	const struct driver_order order = {
		.verb = DRIVER_OPEN, .count = seat->connections, .window = seat->rig.window};
	rig_name(name, sizeof(name), seat);
	if (rc == 0)
		rc = rig_order(&seat->rig, b->run, &order, &round, e);
	if (rc < 0)
		return err_prefix(e, "%s", name);
	uint64_t accepted = crew_sum(&seat->rig.crew).accepted;
	if (round.load.held != seat->connections || accepted < seat->connections)
		return err_set(e, EIO, "%s: %llu connections opened, %llu accepted", name,
			       (unsigned long long)round.load.held, (unsigned long long)accepted);
	return talk(b, seat, WARM_UP * seat->active, 0, NULL, e);
}

static int seat_round(struct request_bench *b, struct seat *seat, struct err *e)
{
	char conditions[BENCH_CONDITIONS], idle[64] = "", name[64];
	struct rig_round round;
	/* After a pause a connection acknowledges at once again for a while. */
	int rc = talk(b, seat, WARM_UP * seat->active, 0, NULL, e);
	if (rc == 0)
		rc = talk(b, seat, 0, b->run->options.duration_us, &round, e);
	rig_name(name, sizeof(name), seat);
	if (rc < 0)
		return err_prefix(e, "%s", name);
	if (seat->active < seat->connections)
		snprintf(idle, sizeof(idle), ", beside an idle connection");
	else if (seat->connections == 1)
		snprintf(idle, sizeof(idle),
			 ", the only one: both ends retry recv() before they wait");
	snprintf(conditions, sizeof(conditions),
		 "%s; %u server worker%s and load process%s%s, one request at a time on each "
		 "connection%s, %u B each way, loopback",
		 seat->variant->conditions, seat->workers, seat->workers > 1 ? "s" : "",
		 seat->workers > 1 ? "es" : "",
		 seat->workers > cpus_count() ? ""
		 : seat->workers > 1          ? ", one pair per CPU"
					      : ", both on one CPU",
		 idle, SIZE);
	rig_add(b->run, "request", seat->variant->name, seat->connections, seat->active, &round,
		conditions);
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
		.stop = &b->run->stop,
	};
	int rc = floor_run(&place, &order, &result, e);
	if (rc < 0)
		return err_prefix(e, "floor-blocking");
	char conditions[BENCH_CONDITIONS];
	snprintf(conditions, sizeof(conditions), "%s, %u B each way, loopback",
		 loop == FLOOR_PINGPONG
			 ? "blocking ping-pong, two processes on one CPU"
			 : "blocking calls, both ends in one thread, one process per CPU",
		 SIZE);
	bench_add(&b->run->table, "request", "floor-blocking", connections, connections, BENCH_RATE,
		  result.rate, "%s", conditions);
	bench_add(&b->run->table, "request", "floor-blocking", connections, connections, BENCH_CPU,
		  result.cpu_us, "%s", conditions);
	return 0;
}

static int request_round(struct request_bench *b, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; i < VARIANTS && rc == 0; i++)
		if (b->seats[i].variant)
			rc = seat_round(b, &b->seats[i], e);
	if (rc == 0 && bench_wants(b->run, "floor-blocking"))
		rc = floor_add(b, FLOOR_REQUEST, b->workers, b->connections, e);
	if (rc == 0 && b->seats[SEAT_BESIDE].variant)
		rc = seat_round(b, &b->seats[SEAT_BESIDE], e);
	/* Run the two that are compared back to back. */
	if (rc == 0 && b->seats[SEAT_LONE].variant)
		rc = seat_round(b, &b->seats[SEAT_LONE], e);
	if (rc == 0 && bench_wants(b->run, "floor-blocking"))
		rc = floor_add(b, FLOOR_PINGPONG, 1, 1, e);
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
	bench_note(t,
		   "request, %llu connections: server CPU of level-mod relative to level (%.2f and "
		   "%.2f us per request): %s",
		   (unsigned long long)n, mod->median, level->median,
		   bench_ratio_text(own, sizeof(own), &ratio));
	bench_note(t,
		   "request, %llu connections: upper bound of that, for a server that costs no "
		   "more than half of floor-blocking (%.2f us): %s",
		   (unsigned long long)n, both->median / 2,
		   bench_ratio_text(most, sizeof(most), &bound));
}

/* Enough workers to hold the connections even if they are spread unevenly; at least one per CPU. */
static int workers_choose(struct request_bench *b, struct err *e)
{
	unsigned most = rig_workers(b->run, "request", PROCESSES_EACH);
	uint64_t each = fleet_per_driver() / 2, needed = (b->connections + each - 1) / each;
	b->workers = b->run->options.workers ? (unsigned)b->run->options.workers : most;
	if (needed > b->workers && needed <= WORKERS_MOST)
		b->workers = (unsigned)needed;
	if (needed > b->workers)
		return err_set(e, EMFILE,
			       "%llu connections need %llu server processes of %llu descriptors "
			       "each (RLIMIT_NOFILE, half of it in reserve); the maximum is %d",
			       (unsigned long long)b->connections, (unsigned long long)needed,
			       (unsigned long long)fleet_per_driver(), WORKERS_MOST);
	if (b->connections < b->workers)
		b->workers = (unsigned)b->connections;
	return 0;
}

static void seats_choose(struct request_bench *b)
{
	for (size_t i = 0; i < VARIANTS; i++)
		if (bench_wants(b->run, variants[i].name))
			b->seats[i] = (struct seat){.variant = &variants[i],
						    .workers = b->workers,
						    .connections = b->connections,
						    .active = b->connections};
	for (size_t i = SEAT_LONE; i < SEATS && bench_wants(b->run, variants[0].name); i++)
		b->seats[i] = (struct seat){.variant = &variants[0],
					    .workers = 1,
					    .connections = i == SEAT_LONE ? 1 : 2,
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
	note_ratio(t, "level", "floor-blocking", n);
	note_ratio(t, "edge", "floor-blocking", n);
	note_ratio(t, "level", "floor-blocking", 1);
}

static int request_run(struct bench_run *run, struct err *e)
{
	struct request_bench *b = calloc(1, sizeof(*b));
	if (!b)
		return err_set(e, ENOMEM, "no memory for the benches");
	b->run = run;
	b->connections = run->options.connections ? run->options.connections : CONNECTIONS;
	if (!run->options.duration_us)
		run->options.duration_us = run->options.quick ? 100000 : 300000;
	int rc = workers_choose(b, e);
	if (rc == 0)
		seats_choose(b);
	for (size_t i = 0; i < SEATS && rc == 0; i++)
		if (b->seats[i].variant)
			rc = seat_open(b, &b->seats[i], e);
	for (unsigned i = 0; i < run->options.runs && rc == 0; i++) {
		rc = bench_round(run, "request", i, e);
		if (rc == 0)
			rc = request_round(b, e);
	}
	for (size_t i = 0; i < SEATS; i++)
		if (b->seats[i].variant) {
			char name[64];
			rig_name(name, sizeof(name), &b->seats[i]);
			rig_tell(&b->seats[i].rig, run, name);
			rig_stop(&b->seats[i].rig);
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
	.variants = "level,edge,oneshot,leader-follower,level-mod,floor-blocking",
	.run = request_run,
};
