/* What probe counters makes of two readings: growth, totals, memory of TCP and orphans. */
#define probe_counters counters_under_test
#include "../../probes/counters.c"
#include "../support/support.h"
#include "../support/verdict.h"
#include "report/render.h"

#include <inttypes.h>
#include <regex.h>

#define WINDOW_S 0.5

struct looks {
	struct sample before, after;
	struct moment moment;
	struct target target;
	struct probe_options options;
};

static struct report report, earlier;

static void counter_set(struct looks *m, const char *name, int64_t before, int64_t after)
{
	struct sample *s[2] = {&m->before, &m->after};
	for (int i = 0; i < 2; i++) {
		struct host_counter *c = &s[i]->counters.at[s[i]->counters.count++];
		snprintf(c->name, sizeof(c->name), "%s", name);
		c->value = i ? after : before;
	}
}

static void healthy(struct looks *m)
{
	memset(m, 0, sizeof(*m));
	struct sample *s[2] = {&m->before, &m->after};
	for (int i = 0; i < 2; i++) {
		s[i]->max_orphans = 65536;
		s[i]->fin_timeout = 60;
		s[i]->cookies = 1;
		s[i]->memory_pressure = 57676;
		s[i]->memory_max = 86514;
		report_text(s[i]->tcp_mem, "43257 57676 86514");
		s[i]->page_bytes = s[i]->quantum = 4096;
		s[i]->uptime_s = 86400 * 12;
		s[i]->first_netns = true;
	}
	m->target = target_default();
	m->moment = (struct moment){
		.target = &m->target, .options = &m->options, .seconds = WINDOW_S, .live = true};
	counter_set(m, "sockstat.TCP.mem", 500, 500);
	counter_set(m, "sockstat.TCP.orphan", 3, 3);
}

static void memory_used(struct looks *m, int64_t pages_used)
{
	m->before.counters.at[0].value = m->after.counters.at[0].value = pages_used;
}
static void memory_over(struct looks *m) { memory_used(m, 87916); }
static void memory_full(struct looks *m) { memory_used(m, 86514); }
static void memory_pressed(struct looks *m) { memory_used(m, 57676); }
static void memory_calm(struct looks *m) { memory_used(m, 57675); }
/* Before 6.0 a machine with large pages counts memory by 4 KiB too. */
static void memory_large_pages(struct looks *m, int64_t quanta)
{
	memory_used(m, quanta);
	m->after.page_bytes = 65536;
	m->after.memory_pressure = 1945;
	m->after.memory_max = 2916;
}
static void memory_pages_few(struct looks *m) { memory_large_pages(m, 16 * 1945 - 1); }
static void memory_pages_many(struct looks *m) { memory_large_pages(m, 16 * 1945); }
static void memory_unknown(struct looks *m)
{
	memory_over(m);
	m->after.memory_pressure = m->after.memory_max = REPORT_NONE;
}

static void orphans_are(struct looks *m, int64_t now) { m->after.counters.at[1].value = now; }
static void orphans_over(struct looks *m) { orphans_are(m, 65738); }
static void orphans_full(struct looks *m) { orphans_are(m, 65536); }
static void orphans_left(struct looks *m) { orphans_are(m, 65535); }
static void orphans_near(struct looks *m) { orphans_are(m, 52429); }
static void orphans_far(struct looks *m) { orphans_are(m, 52428); }

static void prunes(struct looks *m) { counter_set(m, "TcpExt.RcvPruned", 9300, 9312); }
/* A slow reader: the kernel merges packets, or frees none. */
static void prunes_nothing(struct looks *m)
{
	counter_set(m, "TcpExt.PruneCalled", 9300, 9312);
	counter_set(m, "TcpExt.TCPRcvCollapsed", 100, 900);
}
static void time_wait_overflows(struct looks *m)
{
	counter_set(m, "TcpExt.TCPTimeWaitOverflow", 0, 7);
}
/* Probe listeners reports it. */
static void queue_overflows(struct looks *m) { counter_set(m, "TcpExt.ListenOverflows", 5, 6); }
static void syn_queue_overflows(struct looks *m) { counter_set(m, "TcpExt.TCPReqQFullDrop", 5, 6); }
static void cookies_sent(struct looks *m)
{
	counter_set(m, "TcpExt.TCPReqQFullDoCookies", 181003, 181100);
}

static void history(struct looks *m)
{
	counter_set(m, "TcpExt.ListenOverflows", 5729, 5729);
	counter_set(m, "TcpExt.TCPAbortOnMemory", 4021, 4021);
	counter_set(m, "TcpExt.RcvPruned", 9300, 9300);
	counter_set(m, "TcpExt.TCPTimeWaitOverflow", 27360, 27360);
	counter_set(m, "TcpExt.TCPRcvCollapsed", 997586, 997586);
}

static void nothing_counted(struct looks *m)
{
	counter_set(m, "TcpExt.ListenOverflows", 0, 0);
	counter_set(m, "TcpExt.RcvPruned", 0, 0);
}

/* An earlier report, two hours ago, with the total of a counter then. */
static void then(struct looks *m, const char *name, int64_t value)
{
	if (!m->options.since)
		report_init(&earlier);
	report_counter(&earlier, name, value);
	m->options.since = &earlier;
}

static void lost_since(struct looks *m)
{
	history(m);
	then(m, "TcpExt.ListenOverflows", 5729 - 1751);
	then(m, "TcpExt.RcvPruned", 9300 - 12);
	then(m, "TcpExt.TCPTimeWaitOverflow", 27360);
	then(m, "TcpExt.TCPRcvCollapsed", 1);
}

static void pruned_nothing_since(struct looks *m)
{
	prunes_nothing(m);
	then(m, "TcpExt.PruneCalled", 9300);
	then(m, "TcpExt.TCPRcvCollapsed", 100);
}

static void harmless_since(struct looks *m)
{
	cookies_sent(m);
	then(m, "TcpExt.TCPReqQFullDoCookies", 181000);
}

static void nothing_since(struct looks *m)
{
	history(m);
	then(m, "TcpExt.ListenOverflows", 5729);
	then(m, "TcpExt.RcvPruned", 9300);
}

static void reboot_since(struct looks *m)
{
	prunes(m);
	then(m, "TcpExt.RcvPruned", 100000);
	report_text(earlier.host.boot, "boot-1");
	report_text(m->before.identity.boot, "boot-2");
	report_text(m->after.identity.boot, "boot-2");
}

static void reboot_and_nothing_since(struct looks *m)
{
	nothing_counted(m);
	then(m, "TcpExt.RcvPruned", 100000);
}

static void same_boot(struct looks *m)
{
	report_text(earlier.host.boot, "boot-1");
	report_text(m->before.identity.boot, "boot-1");
	report_text(m->after.identity.boot, "boot-1");
}

/* Its module was loaded again. */
static void module_since(struct looks *m)
{
	prunes(m);
	counter_set(m, "nf_conntrack.drop", 7, 7);
	then(m, "TcpExt.RcvPruned", 9300);
	then(m, "nf_conntrack.drop", 5000);
	same_boot(m);
}

static void module_alone_since(struct looks *m)
{
	module_since(m);
	then(m, "TcpExt.RcvPruned", 9312);
}

static void all_since(struct looks *m)
{
	for (size_t i = 0; i < loss_row_count(); i++) {
		counter_set(m, loss_row_at(i)->counter, 100000, 100000);
		then(m, loss_row_at(i)->counter, 1);
	}
	earlier.host.isolation = ISOLATION_IN_PLACE;
}

/* Of so many packets since the report. */
static void lost_of(struct looks *m, const char *counter, int64_t lost, const char *all, int64_t of)
{
	counter_set(m, counter, 100 + lost, 100 + lost);
	then(m, counter, 100);
	counter_set(m, all, 3000 + of, 3000 + of);
	then(m, all, 3000);
}
static void pruned_one_since(struct looks *m)
{
	lost_of(m, "TcpExt.RcvPruned", 1, "Tcp.InSegs", 1000000000);
}
static void pruned_few_since(struct looks *m)
{
	lost_of(m, "TcpExt.OfoPruned", 9, "Tcp.InSegs", 9);
}
static void pruned_seldom_since(struct looks *m)
{
	lost_of(m, "TcpExt.TCPBacklogDrop", 9999, "Tcp.InSegs", 1000000000);
}
static void pruned_often_since(struct looks *m)
{
	lost_of(m, "TcpExt.RcvPruned", 20000, "Tcp.InSegs", 1000000000);
}
static void discards_since(struct looks *m)
{
	lost_of(m, "Ip.InDiscards", 1, "Ip.InReceives", 1000000000);
}
/* Of which the path has lost fragments. */
static void unassembled_since(struct looks *m)
{
	lost_of(m, "Ip.ReasmFails", 20000, "Ip.InReceives", 1000000000);
	counter_set(m, "Ip.ReasmTimeout", 19000, 19000);
	then(m, "Ip.ReasmTimeout", 0);
}
/* Each is a client's. */
static void time_wait_overflows_since(struct looks *m)
{
	lost_of(m, "TcpExt.TCPTimeWaitOverflow", 1, "Tcp.InSegs", 1000000000);
}
static void backlog_full_since(struct looks *m)
{
	lost_of(m, "softnet.dropped", 20000, "Ip.InReceives", 6000000);
}
static void backlog_full_seldom_since(struct looks *m)
{
	lost_of(m, "softnet.dropped", 59, "Ip.InReceives", 6000000);
}
static void backlog_full_of_both_since(struct looks *m)
{
	lost_of(m, "softnet.dropped", 100, "Ip.InReceives", 6000000);
	counter_set(m, "Ip6.InReceives", 5000000, 5000000);
	then(m, "Ip6.InReceives", 999999);
}
/* Probe nic reports both. */
static void backlog_full(struct looks *m) { counter_set(m, "softnet.dropped", 100, 20100); }
static void both_full_since(struct looks *m)
{
	backlog_full_since(m);
	counter_set(m, "TcpExt.TCPRcvQDrop", 500, 500);
	then(m, "TcpExt.TCPRcvQDrop", 0);
}

/* SYNs that met a full SYN queue after the report, where no cookie answers; some met a full accept
 * queue. */
static void syns_lost_since(struct looks *m)
{
	m->before.cookies = m->after.cookies = 0;
	counter_set(m, "TcpExt.ListenDrops", 2630, 2630);
	counter_set(m, "TcpExt.ListenOverflows", 10, 10);
	counter_set(m, "TcpExt.TCPReqQFullDrop", 5, 5);
	counter_set(m, "Icmp.InDestUnreachs", 700, 700);
	then(m, "TcpExt.ListenDrops", 15);
	then(m, "TcpExt.ListenOverflows", 10);
	then(m, "TcpExt.TCPReqQFullDrop", 5);
}

static void syns_lost_with_cookies(struct looks *m)
{
	syns_lost_since(m);
	m->before.cookies = m->after.cookies = 1;
}

/* With cookies those alone are no loss. */
static void half_open_ended_with_cookies(struct looks *m)
{
	counter_set(m, "TcpExt.ListenDrops", 20, 2630);
	counter_set(m, "TcpExt.ListenOverflows", 10, 10);
	counter_set(m, "Icmp.InDestUnreachs", 700, 3310);
}

/* Those over loopback, of datagrams to a closed port, end none. */
static void syns_lost_beside_errors_of_loopback(struct looks *m)
{
	half_open_ended_with_cookies(m);
	counter_set(m, "Icmp.OutDestUnreachs", 700, 3000);
}

static void syns_lost_since_beside_errors_of_loopback(struct looks *m)
{
	syns_lost_since(m);
	counter_set(m, "Icmp.OutTimeExcds", 2000, 2000);
	counter_set(m, "Icmp.InTimeExcds", 2000, 2000);
	then(m, "Icmp.InTimeExcds", 0);
	then(m, "Icmp.OutTimeExcds", 0);
}

/* A report of an earlier version has not what this host has sent. */
static void half_open_ended_since_with_errors_sent(struct looks *m)
{
	syns_lost_since(m);
	counter_set(m, "Icmp.OutTimeExcds", 2000, 2000);
	counter_set(m, "Icmp.InTimeExcds", 2000, 2000);
}

/* No route leads back to the client. */
static void unrouted(struct looks *m)
{
	counter_set(m, "TcpExt.ListenDrops", 20, 117);
	counter_set(m, "TcpExt.ListenOverflows", 10, 10);
	counter_set(m, "Icmp.InDestUnreachs", 700, 710);
	counter_set(m, "Ip.OutNoRoutes", 120, 207);
}
static void filtered(struct looks *m) { counter_set(m, "TcpExt.IPReversePathFilter", 131, 207); }
static void strays(struct looks *m, const char *counter, const char *all, int64_t of)
{
	counter_set(m, counter, 20, 27);
	counter_set(m, all, 3000, 3000 + of);
}
static void behind_nat(struct looks *m)
{
	strays(m, "TcpExt.PAWSTimewait", "Tcp.PassiveOpens", 21);
}
static void behind_nat_earlier(struct looks *m)
{
	strays(m, "TcpExt.PAWSEstab", "Tcp.InSegs", 599);
}
static void old_duplicates(struct looks *m) { strays(m, "TcpExt.PAWSEstab", "Tcp.InSegs", 600); }
static void packets_without_key(struct looks *m)
{
	strays(m, "TcpExt.TCPMD5NotFound", "Tcp.InSegs", 9);
}
/* Of which a few show nothing. */
static void foreign(struct looks *m, const char *counter, int64_t of)
{
	counter_set(m, counter, 20, 36);
	counter_set(m, "Ip.InReceives", 3000, 3000 + of);
}
static void packets_elsewhere(struct looks *m) { foreign(m, "Ip.InAddrErrors", 599); }
static void broadcasts_elsewhere(struct looks *m) { foreign(m, "Ip.InAddrErrors", 600); }
static void broadcasts_to_an_idle_host(struct looks *m)
{
	strays(m, "Ip.InAddrErrors", "Ip.InReceives", 9);
	strays(m, "IpExt.InNoRoutes", "Ip.InReceives", 9);
	strays(m, "TcpExt.IPReversePathFilter", "Ip.InReceives", 9);
}
/* One a second, for a minute. */
static void broadcasts_for_a_minute(struct looks *m)
{
	strays(m, "Ip.InAddrErrors", "Ip.InReceives", 70);
	counter_set(m, "Ip.InAddrErrors", 20, 80);
	m->moment.seconds = 60;
}
static void broadcasts_since(struct looks *m)
{
	counter_set(m, "Ip.InAddrErrors", 50, 50);
	counter_set(m, "Ip.InReceives", 30000, 30000);
	then(m, "Ip.InAddrErrors", 20);
	then(m, "Ip.InReceives", 29910);
}
static void no_way_on(struct looks *m) { foreign(m, "IpExt.InNoRoutes", 599); }
static void truncated(struct looks *m) { strays(m, "Ip6.InTruncatedPkts", "Ip6.InReceives", 599); }
static void headers_damaged(struct looks *m)
{
	strays(m, "IpExt.InCsumErrors", "Ip.InReceives", 599);
	counter_set(m, "Ip.InHdrErrors", 20, 27);
}
static void routes_loop(struct looks *m) { foreign(m, "Ip.InHdrErrors", 599); }
static void traceroutes(struct looks *m) { foreign(m, "Ip.InHdrErrors", 600); }
static void foreign6(struct looks *m, const char *counter, int64_t of)
{
	counter_set(m, counter, 20, 36);
	counter_set(m, "Ip6.InReceives", 3000, 3000 + of);
	counter_set(m, "Ip.InReceives", 0, 1000000);
}
static void packets_elsewhere6(struct looks *m) { foreign6(m, "Ip6.InAddrErrors", 599); }
static void packets_elsewhere6_few(struct looks *m) { foreign6(m, "Ip6.InAddrErrors", 600); }
static void no_way_on6(struct looks *m) { foreign6(m, "Ip6.InNoRoutes", 599); }
static void routes_loop6(struct looks *m) { foreign6(m, "Ip6.InHdrErrors", 599); }
static void traceroutes6(struct looks *m) { foreign6(m, "Ip6.InHdrErrors", 600); }
/* Clients whose SYNs are lost, beside packets of loopback, while so many others are served. */
static void syns_lost_as(struct looks *m, const char *counter, const char *served, int64_t others)
{
	counter_set(m, counter, 0, 88);
	counter_set(m, "Ip.InReceives", 3000, 3000 + 11788);
	counter_set(m, "Ip6.InReceives", 3000, 3000 + 11788);
	counter_set(m, served, 5000, 5000 + others);
}
static void syns_filtered(struct looks *m)
{
	syns_lost_as(m, "TcpExt.IPReversePathFilter", "Tcp.PassiveOpens", 0);
}
static void syns_filtered_most_served(struct looks *m)
{
	syns_lost_as(m, "TcpExt.IPReversePathFilter", "Tcp.PassiveOpens", 380);
}
static void syns_elsewhere(struct looks *m)
{
	syns_lost_as(m, "Ip.InAddrErrors", "Tcp.PassiveOpens", 379);
}
static void syns_elsewhere6(struct looks *m)
{
	syns_lost_as(m, "Ip6.InAddrErrors", "Tcp.PassiveOpens", 379);
}
static void syns_without_route(struct looks *m)
{
	syns_lost_as(m, "IpExt.InNoRoutes", "Ip.ForwDatagrams", 379);
}
/* A router forwards for others: it accepts no connection. */
static void router_without_route(struct looks *m)
{
	syns_lost_as(m, "IpExt.InNoRoutes", "Ip.ForwDatagrams", 380);
	counter_set(m, "Tcp.PassiveOpens", 5, 5);
}
/* No client connects. */
static void broadcasts_to_a_busy_host(struct looks *m)
{
	counter_set(m, "Ip.InAddrErrors", 20, 65);
	counter_set(m, "Ip.InReceives", 3000, 3000 + 4200);
	counter_set(m, "Tcp.PassiveOpens", 5, 5);
}
static void syns_filtered_since(struct looks *m)
{
	counter_set(m, "TcpExt.IPReversePathFilter", 400000, 400000);
	counter_set(m, "Ip.InReceives", 300000000, 300000000);
	counter_set(m, "Tcp.PassiveOpens", 50000, 50000);
	then(m, "TcpExt.IPReversePathFilter", 0);
	then(m, "Ip.InReceives", 3000000);
	then(m, "Tcp.PassiveOpens", 49000);
}
/* 20 a second of an hour, of a report that is two hours old. */
static void strays_since(struct looks *m)
{
	counter_set(m, "TcpExt.IPReversePathFilter", 72000, 72000);
	counter_set(m, "Ip.InReceives", 1440000, 1440000);
	then(m, "TcpExt.IPReversePathFilter", 0);
	then(m, "Ip.InReceives", 0);
	same_boot(m);
}
static void booted_an_hour_ago(struct looks *m)
{
	strays_since(m);
	m->after.uptime_s = 3600;
	report_text(earlier.host.boot, "boot-0");
}
/* The clock was wrong when the report was written. */
static void clock_set_since(struct looks *m)
{
	strays_since(m);
	m->after.uptime_s = 3600;
}
static void container_restarted(struct looks *m)
{
	strays_since(m);
	report_text(earlier.host.netns, "4026532001.7");
	report_text(m->after.identity.netns, "4026532001.9");
}
/* In the half of a second. */
static void sent_again(struct looks *m, const char *counter, int64_t count, const char *all,
		       int64_t of)
{
	counter_set(m, counter, 1, 1 + count);
	counter_set(m, all, 100000, 100000 + of);
}
/* 8 %, as of a policer. */
static void segments_policed(struct looks *m)
{
	sent_again(m, "TcpExt.TCPFastRetrans", 160, COUNTER_SEGMENTS_OUT, 2000);
}
/* 3 %, as of far clients of mobile networks; and 8 % of few. */
static void segments_of_far_clients(struct looks *m)
{
	sent_again(m, "TcpExt.TCPFastRetrans", 60, COUNTER_SEGMENTS_OUT, 2000);
}
static void segments_of_few_clients(struct looks *m)
{
	sent_again(m, "TcpExt.TCPFastRetrans", 10, COUNTER_SEGMENTS_OUT, 125);
}
static void windows_lost(struct looks *m)
{
	sent_again(m, "TcpExt.TCPSlowStartRetrans", 160, COUNTER_SEGMENTS_OUT, 2000);
}
/* Answers of one segment, of which a policer drops one in ten. */
static void answers_lost(struct looks *m)
{
	sent_again(m, "TcpExt.TCPLossProbeRecovery", 60, COUNTER_SEGMENTS_OUT, 600);
	counter_set(m, "TcpExt.TCPLossProbes", 100, 170);
}
static void answers_lost_of_many(struct looks *m)
{
	sent_again(m, "TcpExt.TCPLossProbeRecovery", 60, COUNTER_SEGMENTS_OUT, 6000);
}
/* 5 %: the bound. */
static void answers_lost_at_the_bound(struct looks *m)
{
	sent_again(m, "TcpExt.TCPLossProbeRecovery", 60, COUNTER_SEGMENTS_OUT, 1000);
}
/* The peers acknowledge late. */
static void answers_probed(struct looks *m)
{
	sent_again(m, "TcpExt.TCPLossProbes", 160, COUNTER_SEGMENTS_OUT, 600);
	counter_set(m, "TcpExt.TCPLossProbeRecovery", 5, 5);
}
/* 9 % of short and long answers, each of the counters with 3 %; and 4.5 %. */
static void answers_lost_in_three(struct looks *m, int64_t segments)
{
	sent_again(m, "TcpExt.TCPFastRetrans", 60, COUNTER_SEGMENTS_OUT, segments);
	counter_set(m, "TcpExt.TCPSlowStartRetrans", 7, 67);
	counter_set(m, "TcpExt.TCPLossProbeRecovery", 9, 69);
}
static void answers_lost_mixed(struct looks *m) { answers_lost_in_three(m, 2000); }
static void answers_lost_mixed_few(struct looks *m) { answers_lost_in_three(m, 4000); }
/* Clients that have gone, of a host whose connections are idle. */
static void clients_gone(struct looks *m)
{
	counter_set(m, COUNTER_RETRANSMITS, 7000, 7100);
	counter_set(m, COUNTER_SEGMENTS_OUT, 100000, 100300);
}
static void segments_not_sent_again(struct looks *m)
{
	sent_again(m, "TcpExt.TCPRetransFail", 30, COUNTER_RETRANSMITS, 400);
}
static void segments_not_sent_again_few(struct looks *m)
{
	sent_again(m, "TcpExt.TCPRetransFail", 10, COUNTER_RETRANSMITS, 10);
}
static void neighbour_silent(struct looks *m)
{
	sent_again(m, "arp_cache.unresolved_discards", 200, "Ip.OutRequests", 2000);
}
/* It collects metrics. */
static void neighbour_silent_of_many(struct looks *m)
{
	sent_again(m, "arp_cache.unresolved_discards", 200, "Ip.OutRequests", 20000);
}
static void discards6(struct looks *m)
{
	sent_again(m, "Ip6.InDiscards", 60, "Ip6.InReceives", 900);
}
static void discards6_few(struct looks *m)
{
	sent_again(m, "Ip6.InDiscards", 10, "Ip6.InReceives", 10);
}
static void filter_full(struct looks *m)
{
	sent_again(m, "nfnetlink_queue.dropped", 60, "Ip.InReceives", 2000);
}
static void filter_slow(struct looks *m)
{
	sent_again(m, "nfnetlink_queue.user_dropped", 60, "Ip.InReceives", 2000);
}
static void ipsec_late(struct looks *m)
{
	sent_again(m, "xfrm_stat.XfrmInStateSeqError", 60, "Ip.InReceives", 900);
}
static void ipsec_late_few(struct looks *m)
{
	sent_again(m, "xfrm_stat.XfrmInStateSeqError", 10, "Ip.InReceives", 20);
}
static void discards(struct looks *m) { counter_set(m, "Ip.InDiscards", 0, 1); }
static void reserve_drops(struct looks *m)
{
	strays(m, "TcpExt.PFMemallocDrop", "Ip.InReceives", 599);
}
static void reserve_drops_few(struct looks *m)
{
	strays(m, "TcpExt.PFMemallocDrop", "Ip.InReceives", 600);
}
/* Of hosts that lose nothing: IPv6 disabled, a slow reader, closed ports, clients of a proxy. */
static void healthy_growth(struct looks *m)
{
	static const char *const names[] = {
		"Tcp.RetransSegs",    "Ip6.InReceives",        "TcpExt.BeyondWindow",
		"Udp.NoPorts",        "Udp.IgnoredMulti",      "TcpExt.TWRecycled",
		"Ip.InUnknownProtos", "TcpExt.SyncookiesSent", "TcpExt.TCPDeferAcceptDrop",
		"Tcp.AttemptFails",   "Tcp.EstabResets",       "TcpExt.TCPSYNChallenge",
		"Ip.ReasmTimeout",    "arp_cache.res_failed",  "nf_conntrack.invalid",
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		counter_set(m, names[i], 100, 100100);
}
static void migration_fails(struct looks *m)
{
	counter_set(m, "TcpExt.TCPMigrateReqFailure", 0, 3);
}
/* Since the report a third of the connections, or few of its packets. */
static void behind_nat_since(struct looks *m)
{
	counter_set(m, "TcpExt.PAWSTimewait", 50, 50);
	counter_set(m, "Tcp.PassiveOpens", 30000, 30000);
	then(m, "TcpExt.PAWSTimewait", 20);
	then(m, "Tcp.PassiveOpens", 29910);
}
static void old_duplicates_since(struct looks *m)
{
	counter_set(m, "TcpExt.PAWSEstab", 50, 50);
	counter_set(m, "Tcp.InSegs", 30000, 30000);
	then(m, "TcpExt.PAWSEstab", 20);
	then(m, "Tcp.InSegs", 3000);
}
static void unassembled(struct looks *m)
{
	counter_set(m, "Ip.ReasmFails", 5608, 7781);
	counter_set(m, "Ip.ReasmTimeout", 8, 9);
}
/* The path has lost a fragment of each. */
static void parts_lost(struct looks *m)
{
	counter_set(m, "Ip6.ReasmFails", 5, 9);
	counter_set(m, "Ip6.ReasmTimeout", 5, 9);
}

/* As many ICMP errors: those of half-open connections count in ListenDrops too. */
static void half_open_ended_since(struct looks *m)
{
	syns_lost_since(m);
	counter_set(m, "Icmp.InTimeExcds", 2000, 2000);
}

/* A report that has them shows that they are old. */
static void syns_lost_after_errors(struct looks *m)
{
	half_open_ended_since(m);
	then(m, "Icmp.InTimeExcds", 2000);
}

/* Over IPv6. */
static void datagrams_lost6(struct looks *m) { counter_set(m, COUNTER_UDP6_FULL, 5, 6); }
static void datagrams_lost6_since(struct looks *m)
{
	counter_set(m, COUNTER_UDP6_FULL, 4997, 4997);
	then(m, COUNTER_UDP6_FULL, 0);
}
static void memory_lost6(struct looks *m) { counter_set(m, "Udp6.MemErrors", 0, 3); }

/* A UDP socket of the server in question, or of another, that holds so much at both looks. */
static void udp_holds(struct looks *m, bool own, uint32_t before, uint32_t after, uint32_t drops)
{
	static struct listener at[2], named;
	static struct subject subject;
	struct sample *s[2] = {&m->before, &m->after};
	for (int i = 0; i < 2; i++) {
		at[i] = (struct listener){.kind = LISTENER_UDP,
					  .address = "udp:0.0.0.0:53",
					  .limit = 212992,
					  .depth = i ? after : before,
					  .drops = drops,
					  .cookie = 7,
					  .owner = -1};
		s[i]->udp = (struct listeners){.count = 1, .at = &at[i]};
	}
	named = at[1];
	subject = (struct subject){.listeners = {.count = 1, .at = &named}};
	m->options.subject = own ? &subject : NULL;
}
static void udp_unread(struct looks *m) { udp_holds(m, false, 211968, 211968, 0); }
static void udp_unread_by_the_subject(struct looks *m) { udp_holds(m, true, 211968, 211968, 40); }
/* The next of its large datagrams did not fit. */
static void udp_unread_large(struct looks *m) { udp_holds(m, false, 131072, 131072, 3); }
static void udp_reads(struct looks *m) { udp_holds(m, false, 211968, 209664, 0); }
static void udp_has_room(struct looks *m) { udp_holds(m, false, 131072, 131072, 0); }
static void udp_is_empty(struct looks *m) { udp_holds(m, false, 0, 0, 9); }
static void udp_unread_for_a_stall(struct looks *m)
{
	udp_unread(m);
	m->target.stall_us = 300000;
}

/* Its buffer has room, and no counter of errors moves. */
static void udp_drops_beside(struct looks *m, int64_t pages_used)
{
	udp_holds(m, true, 4096, 4096, 9);
	m->before.udp.at[0].drops = 2;
	m->before.udp_max = m->after.udp_max = 23000;
	m->before.cpus = m->after.cpus = 2;
	counter_set(m, "sockstat.UDP.mem", 100, pages_used);
}
static void udp_drops_without_memory(struct looks *m) { udp_drops_beside(m, 23001); }
/* Each CPU may have 1 MiB of the rest. */
static void udp_drops_nearly_without(struct looks *m) { udp_drops_beside(m, 22488); }
static void udp_drops_with_memory(struct looks *m) { udp_drops_beside(m, 22487); }
/* Of which an eighth at most. */
static void udp_drops_of_little(struct looks *m)
{
	udp_drops_beside(m, 440);
	m->before.udp_max = m->after.udp_max = 512;
}
static void udp_drops_of_unknown(struct looks *m)
{
	udp_drops_beside(m, 23001);
	m->before.udp_max = m->after.udp_max = REPORT_NONE;
}

/* By a socket that is not seen. */
static void datagrams_lost(struct looks *m) { counter_set(m, COUNTER_UDP_FULL, 5, 6); }

static void unread(struct looks *m)
{
	m->before.counters.count = m->after.counters.count = 0;
	m->after.max_orphans = REPORT_NONE;
	then(m, "TcpExt.RcvPruned", 1);
}

static void look(void (*plant)(struct looks *), bool twice)
{
	static struct looks m;
	healthy(&m);
	plant(&m);
	report_init(&report);
	earlier.time.tv_sec = 1795852800;
	report.time.tv_sec = earlier.time.tv_sec + 7200;
	if (!twice)
		m.moment.seconds = 0;
	observation.judge(twice ? &m.before : &m.after, &m.after, &m.moment, &report);
}

static void each_look_gets_its_findings(void **state)
{
	static const struct {
		void (*plant)(struct looks *);
		const char *twice, *once;
	} rows[] = {
		{memory_over, "buffers.memory.exhausted critical",
		 "buffers.memory.exhausted critical"},
		{memory_full, "buffers.memory.pressure warning", "buffers.memory.pressure warning"},
		{memory_pressed, "buffers.memory.pressure warning",
		 "buffers.memory.pressure warning"},
		{memory_calm, "", ""},
		{memory_pages_few, "", ""},
		{memory_pages_many, "buffers.memory.pressure warning",
		 "buffers.memory.pressure warning"},
		{memory_unknown, "", ""},
		{orphans_over, "orphans.near critical", "orphans.near critical"},
		{orphans_full, "orphans.near critical", "orphans.near critical"},
		{orphans_left, "orphans.near warning", "orphans.near warning"},
		{orphans_near, "orphans.near warning", "orphans.near warning"},
		{orphans_far, "", ""},
		{prunes, "counters.growing warning, counters.past note", "counters.past note"},
		{prunes_nothing, "counters.past note", "counters.past note"},
		{pruned_nothing_since, "counters.since note, counters.past note",
		 "counters.since note, counters.past note"},
		{time_wait_overflows, "counters.growing warning, counters.past note",
		 "counters.past note"},
		{queue_overflows, "counters.past note", "counters.past note"},
		{syn_queue_overflows, "counters.past note", "counters.past note"},
		{cookies_sent, "counters.past note", "counters.past note"},
		{history, "counters.past note", "counters.past note"},
		{nothing_counted, "", ""},
		{lost_since, "counters.since warning, counters.past note",
		 "counters.since warning, counters.past note"},
		{harmless_since, "counters.since note, counters.past note",
		 "counters.since note, counters.past note"},
		{nothing_since, "counters.past note", "counters.past note"},
		{reboot_since,
		 "counters.growing warning, counters.since warning, counters.past note",
		 "counters.since warning, counters.past note"},
		{reboot_and_nothing_since, "", ""},
		{all_since, "counters.since warning, counters.past note",
		 "counters.since warning, counters.past note"},
		{udp_unread, "udp.receive.waiting warning", "udp.receive.full warning"},
		{udp_unread_by_the_subject, "udp.receive.waiting critical",
		 "udp.receive.full warning"},
		{udp_unread_large, "udp.receive.waiting warning", ""},
		{udp_reads, "", "udp.receive.full warning"},
		{udp_has_room, "", ""},
		{udp_is_empty, "", ""},
		{udp_unread_for_a_stall, "udp.receive.full warning", "udp.receive.full warning"},
		{udp_drops_without_memory, "udp.receive.overflowing critical", ""},
		{udp_drops_nearly_without, "udp.receive.overflowing critical", ""},
		{udp_drops_with_memory, "", ""},
		{udp_drops_of_little, "", ""},
		{udp_drops_of_unknown, "", ""},
		{datagrams_lost, "counters.growing warning, counters.past note",
		 "counters.past note"},
		{datagrams_lost6, "counters.growing warning, counters.past note",
		 "counters.past note"},
		{datagrams_lost6_since, "counters.since warning, counters.past note",
		 "counters.since warning, counters.past note"},
		{memory_lost6, "counters.growing warning, counters.past note",
		 "counters.past note"},
		{syns_lost_since, "counters.since warning, counters.past note",
		 "counters.since warning, counters.past note"},
		{half_open_ended_since, "counters.since note, counters.past note",
		 "counters.since note, counters.past note"},
		{syns_lost_after_errors, "counters.since warning, counters.past note",
		 "counters.since warning, counters.past note"},
		{syns_lost_with_cookies, "counters.since warning, counters.past note",
		 "counters.since warning, counters.past note"},
		{half_open_ended_with_cookies, "counters.past note", "counters.past note"},
		{syns_lost_beside_errors_of_loopback,
		 "counters.growing warning, counters.past note", "counters.past note"},
		{syns_lost_since_beside_errors_of_loopback,
		 "counters.since warning, counters.past note",
		 "counters.since warning, counters.past note"},
		{half_open_ended_since_with_errors_sent, "counters.since note, counters.past note",
		 "counters.since note, counters.past note"},
		{unrouted, "counters.growing warning, counters.past note", "counters.past note"},
		{filtered, "counters.growing warning, counters.past note", "counters.past note"},
		{behind_nat, "counters.growing warning", ""},
		{behind_nat_earlier, "counters.growing warning", ""},
		{old_duplicates, "", ""},
		{packets_without_key, "counters.growing warning", ""},
		{packets_elsewhere, "counters.growing warning, counters.past note",
		 "counters.past note"},
		{broadcasts_elsewhere, "counters.past note", "counters.past note"},
		{broadcasts_to_an_idle_host, "counters.past note", "counters.past note"},
		{broadcasts_to_a_busy_host, "counters.past note", "counters.past note"},
		{broadcasts_for_a_minute, "counters.past note", "counters.past note"},
		{broadcasts_since, "counters.past note", "counters.past note"},
		{no_way_on, "counters.growing warning, counters.past note", "counters.past note"},
		{packets_elsewhere6, "counters.growing warning, counters.past note",
		 "counters.past note"},
		{packets_elsewhere6_few, "counters.past note", "counters.past note"},
		{no_way_on6, "counters.growing warning, counters.past note", "counters.past note"},
		{routes_loop6, "counters.growing warning", ""},
		{traceroutes6, "", ""},
		{syns_filtered, "counters.growing warning, counters.past note",
		 "counters.past note"},
		{syns_filtered_most_served, "counters.past note", "counters.past note"},
		{syns_elsewhere, "counters.growing warning, counters.past note",
		 "counters.past note"},
		{syns_elsewhere6, "counters.growing warning, counters.past note",
		 "counters.past note"},
		{syns_without_route, "counters.growing warning, counters.past note",
		 "counters.past note"},
		{router_without_route, "counters.past note", "counters.past note"},
		{syns_filtered_since, "counters.since warning, counters.past note",
		 "counters.since warning, counters.past note"},
		{strays_since, "counters.past note", "counters.past note"},
		{booted_an_hour_ago, "counters.since warning, counters.past note",
		 "counters.since warning, counters.past note"},
		{clock_set_since, "counters.since warning, counters.past note",
		 "counters.since warning, counters.past note"},
		{container_restarted, "counters.past note", "counters.past note"},
		{truncated, "counters.growing warning", ""},
		{headers_damaged, "counters.growing warning", ""},
		{routes_loop, "counters.growing warning", ""},
		{traceroutes, "", ""},
		{segments_policed, "counters.growing warning", ""},
		{windows_lost, "counters.growing warning", ""},
		{segments_not_sent_again, "counters.growing warning", ""},
		{neighbour_silent, "counters.growing warning", ""},
		{discards6, "counters.growing warning", ""},
		{ipsec_late, "counters.growing warning", ""},
		{answers_lost, "counters.growing warning", ""},
		{answers_lost_mixed, "counters.growing warning", ""},
		{answers_lost_of_many, "", ""},
		{answers_lost_at_the_bound, "", ""},
		{answers_probed, "", ""},
		{answers_lost_mixed_few, "", ""},
		{segments_of_far_clients, "", ""},
		{segments_of_few_clients, "", ""},
		{clients_gone, "", ""},
		{segments_not_sent_again_few, "", ""},
		{neighbour_silent_of_many, "", ""},
		{discards6_few, "", ""},
		{ipsec_late_few, "", ""},
		{filter_full, "counters.growing warning", ""},
		{filter_slow, "counters.growing warning", ""},
		{discards, "counters.growing warning, counters.past note", "counters.past note"},
		{reserve_drops, "counters.growing warning", ""},
		{reserve_drops_few, "", ""},
		{healthy_growth, "", ""},
		{migration_fails, "counters.growing warning, counters.past note",
		 "counters.past note"},
		{behind_nat_since, "counters.since warning", "counters.since warning"},
		{old_duplicates_since, "", ""},
		{pruned_one_since, "counters.since note, counters.past note",
		 "counters.since note, counters.past note"},
		{pruned_few_since, "counters.since note, counters.past note",
		 "counters.since note, counters.past note"},
		{pruned_seldom_since, "counters.since note, counters.past note",
		 "counters.since note, counters.past note"},
		{pruned_often_since, "counters.since warning, counters.past note",
		 "counters.since warning, counters.past note"},
		{discards_since, "counters.since note, counters.past note",
		 "counters.since note, counters.past note"},
		{unassembled_since, "counters.since note, counters.past note",
		 "counters.since note, counters.past note"},
		{time_wait_overflows_since, "counters.since warning, counters.past note",
		 "counters.since warning, counters.past note"},
		{backlog_full_since, "counters.since warning", "counters.since warning"},
		{backlog_full_seldom_since, "counters.since note", "counters.since note"},
		{backlog_full_of_both_since, "counters.since note", "counters.since note"},
		{backlog_full, "", ""},
		{unassembled, "counters.growing warning, counters.past note", "counters.past note"},
		{parts_lost, "", ""},
		{unread, "", ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char row[32];
		snprintf(row, sizeof(row), "row %zu", i);
		look(rows[i].plant, true);
		findings_are(row, &report, rows[i].twice);
		if (rows[i].plant == orphans_near)
			assert_non_null(strstr(report.findings[0].advice,
					       "sysctl -w net.ipv4.tcp_max_orphans=262144."));
		/* The wall is short, and proposes the value. */
		if (rows[i].plant == orphans_over)
			assert_non_null(strstr(report.findings[0].advice,
					       "Where memory allows, raise "
					       "net.ipv4.tcp_max_orphans."));
		look(rows[i].plant, false);
		findings_are(row, &report, rows[i].once);
	}
}

static void texts_have_the_figures(void **state)
{
	static const struct {
		void (*plant)(struct looks *);
		const char *title, *detail;
	} rows[] = {
		{memory_over, "TCP holds more memory than tcp_mem allows: 343 MiB of 338 MiB",
		 NULL},
		{memory_pressed, "TCP is under memory pressure now: no buffer grows",
		 "All TCP sockets of this machine hold 57 676 pages, and pressure begins at 57 676. "
		 "Until the pages are freed windows shrink and connections slow down."},
		{orphans_over,
		 "65 738 of 65 536 orphaned sockets: the kernel resets connections that a server has "
		 "closed",
		 NULL},
		{udp_unread_by_the_subject,
		 "udp:0.0.0.0:53: its receive buffer is full (207 KiB of 208 KiB) and its server "
		 "reads none",
		 "Nothing was read from it in 500 ms: the kernel drops the datagrams that arrive. 40 "
		 "datagrams were dropped since the socket was made."},
		{behind_nat,
		 "The kernel counted 7 PAWSTimewait in this network namespace in 500 ms",
		 "PAWSTimewait: SYNs to a connection in TIME_WAIT whose timestamp is older than its "
		 "last one, as of clients behind one NAT address (since Linux 6.16; before, PAWSEstab). "
		 "The kernel answers with an ACK, and the client tries again after 1 s; with "
		 "net.ipv4.tcp_rfc1337=1 it fails until TIME_WAIT ends, for 60 s."},
		{prunes, "The kernel counted 12 RcvPruned in this network namespace in 500 ms",
		 "RcvPruned: Received packets that were dropped as a socket's queue was full and nothing "
		 "in it could be freed."},
		{history,
		 "The kernel counted 5 729 ListenOverflows, 4 021 TCPAbortOnMemory, 27 360 "
		 "TCPTimeWaitOverflow (and 2 more counters) since boot, 12 days ago",
		 NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		look(rows[i].plant, true);
		assert_string_equal(report.findings[0].title, rows[i].title);
		if (rows[i].detail)
			assert_string_equal(report.findings[0].detail, rows[i].detail);
	}
}

static void prunes_and_time_wait_overflows(struct looks *m)
{
	prunes(m);
	time_wait_overflows(m);
}

static void each_counter_that_grows_is_explained(void **state)
{
	look(prunes, true);
	assert_null(strstr(report.findings[0].advice, "epolltune explain"));
	look(prunes_and_time_wait_overflows, true);
	assert_non_null(
		strstr(report.findings[0].advice, "For the others: epolltune explain RcvPruned."));
}

static double cell(const struct finding *f, size_t row, size_t column)
{
	return f->table.row[row].value[column];
}

static void growth_since_a_report(void **state)
{
	look(lost_since, false);
	const struct finding *f = &report.findings[0];
	assert_string_equal(f->title,
			    "The kernel counted 1 751 ListenOverflows, 12 RcvPruned (and 1 more "
			    "counter) since the report of 2026-11-28T08:00:00Z (2 hours ago)");
	assert_string_equal(f->answer,
			    "the kernel's loss counters grew since 2026-11-28T08:00:00Z");
	assert_int_equal(f->table.row_count, 3);
	assert_non_null(strstr(f->advice, "accept-queue.dropped"));
	assert_string_equal(f->table.row[1].name, "RcvPruned");
	assert_true(cell(f, 1, 0) == 9300 && cell(f, 1, 1) == 9288 && cell(f, 1, 2) == 12);
	look(harmless_since, false);
	assert_string_equal(report.findings[0].answer, "");
	look(reboot_since, false);
	f = &report.findings[0];
	assert_string_equal(f->title, "The kernel counted 9 312 RcvPruned since the reboot");
	assert_null(strstr(f->advice, "accept-queue.dropped"));
	assert_non_null(strstr(f->detail, "rebooted since the report of 2026-11-28T08:00:00Z"));
	assert_true(cell(f, 0, 0) == 9312 && isnan(cell(f, 0, 1)) && cell(f, 0, 2) == 9312);
	look(module_since, false);
	f = &report.findings[0];
	assert_string_equal(f->title, "The kernel counted 12 RcvPruned, 7 nf_conntrack.drop "
				      "since the report of 2026-11-28T08:00:00Z (2 hours ago)");
	assert_non_null(strstr(f->detail, ": of nf_conntrack.drop these are the totals since"));
	assert_true(cell(f, 0, 1) == 9300 && isnan(cell(f, 1, 1)));
	look(module_alone_since, false);
	assert_string_equal(report.findings[0].title,
			    "The kernel counted 7 nf_conntrack.drop since the counters restarted");
	look(all_since, false);
	/* All but ListenDrops and Ip.InHdrErrors, which have no part of their own. */
	assert_non_null(strstr(report.findings[0].title, " more counters) since the report"));
	assert_non_null(strstr(report.findings[0].detail, "ran in this namespace"));
	assert_int_equal(report.findings[0].table.row_count, loss_row_count() - 2);
	look(syns_lost_since, false);
	f = &report.findings[0];
	assert_string_equal(f->title,
			    "The kernel counted 2 615 ListenDrops without ListenOverflows "
			    "since the report of 2026-11-28T08:00:00Z (2 hours ago)");
	assert_non_null(strstr(f->advice, "tcp_syncookies=1"));
	assert_true(cell(f, 0, 0) == 2615 && cell(f, 0, 1) == 0 && cell(f, 0, 2) == 2615);
	look(half_open_ended_since, false);
	assert_string_equal(report.findings[0].advice, "");
	look(backlog_full_since, false);
	assert_string_equal(report.findings[0].advice,
			    "softnet.dropped counts packets dropped at a CPU's full backlog: raise "
			    "net.core.netdev_max_backlog.");
	look(both_full_since, false);
	assert_non_null(strstr(report.findings[0].advice, "backlog. The counters do not name"));
}

static void the_report_carries_its_counters(void **state)
{
	look(all_since, false);
	for (size_t i = 0; i < loss_row_count(); i++) {
		const char *counter = loss_row_at(i)->counter;
		assert_int_equal(report_counter_value(&report, counter), 100000);
		assert_non_null(counter_row_find(counter));
		assert_ptr_equal(loss_row_find(counter), loss_row_at(i));
		assert_true(loss_row_at(i)->all || loss_row_at(i)->kind != LOSS_STRAY);
	}
	look(headers_damaged, true);
	assert_int_equal(report.findings[0].evidence_count, 1);
	assert_int_equal(report_counter_value(&report, "sockstat.TCP.orphan"), 3);
	assert_int_equal(report_counter_value(&report, "Tcp.PassiveOpens"), -1);
	size_t others = 0;
	for (size_t i = 0; syn_drops_cause(i); i++)
		others += syn_drops_cause(i)->sent ? 2 : 1;
	for (size_t i = 0; i < loss_row_count(); i++)
		others += (size_t)(!!loss_row_at(i)->all + !!loss_row_at(i)->less +
				   !!loss_row_at(i)->served);
	assert_true(loss_row_count() <= TABLE_ROWS &&
		    loss_row_count() + sizeof(recorded) / sizeof(*recorded) + others <=
			    REPORT_COUNTERS);
}

/* Whether a rule looks at the growth of a counter of the metrics of a check. */
static bool is_alerted(const char *rules, const char *counter)
{
	static const char series[] = "epolltune_kernel_events_total{counter=";
	for (const char *at = rules; (at = strstr(at, series));) {
		char values[600], anchored[608];
		regex_t r;
		at += sizeof(series) - 1;
		assert_int_equal(sscanf(at, "%*[=~\"]%599[^\"]", values), 1);
		snprintf(anchored, sizeof(anchored), "^(%s)$", values);
		assert_int_equal(regcomp(&r, anchored, REG_EXTENDED | REG_NOSUB), 0);
		bool matches = !regexec(&r, counter, 0, NULL, 0);
		regfree(&r);
		if (matches)
			return true;
	}
	return false;
}

static const char *rules_read(void)
{
	static char rules[65536];
	FILE *in = fopen("src/share/prometheus/epolltune.rules.yml", "r");
	assert_non_null(in);
	rules[fread(rules, 1, sizeof(rules) - 1, in)] = 0;
	fclose(in);
	return rules;
}

static void all_counted(struct looks *m)
{
	for (size_t i = 0; i < loss_row_count(); i++) {
		const struct loss_row *l = loss_row_at(i);
		counter_set(m, l->counter, 9, 9);
		if (l->less && !loss_row_find(l->less))
			counter_set(m, l->less, 9, 9);
	}
	for (size_t i = 0; syn_drops_cause(i); i++) {
		counter_set(m, syn_drops_cause(i)->counter, 9, 9);
		if (syn_drops_cause(i)->sent)
			counter_set(m, syn_drops_cause(i)->sent, 9, 9);
	}
}

/* Takes the next pattern of "a|b(c|d)|e"; "": there is none. */
static void alternative_next(const char **patterns, char *out, size_t size)
{
	size_t n = 0;
	int depth = 0;
	for (; **patterns && (**patterns != '|' || depth) && n + 1 < size; (*patterns)++) {
		depth += (**patterns == '(') - (**patterns == ')');
		out[n++] = **patterns;
	}
	*patterns += **patterns == '|';
	out[n] = 0;
}

static void pattern_is_exported(const char *metrics, const char *pattern)
{
	char sample[700];
	regex_t r;
	snprintf(sample, sizeof(sample), "_events_total[{]counter=\"(%s)\"[}] ", pattern);
	assert_int_equal(regcomp(&r, sample, REG_EXTENDED | REG_NOSUB), 0);
	if (regexec(&r, metrics, 0, NULL, 0))
		fail_msg("no metric has counter=\"%s\"", pattern);
	regfree(&r);
}

/* A counter that an expression subtracts, too: without it there is no result. */
static void what_the_rules_look_at_is_exported(void **state)
{
	static const char series[] = "epolltune_kernel_events_total{counter=";
	char *metrics = NULL;
	size_t size, patterns = 0;
	struct err e = {0};
	look(all_counted, false);
	FILE *out = open_memstream(&metrics, &size);
	assert_non_null(out);
	assert_int_equal(render_prometheus(out, &report, &(struct render_style){0}, &e), 0);
	fclose(out);
	for (const char *at = rules_read(); (at = strstr(at, series));) {
		char values[600], pattern[600];
		at += sizeof(series) - 1;
		assert_int_equal(sscanf(at, "%*[=~\"]%599[^\"]", values), 1);
		for (const char *left = values; *left; patterns++) {
			alternative_next(&left, pattern, sizeof(pattern));
			pattern_is_exported(metrics, pattern);
		}
	}
	assert_true(patterns > 20);
	for (size_t i = 0; syn_drops_cause(i); i++) {
		pattern_is_exported(metrics, syn_drops_cause(i)->counter);
		if (syn_drops_cause(i)->sent)
			pattern_is_exported(metrics, syn_drops_cause(i)->sent);
	}
	free(metrics);
}

static void each_loss_has_an_alert(void **state)
{
	const char *rules = rules_read();
	assert_false(is_alerted(rules, "TcpExt.TCPRcvCollapsed"));
	for (size_t i = 0; i < loss_row_count(); i++)
		if (loss_row_at(i)->kind < LOSS_STRAY &&
		    !is_alerted(rules, loss_row_at(i)->counter))
			fail_msg("no rule has %s", loss_row_at(i)->counter);
}

/* Orphans that could not be counted: short where the maximum is below the need, never ok. */
static void orphans_that_could_not_be_counted_are_unknown(void **state)
{
	const struct experiment *x = verdict_experiment("counters", "orphans");
	struct target t = target_default();
	static const struct {
		const char *settings;
		enum wall_verdict verdict;
		const char *detail;
	} rows[] = {
		{"net.ipv4.tcp_max_orphans=65536; TCP orphan of /proc/net/sockstat=0", VERDICT_OK,
		 "0 are in use"},
		{"net.ipv4.tcp_max_orphans=65536", VERDICT_UNKNOWN,
		 "/proc/net/sockstat could not be read: how much is left is not known."},
		{"net.ipv4.tcp_max_orphans=100", VERDICT_SHORT, "100"},
		{"", VERDICT_UNKNOWN, "net.ipv4.tcp_max_orphans could not be read."},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct settings s = verdict_settings(x, rows[i].settings);
		const struct wall *w = verdict_of(x, &t, &s, NULL)->walls;
		if (w->verdict != rows[i].verdict || !strstr(w->detail, rows[i].detail))
			fail_msg("row %zu: %s: %s", i, wall_verdict_name(w->verdict), w->detail);
	}
}

/* More than the limit may be in use: the kernel resets some of them only. */
static void more_orphans_than_the_limit_are_named_so(void **state)
{
	const struct experiment *x = verdict_experiment("counters", "orphans");
	struct target t = target_default();
	struct settings s = verdict_settings(
		x, "net.ipv4.tcp_max_orphans=65536; TCP orphan of /proc/net/sockstat=65537");
	const struct finding *f = verdict_of(x, &t, &s, NULL)->findings;
	assert_non_null(strstr(f->detail, "65 537 of 65 536 are in use (above the limit)"));
	s = verdict_settings(
		x, "net.ipv4.tcp_max_orphans=65536; TCP orphan of /proc/net/sockstat=65536");
	f = verdict_of(x, &t, &s, NULL)->findings;
	assert_non_null(strstr(f->detail, "65 536 of 65 536 are in use"));
	assert_null(strstr(f->detail, "above the limit"));
}

/* A hash table of the namespace is not evidence of the machine's orphans. */
static void a_table_of_the_namespace_bounds_no_orphans(void **state)
{
	const struct experiment *x = verdict_experiment("counters", "orphans");
	static const struct {
		int64_t entries;
		bool own_netns;
		uint64_t memory_gib; /* 0: unknown */
		int64_t limit;
		enum wall_verdict verdict;
	} rows[] = {
		{4096, true, 16, 65536 - 16293, VERDICT_OK},
		{4096, true, 1, REPORT_NONE, VERDICT_UNKNOWN},
		{4096, true, 0, REPORT_NONE, VERDICT_UNKNOWN},
		{4096, true, 1024, 262144 - 16293, VERDICT_OK},
		{-131072, true, 1, 65536 - 16293, VERDICT_OK},
		{-16384, true, 16, 0, VERDICT_SHORT},
		{131072, false, 1, 65536 - 16293, VERDICT_OK},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct target t = target_default();
		struct settings s = verdict_settings(x, "TCP orphan of /proc/net/sockstat=16293");
		s.machine.ehash_entries = rows[i].entries;
		s.machine.own_netns = rows[i].own_netns;
		s.machine.memory_bytes = rows[i].memory_gib << 30;
		const struct wall *w = verdict_of(x, &t, &s, NULL)->walls;
		if (w->verdict != rows[i].verdict || w->limit != rows[i].limit)
			fail_msg("row %zu: %s, %" PRId64, i, wall_verdict_name(w->verdict),
				 w->limit);
	}
}

/* Each closed connection is one for two round trips. */
static void closed_connections_are_orphans_for_two_round_trips(void **state)
{
	const struct experiment *x = verdict_experiment("counters", "orphans");
	static const struct {
		enum target_role role;
		int64_t max, needed;
		enum wall_verdict verdict;
		const char *proposals;
		bool portless;
	} rows[] = {
		{TARGET_SERVER, 100, 80, VERDICT_OK, "", false},
		{TARGET_SERVER, 80, 80, VERDICT_TIGHT, "net.ipv4.tcp_max_orphans 80 -> 4096",
		 false},
		{TARGET_SERVER, 79, 80, VERDICT_SHORT, "net.ipv4.tcp_max_orphans 79 -> 4096",
		 false},
		{TARGET_PROXY, 159, 160, VERDICT_SHORT, "net.ipv4.tcp_max_orphans 159 -> 4096",
		 false},
		{TARGET_PROXY, 159, 80, VERDICT_OK, "", true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct target t = target_default();
		struct settings s = verdict_settings(x, "TCP orphan of /proc/net/sockstat=0");
		t.role = rows[i].role;
		s.portless = rows[i].portless;
		t.rate_per_s = 50;
		t.rtt_us = 800000;
		s.at[0][0] = rows[i].max;
		snprintf(s.text[0], sizeof(s.text[0]), "%" PRId64, rows[i].max);
		const struct report *r = verdict_of(x, &t, &s, NULL);
		assert_int_equal(r->walls->needed, rows[i].needed);
		assert_int_equal(r->walls->verdict, rows[i].verdict);
		assert_string_equal(verdict_proposals(r), rows[i].proposals);
	}
}

/* Of more than 60 s in FIN_WAIT2 those beyond have a socket: as many as the peers let wait. */
static void orphans_wait_in_fin_wait2(void **state)
{
	const struct experiment *x = verdict_experiment("counters", "orphans");
	static const struct {
		const char *timeout;
		enum target_role role;
		int64_t max, needed, needed_max;
		enum wall_verdict verdict;
		const char *proposals;
	} rows[] = {
		{"", TARGET_SERVER, 65536, 100, REPORT_NONE, VERDICT_OK, ""},
		{"; net.ipv4.tcp_fin_timeout=60", TARGET_SERVER, 65536, 100, REPORT_NONE,
		 VERDICT_OK, ""},
		{"; net.ipv4.tcp_fin_timeout=30", TARGET_SERVER, 65536, 100, REPORT_NONE,
		 VERDICT_OK, ""},
		{"; net.ipv4.tcp_fin_timeout=120", TARGET_SERVER, 65536, 100, 60100, VERDICT_TIGHT,
		 "net.ipv4.tcp_fin_timeout 120 -> 60"},
		{"; net.ipv4.tcp_fin_timeout=120", TARGET_SERVER, 75125, 100, 60100, VERDICT_OK,
		 ""},
		{"; net.ipv4.tcp_fin_timeout=120", TARGET_SERVER, 99, 100, 60100, VERDICT_SHORT,
		 "net.ipv4.tcp_max_orphans 99 -> 4096, net.ipv4.tcp_fin_timeout 120 -> 60"},
		{"; net.ipv4.tcp_fin_timeout=120", TARGET_PROXY, 131072, 200, 120200, VERDICT_TIGHT,
		 "net.ipv4.tcp_fin_timeout 120 -> 60"},
		{"; net.ipv4.tcp_fin_timeout=2147483", TARGET_SERVER, 65536, 100, 2147423100,
		 VERDICT_TIGHT, "net.ipv4.tcp_fin_timeout 2147483 -> 60"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct target t = target_default();
		char text[128];
		snprintf(text, sizeof(text),
			 "net.ipv4.tcp_max_orphans=%" PRId64
			 "; TCP orphan of /proc/net/sockstat=0%s",
			 rows[i].max, rows[i].timeout);
		struct settings s = verdict_settings(x, text);
		t.role = rows[i].role;
		t.rate_per_s = 1000;
		t.rtt_us = 50000;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = r->walls;
		if (w->needed != rows[i].needed || w->needed_max != rows[i].needed_max ||
		    w->verdict != rows[i].verdict)
			fail_msg("row %zu: %" PRId64 " to %" PRId64 ", %s", i, w->needed,
				 w->needed_max, wall_verdict_name(w->verdict));
		/* Room for all that wait takes memory that a shorter wait does not. */
		assert_string_equal(verdict_proposals(r), rows[i].proposals);
		assert_true((w->needed_max != REPORT_NONE) ==
			    !!strstr(w->detail, "one whose peer does not close is an orphan for"));
	}
}

/* Those that the server has closed are of the target. */
static void orphans_in_use_are_not_needed_again(void **state)
{
	struct listener at = {.kind = LISTENER_TCP, .address = "0.0.0.0:80"};
	const struct subject server = {.listeners = {.at = &at, .count = 1}}, none = {0};
	static const struct {
		enum { NONE, SERVER, NO_LISTENER } who;
		int64_t used, needed, needed_max;
		enum wall_verdict verdict;
		const char *proposals;
	} rows[] = {
		{NONE, 60, 80, REPORT_NONE, VERDICT_SHORT, "net.ipv4.tcp_max_orphans 120 -> 4096"},
		{SERVER, 60, 20, 80, VERDICT_TIGHT, "net.ipv4.tcp_max_orphans 120 -> 4096"},
		{SERVER, 20, 60, 80, VERDICT_OK, ""},
		{SERVER, 0, 80, REPORT_NONE, VERDICT_OK, ""},
		{SERVER, 120, 1, 80, VERDICT_SHORT, "net.ipv4.tcp_max_orphans 120 -> 4096"},
		{NO_LISTENER, 60, 80, REPORT_NONE, VERDICT_SHORT,
		 "net.ipv4.tcp_max_orphans 120 -> 4096"},
	};
	const struct experiment *x = verdict_experiment("counters", "orphans");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct target t = target_default();
		struct settings s = verdict_settings(x, "net.ipv4.tcp_max_orphans=120");
		t.rate_per_s = 50;
		t.rtt_us = 800000;
		s.at[1][0] = rows[i].used;
		s.subject = rows[i].who == NONE ? NULL : rows[i].who == SERVER ? &server : &none;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = r->walls;
		if (w->needed != rows[i].needed || w->needed_max != rows[i].needed_max ||
		    w->verdict != rows[i].verdict ||
		    strcmp(verdict_proposals(r), rows[i].proposals) != 0)
			fail_msg("row %zu: %lld to %lld, %s [%s]", i, (long long)w->needed,
				 (long long)w->needed_max, wall_verdict_name(w->verdict),
				 verdict_proposals(r));
		assert_true((rows[i].needed_max != REPORT_NONE) ==
			    !!strstr(w->detail, "by this server or by others"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_look_gets_its_findings),
		cmocka_unit_test(texts_have_the_figures),
		cmocka_unit_test(each_counter_that_grows_is_explained),
		cmocka_unit_test(growth_since_a_report),
		cmocka_unit_test(the_report_carries_its_counters),
		cmocka_unit_test(each_loss_has_an_alert),
		cmocka_unit_test(what_the_rules_look_at_is_exported),
		cmocka_unit_test(closed_connections_are_orphans_for_two_round_trips),
		cmocka_unit_test(orphans_in_use_are_not_needed_again),
		cmocka_unit_test(orphans_wait_in_fin_wait2),
		cmocka_unit_test(orphans_that_could_not_be_counted_are_unknown),
		cmocka_unit_test(more_orphans_than_the_limit_are_named_so),
		cmocka_unit_test(a_table_of_the_namespace_bounds_no_orphans),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
