#include "epolltune/semantics.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/sockets.h"
#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/task.h"
#include "host/processes.h"

#define PATIENCE_MS 2000 /* for an event that must occur; a late one is no deviation */
#define REPEATS 10       /* of a wait that must return the same each time */
#define WAITERS 4        /* processes at one listener */
#define SPINS 1000
#define COPY_PAIRS 32

/* What each check counts. `min` and `max` are the range promised by epoll(7), epoll_ctl(2) and
 * select(2). */
enum promise {
	LEVEL_FIRST,
	LEVEL_REPEATS,
	LEVEL_HALF_READ,
	LEVEL_DRAINED,
	EDGE_FIRST,
	EDGE_QUIET,
	EDGE_HALF_READ,
	EDGE_NEW_DATA,
	EDGE_LOST_ANSWERS,
	SPIN_OUT,
	SPIN_IN,
	SPIN_EDGE,
	ONESHOT_FIRST,
	ONESHOT_DISABLED,
	ONESHOT_REARMED,
	HERD_SHARED,
	HERD_EXCLUSIVE,
	DUP_REPORTS,
	DUP_DELETE,
	DUP_CLOSED,
	RDHUP_SEEN,
	RDHUP_NO_HUP,
	NESTED_READY,
	NESTED_DRAINED,
	NESTED_LOOP,
	COPY_MAPPINGS,
	COPY_MMAP,
	COPY_BEYOND,
	SELECT_SIZE,
	SELECT_KERNEL,
	CHECKS,
};

static const struct {
	const char *name, *finding, *expected;
	int64_t min, max;
} table[CHECKS] = {
	[LEVEL_FIRST] = {"level-first", "level-lost", "100 bytes arrive: one level-triggered event",
			 1, 1},
	[LEVEL_REPEATS] = {"level-repeats", "level-lost",
			   "nothing is read: each of 10 further waits reports it again", REPEATS,
			   REPEATS},
	[LEVEL_HALF_READ] = {"level-half-read", "level-lost",
			     "50 of the 100 bytes are read: the next wait reports the rest", 1, 1},
	[LEVEL_DRAINED] = {"level-drained", "level-spin",
			   "all is read: the next wait reports nothing", 0, 0},
	[EDGE_FIRST] = {"edge-first", "lost-edge", "100 bytes arrive: one edge-triggered event", 1,
			1},
	[EDGE_QUIET] = {"edge-quiet", "edge-repeats",
			"nothing is read: none of 10 further waits reports it", 0, 0},
	[EDGE_HALF_READ] = {"edge-half-read", "edge-repeats",
			    "50 of the 100 bytes are read: the rest is not reported", 0, 0},
	[EDGE_NEW_DATA] = {"edge-new-data", "lost-edge",
			   "new data after the unread bytes: one event", 1, 1},
	[EDGE_LOST_ANSWERS] = {"edge-undrained", "edge-repeats",
			       "two requests arrive at once and one is read: the other stays "
			       "unanswered until new data arrives",
			       1, 1},
	[SPIN_OUT] =
		{"spin-level-out", "level-lost",
		 "an idle connection watched for EPOLLOUT, level-triggered: each of 1000 waits "
		 "returns at once",
		 SPINS, SPINS},
	[SPIN_IN] = {"spin-level-in", "level-spin", "the same watched for EPOLLIN alone: no event",
		     0, 0},
	[SPIN_EDGE] = {"spin-edge-out", "edge-repeats",
		       "the same watched for EPOLLOUT, edge-triggered: one event in 10 waits", 1,
		       1},
	[ONESHOT_FIRST] = {"oneshot-first", "oneshot", "data arrives: one EPOLLONESHOT event", 1,
			   1},
	[ONESHOT_DISABLED] = {"oneshot-disabled", "oneshot",
			      "more data arrives: no event until the socket is re-armed", 0, 0},
	[ONESHOT_REARMED] = {"oneshot-rearmed", "oneshot",
			     "EPOLL_CTL_MOD re-arms it: one event for the unread data", 1, 1},
	[HERD_SHARED] = {"herd-shared", "exclusive",
			 "4 processes wait for one listener, each with its own set, and one client "
			 "connects: all 4 wake",
			 WAITERS, WAITERS},
	[HERD_EXCLUSIVE] = {"herd-exclusive", "exclusive",
			    "the same with EPOLLEXCLUSIVE: at least one wakes, not all", 1,
			    WAITERS - 1},
	[DUP_REPORTS] = {"dup-reports", "duplicate",
			 "a registered descriptor is closed, a duplicate is open: events continue",
			 1, 1},
	[DUP_DELETE] = {"dup-delete", "duplicate",
			"EPOLL_CTL_DEL of the closed descriptor fails with EBADF", EBADF, EBADF},
	[DUP_CLOSED] = {"dup-closed", "duplicate", "the last duplicate is closed: no more events",
			0, 0},
	[RDHUP_SEEN] = {"rdhup", "rdhup",
			"the peer shuts down its sending side: EPOLLRDHUP and EPOLLIN", 1, 1},
	[RDHUP_NO_HUP] = {"rdhup-not-hup", "rdhup", "no EPOLLHUP while this side can still send", 0,
			  0},
	[NESTED_READY] = {"nested-ready", "nested",
			  "a set inside another: its ready socket makes the outer one ready", 1, 1},
	[NESTED_DRAINED] = {"nested-drained", "nested",
			    "the socket is drained: the outer set reports nothing", 0, 0},
	[NESTED_LOOP] = {"nested-loop", "nested",
			 "a set added to a set that it holds is refused with ELOOP", ELOOP, ELOOP},
	[COPY_MAPPINGS] = {"copy-mappings", "shared-memory",
			   "a set with 64 sockets and a wait: no mapping is added to the process",
			   0, 0},
	[COPY_MMAP] = {"copy-mmap", "shared-memory", "mmap() of an epoll set fails with ENODEV",
		       ENODEV, ENODEV},
	[COPY_BEYOND] = {"copy-events", "shared-memory",
			 "3 of 64 sockets are ready: exactly 3 events are copied out", 3, 3},
	[SELECT_SIZE] = {"select-size", "select-size", "FD_SETSIZE is 1024", 1024, 1024},
	[SELECT_KERNEL] = {"select-kernel", "select-size",
			   "the limit is the C library's: the kernel accepts a descriptor above it",
			   1, 1},
};

/* The fixture of all experiments. */
struct semantics_fixture {
	const struct host *host;
	struct semantics *out;
	struct sockets s;  /* the even ones are the clients */
	size_t next;       /* each experiment takes its own */
	struct err *error; /* of the experiment that could not be set up */
};

struct semantics_connection {
	int client, server;
};

static struct semantics_connection connection_take(struct semantics_fixture *d)
{
	size_t i = 2 * d->next++;
	return (struct semantics_connection){d->s.fd[i], d->s.fd[i + 1]};
}

static void saw(struct semantics_fixture *d, enum promise c, int64_t seen)
{
	struct semantics_check *k = &d->out->at[c];
	k->seen = seen;
	k->state = seen >= k->min && seen <= k->max ? SEMANTICS_AS_EXPECTED : SEMANTICS_DEVIATES;
}

/* Creates a set that watches one descriptor; the caller closes it. */
static int set_of(struct semantics_fixture *d, int fd, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.fd = fd};
	int set = epoll_create1(EPOLL_CLOEXEC);
	if (set < 0)
		return err_errno(d->error, "epoll_create1");
	if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &ev) < 0) {
		err_errno(d->error, "EPOLL_CTL_ADD");
		close(set);
		return -d->error->code;
	}
	return set;
}

/* One wait, restarted when SIGSTOP and SIGCONT interrupt it (signal(7)). */
static int event_within(int set, struct epoll_event *ev, int timeout_ms)
{
	int n = (int)TEMP_FAILURE_RETRY(epoll_wait(set, ev, 1, timeout_ms));
	return n;
}

static int events_within(int set, int timeout_ms)
{
	struct epoll_event ev;
	return event_within(set, &ev, timeout_ms);
}

/* Waits for an event that must occur. */
static int event_awaited(int set) { return events_within(set, PATIENCE_MS); }

/* The sum of several waits that do not block. */
static int events_now(int set, int waits)
{
	int sum = 0;
	for (int i = 0; i < waits; i++)
		sum += events_within(set, 0);
	return sum;
}

/* Sends from the client and waits until the server has `unread` bytes: "no event" means something
 * only after the data has arrived. */
static int feed(struct semantics_fixture *d, struct semantics_connection p, size_t bytes,
		int unread)
{
	static const char data[128];
	uint64_t end = clock_ns() + PATIENCE_MS * 1000000ull;
	int there = 0;
	if (send(p.client, data, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
		return err_errno(d->error, "send over loopback");
	while (ioctl(p.server, FIONREAD, &there) == 0 && there < unread)
		if (clock_ns() > end)
			return err_set(d->error, ETIMEDOUT, "data does not arrive over loopback");
		else
			clock_sleep_ms(1);
	return 0;
}

/* Reads what is there, at most `bytes`. */
static void take(struct semantics_connection p, size_t bytes)
{
	char buf[256];
	(void)!recv(p.server, buf, bytes, MSG_DONTWAIT);
}

static int try_level(struct semantics_fixture *d)
{
	struct semantics_connection p = connection_take(d);
	CLEAN(close_fd) int set = set_of(d, p.server, EPOLLIN);
	if (set < 0 || feed(d, p, 100, 100) < 0)
		return -d->error->code;
	saw(d, LEVEL_FIRST, event_awaited(set));
	saw(d, LEVEL_REPEATS, events_now(set, REPEATS));
	take(p, 50);
	saw(d, LEVEL_HALF_READ, events_now(set, 1));
	take(p, 50);
	saw(d, LEVEL_DRAINED, events_now(set, 1));
	return 0;
}

static int try_edge(struct semantics_fixture *d)
{
	struct semantics_connection p = connection_take(d);
	CLEAN(close_fd) int set = set_of(d, p.server, EPOLLIN | EPOLLET);
	if (set < 0 || feed(d, p, 100, 100) < 0)
		return -d->error->code;
	saw(d, EDGE_FIRST, event_awaited(set));
	saw(d, EDGE_QUIET, events_now(set, REPEATS));
	take(p, 50);
	saw(d, EDGE_HALF_READ, events_now(set, 1));
	if (feed(d, p, 1, 51) < 0)
		return -d->error->code;
	saw(d, EDGE_NEW_DATA, event_awaited(set));
	return 0;
}

/* A server that reads one request per event, which is right with level triggering only. */
static int try_undrained(struct semantics_fixture *d)
{
	struct semantics_connection p = connection_take(d);
	CLEAN(close_fd) int set = set_of(d, p.server, EPOLLIN | EPOLLET);
	if (set < 0 || feed(d, p, 100, 100) < 0)
		return -d->error->code;
	int answered = 0;
	for (int ready = event_awaited(set); ready == 1 && answered < 2;
	     ready = events_now(set, 1)) {
		take(p, 50);
		answered++;
	}
	saw(d, EDGE_LOST_ANSWERS, 2 - answered);
	return 0;
}

static int try_spin(struct semantics_fixture *d)
{
	struct semantics_connection p = connection_take(d);
	CLEAN(close_fd) int set = set_of(d, p.server, EPOLLIN | EPOLLOUT);
	CLEAN(close_fd) int edge = set_of(d, p.server, EPOLLOUT | EPOLLET);
	if (set < 0 || edge < 0)
		return -d->error->code;
	int woken = 0;
	uint64_t start = clock_ns(), cpu = clock_cpu_ns();
	while (woken < SPINS && event_awaited(set) == 1)
		woken++;
	double elapsed = (double)(clock_ns() - start), used = (double)(clock_cpu_ns() - cpu);
	saw(d, SPIN_OUT, woken);
	if (woken == SPINS && elapsed > 0) {
		d->out->spin_wakeups_per_s = woken / elapsed * 1e9;
		d->out->spin_cpu = used < elapsed ? used / elapsed : 1;
		snprintf(d->out->at[SPIN_OUT].detail, sizeof(d->out->at[SPIN_OUT].detail),
			 "%.0f wakeups per second, %.0f %% of a CPU", d->out->spin_wakeups_per_s,
			 100 * d->out->spin_cpu);
	}
	struct epoll_event in = {.events = EPOLLIN};
	if (epoll_ctl(set, EPOLL_CTL_MOD, p.server, &in) < 0)
		return err_errno(d->error, "EPOLL_CTL_MOD");
	saw(d, SPIN_IN, events_now(set, REPEATS));
	saw(d, SPIN_EDGE, events_now(edge, REPEATS));
	return 0;
}

static int try_oneshot(struct semantics_fixture *d)
{
	struct semantics_connection p = connection_take(d);
	CLEAN(close_fd) int set = set_of(d, p.server, EPOLLIN | EPOLLONESHOT);
	if (set < 0 || feed(d, p, 1, 1) < 0)
		return -d->error->code;
	saw(d, ONESHOT_FIRST, event_awaited(set));
	if (feed(d, p, 1, 2) < 0)
		return -d->error->code;
	saw(d, ONESHOT_DISABLED, events_now(set, REPEATS));
	struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT};
	if (epoll_ctl(set, EPOLL_CTL_MOD, p.server, &ev) < 0)
		return err_errno(d->error, "EPOLL_CTL_MOD");
	saw(d, ONESHOT_REARMED, event_awaited(set));
	return 0;
}

/* A process that waits for the listener with its own set. It answers with its pid in /proc, which
 * may be of another PID namespace; asked to wait, it answers when it wakes. */
struct waiter {
	const struct host *host;
	int listener;
	uint32_t events;
	pid_t shown;
	bool woke;
};

static int waiter_main(struct task_port *port, void *arg)
{
	const struct waiter *w = arg;
	char stat[512];
	struct epoll_event ev = {.events = w->events, .data.fd = w->listener},
			   control = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = port->channel};
	int set = epoll_create1(EPOLL_CLOEXEC);
	if (set < 0 || epoll_ctl(set, EPOLL_CTL_ADD, w->listener, &ev) < 0)
		return err_errno(&port->e, "watch a listener");
	int rc = host_read(w->host, "proc/self/stat", stat, sizeof(stat), &port->e) < 0;
	pid_t shown = (pid_t)strtol(stat, NULL, 10);
	if (rc || !task_answer(port, 0, NULL, &shown, sizeof(shown)) || !task_hear(port, NULL, 0))
		return -ECHILD;
	epoll_ctl(set, EPOLL_CTL_ADD, port->channel, &control);
	if (event_within(set, &ev, -1) == 1 && ev.data.fd == w->listener)
		task_answer(port, 0, NULL, NULL, 0);
	task_hear(port, NULL, 0);
	return 0;
}

/* Receives the word of any waiter that woke; false if none comes in time. */
static bool waiter_hear(struct task tasks[WAITERS], struct waiter w[WAITERS], int timeout_ms)
{
	int i = task_select(tasks, WAITERS, timeout_ms);
	if (i < 0 || task_await(&tasks[i], NULL, 0, 0, NULL) < 0)
		return false;
	w[i].woke = true;
	return true;
}

/* Whether it sleeps, that is, is in its wait and was not woken. */
static bool waiter_sleeps(const struct waiter *w)
{
	struct process_stat stat;
	CLEAN(close_fd) int process = process_open(w->host, w->shown, NULL);
	return process >= 0 && !process_stat_at(process, w->shown, &stat, NULL) &&
	       stat.state == 'S';
}

static int waiters_start(struct semantics_fixture *d, int listener, uint32_t events,
			 struct task tasks[WAITERS], struct waiter w[WAITERS])
{
	const struct task_context here = {0};
	uint64_t end = clock_ns() + PATIENCE_MS * 1000000ull;
	int rc = 0;
	for (int i = 0; i < WAITERS && rc == 0; i++) {
		w[i] = (struct waiter){.host = d->host, .listener = listener, .events = events};
		rc = task_start(&tasks[i], &here, waiter_main, &w[i], d->error);
	}
	for (int i = 0; i < WAITERS && rc == 0; i++) {
		rc = task_await(&tasks[i], &w[i].shown, sizeof(w[i].shown), PATIENCE_MS, d->error);
		/* A request wakes it: it sleeps again in its wait only. */
		if (rc == 0)
			rc = task_send(&tasks[i], NULL, 0, d->error);
	}
	for (int i = 0; i < WAITERS && rc == 0; i++)
		while (!waiter_sleeps(&w[i]) && rc == 0) {
			if (clock_ns() > end)
				rc = err_set(d->error, ETIMEDOUT,
					     "the waiting processes did not go to sleep");
			clock_sleep_ms(1);
		}
	return rc;
}

static int waiters_woken(const struct waiter w[WAITERS])
{
	int woken = 0;
	for (int i = 0; i < WAITERS; i++)
		woken += w[i].woke;
	return woken;
}

/* The number of waiters that one connection wakes, of which `expected` must. After these, any other
 * that was woken reports it before it sleeps again. */
static int waiters_count(struct task tasks[WAITERS], struct waiter w[WAITERS], int expected)
{
	while (waiters_woken(w) < expected)
		if (!waiter_hear(tasks, w, PATIENCE_MS))
			return waiters_woken(w);
	uint64_t end = clock_ns() + PATIENCE_MS * 1000000ull;
	for (int i = 0; i < WAITERS; i++)
		while (!w[i].woke && !waiter_sleeps(&w[i]) && clock_ns() < end)
			waiter_hear(tasks, w, 1);
	while (waiter_hear(tasks, w, 0))
		;
	return waiters_woken(w);
}

static int connect_to(struct semantics_fixture *d, int listener)
{
	struct sockaddr_in to;
	socklen_t size = sizeof(to);
	CLEAN(close_fd) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || getsockname(listener, (struct sockaddr *)&to, &size) < 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return err_errno(d->error, "connect over loopback");
	int client = fd;
	fd = -1;
	return client;
}

static int herd(struct semantics_fixture *d, uint32_t events, unsigned index, enum promise check)
{
	struct task tasks[WAITERS] = {{0}};
	struct waiter w[WAITERS] = {{0}};
	CLEAN(close_fd) int listener = sockets_listener(1, index, 8, d->error);
	if (listener < 0)
		return listener;
	CLEAN(close_fd) int client = -1;
	int rc = waiters_start(d, listener, events, tasks, w);
	if (rc == 0)
		rc = client = connect_to(d, listener);
	if (rc >= 0)
		saw(d, check, waiters_count(tasks, w, (int)table[check].min));
	if (client >= 0)
		sockets_abort(client);
	task_end_all(tasks, WAITERS);
	return rc < 0 ? rc : 0;
}

static int try_herd(struct semantics_fixture *d) { return herd(d, EPOLLIN, 1, HERD_SHARED); }

static int try_exclusive(struct semantics_fixture *d)
{
	return herd(d, EPOLLIN | EPOLLEXCLUSIVE, 2, HERD_EXCLUSIVE);
}

static int try_duplicate(struct semantics_fixture *d)
{
	struct semantics_connection p = connection_take(d);
	int closed = fcntl(p.server, F_DUPFD_CLOEXEC, 0);
	if (closed < 0)
		return err_errno(d->error, "dup");
	CLEAN(close_fd) int set = set_of(d, closed, EPOLLIN);
	close(closed);
	if (set < 0 || feed(d, p, 1, 1) < 0)
		return -d->error->code;
	saw(d, DUP_REPORTS, event_awaited(set));
	saw(d, DUP_DELETE, epoll_ctl(set, EPOLL_CTL_DEL, closed, NULL) < 0 ? errno : 0);
	/* Keep the number in use, for sockets_close(). */
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || dup3(null, p.server, O_CLOEXEC) < 0)
		return err_errno(d->error, "dup3");
	close(null);
	saw(d, DUP_CLOSED, events_now(set, REPEATS));
	return 0;
}

static int try_rdhup(struct semantics_fixture *d)
{
	struct semantics_connection p = connection_take(d);
	struct epoll_event ev = {0};
	CLEAN(close_fd) int set = set_of(d, p.server, EPOLLIN | EPOLLRDHUP);
	if (set < 0)
		return set;
	shutdown(p.client, SHUT_WR);
	int n = event_within(set, &ev, PATIENCE_MS);
	saw(d, RDHUP_SEEN, n == 1 && ev.events & EPOLLRDHUP && ev.events & EPOLLIN);
	saw(d, RDHUP_NO_HUP, n == 1 && ev.events & EPOLLHUP);
	return 0;
}

static int try_nested(struct semantics_fixture *d)
{
	struct semantics_connection p = connection_take(d);
	CLEAN(close_fd) int inner = set_of(d, p.server, EPOLLIN);
	if (inner < 0)
		return inner;
	CLEAN(close_fd) int outer = set_of(d, inner, EPOLLIN);
	if (outer < 0 || feed(d, p, 1, 1) < 0)
		return -d->error->code;
	saw(d, NESTED_READY, event_awaited(outer));
	take(p, 1);
	saw(d, NESTED_DRAINED, events_now(outer, REPEATS));
	struct epoll_event ev = {.events = EPOLLIN};
	saw(d, NESTED_LOOP, epoll_ctl(inner, EPOLL_CTL_ADD, outer, &ev) < 0 ? errno : 0);
	return 0;
}

/* The number of mappings of the process, or a negative errno. */
static int mappings(struct semantics_fixture *d)
{
	CLEAN(free_pointer) char *text = NULL;
	int lines = 0;
	ssize_t n = host_read_all(d->host, "proc/self/maps", &text, d->error);
	if (n < 0)
		return (int)n;
	for (const char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	return lines;
}

/* The number of events copied to user space, once `ready` have arrived. */
static int events_copied(int set, int ready)
{
	struct epoll_event events[2 * COPY_PAIRS];
	static const struct epoll_event untouched = {.events = 0xa5a5a5a5, .data.u64 = 0xa5a5a5a5};
	uint64_t end = clock_ns() + PATIENCE_MS * 1000000ull;
	int n, written = 0;
	do {
		for (int i = 0; i < 2 * COPY_PAIRS; i++)
			events[i] = untouched;
		n = epoll_wait(set, events, 2 * COPY_PAIRS, 0);
	} while (n < ready && clock_ns() < end);
	for (int i = 0; i < 2 * COPY_PAIRS; i++)
		written += events[i].events != untouched.events ||
			   events[i].data.u64 != untouched.data.u64;
	return written;
}

static int try_copy(struct semantics_fixture *d)
{
	/* The first read grows the heap to its final size. */
	int before = mappings(d);
	before = mappings(d);
	if (before < 0)
		return before;
	size_t first = 2 * d->next;
	struct semantics_connection p = connection_take(d);
	CLEAN(close_fd) int set = set_of(d, p.server, EPOLLIN);
	if (set < 0)
		return set;
	for (size_t i = 0; i < 2 * COPY_PAIRS; i++) {
		struct epoll_event ev = {.events = EPOLLIN, .data.u64 = i};
		if (i != 1 && epoll_ctl(set, EPOLL_CTL_ADD, d->s.fd[first + i], &ev) < 0)
			return err_errno(d->error, "EPOLL_CTL_ADD");
	}
	d->next += COPY_PAIRS - 1;
	for (size_t i = 0; i < 3; i++) {
		struct semantics_connection q = {d->s.fd[first + 2 * i],
						 d->s.fd[first + 2 * i + 1]};
		if (feed(d, q, 1, 1) < 0)
			return -d->error->code;
	}
	saw(d, COPY_BEYOND, events_copied(set, 3));
	void *shared = mmap(NULL, 4096, PROT_READ, MAP_SHARED, set, 0);
	saw(d, COPY_MMAP, shared == MAP_FAILED ? errno : 0);
	if (shared != MAP_FAILED)
		munmap(shared, 4096);
	int after = mappings(d);
	if (after < 0)
		return after;
	saw(d, COPY_MAPPINGS, after - before);
	return 0;
}

static int try_select(struct semantics_fixture *d)
{
	saw(d, SELECT_SIZE, FD_SETSIZE);
	struct semantics_connection p = connection_take(d);
	unsigned long bits[2 * FD_SETSIZE / (8 * sizeof(unsigned long))] = {0};
	if (sockets_raise_limit() <= FD_SETSIZE + 1)
		return err_set(d->error, EMFILE, "RLIMIT_NOFILE leaves no descriptor above %d",
			       FD_SETSIZE);
	CLEAN(close_fd) int high = fcntl(p.server, F_DUPFD_CLOEXEC, FD_SETSIZE + 1);
	if (high < 0 || high >= 2 * FD_SETSIZE)
		return err_errno(d->error, "a descriptor above %d", FD_SETSIZE);
	if (feed(d, p, 1, 1) < 0)
		return -d->error->code;
	size_t word = 8 * sizeof(unsigned long);
	bits[(size_t)high / word] |= 1ul << (size_t)high % word;
	struct timespec patience = {.tv_sec = PATIENCE_MS / 1000};
	long n = TEMP_FAILURE_RETRY(
		syscall(SYS_pselect6, high + 1, bits, NULL, NULL, &patience, NULL));
	saw(d, SELECT_KERNEL, n);
	return 0;
}

/* Each experiment and its checks. */
static const struct {
	int (*run)(struct semantics_fixture *d);
	enum promise first, last;
} experiments[] = {
	{try_level, LEVEL_FIRST, LEVEL_DRAINED},
	{try_edge, EDGE_FIRST, EDGE_NEW_DATA},
	{try_undrained, EDGE_LOST_ANSWERS, EDGE_LOST_ANSWERS},
	{try_spin, SPIN_OUT, SPIN_EDGE},
	{try_oneshot, ONESHOT_FIRST, ONESHOT_REARMED},
	{try_herd, HERD_SHARED, HERD_SHARED},
	{try_exclusive, HERD_EXCLUSIVE, HERD_EXCLUSIVE},
	{try_duplicate, DUP_REPORTS, DUP_CLOSED},
	{try_rdhup, RDHUP_SEEN, RDHUP_NO_HUP},
	{try_nested, NESTED_READY, NESTED_LOOP},
	{try_copy, COPY_MAPPINGS, COPY_BEYOND},
	{try_select, SELECT_SIZE, SELECT_KERNEL},
};
#define EXPERIMENTS (sizeof(experiments) / sizeof(experiments[0]))

static void experiment_run(struct semantics_fixture *d, size_t i)
{
	*d->error = (struct err){0};
	if (experiments[i].run(d) == 0)
		return;
	for (int c = (int)experiments[i].first; c <= (int)experiments[i].last; c++) {
		struct semantics_check *k = &d->out->at[c];
		if (k->state == SEMANTICS_SKIPPED)
			snprintf(k->detail, sizeof(k->detail), "%.140s", d->error->text);
	}
}

int semantics_run(const struct host *h, struct semantics *out, struct err *e)
{
	struct err last;
	struct semantics_fixture d = {.host = h, .out = out, .error = &last};
	*out = (struct semantics){.count = CHECKS};
	for (int c = 0; c < CHECKS; c++)
		out->at[c] = (struct semantics_check){
			.name = table[c].name,
			.finding = table[c].finding,
			.expected = table[c].expected,
			.min = table[c].min,
			.max = table[c].max,
		};
	int rc = sockets_open(&d.s, 2 * (EXPERIMENTS + COPY_PAIRS), 0, e);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < EXPERIMENTS; i++)
		experiment_run(&d, i);
	sockets_close(&d.s);
	return 0;
}
