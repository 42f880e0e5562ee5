/* The accept queue: connections that arrive while the server pauses wait in it, and beyond its
 * limit SYNs are dropped, each to be retransmitted a second later.
 *
 * The server stays paused until every arrival has been sent, so what is found is a count and
 * depends on no clock. The kernel tests `len > backlog` (include/net/sock.h, sk_acceptq_is_full()),
 * so a queue holds min(listen argument, somaxconn) + 1. */
#include "epolltune/probe.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "epolltune/knob.h"
#include "epolltune/load.h"
#include "epolltune/quantity.h"
#include "epolltune/server.h"

#define WALL "accept-queue"
#define SOMAXCONN_KNOB "net.core.somaxconn"
#define BACKLOG_KNOB "listen.backlog"

/* More arrivals than that are not sent; the verdict is then derived. */
#define STALL_ARRIVALS 32768
/* Beyond the target's arrivals, how far the queue is filled to find its end. */
#define FILL_CONNECTIONS 8192
/* However slow the target's rate, arrivals are sent within this time: the queue only counts. */
#define STALL_SEND_MS 200
#define STALL_SEND_TIMEOUT_MS 8000
/* Time for clients whose SYN was dropped: the first retransmission comes after 1 s (RFC 6298). */
#define STALL_LATE_MS 1400
#define STALL_SETTLE_MS 500

/* One pause of the server with clients arriving. */
struct stall {
	uint64_t arrivals;
	struct server_queue queue; /* at the end of the pause, of the target's arrivals alone */
	uint64_t capacity;         /* depth when it overflowed; 0: it never did */
	uint64_t reached;          /* deepest that was seen */
	uint64_t served;           /* of the arrivals, in the end */
	uint64_t last_in_us;       /* from the first arrival to the last client served */
	uint64_t accepts_per_s;    /* while the server drained the queue */
	int64_t overflows; /* ListenOverflows at the end of the pause; -1: not counted here */
};

static void nap_ms(unsigned ms)
{
	struct timespec t = {.tv_nsec = (long)ms * 1000000};
	nanosleep(&t, NULL);
}

/* Waits until every one of `sent` is either queued or dropped, or nothing moves any more. */
static int stall_settle(struct server *server, uint64_t sent, struct server_queue *queue,
			struct err *e)
{
	struct server_queue before = {0};
	unsigned quiet = 0;
	for (unsigned ms = 0; ms < STALL_SETTLE_MS && quiet < 50; ms += 2) {
		int rc = server_queue(server, queue, e);
		if (rc)
			return rc;
		if (queue->depth + queue->drops >= sent)
			return 0;
		quiet = queue->depth == before.depth && queue->drops == before.drops ? quiet + 2
										     : 0;
		before = *queue;
		nap_ms(2);
	}
	return 0;
}

static int stall_fill(struct server *server, struct load *extra, struct stall *out, struct err *e)
{
	uint64_t sent = out->arrivals;
	const uint64_t step = 512;
	for (uint64_t left = extra->config.connections; left >= step && !out->capacity;
	     left -= step) {
		struct server_queue queue;
		int rc = load_open(extra, step, 0, STALL_SEND_TIMEOUT_MS, e);
		sent += step;
		if (!rc)
			rc = stall_settle(server, sent, &queue, e);
		if (rc)
			return rc;
		out->reached = queue.depth;
		if (queue.drops)
			out->capacity = queue.depth;
	}
	return 0;
}

/* Lets the server go on and waits for its clients. */
static int stall_drain(struct server *server, struct load *load, uint64_t first_ns,
		       struct stall *out, struct err *e)
{
	uint64_t resumed = load_now_ns();
	uint64_t end = resumed + (uint64_t)STALL_LATE_MS * 1000000;
	int rc = server_resume(server, e);
	if (rc)
		return rc;
	struct load_sum sum = load_sum(load);
	while (sum.served + sum.failed < out->arrivals && load_now_ns() < end) {
		nap_ms(1);
		sum = load_sum(load);
	}
	out->served = sum.served;
	out->last_in_us =
		sum.last_served_ns > first_ns ? (sum.last_served_ns - first_ns) / 1000 : 0;
	uint64_t accepted = server->stats->accepted, last = server->stats->last_accept_ns;
	if (out->served == out->arrivals && !out->queue.drops && last > resumed)
		out->accepts_per_s = (uint64_t)((double)accepted * 1e9 / (double)(last - resumed));
	return 0;
}

static int stall_body(struct probe_run *run, struct lab *lab, struct server *server,
		      struct load *load, struct load *extra, struct stall *out, struct err *e)
{
	struct host_counters *before = malloc(2 * sizeof(*before));
	if (!before)
		return err_set(e, ENOMEM, "no memory for counters");
	struct host_counters *after = before + 1;
	uint64_t pace = out->arrivals * 1000 / STALL_SEND_MS + 1;
	if (run->target->rate_per_s > pace)
		pace = run->target->rate_per_s;
	int rc = lab_counters(lab, LAB_SERVER, before, e);
	uint64_t first_ns = load_now_ns();
	probe_progress(run, "%llu clients arrive at a paused server",
		       (unsigned long long)out->arrivals);
	if (!rc)
		rc = load_open(load, out->arrivals, pace, STALL_SEND_TIMEOUT_MS, e);
	if (!rc)
		rc = stall_settle(server, out->arrivals, &out->queue, e);
	if (!rc)
		rc = lab_counters(lab, LAB_SERVER, after, e);
	if (!rc) {
		out->overflows = host_counter_delta(before, after, "TcpExt.ListenOverflows");
		out->reached = out->queue.depth;
		if (out->queue.drops)
			out->capacity = out->queue.depth;
		else if (extra->shards)
			rc = stall_fill(server, extra, out, e);
	}
	if (!rc)
		rc = stall_drain(server, load, first_ns, out, e);
	free(before);
	return rc;
}

/* `fill`: so many more than the arrivals, to find the end of the queue; 0: the arrivals alone. */
static int stall_run(struct probe_run *run, struct lab *lab, int backlog, uint64_t arrivals,
		     uint64_t fill, struct stall *out, struct err *e)
{
	size_t mark = lab_mark(lab);
	struct server server = {.channel = -1};
	struct load load = {0}, extra = {0};
	*out = (struct stall){.arrivals = arrivals, .overflows = -1};
	struct server_config config = {.address = lab_address(lab, LAB_SERVER, 0),
				       .backlog = backlog,
				       .paused = true,
				       .greet_and_close = true};
	int rc = server_start(&server, lab, &config, e);
	struct load_config to = {.to = config.address,
				 .port = server.port,
				 .connections = arrivals,
				 .await_greeting = true};
	if (!rc)
		rc = load_start(&load, lab, &to, e);
	to.connections = fill;
	if (!rc && fill)
		rc = load_start(&extra, lab, &to, e);
	if (!rc)
		rc = stall_body(run, lab, &server, &load, &extra, out, e);
	load_stop(&extra);
	load_stop(&load);
	server_stop(&server);
	lab_release(lab, mark);
	return rc;
}

/* What stands behind the wall on this host. */
struct limits {
	int64_t somaxconn; /* REPORT_NONE: not to be read */
	int64_t argument;  /* of listen(); 0: as much as somaxconn gives */
	int64_t capacity;  /* REPORT_NONE when somaxconn is not known */
	bool by_argument;
};

static struct limits limits_read(const struct probe_run *run)
{
	struct limits l = {.somaxconn = REPORT_NONE,
			   .capacity = REPORT_NONE,
			   .argument = (int64_t)run->options->backlog};
	char value[KNOB_VALUE];
	struct err ignored = {0};
	if (!knob_read(knob_find(SOMAXCONN_KNOB), run->host, value, &ignored))
		knob_field(value, 0, &l.somaxconn);
	if (l.somaxconn == REPORT_NONE)
		return l;
	l.by_argument = l.argument && l.argument < l.somaxconn;
	l.capacity = (l.by_argument ? l.argument : l.somaxconn) + 1;
	return l;
}

/* The smallest power of two that makes the verdict ok. */
static uint64_t limits_propose(uint64_t needed)
{
	uint64_t value = 128, enough = report_margin(needed);
	while (value + 1 < enough)
		value *= 2;
	return value;
}

static struct finding *short_finding(struct probe_run *run, const struct limits *l,
				     const struct wall *wall, uint64_t needed)
{
	static const struct knob *somaxconn;
	char count[32], pause[32];
	bool tight = wall->verdict == VERDICT_TIGHT;
	const char *id = tight ? "accept-queue.tight" : "accept-queue.short";
	if (l->by_argument)
		id = "accept-queue.application";
	somaxconn = knob_find(SOMAXCONN_KNOB);
	struct finding *f = report_finding(
		run->report, id, tight ? LEVEL_WARNING : LEVEL_CRITICAL,
		l->by_argument ? "The server's own listen() argument bounds its accept queue"
			       : "The accept queue is %s for a pause of %s",
		tight ? "tight" : "too short",
		quantity_format(pause, sizeof(pause), QUANTITY_DURATION, run->target->stall_us));
	report_text(f->wall, "%s", WALL);
	f->remedy = l->by_argument ? REMEDY_APPLICATION : REMEDY_KERNEL;
	report_text(f->knob, "%s", wall->knob);
	report_text(f->current, "%lld", (long long)(l->by_argument ? l->argument : l->somaxconn));
	uint64_t proposed = limits_propose(needed);
	report_text(f->proposed, "%llu", (unsigned long long)proposed);
	report_text(f->detail, "%s connections arrive in a pause of %s; the queue holds %lld.",
		    quantity_format(count, sizeof(count), QUANTITY_COUNT, needed),
		    quantity_format(pause, sizeof(pause), QUANTITY_DURATION, run->target->stall_us),
		    (long long)l->capacity);
	if (!l->by_argument)
		report_text(f->advice, "Takes effect %s. Costs nothing until used.",
			    knob_effect_text(somaxconn->effect));
	else if (proposed > (uint64_t)l->somaxconn)
		report_text(f->advice,
			    "Pass it to listen() (nginx: listen … backlog=%llu) and "
			    "raise " SOMAXCONN_KNOB " from %lld to the same.",
			    (unsigned long long)proposed, (long long)l->somaxconn);
	else
		report_text(f->advice,
			    "Pass it to listen() (nginx: listen … backlog=%llu); " SOMAXCONN_KNOB
			    " allows %lld.",
			    (unsigned long long)proposed, (long long)l->somaxconn);
	return f;
}

/* Real listeners of this host that were given less than the target needs, and less than the kernel
 * would allow: notes, as which of them is the operator's server is not known. */
static void note_listeners(struct probe_run *run, const struct limits *l, uint64_t needed)
{
	struct host_listener at[64];
	size_t total = 0, named = 0;
	char list[320] = "";
	struct err ignored = {0};
	if (!host_live(run->host) || l->somaxconn == REPORT_NONE ||
	    host_listeners(run->host, at, 64, &total, &ignored))
		return;
	for (size_t i = 0; i < total && i < 64; i++) {
		size_t used = strlen(list);
		if (at[i].limit + 1ull >= needed || (int64_t)at[i].limit >= l->somaxconn)
			continue;
		if (++named <= 4)
			snprintf(list + used, sizeof(list) - used, "%s%s%s%s%s with %u",
				 used ? ", " : "", at[i].address, at[i].process[0] ? " (" : "",
				 at[i].process, at[i].process[0] ? ")" : "", at[i].limit);
	}
	if (!named)
		return;
	struct finding *f = report_finding(run->report, "accept-queue.application", LEVEL_NOTE,
					   "%zu listener%s asked for less than the target needs",
					   named, named == 1 ? "" : "s");
	report_text(f->wall, "%s", WALL);
	f->remedy = REMEDY_APPLICATION;
	report_text(f->detail,
		    "%s%s. If one of them is the server in question, it is its listen() "
		    "argument that binds, not " SOMAXCONN_KNOB " (%lld).",
		    list, named > 4 ? " and others" : "", (long long)l->somaxconn);
}

static void note_abort(struct probe_run *run)
{
	char value[KNOB_VALUE];
	struct err ignored = {0};
	const struct knob *k = knob_find("net.ipv4.tcp_abort_on_overflow");
	if (!k || knob_read(k, run->host, value, &ignored) || !strcmp(value, "0"))
		return;
	struct finding *f = report_finding(run->report, "accept-queue.abort-on-overflow",
					   LEVEL_NOTE, "A full accept queue resets clients");
	report_text(f->wall, "%s", WALL);
	report_text(f->knob, "%s", k->name);
	report_text(f->current, "%s", value);
	report_text(f->detail,
		    "With it a client that meets a full queue after its handshake gets a "
		    "reset and gives up, where otherwise it would be let in a moment later.");
}

static int accept_queue_inspect(struct probe_run *run, struct err *e)
{
	(void)e;
	struct limits l = limits_read(run);
	uint64_t needed = target_accept_queue(run->target);
	struct wall *w = report_wall(run->report, WALL);
	report_text(w->unit, "connections");
	report_text(w->knob, "%s", l.by_argument ? BACKLOG_KNOB : SOMAXCONN_KNOB);
	w->needed = (int64_t)needed;
	w->limit = l.capacity;
	w->method = METHOD_INSPECTED;
	w->verdict = report_verdict(l.capacity, w->needed);
	if (l.capacity == REPORT_NONE)
		report_text(w->detail, SOMAXCONN_KNOB " could not be read.");
	else
		report_text(w->detail, "%s %lld, and the kernel lets one more in.",
			    l.by_argument ? "listen() argument" : SOMAXCONN_KNOB,
			    (long long)(l.capacity - 1));
	/* An experiment follows and says more. */
	if (!run->lab) {
		if (w->verdict == VERDICT_SHORT || w->verdict == VERDICT_TIGHT)
			short_finding(run, &l, w, needed);
	}
	if (!l.by_argument)
		note_listeners(run, &l, needed);
	note_abort(run);
	return 0;
}

/* How a value of somaxconn is had in the lab. */
enum emulation { EMULATE_NOT, EMULATE_BY_ARGUMENT, EMULATE_IMPOSSIBLE };

/* Before 6.11 a lab without privilege has no net/core, and its somaxconn is the kernel's default.
 */
#define SOMAXCONN_DEFAULT 4096

static enum emulation lab_emulation(struct lab *lab, int64_t value)
{
	char now[KNOB_VALUE];
	struct err ignored = {0};
	if (lab_knob_get(lab, LAB_SERVER, SOMAXCONN_KNOB, now, sizeof(now), &ignored) != -ENOENT)
		return EMULATE_NOT;
	return value <= SOMAXCONN_DEFAULT ? EMULATE_BY_ARGUMENT : EMULATE_IMPOSSIBLE;
}

/* The same stall with the proposed value; 0, or negative when it could not be tried. */
static int proof_run(struct probe_run *run, const struct limits *l, const struct finding *f,
		     uint64_t arrivals, struct stall *out, struct err *e)
{
	int64_t proposed = strtoll(f->proposed, NULL, 10);
	enum emulation how = lab_emulation(run->proof, proposed);
	char before[KNOB_VALUE];
	bool raise = !l->by_argument || proposed > l->somaxconn;
	if (how == EMULATE_IMPOSSIBLE)
		return err_set(e, ENOTSUP,
			       "not tried: before Linux 6.11 a lab without privilege is fixed at "
			       "somaxconn 4096; root can try it");
	if (how == EMULATE_BY_ARGUMENT)
		return stall_run(run, run->proof, (int)proposed, arrivals, 0, out, e);
	int rc = lab_knob_get(run->proof, LAB_SERVER, SOMAXCONN_KNOB, before, sizeof(before), e);
	if (!rc && raise)
		rc = lab_knob_set(run->proof, LAB_SERVER, SOMAXCONN_KNOB, f->proposed, e);
	if (!rc)
		rc = stall_run(run, run->proof, l->by_argument ? (int)proposed : INT_MAX, arrivals,
			       0, out, e);
	struct err ignored = {0};
	if (raise)
		lab_knob_set(run->proof, LAB_SERVER, SOMAXCONN_KNOB, before, &ignored);
	return rc;
}

static void stall_evidence(struct finding *f, const struct stall *now, const struct stall *then)
{
	finding_evidence(f, "ListenOverflows", "SYNs",
			 now->overflows >= 0 ? (double)now->overflows : (double)now->queue.drops,
			 !then                  ? NAN
			 : then->overflows >= 0 ? (double)then->overflows
						: (double)then->queue.drops);
	finding_evidence(f, "clients served", "connections", (double)now->served,
			 then ? (double)then->served : NAN);
	finding_evidence(f, "last client in after", "us", (double)now->last_in_us,
			 then ? (double)then->last_in_us : NAN);
}

static void stall_tell(struct probe_run *run, struct finding *f, const struct stall *s)
{
	char arrivals[32], drops[32], pause[32], last[32];
	quantity_format(arrivals, sizeof(arrivals), QUANTITY_COUNT, s->arrivals);
	quantity_format(pause, sizeof(pause), QUANTITY_DURATION, run->target->stall_us);
	quantity_format(last, sizeof(last), QUANTITY_DURATION, quantity_round(s->last_in_us));
	if (!s->queue.drops) {
		report_text(
			f->detail,
			"While the server paused for %s, %s clients arrived and all were queued, "
			"with less than a quarter to spare.",
			pause, arrivals);
		return;
	}
	quantity_format(drops, sizeof(drops), QUANTITY_COUNT, s->queue.drops);
	if (s->served == s->arrivals)
		report_text(
			f->detail,
			"While the server paused for %s, %s clients arrived: %s were dropped and "
			"the last one got in after %s (its SYN was retransmitted).",
			pause, arrivals, drops, last);
	else
		report_text(
			f->detail,
			"While the server paused for %s, %s clients arrived: %s were dropped, and "
			"%llu had still not got in %.1f s after the pause.",
			pause, arrivals, drops, (unsigned long long)(s->arrivals - s->served),
			STALL_LATE_MS / 1000.0);
}

static void short_prove(struct probe_run *run, const struct limits *l, struct finding *f,
			const struct stall *now)
{
	struct stall then;
	struct err e = {0};
	char last[32];
	int rc = -ENOTSUP;
	if (run->options->no_proof)
		err_set(&e, ENOTSUP, "not tried, as asked");
	else if (!run->proof)
		err_set(&e, ENOTSUP, "not tried: that takes a private lab");
	else
		rc = proof_run(run, l, f, now->arrivals, &then, &e);
	stall_evidence(f, now, rc ? NULL : &then);
	if (rc)
		report_text(f->tried, "%s", e.text);
	else
		report_text(f->tried, "%llu dropped, the last one in after %s",
			    (unsigned long long)then.queue.drops,
			    quantity_format(last, sizeof(last), QUANTITY_DURATION,
					    quantity_round(then.last_in_us)));
}

/* Without an experiment the inspected wall stands, and is called derived. */
static void wall_derived(struct probe_run *run, const struct limits *l, struct wall *w,
			 uint64_t needed, const char *why)
{
	w->method = METHOD_DERIVED;
	report_text(w->detail, "%s", why);
	if (w->verdict == VERDICT_SHORT || w->verdict == VERDICT_TIGHT)
		short_finding(run, l, w, needed);
}

static int accept_queue_measure(struct probe_run *run, struct err *e)
{
	struct limits l = limits_read(run);
	struct wall *w = report_wall(run->report, WALL);
	uint64_t needed = target_accept_queue(run->target);
	if (l.capacity == REPORT_NONE)
		return 0;
	enum emulation how = lab_emulation(run->lab, l.somaxconn);
	if (how == EMULATE_IMPOSSIBLE && !l.by_argument) {
		wall_derived(run, &l, w, needed,
			     "By " SOMAXCONN_KNOB ": before Linux 6.11 a lab without privilege is "
			     "fixed at 4096. Root measures it.");
		return 0;
	}
	if (needed > STALL_ARRIVALS) {
		wall_derived(run, &l, w, needed,
			     "By " SOMAXCONN_KNOB ": the experiment sends at most 32 768 clients.");
		return 0;
	}
	int backlog = l.by_argument                ? (int)l.argument
		      : how == EMULATE_BY_ARGUMENT ? (int)l.somaxconn
						   : INT_MAX;
	/* Far enough to find the end of the queue, unless that is out of proportion. */
	uint64_t end = (uint64_t)l.capacity + 512;
	uint64_t fill = end > needed ? end - needed : 0;
	if (fill > FILL_CONNECTIONS)
		fill = report_margin(needed) > needed ? report_margin(needed) - needed + 512 : 512;
	fill = (fill + 511) / 512 * 512;
	struct stall now;
	char rate[32];
	int rc = stall_run(run, run->lab, backlog, needed, fill, &now, e);
	if (rc)
		return rc;
	w->method = METHOD_MEASURED;
	w->measured = (int64_t)(now.capacity ? now.capacity : now.reached);
	w->verdict = report_verdict(w->measured, w->needed);
	if (!now.capacity)
		w->method = METHOD_DERIVED;
	report_text(w->detail, "%s %lld.%s", l.by_argument ? "listen() argument" : SOMAXCONN_KNOB,
		    (long long)l.capacity - 1,
		    how == EMULATE_BY_ARGUMENT ? " In the lab through the listen() argument." : "");
	if (now.accepts_per_s) {
		size_t used = strlen(w->detail);
		snprintf(w->detail + used, sizeof(w->detail) - used,
			 " When it went on, the test server accepted %s.",
			 quantity_format(rate, sizeof(rate), QUANTITY_RATE,
					 quantity_round(now.accepts_per_s)));
	}
	if (w->verdict == VERDICT_SHORT || w->verdict == VERDICT_TIGHT) {
		struct finding *f = short_finding(run, &l, w, needed);
		stall_tell(run, f, &now);
		short_prove(run, &l, f, &now);
	}
	return 0;
}

const struct probe probe_accept_queue = {
	.name = "accept-queue",
	.summary = "clients arrive while the server pauses: how many wait, how many are dropped",
	.walls = WALL,
	.lab = {.client_addresses = 4},
	.inspect = accept_queue_inspect,
	.measure = accept_queue_measure,
};
