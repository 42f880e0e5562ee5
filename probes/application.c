/* Finds the limits of the operator's server (check --run), which runs in a lab: what it does at a
 * limit shows in counts, and whose the limit is in its descriptors, its accept queue, and by
 * exclusion. */
#include "epolltune/probe.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/knob.h"
#include "epolltune/quantity.h"

/* Up to so many connections are opened one after the other, so that the limit is met exactly. */
#define SINGLE 20000
#define AT_ONCE 16
/* What servers keep free below RLIMIT_NOFILE: Redis 32 descriptors (CONFIG_MIN_RESERVED_FDS). */
#define RESERVED 32
/* A server with fewer is asked for each number, not only for powers of two. */
#define FEW 64
/* Connections whose kernel memory is counted, and what it is at most, in usual connections. */
#define WEIGHED 500
#define KERNEL_MAX 20
/* Numbers of connections at which its memory is read: none, each power of two from FEW on, all. */
#define LEVELS 32
/* For one connection that is idle alone, as the first of those that were held. */
#define IDLE_MAX_MS 15000
/* A server that closes one that was idle for no longer keeps none. */
#define IDLE_MIN_MS 100
/* Time for a connection that was accepted to be among the descriptors of a process. */
#define KEPT_MS 2000
/* For all connections to be opened, again where that is due. The probe's other experiments have the
 * rest of its time. */
#define HOLD_MS (PROBE_MS / 3)
/* Of so many requests one may fail or get an error. */
#define TOLERATED 100
/* Bytes by which the memory of a process changes without connections. */
#define NOISE 65536

enum { NOFILE, CLIENTS };
/* Metrics of application.memory and application.accepts. */
enum { OWN, KERNELS };
enum { SERVER_CPU, CLIENT_CPU, OVERFLOWED };

enum load_kind { LOAD_NEW, LOAD_OPEN, LOADS };
static const char *const load_names[] = {
	[LOAD_NEW] = "With a new connection for each request",
	[LOAD_OPEN] = "On open connections",
};

/* How holding more connections ended. */
enum hold_end {
	HOLD_ALL, /* it did not */
	HOLD_REFUSED,
	HOLD_RESET,
	HOLD_CLOSED,
	HOLD_UNKEPT,
	HOLD_MISFIT, /* what came is no reply of the protocol */
	HOLD_ERROR,
	HOLD_SILENT,
	HOLD_QUEUED,
	HOLD_SLOW, /* the time was over before */
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
		bool unheld;       /* the server closes each connection after its reply */
		int lack;          /* errno of a client that had no port for one more; 0: it had */
		bool hurry;        /* opens several at a time */
		uint64_t until_ms; /* CLOCK_MONOTONIC */
		uint64_t elapsed_ms;
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
	/* The memory of its connections. */
	struct weight {
		/* By the connections held, the last one with all; 0: it was not weighed. */
		struct weight_level {
			uint64_t held;
			uint64_t own; /* bytes of the server's processes */
		} at[LEVELS];
		size_t count;
		struct host_slab_memory before, after;
	} weight;
	/* Why the rate of a load is no measure of the server's speed, where that is its fault, by
	 * enum load_kind; "": it is, or whose fault is not known. */
	char bad_replies[LOADS][sizeof(((struct outcome *)0)->why)];
};

static int server_begin(struct trial *t, uint64_t nofile, struct err *e)
{
	struct context *c = t->context;
	int rc = trial_guest(t, nofile, &c->subject, e);
	return rc ? rc : subject_open_read(t->host, &c->subject, &c->idle, e);
}

/* While `held` connections are open. */
static int weight_add(struct trial *t, uint64_t held, struct err *e)
{
	struct weight *w = &t->context->weight;
	struct weight_level *level = &w->at[w->count < LEVELS ? w->count++ : LEVELS - 1];
	level->held = held;
	return subject_memory_read(t->host, &t->context->subject, &level->own, e);
}

static int weight_begin(struct trial *t, struct err *e)
{
	struct weight *w = &t->context->weight;
	w->count = 0;
	host_slab_memory(t->host, &w->before);
	return weight_add(t, 0, e);
}

static int weight_end(struct trial *t, uint64_t held, struct err *e)
{
	host_slab_memory(t->host, &t->context->weight.after);
	return weight_add(t, held, e);
}

/* The server's own memory for a connection: what it grew by from a part of them, with which its
 * runtime has warmed up, to all. Where that is not above the noise, an upper bound: with the
 * warm-up. Pure. */
static uint64_t own_bytes(const struct weight *w, bool *bound)
{
	const struct weight_level *none = &w->at[0], *all = &w->at[w->count - 1], *part = NULL;
	for (size_t i = 1; i + 1 < w->count; i++)
		if (w->at[i].held >= FEW && w->at[i].held <= all->held / 2)
			part = &w->at[i];
	*bound = !part || all->own < part->own + NOISE;
	if (!*bound)
		return (all->own - part->own) / (all->held - part->held);
	uint64_t grown = all->own > none->own ? all->own - none->own : 0;
	return (grown > NOISE ? grown : NOISE) / all->held;
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
	case EPROTO:
		return HOLD_MISFIT;
	case EBADMSG:
		return HOLD_ERROR;
	default:
		return HOLD_CLOSED;
	}
}

/* For a server that speaks another protocol, sends more than was asked for, or a word of its own
 * before it closes: neither holds nor rates can be counted by its replies. */
static void outcome_misfit(const struct trial *t, const char *answer, struct outcome *out)
{
	outcome_unsupported(out, "the server sent what --protocol %s did not ask for: %s",
			    protocol_name(t->options->guest->protocol), answer);
}

/* What came of the requests of an order. */
struct replies {
	uint64_t done, errors; /* of the done ones */
	uint64_t failed;
};

static struct replies replies_of(const struct client_sum *before, const struct client_sum *after)
{
	return (struct replies){.done = after->done,
				.errors = after->errors - before->errors,
				.failed = after->failed - before->failed};
}

/* Whether so many requests failed or got errors that the others are no measure of the server's
 * speed. Pure. */
static bool replies_bad(const struct replies *r)
{
	return !r->done || (r->errors + r->failed) * TOLERATED > r->done + r->failed;
}

/* The error that a server answered with: its text, or the status that came most often. */
static const char *error_text(const struct trial *t, char text[CLIENT_ANSWER])
{
	static uint64_t counts[CLIENT_STATUSES];
	unsigned most = 0;
	client_answer(t->clients[0], text);
	client_statuses(t->clients[0], counts);
	for (unsigned status = 400; status < CLIENT_STATUSES; status++)
		if (counts[status] > counts[most])
			most = status;
	if (!text[0] && most)
		report_text_into(text, CLIENT_ANSWER, "status %u", most);
	return text;
}

/* "12 of 4 000 replies were errors: status 503; 1 of 4 001 requests failed: …"; "": none. */
static void replies_text(const struct trial *t, const struct replies *r, char *text, size_t size)
{
	char answer[CLIENT_ANSWER];
	text[0] = 0;
	if (r->errors)
		report_append_to(text, size, "%s of %s replies %s: %s",
				 quantity_count(r->errors).text, quantity_count(r->done).text,
				 r->errors == 1 ? "was an error" : "were errors",
				 error_text(t, answer));
	if (r->failed)
		report_append_to(text, size, "%s%s of %s requests failed: %s",
				 r->errors ? "; " : "", quantity_count(r->failed).text,
				 quantity_count(r->done + r->failed).text,
				 client_failure(client_sum(t->clients[0]).first_errno));
}

/* Whether connections ended that are not opened again: the rest is less load than was meant. */
static bool connections_fail(const struct trial *t, uint64_t count, uint64_t requests,
			     struct outcome *out)
{
	const struct client_sum sum = client_sum(t->clients[0]);
	bool reopened = t->options->guest->request.size && !sum.lost;
	if (reopened || sum.held >= count)
		return false;
	outcome_unsupported(out, "%s of %s connections failed within %s requests: %s",
			    quantity_count(count - sum.held).text, quantity_count(count).text,
			    quantity_count(requests).text, client_failure(client_cause(&sum)));
	return true;
}

/* Whether this or another client had no port left: no limit of the server. */
static bool client_lacks(const struct client_sum *sum, uint64_t count, struct hold *h)
{
	if (sum->starved && !sum->failed && !sum->errors && sum->done < count)
		h->lack = sum->first_starved;
	return h->lack;
}

/* Whether the time for the rest is over. */
static bool hold_late(struct hold *h, uint64_t held, uint64_t want)
{
	if (h->end == HOLD_ALL && held < want && clock_ms() >= h->until_ms)
		h->end = HOLD_SLOW;
	return h->end == HOLD_SLOW;
}

/* For the duration of an order, where 0 is no bound. */
static uint64_t hold_left_us(const struct hold *h)
{
	uint64_t now = clock_ms();
	return now < h->until_ms ? (h->until_ms - now) * 1000 : 1;
}

/* What the last order added to the connections held before it. */
static void hold_count(struct trial *t, uint64_t before, uint64_t want, struct hold *h)
{
	struct client_sum sum = client_sum(t->clients[0]);
	client_answer(t->clients[0], h->answer);
	h->unheld = before + sum.done > sum.held && !sum.failed && !sum.errors;
	h->held = before + sum.done - sum.errors;
	if (sum.errors && h->held > sum.held)
		h->held = sum.held;
	if (client_lacks(&sum, want, h) || (!sum.failed && !sum.errors))
		return;
	h->end = sum.errors ? HOLD_ERROR : end_of(sum.first_errno);
	h->unheld = sum.done == 1 && sum.attempted == 1 &&
		    (h->end == HOLD_CLOSED || h->end == HOLD_RESET);
	/* The last one was answered: to admit it the server has closed others. */
	if (h->held == sum.attempted && h->held)
		h->held--;
}

/* Opens connections until one fails, each with a request. */
static int hold_asked(struct trial *t, uint64_t want, struct hold *h, struct err *e)
{
	struct client_order order = {.verb = CLIENT_OPEN,
				     .ask = true,
				     .depth = 1,
				     .size = trial_guest_size(t),
				     .stop = true};
	int rc = trial_client(t, trial_guest_client(t, want), e);
	if (!rc)
		order.in_flight =
			t->clients[0]->processes * (h->hurry || want > SINGLE ? AT_ONCE : 1);
	while (!rc && h->held < want && h->end == HOLD_ALL && !h->lack && !h->unheld) {
		uint64_t before = h->held, left = want - before;
		order.count = before < FEW ? FEW - before : before;
		order.count = order.count < left ? order.count : left;
		order.duration_us = hold_left_us(h);
		rc = client_order(t->clients[0], &order, NULL, NULL, e);
		if (!rc)
			hold_count(t, before, order.count, h);
		if (!rc && !hold_late(h, h->held, want) && h->end == HOLD_ALL && h->held < want)
			rc = weight_add(t, h->held, e);
	}
	return rc;
}

/* Whether the server answers another client. */
static int others_answered(struct trial *t, bool *answered, struct hold *h, struct err *e)
{
	const struct client_order order = {.verb = CLIENT_CHURN,
					   .count = 1,
					   .active = 1,
					   .depth = 1,
					   .size = trial_guest_size(t),
					   .stop = true};
	*answered = true;
	if (t->options->guest->protocol == PROTOCOL_CONNECT)
		return 0;
	if (!t->clients[1]) {
		int rc = trial_client(t, trial_guest_client(t, 1), e);
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

/* How many of `opened` connections the server's descriptors show. A connection that it has accepted
 * is not at once among them, nor one that its processes pass on, so fewer are believed only when
 * they stay fewer. */
static int kept_read(struct trial *t, uint64_t opened, struct hold *h, int64_t *kept, struct err *e)
{
	uint64_t until = clock_ms() + KEPT_MS;
	int rc;
	do {
		rc = subject_open_read(t->host, &t->context->subject, &h->open, e);
		*kept = (int64_t)h->open.sum - (int64_t)t->context->idle.sum;
		if (!rc && h->open.sum && *kept < (int64_t)opened)
			clock_sleep_ms(1);
	} while (!rc && h->open.sum && *kept < (int64_t)opened && clock_ms() < until);
	return rc;
}

/* Opens connections without a request, in steps that double, until the server does not accept them,
 * closes some, or does not answer another client. */
static int hold_silent(struct trial *t, uint64_t want, struct hold *h, struct err *e)
{
	struct client_order order = {.verb = CLIENT_OPEN, .stop = true, .in_flight = AT_ONCE};
	bool asks = t->options->guest->protocol != PROTOCOL_CONNECT, answered;
	uint64_t opened = 0, queued;
	int64_t kept;
	struct guest_queue queue = {0};
	int rc = trial_client(t, trial_guest_client(t, want), e);
	if (!rc)
		rc = guest_queue_read(t->options->guest, &queue, e);
	while (!rc && h->end == HOLD_ALL && !h->lack && opened < want) {
		order.count = step_of(opened, want, queue.limit);
		rc = client_order(t->clients[0], &order, NULL, NULL, e);
		if (!rc)
			rc = trial_guest_accepts(t, &queued, e);
		if (!rc)
			rc = others_answered(t, &answered, h, e);
		if (!rc)
			rc = kept_read(t, opened + order.count - queued, h, &kept, e);
		if (rc)
			return rc;
		struct client_sum sum = client_sum(t->clients[0]);
		if (client_lacks(&sum, order.count, h))
			return 0;
		opened += order.count;
		if (sum.failed)
			h->end = end_of(sum.first_errno);
		else if (queued)
			h->end = HOLD_QUEUED;
		else if (answered && h->open.sum && kept < (int64_t)opened)
			h->end = kept > 0 || h->held ? HOLD_CLOSED : HOLD_UNKEPT;
		if (h->end == HOLD_ALL)
			h->held = opened + asks;
		if (!hold_late(h, opened, want) && h->end == HOLD_ALL && opened >= FEW &&
		    opened < want)
			rc = weight_add(t, h->held, e);
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

static unsigned hold_time_ms(const struct trial *t)
{
	return HOLD_MS * (t->options->gentle ? GENTLE_TIMES : 1);
}

/* Whether its limit on connections sets that on descriptors. */
static bool server_sets_files(const struct server_row *server)
{
	return server && server->clients_files;
}

/* Whether the process has used up its limit on descriptors, and not one that the server has set by
 * its own limit on connections. */
static bool nofile_binds(const struct subject *s, const struct subject_open *o)
{
	const struct server_row *server = server_row_find(s->name);
	return o->soft && o->most + RESERVED >= o->soft && o->most >= o->soft / 5 * 4 &&
	       !server_sets_files(server);
}

/* A UNIX socket that is closed before all is read sends ECONNRESET, but nothing resets it. */
static const char *end_text(const struct hold *h, bool local)
{
	return local && h->end == HOLD_RESET ? "was closed before its request was read"
					     : hold_ends[h->end];
}

/* "With 100 connections open, the next one got an error: -ERR max number of clients reached." */
static void hold_text(const struct hold *h, bool local, bool nofile, char *text, size_t size)
{
	report_text_into(text, size, "With %s open, the next one %s%s%s.",
			 quantity_of(h->held, "connection").text, end_text(h, local),
			 h->answer[0] ? ": " : "", h->answer);
	if (nofile)
		report_append_to(text, size, " The process then had %s of %s descriptors open.",
				 quantity_count(h->open.most).text,
				 quantity_count(h->open.soft).text);
}

static bool hold_asks(const struct trial *t, const struct hold *h)
{
	return t->options->guest->protocol != PROTOCOL_CONNECT && !h->unheld;
}

/* Opens them with requests; without, where the server closes each after its reply. */
static int hold_once(struct trial *t, uint64_t nofile, uint64_t want, struct hold *h, struct err *e)
{
	bool asks = hold_asks(t, h);
	uint64_t began = clock_ms();
	int rc = weight_begin(t, e);
	if (!rc)
		rc = asks ? hold_asked(t, want, h, e) : hold_silent(t, want, h, e);
	h->elapsed_ms = clock_ms() - began;
	if (!rc && asks && h->unheld) {
		*h = (struct hold){.unheld = true, .hurry = h->hurry, .until_ms = h->until_ms};
		trial_clients_end(t);
		rc = server_begin(t, nofile, e);
		return rc ? rc : hold_once(t, nofile, want, h, e);
	}
	if (!rc)
		rc = subject_open_read(t->host, &t->context->subject, &h->open, e);
	if (!rc)
		rc = weight_end(t, h->held, e);
	return rc ? rc : guest_check(t->options->guest, e);
}

/* Whether the server closes a connection that is idle for ms, without others. */
static int idle_closes(struct trial *t, unsigned ms, bool ask, bool *closes, struct err *e)
{
	const struct client_order order = {.verb = CLIENT_OPEN,
					   .count = 1,
					   .in_flight = 1,
					   .ask = ask,
					   .depth = 1,
					   .size = trial_guest_size(t),
					   .stop = true};
	struct subject_open open;
	int rc = trial_client(t, trial_guest_client(t, 2), e);
	if (!rc)
		rc = client_order(t->clients[0], &order, NULL, NULL, e);
	if (!rc) {
		clock_sleep_ms(ms);
		rc = ask ? client_order(t->clients[0], &order, NULL, NULL, e)
			 : subject_open_read(t->host, &t->context->subject, &open, e);
	}
	if (!rc)
		*closes = ask ? client_sum(t->clients[0]).failed : open.sum <= t->context->idle.sum;
	return rc;
}

/* A server that closes one of many may do so because it was idle: then they are opened again,
 * faster. idle_limit: it still did. */
static int hold_any(struct trial *t, uint64_t nofile, uint64_t want, bool *idle_limit,
		    struct err *e)
{
	struct hold *h = &t->context->hold;
	for (;;) {
		int rc = hold_once(t, nofile, want, h, e);
		bool asks = hold_asks(t, h);
		unsigned ms = h->elapsed_ms < IDLE_MAX_MS ? (unsigned)h->elapsed_ms : IDLE_MAX_MS;
		ms = ms > IDLE_MIN_MS ? ms : IDLE_MIN_MS;
		*idle_limit = false;
		if (rc || (h->end != HOLD_CLOSED && h->end != HOLD_RESET) || !h->held)
			return rc;
		trial_clients_end(t);
		rc = server_begin(t, nofile, e);
		if (!rc)
			rc = idle_closes(t, ms, asks, idle_limit, e);
		trial_clients_end(t);
		bool unheld = asks && ms == IDLE_MIN_MS;
		if (rc || !*idle_limit || (h->hurry && !unheld))
			return rc;
		rc = server_begin(t, nofile, e);
		if (rc)
			return rc;
		*h = (struct hold){
			.unheld = h->unheld || unheld, .hurry = !unheld, .until_ms = h->until_ms};
	}
}

/* Whether a line of the server that can be tried sets its limit. */
static bool line_known(const struct subject *subject)
{
	const struct server_row *server = server_row_find(subject->name);
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

/* Whether what came is no measure of its limit; the outcome says why. `idle_limit`: it closes
 * connections that are idle for as long as opening them takes. */
static bool hold_fails(const struct trial *t, bool idle_limit, struct outcome *out)
{
	const struct guest *guest = t->options->guest;
	const struct hold *h = &t->context->hold;
	const struct quantity_shown want = quantity_count(hold_wanted(t->target));
	bool asks = guest->protocol != PROTOCOL_CONNECT;
	if (idle_limit)
		outcome_inconclusive(
			out,
			"the server closes a connection that is idle for %s, and to "
			"open %s took longer",
			quantity_measured(QUANTITY_DURATION, h->elapsed_ms * 1000).text, want.text);
	else if (h->lack)
		outcome_inconclusive(out, "the client cannot open more than %s: %s",
				     quantity_count(client_sum(t->clients[0]).opened).text,
				     h->lack == EADDRNOTAVAIL ? "no port is left"
							      : client_failure(h->lack));
	else if (h->end == HOLD_SLOW)
		outcome_inconclusive(out, "%s of %s clients were %s within %u s",
				     quantity_count(h->held).text, want.text,
				     asks ? "answered" : "accepted", hold_time_ms(t) / 1000);
	else if (h->end == HOLD_MISFIT)
		outcome_misfit(t, h->answer, out);
	else if (!h->held && h->end != HOLD_QUEUED && h->end != HOLD_SILENT)
		outcome_unsupported(out, "the first connection %s%s%s",
				    h->end == HOLD_CLOSED ? "was closed before its reply"
							  : end_text(h, guest->socket),
				    h->answer[0] ? ": " : "", h->answer);
	/* Without requests only the descriptors show what it holds. */
	else if (h->end == HOLD_ALL && !asks && !h->open.sum)
		outcome_inconclusive(out, "the descriptors of the server are not readable");
	else
		return false;
	return true;
}

static int hold_judge(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	struct hold *h = &t->context->hold;
	uint64_t want = hold_wanted(t->target);
	bool raised = t->proof && s->at[NOFILE][0] > (int64_t)s->subject->soft;
	uint64_t nofile = raised ? (uint64_t)s->at[NOFILE][1] : 0;
	bool idle_limit = false;
	*h = (struct hold){.until_ms = clock_ms() + hold_time_ms(t)};
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
	if (!rc)
		rc = hold_any(t, nofile, want, &idle_limit, e);
	if (rc || hold_fails(t, idle_limit, out))
		return rc;
	out->reached = (int64_t)h->held;
	out->measured = true;
	out->limit_met = h->end != HOLD_ALL;
	s->taken.held = t->context->idle.most;
	s->taken.at_nofile = out->limit_met && nofile_binds(&t->context->subject, &h->open);
	s->taken.at_own = out->limit_met && !s->taken.at_nofile && line_known(s->subject);
	if (out->limit_met)
		hold_text(h, t->options->guest->socket, s->taken.at_nofile, out->remark,
			  sizeof(out->remark));
	return 0;
}

/* The other walls are those of the server as it is, not with the proposal. */
static int connections_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	const struct hold hold = t->context->hold;
	const struct weight weight = t->context->weight;
	int rc = hold_judge(t, s, out, e);
	if (t->proof) {
		t->context->hold = hold;
		t->context->weight = weight;
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
	const struct server_row *server = server_row_find(now->subject->name);
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
					     : enough + (int64_t)now->taken.held + RESERVED;
	if (now->taken.at_nofile || now->at[NOFILE][server->files_raised] < files)
		nofile_raise(out, files);
	return true;
}

static void connections_words(const struct target *target, const struct settings *s,
			      const struct outcome *o, const struct bound *b, struct wording *w)
{
	const struct server_row *server = s->subject ? server_row_find(s->subject->name) : NULL;
	int64_t limit = server ? clients_for(server, s, hold_wanted(target)) : 0;
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

static int64_t memory_left(const struct settings *s)
{
	uint64_t available = s->machine.available_bytes, group = (uint64_t)s->machine.group_left;
	return (int64_t)(group < available ? group : available);
}

/* The idle ones that were held, with what the kernel has at the server's end of each. */
static int memory_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	const struct weight *w = &t->context->weight;
	const struct weight_level *all = &w->at[w->count ? w->count - 1 : 0];
	uint64_t client = host_connection_bytes(t->host);
	bool by_cache = false, bound;
	if (all->held < FEW || !all->own) {
		outcome_unsupported(
			out, "%s",
			all->held < FEW ? "" : "the memory of its processes is not readable");
		return 0;
	}
	uint64_t both = host_slab_taken(&w->before, &w->after, all->held, &by_cache) / all->held;
	s->taken.measured = by_cache && all->held >= WEIGHED && both > client + client / 2 &&
			    both < client * KERNEL_MAX;
	s->taken.connection_bytes = s->taken.measured ? both - client : client;
	s->taken.own_bytes = own_bytes(w, &bound);
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
	b->due = s->taken.held;
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
/* From this share of a CPU on a thread of the server was limited by it. The machine was not the
 * limit up to this share of the time that the server needed a CPU and had none. */
#define SERVER_BUSY 0.85
#define WAITED 0.2
/* Idle CPUs below which the machine was the limit. */
#define IDLE 0.1

/* What an order took, while clients sent as much as they could. */
struct load {
	struct client_sum sum;
	struct replies replies;
	double rate;    /* of replies that are no errors */
	double client;  /* CPUs that the client used */
	double ran;     /* and the server */
	double busiest; /* and its busiest thread */
	double waited;  /* of the time that the server needed a CPU, the share that it had none */
	double idle;    /* CPUs that no process used */
};

static int load_run(struct trial *t, const struct client_order *order, struct load *l,
		    struct err *e)
{
	CLEAN(subject_threads_free) struct subject_threads before = {0}, after = {0};
	CLEAN(free_pointer) struct host_cpu_times *cpus = calloc(2, sizeof(*cpus));
	const struct subject *server = &t->context->subject;
	const struct client_sum first = client_sum(t->clients[0]);
	if (!cpus)
		return err_set(e, ENOMEM, "no memory for the times of the CPUs");
	int rc = subject_threads_read(t->host, server, &before, e);
	if (!rc)
		rc = host_cpu_times(t->host, &cpus[0], e);
	uint64_t began = clock_ns();
	if (!rc)
		rc = client_order(t->clients[0], order, NULL, NULL, e);
	double elapsed = (double)(clock_ns() - began);
	if (!rc)
		rc = host_cpu_times(t->host, &cpus[1], e);
	if (!rc)
		rc = subject_threads_read(t->host, server, &after, e);
	if (rc)
		return rc;
	struct subject_taken taken = subject_threads_taken(&before, &after);
	double ready = (double)taken.all.ready_ns;
	l->sum = client_sum(t->clients[0]);
	l->replies = replies_of(&first, &l->sum);
	l->rate = l->sum.rate * (double)(l->replies.done - l->replies.errors) /
		  (double)(l->replies.done + !l->replies.done);
	l->client = (double)l->sum.cpu_ns / (double)(l->sum.elapsed_ns + 1);
	l->ran = (double)taken.all.ran_ns / elapsed;
	l->busiest = (double)taken.busiest.ran_ns / elapsed;
	l->waited = (ready - (double)taken.all.ran_ns) / (ready + 1);
	l->idle = host_idle_cpus(&cpus[0], &cpus[1]);
	return 0;
}

static bool by_cpu(const struct load *l) { return l->busiest >= SERVER_BUSY; }

static bool machine_busy(const struct load *l)
{
	return l->waited > WAITED || (!by_cpu(l) && l->idle < IDLE);
}

/* Whether bad replies are the server's fault: it answered with errors, or, while the machine was
 * not busy, reset or closed the connection. One that is slow is not at fault. `cause`: the errno of
 * the first failure. Pure. */
static bool replies_accuse(const struct replies *r, int cause, const struct load *l)
{
	bool ended = cause == ECONNRESET || cause == EPIPE || cause == EBADMSG;
	uint64_t bad = r->errors + (ended && !machine_busy(l) ? r->failed : 0);
	return bad * TOLERATED > r->done + r->failed;
}

/* Whether the replies are no measure of the server's speed. `l`: the load that fills the server,
 * which is that of the replies, or was just before. */
static bool replies_fail(const struct trial *t, enum load_kind kind, const struct replies *r,
			 const struct load *l, struct outcome *out)
{
	const struct client_sum sum = client_sum(t->clients[0]);
	char text[sizeof(out->why)];
	if (r->failed && sum.first_errno == EPROTO) {
		client_answer(t->clients[0], text);
		outcome_misfit(t, text, out);
		return true;
	}
	if (!replies_bad(r))
		return false;
	replies_text(t, r, text, sizeof(text));
	bool accused = replies_accuse(r, sum.first_errno, l);
	outcome_unsupported(out, "%s%s", text[0] ? text : "no request was answered",
			    !accused && machine_busy(l) ? "; this machine was too busy" : "");
	if (accused)
		report_text(t->context->bad_replies[kind], "%s, %s. ", load_names[kind], text);
	return true;
}

static void replies_report(const struct trial *t, struct report *r)
{
	struct wording words = {0};
	char bad[WORDING_TEXT] = "";
	for (size_t i = 0; i < LOADS; i++)
		report_append(bad, "%s", t->context->bad_replies[i]);
	if (!bad[0])
		return;
	bad[strlen(bad) - 1] = 0;
	wording_set(&words, "who", "%s", t->context->subject.name);
	wording_set(&words, "bad", "%s", bad);
	report_finding(r, "application.errors", &words);
}

/* Whether the rate was that of the client or of a busy machine, or too low for the time. `how`:
 * what the server did at it. */
static bool load_hindered(const struct trial *t, const struct load *l, const char *how,
			  struct outcome *out)
{
	const struct quantity_shown rate = quantity_measured(QUANTITY_RATE, (uint64_t)l->rate);
	if (l->client >= CLIENT_BUSY * t->clients[0]->processes)
		outcome_inconclusive(out, "the client used up its CPU at %s", rate.text);
	else if (l->waited > WAITED)
		outcome_inconclusive(out,
				     "it %s %s, but waited for a CPU for %.0f %% of the time that "
				     "it needed one: this machine was too busy",
				     how, rate.text, 100 * l->waited);
	else if (!by_cpu(l) && l->idle < IDLE)
		outcome_inconclusive(out,
				     "it %s %s, and no CPU was idle: this machine was too busy",
				     how, rate.text);
	else if (l->rate <= 0)
		outcome_inconclusive(out,
				     "no reply came within the %s for which its rate is counted",
				     quantity_measured(QUANTITY_DURATION, CLOSED_US).text);
	else
		return false;
	return true;
}

/* False, with the outcome inconclusive: it was hindered below the need. */
static bool rate_reached(const struct trial *t, const struct load *l, const char *how,
			 struct outcome *out)
{
	struct outcome hindered = *out;
	out->reached = (int64_t)l->rate;
	out->limit_met = !load_hindered(t, l, how, &hindered);
	out->measured = true;
	if (out->limit_met ||
	    (out->reached > 0 && out->reached >= (int64_t)report_margin(t->needed)))
		return true;
	*out = hindered;
	return false;
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
		struct replies *replies, struct err *e)
{
	const struct client_order order = talk_order(t, rate, us);
	const struct client_sum before = client_sum(t->clients[0]);
	int rc = client_order(t->clients[0], &order, NULL, NULL, e);
	*sum = client_sum(t->clients[0]);
	*replies = replies_of(&before, sum);
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
	struct replies replies;
	uint64_t first = 0;
	int rc = 0;
	*knee = 0;
	for (int percent = STEP_FIRST; !rc && max > 0 && percent <= STEP_LAST;
	     percent += STEP_MORE) {
		rc = talk(t, max * percent / 100, STEP_US, &sum, &replies, e);
		uint64_t p99 = client_quantile_ns(t->clients[0], 0.99);
		first = first ? first : p99;
		if (sum.missed || p99 > KNEE * first || replies_bad(&replies))
			return rc;
		*knee = max * percent / 100;
	}
	return rc;
}

/* As many as it was seen to hold, if that was tried. */
static uint64_t talking(const struct hold *h)
{
	bool tried = h->held || h->end != HOLD_ALL;
	uint64_t n = tried && h->held < TALKING ? h->held : TALKING;
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
			const struct replies *closed, const struct replies *open,
			struct outcome *out)
{
	const struct latency *latency = &t->context->latency;
	const struct replies both = {.done = closed->done + open->done,
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
	replies_text(t, &both, bad, sizeof(bad));
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
static uint64_t churn_active(const struct hold *h, uint64_t limit)
{
	bool turns_away = h->end == HOLD_REFUSED || h->end == HOLD_RESET || h->end == HOLD_CLOSED ||
			  h->end == HOLD_ERROR;
	uint64_t most = limit / 2 < TALKING ? limit / 2 : TALKING;
	if (turns_away && h->held <= most)
		most = h->held ? h->held - 1 : 0;
	return most ? most : 1;
}

static int rate_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	struct guest *guest = t->options->guest;
	struct client_order open = {
		.verb = CLIENT_OPEN, .count = talking(&t->context->hold), .in_flight = 1};
	struct client_sum sum;
	struct load load = {0};
	struct replies replies;
	double knee = 0;
	if (t->options->gentle) {
		outcome_unsupported(out, GENTLE_REFUSES);
		return 0;
	}
	trial_progress(t, "requests on %s connections", quantity_count(open.count).text);
	int rc = server_begin(t, 0, e);
	struct guest_queue queue = {0};
	if (!rc)
		rc = guest_queue_read(guest, &queue, e);
	/* Each request opens a connection. */
	if (!rc && t->context->hold.unheld)
		open.count = churn_active(&t->context->hold, queue.limit);
	t->context->latency = (struct latency){0};
	t->context->bad_replies[LOAD_OPEN][0] = 0;
	if (!rc)
		rc = trial_client(t, trial_guest_client(t, open.count), e);
	if (!rc)
		rc = client_order(t->clients[0], &open, NULL, NULL, e);
	if (!rc) {
		const struct client_order most = talk_order(t, 0, CLOSED_US);
		rc = load_run(t, &most, &load, e);
	}
	if (rc)
		return rc;
	double max = load.rate;
	t->context->latency.answered = load.sum.done;
	if (replies_fail(t, LOAD_OPEN, &load.replies, &load, out))
		return 0;
	double rate = guest->offered_per_s    ? (double)guest->offered_per_s
		      : guest->requests_per_s ? (double)guest->requests_per_s
					      : max / 2;
	if (rate <= 0 && load_hindered(t, &load, "answered", out))
		return 0;
	rc = knee_find(t, max, &knee, e);
	if (!rc)
		rc = talk(t, rate, OPEN_US, &sum, &replies, e);
	if (!rc)
		rc = guest_check(guest, e);
	if (rc || connections_fail(t, open.count, t->context->latency.answered, out) ||
	    replies_fail(t, LOAD_OPEN, &replies, &load, out))
		return rc;
	latency_keep(t, rate, open.count, &sum);
	if (rate_reached(t, &load, "answered", out))
		rate_remark(t, &sum, knee, &load.replies, &replies, out);
	return 0;
}

static void rate_bound(const struct target *target, const struct settings *s, struct bound *b)
{
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

static int accepts_load(struct trial *t, uint64_t active, struct load *l, int64_t *overflowed,
			struct err *e)
{
	CLEAN(trial_counters_free) struct trial_counters counters = {0};
	const struct client_order order = {.verb = CLIENT_CHURN,
					   .duration_us = CLOSED_US,
					   .active = active,
					   .depth = 1,
					   .size = trial_guest_size(t)};
	int rc = trial_client(t, trial_guest_client(t, active), e);
	if (!rc)
		rc = trial_counters_begin(t, LAB_SERVER, &counters, e);
	if (!rc)
		rc = load_run(t, &order, l, e);
	if (!rc)
		rc = trial_counters_end(t, &counters, e);
	if (!rc)
		*overflowed = trial_counters_growth(&counters, "TcpExt.ListenOverflows");
	return rc;
}

static int accepts_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	struct guest_queue queue;
	struct load load = {0};
	int64_t overflowed = 0;
	if (t->options->gentle) {
		outcome_unsupported(out, GENTLE_REFUSES);
		return 0;
	}
	trial_progress(t, "new connections");
	int rc = server_begin(t, 0, e);
	if (!rc)
		rc = guest_queue_read(t->options->guest, &queue, e);
	if (!rc)
		rc = accepts_load(t, churn_active(&t->context->hold, queue.limit), &load,
				  &overflowed, e);
	if (!rc)
		rc = guest_check(t->options->guest, e);
	if (rc)
		return rc;
	t->context->bad_replies[LOAD_NEW][0] = 0;
	if (replies_fail(t, LOAD_NEW, &load.replies, &load, out))
		return 0;
	if (!rate_reached(t, &load, "accepted", out))
		return 0;
	replies_text(t, &load.replies, out->remark, sizeof(out->remark));
	if (out->remark[0])
		report_append(out->remark, ".");
	s->taken.by_cpu = by_cpu(&load);
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
		.again = 2,
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
		.again = 2,
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
