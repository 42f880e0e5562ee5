#include "report/figure.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "catalogue/unit.h"
#include "epolltune/catalogue.h"
#include "epolltune/knob.h"
#include "epolltune/quantity.h"

void figure_format(char *text, size_t size, const char *unit, int64_t value)
{
	if (value > INT64_MAX / 2) {
		snprintf(text, size, "no limit");
		return;
	}
	char *at = text;
	if (value < 0 && size > 1) {
		*at++ = '-';
		size--;
	}
	uint64_t amount = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	const struct unit_row *row = unit_row_find(unit);
	quantity_format(at, size, row->kind, amount);
	size_t used = strlen(at);
	if (row->form == UNIT_SIGN)
		snprintf(at + used, size - used, " %s", unit);
}

static bool is_measured(const struct wall *w)
{
	return w->method == METHOD_MEASURED && w->measured != REPORT_NONE;
}

int64_t figure_of(const struct wall *w) { return is_measured(w) ? w->measured : w->limit; }

enum figure_bound figure_bound(const struct wall *w)
{
	if (is_measured(w))
		return w->at_least ? FIGURE_AT_LEAST : FIGURE_EXACT;
	return w->at_most ? FIGURE_AT_MOST : FIGURE_EXACT;
}

char *figure_text(char *text, size_t size, const struct wall *w)
{
	static const char *const signs[] = {
		[FIGURE_EXACT] = "", [FIGURE_AT_LEAST] = "≥ ", [FIGURE_AT_MOST] = "≤ "};
	char figure[48] = "unknown";
	/* Without a value, ok means that there is no such limit. */
	if (w->verdict == VERDICT_NA || w->verdict == VERDICT_OK)
		snprintf(figure, sizeof(figure), "n/a");
	bool known = figure_of(w) != REPORT_NONE;
	if (known)
		figure_format(figure, sizeof(figure), w->unit, figure_of(w));
	snprintf(text, size, "%s%s", known ? signs[figure_bound(w)] : "", figure);
	return text;
}

/* " MiB" of "36 MiB", "" of "36 000". */
static const char *unit_of(const char *figure)
{
	const char *blank = strrchr(figure, ' ');
	return blank && text_is_letter(blank[1]) ? blank : "";
}

char *figure_needed(char *text, size_t size, const struct wall *w)
{
	char upper[32];
	if (w->needed == REPORT_NONE)
		snprintf(text, size, "-");
	else
		figure_format(text, size, w->unit, w->needed);
	if (w->needed == REPORT_NONE || w->needed_max == REPORT_NONE)
		return text;
	figure_format(upper, sizeof(upper), w->unit, w->needed_max);
	if (!strcmp(text, upper))
		return text;
	/* "36 to 75.1 MiB": a unit that both have once. */
	const char *lower_unit = unit_of(text), *upper_unit = unit_of(upper);
	size_t used = strlen(text) - (strcmp(lower_unit, upper_unit) ? 0 : strlen(lower_unit));
	snprintf(text + used, size - used, " to %s", upper);
	return text;
}

const char *figure_basis(const struct wall *w)
{
	return w->verdict == VERDICT_NA ? "-" : wall_method_name(w->method);
}

bool proposal_known(const struct proposal *p) { return p->current[0] || p->proposed[0]; }

const char *proposal_current(const struct proposal *p)
{
	const struct knob *k = knob_find(p->knob);
	if (p->current[0])
		return p->current;
	return k && k->shape == KNOB_PORTS ? "none" : "unknown";
}

char *finding_outcome(const struct finding *f, char text[FINDING_OUTCOME])
{
	const char *state = finding_tried_name(f->tried);
	text[0] = 0;
	if (state && finding_proposes(f))
		report_text_into(text, FINDING_OUTCOME, "%s%s%s", state, f->outcome[0] ? ": " : "",
				 f->outcome);
	return text;
}

bool figure_is_absent(const struct wall *w)
{
	const struct wall_row *row = wall_row_find(w->name);
	return w->verdict == VERDICT_NA && row && row->quiet;
}

const char *figure_value(char *text, size_t size, double value, const char *unit)
{
	bool whole = value >= 0 && value < 1e15;
	if (isnan(value)) {
		snprintf(text, size, "-");
		return text;
	}
	const struct unit_row *row = unit_row_find(unit);
	if (whole && row->form == UNIT_SCALED)
		return quantity_format(text, size, row->kind,
				       quantity_round(row->kind, (uint64_t)rint(value)));
	if (whole && (value >= 1000 || value == rint(value)))
		quantity_format(text, size, QUANTITY_COUNT, (uint64_t)rint(value));
	else
		snprintf(text, size, "%.3g", value);
	size_t used = strlen(text);
	if (*unit)
		snprintf(text + used, size - used, " %s", unit);
	return text;
}

const char *figure_evidence(char *text, size_t size, const struct evidence *ev)
{
	char current[64], proposed[64];
	bool both = !isnan(ev->at_proposed);
	figure_value(current, sizeof(current), ev->at_current,
		     both && unit_row_find(ev->unit)->form != UNIT_SCALED ? "" : ev->unit);
	figure_value(proposed, sizeof(proposed), ev->at_proposed, ev->unit);
	snprintf(text, size, "%s%s%s", current, both ? " → " : "", both ? proposed : "");
	return text;
}
