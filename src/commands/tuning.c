#include "commands/tuning.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalogue/setting.h"
#include "epolltune/cleanup.h"
#include "epolltune/quantity.h"
#include "tune/operator.h"
#include "tune/persist.h"
#include "tune/plan.h"
#include "tune/site.h"

int tuning_as_root(const struct given *given, struct err *e)
{
	char command[sizeof(e->text)];
	if (geteuid() == 0)
		return -e->code;
	bool whole = operator_command(command, sizeof(command), given->argc, given->argv);
	/* A command that is cut off does something else. */
	if (!whole || !err_append(e, "; run as root: sudo %s", command))
		err_append(e, "; run the same command as root");
	return -e->code;
}

const char *tuning_option(const struct tuning *t, char option[TUNING_OPTION])
{
	operator_state_option(option, TUNING_OPTION, t->state_dir);
	return option;
}

int tuning_run(const struct tuning *t, const struct given *given, uint64_t *run, struct err *e)
{
	char option[TUNING_OPTION];
	if (given->count &&
	    quantity_parse("RUN", QUANTITY_COUNT, given->operands[0], 1, UINT32_MAX, run, NULL))
		return err_set(e, EINVAL,
			       "RUN: \"%.40s\" is not the number of a run; for the runs: epolltune "
			       "history%s",
			       given->operands[0], tuning_option(t, option));
	return given_check(given, 1, e);
}

int tuning_absent(const struct tuning *t, struct err *e)
{
	if (strcmp(t->state_dir, STATE_DIR) == 0)
		return 0;
	return err_set(e, ENOENT, "no journal in --state-dir %s", t->state_dir);
}

int tuning_no_run(const struct tuning *t, uint64_t run, bool absent, struct err *e)
{
	char option[TUNING_OPTION];
	if (absent)
		return err_set(e, EINVAL, "no run %llu: there is no journal in %s",
			       (unsigned long long)run, t->state_dir);
	return err_set(e, EINVAL, "no run %llu; for the runs: epolltune history%s",
		       (unsigned long long)run, tuning_option(t, option));
}

int tuning_open(struct tuning *t, struct err *e)
{
	umask(022);
	operator_name(t->by);
	t->style = render_style_for(stdout, t->color);
	int rc = host_open(&t->host, "/", e);
	t->site = (struct change_site){.host = t->host, .root = "", .files = t->host};
	return rc;
}

void tuning_close(struct tuning *t)
{
	site_refresh(&t->site);
	host_close(t->host);
	t->host = NULL;
}

int tuning_settings(const char *list, struct err *e)
{
	struct setting set;
	int rc;
	while ((rc = setting_next(&list, &set, e)) > 0) {
		if (!set.knob)
			return values_unknown("set", (struct values){VALUES_KNOBS, NULL}, set.name,
					      e);
		if (setting_repeated(&set, list))
			return err_set(e, EINVAL, "--set: %s is given twice", set.name);
	}
	return rc;
}

int tuning_error(const struct err *e)
{
	command_error(e);
	return e->code == PLAN_REFUSED || e->code == EBUSY ? EXIT_CRITICAL : EXIT_UNKNOWN;
}

void tuning_print(const struct tuning *t, const char *name, const char *text)
{
	char line[PAGE_TEXT];
	struct page p = page_open(stdout, &t->style);
	if (t->document)
		return;
	const char *command = strchr(text, '\n');
	page_text(&p, line, sizeof(line), "%s: %.*s", name, (int)strcspn(text, "\n"), text);
	fputs("  ", p.out);
	page_wrap(&p, TONE_PLAIN, 2, 4, line);
	if (command)
		fprintf(p.out, "    %s\n", command + 1);
	fflush(p.out);
}

void tuning_print_step(const struct tuning *t, const struct change *c, const char *text)
{
	char name[CHANGE_NAME + 24];
	snprintf(name, sizeof(name), "%s%s", c->name, c->scope == CHANGE_FILES ? " (file)" : "");
	tuning_print(t, name, text);
}

void tuning_torn(const struct journal *j)
{
	if (j->torn)
		fprintf(stderr, "epolltune: the journal's last record was torn (a crash while it "
				"was written): removed, nothing depends on it\n");
}

int tuning_files(struct tuning *t, const struct journal *j, const struct plan *plan, json_t *list,
		 struct err *e)
{
	CLEAN(free_pointer) struct change *standing = calloc(PLAN_CHANGES, sizeof(*standing));
	if (!standing)
		return err_errno(e, "cannot compare with the files");
	struct json_writer w = {false};
	site_refresh(&t->site); /* a proof may have taken a while */
	size_t count = persist_standing(j, &t->site, standing, PLAN_CHANGES);
	for (size_t i = 0; i < plan->count; i++) {
		const struct change *c = &plan->changes[i];
		struct persisted p;
		char text[CHANGE_VALUE * 3];
		if (c->scope != CHANGE_FILES)
			continue;
		int rc = persist_look(c, standing, count, &t->site, &p, e);
		if (rc < 0)
			return rc;
		persist_text(&p, text, sizeof(text));
		value_add(&w, list, persist_json(&w, &p));
		tuning_print(t, p.knob, text);
	}
	return w.failed ? err_set(e, ENOMEM, "cannot compare with the files") : 0;
}

const char *tuning_stay(struct tuning *t, const struct run *r, bool lines, size_t steps,
			char text[TUNING_STAY])
{
	char option[TUNING_OPTION];
	struct err ignored;
	bool allowed = persist_allowed(&t->site, t->state_dir, &ignored) == 0;
	if (allowed && !steps && persist_whole(r, &t->site))
		snprintf(text, TUNING_STAY, "the changes stay, also after a reboot.");
	else if (lines)
		snprintf(text, TUNING_STAY,
			 "the changes stay; for the next boot see the manual steps.");
	else
		snprintf(text, TUNING_STAY, "the changes stay until the next boot.%s%s",
			 allowed ? " To keep them: epolltune confirm --persist" : "",
			 allowed ? tuning_option(t, option) : "");
	return text;
}

int tuning_written(const struct tuning *t, unsigned run, const char *is, int status, int rc,
		   struct err *e)
{
	char option[TUNING_OPTION];
	if (rc == 0)
		rc = render_flush(stdout, "to standard output", e);
	if (rc == 0 || !run)
		return rc == 0 ? status : command_error(e);
	err_prefix(e, "run %u is %s, but its outcome was not printed", run, is);
	err_remedy(e, "see: epolltune history %u%s", run, tuning_option(t, option));
	command_error(e);
	return EXIT_CRITICAL;
}

int tuning_finish(const struct tuning *t, const struct plan_result *result, int status)
{
	struct err e;
	plan_render_function *render = t->render ? t->render : plan_render_json;
	int rc = t->document ? render(stdout, result, &t->style, &e) : 0;
	return tuning_written(t, result->run, plan_outcome_name(result->outcome), status, rc, &e);
}
