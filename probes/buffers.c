/* Measures the throughput that the buffers of one connection allow, and the memory of all buffers.
 *
 * The share of a buffer that becomes window differs between kernels and paths. So bulk connections
 * run over a wire with the target's RTT, one in each direction, paced to 1.5 × the target's
 * bandwidth. The client has large buffers, so that only this host's can be the limit. A buffer is
 * the limit if it has grown to its maximum (SO_MEMINFO) while the sender waited for it (tcp_info).
 * Neither is so for a lack of CPU, which allows no verdict. */
#include "epolltune/probe.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/buffers.h"
#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/connection_memory.h"
#include "epolltune/flow.h"
#include "epolltune/knob_value.h"
#include "epolltune/order.h"
#include "epolltune/quantity.h"
#include "epolltune/statistics.h"
#include "epolltune/wire.h"

#define RMEM "net.ipv4.tcp_rmem"
#define WMEM "net.ipv4.tcp_wmem"
#define TCP_MEM "net.ipv4.tcp_mem"
#define SCALING_KNOB "net.ipv4.tcp_window_scaling"
#define MODERATE_KNOB "net.ipv4.tcp_moderate_rcvbuf"
#define SHARE_KNOB "net.ipv4.tcp_adv_win_scale"
/* The third field of tcp_rmem and tcp_wmem on the client. */
#define AMPLE "536870912"
/* Pace as a multiple of the target's bandwidth: ok starts at 1.25, and a flow stays a little below
 * its pace. */
#define PACE 1.5
/* In a proof ok starts at the margin with the spread. */
#define PROOF_PACE (PACE * (100 + BUFFER_SPREAD) / 100)
/* Two faster flows would fill the wire: they carry the same window over a longer RTT instead. */
#define SPEED_MAX_BPS 1600000000u
/* Up to this speed the wire carries four flows at a time. */
#define BESIDE_MAX_BPS 400000000u
#define RTT_MAX_US 1000000u
#define WINDOW_MAX (64u << 20)
#define ADDRESSES 64
/* Maximum number of further runs without a verdict. */
#define AGAIN 2
/* Share of the need from which on a connection at a pace may be too slow by that alone, and the
 * runs without one. */
#define NEAR 0.7
#define UNPACED 3
#define REQUEST_BYTES 512
/* Time for all runs. */
#define TIME_MS (PROBE_MS / 4 * 3)

/* Minimum share of the time that a sender waits for a buffer that is the limit: for one of its own
 * a quarter near the pace, up to nearly always; on a busy machine 0.04 for one that suffices. */
static const double waited_min[BUFFER_SIDES] = {[BUFFER_RECEIVE] = 0.05, [BUFFER_SEND] = 0.15};

enum { THROUGHPUT, BY_WINDOW, MAXIMUM, WINDOW, RWND, SNDBUF };

/* One bulk connection and its result. */
struct bulk {
	double Bps; /* over the target's RTT */
	enum buffer_side side;
	bool own;     /* the application sets the buffer itself, to the maximum */
	int fixed;    /* the server in question has set it: what it passes to setsockopt() */
	bool unpaced; /* at no pace but TCP's own */
	struct flow flow;
	struct flow_result result;
	double window; /* bytes in flight */
	double waited; /* share of the time that the sender waited for the side's buffer */
	bool behind;   /* the wire was the limit */
};

struct context {
	unsigned addresses; /* used so far */
	uint64_t until_ms;  /* all runs end before that time */
	bool ran;
	struct bulk bulk[2 * BUFFER_SIDES]; /* by side, autotuned first, then `own` */
};

/* The factor by which the wire's RTT exceeds the target's, at the same window. */
static uint64_t path_scale(const struct target *t)
{
	return (t->bandwidth_bps + SPEED_MAX_BPS - 1) / SPEED_MAX_BPS;
}

static uint64_t wire_rtt_us(const struct target *t)
{
	uint64_t rtt = t->rtt_us * path_scale(t);
	return rtt > RTT_MAX_US ? RTT_MAX_US : rtt;
}

static void buffers_shape(const struct target *t, struct lab_options *lab)
{
	lab->bandwidth_bps = 0;
	lab->rtt_us = wire_rtt_us(t);
}

static const char *buffers_refuses(const struct target *t)
{
	bool fits = t->rtt_us <= RTT_MAX_US / path_scale(t) && target_window(t) <= WINDOW_MAX;
	return fits ? NULL : "the wire carries windows of at most 64 MiB over at most 1 s";
}

static double needed_Bps(const struct target *t)
{
	uint64_t bytes = (t->bandwidth_bps + 7) / 8;
	return (double)bytes;
}

static uint64_t pace_Bps(const struct trial *t)
{
	double pace = t->proof ? PROOF_PACE : PACE;
	return (uint64_t)(pace * needed_Bps(t->target) / (double)path_scale(t->target));
}

static unsigned bulk_max_ms(const struct target *t)
{
	return (unsigned)(wire_rtt_us(t) / 1000 * 16 + 500);
}

static bool time_left(const struct trial *t)
{
	return clock_ms() + bulk_max_ms(t->target) <= t->context->until_ms;
}

static struct flow_config bulk_config(struct trial *t, const struct bulk *b)
{
	int asked = b->own ? INT_MAX : b->fixed;
	return (struct flow_config){
		.sender = b->side == BUFFER_RECEIVE ? LAB_CLIENT : LAB_SERVER,
		.address = t->context->addresses++ % ADDRESSES,
		.pace_Bps = b->unpaced ? 0 : pace_Bps(t),
		.receive_buffer = b->side == BUFFER_RECEIVE ? asked : 0,
		.send_buffer = b->side == BUFFER_SEND ? asked : 0,
		.rtt_us = wire_rtt_us(t->target),
		.max_ms = bulk_max_ms(t->target),
	};
}

static void bulk_judge(const struct trial *t, struct bulk *b)
{
	const struct flow_result *f = &b->result;
	double max = (double)pace_Bps(t) * (double)wire_rtt_us(t->target) / 1e6;
	b->window = flow_window(f, wire_rtt_us(t->target));
	if (b->window > max)
		b->window = max;
	b->Bps = b->window * 1e6 / (double)t->target->rtt_us;
	b->waited = b->side == BUFFER_RECEIVE ? f->receiver_share : f->sender_share;
}

/* A send buffer begins with the second field. Where that is above the third, the kernel shrinks it
 * to the third once the congestion window asks for more (tcp_sndbuf_expand()), seconds later: begin
 * there. */
static int send_buffer_shrink(struct trial *t, struct err *e)
{
	char value[KNOB_VALUE];
	int64_t field[3] = {0};
	int rc = lab_knob_get(t->lab, LAB_SERVER, WMEM, value, sizeof(value), e);
	for (size_t i = 0; i < 3 && !rc; i++)
		rc = knob_field(value, i, &field[i]);
	if (rc || field[1] <= field[2])
		return rc;
	snprintf(value, sizeof(value), "%lld %lld %lld", (long long)field[0], (long long)field[2],
		 (long long)field[2]);
	const struct trial_knob list[] = {{WMEM, value}, {0}};
	return trial_knobs(t, LAB_SERVER, list, e);
}

/* Runs connections at the same time. */
static int bulk_run(struct trial *t, struct bulk *bulk, size_t count, struct err *e)
{
	int rc = send_buffer_shrink(t, e);
	size_t mark = lab_mark(t->lab);
	const struct wire_stats *wire = lab_wire_look(t->lab);
	struct wire_way before[2] = {wire->way[0], wire->way[1]};
	for (size_t i = 0; i < count && !rc; i++) {
		struct flow_config config = bulk_config(t, &bulk[i]);
		rc = flow_start(&bulk[i].flow, t->lab, &config, e);
	}
	for (size_t i = 0; i < count && !rc; i++) {
		rc = flow_wait(&bulk[i].flow, &bulk[i].result, e);
		bulk_judge(t, &bulk[i]);
	}
	lab_wire_look(t->lab);
	bool behind = wire_limits(before, wire, wire_rtt_us(t->target));
	for (size_t i = 0; i < count; i++) {
		bulk[i].behind = behind;
		flow_stop(&bulk[i].flow);
	}
	lab_release(t->lab, mark);
	return rc;
}

static size_t bulk_at_once(const struct target *t, bool gentle)
{
	if (gentle)
		return 1;
	return t->bandwidth_bps <= BESIDE_MAX_BPS ? 2 * BUFFER_SIDES : BUFFER_SIDES;
}

/* Runs all four connections, at the same time if the wire carries them. */
static int bulk_run_all(struct trial *t, struct err *e)
{
	struct context *c = t->context;
	size_t at_once = bulk_at_once(t->target, t->options->gentle);
	for (size_t i = 0; i < 2 * BUFFER_SIDES; i++)
		c->bulk[i] = (struct bulk){.side = i % BUFFER_SIDES, .own = i >= BUFFER_SIDES};
	c->ran = true;
	trial_progress(t, "bulk connections in both directions");
	int rc = 0;
	for (size_t i = 0; i < 2 * BUFFER_SIDES && !rc; i += at_once)
		rc = bulk_run(t, c->bulk + i, at_once, e);
	return rc;
}

static void receive_read(const struct host *h, struct settings *s)
{
	buffer_fixed_read(h, BUFFER_RECEIVE, s);
}

static void send_read(const struct host *h, struct settings *s)
{
	buffer_fixed_read(h, BUFFER_SEND, s);
}

static void receive_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	window_bound(BUFFER_RECEIVE, t, s, b);
}

static void send_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	window_bound(BUFFER_SEND, t, s, b);
}

static bool side_scale(const struct target *t, const struct settings *now, struct settings *s,
		       unsigned percent)
{
	return window_scale(wire_rtt_us(t), now, s, percent);
}

static void side_words(const struct target *t, const struct settings *s, const struct outcome *o,
		       const struct bound *b, struct wording *w)
{
	wording_flag(w, "switch", !window_by_buffer(s));
	wording_flag(w, "fixed", window_limit(s) == BUFFER_FIXED);
	wording_set(w, "who", "%s", s->subject ? s->subject->name : "");
	wording_set(w, "buffer", "%s",
		    quantity_show(QUANTITY_SIZE, (uint64_t)window_buffer(s)).text);
	wording_set(w, "measured", "%s", o ? "yes" : "");
	if (window_share(s) > 0)
		wording_set(w, "share", "%g %%", window_share(s) * 100);
	wording_flag(w, "inverted", s->at[BUFFER_TRIPLE][1] > s->at[BUFFER_TRIPLE][2]);
	wording_set(w, "impossible", "%s", window_possible(t) ? "" : "yes");
}

/* Whether the buffer, or the switch that keeps the window small, limited the connection. */
static bool bulk_bound(const struct settings *s, const struct bulk *b)
{
	const struct flow_result *f = &b->result;
	uint32_t grown = b->side == BUFFER_RECEIVE ? f->receive_buffer : f->send_buffer;
	if (!window_by_buffer(s))
		return f->settled && f->receiver_share >= waited_min[BUFFER_RECEIVE];
	return f->settled && b->waited >= waited_min[b->side] && grown >= window_buffer(s);
}

/* Whether the buffer that the application sets itself limited the connection. */
static bool own_bound(const struct bulk *own)
{
	const struct flow_result *f = &own->result;
	return !own->behind && !f->paced && f->settled && own->waited >= waited_min[own->side];
}

/* Whether it carried what the target needs with the margin, in a proof with the spread as well. */
static bool bulk_carried(const struct trial *t, const struct bulk *b)
{
	double asked = needed_Bps(t->target) * (t->proof ? 100 + BUFFER_SPREAD : 100) / 100;
	return report_verdict((int64_t)b->Bps, (int64_t)asked) == VERDICT_OK;
}

/* Why the connection allows no verdict; NULL: it does. Other limits only make it slower, so a fast
 * connection allows one, but a busy machine proves no proposal. */
static const char *bulk_doubt(const struct trial *t, const struct settings *s, const struct bulk *b)
{
	if (bulk_carried(t, b) && !(t->proof && b->behind))
		return NULL;
	if (b->behind)
		return "the wire was the limit: this machine was too busy";
	if (!b->result.settled)
		return "its throughput did not settle";
	if (!bulk_bound(s, b))
		return "something other than the buffer was the limit: a busy machine or "
		       "congestion control";
	return NULL;
}

/* "9.4 MB/s"; if the wire's RTT differs, also the throughput over that. */
static const char *carried(const struct target *t, double Bps, char text[160])
{
	double wire_Bps = Bps * (double)t->rtt_us / (double)wire_rtt_us(t);
	if (path_scale(t) == 1)
		snprintf(text, 160, "%s", quantity_speed(Bps).text);
	else
		snprintf(text, 160, "%s over %s, a window that allows %s over %s",
			 quantity_speed(wire_Bps).text,
			 quantity_show(QUANTITY_DURATION, wire_rtt_us(t)).text,
			 quantity_speed(Bps).text,
			 quantity_show(QUANTITY_DURATION, t->rtt_us).text);
	return text;
}

static const struct side_names {
	const char *option, *maximum, *id;
} names[BUFFER_SIDES] = {
	[BUFFER_RECEIVE] = {"SO_RCVBUF", "net.core.rmem_max", "buffers.receive.application"},
	[BUFFER_SEND] = {"SO_SNDBUF", "net.core.wmem_max", "buffers.send.application"},
};

static void remark_add(struct outcome *out, const char *sentence)
{
	report_append(out->remark, "%s%s", out->remark[0] ? " " : "", sentence);
}

static void side_remark(const struct trial *t, const struct bulk *b, struct outcome *out)
{
	const struct bulk *own = &t->context->bulk[BUFFER_SIDES + b->side];
	char text[200], wire[160];
	if (path_scale(t->target) > 1) {
		snprintf(text, sizeof(text), "The wire carried %s.",
			 carried(t->target, b->Bps, wire));
		remark_add(out, text);
	}
	if (b->result.paced)
		remark_add(out, "The buffer is not the limit up to that rate.");
	else if (!out->limit_met)
		remark_add(out, "Something other than the buffer is the limit.");
	if (!own->result.paced && !own_bound(own))
		return;
	snprintf(text, sizeof(text), "An application that sets %s itself reaches at %s %s.",
		 names[b->side].option, own->result.paced ? "least" : "most",
		 quantity_speed(own->Bps).text);
	remark_add(out, text);
}

/* A slow process and a small buffer look alike: with --gentle a connection that is too slow counts
 * only where the settings allow no more. */
static const char *gentle_doubt(const struct trial *t, const struct bulk *b)
{
	if (!t->options->gentle || t->bound->capacity < (int64_t)needed_Bps(t->target) ||
	    bulk_carried(t, b))
		return NULL;
	return "with --gentle the machine may have been the limit";
}

static void side_outcome(const struct trial *t, const struct settings *s, const struct bulk *b,
			 struct outcome *out)
{
	const char *doubt = bulk_doubt(t, s, b);
	bool direct = path_scale(t->target) == 1;
	bool by_sender = b->side == BUFFER_SEND && window_by_buffer(s);
	if (!doubt)
		doubt = gentle_doubt(t, b);
	if (doubt) {
		out->state = OUTCOME_INCONCLUSIVE;
		report_text(out->why, "one connection carried %s, but %s",
			    quantity_speed(b->Bps).text, doubt);
		return;
	}
	out->reached = (int64_t)b->Bps;
	out->limit_met = bulk_bound(s, b);
	out->measured = direct;
	out->derived = !direct;
	out->metric[direct ? THROUGHPUT : BY_WINDOW] = b->Bps;
	out->metric[WINDOW] = b->window;
	if (window_by_buffer(s))
		out->metric[MAXIMUM] = (double)window_buffer(s);
	if (t->proof || !by_sender)
		out->metric[RWND] = 100 * b->result.receiver_share;
	if (t->proof || by_sender)
		out->metric[SNDBUF] = 100 * b->result.sender_share;
	for (size_t i = 0; i < b->result.course_count && direct; i++)
		curve_point(&out->course, (double)b->result.course[i].us,
			    (double)b->result.course[i].Bps);
	side_remark(t, b, out);
}

/* Whether the pace may have made it too slow: the slower the pace, the smaller the packets
 * (tcp_tso_autosize()), and the more of the send buffer their headers take. No server has that
 * pace; a proof keeps it, as a reserve. */
static bool bulk_slowed(const struct trial *t, const struct settings *s, const struct bulk *b)
{
	return b->side == BUFFER_SEND && !t->proof && !bulk_carried(t, b) &&
	       b->Bps >= NEAR * needed_Bps(t->target) && !bulk_doubt(t, s, b);
}

/* The median, of two the lower one. Sorts them. */
static const struct bulk *bulk_median(struct bulk *all, size_t count)
{
	qsort(all, count, sizeof(*all), double_compare);
	return &all[(count - 1) / 2];
}

/* Repeats a connection that the pace may have made too slow at TCP's own: the median counts. */
static int bulk_unpaced(struct trial *t, const struct settings *s, struct bulk *b, struct err *e)
{
	struct bulk all[UNPACED];
	size_t count = 0;
	int rc = 0;
	if (!bulk_slowed(t, s, b))
		return 0;
	for (size_t i = 0; !rc && i < UNPACED && time_left(t); i++) {
		all[count] = (struct bulk){.side = b->side, .fixed = b->fixed, .unpaced = true};
		rc = bulk_run(t, &all[count], 1, e);
		count += !rc && !bulk_doubt(t, s, &all[count]);
	}
	if (!rc && count)
		*b = *bulk_median(all, count);
	return rc;
}

static int side_run(enum buffer_side side, struct trial *t, const struct settings *s,
		    struct outcome *out, struct err *e)
{
	struct context *c = t->context;
	struct bulk b = {.side = side};
	const char *unknown = window_doubt(side, t->target, s);
	int rc = 0;
	if (unknown) {
		outcome_inconclusive(out, "%s is not known", unknown);
		return 0;
	}
	if (t->proof && !time_left(t))
		return err_set(e, ETIME, "no time is left: over this RTT a connection takes %u s",
			       bulk_max_ms(t->target) / 1000);
	if (t->proof && t->options->gentle && pace_Bps(t) > GENTLE_BYTES_PER_S)
		return err_set(e, ENOTSUP, "%s", GENTLE_REFUSES);
	if (t->proof)
		rc = bulk_run(t, &b, 1, e);
	else if (!c->ran)
		rc = bulk_run_all(t, e);
	if (!t->proof)
		b = c->bulk[side];
	if (!rc && window_limit(s) == BUFFER_FIXED) {
		b = (struct bulk){.side = side, .fixed = (int)(window_buffer(s) / 2)};
		rc = bulk_run(t, &b, 1, e);
	}
	/* The disturbance may have ended. */
	for (unsigned again = 0; !rc && again < AGAIN; again++)
		if (bulk_doubt(t, s, &b) && time_left(t))
			rc = bulk_run(t, &b, 1, e);
	if (!rc)
		rc = bulk_unpaced(t, s, &b, e);
	if (!rc)
		side_outcome(t, s, &b, out);
	return rc;
}

static int receive_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	return side_run(BUFFER_RECEIVE, t, s, out, e);
}

static int send_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	return side_run(BUFFER_SEND, t, s, out, e);
}

static void side_describe(const struct trial *t, const struct outcome *o, char *text, size_t size)
{
	char got[160];
	carried(t->target, (double)o->reached, got);
	if (t->proof) {
		snprintf(text, size, "%s%s", o->limit_met ? "" : "at least ", got);
		return;
	}
	struct quantity_shown window = quantity_show(QUANTITY_SIZE, (uint64_t)o->metric[WINDOW]);
	int used = snprintf(text, size, "%s are needed over %s; one connection carried %s: ",
			    quantity_speed(needed_Bps(t->target)).text,
			    quantity_show(QUANTITY_DURATION, t->target->rtt_us).text, got);
	if (isnan(o->metric[MAXIMUM]))
		snprintf(text + used, size - (size_t)used, "the window was %s.", window.text);
	else
		snprintf(text + used, size - (size_t)used,
			 "the buffer had grown to its maximum of %s, %s were in flight, and the "
			 "sender waited for it %.0f %% of the time.",
			 quantity_show(QUANTITY_SIZE, (uint64_t)o->metric[MAXIMUM]).text,
			 window.text,
			 isnan(o->metric[SNDBUF]) ? o->metric[RWND] : o->metric[SNDBUF]);
}

static struct cost side_cost(const struct target *t, const struct settings *s,
			     const struct bound *b)
{
	double pace = PACE * needed_Bps(t), at_once = (double)bulk_at_once(t, false);
	return (struct cost){
		.bytes_per_s = (uint64_t)(pace / (double)path_scale(t)),
		.flow_bytes = (uint64_t)(at_once * pace * (double)t->rtt_us / 1e6),
	};
}

/* Measures the buffer memory of a connection with a waiting request. */
static int memory_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	size_t mark = lab_mark(t->lab);
	struct flow flow = {0};
	struct flow_result result = {0};
	struct flow_config config = {.sender = LAB_CLIENT,
				     .address = t->context->addresses++ % ADDRESSES,
				     .rtt_us = wire_rtt_us(t->target),
				     .idle_bytes = REQUEST_BYTES};
	int rc = flow_start(&flow, t->lab, &config, e);
	if (!rc)
		rc = flow_wait(&flow, &result, e);
	flow_stop(&flow);
	lab_release(t->lab, mark);
	s->taken.request_bytes = result.receive_held;
	s->taken.measured = result.receive_held;
	return rc;
}

/* The members that both sides share. */
#define SIDE                                                                                       \
	.spread = BUFFER_SPREAD, .cost = side_cost, .solve = window_solve, .scale = side_scale,    \
	.words = side_words, .describe = side_describe,                                            \
	.metrics =                                                                                 \
		{                                                                                  \
			[THROUGHPUT] = {"throughput", "B/s"},                                      \
			[BY_WINDOW] = {"throughput by the window", "B/s"},                         \
			[MAXIMUM] = {"maximum buffer", "B"},                                       \
			[WINDOW] = {"window in flight", "B"},                                      \
			[RWND] = {"rwnd_limited", "% of the time"},                                \
			[SNDBUF] = {"sndbuf_limited", "% of the time"},                            \
	},                                                                                         \
	.course = {"One bulk connection", {"time", "us"}, {"throughput", "B/s"}}

static const struct experiment experiments[] = {
	{
		.wall = "buffers.memory",
		.knobs = {TCP_MEM},
		.read = connection_open_read,
		.bound = tcp_memory_bound,
		.solve = tcp_memory_solve,
		.words = tcp_memory_words,
		.run = memory_run,
	},
	{
		.wall = "buffers.receive",
		.knobs = {RMEM, SCALING_KNOB, "SO_RCVBUF", MODERATE_KNOB, SHARE_KNOB},
		SIDE,
		.read = receive_read,
		.bound = receive_bound,
		.run = receive_run,
	},
	{
		.wall = "buffers.send",
		.knobs = {WMEM, SCALING_KNOB, "SO_SNDBUF"},
		SIDE,
		.read = send_read,
		.bound = send_bound,
		.run = send_run,
	},
	{0},
};

/* Sets large buffers on the client, which has this host's values, so that they are not the limit.
 * Newer kernels refuse less than a page in the first field of tcp_rmem. */
static int buffers_prepare(struct trial *t, struct err *e)
{
	static const struct {
		const char *knob, *value;
	} ample[] = {{RMEM, "65536 131072 " AMPLE},
		     {WMEM, "4096 16384 " AMPLE},
		     {SCALING_KNOB, "1"},
		     {MODERATE_KNOB, "1"}};
	int rc = 0;
	for (size_t i = 0; i < sizeof(ample) / sizeof(*ample) && !rc; i++)
		rc = lab_knob_set(t->lab, LAB_CLIENT, ample[i].knob, ample[i].value, e);
	t->context->until_ms = clock_ms() + TIME_MS;
	return rc;
}

static void application_note(const struct trial *t, const struct bulk *own, struct report *r)
{
	const struct side_names *n = &names[own->side];
	const struct flow_result *f = &own->result;
	struct wording words = {0};
	struct err unread;
	char maximum[KNOB_VALUE] = "";
	if (!own_bound(own) || own->Bps >= needed_Bps(t->target))
		return;
	wording_set(&words, "knob", "%s", n->maximum);
	wording_set(&words, "carried", "%s", quantity_speed(own->Bps).text);
	wording_set(&words, "needed", "%s", quantity_speed(needed_Bps(t->target)).text);
	wording_set(&words, "granted", "%s",
		    quantity_show(QUANTITY_SIZE,
				  own->side == BUFFER_RECEIVE ? f->receive_buffer : f->send_buffer)
			    .text);
	if (knob_read(knob_find(n->maximum), t->host, maximum, &unread))
		maximum[0] = 0;
	finding_propose(report_finding(r, n->id, &words), n->maximum, maximum, "");
}

static int buffers_measure(struct trial *t, struct report *r, struct err *e)
{
	for (size_t i = BUFFER_SIDES; i < 2 * BUFFER_SIDES; i++)
		application_note(t, &t->context->bulk[i], r);
	return 0;
}

const struct probe probe_buffers = {
	.name = "buffers",
	.summary = "bulk connections over the target's RTT: what limits their window, and where",
	.place = PROBE_LAB,
	.lab = {.wire = LAB_WIRE_DELAY, .client_addresses = ADDRESSES, .wide_ports = true},
	.shape = buffers_shape,
	.refuses = buffers_refuses,
	.context_size = sizeof(struct context),
	.prepare = buffers_prepare,
	.experiments = experiments,
	.measure = buffers_measure,
};
