#include "report/render.h"

#include <errno.h>
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/quantity.h"
#include "report/utf8.h"

#define WIDTH_MOST 100
#define TEXT 2048 /* holds any paragraph: the longest fields of a finding together */

struct page {
	FILE *out;
	unsigned width;
	bool color, utf8;
};

enum tone { TONE_PLAIN, TONE_BOLD, TONE_GOOD, TONE_WARN, TONE_BAD, TONE_FAINT };

static const char *const tones[] = {
	[TONE_PLAIN] = "",        [TONE_BOLD] = "\033[1m",   [TONE_GOOD] = "\033[32m",
	[TONE_WARN] = "\033[33m", [TONE_BAD] = "\033[1;31m", [TONE_FAINT] = "\033[2m",
};

static void put(const struct page *p, enum tone tone, const char *text)
{
	bool color = p->color && tone != TONE_PLAIN && *text;
	fprintf(p->out, "%s%s%s", color ? tones[tone] : "", text, color ? "\033[0m" : "");
}

/* printf for what goes to a page: printable, and in ASCII where it has to be. */
__attribute__((format(printf, 4, 5))) static void page_text(const struct page *p, char *out,
							    size_t size, const char *fmt, ...)
{
	char raw[TEXT];
	va_list args;
	va_start(args, fmt);
	vsnprintf(raw, sizeof(raw), fmt, args);
	va_end(args);
	if (p->utf8)
		utf8_copy_printable(out, size, raw);
	else
		utf8_copy_ascii(out, size, raw);
}

/* A number stays with its digits and its unit: no line ends inside "10 000" or "100 Mbit/s". */
static bool may_break(const char *text, const char *blank)
{
	if (blank == text || blank[-1] < '0' || blank[-1] > '9')
		return true;
	size_t next = strcspn(blank + 1, " ,.;:)");
	return !(blank[1] >= '0' && blank[1] <= '9') && next > 3 && !memchr(blank + 1, '/', next);
}

/* The bytes of `text` that go on a line of `columns`, at least one word. */
static size_t line_length(const char *text, size_t columns)
{
	size_t fits = 0, column = 0;
	for (size_t i = 0;; i++) {
		bool end = text[i] == 0;
		if (end || (text[i] == ' ' && may_break(text, text + i))) {
			if (column > columns && fits)
				return fits;
			fits = i;
		}
		if (end)
			return fits;
		column += ((unsigned char)text[i] & 0xc0) != 0x80;
	}
}

/* Prints `text` wrapped; the first line starts at column `first`, the others at `indent`. */
static void wrap(const struct page *p, enum tone tone, size_t first, size_t indent,
		 const char *text)
{
	size_t start = first;
	while (*text) {
		char line[TEXT];
		size_t length = line_length(text, p->width > start ? p->width - start : 1);
		snprintf(line, sizeof(line), "%.*s", (int)length, text);
		put(p, tone, line);
		text += length;
		text += strspn(text, " ");
		fputc('\n', p->out);
		if (*text)
			fprintf(p->out, "%*s", (int)indent, "");
		start = indent;
	}
}

static void paragraph(const struct page *p, enum tone tone, size_t indent, const char *field)
{
	char text[TEXT];
	page_text(p, text, sizeof(text), "%s", field);
	if (!*text)
		return;
	fprintf(p->out, "%*s", (int)indent, "");
	wrap(p, tone, indent, indent, text);
}

#define SEGMENTS 8

/* Parts of a line that stay whole where they can: a new line starts between two of them. */
struct segments {
	size_t count;
	char at[SEGMENTS][160];
};

__attribute__((format(printf, 3, 4))) static void segment(const struct page *p, struct segments *s,
							  const char *fmt, ...)
{
	if (s->count == SEGMENTS)
		return;
	char text[TEXT];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	page_text(p, s->at[s->count], sizeof(s->at[0]), "%s", text);
	s->count++;
}

static void put_segments(const struct page *p, enum tone tone, size_t indent, const char *separator,
			 const struct segments *s)
{
	char between[16], line[TEXT] = "";
	page_text(p, between, sizeof(between), "%s", separator);
	for (size_t i = 0; i < s->count; i++) {
		size_t used = strlen(line);
		if (used &&
		    indent + utf8_length(line) + utf8_length(between) + utf8_length(s->at[i]) >
			    p->width) {
			paragraph(p, tone, indent, line);
			used = 0;
		}
		snprintf(line + used, sizeof(line) - used, "%s%s", used ? between : "", s->at[i]);
	}
	paragraph(p, tone, indent, line);
}

static void head(const struct page *p, const struct report *r)
{
	static const char *const ways[] = {
		[ISOLATION_LAB] = "measured in a private lab",
		[ISOLATION_IN_PLACE] = "measured in place",
		[ISOLATION_SYSROOT] = "inspected from a captured machine",
		[ISOLATION_NONE] = "inspected only",
	};
	struct segments s = {0};
	char size[32];
	segment(p, &s, "epolltune " EPOLLTUNE_VERSION "%s%s", r->host.name[0] ? " on " : "",
		r->host.name);
	if (r->host.kernel[0])
		segment(p, &s, "Linux %s", r->host.kernel);
	if (r->host.cpus)
		segment(p, &s, "%" PRIu64 " CPU%s", r->host.cpus, r->host.cpus == 1 ? "" : "s");
	if (r->host.memory_bytes)
		segment(p, &s, "%s",
			quantity_format(size, sizeof(size), QUANTITY_SIZE, r->host.memory_bytes));
	segment(p, &s, "%s", ways[r->host.isolation]);
	put_segments(p, TONE_BOLD, 0, " · ", &s);
}

static void question(const struct page *p, const struct target *t)
{
	struct segments s = {0};
	char text[32];
	segment(p, &s, "Ready%s for %s connections,",
		t->role == TARGET_PROXY ? ", as a proxy," : "",
		quantity_format(text, sizeof(text), QUANTITY_COUNT, t->connections));
	segment(p, &s, "%s new ones a second,",
		quantity_format(text, sizeof(text), QUANTITY_COUNT, t->rate_per_s));
	segment(p, &s, "pauses of %s,",
		quantity_format(text, sizeof(text), QUANTITY_DURATION, t->stall_us));
	segment(p, &s, "%s away,",
		quantity_format(text, sizeof(text), QUANTITY_DURATION, t->rtt_us));
	segment(p, &s, "%s each?",
		quantity_format(text, sizeof(text), QUANTITY_BANDWIDTH, t->bandwidth_bps));
	put_segments(p, TONE_PLAIN, 0, " ", &s);
	fputc('\n', p->out);
}

/* B/s as networks and disks count them, in decimal. */
static void format_byte_rate(char *text, size_t size, uint64_t value)
{
	char bits[32];
	quantity_format(bits, sizeof(bits), QUANTITY_BANDWIDTH, value);
	char *blank = strrchr(bits, ' ');
	const char *prefix = blank[1] == 'b' ? "" : (char[]){blank[1], 0};
	snprintf(text, size, "%.*s %sB/s", (int)(blank - bits), bits, prefix);
}

/* A quantity of a wall with its unit; what is counted in things ("connections") goes without. */
static void format_quantity(char *text, size_t size, const char *unit, int64_t value)
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
	if (strcmp(unit, "B/s") == 0) {
		format_byte_rate(at, size, amount);
	} else if (strcmp(unit, "B") == 0) {
		quantity_format(at, size, QUANTITY_SIZE, amount);
	} else if (strcmp(unit, "us") == 0) {
		quantity_format(at, size, QUANTITY_DURATION, amount);
	} else {
		quantity_format(at, size, QUANTITY_COUNT, amount);
		size_t used = strlen(at);
		if (strlen(unit) < 4 && *unit)
			snprintf(at + used, size - used, " %s", unit);
	}
}

static int64_t stands_at(const struct wall *w)
{
	return w->method == METHOD_MEASURED && w->measured != REPORT_NONE ? w->measured : w->limit;
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
	char name[64], stands[64] = "?", needed[64] = "-";
	page_text(p, name, sizeof(name), "%s", w->name);
	if (stands_at(w) != REPORT_NONE)
		format_quantity(stands, sizeof(stands), w->unit, stands_at(w));
	if (w->needed != REPORT_NONE)
		format_quantity(needed, sizeof(needed), w->unit, w->needed);
	bool failed = scols_line_set_data(line, COLUMN_WALL, name) ||
		      scols_line_set_data(line, COLUMN_STANDS, stands) ||
		      scols_line_set_data(line, COLUMN_NEEDED, needed) ||
		      scols_line_set_data(line, COLUMN_HOW, wall_method_name(w->method)) ||
		      scols_line_set_data(line, COLUMN_VERDICT, verdicts[w->verdict]);
	struct libscols_cell *cell = scols_line_get_cell(line, COLUMN_VERDICT);
	if (p->color && cell)
		failed |= scols_cell_set_color(cell, tones[verdict_tones[w->verdict]]) != 0;
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
	for (size_t i = 0; i < r->wall_count; i++)
		if (r->walls[i].verdict == VERDICT_UNKNOWN && r->walls[i].detail[0]) {
			char reason[TEXT];
			page_text(p, reason, sizeof(reason), "%s: %s", r->walls[i].name,
				  r->walls[i].detail);
			wrap(p, TONE_PLAIN, 0, 2, reason);
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
			return quantity_format(text, size, scaled_units[i].kind,
					       quantity_round((uint64_t)rint(value)));
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
	struct segments s = {0};
	for (size_t i = 0; i < f->evidence_count; i++) {
		const struct evidence *ev = &f->evidence[i];
		char current[64], proposed[64];
		bool tried = !isnan(ev->at_proposed);
		format_evidence(current, sizeof(current), ev->at_current, tried ? "" : ev->unit);
		format_evidence(proposed, sizeof(proposed), ev->at_proposed, ev->unit);
		for (size_t k = 0; k < sizeof(scaled_units) / sizeof(*scaled_units); k++)
			if (strcmp(ev->unit, scaled_units[k].unit) == 0)
				format_evidence(current, sizeof(current), ev->at_current, ev->unit);
		segment(p, &s, "%s %s%s%s", ev->name, current, tried ? " → " : "",
			tried ? proposed : "");
	}
	put_segments(p, TONE_FAINT, 2, " · ", &s);
}

static void knob_line(const struct page *p, const struct finding *f)
{
	if (!f->knob[0] || (!f->current[0] && !f->proposed[0]))
		return;
	char knob[TEXT], change[TEXT], tried[TEXT];
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
	put(p, TONE_BOLD, knob);
	if (column <= p->width) {
		fputs("   ", p->out);
		put(p, TONE_BOLD, change);
	} else {
		fputc('\n', p->out);
		paragraph(p, TONE_BOLD, 4, change);
	}
	if (column <= p->width && f->proposed[0] && column + 4 + utf8_length(tried) <= p->width) {
		fprintf(p->out, "    %s\n", tried);
		return;
	}
	if (column <= p->width)
		fputc('\n', p->out);
	if (f->proposed[0])
		paragraph(p, TONE_PLAIN, 4, tried);
}

static void finding_block(const struct page *p, const struct finding *f)
{
	const char *level = finding_level_name(f->level);
	char id[64];
	page_text(p, id, sizeof(id), "%s", f->id);
	put(p, TONE_BOLD, id);
	size_t used = utf8_length(id) + strlen(level);
	fprintf(p->out, "%*s", p->width > used ? (int)(p->width - used) : 1, "");
	put(p, f->level == LEVEL_CRITICAL ? TONE_BAD : TONE_WARN, level);
	fputc('\n', p->out);
	paragraph(p, TONE_PLAIN, 2, f->title);
	paragraph(p, TONE_PLAIN, 2, f->detail);
	knob_line(p, f);
	evidence(p, f);
	paragraph(p, TONE_PLAIN, 2, f->advice);
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
	char text[TEXT], line[TEXT];
	snprintf(text, sizeof(text), "%s:", f->id);
	append_sentence(text, sizeof(text), f->title);
	append_sentence(text, sizeof(text), f->detail);
	append_sentence(text, sizeof(text), f->advice);
	page_text(p, line, sizeof(line), "%s", text);
	fprintf(p->out, "%-8s ", finding_level_name(f->level));
	wrap(p, TONE_PLAIN, 9, 9, line);
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

/* What to do next about the first thing to act on: a command, or nothing. */
static void hint(const struct report *r, char *command, size_t size)
{
	command[0] = 0;
	for (int level = LEVEL_CRITICAL; level >= LEVEL_WARNING; level--)
		for (size_t i = 0; i < r->finding_count && !command[0]; i++)
			if ((int)r->findings[i].level == level)
				snprintf(command, size, "epolltune explain %s", r->findings[i].id);
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
			 s.status == VERDICT_OK ? "Nothing to change"
						: "No wall is short, but see above");
	char command[128], shown[128];
	hint(r, command, sizeof(command));
	page_text(p, shown, sizeof(shown), "%s", command);
	fprintf(p->out, "%s.", text);
	if (shown[0]) {
		static const char more[] = "More on it:  ";
		size_t columns = strlen(text) + 2 + strlen(more) + utf8_length(shown);
		fprintf(p->out, "%c%s", columns <= p->width ? ' ' : '\n', more);
		put(p, TONE_BOLD, shown);
	}
	fputc('\n', p->out);
}

int render_text(FILE *out, const struct report *r, const struct render_style *style, struct err *e)
{
	struct page p = {
		.out = out,
		.width = style->width < WIDTH_MOST ? style->width : WIDTH_MOST,
		.color = style->color,
		.utf8 = style->utf8,
	};
	head(&p, r);
	question(&p, &r->target);
	int status = walls(&p, r, e);
	if (status < 0)
		return status;
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
