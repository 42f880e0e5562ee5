/* Reports with every kind of part, for the renderers' tests. */
#pragma once

#include "../support/findings.h"

#include <math.h>
#include <string.h>

static inline void sample_head(struct report *r)
{
	report_init(r);
	r->time = (struct timespec){1763757780, 0};
	report_text(r->host.name, "web-1");
	report_text(r->host.kernel, "6.18.44");
	r->host.cpus = 2;
	r->host.memory_bytes = UINT64_C(25232932864);
	r->host.isolation = ISOLATION_LAB;
}

static inline void sample_wall(struct report *r, const char *name, const char *unit,
			       enum wall_method method, int64_t limit, int64_t measured,
			       int64_t needed)
{
	struct wall *w = report_wall(r, name);
	report_text(w->unit, "%s", unit);
	w->method = method;
	w->limit = limit;
	w->measured = measured;
	w->needed = needed;
	w->verdict = report_verdict(method == METHOD_MEASURED ? measured : limit, needed);
}

static inline void sample_short(struct report *r)
{
	sample_head(r);
	r->target.rate_per_s = 50000;
	r->server = (struct report_server){.asked = "nginx",
					   .name = "nginx",
					   .unit = "nginx.service",
					   .pid = 812,
					   .processes = 2,
					   .addresses = "0.0.0.0:443, [::]:443"};
	sample_wall(r, "descriptors.process", "descriptors", METHOD_MEASURED, 20000, 19994, 10064);
	sample_wall(r, "descriptors.system", "descriptors", METHOD_INSPECTED, INT64_MAX,
		    REPORT_NONE, 10064);
	sample_wall(r, "accept-queue", "connections", METHOD_MEASURED, 4097, 4097, 5000);
	sample_wall(r, "syn-queue", "connections", METHOD_DERIVED, 2900, REPORT_NONE, 2500);
	sample_wall(r, "ports.ephemeral", "ports", METHOD_MEASURED, 28232, 28232, REPORT_NONE);
	sample_wall(r, "buffers.receive", "B/s", METHOD_MEASURED, REPORT_NONE, 226000000, 12500000);
	sample_wall(r, "buffers.memory", "B", METHOD_DERIVED, 1234567890, REPORT_NONE, 625000000);
	sample_wall(r, "napi.latency", "us", METHOD_MEASURED, REPORT_NONE, 22, REPORT_NONE);
	struct wall *ring = report_wall(r, "nic.ring");
	ring->verdict = VERDICT_NA;
	report_text(ring->detail, "No network card is up.");

	struct finding *f = finding_made(r, "accept-queue.short", LEVEL_CRITICAL, "");
	f->remedy = REMEDY_KERNEL;
	report_text(f->wall, "accept-queue");
	report_text(f->detail,
		    "While the server stalled for 100 ms, 5 000 clients arrived: 903 dropped, the "
		    "last client connected 1.04 s after the stall.");
	finding_propose(f, "net.core.somaxconn", "4096", "8192");
	finding_propose(f, "listen.backlog", "511", "8192");
	f->tried = TRIED_DONE;
	report_text(f->outcome, "0 dropped, the last client connected 102 ms after the stall");
	report_text(f->advice, "Takes effect at the next listen(): restart the server. "
			       "Costs nothing until used.");
	finding_evidence(f, "ListenOverflows", "SYNs", 903, 0);
	finding_evidence(f, "last client in", "ms", 1040.25, 102);
	struct curve_line now = {0}, then = {0};
	for (double clients = 0; clients <= 5000; clients += 500) {
		curve_point(&now, clients, clients < 4097 ? clients : 4097);
		curve_point(&then, clients, clients);
	}
	finding_curve(f, &(struct curve_axes){"Accept queue",
					      {"clients that have arrived", "clients"},
					      {"connections queued", "connections"}});
	finding_curve_line(f, "current", &now);
	finding_curve_line(f, "proposed", &then);

	f = finding_made(r, "syn-queue.tight", LEVEL_WARNING,
			 "Half-open connections fill 86 % of the SYN queue");
	finding_propose(f, "net.ipv4.tcp_rmem", "4096 131072 262144", "4096 131072 6291456");
	f->tried = TRIED_NOT;
	report_text(f->outcome, "--no-proof was given");
	finding_evidence(f, "TCPReqQFullDoCookies", "", 12, NAN);

	f = finding_made(r, "accept-queue.abort", LEVEL_NOTE, "tcp_abort_on_overflow is 1");
	report_text(f->detail, "Clients see a reset instead of a retry — 22 µs × 3 ≥ nothing.");
	finding_table(f, "closed first by");
	finding_column(f, "1 address", "1/s");
	finding_column(f, "8 addresses", "1/s");
	double *row = finding_row(f, "the client");
	row[0] = 14600;
	row[1] = 50712;
	finding_row(f, "the server")[0] = 51400;
	f = finding_made(r, "lab.refused", LEVEL_SKIPPED, "no delay wire: /dev/net/tun is missing");
	report_text(f->advice, "modprobe tun");

	report_counter(r, "TcpExt.ListenOverflows", 5729);
	report_counter(r, "sockstat.TCP.inuse", 12);
	*report_listener(r) = (struct report_listener){.kind = LISTENER_TCP,
						       .address = "0.0.0.0:443",
						       .depth = 512,
						       .limit = 511,
						       .drops = UINT32_MAX,
						       .half_open = 3,
						       .cookie = 4097,
						       .pid = 812,
						       .process = "nginx",
						       .unit = "nginx.service"};
	*report_listener(r) = (struct report_listener){
		.kind = LISTENER_UNIX, .address = "unix:/run/app.sock", .limit = 16, .cookie = 9};
}

static inline void sample_healthy(struct report *r)
{
	sample_head(r);
	sample_wall(r, "descriptors.process", "descriptors", METHOD_MEASURED, 20000, 19994, 10064);
	sample_wall(r, "accept-queue", "connections", METHOD_MEASURED, 4097, 4097, 1000);
}

/* Of a damaged capture: nothing could be read, and more was found than fits. */
static inline void sample_unknown(struct report *r)
{
	report_init(r);
	r->time = (struct timespec){0, 0};
	r->host.isolation = ISOLATION_SYSROOT;
	r->target.role = TARGET_PROXY;
	struct wall *w = report_wall(r, "accept-queue");
	report_text(w->unit, "connections");
	w->needed = 1000;
	report_text(w->detail, "proc/sys/net/core/somaxconn: holds \"many\", not a number.");
	sample_wall(r, "ports.ephemeral", "ports", METHOD_INSPECTED, 28232, REPORT_NONE, 10000);
	r->lost = 2;
}

static inline void sample_hostile(struct report *r)
{
	sample_head(r);
	report_text(r->host.name, "a\033]0;b\a\nc\xff\xc0\x80\xed\xa0\x80");
	memset(r->host.kernel, 'k', sizeof(r->host.kernel) - 1);
	sample_wall(r, "descriptors\033[31m", "x\xff", METHOD_MEASURED, INT64_MIN + 1, -5,
		    INT64_MAX);
	struct finding *f = finding_made(r, "a.b\xfe", LEVEL_CRITICAL, "\xc3");
	memset(f->detail, 'x', sizeof(f->detail) - 1);
	struct proposal *p = finding_propose(f, "", NULL, "\xf0\x9f\x98\x80");
	memset(p->knob, 'y', sizeof(p->knob) - 1);
	finding_evidence(f, "\x80", "\x81", INFINITY, -INFINITY);
	finding_evidence(f, "tiny", "", 1e-300, 1e300);
	struct report_listener *l = report_listener(r);
	memset(l->address, 0xff, sizeof(l->address) - 1);
	memset(l->process, 0xc3, sizeof(l->process) - 1);
}

/* A server that was observed; the operator accepts its short wall. */
static inline void sample_observed(struct report *r)
{
	sample_short(r);
	report_text(r->command, "epolltune check --server nginx --observe 30s");
	r->observed = (struct report_observed){.us = 30000000,
					       .connections = 812,
					       .opened = 7200,
					       .rate_per_s = 240,
					       .peak_per_s = 1300,
					       .gap_us = 9000,
					       .dropped = 470,
					       .others = true,
					       .udp = true,
					       .datagrams_per_s = 5200,
					       .datagrams_peak_per_s = 8100,
					       .sampled = 2048,
					       .rtt_us = {2048, 21000, 48200, 190000},
					       .target = {.role = TARGET_SERVER,
							  .connections = 812,
							  .rate_per_s = 240,
							  .stall_us = 100000,
							  .rtt_us = 48200,
							  .bandwidth_bps = 100000000,
							  .destinations = 1},
					       .headroom_percent = 200};
	for (size_t i = 0; i < r->finding_count; i++) {
		struct acceptance a = {.value = REPORT_NONE};
		report_text(a.id, "%s", r->findings[i].id);
		report_accept(r, &a);
	}
}
