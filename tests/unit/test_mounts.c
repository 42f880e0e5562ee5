/* The mounts of mountinfo(5). */
#include "../support/support.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "host/mounts.h"

static void fields_are_read(void **state)
{
	static const char text[] =
		"no mount\n"
		"22 28 0:20 / /proc rw,nosuid shared:12 master:1 - proc proc rw\n"
		"35 28 0:4 net:[4026532177] /run/a\\040b\\134c rw - nsfs  rw,x\n"
		"36 28 0:5";
	static const struct {
		unsigned id, minor;
		const char *root, *point, *type, *options;
	} rows[] = {{22, 20, "/", "/proc", "proc", "rw"},
		    {35, 4, "net:[4026532177]", "/run/a b\\c", "nsfs", "rw,x"},
		    {36, 5, "", "", "", ""}};
	const char *at = text;
	struct mount m;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_true(mounts_next(&at, &m));
		assert_int_equal(m.id, rows[i].id);
		assert_true(m.device == makedev(0, rows[i].minor));
		assert_string_equal(m.root, rows[i].root);
		assert_string_equal(m.point, rows[i].point);
		assert_string_equal(m.type, rows[i].type);
		assert_string_equal(m.options, rows[i].options);
	}
	assert_false(mounts_next(&at, &m));
}

/* An overlay of many layers has options of any length. */
static void a_long_line_is_one_mount(void **state)
{
	char text[20000];
	int n = snprintf(text, sizeof(text), "30 1 0:26 / / rw - overlay overlay rw,lowerdir=");
	memset(text + n, 'l', sizeof(text) - (size_t)n);
	strcpy(text + sizeof(text) - 64, "\n31 1 0:27 / /sys rw - sysfs sysfs rw\n");
	const char *at = text;
	struct mount m;
	assert_true(mounts_next(&at, &m));
	assert_string_equal(m.type, "overlay");
	assert_true(mounts_next(&at, &m));
	assert_string_equal(m.point, "/sys");
	assert_false(mounts_next(&at, &m));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_read),
		cmocka_unit_test(a_long_line_is_one_mount),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
