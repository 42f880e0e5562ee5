/* metrics: measured figures, each with its unit, its spread over interleaved rounds and its
 * conditions. No pointers, so that a table can live in memory shared with the processes that
 * measure. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/host.h"
#include "epolltune/lab.h"

enum bench_metric {
	BENCH_RATE,          /* 1/s */
	BENCH_P50,           /* us */
	BENCH_P99,           /* us */
	BENCH_COST,          /* ns per operation */
	BENCH_CPU,           /* us of CPU time per operation, both ends */
	BENCH_SERVER_CPU,    /* us, the server's share of that */
	BENCH_ELAPSED,       /* s */
	BENCH_USER_MEMORY,   /* B per connection and end */
	BENCH_KERNEL_MEMORY, /* B per connection and end */
	BENCH_EVENTS,        /* a count, of `semantics` */
};
#define BENCH_METRICS 10
const char *bench_metric_name(enum bench_metric m);
const char *bench_metric_unit(enum bench_metric m);
const char *bench_metric_meaning(enum bench_metric m); /* a phrase */
/* Which figures of a metric are better. */
enum bench_better { BETTER_LOWER, BETTER_HIGHER, BETTER_NEITHER };
enum bench_better bench_metric_better(enum bench_metric m);
/* BENCH_METRICS if there is none of that name. */
enum bench_metric bench_metric_find(const char *name);

#define BENCH_RUNS 50      /* maximum rounds */
#define BENCH_RESULTS 1024 /* maximum series */
#define BENCH_NOTES 48
#define BENCH_CONDITIONS 256

/* One series: one metric of one variant at one size, a sample per round. */
struct bench_result {
	char bench[16];
	char variant[32];
	uint64_t n;      /* connections, sockets or workers; the bench says which */
	uint64_t active; /* how many of them are ready or busy at once; 0: not applicable */
	enum bench_metric metric;
	unsigned runs;
	double sample[BENCH_RUNS];
	double median, min, max;           /* of the samples so far */
	char conditions[BENCH_CONDITIONS]; /* of BENCH_EVENTS what is expected: "1: one event" */
};

struct bench_table {
	size_t count;
	size_t lost; /* series and samples beyond capacity; renderers print the number */
	size_t note_count;
	struct bench_result at[BENCH_RESULTS];
	char notes[BENCH_NOTES][240]; /* conclusions: ratios, crossings, limits */
};

void bench_init(struct bench_table *t);
/* Adds one round's sample; creates the series with these conditions (printf) if there is none. */
void bench_add(struct bench_table *t, const char *bench, const char *variant, uint64_t n,
	       uint64_t active, enum bench_metric metric, double value, const char *conditions, ...)
	__attribute__((format(printf, 8, 9)));
/* A series or NULL. */
const struct bench_result *bench_find(const struct bench_table *t, const char *bench,
				      const char *variant, uint64_t n, uint64_t active,
				      enum bench_metric metric);
/* The ratio of two series, taken round by round: a disturbance affects both in the same round. */
struct bench_ratio {
	unsigned rounds; /* that both have; 0: not comparable */
	double median, min, max;
};
/* a / b; either may be NULL. */
struct bench_ratio bench_ratio(const struct bench_result *a, const struct bench_result *b);
/* The same for computed values; `count` is at most BENCH_RUNS. */
struct bench_ratio bench_ratio_of(const double *values, unsigned count);
/* A ratio whose range exceeds this share of its median is too noisy to use. */
#define BENCH_NOISE 0.4
/* "0.94 (0.91 to 0.97)", or "too noisy (0.41 to 1.30)". Returns buf; 48 bytes suffice. */
char *bench_ratio_text(char *buf, size_t size, const struct bench_ratio *r);
/* Adds one sentence, unless it is already there. */
void bench_note(struct bench_table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Where two curves over n cross: the n up to which `a` is cheaper than `b`, interpolated on
 * logarithmic axes between measured sizes. 0: at no size; INFINITY: at every size; NAN: fewer than
 * two common sizes. `at` is for the medians, `min` and `max` for single rounds. `all_active`
 * compares the points with active == n, otherwise those with active == 1. */
struct bench_crossing {
	double at, min, max;
};
struct bench_crossing bench_crossing(const struct bench_table *t, const char *bench, const char *a,
				     const char *b, bool all_active, enum bench_metric metric);

struct bench_options {
	unsigned runs;        /* interleaved rounds, 1 to BENCH_RUNS */
	bool quick;           /* shorter rounds, smaller sizes */
	uint64_t connections; /* 0: the bench's default */
	uint64_t duration_us; /* of one measurement of connect and request; 0: default */
	uint64_t workers;     /* server processes; 0: default */
	const char *variants; /* comma separated; NULL: all */
};

#define BENCH_PROGRESS 96

/* Allocated by lab_alloc(), so that processes in the lab can fill it. */
struct bench_run {
	struct bench_options options;
	const struct host *host; /* the calling namespace */
	struct lab *lab;
	char progress[BENCH_PROGRESS];
	void (*show)(
		const char *progress);   /* called several times a second in the caller's process */
	volatile sig_atomic_t interrupt; /* interrupt_share(): no further round starts */
	struct bench_table table;
};

/* A part of a bench that runs as its own process in the lab. */
typedef int (*bench_task)(struct bench_run *run, struct err *e);
/* Runs `task` on a host of the lab, waits for it without limit and returns its value. */
int bench_in_lab(struct bench_run *run, enum lab_host host, bench_task task, struct err *e);

#define BENCH_BASELINE "floor-blocking" /* the variant that makes blocking calls */
#define BENCH_VARIANTS(table)                                                                      \
	.rows = (table), .size = sizeof(*(table)), .count = sizeof(table) / sizeof(*(table))

struct bench {
	const char *name;
	const char *summary;
	const char *n; /* what n counts */
	struct bench_variants {
		const void *rows; /* in the order of the rounds; each begins with its name */
		size_t size, count;
		bool baseline; /* there is BENCH_BASELINE too */
	} variants;
	int (*run)(struct bench_run *run, struct err *e);
};

size_t bench_count(void);
const struct bench *bench_at(size_t i);
const struct bench *bench_named(const char *name); /* NULL if unknown */
/* Checks that each variant in `list` (comma separated) belongs to one of `benches`. -EINVAL names
 * the first that does not. */
int bench_check_variants(const char *list, const struct bench *const *benches, size_t count,
			 struct err *e);
/* The name of variant i (from 0); NULL beyond the last. */
const char *bench_variant(const struct bench *b, size_t i);
bool bench_wants(const struct bench_run *run, const char *variant);

/* Call before round `i` (from 0): updates run->progress. -EINTR when the bench must stop. */
int bench_round(struct bench_run *run, const char *bench, unsigned i, struct err *e);
/* printf into run->progress. */
void bench_progress(struct bench_run *run, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
