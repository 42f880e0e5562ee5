/* What epoll promises, on the running kernel, and with faults planted between it and the
 * experiments: this program overrides epoll_ctl() and mmap(). */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../support/support.h"
#include "epolltune/cleanup.h"
#include "epolltune/probe.h"
#include "epolltune/semantics.h"

static struct {
	uint32_t strip, add; /* in the events of every registration */
	bool share_memory;
} fault;

int epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
	struct epoll_event changed;
	if (event) {
		changed = *event;
		changed.events = (event->events & ~fault.strip) | fault.add;
		event = &changed;
	}
	return (int)syscall(SYS_epoll_ctl, set, operation, fd, event);
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	if (fault.share_memory && protection == PROT_READ && flags == MAP_SHARED && fd >= 0) {
		flags = MAP_PRIVATE | MAP_ANONYMOUS;
		fd = -1;
	}
	return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}

static struct semantics run_all(void)
{
	struct err e = {0};
	struct semantics s;
	CLEAN(host_closep) struct host *h = NULL;
	assert_int_equal(host_open(&h, "/", &e), 0);
	assert_int_equal(semantics_run(h, &s, &e), 0);
	return s;
}

static void this_kernel_keeps_every_promise(void **state)
{
	struct semantics s = run_all();
	assert_true(s.count >= 30);
	for (size_t i = 0; i < s.count; i++) {
		if (s.at[i].state == SEMANTICS_SKIPPED)
			fail_msg("%s: %s", s.at[i].name, s.at[i].detail);
		if (s.at[i].state == SEMANTICS_DEVIATES)
			fail_msg("%s: expected %lld to %lld, seen %lld", s.at[i].name,
				 (long long)s.at[i].min, (long long)s.at[i].max,
				 (long long)s.at[i].seen);
	}
	assert_true(s.spin_wakeups_per_s > 0);
	assert_true(s.spin_cpu > 0 && s.spin_cpu <= 1);
}

/* ^Z and fg in the middle of an experiment: stopping and continuing ends epoll_wait(2) with EINTR
 * (signal(7)), which is no deviation. */
static void a_stopped_and_continued_run_sees_no_deviation(void **state)
{
	struct timespec pause = {0};
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		struct err e = {0};
		struct semantics s;
		struct host *h = NULL;
		int deviations = 0;
		setpgid(0, 0);
		if (host_open(&h, "/", &e) < 0 || semantics_run(h, &s, &e) < 0) {
			fprintf(stderr, "%s\n", e.text);
			_exit(1);
		}
		for (size_t i = 0; i < s.count; i++)
			if (s.at[i].state != SEMANTICS_AS_EXPECTED) {
				fprintf(stderr, "%s: seen %lld %s\n", s.at[i].name,
					(long long)s.at[i].seen, s.at[i].detail);
				deviations++;
			}
		_exit(deviations ? 2 : 0);
	}
	setpgid(pid, pid);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		kill(-pid, SIGSTOP);
		kill(-pid, SIGCONT);
		/* Increase the pause, so that a slow machine makes progress in between. */
		pause.tv_nsec += pause.tv_nsec < 500000000 ? 1000000 : 0;
		nanosleep(&pause, NULL);
	}
	assert_int_equal(status, 0);
}

static void too_few_descriptors_skip_a_check(void **state)
{
	struct output o = run("ulimit -n 256; $PROGRAM check --probe readiness --format json");
	assert_non_null(strstr(o.out, "readiness.skipped"));
	assert_non_null(strstr(o.out, "select-kernel"));
	assert_null(strstr(o.out, "readiness.as-documented"));
	output_free(&o);
}

/* The findings of the probe in the calling namespace, with the fault that is set. */
static struct report *probe_report(void)
{
	struct err e = {0};
	CLEAN(host_closep) struct host *h = NULL;
	CLEAN(lab_closep) struct lab *lab = NULL;
	struct lab_options options = {.place = LAB_IN_PLACE};
	struct probe_options probe_options = {.in_place = true};
	struct target target = target_default();
	char progress[PROBE_PROGRESS];
	struct report *r = calloc(1, sizeof(*r));
	assert_non_null(r);
	report_init(r);
	assert_int_equal(host_open(&h, "/", &e), 0);
	if (lab_open(&lab, &options, h, &e) < 0)
		fail_msg("%s", e.text);
	struct trial trial = {.target = &target,
			      .options = &probe_options,
			      .host = h,
			      .lab = lab,
			      .progress = progress};
	if (probe_find("readiness")->measure(&trial, r, &e) < 0)
		fail_msg("%s", e.text);
	memset(&fault, 0, sizeof(fault));
	return r;
}

static bool found(const struct report *r, const char *id)
{
	for (size_t i = 0; i < r->finding_count; i++)
		if (!strcmp(r->findings[i].id, id))
			return true;
	return false;
}

#define ASSERT_FOUND(r, id)                                                                        \
	do {                                                                                       \
		if (!found(r, id))                                                                 \
			fail_msg("no finding %s", id);                                             \
	} while (0)

static void a_kernel_as_documented_gives_one_finding(void **state)
{
	CLEAN(free_pointer) struct report *r = probe_report();
	assert_int_equal(r->finding_count, 1);
	ASSERT_FOUND(r, "readiness.as-documented");
	assert_int_equal(report_exit_status(r), 0);
}

static void ignored_edge_triggering_is_found(void **state)
{
	fault.strip = EPOLLET;
	CLEAN(free_pointer) struct report *r = probe_report();
	ASSERT_FOUND(r, "readiness.edge-repeats");
	assert_false(found(r, "readiness.level-lost"));
	assert_false(found(r, "readiness.as-documented"));
}

static void lost_level_events_are_found(void **state)
{
	fault.add = EPOLLET;
	CLEAN(free_pointer) struct report *r = probe_report();
	ASSERT_FOUND(r, "readiness.level-lost");
	assert_false(found(r, "readiness.lost-edge"));
	assert_int_equal(report_exit_status(r), 2);
}

static void an_ignored_oneshot_is_found(void **state)
{
	fault.strip = EPOLLONESHOT;
	CLEAN(free_pointer) struct report *r = probe_report();
	ASSERT_FOUND(r, "readiness.oneshot");
	assert_int_equal(r->finding_count, 1);
}

static void an_ignored_exclusive_is_found(void **state)
{
	fault.strip = EPOLLEXCLUSIVE;
	CLEAN(free_pointer) struct report *r = probe_report();
	ASSERT_FOUND(r, "readiness.exclusive");
	assert_int_equal(r->finding_count, 1);
	assert_int_equal(report_exit_status(r), 0);
}

static void a_missing_rdhup_is_found(void **state)
{
	fault.strip = EPOLLRDHUP;
	CLEAN(free_pointer) struct report *r = probe_report();
	ASSERT_FOUND(r, "readiness.rdhup");
}

static void a_mappable_set_is_found(void **state)
{
	fault.share_memory = true;
	CLEAN(free_pointer) struct report *r = probe_report();
	ASSERT_FOUND(r, "readiness.shared-memory");
	assert_int_equal(r->finding_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_kernel_keeps_every_promise),
		cmocka_unit_test(a_stopped_and_continued_run_sees_no_deviation),
		cmocka_unit_test(too_few_descriptors_skip_a_check),
		cmocka_unit_test(a_kernel_as_documented_gives_one_finding),
		cmocka_unit_test(ignored_edge_triggering_is_found),
		cmocka_unit_test(lost_level_events_are_found),
		cmocka_unit_test(an_ignored_oneshot_is_found),
		cmocka_unit_test(an_ignored_exclusive_is_found),
		cmocka_unit_test(a_missing_rdhup_is_found),
		cmocka_unit_test(a_mappable_set_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
