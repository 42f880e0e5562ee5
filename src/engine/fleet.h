/* fleet: the client pool: load workers, as many as connections or CPUs require, driven as one. */
#ifndef EPOLLTUNE_FLEET_H
#define EPOLLTUNE_FLEET_H

#include <stdint.h>

#include "engine/crew.h"
#include "engine/driver.h"
#include "engine/place.h"
#include "epolltune/err.h"

#define FLEET_DRIVERS 240

struct fleet_config {
	struct driver_config driver; /* its capacity is the total; cpu is ignored */
	unsigned drivers;            /* 0: as few as the descriptor limit allows */
	bool pin;                    /* each to its own CPU, in order */
	const struct crew *apart;    /* load worker i connects to its worker i; NULL: driver.to */
};

struct fleet {
	unsigned drivers;
	struct fleet_driver {
		int channel;
		pid_t pid;
		uint64_t capacity;
		struct driver_part *part;
	} at[FLEET_DRIVERS];
};

/* Connections that one process can hold under this process's hard descriptor limit. */
uint64_t fleet_per_driver(void);
/* Starts the processes without opening connections. On failure all are stopped. */
int fleet_start(struct fleet *f, const struct place *place, const struct fleet_config *config,
		struct err *e);
void fleet_stop(struct fleet *f);

/* Splits an order among the load workers (count, active and rate are totals; only workers with
 * something to do get a share of the rate, at staggered times) and waits until all are done.
 * `tick`, if any, is called several times a second with the operations done so far; if it returns
 * non-zero, the processes end, their counts stay in the sums and the result is -EINTR. -ECHILD if a
 * process has exited. */
int fleet_order(struct fleet *f, const struct driver_order *order,
		int (*tick)(uint64_t done, void *arg), void *arg, struct err *e);

/* Sums over all load workers; driver.h says which cover the last order only. */
struct fleet_sum {
	uint64_t opened, attempted, done, missed, failed, starved, held;
	int first_errno;
	double rate;         /* operations per second up to the end of the order, over elapsed_ns */
	uint64_t elapsed_ns; /* of the slowest */
	uint64_t cpu_ns, private_bytes;
};
struct fleet_sum fleet_sum(const struct fleet *f);
/* Merged latencies of the last order. `out` (60 kB) is the caller's. */
void fleet_latency(const struct fleet *f, struct histogram *out);

#endif
