/* Shows how the operator's server (check --run) behaves at its limit on descriptors, with clients
 * that do not read, and after clients that reset or send what is no request: whether it serves
 * others, and whether it spins.
 *
 * A thread that spins always runs or waits for a CPU, which the kernel counts (schedstat): unlike
 * its CPU time, that is the same on a busy machine. One that finishes its work does so, too, for as
 * long as that takes, and it takes less CPU time. */
#include "epolltune/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/quantity.h"
#include "epolltune/task.h"

/* Of clients that come and go. */
#define RESETS 1000
#define INVALID 16
#define AT_ONCE 16
/* After which none begins. */
#define TIME_MS (PROBE_MS / 12 * 5)
#define INVALID_SIZE 64
/* Clients that send requests until the server takes no more, and read nothing. */
#define READERS_NOT 16
#define SENT_MAX ((size_t)1 << 20)
#define SEND_US 1000000
#define SEND_IDLE_US 200000
#define CONNECT_S 2
/* Descriptors beside those that it has open at rest, and the clients that use them up. */
#define SPARE 32
#define CLIENTS_MAX 4096
#define BEYOND 16
#define ACCEPT_MS 500
#define FILL_MS 5000
/* Between samples of a server that may spin, and those of all together. */
#define LOOK_US 250000
#define LOOKS_NS 4e9
/* To be at rest after its start. */
#define REST_LOOKS 8
/* A limit on descriptors that most servers do not reach. */
#define FILES 65536
/* Time of its busiest thread beyond that at rest, as a share of the clock's. */
#define SPINS 0.6
/* In one sample: it does not spin. */
#define IDLE 0.2
/* CPU time beyond that at rest. RESETS clients leave a slow server 130 ms of work, and 390 ms where
 * a CPU has a third of the speed. */
#define SPINS_RAN_NS 6e8

/* How busy its busiest thread was, of `elapsed_ns`. */
struct busy {
	double elapsed_ns, ready_ns, ran_ns;
};

struct context {
	struct subject subject;
	struct busy rest;           /* without clients */
	char late[WORDING_TEXT];    /* what no time was left for; "": nothing */
	char untried[WORDING_TEXT]; /* what has no result for other reasons, in sentences */
};

/* Samples: the first, the one before the last, and the last. */
struct looks {
	struct subject_threads first, before, last;
	uint64_t first_ns, before_ns, last_ns;
};

static void looks_free(struct looks *l)
{
	subject_threads_free(&l->first);
	subject_threads_free(&l->before);
	subject_threads_free(&l->last);
}

static int look_first(const struct trial *t, struct looks *l, struct err *e)
{
	int rc = subject_threads_read(t->host, &t->context->subject, &l->first, e);
	l->first_ns = clock_ns();
	return rc;
}

static struct busy busy_of(const struct subject_threads *before, uint64_t before_ns,
			   const struct looks *l)
{
	struct subject_thread busiest = subject_threads_taken(before, &l->last).busiest;
	return (struct busy){(double)(l->last_ns - before_ns), (double)busiest.ready_ns,
			     (double)busiest.ran_ns};
}

/* Another sample after a while. `all`: since the first one, `last`: since the one before. The
 * kernel adds the time of a wait at its end: the samples count together. */
static int look_next(const struct trial *t, struct looks *l, struct busy *all, struct busy *last,
		     struct err *e)
{
	bool second = !l->last_ns;
	clock_sleep_us(LOOK_US);
	subject_threads_free(&l->before);
	l->before = l->last;
	l->before_ns = l->last_ns;
	int rc = subject_threads_read(t->host, &t->context->subject, &l->last, e);
	l->last_ns = clock_ns();
	*all = busy_of(&l->first, l->first_ns, l);
	*last = second ? *all : busy_of(&l->before, l->before_ns, l);
	return rc;
}

static double ready_share(const struct busy *b) { return b->ready_ns / b->elapsed_ns; }

/* The least of its samples: a server may not have finished its start. */
static int rest_look(const struct trial *t, struct busy *rest, struct err *e)
{
	CLEAN(looks_free) struct looks l = {0};
	struct busy all, last;
	int rc = look_first(t, &l, e);
	for (size_t i = 0; !rc && i < REST_LOOKS && (!i || ready_share(rest) >= IDLE); i++) {
		rc = look_next(t, &l, &all, &last, e);
		if (!rc && (!i || ready_share(&last) < ready_share(rest)))
			*rest = last;
	}
	return rc;
}

/* Whether it could not be busier than it is without clients. Pure. */
static bool rest_hides(const struct busy *rest) { return ready_share(rest) + SPINS > 1; }

/* Whether a thread spins. SPINNING_YET: only further samples show that. */
enum spinning { SPINNING_NOT, SPINNING, SPINNING_YET, SPINNING_UNKNOWN };

/* One that finishes its work becomes idle. Pure. */
static enum spinning spinning_judge(const struct busy *all, const struct busy *last,
				    const struct busy *rest)
{
	bool busy = ready_share(all) > ready_share(rest) + SPINS;
	double ran = all->ran_ns - rest->ran_ns / rest->elapsed_ns * all->elapsed_ns;
	if (rest_hides(rest))
		return SPINNING_UNKNOWN;
	if (ready_share(last) < ready_share(rest) + IDLE)
		return SPINNING_NOT;
	if (busy && ran >= SPINS_RAN_NS)
		return SPINNING;
	if (all->elapsed_ns < LOOKS_NS)
		return SPINNING_YET;
	return busy ? SPINNING_UNKNOWN : SPINNING_NOT;
}

static int spinning_look(const struct trial *t, enum spinning *spinning, struct busy *all,
			 struct err *e)
{
	CLEAN(looks_free) struct looks l = {0};
	struct busy last;
	int rc = look_first(t, &l, e);
	for (*spinning = SPINNING_YET; !rc && *spinning == SPINNING_YET;) {
		rc = look_next(t, &l, all, &last, e);
		*spinning = spinning_judge(all, &last, &t->context->rest);
	}
	return rc;
}

static void untried_add(struct context *c, const char *what, const char *why)
{
	report_append(c->untried, "%sThe server was not tried %s: %s.", c->untried[0] ? " " : "",
		      what, why);
}

static void spinning_unknown(struct context *c, const char *what, const struct busy *all)
{
	char why[96] = "it is busy without clients, too";
	if (!rest_hides(&c->rest))
		report_text(why, "its busiest thread got %s of CPU time in %s",
			    quantity_seconds(all->ran_ns / 1e9).text,
			    quantity_seconds(all->elapsed_ns / 1e9).text);
	report_append(c->untried, "%sWhether the server spins %s is not known: %s.",
		      c->untried[0] ? " " : "", what, why);
}

static void words_make(const struct trial *t, const char *what, bool emfile, struct wording *w)
{
	const struct server_row *server = subject_row(&t->context->subject);
	wording_set(w, "who", "%s", t->context->subject.name);
	wording_set(w, "what", "%s", what);
	wording_set(w, "server", "%s", server ? server->name : "");
	wording_flag(w, "emfile", emfile);
	wording_set(w, "line", "%s", server && server->stalled_line ? server->stalled_line : "");
}

static void stuck_report(const struct trial *t, const char *what, bool emfile, struct report *r)
{
	struct wording words = {0};
	char end[PROGRAM_END];
	int status;
	const struct program *program = &t->options->guest->program;
	words_make(t, what, emfile, &words);
	bool ended = !program_lives(program) && program_exited(program, &status);
	wording_set(&words, "end", "%s", ended ? program_end_text(program, end) : "");
	struct finding *f = report_finding(r, "application.stuck", &words);
	/* One client ends the connections of all. */
	if (ended)
		f->level = LEVEL_CRITICAL;
}

static void spin_report(const struct trial *t, const char *what, bool emfile, const struct busy *b,
			struct report *r)
{
	const struct server_row *server = subject_row(&t->context->subject);
	struct wording words = {0};
	char line[WORDING_TEXT];
	words_make(t, what, emfile, &words);
	wording_set(&words, "files", "%s",
		    server_line(server ? server->files_line : NULL, "files", FILES, line,
				sizeof(line)));
	wording_set(&words, "elapsed", "%s", quantity_seconds(b->elapsed_ns / 1e9).text);
	struct finding *f = report_finding(r, "application.spins", &words);
	finding_evidence(f, "busiest thread ran or waited for a CPU", "% of the time",
			 round(100 * ready_share(b)), NAN);
	finding_evidence(f, "CPU time of that thread", "% of a CPU",
			 round(100 * b->ran_ns / b->elapsed_ns), NAN);
}

/* Clients that do not read, in the lab's memory. */
struct silent_readers {
	struct sockaddr_storage to;
	socklen_t to_size;
	char text[sizeof(((struct protocol_request *)0)->text)];
	size_t size;
	int fds[READERS_NOT];
	size_t sent[READERS_NOT];
};

static int reader_connect(const struct silent_readers *r, struct err *e)
{
	const struct timeval patience = {.tv_sec = CONNECT_S};
	int smallest = 1, fd = socket(r->to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(e, "a client that does not read");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &smallest, sizeof(smallest));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	/* Refused is an answer too. */
	if (connect(fd, (const struct sockaddr *)&r->to, r->to_size) ||
	    fcntl(fd, F_SETFL, O_NONBLOCK)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool reader_sends(struct silent_readers *r, size_t i)
{
	size_t at = r->sent[i] % r->size;
	ssize_t n = -1;
	if (r->fds[i] >= 0 && r->sent[i] < SENT_MAX)
		n = send(r->fds[i], r->text + at, r->size - at, MSG_NOSIGNAL);
	r->sent[i] += n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* Until the server takes no more from any. */
static void readers_send(struct silent_readers *r)
{
	uint64_t began = clock_ns(), moved = began, now = began;
	while (now - began < SEND_US * UINT64_C(1000) &&
	       now - moved < SEND_IDLE_US * UINT64_C(1000)) {
		bool sent = false;
		for (size_t i = 0; i < READERS_NOT; i++)
			sent |= reader_sends(r, i);
		now = clock_ns();
		if (sent)
			moved = now;
		else
			clock_sleep_ms(1);
	}
}

static int readers_main(struct task_port *port, void *arg)
{
	struct silent_readers *r = arg;
	struct err e = {0};
	char end;
	int rc = 0;
	bool connects = true;
	/* After one that timed out the others would too, each after as long. */
	for (size_t i = 0; i < READERS_NOT && !rc; i++) {
		r->fds[i] = connects ? reader_connect(r, &e) : -1;
		connects = r->fds[i] >= 0;
		rc = r->fds[i] < -1 ? r->fds[i] : 0;
	}
	if (!rc)
		readers_send(r);
	task_answer(port, rc, &e, NULL, 0);
	task_hear(port, &end, sizeof(end));
	return 0;
}

#define UNREAD "while 16 clients do not read its replies"

static int beside_readers(struct trial *t, struct report *r, bool *serves, struct err *e)
{
	struct guest *guest = t->options->guest;
	struct silent_readers *readers = lab_alloc(t->lab, sizeof(*readers), e);
	struct task task = {0};
	if (!readers)
		return -ENOMEM;
	*readers = (struct silent_readers){0};
	readers->to_size = guest_address(guest, &readers->to);
	readers->size = guest_request(guest, readers->text);
	trial_progress(t, "clients that do not read");
	int rc = task_start(&task, &(struct task_context){t->lab, guest->from}, readers_main,
			    readers, e);
	if (!rc)
		rc = task_await(&task, NULL, 0, READERS_NOT * CONNECT_S * 1000 + SEND_US / 1000, e);
	if (!rc)
		rc = trial_guest_serves(t, serves, e);
	if (!rc && !*serves)
		stuck_report(t, UNREAD, false, r);
	task_end(&task);
	return rc;
}

static const struct {
	const char *what, *local; /* UNIX sockets have no reset; NULL: the same */
	uint64_t count;
	unsigned size; /* of what is sent; 0: nothing */
} burdens[] = {
	{"after 1 000 clients reset their connection",
	 "after 1 000 clients closed their connection", RESETS, 0},
	{"after 16 clients sent invalid requests", NULL, INVALID, INVALID_SIZE},
};

static const char *burden_text(const struct guest *guest, size_t i)
{
	return guest->socket && burdens[i].local ? burdens[i].local : burdens[i].what;
}

/* What remains of clients that have gone. */
static int after_clients(struct trial *t, const char *what, struct report *r, bool *serves,
			 struct err *e)
{
	enum spinning spinning = SPINNING_NOT;
	struct busy busy;
	int rc = trial_guest_serves(t, serves, e);
	if (!rc && !*serves)
		stuck_report(t, what, false, r);
	if (!rc && *serves)
		rc = spinning_look(t, &spinning, &busy, e);
	if (!rc && spinning == SPINNING)
		spin_report(t, what, false, &busy, r);
	if (!rc && spinning == SPINNING_UNKNOWN)
		spinning_unknown(t->context, what, &busy);
	return rc;
}

/* No more than half of the accept queue: the kernel logs more half-open ones than it holds. */
static uint64_t at_once(const struct guest_queue *q)
{
	uint64_t half = q->limit / 2 ? q->limit / 2 : 1;
	return half < AT_ONCE ? half : AT_ONCE;
}

static int burden_run(struct trial *t, size_t i, struct report *r, bool *serves, struct err *e)
{
	struct client_order order = {.verb = CLIENT_CHURN,
				     .count = burdens[i].count,
				     .depth = 1,
				     .size = burdens[i].size};
	const char *what = burden_text(t->options->guest, i);
	struct guest_queue q;
	trial_progress(t, "%s", what);
	int rc = guest_queue_read(t->options->guest, &q, e);
	order.active = at_once(&q);
	if (!rc)
		rc = trial_client(t, (struct client_config){.connections = order.active}, e);
	if (!rc)
		rc = client_order(t->clients[0], &order, NULL, NULL, e);
	trial_clients_end(t);
	return rc ? rc : after_clients(t, what, r, serves, e);
}

/* Whether it has all its descriptors open and clients wait for it. */
static int is_full(struct trial *t, bool *full, struct err *e)
{
	struct guest_queue q;
	struct subject_open open = {0};
	int rc = guest_queue_read(t->options->guest, &q, e);
	if (!rc)
		rc = subject_open_read(t->host, &t->context->subject, &open, e);
	*full = q.depth && open.soft && open.most >= open.soft;
	return rc;
}

/* Waits while it accepts: how many are not accepted then. */
static int queue_await(const struct trial *t, struct guest_queue *q, struct err *e)
{
	uint64_t least = UINT64_MAX, until = 0;
	int rc;
	do {
		rc = guest_queue_read(t->options->guest, q, e);
		if (rc || !q->depth)
			return rc;
		if (q->depth < least)
			until = clock_ms() + ACCEPT_MS;
		least = q->depth < least ? q->depth : least;
		clock_sleep_ms(1);
	} while (clock_ms() < until);
	return 0;
}

/* Connects clients until some are not accepted; `late`: that took too long. No more at a time than
 * half of the queue: the kernel logs more half-open ones than it holds. */
static int descriptors_fill(struct trial *t, uint64_t clients, bool *late, struct err *e)
{
	struct guest_queue q;
	uint64_t end = clock_ms() + FILL_MS;
	int rc = trial_client(t, trial_guest_client(t, clients), e);
	if (!rc)
		rc = guest_queue_read(t->options->guest, &q, e);
	while (!rc && t->clients[0]->opened < clients && !(*late = clock_ms() >= end)) {
		uint64_t left = clients - t->clients[0]->opened;
		uint64_t step = q.limit / 2 > left ? left : q.limit / 2 ? q.limit / 2 : 1;
		rc = client_open(t->clients[0], step, 0, ACCEPT_MS * 10, e);
		if (!rc)
			rc = queue_await(t, &q, e);
		if (rc || q.depth)
			return rc;
	}
	return rc;
}

#define AT_DESCRIPTORS "with no descriptor left while clients wait"

/* The limit at which it starts, with few descriptors left; 0: it does not start, or raises it. */
static int limit_set(struct trial *t, uint64_t *limit, struct err *e)
{
	struct context *c = t->context;
	struct subject_open open;
	struct err refused = {0};
	int rc = subject_open_read(t->host, &c->subject, &open, e);
	*limit = open.most + SPARE;
	if (rc || !open.most)
		*limit = 0;
	if (!*limit)
		return rc;
	rc = trial_guest(t, *limit, &c->subject, &refused);
	if (rc == -ETIMEDOUT)
		untried_add(c, AT_DESCRIPTORS, "with few left it did not start in time");
	if (rc == -ECHILD || rc == -ETIMEDOUT || (!rc && c->subject.soft != *limit)) {
		*limit = 0;
		return 0;
	}
	if (rc)
		*e = refused;
	return rc;
}

static int spins_at_descriptors(struct trial *t, struct report *r, struct err *e)
{
	enum spinning spinning = SPINNING_NOT;
	struct busy busy;
	bool full = true;
	int rc = spinning_look(t, &spinning, &busy, e);
	/* Those that ended meanwhile would have freed descriptors. */
	if (!rc && spinning == SPINNING)
		rc = is_full(t, &full, e);
	if (!rc && spinning == SPINNING && full)
		spin_report(t, AT_DESCRIPTORS, true, &busy, r);
	if (!rc && spinning == SPINNING_UNKNOWN)
		spinning_unknown(t->context, AT_DESCRIPTORS, &busy);
	return rc;
}

static int at_descriptors(struct trial *t, struct report *r, struct err *e)
{
	struct context *c = t->context;
	bool full = false, late = false, serves = false;
	uint64_t limit = 0;
	trial_progress(t, "no descriptor left");
	int rc = limit_set(t, &limit, e);
	if (!rc && limit)
		rc = trial_guest_serves(t, &serves, e);
	if (!rc && limit && !serves)
		untried_add(c, AT_DESCRIPTORS, "with few left it did not answer a client");
	if (rc || !serves)
		return rc;
	uint64_t clients = limit * c->subject.accepting + BEYOND;
	rc = descriptors_fill(t, clients < CLIENTS_MAX ? clients : CLIENTS_MAX, &late, e);
	if (!rc)
		rc = is_full(t, &full, e);
	if (!rc && full)
		rc = spins_at_descriptors(t, r, e);
	else if (!rc && late)
		untried_add(c, AT_DESCRIPTORS, "it accepts clients too slowly");
	/* One that has exited shows no descriptors. */
	bool beyond =
		full || (t->clients[0] && t->clients[0]->opened > SPARE * c->subject.accepting);
	trial_clients_end(t);
	if (!rc)
		rc = trial_guest_serves(t, &serves, e);
	if (!rc && !serves)
		stuck_report(t,
			     full     ? "after it had no descriptor left"
			     : beyond ? "after more clients connected than it had descriptors for"
				      : "after clients held connections",
			     beyond, r);
	return rc;
}

static bool is_late(uint64_t began_ms) { return clock_ms() - began_ms >= TIME_MS; }

/* A server that starts slowly gets fewer. */
static bool may_begin(struct context *c, uint64_t began_ms, const char *what)
{
	bool late = is_late(began_ms);
	if (late)
		report_append(c->late, "%s%s", c->late[0] ? ", " : "", what);
	return !late;
}

static void untried_report(const struct context *c, struct report *r)
{
	struct wording words = {0};
	wording_set(&words, "late", "%s", c->late);
	wording_set(&words, "why", "%s", c->untried);
	if (c->late[0] || c->untried[0])
		report_finding(r, "manners.untried", &words);
}

/* One that is stuck takes no part in what is left, until it is started again. */
static int clients_try(struct trial *t, uint64_t began, struct report *r, struct err *e)
{
	struct context *c = t->context;
	const struct guest *guest = t->options->guest;
	bool serves = true;
	int rc = rest_look(t, &c->rest, e);
	for (size_t i = 0; !rc && serves && i < sizeof(burdens) / sizeof(*burdens); i++)
		if (!(burdens[i].size && guest->protocol == PROTOCOL_ECHO) &&
		    may_begin(c, began, burden_text(guest, i)))
			rc = burden_run(t, i, r, &serves, e);
	if (!rc && serves && guest->protocol != PROTOCOL_CONNECT && may_begin(c, began, UNREAD))
		rc = beside_readers(t, r, &serves, e);
	if (!rc && !is_late(began))
		rc = trial_guest(t, 0, &c->subject, e);
	if (!rc && may_begin(c, began, AT_DESCRIPTORS))
		rc = at_descriptors(t, r, e);
	return rc;
}

static int manners_measure(struct trial *t, struct report *r, struct err *e)
{
	struct context *c = t->context;
	uint64_t began = clock_ms();
	bool serves = false;
	int rc = trial_guest(t, 0, &c->subject, e);
	if (!rc && t->options->guest->first.served)
		rc = trial_guest_serves(t, &serves, e);
	if (!rc && serves)
		rc = clients_try(t, began, r, e);
	else if (!rc)
		untried_add(c, "with clients that misbehave", "it did not answer a client before");
	untried_report(c, r);
	subject_free(&c->subject);
	return rc;
}

const struct probe probe_manners = {
	.name = "manners",
	.summary = "the server of --run with no descriptor left, and with clients that misbehave",
	.mode = PROBE_EXCLUSIVE,
	.place = PROBE_LAB,
	.guest = GUEST_ONLY,
	.context_size = sizeof(struct context),
	.measure = manners_measure,
};
