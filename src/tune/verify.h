/* verify: whether the changes of a plan improved their walls, by a check before and after. Pure. */
#pragma once

#include <stdbool.h>

#include "epolltune/report.h"
#include "tune/change.h"

struct verification {
	const struct plan *plan;
	const struct report *before, *after;
	bool foreign;       /* `before` is of another machine */
	bool other_subject; /* `before` is of a server that runs, `after` of a new one */
	bool doubtful;      /* a wall is not proven, or still short */
};

/* -ECANCELED if a change did not improve its wall, or a wall became worse that the plan can move:
 * by one of its knobs, by memory, by another setting of an interface; or any that an experiment
 * finds far lower. Sets `doubtful`. */
int verify_plan(struct verification *v, struct err *e);
/* Whether a wall became worse that the plan does not move: by the use of the machine meanwhile. */
bool verify_unrelated(const struct verification *v, const struct wall *after);
/* Whether a change is not proven; if so, `text` says why. */
bool verify_unproven(const struct verification *v, const struct change *c, char text[80]);
