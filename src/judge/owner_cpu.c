#include "epolltune/owner_cpu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "epolltune/doing.h"
#include "epolltune/quantity.h"
#include "epolltune/throttling.h"

/* Processes whose groups are read. */
#define OWNERS 16
/* A smaller share of the time of all CPUs explains little. */
#define STOLEN_SHARE 0.2

static int quotas_add(struct owner_cpu *c, const struct host *h, pid_t pid, struct err *e)
{
	struct cgroup group;
	cgroup_read(h, pid, &group);
	const struct container_row *container = cgroup_container(h, pid);
	for (size_t i = 0; i < group.quota_count; i++) {
		struct owner_quota *more = array_add(&c->at, &c->count, sizeof(*more));
		if (!more)
			return err_set(e, ENOMEM, "control groups: out of memory");
		*more = (struct owner_quota){pid, container, group.quotas[i]};
	}
	return 0;
}

static void stolen_read(struct owner_cpu *c, const struct host *h)
{
	CLEAN(free_pointer) struct host_cpu_times *times = malloc(sizeof(*times));
	if (!times || host_cpu_times(h, times, NULL))
		return;
	for (size_t i = 0; i < HOST_CPUS; i++) {
		c->stolen += times->at[i].steal;
		c->all += times->at[i].all;
	}
}

int owner_cpu_read(const struct host *h, const struct listeners *l,
		   bool (*wanted)(const struct listener *l, void *arg), void *arg,
		   struct owner_cpu *out, struct err *e)
{
	pid_t seen[OWNERS];
	size_t count = 0;
	*out = (struct owner_cpu){0};
	for (size_t i = 0; i < l->count && count < OWNERS; i++) {
		const struct listener *at = &l->at[i];
		pid_t pid = at->owner < 0 || !wanted(at, arg) ? 0 : l->processes[at->owner].pid;
		size_t n = 0;
		while (n < count && seen[n] != pid)
			n++;
		if (!pid || n < count || !cgroup_shown(h, pid))
			continue;
		seen[count++] = pid;
		int rc = quotas_add(out, h, pid, e);
		if (rc)
			return rc;
	}
	stolen_read(out, h);
	return 0;
}

void owner_cpu_free(struct owner_cpu *c)
{
	free(c->at);
	*c = (struct owner_cpu){0};
}

/* In how many of its periods a quota stopped its group since the reading. */
struct throttled {
	const struct owner_quota *of; /* NULL: none did */
	uint64_t periods, times;
};

static struct throttled throttled_since(const struct owner_cpu *before,
					const struct owner_quota *is)
{
	for (size_t i = 0; i < before->count; i++) {
		const struct owner_quota *was = &before->at[i];
		if (was->pid == is->pid && !strcmp(was->quota.path, is->quota.path) &&
		    was->quota.periods <= is->quota.periods &&
		    was->quota.throttled <= is->quota.throttled)
			return (struct throttled){is, is->quota.periods - was->quota.periods,
						  is->quota.throttled - was->quota.throttled};
	}
	return (struct throttled){0};
}

static struct throttled throttled_of(const struct owner_cpu_watch *w, const struct owner_quota *is)
{
	struct throttled t = throttled_since(w->before, is);
	return t.of ? t : throttled_since(w->middle, is);
}

static double throttled_share(const struct throttled *t)
{
	return t->periods ? (double)t->times / (double)t->periods : 0;
}

static struct throttled throttled_worst(const struct owner_cpu_watch *w, pid_t pid)
{
	const struct owner_cpu *after = w->after;
	struct throttled worst = {0};
	for (size_t i = 0; i < after->count; i++) {
		struct throttled t = throttled_of(w, &after->at[i]);
		if (after->at[i].pid == pid && throttling_explains(t.times, t.periods) &&
		    throttled_share(&t) > throttled_share(&worst))
			worst = t;
	}
	return worst;
}

/* "systemctl set-property x.service CPUQuota=" */
static void quota_line(const struct owner_quota *q, char *line, size_t size)
{
	const char *path = q->quota.path, *slash = strrchr(path, '/'),
		   *last = slash ? slash + 1 : path;
	const struct container_row *row = container_row_find(unit_service(last)[0] ? last : path);
	struct wording own = {0};
	if (row->unnamed && q->container)
		row = q->container;
	wording_set(&own, "path", "%s", path);
	unit_words(&own, last, unit_manager(path));
	wording_fill(&own, row->cpu, line, size);
}

/* NULL or of no state: its process is not known. */
static struct throttled owner_throttled(const struct owner_cpu_watch *w, const struct process *p)
{
	if (!p || !p->state || process_accepts_not(p))
		return (struct throttled){0};
	return throttled_worst(w, p->pid);
}

static double stolen_share(const struct owner_cpu *before, const struct owner_cpu *after)
{
	return before->all && after->all > before->all && after->stolen > before->stolen
		       ? (double)(after->stolen - before->stolen) /
				 (double)(after->all - before->all)
		       : 0;
}

enum finding_remedy owner_cpu_remedy(const struct owner_cpu_watch *w, const struct process *p)
{
	if (owner_throttled(w, p).of)
		return REMEDY_CONTAINER;
	return p && p->state == 'R' && stolen_share(w->before, w->after) >= STOLEN_SHARE
		       ? REMEDY_PROVIDER
		       : REMEDY_NONE;
}

void owner_cpu_words(const struct owner_cpu_watch *w, const struct process *p,
		     struct wording *words)
{
	struct throttled t = owner_throttled(w, p);
	enum finding_remedy remedy = owner_cpu_remedy(w, p);
	double stolen = stolen_share(w->before, w->after);
	wording_set(words, "cpu", "%s", "");
	wording_flag(words, "denied", remedy != REMEDY_NONE);
	if (t.of) {
		const struct cgroup_quota *q = &t.of->quota;
		char line[WORDING_TEXT];
		quota_line(t.of, line, sizeof(line));
		wording_set(words, "cpu",
			    "The CPU quota of %s, %s in %s (%s%.200s), stopped it in %s of %s "
			    "periods.",
			    p->name, quantity_show(QUANTITY_DURATION, q->quota_us).text,
			    quantity_show(QUANTITY_DURATION, q->period_us).text,
			    q->shared ? "shared, of " : "", q->path, quantity_count(t.times).text,
			    quantity_count(t.periods).text);
		wording_set(words, "help",
			    "To remove that quota, which more workers share: %s (then check again)",
			    line);
	} else if (p && !process_accepts_not(p) && stolen >= STOLEN_SHARE) {
		wording_set(words, "cpu", "The hypervisor took %.0f %% of the CPU time (steal).",
			    100 * stolen);
		if (remedy == REMEDY_PROVIDER)
			wording_set(words, "help", "%s",
				    "Move this machine to dedicated CPUs. The provider limits its "
				    "CPU time, and more workers get no more of it");
	}
}
