#include "engine/client_worker.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/cpus.h"
#include "engine/sockets.h"
#include "engine/usage.h"
#include "epolltune/clock.h"
#include "host/compat.h"

#define EVENTS 512
#define BURST 64 /* connections started in a row */
/* Requests started in a row: more than are answered at a time, so that all get in flight. */
#define STARTS (2 * EVENTS)
#define REFUSED_NS 100000000  /* before a connection that had no good reply is opened again */
#define STARVED_NS 1000000    /* pause when ports or descriptors ran out */
#define LATE_NS 1000000000ull /* after the end, for operations due before it */
#define MISSED_STEPS 1024     /* in which missed operations are counted */
#define READS 16              /* of one connection in a row */
#define WINDOW_MS 10000       /* time for a server to accept a window of connections */
#define CONTROL UINT64_MAX    /* the channel's number in the epoll set */

enum state {
	FREE,
	CONNECTING, /* the request is sent after the handshake */
	OPEN,
	CLOSING, /* the reply is complete, the server must close */
};

/* A connection: 24 bytes, as there may be a million. */
struct slot {
	int fd;
	uint32_t got : 24, state : 3, registered : 1; /* bytes of the current reply */
	uint32_t detached : 1;                        /* opened by a detached order */
	uint32_t leaving : 1; /* the server closes it after the reply; closed: open it again */
	uint32_t active : 1;  /* an order of CLIENT_REQUEST uses it */
	uint32_t replied : 1; /* it had a complete reply, not an error */
	uint32_t refused : 1; /* closed, and had none: open it again later */
	uint32_t unsent;      /* bytes not sent yet */
	uint32_t under_way;   /* requests in flight */
	uint64_t since;       /* when the oldest operation in flight was due */
};

/* An operation needs a token to start: the number of a slot that can take one (more). */
struct tokens {
	uint32_t *ring;
	size_t size; /* a power of two */
	size_t head, tail;
};

struct client_worker {
	const struct client_config *config;
	struct client_stats *stats;
	struct task_port *port;
	int epoll;
	bool coarse; /* epoll_pwait2(2) is missing */
	bool misfit; /* a reply was not of the protocol */
	bool queued; /* the last connection waits: the accept queue of the UNIX socket is full */
	struct slot *slots;
	struct reply *replies; /* per slot; NULL: echo */
	uint64_t *due; /* CLIENT_DEPTH per slot: when each request was due; if depth is above 1 */
	struct tokens tokens, later; /* of those that were refused */
	uint64_t later_ns;
	uint64_t used; /* slots that were ever used */
	unsigned source;

	struct client_order order;
	uint64_t silence_ns; /* operations in flight fail after this long without progress */
	uint64_t start_ns, end_ns, starved_until;
	uint64_t moved_ns;   /* last progress, or last time operations were failed */
	uint64_t done_ns;    /* end of the last operation */
	uint64_t started;    /* operations of this order */
	uint64_t busy;       /* tokens in use */
	unsigned unaccepted; /* opened since the server was last known to have accepted all */
	unsigned fresh_count;
	uint32_t fresh[BURST]; /* handshakes started, not checked yet */

	char out[CLIENT_FLIGHT + CLIENT_SIZE]; /* requests, one after the other */
	char in[CLIENT_FLIGHT];
};

static void token_put(struct client_worker *w, uint64_t number)
{
	w->tokens.ring[w->tokens.tail++ & (w->tokens.size - 1)] = (uint32_t)number;
}

static bool token_any(const struct client_worker *w) { return w->tokens.head != w->tokens.tail; }

static uint64_t token_take(struct client_worker *w)
{
	return w->tokens.ring[w->tokens.head++ & (w->tokens.size - 1)];
}

static bool later_any(const struct client_worker *w) { return w->later.head != w->later.tail; }

static void token_later(struct client_worker *w, uint64_t number)
{
	if (!later_any(w))
		w->later_ns = clock_ns() + REFUSED_NS;
	w->later.ring[w->later.tail++ & (w->later.size - 1)] = (uint32_t)number;
}

static void later_return(struct client_worker *w, uint64_t now)
{
	while (later_any(w) && now >= w->later_ns) {
		uint64_t number = w->later.ring[w->later.head++ & (w->later.size - 1)];
		w->slots[number].refused = 0;
		token_put(w, number);
	}
}

static void errno_keep(_Atomic int *first, int code)
{
	int none = 0;
	atomic_compare_exchange_strong(first, &none, code);
}

static void worker_fail(struct client_worker *w, int code)
{
	errno_keep(&w->stats->first_errno, code);
	counter_add(&w->stats->failed, 1);
}

static void worker_starve(struct client_worker *w, int code)
{
	errno_keep(&w->stats->first_starved, code);
	counter_add(&w->stats->starved, 1);
}

/* Transient limits: ports in TIME_WAIT, descriptors, memory. */
static bool code_starves(int code)
{
	return code == EADDRNOTAVAIL || code == EMFILE || code == ENFILE || code == ENOBUFS ||
	       code == ENOMEM;
}

/* When operation `n` of an open-loop order is due. */
static uint64_t order_due(const struct client_worker *w, uint64_t n)
{
	return w->start_ns + (uint64_t)(((double)n + w->order.phase) * 1e9 / w->order.rate_per_s);
}

/* Whether all operations of the order have started. Those due before the end may start late. */
static bool order_over(const struct client_worker *w, uint64_t now)
{
	if (w->order.count && w->started >= w->order.count)
		return true;
	if (w->order.stop && (w->stats->first_errno || w->stats->first_starved))
		return true;
	if (w->misfit && !counter_get(&w->stats->done))
		return true;
	if (!w->end_ns || now < w->end_ns)
		return false;
	return w->order.rate_per_s <= 0 || now >= w->end_ns + LATE_NS ||
	       order_due(w, w->started) >= w->end_ns;
}

/* Counts an operation that is done. */
static void operation_done(struct client_worker *w, uint64_t now)
{
	counter_add(&w->stats->done, 1);
	if (!w->end_ns || now <= w->end_ns)
		counter_add(&w->stats->timely, 1);
	w->moved_ns = w->done_ns = now;
}

static int slot_watch(struct client_worker *w, uint64_t number, uint32_t events)
{
	struct slot *s = &w->slots[number];
	struct epoll_event ev = {.events = events | EPOLLET | EPOLLRDHUP, .data.u64 = number};
	if (epoll_ctl(w->epoll, s->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, s->fd, &ev) < 0)
		return -errno;
	s->registered = 1;
	return 0;
}

/* Starts a connection: 0 if it is established or in progress, else -errno. */
static int slot_connect(struct client_worker *w, uint64_t number)
{
	const struct client_config *c = w->config;
	unsigned tries = w->order.detach && c->source_count ? c->source_count : 1;
	bool waits = c->path && !w->order.detach;
	unsigned flags = 0;
	int on = 1, fd = -EADDRNOTAVAIL;
	if (c->reserve_port)
		flags |= SOCKETS_RESERVE;
	if (c->deaf)
		flags |= SOCKETS_DEAF;
	if (c->path)
		fd = sockets_connect_path(c->path);
	for (unsigned i = 0; i < tries && !c->path && fd == -EADDRNOTAVAIL; i++)
		fd = sockets_connect(
			&c->to, c->source_count ? &c->sources[w->source++ % c->source_count] : NULL,
			flags);
	w->queued = waits && fd == -EAGAIN;
	if (fd >= 0 || (!code_starves(-fd) && !w->queued))
		counter_add(&w->stats->attempted, 1);
	if (fd < 0)
		return fd;
	if (w->order.depth > 1)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	w->slots[number] = (struct slot){.fd = fd,
					 .state = CONNECTING,
					 .detached = w->order.detach,
					 .active = w->order.verb == CLIENT_REQUEST};
	if (w->replies)
		w->replies[number] = (struct reply){0};
	return 0;
}

static void slot_opened(struct client_worker *w, struct slot *s)
{
	s->state = OPEN;
	counter_add(&w->stats->opened, 1);
	counter_add(&w->stats->held, 1);
}

/* Closes a connection; with `reset` by RST, without TIME_WAIT on either side. */
static void slot_close(struct client_worker *w, uint64_t number, bool reset)
{
	struct slot *s = &w->slots[number];
	if (s->state == OPEN || s->state == CLOSING)
		counter_set(&w->stats->held, counter_get(&w->stats->held) - 1);
	if (reset)
		sockets_abort(s->fd);
	close(s->fd);
	*s = (struct slot){.fd = -1};
}

/* The operations of the order that are in flight on a connection. */
static uint64_t slot_operations(const struct client_worker *w, const struct slot *s)
{
	if (w->order.verb == CLIENT_REQUEST || w->order.ask)
		return s->under_way;
	return w->order.verb == CLIENT_CHURN || (s->state == CONNECTING && !s->detached);
}

/* Closes a connection that its next token opens again. */
static void slot_leave(struct client_worker *w, uint64_t number)
{
	bool refused = !w->slots[number].replied;
	slot_close(w, number, w->config->close == CLIENT_CLOSE_RESET);
	w->slots[number].leaving = 1;
	w->slots[number].refused = refused;
	counter_add(&w->stats->ended, 1);
}

/* Whether a failed connection is opened again, as clients of such protocols do. A server that is
 * silent is not asked again: each request waits for the whole timeout. */
static bool slot_returns(const struct client_worker *w, const struct slot *s, int code)
{
	return w->replies && w->order.verb == CLIENT_REQUEST && s->active && code != ETIMEDOUT;
}

/* Counts the requests of a connection that failed like those that were never started, with the time
 * until the end: a refusal is no fast reply. */
static void slot_unanswered(struct client_worker *w, uint64_t number, uint64_t operations)
{
	const struct slot *s = &w->slots[number];
	uint64_t seen = clock_ns();
	if (w->order.verb != CLIENT_REQUEST || w->order.rate_per_s <= 0)
		return;
	if (w->end_ns && seen < w->end_ns + LATE_NS)
		seen = w->end_ns + LATE_NS;
	for (uint64_t i = 0; i < operations; i++) {
		uint64_t due = w->order.depth > 1 ? w->due[number * CLIENT_DEPTH + i] : s->since;
		histogram_add(&w->stats->latency, seen > due ? seen - due : 0);
	}
}

/* Fails a connection. Its tokens are reused after a pause (refused: of this connection alone), so
 * that a server that refuses is not retried in a busy loop; at once where it had replied. */
static void slot_fail(struct client_worker *w, uint64_t number, int code)
{
	struct slot *s = &w->slots[number];
	uint64_t operations = slot_operations(w, s);
	bool returns = slot_returns(w, s, code), replied = s->replied;
	worker_fail(w, code);
	slot_unanswered(w, number, operations);
	w->busy -= operations;
	slot_close(w, number, true);
	s->leaving = returns;
	s->refused = returns && !replied;
	if (w->order.verb != CLIENT_CHURN && !returns)
		return;
	for (uint64_t i = 0; i < (returns ? operations : 1); i++)
		token_put(w, number);
	if (!returns)
		w->starved_until = clock_ns() + STARVED_NS;
}

/* Sends what is pending: 0, or -errno if the connection failed. */
static int slot_send(struct client_worker *w, uint64_t number)
{
	struct slot *s = &w->slots[number];
	while (s->unsent) {
		uint32_t size = w->order.size, at = (size - s->unsent % size) % size;
		ssize_t n = TEMP_FAILURE_RETRY(
			send(s->fd, w->out + at, s->unsent, MSG_NOSIGNAL | MSG_DONTWAIT));
		if (n < 0 && errno == EAGAIN)
			return slot_watch(w, number, EPOLLIN | EPOLLOUT);
		if (n < 0)
			return -errno;
		if (s->state == CONNECTING)
			slot_opened(w, s);
		s->unsent -= (uint32_t)n;
	}
	return 0;
}

/* Starts one more request. */
static int slot_request(struct client_worker *w, uint64_t number, uint64_t due)
{
	struct slot *s = &w->slots[number];
	if (w->order.depth > 1)
		w->due[number * CLIENT_DEPTH + s->under_way] = due;
	else
		s->since = due;
	s->under_way++;
	s->unsent += w->order.size;
	return slot_send(w, number);
}

/* Handles the complete reply to the oldest request of a connection. */
static void slot_replied(struct client_worker *w, uint64_t number, uint64_t now)
{
	struct slot *s = &w->slots[number];
	uint64_t due = s->since;
	s->under_way--;
	s->replied = 1;
	if (w->order.depth > 1) {
		uint64_t *times = &w->due[number * CLIENT_DEPTH];
		due = times[0];
		memmove(times, times + 1, s->under_way * sizeof(*times));
	}
	histogram_add(&w->stats->latency, now > due ? now - due : 0);
	w->moved_ns = now;
	/* If the server closes first, the close is part of the operation. */
	if (w->order.verb != CLIENT_CHURN || w->config->close != CLIENT_CLOSE_SERVER)
		operation_done(w, now);
	if (w->order.verb != CLIENT_CHURN)
		w->busy--;
	if (w->order.verb == CLIENT_REQUEST)
		token_put(w, number);
}

/* Whether the operations of the order are done when a connection is open. */
static bool order_opens(const struct client_worker *w)
{
	return (w->order.verb == CLIENT_OPEN && !w->order.ask) ||
	       (w->order.verb == CLIENT_CHURN && !w->order.size);
}

/* Ends a connection after its one exchange. */
static void slot_churned(struct client_worker *w, uint64_t number)
{
	if (w->config->close == CLIENT_CLOSE_SERVER)
		operation_done(w, clock_ns());
	w->busy--;
	token_put(w, number);
	slot_close(w, number, w->config->close == CLIENT_CLOSE_RESET);
}

/* Keeps the beginning of the first reply that deserves to be shown. */
static void answer_keep(struct client_worker *w, const char *text, size_t length)
{
	size_t n = 0;
	if (w->stats->answered)
		return;
	for (; n < length && n < CLIENT_ANSWER - 1 && text[n] && !strchr("\r\n", text[n]); n++)
		w->stats->answer[n] = text[n];
	w->stats->answer[n] = 0;
	w->stats->answered = true;
}

/* Checks that what was received belongs to the requests in flight, byte for byte. */
static bool echo_take(struct client_worker *w, uint64_t number, size_t length)
{
	struct slot *s = &w->slots[number];
	uint32_t size = w->order.size;
	if (s->state != OPEN || s->got + length > (size_t)s->under_way * size ||
	    memcmp(w->in, w->out + s->got, length) != 0)
		return false;
	uint32_t got = s->got + (uint32_t)length;
	if (got >= size)
		for (uint64_t now = clock_ns(); got >= size; got -= size)
			slot_replied(w, number, now);
	s->got = got & 0xffffff;
	return true;
}

static void reply_count(struct client_worker *w, uint64_t number)
{
	struct reply *r = &w->replies[number];
	counter_add(&w->stats->statuses[r->status], 1);
	if (r->error) {
		counter_add(&w->stats->errors, 1);
		if (!r->status)
			answer_keep(w, r->line, sizeof(r->line));
	}
	bool good = !r->error || r->status || w->slots[number].replied;
	w->slots[number].leaving = r->closes;
	*r = (struct reply){0};
	slot_replied(w, number, clock_ns());
	w->slots[number].replied = good;
}

/* What a server sends that was not asked: an error before it turns a client away (EBADMSG), or ends
 * an idle one (0); else EPROTO. What is not complete is 0, too: the rest or the end of the
 * connection decides, unless a request comes first, of which it then is the reply. */
static int unasked_take(struct client_worker *w, uint64_t number)
{
	struct reply r = w->replies[number];
	if (!r.complete)
		return 0;
	w->replies[number] = (struct reply){0};
	if (!r.error)
		return EPROTO;
	if (w->slots[number].replied)
		return 0;
	if (r.status)
		counter_add(&w->stats->statuses[r.status], 1);
	else
		answer_keep(w, r.line, sizeof(r.line));
	return EBADMSG;
}

/* Whether the end of a connection completes such an error. */
static bool slot_turned_away(struct client_worker *w, uint64_t number)
{
	const struct slot *s = &w->slots[number];
	return w->replies && s->state == OPEN && !s->under_way && reply_end(&w->replies[number]) &&
	       unasked_take(w, number) == EBADMSG;
}

/* Replies of another protocol than echo. 0 or, positive, the errno that fails the connection. */
static int replies_take(struct client_worker *w, uint64_t number, size_t length)
{
	struct slot *s = &w->slots[number];
	for (size_t at = 0; at < length;) {
		struct reply *r = &w->replies[number];
		if (s->state != OPEN)
			return EPROTO;
		ssize_t n = reply_read(r, w->config->request.protocol, w->in + at, length - at);
		if (n < 0)
			return EPROTO;
		at += (size_t)n;
		int code = s->under_way ? 0 : unasked_take(w, number);
		if (code)
			return code;
		if (s->under_way && r->complete)
			reply_count(w, number);
	}
	return 0;
}

static int received_take(struct client_worker *w, uint64_t number, size_t length)
{
	int code = w->replies                     ? replies_take(w, number, length)
		   : echo_take(w, number, length) ? 0
						  : EPROTO;
	if (code)
		answer_keep(w, w->in, length);
	if (code == EPROTO)
		w->misfit = true;
	return code;
}

/* The connection ended. True if that completes a reply. */
static bool reply_ended(struct client_worker *w, uint64_t number)
{
	if (!w->replies || !w->slots[number].under_way || !reply_end(&w->replies[number]))
		return false;
	reply_count(w, number);
	return true;
}

/* Whether the end of a connection fails nothing: a server may close one on which nothing is in
 * flight, and with a protocol that has replies its client then opens another. */
static bool slot_idles(const struct client_worker *w, const struct slot *s)
{
	return w->replies && w->order.verb == CLIENT_REQUEST && s->active && s->state == OPEN &&
	       !s->under_way;
}

/* Handles what recv(2) returned, and its error where that is negative. False if the connection is
 * done with. */
static bool slot_received(struct client_worker *w, uint64_t number, ssize_t n, int code)
{
	struct slot *s = &w->slots[number];
	bool taken = false;
	if (n > 0)
		taken = !(code = received_take(w, number, (size_t)n));
	else if (n == 0 && !(taken = reply_ended(w, number)))
		code = EPIPE;
	if (taken && w->order.verb == CLIENT_CHURN && !s->under_way) {
		if (w->config->close == CLIENT_CLOSE_SERVER) {
			s->state = CLOSING;
			return true;
		}
		slot_churned(w, number);
	} else if (taken && s->leaving && w->order.verb != CLIENT_CHURN) {
		slot_leave(w, number);
	} else if (!taken) {
		slot_fail(w, number, code);
	}
	return s->state != FREE;
}

/* Reads available data. An edge is reported once, so what it reported is read: all, where the
 * buffer was full or the connection also ended; a short read has emptied the socket. */
static void slot_read(struct client_worker *w, uint64_t number, uint32_t events)
{
	struct slot *s = &w->slots[number];
	const bool ended = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	for (unsigned i = 0; i < READS; i++) {
		ssize_t n = TEMP_FAILURE_RETRY(recv(s->fd, w->in, sizeof(w->in), MSG_DONTWAIT));
		if (n < 0 && errno == EAGAIN)
			return;
		if (n == 0 && s->state == CLOSING) {
			slot_churned(w, number);
			return;
		}
		if (n == 0 && slot_turned_away(w, number)) {
			slot_fail(w, number, EBADMSG);
			return;
		}
		if ((n == 0 || errno == ECONNRESET) && n <= 0 && slot_idles(w, s)) {
			slot_leave(w, number);
			return;
		}
		if (!slot_received(w, number, n, errno))
			return;
		if (!ended && s->state != CLOSING && n < (ssize_t)sizeof(w->in))
			return;
	}
	/* Others come first; EPOLL_CTL_MOD reports the rest again. */
	int rc = slot_watch(w, number, EPOLLIN | (s->unsent ? EPOLLOUT : 0));
	if (rc < 0)
		slot_fail(w, number, -rc);
}

/* Completes a handshake, or registers the socket if it is still in progress. -errno if it
 * failed. */
static int slot_handshake(struct client_worker *w, uint64_t number)
{
	struct slot *s = &w->slots[number];
	if (w->config->path ||
	    connect(s->fd, &w->config->to.any, endpoint_size(&w->config->to)) == 0 ||
	    errno == EISCONN) {
		slot_opened(w, s);
		return 0;
	}
	if (errno != EALREADY && errno != EINPROGRESS)
		return -errno;
	return s->registered ? 0 : slot_watch(w, number, EPOLLIN | EPOLLOUT);
}

/* A connection without exchange is open: closes it, or waits until the server does. */
static void slot_unasked(struct client_worker *w, uint64_t number, uint64_t now)
{
	struct slot *s = &w->slots[number];
	histogram_add(&w->stats->latency, now > s->since ? now - s->since : 0);
	if (w->config->close != CLIENT_CLOSE_SERVER) {
		operation_done(w, now);
		slot_churned(w, number);
		return;
	}
	s->state = CLOSING;
	int rc = s->registered ? 0 : slot_watch(w, number, EPOLLIN);
	if (rc < 0)
		slot_fail(w, number, -rc);
}

/* A connection was opened to be held. The last one of a window sends a request, and no more are
 * opened before its reply: the server accepts in order, so only late connections can still be
 * queued then, and an accept queue of two windows cannot overflow (which would cost each client a
 * second). */
static void slot_held(struct client_worker *w, uint64_t number, uint64_t now)
{
	counter_set(&w->stats->last_opened_ns, now);
	if (w->slots[number].detached)
		return;
	if (w->order.verb == CLIENT_CHURN) {
		slot_unasked(w, number, now);
		return;
	}
	w->busy--;
	if (!w->order.window || ++w->unaccepted < w->order.window) {
		operation_done(w, now);
		return;
	}
	char reply;
	struct slot *s = &w->slots[number];
	struct pollfd p[] = {{.fd = s->fd, .events = POLLIN},
			     {.fd = w->port->channel, .events = POLLIN}};
	w->unaccepted = 0;
	bool replied = send(s->fd, "?", 1, MSG_NOSIGNAL) == 1 && poll(p, 2, WINDOW_MS) > 0 &&
		       recv(s->fd, &reply, 1, MSG_DONTWAIT) == 1;
	if (replied) {
		operation_done(w, now);
	} else {
		worker_fail(w, ETIMEDOUT);
		slot_close(w, number, true);
	}
	w->moved_ns = clock_ns();
}

/* A connection that awaits the greeting of its server has an event. */
static void slot_greeted(struct client_worker *w, uint64_t number, uint32_t events)
{
	struct slot *s = &w->slots[number];
	int code = 0;
	socklen_t size = sizeof(code);
	char byte;
	if (events & (EPOLLERR | EPOLLHUP) && !(events & EPOLLIN)) {
		getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &code, &size);
		slot_fail(w, number, code ? code : ECONNRESET);
		return;
	}
	ssize_t n = recv(s->fd, &byte, 1, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n != 1) {
		slot_fail(w, number, n < 0 ? errno : ECONNRESET);
		return;
	}
	counter_add(&w->stats->opened, 1);
	slot_held(w, number, clock_ns());
	slot_close(w, number, true);
}

/* Starts the connection of one token. False to pause, as ports or descriptors ran out. */
static bool connection_start(struct client_worker *w, uint64_t number, int *rc)
{
	*rc = slot_connect(w, number);
	if (*rc >= 0) {
		w->busy += !w->order.detach;
		if (w->config->await_greeting)
			*rc = slot_watch(w, number, EPOLLIN);
		return true;
	}
	if (code_starves(-*rc) && !w->order.detach)
		worker_starve(w, -*rc);
	else if (!w->queued)
		worker_fail(w, -*rc);
	if (w->order.detach) {
		w->started++; /* and failed */
		return false;
	}
	token_put(w, number);
	w->starved_until = clock_ns() + STARVED_NS;
	return false;
}

/* Starts the operation of one token. False if it could not. */
static bool operation_start(struct client_worker *w, uint64_t due)
{
	uint64_t number = token_take(w);
	struct slot *s = &w->slots[number];
	int rc = 0;
	bool requests = w->order.verb == CLIENT_REQUEST;
	bool reopens = requests && s->leaving && s->state == FREE;
	if (reopens && s->refused) {
		token_later(w, number);
		return true;
	}
	if (requests && !reopens) {
		if (s->state != OPEN && (s->state != CONNECTING || !s->active))
			return true; /* the connection failed: drop its token */
		w->busy++;
	} else if (!connection_start(w, number, &rc)) {
		return false;
	}
	w->started++;
	if (reopens)
		counter_add(&w->stats->reopened, 1);
	if (order_opens(w)) {
		s->since = due;
		if (rc == 0 && !s->registered)
			w->fresh[w->fresh_count++] = (uint32_t)number;
	} else {
		rc = slot_request(w, number, due);
		if (rc == 0 && !s->registered)
			rc = slot_watch(w, number, EPOLLIN);
	}
	if (rc < 0)
		slot_fail(w, number, -rc);
	return true;
}

/* Whether one more operation may be in flight: not accepted yet, or not answered. */
static bool start_allowed(const struct client_worker *w)
{
	const struct client_order *o = &w->order;
	return (!o->window || w->unaccepted + w->busy < o->window) &&
	       (!o->in_flight || w->busy < o->in_flight);
}

/* Starts due operations, a burst at most. */
static void operations_start(struct client_worker *w, uint64_t now)
{
	later_return(w, now);
	if (now < w->starved_until)
		return;
	for (unsigned i = 0; i < STARTS && w->fresh_count < BURST && token_any(w) &&
			     !order_over(w, now) && start_allowed(w);
	     i++) {
		uint64_t due = now;
		/* The rate of an open loop bounds its retries. */
		if (w->order.rate_per_s <= 0 && now < w->starved_until)
			return;
		if (w->order.rate_per_s > 0) {
			due = order_due(w, w->started);
			if (due > now)
				return;
		} else {
			due = clock_ns();
		}
		if (!operation_start(w, due))
			return;
	}
}

/* Checks handshakes that were just started: over loopback they are complete, and one poll(2)
 * reports them all. The others go into the epoll set. */
static void fresh_opened(struct client_worker *w)
{
	struct pollfd p[BURST];
	for (unsigned i = 0; i < w->fresh_count; i++)
		p[i] = (struct pollfd){.fd = w->slots[w->fresh[i]].fd, .events = POLLOUT};
	if (poll(p, w->fresh_count, 0) < 0)
		memset(p, 0, sizeof(p)); /* unknown: leave them to the epoll set */
	uint64_t now = clock_ns();
	for (unsigned i = 0; i < w->fresh_count; i++) {
		uint64_t number = w->fresh[i];
		if (p[i].revents == POLLOUT) {
			slot_opened(w, &w->slots[number]);
			slot_held(w, number, now);
			continue;
		}
		int rc = slot_handshake(w, number);
		if (rc < 0)
			slot_fail(w, number, -rc);
		else if (w->slots[number].state == OPEN)
			slot_held(w, number, now);
	}
	w->fresh_count = 0;
}

static void slot_event(struct client_worker *w, uint64_t number, uint32_t events)
{
	struct slot *s = &w->slots[number];
	int rc = 0;
	if (s->state == FREE)
		return;
	if (s->state == CONNECTING && w->config->await_greeting) {
		slot_greeted(w, number, events);
		return;
	}
	if (s->state == CONNECTING) {
		rc = slot_handshake(w, number);
		if (rc == 0 && s->state == OPEN && (s->detached || order_opens(w)))
			slot_held(w, number, clock_ns());
		w->moved_ns = clock_ns();
		if (s->state == FREE)
			return;
	}
	if (rc == 0 && s->state == OPEN && s->unsent)
		rc = slot_send(w, number);
	if (rc < 0)
		slot_fail(w, number, -rc);
	else if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR) && s->state != CONNECTING)
		slot_read(w, number, events);
}

/* Waits at most `timeout_ns` (0: not at all) with nanosecond resolution: by ppoll(2) on the set
 * where epoll_pwait2(2) is missing, before Linux 5.11 or in a sandbox. -1: by errno. */
static int worker_wait(struct client_worker *w, struct epoll_event *events, uint64_t timeout_ns)
{
	struct timespec t = {(time_t)(timeout_ns / 1000000000), (long)(timeout_ns % 1000000000)};
	int n = -1;
	if (timeout_ns && !w->coarse) {
		n = (int)syscall(SYS_epoll_pwait2, w->epoll, events, EVENTS, &t, NULL, 0);
		w->coarse = n < 0 && (errno == ENOSYS || errno == EPERM);
	}
	if (timeout_ns && w->coarse) {
		struct pollfd p = {.fd = w->epoll, .events = POLLIN};
		n = ppoll(&p, 1, &t, NULL);
	}
	if (!timeout_ns || (w->coarse && n > 0))
		n = epoll_wait(w->epoll, events, EVENTS, 0);
	return n < 0 && errno == EINTR ? 0 : n;
}

/* Time until the next start or deadline. */
static uint64_t idle_ns(const struct client_worker *w, uint64_t now)
{
	uint64_t until = (w->busy ? w->moved_ns : now) + w->silence_ns;
	uint64_t end = w->end_ns && now >= w->end_ns ? w->end_ns + LATE_NS : w->end_ns;
	if (end > now && end < until)
		until = end;
	if (later_any(w) && w->later_ns < until)
		until = w->later_ns;
	if (token_any(w) && !order_over(w, now) && start_allowed(w)) {
		uint64_t next = w->order.rate_per_s > 0 ? order_due(w, w->started) : now;
		next = next > w->starved_until ? next : w->starved_until;
		until = next < until ? next : until;
	}
	return until > now ? until - now : 0;
}

/* No progress within the timeout: fails all operations in flight. */
static void worker_give_up(struct client_worker *w)
{
	for (uint64_t i = 0; i < w->used && w->busy; i++)
		if (slot_operations(w, &w->slots[i]) && w->slots[i].state != FREE)
			slot_fail(w, i, ETIMEDOUT);
	if (!w->queued)
		return;
	counter_add(&w->stats->attempted, 1);
	worker_fail(w, EAGAIN);
}

/* Runs the order. False if the caller wants something else meanwhile. */
static bool order_run(struct client_worker *w, struct err *e)
{
	struct epoll_event events[EVENTS];
	for (;;) {
		uint64_t now = clock_ns();
		operations_start(w, now);
		if (w->fresh_count)
			fresh_opened(w);
		now = clock_ns();
		if (w->busy == 0 && order_over(w, now))
			return true;
		if (w->busy == 0 && !token_any(w) && !later_any(w)) {
			/* No connection is left. */
			if (w->end_ns)
				counter_set(&w->stats->lost_ns, now - w->start_ns);
			return true;
		}
		if (now > w->moved_ns + w->silence_ns ||
		    (w->end_ns && now > w->end_ns + LATE_NS + w->silence_ns)) {
			worker_give_up(w);
			if (!w->end_ns && w->starved_until > w->moved_ns)
				return true; /* nothing could be started either */
			w->moved_ns = now;
			continue;
		}
		int n = worker_wait(w, events, idle_ns(w, now));
		if (n < 0) {
			err_errno(e, "epoll_wait");
			return true;
		}
		for (int i = 0; i < n; i++) {
			if (events[i].data.u64 == CONTROL)
				return false;
			slot_event(w, events[i].data.u64, events[i].events);
		}
	}
}

static int tokens_make(struct client_worker *w, size_t count, struct err *e)
{
	size_t size = 64;
	while (size < count)
		size *= 2;
	if (size > w->tokens.size) {
		void *ring = mmap(NULL, 2 * size * sizeof(uint32_t), PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (ring == MAP_FAILED)
			return err_errno(e, "memory for %zu operations", count);
		if (w->tokens.ring)
			munmap(w->tokens.ring, 2 * w->tokens.size * sizeof(uint32_t));
		w->tokens = (struct tokens){.ring = ring, .size = size};
		w->later = (struct tokens){.ring = w->tokens.ring + size, .size = size};
	}
	w->tokens.head = w->tokens.tail = w->later.head = w->later.tail = 0;
	return 0;
}

static int order_check(struct client_worker *w, const struct client_order *o, struct err *e)
{
	bool talks = (o->verb == CLIENT_CHURN && o->size) || o->verb == CLIENT_REQUEST || o->ask;
	if (talks && w->replies && o->size != w->config->request.size)
		return err_set(e, EINVAL, "requests of %u bytes instead of the protocol's",
			       o->size);
	if (talks && (!o->size || o->size > CLIENT_SIZE || !o->depth || o->depth > CLIENT_DEPTH ||
		      (uint64_t)o->size * o->depth > CLIENT_FLIGHT))
		return err_set(e, EINVAL, "unsupported: requests of %u bytes, %u in flight",
			       o->size, o->depth);
	if (o->verb == CLIENT_CHURN && w->used)
		return err_set(e, EBUSY, "connections are still held");
	if ((o->verb == CLIENT_CHURN && o->active > w->config->connections) ||
	    (o->verb == CLIENT_OPEN && w->used + o->count > w->config->connections))
		return err_set(e, ENOBUFS, "more than %llu connections",
			       (unsigned long long)w->config->connections);
	return 0;
}

/* Creates the tokens of the order. */
static int order_prepare(struct client_worker *w, struct err *e)
{
	const struct client_order *o = &w->order;
	uint64_t first = w->used;
	int rc = order_check(w, o, e);
	if (rc < 0)
		return rc;
	if (o->depth > 1 && !w->due) {
		w->due = mmap(NULL, w->config->connections * CLIENT_DEPTH * sizeof(*w->due),
			      PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			      -1, 0);
		if (w->due == MAP_FAILED) {
			w->due = NULL;
			return err_errno(e, "memory for due times of requests");
		}
	}
	if (o->verb == CLIENT_OPEN) {
		rc = tokens_make(w, o->count, e);
		for (uint64_t i = 0; i < o->count && rc == 0; i++)
			token_put(w, first + i);
		w->used += rc == 0 ? o->count : 0;
		return rc;
	}
	rc = tokens_make(w, o->active * o->depth, e);
	if (o->verb == CLIENT_CHURN) {
		for (uint64_t i = 0; i < o->active && rc == 0; i++)
			token_put(w, i);
		w->used = o->active;
		return rc;
	}
	uint64_t active = o->active < w->used ? o->active : w->used;
	for (uint64_t i = 0; i < active && rc == 0; i++) {
		uint64_t number = i * w->used / active;
		if (w->slots[number].state != OPEN)
			continue;
		w->slots[number].got = 0;
		w->slots[number].active = 1;
		if (!w->slots[number].registered && slot_watch(w, number, EPOLLIN) < 0)
			return err_errno(e, "watch connection %llu", (unsigned long long)number);
	}
	for (uint64_t i = 0; i < active * o->depth && rc == 0; i++)
		token_put(w, i % active * w->used / active);
	return rc;
}

static void close_all(struct client_worker *w)
{
	for (uint64_t i = 0; i < w->used; i++)
		if (w->slots[i].state != FREE)
			slot_close(w, i, w->config->close == CLIENT_CLOSE_RESET);
	w->used = 0;
}

/* Counts operations that were due and never started, with the time that they have waited so far. In
 * steps, as there may be billions. */
static void missed_count(struct client_worker *w, uint64_t now)
{
	const struct client_order *o = &w->order;
	if (o->rate_per_s <= 0 || !w->end_ns)
		return;
	uint64_t until = now < w->end_ns ? now : w->end_ns;
	uint64_t due = (uint64_t)((double)(until - w->start_ns) / 1e9 * o->rate_per_s) + 1;
	while (due && order_due(w, due - 1) >= until)
		due--;
	uint64_t seen = now < w->end_ns + LATE_NS ? now : w->end_ns + LATE_NS;
	if (o->count && due > o->count)
		due = o->count;
	if (due <= w->started)
		return;
	uint64_t whole = due - w->started;
	uint64_t steps = whole < MISSED_STEPS ? whole : MISSED_STEPS;
	for (uint64_t i = 0; i < steps; i++) {
		uint64_t middle = w->started + whole * (2 * i + 1) / (2 * steps);
		histogram_add_many(&w->stats->latency, seen - order_due(w, middle),
				   whole * (i + 1) / steps - whole * i / steps);
	}
	counter_set(&w->stats->missed, whole);
}

/* Time of the order's operations without the final timeout: its duration, or, with a count, until
 * the last of it was done. */
static uint64_t order_elapsed(const struct client_worker *w, uint64_t now)
{
	uint64_t until = w->end_ns && w->end_ns < now ? w->end_ns : now;
	if (!w->end_ns && w->done_ns)
		until = w->done_ns;
	return until - w->start_ns;
}

/* Until when the order's operations were waited for. One that no connection was left for has waited
 * as long as one that no reply came for. */
static uint64_t order_seen(const struct client_worker *w)
{
	return counter_get(&w->stats->lost_ns) ? w->end_ns + LATE_NS : clock_ns();
}

/* False if the caller wants something else meanwhile. */
static bool order_obey(struct client_worker *w, struct err *e)
{
	const struct client_order *o = &w->order;
	bool done = true;
	uint64_t cpu = clock_cpu_ns();
	memset(&w->stats->latency, 0, o->verb == CLIENT_USAGE ? 0 : sizeof(w->stats->latency));
	counter_set(&w->stats->done, 0);
	counter_set(&w->stats->timely, 0);
	counter_set(&w->stats->missed, 0);
	counter_set(&w->stats->lost_ns, 0);
	w->started = w->busy = w->unaccepted = 0;
	w->queued = false;
	w->starved_until = w->done_ns = 0;
	const char *text = w->replies ? w->config->request.text : NULL;
	for (size_t i = 0; i < sizeof(w->out) && o->size && o->verb != CLIENT_USAGE; i++)
		w->out[i] = text ? text[i % o->size] : (char)('a' + i % o->size % 26);
	w->start_ns = w->moved_ns = clock_ns();
	w->end_ns = o->duration_us ? w->start_ns + o->duration_us * 1000 : 0;
	if (o->verb == CLIENT_CLOSE) {
		close_all(w);
	} else if (o->verb != CLIENT_USAGE && order_prepare(w, e) == 0) {
		w->start_ns = w->moved_ns = clock_ns();
		w->end_ns = o->duration_us ? w->start_ns + o->duration_us * 1000 : 0;
		done = order_run(w, e);
		if (o->verb == CLIENT_CHURN && done)
			w->used = 0;
		missed_count(w, order_seen(w));
	}
	counter_set(&w->stats->elapsed_ns, order_elapsed(w, order_seen(w)));
	counter_set(&w->stats->cpu_ns, clock_cpu_ns() - cpu);
	counter_set(&w->stats->private_bytes, usage_private_bytes());
	return done;
}

/* Fails what an order has in flight whose caller has timed out. */
static void order_abandon(struct client_worker *w)
{
	if (!w->busy)
		return;
	worker_give_up(w);
	w->used = w->order.verb == CLIENT_CHURN ? 0 : w->used;
}

/* Waits for the next order, while connections change. False at the end. */
static bool order_next(struct client_worker *w)
{
	struct epoll_event events[EVENTS];
	for (;;) {
		bool asked = false;
		int n = epoll_wait(w->epoll, events, EVENTS, -1);
		if (n < 0 && errno != EINTR)
			return false;
		for (int i = 0; i < n; i++)
			if (events[i].data.u64 == CONTROL)
				asked = true;
			else
				slot_event(w, events[i].data.u64, events[i].events);
		if (asked && task_ended(w->port))
			return false;
		if (asked) {
			order_abandon(w);
			return task_hear(w->port, &w->order, sizeof(w->order));
		}
	}
}

static int worker_open(struct client_worker *w, int cpu, struct err *e)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = CONTROL};
	sockets_raise_limit();
	prctl(PR_SET_TIMERSLACK, 1);
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll < 0 || epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->port->channel, &ev) < 0)
		return err_errno(e, "epoll");
	w->slots = mmap(NULL, w->config->connections * sizeof(*w->slots), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (w->slots == MAP_FAILED)
		return err_errno(e, "memory for connections");
	if (w->config->request.size) {
		w->replies = mmap(NULL, w->config->connections * sizeof(*w->replies),
				  PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (w->replies == MAP_FAILED)
			return err_errno(e, "memory for replies");
	}
	if (w->config->batch) {
		struct sched_param none = {0};
		sched_setscheduler(0, SCHED_BATCH, &none);
	}
	int rc = cpu < 0 ? 0 : cpus_run_on(cpu);
	errno = -rc;
	return rc < 0 ? err_errno(e, "pin to CPU %d", cpu) : 0;
}

int client_main(struct task_port *port, void *arg)
{
	struct client_part *part = arg;
	struct err e = {0};
	struct client_worker *w =
		mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (w == MAP_FAILED)
		return err_errno(&port->e, "memory for a client");
	w->config = &part->config;
	w->stats = &part->stats;
	w->port = port;
	w->silence_ns =
		1000000ull * (w->config->patience_ms ? w->config->patience_ms : CLIENT_PATIENCE_MS);
	int rc = worker_open(w, part->cpu, &e);
	task_answer(port, rc, &e, NULL, 0);
	while (rc == 0 && order_next(w)) {
		e.code = 0;
		if (order_obey(w, &e))
			task_answer(port, -e.code, &e, NULL, 0);
	}
	close_all(w);
	return rc;
}
