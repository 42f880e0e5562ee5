/* The connections that the configuration of the server of --server allows, by its command and its
 * files, and whether it has as many. What is written there: a server that runs may have read
 * another. */
#include "epolltune/probe.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/connection_memory.h"
#include "epolltune/connections.h"
#include "epolltune/counters.h"
#include "epolltune/doing.h"
#include "epolltune/knob.h"
#include "epolltune/list.h"
#include "epolltune/quantity.h"

enum { CLIENTS, NOFILE };

static const struct server_row *server_of(const struct subject *s)
{
	const struct server_row *row = subject_row(s);
	return server_clients_setting(row) ? row : NULL;
}

static const struct server_setting *setting_of(const struct settings *s)
{
	return &server_of(s->subject)->set[SERVER_CLIENTS];
}

static bool clients_applies(const struct target *t, const struct probe_options *o)
{
	return !o->guest && server_of(o->subject);
}

static void clients_read(const struct host *h, struct settings *s)
{
	struct subject_clients *c = &s->clients;
	s->taken.held = s->subject->held;
	connection_open_read(h, s);
	if (subject_clients_read(h, s->subject, c, NULL) || c->state != CLIENTS_READ)
		return;
	s->at[CLIENTS][0] = c->limit < INT32_MAX ? (int64_t)c->limit : INT32_MAX;
	if (c->limit)
		report_text(s->text[CLIENTS], "%" PRId64, s->at[CLIENTS][0]);
}

static uint64_t held_by(const struct target *t, const struct settings *s)
{
	return subject_held(s->subject, s->taken.held, t->role == TARGET_PROXY);
}

static bool clients_both(const struct target *t, const struct settings *s)
{
	return t->role == TARGET_PROXY && setting_of(s)->both;
}

/* Whether an address of its clients has several sockets (SO_REUSEPORT), or else one that its
 * processes share. */
static bool has_sockets(const struct subject *s, bool several)
{
	const struct listeners *l = &s->listeners;
	bool has = false;
	for (size_t i = 0, end; i < l->count; i = end) {
		bool streams = l->at[i].kind == LISTENER_TCP || l->at[i].kind == LISTENER_UNIX;
		end = listeners_group(l, i);
		for (size_t k = i; k < end; k++)
			has |= (end > i + 1) == several && streams && !l->at[k].aside;
	}
	return has;
}

/* Whether its processes share each socket and accept none at their limit: all of them fill up. */
static bool is_even(const struct settings *s)
{
	return !server_of(s->subject)->clients_closed && !has_sockets(s->subject, true);
}

/* Whether one of its processes may get most connections of a socket that they share, as the kernel
 * wakes the one that waited first (EPOLLEXCLUSIVE), and close those beyond its limit while the
 * others have room. */
static bool is_led(const struct settings *s)
{
	const struct server_row *row = server_of(s->subject);
	bool turns =
		s->subject->turns || (row->turns_since && s->clients.version >= row->turns_since);
	return row->clients_closed && !turns && subject_sharing(s->subject) > 1 &&
	       has_sockets(s->subject, false);
}

/* The same server with one of its processes alone. */
static void alone_make(const struct settings *s, struct subject *one, struct settings *out)
{
	*one = *s->subject;
	one->accepting = 1;
	one->in_turns = 0;
	one->unshown = false;
	*out = *s;
	out->subject = one;
}

/* What each process of nginx uses of its limit besides: its listeners, those of an address that
 * have SO_REUSEPORT are one in each, and the channel to the master (ngx_event_process_init()). */
static uint64_t nginx_own(const struct settings *s)
{
	const struct listeners *l = &s->subject->listeners;
	uint64_t own = 1 + s->clients.listeners;
	for (size_t i = 0; i < l->count; i = listeners_group(l, i))
		own++;
	return own;
}

/* What each process has of its limit that no client has. */
static uint64_t own_of(const struct settings *s)
{
	const struct server_setting *set = setting_of(s);
	return set->spare ? nginx_own(s) : set->unused;
}

/* What a client takes of its limit at least, or at most: one that comes through a listener of its
 * own another one for that, and connections to servers behind it may count. */
static uint64_t taken_by(const struct target *t, const struct settings *s, bool most)
{
	const struct target one = {.role = t->role, .connections = 2};
	const struct target taken = connection_target(&one, s->subject, most);
	bool looped = taken.connections > one.connections;
	if (setting_of(s)->both)
		return looped ? target_sockets(&taken) / 2 : clients_both(t, s) ? 2 : 1;
	return looped ? 2 : 1;
}

/* The clients that such a limit of each process suffices for. */
static uint64_t clients_of(const struct target *t, const struct settings *s, uint64_t limit)
{
	const struct server_row *row = server_of(s->subject);
	unsigned spare = setting_of(s)->spare;
	uint64_t left = limit - (spare ? limit / spare : 0);
	uint64_t each = left > own_of(s) ? left - own_of(s) : 0;
	if (row->clients_files)
		each -= held_by(t, s) < each ? held_by(t, s) : each;
	size_t all = subject_sharing(s->subject);
	each /= taken_by(t, s, false);
	return is_even(s) ? each * all : subject_spread(each, all);
}

static uint64_t less(uint64_t from, uint64_t what) { return from > what ? from - what : 0; }

/* Connections that clients have closed and the server has not: they count until it does. Its
 * descriptors have them already. */
static uint64_t left_of(const struct settings *s)
{
	bool counted = server_of(s->subject)->clients_files;
	return counted ? 0 : less(s->taken.left, s->subject->drained.left);
}

/* Those to its other listeners that count towards its limit. */
static uint64_t others_of(const struct settings *s)
{
	return less(s->clients.others, s->subject->drained.others);
}

/* What counts besides the clients of its listeners; the limit of a section is of that alone. */
static uint64_t besides_of(const struct settings *s)
{
	return left_of(s) + (s->clients.section[0] ? 0 : others_of(s));
}

/* The limit of each process with which they hold so many clients. */
static int64_t limit_for(const struct target *t, const struct settings *s, uint64_t clients)
{
	size_t parts = is_led(s) ? 1 : subject_sharing(s->subject);
	uint64_t all = clients + others_of(s) + left_of(s);
	uint64_t each = is_even(s) ? (all + parts - 1) / parts : subject_part(all, parts);
	each = each * taken_by(t, s, true) + own_of(s);
	return knob_round(knob_find("server.max_connections"),
			  (int64_t)server_clients(server_of(s->subject), each, held_by(t, s)));
}

/* Whether the server takes less than RLIMIT_NOFILE by its configuration. */
static bool files_lowered(const struct settings *s)
{
	uint64_t soft = s->subject->soft, files = s->clients.files;
	return files && (!soft || files < soft);
}

/* What RLIMIT_NOFILE, or what replaces it, lets each process have at most; REPORT_NONE: no such
 * bound is known. */
static int64_t files_bound(const struct settings *s)
{
	const struct server_setting *set = setting_of(s);
	uint64_t files = files_lowered(s) ? s->clients.files : s->subject->soft;
	uint64_t kept = set->files_kept;
	if (!set->files_each || !files || files > INT64_MAX)
		return REPORT_NONE;
	return (int64_t)((files > kept ? files - kept : 0) / set->files_each);
}

/* Above what some versions take at most where nothing sets it. */
static bool may_be_lowered(const struct settings *s)
{
	const struct server_setting *set = setting_of(s);
	return set->files_preset && s->clients.state == CLIENTS_READ && s->clients.preset &&
	       !s->clients.files && s->subject->soft > set->files_preset;
}

/* Those that are open beyond the limit: workers that serve one leave the others in the accept
 * queue, and close each after its answer. */
static uint64_t waiting_of(const struct settings *s)
{
	bool local = subject_is_local(s->subject);
	return s->clients.class ? subject_queue(s->subject, local ? LISTENER_UNIX : LISTENER_TCP)
					  .sum
				: 0;
}

/* The clients that a limit of each process suffices for: those of other listeners take from that of
 * the process, not from a lower one of sections. */
static int64_t capacity_of(const struct target *t, const struct settings *s, int64_t limit)
{
	const struct subject_clients *c = &s->clients;
	bool sections = c->several || c->section[0];
	int64_t files = files_bound(s);
	uint64_t own = less(clients_of(t, s, (uint64_t)limit), left_of(s));
	uint64_t all = !sections ? (uint64_t)limit : c->shared ? c->shared : INT32_MAX;
	if (files != REPORT_NONE && (uint64_t)files < all)
		all = (uint64_t)files;
	all = less(clients_of(t, s, all), others_of(s) + left_of(s));
	return (int64_t)((own < all ? own : all) + waiting_of(s));
}

static int64_t capacity_alone(const struct target *t, const struct settings *s, int64_t limit)
{
	struct subject one;
	struct settings alone;
	alone_make(s, &one, &alone);
	return capacity_of(t, &alone, limit);
}

/* Those that are served at the same time; UINT64_MAX: all that it has. */
static uint64_t served_of(const struct target *t, const struct settings *s, int64_t limit)
{
	return s->clients.class ? clients_of(t, s, (uint64_t)limit) : UINT64_MAX;
}

/* The limit of each process. */
struct clients_limit {
	int64_t value; /* REPORT_NONE: unknown */
	bool files;    /* by RLIMIT_NOFILE, or what replaces it, alone */
	bool upper;    /* it may be lower */
	bool spread;   /* unknown, as it is not visible how many processes accept */
	bool further;  /* unknown, as another directive may bind first */
	bool builtin;  /* unknown, as some versions have less than RLIMIT_NOFILE */
	bool looped;   /* unknown, as a client may come through a listener of its own */
	/* Unknown, as only so many are served at a time, and the others wait; 0: not so. */
	uint64_t served;
};

static bool is_short(const struct target *t, const struct settings *s, int64_t limit)
{
	return report_verdict(capacity_of(t, s, limit), (int64_t)t->connections) == VERDICT_SHORT;
}

/* Whether it suffices only where few clients come through a listener of its own. */
static bool is_looped(const struct target *t, const struct settings *s, int64_t limit)
{
	uint64_t least = taken_by(t, s, false), most = taken_by(t, s, true);
	int64_t enough = (int64_t)(t->connections * most / least);
	return most > least && !is_short(t, s, limit) &&
	       report_verdict(capacity_of(t, s, limit), enough) != VERDICT_OK;
}

static struct clients_limit limit_written(const struct target *t, const struct settings *s)
{
	int64_t written = s->at[CLIENTS][0], files = files_bound(s);
	int64_t told = (int64_t)s->clients.told;
	/* Beyond that it depends on what else counts. */
	if (told && report_verdict(capacity_of(t, s, told), (int64_t)t->connections) == VERDICT_OK)
		return (struct clients_limit){.value = told};
	if (written > 0 && (files == REPORT_NONE || written <= files))
		return (struct clients_limit){.value = written};
	bool upper = written <= 0;
	if (may_be_lowered(s) && (files == REPORT_NONE || !is_short(t, s, files))) {
		int64_t low = (int64_t)(setting_of(s)->files_preset / setting_of(s)->files_each);
		return (struct clients_limit){.value = is_short(t, s, low) ? REPORT_NONE : low,
					      .files = true,
					      .upper = true,
					      .builtin = true};
	}
	/* An upper bound of what is not visible shows only that it is short. */
	if (written == REPORT_NONE && upper && files >= (int64_t)t->connections)
		files = REPORT_NONE;
	return (struct clients_limit){.value = files, .files = true, .upper = upper};
}

/* Whether it is not visible how many processes accept; of a socket unit it is systemd alone. */
static bool is_spread(const struct subject *s)
{
	return !s->activated && (!s->accepting || subject_uncertain(s));
}

static struct clients_limit limit_of(const struct target *t, const struct settings *s)
{
	struct clients_limit limit = limit_written(t, s);
	bool several = s->clients.several;
	if (limit.value == REPORT_NONE)
		return limit;
	/* Of several sections the load may meet any one. */
	if (several && !is_short(t, s, limit.value)) {
		int64_t least = (int64_t)s->clients.least;
		bool ok = report_verdict(capacity_of(t, s, least), (int64_t)t->connections) ==
			  VERDICT_OK;
		limit.value = ok && least < limit.value ? least : ok ? limit.value : REPORT_NONE;
	}
	/* One process may not be all. */
	if (limit.value != REPORT_NONE && is_spread(s->subject) && is_short(t, s, limit.value)) {
		limit.value = REPORT_NONE;
		limit.spread = true;
	}
	if (limit.value != REPORT_NONE && s->clients.further && !is_short(t, s, limit.value)) {
		limit.value = REPORT_NONE;
		limit.further = true;
	}
	if (limit.value != REPORT_NONE && is_looped(t, s, limit.value)) {
		limit.value = REPORT_NONE;
		limit.looped = true;
	}
	if (limit.value != REPORT_NONE && !is_short(t, s, limit.value)) {
		uint64_t served = served_of(t, s, limit.value);
		bool queued = served < t->connections;
		limit.spread = queued && is_spread(s->subject);
		limit.served = queued ? served : 0;
		limit.value = queued ? REPORT_NONE : limit.value;
	}
	return limit;
}

static void clients_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	struct clients_limit limit = limit_of(t, s);
	bool absent = s->clients.state == CLIENTS_NONE, known = limit.value != REPORT_NONE;
	b->state = absent ? BOUND_ABSENT : known ? BOUND_LIMIT : BOUND_UNKNOWN;
	if (absent && !s->subject->activated)
		b->why = "epolltune knows of no limit that this server has by its command or by "
			 "default.";
	if (!known)
		return;
	/* What it uses of the limit besides is not known. */
	bool more = limit.upper || (server_of(s->subject)->clients_files && !s->taken.held) ||
		    (s->clients.doubles && !clients_both(t, s));
	b->capacity = capacity_of(t, s, limit.value);
	b->upper.is = more || setting_of(s)->asked || s->clients.uncounted || is_led(s);
	if (is_led(s))
		b->upper.shown = capacity_alone(t, s, limit.value) / (more ? 2 : 1);
	else if (!more)
		b->upper.shown = b->capacity;
	b->binding = limit.files && s->at[CLIENTS][0] != 0 ? NOFILE : CLIENTS;
}

static bool clients_solve(const struct target *t, const struct settings *now,
			  const struct outcome *o, int64_t enough, struct settings *out)
{
	const struct server_row *row = server_of(now->subject);
	const struct server_setting *set = setting_of(now);
	int64_t limit = limit_for(t, now, (uint64_t)enough);
	int64_t files = limit * (int64_t)set->files_each + (int64_t)set->files_kept;
	int64_t *soft = &out->at[NOFILE][0], *hard = &out->at[NOFILE][1];
	if (now->at[CLIENTS][0] < limit)
		out->at[CLIENTS][0] = limit;
	if (set->files_each && *soft != REPORT_NONE && *(row->files_raised ? hard : soft) < files) {
		*soft = files;
		*hard = *hard < files ? files : *hard;
	}
	return true;
}

/* The flag of the catalogue's texts for each state without a limit. */
static const char *const states[] = {[CLIENTS_READ] = NULL,
				     [CLIENTS_COMMAND] = "command",
				     [CLIENTS_OPTION] = "option",
				     [CLIENTS_UNNAMED] = "unnamed",
				     [CLIENTS_UNREADABLE] = "unreadable",
				     [CLIENTS_CHANGED] = "changed",
				     [CLIENTS_INVALID] = "invalid",
				     [CLIENTS_PARTS] = "parts",
				     [CLIENTS_ELSEWHERE] = "elsewhere",
				     [CLIENTS_UNITS] = "units",
				     [CLIENTS_UNIT] = "unlisted",
				     [CLIENTS_UNREAD] = "unread"};

static void state_words(const struct settings *s, struct clients_limit limit, struct wording *w)
{
	const struct subject_clients *c = &s->clients;
	if (states[c->state])
		wording_flag(w, states[c->state], true);
	else if (limit.spread)
		wording_flag(w, "spread", true);
	else if (limit.further)
		wording_set(w, "further", "%s", c->further);
	else if (limit.looped)
		wording_flag(w, "looped", true);
	else if (limit.served)
		wording_set(w, "served", "%s", quantity_count(limit.served).text);
	else if (c->several)
		wording_flag(w, c->least ? "several" : "unserved", true);
	else if (limit.builtin)
		wording_set(w, "builtin", "%s", quantity_count(setting_of(s)->files_preset).text);
	else if (!c->limit)
		wording_flag(w, "automatic", true);
	wording_flag(w, "waits", !server_of(s->subject)->clients_closed);
	wording_flag(w, "unknown", limit.value == REPORT_NONE);
	wording_flag(w, "by_files", limit.files && limit.value != REPORT_NONE);
	wording_flag(w, "preset", c->preset);
	wording_set(w, "class", "%s", c->class ? c->class : "");
	if (limit.builtin)
		wording_set(w, "lowered", "What some versions take of RLIMIT_NOFILE");
	else if (files_lowered(s))
		wording_set(w, "lowered", "%s of %s", setting_of(s)->files_cap_directive, c->file);
	wording_set(w, "name", "%s", c->name ? c->name : "");
	wording_set(w, "asked", "%s", setting_of(s)->asked ? setting_of(s)->asked : "");
	wording_set(w, "section", "%s", c->several ? "" : c->section);
	wording_set(w, "file", "%s", c->file);
}

/* The socket unit that systemd accepts for; NULL: none is known. */
static const char *unit_of(const struct settings *s)
{
	const struct subject_clients *c = &s->clients;
	const char *slash = strrchr(c->file, '/');
	return s->subject->activated && c->state == CLIENTS_READ && slash ? slash + 1 : NULL;
}

/* Names the unit, or the process. */
static void who_words(const struct settings *s, struct wording *w)
{
	const char *unit = unit_of(s);
	/* The files that were read are not those of a user's manager. */
	unit_words(w, unit ? unit : "",
		   s->subject->manager == UNIT_INSIDE ? UNIT_INSIDE : UNIT_SYSTEM);
	wording_set(w, "process", "%s", unit ? unit : s->subject->name);
	if (unit)
		wording_set(w, "who", "%s (Accept=yes)", unit);
	else
		wording_set(w, "who", "%s (pid %d)", s->subject->name, (int)s->subject->pid);
}

/* The line of its configuration, or of its command where that sets it. */
static void line_words(const struct target *t, const struct settings *s, struct wording *w)
{
	const struct subject_clients *c = &s->clients;
	const char *line = server_of(s->subject)->clients_line;
	int64_t limit = limit_for(t, s, report_margin(t->connections));
	const char *unit = unit_of(s);
	char text[WORDING_TEXT];
	bool option = setting_of(s)->directive && c->state == CLIENTS_READ && !c->file[0];
	server_line(line, "clients", (uint64_t)limit, text, sizeof(text));
	/* The server refuses to start where it is too low for that line. */
	if (files_lowered(s))
		report_append(text, "; remove %s", setting_of(s)->files_cap_directive);
	if (option)
		wording_set(w, "line", "%s %" PRId64 " in its command", c->name, limit);
	else if (unit)
		wording_set(w, "line", "%s=%" PRId64, setting_of(s)->directive, limit);
	else
		wording_set(w, "line", "%s", text);
}

/* The sections that set a limit of their own, or may where the file was not read. */
static void narrower_words(const struct settings *s, struct wording *w)
{
	const char *list = setting_of(s)->narrower;
	char text[WORDING_TEXT] = "";
	struct list_item item;
	bool may = s->clients.state != CLIENTS_READ || s->clients.sections;
	while (may && list && list_next(&list, &item))
		report_append(text, "%s%.*s", text[0] ? ", " : "", item.length, item.text);
	wording_set(w, "narrower", "%s", text);
}

/* What one process suffices for where it may get most connections. */
static void led_words(const struct target *t, const struct settings *s, int64_t limit,
		      struct wording *w)
{
	const char *line = server_of(s->subject)->spread_line;
	bool led = limit != REPORT_NONE && is_led(s);
	wording_set(w, "alone", "%s",
		    led ? quantity_count((uint64_t)capacity_alone(t, s, limit)).text : "");
	wording_set(w, "hashed", "%s", led && line ? line : "");
}

static void clients_words(const struct target *t, const struct settings *s, const struct outcome *o,
			  const struct bound *b, struct wording *w)
{
	const struct server_row *row = server_of(s->subject);
	const struct server_setting *set = setting_of(s);
	struct clients_limit limit = limit_of(t, s);
	const char *kept = set->files_kept ? quantity_count(set->files_kept).text : "";
	state_words(s, limit, w);
	wording_set(w, "limit", "%s",
		    limit.value == REPORT_NONE ? "" : quantity_count((uint64_t)limit.value).text);
	wording_set(w, "kept", "%s", limit.files ? kept : "");
	wording_flag(w, "half", limit.files && set->files_each == 2);
	wording_set(w, "divided", "%s",
		    limit.files && set->files_each > 2 ? quantity_count(set->files_each).text : "");
	who_words(s, w);
	wording_set(w, "server", "%s", row->name);
	wording_set(w, "default", "%s", row->clients ? row->clients : "");
	wording_set(w, "processes", "%s",
		    subject_sharing(s->subject) > 1
			    ? quantity_count(subject_sharing(s->subject)).text
			    : "");
	wording_flag(w, "uneven", !is_even(s));
	led_words(t, s, limit.value, w);
	wording_flag(w, "idle", set->spare);
	/* Of one listener they are no news. */
	uint64_t own = set->spare ? own_of(s) : 0;
	wording_set(w, "listening", "%s", own > 2 ? quantity_count(own).text : "");
	wording_set(w, "answer", "%s", row->clients_answer ? row->clients_answer : "");
	wording_set(w, "besides", "%s", others_of(s) ? quantity_count(others_of(s)).text : "");
	wording_set(w, "left", "%s", left_of(s) ? quantity_count(left_of(s)).text : "");
	wording_set(w, "waiting", "%s", waiting_of(s) ? quantity_count(waiting_of(s)).text : "");
	wording_flag(w, "doubles", s->clients.doubles && !clients_both(t, s));
	wording_flag(w, "both", clients_both(t, s));
	wording_set(w, "inner", "%s", s->subject->behind.own);
	wording_set(w, "takes", "%s", quantity_count(taken_by(t, s, true)).text);
	wording_set(w, "held", "%s",
		    row->clients_files && s->taken.held ? quantity_count(s->taken.held).text : "");
	narrower_words(s, w);
	line_words(t, s, w);
}

/* systemd has PollLimitBurst= since then. */
#define POLLS_SINCE SERVER_VERSION(255, 0, 0)

/* What systemd starts a process for, each connection of a socket unit with Accept=yes. */
static bool starts_applies(const struct target *t, const struct probe_options *o)
{
	return clients_applies(t, o) && o->subject->activated;
}

static void starts_read(const struct host *h, struct settings *s)
{
	subject_clients_read(h, s->subject, &s->clients, NULL);
}

/* Connections a second; INT64_MAX: there is no limit. */
static int64_t pace_of(const struct subject_burst *b)
{
	double per_s = b->interval_us ? (double)b->count * 1e6 / (double)b->interval_us : 0;
	return !b->count || per_s >= 1e15 || !b->interval_us ? INT64_MAX : (int64_t)per_s;
}

/* Beyond which clients of that systemd wait; INT64_MAX: they do not. */
static int64_t pace_of_polls(const struct subject_clients *c)
{
	bool older = c->version && c->version < POLLS_SINCE;
	return older ? INT64_MAX : pace_of(&c->poll);
}

static void starts_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	const struct subject_clients *c = &s->clients;
	int64_t fails = pace_of(&c->trigger), waits = pace_of_polls(c);
	b->state = c->state == CLIENTS_NONE ? BOUND_ABSENT : BOUND_UNKNOWN;
	if (c->state != CLIENTS_READ)
		return;
	b->upper.shown = fails < waits ? fails : waits;
	/* An older one has the first limit only. */
	b->upper.is = !c->version && waits < fails;
	b->capacity = b->upper.is ? fails : b->upper.shown;
	if (b->upper.is && fails == INT64_MAX)
		b->capacity = report_verdict(waits, (int64_t)t->rate_per_s) == VERDICT_OK
				      ? waits
				      : REPORT_NONE;
	if (b->capacity != REPORT_NONE)
		b->state = b->upper.shown == INT64_MAX ? BOUND_UNLIMITED : BOUND_LIMIT;
}

/* A limit on connections in an interval with which the target's rate passes. */
static uint64_t burst_for(const struct target *t, const struct subject_burst *b)
{
	return (uint64_t)ceil((double)report_margin(t->rate_per_s) * (double)b->interval_us / 1e6);
}

static void burst_words(const char *name, const struct subject_burst *b, uint64_t wanted,
			struct wording *w)
{
	char full[16];
	bool limits = pace_of(b) < INT64_MAX;
	wording_set(w, name, "%s", limits ? quantity_count(b->count).text : "");
	snprintf(full, sizeof(full), "%s_in", name);
	wording_set(w, full, "%s", quantity_show(QUANTITY_DURATION, b->interval_us).text);
	snprintf(full, sizeof(full), "%s_line", name);
	wording_set(w, full, "%s", limits && b->count < wanted ? quantity_plain(wanted).text : "");
}

static void starts_words(const struct target *t, const struct settings *s, const struct outcome *o,
			 const struct bound *b, struct wording *w)
{
	const struct subject_clients *c = &s->clients;
	bool polls = pace_of_polls(c) < INT64_MAX;
	struct subject_burst poll = polls ? c->poll : (struct subject_burst){0};
	uint64_t wanted = burst_for(t, &c->trigger);
	who_words(s, w);
	wording_flag(w, "unknown", c->state != CLIENTS_READ);
	wording_flag(w, "unversioned", polls && !c->version);
	/* Above the other one, as by default: clients that wait are better than none. */
	burst_words("trigger", &c->trigger, polls ? wanted + wanted / 3 : wanted, w);
	burst_words("poll", &poll, burst_for(t, &poll), w);
}

static const struct experiment experiments[] = {
	{
		.wall = "application.limit",
		.knobs = {"server.max_connections", "RLIMIT_NOFILE"},
		.applies = clients_applies,
		.read = clients_read,
		.bound = clients_bound,
		.solve = clients_solve,
		.words = clients_words,
	},
	{
		.wall = "application.starts",
		.applies = starts_applies,
		.read = starts_read,
		.bound = starts_bound,
		.words = starts_words,
	},
	{0},
};

struct sample {
	struct settings now;            /* subject NULL: there is no such server */
	struct subject_fullest fullest; /* of its processes */
	struct host_counters counters;
	/* Where may_close(). */
	bool alone;         /* no other TCP listener is here than those of its clients */
	uint64_t closed_ms; /* since it closed a connection, and not the client; UINT64_MAX: unknown
			     */
};

/* Whether all its listeners are one section's: each section has a limit of its own. */
static bool is_one_section(const struct subject *s)
{
	for (size_t i = 1; i < s->listeners.count; i++)
		if (s->listeners.at[i].port != s->listeners.at[0].port)
			return false;
	return true;
}

/* What all its processes that accept may have open together, and have. */
struct clients_use {
	uint64_t max; /* 0: unknown */
	uint64_t open;
	uint64_t own; /* of `max`, that the server uses for itself at least */
};

/* What each process may have open; 0: unknown. Of a server that sets RLIMIT_NOFILE by its limit, it
 * is at that one. */
static uint64_t each_of(const struct settings *s)
{
	const struct subject_clients *c = &s->clients;
	int64_t each = s->at[CLIENTS][0];
	/* A worker that holds one client is at that limit at each request. */
	if (!s->subject || each <= 0 || c->several || c->class ||
	    server_of(s->subject)->clients_files || (c->section[0] && !is_one_section(s->subject)))
		return 0;
	int64_t files = files_bound(s);
	return (uint64_t)(files != REPORT_NONE && files < each ? files : each);
}

static struct clients_use use_of(const struct settings *s)
{
	struct clients_use use = {.max = each_of(s)};
	if (!use.max || is_spread(s->subject))
		return (struct clients_use){0};
	size_t processes = subject_sharing(s->subject);
	use.max *= processes;
	use.open = less(s->taken.accepted, s->subject->drained.open) + besides_of(s);
	if (setting_of(s)->both)
		use.open += s->subject->opened;
	use.own = own_of(s) * processes;
	return use;
}

/* The same of the one of several processes that has most; max 0: the others accept what it does
 * not. */
static struct clients_use fullest_use(const struct sample *look)
{
	const struct settings *s = &look->now;
	struct clients_use use = {.max = each_of(s)};
	if (!use.max || !look->fullest.pid || s->clients.section[0] || is_even(s) ||
	    s->subject->accepting + s->subject->in_turns < 2)
		return (struct clients_use){0};
	use.open = look->fullest.accepted + (setting_of(s)->both ? look->fullest.opened : 0);
	use.own = own_of(s);
	return use;
}

/* More than the limit are open where the running server has another. */
static bool is_reached(const struct clients_use *u)
{
	return u->max && u->open + u->own >= u->max && u->open <= u->max + u->max / 16 + 8;
}

/* The same with the limit of its processes alone, which sections with lower ones share. False:
 * there is no such other limit. */
static bool shared_make(const struct settings *s, struct settings *out)
{
	const struct subject_clients *c = &s->clients;
	if (!c->shared || c->shared > INT32_MAX || (!c->section[0] && !c->several))
		return false;
	*out = *s;
	out->clients.section[0] = 0;
	out->clients.several = false;
	out->clients.limit = c->shared;
	out->at[CLIENTS][0] = (int64_t)c->shared;
	report_text(out->text[CLIENTS], "%" PRId64, out->at[CLIENTS][0]);
	return true;
}

/* Whether it is at its limit, and what it closes then is a new client: nginx closes idle ones, and
 * others after an answer, at any time. */
static bool may_close(const struct settings *s)
{
	const struct server_row *row = server_of(s->subject);
	struct settings shared;
	struct clients_use own, all = {0};
	if (!row->clients_closed || setting_of(s)->spare)
		return false;
	own = use_of(s);
	if (shared_make(s, &shared))
		all = use_of(&shared);
	return is_reached(&own) || is_reached(&all);
}

/* The TCP listener of the subject at the address of `l`, unless it was set aside. */
static bool clients_reach(const struct listener *l, void *subject)
{
	const struct listeners *own = &((const struct subject *)subject)->listeners;
	for (size_t i = 0; i < own->count; i++)
		if (l->kind == LISTENER_TCP && !own->at[i].aside &&
		    listener_shares_arrivals(l, &own->at[i]))
			return true;
	return false;
}

/* Whether what the kernel counts of clients is of the subject's, and what that has closed. */
static void closed_read(const struct host *h, const struct subject *subject, struct sample *s)
{
	CLEAN(listeners_free) struct listeners l = {0};
	s->alone = !listeners_read_tcp(h, &l, NULL);
	for (size_t i = 0; i < l.count; i++)
		s->alone &=
			subject_has(subject, &l.at[i]) && clients_reach(&l.at[i], (void *)subject);
	connections_closed(h, &l, clients_reach, (void *)subject, &s->closed_ms, NULL);
}

static int sample_take(const struct host *h, const struct probe_options *o, struct sample *s,
		       struct err *e)
{
	s->now.at[CLIENTS][0] = REPORT_NONE;
	s->closed_ms = UINT64_MAX;
	if (!clients_applies(NULL, o))
		return 0;
	s->now.subject = o->subject;
	clients_read(h, &s->now);
	s->fullest = subject_fullest_read(h, o->subject);
	host_counters(h, &s->counters, NULL);
	if (may_close(&s->now))
		closed_read(h, o->subject, s);
	return 0;
}

/* Whether a client is turned away, or waits, and not only the next one would. */
static bool has_lost(const struct sample *before, const struct sample *after, double seconds)
{
	const struct host_counters *then = &before->counters, *now = &after->counters;
	const struct taken *was = &before->now.taken, *is = &after->now.taken;
	if (!server_of(after->now.subject)->clients_closed)
		return was->open > was->accepted && is->open > is->accepted;
	/* A client that arrives may have the place of one that has left. What a server closes that
	 * has not read what came is reset, and leaves no other trace. */
	bool closed = (double)after->closed_ms < seconds * 1e3;
	bool reset = after->alone && host_counter_delta(then, now, COUNTER_ESTABLISHED_RESETS) > 0;
	return may_close(&after->now) && (closed || reset) && is->accepted <= was->accepted &&
	       is->accepted + is->left <= was->accepted + was->left &&
	       host_counter_delta(then, now, COUNTER_PASSIVE_OPENS) > 0;
}

/* What `use` says of `now`, which are those of one process alone where `one` has its pid. */
static void reached_report(const struct target *target, const struct settings *now,
			   const struct clients_use *use, pid_t one, bool lost, struct report *r)
{
	struct wording words = {0};
	struct target t = *target;
	struct subject subject;
	struct settings alone;
	if (one)
		alone_make(now, &subject, &alone);
	/* `open` has them, and so has what limit_for() adds. */
	uint64_t besides = besides_of(now);
	if (one)
		alone.taken.left = alone.clients.others = besides = 0;
	/* The line to set has room for those that are open, too. */
	if (one || t.connections <= less(use->open, besides))
		t.connections = less(use->open, besides) + 1;
	clients_words(&t, one ? &alone : now, NULL, NULL, &words);
	wording_set(&words, "open", "%s", quantity_count(use->open).text);
	wording_set(&words, "max", "%s", quantity_count(use->max).text);
	wording_flag(&words, "closes", server_of(now->subject)->clients_closed);
	wording_flag(&words, "lost", lost);
	wording_set(&words, "one", "%.0d", (int)one);
	if (one)
		wording_set(&words, "processes", "%s",
			    quantity_count(now->subject->accepting + now->subject->in_turns).text);
	struct finding *f = report_finding(r, "application.limit.reached", &words);
	if (!lost)
		f->level = LEVEL_WARNING;
	finding_evidence(f, "open connections", "connections", (double)use->open, NAN);
	finding_propose(f, "server.max_connections", now->text[CLIENTS], "");
}

/* Whether both looks showed it. */
static bool stays_reached(const struct clients_use *was, const struct clients_use *is)
{
	return is_reached(was) && is_reached(is);
}

static void observation_judge(const struct sample *before, const struct sample *after,
			      const struct moment *m, struct report *r)
{
	struct settings shared[2];
	struct clients_use was = use_of(&before->now), is = use_of(&after->now);
	if (stays_reached(&was, &is)) {
		reached_report(m->target, &after->now, &is, 0, has_lost(before, after, m->seconds),
			       r);
		return;
	}
	if (shared_make(&before->now, &shared[0]) && shared_make(&after->now, &shared[1])) {
		was = use_of(&shared[0]);
		is = use_of(&shared[1]);
		if (stays_reached(&was, &is))
			reached_report(m->target, &shared[1], &is, 0,
				       has_lost(before, after, m->seconds), r);
		return;
	}
	was = fullest_use(before);
	is = fullest_use(after);
	if (stays_reached(&was, &is))
		reached_report(m->target, &after->now, &is, after->fullest.pid, false, r);
}

static const struct observation observation = {
	.size = sizeof(struct sample),
	.window = true,
	.sample = sample_take,
	.judge = observation_judge,
};

const struct probe probe_configuration = {
	.name = "configuration",
	.summary = "the connections that the configuration of the server of --server allows",
	.mode = PROBE_FIRST,
	.place = PROBE_HOST,
	.experiments = experiments,
	.observation = &observation,
};
