/* Judges which listeners the subject has, and what else clients reach. */
#include "epolltune/subject_listeners.h"

#include <math.h>

#include "epolltune/backlog.h"
#include "epolltune/doing.h"
#include "epolltune/quantity.h"
#include "judge/front.h"
#include "judge/settings.h"

/* Sockets of other servers at an address of the subject: clients reach them as well. */
static void judge_siblings(const struct queue_watch *w)
{
	const struct listeners *all = &w->after->listeners;
	const struct subject *s = w->after->subject;
	const struct listener *smallest = NULL;
	struct wording words = {0};
	size_t own = 0, others = 0;
	for (size_t i = 0; i < all->count; i++) {
		const struct listener *l = &all->at[i];
		bool theirs = l->kind == LISTENER_TCP && s && !subject_has(s, l) &&
			      subject_receives(l, (void *)s);
		if (theirs && (!smallest || l->limit < smallest->limit))
			smallest = l;
	}
	for (size_t i = 0; smallest && i < all->count; i++)
		if (listener_shares_arrivals(&all->at[i], smallest))
			*(subject_has(s, &all->at[i]) ? &own : &others) += 1;
	if (!own) /* there are none, or its own is closed: these may be of its next start */
		return;
	wording_set(&words, "who", "%s", s->name[0] ? s->name : smallest->address);
	wording_set(&words, "pid", "%d", (int)s->pid);
	wording_set(&words, "own", "%s", quantity_count(own).text);
	wording_set(&words, "all", "%s", quantity_count(own + others).text);
	wording_set(&words, "address", "%s", smallest->address);
	wording_set(&words, "limit", "%s", quantity_count(smallest->limit).text);
	struct finding *f = report_finding(w->report, "listeners.siblings", &words);
	finding_evidence(f, "smallest backlog of the others", "connections", smallest->limit, NAN);
}

/* java.net.ServerSocket has 50 by default, a transfer by FTP 1 to 5; gRPC has somaxconn.
 */
#define CHOSEN_BACKLOG 50

/* Whether clients may come to one that was set aside: some do, or other hosts reach it, and its
 * port may be a configured one (gRPC: 50051). */
static bool may_serve(const struct listener *l)
{
	return l->used ||
	       (l->kind == LISTENER_TCP && !listener_on_loopback(l) && l->limit > CHOSEN_BACKLOG);
}

/* The smallest TCP listener of these. */
static const struct listener *aside_port(const struct subject *s)
{
	const struct listener *min = NULL;
	for (size_t i = 0; i < s->listeners.count; i++) {
		const struct listener *l = &s->listeners.at[i];
		if (l->kind == LISTENER_TCP && l->aside && may_serve(l) &&
		    (!min || l->limit < min->limit))
			min = l;
	}
	return min;
}

/* Why one that was set aside is named: it would be short, or no listener of its kind is judged. */
enum aside_why { ASIDE_SHORT, ASIDE_ONLY, ASIDE_ONLY_SHORT };

static void aside_finding(const struct queue_watch *w, const struct listener *l, uint64_t needed,
			  enum aside_why why)
{
	struct wording words = {0};
	char name[WORDING_TEXT], address[LISTENER_ADDRESS];
	bool udp = l->kind == LISTENER_UDP, loopback = listener_on_loopback(l);
	bool only = why != ASIDE_SHORT;
	wording_set(&words, "listener", "%s",
		    listener_name(&w->after->subject->listeners, l, name, sizeof(name)));
	wording_set(&words, "address", "%s", listener_plain(l, address));
	wording_set(&words, "limit", "%s", quantity_plain(l->limit).text);
	wording_set(&words, "needed", "%s", quantity_count(needed).text);
	wording_flag(&words, "small", why != ASIDE_ONLY);
	wording_flag(&words, "udp", udp);
	wording_flag(&words, "loopback", loopback);
	wording_flag(&words, "only", only);
	wording_set(&words, "clients", "%s", l->used ? quantity_count(l->clients).text : "");
	struct finding *f = report_finding(w->report, "listeners.aside", &words);
	if (only || may_serve(l))
		f->level = LEVEL_WARNING;
	else
		f->answer[0] = 0;
}

/* Listeners of the subject that the walls leave out, and that would be short, or are all that the
 * target could mean. */
static void judge_aside(const struct queue_watch *w)
{
	const struct target *t = w->target;
	const struct subject *s = w->after->subject;
	const struct {
		enum listener_kind kind;
		uint64_t needed;
	} kinds[] = {{LISTENER_TCP, t->datagrams_only ? 0 : target_accept_queue(t)},
		     {LISTENER_UDP, target_datagrams(t)}};
	for (size_t i = 0; s && i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct subject_queue q = subject_aside(
			s, kinds[i].kind, datagram_taken(t->datagram_bytes, w->after->page));
		bool udp = kinds[i].kind == LISTENER_UDP, small = q.holds < kinds[i].needed;
		/* Then the load of TCP has no verdict. */
		bool only = !udp && !subject_listens(s, LISTENER_TCP) && !t->datagrams_per_s;
		const struct listener *port = udp ? NULL : aside_port(s);
		if (!q.smallest || (!small && !only))
			continue;
		if (port && port != q.smallest && port->limit + UINT64_C(1) < kinds[i].needed)
			aside_finding(w, port, kinds[i].needed, ASIDE_SHORT);
		aside_finding(w, q.smallest, kinds[i].needed,
			      !only   ? ASIDE_SHORT
			      : small ? ASIDE_ONLY_SHORT
				      : ASIDE_ONLY);
	}
}

void subject_closed_finding(struct report *r, const struct subject *s,
			    const struct listener *closed, bool left)
{
	struct wording words = {0};
	char name[WORDING_TEXT];
	wording_set(&words, "listener", "%s",
		    listener_name(&s->listeners, closed, name, sizeof(name)));
	wording_set(&words, "who", "%s", s->name[0] ? s->name : closed->address);
	wording_set(&words, "endpoint", "%s", closed->address);
	wording_flag(&words, "left", left);
	report_finding(r, "listeners.closed", &words);
}

static bool address_has(const struct listeners *all, const struct listener *l)
{
	for (size_t i = 0; i < all->count; i++)
		if (listener_same_address(&all->at[i], l))
			return true;
	return false;
}

void subject_ended_judge(struct report *r, const struct subject *s, const struct listeners *now)
{
	const struct listener *closed = NULL;
	for (size_t i = 0; i < s->listeners.count; i++) {
		const struct listener *l = &s->listeners.at[i];
		if (l->aside)
			continue;
		if (address_has(now, l))
			return;
		closed = closed ? closed : l;
	}
	if (closed)
		subject_closed_finding(r, s, closed, false);
}

/* A subject whose sockets are closed, all or some. Of UDP alone udp_queues_judge() finds it. */
static void judge_closed(const struct queue_watch *w)
{
	const struct subject *s = w->after->subject;
	const struct listener *closed = NULL;
	size_t left = 0;
	for (size_t i = 0; s && i < s->listeners.count; i++) {
		const struct listener *l = &s->listeners.at[i];
		if (l->kind == LISTENER_UDP) /* not one of those that are watched */
			left++;
		else if (l->aside) /* clients do not miss it: it may be of one transfer */
			continue;
		else if (listeners_find(&w->after->listeners, l->cookie))
			left++;
		else if (!closed)
			closed = l;
	}
	if (closed)
		subject_closed_finding(w->report, s, closed, left);
}

/* The queue and limits of what accepts for a server in a container are walls, but not the only
 * ones. */
static void judge_forwarder(const struct queue_watch *w)
{
	const struct subject *s = w->after->subject;
	const struct listener *l = s ? subject_queue(s, LISTENER_TCP).smallest : NULL;
	struct wording words = {0};
	if (!l || !forwarder_row_find(s->name, l->port))
		return;
	wording_set(&words, "who", "%s", s->name);
	wording_set(&words, "pid", "%d", (int)s->pid);
	report_finding(w->report, "listeners.forwarder", &words);
}

static void upstream_words(const struct queue_watch *w, const struct listener *l,
			   struct wording *words)
{
	const struct listeners *all = &w->after->listeners;
	const struct subject *s = w->after->subject;
	const struct server_row *of = backlog_server(all, l, s);
	const struct server_row *server = backlog_row(l, of);
	const uint64_t needed = target_accept_queue(w->target);
	const int64_t asked = backlog_asked(w->target, l->kind, 1, w->after->kernel, l->limit,
					    backlog_usual(l, of));
	char name[WORDING_TEXT], line[WORDING_TEXT];
	listener_words(words, all, l);
	wording_set(words, "server", "%s", server ? server->name : "");
	wording_set(words, "default", "%s", server ? server->backlog : "");
	wording_set(words, "who", "%s", s->name);
	wording_set(words, "pid", "%d", (int)s->pid);
	wording_set(words, "listener", "%s", listener_name(all, l, name, sizeof(name)));
	wording_set(words, "limit", "%s", quantity_plain(l->limit).text);
	wording_set(words, "capacity", "%s", quantity_count(l->limit + UINT64_C(1)).text);
	wording_set(words, "needed", "%s", quantity_count(needed).text);
	wording_set(words, "stall", "%s",
		    quantity_show(QUANTITY_DURATION, w->target->stall_us).text);
	wording_flag(words, "proxy", w->target->role == TARGET_PROXY);
	wording_flag(words, "pooled", l->pooled);
	wording_set(words, "somaxconn", "%s",
		    w->after->somaxconn == REPORT_NONE
			    ? ""
			    : quantity_plain((uint64_t)w->after->somaxconn).text);
	wording_flag(words, "kernel", somaxconn_binds(l->limit, w->after->somaxconn));
	wording_flag(words, "raise", somaxconn_binds(asked - 1, w->after->somaxconn));
	wording_set(words, "wanted", "%s", quantity_plain((uint64_t)asked).text);
	wording_set(words, "line", "%s",
		    server_line(server ? server->backlog_line : NULL, "backlog", (uint64_t)asked,
				line, sizeof(line)));
	backlog_effect_word(words, "line_effect", l, server);
}

/* The queues of servers behind it: the load may be spread over them. */
struct upstreams {
	int64_t holds, count;
};

/* Of those that share a load with `one`; NULL: of all. */
static struct upstreams upstreams_of(const struct listeners *all, const struct listener *one)
{
	struct upstreams u = {.count = one ? one->beyond : 0};
	for (size_t i = 0; i < all->count; i++) {
		const struct listener *l = &all->at[i];
		bool counts = l->upstream && (!one || l->pool == one->pool);
		u.holds += counts ? l->limit + INT64_C(1) : 0;
		u.count += counts;
	}
	return u;
}

/* Those that are not here hold enough, as far as is known. */
static enum wall_verdict upstreams_verdict(struct upstreams u, size_t away, int64_t needed)
{
	return away ? VERDICT_OK : report_verdict(u.holds, needed);
}

/* One that is not the first of its address (SO_REUSEPORT). */
static bool is_further(const struct listeners *all, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (listener_shares_arrivals(&all->at[i], &all->at[at]))
			return true;
	return false;
}

/* Listeners of the servers behind it. Only a proxy connects there for each client: how many of a
 * server's requests go on is not known, nor how many clients one of several queues gets: its even
 * part of the load of its section is likely, and all of them together get the whole. Connections of
 * a pool stay open. */
static void judge_upstreams(const struct queue_watch *w)
{
	const struct listeners *all = &w->after->listeners;
	const int64_t needed = (int64_t)target_accept_queue(w->target);
	const enum wall_verdict whole =
		upstreams_verdict(upstreams_of(all, NULL), w->after->upstreams.away, needed);
	bool proxy = w->target->role == TARGET_PROXY;
	for (size_t i = 0; w->after->subject && i < all->count; i++) {
		const struct listener *l = &all->at[i];
		const struct upstreams u = upstreams_of(all, l);
		const int64_t part = u.count ? (needed + u.count - 1) / u.count : needed;
		const int64_t holds = l->limit + INT64_C(1);
		bool shared = upstreams_verdict(u, l->beyond, needed) == VERDICT_OK;
		enum wall_verdict verdict = report_verdict(holds, needed);
		struct wording words = {0};
		if (!l->upstream || w->target->datagrams_only || is_further(all, i) ||
		    (verdict != VERDICT_SHORT && !(whole == VERDICT_TIGHT && proxy)))
			continue;
		upstream_words(w, l, &words);
		wording_flag(&words, "tight", verdict == VERDICT_TIGHT);
		wording_flag(&words, "sure", proxy && !l->pooled && whole != VERDICT_OK);
		wording_set(&words, "all", "%s", quantity_count((uint64_t)u.count).text);
		wording_set(&words, "part", "%s",
			    u.count > 1 ? quantity_count((uint64_t)part).text : "");
		struct finding *f =
			report_finding(w->report,
				       l->kind == LISTENER_UNIX ? "accept-queue.unix.upstream"
								: "accept-queue.upstream",
				       &words);
		finding_evidence(f, "capacity of its accept queue", "connections", l->limit + 1.0,
				 NAN);
		if (proxy && whole == VERDICT_SHORT && !l->pooled)
			f->level = LEVEL_CRITICAL;
		if ((shared && holds >= part) || (!proxy && l->pooled))
			finding_to_note(f);
		if (!somaxconn_binds(l->limit, w->after->somaxconn))
			continue;
		f->remedy = REMEDY_KERNEL;
		finding_propose(f, SOMAXCONN_KNOB,
				quantity_plain((uint64_t)w->after->somaxconn).text, "");
	}
}

static void judge_unseen_upstream(const struct queue_watch *w)
{
	const struct subject *s = w->after->subject;
	struct wording words = {0};
	if (!s || !w->after->upstreams.unseen[0] || w->target->datagrams_only)
		return;
	wording_set(&words, "who", "%s", s->name);
	wording_set(&words, "pid", "%d", (int)s->pid);
	wording_set(&words, "address", "%s", w->after->upstreams.unseen);
	wording_flag(&words, "unlisted", w->after->listeners.unlisted >> LISTENER_UNIX & 1);
	report_finding(w->report, "listeners.upstream", &words);
}

/* Clients of published ports connect to what accepts them outside of the container. */
static void judge_published(const struct queue_watch *w)
{
	const struct published *p = &w->after->published;
	const struct subject *s = w->after->subject;
	struct wording words = {0};
	if (!subject_listens(s, LISTENER_TCP) || (!p->pid && !p->hidden))
		return;
	wording_set(&words, "who", "%s", s->name);
	wording_set(&words, "pid", "%d", (int)s->pid);
	wording_set(&words, "forwarder", "%s", p->name);
	wording_set(&words, "front", "%d", (int)p->pid);
	struct finding *f = report_finding(w->report, "listeners.published", &words);
	if (p->pid)
		f->level = LEVEL_WARNING;
	else
		f->answer[0] = 0;
}

void subject_listeners_judge(const struct queue_watch *w, bool listed)
{
	if (listed)
		judge_closed(w);
	judge_siblings(w);
	judge_aside(w);
	judge_forwarder(w);
	judge_upstreams(w);
	judge_unseen_upstream(w);
	judge_published(w);
	front_judge(w);
}
