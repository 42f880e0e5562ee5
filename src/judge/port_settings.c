/* What the kernel's rules make of the settings of ports: how many, and at which rate. */
#include "epolltune/port_settings.h"

#include <inttypes.h>

#include "epolltune/knob_value.h"
#include "epolltune/ports.h"
#include "epolltune/quantity.h"
#include "judge/port_fields.h"

/* The delay of kernels without the knob. */
#define DELAY_DEFAULT_MS 1000

int64_t port_fields_count(const struct settings *s, const struct port_set *ports)
{
	struct port_set left = *ports, reserved = {0};
	port_set_parse(&reserved, s->text[PORT_RESERVED]);
	port_set_remove(&left, &reserved);
	return port_set_count(&left, s->at[PORT_RANGE][0], s->at[PORT_RANGE][1]);
}

/* The listeners in the range. What a long list has more than there are is subtracted; a range that
 * was made wider reserves all of the list. */
static int64_t listeners_of(const struct settings *s)
{
	struct port_set listeners = {0};
	int64_t added = s->at[PORT_SERVICES][ADDED];
	port_set_parse(&listeners, s->text[PORT_SERVICES]);
	int64_t count = port_fields_count(s, &listeners) - (added > 0 ? added : 0);
	return count > 0 ? count : 0;
}

/* The reserved ports of the range in the settings; -1: unknown. */
static int64_t reserved_of(const struct settings *s)
{
	struct port_set set = {0};
	if (s->at[PORT_RESERVED][TAKEN] != REPORT_NONE)
		return s->at[PORT_RESERVED][TAKEN];
	port_set_parse(&set, s->text[PORT_RESERVED]);
	return port_set_count(&set, s->at[PORT_RANGE][0], s->at[PORT_RANGE][1]);
}

int64_t ports_free(const struct settings *s)
{
	const int64_t *range = s->at[PORT_RANGE];
	int64_t ports = port_range_free(range[0], range[1], reserved_of(s));
	return ports < 0 ? REPORT_NONE : ports - listeners_of(s);
}

bool ports_free_reserve(const struct settings *s, char *list, size_t size)
{
	struct port_set set = {0}, listeners = {0};
	int64_t low = s->at[PORT_RANGE][0], high = s->at[PORT_RANGE][1];
	if (!listeners_of(s) || s->at[PORT_RESERVED][TAKEN] != REPORT_NONE ||
	    s->at[PORT_SERVICES][ADDED] > 0)
		return false;
	port_set_parse(&set, s->text[PORT_RESERVED]);
	port_set_parse(&listeners, s->text[PORT_SERVICES]);
	for (int64_t port = low; port <= high; port++)
		if (port_set_has(&listeners, port))
			port_set_add(&set, port, port);
	int64_t exact = port_set_count(&set, low, high);
	port_set_format(&set, list, size);
	return port_set_count(&set, low, high) == exact;
}

static bool range_for(const struct settings *s, int64_t enough, struct port_range *out)
{
	struct port_rules rules = {
		.low = s->at[PORT_RANGE][0],
		.high = s->at[PORT_RANGE][1],
		.first = s->at[PORT_FIRST][0],
		.reserved_fixed = s->at[PORT_RESERVED][TAKEN] != REPORT_NONE,
		.services = {.kubernetes = s->at[PORT_SERVICES][0] > 0},
	};
	if (ports_free(s) == REPORT_NONE)
		return false;
	port_set_parse(&rules.reserved, s->text[PORT_RESERVED]);
	port_set_parse(&rules.services.listeners, s->text[PORT_SERVICES]);
	port_set_parse(&rules.services.datagrams, s->datagram_ports);
	return port_range_for(&rules, enough, out);
}

/* The widest range if none has that many ports; false: none is wider. */
static bool range_solve(const struct settings *now, int64_t enough, struct settings *out)
{
	struct port_range range;
	if (!range_for(now, enough, &range))
		return false;
	out->at[PORT_RANGE][0] = range.low;
	out->at[PORT_RANGE][1] = range.high;
	if (!port_set_count(&range.added, 0, 65535))
		return true;
	out->at[PORT_RESERVED][0] = port_set_count(&range.reserved, 0, 65535);
	port_set_format(&range.reserved, out->text[PORT_RESERVED], KNOB_VALUE);
	return true;
}

/* Of a proxy only: that of a server is for information. */
static bool is_portless(const struct target *t, const struct settings *s, struct bound *b)
{
	if (!s->portless || t->role != TARGET_PROXY)
		return false;
	b->state = BOUND_ABSENT;
	b->why = "The configuration of the proxy names only UNIX sockets of servers behind it: a "
		 "connection to one takes no port.";
	return true;
}

static bool is_bound(const struct settings *s) { return s->at[PORT_NEAR][BOUND] == 1; }

/* Whether the open connections say how the load is spread: not where the target does. */
static bool is_spread(const struct target *t, const struct settings *s)
{
	return s->spread.pairs > 1 && !is_bound(s) && t->destinations <= 1;
}

/* What of the target comes to the fullest destination; all of it where bind() chooses the ports. */
static int64_t target_needs(const struct target *t, const struct settings *s, uint64_t all)
{
	static const struct target one = TARGET_DEFAULT;
	return (int64_t)target_part(is_bound(s) ? &one : t, all);
}

/* What of so many connections comes to the fullest destination of the open ones. */
static int64_t part_of(const struct target *t, const struct settings *s, uint64_t connections)
{
	__extension__ typedef unsigned __int128 wide;
	bool spread = is_spread(t, s);
	wide all = spread ? s->spread.all : 1, one = spread ? s->spread.fullest : 1;
	wide part = (connections * one + all - 1) / all;
	return part > INT64_MAX ? INT64_MAX : (int64_t)part;
}

/* The connections that it opens itself and holds, to one destination. */
static int64_t own_connections(const struct target *t, const struct settings *s)
{
	uint64_t needs = (uint64_t)target_needs(t, s, t->connections);
	return t->role == TARGET_PROXY ? part_of(t, s, needs) : 0;
}

int64_t ports_rate_needed(const struct target *t, const struct settings *s)
{
	return target_needs(t, s, t->rate_per_s);
}

void ports_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	if (is_portless(t, s, b))
		return;
	b->binding = PORT_RANGE;
	b->capacity = ports_free(s);
	if (t->role != TARGET_PROXY)
		return;
	b->need.min = target_needs(t, s, t->connections);
	if (t->destinations > 1 && s->at[PORT_NEAR][BOUND] == SEEMS)
		b->need.max = (int64_t)t->connections;
	if (!is_spread(t, s))
		return;
	/* The load may come to them as the open connections, or all to one. */
	b->need.min = own_connections(t, s);
	b->need.max = (int64_t)t->connections;
}

bool ports_solve(const struct target *t, const struct settings *now, const struct outcome *o,
		 int64_t enough, struct settings *out)
{
	return range_solve(now, enough, out);
}

/* Sets {added}: the ports that a range with `enough` ports has to leave to services. Returns its
 * free ports. */
static int64_t range_words(const struct settings *s, int64_t enough, struct wording *w)
{
	struct port_range range;
	char added[KNOB_VALUE];
	if (reserved_of(s) > 0)
		wording_set(w, "reserved", "%s", quantity_count((uint64_t)reserved_of(s)).text);
	if (listeners_of(s))
		wording_set(w, "listening", "%s", quantity_count((uint64_t)listeners_of(s)).text);
	wording_set(w, "added", "%s", "");
	if (!range_for(s, enough, &range))
		return ports_free(s);
	port_set_format(&range.added, added, sizeof(added));
	wording_set(w, "added", "%s", added);
	return range.free;
}

static uint64_t parts(int64_t whole, int64_t each) { return (uint64_t)((whole - 1) / each + 1); }

/* Sets {pairs} and {share}, how the open connections are spread. */
static void spread_words(const struct target *t, const struct settings *s, struct wording *w)
{
	if (t->destinations > 1 && !is_bound(s))
		wording_set(w, "destinations", "%s", quantity_count(t->destinations).text);
	if (!is_spread(t, s))
		return;
	wording_set(w, "pairs", "%s", quantity_count(s->spread.pairs).text);
	wording_set(w, "share", "%" PRIu64,
		    (s->spread.fullest * 100 + s->spread.all - 1) / s->spread.all);
	/* As many have the part of the fullest. */
	if (s->spread.all / s->spread.fullest > 1)
		wording_set(w, "even", "%" PRIu64, s->spread.all / s->spread.fullest);
}

void ports_words(const struct target *t, const struct settings *s, const struct outcome *o,
		 const struct bound *b, struct wording *w)
{
	int64_t enough = (int64_t)report_margin(target_part(t, t->connections));
	if (ports_free(s) == REPORT_NONE)
		return;
	int64_t each = range_words(s, enough, w), most = each / 5 * 4 + each % 5 * 4 / 5;
	spread_words(t, s, w);
	wording_flag(w, "bound", is_bound(s));
	/* Of so many each is ok. */
	if (enough > each && most > 0)
		wording_set(w, "sources", "%s",
			    quantity_count(parts((int64_t)t->connections, most)).text);
}

bool ports_unstamped(const struct settings *s, bool loopback)
{
	return s->at[PORT_STAMPS][loopback] == 0;
}

/* bind() takes no port in TIME_WAIT. */
int64_t ports_rest_ms(const struct settings *s, bool loopback)
{
	int64_t delay = s->at[PORT_REUSE_DELAY][0];
	if (is_bound(s) || ports_unstamped(s, loopback) ||
	    !ports_reused(s->at[PORT_REUSE][0], s->at[PORT_TIMESTAMPS][0], loopback))
		return TIME_WAIT_MS;
	return delay > 0 ? delay : DELAY_DEFAULT_MS;
}

/* Whether the server connects to such a destination. Without any, to one that its configuration
 * names, or else to one that is not near. */
static bool connects_to(const struct settings *s, bool loopback)
{
	bool near = s->at[PORT_NEAR][HELD] != REPORT_NONE;
	bool far = s->at[PORT_REMOTE][HELD] != REPORT_NONE;
	if (!near && !far)
		near = s->subject && s->subject->behind.near;
	return loopback ? near : far || !near;
}

/* The ports to it that others have in use, and that connect() cannot take. */
static int64_t used_to(const struct settings *s, bool loopback)
{
	const int64_t *used = s->at[loopback ? PORT_NEAR : PORT_REMOTE];
	if (used[HELD] == REPORT_NONE)
		return 0;
	return used[ports_rest_ms(s, loopback) < TIME_WAIT_MS ? HELD : ALL];
}

/* The ports that others have most likely bound, for any destination. What bind() of the server
 * itself leaves is known. */
static int64_t others_bound(const struct settings *s)
{
	int64_t others = s->at[PORT_OTHERS][0];
	return is_bound(s) || others < 0 ? 0 : others;
}

/* The settings with these as in use to every destination. */
static struct settings with_others(const struct settings *s)
{
	struct settings all = *s;
	for (int loopback = 0; loopback < 2 && others_bound(s); loopback++) {
		int64_t *used = all.at[loopback ? PORT_NEAR : PORT_REMOTE];
		if (!connects_to(s, loopback))
			continue;
		int64_t beside = s->at[PORT_OTHERS][loopback ? BESIDE_NEAR : BESIDE];
		bool adds = used[HELD] != REPORT_NONE && beside > 0;
		for (int i = HELD; i <= ALL; i++) {
			used[i] += adds ? beside : 0;
			used[i] = used[i] > others_bound(s) ? used[i] : others_bound(s);
		}
	}
	return all;
}

/* Of so many ports to a destination those that closed connections may have. */
static int64_t ports_left(const struct target *t, const struct settings *s, int64_t ports,
			  bool loopback)
{
	int64_t left = ports == REPORT_NONE ? 0 : ports - used_to(s, loopback);
	return own_connections(t, s) < left ? left - own_connections(t, s) : 0;
}

/* Of all destinations where the fullest one has so many. */
static int64_t to_all(const struct target *t, const struct settings *s, int64_t ports)
{
	double all = (double)s->spread.all, fullest = (double)s->spread.fullest;
	return is_spread(t, s) ? (int64_t)((double)ports * (all / fullest)) : ports;
}

static int64_t rate_to(const struct target *t, const struct settings *s, int64_t ports,
		       bool loopback)
{
	return to_all(t, s, ports_left(t, s, ports, loopback)) * 1000 / ports_rest_ms(s, loopback);
}

bool ports_near_binds(const struct target *t, const struct settings *s, int64_t ports)
{
	return connects_to(s, true) &&
	       (!connects_to(s, false) || rate_to(t, s, ports, true) < rate_to(t, s, ports, false));
}

int64_t ports_rate_of(const struct target *t, const struct settings *s, int64_t ports)
{
	return rate_to(t, s, ports, ports_near_binds(t, s, ports));
}

bool ports_end_early(const struct target *t, const struct settings *s)
{
	int64_t buckets = s->at[PORT_BUCKETS][0], ports = ports_free(s);
	return buckets != REPORT_NONE && ports != REPORT_NONE &&
	       buckets < ports_left(t, s, ports, ports_near_binds(t, s, ports));
}

static int64_t ports_to(const struct target *t, const struct settings *s, int64_t rate,
			bool loopback)
{
	int64_t closed, all;
	if (__builtin_mul_overflow(part_of(t, s, (uint64_t)rate), ports_rest_ms(s, loopback),
				   &closed) ||
	    closed > INT64_MAX - 999 ||
	    __builtin_add_overflow(own_connections(t, s), (closed + 999) / 1000, &all) ||
	    __builtin_add_overflow(all, used_to(s, loopback), &all))
		return INT64_MAX;
	return all;
}

int64_t ports_for_rate(const struct target *t, const struct settings *s, int64_t rate)
{
	int64_t far = connects_to(s, false) ? ports_to(t, s, rate, false) : 0;
	int64_t near = connects_to(s, true) ? ports_to(t, s, rate, true) : 0;
	return far > near ? far : near;
}

/* Whether the rate depends on timestamps, which are unknown. */
static bool timestamps_missing(const struct target *t, const struct settings *s, int64_t ports)
{
	bool near = ports_near_binds(t, s, ports);
	return !is_bound(s) && !ports_unstamped(s, near) &&
	       s->at[PORT_TIMESTAMPS][0] == REPORT_NONE &&
	       ports_reused(s->at[PORT_REUSE][0], 1, near);
}

static int64_t rate_with_timestamps(const struct target *t, const struct settings *s, int64_t ports)
{
	struct settings on = *s;
	on.at[PORT_TIMESTAMPS][0] = 1;
	return ports_rate_of(t, &on, ports);
}

/* Whether the rate suffices only as long as what others seem to have bound is free: that they have
 * is most likely, not certain. */
static bool others_bind(const struct target *t, const struct settings *s)
{
	struct settings all = with_others(s);
	int64_t ports = ports_free(s), rate = ports_rate_needed(t, s);
	return t->role == TARGET_PROXY && others_bound(s) && ports != REPORT_NONE &&
	       !ports_end_early(t, &all) &&
	       report_verdict(ports_rate_of(t, s, ports), rate) == VERDICT_OK &&
	       report_verdict(ports_rate_of(t, &all, ports), rate) != VERDICT_OK;
}

/* As if the server were certain to bind its ports. */
static struct settings with_bind(const struct settings *s)
{
	struct settings all = *s;
	all.at[PORT_NEAR][BOUND] = 1;
	return all;
}

/* Whether the rate suffices only if the server, which most likely binds its ports, does not. */
static bool bind_binds(const struct target *t, const struct settings *s)
{
	struct settings all = with_bind(s);
	int64_t ports = ports_free(s);
	return t->role == TARGET_PROXY && s->at[PORT_NEAR][BOUND] == SEEMS &&
	       ports != REPORT_NONE && !ports_end_early(t, &all) &&
	       report_verdict(ports_rate_of(t, s, ports), ports_rate_needed(t, s)) == VERDICT_OK &&
	       report_verdict(ports_rate_of(t, &all, ports), ports_rate_needed(t, &all)) !=
		       VERDICT_OK;
}

/* As if all of the load came to one destination. */
static struct settings with_one(const struct settings *s)
{
	struct settings all = *s;
	all.spread = (struct ports_spread){0};
	return all;
}

/* Whether the rate suffices only if the load is spread as the open connections are. */
static bool spread_binds(const struct target *t, const struct settings *s)
{
	struct settings all = with_one(s);
	int64_t ports = ports_free(s), rate = ports_rate_needed(t, s);
	return t->role == TARGET_PROXY && is_spread(t, s) && ports != REPORT_NONE &&
	       !ports_end_early(t, &all) &&
	       report_verdict(ports_rate_of(t, s, ports), rate) == VERDICT_OK &&
	       report_verdict(ports_rate_of(t, &all, ports), rate) != VERDICT_OK;
}

void ports_rate_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	int64_t ports = ports_free(s);
	bool near = ports_near_binds(t, s, ports);
	if (is_portless(t, s, b))
		return;
	b->state = ports_end_early(t, s) ? BOUND_UNLIMITED : BOUND_LIMIT;
	b->binding =
		is_bound(s) || ports_unstamped(s, near) || ports_rest_ms(s, near) < TIME_WAIT_MS
			? PORT_RANGE
			: PORT_REUSE;
	/* Such proxies keep connections to their servers, and use them again. */
	b->soft = t->role_assumed;
	if (ports == REPORT_NONE)
		return;
	b->capacity = ports_rate_of(t, s, ports);
	if (t->role == TARGET_PROXY)
		b->need.min = ports_rate_needed(t, s);
	if (others_bind(t, s) || bind_binds(t, s) || spread_binds(t, s)) {
		b->need.max = INT64_MAX;
		b->state = BOUND_LIMIT;
	}
	if (timestamps_missing(t, s, ports) && t->role == TARGET_PROXY) {
		b->capacity = rate_with_timestamps(t, s, ports);
		b->unread = "net.ipv4.tcp_timestamps";
		b->state = BOUND_LIMIT;
	}
	if (s->at[PORT_REMOTE][UNREAD] == 1 && t->role == TARGET_PROXY) {
		b->unread = "The table of sockets";
		b->state = BOUND_LIMIT;
	}
}

static bool rate_suffices(const struct target *t, const struct settings *s, int64_t enough)
{
	return ports_free(s) >= ports_for_rate(t, s, enough);
}

static void number_put(struct settings *s, int knob, int64_t value)
{
	s->at[knob][0] = value;
	report_text(s->text[knob], "%" PRId64, value);
}

/* tcp_tw_reuse=1, otherwise a wider range, otherwise both, with timestamps if they are off. For
 * bind() only a wider range. */
bool ports_rate_solve(const struct target *t, const struct settings *now, const struct outcome *o,
		      int64_t enough, struct settings *out)
{
	struct settings reused = *now, wider = *now;
	struct settings all = with_others(now);
	if (bind_binds(t, now)) {
		struct settings bound = with_bind(now);
		enough = (int64_t)report_margin((uint64_t)ports_rate_needed(t, &bound));
		bool solved = ports_rate_solve(t, &bound, o, enough, out);
		out->at[PORT_NEAR][BOUND] = SEEMS;
		return solved;
	}
	if (spread_binds(t, now)) {
		struct settings one = with_one(now);
		bool solved = ports_rate_solve(t, &one, o, enough, out);
		out->spread = now->spread;
		return solved;
	}
	if (is_bound(now) || others_bind(t, now)) {
		if (!range_solve(now, ports_for_rate(t, &all, enough), out))
			return false;
		all = with_others(out);
		return rate_suffices(t, &all, enough);
	}
	if (now->at[PORT_REUSE][0] != 1)
		number_put(&reused, PORT_REUSE, 1);
	if (now->at[PORT_TIMESTAMPS][0] && rate_suffices(t, &reused, enough)) {
		*out = reused;
		return true;
	}
	if (range_solve(now, ports_for_rate(t, now, enough), &wider) &&
	    rate_suffices(t, &wider, enough)) {
		*out = wider;
		return true;
	}
	if (!now->at[PORT_TIMESTAMPS][0])
		number_put(&reused, PORT_TIMESTAMPS, 1);
	*out = reused;
	if (rate_suffices(t, out, enough))
		return true;
	return range_solve(&reused, ports_for_rate(t, &reused, enough), out) &&
	       rate_suffices(t, out, enough);
}

static double rate_lasting(const struct settings *s, int64_t ports, bool loopback)
{
	return (double)ports * 1000 / (double)ports_rest_ms(s, loopback);
}

static void rate_word(struct wording *w, const char *name, double rate)
{
	if (rate < 10)
		wording_set(w, name, "%.2g", rate);
	else
		wording_set(w, name, "%s", quantity_count((uint64_t)rate).text);
}

/* Sets {reuses}, whether tcp_tw_reuse is proposed, and {added}, as range_words(). */
static void remedy_words(const struct target *t, const struct settings *s, struct wording *w)
{
	struct settings then = *s;
	struct port_set added = {0}, before = {0};
	char text[KNOB_VALUE];
	bool solved = ports_rate_solve(
		t, s, NULL, (int64_t)report_margin((uint64_t)ports_rate_needed(t, s)), &then);
	wording_flag(w, "reuses", solved && then.at[PORT_REUSE][0] != s->at[PORT_REUSE][0]);
	port_set_parse(&added, solved ? then.text[PORT_RESERVED] : "");
	port_set_parse(&before, s->text[PORT_RESERVED]);
	for (size_t i = 0; i < sizeof(added.at) / sizeof(*added.at); i++)
		added.at[i] &= ~before.at[i];
	port_set_format(&added, text, sizeof(text));
	wording_set(w, "added", "%s", text);
}

/* Sets {used}, the ports that others have in use to {destination}: a name, or "one destination". */
static void destination_words(const struct target *t, const struct settings *s, bool near,
			      struct wording *w)
{
	const char *name = s->text[near ? PORT_NEAR : PORT_REMOTE];
	int64_t used = used_to(s, near);
	wording_flag(w, "named", s->subject);
	wording_set(w, "destination", "%s", name[0] ? name : "one destination");
	spread_words(t, s, w);
	wording_set(w, "used", "%s", used > 0 ? quantity_count((uint64_t)used).text : "");
}

/* The fewest destinations of which each is ok; 0: that many are not possible. Pure. */
static uint64_t destinations_for(const struct target *t, const struct settings *s, int64_t ports)
{
	const struct settings one = with_one(s);
	struct target then = *t;
	uint64_t low = 1, high = TARGET_DESTINATIONS_MAX + 1;
	while (low < high) {
		then.destinations = low + (high - low) / 2;
		if (report_verdict(ports_rate_of(&then, &one, ports),
				   ports_rate_needed(&then, &one)) == VERDICT_OK)
			high = then.destinations;
		else
			low = then.destinations + 1;
	}
	return low <= TARGET_DESTINATIONS_MAX ? low : 0;
}

/* Sets what comes to the fullest destination, and {addresses}, how many would suffice. */
static void load_words(const struct target *t, const struct settings *s, int64_t ports,
		       struct wording *w)
{
	uint64_t addresses = destinations_for(t, s, ports);
	if (addresses > 1)
		wording_set(w, "addresses", "%s", quantity_count(addresses).text);
	wording_set(w, "connections", "%s",
		    quantity_count((uint64_t)target_needs(t, s, t->connections)).text);
	wording_set(w, "rate", "%s",
		    quantity_show(QUANTITY_RATE, (uint64_t)ports_rate_needed(t, s)).text);
}

void ports_rate_words(const struct target *t, const struct settings *s, const struct outcome *o,
		      const struct bound *b, struct wording *w)
{
	struct settings bound = with_bind(s);
	s = bind_binds(t, s) ? &bound : s;
	int64_t ports = ports_free(s);
	bool near = ports_near_binds(t, s, ports);
	if (ports == REPORT_NONE)
		return;
	int64_t left = ports_left(t, s, ports, near);
	remedy_words(t, s, w);
	destination_words(t, s, near, w);
	rate_word(w, "exact", rate_lasting(s, to_all(t, s, left), near));
	wording_set(w, "part", "%s", quantity_count((uint64_t)own_connections(t, s)).text);
	rate_word(w, "lasting", rate_lasting(s, ports, false));
	rate_word(w, "loopback", rate_lasting(s, ports, true));
	rate_word(w, "near", rate_lasting(s, left, true));
	wording_flag(w, "full", !left);
	wording_flag(w, "differs",
		     !near && !s->text[PORT_REMOTE][0] &&
			     ports_rest_ms(s, true) != ports_rest_ms(s, false));
	wording_set(w, "ports", "%s", quantity_count((uint64_t)ports).text);
	wording_set(w, "reuse", "%s", s->text[PORT_REUSE]);
	wording_flag(w, "bound", is_bound(s));
	wording_set(w, "foreign", "%s",
		    others_bind(t, s) ? quantity_count((uint64_t)others_bound(s)).text : "");
	wording_set(w, "owner", "%s", s->text[PORT_OTHERS]);
	wording_flag(w, "no_timestamps", !s->at[PORT_TIMESTAMPS][0]);
	wording_flag(w, "unstamped", ports_unstamped(s, near));
	wording_flag(w, "assumed",
		     !near && s->at[PORT_STAMPS][false] == REPORT_NONE &&
			     ports_rest_ms(s, near) < TIME_WAIT_MS);
	wording_set(w, "rest", "%s",
		    quantity_show(QUANTITY_DURATION, (uint64_t)ports_rest_ms(s, near) * 1000).text);
	wording_set(w, "buckets", "%s", ports_end_early(t, s) ? s->text[PORT_BUCKETS] : "");
	load_words(t, s, ports, w);
}
