/* Measures the throughput that one connection of the operator's server (check --run) has over the
 * target's round trip: replies of HTTP that follow each other without a pause, or an echo.
 *
 * A server that sets SO_SNDBUF keeps the kernel from growing the buffer, and at most a whole buffer
 * is sent in each round trip. The kernel counts the time that the buffer was the limit (tcp_info):
 * where it was not, a slow connection may be the machine's fault, and proves nothing. */
#include "epolltune/probe.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/connections.h"
#include "epolltune/guest_load.h"
#include "epolltune/knob.h"
#include "epolltune/quantity.h"
#include "epolltune/task.h"
#include "epolltune/wire.h"

#define WMEM "net.ipv4.tcp_wmem"
/* The client must not be the limit, and newer kernels refuse less than a page first. */
#define AMPLE "65536 131072 536870912"
/* Shorter round trips than the target's show the same window more precisely. */
#define RTT_MIN_US 20000u
#define RTT_MAX_US 500000u
/* Of the needed window: what the wire carries, beyond the margin. */
#define PACE 2
#define WINDOW_MAX (UINT64_C(64) << 20)
#define SPEED_MAX_BPS 800000000u
/* Requests in flight, so that the next reply begins where one ends. */
#define PIPELINE 16
#define CHUNK 65536
#define CONNECT_MS 5000
/* Round trips of the whole run, and of its end, which counts. */
#define ROUNDS 16
#define LAST 5
/* Minimum share of the time for which something was the limit. */
#define LIMITED 0.5

enum { WINDOW, BUFFER, SNDBUF };

/* The client, in the lab's memory. */
struct pull {
	union endpoint to;
	struct protocol_request request;
	_Atomic uint64_t received, replies;
	_Atomic int error; /* errno; EPIPE: the server closed the connection */
};

/* One moment of it. */
struct moment_seen {
	uint64_t us, received, replies;
	uint64_t busy_us, window_us, buffer_us; /* as struct connection_state has them */
	uint32_t buffer, unsent;
	bool connected;
};

/* What the server's host shows, in the lab's memory. */
struct seen {
	uint64_t port;
	struct connection_states all;
};

struct context {
	struct moment_seen at[ROUNDS];
	bool behind; /* the wire was the limit of its end */
};

static uint64_t window_needed(const struct target *t) { return target_window(t); }

/* Of a target that is not refused: all of it. */
static uint64_t window_tried(const struct target *t)
{
	uint64_t needed = window_needed(t);
	return needed < WINDOW_MAX ? needed : WINDOW_MAX;
}

static uint64_t wire_rtt_us(const struct target *t)
{
	uint64_t rtt = t->rtt_us;
	uint64_t slowest = window_tried(t) * 8 * 1000000 / SPEED_MAX_BPS;
	if (rtt < slowest)
		rtt = slowest;
	return rtt < RTT_MIN_US ? RTT_MIN_US : rtt > RTT_MAX_US ? RTT_MAX_US : rtt;
}

static void throughput_shape(const struct target *t, struct lab_options *lab)
{
	lab->rtt_us = wire_rtt_us(t);
	lab->bandwidth_bps = PACE * window_tried(t) * 8 * 1000000 / lab->rtt_us;
}

static const char *throughput_refuses(const struct target *t)
{
	return window_needed(t) <= WINDOW_MAX && t->rtt_us <= RTT_MAX_US
		       ? NULL
		       : "the wire carries windows of at most 64 MiB over at most 500 ms";
}

/* What is sent: the requests that have no reply yet, or for an echo as much as it takes. */
struct sending {
	uint64_t sent;
	struct reply reply;
};

static bool may_send(const struct pull *p, const struct sending *s)
{
	return !p->request.size || s->sent < (p->replies + PIPELINE) * p->request.size;
}

static int pull_send(struct pull *p, struct sending *s, int fd)
{
	static const char letters[CHUNK] = "echo";
	size_t at = p->request.size ? s->sent % p->request.size : 0;
	const char *text = p->request.size ? p->request.text + at : letters;
	size_t size = p->request.size ? p->request.size - at : sizeof(letters);
	ssize_t n = send(fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN ? 0 : errno;
	s->sent += (uint64_t)n;
	return 0;
}

static int pull_receive(struct pull *p, struct sending *s, int fd)
{
	static char data[CHUNK];
	ssize_t n = recv(fd, data, sizeof(data), MSG_DONTWAIT);
	if (n <= 0)
		return !n ? EPIPE : errno == EAGAIN ? 0 : errno;
	p->received += (uint64_t)n;
	for (ssize_t at = 0; p->request.size && at < n;) {
		ssize_t took =
			reply_read(&s->reply, p->request.protocol, data + at, (size_t)(n - at));
		if (took < 0)
			return EPROTO;
		at += took;
		if (s->reply.error)
			return EBADMSG;
		if (!s->reply.complete)
			continue;
		p->replies++;
		s->reply = (struct reply){0};
	}
	return 0;
}

static int pull_main(struct task_port *port, void *arg)
{
	struct pull *p = arg;
	struct sending s = {0};
	CLEAN(close_fd) int fd = socket(p->to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &p->to.any, endpoint_size(&p->to)))
		return err_errno(&port->e, "connect to the server");
	task_answer(port, 0, NULL, NULL, 0);
	while (!p->error) {
		struct pollfd fds[] = {{fd, (short)(POLLIN | (may_send(p, &s) ? POLLOUT : 0)), 0},
				       {port->channel, POLLIN | POLLRDHUP, 0}};
		poll(fds, 2, -1);
		if (fds[1].revents)
			break;
		int code = fds[0].revents & POLLOUT ? pull_send(p, &s, fd) : 0;
		if (!code && fds[0].revents & ~POLLOUT)
			code = pull_receive(p, &s, fd);
		p->error = code;
	}
	char end;
	task_hear(port, &end, sizeof(end));
	return 0;
}

static bool at_port(const struct listener *l, void *port)
{
	return l->port == *(const uint64_t *)port;
}

static int call_states(struct host *h, void *arg, struct err *e)
{
	struct seen *s = arg;
	CLEAN(listeners_free) struct listeners l = {0};
	int rc = listeners_read_tcp(h, &l, e);
	return rc ? rc : connections_states(h, &l, at_port, &s->port, &s->all, e);
}

static int look(struct trial *t, const struct pull *p, struct seen *s, struct moment_seen *m,
		struct err *e)
{
	s->all.count = 0;
	int rc = lab_call(t->lab, LAB_SERVER, call_states, s, e);
	const struct connection_state *c = s->all.at;
	*m = (struct moment_seen){.us = clock_ns() / 1000,
				  .received = p->received,
				  .replies = p->replies,
				  .connected = !rc && s->all.count};
	if (!m->connected)
		return rc;
	m->busy_us = c->busy_us;
	m->window_us = c->window_us;
	m->buffer_us = c->buffer_us;
	m->buffer = c->send_buffer;
	m->unsent = c->unsent;
	return 0;
}

static int pull_watch(struct trial *t, const struct pull *p, struct err *e)
{
	struct seen *s = lab_alloc(t->lab, sizeof(*s), e);
	struct wire_way before[2] = {0};
	int rc = s ? 0 : -ENOMEM;
	if (s)
		s->port = t->options->guest->port;
	for (size_t i = 0; i < ROUNDS && !rc; i++) {
		if (i == ROUNDS - LAST)
			memcpy(before, lab_wire_look(t->lab)->way, sizeof(before));
		clock_sleep_us(wire_rtt_us(t->target));
		rc = look(t, p, s, &t->context->at[i], e);
	}
	const struct wire_stats *wire = lab_wire_look(t->lab);
	t->context->behind = wire_limits(before, wire, wire_rtt_us(t->target));
	return rc;
}

static void small_text(uint64_t each, char text[96])
{
	snprintf(text, 96, "replies of %s do not fill the path; give a larger one by --path",
		 quantity_show(QUANTITY_SIZE, each).text);
}

/* Why what was received shows nothing; NULL: it does. */
static const char *pull_lacks(const struct trial *t, const struct pull *p, char text[96])
{
	uint64_t replies = p->replies, each = replies ? p->received / replies : 0;
	if (p->error == EBADMSG)
		return "the reply is an error";
	if (p->error)
		return client_failure(p->error);
	if (!p->request.size || !replies || each * PIPELINE >= 2 * window_needed(t->target))
		return NULL;
	small_text(each, text);
	return text;
}

static int64_t wmem_max(const struct trial *t)
{
	char value[KNOB_VALUE];
	int64_t max = 0;
	if (lab_knob_get(t->lab, LAB_SERVER, WMEM, value, sizeof(value), NULL) ||
	    knob_field(value, 2, &max))
		return 0;
	return max;
}

/* Why less was carried, where the send buffer is not shown to be the limit. */
static void unexplained(struct outcome *out, const char *why)
{
	outcome_inconclusive(out, "one connection carried %s, but %s",
			     quantity_speed((double)out->reached).text, why);
}

/* What two moments show. `behind`: the wire was the limit. Only the kernel's count of the time for
 * which the send buffer was full makes it the limit: a server without CPU time carries little, too.
 * Pure. */
static void throughput_judge(const struct target *target, const struct moment_seen *begin,
			     const struct moment_seen *end, bool behind, uint64_t needed,
			     struct outcome *out)
{
	double elapsed = (double)(end->us - begin->us), rtt = (double)wire_rtt_us(target);
	double window = (double)(end->received - begin->received) / elapsed * rtt;
	bool seen = end->connected && begin->connected;
	double busy = seen ? (double)(end->busy_us - begin->busy_us) / elapsed : 0;
	double peer = seen ? (double)(end->window_us - begin->window_us) / elapsed : 0;
	double buffer = seen ? (double)(end->buffer_us - begin->buffer_us) / elapsed : 0;
	bool limited = buffer >= LIMITED && begin->buffer == end->buffer;
	/* On a busy machine the round trip is longer than that of the wire. */
	if (limited && window > end->buffer)
		window = end->buffer;
	out->reached = (int64_t)(window * 1e6 / (double)target->rtt_us);
	out->limit_met = limited;
	out->measured = true;
	out->metric[WINDOW] = round(window);
	out->metric[BUFFER] = end->buffer;
	out->metric[SNDBUF] = round(100 * buffer);
	/* A buffer smaller than the window is the limit on any machine. */
	double enough = (double)report_margin(needed) * (double)target->rtt_us / 1e6;
	if (out->reached >= (int64_t)report_margin(needed))
		return;
	if (behind && (!limited || end->buffer >= enough))
		unexplained(out, "the wire was the limit: this machine was too busy");
	else if (limited)
		return;
	else if (!seen)
		unexplained(out, "the connection was not visible (inet_diag)");
	else if (busy < LIMITED)
		unexplained(out, "the server had nothing to send for most of the time: it, or this "
				 "machine, was busy");
	else if (peer >= LIMITED)
		unexplained(out, "the receive window of the test client was the limit: this "
				 "machine was too busy");
	else
		unexplained(out, "its send buffer was not the limit: the machine was busy, or "
				 "congestion control limited it");
}

/* Where a server answers waiting requests one by one, as HAProxy does, each as the reply before is
 * acknowledged, replies that are smaller than the window leave the path idle: that is no evidence
 * of its buffers. Busy is also a connection whose data is all under way. Pure. */
static bool is_idle_between(const struct target *target, const struct moment_seen *begin,
			    const struct moment_seen *end)
{
	uint64_t replies = end->replies - begin->replies,
		 received = end->received - begin->received;
	double busy = (double)(end->busy_us - begin->busy_us) / (double)(end->us - begin->us);
	bool idle = busy < LIMITED || (!begin->unsent && !end->unsent);
	return end->connected && begin->connected && idle && replies &&
	       received / replies < report_margin(window_needed(target));
}

/* Why what was received between two moments shows nothing; NULL: it does. */
static const char *replies_lack(const struct trial *t, const struct moment_seen *begin,
				const struct moment_seen *end, char text[96])
{
	if (!is_idle_between(t->target, begin, end))
		return NULL;
	small_text((end->received - begin->received) / (end->replies - begin->replies), text);
	return text;
}

static int throughput_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	struct guest *guest = t->options->guest;
	struct pull *p = lab_alloc(t->lab, sizeof(*p), e);
	struct task task = {0};
	char text[96];
	if (!p)
		return -ENOMEM;
	if (guest->from != LAB_CLIENT) {
		outcome_unneeded(out, "the server listens on loopback only");
		return 0;
	}
	*p = (struct pull){.to = guest->to, .request = guest->request};
	trial_progress(t, "one connection over %s",
		       quantity_show(QUANTITY_DURATION, wire_rtt_us(t->target)).text);
	int rc = guest->first.served ? 0 : guest_first_await(guest, e);
	if (!rc)
		rc = task_start(&task, &(struct task_context){t->lab, LAB_CLIENT}, pull_main, p, e);
	if (!rc)
		rc = task_await(&task, NULL, 0, CONNECT_MS, e);
	if (!rc)
		rc = pull_watch(t, p, e);
	const char *lacks = pull_lacks(t, p, text);
	task_end(&task);
	if (!rc)
		rc = guest_check(guest, e);
	if (rc)
		return rc;
	const struct moment_seen *end = &t->context->at[ROUNDS - 1];
	if (!lacks) {
		throughput_judge(t->target, end - LAST, end, t->context->behind, t->needed, out);
		s->taken.own_buffer = end->buffer < wmem_max(t);
		if (out->state == OUTCOME_INCONCLUSIVE)
			lacks = replies_lack(t, end - LAST, end, text);
	}
	if (lacks)
		outcome_unneeded(out, lacks);
	return 0;
}

static void throughput_words(const struct target *target, const struct settings *s,
			     const struct outcome *o, const struct bound *b, struct wording *w)
{
	const struct server_row *server = subject_row(s->subject);
	bool known = o && o->reached != REPORT_NONE;
	wording_set(w, "who", "%s", s->subject ? s->subject->name : "");
	wording_set(w, "why", "%s", o && o->state == OUTCOME_UNNEEDED ? o->why : "");
	wording_flag(w, "own", s->taken.own_buffer);
	wording_set(w, "carried", "%s", known ? quantity_speed((double)o->reached).text : "");
	wording_set(w, "buffer", "%s",
		    known ? quantity_show(QUANTITY_SIZE, (uint64_t)o->metric[BUFFER]).text : "");
	wording_set(w, "window", "%s",
		    known ? quantity_show(QUANTITY_SIZE, (uint64_t)o->metric[WINDOW]).text : "");
	wording_set(w, "server", "%s", server ? server->name : "");
	wording_set(w, "line", "%s", server && server->send_line ? server->send_line : "");
}

static bool throughput_applies(const struct target *target, const struct probe_options *o)
{
	return o->guest && !o->guest->socket &&
	       (o->guest->protocol == PROTOCOL_HTTP || o->guest->protocol == PROTOCOL_ECHO);
}

static struct cost throughput_cost(const struct target *t, const struct settings *s,
				   const struct bound *b)
{
	uint64_t in_flight = PACE * window_tried(t);
	return (struct cost){.bytes_per_s = in_flight * 1000000 / wire_rtt_us(t),
			     .flow_bytes = in_flight};
}

static const struct experiment experiments[] = {
	{
		.wall = "application.throughput",
		.spread = GUEST_SPREAD,
		.again = 2,
		.due = true,
		.metrics = {[WINDOW] = {"window in flight", "B"},
			    [BUFFER] = {"send buffer", "B"},
			    [SNDBUF] = {"sndbuf_limited", "% of the time"}},
		.applies = throughput_applies,
		.words = throughput_words,
		.cost = throughput_cost,
		.run = throughput_run,
	},
	{0},
};

static int throughput_prepare(struct trial *t, struct err *e)
{
	return lab_knob_set(t->lab, LAB_CLIENT, "net.ipv4.tcp_rmem", AMPLE, e);
}

const struct probe probe_throughput = {
	.name = "throughput",
	.summary = "one connection of the server of --run over the target's RTT",
	.mode = PROBE_EXCLUSIVE,
	.place = PROBE_LAB,
	.guest = GUEST_FAR,
	.lab = {.wire = LAB_WIRE_DELAY},
	.shape = throughput_shape,
	.refuses = throughput_refuses,
	.context_size = sizeof(struct context),
	.prepare = throughput_prepare,
	.experiments = experiments,
};
