/* What limits the open connections of the subject now, by tcp_info of the same ones at two moments.
 */
#include "epolltune/probe.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/connections.h"
#include "epolltune/knob_value.h"
#include "epolltune/order.h"
#include "epolltune/quantity.h"

/* Connections that the report names. */
#define NAMED 3
/* Connections with unread data that are more than a slow request or two. */
#define UNREAD_MIN 8
/* Connections that clients have closed and the server has not, which are more than a few half-open
 * tunnels, and the part of those that are open. */
#define LEFT_MIN 8
#define LEFT_PART 10
/* Clients that wait for so long give up. */
#define PATIENCE_S 10.0

/* The initial and the maximum size of a buffer, which autotuning changes. */
enum { INITIAL, MAX };

struct sample {
	const struct subject *subject; /* NULL: none, or it has no connections to look at */
	struct connection_states *states;
	uint64_t left;               /* as in struct connections, of all connections */
	int64_t receive[2], send[2]; /* of tcp_rmem and tcp_wmem; REPORT_NONE: unknown */
};

static void buffer_sizes(const struct host *h, const char *name, int64_t sizes[2])
{
	char value[KNOB_VALUE];
	sizes[INITIAL] = sizes[MAX] = REPORT_NONE;
	if (knob_read(knob_find(name), h, value, NULL))
		return;
	knob_field(value, 1, &sizes[INITIAL]);
	knob_field(value, 2, &sizes[MAX]);
}

static int sample_take(const struct host *h, const struct probe_options *o, struct sample *s,
		       struct err *e)
{
	CLEAN(listeners_free) struct listeners l = {0};
	if (!o->subject || o->guest || listeners_read_tcp(h, &l, NULL))
		return 0;
	s->states = calloc(1, sizeof(*s->states));
	if (!s->states)
		return err_set(e, ENOMEM, "connections: out of memory");
	if (connections_states(h, &l, subject_receives, (void *)o->subject, s->states, NULL))
		return 0;
	connections_left(h, &l, subject_receives, (void *)o->subject, &s->left, NULL);
	s->subject = o->subject;
	buffer_sizes(h, "net.ipv4.tcp_rmem", s->receive);
	buffer_sizes(h, "net.ipv4.tcp_wmem", s->send);
	return 0;
}

static void sample_release(struct sample *s) { free(s->states); }

enum cause { PEER_WINDOW, SEND_BUFFER, CONGESTION, LOSS, UNREAD, APPLICATION, CAUSES };

static const char *const causes[CAUSES] = {
	[PEER_WINDOW] = "the peer's window",
	[SEND_BUFFER] = "the send buffer",
	[CONGESTION] = "the congestion window",
	[LOSS] = "loss",
	[UNREAD] = "the application, which does not read",
	[APPLICATION] = "the application",
};

/* A connection that both samples have. */
struct look {
	const struct connection_state *now;
	enum cause cause;
	double share;         /* of the time between the samples that it was limited */
	uint64_t retransmits; /* in that time */
	bool fixed_send, fixed_receive;
	bool stuck; /* what was received before the first sample is unread */
	bool busy;  /* or data came in between */
};

static uint64_t growth(uint64_t before, uint64_t after)
{
	return after > before ? after - before : 0;
}

/* By size: more comes than it reads. */
static bool is_unread(const struct connection_state *s)
{
	return s->receive_buffer && s->received >= s->receive_buffer / 2;
}

/* sk_stream_memory_free(), include/net/sock.h: no more can be written. */
static bool is_full(const struct connection_state *s)
{
	return s->send_buffer && s->queued >= s->send_buffer;
}

/* Whether what was written waits for the path, or is all on its way while no more can be written:
 * the kernel does not count the latter as time of the send buffer while it holds the congestion
 * window for the limit, as in slow start (tcp_cwnd_validate(), net/ipv4/tcp_output.c). */
static enum cause path_cause(const struct connection_state *before,
			     const struct connection_state *after)
{
	bool again = after->retransmits > before->retransmits;
	if (after->recovering || (again && (before->unsent || after->unsent)))
		return LOSS;
	if (before->unsent && after->unsent)
		return CONGESTION;
	return is_full(before) && is_full(after) ? SEND_BUFFER : APPLICATION;
}

/* What bounds one that has data to send, by the times of tcp_info, which exclude each other. The
 * kernel counts a full send buffer from the next acknowledgement on, not from the write that fills
 * it: where nothing waits for the path, a quarter of the time is enough. */
static enum cause sending_cause(const struct connection_state *before,
				const struct connection_state *after)
{
	uint64_t window = growth(before->window_us, after->window_us),
		 buffer = growth(before->buffer_us, after->buffer_us),
		 busy = growth(before->busy_us, after->busy_us),
		 rest = growth(window + buffer, busy);
	enum cause path = path_cause(before, after);
	if (path == APPLICATION)
		rest /= 3;
	if (window >= buffer && window >= rest)
		return PEER_WINDOW;
	return buffer >= rest ? SEND_BUFFER : path;
}

static void reading_find(const struct connection_state *before,
			 const struct connection_state *after, struct look *l)
{
	l->busy = after->data_ms * UINT64_C(1000) < growth(before->at_us, after->at_us);
	l->stuck = !l->busy && after->unread && after->unread == before->unread;
}

static void limit_find(const struct connection_state *before, const struct connection_state *after,
		       struct look *l)
{
	double passed = (double)growth(before->at_us, after->at_us),
	       busy = (double)growth(before->busy_us, after->busy_us);
	l->cause = busy > 0 && busy >= passed / 2 ? sending_cause(before, after) : APPLICATION;
	l->share = passed > 0 ? fmin(busy / passed, 1) : 0;
	if (l->cause != APPLICATION)
		return;
	l->share = 0;
	if (l->stuck || (is_unread(before) && is_unread(after))) {
		l->cause = UNREAD;
		l->share = 1;
	}
}

/* SO_SNDBUF and SO_RCVBUF end autotuning, which never goes below the initial size, and raises a
 * send buffer that limits to its maximum. */
static void fixed_find(const struct sample *s, const struct connection_state *before,
		       struct look *l)
{
	const struct connection_state *now = l->now;
	l->fixed_receive = now->receive_buffer && now->receive_buffer < s->receive[INITIAL];
	l->fixed_send = now->send_buffer &&
			(now->send_buffer < s->send[INITIAL] ||
			 (l->cause == SEND_BUFFER && now->send_buffer == before->send_buffer &&
			  now->send_buffer < s->send[MAX]));
}

struct looks {
	size_t count;
	struct look at[CONNECTIONS_SAMPLE];
	double rtt_us[CONNECTIONS_SAMPLE]; /* room for row_of() */
};

static void looks_make(const struct sample *before, const struct sample *after, struct looks *out)
{
	struct connection_states *then = before->states;
	qsort(then->at, then->count, sizeof(*then->at), u64_compare);
	for (size_t i = 0; i < after->states->count; i++) {
		const struct connection_state *now = &after->states->at[i];
		const struct connection_state *was =
			bsearch(now, then->at, then->count, sizeof(*then->at), u64_compare);
		if (!was || now->left)
			continue;
		struct look *l = &out->at[out->count++];
		*l = (struct look){.now = now};
		l->retransmits = growth(was->retransmits, now->retransmits);
		reading_find(was, now, l);
		limit_find(was, now, l);
		fixed_find(after, was, l);
	}
}

struct row {
	size_t count, fixed_send, fixed_receive;
	uint64_t retransmits;
	double rtt; /* median, us */
};

static struct row row_of(struct looks *all, enum cause cause)
{
	double *rtts = all->rtt_us;
	struct row r = {0};
	for (size_t i = 0; i < all->count; i++) {
		const struct look *l = &all->at[i];
		if (l->cause != cause)
			continue;
		rtts[r.count++] = l->now->rtt_us;
		r.fixed_send += l->fixed_send;
		r.fixed_receive += l->fixed_receive;
		r.retransmits += l->retransmits;
	}
	qsort(rtts, r.count, sizeof(*rtts), double_compare);
	r.rtt = r.count ? rtts[r.count / 2] : NAN;
	return r;
}

static void causes_table(struct finding *f, const struct row rows[CAUSES])
{
	finding_table(f, "limited by");
	finding_column(f, "connections", "");
	finding_column(f, "fixed send buffer", "");
	finding_column(f, "RTT, median", "us");
	finding_column(f, "retransmissions", "");
	for (size_t i = 0; i < CAUSES; i++) {
		if (!rows[i].count)
			continue;
		double *value = finding_row(f, causes[i]);
		value[0] = (double)rows[i].count;
		value[1] = (double)rows[i].fixed_send;
		value[2] = rows[i].rtt;
		value[3] = (double)rows[i].retransmits;
	}
}

static void causes_text(struct wording *w, const struct row rows[CAUSES])
{
	char text[WORDING_TEXT] = "";
	for (size_t i = 0; i < CAUSES; i++)
		if (rows[i].count)
			report_append(text, "%s%s by %s", text[0] ? ", " : "",
				      quantity_count(rows[i].count).text, causes[i]);
	wording_set(w, "causes", "%s", text);
}

static void fixed_words(struct wording *w, const struct row rows[CAUSES])
{
	size_t send = 0, receive = 0;
	for (size_t i = 0; i < CAUSES; i++) {
		send += rows[i].fixed_send;
		receive += rows[i].fixed_receive;
	}
	wording_set(w, "send", "%s", send ? quantity_count(send).text : "");
	wording_set(w, "receive", "%s", receive ? quantity_count(receive).text : "");
}

static int by_share(const void *a, const void *b)
{
	const struct look *x = a, *y = b;
	if (x->share != y->share)
		return x->share < y->share ? 1 : -1;
	if (x->retransmits != y->retransmits)
		return x->retransmits < y->retransmits ? 1 : -1;
	return ORDER(y->now->unsent, x->now->unsent);
}

/* The connections that are limited most, by address. */
static void judge_worst(struct looks *all, struct report *r)
{
	struct wording words = {0};
	char text[WORDING_TEXT] = "";
	size_t count = 0;
	qsort(all->at, all->count, sizeof(*all->at), by_share);
	while (count < NAMED && count < all->count && all->at[count].cause != APPLICATION)
		count++;
	for (size_t i = 0; i < count; i++) {
		char peer[ENDPOINT_TEXT];
		const struct look *l = &all->at[i];
		report_append(text, "%s%s", i ? ", " : "", endpoint_format(peer, &l->now->peer));
		if (i + 1 == count || all->at[i + 1].cause != l->cause)
			report_append(text, " by %s", causes[l->cause]);
	}
	if (!count)
		return;
	wording_set(&words, "worst", "%s", text);
	wording_flag(&words, "several", count > 1);
	struct finding *f = report_finding(r, "live.worst", &words);
	finding_table(f, "peer");
	finding_column(f, "limited", "% of the time");
	finding_column(f, "RTT", "us");
	finding_column(f, "retransmissions", "");
	finding_column(f, "not sent", "B");
	for (size_t i = 0; i < count; i++) {
		char peer[ENDPOINT_TEXT];
		const struct look *l = &all->at[i];
		double *value = finding_row(f, endpoint_format(peer, &l->now->peer));
		value[0] = rint(l->share * 100);
		value[1] = l->now->rtt_us;
		value[2] = (double)l->retransmits;
		value[3] = l->now->unsent;
	}
}

static void judge_causes(const struct sample *after, struct looks *all, double seconds,
			 struct report *r)
{
	const struct subject *s = after->subject;
	struct wording words = {0};
	struct row rows[CAUSES];
	for (size_t i = 0; i < CAUSES; i++)
		rows[i] = row_of(all, (enum cause)i);
	wording_set(&words, "who", "%s", s->name[0] ? s->name : "the server");
	wording_set(&words, "count", "%s", quantity_count(all->count).text);
	wording_set(&words, "window", "%s", quantity_seconds(seconds).text);
	wording_flag(&words, "several", all->count > 1);
	wording_flag(&words, "more", after->states->more);
	wording_flag(&words, "peer", rows[PEER_WINDOW].count);
	wording_flag(&words, "buffer", rows[SEND_BUFFER].count);
	wording_flag(&words, "path", rows[CONGESTION].count + rows[LOSS].count);
	wording_flag(&words, "unread", rows[UNREAD].count);
	causes_text(&words, rows);
	fixed_words(&words, rows);
	causes_table(report_finding(r, "live.causes", &words), rows);
}

/* Most of the connections on which clients have ever sent something have waited for longer than the
 * stall of the target: some servers do not read the next request while they answer one. */
static void judge_unread(const struct sample *after, const struct looks *all, double stall_s,
			 struct report *r)
{
	const struct subject *s = after->subject;
	struct wording words = {0};
	size_t stuck = 0, busy = 0, heard = 0;
	size_t any = 0; /* also of those that are not in both looks */
	double waited = INFINITY;
	for (size_t i = 0; i < after->states->count; i++)
		any += after->states->at[i].heard && !after->states->at[i].left;
	for (size_t i = 0; i < all->count; i++) {
		const struct look *l = &all->at[i];
		double since = l->now->data_ms / 1e3;
		busy += l->busy;
		heard += l->now->heard;
		if (!l->stuck || since <= stall_s)
			continue;
		stuck++;
		waited = fmin(waited, since);
	}
	if (stuck < UNREAD_MIN || 2 * stuck <= heard)
		return;
	wording_set(&words, "who", "%s", s->name[0] ? s->name : "the server");
	wording_set(&words, "pid", "%s", s->pid ? quantity_plain((uint64_t)s->pid).text : "");
	wording_set(&words, "stuck", "%s", quantity_count(stuck).text);
	wording_set(&words, "count", "%s", quantity_count(all->count).text);
	wording_flag(&words, "more", after->states->more);
	wording_set(&words, "busy", "%s", busy ? quantity_count(busy).text : "");
	wording_set(&words, "waited", "%s", quantity_seconds(waited).text);
	struct finding *f = report_finding(r, "live.unread", &words);
	finding_evidence(f, "connections with unread data", "connections", (double)stuck, NAN);
	finding_evidence(f, "connections with data in between", "connections", (double)busy, NAN);
	/* A server that works on some of them has read these. */
	if (stuck == any && !after->states->more && waited >= PATIENCE_S)
		f->level = LEVEL_CRITICAL;
}

/* By the share of those that were looked at. */
static void judge_left(const struct sample *after, struct report *r)
{
	const struct subject *s = after->subject;
	const struct connection_states *states = after->states;
	struct wording words = {0};
	size_t left = 0;
	for (size_t i = 0; i < states->count; i++)
		left += states->at[i].left;
	if (after->left < LEFT_MIN || left * LEFT_PART < states->count)
		return;
	wording_set(&words, "who", "%s", s->name[0] ? s->name : "the server");
	wording_set(&words, "pid", "%s", s->pid ? quantity_plain((uint64_t)s->pid).text : "");
	wording_set(&words, "left", "%s", quantity_count(after->left).text);
	wording_set(&words, "time", "%s", quantity_seconds(CONNECTION_LEFT_MS / 1e3).text);
	struct finding *f = report_finding(r, "live.unclosed", &words);
	finding_evidence(f, "connections that clients have closed", "connections",
			 (double)after->left, NAN);
}

static void observation_judge(const struct sample *before, const struct sample *after,
			      const struct moment *m, struct report *r)
{
	if (after->subject)
		judge_left(after, r);
	if (m->seconds <= 0 || !before->subject || !after->subject || !after->states->timed)
		return;
	CLEAN(free_pointer) struct looks *all = calloc(1, sizeof(*all));
	if (all)
		looks_make(before, after, all);
	if (!all || !all->count)
		return;
	judge_unread(after, all, moment_stall_s(m), r);
	judge_causes(after, all, m->seconds, r);
	judge_worst(all, r);
}

static const struct observation observation = {
	.size = sizeof(struct sample),
	.window = true,
	.sample = sample_take,
	.release = sample_release,
	.judge = observation_judge,
};

const struct probe probe_live = {
	.name = "live",
	.summary = "what limits the open connections of the server that --server names",
	.mode = PROBE_FIRST,
	.place = PROBE_HOST,
	.observation = &observation,
};
