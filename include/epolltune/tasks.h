/* tasks: the processes or threads that a server starts for each of the target's connections. */
#pragma once

#include "epolltune/probe.h"

/* Whether the subject starts a process or a thread for each connection. `s`: NULL does not. */
bool tasks_each(const struct subject *s);
/* Reads into s->taken the connections that it has, and its processes, or threads where each
 * connection has one, now. */
void tasks_read(const struct host *h, struct settings *s);
/* Sets what the target's connections that are not open yet need. Pure. */
void tasks_need(const struct target *t, const struct settings *s, struct bound *b);
/* Adds {server}, {threads}: it has one for each connection, and {range}: the need has an upper end,
 * too. Pure. */
void tasks_words(const struct target *t, const struct settings *s, struct wording *w);
