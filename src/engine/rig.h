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

/* Processes that rigs and floors may have at a time; the rest is for what measures. */
#define RIG_TASKS (LAB_TASKS - 16)

/* What both the engine and the kernel count. */
enum rig_count { RIG_ACTIVE_OPENS, RIG_PASSIVE_OPENS, RIG_SEGMENTS, RIG_COUNTS };

struct rig {
	struct rig_check {
		unsigned times, disagreed; /* by more than 0.5 % */
		double off;                /* the worst of them: a part of ours */
		uint64_t ours, most;       /* what the kernel may count: from, to */
		int64_t kernels;
	} checks[RIG_COUNTS];
	uint64_t failed; /* connections and requests */
	int first_errno;
	int (*tick)(uint64_t done, void *arg); /* as of fleet_order(); NULL: shows the progress */
	void *tick_arg;
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
	double elapsed_s;     /* until the server has accepted, too */
};

/* Starts both; on failure none is left. */
int rig_start(struct rig *r, struct bench_run *run, const struct rig_config *config, struct err *e);
void rig_stop(struct rig *r);
/* Carries out one order, and crosschecks the counts of the engine with those of the kernel. */
int rig_order(struct rig *r, struct bench_run *run, const struct driver_order *order,
	      struct rig_round *out, struct err *e);
/* Makes notes of what the crosschecks found, and of failures. */
void rig_tell(const struct rig *r, struct bench_run *run, const char *what);
/* A worker for each CPU, but no more than the lab has room for when each takes so many processes;
 * when that is less, a note tells. */
unsigned rig_workers(struct bench_run *run, const char *bench, unsigned processes);
/* The round's rate, p50, p99, cpu and server_cpu into the table. */
void rig_add(struct bench_run *run, const char *bench, const char *variant, uint64_t n,
	     uint64_t active, const struct rig_round *round, const char *conditions);
/* The place of the benches' processes. */
struct place rig_place(const struct bench_run *run);

#endif
