/* TCP keepalive against the idle timeout of a load balancer or NAT in the path: it forgets a
 * connection that had no packet for so long, and drops what is sent after that. */
#include "epolltune/probe.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/connections.h"
#include "epolltune/idle_flows.h"
#include "epolltune/knob.h"
#include "epolltune/quantity.h"

#define TIME_KNOB "net.ipv4.tcp_keepalive_time"
#define SECOND_US INT64_C(1000000)
/* Without net.ipv4.tcp_rto_max_ms (Linux 6.15) and as rto_base: include/net/tcp.h. */
#define RTO_MAX_MS 120000
#define RTO_MIN_MS 200
#define KEEPIDLE_MAX 32767
#define SYSCTL_MAX 1000000
/* The experiment is scaled down to this timeout: TCP_KEEPIDLE counts whole seconds. */
#define FORGET_US 1300000
#define SILENT_US 1450000
#define WIRE_RTT_US 1000
/* What is the application's own TCP_KEEPIDLE: by chance one in so many looks like it. */
#define SURE 1000

/* OWN: TCP_KEEPIDLE of the application. SEEN: of the server's connections, those with SO_KEEPALIVE
 * and those without, and the longest keepalive_ms. SILENT: for how long one without was idle, in
 * ms. THEN: the TIME in force when they were seen. */
enum { TIME, OWN, INTERVAL, PROBES, RETRIES, RTO_MAX, SEEN, SILENT, THEN };
enum { ON, OFF, LONGEST };

enum { ACKNOWLEDGED, RETRANSMITTED }; /* of a run */

static bool idle_applies(const struct target *t, const struct probe_options *o)
{
	return t->idle_us;
}

static void connections_count(const struct connection_states *c, int64_t seen[3], int64_t *silent)
{
	seen[ON] = seen[OFF] = seen[LONGEST] = *silent = 0;
	for (size_t i = 0; i < c->count; i++) {
		const struct connection_state *s = &c->at[i];
		seen[ON] += s->keepalive == KEEPALIVE_ON;
		seen[OFF] += s->keepalive == KEEPALIVE_OFF;
		if (s->keepalive == KEEPALIVE_ON && (int64_t)s->keepalive_ms > seen[LONGEST])
			seen[LONGEST] = (int64_t)s->keepalive_ms;
		if (s->keepalive == KEEPALIVE_OFF && s->silent_ms > *silent)
			*silent = s->silent_ms;
	}
}

static void sysctl_read(const struct host *h, const char *path, int64_t *out)
{
	int64_t value = host_number(h, path);
	/* Only a damaged capture has more. */
	*out = value >= 0 && value <= SYSCTL_MAX ? value : REPORT_NONE;
}

static int64_t longest_s(const struct settings *s) { return (s->at[SEEN][LONGEST] + 500) / 1000; }

static void idle_read(const struct host *h, struct settings *s)
{
	CLEAN(listeners_free) struct listeners l = {0};
	CLEAN(free_pointer) struct connection_states *c = calloc(1, sizeof(*c));
	sysctl_read(h, "proc/sys/net/ipv4/tcp_keepalive_intvl", &s->at[INTERVAL][0]);
	sysctl_read(h, "proc/sys/net/ipv4/tcp_keepalive_probes", &s->at[PROBES][0]);
	sysctl_read(h, "proc/sys/net/ipv4/tcp_retries2", &s->at[RETRIES][0]);
	sysctl_read(h, "proc/sys/net/ipv4/tcp_rto_max_ms", &s->at[RTO_MAX][0]);
	s->at[THEN][0] = s->at[TIME][0];
	if (c && s->subject && !listeners_read_tcp(h, &l, NULL) &&
	    !connections_states(h, &l, subject_receives, (void *)s->subject, c, NULL))
		connections_count(c, s->at[SEEN], &s->at[SILENT][0]);
	if (s->at[SEEN][ON] > 0)
		report_text(s->text[OWN], "%" PRId64, longest_s(s));
}

static bool is_late(const struct target *t, int64_t seconds)
{
	return seconds > (int64_t)t->idle_us / SECOND_US;
}

/* Whether the timers are the application's: were they the kernel's, each would be as short with the
 * share that the longest, or the timeout, has of the kernel's time. Long shares prove nothing:
 * timers may have been set together. One that is idle for longer than the timeout shows its time.
 */
static bool is_own(const struct target *t, const struct settings *s)
{
	double longest = fmax((double)t->idle_us, (double)(longest_s(s) * SECOND_US));
	double share = longest / (double)(s->at[THEN][0] * SECOND_US);
	return share <= 0.5 && pow(share, (double)s->at[SEEN][ON]) * SURE < 1;
}

/* The TCP_KEEPIDLE of the application, in seconds; 0: none is known. */
static int64_t own_s(const struct target *t, const struct settings *s)
{
	int64_t longest = longest_s(s), time = s->at[THEN][0];
	if (s->at[OWN][0] != REPORT_NONE)
		return s->at[OWN][0];
	if (s->at[SEEN][ON] <= 0 || time == REPORT_NONE)
		return 0;
	return longest > time || (is_late(t, time) && is_own(t, s)) ? longest : 0;
}

/* The largest idle time of keepalive that is ok. */
static int64_t proposed_s(const struct target *t)
{
	int64_t seconds = (int64_t)(t->idle_us / 5 * 4) / SECOND_US;
	return seconds < KEEPIDLE_MAX ? seconds : KEEPIDLE_MAX;
}

/* How many connections lack SO_KEEPALIVE; what is proposed gives it to them. */
static int64_t lacking(const struct settings *s)
{
	return s->at[SEEN][OFF] > 0 && s->at[OWN][0] == REPORT_NONE ? s->at[SEEN][OFF] : 0;
}

/* Whether few timers below the timeout may be the kernel's, near their end. */
static bool is_unsure(const struct target *t, const struct settings *s)
{
	return s->at[SEEN][ON] > 0 && !own_s(t, s) && is_late(t, s->at[TIME][0]) &&
	       !is_late(t, longest_s(s));
}

/* Whether no connection of the server shows if it sets SO_KEEPALIVE: the kernel's time suffices
 * only where it does. */
static bool is_unseen(const struct target *t, const struct settings *s)
{
	return s->subject && s->at[SEEN][ON] <= 0 && s->at[SEEN][OFF] <= 0 &&
	       s->at[OWN][0] == REPORT_NONE && s->at[THEN][0] != REPORT_NONE &&
	       !is_late(t, s->at[THEN][0]);
}

/* The idle time of keepalive in seconds, and the knob that has it. Connections without SO_KEEPALIVE
 * alone need that first. */
static int64_t keepalive_s(const struct target *t, const struct settings *s, int *knob)
{
	int64_t own = own_s(t, s);
	*knob = OWN;
	if (own)
		return own;
	if (lacking(s) && (s->at[SEEN][ON] == 0 || is_unsure(t, s)))
		return proposed_s(t);
	if (!lacking(s) || is_late(t, s->at[TIME][0]))
		*knob = TIME;
	return s->at[TIME][0];
}

static void idle_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	int64_t seconds = keepalive_s(t, s, &b->binding);
	b->origin = s->at[SEEN][ON] > 0 || lacking(s) ? OF_RUNNING : OF_SETTINGS;
	/* A need that cannot be judged is unknown, not ok. */
	b->need.min = (seconds == REPORT_NONE ? proposed_s(t) : seconds) * SECOND_US;
	if (seconds == REPORT_NONE)
		return;
	if (is_unseen(t, s)) {
		b->state = BOUND_UNKNOWN;
		b->need.unsure = true;
		b->need.max = INT64_MAX;
		return;
	}
	if (!lacking(s) && is_unsure(t, s)) {
		b->state = BOUND_UNKNOWN;
		return;
	}
	b->capacity = (int64_t)t->idle_us;
	if (!lacking(s))
		return;
	b->part.capacity = 0;
	b->part.problem = "application";
}

static bool idle_solve(const struct target *t, const struct settings *now, const struct outcome *o,
		       int64_t enough, struct settings *out)
{
	int64_t seconds = proposed_s(t);
	int knob;
	keepalive_s(t, now, &knob);
	if (seconds < 1 || is_unseen(t, now))
		return false;
	out->at[knob][0] = seconds;
	if (lacking(now))
		out->at[OWN][0] = seconds;
	return true;
}

/* net/ipv4/tcp_timer.c, tcp_model_timeout(): until a write fails with ETIMEDOUT; the retransmission
 * that finds the time over may be due up to rto_max later. -1: unknown. */
static int64_t hang_ms(int64_t retries, int64_t rto_max)
{
	int64_t doublings = 0;
	rto_max = rto_max >= RTO_MIN_MS ? rto_max : RTO_MAX_MS;
	while (RTO_MIN_MS << (doublings + 1) <= rto_max)
		doublings++;
	if (retries < 0 || retries > UINT8_MAX)
		return -1;
	if (retries <= doublings)
		return ((INT64_C(2) << retries) - 1) * RTO_MIN_MS;
	return ((INT64_C(2) << doublings) - 1) * RTO_MIN_MS + (retries - doublings) * rto_max;
}

static void time_word(struct wording *w, const char *name, int64_t us)
{
	wording_set(w, name, "%s", us < 0 ? "" : quantity_seconds((double)us / 1e6).text);
}

static void count_word(struct wording *w, const char *name, int64_t count)
{
	wording_set(w, name, "%s", count > 0 ? quantity_count((uint64_t)count).text : "");
}

static void server_words(const struct settings *s, int64_t seconds, struct wording *w)
{
	const struct server_row *row = subject_row(s->subject);
	char line[WORDING_TEXT] = "";
	if (row)
		server_line(row->keepalive_line, "seconds", (uint64_t)seconds, line, sizeof(line));
	wording_set(w, "server", "%s", row ? row->name : "");
	wording_set(w, "line", "%s", line);
	wording_set(w, "who", "%s",
		    !s->subject           ? ""
		    : s->subject->name[0] ? s->subject->name
					  : "the server");
}

static void idle_words(const struct target *t, const struct settings *s, const struct outcome *o,
		       const struct bound *b, struct wording *w)
{
	int64_t own = own_s(t, s), time = s->at[TIME][0], on = s->at[SEEN][ON];
	int64_t hang = hang_ms(s->at[RETRIES][0], s->at[RTO_MAX][0]);
	bool known = s->at[INTERVAL][0] >= 0 && s->at[PROBES][0] >= 0;
	server_words(s, proposed_s(t), w);
	wording_set(w, "seconds", "%" PRId64, proposed_s(t));
	wording_flag(w, "own", own);
	wording_flag(w, "unsure", !lacking(s) && is_unsure(t, s));
	wording_flag(w, "unseen", is_unseen(t, s));
	wording_flag(w, "measured", o && o->state == OUTCOME_CONCLUSIVE);
	wording_flag(w, "several", on > 1);
	wording_flag(w, "lacks", lacking(s) > 1);
	wording_flag(w, "gone", lacking(s) && s->at[SILENT][0] * 1000 > (int64_t)t->idle_us);
	wording_set(w, "retries", "%" PRId64, s->at[RETRIES][0]);
	count_word(w, "on", on);
	count_word(w, "off", lacking(s));
	count_word(w, "all", on + lacking(s));
	time_word(w, "idle", (int64_t)t->idle_us);
	time_word(w, "time", time == REPORT_NONE ? -1 : time * SECOND_US);
	time_word(w, "longest", on > 0 ? longest_s(s) * SECOND_US : -1);
	time_word(w, "silent", lacking(s) ? s->at[SILENT][0] * 1000 : -1);
	time_word(w, "hang", hang < 0 ? -1 : hang * 1000);
	time_word(w, "detect", known ? s->at[INTERVAL][0] * s->at[PROBES][0] * SECOND_US : -1);
}

/* The flows of a run: it has all that a proof needs, too. */
enum { WITHOUT, ABOVE, BELOW, FLOWS };

struct context {
	struct idle_flow flows[FLOWS];
	bool ran;
};

/* The same share of the scaled timeout, of one that the timeout comes before. */
static unsigned scaled_s(const struct target *t, int64_t keepalive_us)
{
	double scaled = (double)keepalive_us / (double)t->idle_us * FORGET_US / SECOND_US;
	return scaled < 2 ? 2 : scaled < KEEPIDLE_MAX ? (unsigned)scaled : KEEPIDLE_MAX;
}

static void idle_outcome(const struct context *c, const struct target *t, int64_t keepalive_us,
			 bool lacks, struct outcome *out)
{
	bool above = (uint64_t)keepalive_us >= t->idle_us;
	const struct idle_flow *f = &c->flows[lacks ? WITHOUT : above ? ABOVE : BELOW];
	if (c->flows[WITHOUT].acknowledged || c->flows[ABOVE].acknowledged) {
		outcome_inconclusive(out, "the wire forgot no idle connection");
		return;
	}
	if (!c->flows[BELOW].acknowledged) {
		outcome_inconclusive(out,
				     "a keepalive probe came too late: this machine is too busy");
		return;
	}
	out->reached = (int64_t)t->idle_us;
	out->limit_met = true;
	out->derived = true;
	out->metric[ACKNOWLEDGED] = f->acknowledged;
	out->metric[RETRANSMITTED] = f->retransmits;
}

static int idle_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	struct context *c = t->context;
	int knob, rc = 0;
	int64_t us = keepalive_s(t->target, s, &knob) * SECOND_US;
	if (!c->ran) {
		const struct idle_flow flows[FLOWS] = {
			[ABOVE] = {.keepidle_s = scaled_s(t->target, us)},
			[BELOW] = {.keepidle_s = 1}};
		memcpy(c->flows, flows, sizeof(flows));
		trial_progress(t, "idle connections over a wire that forgets them");
		rc = idle_flows_run(t->lab, c->flows, FLOWS, SILENT_US, e);
		c->ran = !rc;
	}
	if (!rc)
		idle_outcome(c, t->target, us, lacking(s), out);
	return rc;
}

static void idle_describe(const struct trial *t, const struct outcome *o, char *text, size_t size)
{
	/* The finding's text says what a write meets without the proposal. */
	text[0] = 0;
	if (t->proof)
		snprintf(text, size,
			 "scaled down to a timeout of 1.3 s and TCP_KEEPIDLE=1, the write was %s",
			 o->metric[ACKNOWLEDGED] > 0 ? "acknowledged" : "not acknowledged");
}

static const struct experiment experiments[] = {
	{
		.wall = "idle.keepalive",
		.knobs = {TIME_KNOB, "TCP_KEEPIDLE", "interval", "probes", "retries", "rto_max",
			  "seen", "silent", "then"},
		.metrics = {[ACKNOWLEDGED] = {"writes acknowledged", ""},
			    [RETRANSMITTED] = {"retransmissions", ""}},
		.applies = idle_applies,
		.read = idle_read,
		.bound = idle_bound,
		.solve = idle_solve,
		.words = idle_words,
		.run = idle_run,
		.describe = idle_describe,
	},
	{0},
};

static void idle_shape(const struct target *t, struct lab_options *o)
{
	o->rtt_us = WIRE_RTT_US;
	o->bandwidth_bps = 0;
	o->forget_us = FORGET_US;
}

const struct probe probe_idle = {
	.name = "idle",
	.summary = "TCP keepalive against the idle timeout of a load balancer or NAT",
	.place = PROBE_LAB,
	.lab = {.wire = LAB_WIRE_DELAY},
	.shape = idle_shape,
	.context_size = sizeof(struct context),
	.experiments = experiments,
};
