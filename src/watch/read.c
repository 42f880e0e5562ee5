#include "watch/read.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "check/check.h"
#include "epolltune/buffers.h"
#include "epolltune/cgroup.h"
#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/conntrack.h"
#include "epolltune/counters.h"
#include "epolltune/doing.h"
#include "epolltune/knob_value.h"
#include "epolltune/nic.h"
#include "epolltune/ports_udp.h"
#include "epolltune/ports_used.h"
#include "epolltune/quantity.h"
#include "epolltune/subject.h"
#include "epolltune/syn_queue.h"
#include "watch/group_losses.h"

/* After listeners have ended or begun, a hundredth of a CPU looks for those of the server that was
 * named. */
#define WATCHER_SEARCH 100

/* When to read next what takes long. */
struct pace {
	uint64_t due_ns, began_ns;
};

/* Those of sockets. */
struct cookies {
	uint64_t *at;
	size_t count;
};

struct watcher {
	struct host *host;
	const char *asked; /* NULL: no server was named */
	char waiting[sizeof(((struct watch_sample *)0)->waiting)];
	struct subject subject;
	uint64_t known; /* the sum of the cookies of all listeners when it was searched last */
	struct machine machine;
	struct host_facts facts;
	struct listeners listeners; /* of the last look */
	struct cookies seen;        /* of all listeners of the last look, also of other servers */
	struct cookies made;        /* since the look before it */
	struct process *sharers;    /* that accept from them, too */
	size_t sharer_count;
	struct host_counters counters, before; /* before: at the look before */
	int64_t syns_dropped;                  /* since the first look */
	struct watch_aborts aborts;            /* likewise */
	int64_t conntrack_drops;               /* of a full table, likewise */
	struct conntrack conntrack;            /* at the last look */
	struct softnet_follow softnet;
	size_t group_count;
	bool groups_new; /* they were read at this look */
	struct cgroup *groups;
	struct group_losses group_losses;
	int64_t ports, ports_of; /* that connect() cannot take, where it can take fewest */
	char ports_what[80];
	int64_t udp, udp_of; /* ports of UDP */
	double at_s;         /* of the last whole look; 0: there was none */
	bool continues;      /* this look has one before it */
	struct {
		struct pace owners, sharing, processes, half_open, group, port;
	} due;
	struct pace again, ever; /* the search of the server: after a change, and without one */
};

static bool pace_due(struct pace *p)
{
	p->began_ns = clock_cpu_ns();
	return clock_ns() >= p->due_ns;
}

static void pace_end(struct pace *p, unsigned share)
{
	p->due_ns = clock_ns() + (clock_cpu_ns() - p->began_ns) * share;
}

#define ORPHANS "sockstat.TCP.orphan"
#define ORPHANS_MAX "net.ipv4.tcp_max_orphans"

static int64_t files_open(const struct watcher *w)
{
	struct host_files files;
	return host_files(w->host, &files, NULL) ? REPORT_NONE : saturated(files.allocated);
}

static int64_t conntrack_used(const struct watcher *w) { return w->conntrack.used; }

/* Figures that are a counter or a file, as their limits are. */
static const struct single {
	const char *wall, *what;
	const char *counter;                      /* of host_counters(); NULL: read() has it */
	int64_t (*read)(const struct watcher *w); /* REPORT_NONE: it cannot be read */
	const char *limit;                        /* a knob */
	const char *lost;                         /* a counter; NULL: none */
	unsigned field;                           /* of `limit` */
	bool pages;   /* of TCP memory: aborts for that are losses, too */
	bool shares;  /* `lost` with TCP memory: only the aborts for orphans are its own */
	bool clashes; /* are in `lost`, too: only what a full table drops counts */
} singles[] = {
	{.wall = "time-wait",
	 .what = "TIME_WAIT",
	 .counter = "sockstat.TCP.tw",
	 .limit = "net.ipv4.tcp_max_tw_buckets",
	 .lost = COUNTER_TIME_WAIT_OVERFLOWS},
	{.wall = "orphans",
	 .what = "orphans",
	 .counter = ORPHANS,
	 .limit = ORPHANS_MAX,
	 .lost = COUNTER_ABORTS_ON_MEMORY,
	 .shares = true},
	{.wall = "buffers.memory",
	 .what = "TCP memory",
	 .counter = "sockstat.TCP.mem",
	 .limit = "net.ipv4.tcp_mem",
	 .lost = COUNTER_MEMORY_PRESSURES,
	 .field = 2,
	 .pages = true},
	{.wall = "descriptors.system",
	 .what = "open files",
	 .read = files_open,
	 .limit = "fs.file-max"},
	{.wall = "conntrack",
	 .what = "conntrack",
	 .read = conntrack_used,
	 .limit = "net.netfilter.nf_conntrack_max",
	 .lost = COUNTER_CONNTRACK_DROPS,
	 .clashes = true},
};

/* The field of a knob, counted from 0; REPORT_NONE: it cannot be read. */
static int64_t field_read(const struct host *h, const char *knob, unsigned field)
{
	char text[KNOB_VALUE];
	int64_t value;
	bool known = !knob_read(knob_find(knob), h, text, NULL) &&
		     !knob_field(text, field, &value) && value >= 0;
	return known ? value : REPORT_NONE;
}

static int64_t counter_read(const struct watcher *w, const char *name)
{
	int64_t value = name ? host_counter(&w->counters, name) : -1;
	return value < 0 ? REPORT_NONE : value;
}

static int64_t scaled(int64_t value, int64_t factor)
{
	int64_t product;
	if (value == REPORT_NONE || factor <= 0 || __builtin_mul_overflow(value, factor, &product))
		return REPORT_NONE;
	return product;
}

/* By the orphans at both looks: most may have been reset by the second. */
static void aborts_follow(struct watcher *w)
{
	int64_t was = host_counter(&w->before, ORPHANS), is = host_counter(&w->counters, ORPHANS);
	watch_aborts_add(&w->aborts,
			 host_counter_delta(&w->before, &w->counters, COUNTER_ABORTS_ON_MEMORY),
			 was > is ? was : is, field_read(w->host, ORPHANS_MAX, 0));
}

static void conntrack_follow(struct watcher *w)
{
	int64_t was = w->conntrack.used;
	conntrack_read(w->host, &w->conntrack);
	int64_t is = w->conntrack.used;
	int64_t dropped = conntrack_dropped(
		host_counter_delta(&w->before, &w->counters, COUNTER_CONNTRACK_DROPS),
		host_counter_delta(&w->before, &w->counters, COUNTER_CONNTRACK_CLASHES),
		was > is ? was : is, w->conntrack.max);
	w->conntrack_drops += dropped > 0 ? dropped : 0;
}

static int64_t lost_of(const struct watcher *w, const struct single *s)
{
	int64_t lost = counter_read(w, s->lost);
	if (lost == REPORT_NONE || !s->lost)
		return REPORT_NONE;
	if (s->shares)
		return w->aborts.orphans;
	if (s->clashes)
		return w->conntrack_drops;
	return lost + (s->pages ? w->aborts.memory : 0);
}

/* What this machine or namespace does not have gets no row. */
static void singles_read(struct watcher *w, struct watch_sample *out)
{
	aborts_follow(w);
	conntrack_follow(w);
	for (size_t i = 0; i < sizeof(singles) / sizeof(*singles); i++) {
		const struct single *s = &singles[i];
		int64_t value = s->counter ? counter_read(w, s->counter) : s->read(w);
		if (value == REPORT_NONE)
			continue;
		struct watch_gauge *g = watch_gauge(out, s->wall);
		report_text(g->what, "%s", s->what);
		g->value = s->pages ? scaled(value, machine_quantum(&w->machine)) : value;
		g->limit = field_read(w->host, s->limit, s->field);
		if (s->pages)
			g->limit = scaled(g->limit, (int64_t)w->machine.page_bytes);
		g->lost = lost_of(w, s);
	}
}

static void softnet_gauges(struct watcher *w, struct watch_sample *out)
{
	CLEAN(softnet_freep) struct softnet s = {0};
	/* The same in every network namespace: its losses are not known to be those of this one. */
	if (w->machine.own_netns || softnet_read(w->host, &s, NULL))
		return;
	struct watch_gauge *backlog = watch_gauge(out, "softnet.backlog");
	struct watch_gauge *budget = watch_gauge(out, "softnet.budget");
	report_text(backlog->what, "softnet backlog");
	report_text(budget->what, "softnet rounds");
	const struct softnet_fill fill =
		softnet_fullest(&s, field_read(w->host, "net.core.netdev_max_backlog", 0));
	backlog->value = fill.packets;
	backlog->limit = fill.limit;
	if (fill.both)
		report_text(backlog->note, "with packets that are being processed");
	softnet_follow(&w->softnet, &s);
	backlog->lost = (int64_t)w->softnet.dropped;
	budget->lost = (int64_t)w->softnet.time_squeeze;
}

static void ports_take(struct watcher *w, const struct ports_used *u)
{
	struct ports_fullest f =
		ports_used_fullest(u, field_read(w->host, "net.ipv4.tcp_tw_reuse", 0),
				   field_read(w->host, "net.ipv4.tcp_timestamps", 0));
	w->ports = f.used;
	w->ports_of = u->available;
	if (f.to)
		report_text(w->ports_what, "ports %s %s", f.bound ? "from" : "to",
			    f.bound ? f.to->source : f.to->destination);
}

static void ports_read(struct watcher *w)
{
	struct ports_used u;
	struct ports_udp udp;
	w->ports = w->ports_of = w->udp = w->udp_of = REPORT_NONE;
	report_text(w->ports_what, "ports");
	if (!ports_used_read(w->host, NULL, &u, NULL) && u.available > 0)
		ports_take(w, &u);
	ports_used_free(&u);
	if (!ports_udp_read(w->host, &udp, NULL) && udp.available > 0) {
		w->udp = udp.all;
		w->udp_of = udp.available;
	}
}

static void ports_gauges(struct watcher *w, struct watch_sample *out)
{
	if (pace_due(&w->due.port)) {
		ports_read(w);
		pace_end(&w->due.port, WATCHER_SHARE);
	}
	struct watch_gauge *g = watch_gauge(out, "ports.ephemeral");
	report_text(g->what, "%s", w->ports_what);
	g->key = 1; /* the destination changes */
	g->value = w->ports;
	g->limit = w->ports_of;
	if (w->udp_of == REPORT_NONE)
		return;
	g = watch_gauge(out, "ports.ephemeral");
	report_text(g->what, "UDP ports");
	g->key = 2;
	g->value = w->udp;
	g->limit = w->udp_of;
}

static bool is_ours(const struct listener *l, void *arg)
{
	struct watcher *w = arg;
	return !w->asked || subject_has(&w->subject, l) || subject_receives(l, &w->subject);
}

static bool is_watched(const struct subject *s)
{
	return subject_listens(s, LISTENER_TCP) || subject_listens(s, LISTENER_UNIX);
}

static int subject_open(const char *server, struct host **host, struct subject *subject,
			char enter[REPORT_ENTER], struct err *e)
{
	const struct check_options o = {.server = server};
	int rc = check_open(&o, host, subject, enter, e);
	if (!rc && server && !is_watched(subject))
		rc = err_set(e, EOPNOTSUPP, "watch: %s has no TCP or UNIX listener", server);
	return rc;
}

static void facts_read(struct watcher *w)
{
	host_facts(w->host, &w->facts);
	machine_read(w->host, w->asked ? &w->subject : NULL, &w->machine);
}

/* This process is in another network namespace now: what was read is of the one that it left. */
static void namespace_begin(struct watcher *w)
{
	listeners_free(&w->listeners);
	memset(&w->listeners, 0, sizeof(w->listeners));
	w->seen.count = w->made.count = 0;
	w->sharer_count = w->group_count = 0;
	w->counters.count = 0;
	memset(&w->due, 0, sizeof(w->due));
	w->at_s = 0;
	facts_read(w);
}

/* True: in another network namespace, which this process has entered, as containers that restart
 * have a new one. */
static bool subject_again(struct watcher *w)
{
	const struct check_options o = {.server = w->asked};
	struct check_subject of = {.host = w->host, .subject = w->subject};
	struct err why = {0};
	int rc = check_again(&o, &of, &why);
	bool moved = of.moved;
	bool gone = rc == -ESRCH || rc == -ENOENT || rc == -EOPNOTSUPP;
	report_text(w->waiting, "%s", !rc || gone ? "" : why.text);
	w->host = of.host;
	w->subject = of.subject;
	if (moved)
		namespace_begin(w);
	return moved;
}

/* Whether all that the server has is there, and nothing began since it was searched. */
static bool is_settled(const struct watcher *w, const struct listeners *all, uint64_t sum)
{
	const struct listeners *own = &w->subject.listeners;
	for (size_t i = 0; i < own->count; i++) {
		const struct listener *l = &own->at[i];
		if ((l->kind == LISTENER_TCP || l->kind == LISTENER_UNIX) &&
		    !listeners_find(all, l->cookie))
			return false;
	}
	return sum == w->known;
}

/* A server that listens elsewhere after a restart is found again, and one that opens or closes
 * listeners has them. True as subject_again(). */
static bool subject_follow(struct watcher *w, const struct listeners *all)
{
	uint64_t sum = 0;
	if (!w->asked)
		return false;
	for (size_t i = 0; i < all->count; i++)
		sum += all->at[i].cookie;
	bool again = pace_due(&w->again), ever = pace_due(&w->ever);
	if (!ever && (!again || is_settled(w, all, sum)))
		return false;
	bool moved = subject_again(w);
	w->known = sum;
	pace_end(&w->again, WATCHER_SEARCH);
	pace_end(&w->ever, WATCHER_SHARE);
	return moved;
}

static void listeners_keep(struct watcher *w, struct listeners *l)
{
	size_t kept = 0;
	for (size_t i = 0; i < l->count; i++)
		if (is_ours(&l->at[i], w))
			l->at[kept++] = l->at[i];
	l->count = kept;
}

/* What the look before knew of listeners that are still there. */
static void listeners_inherit(struct listeners *now, struct listeners *before)
{
	now->processes = before->processes;
	now->process_count = before->process_count;
	before->processes = NULL;
	for (size_t i = 0; i < now->count; i++) {
		const struct listener *was =
			i < before->count && before->at[i].cookie == now->at[i].cookie
				? &before->at[i]
				: listeners_find(before, now->at[i].cookie);
		now->at[i].owner = was ? was->owner : -1;
		now->at[i].systemd = was && was->systemd;
		now->at[i].half_open = was ? was->half_open : 0;
	}
	now->counted = before->counted;
}

/* `place`: where it is searched first, and behind it: both lists have one order. */
static bool cookies_have(const struct cookies *c, uint64_t cookie, size_t *place)
{
	for (size_t i = 0; i < c->count; i++) {
		size_t at = (*place + i) % c->count;
		if (c->at[at] != cookie)
			continue;
		*place = at + 1;
		return true;
	}
	return false;
}

static void cookies_add(struct cookies *c, uint64_t cookie)
{
	uint64_t *at = array_add(&c->at, &c->count, sizeof(*at));
	if (at)
		*at = cookie;
}

/* Which were made since the last whole look; none at a first look. */
static void made_find(struct watcher *w, const struct listeners *now)
{
	struct cookies before = w->seen;
	size_t place = 0;
	w->seen = (struct cookies){0};
	for (size_t i = 0; i < now->count; i++) {
		uint64_t cookie = now->at[i].cookie;
		if (w->continues && !cookies_have(&before, cookie, &place))
			cookies_add(&w->made, cookie);
		cookies_add(&w->seen, cookie);
	}
	free(before.at);
}

static bool any(const struct listener *l, void *arg) { return l->owner < 0; }

/* False: some have none yet, and are not looked for in this look. */
static bool owners_find_new(struct watcher *w, struct listeners *l)
{
	bool unknown = false;
	for (size_t i = 0; i < l->count; i++)
		unknown |= l->at[i].owner < 0;
	if (!unknown)
		return true;
	if (!pace_due(&w->due.owners))
		return false;
	listeners_own(w->host, l, any, NULL, NULL);
	pace_end(&w->due.owners, WATCHER_SHARE);
	return true;
}

static bool process_again(const struct watcher *w, struct process *p)
{
	struct process now;
	bool there = !process_read(w->host, p->pid, &now, NULL) && process_same(&now, p);
	if (there)
		*p = now;
	return there;
}

/* Reads the state of the processes again. One that has exited, or has closed a listener, does not
 * own it: if it is still there, it is another's. */
static void processes_read(struct watcher *w, struct listeners *l)
{
	size_t kept = 0;
	if (!pace_due(&w->due.processes))
		return;
	for (size_t i = 0; i < l->process_count; i++) {
		bool there = process_again(w, &l->processes[i]);
		for (size_t k = 0; k < l->count && !there; k++)
			if (l->at[k].owner == (int)i)
				l->at[k].owner = -1;
		if (there)
			listeners_disown(w->host, l, (int)i);
	}
	for (size_t i = 0; i < w->sharer_count; i++)
		if (process_again(w, &w->sharers[i]))
			w->sharers[kept++] = w->sharers[i];
	w->sharer_count = kept;
	pace_end(&w->due.processes, WATCHER_SHARE);
}

static void sharers_find(struct watcher *w)
{
	if (!pace_due(&w->due.sharing))
		return;
	free(w->sharers);
	listeners_sharers(w->host, &w->listeners, &w->sharers, &w->sharer_count, NULL);
	pace_end(&w->due.sharing, WATCHER_SHARE);
}

/* 1: the server is in another network namespace, whose counters are to be read first. */
static int listeners_look(struct watcher *w, struct err *e)
{
	struct listeners now;
	int rc = listeners_read(w->host, &now, e);
	if (!rc)
		rc = subject_follow(w, &now);
	if (rc) {
		listeners_free(&now);
		return rc;
	}
	made_find(w, &now);
	listeners_keep(w, &now);
	listeners_inherit(&now, &w->listeners);
	listeners_free(&w->listeners);
	w->listeners = now;
	processes_read(w, &w->listeners);
	/* Who shares a listener is found by its owner: until that is known again, those that were
	 * found stay. */
	if (owners_find_new(w, &w->listeners))
		sharers_find(w);
	if (pace_due(&w->due.half_open)) {
		listeners_half_open(w->host, &w->listeners, NULL);
		pace_end(&w->due.half_open, WATCHER_SHARE);
	}
	return 0;
}

static void server_name(const struct watcher *w, const struct listener *l, const struct process *p,
			struct watch_gauge *g)
{
	if (w->asked && strlen(w->asked) < sizeof(g->server))
		report_text(g->server, "%s", w->asked);
	else if (p)
		report_text(g->server, "%d", (int)p->root);
	else if (l && l->port)
		report_text(g->server, ":%u", l->port);
}

/* "gunicorn" of "gunicorn: master". */
static int name_length(const struct process *p) { return (int)strcspn(p->name, ":"); }

/* Of the network namespace; REPORT_NONE: unknown. */
struct queue_knobs {
	int64_t somaxconn, max_syn, cookies;
};

static void listener_gauge(const struct watcher *w, const struct listener *l,
			   const struct queue_knobs *k, struct watch_sample *out)
{
	const struct process *p = l->owner < 0 ? NULL : &w->listeners.processes[l->owner];
	bool tcp = l->kind == LISTENER_TCP;
	size_t place = 0;
	struct watch_gauge *g = watch_gauge(out, tcp ? "accept-queue" : "accept-queue.unix");
	report_text(g->what, "%.*s%s%s", p ? name_length(p) : 0, p ? p->name : "", p ? " " : "",
		    l->address);
	g->key = l->cookie;
	g->value = l->depth;
	g->limit = l->limit;
	g->owner = somaxconn_binds(l->limit, k->somaxconn) ? REMEDY_KERNEL : REMEDY_APPLICATION;
	if (tcp)
		g->lost = l->drops;
	g->made = tcp && cookies_have(&w->made, l->cookie, &place);
	if (tcp && w->listeners.counted) {
		g->half_open = l->half_open;
		g->syn_room =
			syn_queue_room(l->limit, k->max_syn, k->cookies, w->machine.kernel).holds;
	}
	if (p && l->depth && process_accepts_not(p)) {
		g->stuck = true;
		report_text(g->note, "pid %d %s", (int)p->pid, doing_of(p).what);
	}
	server_name(w, l, p, g);
}

static bool owns(const struct watcher *w, size_t process)
{
	for (size_t i = 0; i < w->listeners.count; i++)
		if (w->listeners.at[i].owner == (int)process)
			return true;
	return false;
}

static void process_gauge(const struct watcher *w, const struct process *p, int64_t nr_open,
			  struct watch_sample *out)
{
	int64_t soft = p->soft < INT64_MAX ? (int64_t)p->soft : INT64_MAX;
	int64_t limit = host_nofile_bound(soft, nr_open);
	if (!limit || limit == INT64_MAX)
		return;
	struct watch_gauge *g = watch_gauge(out, "descriptors.process");
	report_text(g->what, "%.*s %d files", name_length(p), p->name, (int)p->pid);
	g->key = (uint64_t)p->pid << 40 ^ p->started;
	g->owner = limit < soft ? REMEDY_KERNEL : REMEDY_PROCESS;
	g->value = p->open ? (int64_t)p->open : REPORT_NONE;
	g->limit = limit;
	server_name(w, NULL, p, g);
}

/* Of all that accept, each once. */
static void process_gauges(const struct watcher *w, struct watch_sample *out)
{
	int64_t nr_open = field_read(w->host, "fs.nr_open", 0);
	const struct listeners *l = &w->listeners;
	for (size_t i = 0; i < l->process_count; i++)
		if (owns(w, i))
			process_gauge(w, &l->processes[i], nr_open, out);
	for (size_t i = 0; i < w->sharer_count; i++) {
		bool known = false;
		for (size_t k = 0; k < l->process_count && !known; k++)
			known = process_same(&l->processes[k], &w->sharers[i]) && owns(w, k);
		for (size_t k = 0; k < i && !known; k++)
			known = process_same(&w->sharers[k], &w->sharers[i]);
		if (!known)
			process_gauge(w, &w->sharers[i], nr_open, out);
	}
}

/* Whether a group without a limit on memory has lost processes. */
static bool is_killed(const struct watcher *w, const struct cgroup *c)
{
	return !c->memory.count &&
	       group_losses_of(&w->group_losses, group_memory_path(c), GROUP_MEMORY, NULL) > 0;
}

/* Whether it has rows: it has a limit, or has lost something. */
static bool is_shown(const struct watcher *w, const struct cgroup *c)
{
	return c->memory.count || c->tcp.count || c->pids.count || c->quota_count ||
	       is_killed(w, c);
}

static bool is_limited_as(const struct cgroup_limit *a, const struct cgroup_limit *b)
{
	return !strcmp(cgroup_bound_at(a, 0)->path, cgroup_bound_at(b, 0)->path);
}

/* Whether the rows of both are those of the same groups. */
static bool is_shown_as(const struct cgroup *a, const struct cgroup *b)
{
	if (strcmp(group_memory_path(a), group_memory_path(b)) != 0 ||
	    !is_limited_as(&a->tcp, &b->tcp) || !is_limited_as(&a->pids, &b->pids) ||
	    a->quota_count != b->quota_count)
		return false;
	for (size_t i = 0; i < a->quota_count; i++)
		if (strcmp(a->quotas[i].path, b->quotas[i].path) != 0)
			return false;
	return true;
}

static int group_add(struct watcher *w, const struct process *p, struct err *e)
{
	struct cgroup c;
	cgroup_read(w->host, p->pid, &c);
	if (group_losses_add(&w->group_losses, &c))
		return err_set(e, ENOMEM, "watch: out of memory");
	if (!is_shown(w, &c))
		return 0;
	for (size_t i = 0; i < w->group_count; i++)
		if (is_shown_as(&w->groups[i], &c))
			return 0;
	struct cgroup *kept = array_add(&w->groups, &w->group_count, sizeof(c));
	if (!kept)
		return err_set(e, ENOMEM, "watch: out of memory");
	*kept = c;
	return 0;
}

/* Those of the processes. */
static int groups_read(struct watcher *w, struct err *e)
{
	const struct listeners *l = &w->listeners;
	int rc = 0;
	w->groups_new = pace_due(&w->due.group);
	if (!w->groups_new)
		return 0;
	w->group_count = 0;
	group_losses_begin(&w->group_losses);
	for (size_t i = 0; i < l->process_count && !rc; i++) {
		bool seen = false;
		/* The names of other managers' units are not unique. */
		for (size_t k = 0; k < i && !seen; k++)
			seen = l->processes[i].unit[0] && l->processes[i].manager == UNIT_SYSTEM &&
			       l->processes[k].manager == UNIT_SYSTEM &&
			       !strcmp(l->processes[i].unit, l->processes[k].unit);
		if (!seen && owns(w, i))
			rc = group_add(w, &l->processes[i], e);
	}
	if (!rc)
		pace_end(&w->due.group, WATCHER_SHARE);
	return rc;
}

/* NULL: there is none, or it has a row: a limit of a group above several is theirs together. */
static struct watch_gauge *group_gauge(const char *wall, const char *of, const char *path,
				       uint64_t value, uint64_t limit, struct watch_sample *out)
{
	const char *name = strrchr(path, '/');
	const uint64_t key = group_key(path, of);
	if (limit > INT64_MAX || value > INT64_MAX || !*path)
		return NULL;
	for (size_t i = 0; i < out->count; i++)
		if (out->at[i].key == key && out->at[i].kind == watch_kind_find(wall))
			return NULL;
	struct watch_gauge *g = watch_gauge(out, wall);
	report_text(g->what, "%s %s", name && name[1] ? name + 1 : path, of);
	g->key = key;
	g->owner = REMEDY_CONTAINER;
	g->value = (int64_t)value;
	g->limit = (int64_t)limit;
	return g;
}

static void limit_gauge(const struct watcher *w, const char *wall, const char *of,
			const struct cgroup_limit *l, struct watch_sample *out)
{
	const struct cgroup_bound *b = cgroup_bound_at(l, 0);
	struct watch_gauge *g = group_gauge(wall, of, b->path, b->used, b->max, out);
	if (g)
		g->lost = group_losses_of(&w->group_losses, b->path, of, NULL);
}

/* The memory of the machine may be the limit of a group that has none. */
static void killed_gauge(const struct watcher *w, const struct cgroup *c, struct watch_sample *out)
{
	bool fresh;
	struct watch_gauge *g =
		is_killed(w, c) ? group_gauge("cgroup.memory", GROUP_MEMORY, c->path, 0, 0, out)
				: NULL;
	if (!g)
		return;
	g->value = g->limit = REPORT_NONE;
	g->lost = group_losses_of(&w->group_losses, c->path, GROUP_MEMORY, &fresh);
	g->made = w->groups_new && fresh;
}

static void group_gauges(const struct watcher *w, struct watch_sample *out)
{
	for (size_t i = 0; i < w->group_count; i++) {
		const struct cgroup *c = &w->groups[i];
		limit_gauge(w, "cgroup.memory", GROUP_MEMORY, &c->memory, out);
		killed_gauge(w, c, out);
		limit_gauge(w, "cgroup.memory", "TCP memory", &c->tcp, out);
		limit_gauge(w, "cgroup.pids", GROUP_PIDS, &c->pids, out);
		for (size_t k = 0; k < c->quota_count; k++) {
			const struct cgroup_quota *q = &c->quotas[k];
			struct watch_gauge *cpu = group_gauge("cgroup.cpu", "CPU", q->path,
							      q->throttled, q->periods, out);
			if (cpu && !w->groups_new)
				cpu->value = cpu->limit = REPORT_NONE;
		}
	}
}

static int64_t syns_dropped_read(struct watcher *w, int64_t cookies)
{
	struct syn_drops d = syn_drops_between(&w->before, &w->counters);
	w->syns_dropped += syn_drops_lost(&d, cookies);
	return host_counter(&w->counters, COUNTER_LISTEN_DROPS) < 0 ? REPORT_NONE : w->syns_dropped;
}

/* 1 as listeners_look(). */
/* Those that could never be read are left out: fails where they could at the look before. */
static int counters_take(struct watcher *w, struct err *e)
{
	w->before = w->counters;
	int rc = host_counters(w->host, &w->counters, e);
	if (rc && !w->before.count) {
		w->counters.count = 0;
		rc = 0;
	}
	if (!rc && w->before.count && w->counters.unread.code && !w->before.unread.code)
		rc = err_copy(e, &w->counters.unread);
	if (!rc)
		host_table_counters(w->host, "nf_conntrack", &w->counters);
	return rc;
}

static int sample_read(struct watcher *w, struct watch_sample *out, struct err *e)
{
	double now = clock_s();
	memcpy(out->host, w->facts.name, sizeof(out->host));
	report_text(out->server, "%s", w->asked ? w->asked : "");
	out->count = out->omitted = 0;
	clock_gettime(CLOCK_REALTIME, &out->time);
	/* As a recording has it, whose replay gives the same figures. */
	out->seconds = w->at_s > 0 ? round((now - w->at_s) * 1e6) / 1e6 : 0;
	w->continues = w->at_s > 0;
	const struct queue_knobs knobs = {
		.somaxconn = field_read(w->host, "net.core.somaxconn", 0),
		.max_syn = field_read(w->host, "net.ipv4.tcp_max_syn_backlog", 0),
		.cookies = field_read(w->host, "net.ipv4.tcp_syncookies", 0),
	};
	int rc = counters_take(w, e);
	for (size_t i = 0; i < WATCH_COUNTERS; i++)
		out->counters[i] = counter_read(w, watch_counter_names[i]);
	if (!rc)
		rc = listeners_look(w, e);
	if (!rc)
		rc = groups_read(w, e);
	/* The next look has the growth since the last whole one. */
	if (rc < 0)
		w->counters = w->before;
	if (rc)
		return rc;
	w->at_s = now;
	out->counters[WATCH_SYNS_DROPPED] = syns_dropped_read(w, knobs.cookies);
	report_text(out->waiting, "%s", w->waiting);
	/* Few, and they come first: listeners may be too many. */
	singles_read(w, out);
	softnet_gauges(w, out);
	ports_gauges(w, out);
	group_gauges(w, out);
	process_gauges(w, out);
	for (size_t i = 0; i < w->listeners.count; i++)
		listener_gauge(w, &w->listeners.at[i], &knobs, out);
	w->made.count = 0;
	return 0;
}

int watch_read(struct watcher *w, struct watch_sample *out, struct err *e)
{
	int rc;
	do
		rc = sample_read(w, out, e);
	while (rc > 0);
	return rc;
}

int watcher_open(struct watcher **out, const char *server, struct err *e)
{
	char enter[REPORT_ENTER] = "";
	struct watcher *w = *out = calloc(1, sizeof(*w));
	if (!w)
		return err_set(e, ENOMEM, "watch: out of memory");
	int rc = subject_open(server, &w->host, &w->subject, enter, e);
	if (rc)
		return rc;
	w->asked = server;
	facts_read(w);
	return 0;
}

void watcher_close(struct watcher **out)
{
	struct watcher *w = *out;
	if (!w)
		return;
	listeners_free(&w->listeners);
	free(w->seen.at);
	free(w->made.at);
	free(w->sharers);
	free(w->groups);
	group_losses_free(&w->group_losses);
	softnet_free(&w->softnet.last);
	subject_free(&w->subject);
	host_close(w->host);
	free(w);
	*out = NULL;
}
