#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/interrupt.h"
#include "base/notify.h"
#include "commands/command.h"
#include "engine/cpus.h"
#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/counters.h"
#include "epolltune/host.h"
#include "epolltune/quantity.h"
#include "epolltune/server.h"
#include "host/address.h"

#define DAY_US 86400000000u
#define SECOND_NS 1000000000u
#define HEADER_EACH 20 /* lines of statistics between two headers */

struct serve_arguments {
	struct server_config server;
	const char *listen;
	uint16_t port;
	uint64_t duration_us; /* 0: runs until a signal */
	bool quiet;
};
#define AT(member) OPTION_AT(struct serve_arguments, member)

static const struct option_row options[] = {
	{"listen", "ADDRESS", "IPv4 or IPv6 address to listen on", AT(listen), TEXT(NULL)},
	{"port", "N", "TCP port to listen on", AT(port), NUMBER(COUNT, 1, 65535)},
	{"protocol", "NAME", "what to answer", AT(server.protocol), CHOICE("echo,http")},
	{"workers", "N", "number of processes or threads (one per CPU)", AT(server.workers),
	 NUMBER(COUNT, 1, SERVER_WORKERS)},
	{"share", "HOW", "", AT(server.share), CHOICE(SERVER_SHARES)},
	{"mode", "MODE", "epoll mode", AT(server.mode), CHOICE(SERVER_MODES)},
	{"backlog", "N", "backlog passed to listen()", AT(server.backlog),
	 NUMBER(COUNT, 1, INT_MAX)},
	{"close", NULL, "close each connection after the first reply", AT(server.close_after_reply),
	 FLAG},
	{"duration", "TIME", "exit after TIME", AT(duration_us), NUMBER(DURATION, 1, DAY_US)},
	{"quiet", NULL, "print nothing", AT(quiet), FLAG},
	{0},
};

/* Take over a socket from the service manager. */
static int take_listener(struct serve_arguments *a, const struct given *given, struct err *e)
{
	int fd = notify_listener(e);
	if (fd == -1)
		return 0;
	if (fd < 0)
		return fd;
	if (given_option(given, "listen") || given_option(given, "port"))
		return err_set(e, EINVAL,
			       "serve: the service manager passed a socket; remove --listen and "
			       "--port");
	a->server.listener = fd;
	if (a->server.share == SERVER_REUSEPORT)
		a->server.share = SERVER_EXCLUSIVE;
	return 0;
}

/* The columns of the statistics. */
static const struct stats_column {
	const char *name;
	int width;
	enum quantity_kind kind;
	size_t offset; /* into struct server_sum */
} columns[] = {
	{"accepted/s", 12, QUANTITY_COUNT, offsetof(struct server_sum, accepted)},
	{"reads/s", 11, QUANTITY_COUNT, offsetof(struct server_sum, requests)},
	{"received/s", 12, QUANTITY_SIZE, offsetof(struct server_sum, bytes)},
	{"wakeups/s", 11, QUANTITY_COUNT, offsetof(struct server_sum, wakeups)},
	{"resets/s", 10, QUANTITY_COUNT, offsetof(struct server_sum, resets)},
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static void header_print(void)
{
	printf("%8s%10s", "time", "open");
	for (size_t i = 0; i < COLUMNS; i++)
		printf("%*s", columns[i].width, columns[i].name);
	putchar('\n');
}

static uint64_t rate_of(const struct server_sum *now, const struct server_sum *before,
			size_t offset, double seconds)
{
	uint64_t a, b;
	memcpy(&a, (const char *)now + offset, sizeof(a));
	memcpy(&b, (const char *)before + offset, sizeof(b));
	return (uint64_t)((double)(a - b) / seconds + 0.5);
}

/* Print one line of statistics since the last one. */
static void stats_print(const struct server_sum *now, const struct server_sum *before,
			double seconds, double since_start)
{
	uint64_t open = now->accepted > now->closed ? now->accepted - now->closed : 0;
	printf("%6.0f s%10s", since_start, quantity_show(QUANTITY_COUNT, open).text);
	for (size_t i = 0; i < COLUMNS; i++) {
		uint64_t rate = rate_of(now, before, columns[i].offset, seconds);
		printf("%*s", columns[i].width, quantity_show(columns[i].kind, rate).text);
	}
	uint64_t refused = rate_of(now, before, offsetof(struct server_sum, refused), seconds);
	if (refused)
		printf("  %s refused/s", quantity_show(QUANTITY_COUNT, refused).text);
	if (now->accept_fails != before->accept_fails)
		printf("  accept: %s", strerror(now->accept_errno));
	putchar('\n');
	fflush(stdout);
}

static void summary_print(const struct server_sum *now, double seconds)
{
	printf("served %s, %s, %s in %.1f s; %s reset, %s refused\n",
	       quantity_of(now->accepted, "connection").text,
	       quantity_of(now->requests, "read").text,
	       quantity_show(QUANTITY_SIZE, now->bytes).text, seconds,
	       quantity_show(QUANTITY_COUNT, now->resets).text,
	       quantity_show(QUANTITY_COUNT, now->refused).text);
}

/* Wait for a signal until a deadline. Returns the signal, or 0. */
static int signal_await(const sigset_t *set, uint64_t until_ns)
{
	uint64_t now = clock_ns(), left = until_ns > now ? until_ns - now : 0;
	struct timespec t = {(time_t)(left / 1000000000), (long)(left % 1000000000)};
	int signal = sigtimedwait(set, NULL, &t);
	return signal > 0 ? signal : 0;
}

static int serve_loop(struct server *server, const struct serve_arguments *a, const sigset_t *set,
		      struct err *e)
{
	struct server_sum before = server_sum(server), now;
	uint64_t start = clock_ns(), last = start, due = start + SECOND_NS;
	uint64_t end = a->duration_us ? start + a->duration_us * 1000 : UINT64_MAX;
	int signal = 0, rc = 0;
	unsigned lines = 0;
	while (rc == 0 && signal != SIGTERM && signal != SIGINT && clock_ns() < end &&
	       !ferror(stdout)) {
		uint64_t next = due < end ? due : end;
		signal = signal_await(set, next);
		rc = server_check(server, e);
		now = server_sum(server);
		uint64_t at = clock_ns();
		if (at < next)
			continue;
		while (due <= at)
			due += SECOND_NS;
		/* Too short for a rate: the next line or the summary counts it. */
		if (at - last < SECOND_NS / 2)
			continue;
		if (!a->quiet && lines++ % HEADER_EACH == 0)
			header_print();
		if (!a->quiet)
			stats_print(&now, &before, (double)(at - last) / 1e9,
				    (double)(at - start) / 1e9);
		before = now;
		last = at;
	}
	now = server_sum(server);
	if (!a->quiet)
		summary_print(&now, (double)(clock_ns() - start) / 1e9);
	return rc;
}

/* Print a line if the kernel's count of connections differs from the server's. */
static void opens_compare(const struct host *h, const struct host_counters *before,
			  uint64_t accepted)
{
	static struct host_counters after;
	if (host_counters(h, &after, NULL) < 0)
		return;
	int64_t kernels = host_counter_delta(before, &after, COUNTER_PASSIVE_OPENS);
	double off = (double)kernels - (double)accepted;
	if (kernels >= 0 && (off > 0.005 * (double)accepted || -off > 0.005 * (double)accepted))
		printf("epolltune counts %llu connections, the kernel %lld (PassiveOpens of this "
		       "network namespace, which includes other servers)\n",
		       (unsigned long long)accepted, (long long)kernels);
}

static int serve_run(const struct serve_arguments *a, struct err *e)
{
	static const int taken[] = {SIGTERM, SIGINT, SIGCHLD};
	const struct task_context here = {0};
	static struct server server;
	static struct host_counters before;
	CLEAN(host_closep) struct host *host = NULL;
	char address[ENDPOINT_TEXT];
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		if (!interrupt_ignored(taken[i]))
			sigaddset(&set, taken[i]);
	/* Block the signals, also in the workers; only sigtimedwait() takes them. */
	sigprocmask(SIG_BLOCK, &set, NULL);
	bool counted = host_open(&host, "/", NULL) == 0 && host_counters(host, &before, NULL) == 0;
	int rc = server_start(&server, &here, &a->server, e);
	if (rc < 0)
		return rc;
	if (!a->quiet) {
		printf("listening on %s, protocol %s, %s, mode %s, share %s%s\n",
		       a->server.listener > 0 ? "the socket from the service manager"
					      : endpoint_format(address, &server.address),
		       protocol_name(a->server.protocol),
		       quantity_of(a->server.workers, "worker").text,
		       server_mode_name(a->server.mode), server_share_name(a->server.share),
		       a->server.close_after_reply ? ", close after the first reply" : "");
		fflush(stdout);
	}
	notify_send("READY=1");
	rc = serve_loop(&server, a, &set, e);
	notify_send("STOPPING=1");
	if (counted && !a->quiet)
		opens_compare(host, &before, server_sum(&server).accepted);
	if (server_stop(&server) < 0 && rc == 0)
		rc = err_set(e, ECHILD, "serve: a worker did not exit in time");
	return rc;
}

static int serve(void *arguments, const struct given *given)
{
	struct serve_arguments *a = arguments;
	struct err e = {0};
	if (!a->server.workers)
		a->server.workers = cpus_count() < SERVER_WORKERS ? cpus_count() : SERVER_WORKERS;
	/* leader-follower needs EPOLLONESHOT. */
	if (a->server.share == SERVER_FOLLOWERS && !given_option(given, "mode"))
		a->server.mode = SERVER_ONESHOT;
	if (address_parse("--listen", a->listen, false, &a->server.address, &e))
		return command_error(&e);
	endpoint_set_port(&a->server.address, a->port);
	if (take_listener(a, given, &e) || serve_run(a, &e))
		return command_error(&e);
	return EXIT_OK;
}

static const struct serve_arguments defaults = {
	.server = {.backlog = 4096, .listener = -1},
	.listen = "127.0.0.1",
	.port = 7007,
};

const struct command serve_command = {
	.name = "serve",
	.arguments = "",
	.summary = "Run the epoll test server, for echo or HTTP",
	.options = options,
	.defaults = &defaults,
	.size = sizeof(defaults),
	.run = serve,
};
