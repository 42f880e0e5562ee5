/* Connections per second (connect, request, reply, close), by the side that closes first and by the
 * number of addresses. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/benches.h"
#include "bench/fixture.h"

#define AT_A_TIME 32 /* concurrent connections of each client process */
#define SIZE 64u

static const struct connect_variant {
	const char *name;
	enum client_close close;
	unsigned sources;
	unsigned periods; /* length of a round; ports are reusable after a second only */
	const char *conditions;
} variants[] = {
	{"reset", CLIENT_CLOSE_RESET, 0, 1, "client closes by reset, 1 address"},
	{"server-first", CLIENT_CLOSE_SERVER, 0, 1,
	 "server closes first (TIME_WAIT there), 1 address"},
	{"client-first", CLIENT_CLOSE_CLIENT, 1, 6,
	 "client closes first (TIME_WAIT holds its ports), 1 address"},
	{"client-first-40-addresses", CLIENT_CLOSE_CLIENT, 40, 1,
	 "client closes first, 40 addresses in turn"},
};
#define VARIANTS (sizeof(variants) / sizeof(variants[0]))

static int variant_round(struct bench_run *run, const struct connect_variant *v,
			 struct fixture *fixture, unsigned workers, struct err *e)
{
	char conditions[BENCH_CONDITIONS];
	struct fixture_round round;
	struct client_order order = {
		.verb = CLIENT_CHURN,
		.duration_us = run->options.duration_us * v->periods,
		.active = (uint64_t)AT_A_TIME * workers,
		.depth = 1,
		.size = SIZE,
	};
	int rc = fixture_order(fixture, run, &order, &round, e);
	if (rc < 0)
		return err_prefix(e, "%s", v->name);
	snprintf(conditions, sizeof(conditions),
		 "%s; %u server and %u client processes, one pair per CPU, %u concurrent "
		 "connections, %u B each way, loopback",
		 v->conditions, workers, workers, AT_A_TIME * workers, SIZE);
	fixture_add(run, "connect", v->name, order.active, 0, &round, conditions);
	if (round.client.starved)
		bench_note(
			&run->table,
			"connect %s: limited by ports in TIME_WAIT (net.ipv4.ip_local_port_range)",
			v->name);
	return 0;
}

static int baseline_round(struct bench_run *run, unsigned workers, unsigned each, struct err *e)
{
	const struct baseline_order order = {
		.loop = BASELINE_CONNECT,
		.duration_us = run->options.duration_us,
		.connections = (uint64_t)each * workers,
		.processes = workers,
		.size = SIZE,
	};
	char conditions[BENCH_CONDITIONS];
	snprintf(conditions, sizeof(conditions),
		 "blocking calls, both ends in one thread, %u processes, each on its own CPU, %s, "
		 "client closes by reset, %u B each way, loopback",
		 workers,
		 each == 1 ? "one connection at a time" : "each step for all its connections",
		 SIZE);
	return fixture_baseline(run, "connect", &order, order.connections, conditions, e);
}

/* What epoll costs shows beside as many connections; what many cost, beside one at a time. */
static void connect_notes(struct bench_run *run, unsigned workers)
{
	struct bench_table *t = &run->table;
	const uint64_t all = (uint64_t)AT_A_TIME * workers;
	const struct {
		uint64_t n;
		const char *how;
	} beside[] = {{all, "as many connections"}, {workers, "one connection at a time"}};
	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		struct bench_ratio ratio = bench_ratio(
			bench_find(t, "connect", "reset", all, 0, BENCH_RATE),
			bench_find(t, "connect", BENCH_BASELINE, beside[i].n, 0, BENCH_RATE));
		char text[48];
		if (ratio.rounds)
			bench_note(t, "connect: rate of reset relative to floor-blocking, %s: %s",
				   beside[i].how, bench_ratio_text(text, sizeof(text), &ratio));
	}
}

static int connect_rounds(struct bench_run *run, struct fixture *fixtures, unsigned workers,
			  struct err *e)
{
	int rc = 0;
	for (unsigned i = 0; i < run->options.runs && rc == 0; i++) {
		rc = bench_round(run, "connect", i, e);
		for (size_t v = 0; v < VARIANTS && rc == 0; v++)
			if (fixtures[v].server.processes)
				rc = variant_round(run, &variants[v], &fixtures[v], workers, e);
		if (rc == 0 && bench_wants(run, BENCH_BASELINE))
			rc = baseline_round(run, workers, 1, e);
		if (rc == 0 && bench_wants(run, BENCH_BASELINE) && AT_A_TIME <= fixture_window(run))
			rc = baseline_round(run, workers, AT_A_TIME, e);
	}
	return rc;
}

static int connect_run(struct bench_run *run, struct err *e)
{
	unsigned workers = run->options.workers ? (unsigned)run->options.workers
						: fixture_workers(run, "connect", 2 * VARIANTS + 1);
	struct fixture *fixtures = calloc(VARIANTS, sizeof(*fixtures));
	int rc = fixtures ? 0 : err_set(e, ENOMEM, "benches: out of memory");
	if (!run->options.duration_us)
		run->options.duration_us = run->options.quick ? 150000 : 400000;
	for (size_t v = 0; v < VARIANTS && rc == 0; v++) {
		struct fixture_config config = {
			.number = (unsigned)v,
			.mode = SERVER_LEVEL,
			.close = variants[v].close,
			.sources = variants[v].sources,
			.workers = workers,
			.connections = (uint64_t)AT_A_TIME * workers,
			.pin = true,
		};
		if (bench_wants(run, variants[v].name))
			rc = fixture_start(&fixtures[v], run, &config, e);
	}
	if (rc == 0)
		rc = connect_rounds(run, fixtures, workers, e);
	for (size_t v = 0; fixtures && v < VARIANTS; v++) {
		char what[64];
		snprintf(what, sizeof(what), "connect %s", variants[v].name);
		fixture_notes(&fixtures[v], run, what);
		fixture_stop(&fixtures[v]);
	}
	free(fixtures);
	if (rc == 0)
		connect_notes(run, workers);
	return rc;
}

const struct bench bench_connect = {
	.name = "connect",
	.summary = "connections per second: connect, request, reply, close",
	.n = "concurrent connections",
	.variants = {BENCH_VARIANTS(variants), .baseline = true},
	.run = connect_run,
};
