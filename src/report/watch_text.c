/* What is watched, as a screen and as lines. */
#include "report/watch.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "catalogue/unit.h"
#include "epolltune/cleanup.h"
#include "epolltune/quantity.h"
#include "report/figure.h"
#include "report/page.h"
#include "report/utf8.h"

#define CELL 160
#define WHAT_MIN 16
#define WHAT_MAX 48
#define SPARK_MIN 7
#define SPARK_MAX 60
#define LINES_MAX 512 /* a terminal has no more */
/* From that height on the screen has the totals, and what else is known of the selected row. */
#define TOTALS_FROM 9
#define DETAIL_FROM 14

enum column { WALL, WHAT, USED, LIMIT, RECENT, HALF_OPEN, LOST, LEFT, SPARK, VERDICT, COLUMNS };

/* In their order on the screen, with the width of the screen from which they are on it. */
static const struct {
	const char *head;
	bool right;
	unsigned from;
	unsigned least; /* of its own width: it does not change with each figure */
} columns[COLUMNS] = {
	[WALL] = {"WALL", false, 110, 0},    [WHAT] = {"WHAT", false, 0, 0},
	[USED] = {"USED", true, 0, 7},       [LIMIT] = {"LIMIT", true, 0, 7},
	[RECENT] = {"MAX", true, 80, 5},     [HALF_OPEN] = {"HALF-OPEN", true, 96, 0},
	[LOST] = {"LOST/s", true, 60, 0},    [LEFT] = {"LEFT", true, 0, 6},
	[SPARK] = {"HISTORY", false, 72, 0}, [VERDICT] = {"VERDICT", false, 44, 0},
};

struct screen {
	struct page p;
	const struct watch *w;
	unsigned width;
	size_t widths[COLUMNS]; /* 0: not on the screen */
};

static void figure(char *text, const struct watch_row *r, int64_t value)
{
	snprintf(text, CELL, "-");
	if (value != REPORT_NONE)
		figure_format(text, CELL, r->now.kind->unit, value);
}

/* A rate, to three figures. */
static struct quantity_shown rate(double per_s)
{
	uint64_t whole = per_s > 0 && per_s < 1e15 ? (uint64_t)ceil(per_s) : 0;
	return quantity_measured(QUANTITY_COUNT, whole);
}

/* "12 s", "4 min", "2 h". */
static void duration(char *text, double s)
{
	const char *unit = s < 120 ? "s" : s < 7200 ? "min" : "h";
	double factor = s < 120 ? 1 : s < 7200 ? 60 : 3600;
	snprintf(text, CELL, "%.0f %s", s / factor, unit);
}

static void left(char *text, const struct watch_row *r)
{
	if (r->ended)
		snprintf(text, CELL, "ended");
	else if (r->left_s <= 0)
		snprintf(text, CELL, "full");
	else if (isfinite(r->left_s))
		duration(text, r->left_s);
	else
		snprintf(text, CELL, "-");
}

/* The maximum of each group of looks. Groups keep their looks while the history moves on. */
static void spark(char *text, const struct screen *s, const struct watch_row *r)
{
	static const char *const utf8[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char ascii[] = "_.:-=+*#";
	size_t cells = s->widths[SPARK], all = watch_remembered(s->w), used = 0;
	size_t group = (all + cells - 2) / (cells - 1);
	uint64_t first = s->w->looks - all, newest = (s->w->looks - 1) / group;
	double full = (double)watch_capacity(r);
	for (size_t c = cells; c-- > 0;) {
		double max = NAN;
		for (size_t k = 0; c <= newest && k < group; k++) {
			uint64_t look = (newest - c) * group + k;
			if (look >= first && look < s->w->looks)
				max = fmax(max, r->history[watch_place(s->w, look - first)]);
		}
		double level = full > 0 ? 8 * max / full : 0;
		size_t at = level < 7 ? (size_t)(level > 0 ? level : 0) : 7;
		const char one[2] = {ascii[at], 0};
		used += (size_t)snprintf(text + used, CELL + 64 - used, "%s",
					 isnan(max)  ? " "
					 : s->p.utf8 ? utf8[at]
						     : one);
	}
}

static void cell(char text[CELL + 64], const struct screen *s, const struct watch_row *r,
		 enum column c)
{
	text[0] = 0;
	switch (c) {
	case WALL:
		snprintf(text, CELL, "%s", r->now.kind->wall);
		break;
	case WHAT:
		page_text(&s->p, text, CELL, "%s", r->now.what);
		break;
	case USED:
		figure(text, r, r->ended ? REPORT_NONE : r->used);
		break;
	case LIMIT:
		figure(text, r, watch_capacity(r));
		break;
	case RECENT:
		figure(text, r, r->now.kind->paired ? REPORT_NONE : r->recent);
		break;
	case HALF_OPEN:
		snprintf(text, CELL, "%s",
			 r->now.half_open == REPORT_NONE
				 ? "-"
				 : quantity_count((uint64_t)r->now.half_open).text);
		break;
	case LOST:
		snprintf(text, CELL, "%s", r->lost > 0 ? rate(r->lost).text : "-");
		break;
	case LEFT:
		left(text, r);
		break;
	case SPARK:
		spark(text, s, r);
		break;
	case VERDICT:
		snprintf(text, CELL, "%s", r->ended ? "-" : page_verdict(r->verdict));
		break;
	case COLUMNS:
		break;
	}
}

/* Columns of figures are as wide as what they have; what is left is for names and history. */
static void widths_find(struct screen *s, size_t from, size_t to)
{
	size_t used = 2, what = 0;
	char text[CELL + 64];
	for (enum column c = 0; c < COLUMNS; c++) {
		if (s->width < columns[c].from)
			continue;
		size_t width = strlen(columns[c].head);
		if (width < columns[c].least)
			width = columns[c].least;
		for (size_t i = from; i < to && c != SPARK; i++) {
			cell(text, s, s->w->nearest[i], c);
			width = utf8_length(text) > width ? utf8_length(text) : width;
		}
		s->widths[c] = width;
		if (c == WHAT)
			what = width;
		else
			used += c == SPARK ? 1 : width + 1;
	}
	size_t rest = s->width > used + 1 ? s->width - used : 1;
	size_t history = s->widths[SPARK] ? SPARK_MIN : 0;
	if (what > WHAT_MAX)
		what = WHAT_MAX;
	if (what + history > rest)
		what = rest > history + WHAT_MIN ? rest - history : WHAT_MIN;
	if (what > rest)
		what = rest;
	s->widths[WHAT] = what;
	if (history)
		s->widths[SPARK] = rest - what < SPARK_MIN   ? 0
				   : rest - what > SPARK_MAX ? SPARK_MAX
							     : rest - what;
}

/* Cuts in the middle: both ends of a name distinguish it. */
static void cell_cut(const struct screen *s, char text[CELL + 64], size_t width)
{
	size_t length = utf8_length(text), dots = s->p.utf8 ? 1 : 2, at = 0, i = 0;
	char out[CELL + 64];
	if (length <= width)
		return;
	size_t head = width > dots ? (width - dots) / 2 : 0;
	size_t tail = width > dots ? width - dots - head : width;
	for (const char *c = text; *c; i += ((unsigned char)*c & 0xc0) != 0x80, c++) {
		size_t n = i + (((unsigned char)*c & 0xc0) != 0x80); /* of this character, from 1 */
		if (n <= head || n > length - tail)
			out[at++] = *c;
		else if (n == head + 1 && ((unsigned char)*c & 0xc0) != 0x80 && width > dots)
			at += (size_t)sprintf(out + at, "%s", s->p.utf8 ? "…" : "..");
	}
	out[at] = 0;
	memcpy(text, out, at + 1);
}

static enum tone tone_of(const struct watch_row *r, enum column c)
{
	bool asks = verdict_asks(r->verdict);
	if (r->ended)
		return TONE_FAINT;
	switch (c) {
	case VERDICT:
		return page_verdict_tone(r->verdict);
	case LOST:
		return r->lost > 0 && asks ? page_verdict_tone(r->verdict) : TONE_PLAIN;
	case USED:
	case LEFT:
		return asks ? page_verdict_tone(r->verdict) : TONE_PLAIN;
	case SPARK:
		return asks ? page_verdict_tone(r->verdict) : TONE_FAINT;
	default:
		return TONE_PLAIN;
	}
}

/* "LAST 4 min" of the history, where there is room. */
static void head_text(char *text, const struct screen *s, enum column c)
{
	char time[CELL];
	snprintf(text, CELL, "%s", columns[c].head);
	if (c != SPARK)
		return;
	duration(time, s->w->clock - s->w->at[watch_place(s->w, 0)]);
	if (s->widths[c] >= strlen(time) + 5)
		snprintf(text, CELL, "LAST %.*s", CELL / 2, time);
}

/* NULL: the heads. Blanks follow only where more does. */
static void row_print(const struct screen *s, const struct watch_row *r, bool selected)
{
	char text[CELL + 64];
	size_t pending = 0;
	fputs(selected ? ">" : " ", s->p.out);
	for (enum column c = 0; c < COLUMNS; c++) {
		size_t width = s->widths[c];
		if (!width)
			continue;
		if (r)
			cell(text, s, r, c);
		else
			head_text(text, s, c);
		cell_cut(s, text, width);
		size_t pad = width - utf8_length(text);
		fprintf(s->p.out, "%*s", (int)(pending + 1 + (columns[c].right ? pad : 0)), "");
		page_put(&s->p, r ? tone_of(r, c) : TONE_BOLD, text);
		pending = columns[c].right ? 0 : pad;
	}
	fputc('\n', s->p.out);
}

/* "nginx 0.0.0.0:443: 512 of 512 connections, 1 640 packets dropped/s". */
static void row_describe(char *text, size_t size, const struct watch_row *r)
{
	char used[CELL], limit[CELL], time[CELL];
	const struct watch_kind *k = r->now.kind;
	figure(used, r, r->used);
	figure(limit, r, watch_capacity(r));
	left(time, r);
	const char *unit = unit_row_find(k->unit)->form == UNIT_THINGS ? k->unit : "";
	report_text_into(text, size, "%s %s: %s", k->wall, r->now.what, used);
	if (r->limit != REPORT_NONE)
		report_append_to(text, size, " of %s", limit);
	report_append_to(text, size, "%s%s%s", *unit ? " " : "", unit,
			 r->left_s <= 0 ? ", full" : "");
	if (r->left_s > 0 && isfinite(r->left_s))
		report_append_to(text, size, ", full in %s at the present growth", time);
	if (r->lost > 0 && k->losses)
		report_append_to(text, size, ", %s: %s/s", k->losses, rate(r->lost).text);
	if (r->now.note[0])
		report_append_to(text, size, "; %s", r->now.note);
}

/* The nearest wall that comes nearer or asks; NULL: all have headroom. */
static const struct watch_row *asking(const struct watch *w)
{
	const struct watch_row *r = w->count ? w->nearest[0] : NULL;
	return r && !r->ended && (verdict_asks(r->verdict) || isfinite(r->left_s)) ? r : NULL;
}

/* The server that was named and is not there. False: it is, or none was named. */
static bool describe_waiting(char *text, size_t size, const struct watch *w)
{
	if (!w->server[0] || watch_listens(w))
		return false;
	if (w->waiting[0])
		report_text_into(text, size, "%s cannot be watched: %s.", w->server, w->waiting);
	else
		report_text_into(text, size, "%s does not listen: waiting for it.", w->server);
	return true;
}

static void headline(const struct screen *s)
{
	char text[PAGE_TEXT];
	const struct watch_row *r = asking(s->w);
	if (describe_waiting(text, sizeof(text), s->w))
		r = NULL;
	else if (r)
		row_describe(text, sizeof(text), r);
	else
		report_text(text, "Every known limit has headroom.");
	bool bad = r && verdict_asks(r->verdict);
	page_paragraph(&s->p, bad ? page_verdict_tone(r->verdict) : TONE_PLAIN, 0, text);
}

static void clock_text(char text[16], const struct timespec *time)
{
	struct tm parts;
	text[0] = 0;
	if (localtime_r(&time->tv_sec, &parts))
		strftime(text, 16, "%H:%M:%S", &parts);
}

static void title(const struct screen *s, const char *state)
{
	struct page_segments parts = {0};
	char time[16];
	clock_text(time, &s->w->time);
	page_segment(&s->p, &parts, "epolltune watch");
	page_segment(&s->p, &parts, "%s", s->w->host);
	if (s->w->server[0])
		page_segment(&s->p, &parts, "%s", s->w->server);
	page_segment(&s->p, &parts, "%s", time);
	if (state && *state)
		page_segment(&s->p, &parts, "%s", state);
	page_segments(&s->p, TONE_BOLD, 0, " · ", &parts);
}

static void totals(const struct screen *s)
{
	static const struct {
		const char *what;
		enum watch_counter counter;
		bool always;
	} shown[] = {{"accepted", WATCH_ACCEPTED, true},
		     {"opened", WATCH_OPENED, true},
		     {"listen overflows", WATCH_OVERFLOWS, false},
		     {"SYNs dropped", WATCH_SYNS_DROPPED, false},
		     {"SYN cookies", WATCH_COOKIES, false},
		     {"retransmitted", WATCH_RETRANSMITS, false}};
	struct page_segments parts = {0};
	const int64_t *counters = s->w->counters;
	if (counters[WATCH_ESTABLISHED] != REPORT_NONE)
		page_segment(&s->p, &parts, "%s established",
			     quantity_count((uint64_t)counters[WATCH_ESTABLISHED]).text);
	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
		double per_s = s->w->rates[shown[i].counter];
		if (!isnan(per_s) && (shown[i].always || per_s > 0))
			page_segment(&s->p, &parts, "%s/s %s", rate(per_s).text, shown[i].what);
	}
	if (s->w->omitted)
		page_segment(&s->p, &parts, "%zu further rows omitted", s->w->omitted);
	page_segments(&s->p, TONE_FAINT, 0, " · ", &parts);
}

static void detail(const struct screen *s, const struct watch_row *r)
{
	struct page_segments parts = {0};
	const struct watch_kind *k = r->now.kind;
	char recent[CELL];
	figure(recent, r, r->recent);
	page_segment(&s->p, &parts, "%s", k->wall);
	if (r->now.owner != REMEDY_NONE)
		page_segment(&s->p, &parts, "limit of the %s", finding_remedy_name(r->now.owner));
	if (r->recent != REPORT_NONE && !k->paired)
		page_segment(&s->p, &parts, "recent maximum %s", recent);
	if (r->growth > 0) {
		figure(recent, r, (int64_t)ceil(r->growth));
		page_segment(&s->p, &parts, "grows by %s/s", recent);
	}
	if (r->now.half_open != REPORT_NONE)
		page_segment(&s->p, &parts, "%s half-open",
			     quantity_count((uint64_t)r->now.half_open).text);
	if (watch_lost(r) > 0 && k->losses)
		page_segment(&s->p, &parts, "%s: %s in all", k->losses,
			     quantity_count((uint64_t)watch_lost(r)).text);
	if (r->now.note[0])
		page_segment(&s->p, &parts, "%s", r->now.note);
	page_segments(&s->p, TONE_PLAIN, 0, " · ", &parts);
}

/* What a function writes, without its last newline; the number of its lines, at most `max`, which
 * cuts the rest. The caller frees it. */
struct block {
	char *text;
	size_t size, lines;
};

static void block_free(struct block *b) { free(b->text); }

static void block_end(struct block *b, struct page *p, size_t max)
{
	fclose(p->out);
	b->lines = 0;
	if (!max)
		b->text[0] = 0;
	for (char *c = b->text; *c; c++)
		if (*c == '\n' && ++b->lines == max)
			c[1] = 0;
}

void watch_screen(FILE *out, const struct watch *w, struct watch_view *v,
		  const struct render_style *style)
{
	struct screen s = {.p = page_open(NULL, style), .w = w, .width = style->width};
	CLEAN(block_free) struct block head = {0};
	CLEAN(block_free) struct block foot = {0};
	CLEAN(block_free) struct block body = {0};
	size_t height = v->height < LINES_MAX ? v->height : LINES_MAX;
	const struct watch_row *selected = v->selected < w->count ? w->nearest[v->selected] : NULL;
	s.p.width = style->width;
	if (!(s.p.out = open_memstream(&head.text, &head.size)))
		return;
	title(&s, v->state);
	headline(&s);
	if (height >= TOTALS_FROM)
		totals(&s);
	if (height >= DETAIL_FROM)
		fputc('\n', s.p.out);
	block_end(&head, &s.p, height);
	/* The table stays where it is when a line above it needs no second one any more. */
	v->head = v->head_width == s.width && v->head > head.lines ? v->head : head.lines;
	v->head_width = s.width;
	if (!(s.p.out = open_memstream(&foot.text, &foot.size)))
		return;
	if (height >= DETAIL_FROM && selected)
		detail(&s, selected);
	if (v->keys && height >= TOTALS_FROM)
		page_paragraph(&s.p, TONE_FAINT, 0, v->keys);
	block_end(&foot, &s.p, height);
	if (head.lines + foot.lines > height) {
		foot.lines = 0;
		foot.text[0] = 0;
	}
	size_t fixed = v->head + foot.lines + 1 + (foot.lines > 0);
	size_t rows = height > fixed ? height - fixed : 0;
	if (v->selected < w->count && v->selected < v->top)
		v->top = v->selected;
	if (v->selected < w->count && rows && v->selected >= v->top + rows)
		v->top = v->selected - rows + 1;
	size_t to = v->top + rows < w->count ? v->top + rows : w->count;
	widths_find(&s, v->top, to);
	if (!(s.p.out = open_memstream(&body.text, &body.size)))
		return;
	for (size_t i = head.lines; i < v->head; i++)
		fputc('\n', s.p.out);
	if (height > v->head)
		row_print(&s, NULL, false);
	for (size_t i = v->top; i < to; i++)
		row_print(&s, w->nearest[i], i == v->selected);
	for (size_t i = to - (v->top < to ? v->top : to); foot.lines && i < rows + 1; i++)
		fputc('\n', s.p.out);
	block_end(&body, &s.p, height - head.lines - foot.lines);
	char *last = foot.lines ? foot.text : body.lines ? body.text : head.text;
	last[strlen(last) - 1] = 0;
	fprintf(out, "%s%s%s", head.text, body.text, foot.text);
}

static void line_put(const struct page *p, const struct watch *w, enum wall_verdict verdict,
		     const char *text)
{
	char time[16], line[PAGE_TEXT];
	clock_text(time, &w->time);
	page_text(p, line, sizeof(line), "%s", text);
	fprintf(p->out, "%s ", time);
	page_put(p, page_verdict_tone(verdict), page_verdict(verdict));
	fprintf(p->out, " %s\n", line);
}

void watch_lines(FILE *out, const struct watch *w, const struct render_style *style)
{
	const struct page p = page_open(out, style);
	char text[PAGE_TEXT];
	bool waiting = describe_waiting(text, sizeof(text), w);
	if (waiting)
		line_put(&p, w, VERDICT_UNKNOWN, text);
	for (size_t i = 0; i < w->count; i++) {
		const struct watch_row *r = w->nearest[i];
		if (i ? r->verdict != VERDICT_SHORT : waiting && !verdict_asks(r->verdict))
			break;
		row_describe(text, sizeof(text), r);
		line_put(&p, w, r->verdict, text);
	}
}
