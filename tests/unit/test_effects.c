/* What lines of a file change, by the figures of one check after the other. */
#include "../support/support.h"
#include "effects/effects.h"
#include "epolltune/exit_status.h"
#include "sample_report.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define WALL "buffers.receive"
#define NEEDED 100
#define RUNS 8

/* Of WALL, in the order of the checks; 0: no check is due. */
static const int64_t *figures;
static size_t runs;

static int check(const struct check_options *o, struct report *out, struct err *e)
{
	assert_true(runs < RUNS && figures[runs]);
	sample_head(out);
	sample_wall(out, WALL, "B/s", METHOD_MEASURED, REPORT_NONE, figures[runs++], NEEDED);
	return 0;
}

static const struct {
	const char *what;
	size_t lines;
	bool known; /* an experiment depends on them */
	int64_t figures[RUNS];
	enum effect_kind kind, together;
	int status;
} rows[] = {
	{"nothing changes", 1, true, {200, 200, 200}, EFFECT_NONE, EFFECT_NONE, EXIT_OK},
	{"a line harms, which explains what the file does",
	 1,
	 true,
	 {200, 70, 200, 70, 70},
	 EFFECT_HARMS,
	 EFFECT_HARMS,
	 EXIT_CRITICAL},
	{"a line alone meets a busy machine",
	 1,
	 true,
	 {200, 70, 200, 200, 200},
	 EFFECT_UNTESTED,
	 EFFECT_NONE,
	 EXIT_UNKNOWN},
	{"the file meets a busy machine",
	 1,
	 true,
	 {200, 200, 70, 200, 200},
	 EFFECT_NONE,
	 EFFECT_UNTESTED,
	 EXIT_OK},
	{"only both lines together harm",
	 2,
	 true,
	 {200, 200, 200, 70, 200, 70},
	 EFFECT_NONE,
	 EFFECT_HARMS,
	 EXIT_CRITICAL},
	{"a line of no known experiment harms",
	 1,
	 false,
	 {200, 70, 200, 70, 70, 200, 70},
	 EFFECT_HARMS,
	 EFFECT_HARMS,
	 EXIT_CRITICAL},
	{"a line of no known experiment meets a busy machine",
	 1,
	 false,
	 {200, 70, 200, 70, 70, 200, 200},
	 EFFECT_UNTESTED,
	 EFFECT_HARMS,
	 EXIT_CRITICAL},
};

static void what_seems_to_change_is_tried_twice(void **state)
{
	static const struct check_options options;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct err e = {0};
		struct effects s = {.count = rows[i].lines, .files = {[SIDE_FILE] = "a.conf"}};
		size_t due = 0;
		print_message("%s\n", rows[i].what);
		s.lines = calloc(s.count, sizeof(*s.lines));
		assert_non_null(s.lines);
		for (size_t n = 0; n < s.count; n++) {
			struct line_effect *x = &s.lines[n];
			x->side = SIDE_FILE;
			x->way = LINE_IN_LAB;
			if (!rows[i].known)
				continue;
			x->knob = knob_find("net.ipv4.tcp_rmem");
			x->probes = probes_parse("buffers", &e);
			assert_true(x->knob && x->probes);
		}
		figures = rows[i].figures;
		runs = 0;
		while (due < RUNS && figures[due])
			due++;
		assert_int_equal(effects_try(&s, &options, check, &e), 0);
		assert_int_equal(runs, due);
		for (size_t n = 0; n < s.count; n++)
			assert_int_equal(s.lines[n].kind, rows[i].kind);
		assert_int_equal(effects_together(&s, SIDE_FILE), rows[i].together);
		assert_int_equal(effects_count(&s, SIDE_FILE).tried, rows[i].lines);
		assert_int_equal(effects_status(&s), rows[i].status);
		effects_free(&s);
	}
}

/* Of files whose lines no experiment tries, as line_prepare() leaves them. */
static void files_say_of_how_many_lines_they_speak(void **state)
{
	static const struct {
		enum effect_kind lines[3];
		size_t count, tried;
		enum effect_kind together;
		int status;
	} files[] = {
		{{EFFECT_UNTESTED}, 1, 0, EFFECT_UNTESTED, EXIT_UNKNOWN},
		{{EFFECT_UNTESTED, EFFECT_UNTESTED}, 2, 0, EFFECT_UNTESTED, EXIT_UNKNOWN},
		{{EFFECT_NONE}, 1, 1, EFFECT_NONE, EXIT_OK},
		{{EFFECT_UNTESTED, EFFECT_NONE, EFFECT_UNTESTED}, 3, 1, EFFECT_NONE, EXIT_OK},
	};
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct effects s = {.count = files[i].count, .files = {[SIDE_FILE] = "a.conf"}};
		s.lines = calloc(s.count, sizeof(*s.lines));
		assert_non_null(s.lines);
		for (size_t n = 0; n < s.count; n++)
			s.lines[n] =
				(struct line_effect){.side = SIDE_FILE, .kind = files[i].lines[n]};
		assert_int_equal(effects_count(&s, SIDE_FILE).lines, files[i].count);
		assert_int_equal(effects_count(&s, SIDE_FILE).tried, files[i].tried);
		assert_int_equal(effects_count(&s, SIDE_OTHER).lines, 0);
		assert_int_equal(effects_together(&s, SIDE_FILE), files[i].together);
		assert_int_equal(effects_status(&s), files[i].status);
		effects_free(&s);
	}
}

/* What lint says of the lines of a file is what --try knows of them. */
static void lines_that_are_not_set_are_known(void **state)
{
	static const struct {
		const char *text;
		struct {
			unsigned winner, refused_after;
			bool excluded;
		} lines[3]; /* that assign a value */
		size_t count;
	} files[] = {
		{"net.core.somaxconn = 8192\n", {{0, 0, false}}, 1},
		{"net.core.somaxconn = 8192\nnet.core.somaxconn = 9000\n",
		 {{2, 0, false}, {0, 0, false}},
		 2},
		{"net.core.somaxconn = 8192\n-net.core.somaxconn\n", {{2, 0, true}}, 1},
		{"-net.core.somaxconn\nnet.core.somaxconn = 8192\n", {{0, 0, false}}, 1},
		{"net.core.somaxconn = 8192\nnet.core.somaxconn = x\n",
		 {{2, 0, false}, {0, 0, false}},
		 2},
		{"net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.forwarding = 0\n",
		 {{2, 0, false}, {0, 0, false}},
		 2},
		{"net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.forwarding = 1k\n",
		 {{0, 0, false}, {0, 0, false}},
		 2},
		{"net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.forwarding = 0\n"
		 "net.ipv4.ip_forward = 1\n",
		 {{3, 0, false}, {0, 0, false}, {2, 0, false}},
		 3},
		{"net.ipv4.ip_local_port_range = 1024 65535\n"
		 "net.ipv4.ip_unprivileged_port_start = 2048\n",
		 {{0, 0, false}, {0, 1, false}},
		 2},
		/* Where the machine has a lower one, its kernel takes the range. */
		{"net.ipv4.ip_local_port_range = 500 65535\n", {{0, 0, false}}, 1},
		{"net.core.somaxconn\n-net.core.somaxconn\n", {{0, 0, false}}, 0},
	};
	char path[] = "/tmp/epolltune-effects-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct lint l = {.kernel = UINT_MAX, .keeps = true};
		struct effects s = {0};
		file_write(path, files[i].text);
		assert_int_equal(lint_file(&l, path, "sysctl.d/a.conf", NULL), 0);
		assert_int_equal(effects_add(&s, &l, SIDE_FILE, "a.conf", NULL),
				 files[i].count ? 0 : -EINVAL);
		assert_int_equal(s.count, files[i].count);
		for (size_t n = 0; n < s.count; n++) {
			assert_int_equal(s.lines[n].winner, files[i].lines[n].winner);
			assert_int_equal(s.lines[n].excluded, files[i].lines[n].excluded);
			assert_int_equal(s.lines[n].refused_after, files[i].lines[n].refused_after);
		}
		effects_free(&s);
		lint_close(&l);
	}
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_say_of_how_many_lines_they_speak),
		cmocka_unit_test(lines_that_are_not_set_are_known),
		cmocka_unit_test(what_seems_to_change_is_tried_twice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
