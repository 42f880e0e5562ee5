/* The connections that the configuration of the server of --server allows, by its command and its
 * file. An observation of what is written there: a server that runs may have read another. */
#include "epolltune/probe.h"

#include "epolltune/knob.h"
#include "epolltune/quantity.h"

enum { CLIENTS };

static const struct server_row *server_of(const struct subject *s)
{
	const struct server_row *row = s ? server_row_find(s->name) : NULL;
	bool known = row && (row->set[SERVER_CLIENTS].directive || row->set[SERVER_CLIENTS].option);
	return known ? row : NULL;
}

static bool clients_applies(const struct target *t, const struct probe_options *o)
{
	return !o->guest && server_of(o->subject);
}

static void clients_read(const struct host *h, struct settings *s)
{
	struct subject_clients clients;
	s->taken.held = s->subject->held;
	if (subject_clients_read(h, s->subject, &clients, NULL) || clients.limit > INT32_MAX)
		return;
	s->at[CLIENTS][0] = (int64_t)clients.limit;
	report_text(s->text[CLIENTS], "%s", clients.where);
}

static size_t processes_of(const struct settings *s)
{
	return s->subject->accepting ? s->subject->accepting : 1;
}

static void clients_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	int64_t limit = s->at[CLIENTS][0];
	b->absent = limit == REPORT_NONE;
	if (b->absent)
		return;
	uint64_t spare = server_of(s->subject)->set[SERVER_CLIENTS].spare;
	uint64_t each = (uint64_t)limit * (100 - spare) / 100;
	b->capacity = (int64_t)subject_spread(each, processes_of(s));
}

static void clients_words(const struct target *t, const struct settings *s, const struct outcome *o,
			  struct wording *w)
{
	const struct server_row *row = server_of(s->subject);
	uint64_t each = subject_part(report_margin(t->connections), processes_of(s));
	int64_t enough = knob_round(knob_find("server.max_connections"),
				    (int64_t)server_clients(row, each, s->taken.held));
	char line[WORDING_TEXT];
	if (s->at[CLIENTS][0] == REPORT_NONE)
		return;
	wording_set(w, "limit", "%s", quantity_count((uint64_t)s->at[CLIENTS][0]).text);
	wording_set(w, "where", "%s", s->text[CLIENTS]);
	wording_set(w, "who", "%s (pid %d)", s->subject->name, (int)s->subject->pid);
	wording_set(w, "server", "%s", row->name);
	wording_set(w, "processes", "%s",
		    processes_of(s) > 1 ? quantity_count(processes_of(s)).text : "");
	wording_flag(w, "idle", row->set[SERVER_CLIENTS].spare);
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
