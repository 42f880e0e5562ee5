/* observation: what the machine itself shows, by one sample or two. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "epolltune/err.h"
#include "epolltune/host.h"
#include "epolltune/probe_options.h"
#include "epolltune/report.h"
#include "epolltune/target.h"

/* When the samples of an observation were taken. */
struct moment {
	const struct target *target;
	const struct probe_options *options;
	double seconds; /* between the two; 0: one sample, `before` equals `after` */
	bool live;      /* false: a captured machine */
};

/* The stall that the target allows, in seconds. What a server that accepts too slowly was seen to
 * do allows nothing: then at most that of the default target. */
double moment_stall_s(const struct moment *m);

struct sample; /* each probe defines its own */

/* Looks during a window. */
#define OBSERVATION_TICKS 10

struct observation {
	const char *const *walls; /* the walls that it writes, NULL at the end; NULL: none */
	size_t size;              /* bytes of its struct sample */
	bool window;              /* takes two samples, some time apart; false: one */
	/* Also of the network namespace that the check left for that of the server, where packets
	 * cross that (probe_options.outside): an observation of its own, of the same window. */
	bool outside;
	/* Fills a sample, without side effects. It comes zeroed, or as the ticks left it. The
	 * sample records what cannot be read; the only error is -ENOMEM. */
	int (*sample)(const struct host *, const struct probe_options *, struct sample *,
		      struct err *);
	/* The error of what the sample lacks to show whether this machine loses connections or
	 * packets: a file or list that could not be read; code 0: it lacks nothing. The rest is
	 * judged, and the answer is "Not known". NULL: it lacks nothing. */
	const struct err *(*unread)(const struct sample *);
	/* The shortest window that shows a loss, in microseconds, by the first sample: some
	 * counters move at intervals. 0: any. NULL: any. Pure. */
	uint64_t (*window_us)(const struct sample *);
	/* Looks again during the window, OBSERVATION_TICKS times, evenly spread. `during` becomes
	 * the second sample and comes zeroed before the first tick. NULL: no ticks. */
	int (*tick)(const struct host *, struct sample *during, struct err *);
	/* Whether the check itself has disturbed the window, after which another one is to follow:
	 * then `before` has from `after` what was disturbed. Pure. NULL: it does not. */
	bool (*again)(struct sample *before, const struct sample *after);
	void (*release)(struct sample *); /* NULL: the sample owns nothing */
	/* Writes walls and findings from the samples. Pure. */
	void (*judge)(const struct sample *before, const struct sample *after,
		      const struct moment *, struct report *);
};
