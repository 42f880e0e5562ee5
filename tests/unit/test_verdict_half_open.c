/* What probe listeners makes of half-open connections: SYN cookies, SYNs that are dropped, filters.
 */
#include "looks.h"

#include <string.h>

/* Stray FIN and RST count as drops of a listener that is well. */
static void strays(struct looks *m)
{
	m->at[1][0].drops = 500;
	counter_set(m, COUNTER_LISTEN_OVERFLOWS, 1, 1);
}

/* What it had dropped at the start, in the middle and at the end of the window. */
static void drops(struct looks *m, uint32_t start, uint32_t middle, uint32_t end)
{
	m->at[0][0].drops = start;
	m->at[1][0].drops = end;
	m->seen[m->after.queues.seen_count++] =
		(struct queue_seen){.cookie = 100, .dropped = middle};
}

/* A filter on the socket drops what clients send. */
static void filters(struct looks *m)
{
	drops(m, 0, 110, 220);
	m->after.queues.listeners.counted = true;
	counter_set(m, "Tcp.PassiveOpens", 100, 110);
	counter_set(m, "Tcp.InSegs", 5000, 5290);
}

static void filters_by_key(struct looks *m)
{
	filters(m);
	counter_set(m, "TcpExt.TCPMD5NotFound", 0, 215);
}

/* The count wraps. */
static void filters_at_the_end_of_the_count(struct looks *m)
{
	filters(m);
	m->at[0][0].drops = UINT32_MAX - 149;
	m->seen[0].dropped = UINT32_MAX - 49;
	m->at[1][0].drops = 70;
}

static void filters_unlooked(struct looks *m)
{
	filters(m);
	m->after.queues.ticks = 1;
}

/* A client ends a download: its kernel answers each segment that is on its way. */
static void aborts_late(struct looks *m)
{
	filters(m);
	m->seen[0].dropped = 3;
	counter_set(m, "Tcp.EstabResets", 0, 1);
}

static void aborts_early(struct looks *m)
{
	aborts_late(m);
	m->seen[0].dropped = 217;
}

/* Clients do so all the time. */
static void aborts_throughout(struct looks *m)
{
	filters(m);
	counter_set(m, "Tcp.EstabResets", 0, 4);
	counter_set(m, "Tcp.OutSegs", 9000, 9220);
}

static void filters_beside_an_abort(struct looks *m)
{
	filters(m);
	counter_set(m, "Tcp.EstabResets", 0, 1);
	counter_set(m, "Tcp.OutSegs", 9000, 9219);
}

static void filters_some(struct looks *m)
{
	filters(m);
	m->at[1][0].drops = 10;
	m->seen[0].dropped = 5;
}

static void filters_few(struct looks *m)
{
	drops(m, 0, 2, 4);
	m->after.queues.listeners.counted = true;
	counter_set(m, "Tcp.PassiveOpens", 100, 100);
	counter_set(m, "Tcp.InSegs", 5000, 5004);
}

static void filters_of_many(struct looks *m)
{
	filters(m);
	m->after.queues.counters.at[1].value = 7210;
}

/* Their clients have closed, and answer each segment. */
static void resets(struct looks *m)
{
	filters(m);
	counter_set(m, "Tcp.EstabResets", 0, 22);
}

/* Their clients do not get its answers. */
static void answers_are_lost(struct looks *m)
{
	filters(m);
	m->at[1][0].half_open = 22;
}

static void half_open_uncounted(struct looks *m)
{
	filters(m);
	m->after.queues.listeners.counted = false;
}

static void defers(struct looks *m)
{
	filters(m);
	counter_set(m, "TcpExt.TCPDeferAcceptDrop", 0, 216);
}

static void answers_with_cookies(struct looks *m)
{
	filters(m);
	counter_set(m, "TcpExt.SyncookiesSent", 0, 220);
}

static void cookies_since_boot(struct looks *m)
{
	cookies_once(m);
	m->after.queues.first_netns = true;
	m->after.queues.uptime_s = 86400 * 12;
}

/* Another one has half-open connections, as many as any has. */
static void cookies_between_the_looks(struct looks *m)
{
	cookies_now(m);
	counter_set(m, "TcpExt.TCPDeferAcceptDrop", 11, 11);
	m->at[1][0].half_open = 1;
	m->at[1][1].half_open = 0;
}

/* TCP_DEFER_ACCEPT keeps handshakes without data half open. */
static void cookies_by_defer_accept(struct looks *m)
{
	cookies_now(m);
	counter_set(m, "TcpExt.TCPDeferAcceptDrop", 11, 11);
}

/* net.ipv4.tcp_syncookies=2 answers every SYN with one. */
static void cookies_always(struct looks *m)
{
	counter_set(m, COUNTER_SYN_COOKIES, 100, 350);
	m->after.queues.cookies = 2;
}

/* Without cookies the kernel drops the SYNs of new clients beyond three quarters: 49 of 64. */
static void syns_drop(struct looks *m)
{
	m->after.queues.cookies = 0;
	m->after.queues.max_syn = 64;
	m->at[1][0].half_open = 49;
	m->at[1][0].drops = 23;
	counter_set(m, COUNTER_LISTEN_OVERFLOWS, 7, 7);
	counter_set(m, "TcpExt.ListenDrops", 7, 30);
}

/* One handshake has just ended. */
static void syns_drop_with_room(struct looks *m)
{
	syns_drop(m);
	m->at[1][0].half_open = 48;
}

static void syns_drop_at_the_backlog(struct looks *m)
{
	syns_drop(m);
	m->after.queues.max_syn = 4096;
	m->at[1][1].half_open = 128;
	m->at[1][0].drops = 0;
	m->at[1][1].drops = 23;
}

/* A scanner keeps the queue of one full that drops none: another one does, which has room now. */
static void syns_drop_beside_a_full_one(struct looks *m)
{
	syns_drop(m);
	m->at[1][0].half_open = 40;
	m->at[0][1].limit = m->at[1][1].limit = 1;
	m->at[1][1].half_open = 2;
}

static void syns_drop_beside_one_that_drops(struct looks *m)
{
	syns_drop_beside_a_full_one(m);
	m->at[1][1].drops = 5;
	m->at[1][0].drops = 18;
}

/* Both others dropped more than that. */
static void syns_drop_unnamed_beside_a_full_one(struct looks *m)
{
	syns_drop_beside_a_full_one(m);
	listener_make(m, 2, LISTENER_TCP, "0.0.0.0:80", 511);
	m->at[1][2].drops = 25;
}

/* What was dropped met a full accept queue. */
static void syns_overflow(struct looks *m)
{
	syns_drop(m);
	m->after.queues.counters.at[0].value = 30;
}

static void syns_fit(struct looks *m)
{
	syns_drop(m);
	m->at[1][0].half_open = 40;
	m->at[1][0].drops = 0;
}

static void syns_get_cookies(struct looks *m)
{
	syns_drop(m);
	m->after.queues.cookies = 1;
}

/* Bursts of SYNs between the looks: the listener's drops are those of ListenDrops. */
static void syns_lost(struct looks *m)
{
	syns_drop(m);
	m->at[1][0].half_open = 0;
	m->at[0][0].drops = UINT32_MAX - 9; /* wraps */
	m->at[1][0].drops = 13;
}

static void syns_lost_by_the_subject(struct looks *m)
{
	syns_lost(m);
	subject_make(m);
}

/* Of several sockets of an address. */
static void syns_lost_by_two_sockets(struct looks *m)
{
	syns_lost(m);
	listener_make(m, 1, LISTENER_TCP, "0.0.0.0:443", 511);
	m->at[1][0].drops = 1;
	m->at[1][1].drops = 12;
}

static void syns_lost_by_either(struct looks *m)
{
	syns_lost(m);
	m->at[1][1].drops = 20;
}

static void syns_lost_by_the_subject_or_not(struct looks *m)
{
	syns_lost_by_either(m);
	subject_make(m);
}

/* The backlog of both met bursts. */
static void syns_lost_by_both(struct looks *m)
{
	syns_lost_by_the_subject(m);
	m->at[1][0].drops = 1;
	m->at[1][1].drops = 12;
}

static void syns_drop_at_two(struct looks *m)
{
	syns_drop(m);
	m->at[1][0].drops = 10;
	m->at[1][1].half_open = 49;
	m->at[1][1].drops = 13;
}

static void syns_drop_by_defer_accept(struct looks *m)
{
	syns_drop(m);
	counter_set(m, "TcpExt.TCPDeferAcceptDrop", 11, 11);
}

/* The kernel counts these apart. */
static void syns_lost_at_the_backlog_by_either(struct looks *m)
{
	syns_lost_by_either(m);
	counter_set(m, "TcpExt.TCPReqQFullDrop", 0, 23);
}

/* ICMP errors end half-open connections, and some packets have no route back. */
static void half_open_end(struct looks *m)
{
	syns_lost_by_the_subject(m);
	counter_set(m, "Icmp.InDestUnreachs", 0, 12);
	counter_set(m, "Icmp6.InDestUnreachs", 100, 110);
	counter_set(m, "Ip.OutNoRoutes", 0, 1);
}

static void syns_lost_among_errors(struct looks *m)
{
	syns_lost_by_the_subject(m);
	counter_set(m, "Icmp.InDestUnreachs", 0, 12);
}

/* Those over loopback end none. */
static void syns_lost_beside_errors_of_loopback(struct looks *m)
{
	half_open_end(m);
	counter_set(m, "Icmp.OutDestUnreachs", 0, 12);
}

static void half_open_end_with_cookies(struct looks *m)
{
	syns_lost_by_the_subject(m);
	m->after.queues.cookies = 1;
}

/* Too short for any look, but counted. */
static void overflow_unseen(struct looks *m) { counter_set(m, COUNTER_LISTEN_OVERFLOWS, 5, 6); }

/* Of each listener that has dropped anything, also where no connection waits. */
static void drops_are_kept_in_the_middle_of_the_window(void **state)
{
	struct listener at[] = {
		{.kind = LISTENER_TCP, .cookie = 1, .drops = 7},
		{.kind = LISTENER_TCP, .cookie = 2},
		{.kind = LISTENER_TCP, .cookie = 3, .depth = 1},
	};
	const struct listeners now = {.count = 3, .at = at};
	struct accept_queues q = {0};
	struct err e = {0};
	uint32_t drops;
	assert_false(queue_dropped(&q, &at[0], &drops));
	for (int i = 0; i < OBSERVATION_TICKS; i++) {
		assert_int_equal(accept_queues_tick(&q, &now, &e), 0);
		at[0].drops += accept_queues_halved(&q) ? 100 : 1;
	}
	assert_true(queue_dropped(&q, &at[0], &drops));
	assert_int_equal(drops, 7 + (OBSERVATION_TICKS + 1) / 2 - 1);
	assert_true(queue_dropped(&q, &at[1], &drops));
	assert_int_equal(drops, 0);
	assert_int_equal(q.seen_count, 2);
	free(q.seen);
}

#define FILTERED "syn-queue.filtered warning"

static void half_open_connections_get_their_findings(void **state)
{
	static const struct look_findings rows[] = {
		{strays, "", ""},
		{filters, FILTERED, ""},
		{filters_by_key, FILTERED, ""},
		{filters_at_the_end_of_the_count, FILTERED, ""},
		{filters_unlooked, "", ""},
		{aborts_late, "", ""},
		{aborts_early, "", ""},
		{aborts_throughout, "", ""},
		{filters_beside_an_abort, FILTERED, ""},
		{filters_some, "", ""},
		{filters_few, "", ""},
		{filters_of_many, "", ""},
		{resets, "", ""},
		{answers_are_lost, "", ""},
		{half_open_uncounted, "", ""},
		{defers, "", ""},
		{answers_with_cookies, "", ""},
		{cookies_now, "syn-queue.cookies warning", "syn-queue.cookies note"},
		{cookies_between_the_looks, "syn-queue.cookies warning", "syn-queue.cookies note"},
		{cookies_always, "syn-queue.cookies note", "syn-queue.cookies note"},
		{cookies_once, "syn-queue.cookies note", "syn-queue.cookies note"},
		{syns_drop, "syn-queue.dropping critical", "syn-queue.dropping warning"},
		{syns_drop_with_room, "syn-queue.dropping critical", "syn-queue.dropping warning"},
		{syns_drop_at_the_backlog, "syn-queue.dropping critical",
		 "syn-queue.dropping warning"},
		{syns_drop_beside_a_full_one,
		 "syn-queue.dropping warning, syn-queue.dropping warning",
		 "syn-queue.dropping warning"},
		{syns_drop_beside_one_that_drops,
		 "syn-queue.dropping warning, syn-queue.dropping critical",
		 "syn-queue.dropping warning"},
		{syns_drop_unnamed_beside_a_full_one,
		 "syn-queue.dropping warning, counters.growing warning",
		 "syn-queue.dropping warning"},
		{syns_overflow, DROPPING ", syn-queue.dropping warning",
		 "syn-queue.dropping warning"},
		{syns_fit, "counters.growing warning", ""},
		{syns_get_cookies, "", ""},
		{syns_lost, "syn-queue.dropping warning", ""},
		{syns_lost_by_the_subject, "syn-queue.dropping critical", ""},
		{syns_lost_by_two_sockets, "syn-queue.dropping warning", ""},
		{syns_lost_by_either, "counters.growing warning", ""},
		{syns_lost_by_the_subject_or_not, "counters.growing critical", ""},
		{syns_lost_at_the_backlog_by_either, "counters.growing warning", ""},
		{syns_lost_by_both, "syn-queue.dropping critical, syn-queue.dropping warning", ""},
		{syns_drop_at_two, "syn-queue.dropping critical, syn-queue.dropping critical",
		 "syn-queue.dropping warning, syn-queue.dropping warning"},
		{half_open_end, "", ""},
		{half_open_end_with_cookies, "", ""},
		{syns_lost_beside_errors_of_loopback, "syn-queue.dropping critical", ""},
		{syns_lost_among_errors, "syn-queue.dropping critical", ""},
		{overflow_unseen, "counters.growing warning", ""},
	};
	looks_find(rows, sizeof(rows) / sizeof(*rows));
}

static void texts_name_the_server_of_half_open_connections(void **state)
{
	static const struct look_texts rows[] = {
		{cookies_once, 0,
		 "The kernel has answered 181 003 SYNs with cookies since this network namespace was "
		 "made, none during this check",
		 NULL, NULL},
		{cookies_since_boot, 0,
		 "The kernel has answered 181 003 SYNs with cookies since boot, 12 days ago, none during "
		 "this check",
		 NULL, NULL},
		{cookies_now, 0, "The kernel answers SYNs with cookies now: 250 in 500 ms",
		 "A listener's SYN queue was full. Cookies drop no SYN; they cost CPU and, "
		 "without timestamps, window scaling and SACK. The queue of [::]:22 is full: 129 "
		 "half-open connections; its backlog is 128.",
		 "Raise the backlog of that listener; net.ipv4.tcp_max_syn_backlog has no effect "
		 "while tcp_syncookies is on. Where no more clients come than usual, look for a SYN "
		 "flood."},
		{cookies_between_the_looks, 0, NULL,
		 "A listener's SYN queue was full. Cookies drop no SYN; they cost CPU and, "
		 "without timestamps, window scaling and SACK. No SYN queue is full now, so "
		 "that the listener is not known; the smallest backlog is 128, of [::]:22.",
		 "Raise the backlog of the listener that gets most new clients (ss -ltn: Send-Q is the "
		 "backlog); net.ipv4.tcp_max_syn_backlog has no effect "
		 "while tcp_syncookies is on. Where no more clients come than usual, look for a SYN "
		 "flood."},
		{cookies_by_defer_accept, 0, NULL,
		 "A listener's SYN queue was full. Cookies drop no SYN; they cost CPU and, "
		 "without timestamps, window scaling and SACK. The queue of [::]:22 is full: 129 "
		 "half-open connections; its backlog is 128. The kernel has counted 11 "
		 "TCPDeferAcceptDrop: with TCP_DEFER_ACCEPT handshakes stay half open until their "
		 "clients send data.",
		 "If it has TCP_DEFER_ACCEPT (deferred of nginx, defer-accept of HAProxy), remove "
		 "that. Raise the backlog of that listener; net.ipv4.tcp_max_syn_backlog has no "
		 "effect while tcp_syncookies is on. Where no more clients come than usual, look "
		 "for a SYN flood."},
		{cookies_always, 0,
		 "The kernel answers every SYN with a cookie, as net.ipv4.tcp_syncookies is 2",
		 "No SYN queue was full: with 2 none is used. Cookies drop no SYN; they cost CPU "
		 "and, without timestamps, window scaling and SACK.",
		 "That value is for tests: sysctl -w net.ipv4.tcp_syncookies=1 sends cookies only "
		 "where a SYN queue is full."},
		{syns_drop, 0,
		 "0.0.0.0:443: its SYN queue is full (49 of 49) and the kernel drops SYNs: 23 in "
		 "500 ms",
		 "net.ipv4.tcp_syncookies is 0: the kernel keeps the last quarter of "
		 "net.ipv4.tcp_max_syn_backlog (64) for clients that it knows from earlier, and "
		 "drops the SYNs of all others. Clients retransmit after 1 s or more.",
		 NULL},
		{syns_drop_beside_a_full_one, 0,
		 "0.0.0.0:443: its SYN queue was full between two samples (it holds 49) and the kernel "
		 "dropped SYNs: 23 in 500 ms",
		 NULL, NULL},
		{syns_drop_beside_a_full_one, 1,
		 "[::]:22: its SYN queue is full (2 of 2); none was dropped during this check",
		 NULL, NULL},
		{syns_drop_beside_one_that_drops, 1,
		 "[::]:22: its SYN queue is full (2 of 2) and the kernel drops SYNs: 5 in 500 ms",
		 NULL, NULL},
		{syns_lost, 0,
		 "0.0.0.0:443: its SYN queue was full between two samples (it holds 49) and the kernel "
		 "dropped SYNs: 23 in 500 ms",
		 NULL, NULL},
		{syns_lost_by_both, 0,
		 "0.0.0.0:443: its SYN queue was full between two samples (it holds 49) and the kernel "
		 "dropped SYNs: 11 in 500 ms",
		 NULL, NULL},
		{syns_drop_at_two, 1,
		 "0.0.0.0:443: its SYN queue is full (49 of 49) and the kernel drops SYNs: 10 in "
		 "500 ms",
		 NULL, NULL},
		{syns_drop_by_defer_accept, 0, NULL,
		 "net.ipv4.tcp_syncookies is 0: the kernel keeps the last quarter of "
		 "net.ipv4.tcp_max_syn_backlog (64) for clients that it knows from earlier, and "
		 "drops the SYNs of all others. Clients retransmit after 1 s or more. "
		 "The kernel has counted 11 TCPDeferAcceptDrop: with TCP_DEFER_ACCEPT handshakes "
		 "stay half open until their clients send data.",
		 NULL},
		{syns_lost_at_the_backlog_by_either, 0,
		 "The kernel counted 23 TCPReqQFullDrop in this network namespace in 500 ms", NULL,
		 NULL},
		{syns_lost_by_either, 0,
		 "The kernel counted 23 ListenDrops without ListenOverflows in this network "
		 "namespace in 500 ms",
		 NULL, NULL},
	};
	looks_say(rows, sizeof(rows) / sizeof(*rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(half_open_connections_get_their_findings),
		cmocka_unit_test(drops_are_kept_in_the_middle_of_the_window),
		cmocka_unit_test(texts_name_the_server_of_half_open_connections),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
