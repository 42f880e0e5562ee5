/* The SYN queue: it holds handshakes until their last packet arrives, rate × round trip of them.
 *
 * As many clients as the target needs begin their handshake within one round trip of the wire, so
 * that all are half open at a time, and are counted before the first handshake completes. The
 * result is a count, so the wire's round trip may be longer than the target's.
 *
 * The kernel (net/ipv4/tcp_input.c, tcp_conn_request()) calls the queue full at the listener's
 * backlog. With tcp_syncookies it then answers with a cookie and keeps no state; without, it drops
 * the SYN, and reserves the last quarter of tcp_max_syn_backlog for clients known from earlier. */
#include "epolltune/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/load.h"
#include "epolltune/quantity.h"
#include "epolltune/server.h"

#define WALL "syn-queue"

enum { KERNEL_MAX, ARGUMENT, MAX_SYN, COOKIES };

/* Long enough to count before the first handshake completes, and shorter than the first
 * retransmission of a SYN, 1 s (RFC 6298). */
#define RTT_MIN_US 200000u
#define RTT_MAX_US 500000u
/* Time to begin and count one client, with headroom. */
#define CLIENT_US 50
/* More clients than that are not sent. */
#define CLIENTS_MAX 16384
/* The queue is filled to its end when that takes at most so many times what must fit. */
#define REACH 2
/* Processes that share the clients when the descriptor limit is low, and the descriptors that each
 * holds besides clients. */
#define BURSTS 16
#define BURST_HELD 16
#define ATTEMPTS 3
/* The kernel prefers clients that it knows from earlier: each attempt has addresses of its own. */
#define ADDRESSES 240
#define SOURCES 16
#define COUNT_EVERY_US 3000
#define BURST_TIMEOUT_MS 10000

enum { HALF_OPEN, BY_COOKIE, DROPPED, FULL_DROPS, COOKIES_SENT, COOKIES_BACK, COUNTS };

static const char *const counter_names[COUNTS] = {
	[BY_COOKIE] = "TcpExt.TCPReqQFullDoCookies", /* SYNs beyond the queue, answered */
	[DROPPED] = "TcpExt.ListenDrops",
	[FULL_DROPS] = "TcpExt.TCPReqQFullDrop",
	[COOKIES_SENT] = "TcpExt.SyncookiesSent",
	[COOKIES_BACK] = "TcpExt.SyncookiesRecv",
};

struct context {
	unsigned attempts;
	/* The last burst of clients and what became of it. */
	struct rush {
		uint64_t clients;
		uint64_t count[COUNTS];
		bool counted; /* every client, before the first handshake completed */
	} rush;
};

/* Clients of one process, which begin within `spread_us`; in the lab's memory. */
struct burst {
	struct sockaddr_in to;
	struct in_addr sources[SOURCES];
	uint64_t count, spread_us;
	int channel;
	_Atomic uint64_t sent;
	_Atomic int error; /* errno of the first that could not be sent */
};

/* The socket stays open until its process exits. */
static int burst_connect(const struct burst *b, uint64_t i)
{
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = b->sources[i % SOURCES]};
	/* Reset at the end: no connection is left to close, and no client becomes known. */
	struct linger reset = {.l_onoff = 1};
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&from, sizeof(from)) ||
	    (connect(fd, (const struct sockaddr *)&b->to, sizeof(b->to)) && errno != EINPROGRESS)) {
		int error = errno;
		close(fd);
		return -error;
	}
	return 0;
}

static int burst_task(int channel, void *arg)
{
	struct burst *b = arg;
	struct rlimit limit;
	char word;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	uint64_t start = load_now_ns();
	for (uint64_t i = 0; i < b->count; i++) {
		uint64_t due = start + b->spread_us * 1000 / b->count * i, now = load_now_ns();
		if (due > now + 1000000)
			trial_sleep_us((due - now) / 1000);
		int rc = burst_connect(b, i);
		if (rc) {
			b->error = -rc;
			break;
		}
		b->sent++;
	}
	send(channel, "s", 1, MSG_NOSIGNAL);
	recv(channel, &word, 1, 0);
	return 0;
}

/* Clients of one process. */
static uint64_t burst_capacity(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_max <= BURST_HELD)
		return 1;
	uint64_t max = limit.rlim_max - BURST_HELD;
	return max < CLIENTS_MAX ? max : CLIENTS_MAX;
}

/* Starts those of `all` that it takes; `started` says how many. */
static int bursts_start(struct burst *all, struct lab *lab, uint64_t clients, size_t *started,
			struct err *e)
{
	uint64_t each = burst_capacity();
	for (; clients && *started < BURSTS; ++*started) {
		struct burst *b = &all[*started];
		b->count = clients < each ? clients : each;
		clients -= b->count;
		int rc = lab_spawn(lab, LAB_CLIENT, burst_task, b, &b->channel, e);
		if (rc)
			return rc;
	}
	return 0;
}

static int bursts_await(struct burst *all, size_t started, uint64_t *sent, struct err *e)
{
	char word;
	for (struct burst *b = all; b < all + started; b++) {
		if (lab_receive(b->channel, &word, 1, BURST_TIMEOUT_MS, e) < 0)
			return -e->code;
		*sent += b->sent;
		if (b->error)
			return err_set(e, b->error, "client %llu in the lab could not connect: %s",
				       (unsigned long long)*sent, strerror(b->error));
	}
	return 0;
}

/* Signals all before it waits for any. */
static void bursts_stop(struct burst *all, size_t started)
{
	for (size_t i = 0; i < started; i++)
		shutdown(all[i].channel, SHUT_WR);
	for (size_t i = 0; i < started; i++)
		lab_finish(all[i].channel);
}

/* In the lab's memory, as one of its hosts counts. */
struct half_open {
	uint16_t port;
	uint64_t count;
};

static int half_open_count(struct host *h, void *arg, struct err *e)
{
	struct half_open *half = arg;
	return host_half_open(h, half->port, &half->count, e);
}

/* The counters from `first` on. */
static void rush_read(const struct trial_counters *c, size_t first, struct rush *r)
{
	for (size_t i = first; i < COUNTS; i++) {
		int64_t growth = trial_counters_growth(c, counter_names[i]);
		r->count[i] = growth > 0 ? (uint64_t)growth : 0;
	}
}

/* Counts until every client is accounted for, or the first handshake completes. */
static int rush_count(struct trial *t, const struct server *server, struct half_open *half,
		      uint64_t sent, struct trial_counters *c, struct err *e)
{
	struct rush *r = &t->context->rush;
	uint64_t end = load_now_ns() + 2 * RTT_MAX_US * UINT64_C(1000);
	do {
		trial_sleep_us(COUNT_EVERY_US);
		int rc = lab_call(t->lab, LAB_SERVER, half_open_count, half, e);
		if (!rc)
			rc = trial_counters_end(t, c, e);
		if (rc)
			return rc;
		/* A handshake that completed in between would be in neither count. */
		if (server->stats->accepted)
			return 0;
		rush_read(c, BY_COOKIE, r);
		r->count[HALF_OPEN] = half->count;
		r->counted = half->count + r->count[BY_COOKIE] + r->count[DROPPED] >= sent;
	} while (!r->counted && load_now_ns() < end);
	return 0;
}

static uint64_t wire_rtt(const struct target *t)
{
	uint64_t takes_us = report_margin(target_syn_queue(t)) * CLIENT_US;
	uint64_t rtt_us = t->rtt_us > takes_us ? t->rtt_us : takes_us;
	return rtt_us < RTT_MIN_US ? RTT_MIN_US : rtt_us > RTT_MAX_US ? RTT_MAX_US : rtt_us;
}

static int rush_body(struct trial *t, const struct server *server, struct half_open *half,
		     struct burst *bursts, struct err *e)
{
	CLEAN(trial_counters_free) struct trial_counters counters = {0};
	struct rush *r = &t->context->rush;
	size_t started = 0;
	uint64_t sent = 0;
	int rc = trial_counters_begin(t, LAB_SERVER, &counters, e);
	if (!rc)
		rc = bursts_start(bursts, t->lab, r->clients, &started, e);
	if (!rc)
		rc = bursts_await(bursts, started, &sent, e);
	if (!rc)
		rc = rush_count(t, server, half, sent, &counters, e);
	if (!rc && r->count[BY_COOKIE]) {
		/* Until the last cookie has come back. */
		trial_sleep_us(wire_rtt(t->target));
		rc = trial_counters_end(t, &counters, e);
		if (!rc)
			rush_read(&counters, COOKIES_SENT, r);
	}
	bursts_stop(bursts, started);
	return rc;
}

/* Addresses that no attempt before used. */
static void bursts_prepare(struct trial *t, struct in_addr to, uint16_t port, struct burst *all)
{
	unsigned first = t->context->attempts++ * SOURCES;
	for (struct burst *b = all; b < all + BURSTS; b++) {
		b->spread_us = wire_rtt(t->target) / 8;
		b->to = (struct sockaddr_in){
			.sin_family = AF_INET, .sin_addr = to, .sin_port = port};
		for (unsigned i = 0; i < SOURCES; i++)
			b->sources[i] = lab_address(t->lab, LAB_CLIENT, (first + i) % ADDRESSES);
	}
}

static int rush_run(struct trial *t, int backlog, uint64_t clients, struct err *e)
{
	size_t mark = lab_mark(t->lab);
	struct server server = {.channel = -1};
	struct server_config config = {.address = lab_address(t->lab, LAB_SERVER, 0),
				       .backlog = backlog};
	struct half_open *half = lab_alloc(t->lab, sizeof(*half), e);
	struct burst *bursts = lab_alloc(t->lab, BURSTS * sizeof(*bursts), e);
	if (!half || !bursts)
		return -ENOMEM;
	t->context->rush = (struct rush){.clients = clients};
	trial_progress(t, "%s handshakes at a time", quantity_show(QUANTITY_COUNT, clients).text);
	int rc = server_start(&server, t->lab, &config, e);
	half->port = server.port;
	bursts_prepare(t, config.address, server.port, bursts);
	if (!rc)
		rc = rush_body(t, &server, half, bursts, e);
	server_stop(&server);
	lab_release(t->lab, mark);
	return rc;
}

/* The queue is full above the backlog (include/net/inet_connection_sock.h,
 * inet_csk_reqsk_queue_is_full(); at the backlog before 6.14 and the stable kernels that took its
 * change: one less is measured there). */
static int64_t backlog_capacity(int64_t backlog) { return backlog + 1; }

/* Clients that the kernel does not know leave the last quarter free. */
static int64_t max_syn_capacity(int64_t max_syn) { return max_syn - (max_syn >> 2) + 1; }

static int64_t max_syn_for(int64_t enough) { return (enough - 1) / 3 * 4 + (enough - 1) % 3; }

static void queue_bound(const struct target *target, const struct settings *s, struct bound *b)
{
	int64_t somaxconn = s->at[KERNEL_MAX][0], backlog = s->at[ARGUMENT][0];
	int64_t max_syn = s->at[MAX_SYN][0];
	(void)target;
	b->binding = backlog < somaxconn ? ARGUMENT : KERNEL_MAX;
	if (s->at[COOKIES][0] == 2) {
		b->binding = COOKIES;
		b->unlimited = true;
		return;
	}
	if (somaxconn == REPORT_NONE || (s->at[COOKIES][0] == 0 && max_syn == REPORT_NONE))
		return;
	b->capacity = backlog_capacity(s->at[b->binding][0]);
	if (s->at[COOKIES][0] == 0 && max_syn_capacity(max_syn) < b->capacity) {
		b->binding = MAX_SYN;
		b->capacity = max_syn_capacity(max_syn);
	}
}

static bool queue_solve(const struct target *target, const struct settings *now,
			const struct outcome *o, int64_t enough, struct settings *out)
{
	(void)target;
	(void)o;
	for (int i = KERNEL_MAX; i <= ARGUMENT; i++)
		if (backlog_capacity(out->at[i][0]) < enough)
			out->at[i][0] = enough - 1;
	if (now->at[COOKIES][0] == 0 && max_syn_capacity(now->at[MAX_SYN][0]) < enough)
		out->at[MAX_SYN][0] = max_syn_for(enough);
	return true;
}

/* What a full queue showed. */
static void word_count(struct wording *w, const char *name, const struct outcome *o, int metric)
{
	bool known = o && o->limit_met && !isnan(o->metric[metric]);
	wording_set(w, name, "%s",
		    known ? quantity_show(QUANTITY_COUNT, (uint64_t)o->metric[metric]).text : "");
}

static void queue_words(const struct target *target, const struct settings *s,
			const struct outcome *o, struct wording *w)
{
	int64_t somaxconn = s->at[KERNEL_MAX][0], backlog = s->at[ARGUMENT][0];
	(void)target;
	wording_set(w, "always", "%s", s->at[COOKIES][0] == 2 ? "yes" : "");
	wording_set(w, "cookies", "%s", s->at[COOKIES][0] ? "yes" : "");
	wording_set(w, "backlog", "%lld", (long long)(backlog < somaxconn ? backlog : somaxconn));
	wording_set(w, "max_syn", "%s", s->text[MAX_SYN]);
	word_count(w, "held", o, HALF_OPEN);
	word_count(w, "by_cookie", o, BY_COOKIE);
	word_count(w, "dropped", o, DROPPED);
}

/* Enough to find the end of the queue, unless that is out of proportion. */
static uint64_t clients_for(const struct target *target, const struct settings *s)
{
	struct bound b = {.capacity = REPORT_NONE};
	uint64_t enough = report_margin(target_syn_queue(target));
	queue_bound(target, s, &b);
	uint64_t end = b.capacity > 0 ? (uint64_t)b.capacity : 0;
	end += end / 16 + 64;
	return end > enough && end <= REACH * enough && end <= CLIENTS_MAX ? end : enough;
}

static struct cost queue_cost(const struct target *target, const struct settings *s)
{
	return (struct cost){.clients = clients_for(target, s), .clients_max = CLIENTS_MAX};
}

static void rush_outcome(const struct trial *t, const struct rush *r, struct outcome *out)
{
	bool full = r->count[BY_COOKIE] || r->count[DROPPED];
	if (!r->counted || (!full && r->count[HALF_OPEN] < report_margin(t->needed))) {
		out->state = OUTCOME_INCONCLUSIVE;
		report_text(out->why, "this machine was too busy to count %s half-open handshakes",
			    quantity_show(QUANTITY_COUNT, r->clients).text);
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
	uint64_t enough = report_margin(t->needed), max = BURSTS * burst_capacity();
	uint64_t clients = t->proof ? enough : clients_for(t->target, s);
	if (enough > max) {
		out->state = OUTCOME_UNSUPPORTED;
		report_text(out->why,
			    "the experiment takes %s clients, and RLIMIT_NOFILE allows %s; raise "
			    "it with ulimit -n",
			    quantity_show(QUANTITY_COUNT, enough).text,
			    quantity_show(QUANTITY_COUNT, max).text);
		return 0;
	}
	/* Without a result, the next attempt sends no more clients than must fit. */
	for (unsigned i = 0; i < ATTEMPTS; i++) {
		int rc = rush_run(t, (int)s->at[ARGUMENT][0], i || clients > max ? enough : clients,
				  e);
		if (rc)
			return rc;
		rush_outcome(t, &t->context->rush, out);
		if (out->state == OUTCOME_CONCLUSIVE)
			break;
	}
	return 0;
}

static void queue_describe(const struct trial *t, const struct outcome *o, char *text, size_t size)
{
	const struct rush *r = &t->context->rush;
	(void)o;
	if (t->proof)
		snprintf(text, size,
			 "%s of %s half open at a time, %s dropped, %s answered with a cookie",
			 quantity_show(QUANTITY_COUNT, r->count[HALF_OPEN]).text,
			 quantity_show(QUANTITY_COUNT, r->clients).text,
			 quantity_show(QUANTITY_COUNT, r->count[DROPPED]).text,
			 quantity_show(QUANTITY_COUNT, r->count[BY_COOKIE]).text);
}

static const struct experiment experiments[] = {
	{
		.wall = WALL,
		.knobs = {"net.core.somaxconn", "listen.backlog", "net.ipv4.tcp_max_syn_backlog",
			  "net.ipv4.tcp_syncookies"},
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
	.lab = {.wire = LAB_WIRE_DELAY, .client_addresses = ADDRESSES, .wide_ports = true},
	.shape = queue_shape,
	.context_size = sizeof(struct context),
	.experiments = experiments,
};
