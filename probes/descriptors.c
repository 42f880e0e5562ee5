/* Measures how many connections a process and the machine can hold, and what a server does when it
 * cannot accept one more.
 *
 * The test server fills its own limit: with connections up to the target and its margin, then with
 * duplicates of one descriptor, which count against RLIMIT_NOFILE but not against fs.file-max. The
 * probe reads limits that the whole machine shares and never exhausts them. */
#include "epolltune/probe.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "epolltune/connection_memory.h"
#include "epolltune/doing.h"
#include "epolltune/knob.h"
#include "epolltune/quantity.h"
#include "epolltune/watches.h"

/* Knobs, fields and metrics of descriptors.process. */
enum { NOFILE, NR_OPEN, WATCHES };
enum { SOFT, HARD };
enum { HELD, WAKEUPS };

/* Knobs of descriptors.system and epoll.watches. */
enum { LIMIT, IN_USE };

/* Minimum that a server holds: standard streams, an epoll set and a listener. */
#define SERVER_HOLDS 5
/* Maximum number of real connections. */
#define HOLD_CONNECTIONS 20000
#define HOLD_STEP 2048
/* Maximum number of duplicates: the kernel's default of fs.nr_open. */
#define FILL_DESCRIPTORS (1u << 20)
#define HOLD_TIMEOUT_MS 30000
#define SPIN_US 30000
#define TALK_REQUESTS 500
/* Of a connection, which count. */
#define ENDS 2
/* Minimum number of connections to measure the memory of one. */
#define WEIGHED_CONNECTIONS 1000

struct context {
	/* The test server at its limit. */
	struct hold {
		uint64_t goal;
		uint64_t connections; /* accepted */
		int end_errno;        /* of the limit; 0: the goal was reached first */
		struct server_filled filled;
		struct server_spin spin;
		uint64_t slab_bytes; /* of all connections, both ends; 0: unknown */
		bool by_cache;       /* slab_bytes was counted by slab cache */
		uint64_t request_p50_ns;
	} hold;
	struct host_slab_memory before, after; /* before and after opening the connections */
};

static int64_t held_by(const struct target *t, const struct settings *s)
{
	if (!s->taken.held)
		return SERVER_HOLDS;
	return (int64_t)subject_held(s->subject, s->taken.held, t->role == TARGET_PROXY);
}

/* Of the limit in that field. */
static int64_t files_of(const struct settings *s, int field)
{
	return host_nofile_bound(s->at[NOFILE][field], s->at[NR_OPEN][0]);
}

static bool nr_open_binds(const struct settings *s, int field)
{
	return files_of(s, field) < s->at[NOFILE][field];
}

/* The descriptors that each connection takes. */
static int64_t files_each(const struct settings *s)
{
	const struct server_row *row = subject_row(s->subject);
	return row && row->files_per_client ? (int64_t)row->files_per_client : 1;
}

/* The connections that so many descriptors allow. */
static int64_t connections_in(const struct target *t, const struct settings *s, int64_t limit)
{
	if (limit == INT64_MAX || limit == REPORT_NONE)
		return limit;
	uint64_t each =
		limit > held_by(t, s) ? (uint64_t)((limit - held_by(t, s)) / files_each(s)) : 0;
	return (int64_t)subject_spread(each, subject_sharing(s->subject));
}

static int64_t connections_of(const struct target *t, const struct settings *s, int field)
{
	return connections_in(t, s, files_of(s, field));
}

/* SOFT if the hard limit suffices, otherwise HARD. */
static int field_to_raise(const struct target *t, const struct settings *s, int64_t enough)
{
	return connections_in(t, s, s->at[NOFILE][HARD]) >= enough ? SOFT : HARD;
}

/* The limit of each process with which they hold that many connections. */
static int64_t limit_for(const struct target *t, const struct settings *s, int64_t enough)
{
	return (int64_t)subject_part((uint64_t)enough, subject_sharing(s->subject)) *
		       files_each(s) +
	       held_by(t, s);
}

static void nofile_read(const struct host *h, struct settings *s)
{
	const struct subject *holder = s->subject;
	const struct server_row *row = subject_row(holder);
	if (holder)
		s->taken.held = holder->held;
	/* The class of its workers. */
	if (row && row->set[SERVER_CLIENTS].class_preset && !s->guest)
		subject_clients_read(h, holder, &s->clients, NULL);
}

/* Why the limit of one process does not bound the connections of the server; NULL: it does. */
static const char *unbounded(const struct settings *s)
{
	const struct subject *holder = s->subject;
	const struct server_row *row = subject_row(holder);
	if (subject_is_unheld(holder))
		return "No process has a descriptor of the server's sockets: the kernel serves "
		       "them, or io_uring.";
	if (subject_forks(holder))
		return "Each connection has a process of its own, so that a limit on the "
		       "descriptors of one does not bound their number.";
	if (s->clients.class || (row && row->few_each))
		return "Each process of the server has few connections, by a limit of its own, so "
		       "that a limit on its descriptors does not bound their number.";
	return NULL;
}

static uint64_t sockets_all(const struct target *t, const struct settings *s)
{
	return target_sockets(t);
}

/* Of one that has a listener of its own behind it, how many is not certain. */
static void sockets_bound(const struct target *t, const struct settings *s, struct bound *b,
			  uint64_t (*sockets)(const struct target *, const struct settings *))
{
	const struct target least = connection_target(t, s->subject, false);
	const struct target most = connection_target(t, s->subject, true);
	b->need.min = (int64_t)sockets(&least, s);
	if (most.connections <= least.connections)
		return;
	b->need.max = (int64_t)sockets(&most, s);
	b->need.unsure = true;
}

/* A running process has the soft limit that it was started with, or has raised itself. */
static void subject_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	const struct subject *holder = s->subject;
	const struct target most = connection_target(t, holder, true);
	b->origin = OF_RUNNING;
	sockets_bound(t, s, b, sockets_all);
	b->why = unbounded(s);
	if (b->why || holder->activated)
		b->state = BOUND_ABSENT;
	if (b->why)
		return;
	b->unread =
		holder->veiled ? "What processes of the server have open (CAP_SYS_PTRACE)" : NULL;
	b->capacity = connections_of(t, s, SOFT);
	b->binding = nr_open_binds(s, SOFT) ? NR_OPEN : NOFILE;
	/* That of one process, where more may accept. */
	if ((subject_uncertain(holder) || holder->may_hand) && b->capacity != REPORT_NONE &&
	    b->capacity < (int64_t)target_sockets(&most)) {
		b->capacity = REPORT_NONE;
		if (b->state == BOUND_LIMIT)
			b->state = BOUND_UNKNOWN;
	}
}

static struct quantity_shown limit_show(int64_t limit)
{
	if (limit == REPORT_NONE)
		return (struct quantity_shown){"unknown"};
	if (limit == INT64_MAX)
		return (struct quantity_shown){"unlimited"};
	return quantity_count((uint64_t)limit);
}

static void process_bound(const struct target *target, const struct settings *s, struct bound *b)
{
	if (s->subject) {
		subject_bound(target, s, b);
		return;
	}
	b->binding = nr_open_binds(s, HARD) ? NR_OPEN : NOFILE;
	b->capacity = connections_of(target, s, HARD);
	b->part.capacity = connections_of(target, s, SOFT);
}

static bool process_solve(const struct target *target, const struct settings *now,
			  const struct outcome *o, int64_t enough, struct settings *out)
{
	int64_t *limit = &out->at[NOFILE][field_to_raise(target, now, enough)],
		*nr_open = out->at[NR_OPEN];
	int64_t files = limit_for(target, now, enough);
	if (*limit < files)
		*limit = files;
	if (nr_open_binds(now, now->subject ? SOFT : HARD) && *nr_open < files)
		*nr_open = files;
	return true;
}

/* Names the server and its line; {who} is "" without one. */
static void subject_words(const struct subject *subject, int64_t proposed, struct wording *w)
{
	char line[WORDING_TEXT];
	wording_set(w, "who", "%s", "");
	if (!subject)
		return;
	const struct server_row *server = subject_row(subject);
	if (subject->pid)
		wording_set(w, "who", "%s (pid %d)", subject->name, (int)subject->pid);
	else
		wording_set(w, "who", "%s",
			    subject->listeners.cut ? "A process that was not found"
						   : "A process that this user cannot see");
	wording_set(w, "holder", "%s", subject->held ? wording_get(w, "who") : "any server");
	wording_set(w, "processes", "%s",
		    subject_sharing(subject) > 1 ? quantity_count(subject->accepting).text : "");
	size_t uncertain = subject_uncertain(subject);
	wording_flag(w, "hands", subject->may_hand);
	wording_set(w, "files", "%s",
		    server && server->files_per_client
			    ? quantity_count(server->files_per_client).text
			    : "");
	wording_set(w, "unshown", "%s", uncertain ? quantity_count(uncertain).text : "");
	unit_words(w, unit_service(subject->unit), subject->manager);
	wording_set(w, "server", "%s", server ? server->name : "");
	wording_set(w, "line", "%s",
		    server_line(server ? server->files_line : NULL, "files", (uint64_t)proposed,
				line, sizeof(line)));
}

static void limits_words(const struct target *target, const struct settings *s,
			 const struct outcome *o, const struct bound *b, struct wording *w)
{
	int64_t soft = s->at[NOFILE][SOFT], hard = s->at[NOFILE][HARD];
	const struct target most = connection_target(target, s->subject, true);
	int64_t enough = (int64_t)report_margin(target_sockets(&most));
	int64_t proposed = knob_round(knob_find("RLIMIT_NOFILE"), limit_for(target, s, enough));
	wording_set(w, "soft", "%s", limit_show(soft).text);
	wording_set(w, "hard", "%s", limit_show(hard).text);
	wording_set(w, "held", "%" PRId64, held_by(target, s));
	wording_set(w, "holder", "%s", s->taken.held ? "the test server" : "any server");
	subject_words(s->subject, proposed, w);
	wording_set(w, "inner", "%s", s->subject ? s->subject->behind.own : "");
	bool open = nr_open_binds(s, s->subject ? SOFT : HARD);
	wording_set(w, "nr_open", "%s", open ? limit_show(s->at[NR_OPEN][0]).text : "");
	if (o && !isnan(o->metric[WAKEUPS]))
		wording_set(w, "wakeups", "%s",
			    quantity_measured(QUANTITY_COUNT, (uint64_t)o->metric[WAKEUPS]).text);
}

static uint64_t min(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* The number of connections to open: the target and its margin, and enough to measure the memory of
 * one, within the limits of server and machine. */
static uint64_t hold_goal(const struct target *target, const struct settings *s)
{
	const struct machine *m = &s->machine;
	uint64_t goal = min(report_margin(target_sockets(target)), HOLD_CONNECTIONS);
	if (goal < WEIGHED_CONNECTIONS)
		goal = WEIGHED_CONNECTIONS;
	uint64_t room = s->subject ? goal : (uint64_t)connections_of(target, s, HARD);
	if (room < goal) /* a few more than it can accept, so that accept() fails */
		goal = room + 4;
	goal = min(goal, machine_share(machine_files_left(m)) / ENDS);
	if (s->at[WATCHES][0] != REPORT_NONE)
		goal = min(goal, machine_share((uint64_t)s->at[WATCHES][0]) / ENDS);
	if (m->room_bytes)
		goal = min(goal, machine_share(m->room_bytes) / ENDS / (ENDS * CONNECTION_BYTES));
	return goal;
}

/* More handshakes at a time than the SYN queue holds would be logged. In place it is the caller's.
 */
static uint64_t hold_step(const struct trial *t)
{
	char value[KNOB_VALUE];
	int64_t somaxconn;
	if (lab_knob_get(t->lab, LAB_SERVER, "net.core.somaxconn", value, sizeof(value), NULL) ||
	    knob_field(value, 0, &somaxconn))
		return HOLD_STEP;
	return somaxconn < 2 ? 1 : min((uint64_t)somaxconn / 2, HOLD_STEP);
}

/* Opens the connections in steps and stops when the server is at its limit. */
static int hold_open(struct trial *t, struct hold *h, struct err *e)
{
	struct client *client = t->clients[0];
	uint64_t at_a_time = hold_step(t);
	while (client->opened < h->goal && !server_limit(t->server)) {
		uint64_t step = min(h->goal - client->opened, at_a_time);
		int rc = client_open(client, step, 0, HOLD_TIMEOUT_MS, e);
		if (rc)
			return rc;
		trial_progress(t, "%s connections", quantity_count(client->opened).text);
	}
	h->connections = server_await(t->server, h->goal, &h->end_errno);
	return 0;
}

/* Opens the connections and measures their kernel memory. */
static int hold_weigh(struct trial *t, struct hold *h, struct err *e)
{
	struct context *c = t->context;
	host_slab_memory(t->host, &c->before);
	int rc = hold_open(t, h, e);
	host_slab_memory(t->host, &c->after);
	h->slab_bytes = host_slab_taken(&c->before, &c->after, h->connections, &h->by_cache);
	return rc;
}

static int hold_talk(struct trial *t, struct hold *h, struct err *e)
{
	struct client *client = t->clients[0];
	if (t->options->gentle || !h->connections || client_sum(client).opened < h->connections / 2)
		return 0;
	int rc = client_talk(client, TALK_REQUESTS, 1, HOLD_TIMEOUT_MS, e);
	h->request_p50_ns = client_quantile_ns(client, 0.5);
	return rc;
}

/* Fills the rest of the server's table, sends one more client and watches the server. */
static int hold_limit(struct trial *t, struct hold *h, struct err *e)
{
	int rc = 0;
	if (!h->end_errno) {
		trial_progress(t, "filling the server's descriptors");
		rc = server_fill(t->server, FILL_DESCRIPTORS, &h->filled, e);
		if (!rc)
			rc = client_open(t->clients[0], 1, 0, HOLD_TIMEOUT_MS, e);
	}
	if (!rc && (h->end_errno || h->filled.end_errno)) {
		trial_progress(t, "connecting a client beyond the limit");
		rc = server_spin(t->server, SPIN_US, &h->spin, e);
	}
	return rc;
}

static int hold_run(struct trial *t, struct settings *s, struct hold *h, struct err *e)
{
	*h = (struct hold){0};
	int rc = trial_server(t, (struct server_config){.backlog = 65535}, e);
	if (rc)
		return rc;
	/* What a running server holds was read. */
	if (!s->subject)
		s->taken.held = t->server->held;
	h->goal = hold_goal(t->target, s);
	rc = trial_client(t, (struct client_config){.connections = h->goal + 1}, e);
	if (!rc)
		rc = hold_weigh(t, h, e);
	if (!rc)
		rc = hold_talk(t, h, e);
	/* The limit of a running server is not that of the test server. */
	if (!rc && !s->subject)
		rc = hold_limit(t, h, e);
	return rc;
}

static void hold_remark(const struct hold *h, const struct settings *s, int end, struct outcome *o)
{
	report_text(o->remark, "%s opened%s%s%s.", quantity_of(h->connections, "connection").text,
		    h->filled.duplicates ? ", then filled with dup()" : "",
		    end ? " until " : "; no limit met", end ? server_limit_text(end) : "");
	if (h->request_p50_ns)
		report_append(
			o->remark, " A request among them took %s.",
			quantity_show(QUANTITY_DURATION, (h->request_p50_ns + 500) / 1000).text);
	uint64_t files = s->machine.files_max;
	report_append(o->remark,
		      " Limits in the order they apply: soft %s, hard %s, fs.nr_open %s, "
		      "fs.file-max %s, epoll watches %s per user.",
		      limit_show(s->at[NOFILE][SOFT]).text, limit_show(s->at[NOFILE][HARD]).text,
		      limit_show(s->at[NR_OPEN][0]).text,
		      limit_show(files ? (int64_t)min(files, INT64_MAX) : REPORT_NONE).text,
		      limit_show(s->at[WATCHES][0]).text);
}

static int process_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	struct hold *h = &t->context->hold;
	int rc = hold_run(t, s, h, e);
	if (rc)
		return rc;
	if (s->subject && h->connections)
		return 0;
	if (h->goal && !h->connections)
		return err_set(e, EIO, "the test server accepted none of %" PRIu64 " connections",
			       h->goal);
	int end = h->end_errno ? h->end_errno : h->filled.end_errno;
	/* The server may have accepted further connections before the filling. */
	uint64_t reached =
		h->end_errno ? h->connections : h->filled.connections + h->filled.duplicates;
	if (end == EMFILE) {
		out->limit_met = true;
		out->reached = (int64_t)reached;
	}
	out->metric[HELD] = (double)h->connections;
	/* By CPU time: on a busy machine the server runs for a part of the time only. */
	if (h->spin.cpu_us)
		out->metric[WAKEUPS] = (double)h->spin.wakeups * 1e6 / (double)h->spin.cpu_us;
	hold_remark(h, s, end, out);
	return 0;
}

/* What is in use of the limit; of epoll watches by other processes of the server's user. */
static int64_t in_use(const struct settings *s)
{
	return s->at[IN_USE][0] == REPORT_NONE ? 0 : s->at[IN_USE][0];
}

static void shared_bound(const struct target *target, const struct settings *s, struct bound *b)
{
	int64_t limit = s->at[LIMIT][0];
	b->binding = LIMIT;
	if (limit != REPORT_NONE)
		b->capacity = limit > in_use(s) ? limit - in_use(s) : 0;
}

static bool shared_solve(const struct target *target, const struct settings *now,
			 const struct outcome *o, int64_t enough, struct settings *out)
{
	out->at[LIMIT][0] = enough + in_use(now);
	return true;
}

static void system_read(const struct host *h, struct settings *s)
{
	connection_open_read(h, s);
	if (!s->machine.files_max) {
		s->at[LIMIT][0] = REPORT_NONE;
		return;
	}
	s->at[IN_USE][0] = (int64_t)s->machine.files_open;
	report_text(s->text[IN_USE], "%" PRIu64, s->machine.files_open);
}

/* The open files of connections that the server has are in use already. */
static void system_bound(const struct target *target, const struct settings *s, struct bound *b)
{
	shared_bound(target, s, b);
	sockets_bound(target, s, b, connection_sockets_left);
}

/* Of the watches in use. */
enum { USED, HIDDEN };

/* The need has those of the server itself. */
static void watches_read_used(const struct host *h, struct settings *s)
{
	struct watches used;
	if (!s->subject || s->guest || !s->subject->pid || !host_live(h))
		return;
	watches_read(h, s->subject, &used);
	s->at[IN_USE][USED] = (int64_t)used.used;
	s->at[IN_USE][HIDDEN] = used.hidden;
}

/* Where others may have more of them, ok takes twice the margin. */
static void watches_bound(const struct target *target, const struct settings *s, struct bound *b)
{
	shared_bound(target, s, b);
	sockets_bound(target, s, b, sockets_all);
	if (s->at[IN_USE][HIDDEN] != 1 || b->capacity == REPORT_NONE)
		return;
	b->upper.is = report_verdict(b->capacity, b->need.min) == VERDICT_OK &&
		      report_verdict(b->capacity / 2, b->need.min) != VERDICT_OK;
}

static void watches_words(const struct target *target, const struct settings *s,
			  const struct outcome *o, const struct bound *b, struct wording *w)
{
	wording_set(w, "others", "%s", in_use(s) ? quantity_count((uint64_t)in_use(s)).text : "");
	wording_flag(w, "unseen", b->upper.is);
}

static void system_words(const struct target *target, const struct settings *s,
			 const struct outcome *o, const struct bound *b, struct wording *w)
{
	wording_set(w, "open", "%s", limit_show(s->at[IN_USE][0]).text);
}

/* What a control group leaves is cgroup.memory. */
static void connection_read(const struct host *h, struct settings *s)
{
	if (s->machine.available_bytes)
		report_text(s->text[0], "%" PRIu64, s->machine.available_bytes);
	connection_memory_read(h, false, s);
}

static void connection_bound(const struct target *target, const struct settings *s, struct bound *b)
{
	if (s->machine.available_bytes)
		b->capacity = (int64_t)s->machine.available_bytes;
	connection_memory_bound(target, s, b);
}

static void connection_words(const struct target *target, const struct settings *s,
			     const struct outcome *o, const struct bound *b, struct wording *w)
{
	connection_memory_words(target, s, w);
}

/* Growth far from the size of a connection's objects has other causes. */
static bool is_plausible(uint64_t bytes, uint64_t objects)
{
	return bytes >= 1024 && (!objects || (bytes > objects / 2 && bytes < objects * 3 / 2));
}

/* Evaluates the memory that the experiment of descriptors.process has measured. */
static int connection_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	const struct hold *h = &t->context->hold;
	/* A slow run is more likely to meet other growth. */
	uint64_t usual =
		t->options->gentle ? connection_memory_kernel(s) : s->taken.connection_bytes;
	uint64_t bytes = h->connections ? h->slab_bytes / h->connections / 2 : 0;
	if (h->connections < WEIGHED_CONNECTIONS) {
		outcome_inconclusive(out, "the experiment held %s and needs %s",
				     quantity_of(h->connections, "connection").text,
				     quantity_count(WEIGHED_CONNECTIONS).text);
	} else if (!is_plausible(bytes, usual)) {
		outcome_inconclusive(out, "kernel memory changed for other reasons meanwhile");
	} else {
		out->measured = h->by_cache;
		s->taken.connection_bytes = bytes;
		s->taken.basis = h->by_cache ? "counted in slab caches"
					     : "by the sum of all slabs (root can count caches)";
	}
	return 0;
}

static const struct experiment experiments[] = {
	{
		.wall = "descriptors.process",
		.knobs = {"RLIMIT_NOFILE", "fs.nr_open", "fs.epoll.max_user_watches"},
		.metrics = {{"held", "connections"}, {"wakeups at the limit", "1/s"}},
		.read = nofile_read,
		.bound = process_bound,
		.solve = process_solve,
		.words = limits_words,
		.run = process_run,
	},
	{
		.wall = "descriptors.system",
		.knobs = {"fs.file-max", "fs.file-nr"},
		.read = system_read,
		.bound = system_bound,
		.solve = shared_solve,
		.words = system_words,
	},
	{
		.wall = "epoll.watches",
		.knobs = {"fs.epoll.max_user_watches"},
		.read = watches_read_used,
		.bound = watches_bound,
		.words = watches_words,
		.solve = shared_solve,
	},
	{
		.wall = "memory.connection",
		.knobs = {"MemAvailable"},
		.read = connection_read,
		.bound = connection_bound,
		.words = connection_words,
		.run = connection_run,
	},
	{0},
};

const struct probe probe_descriptors = {
	.name = "descriptors",
	.summary = "opens connections up to the limit on descriptors, and one beyond",
	.mode = PROBE_EXCLUSIVE, /* counts the machine's slab objects */
	.lab = {.client_addresses = 16, .wide_ports = true},
	.context_size = sizeof(struct context),
	.experiments = experiments,
};
