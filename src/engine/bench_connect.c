/* Connections per second (connect, request, reply, close), by the side that closes first and by the
 * number of addresses. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/benches.h"
#include "engine/floor.h"
#include "engine/rig.h"

#define AT_A_TIME 32 /* concurrent connections of each load worker */
#define SIZE 64u

static const struct variant {
	const char *name;
	enum driver_close close;
	unsigned sources;
	unsigned periods; /* length of a round; ports are reusable after a second only */
	const char *conditions;
} variants[] = {
	{"reset", DRIVER_CLOSE_RESET, 0, 1, "client closes by reset, 1 address"},
	{"server-first", DRIVER_CLOSE_SERVER, 0, 1,
	 "server closes first (TIME_WAIT there), 1 address"},
	{"client-first", DRIVER_CLOSE_CLIENT, 1, 6,
	 "client closes first (TIME_WAIT holds its ports), 1 address"},
	{"client-first-40-addresses", DRIVER_CLOSE_CLIENT, 40, 1,
	 "client closes first, 40 addresses in turn"},
};
#define VARIANTS (sizeof(variants) / sizeof(variants[0]))

static int variant_round(struct bench_run *run, const struct variant *v, struct rig *rig,
			 unsigned workers, struct err *e)
{
	char conditions[BENCH_CONDITIONS];
	struct rig_round round;
	struct driver_order order = {
		.verb = DRIVER_CHURN,
		.duration_us = run->options.duration_us * v->periods,
		.active = (uint64_t)AT_A_TIME * workers,
		.depth = 1,
		.size = SIZE,
	};
	int rc = rig_order(rig, run, &order, &round, e);
	if (rc < 0)
		return err_prefix(e, "%s", v->name);
	snprintf(conditions, sizeof(conditions),
		 "%s; %u server and %u load processes, one pair per CPU, %u concurrent "
		 "connections, %u B each way, loopback",
		 v->conditions, workers, workers, AT_A_TIME * workers, SIZE);
	rig_add(run, "connect", v->name, order.active, 0, &round, conditions);
	if (round.load.starved)
		bench_note(
			&run->table,
			"connect %s: limited by ports in TIME_WAIT (net.ipv4.ip_local_port_range)",
			v->name);
	return 0;
}

static int floor_round(struct bench_run *run, unsigned workers, struct err *e)
{
	struct place place = rig_place(run);
	struct floor_result result;
	const struct floor_order order = {
		.loop = FLOOR_CONNECT,
		.duration_us = run->options.duration_us,
		.processes = workers,
		.size = SIZE,
		.stop = &run->stop,
	};
	char conditions[BENCH_CONDITIONS];
	int rc = floor_run(&place, &order, &result, e);
	if (rc < 0)
		return err_prefix(e, "floor-blocking");
	snprintf(conditions, sizeof(conditions),
		 "blocking calls, both ends in one thread, %u processes, each on its own CPU, "
		 "client closes by reset, %u B each way, loopback",
		 workers, SIZE);
	bench_add(&run->table, "connect", "floor-blocking", workers, 0, BENCH_RATE, result.rate,
		  "%s", conditions);
	bench_add(&run->table, "connect", "floor-blocking", workers, 0, BENCH_CPU, result.cpu_us,
		  "%s", conditions);
	return 0;
}

static void connect_notes(struct bench_run *run, unsigned workers)
{
	struct bench_table *t = &run->table;
	const struct bench_result *reset =
		bench_find(t, "connect", "reset", (uint64_t)AT_A_TIME * workers, 0, BENCH_RATE);
	const struct bench_result *floor =
		bench_find(t, "connect", "floor-blocking", workers, 0, BENCH_RATE);
	struct bench_ratio ratio = bench_ratio(reset, floor);
	char text[48];
	if (ratio.rounds)
		bench_note(t, "connect: rate of reset relative to floor-blocking: %s",
			   bench_ratio_text(text, sizeof(text), &ratio));
}

static int connect_rounds(struct bench_run *run, struct rig *rigs, unsigned workers, struct err *e)
{
	int rc = 0;
	for (unsigned i = 0; i < run->options.runs && rc == 0; i++) {
		rc = bench_round(run, "connect", i, e);
		for (size_t v = 0; v < VARIANTS && rc == 0; v++)
			if (rigs[v].crew.processes)
				rc = variant_round(run, &variants[v], &rigs[v], workers, e);
		if (rc == 0 && bench_wants(run, "floor-blocking"))
			rc = floor_round(run, workers, e);
	}
	return rc;
}

static int connect_run(struct bench_run *run, struct err *e)
{
	unsigned workers = run->options.workers ? (unsigned)run->options.workers
						: rig_workers(run, "connect", 2 * VARIANTS + 1);
	struct rig *rigs = calloc(VARIANTS, sizeof(*rigs));
	int rc = rigs ? 0 : err_set(e, ENOMEM, "no memory for the benches");
	if (!run->options.duration_us)
		run->options.duration_us = run->options.quick ? 150000 : 400000;
	for (size_t v = 0; v < VARIANTS && rc == 0; v++) {
		struct rig_config config = {
			.number = (unsigned)v,
			.mode = WORKER_LEVEL,
			.close = variants[v].close,
			.sources = variants[v].sources,
			.workers = workers,
			.connections = (uint64_t)AT_A_TIME * workers,
			.pin = true,
		};
		if (bench_wants(run, variants[v].name))
			rc = rig_start(&rigs[v], run, &config, e);
	}
	if (rc == 0)
		rc = connect_rounds(run, rigs, workers, e);
	for (size_t v = 0; rigs && v < VARIANTS; v++) {
		char what[64];
		snprintf(what, sizeof(what), "connect %s", variants[v].name);
		rig_tell(&rigs[v], run, what);
		rig_stop(&rigs[v]);
	}
	free(rigs);
	if (rc == 0)
		connect_notes(run, workers);
	return rc;
}

const struct bench bench_connect = {
	.name = "connect",
	.summary = "connections per second: connect, request, reply, close",
	.n = "concurrent connections (floor-blocking: processes)",
	.variants = "reset,server-first,client-first,client-first-40-addresses,floor-blocking",
	.run = connect_run,
};
