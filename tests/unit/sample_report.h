/* Reports with every kind of part, for the renderers' tests. */
#ifndef EPOLLTUNE_TESTS_SAMPLE_REPORT_H
#define EPOLLTUNE_TESTS_SAMPLE_REPORT_H

#include "epolltune/report.h"

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
	sample_wall(r, "descriptors.process", "descriptors", METHOD_MEASURED, 20000, 19994, 10064);
	sample_wall(r, "descriptors.system", "descriptors", METHOD_INSPECTED, INT64_MAX,
		    REPORT_NONE, 10064);
	sample_wall(r, "accept-queue", "connections", METHOD_MEASURED, 4097, 4097, 5000);
	sample_wall(r, "syn-queue", "connections", METHOD_DERIVED, 2900, REPORT_NONE, 2500);
	sample_wall(r, "ports.ephemeral", "ports", METHOD_MEASURED, 28232, 28232, REPORT_NONE);
	sample_wall(r, "buffers.receive", "B/s", METHOD_MEASURED, REPORT_NONE, 226000000, 12500000);
	sample_wall(r, "buffers.memory", "B", METHOD_DERIVED, 1234567890, REPORT_NONE, 625000000);
	sample_wall(r, "napi.latency", "us", METHOD_MEASURED, REPORT_NONE, 22, REPORT_NONE);
	report_text(report_wall(r, "nic.ring")->detail, "No interface but veth and loopback here.");

	struct finding *f = report_finding(r, "accept-queue.short", LEVEL_CRITICAL, "%s", "");
	f->remedy = REMEDY_KERNEL;
	report_text(f->wall, "accept-queue");
	report_text(f->detail,
		    "While the server paused for 100 ms, 5 000 clients arrived: 903 were dropped "
		    "and the last one got in after 1.04 s (its SYN was retransmitted).");
	report_text(f->knob, "net.core.somaxconn");
	report_text(f->current, "4096");
	report_text(f->proposed, "8192");
	report_text(f->tried, "0 dropped, the last one in after 102 ms");
	report_text(f->advice, "Takes effect at the next listen(): restart or reload the server. "
			       "Costs nothing until used.");
	finding_evidence(f, "ListenOverflows", "SYNs", 903, 0);
	finding_evidence(f, "last client in", "ms", 1040.25, 102);

	f = report_finding(r, "syn-queue.tight", LEVEL_WARNING,
			   "Half-open connections fill 86 %% of the SYN queue");
	report_text(f->knob, "net.ipv4.tcp_rmem");
	report_text(f->current, "4096 131072 262144");
	report_text(f->proposed, "4096 131072 6291456");
	finding_evidence(f, "TCPReqQFullDoCookies", "", 12, NAN);

	f = report_finding(r, "accept-queue.abort", LEVEL_NOTE, "tcp_abort_on_overflow is 1");
	report_text(f->detail, "Clients see a reset instead of a retry — 22 µs × 3 ≥ nothing.");
	f = report_finding(r, "lab.refused", LEVEL_SKIPPED,
			   "no delay wire: /dev/net/tun is missing");
	report_text(f->advice, "modprobe tun");
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
	struct finding *f = report_finding(r, "a.b\xfe", LEVEL_CRITICAL, "%s", "\xc3");
	memset(f->detail, 'x', sizeof(f->detail) - 1);
	memset(f->knob, 'y', sizeof(f->knob) - 1);
	report_text(f->proposed, "\xf0\x9f\x98\x80");
	finding_evidence(f, "\x80", "\x81", INFINITY, -INFINITY);
	finding_evidence(f, "tiny", "", 1e-300, 1e300);
}

#endif
