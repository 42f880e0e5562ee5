/* The SYN queue: handshakes whose last step is still on its way, rate × round trip of them.
 *
 * As many clients as the target needs begin their handshake within one round trip of the wire, so
 * that all are half open at a time: then they are counted, by inet_diag and by the counters, before
 * the first is complete. It is a count, so the wire's round trip may be longer than the target's.
 *
 * The kernel (net/ipv4/tcp_input.c, tcp_conn_request()) calls the queue full at the listener's
 * backlog and then, with tcp_syncookies, answers with a cookie and keeps no state; without, it
 * drops the SYN, and keeps the last quarter of tcp_max_syn_backlog for clients known from earlier.
 */
#include "epolltune/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "epolltune/knob.h"
#include "epolltune/load.h"
#include "epolltune/quantity.h"
#include "epolltune/server.h"

#define WALL "syn-queue"
#define SOMAXCONN_KNOB "net.core.somaxconn"
#define MAX_SYN_KNOB "net.ipv4.tcp_max_syn_backlog"
#define COOKIES_KNOB "net.ipv4.tcp_syncookies"
#define BACKLOG_KNOB "listen.backlog"
/* Before 6.11 a lab without privilege has no net/core, and its somaxconn is the kernel's default.
 */
#define SOMAXCONN_DEFAULT 4096
/* Long enough to count before the first handshake is complete, and short of SYN's retransmission
 * after 1 s (RFC 6298). */
#define RTT_MIN_US 200000u
#define RTT_MAX_US 500000u
/* For each client, with some to spare: what it takes to begin and to count it. */
#define CLIENT_US 50
/* More clients than that are not sent; the verdict is then derived. */
#define CLIENTS_MAX 16384
/* The queue's end is looked for when it is not farther than so many times what must fit. */
#define REACH 2
/* Processes that the clients are spread over when the descriptor limit is low, and what each holds
 * besides clients. */
#define BURSTS 16
#define BURST_HELD 16
#define ATTEMPTS 3
/* A client that was here before is known to the kernel, and treated better: each attempt has
 * addresses of its own. */
#define ADDRESSES 240
#define SOURCES 16

static struct quantity_shown count_show(uint64_t value)
{
	return quantity_show(QUANTITY_COUNT, value);
}

static void nap_us(uint64_t us)
{
	struct timespec t = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};
	nanosleep(&t, NULL);
}

/* Clients that all begin within `spread_us`; in the lab's memory. */
struct burst {
	struct sockaddr_in to;
	struct in_addr sources[SOURCES];
	uint64_t count, spread_us;
	_Atomic uint64_t sent;
	_Atomic int error; /* errno of the first that could not be sent */
};

static int burst_connect(const struct burst *b, uint64_t i)
{
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = b->sources[i % SOURCES]};
	/* Reset when the burst ends: no connection is left to close, and none becomes known. */
	struct linger reset = {.l_onoff = 1};
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&from, sizeof(from)) ||
	    (connect(fd, (const struct sockaddr *)&b->to, sizeof(b->to)) && errno != EINPROGRESS))
		return -errno;
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
			nap_us((due - now) / 1000);
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

/* What stands behind the wall on this host. */
struct limits {
	int64_t somaxconn, max_syn, cookies; /* REPORT_NONE: not to be read */
	int64_t argument;                    /* of listen(); 0: as much as somaxconn gives */
};

/* What a listener has in the end. */
static int64_t limits_backlog(const struct limits *l)
{
	return l->argument && l->argument < l->somaxconn ? l->argument : l->somaxconn;
}

/* Full is more than the backlog (include/net/inet_connection_sock.h,
 * inet_csk_reqsk_queue_is_full(); as many as the backlog before 6.14 and the stable kernels that
 * took its change: then one less is measured). */
static int64_t backlog_capacity(int64_t backlog) { return backlog + 1; }

/* Clients that the kernel has not met before leave the last quarter free. */
static int64_t syn_capacity(int64_t max_syn) { return max_syn - (max_syn >> 2) + 1; }

static int64_t syn_for(uint64_t needed)
{
	int64_t value = 128;
	while (syn_capacity(value) < (int64_t)needed)
		value *= 2;
	return value;
}

static int64_t backlog_for(uint64_t needed)
{
	int64_t value = 128;
	while (backlog_capacity(value) < (int64_t)needed)
		value *= 2;
	return value;
}

static int64_t limits_capacity(const struct limits *l)
{
	if (l->somaxconn == REPORT_NONE)
		return REPORT_NONE;
	int64_t capacity = backlog_capacity(limits_backlog(l));
	if (l->cookies == 0 && l->max_syn != REPORT_NONE && syn_capacity(l->max_syn) < capacity)
		capacity = syn_capacity(l->max_syn);
	return capacity;
}

/* Which of them it is. */
static const char *limits_binding(const struct limits *l)
{
	if (limits_capacity(l) < backlog_capacity(limits_backlog(l)))
		return MAX_SYN_KNOB;
	return l->argument && l->argument < l->somaxconn ? BACKLOG_KNOB : SOMAXCONN_KNOB;
}

static int64_t knob_number(const struct host *h, const char *name)
{
	struct err ignored = {0};
	char value[KNOB_VALUE];
	int64_t number = REPORT_NONE;
	const struct knob *k = knob_find(name);
	if (k && !knob_read(k, h, value, &ignored))
		knob_field(value, 0, &number);
	return number;
}

static struct limits limits_read(const struct probe_run *run)
{
	return (struct limits){
		.somaxconn = knob_number(run->host, SOMAXCONN_KNOB),
		.max_syn = knob_number(run->host, MAX_SYN_KNOB),
		.cookies = knob_number(run->host, COOKIES_KNOB),
		.argument = (int64_t)run->options->backlog,
	};
}

/* The smallest powers of two that make the verdict ok; what suffices already stays. */
static struct limits limits_propose(const struct limits *l, uint64_t needed)
{
	struct limits p = *l;
	uint64_t enough = report_margin(needed);
	if (backlog_capacity(limits_backlog(l)) < (int64_t)enough) {
		int64_t backlog = backlog_for(enough);
		if (p.somaxconn < backlog)
			p.somaxconn = backlog;
		if (p.argument)
			p.argument = backlog;
	}
	if (l->cookies == 0 && syn_capacity(l->max_syn) < (int64_t)enough)
		p.max_syn = syn_for(enough);
	return p;
}

/* One burst and what it showed. */
struct rush {
	uint64_t clients;
	uint64_t half_open; /* when all had arrived and none was complete */
	uint64_t
		cookies; /* SYNs that found the queue full and got a cookie: TCPReqQFullDoCookies */
	uint64_t dropped;    /* SYNs dropped: ListenDrops */
	uint64_t full_drops; /* of them by a full queue: TCPReqQFullDrop */
	uint64_t cookies_sent, cookies_received;
	bool counted; /* all were counted in time */
};

/* In the lab's memory, as the counting is done by one of its hosts. */
struct watch {
	uint16_t port;
	uint64_t half_open;
};

static int count_half_open(struct host *h, void *arg, struct err *e)
{
	struct watch *w = arg;
	return host_half_open(h, w->port, &w->half_open, e);
}

static uint64_t moved(const struct host_counters *before, const struct host_counters *after,
		      const char *name)
{
	int64_t delta = host_counter_delta(before, after, name);
	return delta > 0 ? (uint64_t)delta : 0;
}

/* Counts until every client is accounted for, or the first handshake is complete. */
static int rush_count(struct lab *lab, const struct server *server, struct watch *w, uint64_t sent,
		      struct host_counters counters[2], struct rush *out, struct err *e)
{
	uint64_t end = load_now_ns() + 2 * RTT_MAX_US * UINT64_C(1000);
	do {
		nap_us(3000);
		int rc = lab_call(lab, LAB_SERVER, count_half_open, w, e);
		if (!rc)
			rc = lab_counters(lab, LAB_SERVER, &counters[1], e);
		if (rc)
			return rc;
		/* A handshake that completed in between would be in neither count. */
		if (server->stats->accepted)
			return 0;
		out->half_open = w->half_open;
		out->cookies = moved(&counters[0], &counters[1], "TcpExt.TCPReqQFullDoCookies");
		out->dropped = moved(&counters[0], &counters[1], "TcpExt.ListenDrops");
		out->full_drops = moved(&counters[0], &counters[1], "TcpExt.TCPReqQFullDrop");
		out->counted = out->half_open + out->cookies + out->dropped >= sent;
	} while (!out->counted && load_now_ns() < end);
	return 0;
}

/* The clients' processes. */
struct bursts {
	size_t count;
	int channels[BURSTS];
	struct burst *at[BURSTS];
};

static uint64_t burst_capacity(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_max <= BURST_HELD)
		return 1;
	uint64_t most = limit.rlim_max - BURST_HELD;
	return most < CLIENTS_MAX ? most : CLIENTS_MAX;
}

static int bursts_start(struct bursts *all, struct lab *lab, const struct burst *like,
			uint64_t clients, struct err *e)
{
	uint64_t each = burst_capacity(), left = clients;
	while (left && all->count < BURSTS) {
		struct burst *b = lab_alloc(lab, sizeof(*b), e);
		if (!b)
			return -ENOMEM;
		memcpy(b, like, sizeof(*b));
		b->count = left < each ? left : each;
		left -= b->count;
		all->at[all->count] = b;
		int rc = lab_spawn(lab, LAB_CLIENT, burst_task, b, &all->channels[all->count], e);
		if (rc)
			return rc;
		all->count++;
	}
	return 0;
}

static int bursts_await(struct bursts *all, uint64_t *sent, struct err *e)
{
	char word;
	for (size_t i = 0; i < all->count; i++) {
		if (lab_receive(all->channels[i], &word, 1, 10000, e) < 0)
			return -e->code;
		*sent += all->at[i]->sent;
		if (all->at[i]->error)
			return err_set(e, all->at[i]->error, "client %" PRIu64 " in the lab: %s",
				       *sent, strerror(all->at[i]->error));
	}
	return 0;
}

/* Until they are gone: their memory is given back. */
static void bursts_stop(struct bursts *all)
{
	for (size_t i = 0; i < all->count; i++)
		shutdown(all->channels[i], SHUT_WR);
	for (size_t i = 0; i < all->count; i++)
		lab_finish(all->channels[i]);
	all->count = 0;
}

static int rush_body(struct lab *lab, const struct server *server, struct watch *w,
		     const struct burst *like, uint64_t rtt_us, struct rush *out, struct err *e)
{
	struct host_counters *counters = malloc(2 * sizeof(*counters));
	struct bursts bursts = {0};
	uint64_t sent = 0;
	if (!counters)
		return err_set(e, ENOMEM, "no memory for counters");
	int rc = lab_counters(lab, LAB_SERVER, &counters[0], e);
	if (!rc)
		rc = bursts_start(&bursts, lab, like, out->clients, e);
	if (!rc)
		rc = bursts_await(&bursts, &sent, e);
	if (!rc)
		rc = rush_count(lab, server, w, sent, counters, out, e);
	if (!rc && out->cookies) {
		/* Until the last cookie has come back. */
		nap_us(rtt_us);
		rc = lab_counters(lab, LAB_SERVER, &counters[1], e);
		out->cookies_sent = moved(&counters[0], &counters[1], "TcpExt.SyncookiesSent");
		out->cookies_received = moved(&counters[0], &counters[1], "TcpExt.SyncookiesRecv");
	}
	bursts_stop(&bursts);
	free(counters);
	return rc;
}

static uint64_t wire_rtt(const struct target *t)
{
	uint64_t takes_us = report_margin(target_syn_queue(t)) * CLIENT_US;
	uint64_t rtt_us = t->rtt_us > takes_us ? t->rtt_us : takes_us;
	return rtt_us < RTT_MIN_US ? RTT_MIN_US : rtt_us > RTT_MAX_US ? RTT_MAX_US : rtt_us;
}

/* `attempt` chooses the clients' addresses. */
static int rush_run(struct probe_run *run, struct lab *lab, int64_t backlog, unsigned attempt,
		    struct rush *out, struct err *e)
{
	size_t mark = lab_mark(lab);
	struct server server = {.channel = -1};
	struct server_config config = {.address = lab_address(lab, LAB_SERVER, 0),
				       .backlog = backlog > INT_MAX ? INT_MAX : (int)backlog};
	struct watch *w = lab_alloc(lab, sizeof(*w), e);
	struct burst like = {.spread_us = wire_rtt(run->target) / 8};
	if (!w)
		return -ENOMEM;
	int rc = server_start(&server, lab, &config, e);
	w->port = server.port;
	like.to = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr = config.address, .sin_port = server.port};
	for (unsigned i = 0; i < SOURCES; i++)
		like.sources[i] = lab_address(lab, LAB_CLIENT, (attempt * SOURCES + i) % ADDRESSES);
	probe_progress(run, "%s handshakes at a time", count_show(out->clients).text);
	if (!rc)
		rc = rush_body(lab, &server, w, &like, wire_rtt(run->target), out, e);
	server_stop(&server);
	lab_release(lab, mark);
	return rc;
}

static int lab_raise(struct lab *lab, const char *name, int64_t value, struct err *e)
{
	char now[KNOB_VALUE], text[KNOB_VALUE];
	int64_t number = 0;
	int rc = lab_knob_get(lab, LAB_SERVER, name, now, sizeof(now), e);
	if (rc == -ENOENT && !strcmp(name, SOMAXCONN_KNOB) && value <= SOMAXCONN_DEFAULT)
		return 0;
	if (rc == -ENOENT)
		return err_set(e, ENOTSUP,
			       "before Linux 6.11 a lab without privilege is fixed at somaxconn "
			       "4096; root can try it");
	if (!rc)
		rc = knob_field(now, 0, &number);
	if (rc || number >= value)
		return rc;
	snprintf(text, sizeof(text), "%" PRId64, value);
	return lab_knob_set(lab, LAB_SERVER, name, text, e);
}

static bool rush_unsure(const struct rush *r, uint64_t needed)
{
	bool full = r->cookies || r->dropped;
	return !r->counted || (!full && r->half_open < report_margin(needed));
}

/* A rush at these limits; again with no more clients than must fit, while it could not be counted
 * in time. */
static int rush_at(struct probe_run *run, struct lab *lab, const struct limits *l, uint64_t clients,
		   unsigned *attempts, struct rush *out, struct err *e)
{
	uint64_t needed = target_syn_queue(run->target);
	int rc = lab_raise(lab, SOMAXCONN_KNOB, limits_backlog(l), e);
	if (!rc && l->cookies == 0)
		rc = lab_raise(lab, MAX_SYN_KNOB, l->max_syn, e);
	for (unsigned i = 0; i < ATTEMPTS && !rc; i++) {
		*out = (struct rush){.clients = i ? report_margin(needed) : clients};
		rc = rush_run(run, lab, limits_backlog(l), (*attempts)++, out, e);
		if (!rush_unsure(out, needed))
			break;
	}
	return rc;
}

static void need_tell(const struct probe_run *run, uint64_t needed, char *text, size_t size)
{
	char rate[32], rtt[32], count[32];
	snprintf(text, size, "At %s over %s, %s handshakes are half open at a time",
		 quantity_format(rate, sizeof(rate), QUANTITY_RATE, run->target->rate_per_s),
		 quantity_format(rtt, sizeof(rtt), QUANTITY_DURATION, run->target->rtt_us),
		 quantity_format(count, sizeof(count), QUANTITY_COUNT, needed));
}

static int64_t limits_value(const struct limits *l, const char *knob)
{
	return !strcmp(knob, MAX_SYN_KNOB)   ? l->max_syn
	       : !strcmp(knob, BACKLOG_KNOB) ? l->argument
					     : l->somaxconn;
}

/* Whatever must be raised, the one that binds first. Returns how many of them. */
#define RAISED 3
static size_t limits_raised(const struct limits *l, const struct limits *p,
			    const char *raised[RAISED])
{
	const char *all[] = {limits_binding(l), BACKLOG_KNOB, SOMAXCONN_KNOB, MAX_SYN_KNOB};
	size_t count = 0;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (!(i && all[i] == all[0]) && limits_value(l, all[i]) != limits_value(p, all[i]))
			raised[count++] = all[i];
	return count;
}

static const char *knob_shown(const char *knob)
{
	return strcmp(knob, BACKLOG_KNOB) ? knob : "the server's listen() argument";
}

/* "and A to 1 and B to 2", of all but one. */
static void others_tell(const struct limits *l, const struct limits *p, const char *but,
			const char *between, char *text, size_t size)
{
	const char *raised[RAISED];
	size_t count = limits_raised(l, p, raised), used = 0;
	text[0] = 0;
	for (size_t i = 0; i < count && used < size; i++)
		if (strcmp(raised[i], but))
			used += (size_t)snprintf(text + used, size - used, "%s%s%s%" PRId64,
						 used ? " and " : "", knob_shown(raised[i]),
						 between, limits_value(p, raised[i]));
}

static void short_advise(const struct limits *l, const struct limits *p, struct finding *f)
{
	const struct knob *k = knob_find(f->knob);
	char others[200], more[224] = "";
	others_tell(l, p, f->knob, " to ", others, sizeof(others));
	if (others[0])
		snprintf(more, sizeof(more), " Raise %s as well.", others);
	report_text(f->advice, "Takes effect %s.%s%s",
		    k ? knob_effect_text(k->effect) : "at the next listen()", more,
		    l->cookies
			    ? " " MAX_SYN_KNOB " does nothing while tcp_syncookies is on."
			    : " tcp_syncookies=1 would answer with cookies instead of dropping.");
}

/* One finding for each of what must be raised, as they are of use together only; the first is the
 * one that binds, and the only one with an experiment. */
static struct finding *short_finding(struct probe_run *run, const struct limits *l,
				     const struct wall *w, uint64_t needed, const char *knob,
				     bool first)
{
	bool tight = w->verdict == VERDICT_TIGHT, own = !strcmp(knob, BACKLOG_KNOB);
	struct limits p = limits_propose(l, needed);
	char need[128];
	struct finding *f =
		report_finding(run->report,
			       own     ? "syn-queue.application"
			       : tight ? "syn-queue.tight"
				       : "syn-queue.short",
			       tight ? LEVEL_WARNING : LEVEL_CRITICAL, "%s",
			       own      ? "The server's own listen() argument bounds its SYN queue"
			       : !first ? "The SYN queue has a second bound"
			       : tight  ? "The SYN queue is tight"
					: "The SYN queue is too short");
	report_text(f->wall, "%s", WALL);
	f->remedy = own ? REMEDY_APPLICATION : REMEDY_KERNEL;
	report_text(f->knob, "%s", knob);
	report_text(f->current, "%" PRId64, limits_value(l, knob));
	report_text(f->proposed, "%" PRId64, limits_value(&p, knob));
	need_tell(run, needed, need, sizeof(need));
	if (first)
		report_text(f->detail, "%s; the queue holds %s.", need,
			    count_show((uint64_t)w->limit).text);
	else
		report_text(f->detail, "%s; once %s is raised, %s is what bounds them.", need,
			    knob_shown(limits_binding(l)), knob_shown(knob));
	short_advise(l, &p, f);
	return f;
}

/* Returns the first of them. */
static struct finding *short_findings(struct probe_run *run, const struct limits *l,
				      const struct wall *w, uint64_t needed)
{
	struct limits p = limits_propose(l, needed);
	const char *raised[RAISED];
	size_t count = limits_raised(l, &p, raised);
	struct finding *f = short_finding(run, l, w, needed, limits_binding(l), true);
	for (size_t i = 1; i < count; i++)
		short_finding(run, l, w, needed, raised[i], false);
	return f;
}

static void short_tell(struct probe_run *run, struct finding *f, const struct rush *r,
		       uint64_t needed)
{
	char need[128];
	need_tell(run, needed, need, sizeof(need));
	if (r->cookies)
		report_text(f->detail,
			    "%s; the queue held %s of %s, and %s were answered with a cookie. No "
			    "client is lost by that, but a cookie "
			    "costs CPU, and without timestamps window scaling and SACK.",
			    need, count_show(r->half_open).text, count_show(r->clients).text,
			    count_show(r->cookies).text);
	else if (r->dropped)
		report_text(f->detail,
			    "%s; the queue held %s of %s, and %s SYNs were dropped, to come again "
			    "after a second or more.",
			    need, count_show(r->half_open).text, count_show(r->clients).text,
			    count_show(r->dropped).text);
	else
		report_text(f->detail, "%s; the queue held them with less than a quarter to spare.",
			    need);
}

static void rush_evidence(struct finding *f, const struct rush *now, const struct rush *then)
{
	struct {
		const char *name, *unit;
		uint64_t now, then;
		bool always;
	} rows[] = {
		{"half open", "connections", now->half_open, then ? then->half_open : 0, true},
		{"TCPReqQFullDoCookies", "SYNs", now->cookies, then ? then->cookies : 0, false},
		{"SyncookiesSent", "", now->cookies_sent, then ? then->cookies_sent : 0, false},
		{"SyncookiesRecv", "", now->cookies_received, then ? then->cookies_received : 0,
		 false},
		{"ListenDrops", "SYNs", now->dropped, then ? then->dropped : 0, false},
		{"TCPReqQFullDrop", "SYNs", now->full_drops, then ? then->full_drops : 0, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].always || rows[i].now)
			finding_evidence(f, rows[i].name, rows[i].unit, (double)rows[i].now,
					 then ? (double)rows[i].then : NAN);
}

static void short_prove(struct probe_run *run, const struct limits *l, uint64_t needed,
			unsigned *attempts, struct finding *f, const struct rush *now)
{
	struct limits p = limits_propose(l, needed);
	struct rush then = {0};
	struct err e = {0};
	uint64_t clients = report_margin(needed);
	int rc = -ECANCELED;
	if (!run->options->no_proof && run->proof)
		rc = rush_at(run, run->proof, &p, clients, attempts, &then, &e);
	if (!rc && !then.counted)
		rc = err_set(&e, EAGAIN, "this machine was too busy to count");
	rush_evidence(f, now, rc ? NULL : &then);
	if (e.code)
		report_text(f->tried, "not tried: %s", e.text);
	if (rc)
		return;
	char others[200];
	others_tell(l, &p, f->knob, " at ", others, sizeof(others));
	report_text(f->tried, "%s of %s half open at a time, %s dropped, %s by cookie%s%s",
		    count_show(then.half_open).text, count_show(clients).text,
		    count_show(then.dropped).text, count_show(then.cookies).text,
		    others[0] ? ", with " : "", others);
	bool enough = !then.dropped && !then.cookies;
	struct report *r = run->report;
	/* Of all that were tried together. */
	for (struct finding *each = r->findings; each < r->findings + r->finding_count; each++) {
		if (strcmp(each->wall, WALL))
			continue;
		if (each != f)
			report_text(each->tried, "together with %s, as told there",
				    knob_shown(f->knob));
		if (!enough)
			report_text(each->proposed, "%s", "");
	}
}

static void wall_tell(const struct limits *l, struct wall *w)
{
	if (l->cookies == 2)
		report_text(w->detail,
			    "tcp_syncookies=2 answers every SYN with a cookie: nothing waits "
			    "in the queue.");
	else if (l->cookies)
		report_text(
			w->detail,
			"Bounded by the listener's backlog (%" PRId64
			"), beyond which cookies are sent. tcp_max_syn_backlog does nothing while "
			"tcp_syncookies is on.",
			limits_backlog(l));
	else
		report_text(w->detail,
			    "Without tcp_syncookies bounded by the listener's backlog (%" PRId64
			    ") and by three quarters of tcp_max_syn_backlog (%" PRId64 ").",
			    limits_backlog(l), l->max_syn);
}

static int syn_queue_inspect(struct probe_run *run, struct err *e)
{
	(void)e;
	struct limits l = limits_read(run);
	uint64_t needed = target_syn_queue(run->target);
	struct wall *w = report_wall(run->report, WALL);
	report_text(w->unit, "connections");
	w->method = METHOD_INSPECTED;
	if (l.somaxconn == REPORT_NONE) {
		w->needed = (int64_t)needed;
		report_text(w->knob, "%s", SOMAXCONN_KNOB);
		report_text(w->detail, SOMAXCONN_KNOB " could not be read.");
		return 0;
	}
	report_text(w->knob, "%s", l.cookies == 2 ? COOKIES_KNOB : limits_binding(&l));
	if (l.cookies != 2) {
		w->needed = (int64_t)needed;
		w->limit = limits_capacity(&l);
	}
	w->verdict = l.cookies == 2 ? VERDICT_OK : report_verdict(w->limit, w->needed);
	wall_tell(&l, w);
	if (!run->lab && (w->verdict == VERDICT_SHORT || w->verdict == VERDICT_TIGHT))
		short_findings(run, &l, w, needed);
	return 0;
}

/* What the kernel's rules say stays, and why there is no more. */
static void queue_derive(struct probe_run *run, const struct limits *l, struct wall *w,
			 uint64_t needed, const char *why)
{
	size_t used = strlen(w->detail);
	w->method = METHOD_DERIVED;
	report_text_into(w->detail + used, sizeof(w->detail) - used, " Not measured: %s.", why);
	if (w->verdict == VERDICT_SHORT || w->verdict == VERDICT_TIGHT)
		short_findings(run, l, w, needed);
}

static int syn_queue_measure(struct probe_run *run, struct err *e)
{
	struct limits l = limits_read(run);
	struct wall *w = report_wall(run->report, WALL);
	uint64_t needed = target_syn_queue(run->target), clients = report_margin(needed);
	int64_t capacity = limits_capacity(&l);
	unsigned attempts = 0;
	struct rush now;
	if (capacity == REPORT_NONE || l.cookies == 2)
		return 0;
	uint64_t most = BURSTS * burst_capacity();
	if (most > CLIENTS_MAX)
		most = CLIENTS_MAX;
	uint64_t beyond = (uint64_t)capacity + (uint64_t)capacity / 16 + 64;
	if (beyond > clients && beyond <= REACH * clients && beyond <= most)
		clients = beyond;
	char why[96];
	if (clients > most) {
		snprintf(why, sizeof(why), "it takes %" PRIu64 " clients, more than %" PRIu64,
			 clients, most);
		queue_derive(run, &l, w, needed, why);
		return 0;
	}
	int rc = rush_at(run, run->lab, &l, clients, &attempts, &now, e);
	if (rc)
		return rc;
	if (rush_unsure(&now, needed)) {
		snprintf(why, sizeof(why),
			 "this machine could not hold %" PRIu64 " handshakes half open at a time",
			 now.clients);
		queue_derive(run, &l, w, needed, why);
		return 0;
	}
	w->method = METHOD_MEASURED;
	w->measured = (int64_t)now.half_open;
	w->verdict = report_verdict(w->measured, w->needed);
	if (now.cookies || now.dropped) {
		w->limit = w->measured;
	} else {
		/* Its end was not reached. */
		w->method = METHOD_DERIVED;
		w->at_least = true;
	}
	if (w->verdict != VERDICT_SHORT && w->verdict != VERDICT_TIGHT)
		return 0;
	struct finding *f = short_findings(run, &l, w, needed);
	short_tell(run, f, &now, needed);
	short_prove(run, &l, needed, &attempts, f, &now);
	return 0;
}

static void syn_queue_shape(const struct target *t, struct lab_options *lab)
{
	lab->rtt_us = wire_rtt(t);
	lab->bandwidth_bps = 0;
}

const struct probe probe_syn_queue = {
	.name = "syn-queue",
	.summary = "handshakes half open at a time: how many fit, what happens to those beyond",
	.walls = WALL,
	.private_only = true,
	.lab = {.wire = LAB_WIRE_DELAY, .client_addresses = ADDRESSES, .wide_ports = true},
	.shape = syn_queue_shape,
	.inspect = syn_queue_inspect,
	.measure = syn_queue_measure,
};
