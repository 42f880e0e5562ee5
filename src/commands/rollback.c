#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/command.h"
#include "commands/tuning.h"
#include "epolltune/cleanup.h"
#include "epolltune/quantity.h"
#include "tune/interrupt.h"
#include "tune/journal.h"
#include "tune/undo.h"

struct rollback {
	struct tuning tuning;
	uint64_t run; /* 0: the newest */
	bool force;
};

static int arguments_read(struct options *o, struct rollback *b, struct err *e)
{
	const struct option_row *row;
	const char *value;
	while ((row = options_next(o, &value, e))) {
		if (!strcmp(row->name, "force"))
			b->force = true;
		else if (!strcmp(row->name, "format"))
			b->tuning.json = !strcmp(value, "json");
		else if (!strcmp(row->name, "state-dir"))
			b->tuning.state_dir = value;
		else if (!strcmp(row->name, "color"))
			b->tuning.color = value;
	}
	if (!e->code && !o->help && o->next < o->argc)
		quantity_parse("RUN", QUANTITY_COUNT, o->argv[o->next], 1, UINT32_MAX, &b->run, e);
	if (!e->code && !o->help && o->next + 1 < o->argc)
		err_set(e, EINVAL, "rollback: one run at a time, \"%s\" is another",
			o->argv[o->next + 1]);
	return -e->code;
}

/* One that is unfinished or waits, else the newest of which anything is left to undo. Of another
 * network namespace only where there is no other. */
static struct run *newest(struct rollback *b, struct journal *j)
{
	struct host_identity here;
	struct err ignored;
	bool known = host_identity(b->tuning.host, &here, &ignored) == 0;
	struct run *r = known ? journal_open_here(j, &here) : journal_open_run(j);
	for (size_t i = j->count; i-- > 0 && !r;)
		if (run_in_force(&j->runs[i]) && (!known || !run_elsewhere(&j->runs[i], &here)))
			r = &j->runs[i];
	for (size_t i = j->count; i-- > 0 && !r;)
		if (run_in_force(&j->runs[i]))
			r = &j->runs[i];
	return r;
}

static void tell(void *arg, const struct change *c, const char *text)
{
	struct rollback *b = arg;
	char name[CHANGE_NAME + 24];
	snprintf(name, sizeof(name), "%s%s", c->name,
		 c->scope == CHANGE_FILES ? " in the files" : "");
	tuning_tell(&b->tuning, name, text);
}

static int print_json(const struct undo *u, const struct run *r, struct err *e)
{
	json_t *changes = json_array();
	for (size_t i = r->count; i-- > 0;)
		json_array_append_new(changes,
				      json_pack("{s:s, s:s, s:s, s:s}", "kind", r->items[i].kind,
						"name", r->items[i].name, "state",
						change_state_name(r->items[i].state), "restores",
						r->items[i].from));
	json_t *root = json_pack(
		"{s:s, s:s, s:b, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
		"s:o}",
		"schema", "epolltune.rollback/1", "version", EPOLLTUNE_VERSION, "changed",
		u->restored > 0, "run", (json_int_t)r->id, "outcome", run_status_name(r->status),
		"restored", (json_int_t)u->restored, "already", (json_int_t)u->already, "spared",
		(json_int_t)u->spared, "gone", (json_int_t)u->gone, "elsewhere",
		(json_int_t)u->elsewhere, "unseen", (json_int_t)u->unseen, "returns",
		(json_int_t)u->returns, "failed", (json_int_t)u->failed, "changes", changes);
	errno = ENOMEM;
	int failed = root ? json_dumpf(root, stdout, JSON_INDENT(2)) : -1;
	json_decref(root);
	putchar('\n');
	return failed ? err_errno(e, "cannot write the outcome as JSON") : 0;
}

static int nothing(const struct rollback *b)
{
	if (b->tuning.json)
		printf("{\n  \"schema\": \"epolltune.rollback/1\",\n  \"version\": \"%s\",\n"
		       "  \"changed\": false,\n  \"run\": null,\n  \"outcome\": \"nothing to roll "
		       "back\"\n}\n",
		       EPOLLTUNE_VERSION);
	else
		puts("Nothing to roll back.");
	return EXIT_OK;
}

static void summarize(const struct undo *u, const struct run *r)
{
	bool whole = r->status == RUN_ROLLED_BACK && !u->returns;
	if (whole && u->gone && !u->restored && !u->already)
		printf("Run %u is rolled back: nothing of it was left.\n", r->id);
	else if (whole)
		printf("Run %u is rolled back: all is as it was.\n", r->id);
	else if (u->failed)
		printf("Run %u is NOT wholly rolled back; epolltune rollback %u tries again.\n",
		       r->id, r->id);
	else if (!u->restored && !u->already && (u->spared || u->elsewhere || u->unseen))
		printf("Nothing of run %u was rolled back: see above.\n", r->id);
	else
		printf("Run %u is rolled back, but for what is named above.\n", r->id);
}

static int roll_back(struct rollback *b, struct journal *j, struct err *e)
{
	struct run *r = b->run ? journal_find(j, (unsigned)b->run) : newest(b, j);
	if (b->run && !r)
		return err_set(e, EINVAL, "there is no run %llu; epolltune history lists them",
			       (unsigned long long)b->run),
		       command_error(e);
	if (!r || (!run_in_force(r) && r->status != RUN_UNFINISHED))
		return nothing(b);
	struct undo u = {.site = &b->tuning.site,
			 .by = b->tuning.by,
			 .reason = UNDO_ASKED,
			 .force = b->force,
			 .tell = tell,
			 .arg = b};
	int failed = undo_run(&u, j, r, e);
	if (b->tuning.json) {
		struct err trouble;
		if (print_json(&u, r, &trouble) < 0)
			command_error(&trouble);
	} else {
		summarize(&u, r);
	}
	if (failed < 0) {
		command_error(e);
		return EXIT_CRITICAL;
	}
	return u.spared || u.elsewhere || u.unseen || u.returns ? EXIT_WARNING : EXIT_OK;
}

static int run(struct rollback *b, struct err *e)
{
	CLEAN(journal_close) struct journal j;
	int r = journal_open(&j, b->tuning.state_dir, JOURNAL_WRITE, e);
	if (r == -ENOENT)
		return tuning_absent(&b->tuning, e) < 0 ? tuning_error(e) : nothing(b);
	if (r == -EACCES)
		err_prefix(e, "run it as root: sudo epolltune rollback");
	if (r < 0)
		return tuning_error(e);
	if (j.torn)
		fprintf(stderr, "epolltune: the journal's last record was torn (a crash while it "
				"was written): set aside, nothing depends on it\n");
	return roll_back(b, &j, e);
}

int command_rollback(int argc, char **argv)
{
	struct err e = {0};
	struct options o = options_begin("rollback", argc, argv);
	struct rollback b = {.tuning = tuning_defaults()};
	if (arguments_read(&o, &b, &e))
		return command_error(&e);
	if (o.help)
		return command_help(o.command);
	if (tuning_open(&b.tuning, &e) < 0)
		return command_error(&e);
	/* Once begun it is carried through. */
	interrupt_hold();
	int status = run(&b, &e);
	tuning_close(&b.tuning);
	return status;
}
