/* since: what the kernel has counted since an earlier report. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "epolltune/host.h"
#include "epolltune/probe_options.h"
#include "epolltune/report.h"
#include "epolltune/wording.h"

/* Groups of counters: "TcpExt" of "TcpExt.ListenDrops". The kernel has fewer. */
#define SINCE_GROUPS 16

/* Whether a counter began again at 0 in between: after a reboot, in another network namespace, as a
 * container has one after a restart, or one of its group is smaller than in the report, as after a
 * module was loaded again; where it is not known that this is the same boot, one of any group. Then
 * the total is what is known of the time since. */
enum since_reset { SINCE_CONTINUED, SINCE_REBOOT, SINCE_NETNS, SINCE_RESTART };

/* What the kernel has counted since an earlier report. */
struct since {
	const struct report *report; /* NULL: none to compare with */
	const struct host_counters *now;
	enum since_reset all; /* of all counters: SINCE_REBOOT, SINCE_NETNS or SINCE_CONTINUED */
	bool began;           /* it is how this check began to observe the server */
	bool same_boot;       /* this machine has not booted since; false: unknown, too */
	/* Of each group one that is smaller than in the report. */
	const char *restarted[SINCE_GROUPS];
	size_t restarted_count;
};

/* Of the options' report. `here`: of this machine, "": unknown. Pure, as are those below. */
struct since since_make(const struct probe_options *o, const struct host_identity *here,
			const struct host_counters *now);
enum since_reset since_reset(const struct since *, const char *counter);
/* The growth of a counter since the report, or since the reset; -1: unknown. */
int64_t since_growth(const struct since *, const char *counter);
/* The drops of a TCP listener since then; 0: none, or unknown. They count packets, stray FIN and
 * RST included. */
uint64_t since_drops(const struct since *, const struct listener *);
/* Sets {report}, its time; {since}, "since the report of … (2 hours ago)", and {after}, "since …",
 * which name the reset after one; the flags {reboot}, {netns} and {in_place}: experiments of that
 * report count too. `reset`: of the counters in question; `now`: the time of the new report. */
void since_words(const struct since *, enum since_reset reset, struct timespec now,
		 struct wording *);
