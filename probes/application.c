/* Finds the limits of the operator's server (check --run), which runs in a lab: what it does at a
 * limit shows in counts, and whose the limit is in its descriptors, its accept queue, and by
 * exclusion. */
#include "epolltune/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/quantity.h"

/* Of a request of PROTOCOL_ECHO. */
#define ECHO_SIZE 64
/* Up to so many connections are opened one after the other, so that the limit is met exactly. */
#define SINGLE 20000
#define AT_ONCE 16
/* For a server to accept what waits, and to close what its clients have reset. */
#define PATIENCE_MS 2000
/* What servers keep free below RLIMIT_NOFILE: Redis 32 descriptors (CONFIG_MIN_RESERVED_FDS). */
#define RESERVED 32
/* A server with fewer is asked for each number, not only for powers of two. */
#define FEW 64

enum { NOFILE };

/* How holding more connections ended. */
enum hold_end {
	HOLD_ALL, /* it did not */
	HOLD_REFUSED,
	HOLD_RESET,
	HOLD_CLOSED,
	HOLD_UNKEPT,
	HOLD_ERROR,
	HOLD_SILENT,
	HOLD_QUEUED,
};
static const char *const hold_ends[] = {
	[HOLD_REFUSED] = "was refused",
	[HOLD_RESET] = "was reset",
	[HOLD_CLOSED] = "made the server close an open one",
	[HOLD_UNKEPT] = "was closed at once, or given to a process of another name",
	[HOLD_ERROR] = "got an error",
	[HOLD_SILENT] = "got no answer within 2 s",
	[HOLD_QUEUED] = "was not accepted within 2 s",
};

struct context {
	struct hold {
		uint64_t held;
		enum hold_end end;
		bool unheld; /* the server closes each connection after its reply */
		int lack;    /* errno of a client that had no port for one more; 0: it had */
		char answer[CLIENT_ANSWER];
		struct subject_open open; /* with all of them */
	} hold;
	struct latency {
		uint64_t offered_per_s; /* 0: it was not measured */
		uint64_t connections, requests;
		uint64_t p50_us, p99_us;
		uint64_t answered; /* in all, also before */
	} latency;
	struct subject subject; /* as it runs now */
	struct subject_open idle;
};

static unsigned request_size(const struct guest *guest)
{
	return guest->request.size ? guest->request.size : ECHO_SIZE;
}

/* Starts the server again: what an experiment before left behind does not count. */
static int server_begin(struct trial *t, uint64_t nofile, struct err *e)
{
	struct context *c = t->context;
	subject_free(&c->subject);
	int rc = guest_restart(t->options->guest, nofile, e);
	if (!rc)
		rc = guest_subject(t->options->guest, t->host, &c->subject, e);
	return rc ? rc : subject_open_read(t->host, &c->subject, &c->idle, e);
}

static struct client_config client_of(const struct trial *t, uint64_t connections)
{
	return (struct client_config){.connections = connections,
				      .request = t->options->guest->request};
}

static enum hold_end end_of(int code)
{
	switch (code) {
	case ECONNREFUSED:
		return HOLD_REFUSED;
	case ECONNRESET:
		return HOLD_RESET;
	case ETIMEDOUT:
		return HOLD_SILENT;
	case EAGAIN: /* of a UNIX socket */
		return HOLD_QUEUED;
	default:
		return HOLD_CLOSED;
	}
}

/* Whether this or another client had no port left: no limit of the server. */
static bool client_lacks(const struct client_sum *sum, uint64_t count, struct hold *h)
{
	if (sum->starved && !sum->failed && !sum->errors && sum->done < count)
		h->lack = sum->first_errno;
	return h->lack;
}

/* Opens connections until one fails, each with a request. */
static int hold_asked(struct trial *t, uint64_t want, struct hold *h, struct err *e)
{
	struct client_order order = {.verb = CLIENT_OPEN,
				     .count = want,
				     .ask = true,
				     .depth = 1,
				     .size = request_size(t->options->guest),
				     .stop = true};
	int rc = trial_client(t, client_of(t, want), e);
	if (!rc)
		order.in_flight = t->clients[0]->processes * (want > SINGLE ? AT_ONCE : 1);
	if (!rc)
		rc = client_order(t->clients[0], &order, NULL, NULL, e);
	if (rc)
		return rc;
	struct client_sum sum = client_sum(t->clients[0]);
	client_answer(t->clients[0], h->answer);
	h->unheld = sum.done > sum.held && !sum.failed && !sum.errors;
	h->held = sum.done - sum.errors;
	if (sum.errors && h->held > sum.held)
		h->held = sum.held;
	if (client_lacks(&sum, want, h) || (!sum.failed && !sum.errors))
		return 0;
	h->end = sum.errors ? HOLD_ERROR : end_of(sum.first_errno);
	/* The last one was answered: to admit it the server has closed others. */
	if (h->held == sum.attempted && h->held)
		h->held--;
	return 0;
}

/* Waits until the server has accepted what waits; the number that still does. */
static int queued_await(struct trial *t, uint64_t *queued, struct err *e)
{
	uint64_t until = clock_ms() + PATIENCE_MS;
	struct guest_queue queue;
	int rc;
	do {
		rc = guest_queue_read(t->options->guest, &queue, e);
		*queued = queue.depth;
	} while (!rc && queue.depth && clock_ms() < until);
	return rc;
}

/* Whether the server answers another client. */
static int others_answered(struct trial *t, bool *answered, struct hold *h, struct err *e)
{
	const struct client_order order = {.verb = CLIENT_CHURN,
					   .count = 1,
					   .active = 1,
					   .depth = 1,
					   .size = request_size(t->options->guest),
					   .stop = true};
	*answered = true;
	if (t->options->guest->protocol == PROTOCOL_CONNECT)
		return 0;
	if (!t->clients[1]) {
		int rc = trial_client(t, client_of(t, 1), e);
		if (rc)
			return rc;
	}
	int rc = client_order(t->clients[1], &order, NULL, NULL, e);
	struct client_sum sum = client_sum(t->clients[1]);
	*answered = sum.done && !sum.failed && !sum.errors;
	if (!*answered && !client_lacks(&sum, order.count, h)) {
		h->end = sum.errors ? HOLD_ERROR : end_of(sum.first_errno);
		client_answer(t->clients[1], h->answer);
	}
	return rc;
}

/* No more than half of the accept queue holds. */
static uint64_t step_of(uint64_t opened, uint64_t want, uint64_t queue)
{
	uint64_t step = opened > FEW ? opened : 1;
	if (step > queue / 2)
		step = queue / 2 ? queue / 2 : 1;
	return step > want - opened ? want - opened : step;
}

/* Opens connections without a request, in steps that double, until the server does not accept them,
 * closes some, or does not answer another client. */
static int hold_silent(struct trial *t, uint64_t want, struct hold *h, struct err *e)
{
	struct client_order order = {.verb = CLIENT_OPEN, .stop = true, .in_flight = AT_ONCE};
	bool asks = t->options->guest->protocol != PROTOCOL_CONNECT, answered;
	uint64_t opened = 0, queued;
	struct guest_queue queue = {0};
	int rc = trial_client(t, client_of(t, want), e);
	if (!rc)
		rc = guest_queue_read(t->options->guest, &queue, e);
	while (!rc && h->end == HOLD_ALL && !h->lack && opened < want) {
		order.count = step_of(opened, want, queue.limit);
		rc = client_order(t->clients[0], &order, NULL, NULL, e);
		if (!rc)
			rc = queued_await(t, &queued, e);
		if (!rc)
			rc = others_answered(t, &answered, h, e);
		if (!rc)
			rc = subject_open_read(t->host, &t->context->subject, &h->open, e);
		if (rc)
			return rc;
		struct client_sum sum = client_sum(t->clients[0]);
		if (client_lacks(&sum, order.count, h))
			return 0;
		int64_t kept = (int64_t)h->open.sum - (int64_t)t->context->idle.sum;
		opened += order.count;
		if (sum.failed)
			h->end = end_of(sum.first_errno);
		else if (queued)
			h->end = HOLD_QUEUED;
		else if (answered && h->open.sum && kept < (int64_t)opened)
			h->end = kept > 0 || h->held ? HOLD_CLOSED : HOLD_UNKEPT;
		if (h->end == HOLD_ALL)
			h->held = opened + asks;
		else if (h->end == HOLD_QUEUED && !asks)
			h->held = opened - queued;
		else if (h->end == HOLD_CLOSED && kept > (int64_t)h->held)
			h->held = (uint64_t)kept;
	}
	if (!rc && asks && !h->held)
		h->held = h->end == HOLD_SILENT || h->end == HOLD_QUEUED;
	return rc;
}

/* A server on loopback has its clients on its own host. It keeps the caller's range of ports,
 * unless that is too small for them. */
static void ports_widen(struct trial *t, uint64_t want)
{
	static const struct trial_knob list[] = {{"net.ipv4.ip_local_port_range", "1024 65535"},
						 {0}};
	if (t->options->guest->from == LAB_SERVER && !t->options->guest->socket && want > SINGLE)
		trial_knobs(t, LAB_SERVER, list, NULL);
}

static uint64_t hold_wanted(const struct target *target)
{
	return report_margin(target->connections);
}

/* Whether the process has used up its limit on descriptors, and not one that the server has set by
 * its own limit on connections. */
static bool nofile_binds(const struct subject *s, const struct subject_open *o)
{
	const struct server_row *server = server_row_find(s->name);
	return o->soft && o->most + RESERVED >= o->soft && o->most >= o->soft / 5 * 4 &&
	       !(server && server->clients_files);
}

/* "With 100 connections open, the next one got an error: -ERR max number of clients reached." */
static void hold_text(const struct hold *h, bool nofile, char *text, size_t size)
{
	report_text_into(text, size, "With %s connection%s open, the next one %s%s%s.",
			 quantity_count(h->held).text, h->held == 1 ? "" : "s", hold_ends[h->end],
			 h->answer[0] ? ": " : "", h->answer);
	if (nofile)
		report_append_to(text, size, " The process then had %s of %s descriptors open.",
				 quantity_count(h->open.most).text,
				 quantity_count(h->open.soft).text);
}

static int connections_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	struct guest *guest = t->options->guest;
	struct hold *h = &t->context->hold;
	uint64_t want = hold_wanted(t->target);
	uint64_t nofile = t->proof ? (uint64_t)s->at[NOFILE][1] : 0;
	*h = (struct hold){0};
	trial_progress(t, "up to %s connections", quantity_count(want).text);
	int rc = server_begin(t, nofile, e);
	if (!rc && nofile && t->context->subject.soft != nofile) {
		outcome_unsupported(out,
				    "its limit remained %s: the command sets its own, or "
				    "the hard limit cannot be raised here",
				    quantity_count(t->context->subject.soft).text);
		return 0;
	}
	if (!rc)
		ports_widen(t, want);
	if (!rc && guest->protocol != PROTOCOL_CONNECT)
		rc = hold_asked(t, want, h, e);
	else if (!rc)
		rc = hold_silent(t, want, h, e);
	if (!rc && h->unheld) {
		*h = (struct hold){.unheld = true};
		rc = server_begin(t, nofile, e);
		client_stop(t->clients[0]);
		t->clients[0] = NULL;
		if (!rc)
			rc = hold_silent(t, want, h, e);
	}
	if (!rc)
		rc = subject_open_read(t->host, &t->context->subject, &h->open, e);
	if (!rc)
		rc = guest_check(guest, e);
	if (rc)
		return rc;
	if (h->lack) {
		outcome_inconclusive(out, "the client cannot open more than %s: %s",
				     quantity_count(client_sum(t->clients[0]).opened).text,
				     h->lack == EADDRNOTAVAIL ? "no port is left"
							      : client_failure(h->lack));
		return 0;
	}
	if (!h->held && h->end != HOLD_QUEUED && h->end != HOLD_SILENT) {
		outcome_unsupported(out, "the first connection %s%s%s", hold_ends[h->end],
				    h->answer[0] ? ": " : "", h->answer);
		return 0;
	}
	/* Without requests only the descriptors show what it holds. */
	if (h->end == HOLD_ALL && guest->protocol == PROTOCOL_CONNECT && !h->open.sum) {
		outcome_inconclusive(out, "the descriptors of the server are not readable");
		return 0;
	}
	out->reached = (int64_t)h->held;
	out->measured = true;
	out->limit_met = h->end != HOLD_ALL;
	s->taken.at_nofile = out->limit_met && nofile_binds(&t->context->subject, &h->open);
	if (out->limit_met)
		hold_text(h, s->taken.at_nofile, out->remark, sizeof(out->remark));
	uint64_t idle = t->context->idle.resident;
	if (h->held >= FEW && h->open.resident > idle)
		report_append(
			out->remark, "%sA connection took %s of its own memory.",
			out->remark[0] ? " " : "",
			quantity_show(QUANTITY_SIZE, (h->open.resident - idle) / h->held).text);
	return 0;
}

static void connections_bound(const struct target *target, const struct settings *s,
			      struct bound *b)
{
	(void)target;
	if (s->taken.at_nofile)
		b->binding = NOFILE;
}

static bool connections_solve(const struct target *target, const struct settings *now,
			      const struct outcome *o, int64_t enough, struct settings *out)
{
	(void)target;
	int64_t soft = now->at[NOFILE][0];
	if (!o || !now->taken.at_nofile || soft == REPORT_NONE)
		return false;
	int64_t files = enough + soft - o->reached;
	out->at[NOFILE][0] = files;
	if (out->at[NOFILE][1] < files)
		out->at[NOFILE][1] = files;
	return true;
}

static void connections_words(const struct target *target, const struct settings *s,
			      const struct outcome *o, struct wording *w)
{
	const struct server_row *server = s->subject ? server_row_find(s->subject->name) : NULL;
	char line[WORDING_TEXT];
	wording_set(w, "who", "%s", server ? server->name : s->subject ? s->subject->name : "");
	wording_flag(w, "process", s->taken.at_nofile);
	wording_set(w, "keep", "%s", "");
	wording_set(w, "soft_flag", "%s", "");
	wording_set(w, "reached", "%s",
		    o && o->reached != REPORT_NONE ? quantity_count((uint64_t)o->reached).text
						   : "");
	wording_set(w, "server", "%s", server ? server->name : "");
	wording_set(w, "default", "%s", server && server->clients ? server->clients : "");
	wording_set(w, "line", "%s",
		    server_line(server ? server->clients_line : NULL, "clients",
				hold_wanted(target), line, sizeof(line)));
}

static struct cost connections_cost(const struct target *target, const struct settings *s)
{
	(void)s;
	return (struct cost){.clients = hold_wanted(target)};
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

/* Connections that send requests, as far as the server holds them. */
#define TALKING 64
#define CLOSED_US 500000
#define OPEN_US 1000000
#define STEP_US 200000
/* Of the highest rate, in percent; and the growth of the p99 that makes the knee. */
#define STEP_FIRST 50
#define STEP_MORE 10
#define STEP_LAST 90
#define KNEE 4
/* Of its CPU time: then the client was the limit. */
#define CLIENT_BUSY 0.9

static int talk(struct trial *t, double rate, uint64_t us, struct client_sum *sum, struct err *e)
{
	const struct client_order order = {.verb = CLIENT_REQUEST,
					   .duration_us = us,
					   .active = t->clients[0]->opened,
					   .rate_per_s = rate,
					   .depth = 1,
					   .size = request_size(t->options->guest)};
	int rc = client_order(t->clients[0], &order, NULL, NULL, e);
	*sum = client_sum(t->clients[0]);
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
	uint64_t first = 0;
	int rc = 0;
	*knee = 0;
	for (int percent = STEP_FIRST; !rc && percent <= STEP_LAST; percent += STEP_MORE) {
		rc = talk(t, max * percent / 100, STEP_US, &sum, e);
		uint64_t p99 = client_quantile_ns(t->clients[0], 0.99);
		first = first ? first : p99;
		if (sum.missed || p99 > KNEE * first)
			return rc;
		*knee = max * percent / 100;
	}
	return rc;
}

static int rate_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	struct guest *guest = t->options->guest;
	const struct hold *h = &t->context->hold;
	uint64_t n = h->end != HOLD_ALL && h->held < TALKING ? h->held : TALKING;
	const struct client_order open = {.verb = CLIENT_OPEN, .count = n ? n : 1, .in_flight = 1};
	struct client_sum sum;
	char p50[32], p99[32], p999[32];
	double knee = 0;
	(void)s;
	if (t->options->gentle) {
		outcome_unsupported(out, GENTLE_REFUSES);
		return 0;
	}
	trial_progress(t, "requests on %s connections", quantity_count(open.count).text);
	int rc = server_begin(t, 0, e);
	t->context->latency = (struct latency){0};
	if (!rc)
		rc = trial_client(t, client_of(t, open.count), e);
	if (!rc)
		rc = client_order(t->clients[0], &open, NULL, NULL, e);
	if (!rc)
		rc = talk(t, 0, CLOSED_US, &sum, e);
	if (rc)
		return rc;
	struct latency *latency = &t->context->latency;
	double max = sum.rate, busy = (double)sum.cpu_ns / (double)(sum.elapsed_ns + 1);
	if (!sum.done || sum.errors * 2 > sum.done) {
		char answer[CLIENT_ANSWER];
		client_answer(t->clients[0], answer);
		outcome_unsupported(out, "%s of %s replies were errors%s%s",
				    quantity_count(sum.errors).text, quantity_count(sum.done).text,
				    answer[0] ? ": " : "", answer);
		return 0;
	}
	double rate = guest->offered_per_s    ? (double)guest->offered_per_s
		      : guest->requests_per_s ? (double)guest->requests_per_s
					      : max / 2;
	rc = knee_find(t, max, &knee, e);
	if (!rc)
		rc = talk(t, rate, OPEN_US, &sum, e);
	if (!rc)
		rc = guest_check(guest, e);
	if (rc)
		return rc;
	latency->offered_per_s = (uint64_t)rate;
	latency->connections = open.count;
	latency->requests = sum.done;
	latency->p50_us = client_quantile_ns(t->clients[0], 0.5) / 1000;
	latency->p99_us = client_quantile_ns(t->clients[0], 0.99) / 1000;
	out->reached = (int64_t)max;
	out->limit_met = busy < CLIENT_BUSY * t->clients[0]->processes;
	out->measured = true;
	if (!out->limit_met && out->reached < (int64_t)report_margin(t->needed)) {
		outcome_inconclusive(out, "the client used up its CPU at %s",
				     quantity_measured(QUANTITY_RATE, (uint64_t)max).text);
		return 0;
	}
	report_text(out->remark,
		    "At %s, in an open loop over %s connections: p50 %s, p99 %s, p99.9 %s",
		    quantity_measured(QUANTITY_RATE, (uint64_t)rate).text,
		    quantity_count(open.count).text, quantile(t, 0.5, p50), quantile(t, 0.99, p99),
		    quantile(t, 0.999, p999));
	if (sum.missed)
		report_append(out->remark, "; %s were not sent in time",
			      quantity_count(sum.missed).text);
	report_append(out->remark, ". ");
	if (knee > 0)
		report_append(out->remark, "The p99 stays near that of half the rate up to %s.",
			      quantity_measured(QUANTITY_RATE, (uint64_t)knee).text);
	return 0;
}

static void rate_bound(const struct target *target, const struct settings *s, struct bound *b)
{
	(void)target;
	if (s->guest && s->guest->requests_per_s)
		b->needed = (int64_t)s->guest->requests_per_s;
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
		    "At %s, in an open loop over %s connection%s, %s requests; %s in all since the "
		    "server was started.",
		    quantity_measured(QUANTITY_RATE, l->offered_per_s).text,
		    quantity_count(l->connections).text, l->connections == 1 ? "" : "s",
		    quantity_count(l->requests).text, quantity_count(l->answered).text);
	return 0;
}

static int p50_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	(void)s;
	(void)e;
	return latency_run(t, t->context->latency.p50_us, out);
}

static int p99_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	(void)s;
	(void)e;
	return latency_run(t, t->context->latency.p99_us, out);
}

static void latency_bound(const struct target *target, const struct settings *s, struct bound *b)
{
	(void)target;
	(void)s;
	(void)b;
}

static void rate_describe(const struct trial *t, const struct outcome *o, char *text, size_t size)
{
	(void)t;
	report_text_into(text, size, "It answered %s. %s",
			 quantity_measured(QUANTITY_RATE, (uint64_t)o->reached).text, o->remark);
}

static bool rate_applies(const struct target *target, const struct probe_options *o)
{
	(void)target;
	return o->guest && o->guest->protocol != PROTOCOL_CONNECT;
}

/* What a server has to bear. */
#define RESETS 1000
#define GARBAGE 16
static const struct {
	const char *what;
	uint64_t count;
	unsigned size; /* of what is sent; 0: nothing */
} burdens[] = {
	{"1 000 clients that reset their connection", RESETS, 0},
	{"16 clients that send invalid requests", GARBAGE, ECHO_SIZE},
};

static void clients_end(struct trial *t)
{
	for (size_t i = 0; i < TRIAL_CLIENTS; i++) {
		if (t->clients[i])
			client_stop(t->clients[i]);
		t->clients[i] = NULL;
	}
}

/* Whether it still accepts and answers. */
static int still_serves(struct trial *t, bool *serves, struct err *e)
{
	struct hold ignored = {0};
	struct err ended = {0};
	uint64_t queued = 0;
	*serves = false;
	if (guest_check(t->options->guest, &ended))
		return 0;
	int rc = queued_await(t, &queued, e);
	/* others_answered() uses the second place. */
	if (!rc)
		rc = trial_client(t, client_of(t, 1), e);
	if (!rc)
		rc = others_answered(t, serves, &ignored, e);
	*serves &= !queued;
	clients_end(t);
	return rc;
}

static int burdens_measure(struct trial *t, struct report *r, struct err *e)
{
	struct wording words = {0};
	int rc = server_begin(t, 0, e);
	bool serves = true;
	if (!rc)
		rc = still_serves(t, &serves, e);
	for (size_t i = 0; !rc && serves && i < sizeof(burdens) / sizeof(*burdens); i++) {
		const struct client_order order = {.verb = CLIENT_CHURN,
						   .count = burdens[i].count,
						   .active = AT_ONCE,
						   .depth = 1,
						   .size = burdens[i].size};
		const struct client_config config = {.connections = AT_ONCE};
		trial_progress(t, "%s", burdens[i].what);
		rc = trial_client(t, config, e);
		if (!rc)
			rc = client_order(t->clients[0], &order, NULL, NULL, e);
		clients_end(t);
		if (!rc)
			rc = still_serves(t, &serves, e);
		if (rc || serves)
			continue;
		wording_set(&words, "who", "%s", t->context->subject.name);
		wording_set(&words, "what", "%s", burdens[i].what);
		report_finding(r, "application.stuck", &words);
	}
	return rc;
}

static bool guest_applies(const struct target *target, const struct probe_options *o)
{
	(void)target;
	return o->guest;
}

static const struct experiment experiments[] = {
	{
		.wall = "application.connections",
		.knobs = {"RLIMIT_NOFILE"},
		.due = true,
		.emulates = true,
		.applies = guest_applies,
		.bound = connections_bound,
		.solve = connections_solve,
		.words = connections_words,
		.cost = connections_cost,
		.run = connections_run,
		.describe = connections_describe,
	},
	{
		.wall = "application.rate",
		.due = true,
		.applies = rate_applies,
		.bound = rate_bound,
		.words = connections_words,
		.run = rate_run,
		.describe = rate_describe,
	},
	{
		.wall = "application.latency.p50",
		.due = true,
		.applies = rate_applies,
		.bound = latency_bound,
		.run = p50_run,
	},
	{
		.wall = "application.latency.p99",
		.due = true,
		.applies = rate_applies,
		.bound = latency_bound,
		.run = p99_run,
	},
	{0},
};

const struct probe probe_application = {
	.name = "application",
	.summary = "the server of --run in a lab, driven into each of its limits",
	.mode = PROBE_EXCLUSIVE,
	.place = PROBE_LAB,
	.runs = true,
	.context_size = sizeof(struct context),
	.experiments = experiments,
	.measure = burdens_measure,
};
