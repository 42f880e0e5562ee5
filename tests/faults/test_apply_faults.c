/* apply, rollback and confirm, killed at every system call that has an effect, and with each of
 * them failing: `rollback` then restores every knob and file, to the byte.
 *
 * Runs in user, network, mount and PID namespaces, with file systems of its own at /etc/sysctl.d
 * and /var/lib. Each call fails by one of several errors, with FAULTS=all by each of them. */
#include "../support/support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static char base[64];

static const struct {
	const char *name, *file, *original, *wanted;
} knobs[] = {
	{"net.core.somaxconn", "/proc/sys/net/core/somaxconn", "16", "2048"},
	{"net.ipv4.tcp_rmem", "/proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t262144",
	 "4096 131072 8388608"},
	{"net.ipv4.ip_local_port_range", "/proc/sys/net/ipv4/ip_local_port_range", "40000\t40099",
	 "1024 65535"},
};
#define KNOBS (sizeof(knobs) / sizeof(*knobs))

/* In /etc/sysctl.d before the test: a file of the administrator, and one of ours. */
static const char other_file[] = "/etc/sysctl.d/99-other.conf", other_text[] = "vm.swappiness=1\n";
static const char our_file[] = "/etc/sysctl.d/90-epolltune.conf";
static const char our_text[] = "# Written by epolltune, another day\n"
			       "# run 0, then, bob: why\nnet.ipv4.tcp_rmem = 4096 131072 300000\n"
			       "\n# by hand\nvm.overcommit_memory = 0\n";

/* The namespaces */

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return good;
}

static char *get(const char *path, char text[4096])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, 4095);
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return NULL;
	text[n] = 0;
	return text;
}

/* In memory: syncs of a real disk would take minutes. */
static void mount_own(const char *over)
{
	if (mount("tmpfs", over, "tmpfs", 0, "mode=755") < 0)
		_exit(77);
}

/* Runs the tests in namespaces; 77: not available here. */
static int in_namespaces(int (*all_tests)(void))
{
	char map[64];
	pid_t pid = fork();
	if (pid == 0) {
		unsigned uid = geteuid(), gid = getegid();
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID) < 0)
			_exit(77);
		put("/proc/self/setgroups", "deny");
		snprintf(map, sizeof(map), "0 %u 1", uid);
		put("/proc/self/uid_map", map);
		snprintf(map, sizeof(map), "0 %u 1", gid);
		put("/proc/self/gid_map", map);
		pid_t init = fork();
		if (init == 0) {
			if (mount("proc", "/proc", "proc", 0, NULL) < 0 ||
			    access(knobs[0].file, W_OK) < 0)
				_exit(77);
			mount_own("/etc/sysctl.d");
			mount_own("/var/lib");
			mount_own("/run");
			/* A machine, not a container whose files nothing reads at boot. */
			if (mkdir("/run/systemd", 0755) < 0 ||
			    mkdir("/run/systemd/system", 0755) < 0)
				_exit(77);
			_exit(all_tests());
		}
		int status = 0;
		waitpid(init, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
	}
	int status = 0;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

static void reset(void)
{
	struct output o = run("rm -rf /var/lib/epolltune /etc/sysctl.d/.[!.]* /etc/sysctl.d/*");
	assert_int_equal(o.status, 0);
	output_free(&o);
	for (size_t i = 0; i < KNOBS; i++)
		assert_true(put(knobs[i].file, knobs[i].original));
	assert_true(put(other_file, other_text));
	assert_true(put(our_file, our_text));
}

/* What differs from the state that reset() made; NULL: nothing. */
static const char *difference(void)
{
	static char why[8400];
	char text[4096];
	for (size_t i = 0; i < KNOBS; i++) {
		get(knobs[i].file, text);
		text[strcspn(text, "\n")] = 0;
		if (strcmp(text, knobs[i].original) != 0) {
			snprintf(why, sizeof(why), "%s is %s", knobs[i].name, text);
			return why;
		}
	}
	if (!get(other_file, text) || strcmp(text, other_text) != 0)
		return "99-other.conf differs";
	if (!get(our_file, text) || strcmp(text, our_text) != 0) {
		snprintf(why, sizeof(why), "90-epolltune.conf differs: %s", text);
		return why;
	}
	int files = 0;
	DIR *d = opendir("/etc/sysctl.d");
	assert_non_null(d);
	while (readdir(d))
		files++;
	closedir(d);
	return files == 4 ? NULL : "a file is left in /etc/sysctl.d";
}

/* Tracing */

enum fault {
	KILL_BEFORE, /* SIGKILL before the call */
	KILL_AFTER,
	FAIL,      /* returns the errno and does nothing */
	FAIL_LATE, /* does its work and returns the errno */
	FAIL_ON,   /* from that call on all fail, except those on /proc */
	COUNT,     /* only counts the calls */
};

static bool creates(uint64_t flags) { return flags & (O_CREAT | O_TRUNC); }

/* Whether a call changes anything that survives the process; not standard output and error. */
static bool has_effect(const struct __ptrace_syscall_info *s)
{
	switch (s->entry.nr) {
	case SYS_write:
	case SYS_pwrite64:
	case SYS_writev:
		return s->entry.args[0] > 2;
	case SYS_openat:
		return creates(s->entry.args[2]);
	case SYS_fsync:
	case SYS_fdatasync:
	case SYS_ftruncate:
	case SYS_fchmod:
	case SYS_fchown:
	case SYS_flock:
	case SYS_mkdirat:
	case SYS_unlinkat:
	case SYS_renameat:
	case SYS_renameat2:
	case SYS_linkat:
#ifdef __x86_64__
	case SYS_open:
	case SYS_creat:
	case SYS_mkdir:
	case SYS_unlink:
	case SYS_rename:
	case SYS_link:
	case SYS_truncate:
	case SYS_chmod:
#endif
		return true;
	}
	return false;
}

/* A knob of the kernel, as opposed to a file on a disk. */
static bool on_proc(pid_t pid, const struct __ptrace_syscall_info *s)
{
	char link[64], path[256];
	if (s->entry.nr != SYS_write)
		return false;
	snprintf(link, sizeof(link), "/proc/%d/fd/%llu", pid, (unsigned long long)s->entry.args[0]);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	return n > 6 && strncmp(path, "/proc/", 6) == 0;
}

static void set_registers(pid_t pid, bool skip, bool answer, int error)
{
#ifdef __x86_64__
	struct user_regs_struct r;
	assert_int_equal(ptrace(PTRACE_GETREGS, pid, NULL, &r), 0);
	if (skip)
		r.orig_rax = (unsigned long long)-1;
	if (answer)
		r.rax = (unsigned long long)-error;
	assert_int_equal(ptrace(PTRACE_SETREGS, pid, NULL, &r), 0);
#else
	(void)pid, (void)skip, (void)answer, (void)error;
#endif
}

struct traced {
	int status;     /* exit status, 128 + signal, or -1: killed by us */
	size_t calls;   /* with an effect */
	size_t records; /* writes to the journal */
	size_t early;   /* other writes, or the end, before such a record was synced */
	bool unsynced;
};

/* A record of the journal must be on the disk before the next step is made. */
static void count_early(struct traced *t, pid_t pid, const struct __ptrace_syscall_info *s)
{
	static const char name[] = "/journal.jsonl";
	char link[64], path[256] = "";
	bool writes = s->entry.nr == SYS_write, syncs = s->entry.nr == SYS_fsync;
	snprintf(link, sizeof(link), "/proc/%d/fd/%llu", pid, (unsigned long long)s->entry.args[0]);
	ssize_t n = writes || syncs ? readlink(link, path, sizeof(path) - 1) : 0;
	bool journal = n > (ssize_t)strlen(name) && !strcmp(path + n - strlen(name), name);
	if (journal && syncs) {
		t->unsynced = false;
		return;
	}
	t->early += t->unsynced;
	t->unsynced = journal && writes;
	t->records += journal && writes;
}

static pid_t start(char *const argv[])
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execv(getenv("PROGRAM"), argv);
		_exit(127);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(
		ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
	return pid;
}

/* Runs the program with the fault at call number `at`. */
static struct traced trace(char *const argv[], enum fault fault, size_t at, int error)
{
	struct traced t = {0};
	pid_t pid = start(argv);
	bool answering = false;
	int signal = 0, status;
	for (;;) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, signal), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		signal = 0;
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			t.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			t.early += t.unsynced;
			return t;
		}
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			signal = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
			continue;
		}
		struct __ptrace_syscall_info s;
		assert_true(ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(s), &s) > 0);
		if (s.op == PTRACE_SYSCALL_INFO_EXIT && answering) {
			if (fault == KILL_AFTER)
				break;
			set_registers(pid, false, true, error);
			answering = false;
		}
		if (s.op != PTRACE_SYSCALL_INFO_ENTRY || !has_effect(&s))
			continue;
		count_early(&t, pid, &s);
		size_t call = t.calls++;
		bool hit = fault == FAIL_ON ? call >= at && !on_proc(pid, &s) : call == at;
		if (!hit || fault == COUNT)
			continue;
		if (fault == KILL_BEFORE)
			break;
		if (fault == FAIL || fault == FAIL_ON)
			set_registers(pid, true, false, error);
		answering = true;
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	t.status = -1;
	return t;
}

/* Commands */

static char set_option[512] = "net.core.somaxconn=2048,net.ipv4.tcp_rmem=4096 131072 8388608,"
			      "net.ipv4.ip_local_port_range=1024 65535";
static char report_path[96];

#define APPLY                                                                                      \
	"epolltune", "apply", "--from", report_path, "--no-proof", "--yes", "--set", set_option
static char *const apply[] = {APPLY, "--persist", NULL};
static char *const apply_confirm[] = {APPLY, "--confirm", "60s", NULL};
static char *const roll_back[] = {"epolltune", "rollback", NULL};
static char *const confirm[] = {"epolltune", "confirm", "--persist", NULL};

static void write_report(void)
{
	char boot[4096], text[1024];
	assert_non_null(get("/proc/sys/kernel/random/boot_id", boot));
	boot[strcspn(boot, "\n")] = 0;
	snprintf(report_path, sizeof(report_path), "%s/report.json", base);
	snprintf(text, sizeof(text),
		 "{\"schema\":\"epolltune.report/1\",\"time\":\"2026-01-01T00:00:00Z\",\"host\":"
		 "{\"boot\":\"%.36s\",\"isolation\":\"lab\"},\"target\":{\"role\":\"server\","
		 "\"connections\":1000,\"rate_per_s\":1000,\"stall_us\":100000,"
		 "\"rtt_us\":50000,\"bandwidth_bps\":1000000},\"walls\":[],\"findings\":[]}",
		 boot);
	assert_true(put(report_path, text));
}

/* Every command reports a run that is unfinished or waits. */
static void is_reported(void)
{
	struct output o = run("\"$PROGRAM\" history"), v = run("\"$PROGRAM\" version");
	bool open = strstr(o.out, "unfinished") || strstr(o.out, "waiting");
	bool reported =
		strstr(v.errors, "epolltune rollback") || strstr(v.errors, "epolltune confirm");
	if (open != reported)
		fail_msg("history:\n%sversion says:\n%s", o.out, v.errors);
	output_free(&o);
	output_free(&v);
}

/* One `rollback` restores everything, and a second one has nothing to do. */
static void rollback_restores_all(const char *what, size_t at)
{
	struct output o = run("\"$PROGRAM\" rollback; s=$?; \"$PROGRAM\" rollback; exit $s");
	const char *why = difference(), *last = "Nothing to roll back.\n";
	size_t length = strlen(o.out);
	bool done = length >= strlen(last) && !strcmp(o.out + length - strlen(last), last);
	if (o.status || why || !done)
		fail_msg("%s at call %zu: rollback %d, %s\n%s%s", what, at, o.status,
			 why ? why : "", o.out, o.errors);
	output_free(&o);
}

/* `watched`: there is a watchdog. */
static size_t killed_everywhere(const char *what, char *const argv[], void (*prepare)(void),
				bool watched)
{
	size_t good = 0;
	reset();
	prepare();
	size_t calls = trace(argv, COUNT, 0, 0).calls;
	assert_true(calls > 10);
	reset();
	for (size_t at = 0; at < calls; at++)
		for (enum fault f = KILL_BEFORE; f <= KILL_AFTER; f++) {
			/* Then all is as before the next call, unless a process was started or
			 * ended in between. */
			if (f == KILL_AFTER && !watched && at + 1 < calls)
				continue;
			reset();
			prepare();
			struct traced t = trace(argv, f, at, 0);
			assert_int_equal(t.status, -1);
			is_reported();
			rollback_restores_all(what, at);
			good++;
		}
	print_message("%s killed before and after each of %zu calls: %zu restored\n", what, calls,
		      good);
	return good;
}

static void nothing(void) {}
static void applied(void) { assert_int_equal(trace(apply, COUNT, 0, 0).status, 0); }
static void waiting(void) { assert_int_equal(trace(apply_confirm, COUNT, 0, 0).status, 0); }

static void synced(const char *what, char *const argv[])
{
	struct traced t = trace(argv, COUNT, 0, 0);
	if (t.status != 0 || t.records < 3 || t.early)
		fail_msg("%s: status %d, %zu records, %zu steps before a record was synced", what,
			 t.status, t.records, t.early);
}

/* Each record is synced before the next step: a crash of the machine loses no acknowledged one. */
static void records_are_synced(void **state)
{
	reset();
	synced("apply", apply);
	synced("rollback", roll_back);
	synced("apply --confirm", apply_confirm);
	synced("confirm", confirm);
	synced("rollback", roll_back);
}

static void apply_is_killed(void **state)
{
	killed_everywhere("apply --persist", apply, nothing, false);
}

static void rollback_is_killed(void **state)
{
	killed_everywhere("rollback", roll_back, applied, false);
}

static void confirm_is_killed(void **state)
{
	killed_everywhere("confirm --persist", confirm, waiting, true);
}

static void apply_confirm_is_killed(void **state)
{
	killed_everywhere("apply --confirm", apply_confirm, nothing, true);
}

/* Whether this error of `count` is tried at this call: a different one at each, or all. */
static bool error_is_tried(size_t at, size_t i, size_t count)
{
	const char *asked = getenv("FAULTS");
	return (asked && !strcmp(asked, "all")) || at % count == i;
}

static bool wanted_is_set(void)
{
	char text[4096];
	get(knobs[0].file, text);
	return strcmp(text, "2048\n") == 0;
}

static void apply_meets_errors(void **state)
{
	static const int errors[] = {ENOSPC, EROFS, EIO, EINTR};
	size_t good = 0, reverted = 0, done = 0;
#ifndef __x86_64__
	skip_because("setting registers is written for x86_64");
#endif
	reset();
	size_t calls = trace(apply, COUNT, 0, 0).calls;
	assert_true(calls > 10);
	for (size_t at = 0; at < calls; at++)
		for (size_t i = 0; i < 5; i++) {
			if (!error_is_tried(at, i, 5))
				continue;
			/* EINTR means that nothing was done; other errors may come late. */
			enum fault f = i < 4 ? FAIL : FAIL_LATE;
			int error = i < 4 ? errors[i] : EIO;
			reset();
			struct traced t = trace(apply, f, at, error);
			const char *why = difference();
			if (t.status == 0 ? !why || !wanted_is_set() : why != NULL)
				fail_msg("%s at call %zu%s: status %d, %s", strerror(error), at,
					 f == FAIL_LATE ? ", late" : "", t.status,
					 why ? why : "all as before");
			assert_true(t.status == 0 || t.status == 2 || t.status == 3);
			reverted += t.status != 0;
			done += t.status == 0;
			rollback_restores_all(strerror(error), at);
			good++;
		}
	print_message("%zu calls failed by ENOSPC, EROFS, EIO, EINTR, or EIO late: %zu runs, all "
		      "whole (%zu reverted, %zu done)\n",
		      calls, good, reverted, done);
}

/* The disk is full from some call on: values are restored at once, files when there is room. */
static void the_disk_is_full(void **state)
{
#ifndef __x86_64__
	skip_because("setting registers is written for x86_64");
#endif
	reset();
	size_t calls = trace(apply, COUNT, 0, 0).calls, good = 0;
	assert_true(calls > 10);
	for (size_t at = 0; at < calls; at++) {
		reset();
		struct traced t = trace(apply, FAIL_ON, at, ENOSPC);
		assert_true(t.status == 2 || t.status == 3);
		if (wanted_is_set())
			fail_msg("disk full from call %zu on: the values stay", at);
		rollback_restores_all("full disk", at);
		good++;
	}
	print_message("disk full from each of %zu calls on: %zu of %zu back\n", calls, good, calls);
}

static void rollback_meets_errors(void **state)
{
	static const int errors[] = {ENOSPC, EIO, EINTR};
#ifndef __x86_64__
	skip_because("setting registers is written for x86_64");
#endif
	reset();
	applied();
	size_t calls = trace(roll_back, COUNT, 0, 0).calls, good = 0;
	for (size_t at = 0; at < calls; at++)
		for (size_t i = 0; i < 3; i++) {
			if (!error_is_tried(at, i, 3))
				continue;
			reset();
			applied();
			struct traced t = trace(roll_back, FAIL, at, errors[i]);
			assert_true(t.status == 0 || t.status == 2 || t.status == 3);
			if (t.status == 0 && difference())
				fail_msg("%s at call %zu of rollback: %s", strerror(errors[i]), at,
					 difference());
			rollback_restores_all("rollback with an error", at);
			good++;
		}
	print_message("%zu calls of rollback failed by ENOSPC, EIO or EINTR: %zu runs, all whole\n",
		      calls, good);
}

static int all_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_synced),      cmocka_unit_test(apply_is_killed),
		cmocka_unit_test(rollback_is_killed),      cmocka_unit_test(confirm_is_killed),
		cmocka_unit_test(apply_confirm_is_killed), cmocka_unit_test(apply_meets_errors),
		cmocka_unit_test(the_disk_is_full),        cmocka_unit_test(rollback_meets_errors),
	};
	write_report();
	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

static void no_namespaces(void **state)
{
	skip_because("no private user, network and mount namespaces with net.core");
}

int main(void)
{
	strcpy(base, "/tmp/epolltune-faults-XXXXXX");
	if (!mkdtemp(base))
		return 1;
	/* LeakSanitizer does not work in a traced process. */
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	fflush(NULL);
	int status = in_namespaces(all_tests);
	if (status == 77) {
		const struct CMUnitTest tests[] = {cmocka_unit_test(no_namespaces)};
		status = cmocka_run_group_tests(tests, NULL, NULL);
	}
	struct output o = run("rm -rf '%s'", base);
	output_free(&o);
	return status;
}
