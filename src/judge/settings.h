/* settings: reads the knobs that an experiment depends on, and sets them in a lab. */
#pragma once

#include "epolltune/probe.h"

#define SOMAXCONN_KNOB "net.core.somaxconn"
#define LISTEN_KNOB "listen.backlog"

/* Reads the experiment's knobs from the host; `m` is that machine. A value that cannot be read is
 * REPORT_NONE. */
void settings_read(const struct experiment *x, const struct host *h, const struct machine *m,
		   const struct probe_options *o, struct settings *s);
/* Sets the lab's knobs. If the lab's somaxconn is fixed (unprivileged before Linux 6.11), lowers
 * the backlog of `s` to emulate it and sets *emulated; -ENOTSUP, with the reason as a clause, if
 * that is not possible. */
int settings_enter(const struct experiment *x, struct lab *lab, struct settings *s, bool *emulated,
		   struct err *e);
/* Rounds the values that differ from `now` up by the rules of their knobs, and updates their text.
 * False: a value exceeds its knob's maximum. */
bool settings_round(const struct experiment *x, const struct settings *now, struct settings *s);
/* Whether knob i differs between `a` and `b`. */
bool settings_differ(const struct settings *a, const struct settings *b, size_t i);
/* Writes knob i of both for a proposal: as sysctl does, or of a resource limit the one number that
 * changes. */
void settings_show(const struct experiment *x, size_t i, const struct settings *now,
		   const struct settings *then, char current[80], char proposed[80]);
/* The field of a resource limit that differs; LIMIT_NONE for other knobs. */
enum limit_field settings_field(const struct experiment *x, size_t i, const struct settings *now,
				const struct settings *then);
/* The number of the experiment's knobs. */
size_t settings_count(const struct experiment *x);
