#include "servers.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epolltune/host.h"
#include "epolltune/listener.h"

char servers_directory[] = "/tmp/servers.XXXXXX";
static bool isolated;

void pause_ms(unsigned ms) { usleep(ms * 1000); }

pid_t child_start(void (*fn)(const void *), const void *arg)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fn(arg);
		_exit(1);
	}
	return pid;
}

static void program_run(const void *arg)
{
	char *const *argv = arg;
	int null = open("/dev/null", O_RDWR);
	dup2(null, 0), dup2(null, 1), dup2(null, 2);
	if (!chdir(servers_directory))
		execvp(argv[0], argv);
}

pid_t program_spawn(const char *const *argv)
{
	must_have(argv[0]);
	return child_start(program_run, argv);
}

void child_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* A file of a process, as text; "": it has none. */
static void proc_read(pid_t pid, const char *file, char *text, size_t size)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
}

/* The i-th child of a process, by pid; -1: it has fewer. */
static pid_t child_of(pid_t parent, int i)
{
	char file[32], text[1024];
	snprintf(file, sizeof(file), "task/%d/children", parent);
	proc_read(parent, file, text, sizeof(text));
	const char *at = text;
	for (; i && at; i--)
		at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL;
	return at && atoi(at) > 0 ? atoi(at) : -1;
}

pid_t worker_of(pid_t master, int i)
{
	WAIT_UNTIL(child_of(master, i) > 0);
	if (child_of(master, i) < 0)
		fail_msg("process %d has no worker %d", master, i);
	return child_of(master, i);
}

/* A process watches descriptors of its own before its listeners; it waits when it has all. */
static bool waits_for_events(pid_t pid)
{
	return run_succeeds("grep -q 'ep_poll\\|epoll_wait' /proc/%d/wchan 2>/dev/null", pid);
}

/* Not in a loop of short pauses either. */
static bool process_waits(pid_t pid)
{
	char text[512];
	proc_read(pid, "stat", text, sizeof(text));
	const char *end = strrchr(text, ')');
	char now = end ? end[2] : 'Z';
	proc_read(pid, "syscall", text, sizeof(text));
	long call = atol(text);
	return now == 'T' || now == 'Z' ||
	       (now == 'S' && call != SYS_nanosleep && call != SYS_clock_nanosleep);
}

static bool all_asleep(void)
{
	DIR *all = opendir("/proc");
	bool wait = true;
	assert_non_null(all);
	for (struct dirent *d; wait && (d = readdir(all));) {
		pid_t pid = atoi(d->d_name);
		wait = pid <= 0 || pid == getpid() || process_waits(pid);
	}
	closedir(all);
	return wait;
}

void wait_asleep(void)
{
	bool wait = false;
	WAIT_UNTIL((wait = all_asleep()));
	assert_true(wait);
}

void servers_test_run(void **state)
{
	const struct servers_test *test = *state;
	if (!isolated)
		skip_because("this needs root and private namespaces");
	test->run(state);
}

/* Workers whose master has ended are children of this process, the first of its namespace. */
int servers_end(void **state)
{
	pid_t pid;
	while (isolated && (pid = child_of(getpid(), 0)) > 0)
		child_end(pid);
	return 0;
}

struct sockaddr_storage address_of(uint16_t port, bool ipv6)
{
	struct sockaddr_storage a = {0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a;
	if (ipv6)
		*v6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
					    .sin6_port = htons(port),
					    .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	else
		*v4 = (struct sockaddr_in){.sin_family = AF_INET,
					   .sin_port = htons(port),
					   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	return a;
}

struct sockaddr_un unix_address_of(const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", servers_directory, name);
	return a;
}

int bind_at(uint16_t port)
{
	struct sockaddr_storage a = address_of(port, false);
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)))
		_exit(1);
	return fd;
}

int listen_at(uint16_t port, int backlog)
{
	int fd = bind_at(port);
	if (listen(fd, backlog))
		_exit(1);
	return fd;
}

/* Of the listeners with that address, or where it is NULL at that port. */
static int depth_read(const char *address, uint16_t port)
{
	struct listeners all;
	struct host *h;
	struct err e;
	int depth = -1;
	assert_int_equal(host_open(&h, "/", &e), 0);
	assert_int_equal(listeners_read(h, &all, &e), 0);
	for (size_t i = 0; i < all.count; i++) {
		const struct listener *l = &all.at[i];
		if ((address ? !strcmp(l->address, address) : l->port == port) &&
		    (int)l->depth > depth)
			depth = (int)l->depth;
	}
	listeners_free(&all);
	host_close(h);
	return depth;
}

int depth_at(uint16_t port) { return depth_read(NULL, port); }

int depth_of(const char *address) { return depth_read(address, 0); }

void wait_depth(uint16_t port, int depth)
{
	int now = -1; /* more come and go meanwhile */
	WAIT_UNTIL((now = depth_at(port)) >= depth);
	assert_true(now >= depth);
}

void wait_listening(uint16_t port) { wait_depth(port, 0); }

void wait_drained(uint16_t port)
{
	int now = -1;
	WAIT_UNTIL((now = depth_at(port)) <= 8);
	assert_true(now <= 8);
}

static void clients_arrive(const void *arg)
{
	static int open[1500];
	const struct sockaddr_storage *to = arg;
	for (size_t i = 0;; i = (i + 1) % 1500) {
		if (open[i])
			close(open[i]);
		open[i] = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(open[i], (const struct sockaddr *)to, sizeof(*to));
		pause_ms(1);
	}
}

void arrive(uint16_t port, bool ipv6)
{
	struct sockaddr_storage to = address_of(port, ipv6);
	child_start(clients_arrive, &to);
}

void must_have(const char *program)
{
	if (!run_succeeds("command -v %s", program))
		skip_because("%s is not installed", program);
}

void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

pid_t nginx_start(int workers, const char *options)
{
	const char *d = servers_directory;
	char path[128], text[1024];
	snprintf(path, sizeof(path), "%s/nginx.conf", d);
	snprintf(text, sizeof(text),
		 "daemon off; user root; worker_processes %d; pid %s/pid; error_log /dev/null;\n"
		 "events { worker_connections 8192; }\n"
		 "http { access_log off; client_body_temp_path %s/1; proxy_temp_path %s/2;\n"
		 "fastcgi_temp_path %s/3; uwsgi_temp_path %s/4; scgi_temp_path %s/5;\n"
		 "server { listen %d%s; listen [::]:%d%s; return 200; } }\n",
		 workers, d, d, d, d, d, d, NGINX_PORT, options, NGINX_PORT6, options);
	file_write(path, text);
	pid_t master = program_spawn((const char *[]){"nginx", "-c", path, NULL});
	wait_listening(NGINX_PORT);
	wait_listening(NGINX_PORT6);
	for (int i = 0; i < workers; i++) {
		bool waits = false;
		WAIT_UNTIL((waits = waits_for_events(worker_of(master, i))));
		assert_true(waits);
	}
	return master;
}

const char *named(const char *process, pid_t pid, const char *address)
{
	static char text[192];
	snprintf(text, sizeof(text), "%s (pid %d) on %s: ", process, pid, address);
	return text;
}

const char *answer_of(const struct checked *c)
{
	return checked_text(json_object_get(c->report, "summary"), "answer");
}

bool report_healthy(const struct checked *c)
{
	size_t i;
	json_t *f;
	bool healthy = !c->status;
	json_array_foreach(json_object_get(c->report, "findings"), i, f)
	{
		const char *level = checked_text(f, "level");
		if (strcmp(level, "warning") != 0 && strcmp(level, "critical") != 0)
			continue;
		healthy = false;
		print_error("%s: %s: %s\n", checked_text(f, "id"), checked_text(f, "title"),
			    checked_text(f, "detail"));
	}
	if (!healthy)
		print_error("status %d: %s\n", c->status, answer_of(c));
	return healthy;
}

void assert_healthy(const struct checked *c) { assert_true(report_healthy(c)); }

/* Makes the namespaces; false: this machine does not allow them. */
static bool isolate(void)
{
	return geteuid() == 0 && unshare(CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWNS) == 0;
}

/* The first process of the namespace: all others end with it. */
static bool settle(void)
{
	struct rlimit files;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	return loopback_up() && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("proc", "/proc", "proc", 0, NULL) == 0 &&
	       mount("none", servers_directory, "tmpfs", 0, "mode=755") == 0;
}

int servers_main(int (*tests)(void))
{
	int status = 1;
	isolated = isolate();
	if (!isolated)
		return tests();
	if (!mkdtemp(servers_directory))
		return 1;
	fflush(NULL);
	pid_t pid = fork();
	if (!pid) {
		isolated = settle();
		exit(tests());
	}
	if (pid > 0 && waitpid(pid, &status, 0) == pid)
		status = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	umount2(servers_directory, MNT_DETACH);
	/* No process can start here any more, also not LeakSanitizer's. */
	_exit(rmdir(servers_directory) ? 1 : status);
}
