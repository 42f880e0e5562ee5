/* proof: tries what a finding proposes, in a lab, and searches for the smallest value that does. */
#ifndef EPOLLTUNE_JUDGE_PROOF_H
#define EPOLLTUNE_JUDGE_PROOF_H

#include "epolltune/probe.h"

struct proof {
	struct settings at; /* that were tried last, or found to do */
	struct outcome outcome;
	bool halved; /* `half` is the outcome with half of it, which does not */
	struct outcome half;
};

/* Tries `p->at`, which solve() found; with scale() also more where that is not enough, and less
 * where it is. Each run has its settings in the lab; `t->lab` is left with `now`. Returns 0 when
 * p->at is enough, -ERANGE when what was tried last is not, -EAGAIN without a result, -ENOTSUP
 * where it cannot be tried (e->text says why), or another error of an experiment. */
int proof_search(struct trial *t, const struct experiment *x, const struct settings *now,
		 struct proof *p, struct err *e);
/* One run in a lab that gets the settings for it. */
int trial_run(struct trial *t, const struct experiment *x, struct settings *s, struct outcome *o,
	      struct err *e);
/* What prepare() has set stays: trial_end() does not restore it. */
void trial_keep(struct trial *t);

#endif
