/* The buffers of one connection, and of all together.
 *
 * How much of a buffer becomes window differs between kernels and paths, so bulk connections run
 * over a wire of the target's round trip, one in each direction, paced to half as much again as the
 * target's bandwidth. The client's own buffers are made ample, so that only this host's can bind.
 * A buffer binds when it has grown to its knob's bound (SO_MEMINFO) while the sender waited for it
 * (tcp_info); a lack of CPU looks different, and is no verdict.
 *
 * The window is what counts: throughput × round trip, both as the sender saw them. */
#include "epolltune/probe.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "epolltune/flow.h"
#include "epolltune/knob.h"
#include "epolltune/quantity.h"
#include "epolltune/wire.h"

#define RMEM "net.ipv4.tcp_rmem"
#define WMEM "net.ipv4.tcp_wmem"
#define TCP_MEM "net.ipv4.tcp_mem"
#define MEMORY_WALL "buffers.memory"
#define MODERATE "net.ipv4.tcp_moderate_rcvbuf"
#define SCALING "net.ipv4.tcp_window_scaling"
/* The client's, so that its end never binds. */
#define AMPLE 536870912
/* Enough for the verdict ok, which begins at 1.25, and for a pace that is not quite reached. */
#define PACE 1.5
/* Beyond that two flows would fill the wire: then the same window over a longer round trip. */
#define SPEED_MAX_BPS 1600000000u
/* Up to here the flows for applications with buffers of their own run beside the others. */
#define BESIDE_MAX_BPS 400000000u
#define RTT_MAX_US 1000000u
#define WINDOW_MAX (64u << 20)
/* Share of the time that a sender waits for a buffer which binds. */
#define WAITED 0.05
#define ADDRESSES 64
#define TRIES 4
/* How often a connection without a verdict is tried again. */
#define AGAIN 2
/* Beyond that round trip a proof at half the value would take too long. */
#define HALF_RTT_US 100000u
/* Two segments of 64 KiB. */
#define OVERSHOT (128 << 10)
#define REQUEST_BYTES 512
#define UNSCALED 65535
/* All connections together; check ends a probe after 60 s. */
#define COURSE_MS 45000

enum side { RECEIVE, SEND, SIDES };

static const struct side_names {
	const char *wall, *knob, *option, *cap, *who, *waited, *id_short, *id_tight,
		*id_application;
} names[SIDES] = {
	[RECEIVE] = {"buffers.receive", RMEM, "SO_RCVBUF", "net.core.rmem_max", "receive",
		     "rwnd_limited", "buffers.receive.short", "buffers.receive.tight",
		     "buffers.receive.application"},
	[SEND] = {"buffers.send", WMEM, "SO_SNDBUF", "net.core.wmem_max", "send", "sndbuf_limited",
		  "buffers.send.short", "buffers.send.tight", "buffers.send.application"},
};

/* How the target's path is carried: the same window over a round trip `scale` times as long. */
static uint64_t path_scale(const struct target *t)
{
	return (t->bandwidth_bps + SPEED_MAX_BPS - 1) / SPEED_MAX_BPS;
}

static void buffers_shape(const struct target *t, struct lab_options *lab)
{
	uint64_t rtt = t->rtt_us * path_scale(t);
	lab->bandwidth_bps = 0;
	lab->rtt_us = rtt > RTT_MAX_US ? RTT_MAX_US : rtt;
}

static bool path_fits(const struct target *t)
{
	return t->rtt_us <= RTT_MAX_US / path_scale(t) && target_window(t) <= WINDOW_MAX;
}

static uint64_t needed_Bps(const struct target *t) { return (t->bandwidth_bps + 7) / 8; }

/* A triple's third field; REPORT_NONE when it is not to be read. */
static int64_t knob_third(const struct host *h, const char *name, char value[KNOB_VALUE])
{
	struct err ignored = {0};
	int64_t third = REPORT_NONE;
	const struct knob *k = knob_find(name);
	value[0] = 0;
	if (k && !knob_read(k, h, value, &ignored))
		knob_field(value, 2, &third);
	return third;
}

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

static void triple_with_third(char out[KNOB_VALUE], const char *value, uint64_t third)
{
	int64_t first = 4096, second = 4096;
	knob_field(value, 0, &first);
	knob_field(value, 1, &second);
	if (third < (uint64_t)second)
		third = (uint64_t)second;
	snprintf(out, KNOB_VALUE, "%" PRId64 " %" PRId64 " %" PRIu64, first, second, third);
}

static const char *speed(char buf[32], double Bps)
{
	const char *unit = Bps < 1e6 ? "kB/s" : Bps < 1e9 ? "MB/s" : "GB/s";
	double value = Bps / (Bps < 1e6 ? 1e3 : Bps < 1e9 ? 1e6 : 1e9);
	snprintf(buf, 32, "%.3g %s", value, unit);
	return buf;
}

/* One side's connection and what it says. */
struct trial {
	struct flow_result flow;
	double Bps;    /* at the target's round trip */
	double window; /* bytes in flight */
	bool behind;   /* the wire set the pace */
};

struct lane {
	enum side side;
	bool own; /* the application sets the buffer itself, as large as it may */
	struct trial trial;
	struct flow flow;
};

struct course {
	struct probe_run *run;
	struct lab *lab;
	uint64_t rtt_us, pace_Bps; /* of the wire, which carries the target's window */
	unsigned addresses;        /* used so far */
	uint64_t until_ms;         /* nothing is begun that would end later */
};

static uint64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The longest that a connection takes. */
static unsigned course_most_ms(const struct course *c)
{
	return (unsigned)(c->rtt_us / 1000 * 16 + 500);
}

static bool course_has_time(const struct course *c)
{
	return now_ms() + course_most_ms(c) <= c->until_ms;
}

static struct flow_config lane_config(struct course *c, const struct lane *lane)
{
	struct flow_config config = {
		.sender = lane->side == RECEIVE ? LAB_CLIENT : LAB_SERVER,
		.address = c->addresses++ % ADDRESSES,
		.pace_Bps = c->pace_Bps,
		.rtt_us = c->rtt_us,
		.most_ms = course_most_ms(c),
	};
	if (lane->own && lane->side == RECEIVE)
		config.receive_buffer = INT_MAX;
	if (lane->own && lane->side == SEND)
		config.send_buffer = INT_MAX;
	return config;
}

static void trial_judge(const struct course *c, struct trial *t)
{
	const struct flow_result *f = &t->flow;
	double target_rtt = (double)c->run->target->rtt_us;
	/* By the round trip that the sender saw: a busy machine makes it longer, but no window
	 * less. */
	double rtt = f->paced ? (double)c->rtt_us : (double)f->rtt_us;
	double most = (double)c->pace_Bps * (double)c->rtt_us / 1e6;
	t->window = (double)f->Bps * rtt / 1e6;
	if (t->window > most)
		t->window = most;
	t->Bps = t->window * 1e6 / target_rtt;
}

/* Runs connections side by side. */
static int course_run(struct course *c, struct lane *lanes, size_t count, struct err *e)
{
	size_t mark = lab_mark(c->lab);
	const struct wire_stats *wire = lab_wire_look(c->lab);
	struct wire_way before[2] = {wire->way[0], wire->way[1]};
	int rc = 0;
	for (size_t i = 0; i < count && !rc; i++) {
		struct flow_config config = lane_config(c, &lanes[i]);
		rc = flow_start(&lanes[i].flow, c->lab, &config, e);
	}
	for (size_t i = 0; i < count && !rc; i++) {
		rc = flow_wait(&lanes[i].flow, &lanes[i].trial.flow, e);
		trial_judge(c, &lanes[i].trial);
	}
	lab_wire_look(c->lab);
	bool behind = wire->ended;
	for (size_t i = 0; i < 2; i++)
		behind |= wire_behind(&before[i], &wire->way[i], c->rtt_us);
	for (size_t i = 0; i < count; i++) {
		lanes[i].trial.behind = behind;
		flow_stop(&lanes[i].flow);
	}
	lab_release(c->lab, mark);
	return rc;
}

/* The client's end must not bind, whatever it was given of this host. */
static int client_widen(struct lab *lab, struct err *e)
{
	static const char *const knobs[] = {RMEM, WMEM, SCALING, MODERATE};
	for (size_t i = 0; i < sizeof(knobs) / sizeof(*knobs); i++) {
		char value[KNOB_VALUE], wide[KNOB_VALUE] = "1";
		int rc = lab_knob_get(lab, LAB_CLIENT, knobs[i], value, sizeof(value), e);
		if (i < 2)
			triple_with_third(wide, value, AMPLE);
		if (!rc)
			rc = lab_knob_set(lab, LAB_CLIENT, knobs[i], wide, e);
		if (rc)
			return rc;
	}
	return 0;
}

static struct course course_make(struct probe_run *run, struct lab *lab)
{
	uint64_t scale = path_scale(run->target);
	return (struct course){
		.run = run,
		.lab = lab,
		.rtt_us = run->target->rtt_us * scale,
		.pace_Bps = (uint64_t)(PACE * (double)needed_Bps(run->target) / (double)scale),
		.until_ms = now_ms() + COURSE_MS,
	};
}

/* The knob that stands behind a side's wall, and the value that is to be tried instead. */
struct cause {
	const char *knob;
	bool searched; /* the value is the third field of a triple, to be found */
	char current[KNOB_VALUE];
	int64_t third; /* of the triple, whatever the knob */
	int64_t bound; /* of what can be in flight, in bytes */
};

static void cause_find(const struct probe_run *run, enum side side, const struct trial *t,
		       struct cause *cause)
{
	*cause = (struct cause){.knob = names[side].knob, .searched = true};
	cause->third = knob_third(run->host, cause->knob, cause->current);
	/* A send buffer may be overshot by what was begun. */
	cause->bound = cause->third + (side == SEND ? OVERSHOT : 0);
	if (!knob_number(run->host, SCALING, 1) && (!t || t->flow.window <= UNSCALED)) {
		cause->knob = SCALING;
		cause->bound = UNSCALED;
	} else if (side == RECEIVE && !knob_number(run->host, MODERATE, 1)) {
		cause->knob = MODERATE;
		knob_field(cause->current, 1, &cause->bound);
	} else {
		return;
	}
	cause->searched = false;
	report_text(cause->current, "0");
}

/* Whether the buffer is what ended this connection's throughput. */
static bool trial_bound(enum side side, const struct cause *cause, const struct trial *t)
{
	const struct flow_result *f = &t->flow;
	double waited = side == RECEIVE || !cause->searched ? f->receiver_share : f->sender_share;
	uint32_t grown = side == RECEIVE ? f->receive_buffer : f->send_buffer;
	return f->settled && waited >= WAITED && (!cause->searched || grown >= cause->third);
}

static enum wall_verdict trial_verdict(const struct probe_run *run, enum side side,
				       const struct cause *cause, const struct trial *t)
{
	enum wall_verdict v = report_verdict((int64_t)t->Bps, (int64_t)needed_Bps(run->target));
	/* Whatever else was slow made it less, never more. */
	if (v == VERDICT_OK)
		return v;
	if (t->behind || cause->third == REPORT_NONE || !trial_bound(side, cause, t))
		return VERDICT_UNKNOWN;
	return v;
}

static uint64_t rounded_up(uint64_t bytes)
{
	uint64_t step = 65536;
	while (step * 16 < bytes)
		step *= 2;
	return (bytes + step - 1) / step * step;
}

/* What the window that was measured says of the buffer that is needed. */
static uint64_t cause_estimate(const struct probe_run *run, const struct cause *cause,
			       const struct trial *t)
{
	double ratio = t && cause->third > 0 ? t->window / (double)cause->third : 0.5;
	if (!(ratio > 0.1))
		ratio = 0.1;
	uint64_t third =
		rounded_up((uint64_t)((double)report_margin(target_window(run->target)) / ratio));
	return third < INT_MAX ? third : INT_MAX;
}

/* No window is larger than 1 GiB, whatever the buffer (RFC 7323, 2.3). */
static bool window_possible(const struct target *t) { return target_window(t) < 1u << 30; }

static int proof_at(struct course *c, enum side side, const struct cause *cause, uint64_t third,
		    struct trial *out, struct err *e)
{
	struct lane lane = {.side = side};
	char value[KNOB_VALUE] = "1";
	if (cause->searched)
		triple_with_third(value, cause->current, third);
	probe_progress(c->run, "trying %s %s", cause->knob, value);
	if (!course_has_time(c))
		return err_set(e, ETIME,
			       "no time was left: over this round trip a connection takes %u s",
			       course_most_ms(c) / 1000);
	int rc = lab_knob_set(c->lab, LAB_SERVER, cause->knob, value, e);
	if (!rc)
		rc = course_run(c, &lane, 1, e);
	struct err ignored = {0};
	lab_knob_set(c->lab, LAB_SERVER, cause->knob, cause->current, &ignored);
	*out = lane.trial;
	return rc;
}

/* What was found by trying. */
struct proof {
	uint64_t third;
	struct trial at, half;
	bool halved;
};

static bool trial_carries(const struct probe_run *run, const struct trial *t)
{
	return report_verdict((int64_t)t->Bps, (int64_t)needed_Bps(run->target)) == VERDICT_OK;
}

/* 1: the value carries the target. 0: it is what bounds below it. -EAGAIN: neither shows, as on a
 * machine that is too busy. */
static int proof_try(struct course *c, enum side side, const struct cause *cause, uint64_t third,
		     struct trial *out, struct err *e)
{
	struct cause tried = *cause;
	tried.third = (int64_t)third;
	for (unsigned again = 0; again <= AGAIN; again++) {
		int rc = proof_at(c, side, cause, third, out, e);
		if (rc)
			return rc;
		if (trial_carries(c->run, out))
			return 1;
		if (!out->behind && trial_bound(side, &tried, out))
			return 0;
	}
	return err_set(e, EAGAIN, "this machine was too busy to tell");
}

/* The smallest value that makes the verdict ok, to a factor of less than two. -ERANGE when none of
 * those tried does. */
static int proof_search(struct course *c, enum side side, const struct cause *cause,
			struct proof *p, struct err *e)
{
	unsigned tries = 0;
	int carries = proof_try(c, side, cause, p->third, &p->at, e);
	while (carries == 0) {
		if (!cause->searched || ++tries == TRIES)
			return err_set(e, ERANGE, "%s is not enough", cause->knob);
		p->third = rounded_up(p->third + p->third / 4);
		carries = proof_try(c, side, cause, p->third, &p->at, e);
	}
	if (carries < 0 || !cause->searched || c->rtt_us > HALF_RTT_US)
		return carries < 0 ? carries : 0;
	/* Without an answer the value stands as it was proven. */
	struct err ignored = {0};
	for (tries = 0; tries < TRIES; tries++) {
		struct trial half;
		carries = proof_try(c, side, cause, p->third / 2, &half, &ignored);
		p->halved = carries >= 0;
		if (carries >= 0)
			p->half = half;
		if (carries != 1)
			return 0;
		p->third /= 2;
		p->at = half;
	}
	return 0;
}

static double trial_waited(enum side side, const struct trial *t)
{
	return side == RECEIVE ? t->flow.receiver_share : t->flow.sender_share;
}

/* "9.4 MB/s"; where the wire has another round trip what it carried, and what that window gives. */
static const char *carried(const struct course *c, const struct trial *t, char text[120])
{
	char got[32], there[32], rtt[32], target[32];
	speed(got, t->Bps);
	if (path_scale(c->run->target) == 1)
		snprintf(text, 120, "%s", got);
	else
		snprintf(text, 120, "%s over %s, a window for %s over %s",
			 speed(there, t->window * 1e6 / (double)c->rtt_us),
			 quantity_format(rtt, sizeof(rtt), QUANTITY_DURATION, c->rtt_us), got,
			 quantity_format(target, sizeof(target), QUANTITY_DURATION,
					 c->run->target->rtt_us));
	return text;
}

static void side_evidence(const struct course *c, struct finding *f, enum side side,
			  const struct trial *now, const struct trial *then)
{
	finding_evidence(
		f, path_scale(c->run->target) == 1 ? "throughput" : "throughput by the window",
		"B/s", now->Bps, then ? then->Bps : NAN);
	finding_evidence(f, "window in flight", "B", now->window, then ? then->window : NAN);
	finding_evidence(f, names[side].waited, "% of the time", 100 * trial_waited(side, now),
			 then ? 100 * trial_waited(side, then) : NAN);
}

static void side_prove(struct course *c, enum side side, const struct cause *cause,
		       const struct trial *now, struct finding *f)
{
	struct proof p = {.third = cause_estimate(c->run, cause, now)};
	struct err e = {0};
	char got[120], half[32], value[KNOB_VALUE] = "1";
	int rc = c->run->options->no_proof ? -ECANCELED : proof_search(c, side, cause, &p, &e);
	if (cause->searched)
		triple_with_third(value, cause->current, p.third);
	side_evidence(c, f, side, now, rc ? NULL : &p.at);
	if (rc == -ERANGE) {
		/* What is known not to do is not proposed. */
		size_t used = strlen(f->detail);
		report_text_into(f->detail + used, sizeof(f->detail) - used,
				 " %s was tried as well: %s, not enough.", value,
				 carried(c, &p.at, got));
		f->remedy = REMEDY_NONE;
		return;
	}
	report_text(f->proposed, "%s", value);
	if (rc && e.code)
		report_text(f->tried, "not tried: %s", e.text);
	if (!rc)
		report_text(f->tried, "%s%s%s%s", p.at.flow.paced ? "at least " : "",
			    carried(c, &p.at, got), p.halved ? "; with half of it " : "",
			    p.halved ? speed(half, p.half.Bps) : "");
}

static struct finding *side_finding(struct probe_run *run, enum side side,
				    const struct cause *cause, const struct wall *w)
{
	char rtt[32];
	bool tight = w->verdict == VERDICT_TIGHT;
	const struct knob *k = knob_find(cause->knob);
	struct finding *f = report_finding(
		run->report, tight ? names[side].id_tight : names[side].id_short,
		tight ? LEVEL_WARNING : LEVEL_CRITICAL,
		"The %s buffer is %s for one connection over %s", names[side].who,
		tight ? "tight" : "too small",
		quantity_format(rtt, sizeof(rtt), QUANTITY_DURATION, run->target->rtt_us));
	if (!cause->searched)
		report_text(f->title, "%s=%s keeps the window %s for one connection over %s",
			    cause->knob, cause->current, tight ? "tight" : "too small", rtt);
	report_text(f->wall, "%s", names[side].wall);
	f->remedy = REMEDY_KERNEL;
	report_text(f->knob, "%s", cause->knob);
	report_text(f->current, "%s", cause->current);
	report_text(f->advice, "Takes effect %s. %s%s", knob_effect_text(k->effect),
		    cause->searched ? "Costs memory only on connections that fill the path."
				    : "Costs: ",
		    cause->searched ? "" : k->cost);
	return f;
}

static void side_tell(const struct course *c, enum side side, const struct cause *cause,
		      const struct trial *t, struct finding *f)
{
	char got[120], need[32], rtt[32], buffer[32], window[32];
	quantity_format(rtt, sizeof(rtt), QUANTITY_DURATION, c->run->target->rtt_us);
	quantity_format(window, sizeof(window), QUANTITY_SIZE, (uint64_t)t->window);
	carried(c, t, got);
	speed(need, (double)needed_Bps(c->run->target));
	if (!cause->searched) {
		report_text(f->detail,
			    "%s are needed over %s; one connection carried %s: with %s=0 the "
			    "window stood at %.0f bytes.",
			    need, rtt, got, cause->knob, t->window);
		return;
	}
	quantity_format(buffer, sizeof(buffer), QUANTITY_SIZE, (uint64_t)cause->third);
	report_text(f->detail,
		    "%s are needed over %s; one connection carried %s: the %s buffer had grown to "
		    "its bound of %s, %s were in flight, and the sender waited for it %.0f %% of "
		    "the time.",
		    need, rtt, got, names[side].who, buffer, window, 100 * trial_waited(side, t));
}

/* Why there is no verdict. */
static const char *trial_doubt(enum side side, const struct cause *cause, const struct trial *t)
{
	if (t->behind)
		return "the wire was the bottleneck: this machine was too busy";
	if (!t->flow.settled)
		return "throughput did not settle";
	return trial_bound(side, cause, t)
		       ? "throughput varied"
		       : "something else than the buffer set the pace: this machine was busy, or "
			 "congestion control held back";
}

/* Whether it shows what an application gets that sets its buffer itself. */
static bool own_bound(enum side side, const struct trial *own)
{
	return !own->behind && !own->flow.paced && own->flow.settled &&
	       trial_waited(side, own) >= WAITED;
}

static void wall_detail(const struct course *c, enum side side, const struct trial *t,
			const struct trial *own, struct wall *w)
{
	char got[32], text[120], path[160] = "", gets[120] = "";
	const char *ended = t->flow.paced ? "So much was tried, and the buffer did not bind."
			    : w->at_least ? "Something else than the buffer ended it there."
					  : "";
	if (path_scale(c->run->target) > 1)
		snprintf(path, sizeof(path), "The wire carried %s.", carried(c, t, text));
	if (own->flow.paced)
		snprintf(gets, sizeof(gets), "An application that sets %s itself gets as much.",
			 names[side].option);
	else if (own_bound(side, own))
		snprintf(gets, sizeof(gets), "An application that sets %s itself gets at most %s.",
			 names[side].option, speed(got, own->Bps));
	report_text(w->detail, "%s%s%s%s%s", path, path[0] && (ended[0] || gets[0]) ? " " : "",
		    ended, ended[0] && gets[0] ? " " : "", gets);
}

static void side_derived(struct probe_run *run, enum side side);

static void side_report(struct course *c, enum side side, const struct trial *t,
			const struct trial *own)
{
	struct probe_run *run = c->run;
	struct wall *w = report_wall(run->report, names[side].wall);
	struct cause cause;
	char got[32];
	enum wall_verdict derived = w->verdict;
	cause_find(run, side, t, &cause);
	report_text(w->knob, "%s", cause.knob);
	w->verdict = trial_verdict(run, side, &cause, t);
	if (w->verdict == VERDICT_UNKNOWN) {
		report_text(w->detail, "One connection carried %s, but %s.", speed(got, t->Bps),
			    trial_doubt(side, &cause, t));
		/* What no window can reach needs no experiment. */
		if (derived == VERDICT_SHORT || derived == VERDICT_TIGHT) {
			w->verdict = derived;
			side_derived(run, side);
		}
		return;
	}
	w->method = path_scale(run->target) == 1 ? METHOD_MEASURED : METHOD_DERIVED;
	w->measured = (int64_t)t->Bps;
	w->at_least = !trial_bound(side, &cause, t);
	w->at_most = false;
	if (w->method == METHOD_DERIVED)
		w->limit = w->measured;
	wall_detail(c, side, t, own, w);
	if (w->verdict == VERDICT_OK)
		return;
	struct finding *f = side_finding(run, side, &cause, w);
	side_tell(c, side, &cause, t, f);
	side_prove(c, side, &cause, t, f);
}

/* Applications that set the buffer themselves get at most what the cap leaves them. */
static void side_note(struct probe_run *run, enum side side, const struct trial *own)
{
	uint32_t granted = side == RECEIVE ? own->flow.receive_buffer : own->flow.send_buffer;
	char got[32], need[32];
	if (!own_bound(side, own) || own->Bps >= (double)needed_Bps(run->target))
		return;
	struct finding *f = report_finding(
		run->report, names[side].id_application, LEVEL_NOTE,
		"An application that sets %s itself gets less than the target", names[side].option);
	report_text(f->wall, "%s", names[side].wall);
	f->remedy = REMEDY_APPLICATION;
	report_text(f->knob, "%s", names[side].cap);
	report_text(f->current, "%" PRId64, knob_number(run->host, names[side].cap, 0));
	report_text(f->detail,
		    "As large as %s allows (the kernel doubles that, to %u bytes) it carried %s of "
		    "%s: autotuning is off for such a socket. Most programs do better without %s.",
		    names[side].cap, granted, speed(got, own->Bps),
		    speed(need, (double)needed_Bps(run->target)), names[side].option);
}

/* What all TCP sockets together may hold. */
struct memory_bound {
	int64_t bytes;       /* REPORT_NONE: not known */
	bool machine;        /* by the memory, not by tcp_mem */
	const char *because; /* a sentence */
};

/* Beyond its second field no buffer grows (net/ipv4/tcp.c, tcp_init_mem(): a sixteenth of the
 * memory by default); and half of the memory is for all else. */
static struct memory_bound memory_bound(const struct probe_run *run)
{
	struct host_facts facts;
	char value[KNOB_VALUE];
	const struct knob *k = knob_find(TCP_MEM);
	struct err ignored = {0};
	int64_t pages;
	host_facts(run->host, &facts);
	int64_t memory = (int64_t)facts.memory_bytes;
	int64_t page = facts.page_bytes ? (int64_t)facts.page_bytes : 4096;
	if (knob_read(k, run->host, value, &ignored) || knob_field(value, 1, &pages))
		return (struct memory_bound){
			memory ? memory / 16 : REPORT_NONE, false,
			"tcp_mem is not to be seen from this network namespace; by default no "
			"buffer grows beyond 6 % of the memory."};
	int64_t bytes = pages > INT64_MAX / page ? INT64_MAX : pages * page;
	if (memory && memory / 2 < bytes)
		return (struct memory_bound){memory / 2, true,
					     "That is half of the memory; tcp_mem allows more."};
	return (struct memory_bound){bytes, false,
				     "Beyond the second field of tcp_mem, in pages, no buffer "
				     "grows."};
}

/* All connections together, each with a request that waits to be read. */
static void memory_judge(struct probe_run *run, int64_t held, bool measured)
{
	struct wall *w = report_wall(run->report, MEMORY_WALL);
	struct memory_bound bound = memory_bound(run);
	report_text(w->unit, "B");
	report_text(w->knob, "%s", bound.machine ? "" : TCP_MEM);
	w->method = METHOD_DERIVED;
	w->needed = (int64_t)run->target->connections * held;
	w->limit = bound.bytes;
	w->verdict = report_verdict(w->limit, w->needed);
	report_text(w->detail, "A connection with a request waiting %s %s of buffer. %s",
		    measured ? "was measured to hold" : "holds about",
		    quantity_show(QUANTITY_SIZE, (uint64_t)held).text, bound.because);
}

static void memory_finding(struct probe_run *run)
{
	struct wall *w = report_wall(run->report, MEMORY_WALL);
	struct host_facts facts;
	char value[KNOB_VALUE], need[32], memory[32];
	if (w->verdict != VERDICT_SHORT && w->verdict != VERDICT_TIGHT)
		return;
	if (knob_third(run->host, TCP_MEM, value) == REPORT_NONE)
		report_text(value, "?");
	host_facts(run->host, &facts);
	uint64_t page = facts.page_bytes ? facts.page_bytes : 4096;
	uint64_t enough = report_margin((uint64_t)w->needed);
	bool possible = !facts.memory_bytes || enough <= facts.memory_bytes / 2;
	bool tight = w->verdict == VERDICT_TIGHT;
	struct finding *f =
		report_finding(run->report, tight ? "buffers.memory.tight" : "buffers.memory.short",
			       tight ? LEVEL_WARNING : LEVEL_CRITICAL,
			       "All connections' buffers together are bounded too low");
	report_text(f->wall, "%s", w->name);
	report_text(f->knob, "%s", TCP_MEM);
	report_text(f->current, "%s", value);
	quantity_format(need, sizeof(need), QUANTITY_SIZE, (uint64_t)w->needed);
	quantity_format(memory, sizeof(memory), QUANTITY_SIZE, facts.memory_bytes);
	report_text(f->detail, "%s Together they need %s of this machine's %s.", w->detail, need,
		    memory);
	if (!possible) {
		report_text(f->advice,
			    "With a quarter to spare more than half of the memory: it takes more "
			    "memory or another machine, not a knob.");
		return;
	}
	f->remedy = REMEDY_KERNEL;
	/* In the proportions of the kernel's defaults. */
	uint64_t pressure = (enough + page - 1) / page;
	report_text(f->proposed, "%" PRIu64 " %" PRIu64 " %" PRIu64, pressure * 3 / 4, pressure,
		    pressure * 3 / 2);
	report_text(f->advice, "Takes effect at once. In pages, not bytes. Not tried, as it is one "
			       "for the whole machine.");
}

/* Beyond the second field of tcp_mem no buffer grows, and none of what was measured holds. */
static void memory_pressure(struct probe_run *run)
{
	const struct knob *k = knob_find(TCP_MEM);
	struct host_counters *counters = malloc(sizeof(*counters));
	struct err ignored = {0};
	char value[KNOB_VALUE];
	int64_t pressure, used = -1;
	if (counters && !host_counters(run->host, counters, &ignored))
		used = host_counter(counters, "sockstat.TCP.mem");
	free(counters);
	if (knob_read(k, run->host, value, &ignored) || knob_field(value, 1, &pressure) ||
	    used < pressure)
		return;
	struct finding *f = report_finding(run->report, "buffers.memory.pressure", LEVEL_WARNING,
					   "TCP is under memory pressure now: no buffer grows");
	report_text(f->wall, MEMORY_WALL);
	report_text(f->knob, TCP_MEM);
	report_text(f->current, "%s", value);
	report_text(f->detail,
		    "All TCP sockets of this machine hold %s pages, and pressure begins at %s. "
		    "Until some are freed windows shrink and connections slow down.",
		    quantity_show(QUANTITY_COUNT, (uint64_t)used).text,
		    quantity_show(QUANTITY_COUNT, (uint64_t)pressure).text);
	report_text(f->advice,
		    "Look for sockets with full queues (ss -tm) before the bound is raised.");
}

/* About what a small request costs (skb->truesize, rounded up to pages), until it is measured. */
#define HELD_DERIVED 4096

/* By the bounds alone, without an experiment. */
static void side_inspect(struct probe_run *run, enum side side, bool findings)
{
	struct wall *w = report_wall(run->report, names[side].wall);
	struct cause cause;
	cause_find(run, side, NULL, &cause);
	report_text(w->unit, "B/s");
	report_text(w->knob, "%s", cause.knob);
	w->method = METHOD_DERIVED;
	w->needed = (int64_t)needed_Bps(run->target);
	if (cause.third == REPORT_NONE) {
		report_text(w->detail, "%s could not be read.", names[side].knob);
		return;
	}
	/* No window is larger than its bound, and hardly one smaller than half of it. */
	w->limit = (int64_t)((double)cause.bound * 1e6 / (double)run->target->rtt_us);
	w->at_most = true;
	if (report_verdict(w->limit, w->needed) != VERDICT_OK)
		w->verdict = report_verdict(w->limit, w->needed);
	else if (report_verdict(w->limit / 2, w->needed) == VERDICT_OK)
		w->verdict = VERDICT_OK;
	report_text(w->detail, "At most a whole buffer in each round trip; how much of it becomes "
			       "window only measuring tells.");
	if (findings && (w->verdict == VERDICT_SHORT || w->verdict == VERDICT_TIGHT))
		side_derived(run, side);
}

/* The finding of a wall that was judged without an experiment. */
static void side_derived(struct probe_run *run, enum side side)
{
	const struct wall *w = report_wall(run->report, names[side].wall);
	struct cause cause;
	char most[32], need[32];
	cause_find(run, side, NULL, &cause);
	struct finding *f = side_finding(run, side, &cause, w);
	report_text(f->detail,
		    "%s are needed, and a whole buffer in each round trip is %s; how much of it "
		    "becomes window only measuring tells.",
		    speed(need, (double)w->needed), speed(most, (double)w->limit));
	if (!window_possible(run->target)) {
		f->remedy = REMEDY_APPLICATION;
		report_text(f->advice, "No window of TCP is larger than 1 GiB, whatever the "
				       "buffer: spread the load over several connections.");
		return;
	}
	if (cause.searched)
		triple_with_third(f->proposed, cause.current, cause_estimate(run, &cause, NULL));
	else
		report_text(f->proposed, "1");
}

static int buffers_inspect(struct probe_run *run, struct err *e)
{
	(void)e;
	bool only = !run->lab || !path_fits(run->target);
	for (enum side side = 0; side < SIDES; side++)
		side_inspect(run, side, only);
	memory_judge(run, HELD_DERIVED, false);
	memory_pressure(run);
	if (only)
		memory_finding(run);
	return 0;
}

static bool lane_unknown(const struct probe_run *run, const struct lane *lane)
{
	struct cause cause;
	cause_find(run, lane->side, &lane->trial, &cause);
	return trial_verdict(run, lane->side, &cause, &lane->trial) == VERDICT_UNKNOWN;
}

/* What was in the way may be gone the next time. */
static int lanes_settle(struct course *c, struct lane lanes[SIDES], struct err *e)
{
	int rc = 0;
	for (unsigned again = 0; again < AGAIN && !rc; again++) {
		bool unknown = false;
		for (size_t i = 0; i < SIDES; i++)
			unknown |= lane_unknown(c->run, &lanes[i]);
		if (!unknown || !course_has_time(c))
			return 0;
		struct lane next[SIDES] = {{.side = RECEIVE}, {.side = SEND}};
		rc = course_run(c, next, SIDES, e);
		for (size_t i = 0; i < SIDES && !rc; i++)
			if (lane_unknown(c->run, &lanes[i]))
				lanes[i] = next[i];
	}
	return rc;
}

static int rest_measure(struct course *c, int64_t *held, struct err *e)
{
	struct flow flow = {0};
	struct flow_result result = {0};
	struct flow_config config = {.sender = LAB_CLIENT,
				     .address = c->addresses++ % ADDRESSES,
				     .rtt_us = c->rtt_us,
				     .rest_bytes = REQUEST_BYTES};
	int rc = flow_start(&flow, c->lab, &config, e);
	if (!rc)
		rc = flow_wait(&flow, &result, e);
	if (!rc)
		*held = result.receive_held;
	return rc;
}

static int buffers_measure(struct probe_run *run, struct err *e)
{
	struct course c = course_make(run, run->lab);
	struct lane lanes[] = {{.side = RECEIVE},
			       {.side = SEND},
			       {.side = RECEIVE, .own = true},
			       {.side = SEND, .own = true}};
	int64_t held = HELD_DERIVED;
	if (!path_fits(run->target)) {
		struct finding *f = report_finding(run->report, "buffers.skipped", LEVEL_SKIPPED,
						   "Buffers were not measured");
		report_text(f->detail,
			    "The wire carries windows of at most 64 MiB over at most 1 s.");
		return 0;
	}
	bool beside = run->target->bandwidth_bps <= BESIDE_MAX_BPS;
	int rc = client_widen(run->lab, e);
	probe_progress(run, "bulk connections, both ways");
	if (!rc)
		rc = course_run(&c, lanes, beside ? 4 : 2, e);
	if (!rc && !beside)
		rc = course_run(&c, lanes + 2, 2, e);
	if (!rc)
		rc = lanes_settle(&c, lanes, e);
	if (!rc)
		rc = rest_measure(&c, &held, e);
	if (rc)
		return rc;
	memory_judge(run, held, true);
	memory_finding(run);
	for (enum side side = 0; side < SIDES; side++) {
		side_report(&c, side, &lanes[side].trial, &lanes[2 + side].trial);
		side_note(run, side, &lanes[2 + side].trial);
	}
	return 0;
}

const struct probe probe_buffers = {
	.name = "buffers",
	.summary =
		"bulk connections over the target's round trip: which buffer ends them, and where",
	.walls = "buffers.receive,buffers.send,buffers.memory",
	.private_only = true,
	.lab = {.wire = LAB_WIRE_DELAY, .client_addresses = ADDRESSES, .wide_ports = true},
	.shape = buffers_shape,
	.inspect = buffers_inspect,
	.measure = buffers_measure,
};
