/* Errors with their context. */
#include "../support/support.h"
#include "epolltune/err.h"

#include <errno.h>
#include <string.h>

static void errno_is_in_the_text_and_returned(void **state)
{
	struct err e = {0};
	errno = ENOENT;
	assert_int_equal(err_errno(&e, "open %s", "/x"), -ENOENT);
	assert_int_equal(e.code, ENOENT);
	assert_string_equal(e.text, "open /x: No such file or directory");
	errno = 0;
	assert_int_equal(err_errno(&e, "odd"), -EIO);
}

static void text_needs_no_errno(void **state)
{
	struct err e = {0};
	assert_int_equal(err_set(&e, EINVAL, "%d is odd", 3), -EINVAL);
	assert_string_equal(e.text, "3 is odd");
}

static void prefixes_accumulate(void **state)
{
	struct err e = {0};
	err_set(&e, EPERM, "why");
	assert_int_equal(err_prefix(&e, "lab %d", 1), -EPERM);
	assert_int_equal(err_prefix(&e, "check"), -EPERM);
	assert_string_equal(e.text, "check: lab 1: why");
}

static void a_text_stays_on_one_line_and_in_bounds(void **state)
{
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
	err_set(&e, EINVAL,
		"a\nb\tc\033[31m\177\xc2\x9b"
		"1m é");
	assert_string_equal(e.text, "a b c [31m   1m é");
}

static void without_a_struct_the_code_is_returned(void **state)
{
	errno = ENOENT;
	assert_int_equal(err_errno(NULL, "open %s", "/x"), -ENOENT);
	errno = 0;
	assert_int_equal(err_errno(NULL, "odd"), -EIO);
	assert_int_equal(err_set(NULL, EINVAL, "%d is odd", 3), -EINVAL);
	assert_int_equal(err_recode(NULL, EPERM), -EPERM);
	assert_int_equal(err_copy(NULL, &(struct err){.code = EPERM}), -EPERM);
	/* It has no code to return. */
	assert_int_equal(err_prefix(NULL, "lab %d", 1), -EIO);
}

static void a_new_code_keeps_the_text(void **state)
{
	struct err e = {0};
	err_set(&e, ENOENT, "why");
	assert_int_equal(err_recode(&e, ENODEV), -ENODEV);
	assert_int_equal(e.code, ENODEV);
	assert_string_equal(e.text, "why");
	struct err copy = {0};
	assert_int_equal(err_copy(&copy, &e), -ENODEV);
	assert_string_equal(copy.text, "why");
}

static void what_to_do_is_apart_from_the_reason(void **state)
{
	struct err e = {0};
	char reason[128];
	err_set(&e, EACCES, "cannot open /dev/net/tun");
	assert_string_equal(err_reason(&e, reason, sizeof(reason)), "cannot open /dev/net/tun");
	err_remedy(&e, "run as %s", "root");
	assert_int_equal(e.code, EACCES);
	assert_string_equal(e.text, "cannot open /dev/net/tun: run as root");
	err_prefix(&e, "wire");
	assert_string_equal(e.text, "wire: cannot open /dev/net/tun: run as root");
	assert_string_equal(err_reason(&e, reason, sizeof(reason)),
			    "wire: cannot open /dev/net/tun");
	err_set(&e, EIO, "another");
	assert_string_equal(err_reason(&e, reason, sizeof(reason)), "another");
	err_remedy(NULL, "x");
}

/* "a, b, …": with "d" after it a list without the long name would look complete. */
static void a_list_ends_where_a_name_does_not_fit(void **state)
{
	char filler[sizeof(((struct err *)0)->text) - 12], name[2] = "a";
	struct err e = {0};
	memset(filler, '-', sizeof(filler) - 1);
	filler[sizeof(filler) - 1] = 0;
	err_set(&e, EINVAL, "%s", filler);
	while (err_append_before(&e, ", …", ", %s", name))
		name[0]++;
	assert_true(err_append(&e, ", …"));
	assert_string_equal(e.text + strlen(filler), ", a, b, …");
	assert_false(err_append_before(NULL, "", "x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_to_do_is_apart_from_the_reason),
		cmocka_unit_test(errno_is_in_the_text_and_returned),
		cmocka_unit_test(text_needs_no_errno),
		cmocka_unit_test(prefixes_accumulate),
		cmocka_unit_test(without_a_struct_the_code_is_returned),
		cmocka_unit_test(a_new_code_keeps_the_text),
		cmocka_unit_test(a_list_ends_where_a_name_does_not_fit),
		cmocka_unit_test(a_text_stays_on_one_line_and_in_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
