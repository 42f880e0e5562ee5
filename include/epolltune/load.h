/* load: the client pool, as lab tasks on the client host. It opens connections at a given rate,
 * holds them and sends requests over them. It uses as many processes (shards) as RLIMIT_NOFILE
 * requires, so that its own descriptor limit never becomes the reported wall. */
#ifndef EPOLLTUNE_LOAD_H
#define EPOLLTUNE_LOAD_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/histogram.h"
#include "epolltune/lab.h"

struct load_config {
	struct in_addr to;
	uint16_t port;        /* network byte order */
	uint64_t connections; /* maximum over the life of the pool */
	bool await_greeting;  /* a client is served at the server's first byte; false: when
				 established */
	unsigned cpu;         /* CPU to pin its processes to, counted from 1; 0: none */
	uint64_t max_per_s; /* load_open() is no faster; its timeout then is longer; 0: no bound */
};

/* Counters of one shard, which alone writes them; any process may read at any time. */
struct load_stats {
	_Atomic uint64_t attempted;
	_Atomic uint64_t served;
	_Atomic uint64_t failed;
	_Atomic int first_errno;         /* of the first failure */
	_Atomic uint64_t last_served_ns; /* CLOCK_MONOTONIC */
	_Atomic uint64_t requests;
	struct histogram serve;   /* ns from connect() to served */
	struct histogram request; /* ns from request to reply */
};

#define LOAD_SHARDS 200

struct load {
	struct lab *lab;
	struct load_config config;
	unsigned shards;
	uint64_t per_shard;
	uint64_t opened; /* requested so far */
	int channels[LOAD_SHARDS];
	struct load_stats *stats[LOAD_SHARDS];
	void *tasks[LOAD_SHARDS];
};

/* The sum over all shards. */
struct load_sum {
	uint64_t attempted, served, failed, requests;
	uint64_t last_served_ns;
	int first_errno;
};

/* Starts the shards without opening connections. -EMFILE if the pool needs more than LOAD_SHARDS.
 */
int load_start(struct load *l, struct lab *lab, const struct load_config *config, struct err *e);
/* Opens `count` more connections at `rate_per_s` (0: unpaced), one shard after the other. Returns
 * when all were attempted, before all are served; -ETIMEDOUT after timeout_ms. */
int load_open(struct load *l, uint64_t count, uint64_t rate_per_s, int timeout_ms, struct err *e);
/* Sends `requests` requests of 32 bytes from the first shard, one at a time, spread over all its
 * connections; latencies go to its histogram. */
int load_talk(struct load *l, uint64_t requests, int timeout_ms, struct err *e);
/* Like load_talk() with up to `depth` requests in flight, each on its own connection (limited by
 * the connections held), to measure throughput. */
int load_storm(struct load *l, uint64_t requests, uint64_t depth, int timeout_ms, struct err *e);
/* Clears the request histograms. */
void load_forget(struct load *l);
struct load_sum load_sum(const struct load *l);
/* The negative errno of the first connection that failed; 0: none failed. */
int load_check(const struct load *l, struct err *e);
/* Waits until `count` connections were served or failed. -ETIMEDOUT after timeout_ms. */
int load_await(const struct load *l, uint64_t count, uint64_t timeout_ms);
/* The latency in ns that a `share` (0 to 1) of requests did not exceed; 0: no requests. */
uint64_t load_request_ns(const struct load *l, double share);
/* Merges the histograms of all shards. */
void load_latency(const struct load *l, struct histogram *serve, struct histogram *request);
/* Stops all shards and closes their connections. A zeroed struct is allowed. */
void load_stop(struct load *l);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t load_now_ns(void);

#endif
