/* Boot, network namespace, and whether a file is writable. */
#include "../support/support.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/host.h"

static struct host_identity identity(void)
{
	struct err e = {0};
	CLEAN(host_closep) struct host *h = NULL;
	struct host_identity id;
	assert_int_equal(host_open(&h, "/", &e), 0);
	assert_int_equal(host_identity(h, &id, &e), 0);
	return id;
}

static void the_identity_is_stable(void **state)
{
	struct host_identity a = identity(), b = identity();
	assert_int_equal(strlen(a.boot), 36);
	assert_string_equal(a.boot, b.boot);
	assert_string_equal(a.netns, b.netns);
	assert_true(strspn(a.netns, "0123456789.") == strlen(a.netns) && a.netns[0]);
}

static void another_namespace_has_another_identity(void **state)
{
	struct host_identity outside = identity();
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
			_exit(77);
		struct host_identity inside = identity();
		_exit(strcmp(inside.netns, outside.netns) == 0 ||
		      strcmp(inside.boot, outside.boot) != 0 || inside.initial);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip_because("no user namespace is available here");
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Runs `inside` in a process of its own, as another user; 77: it cannot become one. */
static int as_nobody(int (*inside)(void))
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(setgroups(0, NULL) || setresgid(65534, 65534, 65534) ||
				      setresuid(65534, 65534, 65534)
			      ? 77
			      : inside());
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int first_is_hidden_and_known(void)
{
	char link[64];
	return readlink("/proc/1/ns/net", link, sizeof(link)) >= 0 || !identity().initial;
}

static int another_is_known(void)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return 77;
	return identity().initial;
}

/* The first network namespace is recognised by what only that has. */
static void process_1_may_be_hidden(void **state)
{
	if (access("/proc/sys/net/ipv4/tcp_mem", F_OK))
		skip_because("this is not the first network namespace");
	int known = as_nobody(first_is_hidden_and_known), other = as_nobody(another_is_known);
	if (known == 77)
		skip_because("only root can become another user");
	assert_int_equal(known, 0);
	assert_true(other == 0 || other == 77);
}

/* As in a container: process 1 has the same network namespace, the first one or another. */
static int container_is(bool first)
{
	pid_t pid = fork();
	if (pid == 0) {
		if (mount("proc", "/proc", "proc", 0, NULL) < 0)
			_exit(77);
		struct host_identity id = identity();
		_exit(id.first_pids || !id.initial || id.first_netns != first);
	}
	int status;
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void process_1_of_a_container_does_not_say_whose_network_it_is(void **state)
{
	static const struct {
		int flags;
		bool first; /* --network host */
	} rows[] = {{0, true}, {CLONE_NEWNET, false}};
	if (access("/proc/sys/net/ipv4/tcp_mem", F_OK))
		skip_because("this is not the first network namespace");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			int user = geteuid() ? CLONE_NEWUSER : 0;
			_exit(unshare(CLONE_NEWPID | CLONE_NEWNS | user | rows[i].flags) ||
					      mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)
				      ? 77
				      : container_is(rows[i].first));
		}
		int status;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == 77)
			skip_because("no PID namespace with a /proc of its own is available here");
		if (WEXITSTATUS(status))
			fail_msg("row %zu", i);
	}
}

static void a_captured_machine_has_no_identity(void **state)
{
	struct err e = {0};
	CLEAN(host_closep) struct host *h = NULL;
	struct host_identity id;
	char empty[] = "/tmp/epolltune.XXXXXX";
	assert_non_null(mkdtemp(empty));
	assert_int_equal(host_open(&h, empty, &e), 0);
	assert_int_equal(rmdir(empty), 0);
	assert_int_equal(host_identity(h, &id, &e), -EROFS);
	assert_int_equal(host_writable(h, "x", &e), -EROFS);
}

static void writable_says_why_not(void **state)
{
	struct err e = {0};
	CLEAN(host_closep) struct host *h = NULL;
	assert_int_equal(host_open(&h, "/", &e), 0);
	assert_int_equal(host_writable(h, "dev/null", &e), 0);
	assert_int_equal(host_writable(h, "proc/no/such", &e), -ENOENT);
	/* A file of mode 0444 in /proc/sys is not writable, not even by root. */
	assert_int_equal(host_writable(h, "proc/sys/kernel/random/boot_id", &e), -EACCES);
	assert_non_null(strstr(e.text, "/proc/sys/kernel/random/boot_id"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_identity_is_stable),
		cmocka_unit_test(another_namespace_has_another_identity),
		cmocka_unit_test(process_1_may_be_hidden),
		cmocka_unit_test(process_1_of_a_container_does_not_say_whose_network_it_is),
		cmocka_unit_test(a_captured_machine_has_no_identity),
		cmocka_unit_test(writable_says_why_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
