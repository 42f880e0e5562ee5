/* The delay wire: delay, pacing, loss and clean-up. */
#include "../support/support.h"
#include "epolltune/lab.h"
#include "epolltune/task.h"
#include "epolltune/wire.h"

#include "host/compat.h"
#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT htons(7777)
#define PINGS 5

static struct host *host;
static struct lab *lab;

static int teardown(void **state)
{
	lab_close(lab);
	lab = NULL;
	return 0;
}

static void lab_make(uint64_t rtt_us, uint64_t bandwidth_bps, double loss)
{
	struct err e = {0};
	struct lab_options options = {.wire = LAB_WIRE_DELAY,
				      .rtt_us = rtt_us,
				      .bandwidth_bps = bandwidth_bps,
				      .loss = loss,
				      .seed = 7};
	lab_close(lab);
	lab = NULL;
	int rc = lab_open(&lab, &options, host, &e);
	if (rc == -EPERM || rc == -EACCES || rc == -ENOENT)
		skip_because("%s", e.text);
	if (rc)
		fail_msg("%s", e.text);
}

static struct sockaddr_in server_address(void)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = PORT,
				    .sin_addr = lab_address(lab, LAB_SERVER, 0).v4.sin_addr};
}

struct pings {
	struct sockaddr_in server;
	unsigned answered;
	uint64_t ns[PINGS];
};

static int echo_task(struct task_port *port, void *arg)
{
	struct pings *p = arg;
	char byte;
	int sock = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(sock, (struct sockaddr *)&p->server, sizeof(p->server)))
		return -errno;
	task_answer(port, 0, NULL, NULL, 0);
	for (;;) {
		struct pollfd fds[] = {{port->channel, POLLIN, 0}, {sock, POLLIN, 0}};
		struct sockaddr_in from;
		socklen_t size = sizeof(from);
		poll(fds, 2, WITHIN_MS);
		if (!fds[1].revents)
			return 0;
		recvfrom(sock, &byte, 1, 0, (struct sockaddr *)&from, &size);
		sendto(sock, &byte, 1, 0, (struct sockaddr *)&from, size);
	}
}

static int ping_task(struct task_port *port, void *arg)
{
	struct pings *p = arg;
	int sock = socket(AF_INET, SOCK_DGRAM, 0);
	connect(sock, (struct sockaddr *)&p->server, sizeof(p->server));
	for (unsigned i = 0; i < PINGS; i++) {
		struct pollfd fd = {sock, POLLIN, 0};
		char byte = (char)i, answer;
		uint64_t sent = clock_ns();
		send(sock, &byte, 1, 0);
		if (poll(&fd, 1, WITHIN_MS) != 1 || recv(sock, &answer, 1, 0) != 1 ||
		    answer != byte)
			break;
		p->ns[p->answered++] = clock_ns() - sent;
	}
	task_answer(port, 0, NULL, NULL, 0);
	return 0;
}

static void start(enum lab_host where, task_main main, void *arg, struct task *task)
{
	struct err e = {0};
	if (task_start(task, &(struct task_context){lab, where}, main, arg, &e))
		fail_msg("%s", e.text);
}

/* Waits for the answer to the start. */
static void await(struct task *task)
{
	struct err e = {0};
	if (task_await(task, NULL, 0, 2 * WITHIN_MS, &e))
		fail_msg("%s", e.text);
}

static struct pings *ping(uint64_t rtt_us)
{
	struct err e = {0};
	struct task server, client;
	lab_make(rtt_us, 0, 0);
	struct pings *p = lab_alloc(lab, sizeof(*p), &e);
	assert_non_null(p);
	p->server = server_address();
	start(LAB_SERVER, echo_task, p, &server);
	await(&server);
	start(LAB_CLIENT, ping_task, p, &client);
	await(&client);
	task_end(&client);
	task_end(&server);
	assert_int_equal(p->answered, PINGS);
	return p;
}

/* And more on a busy machine: test_delay_line tests when a packet is due. */
static void a_ping_of_40_ms_takes_40_ms(void **state)
{
	struct pings *far = ping(40000);
	for (unsigned i = 0; i < PINGS; i++)
		assert_true(far->ns[i] >= 40000000u);
	const struct wire_stats *wire = lab_wire_look(lab);
	assert_true(wire->way[LAB_CLIENT].packets >= PINGS);
	assert_true(wire->way[LAB_SERVER].packets >= PINGS);
	assert_true(wire->error.total >= 2 * PINGS);
	assert_int_equal(wire->ended, 0);
}

/* A stream of known bytes from the client to the server. */
struct bulk {
	struct sockaddr_in server;
	uint64_t size;
	bool deaf;     /* the server does not read */
	uint64_t good; /* bytes received in order and unchanged */
	uint64_t wrong;
	uint64_t sent;
};

static unsigned char stream_byte(uint64_t at) { return (unsigned char)(at * 2654435761u >> 13); }

static int drain_task(struct task_port *port, void *arg)
{
	static unsigned char buf[1 << 18];
	struct bulk *b = arg;
	ssize_t n;
	int sock = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(sock, (struct sockaddr *)&b->server, sizeof(b->server)) || listen(sock, 1))
		return -errno;
	task_answer(port, 0, NULL, NULL, 0);
	int conn = accept(sock, NULL, NULL);
	if (b->deaf)
		task_hear(port, NULL, 0);
	while ((n = recv(conn, buf, sizeof(buf), 0)) > 0)
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] == stream_byte(b->good + b->wrong))
				b->good++;
			else
				b->wrong++;
	if (task_hear(port, NULL, 0))
		task_answer(port, 0, NULL, NULL, 0);
	return 0;
}

static int stream_task(struct task_port *port, void *arg)
{
	static unsigned char buf[1 << 16];
	struct bulk *b = arg;
	int sock = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(sock, (struct sockaddr *)&b->server, sizeof(b->server)))
		return -errno;
	while (b->sent < b->size) {
		size_t n = b->size - b->sent < sizeof(buf) ? b->size - b->sent : sizeof(buf);
		for (size_t i = 0; i < n; i++)
			buf[i] = stream_byte(b->sent + i);
		ssize_t done = send(sock, buf, n, MSG_NOSIGNAL);
		if (done < 0)
			return -errno;
		b->sent += (uint64_t)done;
		if (b->deaf && b->sent >= 1 << 16)
			task_answer(port, 0, NULL, NULL, 0);
	}
	return 0;
}

static struct bulk *bulk(uint64_t size, bool deaf, struct task *server, struct task *client)
{
	struct err e = {0};
	struct bulk *b = lab_alloc(lab, sizeof(*b), &e);
	assert_non_null(b);
	*b = (struct bulk){.server = server_address(), .size = size, .deaf = deaf};
	start(LAB_SERVER, drain_task, b, server);
	await(server);
	start(LAB_CLIENT, stream_task, b, client);
	return b;
}

static void bulk_arrives(uint64_t size)
{
	struct task server, client;
	struct bulk *b = bulk(size, false, &server, &client);
	if (task_ask(&server, NULL, 0, NULL, 0, 2 * WITHIN_MS, NULL))
		fail_msg("the server does not answer");
	task_end(&server);
	task_end(&client);
	assert_int_equal(b->good, size);
	assert_int_equal(b->wrong, 0);
	assert_true(lab_wire_look(lab)->way[LAB_CLIENT].bytes >= size);
}

static void a_stream_arrives_complete(void **state)
{
	lab_make(2000, 0, 0);
	bulk_arrives(64 << 20);
	assert_int_equal(lab_wire_look(lab)->way[LAB_CLIENT].lost, 0);
}

static void a_stream_survives_loss_and_a_short_queue(void **state)
{
	lab_make(2000, 200000000, 0.01);
	bulk_arrives(4 << 20);
	const struct wire_way *way = &lab_wire_look(lab)->way[LAB_CLIENT];
	/* About 2900 packets of 1500 bytes or fewer: 29 expected. */
	assert_in_range(way->lost, 5, 150);
	assert_true(way->packets > 2500);
}

static void pacing_limits_the_throughput(void **state)
{
	lab_make(1000, 80000000, 0);
	uint64_t start = clock_ns();
	bulk_arrives(2 << 20);
	/* 2 MiB at 10 MB/s. */
	assert_true(clock_ns() - start >= 209000000u);
}

static unsigned group_size(void)
{
	unsigned count = 0;
	DIR *proc = opendir("/proc");
	assert_non_null(proc);
	for (struct dirent *d; (d = readdir(proc));) {
		char path[300];
		int group;
		snprintf(path, sizeof(path), "/proc/%s/stat", d->d_name);
		FILE *f = d->d_name[0] >= '0' && d->d_name[0] <= '9' ? fopen(path, "re") : NULL;
		if (!f)
			continue;
		if (fscanf(f, "%*d (%*[^)]) %*c %*d %d", &group) == 1 && group == getpgrp())
			count++;
		fclose(f);
	}
	closedir(proc);
	return count;
}

static void closing_a_lab_kills_blocked_tasks_and_the_relay(void **state)
{
	struct task server, client;
	setpgid(0, 0);
	unsigned before = group_size();
	lab_make(1000, 0, 0);
	/* A client blocked in send(): the server does not read. */
	bulk(UINT64_MAX, true, &server, &client);
	await(&client);
	assert_true(group_size() >= before + 5);
	lab_close(lab);
	lab = NULL;
	assert_int_equal(group_size(), before);
	task_end(&server);
	task_end(&client);
}

static bool close_range_refuse(void)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {.len = 4, .filter = program};
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/* Counts the descriptors of a process and the TUN devices among them; 0 if unreadable. */
static unsigned descriptors_of(const char *pid, unsigned *tuns)
{
	char path[300], target[64];
	unsigned count = 0;
	*tuns = 0;
	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	DIR *dir = opendir(path);
	for (struct dirent *d; dir && (d = readdir(dir));) {
		if (d->d_name[0] == '.')
			continue;
		ssize_t n = readlinkat(dirfd(dir), d->d_name, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = 0;
		*tuns += !strcmp(target, "/dev/net/tun");
		count++;
	}
	if (dir)
		closedir(dir);
	return count;
}

/* Whether the relay in this process group has only its two devices and the standard streams. */
static bool relay_is_bare(void)
{
	bool bare = false;
	DIR *proc = opendir("/proc");
	for (struct dirent *d; proc && (d = readdir(proc));) {
		unsigned tuns;
		if (d->d_name[0] < '0' || d->d_name[0] > '9' ||
		    getpgid(atoi(d->d_name)) != getpgrp())
			continue;
		unsigned count = descriptors_of(d->d_name, &tuns);
		bare |= tuns == 2 && count == 5;
	}
	if (proc)
		closedir(proc);
	return bare;
}

static int relay_without_close_range(void)
{
	struct err e = {0};
	struct lab_options options = {.wire = LAB_WIRE_DELAY, .rtt_us = 1000};
	struct lab *own = NULL;
	setpgid(0, 0);
	if (!close_range_refuse() || lab_open(&own, &options, host, &e))
		return 77;
	bool bare;
	WAIT_UNTIL((bare = relay_is_bare()));
	lab_close(own);
	return bare ? 0 : 1;
}

/* As before 5.9, and where a container's filter refuses close_range(2). */
static void the_relay_keeps_two_devices_without_close_range(void **state)
{
	int status = 0;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(relay_without_close_range());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip_because("no seccomp filter or no delay wire here");
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void impossible_paths_are_refused(void **state)
{
	static const struct {
		struct lab_options options;
		int rc;
		const char *word;
	} cases[] = {
		{{.rtt_us = 1000001}, -ERANGE, "1 s"},
		{{.rtt_us = 1000000, .bandwidth_bps = 10000000000u}, -ERANGE, "256 MiB"},
		{{.rtt_us = UINT64_MAX, .bandwidth_bps = UINT64_MAX}, -ERANGE, "1 s"},
		{{.loss = 1.5}, -EINVAL, "1.5"},
		{{.loss = -0.1}, -EINVAL, "-0.1"},
		{{.place = LAB_IN_PLACE}, -EOPNOTSUPP, "private lab"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct err e = {0};
		struct lab_options options = cases[i].options;
		options.wire = LAB_WIRE_DELAY;
		assert_int_equal(lab_open(&lab, &options, host, &e), cases[i].rc);
		assert_non_null(strstr(e.text, cases[i].word));
		assert_null(lab);
	}
}

static int open_host(void **state)
{
	struct err e = {0};
	return host_open(&host, "/", &e);
}

static int close_host(void **state)
{
	host_close(host);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_ping_of_40_ms_takes_40_ms, teardown),
		cmocka_unit_test_teardown(a_stream_arrives_complete, teardown),
		cmocka_unit_test_teardown(a_stream_survives_loss_and_a_short_queue, teardown),
		cmocka_unit_test_teardown(pacing_limits_the_throughput, teardown),
		cmocka_unit_test_teardown(closing_a_lab_kills_blocked_tasks_and_the_relay,
					  teardown),
		cmocka_unit_test(the_relay_keeps_two_devices_without_close_range),
		cmocka_unit_test(impossible_paths_are_refused),
	};
	return cmocka_run_group_tests(tests, open_host, close_host);
}
