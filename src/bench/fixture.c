#include "bench/fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "engine/cpus.h"
#include "epolltune/clock.h"
#include "epolltune/counters.h"
#include "epolltune/knob.h"
#include "epolltune/quantity.h"

#define FIXTURE_ADDRESS 0x7f200001u /* 127.32.0.1: fixture n listens on 127.32.n.1 and up */
#define SOURCE_ADDRESS 0x7f300001u  /* 127.48.0.1 and up */
#define BACKLOG 4096
#define WINDOW_MAX 64 /* few, so that accepted sockets are still in the CPU caches */
#define TOLERANCE 0.005
#define ACK_DELAY_S 0.02 /* half of the minimum ACK delay, TCP_DELACK_MIN */
#define SETTLE_MS 5000

static struct task_context fixture_context(const struct bench_run *run)
{
	return (struct task_context){.lab = run->lab, .host = LAB_SERVER};
}

unsigned fixture_window(struct bench_run *run)
{
	char value[KNOB_VALUE];
	struct err ignored = {0};
	long somaxconn = BACKLOG;
	if (lab_knob_get(run->lab, LAB_SERVER, "net.core.somaxconn", value, sizeof(value),
			 &ignored) == 0)
		somaxconn = strtol(value, NULL, 10);
	somaxconn = somaxconn < WINDOW_MAX * 2 ? somaxconn : WINDOW_MAX * 2;
	return somaxconn > 2 ? (unsigned)somaxconn / 2 : 1;
}

int fixture_start(struct fixture *r, struct bench_run *run, const struct fixture_config *config,
		  struct err *e)
{
	const struct task_context where = fixture_context(run);
	const struct server_config server = {
		.address.v4 = {.sin_family = AF_INET,
			       .sin_addr.s_addr = htonl(FIXTURE_ADDRESS + (config->number << 8))},
		.share = config->share,
		.mode = config->mode,
		.workers = config->workers,
		.backlog = BACKLOG,
		.close_after_reply = config->close == CLIENT_CLOSE_SERVER,
		.own_ports = config->own_ports,
		.pin = config->pin,
		.batch = true,
	};
	union endpoint sources[CLIENT_SOURCES];
	*r = (struct fixture){.window = fixture_window(run)};
	int rc = server_start(&r->server, &where, &server, e);
	for (unsigned i = 0; i < config->sources; i++)
		sources[i] = endpoint_ipv4((struct in_addr){htonl(SOURCE_ADDRESS + i)});
	const struct client_config client = {
		.to = r->server.address,
		.workers = config->own_ports ? &r->server : NULL,
		.close = config->close,
		.connections = config->connections,
		.processes = config->workers,
		.sources = sources,
		.source_count = config->sources,
		.pin = config->pin,
		.batch = true,
	};
	if (rc == 0)
		rc = client_start(&r->client, &where, &client, e);
	if (rc < 0)
		fixture_stop(r);
	return rc;
}

void fixture_stop(struct fixture *r)
{
	client_stop(&r->client);
	server_stop(&r->server);
}

static int show_progress(uint64_t done, void *arg)
{
	struct bench_run *run = arg;
	if (run->show)
		run->show(run->progress);
	return interrupt_came();
}

/* Records the largest difference of two counts of the same thing. The kernel may count from `ours`
 * to `max`. */
static void crosscheck_range(struct fixture *r, enum fixture_count which, uint64_t ours,
			     uint64_t max, int64_t kernels)
{
	struct fixture_check *c = &r->checks[which];
	if (kernels < 0 || (!ours && !kernels))
		return;
	uint64_t less = (uint64_t)kernels < ours ? ours - (uint64_t)kernels : 0;
	uint64_t more = (uint64_t)kernels > max ? (uint64_t)kernels - max : 0;
	double off = (double)(less + more) / (ours ? (double)ours : 1);
	c->times++;
	c->disagreed += off > TOLERANCE;
	if (off <= c->off)
		return;
	c->off = off;
	c->ours = ours;
	c->max = max;
	c->kernels = kernels;
}

static void crosscheck(struct fixture *r, enum fixture_count which, uint64_t ours, int64_t kernels)
{
	crosscheck_range(r, which, ours, ours, kernels);
}

void fixture_notes(const struct fixture *r, struct bench_run *run, const char *what)
{
	static const char *const names[FIXTURE_COUNTS] = {
		[FIXTURE_ACTIVE_OPENS] = "ActiveOpens",
		[FIXTURE_PASSIVE_OPENS] = "PassiveOpens",
		[FIXTURE_SEGMENTS] = "InSegs",
	};
	for (int i = 0; i < FIXTURE_COUNTS; i++) {
		const struct fixture_check *c = &r->checks[i];
		char max[64] = "";
		if (c->max > c->ours)
			snprintf(max, sizeof(max), ", or up to %llu with acknowledgements",
				 (unsigned long long)c->max);
		if (c->disagreed)
			bench_note(&run->table,
				   "%s: the kernel's %s differs from the engine's count in %u of "
				   "%u measurements, by up to %.1f %% (kernel %lld, engine %llu%s)",
				   what, names[i], c->disagreed, c->times, 100 * c->off,
				   (long long)c->kernels, (unsigned long long)c->ours, max);
	}
	if (r->failed)
		bench_note(&run->table, "%s: %s %s failed, first error: %s", what,
			   quantity_count((uint64_t)r->failed).text,
			   r->failed == 1 ? "connection or request" : "connections or requests",
			   client_failure(r->first_errno));
}

unsigned fixture_workers(struct bench_run *run, const char *bench, unsigned processes)
{
	unsigned cpus = cpus_count(), max = FIXTURE_TASKS / processes;
	if (cpus <= max)
		return cpus;
	bench_note(&run->table, "%s: only %u workers on %u CPUs: a lab runs at most %d processes",
		   bench, max, cpus, LAB_TASKS);
	return max;
}

/* Clients are connected before the server accepts them: waits until it has accepted that many. */
static void fixture_settle(const struct fixture *r, uint64_t accepted)
{
	for (int i = 0; i < SETTLE_MS && server_sum(&r->server).accepted < accepted; i++)
		clock_sleep_ms(1);
}

/* All counters at one moment. */
struct counts {
	struct host_counters counters;
	struct server_usage usage;
	struct server_sum server;
	struct client_sum client;
};

static void crosscheck_all(struct fixture *r, const struct client_order *order,
			   const struct counts *before, const struct counts *after,
			   const struct client_sum *client)
{
	const struct host_counters *from = &before->counters, *to = &after->counters;
	crosscheck(r, FIXTURE_ACTIVE_OPENS, client->attempted,
		   host_counter_delta(from, to, COUNTER_ACTIVE_OPENS));
	crosscheck(r, FIXTURE_PASSIVE_OPENS, after->server.accepted - before->server.accepted,
		   host_counter_delta(from, to, COUNTER_PASSIVE_OPENS));
	/* A busy connection has one segment each way per request. An idle one, as all are at the
	 * start and end of an order, has a delayed ACK in addition: with rare requests, each of
	 * them. */
	bool settled = !order->count && order->rate_per_s <= 0 &&
		       (double)order->active < client->rate * ACK_DELAY_S;
	uint64_t rests = order->active + (settled ? 0 : client->done);
	if (order->verb == CLIENT_REQUEST && order->depth == 1)
		crosscheck_range(r, FIXTURE_SEGMENTS, 2 * client->done, 2 * (client->done + rests),
				 host_counter_delta(from, to, COUNTER_SEGMENTS_IN));
}

int fixture_order(struct fixture *r, struct bench_run *run, const struct client_order *order,
		  struct fixture_round *out, struct err *e)
{
	struct counts *before = calloc(2, sizeof(*before)), *after = before ? before + 1 : NULL;
	struct histogram *latency = calloc(1, sizeof(*latency));
	int rc = before && latency ? 0 : err_set(e, ENOMEM, "counters: out of memory");
	if (rc == 0)
		rc = lab_counters(run->lab, LAB_SERVER, &before->counters, e);
	if (rc == 0)
		rc = server_usage(&r->server, &before->usage, e);
	if (rc == 0) {
		before->server = server_sum(&r->server);
		before->client = client_sum(&r->client);
		uint64_t start = clock_ns();
		rc = client_order(&r->client, order, r->tick ? r->tick : show_progress,
				  r->tick ? r->tick_arg : run, e);
		if (rc == 0)
			fixture_settle(r, before->server.accepted + client_sum(&r->client).opened -
						  before->client.opened);
		out->elapsed_s = (double)(clock_ns() - start) / 1e9;
	}
	if (rc == 0)
		rc = server_usage(&r->server, &after->usage, e);
	if (rc == 0)
		rc = lab_counters(run->lab, LAB_SERVER, &after->counters, e);
	if (rc == 0) {
		after->server = server_sum(&r->server);
		after->client = client_sum(&r->client);
		out->client = after->client;
		out->client.failed -= before->client.failed;
		out->client.starved -= before->client.starved;
		out->client.attempted -= before->client.attempted;
		out->client.opened -= before->client.opened;
		client_latency(&r->client, latency);
		out->p50_us = (double)histogram_quantile(latency, 0.5) / 1e3;
		out->p99_us = (double)histogram_quantile(latency, 0.99) / 1e3;
		double done = out->client.done ? (double)out->client.done : INFINITY;
		uint64_t server_ns = after->usage.cpu_ns - before->usage.cpu_ns;
		out->server_cpu_us = (double)server_ns / 1e3 / done;
		out->cpu_us = (double)(server_ns + out->client.cpu_ns) / 1e3 / done;
		crosscheck_all(r, order, before, after, &out->client);
		if (out->client.failed) {
			r->failed += out->client.failed;
			r->first_errno = r->first_errno ? r->first_errno : out->client.first_errno;
		}
	}
	free(before);
	free(latency);
	return rc;
}

void fixture_add(struct bench_run *run, const char *bench, const char *variant, uint64_t n,
		 uint64_t active, const struct fixture_round *round, const char *conditions)
{
	struct bench_table *t = &run->table;
	bench_add(t, bench, variant, n, active, BENCH_RATE, round->client.rate, "%s", conditions);
	bench_add(t, bench, variant, n, active, BENCH_P50, round->p50_us, "%s", conditions);
	bench_add(t, bench, variant, n, active, BENCH_P99, round->p99_us, "%s", conditions);
	bench_add(t, bench, variant, n, active, BENCH_CPU, round->cpu_us, "%s", conditions);
	bench_add(t, bench, variant, n, active, BENCH_SERVER_CPU, round->server_cpu_us, "%s",
		  conditions);
}

int fixture_baseline(struct bench_run *run, const char *bench, const struct baseline_order *order,
		     uint64_t n, const char *conditions, struct err *e)
{
	const struct task_context where = fixture_context(run);
	struct baseline_result result;
	bool hold = order->loop == BASELINE_HOLD;
	uint64_t active = order->loop == BASELINE_CONNECT || hold ? 0 : n;
	int rc = baseline_run(&where, order, &result, e);
	if (rc < 0)
		return err_prefix(e, BENCH_BASELINE);
	bench_add(&run->table, bench, BENCH_BASELINE, n, active, hold ? BENCH_ELAPSED : BENCH_RATE,
		  hold ? result.elapsed_s : result.rate, "%s", conditions);
	bench_add(&run->table, bench, BENCH_BASELINE, n, active, BENCH_CPU, result.cpu_us, "%s",
		  conditions);
	return 0;
}
