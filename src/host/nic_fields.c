/* The numbers of an interface as a table. */
#include <linux/ethtool_netlink.h>
#include <string.h>

#include "epolltune/nic.h"
#include "host/compat.h"

#define FIELD(group, member, name, attribute, settable, boolean)                                   \
	{                                                                                          \
		group, name, settable, boolean, offsetof(struct nic, member), attribute            \
	}
#define READ(group, member, name) FIELD(group, member, name, 0, false, false)
/* A value and its maximum. */
#define RING(member, name, a)                                                                      \
	FIELD(GROUP_RINGS, rings.member, name, ETHTOOL_A_RINGS_##a, true, false),                  \
		FIELD(GROUP_RINGS, rings.member##_max, name "-max", ETHTOOL_A_RINGS_##a##_MAX,     \
		      false, false)
#define CHANNEL(member, name, a)                                                                   \
	FIELD(GROUP_CHANNELS, channels.member, name, ETHTOOL_A_CHANNELS_##a##_COUNT, true, false), \
		FIELD(GROUP_CHANNELS, channels.member##_max, name "-max",                          \
		      ETHTOOL_A_CHANNELS_##a##_MAX, false, false)
#define RINGS(member, name, a, boolean)                                                            \
	FIELD(GROUP_RINGS, rings.member, name, RINGS_##a, true, boolean)
#define COALESCE(member, name, a)                                                                  \
	FIELD(GROUP_COALESCE, coalesce.member, name, ETHTOOL_A_COALESCE_##a, true, false)
#define ADAPTIVE(member, name, a)                                                                  \
	FIELD(GROUP_COALESCE, coalesce.member, name, ETHTOOL_A_COALESCE_##a, true, true)
#define COALESCE_NEW(member, name, a, boolean)                                                     \
	FIELD(GROUP_COALESCE, coalesce.member, name, COALESCE_##a, true, boolean)
#define NAPI(member) FIELD(GROUP_NAPI, napi.member, #member, 0, true, false)
#define STATISTIC(member) READ(GROUP_STATISTICS, statistics.member, #member)

const struct nic_field nic_fields[] = {
	READ(GROUP_LINK, link.mtu, "mtu"),
	READ(GROUP_LINK, link.speed, "speed"),
	READ(GROUP_LINK, link.tx_queue_len, "tx_queue_len"),
	READ(GROUP_LINK, link.rx_queues, "rx-queues"),
	READ(GROUP_LINK, link.tx_queues, "tx-queues"),

	RING(rx, "rx", RX),
	RING(rx_mini, "rx-mini", RX_MINI),
	RING(rx_jumbo, "rx-jumbo", RX_JUMBO),
	RING(tx, "tx", TX),
	RINGS(rx_buf_len, "rx-buf-len", RX_BUF_LEN, false),
	RINGS(tcp_data_split, "tcp-data-split", TCP_DATA_SPLIT, true),
	RINGS(cqe_size, "cqe-size", CQE_SIZE, false),
	RINGS(tx_push, "tx-push", TX_PUSH, true),
	RINGS(rx_push, "rx-push", RX_PUSH, true),

	CHANNEL(rx, "rx", RX),
	CHANNEL(tx, "tx", TX),
	CHANNEL(other, "other", OTHER),
	CHANNEL(combined, "combined", COMBINED),

	ADAPTIVE(adaptive_rx, "adaptive-rx", USE_ADAPTIVE_RX),
	ADAPTIVE(adaptive_tx, "adaptive-tx", USE_ADAPTIVE_TX),
	COALESCE(rx_usecs, "rx-usecs", RX_USECS),
	COALESCE(rx_frames, "rx-frames", RX_MAX_FRAMES),
	COALESCE(rx_usecs_irq, "rx-usecs-irq", RX_USECS_IRQ),
	COALESCE(rx_frames_irq, "rx-frames-irq", RX_MAX_FRAMES_IRQ),
	COALESCE(tx_usecs, "tx-usecs", TX_USECS),
	COALESCE(tx_frames, "tx-frames", TX_MAX_FRAMES),
	COALESCE(tx_usecs_irq, "tx-usecs-irq", TX_USECS_IRQ),
	COALESCE(tx_frames_irq, "tx-frames-irq", TX_MAX_FRAMES_IRQ),
	COALESCE(stats_block_usecs, "stats-block-usecs", STATS_BLOCK_USECS),
	COALESCE(sample_interval, "sample-interval", RATE_SAMPLE_INTERVAL),
	COALESCE(pkt_rate_low, "pkt-rate-low", PKT_RATE_LOW),
	COALESCE(rx_usecs_low, "rx-usecs-low", RX_USECS_LOW),
	COALESCE(rx_frames_low, "rx-frames-low", RX_MAX_FRAMES_LOW),
	COALESCE(tx_usecs_low, "tx-usecs-low", TX_USECS_LOW),
	COALESCE(tx_frames_low, "tx-frames-low", TX_MAX_FRAMES_LOW),
	COALESCE(pkt_rate_high, "pkt-rate-high", PKT_RATE_HIGH),
	COALESCE(rx_usecs_high, "rx-usecs-high", RX_USECS_HIGH),
	COALESCE(rx_frames_high, "rx-frames-high", RX_MAX_FRAMES_HIGH),
	COALESCE(tx_usecs_high, "tx-usecs-high", TX_USECS_HIGH),
	COALESCE(tx_frames_high, "tx-frames-high", TX_MAX_FRAMES_HIGH),
	COALESCE_NEW(cqe_mode_rx, "cqe-mode-rx", USE_CQE_MODE_RX, true),
	COALESCE_NEW(cqe_mode_tx, "cqe-mode-tx", USE_CQE_MODE_TX, true),
	COALESCE_NEW(tx_aggr_max_bytes, "tx-aggr-max-bytes", TX_AGGR_MAX_BYTES, false),
	COALESCE_NEW(tx_aggr_max_frames, "tx-aggr-max-frames", TX_AGGR_MAX_FRAMES, false),
	COALESCE_NEW(tx_aggr_time_usecs, "tx-aggr-time-usecs", TX_AGGR_TIME_USECS, false),

	NAPI(gro_flush_timeout),
	NAPI(napi_defer_hard_irqs),
	NAPI(threaded),

	READ(GROUP_RSS, rss.table_size, "table-size"),
	READ(GROUP_RSS, rss.queues, "queues"),

	STATISTIC(rx_packets),
	STATISTIC(tx_packets),
	STATISTIC(rx_bytes),
	STATISTIC(tx_bytes),
	STATISTIC(rx_errors),
	STATISTIC(tx_errors),
	STATISTIC(rx_dropped),
	STATISTIC(tx_dropped),
	STATISTIC(rx_over_errors),
	STATISTIC(rx_fifo_errors),
	STATISTIC(rx_missed_errors),
	STATISTIC(rx_nohandler),
};
const size_t nic_field_count = sizeof(nic_fields) / sizeof(*nic_fields);

const char *nic_group_name(enum nic_group group)
{
	static const char *const names[] = {
		[GROUP_LINK] = "link",
		[GROUP_RINGS] = "rings",
		[GROUP_CHANNELS] = "channels",
		[GROUP_COALESCE] = "coalesce",
		[GROUP_NAPI] = "napi",
		[GROUP_RSS] = "rss",
		[GROUP_STATISTICS] = "statistics",
	};
	return names[group];
}

const struct nic_field *nic_field_find(enum nic_group group, const char *name)
{
	for (size_t i = 0; i < nic_field_count; i++)
		if (nic_fields[i].group == group && !strcmp(nic_fields[i].name, name))
			return &nic_fields[i];
	return NULL;
}
