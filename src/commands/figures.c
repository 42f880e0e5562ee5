#include "commands/figures.h"

#include <time.h>

#include "report/output.h"

struct figures_rendering {
	const char *format;
	const struct bench_page *page;
	const struct render_style *style;
};

static int render_to(FILE *out, void *arg, struct err *e)
{
	const struct figures_rendering *r = arg;
	return bench_render_find(r->format)(out, r->page, r->style, e);
}

int figures_check(const struct figures_options *f, struct err *e)
{
	return f->output ? output_check(f->output, e) : 0;
}

int figures_write(const struct figures_options *f, struct bench_page *page, const struct host *h,
		  struct err *e)
{
	struct host_facts facts;
	struct render_style style = command_style(f->output, f->color);
	struct figures_rendering r = {f->format, page, &style};
	clock_gettime(CLOCK_REALTIME, &page->time);
	host_facts(h, &facts);
	report_text(page->host.name, "%s", facts.name);
	report_text(page->host.kernel, "%s", facts.kernel);
	page->host.cpus = facts.cpus;
	page->host.memory_bytes = facts.memory_bytes;
	return f->output ? output_write(f->output, render_to, &r, e) : render_to(stdout, &r, e);
}
