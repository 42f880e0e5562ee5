#include "epolltune/load.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "epolltune/clock.h"
#include "engine/cpus.h"
#include "engine/sockets.h"

#define LOAD_EVENTS 256
/* Descriptors of a shard that are not connections: standard streams, channel, epoll, a reserve. */
#define LOAD_HELD 8
/* Maximum connections per shard; keeps its table within the lab's memory. */
#define LOAD_PER_SHARD 16384
#define LOAD_REQUEST 32
#define LOAD_BURST 64
/* Descriptors of this process that are not channels to shards. */
#define LOAD_SPARE 24
#define LOAD_REPLY_MS 2000
/* Maximum requests in flight. */
#define LOAD_DEPTH 256

enum load_verb { LOAD_VERB_OPEN, LOAD_VERB_TALK, LOAD_VERB_STORM };

struct load_command {
	enum load_verb verb;
	uint64_t count, rate_per_s, depth;
};

struct load_connection {
	int fd;
	uint64_t started_ns; /* 0 once served */
};

/* State of one shard, in the lab's memory. */
struct load_shard {
	struct load_config config;
	struct load_stats stats;
	struct in_addr sources[240];
	unsigned source_count;
	uint64_t capacity;
	struct load_connection at[];
};

struct shard_task {
	struct load_shard *shard;
	int channel, epoll;
	uint64_t count; /* slots of shard->at in use */
	unsigned source;
	uint64_t to_open, rate_per_s, paced_from_ns, opened; /* the current order */
	bool answered;
};

uint64_t load_now_ns(void) { return clock_ns(); }

static void shard_fail(struct shard_task *t, int code)
{
	int none = 0;
	atomic_compare_exchange_strong(&t->shard->stats.first_errno, &none, code);
	t->shard->stats.failed++;
}

/* One connect() from source number t->source. Returns the descriptor or -errno. */
static int shard_connect(struct shard_task *t, uint64_t slot)
{
	struct load_shard *s = t->shard;
	const union endpoint to = {.v4 = {.sin_family = AF_INET,
					  .sin_port = s->config.port,
					  .sin_addr = s->config.to}};
	const union endpoint from = {
		.v4 = {.sin_family = AF_INET, .sin_addr = s->sources[t->source % s->source_count]}};
	struct epoll_event event = {.data.u64 = slot + 1};
	int fd = sockets_connect(&to, &from);
	if (fd < 0)
		return fd;
	/* Close by reset: no TIME_WAIT, and thousands close at once. */
	sockets_abort(fd);
	event.events =
		s->config.await_greeting ? EPOLLIN | EPOLLRDHUP | EPOLLET : EPOLLOUT | EPOLLET;
	if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		int code = errno;
		close(fd);
		return -code;
	}
	return fd;
}

static void shard_open(struct shard_task *t)
{
	struct load_shard *s = t->shard;
	if (t->count >= s->capacity) {
		shard_fail(t, ENOBUFS);
		return;
	}
	uint64_t slot = t->count;
	s->at[slot].started_ns = load_now_ns();
	int fd = -EADDRNOTAVAIL;
	for (unsigned i = 0; i < s->source_count && fd == -EADDRNOTAVAIL; i++) {
		t->source++;
		fd = shard_connect(t, slot);
	}
	if (fd < 0) {
		shard_fail(t, -fd);
		return;
	}
	s->at[slot].fd = fd;
	t->count++;
}

static void shard_close(struct shard_task *t, uint64_t slot)
{
	close(t->shard->at[slot].fd);
	t->shard->at[slot].fd = -1;
}

static void shard_event(struct shard_task *t, uint64_t slot, uint32_t events)
{
	struct load_shard *s = t->shard;
	struct load_connection *c = &s->at[slot];
	char byte;
	int code = 0;
	socklen_t size = sizeof(code);
	if (c->fd < 0)
		return;
	if (!c->started_ns) { /* held, and watched like the client of a real server */
		if (events & (EPOLLERR | EPOLLHUP))
			shard_close(t, slot);
		return;
	}
	if (events & (EPOLLERR | EPOLLHUP) && !(events & EPOLLIN)) {
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &code, &size);
		shard_fail(t, code ? code : ECONNRESET);
		shard_close(t, slot);
		return;
	}
	if (s->config.await_greeting) {
		ssize_t n = recv(c->fd, &byte, 1, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n != 1) {
			shard_fail(t, n < 0 ? errno : ECONNRESET);
			shard_close(t, slot);
			return;
		}
	}
	uint64_t now = load_now_ns();
	histogram_add(&s->stats.serve, now - c->started_ns);
	s->stats.last_served_ns = now;
	s->stats.served++;
	c->started_ns = 0;
	if (s->config.await_greeting)
		shard_close(t, slot);
}

/* One request and its reply. Returns 0 or a positive errno. */
static int shard_exchange(int fd)
{
	char request[LOAD_REQUEST] = "epolltune", reply[LOAD_REQUEST];
	size_t got = 0;
	ssize_t sent = send(fd, request, sizeof(request), MSG_NOSIGNAL);
	if (sent != sizeof(request))
		return sent < 0 ? errno : EIO;
	while (got < sizeof(reply)) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int ready = poll(&p, 1, LOAD_REPLY_MS);
		if (ready == 0)
			return ETIMEDOUT;
		ssize_t n = ready < 0 ? -1 : recv(fd, reply + got, sizeof(reply) - got, 0);
		if (n == 0)
			return ECONNRESET;
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return errno;
		if (n > 0)
			got += (size_t)n;
	}
	return memcmp(request, reply, sizeof(reply)) ? EPROTO : 0;
}

/* Spreads the requests evenly over all held connections. */
static void shard_talk(struct shard_task *t, uint64_t requests)
{
	struct load_shard *s = t->shard;
	for (uint64_t i = 0; i < requests && t->count; i++) {
		uint64_t slot = (uint64_t)((double)i / (double)requests * (double)t->count);
		int fd = s->at[slot].fd;
		if (fd < 0)
			continue;
		uint64_t start = load_now_ns();
		int code = shard_exchange(fd);
		if (code) {
			shard_fail(t, code);
			continue;
		}
		histogram_add(&s->stats.request, load_now_ns() - start);
		s->stats.requests++;
	}
}

/* One request in flight. */
struct exchange {
	uint64_t slot, started_ns;
	size_t got;
};

static int storm_send(struct shard_task *t, struct exchange *x)
{
	static const char request[LOAD_REQUEST] = "epolltune";
	x->got = 0;
	x->started_ns = load_now_ns();
	ssize_t n = send(t->shard->at[x->slot].fd, request, sizeof(request), MSG_NOSIGNAL);
	return n == sizeof(request) ? 0 : n < 0 ? errno : EIO;
}

/* False if the connection failed. */
static bool storm_receive(struct shard_task *t, struct exchange *x, bool *whole)
{
	char reply[LOAD_REQUEST];
	ssize_t n = recv(t->shard->at[x->slot].fd, reply, sizeof(reply) - x->got, MSG_DONTWAIT);
	if (n > 0)
		x->got += (size_t)n;
	*whole = x->got == sizeof(reply);
	if (*whole) {
		histogram_add(&t->shard->stats.request, load_now_ns() - x->started_ns);
		t->shard->stats.requests++;
	}
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void shard_storm(struct shard_task *t, uint64_t requests, uint64_t depth)
{
	struct pollfd polled[LOAD_DEPTH];
	struct exchange at[LOAD_DEPTH];
	uint64_t count = 0, sent = 0;
	for (uint64_t slot = 0; slot < t->count && count < depth && count < LOAD_DEPTH; slot++) {
		at[count] = (struct exchange){.slot = slot};
		if (t->shard->at[slot].fd < 0 || sent == requests || storm_send(t, &at[count]))
			continue;
		polled[count++] = (struct pollfd){.fd = t->shard->at[slot].fd, .events = POLLIN};
		sent++;
	}
	for (uint64_t open = count; open;) {
		if (poll(polled, (nfds_t)count, LOAD_REPLY_MS) <= 0) {
			shard_fail(t, ETIMEDOUT);
			return;
		}
		for (uint64_t i = 0; i < count; i++) {
			bool whole = false;
			if (polled[i].fd < 0 || !polled[i].revents)
				continue;
			bool alive = storm_receive(t, &at[i], &whole);
			if (!alive)
				shard_fail(t, ECONNRESET);
			if (alive && whole && sent < requests && !storm_send(t, &at[i])) {
				sent++;
			} else if (!alive || whole) {
				polled[i].fd = -1;
				open--;
			}
		}
	}
}

/* False if the channel was closed. */
static bool shard_command(struct shard_task *t)
{
	struct load_command command;
	ssize_t n = recv(t->channel, &command, sizeof(command), 0);
	if (n < 0 && errno == EINTR)
		return true;
	if (n != sizeof(command))
		return false;
	t->answered = false;
	if (command.verb == LOAD_VERB_TALK) {
		shard_talk(t, command.count);
	} else if (command.verb == LOAD_VERB_STORM) {
		shard_storm(t, command.count, command.depth);
	} else {
		t->to_open = command.count;
		t->rate_per_s = command.rate_per_s;
		t->paced_from_ns = load_now_ns();
		t->opened = 0;
	}
	return true;
}

/* Opens due connections; returns the milliseconds until the next is due, -1 for never. */
static int shard_pace(struct shard_task *t)
{
	if (t->opened == t->to_open) {
		if (!t->answered)
			t->answered = send(t->channel, "d", 1, MSG_NOSIGNAL) == 1;
		return -1;
	}
	uint64_t due = t->to_open;
	if (t->rate_per_s) {
		double elapsed = (double)(load_now_ns() - t->paced_from_ns) / 1e9;
		double count = elapsed * (double)t->rate_per_s + 1;
		if (count < (double)due)
			due = (uint64_t)count;
	}
	for (unsigned burst = 0; t->opened < due && burst < LOAD_BURST; burst++) {
		shard_open(t);
		t->opened++;
		t->shard->stats.attempted++;
	}
	return t->opened < due || t->opened == t->to_open ? 0 : 1;
}

static int shard_task(int channel, void *arg)
{
	struct shard_task t = {.shard = arg, .channel = channel, .answered = true};
	struct epoll_event events[LOAD_EVENTS], control = {.events = EPOLLIN};
	cpus_run_on((int)t.shard->config.cpu - 1); /* fails for 0: not pinned */
	sockets_raise_limit();
	t.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (t.epoll < 0 || epoll_ctl(t.epoll, EPOLL_CTL_ADD, channel, &control))
		return errno;
	for (;;) {
		int n = epoll_wait(t.epoll, events, LOAD_EVENTS, shard_pace(&t));
		if (n < 0 && errno != EINTR)
			return errno;
		for (int i = 0; i < n; i++) {
			if (events[i].data.u64)
				shard_event(&t, events[i].data.u64 - 1, events[i].events);
			else if (!shard_command(&t))
				return 0;
		}
	}
}

static int load_start_shard(struct load *l, unsigned i, uint64_t capacity, struct err *e)
{
	struct load_shard *shard =
		lab_alloc(l->lab, sizeof(*shard) + capacity * sizeof(shard->at[0]), e);
	if (!shard)
		return -e->code;
	shard->config = l->config;
	shard->capacity = capacity;
	shard->source_count = lab_addresses(l->lab, LAB_CLIENT);
	for (unsigned k = 0; k < shard->source_count; k++)
		shard->sources[k] = lab_address(l->lab, LAB_CLIENT, k);
	l->tasks[i] = shard;
	l->stats[i] = &shard->stats;
	return lab_spawn(l->lab, LAB_CLIENT, shard_task, shard, &l->channels[i], e);
}

int load_start(struct load *l, struct lab *lab, const struct load_config *config, struct err *e)
{
	struct rlimit limit;
	*l = (struct load){.lab = lab, .config = *config};
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return err_errno(e, "RLIMIT_NOFILE");
	if (limit.rlim_max <= LOAD_HELD)
		return err_set(e, EMFILE,
			       "test load: RLIMIT_NOFILE leaves no descriptor for connections");
	l->per_shard = limit.rlim_max - LOAD_HELD;
	if (l->per_shard > LOAD_PER_SHARD)
		l->per_shard = LOAD_PER_SHARD;
	uint64_t shards = (config->connections + l->per_shard - 1) / l->per_shard;
	uint64_t channels = limit.rlim_cur > LOAD_SPARE ? limit.rlim_cur - LOAD_SPARE : 0;
	if (shards > LOAD_SHARDS || shards > channels)
		return err_set(e, EMFILE,
			       "test load: %llu connections need more processes than the maximum, "
			       "at %llu descriptors each",
			       (unsigned long long)config->connections,
			       (unsigned long long)limit.rlim_max);
	for (unsigned i = 0; i < shards; i++) {
		uint64_t left = config->connections - i * l->per_shard;
		int rc = load_start_shard(l, i, left < l->per_shard ? left : l->per_shard, e);
		if (rc) {
			load_stop(l);
			return rc;
		}
		l->shards = i + 1;
	}
	return 0;
}

static int load_order(struct load *l, unsigned shard, const struct load_command *command,
		      int timeout_ms, struct err *e)
{
	char done;
	int rc = lab_send(l->channels[shard], command, sizeof(*command), e);
	if (!rc)
		rc = (int)lab_receive(l->channels[shard], &done, 1, timeout_ms, e);
	return rc < 0 ? err_prefix(e, "test load") : 0;
}

int load_open(struct load *l, uint64_t count, uint64_t rate_per_s, int timeout_ms, struct err *e)
{
	uint64_t end = load_now_ns() + (uint64_t)timeout_ms * 1000000, max = l->config.max_per_s;
	if (max)
		end += count * 1000000000 / max;
	if (max && (!rate_per_s || rate_per_s > max))
		rate_per_s = max;
	if (count > l->config.connections - l->opened)
		return err_set(e, EINVAL, "test load: more connections than configured");
	while (count) {
		unsigned shard = (unsigned)(l->opened / l->per_shard);
		uint64_t room = l->per_shard - l->opened % l->per_shard;
		uint64_t now = load_now_ns();
		struct load_command command = {LOAD_VERB_OPEN, count < room ? count : room,
					       rate_per_s, 0};
		int rc = load_order(l, shard, &command,
				    now < end ? (int)((end - now) / 1000000) : 0, e);
		if (rc)
			return rc;
		l->opened += command.count;
		count -= command.count;
	}
	return 0;
}

int load_talk(struct load *l, uint64_t requests, int timeout_ms, struct err *e)
{
	struct load_command command = {.verb = LOAD_VERB_TALK, .count = requests};
	if (!l->shards)
		return err_set(e, EINVAL, "test load: not started");
	return load_order(l, 0, &command, timeout_ms, e);
}

int load_storm(struct load *l, uint64_t requests, uint64_t depth, int timeout_ms, struct err *e)
{
	struct load_command command = {LOAD_VERB_STORM, requests, 0, depth};
	if (!l->shards)
		return err_set(e, EINVAL, "test load: not started");
	return load_order(l, 0, &command, timeout_ms, e);
}

void load_forget(struct load *l)
{
	for (unsigned i = 0; i < l->shards; i++)
		l->stats[i]->request = (struct histogram){0};
}

struct load_sum load_sum(const struct load *l)
{
	struct load_sum sum = {0};
	for (unsigned i = 0; i < l->shards; i++) {
		const struct load_stats *s = l->stats[i];
		uint64_t last = s->last_served_ns;
		sum.attempted += s->attempted;
		sum.served += s->served;
		sum.failed += s->failed;
		sum.requests += s->requests;
		if (last > sum.last_served_ns)
			sum.last_served_ns = last;
		if (!sum.first_errno)
			sum.first_errno = s->first_errno;
	}
	return sum;
}

int load_check(const struct load *l, struct err *e)
{
	struct load_sum sum = load_sum(l);
	if (!sum.failed)
		return 0;
	return err_set(e, sum.first_errno, "%llu of %llu clients could not connect: %s",
		       (unsigned long long)sum.failed, (unsigned long long)l->opened,
		       strerror(sum.first_errno));
}

int load_await(const struct load *l, uint64_t count, uint64_t timeout_ms)
{
	uint64_t end = load_now_ns() + timeout_ms * 1000000;
	for (;;) {
		struct load_sum sum = load_sum(l);
		if (sum.served + sum.failed >= count)
			return 0;
		if (load_now_ns() >= end)
			return -ETIMEDOUT;
		clock_sleep_ms(1);
	}
}

/* Only the first shard sends requests. */
uint64_t load_request_ns(const struct load *l, double share)
{
	return l->shards ? histogram_quantile(&l->stats[0]->request, share) : 0;
}

void load_latency(const struct load *l, struct histogram *serve, struct histogram *request)
{
	for (unsigned i = 0; i < l->shards; i++) {
		histogram_merge(serve, &l->stats[i]->serve);
		histogram_merge(request, &l->stats[i]->request);
	}
}

void load_stop(struct load *l)
{
	for (unsigned i = 0; i < l->shards; i++)
		lab_finish(l->channels[i]);
	l->shards = 0;
}
