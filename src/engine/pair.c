#include "epolltune/pair.h"

#include <errno.h>

#include "engine/cpus.h"
#include "epolltune/clock.h"

#define TIMEOUT_MS 5000
#define BACKLOG 64
#define TALK 100
#define STORM 400
#define WARM 10
#define SPARSE 2
#define SPARSE_MS 1
#define IDLE_MS 10
#define IDLE_ROUNDS 3
#define NAPI_TRIES 50
#define NAPI_PAUSE_MS 10

/* Two CPUs, as two machines have: on one they would hand over by a context switch, and a server
 * that polls would keep the client from sending. */
int pair_start(struct pair *p, struct lab *lab, struct err *e)
{
	const struct server_config serve = {
		.address = lab_address(lab, LAB_SERVER, 0), .backlog = BACKLOG, .pin = true};
	if (cpus_count() < 2)
		return err_set(e, ENOTSUP,
			       "this process may use one CPU only, on which a server that polls "
			       "would keep the client from sending");
	int rc = server_start(&p->server, &(struct task_context){lab, LAB_SERVER}, &serve, e);
	const struct client_config client = {.to = p->server.address,
					     .connections = PAIR_CONNECTIONS,
					     .pin = true,
					     .first_cpu = cpus_count() - 1};
	if (!rc)
		rc = client_start(&p->client, &(struct task_context){lab, LAB_CLIENT}, &client, e);
	if (!rc)
		rc = client_open(&p->client, PAIR_CONNECTIONS, 0, TIMEOUT_MS, e);
	if (!rc && client_await(&p->client, PAIR_CONNECTIONS, TIMEOUT_MS))
		rc = err_set(e, ETIMEDOUT, "the test clients could not connect");
	return rc;
}

void pair_stop(struct pair *p)
{
	client_stop(&p->client);
	server_stop(&p->server);
}

int pair_await_napi(struct pair *p, struct err *e)
{
	struct server_usage usage = {0};
	int rc = 0;
	for (unsigned tries = 0; !rc && !usage.napi && tries < NAPI_TRIES; tries++) {
		if (tries)
			clock_sleep_ms(NAPI_PAUSE_MS);
		rc = client_talk(&p->client, 2 * PAIR_CONNECTIONS, 1, TIMEOUT_MS, e);
		if (!rc)
			rc = server_usage(&p->server, &usage, e);
	}
	if (rc || usage.napi)
		return rc;
	return err_set(e, ENOTSUP,
		       "on this kernel the lab's wire does not receive through NAPI "
		       "(SO_INCOMING_NAPI_ID is 0)");
}

int pair_warm(struct pair *p, struct err *e)
{
	return client_talk(&p->client, WARM, 1, TIMEOUT_MS, e);
}

static int talk(struct pair *p, struct err *e)
{
	return client_talk(&p->client, TALK, 1, TIMEOUT_MS, e);
}

static int talk_sparsely(struct pair *p, struct err *e)
{
	int rc = 0;
	for (unsigned i = 0; !rc && i < SPARSE; i++) {
		rc = client_talk(&p->client, 1, 1, TIMEOUT_MS, e);
		clock_sleep_ms(SPARSE_MS);
	}
	return rc;
}

static int idle(struct pair *p, struct err *e)
{
	clock_sleep_ms(IDLE_MS);
	return 0;
}

/* The CPU time that the server takes meanwhile. */
static int cpu_spent(struct pair *p, int (*meanwhile)(struct pair *, struct err *), double *us,
		     struct err *e)
{
	struct server_usage before = {0}, after = {0};
	int rc = server_usage(&p->server, &before, e);
	if (!rc)
		rc = meanwhile(p, e);
	if (!rc)
		rc = server_usage(&p->server, &after, e);
	*us = (double)(after.cpu_ns - before.cpu_ns) / 1e3;
	return rc;
}

static int round_talk(struct pair *p, struct pair_rounds *r, struct err *e)
{
	double us;
	int rc = cpu_spent(p, talk, &us, e);
	if (rc)
		return rc;
	client_latency(&p->client, &p->latency);
	histogram_merge(&r->latency, &p->latency);
	series_add(&r->of[PAIR_P50_US], (double)histogram_quantile(&p->latency, 0.5) / 1e3);
	series_add(&r->of[PAIR_CPU_US], us / TALK);
	return 0;
}

int pair_round(struct pair *p, struct pair_rounds *r, struct err *e)
{
	double us;
	int rc = round_talk(p, r, e);
	uint64_t start = clock_ns();
	if (!rc)
		rc = client_talk(&p->client, STORM, PAIR_CONNECTIONS, TIMEOUT_MS, e);
	if (rc)
		return rc;
	series_add(&r->of[PAIR_PER_S], STORM * 1e9 / (double)(clock_ns() - start));
	rc = cpu_spent(p, talk_sparsely, &us, e);
	if (rc)
		return rc;
	series_add(&r->of[PAIR_SPARSE_CPU_US], us / SPARSE);
	if (r->of[PAIR_IDLE_PERCENT].count == IDLE_ROUNDS)
		return 0;
	start = clock_ns();
	rc = cpu_spent(p, idle, &us, e);
	if (!rc)
		series_add(&r->of[PAIR_IDLE_PERCENT], us * 1e5 / (double)(clock_ns() - start));
	return rc;
}

struct spread pair_spread(const struct pair_rounds *r, enum pair_metric m)
{
	if (m != PAIR_P99_US)
		return series_spread(&r->of[m]);
	double p99 = (double)histogram_quantile(&r->latency, 0.99) / 1e3;
	return (struct spread){p99, p99, p99};
}
