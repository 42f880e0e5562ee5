/* Prints one line for monitoring: status, problems, performance data, by the Monitoring Plugins'
 * development guidelines: 'label'=value[UOM];[warn];[crit];[min];[max], where a threshold "N:"
 * alerts below N. Always ASCII, as programs read it. */
#include "report/render.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "catalogue/unit.h"
#include "report/figure.h"
#include "report/utf8.h"

/* Prints external text in printable ASCII, without "|", which starts the performance data. */
static void put(FILE *out, const char *text)
{
	char plain[REPORT_ANSWER];
	utf8_copy_ascii(plain, sizeof(plain), text);
	for (char *c = plain; *c; c++)
		if (*c == '|')
			*c = '/';
	fputs(plain, out);
}

static const char *reason(const struct report *r, const struct wall *w)
{
	for (size_t i = 0; i < r->finding_count; i++) {
		const struct finding *f = &r->findings[i];
		if (finding_asks(f) && !strcmp(f->wall, w->name))
			return f->title;
	}
	return "";
}

/* Prints a wall that is short or tight. If its figure suffices (a hard limit whose soft limit is
 * tight), prints the finding's title instead. */
static void put_wall(FILE *out, const struct report *r, const struct wall *w)
{
	char figure[64], needed[64];
	put(out, w->name);
	if (figure_of(w) == REPORT_NONE || w->needed == REPORT_NONE)
		return;
	if (report_verdict(figure_of(w), report_needed(w)) == VERDICT_OK) {
		fputs(": ", out);
		put(out, reason(r, w));
		return;
	}
	figure_format(figure, sizeof(figure), w->unit, figure_of(w));
	fputc(' ', out);
	put(out, figure);
	fputs(" of ", out);
	put(out, figure_needed(needed, sizeof(needed), w));
}

/* Prints "accept-queue 4 097 of 5 000" for each wall with that verdict. Returns true if the line
 * has text. */
static bool walls(FILE *out, const struct report *r, enum wall_verdict verdict, bool begun)
{
	for (size_t i = 0; i < r->wall_count; i++) {
		if (r->walls[i].verdict != verdict || r->walls[i].accepted)
			continue;
		fputs(begun ? "; " : " ", out);
		put_wall(out, r, &r->walls[i]);
		begun = true;
	}
	return begun;
}

/* Prints the findings whose wall is not printed. */
static void findings(FILE *out, const struct report *r, bool begun)
{
	for (size_t i = 0; i < r->finding_count; i++) {
		const struct finding *f = &r->findings[i];
		if (!finding_asks(f) || report_accounts(r, f))
			continue;
		fputs(begun ? "; " : " ", out);
		put(out, f->id);
		fputs(": ", out);
		put(out, f->title);
		begun = true;
	}
}

static void performance(FILE *out, const struct wall *w)
{
	const char *unit = unit_row_find(w->unit)->plugin;
	fputc(' ', out);
	for (const char *c = w->name; *c; c++)
		fputc(text_is_word(*c) || strchr("._-", *c) ? *c : '_', out);
	if (figure_of(w) == REPORT_NONE)
		fputs("=U", out);
	else
		fprintf(out, "=%" PRId64 "%s", figure_of(w), unit ? unit : "");
	if (report_needed(w) > 0)
		fprintf(out, ";%" PRIu64 ":;%" PRId64 ":;0",
			report_margin((uint64_t)report_needed(w)), w->needed);
	else
		fputs(";;;0", out);
}

int render_line(FILE *out, const struct report *r, const struct render_style *style, struct err *e)
{
	char answer[REPORT_ANSWER];
	struct report_summary s = report_summarize(r);
	fputs("EPOLLTUNE ", out);
	for (const char *c = report_status_name(s.status); *c; c++)
		fputc(toupper((unsigned char)*c), out);
	fputs(" - ", out);
	report_answer(r, answer);
	put(out, answer);
	bool begun = walls(out, r, VERDICT_SHORT, false);
	begun = walls(out, r, VERDICT_TIGHT, begun);
	findings(out, r, begun);
	if (r->lost)
		fprintf(out, " (%zu more walls or findings did not fit)", r->lost);
	fputs(r->wall_count ? " |" : "", out);
	for (size_t i = 0; i < r->wall_count; i++)
		performance(out, &r->walls[i]);
	fputc('\n', out);
	return render_flush(out, "the report", e);
}
