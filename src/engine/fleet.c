#include "engine/fleet.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "engine/cpus.h"

#define SPARE_DESCRIPTORS 32
#define TICK_MS 200
#define PATIENCE_MS 10000 /* for a process to start */

uint64_t fleet_per_driver(void)
{
	struct rlimit r;
	if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_max <= 2 * SPARE_DESCRIPTORS)
		return SPARE_DESCRIPTORS;
	/* More per process would leave CPUs idle. */
	uint64_t most = 1u << 18;
	return r.rlim_max - SPARE_DESCRIPTORS < most ? r.rlim_max - SPARE_DESCRIPTORS : most;
}

/* Part i of n of a total. */
static uint64_t share(uint64_t whole, unsigned i, unsigned n)
{
	return whole * (i + 1) / n - whole * i / n;
}

/* Reports why a load worker exited. */
static int driver_gone(struct fleet_driver *d, unsigned i, struct err *e)
{
	int status;
	if (d->pid > 0 && waitpid(d->pid, &status, 0) == d->pid) {
		int pid = (int)d->pid;
		d->pid = -1;
		if (WIFSIGNALED(status))
			return err_set(e, ECHILD,
				       "load process %u (pid %d) was killed by signal %d (%s)", i,
				       pid, WTERMSIG(status), strsignal(WTERMSIG(status)));
		return err_set(e, ECHILD, "load process %u (pid %d) exited with status %d", i, pid,
			       WEXITSTATUS(status));
	}
	return err_set(e, ECHILD, "load process %u exited unexpectedly", i);
}

/* Receives an answer: 0, -ETIMEDOUT if there is none yet, or what failed. */
static int driver_answer(struct fleet *f, unsigned i, int timeout_ms, struct err *e)
{
	struct driver_answer a;
	ssize_t n = lab_receive(f->at[i].channel, &a, sizeof(a), timeout_ms, e);
	if (n == -EPIPE)
		return driver_gone(&f->at[i], i, e);
	if (n < 0)
		return (int)n;
	if (a.code)
		*e = a.e;
	return -a.code;
}

int fleet_start(struct fleet *f, const struct place *place, const struct fleet_config *config,
		struct err *e)
{
	uint64_t per_driver = fleet_per_driver(), capacity = config->driver.capacity;
	uint64_t drivers = (capacity + per_driver - 1) / per_driver;
	*f = (struct fleet){0};
	if (drivers < config->drivers)
		drivers = config->drivers;
	if (drivers > FLEET_DRIVERS)
		return err_set(e, EMFILE,
			       "%llu connections need %llu processes of %llu descriptors; the "
			       "maximum is %d",
			       (unsigned long long)capacity, (unsigned long long)drivers,
			       (unsigned long long)per_driver, FLEET_DRIVERS);
	for (unsigned i = 0; i < drivers; i++) {
		struct fleet_driver *d = &f->at[i];
		d->part = place_alloc(place, sizeof(*d->part), e);
		int rc = d->part ? 0 : -ENOMEM;
		if (rc == 0) {
			d->capacity = share(capacity, i, (unsigned)drivers);
			d->part->config = config->driver;
			d->part->config.capacity = d->capacity ? d->capacity : 1;
			d->part->config.cpu = config->pin ? cpus_nth(i) : -1;
			if (config->apart && config->apart->processes)
				d->part->config.to =
					config->apart->at[i % config->apart->processes].address;
			rc = place_spawn(place, driver_main, d->part, &d->channel, &d->pid, e);
		}
		if (rc == 0) {
			f->drivers++;
			rc = driver_answer(f, i, PATIENCE_MS, e);
		}
		if (rc < 0) {
			fleet_stop(f);
			return rc;
		}
	}
	return 0;
}

/* Stops the processes; their counts stay. */
static void fleet_dismiss(struct fleet *f)
{
	/* Signal all before waiting for any, so that they stop in parallel. */
	for (unsigned i = 0; i < f->drivers; i++)
		shutdown(f->at[i].channel, SHUT_WR);
	for (unsigned i = 0; i < f->drivers; i++)
		place_finish(&f->at[i].channel, &f->at[i].pid);
}

void fleet_stop(struct fleet *f)
{
	fleet_dismiss(f);
	f->drivers = 0;
}

/* By active connections, else by count. */
static double share_of_work(const struct driver_order *whole, const struct driver_order *part,
			    unsigned n)
{
	if (whole->active)
		return (double)part->active / (double)whole->active;
	return whole->count ? (double)part->count / (double)whole->count : 1.0 / n;
}

static int order_send(struct fleet *f, const struct driver_order *order, bool pending[],
		      struct err *e)
{
	for (unsigned i = 0; i < f->drivers; i++) {
		struct driver_order part = *order;
		part.count = share(order->count, i, f->drivers);
		part.active = share(order->active, i, f->drivers);
		part.rate_per_s = order->rate_per_s * share_of_work(order, &part, f->drivers);
		part.phase = (double)i / f->drivers;
		/* A share of 0 means nothing to do; in an order 0 means no limit. */
		if ((order->count && !part.count) || (order->active && !part.active))
			part.verb = DRIVER_USAGE;
		int rc = lab_send(f->at[i].channel, &part, sizeof(part), e);
		if (rc == -EPIPE)
			return driver_gone(&f->at[i], i, e);
		if (rc < 0)
			return rc;
		pending[i] = true;
	}
	return 0;
}

int fleet_order(struct fleet *f, const struct driver_order *order,
		int (*tick)(uint64_t done, void *arg), void *arg, struct err *e)
{
	bool pending[FLEET_DRIVERS] = {false};
	unsigned left = f->drivers;
	int rc = order_send(f, order, pending, e);
	while (rc == 0 && left) {
		struct pollfd p[FLEET_DRIVERS];
		for (unsigned i = 0; i < f->drivers; i++)
			p[i] = (struct pollfd){.fd = pending[i] ? f->at[i].channel : -1,
					       .events = POLLIN};
		int n = poll(p, f->drivers, TICK_MS);
		if (n < 0 && errno != EINTR)
			return err_errno(e, "poll");
		for (unsigned i = 0; i < f->drivers && n > 0 && rc == 0; i++) {
			if (!p[i].revents)
				continue;
			rc = driver_answer(f, i, -1, e);
			pending[i] = false;
			left--;
		}
		if (rc == 0 && tick && tick(fleet_sum(f).done, arg)) {
			fleet_dismiss(f);
			rc = err_set(e, EINTR, "interrupted");
		}
	}
	return rc;
}

struct fleet_sum fleet_sum(const struct fleet *f)
{
	struct fleet_sum sum = {0};
	uint64_t timely = 0;
	for (unsigned i = 0; i < f->drivers; i++) {
		const struct driver_stats *s = &f->at[i].part->stats;
		uint64_t elapsed = counter_get(&s->elapsed_ns);
		sum.opened += counter_get(&s->opened);
		sum.attempted += counter_get(&s->attempted);
		sum.done += counter_get(&s->done);
		sum.missed += counter_get(&s->missed);
		sum.failed += counter_get(&s->failed);
		sum.starved += counter_get(&s->starved);
		sum.held += counter_get(&s->held);
		sum.cpu_ns += counter_get(&s->cpu_ns);
		sum.private_bytes += counter_get(&s->private_bytes);
		timely += counter_get(&s->timely);
		if (elapsed > sum.elapsed_ns)
			sum.elapsed_ns = elapsed;
		if (!sum.first_errno)
			sum.first_errno = s->first_errno;
	}
	/* Not the sum of the load workers' rates: one that is done early is idle from then on. */
	if (sum.elapsed_ns)
		sum.rate = (double)timely * 1e9 / (double)sum.elapsed_ns;
	return sum;
}

void fleet_latency(const struct fleet *f, struct histogram *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < f->drivers; i++)
		histogram_merge(out, &f->at[i].part->stats.latency);
}
