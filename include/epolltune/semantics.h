/* semantics: checks the promises of epoll's manual pages on the running kernel with real sockets.
 * Verdicts depend on counted events, not on times, so a loaded machine gives the same ones. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/host.h"

enum semantics_state {
	SEMANTICS_SKIPPED, /* could not be set up; `detail` says why */
	SEMANTICS_AS_EXPECTED,
	SEMANTICS_DEVIATES,
};

/* One counted result. */
struct semantics_check {
	const char *name;     /* "edge-new-data"; static text */
	const char *finding;  /* finding for a deviation, e.g. "lost-edge"; static text */
	const char *expected; /* one sentence; static text */
	int64_t min, max;     /* expected range, inclusive */
	int64_t seen;
	enum semantics_state state;
	char detail[160]; /* why it was skipped, or an additional figure; may be empty */
};

#define SEMANTICS_CHECKS 48

struct semantics {
	size_t count;
	struct semantics_check at[SEMANTICS_CHECKS];
	double spin_wakeups_per_s; /* wakeups with an unneeded level-triggered EPOLLOUT; 0: skipped
				    */
	double spin_cpu;           /* share of one CPU that these use, 0 to 1 */
};

/* Runs every experiment on loopback sockets of the calling network namespace, in the calling
 * process, which must have no other threads or children. `h` is the live host. An experiment that
 * cannot be set up gives skipped checks; the call fails only if none can be. The static texts
 * belong to this program: share the struct only among its forks. */
int semantics_run(const struct host *h, struct semantics *out, struct err *e);
