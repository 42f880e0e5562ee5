/* What two readings of interfaces show: traffic, loss at a full ring, deferred interrupts. */
#include "../support/support.h"
#include "epolltune/nic.h"

#include <stdio.h>
#include <string.h>

static struct nic_number some(uint64_t value) { return (struct nic_number){true, value}; }

static struct nic card(const char *name, uint32_t index, uint64_t packets)
{
	struct nic n = {.index = index, .up = true};
	snprintf(n.name, sizeof(n.name), "%s", name);
	n.statistics.rx_packets = some(packets);
	return n;
}

static void the_main_interface_is_below_the_default_route(void **state)
{
	struct nic real[3] = {card("eth0", 2, 0), card("eth1", 3, 0), card("eth2", 4, 0)};
	struct nic all[4] = {real[0], real[1], real[2], card("bond0", 5, 0)};
	struct nics cards = {real, 3}, links = {all, 4};
	assert_string_equal(nics_main(&cards, &links)->name, "eth0");
	real[0].up = false;
	assert_string_equal(nics_main(&cards, &links)->name, "eth1");
	all[3].default_route = true;
	all[2].master = 5;
	assert_string_equal(nics_main(&cards, &links)->name, "eth2");
	real[1].up = real[2].up = false;
	assert_null(nics_main(&cards, &links));
	assert_null(nics_main(&(struct nics){0}, &links));
}

/* A packet through a bond counts once; an interface of one reading only has received nothing. */
static void received_packets_count_once(void **state)
{
	struct nic then[4] = {card("eth0", 2, 100), card("bond0", 3, 100), card("veth7", 7, 9000),
			      card("eth1", 4, 50)};
	struct nic now[4] = {card("eth0", 2, 130), card("bond0", 3, 130), card("eth1", 4, 20),
			     card("veth8", 8, 5000)};
	struct nics before = {then, 4}, after = {now, 4};
	snprintf(then[1].kind, sizeof(then[1].kind), "bond");
	snprintf(now[1].kind, sizeof(now[1].kind), "bond");
	assert_int_equal(nic_received(&before, &after, 2), 30);
	assert_int_equal(nic_received(&before, &after, 4), 0); /* created again */
	assert_int_equal(nic_received(&before, &after, 7), 0);
	assert_int_equal(nic_received(&before, &after, 8), 0);
	assert_int_equal(nics_received(&before, &after), 30);
	struct nics real = {now, 1};
	assert_string_equal(nics_carrier(&real, &before, &after, 0.9)->name, "eth0");
	real.at = &now[2];
	assert_null(nics_carrier(&real, &before, &after, 0.9));
	assert_null(nics_carrier(&real, &after, &after, 0));
}

/* Of received and sent packets; an interface of one reading only has dropped none. */
static void drops_of_all_interfaces_count(void **state)
{
	struct nic then[3] = {card("lo", 1, 0), card("veth7", 7, 0), card("veth9", 9, 0)};
	struct nic now[3] = {card("lo", 1, 0), card("veth7", 7, 0), card("veth8", 8, 0)};
	struct nics before = {then, 3}, after = {now, 3};
	then[0].statistics.rx_dropped = some(5);
	now[0].statistics.rx_dropped = some(25);
	now[1].statistics.tx_dropped = some(3);
	now[2].statistics.rx_dropped = then[2].statistics.rx_dropped = some(9000);
	assert_int_equal(nics_dropped(&before, &after), 23);
	assert_int_equal(nics_dropped(&after, &before), 0);
}

static void queues_are_those_that_the_driver_reports(void **state)
{
	struct nic n = {0};
	uint64_t max;
	assert_int_equal(nic_receive_queues(&n, &max), 0);
	assert_int_equal(max, 0);
	n.link.rx_queues = some(6);
	assert_int_equal(nic_receive_queues(&n, &max), 6);
	assert_int_equal(max, 6);
	n.channels.rx = some(3);
	n.channels.rx_max = some(4);
	assert_int_equal(nic_receive_queues(&n, &max), 3);
	assert_int_equal(max, 4);
	n.channels.combined = some(0);
	assert_int_equal(nic_receive_queues(&n, &max), 3);
	n.channels.combined = some(2);
	n.channels.combined_max = some(8);
	assert_int_equal(nic_receive_queues(&n, &max), 2);
	assert_int_equal(max, 8);
}

static void rps_is_on_with_a_cpu_in_the_mask(void **state)
{
	static char off[] = "00000000,00000000", on[] = "00000000,00000010";
	struct nic_queue queues[2] = {{.direction = NIC_TX, .cpus = on}, {.direction = NIC_RX}};
	struct nic n = {.queues = queues, .queue_count = 2};
	assert_int_equal(nic_spread(&n, NIC_RX), NIC_SPREAD_UNKNOWN);
	queues[1].cpus = off;
	assert_int_equal(nic_spread(&n, NIC_RX), NIC_SPREAD_OFF);
	queues[1].cpus = on;
	assert_int_equal(nic_spread(&n, NIC_RX), NIC_SPREAD_ON);
}

static void interrupts_of_one_cpu_have_one_affinity(void **state)
{
	static char one[] = "0", other[] = "1", range[] = "0-3";
	struct nic_irq irqs[2] = {{.affinity = one}, {.affinity = one}};
	struct nic n = {.irqs = irqs, .irq_count = 2};
	assert_string_equal(nic_irq_cpu(&n), "0");
	irqs[1].affinity = other;
	assert_null(nic_irq_cpu(&n));
	irqs[1].affinity = NULL;
	assert_null(nic_irq_cpu(&n));
	irqs[0].affinity = irqs[1].affinity = range;
	assert_null(nic_irq_cpu(&n));
	n.irq_count = 0;
	assert_null(nic_irq_cpu(&n));
}

/* Several counters may count the same packets: the largest number, not the sum. */
static void loss_is_the_largest_counter(void **state)
{
	struct nic_counter counters[2] = {{"rx_out_of_buffer", 7}, {"rx_out_of_buffer", 19}};
	struct nic_queue queues[2] = {{.hw_drop_overruns = some(1)}, {.hw_drop_overruns = some(4)}};
	struct nic before = card("eth0", 2, 0), after = before;
	struct nic_loss l = nic_loss(&before, &after, NIC_LOSS_RING);
	assert_null(l.grew);
	assert_null(l.counter);
	before.queues = &queues[0];
	after.queues = &queues[1];
	before.queue_count = after.queue_count = 1;
	l = nic_loss(&before, &after, NIC_LOSS_RING);
	assert_string_equal(l.grew, "rx-hw-drop-overruns");
	assert_int_equal(l.grown, 3);
	before.counters = &counters[0];
	after.counters = &counters[1];
	before.counter_count = after.counter_count = 1;
	after.statistics.rx_missed_errors = some(5); /* absent before */
	before.statistics.rx_fifo_errors = after.statistics.rx_fifo_errors = some(50000);
	l = nic_loss(&before, &after, NIC_LOSS_RING);
	assert_string_equal(l.grew, "rx_out_of_buffer");
	assert_int_equal(l.grown, 12);
	assert_string_equal(l.counter, "rx_fifo_errors");
	assert_int_equal(l.total, 50000);
	l = nic_loss(NULL, &after, NIC_LOSS_RING);
	assert_null(l.grew);
	assert_int_equal(l.total, 50000);
}

/* Synthetic: what `ethtool -S` prints by the drivers' sources (Linux 6.12), two queues each. */
static void each_driver_counts_by_its_own_names(void **state)
{
	static const struct {
		const char *driver, *names[3];
		enum nic_loss_kind kind;
		const char *counter; /* NULL: no loss of that kind */
		uint64_t total;
	} rows[] = {
		{"igb",
		 {"rx_queue_0_drops", "rx_queue_1_drops"},
		 NIC_LOSS_RING,
		 "rx_queue_*_drops",
		 3},
		{"igc", {"rx_queue_3_drops"}, NIC_LOSS_RING, "rx_queue_*_drops", 1},
		{"igc", {"rx_queue_3_alloc_failed"}, NIC_LOSS_OTHER, "rx_queue_*_alloc_failed", 1},
		{"bnxt_en",
		 {"rx_discard_packets_cos0", "rx_discard_packets_cos7"},
		 NIC_LOSS_RING,
		 "rx_discard_packets_cos*",
		 3},
		{"bnxt_en", {"rx_discard_bytes_cos0", "rx_filter_miss"}, NIC_LOSS_RING, NULL, 0},
		{"sfc", {"port_rx_nodesc_drops"}, NIC_LOSS_RING, "port_rx_nodesc_drops", 1},
		{"sfc", {"port_rx_dp_di_dropped_packets"}, NIC_LOSS_RING, NULL, 0},
		{"qede", {"no_buff_discards"}, NIC_LOSS_RING, "no_buff_discards", 1},
		{"qede", {"brb_discards"}, NIC_LOSS_RING, "brb_discards", 1},
		{"qede", {"mac_filter_discards", "mftag_filter_discards"}, NIC_LOSS_RING, NULL, 0},
		{"be2net",
		 {"rxq0: rx_drops_no_frags", "rxq1: rx_drops_no_frags"},
		 NIC_LOSS_RING,
		 "rxq*: rx_drops_no_frags",
		 3},
		{"mlx5_core",
		 {"outbound_pci_buffer_overflow"},
		 NIC_LOSS_RING,
		 "outbound_pci_buffer_overflow",
		 1},
		{"mlx5_core", {"rx_steer_missed_packets", "rx_xdp_drop"}, NIC_LOSS_RING, NULL, 0},
		/* Frames for other addresses are among them. */
		{"nfp", {"dev_rx_discards"}, NIC_LOSS_RING, NULL, 0},
		{"ibmveth", {"rx_no_buffer"}, NIC_LOSS_RING, "rx_no_buffer", 1},
		{"ibmveth", {"replenish_no_mem", "rx_invalid_buffer"}, NIC_LOSS_RING, NULL, 0},
		{"e1000e", {"rx_no_buffer_count"}, NIC_LOSS_RING, NULL, 0},
		{"fsl_dpaa2_eth",
		 {"[hw] rx filtered frames", "[hw] rx nobuffer discards"},
		 NIC_LOSS_RING,
		 "[hw] rx nobuffer discards",
		 2},
		{"fsl_dpaa2_eth",
		 {"[hw] rx filtered frames", "[hw] tx discarded frames"},
		 NIC_LOSS_RING,
		 NULL,
		 0},
		{"ice",
		 {"rx_unknown_protocol", "rx_pg_alloc_fail"},
		 NIC_LOSS_OTHER,
		 "rx_pg_alloc_fail",
		 2},
		{"ixgbe",
		 {"alloc_rx_page", "alloc_rx_page_failed"},
		 NIC_LOSS_OTHER,
		 "alloc_rx_page_failed",
		 2},
		{"ena",
		 {"queue_0_rx_skb_alloc_fail"},
		 NIC_LOSS_OTHER,
		 "queue_*_rx_skb_alloc_fail",
		 1},
		{"gve", {"rx_skb_alloc_fail"}, NIC_LOSS_OTHER, "rx_skb_alloc_fail", 1},
		{"gve",
		 {"rx_drops_packet_over_mru[0]", "rx_drops_packet_over_mru[1]"},
		 NIC_LOSS_OTHER,
		 "rx_drops_packet_over_mru[*]",
		 3},
		{"gve",
		 {"rx_drops_invalid_checksum[0]"},
		 NIC_LOSS_OTHER,
		 "rx_drops_invalid_checksum[*]",
		 1},
		{"virtio_net", {"rx_queue_0_drops"}, NIC_LOSS_RING, NULL, 0},
		{"virtio_net", {"rx0_drops", "rx1_drops"}, NIC_LOSS_OTHER, "rx*_drops", 3},
		{"virtio_net", {"rx0_xdp_drops"}, NIC_LOSS_OTHER, NULL, 0},
		{"bnxt_en",
		 {"[0]: rx_discards", "[1]: rx_discards", "rx_total_ring_discards"},
		 NIC_LOSS_RING,
		 "[*]: rx_discards",
		 3},
		{"i40e", {"port.rx_discards"}, NIC_LOSS_RING, "port.rx_discards", 1},
		{"ice", {"rx_dropped"}, NIC_LOSS_RING, "rx_dropped", 1},
		{"gve", {"rx_dropped"}, NIC_LOSS_RING, NULL, 0},
		{"gve", {"rx_no_buffers_posted[0]"}, NIC_LOSS_RING, "rx_no_buffers_posted[*]", 1},
		{"vmxnet3", {"  pkts rx OOB", "  pkts rx OOB"}, NIC_LOSS_RING, "pkts rx OOB", 3},
		{"vmxnet3", {"  drv dropped rx total"}, NIC_LOSS_RING, NULL, 0},
		{"mana", {"hc_rx_discards_no_wqe"}, NIC_LOSS_RING, "hc_rx_discards_no_wqe", 1},
		{"hv_netvsc", {"rx_no_memory"}, NIC_LOSS_OTHER, "rx_no_memory", 1},
		{"ena",
		 {"queue_0_rx_page_alloc_fail", "queue_1_rx_page_alloc_fail"},
		 NIC_LOSS_OTHER,
		 "queue_*_rx_page_alloc_fail",
		 3},
		{"ena", {"conntrack_allowance_available"}, NIC_LOSS_REFUSED, NULL, 0},
		{"ena",
		 {"conntrack_allowance_exceeded"},
		 NIC_LOSS_REFUSED,
		 "conntrack_allowance_exceeded",
		 1},
		{"ena", {"pps_allowance_exceeded"}, NIC_LOSS_SHAPED, "pps_allowance_exceeded", 1},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct nic n = card("eth0", 2, 0);
		struct nic_counter counters[3] = {0};
		snprintf(n.driver, sizeof(n.driver), "%s", rows[i].driver);
		n.counters = counters;
		for (; n.counter_count < 3 && rows[i].names[n.counter_count]; n.counter_count++) {
			snprintf(counters[n.counter_count].name, sizeof(counters->name), "%s",
				 rows[i].names[n.counter_count]);
			counters[n.counter_count].value = n.counter_count + 1;
		}
		struct nic_loss l = nic_loss(NULL, &n, rows[i].kind);
		if (l.total != rows[i].total || !l.counter != !rows[i].counter ||
		    (l.counter && strcmp(l.counter, rows[i].counter) != 0))
			fail_msg("row %zu, %s: %s %llu", i, rows[i].driver,
				 l.counter ? l.counter : "none", (unsigned long long)l.total);
	}
}

static void some_drivers_do_not_count_a_full_ring(void **state)
{
	static const struct {
		const char *driver;
		bool counted;
	} rows[] = {{"ixgbevf", false}, {"igbvf", false},       {"virtio_net", false},
		    {"ixgbe", true},    {"iavf", true},         {"igb", true},
		    {"ibmveth", true},  {"fsl_dpaa2_eth", true}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct nic n = card("eth0", 2, 0);
		snprintf(n.driver, sizeof(n.driver), "%s", rows[i].driver);
		if (nic_loss_counted(&n) != rows[i].counted)
			fail_msg("%s", rows[i].driver);
	}
}

/* With ena a full ring counts as rx_dropped, as do packets that the kernel drops. */
static void a_full_ring_may_be_among_other_drops(void **state)
{
	struct nic before = card("eth0", 2, 0), after = before;
	after.statistics.rx_dropped = some(70);
	before.statistics.rx_dropped = some(20);
	assert_null(nic_loss(&before, &after, NIC_LOSS_RING).counter);
	snprintf(before.driver, sizeof(before.driver), "ena");
	snprintf(after.driver, sizeof(after.driver), "ena");
	struct nic_loss l = nic_loss(&before, &after, NIC_LOSS_RING);
	assert_int_equal(l.kind, NIC_LOSS_AMONG);
	assert_int_equal(l.grown, 50);
	assert_int_equal(l.total, 70);
	snprintf(after.driver, sizeof(after.driver), "idpf");
	assert_int_equal(nic_loss(NULL, &after, NIC_LOSS_RING).total, 70);
}

/* Synthetic, as hv_netvsc and mlx5_core: the function is a slave of a master without a kind, which
 * counts its packets too. */
static void a_master_and_its_function_are_one_interface(void **state)
{
	struct nic then[3] = {card("lo", 1, 0), card("eth0", 2, 100), card("enP1", 3, 90)};
	struct nic now[3] = {card("lo", 1, 0), card("eth0", 2, 1100), card("enP1", 3, 1080)};
	struct nics before = {then, 3}, after = {now, 3}, real = {&now[1], 2};
	now[1].default_route = now[1].running = now[2].running = true;
	then[2].master = now[2].master = 2;
	assert_string_equal(nics_master(&after, &now[2])->name, "eth0");
	assert_null(nics_master(&after, &now[1]));
	assert_string_equal(nics_vf(&real, &now[1])->name, "enP1");
	assert_string_equal(nics_main(&real, &after)->name, "enP1");
	assert_int_equal(nics_received(&before, &after), 1000);
	assert_string_equal(nics_carrier(&real, &before, &after, 0.9)->name, "enP1");
	now[2].statistics.rx_packets = some(95); /* the host withdraws it */
	assert_string_equal(nics_carrier(&real, &before, &after, 0.9)->name, "eth0");
	now[2].running = false;
	assert_null(nics_vf(&real, &now[1]));
	assert_string_equal(nics_main(&real, &after)->name, "eth0");
	snprintf(now[1].kind, sizeof(now[1].kind), "bridge");
	assert_null(nics_master(&after, &now[2]));
}

/* By the effective affinity where the kernel has it. */
static void the_cpus_of_an_interface_are_those_of_its_interrupts(void **state)
{
	static char all[] = "0-7", first[] = "0-1", third[] = "3", off[] = "0", on[] = "f";
	struct nic_irq irqs[2] = {{.affinity = all, .effective = first},
				  {.affinity = third, .effective = third}};
	struct nic_queue queues[2] = {{.direction = NIC_RX, .cpus = off},
				      {.direction = NIC_TX, .cpus = on}};
	struct nic n = {.irqs = irqs, .irq_count = 2, .queues = queues, .queue_count = 2};
	struct nic_placement p = nic_placement(&n, "0-7", "0-3,6");
	assert_string_equal(p.irq_cpus, "0-1,3");
	assert_true(p.beside_server);
	assert_false(p.offline);
	assert_string_equal(nic_spread_name(p.rps), "off");
	assert_string_equal(nic_spread_name(p.xps), "on");
	assert_false(nic_placement(&n, "0-7", "0,3-6").beside_server); /* not CPU 1 */
	assert_false(nic_placement(&n, "0-3", "0-3").beside_server);   /* there are no others */
	assert_false(nic_placement(&n, "0-7", "").beside_server);
	assert_true(nic_placement(&n, "0-2", "").offline);
	assert_false(nic_placement(&n, "", "").offline);
	irqs[0].effective = third;
	assert_string_equal(nic_irq_cpu(&n), "3");
	n.irq_count = n.queue_count = 0;
	p = nic_placement(&n, "0-7", "0-3");
	assert_string_equal(p.irq_cpus, "");
	assert_string_equal(nic_spread_name(p.rps), "");
	assert_false(p.beside_server);
}

/* Each of the two alone defers no interrupt. */
static void deferral_takes_a_timeout_and_polls(void **state)
{
	assert_true(nic_defers(&(struct nic_deferral){.flush_ns = 200000, .polls = 2}));
	assert_false(nic_defers(&(struct nic_deferral){.flush_ns = 200000}));
	assert_false(nic_defers(&(struct nic_deferral){.polls = 2}));
}

static void the_longest_deferral_of_all_interfaces_counts(void **state)
{
	struct nic cards[4] = {card("lo", 1, 0), card("eth0", 2, 0), card("eth1", 3, 0),
			       card("eth2", 4, 0)};
	struct nics nics = {cards, 4};
	for (size_t i = 0; i < 4; i++) {
		cards[i].napi.gro_flush_timeout = some(10000 * (4 - i));
		cards[i].napi.napi_defer_hard_irqs = some(i == 1 ? 0 : 2);
	}
	struct nic_deferred d = nics_deferred(&nics);
	assert_string_equal(d.nic, "eth1");
	assert_int_equal(d.longest.flush_ns, 20000);
	assert_int_equal(d.queue, -1);
	cards[2].up = false;
	assert_string_equal(nics_deferred(&nics).nic, "eth2");
	cards[3].up = false;
	assert_string_equal(nics_deferred(&nics).nic, "eth0"); /* defers nothing */
	cards[1].up = false;
	assert_string_equal(nics_deferred(&nics).nic, "");
}

/* Instances that differ are named by their queue, those that do not by their device. */
static void the_longest_deferral_of_the_instances_counts(void **state)
{
	struct nic_napi napis[2] = {
		{.id = 10, .gro_flush_timeout = {true, 0}, .defer_hard_irqs = {true, 0}},
		{.id = 11, .gro_flush_timeout = {true, 70000}, .defer_hard_irqs = {true, 2}}};
	struct nic_queue queues[2] = {{.direction = NIC_RX, .id = 0, .napi = {true, 10}},
				      {.direction = NIC_RX, .id = 1, .napi = {true, 11}}};
	struct nic nic = card("eth1", 3, 0);
	struct nics nics = {&nic, 1};
	nic.napi = (struct nic_napi_device){{true, 5}, {true, 5}, {0}};
	nic.napis = napis;
	nic.napi_count = 2;
	nic.queues = queues;
	nic.queue_count = 2;
	struct nic_deferred d = nics_deferred(&nics);
	assert_int_equal(d.longest.flush_ns, 70000);
	assert_int_equal(d.queue, 1);
	napis[0] = napis[1];
	d = nics_deferred(&nics);
	assert_int_equal(d.longest.flush_ns, 70000);
	assert_int_equal(d.queue, -1);
	/* Before Linux 6.13. */
	nic.napi_count = 0;
	d = nics_deferred(&nics);
	assert_int_equal(d.longest.flush_ns, 5);
	assert_int_equal(d.longest.polls, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_main_interface_is_below_the_default_route),
		cmocka_unit_test(received_packets_count_once),
		cmocka_unit_test(drops_of_all_interfaces_count),
		cmocka_unit_test(queues_are_those_that_the_driver_reports),
		cmocka_unit_test(rps_is_on_with_a_cpu_in_the_mask),
		cmocka_unit_test(interrupts_of_one_cpu_have_one_affinity),
		cmocka_unit_test(loss_is_the_largest_counter),
		cmocka_unit_test(each_driver_counts_by_its_own_names),
		cmocka_unit_test(some_drivers_do_not_count_a_full_ring),
		cmocka_unit_test(a_full_ring_may_be_among_other_drops),
		cmocka_unit_test(a_master_and_its_function_are_one_interface),
		cmocka_unit_test(the_cpus_of_an_interface_are_those_of_its_interrupts),
		cmocka_unit_test(deferral_takes_a_timeout_and_polls),
		cmocka_unit_test(the_longest_deferral_of_all_interfaces_counts),
		cmocka_unit_test(the_longest_deferral_of_the_instances_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
