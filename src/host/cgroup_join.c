#include "host/cgroup_join.h"

#include <math.h>
#include <string.h>

#include "epolltune/host.h"

static uint64_t bound_left(const struct cgroup_bound *b)
{
	if (b->max == HOST_UNLIMITED)
		return HOST_UNLIMITED;
	return b->max > b->used ? b->max - b->used : 0;
}

void cgroup_bound_insert(struct cgroup_limit *l, const struct cgroup_bound *one)
{
	size_t i = 0;
	while (i < l->count && bound_left(&l->at[i]) <= bound_left(one))
		i++;
	if (i == CGROUP_BOUNDS)
		return;
	l->count += l->count < CGROUP_BOUNDS;
	memmove(&l->at[i + 1], &l->at[i], (l->count - 1 - i) * sizeof(*one));
	l->at[i] = *one;
}

static void sight_join(struct cgroup_sight *s, const struct cgroup_sight *other)
{
	s->hidden |= other->hidden;
	s->above |= other->above;
	if (!s->unmounted)
		s->unmounted = other->unmounted;
}

/* Whether the tightest limits are those of different groups. */
static bool differs(const struct cgroup_limit *l, const struct cgroup_limit *other)
{
	return strcmp(cgroup_bound_at(l, 0)->path, cgroup_bound_at(other, 0)->path) != 0;
}

static void limit_join(struct cgroup_limit *l, const struct cgroup_limit *other)
{
	struct cgroup_sight sight = l->sight;
	bool several = l->several || differs(l, other);
	sight_join(&sight, &other->sight);
	if (cgroup_left(other) < cgroup_left(l))
		*l = *other;
	l->sight = sight;
	l->several = several;
}

static struct cgroup_quota *quota_find(struct cgroup *c, const char *path)
{
	for (size_t i = 0; i < c->quota_count; i++)
		if (!strcmp(c->quotas[i].path, path))
			return &c->quotas[i];
	return NULL;
}

/* Of all together; the stall of the one that stalls longest. */
static void pressure_join(struct cgroup_pressure *p, const struct cgroup_pressure *other)
{
	p->killed += other->killed;
	p->exhausted += other->exhausted;
	p->reached += other->reached;
	if (other->stalled_us > p->stalled_us)
		p->stalled_us = other->stalled_us;
}

void cgroup_join(struct cgroup *c, const struct cgroup *other)
{
	bool same = !strcmp(c->path, other->path); /* of v1 in one hierarchy */
	c->groups += !same;
	if (!same || differs(&c->pids, &other->pids)) {
		c->pids_refused += other->pids_refused;
		c->pids_refused_above += other->pids_refused_above;
	}
	if (!same || differs(&c->memory, &other->memory))
		pressure_join(&c->pressure, &other->pressure);
	c->sockets_throttled += same ? 0 : other->sockets_throttled;
	limit_join(&c->memory, &other->memory);
	limit_join(&c->tcp, &other->tcp);
	limit_join(&c->kernel, &other->kernel);
	limit_join(&c->pids, &other->pids);
	c->sockets_charged |= other->sockets_charged;
	sight_join(&c->cpu, &other->cpu);
	if (other->pod_killed > c->pod_killed) {
		c->pod_killed = other->pod_killed;
		c->pod_started = other->pod_started;
	}
	for (size_t i = 0; i < other->quota_count; i++) {
		struct cgroup_quota *known = quota_find(c, other->quotas[i].path);
		if (known) {
			known->groups += !same;
			continue;
		}
		if (c->quota_count == CGROUP_QUOTAS) {
			c->cpu.hidden = true;
			break;
		}
		c->quotas[c->quota_count++] = other->quotas[i];
	}
	if (c->cpus != other->cpus)
		c->cpus = 0;
}

uint64_t cgroup_left(const struct cgroup_limit *l) { return bound_left(cgroup_bound_at(l, 0)); }

const struct cgroup_bound *cgroup_bound_at(const struct cgroup_limit *l, size_t i)
{
	static const struct cgroup_bound none = {.max = HOST_UNLIMITED};
	return i < l->count ? &l->at[i] : &none;
}

/* `own`: of the use before, what is of this process. */
static void limit_spare(struct cgroup_limit *l, const struct cgroup_limit *before, uint64_t own)
{
	const struct cgroup_limit now = *l;
	l->count = 0;
	for (size_t i = 0; i < now.count; i++) {
		struct cgroup_bound b = now.at[i];
		for (size_t k = 0; k < before->count; k++) {
			const struct cgroup_bound *was = &before->at[k];
			uint64_t used = was->used > own ? was->used - own : 0;
			if (was->file != b.file || strcmp(was->path, b.path) != 0 || used > b.used)
				continue;
			b.used = used;
			b.reclaimable = was->reclaimable;
		}
		cgroup_bound_insert(l, &b);
	}
}

void cgroup_spare(struct cgroup *c, const struct cgroup *before)
{
	limit_spare(&c->memory, &before->memory, 0);
	limit_spare(&c->pids, &before->pids, 1);
}

const struct cgroup_quota *cgroup_tightest(const struct cgroup *c)
{
	const struct cgroup_quota *tightest = NULL;
	for (size_t i = 0; i < c->quota_count; i++) {
		const struct cgroup_quota *q = &c->quotas[i];
		if (!tightest ||
		    q->quota_us * tightest->period_us < tightest->quota_us * q->period_us)
			tightest = q;
	}
	return tightest;
}

double cgroup_quota_cpus(const struct cgroup *c)
{
	double sum = 0, all = INFINITY;
	size_t own = 0;
	for (size_t i = 0; i < c->quota_count; i++) {
		const struct cgroup_quota *q = &c->quotas[i];
		double cpus = (double)q->quota_us / (double)q->period_us;
		own += !q->shared;
		sum += q->shared ? 0 : cpus;
		if (q->groups >= c->groups)
			all = fmin(all, cpus);
	}
	if (own >= c->groups)
		all = fmin(all, sum);
	return isinf(all) ? 0 : all;
}

const struct cgroup_quota *cgroup_quota_find(const struct cgroup *c, const char *path)
{
	return quota_find((struct cgroup *)c, path);
}

uint64_t cgroup_pause_us(const struct cgroup *c, const struct cgroup_quota *q, uint64_t cpus)
{
	const uint64_t limits[] = {cpus, q->shared ? 0 : c->cpus, q->shared ? 0 : q->threads};
	uint64_t at_once = UINT64_MAX;
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		if (limits[i] && limits[i] < at_once)
			at_once = limits[i];
	uint64_t runs = at_once == UINT64_MAX ? q->quota_us : q->quota_us / at_once;
	return runs < q->period_us ? q->period_us - runs : 0;
}

const struct cgroup_quota *cgroup_paused(const struct cgroup *c, uint64_t cpus, uint64_t *pause_us)
{
	const struct cgroup_quota *paused = NULL;
	*pause_us = 0;
	for (size_t i = 0; i < c->quota_count; i++) {
		uint64_t pause = cgroup_pause_us(c, &c->quotas[i], cpus);
		if (!c->quotas[i].throttled || pause <= *pause_us)
			continue;
		paused = &c->quotas[i];
		*pause_us = pause;
	}
	return paused;
}
