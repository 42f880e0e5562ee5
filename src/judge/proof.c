#include "judge/proof.h"

#include <errno.h>

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
		o->state = OUTCOME_UNSUPPORTED;
		report_text(o->why, "%s", e->text);
		*e = (struct err){0};
		return 0;
	}
	if (!rc)
		rc = trial_end(t, x->run(t, &in_lab, o, e), e);
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
