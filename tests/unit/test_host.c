/* host: what is read below a root, and never outside of it. */
#include "../support/captured.h"
#include "../support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "epolltune/host.h"
#include "host/compat.h"
#include "host/machine.h"

static void put_link(const char *path, const char *target)
{
	char name[512];
	snprintf(name, sizeof(name), "%s/%s", root, path);
	assert_int_equal(symlink(target, name), 0);
}

static void a_root_must_be_a_directory(void **state)
{
	struct err e = {0};
	struct host *h = NULL;
	assert_int_equal(host_open(&h, "/nonexistent", &e), -ENOENT);
	assert_null(h);
	assert_non_null(strstr(e.text, "/nonexistent"));
	assert_int_equal(host_open(&h, "/etc/passwd", &e), -ENODATA);
	assert_true(host_live(live));
	assert_false(host_live(captured));
	assert_int_equal(host_open(&h, "//", &e), 0);
	assert_true(host_live(h));
	host_close(h);
	assert_int_equal(host_open(&h, "/proc/..", &e), 0);
	assert_true(host_live(h));
	host_close(h);
}

static void a_text_file_is_read_whole(void **state)
{
	struct err e = {0};
	char text[8];
	put("seven", "1234567\n");
	put("eight", "12345678\n");
	put("empty", "");
	put("newline", "\n");
	put("two", "a\n\n");
	put_bytes("nul", "12\0004\n", 5);
	assert_int_equal(host_read(captured, "seven", text, sizeof(text), &e), 7);
	assert_string_equal(text, "1234567");
	assert_int_equal(host_read(captured, "eight", text, sizeof(text), &e), -EFBIG);
	assert_int_equal(host_read(captured, "empty", text, sizeof(text), &e), 0);
	assert_string_equal(text, "");
	assert_int_equal(host_read(captured, "newline", text, sizeof(text), &e), 0);
	assert_int_equal(host_read(captured, "two", text, sizeof(text), &e), 2);
	assert_int_equal(host_read(captured, "nul", text, sizeof(text), &e), -EBADMSG);
	assert_int_equal(host_read(captured, "missing", text, sizeof(text), &e), -ENOENT);
	assert_non_null(strstr(e.text, root));
	assert_non_null(strstr(e.text, "missing"));
	assert_int_equal(host_read(captured, "seven/x", text, sizeof(text), &e), -ENOTDIR);
	assert_true(host_has(captured, "empty"));
	assert_false(host_has(captured, "missing"));
	assert_false(host_has(captured, "/etc/passwd"));
}

static void a_frozen_machine_keeps_what_it_has_read(void **state)
{
	struct err e = {0};
	char text[8];
	put("kept", "before\n");
	put("fresh", "before\n");
	put("laid", "the machine's\n");
	assert_int_equal(host_lay(captured, "laid", "another", &e), 0);
	assert_int_equal(host_read(captured, "laid", text, sizeof(text), &e), 7);
	assert_string_equal(text, "another");
	/* Only a frozen one keeps the others. */
	assert_int_equal(host_read(captured, "kept", text, sizeof(text), &e), 6);
	put("kept", "before2\n");
	assert_int_equal(host_read(captured, "kept", text, sizeof(text), &e), 7);
	put("kept", "before\n");
	host_freeze(captured);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(host_read(captured, "kept", text, sizeof(text), &e), 6);
		assert_string_equal(text, "before");
		put("kept", "after\n");
		put("fresh", "after\n");
	}
	assert_int_equal(host_read(captured, "kept", text, 2, &e), -EFBIG);
	assert_int_equal(host_read(captured, "fresh", text, sizeof(text), &e), 5);
	assert_int_equal(host_read(captured, "missing", text, sizeof(text), &e), -ENOENT);
	put("missing", "here\n");
	assert_int_equal(host_read(captured, "missing", text, sizeof(text), &e), 4);
	/* Large files are not kept. */
	static char large[(9 << 20) + 1];
	char *whole = NULL;
	memset(large, 'x', sizeof(large) - 1);
	put("large", large);
	assert_int_equal(host_read_all(captured, "large", &whole, &e), sizeof(large) - 1);
	free(whole);
	put("large", "small\n");
	assert_int_equal(host_read(captured, "large", text, sizeof(text), &e), 5);
}

static void only_regular_files_below_the_root_are_read(void **state)
{
	struct err e = {0};
	char text[8], fifo[128];
	put("proc/x", "1");
	snprintf(fifo, sizeof(fifo), "%s/fifo", root);
	assert_int_equal(mkfifo(fifo, 0644), 0);
	assert_int_equal(host_read(captured, "fifo", text, sizeof(text), &e), -EINVAL);
	assert_int_equal(host_read(captured, "proc", text, sizeof(text), &e), -EISDIR);
	static const char *const paths[] = {"",        "/",         "/etc/passwd",  "..",    "../x",
					    "proc/..", "proc/../x", "proc/../../x", "./../x"};
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		assert_int_equal(host_read(captured, paths[i], text, sizeof(text), &e), -EINVAL);
		assert_int_equal(host_read(live, paths[i], text, sizeof(text), &e), -EINVAL);
	}
	char longest[5000];
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	assert_true(host_read(captured, longest, text, sizeof(text), &e) < 0);
	put("..x", "7");
	assert_int_equal(host_read(captured, "..x", text, sizeof(text), &e), 1);
}

/* Each link would show this machine's /etc/passwd if it could leave the root. */
static void links_cannot_leave_the_root(void **state)
{
	struct err e = {0};
	char text[64];
	put("proc/self/net/netstat", "inside");
	put_link("absolute", "/etc/passwd");
	put_link("relative", "../../../../../../../../etc/passwd");
	put_link("directory", "/etc");
	put_link("magic", "/proc/self/root/etc/passwd");
	put_link("loop", "loop");
	static const char *const out[] = {"absolute", "relative", "directory/passwd", "magic",
					  "loop"};
	for (size_t i = 0; i < sizeof(out) / sizeof(*out); i++) {
		assert_true(host_read(captured, out[i], text, sizeof(text), &e) < 0);
		assert_false(host_has(captured, out[i]));
	}
	/* A capture may keep /proc/net, a link to self/net. */
	put_link("proc/net", "self/net");
	put_link("proc/absolute", "/proc/self/net");
	if (host_read(captured, "proc/net/netstat", text, sizeof(text), &e) == -ENOTDIR)
		skip_because("no openat2(2) here: all links are refused");
	assert_string_equal(text, "inside");
	assert_int_equal(host_read(captured, "proc/absolute/netstat", text, sizeof(text), &e), 6);
}

static bool openat2_refuse(int code)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)code),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {.len = 4, .filter = program};
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

static int read_without_openat2(int code)
{
	struct err e;
	char text[64];
	if (!openat2_refuse(code))
		return 77;
	if (host_read(captured, "proc/self/net/netstat", text, sizeof(text), &e) != 6)
		return 1;
	if (host_read(captured, "proc/net/netstat", text, sizeof(text), &e) >= 0 ||
	    host_read(captured, "absolute", text, sizeof(text), &e) != -ELOOP ||
	    host_read(captured, "directory/passwd", text, sizeof(text), &e) >= 0)
		return 2;
	if (!host_has(captured, "proc/self") || host_has(captured, "proc/other") ||
	    host_has(captured, "absolute"))
		return 3;
	return 0;
}

/* As before 5.6, and where a container's filter refuses openat2(2). */
static void links_are_refused_without_openat2(void **state)
{
	put("proc/self/net/netstat", "inside");
	put_link("proc/net", "self/net");
	put_link("absolute", "/etc/passwd");
	put_link("directory", "/etc");
	static const int codes[] = {ENOSYS, EPERM};
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			_exit(read_without_openat2(codes[i]));
		int status = 0;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == 77)
			skip_because("no seccomp filters here");
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

static void read_all_is_bounded(void **state)
{
	struct err e = {0};
	char name[128], *text = NULL;
	put("huge", "x");
	snprintf(name, sizeof(name), "%s/huge", root);
	assert_int_equal(truncate(name, (off_t)1 << 34), 0); /* 16 GiB, sparse */
	assert_int_equal(host_read_all(captured, "huge", &text, &e), -EFBIG);
	assert_null(text);

	size_t size = 100000;
	char *big = malloc(size);
	assert_non_null(big);
	memset(big, 'x', size);
	put_bytes("big", big, size);
	assert_int_equal(host_read_all(captured, "big", &text, &e), size);
	assert_memory_equal(text, big, size);
	free(text);
	assert_int_equal(host_read_begin(captured, "huge", 70000, &text, &e), 70000);
	free(text);
	assert_int_equal(host_read_begin(captured, "big", 70000, &text, &e), 70000);
	assert_memory_equal(text, big, 70000);
	free(text);
	assert_int_equal(host_read_begin(captured, "big", size, &text, &e), size);
	free(text);
	free(big);
}

static void numbers_are_decimal_and_fit_64_bits(void **state)
{
	struct err e = {0};
	uint64_t n = 0;
	static const struct {
		const char *text;
		int code;
		uint64_t value;
	} rows[] = {
		{"0\n", 0, 0},
		{" 12 \n", 0, 12},
		{"18446744073709551615\n", 0, UINT64_MAX},
		{"18446744073709551616\n", -EBADMSG, 0},
		{"", -EBADMSG, 0},
		{"\n", -EBADMSG, 0},
		{"-1\n", -EBADMSG, 0},
		{"+1\n", -EBADMSG, 0},
		{"1 2\n", -EBADMSG, 0},
		{"12x\n", -EBADMSG, 0},
		{"0x10\n", -EBADMSG, 0},
		{"99999999999999999999999999999999999999999999999999999999999999999999\n", -EBADMSG,
		 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		put("number", rows[i].text);
		int r = host_read_u64(captured, "number", &n, &e);
		if (r != rows[i].code || (r == 0 && n != rows[i].value))
			fail_msg("\"%s\": %d, %llu", rows[i].text, r, (unsigned long long)n);
	}
}

/* What is damaged is unknown, not 0 or the part before the damage. */
static void a_number_is_whole_or_unknown(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
	} rows[] = {
		{"1024\n", 1024},
		{" 7 \n", 7},
		{"-65536\n", -65536},
		{"0\n", 0},
		{"9223372036854775807\n", INT64_MAX},
		{"9223372036854775808\n", REPORT_NONE},
		{"x\n", REPORT_NONE},
		{"", REPORT_NONE},
		{"-\n", REPORT_NONE},
		{"- 1\n", REPORT_NONE},
		{"--1\n", REPORT_NONE},
		{"12x\n", REPORT_NONE},
		{"1 2\n", REPORT_NONE},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		put("number", rows[i].text);
		if (host_number(captured, "number") != rows[i].value)
			fail_msg("\"%s\": %lld", rows[i].text,
				 (long long)host_number(captured, "number"));
	}
	assert_true(host_number(captured, "no/such") == REPORT_NONE);
}

static void writes_reach_the_live_machine_only(void **state)
{
	struct err e = {0};
	char text[8];
	put("proc/sys/x", "1\n");
	assert_int_equal(host_write(captured, "proc/sys/x", "2", &e), -EROFS);
	assert_int_equal(host_read(captured, "proc/sys/x", text, sizeof(text), &e), 1);
	assert_string_equal(text, "1");
	assert_true(host_write(live, "proc/sys/no/such", "2", &e) == -ENOENT);
	assert_true(host_write(live, "../proc/sys/x", "2", &e) == -EINVAL);
	/* Not writable, not even by root: the error names the file. */
	assert_true(host_write(live, "proc/sys/kernel/osrelease", "x", &e) < 0);
	assert_non_null(strstr(e.text, "/proc/sys/kernel/osrelease"));
}

struct walked {
	char names[1024];
	size_t count, stop_at;
};

static int walk_note(const char *path, void *arg)
{
	struct walked *w = arg;
	size_t used = strlen(w->names);
	snprintf(w->names + used, sizeof(w->names) - used, "%s ", path);
	return ++w->count == w->stop_at ? 42 : 0;
}

static void a_walk_visits_regular_files_in_order(void **state)
{
	struct err e = {0};
	put("d/b", "");
	put("d/a/2", "");
	put("d/a/1", "");
	put("d/a/deep/3", "");
	put("d/c", "");
	put_link("d/link", "b");
	put_link("d/mask", "/dev/null");
	put_link("d/out", "/etc");
	put_link("d/to-a", "a");
	struct walked w = {0};
	assert_int_equal(host_walk(captured, "d", 3, walk_note, &w, &e), 0);
	assert_string_equal(w.names, "d/a/1 d/a/2 d/a/deep/3 d/b d/c d/link d/mask ");
	w = (struct walked){0};
	assert_int_equal(host_walk(captured, "d", 1, walk_note, &w, &e), 0);
	assert_string_equal(w.names, "d/b d/c d/link d/mask ");
	/* The directory has no /dev/null. */
	CLEAN(free_pointer) char *text = NULL;
	assert_int_equal(host_read_all(captured, "d/mask", &text, &e), 0);
	assert_string_equal(text, "");
	assert_true(host_has(captured, "d/mask"));
	w = (struct walked){.stop_at = 2};
	assert_int_equal(host_walk(captured, "d", 2, walk_note, &w, &e), 42);
	assert_int_equal(w.count, 2);
	assert_int_equal(host_walk(captured, "none", 2, walk_note, &w, &e), -ENOENT);
	assert_int_equal(host_walk(captured, "d/b", 2, walk_note, &w, &e), -ENOTDIR);
	w = (struct walked){0};
	assert_int_equal(host_walk(live, "proc/sys/net/ipv4", 1, walk_note, &w, &e), 0);
	assert_true(w.count > 50);
}

/* A process may name any file: what is none, or the kernel's, is not even opened. */
static void special_files_of_a_process_are_not_opened(void **state)
{
	static const struct {
		const char *name, *target; /* NULL: a FIFO */
		int flags, want;
	} cases[] = {
		{"plain", "root", 0, 0},
		{"fifo", NULL, 0, -EINVAL},
		{"device", "/dev/null", 0, -EINVAL},
		{"kernel", "/proc/version", 0, -EINVAL},
		{"directory", ".", 0, -EISDIR},
		{"open", ".", O_DIRECTORY, 0},
		{"loop", "loop", 0, -ELOOP},
		{"none", "/proc/none", 0, -ENOENT},
	};
	char name[512], event[512];
	put("root", "text\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct timespec changed;
		CLEAN(close_fd) int notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		snprintf(name, sizeof(name), "%s/%s", root, cases[i].name);
		print_message("%s\n", cases[i].name);
		assert_int_equal(
			cases[i].target ? symlink(cases[i].target, name) : mkfifo(name, 0600), 0);
		bool watched = inotify_add_watch(notify, name, IN_OPEN) >= 0;
		CLEAN(close_fd)
		int fd = machine_open_as(live, getpid(), name, cases[i].flags, &changed, NULL);
		assert_int_equal(fd < 0 ? fd : 0, cases[i].want);
		if (watched)
			assert_int_equal(read(notify, event, sizeof(event)) > 0, fd >= 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CAPTURED_TEST(special_files_of_a_process_are_not_opened),
		CAPTURED_TEST(a_root_must_be_a_directory),
		CAPTURED_TEST(a_text_file_is_read_whole),
		CAPTURED_TEST(a_frozen_machine_keeps_what_it_has_read),
		CAPTURED_TEST(only_regular_files_below_the_root_are_read),
		CAPTURED_TEST(links_cannot_leave_the_root),
		CAPTURED_TEST(links_are_refused_without_openat2),
		CAPTURED_TEST(read_all_is_bounded),
		CAPTURED_TEST(numbers_are_decimal_and_fit_64_bits),
		CAPTURED_TEST(writes_reach_the_live_machine_only),
		CAPTURED_TEST(a_number_is_whole_or_unknown),
		CAPTURED_TEST(a_walk_visits_regular_files_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
