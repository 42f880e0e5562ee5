/* What a process can and cannot do after confine_to_reading(). */
#include "../support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/compat.h"
#include "host/confine.h"

static char file[] = "/tmp/epolltune-confine-XXXXXX";

static long socket_make(void) { return socket(AF_INET, SOCK_STREAM, 0); }
static long socket_local(void) { return socket(AF_UNIX, SOCK_STREAM, 0); }
static long program_start(void) { return execl("/bin/true", "true", NULL); }
static long file_open(void) { return open(file, O_WRONLY); }
static long file_both(void) { return open(file, O_RDWR | O_CLOEXEC); }
static long file_make(void) { return open("/tmp/epolltune-confine.new", O_RDONLY | O_CREAT, 0600); }
static long file_remove(void) { return unlink(file); }
static long file_rename(void) { return rename(file, "/tmp/epolltune-confine.other"); }
static long file_mode(void) { return chmod(file, 0777); }
static long file_link(void) { return symlink(file, "/tmp/epolltune-confine.link"); }
static long namespace_make(void) { return unshare(CLONE_NEWUSER); }
static long namespace_clone(void) { return raw_clone(CLONE_NEWUSER); }
static long terminal_type(void) { return ioctl(0, TIOCSTI, "x"); }
static long file_mode_at(void) { return syscall(452, AT_FDCWD, file, 0777, 0); }
static long bpf_load(void) { return syscall(SYS_bpf, 0, NULL, 0); }
static long ring_make(void) { return syscall(425, 1, NULL); }
static long tree_open(void)
{
	struct open_how how = {.flags = O_RDONLY};
	return syscall(__NR_openat2, AT_FDCWD, file, &how, sizeof(how));
}

static const struct {
	const char *name;
	long (*call)(void);
} refused[] = {
	{"socket", socket_make},
	{"local socket", socket_local},
	{"execve", program_start},
	{"open to write", file_open},
	{"open to read and write", file_both},
	{"create", file_make},
	{"unlink", file_remove},
	{"rename", file_rename},
	{"chmod", file_mode},
	{"symlink", file_link},
	{"unshare", namespace_make},
	{"clone", namespace_clone},
	{"TIOCSTI", terminal_type},
	{"fchmodat2", file_mode_at},
	{"bpf", bpf_load},
	{"io_uring", ring_make},
	{"openat2", tree_open},
};

static long tree_write(void)
{
	struct open_how how = {.flags = O_WRONLY};
	return syscall(__NR_openat2, AT_FDCWD, file, &how, sizeof(how));
}
static long tree_make(void)
{
	struct open_how how = {.flags = O_RDONLY | O_CREAT, .mode = 0600};
	return syscall(__NR_openat2, AT_FDCWD, "/tmp/epolltune-confine.new", &how, sizeof(how));
}

/* Reads, allocates, has children and writes to what is open. */
static bool can_work(void)
{
	char text[8];
	int fd = open(file, O_RDONLY | O_CLOEXEC), memory = memfd_create("a", MFD_CLOEXEC), status;
	pid_t child = fork();
	if (child == 0)
		_exit(7);
	return fd >= 0 && read(fd, text, sizeof(text)) == 5 && memory >= 0 &&
	       write(memory, text, 5) == 5 && waitpid(child, &status, 0) == child &&
	       WEXITSTATUS(status) == 7;
}

static bool status_has(const char *line)
{
	char text[4096];
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	return strstr(text, line);
}

/* Runs in a process of its own, as the filter stays: the number of the first failure, 0: none. */
static int confined(const char *root)
{
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		int means = confine_to_reading(root, NULL);
		if (means < 0)
			_exit(99);
		if (!can_work())
			_exit(100);
		if (!status_has("\nSeccomp:\t2\n") || !status_has("\nNoNewPrivs:\t1\n"))
			_exit(101);
		if (!status_has("\nCapEff:\t0000000000000000\n") &&
		    !status_has("\nCapEff:\t0000000000000004\n"))
			_exit(102);
		for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
			if ((refused[i].call != tree_open || !root) &&
			    (refused[i].call() >= 0 || errno != EPERM))
				_exit((int)i + 1);
		if (root && tree_open() < 0)
			_exit(103);
		/* Without Landlock only the caller keeps openat2() from it. */
		if (root && means & CONFINE_LANDLOCK && (tree_write() >= 0 || tree_make() >= 0))
			_exit(104);
		_exit(0);
	}
	int status = -1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void only_reads(void **state)
{
	int failed = confined(NULL);
	if (failed > 0 && failed <= (int)(sizeof(refused) / sizeof(*refused)))
		fail_msg("%s is not refused", refused[failed - 1].name);
	assert_int_equal(failed, 0);
}

static void a_directory_is_read_by_openat2(void **state) { assert_int_equal(confined("/proc"), 0); }

/* Its child is an ordinary one: it ends with SIGCHLD. */
static void a_raw_clone_forks(void **state)
{
	int status = -1;
	fflush(NULL);
	pid_t pid = (pid_t)raw_clone(0);
	if (pid == 0)
		_exit(7);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_reads),
		cmocka_unit_test(a_directory_is_read_by_openat2),
		cmocka_unit_test(a_raw_clone_forks),
	};
	int fd = mkstemp(file);
	if (fd < 0 || write(fd, "text\n", 5) != 5)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(file);
	return failed;
}
