/* pair: a test server and a client of the lab, each on a CPU of its own, and rounds that measure
 * them: latency, throughput, and the CPU time that the server takes. */
#ifndef EPOLLTUNE_PAIR_H
#define EPOLLTUNE_PAIR_H

#include "epolltune/err.h"
#include "epolltune/lab.h"
#include "epolltune/load.h"
#include "epolltune/server.h"
#include "epolltune/statistics.h"

/* Held between the two. */
#define PAIR_CONNECTIONS 16

struct pair {
	struct server server;
	struct load load;
	struct histogram latency[2]; /* scratch of a round */
};

/* Starts a zeroed pair and opens its connections. -ENOTSUP if this process may use one CPU only.
 * The caller stops it, whatever this returns. */
int pair_start(struct pair *p, struct lab *lab, struct err *e);
void pair_stop(struct pair *p);
/* Sends requests until the server receives through NAPI: a veth that comes up receives its first
 * packets outside of it. -ENOTSUP if it does not. */
int pair_await_napi(struct pair *p, struct err *e);
/* Sends a few requests, to warm up after a change of settings. */
int pair_warm(struct pair *p, struct err *e);

enum pair_metric {
	PAIR_P50_US,        /* of a request, one at a time */
	PAIR_P99_US,        /* likewise, of all rounds together */
	PAIR_PER_S,         /* requests, one in flight on each connection */
	PAIR_CPU_US,        /* of the server, a request, one at a time */
	PAIR_SPARSE_CPU_US, /* of the server, a request, one each ms */
	PAIR_IDLE_PERCENT,  /* CPU of the server without requests; of the first rounds only */
	PAIR_METRICS
};

/* The rounds of one setting; zeroed before the first. */
struct pair_rounds {
	struct series of[PAIR_METRICS];
	struct histogram latency; /* ns; of all rounds */
};

/* Adds a round: about 550 requests in some 10 ms. */
int pair_round(struct pair *p, struct pair_rounds *r, struct err *e);
/* What all rounds measured. */
struct spread pair_spread(const struct pair_rounds *r, enum pair_metric m);

#endif
