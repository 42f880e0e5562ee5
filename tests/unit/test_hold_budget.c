/* The estimate for held connections, made from captured machines. */
#include "../support/support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/fixture.h"
#include "bench/hold_budget.h"

static struct host *machine;

static int setup(void **state)
{
	struct err e = {0};
	return host_open(&machine, "tests/hosts/linux-6.18", &e);
}

static int teardown(void **state)
{
	host_close(machine);
	return 0;
}

static uint64_t ports = 28232 * 254;

static int check(uint64_t connections, uint64_t watches, uint64_t per_process, struct err *e)
{
	struct hold_budget b;
	const struct hold_plan plan = {.connections = connections,
				       .watches = watches,
				       .per_process = per_process,
				       .processes_max = FIXTURE_TASKS,
				       .ports_of_process = ports};
	hold_budget_make(&b, machine, &plan);
	return hold_budget_check(&b, e);
}

static void a_plan_that_fits_is_accepted(void **state)
{
	struct err e = {0};
	assert_int_equal(check(10000, 10000, 19968, &e), 0);
	assert_int_equal(check(1000000, 1000000, 19968, &e), 0);
}

static void each_limit_that_is_too_low_is_named(void **state)
{
	struct err e = {0};
	assert_int_equal(check(4000000, 10, 1000000, &e), -ENOSPC);
	assert_non_null(strstr(e.text, "4000000 connections need 36.3 GB of memory (only "));
	assert_non_null(strstr(e.text, " files (only "));
	assert_non_null(strstr(e.text, " watches (of "));
	assert_int_equal(check(100, 100000000, 19968, &e), -ENOSPC);
	assert_non_null(strstr(e.text, ": fs.epoll.max_user_watches)"));
	assert_int_equal(check(1000000, 10, 1000, &e), -ENOSPC);
	assert_non_null(strstr(e.text, "2000 processes (only 240: "));
	ports = 33 * 254;
	assert_int_equal(check(10000, 10, 19968, &e), -ENOSPC);
	assert_non_null(strstr(e.text, "10000 ports (only 8382: "));
}

static void the_limits_of_the_own_group_count(void **state)
{
	char root[] = "/tmp/hold_budget.XXXXXX";
	struct err e = {0};
	assert_non_null(mkdtemp(root));
	struct output o = run(
		"cd %s && mkdir -p proc/self proc/sys sys/fs/cgroup/a && echo 0::/a >proc/self/cgroup && "
		"echo '30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw' >proc/self/mountinfo && "
		"cd sys/fs/cgroup/a && echo 1073741824 >memory.max && echo anon 1048576 >memory.stat && "
		"echo 100 >pids.max && echo 90 >pids.current",
		root);
	assert_int_equal(o.status, 0);
	output_free(&o);
	host_close(machine);
	assert_int_equal(host_open(&machine, root, &e), 0);
	ports = 28232 * 254;
	assert_int_equal(check(50000, 10, 19968, &e), 0);
	assert_int_equal(check(500000, 10, 19968, &e), -ENOSPC);
	assert_non_null(strstr(e.text, "4.8 GB of memory (only 1.1: memory.max of /a)"));
	assert_non_null(strstr(e.text, "52 processes (only 10: pids.max of /a)"));
	o = run("rm -r %s", root);
	output_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_plan_that_fits_is_accepted, setup, teardown),
		cmocka_unit_test_setup_teardown(each_limit_that_is_too_low_is_named, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_limits_of_the_own_group_count, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
