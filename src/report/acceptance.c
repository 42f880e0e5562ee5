/* What an operator accepts of a report, and how long. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/figure.h"

#define DAY_S 86400

static void wall_accept(struct report *r, struct wall *w)
{
	size_t accepted = 0, others = 0;
	for (size_t i = 0; i < r->finding_count; i++) {
		const struct finding *f = &r->findings[i];
		if (f->observed || strcmp(f->wall, w->name) != 0)
			continue;
		accepted += f->accepted;
		others += finding_asks(f);
	}
	w->accepted = accepted && !others && !r->lost && verdict_asks(w->verdict);
}

static bool is_worse(const struct wall *w, int64_t accepted)
{
	int64_t now = w ? figure_of(w) : REPORT_NONE;
	if (accepted == REPORT_NONE || now == REPORT_NONE)
		return false;
	const struct wall_row *row = wall_row_find(w->name);
	double loss = (double)accepted - (double)now;
	if (row && row->lower_is_better)
		loss = -loss;
	double noise = w->method == METHOD_MEASURED ? COMPARE_NOISE : 0;
	return loss > noise * fabs((double)accepted);
}

/* What names it among others. */
static const char *name_of(const struct report *r, const struct finding *f)
{
	return f->about[0] ? f->about : r->server.name;
}

static bool is_about(const char *name, const char *accepted)
{
	size_t length = strlen(accepted);
	return !strncmp(name, accepted, length) &&
	       (!length || !name[length] || name[length] == ' ');
}

/* What is accepted of a server that may fail is not of the one that must not: a critical finding
 * that others could have, or would have as a warning, has to be named. */
static bool needs_name(const struct report *r, const struct finding *f)
{
	const struct finding_row *row = finding_row_find(f->id);
	bool raised = row && row->level != LEVEL_CRITICAL;
	return f->level == LEVEL_CRITICAL && (f->about[0] || raised) && name_of(r, f)[0];
}

static enum acceptance_state state_of(const struct report *r, const struct finding *f,
				      const struct acceptance *a)
{
	if (a->until && r->time.tv_sec >= a->until)
		return ACCEPTANCE_EXPIRED;
	if (!a->about[0] && needs_name(r, f))
		return ACCEPTANCE_UNNAMED;
	return is_worse(report_find(r, f->wall), a->value) ? ACCEPTANCE_WORSE : ACCEPTANCE_VALID;
}

void report_accept(struct report *r, const struct acceptance *a)
{
	for (size_t i = 0; i < r->finding_count; i++) {
		struct finding *f = &r->findings[i];
		if (!finding_asks(f) || strcmp(f->id, a->id) != 0 ||
		    (a->wall[0] && strcmp(f->wall, a->wall) != 0) ||
		    !is_about(name_of(r, f), a->about))
			continue;
		f->acceptance = state_of(r, f, a);
		f->accepted = f->acceptance == ACCEPTANCE_VALID;
		f->accepted_until = a->until;
		f->accepted_value = a->value;
		report_text(f->accepted_reason, "%s", a->reason);
	}
	for (size_t i = 0; i < r->wall_count; i++)
		wall_accept(r, &r->walls[i]);
}

char *acceptance_date(int64_t until, char date[16])
{
	char stamp[REPORT_STAMP];
	/* The day before the first second that is not accepted any more. */
	snprintf(date, 16, "%.10s", until ? report_stamp((time_t)until - 1, stamp) : "");
	return date;
}

bool acceptance_until(const char *date, int64_t *until)
{
	struct tm day = {0};
	const char *end = strptime(date, "%Y-%m-%d", &day);
	char again[16];
	*until = end ? timegm(&day) + DAY_S : 0;
	/* strptime() takes "2026-2-30" too. */
	return end && !*end && !strcmp(acceptance_date(*until, again), date);
}

char *acceptance_text(const struct report *r, const struct finding *f, char text[ACCEPTANCE_TEXT])
{
	const struct wall *w = report_find(r, f->wall);
	char date[16], then[64] = "", now[64] = "unknown", reason[sizeof(f->accepted_reason) + 4];
	acceptance_date(f->accepted_until, date);
	if (w && f->accepted_value != REPORT_NONE) {
		figure_format(then, sizeof(then), w->unit, f->accepted_value);
		if (figure_of(w) != REPORT_NONE)
			figure_format(now, sizeof(now), w->unit, figure_of(w));
	}
	snprintf(reason, sizeof(reason), f->accepted_reason[0] ? " (%s)" : "%s",
		 f->accepted_reason);
	text[0] = 0;
	if (f->acceptance == ACCEPTANCE_EXPIRED)
		snprintf(text, ACCEPTANCE_TEXT, "No longer accepted%s: accepted until %s.", reason,
			 date);
	else if (f->acceptance == ACCEPTANCE_WORSE)
		snprintf(text, ACCEPTANCE_TEXT, "No longer accepted%s: accepted at %s, now %s.",
			 reason, then, now);
	else if (f->acceptance == ACCEPTANCE_UNNAMED)
		snprintf(text, ACCEPTANCE_TEXT,
			 "Not accepted%s: this finding is critical. To accept it, name it: %s=%.*s",
			 reason, f->id, (int)strcspn(name_of(r, f), " "), name_of(r, f));
	else if (f->acceptance == ACCEPTANCE_VALID && (date[0] || then[0] || reason[0]))
		snprintf(text, ACCEPTANCE_TEXT, "Accepted%s%s%s%s%s.", date[0] ? " until " : "",
			 date, then[0] ? " at " : "", then, reason);
	return text;
}

const char *acceptance_name(enum acceptance_state s)
{
	static const char *const names[] = {[ACCEPTANCE_NONE] = "none",
					    [ACCEPTANCE_VALID] = "valid",
					    [ACCEPTANCE_EXPIRED] = "expired",
					    [ACCEPTANCE_WORSE] = "worse",
					    [ACCEPTANCE_UNNAMED] = "unnamed"};
	return names[s];
}
