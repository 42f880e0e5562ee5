#include "report/render.h"

#include <errno.h>
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <math.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/quantity.h"
#include "report/figure.h"
#include "report/page.h"
#include "report/utf8.h"

static void head(const struct page *p, const struct report *r)
{
	static const char *const ways[] = {
		[ISOLATION_LAB] = "measured in a private lab",
		[ISOLATION_IN_PLACE] = "measured in place",
		[ISOLATION_SYSROOT] = "inspected from a captured machine",
		[ISOLATION_NONE] = "inspected only",
	};
	struct page_segments s = {0};
	char size[32];
	page_segment(p, &s, "epolltune " EPOLLTUNE_VERSION "%s%s", r->host.name[0] ? " on " : "",
		     r->host.name);
	if (r->host.kernel[0])
		page_segment(p, &s, "Linux %s", r->host.kernel);
	if (r->host.cpus)
		page_segment(p, &s, "%" PRIu64 " CPU%s", r->host.cpus,
			     r->host.cpus == 1 ? "" : "s");
	if (r->host.memory_bytes)
		page_segment(
			p, &s, "%s",
			quantity_format(size, sizeof(size), QUANTITY_SIZE, r->host.memory_bytes));
	page_segment(p, &s, "%s", ways[r->host.isolation]);
	page_segments(p, TONE_BOLD, 0, " · ", &s);
}

static void question(const struct page *p, const struct target *t)
{
	struct page_segments s = {0};
	char text[32];
	page_segment(p, &s, "Ready%s for %s connections,",
		     t->role == TARGET_PROXY ? ", as a proxy," : "",
		     quantity_format(text, sizeof(text), QUANTITY_COUNT, t->connections));
	page_segment(p, &s, "%s new ones a second,",
		     quantity_format(text, sizeof(text), QUANTITY_COUNT, t->rate_per_s));
	page_segment(p, &s, "pauses of %s,",
		     quantity_format(text, sizeof(text), QUANTITY_DURATION, t->stall_us));
	page_segment(p, &s, "%s away,",
		     quantity_format(text, sizeof(text), QUANTITY_DURATION, t->rtt_us));
	page_segment(p, &s, "%s each?",
		     quantity_format(text, sizeof(text), QUANTITY_BANDWIDTH, t->bandwidth_bps));
	page_segments(p, TONE_PLAIN, 0, " ", &s);
	fputc('\n', p->out);
}

enum { COLUMN_WALL, COLUMN_STANDS, COLUMN_NEEDED, COLUMN_HOW, COLUMN_VERDICT };

/* One line of the table; false when memory ran out. */
static bool add_wall(const struct page *p, struct libscols_table *table, const struct wall *w)
{
	static const char *const verdicts[] = {
		[VERDICT_OK] = "ok",
		[VERDICT_TIGHT] = "tight",
		[VERDICT_SHORT] = "SHORT",
		[VERDICT_UNKNOWN] = "unknown",
	};
	static const enum tone verdict_tones[] = {
		[VERDICT_OK] = TONE_GOOD,
		[VERDICT_TIGHT] = TONE_WARN,
		[VERDICT_SHORT] = TONE_BAD,
		[VERDICT_UNKNOWN] = TONE_WARN,
	};
	struct libscols_line *line = scols_table_new_line(table, NULL);
	if (!line)
		return false;
	char name[64], figure[64], stands[80], needed[64] = "-";
	page_text(p, name, sizeof(name), "%s", w->name);
	page_text(p, stands, sizeof(stands), "%s", figure_text(figure, sizeof(figure), w));
	if (w->needed != REPORT_NONE)
		figure_format(needed, sizeof(needed), w->unit, w->needed);
	bool failed = scols_line_set_data(line, COLUMN_WALL, name) ||
		      scols_line_set_data(line, COLUMN_STANDS, stands) ||
		      scols_line_set_data(line, COLUMN_NEEDED, needed) ||
		      scols_line_set_data(line, COLUMN_HOW, wall_method_name(w->method)) ||
		      scols_line_set_data(line, COLUMN_VERDICT, verdicts[w->verdict]);
	struct libscols_cell *cell = scols_line_get_cell(line, COLUMN_VERDICT);
	if (p->color && cell)
		failed |= scols_cell_set_color(cell, page_tone(verdict_tones[w->verdict])) != 0;
	return !failed;
}

static struct libscols_table *make_table(const struct page *p, const struct report *r)
{
	static const struct {
		const char *name;
		int flags;
	} columns[] = {
		[COLUMN_WALL] = {"WALL", 0},
		[COLUMN_STANDS] = {"STANDS AT", SCOLS_FL_RIGHT},
		[COLUMN_NEEDED] = {"NEEDED", SCOLS_FL_RIGHT},
		[COLUMN_HOW] = {"HOW", 0},
		[COLUMN_VERDICT] = {"VERDICT", 0},
	};
	struct libscols_table *table = scols_new_table();
	if (!table)
		return NULL;
	bool failed = scols_table_set_column_separator(table, p->width < 72 ? " " : "   ") != 0;
	scols_table_enable_colors(table, p->color);
	scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		failed |= !scols_table_new_column(table, columns[i].name, 0, columns[i].flags);
	for (size_t i = 0; i < r->wall_count && !failed; i++)
		failed = !add_wall(p, table, &r->walls[i]);
	if (failed) {
		scols_unref_table(table);
		return NULL;
	}
	return table;
}

static int walls(const struct page *p, const struct report *r, struct err *e)
{
	if (r->wall_count == 0)
		return 0;
	struct libscols_table *table = make_table(p, r);
	char *text = NULL;
	if (!table || scols_print_table_to_string(table, &text)) {
		scols_unref_table(table);
		return err_set(e, ENOMEM, "not enough memory for the report");
	}
	fprintf(p->out, "%s", text);
	free(text);
	scols_unref_table(table);
	fputc('\n', p->out);
	bool told = false;
	for (size_t i = 0; i < r->wall_count; i++)
		if ((r->walls[i].verdict == VERDICT_UNKNOWN || p->verbose) &&
		    r->walls[i].detail[0]) {
			if (p->verbose && !told)
				fputc('\n', p->out);
			told = true;
			char reason[PAGE_TEXT];
			page_text(p, reason, sizeof(reason), "%s: %s", r->walls[i].name,
				  r->walls[i].detail);
			page_wrap(p, TONE_PLAIN, 0, 2, reason);
		}
	return 0;
}

/* Units that a person reads better scaled; the others are written behind the number. */
static const struct {
	const char *unit;
	enum quantity_kind kind;
} scaled_units[] = {{"us", QUANTITY_DURATION}, {"B", QUANTITY_SIZE}, {"1/s", QUANTITY_RATE}};

static const char *format_evidence(char *text, size_t size, double value, const char *unit)
{
	bool whole = value >= 0 && value < 1e15;
	if (isnan(value)) {
		snprintf(text, size, "?");
		return text;
	}
	for (size_t i = 0; i < sizeof(scaled_units) / sizeof(*scaled_units) && whole; i++)
		if (strcmp(unit, scaled_units[i].unit) == 0)
			return quantity_format(
				text, size, scaled_units[i].kind,
				quantity_round(scaled_units[i].kind, (uint64_t)rint(value)));
	if (whole && strcmp(unit, "B/s") == 0) {
		figure_format(text, size, unit, (int64_t)rint(value));
		return text;
	}
	if (whole && (value >= 1000 || value == rint(value)))
		quantity_format(text, size, QUANTITY_COUNT, (uint64_t)rint(value));
	else
		snprintf(text, size, "%.3g", value);
	size_t used = strlen(text);
	if (*unit)
		snprintf(text + used, size - used, " %s", unit);
	return text;
}

/* "ListenOverflows 903 → 0 SYNs · …": at the current value, at the proposed one if tried. */
static void evidence(const struct page *p, const struct finding *f)
{
	struct page_segments s = {0};
	for (size_t i = 0; i < f->evidence_count; i++) {
		const struct evidence *ev = &f->evidence[i];
		char current[64], proposed[64];
		bool tried = !isnan(ev->at_proposed);
		format_evidence(current, sizeof(current), ev->at_current, tried ? "" : ev->unit);
		format_evidence(proposed, sizeof(proposed), ev->at_proposed, ev->unit);
		for (size_t k = 0; k < sizeof(scaled_units) / sizeof(*scaled_units); k++)
			if (strcmp(ev->unit, scaled_units[k].unit) == 0)
				format_evidence(current, sizeof(current), ev->at_current, ev->unit);
		page_segment(p, &s, "%s %s%s%s", ev->name, current, tried ? " → " : "",
			     tried ? proposed : "");
	}
	page_segments(p, TONE_FAINT, 2, " · ", &s);
}

static void knob_line(const struct page *p, const struct finding *f)
{
	if (!f->knob[0] || (!f->current[0] && !f->proposed[0]))
		return;
	char knob[PAGE_TEXT], change[PAGE_TEXT], tried[PAGE_TEXT];
	page_text(p, knob, sizeof(knob), "%s", f->knob);
	page_text(p, change, sizeof(change), "%s%s%s", f->current[0] ? f->current : "?",
		  f->proposed[0] ? " → " : "", f->proposed);
	page_text(p, tried, sizeof(tried), "%s%s",
		  !f->tried[0]                             ? "not tried"
		  : strncmp(f->tried, "not tried", 9) == 0 ? ""
							   : "tried: ",
		  f->tried);
	size_t column = 2 + utf8_length(knob) + 3 + utf8_length(change);
	fputs("  ", p->out);
	page_put(p, TONE_BOLD, knob);
	if (column <= p->width) {
		fputs("   ", p->out);
		page_put(p, TONE_BOLD, change);
	} else {
		fputc('\n', p->out);
		page_paragraph(p, TONE_BOLD, 4, change);
	}
	if (column <= p->width && f->proposed[0] && column + 4 + utf8_length(tried) <= p->width) {
		fprintf(p->out, "    %s\n", tried);
		return;
	}
	if (column <= p->width)
		fputc('\n', p->out);
	if (f->proposed[0])
		page_paragraph(p, TONE_PLAIN, 4, tried);
}

static void finding_block(const struct page *p, const struct finding *f)
{
	const char *level = finding_level_name(f->level);
	char id[64];
	page_text(p, id, sizeof(id), "%s", f->id);
	page_put(p, TONE_BOLD, id);
	size_t used = utf8_length(id) + strlen(level);
	fprintf(p->out, "%*s", p->width > used ? (int)(p->width - used) : 1, "");
	page_put(p, f->level == LEVEL_CRITICAL ? TONE_BAD : TONE_WARN, level);
	fputc('\n', p->out);
	page_paragraph(p, TONE_PLAIN, 2, f->title);
	page_paragraph(p, TONE_PLAIN, 2, f->detail);
	knob_line(p, f);
	evidence(p, f);
	page_paragraph(p, TONE_PLAIN, 2, f->advice);
	fputc('\n', p->out);
}

/* Appends a sentence, after a full stop if what stands there has none. */
static void append_sentence(char *text, size_t size, const char *sentence)
{
	size_t used = strlen(text);
	if (used && *sentence)
		used += (size_t)snprintf(text + used, size - used, "%s ",
					 strchr(".:;!?", text[used - 1]) ? "" : ".");
	snprintf(text + used, size - used, "%s", sentence);
}

/* "note     knob.myth: …", the shape of what needs no action now. */
static void finding_line(const struct page *p, const struct finding *f)
{
	char text[PAGE_TEXT], line[PAGE_TEXT];
	snprintf(text, sizeof(text), "%s:", f->id);
	append_sentence(text, sizeof(text), f->title);
	if (p->verbose || f->level != LEVEL_NOTE) {
		append_sentence(text, sizeof(text), f->detail);
		append_sentence(text, sizeof(text), f->advice);
	}
	page_text(p, line, sizeof(line), "%s", text);
	fprintf(p->out, "%-8s ", finding_level_name(f->level));
	page_wrap(p, TONE_PLAIN, 9, 9, line);
}

static size_t findings(const struct page *p, const struct report *r, enum finding_level level,
		       void (*print)(const struct page *p, const struct finding *f))
{
	size_t printed = 0;
	for (size_t i = 0; i < r->finding_count; i++)
		if (r->findings[i].level == level) {
			print(p, &r->findings[i]);
			printed++;
		}
	return printed;
}

static bool kernel_can_help(const struct report *r, enum wall_verdict verdict)
{
	for (size_t i = 0; i < r->finding_count; i++) {
		const struct finding *f = &r->findings[i];
		const struct wall *w = report_find(r, f->wall);
		if (w && w->verdict == verdict && f->remedy == REMEDY_KERNEL && f->proposed[0])
			return true;
	}
	return false;
}

/* Whether a note asks for a knob to be set, as one of a myth does. */
static bool notes_propose(const struct report *r)
{
	for (size_t i = 0; i < r->finding_count; i++)
		if (r->findings[i].level == LEVEL_NOTE && r->findings[i].remedy == REMEDY_KERNEL &&
		    r->findings[i].proposed[0])
			return true;
	return false;
}

/* What to do next, a command and what it is for; or nothing. */
static const char *hint(const struct page *p, const struct report *r, char *command, size_t size)
{
	char arguments[384];
	command[0] = 0;
	target_arguments(&r->target, arguments, sizeof(arguments));
	if (r->probes[0]) {
		size_t used = strlen(arguments);
		snprintf(arguments + used, sizeof(arguments) - used, " --probe %s", r->probes);
	}
	bool shorts = kernel_can_help(r, VERDICT_SHORT);
	if (r->host.isolation != ISOLATION_SYSROOT &&
	    (shorts || kernel_can_help(r, VERDICT_TIGHT))) {
		snprintf(command, size, "epolltune apply%s%s --dry-run", arguments,
			 shorts ? "" : " --tight");
		return "See what would change:  ";
	}
	for (int level = LEVEL_CRITICAL; level >= LEVEL_WARNING; level--)
		for (size_t i = 0; i < r->finding_count && !command[0]; i++)
			if ((int)r->findings[i].level == level)
				snprintf(command, size, "epolltune explain %s", r->findings[i].id);
	if (command[0])
		return "More on it:  ";
	for (size_t i = 0; i < r->finding_count && !p->verbose && !command[0]; i++)
		if (r->findings[i].level == LEVEL_NOTE)
			snprintf(command, size, "epolltune check%s --verbose", arguments);
	return "More on the notes:  ";
}

/* Appends "2 walls are short" and the like. */
static void append_count(char *text, size_t size, size_t count, const char *state)
{
	size_t used = strlen(text);
	if (count)
		snprintf(text + used, size - used, "%s%zu %s %s", used ? ", " : "", count,
			 used         ? count == 1 ? "is" : "are"
			 : count == 1 ? "wall is"
				      : "walls are",
			 state);
}

static void closing(const struct page *p, const struct report *r)
{
	struct report_summary s = report_summarize(r);
	char text[256] = "";
	append_count(text, sizeof(text), s.short_, "short");
	append_count(text, sizeof(text), s.tight, "tight");
	append_count(text, sizeof(text), s.unknown, "unknown");
	if (r->lost)
		fprintf(p->out, "%zu more walls or findings did not fit into this report.\n",
			r->lost);
	if (!text[0])
		snprintf(text, sizeof(text), "%s",
			 s.status != VERDICT_OK ? "No wall is short, but see above"
			 : notes_propose(r)     ? "No wall is short, but see the notes"
						: "Nothing to change");
	char command[448], shown[448];
	const char *purpose = hint(p, r, command, sizeof(command));
	page_text(p, shown, sizeof(shown), "%s", command);
	fprintf(p->out, "%s.", text);
	if (shown[0]) {
		size_t columns = strlen(text) + 2 + strlen(purpose) + utf8_length(shown);
		fprintf(p->out, "%c%s", columns <= p->width ? ' ' : '\n', purpose);
		page_put(p, TONE_BOLD, shown);
	}
	fputc('\n', p->out);
}

int render_text(FILE *out, const struct report *r, const struct render_style *style, struct err *e)
{
	struct page p = page_open(out, style);
	head(&p, r);
	question(&p, &r->target);
	int status = walls(&p, r, e);
	if (status < 0)
		return status;
	if (r->wall_count)
		fputc('\n', out);
	findings(&p, r, LEVEL_CRITICAL, finding_block);
	findings(&p, r, LEVEL_WARNING, finding_block);
	if (findings(&p, r, LEVEL_NOTE, finding_line) +
	    findings(&p, r, LEVEL_SKIPPED, finding_line))
		fputc('\n', out);
	closing(&p, r);
	errno = 0;
	if (fflush(out) || ferror(out))
		return err_errno(e, "cannot write the report");
	return 0;
}
