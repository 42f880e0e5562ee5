/* The mappings of a process, of which some are stacks of threads. */
#include "../support/support.h"
#include "host/subject_space.h"

/* An arena of malloc() is no stack, nor is what lies behind its unused part or behind a library. */
static void stacks_have_a_guard(void **state)
{
	static const char two[] =
		"55e000000000-55e000021000 rw-p 00000000 00:00 0 [heap]\n"
		"7f0000000000-7f0000021000 rw-p 00000000 00:00 0 \n"
		"7f0000021000-7f0004000000 ---p 00000000 00:00 0 \n"
		"7f0004000000-7f0004021000 rw-p 00000000 00:00 0 \n"
		"7f0010000000-7f0010001000 ---p 00000000 00:00 0 \n"
		"7f0010001000-7f0010801000 rw-p 00000000 00:00 0 \n"
		"7f0010801000-7f0010802000 ---p 00000000 00:00 0 \n"
		"7f0010802000-7f0011002000 rw-p 00000000 00:00 0 \n"
		"7f0020000000-7f0020001000 ---p 00001000 fe:00 1234 /usr/lib/libc.so.6\n"
		"7f0020001000-7f0020002000 rw-p 00002000 00:00 0 \n"
		"7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0 [stack]\n";
	struct space_maps m;
	assert_int_equal(space_maps_parse(two, &m), 0);
	assert_int_equal(m.count, 11);
	assert_int_equal(m.stacks, 2);
	assert_int_equal(m.stack, 8 << 20);
	assert_int_equal(m.guard, 4096);
	assert_int_equal(space_maps_parse("", &m), 0);
	assert_int_equal(m.count + m.stacks + m.stack, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stacks_have_a_guard),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
