/* The memory of processes, whose pages the kernel walks only for a while. */
#include "../../src/host/subject_tree.c"
#include "../support/support.h"

#include <sys/mman.h>
#include <unistd.h>

#define SHARED (UINT64_C(32) << 20)

static void shared_memory_counts_once(void **state)
{
	static const struct {
		uint64_t until;
		const char *of;
	} rows[] = {{UINT64_MAX, "by its pages"}, {0, "without time for them"}};
	char *shared =
		mmap(NULL, SHARED, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CLEAN(host_closep) struct host *h = NULL;
	assert_ptr_not_equal(shared, MAP_FAILED);
	memset(shared, 1, SHARED);
	assert_int_equal(host_open(&h, "/", NULL), 0);
	CLEAN(close_fd) int process = process_open(h, getpid(), NULL);
	assert_true(process >= 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct memory m = {.until = rows[i].until};
		/* Two processes with the same memory. */
		for (int n = 0; n < 2; n++)
			assert_true(memory_add(process, &m));
		bool timed = !rows[i].until;
		if (timed ? m.shared < SHARED || m.shared >= 2 * SHARED || m.bytes >= SHARED
			  : m.shared || m.bytes < 2 * SHARED)
			fail_msg("%s: %llu and %llu", rows[i].of, (unsigned long long)m.bytes,
				 (unsigned long long)m.shared);
	}
	munmap(shared, SHARED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(shared_memory_counts_once)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
