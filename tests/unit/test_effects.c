/* What lines of a file change, by the figures of one check after the other. */
#include "../support/support.h"
#include "effects/effects.h"
#include "epolltune/exit_status.h"
#include "sample_report.h"

#include <stdlib.h>

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
		assert_int_equal(effect_kind(&s.together[SIDE_FILE]), rows[i].together);
		assert_int_equal(effects_status(&s), rows[i].status);
		effects_free(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_seems_to_change_is_tried_twice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
