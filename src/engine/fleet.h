/* fleet: the load's processes, as many as connections or CPUs demand, driven as one. */
#ifndef EPOLLTUNE_FLEET_H
#define EPOLLTUNE_FLEET_H

#include <stdint.h>

#include "engine/crew.h"
#include "engine/driver.h"
#include "engine/place.h"
#include "epolltune/err.h"

#define FLEET_DRIVERS 240

struct fleet_config {
	struct driver_config driver; /* its capacity is that of all together; cpu is ignored */
	unsigned drivers;            /* 0: as few as the descriptor limit allows */
	bool pin;                    /* each to a CPU of its own, in order */
	const struct crew *apart;    /* driver i goes to its worker i; NULL: all to driver.to */
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
/* Starts the processes; opens nothing yet. On failure none is left. */
int fleet_start(struct fleet *f, const struct place *place, const struct fleet_config *config,
		struct err *e);
void fleet_stop(struct fleet *f);

/* Gives each its share of an order (count, active and rate are of all together; the rate goes to
 * those who have something to do, not all due at one moment) and waits until all have carried it
 * out. `tick`, if any, is called several times a second meanwhile with what is done so far; when it
 * returns non-zero the order is given up with -EINTR: the processes end, what they did until then
 * stays in the sums. -ECHILD when a process is gone. */
int fleet_order(struct fleet *f, const struct driver_order *order,
		int (*tick)(uint64_t done, void *arg), void *arg, struct err *e);

/* Sums over all; of the last order what is said so in driver.h. */
struct fleet_sum {
	uint64_t opened, attempted, done, missed, failed, starved, held;
	int first_errno;
	double rate;         /* operations a second up to the order's end, over elapsed_ns */
	uint64_t elapsed_ns; /* of the slowest */
	uint64_t cpu_ns, private_bytes;
};
struct fleet_sum fleet_sum(const struct fleet *f);
/* Latencies of the last order, merged. `out` is the caller's, of 60 kB. */
void fleet_latency(const struct fleet *f, struct histogram *out);

#endif
