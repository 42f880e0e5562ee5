/* semantics: what epoll does on the running kernel, each promise of the manual as an experiment on
 * real sockets. Counts, never clocks, so that a loaded machine gives the same answers. */
#ifndef EPOLLTUNE_SEMANTICS_H
#define EPOLLTUNE_SEMANTICS_H

#include <stddef.h>
#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/host.h"

enum semantics_state {
	SEMANTICS_SKIPPED, /* could not be set up; `detail` says why */
	SEMANTICS_AS_EXPECTED,
	SEMANTICS_DEVIATES,
};

/* One thing counted. */
struct semantics_check {
	const char *name;     /* "edge-new-data"; static text */
	const char *finding;  /* the problem a deviation is: "lost-edge"; static text */
	const char *expected; /* one sentence; static text */
	int64_t least, most;  /* expected, both ends included */
	int64_t seen;
	enum semantics_state state;
	char detail[160]; /* "" or what was skipped, or a figure that goes with it */
};

#define SEMANTICS_CHECKS 48

struct semantics {
	size_t count;
	struct semantics_check at[SEMANTICS_CHECKS];
	double spin_wakeups_per_s; /* of a level-triggered wait with an unneeded EPOLLOUT; 0:
				      skipped */
	double spin_cpu;           /* share of one CPU that it burns, 0 to 1 */
};

/* Runs every experiment on loopback sockets of the calling network namespace, as the calling
 * process, which must have no other threads or children. `h` is the live host. An experiment that
 * cannot be set up is a skipped check; an error is returned only when none could be. The static
 * texts are this program's: share the struct only among its forks. */
int semantics_run(const struct host *h, struct semantics *out, struct err *e);

#endif
