/* The numbers of an interface as a table. */
#include <linux/ethtool_netlink.h>
#include <string.h>

#include "epolltune/nic.h"
#include "host/compat.h"

#define FIELD(group, member, name, unit, attribute)                                                \
	{                                                                                          \
#group, name, unit, offsetof(struct nic, group.member), attribute                  \
	}
#define RINGS(member, name, unit, a) FIELD(rings, member, name, unit, ETHTOOL_A_RINGS_##a)
#define CHANNELS(member, name, a) FIELD(channels, member, name, "", ETHTOOL_A_CHANNELS_##a)
#define COALESCE(member, name, unit, a) FIELD(coalesce, member, name, unit, ETHTOOL_A_COALESCE_##a)

const struct nic_field nic_fields[] = {
	FIELD(link, mtu, "mtu", "B", 0),
	FIELD(link, speed, "speed", "Mbit/s", 0),
	FIELD(link, tx_queue_len, "tx_queue_len", "packets", 0),
	FIELD(link, rx_queues, "rx-queues", "", 0),
	FIELD(link, tx_queues, "tx-queues", "", 0),

	RINGS(rx, "rx", "descriptors", RX),
	RINGS(rx_max, "rx-max", "descriptors", RX_MAX),
	RINGS(rx_mini, "rx-mini", "descriptors", RX_MINI),
	RINGS(rx_mini_max, "rx-mini-max", "descriptors", RX_MINI_MAX),
	RINGS(rx_jumbo, "rx-jumbo", "descriptors", RX_JUMBO),
	RINGS(rx_jumbo_max, "rx-jumbo-max", "descriptors", RX_JUMBO_MAX),
	RINGS(tx, "tx", "descriptors", TX),
	RINGS(tx_max, "tx-max", "descriptors", TX_MAX),
	FIELD(rings, rx_buf_len, "rx-buf-len", "B", RINGS_RX_BUF_LEN),
	FIELD(rings, tcp_data_split, "tcp-data-split", "bool", RINGS_TCP_DATA_SPLIT),
	FIELD(rings, cqe_size, "cqe-size", "B", RINGS_CQE_SIZE),
	FIELD(rings, tx_push, "tx-push", "bool", RINGS_TX_PUSH),
	FIELD(rings, rx_push, "rx-push", "bool", RINGS_RX_PUSH),

	CHANNELS(rx, "rx", RX_COUNT),
	CHANNELS(rx_max, "rx-max", RX_MAX),
	CHANNELS(tx, "tx", TX_COUNT),
	CHANNELS(tx_max, "tx-max", TX_MAX),
	CHANNELS(other, "other", OTHER_COUNT),
	CHANNELS(other_max, "other-max", OTHER_MAX),
	CHANNELS(combined, "combined", COMBINED_COUNT),
	CHANNELS(combined_max, "combined-max", COMBINED_MAX),

	COALESCE(adaptive_rx, "adaptive-rx", "bool", USE_ADAPTIVE_RX),
	COALESCE(adaptive_tx, "adaptive-tx", "bool", USE_ADAPTIVE_TX),
	COALESCE(rx_usecs, "rx-usecs", "us", RX_USECS),
	COALESCE(rx_frames, "rx-frames", "frames", RX_MAX_FRAMES),
	COALESCE(rx_usecs_irq, "rx-usecs-irq", "us", RX_USECS_IRQ),
	COALESCE(rx_frames_irq, "rx-frames-irq", "frames", RX_MAX_FRAMES_IRQ),
	COALESCE(tx_usecs, "tx-usecs", "us", TX_USECS),
	COALESCE(tx_frames, "tx-frames", "frames", TX_MAX_FRAMES),
	COALESCE(tx_usecs_irq, "tx-usecs-irq", "us", TX_USECS_IRQ),
	COALESCE(tx_frames_irq, "tx-frames-irq", "frames", TX_MAX_FRAMES_IRQ),
	COALESCE(stats_block_usecs, "stats-block-usecs", "us", STATS_BLOCK_USECS),
	COALESCE(sample_interval, "sample-interval", "s", RATE_SAMPLE_INTERVAL),
	COALESCE(pkt_rate_low, "pkt-rate-low", "packets/s", PKT_RATE_LOW),
	COALESCE(rx_usecs_low, "rx-usecs-low", "us", RX_USECS_LOW),
	COALESCE(rx_frames_low, "rx-frames-low", "frames", RX_MAX_FRAMES_LOW),
	COALESCE(tx_usecs_low, "tx-usecs-low", "us", TX_USECS_LOW),
	COALESCE(tx_frames_low, "tx-frames-low", "frames", TX_MAX_FRAMES_LOW),
	COALESCE(pkt_rate_high, "pkt-rate-high", "packets/s", PKT_RATE_HIGH),
	COALESCE(rx_usecs_high, "rx-usecs-high", "us", RX_USECS_HIGH),
	COALESCE(rx_frames_high, "rx-frames-high", "frames", RX_MAX_FRAMES_HIGH),
	COALESCE(tx_usecs_high, "tx-usecs-high", "us", TX_USECS_HIGH),
	COALESCE(tx_frames_high, "tx-frames-high", "frames", TX_MAX_FRAMES_HIGH),
	FIELD(coalesce, cqe_mode_rx, "cqe-mode-rx", "bool", COALESCE_USE_CQE_MODE_RX),
	FIELD(coalesce, cqe_mode_tx, "cqe-mode-tx", "bool", COALESCE_USE_CQE_MODE_TX),
	FIELD(coalesce, tx_aggr_max_bytes, "tx-aggr-max-bytes", "B", COALESCE_TX_AGGR_MAX_BYTES),
	FIELD(coalesce, tx_aggr_max_frames, "tx-aggr-max-frames", "frames",
	      COALESCE_TX_AGGR_MAX_FRAMES),
	FIELD(coalesce, tx_aggr_time_usecs, "tx-aggr-time-usecs", "us",
	      COALESCE_TX_AGGR_TIME_USECS),

	FIELD(napi, gro_flush_timeout, "gro_flush_timeout", "ns", 0),
	FIELD(napi, napi_defer_hard_irqs, "napi_defer_hard_irqs", "polls", 0),
	FIELD(napi, threaded, "threaded", "", 0),

	FIELD(rss, table_size, "table-size", "", 0),
	FIELD(rss, queues, "queues", "", 0),

	FIELD(statistics, rx_packets, "rx_packets", "packets", 0),
	FIELD(statistics, tx_packets, "tx_packets", "packets", 0),
	FIELD(statistics, rx_bytes, "rx_bytes", "B", 0),
	FIELD(statistics, tx_bytes, "tx_bytes", "B", 0),
	FIELD(statistics, rx_errors, "rx_errors", "packets", 0),
	FIELD(statistics, tx_errors, "tx_errors", "packets", 0),
	FIELD(statistics, rx_dropped, "rx_dropped", "packets", 0),
	FIELD(statistics, tx_dropped, "tx_dropped", "packets", 0),
	FIELD(statistics, rx_over_errors, "rx_over_errors", "packets", 0),
	FIELD(statistics, rx_fifo_errors, "rx_fifo_errors", "packets", 0),
	FIELD(statistics, rx_missed_errors, "rx_missed_errors", "packets", 0),
	FIELD(statistics, rx_nohandler, "rx_nohandler", "packets", 0),
};
const size_t nic_field_count = sizeof(nic_fields) / sizeof(*nic_fields);

const struct nic_field *nic_field_find(const char *group, const char *name)
{
	for (size_t i = 0; i < nic_field_count; i++)
		if (!strcmp(nic_fields[i].group, group) && !strcmp(nic_fields[i].name, name))
			return &nic_fields[i];
	return NULL;
}
