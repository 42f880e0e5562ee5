/* Measures ports and TIME_WAIT: the limits of the side that connects and of the side that closes
 * first.
 *
 * A connection that its client closes first keeps its port for 60 s (TCP_TIMEWAIT_LEN). So opening
 * and closing uses up ports without descriptors, until connect() fails with EADDRNOTAVAIL. Only a
 * proxy needs these walls. */
#include "epolltune/probe.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/churn.h"
#include "epolltune/cleanup.h"
#include "epolltune/knob.h"
#include "epolltune/ports_used.h"
#include "epolltune/quantity.h"

#define RANGE_KNOB "net.ipv4.ip_local_port_range"
#define RESERVED_KNOB "net.ipv4.ip_local_reserved_ports"
#define REUSE_KNOB "net.ipv4.tcp_tw_reuse"
#define DELAY_KNOB "net.ipv4.tcp_tw_reuse_delay"
#define TIMESTAMPS_KNOB "net.ipv4.tcp_timestamps"
#define BUCKETS_KNOB "net.ipv4.tcp_max_tw_buckets"

#define TIME_WAIT_S 60
/* The delay of kernels without the knob. */
#define DELAY_DEFAULT_MS 1000
#define WIDEST "1024 65535"
#define BUCKETS_WIDE "1048576"
/* Ranges up to this size are used up even if the target needs no ports. */
#define FILL_ALWAYS 4096
/* Maximum number of connections to keep in TIME_WAIT; limits up to it are overflowed. */
#define BUCKETS_FILL 16384
#define TOO_MANY "the experiment keeps at most 16 384 connections in TIME_WAIT"
#define FILL_MS 8000
#define MANY 8
/* Duration of the measurement of a connect rate: for a note, and for a proxy. */
#define RATE_MS 40
#define RATE_PROXY_MS 100
#define CHEAPEST_MS 20
/* Number of ports to try alternatives with. */
#define FEW 64
#define FEW_RANGE "20000 20063"
/* tcp_tw_reuse_delay for the alternatives. */
#define DELAY_MS 200
/* The first destination port, below all ranges in the lab. */
#define FIRST_PORT 80
/* A run with fewer connections shows no CPU time per connection. */
#define COUNTED 128

enum { BUCKETS };                                                /* knobs of time-wait */
enum { RANGE, RESERVED, USUAL, REUSE, TIMESTAMPS, REUSE_DELAY }; /* knobs of ports.ephemeral */
enum { OVERFLOWS };                                              /* metrics, likewise */
enum { OPENED };
enum { ACCEPT_NS, BOTH_NS };

/* Common port ranges, ascending in size. */
static const struct {
	int64_t low, high;
} usual[] = {{32768, 60999}, {16384, 65535}, {1024, 65535}};
#define USUAL_COUNT (sizeof(usual) / sizeof(*usual))

struct context {
	uint16_t port;         /* next destination: each run needs a new one, without TIME_WAIT */
	uint64_t waiting;      /* connections that the experiment left in TIME_WAIT */
	struct settings ports; /* running settings of ports.ephemeral; all 0: unknown */
	struct finding rates;  /* its table: the connect rates */
};

static int churn_next(struct trial *t, struct churn_config config, struct churn_result *out,
		      struct err *e)
{
	config.port = t->context->port;
	config.max_per_s = t->options->gentle ? GENTLE_PER_S : 0;
	t->context->port = (uint16_t)(t->context->port + CHURN_DESTINATIONS);
	return churn_run(t->lab, &config, out, e);
}

/* With --gentle long enough for all ports, and less than they stay in TIME_WAIT. */
static unsigned fill_ms(const struct trial *t)
{
	return t->options->gentle ? FILL_MS + 65536 * 1000 / GENTLE_PER_S : FILL_MS;
}

/* Opens connections to one destination and closes them first, up to `most` or until no port is
 * left. */
static int close_first(struct trial *t, const struct trial_knob *list, unsigned sources,
		       uint64_t max, struct churn_result *out, struct err *e)
{
	const struct churn_config config = {
		.close = CHURN_CLIENT_FIRST, .sources = sources, .max = max, .ms = fill_ms(t)};
	int rc = trial_knobs(t, LAB_CLIENT, list, e);
	return rc ? rc : churn_next(t, config, out, e);
}

/* A proof that met no limit is conclusive only if it made all its connections; so is any run that
 * may have been slow. */
static void proof_complete(const struct trial *t, uint64_t max, const struct churn_result *r,
			   struct outcome *out)
{
	bool late = t->options->gentle && r->elapsed_ns / 1000000 >= fill_ms(t);
	if (late || ((t->proof || t->options->gentle) && !out->limit_met && r->connections < max))
		outcome_inconclusive(out, "the experiment made only %s connections",
				     quantity_count(r->connections).text);
}

static void time_wait_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	(void)t;
	b->binding = BUCKETS;
	b->capacity = s->at[BUCKETS][0];
}

static bool time_wait_solve(const struct target *t, const struct settings *now,
			    const struct outcome *o, int64_t enough, struct settings *out)
{
	(void)t;
	(void)now;
	(void)o;
	out->at[BUCKETS][0] = enough;
	return true;
}

/* The number of connections to close: beyond the limit if that is near, otherwise what the target
 * needs; 0: no experiment. */
static uint64_t time_wait_fill(const struct trial *t, const struct settings *s)
{
	int64_t limit = s->at[BUCKETS][0];
	uint64_t enough = report_margin(t->needed);
	if (t->proof)
		return enough > t->context->waiting ? enough - t->context->waiting : 1;
	return limit <= BUCKETS_FILL ? (uint64_t)(limit + limit / 4 + 16) : enough;
}

static int time_wait_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	static const struct trial_knob list[] = {{RANGE_KNOB, WIDEST}, {REUSE_KNOB, "0"}, {0}};
	CLEAN(trial_counters_free) struct trial_counters counters = {0};
	uint64_t fill = time_wait_fill(t, s);
	struct churn_result r = {0};
	if (!fill ||
	    (s->at[BUCKETS][0] > BUCKETS_FILL && report_margin(t->needed) > BUCKETS_FILL)) {
		outcome_unsupported(out, "%s", fill ? TOO_MANY : "");
		return 0;
	}
	trial_progress(t, "filling TIME_WAIT");
	int rc = trial_counters_begin(t, LAB_CLIENT, &counters, e);
	if (!rc)
		rc = close_first(t, list, MANY, fill, &r, e);
	if (!rc)
		rc = trial_counters_end(t, &counters, e);
	if (rc)
		return rc;
	int64_t overflow = trial_counters_growth(&counters, "TcpExt.TCPTimeWaitOverflow");
	overflow = overflow > 0 ? overflow : 0;
	out->limit_met = overflow > 0;
	out->reached = (int64_t)(t->context->waiting + r.connections) - overflow;
	out->metric[OVERFLOWS] = (double)overflow;
	t->context->waiting = (uint64_t)out->reached;
	proof_complete(t, fill, &r, out);
	return 0;
}

static void time_wait_describe(const struct trial *t, const struct outcome *o, char *text,
			       size_t size)
{
	if (t->proof)
		snprintf(text, size, "%s in TIME_WAIT, %s overflowed",
			 quantity_count((uint64_t)o->reached).text,
			 quantity_count((uint64_t)o->metric[OVERFLOWS]).text);
}

static void ports_read(const struct host *h, struct settings *s)
{
	int64_t *range = s->at[RANGE];
	for (size_t i = 0; i < USUAL_COUNT; i++)
		s->at[USUAL][i] = usual[i].high - usual[i].low + 1 -
				  host_reserved_ports(h, usual[i].low, usual[i].high);
	/* A captured machine may hold any text: discard an invalid range. */
	if (range[0] < 1 || range[1] > 65535 || range[0] > range[1]) {
		range[0] = range[1] = REPORT_NONE;
		s->text[RANGE][0] = 0;
		return;
	}
	s->at[RESERVED][0] = host_reserved_ports(h, range[0], range[1]);
}

/* The free ports of the range in the settings. */
static int64_t ports_of(const struct settings *s)
{
	const int64_t *range = s->at[RANGE], reserved = s->at[RESERVED][0];
	if (range[0] == REPORT_NONE)
		return REPORT_NONE;
	for (size_t i = 0; i < USUAL_COUNT; i++)
		if (range[0] == usual[i].low && range[1] == usual[i].high)
			return s->at[USUAL][i];
	return range[1] - range[0] + 1 - reserved;
}

/* The first usual range with that many free ports, otherwise the widest; USUAL_COUNT if that is not
 * wider than the running one. */
static size_t range_for(const struct settings *s, int64_t enough)
{
	size_t i = 0;
	while (i < USUAL_COUNT - 1 && s->at[USUAL][i] < enough)
		i++;
	return s->at[USUAL][i] > ports_of(s) ? i : USUAL_COUNT;
}

static void ports_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	(void)t;
	b->binding = RANGE;
	b->capacity = ports_of(s);
}

static bool ports_solve(const struct target *t, const struct settings *now, const struct outcome *o,
			int64_t enough, struct settings *out)
{
	size_t i = range_for(now, enough);
	(void)t;
	(void)o;
	if (i == USUAL_COUNT)
		return false;
	out->at[RANGE][0] = usual[i].low;
	out->at[RANGE][1] = usual[i].high;
	return true;
}

/* The connections/s that one address can open to one destination and close first. */
static double rate_lasting(const struct settings *s, bool loopback)
{
	int64_t reuse = s->at[REUSE][0], delay = s->at[REUSE_DELAY][0];
	/* tcp_tw_reuse needs timestamps: net/ipv4/tcp_ipv4.c, tcp_twsk_unique(). */
	bool reused = s->at[TIMESTAMPS][0] && (reuse == 1 || (reuse == 2 && loopback));
	double rest_s = (double)(delay > 0 ? delay : DELAY_DEFAULT_MS) / 1000;
	return (double)ports_of(s) / (reused ? rest_s : TIME_WAIT_S);
}

static void rate_word(struct wording *w, const char *name, double rate)
{
	if (rate < 10)
		wording_set(w, name, "%.2g", rate);
	else
		wording_set(w, name, "%s", quantity_count((uint64_t)rate).text);
}

/* Sets {exceeded}, and {addresses} that a proxy needs, if TIME_WAIT allows less than its rate. */
static void rate_words(const struct target *t, const struct settings *s, struct wording *w)
{
	double lasting = rate_lasting(s, false), needed = (double)t->rate_per_s;
	rate_word(w, "lasting", lasting);
	rate_word(w, "loopback", rate_lasting(s, true));
	wording_set(w, "ports", "%s", quantity_count((uint64_t)ports_of(s)).text);
	wording_set(w, "reuse", "%s", s->text[REUSE]);
	wording_set(w, "no_timestamps", "%s", s->at[TIMESTAMPS][0] ? "" : "yes");
	wording_set(w, "rate", "%s", quantity_show(QUANTITY_RATE, t->rate_per_s).text);
	if (t->role != TARGET_PROXY || lasting >= needed)
		return;
	wording_set(w, "exceeded", "yes");
	if (lasting > 0)
		wording_set(w, "addresses", "%s",
			    quantity_count((uint64_t)ceil(needed / lasting)).text);
}

static void ports_words(const struct target *t, const struct settings *s, const struct outcome *o,
			struct wording *w)
{
	int64_t enough = (int64_t)report_margin(t->connections), each = ports_of(s);
	size_t wider = range_for(s, enough);
	(void)o;
	if (s->at[RESERVED][0] > 0)
		wording_set(w, "reserved", "%s", quantity_count((uint64_t)s->at[RESERVED][0]).text);
	if (wider < USUAL_COUNT)
		each = s->at[USUAL][wider];
	if (enough > each && each > 0)
		wording_set(w, "sources", "%s",
			    quantity_count((uint64_t)((enough - 1) / each + 1)).text);
	if (ports_of(s) != REPORT_NONE)
		rate_words(t, s, w);
}

static int ports_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	static const struct trial_knob list[] = {
		{REUSE_KNOB, "0"}, {BUCKETS_KNOB, BUCKETS_WIDE}, {0}};
	struct churn_result r = {0};
	uint64_t ports = (uint64_t)ports_of(s), enough = report_margin(t->needed);
	/* Use up the whole range if it is small, otherwise only what the target needs. */
	bool to_end = ports <= FILL_ALWAYS || ports < 2 * enough;
	if (!t->proof)
		t->context->ports = *s;
	if (!to_end && !enough) {
		outcome_unsupported(out, "%s", "");
		return 0;
	}
	if (t->proof && ports < enough) {
		outcome_unsupported(out,
				    "the target needs several source addresses or destinations");
		return 0;
	}
	trial_progress(t, "using up the ports");
	int rc = close_first(t, list, 1, to_end && !t->proof ? 0 : enough, &r, e);
	if (rc)
		return rc;
	out->limit_met = r.ports_used_up;
	out->reached = (int64_t)r.connections;
	if (t->proof || out->limit_met)
		out->metric[OPENED] = (double)r.connections;
	proof_complete(t, enough, &r, out);
	return 0;
}

static void ports_describe(const struct trial *t, const struct outcome *o, char *text, size_t size)
{
	if (t->proof)
		snprintf(text, size, "%s connections%s", quantity_count((uint64_t)o->reached).text,
			 o->limit_met ? ", then EADDRNOTAVAIL" : " and more");
}

/* Holds connections until no port is left. */
static int hold(struct trial *t, struct churn_config config, double *held, struct err *e)
{
	struct churn_result r = {0};
	/* bind() cannot use ports of its address in TIME_WAIT: use other addresses. */
	config.first_source = MANY;
	config.close = CHURN_HOLD;
	int rc = churn_next(t, config, &r, e);
	if (!rc && !r.ports_used_up)
		rc = err_set(e, ETIMEDOUT, "test client in the lab: %s", strerror(ETIMEDOUT));
	*held = (double)r.connections;
	return rc;
}

/* Opens connections on all ports and closes them first, twice: then tcp_tw_reuse reuses the ports.
 */
static int reuse(struct trial *t, double *reused, struct err *e)
{
	const struct churn_config config = {.close = CHURN_CLIENT_FIRST, .first_source = MANY};
	struct churn_result r = {0};
	uint16_t port = t->context->port;
	int rc = churn_next(t, config, &r, e);
	/* Before 6.14 the delay is a second, on a clock with a resolution of a second. */
	if (!rc)
		trial_sleep_us(host_kernel_since(t->host, 6, 14) ? (DELAY_MS + 50) * 1000
								 : 2100000);
	t->context->port = port;
	if (!rc)
		rc = churn_next(t, config, &r, e);
	/* On a slow machine the delay may pass during the run: ports are then reused twice. */
	*reused = r.connections < FEW ? (double)r.connections : FEW;
	return rc;
}

static int ports_alternatives(struct trial *t, const struct settings *s, struct finding *f,
			      struct err *e)
{
	static const struct trial_knob list[] = {{RANGE_KNOB, FEW_RANGE},
						 {RESERVED_KNOB, ""},
						 {REUSE_KNOB, "1"},
						 {DELAY_KNOB, "200"},
						 {0}};
	static const struct {
		const char *name;
		struct churn_config config;
	} holds[] = {
		{"2 source addresses", {.sources = 2}},
		{"2 destinations", {.destinations = 2}},
		{"2 destinations, bind() without NO_PORT", {.destinations = 2, .bind_port = true}},
	};
	(void)s;
	trial_progress(t, "trying what else helps");
	finding_table(f, "what else was tried");
	finding_column(f, "connections on 64 ports", "");
	int rc = trial_knobs(t, LAB_CLIENT, list, e);
	for (size_t i = 0; i < sizeof(holds) / sizeof(*holds) && !rc; i++)
		rc = hold(t, holds[i].config, finding_row(f, holds[i].name), e);
	if (!rc)
		rc = reuse(t, finding_row(f, "tcp_tw_reuse=1, all in TIME_WAIT before"), e);
	return rc;
}

/* 0: unknown. */
static uint64_t cheaper(uint64_t a, uint64_t b) { return a && a < b ? a : b; }

/* Keeps the lowest CPU time per connection of all runs, for an upper bound. */
static void cost_take(const struct churn_result *r, struct taken *k)
{
	if (r->accepted < COUNTED || r->connections < COUNTED)
		return;
	uint64_t server = r->server_cpu_ns / r->accepted;
	uint64_t client = r->client_cpu_ns / r->connections;
	k->accept_ns = cheaper(k->accept_ns, server);
	k->connect_ns = cheaper(k->connect_ns, client);
	k->both_ns = cheaper(k->both_ns, server + client);
	k->cpus = r->cpus;
}

static int rate_measure(struct trial *t, struct churn_config config, struct taken *k, double *rate,
			struct err *e)
{
	struct churn_result r = {0};
	int rc = churn_next(t, config, &r, e);
	if (rc)
		return rc;
	if (r.elapsed_ns)
		*rate = (double)r.connections * 1e9 / (double)r.elapsed_ns;
	cost_take(&r, k);
	return 0;
}

static int rates_measure(struct trial *t, struct taken *k, struct finding *f, struct err *e)
{
	static const char *const wires[] = {"veth", "loopback"};
	static const struct {
		const char *name;
		enum churn_close close;
	} ends[] = {{"client closes first", CHURN_CLIENT_FIRST},
		    {"server closes first", CHURN_SERVER_FIRST},
		    {"client resets", CHURN_RESET}};
	bool proxy = t->target->role == TARGET_PROXY;
	int rc = 0;
	for (size_t i = 0; i < 6 && !rc; i++) {
		struct churn_config config = {.close = ends[i % 3].close,
					      .loopback = i / 3,
					      .ms = proxy ? RATE_PROXY_MS : RATE_MS,
					      .sources = 1};
		char name[48];
		report_text(name, "%s, %s", wires[i / 3], ends[i % 3].name);
		trial_progress(t, "connect rate: %s", name);
		double *rate = finding_row(f, name);
		rc = rate_measure(t, config, k, &rate[0], e);
		config.sources = MANY;
		if (!rc)
			rc = rate_measure(t, config, k, &rate[1], e);
	}
	return rc;
}

/* Adds runs in which a connection takes the least CPU time: few wakeups, and a server that sends
 * nothing. */
static int cheapest_measure(struct trial *t, struct taken *k, struct err *e)
{
	const struct churn_config config = {
		.close = CHURN_RESET, .loopback = true, .batches = true, .ms = CHEAPEST_MS};
	double unused;
	int rc = rate_measure(t, config, k, &unused, e);
	return rc ? rc : rate_measure(t, config, k, &unused, e);
}

/* The CPU time of a connection at the target's server; 0: not measured. A proxy has both ends. Over
 * a wire of this machine the softirqs of a handshake are charged to the client: what is left is
 * less than any server takes. */
static uint64_t accept_ns(const struct target *t, const struct taken *k)
{
	bool measured = k->accept_ns && k->connect_ns && k->both_ns;
	if (!measured)
		return 0;
	return t->role == TARGET_PROXY ? k->accept_ns + k->connect_ns : k->accept_ns;
}

static int64_t per_second(const struct taken *k, uint64_t ns)
{
	return (int64_t)quantity_round(QUANTITY_RATE, k->cpus * 1000000000 / ns);
}

static void accept_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	uint64_t each = accept_ns(t, &s->taken);
	b->by_run = b->upper = true;
	if (!each)
		return;
	b->capacity = per_second(&s->taken, each);
	b->shown = per_second(&s->taken, s->taken.both_ns);
}

static void accept_words(const struct target *t, const struct settings *s, const struct outcome *o,
			 struct wording *w)
{
	const struct taken *k = &s->taken;
	uint64_t each = accept_ns(t, k);
	(void)o;
	if (!each)
		return;
	wording_flag(w, "proxy", t->role == TARGET_PROXY);
	wording_set(w, "cpus", "%s CPU%s", quantity_count(k->cpus).text, k->cpus == 1 ? "" : "s");
	wording_set(w, "each", "%.1f us", (double)each / 1000);
	wording_set(w, "both", "%.1f us", (double)k->both_ns / 1000);
	wording_set(w, "shown", "%s", quantity_count((uint64_t)per_second(k, k->both_ns)).text);
}

static int accept_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	/* Use a wide range, which is not used up during the measurement. */
	static const struct trial_knob list[] = {{RANGE_KNOB, WIDEST}, {0}};
	struct taken *k = &s->taken;
	struct finding *f = &t->context->rates;
	finding_table(f, "wire, who closes");
	finding_column(f, "1 address", "1/s");
	finding_column(f, "8 addresses", "1/s");
	int rc = trial_knobs(t, LAB_CLIENT, list, e);
	if (!rc)
		rc = rates_measure(t, k, f, e);
	if (!rc)
		rc = cheapest_measure(t, k, e);
	if (rc)
		return rc;
	if (!accept_ns(t->target, k)) {
		outcome_inconclusive(out,
				     "the test client opened fewer than %d connections in each "
				     "run: this machine is too busy or too slow",
				     COUNTED);
		return 0;
	}
	out->metric[ACCEPT_NS] = (double)k->accept_ns;
	out->metric[BOTH_NS] = (double)k->both_ns;
	return 0;
}

/* Reports the rates that the experiment of accept.rate has measured. */
static int ports_measure(struct trial *t, struct report *r, struct err *e)
{
	struct wording words = {0};
	(void)e;
	if (t->context->ports.text[RANGE][0])
		ports_words(t->target, &t->context->ports, NULL, &words);
	struct finding *f = report_finding(r, "ports.connect-rate", &words);
	f->table = t->context->rates.table;
	f->quiet = !wording_get(&words, "exceeded")[0];
	return 0;
}

/* The experiment measures the client, so the accept queue must not limit it. tcp_rfc1337 prevents
 * that a reset frees a port in TIME_WAIT: if another CPU handles the server's ACK after the
 * server's own FIN, the kernel answers the late ACK, and the answer meets no connection. */
static int ports_prepare(struct trial *t, struct err *e)
{
	static const struct trial_knob server[] = {{"net.core.somaxconn", "4096"}, {0}};
	static const struct trial_knob client[] = {
		{"net.core.somaxconn", "4096"}, {"net.ipv4.tcp_rfc1337", "1"}, {0}};
	t->context->port = FIRST_PORT;
	int rc = trial_knobs(t, LAB_SERVER, server, e);
	return rc ? rc : trial_knobs(t, LAB_CLIENT, client, e);
}

/* time-wait runs first, while TIME_WAIT is empty, and accept.rate last, which fills it. */
static const struct experiment experiments[] = {
	{
		.wall = "time-wait",
		.knobs = {BUCKETS_KNOB},
		.metrics = {{"TCPTimeWaitOverflow", "connections"}},
		.host = LAB_CLIENT,
		.bound = time_wait_bound,
		.solve = time_wait_solve,
		.run = time_wait_run,
		.describe = time_wait_describe,
	},
	{
		.wall = "ports.ephemeral",
		.knobs = {RANGE_KNOB, RESERVED_KNOB, "usual ranges", REUSE_KNOB, TIMESTAMPS_KNOB,
			  DELAY_KNOB},
		.metrics = {{"connections before EADDRNOTAVAIL", "connections"}},
		.host = LAB_CLIENT,
		.read = ports_read,
		.bound = ports_bound,
		.solve = ports_solve,
		.words = ports_words,
		.run = ports_run,
		.describe = ports_describe,
		.alternatives = ports_alternatives,
	},
	{
		.wall = "accept.rate",
		.metrics = {{"server CPU time per connection", "ns"},
			    {"CPU time of both ends", "ns"}},
		.bound = accept_bound,
		.words = accept_words,
		.run = accept_run,
	},
	{0},
};

/* The ports in use on this machine: they depend on no target. */
struct sample {
	struct ports_used used;
	int64_t reuse, timestamps; /* REPORT_NONE: unknown */
};

static int sample_take(const struct host *h, const struct probe_options *o, struct sample *s,
		       struct err *e)
{
	struct err unread;
	(void)o;
	s->reuse = s->timestamps = REPORT_NONE;
	knob_number(REUSE_KNOB, h, &s->reuse);
	knob_number(TIMESTAMPS_KNOB, h, &s->timestamps);
	/* What cannot be listed is reported by the listeners. */
	int r = ports_used_read(h, &s->used, &unread);
	return r == -ENOMEM ? err_set(e, ENOMEM, "%s", unread.text) : 0;
}

static void sample_release(struct sample *s) { ports_used_free(&s->used); }

static void observation_judge(const struct sample *before, const struct sample *after,
			      const struct moment *m, struct report *r)
{
	(void)before;
	(void)m;
	ports_used_judge(&after->used, after->reuse, after->timestamps, r);
}

static const struct observation observation = {
	.size = sizeof(struct sample),
	.sample = sample_take,
	.release = sample_release,
	.judge = observation_judge,
};

const struct probe probe_ports = {
	.name = "ports",
	.summary = "ephemeral ports, TIME_WAIT, and connect rates by the side that closes first",
	.mode = PROBE_EXCLUSIVE,
	.place = PROBE_LAB,
	.lab = {.client_addresses = CHURN_SOURCES},
	.context_size = sizeof(struct context),
	.prepare = ports_prepare,
	.experiments = experiments,
	.observation = &observation,
	.measure = ports_measure,
};
