#include "report/bench_render.h"

#include <string.h>

/* RFC 4180: quote if needed, double the quotes. */
static void field(FILE *out, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

int bench_render_csv(FILE *out, const struct bench_page *p, const struct render_style *style,
		     struct err *e)
{
	fputs("bench,variant,n,active,metric,unit,median,min,max,runs,conditions\r\n", out);
	for (size_t i = 0; i < p->table->count; i++) {
		const struct bench_result *r = &p->table->at[i];
		char text[BENCH_CONDITIONS_TEXT];
		field(out, r->bench);
		fputc(',', out);
		field(out, r->variant);
		fprintf(out, ",%llu,%llu,%s,%s,%.9g,%.9g,%.9g,%u,", (unsigned long long)r->n,
			(unsigned long long)r->active, bench_metric_name(r->metric),
			bench_metric_unit(r->metric), r->median, r->min, r->max, r->runs);
		field(out, bench_conditions(r, text));
		fputs("\r\n", out);
	}
	return 0;
}
