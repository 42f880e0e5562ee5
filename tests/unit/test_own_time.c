/* The CPU time of a check: of its processes that run, and of those that it has waited for. */
#include "epolltune/own_time.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/support.h"
#include "epolltune/clock.h"

#define WORK_NS 20000000u

static void work(uint64_t until_ns)
{
	while (clock_cpu_ns() < until_ns)
		;
}

static pid_t worker(struct own_time *o)
{
	pid_t pid = fork();
	assert_int_not_equal(pid, -1);
	if (!pid) {
		work(clock_cpu_ns() + WORK_NS);
		pause();
		_exit(0);
	}
	own_time_began(o, pid);
	return pid;
}

static void await(const struct own_time *o, uint64_t ns)
{
	while (own_time_ns(o) < ns)
		clock_sleep_ms(1);
}

static void each_process_counts_once(void **state)
{
	struct own_time *o;
	assert_int_equal(own_time_make(&o, NULL), 0);
	uint64_t first = own_time_ns(o);
	work(clock_cpu_ns() + WORK_NS);
	uint64_t alone = own_time_ns(o);
	assert_true(alone >= first + WORK_NS);
	pid_t pid = worker(o);
	await(o, alone + WORK_NS);
	uint64_t both = own_time_ns(o);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	own_time_ended(o, pid);
	/* Its end takes some as well; what getrusage(2) shows ends with the microsecond. */
	assert_in_range(own_time_ns(o), both - 2000, both + WORK_NS);
	own_time_free(&o);
	assert_int_equal(own_time_ns(o), 0);
	own_time_began(o, pid);
	own_time_ended(o, pid);
}

/* Of another one that this process has waited for before. */
static void what_ended_before_does_not_count(void **state)
{
	struct own_time *o;
	pid_t pid = fork();
	assert_int_not_equal(pid, -1);
	if (!pid) {
		work(clock_cpu_ns() + WORK_NS);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(own_time_make(&o, NULL), 0);
	uint64_t before = own_time_ns(o);
	own_time_ended(o, pid);
	assert_in_range(own_time_ns(o), before, before + WORK_NS);
	own_time_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_process_counts_once),
		cmocka_unit_test(what_ended_before_does_not_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
