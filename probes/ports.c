/* Ports and TIME_WAIT: what bounds the side that connects, and the side that closes first.
 *
 * A connection that its client closes first keeps its port for 60 s (TCP_TIMEWAIT_LEN), so ports
 * are used up by opening and closing, until connect() says EADDRNOTAVAIL; that takes no
 * descriptors. The connect rates depend on who closes first, from how many addresses, and over
 * what: they are told with all three. Only a proxy has a need of ports; for a server they are
 * notes. */
#include "epolltune/probe.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "epolltune/churn.h"
#include "epolltune/knob.h"
#include "epolltune/quantity.h"

#define PORTS_WALL "ports.ephemeral"
#define TIME_WAIT_WALL "time-wait"
#define RANGE_KNOB "net.ipv4.ip_local_port_range"
#define RESERVED_KNOB "net.ipv4.ip_local_reserved_ports"
#define REUSE_KNOB "net.ipv4.tcp_tw_reuse"
#define TIMESTAMPS_KNOB "net.ipv4.tcp_timestamps"
#define DELAY_KNOB "net.ipv4.tcp_tw_reuse_delay"
#define BUCKETS_KNOB "net.ipv4.tcp_max_tw_buckets"
#define SOMAXCONN_KNOB "net.core.somaxconn"
#define TIME_WAIT_S 60
#define PORTS_MAX 65536
/* Ranges up to that are filled to their end also where nothing is needed of them. */
#define FILL_ALWAYS 4096
/* TIME_WAIT is filled to its end up to that many. */
#define BUCKETS_FILL 16384
#define ADDRESSES CHURN_SOURCES
#define MANY 8
/* Of a rate: for notes, and for a proxy that needs it. */
#define RATE_MS 40
#define RATE_PROXY_MS 100
/* What helps is shown on a range of so many ports. */
#define FEW 64
#define FEW_RANGE "20000 20063"
/* Before they are taken again there. */
#define DELAY_MS 200
#define LANES 6

/* Ranges that are in use, ascending. */
static const struct usual {
	const char *range;
	int64_t low, high;
} usual[] = {
	{"32768 60999", 32768, 60999},
	{"16384 65535", 16384, 65535},
	{"1024 65535", 1024, 65535},
};
#define USUAL (sizeof(usual) / sizeof(*usual))

/* What stands behind the walls on this host. */
struct limits {
	char range[KNOB_VALUE];
	int64_t ports;        /* of the range, less those reserved; REPORT_NONE: not to be read */
	int64_t reserved;     /* of them */
	int64_t usual[USUAL]; /* ports of those, less those reserved */
	int64_t buckets, reuse, timestamps;
	int64_t delay_ms; /* until a port is taken again, where tcp_tw_reuse allows */
};

static int64_t knob_number(const struct host *h, const char *name, int64_t absent)
{
	struct err ignored = {0};
	char value[KNOB_VALUE];
	int64_t number = absent;
	const struct knob *k = knob_find(name);
	if (k && !knob_read(k, h, value, &ignored))
		knob_field(value, 0, &number);
	return number;
}

/* "8080,9000-9010" within [low, high]. */
static int64_t reserved_within(const char *list, int64_t low, int64_t high)
{
	int64_t count = 0;
	while (*list) {
		char *end;
		long from = strtol(list, &end, 10), to = from;
		if (end == list)
			break;
		if (*end == '-')
			to = strtol(end + 1, &end, 10);
		if (from < low)
			from = (long)low;
		if (to > high)
			to = (long)high;
		if (to >= from)
			count += to - from + 1;
		list = *end == ',' ? end + 1 : end;
		if (*end && *end != ',')
			break;
	}
	return count;
}

static struct limits limits_read(const struct probe_run *run)
{
	struct limits l = {.ports = REPORT_NONE};
	struct err ignored = {0};
	const struct knob *range = knob_find(RANGE_KNOB);
	char *reserved = NULL;
	int64_t low, high;
	l.buckets = knob_number(run->host, BUCKETS_KNOB, REPORT_NONE);
	l.reuse = knob_number(run->host, REUSE_KNOB, 0);
	l.timestamps = knob_number(run->host, TIMESTAMPS_KNOB, 1);
	/* One second, before it could be set. */
	l.delay_ms = knob_number(run->host, DELAY_KNOB, 1000);
	if (!range || knob_read(range, run->host, l.range, &ignored) ||
	    knob_field(l.range, 0, &low) || knob_field(l.range, 1, &high) || low < 1 ||
	    high > 65535 || low > high)
		return l;
	if (host_read_all(run->host, "proc/sys/net/ipv4/ip_local_reserved_ports", &reserved,
			  &ignored) >= 0)
		l.reserved = reserved_within(reserved, low, high);
	l.ports = high - low + 1 - l.reserved;
	for (size_t i = 0; i < USUAL; i++)
		l.usual[i] = usual[i].high - usual[i].low + 1 -
			     reserved_within(reserved ? reserved : "", usual[i].low, usual[i].high);
	free(reserved);
	return l;
}

static bool is_proxy(const struct probe_run *run) { return run->target->role == TARGET_PROXY; }

/* The lab, and what must be unlike for each run in it: the destination, whose ports are unused. */
struct bench {
	struct probe_run *run;
	struct lab *lab;
	struct limits limits;
	uint16_t port;
};

static int bench_churn(struct bench *b, struct churn_config config, struct churn_result *out,
		       struct err *e)
{
	config.port = b->port;
	b->port = (uint16_t)(b->port + CHURN_DESTINATIONS);
	return churn_run(b->lab, &config, out, e);
}

static int bench_set(struct bench *b, const char *name, const char *value, struct err *e)
{
	return lab_knob_set(b->lab, LAB_CLIENT, name, value, e);
}

static int bench_set_number(struct bench *b, const char *name, int64_t value, struct err *e)
{
	char text[32];
	snprintf(text, sizeof(text), "%" PRId64, value);
	return bench_set(b, name, text, e);
}

static int bench_overflows(struct bench *b, int64_t *count, struct err *e)
{
	struct host_counters *counters = malloc(sizeof(*counters));
	if (!counters)
		return err_set(e, ENOMEM, "no memory for counters");
	int rc = lab_counters(b->lab, LAB_CLIENT, counters, e);
	*count = rc ? 0 : host_counter(counters, "TcpExt.TCPTimeWaitOverflow");
	free(counters);
	return rc;
}

static int churn_failed(int error, struct err *e)
{
	return err_set(e, error, "a client in the lab: %s", strerror(error));
}

/* Opens and closes until the ports are used up, or `most`. */
static int bench_fill(struct bench *b, const char *range, unsigned sources, uint64_t most,
		      struct churn_result *out, struct err *e)
{
	const struct churn_config config = {
		.close = CHURN_CLIENT_FIRST, .sources = sources, .most = most, .ms = 8000};
	int rc = bench_set(b, RANGE_KNOB, range, e);
	if (!rc)
		rc = bench_set(b, REUSE_KNOB, "0", e);
	if (!rc)
		rc = bench_set_number(b, BUCKETS_KNOB, 16 * PORTS_MAX, e);
	if (!rc)
		rc = bench_churn(b, config, out, e);
	struct err ignored = {0};
	bench_set(b, RANGE_KNOB, b->limits.range, &ignored);
	bench_set_number(b, REUSE_KNOB, b->limits.reuse, &ignored);
	bench_set_number(b, BUCKETS_KNOB, b->limits.buckets, &ignored);
	if (!rc && out->error && out->error != EADDRNOTAVAIL)
		rc = churn_failed(out->error, e);
	return rc;
}

/* Connect rates: by who closes first, over what, from one address and from many. */
struct rates {
	struct lane {
		enum churn_close close;
		bool loopback;
		double one, many; /* a second */
	} at[LANES];
};

static double rate_of(const struct churn_result *r)
{
	return r->elapsed_ns ? (double)r->connections * 1e9 / (double)r->elapsed_ns : 0;
}

static int rates_measure(struct bench *b, struct rates *rates, struct err *e)
{
	unsigned ms = is_proxy(b->run) ? RATE_PROXY_MS : RATE_MS;
	/* A rate, not how soon a narrow range is used up. */
	int rc = bench_set(b, RANGE_KNOB, "1024 65535", e);
	for (unsigned i = 0; i < LANES && !rc; i++) {
		struct lane *lane = &rates->at[i];
		struct churn_result one, many;
		*lane = (struct lane){.close = (enum churn_close)(i % 3), .loopback = i >= 3};
		struct churn_config config = {
			.close = lane->close, .loopback = lane->loopback, .ms = ms, .sources = 1};
		probe_progress(b->run, "connect rate, %s", churn_close_name(lane->close));
		rc = bench_churn(b, config, &one, e);
		config.sources = MANY;
		if (!rc)
			rc = bench_churn(b, config, &many, e);
		if (!rc && (one.error || many.error))
			rc = churn_failed(one.error ? one.error : many.error, e);
		if (rc)
			return rc;
		lane->one = rate_of(&one);
		lane->many = rate_of(&many);
	}
	return rc;
}

/* New connections a second that one address has ports for in the long run, closing first. */
static double limits_lasting(const struct limits *l, bool loopback)
{
	/* Not without timestamps: net/ipv4/tcp_ipv4.c, tcp_twsk_unique(). */
	bool reused = l->timestamps && (l->reuse == 1 || (l->reuse == 2 && loopback));
	return (double)l->ports / (reused ? (double)l->delay_ms / 1000 : TIME_WAIT_S);
}

static struct quantity_shown count_show(int64_t value)
{
	return quantity_show(QUANTITY_COUNT, (uint64_t)value);
}

static struct quantity_shown rounded(double rate)
{
	return count_show((int64_t)quantity_round(QUANTITY_RATE, (uint64_t)rate));
}

static void rates_note(struct bench *b, const struct rates *rates)
{
	struct finding *f = report_finding(b->run->report, "ports.connect-rate", LEVEL_NOTE,
					   "New connections a second, by who closes first");
	char text[400] = "";
	report_text(f->wall, "%s", PORTS_WALL);
	for (unsigned i = 0; i < LANES; i++) {
		const struct lane *lane = &rates->at[i];
		char name[48];
		size_t used = strlen(text);
		snprintf(text + used, sizeof(text) - used, "%s%s %s and %s",
			 i == 0   ? "over veth "
			 : i == 3 ? "; over loopback "
				  : ", ",
			 churn_close_name(lane->close), rounded(lane->one).text,
			 rounded(lane->many).text);
		snprintf(name, sizeof(name), "%s, %s, 1 address",
			 lane->loopback ? "loopback" : "veth", churn_close_name(lane->close));
		finding_evidence(f, name, "/s", lane->one, NAN);
	}
	report_text(f->detail, "From 1 and from %d source addresses: %s.", MANY, text);
	if (b->limits.ports == REPORT_NONE)
		return;
	size_t used = strlen(f->detail);
	report_text_into(
		f->detail + used, sizeof(f->detail) - used,
		" In the long run a client that closes "
		"first has ports for %s from one address to one destination, over loopback "
		"for %s (%s ports, TIME_WAIT of 60 s, tcp_tw_reuse=%" PRId64
		"%s); above half of that each connect() tries many before it finds a free one.",
		quantity_show(QUANTITY_RATE, (uint64_t)limits_lasting(&b->limits, false)).text,
		quantity_show(QUANTITY_RATE, (uint64_t)limits_lasting(&b->limits, true)).text,
		count_show(b->limits.ports).text, b->limits.reuse,
		b->limits.timestamps ? "" : ", of no effect without tcp_timestamps");
	double lasting = limits_lasting(&b->limits, false),
	       rate = (double)b->run->target->rate_per_s;
	if (!is_proxy(b->run) || lasting >= rate)
		return;
	char text_rate[32];
	report_text(f->title, "One address has ports for %s that it closes first, not for %s",
		    quantity_show(QUANTITY_RATE, (uint64_t)lasting).text,
		    quantity_show(QUANTITY_RATE, b->run->target->rate_per_s).text);
	report_text(f->advice,
		    "That is less than %s: a proxy that opens a connection for each request and "
		    "closes it first takes %.0f source addresses or destinations, or connections "
		    "kept for reuse, or the other side closing first.",
		    quantity_format(text_rate, sizeof(text_rate), QUANTITY_RATE,
				    b->run->target->rate_per_s),
		    ceil(rate / lasting));
}

/* The first of the usual ranges that holds so many, else the widest; USUAL when none is wider than
 * what there is. */
static size_t range_for(const struct limits *l, uint64_t needed)
{
	size_t i = 0;
	while (i < USUAL - 1 && l->usual[i] < (int64_t)needed)
		i++;
	return l->usual[i] > l->ports ? i : USUAL;
}

/* Source addresses that so many take, each with so many ports. */
static uint64_t sources_for(uint64_t needed, int64_t each)
{
	uint64_t ports = each > 0 ? (uint64_t)each : 1;
	return (needed + ports - 1) / ports;
}

static struct finding *ports_finding(struct probe_run *run, const struct limits *l,
				     const struct wall *w)
{
	bool tight = w->verdict == VERDICT_TIGHT;
	uint64_t enough = report_margin((uint64_t)w->needed);
	char need[32];
	struct finding *f = report_finding(
		run->report, tight ? "ports.ephemeral.tight" : "ports.ephemeral.short",
		tight ? LEVEL_WARNING : LEVEL_CRITICAL, "There are %s ports to connect from",
		tight ? "hardly enough" : "not enough");
	report_text(f->wall, "%s", w->name);
	f->remedy = REMEDY_KERNEL;
	report_text(f->knob, RANGE_KNOB);
	report_text(f->current, "%s", l->range);
	size_t wider = range_for(l, enough);
	uint64_t sources = sources_for(enough, wider < USUAL ? l->usual[wider] : l->ports);
	quantity_format(need, sizeof(need), QUANTITY_COUNT, (uint64_t)w->needed);
	report_text(f->detail,
		    "From one source address to one destination there are %s connections "
		    "at a time; %s are needed.",
		    count_show(l->ports).text, need);
	char more[160] = "", reserved[160] = "";
	if (sources > 1)
		snprintf(more, sizeof(more),
			 "%s it takes %" PRIu64 " source addresses or destinations. ",
			 wider < USUAL ? "Even with that range" : "No usual range is wider:",
			 sources);
	if (l->reserved)
		snprintf(reserved, sizeof(reserved),
			 RESERVED_KNOB " takes %" PRId64 " of the range away. ", l->reserved);
	if (wider < USUAL)
		report_text(f->proposed, "%s", usual[wider].range);
	else
		f->remedy = REMEDY_APPLICATION;
	report_text(f->advice, "%s%s%sIdle connections kept for reuse take no ports anew.",
		    reserved, more,
		    wider < USUAL ? "The range takes effect for connections made from now on; keep "
				    "ports that services listen on in ip_local_reserved_ports. "
				  : "");
	return f;
}

/* What else helps, and what does not, on a range of FEW ports. */
struct cures {
	uint64_t sources, destinations, bound; /* connections: of 2 sources; of 2 destinations; and
						  those bound by bind() alone */
	uint64_t reused;                       /* ports taken again with tcp_tw_reuse=1 */
};

/* The range of FEW is to be whole. */
static int reserve_none(struct host *h, void *arg, struct err *e)
{
	(void)arg;
	return host_write(h, "proc/sys/net/ipv4/ip_local_reserved_ports", "", e);
}

static int cures_try(struct bench *b, struct cures *out, struct err *e)
{
	const struct {
		struct churn_config config;
		uint64_t *count;
	} holds[] = {
		{{.close = CHURN_HOLD, .sources = 2}, &out->sources},
		{{.close = CHURN_HOLD, .destinations = 2}, &out->destinations},
		{{.close = CHURN_HOLD, .destinations = 2, .bind_port = true}, &out->bound},
	};
	struct churn_result r = {0};
	struct churn_config again = {.close = CHURN_CLIENT_FIRST, .first_source = MANY};
	probe_progress(b->run, "what helps where ports are short");
	int rc = bench_set(b, RANGE_KNOB, FEW_RANGE, e);
	if (!rc)
		rc = lab_call(b->lab, LAB_CLIENT, reserve_none, NULL, e);
	for (size_t i = 0; i < sizeof(holds) / sizeof(*holds) && !rc; i++) {
		struct churn_config config = holds[i].config;
		/* bind() takes no port that this address has in TIME_WAIT from earlier. */
		config.first_source = MANY;
		rc = bench_churn(b, config, &r, e);
		/* Such as a lack of descriptors: not what is asked for. */
		if (!rc && r.error != EADDRNOTAVAIL && r.error != EADDRINUSE)
			rc = churn_failed(r.error ? r.error : ETIMEDOUT, e);
		*holds[i].count = r.connections;
	}
	if (!rc)
		rc = bench_set(b, REUSE_KNOB, "1", e);
	/* How long it is, is told by limits_lasting(). */
	bool settable = host_kernel_since(b->run->host, 6, 14);
	if (!rc && settable)
		rc = bench_set_number(b, DELAY_KNOB, DELAY_MS, e);
	uint16_t port = b->port;
	if (!rc)
		rc = bench_churn(b, again, &r, e);
	/* Before 6.14 it is a second by a clock that ticks in seconds. */
	struct timespec wait = {.tv_sec = 2, .tv_nsec = 100000000};
	if (settable)
		wait = (struct timespec){.tv_nsec = (DELAY_MS + 50) * 1000000L};
	if (!rc)
		nanosleep(&wait, NULL);
	b->port = port;
	if (!rc)
		rc = bench_churn(b, again, &r, e);
	/* On a slow machine the delay may pass meanwhile, and ports come round again. */
	out->reused = r.connections < FEW ? r.connections : FEW;
	struct err ignored = {0};
	bench_set(b, RANGE_KNOB, b->limits.range, &ignored);
	bench_set_number(b, REUSE_KNOB, b->limits.reuse, &ignored);
	if (settable)
		bench_set_number(b, DELAY_KNOB, b->limits.delay_ms, &ignored);
	return rc;
}

static void cures_evidence(struct finding *f, const struct cures *c)
{
	finding_evidence(f, "2 sources, of 64 ports", "connections", (double)c->sources, NAN);
	finding_evidence(f, "2 destinations, of 64 ports", "connections", (double)c->destinations,
			 NAN);
	finding_evidence(f, "the same, bind() without NO_PORT", "connections", (double)c->bound,
			 NAN);
	finding_evidence(f, "taken again with tcp_tw_reuse=1", "connections", (double)c->reused,
			 NAN);
}

static void cures_tell(struct finding *f, const struct cures *c)
{
	size_t used = strlen(f->detail);
	report_text_into(f->detail + used, sizeof(f->detail) - used,
			 " What helps, tried on a range of %d ports: a second source address gave "
			 "%" PRIu64 " connections, a second destination %" PRIu64 " (%" PRIu64
			 " where the client calls bind() without IP_BIND_ADDRESS_NO_PORT); "
			 "tcp_tw_reuse=1 gave back %" PRIu64 " of %d in TIME_WAIT.",
			 FEW, c->sources, c->destinations, c->bound, c->reused, FEW);
}

/* `reached`: NAN when the end was not. */
static void ports_prove(struct bench *b, struct finding *f, double reached, uint64_t needed)
{
	struct churn_result r = {0};
	struct cures cures = {0};
	struct err e = {0};
	uint64_t enough = report_margin(needed);
	char count[32];
	bool proven = !b->run->options->no_proof && enough <= PORTS_MAX && f->proposed[0];
	probe_progress(b->run, "trying ports %s", f->proposed);
	if (proven)
		proven = !bench_fill(b, f->proposed, 1, enough, &r, &e) &&
			 (r.error || r.connections >= enough);
	if (!isnan(reached))
		finding_evidence(f, "connections before EADDRNOTAVAIL", "connections", reached,
				 proven ? (double)r.connections : NAN);
	if (e.code)
		report_text(f->tried, "not tried: %s", e.text);
	if (proven)
		report_text(f->tried, "%s connections%s",
			    quantity_format(count, sizeof(count), QUANTITY_COUNT, r.connections),
			    r.error ? ", then EADDRNOTAVAIL" : " and more");
	if (b->run->options->no_proof)
		return;
	struct err failed = {0};
	if (cures_try(b, &cures, &failed)) {
		size_t used = strlen(f->detail);
		report_text_into(f->detail + used, sizeof(f->detail) - used,
				 " What else helps could not be tried: %s.", failed.text);
		return;
	}
	cures_evidence(f, &cures);
	cures_tell(f, &cures);
}

static int ports_measure(struct bench *b, struct err *e)
{
	struct probe_run *run = b->run;
	struct wall *w = report_wall(run->report, PORTS_WALL);
	const struct limits *l = &b->limits;
	uint64_t enough = is_proxy(run) ? report_margin(run->target->connections) : 0;
	struct churn_result r = {0};
	if (l->ports == REPORT_NONE || (!is_proxy(run) && l->ports > FILL_ALWAYS))
		return 0;
	/* To its end where that is near; else as far as it is needed. */
	bool to_end = l->ports <= FILL_ALWAYS || (uint64_t)l->ports < 2 * enough;
	probe_progress(run, "using up the ports");
	int rc = bench_fill(b, l->range, 1, to_end ? 0 : enough, &r, e);
	if (rc)
		return rc;
	w->measured = (int64_t)r.connections;
	w->method = METHOD_DERIVED;
	w->at_least = r.error != EADDRNOTAVAIL;
	/* Else the ports lasted for as many as were wanted, or longer than the time. */
	if (r.error == EADDRNOTAVAIL) {
		w->method = METHOD_MEASURED;
		w->verdict = report_verdict(w->measured, w->needed);
	}
	if (w->verdict == VERDICT_SHORT || w->verdict == VERDICT_TIGHT)
		ports_prove(b, ports_finding(run, l, w),
			    r.error == EADDRNOTAVAIL ? (double)r.connections : NAN,
			    (uint64_t)w->needed);
	return 0;
}

static int64_t buckets_for(uint64_t needed)
{
	int64_t value = 4096;
	while (value < (int64_t)report_margin(needed))
		value *= 2;
	return value;
}

static struct finding *time_wait_finding(struct probe_run *run, const struct limits *l,
					 const struct wall *w)
{
	bool tight = w->verdict == VERDICT_TIGHT;
	char rate[32], need[32];
	struct finding *f =
		report_finding(run->report, tight ? "time-wait.tight" : "time-wait.short",
			       tight ? LEVEL_WARNING : LEVEL_CRITICAL,
			       "Too few closed connections may wait in TIME_WAIT");
	report_text(f->wall, "%s", w->name);
	f->remedy = REMEDY_KERNEL;
	report_text(f->knob, BUCKETS_KNOB);
	report_text(f->current, "%" PRId64, l->buckets);
	report_text(f->proposed, "%" PRId64, buckets_for((uint64_t)w->needed));
	quantity_format(rate, sizeof(rate), QUANTITY_RATE, run->target->rate_per_s);
	quantity_format(need, sizeof(need), QUANTITY_COUNT, (uint64_t)w->needed);
	report_text(f->detail,
		    "Closing first at %s keeps %s connections in TIME_WAIT for 60 s each. Those "
		    "beyond %s are closed at once, without the protection against old segments.",
		    rate, need, count_show(l->buckets).text);
	report_text(f->advice,
		    "Takes effect at once. Costs about 250 bytes each. Where the other side "
		    "closes first, or connections are kept for reuse, there is no need.");
	return f;
}

/* Closes first until more would wait than may; REPORT_NONE in *waiting: the end was not reached. */
static int time_wait_fill(struct bench *b, int64_t buckets, uint64_t most, int64_t *waiting,
			  int64_t *overflow, struct err *e)
{
	int64_t before = 0, after = 0;
	struct churn_result r = {0};
	const struct churn_config config = {
		.close = CHURN_CLIENT_FIRST, .sources = MANY, .most = most, .ms = 4000};
	int rc = bench_set_number(b, BUCKETS_KNOB, buckets, e);
	if (!rc)
		rc = bench_set(b, RANGE_KNOB, "1024 65535", e);
	if (!rc)
		rc = bench_set(b, REUSE_KNOB, "0", e);
	if (!rc)
		rc = bench_overflows(b, &before, e);
	if (!rc)
		rc = bench_churn(b, config, &r, e);
	if (!rc)
		rc = bench_overflows(b, &after, e);
	struct err ignored = {0};
	bench_set(b, RANGE_KNOB, b->limits.range, &ignored);
	bench_set_number(b, REUSE_KNOB, b->limits.reuse, &ignored);
	bench_set_number(b, BUCKETS_KNOB, b->limits.buckets, &ignored);
	if (rc)
		return rc;
	*overflow = after - before;
	*waiting = *overflow > 0 ? (int64_t)r.connections - *overflow : REPORT_NONE;
	return 0;
}

static int time_wait_measure(struct bench *b, struct err *e)
{
	struct probe_run *run = b->run;
	struct wall *w = report_wall(run->report, TIME_WAIT_WALL);
	const struct limits *l = &b->limits;
	int64_t waiting = REPORT_NONE, overflow = 0, then = REPORT_NONE, none = 0;
	if (l->buckets == REPORT_NONE)
		return 0;
	/* While nothing waits yet: TIME_WAIT of an earlier experiment would count. */
	if (l->buckets > 0 && l->buckets <= BUCKETS_FILL) {
		uint64_t most = (uint64_t)l->buckets + (uint64_t)l->buckets / 4 + 16;
		int rc = time_wait_fill(b, l->buckets, most, &waiting, &overflow, e);
		if (rc)
			return rc;
	}
	if (waiting != REPORT_NONE) {
		w->method = METHOD_MEASURED;
		w->measured = waiting;
		w->verdict = report_verdict(waiting, w->needed);
	}
	if (w->verdict != VERDICT_SHORT && w->verdict != VERDICT_TIGHT)
		return 0;
	struct finding *f = time_wait_finding(run, l, w);
	uint64_t enough = report_margin((uint64_t)w->needed);
	struct err ignored = {0};
	bool tried = waiting != REPORT_NONE && !run->options->no_proof && enough <= BUCKETS_FILL &&
		     !time_wait_fill(b, buckets_for((uint64_t)w->needed), enough, &then, &none,
				     &ignored);
	if (waiting != REPORT_NONE)
		finding_evidence(f, "TCPTimeWaitOverflow", "connections", (double)overflow,
				 tried ? (double)none : NAN);
	if (tried)
		report_text(f->tried, "%s closed first, %s overflowed",
			    count_show((int64_t)enough).text, count_show(none).text);
	return 0;
}

static void walls_inspect(struct probe_run *run, const struct limits *l)
{
	struct wall *ports = report_wall(run->report, PORTS_WALL);
	struct wall *waiting = report_wall(run->report, TIME_WAIT_WALL);
	const char *no_need = is_proxy(run) ? "" : " A server has no need of it.";
	char reserved[64] = "";
	if (l->reserved)
		snprintf(reserved, sizeof(reserved), "; %" PRId64 " of the range are reserved",
			 l->reserved);
	report_text(ports->unit, "connections");
	report_text(ports->knob, RANGE_KNOB);
	ports->method = METHOD_INSPECTED;
	ports->limit = l->ports;
	report_text(waiting->unit, "connections");
	report_text(waiting->knob, BUCKETS_KNOB);
	waiting->method = METHOD_INSPECTED;
	waiting->limit = l->buckets;
	if (is_proxy(run)) {
		ports->needed = (int64_t)run->target->connections;
		waiting->needed = (int64_t)target_time_wait(run->target);
	}
	/* Without a need there is nothing that could not be told. */
	ports->verdict = report_verdict(ports->limit, ports->needed);
	waiting->verdict = report_verdict(waiting->limit, waiting->needed);
	if (l->ports == REPORT_NONE)
		report_text(ports->detail, RANGE_KNOB " could not be read.%s", no_need);
	else
		report_text(ports->detail,
			    "At a time, from one source address to one destination%s.%s%s",
			    reserved,
			    is_proxy(run) ? " How many a second that allows, ports.connect-rate "
					    "tells."
					  : "",
			    no_need);
	report_text(waiting->detail, "Beyond that, connections in TIME_WAIT are closed at once.%s",
		    no_need);
}

static int ports_inspect(struct probe_run *run, struct err *e)
{
	(void)e;
	struct limits l = limits_read(run);
	walls_inspect(run, &l);
	if (run->lab)
		return 0;
	const struct wall *ports = report_wall(run->report, PORTS_WALL);
	const struct wall *waiting = report_wall(run->report, TIME_WAIT_WALL);
	if (ports->verdict == VERDICT_SHORT || ports->verdict == VERDICT_TIGHT)
		ports_finding(run, &l, ports);
	if (waiting->verdict == VERDICT_SHORT || waiting->verdict == VERDICT_TIGHT)
		time_wait_finding(run, &l, waiting);
	return 0;
}

/* Otherwise a reset frees a port in TIME_WAIT (RFC 1337), as when the server's ACK of a FIN comes
 * after its own FIN: two CPUs handle them, the late one is answered, and the answer finds no
 * connection. */
static int resets_ignore(struct host *h, void *arg, struct err *e)
{
	(void)arg;
	return host_write(h, "proc/sys/net/ipv4/tcp_rfc1337", "1", e);
}

/* What is measured is the client: the accept queue must not be in its way. */
static int servers_widen(struct lab *lab, struct err *e)
{
	for (enum lab_host host = LAB_SERVER; host <= LAB_CLIENT; host++) {
		int rc = lab_knob_set(lab, host, SOMAXCONN_KNOB, "4096", e);
		/* Before 6.11 a lab without privilege has that value, and no knob. */
		if (rc && rc != -ENOENT)
			return rc;
	}
	return 0;
}

static int ports_probe_measure(struct probe_run *run, struct err *e)
{
	/* Below 1024 no client connects from, whatever the range. */
	struct bench b = {.run = run, .lab = run->lab, .limits = limits_read(run), .port = 80};
	struct rates rates;
	int rc = servers_widen(run->lab, e);
	if (!rc)
		rc = lab_call(run->lab, LAB_CLIENT, resets_ignore, NULL, e);
	if (!rc)
		rc = time_wait_measure(&b, e);
	if (!rc)
		rc = ports_measure(&b, e);
	if (!rc)
		rc = rates_measure(&b, &rates, e);
	if (!rc)
		rates_note(&b, &rates);
	return rc;
}

const struct probe probe_ports = {
	.name = "ports",
	.summary = "ports to connect from, TIME_WAIT, and connect rates by who closes first",
	.walls = PORTS_WALL "," TIME_WAIT_WALL,
	.alone = true,
	.private_only = true,
	.lab = {.client_addresses = ADDRESSES},
	.inspect = ports_inspect,
	.measure = ports_probe_measure,
};
