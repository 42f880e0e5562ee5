#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "commands/command.h"
#include "commands/tuning.h"
#include "epolltune/cleanup.h"
#include "report/json_value.h"
#include "report/table.h"
#include "tune/journal.h"
#include "tune/watchdog.h"

struct history {
	struct tuning tuning;
	uint64_t run; /* 0: all */
	struct host *host;
	struct host_identity here; /* "": unknown */
	struct journal *journal;
	bool busy; /* another process writes the journal */
};

/* Whether a rollback skipped every change. */
static bool all_skipped(const struct run *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->items[i].state != CHANGE_CONFLICT && r->items[i].state != CHANGE_UNREACHABLE)
			return false;
	return r->count;
}

/* Reads the state that decides whether a run is in force, and can still be confirmed. */
static void now_read(struct history *h)
{
	struct err unknown;
	h->busy = journal_busy(h->journal);
	if (host_open(&h->host, "/", &unknown) < 0 ||
	    host_identity(h->host, &h->here, &unknown) < 0)
		h->here = (struct host_identity){0};
}

static bool earlier_boot(const struct history *h, const struct run *r)
{
	return h->here.boot[0] && strcmp(r->boot, h->here.boot) != 0;
}

static bool has_change(const struct run *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->items[i].name, name) == 0)
			return true;
	return false;
}

/* Whether a line of our files, of any run, may set a value of the run again. */
static bool has_file(const struct history *h, const struct run *r)
{
	for (size_t i = 0; i < h->journal->count; i++)
		for (size_t n = 0; n < h->journal->runs[i].count; n++) {
			const struct change *line = &h->journal->runs[i].items[n];
			if (line->scope == CHANGE_FILES && line->state == CHANGE_DONE &&
			    has_change(r, line->name))
				return true;
		}
	return false;
}

/* Why nothing of a run can be in force; NULL: something may be. */
static const char *lost(const struct history *h, const struct run *r)
{
	if (!run_in_force(r) || !h->here.boot[0])
		return NULL;
	if (earlier_boot(h, r))
		return r->status == RUN_UNFINISHED || has_file(h, r) ? NULL : "lost at a reboot";
	return run_in_other_netns(r, &h->here) &&
			       host_netns_look(h->host, r->netns) == HOST_NETNS_GONE
		       ? "lost with its namespace"
		       : NULL;
}

/* What a run waits for. */
enum wait {
	WAIT_NONE, /* it does not wait */
	WAIT_WATCHED,
	WAIT_UNWATCHED, /* for a confirmation, but no watchdog rolls it back */
	WAIT_LATE,      /* no watchdog has rolled it back at its deadline */
};

static enum wait wait_of(const struct history *h, const struct run *r)
{
	if (r->status != RUN_WAITING || earlier_boot(h, r) || lost(h, r))
		return WAIT_NONE;
	if (h->busy || journal_watched(h->journal, r->id))
		return WAIT_WATCHED;
	return watchdog_seconds_left(r->deadline_ms) ? WAIT_UNWATCHED : WAIT_LATE;
}

/* The status of a run; of a watched one, the time left. */
static void status_text(char *text, size_t size, const struct history *h, const struct run *r,
			enum wait wait)
{
	static const char *const waiting[] = {[WAIT_UNWATCHED] = "waiting, but not watched",
					      [WAIT_LATE] = "not confirmed in time"};
	const char *why = wait > WAIT_WATCHED ? waiting[wait] : lost(h, r);
	if (wait == WAIT_WATCHED)
		snprintf(text, size, "waiting, %llu s left", watchdog_seconds_left(r->deadline_ms));
	else if (why)
		snprintf(text, size, "%s", why);
	else if (r->status == RUN_PARTLY && all_skipped(r))
		snprintf(text, size, "not reverted");
	else
		snprintf(text, size, "%s", run_status_name(r->status));
}

/* The network namespace of a run, as seen from here. */
enum netns { NETNS_CURRENT, NETNS_OTHER, NETNS_EARLIER_BOOT };

static enum netns netns_of(const struct history *h, const struct run *r)
{
	if (earlier_boot(h, r))
		return NETNS_EARLIER_BOOT;
	return strcmp(r->netns, h->here.netns) == 0 ? NETNS_CURRENT : NETNS_OTHER;
}

static const char *netns_text(const struct history *h, const struct run *r)
{
	static const char *const texts[] = {
		[NETNS_CURRENT] = "current", [NETNS_EARLIER_BOOT] = "earlier boot"};
	enum netns n = netns_of(h, r);
	return n == NETNS_OTHER ? r->netns : texts[n];
}

static json_t *change_json(struct json_writer *w, const struct change *c)
{
	json_t *o = json_object();
	value_set(w, o, "kind", value_text(change_kind_name(c)));
	value_set(w, o, "name", value_text(c->name));
	value_set(w, o, "scope", value_text(change_scope_name(c->scope)));
	value_set(w, o, "from", value_text(c->from));
	value_set(w, o, "to", value_text(c->to));
	value_set(w, o, "became", value_text(c->became));
	value_set(w, o, "state", value_text(change_state_name(c->state)));
	value_set(w, o, "why", value_text(c->why));
	return o;
}

static json_t *run_json(struct json_writer *w, const struct run *r)
{
	char begun[REPORT_STAMP], ended[REPORT_STAMP];
	json_t *o = json_object(), *changes = json_array();
	value_set(w, o, "run", value_count(r->id));
	value_set(w, o, "status", value_text(run_status_name(r->status)));
	value_set(w, o, "time", value_text(report_stamp(r->time, begun)));
	value_set(w, o, "ended", value_text(report_stamp(r->ended, ended)));
	value_set(w, o, "by", value_text(r->by));
	value_set(w, o, "command", value_text(r->command));
	value_set(w, o, "boot", value_text(r->boot));
	value_set(w, o, "netns", value_text(r->netns));
	value_set(w, o, "reason", value_text(r->reason));
	value_set(w, o, "persist", json_boolean(r->persist));
	for (size_t i = 0; i < r->count; i++)
		value_add(w, changes, change_json(w, &r->items[i]));
	value_set(w, o, "changes", changes);
	return o;
}

static int print_json(const struct history *h, struct journal *j, struct err *e)
{
	struct json_writer w = {false};
	json_t *root = json_object(), *runs = json_array();
	value_set(&w, root, "schema", value_text("epolltune.history/2"));
	value_set(&w, root, "version", value_text(EPOLLTUNE_VERSION));
	for (size_t i = 0; i < j->count; i++)
		if (!h->run || j->runs[i].id == h->run)
			value_add(&w, runs, run_json(&w, &j->runs[i]));
	value_set(&w, root, "runs", runs);
	return value_print(stdout, root, &w, "the history", e);
}

/* Whether the run has a line of a file: one that could not be written was reverted at once, and is
 * none where the run is in force. */
static bool has_line(const struct run *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct change *c = &r->items[i];
		bool reverted = c->state == CHANGE_REVERTED || c->state == CHANGE_STALE;
		if (c->scope == CHANGE_FILES && strcmp(c->name, name) == 0 &&
		    !(reverted && run_in_force(r)))
			return true;
	}
	return false;
}

/* Writes one name per line, with a mark if it is also or only in a file. */
static void change_names(const struct run *r, char *text, size_t size)
{
	size_t at = 0;
	text[0] = 0;
	for (size_t i = 0; i < r->count && at < size; i++) {
		const struct change *c = &r->items[i];
		bool only = c->scope == CHANGE_FILES;
		for (size_t n = 0; n < i && only; n++)
			only = strcmp(r->items[n].name, c->name) != 0;
		if (c->scope == CHANGE_FILES && !only)
			continue;
		at += (size_t)snprintf(text + at, size - at, "%s%s%s", at ? "\n" : "", c->name,
				       only                   ? " (file only)"
				       : has_line(r, c->name) ? " (and file)"
							      : "");
	}
}

static int print_table(const struct history *h, const struct journal *j, struct err *e)
{
	static const struct table_column columns[] = {{"RUN", TABLE_RIGHT},
						      {"TIME", TABLE_LEFT},
						      {"STATUS", TABLE_LEFT},
						      {"BY", TABLE_LEFT},
						      {"NETNS", TABLE_LEFT},
						      {"CHANGES", TABLE_LINES},
						      {0}};
	struct table t = {.columns = columns};
	for (size_t i = 0; i < j->count; i++) {
		const struct run *r = &j->runs[i];
		char time[REPORT_STAMP], status[40], names[4096];
		report_stamp(r->time, time);
		status_text(status, sizeof(status), h, r, wait_of(h, r));
		change_names(r, names, sizeof(names));
		table_row(&t);
		table_cell(&t, "%u", r->id);
		table_cell(&t, "%s", time);
		table_cell(&t, "%s", status);
		table_cell(&t, "%s", r->by);
		table_cell(&t, "%s", netns_text(h, r));
		table_cell(&t, "%s", names);
	}
	return table_print(&t, stdout, e);
}

/* A line with text of the journal, which may have control characters. */
static void print_line(const struct page *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void print_line(const struct page *p, const char *fmt, ...)
{
	char text[PAGE_TEXT], clean[PAGE_TEXT];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	page_text(p, clean, sizeof(clean), "%s", text);
	puts(clean);
}

static void print_run(const struct history *h, const struct run *r)
{
	char begun[REPORT_STAMP], ended[REPORT_STAMP], status[40], option[TUNING_OPTION];
	struct page p = page_open(stdout, &h->tuning.style);
	report_stamp(r->time, begun);
	report_stamp(r->ended, ended);
	enum wait wait = wait_of(h, r);
	status_text(status, sizeof(status), h, r, wait);
	print_line(&p, "Run %u: %s%s%s", r->id, status, r->undo ? ", " : "", run_undo_text(r));
	if (wait > WAIT_WATCHED)
		printf("  the rollback watchdog has exited; "
		       "roll back with: epolltune rollback %u%s\n",
		       r->id, tuning_option(&h->tuning, option));
	if (run_is_kept(r))
		printf("  confirmed, but not completed; complete it with: epolltune confirm%s\n",
		       tuning_option(&h->tuning, option));
	print_line(&p, "  by       %s", r->by);
	print_line(&p, "  command  %s", r->command);
	printf("  begun    %s\n  last     %s\n", begun, ended);
	print_line(&p, "  boot     %s", r->boot);
	print_line(&p, "  netns    %s%s", r->netns,
		   netns_of(h, r) == NETNS_CURRENT ? " (current)" : "");
	for (size_t i = 0; i < r->count; i++) {
		const struct change *c = &r->items[i];
		print_line(&p, "  %s%s: %s", c->name, c->scope == CHANGE_FILES ? " (file)" : "",
			   change_state_name(c->state));
		plan_put_value(&p, TONE_PLAIN, 4, "-", change_value(c, c->from));
		plan_put_value(&p, TONE_PLAIN, 4, "+",
			       change_value(c, c->became[0] ? c->became : c->to));
	}
}

/* `absent`: there is no journal. */
static int show(const struct history *h, struct journal *j, bool absent)
{
	struct err e = {0};
	const struct run *r = h->run ? journal_find(j, (unsigned)h->run) : NULL;
	if (h->run && !r)
		return tuning_no_run(&h->tuning, h->run, absent, &e), command_error(&e);
	if (h->tuning.document)
		return print_json(h, j, &e) < 0 ? command_error(&e) : EXIT_OK;
	if (r)
		print_run(h, r);
	else if (!j->count)
		printf("No runs in %s.\n", h->tuning.state_dir);
	else if (print_table(h, j, &e) < 0)
		return command_error(&e);
	return EXIT_OK;
}

static int history(void *arguments, const struct given *given)
{
	struct history *h = arguments;
	struct err e = {0};
	if (tuning_run(&h->tuning, given, &h->run, &e))
		return command_error(&e);
	h->tuning.style = render_style_for(stdout, h->tuning.color);
	CLEAN(journal_close) struct journal j;
	int rc = journal_open(&j, h->tuning.state_dir, JOURNAL_READ, &e);
	if (rc == -EACCES)
		tuning_as_root(given, &e);
	if (rc < 0 && (rc != -ENOENT || (!h->run && tuning_absent(&h->tuning, &e) < 0)))
		return command_error(&e);
	if (rc == 0 && j.torn && !journal_busy(&j))
		fprintf(stderr, "epolltune: the journal's last record is torn (a crash while it "
				"was written); nothing depends on it\n");
	h->journal = &j;
	if (rc == 0 && !h->tuning.document)
		now_read(h);
	int status = show(h, &j, rc < 0);
	if (h->host)
		host_close(h->host);
	return status;
}

#define AT(member) OPTION_AT(struct history, member)

static const struct option_row options[] = {
	FORMAT_OPTION(AT(tuning.document)),
	TUNING_OPTIONS(struct history, tuning),
	{0},
};

static const struct history defaults = {.tuning = TUNING_DEFAULTS};

const struct command history_command = {
	.name = "history",
	.arguments = "[RUN]",
	.summary = "List the runs of apply: what they changed and their state",
	.options = options,
	.defaults = &defaults,
	.size = sizeof(defaults),
	.run = history,
};
