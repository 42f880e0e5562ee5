/* The formats for CI systems and tickets: what a host or a process says is text, never markup. */
#include "../support/support.h"
#include "report/render.h"
#include "sample_report.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *rendered(const char *format, const struct report *r)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	struct err e = {0};
	if (render_find(format)(out, r, &(struct render_style){.width = 80, .utf8 = true}, &e))
		fail_msg("%s", e.text);
	fclose(out);
	return text;
}

static bool matches(const char *text, const char *pattern)
{
	regex_t form;
	assert_int_equal(regcomp(&form, pattern, REG_EXTENDED | REG_NOSUB | REG_NEWLINE), 0);
	bool found = regexec(&form, text, 0, NULL, 0) == 0;
	regfree(&form);
	return found;
}

static void text_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in %s", part, text);
}

static void junit_fails_where_the_status_is_not_ok(void **state)
{
	(void)state;
	static void (*const samples[])(struct report *) = {
		sample_short, sample_healthy, sample_unknown, sample_hostile, sample_observed};
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		struct report r;
		samples[i](&r);
		char *text = rendered("junit", &r);
		bool passes = matches(text, "<testsuites .* failures=\"0\" errors=\"0\">$");
		assert_int_equal(passes, report_exit_status(&r) == 0);
		free(text);
	}
}

static void junit_has_a_case_for_each_wall(void **state)
{
	(void)state;
	struct report r;
	sample_short(&r);
	char *text = rendered("junit", &r);
	text_has(text, "tests=\"11\" failures=\"3\" errors=\"0\" skipped=\"");
	text_has(text, "name=\"accept-queue\" time=\"0\"><failure type=\"short\" "
		       "message=\"short: 4 097, needed 5 000\">");
	text_has(text, "net.core.somaxconn 4096 → 8192");
	free(text);
	r.ran[0] = (struct report_probe){.name = "ports", .state = PROBE_CRASHED};
	r.probe_count = 1;
	text = rendered("junit", &r);
	text_has(text, "name=\"ports\" time=\"0\"><error type=\"crashed\"");
	free(text);
}

static void names_are_no_markup(void **state)
{
	(void)state;
	static const char hostile[] = "a<b>&\"|`*_[x](y)\xef\xbf\xbf\033\xff";
	struct report r;
	sample_short(&r);
	report_text(r.host.name, "%s", hostile);
	report_text(r.findings[0].detail, "%s", hostile);
	report_text(r.findings[1].title, "%s", hostile);
	char *text = rendered("junit", &r);
	text_has(text, "hostname=\"a&lt;b&gt;&amp;&quot;|`*_[x](y)??\xef\xbf\xbd\"");
	assert_null(strstr(text, "a<b"));
	assert_false(matches(text, "&[^aglq]"));
	free(text);
	text = rendered("markdown", &r);
	text_has(text, "## epolltune check of a\\<b\\>\\&\"\\|\\`\\*\\_\\[x\\](y)");
	assert_null(strstr(text, "a<b"));
	free(text);
}

static void markdown_has_the_answer_the_table_and_the_findings(void **state)
{
	(void)state;
	struct report r;
	sample_short(&r);
	char *text = rendered("markdown", &r);
	text_has(text, "**Not ready: 1 wall is short: accept-queue");
	text_has(text, "| `accept-queue` | 4 097 | 5 000 | measured | **short** |\n");
	text_has(text, "### accept-queue.short (critical, kernel)\n");
	text_has(text, "- `net.core.somaxconn`: `4096` → `8192`\n");
	text_has(text, "- ListenOverflows: 903 → 0 SYNs\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(junit_fails_where_the_status_is_not_ok),
		cmocka_unit_test(junit_has_a_case_for_each_wall),
		cmocka_unit_test(names_are_no_markup),
		cmocka_unit_test(markdown_has_the_answer_the_table_and_the_findings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
