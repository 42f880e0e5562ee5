/* verdict: what settings, and the outcome of an experiment, make of a wall. Pure: values in, values
 * out, so that a case is a row of a test. */
#ifndef EPOLLTUNE_JUDGE_VERDICT_H
#define EPOLLTUNE_JUDGE_VERDICT_H

#include "epolltune/probe.h"

/* What bound() says, with the catalogue's need and what it left out filled in. */
struct bound bound_of(const struct experiment *x, const struct target *t, const struct settings *s);
/* The wall by its settings alone. */
void wall_inspect(const struct experiment *x, const struct target *t, const struct settings *s,
		  struct wall *w);
/* The same wall once an experiment was run at these settings. One that was not conclusive leaves
 * what the settings say, as derived, and says why. */
void wall_measure(const struct experiment *x, const struct target *t, const struct settings *s,
		  const struct outcome *o, struct wall *w);
/* An experiment that was due is not there. */
void wall_miss(struct wall *w, const char *why);
/* Whether the outcome at these settings is enough for the verdict ok. */
bool outcome_suffices(const struct experiment *x, const struct target *t, const struct settings *s,
		      const struct outcome *o);

/* The settings that would make the wall ok. `o`: the outcome at `now`, or NULL. False: there are
 * none. */
bool settings_solve(const struct experiment *x, const struct target *t, const struct settings *now,
		    const struct outcome *o, struct settings *out);
/* Adds the finding of a wall that is tight or short: who has to act, what is proposed (`then`,
 * NULL: nothing does), in the words of the catalogue. NULL when the wall is neither. */
struct finding *wall_finding(const struct experiment *x, const struct target *t,
			     const struct settings *now, const struct settings *then,
			     const struct outcome *o, const struct wall *w, struct report *r);
/* Adds the metrics, NAN beside NAN left out. `then`: NULL when nothing was tried. */
void metrics_report(const struct experiment *x, const struct outcome *now,
		    const struct outcome *then, struct finding *f);
struct outcome outcome_blank(void);

#endif
