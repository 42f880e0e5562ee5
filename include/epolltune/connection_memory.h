/* connection_memory: what the target's connections take of memory: kernel memory of this end, and
 * the own memory of the server in question. */
#pragma once

#include "epolltune/probe.h"

/* Reads what a connection takes into s->taken: kernel memory, and what is known of the server.
 * `limited`: a limit of its control group applies, so that the server's own memory has an upper
 * bound, too; the server of --run has none, as application.memory measures it. */
/* The least of its own memory that a server takes for a connection, of an unknown one 0. Pure. */
uint64_t connection_memory_least(const struct server_row *row);
/* The bounds of the own memory of a connection, by the row of the server (NULL: none) and its
 * memory, 0: unknown: t->own_bytes and t->open are set. Pure. */
void connection_memory_own(const struct server_row *row, uint64_t memory, struct taken *t);
void connection_memory_read(const struct host *h, bool limited, struct settings *s);
/* Sets what the target's connections need besides those that are open, at least and at most. Pure.
 */
void connection_memory_bound(const struct target *, const struct settings *, struct bound *out);
/* Bytes to propose where so many are left: where these are short of the least, for the busy
 * connections of a known server; otherwise for all that they may take. Pure. */
uint64_t connection_memory_enough(const struct target *, const struct settings *, int64_t left);
/* Kernel memory of a connection: measured, read, or assumed. Pure. */
uint64_t connection_memory_kernel(const struct settings *);
/* Adds {each} {basis}, {own}: sentences about the server's memory, and {range}: the need has an
 * upper bound, too. Pure. */
void connection_memory_words(const struct settings *, bool limited, struct wording *w);
