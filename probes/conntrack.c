/* Connection tracking: the entries that are left in nf_conntrack's table, compared with those of
 * the target's connections, and what a full table loses. */
#include "epolltune/probe.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/connection_memory.h"
#include "epolltune/counters.h"
#include "epolltune/knob_value.h"
#include "epolltune/quantity.h"

#define DIR "net.netfilter.nf_conntrack_"
#define FILES "proc/sys/net/netfilter/nf_conntrack_"
/* That of nf_conntrack_proto_tcp.c, where it cannot be read, and what suffices for a peer that has
 * retransmitted its last segment. */
#define REST_S 120
#define REST_SHORTER_S 30
/* That of nf_conntrack_proto_udp.c, likewise. */
#define UDP_REST_S 120
/* The kernel's default before 5.15 allowed four entries a bucket: each is in two chains. */
#define ENTRIES_PER_BUCKET 4
/* Entries a bucket, times ten, from which on the kernel drops a new connection now and then, as one
 * of its two chains is too long: nf_conntrack_core.c, __nf_conntrack_confirm(). A chain may have a
 * random number of entries (MIN_CHAINLEN, MAX_CHAINLEN): 50 to 79, and 8 to 31 from 5.15 on until
 * "netfilter: conntrack: adopt safer max chain length". Both here drop less than 1 % of new
 * connections, a quarter below 0.1 %, half beyond 14 %. */
#define CHAINS 200
#define SHORT_CHAINS 25
/* For kernels with these chains. */
#define ENTRIES_PER_BUCKET_SHORT 2

enum { MAX, BUCKETS, USED, REST, TRACKED, UDP_REST };
/* Fields of USED: the patch level of a kernel from 5.15 to 6.2; 1 where an older one, as that of
 * RHEL 9, has taken over the chains' limit, 0: not. */
enum { PATCH = 1, BACKPORTED = 2 };

/* Stable kernels that have the longer chains, from this patch level on. */
static const struct {
	unsigned kernel;
	int64_t patch;
} longer[] = {{KERNEL(5, 15), 103}, {KERNEL(6, 1), 20}, {KERNEL(6, 2), 7}};

enum chains { CHAINS_ANY, CHAINS_SHORT, CHAINS_UNKNOWN, CHAINS_LONG };

static enum chains chains_of(const struct settings *s)
{
	unsigned kernel = s->machine.kernel;
	int64_t patch = s->at[USED][PATCH];
	if (kernel < KERNEL(5, 15))
		return s->at[USED][BACKPORTED] == 1 ? CHAINS_UNKNOWN : CHAINS_ANY;
	if (kernel >= KERNEL(6, 3))
		return CHAINS_LONG;
	if (patch <= 0)
		return CHAINS_UNKNOWN;
	for (size_t i = 0; i < sizeof(longer) / sizeof(*longer); i++)
		if (longer[i].kernel == kernel && patch >= longer[i].patch)
			return CHAINS_LONG;
	return CHAINS_SHORT;
}

/* The patch level of a release "6.1.76" or, where a distribution has its own in its place, of its
 * version, by Debian "#1 SMP Debian 6.1.76-1 (2024-02-01)", by Ubuntu in a file of its own "Ubuntu
 * 5.15.0-91.101-generic 5.15.131". REPORT_NONE: unknown. */
static int64_t patch_read(const struct host *h, unsigned kernel)
{
	char text[128], base[24];
	unsigned patch = 0;
	if (kernel < KERNEL(5, 15) || kernel >= KERNEL(6, 3))
		return REPORT_NONE;
	if (host_read(h, "proc/sys/kernel/osrelease", text, sizeof(text), NULL) > 0 &&
	    sscanf(text, "%*4u.%*4u.%4u", &patch) == 1 && patch)
		return patch;
	report_text(base, " %u.%u.", kernel >> 16, kernel & 0xffff);
	const char *at = NULL;
	if (host_read(h, "proc/version_signature", text, sizeof(text), NULL) > 0 &&
	    (at = strrchr(text, ' ')) && strncmp(at, base, strlen(base)) != 0)
		at = NULL;
	if (!at && host_read(h, "proc/sys/kernel/version", text, sizeof(text), NULL) > 0)
		at = strstr(text, base);
	return at && sscanf(at + strlen(base), "%4u", &patch) == 1 ? patch : REPORT_NONE;
}

/* Whether a kernel before 5.15 limits chains too: "netfilter: refuse insertion if chain has grown
 * too large" counts what it drops in a column of its own. Without that file 5.14, which is RHEL
 * 9's, may do so. */
static bool is_backported(const struct host *h, unsigned kernel)
{
	if (host_table_counter(h, "nf_conntrack", "entries") < 0)
		return kernel == KERNEL(5, 14);
	return host_table_counter(h, "nf_conntrack", "chainlength") >= 0;
}

static bool has_tcp(const struct subject *s) { return !s || subject_listens(s, LISTENER_TCP); }

/* Whether the target's connections come to it. */
static bool has_connections(const struct target *t, const struct subject *s)
{
	return has_tcp(s) && !t->datagrams_only;
}

/* Whether the target's datagrams come to it. */
static bool has_datagrams(const struct target *t, const struct subject *s)
{
	return t->datagrams_per_s && (!s || subject_listens(s, LISTENER_UDP));
}

static bool has_flows(const struct subject *s)
{
	return has_tcp(s) || subject_listens(s, LISTENER_UDP);
}

/* Whether only what the table holds now shows what the server's flows need. */
static bool is_by_use(const struct target *t, const struct subject *s)
{
	return !has_connections(t, s) && !has_datagrams(t, s);
}

/* Whether the table of the namespace that forwards to the server has less room than this one:
 * REPORT_NONE: unknown; max 0: no limit. */
static bool outside_is_fuller(const struct subject *s, int64_t used, int64_t max)
{
	if (!s || s->outside.used <= 0 || s->outside.max <= 0)
		return false;
	return used <= 0 || max <= 0 || s->outside.max - s->outside.used < max - used;
}

/* Whether the settings are those of that table. */
static bool is_outside(const struct settings *s)
{
	return s->subject && s->subject->outside.used > 0 &&
	       s->at[USED][0] == s->subject->outside.used &&
	       s->at[MAX][0] == s->subject->outside.max;
}

static void table_take(const struct conntrack *table, struct settings *s)
{
	s->at[USED][0] = table->used;
	s->at[REST][0] = table->rest_s;
	s->at[UDP_REST][0] = table->udp_rest_s;
}

static void outside_take(const struct conntrack *outside, struct settings *s)
{
	table_take(outside, s);
	s->at[MAX][0] = outside->max;
	report_text(s->text[MAX], "%" PRId64, outside->max);
	s->at[TRACKED][0] = has_flows(s->subject);
}

static void table_read(const struct host *h, struct settings *s)
{
	struct conntrack table;
	conntrack_read(h, &table);
	int64_t used = table.used;
	bool unread = used == REPORT_NONE && s->at[MAX][0] != REPORT_NONE;
	table_take(&table, s);
	/* Few kernels list the hooks (nfnetlink_hook); where there are some, there are entries. */
	s->at[TRACKED][0] = has_flows(s->subject) && (used > 0 || unread);
	if (used == REPORT_NONE && !unread && !host_whole(h, FILES "count"))
		s->at[TRACKED][0] = REPORT_NONE;
	s->at[USED][PATCH] = patch_read(h, s->machine.kernel);
	s->at[USED][BACKPORTED] = is_backported(h, s->machine.kernel);
	if (outside_is_fuller(s->subject, used, s->at[MAX][0]))
		outside_take(&s->subject->outside, s);
	if (s->at[USED][0] > 0)
		connection_open_read(h, s);
}

static uint64_t rest(const struct settings *s)
{
	return s->at[REST][0] >= 0 ? (uint64_t)s->at[REST][0] : REST_S;
}

static uint64_t udp_rest(const struct settings *s)
{
	return s->at[UDP_REST][0] >= 0 ? (uint64_t)s->at[UDP_REST][0] : UDP_REST_S;
}

/* connections + rate × rest, `each` for a client: a proxy has a connection to its server too. */
static int64_t entries(const struct target *t, uint64_t each, uint64_t rest_s)
{
	uint64_t count;
	if (__builtin_mul_overflow(t->rate_per_s, rest_s, &count) ||
	    __builtin_add_overflow(t->connections, count, &count) ||
	    __builtin_mul_overflow(count, each, &count) || count > INT64_MAX / 2)
		return INT64_MAX / 2;
	return (int64_t)count;
}

/* Of connections that the server has open. */
static int64_t own_entries(const struct target *t, const struct settings *s)
{
	int64_t used = s->at[USED][0] > 0 ? s->at[USED][0] : 0;
	uint64_t own = connection_sockets_open(t, s);
	return own < (uint64_t)used ? (int64_t)own : used;
}

/* What datagrams take at most: each comes from an address or port of its own, as those of DNS do,
 * or keeps the entry of its flow alive. */
static int64_t flows_max(const struct target *t, const struct settings *s)
{
	uint64_t count;
	if (!has_datagrams(t, s->subject))
		return 0;
	if (__builtin_mul_overflow(t->datagrams_per_s, udp_rest(s) * connection_flows(t, s, false),
				   &count) ||
	    count > INT64_MAX / 4)
		return INT64_MAX / 4;
	return (int64_t)count;
}

/* Of connections that it has closed there may be as many as the target has: whose the other entries
 * in use are is not visible. */
static int64_t closed_max(const struct target *t, const struct settings *s, uint64_t rest_s)
{
	const struct target closed = {.role = t->role, .rate_per_s = t->rate_per_s};
	int64_t all = entries(&closed, connection_flows(t, s, false), rest_s);
	int64_t others = s->at[USED][0] - own_entries(t, s);
	if (!s->subject || s->guest || others <= 0)
		return 0;
	return all < others ? all : others;
}

/* What the target needs where `own` of the entries in use are its own. */
static int64_t needed_beside(const struct target *t, const struct settings *s, uint64_t rest_s,
			     int64_t own, bool most)
{
	if (is_by_use(t, s->subject))
		return s->at[USED][0];
	if (!has_connections(t, s->subject))
		return 1; /* of one client */
	uint64_t each = connection_flows(t, s, most);
	return (int64_t)connection_needed((uint64_t)entries(t, each, rest_s), (uint64_t)own, each);
}

static int64_t needed_max(const struct target *t, const struct settings *s, uint64_t rest_s)
{
	return needed_beside(t, s, rest_s, own_entries(t, s), true);
}

static int64_t needed_min(const struct target *t, const struct settings *s, uint64_t rest_s)
{
	return needed_beside(t, s, rest_s, own_entries(t, s) + closed_max(t, s, rest_s), false);
}

/* What the chains of all buckets hold, at ten times `entries` a bucket; REPORT_NONE: unknown. The
 * buckets are those of all network namespaces: it may be less. */
static int64_t chains_hold(const struct settings *s, int64_t entries)
{
	int64_t buckets = s->at[BUCKETS][0];
	return buckets > 0 ? buckets * entries / 10 : REPORT_NONE;
}

/* As far as it is certain. */
static int64_t chains_limit(const struct settings *s)
{
	enum chains chains = chains_of(s);
	if (chains == CHAINS_ANY)
		return REPORT_NONE;
	return chains_hold(s, chains == CHAINS_SHORT ? SHORT_CHAINS : CHAINS);
}

/* Whether the chains are a limit below nf_conntrack_max. */
static bool chains_bind(const struct settings *s)
{
	int64_t max = s->at[MAX][0], limit = chains_limit(s);
	return limit != REPORT_NONE && max != REPORT_NONE && (!max || limit < max);
}

static int64_t left_of(const struct target *t, const struct settings *s, int64_t max)
{
	int64_t used = is_by_use(t, s->subject) ? 0 : s->at[USED][0];
	return max > used ? max - used : 0;
}

/* The upper end of the need where the length of the chains is not known. */
#define CHAINS_UNSURE INT64_MAX

/* Whether the need suits a kernel with longer chains only, and this one may have the shorter. */
static bool chains_unsure(const struct target *t, const struct settings *s, const struct bound *b)
{
	int64_t limit = chains_hold(s, SHORT_CHAINS), max = s->at[MAX][0];
	if (chains_of(s) != CHAINS_UNKNOWN || limit == REPORT_NONE || (max && max <= limit))
		return false;
	int64_t left = left_of(t, s, limit);
	int64_t all = b->need.max > b->need.min ? b->need.max : b->need.min;
	return report_verdict(left, all) != VERDICT_OK;
}

/* Without their number long chains are assumed not to bind. */
static const char *defaulted(const struct target *t, const struct settings *s)
{
	if (s->at[REST][0] == REPORT_NONE)
		return DIR "tcp_timeout_time_wait";
	if (has_datagrams(t, s->subject) && s->at[UDP_REST][0] == REPORT_NONE)
		return DIR "udp_timeout";
	return chains_of(s) != CHAINS_ANY && s->at[BUCKETS][0] == REPORT_NONE ? DIR "buckets"
									      : NULL;
}

static void table_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	int64_t max = s->at[MAX][0], used = s->at[USED][0];
	if (s->at[TRACKED][0] == 0) {
		b->state = BOUND_ABSENT;
		if (used > 0 && !has_flows(s->subject))
			b->why = "The server has no TCP or UDP socket: this table does not limit "
				 "it.";
	}
	if (s->at[TRACKED][0] != 1)
		return;
	if (max == 0 && chains_of(s) == CHAINS_ANY)
		b->state = BOUND_UNLIMITED;
	b->binding = chains_bind(s) ? BUCKETS : MAX;
	b->need.min = needed_min(t, s, rest(s));
	bool several = connection_flows(t, s, true) > connection_flows(t, s, false);
	if ((closed_max(t, s, rest(s)) || several) && has_connections(t, s->subject))
		b->need.max = needed_max(t, s, rest(s));
	b->fallback.knob = defaulted(t, s);
	if (has_datagrams(t, s->subject)) {
		bool both = has_connections(t, s->subject);
		b->need.max = flows_max(t, s) + (both ? needed_max(t, s, rest(s)) : 0);
		b->need.unsure = true;
	}
	if (max == REPORT_NONE || used == REPORT_NONE)
		return;
	if (chains_bind(s))
		max = chains_limit(s);
	if (!max)
		b->state = BOUND_UNLIMITED;
	if (is_by_use(t, s->subject))
		b->origin = OF_ASSUMPTION;
	b->capacity = left_of(t, s, max);
	if (chains_unsure(t, s, b))
		b->need.max = CHAINS_UNSURE;
}

static bool table_solve(const struct target *t, const struct settings *now, const struct outcome *o,
			int64_t enough, struct settings *out)
{
	if (now->at[USED][0] == REPORT_NONE || enough > INT32_MAX)
		return false;
	int64_t max = enough + (is_by_use(t, now->subject) ? 0 : now->at[USED][0]);
	enum chains chains = chains_of(now);
	bool shorter = chains == CHAINS_SHORT || chains == CHAINS_UNKNOWN;
	int64_t each = shorter ? ENTRIES_PER_BUCKET_SHORT : ENTRIES_PER_BUCKET;
	int64_t buckets = (max + each - 1) / each;
	if (now->at[MAX][0] > 0 && now->at[MAX][0] < max)
		out->at[MAX][0] = max;
	if (now->at[BUCKETS][0] > 0 && now->at[BUCKETS][0] < buckets)
		out->at[BUCKETS][0] = buckets;
	return true;
}

static void count_word(struct wording *w, const char *name, int64_t count)
{
	wording_set(w, name, "%s", count < 0 ? "" : quantity_count((uint64_t)count).text);
}

static void port_words(const struct target *t, const struct subject *s, struct wording *w)
{
	enum listener_kind kind = has_connections(t, s) ? LISTENER_TCP : LISTENER_UDP;
	const struct listener *l = s ? subject_queue(s, kind).smallest : NULL;
	if (l && l->port)
		wording_set(w, "port", "%u", l->port);
	else
		wording_set(w, "port", "PORT");
	wording_set(w, "protocol", "%s", kind == LISTENER_TCP ? "tcp" : "udp");
}

static void udp_words(const struct target *t, const struct settings *s, struct wording *w)
{
	bool datagrams = has_datagrams(t, s->subject);
	count_word(w, "flows", datagrams ? flows_max(t, s) : -1);
	wording_set(w, "udp_rest", "%s",
		    quantity_show(QUANTITY_DURATION, udp_rest(s) * 1000000).text);
	wording_flag(w, "use", is_by_use(t, s->subject));
	wording_flag(w, "tcp", has_connections(t, s->subject));
}

/* Sets {chains}, the entries that the chains hold, where they bind or may bind. */
static void chains_words(const struct settings *s, const struct bound *b, struct wording *w)
{
	bool unsure = b->need.max == CHAINS_UNSURE;
	wording_flag(w, "unsure", unsure);
	wording_flag(w, "unlimited", s->at[MAX][0] == 0);
	count_word(w, "chains",
		   unsure           ? chains_hold(s, SHORT_CHAINS)
		   : chains_bind(s) ? chains_limit(s)
				    : -1);
}

static void table_words(const struct target *t, const struct settings *s, const struct outcome *o,
			const struct bound *b, struct wording *w)
{
	const struct knob *knob = knob_find(DIR "max");
	bool use = is_by_use(t, s->subject), tcp = has_connections(t, s->subject);
	int64_t full = needed_max(t, s, rest(s)) + flows_max(t, s);
	if (s->at[TRACKED][0] != 1)
		return;
	if (full < 0)
		full = 0;
	if (s->at[USED][0] > 0 && !use)
		full += s->at[USED][0];
	count_word(w, "max", s->at[MAX][0]);
	count_word(w, "used", s->at[USED][0]);
	count_word(w, "own", s->taken.open ? own_entries(t, s) : -1);
	int64_t closed = tcp ? closed_max(t, s, rest(s)) : 0;
	count_word(w, "closed", closed ? closed : -1);
	count_word(w, "closing", (int64_t)(t->rate_per_s * rest(s)));
	count_word(w, "buckets", use ? -1 : s->at[BUCKETS][0]);
	wording_set(w, "rest", "%s", quantity_show(QUANTITY_DURATION, rest(s) * 1000000).text);
	double chain = s->at[BUCKETS][0] > 0 ? 2 * (double)full / (double)s->at[BUCKETS][0] : 0;
	wording_set(w, "chain", chain < 10 ? "%.2g" : "%.0f", chain);
	chains_words(s, b, w);
	wording_set(w, "memory", "%s",
		    quantity_show(QUANTITY_SIZE, (uint64_t)full * knob->memory.bytes).text);
	count_word(w, "shorter",
		   tcp && rest(s) > REST_SHORTER_S ? needed_max(t, s, REST_SHORTER_S) : -1);
	udp_words(t, s, w);
	port_words(t, s->subject, w);
	wording_flag(w, "outside", is_outside(s));
}

static const struct experiment experiments[] = {
	{
		.wall = "conntrack",
		.knobs = {DIR "max", DIR "buckets", "nf_conntrack_count", "time_wait", "tracked",
			  "udp_timeout"},
		.read = table_read,
		.bound = table_bound,
		.solve = table_solve,
		.words = table_words,
	},
	{0},
};

struct sample {
	int64_t used, max; /* REPORT_NONE: not readable */
	bool outside;      /* of the namespace that forwards to the server, and is not observed */
	bool uncounted;    /* it has entries, and statistics that are not there, or not read */
	/* No connection is open that shows whether a rule tracks it; what closed ones take then. */
	bool idle;
	bool portless;              /* as of the settings */
	int64_t rest_s, udp_rest_s; /* REPORT_NONE: not readable */
	int64_t datagrams;          /* that UDP sockets have read here; -1: unknown */
	struct host_counters counters;
};

static const struct err *sample_unread(const struct sample *s) { return &s->counters.unread; }

/* Whether no connection is open in this network namespace; false where that is not known. A server
 * of UDP alone is idle while it reads nothing. */
static bool is_idle(const struct host *h, const struct subject *own, int64_t *datagrams)
{
	CLEAN(free_pointer) struct host_counters *c = calloc(1, sizeof(*c));
	if (!c || host_counters(h, c, NULL))
		return false;
	int64_t six = host_counter(c, "Udp6.InDatagrams");
	*datagrams = host_counter(c, "Udp.InDatagrams");
	if (*datagrams >= 0 && six > 0)
		*datagrams += six;
	return has_tcp(own) ? host_counter(c, COUNTER_ESTABLISHED) == 0
			    : subject_listens(own, LISTENER_UDP) && *datagrams >= 0;
}

/* A new namespace of a container is idle, too, and cannot change nf_conntrack_max: only one that
 * the operator names has such a note. */
static bool is_asked_about(const struct host *h, const struct probe_options *o)
{
	return o->outside.look != OUTSIDE_HERE && (o->subject || o->entered || !host_own_netns(h));
}

static int sample_take(const struct host *h, const struct probe_options *o, struct sample *s,
		       struct err *e)
{
	struct err why = {0};
	uint64_t count;
	struct conntrack table;
	conntrack_read(h, &table);
	s->rest_s = table.rest_s;
	s->udp_rest_s = table.udp_rest_s;
	s->idle = table.used == 0 && is_asked_about(h, o) && is_idle(h, o->subject, &s->datagrams);
	s->portless = o->subject && subject_upstreams_local(o->subject);
	s->max = REPORT_NONE;
	/* Without the module there is no such file, and nothing is used. */
	if (host_read_u64(h, FILES "count", &count, &why) && why.code != ENOENT)
		s->counters.unread = why;
	s->used = why.code && table.used == REPORT_NONE ? 0 : table.used;
	if (s->used > 0 || s->idle)
		knob_number(DIR "max", h, &s->max);
	s->outside =
		o->outside.look == OUTSIDE_UNSEEN && outside_is_fuller(o->subject, s->used, s->max);
	if (s->outside) {
		s->used = o->subject->outside.used;
		s->max = o->subject->outside.max;
		s->uncounted = true;
	} else if (s->used > 0) {
		host_table_counters(h, "nf_conntrack", &s->counters);
		/* Without CONFIG_NF_CONNTRACK_PROCFS there is no such file. */
		s->uncounted = !s->counters.unread.code &&
			       host_counter(&s->counters, COUNTER_CONNTRACK_DROPS) < 0 &&
			       host_whole(h, "proc/net/stat/nf_conntrack");
	}
	return 0;
}

/* What the target's connections take of a table, with none of them open yet. */
static int64_t sample_need(const struct sample *s, const struct target *t,
			   const struct subject *own)
{
	const struct settings now = {.portless = s->portless, .subject = own};
	return has_connections(t, own) ? entries(t, connection_flows(t, &now, true),
						 s->rest_s >= 0 ? (uint64_t)s->rest_s : REST_S)
				       : 0;
}

/* The same of its datagrams, at most. */
static int64_t sample_flows(const struct sample *s, const struct target *t,
			    const struct subject *own)
{
	struct settings now = {.portless = s->portless, .subject = own};
	now.at[UDP_REST][0] = s->udp_rest_s;
	return flows_max(t, &now);
}

/* A maximum that is not full soon again: the double, or what the wall proposes, if that is more. */
static int64_t enough_max(const struct sample *s, const struct target *t, const struct subject *own)
{
	int64_t more = 2 * s->max;
	int64_t need = sample_need(s, t, own);
	while (more < INT32_MAX / 2 && report_verdict(more - s->used, need) != VERDICT_OK)
		more *= 2;
	return more;
}

static int64_t drops_grown(const struct sample *before, const struct sample *after)
{
	const struct host_counters *from = &before->counters, *to = &after->counters;
	return conntrack_dropped(host_counter_delta(from, to, COUNTER_CONNTRACK_DROPS),
				 host_counter_delta(from, to, COUNTER_CONNTRACK_CLASHES),
				 before->used > after->used ? before->used : after->used,
				 after->max);
}

/* A table without an entry, and no connection that would have one: a rule may track the first that
 * comes, and few kernels list what tracks (nfnetlink_hook). */
static void idle_judge(const struct sample *before, const struct sample *s, const struct target *t,
		       const struct subject *own, struct report *r)
{
	int64_t connections = sample_need(s, t, own), flows = sample_flows(s, t, own);
	int64_t need = connections + flows;
	bool untracked = !has_tcp(own) && s->datagrams != before->datagrams;
	struct wording words = {0};
	if (!s->idle || untracked || s->outside || s->max <= 0 || !need ||
	    report_verdict(s->max, need) == VERDICT_OK)
		return;
	wording_flag(&words, "flows", report_verdict(s->max, connections) == VERDICT_OK);
	wording_flag(&words, "udp", flows);
	count_word(&words, "max", s->max);
	count_word(&words, "needed", need);
	struct finding *f = report_finding(r, "conntrack.idle", &words);
	finding_propose(f, DIR "max", quantity_plain((uint64_t)s->max).text, "");
}

static void observation_judge(const struct sample *before, const struct sample *after,
			      const struct moment *m, struct report *r)
{
	int64_t grown = drops_grown(before, after);
	bool full = after->max > 0 && after->used >= after->max;
	struct wording words = {0};
	idle_judge(before, after, m->target, m->options->subject, r);
	wording_flag(&words, "outside", after->outside);
	if (after->uncounted && !full)
		report_finding(r, "conntrack.uncounted", &words);
	if (!full && grown <= 0)
		return;
	count_word(&words, "used", after->used);
	count_word(&words, "max", after->max);
	count_word(&words, "total", host_counter(&after->counters, COUNTER_CONNTRACK_DROPS));
	count_word(&words, "early", host_counter(&after->counters, "nf_conntrack.early_drop"));
	wording_flag(&words, "full", full);
	wording_flag(&words, "several", grown > 1);
	wording_set(&words, "dropped", "%s", grown > 0 ? quantity_count((uint64_t)grown).text : "");
	wording_set(&words, "window", "%s", quantity_seconds(m->seconds).text);
	wording_set(&words, "more", "%s",
		    after->max <= 0 ? ""
				    : quantity_plain((uint64_t)enough_max(after, m->target,
									  m->options->subject))
					      .text);
	struct finding *f = report_finding(r, "conntrack.full", &words);
	finding_propose(f, DIR "max",
			after->max == REPORT_NONE ? "" : quantity_plain((uint64_t)after->max).text,
			"");
	finding_evidence(f, "nf_conntrack_count", "entries", (double)after->used, NAN);
	for (size_t i = 0; i < after->counters.count; i++)
		if (!strcmp(after->counters.at[i].name, COUNTER_CONNTRACK_DROPS))
			finding_evidence(f, COUNTER_CONNTRACK_DROPS, "packets",
					 (double)after->counters.at[i].value, NAN);
}

static const struct observation observation = {
	.size = sizeof(struct sample),
	.window = true,
	.outside = true,
	.sample = sample_take,
	.unread = sample_unread,
	.judge = observation_judge,
};

const struct probe probe_conntrack = {
	.name = "conntrack",
	.summary = "entries of connection tracking: what is left, and what a full table loses",
	.mode = PROBE_FIRST,
	.place = PROBE_HOST,
	.experiments = experiments,
	.observation = &observation,
};
