/* The fixture of the benches: a server and a client on one host of a lab. */
#pragma once

#include "bench/baseline.h"
#include "bench/metrics.h"
#include "epolltune/client.h"
#include "epolltune/server.h"
#include "epolltune/task.h"

struct fixture_config {
	unsigned number; /* chooses the address: two fixtures share neither address nor ports */
	enum server_share share;
	enum server_mode mode;
	enum client_close close;
	unsigned workers;     /* server workers and client processes, each */
	unsigned sources;     /* client addresses; 0: the kernel chooses */
	uint64_t connections; /* maximum */
	bool own_ports;       /* client process i connects to server worker i */
	bool pin;
};

/* Maximum processes of fixtures and baselines at a time; the others are for the measuring code. */
#define FIXTURE_TASKS (LAB_TASKS - 16)

/* Counted by both the engine and the kernel. */
enum fixture_count {
	FIXTURE_ACTIVE_OPENS,
	FIXTURE_PASSIVE_OPENS,
	FIXTURE_SEGMENTS,
	FIXTURE_COUNTS
};

struct fixture {
	struct fixture_check {
		unsigned times, disagreed; /* by more than 0.5 % */
		double off;                /* the largest deviation, as a share of ours */
		uint64_t ours, max;        /* range that the kernel may count */
		int64_t kernels;
	} checks[FIXTURE_COUNTS];
	uint64_t failed; /* connections and requests */
	int first_errno;
	int (*tick)(uint64_t done, void *arg); /* see client_order(); NULL: shows the progress */
	void *tick_arg;
	unsigned window; /* connections allowed in the accept queue; for CLIENT_OPEN */
	struct server server;
	struct client client;
};

/* Half of the accept queue (the smaller of backlog and somaxconn), at most 64. */
unsigned fixture_window(struct bench_run *run);

/* Cost of one order. */
struct fixture_round {
	struct client_sum client;
	double p50_us, p99_us;
	double cpu_us;        /* per operation, both ends */
	double server_cpu_us; /* the server's share of that */
	double elapsed_s;     /* until the server has accepted all */
};

/* Starts server and client; on failure both are stopped. */
int fixture_start(struct fixture *r, struct bench_run *run, const struct fixture_config *config,
		  struct err *e);
void fixture_stop(struct fixture *r);
/* Runs one order and cross-checks the counts of the engine against those of the kernel. */
int fixture_order(struct fixture *r, struct bench_run *run, const struct client_order *order,
		  struct fixture_round *out, struct err *e);
/* Adds notes about cross-checks that failed, and about failures. */
void fixture_notes(const struct fixture *r, struct bench_run *run, const char *what);
/* One worker per CPU, or fewer, with a note, if the lab cannot run `processes` for each. */
unsigned fixture_workers(struct bench_run *run, const char *bench, unsigned processes);
/* Adds the round's rate, p50, p99, cpu and server_cpu to the table. */
void fixture_add(struct bench_run *run, const char *bench, const char *variant, uint64_t n,
		 uint64_t active, const struct fixture_round *round, const char *conditions);
/* Runs the baseline and adds its rate, or of BASELINE_HOLD the time, and its cpu to the table. */
int fixture_baseline(struct bench_run *run, const char *bench, const struct baseline_order *order,
		     uint64_t n, const char *conditions, struct err *e);
