/* Joins what was observed outside of the server's network namespace. */
#include "judge/outside.h"

#include <stdlib.h>
#include <string.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "epolltune/knob.h"

static bool has_finding(const struct report *r, const char *id)
{
	for (size_t i = 0; i < r->finding_count; i++)
		if (!strcmp(r->findings[i].id, id))
			return true;
	return false;
}

/* The softnet layer and the neighbour tables are one for all network namespaces. */
static bool is_known(const struct report *whole, const struct finding *f)
{
	static const char *const common[] = {"softnet.", "neighbours."};
	for (size_t i = 0; i < sizeof(common) / sizeof(*common); i++)
		if (!strncmp(f->id, common[i], strlen(common[i])))
			return has_finding(whole, f->id);
	return false;
}

/* Whether a value of a device was among its proposals, which are none then. */
static bool devices_drop(struct finding *f)
{
	bool any = false;
	for (size_t i = 0; i < f->proposal_count; i++) {
		struct proposal *p = &f->proposals[i];
		const struct knob *k = knob_find(p->knob);
		if (!p->proposed[0] || !k || k->scope != KNOB_DEVICE)
			continue;
		any = true;
		p->proposed[0] = 0;
	}
	if (any) {
		f->tried = TRIED_NONE;
		f->outcome[0] = 0;
	}
	return any;
}

static void finding_place_outside(struct finding *f, const char *who)
{
	char text[WORDING_TEXT], detail[sizeof(f->detail)];
	struct wording words = {0};
	wording_set(&words, "who", "%s", who);
	wording_flag(&words, "device", devices_drop(f));
	report_append(f->about, "%soutside", f->about[0] ? " " : "");
	report_append(f->title, "%s", outside_title);
	if (f->answer[0])
		report_append(f->answer, "%s", outside_title);
	wording_fill(&words, outside_detail, text, sizeof(text));
	report_text(detail, "%s", f->detail);
	report_text(f->detail, "%s%s%s", text, detail[0] ? " " : "", detail);
	wording_fill(&words, outside_advice, text, sizeof(text));
	report_append(f->advice, "%s%s", f->advice[0] && text[0] ? " " : "", text);
}

static void findings_place(const struct report *whole, struct report *part, const char *who)
{
	size_t kept = 0;
	for (size_t i = 0; i < part->finding_count; i++) {
		struct finding *f = &part->findings[i];
		if (is_known(whole, f))
			continue;
		if (f->observed) /* else of the probe: that it failed */
			finding_place_outside(f, who);
		if (kept != i)
			part->findings[kept] = *f;
		kept++;
	}
	part->finding_count = kept;
}

/* Whether the wall outside is the one to report. */
static bool wall_binds(const struct wall *here, const struct wall *there)
{
	if (!here)
		return true;
	if (verdict_asks(there->verdict))
		return !verdict_asks(here->verdict) || there->verdict > here->verdict;
	return !verdict_asks(here->verdict) && here->limit == REPORT_NONE &&
	       there->limit != REPORT_NONE;
}

static void walls_place(const struct report *whole, struct report *part)
{
	size_t kept = 0;
	for (size_t i = 0; i < part->wall_count; i++) {
		struct wall *w = &part->walls[i];
		if (!wall_binds(report_find(whole, w->name), w))
			continue;
		report_append(w->detail, "%s%s", w->detail[0] ? " " : "", outside_wall);
		if (kept != i)
			part->walls[kept] = *w;
		kept++;
	}
	part->wall_count = kept;
}

void outside_join(struct report *whole, const struct report *part, const char *who)
{
	CLEAN(free_pointer) struct report *own = malloc(sizeof(*own));
	if (!own) {
		whole->lost++;
		return;
	}
	*own = *part;
	findings_place(whole, own, who);
	walls_place(whole, own);
	report_join(whole, own);
}
