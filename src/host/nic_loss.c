/* Packets that an interface loses, by the counters of its driver. */
#include <string.h>

#include "epolltune/nic.h"

enum source {
	STATISTIC, /* of the kernel: rtnl_link_stats64 */
	ETHTOOL,   /* of the driver: ethtool -S */
	QSTATS,    /* of the netdev family, summed over the queues */
};

/* Linux 6.12, drivers/net: what each driver adds to a counter. Names without a driver mean the same
 * in all that have them. A name that another driver uses for something else needs its driver. */
static const struct {
	enum nic_loss_kind kind;
	enum source source;
	const char *name;   /* "*": the number of a queue; the sum is meant */
	const char *driver; /* "": any */
	size_t offset;      /* of a queue's number, QSTATS only */
} counters[] = {
	{NIC_LOSS_RING, STATISTIC, "rx_missed_errors", "", 0},
	{NIC_LOSS_RING, STATISTIC, "rx_fifo_errors", "", 0},
	{NIC_LOSS_RING, STATISTIC, "rx_over_errors", "", 0},
	{NIC_LOSS_RING, QSTATS, "rx-hw-drop-overruns", "",
	 offsetof(struct nic_queue, hw_drop_overruns)},
	{NIC_LOSS_RING, ETHTOOL, "rx_no_dma_resources", "", 0}, /* ixgbe */
	{NIC_LOSS_RING, ETHTOOL, "rx_queue_*_drops", "igb", 0},
	{NIC_LOSS_RING, ETHTOOL, "rx_queue_*_drops", "igc", 0},
	{NIC_LOSS_RING, ETHTOOL, "port.rx_dropped", "", 0}, /* i40e before 6.9 */
	{NIC_LOSS_RING, ETHTOOL, "port.rx_discards", "i40e", 0},
	{NIC_LOSS_RING, ETHTOOL, "rx_dropped.nic", "", 0}, /* ice: the port's buffer */
	{NIC_LOSS_RING, ETHTOOL, "rx_dropped", "ice", 0},
	{NIC_LOSS_RING, ETHTOOL, "rx_out_of_buffer", "", 0}, /* mlx5 */
	{NIC_LOSS_RING, ETHTOOL, "rx_discards_phy", "", 0},
	{NIC_LOSS_RING, ETHTOOL, "outbound_pci_buffer_overflow", "mlx5_core", 0},
	{NIC_LOSS_RING, ETHTOOL, "rx_discards", "", 0},
	{NIC_LOSS_RING, ETHTOOL, "[*]: rx_discards", "bnxt_en", 0},
	{NIC_LOSS_RING, ETHTOOL, "rx_total_ring_discards", "bnxt_en", 0},
	{NIC_LOSS_RING, ETHTOOL, "rx_discard_packets_cos*", "bnxt_en", 0}, /* the port's buffer */
	{NIC_LOSS_RING, ETHTOOL, "rx_fw_discards", "", 0},                 /* bnx2 */
	{NIC_LOSS_RING, ETHTOOL, "rx_overruns", "", 0},
	{NIC_LOSS_RING, ETHTOOL, "rx_queue_full", "", 0},
	{NIC_LOSS_RING, ETHTOOL, "rx_no_bufs", "", 0}, /* enic */
	{NIC_LOSS_RING, ETHTOOL, "rx_out_of_resource", "", 0},
	{NIC_LOSS_RING, ETHTOOL, "rx_no_buffers_posted[*]", "gve", 0},
	{NIC_LOSS_RING, ETHTOOL, "rx_queue_drop_cnt[*]", "gve", 0},
	{NIC_LOSS_RING, ETHTOOL, "hc_rx_discards_no_wqe", "mana", 0},
	{NIC_LOSS_RING, ETHTOOL, "pkts rx OOB", "vmxnet3", 0},
	{NIC_LOSS_RING, ETHTOOL, "port_rx_nodesc_drops", "", 0}, /* sfc */
	{NIC_LOSS_RING, ETHTOOL, "no_buff_discards", "qede", 0},
	{NIC_LOSS_RING, ETHTOOL, "brb_discards", "qede", 0}, /* the port's buffer */
	{NIC_LOSS_RING, ETHTOOL, "rxq*: rx_drops_no_frags", "be2net", 0},
	/* Of frames that no posted buffer holds: ibmveth_update_rx_no_buffer(). */
	{NIC_LOSS_RING, ETHTOOL, "rx_no_buffer", "ibmveth", 0},
	{NIC_LOSS_RING, ETHTOOL, "[hw] rx nobuffer discards", "", 0}, /* fsl_dpaa2_eth */
	{NIC_LOSS_AMONG, STATISTIC, "rx_dropped", "ena", 0},
	{NIC_LOSS_AMONG, STATISTIC, "rx_dropped", "enic", 0},
	{NIC_LOSS_AMONG, STATISTIC, "rx_dropped", "cxgb4", 0},
	{NIC_LOSS_AMONG, STATISTIC, "rx_dropped", "idpf", 0},
	{NIC_LOSS_SHAPED, ETHTOOL, "bw_in_allowance_exceeded", "ena", 0},
	{NIC_LOSS_SHAPED, ETHTOOL, "bw_out_allowance_exceeded", "ena", 0},
	{NIC_LOSS_SHAPED, ETHTOOL, "pps_allowance_exceeded", "ena", 0},
	{NIC_LOSS_REFUSED, ETHTOOL, "conntrack_allowance_exceeded", "ena", 0},
	{NIC_LOSS_REFUSED, ETHTOOL, "linklocal_allowance_exceeded", "ena", 0},
	/* virtio_net, where the device has the statistics of its speed. */
	{NIC_LOSS_SHAPED, QSTATS, "hw-drop-ratelimits", "",
	 offsetof(struct nic_queue, hw_drop_ratelimits)},
	{NIC_LOSS_OTHER, STATISTIC, "rx_errors", "", 0},
	{NIC_LOSS_OTHER, STATISTIC, "tx_errors", "", 0},
	{NIC_LOSS_OTHER, STATISTIC, "tx_dropped", "", 0},
	{NIC_LOSS_OTHER, QSTATS, "rx-alloc-fail", "", offsetof(struct nic_queue, alloc_fail)},
	{NIC_LOSS_OTHER, ETHTOOL, "alloc_rx_buff_failed", "", 0}, /* e1000e, ixgbe */
	{NIC_LOSS_OTHER, ETHTOOL, "alloc_rx_page_failed", "", 0}, /* ixgbe */
	{NIC_LOSS_OTHER, ETHTOOL, "rx_queue_*_alloc_failed", "igb", 0},
	{NIC_LOSS_OTHER, ETHTOOL, "rx_queue_*_alloc_failed", "igc", 0},
	{NIC_LOSS_OTHER, ETHTOOL, "rx_alloc_fail", "", 0},     /* i40e, ice */
	{NIC_LOSS_OTHER, ETHTOOL, "rx_pg_alloc_fail", "", 0},  /* likewise */
	{NIC_LOSS_OTHER, ETHTOOL, "rx_buff_alloc_err", "", 0}, /* mlx5 */
	{NIC_LOSS_OTHER, ETHTOOL, "rx_total_oom_discards", "bnxt_en", 0},
	{NIC_LOSS_OTHER, ETHTOOL, "queue_*_rx_page_alloc_fail", "ena", 0},
	{NIC_LOSS_OTHER, ETHTOOL, "queue_*_rx_skb_alloc_fail", "ena", 0},
	{NIC_LOSS_OTHER, ETHTOOL, "rx_buf_alloc_fail", "gve", 0},
	{NIC_LOSS_OTHER, ETHTOOL, "rx_skb_alloc_fail", "gve", 0},
	{NIC_LOSS_OTHER, ETHTOOL, "rx_desc_err_dropped_pkt", "gve", 0},
	{NIC_LOSS_OTHER, ETHTOOL, "rx_drops_packet_over_mru[*]", "gve", 0},
	{NIC_LOSS_OTHER, ETHTOOL, "rx_drops_invalid_checksum[*]", "gve", 0},
	{NIC_LOSS_OTHER, ETHTOOL, "rx buf alloc fail", "vmxnet3", 0},
	{NIC_LOSS_OTHER, ETHTOOL, "rx_no_memory", "hv_netvsc", 0},
	{NIC_LOSS_OTHER, ETHTOOL, "rx_queue_*_drops", "virtio_net", 0}, /* before 6.10 */
	{NIC_LOSS_OTHER, ETHTOOL, "rx*_drops", "virtio_net", 0},
};
#define COUNTERS (sizeof(counters) / sizeof(*counters))

size_t nic_loss_count(void) { return COUNTERS; }
const char *nic_loss_name(size_t i) { return counters[i].name; }

bool nic_loss_counted(const struct nic *n)
{
	/* A full ring of Hyper-V's channel and of Xen is met on the host, which does not say. The
	 * registers of Intel's older functions count what arrived only (ixgbevf_get_stats(),
	 * igbvf_update_stats()). */
	static const char *const silent[] = {"virtio_net",   "hv_netvsc", "vif",
					     "xen-netfront", "ixgbevf",   "igbvf"};
	for (size_t i = 0; i < sizeof(silent) / sizeof(*silent); i++)
		if (!strcmp(n->driver, silent[i])) {
			for (size_t k = 0; k < n->queue_count; k++)
				if (n->queues[k].hw_drop_overruns.known)
					return true;
			return false;
		}
	return true;
}

uint64_t nic_loss_interval_us(const struct nic *n)
{
	/* Linux 6.12, drivers/net/ethernet: the card writes them that often (bnxt_en, tg3, bnx2,
	 * sfc), or a timer reads them (bnx2x), or a message of the card has them (ena). */
	static const char *const each_second[] = {"ena", "bnxt_en", "tg3", "bnx2x", "bnx2", "sfc"};
	for (size_t i = 0; i < sizeof(each_second) / sizeof(*each_second); i++)
		if (!strcmp(n->driver, each_second[i]))
			return 1000000;
	return 0;
}

bool nic_loss_sends(const char *counter) { return !strncmp(counter, "tx_", 3); }

/* vmxnet3 indents its names. */
static bool is_named(const char *pattern, const char *name)
{
	const char *queue = strchr(pattern, '*');
	name += strspn(name, " ");
	if (!queue)
		return !strcmp(pattern, name);
	size_t head = (size_t)(queue - pattern);
	if (strncmp(pattern, name, head) != 0)
		return false;
	size_t digits = strspn(name + head, "0123456789");
	return digits && !strcmp(queue + 1, name + head + digits);
}

static void add(struct nic_number *sum, uint64_t value)
{
	sum->known = true;
	sum->value += value;
}

static struct nic_number counter_read(size_t i, const struct nic *n)
{
	struct nic_number sum = {0};
	if (!n || (counters[i].driver[0] && strcmp(counters[i].driver, n->driver) != 0))
		return sum;
	/* Without a carrier the kernel drops what is to be sent: noop_enqueue(). */
	if (nic_loss_sends(counters[i].name) && !n->running)
		return sum;
	switch (counters[i].source) {
	case STATISTIC:
		return nic_get(n, nic_field_find(GROUP_STATISTICS, counters[i].name));
	case ETHTOOL:
		for (size_t k = 0; k < n->counter_count; k++)
			if (is_named(counters[i].name, n->counters[k].name))
				add(&sum, n->counters[k].value);
		break;
	case QSTATS:
		for (size_t k = 0; k < n->queue_count; k++) {
			struct nic_number q;
			memcpy(&q, (const char *)&n->queues[k] + counters[i].offset, sizeof(q));
			if (q.known)
				add(&sum, q.value);
		}
		break;
	}
	return sum;
}

static struct nic_number counter_then(size_t i, const void *before)
{
	return counter_read(i, before);
}

static struct nic_loss loss_at(size_t i, struct nic_number then, struct nic_number now)
{
	struct nic_loss l = {.kind = counters[i].kind};
	if (then.known && now.known && now.value > then.value) {
		l.grew = counters[i].name;
		l.grown = now.value - then.value;
	}
	if (now.known && now.value) {
		l.counter = counters[i].name;
		l.total = now.value;
	}
	return l;
}

struct nic_loss nic_loss_at(size_t i, const struct nic *before, const struct nic *after)
{
	return loss_at(i, counter_read(i, before), counter_read(i, after));
}

static struct nic_loss largest(const struct nic *now, enum nic_loss_kind kind,
			       struct nic_number (*then)(size_t i, const void *of), const void *of)
{
	struct nic_loss l = {.kind = kind};
	for (size_t i = 0; i < COUNTERS; i++) {
		if (counters[i].kind != kind)
			continue;
		struct nic_loss one = loss_at(i, then(i, of), counter_read(i, now));
		if (one.grown > l.grown) {
			l.grew = one.grew;
			l.grown = one.grown;
		}
		if (one.total > l.total) {
			l.counter = one.counter;
			l.total = one.total;
		}
	}
	return l;
}

struct nic_loss nic_loss_since(const struct nic *now, enum nic_loss_kind kind,
			       struct nic_number (*then)(size_t i, const void *of), const void *of)
{
	struct nic_loss l = largest(now, kind, then, of), among;
	if (kind != NIC_LOSS_RING || l.grown)
		return l;
	among = largest(now, NIC_LOSS_AMONG, then, of);
	return among.grown || !l.total ? among : l;
}

struct nic_loss nic_loss(const struct nic *before, const struct nic *after, enum nic_loss_kind kind)
{
	return nic_loss_since(after, kind, counter_then, before);
}
