/* The ranges in the table of knobs are those of the running kernel. A network namespace has some of
 * the knobs; with DISPOSABLE=1, in a machine that no process needs, all are tried. */
#include "../support/support.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/host.h"
#include "epolltune/knob_value.h"

static bool disposable(void) { return getenv("DISPOSABLE") != NULL; }

/* A value with this number as its first field, or, if it is above the middle, as its last. */
static void value_of(const struct knob *k, int64_t number, char value[KNOB_VALUE])
{
	if (k->shape == KNOB_TRIPLE)
		snprintf(value, KNOB_VALUE, "%" PRId64 " %" PRId64 " %" PRId64, number, number,
			 number);
	else if (k->shape == KNOB_NUMBER)
		snprintf(value, KNOB_VALUE, "%" PRId64, number);
	/* Of different parity: the kernel would warn. */
	else if (number > k->max / 2)
		snprintf(value, KNOB_VALUE, "%" PRId64 " %" PRId64, number & ~INT64_C(1),
			 number | 1);
	else
		snprintf(value, KNOB_VALUE, "%" PRId64 " %" PRId64, number,
			 k->max - 1 + number % 2);
}

static void accepts(const struct host *h, const struct knob *k, int64_t number)
{
	char value[KNOB_VALUE], now[KNOB_VALUE];
	value_of(k, number, value);
	int r = knob_write(k, h, value, NULL);
	if (r == -ENOMEM)
		return; /* in the range, but too large a table for this machine */
	if (r)
		fail_msg("%s: the kernel refuses %s, in the range: %d", k->name, value, r);
	assert_int_equal(knob_read(k, h, now, NULL), 0);
	assert_string_equal(now, value);
}

static void refuses(const struct host *h, const struct knob *k, int64_t number)
{
	char value[KNOB_VALUE];
	value_of(k, number, value);
	int r = knob_write(k, h, value, NULL);
	if (r != -EINVAL)
		fail_msg("%s: the kernel takes %s, beyond the range: %d", k->name, value, r);
}

static bool is_tried(const struct knob *k)
{
	return k->scope == KNOB_NETNS
		       ? k->shape != KNOB_WORD && k->shape != KNOB_PORTS
		       : k->scope == KNOB_SYSTEM && k->shape != KNOB_WORD && disposable();
}

static void the_kernel_has_the_ranges_of_the_table(void **state)
{
	if (!disposable() && namespace_enter())
		skip_because("no network namespace");
	CLEAN(host_closep) struct host *h = NULL;
	assert_int_equal(host_open(&h, "/", NULL), 0);
	/* The lowest port of a range may not be less. */
	assert_true(host_write(h, "proc/sys/net/ipv4/ip_unprivileged_port_start", "0", NULL) == 0);
	size_t tried = 0;
	for (size_t i = 0; i < knob_count(); i++) {
		const struct knob *k = knob_at(i);
		char old[KNOB_VALUE], path[KNOB_PATH];
		knob_path(k, path);
		if (!is_tried(k) || knob_read(k, h, old, NULL) || host_writable(h, path, NULL))
			continue;
		accepts(h, k, knob_min(k, host_kernel(h), host_tick_us(h)));
		accepts(h, k, k->max);
		if (knob_min_refuses(k, host_kernel(h)))
			refuses(h, k, knob_min(k, host_kernel(h), host_tick_us(h)) - 1);
		if (k->max < INT64_MAX && knob_refuses_more(k, host_kernel(h)))
			refuses(h, k, k->max + 1);
		assert_int_equal(knob_write(k, h, old, NULL), 0);
		tried++;
	}
	assert_true(tried >= (disposable() ? 35 : 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernel_has_the_ranges_of_the_table)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
