/* Finds the limits of the operator's server (check --run), which runs in a lab: what it does at a
 * limit shows in counts, and whose the limit is in its descriptors, its accept queue, and by
 * exclusion. */
#include "epolltune/probe.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/counters.h"
#include "epolltune/guest_hold.h"
#include "epolltune/guest_load.h"
#include "epolltune/knob.h"
#include "epolltune/quantity.h"

/* Connections whose kernel memory is counted, and what it is at most, in usual connections. */
#define WEIGHED 500
#define KERNEL_MAX 20

enum { NOFILE, CLIENTS };
/* Metrics of application.memory and application.accepts. */
enum { OWN, KERNELS };
enum { SERVER_CPU, CLIENT_CPU, OVERFLOWED };

enum load_kind { LOAD_NEW, LOAD_OPEN, LOADS };
static const char *const load_names[] = {
	[LOAD_NEW] = "With a new connection for each request",
	[LOAD_OPEN] = "On open connections",
};

struct context {
	struct guest_hold hold;
	struct latency {
		uint64_t offered_per_s; /* 0: it was not measured */
		uint64_t connections, requests;
		uint64_t p50_us, p99_us;
		uint64_t answered; /* in all, also before */
	} latency;
	/* Why the rate of a load is no measure of the server's speed, where that is its fault; "":
	 * it is, or whose fault is not known. */
	char bad_replies[LOADS][GUEST_BAD];
};

/* Whether its limit on connections sets that on descriptors. */
static bool server_sets_files(const struct server_row *server)
{
	return server && server->clients_files;
}

/* Whether a line of the server that can be tried sets its limit. */
static bool line_known(const struct subject *subject)
{
	const struct server_row *server = subject_row(subject);
	const struct server_setting *set = server ? &server->set[SERVER_CLIENTS] : NULL;
	return set && (set->directive || set->option);
}

static void clients_read(const struct host *h, struct settings *s)
{
	struct guest_line line;
	struct err unread;
	if (!s->guest || !s->subject)
		return;
	int rc = guest_line_make(s->guest, h, s->subject->name, SERVER_CLIENTS, 0, &line, &unread);
	if (!rc && line.present)
		s->at[CLIENTS][0] = (int64_t)line.present;
	if (s->at[CLIENTS][0] != REPORT_NONE)
		report_text(s->text[CLIENTS], "%lld", (long long)line.present);
	else if (!rc)
		report_text(s->text[CLIENTS], "default");
	guest_line_free(&line);
}

static int hold_judge(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	const struct guest_hold *g = &t->context->hold;
	bool raised = t->proof && s->at[NOFILE][0] > (int64_t)s->subject->soft;
	int rc = guest_hold_run(t, &t->context->hold, raised ? (uint64_t)s->at[NOFILE][1] : 0, out,
				e);
	if (rc || !out->measured)
		return rc;
	s->taken.held = g->idle.most;
	s->taken.at_nofile = out->limit_met && guest_hold_at_nofile(g);
	s->taken.at_own = out->limit_met && !s->taken.at_nofile && line_known(s->subject);
	if (out->limit_met)
		guest_hold_text(g, t->options->guest->socket, s->taken.at_nofile, out->remark,
				sizeof(out->remark));
	return 0;
}

/* The other walls are those of the server as it is, not with the proposal. */
static int connections_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	const struct guest_held held = t->context->hold.held;
	const struct guest_weight weight = t->context->hold.weight;
	int rc = hold_judge(t, s, out, e);
	if (t->proof) {
		t->context->hold.held = held;
		t->context->hold.weight = weight;
	}
	return rc;
}

static void connections_bound(const struct target *target, const struct settings *s,
			      struct bound *b)
{
	if (s->taken.at_nofile)
		b->binding = NOFILE;
	else if (s->taken.at_own)
		b->binding = CLIENTS;
}

/* The limit of its own with which it holds that many, rounded. */
static int64_t clients_for(const struct server_row *server, const struct settings *s,
			   uint64_t enough)
{
	return knob_round(knob_find("server.max_connections"),
			  (int64_t)server_clients(server, enough, s->taken.held));
}

/* Whether its own limit is as high already, as far as its configuration says. */
static bool clients_suffice(const struct settings *s, int64_t limit)
{
	return s->at[CLIENTS][0] != REPORT_NONE && s->at[CLIENTS][0] >= limit;
}

static void nofile_raise(struct settings *s, int64_t files)
{
	s->at[NOFILE][0] = files;
	if (s->at[NOFILE][1] < files)
		s->at[NOFILE][1] = files;
}

static bool connections_solve(const struct target *target, const struct settings *now,
			      const struct outcome *o, int64_t enough, struct settings *out)
{
	int64_t soft = now->at[NOFILE][0];
	if (!o || (!now->taken.at_nofile && !now->taken.at_own))
		return false;
	const struct server_row *server = subject_row(now->subject);
	int64_t limit = line_known(now->subject) ? clients_for(server, now, (uint64_t)enough) : 0;
	bool unset = now->at[CLIENTS][0] == REPORT_NONE;
	/* One that the process never reached may suffice, unless its configuration has less. */
	if (limit && !clients_suffice(now, limit) && (now->taken.at_own || !unset))
		out->at[CLIENTS][0] = limit;
	else if (now->taken.at_own)
		return false;
	if (soft == REPORT_NONE || server_sets_files(server))
		return now->taken.at_own;
	int64_t files = now->taken.at_nofile ? enough + soft - o->reached
					     : enough + (int64_t)now->taken.held + GUEST_RESERVED;
	if (now->taken.at_nofile || now->at[NOFILE][server->files_raised] < files)
		nofile_raise(out, files);
	return true;
}

static void connections_words(const struct target *target, const struct settings *s,
			      const struct outcome *o, const struct bound *b, struct wording *w)
{
	const struct server_row *server = subject_row(s->subject);
	int64_t limit = server ? clients_for(server, s, guest_hold_wanted(target)) : 0;
	char line[WORDING_TEXT];
	wording_set(w, "who", "%s", server ? server->name : s->subject ? s->subject->name : "");
	wording_flag(w, "process", s->taken.at_nofile);
	wording_set(w, "reached", "%s",
		    o && o->reached != REPORT_NONE ? quantity_count((uint64_t)o->reached).text
						   : "");
	wording_set(w, "server", "%s", server ? server->name : "");
	wording_set(w, "default", "%s", server && server->clients ? server->clients : "");
	wording_set(w, "line", "%s",
		    server_line(server ? server->clients_line : NULL, "clients", (uint64_t)limit,
				line, sizeof(line)));
	wording_set(w, "present", "%s", "");
	if (server && s->taken.at_own && clients_suffice(s, limit))
		wording_set(w, "present", "%s",
			    server_line(server->clients_line, "clients",
					(uint64_t)s->at[CLIENTS][0], line, sizeof(line)));
}

static struct cost connections_cost(const struct target *target, const struct settings *s,
				    const struct bound *b)
{
	return (struct cost){.clients = guest_hold_wanted(target)};
}

static void connections_describe(const struct trial *t, const struct outcome *o, char *text,
				 size_t size)
{
	if (t->proof)
		report_text_into(text, size, "%s%s held", o->limit_met ? "" : "at least ",
				 quantity_count((uint64_t)o->reached).text);
	else if (o->limit_met)
		report_text_into(text, size, "%s", o->remark);
}

static int64_t memory_left(const struct settings *s)
{
	uint64_t available = s->machine.available_bytes, group = (uint64_t)s->machine.group_left;
	return (int64_t)(group < available ? group : available);
}

/* The idle ones that were held, with what the kernel has at the server's end of each. */
static int memory_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	const struct guest_weight *w = &t->context->hold.weight;
	const struct guest_weight_level *all = &w->at[w->count ? w->count - 1 : 0];
	uint64_t client = host_connection_bytes(t->host, NULL);
	bool by_cache = false, bound;
	if (all->held < GUEST_FEW || !all->own) {
		outcome_unsupported(
			out, "%s",
			all->held < GUEST_FEW ? "" : "the memory of its processes is not readable");
		return 0;
	}
	uint64_t both = host_slab_taken(&w->before, &w->after, all->held, &by_cache) / all->held;
	s->taken.measured = by_cache && all->held >= WEIGHED && both > client + client / 2 &&
			    both < client * KERNEL_MAX;
	s->taken.connection_bytes = s->taken.measured ? both - client : client;
	s->taken.own_bytes = guest_hold_own_bytes(w, &bound);
	s->taken.held = all->held;
	uint64_t each = s->taken.own_bytes + s->taken.connection_bytes;
	if (!each) {
		outcome_unsupported(out, "the slab caches of the kernel are not readable");
		return 0;
	}
	out->metric[OWN] = (double)s->taken.own_bytes;
	out->metric[KERNELS] = (double)s->taken.connection_bytes;
	out->reached = memory_left(s) / (int64_t)each;
	out->limit_met = !bound;
	out->measured = true;
	if (bound && out->reached < (int64_t)report_margin(t->needed))
		outcome_inconclusive(out,
				     "with %s connections the server's memory had not grown by "
				     "more than at its start",
				     quantity_count(all->held).text);
	return 0;
}

static void memory_bound(const struct target *target, const struct settings *s, struct bound *b)
{
	b->by = s->taken.held ? BY_RUN_DUE : BY_RUN;
}

static void memory_words(const struct target *target, const struct settings *s,
			 const struct outcome *o, const struct bound *b, struct wording *w)
{
	connections_words(target, s, o, b, w);
	wording_set(w, "own", "%s", quantity_show(QUANTITY_SIZE, s->taken.own_bytes).text);
	wording_set(w, "kernel", "%s",
		    quantity_show(QUANTITY_SIZE, s->taken.connection_bytes).text);
	wording_set(w, "held", "%s", s->taken.held ? quantity_count(s->taken.held).text : "");
	wording_flag(w, "counted", s->taken.measured);
}

/* Connections that send requests, as far as the server holds them. */
#define TALKING 64
#define OPEN_US 1000000
#define STEP_US 200000
/* Of the highest rate, in percent; and the growth of the p99 that makes the knee. */
#define STEP_FIRST 50
#define STEP_MORE 10
#define STEP_LAST 90
#define KNEE 4

static void replies_report(const struct trial *t, struct report *r)
{
	struct wording words = {0};
	char bad[WORDING_TEXT] = "";
	for (size_t i = 0; i < LOADS; i++)
		if (t->context->bad_replies[i][0])
			report_append(bad, "%s%s, %s.", bad[0] ? " " : "", load_names[i],
				      t->context->bad_replies[i]);
	if (!bad[0])
		return;
	wording_set(&words, "who", "%s", t->context->hold.subject.name);
	wording_set(&words, "bad", "%s", bad);
	report_finding(r, "application.errors", &words);
}

static struct client_order talk_order(const struct trial *t, double rate, uint64_t us)
{
	return (struct client_order){.verb = CLIENT_REQUEST,
				     .duration_us = us,
				     .active = t->clients[0]->opened,
				     .rate_per_s = rate,
				     .depth = 1,
				     .size = trial_guest_size(t)};
}

static int talk(struct trial *t, double rate, uint64_t us, struct client_sum *sum,
		struct guest_replies *replies, struct err *e)
{
	const struct client_order order = talk_order(t, rate, us);
	const struct client_sum before = client_sum(t->clients[0]);
	int rc = client_order(t->clients[0], &order, NULL, NULL, e);
	*sum = client_sum(t->clients[0]);
	*replies = guest_replies_of(&before, sum);
	t->context->latency.answered += sum->done;
	return rc;
}

static char *quantile(const struct trial *t, double share, char text[32])
{
	snprintf(text, 32, "%s",
		 quantity_measured(QUANTITY_DURATION,
				   client_quantile_ns(t->clients[0], share) / 1000)
			 .text);
	return text;
}

/* The highest of the rates at which the latency is still that of an idle server, as far as the
 * steps show it; 0: none is. */
static int knee_find(struct trial *t, double max, double *knee, struct err *e)
{
	struct client_sum sum;
	struct guest_replies replies;
	uint64_t first = 0;
	int rc = 0;
	*knee = 0;
	for (int percent = STEP_FIRST; !rc && max > 0 && percent <= STEP_LAST;
	     percent += STEP_MORE) {
		rc = talk(t, max * percent / 100, STEP_US, &sum, &replies, e);
		uint64_t p99 = client_quantile_ns(t->clients[0], 0.99);
		first = first ? first : p99;
		if (sum.missed || p99 > KNEE * first || guest_replies_bad(&replies))
			return rc;
		*knee = max * percent / 100;
	}
	return rc;
}

/* As many as it was seen to hold, if that was tried. */
static uint64_t talking(const struct guest_held *h)
{
	bool tried = h->count || h->end != GUEST_HELD_ALL;
	uint64_t n = tried && h->count < TALKING ? h->count : TALKING;
	return n ? n : 1;
}

/* What the last order showed, which was an open loop. */
static void latency_keep(struct trial *t, double rate, uint64_t connections,
			 const struct client_sum *sum)
{
	struct latency *latency = &t->context->latency;
	latency->offered_per_s = (uint64_t)rate;
	latency->connections = connections;
	latency->requests = sum->done;
	latency->p50_us = client_quantile_ns(t->clients[0], 0.5) / 1000;
	latency->p99_us = client_quantile_ns(t->clients[0], 0.99) / 1000;
}

/* `closed` and `open`: the replies of both loops. */
static void rate_remark(const struct trial *t, const struct client_sum *sum, double knee,
			const struct guest_replies *closed, const struct guest_replies *open,
			struct outcome *out)
{
	const struct latency *latency = &t->context->latency;
	const struct guest_replies both = {.done = closed->done + open->done,
					   .errors = closed->errors + open->errors,
					   .failed = closed->failed + open->failed};
	char p50[32], p99[32], p999[32], bad[160];
	report_text(out->remark,
		    "At %s, in an open loop over %s connections: p50 %s, p99 %s, p99.9 %s",
		    quantity_measured(QUANTITY_RATE, latency->offered_per_s).text,
		    quantity_count(latency->connections).text, quantile(t, 0.5, p50),
		    quantile(t, 0.99, p99), quantile(t, 0.999, p999));
	if (sum->missed)
		report_append(out->remark, "; %s were not sent in time",
			      quantity_count(sum->missed).text);
	report_append(out->remark, ". ");
	guest_replies_text(t, &both, bad, sizeof(bad));
	if (bad[0])
		report_append(out->remark, "%s. ", bad);
	if (sum->ended)
		report_append(out->remark, "The server ended %s: opened again. ",
			      quantity_of(sum->ended, "connection").text);
	if (knee > 0)
		report_append(out->remark, "The p99 stays near that of half the rate up to %s.",
			      quantity_measured(QUANTITY_RATE, (uint64_t)knee).text);
}

/* Half of its accept queue, so that it does not overflow by their number. */
static uint64_t churn_active(const struct guest_held *h, uint64_t limit)
{
	bool turns_away = h->end == GUEST_HELD_REFUSED || h->end == GUEST_HELD_RESET ||
			  h->end == GUEST_HELD_CLOSED || h->end == GUEST_HELD_ERROR;
	uint64_t most = limit / 2 < TALKING ? limit / 2 : TALKING;
	if (turns_away && h->count <= most)
		most = h->count ? h->count - 1 : 0;
	return most ? most : 1;
}

/* Starts the server again. False: nothing can be measured, as `out` says, or an error in *rc. One
 * that did not serve before is not waited for again. */
static bool load_begins(struct trial *t, struct outcome *out, int *rc, struct err *e)
{
	struct guest_hold *hold = &t->context->hold;
	*rc = hold->unserved ? 0 : guest_hold_begin(t, hold, 0, e);
	return !*rc && !guest_hold_unserved(hold, out);
}

static int rate_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	struct guest *guest = t->options->guest;
	struct client_order open = {
		.verb = CLIENT_OPEN, .count = talking(&t->context->hold.held), .in_flight = 1};
	struct client_sum sum;
	struct guest_load load = {0};
	struct guest_replies replies;
	struct guest_queue queue = {0};
	double knee = 0;
	int rc;
	if (t->options->gentle) {
		outcome_unsupported(out, GENTLE_REFUSES);
		return 0;
	}
	trial_progress(t, "requests on %s connections", quantity_count(open.count).text);
	if (!load_begins(t, out, &rc, e))
		return rc;
	rc = guest_queue_read(guest, &queue, e);
	/* Each request opens a connection. */
	if (!rc && t->context->hold.held.unheld)
		open.count = churn_active(&t->context->hold.held, queue.limit);
	t->context->latency = (struct latency){0};
	t->context->bad_replies[LOAD_OPEN][0] = 0;
	if (!rc)
		rc = trial_client(t, trial_guest_client(t, open.count), e);
	if (!rc)
		rc = client_order(t->clients[0], &open, NULL, NULL, e);
	if (!rc) {
		const struct client_order most = talk_order(t, 0, GUEST_CLOSED_US);
		rc = guest_load_run(t, &t->context->hold.subject, &most, &load, e);
	}
	if (rc)
		return rc;
	double max = load.rate;
	t->context->latency.answered = load.sum.done + guest->first.replied;
	if (guest_replies_fail(t, &load.replies, &load, t->context->bad_replies[LOAD_OPEN], out))
		return 0;
	double rate = guest->offered_per_s    ? (double)guest->offered_per_s
		      : guest->requests_per_s ? (double)guest->requests_per_s
					      : max / 2;
	if (rate <= 0 && guest_load_hindered(t, &load, "answered", out))
		return 0;
	rc = knee_find(t, max, &knee, e);
	if (!rc)
		rc = talk(t, rate, OPEN_US, &sum, &replies, e);
	if (!rc)
		rc = guest_check(guest, e);
	if (rc || guest_connections_fail(t, open.count, t->context->latency.answered, out) ||
	    guest_replies_fail(t, &replies, &load, t->context->bad_replies[LOAD_OPEN], out))
		return rc;
	latency_keep(t, rate, open.count, &sum);
	if (guest_rate_reached(t, &load, "answered", out))
		rate_remark(t, &sum, knee, &load.replies, &replies, out);
	return 0;
}

static void rate_bound(const struct target *target, const struct settings *s, struct bound *b)
{
	if (s->guest && s->guest->requests_per_s)
		b->need.min = (int64_t)s->guest->requests_per_s;
}

static int latency_run(struct trial *t, uint64_t us, struct outcome *out)
{
	const struct latency *l = &t->context->latency;
	if (!l->offered_per_s) {
		outcome_unsupported(out, "application.rate could not be measured");
		return 0;
	}
	out->reached = (int64_t)us;
	out->limit_met = out->measured = true;
	report_text(out->remark,
		    "At %s, in an open loop over %s, %s requests; %s in all since the "
		    "server was started.",
		    quantity_measured(QUANTITY_RATE, l->offered_per_s).text,
		    quantity_of(l->connections, "connection").text,
		    quantity_count(l->requests).text, quantity_count(l->answered).text);
	return 0;
}

static int p50_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	return latency_run(t, t->context->latency.p50_us, out);
}

static int p99_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	return latency_run(t, t->context->latency.p99_us, out);
}

static void rate_describe(const struct trial *t, const struct outcome *o, char *text, size_t size)
{
	report_text_into(text, size, "It answered %s. %s",
			 quantity_measured(QUANTITY_RATE, (uint64_t)o->reached).text, o->remark);
}

static bool rate_applies(const struct target *target, const struct probe_options *o)
{
	return o->guest && o->guest->protocol != PROTOCOL_CONNECT;
}

static int accepts_load(struct trial *t, uint64_t active, struct guest_load *l, int64_t *overflowed,
			struct err *e)
{
	CLEAN(trial_counters_free) struct trial_counters counters = {0};
	const struct client_order order = {.verb = CLIENT_CHURN,
					   .duration_us = GUEST_CLOSED_US,
					   .active = active,
					   .depth = 1,
					   .size = trial_guest_size(t)};
	int rc = trial_client(t, trial_guest_client(t, active), e);
	if (!rc)
		rc = trial_counters_begin(t, LAB_SERVER, &counters, e);
	if (!rc)
		rc = guest_load_run(t, &t->context->hold.subject, &order, l, e);
	if (!rc)
		rc = trial_counters_end(t, &counters, e);
	if (!rc)
		*overflowed = trial_counters_growth(&counters, COUNTER_LISTEN_OVERFLOWS);
	return rc;
}

static int accepts_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	struct guest_queue queue;
	struct guest_load load = {0};
	int64_t overflowed = 0;
	int rc;
	if (t->options->gentle) {
		outcome_unsupported(out, GENTLE_REFUSES);
		return 0;
	}
	trial_progress(t, "new connections");
	if (!load_begins(t, out, &rc, e))
		return rc;
	rc = guest_queue_read(t->options->guest, &queue, e);
	if (!rc)
		rc = accepts_load(t, churn_active(&t->context->hold.held, queue.limit), &load,
				  &overflowed, e);
	if (!rc)
		rc = guest_check(t->options->guest, e);
	if (rc)
		return rc;
	t->context->bad_replies[LOAD_NEW][0] = 0;
	if (guest_replies_fail(t, &load.replies, &load, t->context->bad_replies[LOAD_NEW], out))
		return 0;
	if (!guest_rate_reached(t, &load, "accepted", out))
		return 0;
	guest_replies_text(t, &load.replies, out->remark, sizeof(out->remark));
	if (out->remark[0])
		report_append(out->remark, ".");
	s->taken.by_cpu = guest_load_by_cpu(&load);
	s->taken.overflows = overflowed > 0;
	out->metric[SERVER_CPU] = round(100 * load.ran);
	out->metric[CLIENT_CPU] = round(100 * load.client);
	if (overflowed > 0)
		out->metric[OVERFLOWED] = (double)overflowed;
	return 0;
}

static void accepts_words(const struct target *target, const struct settings *s,
			  const struct outcome *o, const struct bound *b, struct wording *w)
{
	connections_words(target, s, o, b, w);
	wording_set(w, "reached", "%s",
		    o && o->reached != REPORT_NONE
			    ? quantity_measured(QUANTITY_RATE, (uint64_t)o->reached).text
			    : "");
	wording_flag(w, "cpu", s->taken.by_cpu);
	wording_flag(w, "overflows", s->taken.overflows);
}

static bool guest_applies(const struct target *target, const struct probe_options *o)
{
	return o->guest;
}

static const struct experiment experiments[] = {
	{
		.wall = "application.connections",
		.knobs = {"RLIMIT_NOFILE", "server.max_connections"},
		.due = true,
		.emulates = true,
		.applies = guest_applies,
		.read = clients_read,
		.bound = connections_bound,
		.solve = connections_solve,
		.words = connections_words,
		.cost = connections_cost,
		.run = connections_run,
		.describe = connections_describe,
	},
	{
		.wall = "application.memory",
		.due = true,
		.metrics = {[OWN] = {"own memory of a connection", "B"},
			    [KERNELS] = {"kernel memory of a connection", "B"}},
		.applies = guest_applies,
		.bound = memory_bound,
		.words = memory_words,
		.run = memory_run,
	},
	{
		.wall = "application.accepts",
		.spread = GUEST_SPREAD,
		.again = GUEST_AGAIN,
		.metrics = {[SERVER_CPU] = {"CPU time of the server", "% of a CPU"},
			    [CLIENT_CPU] = {"CPU time of the client", "% of a CPU"},
			    [OVERFLOWED] = {"ListenOverflows", "SYNs"}},
		.due = true,
		.applies = rate_applies,
		.words = accepts_words,
		.run = accepts_run,
	},
	{
		.wall = "application.rate",
		.spread = GUEST_SPREAD,
		.again = GUEST_AGAIN,
		.due = true,
		.applies = rate_applies,
		.bound = rate_bound,
		.words = connections_words,
		.run = rate_run,
		.describe = rate_describe,
		.notice = replies_report,
	},
	{
		.wall = "application.latency.p50",
		.due = true,
		.applies = rate_applies,
		.run = p50_run,
	},
	{
		.wall = "application.latency.p99",
		.due = true,
		.applies = rate_applies,
		.run = p99_run,
	},
	{0},
};

const struct probe probe_application = {
	.name = "application",
	.summary = "the server of --run in a lab, driven into each of its limits",
	.mode = PROBE_EXCLUSIVE,
	.place = PROBE_LAB,
	.guest = GUEST_ONLY,
	.context_size = sizeof(struct context),
	.experiments = experiments,
};
