#include "engine/client_worker.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/client_slot.h"
#include "engine/cpus.h"
#include "engine/sockets.h"
#include "engine/usage.h"
#include "epolltune/clock.h"
#include "host/compat.h"

#define EVENTS 512
/* Requests started in a row: more than are answered at a time, so that all get in flight. */
#define STARTS (2 * EVENTS)
#define REFUSED_NS 100000000 /* before a connection that had no good reply is opened again */
#define MISSED_STEPS 1024    /* in which missed operations are counted */
#define CONTROL UINT64_MAX   /* the channel's number in the epoll set */

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
	return w->order.rate_per_s <= 0 || now >= w->end_ns + CLIENT_LATE_NS ||
	       order_due(w, w->started) >= w->end_ns;
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
	if (errno_starves(-*rc) && !w->order.detach)
		starvation_count(w, -*rc);
	else if (!w->queued)
		failure_count(w, -*rc);
	if (w->order.detach) {
		w->started++; /* and failed */
		return false;
	}
	token_put(w, number);
	w->starved_until = clock_ns() + CLIENT_STARVED_NS;
	return false;
}

/* Starts the operation of one token. False if it could not. */
static bool operation_start(struct client_worker *w, uint64_t due)
{
	uint64_t number = token_take(w);
	struct slot *s = &w->slots[number];
	int rc = 0;
	bool requests = w->order.verb == CLIENT_REQUEST;
	bool reopens = requests && s->leaving && s->state == SLOT_FREE;
	if (reopens && s->refused) {
		token_later(w, number);
		return true;
	}
	if (requests && !reopens) {
		if (s->state != SLOT_OPEN && (s->state != SLOT_CONNECTING || !s->active))
			return true; /* the connection failed: drop its token */
		w->busy++;
	} else if (!connection_start(w, number, &rc)) {
		return false;
	}
	w->started++;
	if (reopens)
		counter_add(&w->stats->reopened, 1);
	if (w->opens) {
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
	for (unsigned i = 0; i < STARTS && w->fresh_count < CLIENT_BURST && token_any(w) &&
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
	struct pollfd p[CLIENT_BURST];
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
		else if (w->slots[number].state == SLOT_OPEN)
			slot_held(w, number, now);
	}
	w->fresh_count = 0;
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
	uint64_t end = w->end_ns && now >= w->end_ns ? w->end_ns + CLIENT_LATE_NS : w->end_ns;
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
		if (slot_operations(w, &w->slots[i]) && w->slots[i].state != SLOT_FREE)
			slot_fail(w, i, ETIMEDOUT);
	if (!w->queued)
		return;
	counter_add(&w->stats->attempted, 1);
	failure_count(w, EAGAIN);
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
		    (w->end_ns && now > w->end_ns + CLIENT_LATE_NS + w->silence_ns)) {
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
		if (w->slots[number].state != SLOT_OPEN)
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
		if (w->slots[i].state != SLOT_FREE)
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
	uint64_t seen = now < w->end_ns + CLIENT_LATE_NS ? now : w->end_ns + CLIENT_LATE_NS;
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
	return counter_get(&w->stats->lost_ns) ? w->end_ns + CLIENT_LATE_NS : clock_ns();
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
	w->opens = (o->verb == CLIENT_OPEN && !o->ask) || (o->verb == CLIENT_CHURN && !o->size);
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
