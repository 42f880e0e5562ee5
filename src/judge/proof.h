/* proof: tries a finding's proposal in a lab and searches for the smallest value that suffices. */
#pragma once

#include "epolltune/probe.h"

struct proof {
	struct settings at;     /* proven, or tried last */
	struct outcome outcome; /* with `at` */
	bool halved;            /* half of `at` was tried and does not suffice */
	struct outcome half;    /* with half of `at` */
	/* The backlog of the server's listener where that of the line is higher; 0: it is not. */
	uint64_t kept;
};

/* Tries `p->at`, which solve() found; with scale() also larger values if it does not suffice, and
 * smaller ones if it does. Restores `now` in t->lab. Returns 0 if p->at suffices, -ERANGE if no
 * value tried does, -EAGAIN without a result, -ENOTSUP if it cannot be tried (e->text says why), or
 * another error of an experiment. */
int proof_search(struct trial *t, const struct experiment *x, const struct settings *now,
		 struct proof *p, struct err *e);
/* The same on the operator's server (--run) with the line of its configuration that sets a limit of
 * its own, in a lab of its own. `line`: what it is, a noun; "": there is none to try. */
int proof_search_line(struct trial *t, const struct experiment *x, const struct settings *now,
		      struct proof *p, char line[GUEST_LINE], struct err *e);
/* Sets the settings in the lab and runs the experiment, again while it is inconclusive and may be.
 */
int trial_run(struct trial *t, const struct experiment *x, struct settings *s, struct outcome *o,
	      struct err *e);
/* Keeps what prepare() has set: trial_end() will not restore it. */
void trial_keep(struct trial *t);
