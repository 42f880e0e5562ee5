/* The formats for CI systems and tickets: what a host or a process says is text, never markup. */
#include "../support/support.h"
#include "epolltune/target.h"
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
	/* No wall has a verdict, and the target needs none. */
	static struct report r;
	report_init(&r);
	report_wall(&r, "cgroup.cpu");
	assert_int_equal(report_exit_status(&r), 3);
	char *text = rendered("junit", &r);
	text_has(text, "failures=\"0\" errors=\"1\"");
	free(text);
}

static void junit_has_a_case_for_each_wall(void **state)
{
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
	text = rendered("prometheus", &r);
	text_has(text, "host=\"a<b>&\\\"|`*_[x](y)\xef\xbf\xbf?\xef\xbf\xbd\",kernel=");
	free(text);
	report_text(r.host.name, "a\\b\nc");
	text = rendered("prometheus", &r);
	text_has(text, "host=\"a\\\\b?c\",kernel=");
	free(text);
}

static void markdown_has_the_answer_the_table_and_the_findings(void **state)
{
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

/* The text without markup, on one line. The caller frees it. */
static char *plain(const char *text)
{
	char *out = calloc(1, strlen(text) + 1);
	size_t length = 0;
	assert_non_null(out);
	for (const char *c = text; *c; c++) {
		if (*c == '<' && strchr(c, '>')) {
			c = strchr(c, '>');
		} else if (!strncmp(c, "\u00a0", 2)) {
			out[length++] = ' ';
			c++;
		} else if (!strchr("\\`\n", *c)) {
			out[length++] = *c;
		} else if (*c == '\n' && length && out[length - 1] != ' ') {
			out[length++] = ' ';
		}
	}
	return out;
}

/* What a reader needs of a report is in each format for people. */
static void all_formats_say_the_same(void **state)
{
	static const struct {
		const char *what, *text;
		bool junit;
	} parts[] = {
		{"a list of ports that is empty", "none", true},
		{"what the proposal led to", "not tried: --no-proof was given", true},
		{"why a wall is unknown", "/proc/sys is not mounted", true},
		{"what the target has beside five numbers", "300 datagrams/s of 1 400 B", false},
		{"likewise", "forgotten after 300 s", false},
		{"where experiments ran", "in a private lab", false},
		{"a table of figures", "50 700/s", false},
		{"its server", "nginx.service", false},
	};
	static const char *const formats[] = {"text", "markdown", "html", "junit"};
	struct report r;
	sample_short(&r);
	r.target.datagrams_per_s = 300;
	r.target.datagram_bytes = 1400;
	r.target.idle_us = 300000000;
	struct finding *f = &r.findings[1];
	f->proposal_count = f->evidence_count = 0;
	finding_propose(f, "net.ipv4.ip_local_reserved_ports", "", "8080");
	finding_table(f, "closed first by");
	finding_column(f, "1 address", "1/s");
	finding_row(f, "the client")[0] = 50712;
	struct wall *w = report_wall(&r, "application.limit");
	w->needed = 10000;
	report_text(w->reason, "/proc/sys is not mounted");
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		bool junit = !strcmp(formats[i], "junit");
		char *text = rendered(formats[i], &r), *said = plain(text);
		for (size_t k = 0; k < sizeof(parts) / sizeof(*parts); k++)
			if ((!junit || parts[k].junit) && !strstr(said, parts[k].text))
				fail_msg("%s: %s: no \"%s\" in %s", formats[i], parts[k].what,
					 parts[k].text, said);
		free(text), free(said);
	}
}

static void the_head_has_no_connections_where_none_are_asked_for(void **state)
{
	struct report r;
	report_init(&r);
	r.target.datagrams_per_s = 300;
	r.target.datagrams_only = true;
	char *text = rendered("text", &r);
	text_has(text, "Target: datagrams only · accept stalls up to 100 ms · RTT 50 ms\n");
	text_has(text, "300 datagrams/s of 1 200 B");
	free(text);
}

static void the_head_has_each_number_of_the_target(void **state)
{
	struct report r;
	report_init(&r);
	r.target.datagrams_per_s = r.target.idle_us = 5000000;
	char *before = rendered("markdown", &r);
	for (const struct target_field *f = target_fields; f->key; f++) {
		struct report other = r;
		uint64_t number = target_number(&r.target, f) * 2;
		memcpy((char *)&other.target + f->offset, &number, sizeof(number));
		char *after = rendered("markdown", &other);
		if (!strcmp(before, after))
			fail_msg("%s is not in %s", f->key, after);
		free(after);
	}
	free(before);
}

/* Tight between 1 × the lower end and 1.25 × the upper one. */
static void a_need_that_is_a_range_has_both_ends(void **state)
{
	struct report r = {0};
	sample_wall(&r, "cgroup.memory", "B", METHOD_DERIVED, 4 << 20, REPORT_NONE, 1 << 20);
	r.walls[0].needed_max = 16 << 20;
	r.walls[0].verdict = VERDICT_TIGHT;
	char *text = rendered("markdown", &r);
	text_has(text, "| 4 MiB | 1 to 16 MiB | derived |");
	free(text);
	text = rendered("line", &r);
	text_has(text, "cgroup.memory 4 MiB of 1 to 16 MiB");
	text_has(text, "cgroup.memory=4194304B;20971520:;1048576:;0");
	free(text);
	text = rendered("prometheus", &r);
	text_has(text, "epolltune_wall_needed{wall=\"cgroup.memory\",unit=\"bytes\"} 1048576\n");
	text_has(text,
		 "epolltune_wall_needed_max{wall=\"cgroup.memory\",unit=\"bytes\"} 16777216\n");
	free(text);
	r.walls[0].needed_max = REPORT_NONE;
	text = rendered("line", &r);
	text_has(text, "cgroup.memory=4194304B;1310720:;1048576:;0");
	free(text);
}

static void metrics_are_in_base_units_and_unknown_ones_absent(void **state)
{
	struct report r;
	sample_short(&r);
	*report_finding_blank(&r) = r.findings[0];
	/* It is no total. */
	report_counter(&r, "Tcp.CurrEstab", 5);
	char *text = rendered("prometheus", &r);
	text_has(text,
		 "\nepolltune_wall_capacity{wall=\"accept-queue\",unit=\"connections\"} 4097\n");
	text_has(text,
		 "\nepolltune_wall_capacity{wall=\"napi.latency\",unit=\"seconds\"} 2.2e-05\n");
	text_has(text, "{wall=\"descriptors.process\",unit=\"descriptors\"} 19994\n");
	text_has(text, "{wall=\"buffers.receive\",unit=\"bytes_per_second\"} 226000000\n");
	text_has(text, "{wall=\"descriptors.system\",unit=\"descriptors\"} +Inf\n");
	text_has(text,
		 "\nepolltune_wall_needed{wall=\"accept-queue\",unit=\"connections\"} 5000\n");
	text_has(text, "{wall=\"accept-queue\",verdict=\"short\"} 1\n");
	text_has(text, "{wall=\"accept-queue\",verdict=\"ok\"} 0\n");
	text_has(text, "\nepolltune_findings{id=\"accept-queue.short\",wall=\"accept-queue\",level="
		       "\"critical\",observed=\"false\",accepted=\"false\"} 2\n");
	text_has(text, "# TYPE epolltune_kernel_events_total counter\n"
		       "epolltune_kernel_events_total{counter=\"TcpExt.ListenOverflows\"} 5729\n#");
	text_has(text, "# TYPE epolltune_listener_dropped_packets_total counter\n"
		       "epolltune_listener_dropped_packets_total{address=\"0.0.0.0:443\",cookie="
		       "\"1001\"} 4294967295\n#");
	text_has(text, "\nepolltune_check_status{status=\"critical\"} 1\n");
	text_has(text, "\nepolltune_check_timestamp_seconds 1763757780\n");
	assert_null(strstr(text, "capacity{wall=\"nic.ring\""));
	assert_null(strstr(text, "needed{wall=\"ports.ephemeral\""));
	free(text);
	text = rendered("openmetrics", &r);
	text_has(text, "# TYPE epolltune_kernel_events counter\nepolltune_kernel_events_total{");
	text_has(text, "# TYPE epolltune_check info\nepolltune_check_info{");
	assert_true(matches(text, "^# EOF$"));
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
	free(text);
}

static void an_accepted_wall_is_marked_in_metrics(void **state)
{
	struct report r;
	sample_observed(&r);
	char *text = rendered("prometheus", &r);
	text_has(text, "\nepolltune_wall_accepted{wall=\"accept-queue\"} 1\n");
	text_has(text, "\nepolltune_wall_accepted{wall=\"syn-queue\"} 0\n");
	text_has(text, "observed=\"false\",accepted=\"true\"} 1\n");
	free(text);
}

/* In the same words, and without the colour of an alarm. */
static void an_accepted_wall_is_no_alarm(void **state)
{
	static const struct {
		const char *format, *has;
	} rows[] = {
		{"text", "short, accepted"},
		{"markdown", "| short, accepted |"},
		{"html", ">short, accepted</td>"},
		{"junit", "message=\"accepted, short"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct report r;
		sample_observed(&r);
		for (size_t k = 0; k < r.wall_count; k++)
			if (strcmp(r.walls[k].name, "accept-queue") == 0)
				r.walls[k].verdict = VERDICT_SHORT;
		char *text = rendered(rows[i].format, &r);
		text_has(text, rows[i].has);
		assert_null(strstr(text, "SHORT"));
		assert_null(strstr(text, "bad\">short"));
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(junit_fails_where_the_status_is_not_ok),
		cmocka_unit_test(junit_has_a_case_for_each_wall),
		cmocka_unit_test(names_are_no_markup),
		cmocka_unit_test(markdown_has_the_answer_the_table_and_the_findings),
		cmocka_unit_test(all_formats_say_the_same),
		cmocka_unit_test(the_head_has_each_number_of_the_target),
		cmocka_unit_test(the_head_has_no_connections_where_none_are_asked_for),
		cmocka_unit_test(a_need_that_is_a_range_has_both_ends),
		cmocka_unit_test(metrics_are_in_base_units_and_unknown_ones_absent),
		cmocka_unit_test(an_accepted_wall_is_marked_in_metrics),
		cmocka_unit_test(an_accepted_wall_is_no_alarm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
