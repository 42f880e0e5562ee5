#include "engine/client_slot.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/sockets.h"
#include "epolltune/clock.h"
#include "host/compat.h"

#define READS 16        /* of one connection in a row */
#define WINDOW_MS 10000 /* time for a server to accept a window of connections */

void token_put(struct client_worker *w, uint64_t number)
{
	w->tokens.ring[w->tokens.tail++ & (w->tokens.size - 1)] = (uint32_t)number;
}

static void errno_keep(_Atomic int *first, int code)
{
	int none = 0;
	atomic_compare_exchange_strong(first, &none, code);
}

void failure_count(struct client_worker *w, int code)
{
	errno_keep(&w->stats->first_errno, code);
	counter_add(&w->stats->failed, 1);
}

void starvation_count(struct client_worker *w, int code)
{
	errno_keep(&w->stats->first_starved, code);
	counter_add(&w->stats->starved, 1);
}

bool errno_starves(int code)
{
	return code == EADDRNOTAVAIL || code == EMFILE || code == ENFILE || code == ENOBUFS ||
	       code == ENOMEM;
}

/* Counts an operation that is done. */
static void operation_done(struct client_worker *w, uint64_t now)
{
	counter_add(&w->stats->done, 1);
	if (!w->end_ns || now <= w->end_ns)
		counter_add(&w->stats->timely, 1);
	w->moved_ns = w->done_ns = now;
}

int slot_watch(struct client_worker *w, uint64_t number, uint32_t events)
{
	struct slot *s = &w->slots[number];
	struct epoll_event ev = {.events = events | EPOLLET | EPOLLRDHUP, .data.u64 = number};
	if (epoll_ctl(w->epoll, s->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, s->fd, &ev) < 0)
		return -errno;
	s->registered = 1;
	return 0;
}

int slot_connect(struct client_worker *w, uint64_t number)
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
	if (fd >= 0 || (!errno_starves(-fd) && !w->queued))
		counter_add(&w->stats->attempted, 1);
	if (fd < 0)
		return fd;
	if (w->order.depth > 1)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	w->slots[number] = (struct slot){.fd = fd,
					 .state = SLOT_CONNECTING,
					 .detached = w->order.detach,
					 .active = w->order.verb == CLIENT_REQUEST};
	if (w->replies)
		w->replies[number] = (struct reply){0};
	return 0;
}

void slot_opened(struct client_worker *w, struct slot *s)
{
	s->state = SLOT_OPEN;
	counter_add(&w->stats->opened, 1);
	counter_add(&w->stats->held, 1);
}

void slot_close(struct client_worker *w, uint64_t number, bool reset)
{
	struct slot *s = &w->slots[number];
	if (s->state == SLOT_OPEN || s->state == SLOT_CLOSING)
		counter_set(&w->stats->held, counter_get(&w->stats->held) - 1);
	if (reset)
		sockets_abort(s->fd);
	close(s->fd);
	*s = (struct slot){.fd = -1};
}

uint64_t slot_operations(const struct client_worker *w, const struct slot *s)
{
	if (w->order.verb == CLIENT_REQUEST || w->order.ask)
		return s->under_way;
	return w->order.verb == CLIENT_CHURN || (s->state == SLOT_CONNECTING && !s->detached);
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
	if (w->end_ns && seen < w->end_ns + CLIENT_LATE_NS)
		seen = w->end_ns + CLIENT_LATE_NS;
	for (uint64_t i = 0; i < operations; i++) {
		uint64_t due = w->order.depth > 1 ? w->due[number * CLIENT_DEPTH + i] : s->since;
		histogram_add(&w->stats->latency, seen > due ? seen - due : 0);
	}
}

void slot_fail(struct client_worker *w, uint64_t number, int code)
{
	struct slot *s = &w->slots[number];
	uint64_t operations = slot_operations(w, s);
	bool returns = slot_returns(w, s, code), replied = s->replied;
	failure_count(w, code);
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
		w->starved_until = clock_ns() + CLIENT_STARVED_NS;
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
		if (s->state == SLOT_CONNECTING)
			slot_opened(w, s);
		s->unsent -= (uint32_t)n;
	}
	return 0;
}

int slot_request(struct client_worker *w, uint64_t number, uint64_t due)
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
	if (s->state != SLOT_OPEN || s->got + length > (size_t)s->under_way * size ||
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
	return w->replies && s->state == SLOT_OPEN && !s->under_way &&
	       reply_end(&w->replies[number]) && unasked_take(w, number) == EBADMSG;
}

/* Replies of another protocol than echo. 0 or, positive, the errno that fails the connection. */
static int replies_take(struct client_worker *w, uint64_t number, size_t length)
{
	struct slot *s = &w->slots[number];
	for (size_t at = 0; at < length;) {
		struct reply *r = &w->replies[number];
		if (s->state != SLOT_OPEN)
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
	return w->replies && w->order.verb == CLIENT_REQUEST && s->active &&
	       s->state == SLOT_OPEN && !s->under_way;
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
			s->state = SLOT_CLOSING;
			return true;
		}
		slot_churned(w, number);
	} else if (taken && s->leaving && w->order.verb != CLIENT_CHURN) {
		slot_leave(w, number);
	} else if (!taken) {
		slot_fail(w, number, code);
	}
	return s->state != SLOT_FREE;
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
		if (n == 0 && s->state == SLOT_CLOSING) {
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
		if (!ended && s->state != SLOT_CLOSING && n < (ssize_t)sizeof(w->in))
			return;
	}
	/* Others come first; EPOLL_CTL_MOD reports the rest again. */
	int rc = slot_watch(w, number, EPOLLIN | (s->unsent ? EPOLLOUT : 0));
	if (rc < 0)
		slot_fail(w, number, -rc);
}

int slot_handshake(struct client_worker *w, uint64_t number)
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
	s->state = SLOT_CLOSING;
	int rc = s->registered ? 0 : slot_watch(w, number, EPOLLIN);
	if (rc < 0)
		slot_fail(w, number, -rc);
}

void slot_held(struct client_worker *w, uint64_t number, uint64_t now)
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
		failure_count(w, ETIMEDOUT);
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

void slot_event(struct client_worker *w, uint64_t number, uint32_t events)
{
	struct slot *s = &w->slots[number];
	int rc = 0;
	if (s->state == SLOT_FREE)
		return;
	if (s->state == SLOT_CONNECTING && w->config->await_greeting) {
		slot_greeted(w, number, events);
		return;
	}
	if (s->state == SLOT_CONNECTING) {
		rc = slot_handshake(w, number);
		if (rc == 0 && s->state == SLOT_OPEN && (s->detached || w->opens))
			slot_held(w, number, clock_ns());
		w->moved_ns = clock_ns();
		if (s->state == SLOT_FREE)
			return;
	}
	if (rc == 0 && s->state == SLOT_OPEN && s->unsent)
		rc = slot_send(w, number);
	if (rc < 0)
		slot_fail(w, number, -rc);
	else if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR) &&
		 s->state != SLOT_CONNECTING)
		slot_read(w, number, events);
}
