/* The limits of the control group: memory, CPU time and processes of a container or unit. Of the
 * server that --server names, otherwise of epolltune's own group. */
#include "epolltune/probe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/cgroup.h"
#include "epolltune/cleanup.h"
#include "epolltune/connection_memory.h"
#include "epolltune/counters.h"
#include "epolltune/doing.h"
#include "epolltune/own_time.h"
#include "epolltune/quantity.h"
#include "epolltune/since.h"
#include "epolltune/tasks.h"
#include "epolltune/throttling.h"

/* A group that waits for memory in a smaller share of the time only reclaims page cache. */
#define STALLED_SHARE 0.05
/* Of what a quota allows in the window: then what the check uses itself hides what others do. */
#define OWN_MUCH 0.2
/* In which the kernel hands a quota out to CPUs (kernel.sched_cfs_bandwidth_slice_us): one is
 * throttled while another has some of it left. */
#define SLICE_US 5000

/* Whether the group is known, or there is none: a tree of another tool may lack it. */
static bool is_shown(const struct host *h, const struct cgroup *c)
{
	return c->path[0] || host_whole(h, "proc/self/cgroup");
}

/* The groups of the server, without what only the check uses of them. */
static void group_read(const struct host *h, const struct subject *s, const struct cgroup *before,
		       struct cgroup *out)
{
	subject_group(h, s, out);
	if (before)
		cgroup_spare(out, before);
}

static void limit_read(const struct host *h, const struct cgroup *c, const struct cgroup_limit *l,
		       struct settings *s)
{
	s->group = *l;
	s->group_known = is_shown(h, c);
}

/* Without a limit that could be read the text of the wall says why. */
static void hidden_words(const struct cgroup_sight *sight, struct wording *w)
{
	wording_flag(w, "hidden", true);
	wording_flag(w, "v1", sight->unmounted == 1);
	wording_flag(w, "v2", sight->unmounted == 2);
	wording_flag(w, "above", sight->above);
}

/* The state without a limit. */
static void limitless_bound(const struct settings *s, struct bound *b)
{
	const struct cgroup_sight *sight = &s->group.sight;
	if (s->group.count)
		return;
	b->state = s->group_known && !sight->hidden ? BOUND_ABSENT : BOUND_UNKNOWN;
	if (b->state == BOUND_ABSENT && sight->above)
		b->why = container_above;
}

/* What is not known of the limits; NULL: nothing. */
static const char *unread_of(const struct cgroup_sight *sight)
{
	if (!sight->hidden)
		return NULL;
	return sight->above ? "A limit of a group above this container"
			    : "The control group of the process";
}

static void memory_read(const struct host *h, struct settings *s)
{
	struct cgroup c;
	group_read(h, s->subject, s->before, &c);
	limit_read(h, &c, &c.memory, s);
	s->kernel_group = c.kernel;
	if (!c.memory.count && !c.memory.sight.hidden && !c.kernel.count)
		return;
	connection_memory_read(h, true, s);
}

static int64_t left(const struct settings *s) { return (int64_t)cgroup_left(&s->group); }

/* The smallest of several limits that suffices for all of the load suffices for a share of it. */
static void several_bound(const struct settings *s, struct bound *b)
{
	if (!s->group.several || report_verdict(b->capacity, bound_needed(b)) == VERDICT_OK)
		return;
	b->capacity = REPORT_NONE;
	b->state = BOUND_UNKNOWN;
}

/* Short is what is so with all of that reclaimed: if only without, it is not known. */
static void reclaimable_bound(const struct settings *s, struct bound *b)
{
	struct cgroup_limit least = s->group;
	if (!least.at[0].reclaimable || report_verdict(b->capacity, b->need.min) != VERDICT_SHORT)
		return;
	least.at[0].used -= least.at[0].reclaimable;
	b->capacity = (int64_t)cgroup_left(&least);
	if (report_verdict(b->capacity, b->need.min) == VERDICT_SHORT)
		return;
	b->capacity = REPORT_NONE;
	b->state = BOUND_UNKNOWN;
}

static void limit_bound(const struct target *target, const struct settings *s, struct bound *b)
{
	limitless_bound(s, b);
	if (!s->group.count && !s->group.sight.hidden)
		return;
	connection_memory_bound(target, s, b);
	if (!s->group.count)
		return;
	b->capacity = left(s);
	b->unread = unread_of(&s->group.sight);
	reclaimable_bound(s, b);
	several_bound(s, b);
}

/* The same of the limit on kernel memory alone. */
static struct settings kernel_settings(const struct settings *s)
{
	struct settings k = *s;
	k.group = s->kernel_group;
	k.taken.kernel_only = true;
	return k;
}

static enum wall_verdict verdict_of_limit(const struct target *target, const struct settings *s,
					  struct bound *b)
{
	limit_bound(target, s, b);
	if (b->state == BOUND_UNKNOWN || b->state == BOUND_ABSENT)
		return VERDICT_UNKNOWN;
	return report_verdict(b->capacity, b->need.min);
}

/* Whether that is short where the other limit is not, or is the only one. `b`: its bound. */
static bool kernel_binds(const struct target *target, const struct settings *s, struct bound *b)
{
	struct bound other = *b;
	const struct settings kernel = kernel_settings(s);
	if (!s->kernel_group.count)
		return false;
	bool is_short = verdict_of_limit(target, &kernel, b) == VERDICT_SHORT;
	if (!s->group.count && !s->group.sight.hidden)
		return true;
	return is_short && verdict_of_limit(target, s, &other) != VERDICT_SHORT;
}

static void memory_bound(const struct target *target, const struct settings *s, struct bound *b)
{
	struct bound kernel = *b;
	if (kernel_binds(target, s, &kernel))
		*b = kernel;
	else
		limit_bound(target, s, b);
}

static uint64_t mib(uint64_t bytes) { return (bytes + (1 << 20) - 1) >> 20; }

/* In a cgroup namespace the path does not name what made the group. */
static const struct container_row *engine_of(const char *path,
					     const struct container_row *container)
{
	/* A service has the limit of its systemd, also below the group of a container. */
	const char *last = basename(path);
	const struct container_row *row = container_row_find(unit_service(last)[0] ? last : path);
	return row->unnamed && container ? container : row;
}

/* The last part of the path is the group that has the limit: a unit of systemd. */
static void line_word(struct wording *w, const char *line, const char *path)
{
	char text[WORDING_TEXT];
	unit_words(w, basename(path), unit_manager(path));
	wording_fill(w, line, text, sizeof(text));
	wording_set(w, "line", "%s", text);
}

/* Names the limit, for the lines of engines too. */
static void file_words(struct wording *w, enum cgroup_file file, const char *path)
{
	wording_set(w, "file", "%s", cgroup_file_name(file));
	wording_flag(w, "high", file == CGROUP_MEMORY_HIGH);
	wording_flag(w, "v1", file == CGROUP_MEMORY_LIMIT);
	wording_set(w, "path", "%s", path);
	wording_flag(w, "root", !strcmp(path, "/"));
}

/* The line that makes a limit `enough`; 0: for comparison. */
static void raise_line(const struct cgroup_bound *l, const char *line, uint64_t enough, char *text,
		       size_t size)
{
	struct wording own = {0};
	file_words(&own, l->file, l->path);
	wording_set(&own, "mib", "%s", quantity_plain(mib(enough)).text);
	/* As docker run makes it: a swap limit that stays below the new memory limit is refused. */
	wording_set(&own, "swap", "%s", quantity_plain(2 * mib(enough)).text);
	wording_set(&own, "bytes", "%s", quantity_plain(mib(enough) << 20).text);
	wording_set(&own, "tasks", "%s", quantity_plain(enough).text);
	line_word(&own, line, l->path);
	snprintf(text, size, "%s", wording_get(&own, "line"));
}

/* What one setting raises: the limit of a container, and with it that of its pod, which is the sum
 * of its containers' (Kubernetes), or the same number twice. */
struct raise {
	const struct cgroup_bound *of; /* of the group below the others */
	const char *line;
	char key[WORDING_TEXT]; /* the line, without a number */
	uint64_t lacks;         /* the largest lack of these limits */
	bool binds;
};

static void raise_add(struct raise all[CGROUP_BOUNDS], size_t *count, struct raise one)
{
	size_t i = 0;
	raise_line(one.of, one.line, 0, one.key, sizeof(one.key));
	while (i < *count && strcmp(all[i].key, one.key) != 0)
		i++;
	if (i == *count) {
		all[(*count)++] = one;
		return;
	}
	if (strlen(one.of->path) > strlen(all[i].of->path))
		all[i].of = one.of;
	if (one.lacks > all[i].lacks)
		all[i].lacks = one.lacks;
	all[i].binds |= one.binds;
}

/* What raises the limit, and those that would leave less than `room` then. */
static void limits_words(const struct settings *s, uint64_t room,
			 const char *(*line_of)(const struct container_row *), struct wording *w)
{
	struct raise raises[CGROUP_BOUNDS];
	size_t count = 0;
	char lines[WORDING_TEXT] = "", further[WORDING_TEXT] = "", line[WORDING_TEXT];
	for (size_t i = 0; i < s->group.count; i++) {
		const struct cgroup_bound *l = &s->group.at[i];
		const struct container_row *engine = engine_of(l->path, s->machine.container);
		/* No further one is accused for what the kernel may be able to reclaim. */
		uint64_t used = i ? l->used - l->reclaimable : l->used;
		uint64_t enough = saturated_sum(used, room);
		bool binds = !i || l->max < enough;
		raise_add(raises, &count,
			  (struct raise){.of = l,
					 .line = line_of(engine),
					 .lacks = enough > l->max ? enough - l->max : 0,
					 .binds = binds});
		if (i && binds)
			report_append(further, "%s%s of %s", further[0] ? ", then " : "",
				      cgroup_file_name(l->file), l->path);
		if (!i)
			wording_set(w, "engine", "%s", engine->name);
	}
	for (size_t i = 0; i < count; i++) {
		uint64_t enough = saturated_sum(raises[i].of->max, raises[i].lacks);
		if (!raises[i].binds)
			continue;
		raise_line(raises[i].of, raises[i].line, enough, line, sizeof(line));
		report_append(lines, "%s%s", i ? ", and " : "", line);
		if (!i)
			wording_set(w, "enough", "%s", quantity_plain(enough).text);
	}
	wording_set(w, "line", "%s", lines);
	wording_set(w, "further", "%s", further);
}

static const char *memory_line(const struct container_row *engine) { return engine->memory; }

static const char *pids_line(const struct container_row *engine) { return engine->pids; }

static const char *kernel_line(const struct container_row *engine)
{
	return engine->kernel ? engine->kernel : "write {bytes} to {file} of {path}";
}

static void memory_words(const struct target *target, const struct settings *all,
			 const struct outcome *o, const struct bound *b, struct wording *w)
{
	struct bound scratch = {.capacity = REPORT_NONE,
				.need = {.min = REPORT_NONE, .max = REPORT_NONE}};
	const struct settings kernel = kernel_settings(all);
	const struct settings *s = kernel_binds(target, all, &scratch) ? &kernel : all;
	const struct cgroup_bound *l = cgroup_bound_at(&s->group, 0);
	if (!s->group.count) {
		hidden_words(&s->group.sight, w);
		return;
	}
	wording_flag(w, "several", s->group.several && b->state == BOUND_UNKNOWN);
	wording_flag(w, "unshown", !s->group.several && b->state == BOUND_UNKNOWN);
	wording_set(w, "reclaimable", "%s",
		    l->reclaimable ? quantity_show(QUANTITY_SIZE, l->reclaimable).text : "");
	file_words(w, l->file, l->path);
	wording_set(w, "max", "%s", quantity_show(QUANTITY_SIZE, l->max).text);
	wording_set(w, "used", "%s", quantity_show(QUANTITY_SIZE, l->used).text);
	connection_memory_words(target, s, w);
	wording_flag(w, "kmem", s == &kernel);
	limits_words(s, connection_memory_enough(target, s, left(s)),
		     s == &kernel ? kernel_line : memory_line, w);
}

/* Whether its connections have processes or threads of this group. */
static bool starts(const struct settings *s)
{
	const struct server_row *row = subject_row(s->subject);
	return tasks_each(s->subject) && !(row && row->sessions);
}

static void pids_read(const struct host *h, struct settings *s)
{
	struct cgroup c;
	group_read(h, s->subject, s->before, &c);
	limit_read(h, &c, &c.pids, s);
	if (starts(s))
		tasks_read(h, s);
}

/* Only a server that starts one for each connection needs processes. */
static void pids_bound(const struct target *target, const struct settings *s, struct bound *b)
{
	limitless_bound(s, b);
	if (s->group.count)
		b->capacity = left(s);
	if (!starts(s))
		return;
	tasks_need(target, s, b);
	if (b->need.min == REPORT_NONE)
		return;
	b->unread = unread_of(&s->group.sight);
	several_bound(s, b);
}

static void pids_words(const struct target *target, const struct settings *s,
		       const struct outcome *o, const struct bound *b, struct wording *w)
{
	const struct cgroup_bound *l = cgroup_bound_at(&s->group, 0);
	if (!s->group.count) {
		hidden_words(&s->group.sight, w);
		return;
	}
	uint64_t needed = connection_needed(target->connections, s->taken.open, 1);
	wording_flag(w, "several", b->state == BOUND_UNKNOWN);
	wording_set(w, "path", "%s", l->path);
	wording_set(w, "max", "%s", quantity_count(l->max).text);
	wording_set(w, "used", "%s", quantity_count(l->used).text);
	if (starts(s))
		tasks_words(target, s, w);
	limits_words(s, report_margin(needed), pids_line, w);
}

static const struct experiment experiments[] = {
	{
		.wall = "cgroup.memory",
		.knobs = {"memory.max"}, /* in settings.group */
		.read = memory_read,
		.bound = memory_bound,
		.words = memory_words,
	},
	{
		.wall = "cgroup.pids",
		.knobs = {"pids.max"},
		.read = pids_read,
		.bound = pids_bound,
		.words = pids_words,
	},
	{0},
};

/* Later than its pod by so much, in clock ticks (a minute of USER_HZ), a server was started again:
 * containers of a pod start one after the other. */
#define AGAIN_TICKS 6000

struct sample {
	struct cgroup group;
	bool again;      /* the server in question was started later than its pod */
	double age_s;    /* of it; 0: unknown */
	char asleep[64]; /* one of its processes that sleeps above memory.high; "": none does */
	/* Of its quotas, those that epolltune uses too. */
	bool ours[CGROUP_QUOTAS];
	uint64_t own_ns; /* CPU time of epolltune so far */
	uint64_t cpus;   /* online */
	bool shown;
	bool single; /* the server in question is one that makes no process for a connection */
	const struct container_row *container;
	int64_t machine_killed; /* host_oom_kills() */
	struct host_identity identity;
	double uptime_s;
};

static void ours_read(const struct host *h, struct sample *s)
{
	struct cgroup own;
	cgroup_read(h, 0, &own);
	for (size_t i = 0; i < s->group.quota_count; i++)
		s->ours[i] = cgroup_quota_find(&own, s->group.quotas[i].path);
}

/* Where the kernel stops a process that goes on taking memory above memory.high, after it has tried
 * to reclaim some: page cache does not come so far. */
static bool sleeps_above_high(const struct process *p)
{
	return strstr(p->waits_in, "mem_cgroup_handle_over_high");
}

/* A witness where memory pressure is not counted. */
static void asleep_read(const struct host *h, const struct subject *subject, struct sample *s)
{
	CLEAN(free_pointer) struct process *all = NULL;
	size_t count = 0;
	if (!subject || s->group.pressure.stalled_us >= 0 || !s->group.memory.count ||
	    subject_acceptors(h, subject, sleeps_above_high, &all, &count, NULL) || !count)
		return;
	snprintf(s->asleep, sizeof(s->asleep), "%s (pid %d)", all[0].name, (int)all[0].pid);
}

static void age_read(const struct subject *subject, struct sample *s)
{
	if (!subject || !subject->started)
		return;
	double age = s->uptime_s - (double)subject->started * 60 / AGAIN_TICKS;
	s->age_s = s->uptime_s > 0 && age > 0 ? age : 0;
	s->again = s->group.pod_started && subject->started > s->group.pod_started + AGAIN_TICKS;
}

static int sample_take(const struct host *h, const struct probe_options *o, struct sample *s,
		       struct err *e)
{
	struct host_facts facts;
	s->own_ns = own_time_ns(o->own);
	group_read(h, o->subject, o->before, &s->group);
	/* A capture has those of its server, in which what captured it did not run. */
	if (host_live(h) || !o->subject)
		ours_read(h, s);
	s->shown = is_shown(h, &s->group) && !s->group.cpu.hidden;
	s->single = o->subject && !subject_forks(o->subject);
	s->container = cgroup_container(h, o->subject ? o->subject->pid : 0);
	host_facts(h, &facts);
	s->machine_killed = host_oom_kills(h);
	if (o->since)
		host_identity(h, &s->identity, NULL);
	s->uptime_s = host_uptime(h);
	s->cpus = facts.cpus;
	asleep_read(h, o->subject, s);
	age_read(o->subject, s);
	return 0;
}

/* In how many of its periods the group was throttled: in the window, or since it was made. */
struct throttling {
	const struct cgroup_quota *of;
	uint64_t periods, throttled;
	uint64_t others; /* of the throttled ones, those that the check has not used up */
	bool watched;
	bool ours; /* the check runs in that group, too */
	/* CPU time of the group, 0: unknown, and of the check in it. */
	uint64_t used_us, own_us;
};

/* What so many throttled periods take at least. */
static uint64_t used_at_least(const struct cgroup_quota *q, uint64_t throttled)
{
	return throttled * (q->quota_us > 2 * SLICE_US ? q->quota_us - SLICE_US : q->quota_us / 2);
}

/* The check has its share of the throttled periods by that of the CPU time, where that of the group
 * is not counted of the least that it was. */
static uint64_t throttled_by_others(const struct throttling *t)
{
	uint64_t used = t->used_us ? t->used_us : used_at_least(t->of, t->throttled);
	double share = t->own_us < used ? 1 - (double)t->own_us / (double)used : 0;
	return t->own_us ? (uint64_t)lround((double)t->throttled * share) : t->throttled;
}

/* `before`: NULL without a window. A group that was made meanwhile has begun at 0. */
static struct throttling throttling_of(const struct sample *before, const struct sample *after,
				       const struct cgroup_quota *of)
{
	const struct cgroup_quota *was =
		before ? cgroup_quota_find(&before->group, of->path) : NULL;
	struct throttling t = {
		.of = of, .watched = before, .ours = after->ours[of - after->group.quotas]};
	if (was && (was->periods > of->periods || was->throttled > of->throttled))
		was = NULL;
	t.periods = of->periods - (was ? was->periods : 0);
	t.throttled = of->throttled - (was ? was->throttled : 0);
	if (of->used_us > (was ? was->used_us : 0))
		t.used_us = of->used_us - (was ? was->used_us : 0);
	if (before && t.ours)
		t.own_us = (after->own_ns - before->own_ns) / 1000;
	t.others = throttled_by_others(&t);
	return t;
}

static double share_of(uint64_t throttled, const struct throttling *t)
{
	return t->periods ? (double)throttled / (double)t->periods : 0;
}

/* In a window of a small quota the check's own reading may use up that of some periods, and has
 * begun in the first one before the window: one is excused. Without a window nothing is known of
 * now. */
static enum wall_verdict cpu_verdict(const struct throttling *t)
{
	bool excused = t->ours && t->others <= 1;
	return t->watched && !excused ? throttling_verdict(t->others, t->periods) : VERDICT_OK;
}

/* Goes on while the check uses much of a quota, which is used up. */
static bool is_disturbed(const struct throttling *t)
{
	return t->throttled &&
	       (double)t->own_us > OWN_MUCH * (double)(t->of->quota_us * t->periods);
}

static bool window_again(struct sample *before, const struct sample *after)
{
	bool disturbed = false;
	for (size_t i = 0; i < after->group.quota_count && !disturbed; i++) {
		struct throttling t = throttling_of(before, after, &after->group.quotas[i]);
		disturbed = is_disturbed(&t);
	}
	if (!before || !disturbed)
		return false;
	memcpy(before->group.quotas, after->group.quotas, sizeof(before->group.quotas));
	before->group.quota_count = after->group.quota_count;
	before->own_ns = after->own_ns;
	return true;
}

/* Of the quota that stops it in the largest share of its periods; where none does, of the tightest.
 */
static struct throttling throttling_worst(const struct sample *before, const struct sample *after)
{
	struct throttling worst = throttling_of(before, after, cgroup_tightest(&after->group));
	for (size_t i = 0; i < after->group.quota_count; i++) {
		struct throttling t = throttling_of(before, after, &after->group.quotas[i]);
		if (verdict_asks(cpu_verdict(&t)) &&
		    (!verdict_asks(cpu_verdict(&worst)) ||
		     share_of(t.others, &t) > share_of(worst.others, &worst)))
			worst = t;
	}
	return worst;
}

static void cpu_words(const struct sample *s, const struct throttling *t, uint64_t pause_us,
		      struct wording *w)
{
	const struct cgroup_quota *q = t->of;
	const struct container_row *engine = engine_of(q->path, s->container);
	wording_set(w, "path", "%s", q->path);
	wording_set(w, "quota", "%s", quantity_show(QUANTITY_DURATION, q->quota_us).text);
	wording_set(w, "period", "%s", quantity_show(QUANTITY_DURATION, q->period_us).text);
	wording_set(w, "share", "%.0f", share_of(t->throttled, t) * 100);
	wording_set(w, "throttled", "%s", quantity_count(t->throttled).text);
	wording_set(w, "periods", "%s", quantity_count(t->periods).text);
	wording_flag(w, "watched", t->watched);
	wording_flag(w, "ran", t->periods);
	wording_set(w, "pause", "%s", quantity_show(QUANTITY_DURATION, pause_us).text);
	wording_set(w, "engine", "%s", engine->name);
	wording_set(w, "own", "%s",
		    t->throttled && t->own_us ? quantity_measured(QUANTITY_DURATION, t->own_us).text
					      : "");
	wording_flag(w, "shared", q->shared);
	line_word(w, engine->cpu, q->path);
}

/* The wall is the share of time that the quota leaves, in percent, and a window shows the loss. */
static void judge_cpu(const struct sample *before, const struct sample *after, bool watched,
		      struct report *r)
{
	const struct cgroup *c = &after->group;
	struct wording words = {0};
	struct wall *w = report_wall(r, "cgroup.cpu");
	if (!c->quota_count) {
		w->verdict = after->shown ? VERDICT_NA : VERDICT_UNKNOWN;
		hidden_words(&c->cpu, &words);
		if (after->shown)
			report_text(w->detail, "%s",
				    c->cpu.above ? container_above
						 : wall_row_find("cgroup.cpu")->absent);
		else
			wall_fill(w, &words);
		return;
	}
	struct throttling t = throttling_worst(watched ? before : NULL, after);
	uint64_t pause = cgroup_pause_us(c, t.of, after->cpus);
	cpu_words(after, &t, pause, &words);
	w->limit = (int64_t)(t.of->quota_us * 100 / t.of->period_us);
	w->verdict = cpu_verdict(&t);
	wall_fill(w, &words);
	if (w->verdict == VERDICT_OK && !after->shown) {
		w->verdict = VERDICT_UNKNOWN;
		report_append(w->detail, " Other quotas could not be read.");
	}
	if (!verdict_asks(w->verdict))
		return;
	struct finding *f = report_finding(
		r, w->verdict == VERDICT_SHORT ? "cgroup.cpu.short" : "cgroup.cpu.tight", &words);
	finding_evidence(f, "periods throttled", "", (double)t.throttled, NAN);
	finding_evidence(f, "periods", "", (double)t.periods, NAN);
	finding_evidence(f, "pause", "us", (double)pause, NAN);
}

/* The check has made the pause the target's stall. */
static void judge_pause(const struct sample *s, uint64_t pause_us, struct report *r)
{
	struct wording words = {0};
	uint64_t pause;
	if (!pause_us || !s->group.quota_count)
		return;
	const struct cgroup_quota *paused = cgroup_paused(&s->group, s->cpus, &pause);
	struct throttling t = throttling_of(NULL, s, paused ? paused : cgroup_tightest(&s->group));
	cpu_words(s, &t, pause_us, &words);
	report_finding(r, "cgroup.cpu.pause", &words);
}

static bool is_near(const struct cgroup_limit *l)
{
	if (!l->count)
		return false;
	int64_t max = saturated(l->at[0].max), left = saturated(cgroup_left(l));
	return wall_is_near("cgroup.pids", max - left, max);
}

/* Whether the server is the one process of its group, which was not seen to make another. */
static bool is_single(const struct sample *before, const struct sample *after)
{
	return after->single && before->group.pids.at[0].used == 1 &&
	       after->group.pids.at[0].used == 1 && !after->group.pids_refused;
}

static void group_words(const struct sample *s, struct wording *w)
{
	const struct cgroup_bound *l = cgroup_bound_at(&s->group.pids, 0);
	const char *path = l->path[0] ? l->path : s->group.path;
	const struct container_row *engine = engine_of(path, s->container);
	bool limited = l->max != HOST_UNLIMITED;
	wording_set(w, "path", "%s", path);
	wording_set(w, "used", "%s", limited ? quantity_count(l->used).text : "");
	wording_set(w, "max", "%s", limited ? quantity_count(l->max).text : "");
	wording_set(w, "engine", "%s", engine->name);
	line_word(w, engine->pids, path);
}

/* Of the server in question what is refused now is critical; of another group, as of a listener
 * that is not named, a warning. */
static void judge_refused(const struct sample *before, const struct sample *after, double seconds,
			  bool named, struct report *r)
{
	uint64_t refused = after->group.pids_refused - before->group.pids_refused;
	struct wording words = {0};
	group_words(after, &words);
	wording_set(&words, "refused", "%s", quantity_count(refused).text);
	wording_set(&words, "window", "%s",
		    quantity_show(QUANTITY_DURATION, (uint64_t)(seconds * 1e6)).text);
	struct finding *f = report_finding(r, "cgroup.pids.refused", &words);
	if (named)
		f->level = LEVEL_CRITICAL;
	finding_evidence(f, "max of pids.events", "", (double)before->group.pids_refused,
			 (double)after->group.pids_refused);
}

static void judge_pids(const struct sample *before, const struct sample *after,
		       const struct moment *m, struct report *r)
{
	struct wording words = {0};
	if (m->seconds > 0 && after->group.pids_refused > before->group.pids_refused) {
		judge_refused(before, after, m->seconds, m->options->subject, r);
		return;
	}
	if (!is_near(&after->group.pids))
		return;
	group_words(after, &words);
	struct finding *f = report_finding(r, "cgroup.pids.near", &words);
	if (is_single(before, after))
		f->level = LEVEL_NOTE;
	finding_evidence(f, "pids.current", "", (double)after->group.pids.at[0].used, NAN);
}

/* The tightest limit at which the kernel kills. */
static const struct cgroup_bound *killing_limit(const struct cgroup_limit *l)
{
	size_t i = 0;
	while (cgroup_bound_at(l, i)->file == CGROUP_MEMORY_HIGH)
		i++;
	return cgroup_bound_at(l, i);
}

/* `count`: of events at the limit; `seconds`: 0: since the group was made. */
static void pressure_words(const struct sample *s, const struct cgroup_bound *l, uint64_t count,
			   double seconds, struct wording *w)
{
	const char *path = l->path[0] ? l->path : s->group.path;
	const struct container_row *engine = engine_of(path, s->container);
	wording_set(w, "count", "%s", quantity_count(count).text);
	wording_flag(w, "several", count > 1);
	wording_set(w, "window", "%s", seconds > 0 ? quantity_seconds(seconds).text : "");
	wording_set(w, "engine", "%s", engine->name);
	/* How much suffices does not show. */
	wording_set(w, "mib", "N");
	wording_set(w, "swap", "2N");
	wording_set(w, "bytes", "a larger number");
	file_words(w, l->file, path);
	if (l->file != CGROUP_NONE)
		line_word(w, engine->memory, path);
	wording_set(w, "path", "%s", s->group.path);
}

/* Events of the window; those of a group that was made meanwhile are not of it. */
static uint64_t grown(uint64_t before, uint64_t after)
{
	return after > before ? after - before : 0;
}

static void judge_killed(const struct cgroup_pressure *before, const struct sample *after,
			 const struct moment *m, struct report *r)
{
	const struct cgroup_pressure *p = &after->group.pressure;
	uint64_t now = m->seconds > 0 ? grown(before->killed, p->killed) : 0;
	const struct cgroup_bound *limit = killing_limit(&after->group.memory);
	struct wording words = {0};
	bool named = m->options->subject;
	if (!p->killed)
		return;
	pressure_words(after, limit, now ? now : p->killed, now ? m->seconds : 0, &words);
	wording_flag(&words, "limit", now ? grown(before->exhausted, p->exhausted) : p->exhausted);
	struct finding *f = report_finding(r, "cgroup.memory.killed", &words);
	if (named && now)
		f->level = LEVEL_CRITICAL;
	if (!named && !now)
		finding_to_note(f);
	finding_evidence(f, "oom_kill of memory.events", "", (double)(p->killed - now),
			 (double)p->killed);
}

/* A container that was killed and restarted seems to have memory left. */
static void judge_pod(const struct sample *before, const struct sample *after,
		      const struct moment *m, struct report *r)
{
	uint64_t killed = after->group.pod_killed;
	uint64_t now = m->seconds > 0 ? grown(before->group.pod_killed, killed) : 0;
	const struct cgroup_bound *limit = killing_limit(&after->group.memory);
	struct wording words = {0};
	if (!killed)
		return;
	bool again = m->options->subject && after->again;
	pressure_words(after, limit, now ? now : killed, now ? m->seconds : 0, &words);
	wording_set(&words, "again", "%s", again ? m->options->subject->name : "");
	wording_set(&words, "age", "%s",
		    after->age_s > 0 ? quantity_ago(after->age_s).text : "later");
	struct finding *f = report_finding(r, "cgroup.memory.pod-killed", &words);
	/* Its count never falls: of a container that has ended, or of days ago. That the server
	 * started later than its pod is no sign: images are pulled and others run before it. */
	if (!m->options->subject || !now)
		finding_to_note(f);
	finding_evidence(f, "oom_kill of the pod", "", (double)(killed - now), (double)killed);
}

/* Those of the group and its pod have findings of their own. */
static uint64_t killed_elsewhere(const struct sample *s)
{
	uint64_t known = s->group.pressure.killed + s->group.pod_killed;
	return s->machine_killed < 0 ? 0 : grown(known, (uint64_t)s->machine_killed);
}

/* Those since an earlier report, at least: what the group and its pod have counted may be among
 * them. Sets the words of that time. */
static uint64_t killed_since(const struct sample *s, const struct moment *m, struct timespec now,
			     struct wording *words)
{
	struct host_counters counters = {
		.count = 1, .at = {{.name = COUNTER_OOM_KILLS, .value = s->machine_killed}}};
	if (!m->options->since || s->machine_killed < 0)
		return 0;
	const struct since since = since_make(m->options, &s->identity, &counters);
	int64_t all = since_growth(&since, COUNTER_OOM_KILLS);
	uint64_t known = s->group.pressure.killed + s->group.pod_killed;
	uint64_t killed = all > 0 ? grown(known, (uint64_t)all) : 0;
	if (killed)
		since_words(&since, since_reset(&since, COUNTER_OOM_KILLS), now, words);
	return killed;
}

/* What systemd or an engine restarts has a new group, which does not count the kill; nor does one
 * count that of another. */
static void judge_machine_killed(const struct sample *before, const struct sample *after,
				 const struct moment *m, struct report *r)
{
	const struct subject *subject = m->options->subject;
	uint64_t all = killed_elsewhere(after), was = killed_elsewhere(before);
	uint64_t now = m->seconds > 0 && before->machine_killed >= 0 ? grown(was, all) : 0;
	struct wording words = {0};
	if (after->machine_killed >= 0)
		report_counter(r, COUNTER_OOM_KILLS, after->machine_killed);
	if (!all)
		return;
	uint64_t since = killed_since(after, m, r->time, &words);
	uint64_t count = since ? since : now ? now : all;
	wording_set(&words, "count", "%s", quantity_count(count).text);
	wording_flag(&words, "several", count > 1);
	wording_set(&words, "window", "%s", now && !since ? quantity_seconds(m->seconds).text : "");
	wording_set(&words, "who", "%s", subject ? subject->name : "");
	wording_set(&words, "age", "%s",
		    after->uptime_s > 0 ? quantity_ago(after->uptime_s).text : "");
	unit_words(&words, subject ? unit_service(subject->unit) : "",
		   subject ? subject->manager : UNIT_SYSTEM);
	wording_flag(&words, "engine", after->container);
	struct finding *f = report_finding(r, "container.killed", &words);
	/* One of the window in the server's own group counts there; an earlier one may have ended
	 * the server, and its group. */
	if (!since && (!now || subject))
		finding_to_note(f);
	finding_evidence(f, "oom_kill of /proc/vmstat", "",
			 (double)after->machine_killed - (double)(since ? since : now),
			 (double)after->machine_killed);
}

/* A limit is reached all the time where files fill the page cache: how long processes wait for
 * memory is what counts. */
static void judge_reclaim(const struct sample *was, const struct sample *after,
			  const struct moment *m, struct report *r)
{
	const struct cgroup_pressure *before = &was->group.pressure;
	const struct cgroup_pressure *p = &after->group.pressure;
	uint64_t reached = grown(before->reached, p->reached);
	bool known = before->stalled_us >= 0 && p->stalled_us >= before->stalled_us;
	const struct cgroup_bound *limit = cgroup_bound_at(&after->group.memory, 0);
	struct wording words = {0};
	/* One that sleeps all the time does not reach it again. */
	bool asleep = !known && was->asleep[0] && after->asleep[0];
	if (m->seconds <= 0 || (!reached && !asleep))
		return;
	double share =
		known ? fmin(1, (double)(p->stalled_us - before->stalled_us) / 1e6 / m->seconds)
		      : NAN;
	if (share < STALLED_SHARE)
		return;
	pressure_words(after, limit, reached, m->seconds, &words);
	if (known)
		wording_set(&words, "share", "%.0f", share * 100);
	wording_set(&words, "asleep", "%s", asleep ? after->asleep : "");
	struct finding *f = report_finding(r, "cgroup.memory.reclaim", &words);
	if (!known && !asleep)
		finding_to_note(f);
	finding_evidence(f, "times at a memory limit", "", (double)before->reached,
			 (double)p->reached);
}

/* Where reclaim finds little to free, the kernel holds the group's sockets back for a second
 * (mm/vmpressure.c, vmpressure()): page cache that only fills a limit does not come so far. What is
 * counted are tests of that state, so a number shows no more than that it is. Where no limit was
 * reached it was the machine's memory, or that of a group that is not visible. */
static void judge_sockets(const struct sample *was, const struct sample *after,
			  const struct moment *m, struct report *r)
{
	uint64_t throttled = grown(was->group.sockets_throttled, after->group.sockets_throttled);
	uint64_t reached = grown(was->group.pressure.reached, after->group.pressure.reached);
	struct wording words = {0};
	if (m->seconds <= 0 || !throttled)
		return;
	pressure_words(after, cgroup_bound_at(&after->group.memory, 0), throttled, m->seconds,
		       &words);
	wording_set(&words, "reached", "%s", reached ? quantity_count(reached).text : "");
	wording_flag(&words, "repeated", reached > 1);
	struct finding *f = report_finding(r, "cgroup.memory.sockets", &words);
	/* Of another group, or of one that is not named, sockets of the check may be among them. */
	if (!m->options->subject || !reached)
		finding_to_note(f);
	finding_evidence(f, "sock_throttled of memory.events", "",
			 (double)was->group.sockets_throttled,
			 (double)after->group.sockets_throttled);
}

static void observation_judge(const struct sample *before, const struct sample *after,
			      const struct moment *m, struct report *r)
{
	judge_cpu(before, after, m->seconds > 0, r);
	judge_pause(after, m->options->pause_us, r);
	judge_pids(before, after, m, r);
	judge_killed(&before->group.pressure, after, m, r);
	judge_pod(before, after, m, r);
	judge_machine_killed(before, after, m, r);
	judge_reclaim(before, after, m, r);
	judge_sockets(before, after, m, r);
}

static const char *const walls[] = {"cgroup.cpu", NULL};

static const struct observation observation = {
	.walls = walls,
	.size = sizeof(struct sample),
	.window = true,
	.sample = sample_take,
	.again = window_again,
	.judge = observation_judge,
};

const struct probe probe_container = {
	.name = "container",
	.summary = "the control group's limits on memory, CPU time and processes",
	.mode = PROBE_FIRST,
	.place = PROBE_HOST,
	.experiments = experiments,
	.observation = &observation,
};
