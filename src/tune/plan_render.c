#include "tune/plan_render.h"

#include <errno.h>
#include <string.h>

#include "epolltune/quantity.h"
#include "report/utf8.h"

static const struct plan_format formats[] = {
#define FORMAT(name, use) {#name, plan_render_##name, PLAN_##use},
#include "tune/plan_formats.def"
#undef FORMAT
};

const char plan_format_names[] =
#define FORMAT(name, use) "," #name
#include "tune/plan_formats.def"
#undef FORMAT
	;

const struct plan_format *plan_format_find(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

const char *plan_outcome_name(enum plan_outcome o)
{
	static const char *const names[] = {
		[OUTCOME_PLANNED] = "planned",   [OUTCOME_NOTHING] = "nothing to change",
		[OUTCOME_APPLIED] = "applied",   [OUTCOME_WAITING] = "waiting",
		[OUTCOME_REVERTED] = "reverted", [OUTCOME_PARTLY] = "partly reverted",
		[OUTCOME_REFUSED] = "refused",   [OUTCOME_NOT_WAITING] = "nothing to confirm",
	};
	return names[o];
}

void plan_cost_text(const struct change *c, char text[PAGE_TEXT])
{
	char bytes[32];
	text[0] = 0;
	if (c->cost_bytes > 0)
		snprintf(text, PAGE_TEXT, "Up to %s for this load. ",
			 quantity_format(bytes, sizeof(bytes), QUANTITY_SIZE,
					 (uint64_t)c->cost_bytes));
	size_t used = strlen(text);
	snprintf(text + used, PAGE_TEXT - used, "%s", c->cost ? c->cost : "");
}

/* Whether the costs of the changes exceed the growth of the total, which counts some already. */
static bool costs_exceed(const struct plan *plan)
{
	uint64_t own = 0, grows = plan->after.sum - plan->before.sum;
	for (size_t i = 0; i < plan->count; i++)
		if (plan->changes[i].cost_bytes > 0 &&
		    __builtin_add_overflow(own, (uint64_t)plan->changes[i].cost_bytes, &own))
			return true;
	return plan->after.sum < plan->before.sum || own > grows;
}

void plan_budget_text(const struct plan *plan, char text[PAGE_TEXT])
{
	const struct budget *b = &plan->after;
	char n[32], one[32], cap[32], sum[32], was[32], machine[32];
	text[0] = 0;
	if (!b->machine)
		return;
	bool same = b->sum == plan->before.sum;
	quantity_format(was, sizeof(was), QUANTITY_SIZE, plan->before.sum);
	snprintf(text, PAGE_TEXT,
		 "Worst-case memory: %s of %s, %s%s (%s connections with up to %s of buffers each; "
		 "all buffers together up to %s%s).%s",
		 quantity_format(sum, sizeof(sum), QUANTITY_SIZE, b->sum),
		 quantity_format(machine, sizeof(machine), QUANTITY_SIZE, b->machine),
		 same ? "as" : was, " now",
		 quantity_format(n, sizeof(n), QUANTITY_COUNT, b->connections),
		 quantity_format(one, sizeof(one), QUANTITY_SIZE, b->receive + b->send),
		 quantity_format(cap, sizeof(cap), QUANTITY_SIZE, b->cap),
		 b->cap_assumed ? ", the kernel's default: tcp_mem is not visible in this network "
				  "namespace"
				: " by tcp_mem",
		 costs_exceed(plan) ? " This total already includes the costs above." : "");
}

bool plan_unknown_text(const struct plan_result *r, char text[PAGE_TEXT])
{
	struct report_summary s = {0};
	if (r->before)
		s = report_summarize(r->before);
	size_t count = s.needed_unknown;
	const char *between = count == 1 ? " has no verdict: " : "s have no verdict: ";
	text[0] = 0;
	if (!count || (r->answer && s.status == VERDICT_UNKNOWN))
		return count;
	snprintf(text, PAGE_TEXT, "%zu wall", count);
	for (size_t i = 0; i < r->before->wall_count; i++) {
		const struct wall *w = &r->before->walls[i];
		if (!wall_undecided(r->before, w) || w->accepted)
			continue;
		report_append_to(text, PAGE_TEXT, "%s%s", between, w->name);
		between = ", ";
	}
	report_append_to(text, PAGE_TEXT, ".");
	return true;
}

const char *plan_no_change(const struct plan_result *r)
{
	return r->reason ? r->reason : "Nothing to change.";
}

/* Each line of a text as a comment: none of it is executed. */
static void put_comment(FILE *out, const char *indent, const char *text)
{
	char line[PAGE_TEXT], clean[PAGE_TEXT];
	for (const char *at = text; *at; at += *at == '\n') {
		size_t length = strcspn(at, "\n");
		snprintf(line, sizeof(line), "%.*s", (int)length, at);
		utf8_copy_printable(clean, sizeof(clean), line);
		fprintf(out, "# %s%s\n", indent, clean);
		at += length;
	}
}

void plan_comments(FILE *out, const struct plan_result *r)
{
	char head[PAGE_TEXT];
	if (!r->plan->count) {
		fputc('\n', out);
		put_comment(out, "", plan_no_change(r));
	}
	for (size_t i = 0; i < r->plan->manual_count; i++) {
		const struct manual_step *m = &r->plan->manual[i];
		report_text(head, "Manual step: %s%s%s%s%s", m->knob,
			    m->current[0] || m->proposed[0] ? "  " : "", m->current,
			    m->current[0] && m->proposed[0] ? " -> " : "", m->proposed);
		fputc('\n', out);
		put_comment(out, "", head);
		put_comment(out, "  ", m->why);
		put_comment(out, "  ", m->action);
	}
}
