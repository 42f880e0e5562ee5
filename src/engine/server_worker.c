#include "engine/server_worker.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/sockets.h"
#include "epolltune/clock.h"

#define EVENTS 512
#define ACCEPTS 64 /* accepts in a row before the new clients are served */
#define ROUNDS 16  /* such batches before other connections are served */
/* Bytes of HTTP to read at a time: all replies fit into the buffer, as a request has 16 bytes or
 * more and a reply at most 64. */
#define HTTP_READ (SERVER_READ / 4)
#define READS 16              /* reads of one connection in a row */
#define EXHAUSTED_NS 20000000 /* pause in accepting at a limit */

/* The result of serving a connection. KEPT: it waits for EPOLLOUT, and with EPOLLONESHOT another
 * thread may own it already. */
enum verdict { GONE, OPEN, ANSWERED, KEPT };

int server_shared_open(struct server_shared *s, const struct server_config *config, struct err *e)
{
	uint32_t pending = config->pending_max;
	*s = (struct server_shared){
		.table = (uint32_t)sockets_raise_limit(),
		.pending_max =
			pending && pending < SERVER_PENDING_MAX ? pending : SERVER_PENDING_MAX,
	};
	if (s->table > 1u << 24)
		s->table = 1u << 24;
	s->pending_of = mmap(NULL, s->table * sizeof(*s->pending_of), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	s->pending = mmap(NULL, SERVER_PENDING_MAX * sizeof(*s->pending), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (config->protocol == PROTOCOL_HTTP)
		s->requests = mmap(NULL, s->table * sizeof(*s->requests), PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s->pending_of == MAP_FAILED || s->pending == MAP_FAILED || s->requests == MAP_FAILED)
		return err_errno(e, "memory for connections");
	pthread_mutex_init(&s->lock, NULL);
	return 0;
}

void server_shared_close(struct server_shared *s)
{
	if (s->pending_of && s->pending_of != MAP_FAILED)
		munmap(s->pending_of, s->table * sizeof(*s->pending_of));
	if (s->pending && s->pending != MAP_FAILED)
		munmap(s->pending, SERVER_PENDING_MAX * sizeof(*s->pending));
	if (s->requests && s->requests != MAP_FAILED)
		munmap(s->requests, s->table * sizeof(*s->requests));
	*s = (struct server_shared){0};
}

/* Allocates a pending write; NULL when all are in use. */
static struct pending_write *pending_take(struct server_shared *s, int fd)
{
	uint32_t index = 0;
	if ((uint32_t)fd >= s->table)
		return NULL;
	pthread_mutex_lock(&s->lock);
	if (s->free_first) {
		index = s->free_first;
		s->free_first = s->pending[index - 1].next_free;
	} else if (s->pending_used < s->pending_max) {
		index = ++s->pending_used;
	}
	pthread_mutex_unlock(&s->lock);
	return index ? &s->pending[index - 1] : NULL;
}

/* Publishes a pending write to the thread that gets the next event of the connection. */
static void pending_publish(struct server_shared *s, int fd, const struct pending_write *r)
{
	atomic_store_explicit(&s->pending_of[fd], (uint32_t)(r - s->pending) + 1,
			      memory_order_release);
}

static struct pending_write *pending_find(const struct server_shared *s, int fd)
{
	uint32_t index = (uint32_t)fd < s->table
				 ? atomic_load_explicit(&s->pending_of[fd], memory_order_acquire)
				 : 0;
	return index ? &s->pending[index - 1] : NULL;
}

static void pending_free(struct server_shared *s, int fd)
{
	struct pending_write *r = pending_find(s, fd);
	if (!r)
		return;
	atomic_store_explicit(&s->pending_of[fd], 0, memory_order_release);
	pthread_mutex_lock(&s->lock);
	r->next_free = s->free_first;
	s->free_first = (uint32_t)(r - s->pending) + 1;
	pthread_mutex_unlock(&s->lock);
}

static int watch(const struct server_worker *w, int operation, int fd, uint32_t events)
{
	static const uint32_t flags[] = {
		[SERVER_LEVEL] = 0,
		[SERVER_EDGE] = EPOLLET | EPOLLRDHUP | EPOLLPRI,
		[SERVER_ONESHOT] = EPOLLONESHOT,
		[SERVER_LEVEL_MOD] = 0,
	};
	struct epoll_event ev = {.events = events | flags[w->config->mode], .data.fd = fd};
	return epoll_ctl(w->epoll, operation, fd, &ev);
}

static enum verdict conn_end(struct server_worker *w, int fd)
{
	pending_free(w->shared, fd);
	if (w->shared->requests && (uint32_t)fd < w->shared->table)
		w->shared->requests[fd] = (struct http_request){0};
	close(fd);
	if (fd == w->answered)
		w->answered = -1;
	counter_add(&w->stats->closed, 1);
	return GONE;
}

static enum verdict conn_fail(struct server_worker *w, int fd)
{
	counter_add(&w->stats->resets, 1);
	return conn_end(w, fd);
}

/* Keeps what the peer does not take, and waits for EPOLLOUT instead of reading on. */
static enum verdict conn_keep(struct server_worker *w, int fd, const char *data, size_t length,
			      bool registered)
{
	struct pending_write *r = pending_take(w->shared, fd);
	if (r) {
		r->length = (uint32_t)length;
		r->sent = 0;
		memcpy(r->data, data, length);
		pending_publish(w->shared, fd, r);
		if (watch(w, registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, EPOLLOUT) == 0)
			return KEPT;
	}
	counter_add(&w->stats->refused, 1);
	sockets_abort(fd);
	return conn_end(w, fd);
}

/* Whether the server closes the connection after the reply. */
static bool conn_closes(const struct server_worker *w, int fd)
{
	return w->config->close_after_reply ||
	       (w->shared->requests && w->shared->requests[fd].closes);
}

/* Puts the replies to what was read of HTTP into the buffer. Returns their length; 0: no request is
 * complete. */
static size_t replies_write(struct server_worker *w, int fd, size_t length)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n",
			  last[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
				   "Connection: close\r\n\r\nok\n",
			  bad[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n"
				  "Connection: close\r\n\r\n";
	struct http_request *r = &w->shared->requests[fd];
	int n = http_requests_read(r, w->buffer, length);
	char *at = w->buffer;
	if (n < 0) {
		r->closes = true;
		return (size_t)(stpcpy(at, bad) - at);
	}
	counter_add(&w->stats->requests, (uint64_t)n);
	for (int i = 1; i <= n; i++)
		at = stpcpy(at, i == n && conn_closes(w, fd) ? last : ok);
	return (size_t)(at - w->buffer);
}

/* Sends a reply, or keeps the rest of it. ANSWERED: all is sent and the connection stays open. */
static enum verdict conn_reply(struct server_worker *w, int fd, size_t length, bool registered)
{
	if (w->config->mode == SERVER_LEVEL_MOD && registered)
		return conn_keep(w, fd, w->buffer, length, true);
	ssize_t n = send(fd, w->buffer, length, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ENOBUFS && errno != ENOMEM)
		return conn_fail(w, fd);
	if (n != (ssize_t)length) {
		size_t sent = n < 0 ? 0 : (size_t)n;
		return conn_keep(w, fd, w->buffer + sent, length - sent, registered);
	}
	if (conn_closes(w, fd))
		return conn_end(w, fd);
	w->answered = fd;
	return ANSWERED;
}

/* Reads and answers. `all` reads until EAGAIN, as edge triggering requires when the event reported
 * more than new data. A short read has emptied the socket (epoll(7)). */
static enum verdict conn_serve(struct server_worker *w, int fd, bool all, bool registered)
{
	enum verdict verdict = OPEN;
	bool http = w->shared->requests;
	size_t max = http ? HTTP_READ : sizeof(w->buffer);
	if (http && (uint32_t)fd >= w->shared->table)
		return conn_fail(w, fd);
	for (unsigned i = 0; i < READS; i++) {
		ssize_t n = recv(fd, w->buffer, max, MSG_DONTWAIT);
		if (n > 0) {
			size_t reply = http ? replies_write(w, fd, (size_t)n) : (size_t)n;
			counter_add(&w->stats->requests, !http);
			counter_add(&w->stats->bytes, (uint64_t)n);
			if (reply)
				verdict = conn_reply(w, fd, reply, registered);
			if ((reply && verdict != ANSWERED) || (!all && (size_t)n < max))
				return verdict;
		} else if (n == 0) {
			return conn_end(w, fd);
		} else if (errno == EAGAIN) {
			return verdict;
		} else if (errno != EINTR) {
			return conn_fail(w, fd);
		}
	}
	/* There may be more data: a level reports it again, an edge must be triggered again. */
	if (w->config->mode == SERVER_EDGE && registered &&
	    watch(w, EPOLL_CTL_MOD, fd, EPOLLIN) < 0)
		return conn_fail(w, fd);
	return verdict;
}

/* Continues a pending write, then reads again. */
static void conn_flush(struct server_worker *w, int fd, struct pending_write *r)
{
	ssize_t n = send(fd, r->data + r->sent, r->length - r->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		conn_fail(w, fd);
		return;
	}
	r->sent += n > 0 ? (uint32_t)n : 0;
	bool done = r->sent == r->length;
	if (done)
		pending_free(w->shared, fd);
	else
		pending_publish(w->shared, fd, r);
	if (done && conn_closes(w, fd))
		conn_end(w, fd);
	/* EPOLL_CTL_MOD checks again: it reports data that arrived meanwhile, also
	 * edge-triggered. */
	else if ((done || w->config->mode == SERVER_ONESHOT) &&
		 watch(w, EPOLL_CTL_MOD, fd, done ? EPOLLIN : EPOLLOUT) < 0)
		conn_fail(w, fd);
}

static void conn_event(struct server_worker *w, int fd, uint32_t events)
{
	struct pending_write *r = pending_find(w->shared, fd);
	if (r) {
		conn_flush(w, fd, r);
		return;
	}
	/* These events are reported once; a read also ends at an urgent byte. */
	const uint32_t more = EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR;
	bool all = w->config->mode == SERVER_EDGE && events & more;
	enum verdict verdict = conn_serve(w, fd, all, true);
	/* One that is KEPT is armed already: another thread may own it or have closed it. */
	if ((verdict == OPEN || verdict == ANSWERED) && w->config->mode == SERVER_ONESHOT &&
	    watch(w, EPOLL_CTL_MOD, fd, EPOLLIN) < 0)
		conn_fail(w, fd);
}

/* Adds a connection that stays open to the epoll set. */
static void conn_register(struct server_worker *w, int fd)
{
	if (watch(w, EPOLL_CTL_ADD, fd, EPOLLIN) == 0)
		return;
	/* fs.epoll.max_user_watches or memory is exhausted. */
	int none = 0;
	atomic_compare_exchange_strong(&w->stats->watch_errno, &none, errno);
	counter_add(&w->stats->refused, 1);
	sockets_abort(fd);
	conn_end(w, fd);
}

static int listener_watch(struct server_worker *w, bool on, struct err *e)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = w->listener};
	if (w->set_shared)
		ev.events |= EPOLLET;
	else if (w->exclusive)
		ev.events |= EPOLLEXCLUSIVE;
	if (on == w->listening)
		return 0;
	if (epoll_ctl(w->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, w->listener, &ev) < 0 &&
	    !(w->set_shared && (errno == EEXIST || errno == ENOENT)))
		return err_errno(e, "watch the listener");
	w->listening = on;
	return 0;
}

/* Triggers the listener's edge again. Another thread may have removed it from the set and will add
 * it again. */
static void listener_redraw(const struct server_worker *w)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.fd = w->listener};
	epoll_ctl(w->epoll, EPOLL_CTL_MOD, w->listener, &ev);
}

int server_worker_listen(struct server_worker *w, bool on, struct err *e)
{
	w->wanted = on;
	return listener_watch(w, on, e);
}

/* Pauses accepting at a limit, since watching the listener would spin; server_worker_run() resumes
 * it. */
static void accept_exhausted(struct server_worker *w, int code)
{
	struct err ignored;
	int none = 0;
	counter_add(&w->stats->accept_fails, 1);
	atomic_compare_exchange_strong(&w->stats->accept_errno, &none, code);
	listener_watch(w, false, &ignored);
	w->wanted = !w->config->stop_at_limit;
	w->resume_ns = clock_ns() + EXHAUSTED_NS;
}

/* Resumes accepting after the pause; returns the milliseconds left, -1: not paused. */
static int accept_resume(struct server_worker *w)
{
	struct err ignored;
	if (!w->wanted || w->listening)
		return -1;
	uint64_t now = clock_ns();
	if (now >= w->resume_ns) {
		if (listener_watch(w, true, &ignored) == 0)
			return -1;
		w->resume_ns = now + EXHAUSTED_NS; /* no memory for that, either */
	}
	return (int)((w->resume_ns - now) / 1000000) + 1;
}

void server_worker_adopt(struct server_worker *w, int fd)
{
	counter_add(&w->stats->accepted, 1);
	if (w->config->greet_and_close)
		(void)!send(fd, "!", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (w->config->greet_and_close || w->config->close_at_once) {
		conn_end(w, fd);
		return;
	}
	enum verdict verdict = conn_serve(w, fd, false, false);
	if (verdict == ANSWERED && w->recent_count < SERVER_RECENT)
		w->recent[w->recent_count++] = fd;
	else if (verdict == OPEN || verdict == ANSWERED)
		conn_register(w, fd);
}

/* Accepts a batch and answers clients with data ready; returns the number accepted. */
static unsigned accept_batch(struct server_worker *w)
{
	unsigned accepted = 0;
	while (accepted < ACCEPTS) {
		int fd = accept4(w->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && sockets_accept_passes(errno))
			continue;
		if (fd < 0) {
			if (errno != EAGAIN)
				accept_exhausted(w, errno);
			break;
		}
		server_worker_adopt(w, fd);
		accepted++;
	}
	if (accepted)
		counter_set(&w->stats->last_accept_ns, clock_ns());
	return accepted;
}

/* Serves connections that were answered right after accept4(): many end now, the others join the
 * set. */
static void recent_sweep(struct server_worker *w)
{
	for (unsigned i = 0; i < w->recent_count; i++) {
		int fd = w->recent[i];
		enum verdict verdict = conn_serve(w, fd, false, false);
		if (verdict == OPEN || verdict == ANSWERED)
			conn_register(w, fd);
	}
	w->recent_count = 0;
}

/* Accepts until the queue is empty. Yields in between to peers that may wait for this CPU, so that
 * connections of one exchange need neither a registration nor a wakeup. */
static void accept_all(struct server_worker *w)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned accepted = accept_batch(w);
		if (w->recent_count) {
			sched_yield();
			recent_sweep(w);
		}
		if (!accepted)
			return;
	}
	/* There may be more connections: a level reports them again, an edge, for threads that
	 * share the set, must be triggered again. */
	if (w->set_shared && w->listening)
		listener_redraw(w);
}

int server_worker_open(struct server_worker *w, const struct server_config *config,
		       struct server_stats *stats, struct server_shared *shared, int epoll,
		       int listener, struct err *e)
{
	*w = (struct server_worker){.config = config,
				    .stats = stats,
				    .shared = shared,
				    .epoll = epoll >= 0 ? epoll : epoll_create1(EPOLL_CLOEXEC),
				    .listener = listener,
				    .answered = -1,
				    .set_shared = epoll >= 0,
				    .exclusive = config->share == SERVER_EXCLUSIVE ||
						 config->listener > 0};
	return w->epoll < 0 ? err_errno(e, "epoll_create1") : 0;
}

/* True if the control descriptor is among them. */
static bool events_serve(struct server_worker *w, const struct epoll_event *events, int count,
			 int control)
{
	bool called = false;
	for (int i = 0; i < count; i++) {
		int fd = events[i].data.fd;
		if (fd == control)
			called = true;
		else if (fd == w->listener)
			accept_all(w);
		else
			conn_event(w, fd, events[i].events);
	}
	return called;
}

int server_worker_run(struct server_worker *w, int control, struct err *e)
{
	struct epoll_event events[EVENTS], ev = {.events = EPOLLIN, .data.fd = control};
	if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, control, &ev) < 0 && errno != EEXIST)
		return err_errno(e, "watch the control channel");
	/* Threads that share a set take one event at a time, so that the others can follow. */
	int max = w->set_shared ? 1 : EVENTS;
	for (bool called = false; !called;) {
		if (w->config->pause_ms)
			clock_sleep_ms(w->config->pause_ms);
		int n = epoll_wait(w->epoll, events, max, accept_resume(w));
		if (n < 0 && errno != EINTR)
			return err_errno(e, "epoll_wait");
		counter_add(&w->stats->wakeups, 1);
		if (n > 0)
			called = events_serve(w, events, n, control);
	}
	return 0;
}
