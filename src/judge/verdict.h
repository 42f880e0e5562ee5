/* verdict: judges a wall by its settings and the outcome of its experiment. All functions are pure,
 * so that a unit test is a table of cases. */
#pragma once

#include "epolltune/probe.h"

/* The limit by the experiment's rules, and the need, by which its wall is judged. */
struct bound bound_of(const struct experiment *x, const struct target *t, const struct settings *s);
/* Judges the wall by its settings alone. */
void wall_inspect(const struct experiment *x, const struct target *t, const struct settings *s,
		  struct wall *w);
/* Judges the wall after an experiment at these settings. If it was not conclusive, the wall is
 * derived from the settings, with the reason. */
void wall_measure(const struct experiment *x, const struct target *t, const struct settings *s,
		  const struct outcome *o, struct wall *w);
/* Adds to the reason why it has none what else happened meanwhile. */
void outcome_dropped(struct outcome *o, const char *clause);
/* Marks the wall's experiment as missed; `why` is a clause. */
void wall_miss(struct wall *w, const char *why);
/* Whether the outcome at these settings gives the verdict ok. */
bool outcome_suffices(const struct experiment *x, const struct target *t, const struct settings *s,
		      const struct outcome *o);

/* Finds settings that make the wall ok, rounded. `o`: the outcome at `now`, or NULL. False: there
 * are none. */
bool settings_solve(const struct experiment *x, const struct target *t, const struct settings *now,
		    const struct outcome *o, struct settings *out);
/* Adds the finding of a wall that is tight or short, with remedy and proposals (`then`; NULL: no
 * settings suffice). Returns NULL if the wall is neither. */
struct finding *wall_finding(const struct experiment *x, const struct target *t,
			     const struct settings *now, const struct settings *then,
			     const struct outcome *o, const struct wall *w, struct report *r);
/* Adds the metrics that have a value, and the course, as evidence. `then`: NULL if no proposal was
 * tried. */
void metrics_report(const struct experiment *x, const struct outcome *now,
		    const struct outcome *then, struct finding *f);
/* An outcome without values: REPORT_NONE, NAN, "" and false. */
struct outcome outcome_blank(void);
