/* load: the epoll client that drives a server, as lab tasks on the client host: opens connections
 * at a pace, holds them, talks over them. Spread over as many processes as its own descriptor limit
 * demands, so that this limit is never the wall that is reported. */
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
	uint64_t connections; /* at most, over the whole life of this load */
	bool await_greeting;  /* a connection counts as served at the server's first byte, else
				 when it is established */
	unsigned cpu;         /* its processes run on this one only, counted from 1; 0: on any */
};

/* Of one shard; written by it alone, read by anybody at any time. */
struct load_stats {
	_Atomic uint64_t attempted;
	_Atomic uint64_t served;
	_Atomic uint64_t failed;
	_Atomic int first_errno;         /* why the first one failed */
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
	uint64_t opened; /* asked for so far */
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

/* Starts the processes; opens nothing yet. -EMFILE when more than LOAD_SHARDS would be needed. */
int load_start(struct load *l, struct lab *lab, const struct load_config *config, struct err *e);
/* Opens `count` more connections at `rate_per_s` (0: as fast as it goes), one shard after the
 * other, and returns when all have been attempted, though perhaps not yet served. Bounded by
 * timeout_ms
 * (-ETIMEDOUT). */
int load_open(struct load *l, uint64_t count, uint64_t rate_per_s, int timeout_ms, struct err *e);
/* Sends `requests` of 32 bytes, each over the next of all held connections, one at a time, from one
 * shard; latencies go to its histogram. */
int load_talk(struct load *l, uint64_t requests, int timeout_ms, struct err *e);
/* The same with up to `depth` requests under way at a time, each over a connection of its own (as
 * many as it holds at most): for throughput. */
int load_storm(struct load *l, uint64_t requests, uint64_t depth, int timeout_ms, struct err *e);
/* Empties the histograms of requests, between two talks. */
void load_forget(struct load *l);
struct load_sum load_sum(const struct load *l);
/* Merged histograms. */
void load_latency(const struct load *l, struct histogram *serve, struct histogram *request);
/* Ends it, and with it all its connections. Safe on one that was never started (zeroed). */
void load_stop(struct load *l);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t load_now_ns(void);

#endif
