/* What the kernel has counted and holds: losses, memory of TCP, UDP sockets that drop, orphans.
 * Judged by what the machine shows; of the target by the orphans that its connections become. */
#include "epolltune/probe.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/accept_queues.h"
#include "epolltune/buffers.h"
#include "epolltune/cleanup.h"
#include "epolltune/connection_memory.h"
#include "epolltune/counters.h"
#include "epolltune/knob_value.h"
#include "epolltune/nic.h"
#include "epolltune/quantity.h"
#include "epolltune/queues.h"
#include "epolltune/syn_queue.h"
#include "epolltune/udp_queues.h"

#define TCP_MEM "net.ipv4.tcp_mem"
#define ORPHANS "net.ipv4.tcp_max_orphans"
#define FIN_TIMEOUT "net.ipv4.tcp_fin_timeout"
#define SYNCOOKIES "net.ipv4.tcp_syncookies"

enum { MAX, USED, FIN };

static void orphans_read(const struct host *h, struct settings *s)
{
	s->at[USED][0] = s->machine.orphans;
}

/* Whether what is in use may be connections that the server in question has closed. */
static bool is_shared(const struct settings *s)
{
	return s->subject && !s->guest && subject_listens(s->subject, LISTENER_TCP);
}

/* The hash table of connections has an entry for each 128 KiB of memory, a power of two of them and
 * at most that many (net/ipv4/tcp.c, tcp_init()). */
#define ENTRY_MEMORY (128 << 10)
#define ENTRIES_MAX (512 << 10)

static int64_t entries_by_memory(uint64_t bytes)
{
	int64_t entries = 1;
	while (entries < ENTRIES_MAX && (uint64_t)entries * ENTRY_MEMORY < bytes)
		entries *= 2;
	return entries;
}

/* Whether the table is that of this network namespace alone (tcp_child_ehash_entries), which is not
 * evidence of the machine's: the kernel shows the entries of a shared one as a negative number. */
static bool own_table(const struct machine *m) { return m->own_netns && m->ehash_entries > 0; }

/* By default half of the entries of the machine's table. */
static int64_t orphans_max(const struct settings *s)
{
	const struct machine *m = &s->machine;
	if (s->at[MAX][0] != REPORT_NONE)
		return s->at[MAX][0];
	if (own_table(m))
		return m->memory_bytes ? entries_by_memory(m->memory_bytes) / 2 : REPORT_NONE;
	return m->ehash_entries ? llabs(m->ehash_entries) / 2 : REPORT_NONE;
}

static int64_t orphans_used(const struct settings *s)
{
	return s->at[USED][0] > 0 ? s->at[USED][0] : 0;
}

/* A closed connection is an orphan until its FIN is acknowledged. One round trip after close()
 * where all data was under way; the end of a longer answer leaves a round trip later, and that is
 * what a reset truncates. */
#define ORPHAN_ROUND_TRIPS 2
/* One whose peer has not closed yet waits in FIN_WAIT2, the last TCP_TIMEWAIT_LEN of
 * tcp_fin_timeout without a socket: net/ipv4/tcp.c __tcp_close(), tcp_input.c
 * tcp_rcv_state_process(). */
#define FIN_WITHOUT_SOCKET_S 60

static int64_t fin_wait_s(const struct settings *s)
{
	int64_t timeout = s->at[FIN][0];
	return timeout > FIN_WITHOUT_SOCKET_S ? timeout - FIN_WITHOUT_SOCKET_S : 0;
}

/* Those at most, where no peer closes in that time. */
static int64_t fin_waiting(const struct target *t, const struct settings *s, int64_t sides)
{
	int64_t all;
	if (__builtin_mul_overflow((int64_t)t->rate_per_s, fin_wait_s(s) * sides, &all))
		return INT64_MAX;
	return all;
}

static void orphans_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	/* The end of one over loopback is acknowledged at once: that to its own listener adds none.
	 */
	int64_t max = orphans_max(s), sides = (int64_t)connection_flows(t, s, false), all;
	b->binding = MAX;
	b->fallback.knob = s->at[MAX][0] == REPORT_NONE ? ORPHANS : NULL;
	if (max == REPORT_NONE && s->machine.own_netns)
		return;
	if (max != REPORT_NONE)
		b->capacity = max > orphans_used(s) ? max - orphans_used(s) : 0;
	b->unread = s->at[USED][0] < 0 ? "/proc/net/sockstat" : NULL;
	if (__builtin_mul_overflow((int64_t)target_syn_queue(t), ORPHAN_ROUND_TRIPS * sides, &all))
		all = INT64_MAX;
	b->need.min = all;
	if (is_shared(s) && orphans_used(s) && all > 1) {
		b->need.min =
			(int64_t)connection_needed((uint64_t)all, (uint64_t)orphans_used(s), 1);
		b->need.max = all;
	}
	if (fin_wait_s(s) && __builtin_add_overflow(all, fin_waiting(t, s, sides), &b->need.max))
		b->need.max = INT64_MAX - 1;
	/* The memory that a container shows may be less than the machine's. */
	if (s->at[MAX][0] == REPORT_NONE && own_table(&s->machine) &&
	    report_verdict(b->capacity, all) != VERDICT_OK)
		b->capacity = REPORT_NONE;
}

static bool orphans_solve(const struct target *t, const struct settings *now,
			  const struct outcome *o, int64_t enough, struct settings *out)
{
	if (now->at[MAX][0] == REPORT_NONE)
		return false;
	/* Room for those that wait longer takes memory that a shorter wait does not. */
	if (fin_wait_s(now)) {
		struct bound b = {.capacity = REPORT_NONE, .need.max = REPORT_NONE};
		out->at[FIN][0] = FIN_WITHOUT_SOCKET_S;
		orphans_bound(t, out, &b);
		enough = (int64_t)report_margin((uint64_t)b.need.min);
	}
	if (enough > INT32_MAX - orphans_used(now))
		return false;
	enough += orphans_used(now);
	out->at[MAX][0] = enough > now->at[MAX][0] ? enough : now->at[MAX][0];
	return true;
}

static void orphans_words(const struct target *t, const struct settings *s, const struct outcome *o,
			  const struct bound *b, struct wording *w)
{
	int64_t max = orphans_max(s);
	wording_set(w, "max", "%s", max < 0 ? "" : quantity_count((uint64_t)max).text);
	wording_set(w, "used", "%s", quantity_count((uint64_t)orphans_used(s)).text);
	wording_flag(w, "over", max >= 0 && orphans_used(s) > max);
	wording_flag(w, "known", s->at[MAX][0] != REPORT_NONE);
	wording_flag(w, "shared", is_shared(s) && orphans_used(s));
	wording_set(w, "timeout", "%s",
		    fin_wait_s(s) ? quantity_seconds((double)s->at[FIN][0]).text : "");
	wording_set(w, "longer", "%s", quantity_seconds((double)fin_wait_s(s)).text);
}

static const struct experiment experiments[] = {
	{
		.wall = "orphans",
		.knobs = {ORPHANS, "TCP orphan of /proc/net/sockstat", FIN_TIMEOUT},
		.read = orphans_read,
		.bound = orphans_bound,
		.solve = orphans_solve,
		.words = orphans_words,
	},
	{0},
};

struct sample {
	struct host_counters counters;
	int64_t max_orphans; /* REPORT_NONE: unknown */
	int64_t fin_timeout; /* likewise */
	int64_t cookies;     /* net.ipv4.tcp_syncookies; REPORT_NONE: unknown */
	/* Pages, the second and the third field of tcp_mem; REPORT_NONE. */
	int64_t memory_pressure, memory_max;
	struct queues queues; /* where one is exceeded */
	int64_t udp_max;      /* pages, the first field of udp_mem; REPORT_NONE */
	uint64_t cpus;        /* 0: unknown */
	char tcp_mem[KNOB_VALUE];
	uint64_t page_bytes; /* 0: unknown */
	uint64_t quantum;    /* in which sockstat counts memory, bytes; 0: unknown */
	double uptime_s;     /* 0: unknown */
	bool first_netns;    /* the machine's first network namespace, or a captured machine */
	struct host_identity identity;
	bool watched;         /* of a window's end */
	struct listeners udp; /* all sockets, with the owners that udp_queues_judge() needs */
	bool udp_listed;      /* those could be read */
	struct err unread;    /* the first of these that could not be read */
};

/* Of /proc/net/stat. */
static const char *const tables[] = {"nf_conntrack", "arp_cache", "ndisc_cache"};

/* `lacking`: the error of a machine that has no such source, nor what it would show. */
static void unread_add(struct sample *s, const struct err *why, int lacking)
{
	if (!s->unread.code && why->code != lacking)
		s->unread = *why;
}

static bool is_wanted(const struct listener *l, void *watched)
{
	return *(bool *)watched ? udp_queue_wanted(l) : udp_queue_full(l);
}

/* The same in every network namespace: in another one than the first these losses are not known to
 * be its own. */
static void softnet_take(const struct host *h, struct sample *s)
{
	int64_t dropped = s->first_netns ? softnet_dropped(h) : -1;
	if (dropped >= 0)
		host_counter_add(&s->counters, "softnet", "dropped", dropped);
}

/* A single sample shows no growth, and needs the owners of full ones only. */
static int sample_udp(const struct host *h, struct sample *s, struct err *e)
{
	struct err why = {0};
	s->udp_listed = !listeners_read_udp(h, true, &s->udp, &why);
	if (!s->udp_listed)
		unread_add(s, &why, EOPNOTSUPP);
	if (why.code || !host_live(h))
		return 0; /* a capture has their owners */
	return listeners_own(h, &s->udp, is_wanted, &s->watched, e);
}

static int sample_tick(const struct host *h, struct sample *during, struct err *e)
{
	during->watched = true;
	return 0;
}

/* What the sockets of a protocol hold: tcp_mem and udp_mem are in pages. REPORT_NONE: unknown. */
static int64_t memory_of(const struct sample *s, const char *counter)
{
	int64_t quanta = host_counter(&s->counters, counter), bytes;
	if (quanta < 0)
		return REPORT_NONE;
	if (!s->page_bytes || !s->quantum ||
	    __builtin_mul_overflow(quanta, (int64_t)s->quantum, &bytes))
		return quanta;
	return bytes / (int64_t)s->page_bytes;
}

static int64_t memory_pages(const struct sample *s) { return memory_of(s, "sockstat.TCP.mem"); }

/* Of what sockstat counts each CPU may keep so much back: SK_MEMORY_PCPU_RESERVE, of Linux 6.0. */
#define CPU_RESERVE (1 << 20)
/* At most such a part of the limit. */
#define RESERVE_PART 8

/* Whether UDP has the memory that udp_mem allows it: the first field is its limit. */
static bool udp_exhausted(const struct sample *s)
{
	int64_t used = memory_of(s, "sockstat.UDP.mem"), part = s->udp_max / RESERVE_PART;
	uint64_t reserve = s->page_bytes ? s->cpus * (CPU_RESERVE / s->page_bytes) : 0;
	if (used < 0 || s->udp_max <= 0)
		return false;
	return used >= s->udp_max - ((uint64_t)part < reserve ? part : (int64_t)reserve);
}

/* Which of the fields the memory of TCP exceeds (__sk_mem_raise_allocated()), as the problem of a
 * finding; NULL: none. */
static const char *memory_problem(const struct sample *s)
{
	int64_t used = memory_pages(s);
	if (used >= 0 && s->memory_max != REPORT_NONE && used > s->memory_max)
		return "buffers.memory.exhausted";
	if (used >= 0 && s->memory_pressure != REPORT_NONE && used >= s->memory_pressure)
		return "buffers.memory.pressure";
	return NULL;
}

static const struct err *sample_unread(const struct sample *s) { return &s->unread; }

static void sample_release(struct sample *s) { listeners_free(&s->udp); }

/* A packet at an interface where IPv6 is disabled counts in Ip6.InDiscards, and is no loss. */
static void discards6_drop(const struct host *h, struct host_counters *all)
{
	if (!host_ipv6_disabled(h))
		return;
	for (size_t i = 0; i < all->count; i++)
		if (!strcmp(all->at[i].name, COUNTER_DISCARDS6))
			all->at[i].value = -1;
}

static int sample_take(const struct host *h, const struct probe_options *o, struct sample *s,
		       struct err *e)
{
	struct host_facts facts;
	char udp_mem[KNOB_VALUE];
	s->fin_timeout = REPORT_NONE;
	s->max_orphans = s->memory_pressure = s->memory_max = s->cookies = s->udp_max = REPORT_NONE;
	host_counters(h, &s->counters, NULL);
	discards6_drop(h, &s->counters);
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		host_table_counters(h, tables[i], &s->counters);
	host_filter_counters(h, &s->counters);
	unread_add(s, &s->counters.unread, 0);
	if (!s->unread.code && host_counter(&s->counters, COUNTER_LISTEN_DROPS) < 0)
		err_set(&s->unread, ENODATA, "/proc/net/netstat has no ListenDrops");
	knob_number(ORPHANS, h, &s->max_orphans);
	knob_number(FIN_TIMEOUT, h, &s->fin_timeout);
	knob_number(SYNCOOKIES, h, &s->cookies);
	if (!knob_read(knob_find(TCP_MEM), h, s->tcp_mem, NULL)) {
		knob_field(s->tcp_mem, 1, &s->memory_pressure);
		knob_field(s->tcp_mem, 2, &s->memory_max);
	}
	if (!knob_read(knob_find("net.ipv4.udp_mem"), h, udp_mem, NULL))
		knob_field(udp_mem, 0, &s->udp_max);
	host_facts(h, &facts);
	s->page_bytes = facts.page_bytes;
	s->cpus = facts.cpus;
	const struct machine m = {.kernel = host_kernel(h), .page_bytes = facts.page_bytes};
	s->quantum = (uint64_t)machine_quantum(&m);
	s->uptime_s = host_uptime(h);
	s->first_netns =
		host_identity(h, &s->identity, NULL) ? !host_live(h) : s->identity.first_netns;
	softnet_take(h, s);
	if (memory_problem(s))
		queues_read(h, &s->queues, NULL);
	return sample_udp(h, s, e);
}

/* What was watched. */
struct watch {
	const struct sample *before, *after;
	const struct probe_options *options;
	const struct subject *subject; /* NULL: none was named */
	const struct target *target;
	struct report *report;
	double seconds; /* 0: there is one sample */
	double stall_s; /* moment_stall_s() */
	bool udp_named; /* a socket that drops */
};

/* A counter's growth; 0 where nothing was watched. */
static int64_t growth(const struct watch *w, const char *counter)
{
	int64_t grown = host_counter_delta(&w->before->counters, &w->after->counters, counter);
	return grown > 0 ? grown : 0;
}

static void set_bytes(struct wording *w, const char *name, const struct sample *s, int64_t pages)
{
	if (s->page_bytes)
		wording_set(w, name, "%s",
			    quantity_show(QUANTITY_SIZE, (uint64_t)pages * s->page_bytes).text);
}

static void count_set(struct wording *w, const char *name, int64_t count)
{
	wording_set(w, name, "%s", count < 0 ? "" : quantity_count((uint64_t)count).text);
}

static void judge_memory(const struct watch *w)
{
	const struct sample *s = w->after;
	int64_t used = memory_pages(s);
	const char *problem = memory_problem(s);
	struct wording words = {0};
	if (!problem)
		return;
	wording_set(&words, "used", "%s", quantity_count((uint64_t)used).text);
	set_bytes(&words, "bytes", s, used);
	count_set(&words, "max", s->memory_max);
	set_bytes(&words, "max_bytes", s, s->memory_max);
	count_set(&words, "pressure", s->memory_pressure);
	struct finding *f = report_finding(w->report, problem, &words);
	finding_propose(f, TCP_MEM, s->tcp_mem, "");
	finding_evidence(f, "sockstat.TCP.mem", "pages", (double)used, NAN);
	queues_table(&s->queues, f);
}

/* Whether the wall proposes a value, as the load needs more than is left. */
static bool orphans_short(const struct watch *w, int64_t used)
{
	struct bound b = {.capacity = REPORT_NONE, .need.max = REPORT_NONE};
	struct settings now = {.subject = w->subject};
	now.at[MAX][0] = w->after->max_orphans;
	now.at[USED][0] = used;
	now.at[FIN][0] = w->after->fin_timeout;
	if (w->subject && !subject_listens(w->subject, LISTENER_TCP))
		return false;
	orphans_bound(w->target, &now, &b);
	int64_t need = bound_needed(&b);
	struct settings out = now;
	return report_verdict(b.capacity, need) != VERDICT_OK &&
	       orphans_solve(w->target, &now, NULL, (int64_t)report_margin((uint64_t)need), &out);
}

static void judge_orphans(const struct watch *w)
{
	const struct sample *s = w->after;
	int64_t now = host_counter(&s->counters, "sockstat.TCP.orphan");
	struct wording words = {0};
	if (!wall_is_near("orphans", now, s->max_orphans))
		return;
	wording_set(&words, "now", "%s", quantity_count((uint64_t)now).text);
	wording_set(&words, "max", "%s", quantity_count((uint64_t)s->max_orphans).text);
	/* The kernel counts an orphan before it compares: at the limit it resets the next one
	 * (net/ipv4/tcp.c, __tcp_close(), tcp_check_oom()). */
	bool over = now >= s->max_orphans;
	wording_flag(&words, "over", over);
	wording_set(&words, "more", "%s",
		    orphans_short(w, now)
			    ? ""
			    : quantity_plain(quantity_more((uint64_t)s->max_orphans)).text);
	struct finding *f = report_finding(w->report, "orphans.near", &words);
	finding_propose(f, ORPHANS, quantity_plain((uint64_t)s->max_orphans).text, "");
	finding_evidence(f, "sockstat.TCP.orphan", "connections", (double)now, NAN);
	if (over)
		f->level = LEVEL_CRITICAL;
}

/* Names the socket that drops most; false: none was seen. */
static bool judge_udp(const struct watch *w)
{
	const struct udp_watch u = {.before = &w->before->udp,
				    .after = &w->after->udp,
				    .listed = w->after->udp_listed,
				    .subject = w->subject,
				    .report = w->report,
				    .seconds = w->seconds,
				    .stall_s = w->stall_s,
				    .errors = growth(w, COUNTER_UDP_FULL),
				    .errors6 = growth(w, COUNTER_UDP6_FULL),
				    .memory = growth(w, COUNTER_UDP_MEMORY),
				    .memory6 = growth(w, COUNTER_UDP6_MEMORY),
				    .exhausted =
					    udp_exhausted(w->before) || udp_exhausted(w->after)};
	return udp_queues_judge(&u);
}

/* Bytes of a title beside its other words; fewer beside the time of a report. What does not fit is
 * in the table. */
#define TITLED 76
#define TITLED_SINCE 50

/* What the report records besides these. */
static const char *const recorded[] = {
	COUNTER_COOKIES_SENT, "sockstat.TCP.inuse", "sockstat.TCP.orphan",
	"sockstat.TCP.tw",    "sockstat.TCP.mem",
};

/* What does not count. Of ListenDrops that is what other counters have: without cookies
 * TCPReqQFullDrop, and else the half-open connections that an ICMP error ended, at most: what
 * remains met no memory, or no route leads back. */
static int64_t loss_value(const struct loss_row *l, const struct sample *s,
			  int64_t (*value)(const void *of, const char *counter), const void *of)
{
	int64_t all = value(of, l->counter), less = l->less ? value(of, l->less) : 0;
	if (l->kind != LOSS_REST)
		return less > 0 && all >= 0 ? (all > less ? all - less : 0) : all;
	struct syn_drops d = syn_drops_of(value, of);
	if (s->cookies == 0)
		return d.rest - d.flooded;
	int64_t other = d.ended + d.flooded; /* without SYN cookies in the kernel */
	return d.rest > other ? d.rest - other : 0;
}

/* A client whose SYN is lost sends some more of them: against the connections of those that are
 * served they are more than that part where one client in twenty is lost. So many a second may be
 * broadcasts of neighbours where none connects. */
#define SERVED_PART 10
#define SERVED_FEW 50

/* What is compared with all: of rows that are summed what is known of each. */
static int64_t strays_of(const struct loss_row *l,
			 int64_t (*value)(const void *of, const char *counter), const void *of)
{
	int64_t less = l->less ? value(of, l->less) : 0, sum = 0;
	if (!l->summed)
		return value(of, l->counter) - (less > 0 ? less : 0);
	for (size_t i = 0; i < loss_row_count(); i++) {
		const struct loss_row *one = loss_row_at(i);
		int64_t known = one->summed ? value(of, one->counter) : 0;
		sum += known > 0 ? known : 0;
	}
	return sum;
}

/* Whether it is one: strays where they are more than a share of what arrived or of what was served,
 * which a few a second do not show. */
static bool is_loss(const struct loss_row *l, int64_t (*value)(const void *of, const char *counter),
		    const void *of, double seconds)
{
	int64_t served = l->served ? value(of, l->served) : -1, strays = strays_of(l, value, of);
	double span = seconds > 1 ? seconds : 1, few = l->few ? (double)l->few * span : 1;
	double part = l->part ? (double)l->part : STRAY_PART;
	return l->kind != LOSS_STRAY || ((double)strays - few) * part > (double)value(of, l->all) ||
	       (served >= 0 && ((double)strays - SERVED_FEW * span) * SERVED_PART > (double)served);
}

static int64_t total_of(const void *counters, const char *name)
{
	return host_counter(counters, name);
}

static int64_t loss_total(const struct sample *s, const struct loss_row *l)
{
	return loss_value(l, s, total_of, &s->counters);
}

static int64_t growth_of(const void *watch, const char *counter)
{
	const struct watch *w = watch;
	return host_counter_delta(&w->before->counters, &w->after->counters, counter);
}

static int64_t then_of(const void *report, const char *counter)
{
	return report_counter_value(report, counter);
}

/* What may explain drops has grown by its total at most, where the earlier report does not have it;
 * what is subtracted from that is then unknown. */
static int64_t since_of(const void *of, const char *counter)
{
	const struct since *s = of;
	int64_t grown = since_growth(s, counter);
	bool explains = !loss_row_find(counter) && !syn_drops_is_sent(counter);
	return grown < 0 && explains ? host_counter(s->now, counter) : grown;
}

/* In which the counter has counted: at most since boot, as the clock may have been wrong at the
 * report. How old a namespace is that was made since then is not known. */
static double since_seconds(const struct watch *w, const struct since *s)
{
	const struct sample *now = w->after;
	time_t then = s->report ? s->report->time.tv_sec : w->report->time.tv_sec;
	double seconds = (double)(w->report->time.tv_sec - then);
	if (now->uptime_s > 0)
		seconds = fmin(seconds, now->uptime_s);
	return seconds;
}

static int64_t loss_since(const struct watch *w, const struct since *s, const struct loss_row *l)
{
	double seconds = since_seconds(w, s);
	int64_t grown = is_loss(l, since_of, s, seconds) ? since_growth(s, l->counter) : 0;
	bool parts = l->kind == LOSS_REST || l->less;
	return parts && grown > 0 ? loss_value(l, w->after, since_of, s) : grown;
}

/* The packets of which a loss is a part; -1: unknown. */
static int64_t packets_since(const struct since *s, const struct loss_row *l)
{
	int64_t all = since_growth(s, l->all), all6 = l->all6 ? since_growth(s, l->all6) : 0;
	return all >= 0 && all6 > 0 ? all + all6 : all;
}

/* Whether growth since an earlier report has cost clients. */
static bool loss_costs(const struct watch *w, const struct since *s, const struct loss_row *l)
{
	struct syn_drops d = syn_drops_of(since_of, s);
	if (l->kind == LOSS_REST && w->after->cookies == 0)
		return d.rest - d.flooded > d.other;
	if (l->all && l->kind != LOSS_STRAY)
		return loss_matters(loss_since(w, s, l), packets_since(s, l));
	return l->kind < LOSS_HARMLESS;
}

struct titled {
	char text[WORDING_TEXT];
	size_t count, shown, room; /* bytes that the title has for them */
};

/* "9 300 RcvPruned, 12 TCPRcvQDrop (and 3 more counters)" */
static void titled_add(struct titled *t, const struct loss_row *l, int64_t value)
{
	char next[96];
	snprintf(next, sizeof(next), "%s%s %s", t->count ? ", " : "",
		 quantity_count((uint64_t)value).text, loss_name(l));
	bool fits = t->shown == t->count && strlen(t->text) + strlen(next) <= t->room;
	if (fits || !t->count) {
		report_append(t->text, "%s", next);
		t->shown++;
	}
	t->count++;
}

static void titled_end(struct titled *t)
{
	size_t more = t->count - t->shown;
	if (more)
		report_append(t->text, " (and %s)", quantity_of(more, "more counter").text);
}

/* What no other finding reports: that of UDP names a socket, where it is seen. */
static int64_t unreported(const struct watch *w, const struct loss_row *l)
{
	bool udp = !w->udp_named && l->kind == LOSS_DATAGRAMS;
	bool here = l->kind == LOSS_PLAIN ||
		    (l->kind == LOSS_STRAY && is_loss(l, growth_of, w, w->seconds)) || udp ||
		    (l->kind == LOSS_REST && w->after->cookies != 0);
	int64_t grown = here ? loss_value(l, w->after, growth_of, w) : 0;
	return grown > 0 ? grown : 0;
}

static void judge_growth(const struct watch *w)
{
	struct wording words = {0};
	struct titled title = {.room = TITLED};
	char what[WORDING_TEXT] = "", others[WORDING_TEXT] = "";
	for (size_t i = 0; i < loss_row_count(); i++) {
		const struct loss_row *l = loss_row_at(i);
		int64_t grown = unreported(w, l);
		if (!grown)
			continue;
		const struct counter_row *row = counter_row_find(l->counter);
		if (!title.count) {
			report_text(what, "%s: %s", loss_name(l), row->what);
			wording_set(&words, "remedy", "%s", row->action);
		} else {
			report_append(others, " %s", counter_short(l->counter));
		}
		titled_add(&title, l, grown);
	}
	if (!title.count)
		return;
	titled_end(&title);
	wording_set(&words, "counters", "%s", title.text);
	wording_set(&words, "window", "%s", quantity_seconds(w->seconds).text);
	wording_set(&words, "what", "%s", what);
	wording_set(&words, "others", "%s", others);
	struct finding *f = report_finding(w->report, "counters.growing", &words);
	for (size_t i = 0; i < loss_row_count(); i++)
		if (unreported(w, loss_row_at(i)))
			finding_evidence(f, loss_name(loss_row_at(i)), "",
					 (double)unreported(w, loss_row_at(i)), NAN);
}

/* Of what may be lost clients each total is worth a note: packets of years hide those of a day. */
static int64_t past_total(const struct watch *w, const struct loss_row *l)
{
	int64_t total = l->kind == LOSS_MACHINE ? 0 : loss_total(w->after, l);
	bool many = l->served && total > l->few;
	return many || is_loss(l, total_of, &w->after->counters, 0) ? total : 0;
}

static void past_table(struct finding *f, const struct watch *w)
{
	finding_table(f, "counter");
	finding_column(f, "total", "");
	if (w->seconds > 0)
		finding_column(f, "in the window", "");
	for (size_t i = 0; i < loss_row_count(); i++) {
		const struct loss_row *l = loss_row_at(i);
		int64_t total = past_total(w, l);
		if (total <= 0)
			continue;
		double *row = finding_row(f, loss_name(l));
		row[0] = (double)total;
		int64_t grown = loss_value(l, w->after, growth_of, w);
		if (w->seconds > 0)
			row[1] = grown > 0 ? (double)grown : 0;
	}
}

static void judge_past(const struct watch *w)
{
	struct wording words = {0};
	struct titled title = {.room = TITLED};
	for (size_t i = 0; i < loss_row_count(); i++) {
		const struct loss_row *l = loss_row_at(i);
		int64_t total = past_total(w, l);
		if (total > 0)
			titled_add(&title, l, total);
	}
	if (!title.count)
		return;
	titled_end(&title);
	wording_set(&words, "counters", "%s", title.text);
	wording_flag(&words, "initial", w->after->first_netns);
	wording_set(&words, "age", "%s",
		    w->after->uptime_s > 0 ? quantity_ago(w->after->uptime_s).text : "");
	past_table(report_finding(w->report, "counters.past", &words), w);
}

static void record(struct report *r, const struct host_counters *counters, const char *name)
{
	int64_t value = host_counter(counters, name);
	if (value >= 0)
		report_counter(r, name, value);
}

static void record_all(const struct watch *w)
{
	for (size_t i = 0; i < loss_row_count(); i++) {
		const struct loss_row *l = loss_row_at(i);
		record(w->report, &w->after->counters, l->counter);
		if (l->less)
			record(w->report, &w->after->counters, l->less);
		if (l->all)
			record(w->report, &w->after->counters, l->all);
		if (l->served)
			record(w->report, &w->after->counters, l->served);
	}
	for (size_t i = 0; i < sizeof(recorded) / sizeof(*recorded); i++)
		record(w->report, &w->after->counters, recorded[i]);
	for (size_t i = 0; syn_drops_cause(i); i++) {
		const struct syn_drops_cause *c = syn_drops_cause(i);
		record(w->report, &w->after->counters, c->counter);
		if (c->sent)
			record(w->report, &w->after->counters, c->sent);
	}
}

static void since_table(struct finding *f, const struct watch *w, const struct since *s)
{
	finding_table(f, "counter");
	finding_column(f, "total", "");
	finding_column(f, "then", "");
	finding_column(f, "growth", "");
	for (size_t i = 0; i < loss_row_count(); i++) {
		const struct loss_row *l = loss_row_at(i);
		int64_t grown = loss_since(w, s, l);
		if (grown <= 0)
			continue;
		double *row = finding_row(f, loss_name(l));
		row[0] = (double)loss_total(w->after, l);
		if (!since_reset(s, l->counter)) /* else of a count that is lost */
			row[1] = (double)loss_value(l, w->after, then_of, s->report);
		row[2] = (double)grown;
	}
}

/* Growth since an earlier report: a loss is a warning, all else a note. */
static void judge_since(const struct watch *w)
{
	struct since s = since_make(w->options, &w->after->identity, &w->after->counters);
	struct wording words = {0};
	struct titled title = {.room = TITLED_SINCE};
	enum since_reset reset = SINCE_RESTART; /* of all that grew */
	char restarted[WORDING_TEXT] = "";
	bool lost = false, syns = false, queues = false, sockets = false, softnet = false;
	for (size_t i = 0; i < loss_row_count(); i++) {
		const struct loss_row *l = loss_row_at(i);
		int64_t grown = loss_since(w, &s, l);
		if (grown <= 0)
			continue;
		if (!title.count)
			wording_set(&words, "what", "%s: %s", counter_short(l->counter),
				    counter_row_find(l->counter)->what);
		titled_add(&title, l, grown);
		enum since_reset was = since_reset(&s, l->counter);
		if (was == SINCE_RESTART)
			report_append(restarted, "%s%s", restarted[0] ? ", " : "",
				      counter_short(l->counter));
		else
			reset = was;
		bool costs = loss_costs(w, &s, l);
		lost |= costs;
		queues |= !strcmp(l->counter, COUNTER_LISTEN_OVERFLOWS);
		softnet |= costs && l->kind == LOSS_MACHINE;
		sockets |= costs && l->kind != LOSS_MACHINE;
		syns |= costs && l->kind == LOSS_REST && w->after->cookies == 0;
	}
	if (!title.count)
		return;
	titled_end(&title);
	since_words(&s, reset, w->report->time, &words);
	wording_set(&words, "restart", "%s", restarted);
	wording_set(&words, "counters", "%s", title.text);
	wording_flag(&words, "lost", lost);
	wording_flag(&words, "syns", syns);
	wording_flag(&words, "queues", queues);
	wording_flag(&words, "sockets", sockets);
	wording_flag(&words, "softnet", softnet);
	struct finding *f = report_finding(w->report, "counters.since", &words);
	since_table(f, w, &s);
	if (lost)
		return;
	finding_to_note(f);
}

static void observation_judge(const struct sample *before, const struct sample *after,
			      const struct moment *m, struct report *r)
{
	struct watch w = {.before = before,
			  .after = after,
			  .options = m->options,
			  .subject = m->options->subject,
			  .target = m->target,
			  .report = r,
			  .seconds = m->seconds,
			  .stall_s = moment_stall_s(m)};
	judge_memory(&w);
	judge_orphans(&w);
	w.udp_named = judge_udp(&w);
	judge_growth(&w);
	judge_since(&w);
	judge_past(&w);
	record_all(&w);
}

static const struct observation observation = {
	.size = sizeof(struct sample),
	.window = true,
	.sample = sample_take,
	.unread = sample_unread,
	.tick = sample_tick,
	.release = sample_release,
	.judge = observation_judge,
};

const struct probe probe_counters = {
	.name = "counters",
	.summary = "what the kernel has counted and holds: losses, memory of TCP, orphans",
	.mode = PROBE_FIRST,
	.place = PROBE_HOST,
	.experiments = experiments,
	.observation = &observation,
};
