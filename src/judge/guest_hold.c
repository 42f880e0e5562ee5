#include "epolltune/guest_hold.h"

#include <errno.h>

#include "epolltune/clock.h"
#include "epolltune/guest_load.h"
#include "epolltune/quantity.h"

/* Up to so many connections are opened one after the other, so that the limit is met exactly. */
#define SINGLE 20000
#define AT_ONCE 16
/* For one connection that is idle alone, as the first of those that were held. */
#define IDLE_MAX_MS 15000
/* A server that closes one that was idle for no longer keeps none. */
#define IDLE_MIN_MS 100
/* Time for a connection that was accepted to be among the descriptors of a process. */
#define KEPT_MS 2000
/* For all connections to be opened, again where that is due. The probe's other experiments have the
 * rest of its time. */
#define HOLD_MS (PROBE_MS / 3)
/* Bytes by which the memory of a process changes without connections. */
#define NOISE 65536

static const char *const hold_ends[] = {
	[GUEST_HELD_REFUSED] = "was refused",
	[GUEST_HELD_RESET] = "was reset",
	[GUEST_HELD_CLOSED] = "made the server close an open one",
	[GUEST_HELD_UNKEPT] = "was closed at once, or given to a process of another name",
	[GUEST_HELD_ERROR] = "got an error",
	[GUEST_HELD_SILENT] = "got no answer within 2 s",
	[GUEST_HELD_QUEUED] = "was not accepted within 2 s",
};

int guest_hold_begin(struct trial *t, struct guest_hold *g, uint64_t nofile, struct err *e)
{
	int rc = trial_guest(t, nofile, &g->subject, e);
	const struct guest_first *first = &t->options->guest->first;
	if (!rc)
		rc = subject_open_read(t->host, &g->subject, &g->idle, e);
	g->unserved = !rc && !first->served;
	if (rc || !first->kept || !g->idle.sum)
		return rc;
	g->idle.sum--;
	g->idle.most--;
	return 0;
}

bool guest_hold_unserved(const struct guest_hold *g, struct outcome *out)
{
	if (!g->unserved)
		return false;
	outcome_inconclusive(out,
			     "the server did not serve its first client within %u s: check "
			     "--protocol and --path, or what it waits for",
			     GUEST_FIRST_MS / 1000);
	return true;
}

/* While `held` connections are open. */
static int weight_add(struct trial *t, struct guest_hold *g, uint64_t held, struct err *e)
{
	struct guest_weight *w = &g->weight;
	struct guest_weight_level *level =
		&w->at[w->count < GUEST_LEVELS ? w->count++ : GUEST_LEVELS - 1];
	level->held = held;
	return subject_memory_read(t->host, &g->subject, &level->own, e);
}

static int weight_begin(struct trial *t, struct guest_hold *g, struct err *e)
{
	struct guest_weight *w = &g->weight;
	w->count = 0;
	host_slab_memory(t->host, &w->before);
	return weight_add(t, g, 0, e);
}

static int weight_end(struct trial *t, struct guest_hold *g, uint64_t held, struct err *e)
{
	host_slab_memory(t->host, &g->weight.after);
	return weight_add(t, g, held, e);
}

uint64_t guest_hold_own_bytes(const struct guest_weight *w, bool *bound)
{
	const struct guest_weight_level *none = &w->at[0], *all = &w->at[w->count - 1],
					*part = NULL;
	for (size_t i = 1; i + 1 < w->count; i++)
		if (w->at[i].held >= GUEST_FEW && w->at[i].held <= all->held / 2)
			part = &w->at[i];
	*bound = !part || all->own < part->own + NOISE;
	if (!*bound)
		return (all->own - part->own) / (all->held - part->held);
	uint64_t grown = all->own > none->own ? all->own - none->own : 0;
	return (grown > NOISE ? grown : NOISE) / all->held;
}

static enum guest_end end_of(int code)
{
	switch (code) {
	case ECONNREFUSED:
		return GUEST_HELD_REFUSED;
	case ECONNRESET:
		return GUEST_HELD_RESET;
	case ETIMEDOUT:
		return GUEST_HELD_SILENT;
	case EAGAIN: /* of a UNIX socket */
		return GUEST_HELD_QUEUED;
	case EPROTO:
		return GUEST_HELD_MISFIT;
	case EBADMSG:
		return GUEST_HELD_ERROR;
	default:
		return GUEST_HELD_CLOSED;
	}
}

void guest_misfit(const struct trial *t, const char *answer, struct outcome *out)
{
	outcome_unsupported(out, "the server sent what --protocol %s did not ask for: %s",
			    protocol_name(t->options->guest->protocol), answer);
}

/* Whether this or another client had no port left: no limit of the server. */
static bool client_lacks(const struct client_sum *sum, uint64_t count, struct guest_held *h)
{
	if (sum->starved && !sum->failed && !sum->errors && sum->done < count)
		h->lack = sum->first_starved;
	return h->lack;
}

/* Whether the time for the rest is over. */
static bool hold_late(struct guest_held *h, uint64_t held, uint64_t want)
{
	if (h->end == GUEST_HELD_ALL && held < want && clock_ms() >= h->until_ms)
		h->end = GUEST_HELD_SLOW;
	return h->end == GUEST_HELD_SLOW;
}

/* For the duration of an order, where 0 is no bound. */
static uint64_t hold_left_us(const struct guest_held *h)
{
	uint64_t now = clock_ms();
	return now < h->until_ms ? (h->until_ms - now) * 1000 : 1;
}

/* What the last order added to the connections held before it. */
static void hold_count(struct trial *t, uint64_t before, uint64_t want, struct guest_held *h)
{
	struct client_sum sum = client_sum(t->clients[0]);
	client_answer(t->clients[0], h->answer);
	h->unheld = before + sum.done > sum.held && !sum.failed && !sum.errors;
	h->count = before + sum.done - sum.errors;
	if (sum.errors && h->count > sum.held)
		h->count = sum.held;
	if (client_lacks(&sum, want, h) || (!sum.failed && !sum.errors))
		return;
	h->end = sum.errors ? GUEST_HELD_ERROR : end_of(sum.first_errno);
	h->unheld = sum.done == 1 && sum.attempted == 1 &&
		    (h->end == GUEST_HELD_CLOSED || h->end == GUEST_HELD_RESET);
	/* The last one was answered: to admit it the server has closed others. */
	if (h->count == sum.attempted && h->count)
		h->count--;
}

/* Opens connections until one fails, each with a request. */
static int hold_asked(struct trial *t, struct guest_hold *g, uint64_t want, struct guest_held *h,
		      struct err *e)
{
	struct client_order order = {.verb = CLIENT_OPEN,
				     .ask = true,
				     .depth = 1,
				     .size = trial_guest_size(t),
				     .stop = true};
	int rc = trial_client(t, trial_guest_client(t, want), e);
	if (!rc)
		order.in_flight =
			t->clients[0]->processes * (h->hurry || want > SINGLE ? AT_ONCE : 1);
	while (!rc && h->count < want && h->end == GUEST_HELD_ALL && !h->lack && !h->unheld) {
		uint64_t before = h->count, left = want - before;
		order.count = before < GUEST_FEW ? GUEST_FEW - before : before;
		order.count = order.count < left ? order.count : left;
		order.duration_us = hold_left_us(h);
		rc = client_order(t->clients[0], &order, NULL, NULL, e);
		if (!rc)
			hold_count(t, before, order.count, h);
		if (!rc && !hold_late(h, h->count, want) && h->end == GUEST_HELD_ALL &&
		    h->count < want)
			rc = weight_add(t, g, h->count, e);
	}
	return rc;
}

/* Whether the server answers another client. */
static int others_answered(struct trial *t, bool *answered, struct guest_held *h, struct err *e)
{
	const struct client_order order = {.verb = CLIENT_CHURN,
					   .count = 1,
					   .active = 1,
					   .depth = 1,
					   .size = trial_guest_size(t),
					   .stop = true};
	*answered = true;
	if (t->options->guest->protocol == PROTOCOL_CONNECT)
		return 0;
	if (!t->clients[1]) {
		int rc = trial_client(t, trial_guest_client(t, 1), e);
		if (rc)
			return rc;
	}
	int rc = client_order(t->clients[1], &order, NULL, NULL, e);
	struct client_sum sum = client_sum(t->clients[1]);
	*answered = sum.done && !sum.failed && !sum.errors;
	if (!*answered && !client_lacks(&sum, order.count, h)) {
		h->end = sum.errors ? GUEST_HELD_ERROR : end_of(sum.first_errno);
		client_answer(t->clients[1], h->answer);
	}
	return rc;
}

/* No more than half of the accept queue holds. */
static uint64_t step_of(uint64_t opened, uint64_t want, uint64_t queue)
{
	uint64_t step = opened > GUEST_FEW ? opened : 1;
	if (step > queue / 2)
		step = queue / 2 ? queue / 2 : 1;
	return step > want - opened ? want - opened : step;
}

/* How many of `opened` connections the server's descriptors show. A connection that it has accepted
 * is not at once among them, nor one that its processes pass on, so fewer are believed only when
 * they stay fewer. */
static int kept_read(struct trial *t, struct guest_hold *g, uint64_t opened, struct guest_held *h,
		     int64_t *kept, struct err *e)
{
	uint64_t until = clock_ms() + KEPT_MS;
	int rc;
	do {
		rc = subject_open_read(t->host, &g->subject, &h->open, e);
		*kept = (int64_t)h->open.sum - (int64_t)g->idle.sum;
		if (!rc && h->open.sum && *kept < (int64_t)opened)
			clock_sleep_ms(1);
	} while (!rc && h->open.sum && *kept < (int64_t)opened && clock_ms() < until);
	return rc;
}

/* Opens connections without a request, in steps that double, until the server does not accept them,
 * closes some, or does not answer another client. */
static int hold_silent(struct trial *t, struct guest_hold *g, uint64_t want, struct guest_held *h,
		       struct err *e)
{
	struct client_order order = {.verb = CLIENT_OPEN, .stop = true, .in_flight = AT_ONCE};
	bool asks = t->options->guest->protocol != PROTOCOL_CONNECT, answered;
	uint64_t opened = 0, queued;
	int64_t kept;
	struct guest_queue queue = {0};
	int rc = trial_client(t, trial_guest_client(t, want), e);
	if (!rc)
		rc = guest_queue_read(t->options->guest, &queue, e);
	while (!rc && h->end == GUEST_HELD_ALL && !h->lack && opened < want) {
		order.count = step_of(opened, want, queue.limit);
		rc = client_order(t->clients[0], &order, NULL, NULL, e);
		if (!rc)
			rc = trial_guest_accepts(t, &queued, e);
		if (!rc)
			rc = others_answered(t, &answered, h, e);
		if (!rc)
			rc = kept_read(t, g, opened + order.count - queued, h, &kept, e);
		if (rc)
			return rc;
		struct client_sum sum = client_sum(t->clients[0]);
		if (client_lacks(&sum, order.count, h))
			return 0;
		opened += order.count;
		if (sum.failed)
			h->end = end_of(sum.first_errno);
		else if (queued)
			h->end = GUEST_HELD_QUEUED;
		else if (answered && h->open.sum && kept < (int64_t)opened)
			h->end = kept > 0 || h->count ? GUEST_HELD_CLOSED : GUEST_HELD_UNKEPT;
		if (h->end == GUEST_HELD_ALL)
			h->count = opened + asks;
		if (!hold_late(h, opened, want) && h->end == GUEST_HELD_ALL &&
		    opened >= GUEST_FEW && opened < want)
			rc = weight_add(t, g, h->count, e);
		else if (h->end == GUEST_HELD_QUEUED && !asks)
			h->count = opened - queued;
		else if (h->end == GUEST_HELD_CLOSED && kept > (int64_t)h->count)
			h->count = (uint64_t)kept;
	}
	if (!rc && asks && !h->count)
		h->count = h->end == GUEST_HELD_SILENT || h->end == GUEST_HELD_QUEUED;
	return rc;
}

/* A server on loopback has its clients on its own host. It keeps the caller's range of ports,
 * unless that is too small for them. */
static void ports_widen(struct trial *t, uint64_t want)
{
	static const struct trial_knob list[] = {{"net.ipv4.ip_local_port_range", "1024 65535"},
						 {0}};
	if (t->options->guest->from == LAB_SERVER && !t->options->guest->socket && want > SINGLE)
		trial_knobs(t, LAB_SERVER, list, NULL);
}

uint64_t guest_hold_wanted(const struct target *target)
{
	return report_margin(target->connections);
}

static unsigned hold_time_ms(const struct trial *t)
{
	return HOLD_MS * (t->options->gentle ? GENTLE_TIMES : 1);
}

bool guest_hold_at_nofile(const struct guest_hold *g)
{
	const struct server_row *server = subject_row(&g->subject);
	const struct subject_open *o = &g->held.open;
	return o->soft && o->most + GUEST_RESERVED >= o->soft && o->most >= o->soft / 5 * 4 &&
	       !(server && server->clients_files);
}

/* A UNIX socket that is closed before all is read sends ECONNRESET, but nothing resets it. */
static const char *end_text(const struct guest_held *h, bool local)
{
	return local && h->end == GUEST_HELD_RESET ? "was closed before its request was read"
						   : hold_ends[h->end];
}

void guest_hold_text(const struct guest_hold *g, bool local, bool nofile, char *text, size_t size)
{
	const struct guest_held *h = &g->held;
	report_text_into(text, size, "With %s open, the next one %s%s%s.",
			 quantity_of(h->count, "connection").text, end_text(h, local),
			 h->answer[0] ? ": " : "", h->answer);
	if (nofile)
		report_append_to(text, size, " The process then had %s of %s descriptors open.",
				 quantity_count(h->open.most).text,
				 quantity_count(h->open.soft).text);
}

static bool hold_asks(const struct trial *t, const struct guest_held *h)
{
	return t->options->guest->protocol != PROTOCOL_CONNECT && !h->unheld;
}

/* Starts it again, after the end of its clients. */
static int hold_begin(struct trial *t, struct guest_hold *g, uint64_t nofile, struct err *e)
{
	trial_clients_end(t);
	return guest_hold_begin(t, g, nofile, e);
}

/* Opens them with requests; without, where the server closes each after its reply. */
static int hold_once(struct trial *t, struct guest_hold *g, uint64_t nofile, uint64_t want,
		     struct guest_held *h, struct err *e)
{
	bool asks = hold_asks(t, h);
	uint64_t began = clock_ms();
	int rc = weight_begin(t, g, e);
	if (g->unserved)
		return rc;
	if (!rc)
		rc = asks ? hold_asked(t, g, want, h, e) : hold_silent(t, g, want, h, e);
	h->elapsed_ms = clock_ms() - began;
	if (!rc && asks && h->unheld) {
		*h = (struct guest_held){
			.unheld = true, .hurry = h->hurry, .until_ms = h->until_ms};
		rc = hold_begin(t, g, nofile, e);
		return rc ? rc : hold_once(t, g, nofile, want, h, e);
	}
	if (!rc)
		rc = subject_open_read(t->host, &g->subject, &h->open, e);
	if (!rc)
		rc = weight_end(t, g, h->count, e);
	return rc ? rc : guest_check(t->options->guest, e);
}

/* Whether the server closes a connection that is idle for ms, without others. */
static int idle_closes(struct trial *t, struct guest_hold *g, unsigned ms, bool ask, bool *closes,
		       struct err *e)
{
	const struct client_order order = {.verb = CLIENT_OPEN,
					   .count = 1,
					   .in_flight = 1,
					   .ask = ask,
					   .depth = 1,
					   .size = trial_guest_size(t),
					   .stop = true};
	struct subject_open open;
	int rc = trial_client(t, trial_guest_client(t, 2), e);
	if (!rc)
		rc = client_order(t->clients[0], &order, NULL, NULL, e);
	if (!rc) {
		clock_sleep_ms(ms);
		rc = ask ? client_order(t->clients[0], &order, NULL, NULL, e)
			 : subject_open_read(t->host, &g->subject, &open, e);
	}
	if (!rc)
		*closes = ask ? client_sum(t->clients[0]).failed : open.sum <= g->idle.sum;
	return rc;
}

/* A server that closes one of many may do so because it was idle: then they are opened again,
 * faster. idle_limit: it still did. */
static int hold_any(struct trial *t, struct guest_hold *g, uint64_t nofile, uint64_t want,
		    bool *idle_limit, struct err *e)
{
	struct guest_held *h = &g->held;
	for (;;) {
		int rc = hold_once(t, g, nofile, want, h, e);
		bool asks = hold_asks(t, h);
		unsigned ms = h->elapsed_ms < IDLE_MAX_MS ? (unsigned)h->elapsed_ms : IDLE_MAX_MS;
		ms = ms > IDLE_MIN_MS ? ms : IDLE_MIN_MS;
		*idle_limit = false;
		if (rc || (h->end != GUEST_HELD_CLOSED && h->end != GUEST_HELD_RESET) || !h->count)
			return rc;
		rc = hold_begin(t, g, nofile, e);
		if (!rc && !g->unserved)
			rc = idle_closes(t, g, ms, asks, idle_limit, e);
		bool unheld = asks && ms == IDLE_MIN_MS;
		if (rc || !*idle_limit || (h->hurry && !unheld))
			return rc;
		rc = hold_begin(t, g, nofile, e);
		if (rc)
			return rc;
		*h = (struct guest_held){
			.unheld = h->unheld || unheld, .hurry = !unheld, .until_ms = h->until_ms};
	}
}

/* Whether it ended as it also does while the server, or this machine, is slow for a moment. */
static bool by_silence(const struct guest_held *h)
{
	return h->end == GUEST_HELD_SILENT || h->end == GUEST_HELD_QUEUED;
}

bool guest_hold_same(const struct guest_held *a, const struct guest_held *b)
{
	uint64_t more = a->count > b->count ? a->count : b->count;
	uint64_t less = a->count > b->count ? b->count : a->count;
	return by_silence(a) && by_silence(b) && (more - less) * 10 <= more;
}

struct silence {
	struct guest_hold *hold;
	struct guest_held before; /* one that lasted, with the most connections */
	bool lasts;
	bool doubtful; /* it may not be that of a limit */
};

/* Waits once more, with the connections open. */
static int silence_wait(struct trial *t, void *arg, struct err *e)
{
	struct silence *s = arg;
	struct guest_held *h = &s->hold->held;
	uint64_t queued = 0;
	bool answered = true;
	int rc = 0;
	if (!hold_asks(t, h) && h->end == GUEST_HELD_QUEUED) {
		rc = trial_guest_accepts(t, &queued, e);
	} else {
		/* After a failure it opens no more. */
		if (t->clients[1])
			client_stop(t->clients[1]);
		t->clients[1] = NULL;
		rc = others_answered(t, &answered, h, e);
	}
	s->lasts = queued || !answered;
	return rc;
}

/* A silence is that of a limit where it lasts while a CPU is idle, where the server has used up its
 * descriptors, or where another attempt ends so, too. */
static int silence_look(struct trial *t, struct guest_hold *g, struct silence *s, struct err *e)
{
	const struct guest_held *h = &g->held;
	struct guest_load load = {0};
	s->hold = g;
	s->doubtful = by_silence(h) && !h->lack && !guest_hold_at_nofile(g) &&
		      !guest_hold_same(&s->before, h);
	if (!s->doubtful)
		return 0;
	int rc = guest_load_around(t, &g->subject, silence_wait, s, &load, e);
	/* Of a server at rest the time that it waited for a CPU is no share of much. */
	s->doubtful = !s->lasts || guest_load_crowded(&load);
	if (s->lasts && h->count >= s->before.count)
		s->before = *h;
	return rc;
}

/* Opens them again while the end is doubtful, and there is time. */
static int hold_surely(struct trial *t, struct guest_hold *g, uint64_t nofile, uint64_t want,
		       bool *idle_limit, struct err *e)
{
	struct guest_held *h = &g->held;
	struct silence s = {0};
	uint64_t most = 0;
	int rc = hold_any(t, g, nofile, want, idle_limit, e);
	while (!rc && !(rc = silence_look(t, g, &s, e)) && s.doubtful && clock_ms() < h->until_ms) {
		most = h->count > most ? h->count : most;
		rc = hold_begin(t, g, nofile, e);
		*h = (struct guest_held){
			.unheld = h->unheld, .hurry = h->hurry, .until_ms = h->until_ms};
		if (!rc)
			rc = hold_any(t, g, nofile, want, idle_limit, e);
	}
	if (s.doubtful)
		h->end = GUEST_HELD_SLOW;
	if (h->end == GUEST_HELD_SLOW && h->count < most)
		h->count = most;
	return rc;
}

/* Whether what came is no measure of its limit; the outcome says why. `idle_limit`: it closes
 * connections that are idle for as long as opening them takes. */
static bool hold_fails(const struct trial *t, const struct guest_hold *g, bool idle_limit,
		       struct outcome *out)
{
	const struct guest *guest = t->options->guest;
	const struct guest_held *h = &g->held;
	const struct quantity_shown want = quantity_count(guest_hold_wanted(t->target));
	bool asks = guest->protocol != PROTOCOL_CONNECT;
	if (idle_limit)
		outcome_inconclusive(
			out,
			"the server closes a connection that is idle for %s, and to "
			"open %s took longer",
			quantity_measured(QUANTITY_DURATION, h->elapsed_ms * 1000).text, want.text);
	else if (h->lack)
		outcome_inconclusive(out, "the client cannot open more than %s: %s",
				     quantity_count(client_sum(t->clients[0]).opened).text,
				     h->lack == EADDRNOTAVAIL ? "no port is left"
							      : client_failure(h->lack));
	else if (h->end == GUEST_HELD_SLOW)
		outcome_inconclusive(out, "%s of %s clients were %s within %u s",
				     quantity_count(h->count).text, want.text,
				     asks ? "answered" : "accepted", hold_time_ms(t) / 1000);
	else if (h->end == GUEST_HELD_MISFIT)
		guest_misfit(t, h->answer, out);
	else if (!h->count && h->end != GUEST_HELD_QUEUED && h->end != GUEST_HELD_SILENT)
		outcome_unsupported(out, "the first connection %s%s%s",
				    h->end == GUEST_HELD_CLOSED ? "was closed before its reply"
								: end_text(h, guest->socket),
				    h->answer[0] ? ": " : "", h->answer);
	/* Without requests only the descriptors show what it holds. */
	else if (h->end == GUEST_HELD_ALL && !asks && !h->open.sum)
		outcome_inconclusive(out, "the descriptors of the server are not readable");
	else
		return false;
	return true;
}

int guest_hold_run(struct trial *t, struct guest_hold *g, uint64_t nofile, struct outcome *out,
		   struct err *e)
{
	uint64_t want = guest_hold_wanted(t->target);
	bool idle_limit = false;
	g->held = (struct guest_held){0};
	trial_progress(t, "up to %s connections", quantity_count(want).text);
	int rc = guest_hold_begin(t, g, nofile, e);
	if (!rc && guest_hold_unserved(g, out))
		return 0;
	g->held.until_ms = clock_ms() + hold_time_ms(t);
	if (!rc && nofile && g->subject.soft != nofile) {
		outcome_unsupported(out,
				    "its limit remained %s: the command sets its own, or "
				    "the hard limit cannot be raised here",
				    quantity_count(g->subject.soft).text);
		return 0;
	}
	if (!rc)
		ports_widen(t, want);
	if (!rc)
		rc = hold_surely(t, g, nofile, want, &idle_limit, e);
	if (rc || guest_hold_unserved(g, out) || hold_fails(t, g, idle_limit, out))
		return rc;
	out->reached = (int64_t)g->held.count;
	out->measured = true;
	out->limit_met = g->held.end != GUEST_HELD_ALL;
	return 0;
}
