/* connection_memory: what the target's connections take of memory: kernel memory of this end, and
 * the own memory of the server in question. */
#pragma once

#include "epolltune/probe.h"

/* Reads into s->taken what a connection takes of kernel memory, and the connections and memory that
 * the server in question has now. `limited`: a limit of its control group applies, so that what
 * is only assumed of its own memory counts at most, too; not that of the server of --run, which
 * application.memory measures. */
void connection_memory_read(const struct host *h, bool limited, struct settings *s);
/* Reads into s->taken the connections that clients have to the server in question, and those that
 * it has opened. */
void connection_open_read(const struct host *h, struct settings *s);
/* The TCP sockets that each client of the target takes at least, or at most: a proxy has one of its
 * own to a server behind it, unless that is at a UNIX socket; one that has a listener of its own
 * behind it has those to and of that besides. Pure. */
uint64_t connection_sides(const struct target *, const struct settings *, bool most);
/* The same of connections: that to its own listener has two of these sockets. Pure. */
uint64_t connection_flows(const struct target *, const struct settings *, bool most);
/* The sockets that it has of these: a proxy has one of its own for a client only while that has a
 * request, or kept from the last one. Pure. */
uint64_t connection_sockets_open(const struct target *, const struct settings *);
/* The target with as many more connections as make target_sockets() what the server has for it at
 * least, or at most: one that has a listener of its own behind it accepts a client again. Pure. */
struct target connection_target(const struct target *, const struct subject *, bool most);
/* What is needed of something where `open` of `all` is in use already: at least `next`, that of the
 * client that comes next, as a server at its target takes new ones too. Pure. */
uint64_t connection_needed(uint64_t all, uint64_t open, uint64_t next);
/* The sockets of the target that the server does not have open yet, by connection_needed(). Pure.
 */
uint64_t connection_sockets_left(const struct target *, const struct settings *);
/* Sets what the target's connections need besides what those that are open have. Pure. */
void connection_memory_bound(const struct target *, const struct settings *, struct bound *out);
/* Bytes to propose where so many are left: where these are short of the need, for the busy
 * connections of a known server; otherwise for all that they may take. Pure. */
uint64_t connection_memory_enough(const struct target *, const struct settings *, int64_t left);
/* Kernel memory of a connection: measured, read, or assumed. Pure. */
uint64_t connection_memory_kernel(const struct settings *);
/* Adds {each} {basis}, {own}: sentences about the server's memory, and {range}: the need has an
 * upper end, too. Pure. */
void connection_memory_words(const struct target *, const struct settings *, struct wording *w);
