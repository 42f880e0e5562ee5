/* The lab on the running kernel: knobs, isolation, errors and clean-up. */
#include "../support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epolltune/clock.h"
#include "epolltune/knob_value.h"
#include "epolltune/lab.h"
#include "epolltune/task.h"
#include "lab/internal.h"

static const struct lab_options veth = {.place = LAB_PRIVATE, .client_addresses = 3};
static const struct lab_options in_place = {.place = LAB_IN_PLACE};

static struct lab *open_or_skip(const struct lab_options *options, struct host **h)
{
	struct err e = {0};
	struct lab *lab = NULL;
	assert_int_equal(host_open(h, "/", &e), 0);
	if (lab_open(&lab, options, *h, &e)) {
		host_close(*h);
		skip_because("%s", e.text);
	}
	return lab;
}

/* Runs `body` in a child, which may enter namespaces and change ids or limits. Returns its status.
 */
static int in_child(int (*body)(void))
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body());
	int status = 0;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int shout(struct task_port *port, void *arg)
{
	char *word = arg, buf[4];
	task_answer(port, 0, NULL, NULL, 0);
	while (task_hear(port, buf, sizeof(buf))) {
		snprintf(word, 64, "%.3s!", buf);
		task_answer(port, 7, NULL, word, 5);
	}
	return 0;
}

/* Starts shout() on a host. */
static int shout_start(struct task *t, struct lab *lab, enum lab_host host, void *word,
		       struct err *e)
{
	return task_start(t, &(struct task_context){lab, host}, shout, word, e);
}

static void a_task_answers_and_shares_memory(void **state)
{
	struct host *h;
	struct err e = {0};
	struct lab *lab = open_or_skip(&veth, &h);
	for (int where = LAB_SERVER; where <= LAB_CLIENT; where++) {
		char buf[5] = "";
		struct task t;
		char *word = lab_alloc(lab, 64, &e);
		assert_non_null(word);
		assert_int_equal(shout_start(&t, lab, (enum lab_host)where, word, &e), 0);
		assert_int_equal(task_await(&t, NULL, 0, WITHIN_MS, &e), 0);
		assert_int_equal(task_ask(&t, "hey", 4, buf, sizeof(buf), WITHIN_MS, &e), 7);
		assert_string_equal(buf, "hey!");
		assert_string_equal(word, "hey!");
		assert_int_equal(task_check(&t, &e), 0);
		assert_int_equal(task_end(&t), 0);
	}
	lab_close(lab);
	host_close(h);
}

static int die(struct task_port *port, void *arg)
{
	raise(SIGKILL);
	return 0;
}

static int give_up(struct task_port *port, void *arg)
{
	return err_set(&port->e, ENOLINK, "the link is gone");
}

static void a_killed_task_is_reported(void **state)
{
	struct host *h;
	struct err e = {0};
	struct task t;
	struct lab *lab = open_or_skip(&veth, &h);
	assert_int_equal(task_start(&t, &(struct task_context){lab, LAB_CLIENT}, die, NULL, &e), 0);
	assert_int_equal(task_await(&t, NULL, 0, WITHIN_MS, &e), -ECHILD);
	task_end(&t);
	lab_close(lab);
	host_close(h);
}

static void a_task_without_a_lab_says_how_it_exited(void **state)
{
	const struct task_context here = {0};
	struct err e = {0};
	struct task t;
	assert_int_equal(task_start(&t, &here, die, NULL, &e), 0);
	assert_int_equal(task_await(&t, NULL, 0, WITHIN_MS, &e), -ECHILD);
	assert_non_null(strstr(e.text, "was killed by signal 9"));
	assert_int_equal(task_end(&t), 0);
	assert_int_equal(task_start(&t, &here, give_up, NULL, &e), 0);
	assert_int_equal(task_await(&t, NULL, 0, WITHIN_MS, &e), -ECHILD);
	assert_string_equal(e.text, "exited: the link is gone");
	task_end(&t);
}

struct slow {
	atomic_bool may_return;
};

/* Answers no request before it may. */
static int answer_slowly(struct task_port *port, void *arg)
{
	struct slow *slow = arg;
	int number;
	while (task_hear(port, &number, sizeof(number))) {
		WAIT_UNTIL(slow->may_return);
		task_answer(port, 0, NULL, &number, sizeof(number));
	}
	return 0;
}

static void a_late_answer_is_dropped(void **state)
{
	const struct task_context here = {0};
	struct err e = {0};
	struct task t;
	int answer = 0;
	struct slow *slow = task_alloc(&here, sizeof(*slow), &e);
	assert_non_null(slow);
	assert_int_equal(task_start(&t, &here, answer_slowly, slow, &e), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(task_ask(&t, &i, sizeof(i), &answer, sizeof(answer), 0, &e),
				 -ETIMEDOUT);
	slow->may_return = true;
	assert_int_equal(
		task_ask(&t, &(int){3}, sizeof(int), &answer, sizeof(answer), WITHIN_MS, &e), 0);
	assert_int_equal(answer, 3);
	assert_int_equal(task_end(&t), 0);
}

static int refuse(struct host *h, void *arg, struct err *e)
{
	return err_set(e, ENOLINK, "refused by %s", (const char *)arg);
}

static void a_call_returns_the_error(void **state)
{
	struct host *h;
	struct err e = {0};
	struct lab *lab = open_or_skip(&veth, &h);
	assert_int_equal(lab_call(lab, LAB_CLIENT, refuse, (void *)(uintptr_t) "a test", &e),
			 -ENOLINK);
	assert_string_equal(e.text, "refused by a test");
	lab_close(lab);
	host_close(h);
}

static int answer_late(struct host *h, void *arg, struct err *e)
{
	struct slow *slow = arg;
	(void)h, (void)e;
	WAIT_UNTIL(slow->may_return);
	return 1;
}

static int answer_now(struct host *h, void *arg, struct err *e)
{
	(void)h, (void)arg, (void)e;
	return 2;
}

static void a_late_reply_answers_no_later_call(void **state)
{
	struct host *h;
	struct err e = {0};
	struct lab *lab = open_or_skip(&in_place, &h);
	struct slow *slow = lab_alloc(lab, sizeof(*slow), &e);
	assert_non_null(slow);
	for (int late = 1; late <= 3; late++) {
		slow->may_return = false;
		lab_set_patience(lab, 20);
		for (int i = 0; i < late; i++)
			assert_int_equal(lab_call(lab, LAB_SERVER, answer_late, slow, &e),
					 -ETIMEDOUT);
		lab_set_patience(lab, WITHIN_MS);
		slow->may_return = true;
		assert_int_equal(lab_call(lab, LAB_SERVER, answer_now, NULL, &e), 2);
	}
	lab_close(lab);
	host_close(h);
}

/* In another process, while this one waits. */
static pid_t let_return_soon(struct slow *slow)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		clock_sleep_ms(100);
		slow->may_return = true;
		_exit(0);
	}
	return pid;
}

/* lab_knob_get() and lab_knob_set() of a host share memory. */
static void a_late_call_does_not_change_what_is_set(void **state)
{
	static const char name[] = "net.ipv4.tcp_max_syn_backlog";
	struct host *h;
	struct err e = {0};
	char value[KNOB_VALUE];
	struct lab *lab = open_or_skip(&veth, &h);
	struct slow *slow = lab_alloc(lab, sizeof(*slow), &e);
	assert_non_null(slow);
	lab_set_patience(lab, 20);
	assert_int_equal(lab_call(lab, LAB_CLIENT, answer_late, slow, &e), -ETIMEDOUT);
	assert_int_equal(lab_knob_get(lab, LAB_CLIENT, name, value, sizeof(value), &e), -ETIMEDOUT);
	lab_set_patience(lab, WITHIN_MS);
	pid_t pid = let_return_soon(slow);
	assert_int_equal(lab_knob_set(lab, LAB_CLIENT, name, "99", &e), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(lab_knob_get(lab, LAB_CLIENT, name, value, sizeof(value), &e), 0);
	assert_string_equal(value, "99");
	lab_close(lab);
	host_close(h);
}

/* Leaves the agent no descriptor below its limit, or (with an argument) restores the limit. */
static int exhaust_descriptors(struct host *h, void *arg, struct err *e)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return err_errno(e, "getrlimit");
	int lowest_free = dup(0);
	if (lowest_free >= 0)
		close(lowest_free);
	limit.rlim_cur = arg ? limit.rlim_max : (rlim_t)lowest_free;
	return setrlimit(RLIMIT_NOFILE, &limit) ? err_errno(e, "setrlimit") : 0;
}

static void an_agent_without_descriptors_starts_no_task(void **state)
{
	struct host *h;
	struct err e = {0};
	struct task t = {0};
	struct lab *lab = open_or_skip(&in_place, &h);
	char *word = lab_alloc(lab, 64, &e);
	assert_int_equal(lab_call(lab, LAB_SERVER, exhaust_descriptors, NULL, &e), 0);
	assert_int_equal(shout_start(&t, lab, LAB_SERVER, word, &e), -EMFILE);
	assert_int_equal(lab_call(lab, LAB_SERVER, exhaust_descriptors, lab, &e), 0);
	assert_int_equal(shout_start(&t, lab, LAB_SERVER, word, &e), 0);
	assert_int_equal(task_await(&t, NULL, 0, WITHIN_MS, &e), 0);
	task_end(&t);
	lab_close(lab);
	host_close(h);
}

static void a_full_arena_is_reported(void **state)
{
	struct host *h;
	struct err e = {0};
	struct lab *lab = open_or_skip(&in_place, &h);
	size_t mark = lab_mark(lab);
	char *first = lab_alloc(lab, 100, &e);
	assert_non_null(first);
	first[0] = 'x';
	assert_null(lab_alloc(lab, LAB_ARENA, &e));
	assert_int_equal(e.code, ENOMEM);
	assert_null(lab_alloc(lab, SIZE_MAX, &e));
	lab_release(lab, mark);
	char *again = lab_alloc(lab, 100, &e);
	assert_ptr_equal(again, first);
	assert_int_equal(again[0], 0);
	lab_close(lab);
	host_close(h);
}

/* Objects of the host that a task might reach, created before the lab. */
struct bait {
	int harm;
	char directory[64];
	int memory; /* a System V shared memory segment */
};

/* Tries to reach global knobs, files and other processes from a task. */
static int try_to_write(struct host *h, void *arg, struct err *e)
{
	struct bait *bait = arg;
	static const char *const global[] = {"proc/sys/fs/file-max", "proc/sys/kernel/core_pattern",
					     "proc/sys/vm/overcommit_memory"};
	static const char *const files[] = {"/sys/kernel/mm/transparent_hugepage/enabled",
					    "/dev/kmsg",
					    "/dev/mem",
					    "/dev/vda",
					    "/dev/console",
					    "/etc/passwd",
					    "/proc/1/root/etc/passwd"};
	for (size_t i = 0; i < sizeof(global) / sizeof(*global); i++) {
		char value[512];
		if (host_read(h, global[i], value, sizeof(value), e) >= 0 &&
		    !host_write(h, global[i], value, e))
			bait->harm |= 1;
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (open(files[i], O_WRONLY | O_NONBLOCK) >= 0)
			bait->harm |= 2;
	if (!mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL) ||
	    !mount("proc", "/proc", "proc", 0, NULL) || !umount2("/proc/sys", MNT_DETACH))
		bait->harm |= 4;
	if (!unshare(CLONE_NEWNS) || !unshare(CLONE_NEWNET))
		bait->harm |= 8;
	char path[108];
	snprintf(path, sizeof(path), "%s/file", bait->directory);
	if (open(path, O_CREAT | O_WRONLY, 0600) >= 0)
		bait->harm |= 16;
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	snprintf(to.sun_path, sizeof(to.sun_path), "%s/socket", bait->directory);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof(to)))
		bait->harm |= 32;
	if (shmat(bait->memory, NULL, 0) != (void *)-1 || !shmctl(bait->memory, IPC_RMID, NULL))
		bait->harm |= 64;
	return 0;
}

static int bait_lay(struct bait *bait)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	strcpy(bait->directory, "/tmp/epolltune-test-XXXXXX");
	bait->memory = shmget(IPC_PRIVATE, 4096, 0600);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bait->memory < 0 || fd < 0 || !mkdtemp(bait->directory))
		return -1;
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/socket", bait->directory);
	return bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 8) ? -1 : 0;
}

static void bait_clear(const struct bait *bait)
{
	char path[108];
	shmctl(bait->memory, IPC_RMID, NULL);
	snprintf(path, sizeof(path), "%s/socket", bait->directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/file", bait->directory);
	unlink(path);
	rmdir(bait->directory);
}

static int check_sealed(void)
{
	struct err e = {0};
	struct host *h;
	struct lab *lab;
	struct bait laid = {0};
	if (bait_lay(&laid))
		return 126;
	if (host_open(&h, "/", &e) || lab_open(&lab, &veth, h, &e)) {
		bait_clear(&laid);
		fprintf(stderr, "%s\n", e.text);
		return 77;
	}
	struct bait *bait = lab_alloc(lab, sizeof(*bait), &e);
	*bait = laid;
	if (lab_call(lab, LAB_SERVER, try_to_write, bait, &e) ||
	    lab_call(lab, LAB_CLIENT, try_to_write, bait, &e))
		bait->harm |= 127;
	int seen = bait->harm;
	lab_close(lab);
	host_close(h);
	/* The memory segment must still exist. */
	if (shmctl(laid.memory, IPC_STAT, &(struct shmid_ds){0}))
		seen |= 64;
	bait_clear(&laid);
	return seen;
}

/* As the user nobody. */
static int check_sealed_unprivileged(void)
{
	/* After a change of ids /proc/self belongs to root until exec or PR_SET_DUMPABLE. */
	if (!geteuid() && (setgid(65534) || setuid(65534) || prctl(PR_SET_DUMPABLE, 1)))
		return 78;
	return check_sealed();
}

static bool own_text(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);
	bool written = fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value);
	close(fd);
	return written;
}

/* As root of a user namespace, like unshare -Urn. */
static int check_sealed_as_false_root(void)
{
	char uid[32], gid[32];
	snprintf(uid, sizeof(uid), "0 %u 1", geteuid());
	snprintf(gid, sizeof(gid), "0 %u 1", getegid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) || !own_text("/proc/self/setgroups", "deny") ||
	    !own_text("/proc/self/uid_map", uid) || !own_text("/proc/self/gid_map", gid))
		return 77;
	return check_sealed();
}

static void sealed_or_skip(int (*body)(void))
{
	int status = in_child(body);
	if (status == 77)
		skip_because("no lab is available here");
	assert_int_equal(status, 0);
}

static void a_lab_cannot_write_the_host(void **state) { sealed_or_skip(check_sealed); }

static void an_unprivileged_lab_cannot_write_the_host(void **state)
{
	sealed_or_skip(check_sealed_unprivileged);
}

static void a_lab_in_a_user_namespace_cannot_write_the_host(void **state)
{
	sealed_or_skip(check_sealed_as_false_root);
}

static const struct {
	const char *name, *value;
} copies[] = {
	{"net.core.somaxconn", "37"},
	{"net.ipv4.tcp_rmem", "4096 111111 222222"},
	{"net.ipv4.tcp_syncookies", "0"},
	{"net.ipv4.tcp_max_syn_backlog", "77"},
	{"net.ipv4.ip_local_port_range", "40000 40099"},
	{"net.ipv4.tcp_abort_on_overflow", "1"},
};

static int check_copied(void)
{
	struct err e = {0};
	struct host *h;
	struct lab *lab;
	char value[KNOB_VALUE];
	if (unshare(geteuid() ? CLONE_NEWUSER | CLONE_NEWNET : CLONE_NEWNET))
		return 77;
	if (host_open(&h, "/", &e))
		return 2;
	for (size_t i = 0; i < sizeof(copies) / sizeof(*copies); i++) {
		int rc = knob_write(knob_find(copies[i].name), h, copies[i].value, &e);
		if (rc == -ENOENT) /* unprivileged before 6.11 */
			return 77;
		if (rc)
			return 3;
	}
	struct lab_options options = veth;
	options.files = true; /* otherwise the server's ports and queue are wide */
	if (lab_open(&lab, &options, h, &e))
		return 77;
	int differ = 0;
	for (int where = LAB_SERVER; where <= LAB_CLIENT; where++)
		for (size_t i = 0; i < sizeof(copies) / sizeof(*copies); i++)
			if (lab_knob_get(lab, (enum lab_host)where, copies[i].name, value,
					 sizeof(value), &e) ||
			    strcmp(value, copies[i].value)) {
				fprintf(stderr, "%s is %s\n", copies[i].name, value);
				differ = 4;
			}
	if (lab_uncopied(lab)[0])
		differ = 5;
	/* A knob set in the lab does not change the host. */
	if (lab_knob_set(lab, LAB_SERVER, "net.core.somaxconn", "99", &e) ||
	    lab_knob_get(lab, LAB_SERVER, "net.core.somaxconn", value, sizeof(value), &e) ||
	    strcmp(value, "99") || knob_read(knob_find("net.core.somaxconn"), h, value, &e) ||
	    strcmp(value, "37"))
		differ = 6;
	lab_close(lab);
	host_close(h);
	return differ;
}

static void a_lab_has_the_callers_knobs(void **state)
{
	int status = in_child(check_copied);
	if (status == 77)
		skip_because("no network namespace is available here");
	assert_int_equal(status, 0);
}

static void an_in_place_lab_sets_no_knob(void **state)
{
	struct host *h;
	struct err e = {0};
	struct lab *lab = open_or_skip(&in_place, &h);
	assert_false(lab_private(lab));
	assert_int_equal(lab_knob_set(lab, LAB_SERVER, "net.core.somaxconn", "4096", &e), -EROFS);
	lab_close(lab);
	host_close(h);
}

/* Descendants of `pid`, from /proc/PID/task/PID/children. */
static size_t descendants(pid_t pid, pid_t *out, size_t max)
{
	char path[64], text[4096] = "";
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	FILE *f = fopen(path, "r");
	if (!f)
		return 0;
	size_t length = fread(text, 1, sizeof(text) - 1, f), count = 0;
	fclose(f);
	text[length] = 0;
	char *at = text, *end;
	for (long child; (child = strtol(at, &end, 10)) > 0 && count < max; at = end) {
		out[count++] = (pid_t)child;
		count += descendants((pid_t)child, out + count, max - count);
	}
	return count;
}

static size_t left_of(const pid_t *pids, size_t count)
{
	size_t left = 0;
	for (size_t k = 0; k < count; k++)
		left += !kill(pids[k], 0);
	return left;
}

static void assert_all_end(const pid_t *pids, size_t count)
{
	WAIT_UNTIL(left_of(pids, count) == 0);
	assert_int_equal(left_of(pids, count), 0);
}

/* Opens a lab with a task on each host, writes a byte and waits for a signal. */
static void hold_a_lab(int tell, const struct lab_options *options)
{
	struct err e = {0};
	struct host *h;
	struct lab *lab;
	struct task a, b;
	if (host_open(&h, "/", &e) || lab_open(&lab, options, h, &e))
		_exit(77);
	char *word = lab_alloc(lab, 128, &e);
	if (shout_start(&a, lab, LAB_SERVER, word, &e) ||
	    shout_start(&b, lab, LAB_CLIENT, word + 64, &e))
		_exit(1);
	if (write(tell, "x", 1) != 1)
		_exit(1);
	pause();
	_exit(0);
}

static void killed_lab_leaves_no_process(const struct lab_options *options)
{
	int tell[2], status;
	char word;
	assert_int_equal(pipe(tell), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(tell[0]);
		hold_a_lab(tell[1], options);
	}
	close(tell[1]);
	if (read(tell[0], &word, 1) != 1) {
		close(tell[0]);
		waitpid(pid, &status, 0);
		skip_because("no lab is available here");
	}
	close(tell[0]);
	pid_t pids[64];
	size_t count = descendants(pid, pids, 64);
	assert_true(count >= 4); /* two hosts, two tasks */
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_all_end(pids, count);
}

static void a_killed_lab_leaves_no_process(void **state) { killed_lab_leaves_no_process(&veth); }

static void a_killed_in_place_lab_leaves_no_process(void **state)
{
	killed_lab_leaves_no_process(&in_place);
}

static void closing_a_lab_kills_busy_tasks(void **state)
{
	struct host *h;
	struct err e = {0};
	struct task t;
	pid_t pids[64];
	struct lab *lab = open_or_skip(&veth, &h);
	char *word = lab_alloc(lab, 64, &e);
	assert_int_equal(shout_start(&t, lab, LAB_CLIENT, word, &e), 0);
	size_t count = descendants(getpid(), pids, 64);
	assert_true(count >= 3);
	lab_close(lab); /* the channel stays open */
	assert_all_end(pids, count);
	task_end(&t);
	host_close(h);
}

static int check_refused(void)
{
	struct err e = {0};
	struct host *h;
	struct lab *lab;
	if (unshare(CLONE_NEWUSER))
		return 77;
	if (host_open(&h, "/", &e))
		return 2;
	if (host_write(h, "proc/sys/user/max_net_namespaces", "0", &e))
		return 77;
	int rc = lab_open(&lab, &veth, h, &e);
	if (rc != -EPERM || !strstr(e.text, "user.max_user_namespaces"))
		return 3;
	rc = lab_open(&lab, &in_place, h, &e);
	if (!rc)
		lab_close(lab);
	host_close(h);
	return rc ? 4 : 0;
}

static void refused_namespaces_say_what_to_allow(void **state)
{
	int status = in_child(check_refused);
	if (status == 77)
		skip_because("no user namespace is available here");
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_task_answers_and_shares_memory),
		cmocka_unit_test(a_killed_task_is_reported),
		cmocka_unit_test(a_task_without_a_lab_says_how_it_exited),
		cmocka_unit_test(a_late_answer_is_dropped),
		cmocka_unit_test(a_call_returns_the_error),
		cmocka_unit_test(a_late_reply_answers_no_later_call),
		cmocka_unit_test(a_late_call_does_not_change_what_is_set),
		cmocka_unit_test(an_agent_without_descriptors_starts_no_task),
		cmocka_unit_test(a_full_arena_is_reported),
		cmocka_unit_test(a_lab_cannot_write_the_host),
		cmocka_unit_test(an_unprivileged_lab_cannot_write_the_host),
		cmocka_unit_test(a_lab_in_a_user_namespace_cannot_write_the_host),
		cmocka_unit_test(a_lab_has_the_callers_knobs),
		cmocka_unit_test(an_in_place_lab_sets_no_knob),
		cmocka_unit_test(a_killed_lab_leaves_no_process),
		cmocka_unit_test(a_killed_in_place_lab_leaves_no_process),
		cmocka_unit_test(closing_a_lab_kills_busy_tasks),
		cmocka_unit_test(refused_namespaces_say_what_to_allow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
