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
#define FILL_STEP 512
/* However slow the target's rate, arrivals are sent within this time: the queue only counts. */
#define STALL_SEND_MS 200
#define STALL_SEND_TIMEOUT_MS 8000
/* Time for clients whose SYN was dropped: the first retransmission comes after 1 s (RFC 6298). */
#define STALL_LATE_MS 1400
/* Time for clients that were queued, all of them. */
#define STALL_QUEUED_MS 8000
#define STALL_SETTLE_MS 500

/* One pause of the server with clients arriving. */
struct stall {
	uint64_t arrivals;
	uint64_t dropped;       /* of the arrivals, at the end of the pause */
	uint64_t capacity;      /* depth when it overflowed; 0: it never did */
	uint64_t reached;       /* deepest that was seen */
	uint64_t served;        /* of the arrivals, in the end */
	uint64_t last_in_us;    /* from the end of the pause to the last client that was served */
	uint64_t accepts_per_s; /* while the server drained the queue */
	int64_t overflows;      /* ListenOverflows at the end of the pause; -1: not counted here */
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
	for (uint64_t left = extra->config.connections; left >= FILL_STEP && !out->capacity;
	     left -= FILL_STEP) {
		struct server_queue queue;
		int rc = load_open(extra, FILL_STEP, 0, STALL_SEND_TIMEOUT_MS, e);
		sent += FILL_STEP;
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
static int stall_drain(struct server *server, struct load *load, struct stall *out, struct err *e)
{
	struct server_queue alive;
	uint64_t patience_ms = out->dropped ? STALL_LATE_MS + out->arrivals / 20 : STALL_QUEUED_MS;
	int rc = server_resume(server, e);
	uint64_t resumed = load_now_ns(), end = resumed + patience_ms * 1000000;
	struct load_sum sum = load_sum(load);
	while (!rc && sum.served + sum.failed < out->arrivals && load_now_ns() < end) {
		nap_ms(1);
		sum = load_sum(load);
	}
	/* A server that died would else look like a very slow one. */
	if (!rc)
		rc = server_queue(server, &alive, e);
	if (rc)
		return rc;
	out->served = sum.served;
	out->last_in_us = sum.last_served_ns > resumed ? (sum.last_served_ns - resumed) / 1000 : 0;
	uint64_t accepted = server->stats->accepted, last = server->stats->last_accept_ns;
	if (out->served == out->arrivals && !out->dropped && last > resumed)
		out->accepts_per_s = (uint64_t)((double)accepted * 1e9 / (double)(last - resumed));
	return 0;
}

/* Sends the arrivals to the paused server and counts what became of them. */
static int stall_arrive(struct probe_run *run, struct server *server, struct load *load,
			struct stall *out, struct err *e)
{
	struct server_queue queue;
	uint64_t pace = out->arrivals * 1000 / STALL_SEND_MS + 1;
	if (run->target->rate_per_s > pace)
		pace = run->target->rate_per_s;
	probe_progress(run, "%s clients arrive at a paused server",
		       quantity_show(QUANTITY_COUNT, out->arrivals).text);
	int rc = load_open(load, out->arrivals, pace, STALL_SEND_TIMEOUT_MS, e);
	if (!rc)
		rc = stall_settle(server, out->arrivals, &queue, e);
	if (rc)
		return rc;
	struct load_sum sum = load_sum(load);
	if (sum.failed)
		return err_set(e, sum.first_errno, "%llu of %llu clients could not connect: %s",
			       (unsigned long long)sum.failed, (unsigned long long)out->arrivals,
			       strerror(sum.first_errno));
	/* Neither queued nor dropped: they never came, which says nothing about the queue. */
	if (queue.depth + queue.drops < out->arrivals)
		return err_set(e, EIO, "only %llu of %llu clients reached the server",
			       (unsigned long long)(queue.depth + queue.drops),
			       (unsigned long long)out->arrivals);
	out->reached = queue.depth;
	/* The kernel counts a SYN at each retransmission, so clients are what is not queued. */
	if (queue.drops && queue.depth < out->arrivals) {
		out->dropped = out->arrivals - queue.depth;
		out->capacity = queue.depth;
	}
	return 0;
}

static int stall_body(struct probe_run *run, struct lab *lab, struct server *server,
		      struct load *load, struct load *extra, struct stall *out, struct err *e)
{
	struct host_counters *before = malloc(2 * sizeof(*before));
	if (!before)
		return err_set(e, ENOMEM, "no memory for counters");
	struct host_counters *after = before + 1;
	int rc = lab_counters(lab, LAB_SERVER, before, e);
	if (!rc)
		rc = stall_arrive(run, server, load, out, e);
	if (!rc)
		rc = lab_counters(lab, LAB_SERVER, after, e);
	if (!rc)
		out->overflows = host_counter_delta(before, after, "TcpExt.ListenOverflows");
	if (!rc && !out->capacity && extra->shards)
		rc = stall_fill(server, extra, out, e);
	if (!rc)
		rc = stall_drain(server, load, out, e);
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
	/* With few descriptors to a process the end of the queue may be out of reach. */
	if (!rc && fill) {
		rc = load_start(&extra, lab, &to, e);
		if (rc == -EMFILE)
			rc = 0;
	}
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

/* The smallest power of two that makes the verdict ok; 0 when the knob cannot hold it. */
static uint64_t limits_propose(uint64_t needed)
{
	uint64_t value = 128, enough = report_margin(needed);
	uint64_t most = (uint64_t)knob_find(SOMAXCONN_KNOB)->max;
	while (value + 1 < enough && value <= most)
		value *= 2;
	return value <= most ? value : 0;
}

static void short_advice(struct finding *f, const struct limits *l, uint64_t proposed)
{
	const struct knob *somaxconn = knob_find(SOMAXCONN_KNOB);
	unsigned long long p = proposed;
	if (!proposed)
		report_text(f->advice,
			    "No accept queue can hold so many: shorten the server's pauses.");
	else if (!l->by_argument)
		report_text(f->advice, "Takes effect %s. Costs nothing until used.",
			    knob_effect_text(somaxconn->effect));
	else if (proposed > (uint64_t)l->somaxconn)
		report_text(f->advice,
			    "Pass it to listen() (nginx: listen … backlog=%llu) and "
			    "raise " SOMAXCONN_KNOB " from %lld to the same.",
			    p, (long long)l->somaxconn);
	else
		report_text(f->advice,
			    "Pass it to listen() (nginx: listen … backlog=%llu); " SOMAXCONN_KNOB
			    " allows %lld.",
			    p, (long long)l->somaxconn);
}

static struct finding *short_finding(struct probe_run *run, const struct limits *l,
				     const struct wall *wall, uint64_t needed)
{
	char count[32], pause[32];
	bool tight = wall->verdict == VERDICT_TIGHT;
	const char *id = l->by_argument ? "accept-queue.application"
			 : tight        ? "accept-queue.tight"
					: "accept-queue.short";
	quantity_format(pause, sizeof(pause), QUANTITY_DURATION, run->target->stall_us);
	struct finding *f = report_finding(
		run->report, id, tight ? LEVEL_WARNING : LEVEL_CRITICAL,
		l->by_argument ? "The server's own listen() argument bounds its accept queue"
			       : "The accept queue is %s for a pause of %s",
		tight ? "tight" : "too short", pause);
	uint64_t proposed = limits_propose(needed);
	report_text(f->wall, "%s", WALL);
	f->remedy = l->by_argument ? REMEDY_APPLICATION : REMEDY_KERNEL;
	report_text(f->knob, "%s", wall->knob);
	report_text(f->current, "%lld", (long long)(l->by_argument ? l->argument : l->somaxconn));
	if (proposed)
		report_text(f->proposed, "%llu", (unsigned long long)proposed);
	report_text(f->detail, "%s connections arrive in a pause of %s; the queue holds %s.",
		    quantity_format(count, sizeof(count), QUANTITY_COUNT, needed), pause,
		    quantity_show(QUANTITY_COUNT, (uint64_t)l->capacity).text);
	short_advice(f, l, proposed);
	return f;
}

/* Raising somaxconn alone does not help a server that asks for less than is proposed. */
static void short_argument(struct probe_run *run, const struct limits *l, const struct finding *f)
{
	long long proposed = strtoll(f->proposed, NULL, 10);
	if (l->by_argument || !l->argument || l->argument >= proposed)
		return;
	struct finding *more = report_finding(run->report, "accept-queue.application", f->level,
					      "The server asks listen() for too little as well");
	report_text(more->wall, "%s", WALL);
	more->remedy = REMEDY_APPLICATION;
	report_text(more->knob, "%s", BACKLOG_KNOB);
	report_text(more->current, "%lld", (long long)l->argument);
	report_text(more->proposed, "%lld", proposed);
	report_text(more->detail,
		    "With " SOMAXCONN_KNOB " raised to %lld its argument of %lld would be "
		    "the limit.",
		    proposed, (long long)l->argument);
	report_text(more->tried, "%s%s", strncmp(f->tried, "not tried", 9) ? "together, " : "",
		    f->tried);
	report_text(more->advice, "Pass it to listen() (nginx: listen … backlog=%lld).", proposed);
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
		if (at[i].limit + 1ull >= needed || (int64_t)at[i].limit >= l->somaxconn ||
		    !strcmp(at[i].process, "epolltune"))
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
	report_text(f->proposed, "0");
	report_text(f->detail,
		    "With it a client that meets a full queue after its handshake gets a "
		    "reset and gives up, where otherwise it would be let in a moment later.");
	report_text(f->advice,
		    "epolltune apply --set %s=0 --allow-lower sets the kernel's "
		    "default. More: epolltune explain tcp_abort_on_overflow-1",
		    k->name);
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
			short_argument(run, &l, short_finding(run, &l, w, needed));
	}
	if (!l.by_argument)
		note_listeners(run, &l, needed);
	note_abort(run);
	return 0;
}

/* Before 6.11 a lab without privilege has no net/core, and its somaxconn is the kernel's default.
 */
#define SOMAXCONN_DEFAULT 4096

/* Has a listener in the lab bounded as by `somaxconn` and a listen() argument (0: as much as the
 * kernel gives), and says what to pass to listen() for it. Returns 1 when that stands in for a
 * somaxconn that the lab cannot have, -ENOTSUP when nothing can. */
static int lab_bound(struct lab *lab, int64_t somaxconn, int64_t argument, int *backlog,
		     struct err *e)
{
	char value[KNOB_VALUE];
	int64_t now = SOMAXCONN_DEFAULT, asked = argument ? argument : INT_MAX;
	int rc = lab_knob_get(lab, LAB_SERVER, SOMAXCONN_KNOB, value, sizeof(value), e);
	if (rc && rc != -ENOENT)
		return rc;
	if (!rc)
		knob_field(value, 0, &now);
	*backlog = (int)asked;
	if (now == somaxconn)
		return 0;
	snprintf(value, sizeof(value), "%lld", (long long)somaxconn);
	if (!rc && !lab_knob_set(lab, LAB_SERVER, SOMAXCONN_KNOB, value, e))
		return 0;
	*backlog = (int)(asked < somaxconn ? asked : somaxconn);
	if (*backlog <= now)
		return 1;
	return err_set(e, ENOTSUP,
		       "the lab's somaxconn is fixed at %lld here (before Linux 6.11 without "
		       "privilege, or where /proc/sys is read-only); root measures it",
		       (long long)now);
}

/* The same stall with the proposed value; negative when it could not be tried. */
static int proof_run(struct probe_run *run, const struct limits *l, const struct finding *f,
		     uint64_t arrivals, struct stall *out, struct err *e)
{
	int64_t proposed = strtoll(f->proposed, NULL, 10);
	int64_t somaxconn = l->somaxconn > proposed ? l->somaxconn : proposed;
	int64_t argument = l->argument && l->argument < proposed ? proposed : l->argument;
	int backlog = 0;
	int rc = lab_bound(run->proof, somaxconn, argument, &backlog, e);
	if (rc >= 0)
		rc = stall_run(run, run->proof, backlog, arrivals, 0, out, e);
	struct err ignored = {0};
	lab_bound(run->proof, l->somaxconn, 0, &backlog, &ignored);
	return rc;
}

static double overflows(const struct stall *s)
{
	return s->overflows >= 0 ? (double)s->overflows : (double)s->dropped;
}

/* A last one only when all are in. */
static double last_in(const struct stall *s)
{
	return s->served == s->arrivals ? (double)s->last_in_us : NAN;
}

static void stall_evidence(struct finding *f, const struct stall *now, const struct stall *then)
{
	finding_evidence(f, "ListenOverflows", "SYNs", overflows(now),
			 then ? overflows(then) : NAN);
	finding_evidence(f, "clients served", "connections", (double)now->served,
			 then ? (double)then->served : NAN);
	finding_evidence(f, "last client in", "us", last_in(now), then ? last_in(then) : NAN);
}

/* "903 were dropped and the last one got in 1.04 s after it". */
static void stall_outcome(const struct stall *s, char *out, size_t size)
{
	char dropped[32], last[32], outside[32];
	quantity_format(dropped, sizeof(dropped), QUANTITY_COUNT, s->dropped);
	quantity_format(last, sizeof(last), QUANTITY_DURATION,
			quantity_round(QUANTITY_DURATION, s->last_in_us));
	quantity_format(outside, sizeof(outside), QUANTITY_COUNT, s->arrivals - s->served);
	if (s->served == s->arrivals)
		snprintf(out, size, "%s dropped, the last client in %s after the pause", dropped,
			 last);
	else
		snprintf(out, size, "%s dropped, %s clients still out %s after the pause", dropped,
			 outside,
			 quantity_format(last, sizeof(last), QUANTITY_DURATION,
					 (STALL_LATE_MS + s->arrivals / 20) * 1000));
}

static void stall_tell(struct probe_run *run, struct finding *f, const struct stall *s)
{
	char arrivals[32], pause[32], outcome[128];
	quantity_format(arrivals, sizeof(arrivals), QUANTITY_COUNT, s->arrivals);
	quantity_format(pause, sizeof(pause), QUANTITY_DURATION, run->target->stall_us);
	stall_outcome(s, outcome, sizeof(outcome));
	/* A longer pause is not waited for: its arrivals come within STALL_SEND_MS. */
	bool whole = run->target->stall_us <= STALL_SEND_MS * 1000;
	int n = snprintf(f->detail, sizeof(f->detail),
			 whole ? "While the server paused for %s, %s clients arrived: "
			       : "As many clients as arrive in a pause of %s, %s, came while the "
				 "server paused: ",
			 pause, arrivals);
	if (s->dropped)
		snprintf(f->detail + n, sizeof(f->detail) - (size_t)n,
			 "%s (a dropped SYN comes again after 1 s).", outcome);
	else
		snprintf(f->detail + n, sizeof(f->detail) - (size_t)n,
			 "all were queued, with less than a quarter to spare.");
}

static void short_prove(struct probe_run *run, const struct limits *l, struct finding *f,
			const struct stall *now)
{
	struct stall then;
	struct err e = {0};
	int rc = -ENOTSUP;
	if (!f->proposed[0])
		err_set(&e, ENOTSUP, "no value would do");
	else if (run->options->no_proof)
		err_set(&e, ENOTSUP, "as asked");
	else if (!run->proof)
		err_set(&e, ENOTSUP, "that takes a private lab");
	else
		rc = proof_run(run, l, f, now->arrivals, &then, &e);
	stall_evidence(f, now, rc ? NULL : &then);
	if (rc)
		report_text(f->tried, "not tried: %s", e.text);
	else
		stall_outcome(&then, f->tried, sizeof(f->tried));
}

/* Without an experiment the inspected wall stands, and is called derived. */
static int wall_derived(struct probe_run *run, const struct limits *l, struct wall *w,
			uint64_t needed, const char *why)
{
	w->method = METHOD_DERIVED;
	report_text(w->detail, "By %s: %s.", w->knob, why);
	if (w->verdict == VERDICT_SHORT || w->verdict == VERDICT_TIGHT)
		short_argument(run, l, short_finding(run, l, w, needed));
	return 0;
}

/* Clients that may be sent: each holds a file at both ends, and what the whole machine shares is
 * never used up beyond a tenth of what is left. */
static uint64_t clients_allowed(const struct host *h)
{
	struct host_files files;
	struct err ignored = {0};
	if (host_files(h, &files, &ignored))
		return STALL_ARRIVALS;
	uint64_t share = files.max > files.allocated ? (files.max - files.allocated) / 20 : 0;
	return share < STALL_ARRIVALS ? share : STALL_ARRIVALS;
}

/* Far enough to find the end of the queue, unless that is out of proportion. */
static uint64_t fill_beyond(const struct limits *l, uint64_t needed, uint64_t allowed)
{
	uint64_t end = (uint64_t)l->capacity + FILL_STEP;
	uint64_t fill = end > needed ? end - needed : 0;
	if (fill > FILL_CONNECTIONS)
		fill = report_margin(needed) - needed + FILL_STEP;
	fill = (fill + FILL_STEP - 1) / FILL_STEP * FILL_STEP;
	return fill < allowed ? fill : allowed / FILL_STEP * FILL_STEP;
}

static void wall_measured(const struct limits *l, struct wall *w, const struct stall *now,
			  bool emulated)
{
	char rate[32];
	/* Where it did not overflow, its limit stands by the settings. */
	w->method = now->capacity ? METHOD_MEASURED : METHOD_DERIVED;
	w->measured = (int64_t)(now->capacity ? now->capacity : now->reached);
	w->at_least = !now->capacity;
	w->verdict = report_verdict(now->capacity ? w->measured : w->limit, w->needed);
	report_text(w->detail, "%s %lld.%s", l->by_argument ? "listen() argument" : SOMAXCONN_KNOB,
		    (long long)l->capacity - 1,
		    emulated ? " In the lab through the listen() argument." : "");
	if (!now->accepts_per_s)
		return;
	size_t used = strlen(w->detail);
	snprintf(w->detail + used, sizeof(w->detail) - used,
		 " When it went on, the test server accepted %s.",
		 quantity_format(rate, sizeof(rate), QUANTITY_RATE,
				 quantity_round(QUANTITY_RATE, now->accepts_per_s)));
}

static int accept_queue_measure(struct probe_run *run, struct err *e)
{
	struct limits l = limits_read(run);
	struct wall *w = report_wall(run->report, WALL);
	uint64_t needed = target_accept_queue(run->target);
	struct stall now;
	int backlog = 0;
	if (l.capacity == REPORT_NONE)
		return 0;
	int emulated = lab_bound(run->lab, l.somaxconn, l.argument, &backlog, e);
	if (emulated == -ENOTSUP)
		return wall_derived(run, &l, w, needed, e->text);
	if (emulated < 0)
		return emulated;
	uint64_t allowed = clients_allowed(run->host);
	if (needed > allowed)
		return wall_derived(
			run, &l, w, needed,
			allowed < STALL_ARRIVALS
				? "the experiment would take too many of the descriptors "
				  "that fs.file-max leaves this machine"
				: "the experiment sends at most 32 768 clients");
	int rc = stall_run(run, run->lab, backlog, needed,
			   fill_beyond(&l, needed, allowed - needed), &now, e);
	if (rc)
		return rc;
	wall_measured(&l, w, &now, emulated);
	if (w->verdict == VERDICT_SHORT || w->verdict == VERDICT_TIGHT) {
		struct finding *f = short_finding(run, &l, w, needed);
		stall_tell(run, f, &now);
		short_prove(run, &l, f, &now);
		short_argument(run, &l, f);
	}
	return 0;
}

const struct probe probe_accept_queue = {
	.name = "accept-queue",
	.summary = "clients arrive while the server pauses: how many wait, how many are dropped",
	.walls = WALL,
	.lab = {.client_addresses = 4, .wide_ports = true},
	.inspect = accept_queue_inspect,
	.measure = accept_queue_measure,
};
