/* Cost of one wait with k of n sockets ready. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/benches.h"
#include "bench/uring.h"
#include "engine/cpus.h"
#include "engine/sockets.h"
#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/quantity.h"
#include "epolltune/statistics.h"
#include "epolltune/task.h"

#define PATIENCE_MS 5000
#define SPARE_DESCRIPTORS 96 /* per process, for everything but the measured sockets */
#define POINTS 16
#define HOLDERS TASKS_MAX
#define SOCKETS_MAX 1000000u
#define FLAT_SIZE 10
#define FLAT_TURNS 5
#define ALL_ACTIVE_MAX 100000 /* larger sizes have few ready sockets only */

static const uint64_t sizes[] = {2,    4,     10,    30,     100,    300,    1000,
				 3000, 10000, 30000, 100000, 300000, 1000000};
static const uint64_t sizes_quick[] = {4, 10, 100, 1000, 10000};
static const uint64_t shares[] = {1, 10, 100, 1000, 10000};

/* One size, and the epoll sets that hold the first n sockets. */
struct point {
	uint64_t n;
	int level, edge;
};

/* The sockets held by one process: numbers base to base + s.count - 1. */
struct socket_range {
	struct sockets s;
	uint64_t base;
};

enum action { MAKE_READY, DRAIN, REARM };

struct order {
	enum action action;
	uint64_t n, k; /* the k ready ones are spread over the first n */
	int epoll;     /* REARM: the edge-triggered set */
};

/* A process that holds sockets beyond the descriptor limit of one. It adds them to the epoll sets
 * that it inherited. */
struct holder {
	const struct wait *wait;
	uint64_t base;
	size_t count;
	unsigned shard;
};

struct wait {
	struct bench_run *run;
	struct point points[POINTS];
	size_t point_count;
	const struct point *flat[2]; /* 10 sockets and the largest size; NULL: not both */
	double flat_cost[2];         /* in this round */
	struct socket_range own;
	struct holder holders[HOLDERS];
	struct task tasks[HOLDERS];
	size_t holder_count;
	uint64_t own_count; /* sockets that this process may hold */
	uint64_t limit;     /* its descriptor limit */
	uint64_t clock_cost;
	uint64_t budget_ns;
	struct epoll_event *events;
	struct pollfd *pollfds;
	struct uring uring; /* of the current point */
	uint64_t uring_max; /* maximum sockets in a ring, as far as known */
	fd_set interest;
	int select_end;
	const struct point *point; /* current */
	uint64_t k;
};

/* The number of the j-th ready socket of k among n: spread evenly, for k = 1 in the middle, so that
 * scans of an array get the average case. */
static uint64_t ready_number(uint64_t n, uint64_t k, uint64_t j)
{
	return (2 * j + 1) * n / (2 * k);
}

static int socket_act(const struct socket_range *p, uint64_t number, const struct order *o)
{
	size_t i = (size_t)(number - p->base);
	char byte = 0;
	if (o->action == MAKE_READY)
		return send(sockets_peer(&p->s, i), &byte, 1, MSG_NOSIGNAL) == 1 ? 0 : -errno;
	if (o->action == DRAIN)
		return recv(p->s.fd[i], &byte, 1, 0) == 1 ? 0 : -errno;
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.u64 = number};
	return epoll_ctl(o->epoll, EPOLL_CTL_MOD, p->s.fd[i], &ev) == 0 ? 0 : -errno;
}

/* Runs an order on the ready sockets of this part. */
static int part_act(const struct socket_range *p, const struct order *o)
{
	uint64_t end = p->base + p->s.count;
	uint64_t j = p->base * o->k / o->n;
	while (j > 0 && ready_number(o->n, o->k, j - 1) >= p->base)
		j--;
	for (; j < o->k; j++) {
		uint64_t number = ready_number(o->n, o->k, j);
		if (number >= end)
			break;
		if (number < p->base)
			continue;
		int rc = socket_act(p, number, o);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int part_register(const struct wait *w, const struct socket_range *p, struct err *e)
{
	for (size_t i = 0; i < p->s.count; i++) {
		for (size_t j = 0; j < w->point_count; j++) {
			const struct point *point = &w->points[j];
			if (p->base + i >= point->n)
				continue;
			struct epoll_event ev = {.events = EPOLLIN, .data.u64 = p->base + i};
			int rc = epoll_ctl(point->level, EPOLL_CTL_ADD, p->s.fd[i], &ev);
			ev.events |= EPOLLET;
			if (rc == 0)
				rc = epoll_ctl(point->edge, EPOLL_CTL_ADD, p->s.fd[i], &ev);
			if (rc < 0)
				return err_errno(e, "epoll_ctl ADD of socket %llu",
						 (unsigned long long)(p->base + i));
		}
	}
	return 0;
}

/* Opens and registers its sockets, then runs orders. */
static int holder_main(struct task_port *port, void *arg)
{
	const struct holder *h = arg;
	struct socket_range p = {.base = h->base};
	struct order o;
	int rc = sockets_open(&p.s, h->count, h->shard, &port->e);
	if (rc == 0)
		rc = part_register(h->wait, &p, &port->e);
	if (task_answer(port, rc, &port->e, NULL, 0) && rc == 0)
		while (task_hear(port, &o, sizeof(o)))
			task_answer(port, part_act(&p, &o), NULL, NULL, 0);
	sockets_close(&p.s);
	return 0;
}

/* Moves a descriptor above FD_SETSIZE; the low ones are for select(). */
static int fd_high(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, FD_SETSIZE + 64);
	if (high < 0)
		return fd;
	close(fd);
	return high;
}

static int holder_start(struct wait *w, uint64_t base, size_t count, struct err *e)
{
	const struct task_context here = {0};
	size_t i = w->holder_count;
	if (i == HOLDERS)
		return err_set(e, E2BIG, "more than %d processes needed to hold the sockets",
			       HOLDERS);
	w->holders[i] = (struct holder){w, base, count, (unsigned)i + 1};
	int rc = task_start(&w->tasks[i], &here, holder_main, &w->holders[i], e);
	if (rc < 0)
		return rc;
	w->tasks[i].channel = fd_high(w->tasks[i].channel);
	w->holder_count++;
	return 0;
}

/* Waits until every holder has opened its sockets. */
static int holders_ready(struct wait *w, struct err *e)
{
	for (size_t i = 0; i < w->holder_count; i++) {
		bench_progress(w->run, "wait: opening sockets, %zu of %zu processes", i + 1,
			       w->holder_count + 1);
		int rc = task_await(&w->tasks[i], NULL, 0, -1, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Sends an order to all processes whose sockets it concerns: only to this one where possible, since
 * a switch to another leaves cold caches. */
static int order_all(struct wait *w, enum action action, const struct point *p, uint64_t k,
		     struct err *e)
{
	struct order o = {action, p->n, k, p->edge};
	size_t asked = 0;
	if (k <= w->own_count && o.n > w->own_count)
		o.n = w->own_count;
	int rc = 0;
	for (; rc == 0 && asked < w->holder_count && w->holders[asked].base < o.n; asked++)
		rc = task_send(&w->tasks[asked], &o, sizeof(o), e);
	if (rc == 0 && (rc = part_act(&w->own, &o)) < 0)
		err_set(e, -rc, "%s", strerror(-rc));
	int theirs = task_await_all(w->tasks, asked, -1, rc < 0 ? NULL : e);
	if (rc == 0)
		rc = theirs;
	return rc < 0 ? err_prefix(e, "make sockets ready") : 0;
}

/* The waits. Each finds all ready sockets and returns their number, or -errno. */

static int wait_epoll(struct wait *w, int epoll)
{
	int n = epoll_wait(epoll, w->events, (int)w->k, PATIENCE_MS);
	return n < 0 ? -errno : n;
}

static int wait_level(struct wait *w) { return wait_epoll(w, w->point->level); }
static int wait_edge(struct wait *w) { return wait_epoll(w, w->point->edge); }

static int wait_poll(struct wait *w)
{
	int n = poll(w->pollfds, (nfds_t)w->point->n, PATIENCE_MS), found = 0;
	if (n < 0)
		return -errno;
	for (size_t i = 0; found < n; i++)
		found += w->pollfds[i].revents != 0;
	return found;
}

static int wait_select(struct wait *w)
{
	fd_set ready = w->interest;
	struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
	int n = select(w->select_end, &ready, NULL, NULL, &patience), found = 0;
	if (n < 0)
		return -errno;
	for (int fd = 0; found < n; fd++)
		found += FD_ISSET(fd, &ready) != 0;
	return found;
}

/* A duplicate wakeup is an additional completion. */
static int wait_uring(struct wait *w)
{
	int n = uring_wait(&w->uring, (unsigned)w->k);
	return n > (int)w->k ? (int)w->k : n;
}

/* How a variant is timed: level-triggered waits can be repeated while sockets are ready; the others
 * need `rearm` before each. */
struct wait_variant {
	const char *name;
	int (*wait)(struct wait *w);
	int (*rearm)(struct wait *w, struct err *e);
	const char *conditions;
};

static int rearm_edge(struct wait *w, struct err *e)
{
	return order_all(w, REARM, w->point, w->k, e);
}

static int rearm_data(struct wait *w, struct err *e)
{
	int rc = order_all(w, DRAIN, w->point, w->k, e);
	if (rc == 0 && uring_wait(&w->uring, 0) < 0)
		rc = err_set(e, EIO, "a multishot poll ended");
	return rc < 0 ? rc : order_all(w, MAKE_READY, w->point, w->k, e);
}

static const struct wait_variant variants[] = {
	{"select", wait_select, NULL, "including the scan of the set"},
	{"poll", wait_poll, NULL, "including the scan of the array"},
	{"epoll-level", wait_level, NULL, "EPOLLIN"},
	{"epoll-edge", wait_edge, rearm_edge,
	 "EPOLLIN|EPOLLET, re-armed by EPOLL_CTL_MOD, which is not timed"},
	{"io-uring", wait_uring, rearm_data,
	 "multishot poll, new data before each wait, which is not timed"},
};

#define LEVEL (&variants[2])

static int wrong_count(const struct wait *w, const struct wait_variant *v, int n, struct err *e)
{
	if (n < 0) {
		errno = -n;
		return err_errno(e, "%s with %llu sockets", v->name,
				 (unsigned long long)w->point->n);
	}
	return err_set(e, EPROTO, "%s found %d of %llu ready sockets among %llu", v->name, n,
		       (unsigned long long)w->k, (unsigned long long)w->point->n);
}

/* The median of `batches` timings of `batch` waits each, in ns per wait. */
static int timed(struct wait *w, const struct wait_variant *v, unsigned batches, unsigned batch,
		 double *cost, struct err *e)
{
	double sample[64];
	for (unsigned i = 0; i < batches; i++) {
		int n = (int)w->k, rc = v->rearm ? v->rearm(w, e) : 0;
		if (rc < 0)
			return rc;
		uint64_t start = clock_ns();
		for (unsigned j = 0; j < batch && n == (int)w->k; j++)
			n = v->wait(w);
		uint64_t took = clock_ns() - start;
		if (n != (int)w->k)
			return wrong_count(w, v, n, e);
		took -= took < w->clock_cost ? took : w->clock_cost;
		sample[i] = (double)took / batch;
	}
	*cost = spread_of(sample, batches).median;
	return 0;
}

/* Cost of one variant at the current point and k, in ns per wait. */
static int measure(struct wait *w, const struct wait_variant *v, double *out, struct err *e)
{
	double cost = 0;
	/* Warm up: the first wait drops leftovers of other rounds from the ready list; a few more
	 * refill the caches, or rounds after an expensive one would look expensive. */
	int rc = timed(w, v, 1, 1, &cost, e);
	for (unsigned i = 0; i < 50 && rc == 0 && cost < 20000; i++)
		rc = timed(w, v, 1, 1, &cost, e);
	uint64_t start = clock_ns();
	if (rc == 0)
		rc = timed(w, v, 1, 1, &cost, e);
	uint64_t whole = clock_ns() - start;
	if (rc < 0)
		return rc;
	unsigned batch = v->rearm || cost > 20000 ? 1 : (unsigned)(20000 / (cost + 1)) + 1;
	uint64_t each = v->rearm ? whole : (uint64_t)(cost * batch) + 1;
	uint64_t batches = w->budget_ns / each;
	batches = batches < 3 ? 3 : batches > 63 ? 63 : batches | 1;
	return timed(w, v, (unsigned)batches, batch, out, e);
}

static void measured(struct wait *w, const struct wait_variant *v, double cost)
{
	bool early = v->wait == wait_uring && !w->uring.deferred;
	bench_add(&w->run->table, "wait", v->name, w->point->n, w->k, BENCH_COST, cost,
		  "one wait, TCP sockets over loopback; %s%s", v->conditions,
		  early ? "; without DEFER_TASKRUN completions are posted as data arrives, which "
			  "is not timed either"
			: "");
}

static char *count_text(char *buf, size_t size, uint64_t n)
{
	return quantity_format(buf, size, QUANTITY_COUNT, n);
}

/* Opens a ring with a multishot poll for each of the first n sockets. Where the kernel refuses
 * (settings, a sandbox, before 5.13), larger sizes are skipped and a note says why. */
static bool ring_enter(struct wait *w, const struct point *p)
{
	struct err e = {0};
	char size[32];
	int rc = uring_open(&w->uring, (unsigned)p->n * 2 + 1024, &e);
	for (uint64_t i = 0; i < p->n && rc == 0; i++)
		rc = uring_poll_add(&w->uring, w->own.s.fd[i], i, &e);
	if (rc == 0)
		rc = uring_submit(&w->uring, &e);
	if (rc == 0 && (rc = uring_wait(&w->uring, 0)) < 0)
		err_set(&e, -rc, "a multishot poll failed: %s", strerror(-rc));
	if (rc >= 0)
		return true;
	uring_close(&w->uring);
	w->uring_max = p->n - 1;
	bench_note(&w->run->table, "wait io-uring: not measured with %s or more sockets: %s",
		   count_text(size, sizeof(size), p->n), e.text);
	return false;
}

/* Fills pollfds, the fd_set and the ring with the first n sockets. */
static void point_enter(struct wait *w, const struct point *p, bool *uring)
{
	w->point = p;
	*uring = false;
	if (p->n > w->own_count)
		return;
	FD_ZERO(&w->interest);
	w->select_end = 0;
	for (uint64_t i = 0; i < p->n; i++) {
		int fd = w->own.s.fd[i];
		w->pollfds[i] = (struct pollfd){.fd = fd, .events = POLLIN};
		if (fd < FD_SETSIZE) {
			FD_SET(fd, &w->interest);
			w->select_end = fd + 1;
		}
	}
	*uring = bench_wants(w->run, "io-uring") && p->n <= w->uring_max && ring_enter(w, p);
}

static bool variant_fits(const struct wait *w, const struct wait_variant *v, bool uring)
{
	uint64_t n = w->point->n;
	if (!bench_wants(w->run, v->name))
		return false;
	if (v->wait == wait_level || v->wait == wait_edge)
		return true;
	if (n > w->own_count)
		return false;
	if (v->wait == wait_select)
		return w->own.s.fd[n - 1] < FD_SETSIZE;
	return v->wait != wait_uring || uring;
}

/* Waits until the data of all k has arrived: loopback delivers in softirq, not in send(2). */
static int arrival(struct wait *w, struct err *e)
{
	uint64_t end = clock_ns() + PATIENCE_MS * 1000000ull;
	int n;
	do
		n = wait_level(w);
	while (n >= 0 && n < (int)w->k && clock_ns() < end);
	return n == (int)w->k ? 0 : wrong_count(w, LEVEL, n, e);
}

/* Is the cost constant from 10 sockets to the largest size? These two points of epoll-level are
 * measured alternately, so that only their size differs; the others one after the other. Returns
 * the figure of such a point, NULL for others. */
static const double *flat_cost(const struct wait *w, const struct wait_variant *v)
{
	for (unsigned i = 0; i < 2 && v == LEVEL && w->k == 1; i++)
		if (w->point == w->flat[i])
			return &w->flat_cost[i];
	return NULL;
}

static int point_measure(struct wait *w, uint64_t k, bool uring, struct err *e)
{
	w->k = k;
	int rc = order_all(w, MAKE_READY, w->point, k, e);
	if (rc == 0)
		rc = arrival(w, e);
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]) && rc == 0; i++)
		if (variant_fits(w, &variants[i], uring)) {
			const double *flat = flat_cost(w, &variants[i]);
			double cost = flat ? *flat : 0;
			rc = flat ? 0 : measure(w, &variants[i], &cost, e);
			if (rc == 0)
				measured(w, &variants[i], cost);
		}
	return rc < 0 ? rc : order_all(w, DRAIN, w->point, k, e);
}

/* Measures the two points of flat_cost() alternately. */
static int flat_measure(struct wait *w, struct err *e)
{
	double cost[2][FLAT_TURNS];
	int rc = 0;
	if (!bench_wants(w->run, LEVEL->name) || !w->flat[0])
		return 0;
	w->k = 1;
	for (unsigned turn = 0; turn < FLAT_TURNS; turn++)
		for (unsigned i = 0; i < 2 && rc == 0; i++) {
			w->point = w->flat[i];
			rc = order_all(w, MAKE_READY, w->point, 1, e);
			if (rc == 0)
				rc = arrival(w, e);
			if (rc == 0)
				rc = measure(w, LEVEL, &cost[i][turn], e);
			if (rc == 0)
				rc = order_all(w, DRAIN, w->point, 1, e);
		}
	for (unsigned i = 0; i < 2 && rc == 0; i++)
		w->flat_cost[i] = spread_of(cost[i], FLAT_TURNS).median;
	return rc;
}

static int round_measure(struct wait *w, struct err *e)
{
	int flat = flat_measure(w, e);
	if (flat < 0)
		return flat;
	for (size_t i = 0; i < w->point_count; i++) {
		const struct point *p = &w->points[i];
		bool uring;
		int rc = 0;
		point_enter(w, p, &uring);
		for (size_t j = 0; j < sizeof(shares) / sizeof(shares[0]) && rc == 0; j++)
			if (shares[j] < p->n && (shares[j] == 1 || p->n >= 100))
				rc = point_measure(w, shares[j], uring, e);
		if (rc == 0 && p->n <= ALL_ACTIVE_MAX)
			rc = point_measure(w, p->n, uring, e);
		uring_close(&w->uring);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int points_open(struct wait *w, struct err *e)
{
	const struct bench_options *o = &w->run->options;
	const uint64_t *all = o->quick ? sizes_quick : sizes;
	size_t count = o->quick ? sizeof(sizes_quick) / 8 : sizeof(sizes) / 8;
	uint64_t max = o->connections ? o->connections : ALL_ACTIVE_MAX;
	if (max > SOCKETS_MAX)
		return err_set(e, EINVAL, "--connections: bench wait supports at most %u sockets",
			       SOCKETS_MAX);
	for (size_t i = 0; i < count && all[i] <= max; i++)
		w->points[w->point_count++] = (struct point){all[i], -1, -1};
	if (!w->point_count || (o->connections && w->points[w->point_count - 1].n < max))
		w->points[w->point_count++] = (struct point){max, -1, -1};
	for (size_t i = 0; i + 1 < w->point_count; i++)
		if (w->points[i].n == FLAT_SIZE) {
			w->flat[0] = &w->points[i];
			w->flat[1] = &w->points[w->point_count - 1];
		}
	for (size_t i = 0; i < w->point_count; i++) {
		w->points[i].level = epoll_create1(EPOLL_CLOEXEC);
		w->points[i].edge = epoll_create1(EPOLL_CLOEXEC);
		if (w->points[i].level < 0 || w->points[i].edge < 0)
			return err_errno(e, "epoll_create1");
		w->points[i].level = fd_high(w->points[i].level);
		w->points[i].edge = fd_high(w->points[i].edge);
	}
	return 0;
}

/* Opens all sockets, in as many processes as the descriptor limit requires. */
static int sockets_spread(struct wait *w, struct err *e)
{
	uint64_t max = w->points[w->point_count - 1].n;
	size_t limit = sockets_raise_limit();
	uint64_t room = limit > 2 * SPARE_DESCRIPTORS ? (limit - SPARE_DESCRIPTORS) & ~1ull : 0;
	if (room < 2 * SPARE_DESCRIPTORS)
		return err_set(e, EMFILE, "RLIMIT_NOFILE is %zu, too low for this bench", limit);
	w->limit = limit;
	w->own_count = max < room ? max : room;
	uint64_t per_holder = room - 2 * POINTS;
	for (uint64_t base = w->own_count; base < max; base += per_holder) {
		uint64_t count = max - base < per_holder ? max - base : per_holder;
		int rc = holder_start(w, base, (size_t)count, e);
		if (rc < 0)
			return rc;
	}
	int rc = sockets_open(&w->own.s, (size_t)w->own_count, 0, e);
	if (rc == 0)
		rc = part_register(w, &w->own, e);
	if (rc == 0)
		rc = holders_ready(w, e);
	w->events = calloc(max < ALL_ACTIVE_MAX ? max + 1 : ALL_ACTIVE_MAX, sizeof(*w->events));
	w->pollfds = calloc(w->own_count, sizeof(*w->pollfds));
	if (rc == 0 && (!w->events || !w->pollfds))
		rc = err_set(e, ENOMEM, "%llu events: out of memory", (unsigned long long)max);
	return rc;
}

/* Cost of reading the clock, subtracted from every timing. */
static uint64_t clock_cost(void)
{
	uint64_t min = UINT64_MAX;
	for (int i = 0; i < 1000; i++) {
		uint64_t start = clock_ns(), took = clock_ns() - start;
		min = took < min ? took : min;
	}
	return min;
}

/* The result of a variant with the largest n, with one socket or all ready. */
static const struct bench_result *largest(const struct bench_table *t, const char *variant,
					  bool all_active)
{
	const struct bench_result *found = NULL;
	for (size_t i = 0; i < t->count; i++) {
		const struct bench_result *r = &t->at[i];
		if (!strcmp(r->bench, "wait") && !strcmp(r->variant, variant) &&
		    r->active == (all_active ? r->n : 1) && (!found || r->n > found->n))
			found = r;
	}
	return found;
}

/* Adds notes on why curves end. */
static void wait_limits(const struct wait *w)
{
	char size[32], limit[32];
	struct bench_table *t = &w->run->table;
	uint64_t max = w->points[w->point_count - 1].n;
	if (bench_wants(w->run, "select") && max >= FD_SETSIZE)
		bench_note(t,
			   "wait select ends below %d: an fd_set is an array of FD_SETSIZE bits, "
			   "indexed by descriptor; the limit is the C library's, the kernel "
			   "accepts more",
			   FD_SETSIZE);
	const struct bench_result *poll_end = largest(t, "poll", false);
	if (max > w->own_count && poll_end)
		bench_note(t,
			   "wait poll and io-uring end at %s sockets: both take descriptors of one "
			   "process, limited to %s (RLIMIT_NOFILE); an epoll set can hold sockets "
			   "of other processes too",
			   count_text(size, sizeof(size), poll_end->n),
			   count_text(limit, sizeof(limit), w->limit));
}

static int wait_task(struct bench_run *run, struct err *e)
{
	struct wait *w = calloc(1, sizeof(*w));
	if (!w)
		return err_set(e, ENOMEM, "no memory");
	w->run = run;
	w->uring.fd = -1;
	w->uring_max = UINT64_MAX;
	w->clock_cost = clock_cost();
	w->budget_ns = w->run->options.quick ? 500000 : 3000000;
	int rc = points_open(w, e);
	if (rc == 0)
		rc = sockets_spread(w, e);
	cpus_run_on(sched_getcpu()); /* migration would cost warm caches */
	for (unsigned i = 0; i < w->run->options.runs && rc == 0; i++) {
		rc = bench_round(w->run, "wait", i, e);
		if (rc == 0)
			rc = round_measure(w, e);
	}
	task_end_all(w->tasks, w->holder_count);
	sockets_close(&w->own.s);
	for (size_t i = 0; i < w->point_count; i++) {
		close_fd(&w->points[i].level);
		close_fd(&w->points[i].edge);
	}
	free(w->events);
	free(w->pollfds);
	if (rc == 0)
		wait_limits(w);
	free(w);
	return rc;
}

/* A crossing as "none", "all" or a number of sockets. */
static const char *crossing_text(char *buf, size_t size, double n)
{
	if (isinf(n))
		return "all";
	return n > 0 ? count_text(buf, size, (uint64_t)llround(n)) : "none";
}

static void note_crossing(struct bench_table *t, const char *other, bool all_active)
{
	struct bench_crossing c =
		bench_crossing(t, "wait", other, "epoll-level", all_active, BENCH_COST);
	char at[32], min[32], max[32], where[64], rounds[96] = "";
	if (isnan(c.at))
		return;
	snprintf(where, sizeof(where), "up to about %s sockets",
		 crossing_text(at, sizeof(at), c.at));
	if (c.min < c.max)
		snprintf(rounds, sizeof(rounds), " (per round: %s to %s)",
			 crossing_text(min, sizeof(min), c.min),
			 crossing_text(max, sizeof(max), c.max));
	bench_note(t, "wait, %s: %s is cheaper than epoll %s%s",
		   all_active ? "all ready" : "one ready", other,
		   isinf(c.at) ? "at every size"
		   : c.at > 0  ? where
			       : "at no size",
		   rounds);
}

static void wait_notes(struct bench_table *t)
{
	note_crossing(t, "poll", false);
	note_crossing(t, "select", false);
	note_crossing(t, "poll", true);
	note_crossing(t, "select", true);
	const struct bench_result *poll_all = largest(t, "poll", true);
	const struct bench_result *epoll_all =
		poll_all
			? bench_find(t, "wait", "epoll-level", poll_all->n, poll_all->n, BENCH_COST)
			: NULL;
	struct bench_ratio all = bench_ratio(epoll_all, poll_all);
	char text[48], size[32];
	if (poll_all && all.rounds)
		bench_note(t, "wait, all of %s ready: cost of epoll relative to poll: %s",
			   count_text(size, sizeof(size), poll_all->n),
			   bench_ratio_text(text, sizeof(text), &all));
	const struct bench_result *ten =
		bench_find(t, "wait", "epoll-level", FLAT_SIZE, 1, BENCH_COST);
	const struct bench_result *max = largest(t, "epoll-level", false);
	struct bench_ratio flat = bench_ratio(max, ten);
	if (max && flat.rounds && max->n > FLAT_SIZE)
		bench_note(t, "wait, one ready: cost of epoll at %s sockets relative to %d: %s",
			   count_text(size, sizeof(size), max->n), FLAT_SIZE,
			   bench_ratio_text(text, sizeof(text), &flat));
}

static int wait_run(struct bench_run *run, struct err *e)
{
	int rc = bench_in_lab(run, LAB_SERVER, wait_task, e);
	if (rc == 0)
		wait_notes(&run->table);
	return rc;
}

const struct bench bench_wait = {
	.name = "wait",
	.summary = "cost of one wait with k of n sockets ready: select, poll, epoll, io_uring",
	.n = "sockets watched",
	.variants = {BENCH_VARIANTS(variants)},
	.run = wait_run,
};
