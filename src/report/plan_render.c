#include "report/plan_render.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *name;
	plan_render_function *render;
} formats[] = {
#define FORMAT(name) {#name, plan_render_##name},
#include "report/plan_formats.def"
#undef FORMAT
};

const char plan_format_names[] =
#define FORMAT(name) "," #name
#include "report/plan_formats.def"
#undef FORMAT
	;

plan_render_function *plan_render_find(const char *format)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (strcmp(formats[i].name, format) == 0)
			return formats[i].render;
	return NULL;
}

const char *plan_no_change(const struct plan_result *r)
{
	return r->reason ? r->reason : "Nothing to change.";
}

void plan_comments(FILE *out, const struct plan_result *r)
{
	if (!r->plan->count)
		fprintf(out, "\n# %s\n", plan_no_change(r));
	for (size_t i = 0; i < r->plan->manual_count; i++) {
		const struct manual_step *m = &r->plan->manual[i];
		fprintf(out, "%s# Manual step, see epolltune apply --dry-run: %s %s%s%s\n",
			i ? "" : "\n", m->knob, m->current,
			m->current[0] && m->proposed[0] ? " -> " : "", m->proposed);
	}
}

int plan_written(FILE *out, struct err *e)
{
	errno = 0;
	return fflush(out) || ferror(out) ? err_errno(e, "cannot write the plan") : 0;
}
