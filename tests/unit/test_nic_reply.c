/* Parsers of netlink replies: made by hand, recorded, truncated and damaged. */
#include "../fuzz/fuzz_netlink.c"
#include "../support/support.h"

#include "host/compat.h"
#include <glob.h>
#include <linux/ethtool_netlink.h>
#include <linux/gen_stats.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <stdio.h>

#define INDEX 4

/* A reply of the ethtool family about interface `index`; the caller adds attributes. */
static struct nl_msg *ethtool_reply(uint32_t index)
{
	struct nl_msg *m = nlmsg_alloc_size(16384);
	assert_non_null(m);
	assert_non_null(genlmsg_put(m, 1, 1, 0x20, 0, 0, 1, 1));
	struct nlattr *nest = nla_nest_start(m, ETHTOOL_A_RINGS_HEADER);
	assert_non_null(nest);
	assert_int_equal(nla_put_u32(m, ETHTOOL_A_HEADER_DEV_INDEX, index), 0);
	assert_int_equal(nla_put_string(m, ETHTOOL_A_HEADER_DEV_NAME, "eth0"), 0);
	nla_nest_end(m, nest);
	return m;
}

static struct nl_msg *netdev_reply(uint16_t attribute, uint32_t index)
{
	struct nl_msg *m = nlmsg_alloc_size(16384);
	assert_non_null(m);
	assert_non_null(genlmsg_put(m, 1, 1, 0x21, 0, NLM_F_MULTI, 1, 1));
	assert_int_equal(nla_put_u32(m, attribute, index), 0);
	return m;
}

static struct reply reply_of(struct nl_msg *m)
{
	struct nlmsghdr *h = nlmsg_hdr(m);
	struct reply r = {.data = malloc(h->nlmsg_len), .size = h->nlmsg_len};
	assert_non_null(r.data);
	memcpy(r.data, h, r.size);
	nlmsg_free(m);
	return r;
}

static void take(enum nic_request what, struct nl_msg *m, struct nic *n)
{
	struct reply r = reply_of(m);
	struct err e;
	assert_int_equal(reply_take(what, &r, n, &e), 0);
	reply_free(&r);
}

static void missing_attributes_are_absent(void **state)
{
	struct nic n = {.index = INDEX};
	struct nl_msg *m = ethtool_reply(INDEX);
	nla_put_u32(m, ETHTOOL_A_RINGS_RX, 0);
	nla_put_u32(m, ETHTOOL_A_RINGS_RX_MAX, 4096);
	nla_put_u8(m, RINGS_TX_PUSH, 1);
	nla_put_u8(m, RINGS_TCP_DATA_SPLIT, 0); /* unknown */
	take(NIC_RINGS, m, &n);
	assert_true(n.rings.rx.known);
	assert_int_equal(n.rings.rx.value, 0);
	assert_int_equal(n.rings.rx_max.value, 4096);
	assert_int_equal(n.rings.tx_push.value, 1);
	assert_false(n.rings.tx.known);
	assert_false(n.rings.rx_jumbo.known);
	assert_false(n.rings.tcp_data_split.known);
	nic_release(&n);
}

static void replies_about_other_interfaces_are_ignored(void **state)
{
	struct nic n = {.index = INDEX};
	struct nl_msg *m = ethtool_reply(INDEX + 1);
	nla_put_u32(m, ETHTOOL_A_CHANNELS_COMBINED_COUNT, 8);
	take(NIC_CHANNELS, m, &n);
	assert_false(n.channels.combined.known);
}

static void an_unknown_speed_is_absent(void **state)
{
	struct nic n = {.index = INDEX};
	struct nl_msg *m = ethtool_reply(INDEX);
	nla_put_u32(m, ETHTOOL_A_LINKMODES_SPEED, (uint32_t)-1);
	take(NIC_LINKMODES, m, &n);
	assert_false(n.link.speed.known);
	m = ethtool_reply(INDEX);
	nla_put_u32(m, ETHTOOL_A_LINKMODES_SPEED, 25000);
	take(NIC_LINKMODES, m, &n);
	assert_int_equal(n.link.speed.value, 25000);
}

static void put_bit(struct nl_msg *m, uint32_t i, const char *name, bool on)
{
	struct nlattr *bit = nla_nest_start(m, ETHTOOL_A_BITSET_BITS_BIT);
	nla_put_u32(m, ETHTOOL_A_BITSET_BIT_INDEX, i);
	nla_put_string(m, ETHTOOL_A_BITSET_BIT_NAME, name);
	if (on)
		nla_put_flag(m, ETHTOOL_A_BITSET_BIT_VALUE);
	nla_nest_end(m, bit);
}

static void features_are_read_from_bit_sets(void **state)
{
	struct nic n = {.index = INDEX};
	struct nl_msg *m = ethtool_reply(INDEX);
	struct nlattr *set = nla_nest_start(m, ETHTOOL_A_FEATURES_HW);
	struct nlattr *bits = nla_nest_start(m, ETHTOOL_A_BITSET_BITS);
	put_bit(m, 0, "rx-gro", true);
	put_bit(m, 1, "rx-lro", false);
	put_bit(m, 2, "highdma", true);
	nla_nest_end(m, bits);
	nla_nest_end(m, set);
	set = nla_nest_start(m, ETHTOOL_A_FEATURES_ACTIVE);
	nla_put_flag(m, ETHTOOL_A_BITSET_NOMASK);
	bits = nla_nest_start(m, ETHTOOL_A_BITSET_BITS);
	put_bit(m, 0, "rx-gro", false); /* listed, so it is set */
	put_bit(m, 2, "highdma", false);
	nla_nest_end(m, bits);
	nla_nest_end(m, set);
	set = nla_nest_start(m, ETHTOOL_A_FEATURES_NOCHANGE);
	nla_put_flag(m, ETHTOOL_A_BITSET_NOMASK);
	bits = nla_nest_start(m, ETHTOOL_A_BITSET_BITS);
	put_bit(m, 2, "highdma", false);
	nla_nest_end(m, bits);
	nla_nest_end(m, set);
	take(NIC_FEATURES, m, &n);
	assert_int_equal(n.feature_count, 3);
	assert_true(nic_feature(&n, "rx-gro")->active);
	assert_true(nic_feature(&n, "rx-gro")->changeable);
	assert_false(nic_feature(&n, "rx-lro")->active);
	assert_false(nic_feature(&n, "rx-lro")->changeable);
	assert_true(nic_feature(&n, "highdma")->active);
	assert_false(nic_feature(&n, "highdma")->changeable);
	assert_null(nic_feature(&n, "tls-hw-tx-offload"));
	nic_release(&n);
}

static void numbers_of_any_width_are_read(void **state)
{
	struct nic n = {.index = INDEX};
	struct nl_msg *m = netdev_reply(NETDEV_A_NAPI_IFINDEX, INDEX);
	nla_put_u32(m, NETDEV_A_NAPI_ID, 513);
	nla_put_u32(m, NETDEV_A_NAPI_IRQ, 38);
	nla_put_u32(m, NETDEV_A_NAPI_GRO_FLUSH_TIMEOUT, 200000);
	nla_put_u64(m, NETDEV_A_NAPI_IRQ_SUSPEND_TIMEOUT, 5000000000ull);
	take(NIC_NAPIS, m, &n);
	assert_int_equal(n.napi_count, 1);
	assert_int_equal(n.napis[0].id, 513);
	assert_int_equal(n.napis[0].irq.value, 38);
	assert_int_equal(n.napis[0].gro_flush_timeout.value, 200000);
	assert_int_equal(n.napis[0].irq_suspend_timeout.value, 5000000000ull);
	assert_false(n.napis[0].defer_hard_irqs.known);
	assert_false(n.napis[0].threaded.known);
	nic_release(&n);
}

static void counters_are_assigned_to_their_queue(void **state)
{
	struct nic n = {.index = INDEX};
	struct nl_msg *m = netdev_reply(NETDEV_A_QUEUE_IFINDEX, INDEX);
	nla_put_u32(m, NETDEV_A_QUEUE_ID, 3);
	nla_put_u32(m, NETDEV_A_QUEUE_TYPE, NIC_RX);
	nla_put_u32(m, NETDEV_A_QUEUE_NAPI_ID, 513);
	take(NIC_QUEUES, m, &n);
	m = netdev_reply(NETDEV_A_QSTATS_IFINDEX, INDEX);
	nla_put_u32(m, NETDEV_A_QSTATS_QUEUE_ID, 3);
	nla_put_u32(m, NETDEV_A_QSTATS_QUEUE_TYPE, NIC_RX);
	nla_put_u64(m, NETDEV_A_QSTATS_RX_PACKETS, 10000000000ull);
	nla_put_u32(m, NETDEV_A_QSTATS_RX_HW_DROP_OVERRUNS, 7);
	take(NIC_QSTATS, m, &n);
	assert_int_equal(n.queue_count, 1);
	assert_int_equal(n.queues[0].napi.value, 513);
	assert_int_equal(n.queues[0].packets.value, 10000000000ull);
	assert_int_equal(n.queues[0].hw_drop_overruns.value, 7);
	assert_false(n.queues[0].hw_drops.known);
	nic_release(&n);
}

static void rss_counts_the_queues_in_use(void **state)
{
	struct nic n = {.index = INDEX};
	uint32_t table[128];
	for (uint32_t i = 0; i < 128; i++)
		table[i] = i % 6;
	struct nl_msg *m = ethtool_reply(INDEX);
	nla_put(m, 4, sizeof(table), table);
	take(NIC_RSS, m, &n);
	assert_int_equal(n.rss.table_size.value, 128);
	assert_int_equal(n.rss.queues.value, 6);
	nic_release(&n);
}

static struct nl_msg *link_reply(const char *name, size_t length)
{
	struct ifinfomsg link = {.ifi_index = INDEX};
	struct nl_msg *m = nlmsg_alloc_size(4096);
	assert_non_null(m);
	assert_non_null(nlmsg_put(m, 1, 1, RTM_NEWLINK, 0, NLM_F_MULTI));
	nlmsg_append(m, &link, sizeof(link), NLMSG_ALIGNTO);
	nla_put(m, IFLA_IFNAME, (int)length, name);
	return m;
}

static size_t links_named(const char *name, size_t length)
{
	struct nics nics = {0};
	struct err e;
	struct reply r = reply_of(link_reply(name, length));
	assert_int_equal(reply_links(&r, &nics, &e), 0);
	size_t count = nics.count;
	nics_free(&nics);
	reply_free(&r);
	return count;
}

static void names_that_no_kernel_allows_are_omitted(void **state)
{
	assert_int_equal(links_named("eth0", 5), 1);
	assert_int_equal(links_named("eth0", 4), 1); /* without NUL: the length delimits it */
	assert_int_equal(links_named("", 1), 0);
	assert_int_equal(links_named(".", 2), 0);
	assert_int_equal(links_named("..", 3), 0);
	assert_int_equal(links_named("../../etc", 10), 0);
	assert_int_equal(links_named("a b", 4), 0);
	assert_int_equal(links_named("a\nb", 4), 0);
	assert_int_equal(links_named("0123456789abcdef", 17), 0);
}

/* Those of classes too; the ingress is no queue and has filters. */
static void qdiscs_are_those_that_send(void **state)
{
	static const struct {
		uint32_t parent;
		int index;
		bool known;
	} rows[] = {{TC_H_ROOT, INDEX, true},
		    {0x10001, INDEX, true},
		    {TC_H_INGRESS, INDEX, false},
		    {TC_H_ROOT, INDEX + 1, false}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct nic nic = {.index = INDEX};
		struct nics nics = {.at = &nic, .count = 1};
		const struct tcmsg tc = {.tcm_ifindex = rows[i].index,
					 .tcm_handle = 0x80010000,
					 .tcm_parent = rows[i].parent};
		const struct gnet_stats_queue queue = {.qlen = 3, .drops = 812};
		struct nl_msg *m = nlmsg_alloc();
		assert_non_null(nlmsg_put(m, 1, 1, RTM_NEWQDISC, 0, NLM_F_MULTI));
		nlmsg_append(m, (void *)&tc, sizeof(tc), NLMSG_ALIGNTO);
		nla_put_string(m, TCA_KIND, "bfifo");
		struct nlattr *stats = nla_nest_start(m, TCA_STATS2);
		nla_put(m, TCA_STATS_QUEUE, sizeof(queue), &queue);
		nla_nest_end(m, stats);
		struct reply r = reply_of(m);
		for (size_t size = 0; size < r.size; size++) {
			struct reply cut = {r.data, size};
			assert_int_equal(reply_qdiscs(&cut, &nics, NULL), 0);
			assert_int_equal(nic.qdisc_count, 0);
		}
		assert_int_equal(reply_qdiscs(&r, &nics, NULL), 0);
		assert_int_equal(nic.qdisc_count, rows[i].known);
		bool ingress = rows[i].parent == TC_H_INGRESS;
		assert_string_equal(nic.filters.kind, ingress ? "bfifo" : "");
		assert_int_equal(nic.filters.drops, ingress ? 812 : 0);
		if (rows[i].known) {
			assert_string_equal(nic.qdiscs->kind, "bfifo");
			assert_int_equal(nic.qdiscs->handle, 0x80010000);
			assert_int_equal(nic.qdiscs->parent, rows[i].parent);
			assert_int_equal(nic.qdiscs->drops, 812);
		}
		nic_release(&nic);
		reply_free(&r);
	}
}

/* A reply with a value in every attribute, for the damaged copies below. */
static struct reply a_good_reply(enum nic_request what)
{
	struct nl_msg *m;
	if (what == NIC_LINKS) {
		struct rtnl_link_stats64 stats = {.rx_packets = 1, .rx_nohandler = 2};
		m = link_reply("eth0", 5);
		nla_put(m, IFLA_STATS64, sizeof(stats), &stats);
		nla_put_string(m, IFLA_QDISC, "fq");
	} else if (what == NIC_QUEUES || what == NIC_NAPIS || what == NIC_QSTATS) {
		m = netdev_reply(what == NIC_QUEUES ? NETDEV_A_QUEUE_IFINDEX : 1, INDEX);
		for (uint16_t a = 1; a < 32; a++)
			if (a != (what == NIC_QUEUES ? 2 : 1))
				nla_put_u32(m, a, what == NIC_NAPIS ? 300 : a == 3 || a == 2);
	} else {
		m = ethtool_reply(INDEX);
		struct nlattr *set = nla_nest_start(m, 2);
		struct nlattr *bits = nla_nest_start(m, ETHTOOL_A_BITSET_BITS);
		put_bit(m, 0, "rx-gro", true);
		nla_nest_end(m, bits);
		nla_nest_end(m, set);
		for (uint16_t a = 3; a < 32; a++)
			nla_put_u32(m, a, a);
	}
	return reply_of(m);
}

static void truncated_replies_are_parsed_in_bounds(void **state)
{
	for (enum nic_request what = NIC_LINKS; what < NIC_REQUESTS; what++) {
		struct reply r = a_good_reply(what);
		uint8_t *input = malloc(r.size + 1);
		assert_non_null(input);
		input[0] = (uint8_t)what;
		memcpy(input + 1, r.data, r.size);
		for (size_t cut = 0; cut <= r.size; cut++) {
			LLVMFuzzerTestOneInput(input, cut + 1);
			/* The same with a header whose length matches the rest. */
			uint32_t length = (uint32_t)cut;
			if (cut >= sizeof(length))
				memcpy(input + 1, &length, sizeof(length));
			LLVMFuzzerTestOneInput(input, cut + 1);
			memcpy(input + 1, r.data, sizeof(length));
		}
		free(input);
		reply_free(&r);
	}
}

static void randomly_damaged_replies_are_parsed_in_bounds(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15ull;
	for (enum nic_request what = NIC_LINKS; what < NIC_REQUESTS; what++) {
		struct reply r = a_good_reply(what);
		uint8_t *input = malloc(r.size + 1);
		assert_non_null(input);
		for (unsigned round = 0; round < 3000; round++) {
			input[0] = (uint8_t)what;
			memcpy(input + 1, r.data, r.size);
			for (unsigned i = 0; i <= round % 7; i++) {
				seed = seed * 6364136223846793005ull + 1442695040888963407ull;
				uint8_t *at = input + 1 + (seed >> 33) % r.size;
				if (seed & 64)
					*at = (uint8_t)(seed >> 25);
				else
					*at = (uint8_t)(*at ^ (1u << (seed >> 61)));
			}
			LLVMFuzzerTestOneInput(input, r.size + 1);
		}
		free(input);
		reply_free(&r);
	}
}

static enum nic_request request_of(const char *path)
{
	static const char *const names[NIC_REQUESTS] = {
		"links",    "linkmodes", "rings",  "channels", "coalesce",
		"features", "rss",       "queues", "napis",    "qstats"};
	for (enum nic_request what = NIC_LINKS; what < NIC_REQUESTS; what++) {
		char end[32];
		snprintf(end, sizeof(end), "%s.bin", names[what]);
		if (strlen(path) > strlen(end) && !strcmp(path + strlen(path) - strlen(end), end))
			return what;
	}
	fail_msg("%s: unknown request", path);
	return NIC_REQUESTS;
}

/* Replies of real drivers, truncated at every third byte and damaged. */
static void recorded_replies_are_parsed_in_bounds(void **state)
{
	glob_t g;
	uint64_t seed = 1;
	assert_int_equal(glob("tests/hosts/*/netlink/*.bin", 0, NULL, &g), 0);
	assert_true(g.gl_pathc >= 20);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		static uint8_t input[65536];
		static uint8_t copy[65536];
		FILE *f = fopen(g.gl_pathv[i], "rb");
		assert_non_null(f);
		size_t size = fread(input + 1, 1, sizeof(input) - 1, f) + 1;
		fclose(f);
		input[0] = (uint8_t)request_of(g.gl_pathv[i]);
		for (size_t cut = 1; cut <= size; cut += 3)
			LLVMFuzzerTestOneInput(input, cut);
		for (unsigned round = 0; round < 300 && size > 1; round++) {
			memcpy(copy, input, size);
			for (unsigned k = 0; k < 1 + round % 5; k++) {
				seed = seed * 6364136223846793005ull + 1442695040888963407ull;
				copy[1 + (seed >> 33) % (size - 1)] = (uint8_t)(seed >> 25);
			}
			LLVMFuzzerTestOneInput(copy, size);
		}
	}
	globfree(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing_attributes_are_absent),
		cmocka_unit_test(replies_about_other_interfaces_are_ignored),
		cmocka_unit_test(an_unknown_speed_is_absent),
		cmocka_unit_test(features_are_read_from_bit_sets),
		cmocka_unit_test(numbers_of_any_width_are_read),
		cmocka_unit_test(counters_are_assigned_to_their_queue),
		cmocka_unit_test(rss_counts_the_queues_in_use),
		cmocka_unit_test(names_that_no_kernel_allows_are_omitted),
		cmocka_unit_test(qdiscs_are_those_that_send),
		cmocka_unit_test(truncated_replies_are_parsed_in_bounds),
		cmocka_unit_test(randomly_damaged_replies_are_parsed_in_bounds),
		cmocka_unit_test(recorded_replies_are_parsed_in_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
