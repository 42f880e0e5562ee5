/* Processes by /proc/PID: name, state, systemd unit, limits and open descriptors. */
#include "host/processes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "epolltune/cgroup.h"
#include "epolltune/cleanup.h"
#include "epolltune/order.h"
#include "host/machine.h"

/* Limits the count of descriptors on kernels before 6.2, which lists them one by one. */
#define DESCRIPTORS (UINT64_C(1) << 20)
/* Generations between a worker and its master. */
#define ROOT_DEPTH 8
/* Of a process: threads to look at. */
#define TASKS 1024

/* Names come from the processes themselves: keeps control characters from a terminal. */
static void name_copy(char *out, size_t size, const char *name, size_t length)
{
	size_t n = length < size ? length : size - 1;
	for (size_t i = 0; i < n; i++)
		out[i] = (unsigned char)name[i] < ' ' || name[i] == 127 ? '?' : name[i];
	out[n] = 0;
}

enum process_wait process_wait_of(const char *function)
{
	/* do_freezer_trap() of cgroup v2, __refrigerator() of v1 */
	if (strstr(function, "freezer") || strstr(function, "refrigerator"))
		return WAIT_FROZEN;
	if (strstr(function, "epoll") || strstr(function, "ep_poll"))
		return WAIT_EPOLL;
	return strcmp(function, "inet_csk_accept") ? WAIT_OTHER : WAIT_ACCEPT;
}

static void wait_set(struct process *p, const char *function, size_t length)
{
	name_copy(p->waits_in, sizeof(p->waits_in), function, length);
	p->wait = process_wait_of(p->waits_in);
}

bool process_stat_parse(const char *text, struct process_stat *out)
{
	enum { PARENT = 4, THREADS = 20, STARTED = 22 };
	/* The name may contain blanks and parentheses; no later field does. */
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	uint64_t pid, value;
	const char *at = text;
	memset(out, 0, sizeof(*out));
	if (!text_number(&at, &pid) || pid > INT32_MAX || !open || !close || close < open ||
	    close[1] != ' ' || !close[2] || close[3] != ' ')
		return false;
	out->pid = (pid_t)pid;
	name_copy(out->name, sizeof(out->name), open + 1, (size_t)(close - open - 1));
	out->state = close[2];
	at = close + 3;
	for (int field = PARENT; field <= STARTED; field++) {
		at += strspn(at, " ");
		if (field != PARENT && field != THREADS && field != STARTED) {
			at += strcspn(at, " "); /* some are negative */
			continue;
		}
		if (!text_number(&at, &value))
			return false;
		if (field == STARTED)
			out->started = value;
		else if (field == THREADS)
			out->threads = value;
		else if (value <= INT32_MAX)
			out->parent = (pid_t)value;
	}
	return true;
}

/* Of a unit behind `length` bytes of a path: below slices only it is the system's, and below a
 * user@UID.service that user's. */
static enum unit_manager manager_of(const char *path, size_t length)
{
	static const char user[] = "user@";
	enum unit_manager manager = UNIT_SYSTEM;
	for (const char *end = path + length; path < end; path++) {
		size_t n = strcspn(path, "/");
		if (n > (size_t)(end - path))
			n = (size_t)(end - path);
		if (manager == UNIT_SYSTEM && n > sizeof(user) &&
		    !memcmp(path, user, sizeof(user) - 1) && text_ends(path, n, ".service"))
			manager = UNIT_USER;
		/* "..": above the root of a cgroup namespace */
		else if (n && !text_ends(path, n, ".slice") && !(n == 2 && !memcmp(path, "..", 2)))
			return UNIT_INSIDE;
		path += n;
	}
	return manager;
}

enum unit_manager unit_manager(const char *path)
{
	const char *last = strrchr(path, '/');
	return manager_of(path, last ? (size_t)(last - path) : 0);
}

static enum unit_manager unit_of_path(const char *path, size_t length, char *unit, size_t size)
{
	static const char deleted[] = " (deleted)";
	if (text_ends(path, length, deleted))
		length -= sizeof(deleted) - 1;
	while (length) {
		const char *slash = memrchr(path, '/', length);
		const char *part = slash ? slash + 1 : path;
		size_t n = length - (size_t)(part - path);
		if (text_ends(part, n, ".service") || text_ends(part, n, ".scope")) {
			if (n < size)
				name_copy(unit, size, part, n);
			return manager_of(path, (size_t)(part - path));
		}
		length = slash ? (size_t)(slash - path) : 0;
	}
	return UNIT_SYSTEM;
}

const char *unit_service(const char *unit)
{
	return text_ends(unit, strlen(unit), ".service") ? unit : "";
}

enum unit_manager process_unit_parse(const char *text, char *unit, size_t size)
{
	const char *best = NULL;
	size_t best_length = 0;
	unit[0] = 0;
	/* Lines "1:name=systemd:/path" (v1, its own hierarchy) and "0::/path" (v2). */
	for (const char *line = text; *line; line += *line == '\n') {
		size_t length = strcspn(line, "\n");
		const char *controllers = memchr(line, ':', length);
		const char *path = controllers ? memchr(controllers + 1, ':',
							length - (size_t)(controllers + 1 - line))
					       : NULL;
		if (path) {
			size_t n = (size_t)(path - controllers) - 1;
			bool systemd = n == 12 && memcmp(controllers + 1, "name=systemd", n) == 0;
			if (systemd || (!n && !best)) {
				best = path + 1;
				best_length = length - (size_t)(best - line);
			}
		}
		line += length;
	}
	return best ? unit_of_path(best, best_length, unit, size) : UNIT_SYSTEM;
}

enum unit_manager process_unit(int process, char *unit, size_t size)
{
	char text[8192];
	unit[0] = 0;
	return process_file(process, "cgroup", text, sizeof(text)) > 0
		       ? process_unit_parse(text, unit, size)
		       : UNIT_SYSTEM;
}

uint64_t process_namespace(int process, const char *kind)
{
	char path[16], link[40], start[16];
	snprintf(path, sizeof(path), "ns/%s", kind);
	int length = snprintf(start, sizeof(start), "%s:[", kind);
	ssize_t n = readlinkat(process, path, link, sizeof(link) - 1);
	if (n <= 0)
		return 0;
	link[n] = 0;
	return strncmp(link, start, (size_t)length) ? 0 : strtoull(link + length, NULL, 10);
}

uint64_t process_netns(int process) { return process_namespace(process, "net"); }

static bool limit_field(const char **at, uint64_t *value)
{
	static const char unlimited[] = "unlimited";
	*at += strspn(*at, " \t");
	if (strncmp(*at, unlimited, sizeof(unlimited) - 1) == 0) {
		*at += sizeof(unlimited) - 1;
		*value = HOST_UNLIMITED;
		return true;
	}
	return text_number(at, value);
}

bool process_limit_parse(const char *text, const char *key, uint64_t *soft, uint64_t *hard)
{
	const char *at = strstr(text, key);
	if (!at)
		return false;
	at += strlen(key);
	return limit_field(&at, soft) && limit_field(&at, hard);
}

bool process_limits_parse(const char *text, uint64_t *soft, uint64_t *hard)
{
	return process_limit_parse(text, PROCESS_LIMITS_KEY, soft, hard);
}

static bool status_field(const char *text, const char *key, int base, uint64_t *value)
{
	const char *at = strstr(text, key);
	char *end;
	if (!at)
		return false;
	at += strlen(key);
	*value = strtoull(at, &end, base);
	return end != at;
}

bool process_status_parse(const char *text, struct process_status *out)
{
	uint64_t uid;
	if (!status_field(text, "\nUid:", 10, &uid) || uid > UINT32_MAX ||
	    !status_field(text, "\nThreads:", 10, &out->threads) ||
	    !status_field(text, "\nCapEff:", 16, &out->effective))
		return false;
	out->uid = (uint32_t)uid;
	return true;
}

int process_open(const struct host *h, pid_t pid, struct err *e)
{
	char path[32];
	snprintf(path, sizeof(path), "proc/%d", (int)pid);
	return machine_open(h, path, O_PATH | O_DIRECTORY, "read", e);
}

int process_directory(int process, const char *name)
{
	return openat(process, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

ssize_t process_file(int process, const char *name, char *text, size_t size)
{
	CLEAN(close_fd)
	int fd = openat(process, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	size_t n = 0;
	if (fd < 0)
		return -1;
	while (n < size - 1) {
		ssize_t got = TEMP_FAILURE_RETRY(read(fd, text + n, size - 1 - n));
		if (got < 0)
			return -1;
		if (!got)
			break;
		n += (size_t)got;
	}
	text[n] = 0;
	return (ssize_t)n;
}

ssize_t process_text(int process, const char *name, char **text)
{
	for (size_t size = 4096;; size *= 4) {
		char *more = realloc(*text, size);
		if (!more)
			return -1;
		*text = more;
		ssize_t n = process_file(process, name, more, size);
		if (n < (ssize_t)size - 1)
			return n;
	}
}

int process_stat_at(int process, pid_t pid, struct process_stat *out, struct err *e)
{
	char text[1024];
	if (process_file(process, "stat", text, sizeof(text)) < 0)
		return err_errno(e, "cannot read /proc/%d/stat", (int)pid);
	if (!process_stat_parse(text, out))
		return err_set(e, EBADMSG, "/proc/%d/stat: not as proc_pid_stat(5): \"%.60s\"",
			       (int)pid, text);
	return 0;
}

bool process_family(const char *a, const char *b)
{
	size_t n = strcspn(a, ":");
	return n == strcspn(b, ":") && !strncmp(a, b, n);
}

pid_t process_root(const struct process_stat *p,
		   bool (*read)(const void *from, pid_t pid, struct process_stat *out),
		   const void *from)
{
	struct process_stat at = *p;
	pid_t root = p->pid;
	for (int depth = 0; depth < ROOT_DEPTH && at.parent >= 1; depth++) {
		if (!read(from, at.parent, &at) || !process_family(at.name, p->name))
			break;
		root = at.pid;
	}
	return root;
}

/* Of the same /proc as that directory of a process. */
static bool stat_beside(const void *process, pid_t pid, struct process_stat *out)
{
	char path[40], text[1024];
	snprintf(path, sizeof(path), "../%d/stat", (int)pid);
	return process_file(*(const int *)process, path, text, sizeof(text)) >= 0 &&
	       process_stat_parse(text, out);
}

/* 0: unknown. */
static uint64_t descriptors_count(int process)
{
	struct stat st;
	/* Since 6.2, and without privilege. */
	if (!fstatat(process, "fd", &st, AT_SYMLINK_NOFOLLOW) && st.st_size > 0)
		return (uint64_t)st.st_size;
	int fd = process_directory(process, "fd");
	CLEAN(close_directory) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		close_fd(&fd);
		return 0;
	}
	uint64_t count = 0;
	const struct dirent *entry;
	while (count < DESCRIPTORS && (entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	return count < DESCRIPTORS ? count : 0;
}

int process_living(int process)
{
	struct process_stat stat;
	if (process_stat_at(process, 0, &stat, NULL) < 0 || stat.state != 'Z')
		return -1;
	int fd = process_directory(process, "task");
	CLEAN(close_directory) DIR *tasks = fd < 0 ? NULL : fdopendir(fd);
	if (!tasks) {
		close_fd(&fd);
		return -1;
	}
	const struct dirent *entry;
	while ((entry = readdir(tasks))) {
		int thread = entry->d_name[0] == '.'
				     ? -1
				     : openat(fd, entry->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (thread >= 0 && !process_stat_at(thread, 0, &stat, NULL) &&
		    !strchr("ZX", stat.state))
			return thread;
		close_fd(&thread);
	}
	return -1;
}

/* False where it is not visible for one of them. */
static bool threads_wait_in(int process, const char *function)
{
	char path[64], text[64];
	int fd = process_directory(process, "task");
	CLEAN(close_directory) DIR *tasks = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	size_t n = 0;
	if (!tasks)
		close_fd(&fd);
	while (tasks && (entry = readdir(tasks))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "task/%.20s/wchan", entry->d_name);
		if (n++ == TASKS || process_file(process, path, text, sizeof(text)) <= 0 ||
		    strcmp(text, function) != 0)
			return false;
	}
	return n;
}

/* The file name of a program, without what the kernel adds once the file was replaced. */
static const char *program_name(const char *path, size_t *length)
{
	static const char deleted[] = " (deleted)";
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t n = strlen(name), end = strlen(deleted);
	*length = n > end && !strcmp(name + n - end, deleted) ? n - end : n;
	return name;
}

bool process_same_program(const char *a, const char *b)
{
	size_t n, m;
	const char *x = program_name(a, &n), *y = program_name(b, &m);
	return n && n == m && !memcmp(x, y, n);
}

static bool is_own(int process)
{
	char own[PATH_MAX], other[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
	ssize_t m = readlinkat(process, "exe", other, sizeof(other) - 1);
	if (n <= 0 || m <= 0)
		return false;
	own[n] = other[m] = 0;
	return process_same_program(own, other);
}

int process_read_at(int process, pid_t pid, struct process *out, struct err *e)
{
	struct process_stat stat;
	char text[8192];
	memset(out, 0, sizeof(*out));
	int r = process_stat_at(process, pid, &stat, e);
	if (r < 0)
		return r;
	out->pid = pid;
	out->root = process_root(&stat, stat_beside, &process);
	out->started = stat.started;
	out->state = stat.state;
	out->threads = stat.threads;
	memcpy(out->name, stat.name, sizeof(out->name));
	out->own = is_own(process);
	out->manager = process_unit(process, out->unit, sizeof(out->unit));
	if (process_file(process, "limits", text, sizeof(text)) <= 0 ||
	    !process_limits_parse(text, &out->soft, &out->hard))
		out->soft = out->hard = 0;
	CLEAN(close_fd) int living = process_living(process);
	if (living >= 0 && !process_stat_at(living, pid, &stat, NULL)) {
		out->state = stat.state;
		out->threads = stat.threads - 1;
		process = living;
	}
	/* "0": it runs, or the kernel hides where it waits. */
	ssize_t n = process_file(process, "wchan", text, sizeof(text));
	if (n > 0 && strcmp(text, "0") != 0) {
		wait_set(out, text, (size_t)n);
		out->alike = out->threads > 1 && threads_wait_in(process, text);
	}
	out->open = descriptors_count(process);
	return 0;
}

/* Where the freezer stops a process is not always visible: without privilege no wchan is, a
 * compiler may inline do_freezer_trap(), and freezer v1 leaves a sleeping process where it sleeps,
 * as state D (TASK_FROZEN, since 6.1). */
void process_freezer_look(const struct host *h, struct process *p)
{
	bool unclear = p->state == 'D' ||
		       (p->state == 'S' && (!p->waits_in[0] || !strcmp(p->waits_in, "get_signal")));
	if (unclear && cgroup_frozen(h, p->pid))
		wait_set(p, PROCESS_FREEZER, strlen(PROCESS_FREEZER));
}

int process_list(const struct host *h, struct process_stat **out, size_t *count, struct err *e)
{
	*out = NULL;
	*count = 0;
	int fd = machine_open(h, "proc", O_RDONLY | O_DIRECTORY, "read", e);
	CLEAN(close_directory) DIR *proc = fd < 0 ? NULL : fdopendir(fd);
	if (!proc)
		return fd < 0 ? fd : (close_fd(&fd), err_errno(e, "cannot read /proc"));
	const struct dirent *entry;
	while ((entry = readdir(proc))) {
		char path[300], text[1024];
		snprintf(path, sizeof(path), "%s/stat", entry->d_name);
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
		    process_file(fd, path, text, sizeof(text)) < 0)
			continue;
		struct process_stat *more = array_add(out, count, sizeof(*more));
		if (!more)
			return err_set(e, ENOMEM, "cannot list processes: out of memory");
		*count -= !process_stat_parse(text, more);
	}
	if (*count)
		qsort(*out, *count, sizeof(**out), int_compare);
	return 0;
}

int process_read(const struct host *h, pid_t pid, struct process *out, struct err *e)
{
	memset(out, 0, sizeof(*out));
	CLEAN(close_fd) int process = process_open(h, pid, e);
	int r = process < 0 ? process : process_read_at(process, pid, out, e);
	if (!r)
		process_freezer_look(h, out);
	return r;
}

bool process_same(const struct process *a, const struct process *b)
{
	return a->pid == b->pid && a->started == b->started;
}

/* Clocks of the kernel count its ticks and the time of files differently. */
#define SLACK_S 0.03

static double seconds_of(clockid_t clock)
{
	struct timespec t = {0};
	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

bool process_precedes(uint64_t started, const struct timespec *changed)
{
	double ran = seconds_of(CLOCK_BOOTTIME) - (double)started / (double)sysconf(_SC_CLK_TCK);
	double age = seconds_of(CLOCK_REALTIME) -
		     ((double)changed->tv_sec + (double)changed->tv_nsec / 1e9);
	return age + SLACK_S < ran;
}
