#include "engine/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "epolltune/clock.h"
#include "engine/cpus.h"
#include "engine/sockets.h"
#include "engine/usage.h"

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

#define EVENTS 512
#define BURST 64 /* connections started in a row */
/* Requests started in a row: more than are answered at a time, so that all get in flight. */
#define STARTS (2 * EVENTS)
#define STARVED_NS 1000000    /* pause when ports or descriptors ran out */
#define LATE_NS 1000000000ull /* after the end, for operations due before it */
#define MISSED_STEPS 1024     /* in which missed operations are counted */
#define LOOK_MS 100           /* between checks of the channel in blocking mode */
#define COLD 16               /* requests without a yield after one that brought no reply */
#define WINDOW_MS 10000       /* time for a server to accept a window of connections */
#define CONTROL UINT64_MAX    /* the channel's number in the epoll set */

static const char *const close_names[] = {
	[DRIVER_CLOSE_RESET] = "reset",
	[DRIVER_CLOSE_CLIENT] = "client",
	[DRIVER_CLOSE_SERVER] = "server",
};

const char *driver_close_name(enum driver_close c) { return close_names[c]; }

bool driver_close_parse(const char *name, enum driver_close *out)
{
	for (size_t i = 0; i < sizeof(close_names) / sizeof(close_names[0]); i++)
		if (strcmp(close_names[i], name) == 0) {
			*out = (enum driver_close)i;
			return true;
		}
	return false;
}

const char *driver_failure(int code)
{
	switch (code) {
	case EPIPE:
		return "the server closed the connection";
	case EPROTO:
		return "the reply is not an echo of the request";
	case ETIMEDOUT:
		return "no reply before the timeout";
	default:
		return strerror(code);
	}
}

enum state {
	FREE,
	CONNECTING, /* the request is sent after the handshake */
	OPEN,
	CLOSING, /* the reply is complete, the server must close */
};

/* A connection: 24 bytes, as there may be a million. */
struct slot {
	int fd;
	uint32_t got : 28, state : 3, registered : 1; /* bytes of the current reply */
	uint32_t unsent;                              /* bytes not sent yet */
	uint32_t under_way;                           /* requests in flight */
	uint64_t since; /* when the oldest operation in flight was due */
};

/* An operation needs a token to start: the number of a slot that can take one (more). */
struct tokens {
	uint32_t *ring;
	size_t size; /* a power of two */
	size_t head, tail;
};

struct driver {
	const struct driver_config *config;
	struct driver_stats *stats;
	int channel, epoll;
	bool coarse;   /* epoll_pwait2(2) is missing */
	unsigned cold; /* requests until the yield is tried again */
	struct slot *slots;
	uint64_t *due; /* DRIVER_DEPTH per slot: when each request was due; if depth is above 1 */
	struct tokens tokens;
	uint64_t used; /* slots that were ever used */
	unsigned source;

	struct driver_order order;
	uint64_t silence_ns; /* operations in flight fail after this long without progress */
	uint64_t start_ns, end_ns, starved_until;
	uint64_t moved_ns;   /* last progress, or last time operations were failed */
	uint64_t done_ns;    /* end of the last operation */
	uint64_t started;    /* operations of this order */
	uint64_t busy;       /* tokens in use */
	unsigned unaccepted; /* opened since the server was last known to have accepted all */
	unsigned fresh_count;
	uint32_t fresh[BURST]; /* started, not checked yet */

	char out[DRIVER_FLIGHT + DRIVER_SIZE]; /* requests, one after the other */
	char in[DRIVER_FLIGHT];
};

static void token_put(struct driver *d, uint64_t number)
{
	d->tokens.ring[d->tokens.tail++ & (d->tokens.size - 1)] = (uint32_t)number;
}

static bool token_any(const struct driver *d) { return d->tokens.head != d->tokens.tail; }

static uint64_t token_take(struct driver *d)
{
	return d->tokens.ring[d->tokens.head++ & (d->tokens.size - 1)];
}

static void driver_fail(struct driver *d, int code, counter *which)
{
	int none = 0;
	atomic_compare_exchange_strong(&d->stats->first_errno, &none, code);
	counter_add(which, 1);
}

/* Transient limits: ports in TIME_WAIT, descriptors, memory. */
static bool code_starves(int code)
{
	return code == EADDRNOTAVAIL || code == EMFILE || code == ENFILE || code == ENOBUFS ||
	       code == ENOMEM;
}

/* When operation `n` of an open-loop order is due. */
static uint64_t order_due(const struct driver *d, uint64_t n)
{
	return d->start_ns + (uint64_t)(((double)n + d->order.phase) * 1e9 / d->order.rate_per_s);
}

/* Whether all operations of the order have started. Those due before the end may start late. */
static bool order_over(const struct driver *d, uint64_t now)
{
	if (d->order.count && d->started >= d->order.count)
		return true;
	if (!d->end_ns || now < d->end_ns)
		return false;
	return d->order.rate_per_s <= 0 || now >= d->end_ns + LATE_NS ||
	       order_due(d, d->started) >= d->end_ns;
}

/* Counts an operation that is done. */
static void operation_done(struct driver *d, uint64_t now)
{
	counter_add(&d->stats->done, 1);
	if (!d->end_ns || now <= d->end_ns)
		counter_add(&d->stats->timely, 1);
	d->moved_ns = d->done_ns = now;
}

static int slot_watch(struct driver *d, uint64_t number, uint32_t events)
{
	struct slot *s = &d->slots[number];
	struct epoll_event ev = {.events = events | EPOLLET | EPOLLRDHUP, .data.u64 = number};
	if (epoll_ctl(d->epoll, s->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, s->fd, &ev) < 0)
		return -errno;
	s->registered = 1;
	return 0;
}

/* Starts a connection: 0 if it is established or in progress, else -errno. */
static int slot_connect(struct driver *d, uint64_t number)
{
	const struct driver_config *c = d->config;
	int on = 1;
	int fd = sockets_connect(
		&c->to, c->source_count ? &c->sources[d->source++ % c->source_count] : NULL);
	if (fd >= 0 || !code_starves(-fd))
		counter_add(&d->stats->attempted, 1);
	if (fd < 0)
		return fd;
	if (d->order.depth > 1)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	d->slots[number] = (struct slot){.fd = fd, .state = CONNECTING};
	return 0;
}

static void slot_opened(struct driver *d, struct slot *s)
{
	s->state = OPEN;
	counter_add(&d->stats->opened, 1);
	counter_add(&d->stats->held, 1);
}

/* Closes a connection; with `reset` by RST, without TIME_WAIT on either side. */
static void slot_close(struct driver *d, uint64_t number, bool reset)
{
	struct slot *s = &d->slots[number];
	if (s->state == OPEN || s->state == CLOSING)
		counter_set(&d->stats->held, counter_get(&d->stats->held) - 1);
	if (reset)
		sockets_abort(s->fd);
	close(s->fd);
	*s = (struct slot){.fd = -1};
}

/* Fails a connection. Its token is reused after a pause, so that a server that refuses is not
 * retried in a busy loop. */
static void slot_fail(struct driver *d, uint64_t number, int code)
{
	const struct slot *s = &d->slots[number];
	driver_fail(d, code, &d->stats->failed);
	/* While connections are opened, one that is held already may fail. */
	if (d->order.verb == DRIVER_OPEN)
		d->busy -= s->state == CONNECTING;
	else
		d->busy -= d->order.verb == DRIVER_REQUEST ? s->under_way : 1;
	if (d->order.verb == DRIVER_CHURN) {
		token_put(d, number);
		d->starved_until = clock_ns() + STARVED_NS;
	}
	slot_close(d, number, true);
}

/* Sends what is pending: 0, or -errno if the connection failed. */
static int slot_send(struct driver *d, uint64_t number)
{
	struct slot *s = &d->slots[number];
	while (s->unsent) {
		uint32_t size = d->order.size, at = (size - s->unsent % size) % size;
		ssize_t n = send(s->fd, d->out + at, s->unsent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return slot_watch(d, number, EPOLLIN | EPOLLOUT);
		if (n < 0)
			return -errno;
		if (s->state == CONNECTING)
			slot_opened(d, s);
		s->unsent -= (uint32_t)n;
	}
	return 0;
}

/* Starts one more request. */
static int slot_request(struct driver *d, uint64_t number, uint64_t due)
{
	struct slot *s = &d->slots[number];
	if (d->order.depth > 1)
		d->due[number * DRIVER_DEPTH + s->under_way] = due;
	else
		s->since = due;
	s->under_way++;
	s->unsent += d->order.size;
	return slot_send(d, number);
}

/* Handles the complete reply to the oldest request of a connection. */
static void slot_replied(struct driver *d, uint64_t number, uint64_t now)
{
	struct slot *s = &d->slots[number];
	uint64_t due = s->since;
	s->under_way--;
	if (d->order.depth > 1) {
		uint64_t *times = &d->due[number * DRIVER_DEPTH];
		due = times[0];
		memmove(times, times + 1, s->under_way * sizeof(*times));
	}
	histogram_add(&d->stats->latency, now > due ? now - due : 0);
	d->moved_ns = now;
	/* If the server closes first, the close is part of the operation. */
	if (d->order.verb != DRIVER_CHURN || d->config->close != DRIVER_CLOSE_SERVER)
		operation_done(d, now);
	if (d->order.verb != DRIVER_CHURN) {
		d->busy--;
		token_put(d, number);
	}
}

/* Ends a connection after its one exchange. */
static void slot_churned(struct driver *d, uint64_t number)
{
	if (d->config->close == DRIVER_CLOSE_SERVER)
		operation_done(d, clock_ns());
	d->busy--;
	token_put(d, number);
	slot_close(d, number, d->config->close == DRIVER_CLOSE_RESET);
}

/* Checks that what was received belongs to the requests in flight, byte for byte. */
static bool reply_take(struct driver *d, uint64_t number, size_t length)
{
	struct slot *s = &d->slots[number];
	uint32_t size = d->order.size;
	if (s->state != OPEN || s->got + length > (size_t)s->under_way * size ||
	    memcmp(d->in, d->out + s->got, length) != 0)
		return false;
	uint32_t got = s->got + (uint32_t)length;
	if (got >= size)
		for (uint64_t now = clock_ns(); got >= size; got -= size)
			slot_replied(d, number, now);
	s->got = got & 0xfffffff;
	return true;
}

/* Reads available data. False if there is none and the connection stays open. */
static bool slot_read(struct driver *d, uint64_t number)
{
	struct slot *s = &d->slots[number];
	for (;;) {
		ssize_t n = recv(s->fd, d->in, sizeof(d->in), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n == 0 && s->state == CLOSING) {
			slot_churned(d, number);
			return true;
		}
		if (n <= 0 || !reply_take(d, number, (size_t)n)) {
			slot_fail(d, number, n < 0 ? errno : n == 0 ? EPIPE : EPROTO);
			return true;
		}
		if (d->order.verb != DRIVER_CHURN || s->under_way)
			return true;
		if (d->config->close != DRIVER_CLOSE_SERVER) {
			slot_churned(d, number);
			return true;
		}
		s->state = CLOSING;
	}
}

/* Completes a handshake, or registers the socket if it is still in progress. -errno if it
 * failed. */
static int slot_handshake(struct driver *d, uint64_t number)
{
	struct slot *s = &d->slots[number];
	if (connect(s->fd, &d->config->to.any, endpoint_size(&d->config->to)) == 0 ||
	    errno == EISCONN) {
		slot_opened(d, s);
		return 0;
	}
	if (errno != EALREADY && errno != EINPROGRESS)
		return -errno;
	return s->registered ? 0 : slot_watch(d, number, EPOLLIN | EPOLLOUT);
}

/* A connection was opened to be held. The last one of a window sends a request, and no more are
 * opened before its reply: the server accepts in order, so only late connections can still be
 * queued then, and an accept queue of two windows cannot overflow (which would cost each client a
 * second). */
static void slot_held(struct driver *d, uint64_t number, uint64_t now)
{
	d->busy--;
	if (!d->order.window || ++d->unaccepted < d->order.window) {
		operation_done(d, now);
		return;
	}
	char reply;
	struct slot *s = &d->slots[number];
	struct pollfd p[] = {{.fd = s->fd, .events = POLLIN}, {.fd = d->channel, .events = POLLIN}};
	d->unaccepted = 0;
	bool replied = send(s->fd, "?", 1, MSG_NOSIGNAL) == 1 && poll(p, 2, WINDOW_MS) > 0 &&
		       recv(s->fd, &reply, 1, MSG_DONTWAIT) == 1;
	if (replied) {
		operation_done(d, now);
	} else {
		driver_fail(d, ETIMEDOUT, &d->stats->failed);
		slot_close(d, number, true);
	}
	d->moved_ns = clock_ns();
}

/* Starts the operation of one token; fresh_sweep() continues it. False if it could not. */
static bool operation_start(struct driver *d, uint64_t due)
{
	uint64_t number = token_take(d);
	struct slot *s = &d->slots[number];
	int rc = 0;
	if (d->order.verb == DRIVER_REQUEST) {
		if (s->state != OPEN)
			return true; /* the connection failed: drop its token */
	} else {
		rc = slot_connect(d, number);
		if (rc < 0) {
			token_put(d, number);
			d->starved_until = clock_ns() + STARVED_NS;
			driver_fail(d, -rc,
				    code_starves(-rc) ? &d->stats->starved : &d->stats->failed);
			return false;
		}
	}
	d->busy++;
	d->started++;
	if (d->order.verb != DRIVER_OPEN)
		rc = slot_request(d, number, due);
	if (rc < 0)
		slot_fail(d, number, -rc);
	else if (!s->registered)
		d->fresh[d->fresh_count++] = (uint32_t)number;
	return true;
}

/* Whether the window allows one more connection that is not accepted yet. */
static bool window_open(const struct driver *d)
{
	return !d->order.window || d->unaccepted + d->busy < d->order.window;
}

/* Starts due operations, a burst at most. */
static void operations_start(struct driver *d, uint64_t now)
{
	if (now < d->starved_until)
		return;
	for (unsigned i = 0; i < STARTS && d->fresh_count < BURST && token_any(d) &&
			     !order_over(d, now) && window_open(d);
	     i++) {
		uint64_t due = now;
		if (d->order.rate_per_s > 0) {
			due = order_due(d, d->started);
			if (due > now)
				return;
		} else {
			due = clock_ns();
		}
		if (!operation_start(d, due))
			return;
	}
}

/* Checks handshakes that were just started: over loopback they are complete, and one poll(2)
 * reports them all. The others go into the epoll set. */
static void fresh_opened(struct driver *d)
{
	struct pollfd p[BURST];
	for (unsigned i = 0; i < d->fresh_count; i++)
		p[i] = (struct pollfd){.fd = d->slots[d->fresh[i]].fd, .events = POLLOUT};
	if (poll(p, d->fresh_count, 0) < 0)
		memset(p, 0, sizeof(p)); /* unknown: leave them to the epoll set */
	uint64_t now = clock_ns();
	for (unsigned i = 0; i < d->fresh_count; i++) {
		uint64_t number = d->fresh[i];
		if (p[i].revents == POLLOUT) {
			slot_opened(d, &d->slots[number]);
			slot_held(d, number, now);
			continue;
		}
		int rc = slot_handshake(d, number);
		if (rc < 0)
			slot_fail(d, number, -rc);
		else if (d->slots[number].state == OPEN)
			slot_held(d, number, now);
	}
}

/* Checks requests that were just sent: yields to a server that may wait for this CPU. Connections
 * with a reply by then need no registration. */
static void fresh_asked(struct driver *d)
{
	sched_yield();
	for (unsigned i = 0; i < d->fresh_count; i++) {
		uint64_t number = d->fresh[i];
		struct slot *s = &d->slots[number];
		if (s->state == FREE || s->registered || slot_read(d, number))
			continue;
		int rc = slot_watch(d, number, EPOLLIN);
		if (rc < 0)
			slot_fail(d, number, -rc);
	}
}

static void fresh_sweep(struct driver *d)
{
	if (d->fresh_count && d->order.verb == DRIVER_OPEN)
		fresh_opened(d);
	else if (d->fresh_count)
		fresh_asked(d);
	d->fresh_count = 0;
}

static void slot_event(struct driver *d, uint64_t number, uint32_t events)
{
	struct slot *s = &d->slots[number];
	int rc = 0;
	if (s->state == FREE)
		return;
	if (s->state == CONNECTING) {
		rc = slot_handshake(d, number);
		if (rc == 0 && s->state == OPEN && d->order.verb == DRIVER_OPEN)
			slot_held(d, number, clock_ns());
		d->moved_ns = clock_ns();
		if (s->state == FREE)
			return;
	}
	if (rc == 0 && s->state == OPEN && s->unsent)
		rc = slot_send(d, number);
	if (rc < 0)
		slot_fail(d, number, -rc);
	else if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR) && s->state != CONNECTING)
		slot_read(d, number);
}

/* Waits at most `timeout_ns` (0: not at all) with nanosecond resolution: by ppoll(2) on the set
 * where epoll_pwait2(2) is missing, before Linux 5.11 or in a sandbox. */
static int driver_wait(struct driver *d, struct epoll_event *events, uint64_t timeout_ns)
{
	struct timespec t = {(time_t)(timeout_ns / 1000000000), (long)(timeout_ns % 1000000000)};
	int n = -1;
	if (timeout_ns && !d->coarse) {
		n = (int)syscall(SYS_epoll_pwait2, d->epoll, events, EVENTS, &t, NULL, 0);
		d->coarse = n < 0 && (errno == ENOSYS || errno == EPERM);
	}
	if (timeout_ns && d->coarse) {
		struct pollfd p = {.fd = d->epoll, .events = POLLIN};
		n = ppoll(&p, 1, &t, NULL);
	}
	if (!timeout_ns || (d->coarse && n > 0))
		n = epoll_wait(d->epoll, events, EVENTS, 0);
	return n < 0 && errno != EINTR ? -errno : n < 0 ? 0 : n;
}

/* Time until the next start or deadline. */
static uint64_t idle_ns(const struct driver *d, uint64_t now)
{
	uint64_t until = (d->busy ? d->moved_ns : now) + d->silence_ns;
	uint64_t end = d->end_ns && now >= d->end_ns ? d->end_ns + LATE_NS : d->end_ns;
	if (end > now && end < until)
		until = end;
	if (token_any(d) && !order_over(d, now) && window_open(d)) {
		uint64_t next = d->order.rate_per_s > 0 ? order_due(d, d->started) : now;
		next = next > d->starved_until ? next : d->starved_until;
		until = next < until ? next : until;
	}
	return until > now ? until - now : 0;
}

/* No progress within the timeout: fails all operations in flight. */
static void driver_give_up(struct driver *d)
{
	for (uint64_t i = 0; i < d->used && d->busy; i++)
		if (d->slots[i].state == CONNECTING || d->slots[i].state == CLOSING ||
		    d->slots[i].under_way)
			slot_fail(d, i, ETIMEDOUT);
}

/* Runs the order. False if the channel was closed meanwhile. */
static bool order_run(struct driver *d, struct err *e)
{
	struct epoll_event events[EVENTS];
	for (;;) {
		uint64_t now = clock_ns();
		operations_start(d, now);
		fresh_sweep(d);
		now = clock_ns();
		if (order_over(d, now) ? d->busy == 0 : d->busy == 0 && !token_any(d))
			return true;
		if (now > d->moved_ns + d->silence_ns) {
			driver_give_up(d);
			if (!d->end_ns && d->starved_until > d->moved_ns)
				return true; /* nothing could be started either */
			d->moved_ns = now;
			continue;
		}
		int n = driver_wait(d, events, idle_ns(d, now));
		if (n < 0) {
			err_set(e, -n, "epoll_wait: %s", strerror(-n));
			return true;
		}
		for (int i = 0; i < n; i++) {
			if (events[i].data.u64 == CONTROL)
				return false;
			slot_event(d, events[i].data.u64, events[i].events);
		}
	}
}

static bool channel_calls(const struct driver *d)
{
	struct pollfd p = {.fd = d->channel, .events = POLLIN};
	return poll(&p, 1, 0) > 0;
}

/* Yields to a server that may wait for this CPU and reads its reply: bytes, or -1 as recv(2). If
 * there is none, the server runs on another CPU: skips this for a while. */
static ssize_t lone_early(struct driver *d, int fd)
{
	if (d->cold) {
		d->cold--;
		errno = EAGAIN;
		return -1;
	}
	sched_yield();
	ssize_t n = recv(fd, d->in, sizeof(d->in), MSG_DONTWAIT);
	d->cold = n < 0 && errno == EAGAIN ? COLD : 0;
	return n;
}

/* Waits for the reply: 0, -ECANCELED if the channel becomes readable, or why the connection
 * failed. */
static int lone_reply(struct driver *d, uint64_t number)
{
	struct slot *s = &d->slots[number];
	while (s->state == OPEN && s->under_way) {
		ssize_t n = lone_early(d, s->fd);
		if (n < 0 && errno == EAGAIN)
			n = recv(s->fd, d->in, sizeof(d->in), 0);
		if (n < 0 && errno == EINTR) {
			if (channel_calls(d))
				return -ECANCELED;
			if (clock_ns() > s->since + d->silence_ns)
				return -ETIMEDOUT;
			continue;
		}
		if (n <= 0 || !reply_take(d, number, (size_t)n))
			return n < 0 ? -errno : n == 0 ? -EPIPE : -EPROTO;
	}
	return 0;
}

static void tick_ignore(int number) { (void)number; }

/* Interrupts blocking calls every LOOK_MS with SIGALRM: cheaper than a timeout, which arms a timer
 * in each call. */
static void tick(bool on)
{
	const struct sigaction act = {.sa_handler = tick_ignore};
	const struct timeval every = {.tv_usec = on ? LOOK_MS * 1000 : 0};
	const struct itimerval timer = {.it_interval = every, .it_value = every};
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* Single-connection fast path: blocking calls, one request at a time. False if the channel was
 * closed meanwhile. */
static bool order_run_lone(struct driver *d, uint64_t number)
{
	struct slot *s = &d->slots[number];
	uint64_t looked = d->start_ns;
	bool goes_on = true;
	fcntl(s->fd, F_SETFL, 0);
	tick(true);
	for (uint64_t now = clock_ns(); goes_on && s->state == OPEN && !order_over(d, now);) {
		token_take(d);
		d->busy++;
		d->started++;
		int rc = slot_request(d, number, now);
		if (rc == 0)
			rc = lone_reply(d, number);
		if (rc < 0 && rc != -ECANCELED)
			slot_fail(d, number, -rc);
		now = d->moved_ns > now ? d->moved_ns : clock_ns();
		goes_on = rc != -ECANCELED;
		if (now < looked + LOOK_MS * 1000000ull)
			continue;
		looked = now;
		goes_on = goes_on && !channel_calls(d);
	}
	tick(false);
	if (s->state == OPEN)
		fcntl(s->fd, F_SETFL, O_NONBLOCK);
	return goes_on;
}

static int tokens_make(struct driver *d, size_t count, struct err *e)
{
	size_t size = 64;
	while (size < count)
		size *= 2;
	if (size > d->tokens.size) {
		void *ring = mmap(NULL, size * sizeof(uint32_t), PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (ring == MAP_FAILED)
			return err_errno(e, "memory for %zu operations", count);
		if (d->tokens.ring)
			munmap(d->tokens.ring, d->tokens.size * sizeof(uint32_t));
		d->tokens = (struct tokens){.ring = ring, .size = size};
	}
	d->tokens.head = d->tokens.tail = 0;
	return 0;
}

static int order_check(struct driver *d, const struct driver_order *o, struct err *e)
{
	bool talks = o->verb == DRIVER_CHURN || o->verb == DRIVER_REQUEST;
	if (talks && (!o->size || o->size > DRIVER_SIZE || !o->depth || o->depth > DRIVER_DEPTH ||
		      (uint64_t)o->size * o->depth > DRIVER_FLIGHT))
		return err_set(e, EINVAL, "unsupported: requests of %u bytes, %u in flight",
			       o->size, o->depth);
	if (o->verb == DRIVER_CHURN && d->used)
		return err_set(e, EBUSY, "connections are still held");
	if ((o->verb == DRIVER_CHURN && o->active > d->config->capacity) ||
	    (o->verb == DRIVER_OPEN && d->used + o->count > d->config->capacity))
		return err_set(e, ENOBUFS, "more than %llu connections",
			       (unsigned long long)d->config->capacity);
	return 0;
}

/* Creates the tokens of the order. */
static int order_prepare(struct driver *d, struct err *e)
{
	const struct driver_order *o = &d->order;
	uint64_t first = d->used;
	int rc = order_check(d, o, e);
	if (rc < 0)
		return rc;
	if (o->depth > 1 && !d->due) {
		d->due = mmap(NULL, d->config->capacity * DRIVER_DEPTH * sizeof(*d->due),
			      PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			      -1, 0);
		if (d->due == MAP_FAILED) {
			d->due = NULL;
			return err_errno(e, "memory for due times of requests");
		}
	}
	if (o->verb == DRIVER_OPEN) {
		rc = tokens_make(d, o->count, e);
		for (uint64_t i = 0; i < o->count && rc == 0; i++)
			token_put(d, first + i);
		d->used += rc == 0 ? o->count : 0;
		return rc;
	}
	rc = tokens_make(d, o->active * o->depth, e);
	if (o->verb == DRIVER_CHURN) {
		for (uint64_t i = 0; i < o->active && rc == 0; i++)
			token_put(d, i);
		d->used = o->active;
		return rc;
	}
	uint64_t active = o->active < d->used ? o->active : d->used;
	for (uint64_t i = 0; i < active && rc == 0; i++) {
		uint64_t number = i * d->used / active;
		if (d->slots[number].state != OPEN)
			continue;
		d->slots[number].got = 0;
		if (!d->slots[number].registered && slot_watch(d, number, EPOLLIN) < 0)
			return err_errno(e, "watch connection %llu", (unsigned long long)number);
	}
	for (uint64_t i = 0; i < active * o->depth && rc == 0; i++)
		token_put(d, i % active * d->used / active);
	return rc;
}

static void close_all(struct driver *d)
{
	for (uint64_t i = 0; i < d->used; i++)
		if (d->slots[i].state != FREE)
			slot_close(d, i, d->config->close == DRIVER_CLOSE_RESET);
	d->used = 0;
}

/* Counts operations that were due and never started, with the time that they have waited so far. In
 * steps, as there may be billions. */
static void missed_count(struct driver *d, uint64_t now)
{
	const struct driver_order *o = &d->order;
	if (o->rate_per_s <= 0 || !d->end_ns)
		return;
	uint64_t until = now < d->end_ns ? now : d->end_ns;
	uint64_t due = (uint64_t)((double)(until - d->start_ns) / 1e9 * o->rate_per_s) + 1;
	while (due && order_due(d, due - 1) >= until)
		due--;
	uint64_t seen = now < d->end_ns + LATE_NS ? now : d->end_ns + LATE_NS;
	if (o->count && due > o->count)
		due = o->count;
	if (due <= d->started)
		return;
	uint64_t whole = due - d->started;
	uint64_t steps = whole < MISSED_STEPS ? whole : MISSED_STEPS;
	for (uint64_t i = 0; i < steps; i++) {
		uint64_t middle = d->started + whole * (2 * i + 1) / (2 * steps);
		histogram_add_many(&d->stats->latency, seen - order_due(d, middle),
				   whole * (i + 1) / steps - whole * i / steps);
	}
	counter_set(&d->stats->missed, whole);
}

/* Time of the order's operations without the final timeout: its duration, or, with a count, until
 * the last of it was done. */
static uint64_t order_elapsed(const struct driver *d, uint64_t now)
{
	uint64_t until = d->end_ns && d->end_ns < now ? d->end_ns : now;
	if (!d->end_ns && d->done_ns)
		until = d->done_ns;
	return until - d->start_ns;
}

/* False if the channel was closed meanwhile. */
static bool order_obey(struct driver *d, struct driver_answer *answer)
{
	const struct driver_order *o = &d->order;
	bool goes_on = true;
	uint64_t cpu = clock_cpu_ns();
	memset(&d->stats->latency, 0, o->verb == DRIVER_USAGE ? 0 : sizeof(d->stats->latency));
	counter_set(&d->stats->done, 0);
	counter_set(&d->stats->timely, 0);
	counter_set(&d->stats->missed, 0);
	d->started = d->busy = d->unaccepted = 0;
	d->starved_until = d->done_ns = 0;
	for (size_t i = 0; i < sizeof(d->out) && o->size && o->verb != DRIVER_USAGE; i++)
		d->out[i] = (char)('a' + i % o->size % 26);
	d->start_ns = d->moved_ns = clock_ns();
	d->end_ns = o->duration_us ? d->start_ns + o->duration_us * 1000 : 0;
	if (o->verb == DRIVER_CLOSE) {
		close_all(d);
	} else if (o->verb != DRIVER_USAGE && order_prepare(d, &answer->e) == 0) {
		d->start_ns = d->moved_ns = clock_ns();
		d->end_ns = o->duration_us ? d->start_ns + o->duration_us * 1000 : 0;
		if (o->verb == DRIVER_REQUEST && o->active == 1 && o->depth == 1 &&
		    o->rate_per_s <= 0 && d->used && d->slots[0].state == OPEN)
			goes_on = order_run_lone(d, 0);
		else
			goes_on = order_run(d, &answer->e);
		if (o->verb == DRIVER_CHURN && goes_on)
			d->used = 0;
		missed_count(d, clock_ns());
	}
	counter_set(&d->stats->elapsed_ns, order_elapsed(d, clock_ns()));
	counter_set(&d->stats->cpu_ns, clock_cpu_ns() - cpu);
	counter_set(&d->stats->private_bytes, usage_private_bytes());
	answer->code = answer->e.code;
	return goes_on;
}

static int driver_open(struct driver *d, struct err *e)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = CONTROL};
	sockets_raise_limit();
	prctl(PR_SET_TIMERSLACK, 1);
	d->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (d->epoll < 0 || epoll_ctl(d->epoll, EPOLL_CTL_ADD, d->channel, &ev) < 0)
		return err_errno(e, "epoll");
	d->slots = mmap(NULL, d->config->capacity * sizeof(*d->slots), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (d->slots == MAP_FAILED)
		return err_errno(e, "memory for connections");
	if (d->config->batch) {
		struct sched_param none = {0};
		sched_setscheduler(0, SCHED_BATCH, &none);
	}
	int rc = d->config->cpu < 0 ? 0 : cpus_run_on(d->config->cpu);
	errno = -rc;
	return rc < 0 ? err_errno(e, "pin to CPU %d", d->config->cpu) : 0;
}

int driver_main(int channel, void *arg)
{
	struct driver_part *part = arg;
	struct driver_answer answer = {0};
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL); /* the parent may block SIGALRM */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	struct driver *d =
		mmap(NULL, sizeof(*d), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (d == MAP_FAILED)
		return -ENOMEM;
	d->config = &part->config;
	d->stats = &part->stats;
	d->channel = channel;
	d->silence_ns =
		1000000ull * (d->config->patience_ms ? d->config->patience_ms : DRIVER_PATIENCE_MS);
	answer.code = -driver_open(d, &answer.e);
	bool goes_on = answer.code == 0;
	while (send(channel, &answer, sizeof(answer), MSG_NOSIGNAL) == sizeof(answer) && goes_on) {
		ssize_t n;
		do
			n = recv(channel, &d->order, sizeof(d->order), 0);
		while (n < 0 && errno == EINTR);
		if (n != sizeof(d->order))
			break;
		answer = (struct driver_answer){0};
		goes_on = order_obey(d, &answer);
	}
	close_all(d);
	return answer.code;
}
