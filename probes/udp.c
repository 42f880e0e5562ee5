/* The datagrams that a UDP socket holds while its server does not read: its receive buffer, as the
 * kernel grants it, divided by what a datagram takes of it. */
#include "epolltune/probe.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "epolltune/buffers.h"
#include "epolltune/cleanup.h"
#include "epolltune/counters.h"
#include "epolltune/datagram.h"
#include "epolltune/datagrams.h"
#include "epolltune/knob.h"
#include "epolltune/nic.h"
#include "epolltune/quantity.h"
#include "epolltune/sysctls.h"
#include "epolltune/udp_queues.h"

#define RMEM_MAX "net.core.rmem_max"
#define RMEM_DEFAULT "net.core.rmem_default"
/* Datagrams of an experiment, and the time over which they are sent. */
#define DATAGRAMS_MAX 200000
/* That SO_RCVBUF may ask for: net/core/sock.c, __sock_set_rcvbuf(). */
#define ASKED_MAX (INT32_MAX / 2)
#define SPREAD_MAX_US 1000000

enum { MAX, ASKED, DEFAULT, MEMORY, USED };

/* Of a run. */
enum { DROPPED, BY_KERNEL, RECEIVED, GRANTED, EACH };

static bool udp_applies(const struct target *t, const struct probe_options *o)
{
	return t->datagrams_per_s || subject_listens(o->subject, LISTENER_UDP);
}

static const struct listener *socket_of(const struct settings *s)
{
	return s->subject ? subject_datagrams(s->subject, s->taken.page).smallest : NULL;
}

/* That share its address, by SO_REUSEPORT: a hash of the sender's address and port selects one. */
static size_t sockets_of(const struct settings *s)
{
	size_t sockets = s->subject ? subject_datagrams(s->subject, s->taken.page).sockets : 0;
	return sockets ? sockets : 1;
}

/* Whether few senders may have most of the load, which is then one socket's: those of --peers, as
 * of syslog, statsd, NetFlow or RTP. DNS and HTTP/3 have many. */
static bool may_have_few_senders(const struct settings *s)
{
	static const uint16_t many[] = {53, 443, 853};
	const struct listener *socket = socket_of(s);
	for (size_t i = 0; socket && i < sizeof(many) / sizeof(*many); i++)
		if (socket->port == many[i])
			return false;
	return s->peers && sockets_of(s) > 1;
}

/* The part of the load that the fullest of the sockets gets, at most: of one sender all. Those of
 * --peers are senders; there may be more. */
static double part_by_senders(const struct settings *s)
{
	double sockets = (double)sockets_of(s);
	double part = s->peers ? 1 / sockets + 3 / sqrt(sockets * (double)s->peers) : 1;
	return part < 1 ? part : 1;
}

/* What all of them hold without loss, of which each holds so much, if many senders have the load.
 */
static int64_t spread(const struct settings *s, int64_t each)
{
	return (int64_t)subject_spread((uint64_t)each, sockets_of(s));
}

/* Of the fewest senders that there may be. */
static int64_t spread_at_least(const struct settings *s, int64_t each)
{
	int64_t few = (int64_t)((double)each / part_by_senders(s)), all = spread(s, each);
	return may_have_few_senders(s) && few < all ? few : all;
}

/* What each has to hold so that all hold `enough`. */
static int64_t part_of(const struct settings *s, int64_t enough)
{
	int64_t few = (int64_t)ceil((double)enough * part_by_senders(s)),
		part = (int64_t)subject_part((uint64_t)enough, sockets_of(s));
	return may_have_few_senders(s) && few > part ? few : part;
}

/* Of a socket that asks for no buffer: it has the kernel's default. */
#define NOTHING 0

/* Whether the socket has the present default, or a kernel's, which it had when it was made. */
static bool asks_for_nothing(const struct listener *socket, int64_t by_default)
{
	return by_default != REPORT_NONE &&
	       (socket->limit == by_default || sysctl_is_own(RMEM_DEFAULT, 0, socket->limit));
}

/* Whether the kernel may have the socket: no process has it, or none is visible that has one of
 * VXLAN, GENEVE, flannel, WireGuard or Cilium. What waits in it, or did not fit, shows that it has
 * a queue. */
static bool may_be_a_tunnels(const struct settings *s, const struct listener *socket)
{
	static const uint16_t ports[] = {4789, 6081, 8472, 51820, 51871};
	if (socket->depth || socket->drops || s->subject->pid || s->subject->activated)
		return false;
	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++)
		if (socket->port == ports[i])
			return true;
	return s->subject->listeners.unheld;
}

/* What the application asks for: the kernel keeps twice that. */
static void udp_read(const struct host *h, struct settings *s)
{
	CLEAN(nics_freep) struct nics nics = {0}, all = {0};
	s->taken.page =
		nics_read(h, NIC_REAL, &nics, NULL) || nics_take_page(&nics, s->machine.kernel);
	const struct listener *socket = socket_of(s);
	s->taken.tunnel = socket && may_be_a_tunnels(s, socket) &&
			  !nics_read(h, NIC_STATISTICS, &all, NULL) && nics_tunnel_udp(&all);
	bool nothing = socket && asks_for_nothing(socket, s->at[DEFAULT][0]);
	s->at[ASKED][0] = !socket ? INT32_MAX : nothing ? NOTHING : socket->limit / 2;
	s->taken.outdated = nothing && socket->limit != s->at[DEFAULT][0];
	report_text(s->text[ASKED], "%" PRId64, s->at[ASKED][0]);
	s->at[USED][0] = s->machine.udp_pages;
}

static int64_t truesize(const struct target *t, const struct settings *s)
{
	return (int64_t)(s->taken.datagram_bytes ? s->taken.datagram_bytes
						 : datagram_truesize(t->datagram_bytes));
}

/* Where a network card receives it; no other wire leads to a socket on loopback. */
static int64_t card_truesize(const struct target *t, const struct settings *s)
{
	int64_t each = truesize(t, s),
		card = (int64_t)datagram_card_truesize(t->datagram_bytes, s->taken.page);
	const struct listener *socket = socket_of(s);
	return card < each || (socket && listener_on_loopback(socket)) ? each : card;
}

/* Whether the running socket has what rmem_default was when it was made. */
static bool by_default(const struct settings *s)
{
	return socket_of(s) && s->at[ASKED][0] == NOTHING;
}

/* What net.core.rmem_max most likely granted when the running socket was made, a kernel's default,
 * of more that the application asked for: it has been raised since. 0: it has not. */
static int64_t granted_then(const struct settings *s)
{
	int64_t asked = s->at[ASKED][0];
	bool raised = asked < s->at[MAX][0] && sysctl_is_own(RMEM_MAX, 0, asked);
	return socket_of(s) && !by_default(s) && raised ? asked : 0;
}

/* The receive buffer of a socket that asks for one, or of the running one; REPORT_NONE: unknown. */
static int64_t buffer_of(const struct settings *s)
{
	int64_t max = s->at[MAX][0], asked = s->at[ASKED][0];
	const struct listener *socket = socket_of(s);
	/* What it has since its start may be more than the kernel grants now, or less. */
	if (socket && (s->taken.outdated || asked == socket->limit / 2))
		return socket->limit;
	if (by_default(s))
		return s->at[DEFAULT][0];
	if (max == REPORT_NONE)
		return REPORT_NONE;
	int64_t granted = asked < max ? asked : max;
	return 2 * (granted < ASKED_MAX ? granted : ASKED_MAX);
}

/* What waits in the running socket. */
static int64_t waiting(const struct settings *s)
{
	const struct listener *socket = socket_of(s);
	return socket ? socket->depth : 0;
}

/* Whether the running socket has no room: its server does not read, or not fast enough, and no
 * buffer helps. */
static bool is_full(const struct settings *s)
{
	const struct listener *socket = socket_of(s);
	return socket && udp_queue_full(socket);
}

/* What is left of its buffer. */
static int64_t room_of(const struct settings *s)
{
	int64_t buffer = buffer_of(s);
	return buffer == REPORT_NONE ? REPORT_NONE : buffer > waiting(s) ? buffer - waiting(s) : 0;
}

/* Where the size of a page is unknown: none is smaller. */
#define PAGE_MIN 4096

static int64_t page_of(const struct settings *s)
{
	return s->machine.page_bytes ? (int64_t)s->machine.page_bytes : PAGE_MIN;
}

static int64_t memory_used(const struct settings *s)
{
	int64_t quantum = machine_quantum(&s->machine), bytes;
	if (__builtin_mul_overflow(s->at[USED][0] > 0 ? s->at[USED][0] : 0,
				   quantum ? quantum : PAGE_MIN, &bytes))
		return INT64_MAX;
	return bytes;
}

/* What the control group of the server leaves: it is charged for the buffers of the sockets that it
 * made, before udp_mem is (net/core/sock.c, __sk_mem_raise_allocated()). Beyond the limit the
 * kernel drops, and since Linux 6.1 the server is killed. INT64_MAX: no limit, or none that counts:
 * a socket that systemd made is charged to that. */
static int64_t group_left(const struct settings *s)
{
	if (!s->subject || s->guest || s->subject->activated)
		return INT64_MAX;
	return s->machine.sockets_charged ? s->machine.group_left : s->machine.sockets_left;
}

/* What net.ipv4.udp_mem leaves to all UDP sockets, in bytes, at least; INT64_MAX where it is not
 * visible. Its first field is the limit: UDP has no memory pressure, so that the kernel grants more
 * only up to udp_rmem_min of each socket (net/core/sock.c, __sk_mem_raise_allocated()). */
static int64_t pages_left(const struct settings *s)
{
	int64_t bytes, used = memory_used(s);
	if (s->at[MEMORY][0] == REPORT_NONE ||
	    __builtin_mul_overflow(s->at[MEMORY][0], page_of(s), &bytes))
		return INT64_MAX;
	return bytes > used ? bytes - used : 0;
}

static int64_t memory_left(const struct settings *s)
{
	int64_t pages = pages_left(s), group = group_left(s);
	return group < pages ? group : pages;
}

static bool group_binds(const struct settings *s)
{
	return group_left(s) < INT64_MAX && group_left(s) <= pages_left(s);
}

/* What the socket holds of datagrams that take so much. */
static int64_t holds(const struct settings *s, int64_t each)
{
	int64_t buffer = spread(s, room_of(s) / each);
	bool known = s->machine.page_bytes || group_binds(s);
	int64_t memory = known ? memory_left(s) / each : buffer;
	return memory < buffer ? memory : buffer;
}

/* Bytes of the buffer that holds so many datagrams beside what waits; INT64_MAX: none does. */
static int64_t buffer_for(const struct target *t, const struct settings *s, int64_t enough)
{
	int64_t buffer;
	if (__builtin_mul_overflow(part_of(s, enough), card_truesize(t, s), &buffer) ||
	    buffer > INT32_MAX - 1 - waiting(s))
		return INT64_MAX;
	return buffer + waiting(s);
}

/* Whether the running socket would suffice if it were made now. */
static bool restart_suffices(const struct target *t, const struct settings *s)
{
	int64_t enough = (int64_t)report_margin(target_datagrams(t)), bytes;
	return s->taken.outdated && !is_full(s) && buffer_for(t, s, enough) <= s->at[DEFAULT][0] &&
	       !__builtin_mul_overflow(enough, card_truesize(t, s), &bytes) &&
	       bytes <= memory_left(s);
}

/* Finds out whether it suffices for few senders, too, for datagrams from a card, and for a socket
 * that asks for no buffer. */
static void udp_lower_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	int64_t each = card_truesize(t, s), needed = (int64_t)target_datagrams(t);
	bool suffices = report_verdict(b->capacity, needed) == VERDICT_OK;
	int64_t few = spread_at_least(s, room_of(s) / each);
	if (suffices && may_have_few_senders(s) && report_verdict(few, needed) != VERDICT_OK) {
		b->part.capacity = few;
		b->part.problem = "flows";
		b->part.margin = true;
		return;
	}
	if (suffices && report_verdict(holds(s, each), needed) != VERDICT_OK) {
		b->part.capacity = holds(s, each);
		b->part.problem = "card";
		b->part.margin = true;
		return;
	}
	if (socket_of(s) || s->at[DEFAULT][0] == REPORT_NONE || s->at[DEFAULT][0] >= room_of(s))
		return;
	b->part.capacity = s->at[DEFAULT][0] / each;
	b->part.problem = "default";
	if (b->part.capacity < needed && suffices)
		b->binding = DEFAULT;
}

/* Of a socket that no process is known to have. */
static void unheld_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	const struct listener *socket = socket_of(s);
	if (s->taken.tunnel) {
		b->state = BOUND_ABSENT;
		b->why = "The socket is that of a tunnel (WireGuard, VXLAN, GENEVE): the kernel "
			 "takes its datagrams at once, without the receive buffer.";
	} else if (subject_is_unheld(s->subject) && !socket->depth && !socket->drops &&
		   t->datagrams_per_s) {
		b->state = BOUND_MISSING;
		b->why = "No process has the socket: a tunnel of the kernel takes its datagrams "
			 "at once, but a server that uses io_uring has a receive buffer. Which of "
			 "them it is is not known.";
	}
}

/* What is not known of the sockets of a running server. */
static void subject_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	const struct subject *subject = s->subject;
	if (subject->cut >> LISTENER_UDP & 1)
		b->unread = SUBJECT_CUT;
	else if (subject->ownerless)
		b->state = BOUND_UNKNOWN;
	/* What it would ask for is not known. */
	else if (subject->listeners.unlisted >> LISTENER_UDP & 1)
		b->unread = "The UDP sockets of the server (udp_diag)";
	/* A server without the socket that the target needs is not ready for it. */
	else if (!socket_of(s))
		b->state = t->datagrams_per_s ? BOUND_MISSING : BOUND_ABSENT;
	else
		unheld_bound(t, s, b);
}

/* Whether the server gets datagrams only, and how many the target does not say. */
static bool is_load_unknown(const struct target *t, const struct settings *s)
{
	return !t->datagrams_per_s && subject_is_datagrams(s->subject);
}

/* One at least arrives, and at most what all sockets of the network namespace were seen to get: of
 * a size that is not known, so that they have to fit as those of a card do. A buffer that is full
 * suffices for nothing. */
static void unknown_load_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	struct target all = *t;
	all.datagrams_per_s = s->datagrams_most;
	int64_t most = (int64_t)target_datagrams(&all);
	if (!is_load_unknown(t, s) || b->capacity == REPORT_NONE || !b->capacity)
		return;
	bool fits = most && report_verdict(holds(s, card_truesize(t, s)), most) == VERDICT_OK;
	b->need.min = 1;
	b->need.max = fits ? most : INT64_MAX;
	b->need.unsure = true;
}

/* The kernel grants at most rmem_max and keeps twice that; a socket that asks for none gets
 * rmem_default as it is (net/core/sock.c, __sock_set_rcvbuf(), sock_init_data_uid()). */
static void udp_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	int64_t buffer = room_of(s), each = truesize(t, s);
	bool assumed = !s->taken.datagram_bytes;
	b->origin = socket_of(s) ? OF_RUNNING : assumed ? OF_ASSUMPTION : OF_SETTINGS;
	b->unread =
		s->at[USED][0] < 0 && s->at[MEMORY][0] != REPORT_NONE ? "/proc/net/sockstat" : NULL;
	if (s->subject)
		subject_bound(t, s, b);
	b->fallback.knob = s->at[MEMORY][0] == REPORT_NONE                     ? "net.ipv4.udp_mem"
			   : s->at[DEFAULT][0] == REPORT_NONE && !socket_of(s) ? RMEM_DEFAULT
									       : NULL;
	b->binding = is_full(s) || restart_suffices(t, s) ? -1
		     : by_default(s)                      ? DEFAULT
		     : s->at[ASKED][0] < s->at[MAX][0]    ? ASKED
							  : MAX;
	if (buffer == REPORT_NONE || b->state != BOUND_LIMIT)
		return;
	b->capacity = spread(s, buffer / each);
	if (memory_left(s) / each < b->capacity) {
		if (group_binds(s)) {
			b->capacity = memory_left(s) / each;
			b->binding = -1;
			b->remedy = REMEDY_CONTAINER;
		} else if (s->machine.page_bytes) {
			b->capacity = memory_left(s) / each;
			b->binding = MEMORY;
		} else {
			b->unread = "The size of a page";
		}
	}
	udp_lower_bound(t, s, b);
	unknown_load_bound(t, s, b);
}

static bool udp_solve(const struct target *t, const struct settings *now, const struct outcome *o,
		      int64_t enough, struct settings *out)
{
	int64_t bytes, buffer = buffer_for(t, now, enough);
	if (is_full(now) || buffer == INT64_MAX ||
	    __builtin_mul_overflow(enough, card_truesize(t, now), &bytes))
		return false;
	out->taken.outdated = false; /* it takes a new socket */
	for (int i = MAX; i <= ASKED && !by_default(now); i++)
		if (now->at[i][0] < (buffer + 1) / 2)
			out->at[i][0] = (buffer + 1) / 2;
	if (by_default(now) && now->at[DEFAULT][0] < buffer)
		out->at[DEFAULT][0] = buffer;
	if (bytes <= memory_left(now))
		return true;
	if (!now->machine.page_bytes || memory_used(now) > INT64_MAX - bytes ||
	    bytes > group_left(now))
		return false;
	int64_t pages = (memory_used(now) + bytes) / page_of(now) + 1;
	for (int i = 0; i < 3; i++)
		if (out->at[MEMORY][i] < pages)
			out->at[MEMORY][i] = pages;
	return true;
}

static bool udp_scale(const struct target *t, const struct settings *now, struct settings *s,
		      unsigned percent)
{
	bool scaled = false;
	for (int i = MAX; i <= DEFAULT; i++) {
		if (s->at[i][0] == now->at[i][0])
			continue;
		s->at[i][0] = s->at[i][0] * percent / 100;
		scaled = true;
	}
	return scaled;
}

static void count_word(struct wording *w, const char *name, int64_t count, const char *unit)
{
	wording_set(w, name, "%s%s", count < 0 ? "" : quantity_count((uint64_t)count).text,
		    count < 0 ? "" : unit);
}

/* What the application has to ask for. */
static int64_t wanted(const struct target *t, const struct settings *s)
{
	int64_t bytes;
	int64_t part = part_of(s, (int64_t)report_margin(target_datagrams(t)));
	if (__builtin_mul_overflow(part, card_truesize(t, s), &bytes))
		return INT64_MAX;
	return knob_round(knob_find("SO_RCVBUF"), bytes / 2 + 1);
}

static void card_words(const struct target *t, const struct settings *s, struct wording *w)
{
	int64_t card = card_truesize(t, s), buffer = buffer_of(s);
	bool more = card > truesize(t, s) && buffer != REPORT_NONE;
	count_word(w, "card", more ? card : -1, " B");
	wording_flag(w, "page", more && s->taken.page);
	count_word(w, "card_holds", more ? holds(s, card) : -1, "");
	wording_flag(w, "enough", more && holds(s, card) >= (int64_t)target_datagrams(t));
}

static void udp_words(const struct target *t, const struct settings *s, const struct outcome *o,
		      const struct bound *b, struct wording *w)
{
	const struct listener *socket = socket_of(s);
	int64_t each = truesize(t, s);
	char name[192] = "";
	if (socket)
		listener_name(&s->subject->listeners, socket, name, sizeof(name));
	wording_set(w, "socket", "%s", name);
	wording_flag(w, "ownerless", s->subject && s->subject->ownerless);
	wording_flag(w, "activated", s->subject && s->subject->activated);
	wording_set(w, "sockets", "%s",
		    sockets_of(s) > 1 ? quantity_count(sockets_of(s)).text : "");
	count_word(w, "few", may_have_few_senders(s) ? spread_at_least(s, room_of(s) / each) : -1,
		   "");
	wording_flag(w, "margin", b->part.capacity >= (int64_t)target_datagrams(t));
	count_word(w, "senders", s->peers ? (int64_t)s->peers : -1, "");
	wording_set(w, "wanted", "%s", quantity_plain((uint64_t)wanted(t, s)).text);
	wording_flag(w, "measured", s->taken.datagram_bytes);
	wording_flag(w, "memory", b->binding == MEMORY);
	bool group = b->remedy == REMEDY_CONTAINER;
	wording_set(w, "group", "%s",
		    !group                       ? ""
		    : s->machine.sockets_charged ? s->machine.memory_group
						 : s->machine.sockets_group);
	wording_flag(w, "killed",
		     group && s->machine.sockets_charged && s->machine.kernel >= KERNEL(6, 1));
	wording_flag(w, "capped", socket && s->at[ASKED][0] == s->at[MAX][0]);
	wording_set(w, "then", "%s",
		    granted_then(s) ? quantity_plain((uint64_t)granted_then(s)).text : "");
	wording_flag(w, "unasked", by_default(s));
	wording_flag(w, "outdated", s->taken.outdated);
	wording_flag(w, "restart", restart_suffices(t, s));
	wording_flag(w, "granted", wanted(t, s) <= s->at[MAX][0]);
	count_word(w, "size", (int64_t)t->datagram_bytes, " B");
	count_word(w, "each", each, " B");
	count_word(w, "buffer", buffer_of(s), " B");
	count_word(w, "waits", waiting(s) ? waiting(s) : -1, " B");
	wording_set(w, "waiting", "%s",
		    waiting(s) ? quantity_show(QUANTITY_SIZE, (uint64_t)waiting(s)).text : "");
	wording_set(w, "size_of", "%s",
		    socket ? quantity_show(QUANTITY_SIZE, socket->limit).text : "");
	wording_flag(w, "full", is_full(s));
	count_word(w, "left", memory_left(s) == INT64_MAX ? -1 : memory_left(s), " B");
	count_word(w, "default", s->at[DEFAULT][0], " B");
	count_word(w, "held", s->at[DEFAULT][0] < 0 ? -1 : s->at[DEFAULT][0] / card_truesize(t, s),
		   "");
	card_words(t, s, w);
	wording_flag(w, "load", !is_load_unknown(t, s));
	count_word(w, "most", s->datagrams_most ? (int64_t)s->datagrams_most : -1, "");
	count_word(w, "drops", socket && socket->drops ? (int64_t)socket->drops : -1, "");
}

static struct cost udp_cost(const struct target *t, const struct settings *s, const struct bound *b)
{
	return (struct cost){.bytes_per_s = t->datagrams_per_s < DATAGRAMS_MAX
						    ? t->datagrams_per_s * t->datagram_bytes
						    : UINT64_MAX};
}

/* Why the experiment is not run; NULL: it is. */
static const char *udp_refuses(const struct trial *t, const struct settings *s, int64_t buffer)
{
	int64_t bytes = (int64_t)t->needed * truesize(t->target, s);
	if (is_full(s))
		return "the receive buffer of the running socket is full";
	if (sockets_of(s) > 1)
		return UNTESTABLE_GROUP;
	if (t->needed > DATAGRAMS_MAX)
		return "the experiment sends at most 200 000 datagrams";
	if (bytes > buffer)
		bytes = buffer;
	if ((uint64_t)bytes > machine_share((uint64_t)pages_left(s)))
		return "the experiment would use too much of net.ipv4.udp_mem";
	if ((uint64_t)bytes > machine_share(s->machine.room_bytes))
		return "the experiment would use too much of the available memory";
	return NULL;
}

static void udp_outcome(const struct datagrams_result *r, const struct trial_counters *c,
			struct settings *s, struct outcome *out)
{
	int64_t errors = trial_counters_growth(c, COUNTER_UDP_FULL),
		errors6 = trial_counters_growth(c, COUNTER_UDP6_FULL);
	if (r->received + r->dropped != r->sent || !r->received) {
		outcome_inconclusive(out, "%s of %s datagrams did not reach the socket",
				     quantity_count(r->sent - r->received - r->dropped).text,
				     quantity_count(r->sent).text);
		return;
	}
	s->taken.datagram_bytes = r->held / r->received;
	out->reached = (int64_t)r->received;
	out->limit_met = r->dropped;
	out->measured = true;
	out->metric[DROPPED] = (double)r->dropped;
	out->metric[RECEIVED] = (double)r->received;
	out->metric[GRANTED] = (double)r->buffer;
	out->metric[EACH] = (double)s->taken.datagram_bytes;
	if (errors >= 0)
		out->metric[BY_KERNEL] = (double)(errors + (errors6 > 0 ? errors6 : 0));
}

static int udp_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	int64_t buffer = room_of(s);
	const char *why = udp_refuses(t, s, buffer);
	uint64_t stall = t->target->stall_us;
	const struct datagrams_config config = {
		.count = t->needed,
		.bytes = t->target->datagram_bytes,
		.spread_us = stall < SPREAD_MAX_US ? stall : SPREAD_MAX_US,
		.buffer = buffer < INT32_MAX ? (uint64_t)buffer : INT32_MAX,
	};
	struct datagrams_result result = {0};
	CLEAN(trial_counters_free) struct trial_counters counters = {0};
	if (!t->needed || !t->target->datagrams_per_s)
		outcome_unneeded(out, "");
	else if (why)
		outcome_unsupported(out, "%s", why);
	if (out->state != OUTCOME_CONCLUSIVE)
		return 0;
	trial_progress(t, "%s datagrams during a stall", quantity_count(t->needed).text);
	int rc = trial_counters_begin(t, LAB_SERVER, &counters, e);
	if (!rc)
		rc = datagrams_run(t->lab, &config, &result, e);
	if (rc == -EPERM) {
		outcome_unsupported(out, "%s", e->text);
		return err_recode(e, 0);
	}
	if (!rc)
		rc = trial_counters_end(t, &counters, e);
	if (!rc)
		udp_outcome(&result, &counters, s, out);
	return rc;
}

static void udp_describe(const struct trial *t, const struct outcome *o, char *text, size_t size)
{
	const struct target *target = t->target;
	const struct quantity_shown needed = quantity_count(t->needed),
				    dropped = quantity_count((uint64_t)o->metric[DROPPED]);
	if (t->proof)
		report_text_into(text, size, "%s of %s dropped", dropped.text, needed.text);
	else if (o->limit_met)
		report_text_into(
			text, size,
			"While the server stalled for %s, %s of %s B arrived: %s dropped. "
			"On the lab's wire one takes %s B of the receive buffer; a card's driver "
			"may take more.",
			quantity_show(QUANTITY_DURATION, target->stall_us).text,
			quantity_of(t->needed, "datagram").text,
			quantity_count(target->datagram_bytes).text, dropped.text,
			quantity_count((uint64_t)o->metric[EACH]).text);
}

static const struct experiment experiments[] = {
	{
		.wall = "udp.receive",
		.knobs = {RMEM_MAX, "SO_RCVBUF", RMEM_DEFAULT, "net.ipv4.udp_mem",
			  "UDP mem of /proc/net/sockstat"},
		.emulates = true,
		.metrics = {[DROPPED] = {"dropped by the socket", "datagrams"},
			    [BY_KERNEL] = {"UdpRcvbufErrors", "datagrams"},
			    [RECEIVED] = {"received", "datagrams"},
			    [GRANTED] = {"room in the receive buffer", "B"},
			    [EACH] = {"of it for a datagram", "B"}},
		.applies = udp_applies,
		.read = udp_read,
		.bound = udp_bound,
		.solve = udp_solve,
		.scale = udp_scale,
		.words = udp_words,
		.cost = udp_cost,
		.run = udp_run,
		.describe = udp_describe,
	},
	{0},
};

const struct probe probe_udp = {
	.name = "udp",
	.summary = "datagrams arrive while a UDP server stalls: how many its socket holds",
	.experiments = experiments,
};
