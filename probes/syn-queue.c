/* Measures the SYN queue, which holds half-open connections: rate × round trip of them.
 *
 * As many clients as the target needs start their handshakes within one round trip of the wire, so
 * that all are half open at a time. The probe counts them before the first handshake completes. The
 * result is a count, so the wire's round trip may be longer than the target's. Clients of the
 * operator's server (--run) drop its answers instead.
 *
 * The kernel (net/ipv4/tcp_input.c, tcp_conn_request()) considers the queue full at the listener's
 * backlog. With tcp_syncookies it then answers with a cookie, keeps no state and drops no SYN: the
 * wall is tight at worst. Without, it drops the SYN, and reserves the last quarter of
 * tcp_max_syn_backlog for clients known from earlier. */
#include "epolltune/clock.h"
#include "epolltune/counters.h"
#include "epolltune/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "epolltune/cleanup.h"
#include "epolltune/quantity.h"
#include "epolltune/syn_queue.h"

#define WALL "syn-queue"

enum { MAX_SYN = BACKLOG_ARGUMENT + 1, COOKIES, TIMESTAMPS };

/* Long enough to count before the first handshake completes, and shorter than the first
 * retransmission of a SYN, 1 s (RFC 6298). */
#define RTT_MIN_US 200000u
#define RTT_MAX_US 500000u
/* Time to start and count one client, with headroom. */
#define CLIENT_US 50
/* Maximum number of clients. */
#define CLIENTS_MAX 16384
/* The queue is filled to its end if that takes at most this multiple of what must fit. */
#define REACH 2
#define ATTEMPTS 3
/* Each attempt uses new addresses, as the kernel prefers clients known from earlier. */
#define ADDRESSES 240
#define ATTEMPT_ADDRESSES 16
#define START_TIMEOUT_MS 10000
#define COUNT_EVERY_US 3000
#define STALE_MS 3000

enum { HALF_OPEN, BY_COOKIE, DROPPED, FULL_DROPS, COOKIES_SENT, COOKIES_BACK, COUNTS };

static const char *const counter_names[COUNTS] = {
	[BY_COOKIE] = COUNTER_SYN_COOKIES, /* SYNs beyond the queue, answered */
	[DROPPED] = COUNTER_LISTEN_DROPS,      [FULL_DROPS] = COUNTER_SYN_DROPS,
	[COOKIES_SENT] = COUNTER_COOKIES_SENT, [COOKIES_BACK] = COUNTER_COOKIES_RECEIVED,
};

struct context {
	unsigned attempts;
	/* The last burst of clients and its counts. */
	struct rush {
		uint64_t clients;
		uint64_t count[COUNTS];
		bool counted; /* all clients were counted before the first handshake completed */
	} rush;
};

/* Reads the growth of the counters from `first` on. */
static void rush_read(const struct trial_counters *c, size_t first, struct rush *r)
{
	for (size_t i = first; i < COUNTS; i++) {
		int64_t growth = trial_counters_growth(c, counter_names[i]);
		r->count[i] = growth > 0 ? (uint64_t)growth : 0;
	}
}

static uint64_t wire_rtt(const struct target *t)
{
	uint64_t takes_us = report_margin(target_syn_queue(t)) * CLIENT_US;
	uint64_t rtt_us = t->rtt_us > takes_us ? t->rtt_us : takes_us;
	return rtt_us < RTT_MIN_US ? RTT_MIN_US : rtt_us > RTT_MAX_US ? RTT_MAX_US : rtt_us;
}

/* In the lab's memory, as the server's host counts. */
struct half_open {
	uint16_t port; /* of the server, in network byte order */
	uint64_t count;
};

static int half_open_count(struct host *h, void *arg, struct err *e)
{
	struct half_open *half_open = arg;
	return host_half_open(h, half_open->port, &half_open->count, e);
}

static const union endpoint *rush_address(const struct trial *t)
{
	return t->server ? &t->server->address : &t->options->guest->to;
}

/* Counts until all clients are counted or the first handshake completes, and no later than a second
 * after the first SYN: one sent again would count twice. */
static int rush_count(struct trial *t, uint64_t begun_ns, struct trial_counters *c, struct err *e)
{
	struct rush *r = &t->context->rush;
	uint64_t end = begun_ns + 2 * RTT_MAX_US * UINT64_C(1000);
	struct half_open *half_open = lab_alloc(t->lab, sizeof(*half_open), e);
	if (!half_open)
		return -ENOMEM;
	half_open->port = htons(endpoint_port(rush_address(t)));
	do {
		clock_sleep_us(COUNT_EVERY_US);
		int rc = lab_call(t->lab, LAB_SERVER, half_open_count, half_open, e);
		if (!rc)
			rc = trial_counters_end(t, c, e);
		if (rc)
			return rc;
		/* A handshake that completes between the two counts is in neither. */
		if (t->server && server_sum(t->server).accepted)
			return 0;
		rush_read(c, BY_COOKIE, r);
		r->count[HALF_OPEN] = half_open->count;
		r->counted =
			half_open->count + r->count[BY_COOKIE] + r->count[DROPPED] >= r->clients &&
			clock_ns() < end;
	} while (!r->counted && clock_ns() < end);
	return 0;
}

/* Those of the attempt before, of a server that has ended, last until the kernel sends their
 * SYN-ACK again, after 1 s. */
static int rush_before_gone(struct trial *t, struct err *e)
{
	uint64_t until = clock_ms() + STALE_MS;
	struct half_open *half_open = lab_alloc(t->lab, sizeof(*half_open), e);
	int rc = half_open ? 0 : -ENOMEM;
	if (half_open)
		half_open->port = htons(endpoint_port(rush_address(t)));
	while (!rc && !(rc = lab_call(t->lab, LAB_SERVER, half_open_count, half_open, e)) &&
	       half_open->count && clock_ms() < until)
		clock_sleep_ms(1);
	return rc;
}

/* Returns when each client has sent its SYN. */
static int rush_start(struct trial *t, struct client *client, uint64_t clients, uint64_t *begun_ns,
		      struct err *e)
{
	union endpoint sources[ATTEMPT_ADDRESSES];
	/* A wire without a round trip: clients of the operator's server do not complete theirs. */
	enum lab_host from = t->server ? LAB_CLIENT : t->options->guest->from;
	const struct client_config config = {.to = *rush_address(t),
					     .connections = clients,
					     .deaf = !t->server,
					     .sources = sources,
					     .source_count =
						     from == LAB_CLIENT ? ATTEMPT_ADDRESSES : 0};
	uint64_t spread_us = wire_rtt(t->target) / (t->options->gentle ? 2 : 8);
	unsigned first = t->context->attempts++ * ATTEMPT_ADDRESSES;
	for (unsigned i = 0; i < ATTEMPT_ADDRESSES; i++)
		sources[i] = lab_address(t->lab, LAB_CLIENT,
					 (first + i) % lab_addresses(t->lab, LAB_CLIENT));
	int rc = client_start(client, &(struct task_context){t->lab, from}, &config, e);
	*begun_ns = clock_ns();
	if (!rc)
		rc = client_open(client, clients, clients * 1000000 / spread_us, START_TIMEOUT_MS,
				 e);
	return rc ? rc : client_check(client, e);
}

static int rush_run(struct trial *t, int backlog, uint64_t clients, struct err *e)
{
	CLEAN(client_stop) struct client client = {0};
	CLEAN(trial_counters_free) struct trial_counters counters = {0};
	struct rush *r = &t->context->rush;
	*r = (struct rush){.clients = clients};
	trial_progress(t, "%s handshakes at a time", quantity_count(clients).text);
	int rc = 0;
	if (t->options->guest)
		rc = rush_before_gone(t, e);
	else
		rc = trial_server(t, (struct server_config){.backlog = backlog}, e);
	if (!rc)
		rc = trial_counters_begin(t, LAB_SERVER, &counters, e);
	if (rc)
		return rc;
	uint64_t begun_ns;
	rc = rush_start(t, &client, clients, &begun_ns, e);
	if (!rc)
		rc = rush_count(t, begun_ns, &counters, e);
	if (rc || !r->count[BY_COOKIE])
		return rc;
	/* Wait until the server has received the last cookie. */
	clock_sleep_us(wire_rtt(t->target));
	rc = trial_counters_end(t, &counters, e);
	rush_read(&counters, COOKIES_SENT, r);
	return rc;
}

static int64_t all_hold(const struct settings *s, const struct syn_room *room)
{
	return (int64_t)subject_spread((uint64_t)room->holds, backlog_sockets(s));
}

static void queue_bound(const struct target *target, const struct settings *s, struct bound *b)
{
	int64_t cookies = s->at[COOKIES][0];
	if (cookies == 2) {
		b->binding = COOKIES;
		b->state = BOUND_UNLIMITED;
		return;
	}
	backlog_bound(target, s, b);
	b->soft = cookies == 1;
	if (b->capacity == REPORT_NONE)
		return;
	struct syn_room room =
		syn_queue_room(backlog_limit(s), s->at[MAX_SYN][0], cookies, s->machine.kernel);
	if (room.by_max_syn)
		b->binding = MAX_SYN;
	b->capacity = room.at_most ? REPORT_NONE : all_hold(s, &room);
	if (backlog_outlasts(s)) {
		room = syn_queue_room(s->at[BACKLOG_MAX][0], s->at[MAX_SYN][0], cookies,
				      s->machine.kernel);
		b->part.capacity = room.at_most ? REPORT_NONE : all_hold(s, &room);
	}
	if (cookies != REPORT_NONE)
		return;
	b->fallback.knob = "net.ipv4.tcp_syncookies";
	room = syn_queue_room(backlog_limit(s), s->at[MAX_SYN][0], 0, s->machine.kernel);
	b->fallback.capacity = room.at_most ? 0 : all_hold(s, &room);
}

/* Of each socket. */
static int64_t part_of(const struct settings *s, int64_t enough)
{
	return (int64_t)subject_part((uint64_t)enough, backlog_sockets(s));
}

static bool queue_solve(const struct target *target, const struct settings *now,
			const struct outcome *o, int64_t enough, struct settings *out)
{
	int64_t each = part_of(now, enough), limit = syn_queue_limit(each, now->machine.kernel);
	backlog_raise(target, LISTENER_TCP, limit, out);
	if (syn_queue_room(limit, now->at[MAX_SYN][0], now->at[COOKIES][0], now->machine.kernel)
		    .by_max_syn)
		out->at[MAX_SYN][0] = syn_queue_setting(each);
	return true;
}

/* Sets {name} to a metric of a full queue, or to "". */
static void word_count(struct wording *w, const char *name, const struct outcome *o, int metric)
{
	bool known = o && o->limit_met && !isnan(o->metric[metric]);
	wording_set(w, name, "%s", known ? quantity_count((uint64_t)o->metric[metric]).text : "");
}

static void queue_words(const struct target *target, const struct settings *s,
			const struct outcome *o, const struct bound *b, struct wording *w)
{
	int64_t somaxconn = s->at[BACKLOG_MAX][0], backlog = s->at[BACKLOG_ARGUMENT][0];
	uint64_t enough = report_margin(target_syn_queue(target));
	backlog_words(target, s, LISTENER_TCP, w);
	/* The listener's backlog is long enough: tcp_max_syn_backlog is not. */
	wording_flag(w, "suffices", s->subject && backlog >= part_of(s, (int64_t)enough));
	wording_set(w, "always", "%s", s->at[COOKIES][0] == 2 ? "yes" : "");
	wording_set(w, "cookies", "%s", s->at[COOKIES][0] ? "yes" : "");
	wording_flag(w, "unstamped", s->at[TIMESTAMPS][0] == 0);
	if (s->subject)
		somaxconn = backlog;
	wording_set(w, "backlog", "%lld", (long long)(backlog < somaxconn ? backlog : somaxconn));
	wording_set(w, "max_syn", "%s", s->text[MAX_SYN]);
	word_count(w, "held", o, HALF_OPEN);
	word_count(w, "by_cookie", o, BY_COOKIE);
	word_count(w, "dropped", o, DROPPED);
}

/* Enough clients to find the end of the queue, unless it is too far away. `beyond`: it may be
 * exceeded; otherwise it is filled exactly where the kernel logs a SYN beyond it, as a flood: not
 * those that three quarters of tcp_max_syn_backlog exclude. */
static uint64_t clients_for(const struct target *target, const struct bound *b, bool beyond)
{
	uint64_t enough = report_margin(target_syn_queue(target));
	uint64_t end = b->capacity > 0 ? (uint64_t)b->capacity : 0;
	bool logged = b->binding != MAX_SYN && b->state != BOUND_UNLIMITED;
	if (!beyond && logged && end < enough)
		return end;
	if (beyond || !logged)
		end += end / 16 + 64;
	return end > enough && end <= REACH * enough && end <= CLIENTS_MAX ? end : enough;
}

static struct cost queue_cost(const struct target *target, const struct settings *s,
			      const struct bound *b)
{
	return (struct cost){.clients = clients_for(target, b, true),
			     .clients_max = CLIENTS_MAX,
			     .at_once = report_margin(target_syn_queue(target))};
}

/* `capacity`: by the settings. A queue that holds exactly that is full. */
static void rush_outcome(const struct trial *t, const struct rush *r, int64_t capacity,
			 struct outcome *out)
{
	bool full = r->count[BY_COOKIE] || r->count[DROPPED] ||
		    (capacity != REPORT_NONE && r->count[HALF_OPEN] == (uint64_t)capacity);
	if (!r->counted || (!full && r->count[HALF_OPEN] < report_margin(t->needed))) {
		outcome_inconclusive(out,
				     "this machine was too busy to count %s half-open handshakes",
				     quantity_count(r->clients).text);
		return;
	}
	out->state = OUTCOME_CONCLUSIVE;
	out->limit_met = full;
	out->reached = (int64_t)r->count[HALF_OPEN];
	for (size_t i = 0; i < COUNTS; i++)
		if (i == HALF_OPEN || r->count[i] || t->proof)
			out->metric[i] = (double)r->count[i];
}

static int queue_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	uint64_t enough = report_margin(t->needed), max = client_max();
	bool few = t->proof || t->options->gentle, log = t->options->kernel_log;
	uint64_t clients = clients_for(t->target, t->bound, log);
	const char *why = backlog_untestable(s);
	int rc = 0;
	if (why) {
		outcome_unsupported(out, "%s", why);
		return 0;
	}
	if (few && clients > enough)
		clients = enough;
	if (enough > clients)
		enough = clients;
	if (enough > max) {
		outcome_unsupported(out,
				    "the experiment needs %s clients and RLIMIT_NOFILE allows %s; "
				    "raise it with ulimit -n",
				    quantity_count(enough).text, quantity_count(max).text);
		return 0;
	}
	/* After an attempt without result the next one sends only the clients that must fit. */
	for (unsigned i = 0; i < ATTEMPTS; i++) {
		if (t->options->guest && trial_guest_refuses(t, s, LISTENER_TCP, out, &rc, e))
			return rc;
		rc = rush_run(t, (int)s->at[BACKLOG_ARGUMENT][0],
			      i || clients > max ? enough : clients, e);
		if (rc)
			return rc;
		rush_outcome(t, &t->context->rush, t->bound->capacity, out);
		if (out->state == OUTCOME_CONCLUSIVE)
			break;
	}
	return 0;
}

static void queue_describe(const struct trial *t, const struct outcome *o, char *text, size_t size)
{
	const struct rush *r = &t->context->rush;
	if (t->proof)
		snprintf(text, size,
			 "%s of %s half open at a time, %s dropped, %s answered with a cookie",
			 quantity_count(r->count[HALF_OPEN]).text, quantity_count(r->clients).text,
			 quantity_count(r->count[DROPPED]).text,
			 quantity_count(r->count[BY_COOKIE]).text);
}

static const struct experiment experiments[] = {
	{
		.wall = WALL,
		.knobs = {"net.core.somaxconn", "listen.backlog", "net.ipv4.tcp_max_syn_backlog",
			  "net.ipv4.tcp_syncookies", "net.ipv4.tcp_timestamps"},
		.metrics = {[HALF_OPEN] = {"half open", "connections"},
			    [BY_COOKIE] = {"TCPReqQFullDoCookies", "SYNs"},
			    [DROPPED] = {"ListenDrops", "SYNs"},
			    [FULL_DROPS] = {"TCPReqQFullDrop", "SYNs"},
			    [COOKIES_SENT] = {"SyncookiesSent", ""},
			    [COOKIES_BACK] = {"SyncookiesRecv", ""}},
		.bound = queue_bound,
		.solve = queue_solve,
		.words = queue_words,
		.cost = queue_cost,
		.run = queue_run,
		.describe = queue_describe,
	},
	{0},
};

static void queue_shape(const struct target *t, struct lab_options *lab)
{
	lab->rtt_us = wire_rtt(t);
	lab->bandwidth_bps = 0;
}

const struct probe probe_syn_queue = {
	.name = WALL,
	.summary = "handshakes half open at a time: how many fit, what happens to those beyond",
	.place = PROBE_LAB,
	.guest = GUEST_TOO,
	.lab = {.wire = LAB_WIRE_DELAY, .client_addresses = ADDRESSES, .wide_ports = true},
	.shape = queue_shape,
	.context_size = sizeof(struct context),
	.experiments = experiments,
};
