/* Judges the numbers of servers' configurations that set backlogs and limits. */
#include "lint/lint.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "catalogue/edit.h"

void backlog_value_judge(struct lint *l, const struct lint_line *line, const char *name,
			 uint64_t backlog)
{
	if (l->somaxconn && backlog > (uint64_t)l->somaxconn && backlog < INT_MAX)
		lint_add(l, line, LINT_CAPPED, NULL,
			 "%s%" PRIu64 " is cut to net.core.somaxconn (%" PRId64
			 "): raise that as well",
			 name, backlog, l->somaxconn);
}

/* A file while it is read. */
struct reading {
	struct lint *lint;
	const struct server_row *row;
	const char *file;
	struct edit_number clients, files; /* the last ones; zeroed: none */
};

static void backlog_take(const struct edit_number *n, void *arg)
{
	const struct reading *r = arg;
	const struct lint_line line = {r->file, "", n->line};
	char name[SCAN_TEXT];
	bool word = text_is_word(n->name[strlen(n->name) - 1]);
	snprintf(name, sizeof(name), "%s%s", n->name, word ? " " : "");
	backlog_value_judge(r->lint, &line, name, n->value);
}

static void clients_take(const struct edit_number *n, void *arg)
{
	struct reading *r = arg;
	r->clients = *n;
}

static void files_take(const struct edit_number *n, void *arg)
{
	struct reading *r = arg;
	const struct lint_line line = {r->file, "", n->line};
	r->files = *n;
	if (r->row->files_raised)
		lint_add(r->lint, &line, LINT_CLASSIC, NULL,
			 "%s computes its limit from %s, and %s can only be too low: remove the "
			 "line",
			 r->row->name, r->row->set[SERVER_CLIENTS].directive, n->name);
}

void server_text_judge(struct lint *l, const char *file, const struct server_row *row,
		       const char *text)
{
	const struct server_setting files = {.directive = row->files_directive};
	struct reading r = {.lint = l, .row = row, .file = file};
	edit_each(&row->file, &row->set[SERVER_BACKLOG], text, backlog_take, &r);
	edit_each(&row->file, &files, text, files_take, &r);
	if (row->files_raised || !r.files.value)
		return;
	edit_each(&row->file, &row->set[SERVER_CLIENTS], text, clients_take, &r);
	const struct lint_line line = {file, "", r.clients.line};
	if (r.clients.value > r.files.value)
		lint_add(l, &line, LINT_CAPPED, NULL,
			 "%s %" PRIu64 " is above %s %" PRIu64 ": a connection takes a descriptor, "
			 "a proxied one two; write %s %" PRIu64,
			 r.clients.name, r.clients.value, r.files.name, r.files.value, r.files.name,
			 2 * r.clients.value);
}
