/* backlog: the two queues of a listener, for the probes that judge them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/catalogue.h"
#include "epolltune/experiment.h"
#include "epolltune/listener.h"
#include "epolltune/settings.h"
#include "epolltune/target.h"
#include "epolltune/wording.h"

/* bound() and solve() for a listener's queues. The first two knobs must be net.core.somaxconn and
 * listen.backlog; the queue holds one more than the smaller of them. A subject's queue holds one
 * more than the kernel keeps as its limit since listen(), also where somaxconn has changed. Pure.
 */
enum { BACKLOG_MAX, BACKLOG_ARGUMENT };
/* The kernel's net.core.somaxconn since Linux 5.4. */
#define SOMAXCONN_DEFAULT 4096
/* Whether of a queue's two limits somaxconn binds, not the argument of listen(). False where it is
 * hidden: before 6.11 in the network namespace of another user namespace. */
bool somaxconn_binds(int64_t limit, int64_t somaxconn);
void backlog_bound(const struct target *, const struct settings *s, struct bound *out);
/* Whether somaxconn is lower now than what the subject's listener has since listen(): the next one
 * gets less, which is the bound's part. */
bool backlog_outlasts(const struct settings *s);
bool backlog_solve(const struct target *, const struct settings *now, const struct outcome *o,
		   int64_t enough, struct settings *out);
/* The parts of that: how many sockets share the connections (SO_REUSEPORT), the limit of each, as
 * the kernel keeps it, REPORT_NONE: unknown, and how to raise that. */
size_t backlog_sockets(const struct settings *s);
int64_t backlog_limit(const struct settings *s);
/* An argument that is raised becomes what backlog_asked() says. */
void backlog_raise(const struct target *, enum listener_kind kind, int64_t limit,
		   struct settings *out);
/* The argument of listen() that every finding on one listener names: what the target asks of the
 * accept queue and, of TCP, the SYN queue of each of its sockets, rounded, and not less than
 * `usual`, the server's default. 0: `limit`, the present one, is enough for both. Pure. */
int64_t backlog_asked(const struct target *, enum listener_kind kind, size_t sockets,
		      unsigned kernel, int64_t limit, uint32_t usual);
/* The default of the server that calls listen(); 0: unknown, as that of a systemd unit. */
uint32_t backlog_usual(const struct listener *l, const struct server_row *server);
/* The same for a subject's queues of that kind. */
void backlog_subject_bound(const struct settings *s, enum listener_kind kind, struct bound *out);
/* The limit of a subject's listener; REPORT_NONE: it is not known, while that is paused. */
int64_t backlog_of_listener(const struct listener *l);
/* Why no lab shows what the subject's queue holds; NULL: one does. */
const char *backlog_untestable(const struct settings *s);
#define UNTESTABLE_GROUP "the test server has one socket, the running one several (SO_REUSEPORT)"
/* The server that a listener of `all` is of: its process, or else the subject where that is known
 * by its script. NULL: none is known; `s` NULL: there is no subject. */
const struct server_row *backlog_server(const struct listeners *all, const struct listener *l,
					const struct subject *s);
/* The row whose line sets the backlog of a listener of that server: systemd's, where that holds it
 * for a service. NULL: none. */
const struct server_row *backlog_row(const struct listener *l, const struct server_row *server);
/* Sets that name to when the line of that row, NULL: of the application, takes effect. */
void backlog_effect_word(struct wording *w, const char *name, const struct listener *l,
			 const struct server_row *row);
/* Adds what names the subject's queue and its configuration: {listener} {limit} {sockets} {sum}
 * {server} {default} {wanted} {line} {line_effect} {kernel} {raise} {somaxconn}; {listener} is ""
 * without a subject. {raise}: the kernel would cut {wanted} at somaxconn. */
void backlog_words(const struct target *, const struct settings *s, enum listener_kind kind,
		   struct wording *w);
