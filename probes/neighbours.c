/* The neighbour tables of IPv4 and IPv6: peers on the same link as this machine. Each table is one
 * for all network namespaces, and only the initial one shows it. */
#include "epolltune/probe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "epolltune/cleanup.h"
#include "epolltune/knob_value.h"
#include "epolltune/quantity.h"

#define IPV4 "net.ipv4.neigh.default."
#define IPV6 "net.ipv6.neigh.default."

static const struct family {
	const char *name, *table, *file, *max, *soft;
	int family;
} families[] = {
	{"IPv4", "arp_cache", "/proc/net/stat/arp_cache", IPV4 "gc_thresh3", IPV4 "gc_thresh2",
	 AF_INET},
	{"IPv6", "ndisc_cache", "/proc/net/stat/ndisc_cache", IPV6 "gc_thresh3", IPV6 "gc_thresh2",
	 AF_INET6},
};
#define FAMILIES (sizeof(families) / sizeof(*families))

/* Of each family: gc_thresh3, gc_thresh2, and the entries. */
enum { MAX, MAX6, SOFT, SOFT6, USED, USED6 };
/* A field of these: 1 where entries that the limit does not count may be among them. */
enum { MIXED = 1 };

/* Entries that gc_thresh3 does not count: net/core/neighbour.c, neigh_alloc() counts in gc_entries,
 * neigh_add() exempts those that are permanent or externally learned, as VXLAN and EVPN make them
 * for each node. Other namespaces' ones are not visible. REPORT_NONE: unknown. */
static int64_t exempt_of(const struct host *h, size_t i, int64_t entries)
{
	uint64_t count;
	struct err unread;
	if (host_neighbours_exempt(h, families[i].family, &count, &unread))
		return REPORT_NONE;
	return count < (uint64_t)entries ? (int64_t)count : entries;
}

static int64_t table_counter(const struct host_counters *c, const struct family *f,
			     const char *column)
{
	char name[32];
	report_text(name, "%s.%s", f->table, column);
	return host_counter(c, name);
}

/* Scopes of /proc/net/if_inet6 that lead nowhere, or to the link only: IPV6_ADDR_LOOPBACK and
 * IPV6_ADDR_LINKLOCAL of include/net/ipv6.h. */
#define SCOPE_HOST 0x10
#define SCOPE_LINK 0x20

/* Whether IPv6 has an address beyond the link, as each interface has one of the link without being
 * asked; true where that is not known. */
static bool has_ipv6(const struct host *h)
{
	CLEAN(free_pointer) char *text = NULL;
	char *at = NULL;
	unsigned scope;
	if (host_read_all(h, "proc/net/if_inet6", &text, NULL) < 0)
		return true;
	for (char *line = strtok_r(text, "\n", &at); line; line = strtok_r(NULL, "\n", &at))
		if (sscanf(line, "%*s %*s %*s %x", &scope) != 1 ||
		    (scope != SCOPE_HOST && scope != SCOPE_LINK))
			return true;
	return false;
}

static void family_drop(struct settings *s, size_t i)
{
	s->at[MAX + i][0] = s->at[SOFT + i][0] = REPORT_NONE;
	s->text[MAX + i][0] = s->text[SOFT + i][0] = 0;
}

/* Leaves out the family in which no peer has an address. */
static void families_choose(const struct host *h, struct settings *s)
{
	bool ipv4 = host_family(h) == AF_INET, ipv6 = has_ipv6(h);
	if (ipv4 != ipv6)
		family_drop(s, ipv4);
}

static void table_read(const struct host *h, struct settings *s)
{
	for (size_t i = 0; i < FAMILIES; i++) {
		int64_t used = host_table_counter(h, families[i].table, "entries");
		int64_t exempt = used > 0 ? exempt_of(h, i, used) : 0;
		s->at[USED + i][MIXED] = exempt == REPORT_NONE;
		s->at[USED + i][0] = used < 0 ? REPORT_NONE : exempt > 0 ? used - exempt : used;
	}
	families_choose(h, s);
}

static bool peers_applies(const struct target *t, const struct probe_options *o)
{
	return o->peers;
}

/* The kernel counts in an int; a damaged capture may have more. */
static int64_t used_of(const struct settings *s, size_t i)
{
	int64_t used = s->at[USED + i][0];
	return used < 0 ? 0 : used < INT32_MAX ? used : INT32_MAX;
}

/* The table of the two with less headroom: peers may use either. Its entries may be of those peers,
 * as far as they go, or of others. */
static void table_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	const int64_t peers = (int64_t)s->peers;
	b->need.min = peers;
	for (size_t i = 0; i < FAMILIES; i++) {
		int64_t max = s->at[MAX + i][0], used = used_of(s, i);
		if (max == REPORT_NONE)
			continue;
		int64_t left = max > used ? max - used : 0,
			needed = peers > used ? peers - used : 0;
		if (s->at[USED + i][0] == REPORT_NONE)
			b->unread = families[i].file;
		/* At least none of them is counted. */
		if (s->at[USED + i][MIXED] == 1 && report_verdict(left, peers) != VERDICT_OK) {
			b->unread = "Which entries are permanent";
			left = max;
			needed = peers;
		}
		int64_t spare = left - needed, least = b->capacity - b->need.min;
		if (b->capacity != REPORT_NONE &&
		    (spare > least || (spare == least && left >= b->capacity)))
			continue;
		b->capacity = left;
		b->need.min = needed;
		b->need.max = needed < peers ? peers : REPORT_NONE;
		b->binding = MAX + (int)i;
	}
}

/* As if no entry were of a peer. Above gc_thresh2 the kernel evicts entries that have not changed
 * for 5 s (neigh_forced_gc()). */
static bool table_solve(const struct target *t, const struct settings *now, const struct outcome *o,
			int64_t enough, struct settings *out)
{
	for (size_t i = 0; i < FAMILIES; i++) {
		int64_t max = (int64_t)report_margin(now->peers) + used_of(now, i);
		if (now->at[MAX + i][0] == REPORT_NONE || now->at[MAX + i][0] >= max)
			continue;
		out->at[MAX + i][0] = max;
		if (now->at[SOFT + i][0] != REPORT_NONE && now->at[SOFT + i][0] < max)
			out->at[SOFT + i][0] = max;
	}
	return true;
}

static void table_words(const struct target *t, const struct settings *s, const struct outcome *o,
			const struct bound *b, struct wording *w)
{
	for (size_t i = 0; i < FAMILIES; i++) {
		const char *max = i ? "max6" : "max", *used = i ? "used6" : "used";
		wording_set(w, max, "%s", s->text[MAX + i]);
		wording_set(w, used, "%s", quantity_count((uint64_t)used_of(s, i)).text);
	}
	wording_set(w, "peers", "%s", quantity_count(s->peers).text);
}

static const struct experiment experiments[] = {
	{
		.wall = "neighbours",
		.knobs = {IPV4 "gc_thresh3", IPV6 "gc_thresh3", IPV4 "gc_thresh2",
			  IPV6 "gc_thresh2", "used", "used6"},
		.applies = peers_applies,
		.read = table_read,
		.bound = table_bound,
		.solve = table_solve,
		.words = table_words,
	},
	{0},
};

struct sample {
	int64_t max[FAMILIES];    /* REPORT_NONE: not readable */
	int64_t exempt[FAMILIES]; /* from its limit, where it is near; REPORT_NONE: unknown */
	struct host_counters counters;
};

static const struct err *sample_unread(const struct sample *s) { return &s->counters.unread; }

static bool is_near(int64_t used, int64_t max) { return wall_is_near("neighbours", used, max); }

static int sample_take(const struct host *h, const struct probe_options *o, struct sample *s,
		       struct err *e)
{
	for (size_t i = 0; i < FAMILIES; i++) {
		host_table_counters(h, families[i].table, &s->counters);
		s->max[i] = REPORT_NONE;
		s->exempt[i] = 0;
		int64_t used = table_counter(&s->counters, &families[i], "entries");
		if (used > 0)
			knob_number(families[i].max, h, &s->max[i]);
		if (is_near(used, s->max[i]))
			s->exempt[i] = exempt_of(h, i, used);
	}
	return 0;
}

static void judge_family(const struct sample *before, const struct sample *after, size_t i,
			 double seconds, struct report *r)
{
	const struct family *f = &families[i];
	int64_t used = table_counter(&after->counters, f, "entries"), max = after->max[i];
	int64_t full = table_counter(&after->counters, f, "table_fulls");
	int64_t was_full = table_counter(&before->counters, f, "table_fulls");
	int64_t grown = was_full < 0 ? 0 : full - was_full;
	struct wording words = {0};
	bool mixed = after->exempt[i] == REPORT_NONE;
	used -= mixed ? 0 : after->exempt[i];
	bool near = is_near(used, max);
	if (full < 0 || (grown <= 0 && !near))
		return;
	wording_set(&words, "family", "%s", f->name);
	wording_set(&words, "used", "%s", quantity_count((uint64_t)used).text);
	wording_set(&words, "max", "%s", max < 0 ? "" : quantity_count((uint64_t)max).text);
	wording_set(&words, "grown", "%s", quantity_count((uint64_t)grown).text);
	wording_flag(&words, "several", grown > 1);
	wording_flag(&words, "mixed", mixed);
	wording_set(&words, "knob", "%s", f->max);
	wording_set(&words, "middle", "%s", f->soft);
	if (max >= 0) {
		uint64_t more = quantity_more((uint64_t)max);
		wording_set(&words, "more", "%s", quantity_plain(more).text);
		wording_set(&words, "half", "%s", quantity_plain(more / 2).text);
	}
	wording_set(&words, "window", "%s", quantity_seconds(seconds).text);
	struct finding *finding =
		report_finding(r, grown > 0 ? "neighbours.full" : "neighbours.near", &words);
	if (mixed && grown <= 0)
		finding->level = LEVEL_NOTE;
	finding_propose(finding, f->max, max < 0 ? "" : quantity_plain((uint64_t)max).text, "");
	finding_evidence(finding, "entries", "neighbours", (double)used, NAN);
	finding_evidence(finding, "table_fulls", "", (double)full, NAN);
}

static void observation_judge(const struct sample *before, const struct sample *after,
			      const struct moment *m, struct report *r)
{
	for (size_t i = 0; i < FAMILIES; i++)
		judge_family(before, after, i, m->seconds, r);
}

static const struct observation observation = {
	.size = sizeof(struct sample),
	.window = true,
	.outside = true,
	.sample = sample_take,
	.unread = sample_unread,
	.judge = observation_judge,
};

const struct probe probe_neighbours = {
	.name = "neighbours",
	.summary = "the neighbour tables of IPv4 and IPv6: peers on the same link",
	.mode = PROBE_FIRST,
	.place = PROBE_HOST,
	.experiments = experiments,
	.observation = &observation,
};
