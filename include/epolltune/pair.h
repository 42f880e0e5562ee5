/* pair: a test server and a client in a lab, each on its own CPU, measured in rounds: latency,
 * throughput and the server's CPU time. */
#pragma once

#include "epolltune/client.h"
#include "epolltune/err.h"
#include "epolltune/lab.h"
#include "epolltune/server.h"
#include "epolltune/statistics.h"

/* Connections between the two. */
#define PAIR_CONNECTIONS 16

struct pair {
	struct server server;
	struct client client;
	struct histogram latency; /* scratch memory of a round */
};

/* Starts a zeroed pair and opens its connections. -ENOTSUP if this process may use one CPU only.
 * The caller calls pair_stop(), also after an error. */
int pair_start(struct pair *p, struct lab *lab, struct err *e);
void pair_stop(struct pair *p);
/* Sends requests until the server receives through NAPI: the first packets of a new veth bypass it.
 * -ENOTSUP if the server does not. */
int pair_await_napi(struct pair *p, struct err *e);
/* Sends a few requests, to warm up after a change of settings. */
int pair_warm(struct pair *p, struct err *e);

enum pair_metric {
	PAIR_P50_US,        /* request latency, one request at a time */
	PAIR_P99_US,        /* the same, over all rounds */
	PAIR_PER_S,         /* requests/s, one in flight on each connection */
	PAIR_CPU_US,        /* server CPU time per request, one request at a time */
	PAIR_SPARSE_CPU_US, /* server CPU time per request, one request each ms */
	PAIR_IDLE_PERCENT,  /* server CPU without requests, in the first rounds only */
	PAIR_METRICS
};

/* The rounds of one setting; the caller zeroes it before the first. */
struct pair_rounds {
	struct series of[PAIR_METRICS];
	struct histogram latency; /* ns, over all rounds */
};

/* Runs and adds a round: about 550 requests in about 10 ms. */
int pair_round(struct pair *p, struct pair_rounds *r, struct err *e);
/* Minimum, median and maximum over all rounds. */
struct spread pair_spread(const struct pair_rounds *r, enum pair_metric m);
