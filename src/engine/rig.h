/* rig: a crew and a fleet against each other on one host of a lab, as the benches use them. */
#ifndef EPOLLTUNE_RIG_H
#define EPOLLTUNE_RIG_H

#include "engine/crew.h"
#include "engine/fleet.h"
#include "epolltune/bench.h"

struct rig_config {
	unsigned number; /* each rig has an address of its own: ports of others do not matter */
	enum crew_share share;
	enum worker_mode mode;
	enum driver_close close;
	unsigned workers;     /* server workers and load processes, each */
	unsigned sources;     /* client addresses; 0: the kernel chooses */
	uint64_t connections; /* at most */
	bool apart;           /* load process i to server worker i */
	bool pin;
};

struct rig {
	unsigned window; /* connections that may wait in an accept queue; for DRIVER_OPEN */
	struct crew crew;
	struct fleet fleet;
};

/* What one order took. */
struct rig_round {
	struct fleet_sum load;
	double p50_us, p99_us;
	double cpu_us;        /* an operation, both ends */
	double server_cpu_us; /* the server's share of that */
};

/* Starts both; on failure none is left. */
int rig_start(struct rig *r, struct bench_run *run, const struct rig_config *config, struct err *e);
void rig_stop(struct rig *r);
/* Carries out one order, and crosschecks the counts of the engine with those of the kernel: a
 * difference above 0.5 % becomes a note. */
int rig_order(struct rig *r, struct bench_run *run, const char *what,
	      const struct driver_order *order, struct rig_round *out, struct err *e);
/* The round's rate, p50, p99, cpu and server_cpu into the table. */
void rig_add(struct bench_run *run, const char *bench, const char *variant, uint64_t n,
	     uint64_t active, const struct rig_round *round, const char *conditions);
/* The place of the benches' processes. */
struct place rig_place(const struct bench_run *run);

#endif
