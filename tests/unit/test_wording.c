/* The {names} of the catalogue's texts. */
#include "../support/support.h"
#include "epolltune/wording.h"

#include <stdio.h>

static void filled(const struct wording *w, const char *text, const char *want)
{
	char out[64];
	wording_fill(w, text, out, sizeof(out));
	assert_string_equal(out, want);
}

static void names_get_their_values(void **state)
{
	struct wording w = {0};
	wording_set(&w, "stall", "%d ms", 100);
	wording_set(&w, "none", "%s", "");
	filled(&w, "a stall of {stall}.", "a stall of 100 ms.");
	filled(&w, "{stall}{none}{stall}", "100 ms100 ms");
	filled(&w, "{unknown} stays", "{unknown} stays");
	filled(NULL, "no values: {stall}", "no values: {stall}");
	filled(&w, "open { brace", "open { brace");
	wording_set(&w, "stall", "%d ms", 200);
	filled(&w, "{stall}", "200 ms");
	assert_string_equal(wording_get(&w, "stall"), "200 ms");
	assert_string_equal(wording_get(&w, "missing"), "");
}

static void conditions_choose(void **state)
{
	struct wording w = {0};
	wording_set(&w, "tight", "yes");
	wording_set(&w, "n", "3");
	wording_set(&w, "empty", "%s", "");
	filled(&w, "is {tight?tight:too short}", "is tight");
	filled(&w, "is {empty?tight:too short}", "is too short");
	filled(&w, "is {missing?tight:too short}", "is too short");
	filled(&w, "x{n?, {n} more}", "x, 3 more");
	filled(&w, "x{empty?, {n} more}", "x");
	filled(&w, "{empty?a:{tight?b {n}:c}}", "b 3");
	filled(&w, "{n?a\\: b:c}", "a: b");
}

static void a_number_that_is_one_is_singular(void **state)
{
	static const char text[] = "{n} packet{n=1?:s} {n=1?was:were} lost";
	static const char *const rows[][2] = {
		{"1", "1 packet was lost"},       {"0", "0 packets were lost"},
		{"12", "12 packets were lost"},   {"1 000", "1 000 packets were lost"},
		{"1.5", "1.5 packets were lost"}, {"", " packets were lost"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct wording w = {0};
		wording_set(&w, "n", "%s", rows[i][0]);
		filled(&w, text, rows[i][1]);
	}
	struct wording w = {0};
	wording_set(&w, "size", "1 GiB");
	filled(&w, "{size} {size=1?is:are} left", "1 GiB is left");
	filled(&w, "{missing=1?one:other}", "other");
}

static void what_does_not_fit_is_cut(void **state)
{
	struct wording w = {0};
	char out[9];
	wording_set(&w, "x", "123456789");
	wording_fill(&w, "{x}", out, sizeof(out));
	assert_string_equal(out, "12345…");
	wording_fill(&w, "12345678", out, sizeof(out));
	assert_string_equal(out, "12345678");
	char one[1];
	wording_fill(&w, "{x}", one, sizeof(one));
	assert_string_equal(one, "");
}

static void names_beyond_the_capacity_are_dropped(void **state)
{
	struct wording w = {0};
	char name[8];
	for (int i = 0; i < WORDING_NAMES + 2; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		wording_set(&w, name, "%d", i);
	}
	assert_int_equal(w.count, WORDING_NAMES);
	snprintf(name, sizeof(name), "n%d", WORDING_NAMES + 1);
	assert_string_equal(wording_get(&w, "n0"), "0");
	assert_string_equal(wording_get(&w, name), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_get_their_values),
		cmocka_unit_test(conditions_choose),
		cmocka_unit_test(a_number_that_is_one_is_singular),
		cmocka_unit_test(what_does_not_fit_is_cut),
		cmocka_unit_test(names_beyond_the_capacity_are_dropped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
