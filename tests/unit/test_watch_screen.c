/* Compares screen and metrics of watch with golden texts. RENDER_GOLDEN=write updates them: review
 * the diff. */
#include "../support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "epolltune/watch.h"
#include "report/watch.h"

#define LOOKS 20

static struct watch_gauge *gauge(struct watch_sample *s, const char *wall, const char *what,
				 int64_t value, int64_t limit, int64_t lost)
{
	struct watch_gauge *g = watch_gauge(s, wall);
	snprintf(g->what, sizeof(g->what), "%s", what);
	g->key = 1;
	for (const char *c = what; *c; c++)
		g->key = g->key * 31 + (unsigned char)*c;
	g->value = value;
	g->limit = limit;
	g->lost = lost;
	return g;
}

/* An nginx that is stopped while clients come, beside a leak of descriptors. `ends`: it ends. */
static void scene(struct watch *w, bool busy, bool ends)
{
	struct watch_sample *s = calloc(1, sizeof(*s));
	assert_non_null(s);
	for (int64_t k = 0; k < LOOKS; k++) {
		int64_t queue = busy ? 60 * (k - 8) : 0;
		memset(s, 0, sizeof(*s));
		snprintf(s->host, sizeof(s->host), "web-1");
		snprintf(s->server, sizeof(s->server), "%s", ends ? "nginx" : "");
		s->time.tv_sec = 1764000000 + k;
		s->seconds = k > 0;
		s->counters[WATCH_ESTABLISHED] = 1224;
		s->counters[WATCH_ACCEPTED] = 1000 + 60 * k;
		s->counters[WATCH_OVERFLOWS] = queue > 512 ? 118 * (k - 16) : 0;
		s->counters[WATCH_RETRANSMITS] = 58 * k * busy;
		queue = queue < 0 ? 0 : queue > 512 ? 512 : queue;
		if (!ends || k < LOOKS / 2) {
			struct watch_gauge *g = gauge(s, "accept-queue", "nginx 0.0.0.0:443", queue,
						      511, s->counters[WATCH_OVERFLOWS]);
			g->owner = REMEDY_APPLICATION;
			g->half_open = queue > 511 ? 4 : 0;
			if (busy)
				snprintf(g->note, sizeof(g->note), "pid 813 is stopped (state T)");
		}
		if (!ends) {
			gauge(s, "accept-queue",
			      "a-very-long-nam [2001:db8:1234:5678:9abc:def0:1:2]:8443", 0, 4096, 0)
				->owner = REMEDY_APPLICATION;
			gauge(s, "accept-queue.unix", "unix:/run/µ\xff\033[31m", 0, 4096,
			      REPORT_NONE);
		}
		gauge(s, "descriptors.process", "java 99 files", busy ? 8800 + 700 * k : 8800,
		      65536, REPORT_NONE)
			->owner = REMEDY_PROCESS;
		gauge(s, "time-wait", "TIME_WAIT", 1200, 131072, 0);
		gauge(s, "buffers.memory", "TCP memory", 444 << 10, INT64_C(1536) << 20, 0);
		gauge(s, "descriptors.system", "open files", 1545, INT64_MAX, REPORT_NONE);
		gauge(s, "cgroup.cpu", "nginx.service CPU", 3 * k * busy, 10 * k, REPORT_NONE);
		gauge(s, "orphans", "orphans", 3, REPORT_NONE, 0);
		gauge(s, "softnet.budget", "softnet rounds", REPORT_NONE, REPORT_NONE, 7);
		struct err e = {0};
		assert_int_equal(watch_add(w, s, &e), 0);
	}
	free(s);
}

static char *screen(const struct watch *w, struct watch_view *v, const struct render_style *style)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	watch_screen(out, w, v, style);
	fclose(out);
	return text;
}

static void compare(const char *text, const char *name)
{
	char path[128], golden[65536];
	snprintf(path, sizeof(path), "tests/unit/golden/%s", name);
	const char *mode = getenv("RENDER_GOLDEN");
	FILE *file = fopen(path, mode && !strcmp(mode, "write") ? "w+" : "r");
	if (!file)
		fail_msg("%s is missing", path);
	if (mode && !strcmp(mode, "write")) {
		fprintf(file, "%s\n", text);
		rewind(file);
	}
	size_t length = fread(golden, 1, sizeof(golden) - 1, file);
	golden[length ? length - 1 : 0] = 0;
	fclose(file);
	assert_string_equal(text, golden);
}

/* Columns that a text takes, without sequences of colours. */
static size_t columns(const char *text, size_t length)
{
	size_t n = 0;
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\033')
			i += strcspn(text + i, "m");
		else
			n += ((unsigned char)text[i] & 0xc0) != 0x80;
	}
	return n;
}

static void check_size(const char *text, size_t width, size_t height)
{
	size_t lines = 1;
	for (const char *at = text; *at;) {
		size_t length = strcspn(at, "\n");
		if (columns(at, length) > width)
			fail_msg("wider than %zu: %.*s", width, (int)length, at);
		lines += at[length] == '\n';
		at += length + (at[length] == '\n');
	}
	if (lines > height)
		fail_msg("%zu lines at %zux%zu:\n%s", lines, width, height, text);
}

static const char keys[] = "q quit · ↑ ↓ select · e explain · c check · space pause";

static void golden_screens(void **state)
{
	static const struct {
		const char *name;
		bool busy, ends;
		unsigned width, height;
		bool utf8, color;
		size_t selected;
	} cases[] = {
		{"watch-60.txt", true, false, 60, 20, true, false, 0},
		{"watch-80.txt", true, false, 80, 24, true, false, 1},
		{"watch-80-ascii.txt", true, false, 80, 24, false, false, 0},
		{"watch-80-color.txt", true, false, 80, 24, true, true, 0},
		{"watch-140.txt", true, false, 140, 24, true, false, 0},
		{"watch-80-quiet.txt", false, false, 80, 24, true, false, 0},
		{"watch-80-ended.txt", false, true, 80, 24, true, false, 0},
		{"watch-80-short.txt", true, false, 80, 10, true, false, 8},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct watch w = {0};
		struct watch_view v = {.height = cases[i].height,
				       .selected = cases[i].selected,
				       .state = "every 1 s",
				       .keys = keys};
		const struct render_style style = {
			.width = cases[i].width, .utf8 = cases[i].utf8, .color = cases[i].color};
		scene(&w, cases[i].busy, cases[i].ends);
		char *text = screen(&w, &v, &style);
		check_size(text, cases[i].width, cases[i].height);
		compare(text, cases[i].name);
		free(text);
		watch_free(&w);
	}
}

static void it_fits_every_size(void **state)
{
	struct watch w = {0}, none = {0};
	scene(&w, true, false);
	for (unsigned width = 1; width < 200; width += 9)
		for (unsigned height = 1; height < 30; height++) {
			const struct render_style style = {.width = width, .utf8 = true};
			struct watch_view v = {
				.height = height, .selected = 5, .state = "x", .keys = keys};
			char *text = screen(&w, &v, &style), *empty = screen(&none, &v, &style);
			/* A word of the header may be longer than that. */
			check_size(text, width < 40 ? 200 : width, height);
			check_size(empty, 200, height);
			free(text);
			free(empty);
		}
	watch_free(&w);
}

/* Each row can be selected, and is then shown. */
static void it_scrolls_to_the_selected_row(void **state)
{
	struct watch w = {0};
	struct watch_view v = {.height = 12, .state = "", .keys = keys};
	const struct render_style style = {.width = 80};
	scene(&w, true, false);
	for (size_t step = 0; step < 2 * w.count; step++) {
		v.selected = step < w.count ? step : 2 * w.count - 1 - step;
		char *text = screen(&w, &v, &style);
		if (!strstr(text, "\n> "))
			fail_msg("row %zu is not shown:\n%s", v.selected, text);
		free(text);
	}
	assert_int_equal(v.top, 0);
	watch_free(&w);
}

static void lines_name_what_is_nearest_and_what_is_short(void **state)
{
	struct watch w = {0};
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	scene(&w, true, false);
	watch_lines(out, &w, &(struct render_style){.width = 80, .utf8 = true});
	fclose(out);
	assert_string_equal(
		text, "16:00:19 SHORT accept-queue nginx 0.0.0.0:443: 512 of 512 connections, "
		      "full, packets dropped: 118/s; pid 813 is stopped (state T)\n");
	free(text);
	watch_free(&w);
}

/* A server that does not listen has no limit that could be near. */
static void lines_say_first_that_the_server_does_not_listen(void **state)
{
	static const struct {
		const char *waiting, *line;
	} cases[] = {
		{"", "16:00:19 unknown nginx does not listen: waiting for it.\n"},
		{"several servers: nginx (pid 7); nginx (pid 9)",
		 "16:00:19 unknown nginx cannot be watched: several servers: nginx (pid 7); "
		 "nginx (pid 9).\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct watch w = {0};
		char *text = NULL, *json = NULL;
		size_t size = 0;
		FILE *out = open_memstream(&text, &size);
		assert_non_null(out);
		scene(&w, false, true);
		snprintf(w.waiting, sizeof(w.waiting), "%s", cases[i].waiting);
		watch_lines(out, &w, &(struct render_style){.width = 80, .utf8 = true});
		fclose(out);
		assert_string_equal(text, cases[i].line);
		out = open_memstream(&json, &size);
		assert_non_null(out);
		watch_json(out, &w);
		fclose(out);
		assert_non_null(strstr(json, "\"listening\":false"));
		free(text);
		free(json);
		watch_free(&w);
	}
}

static void golden_metrics(void **state)
{
	for (int ended = 0; ended < 2; ended++) {
		struct watch w = {0};
		struct err e = {0};
		char *text = NULL;
		size_t size = 0;
		FILE *out = open_memstream(&text, &size);
		assert_non_null(out);
		scene(&w, !ended, ended);
		w.interval_s = ended ? 0 : 0.1;
		assert_int_equal(watch_metrics(out, &w, ended, &e), 0);
		fclose(out);
		text[size - 1] = 0; /* compare() adds it */
		compare(text, ended ? "watch-ended.openmetrics" : "watch.prometheus");
		free(text);
		watch_free(&w);
	}
}

/* ACKs at a full queue count twice; a recording keeps the kernel's counter. */
static void screen_and_metrics_agree_on_what_was_lost(void **state)
{
	struct watch w = {0};
	struct watch_view v = {.height = 24};
	struct err e = {0};
	char *metrics = NULL, *json = NULL;
	size_t size = 0;
	struct watch_sample *s = calloc(1, sizeof(*s));
	assert_non_null(s);
	for (int64_t k = 0; k < 2; k++) {
		s->count = 0;
		s->seconds = (double)k;
		s->counters[WATCH_OVERFLOWS] = 100 * k;
		gauge(s, "accept-queue", "nginx 0.0.0.0:443", 0, 511, 120 * k);
		gauge(s, "accept-queue", "nginx 0.0.0.0:80", 0, 511, 80 * k);
		assert_int_equal(watch_add(&w, s, &e), 0);
	}
	char *text = screen(&w, &v, &(struct render_style){.width = 80, .utf8 = true});
	FILE *out = open_memstream(&metrics, &size);
	assert_non_null(out);
	assert_int_equal(watch_metrics(out, &w, false, &e), 0);
	fclose(out);
	assert_non_null(out = open_memstream(&json, &size));
	watch_json(out, &w);
	fclose(out);
	assert_non_null(strstr(text, "packets dropped: 60 in all"));
	assert_non_null(strstr(metrics, "event=\"packets dropped\"} 60\n"));
	assert_non_null(strstr(metrics, "event=\"packets dropped\"} 40\n"));
	assert_non_null(strstr(json, "\"lost\":120,\"lost_per_s\":60,"));
	free(text);
	free(metrics);
	free(json);
	free(s);
	watch_free(&w);
}

/* The destination that has most ports changes from look to look, and its series must not. */
static void metrics_name_ports_without_destination(void **state)
{
	struct watch w = {0};
	struct err e = {0};
	char *text = NULL;
	size_t size = 0;
	struct watch_sample *s = calloc(1, sizeof(*s));
	FILE *out = open_memstream(&text, &size);
	assert_non_null(s);
	assert_non_null(out);
	gauge(s, "ports.ephemeral", "ports to 10.0.0.1:443", 7, 28231, REPORT_NONE);
	gauge(s, "ports.ephemeral", "UDP ports", 9, 28231, REPORT_NONE);
	assert_int_equal(watch_add(&w, s, &e), 0);
	assert_int_equal(watch_metrics(out, &w, false, &e), 0);
	fclose(out);
	assert_non_null(
		strstr(text, "{wall=\"ports.ephemeral\",what=\"ports\",unit=\"ports\"} 7\n"));
	assert_non_null(
		strstr(text, "{wall=\"ports.ephemeral\",what=\"UDP ports\",unit=\"ports\"} 9\n"));
	assert_null(strstr(text, "10.0.0.1"));
	free(text);
	free(s);
	watch_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_screens),
		cmocka_unit_test(it_fits_every_size),
		cmocka_unit_test(it_scrolls_to_the_selected_row),
		cmocka_unit_test(golden_metrics),
		cmocka_unit_test(screen_and_metrics_agree_on_what_was_lost),
		cmocka_unit_test(metrics_name_ports_without_destination),
		cmocka_unit_test(lines_name_what_is_nearest_and_what_is_short),
		cmocka_unit_test(lines_say_first_that_the_server_does_not_listen),
	};
	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
