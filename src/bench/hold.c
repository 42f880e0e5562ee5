/* Many idle connections: time to open, memory per connection, and request latency meanwhile. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "bench/benches.h"
#include "bench/fixture.h"
#include "bench/hold_budget.h"
#include "engine/sockets.h"
#include "epolltune/clock.h"
#include "epolltune/ports.h"
#include "epolltune/quantity.h"

#define CONNECTIONS 10000
#define SAMPLE 1000     /* connections that carry requests while all are held */
#define RATE 5000       /* requests per second over the sample: few enough not to queue */
#define RATE_OF_ONE 100 /* maximum per connection */
#define TALK_US 2000000ull
#define SIZE 64u
#define HOLD_FIXTURE 64 /* fixture number */
#define CACHES_TOLD 8

struct hold_bench {
	struct bench_run *run;
	uint64_t connections;
	uint64_t per_worker; /* maximum connections per server process */
	unsigned sources;    /* client addresses; 0: the kernel chooses */
	unsigned round;      /* from 1 */
	uint64_t started_ns;
	struct fixture fixture;
	struct host_slab_memory before, after;
	double server_bytes, client_bytes; /* user memory per connection, in the last round */
};

static bool by_cache(const struct hold_bench *h)
{
	return h->before.slabs.count && h->after.slabs.count;
}

static int64_t slab_growth(const struct hold_bench *h, const struct host_slab *after)
{
	return host_slab_growth(&h->before.slabs, after);
}

/* Growth of all slabs per connection end. */
static double slabs_coarse(const struct hold_bench *h)
{
	return (double)((int64_t)h->after.bytes - (int64_t)h->before.bytes) /
	       (2 * (double)h->connections);
}

/* Kernel memory per connection end: growth of all caches where they can be read, else of all
 * slabs. */
static double slabs_sum(const struct hold_bench *h)
{
	double sum = 0;
	for (size_t i = 0; i < h->after.slabs.count; i++)
		sum += (double)slab_growth(h, &h->after.slabs.at[i]);
	return by_cache(h) ? sum / (2 * (double)h->connections) : slabs_coarse(h);
}

/* Adds notes about the caches that grew most, where they can be read. */
static void slabs_tell(const struct hold_bench *h)
{
	char text[200] = "";
	bool named[HOST_SLABS] = {false};
	double ends = 2 * (double)h->connections;
	if (!by_cache(h))
		return;
	for (unsigned n = 0; n < CACHES_TOLD; n++) {
		size_t largest = 0;
		int64_t max = 0;
		for (size_t i = 0; i < h->after.slabs.count; i++)
			if (!named[i] && slab_growth(h, &h->after.slabs.at[i]) > max) {
				max = slab_growth(h, &h->after.slabs.at[i]);
				largest = i;
			}
		if ((double)max / ends < 8)
			break;
		named[largest] = true;
		size_t used = strlen(text);
		snprintf(text + used, sizeof(text) - used, "%s%s %.0f", used ? ", " : "",
			 h->after.slabs.at[largest].name, (double)max / ends);
	}
	bench_note(&h->run->table, "hold: kernel memory per connection end by cache, in bytes: %s",
		   text);
	bench_note(&h->run->table,
		   "hold: kernel memory per connection end: %.0f B by objects in use, %.0f B by "
		   "size of all slabs",
		   slabs_sum(h), slabs_coarse(h));
	const struct host_slab *looked = host_slab_find(&h->after.slabs, "proc_inode_cache");
	if (looked && (double)slab_growth(h, looked) / ends >= 8)
		bench_note(&h->run->table,
			   "hold: a program that reads /proc meanwhile makes proc_inode_cache and "
			   "as many dentries grow; it also uses CPU time");
}

/* printf into the run's progress, after the round number. */
static void hold_progress(struct hold_bench *h, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void hold_progress(struct hold_bench *h, const char *fmt, ...)
{
	char text[BENCH_PROGRESS];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	bench_progress(h->run, "hold, round %u of %u: %s", h->round, h->run->options.runs, text);
}

static int open_progress(uint64_t done, void *arg)
{
	struct hold_bench *h = arg;
	double elapsed = (double)(clock_ns() - h->started_ns) / 1e9;
	double rate = elapsed > 0 ? (double)done / elapsed : 0;
	hold_progress(h, "%llu of %llu open, %.0f k/s, %.0f s left", (unsigned long long)done,
		      (unsigned long long)h->connections, rate / 1e3,
		      rate > 0 ? (double)(h->connections - done) / rate : 0);
	if (h->run->show)
		h->run->show(h->run->progress);
	return interrupt_came();
}

/* Opens all connections; the time ends when the server has accepted them. */
static int hold_open(struct hold_bench *h, struct fixture_round *round, struct err *e)
{
	const struct client_order order = {
		.verb = CLIENT_OPEN, .count = h->connections, .window = h->fixture.window};
	h->started_ns = clock_ns();
	h->fixture.tick = open_progress;
	h->fixture.tick_arg = h;
	int rc = fixture_order(&h->fixture, h->run, &order, round, e);
	h->fixture.tick = NULL;
	if (rc < 0)
		return rc;
	int code = client_cause(&round->client);
	if (round->client.held < h->connections)
		return err_set(e, code ? code : EIO,
			       "only %llu of %llu connections opened; first error: %s",
			       (unsigned long long)round->client.held,
			       (unsigned long long)h->connections, client_failure(code));
	uint64_t accepted = server_sum(&h->fixture.server).accepted;
	if (accepted < h->connections)
		return err_set(e, EIO, "the server accepted only %llu of %llu connections",
			       (unsigned long long)accepted, (unsigned long long)h->connections);
	return server_check(&h->fixture.server, e);
}

static double growth(const struct hold_bench *h, uint64_t before, uint64_t after)
{
	return after > before ? (double)(after - before) / (double)h->connections : 0;
}

/* The kernel releases the memory of freed sockets after an RCU grace period, late on a busy
 * machine. Waits until the slabs are stable for a quarter of a second, ignoring changes too small
 * to affect the figure; ten seconds at most. */
static void slabs_settle(const struct host *host, uint64_t connections)
{
	uint64_t still = connections * 40 > 65536 ? connections * 40 : 65536;
	struct err ignored = {0};
	uint64_t before = 0, now = 0;
	for (unsigned i = 0, calm = 0; i < 200 && calm < 5; i++) {
		if (host_slab_bytes(host, &now, &ignored) < 0)
			return;
		calm = i && (uint64_t)llabs((long long)(now - before)) < still ? calm + 1 : 0;
		before = now;
		clock_sleep_ms(50);
	}
}

/* Measures request latency while all connections are held. */
static int hold_talk(struct hold_bench *h, struct err *e)
{
	struct bench_table *t = &h->run->table;
	uint64_t active = h->connections < SAMPLE ? h->connections : SAMPLE;
	const struct client_order order = {
		.verb = CLIENT_REQUEST,
		.duration_us = h->run->options.quick ? TALK_US / 10 : TALK_US,
		.active = active,
		.rate_per_s = active < RATE / RATE_OF_ONE ? (double)active * RATE_OF_ONE : RATE,
		.depth = 1,
		.size = SIZE,
	};
	char conditions[BENCH_CONDITIONS];
	struct fixture_round round = {0};
	hold_progress(h, "requests over %llu of %llu", (unsigned long long)order.active,
		      (unsigned long long)h->connections);
	int rc = fixture_order(&h->fixture, h->run, &order, &round, e);
	if (rc < 0)
		return rc;
	snprintf(conditions, sizeof(conditions),
		 "%.0f requests per second, %u B each way, spread over %s; latency from when each "
		 "was due",
		 order.rate_per_s, SIZE,
		 active < h->connections ? "a sample, the others idle" : "all");
	if (round.client.missed)
		bench_note(t,
			   "hold: this machine is too slow for %.0f requests per second: %llu were "
			   "never sent",
			   order.rate_per_s, (unsigned long long)round.client.missed);
	bench_add(t, "hold", "idle", h->connections, order.active, BENCH_P50, round.p50_us, "%s",
		  conditions);
	bench_add(t, "hold", "idle", h->connections, order.active, BENCH_P99, round.p99_us, "%s",
		  conditions);
	return 0;
}

static int hold_measure(struct hold_bench *h, struct err *e)
{
	struct bench_table *t = &h->run->table;
	const struct client_order look = {.verb = CLIENT_USAGE};
	uint64_t server_before = 0, server_after = 0;
	struct fixture_round round = {0};
	char conditions[BENCH_CONDITIONS];
	slabs_settle(h->run->host, h->connections);
	host_slab_memory(h->run->host, &h->before);
	int rc = server_memory(&h->fixture.server, &server_before, e);
	if (rc == 0)
		rc = client_order(&h->fixture.client, &look, NULL, NULL, e);
	uint64_t client_before = client_sum(&h->fixture.client).private_bytes;
	if (rc == 0)
		rc = hold_open(h, &round, e);
	if (rc == 0)
		rc = server_memory(&h->fixture.server, &server_after, e);
	if (rc < 0)
		return rc;
	host_slab_memory(h->run->host, &h->after);
	snprintf(conditions, sizeof(conditions),
		 "idle connections over loopback, both ends on this machine; server processes: %u, "
		 "client processes: %u",
		 h->fixture.server.processes, h->fixture.client.processes);
	bench_add(t, "hold", "idle", h->connections, 0, BENCH_ELAPSED, round.elapsed_s, "%s",
		  conditions);
	bench_add(t, "hold", "idle", h->connections, 0, BENCH_CPU, round.cpu_us, "%s", conditions);
	bench_add(t, "hold", "idle", h->connections, 0, BENCH_KERNEL_MEMORY, slabs_sum(h),
		  "%s of the whole machine, both ends; without user and page memory",
		  by_cache(h) ? "growth of all slab caches (/proc/slabinfo)"
			      : "growth of all slabs (/proc/meminfo; /proc/slabinfo needs root)");
	h->server_bytes = growth(h, server_before, server_after);
	h->client_bytes = growth(h, client_before, client_sum(&h->fixture.client).private_bytes);
	bench_add(t, "hold", "idle", h->connections, 0, BENCH_USER_MEMORY,
		  h->server_bytes > h->client_bytes ? h->server_bytes : h->client_bytes,
		  "growth of private memory, the larger of both ends");
	return hold_talk(h, e);
}

static int ports_count(struct host *h, void *arg, struct err *e)
{
	uint64_t *count = arg;
	struct port_set ports;
	host_ephemeral_ports(h, &ports);
	*count = (uint64_t)port_set_count(&ports, 1, UINT16_MAX);
	return 0;
}

/* Ports available to one destination; 0: unknown. */
static uint64_t port_range(struct bench_run *run)
{
	uint64_t *count = lab_alloc(run->lab, sizeof(*count), NULL);
	return count && !lab_call(run->lab, LAB_SERVER, ports_count, count, NULL) ? *count : 0;
}

/* Chooses the number of processes, the same for each end. A server is connected to from at most two
 * fifths of the ports: finding a free one takes long once half are in use (__inet_hash_connect() of
 * net/ipv4/inet_hashtables.c tries all of one parity first). If that needs more processes than a
 * lab runs, the clients use several addresses instead. */
static void hold_shape(struct hold_bench *h)
{
	uint64_t range = port_range(h->run), descriptors = client_per_process();
	uint64_t few = !range ? descriptors : range >= 5 ? range * 2 / 5 : 1;
	h->per_worker = few < descriptors ? few : descriptors;
	if ((h->connections + h->per_worker - 1) / h->per_worker > FIXTURE_TASKS / 2)
		h->per_worker = descriptors;
	uint64_t each = h->connections < h->per_worker ? h->connections : h->per_worker;
	uint64_t sources = (each + few - 1) / few;
	h->sources = sources < 2                ? 0
		     : sources < CLIENT_SOURCES ? (unsigned)sources
						: CLIENT_SOURCES;
}

/* Server processes, and as many client processes. */
static uint64_t hold_workers(const struct hold_bench *h)
{
	return (h->connections + h->per_worker - 1) / h->per_worker;
}

static int hold_round(struct hold_bench *h, struct err *e)
{
	struct fixture_config config = {
		.number = HOLD_FIXTURE,
		.mode = SERVER_LEVEL,
		.close = CLIENT_CLOSE_RESET,
		.workers = (unsigned)hold_workers(h),
		.sources = h->sources,
		.connections = h->connections,
		.own_ports = true,
	};
	int rc = fixture_start(&h->fixture, h->run, &config, e);
	if (rc == 0)
		rc = hold_measure(h, e);
	if (rc == 0) {
		const struct client_order end = {.verb = CLIENT_CLOSE};
		hold_progress(h, "closing");
		rc = client_order(&h->fixture.client, &end, NULL, NULL, e);
	}
	if (rc == 0)
		rc = server_check(&h->fixture.server, e);
	fixture_notes(&h->fixture, h->run, "hold");
	fixture_stop(&h->fixture);
	return rc;
}

static int baseline_round(struct hold_bench *h, struct err *e)
{
	char conditions[BENCH_CONDITIONS];
	uint64_t per_process = client_per_process() / 2;
	const struct baseline_order order = {
		.loop = BASELINE_HOLD,
		.connections = h->connections,
		.processes = (unsigned)((h->connections + per_process - 1) / per_process),
	};
	hold_progress(h, "the baseline, blocking connects and accepts");
	if (h->run->show)
		h->run->show(h->run->progress);
	slabs_settle(h->run->host, h->connections);
	snprintf(conditions, sizeof(conditions),
		 "socket(), blocking connect() and accept(), both ends in one process, loopback; "
		 "processes: %u",
		 order.processes);
	return fixture_baseline(h->run, "hold", &order, h->connections, conditions, e);
}

/* Adds a note on how the connections add up to processes and descriptors. */
static void note_processes(const struct hold_bench *h)
{
	char connections[32], ends[32], each[32];
	uint64_t workers = hold_workers(h);
	if (workers <= 1)
		return;
	bench_note(
		&h->run->table,
		"hold: %s connections have %s ends, one descriptor each: %llu server and %llu client "
		"processes hold up to %s ends each (limit: %s)",
		quantity_format(connections, sizeof(connections), QUANTITY_COUNT, h->connections),
		quantity_format(ends, sizeof(ends), QUANTITY_COUNT, 2 * h->connections),
		(unsigned long long)workers, (unsigned long long)workers,
		quantity_format(each, sizeof(each), QUANTITY_COUNT,
				(h->connections + workers - 1) / workers),
		h->per_worker < client_per_process() ? "2/5 of net.ipv4.ip_local_port_range"
						     : "RLIMIT_NOFILE");
}

static void hold_notes(struct hold_bench *h)
{
	struct bench_table *t = &h->run->table;
	const struct bench_result *ours =
		bench_find(t, "hold", "idle", h->connections, 0, BENCH_ELAPSED);
	if (ours) {
		note_processes(h);
		slabs_tell(h);
		bench_note(t,
			   "hold: user memory per connection: %.1f B in the server, %.1f B in the "
			   "client processes",
			   h->server_bytes, h->client_bytes);
	}
	const struct bench_result *baseline =
		bench_find(t, "hold", BENCH_BASELINE, h->connections, 0, BENCH_ELAPSED);
	struct bench_ratio ratio = bench_ratio(ours, baseline);
	char text[48];
	if (ratio.rounds)
		bench_note(t, "hold: time to open relative to floor-blocking: %s",
			   bench_ratio_text(text, sizeof(text), &ratio));
}

static int hold_run(struct bench_run *run, struct err *e)
{
	struct hold_budget budget;
	struct hold_bench *h = calloc(1, sizeof(*h));
	unsigned runs = run->options.runs;
	if (!h)
		return err_set(e, ENOMEM, "bench: out of memory");
	h->run = run;
	h->connections = run->options.connections ? run->options.connections : CONNECTIONS;
	hold_shape(h);
	const struct hold_plan plan = {
		.connections = h->connections,
		.watches = h->connections + 2 * SAMPLE,
		.per_process = h->per_worker,
		.processes_max = FIXTURE_TASKS,
		/* On each client address, or to each address of the baseline. */
		.ports_of_process = port_range(run) * SOCKETS_ADDRESSES,
	};
	hold_budget_make(&budget, run->host, &plan);
	int rc = hold_budget_check(&budget, e);
	for (unsigned i = 0; i < runs && rc == 0; i++) {
		size_t mark = lab_mark(run->lab);
		/* Alternate, so that neither always gets memory that the other one warmed up. */
		for (unsigned k = 0; k < 2 && rc == 0; k++) {
			bool baseline = (i + k) % 2;
			h->round = i + 1;
			rc = bench_round(run, "hold", i, e);
			if (rc < 0)
				break;
			if (!baseline && bench_wants(run, "idle"))
				rc = hold_round(h, e);
			else if (baseline && bench_wants(run, BENCH_BASELINE))
				rc = baseline_round(h, e);
		}
		lab_release(run->lab, mark);
	}
	if (rc == 0)
		hold_notes(h);
	free(h);
	return rc;
}

static const char *const variants[] = {"idle"};

const struct bench bench_hold = {
	.name = "hold",
	.summary = "many idle connections: time to open, memory of each, request latency",
	.n = "connections held",
	.variants = {BENCH_VARIANTS(variants), .baseline = true},
	.run = hold_run,
};
