/* The connections that the configuration of the server of --server allows, by its command and its
 * file. An observation of what is written there: a server that runs may have read another. */
#include "epolltune/probe.h"

#include <errno.h>

#include "epolltune/knob.h"
#include "epolltune/quantity.h"

enum { CLIENTS };

static const struct server_row *server_of(const struct subject *s)
{
	const struct server_row *row = s ? server_row_find(s->name) : NULL;
	const struct server_setting *set = row ? &row->set[SERVER_CLIENTS] : NULL;
	return set && (set->directive || set->option) ? row : NULL;
}

static bool clients_applies(const struct target *t, const struct probe_options *o)
{
	return !o->guest && server_of(o->subject);
}

static void clients_read(const struct host *h, struct settings *s)
{
	struct subject_clients clients;
	s->taken.held = s->subject->held;
	int rc = subject_clients_read(h, s->subject, &clients, NULL);
	if (rc == -ENOENT)
		return;
	if (rc)
		report_text(clients.where, "the command of %s is not readable", s->subject->name);
	if (clients.known)
		s->at[CLIENTS][0] = clients.limit < INT32_MAX ? (int64_t)clients.limit : INT32_MAX;
	s->at[CLIENTS][1] = clients.hidden;
	report_text(s->text[CLIENTS], "%s", clients.where);
}

static size_t processes_of(const struct settings *s)
{
	return s->subject->accepting ? s->subject->accepting : 1;
}

/* What RLIMIT_NOFILE lets each process have at most; REPORT_NONE: no such bound is known. */
static int64_t files_bound(const struct settings *s)
{
	const struct server_setting *set = &server_of(s->subject)->set[SERVER_CLIENTS];
	uint64_t soft = s->subject->soft, kept = set->files_kept;
	if (!set->files_each || !soft || soft > INT64_MAX)
		return REPORT_NONE;
	return (int64_t)((soft > kept ? soft - kept : 0) / set->files_each);
}

/* The limit of each process. */
struct clients_limit {
	int64_t value; /* REPORT_NONE: unknown */
	bool files;    /* by RLIMIT_NOFILE alone */
	bool upper;    /* it may be lower */
};

static bool is_hidden(const struct settings *s) { return s->at[CLIENTS][1] == 1; }

static struct clients_limit limit_of(const struct target *t, const struct settings *s)
{
	const struct server_setting *set = &server_of(s->subject)->set[SERVER_CLIENTS];
	int64_t written = s->at[CLIENTS][0], files = files_bound(s);
	if (written > 0 && (files == REPORT_NONE || written <= files))
		return (struct clients_limit){written, false, false};
	/* A server that raises its limit for the default has raised it to that. */
	bool raised = set->preset && files == (int64_t)set->preset;
	bool upper = written <= 0 && !raised;
	if (upper && is_hidden(s)) {
		/* It has the default, unless something lowers that. */
		int64_t value = (int64_t)set->preset;
		value = files != REPORT_NONE && files < value ? files : value;
		value = value < (int64_t)t->connections ? REPORT_NONE : value;
		return (struct clients_limit){value, false, true};
	}
	/* An upper bound of what is not visible shows only that it is short. */
	if (written == REPORT_NONE && upper && files >= (int64_t)t->connections)
		files = REPORT_NONE;
	return (struct clients_limit){files, true, upper};
}

static bool clients_both(const struct target *t, const struct settings *s)
{
	return t->role == TARGET_PROXY && server_of(s->subject)->set[SERVER_CLIENTS].both;
}

static void clients_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	const struct server_row *row = server_of(s->subject);
	struct clients_limit limit = limit_of(t, s);
	b->explained = true;
	b->absent = s->at[CLIENTS][0] == REPORT_NONE && !s->text[CLIENTS][0];
	if (limit.value == REPORT_NONE)
		return;
	uint64_t each = (uint64_t)limit.value * (100 - row->set[SERVER_CLIENTS].spare) / 100;
	if (row->clients_files)
		each -= s->taken.held < each ? s->taken.held : each;
	if (clients_both(t, s))
		each /= 2;
	b->upper = limit.upper || (row->clients_files && !s->taken.held);
	b->capacity = (int64_t)subject_spread(each, processes_of(s));
}

static void clients_words(const struct target *t, const struct settings *s, const struct outcome *o,
			  struct wording *w)
{
	const struct server_row *row = server_of(s->subject);
	const struct server_setting *set = &row->set[SERVER_CLIENTS];
	struct clients_limit limit = limit_of(t, s);
	bool both = clients_both(t, s);
	uint64_t each = subject_part(report_margin(t->connections), processes_of(s));
	int64_t enough =
		knob_round(knob_find("server.max_connections"),
			   (int64_t)server_clients(row, both ? 2 * each : each, s->taken.held));
	char line[WORDING_TEXT];
	const char *kept = set->files_kept ? quantity_count(set->files_kept).text : "";
	wording_set(w, "why", "%s", s->text[CLIENTS]);
	wording_flag(w, "unknown", limit.value == REPORT_NONE);
	wording_set(w, "limit", "%s",
		    limit.value == REPORT_NONE ? "" : quantity_count((uint64_t)limit.value).text);
	wording_set(w, "where", "%s",
		    limit.files    ? "RLIMIT_NOFILE"
		    : is_hidden(s) ? "The default, as its configuration is not visible,"
				   : s->text[CLIENTS]);
	wording_set(w, "kept", "%s", limit.files ? kept : "");
	wording_flag(w, "half", limit.files && set->files_each == 2);
	wording_set(w, "who", "%s (pid %d)", s->subject->name, (int)s->subject->pid);
	wording_set(w, "server", "%s", row->name);
	wording_set(w, "processes", "%s",
		    processes_of(s) > 1 ? quantity_count(processes_of(s)).text : "");
	wording_flag(w, "idle", set->spare);
	wording_flag(w, "both", both);
	wording_set(w, "held", "%s",
		    row->clients_files && s->taken.held ? quantity_count(s->taken.held).text : "");
	wording_set(w, "narrower", "%s", set->narrower ? set->narrower : "");
	wording_set(
		w, "line", "%s",
		server_line(row->clients_line, "clients", (uint64_t)enough, line, sizeof(line)));
}

static const struct experiment experiments[] = {
	{
		.wall = "application.limit",
		.knobs = {"server.max_connections"},
		.applies = clients_applies,
		.read = clients_read,
		.bound = clients_bound,
		.words = clients_words,
	},
	{0},
};

const struct probe probe_configuration = {
	.name = "configuration",
	.summary = "the connections that the configuration of the server of --server allows",
	.place = PROBE_HOST,
	.experiments = experiments,
};
