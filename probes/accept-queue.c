/* Measures the accept queue: connections that arrive while the server stalls wait in it. Beyond its
 * limit the kernel drops SYNs, and clients retransmit them after 1 s.
 *
 * The server stays stalled until all arrivals are sent, so the result is a count and does not
 * depend on time. The kernel tests `len > backlog` (include/net/sock.h, sk_acceptq_is_full()), so a
 * queue holds min(listen argument, somaxconn) + 1. That of a UNIX socket too: it refuses clients.
 */
#include "epolltune/clock.h"
#include "epolltune/counters.h"
#include "epolltune/probe.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/knob_value.h"
#include "epolltune/listener.h"
#include "epolltune/quantity.h"
#include "epolltune/task.h"

/* How long clients wait at most. */
#define PATIENCE_S 30
#define ABORT "net.ipv4.tcp_abort_on_overflow"

/* Maximum number of arrivals to send. */
#define STALL_ARRIVALS 32768
#define STALL_STEPS 16
/* Maximum number of clients beyond the target's arrivals, to find the end of the queue. */
#define FILL_CONNECTIONS 8192
#define FILL_STEP 512
/* Time for them: what has not overflowed by then holds at least what waits. */
#define FILL_MS 15000
/* Maximum time to send the arrivals, also at a low target rate: the queue only counts them. */
#define STALL_SEND_MS 200
#define STALL_SEND_TIMEOUT_MS 8000
/* Time for clients whose SYN was dropped: they retransmit first after 1 s (RFC 6298). */
#define STALL_LATE_MS 1400
/* After a run in which clients did not arrive: the machine was busy. */
#define STALL_AGAIN 2
/* Time for all clients in the queue. */
#define STALL_QUEUED_MS 8000

enum { OVERFLOWS, SERVED, LAST_IN };
enum { REFUSED };
/* Client pools: the arrivals, and the clients that find the end of the queue. */
enum { ARRIVALS, BEYOND };

struct context {
	/* One stall of the server with clients arriving. */
	struct stall {
		uint64_t arrivals;
		uint64_t step;          /* clients that arrive at a time until the queue is full */
		uint64_t fill_step;     /* and of the further ones: each takes some scheduling */
		uint64_t arrived;       /* of them, at the end of the stall: queued or dropped */
		uint64_t dropped;       /* likewise */
		uint64_t capacity;      /* depth of the queue at overflow; 0: no overflow */
		uint64_t reached;       /* maximum depth */
		uint64_t served;        /* arrivals, at the end of the experiment */
		bool unwatched;         /* it ended with the stall: `served` are those queued */
		uint64_t last_in_us;    /* from the end of the stall to the last client served */
		uint64_t accepts_per_s; /* while the server drained the queue */
		int64_t overflows;      /* ListenOverflows of the arrivals; -1: unknown */
		int64_t all_overflows;  /* with those of further clients */
		struct curve_line course;
	} stall;
};

/* How long to wait for the clients, in ms. */
static uint64_t stall_patience_ms(const struct stall *s)
{
	return s->dropped ? STALL_LATE_MS + s->arrivals / 20 : STALL_QUEUED_MS;
}

/* The operator's server (--run), or the test server. */
static int queue_settle(struct trial *t, uint64_t sent, struct server_queue *out, struct err *e)
{
	struct guest_queue q;
	if (!t->options->guest)
		return server_settle(t->server, sent, out, e);
	int rc = guest_queue_settle(t->options->guest, sent, &q, e);
	*out = (struct server_queue){q.depth, q.limit, q.drops};
	return rc;
}

/* Half of the queue at most; small steps show its course. */
static uint64_t stall_step(int64_t capacity, uint64_t arrivals)
{
	uint64_t half = capacity > 2 ? (uint64_t)capacity / 2 : 1;
	uint64_t step = arrivals / STALL_STEPS < half ? arrivals / STALL_STEPS : half;
	return step ? step : 1;
}

/* Opens `count` clients. Handshakes that are under way when the queue gets full stay half open:
 * more of them than the SYN queue holds would make the kernel log a SYN flood. So few arrive at a
 * time, until the kernel drops SYNs at once, or until none of them arrives. `before`: clients sent
 * earlier. */
static int stall_open(struct trial *t, struct client *client, uint64_t count, uint64_t pace,
		      uint64_t before, struct server_queue *queue, struct err *e)
{
	uint64_t sent = 0;
	bool arrived = true;
	int rc = 0;
	*queue = (struct server_queue){0};
	while (!rc && arrived && sent < count) {
		uint64_t step = t->context->stall.step, seen = queue->depth + queue->drops;
		if (queue->drops || step > count - sent)
			step = count - sent;
		rc = client_open(client, step, pace, STALL_SEND_TIMEOUT_MS, e);
		sent += step;
		if (!rc)
			rc = queue_settle(t, before + sent, queue, e);
		arrived = queue->depth + queue->drops > seen;
		if (!rc)
			curve_point(&t->context->stall.course, (double)(before + sent),
				    (double)queue->depth);
	}
	return rc;
}

/* Sends the arrivals to the stalled server and counts those queued and dropped. */
static int stall_arrive(struct trial *t, struct stall *s, struct err *e)
{
	struct server_queue queue;
	uint64_t pace = s->arrivals * 1000 / STALL_SEND_MS + 1;
	if (t->target->rate_per_s > pace)
		pace = t->target->rate_per_s;
	trial_progress(t, "%s clients arrive at a stalled server",
		       quantity_count(s->arrivals).text);
	int rc = stall_open(t, t->clients[ARRIVALS], s->arrivals, pace, 0, &queue, e);
	if (!rc)
		rc = client_check(t->clients[ARRIVALS], e);
	if (rc)
		return rc;
	s->arrived = queue.depth + queue.drops;
	if (!s->arrived)
		return err_set(e, EIO, "none of %s clients reached the server",
			       quantity_show(QUANTITY_COUNT, s->arrivals).text);
	s->reached = queue.depth;
	/* The kernel counts a SYN at each retransmission, so count the clients not queued. */
	if (queue.drops && queue.depth < s->arrivals) {
		s->dropped = s->arrivals - queue.depth;
		s->capacity = queue.depth;
	}
	return 0;
}

/* Sends further clients, if any, until the queue overflows. */
static int stall_fill(struct trial *t, struct stall *s, struct err *e)
{
	struct client *beyond = t->clients[BEYOND];
	uint64_t until = clock_ms() + FILL_MS;
	s->step = s->step > s->fill_step ? s->step : s->fill_step;
	while (beyond && !s->capacity && beyond->opened < beyond->config.connections &&
	       clock_ms() < until) {
		struct server_queue queue;
		trial_progress(t, "further clients, after %s",
			       quantity_count(s->arrivals + beyond->opened).text);
		int rc = stall_open(t, beyond, FILL_STEP, 0, s->arrivals + beyond->opened, &queue,
				    e);
		if (rc)
			return rc;
		s->reached = queue.depth;
		if (queue.drops)
			s->capacity = queue.depth;
	}
	return 0;
}

/* Clients retransmit the dropped SYNs in bursts: the server listens again with a queue that holds
 * them. In place it cannot, and the experiment ends before. */
static void stall_widen(struct trial *t)
{
	static const struct trial_knob list[] = {{"net.core.somaxconn", "65535"}, {0}};
	if (lab_private(t->lab))
		trial_knobs(t, LAB_SERVER, list, NULL);
}

/* Resumes the server and waits for its clients. */
static int stall_drain(struct trial *t, struct stall *s, struct err *e)
{
	const struct client *client = t->clients[ARRIVALS];
	struct server_queue alive;
	struct guest *guest = t->options->guest;
	s->unwatched = s->dropped && !lab_private(t->lab) && !t->options->kernel_log;
	if (s->unwatched) {
		s->served = s->arrivals - s->dropped;
		return 0;
	}
	trial_progress(t, "the server accepts what waits");
	if (!guest)
		stall_widen(t);
	int rc = guest ? program_signal(&guest->program, SIGCONT, e) : server_resume(t->server, e);
	uint64_t resumed = clock_ns();
	if (rc)
		return rc;
	client_await(client, s->arrivals, stall_patience_ms(s));
	/* A server that died would otherwise look like a very slow one. */
	rc = guest ? guest_check(guest, e) : server_queue(t->server, &alive, e);
	if (rc)
		return rc;
	struct client_sum sum = client_sum(client);
	s->served = sum.opened;
	s->last_in_us = sum.last_opened_ns > resumed ? (sum.last_opened_ns - resumed) / 1000 : 0;
	if (guest)
		return 0;
	struct server_sum server = server_sum(t->server);
	uint64_t accepted = server.accepted, last = server.last_accept_ns;
	if (s->served == s->arrivals && !s->dropped && last > resumed)
		s->accepts_per_s = (uint64_t)((double)accepted * 1e9 / (double)(last - resumed));
	return 0;
}

/* `fill`: number of further clients, to find the end of the queue; 0: only the arrivals. */
static int stall_run(struct trial *t, int backlog, uint64_t fill, struct stall *s, struct err *e)
{
	CLEAN(trial_counters_free) struct trial_counters counters = {0};
	struct guest *guest = t->options->guest;
	struct client_config clients = {.connections = s->arrivals, .await_greeting = !guest};
	const struct server_config stalled = {
		.backlog = backlog, .paused = true, .greet_and_close = true};
	int rc = guest ? 0 : trial_server(t, stalled, e);
	if (!rc)
		rc = trial_client(t, clients, e);
	clients.connections = fill;
	/* With a low RLIMIT_NOFILE the end of the queue may be out of reach. */
	if (!rc && fill)
		rc = trial_client_optional(t, clients, e);
	if (!rc)
		rc = trial_counters_begin(t, LAB_SERVER, &counters, e);
	if (!rc)
		rc = stall_arrive(t, s, e);
	if (!rc)
		rc = trial_counters_end(t, &counters, e);
	if (rc)
		return rc;
	s->overflows = trial_counters_growth(&counters, COUNTER_LISTEN_OVERFLOWS);
	if (s->arrived < s->arrivals)
		return 0;
	rc = stall_fill(t, s, e);
	if (!rc)
		rc = trial_counters_end(t, &counters, e);
	s->all_overflows = trial_counters_growth(&counters, COUNTER_LISTEN_OVERFLOWS);
	return rc ? rc : stall_drain(t, s, e);
}

/* The further clients that find the end of the queue; 0 if it is too far away. */
static uint64_t fill_beyond(int64_t capacity, uint64_t needed)
{
	uint64_t end = (uint64_t)capacity + FILL_STEP;
	uint64_t fill = end > needed ? end - needed : 0, allowed = STALL_ARRIVALS - needed;
	if (fill > FILL_CONNECTIONS)
		fill = report_margin(needed) - needed + FILL_STEP;
	fill = (fill + FILL_STEP - 1) / FILL_STEP * FILL_STEP;
	return fill < allowed ? fill : allowed / FILL_STEP * FILL_STEP;
}

static struct cost queue_cost(const struct target *target, const struct settings *s,
			      const struct bound *b)
{
	return (struct cost){.clients = target_accept_queue(target), .clients_max = STALL_ARRIVALS};
}

/* The SYN queue of a machine without SYN cookies must not drop what this one would hold. Where
 * /proc/sys is read-only it may. */
static void syn_queue_raise(struct trial *t)
{
	static const struct trial_knob list[] = {{"net.ipv4.tcp_max_syn_backlog", "1048576"}, {0}};
	if (lab_private(t->lab))
		trial_knobs(t, LAB_SERVER, list, NULL);
}

/* SYNs are dropped for other reasons too: this queue's own counter grew, or it is as full as it can
 * be. */
static bool stall_is_full(const struct stall *s, int64_t bound)
{
	return s->all_overflows > 0 || (int64_t)s->capacity == bound;
}

/* Whether the run shows nothing of this queue; the outcome says why. Pure. */
static bool stall_fails(const struct stall *s, int64_t bound, struct outcome *out)
{
	/* Those that are neither queued nor dropped have not arrived in time. */
	if (s->arrived < s->arrivals)
		outcome_inconclusive(out, "only %s of %s clients reached the server",
				     quantity_count(s->arrived).text,
				     quantity_count(s->arrivals).text);
	else if (s->capacity && !stall_is_full(s, bound))
		outcome_inconclusive(out,
				     "SYNs were dropped while %s waited, but not by "
				     "this queue: ListenOverflows did not grow",
				     quantity_of(s->capacity, "connection").text);
	else
		return false;
	return true;
}

/* As trial_guest_refuses(), and stops the server: SIGSTOP is a stall that any server has. */
static bool guest_refuses(struct trial *t, const struct settings *s, enum listener_kind kind,
			  struct outcome *out, int *rc, struct err *e)
{
	if (trial_guest_refuses(t, s, kind, out, rc, e))
		return true;
	*rc = program_signal(&t->options->guest->program, SIGSTOP, e);
	return *rc;
}

static int queue_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	int64_t capacity = t->bound->capacity;
	struct stall *stall = &t->context->stall;
	const char *why = backlog_untestable(s);
	int rc = 0;
	if (why) {
		outcome_unsupported(out, "%s", why);
		return 0;
	}
	if (t->options->guest && guest_refuses(t, s, LISTENER_TCP, out, &rc, e))
		return rc;
	*stall = (struct stall){.arrivals = t->needed,
				.step = stall_step(capacity, t->needed),
				.fill_step = stall_step(capacity, (uint64_t)capacity),
				.overflows = -1};
	curve_point(&stall->course, 0, 0);
	uint64_t fill = t->proof ? 0 : fill_beyond(capacity, t->needed);
	syn_queue_raise(t);
	rc = stall_run(t, (int)s->at[BACKLOG_ARGUMENT][0], fill, stall, e);
	if (rc)
		return rc;
	if (stall_fails(stall, capacity, out))
		return 0;
	out->limit_met = stall->capacity;
	out->reached = (int64_t)(stall->capacity ? stall->capacity : stall->reached);
	out->metric[OVERFLOWS] =
		stall->overflows >= 0 ? (double)stall->overflows : (double)stall->dropped;
	out->metric[SERVED] = (double)stall->served;
	out->course = stall->course;
	if (stall->served == stall->arrivals)
		out->metric[LAST_IN] = (double)stall->last_in_us;
	if (stall->accepts_per_s && !t->options->gentle)
		report_text(out->remark, "After the stall the test server accepted %s.",
			    quantity_measured(QUANTITY_RATE, stall->accepts_per_s).text);
	return 0;
}

/* "903 dropped, the last client connected 1.04 s after the stall" */
static void stall_result(const struct stall *s, char *text, size_t size)
{
	uint64_t out = s->arrivals - s->served;
	uint64_t us = out ? stall_patience_ms(s) * 1000 : s->last_in_us;
	report_append_to(text, size, "%s dropped", quantity_count(s->dropped).text);
	if (s->unwatched)
		return;
	if (out)
		report_append_to(text, size, ", %s still not connected",
				 quantity_of(out, "client").text);
	else if (us)
		report_append_to(text, size, ", the last client connected");
	else
		report_append_to(text, size, ", all clients connected during the stall");
	if (us)
		report_append_to(text, size, " %s after the stall",
				 quantity_measured(QUANTITY_DURATION, us).text);
}

static void queue_describe(const struct trial *t, const struct outcome *o, char *text, size_t size)
{
	const struct stall *s = &t->context->stall;
	struct quantity_shown stall = quantity_show(QUANTITY_DURATION, t->target->stall_us);
	struct quantity_shown arrivals = quantity_count(s->arrivals);
	text[0] = 0;
	if (t->proof) {
		stall_result(s, text, size);
		return;
	}
	/* The arrivals of a longer stall are sent within STALL_SEND_MS, with --gentle later. */
	if (t->target->stall_us <= STALL_SEND_MS * 1000 && !t->options->gentle)
		report_text_into(text, size,
				 "While the server stalled for %s, %s arrived: ", stall.text,
				 quantity_of(s->arrivals, "client").text);
	else
		report_text_into(text, size,
				 "As many clients as arrive in a stall of %s, %s, arrived while "
				 "the server was stalled: ",
				 stall.text, arrivals.text);
	if (!s->dropped) {
		report_append_to(text, size, "all were queued, with less than 25 %% headroom.");
		return;
	}
	stall_result(s, text, size);
	report_append_to(text, size, " (clients retransmit a dropped SYN after 1 s).");
}

static void queue_words(const struct target *target, const struct settings *s,
			const struct outcome *o, const struct bound *b, struct wording *w)
{
	backlog_words(target, s, LISTENER_TCP, w);
}

static bool unix_unlisted(const struct subject *s)
{
	return s->listeners.unlisted >> LISTENER_UNIX & 1;
}

/* Whether it has, or may have, a UNIX socket that is not known to be what the target's clients
 * connect to: many are for control. */
static bool unix_beside(const struct subject *s)
{
	return !subject_is_local(s) && (subject_listens(s, LISTENER_UNIX) || unix_unlisted(s));
}

static bool unix_applies(const struct target *t, const struct probe_options *o)
{
	const struct subject *s = o->subject;
	return subject_is_local(s) || (s && !o->guest && unix_beside(s));
}

static void unix_read(const struct host *h, struct settings *s)
{
	const struct listener *l = subject_queue(s->subject, LISTENER_UNIX).smallest;
	if (!l)
		return;
	s->at[BACKLOG_ARGUMENT][0] = backlog_of_listener(l);
	snprintf(s->text[BACKLOG_ARGUMENT], sizeof(s->text[0]), "%" PRId64,
		 s->at[BACKLOG_ARGUMENT][0]);
}

static void unix_bound(const struct target *target, const struct settings *s, struct bound *b)
{
	backlog_subject_bound(s, LISTENER_UNIX, b);
	if (unix_beside(s->subject))
		b->state = BOUND_BESIDE;
}

static bool unix_solve(const struct target *target, const struct settings *now,
		       const struct outcome *o, int64_t enough, struct settings *out)
{
	size_t sockets = subject_queue(now->subject, LISTENER_UNIX).sockets;
	backlog_raise(target, LISTENER_UNIX, (int64_t)subject_part((uint64_t)enough, sockets) - 1,
		      out);
	return true;
}

static void unix_words(const struct target *target, const struct settings *s,
		       const struct outcome *o, const struct bound *b, struct wording *w)
{
	const struct listener *l = subject_queue(s->subject, LISTENER_UNIX).smallest;
	backlog_words(target, s, LISTENER_UNIX, w);
	wording_flag(w, "beside", unix_beside(s->subject));
	wording_set(w, "address", "%s", l ? l->address : "");
}

/* Clients of a UNIX socket whose server accepts none. */
struct unix_stall {
	int backlog;
	uint64_t clients, queued;
	int error; /* of the first connect() that failed; 0: none did */
};

static int unix_listen(int backlog, struct sockaddr_un *a, socklen_t *size)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*size = sizeof(*a);
	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	/* Without a name the kernel gives an abstract one. */
	if (fd < 0 || bind(fd, (struct sockaddr *)a, sizeof(a->sun_family)) ||
	    listen(fd, backlog) || getsockname(fd, (struct sockaddr *)a, size))
		return -1;
	return fd;
}

/* Leaves its sockets open: the task's end closes them. */
static int unix_fill(struct unix_stall *s, struct err *e)
{
	struct sockaddr_un a;
	socklen_t size;
	struct rlimit files;
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (unix_listen(s->backlog, &a, &size) < 0)
		return err_errno(e, "cannot listen at a UNIX socket");
	while (!s->error && s->queued < s->clients) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fd < 0)
			return err_errno(e, "cannot make a client of a UNIX socket");
		if (connect(fd, (struct sockaddr *)&a, size))
			s->error = errno;
		else
			s->queued++;
	}
	return 0;
}

static int unix_main(struct task_port *port, void *arg)
{
	struct err e = {0};
	task_answer(port, unix_fill(arg, &e), &e, NULL, 0);
	return 0;
}

/* As many clients as must be queued, or one more than the queue should hold. */
static uint64_t unix_clients(int64_t capacity, uint64_t needed)
{
	uint64_t end = (uint64_t)capacity + 1, margin = report_margin(needed);
	return end > FILL_CONNECTIONS || end < margin ? margin : end;
}

/* At a test server with the backlog of the running one. */
static int unix_stall_run(struct trial *t, struct unix_stall *stall, struct err *e)
{
	struct task task = {0};
	int rc = task_start(&task, &(struct task_context){t->lab, LAB_SERVER}, unix_main, stall, e);
	if (!rc)
		rc = task_await(&task, NULL, 0, STALL_SEND_TIMEOUT_MS, e);
	task_end(&task);
	return rc;
}

/* At the operator's server (--run), which is stopped. */
static int unix_stall_guest(struct trial *t, struct unix_stall *stall, struct err *e)
{
	struct guest *guest = t->options->guest;
	const struct client_config clients = {.connections = stall->clients};
	int rc = trial_client(t, clients, e);
	if (!rc)
		rc = client_open(t->clients[ARRIVALS], stall->clients, 0, STALL_SEND_TIMEOUT_MS, e);
	if (rc)
		return rc;
	struct client_sum sum = client_sum(t->clients[ARRIVALS]);
	stall->queued = sum.opened;
	stall->error = sum.failed ? sum.first_errno : 0;
	rc = program_signal(&guest->program, SIGCONT, e);
	return rc ? rc : guest_check(guest, e);
}

static int unix_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	struct unix_stall *stall = lab_alloc(t->lab, sizeof(*stall), e);
	const char *why = backlog_untestable(s);
	int rc = 0;
	if (!stall)
		return -ENOMEM;
	if (why)
		outcome_unsupported(out, "%s", why);
	else if (unix_beside(s->subject))
		outcome_unneeded(out, "");
	if (out->state != OUTCOME_CONCLUSIVE)
		return 0;
	if (t->options->guest && guest_refuses(t, s, LISTENER_UNIX, out, &rc, e))
		return rc;
	stall->backlog = (int)s->at[BACKLOG_ARGUMENT][0];
	stall->clients = unix_clients(t->bound->capacity, t->needed);
	trial_progress(t, "%s clients of a UNIX socket", quantity_count(stall->clients).text);
	rc = t->options->guest ? unix_stall_guest(t, stall, e) : unix_stall_run(t, stall, e);
	if (rc)
		return rc;
	if (stall->error && stall->error != EAGAIN)
		return err_set(e, stall->error, "cannot connect to a UNIX socket: %s",
			       strerror(stall->error));
	out->reached = (int64_t)stall->queued;
	out->limit_met = stall->error;
	out->metric[REFUSED] = stall->queued < t->needed ? (double)(t->needed - stall->queued) : 0;
	if (stall->error)
		report_text(out->remark,
			    "In the experiment connect() failed with EAGAIN behind %s.",
			    quantity_of(stall->queued, "connection").text);
	return 0;
}

static void unix_describe(const struct trial *t, const struct outcome *o, char *text, size_t size)
{
	/* The catalogue's text suffices. */
	if (t->proof)
		report_text_into(text, size, "%s of %s refused",
				 quantity_count((uint64_t)o->metric[REFUSED]).text,
				 quantity_count(t->needed).text);
}

static const struct experiment experiments[] = {
	{
		.wall = "accept-queue",
		.again = STALL_AGAIN,
		.knobs = {"net.core.somaxconn", "listen.backlog"},
		.metrics = {{"ListenOverflows", "SYNs"},
			    {"clients served", "connections"},
			    {"last client connected after", "us"}},
		.course = {"Accept queue during the stall",
			   {"clients that have arrived", "clients"},
			   {"connections queued", "connections"}},
		.bound = backlog_bound,
		.solve = backlog_solve,
		.words = queue_words,
		.cost = queue_cost,
		.run = queue_run,
		.describe = queue_describe,
	},
	{
		.wall = "accept-queue.unix",
		.knobs = {"net.core.somaxconn", "listen.backlog"},
		.metrics = {{"clients refused", "connections"}},
		.applies = unix_applies,
		.read = unix_read,
		.bound = unix_bound,
		.solve = unix_solve,
		.words = unix_words,
		.cost = queue_cost,
		.run = unix_run,
		.describe = unix_describe,
	},
	{0},
};

/* The listeners of this network namespace. */
#define LISTENER_NAME 192
/* More are counted. */
#define LISTENERS_NAMED 4

struct sample {
	struct listeners listeners;
	int64_t somaxconn; /* REPORT_NONE: unknown */
	char abort[8];     /* of tcp_abort_on_overflow; "": unknown */
};

/* By its application, not by the kernel. */
static bool listener_is_limited(const struct listener *l, int64_t somaxconn)
{
	return l->kind == LISTENER_TCP && (int64_t)l->limit < somaxconn;
}

/* The owners of those that a note names. */
struct naming {
	int64_t somaxconn;
	size_t named;
};

static bool listener_wanted(const struct listener *l, void *arg)
{
	struct naming *n = arg;
	return listener_is_limited(l, n->somaxconn) && n->named++ < LISTENERS_NAMED;
}

static int sample_take(const struct host *h, const struct probe_options *o, struct sample *s,
		       struct err *e)
{
	char value[KNOB_VALUE];
	s->somaxconn = REPORT_NONE;
	knob_number("net.core.somaxconn", h, &s->somaxconn);
	if (!knob_read(knob_find(ABORT), h, value, NULL))
		report_text(s->abort, "%s", value);
	if (o->subject || listeners_read(h, &s->listeners, NULL))
		return 0;
	struct naming naming = {.somaxconn = s->somaxconn};
	return listeners_own(h, &s->listeners, listener_wanted, &naming, e);
}

static void sample_release(struct sample *s) { listeners_free(&s->listeners); }

/* Whether the backlog is below what the target needs and what the kernel would allow. */
static bool listener_is_small(const struct listener *l, const struct sample *s, uint64_t needed)
{
	const struct process *p = l->owner < 0 ? NULL : &s->listeners.processes[l->owner];
	return l->limit + 1ull < needed && listener_is_limited(l, s->somaxconn) && !(p && p->own);
}

/* Adds only a note: any of the listeners may be the operator's server. */
static void judge_listeners(const struct sample *s, const struct target *target, struct report *r)
{
	uint64_t needed = target_accept_queue(target);
	struct wording words = {0};
	char others[WORDING_TEXT] = "", name[LISTENER_NAME];
	size_t small = 0;
	for (size_t i = 0; s->somaxconn != REPORT_NONE && i < s->listeners.count; i++) {
		const struct listener *l = &s->listeners.at[i];
		if (!listener_is_small(l, s, needed))
			continue;
		if (++small == 1) {
			wording_set(&words, "listener", "%s",
				    listener_name(&s->listeners, l, name, sizeof(name)));
			wording_set(&words, "limit", "%u", l->limit);
		} else if (small <= LISTENERS_NAMED) {
			report_append(others, "%s%s (backlog %u)", others[0] ? ", " : "",
				      listener_name(&s->listeners, l, name, sizeof(name)),
				      l->limit);
		}
	}
	if (!small)
		return;
	if (small > LISTENERS_NAMED)
		report_append(others, " and %zu more", small - LISTENERS_NAMED);
	wording_set(&words, "needed", "%s", quantity_count(needed).text);
	wording_set(&words, "somaxconn", "%lld", (long long)s->somaxconn);
	wording_set(&words, "others", "%s", others);
	report_finding(r, "accept-queue.application", &words);
}

/* A queue above the kernel's default whose last client waits longer than clients do. */
static void judge_length(int64_t somaxconn, const struct target *target, struct report *r)
{
	struct wording words = {0};
	uint64_t rate = target->rate_per_s;
	if (somaxconn <= SOMAXCONN_DEFAULT || !rate || (uint64_t)somaxconn / rate < PATIENCE_S ||
	    (uint64_t)somaxconn <= report_margin(target_accept_queue(target)))
		return;
	wording_set(&words, "limit", "%s", quantity_count((uint64_t)somaxconn).text);
	wording_set(&words, "rate", "%s", quantity_show(QUANTITY_RATE, rate).text);
	wording_set(&words, "wait", "%s", quantity_seconds((double)somaxconn / (double)rate).text);
	report_finding(r, "accept-queue.long", &words);
}

static void observation_judge(const struct sample *before, const struct sample *after,
			      const struct moment *m, struct report *r)
{
	judge_length(after->somaxconn, m->target, r);
	if (!m->options->backlog && !m->options->subject)
		judge_listeners(after, m->target, r);
	if (after->abort[0] && strcmp(after->abort, "0") != 0)
		finding_propose(report_finding(r, "accept-queue.abort-on-overflow", NULL), ABORT,
				after->abort, "0");
}

static const struct observation observation = {
	.size = sizeof(struct sample),
	.sample = sample_take,
	.release = sample_release,
	.judge = observation_judge,
};

const struct probe probe_accept_queue = {
	.name = "accept-queue",
	.summary = "clients arrive while the server stalls: how many wait, how many are dropped",
	.lab = {.client_addresses = 4, .wide_ports = true},
	.guest = GUEST_TOO,
	.context_size = sizeof(struct context),
	.experiments = experiments,
	.observation = &observation,
};
