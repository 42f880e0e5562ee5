#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/command.h"
#include "commands/tuning.h"
#include "epolltune/cleanup.h"
#include "tune/executor.h"
#include "tune/guardian.h"
#include "tune/interrupt.h"
#include "tune/persist.h"
#include "tune/undo.h"

struct confirm {
	struct tuning tuning;
	bool persist;
};

static int arguments_read(struct options *o, struct confirm *c, struct err *e)
{
	const struct option_row *row;
	const char *value;
	while ((row = options_next(o, &value, e))) {
		if (!strcmp(row->name, "persist"))
			c->persist = true;
		else if (!strcmp(row->name, "format"))
			c->tuning.json = !strcmp(value, "json");
		else if (!strcmp(row->name, "state-dir"))
			c->tuning.state_dir = value;
		else if (!strcmp(row->name, "color"))
			c->tuning.color = value;
	}
	return -e->code;
}

static void tell(void *arg, const struct change *c, const char *text)
{
	const struct confirm *of = arg;
	tuning_tell(&of->tuning, c->name, text);
}

/* The lines for all that the run changed; the run must not grow meanwhile. */
static int plan_lines(struct plan *p, const struct confirm *c, const struct run *r, struct err *e)
{
	CLEAN(free_pointer) struct change *standing = calloc(r->count + 1, sizeof(*standing));
	size_t count = 0;
	if (!standing)
		return err_errno(e, "cannot plan the lines to persist");
	for (size_t i = 0; i < r->count; i++)
		if (r->items[i].scope != CHANGE_FILES && r->items[i].state == CHANGE_DONE)
			standing[count++] = r->items[i];
	return plan_persist(p, standing, count, c->tuning.by, time(NULL), r->id, &c->tuning.site,
			    e);
}

static int persist_run(struct confirm *c, struct journal *j, unsigned run, struct execution *x,
		       struct err *e)
{
	struct run *r = journal_find(j, run);
	x->outcome = OUTCOME_APPLIED;
	x->run = run;
	if (r->persist || c->persist) {
		int failed = plan_lines(x->plan, c, r, e);
		if (failed < 0) {
			struct err ignored;
			journal_end(j, r, &ignored);
			return failed;
		}
	}
	x->by = c->tuning.by;
	x->journal = j;
	x->site = &c->tuning.site;
	x->tell = tell;
	x->arg = c;
	return executor_run(&executor_persist, x, e);
}

static int tell_lines(const struct confirm *c, struct execution *x, struct err *e)
{
	json_t *list = json_array();
	for (size_t i = 0; i < x->plan->count; i++) {
		struct persisted p;
		char text[CHANGE_VALUE * 3];
		int r = persist_look(&x->plan->changes[i], &c->tuning.site, &p, e);
		if (r < 0) {
			json_decref(list);
			return r;
		}
		persist_text(&p, text, sizeof(text));
		json_array_append_new(list, persist_json(&p));
		if (!c->tuning.json)
			tuning_tell(&c->tuning, p.knob, text);
	}
	x->extra = json_pack("{s:o}", "persisted", list);
	return 0;
}

static int confirmed(struct confirm *c, struct journal *j, unsigned run, struct err *e)
{
	CLEAN(free_pointer) struct plan *plan = calloc(1, sizeof(*plan));
	struct execution x = {
		.plan = plan, .out = stdout, .style = c->tuning.style, .guardian = {.channel = -1}};
	if (!plan)
		return err_errno(e, "cannot confirm run %u", run), command_error(e);
	bool late = guardian_clock_ms() > journal_find(j, run)->deadline_ms;
	int failed = journal_confirm(j, journal_find(j, run), c->tuning.by, e);
	if (failed < 0)
		return command_error(e), EXIT_CRITICAL;
	failed = persist_run(c, j, run, &x, e);
	int status = failed < 0 ? EXIT_CRITICAL : EXIT_OK;
	struct err unseen;
	if (failed < 0) {
		err_prefix(e, "run %u is confirmed, but not persisted", run);
		command_error(e);
		x.reason = e->text;
	} else if (!c->tuning.json) {
		printf("Run %u is confirmed%s: it stays.\n", run,
		       late ? ", after its time was over" : "");
	}
	if (failed == 0 && tell_lines(c, &x, &unseen) < 0)
		status = command_error(&unseen);
	if (c->tuning.json && executor_run(&executor_json, &x, &unseen) < 0)
		status = command_error(&unseen);
	json_decref(x.extra);
	return status;
}

/* No run waits: what became of the newest? */
static int none_waits(const struct confirm *c, struct journal *j)
{
	const struct run *last = j->count ? &j->runs[j->count - 1] : NULL;
	struct err e;
	if (last && last->status == RUN_UNFINISHED) {
		err_set(&e, ECANCELED, "run %u was cut off: epolltune rollback %u takes it back",
			last->id, last->id);
	} else if (last && last->reason[0] && strcmp(last->reason, UNDO_ASKED) != 0) {
		err_set(&e, ECANCELED, "run %u has gone back already: %s", last->id, last->reason);
	} else {
		if (c->tuning.json)
			printf("{\n  \"schema\": \"epolltune.apply/1\",\n  \"version\": \"%s\",\n"
			       "  \"changed\": false,\n  \"outcome\": \"nothing to confirm\"\n}\n",
			       EPOLLTUNE_VERSION);
		else
			puts("Nothing waits to be confirmed.");
		return EXIT_OK;
	}
	return tuning_error(&e);
}

/* Whether a run that waits can be confirmed from here. */
static int check_here(const struct confirm *c, const struct run *r, struct err *e)
{
	struct host_identity here;
	int failed = host_identity(c->tuning.host, &here, e);
	if (failed < 0)
		return failed;
	if (strcmp(r->boot, here.boot) != 0)
		return err_set(e, PLAN_REFUSED,
			       "run %u went when the machine was restarted, before it was "
			       "confirmed: epolltune rollback %u closes it",
			       r->id, r->id);
	for (size_t i = 0; i < r->count; i++)
		if (r->items[i].scope == CHANGE_NETNS && strcmp(r->netns, here.netns) != 0)
			return err_set(e, PLAN_REFUSED,
				       "run %u belongs to network namespace %s, this is %s: "
				       "confirm it there",
				       r->id, r->netns, here.netns);
	return r->persist || c->persist ? persist_allowed(&c->tuning.site, e) : 0;
}

/* The newest that can be; if there is none, the error says why of the newest that waits. */
static const struct run *find_waiting(const struct confirm *c, const struct journal *j,
				      struct err *e)
{
	const struct run *found = NULL;
	e->code = 0;
	for (size_t i = j->count; i-- > 0 && !found;) {
		struct err why;
		if (j->runs[i].status != RUN_WAITING)
			continue;
		if (check_here(c, &j->runs[i], &why) == 0)
			found = &j->runs[i];
		else if (!e->code)
			*e = why;
	}
	return found;
}

static int run(struct confirm *c, struct err *e)
{
	CLEAN(journal_close) struct journal j;
	int r = journal_open(&j, c->tuning.state_dir, JOURNAL_WRITE, e);
	if (r == -ENOENT)
		return tuning_absent(&c->tuning, e) < 0 ? tuning_error(e) : none_waits(c, &j);
	if (r == -EACCES)
		err_prefix(e, "run it as root: sudo epolltune confirm");
	if (r < 0)
		return tuning_error(e);
	const struct run *waiting = find_waiting(c, &j, e);
	if (waiting)
		return confirmed(c, &j, waiting->id, e);
	return e->code ? tuning_error(e) : none_waits(c, &j);
}

int command_confirm(int argc, char **argv)
{
	struct err e = {0};
	struct options o = options_begin("confirm", argc, argv);
	struct confirm c = {.tuning = tuning_defaults()};
	if (arguments_read(&o, &c, &e))
		return command_error(&e);
	if (o.help)
		return command_help(o.command);
	if (tuning_open(&c.tuning, &e) < 0)
		return command_error(&e);
	interrupt_hold();
	int status = run(&c, &e);
	tuning_close(&c.tuning);
	return status;
}
