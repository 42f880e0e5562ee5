/* Values of lines in systemd's files: systemd.syntax(7), systemd.time(7). */
#include "../support/support.h"
#include "base/systemd_value.h"

#include <errno.h>

static void booleans_are_words_in_any_case(void **state)
{
	static const struct {
		const char *value;
		int is;
	} rows[] = {
		{"yes", 1},    {"TRUE", 1},    {"On", 1},         {"1", 1},
		{"y", 1},      {"t", 1},       {"no", 0},         {"False", 0},
		{"off", 0},    {"0", 0},       {"n", 0},          {"f", 0},
		{"", -EINVAL}, {"2", -EINVAL}, {"yes ", -EINVAL}, {"enabled", -EINVAL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		print_message("\"%s\"\n", rows[i].value);
		assert_int_equal(systemd_boolean(rows[i].value), rows[i].is);
	}
}

static void times_are_sums_of_numbers_with_units(void **state)
{
	static const struct {
		const char *value;
		bool is;
		uint64_t us;
	} rows[] = {
		{"50us", true, 50},
		{"50 usec", true, 50},
		{".5s", true, 500000},
		{"1ms", true, 1000},
		{"3", true, 3000000},
		{"0", true, 0},
		{" 1.5s ", true, 1500000},
		{"1min 30s", true, 90000000},
		{"1min30s", true, 90000000},
		{"2w", true, UINT64_C(1209600000000)},
		{"1M", true, UINT64_C(2629800000000)},
		{"1m", true, 60000000},
		{"999999d", true, SYSTEMD_TIME_MAX},
		{"infinity", true, SYSTEMD_INFINITY},
		{"", false, 0},
		{" ", false, 0},
		{"soon", false, 0},
		{"1 fortnight", false, 0},
		{"-1s", false, 0},
		{"0x10s", false, 0},
		{"1e3", false, 0},
		{"1.2.3s", false, 0},
		{"1s soon", false, 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t us = 7;
		print_message("\"%s\"\n", rows[i].value);
		assert_int_equal(systemd_time_us(rows[i].value, &us), rows[i].is);
		assert_int_equal(us, rows[i].is ? rows[i].us : 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(booleans_are_words_in_any_case),
		cmocka_unit_test(times_are_sums_of_numbers_with_units),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
