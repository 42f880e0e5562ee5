/* settings: the knobs that an experiment stands on, read from the host and set in a lab. */
#ifndef EPOLLTUNE_JUDGE_SETTINGS_H
#define EPOLLTUNE_JUDGE_SETTINGS_H

#include "epolltune/probe.h"

/* Reads all that an experiment stands on. What cannot be read is REPORT_NONE. */
void settings_read(const struct experiment *x, const struct host *h, const struct probe_options *o,
		   struct settings *s);
/* Sets the lab's knobs to these. Where its somaxconn is fixed (unprivileged before Linux 6.11), the
 * backlog of `s` is lowered to stand in for it, and *emulated is set; -ENOTSUP, with a clause that
 * says why, where nothing can. */
int settings_enter(const struct experiment *x, struct lab *lab, struct settings *s, bool *emulated,
		   struct err *e);
/* Rounds what differs from `now` up, as the knobs say, and writes it as text. False: a value would
 * be above its knob's maximum. */
bool settings_round(const struct experiment *x, const struct settings *now, struct settings *s);
/* Whether knob i differs. */
bool settings_differ(const struct settings *a, const struct settings *b, size_t i);
/* Knob i of both as a proposal shows it: as sysctl writes it; of a resource limit the one number
 * that changes. */
void settings_show(const struct experiment *x, size_t i, const struct settings *now,
		   const struct settings *then, char current[80], char proposed[80]);
/* Which field of a resource limit differs: "soft", "hard"; "" of other knobs. */
const char *settings_field(const struct experiment *x, size_t i, const struct settings *now,
			   const struct settings *then);
size_t settings_count(const struct experiment *x);

#endif
