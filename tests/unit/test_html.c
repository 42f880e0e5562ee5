/* The pages: what a host or a process says is text, nothing comes from elsewhere, each text stands
 * out from what is behind it. */
#include "../support/support.h"
#include "epolltune/cleanup.h"
#include "report/bench_render.h"
#include "report/chart.h"
#include "report/compare.h"
#include "report/html_page.h"
#include "report/markup.h"
#include "report/render.h"
#include "report/utf8.h"
#include "sample_report.h"
#include "tune/plan_render.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char hostile[] = "<script>alert(1)</script>\"'&amp;<!--]]>\033[31m\x80\xff\xc0\xaf"
			      "\xef\xbf\xbe\xc2\x9b\t\r\n";
static const struct render_style style = {.width = 80, .utf8 = true};

struct stream {
	char *text;
	size_t size;
	FILE *out;
};

static struct stream *stream(void)
{
	static struct stream s;
	s.out = open_memstream(&s.text, &s.size);
	assert_non_null(s.out);
	return &s;
}

static char *finish(struct stream *s)
{
	fclose(s->out);
	return s->text;
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in %s", part, text);
}

static void lacks(const char *text, const char *part)
{
	const char *at = strstr(text, part);
	if (at)
		fail_msg("\"%s\" is in the page: %.80s", part, at);
}

static size_t occurrences(const char *text, const char *what)
{
	size_t n = 0;
	for (const char *p = text; (p = strstr(p, what)); p += strlen(what))
		n++;
	return n;
}

/* Whether each element is closed in its order, and each attribute is in quotes. */
static void assert_well_formed(const char *text)
{
	const char *open[64];
	size_t depth = 0;
	for (const char *at = strstr(text, "<html"); (at = strchr(at, '<')); at++) {
		size_t length = strcspn(at + 1, " >/");
		bool quoted = false;
		const char *end = at + 1;
		if (at[1] == '/') {
			length = strcspn(at + 2, ">");
			if (!depth || strncmp(open[--depth], at + 2, length) != 0 ||
			    open[depth][length] == '-')
				fail_msg("%.40s closes %.40s", at, open[depth]);
			continue;
		}
		for (; *end && (quoted || *end != '>'); end++)
			quoted ^= *end == '"';
		assert_int_equal(*end, '>');
		if (end[-1] == '/')
			continue;
		assert_in_range(depth, 0, 62);
		open[depth++] = at + 1;
		assert_true(length > 0);
	}
	assert_int_equal(depth, 0);
}

/* What every page has, also of hostile texts. */
static void assert_page(const char *text)
{
	char clean[8];
	static const char *const foreign[] = {"<script", "http://", "https://", "url(",   "@import",
					      " src=",   " href=",  "<link",    "<iframe"};
	assert_memory_equal(text, "<!DOCTYPE html>\n<html lang=\"en\">", 32);
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
		lacks(text, foreign[i]);
	has(text, "<meta name=\"viewport\"");
	assert_int_equal(occurrences(text, "<h1>"), 1);
	assert_int_equal(occurrences(text, "<main>"), 1);
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 && *c != '\n')
			fail_msg("control character %d in %.40s", *c, c);
	for (const char *c = text; *c;) { /* valid UTF-8 stays as it is */
		size_t length = 1;
		while (((unsigned char)c[length] & 0xc0) == 0x80)
			length++;
		char raw[8] = "";
		assert_true(length <= 4);
		memcpy(raw, c, length);
		utf8_copy(clean, sizeof(clean), raw);
		assert_string_equal(clean, raw);
		c += length;
	}
	assert_well_formed(text);
}

static char *page_of(const struct report *r)
{
	struct stream *s = stream();
	struct err e = {0};
	if (render_find("html")(s->out, r, &style, &e))
		fail_msg("%s", e.text);
	return finish(s);
}

static void every_report_is_a_page(void **state)
{
	static void (*const samples[])(struct report *) = {
		sample_short, sample_healthy, sample_unknown, sample_hostile, sample_observed};
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		CLEAN(free_pointer) struct report *r = calloc(1, sizeof(*r));
		char answer[REPORT_ANSWER];
		samples[i](r);
		CLEAN(free_pointer) char *text = page_of(r);
		assert_page(text);
		report_answer(r, answer);
		if (i != 3)
			has(text, "class=\"answer ");
		assert_int_equal(strstr(text, "answer bad") != NULL, report_exit_status(r) == 2);
	}
}

static void a_report_has_its_walls_findings_and_curves(void **state)
{
	CLEAN(free_pointer) struct report *r = calloc(1, sizeof(*r));
	sample_short(r);
	CLEAN(free_pointer) char *text = page_of(r);
	has(text, "Not ready: 1 wall is short: accept-queue");
	has(text,
	    "<th scope=\"row\"><code>accept-<wbr/>queue</code></th><td class=\"bad\">short</td>"
	    "<td class=\"n\">4\xc2\xa0"
	    "097</td><td class=\"n\">5\xc2\xa0"
	    "000</td>");
	has(text, "<span class=\"bad\">critical</span> · kernel · <code>accept-");
	has(text, "<code>net.<wbr/>core.<wbr/>somaxconn</code> <code>4096</code> → "
		  "<strong><code>8192</code></strong>");
	has(text, "tried: 0 dropped");
	/* Two lines and their names, each point once, and what the wall needs. */
	assert_int_equal(occurrences(text, "<polyline"), 4);
	assert_int_equal(occurrences(text, "<circle"), 22);
	assert_int_equal(occurrences(text, "class=\"mark\""), 1);
	has(text, "<svg viewBox=\"0 0 360 ");
	has(text, "role=\"img\" aria-label=\"Accept queue; clients that have arrived; "
		  "current: 4 097 at 5 000; proposed: 5 000 at 5 000\"");
	has(text, "ListenOverflows, SYNs");
	has(text, "modprobe tun");
	has(text, "nginx (pid 812)");
}

static void texts_are_no_markup(void **state)
{
	CLEAN(free_pointer) struct report *r = calloc(1, sizeof(*r));
	sample_short(r);
	struct finding *f = &r->findings[0];
	report_text(r->host.name, "%s", hostile);
	report_text(r->host.kernel, "%s", hostile);
	report_text(r->server.name, "%s", hostile);
	report_text(r->server.asked, "%s", hostile);
	report_text(r->server.addresses, "%s", hostile);
	report_text(r->walls[0].name, "%s", hostile);
	report_text(r->walls[0].detail, "%s", hostile);
	report_text(r->walls[0].reason, "%s", hostile);
	report_text(f->id, "%s", hostile);
	report_text(f->title, "%s", hostile);
	report_text(f->detail, "%s", hostile);
	report_text(f->advice, "%s", hostile);
	report_text(f->outcome, "%s", hostile);
	report_text(f->proposals[0].knob, "%s", hostile);
	report_text(f->proposals[0].proposed, "%s", hostile);
	report_text(f->evidence[0].name, "%s", hostile);
	report_text(f->curve.title, "%s", hostile);
	report_text(f->curve.x.name, "%s", hostile);
	report_text(f->curve.y.unit, "%s", hostile);
	report_text(f->curve.line[0].name, "%s", hostile);
	report_text(r->findings[2].table.row[0].name, "%s", hostile);
	report_text(r->findings[2].table.column[0].head, "%s", hostile);
	report_text(r->listeners[0].address, "%s", hostile);
	report_text(r->listeners[0].process, "%s", hostile);
	CLEAN(free_pointer) char *text = page_of(r);
	assert_page(text);
	has(text, "&lt;script&gt;alert(1)&lt;/script&gt;&quot;");
}

/* A text of any length is escaped whole, also where a piece would end within a character. */
static void long_texts_are_whole(void **state)
{
	char raw[2048] = "";
	for (size_t start = 0; start < 4; start++) {
		struct stream *s = stream();
		memset(raw, 'x', start);
		raw[start] = 0;
		while (strlen(raw) < 1500)
			strcat(raw, "€");
		markup_put(s->out, raw);
		CLEAN(free_pointer) char *text = finish(s);
		assert_string_equal(text, raw);
	}
}

static void a_full_line_keeps_every_second_point(void **state)
{
	struct curve_line l = {0};
	for (int i = 0; i < 1000; i++)
		curve_point(&l, i, i * 2);
	assert_in_range(l.count, CURVE_POINTS / 2, CURVE_POINTS);
	assert_true(l.at[0].x == 0 && l.at[l.count - 1].x == 999);
	for (size_t i = 1; i < l.count; i++)
		assert_true(l.at[i].x > l.at[i - 1].x && l.at[i].y == 2 * l.at[i].x);
	curve_point(&l, NAN, 1);
	curve_point(&l, 1, INFINITY);
	curve_point(&l, 1, -1e308); /* no float */
	assert_true(isfinite(l.at[l.count - 1].y));
}

static struct bench_table table;

static void figures_are_a_page(void **state)
{
	bench_init(&table);
	for (uint64_t n = 10; n <= 1000; n *= 10)
		for (int round = 0; round < 3; round++)
			bench_add(&table, "wait", "poll", n, 1, BENCH_COST, (double)n * 40 + round,
				  "%s", hostile);
	bench_add(&table, "connect", hostile, 1, 0, BENCH_RATE, 1e4, "c");
	bench_add(&table, "semantics", "edge", 1, 0, BENCH_EVENTS, 1, "1");
	bench_note(&table, "%s", hostile);
	struct bench_page p = {.command = "bench", .runs = 3, .wanted = 3, .table = &table};
	report_text(p.host.name, "%s", hostile);
	struct stream *s = stream();
	struct err e = {0};
	assert_int_equal(bench_render_find("html")(s->out, &p, &style, &e), 0);
	CLEAN(free_pointer) char *text = finish(s);
	assert_page(text);
	has(text, "wait, one ready: cost");
	assert_int_equal(occurrences(text, "<svg "), 2);
	has(text, "10.0 k/s");
	has(text, "<h2>semantics</h2>");
	lacks(text, "nan");
	lacks(text, "inf ");
}

static struct comparison compared(struct report *before, struct report *after)
{
	struct comparison c;
	struct err e = {0};
	sample_short(before);
	sample_healthy(after);
	report_text(after->walls[0].name, "descriptors.process");
	after->walls[0].verdict = VERDICT_SHORT;
	report_text(finding_made(after, "a.b", LEVEL_WARNING, "")->title, "%s", hostile);
	assert_int_equal(compare_reports(&c, before, after, COMPARE_TO_DIFF, &e), 0);
	c.command = "epolltune diff";
	c.names[0] = "a.json";
	c.names[1] = hostile;
	c.conditions = json_pack("[{s:s, s:s, s:s}]", "name", "host.kernel", "before", "6.1",
				 "after", "<b>\x01");
	return c;
}

static char *comparison_of(const char *format, const struct comparison *c)
{
	struct stream *s = stream();
	struct err e = {0};
	assert_int_equal(comparison_render_find(format)(s->out, c, &style, &e), 0);
	return finish(s);
}

static void a_comparison_is_a_page(void **state)
{
	CLEAN(free_pointer) struct report *r = calloc(2, sizeof(*r));
	CLEAN(comparison_free) struct comparison c = compared(&r[0], &r[1]);
	CLEAN(free_pointer) char *text = comparison_of("html", &c);
	assert_page(text);
	has(text, "class=\"answer bad\">");
	has(text, "ok → short</td><td class=\"bad\">worse</td>");
	has(text, "Findings that are gone");
	has(text, "&lt;script&gt;");
}

static void a_comparison_fails_where_it_is_worse(void **state)
{
	CLEAN(free_pointer) struct report *r = calloc(2, sizeof(*r));
	CLEAN(comparison_free) struct comparison c = compared(&r[0], &r[1]);
	CLEAN(free_pointer) char *text = comparison_of("junit", &c);
	has(text, "failures=\"2\" errors=\"0\" skipped=\"");
	has(text,
	    "name=\"descriptors.process\" time=\"0\"><failure type=\"worse\" message=\"worse: "
	    "before 19 994, after 19 994, verdict ok → short\">");
	/* One for the finding that is worse. */
	assert_int_equal(occurrences(text, "<testcase"), c.row_count + 1);
	has(text, "kernel: 6.1 → &lt;b&gt;?");
	lacks(text, "<script");
}

static void a_comparison_is_a_table_in_markdown(void **state)
{
	CLEAN(free_pointer) struct report *r = calloc(2, sizeof(*r));
	CLEAN(comparison_free) struct comparison c = compared(&r[0], &r[1]);
	CLEAN(free_pointer) char *text = comparison_of("markdown", &c);
	has(text, "| Wall | Before | After | Verdict | Change |\n"
		  "| --- | ---: | ---: | --- | --- |\n");
	has(text, "| `descriptors.process` | 19 994 | 19 994 | ok → short | **worse** |\n");
	has(text, "- gone: `accept-queue.short`: ");
	has(text, "- new: `a.b`: warning: \\<script\\>");
}

static void a_plan_is_a_page(void **state)
{
	CLEAN(free_pointer) struct report *r = calloc(2, sizeof(*r));
	CLEAN(free_pointer) struct plan *plan = calloc(1, sizeof(*plan));
	sample_short(&r[0]);
	sample_healthy(&r[1]);
	report_text(r[0].host.name, "%s", hostile);
	struct change *c = &plan->changes[plan->count++];
	*c = (struct change){.kind = change_kind_find("sysctl"),
			     .name = "net.core.somaxconn",
			     .state = CHANGE_DONE,
			     .from = "4096",
			     .to = "8192",
			     .became = "8192",
			     .wall = "accept-queue",
			     .finding = "accept-queue.short",
			     .cost_bytes = REPORT_NONE,
			     .effect = "at the next listen()"};
	report_text(c->why, "%s", hostile);
	struct manual_step *m = &plan->manual[plan->manual_count++];
	report_text(m->knob, "%s", hostile);
	report_text(m->action, "two\n  lines %s", hostile);
	m = &plan->manual[plan->manual_count++];
	report_text(m->proposed, "8080"); /* the list is empty now */
	m = &plan->manual[plan->manual_count++];
	report_text(m->current, "16");
	report_text(m->proposed, "32");
	struct plan_result result = {.plan = plan,
				     .outcome = OUTCOME_APPLIED,
				     .run = 7,
				     .answer = hostile,
				     .before = &r[0],
				     .after = &r[1],
				     .command = hostile,
				     .option = " --state-dir /x"};
	struct stream *s = stream();
	struct err e = {0};
	assert_int_equal(plan_render_html(s->out, &result, &style, &e), 0);
	CLEAN(free_pointer) char *text = finish(s);
	assert_page(text);
	has(text, "Applied, run 7");
	has(text, "<pre>epolltune rollback 7 --state-dir /x</pre>");
	has(text, "<code>4096</code> → <strong><code>8192</code></strong>");
	has(text, "Accept queue: connections queued");
	has(text, "short → ok</td><td class=\"good\">better</td>");
	has(text, "<pre>two\n  lines &lt;script");
	has(text, "<p><strong><code>8080</code></strong></p>");
	has(text, "<p><code>16</code> → <strong><code>32</code></strong></p>");
}

/* Two findings have one id. */
static void a_change_has_the_curve_of_its_wall(void **state)
{
	CLEAN(free_pointer) struct report *r = calloc(1, sizeof(*r));
	CLEAN(free_pointer) struct plan *plan = calloc(1, sizeof(*plan));
	sample_short(r);
	*report_finding_blank(r) = r->findings[0];
	struct finding *other = &r->findings[r->finding_count - 1];
	report_text(other->wall, "accept-queue.unix");
	report_text(other->curve.title, "The other queue");
	for (size_t i = 0; i < 2; i++) {
		struct change *c = &plan->changes[plan->count++];
		*c = (struct change){.kind = change_kind_find("sysctl"),
				     .finding = "accept-queue.short",
				     .cost_bytes = REPORT_NONE};
		report_text(c->name, "knob%zu", i);
		report_text(c->wall, "%s", i ? r->findings[0].wall : other->wall);
	}
	struct plan_result result = {.plan = plan, .outcome = OUTCOME_PLANNED, .before = r};
	struct stream *s = stream();
	struct err e = {0};
	assert_int_equal(plan_render_html(s->out, &result, &style, &e), 0);
	CLEAN(free_pointer) char *text = finish(s);
	const char *local = strstr(text, "<figcaption>The other queue: ");
	const char *tcp = strstr(text, "<figcaption>Accept queue: ");
	assert_non_null(local);
	assert_non_null(tcp);
	assert_true(strstr(text, "knob0") < local && local < strstr(text, "knob1"));
	assert_true(strstr(text, "knob1") < tcp);
}

/* WCAG 2.1, relative luminance. */
static double channel(const char *hex)
{
	char digits[3] = {hex[0], hex[1]};
	double c = (double)strtoul(digits, NULL, 16) / 255;
	return c <= 0.03928 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static double luminance(const char *color)
{
	assert_int_equal(color[0], '#');
	return 0.2126 * channel(color + 1) + 0.7152 * channel(color + 3) +
	       0.0722 * channel(color + 5);
}

static double contrast(const char *a, const char *b)
{
	double x = luminance(a), y = luminance(b);
	return (fmax(x, y) + 0.05) / (fmin(x, y) + 0.05);
}

/* The colour after `key`, in the part of a style from `from` on. */
static const char *color_of(const char *from, const char *key)
{
	const char *at = strstr(from, key);
	if (!at)
		fail_msg("no %s", key);
	return at + strlen(key);
}

#define AA 4.5

static void every_text_stands_out_in_both_schemes(void **state)
{
	struct stream *s = stream();
	struct html h = html_begin(s->out, "x", "y");
	(void)h;
	CLEAN(free_pointer) char *text = finish(s);
	const char *schemes[] = {text, strstr(text, "(prefers-color-scheme:dark){:root")};
	const char *charts[] = {strstr(text, ".title{fill"), NULL};
	static const char *const inks[] = {"--ink:", "--soft:", "--good:", "--warn:", "--bad:"};
	assert_non_null(schemes[1]);
	assert_non_null(charts[0]);
	charts[1] = strstr(charts[0], "(prefers-color-scheme:dark)");
	assert_non_null(charts[1]);
	for (size_t scheme = 0; scheme < 2; scheme++) {
		const char *paper = color_of(schemes[scheme], "--paper:");
		const char *shade = color_of(schemes[scheme], "--shade:");
		for (size_t i = 0; i < sizeof(inks) / sizeof(*inks); i++) {
			const char *ink = color_of(schemes[scheme], inks[i]);
			if (contrast(ink, paper) < AA || contrast(ink, shade) < AA)
				fail_msg("%s%.7s on %.7s", inks[i], ink, paper);
		}
		for (int i = 0; i < CHART_SERIES; i++) {
			char key[16];
			snprintf(key, sizeof(key), ".c%d{stroke:", i);
			const char *line = color_of(charts[scheme], key);
			if (contrast(line, paper) < AA)
				fail_msg("%s%.7s on %.7s", key, line, paper);
		}
		const char *tick = color_of(charts[scheme], ".tick{fill:");
		assert_true(contrast(tick, paper) >= AA);
	}
}

static void a_line_is_cut_between_characters(void **state)
{
	assert_int_equal(utf8_cut("12 µs → 3", 5), strlen("12 µs"));
	assert_int_equal(utf8_cut("12 µs → 3", 7), strlen("12 µs →"));
	assert_int_equal(utf8_cut("12 µs → 3", 4), strlen("12 µ"));
	assert_int_equal(utf8_cut("12 µs → 3", 80), strlen("12 µs → 3"));
	assert_int_equal(utf8_cut("µ", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_cut_between_characters),
		cmocka_unit_test(every_report_is_a_page),
		cmocka_unit_test(a_report_has_its_walls_findings_and_curves),
		cmocka_unit_test(texts_are_no_markup),
		cmocka_unit_test(long_texts_are_whole),
		cmocka_unit_test(a_full_line_keeps_every_second_point),
		cmocka_unit_test(figures_are_a_page),
		cmocka_unit_test(a_comparison_is_a_page),
		cmocka_unit_test(a_comparison_fails_where_it_is_worse),
		cmocka_unit_test(a_comparison_is_a_table_in_markdown),
		cmocka_unit_test(a_plan_is_a_page),
		cmocka_unit_test(a_change_has_the_curve_of_its_wall),
		cmocka_unit_test(every_text_stands_out_in_both_schemes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
