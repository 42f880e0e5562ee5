/* A plan as a sysctl.d file. */
#include "report/render.h"
#include "tune/plan_render.h"

int plan_render_sysctl(FILE *out, const struct plan_result *r, const struct render_style *style,
		       struct err *e)
{
	fputs("# By epolltune apply --dry-run --format sysctl.\n", out);
	for (size_t i = 0; i < r->plan->count; i++) {
		const struct change *c = &r->plan->changes[i];
		const struct change_running *running = c->kind->running;
		if (running)
			running->sysctl(out, c);
	}
	plan_comments(out, r);
	return render_flush(out, "the plan", e);
}
