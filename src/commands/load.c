#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "bench/metrics.h"
#include "commands/command.h"
#include "commands/figures.h"
#include "engine/cpus.h"
#include "epolltune/cleanup.h"
#include "epolltune/client.h"
#include "epolltune/clock.h"
#include "epolltune/counters.h"
#include "epolltune/list.h"
#include "epolltune/ports.h"
#include "epolltune/quantity.h"
#include "host/address.h"
#include "report/bench_render.h"
#include "report/output.h"
#include "terminal/progress.h"

#define CONNECTIONS_MAX 4000000
#define RATE_MAX 100000000
#define DAY_US 86400000000u
#define RATE_MET 0.98 /* share of --rate that counts as met */
#define SAMPLE 1000   /* connections that send requests at the end of a hold */
#define P99_MIN 100   /* operations of which the p99 is not the longest */

enum load_mode { LOAD_CONNECT, LOAD_REQUEST, LOAD_HOLD, LOAD_MIX };
#define LOAD_MODES "connect,request,hold,mix"
static const char *const mode_names[] = {"connect", "request", "hold", "mix"};

struct load_arguments {
	enum load_mode mode;
	enum protocol protocol;
	const char *path;
	struct client_config client;
	struct sources {
		unsigned count;
		union endpoint at[CLIENT_SOURCES];
	} from;
	uint64_t connections, active, rate_per_s, duration_us;
	uint64_t depth, size;
	bool remote;
	struct figures_options figures;
};

static int sources_parse(const char *list, void *field, struct err *e)
{
	struct sources *from = field;
	struct list_item item;
	while (list_next(&list, &item)) {
		char text[256];
		union endpoint *source = &from->at[from->count];
		snprintf(text, sizeof(text), "%.*s", item.length, item.text);
		if (from->count == CLIENT_SOURCES)
			return err_set(e, EINVAL, "--from: at most %d addresses", CLIENT_SOURCES);
		int rc = address_parse("--from", text, false, source, e);
		if (rc < 0)
			return rc;
		if (!address_is_local(source))
			return err_set(e, EINVAL, "--from: %s is not a local address", text);
		for (unsigned i = 0; i < from->count; i++)
			if (!memcmp(&from->at[i], source, endpoint_size(source)))
				return err_set(e, EINVAL, "--from: %s given twice", text);
		from->count++;
	}
	return 0;
}

#define AT(member) OPTION_AT(struct load_arguments, member)

static const struct option_row options[] = {
	{"mode", "MODE", "", AT(mode), CHOICE(LOAD_MODES)},
	{"protocol", "NAME", "what the server speaks", AT(protocol), CHOICE(PROTOCOLS)},
	{"path", "PATH", "with http: path of the requests", AT(path), TEXT(NULL)},
	{"connections", "N", "concurrent connections", AT(connections),
	 NUMBER(COUNT, 1, CONNECTIONS_MAX)},
	{"active", "N", "with mix: connections that send requests (a tenth)", AT(active),
	 NUMBER(COUNT, 1, CONNECTIONS_MAX)},
	{"rate", "N", "operations per second (default: closed loop)", AT(rate_per_s),
	 NUMBER(RATE, 1, RATE_MAX)},
	{"duration", "TIME", "length of the run", AT(duration_us), NUMBER(DURATION, 1000, DAY_US)},
	{"depth", "N", "outstanding requests per connection", AT(depth),
	 NUMBER(COUNT, 1, CLIENT_DEPTH)},
	{"size", "SIZE", "request size", AT(size), NUMBER(SIZE, 1, CLIENT_SIZE)},
	{"close", "WHO", "who closes", AT(client.close), CHOICE(CLIENT_CLOSES)},
	{"from", "ADDRESS,…", "source addresses, used in turn", AT(from), LIST(NULL),
	 .parse = sources_parse},
	{"workers", "N", "number of processes (one per CPU, or more)", AT(client.processes),
	 NUMBER(COUNT, 1, CLIENT_PROCESSES)},
	{"remote", NULL, "allow an address of another machine", AT(remote), FLAG},
	FIGURES_OPTIONS(struct load_arguments, figures),
	{0},
};

static const struct load_arguments defaults = {
	.mode = LOAD_REQUEST,
	.path = "/",
	.connections = 100,
	.duration_us = 5000000,
	.depth = 1,
	.size = 64,
	.figures = {"text", NULL, "auto"},
};

/* What the protocol decides: the request and its size. */
static int protocol_check(struct load_arguments *a, const struct given *given, struct err *e)
{
	const char *name = protocol_name(a->protocol);
	char host[ENDPOINT_TEXT];
	if (given_option(given, "path") && a->protocol != PROTOCOL_HTTP)
		return err_set(e, EINVAL, "--path: valid only with --protocol http");
	if (given_option(given, "size") && a->protocol != PROTOCOL_ECHO)
		return err_set(e, EINVAL, "--size: valid only with --protocol echo");
	if (a->depth > 1 && a->protocol == PROTOCOL_HTTP)
		return err_set(e, EINVAL, "--depth: not with --protocol http");
	if (a->protocol == PROTOCOL_CONNECT && a->mode != LOAD_CONNECT && a->mode != LOAD_HOLD)
		return err_set(e, EINVAL,
			       "--protocol connect: valid only with --mode connect or "
			       "hold");
	endpoint_format(host, &a->client.to);
	int rc = protocol_request_make(
		&a->client.request, a->protocol, host, a->path,
		a->mode == LOAD_CONNECT && a->client.close == CLIENT_CLOSE_SERVER, e);
	if (rc < 0)
		return err_prefix(e, "--protocol %s", name);
	if (a->protocol != PROTOCOL_ECHO)
		a->size = a->client.request.size;
	return 0;
}

static int arguments_check(struct load_arguments *a, const struct given *given, struct err *e)
{
	char address[ENDPOINT_TEXT];
	if (!given->count)
		return err_set(e, EINVAL, "load: missing ADDRESS:PORT");
	int rc = given_check(given, 1, e);
	if (rc == 0)
		rc = figures_check(&a->figures, e);
	if (rc == 0)
		rc = address_parse("load", given->operands[0], true, &a->client.to, e);
	if (rc < 0)
		return rc;
	if (!a->remote && !address_is_local(&a->client.to))
		return err_set(e, EPERM,
			       "load: %s is not a local address; add --remote to allow it",
			       endpoint_format(address, &a->client.to));
	for (unsigned i = 0; i < a->from.count; i++)
		if (a->from.at[i].any.sa_family != a->client.to.any.sa_family)
			return err_set(e, EINVAL,
				       "--from: source addresses and %s must be of one family, "
				       "IPv4 or IPv6",
				       endpoint_format(address, &a->client.to));
	if (a->depth * a->size > CLIENT_FLIGHT)
		return err_set(e, EINVAL, "--depth times --size exceeds the maximum of %d bytes",
			       CLIENT_FLIGHT);
	if (a->depth > 1 && (a->mode == LOAD_CONNECT || a->mode == LOAD_HOLD))
		return err_set(e, EINVAL, "--depth: valid only with --mode request or mix");
	if (a->mode == LOAD_MIX && !a->active)
		a->active = a->connections / 10 ? a->connections / 10 : 1;
	if (a->active && a->mode != LOAD_MIX)
		return err_set(e, EINVAL, "--active: valid only with --mode mix");
	if (a->active > a->connections)
		return err_set(e, EINVAL, "--active: more than --connections");
	if (!a->active)
		a->active = a->connections;
	if (a->client.processes > a->active)
		a->client.processes = (unsigned)a->active;
	a->client.connections = a->connections;
	a->client.sources = a->from.at;
	a->client.source_count = a->from.count;
	return protocol_check(a, given, e);
}

/* The progress line. */
struct progress {
	bool show;
	const char *what;
	uint64_t of;          /* expected count; 0: runs for duration_us */
	uint64_t duration_us; /* 0: runs until the count is reached */
	uint64_t start_ns;
};

static int tick(uint64_t done, void *arg)
{
	const struct progress *p = arg;
	double seconds = (double)(clock_ns() - p->start_ns) / 1e9;
	char of[64] = "", time[64] = "";
	if (p->of)
		snprintf(of, sizeof(of), " of %s", quantity_show(QUANTITY_COUNT, p->of).text);
	if (p->duration_us)
		snprintf(time, sizeof(time), ", %.0f of %.0f s", seconds,
			 (double)p->duration_us / 1e6);
	if (p->show)
		progress_print("%s: %s%s%s", p->what, quantity_show(QUANTITY_COUNT, done).text, of,
			       time);
	return interrupt_came();
}

static int order_run(struct client *c, const struct client_order *order, bool show, struct err *e)
{
	static const char *const verbs[] = {[CLIENT_OPEN] = "opened",
					    [CLIENT_CHURN] = "connections",
					    [CLIENT_REQUEST] = "requests"};
	struct progress p = {show, verbs[order->verb], order->count, order->duration_us,
			     clock_ns()};
	return client_order(c, order, tick, &p, e);
}

static int open_all(struct client *c, const struct load_arguments *a, bool show, struct err *e)
{
	const struct client_order order = {
		.verb = CLIENT_OPEN,
		.count = a->connections,
		.depth = (unsigned)a->depth,
		.rate_per_s = a->mode == LOAD_HOLD ? (double)a->rate_per_s : 0,
	};
	char to[ENDPOINT_TEXT];
	int rc = order_run(c, &order, show, e);
	struct client_sum sum = client_sum(c);
	int code = client_cause(&sum);
	if (rc == 0 && sum.held == 0)
		rc = err_set(e, code ? code : EIO, "load: cannot connect to %s: %s",
			     endpoint_format(to, &a->client.to), client_failure(code));
	return rc;
}

/* The number of ephemeral ports of a source address; 0 if unknown. */
static uint64_t port_range(const struct host *h)
{
	struct port_set ports;
	host_ephemeral_ports(h, &ports);
	return (uint64_t)port_set_count(&ports, 1, UINT16_MAX);
}

/* Each connection needs its own port. Once more than half of an address's ports are in use,
 * connect() searches them one by one (net/ipv4/inet_hashtables.c, __inet_hash_connect()). */
static int ports_check(const struct load_arguments *a, const struct host *h, struct bench_table *t,
		       struct err *e)
{
	unsigned sources = a->client.source_count ? a->client.source_count : 1;
	uint64_t range = port_range(h), there = range * sources;
	if (range && a->connections > there)
		return err_set(e, EADDRNOTAVAIL,
			       "load: %llu connections need more than the %llu ephemeral ports of "
			       "%u source %s (net.ipv4.ip_local_port_range); add addresses with "
			       "--from, on loopback --from 127.0.0.1,127.0.0.2",
			       (unsigned long long)a->connections, (unsigned long long)there,
			       sources, sources == 1 ? "address" : "addresses");
	if (range && a->connections > there / 2)
		bench_note(t, "this load uses more than half of the ephemeral ports of each source "
			      "address, which makes connect() slow; add addresses with --from");
	return 0;
}

/* What the requests are. */
static void requests_write(char *buf, size_t size, const struct load_arguments *a)
{
	if (a->protocol == PROTOCOL_ECHO)
		snprintf(buf, size, ", %llu B requests, depth %llu", (unsigned long long)a->size,
			 (unsigned long long)a->depth);
	else if (a->protocol == PROTOCOL_HTTP)
		snprintf(buf, size, ", HTTP requests of %.200s", a->path);
	else if (a->protocol != PROTOCOL_CONNECT)
		snprintf(buf, size, ", requests of %s, depth %llu", protocol_name(a->protocol),
			 (unsigned long long)a->depth);
}

/* Describe the conditions; `talk`: the connections send requests. */
static void conditions_write(char *buf, size_t size, const struct load_arguments *a,
			     unsigned processes, bool talk)
{
	char to[ENDPOINT_TEXT], requests[240] = "", due[64] = "";
	unsigned sources = a->client.source_count ? a->client.source_count : 1;
	if (talk)
		requests_write(requests, sizeof(requests), a);
	if (a->rate_per_s && (a->mode != LOAD_HOLD || !talk))
		snprintf(due, sizeof(due), ", open loop at %s",
			 quantity_show(QUANTITY_RATE, a->rate_per_s).text);
	snprintf(buf, size, "to %s, %u client process%s, %u source address%s, close %s%s%s",
		 endpoint_format(to, &a->client.to), processes, processes == 1 ? "" : "es", sources,
		 sources == 1 ? "" : "es", client_close_name(a->client.close), requests, due);
}

/* Add the results of the last order: `n` connections, `active` of them used. */
static void figures_add(struct bench_table *t, const struct load_arguments *a,
			const struct client *c, const char *variant, uint64_t n, uint64_t active,
			bool latencies)
{
	struct client_sum sum = client_sum(c);
	struct histogram *h = calloc(1, sizeof(*h));
	char conditions[400];
	conditions_write(conditions, sizeof(conditions), a, c->processes, latencies);
	bench_add(t, "load", variant, n, active, BENCH_RATE, sum.rate, "%s", conditions);
	if (h && latencies) {
		client_latency(c, h);
		bench_add(t, "load", variant, n, active, BENCH_P50,
			  (double)histogram_quantile(h, 0.5) / 1e3, "%s", conditions);
		bench_add(t, "load", variant, n, active, BENCH_P99,
			  (double)histogram_quantile(h, 0.99) / 1e3, "%s", conditions);
		bench_note(t, "latencies are of %s%s", quantity_of(h->total, "operation").text,
			   h->total < P99_MIN ? ": the p99 is the longest of them" : "");
	}
	bench_add(t, "load", variant, n, active, BENCH_ELAPSED, (double)sum.elapsed_ns / 1e9, "%s",
		  conditions);
	if (sum.done)
		bench_add(t, "load", variant, n, active, BENCH_CPU,
			  (double)sum.cpu_ns / 1e3 / (double)sum.done, "%s", conditions);
	free(h);
}

/* True if the load fell behind --rate, not counting operations still in flight at the end. */
static bool rate_missed(const struct load_arguments *a, const struct client *c, double rate)
{
	struct histogram *h = calloc(1, sizeof(*h));
	double due = (double)a->rate_per_s, seconds = (double)a->duration_us / 1e6;
	if (!h)
		return false;
	client_latency(c, h);
	double under_way = due * (double)histogram_quantile(h, 0.1) / 1e9;
	free(h);
	return rate + under_way / seconds < RATE_MET * due;
}

/* Note how the load was paced, and whether it kept up. */
static void notes_pace(struct bench_table *t, const struct load_arguments *a,
		       const struct client *c, const struct client_sum *sum)
{
	if (a->mode == LOAD_HOLD)
		return;
	if (!a->rate_per_s) {
		bench_note(t, "closed loop: latencies suffer from coordinated omission; use --rate "
			      "for an open-loop measurement");
		return;
	}
	bench_note(t,
		   "open loop at %s: latency counts from the time an operation was due, so a "
		   "stall of the server counts for every operation it delayed",
		   quantity_show(QUANTITY_RATE, a->rate_per_s).text);
	if (!interrupt_came() && (sum->lost || rate_missed(a, c, sum->rate)))
		bench_note(t,
			   "the load reached %s of %s: the other operations were late or never "
			   "started",
			   quantity_show(QUANTITY_RATE, (uint64_t)(sum->rate + 0.5)).text,
			   quantity_show(QUANTITY_RATE, a->rate_per_s).text);
}

/* The beginning of an answer, printable. */
static void answer_show(const char answer[CLIENT_ANSWER], char out[CLIENT_ANSWER])
{
	size_t i = 0;
	for (; answer[i]; i++)
		out[i] = (char)(answer[i] >= ' ' && answer[i] <= '~' ? answer[i] : '.');
	out[i] = 0;
}

/* Says what answered instead, if anything did. */
static int no_reply(const struct load_arguments *a, const struct client *c, struct err *e)
{
	char to[ENDPOINT_TEXT], answer[CLIENT_ANSWER], shown[CLIENT_ANSWER];
	const char *option = NULL;
	const struct client_sum sum = client_sum(c);
	int code = client_cause(&sum);
	endpoint_format(to, &a->client.to);
	client_answer(c, answer);
	answer_show(answer, shown);
	const char *speaks = protocol_recognise(answer, strlen(answer), &option);
	if (code == ETIMEDOUT)
		return err_set(e, EIO,
			       "load: no reply from %s before the timeout; --protocol names what "
			       "it speaks, now %s",
			       to, protocol_name(a->protocol));
	if (code != EPROTO)
		return err_set(e, EIO, "load: no reply from %s: %s", to, client_failure(code));
	if (!speaks || !strcmp(option, protocol_name(a->protocol)))
		return err_set(e, EPROTO, "load: %s does not speak %s: its first answer was '%s'",
			       to, protocol_name(a->protocol), shown);
	return err_set(e, EPROTO, "load: %s does not speak %s but %s; use --protocol %s%s", to,
		       protocol_name(a->protocol), speaks, option,
		       !strcmp(option, "connect") ? " --mode connect" : "");
}

/* Notes what the server answered. */
static void notes_replies(struct bench_table *t, const struct client *c,
			  const struct client_sum *sum)
{
	static uint64_t counts[CLIENT_STATUSES];
	char list[200] = "", answer[CLIENT_ANSWER], shown[CLIENT_ANSWER];
	size_t used = 0;
	client_statuses(c, counts);
	for (unsigned status = 100; status < CLIENT_STATUSES && used < sizeof(list) - 40; status++)
		if (counts[status])
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%u: %llu",
						 used ? ", " : "", status,
						 (unsigned long long)counts[status]);
	if (used)
		bench_note(t, "replies by status: %s", list);
	client_answer(c, answer);
	answer_show(answer, shown);
	if (sum->errors && !used)
		bench_note(t, "%s %s; the first: %s", quantity_count(sum->errors).text,
			   sum->errors == 1 ? "reply was an error" : "replies were errors", shown);
	if (sum->ended)
		bench_note(t, "the server ended %s after a reply or while idle (keep-alive limit)",
			   quantity_of(sum->ended, "connection").text);
	if (sum->reopened)
		bench_note(t, "%s that had ended or failed %s opened again",
			   quantity_of(sum->reopened, "connection").text,
			   sum->reopened == 1 ? "was" : "were");
}

/* Note what was never started, and why. */
static void notes_missed(struct bench_table *t, unsigned processes, const struct client_sum *sum)
{
	double seconds = (double)sum->lost_ns / 1e9;
	if (sum->lost == processes)
		bench_note(t, "no connection was left after %.2f s", seconds);
	else if (sum->lost)
		bench_note(t, "%u of %u client processes had no connection left after %.2f s",
			   sum->lost, processes, seconds);
	if (sum->missed)
		bench_note(t,
			   "%s %s due but never started: %s; latencies include the time they "
			   "waited",
			   quantity_of(sum->missed, "operation").text,
			   sum->missed == 1 ? "was" : "were",
			   sum->lost ? "their connections had failed"
				     : "the server or this client does not keep up with --rate");
}

static void notes_starved(struct bench_table *t, const struct client_sum *sum)
{
	if (sum->first_starved == EADDRNOTAVAIL)
		bench_note(t,
			   "ephemeral ports ran out %s; add addresses with --from, or use "
			   "--close reset or server",
			   quantity_of(sum->starved, "time").text);
	else if (sum->starved)
		bench_note(t, "%s %s of connect(): %s", quantity_count(sum->starved).text,
			   sum->starved == 1 ? "retry" : "retries",
			   client_failure(sum->first_starved));
}

static void notes_add(struct bench_table *t, const struct load_arguments *a, const struct client *c,
		      const struct host_counters *before, const struct host_counters *after)
{
	struct client_sum sum = client_sum(c);
	int64_t kernels = host_counter_delta(before, after, COUNTER_ACTIVE_OPENS);
	notes_pace(t, a, c, &sum);
	notes_replies(t, c, &sum);
	if (sum.failed)
		bench_note(t, "%s %s failed; first error: %s", quantity_count(sum.failed).text,
			   sum.failed == 1 ? "connection or request" : "connections or requests",
			   client_failure(sum.first_errno));
	if (a->mode == LOAD_CONNECT && a->client.close == CLIENT_CLOSE_SERVER &&
	    sum.first_errno == ETIMEDOUT)
		bench_note(t, "--close server needs a server that closes after its reply, such as "
			      "epolltune serve --close");
	notes_missed(t, c->processes, &sum);
	notes_starved(t, &sum);
	double off = sum.attempted
			     ? (double)(kernels - (int64_t)sum.attempted) / (double)sum.attempted
			     : 0;
	if (kernels >= 0 && (off > 0.005 || off < -0.005))
		bench_note(t,
			   "epolltune counts %s, the kernel %s (ActiveOpens of this network "
			   "namespace, which includes other processes)",
			   quantity_of(sum.attempted, "connect").text,
			   quantity_count((uint64_t)kernels).text);
	/* At depth 1 each reply arrives in its own segment. */
	kernels = host_counter_delta(before, after, COUNTER_SEGMENTS_IN);
	if (kernels >= 0 && a->depth == 1 && (double)kernels < 0.995 * (double)sum.done)
		bench_note(t,
			   "epolltune counts %s replies, but the kernel only %s (InSegs of this "
			   "network namespace)",
			   quantity_count(sum.done).text,
			   quantity_of((uint64_t)kernels, "segment").text);
}

/* The load itself, by mode, and its figures; also of what was done until an interruption. */
static int mode_run(struct client *c, struct load_arguments *a, struct bench_table *t, bool show,
		    struct err *e)
{
	struct client_order order = {
		.verb = a->mode == LOAD_CONNECT ? CLIENT_CHURN : CLIENT_REQUEST,
		.duration_us = a->duration_us,
		.active = a->active,
		.rate_per_s = (double)a->rate_per_s,
		.depth = (unsigned)a->depth,
		.size = (unsigned)a->size,
	};
	const char *variant = mode_names[a->mode];
	int rc = a->mode == LOAD_CONNECT ? 0 : open_all(c, a, show, e);
	const struct client_sum opened = client_sum(c);
	/* Interrupted clients have closed their connections. */
	uint64_t n = a->mode == LOAD_CONNECT ? a->connections
		     : rc == -EINTR          ? opened.opened
					     : opened.held;
	if (n && n < a->connections && rc == -EINTR)
		bench_note(t, "interrupted with %s of %s open", quantity_count(n).text,
			   quantity_of(a->connections, "connection").text);
	else if (n && n < a->connections)
		bench_note(t, "only %s of %s opened: %s", quantity_count(n).text,
			   quantity_of(a->connections, "connection").text,
			   client_failure(client_cause(&opened)));
	if (a->mode == LOAD_HOLD && n)
		figures_add(t, a, c, variant, n, n, false);
	if (rc == 0 && a->mode == LOAD_HOLD) {
		uint64_t end = clock_ns() + a->duration_us * 1000;
		while (!interrupt_came() && !clock_wait_until(end))
			;
		variant = "hold-sample";
		order = (struct client_order){.verb = CLIENT_REQUEST,
					      .count = 10 * (n < SAMPLE ? n : SAMPLE),
					      .active = n < SAMPLE ? n : SAMPLE,
					      .depth = 1,
					      .size = (unsigned)a->size};
	}
	bool talks = a->mode == LOAD_CONNECT || a->protocol != PROTOCOL_CONNECT;
	if (rc == 0 && talks) {
		rc = order_run(c, &order, show, e);
		if (client_sum(c).done)
			figures_add(t, a, c, variant, n, order.active < n ? order.active : n, true);
		else if (rc == 0)
			rc = no_reply(a, c, e);
	}
	if (show)
		progress_clear();
	return rc;
}

/* Returns 0, 1 if some operations failed or never started, or a negative errno. */
static int load_run(struct load_arguments *a, struct err *e)
{
	const struct task_context here = {0};
	static struct client client;
	static struct host_counters before, after;
	CLEAN(host_closep) struct host *host = NULL;
	CLEAN(free_pointer) struct bench_table *t = calloc(1, sizeof(*t));
	int rc = t ? host_open(&host, "/", e) : err_set(e, ENOMEM, "out of memory");
	if (rc < 0)
		return rc;
	interrupt_hold(INTERRUPT_ONCE);
	rc = host_counters(host, &before, e);
	if (rc == 0)
		rc = ports_check(a, host, t, e);
	if (rc == 0)
		rc = client_start(&client, &here, &a->client, e);
	if (rc == 0)
		rc = mode_run(&client, a, t, progress_usable(), e);
	/* Print what was measured even after a failure. */
	struct err other = {0};
	if (t->count && host_counters(host, &after, &other) == 0)
		notes_add(t, a, &client, &before, &after);
	if (t->count && rc == -EINTR)
		bench_note(t, "interrupted: these are the figures up to then");
	struct client_sum sum = client_sum(&client);
	bool failed = sum.failed || sum.starved || sum.missed || sum.errors;
	if (rc == 0 && failed && !strcmp(a->figures.format, "csv")) /* CSV has no notes */
		fprintf(stderr,
			"epolltune: load: %llu failed, %llu never started, %llu retries without a "
			"free port or descriptor, %llu replies were errors: %s\n",
			(unsigned long long)sum.failed, (unsigned long long)sum.missed,
			(unsigned long long)sum.starved, (unsigned long long)sum.errors,
			client_cause(&sum) ? client_failure(client_cause(&sum))
			: sum.errors       ? "the server answered so"
					   : "the server or this client is too slow");
	client_stop(&client);
	struct bench_page page = {.command = "load", .runs = 1, .wanted = 1, .table = t};
	page.host.isolation = ISOLATION_IN_PLACE;
	if (t->count && figures_write(&a->figures, &page, host, &other) < 0 && rc == 0) {
		rc = err_copy(e, &other);
	}
	return rc == 0 && failed ? 1 : rc;
}

static int load(void *arguments, const struct given *given)
{
	struct load_arguments *a = arguments;
	struct err e = {0};
	if (!a->client.processes)
		a->client.processes =
			cpus_count() < CLIENT_PROCESSES ? cpus_count() : CLIENT_PROCESSES;
	int rc = arguments_check(a, given, &e);
	if (rc == 0)
		rc = load_run(a, &e);
	return rc < 0 ? command_error(&e) : rc ? EXIT_WARNING : EXIT_OK;
}

const struct command load_command = {
	.name = "load",
	.arguments = "ADDRESS:PORT",
	.summary = "Load a server with connections and requests",
	.options = options,
	.defaults = &defaults,
	.size = sizeof(defaults),
	.run = load,
};
