/* The time of check --quick beside many connections and listeners, in a network namespace of its
 * own: medians over rounds, with the CPU time. Not a test. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "epolltune/order.h"

#define CONNECTIONS 100000
#define LISTENERS 200
/* Both ends count against the limit on descriptors of a process. */
#define EACH 8000
#define HOLDERS ((CONNECTIONS + EACH - 1) / EACH)
#define ROUNDS 11

static pid_t holders[HOLDERS];

static void die(const char *what)
{
	fprintf(stderr, "bench_busy: %s: %s\n", what, strerror(errno));
	for (size_t i = 0; i < HOLDERS; i++)
		if (holders[i] > 0)
			kill(holders[i], SIGKILL);
	exit(3);
}

static struct sockaddr_in address(unsigned net, unsigned host, uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(0x7f000000u | net << 8 | host)};
}

static int listen_on(const struct sockaddr_in *a)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)a, sizeof(*a)) || listen(fd, 128))
		die("listen");
	return fd;
}

/* Connects to itself so many times, says so and waits. */
static void hold(unsigned i, unsigned count, int ready)
{
	struct sockaddr_in server = address(0, i + 2, 9000), client = address(1, i + 2, 0);
	int fd = listen_on(&server);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned k = 0; k < count; k++) {
		int one = 1, c = socket(AF_INET, SOCK_STREAM, 0);
		setsockopt(c, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
		if (bind(c, (struct sockaddr *)&client, sizeof(client)) ||
		    connect(c, (struct sockaddr *)&server, sizeof(server)) ||
		    accept(fd, NULL, NULL) < 0)
			die("connect");
	}
	if (write(ready, "", 1) != 1)
		die("write");
	for (;;)
		pause();
}

static double ms_of(struct timeval t) { return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3; }

static void measure(const char *program, const char *const *options, const char *name)
{
	double ms[ROUNDS], cpu = 0;
	for (int i = 0; i < ROUNDS; i++) {
		const char *argv[8] = {program};
		struct timespec begin, end;
		struct rusage usage;
		size_t n = 1;
		for (size_t k = 0; options[k]; k++)
			argv[n++] = options[k];
		clock_gettime(CLOCK_MONOTONIC, &begin);
		pid_t pid = fork();
		if (!pid) {
			int null = open("/dev/null", O_RDWR);
			dup2(null, 1);
			dup2(null, 2);
			execvp(program, (char *const *)argv);
			_exit(127);
		}
		if (wait4(pid, NULL, 0, &usage) < 0)
			die("wait");
		clock_gettime(CLOCK_MONOTONIC, &end);
		ms[i] = (double)(end.tv_sec - begin.tv_sec) * 1e3 +
			(double)(end.tv_nsec - begin.tv_nsec) / 1e6;
		cpu += (ms_of(usage.ru_utime) + ms_of(usage.ru_stime)) / ROUNDS;
	}
	qsort(ms, ROUNDS, sizeof(*ms), double_compare);
	printf("%-44s %6.0f %6.0f %6.0f %6.0f\n", name, ms[ROUNDS / 2], ms[0], ms[ROUNDS - 1], cpu);
}

static void file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

int main(void)
{
	static const struct {
		const char *name;
		const char *options[6];
	} rows[] = {
		{"check --quick", {"check", "--quick"}},
		{"check --quick --server :20007", {"check", "--quick", "--server", ":20007"}},
		{"check --quick --server 127.0.0.3:9000",
		 {"check", "--quick", "--server", "127.0.0.3:9000"}},
	};
	const char *program = getenv("PROGRAM");
	struct rlimit limit;
	int ready[2];
	char byte;
	if (!program || unshare(CLONE_NEWNET) || system("ip link set lo up") || pipe(ready))
		die("needs PROGRAM, root and a network namespace");
	file_write("/proc/sys/net/ipv4/ip_local_port_range", "1024 65535");
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	for (unsigned i = 0; i < HOLDERS; i++) {
		unsigned left = CONNECTIONS - i * EACH;
		holders[i] = fork();
		if (!holders[i])
			hold(i, left < EACH ? left : EACH, ready[1]);
	}
	close(ready[1]);
	for (unsigned i = 0; i < HOLDERS; i++)
		if (read(ready[0], &byte, 1) != 1)
			die("a process that holds connections has ended");
	for (unsigned i = 0; i < LISTENERS; i++) {
		struct sockaddr_in a = address(0, 1, (uint16_t)(20000 + i));
		listen_on(&a);
	}
	printf("%-44s %6s %6s %6s %6s\n", "beside 100 000 connections, 200 listeners", "ms", "min",
	       "max", "CPU");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		measure(program, rows[i].options, rows[i].name);
	const char *ss[] = {"-ltn", NULL};
	measure("ss", ss, "ss -ltn");
	for (size_t i = 0; i < HOLDERS; i++) {
		kill(holders[i], SIGKILL);
		waitpid(holders[i], NULL, 0);
	}
	return 0;
}
