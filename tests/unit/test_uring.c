/* Errors of io_uring are returned, also by kernels without multishot poll. */
#include "../support/support.h"

#include <errno.h>
#include <unistd.h>

#include "bench/uring.h"

static struct uring ring;

static int setup(void **state)
{
	ring = (struct uring){.fd = -1};
	return 0;
}

static int teardown(void **state)
{
	uring_close(&ring);
	return 0;
}

static void open_or_skip(unsigned completions)
{
	struct err e = {0};
	int rc = uring_open(&ring, completions, &e);
	if (rc == -ENOSYS || rc == -EPERM || rc == -EACCES || rc == -ENOMEM)
		skip_because("%s", e.text);
	if (rc < 0)
		fail_msg("%s", e.text);
}

static void a_multishot_poll_completes(void **state)
{
	struct err e = {0};
	int ends[2];
	open_or_skip(1024);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(uring_poll_add(&ring, ends[0], 7, &e), 0);
	assert_int_equal(uring_submit(&ring, &e), 0);
	int n = uring_wait(&ring, 0);
	if (n == -EINVAL)
		skip_because("this kernel has no multishot poll (5.13)");
	assert_int_equal(n, 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(uring_wait(&ring, 1), 1);
	close(ends[0]);
	close(ends[1]);
}

static void a_refused_poll_returns_its_error(void **state)
{
	struct err e = {0};
	open_or_skip(1024);
	assert_int_equal(uring_poll_add(&ring, -1, 0, &e), 0);
	assert_int_equal(uring_submit(&ring, &e), 0);
	int n = uring_wait(&ring, 1);
	assert_true(n == -EBADF || n == -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_multishot_poll_completes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refused_poll_returns_its_error, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
