#include "report/html_page.h"

#include <ctype.h>
#include <string.h>

#include "report/chart.h"
#include "report/markup.h"

/* Each pair of a text and what is behind it has a contrast of 4.5 or more in both schemes; a test
 * computes it. */
static const char style[] =
	":root{color-scheme:light dark;--paper:#ffffff;--shade:#f3f5f7;--ink:#1b1f24;--soft:#545b64;"
	"--rule:#d5dae0;--good:#1e6b2c;--warn:#7d5200;--bad:#a8200d}\n"
	"@media screen and (prefers-color-scheme:dark){:root{--paper:#15181c;--shade:#1e2228;"
	"--ink:#e6e8eb;--soft:#a4abb4;--rule:#363c44;--good:#86cf91;--warn:#e8bc66;--bad:#ff9a85}}\n"
	"*{box-sizing:border-box}\n"
	"html{background:var(--paper);color:var(--ink);-webkit-text-size-adjust:100%;"
	"font:16px/1.5 system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif}\n"
	"body{margin:0}main{max-width:50rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}\n"
	"h1,h2,h3{line-height:1.25;margin:0;font-weight:650;overflow-wrap:anywhere}\n"
	"h1{font-size:1.75rem;letter-spacing:-.01em}\n"
	"h2{font-size:1.2rem;margin:3rem 0 .75rem}h3{font-size:1.05rem;margin:1.5rem 0 .5rem}"
	"article h3{margin-top:.1rem}h1+.answer{margin-top:1.25rem}\n"
	"p,ul,dl,pre,table,figure{margin:0 0 .75rem}p{overflow-wrap:anywhere}\n"
	"code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
	"font-size:.875em}\n"
	"pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--shade);padding:.6rem .8rem;"
	"border-radius:4px}\n"
	".what,.fact,footer,.label,figcaption,dt+dd,.small{color:var(--soft);font-size:.9rem}\n"
	".what,.fact{margin:0}.what{margin-bottom:.15rem}.head{margin:.4rem 0 1.75rem}\n"
	".answer{font-size:1.2rem;line-height:1.4;font-weight:600;border-left:4px solid;"
	"padding:.15rem 0 .15rem .9rem;margin:0 0 1rem}\n"
	".good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}"
	".strong,.bad{font-weight:600}.faint{color:var(--soft)}\n"
	"table{border-collapse:collapse;width:100%;font-size:.925rem;"
	"font-variant-numeric:tabular-nums}\n"
	"th,td{padding:.3rem 1rem .3rem 0;text-align:left;vertical-align:baseline;"
	"border-bottom:1px solid var(--rule)}\n"
	"th:last-child,td:last-child{padding-right:0}th{font-weight:400}\n"
	"thead th{color:var(--soft);font-size:.85rem;border-bottom-color:var(--soft)}\n"
	"tbody tr:last-child>*{border-bottom:0}\n"
	".n{text-align:right;white-space:nowrap}.lines{white-space:pre-line}\n"
	"caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}\n"
	".wide{overflow-x:auto;margin-bottom:.75rem}.wide table{margin:0}\n"
	"article{border-top:1px solid var(--rule);padding:1rem 0 .5rem;margin:0}\n"
	".label{margin:0;text-transform:none}\n"
	"ul{padding:0;list-style:none}li{margin:0 0 .4rem;overflow-wrap:anywhere}\n"
	".change code+code{margin-left:.2rem}\n"
	"dt{margin-top:.7rem}dd{margin:0}\n"
	".pairs{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.25rem;font-size:.95rem}"
	".pairs dt,.pairs dd{margin:0;font-size:inherit;overflow-wrap:anywhere}"
	".pairs dt{color:var(--soft)}.pairs dd{color:var(--ink)}\n"
	"figure{margin:1rem 0 1.1rem;max-width:27rem}svg{display:block;width:100%;height:auto;"
	"overflow:visible}figcaption{margin-bottom:.5rem}\n"
	".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(20rem,100%),1fr));"
	"gap:.5rem 2rem}\n"
	"footer{margin-top:3rem;border-top:1px solid var(--rule);padding-top:.75rem}\n"
	"@media (max-width:34rem){main{padding:1.25rem .9rem 3rem}table{font-size:.8rem}"
	"th,td{padding-right:.6rem}h1{font-size:1.4rem}.answer{font-size:1.05rem}}\n"
	"@media print{:root{color-scheme:light}html{font-size:10.5pt}main{max-width:none;padding:0}"
	"h2,h3,thead,.label{break-after:avoid}figure,tr,li,pre{break-inside:avoid}"
	"h2{margin-top:1.75rem}.wide{overflow:visible}figure{max-width:24rem}"
	"@page{margin:18mm 16mm}}\n";

struct html html_begin(FILE *out, const char *what, const char *name)
{
	static const struct render_style utf8 = {.utf8 = true};
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'\"/>\n<meta name=\"generator\" content=\"epolltune " EPOLLTUNE_VERSION
	      "\"/>\n<title>",
	      out);
	markup_print(out, "%s%s%s", what, *name ? ": " : "", name);
	fprintf(out, "</title>\n<style>\n%s", style);
	chart_style(out);
	fputs("</style>\n</head>\n<body>\n<main>\n<header>\n", out);
	struct html h = {.out = out, .page = page_open(out, &utf8)};
	html_element(&h, "p", "what", *name ? what : "");
	html_element(&h, "h1", NULL, *name ? name : what);
	return h;
}

void html_end(const struct html *h, time_t when)
{
	char stamp[REPORT_STAMP];
	fputs("<footer>", h->out);
	markup_print(h->out, "Written by epolltune %s, %s.", EPOLLTUNE_VERSION,
		     report_stamp(when, stamp));
	fputs("</footer>\n</main>\n</body>\n</html>\n", h->out);
}

void html_text(const struct html *h, const char *text)
{
	const char *from = text;
	for (const char *blank = text; (blank = strchr(blank, ' ')); blank++) {
		if (page_may_break(text, blank))
			continue;
		markup_part(h->out, from, (size_t)(blank - from));
		fputs("\xc2\xa0", h->out);
		from = blank + 1;
	}
	markup_put(h->out, from);
}

static void element_begin(const struct html *h, const char *element, const char *class)
{
	fprintf(h->out, "<%s", element);
	if (class && *class)
		markup_attribute(h->out, "class", class);
	fputc('>', h->out);
}

void html_element(const struct html *h, const char *element, const char *class, const char *text)
{
	if (!*text)
		return;
	element_begin(h, element, class);
	html_text(h, text);
	fprintf(h->out, "</%s>\n", element);
}

void html_lines(const struct html *h, const char *text)
{
	if (!*text)
		return;
	fputs("<pre>", h->out);
	while (*text) {
		size_t length = strcspn(text, "\n");
		markup_part(h->out, text, length);
		text += length;
		if (*text && *++text)
			fputc('\n', h->out);
	}
	fputs("</pre>\n", h->out);
}

void html_code(const struct html *h, const char *text)
{
	fputs("<code>", h->out);
	while (*text) {
		size_t length = strcspn(text, ".-@");
		length += strspn(text + length, ".-@");
		markup_part(h->out, text, length);
		text += length;
		if (*text)
			fputs("<wbr/>", h->out);
	}
	fputs("</code>", h->out);
}

void html_segments(const struct page *p, enum tone tone, size_t indent, const char *separator,
		   const struct page_segments *s)
{
	const struct html h = {.out = p->out};
	fputs("<p class=\"fact\">", p->out);
	for (size_t i = 0; i < s->count; i++) {
		markup_put(p->out, i ? separator : "");
		html_text(&h, s->at[i]);
	}
	fputs("</p>\n", p->out);
}

const char *html_tone(enum tone tone)
{
	static const char *const classes[] = {
		[TONE_PLAIN] = "",    [TONE_BOLD] = "strong", [TONE_GOOD] = "good",
		[TONE_WARN] = "warn", [TONE_BAD] = "bad",     [TONE_FAINT] = "faint"};
	return classes[tone];
}

void html_table(struct html *h, const char *caption, const struct table_column *columns)
{
	h->columns = columns;
	fputs("<div class=\"wide\" role=\"group\" tabindex=\"0\"", h->out);
	markup_attribute(h->out, "aria-label", caption);
	fputs("><table>\n", h->out);
	html_element(h, "caption", NULL, caption);
	fputs("<thead><tr>", h->out);
	for (const struct table_column *c = columns; c->head; c++) {
		char head[TABLE_HEAD];
		if (*table_head(c, head) != c->head[0])
			head[0] = c->head[0];
		fprintf(h->out, "<th scope=\"col\"%s>",
			c->align == TABLE_RIGHT ? " class=\"n\"" : "");
		markup_put(h->out, head);
		fputs("</th>", h->out);
	}
	fputs("</tr></thead>\n<tbody>", h->out);
}

void html_row(struct html *h)
{
	fprintf(h->out, "%s<tr>", h->column ? "</tr>\n" : "");
	h->column = h->columns;
}

static const char *cell_begin(struct html *h, const char *tone)
{
	bool first = h->column == h->columns, number = h->column->align == TABLE_RIGHT;
	h->column++;
	fprintf(h->out, "<%s", first ? "th scope=\"row\"" : "td");
	if (number || *tone)
		fprintf(h->out, " class=\"%s%s%s\"", number ? "n" : "", number && *tone ? " " : "",
			tone);
	fputc('>', h->out);
	return first ? "</th>" : "</td>";
}

void html_cell(struct html *h, enum tone tone, const char *text)
{
	const char *end = cell_begin(h, html_tone(tone));
	html_text(h, text);
	fputs(end, h->out);
}

void html_cell_code(struct html *h, const char *text)
{
	const char *end = cell_begin(h, "");
	html_code(h, text);
	fputs(end, h->out);
}

void html_table_end(struct html *h)
{
	fprintf(h->out, "%s</tbody>\n</table></div>\n", h->column ? "</tr>\n" : "");
	h->column = NULL;
}
