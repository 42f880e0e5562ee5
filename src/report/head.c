#include "report/head.h"

#include <inttypes.h>
#include <string.h>

#include "epolltune/quantity.h"

static void machine(const struct page *p, const struct report *r, head_put put)
{
	struct page_segments s = {.hang = 2};
	char size[32];
	page_segment(p, &s, "epolltune " EPOLLTUNE_VERSION "%s%s", r->host.name[0] ? " on " : "",
		     r->host.name);
	if (r->host.kernel[0])
		page_segment(p, &s, "Linux %s", r->host.kernel);
	if (r->host.cpus)
		page_segment(p, &s, "%s", quantity_of(r->host.cpus, "CPU").text);
	if (r->host.memory_bytes)
		page_segment(
			p, &s, "%s",
			quantity_format(size, sizeof(size), QUANTITY_SIZE, r->host.memory_bytes));
	put(p, TONE_BOLD, 0, " · ", &s);
}

/* "Server: nginx (pid 812, 2 workers, nginx.service) on 0.0.0.0:443" */
static void server(const struct page *p, const struct report_server *s, head_put put)
{
	char who[200] = "a process that is not known,";
	if (!s->asked[0])
		return;
	if (s->name[0]) {
		report_text(who, "%s (pid %" PRId64, s->name, s->pid);
		if (s->processes > 1)
			report_append(who, ", %" PRIu64 " workers", s->processes);
		report_append(who, "%s%s)", s->unit[0] ? ", " : "", s->unit);
	}
	struct page_segments segments = {.hang = 2};
	page_segment(p, &segments, "Server: %s on %s%s", who, s->addresses,
		     s->run ? ", in a lab" : "");
	put(p, TONE_PLAIN, 0, "", &segments);
}

static void netns(const struct page *p, const char *enter, head_put put)
{
	struct page_segments segments = {.hang = 2};
	page_segment(p, &segments, "Network namespace: %s", strchr(enter, '/'));
	put(p, TONE_PLAIN, 0, "", &segments);
}

static void observed_numbers(const struct page *p, const struct report_observed *o, head_put put)
{
	struct page_segments s = {.hang = 2};
	page_segment(p, &s, "Observed for %s: up to %s",
		     quantity_measured(QUANTITY_DURATION, o->us).text,
		     quantity_of(o->connections, "connection").text);
	page_segment(p, &s, "%s new/s, %s/s in the busiest 100 ms%s",
		     quantity_show(QUANTITY_COUNT, o->rate_per_s).text,
		     quantity_show(QUANTITY_COUNT, o->peak_per_s).text,
		     o->others ? " (of all listeners of this network namespace)" : "");
	if (o->datagrams_per_s)
		page_segment(p, &s,
			     "%s datagrams/s, %s/s in the busiest 100 ms (of all UDP sockets of "
			     "this network namespace)",
			     quantity_show(QUANTITY_COUNT, o->datagrams_per_s).text,
			     quantity_show(QUANTITY_COUNT, o->datagrams_peak_per_s).text);
	if (o->stall_us)
		page_segment(p, &s, "accept stalls up to %s",
			     quantity_measured(QUANTITY_DURATION, o->stall_us).text);
	if (o->rtt_us.count)
		page_segment(p, &s, "RTT %s (median), %s (p95), %s (p99)",
			     quantity_measured(QUANTITY_DURATION, o->rtt_us.p50).text,
			     quantity_measured(QUANTITY_DURATION, o->rtt_us.p95).text,
			     quantity_measured(QUANTITY_DURATION, o->rtt_us.p99).text);
	if (o->bandwidth_bps.count)
		page_segment(p, &s, "%s per connection (p95 of %s that the path limited)",
			     quantity_measured(QUANTITY_BANDWIDTH, o->bandwidth_bps.p95).text,
			     quantity_of(o->bandwidth_bps.count, "sample").text);
	if (o->window_bytes)
		page_segment(p, &s, "%s in flight (p95)",
			     quantity_measured(QUANTITY_SIZE, o->window_bytes).text);
	put(p, TONE_PLAIN, 0, " · ", &s);
}

static void observed_dropped(const struct page *p, const struct report_observed *o, head_put put)
{
	struct page_segments s = {.hang = 4};
	if (!o->dropped)
		return;
	page_segment(
		p, &s,
		"The rate is a lower bound: the kernel dropped %s of new connections meanwhile "
		"(ListenDrops%s)",
		quantity_of(o->dropped, "packet").text,
		o->others ? ", of all listeners of this network namespace" : "");
	put(p, TONE_PLAIN, 2, "", &s);
}

/* The numbers of the target that keep their value, and why. */
static void observed_missing(const struct page *p, const struct report *r, head_put put)
{
	const struct report_observed *o = &r->observed;
	struct page_segments s = {.hang = 4};
	if (!o->stall_us)
		page_segment(p, &s, "Not observed: --stall (none in readings at most %s apart)",
			     quantity_measured(QUANTITY_DURATION, o->gap_us).text);
	if (!o->rtt_us.count)
		page_segment(p, &s, "%s--rtt (no connection was open)",
			     s.count ? "" : "Not observed: ");
	if (!o->bandwidth_bps.count)
		page_segment(p, &s, "%s--bandwidth (the application limits what is sent)",
			     s.count ? "" : "Not observed: ");
	if (o->udp && (o->udp_others || !o->datagrams_per_s))
		page_segment(p, &s, "%s--datagrams (%s)", s.count ? "" : "Not observed: ",
			     o->datagrams_per_s ? "other programs receive datagrams here, too"
						: "none came");
	/* The target names the role of one that is known to be a proxy. */
	if (!r->server.proxy)
		page_segment(p, &s,
			     "%s--role (proxy if it connects to other servers for its clients)",
			     s.count ? "" : "Not observed: ");
	if (s.count)
		put(p, TONE_PLAIN, 2, ", ", &s);
}

static void observed(const struct page *p, const struct report *r, head_put put)
{
	const struct report_observed *o = &r->observed;
	char arguments[256];
	struct page_segments s = {.hang = 2};
	if (!o->us)
		return;
	observed_numbers(p, o, put);
	observed_dropped(p, o, put);
	target_arguments(&o->target, arguments, sizeof(arguments));
	page_segment(p, &s, "As options:%s",
		     arguments[0] ? arguments : " none, it is the default target");
	put(p, TONE_PLAIN, 2, "", &s);
	observed_missing(p, r, put);
}

static void target(const struct page *p, const struct report *r, head_put put)
{
	const struct target *t = &r->target;
	struct page_segments s = {.hang = 2};
	char headroom[48] = "";
	if (r->observed.us)
		report_text(headroom, ", %g times the observed load",
			    (double)r->observed.headroom_percent / 100);
	char role[64] = "";
	if (t->role == TARGET_PROXY)
		report_text(role, " of a proxy");
	if (r->server.proxy)
		report_append(role, ", as %s is one", r->server.name);
	page_segment(p, &s, "Target%s%s: %s", role, headroom,
		     t->datagrams_only ? "datagrams only"
				       : quantity_of(t->connections, "connection").text);
	if (!t->datagrams_only)
		page_segment(p, &s, "%s new/s", quantity_show(QUANTITY_COUNT, t->rate_per_s).text);
	page_segment(p, &s, "accept stalls up to %s",
		     quantity_show(QUANTITY_DURATION, t->stall_us).text);
	page_segment(p, &s, "RTT %s", quantity_show(QUANTITY_DURATION, t->rtt_us).text);
	if (!t->datagrams_only)
		page_segment(p, &s, "%s per connection",
			     quantity_show(QUANTITY_BANDWIDTH, t->bandwidth_bps).text);
	if (t->datagrams_per_s)
		page_segment(p, &s, "%s/s of %s B",
			     quantity_of(t->datagrams_per_s, "datagram").text,
			     quantity_show(QUANTITY_COUNT, t->datagram_bytes).text);
	if (t->idle_us)
		page_segment(p, &s, "idle connections forgotten after %s",
			     quantity_show(QUANTITY_DURATION, t->idle_us).text);
	if (t->destinations > 1)
		page_segment(p, &s, "%s", quantity_of(t->destinations, "destination").text);
	put(p, TONE_PLAIN, 0, " · ", &s);
}

/* Adds "in a private lab (descriptors, ports)", or nothing if no probe ran there. */
static void isolation_add(const struct page *p, struct page_segments *s, const struct report *r,
			  enum report_isolation is, const char *where)
{
	char names[160] = "";
	for (size_t i = 0; i < r->probe_count; i++)
		if (r->ran[i].isolation == is)
			report_append(names, "%s%s", names[0] ? ", " : "", r->ran[i].name);
	if (names[0])
		page_segment(p, s, "%s%s (%s)", s->count ? "" : "Experiments: ", where, names);
}

static void isolation(const struct page *p, const struct report *r, head_put put)
{
	static const char *const briefly[] = {
		[ISOLATION_LAB] = "Experiments: in a private lab",
		[ISOLATION_IN_PLACE] = NULL,
		[ISOLATION_SYSROOT] = "Experiments: none (captured machine)",
		[ISOLATION_NONE] = "Experiments: none, settings only",
	};
	const char *brief = briefly[r->host.isolation];
	if (r->gentle && r->host.isolation == ISOLATION_LAB)
		brief = "Experiments: in a private lab, with --gentle";
	struct page_segments s = {0};
	bool ipv6 = r->host.family == 6;
	if (brief && !ipv6 && !(p->verbose && r->host.isolation == ISOLATION_LAB)) {
		page_segment(p, &s, "%s", brief);
		put(p, TONE_PLAIN, 0, "", &s);
		return;
	}
	s.hang = 2;
	isolation_add(p, &s, r, ISOLATION_LAB, "in a private lab");
	isolation_add(p, &s, r, ISOLATION_IN_PLACE, "in this namespace");
	isolation_add(p, &s, r, ISOLATION_NONE, "settings only");
	if (ipv6 && s.count)
		page_segment(p, &s, "over IPv6");
	if (r->gentle && s.count)
		page_segment(p, &s, "with --gentle");
	put(p, TONE_PLAIN, 0, " · ", &s);
}

void head_lines(const struct page *p, const struct report *r, head_put put)
{
	machine(p, r, put);
	server(p, &r->server, put);
	if (r->enter[0])
		netns(p, r->enter, put);
	observed(p, r, put);
	target(p, r, put);
	isolation(p, r, put);
}
