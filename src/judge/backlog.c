/* The bound of a listener's queues: from somaxconn and backlog, or as a running server has it. */
#include "epolltune/knob.h"
#include "epolltune/probe.h"
#include "epolltune/quantity.h"
#include "epolltune/syn_queue.h"
#include "epolltune/sysctls.h"
#include "judge/settings.h"

#define NFS_PORT 2049

bool somaxconn_binds(int64_t limit, int64_t somaxconn)
{
	return somaxconn != REPORT_NONE && limit >= somaxconn;
}

bool backlog_outlasts(const struct settings *s)
{
	int64_t somaxconn = s->at[BACKLOG_MAX][0];
	return s->subject && !s->guest && somaxconn != REPORT_NONE &&
	       !subject_is_unheld(s->subject) && s->at[BACKLOG_ARGUMENT][0] > somaxconn;
}

void backlog_subject_bound(const struct settings *s, enum listener_kind kind, struct bound *out)
{
	struct subject_queue q = subject_queue(s->subject, kind);
	int64_t argument = s->at[BACKLOG_ARGUMENT][0];
	bool paused = q.smallest && q.smallest->paused;
	out->origin = paused ? OF_ASSUMPTION : s->guest ? OF_SETTINGS : OF_RUNNING;
	bool cut = s->subject && s->subject->cut >> kind & 1;
	out->unread = cut ? SUBJECT_CUT : NULL;
	/* kernel_listen() takes its argument past somaxconn: net/socket.c, __sys_listen(). */
	if (!subject_is_unheld(s->subject))
		out->binding = somaxconn_binds(argument, s->at[BACKLOG_MAX][0]) ? BACKLOG_MAX
										: BACKLOG_ARGUMENT;
	if (!q.smallest) {
		out->state = cut ? BOUND_LIMIT : BOUND_ABSENT;
	} else if (argument != REPORT_NONE) {
		out->capacity = (int64_t)subject_spread((uint64_t)argument + 1, q.sockets);
		if (backlog_outlasts(s)) {
			uint64_t each = (uint64_t)s->at[BACKLOG_MAX][0] + 1;
			out->part.capacity = (int64_t)subject_spread(each, q.sockets);
			out->part.problem = "restart";
		}
	} else {
		out->state = BOUND_MISSING;
		out->why = "The server accepts none now, by listen(fd, 0): what its backlog is "
			   "otherwise is not visible.";
	}
}

int64_t backlog_of_listener(const struct listener *l)
{
	return l->paused && !l->limit ? REPORT_NONE : l->limit;
}

size_t backlog_sockets(const struct settings *s)
{
	return s->subject ? subject_queue(s->subject, LISTENER_TCP).sockets : 1;
}

int64_t backlog_limit(const struct settings *s)
{
	int64_t somaxconn = s->at[BACKLOG_MAX][0], argument = s->at[BACKLOG_ARGUMENT][0];
	if (s->subject || somaxconn == REPORT_NONE)
		return s->subject ? argument : REPORT_NONE;
	return argument < somaxconn ? argument : somaxconn;
}

void backlog_bound(const struct target *target, const struct settings *s, struct bound *out)
{
	int64_t somaxconn = s->at[BACKLOG_MAX][0], argument = s->at[BACKLOG_ARGUMENT][0];
	if (s->subject) {
		backlog_subject_bound(s, LISTENER_TCP, out);
		return;
	}
	out->binding = argument < somaxconn ? BACKLOG_ARGUMENT : BACKLOG_MAX;
	if (somaxconn != REPORT_NONE)
		out->capacity = backlog_limit(s) + 1;
}

int64_t backlog_asked(const struct target *t, enum listener_kind kind, size_t sockets,
		      unsigned kernel, int64_t limit, uint32_t usual)
{
	uint64_t accept = subject_part(report_margin(target_accept_queue(t)), sockets),
		 syn = subject_part(report_margin(target_syn_queue(t)), sockets);
	int64_t enough = (int64_t)accept - 1, half_open = syn_queue_limit((int64_t)syn, kernel);
	if (kind == LISTENER_TCP && half_open > enough)
		enough = half_open;
	if (limit >= enough)
		return 0;
	return knob_round(knob_find(LISTEN_KNOB), enough < usual ? usual : enough);
}

void backlog_raise(const struct target *target, enum listener_kind kind, int64_t limit,
		   struct settings *out)
{
	struct subject_queue q = {.sockets = 1};
	if (out->subject)
		q = subject_queue(out->subject, kind);
	/* One value of the argument for both queues, whichever of them is too short. */
	if (out->at[BACKLOG_ARGUMENT][0] != REPORT_NONE && out->at[BACKLOG_ARGUMENT][0] < limit) {
		uint32_t usual =
			q.smallest ? backlog_usual(q.smallest, subject_row(out->subject)) : 0;
		int64_t asked = backlog_asked(target, kind, q.sockets, out->machine.kernel,
					      out->at[BACKLOG_ARGUMENT][0], usual);
		limit = asked > limit ? asked : limit;
	}
	if (subject_is_unheld(out->subject))
		return;
	for (int i = BACKLOG_MAX; i <= BACKLOG_ARGUMENT; i++)
		if (out->at[i][0] != REPORT_NONE && out->at[i][0] < limit)
			out->at[i][0] = limit;
}

bool backlog_solve(const struct target *target, const struct settings *now, const struct outcome *o,
		   int64_t enough, struct settings *out)
{
	backlog_raise(target, LISTENER_TCP,
		      (int64_t)subject_part((uint64_t)enough, backlog_sockets(now)) - 1, out);
	return true;
}

const char *backlog_untestable(const struct settings *s)
{
	if (!s->subject || s->guest)
		return NULL;
	if (subject_queue(s->subject, LISTENER_TCP).sockets > 1)
		return UNTESTABLE_GROUP;
	if (s->at[BACKLOG_MAX][0] == REPORT_NONE)
		return "net.core.somaxconn is not visible here";
	/* The lab's test server would get less than the running one has. */
	if (backlog_outlasts(s))
		return "net.core.somaxconn is lower now than when the server called listen()";
	return NULL;
}

const struct server_row *backlog_server(const struct listeners *all, const struct listener *l,
					const struct subject *s)
{
	const struct server_row *row =
		l->owner < 0 ? NULL : server_row_find(all->processes[l->owner].name);
	return row || !subject_has(s, l) ? row : subject_row(s);
}

const struct server_row *backlog_row(const struct listener *l, const struct server_row *server)
{
	return l->systemd ? server_row_find("systemd") : server;
}

/* Whether systemd has made the socket: its unit has the backlog. */
static bool is_activated(const struct listener *l, const struct server_row *server)
{
	return backlog_row(l, server) == server_row_find("systemd");
}

uint32_t backlog_usual(const struct listener *l, const struct server_row *server)
{
	return is_activated(l, server) ? 0 : server_backlog(server);
}

void backlog_effect_word(struct wording *w, const char *name, const struct listener *l,
			 const struct server_row *server)
{
	/* systemd does not start a socket unit whose service runs (socket_start(), EBUSY). */
	wording_set(
		w, name, "%s",
		l->systemd
			? "after systemctl daemon-reload, systemctl stop NAME.socket NAME.service, "
			  "then systemctl start NAME.socket NAME.service; a server that calls listen() itself, as gunicorn "
			  "does, sets its own"
		: server ? server->backlog_effect
			 : "after a restart");
}

static void line_word(struct wording *w, const struct listener *l, const struct server_row *server,
		      uint64_t backlog)
{
	char text[WORDING_TEXT];
	wording_set(w, "wanted", "%s", quantity_plain(backlog).text);
	wording_set(w, "server", "%s", server ? server->name : "");
	wording_set(w, "default", "%s", server ? server->backlog : "");
	wording_set(w, "line", "%s",
		    server_line(server ? server->backlog_line : NULL, "backlog", backlog, text,
				sizeof(text)));
	backlog_effect_word(w, "line_effect", l, server);
}

/* Whether the kernel has cut the queue below the server's default, or may have cut it at one of its
 * own, and would not now. systemd makes its sockets again with their unit. */
static bool is_cut(const struct subject *s, const struct listener *l, int64_t somaxconn, bool guest)
{
	const struct server_row *server = subject_row(s);
	return !guest && (int64_t)l->limit < somaxconn &&
	       (backlog_usual(l, server) > l->limit ||
		(!is_activated(l, server) && backlog_usual(l, server) != l->limit &&
		 sysctl_is_own("net.core.somaxconn", 0, l->limit)));
}

void backlog_words(const struct target *target, const struct settings *s, enum listener_kind kind,
		   struct wording *w)
{
	struct subject_queue q = {0};
	char name[WORDING_TEXT];
	int64_t somaxconn = s->at[BACKLOG_MAX][0];
	wording_set(w, "listener", "%s", "");
	if (s->subject)
		q = subject_queue(s->subject, kind);
	if (!q.smallest)
		return;
	const struct server_row *server = subject_row(s->subject);
	int64_t wanted = backlog_asked(target, kind, q.sockets, s->machine.kernel, 0,
				       backlog_usual(q.smallest, server));
	wording_set(w, "listener", "%s",
		    listener_name(&s->subject->listeners, q.smallest, name, sizeof(name)));
	wording_set(w, "limit", "%u", q.smallest->limit);
	wording_flag(w, "paused", q.smallest->paused);
	wording_set(w, "sockets", "%s", q.sockets > 1 ? quantity_count(q.sockets).text : "");
	wording_set(w, "sum", "%s", quantity_count(q.sum).text);
	bool unheld = subject_is_unheld(s->subject);
	wording_flag(w, "unheld", unheld);
	wording_flag(w, "nfs", unheld && q.smallest->port == NFS_PORT);
	wording_flag(w, "kernel", !unheld && somaxconn_binds(q.smallest->limit, somaxconn));
	wording_flag(w, "cut", is_cut(s->subject, q.smallest, somaxconn, s->guest));
	wording_set(w, "somaxconn", "%s",
		    somaxconn == REPORT_NONE || unheld ? ""
						       : quantity_plain((uint64_t)somaxconn).text);
	wording_flag(w, "raise", somaxconn_binds(wanted - 1, somaxconn));
	line_word(w, q.smallest, backlog_row(q.smallest, server), (uint64_t)wanted);
}
