/* The host: the running machine, and intact, damaged and hostile captures. */
#include "../support/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "epolltune/host.h"
#include "epolltune/listener.h"
#include "epolltune/ports.h"
#include "epolltune/subject.h"
#include "host/capture.h"
#include "host/compat.h"
#include "host/machine.h"
#include "host/nic_sources.h"

/* A captured machine: created for each test, filled by put(), removed afterwards. */
static char root[64];
static struct host *captured, *live;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int make_machine(void **state)
{
	struct err e;
	snprintf(root, sizeof(root), "/tmp/epolltune-host-XXXXXX");
	return !mkdtemp(root) || host_open(&captured, root, &e) || host_open(&live, "/", &e);
}

static int remove_machine(void **state)
{
	host_close(captured);
	host_close(live);
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void put_bytes(const char *path, const void *bytes, size_t size)
{
	char name[512];
	snprintf(name, sizeof(name), "%s/%s", root, path);
	for (char *at = name + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = 0;
		mkdir(name, 0755);
		*at = '/';
	}
	FILE *f = fopen(name, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

static void put(const char *path, const char *text) { put_bytes(path, text, strlen(text)); }

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

/* As of a router with the routes of the internet; truncate() stands for them. */
static void a_default_route_is_found_before_many_others(void **state)
{
	char name[128];
	struct nic eth = {.name = "eth1"};
	struct nics all = {.at = &eth, .count = 1};
	put("proc/net/route", "Iface\tDestination\tGateway\n"
			      "eth1\t00000000\t0200000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n");
	snprintf(name, sizeof(name), "%s/proc/net/route", root);
	assert_int_equal(truncate(name, (off_t)1 << 34), 0);
	nics_take_routes(captured, &all);
	assert_true(eth.default_route);
}

static void what_a_capture_left_out_is_there_and_has_no_text(void **state)
{
	static const struct {
		const char *path;
		int code;
	} rows[] = {{"proc/net/tcp", -EFBIG}, {"proc/net/tcp6", -EBADMSG}, {"proc/stat", -EIO},
		    {"proc/net/tc", -ENOENT}, {"proc/net/tc p", -EFBIG},   {"proc/self", -ENOENT}};
	struct err e = {0};
	char *text = NULL;
	put("left-out", "too-large proc/net/tcp\n\nnew proc/self\ndamaged proc/net/tcp6\n"
			"too-large proc/net/tc p\nunreadable proc/stat");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(host_read_all(captured, rows[i].path, &text, &e), rows[i].code);
		assert_int_equal(host_has(captured, rows[i].path), rows[i].code != -ENOENT);
	}
	assert_int_equal(host_read_all(captured, "proc/net/tcp", &text, &e), -EFBIG);
	assert_non_null(strstr(e.text, "/proc/net/tcp: more than 64 MiB"));
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

static void facts_are_read_or_absent(void **state)
{
	struct host_facts f;
	struct utsname u;
	assert_int_equal(uname(&u), 0);
	host_facts(live, &f);
	assert_string_equal(f.name, u.nodename);
	assert_string_equal(f.kernel, u.release);
	assert_true(f.cpus >= 1 && f.memory_bytes > 1 << 20);
	assert_true(f.available_bytes && f.available_bytes <= f.memory_bytes);
	assert_int_equal(f.page_bytes, sysconf(_SC_PAGESIZE));

	host_facts(captured, &f);
	assert_string_equal(f.name, "");
	assert_int_equal(f.cpus + f.memory_bytes + f.available_bytes + f.page_bytes, 0);
	put("proc/sys/kernel/hostname", "web-1\n");
	put("proc/sys/kernel/osrelease", "5.10.0-8-amd64\n");
	put("sys/devices/system/cpu/online", "0-3,8,10-11\n");
	put("proc/meminfo", "MemTotal:    2048 kB\nMemAvailable: 1024 kB\nDirectMap4k: 1 kB\n");
	host_facts(captured, &f);
	assert_string_equal(f.name, "web-1");
	assert_int_equal(f.cpus, 7);
	assert_int_equal(f.memory_bytes, 2048 * 1024);
	assert_int_equal(f.available_bytes, 1024 * 1024);
	assert_int_equal(f.page_bytes, 4096);
	assert_true(host_kernel(captured) >= KERNEL(5, 10));
	assert_true(host_kernel(captured) >= KERNEL(4, 20));
	assert_true(host_kernel(captured) < KERNEL(5, 11));
	assert_true(host_kernel(captured) < KERNEL(6, 0));
	put("proc/sys/kernel/osrelease", "custom\n");
	assert_true(host_kernel(captured) >= KERNEL(9, 0));
	put("sys/devices/system/cpu/online", "0-\n");
	put("proc/cpuinfo", "processor\t: 0\nmodel\t: x\n\nprocessor\t: 1\n");
	put("proc/meminfo", "MemTotal: 99999999999999999999 kB\nMemAvailable: -1 kB\n");
	host_facts(captured, &f);
	assert_int_equal(f.cpus, 2);
	assert_int_equal(f.memory_bytes + f.available_bytes, 0);
}

static void cpu_times_are_read_by_cpu(void **state)
{
	static struct host_cpu_times before, after;
	struct err e;
	assert_int_equal(host_cpu_times(captured, &before, &e), -ENOENT);
	put("proc/stat", "cpu  1 2 3 4 5 6 7 8 9 10\n"
			 "cpu3 1 2 3 4 5 6 7 8 9 10\n"
			 "cpu1024 1 2 3 4 5 6 7 8 9 10\n"
			 "cpufreq 1\n"
			 "intr 5 5\n");
	assert_int_equal(host_cpu_times(captured, &before, &e), 0);
	assert_int_equal(before.at[3].softirq, 7);
	assert_int_equal(before.at[3].all, 36); /* user and nice contain the guests */
	assert_int_equal(before.at[0].all, 0);
	put("proc/stat", "cpu3 1 2 3 64 5 6 47 8 9 10\n");
	assert_int_equal(host_cpu_times(captured, &after, &e), 0);
	assert_true(host_softirq_share(&before, &after, 3) == 0.4);
	assert_true(host_softirq_share(&before, &before, 3) == 0);
	assert_true(host_softirq_share(&before, &after, 0) == 0);
	assert_true(host_softirq_share(&before, &after, HOST_CPUS) == 0);
	assert_int_equal(host_cpu_times(live, &after, &e), 0);
	assert_true(after.at[0].all > 0);
}

static void the_idle_time_is_of_the_cpus_of_this_process(void **state)
{
	static struct host_cpu_times before, after;
	cpu_set_t all, one;
	struct err e;
	char text[128];
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	size_t cpu = 0;
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	snprintf(text, sizeof(text), "cpu%zu 0 0 0 100 0 0 0 0 0 0\ncpu%zu 0 0 0 100 0 0 0 0 0 0\n",
		 cpu, cpu + 1);
	put("proc/stat", text);
	assert_int_equal(host_cpu_times(captured, &before, &e), 0);
	snprintf(text, sizeof(text),
		 "cpu%zu 60 0 0 120 0 0 0 0 0 0\ncpu%zu 0 0 0 900 0 0 0 0 0 0\n", cpu, cpu + 1);
	put("proc/stat", text);
	assert_int_equal(host_cpu_times(captured, &after, &e), 0);
	assert_true(host_idle_cpus(&before, &after) == 0.25);
	assert_true(host_idle_cpus(&after, &before) == 0);
	/* The kernel may correct it. */
	after.at[cpu].idle = 99;
	assert_true(host_idle_cpus(&before, &after) == 0);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

static void limits_are_read_or_refused(void **state)
{
	struct err e = {0};
	struct host_nofile n;
	struct rlimit r;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
	assert_int_equal(host_nofile(live, &n, &e), 0);
	assert_true(n.soft == r.rlim_cur && n.hard == r.rlim_max);

	assert_int_equal(host_nofile(captured, &n, &e), -ENOENT);
	put("proc/self/limits",
	    "Limit                     Soft Limit           Hard Limit           Units     \n"
	    "Max processes             100                  200                  processes \n"
	    "Max open files            1024                 524288               files     \n");
	assert_int_equal(host_nofile(captured, &n, &e), 0);
	assert_true(n.soft == 1024 && n.hard == 524288);
	put("proc/self/limits", "Max open files  1024  unlimited  files\n");
	assert_int_equal(host_nofile(captured, &n, &e), 0);
	assert_true(n.hard == HOST_UNLIMITED);
	put("proc/self/limits", "Max open files  1024");
	assert_int_equal(host_nofile(captured, &n, &e), -EBADMSG);
	put("proc/self/limits", "Max locked memory 1 2 bytes\n");
	assert_int_equal(host_nofile(captured, &n, &e), -EBADMSG);

	struct host_files files;
	assert_int_equal(host_files(live, &files, &e), 0);
	assert_true(files.allocated && files.max);
	put("proc/sys/fs/file-nr", "546\t0\t9223372036854775807\n");
	assert_int_equal(host_files(captured, &files, &e), 0);
	assert_true(files.allocated == 546 && files.max == INT64_MAX);
	put("proc/sys/fs/file-nr", "546 0\n");
	assert_int_equal(host_files(captured, &files, &e), -EBADMSG);
}

static void counters_are_named_and_damage_is_absent(void **state)
{
	struct err e = {0};
	static struct host_counters c, later;
	assert_int_equal(host_counters(live, &c, &e), 0);
	assert_true(c.count > 100 && c.count < HOST_COUNTERS);
	assert_true(host_counter(&c, "TcpExt.ListenOverflows") >= 0);
	assert_true(host_counter(&c, "Tcp.ActiveOpens") >= 0);
	assert_true(host_counter(&c, "sockstat.TCP.inuse") >= 0);
	assert_int_equal(host_counter(&c, "TcpExt.NoSuch"), -1);

	assert_int_equal(c.unread.code, 0);
	assert_int_equal(host_counters(captured, &c, &e), -ENOENT);
	assert_int_equal(c.unread.code, ENOENT);
	put("proc/net/netstat", "TcpExt: A B C\nTcpExt: 1 2 3\nIpExt: D\nIpExt: 4 5\n");
	put("proc/net/snmp", "Tcp: MaxConn X\nTcp: -1 9223372036854775808\nUdp: Y\n");
	put("proc/net/sockstat", "sockets: used 9\nTCP: inuse 5 orphan\nrubbish\n");
	assert_int_equal(host_counters(captured, &c, &e), 0);
	assert_int_equal(c.unread.code, EBADMSG);
	assert_int_equal(host_counter(&c, "TcpExt.C"), 3);
	assert_int_equal(host_counter(&c, "IpExt.D"), -1); /* more values than names */
	assert_int_equal(host_counter(&c, "Tcp.X"), -1);
	assert_int_equal(host_counter(&c, "sockstat.TCP.inuse"), 5);
	assert_int_equal(host_counter(&c, "sockstat.TCP.orphan"), -1);
	assert_int_equal(host_counter(&c, "sockstat.sockets.used"), 9);
	assert_int_equal(c.count, 6);
	put("proc/net/netstat", "TcpExt: A B C\nTcpExt: 11 2 3\n");
	assert_int_equal(host_counters(captured, &later, &e), 0);
	assert_int_equal(host_counter_delta(&c, &later, "TcpExt.A"), 10);
	assert_int_equal(host_counter_delta(&c, &later, "TcpExt.Z"), -1);

	/* The entries are those of all CPUs, in each line; a damaged line ends the table. */
	put("proc/net/stat/nf_conntrack",
	    "entries  found drop\n0000000a  00000001 000000ff\n0000000a  00000002 00000001\n1 2\n");
	host_table_counters(captured, "nf_conntrack", &c);
	assert_int_equal(c.count, 6);
	put("proc/net/stat/nf_conntrack", "entries  found drop\n0000000a  00000001 rubbish\n");
	c.unread.code = 0;
	host_table_counters(captured, "nf_conntrack", &c);
	assert_int_equal(c.unread.code, EBADMSG);
	put("proc/net/stat/nf_conntrack", "drop\n7fffffffffffffff\n7fffffffffffffff\n");
	host_table_counters(captured, "nf_conntrack", &c);
	assert_int_equal(c.count, 6);
	put("proc/net/stat/nf_conntrack",
	    "entries  found drop\n0000000a  00000001 000000ff\n0000000a  00000002 00000001\n");
	host_table_counters(captured, "nf_conntrack", &c);
	c.unread.code = 0;
	host_table_counters(captured, "nosuch", &c);
	assert_int_equal(c.unread.code, 0);
	assert_int_equal(c.count, 9);
	assert_int_equal(host_counter(&c, "nf_conntrack.entries"), 10);
	assert_int_equal(host_counter(&c, "nf_conntrack.drop"), 256);

	put("proc/net/netstat", "");
	put("proc/net/snmp", "garbage");
	put("proc/net/sockstat", "\n\n");
	assert_int_equal(host_counters(captured, &c, &e), -EBADMSG);
	assert_int_equal(c.count, 0);
}

static void counters_beyond_the_capacity_are_omitted(void **state)
{
	struct err e = {0};
	static struct host_counters c;
	char *text = calloc(1, 65536);
	assert_non_null(text);
	for (int line = 0; line < 2; line++) {
		strcat(text, "TcpExt:");
		for (int i = 0; i < 2 * HOST_COUNTERS; i++)
			sprintf(text + strlen(text), line ? " %d" : " N%d", i);
		strcat(text, "\n");
	}
	put("proc/net/netstat", text);
	free(text);
	assert_int_equal(host_counters(captured, &c, &e), 0);
	assert_int_equal(c.count, HOST_COUNTERS);
	assert_int_equal(host_counter(&c, "TcpExt.N1"), 1);
	assert_int_equal(host_counter(&c, "TcpExt.N1279"), -1);
	put("proc/net/netstat", "TcpExt: Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa B\n"
				"TcpExt: 1 2\n");
	assert_int_equal(host_counters(captured, &c, &e), 0);
	assert_int_equal(c.count, 1);
	assert_int_equal(host_counter(&c, "TcpExt.B"), 2);
}

/* One value a line; those of each ICMP type, and of UDP-Lite, are not used. */
static void counters_of_ipv6_are_named_and_need_not_exist(void **state)
{
	struct err e = {0};
	static struct host_counters c;
	put("proc/net/netstat", "TcpExt: A\nTcpExt: 1\n");
	put("proc/net/snmp", "Ip: A\nIp: 1\n");
	put("proc/net/sockstat", "TCP: inuse 5\n");
	assert_int_equal(host_counters(captured, &c, &e), 0);
	assert_int_equal(c.unread.code, 0);
	assert_int_equal(c.count, 3);
	put("proc/net/snmp6", "Ip6OutNoRoutes                   \t7\n"
			      "Icmp6InDestUnreachs 2\nIcmp6InType1 2\nIcmp6OutType143 9\n"
			      "Udp6RcvbufErrors                 \t4997\nUdpLite6RcvbufErrors 3\n");
	assert_int_equal(host_counters(captured, &c, &e), 0);
	assert_int_equal(c.unread.code, 0);
	assert_int_equal(c.count, 6);
	assert_int_equal(host_counter(&c, "Ip6.OutNoRoutes"), 7);
	assert_int_equal(host_counter(&c, "Icmp6.InDestUnreachs"), 2);
	assert_int_equal(host_counter(&c, "Udp6.RcvbufErrors"), 4997);
	put("proc/net/snmp6", "Udp6RcvbufErrors\nUdp6MemErrors 1\n");
	assert_int_equal(host_counters(captured, &c, &e), 0);
	assert_int_equal(c.unread.code, EBADMSG);
	assert_int_equal(host_counter(&c, "Udp6.MemErrors"), 1);
}

static void slabs_are_read_or_refused(void **state)
{
	struct err e = {0};
	uint64_t bytes = 0;
	static struct host_slabs s;
	int r = host_slabs(live, &s, &e);
	assert_true(r == 0 ? s.count > 10 : r == -EACCES || r == -ENOENT);
	assert_int_equal(host_slab_bytes(live, &bytes, &e), 0);
	assert_true(bytes > 1 << 16);

	assert_int_equal(host_slabs(captured, &s, &e), -ENOENT);
	put("proc/slabinfo",
	    "slabinfo - version: 2.1\n# name <active_objs> <num_objs> <objsize>\n"
	    "TCP  60 65 2496 13 8 : tunables 0 0 0\nbroken 1\n\nfilp 9 9 256 1 1\n");
	assert_int_equal(host_slabs(captured, &s, &e), 0);
	assert_int_equal(s.count, 2);
	assert_string_equal(s.at[0].name, "TCP");
	assert_true(s.at[0].active == 60 && s.at[0].object_bytes == 2496);
	put("proc/slabinfo", "garbage\n");
	assert_int_equal(host_slabs(captured, &s, &e), -EBADMSG);
	put("proc/meminfo", "SReclaimable: 3 kB\nSUnreclaim: 4 kB\n");
	assert_int_equal(host_slab_bytes(captured, &bytes, &e), 0);
	assert_int_equal(bytes, 7 * 1024);
	put("proc/meminfo", "SReclaimable: 3 kB\n");
	assert_int_equal(host_slab_bytes(captured, &bytes, &e), -EBADMSG);
}

static struct host_slab_memory slab_memory(uint64_t tcp, uint64_t filp, uint64_t other,
					   uint64_t all)
{
	return (struct host_slab_memory){.slabs = {.count = 3,
						   .at = {{"TCP", tcp, 2000},
							  {"filp", filp, 250},
							  {"ext4_inode", other, 1000}}},
					 .bytes = all};
}

static void slabs_grow_by_connections(void **state)
{
	static const struct {
		uint64_t tcp, filp, other, all; /* from 100, 100, 100 and 1 000 000 */
		uint64_t bytes;                 /* that 1000 connections took */
	} rows[] = {
		{2100, 2100, 100, 9000000, 2000 * 2000 + 2000 * 250},
		/* The minimum is an object for every other connection. */
		{600, 599, 100, 0, 500 * 2000},
		{599, 599, 100, 9000000, 0},
		/* A cache that grew by more counts completely; one that shrank does not count. */
		{2100, 0, 1100, 0, 2000 * 2000 + 1000 * 1000},
		{100, 100, 100, 1000000, 0},
	};
	bool by_cache;
	static struct host_slab_memory before, after;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		before = slab_memory(100, 100, 100, 1000000);
		after = slab_memory(rows[i].tcp, rows[i].filp, rows[i].other, rows[i].all);
		assert_int_equal(host_slab_taken(&before, &after, 1000, &by_cache), rows[i].bytes);
		assert_true(by_cache);
		after.slabs.count = 0;
		assert_int_equal(host_slab_taken(&before, &after, 1000, &by_cache),
				 rows[i].all > before.bytes ? rows[i].all - before.bytes : 0);
		assert_false(by_cache);
	}
	/* A cache that was not there, and one that shrank. */
	before.slabs.count = 1;
	after = slab_memory(40, 60, 0, 0);
	assert_int_equal(host_slab_growth(&before.slabs, &after.slabs.at[0]), -60 * 2000);
	assert_int_equal(host_slab_growth(&before.slabs, &after.slabs.at[1]), 60 * 250);
	before.bytes = 0;
	after = (struct host_slab_memory){.bytes = 5};
	assert_int_equal(host_slab_taken(&before, &after, 1000, &by_cache), 0);
}

static void a_connection_takes_its_objects(void **state)
{
	static const struct host_slab_memory none;
	struct host_slab_memory m = slab_memory(1, 1, 1, 0);
	assert_int_equal(host_slab_connection(&m.slabs), 2000 + 250);
	assert_int_equal(host_slab_connection(&none.slabs), 0);
	uint64_t socket = 1;
	assert_int_equal(host_connection_bytes(captured, &socket), 0);
	assert_int_equal(socket, 0);
	put("proc/slabinfo", "TCP 60 65 2496 13 8\ndentry 9 9 192 1 1\nkmalloc-8 9 9 8 1 1\n");
	assert_int_equal(host_connection_bytes(captured, NULL), 2496 + 192);
	assert_int_equal(host_connection_bytes(captured, &socket), 2496 + 192);
	assert_int_equal(socket, 2496);
}

static void reserved_ports_are_counted_within_a_range(void **state)
{
	static const char path[] = "proc/sys/net/ipv4/ip_local_reserved_ports";
	static const struct {
		const char *list;
		int64_t low, high, count;
	} rows[] = {
		{"\n", 1, 65535, 0},
		{"8080\n", 1, 65535, 1},
		{"8080,9000-9010\n", 1, 65535, 12},
		{"8080,9000-9010\n", 8081, 65535, 11},
		{"8080,9000-9010\n", 9005, 9006, 2},
		{"8080,9000-9010\n", 8080, 9000, 2},
		{"8080,9000-9010\n", 9011, 65535, 0},
		{"63-64,127,192\n", 0, 63, 1},
		{"63-64,127,192\n", 64, 191, 2},
		{"63-64,127,192\n", -5, 999999, 4},
		{"63-64,127,192\n", 127, 64, 0},
		{"0-65535\n", 1000, 1999, 1000},
		/* What a damaged list reserves is not known. */
		{"8080;9000\n", 1, 65535, -1},
		{"8080,9000-\n", 1, 65535, -1},
		{"ports\n", 1, 65535, -1},
	};
	/* The tree of another tool may lack the file, one of epolltune capture does not. */
	assert_int_equal(host_reserved_ports(captured, 1, 65535), -1);
	assert_int_equal(port_range_free(1000, 1999, -1), -1);
	assert_int_equal(port_range_free(1000, 1999, 10), 990);
	assert_int_equal(port_range_free(0, 1999, 0), -1);
	assert_int_equal(port_range_free(1000, 65536, 0), -1);
	assert_int_equal(port_range_free(1000, 999, 0), -1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		put(path, rows[i].list);
		if (host_reserved_ports(captured, rows[i].low, rows[i].high) != rows[i].count)
			fail_msg("%s within %lld-%lld", rows[i].list, (long long)rows[i].low,
				 (long long)rows[i].high);
	}
	/* Of a whole capture a list that is not there is empty, an unreadable one is not known. */
	put("identity", "boot 1\nnetns 1\ninitial 1\nfirst_pids 1\n");
	put_bytes(path, "80\0", 3);
	assert_int_equal(host_reserved_ports(captured, 1, 65535), -1);
	char name[512];
	snprintf(name, sizeof(name), "%s/%s", root, path);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(host_reserved_ports(captured, 1, 65535), 0);
}

static void sets_of_ports_are_written_as_lists(void **state)
{
	static const struct {
		const char *list;
		size_t size;
		const char *written;
	} rows[] = {
		{"", 64, ""},
		{"0,63-64,127,128,65535", 64, "0,63-64,127-128,65535"},
		{"0-65535", 64, "0-65535"},
		{"1,63,66,190,65535", 16, "1-66,190,65535"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct port_set set = {0};
		char text[64];
		assert_true(port_set_parse(&set, rows[i].list));
		port_set_format(&set, text, rows[i].size);
		assert_string_equal(text, rows[i].written);
	}
}

static int listen_on(int family, int backlog, uint16_t *port)
{
	struct sockaddr_in six = {.sin_family = AF_INET};
	struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	six.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bool v4 = family == AF_INET;
	struct sockaddr *address = v4 ? (struct sockaddr *)&six : (struct sockaddr *)&any6;
	socklen_t size = v4 ? sizeof(six) : sizeof(any6);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, address, size) < 0 || listen(fd, backlog) < 0 ||
	    getsockname(fd, address, &size) < 0) {
		close(fd);
		return -1;
	}
	*port = ntohs(v4 ? six.sin_port : any6.sin6_port);
	return fd;
}

static const struct listener *listener_at(const struct listeners *l, const char *address)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->at[i].address, address) == 0)
			return &l->at[i];
	return NULL;
}

static bool at_port(const struct listener *l, void *port) { return l->port == *(uint16_t *)port; }

static void listeners_have_depth_limit_and_owner(void **state)
{
	struct err e = {0};
	struct listeners l;
	char address[64], name[192], expected[192];
	uint16_t port = 0, port6 = 0;
	CLEAN(close_fd) int fd = listen_on(AF_INET, 5, &port);
	CLEAN(close_fd) int fd6 = listen_on(AF_INET6, 7, &port6);
	assert_true(fd >= 0);
	int r = listeners_read(live, &l, &e);
	if (r == -EOPNOTSUPP)
		skip_because("no inet_diag: %s", e.text);
	assert_int_equal(r, 0);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	const struct listener *mine = listener_at(&l, address);
	assert_non_null(mine);
	assert_int_equal(mine->limit, 5);
	assert_int_equal(mine->depth, 0);
	assert_true(mine->inode != 0);
	assert_int_equal(mine->owner, -1);
	assert_int_equal(mine->uid, getuid());
	assert_string_equal(listener_name(&l, mine, name, sizeof(name)), address);
	assert_int_equal(listeners_own(live, &l, at_port, &port, &e), 0);
	assert_int_equal(l.process_count, 1);
	snprintf(expected, sizeof(expected), "test_host (pid %d) on %s", (int)getpid(), address);
	assert_string_equal(listener_name(&l, mine, name, sizeof(name)), expected);
	if (fd6 >= 0) {
		snprintf(address, sizeof(address), "[::1]:%u", port6);
		mine = listener_at(&l, address);
		assert_non_null(mine);
		assert_int_equal(mine->limit, 7);
		/* Not asked for. */
		assert_int_equal(mine->owner, -1);
	}
	listeners_free(&l);
	/* A client that is not accepted stays in the queue. */
	CLEAN(close_fd) int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(client, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(listeners_read(live, &l, &e), 0);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	assert_int_equal(listener_at(&l, address)->depth, 1);
	listeners_free(&l);
	assert_int_equal(listeners_read(captured, &l, &e), -EOPNOTSUPP);
	assert_int_equal(l.count, 0);
	listeners_free(&l);
}

static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void parse_all(void)
{
	static struct host_counters c;
	static struct host_slabs s;
	struct err e = {0};
	struct host_facts f;
	struct host_nofile n;
	struct host_files files;
	uint64_t bytes;
	host_facts(captured, &f);
	host_kernel(captured);
	host_nofile(captured, &n, &e);
	host_files(captured, &files, &e);
	host_slab_bytes(captured, &bytes, &e);
	host_slabs(captured, &s, &e);
	assert_true(s.count <= HOST_SLABS);
	host_counters(captured, &c, &e);
	assert_true(c.count <= HOST_COUNTERS);
}

/* Real files with bytes changed and cut, and random bytes: no parser may read or write out of
 * bounds (SAN=1 checks). */
static void randomly_damaged_files_are_parsed_in_bounds(void **state)
{
	static const char *const paths[] = {"proc/net/netstat",
					    "proc/net/snmp",
					    "proc/net/snmp6",
					    "proc/net/sockstat",
					    "proc/meminfo",
					    "proc/self/limits",
					    "proc/sys/fs/file-nr",
					    "proc/slabinfo",
					    "proc/sys/kernel/osrelease",
					    "proc/cpuinfo",
					    "sys/devices/system/cpu/online"};
	enum { FILES = sizeof(paths) / sizeof(*paths), LARGEST = 8192 };
	static unsigned char bytes[LARGEST];
	uint64_t seed = 0x9e3779b97f4a7c15;
	for (int round = 0; round < 60; round++) {
		for (size_t i = 0; i < FILES; i++) {
			struct err e;
			CLEAN(free_pointer) char *text = NULL;
			ssize_t length = host_read_all(live, paths[i], &text, &e);
			size_t size = length > 0 ? (size_t)length : random_next(&seed) % 256;
			size = size > LARGEST ? LARGEST : size;
			for (size_t b = 0; b < size; b++)
				bytes[b] = text && round % 4 ? (unsigned char)text[b]
							     : (unsigned char)random_next(&seed);
			for (size_t hits = random_next(&seed) % 8; size && hits; hits--)
				bytes[random_next(&seed) % size] =
					(unsigned char)" \n:-09\t\377"[random_next(&seed) % 8];
			put_bytes(paths[i], bytes,
				  round % 3 ? size
				  : size    ? random_next(&seed) % size
					    : 0);
		}
		parse_all();
	}
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

#define SERVER(pid, manager)                                                                       \
	"pid " pid                                                                                 \
	"\naccepting 4\nheld 12\nupstream 3\nunshown 1\nforks 0\nactivated 0\nmanager " manager    \
	"\n"

/* What is not known of the server is not taken from this process. */
static void a_capture_has_no_limits_of_a_server_that_is_hidden(void **state)
{
	static const struct subject hidden, held = {.pid = 1, .limited = 0, .activated = true};
	const struct subject own = {.pid = getpid(), .limited = getpid()};
	const struct {
		const struct subject *server;
		int error;
	} rows[] = {{NULL, 0}, {&own, 0}, {&hidden, -EIO}, {&held, -EIO}};
	static const char *const files[] = {"proc/self/limits", "proc/self/cgroup"};
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
		CLEAN(capture_free) struct capture *c = NULL;
		CLEAN(host_closep) struct host *filled = NULL;
		const struct capture_options o = {.server = rows[i / 2].server};
		char text[8192];
		assert_int_equal(capture_make(&c, NULL), 0);
		assert_int_equal(capture_fill(&filled, c, live, &o, NULL), 0);
		ssize_t n = host_read(filled, files[i % 2], text, sizeof(text), NULL);
		if (host_has(live, files[i % 2]) && (n < 0 ? n : 0) != rows[i / 2].error)
			fail_msg("row %zu, %s: %zd", i / 2, files[i % 2], n);
	}
}

static void a_captured_server_is_the_one_that_ran(void **state)
{
	static const struct {
		const char *text;
		bool is;
	} rows[] = {
		{SERVER("812", "0") "unit \nname own", true},
		{SERVER("812", "2") "unit own.service\nname an own", true},
		{SERVER("-812", "0") "unit \nname own", false},
		{SERVER("812", "9") "unit \nname own", false},
		{SERVER("812", "0") "unit\nname own", false},
		{SERVER("812", "0") "unit own.service", false},
		{SERVER("", "0") "unit \nname own", false},
		{"", false},
	};
	CLEAN(capture_free) struct capture *c = NULL;
	struct process worker = {.pid = 813,
				 .root = 812,
				 .started = 9,
				 .name = "own: worker",
				 .state = 'T',
				 .soft = 64};
	const struct subject server = {.acceptors = &worker,
				       .acceptor_count = 1,
				       .name = "a\nname",
				       .unit = "own.service",
				       .manager = UNIT_USER,
				       .pid = 812,
				       .accepting = 4,
				       .held = 12,
				       .upstream = 3,
				       .forks = true,
				       .ownerless = true,
				       .veiled = 2,
				       .turns = true,
				       .in_turns = 3,
				       .cut = 1u << LISTENER_UDP,
				       .then = {.threads = 4, .memory = 1 << 20, .heard = 7},
				       .outside = {.used = 9, .max = 90, .rest_s = REPORT_NONE}};
	CLEAN(subject_free) struct subject s = {0};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CLEAN(subject_free) struct subject one = {0};
		put("server", rows[i].text);
		int rc = subject_captured(captured, &one, NULL);
		if (rc != (rows[i].is ? 1 : -EBADMSG))
			fail_msg("row %zu", i);
	}
	assert_int_equal(capture_make(&c, NULL), 0);
	assert_int_equal(subject_capture(captured, &server, c, NULL), 0);
	put("server", capture_find(c, "server")->data);
	put("proc/self/limits",
	    "Max open files            1024                 524288               files");
	assert_int_equal(subject_captured(captured, &s, NULL), 1);
	assert_string_equal(s.name, "a?name");
	assert_string_equal(s.unit, server.unit);
	assert_int_equal(s.manager, UNIT_USER);
	assert_int_equal(s.pid, 812);
	assert_int_equal(s.accepting, 4);
	assert_int_equal(s.held, 12);
	assert_int_equal(s.upstream, 3);
	assert_true(s.forks && !s.unshown && !s.activated && s.ownerless && s.turns);
	assert_int_equal(s.veiled, 2);
	assert_int_equal(s.in_turns, 3);
	assert_int_equal(s.soft, 1024);
	assert_int_equal(s.hard, 524288);
	assert_memory_equal(&s.then, &server.then, sizeof(s.then));
	assert_int_equal(s.acceptor_count, 1);
	assert_string_equal(s.acceptors[0].name, worker.name);
	assert_int_equal(s.acceptors[0].state, 'T');
	assert_int_equal(s.outside.max, 90);
	assert_true(s.cut >> LISTENER_UDP & 1);
	assert_int_equal(s.outside.rest_s, REPORT_NONE);
}

/* Its own are those that the capture marks, or that its processes have in one that marks none. */
static void the_listeners_of_a_captured_server_are_its_own(void **state)
{
	static const char listeners[] =
		"process\t812\t812\t9\t83\t64\t64\t7\town\t\t\n"
		"process\t7\t7\t9\t83\t64\t64\t7\tother\t\t\n"
		"tcp\t80\t0\t128\t0\t0\t1\t11\t0\t0\t0\t0.0.0.0:80\t0\t0\t4096\t8192\n"
		"tcp\t81\t0\t64\t0\t0\t2\t12\t0\t0\t0\t0.0.0.0:81\t0\t0\n"
		"tcp\t82\t0\t32\t0\t0\t3\t13\t0\t1\t0\t0.0.0.0:82\t0\t0\n";
	static const struct {
		const char *marks;
		uint32_t limit; /* of the smallest queue; 0: there is none */
		size_t count;
		bool cut;
	} rows[] = {
		{"", 64, 2, false},
		{"listener 11 128 0 0\n", 128, 1, false},
		{"listener 11 128 0 0\nlistener 12 64 2 1\n", 128, 2, false},
		{"listener 11 511 0 4\n", 511, 1, false},
		{"listener 13 32 0 0\nlistener 99 1 0 0\n", 32, 1, false},
		{"listener 99 1 0 0\n", 0, 0, true},
		{"listener x\nlistener 12 4294967296 0 0\n", 64, 2, false},
	};
	put("listeners", listeners);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CLEAN(subject_free) struct subject s = {0};
		char text[512];
		snprintf(text, sizeof(text), SERVER("812", "0") "unit \nname own\n%s",
			 rows[i].marks);
		put("server", text);
		assert_int_equal(subject_captured(captured, &s, NULL), 1);
		const struct listener *l = subject_queue(&s, LISTENER_TCP).smallest;
		if ((l ? l->limit : 0) != rows[i].limit || s.listeners.count != rows[i].count ||
		    !s.cut != !rows[i].cut)
			fail_msg("row %zu: limit %u of %zu, cut %x", i, l ? l->limit : 0,
				 s.listeners.count, s.cut);
		if (l && l->cookie == 11)
			assert_int_equal(l->send_buffer, 8192);
		if (l && l->paused != (rows[i].limit == 511))
			fail_msg("row %zu: paused", i);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_machine, remove_machine)
	const struct CMUnitTest tests[] = {
		TEST(a_captured_server_is_the_one_that_ran),
		TEST(the_listeners_of_a_captured_server_are_its_own),
		TEST(a_capture_has_no_limits_of_a_server_that_is_hidden),
		TEST(special_files_of_a_process_are_not_opened),
		TEST(a_root_must_be_a_directory),
		TEST(a_text_file_is_read_whole),
		TEST(a_frozen_machine_keeps_what_it_has_read),
		TEST(only_regular_files_below_the_root_are_read),
		TEST(links_cannot_leave_the_root),
		TEST(links_are_refused_without_openat2),
		TEST(read_all_is_bounded),
		TEST(a_default_route_is_found_before_many_others),
		TEST(what_a_capture_left_out_is_there_and_has_no_text),
		TEST(numbers_are_decimal_and_fit_64_bits),
		TEST(writes_reach_the_live_machine_only),
		TEST(a_walk_visits_regular_files_in_order),
		TEST(facts_are_read_or_absent),
		TEST(cpu_times_are_read_by_cpu),
		TEST(the_idle_time_is_of_the_cpus_of_this_process),
		TEST(limits_are_read_or_refused),
		TEST(counters_are_named_and_damage_is_absent),
		TEST(counters_beyond_the_capacity_are_omitted),
		TEST(counters_of_ipv6_are_named_and_need_not_exist),
		TEST(slabs_are_read_or_refused),
		TEST(slabs_grow_by_connections),
		TEST(a_connection_takes_its_objects),
		TEST(reserved_ports_are_counted_within_a_range),
		TEST(sets_of_ports_are_written_as_lists),
		TEST(listeners_have_depth_limit_and_owner),
		TEST(randomly_damaged_files_are_parsed_in_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
