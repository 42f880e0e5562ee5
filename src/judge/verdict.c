#include "judge/verdict.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/knob.h"
#include "epolltune/quantity.h"
#include "judge/nofile.h"
#include "judge/settings.h"
#include "report/figure.h"

/* Whether it should have had a result. */
static bool outcome_lacks(const struct outcome *o)
{
	return o->state == OUTCOME_INCONCLUSIVE || o->state == OUTCOME_UNSUPPORTED;
}

void outcome_dropped(struct outcome *o, const char *clause)
{
	if (outcome_lacks(o))
		report_append(o->why, "%s", clause);
}

struct outcome outcome_blank(void)
{
	struct outcome o = {.reached = REPORT_NONE};
	for (size_t i = 0; i < METRICS_MAX; i++)
		o.metric[i] = NAN;
	return o;
}

/* A proxy connects out. */
static bool is_unneeded(const struct wall_row *row, const struct target *t,
			const struct settings *s)
{
	bool streams = row->tcp || row->connections;
	return t->role != TARGET_PROXY && ((streams && subject_is_datagrams(s->subject)) ||
					   ((streams || row->arrivals) && t->datagrams_only));
}

struct bound bound_of(const struct experiment *x, const struct target *t, const struct settings *s)
{
	const struct wall_row *row = wall_row_find(x->wall);
	struct bound b = {.capacity = REPORT_NONE,
			  .need.min = REPORT_NONE,
			  .need.max = REPORT_NONE,
			  .upper.shown = REPORT_NONE,
			  .part.capacity = REPORT_NONE,
			  .fallback.capacity = REPORT_NONE,
			  .binding = -1,
			  .by = x->due ? BY_RUN_DUE : BY_SETTINGS};
	if (x->bound)
		x->bound(t, s, &b);
	if (s->lost && !b.unread)
		b.unread = s->lost;
	if (row && row->tcp && subject_is_local(s->subject)) {
		b.state = BOUND_ABSENT;
		b.capacity = REPORT_NONE;
	}
	if (b.need.min == REPORT_NONE && row && row->need)
		b.need.min = row->need(t);
	if (row && is_unneeded(row, t, s))
		b.need.min = b.need.max = REPORT_NONE;
	if (b.state == BOUND_UNLIMITED || b.state == BOUND_ABSENT)
		b.need.min = REPORT_NONE;
	if (b.need.min == REPORT_NONE || b.capacity == REPORT_NONE ||
	    report_verdict(b.capacity, b.need.min) == VERDICT_SHORT)
		b.unread = NULL;
	if (b.unread || b.state == BOUND_MISSING)
		b.capacity = REPORT_NONE;
	return b;
}

/* A window is between half of its bound and the bound: a need between the two takes an experiment
 * to judge. */
static enum wall_verdict upper_verdict(const struct bound *b)
{
	enum wall_verdict v = report_verdict(b->capacity, b->need.min);
	if (v != VERDICT_OK || b->need.min == REPORT_NONE)
		return v;
	bool known = b->upper.shown != REPORT_NONE;
	if (report_verdict(known ? b->upper.shown : b->capacity / 2, b->need.min) == VERDICT_OK)
		return v;
	return known ? VERDICT_TIGHT : VERDICT_UNKNOWN;
}

/* Whether only a part of the capacity, which a default or other senders leave, does not suffice. */
static bool is_part_short(const struct bound *b)
{
	if (b->part.capacity == REPORT_NONE || b->need.min == REPORT_NONE)
		return false;
	return b->part.margin ? report_verdict(b->part.capacity, b->need.min) != VERDICT_OK
			      : b->part.capacity < b->need.min;
}

static enum wall_verdict limit_verdict(const struct bound *b)
{
	/* A running server has used it up: that suffices for nothing, also where no need is known.
	 */
	if (b->origin == OF_RUNNING && !b->capacity && b->need.min == REPORT_NONE)
		return VERDICT_UNKNOWN;
	if (b->by != BY_SETTINGS && b->capacity == REPORT_NONE)
		return b->by == BY_RUN_DUE && b->need.min != REPORT_NONE ? VERDICT_UNKNOWN
									 : VERDICT_NA;
	if (b->upper.is)
		return upper_verdict(b);
	enum wall_verdict v = report_verdict(b->capacity, b->need.min);
	if ((v == VERDICT_OK || v == VERDICT_TIGHT) && b->need.max != REPORT_NONE &&
	    report_verdict(b->capacity, b->need.max) != VERDICT_OK)
		return b->need.unsure ? VERDICT_UNKNOWN : VERDICT_TIGHT;
	return v == VERDICT_OK && is_part_short(b) ? VERDICT_TIGHT : v;
}

static enum wall_verdict bound_verdict(const struct bound *b)
{
	switch (b->state) {
	case BOUND_UNLIMITED:
		return VERDICT_OK;
	case BOUND_ABSENT:
	case BOUND_BESIDE:
		return VERDICT_NA;
	case BOUND_MISSING:
		return VERDICT_UNKNOWN;
	case BOUND_LIMIT:
	case BOUND_UNKNOWN:
		break;
	}
	enum wall_verdict v = limit_verdict(b);
	return v == VERDICT_SHORT && b->soft ? VERDICT_TIGHT : v;
}

/* The capacity by bound and outcome together. */
static int64_t capacity_of(const struct bound *b, const struct outcome *o)
{
	if (o->reached == REPORT_NONE)
		return b->capacity;
	if (o->limit_met || b->upper.is || b->capacity == REPORT_NONE || b->capacity < o->reached)
		return o->reached;
	return b->capacity;
}

/* What a run missed its need by is no more than runs of it differ, and less than this percent. */
#define MISSED_PERCENT 10

static bool is_near(const struct experiment *x, const struct bound *b, const struct outcome *o)
{
	unsigned percent = x->spread < MISSED_PERCENT ? x->spread : MISSED_PERCENT;
	return o->reached != REPORT_NONE && o->reached < b->need.min &&
	       (double)o->reached > (double)b->need.min * (100 - percent) / 100;
}

static enum wall_verdict outcome_verdict(const struct experiment *x, const struct bound *b,
					 const struct outcome *o)
{
	struct bound measured = *b;
	measured.capacity = capacity_of(b, o);
	measured.upper.is = b->upper.is && o->reached == REPORT_NONE;
	enum wall_verdict v = bound_verdict(&measured);
	return v == VERDICT_SHORT && is_near(x, b, o) ? VERDICT_TIGHT : v;
}

static int64_t upper_end(const struct bound *b)
{
	bool known = b->need.min != REPORT_NONE && b->need.max < INT64_MAX;
	return known ? b->need.max : REPORT_NONE;
}

static const char *knob_of(const struct experiment *x, const struct bound *b)
{
	return b->binding >= 0 ? x->knobs[b->binding] : "";
}

static struct wording words_of(const struct experiment *x, const struct target *t,
			       const struct settings *s, const struct outcome *o,
			       const struct bound *b)
{
	struct wording w = {0};
	char text[64];
	wording_set(&w, "connections", "%s", quantity_show(QUANTITY_COUNT, t->connections).text);
	wording_set(&w, "rate", "%s", quantity_show(QUANTITY_RATE, t->rate_per_s).text);
	wording_set(&w, "stall", "%s", quantity_show(QUANTITY_DURATION, t->stall_us).text);
	wording_set(&w, "rtt", "%s", quantity_show(QUANTITY_DURATION, t->rtt_us).text);
	wording_flag(&w, "proxy", t->role == TARGET_PROXY);
	wording_set(&w, "knob", "%s", knob_of(x, b));
	wording_set(&w, "value", "%s", b->binding >= 0 ? s->text[b->binding] : "");
	wording_set(&w, "current", "%s", b->binding >= 0 ? s->text[b->binding] : "");
	const char *unit = wall_row_find(x->wall)->unit;
	figure_format(text, sizeof(text), unit, b->capacity);
	wording_set(&w, "capacity", "%s", b->capacity == REPORT_NONE ? "unknown" : text);
	struct wall need = {.needed = b->need.min, .needed_max = upper_end(b)};
	report_text(need.unit, "%s", unit);
	figure_needed(text, sizeof(text), &need);
	wording_set(&w, "needed", "%s", b->need.min == REPORT_NONE ? "nothing" : text);
	figure_format(text, sizeof(text), unit, b->part.capacity);
	wording_set(&w, "unraised", "%s", b->part.capacity == REPORT_NONE ? "" : text);
	if (x->words)
		x->words(t, s, o, b, &w);
	return w;
}

/* Some are only in the machine's first network namespace. */
static void unread_explain(const char *name, const struct machine *m, struct wall *w)
{
	const struct knob *k = knob_find(name);
	if (k && k->scope == KNOB_SYSTEM && !strncmp(name, "net.", 4) && m->own_netns)
		report_append(w->detail,
			      "%s is not visible in this network namespace: run the check in the "
			      "initial one.",
			      name);
	else
		report_append(w->detail, "%s could not be read.", name);
}

/* The knob whose default such a verdict depends on; NULL: none. What a run showed does not. */
static const char *defaulted_of(const struct bound *b, const struct outcome *o, enum wall_verdict v)
{
	bool shown = o && !o->derived && o->reached != REPORT_NONE &&
		     (o->limit_met || report_verdict(o->reached, b->need.min) == VERDICT_OK);
	return !shown && (v == VERDICT_OK || v == VERDICT_TIGHT) ? b->fallback.knob : NULL;
}

/* An administrator rarely sets less than this part of a default. */
#define DEFAULT_SPAN 8

/* That knob where another usual value of it could make another verdict; "": none. */
static const char *assumed_of(const struct bound *b, const struct outcome *o, enum wall_verdict v)
{
	const char *knob = defaulted_of(b, o, v);
	int64_t least = b->fallback.capacity != REPORT_NONE ? b->fallback.capacity
							    : b->capacity / DEFAULT_SPAN;
	int64_t need = bound_needed(b);
	bool suffices = need == REPORT_NONE || report_verdict(least, need) == VERDICT_OK;
	return knob && !suffices ? knob : "";
}

static void detail_fill(const struct experiment *x, const struct target *t,
			const struct settings *s, const struct outcome *o, const struct bound *b,
			struct wall *w)
{
	const struct wall_row *row = wall_row_find(x->wall);
	struct wording words = words_of(x, t, s, o, b);
	if (b->why) {
		report_text(w->detail, "%s", b->why);
	} else if (b->state == BOUND_ABSENT || b->state == BOUND_MISSING) {
		report_text(w->detail, "%s", row->absent ? row->absent : "");
	} else if (b->unread) {
		report_text(w->detail, "%s could not be read: how much is left is not known.",
			    b->unread);
	} else if (b->state == BOUND_LIMIT && b->capacity == REPORT_NONE && b->by == BY_SETTINGS) {
		const char *unread = x->knobs[0];
		for (size_t i = 0; x->knobs[i]; i++)
			if (!s->text[i][0]) {
				unread = x->knobs[i];
				break;
			}
		w->detail[0] = 0;
		unread_explain(unread ? unread : row->name, &s->machine, w);
	} else {
		wall_fill(w, &words);
	}
	const char *defaulted = defaulted_of(b, o, w->verdict);
	if (defaulted) {
		report_append(w->detail, " ");
		unread_explain(defaulted, &s->machine, w);
		report_append(w->detail, " Its default is assumed.");
	}
	if (b->need.min == REPORT_NONE && row->no_need)
		report_append(w->detail, "%s%s", w->detail[0] ? " " : "", row->no_need);
}

/* `unneeded`: the outcome that says so; NULL: there is none. */
static void inspect(const struct experiment *x, const struct target *t, const struct settings *s,
		    const struct outcome *unneeded, struct wall *w)
{
	struct bound b = bound_of(x, t, s);
	bool derived = b.origin == OF_ASSUMPTION || b.fallback.knob;
	if (unneeded && b.by == BY_RUN_DUE)
		b.by = BY_RUN;
	w->method = b.origin == OF_RUNNING ? METHOD_RUNNING
		    : derived              ? METHOD_DERIVED
					   : METHOD_INSPECTED;
	w->limit = b.state == BOUND_UNLIMITED ? REPORT_NONE : b.capacity;
	w->measured = REPORT_NONE;
	w->needed = b.need.min;
	w->needed_max = upper_end(&b);
	w->at_most = b.upper.is && b.capacity != REPORT_NONE;
	w->at_least = false;
	w->verdict = bound_verdict(&b);
	report_text(w->assumed, "%s", assumed_of(&b, NULL, w->verdict));
	report_text(w->knob, "%s", knob_of(x, &b));
	detail_fill(x, t, s, unneeded, &b, w);
}

void wall_inspect(const struct experiment *x, const struct target *t, const struct settings *s,
		  struct wall *w)
{
	inspect(x, t, s, NULL, w);
}

void wall_miss(struct wall *w, const char *why)
{
	/* What the running server has is known without an experiment. */
	if (w->method == METHOD_RUNNING)
		return;
	w->experiment = EXPERIMENT_MISSED;
	w->method = METHOD_DERIVED;
	report_text(w->reason, "%s", why);
}

void wall_measure(const struct experiment *x, const struct target *t, const struct settings *s,
		  const struct outcome *o, struct wall *w)
{
	struct bound b = bound_of(x, t, s);
	inspect(x, t, s, o->state == OUTCOME_UNNEEDED ? o : NULL, w);
	if (outcome_lacks(o))
		wall_miss(w, o->why);
	if (o->state != OUTCOME_CONCLUSIVE)
		return;
	w->experiment = EXPERIMENT_DONE;
	bool measured = (o->limit_met || o->measured) && !o->derived;
	if (b.origin != OF_RUNNING)
		w->method = measured ? METHOD_MEASURED : METHOD_DERIVED;
	w->measured = o->reached;
	if (o->derived)
		w->limit = o->reached;
	w->at_least = o->reached != REPORT_NONE && !o->limit_met;
	w->at_most = w->at_most && o->reached == REPORT_NONE;
	w->verdict = outcome_verdict(x, &b, o);
	report_text(w->assumed, "%s", assumed_of(&b, o, w->verdict));
	detail_fill(x, t, s, o, &b, w);
	if (w->verdict == VERDICT_TIGHT && is_near(x, &b, o))
		report_append(
			w->detail,
			"%sThe measured value is below the need by less than repeated runs differ.",
			w->detail[0] ? " " : "");
	if (o->remark[0])
		report_append(w->detail, "%s%s", w->detail[0] ? " " : "", o->remark);
}

bool outcome_suffices(const struct experiment *x, const struct target *t, const struct settings *s,
		      const struct outcome *o)
{
	struct bound b = bound_of(x, t, s);
	if (b.need.min != REPORT_NONE)
		b.need.min += (int64_t)((double)b.need.min * x->spread / 100);
	if (x->emulates && !b.part.margin)
		b.part.capacity = REPORT_NONE; /* the run had what the application has to ask for */
	return o->state == OUTCOME_CONCLUSIVE && outcome_verdict(x, &b, o) == VERDICT_OK;
}

bool settings_solve(const struct experiment *x, const struct target *t, const struct settings *now,
		    const struct outcome *o, struct settings *out)
{
	struct bound b = bound_of(x, t, now);
	int64_t need = b.need.unsure || upper_end(&b) == REPORT_NONE ? b.need.min : b.need.max;
	*out = *now;
	if (!x->solve || b.need.min == REPORT_NONE)
		return false;
	if (!x->solve(t, now, o, (int64_t)report_margin((uint64_t)need), out))
		return false;
	bool differs = false;
	for (size_t i = 0; i < settings_count(x); i++)
		differs |= settings_differ(now, out, i);
	return differs && settings_round(x, now, out);
}

static enum finding_remedy remedy_of(const char *knob, enum finding_remedy otherwise)
{
	const struct knob *k = knob_find(knob);
	if (!k)
		return otherwise;
	switch (k->scope) {
	case KNOB_NETNS:
	case KNOB_SYSTEM:
		return REMEDY_KERNEL;
	case KNOB_PROCESS:
		return REMEDY_PROCESS;
	case KNOB_APPLICATION:
		return REMEDY_APPLICATION;
	case KNOB_DEVICE:
		return REMEDY_DEVICE;
	}
	return otherwise;
}

struct proposing {
	const struct experiment *x;
	const struct settings *now, *then;
	struct wording *words;
	struct finding *f;
	char how[WORDING_TEXT], others[WORDING_TEXT];
	const struct knob *plain; /* whose effect `how` has for all that have the same; NULL */
};

/* The words of the knob's text and of findings, for what is proposed. fs.nr_open is no ceiling
 * where it is proposed too. */
static void propose_nofile(struct proposing *p, size_t i)
{
	bool soft = settings_field(p->x, i, p->now, p->then) == LIMIT_SOFT;
	int64_t hard = p->now->at[i][1], nr_open = REPORT_NONE;
	for (size_t k = 0; k < settings_count(p->x); k++)
		if (!strcmp(p->x->knobs[k], "fs.nr_open") && !settings_differ(p->now, p->then, k))
			nr_open = p->now->at[k][0];
	nofile_words(p->words, (uint64_t)p->then->at[i][soft ? 0 : 1],
		     hard == INT64_MAX ? HOST_UNLIMITED : (uint64_t)hard, nr_open,
		     p->now->machine.openrc && !p->now->machine.container);
}

static void propose_one(struct proposing *p, size_t i)
{
	char current[80], proposed[80];
	const struct knob *k = knob_find(p->x->knobs[i]);
	settings_show(p->x, i, p->now, p->then, current, proposed);
	if (k && k->scope == KNOB_PROCESS)
		propose_nofile(p, i);
	if (!p->f->proposal_count) {
		wording_set(p->words, "proposed", "%s", proposed);
		wording_set(p->words, "effect", "%s", k ? knob_effect_text(k->effect) : "");
		wording_set(p->words, "cost", "%s", k ? k->cost : "");
	} else {
		report_append(p->others, "%s%s to %s", p->others[0] ? " and " : "", p->x->knobs[i],
			      proposed);
	}
	struct proposal *c = finding_propose(p->f, p->x->knobs[i], current, proposed);
	c->field = settings_field(p->x, i, p->now, p->then);
	if (!k)
		return;
	char sentence[300];
	struct wording own = *p->words;
	wording_set(&own, "proposed", "%s", proposed);
	wording_set(&own, "effect", "%s", knob_effect_text(k->effect));
	wording_fill(&own, k->how ? k->how : "Takes effect {effect}.", sentence, sizeof(sentence));
	if (!k->how && p->plain && p->plain->effect == k->effect)
		return;
	if (!k->how && p->how[0])
		report_text(sentence, "%s takes effect %s.", k->name, knob_effect_text(k->effect));
	else if (!k->how)
		p->plain = k;
	report_append(p->how, "%s%s", p->how[0] ? " " : "", sentence);
}

/* Proposes the knob that binds first, then the others that must change with it. */
static void propose(struct proposing *p, int binding)
{
	size_t count = settings_count(p->x);
	if (binding >= 0 && settings_differ(p->now, p->then, (size_t)binding))
		propose_one(p, (size_t)binding);
	for (size_t i = 0; i < count; i++)
		if ((int)i != binding && settings_differ(p->now, p->then, i))
			propose_one(p, i);
	wording_set(p->words, "how", "%s", p->how);
	wording_set(p->words, "others", "%s", p->others);
	wording_set(p->words, "possible", "yes");
}

/* Marks the proposal as not tried, and says why if no lab can try it. */
static void untried(struct finding *f)
{
	if (!finding_proposes(f))
		return;
	f->tried = TRIED_NOT;
	for (size_t i = 0; i < f->proposal_count; i++) {
		const struct knob *k = knob_find(f->proposals[i].knob);
		const char *why = k ? knob_scope_untried(k->scope) : NULL;
		if (why)
			report_text(f->outcome, "%s", why);
	}
}

/* A wall that is tight by `part` alone has the problem of that. */
static const char *problem_of(const struct bound *b, const struct wall *w)
{
	if (w->verdict == VERDICT_SHORT)
		return "short";
	bool part = is_part_short(b) && report_verdict(b->capacity, b->need.min) == VERDICT_OK;
	return !part ? "tight" : b->part.problem ? b->part.problem : "soft-limit";
}

struct finding *wall_finding(const struct experiment *x, const struct target *t,
			     const struct settings *now, const struct settings *then,
			     const struct outcome *o, const struct wall *w, struct report *r)
{
	if (!verdict_asks(w->verdict))
		return NULL;
	struct bound b = bound_of(x, t, now);
	struct wording words = words_of(x, t, now, o, &b);
	struct finding proposals = {0};
	struct proposing p = {x, now, then, &words, &proposals, "", "", NULL};
	char id[sizeof(proposals.id)];
	/* A soft one that holds less than the need is not said to have little headroom. */
	int64_t capacity = o ? capacity_of(&b, o) : b.capacity;
	wording_flag(&words, "tight",
		     w->verdict == VERDICT_TIGHT &&
			     !(b.soft && report_verdict(capacity, b.need.min) == VERDICT_SHORT));
	wording_set(&words, "possible", "%s", "");
	wording_set(&words, "how", "%s", "");
	wording_set(&words, "others", "%s", "");
	wording_set(&words, "proposed", "%s", "");
	if (then)
		propose(&p, b.binding);
	snprintf(id, sizeof(id), "%s.%s", w->name, problem_of(&b, w));
	struct finding *f = report_finding(r, id, &words);
	if (then)
		f->remedy = remedy_of(knob_of(x, &b), f->remedy);
	if (b.remedy)
		f->remedy = b.remedy;
	f->proposal_count = proposals.proposal_count;
	memcpy(f->proposals, proposals.proposals, sizeof(f->proposals));
	if (!f->proposal_count && b.binding >= 0)
		finding_propose(f, knob_of(x, &b), now->text[b.binding], "");
	untried(f);
	return f;
}

void metrics_report(const struct experiment *x, const struct outcome *now,
		    const struct outcome *then, struct finding *f)
{
	for (size_t i = 0; i < METRICS_MAX && x->metrics[i].name; i++) {
		double after = then ? then->metric[i] : NAN;
		if (!isnan(now->metric[i]))
			finding_evidence(f, x->metrics[i].name, x->metrics[i].unit, now->metric[i],
					 after);
	}
	if (!x->course.title || now->course.count < 2)
		return;
	finding_curve(f, &x->course);
	finding_curve_line(f, "current", &now->course);
	if (then)
		finding_curve_line(f, "proposed", &then->course);
}
