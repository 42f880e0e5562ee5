/* The verdicts and findings of probe nic, by two samples of a machine: growth is a finding, old
 * totals and packets of other namespaces are not. */
#define probe_nic nic_under_test
#include "../../probes/nic.c"
#include "../support/support.h"
#include "../support/verdict.h"

#include <stdio.h>

struct moments {
	struct sample before, after;
	struct nic cards[2]; /* eth0 before and after */
	struct nic_queue queues[2];
	struct softnet_cpu cpus[2][4];
	struct nic all[2][3];
	struct nic_qdisc qdiscs[2][3];
	struct nic_counter counters[2];
	struct nic_feature features[2];
	struct nic_irq irqs[4];
	struct moment moment;
};

static struct report report;

static struct nic_number some(uint64_t value) { return (struct nic_number){true, value}; }

static void healthy_at(struct moments *m, int i)
{
	struct sample *s = i ? &m->after : &m->before;
	struct nic *n = &m->cards[i];
	snprintf(n->name, sizeof(n->name), "eth0");
	n->index = 2;
	n->physical = n->up = n->running = n->default_route = true;
	n->rings.rx = some(256);
	n->rings.rx_max = some(4096);
	n->channels.combined = some(4);
	n->channels.combined_max = some(8);
	n->link.rx_queues = some(8);
	n->statistics.rx_packets = some(1000000 + (uint64_t)i * 100000);
	n->statistics.rx_missed_errors = n->statistics.rx_fifo_errors = some(0);
	n->queues = &m->queues[i];
	n->queue_count = 1;
	s->all = s->nics = (struct nics){.at = n, .count = 1};
	for (uint32_t cpu = 0; cpu < 4; cpu++) {
		m->cpus[i][cpu].cpu = cpu;
		m->cpus[i][cpu].processed = (uint32_t)(0xfffffff0u + (uint64_t)i * 25000);
		s->cpus.at[cpu] =
			(struct host_cpu_time){.softirq = (uint64_t)i * 5, .all = (uint64_t)i * 50};
	}
	s->softnet = (struct softnet){.at = m->cpus[i], .count = 4};
	s->max_backlog = 1000;
	s->budget = 300;
	s->budget_usecs = REPORT_NONE;
	s->uptime_s = 86400 * 3;
}

/* A healthy machine for half a second: 100 000 packets through eth0, on four CPUs. */
static void healthy(struct moments *m)
{
	memset(m, 0, sizeof(*m));
	m->moment = (struct moment){.seconds = 0.5, .live = true};
	healthy_at(m, 0);
	healthy_at(m, 1);
}

static void ring_loses(struct moments *m) { m->cards[1].statistics.rx_missed_errors = some(120); }

static void ring_of(struct moments *m, uint64_t size)
{
	m->cards[0].rings.rx = m->cards[1].rings.rx = some(size);
	m->cards[1].statistics.rx_fifo_errors = some(1);
}

/* One of 100 000 packets, or of more. */
static void ring_loses_one_of(struct moments *m, uint64_t packets)
{
	m->cards[1].statistics.rx_missed_errors = some(1);
	m->cards[1].statistics.rx_packets = some(1000000 + packets);
}
static void ring_loses_one(struct moments *m) { ring_loses_one_of(m, 100000); }
static void ring_loses_one_of_many(struct moments *m)
{
	ring_loses_one_of(m, 100001);
	/* Of a driver that adds it to the errors. */
	m->cards[0].statistics.rx_errors = some(0);
	m->cards[1].statistics.rx_errors = some(1);
}

static void ring_near_maximum_loses(struct moments *m) { ring_of(m, 3000); }
static void ring_at_maximum_loses(struct moments *m) { ring_of(m, 4096); }

static void ring_unknown_loses(struct moments *m)
{
	ring_loses(m);
	m->cards[1].rings = (struct nic_rings){0};
}

static void driver_counts(struct moments *m)
{
	m->counters[0] = (struct nic_counter){"rx_out_of_buffer", 7};
	m->counters[1] = (struct nic_counter){"rx_out_of_buffer", 19};
	for (int i = 0; i < 2; i++) {
		m->cards[i].counters = &m->counters[i];
		m->cards[i].counter_count = 1;
	}
}

static void queues_count(struct moments *m)
{
	m->queues[0].hw_drop_overruns = some(1);
	m->queues[1].hw_drop_overruns = some(4);
}

static void ring_lost(struct moments *m)
{
	for (int i = 0; i < 2; i++) {
		m->cards[i].statistics.rx_missed_errors = some(5);
		m->cards[i].statistics.rx_fifo_errors = some(50000);
	}
}

static void ring_lost_once(struct moments *m)
{
	for (int i = 0; i < 2; i++)
		m->cards[i].statistics.rx_missed_errors = some(1);
}

static void backlog_drops(struct moments *m)
{
	m->cpus[0][2].dropped = 0xfffffffe; /* wraps */
	m->cpus[1][2].dropped = 8;
	m->cards[1].statistics.rx_dropped = some(10);
}

/* The interface drops more, for other reasons. */
static void backlog_drops_among_others(struct moments *m)
{
	backlog_drops(m);
	m->cards[1].statistics.rx_dropped = some(7000);
}

/* 10 of two million. */
static void backlog_drops_rarely(struct moments *m)
{
	backlog_drops(m);
	m->cards[1].statistics.rx_packets = some(3000000);
}

/* The counter is the machine's: packets of another namespace were dropped. */
static void backlog_drops_elsewhere(struct moments *m)
{
	backlog_drops(m);
	m->cards[0].statistics.rx_dropped = m->cards[1].statistics.rx_dropped;
}

/* A container: softnet takes each of its packets more than once, and those of others. */
static void backlog_drops_in_a_container(struct moments *m)
{
	m->before.max_backlog = m->after.max_backlog = REPORT_NONE;
	m->before.own_netns = m->after.own_netns = true;
	m->cards[1].statistics.rx_packets = some(1001000);
	m->cards[1].statistics.rx_dropped = some(100);
	m->cpus[1][2].dropped = 300;
}
/* A check that was started outside and moved there has the machine's value. */
static void backlog_drops_in_a_container_entered(struct moments *m)
{
	backlog_drops_in_a_container(m);
	m->before.max_backlog = m->after.max_backlog = 1000;
}
/* What an interface of the machine drops may be of protocols that nothing receives, while the
 * packets of others are dropped at the backlog. */
static void backlog_drops_of_others_beside_protocols(struct moments *m)
{
	backlog_drops_in_a_container_entered(m);
	m->before.own_netns = m->after.own_netns = false;
}
/* Its interface drops some packets of protocols that nothing receives. */
static void backlog_drops_of_other_containers(struct moments *m)
{
	backlog_drops_in_a_container(m);
	m->cards[1].statistics.rx_dropped = some(4);
}

/* The server's packets cross the machine's card, which its namespace does not show. */
static void moved_to_a_container(struct moments *m)
{
	static const struct subject subject = {.name = "nginx"};
	static const struct probe_options options = {.entered = true, .subject = &subject};
	m->moment.options = &options;
}

/* Where that is observed too, it is not "not watched". */
static void moved_and_looks_back(struct moments *m)
{
	static const struct probe_options options = {.entered = true,
						     .outside.look = OUTSIDE_WATCHED};
	m->moment.options = &options;
}

static void backlog_hidden(struct moments *m)
{
	m->before.max_backlog = m->after.max_backlog = REPORT_NONE;
}

static void backlog_hidden_drops(struct moments *m)
{
	backlog_hidden(m);
	backlog_drops(m);
}

static void backlog_near_maximum_drops(struct moments *m)
{
	m->after.max_backlog = 2000000000;
	backlog_drops(m);
}

static void backlog_at_maximum_drops(struct moments *m)
{
	m->after.max_backlog = INT32_MAX;
	backlog_drops(m);
}

static void backlog_dropped(struct moments *m)
{
	m->cpus[0][2].dropped = m->cpus[1][2].dropped = 50000000;
}

/* By an experiment, whose packets are those of other namespaces: no past. */
static void backlog_dropped_by_this_check(struct moments *m)
{
	m->cpus[1][2].dropped = 50000000;
	for (int i = 0; i < 4; i++)
		m->cpus[1][i].processed += 1000000;
}

/* The counters of the interfaces exceed 32 bits. */
static void backlog_dropped_few_of_many(struct moments *m)
{
	for (int i = 0; i < 2; i++) {
		m->cpus[i][0].dropped = 2000;
		m->cards[i].statistics.rx_packets = some(9000000000 + (uint64_t)i * 100000);
	}
}

static void softirqs_take(struct moments *m, uint64_t ticks)
{
	for (int cpu = 0; cpu < 4; cpu++)
		m->after.cpus.at[cpu] = (struct host_cpu_time){.softirq = ticks, .all = 50};
}

static void squeezes(struct moments *m)
{
	softirqs_take(m, 25);
	m->cpus[1][0].time_squeeze = 50;
}

/* As on a machine of many CPUs: nothing is lost, and each has time left. */
static void squeezes_without_harm(struct moments *m)
{
	softirqs_take(m, 24);
	m->cpus[1][0].time_squeeze = 5000;
}
static void squeezes_rarely(struct moments *m) { m->cpus[1][0].time_squeeze = 2; }

/* Below the kernel's own it is a fault of this machine, also where time is left. */
static void budget_of_one(struct moments *m)
{
	m->cpus[1][0].time_squeeze = 50;
	m->after.budget = 1;
}

static void squeezed(struct moments *m)
{
	m->cpus[0][0].time_squeeze = m->cpus[1][0].time_squeeze = 50000000;
}

/* Full rounds would have processed 1.5 million packets. */
static void squeezes_by_time(struct moments *m)
{
	softirqs_take(m, 30);
	m->after.budget_usecs = 2000;
	m->cpus[1][0].time_squeeze = 5000;
}

static void others_packets(struct moments *m)
{
	m->cards[1].statistics.rx_packets = some(1000010);
	m->cpus[1][2].dropped = m->cpus[1][2].time_squeeze = 500;
}

/* A container exits and its veth disappears: the packets that it received are not growth. */
static void an_interface_vanishes(struct moments *m)
{
	others_packets(m);
	m->all[0][0] = m->cards[0];
	m->all[0][1] = (struct nic){.name = "veth7", .index = 7};
	m->all[0][1].statistics.rx_packets = some(50000000);
	m->before.all = (struct nics){.at = m->all[0], .count = 2};
}

/* CPU 1 receives all packets and is busy with them. */
static void crowded(struct moments *m)
{
	for (uint32_t cpu = 0; cpu < 4; cpu++)
		m->cpus[1][cpu].processed = m->cpus[0][cpu].processed;
	m->cpus[1][1].processed = (uint32_t)(m->cpus[1][1].processed + 100000);
	m->after.cpus.at[1] = (struct host_cpu_time){.softirq = 45, .all = 50};
}

static void crowded_two_queues(struct moments *m)
{
	crowded(m);
	m->cards[1].channels.combined = some(2);
}

/* ethtool -X eth0 equal 1, or equal 2 of 3: more queues take no packets. */
static void crowded_table(struct moments *m)
{
	crowded_two_queues(m);
	m->cards[1].rss.queues = some(1);
}
static void crowded_table_of_two(struct moments *m)
{
	crowded(m);
	m->cards[1].channels.combined = some(3);
	m->cards[1].rss.queues = some(2);
}
static void crowded_table_of_all(struct moments *m)
{
	crowded_two_queues(m);
	m->cards[1].rss.queues = some(2);
}

static void crowded_one_queue(struct moments *m)
{
	static char off[] = "00000000,00000000";
	crowded(m);
	m->cards[1].channels.combined = m->cards[1].channels.combined_max = some(1);
	m->queues[1].cpus = off;
}

static void crowded_one_queue_with_rps(struct moments *m)
{
	static char on[] = "e";
	crowded_one_queue(m);
	m->queues[1].cpus = on;
}

static void crowded_and_idle(struct moments *m)
{
	crowded(m);
	m->after.cpus.at[1] = (struct host_cpu_time){.softirq = 5, .all = 50};
}

static void crowded_by_loopback(struct moments *m)
{
	crowded(m);
	m->cards[1].statistics.rx_packets = m->cards[0].statistics.rx_packets;
	for (int i = 0; i < 2; i++) {
		m->all[i][0] = m->cards[i];
		m->all[i][1] = (struct nic){.name = "lo", .index = 1};
		m->all[i][1].statistics.rx_packets = some((uint64_t)i * 100000);
	}
	m->before.all = (struct nics){.at = m->all[0], .count = 2};
	m->after.all = (struct nics){.at = m->all[1], .count = 2};
}

/* eth0 is for management and idle; the default route uses bond0 on eth1. */
static void crowded_bond(struct moments *m)
{
	static struct nic cards[2][2];
	crowded(m);
	for (int i = 0; i < 2; i++) {
		struct nic *idle = &cards[i][0], *busy = &cards[i][1], *bond = &m->all[i][2];
		*idle = *busy = m->cards[i];
		idle->default_route = busy->default_route = false;
		idle->statistics.rx_packets = some(0);
		idle->channels.combined = some(1);
		snprintf(busy->name, sizeof(busy->name), "eth1");
		busy->index = 3;
		busy->master = 4;
		busy->channels.combined = some(2);
		*bond = (struct nic){.name = "bond0", .index = 4, .kind = "bond"};
		bond->up = bond->default_route = true;
		bond->statistics = busy->statistics;
		m->all[i][0] = *idle;
		m->all[i][1] = *busy;
		struct sample *s = i ? &m->after : &m->before;
		s->nics = (struct nics){.at = cards[i], .count = 2};
		s->all = (struct nics){.at = m->all[i], .count = 3};
	}
}

static void gro_off(struct moments *m)
{
	m->features[0] = (struct nic_feature){"rx-gro", false, false, true};
	m->features[1] = (struct nic_feature){"tx-tcp-segmentation", false, false, false};
	m->cards[1].features = m->features;
	m->cards[1].feature_count = 2;
}

static struct nic_qdisc qdisc_of(const char *kind, uint32_t handle, uint32_t parent, uint32_t drops)
{
	struct nic_qdisc q = {.handle = handle, .parent = parent, .drops = drops};
	snprintf(q.kind, sizeof(q.kind), "%s", kind);
	return q;
}
static void shaped(struct moments *m) { snprintf(m->cards[1].qdisc, 16, "netem"); }
/* Of a veth in a container, or of one whose other end is one's. */
static void veth_shaped(struct moments *m, const char *qdisc, uint32_t master, uint64_t drops)
{
	for (int i = 0; i < 2; i++) {
		struct sample *s = i ? &m->after : &m->before;
		m->all[i][0] = (struct nic){.name = "eth1",
					    .kind = "veth",
					    .index = 7,
					    .up = true,
					    .master = master,
					    .qdiscs = m->qdiscs[i],
					    .qdisc_count = 1};
		m->qdiscs[i][0] = qdisc_of(qdisc, 0x80010000, TC_H_ROOT,
					   UINT32_MAX - 1 + (uint32_t)(i ? drops : 0)); /* wraps */
		snprintf(m->all[i][0].qdisc, 16, "%s", qdisc);
		s->all = (struct nics){.at = m->all[i], .count = 1};
	}
}
static void container_shaped(struct moments *m) { veth_shaped(m, "tbf", 0, 0); }
static void bridged_shaped(struct moments *m) { veth_shaped(m, "tbf", 3, 9); }
/* Outside of the server's namespace: the other end of its own veth pair is in a bridge, too. */
static void outside_shaped(struct moments *m, uint32_t end, size_t count)
{
	static struct probe_options options;
	options =
		(struct probe_options){.entered = true, .outside = {OUTSIDE_HERE, count, {3, end}}};
	m->moment.options = &options;
	m->all[0][0].peer = m->all[1][0].peer = 2;
}
static void servers_end_full(struct moments *m)
{
	veth_shaped(m, "pfifo_fast", 3, 9);
	outside_shaped(m, 7, 2);
}
static void end_of_another_full(struct moments *m)
{
	veth_shaped(m, "pfifo_fast", 0, 9);
	outside_shaped(m, 8, 2);
}
/* As where the server's interface is a macvlan. */
static void end_is_not_known(struct moments *m)
{
	veth_shaped(m, "pfifo_fast", 0, 9);
	outside_shaped(m, 8, 0);
}
static void queue_full(struct moments *m) { veth_shaped(m, "pfifo_fast", 0, 40); }
/* A qdisc that controls congestion has dropped some of 10 000 packets. */
static void controlled(struct moments *m, uint64_t drops)
{
	veth_shaped(m, "fq_codel", 0, drops);
	m->all[0][0].statistics.tx_packets = some(7);
	m->all[1][0].statistics.tx_packets = some(10007 - drops);
}
static void congestion_controlled(struct moments *m) { controlled(m, 99); }
static void congested(struct moments *m) { controlled(m, 600); }
static void congested_below(struct moments *m)
{
	controlled(m, 0);
	snprintf(m->qdiscs[0][0].kind, 16, "mq");
	snprintf(m->qdiscs[1][0].kind, 16, "mq");
	for (int i = 0; i < 2; i++) {
		m->qdiscs[i][1] = qdisc_of("cake", 0x80020000, 0x80010001, i ? 200 : 0);
		m->qdiscs[i][2] = qdisc_of("fq", 0x80030000, 0x80010002, 0);
		m->qdiscs[i][0].drops += i ? 200 : 0;
		m->all[i][0].qdisc_count = 3;
	}
}
static void congested_while_idle(struct moments *m)
{
	controlled(m, 9);
	m->all[1][0].statistics.tx_packets = some(8);
}
/* One below a root, which counts its drops too; `handle` 0: as the kernel makes them. */
static void veth_tree(struct moments *m, const char *root, uint32_t handle, const char *below,
		      uint32_t root_drops, uint32_t drops)
{
	uint32_t own = handle ? 0x80020000 : 0;
	veth_shaped(m, root, 0, 0);
	for (int i = 0; i < 2; i++) {
		m->qdiscs[i][0] = qdisc_of(root, handle, TC_H_ROOT, i ? root_drops : 0);
		m->qdiscs[i][1] = qdisc_of("fq_codel", own, handle | 1, 0);
		m->qdiscs[i][2] = qdisc_of(below, own, handle | 3, i ? drops : 0);
		m->all[i][0].qdisc_count = 3;
		m->all[i][0].statistics.tx_packets = some(i ? 1000000 : 0);
	}
}
static void queue_of_mq_full(struct moments *m) { veth_tree(m, "mq", 0x10000, "bfifo", 30, 30); }
static void queue_of_default_mq_full(struct moments *m) { veth_tree(m, "mq", 0, "fq", 30, 30); }
static void mq_controls(struct moments *m) { veth_tree(m, "mq", 0, "fq_codel", 31, 30); }
static void class_controls(struct moments *m) { veth_tree(m, "prio", 0x10000, "fq_codel", 30, 30); }
/* The leaf dropped further ones between the reading of its parent and its own. */
static void class_raced(struct moments *m) { veth_tree(m, "prio", 0x10000, "fq_codel", 31, 30); }
static void class_raced_by_many(struct moments *m)
{
	veth_tree(m, "prio", 0x10000, "fq_codel", 2100, 2000);
}
static void class_full(struct moments *m) { veth_tree(m, "prio", 0x10000, "fq_codel", 107, 30); }
static void queue_of_mq_shaped(struct moments *m) { veth_tree(m, "mq", 0x10000, "tbf", 0, 0); }
static void queue_replaced(struct moments *m)
{
	veth_tree(m, "mq", 0x10000, "bfifo", 0, 0);
	m->qdiscs[0][0].drops = m->qdiscs[0][2].drops = 9;
}
static void vlan_full(struct moments *m)
{
	queue_full(m);
	for (int i = 0; i < 2; i++)
		snprintf(m->all[i][0].kind, sizeof(m->all[i][0].kind), "vlan");
}
/* A virtual interface that sends 10 000 packets and drops some. */
static void other_end_takes_not(struct moments *m, const char *kind, uint32_t master,
				uint64_t dropped)
{
	veth_shaped(m, "fq_codel", master, 0);
	for (int i = 0; i < 2; i++) {
		struct nic *n = &m->all[i][0];
		snprintf(n->kind, sizeof(n->kind), "%s", kind);
		n->running = true;
		n->statistics.tx_packets = some(i ? 10000 - dropped : 0);
		n->statistics.tx_dropped = some(i ? dropped : 0);
	}
}
static void tun_unread(struct moments *m) { other_end_takes_not(m, "tun", 0, 10); }
static void tun_unread_few(struct moments *m) { other_end_takes_not(m, "tun", 0, 9); }
static void tap_of_a_guest(struct moments *m) { other_end_takes_not(m, "tun", 3, 400); }
static void veth_ring_full(struct moments *m) { other_end_takes_not(m, "veth", 0, 400); }
static void peer_is_away(struct moments *m) { other_end_takes_not(m, "wireguard", 0, 400); }
static void tun_without_reader(struct moments *m)
{
	tun_unread(m);
	m->all[1][0].running = false;
}
/* It has the same packets: no ring. */
static void veth_backlog_full(struct moments *m)
{
	veth_ring_full(m);
	m->all[1][0].statistics.rx_packets = some(200000);
	m->cpus[1][2].dropped = 395;
}

/* A tunnel that receives 10 000 packets and drops others. */
static void unpacked(struct moments *m, const char *kind, uint64_t dropped)
{
	veth_shaped(m, "noqueue", 0, 0);
	for (int i = 0; i < 2; i++) {
		struct nic *n = &m->all[i][0];
		snprintf(n->kind, sizeof(n->kind), "%s", kind);
		n->running = true;
		n->statistics.rx_packets = some(i ? 10000 : 0);
		n->statistics.rx_dropped = some(i ? 90 + dropped : 90);
	}
}
static void tunnel_full(struct moments *m) { unpacked(m, "vxlan", 400); }
static void tunnel_full_in_a_bridge(struct moments *m)
{
	unpacked(m, "geneve", 400);
	m->all[0][0].master = m->all[1][0].master = 9;
}
static void tunnel_met_a_protocol(struct moments *m) { unpacked(m, "vxlan", 9); }
static void tunnel_met_protocols(struct moments *m)
{
	unpacked(m, "vxlan", 99);
	m->moment.seconds = 10;
}
static void bridge_met_protocols(struct moments *m) { unpacked(m, "bridge", 400); }
static void tunnel_steered(struct moments *m)
{
	unpacked(m, "vxlan", 395);
	m->all[1][0].statistics.rx_packets = some(200000);
	m->cpus[1][2].dropped = 395;
}

static void filtered(struct moments *m, const char *kind, uint32_t dropped, uint64_t packets)
{
	veth_shaped(m, "fq_codel", 0, 0);
	for (int i = 0; i < 2; i++) {
		m->all[i][0].filters = qdisc_of(kind, 0xffff0000, TC_H_INGRESS,
						UINT32_MAX - 1 + (i ? dropped : 0)); /* wraps */
		m->all[i][0].statistics.rx_packets = some(i ? packets : 0);
	}
}
static void policed(struct moments *m) { filtered(m, "ingress", 400, 1000); }
static void clsact_filters(struct moments *m) { filtered(m, "clsact", 400, 1000); }
static void policed_few(struct moments *m) { filtered(m, "ingress", 10, 10000); }
static void policed_lately(struct moments *m)
{
	policed(m);
	m->all[0][0].filters = (struct nic_qdisc){0};
}

static void received_full(struct moments *m)
{
	queue_full(m);
	for (int i = 0; i < 2; i++)
		snprintf(m->all[i][0].kind, sizeof(m->all[i][0].kind), "ifb");
}
static void coalesced(struct moments *m) { m->cards[1].coalesce.rx_usecs = some(200); }

static void coalesced_adaptively(struct moments *m)
{
	coalesced(m);
	m->cards[1].coalesce.adaptive_rx = some(1);
}

static void one_cpu_interrupts(struct moments *m)
{
	static char cpu[] = "0";
	for (int i = 0; i < 4; i++)
		m->irqs[i].affinity = cpu;
	m->cards[1].irqs = m->irqs;
	m->cards[1].irq_count = 4;
}

static void all_cpus_interrupt(struct moments *m)
{
	static char all[] = "0-3";
	one_cpu_interrupts(m);
	m->irqs[3].affinity = all;
}

static void all_cpus_interrupt_but_one_does(struct moments *m)
{
	static char cpu[] = "2";
	all_cpus_interrupt(m);
	for (int i = 0; i < 4; i++)
		m->irqs[i].effective = cpu;
}

static void crowded_by_affinity(struct moments *m)
{
	crowded_two_queues(m);
	one_cpu_interrupts(m);
}

/* A cpuset binds the server to CPUs 0 and 1. */
static void server_interrupts(struct moments *m)
{
	static char cpus[] = "0-1";
	one_cpu_interrupts(m);
	m->irqs[3].affinity = cpus;
	snprintf(m->after.online, sizeof(m->after.online), "0-3");
	snprintf(m->after.server, sizeof(m->after.server), "0-1");
}

static void server_interrupts_saturate(struct moments *m)
{
	server_interrupts(m);
	crowded(m);
	m->cpus[1][2].processed += 50000;
}

static void offline_interrupts(struct moments *m)
{
	static char cpu[] = "7";
	all_cpus_interrupt(m);
	m->irqs[0].affinity = cpu;
	snprintf(m->after.online, sizeof(m->after.online), "0-3");
}

static void one_queue(struct moments *m)
{
	static char off[] = "0";
	m->cards[1].channels.combined = some(1);
	m->queues[1].cpus = off;
}

static void one_queue_of_two_cpus(struct moments *m)
{
	one_queue(m);
	m->before.softnet.count = m->after.softnet.count = 2;
}

/* Synthetic: a counter of the driver, before and after. */
static void counts(struct moments *m, const char *driver, const char *name, uint64_t before,
		   uint64_t after)
{
	for (int i = 0; i < 2; i++) {
		m->counters[i].value = i ? after : before;
		snprintf(m->counters[i].name, sizeof(m->counters[i].name), "%s", name);
		snprintf(m->cards[i].driver, sizeof(m->cards[i].driver), "%s", driver);
		m->cards[i].counters = &m->counters[i];
		m->cards[i].counter_count = 1;
	}
}

static void ena_shapes(struct moments *m)
{
	counts(m, "ena", "bw_in_allowance_exceeded", 3241329, 3261329);
}

/* The name of a counter means what its driver says. */
static void another_driver_counts_an_allowance(struct moments *m)
{
	counts(m, "veryfast", "bw_in_allowance_exceeded", 3241329, 3261329);
}

static void ena_shapes_a_burst(struct moments *m)
{
	counts(m, "ena", "pps_allowance_exceeded", 12, 60);
}

static void ena_shaped(struct moments *m)
{
	counts(m, "ena", "bw_in_allowance_exceeded", 3241329, 3241329);
}

static void ena_refuses(struct moments *m)
{
	counts(m, "ena", "conntrack_allowance_exceeded", 0, 2);
}

static void ena_tracks(struct moments *m)
{
	counts(m, "ena", "conntrack_allowance_available", 200000, 250000);
}

static void device_limits_its_rate(struct moments *m)
{
	m->queues[0].hw_drop_ratelimits = some(1000);
	m->queues[1].hw_drop_ratelimits = some(3500);
}

static void ena_drops(struct moments *m)
{
	counts(m, "ena", "", 0, 0);
	m->cards[0].statistics.rx_dropped = some(40);
	m->cards[1].statistics.rx_dropped = some(4040);
}

static void ena_drops_few(struct moments *m)
{
	ena_drops(m);
	m->cards[1].statistics.rx_dropped = some(60);
}

static void ena_drops_of(struct moments *m, uint64_t lost, uint64_t packets)
{
	ena_drops(m);
	m->cards[1].statistics.rx_dropped = some(40 + lost);
	m->cards[1].statistics.rx_packets = some(1000000 + packets);
}
/* 150 of 50 000 a second. */
static void ena_drops_at_a_rate(struct moments *m) { ena_drops_of(m, 75, 25000); }
static void ena_drops_nine(struct moments *m) { ena_drops_of(m, 9, 90); }

/* The backlog was full: rx_dropped counts the same packets. */
static void ena_backlog_drops(struct moments *m)
{
	ena_drops(m);
	m->cpus[1][2].dropped = 4000;
}

static void errors(struct moments *m)
{
	m->cards[0].statistics.rx_errors = some(0);
	m->cards[1].statistics.rx_errors = some(9);
}
static void errors_of(struct moments *m, uint64_t grown, uint64_t packets)
{
	m->cards[0].statistics.rx_errors = some(0);
	m->cards[1].statistics.rx_errors = some(grown);
	m->cards[1].statistics.rx_packets = some(1000000 + packets);
}
static void errors_many(struct moments *m) { errors_of(m, 10, 9990); }
static void errors_few(struct moments *m) { errors_of(m, 9, 10); }
static void errors_of_more(struct moments *m) { errors_of(m, 10, 9991); }

static void not_sent(struct moments *m, bool carrier, uint64_t errors, uint64_t dropped)
{
	for (int i = 0; i < 2; i++) {
		m->cards[i].running = carrier;
		m->cards[i].statistics.tx_errors = some(i ? errors : 0);
		m->cards[i].statistics.tx_dropped = some(i ? dropped : 0);
	}
}
static void sending_fails(struct moments *m) { not_sent(m, true, 400, 0); }
static void sending_drops(struct moments *m) { not_sent(m, true, 0, 400); }
static void sending_drops_few(struct moments *m) { not_sent(m, true, 0, 9); }
static void sending_without_carrier(struct moments *m) { not_sent(m, false, 400, 400); }

/* Some drivers add lost packets to the errors. */
static void ring_loses_as_errors(struct moments *m)
{
	errors(m);
	ring_loses(m);
}

/* eth0 is hv_netvsc, enP1 its function, which loses packets. */
static void function_loses(struct moments *m)
{
	static struct nic cards[2][2];
	for (int i = 0; i < 2; i++) {
		struct sample *s = i ? &m->after : &m->before;
		struct nic *master = &cards[i][0], *vf = &cards[i][1];
		*master = *vf = m->cards[i];
		snprintf(master->driver, sizeof(master->driver), "hv_netvsc");
		master->rings.rx = some(9709);
		master->queue_count = 0;
		snprintf(vf->name, sizeof(vf->name), "enP1");
		snprintf(vf->driver, sizeof(vf->driver), "mlx5_core");
		vf->index = 3;
		vf->master = 2;
		vf->default_route = false;
		vf->running = true;
		vf->rings.rx = some(1024);
		vf->channels.combined = vf->channels.combined_max = some(4);
		vf->statistics.rx_missed_errors = some(i ? 700 : 0);
		vf->coalesce.rx_usecs = some(8);
		s->nics = s->all = (struct nics){.at = cards[i], .count = 2};
	}
}

/* Only those of the function matter. */
static void master_delays(struct moments *m)
{
	function_loses(m);
	m->after.nics.at[1].statistics.rx_missed_errors = some(0);
	m->after.nics.at[0].coalesce.rx_usecs = some(500);
}

static void down(struct moments *m) { m->cards[0].up = m->cards[1].up = false; }
static void unlisted(struct moments *m) { report_text(m->after.unlisted, "netlink: EPERM"); }
static void no_softnet(struct moments *m) { m->after.no_softnet.code = EACCES; }

static void no_settings(struct moments *m)
{
	m->cards[1].rings = (struct nic_rings){0};
	m->cards[1].channels = (struct nic_channels){0};
	m->cards[1].link = (struct nic_link){0};
}

#define WARN LEVEL_WARNING
#define NOTE LEVEL_NOTE

/* The expected finding, if any, with its first counter and its proposal. */
static const struct {
	void (*plant)(struct moments *);
	const char *id;
	enum finding_level level;
	enum finding_remedy remedy;
	const char *counter;
	int count;
	const char *proposals;
} findings[] = {
	{healthy, "", 0, 0, "", 0, ""},
	{ring_loses, "nic.ring.overrun", WARN, REMEDY_DEVICE, "rx_missed_errors", 120,
	 "device.ring.rx@eth0 256 -> 512"},
	{ring_loses_one, "nic.ring.overrun", WARN, REMEDY_DEVICE, "rx_missed_errors", 1,
	 "device.ring.rx@eth0 256 -> 512"},
	{ring_loses_one_of_many, "", 0, 0, "", 0, ""},
	{ring_near_maximum_loses, "nic.ring.overrun", WARN, REMEDY_DEVICE, "rx_fifo_errors", 1,
	 "device.ring.rx@eth0 3000 -> 4096"},
	{ring_at_maximum_loses, "nic.ring.overrun", WARN, REMEDY_NONE, "rx_fifo_errors", 1, ""},
	{ring_unknown_loses, "nic.ring.overrun", WARN, REMEDY_NONE, "rx_missed_errors", 120, ""},
	{driver_counts, "nic.ring.overrun", WARN, REMEDY_DEVICE, "rx_out_of_buffer", 12,
	 "device.ring.rx@eth0 256 -> 512"},
	{queues_count, "nic.ring.overrun", WARN, REMEDY_DEVICE, "rx-hw-drop-overruns", 3,
	 "device.ring.rx@eth0 256 -> 512"},
	{ring_lost, "nic.ring.past", NOTE, REMEDY_DEVICE, "", 0, ""},
	{ring_lost_once, "", 0, 0, "", 0, ""},
	{backlog_drops, "softnet.backlog.drops", WARN, REMEDY_KERNEL,
	 "softnet_stat column 2 (dropped)", 10, "net.core.netdev_max_backlog 1000 -> 2000"},
	{backlog_drops_among_others, "softnet.backlog.drops", WARN, REMEDY_KERNEL,
	 "softnet_stat column 2 (dropped)", 10, "net.core.netdev_max_backlog 1000 -> 2000"},
	{backlog_drops_rarely, "", 0, 0, "", 0, ""},
	{backlog_drops_elsewhere, "", 0, 0, "", 0, ""},
	{backlog_drops_in_a_container, "softnet.backlog.drops", WARN, REMEDY_KERNEL,
	 "softnet_stat column 2 (dropped)", 100, ""},
	{backlog_drops_in_a_container_entered, "softnet.backlog.drops", WARN, REMEDY_KERNEL,
	 "softnet_stat column 2 (dropped)", 100, "net.core.netdev_max_backlog 1000 -> 2000"},
	{backlog_drops_of_other_containers, "", 0, 0, "", 0, ""},
	{backlog_drops_of_others_beside_protocols, "", 0, 0, "", 0, ""},
	{moved_to_a_container, "nic.outside", NOTE, REMEDY_NONE, "", 0, ""},
	{moved_and_looks_back, "", 0, 0, "", 0, ""},
	{backlog_hidden, "", 0, 0, "", 0, ""},
	{backlog_hidden_drops, "softnet.backlog.drops", WARN, REMEDY_KERNEL,
	 "softnet_stat column 2 (dropped)", 10, ""},
	{backlog_near_maximum_drops, "softnet.backlog.drops", WARN, REMEDY_KERNEL,
	 "softnet_stat column 2 (dropped)", 10,
	 "net.core.netdev_max_backlog 2000000000 -> 2147483647"},
	{backlog_at_maximum_drops, "softnet.backlog.drops", WARN, REMEDY_KERNEL,
	 "softnet_stat column 2 (dropped)", 10, ""},
	{backlog_dropped, "softnet.backlog.past", NOTE, REMEDY_NONE, "", 0, ""},
	{backlog_dropped_by_this_check, "", 0, 0, "", 0, ""},
	{backlog_dropped_few_of_many, "", 0, 0, "", 0, ""},
	{squeezes, "softnet.budget.squeezed", WARN, REMEDY_KERNEL,
	 "softnet_stat column 3 (time_squeeze)", 50, "net.core.netdev_budget 300 -> 600"},
	{budget_of_one, "softnet.budget.squeezed", WARN, REMEDY_KERNEL,
	 "softnet_stat column 3 (time_squeeze)", 50, "net.core.netdev_budget 1 -> 300"},
	{squeezes_rarely, "", 0, 0, "", 0, ""},
	{squeezes_without_harm, "", 0, 0, "", 0, ""},
	{squeezed, "softnet.budget.past", NOTE, REMEDY_NONE, "", 0, ""},
	{squeezes_by_time, "softnet.budget.squeezed", WARN, REMEDY_KERNEL,
	 "softnet_stat column 3 (time_squeeze)", 5000, "net.core.netdev_budget_usecs 2000 -> 4000"},
	{others_packets, "", 0, 0, "", 0, ""},
	{an_interface_vanishes, "", 0, 0, "", 0, ""},
	/* One queue for each CPU, not the device's maximum of 8. */
	{crowded_two_queues, "nic.queues.one-cpu", WARN, REMEDY_DEVICE,
	 "packets taken by the busiest CPU", 100, "device.channels@eth0 2 -> 4"},
	{crowded_table, "nic.queues.one-cpu", WARN, REMEDY_NONE, "packets taken by the busiest CPU",
	 100, ""},
	{crowded_table_of_two, "nic.queues.one-cpu", WARN, REMEDY_NONE,
	 "packets taken by the busiest CPU", 100, ""},
	{crowded_table_of_all, "nic.queues.one-cpu", WARN, REMEDY_DEVICE,
	 "packets taken by the busiest CPU", 100, "device.channels@eth0 2 -> 4"},
	{crowded, "nic.queues.one-cpu", WARN, REMEDY_NONE, "packets taken by the busiest CPU", 100,
	 ""},
	{crowded_one_queue, "nic.queues.one-cpu", WARN, REMEDY_DEVICE,
	 "packets taken by the busiest CPU", 100, "device.rps_cpus@eth0 0 -> f"},
	{crowded_one_queue_with_rps, "nic.queues.one-cpu", WARN, REMEDY_NONE,
	 "packets taken by the busiest CPU", 100, ""},
	{crowded_and_idle, "", 0, 0, "", 0, ""},
	/* More queues of an interface do not help loopback. */
	{crowded_by_loopback, "nic.queues.one-cpu", NOTE, REMEDY_NONE,
	 "packets taken by the busiest CPU", 100, ""},
	{crowded_bond, "nic.queues.one-cpu", WARN, REMEDY_DEVICE,
	 "packets taken by the busiest CPU", 100, "device.channels@eth1 2 -> 4"},
	/* A setting that the driver cannot change is not a finding. */
	{gro_off, "nic.offload", NOTE, REMEDY_DEVICE, "", 0, ""},
	{shaped, "nic.qdisc", NOTE, REMEDY_NONE, "", 0, ""},
	{container_shaped, "nic.qdisc", NOTE, REMEDY_NONE, "", 0, ""},
	{bridged_shaped, "", 0, 0, "", 0, ""},
	{servers_end_full, "nic.qdisc.dropping", WARN, REMEDY_NONE, "packets dropped", 9, ""},
	{end_of_another_full, "", 0, 0, "", 0, ""},
	{end_is_not_known, "nic.qdisc.dropping", WARN, REMEDY_NONE, "packets dropped", 9, ""},
	{queue_full, "nic.qdisc.dropping", WARN, REMEDY_NONE, "packets dropped", 40, ""},
	{congestion_controlled, "", 0, 0, "", 0, ""},
	{congested, "nic.qdisc.congested", WARN, REMEDY_NONE, "packets dropped", 600, ""},
	{congested_below, "nic.qdisc.congested", WARN, REMEDY_NONE, "packets dropped", 200, ""},
	{congested_while_idle, "", 0, 0, "", 0, ""},
	{queue_of_mq_full, "nic.qdisc.dropping", WARN, REMEDY_NONE, "packets dropped", 30, ""},
	{queue_of_default_mq_full, "nic.qdisc.dropping", WARN, REMEDY_NONE, "packets dropped", 30,
	 ""},
	{mq_controls, "", 0, 0, "", 0, ""},
	{class_controls, "", 0, 0, "", 0, ""},
	{class_raced, "", 0, 0, "", 0, ""},
	{class_raced_by_many, "", 0, 0, "", 0, ""},
	{class_full, "nic.qdisc.dropping", WARN, REMEDY_NONE, "packets dropped", 77, ""},
	{queue_of_mq_shaped, "nic.qdisc", NOTE, REMEDY_NONE, "", 0, ""},
	{queue_replaced, "", 0, 0, "", 0, ""},
	{vlan_full, "nic.qdisc.dropping", WARN, REMEDY_NONE, "packets dropped", 40, ""},
	{received_full, "", 0, 0, "", 0, ""},
	{policed, "nic.filters.dropping", NOTE, REMEDY_NONE, "packets dropped", 400, ""},
	{clsact_filters, "nic.filters.dropping", NOTE, REMEDY_NONE, "packets dropped", 400, ""},
	{policed_few, "", 0, 0, "", 0, ""},
	{policed_lately, "", 0, 0, "", 0, ""},
	{tun_unread, "nic.errors", WARN, REMEDY_APPLICATION, "tx_dropped", 10, ""},
	{tun_unread_few, "", 0, 0, "", 0, ""},
	{tap_of_a_guest, "", 0, 0, "", 0, ""},
	{tun_without_reader, "", 0, 0, "", 0, ""},
	{veth_ring_full, "nic.errors", WARN, REMEDY_NONE, "tx_dropped", 400, ""},
	{veth_backlog_full, "softnet.backlog.drops", WARN, REMEDY_KERNEL,
	 "softnet_stat column 2 (dropped)", 395, "net.core.netdev_max_backlog 1000 -> 2000"},
	{peer_is_away, "", 0, 0, "", 0, ""},
	{tunnel_full, "nic.tunnel.dropping", WARN, REMEDY_NONE, "rx_dropped", 400, ""},
	{tunnel_full_in_a_bridge, "nic.tunnel.dropping", WARN, REMEDY_NONE, "rx_dropped", 400, ""},
	{tunnel_met_a_protocol, "", 0, 0, "", 0, ""},
	{tunnel_met_protocols, "", 0, 0, "", 0, ""},
	{bridge_met_protocols, "", 0, 0, "", 0, ""},
	{tunnel_steered, "softnet.backlog.drops", WARN, REMEDY_KERNEL,
	 "softnet_stat column 2 (dropped)", 395, "net.core.netdev_max_backlog 1000 -> 2000"},
	{coalesced, "nic.coalesce", NOTE, REMEDY_DEVICE, "", 0, ""},
	{coalesced_adaptively, "", 0, 0, "", 0, ""},
	{one_cpu_interrupts, "nic.affinity", NOTE, REMEDY_NONE, "", 0, ""},
	{all_cpus_interrupt, "", 0, 0, "", 0, ""},
	{all_cpus_interrupt_but_one_does, "nic.affinity", NOTE, REMEDY_NONE, "", 0, ""},
	/* More queues would go to the same CPU. */
	{crowded_by_affinity, "nic.queues.one-cpu", WARN, REMEDY_NONE,
	 "packets taken by the busiest CPU", 100, ""},
	{server_interrupts, "nic.server-cpus", NOTE, REMEDY_NONE, "", 0, ""},
	{server_interrupts_saturate, "nic.server-cpus", WARN, REMEDY_NONE, "", 0, ""},
	{offline_interrupts, "nic.offline-cpus", NOTE, REMEDY_NONE, "", 0, ""},
	{one_queue, "nic.one-queue", NOTE, REMEDY_NONE, "", 0, ""},
	{one_queue_of_two_cpus, "", 0, 0, "", 0, ""},
	{ena_shapes, "nic.allowance.exceeded", WARN, REMEDY_PROVIDER, "bw_in_allowance_exceeded",
	 20000, ""},
	{another_driver_counts_an_allowance, "", 0, 0, "", 0, ""},
	{ena_shapes_a_burst, "", 0, 0, "", 0, ""},
	{ena_shaped, "nic.allowance.past", NOTE, REMEDY_PROVIDER, "", 0, ""},
	{ena_refuses, "nic.allowance.exceeded", WARN, REMEDY_PROVIDER,
	 "conntrack_allowance_exceeded", 2, ""},
	{ena_tracks, "", 0, 0, "", 0, ""},
	{device_limits_its_rate, "nic.allowance.exceeded", WARN, REMEDY_PROVIDER,
	 "hw-drop-ratelimits", 2500, ""},
	{ena_drops, "nic.ring.overrun", WARN, REMEDY_DEVICE, "rx_dropped", 4000,
	 "device.ring.rx@eth0 256 -> 512"},
	{ena_drops_few, "", 0, 0, "", 0, ""},
	{ena_drops_at_a_rate, "nic.ring.overrun", WARN, REMEDY_DEVICE, "rx_dropped", 75,
	 "device.ring.rx@eth0 256 -> 512"},
	{ena_drops_nine, "", 0, 0, "", 0, ""},
	{ena_backlog_drops, "softnet.backlog.drops", WARN, REMEDY_KERNEL,
	 "softnet_stat column 2 (dropped)", 4000, "net.core.netdev_max_backlog 1000 -> 2000"},
	{errors, "nic.errors", NOTE, REMEDY_DEVICE, "rx_errors", 9, ""},
	{errors_many, "nic.errors", WARN, REMEDY_DEVICE, "rx_errors", 10, ""},
	{sending_fails, "nic.errors", WARN, REMEDY_DEVICE, "tx_errors", 400, ""},
	{sending_drops, "nic.errors", WARN, REMEDY_DEVICE, "tx_dropped", 400, ""},
	{sending_drops_few, "nic.errors", NOTE, REMEDY_DEVICE, "tx_dropped", 9, ""},
	{sending_without_carrier, "", 0, 0, "", 0, ""},
	{errors_few, "nic.errors", NOTE, REMEDY_DEVICE, "rx_errors", 9, ""},
	{errors_of_more, "nic.errors", NOTE, REMEDY_DEVICE, "rx_errors", 10, ""},
	{ring_loses_as_errors, "nic.ring.overrun", WARN, REMEDY_DEVICE, "rx_missed_errors", 120,
	 "device.ring.rx@eth0 256 -> 512"},
	{function_loses, "nic.ring.overrun", WARN, REMEDY_DEVICE, "rx_missed_errors", 700,
	 "device.ring.rx@enP1 1024 -> 2048"},
	{master_delays, "", 0, 0, "", 0, ""},
};

static void judge_moments(void (*plant)(struct moments *), bool once)
{
	static struct moments m;
	healthy(&m);
	plant(&m);
	if (once)
		m.moment.seconds = 0;
	report_init(&report);
	observation.judge(once ? &m.after : &m.before, &m.after, &m.moment, &report);
}

static void growth_is_found(void **state)
{
	for (size_t i = 0; i < sizeof(findings) / sizeof(*findings); i++) {
		judge_moments(findings[i].plant, false);
		const struct finding *f = report.finding_count ? &report.findings[0] : NULL;
		const char *proposals = verdict_proposals(&report);
		if (report.finding_count > 1 || strcmp(f ? f->id : "", findings[i].id) != 0)
			fail_msg("row %zu: %zu findings, %s", i, report.finding_count,
				 f ? f->id : "");
		if (!f)
			continue;
		const struct evidence *ev = &f->evidence[0];
		if (strcmp(proposals, findings[i].proposals) != 0 ||
		    f->level != findings[i].level || f->remedy != findings[i].remedy ||
		    strcmp(ev->name, findings[i].counter) != 0 ||
		    (int)ev->at_current != findings[i].count ||
		    (f->tried == TRIED_NOT) != (proposals[0] != 0) || f->observed != true)
			fail_msg("row %zu: %s %s [%s] %s %s %g", i, f->id,
				 finding_level_name(f->level), proposals,
				 finding_remedy_name(f->remedy), ev->name, ev->at_current);
		if (strchr(f->title, '{') || strchr(f->detail, '{') || strchr(f->advice, '{'))
			fail_msg("%s: %s: %s %s", f->id, f->title, f->detail, f->advice);
	}
}

/* Some cards have a loss in their counters at intervals only. */
static void the_window_is_longer_than_the_interval_of_a_card(void **state)
{
	static const struct {
		const char *driver;
		bool up;
		uint64_t us;
	} rows[] = {{"ena", true, 1100000},
		    {"bnxt_en", true, 1100000},
		    {"ena", false, 0},
		    {"ixgbe", true, 0}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct moments m;
		healthy(&m);
		snprintf(m.cards[0].driver, sizeof(m.cards[0].driver), "%s", rows[i].driver);
		m.cards[0].up = rows[i].up;
		assert_int_equal(observation.window_us(&m.before), rows[i].us);
	}
}

static struct report earlier;

/* The report that a check of the first sample makes, an hour before. */
static void earlier_make(const struct moments *m)
{
	report_init(&earlier);
	earlier.time.tv_sec = 1795852800;
	report_text(earlier.host.boot, "boot-1");
	judge_since(&(struct nic_watch){.before = &m->before, .after = &m->before}, NULL, &earlier);
	report_counter(&earlier, "softnet.dropped",
		       (int64_t)softnet_total(&m->before.softnet).dropped);
}

static void ring_lost_more(struct moments *m)
{
	ring_lost(m);
	m->cards[1].statistics.rx_missed_errors = some(205);
}
static void ring_lost_few(struct moments *m)
{
	ring_lost(m);
	m->cards[1].statistics.rx_missed_errors = some(14);
}
static void ring_lost_first(struct moments *m)
{
	m->cards[1].statistics.rx_missed_errors = some(10);
}
static void ring_loses_of_more(struct moments *m)
{
	ring_lost_first(m);
	m->cards[1].statistics.rx_packets = some(1000000 + 1000001);
}
static void errors_lost(struct moments *m) { errors_of(m, 100, 99900); }
static void errors_lost_few(struct moments *m) { errors_of(m, 100, 99901); }
static void ena_refuses_ten(struct moments *m)
{
	counts(m, "ena", "conntrack_allowance_exceeded", 7, 17);
}
/* The driver was loaded again. */
static void reloaded(struct moments *m)
{
	ring_lost(m);
	m->cards[1].statistics.rx_packets = some(200000);
	m->cards[1].statistics.rx_missed_errors = some(4);
	m->cards[1].statistics.rx_fifo_errors = some(40);
}
/* Queues that counted it were removed. */
static void fallen(struct moments *m)
{
	ring_lost(m);
	m->cards[1].statistics.rx_fifo_errors = some(40);
}
static void connected(struct moments *m)
{
	m->cards[0].running = false;
	m->cards[0].statistics.tx_dropped = m->cards[1].statistics.tx_dropped = some(50000);
}
static void added(struct moments *m)
{
	ring_lost_first(m);
	m->before.nics.count = 0;
}

static void cards_are_compared_with_an_earlier_report(void **state)
{
	static const struct {
		void (*plant)(struct moments *);
		const char *boot, *finding, *counter;
		int count;
		enum finding_remedy remedy;
	} rows[] = {
		{healthy, "boot-1", "", "", 0, 0},
		{ring_lost, "boot-1", "", "", 0, 0},
		/* Not the counter with the largest total. */
		{ring_lost_more, "boot-1", "nic.since warning", "rx_missed_errors", 200,
		 REMEDY_DEVICE},
		{ring_lost_few, "boot-1", "", "", 0, 0},
		{ring_lost_first, "boot-1", "nic.since warning", "rx_missed_errors", 10,
		 REMEDY_DEVICE},
		{ring_loses_of_more, "boot-1", "", "", 0, 0},
		{ring_lost, "boot-2", "nic.since warning", "rx_fifo_errors", 50000, REMEDY_DEVICE},
		{reloaded, "boot-1", "nic.since warning", "rx_fifo_errors", 40, REMEDY_DEVICE},
		{fallen, "boot-1", "", "", 0, 0},
		{connected, "boot-1", "", "", 0, 0},
		{added, "boot-1", "", "", 0, 0},
		{errors_lost, "boot-1", "nic.since warning", "rx_errors", 100, REMEDY_DEVICE},
		{errors_lost_few, "boot-1", "", "", 0, 0},
		{ena_drops, "boot-1", "nic.since warning", "rx_dropped", 4000, REMEDY_DEVICE},
		{ena_drops_few, "boot-1", "", "", 0, 0},
		{ena_backlog_drops, "boot-1", "", "", 0, 0},
		{ena_shapes, "boot-1", "nic.since warning", "bw_in_allowance_exceeded", 20000,
		 REMEDY_PROVIDER},
		{ena_shapes_a_burst, "boot-1", "", "", 0, 0},
		{ena_refuses, "boot-1", "", "", 0, 0},
		{ena_refuses_ten, "boot-1", "nic.since warning", "conntrack_allowance_exceeded", 10,
		 REMEDY_PROVIDER},
	};
	const struct probe_options options = {.since = &earlier};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct moments m;
		char row[32];
		snprintf(row, sizeof(row), "row %zu", i);
		healthy(&m);
		rows[i].plant(&m);
		earlier_make(&m);
		report_text(m.after.identity.boot, "%s", rows[i].boot);
		report_init(&report);
		report.time.tv_sec = earlier.time.tv_sec + 3600;
		judge_since(&(struct nic_watch){.before = &m.after, .after = &m.after}, &options,
			    &report);
		findings_are(row, &report, rows[i].finding);
		const struct finding *f = report.findings;
		if (report.finding_count &&
		    (strcmp(f->evidence[0].name, rows[i].counter) != 0 ||
		     (int)f->evidence[0].at_current != rows[i].count ||
		     f->remedy != rows[i].remedy || strchr(f->detail, '{') || !f->advice[0]))
			fail_msg("row %zu: %s %g: %s %s", i, f->evidence[0].name,
				 f->evidence[0].at_current, f->detail, f->advice);
	}
}

static void the_report_carries_what_cards_have_lost(void **state)
{
	static struct moments m;
	healthy(&m);
	ring_lost(&m);
	earlier_make(&m);
	assert_int_equal(report_counter_value(&earlier, "nic-eth0.packets"), 1000000);
	assert_int_equal(report_counter_value(&earlier, "nic-eth0.rx_missed_errors"), 5);
	assert_int_equal(report_counter_value(&earlier, "nic-eth0.rx_errors"), -1);
	/* With the longest names. */
	snprintf(m.cards[0].name, sizeof(m.cards[0].name), "enp129s0f0np000");
	counts(&m, "mlx5_core", "outbound_pci_buffer_overflow", 7, 9);
	earlier_make(&m);
	assert_int_equal(
		report_counter_value(&earlier, "nic-enp129s0f0np000.outbound_pci_buffer_ov"), 7);
}

/* An earlier report has those of cards outside of the server's namespace by another name: of eth0
 * here nothing is known then. */
static void cards_outside_are_compared_with_those_outside(void **state)
{
	static struct moments m;
	const struct probe_options options = {.since = &earlier, .outside.look = OUTSIDE_HERE};
	for (int then = 0; then < 2; then++) {
		healthy(&m);
		ring_lost_more(&m);
		m.before.outside = then;
		m.after.outside = true;
		earlier_make(&m);
		assert_true((report_counter_value(&earlier, "out-eth0.packets") > 0) == then);
		report_text(m.after.identity.boot, "boot-1");
		report_init(&report);
		judge_since(&(struct nic_watch){.before = &m.after, .after = &m.after}, &options,
			    &report);
		findings_are("outside", &report, then ? "nic.since warning" : "");
	}
}

static void the_table_that_uses_one_queue_is_named(void **state)
{
	judge_moments(crowded_table, false);
	assert_string_equal(
		report.findings[0].advice,
		"The RSS table of eth0 uses one of its 2 queues: ethtool -X eth0 default.");
	judge_moments(crowded_table_of_two, false);
	assert_null(strstr(report.findings[0].advice, "RSS"));
}

/* With one sample no counter has grown. */
static void one_sample_finds_settings_and_totals(void **state)
{
	static void (*const grow[])(struct moments *) = {ring_loses, backlog_drops, squeezes,
							 crowded, healthy};
	for (size_t i = 0; i < sizeof(grow) / sizeof(*grow); i++) {
		judge_moments(grow[i], true);
		assert_int_equal(report.finding_count, 0);
	}
	judge_moments(ring_lost, true);
	assert_string_equal(report.findings[0].title, "eth0 has lost packets since boot");
	judge_moments(backlog_dropped, true);
	assert_string_equal(report.findings[0].title,
			    "Packets were dropped at the softnet backlog since boot");
}

/* Where no harm is seen a text report has them with --verbose only. */
static void placement_without_harm_is_quiet(void **state)
{
	judge_moments(one_queue, false);
	assert_true(report.findings[0].quiet);
	judge_moments(server_interrupts, false);
	assert_true(report.findings[0].quiet);
	judge_moments(server_interrupts_saturate, false);
	assert_false(report.findings[0].quiet);
}

/* What each counter of the table of drivers means is explained. */
static void each_loss_has_its_page(void **state)
{
	for (size_t i = 0; i < nic_loss_count(); i++) {
		const char *name = nic_loss_name(i), *queue = strchr(name, '*');
		char plain[64];
		bool explained = false;
		snprintf(plain, sizeof(plain), "%.*s%s%s", (int)(queue ? queue - name : 64), name,
			 queue ? "0" : "", queue ? queue + 1 : "");
		for (size_t k = 0; k < counter_row_count(); k++) {
			const struct counter_row *row = counter_row_at(k);
			char patterns[600];
			snprintf(patterns, sizeof(patterns), "%s\n%s", row->name, row->match);
			for (char *rest = patterns, *one; (one = strsep(&rest, "\n"));)
				explained |= *one && pattern_find(one, plain);
		}
		if (!explained)
			fail_msg("%s has no row in counters.c", plain);
	}
}

static void each_wall_gets_its_verdict(void **state)
{
	static const struct {
		void (*plant)(struct moments *);
		const char *wall;
		int64_t limit;
		enum wall_verdict verdict;
	} rows[] = {
		{healthy, "softnet.backlog", 1000, VERDICT_OK},
		{healthy, "softnet.budget", 300, VERDICT_OK},
		{healthy, RING, 256, VERDICT_OK},
		{healthy, QUEUES, 4, VERDICT_OK},
		{backlog_drops, "softnet.backlog", 1000, VERDICT_TIGHT},
		{backlog_drops_elsewhere, "softnet.backlog", 1000, VERDICT_OK},
		{backlog_hidden, "softnet.backlog", REPORT_NONE, VERDICT_UNKNOWN},
		{backlog_hidden_drops, "softnet.backlog", REPORT_NONE, VERDICT_TIGHT},
		{backlog_dropped, "softnet.backlog", 1000, VERDICT_OK},
		{no_softnet, "softnet.backlog", 1000, VERDICT_UNKNOWN},
		{others_packets, "softnet.backlog", 1000, VERDICT_OK},
		{squeezes, "softnet.budget", 300, VERDICT_TIGHT},
		/* The knob that binds has another unit than the wall, which counts packets. */
		{squeezes_by_time, "softnet.budget", 300, VERDICT_TIGHT},
		{ring_loses, RING, 256, VERDICT_TIGHT},
		{ring_loses_one_of_many, RING, 256, VERDICT_OK},
		{ring_lost, RING, 256, VERDICT_OK},
		{crowded, QUEUES, 4, VERDICT_TIGHT},
		{crowded_by_loopback, QUEUES, 4, VERDICT_OK},
		{crowded_bond, QUEUES, 2, VERDICT_TIGHT},
		{no_settings, RING, REPORT_NONE, VERDICT_UNKNOWN},
		{no_settings, QUEUES, REPORT_NONE, VERDICT_UNKNOWN},
		{function_loses, RING, 1024, VERDICT_TIGHT},
		{down, RING, REPORT_NONE, VERDICT_NA},
		{down, QUEUES, REPORT_NONE, VERDICT_NA},
		{unlisted, RING, REPORT_NONE, VERDICT_UNKNOWN},
		{unlisted, QUEUES, REPORT_NONE, VERDICT_UNKNOWN},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		judge_moments(rows[i].plant, false);
		const struct wall *w = report_find(&report, rows[i].wall);
		if (w->limit != rows[i].limit || w->verdict != rows[i].verdict ||
		    strchr(w->detail, '{') || !w->detail[0])
			fail_msg("row %zu: %s %lld %s: %s", i, w->name, (long long)w->limit,
				 wall_verdict_name(w->verdict), w->detail);
	}
}

static void texts_name_causes(void **state)
{
	static const struct {
		void (*plant)(struct moments *);
		const char *wall; /* NULL: the finding */
		const char *detail;
	} rows[] = {
		{ring_loses, NULL, "rx_missed_errors grew by 120 in 500 ms."},
		{tun_unread, NULL,
		 "tx_dropped grew by 10 in 500 ms: the process that reads eth1 did not take these "
		 "packets in time."},
		{veth_ring_full, NULL,
		 "tx_dropped grew by 400 in 500 ms: the other end of eth1 did not take these "
		 "packets."},
		{policed, NULL,
		 "They are a rate limit or a firewall. TCP and IP do not count these packets. To see "
		 "the filters: tc -s filter show dev eth1 ingress"},
		{ring_lost, NULL,
		 "rx_fifo_errors counted 50 000 since the driver was loaded; the machine booted 3 "
		 "days ago."},
		{others_packets, "softnet.backlog",
		 "500 packets dropped since boot 3 days ago, 500 in the 500 ms watched, in which "
		 "most packets were those of other network namespaces."},
		{backlog_drops_elsewhere, "softnet.backlog",
		 "8 packets dropped since boot 3 days ago, 10 in the 500 ms watched, none of them "
		 "at an interface of this network namespace."},
		{backlog_hidden, "softnet.backlog",
		 "0 packets dropped since boot 3 days ago, none in the 500 ms watched; the knob is "
		 "not visible in this network namespace."},
		{no_softnet, "softnet.budget", "/proc/net/softnet_stat could not be read."},
		{healthy, RING, "The maximum of eth0 is 4096."},
		{healthy, QUEUES,
		 "The maximum of eth0 is 8. Online CPUs: 4, with packets in the 500 ms watched: 4."},
		{ena_shapes, NULL,
		 "bw_in_allowance_exceeded grew by 20 000 in 500 ms: packets that the provider "
		 "queued or dropped."},
		{ena_shaped, NULL,
		 "bw_in_allowance_exceeded counted 3 241 329 packets since the driver was loaded; "
		 "the machine booted 3 days ago. To see whose limit it is, and what helps: "
		 "epolltune explain "
		 "bw_in_allowance_exceeded"},
		{function_loses, RING, "The maximum of enP1, the function of eth0, is 4096."},
		{server_interrupts, QUEUES,
		 "The maximum of eth0 is 8. Online CPUs: 4, with packets in the 500 ms watched: 4. "
		 "Interrupts go to CPUs 0-1."},
		{no_settings, RING, "The driver of eth0 does not report it."},
		{down, RING, "No network card is up."},
		{unlisted, QUEUES, "The interfaces could not be listed: netlink: EPERM."},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		judge_moments(rows[i].plant, false);
		assert_string_equal(rows[i].wall ? report_find(&report, rows[i].wall)->detail
						 : report.findings[0].detail,
				    rows[i].detail);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(growth_is_found),
		cmocka_unit_test(the_window_is_longer_than_the_interval_of_a_card),
		cmocka_unit_test(cards_are_compared_with_an_earlier_report),
		cmocka_unit_test(the_report_carries_what_cards_have_lost),
		cmocka_unit_test(cards_outside_are_compared_with_those_outside),
		cmocka_unit_test(the_table_that_uses_one_queue_is_named),
		cmocka_unit_test(one_sample_finds_settings_and_totals),
		cmocka_unit_test(placement_without_harm_is_quiet),
		cmocka_unit_test(each_loss_has_its_page),
		cmocka_unit_test(each_wall_gets_its_verdict),
		cmocka_unit_test(texts_name_causes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
