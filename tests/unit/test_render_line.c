/* The line for monitoring plugins, against their guidelines. */
#include "../support/support.h"
#include "report/figure.h"
#include "report/render.h"
#include "sample_report.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THRESHOLD "[0-9]*:?"
#define DATUM " [A-Za-z0-9._-]+=(-?[0-9]+(us|B)?|U);" THRESHOLD ";" THRESHOLD ";[0-9]+(;[0-9]*)?"

/* One line in ASCII, of the form that the guidelines ask for. */
static char *render(const struct report *r, const char *status)
{
	char *text = NULL, pattern[256];
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	struct err e = {0};
	if (render_line(out, r, &(struct render_style){.width = 80, .utf8 = true}, &e))
		fail_msg("%s", e.text);
	fclose(out);
	regex_t form;
	snprintf(pattern, sizeof(pattern), "^EPOLLTUNE %s - [ -{}~]+( \\|(" DATUM ")+)?\n$",
		 status);
	assert_int_equal(regcomp(&form, pattern, REG_EXTENDED | REG_NOSUB), 0);
	if (regexec(&form, text, 0, NULL, 0))
		fail_msg("not of the form: %s", text);
	regfree(&form);
	assert_ptr_equal(strchr(text, '\n'), text + size - 1);
	return text;
}

static void what_is_short_is_named(void **state)
{
	struct report r;
	sample_short(&r);
	char *text = render(&r, "CRITICAL");
	assert_non_null(strstr(text, "- Not ready: 1 wall is short: accept-queue. accept-queue "
				     "4 097 of 5 000; syn-queue 2 900 of 2 500; syn-queue.tight: "
				     "Half-open"));
	assert_non_null(strstr(text, " accept-queue=4097;6250:;5000:;0 "));
	assert_non_null(strstr(text, " buffers.memory=1234567890B;781250000:;625000000:;0 "));
	assert_non_null(strstr(text, " napi.latency=22us;;;0 "));
	assert_non_null(strstr(text, " nic.ring=U;;;0\n"));
	free(text);
}

static void a_healthy_report_is_ok(void **state)
{
	struct report r;
	sample_healthy(&r);
	char *text = render(&r, "OK");
	assert_non_null(strstr(text, "OK - Ready for this target. | "
				     "descriptors.process=19994;12580:;10064:;0"));
	free(text);
}

static void an_unknown_wall_is_unknown(void **state)
{
	struct report r;
	sample_unknown(&r);
	char *text = render(&r, "UNKNOWN");
	assert_non_null(strstr(text, "- Not known: 1 wall has no verdict: accept-queue. "
				     "(2 more walls or findings did not fit) | "
				     "accept-queue=U;1250:;1000:;0"));
	free(text);
}

/* A soft limit is too low where the hard one is not: the figure alone would mislead. */
static void a_tight_wall_says_why(void **state)
{
	struct report r;
	sample_healthy(&r);
	report_wall(&r, "descriptors.process")->verdict = VERDICT_TIGHT;
	struct finding *f = finding_made(&r, "descriptors.process.soft-limit", LEVEL_WARNING,
					 "The soft limit is | low");
	report_text(f->wall, "descriptors.process");
	char *text = render(&r, "WARNING");
	assert_non_null(strstr(text, "- Ready, but 1 wall is tight: descriptors.process. "
				     "descriptors.process: The soft limit is / low |"));
	free(text);
}

/* A report without walls, and one of odd bytes. */
static void odd_reports_keep_the_form(void **state)
{
	struct report r;
	sample_head(&r);
	free(render(&r, "OK"));
	sample_hostile(&r);
	free(render(&r, "CRITICAL"));
}

/* What is measured has three figures, what is counted all. */
static void figures_have_three_digits(void **state)
{
	char text[64];
	figure_format(text, sizeof(text), "B/s", 18750000);
	assert_string_equal(text, "18.8 MB/s");
	figure_format(text, sizeof(text), "B/s", 900);
	assert_string_equal(text, "900 B/s");
	figure_format(text, sizeof(text), "connections", 131072);
	assert_string_equal(text, "131 072");
}

/* A unit has one form for walls and for evidence. */
static void a_unit_has_one_form(void **state)
{
	static const char *const units[] = {"B", "B/s", "us", "1/s", "%"};
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		char wall[64], evidence[64];
		figure_format(wall, sizeof(wall), units[i], 123000);
		figure_value(evidence, sizeof(evidence), 123000, units[i]);
		assert_string_equal(wall, evidence);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_short_is_named),
		cmocka_unit_test(a_unit_has_one_form),
		cmocka_unit_test(a_healthy_report_is_ok),
		cmocka_unit_test(an_unknown_wall_is_unknown),
		cmocka_unit_test(a_tight_wall_says_why),
		cmocka_unit_test(odd_reports_keep_the_form),
		cmocka_unit_test(figures_have_three_digits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
