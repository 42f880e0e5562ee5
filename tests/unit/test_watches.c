/* The epoll watches that other processes of a user have, of processes that run. */
#include "../support/support.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epolltune/watches.h"

#define WATCHES 200

/* A process of another name, which is no part of this one's tree, with so many watches. */
static pid_t holder_start(const char *name, int watches)
{
	int ready[2];
	char byte;
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid) {
		assert_int_equal(read(ready[0], &byte, 1), 1);
		close(ready[0]);
		close(ready[1]);
		return pid;
	}
	prctl(PR_SET_NAME, name);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	struct epoll_event event = {.events = EPOLLIN};
	int set = epoll_create1(0);
	for (int i = 0; i < watches; i++)
		if (epoll_ctl(set, EPOLL_CTL_ADD, dup(ready[0]), &event))
			_exit(1);
	if (write(ready[1], "x", 1) == 1)
		pause();
	_exit(1);
}

static void holder_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void those_of_another_process_count(void **state)
{
	struct subject server = {.name = "a-server"};
	struct watches w;
	struct host *h;
	struct err e;
	pid_t other = holder_start("another", WATCHES);
	pid_t own = server.pid = holder_start("a-server", 0);
	assert_int_equal(host_open(&h, "/", &e), 0);
	watches_read(h, &server, &w);
	assert_true(w.used >= WATCHES);
	/* One whose user is not known. */
	server.pid = 0;
	watches_read(h, &server, &w);
	assert_true(w.hidden);
	assert_int_equal(w.used, 0);
	host_close(h);
	holder_end(other);
	holder_end(own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_of_another_process_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
