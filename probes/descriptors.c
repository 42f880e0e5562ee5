/* Descriptors: how many connections a process, and the machine, can hold, and what a server does
 * when it cannot take one more.
 *
 * The test server meets its own limit for real: connections up to the target plus a margin, and
 * from there duplicates of one descriptor, which count against RLIMIT_NOFILE but take nothing from
 * fs.file-max. What the whole machine shares is read, and compared with what one connection was
 * seen to cost. */
#include "epolltune/probe.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "epolltune/knob.h"
#include "epolltune/load.h"
#include "epolltune/quantity.h"
#include "epolltune/server.h"

#define PROCESS "descriptors.process"
#define SYSTEM "descriptors.system"
#define WATCHES "epoll.watches"
#define MEMORY "memory.connection"

/* Standard streams, an epoll set and a listener: what any server holds at least. */
#define SERVER_HOLDS 5
/* Real connections at most, whatever the target. */
#define HOLD_CONNECTIONS 20000
/* Duplicates at most: the kernel's default of fs.nr_open. */
#define FILL_DESCRIPTORS (1u << 20)
#define HOLD_TIMEOUT_MS 30000
#define HOLD_QUIET_MS 1000
#define SPIN_US 30000
#define TALK_REQUESTS 500
/* An idle connection's kernel memory at one end on Linux 6.18 (TCP, sock_inode_cache, filp, dentry
 * and epoll's objects), used only where neither the experiment nor /proc/slabinfo can tell. */
#define CONNECTION_BYTES 4100

struct limits {
	uint64_t soft, hard, nr_open; /* nr_open 0: not to be read */
	struct host_files files;
	bool have_files;
	uint64_t watches; /* 0: not to be read */
	uint64_t available_bytes;
};

static uint64_t knob_number(const struct host *h, const char *name)
{
	char value[KNOB_VALUE];
	struct err ignored = {0};
	int64_t number = 0;
	const struct knob *k = knob_find(name);
	if (!k || knob_read(k, h, value, &ignored) || knob_field(value, 0, &number) || number < 0)
		return 0;
	return (uint64_t)number;
}

static int limits_read(const struct host *h, struct limits *l)
{
	struct host_nofile nofile;
	struct host_facts facts;
	struct err ignored = {0};
	int rc = host_nofile(h, &nofile, &ignored);
	*l = (struct limits){0};
	host_facts(h, &facts);
	l->available_bytes = facts.available_bytes;
	l->nr_open = knob_number(h, "fs.nr_open");
	l->watches = knob_number(h, "fs.epoll.max_user_watches");
	l->have_files = !host_files(h, &l->files, &ignored);
	if (rc)
		return rc;
	l->soft = nofile.soft;
	l->hard = nofile.hard;
	return 0;
}

static int64_t quantity_or_none(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

/* The smallest power of two that holds it, from 1024 up. */
static uint64_t round_up(uint64_t enough)
{
	uint64_t value = 1024;
	while (value < enough && value < UINT64_MAX / 2)
		value *= 2;
	return value;
}

static char *count_text(char *buf, uint64_t value)
{
	if (value == HOST_UNLIMITED)
		return strcpy(buf, "unlimited");
	return quantity_format(buf, 32, QUANTITY_COUNT, value);
}

/* Connections that a limit on descriptors leaves. */
static uint64_t connections_of(uint64_t descriptors, uint64_t held)
{
	return descriptors == HOST_UNLIMITED ? descriptors
	       : descriptors > held          ? descriptors - held
					     : 0;
}

/* Short when the hard limit is below the need, tight when only the soft one is: a server that does
 * not raise it stops there. */
static enum wall_verdict process_verdict(uint64_t hard, uint64_t soft, uint64_t needed)
{
	enum wall_verdict v = report_verdict(quantity_or_none(hard), (int64_t)needed);
	return v == VERDICT_OK && soft < needed ? VERDICT_TIGHT : v;
}

static struct finding *process_finding(struct probe_run *run, const struct limits *l, uint64_t held,
				       uint64_t needed, enum wall_verdict verdict)
{
	char soft[32], hard[32], need[32], nr_open[32], stop[32], keep[32] = "";
	uint64_t proposed = round_up(report_margin(needed) + held);
	bool by_soft = connections_of(l->hard, held) >= report_margin(needed);
	if (by_soft && proposed > l->hard)
		proposed = l->hard;
	/* The hard one is not to become less. */
	if (by_soft && l->hard == HOST_UNLIMITED)
		snprintf(keep, sizeof(keep), ":infinity");
	else if (by_soft)
		snprintf(keep, sizeof(keep), ":%llu", (unsigned long long)l->hard);
	count_text(soft, l->soft);
	count_text(hard, l->hard);
	count_text(need, needed);
	struct finding *f;
	if (verdict == VERDICT_SHORT)
		f = report_finding(run->report, PROCESS ".short", LEVEL_CRITICAL,
				   "A process cannot hold %s connections", need);
	else if (by_soft)
		f = report_finding(
			run->report, PROCESS ".soft-limit", LEVEL_WARNING,
			"A server that does not raise its soft limit stops at %s connections",
			count_text(stop, connections_of(l->soft, held)));
	else
		f = report_finding(run->report, PROCESS ".tight", LEVEL_WARNING,
				   "A process can just hold %s connections", need);
	report_text(f->wall, PROCESS);
	f->remedy = REMEDY_PROCESS;
	report_text(f->knob, "RLIMIT_NOFILE");
	report_text(f->current, "%llu", (unsigned long long)(by_soft ? l->soft : l->hard));
	report_text(f->proposed, "%llu", (unsigned long long)proposed);
	report_text(
		f->detail,
		"RLIMIT_NOFILE is %s soft, %s hard; besides its connections the test server holds "
		"%llu descriptors.",
		soft, hard, (unsigned long long)held);
	report_text(
		f->advice,
		"Takes effect at the next start of the server: LimitNOFILE=%llu%s in its systemd "
		"unit, or ulimit -%sn. This is the limit of what ran epolltune; your server's is "
		"in /proc/PID/limits.%s%s%s",
		(unsigned long long)proposed, keep, by_soft ? "S" : "",
		l->nr_open && proposed > l->nr_open ? " Needs fs.nr_open raised first from " : "",
		l->nr_open && proposed > l->nr_open ? count_text(nr_open, l->nr_open) : "",
		l->nr_open && proposed > l->nr_open ? "." : "");
	return f;
}

static void inspect_process(struct probe_run *run, const struct limits *l, int rc)
{
	struct wall *w = report_wall(run->report, PROCESS);
	uint64_t needed = run->target->connections;
	report_text(w->unit, "connections");
	report_text(w->knob, "RLIMIT_NOFILE");
	w->needed = (int64_t)needed;
	if (rc) {
		report_text(w->detail, "RLIMIT_NOFILE could not be read.");
		return;
	}
	uint64_t hard = connections_of(l->hard, SERVER_HOLDS),
		 soft = connections_of(l->soft, SERVER_HOLDS);
	w->limit = quantity_or_none(hard);
	w->verdict = process_verdict(hard, soft, needed);
	report_text(w->detail, "RLIMIT_NOFILE less the %d descriptors that any server holds.",
		    SERVER_HOLDS);
	if (!run->lab && (w->verdict == VERDICT_SHORT || w->verdict == VERDICT_TIGHT))
		process_finding(run, l, SERVER_HOLDS, needed, w->verdict);
}

static void kernel_finding(struct probe_run *run, const struct wall *w, const char *knob,
			   uint64_t current, uint64_t proposed, const char *title)
{
	char id[48];
	bool tight = w->verdict == VERDICT_TIGHT;
	if (w->verdict != VERDICT_SHORT && !tight)
		return;
	snprintf(id, sizeof(id), "%s.%s", w->name, tight ? "tight" : "short");
	struct finding *f = report_finding(run->report, id, tight ? LEVEL_WARNING : LEVEL_CRITICAL,
					   "%s", title);
	report_text(f->wall, "%s", w->name);
	report_text(f->detail, "%s", w->detail);
	if (!knob)
		return;
	const struct knob *k = knob_find(knob);
	f->remedy = REMEDY_KERNEL;
	report_text(f->knob, "%s", knob);
	report_text(f->current, "%llu", (unsigned long long)current);
	report_text(f->proposed, "%llu", (unsigned long long)proposed);
	report_text(f->tried,
		    "not tried: one limit for the whole machine, so it is read, never exhausted");
	if (k)
		report_text(f->advice, "Takes effect %s. %s", knob_effect_text(k->effect), k->cost);
}

/* `per_connection`: descriptors that one connection was seen to take at this end; 0: not measured.
 */
static void inspect_system(struct probe_run *run, const struct limits *l, double per_connection)
{
	char used[32], max[32];
	struct wall *w = report_wall(run->report, SYSTEM);
	report_text(w->unit, "descriptors");
	report_text(w->knob, "fs.file-max");
	w->needed = (int64_t)run->target->connections;
	if (!l->have_files) {
		report_text(w->detail, "fs.file-nr could not be read.");
		return;
	}
	uint64_t headroom =
		l->files.max > l->files.allocated ? l->files.max - l->files.allocated : 0;
	w->limit = quantity_or_none(headroom);
	w->method = per_connection > 0 ? METHOD_DERIVED : METHOD_INSPECTED;
	w->verdict = report_verdict(w->limit, w->needed);
	int n = snprintf(
		w->detail, sizeof(w->detail),
		"Free of fs.file-max: %s in use of %s. A process with CAP_SYS_ADMIN is not bound.",
		count_text(used, l->files.allocated), count_text(max, l->files.max));
	if (per_connection > 0)
		snprintf(w->detail + n, sizeof(w->detail) - (size_t)n,
			 " A connection was seen to take %.3g of them at this end.",
			 per_connection);
	if (!run->lab || per_connection > 0)
		kernel_finding(
			run, w, w->knob, l->files.max,
			round_up(report_margin(run->target->connections) + l->files.allocated),
			"The machine has too few descriptors left");
}

static void inspect_watches(struct probe_run *run, const struct limits *l)
{
	struct wall *w = report_wall(run->report, WATCHES);
	report_text(w->unit, "watches");
	report_text(w->knob, "fs.epoll.max_user_watches");
	w->needed = (int64_t)run->target->connections;
	if (!l->watches) {
		report_text(w->detail, "fs.epoll.max_user_watches could not be read.");
		return;
	}
	w->limit = quantity_or_none(l->watches);
	w->method = METHOD_INSPECTED;
	w->verdict = report_verdict(w->limit, w->needed);
	report_text(w->detail, "Of one user, over all its processes; a connection takes one.");
	kernel_finding(run, w, w->knob, l->watches,
		       round_up(report_margin(run->target->connections)),
		       "One user cannot watch so many connections");
}

/* What a connection costs by the size of its objects; 0 when /proc/slabinfo is not readable. */
static uint64_t object_bytes(const struct host *h)
{
	static const char *const caches[] = {"TCP",    "sock_inode_cache", "filp",
					     "dentry", "eventpoll_epi",    "eventpoll_pwq"};
	struct host_slabs *slabs = malloc(sizeof(*slabs));
	struct err ignored = {0};
	uint64_t bytes = 0;
	if (slabs && !host_slabs(h, slabs, &ignored))
		for (size_t i = 0; i < slabs->count; i++)
			for (size_t k = 0; k < sizeof(caches) / sizeof(*caches); k++)
				if (!strcmp(slabs->at[i].name, caches[k]))
					bytes += slabs->at[i].object_bytes;
	free(slabs);
	return bytes;
}

static void fill_memory(struct probe_run *run, const struct limits *l, uint64_t bytes,
			enum wall_method method, const char *how)
{
	char size[32];
	struct wall *w = report_wall(run->report, MEMORY);
	report_text(w->unit, "B");
	if (!l->available_bytes) {
		report_text(w->detail, "MemAvailable could not be read.");
		return;
	}
	w->limit = quantity_or_none(l->available_bytes);
	w->needed = quantity_or_none(run->target->connections * bytes);
	w->method = method;
	w->verdict = report_verdict(w->limit, w->needed);
	report_text(w->detail,
		    "MemAvailable; an idle connection takes %s of kernel memory at this end, %s.",
		    quantity_format(size, sizeof(size), QUANTITY_SIZE, bytes), how);
	if (!run->lab || method != METHOD_INSPECTED)
		kernel_finding(run, w, NULL, 0, 0, "The connections alone would fill the memory");
}

static int descriptors_inspect(struct probe_run *run, struct err *e)
{
	(void)e;
	struct limits l;
	inspect_process(run, &l, limits_read(run->host, &l));
	inspect_system(run, &l, 0);
	inspect_watches(run, &l);
	if (run->lab)
		return 0;
	uint64_t bytes = object_bytes(run->host);
	fill_memory(run, &l, bytes ? bytes : CONNECTION_BYTES, METHOD_DERIVED,
		    bytes ? "by the size of its objects" : "as measured on Linux 6.18, not here");
	return 0;
}

/* What was seen while the test server was driven to its limit. */
struct hold {
	uint64_t goal;
	uint64_t connections; /* accepted */
	int end_errno;        /* 0: the goal was reached first */
	struct server_filled filled;
	struct server_spin spin;
	uint64_t files;      /* struct file taken by all connections, both ends */
	uint64_t slab_bytes; /* kernel memory of all connections, both ends; 0: not seen */
	bool by_cache;
	uint64_t request_p50_ns, request_p99_ns;
};

/* Connections to open for real: the target and its margin, within what the server can hold and
 * within a tenth of what the machine has left (both ends are here, so a twentieth). */
static uint64_t hold_goal(const struct probe_run *run, const struct limits *l,
			  const struct server *s)
{
	uint64_t goal = report_margin(run->target->connections);
	uint64_t room = connections_of(s->hard, s->held);
	if (goal > HOLD_CONNECTIONS)
		goal = HOLD_CONNECTIONS;
	if (room < goal) /* a few more than it can take, to see it refuse */
		goal = room + 4;
	if (l->have_files) {
		uint64_t share = l->files.max > l->files.allocated
					 ? (l->files.max - l->files.allocated) / 20
					 : 0;
		goal = goal < share ? goal : share;
	}
	if (l->watches && l->watches / 20 < goal)
		goal = l->watches / 20;
	if (l->available_bytes && l->available_bytes / 20 / (2 * CONNECTION_BYTES) < goal)
		goal = l->available_bytes / 20 / (2 * CONNECTION_BYTES);
	return goal;
}

static void nap_ms(unsigned ms)
{
	struct timespec t = {.tv_nsec = (long)ms * 1000000};
	nanosleep(&t, NULL);
}

/* Until the server has accepted all, or met a limit, or nothing moves any more. */
static void hold_wait(const struct server *server, struct hold *h)
{
	uint64_t last = 0;
	for (unsigned quiet = 0; quiet < HOLD_QUIET_MS; quiet++) {
		/* The errno first: nothing is accepted after it; and what is closed before what was
		 * accepted, so that the difference is never negative. */
		h->end_errno = server->stats->accept_errno;
		if (!h->end_errno)
			h->end_errno = server->stats->watch_errno;
		uint64_t closed = server->stats->closed;
		h->connections = server->stats->accepted - closed;
		if (h->end_errno || h->connections >= h->goal)
			return;
		if (h->connections != last)
			quiet = 0;
		last = h->connections;
		nap_ms(1);
	}
}

/* Opens in steps, so that a server at its limit is seen after a step, not after the last. */
static int hold_open(struct probe_run *run, struct server *server, struct load *load,
		     struct hold *h, struct err *e)
{
	const uint64_t step = 2048;
	char count[32];
	for (uint64_t left = h->goal; left;) {
		uint64_t now = left < step ? left : step;
		int rc = load_open(load, now, 0, HOLD_TIMEOUT_MS, e);
		if (rc)
			return rc;
		left -= now;
		probe_progress(run, "%s connections", count_text(count, load->opened));
		if (server->stats->accept_errno || server->stats->watch_errno)
			break;
	}
	hold_wait(server, h);
	return 0;
}

struct memory {
	struct host_slabs *slabs; /* NULL: not readable */
	uint64_t slab_bytes;      /* 0: not readable */
	struct host_files files;
};

static void memory_read(const struct host *h, struct memory *m)
{
	struct err ignored = {0};
	*m = (struct memory){.slabs = malloc(sizeof(*m->slabs))};
	if (m->slabs && host_slabs(h, m->slabs, &ignored)) {
		free(m->slabs);
		m->slabs = NULL;
	}
	if (host_slab_bytes(h, &m->slab_bytes, &ignored))
		m->slab_bytes = 0;
	if (host_files(h, &m->files, &ignored))
		m->files = (struct host_files){0};
}

/* A cache counts when it grew by an object for every other connection at least: what else goes on
 * in the machine is not ours. */
static uint64_t cache_growth(const struct host_slabs *before, const struct host_slabs *after,
			     uint64_t connections)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < after->count; i++) {
		const struct host_slab *a = &after->at[i], *b = NULL;
		for (size_t k = 0; k < before->count && !b; k++)
			if (!strcmp(before->at[k].name, a->name))
				b = &before->at[k];
		uint64_t was = b ? b->active : 0;
		if (a->active > was && a->active - was >= connections / 2)
			bytes += (a->active - was) * a->object_bytes;
	}
	return bytes;
}

static void memory_compare(const struct memory *before, const struct memory *after, struct hold *h)
{
	if (before->slabs && after->slabs) {
		h->slab_bytes = cache_growth(before->slabs, after->slabs, h->connections);
		h->by_cache = true;
	} else if (before->slab_bytes && after->slab_bytes > before->slab_bytes) {
		h->slab_bytes = after->slab_bytes - before->slab_bytes;
	}
	if (after->files.allocated > before->files.allocated)
		h->files = after->files.allocated - before->files.allocated;
}

/* The rest of the server's table, one more client, and what the server does with it. */
static int hold_limit(struct probe_run *run, struct server *server, struct load *load,
		      struct hold *h, struct err *e)
{
	int rc = 0;
	if (!h->end_errno) {
		probe_progress(run, "filling the server's descriptors");
		rc = server_fill(server, FILL_DESCRIPTORS, &h->filled, e);
		if (!rc)
			rc = load_open(load, 1, 0, HOLD_TIMEOUT_MS, e);
	}
	if (!rc && (h->end_errno || h->filled.end_errno)) {
		probe_progress(run, "a client that cannot be accepted");
		rc = server_spin(server, SPIN_US, &h->spin, e);
	}
	return rc;
}

static int hold_body(struct probe_run *run, struct server *server, struct load *load,
		     struct hold *h, struct err *e)
{
	struct memory before, after;
	memory_read(run->host, &before);
	int rc = hold_open(run, server, load, h, e);
	memory_read(run->host, &after);
	memory_compare(&before, &after, h);
	free(before.slabs);
	free(after.slabs);
	if (!rc && h->connections && load_sum(load).served >= h->connections / 2) {
		struct histogram *latency = calloc(2, sizeof(*latency));
		rc = load_talk(load, TALK_REQUESTS, HOLD_TIMEOUT_MS, e);
		if (latency) {
			load_latency(load, &latency[0], &latency[1]);
			h->request_p50_ns = histogram_quantile(&latency[1], 0.5);
			h->request_p99_ns = histogram_quantile(&latency[1], 0.99);
		}
		free(latency);
	}
	return rc ? rc : hold_limit(run, server, load, h, e);
}

static int hold_run(struct probe_run *run, const struct limits *l, struct server *server,
		    struct hold *h, struct err *e)
{
	struct load load = {0};
	struct server_config config = {.address = lab_address(run->lab, LAB_SERVER, 0),
				       .backlog = 65535};
	*h = (struct hold){0};
	int rc = server_start(server, run->lab, &config, e);
	if (rc)
		return rc;
	h->goal = hold_goal(run, l, server);
	struct load_config to = {
		.to = config.address, .port = server->port, .connections = h->goal + 1};
	rc = load_start(&load, run->lab, &to, e);
	if (!rc)
		rc = hold_body(run, server, &load, h, e);
	load_stop(&load);
	server_stop(server);
	return rc;
}

/* The limits that come after this one, for the detail. */
static void ladder_text(const struct limits *l, char *out, size_t size)
{
	char soft[32], hard[32], open[32], max[32], watches[32];
	snprintf(
		out, size,
		"Ladder: soft %s, hard %s, fs.nr_open %s, fs.file-max %s, epoll watches %s a user.",
		count_text(soft, l->soft), count_text(hard, l->hard),
		l->nr_open ? count_text(open, l->nr_open) : "?",
		l->have_files ? count_text(max, l->files.max) : "?",
		l->watches ? count_text(watches, l->watches) : "?");
}

static const char *errno_limit(int code)
{
	switch (code) {
	case EMFILE:
		return "EMFILE: RLIMIT_NOFILE";
	case ENFILE:
		return "ENFILE: fs.file-max";
	case ENOSPC:
		return "ENOSPC: fs.epoll.max_user_watches";
	case ENOMEM:
	case ENOBUFS:
		return "no kernel memory";
	default:
		return strerror(code);
	}
}

static void measured_process(struct probe_run *run, const struct limits *l,
			     const struct server *server, const struct hold *h)
{
	struct wall *w = report_wall(run->report, PROCESS);
	uint64_t needed = run->target->connections;
	uint64_t soft = connections_of(l->soft, server->held);
	int end = h->end_errno ? h->end_errno : h->filled.end_errno;
	/* Some may have been accepted between the count and the filling. */
	uint64_t stood =
		h->end_errno ? h->connections : h->filled.connections + h->filled.duplicates;
	char opened[32], ladder[200], p50[32];
	ladder_text(l, ladder, sizeof(ladder));
	w->limit = quantity_or_none(connections_of(server->hard, server->held));
	if (end == EMFILE) {
		w->method = METHOD_MEASURED;
		w->measured = quantity_or_none(stood);
	} else {
		w->method = METHOD_DERIVED;
	}
	w->verdict = process_verdict(end == EMFILE ? stood : (uint64_t)w->limit, soft, needed);
	int n = snprintf(w->detail, sizeof(w->detail),
			 "%s connections opened%s; %s; the test server itself holds %llu. ",
			 count_text(opened, h->connections),
			 h->filled.duplicates ? ", the rest of the table filled with duplicates"
					      : "",
			 end ? errno_limit(end) : "no limit met", (unsigned long long)server->held);
	if (h->request_p50_ns && n > 0 && (size_t)n < sizeof(w->detail))
		n += snprintf(w->detail + n, sizeof(w->detail) - (size_t)n,
			      "A request among them took %s. ",
			      quantity_format(p50, sizeof(p50), QUANTITY_DURATION,
					      (h->request_p50_ns + 500) / 1000));
	if (n > 0 && (size_t)n < sizeof(w->detail))
		snprintf(w->detail + n, sizeof(w->detail) - (size_t)n, "%s", ladder);
	if (w->verdict != VERDICT_SHORT && w->verdict != VERDICT_TIGHT)
		return;
	struct finding *f = process_finding(run, l, server->held, needed, w->verdict);
	report_text(f->tried, "not tried: a limit of the process, set where it is started");
	finding_evidence(f, "held", "connections", (double)h->connections, NAN);
	if (h->spin.cpu_us) {
		/* By CPU time, as on a busy machine it gets only a part of the clock's. */
		double per_s = (double)h->spin.wakeups * 1e6 / (double)h->spin.cpu_us;
		finding_evidence(f, "wakeups at the limit", "1/s", per_s, NAN);
		size_t used = strlen(f->detail);
		snprintf(f->detail + used, sizeof(f->detail) - used,
			 " At the limit (%s) a level-triggered server that keeps watching its "
			 "listener never sleeps: it takes a whole CPU and wakes %s times in each "
			 "second of it, for nothing.",
			 errno_limit(h->spin.last_errno ? h->spin.last_errno : end),
			 count_text(opened, quantity_round(QUANTITY_RATE, (uint64_t)per_s)));
	}
}

/* Growth that the objects of a connection explain; what is far off them is somebody else's doing.
 */
static bool memory_is_plausible(uint64_t bytes, uint64_t objects)
{
	return bytes >= 1024 && (!objects || (bytes > objects / 2 && bytes < objects * 3 / 2));
}

static void measured_memory(struct probe_run *run, const struct limits *l, const struct hold *h)
{
	uint64_t end = h->connections ? h->slab_bytes / h->connections / 2 : 0;
	uint64_t objects = object_bytes(run->host);
	if (h->connections >= 1000 && memory_is_plausible(end, objects))
		fill_memory(run, l, end, h->by_cache ? METHOD_MEASURED : METHOD_DERIVED,
			    h->by_cache ? "by slab caches"
					: "by the sum of all slabs (root can count caches)");
	else
		fill_memory(run, l, objects ? objects : CONNECTION_BYTES, METHOD_DERIVED,
			    objects ? "by the size of its objects"
				    : "as measured on Linux 6.18, not here");
}

static int descriptors_measure(struct probe_run *run, struct err *e)
{
	struct limits l;
	struct server server = {.channel = -1};
	struct hold h;
	int rc = limits_read(run->host, &l);
	if (rc)
		return err_set(e, -rc, "RLIMIT_NOFILE could not be read");
	rc = hold_run(run, &l, &server, &h, e);
	if (rc)
		return rc;
	if (h.goal && !h.connections)
		return err_set(e, EIO, "the test server accepted none of %llu connections",
			       (unsigned long long)h.goal);
	measured_process(run, &l, &server, &h);
	inspect_system(run, &l,
		       h.connections && h.files ? (double)h.files / 2 / (double)h.connections : 1);
	measured_memory(run, &l, &h);
	return 0;
}

const struct probe probe_descriptors = {
	.name = "descriptors",
	.summary = "opens connections until a limit on descriptors is met, and past it",
	.walls = PROCESS "," SYSTEM "," WATCHES "," MEMORY,
	.alone = true, /* counts the machine's slab objects */
	.lab = {.client_addresses = 16, .wide_ports = true},
	.inspect = descriptors_inspect,
	.measure = descriptors_measure,
};
