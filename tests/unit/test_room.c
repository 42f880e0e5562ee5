/* Whether the experiments fit into a control group. */
#include "../support/support.h"

#include <string.h>

#include "check/room.h"

#define MIB(n) ((uint64_t)(n) << 20)

static void labs_need_memory_and_processes(void **state)
{
	static const struct {
		uint64_t memory, used, pids, running, cpus;
		const char *why; /* begins with */
	} rows[] = {
		{HOST_UNLIMITED, 0, HOST_UNLIMITED, 0, 2, ""},
		{MIB(34), 0, HOST_UNLIMITED, 0, 2, ""},
		{MIB(34), MIB(1), HOST_UNLIMITED, 0, 2, "the memory limit of /a leaves 33 MiB; "},
		{MIB(64), MIB(40), HOST_UNLIMITED, 0, 2, "the memory limit of /a leaves 24 MiB; "},
		{MIB(64), MIB(80), HOST_UNLIMITED, 0, 2, "the memory limit of /a leaves 0 B; "},
		{MIB(64), 0, HOST_UNLIMITED, 0, 32, ""},
		{MIB(64), 0, HOST_UNLIMITED, 0, 33, "the memory limit of /a leaves 64 MiB; "},
		{HOST_UNLIMITED, 0, 100, 68, 2, ""},
		{HOST_UNLIMITED, 0, 100, 69, 2, "pids.max of /b leaves 31 processes; "},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct cgroup c = {.memory = {.at = {{.max = rows[i].memory,
						      .used = rows[i].used,
						      .path = "/a"}},
					      .count = 1},
				   .pids = {.at = {{.max = rows[i].pids,
						    .used = rows[i].running,
						    .path = "/b"}},
					    .count = 1}};
		char why[320];
		room_lacks(&c, rows[i].cpus, why, sizeof(why));
		if (strncmp(why, rows[i].why, strlen(rows[i].why)) != 0 ||
		    !why[0] != !rows[i].why[0])
			fail_msg("row %zu: \"%s\"", i, why);
	}
}

static void labs_count_where_little_is_left(void **state)
{
	static const struct {
		uint64_t memory, pids;
		bool scarce;
	} rows[] = {
		{HOST_UNLIMITED, HOST_UNLIMITED, false},
		{MIB(16 * 34), 16 * 32, false},
		{MIB(16 * 34) - 1, HOST_UNLIMITED, true},
		{HOST_UNLIMITED, 16 * 32 - 1, true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct cgroup c = {.memory = {.at = {{.max = rows[i].memory}}, .count = 1},
				   .pids = {.at = {{.max = rows[i].pids}}, .count = 1}};
		assert_int_equal(room_is_scarce(&c, 2), rows[i].scarce);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(labs_need_memory_and_processes),
					   cmocka_unit_test(labs_count_where_little_is_left)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
