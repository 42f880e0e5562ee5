#include "../support/support.h"
#include "epolltune/err.h"

#include <errno.h>
#include <string.h>

static void errno_is_told_and_returned(void **state)
{
	(void)state;
	struct err e = {0};
	errno = ENOENT;
	assert_int_equal(err_errno(&e, "open %s", "/x"), -ENOENT);
	assert_int_equal(e.code, ENOENT);
	assert_string_equal(e.text, "open /x: No such file or directory");
	errno = 0;
	assert_int_equal(err_errno(&e, "odd"), -EIO);
}

static void text_stands_alone(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(err_set(&e, EINVAL, "%d is odd", 3), -EINVAL);
	assert_string_equal(e.text, "3 is odd");
}

static void prefixes_stack(void **state)
{
	(void)state;
	struct err e = {0};
	err_set(&e, EPERM, "why");
	assert_int_equal(err_prefix(&e, "lab %d", 1), -EPERM);
	assert_int_equal(err_prefix(&e, "check"), -EPERM);
	assert_string_equal(e.text, "check: lab 1: why");
}

static void stays_one_line_and_in_bounds(void **state)
{
	(void)state;
	struct err e = {0};
	char name[2000];
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	errno = EACCES;
	assert_int_equal(err_errno(&e, "open %s", name), -EACCES);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	for (int i = 0; i < 100; i++)
		err_prefix(&e, "%s", name);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	err_set(&e, EINVAL, "a\nb\tc\033[31m\177");
	assert_string_equal(e.text, "a b c [31m ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errno_is_told_and_returned),
		cmocka_unit_test(text_stands_alone),
		cmocka_unit_test(prefixes_stack),
		cmocka_unit_test(stays_one_line_and_in_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
