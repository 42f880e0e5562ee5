#include "engine/worker.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "epolltune/clock.h"
#include "engine/cpus.h"
#include "engine/sockets.h"

#define EVENTS 512
#define ACCEPTS 64            /* accepts in a row before the new clients are served */
#define ROUNDS 16             /* such batches before other connections are served */
#define READS 16              /* reads of one connection in a row */
#define HOT 64                /* requests of a single connection between two epoll_wait() calls */
#define COLD 16               /* events without the fast path after it found no data */
#define EXHAUSTED_NS 20000000 /* pause in accepting at a limit */

/* After this many accepts in a row without data ready, the worker reads from one client in so many
 * only. A prime, so that it does not always hit the last of a client's window. */
#define VAIN 17

/* The result of serving a connection. KEPT: it waits for EPOLLOUT, and with EPOLLONESHOT another
 * thread may own it already. */
enum verdict { GONE, OPEN, ANSWERED, KEPT };

int worker_shared_open(struct worker_shared *s, uint32_t rests, struct err *e)
{
	*s = (struct worker_shared){
		.table = (uint32_t)sockets_raise_limit(),
		.rests_most = rests && rests < WORKER_RESTS ? rests : WORKER_RESTS,
	};
	if (s->table > 1u << 24)
		s->table = 1u << 24;
	s->rest_of = mmap(NULL, s->table * sizeof(*s->rest_of), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	s->rests = mmap(NULL, WORKER_RESTS * sizeof(*s->rests), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s->rest_of == MAP_FAILED || s->rests == MAP_FAILED)
		return err_errno(e, "memory for connections");
	pthread_mutex_init(&s->lock, NULL);
	return 0;
}

void worker_shared_close(struct worker_shared *s)
{
	if (s->rest_of && s->rest_of != MAP_FAILED)
		munmap(s->rest_of, s->table * sizeof(*s->rest_of));
	if (s->rests && s->rests != MAP_FAILED)
		munmap(s->rests, WORKER_RESTS * sizeof(*s->rests));
	*s = (struct worker_shared){0};
}

/* Allocates a pending write; NULL when all are in use. */
static struct rest *rest_take(struct worker_shared *s, int fd)
{
	uint32_t index = 0;
	if ((uint32_t)fd >= s->table)
		return NULL;
	pthread_mutex_lock(&s->lock);
	if (s->rests_free) {
		index = s->rests_free;
		s->rests_free = s->rests[index - 1].next_free;
	} else if (s->rests_used < s->rests_most) {
		index = ++s->rests_used;
	}
	pthread_mutex_unlock(&s->lock);
	return index ? &s->rests[index - 1] : NULL;
}

/* Publishes a pending write to the thread that gets the next event of the connection. */
static void rest_publish(struct worker_shared *s, int fd, const struct rest *r)
{
	atomic_store_explicit(&s->rest_of[fd], (uint32_t)(r - s->rests) + 1, memory_order_release);
}

static struct rest *rest_find(const struct worker_shared *s, int fd)
{
	uint32_t index = (uint32_t)fd < s->table
				 ? atomic_load_explicit(&s->rest_of[fd], memory_order_acquire)
				 : 0;
	return index ? &s->rests[index - 1] : NULL;
}

static void rest_give(struct worker_shared *s, int fd)
{
	struct rest *r = rest_find(s, fd);
	if (!r)
		return;
	atomic_store_explicit(&s->rest_of[fd], 0, memory_order_release);
	pthread_mutex_lock(&s->lock);
	r->next_free = s->rests_free;
	s->rests_free = (uint32_t)(r - s->rests) + 1;
	pthread_mutex_unlock(&s->lock);
}

static int watch(const struct worker *w, int operation, int fd, uint32_t events)
{
	static const uint32_t flags[] = {
		[WORKER_LEVEL] = 0,
		[WORKER_EDGE] = EPOLLET | EPOLLRDHUP | EPOLLPRI,
		[WORKER_ONESHOT] = EPOLLONESHOT,
		[WORKER_LEVEL_MOD] = 0,
	};
	struct epoll_event ev = {.events = events | flags[w->config->mode], .data.fd = fd};
	return epoll_ctl(w->epoll, operation, fd, &ev);
}

static enum verdict conn_end(struct worker *w, int fd)
{
	rest_give(w->shared, fd);
	close(fd);
	if (fd == w->talked)
		w->talked = -1;
	counter_add(&w->stats->closed, 1);
	return GONE;
}

static enum verdict conn_fail(struct worker *w, int fd)
{
	counter_add(&w->stats->resets, 1);
	return conn_end(w, fd);
}

/* Keeps what the peer does not take, and waits for EPOLLOUT instead of reading on. */
static enum verdict conn_keep(struct worker *w, int fd, const char *data, size_t length,
			      bool registered)
{
	struct rest *r = rest_take(w->shared, fd);
	if (r) {
		r->length = (uint32_t)length;
		r->sent = 0;
		memcpy(r->data, data, length);
		rest_publish(w->shared, fd, r);
		if (watch(w, registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, EPOLLOUT) == 0)
			return KEPT;
	}
	counter_add(&w->stats->refused, 1);
	sockets_abort(fd);
	return conn_end(w, fd);
}

/* Sends a reply, or keeps the rest of it. ANSWERED: all is sent and the connection stays open. */
static enum verdict conn_reply(struct worker *w, int fd, size_t length, bool registered)
{
	if (w->config->mode == WORKER_LEVEL_MOD && registered)
		return conn_keep(w, fd, w->buffer, length, true);
	ssize_t n = send(fd, w->buffer, length, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ENOBUFS && errno != ENOMEM)
		return conn_fail(w, fd);
	if (n != (ssize_t)length) {
		size_t sent = n < 0 ? 0 : (size_t)n;
		return conn_keep(w, fd, w->buffer + sent, length - sent, registered);
	}
	if (w->config->close_after_reply)
		return conn_end(w, fd);
	w->talked = fd;
	return ANSWERED;
}

/* Reads and answers. `all` reads until EAGAIN, as edge triggering requires when the event reported
 * more than new data. A short read has emptied the socket (epoll(7)). */
static enum verdict conn_serve(struct worker *w, int fd, bool all, bool registered)
{
	enum verdict verdict = OPEN;
	for (unsigned i = 0; i < READS; i++) {
		ssize_t n = recv(fd, w->buffer, sizeof(w->buffer), MSG_DONTWAIT);
		if (n > 0) {
			counter_add(&w->stats->requests, 1);
			counter_add(&w->stats->bytes, (uint64_t)n);
			verdict = conn_reply(w, fd, (size_t)n, registered);
			if (verdict != ANSWERED || (!all && (size_t)n < sizeof(w->buffer)))
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
	if (w->config->mode == WORKER_EDGE && registered &&
	    watch(w, EPOLL_CTL_MOD, fd, EPOLLIN) < 0)
		return conn_fail(w, fd);
	return verdict;
}

/* Continues a pending write, then reads again. */
static void conn_flush(struct worker *w, int fd, struct rest *r)
{
	ssize_t n = send(fd, r->data + r->sent, r->length - r->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		conn_fail(w, fd);
		return;
	}
	r->sent += n > 0 ? (uint32_t)n : 0;
	bool done = r->sent == r->length;
	if (done)
		rest_give(w->shared, fd);
	else
		rest_publish(w->shared, fd, r);
	if (done && w->config->close_after_reply)
		conn_end(w, fd);
	/* EPOLL_CTL_MOD checks again: it reports data that arrived meanwhile, also
	 * edge-triggered. */
	else if ((done || w->config->mode == WORKER_ONESHOT) &&
		 watch(w, EPOLL_CTL_MOD, fd, done ? EPOLLIN : EPOLLOUT) < 0)
		conn_fail(w, fd);
}

static enum verdict conn_event(struct worker *w, int fd, uint32_t events)
{
	struct rest *r = rest_find(w->shared, fd);
	if (r) {
		conn_flush(w, fd, r);
		return KEPT;
	}
	/* These events are reported once; a read also ends at an urgent byte. */
	const uint32_t more = EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR;
	bool all = w->config->mode == WORKER_EDGE && events & more;
	enum verdict verdict = conn_serve(w, fd, all, true);
	/* One that is KEPT is armed already: another thread may own it or have closed it. */
	if ((verdict == OPEN || verdict == ANSWERED) && w->config->mode == WORKER_ONESHOT &&
	    watch(w, EPOLL_CTL_MOD, fd, EPOLLIN) < 0)
		return conn_fail(w, fd);
	return verdict;
}

/* Adds a connection that stays open to the epoll set. */
static void conn_register(struct worker *w, int fd)
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

static int listener_watch(struct worker *w, bool on, struct err *e)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = w->listener};
	if (w->set_shared)
		ev.events |= EPOLLET;
	else if (w->config->exclusive)
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
static void listener_redraw(const struct worker *w)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.fd = w->listener};
	epoll_ctl(w->epoll, EPOLL_CTL_MOD, w->listener, &ev);
}

int worker_listen(struct worker *w, bool on, struct err *e)
{
	w->wanted = on;
	return listener_watch(w, on, e);
}

/* Pauses accepting at a limit, since watching the listener would spin; worker_run() resumes it. */
static void accept_exhausted(struct worker *w, int code)
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
static int accept_resume(struct worker *w)
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

void worker_adopt(struct worker *w, int fd)
{
	counter_add(&w->stats->accepted, 1);
	if (w->config->greet_and_close) {
		(void)!send(fd, "!", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		conn_end(w, fd);
		return;
	}
	enum verdict verdict = OPEN;
	uint64_t requests = counter_get(&w->stats->requests);
	if (!w->config->plain && (w->vain < VAIN || w->vain % VAIN == 0))
		verdict = conn_serve(w, fd, false, false);
	w->vain = counter_get(&w->stats->requests) > requests ? 0 : w->vain + 1;
	if (verdict == ANSWERED && w->young_count < WORKER_YOUNG)
		w->young[w->young_count++] = fd;
	else if (verdict == OPEN || verdict == ANSWERED)
		conn_register(w, fd);
}

/* Accepts a batch and answers clients with data ready; returns the number accepted. */
static unsigned accept_batch(struct worker *w)
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
		worker_adopt(w, fd);
		accepted++;
	}
	if (accepted)
		counter_set(&w->stats->last_accept_ns, clock_ns());
	return accepted;
}

/* Serves connections that were answered right after accept4(): many end now, the others join the
 * set. */
static void young_sweep(struct worker *w)
{
	for (unsigned i = 0; i < w->young_count; i++) {
		int fd = w->young[i];
		enum verdict verdict = conn_serve(w, fd, false, false);
		if (verdict == OPEN || verdict == ANSWERED)
			conn_register(w, fd);
	}
	w->young_count = 0;
}

/* Accepts until the queue is empty. Yields in between to peers that may wait for this CPU, so that
 * connections of one exchange need neither a registration nor a wakeup. */
static void accept_all(struct worker *w)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned accepted = accept_batch(w);
		if (w->young_count) {
			sched_yield();
			young_sweep(w);
		}
		if (!accepted)
			return;
	}
	/* There may be more connections: a level reports them again, an edge, for threads that
	 * share the set, must be triggered again. */
	if (w->set_shared && w->listening)
		listener_redraw(w);
}

/* Single-connection fast path: spins on recv() instead of epoll_wait(). After a spin without data,
 * the peer runs on another CPU: skips this for a while. */
static void conn_hot(struct worker *w, int fd)
{
	if (w->cold) {
		w->cold--;
		return;
	}
	for (unsigned i = 0; i < HOT; i++) {
		sched_yield();
		enum verdict verdict = conn_serve(w, fd, false, true);
		if (verdict == OPEN && i == 0)
			w->cold = COLD;
		if (verdict != ANSWERED)
			return;
	}
}

/* Sets CPU and scheduling policy of the calling thread. */
static int worker_place(struct worker *w, struct err *e)
{
	if (w->placed)
		return 0;
	w->placed = true;
	if (w->config->batch) {
		struct sched_param none = {0};
		sched_setscheduler(0, SCHED_BATCH, &none); /* on failure only slower */
	}
	int rc = w->config->cpu < 0 ? 0 : cpus_run_on(w->config->cpu);
	errno = -rc;
	return rc < 0 ? err_errno(e, "pin to CPU %d", w->config->cpu) : 0;
}

int worker_open(struct worker *w, const struct worker_config *config, struct server_stats *stats,
		struct worker_shared *shared, int epoll, int listener, struct err *e)
{
	w->config = config;
	w->stats = stats;
	w->shared = shared;
	w->listener = listener;
	w->wanted = w->listening = false;
	w->cold = w->vain = w->young_count = 0;
	w->talked = -1;
	w->set_shared = epoll >= 0;
	w->placed = false;
	w->epoll = epoll >= 0 ? epoll : epoll_create1(EPOLL_CLOEXEC);
	return w->epoll < 0 ? err_errno(e, "epoll_create1") : 0;
}

void worker_close(struct worker *w)
{
	if (!w->set_shared && w->epoll >= 0)
		close(w->epoll);
	w->epoll = -1;
}

/* True if the control descriptor is among them. */
static bool events_serve(struct worker *w, const struct epoll_event *events, int count, int control)
{
	bool called = false;
	enum verdict verdict = GONE;
	for (int i = 0; i < count; i++) {
		int fd = events[i].data.fd;
		if (fd == control)
			called = true;
		else if (fd == w->listener)
			accept_all(w);
		else
			verdict = conn_event(w, fd, events[i].events);
	}
	if (count == 1 && verdict == ANSWERED && !w->config->plain && !w->set_shared &&
	    counter_get(&w->stats->accepted) == counter_get(&w->stats->closed) + 1 &&
	    (w->config->mode == WORKER_LEVEL || w->config->mode == WORKER_EDGE))
		conn_hot(w, events[0].data.fd);
	return called;
}

int worker_run(struct worker *w, int control, struct err *e)
{
	struct epoll_event events[EVENTS], ev = {.events = EPOLLIN, .data.fd = control};
	int rc = worker_place(w, e);
	if (rc < 0)
		return rc;
	if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, control, &ev) < 0 && errno != EEXIST)
		return err_errno(e, "watch the control channel");
	/* Threads that share a set take one event at a time, so that the others can follow. */
	int most = w->set_shared ? 1 : EVENTS;
	for (bool called = false; !called;) {
		int n = epoll_wait(w->epoll, events, most, accept_resume(w));
		if (n < 0 && errno != EINTR)
			return err_errno(e, "epoll_wait");
		counter_add(&w->stats->wakeups, 1);
		if (n > 0)
			called = events_serve(w, events, n, control);
	}
	return 0;
}
