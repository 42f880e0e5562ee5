#include "report/page.h"

#include <stdarg.h>
#include <string.h>

#include "report/utf8.h"

#define WIDTH_MAX 100

static const char *const tones[] = {
	[TONE_PLAIN] = "",        [TONE_BOLD] = "\033[1m",   [TONE_GOOD] = "\033[32m",
	[TONE_WARN] = "\033[33m", [TONE_BAD] = "\033[1;31m", [TONE_FAINT] = "\033[2m",
};

struct page page_open(FILE *out, const struct render_style *style)
{
	return (struct page){
		.out = out,
		.width = style->width < WIDTH_MAX ? style->width : WIDTH_MAX,
		.color = style->color,
		.utf8 = style->utf8,
		.verbose = style->verbose,
	};
}

const char *page_gap(const struct page *p) { return p->width < 72 ? " " : "   "; }

const char *page_tone(enum tone tone) { return tones[tone]; }

const char *page_verdict(enum wall_verdict v)
{
	static const char *const verdicts[] = {
		[VERDICT_OK] = "ok",           [VERDICT_TIGHT] = "tight", [VERDICT_SHORT] = "SHORT",
		[VERDICT_UNKNOWN] = "unknown", [VERDICT_NA] = "n/a",
	};
	return verdicts[v];
}

enum tone page_verdict_tone(enum wall_verdict v)
{
	static const enum tone of[] = {
		[VERDICT_OK] = TONE_GOOD,   [VERDICT_TIGHT] = TONE_WARN,
		[VERDICT_SHORT] = TONE_BAD, [VERDICT_UNKNOWN] = TONE_WARN,
		[VERDICT_NA] = TONE_PLAIN,
	};
	return of[v];
}

enum tone page_wall_tone(const struct wall *w)
{
	return w->accepted ? TONE_PLAIN : page_verdict_tone(w->verdict);
}

void page_put(const struct page *p, enum tone tone, const char *text)
{
	bool color = p->color && tone != TONE_PLAIN && *text;
	fprintf(p->out, "%s%s%s", color ? tones[tone] : "", text, color ? "\033[0m" : "");
}

void page_text(const struct page *p, char *out, size_t size, const char *fmt, ...)
{
	char raw[PAGE_TEXT];
	va_list args;
	va_start(args, fmt);
	vsnprintf(raw, sizeof(raw), fmt, args);
	va_end(args);
	if (p->utf8)
		utf8_copy_printable(out, size, raw);
	else
		utf8_copy_ascii(out, size, raw);
}

bool page_may_break(const char *text, const char *blank)
{
	if (blank == text || blank[-1] < '0' || blank[-1] > '9')
		return true;
	size_t next = strcspn(blank + 1, " ,.;:)");
	return !(blank[1] >= '0' && blank[1] <= '9') && next > 3 && !memchr(blank + 1, '/', next);
}

/* The bytes of a word, with the blanks inside its quotes. */
static size_t word_length(const char *text)
{
	size_t n = 0;
	char quote = 0;
	for (; text[n] && (quote || text[n] != ' '); n++)
		if (quote ? text[n] == quote : text[n] == '\'' && (!n || text[n - 1] == '='))
			quote = quote ? 0 : text[n];
	return quote ? strcspn(text, " ") : n;
}

/* The bytes of the commands in parentheses that a text begins with: a shell's, of which the first
 * sets a variable. 0: none. */
static size_t subshell_length(const char *text)
{
	size_t name = text[0] == '(' ? strspn(text + 1, "abcdefghijklmnopqrstuvwxyz") : 0;
	const char *end = name && text[name + 1] == '=' ? strchr(text, ')') : NULL;
	return end ? (size_t)(end + 1 - text) : 0;
}

/* The bytes of the command that a text begins with: what is wrapped cannot be pasted. 0: none. */
static size_t command_length(const char *text)
{
	/* Those that texts name: "epolltune counts …" is a sentence. */
	static const char *const programs[] = {
		"epolltune apply",       "epolltune check",
		"epolltune explain",     "epolltune confirm",
		"epolltune rollback",    "epolltune list",
		"epolltune lint",        "sysctl -w",
		"echo nf_conntrack",     "echo br_netfilter",
		"sudo systemctl unmask",
	};
	size_t n = subshell_length(text);
	if (n)
		return n;
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		size_t length = strlen(programs[i]);
		if (!strncmp(text, programs[i], length) && text[length] == ' ')
			n = length;
	}
	/* Then options, their arguments, and one argument of the command itself. */
	for (bool more = true; n && text[n] == ' ' && !strchr(".,:;)", text[n - 1]);) {
		bool option = text[n + 1] == '-';
		if (!option && !more)
			break;
		n += 1 + word_length(text + n + 1);
		more = option;
	}
	return n;
}

/* The number of bytes of `text` that fit in `columns`, at least one word. */
static size_t line_length(const char *text, size_t columns)
{
	size_t fits = 0, column = 0, command = 0;
	for (size_t i = 0;; i++) {
		bool end = text[i] == 0;
		if (i >= command && (!i || text[i - 1] == ' '))
			command = i + command_length(text + i);
		if (end || (text[i] == ' ' && i >= command && page_may_break(text, text + i))) {
			if (column > columns && fits)
				return fits;
			fits = i;
		}
		if (end)
			return fits;
		column += ((unsigned char)text[i] & 0xc0) != 0x80;
	}
}

void page_wrap(const struct page *p, enum tone tone, size_t first, size_t indent, const char *text)
{
	size_t start = first;
	while (*text) {
		char line[PAGE_TEXT];
		size_t length = line_length(text, p->width > start ? p->width - start : 1);
		snprintf(line, sizeof(line), "%.*s", (int)length, text);
		page_put(p, tone, line);
		text += length;
		text += strspn(text, " ");
		fputc('\n', p->out);
		if (*text)
			fprintf(p->out, "%*s", (int)indent, "");
		start = indent;
	}
}

static void paragraph(const struct page *p, enum tone tone, size_t first, size_t indent,
		      const char *field)
{
	char text[PAGE_TEXT];
	page_text(p, text, sizeof(text), "%s", field);
	if (!*text)
		return;
	fprintf(p->out, "%*s", (int)first, "");
	page_wrap(p, tone, first, indent, text);
}

void page_paragraph(const struct page *p, enum tone tone, size_t indent, const char *field)
{
	paragraph(p, tone, indent, indent, field);
}

void page_labelled(const struct page *p, size_t first, size_t indent, const char *field)
{
	char text[PAGE_TEXT];
	page_text(p, text, sizeof(text), "%s", field);
	if (*text)
		page_wrap(p, TONE_PLAIN, first, indent, text);
	else
		fputc('\n', p->out);
}

void page_segment(const struct page *p, struct page_segments *s, const char *fmt, ...)
{
	if (s->count == PAGE_SEGMENTS)
		return;
	char text[PAGE_TEXT];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	page_text(p, s->at[s->count], sizeof(s->at[0]), "%s", text);
	s->count++;
}

void page_segments(const struct page *p, enum tone tone, size_t indent, const char *separator,
		   const struct page_segments *s)
{
	char between[16], line[PAGE_TEXT] = "";
	size_t first = indent, hang = indent + s->hang;
	page_text(p, between, sizeof(between), "%s", separator);
	for (size_t i = 0; i < s->count; i++) {
		size_t used = strlen(line);
		if (used &&
		    first + utf8_length(line) + utf8_length(between) + utf8_length(s->at[i]) >
			    p->width) {
			paragraph(p, tone, first, hang, line);
			first = hang;
			used = 0;
		}
		snprintf(line + used, sizeof(line) - used, "%s%s", used ? between : "", s->at[i]);
	}
	paragraph(p, tone, first, hang, line);
}
