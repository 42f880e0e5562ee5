#include "judge/proof.h"

#include <errno.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/knob.h"
#include "judge/settings.h"
#include "judge/verdict.h"

/* Maximum number of values to try in each direction. */
#define TRIES 4
/* Steps, in percent. */
#define MORE 125
#define HALF 50

int trial_run(struct trial *t, const struct experiment *x, struct settings *s, struct outcome *o,
	      struct err *e)
{
	struct settings in_lab = *s;
	*o = outcome_blank();
	int rc = settings_enter(x, t->lab, &in_lab, &t->emulated, e);
	if (rc == -ENOTSUP) {
		outcome_unsupported(o, "%s", e->text);
		*e = (struct err){0};
		return 0;
	}
	const struct bound b = bound_of(x, t->target, &in_lab);
	t->bound = &b;
	uint64_t until = clock_ms() + PROBE_AGAIN_MS;
	for (unsigned left = x->again + 1; !rc && left; left--) {
		*o = outcome_blank();
		rc = trial_end(t, x->run(t, &in_lab, o, e), e);
		if (o->state != OUTCOME_INCONCLUSIVE || clock_ms() >= until)
			break;
	}
	t->bound = NULL;
	s->taken = in_lab.taken;
	if (!rc && t->emulated)
		report_append(o->remark,
			      "%sIn the lab the listen argument emulates net.core.somaxconn.",
			      o->remark[0] ? " " : "");
	return rc;
}

/* 1: the settings suffice, 0: they do not, negative: an error. */
static int attempt(struct trial *t, const struct experiment *x, struct settings *s,
		   struct outcome *o, struct err *e)
{
	int rc = trial_run(t, x, s, o, e);
	if (rc)
		return rc;
	if (o->state != OUTCOME_CONCLUSIVE)
		return err_set(e, o->state == OUTCOME_INCONCLUSIVE ? EAGAIN : ENOTSUP, "%s",
			       o->why);
	return outcome_suffices(x, t->target, s, o);
}

static bool scaled(const struct trial *t, const struct experiment *x, const struct settings *now,
		   struct settings *s, unsigned percent)
{
	return x->scale && x->scale(t->target, now, s, percent) && settings_round(x, now, s);
}

/* Halves the value as long as it suffices. An inconclusive run keeps the value proven before. */
static void search_down(struct trial *t, const struct experiment *x, const struct settings *now,
			struct proof *p)
{
	struct err unanswered = {0};
	for (unsigned tries = 0; tries < TRIES; tries++) {
		struct settings less = p->at;
		struct outcome o;
		if (!scaled(t, x, now, &less, HALF))
			return;
		int enough = attempt(t, x, &less, &o, &unanswered);
		p->halved = enough >= 0;
		p->half = o;
		if (enough != 1)
			return;
		p->at = less;
		p->outcome = o;
		p->halved = false;
	}
}

static int search(struct trial *t, const struct experiment *x, const struct settings *now,
		  struct proof *p, struct err *e)
{
	int enough = attempt(t, x, &p->at, &p->outcome, e);
	for (unsigned tries = 1; enough == 0; tries++) {
		if (tries == TRIES || !scaled(t, x, now, &p->at, MORE))
			return -ERANGE;
		enough = attempt(t, x, &p->at, &p->outcome, e);
	}
	if (enough < 0)
		return enough;
	search_down(t, x, now, p);
	return 0;
}

int proof_search(struct trial *t, const struct experiment *x, const struct settings *now,
		 struct proof *p, struct err *e)
{
	struct settings back = *now;
	struct err left = {0};
	bool emulated;
	t->proof = true;
	int rc = search(t, x, now, p, e);
	t->proof = false;
	int restored = settings_enter(x, t->lab, &back, &emulated, &left);
	if (restored && restored != -ENOTSUP && !rc) {
		*e = left;
		rc = restored;
	}
	return rc;
}

/* The limit of the server that the settings change; SERVER_LIMITS: none. */
static enum server_limit limit_changed(const struct experiment *x, const struct settings *now,
				       const struct settings *then, int64_t *value)
{
	static const char *const knobs[SERVER_LIMITS] = {
		[SERVER_CLIENTS] = "server.max_connections", [SERVER_BACKLOG] = LISTEN_KNOB};
	enum server_limit limit = SERVER_LIMITS;
	for (size_t i = 0; i < settings_count(x); i++)
		for (size_t k = 0; k < SERVER_LIMITS; k++)
			if (settings_differ(now, then, i) && !strcmp(x->knobs[i], knobs[k])) {
				limit = (enum server_limit)k;
				*value = then->at[i][0];
			}
	return limit;
}

/* The first line that the server printed about an error. */
static void error_line(const struct guest *r, char *text, size_t size)
{
	static const char *const marks[] = {"error", "alert",  "emerg",
					    "fatal", "cannot", "invalid"};
	char output[PROGRAM_OUTPUT], *rest = output, *line;
	guest_output(r, output);
	*text = 0;
	while ((line = strsep(&rest, "\n")))
		for (size_t i = 0; i < sizeof(marks) / sizeof(*marks) && !*text; i++)
			if (strcasestr(line, marks[i]))
				snprintf(text, size, ": %s", line);
	for (size_t end = strlen(text); end && strchr(" \t:", text[end - 1]);)
		text[--end] = 0;
}

/* It did not start with the line. */
static int line_refused(const struct guest *tried, struct err *e)
{
	char end[PROGRAM_END], line[160];
	int status;
	if (!tried->lab || !tried->program.part || !program_exited(&tried->program, &status))
		return err_recode(e, ENOTSUP);
	error_line(tried, line, sizeof(line));
	return err_set(e, ENOTSUP, "the server %s%s", program_end_text(&tried->program, end), line);
}

/* Whether the outcome is that of the line: the server runs, and its listener has the limit. */
static int line_check(struct guest *tried, enum server_limit limit, struct proof *p, struct err *e)
{
	struct guest_queue queue = {0};
	int rc = guest_check(tried, e);
	if (!rc && limit == SERVER_BACKLOG)
		rc = guest_queue_read(tried, &queue, e);
	if (queue.sockets && queue.limit_min < tried->line->value)
		p->kept = queue.limit_min;
	return rc ? err_recode(e, ENOTSUP) : 0;
}

static int line_try(struct trial *t, const struct experiment *x, const struct settings *now,
		    enum server_limit limit, const struct guest_line *line, struct proof *p,
		    struct err *e)
{
	CLEAN(guest_close) struct guest tried = {0};
	struct probe_options options = *t->options;
	const struct probe_options *given = t->options;
	struct lab *lab = t->lab;
	int rc = guest_open_line(&tried, given->guest, t->host, line, e);
	if (rc)
		return line_refused(&tried, e);
	options.guest = &tried;
	t->options = &options;
	t->lab = tried.lab;
	rc = proof_search(t, x, now, p, e);
	t->options = given;
	t->lab = lab;
	int checked = rc && rc != -ERANGE ? 0 : line_check(&tried, limit, p, e);
	return checked ? checked : rc;
}

int proof_search_line(struct trial *t, const struct experiment *x, const struct settings *now,
		      struct proof *p, char line[GUEST_LINE], struct err *e)
{
	CLEAN(guest_line_free) struct guest_line made = {0};
	int64_t value = 0;
	enum server_limit limit =
		t->options->guest ? limit_changed(x, now, &p->at, &value) : SERVER_LIMITS;
	line[0] = 0;
	if (limit == SERVER_LIMITS)
		return err_set(e, ENOTSUP, "no line of a server sets it");
	int rc = guest_line_make(t->options->guest, t->host, now->subject->name, limit,
				 (uint64_t)value, &made, e);
	if (rc == -EALREADY)
		return err_set(e, ENOTSUP, "the server already has %s %llu", made.name,
			       (unsigned long long)made.present);
	if (rc)
		return err_recode(e, ENOTSUP);
	guest_line_text(&made, line);
	return line_try(t, x, now, limit, &made, p, e);
}
