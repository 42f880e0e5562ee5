#include "../support/support.h"
#include "epolltune/target.h"

#include <errno.h>
#include <string.h>

static void default_is_c10k(void **state)
{
	struct target t = target_default(), preset;
	struct err e = {0};
	assert_int_equal(target_preset("c10k", &preset, &e), 0);
	assert_memory_equal(&t, &preset, sizeof(t));
	assert_int_equal(t.role, TARGET_SERVER);
	assert_int_equal(t.connections, 10000);
	assert_int_equal(t.rate_per_s, 10000);
	assert_int_equal(t.stall_us, 100000);
	assert_int_equal(t.rtt_us, 50000);
	assert_int_equal(t.bandwidth_bps, 100000000);
}

static void every_listed_preset_exists(void **state)
{
	char names[64];
	assert_true(strlen(target_presets()) < sizeof(names));
	strcpy(names, target_presets());
	uint64_t last = 0;
	for (char *name = strtok(names, ","); name; name = strtok(NULL, ",")) {
		struct target t;
		struct err e = {0};
		assert_int_equal(target_preset(name, &t, &e), 0);
		assert_true(t.connections > last);
		last = t.connections;
	}
	struct target t;
	struct err e = {0};
	assert_int_equal(target_preset("c10", &t, &e), -EINVAL);
	assert_string_equal(e.text, "no target \"c10\"; there are c10k, c100k, c1m");
}

static void needs_follow(void **state)
{
	struct target t = target_default();
	assert_int_equal(target_accept_queue(&t), 1000);
	assert_int_equal(target_syn_queue(&t), 500);
	assert_int_equal(target_window(&t), 625000);
	assert_int_equal(target_time_wait(&t), 600000);
	assert_int_equal(target_sockets(&t), 10000);
	t.role = TARGET_PROXY;
	assert_int_equal(target_sockets(&t), 20000);
	t.rate_per_s = 1;
	t.stall_us = 1;
	assert_int_equal(target_accept_queue(&t), 1);
	t.stall_us = 0;
	assert_int_equal(target_accept_queue(&t), 0);
}

static void needs_saturate(void **state)
{
	struct target t = {TARGET_PROXY, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
			   UINT64_MAX,   UINT64_MAX, UINT64_MAX, 1,          false,      false};
	assert_true(target_accept_queue(&t) == INT64_MAX);
	assert_true(target_syn_queue(&t) == INT64_MAX);
	assert_true(target_window(&t) == INT64_MAX);
	assert_true(target_datagrams(&t) == INT64_MAX);
	assert_true(target_time_wait(&t) == INT64_MAX);
	assert_true(target_sockets(&t) == INT64_MAX);
	assert_true(target_part(&t, UINT64_MAX) == INT64_MAX);
}

/* The fullest of several destinations has an even part, rounded up. */
static void a_destination_has_its_part(void **state)
{
	struct target t = target_default();
	assert_int_equal(t.destinations, 1);
	assert_int_equal(target_part(&t, 1500), 1500);
	t.destinations = 4;
	assert_int_equal(target_part(&t, 1500), 375);
	assert_int_equal(target_part(&t, 1501), 376);
	assert_int_equal(target_part(&t, 1), 1);
}

static void roles_have_names(void **state)
{
	assert_string_equal(target_role_name(TARGET_PROXY), "proxy");
	assert_string_equal(target_role_name(TARGET_SERVER), "server");
}

static void arguments_make_it_again(void **state)
{
	char text[256];
	struct target t = target_default();
	target_arguments(&t, text, sizeof(text));
	assert_string_equal(text, "");
	t.rate_per_s = 50000;
	t.stall_us = 250000;
	t.rtt_us = 1500;
	t.bandwidth_bps = 1000000000;
	t.connections = 12345;
	t.role = TARGET_PROXY;
	target_arguments(&t, text, sizeof(text));
	assert_string_equal(text, " --connections 12345 --rate 50k --stall 250ms --rtt 1500us "
				  "--bandwidth 1gbit --role proxy");
	t = target_default();
	t.datagrams_per_s = 50000;
	t.datagram_bytes = 1350;
	t.idle_us = 350000000;
	t.destinations = 4;
	target_arguments(&t, text, sizeof(text));
	assert_string_equal(text, " --datagrams 50k --datagram 1350 --idle 350s --destinations 4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_make_it_again),
		cmocka_unit_test(a_destination_has_its_part),
		cmocka_unit_test(default_is_c10k),
		cmocka_unit_test(every_listed_preset_exists),
		cmocka_unit_test(needs_follow),
		cmocka_unit_test(needs_saturate),
		cmocka_unit_test(roles_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
