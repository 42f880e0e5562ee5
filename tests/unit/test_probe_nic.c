/* What probe nic makes of two moments of a machine: planted growth is named, old totals and other
 * namespaces' packets are not. */
#include "../../probes/nic.c"
#include "../support/support.h"

static struct probe_options options;
static struct report report;

struct moments {
	struct sample before, after;
	struct nic cards[2]; /* eth0 before and after */
	struct nic_queue queues[2];
	struct softnet_cpu cpus[2][4];
};

static struct nic_number some(uint64_t value) { return (struct nic_number){true, value}; }

/* Half a second of a healthy machine: 100 000 packets by eth0, spread over four CPUs. */
static struct moments *healthy(void)
{
	struct moments *m = calloc(1, sizeof(*m));
	assert_non_null(m);
	for (int i = 0; i < 2; i++) {
		struct sample *s = i ? &m->after : &m->before;
		struct nic *n = &m->cards[i];
		snprintf(n->name, sizeof(n->name), "eth0");
		n->index = 2;
		n->physical = n->up = n->default_route = true;
		n->rings.rx = some(256);
		n->rings.rx_max = some(4096);
		n->channels.combined = some(4);
		n->channels.combined_max = some(8);
		n->link.rx_queues = some(8);
		n->statistics.rx_packets = some(1000000 + (uint64_t)i * 100000);
		n->statistics.rx_missed_errors = some(0);
		n->statistics.rx_fifo_errors = some(0);
		n->queues = &m->queues[i];
		n->queue_count = 1;
		s->nics = (struct nics){.at = n, .count = 1};
		s->all = s->nics;
		for (uint32_t cpu = 0; cpu < 4; cpu++) {
			m->cpus[i][cpu].cpu = cpu;
			m->cpus[i][cpu].processed = 0xfffffff0u + (uint64_t)i * 25000;
			m->cpus[i][cpu].processed &= UINT32_MAX;
			s->cpu[cpu] = (struct cpu_time){(uint64_t)i * 5, (uint64_t)i * 50};
		}
		s->softnet = (struct softnet){.at = m->cpus[i], .count = 4};
		s->have_softnet = true;
		s->max_backlog = some(1000);
		s->budget = some(300);
		s->uptime_s = 86400 * 3;
		s->at_s = 100 + 0.5 * i;
	}
	return m;
}

static void judge_moments(struct moments *m)
{
	struct probe_run run = {.options = &options, .report = &report, .others = -1};
	report_init(&report);
	judge(&run, &m->before, &m->after);
	free(m);
}

static const struct finding *found(const char *id)
{
	for (size_t i = 0; i < report.finding_count; i++)
		if (!strcmp(report.findings[i].id, id))
			return &report.findings[i];
	return NULL;
}

static void silence_on_a_healthy_machine(void **state)
{
	(void)state;
	judge_moments(healthy());
	assert_int_equal(report.finding_count, 0);
	assert_int_equal(report_exit_status(&report), 0);
	assert_int_equal(report_find(&report, "nic.ring")->limit, 256);
	assert_int_equal(report_find(&report, "nic.queues")->limit, 4);
	assert_int_equal(report_find(&report, "softnet.backlog")->limit, 1000);
}

static void a_full_ring_is_named(void **state)
{
	(void)state;
	struct moments *m = healthy();
	m->cards[1].statistics.rx_missed_errors = some(120);
	judge_moments(m);
	const struct finding *f = found("nic.ring.overrun");
	assert_non_null(f);
	assert_int_equal(f->level, LEVEL_WARNING);
	assert_string_equal(f->knob, "device.ring.rx@eth0");
	assert_string_equal(f->current, "256");
	assert_string_equal(f->proposed, "512");
	assert_string_equal(f->evidence[0].name, "rx_missed_errors");
	assert_int_equal((int)f->evidence[0].at_current, 120);
	assert_null(strstr(f->detail, "experiments"));
	assert_int_equal(report_exit_status(&report), 1);
	assert_int_equal(report.finding_count, 1);
}

static void experiments_beside_it_are_told(void **state)
{
	(void)state;
	struct moments *m = healthy();
	m->cards[1].statistics.rx_missed_errors = some(120);
	struct probe_run run = {.options = &options, .report = &report, .others = 0};
	report_init(&report);
	judge(&run, &m->before, &m->after);
	free(m);
	assert_non_null(strstr(found("nic.ring.overrun")->detail, "this check's experiments"));
}

static void never_beyond_the_maximum(void **state)
{
	(void)state;
	struct moments *m = healthy();
	m->cards[0].rings.rx = m->cards[1].rings.rx = some(4096);
	m->cards[1].statistics.rx_fifo_errors = some(1);
	judge_moments(m);
	const struct finding *f = found("nic.ring.overrun");
	assert_non_null(f);
	assert_string_equal(f->knob, "");
	assert_string_equal(f->proposed, "");
	assert_int_equal(f->remedy, REMEDY_NONE);
	m = healthy();
	m->cards[0].rings.rx = m->cards[1].rings.rx = some(3000);
	m->cards[1].statistics.rx_fifo_errors = some(1);
	judge_moments(m);
	assert_string_equal(found("nic.ring.overrun")->proposed, "4096");
}

static void drivers_have_words_of_their_own(void **state)
{
	(void)state;
	struct nic_counter before = {"rx_out_of_buffer", 7}, after = {"rx_out_of_buffer", 19};
	struct moments *m = healthy();
	m->cards[0].counters = &before;
	m->cards[1].counters = &after;
	m->cards[0].counter_count = m->cards[1].counter_count = 1;
	judge_moments(m);
	assert_string_equal(found("nic.ring.overrun")->evidence[0].name, "rx_out_of_buffer");
	assert_int_equal((int)found("nic.ring.overrun")->evidence[0].at_current, 12);
	m = healthy();
	m->queues[0].hw_drop_overruns = some(1);
	m->queues[1].hw_drop_overruns = some(4);
	judge_moments(m);
	assert_string_equal(found("nic.ring.overrun")->evidence[0].name, "rx-hw-drop-overruns");
	assert_int_equal((int)found("nic.ring.overrun")->evidence[0].at_current, 3);
}

static void old_losses_are_notes_with_their_age(void **state)
{
	(void)state;
	struct moments *m = healthy();
	m->cards[0].statistics.rx_missed_errors = some(50000);
	m->cards[1].statistics.rx_missed_errors = some(50000);
	judge_moments(m);
	assert_null(found("nic.ring.overrun"));
	assert_int_equal(found("nic.ring.past")->level, LEVEL_NOTE);
	assert_non_null(strstr(found("nic.ring.past")->detail, "3 days ago"));
	assert_string_equal(found("nic.ring.past")->proposed, "");
	assert_int_equal(report_exit_status(&report), 0);
	/* One in a million, some time: not a word. */
	m = healthy();
	m->cards[0].statistics.rx_missed_errors = some(1);
	m->cards[1].statistics.rx_missed_errors = some(1);
	judge_moments(m);
	assert_int_equal(report.finding_count, 0);
}

static void softnet_columns_that_grow(void **state)
{
	(void)state;
	struct moments *m = healthy();
	m->cpus[0][2].dropped = 0xfffffffe; /* wraps */
	m->cpus[1][2].dropped = 8;
	judge_moments(m);
	const struct finding *f = found("softnet.backlog.drops");
	assert_non_null(f);
	assert_string_equal(f->knob, "net.core.netdev_max_backlog");
	assert_string_equal(f->proposed, "2000");
	assert_int_equal((int)f->evidence[0].at_current, 10);
	m = healthy();
	m->cpus[1][0].time_squeeze = 50;
	judge_moments(m);
	assert_string_equal(found("softnet.budget.squeezed")->knob, "net.core.netdev_budget");
	assert_null(found("softnet.backlog.drops"));
	/* A squeeze now and then is no matter. */
	m = healthy();
	m->cpus[1][0].time_squeeze = 2;
	judge_moments(m);
	assert_int_equal(report.finding_count, 0);
}

static void other_namespaces_packets_are_not_ours(void **state)
{
	(void)state;
	struct moments *m = healthy();
	m->cards[1].statistics.rx_packets = some(1000010);
	m->cpus[1][2].dropped = 500;
	m->cpus[1][2].time_squeeze = 500;
	judge_moments(m);
	assert_null(found("softnet.backlog.drops"));
	assert_null(found("softnet.budget.squeezed"));
	assert_int_equal(report_exit_status(&report), 0);
	/* But that they grew is said, and why nothing follows. */
	assert_non_null(strstr(report_find(&report, "softnet.backlog")->detail,
			       "500 in the 0.5 s that were watched, when most packets were those "
			       "of other network namespaces"));
}

/* All packets to CPU 1, which does little else. */
static struct moments *crowded(void)
{
	struct moments *m = healthy();
	for (uint32_t cpu = 0; cpu < 4; cpu++)
		m->cpus[1][cpu].processed = m->cpus[0][cpu].processed;
	m->cpus[1][1].processed = (m->cpus[1][1].processed + 100000) & UINT32_MAX;
	m->after.cpu[1] = (struct cpu_time){45, 50};
	return m;
}

static void all_on_one_cpu(void **state)
{
	(void)state;
	struct moments *m = crowded();
	m->cards[1].channels.combined = some(2);
	judge_moments(m);
	const struct finding *f = found("nic.queues.one-cpu");
	assert_non_null(f);
	assert_string_equal(f->knob, "device.channels@eth0");
	assert_string_equal(f->current, "2");
	assert_string_equal(f->proposed, "4"); /* CPUs, not the device's 8 */
	/* 4 queues for 4 CPUs: more would not help. */
	judge_moments(crowded());
	assert_string_equal(found("nic.queues.one-cpu")->knob, "");
}

static void one_queue_is_spread_by_rps(void **state)
{
	(void)state;
	struct moments *m = crowded();
	m->cards[1].channels.combined = m->cards[1].channels.combined_max = some(1);
	judge_moments(m);
	const struct finding *f = found("nic.queues.one-cpu");
	assert_string_equal(f->knob, "device.rps_cpus@eth0");
	assert_string_equal(f->current, "0");
	assert_string_equal(f->proposed, "f");
	/* It is on already. */
	char on[] = "e", off[] = "00000000,00000000";
	m = crowded();
	m->cards[1].channels.combined = m->cards[1].channels.combined_max = some(1);
	m->queues[1].cpus = on;
	judge_moments(m);
	assert_string_equal(found("nic.queues.one-cpu")->knob, "");
	m = crowded();
	m->cards[1].channels.combined = m->cards[1].channels.combined_max = some(1);
	m->queues[1].cpus = off;
	judge_moments(m);
	assert_string_equal(found("nic.queues.one-cpu")->knob, "device.rps_cpus@eth0");
	/* A CPU with time to spare is no wall, however alone it is. */
	m = crowded();
	m->after.cpu[1] = (struct cpu_time){5, 50};
	judge_moments(m);
	assert_int_equal(report.finding_count, 0);
}

static void mask_of(const uint32_t *cpus, size_t count, const char *want)
{
	char mask[80] = "";
	struct softnet_cpu rows[96] = {0};
	for (size_t i = 0; i < count; i++)
		rows[i].cpu = cpus ? cpus[i] : (uint32_t)i;
	struct softnet s = {.at = rows, .count = count};
	assert_true(cpus_mask(&s, mask));
	assert_string_equal(mask, want);
}

static void masks_of_many_cpus(void **state)
{
	(void)state;
	mask_of(NULL, 2, "3");
	mask_of(NULL, 32, "ffffffff");
	mask_of(NULL, 33, "1,ffffffff");
	mask_of(NULL, 96, "ffffffff,ffffffff,ffffffff");
	mask_of((const uint32_t[]){0, 2, 33}, 3, "2,00000005"); /* some are offline */
	char mask[80];
	struct softnet_cpu beyond = {.cpu = 256};
	assert_false(cpus_mask(&(struct softnet){.at = &beyond, .count = 1}, mask));
}

/* Packets that never came by a card are no reason to reset its link. */
static void packets_of_loopback_are_no_cards(void **state)
{
	(void)state;
	static struct nic all[2][2];
	struct moments *m = crowded();
	m->cards[1].statistics.rx_packets = m->cards[0].statistics.rx_packets;
	for (int i = 0; i < 2; i++) {
		all[i][0] = m->cards[i];
		snprintf(all[i][1].name, sizeof(all[i][1].name), "lo");
		all[i][1].index = 1;
		all[i][1].statistics.rx_packets = some((uint64_t)i * 100000);
	}
	m->before.all = (struct nics){.at = all[0], .count = 2};
	m->after.all = (struct nics){.at = all[1], .count = 2};
	judge_moments(m);
	const struct finding *f = found("nic.queues.one-cpu");
	assert_int_equal(f->level, LEVEL_NOTE);
	assert_string_equal(f->knob, "");
	assert_string_equal(f->title, "CPU 1 takes almost all packets");
	assert_int_equal(report_exit_status(&report), 0);
}

/* eth0 is for management and idle; the default route is over bond0, which has eth1. */
static void a_bonds_card_is_the_one(void **state)
{
	(void)state;
	static struct nic cards[2][2], all[2][3];
	struct moments *m = crowded();
	for (int i = 0; i < 2; i++) {
		struct nic *idle = &cards[i][0], *busy = &cards[i][1], *bond = &all[i][2];
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
		all[i][0] = *idle;
		all[i][1] = *busy;
		struct sample *s = i ? &m->after : &m->before;
		s->nics = (struct nics){.at = cards[i], .count = 2};
		s->all = (struct nics){.at = all[i], .count = 3};
	}
	judge_moments(m);
	assert_int_equal(report_find(&report, "nic.queues")->limit, 2);
	assert_string_equal(found("nic.queues.one-cpu")->knob, "device.channels@eth1");
}

/* A container ends, and its veth with it: what it had received is nobody's growth. */
static void an_interface_that_vanishes_brings_nothing(void **state)
{
	(void)state;
	static struct nic all[2];
	struct moments *m = healthy();
	m->cards[1].statistics.rx_packets = some(1000010);
	m->cpus[1][2].dropped = 500;
	all[0] = m->cards[0];
	snprintf(all[1].name, sizeof(all[1].name), "veth7");
	all[1].index = 7;
	all[1].statistics.rx_packets = some(50000000);
	m->before.all = (struct nics){.at = all, .count = 2};
	judge_moments(m);
	assert_null(found("softnet.backlog.drops"));
}

static void totals_that_wrapped_are_no_share(void **state)
{
	(void)state;
	struct moments *m = healthy();
	for (int i = 0; i < 2; i++) {
		m->cpus[i][0].dropped = 2000;
		m->cards[i].statistics.rx_packets = some(9000000000 + (uint64_t)i * 100000);
	}
	judge_moments(m);
	assert_int_equal(report.finding_count, 0);
}

static void rounds_that_end_by_time(void **state)
{
	(void)state;
	struct moments *m = healthy();
	m->after.budget_usecs = some(2000);
	m->cpus[1][0].time_squeeze = 5000; /* full rounds would have been 1.5 million packets */
	judge_moments(m);
	const struct finding *f = found("softnet.budget.squeezed");
	assert_string_equal(f->knob, "net.core.netdev_budget_usecs");
	assert_string_equal(f->current, "2000");
	assert_string_equal(f->proposed, "4000");
}

/* The counter that is named is the one that has the number. */
static void the_largest_counter_is_named(void **state)
{
	(void)state;
	struct moments *m = healthy();
	for (int i = 0; i < 2; i++) {
		m->cards[i].statistics.rx_missed_errors = some(5);
		m->cards[i].statistics.rx_fifo_errors = some(50000);
	}
	judge_moments(m);
	assert_non_null(strstr(found("nic.ring.past")->detail, "rx_fifo_errors: 50 000"));
}

static void settings_that_cost(void **state)
{
	(void)state;
	struct nic_feature features[] = {{"rx-gro", false, false, true},
					 {"tx-tcp-segmentation", false, false, false}};
	struct moments *m = healthy();
	struct nic *n = &m->cards[1];
	n->features = features;
	n->feature_count = 2;
	n->coalesce.rx_usecs = some(200);
	snprintf(n->qdisc, sizeof(n->qdisc), "netem");
	judge_moments(m);
	assert_non_null(strstr(found("nic.offload")->detail, "ethtool -K eth0 gro on"));
	assert_string_equal(found("nic.coalesce")->knob, "device.coalesce.rx-usecs@eth0");
	assert_non_null(found("nic.qdisc"));
	assert_int_equal(report.finding_count, 3); /* what is fixed off is nobody's fault */
	assert_int_equal(report_exit_status(&report), 0);
	m = healthy();
	m->cards[1].coalesce.rx_usecs = some(200);
	m->cards[1].coalesce.adaptive_rx = some(1);
	judge_moments(m);
	assert_int_equal(report.finding_count, 0);
}

static void interrupts_on_one_cpu(void **state)
{
	(void)state;
	char cpu[] = "0", all[] = "0-3";
	struct nic_irq irqs[4] = {
		{.affinity = cpu}, {.affinity = cpu}, {.affinity = cpu}, {.affinity = cpu}};
	struct moments *m = healthy();
	m->cards[1].irqs = irqs;
	m->cards[1].irq_count = 4;
	judge_moments(m);
	assert_non_null(found("nic.affinity"));
	irqs[3].affinity = all;
	m = healthy();
	m->cards[1].irqs = irqs;
	m->cards[1].irq_count = 4;
	judge_moments(m);
	assert_int_equal(report.finding_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence_on_a_healthy_machine),
		cmocka_unit_test(a_full_ring_is_named),
		cmocka_unit_test(experiments_beside_it_are_told),
		cmocka_unit_test(never_beyond_the_maximum),
		cmocka_unit_test(drivers_have_words_of_their_own),
		cmocka_unit_test(old_losses_are_notes_with_their_age),
		cmocka_unit_test(softnet_columns_that_grow),
		cmocka_unit_test(other_namespaces_packets_are_not_ours),
		cmocka_unit_test(all_on_one_cpu),
		cmocka_unit_test(one_queue_is_spread_by_rps),
		cmocka_unit_test(masks_of_many_cpus),
		cmocka_unit_test(packets_of_loopback_are_no_cards),
		cmocka_unit_test(a_bonds_card_is_the_one),
		cmocka_unit_test(an_interface_that_vanishes_brings_nothing),
		cmocka_unit_test(totals_that_wrapped_are_no_share),
		cmocka_unit_test(rounds_that_end_by_time),
		cmocka_unit_test(the_largest_counter_is_named),
		cmocka_unit_test(settings_that_cost),
		cmocka_unit_test(interrupts_on_one_cpu),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
