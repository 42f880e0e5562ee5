#include "../support/support.h"
#include "epolltune/quantity.h"

#include <errno.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void reads_what_operators_write(void **state)
{
	static const struct {
		enum quantity_kind kind;
		const char *text;
		uint64_t value;
	} rows[] = {
		{QUANTITY_COUNT, "1", 1},
		{QUANTITY_COUNT, "10000", 10000},
		{QUANTITY_COUNT, "10k", 10000},
		{QUANTITY_COUNT, "10K", 10000},
		{QUANTITY_COUNT, "1.5k", 1500},
		{QUANTITY_COUNT, "1m", 1000000},
		{QUANTITY_COUNT, "0.000000001g", 1},
		{QUANTITY_COUNT, "18446744073709551615", UINT64_MAX},
		{QUANTITY_COUNT, "18446744073709551.615k", UINT64_MAX},
		{QUANTITY_RATE, "50k", 50000},
		{QUANTITY_RATE, "50k/s", 50000},
		{QUANTITY_RATE, "7/s", 7},
		{QUANTITY_DURATION, "100us", 100},
		{QUANTITY_DURATION, "100µs", 100},
		{QUANTITY_DURATION, "50ms", 50000},
		{QUANTITY_DURATION, "0.0015s", 1500},
		{QUANTITY_DURATION, "1.5000s", 1500000},
		{QUANTITY_DURATION, "2min", 120000000},
		{QUANTITY_BANDWIDTH, "100mbit", 100000000},
		{QUANTITY_BANDWIDTH, "100Mbit/s", 100000000},
		{QUANTITY_BANDWIDTH, "2.5gbit", 2500000000},
		{QUANTITY_SIZE, "4096", 4096},
		{QUANTITY_SIZE, "6MiB", 6291456},
		{QUANTITY_SIZE, "0.5KiB", 512},
		{QUANTITY_SIZE, "0.0009765625KiB", 1},
		{QUANTITY_SIZE, "1GB", 1000000000},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = {0};
		uint64_t value = 0;
		if (quantity_parse("x", rows[i].kind, rows[i].text, 1, UINT64_MAX, &value, &e))
			fail_msg("%s: %s", rows[i].text, e.text);
		assert_int_equal(value, rows[i].value);
	}
}

static void refuses_by_name_what_is_odd(void **state)
{
	static const struct {
		enum quantity_kind kind;
		const char *text;
		int status;
	} rows[] = {
		{QUANTITY_COUNT, "", -EINVAL},
		{QUANTITY_COUNT, "-1", -EINVAL},
		{QUANTITY_COUNT, "+1", -EINVAL},
		{QUANTITY_COUNT, " 1", -EINVAL},
		{QUANTITY_COUNT, "1 ", -EINVAL},
		{QUANTITY_COUNT, "1e9", -EINVAL},
		{QUANTITY_COUNT, "0x10", -EINVAL},
		{QUANTITY_COUNT, "10x", -EINVAL},
		{QUANTITY_COUNT, "10ki", -EINVAL},
		{QUANTITY_COUNT, "1.5", -EINVAL},
		{QUANTITY_COUNT, "1.", -EINVAL},
		{QUANTITY_COUNT, ".5k", -EINVAL},
		{QUANTITY_COUNT, "1.k", -EINVAL},
		{QUANTITY_COUNT, "1.5.5k", -EINVAL},
		{QUANTITY_COUNT, "1.0005k", -EINVAL},
		{QUANTITY_COUNT, "1,000", -EINVAL},
		{QUANTITY_COUNT, "nan", -EINVAL},
		{QUANTITY_COUNT, "inf", -EINVAL},
		{QUANTITY_COUNT, "k", -EINVAL},
		{QUANTITY_COUNT, "\xff", -EINVAL},
		{QUANTITY_COUNT, "0", -ERANGE},
		{QUANTITY_COUNT, "0k", -ERANGE},
		{QUANTITY_COUNT, "18446744073709551616", -ERANGE},
		{QUANTITY_COUNT, "99999999999999999999999999", -ERANGE},
		{QUANTITY_COUNT, "18446744073709552k", -ERANGE},
		{QUANTITY_COUNT, "1000001", -ERANGE},
		{QUANTITY_RATE, "10/m", -EINVAL},
		{QUANTITY_DURATION, "5", -EINVAL},
		{QUANTITY_DURATION, "5m", -EINVAL},
		{QUANTITY_DURATION, "1.5us", -EINVAL},
		{QUANTITY_DURATION, "0ms", -ERANGE},
		{QUANTITY_BANDWIDTH, "100", -EINVAL},
		{QUANTITY_BANDWIDTH, "100mbps", -EINVAL},
		{QUANTITY_SIZE, "6M", -EINVAL},
		{QUANTITY_SIZE, "1.5B", -EINVAL},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = {0};
		uint64_t value = 77;
		int status = quantity_parse("--rate", rows[i].kind, rows[i].text, 1, 1000000,
					    &value, &e);
		if (status != rows[i].status || value != 77)
			fail_msg("%s: %d %s", rows[i].text, status, e.text);
		assert_int_equal(e.code, -status);
		assert_memory_equal(e.text, "--rate: ", 8);
	}
}

static void tells_the_bound(void **state)
{
	struct err e = {0};
	uint64_t value = 0;
	quantity_parse("--rtt", QUANTITY_DURATION, "2s", 0, 1000000, &value, &e);
	assert_string_equal(e.text, "--rtt: \"2s\" is too large; at most 1s");
	quantity_parse("--rate", QUANTITY_RATE, "0", 1, 1000000, &value, &e);
	assert_string_equal(e.text, "--rate: \"0\" is too small; at least 1");
	quantity_parse("--rate", QUANTITY_RATE, "10x", 1, 1000000, &value, &e);
	assert_string_equal(e.text,
			    "--rate: \"10x\" has an unknown unit \"x\"; write 10000, 50k or 50k/s");
	quantity_parse("--port", QUANTITY_COUNT, "x", 1, 65535, &value, &e);
	assert_string_equal(e.text,
			    "--port: \"x\" is not a number; write a number from 1 to 65535");
	quantity_parse("--count", QUANTITY_COUNT, "x", 1, 1000000000, &value, &e);
	assert_string_equal(e.text, "--count: \"x\" is not a number; write 100, 10k or 1m");
	assert_int_equal(quantity_parse("--rtt", QUANTITY_DURATION, "0ms", 0, 9, &value, &e), 0);
	assert_int_equal(value, 0);
}

static void writes_for_a_person(void **state)
{
	static const struct {
		enum quantity_kind kind;
		uint64_t value;
		const char *text;
	} rows[] = {
		{QUANTITY_COUNT, 0, "0"},
		{QUANTITY_COUNT, 999, "999"},
		{QUANTITY_COUNT, 10000, "10 000"},
		{QUANTITY_COUNT, 1234567, "1 234 567"},
		{QUANTITY_COUNT, UINT64_MAX, "18 446 744 073 709 551 615"},
		{QUANTITY_RATE, 50000, "50 000/s"},
		{QUANTITY_RATE, UINT64_MAX, "18 446 744 073 709 551 615/s"},
		{QUANTITY_DURATION, 999, "999 us"},
		{QUANTITY_DURATION, 100000, "100 ms"},
		{QUANTITY_DURATION, 1500, "1.5 ms"},
		{QUANTITY_DURATION, 1001000, "1.001 s"},
		{QUANTITY_DURATION, 1234567, "1.23 s"},
		{QUANTITY_DURATION, 12345678, "12.3 s"},
		{QUANTITY_DURATION, 123456789, "123 s"},
		{QUANTITY_DURATION, 1999999, "2 s"},
		{QUANTITY_BANDWIDTH, 100000000, "100 Mbit/s"},
		{QUANTITY_BANDWIDTH, 2500000000, "2.5 Gbit/s"},
		{QUANTITY_SIZE, 6291456, "6 MiB"},
		{QUANTITY_SIZE, 4096, "4 KiB"},
		{QUANTITY_SIZE, 5000, "4.88 KiB"},
		{QUANTITY_SIZE, 1703936, "1.625 MiB"},
		{QUANTITY_SIZE, 409600000, "391 MiB"},
		{QUANTITY_SIZE, UINT64_MAX, "16 777 216 TiB"},
	};
	char text[32];
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(
			quantity_format(text, sizeof(text), rows[i].kind, rows[i].value),
			rows[i].text);
	assert_string_equal(quantity_format(text, 4, QUANTITY_COUNT, 10000), "10 ");
}

static void writes_digits_for_sysctl(void **state)
{
	assert_string_equal(quantity_plain(0).text, "0");
	assert_string_equal(quantity_plain(UINT64_MAX).text, "18446744073709551615");
}

static void writes_how_long_ago(void **state)
{
	assert_string_equal(quantity_ago(0).text, "");
	assert_string_equal(quantity_ago(1).text, "1 second ago");
	assert_string_equal(quantity_of(1, "packet").text, "1 packet");
	assert_string_equal(quantity_of(0, "packet").text, "0 packets");
	assert_string_equal(quantity_of(10000, "packet").text, "10 000 packets");
	assert_string_equal(quantity_ago(119).text, "119 seconds ago");
	assert_string_equal(quantity_ago(120).text, "2 minutes ago");
	assert_string_equal(quantity_ago(7200).text, "2 hours ago");
	assert_string_equal(quantity_ago(86400 * 400.0).text, "400 days ago");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_operators_write),
		cmocka_unit_test(refuses_by_name_what_is_odd),
		cmocka_unit_test(tells_the_bound),
		cmocka_unit_test(writes_for_a_person),
		cmocka_unit_test(writes_digits_for_sysctl),
		cmocka_unit_test(writes_how_long_ago),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
