/* Writes the answer of a report: its summary in one line. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/catalogue.h"
#include "epolltune/quantity.h"
#include "epolltune/report.h"

static bool is_assumed(const struct wall *w)
{
	return w->assumed[0] && w->needed != REPORT_NONE && !w->accepted;
}

static void wall_count(struct report_summary *s, const struct report *r, const struct wall *w)
{
	bool needed = w->needed != REPORT_NONE;
	if (w->accepted)
		return;
	s->ok += w->verdict == VERDICT_OK;
	s->tight += w->verdict == VERDICT_TIGHT;
	s->short_ += w->verdict == VERDICT_SHORT;
	s->unknown += w->verdict == VERDICT_UNKNOWN;
	s->na += w->verdict == VERDICT_NA;
	s->needed_unknown += wall_undecided(r, w);
	s->missed += w->experiment == EXPERIMENT_MISSED && needed;
	s->assumed += is_assumed(w);
}

bool report_accounts(const struct report *r, const struct finding *f)
{
	const struct wall *w = report_find(r, f->wall);
	return w && !f->observed && verdict_asks(w->verdict);
}

/* Whether a finding of that level makes the status by itself. */
static bool counts(const struct report *r, const struct finding *f, enum finding_level level)
{
	return f->level == level && !f->accepted && !report_accounts(r, f);
}

struct report_summary report_summarize(const struct report *r)
{
	struct report_summary s = {.status = VERDICT_OK};
	for (size_t i = 0; i < r->wall_count; i++)
		wall_count(&s, r, &r->walls[i]);
	for (size_t i = 0; i < r->finding_count; i++) {
		const struct finding *f = &r->findings[i];
		s.criticals += counts(r, f, LEVEL_CRITICAL);
		s.warnings += counts(r, f, LEVEL_WARNING);
		s.untried += finding_untried(f);
		s.accepted += f->accepted;
	}
	for (size_t i = 0; i < r->probe_count; i++) {
		s.crashed += r->ran[i].state == PROBE_CRASHED;
		s.unobserved += r->ran[i].state == PROBE_UNOBSERVED;
		s.failed += r->ran[i].state == PROBE_FAILED;
	}
	s.unjudged = s.unknown && s.unknown == r->wall_count;
	s.overflows = report_overflows(r);
	if (s.short_ || s.criticals)
		s.status = VERDICT_SHORT;
	else if (s.needed_unknown || s.unjudged || s.crashed || s.unobserved || s.overflows ||
		 ((s.failed || s.untried) && !r->wall_count) ||
		 ((s.missed || s.assumed || s.failed || s.untried) && r->require_measured))
		s.status = VERDICT_UNKNOWN;
	else if (s.tight || s.warnings)
		s.status = VERDICT_TIGHT;
	return s;
}

int report_exit_status(const struct report *r)
{
	static const int status[] = {[VERDICT_OK] = EXIT_OK,
				     [VERDICT_TIGHT] = EXIT_WARNING,
				     [VERDICT_SHORT] = EXIT_CRITICAL,
				     [VERDICT_UNKNOWN] = EXIT_UNKNOWN};
	return status[report_summarize(r).status];
}

struct sentence {
	char *text;
	bool begun; /* the answer has text */
	bool cut;
};

#define SAY(a, ...) ((a)->cut |= !report_append_to((a)->text, REPORT_ANSWER, __VA_ARGS__))

static bool has_verdict(const struct report *r, const struct wall *w, int verdict)
{
	return (int)w->verdict == verdict && !w->accepted &&
	       (verdict != VERDICT_UNKNOWN || wall_undecided(r, w));
}

static bool is_missed(const struct report *r, const struct wall *w, int unused)
{
	return w->experiment == EXPERIMENT_MISSED && w->needed != REPORT_NONE;
}

static void walls_name(struct sentence *a, const struct report *r,
		       bool (*chosen)(const struct report *, const struct wall *, int), int which)
{
	const char *between = "";
	for (size_t i = 0; i < r->wall_count; i++)
		if (chosen(r, &r->walls[i], which)) {
			SAY(a, "%s%s", between, r->walls[i].name);
			between = ", ";
		}
}

/* "2 walls are short: a, b" */
static void walls_say(struct sentence *a, const struct report *r, size_t count, int verdict)
{
	static const struct {
		const char *one, *many;
	} states[] = {[VERDICT_SHORT] = {"is short", "are short"},
		      [VERDICT_TIGHT] = {"is tight", "are tight"},
		      [VERDICT_UNKNOWN] = {"has no verdict", "have no verdict"}};
	if (!count)
		return;
	SAY(a, "%s%s %s: ", a->begun ? "; " : "", quantity_of(count, "wall").text,
	    count == 1 ? states[verdict].one : states[verdict].many);
	walls_name(a, r, has_verdict, verdict);
	a->begun = true;
}

/* More than that are counted. */
#define CLAUSES 4

static bool is_unserved(const struct finding *f)
{
	const struct finding_row *row = finding_row_find(f->id);
	return row && row->unserved && f->answer[0];
}
static bool is_other(const struct finding *f) { return !is_unserved(f); }
static bool is_any(const struct finding *f) { return true; }

/* The first of those findings with that clause, itself maybe. */
static const struct finding *clause_first(const struct report *r, const struct finding *f,
					  bool (*chosen)(const struct finding *))
{
	for (size_t i = 0; i < r->finding_count; i++)
		if (counts(r, &r->findings[i], f->level) && chosen(&r->findings[i]) &&
		    !strcmp(r->findings[i].answer, f->answer))
			return &r->findings[i];
	return f;
}

/* "nginx is dropping connections now", each clause once. */
static void clauses_say(struct sentence *a, const struct report *r, enum finding_level level,
			bool (*chosen)(const struct finding *))
{
	size_t said = 0, more = 0;
	for (size_t i = 0; i < r->finding_count; i++) {
		const struct finding *f = &r->findings[i];
		if (!counts(r, f, level) || !chosen(f) || !f->answer[0] ||
		    clause_first(r, f, chosen) != f)
			continue;
		if (said++ < CLAUSES)
			SAY(a, "%s%s", a->begun ? "; " : "", f->answer);
		else
			more++;
		a->begun = true;
	}
	if (more)
		SAY(a, " and %zu more", more);
}

/* "1 warning: knob.myth", of findings that no wall and no clause accounts for. */
static void findings_say(struct sentence *a, const struct report *r, enum finding_level level,
			 const char *what)
{
	const char *between = "";
	char named[48] = "";
	size_t count = 0;
	for (size_t i = 0; i < r->finding_count; i++)
		count += counts(r, &r->findings[i], level) && !r->findings[i].answer[0];
	if (!count)
		return;
	SAY(a, "%s%s: ", a->begun ? "; " : "", quantity_of(count, what).text);
	for (size_t i = 0; i < r->finding_count; i++) {
		const struct finding *f = &r->findings[i];
		if (!counts(r, f, level) || f->answer[0] || !strcmp(f->id, named))
			continue;
		snprintf(named, sizeof(named), "%s", f->id);
		SAY(a, "%s%s", between, f->id);
		between = ", ";
	}
	a->begun = true;
}

/* "probe readiness failed", "probe counters could not observe this machine" */
static void probes_say(struct sentence *a, const struct report *r, enum probe_state state)
{
	for (size_t i = 0; i < r->probe_count; i++) {
		if (r->ran[i].state != state)
			continue;
		SAY(a, "%sprobe %s %s", a->begun ? "; " : "", r->ran[i].name,
		    state == PROBE_UNOBSERVED ? "could not observe this machine"
					      : probe_state_name(state));
		a->begun = true;
	}
}

/* Writes each reason once. */
static void reasons_say(struct sentence *a, const struct report *r)
{
	const char *between = ": ";
	for (size_t i = 0; i < r->wall_count; i++) {
		const struct wall *w = &r->walls[i];
		bool said = !is_missed(r, w, 0);
		for (size_t k = 0; k < i && !said; k++)
			said = is_missed(r, &r->walls[k], 0) &&
			       !strcmp(r->walls[k].reason, w->reason);
		if (said || !w->reason[0])
			continue;
		SAY(a, "%s%s", between, w->reason);
		between = "; ";
	}
}

static void missed_say(struct sentence *a, const struct report *r, const struct report_summary *s)
{
	if (!s->missed)
		return;
	SAY(a, "%s%s derived, not measured: ", a->begun ? "; " : "",
	    quantity_of(s->missed, "wall").text);
	walls_name(a, r, is_missed, 0);
	reasons_say(a, r);
	a->begun = true;
}

/* "2 walls assumed, not read: orphans (net.ipv4.tcp_max_orphans), …" */
static void assumed_say(struct sentence *a, const struct report *r, const struct report_summary *s)
{
	const char *between = "";
	if (!s->assumed)
		return;
	SAY(a, "%s%s assumed, not read: ", a->begun ? "; " : "",
	    quantity_of(s->assumed, "wall").text);
	for (size_t i = 0; i < r->wall_count; i++) {
		if (!is_assumed(&r->walls[i]))
			continue;
		SAY(a, "%s%s (%s)", between, r->walls[i].name, r->walls[i].assumed);
		between = ", ";
	}
	a->begun = true;
}

static void overflow_say(struct sentence *a, const struct report_summary *s)
{
	if (!s->overflows)
		return;
	SAY(a, "%sthere are more findings than a report holds", a->begun ? "; " : "");
	a->begun = true;
}

/* What is missing without being of a wall. */
static void missing_say(struct sentence *a, const struct report *r)
{
	probes_say(a, r, PROBE_FAILED);
	clauses_say(a, r, LEVEL_SKIPPED, is_any);
}

/* Limits of what was checked, which any kind of ready is subject to. `between` follows the answer
 * so far. */
static void qualifiers_say(struct sentence *a, const struct report *r, const char *between)
{
	bool captured = r->host.isolation == ISOLATION_SYSROOT;
	if (captured || r->quick) {
		SAY(a, "%s by the settings%s; nothing was measured", between,
		    captured ? " of the captured machine" : "");
		between = ";";
	}
	if (r->probes[0])
		SAY(a, "%s with --probe %s only", between, r->probes);
}

static void ready_say(struct sentence *a, const struct report *r, const struct report_summary *s)
{
	bool with = s->missed || s->assumed, but = s->failed || s->untried;
	if (with)
		SAY(a, "Ready, with ");
	else
		SAY(a, "Ready for this target%s", but ? ", but " : "");
	missed_say(a, r, s);
	assumed_say(a, r, s);
	missing_say(a, r);
	qualifiers_say(a, r, with || but ? ";" : ",");
}

/* Whether the clause of a finding begins with a name, which keeps its case. */
static bool begins_with_name(const struct finding *f)
{
	const struct finding_row *row = finding_row_find(f->id);
	return row && row->answer && row->answer[0] == '{';
}

/* "nginx does not accept connections; otherwise ready, but ": what a server does not do first. */
static void unserved_say(struct sentence *a, const struct report *r, const struct report_summary *s)
{
	size_t unserved = 0;
	clauses_say(a, r, LEVEL_WARNING, is_unserved);
	for (size_t i = 0; i < r->finding_count; i++) {
		const struct finding *f = &r->findings[i];
		if (!counts(r, f, LEVEL_WARNING) || !is_unserved(f))
			continue;
		if (!unserved++ && !begins_with_name(f))
			a->text[0] = (char)toupper((unsigned char)a->text[0]);
	}
	a->begun = false;
	if (s->warnings > unserved || s->tight || s->missed || s->assumed || s->failed ||
	    s->untried)
		SAY(a, "%s, but ", unserved ? "; otherwise ready" : "Ready");
	else
		SAY(a, "; otherwise ready for this target");
}

static void tight_say(struct sentence *a, const struct report *r, const struct report_summary *s)
{
	unserved_say(a, r, s);
	clauses_say(a, r, LEVEL_WARNING, is_other);
	walls_say(a, r, s->tight, VERDICT_TIGHT);
	findings_say(a, r, LEVEL_WARNING, "warning");
	missed_say(a, r, s);
	assumed_say(a, r, s);
	missing_say(a, r);
	qualifiers_say(a, r, a->begun ? ";" : ",");
}

/* "; also: nginx does not accept connections; 1 wall is tight: a": what needs no other verdict. */
static void warnings_say(struct sentence *a, const struct report *r, const struct report_summary *s)
{
	if (!s->warnings && !s->tight)
		return;
	SAY(a, "; also: ");
	a->begun = false;
	clauses_say(a, r, LEVEL_WARNING, is_any);
	walls_say(a, r, s->tight, VERDICT_TIGHT);
	findings_say(a, r, LEVEL_WARNING, "warning");
}

/* "; accepted: a, b", each id once. */
static void accepted_say(struct sentence *a, const struct report *r)
{
	const char *between = "; accepted: ";
	for (size_t i = 0; i < r->finding_count; i++) {
		bool said = !r->findings[i].accepted;
		for (size_t k = 0; k < i && !said; k++)
			said = r->findings[k].accepted &&
			       !strcmp(r->findings[k].id, r->findings[i].id);
		if (said)
			continue;
		SAY(a, "%s%s", between, r->findings[i].id);
		between = ", ";
	}
}

void report_answer(const struct report *r, char answer[REPORT_ANSWER])
{
	struct report_summary s = report_summarize(r);
	struct sentence a = {.text = answer};
	answer[0] = 0;
	switch (s.status) {
	case VERDICT_SHORT:
		SAY(&a, "Not ready: ");
		clauses_say(&a, r, LEVEL_CRITICAL, is_any);
		walls_say(&a, r, s.short_, VERDICT_SHORT);
		findings_say(&a, r, LEVEL_CRITICAL, "critical finding");
		break;
	case VERDICT_UNKNOWN:
		SAY(&a, "Not known: ");
		probes_say(&a, r, PROBE_CRASHED);
		probes_say(&a, r, PROBE_UNOBSERVED);
		overflow_say(&a, &s);
		if (r->require_measured || !r->wall_count)
			missing_say(&a, r);
		walls_say(&a, r, s.needed_unknown, VERDICT_UNKNOWN);
		if (r->require_measured) {
			missed_say(&a, r, &s);
			assumed_say(&a, r, &s);
		}
		if (!a.begun)
			SAY(&a, "no wall has a verdict");
		warnings_say(&a, r, &s);
		break;
	case VERDICT_TIGHT:
		tight_say(&a, r, &s);
		break;
	default:
		ready_say(&a, r, &s);
	}
	accepted_say(&a, r);
	size_t length = strlen(answer);
	if (length && !a.cut && answer[length - 1] != '.')
		SAY(&a, ".");
}
