/* Measures ports and TIME_WAIT: the limits of the side that connects and of the side that closes
 * first.
 *
 * A connection that its client closes first keeps its port for 60 s (TCP_TIMEWAIT_LEN), or until
 * tcp_tw_reuse lets connect() take it. So opening and closing uses up ports without descriptors,
 * until connect() fails with EADDRNOTAVAIL. Only a proxy needs these walls. */
#include "epolltune/probe.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cgroup.h"
#include "epolltune/churn.h"
#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/counters.h"
#include "epolltune/knob_value.h"
#include "epolltune/port_settings.h"
#include "epolltune/ports.h"
#include "epolltune/ports_udp.h"
#include "epolltune/ports_used.h"
#include "epolltune/quantity.h"

#define FIRST_KNOB "net.ipv4.ip_unprivileged_port_start"
#define DELAY_KNOB "net.ipv4.tcp_tw_reuse_delay"
#define TIMESTAMPS_KNOB "net.ipv4.tcp_timestamps"
#define BUCKETS_KNOB "net.ipv4.tcp_max_tw_buckets"

#define WIDEST "1024 65535"
#define BUCKETS_WIDE "1048576"
/* Ranges up to this size are used up even if the target needs no ports. */
#define FILL_ALWAYS 4096
/* Maximum number of connections to keep in TIME_WAIT; limits up to it are overflowed. */
#define BUCKETS_FILL 16384
#define FILL_MS 8000
#define MANY 8
/* Duration of the measurement of a connect rate: for a note, and for a proxy. */
#define RATE_MS 40
#define RATE_PROXY_MS 100
#define CHEAPEST_MS 20
/* Number of ports to try alternatives with. */
#define FEW 64
#define FEW_PORTS                                                                                  \
	{FIRST_KNOB, "0"}, {RANGE_KNOB, "20000 20063"}, {RESERVED_KNOB, ""},                       \
		{TIMESTAMPS_KNOB, "1"}, {DELAY_KNOB, "200"},                                       \
	{                                                                                          \
		BUCKETS_KNOB, BUCKETS_WIDE                                                         \
	}
/* tcp_tw_reuse_delay for the alternatives. */
#define DELAY_MS 200
/* A range for the cost of connect(), of ports that no experiment has bound. */
#define COST_RANGE "30000 31023"
#define COST_PORTS 1024
/* The first destination port, below all ranges in the lab. */
#define FIRST_PORT 80
/* A run with fewer connections shows no CPU time per connection. */
#define COUNTED 128

/* Sleeps beyond the delay of tcp_tw_reuse; longer delays are not waited for. */
#define DELAY_MORE_MS 50
#define DELAY_MAX_MS 3000
/* With --gentle no range is filled that is larger. */
#define GENTLE_FILL 16384
/* Connections beyond the ports of a range: a fill ends there. */
#define BEYOND 64
/* Ports of a range that are used up at a time. */
#define PART 2048
#define KEEP_ALIVE_REQUESTS 128
#define KEEP_ALIVE_MS 5000

enum { BUCKETS };   /* knobs of time-wait */
enum { OVERFLOWS }; /* metrics, likewise */
enum { OPENED };
enum { RATE_OPENED, RATE_AGAIN };
enum { ACCEPT_NS, BOTH_NS };

struct context {
	uint16_t port;        /* next destination: each run needs a new one, without TIME_WAIT */
	bool loopback;        /* the destinations of close_first() are near */
	struct settings rate; /* running settings of ports.rate; all 0: unknown */
	struct finding rates; /* its table: the connect rates */
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

/* Opens connections to one destination and closes them first, up to `max` or until no port is
 * left. */
static int close_first(struct trial *t, const struct trial_knob *list, unsigned sources,
		       uint64_t max, struct churn_result *out, struct err *e)
{
	const struct churn_config config = {.close = CHURN_CLIENT_FIRST,
					    .sources = sources,
					    .loopback = t->context->loopback,
					    .max = max,
					    .ms = fill_ms(t)};
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

/* Uses up to `max` ports of a range, in parts: above half of a range each connect() searches
 * long. */
static int fill_range(struct trial *t, const struct settings *s, const struct trial_knob *list,
		      uint64_t max, struct churn_result *out, struct err *e)
{
	static const struct trial_knob none[] = {{0}};
	const struct trial_knob range[] = {{RANGE_KNOB, s->text[PORT_RANGE]}, {0}};
	int64_t low = s->at[PORT_RANGE][0], high = s->at[PORT_RANGE][1];
	uint16_t port = t->context->port;
	if (high - low < PART)
		return close_first(t, list, 1, max, out, e);
	int rc = trial_knobs(t, LAB_CLIENT, list, e);
	if (!rc)
		rc = trial_knobs(t, LAB_CLIENT, range, e);
	for (; !rc && low <= high && out->connections < max; low += PART) {
		struct churn_result r = {0};
		int64_t end = low + PART - 1 < high ? low + PART - 1 : high;
		/* The kernel logs ends of the same parity. */
		int64_t from = low - ((end - low) % 2 == 0);
		char text[48];
		snprintf(text, sizeof(text), "%" PRId64 " %" PRId64, from, end);
		rc = lab_knob_set(t->lab, LAB_CLIENT, RANGE_KNOB, text, e);
		t->context->port = port;
		if (!rc)
			rc = close_first(t, none, 1, max - out->connections, &r, e);
		out->connections += r.connections;
		out->elapsed_ns += r.elapsed_ns;
		out->ports_used_up = r.ports_used_up;
		if (!r.ports_used_up)
			break;
	}
	return rc;
}

/* The lab has no listeners in the range: their ports are reserved instead. */
static int listeners_reserve(struct trial *t, const struct settings *s, struct err *e)
{
	char ports[KNOB_VALUE];
	const struct trial_knob list[] = {{RESERVED_KNOB, ports}, {0}};
	return ports_free_reserve(s, ports, sizeof(ports)) ? trial_knobs(t, LAB_CLIENT, list, e)
							   : 0;
}

/* At most what the machine has: a list of reserved ports may be too long to add listeners. */
static int64_t ports_had(const struct settings *s, uint64_t connections)
{
	int64_t ports = ports_free(s);
	return (int64_t)connections < ports ? (int64_t)connections : ports;
}

static void time_wait_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	b->binding = BUCKETS;
	b->capacity = s->at[BUCKETS][0];
}

/* No target needs it: only a limit that is near is met. */
static int time_wait_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	static const struct trial_knob list[] = {
		{FIRST_KNOB, "0"}, {RANGE_KNOB, WIDEST}, {REUSE_KNOB, "0"}, {0}};
	CLEAN(trial_counters_free) struct trial_counters counters = {0};
	int64_t limit = s->at[BUCKETS][0];
	struct churn_result r = {0};
	if (limit > BUCKETS_FILL) {
		outcome_unneeded(out, "");
		return 0;
	}
	trial_progress(t, "filling TIME_WAIT");
	int rc = trial_counters_begin(t, LAB_CLIENT, &counters, e);
	if (!rc)
		rc = close_first(t, list, MANY, (uint64_t)(limit + limit / 4 + 16), &r, e);
	if (!rc)
		rc = trial_counters_end(t, &counters, e);
	if (rc)
		return rc;
	int64_t overflow = trial_counters_growth(&counters, COUNTER_TIME_WAIT_OVERFLOWS);
	overflow = overflow > 0 ? overflow : 0;
	out->limit_met = overflow > 0;
	out->reached = (int64_t)r.connections - overflow;
	out->metric[OVERFLOWS] = (double)overflow;
	proof_complete(t, (uint64_t)limit, &r, out);
	return 0;
}

/* Lets the delay of tcp_tw_reuse pass. */
static void delay_pass(const struct trial *t, uint64_t delay_ms)
{
	/* Before 6.14 the delay is a second, on a clock with a resolution of a second. */
	clock_sleep_us(host_kernel(t->host) >= KERNEL(6, 14) ? (delay_ms + DELAY_MORE_MS) * 1000
							     : 2100000);
}

/* As the running server's destination has it; over loopback that is the client. */
static int peer_prepare(struct trial *t, const struct settings *s, bool near, struct err *e)
{
	static const struct trial_knob off[] = {{TIMESTAMPS_KNOB, "0"}, {0}};
	if (!ports_unstamped(s, near))
		return 0;
	return trial_knobs(t, near ? LAB_CLIENT : LAB_SERVER, off, e);
}

/* Opens and closes connections on all ports, at most on a part of them, and once more after the
 * delay: then tcp_tw_reuse takes them. */
static int rate_again(struct trial *t, const struct settings *s, struct outcome *out, struct err *e)
{
	static const struct trial_knob none[] = {{0}};
	char range[48];
	const struct trial_knob list[] = {
		{BUCKETS_KNOB, BUCKETS_WIDE}, {RESERVED_KNOB, ""}, {RANGE_KNOB, range}, {0}};
	static const struct trial_knob whole[] = {{BUCKETS_KNOB, BUCKETS_WIDE}, {0}};
	struct churn_result fill = {0}, again = {0};
	uint64_t all = (uint64_t)ports_free(s), ports = all < PART ? all : PART;
	uint16_t port = t->context->port;
	snprintf(range, sizeof(range), "%" PRId64 " %" PRId64, s->at[PORT_RANGE][0],
		 s->at[PORT_RANGE][0] + PART - 1);
	int rc = close_first(t, ports < all ? list : whole, 1, ports + BEYOND, &fill, e);
	if (!rc)
		delay_pass(t, (uint64_t)ports_rest_ms(s, t->context->loopback));
	t->context->port = port;
	if (!rc)
		rc = close_first(t, none, 1, ports, &again, e);
	if (rc)
		return rc;
	uint64_t reused = again.connections < ports ? again.connections : ports;
	out->limit_met = fill.ports_used_up || again.ports_used_up;
	if (again.connections < ports && !again.ports_used_up)
		outcome_inconclusive(out, "the experiment made only %s connections",
				     quantity_count(again.connections).text);
	out->reached = ports_rate_of(t->target, s, (int64_t)(all * reused / ports));
	out->derived = ports < all;
	if (!out->derived)
		out->metric[RATE_OPENED] = (double)(fill.connections + again.connections);
	else
		report_text(out->remark, "Measured on %s of the ports.",
			    quantity_count(ports).text);
	out->metric[RATE_AGAIN] = (double)again.connections;
	return 0;
}

/* Opens and closes connections until no port is left, or as many as the target needs. */
static int rate_fill(struct trial *t, const struct settings *s, uint64_t enough,
		     struct outcome *out, struct err *e)
{
	static const struct trial_knob list[] = {{BUCKETS_KNOB, BUCKETS_WIDE}, {0}};
	uint64_t ports = (uint64_t)ports_free(s), max = enough > ports ? ports + BEYOND : enough;
	struct churn_result r = {0};
	int rc = fill_range(t, s, list, max, &r, e);
	if (rc)
		return rc;
	out->limit_met = r.ports_used_up && enough > ports;
	out->reached = ports_rate_of(t->target, s, ports_had(s, r.connections));
	if (out->limit_met || t->proof)
		out->metric[RATE_OPENED] = (double)r.connections;
	proof_complete(t, max, &r, out);
	return 0;
}

/* TIME_WAIT is not waited for: that the ports are used up shows how many it takes. */
static int rate_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	uint64_t ports = (uint64_t)ports_free(s);
	uint64_t enough = (uint64_t)ports_for_rate(t->target, s, (int64_t)report_margin(t->needed));
	bool near = ports_near_binds(t->target, s, (int64_t)ports);
	int64_t rest = ports_rest_ms(s, near);
	int rc = 0;
	if (!t->proof)
		t->context->rate = *s;
	if (!t->needed || !ports || ports_end_early(t->target, s)) {
		outcome_unneeded(out, "");
	} else if (t->options->gentle && rest == TIME_WAIT_MS && ports > GENTLE_FILL) {
		outcome_unsupported(out, "%s", GENTLE_REFUSES);
	} else if (rest > DELAY_MAX_MS && rest < TIME_WAIT_MS) {
		outcome_unsupported(out, "the experiment does not wait for a " DELAY_KNOB
					 " of more than 3 s");
	} else {
		trial_progress(t, "closing first until the ports are used up");
		t->context->loopback = near;
		rc = peer_prepare(t, s, near, e);
		if (!rc)
			rc = listeners_reserve(t, s, e);
		if (!rc)
			rc = rest < TIME_WAIT_MS ? rate_again(t, s, out, e)
						 : rate_fill(t, s, enough, out, e);
		t->context->loopback = false;
	}
	return rc;
}

static void rate_describe(const struct trial *t, const struct outcome *o, char *text, size_t size)
{
	if (!t->proof)
		return;
	if (isnan(o->metric[RATE_AGAIN]))
		snprintf(text, size, "%s connects%s",
			 quantity_count((uint64_t)o->metric[RATE_OPENED]).text,
			 o->limit_met ? ", then EADDRNOTAVAIL" : " and more");
	else
		snprintf(text, size, "%s connects on ports in TIME_WAIT",
			 quantity_count((uint64_t)o->metric[RATE_AGAIN]).text);
}

static int ports_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	static const struct trial_knob list[] = {
		{REUSE_KNOB, "0"}, {BUCKETS_KNOB, BUCKETS_WIDE}, {0}};
	struct churn_result r = {0};
	uint64_t ports = (uint64_t)ports_free(s), enough = report_margin(t->needed);
	/* Use up the whole range if it is small, otherwise only what the target needs. */
	bool to_end = ports <= FILL_ALWAYS || ports < 2 * enough;
	if (!to_end && !enough) {
		outcome_unneeded(out, "");
		return 0;
	}
	if (t->proof && ports < enough) {
		outcome_unsupported(out,
				    "the target needs several source addresses or destinations");
		return 0;
	}
	trial_progress(t, "using up the ports");
	int rc = listeners_reserve(t, s, e);
	if (!rc)
		rc = fill_range(t, s, list, to_end && !t->proof ? ports + BEYOND : enough, &r, e);
	if (rc)
		return rc;
	out->limit_met = r.ports_used_up;
	out->reached = (int64_t)r.connections;
	/* knob_silent() has shifted an end. */
	if (out->limit_met && llabs(out->reached - (int64_t)ports) == 1 &&
	    (s->at[PORT_RANGE][1] - s->at[PORT_RANGE][0]) % 2 == 0) {
		out->reached = (int64_t)ports;
		out->derived = true;
	}
	if (out->reached > (int64_t)ports) {
		out->reached = (int64_t)ports;
		out->derived = true;
	}
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
	config.max = 4 * FEW;
	int rc = churn_next(t, config, &r, e);
	if (!rc && !r.ports_used_up)
		rc = err_set(e, ETIMEDOUT, "test client in the lab: %s", strerror(ETIMEDOUT));
	*held = (double)r.connections;
	return rc;
}

/* Opens connections on 64 ports and closes them first, until none is left: *first; with `again`
 * once more when tcp_tw_reuse may reuse the ports. */
static int churn_few(struct trial *t, struct churn_config config, double *first, double *again,
		     struct err *e)
{
	struct churn_result r = {0};
	uint16_t port = t->context->port;
	int rc = churn_next(t, config, &r, e);
	*first = (double)r.connections;
	if (rc || !again)
		return rc;
	delay_pass(t, DELAY_MS);
	t->context->port = port;
	rc = churn_next(t, config, &r, e);
	/* On a slow machine the delay may pass during the run: ports are then reused twice. */
	*again = r.connections < FEW ? (double)r.connections : FEW;
	return rc;
}

static int ports_alternatives(struct trial *t, const struct settings *s, struct finding *f,
			      struct err *e)
{
	static const struct trial_knob list[] = {FEW_PORTS, {REUSE_KNOB, "1"}, {0}};
	static const struct {
		const char *name;
		struct churn_config config;
	} holds[] = {
		{"2 source addresses", {.sources = 2}},
		{"2 destinations", {.destinations = 2}},
		{"2 destinations, bind() without NO_PORT", {.destinations = 2, .bind_port = true}},
	};
	double first;
	trial_progress(t, "trying what else helps");
	finding_table(f, "what else was tried");
	finding_column(f, "connections on 64 ports", "");
	int rc = trial_knobs(t, LAB_CLIENT, list, e);
	for (size_t i = 0; i < sizeof(holds) / sizeof(*holds) && !rc; i++)
		rc = hold(t, holds[i].config, finding_row(f, holds[i].name), e);
	if (!rc)
		rc = churn_few(t, (struct churn_config){.first_source = MANY}, &first,
			       finding_row(f, "tcp_tw_reuse=1, all in TIME_WAIT before"), e);
	return rc;
}

/* Sends requests over one connection. */
static int rate_keep_alive(struct trial *t, double *sent, struct err *e)
{
	int rc = trial_server(t, (struct server_config){.backlog = FEW}, e);
	if (!rc)
		rc = trial_client(t, (struct client_config){.connections = 1}, e);
	if (!rc)
		rc = client_open(t->clients[0], 1, 0, KEEP_ALIVE_MS, e);
	if (!rc)
		rc = client_talk(t->clients[0], KEEP_ALIVE_REQUESTS, 1, KEEP_ALIVE_MS, e);
	if (!rc)
		*sent = (double)client_sum(t->clients[0]).done;
	return rc;
}

/* Each row has source addresses of its own: a port in TIME_WAIT is no longer free for bind(). */
static int rate_alternatives(struct trial *t, const struct settings *s, struct finding *f,
			     struct err *e)
{
	static const struct trial_knob list[] = {FEW_PORTS, {REUSE_KNOB, "0"}, {0}};
	static const struct trial_knob reused[] = {{REUSE_KNOB, "1"}, {0}};
	static const struct {
		const char *name;
		struct churn_config config;
	} rows[] = {
		{"nothing", {.first_source = 8}},
		{"2 source addresses", {.first_source = 9, .sources = 2}},
		{"2 destinations", {.first_source = 11, .destinations = 2}},
		{"2 destinations, IP_BIND_ADDRESS_NO_PORT",
		 {.first_source = 14, .destinations = 2}},
	};
	static const struct churn_config once = {.first_source = 12};
	/* The last one: until TIME_WAIT ends, no connect() takes a port that bind() has taken. */
	static const struct churn_config bound = {
		.first_source = 13, .destinations = 2, .bind_port = true};
	trial_progress(t, "trying each remedy alone");
	finding_table(f, "what is changed alone");
	finding_column(f, "requests on 64 ports", "");
	int rc = trial_knobs(t, LAB_CLIENT, list, e);
	if (!rc)
		rc = peer_prepare(t, s, false, e);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows) && !rc; i++)
		rc = churn_few(t, rows[i].config, finding_row(f, rows[i].name), NULL, e);
	if (!rc)
		rc = rate_keep_alive(t, finding_row(f, "keep-alive, 1 connection"), e);
	if (!rc)
		rc = trial_knobs(t, LAB_CLIENT, reused, e);
	double *both = finding_row(f, "tcp_tw_reuse=1"), again = 0;
	if (!rc)
		rc = churn_few(t, once, both, &again, e);
	*both += again;
	if (!rc)
		rc = churn_few(t, bound, finding_row(f, "2 destinations, bind() without NO_PORT"),
			       NULL, e);
	return rc;
}

/* The smaller one that is known, not 0. */
static uint64_t known_min(uint64_t a, uint64_t b) { return a && (!b || a < b) ? a : b; }

/* Keeps the lowest CPU time per connection of all runs, for an upper bound. */
static void cost_take(const struct churn_result *r, struct taken *k)
{
	if (r->accepted < COUNTED || r->connections < COUNTED)
		return;
	uint64_t server = r->server_cpu_ns / r->accepted;
	uint64_t client = r->client_cpu_ns / r->connections;
	k->accept_ns = known_min(k->accept_ns, server);
	k->connect_ns = known_min(k->connect_ns, client);
	k->both_ns = known_min(k->both_ns, server + client);
	k->cpus = k->cpus ? k->cpus : r->cpus;
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

static bool quota_binds(const struct taken *k)
{
	return k->quota > 0 && k->quota < (double)known_min(k->threads, k->cpus);
}

static bool threads_bind(const struct taken *k)
{
	return !quota_binds(k) && k->threads && k->threads < k->cpus;
}

/* The CPUs that accept, a part of one where the quota allows no more. */
static double accepting_cpus(const struct taken *k)
{
	return quota_binds(k) ? k->quota : (double)known_min(k->threads, k->cpus);
}

static int64_t per_second(const struct taken *k, uint64_t ns)
{
	return (int64_t)quantity_round(QUANTITY_RATE,
				       (uint64_t)(accepting_cpus(k) * 1e9 / (double)ns));
}

/* The CPUs of the server in question, by the affinity of its threads and its cpuset, the quota of
 * its control group and the threads that accept; without one the quota of this group. */
static void accept_read(const struct host *h, struct settings *s)
{
	struct cgroup group;
	const struct subject *subject = s->subject;
	if (subject && !subject->pid)
		return;
	subject_group(h, subject, &group);
	s->taken.quota = cgroup_quota_cpus(&group);
	if (group.cpu.hidden)
		s->taken.quota_unread = group.cpu.unmounted == 1 ? "cpu.cfs_quota_us" : "cpu.max";
	if (!subject)
		return;
	s->taken.cpus = known_min(subject_cpus(h, subject), group.cpus);
	s->taken.threads = subject_accept_threads(h, subject);
}

/* A smaller quota is unusual, in CPUs. */
#define QUOTA_MIN 0.1

static void accept_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	uint64_t each = accept_ns(t, &s->taken);
	b->by = BY_RUN;
	b->upper.is = true;
	if (!each)
		return;
	b->capacity = per_second(&s->taken, each);
	b->upper.shown = per_second(&s->taken, s->taken.both_ns);
	b->fallback.knob = s->taken.quota_unread;
	b->fallback.capacity = (int64_t)(QUOTA_MIN * 1e9 / (double)each);
}

static void accept_words(const struct target *t, const struct settings *s, const struct outcome *o,
			 const struct bound *b, struct wording *w)
{
	const struct taken *k = &s->taken;
	uint64_t each = accept_ns(t, k);
	double cpus = accepting_cpus(k);
	if (!each)
		return;
	wording_flag(w, "proxy", t->role == TARGET_PROXY);
	wording_set(w, "cpus", cpus < 100 ? "%.3g CPU%s" : "%.0f CPU%s", cpus,
		    cpus == 1 ? "" : "s");
	wording_set(w, "online", "%s",
		    cpus < (double)s->machine.cpus ? quantity_count(s->machine.cpus).text : "");
	wording_flag(w, "by_quota", quota_binds(k));
	wording_flag(w, "by_threads", threads_bind(k));
	wording_set(w, "each", "%.1f us", (double)each / 1000);
	wording_set(w, "both", "%.1f us", (double)k->both_ns / 1000);
	wording_set(w, "shown", "%s", quantity_count((uint64_t)per_second(k, k->both_ns)).text);
}

static int accept_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	/* Use a wide range, which is not used up during the measurement. */
	static const struct trial_knob list[] = {{FIRST_KNOB, "0"}, {RANGE_KNOB, WIDEST}, {0}};
	struct taken *k = &s->taken;
	struct finding *f = &t->context->rates;
	if (t->options->gentle) {
		outcome_unsupported(out, "%s", GENTLE_REFUSES);
		return 0;
	}
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

/* Up to half of a range a connect() finds a port soon. */
static int cost_measure(struct trial *t, struct report *r, struct err *e)
{
	static const struct trial_knob list[] = {
		{FIRST_KNOB, "0"}, {RANGE_KNOB, COST_RANGE}, {RESERVED_KNOB, ""}, {0}};
	const struct settings *s = &t->context->rate;
	struct connect_cost cost;
	if (!s->text[PORT_RANGE][0] || ports_share(t->target, s) < 0.5)
		return 0;
	trial_progress(t, "the cost of connect() near the end of the ports");
	int rc = trial_knobs(t, LAB_CLIENT, list, e);
	if (!rc)
		rc = connect_cost_run(t->lab, t->context->port, COST_PORTS, &cost, e);
	if (!rc)
		ports_cost_judge(t->target, s, &cost, r);
	return rc;
}

/* Reports the rates that the experiment of accept.rate has measured. */
static int ports_measure(struct trial *t, struct report *r, struct err *e)
{
	struct wording words = {0};
	if (t->context->rate.text[PORT_RANGE][0])
		ports_rate_words(t->target, &t->context->rate, NULL, NULL, &words);
	report_finding(r, "ports.connect-rate", &words)->table = t->context->rates.table;
	return cost_measure(t, r, e);
}

/* The experiment measures the client, so the accept queue must not limit it. tcp_rfc1337 prevents
 * that a reset frees a port in TIME_WAIT: if another CPU handles the server's ACK after the
 * server's own FIN, the kernel answers the late ACK, and the answer meets no connection. The server
 * has timestamps: only the client's are in question. */
static int ports_prepare(struct trial *t, struct err *e)
{
	static const struct trial_knob server[] = {
		{"net.core.somaxconn", "4096"}, {TIMESTAMPS_KNOB, "1"}, {0}};
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
		.run = time_wait_run,
	},
	{
		.wall = "ports.ephemeral",
		.knobs = {RANGE_KNOB, RESERVED_KNOB, "listeners", FIRST_KNOB},
		.metrics = {{"connections before EADDRNOTAVAIL", "connections"}},
		.host = LAB_CLIENT,
		.read = ports_settings_read,
		.bound = ports_bound,
		.solve = ports_solve,
		.words = ports_words,
		.run = ports_run,
		.describe = ports_describe,
		.alternatives = ports_alternatives,
	},
	{
		.wall = "ports.rate",
		.knobs = {RANGE_KNOB, RESERVED_KNOB, "listeners", FIRST_KNOB, REUSE_KNOB,
			  TIMESTAMPS_KNOB, DELAY_KNOB, BUCKETS_KNOB, "destination",
			  "destination.loopback", "destination.timestamps", "others.bound"},
		.metrics = {{"connects before EADDRNOTAVAIL", "connections"},
			    {"on the same ports again", "connections"}},
		.host = LAB_CLIENT,
		.read = ports_rate_read,
		.bound = ports_rate_bound,
		.solve = ports_rate_solve,
		.words = ports_rate_words,
		.run = rate_run,
		.describe = rate_describe,
		.alternatives = rate_alternatives,
	},
	{
		.wall = "accept.rate",
		.metrics = {{"server CPU time per connection", "ns"},
			    {"CPU time of both ends", "ns"}},
		.read = accept_read,
		.bound = accept_bound,
		.words = accept_words,
		.run = accept_run,
	},
	{0},
};

/* The ports in use on this machine: they depend on no target. */
struct sample {
	struct ports_used used;
	struct ports_udp udp;
	int64_t reuse, timestamps, buckets; /* REPORT_NONE: unknown */
	int64_t ports;                      /* free ones of the range; likewise */
};

static int sample_take(const struct host *h, const struct probe_options *o, struct sample *s,
		       struct err *e)
{
	struct err unread;
	s->reuse = s->timestamps = s->buckets = REPORT_NONE;
	knob_number(BUCKETS_KNOB, h, &s->buckets);
	knob_number(REUSE_KNOB, h, &s->reuse);
	knob_number(TIMESTAMPS_KNOB, h, &s->timestamps);
	/* What cannot be listed is reported by the listeners. */
	int r = ports_used_read(h, NULL, &s->used, &unread);
	if (r != -ENOMEM && ports_udp_read(h, &s->udp, &unread) == -ENOMEM)
		r = -ENOMEM;
	s->ports = s->used.low && s->used.available >= 0 ? s->used.available : REPORT_NONE;
	return r == -ENOMEM ? err_set(e, ENOMEM, "%s", unread.text) : 0;
}

static void sample_release(struct sample *s) { ports_used_free(&s->used); }

/* What a proxy has in TIME_WAIT to one destination is at most all ports of an address: more buckets
 * make no difference, fewer let it connect more often. */
static void buckets_judge(const struct sample *s, const struct target *t, struct report *r)
{
	struct wording w = {0};
	int64_t closed = (int64_t)target_time_wait(t);
	if (t->role != TARGET_PROXY || s->buckets == REPORT_NONE || s->ports == REPORT_NONE)
		return;
	closed = closed < s->ports ? closed : s->ports;
	if (s->buckets >= closed)
		return;
	wording_set(&w, "buckets", "%" PRId64, s->buckets);
	wording_set(&w, "closed", "%s", quantity_count((uint64_t)closed).text);
	wording_set(&w, "rate", "%s", quantity_show(QUANTITY_RATE, t->rate_per_s).text);
	report_finding(r, "time-wait.early", &w);
}

static void observation_judge(const struct sample *before, const struct sample *after,
			      const struct moment *m, struct report *r)
{
	ports_used_judge(&after->used, after->reuse, after->timestamps, r);
	ports_udp_judge(&after->udp, r);
	buckets_judge(after, m->target, r);
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
