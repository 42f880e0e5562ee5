/* nic: network interfaces, their queues, NAPI instances and interrupts, and the softnet layer, read
 * from rtnetlink, the `ethtool` and `netdev` generic netlink families, sysfs and /proc. Reading
 * needs no privilege.
 *
 * Kernels and drivers differ in what they report: a value that they do not report is absent
 * (`known` false, "" or NULL), never zero. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/device_setting.h"
#include "epolltune/err.h"
#include "epolltune/host.h"

#define NIC_NAME 16 /* IFNAMSIZ */

struct nic_number {
	bool known;
	uint64_t value;
};

/* Names as in `ethtool --set-…`; each ring and channel has its current value and its maximum.
 * Booleans are 0 and 1. */
struct nic_rings {
	struct nic_number rx_max, rx_mini_max, rx_jumbo_max, tx_max;
	struct nic_number rx, rx_mini, rx_jumbo, tx;
	struct nic_number rx_buf_len, tcp_data_split, cqe_size, tx_push, rx_push;
};

struct nic_channels {
	struct nic_number rx_max, tx_max, other_max, combined_max;
	struct nic_number rx, tx, other, combined;
};

struct nic_coalesce {
	struct nic_number adaptive_rx, adaptive_tx;
	struct nic_number rx_usecs, rx_frames, rx_usecs_irq, rx_frames_irq;
	struct nic_number tx_usecs, tx_frames, tx_usecs_irq, tx_frames_irq;
	struct nic_number stats_block_usecs, sample_interval;
	struct nic_number pkt_rate_low, rx_usecs_low, rx_frames_low, tx_usecs_low, tx_frames_low;
	struct nic_number pkt_rate_high, rx_usecs_high, rx_frames_high, tx_usecs_high,
		tx_frames_high;
	struct nic_number cqe_mode_tx, cqe_mode_rx;
	struct nic_number tx_aggr_max_bytes, tx_aggr_max_frames, tx_aggr_time_usecs;
};

/* Settings of the device; NAPI instances may differ (struct nic_napi). */
struct nic_napi_device {
	struct nic_number gro_flush_timeout;    /* ns */
	struct nic_number napi_defer_hard_irqs; /* polls */
	struct nic_number threaded;
};

/* Totals since the device was created (rtnl_link_stats64). */
struct nic_statistics {
	struct nic_number rx_packets, tx_packets, rx_bytes, tx_bytes;
	struct nic_number rx_errors, tx_errors, rx_dropped, tx_dropped;
	struct nic_number rx_over_errors, rx_fifo_errors, rx_missed_errors, rx_nohandler;
};

struct nic_link {
	struct nic_number mtu;
	struct nic_number speed; /* Mbit/s */
	struct nic_number tx_queue_len;
	struct nic_number rx_queues, tx_queues; /* at the creation of the device */
};

struct nic_rss {
	struct nic_number table_size; /* entries of the indirection table */
	struct nic_number queues;     /* queues that the table uses */
};

struct nic_feature {
	char name[40]; /* as in `ethtool -k`: "rx-gro" */
	bool active, wanted, changeable;
};

/* A counter of the driver ("rx_missed_errors"). */
struct nic_counter {
	char name[40];
	uint64_t value;
};

enum nic_direction { NIC_RX, NIC_TX };

struct nic_queue {
	enum nic_direction direction;
	uint32_t id;
	struct nic_number napi;  /* its NAPI instance's id (Linux 6.8) */
	char *cpus;              /* rps_cpus or xps_cpus, the kernel's mask; NULL: absent */
	struct nic_number flows; /* rps_flow_cnt; receive only */
	/* Totals of the netdev family's qstats (Linux 6.10), if the driver supports them. */
	struct nic_number packets, bytes;
	struct nic_number hw_drops;           /* rx-hw-drops or tx-hw-drops */
	struct nic_number hw_drop_overruns;   /* of these: the ring was full; receive only */
	struct nic_number alloc_fail;         /* receive only */
	struct nic_number hw_drop_ratelimits; /* of these: beyond the device's rate limit */
};

struct nic_napi {
	uint32_t id; /* first: its order */
	struct nic_number irq, pid;
	struct nic_number defer_hard_irqs;     /* Linux 6.13, like the next two */
	struct nic_number gro_flush_timeout;   /* ns */
	struct nic_number irq_suspend_timeout; /* ns */
	struct nic_number threaded;
};

struct nic_irq {
	uint32_t irq;            /* first: its order */
	char action[48];         /* "virtio2-input.0"; "" without a handler */
	char *affinity;          /* smp_affinity_list, "0-1"; NULL: not readable */
	char *effective;         /* of these, where it goes; NULL: not readable */
	struct nic_number total; /* interrupts since boot, all CPUs */
};

/* One that holds outgoing packets, as `tc -s qdisc` lists it. */
struct nic_qdisc {
	char kind[16];
	uint32_t handle, parent; /* as in struct tcmsg; TC_H_ROOT: it has no parent */
	uint32_t drops;          /* wraps; what those below it drop included */
};

struct nic {
	char name[NIC_NAME];
	uint32_t index;
	char kind[16];      /* of a virtual device: "veth", "bridge"; otherwise "" */
	bool physical;      /* has a parent device: PCI, virtio, USB, … */
	bool up, running;   /* administratively up; has a carrier */
	bool default_route; /* has a default route */
	uint32_t master;    /* index of its bridge or bond; 0: none */
	uint32_t below;     /* index of the interface below it (VLAN, macvlan); 0: none */
	uint32_t peer;      /* index of the other end of a veth pair, where that is; 0: no pair */
	char address[24];   /* "02:fc:00:00:00:01"; "" without a 6-byte address */
	char permanent[24]; /* permanent address; "" if unknown */
	char driver[32];
	char driver_version[32];
	char firmware[32];
	char bus[32]; /* "0000:00:03.0" */
	char qdisc[16];
	struct nic_link link;
	struct nic_rings rings;
	struct nic_channels channels;
	struct nic_coalesce coalesce;
	struct nic_napi_device napi;
	struct nic_rss rss;
	struct nic_statistics statistics;
	struct nic_feature *features;
	size_t feature_count;
	struct nic_counter *counters;
	size_t counter_count;
	struct nic_queue *queues;
	size_t queue_count;
	struct nic_napi *napis;
	size_t napi_count;
	struct nic_irq *irqs;
	size_t irq_count;
	struct nic_qdisc *qdiscs; /* not of a captured machine */
	size_t qdisc_count;
	struct nic_qdisc filters; /* the qdisc of its ingress, or clsact; kind "": none */
};

struct nics {
	struct nic *at; /* by index */
	size_t count;
};

enum nic_choice {
	NIC_ALL,
	NIC_REAL,       /* interfaces with a parent device */
	NIC_STATISTICS, /* all, with name, link and statistics only */
};

/* Reads the interfaces of the calling network namespace, or of a captured host from its recorded
 * replies (netlink/…) and sysfs. Omits interfaces that are
 * removed meanwhile. Fails only if the list cannot be read: -ENOENT if a capture has none. The
 * caller owns the result. */
int nics_read(const struct host *h, enum nic_choice choice, struct nics *out, struct err *e);
/* The same for one interface; -ENODEV if there is no such interface. */
int nics_read_one(const struct host *h, const char *name, struct nics *out, struct err *e);
/* Whether the machine has no PCI card at the address ("0000:00:03.0") any more: its interface is in
 * no network namespace. False where that is not visible. */
bool nic_card_gone(const struct host *h, const char *bus);
void nics_free(struct nics *n);
static inline void nics_freep(struct nics *n) { nics_free(n); }
/* NULL if there is no such interface. */
const struct nic *nics_find(const struct nics *n, const char *name);
const struct nic *nics_at(const struct nics *n, uint32_t index);
/* The NAPI instance of a receive queue, NULL if unknown. If the driver assigns instances to no
 * queue but has one for each, both are in the same order. */
const struct nic_napi *nic_napi_of(const struct nic *n, uint32_t queue);
const struct nic_feature *nic_feature(const struct nic *n, const char *name);

/* Whether `upper` is `lower`, or a bridge, bond, VLAN or similar on top of it. `all` was read with
 * NIC_ALL or NIC_STATISTICS. */
bool nic_stands_on(const struct nics *all, const char *upper, const char *lower);

/* Whether a card that is up, or one of all where none is, may give each packet a page; also where
 * none is visible, as in a container. `real` was read with NIC_REAL; `kernel`: KERNEL(). Pure. */
bool nics_take_page(const struct nics *real, unsigned kernel);
/* Whether there is a tunnel over UDP, which takes the datagrams of its socket at once. Pure. */
bool nics_tunnel_udp(const struct nics *all);
/* The next functions judge the traffic of interfaces. Pure. `real` was read with NIC_REAL; `all`,
 * `before` and `after` with NIC_ALL or NIC_STATISTICS. */

/* A virtual function that carries the packets of a master without a kind, such as hv_netvsc with
 * accelerated networking or net_failover: the master counts its packets too, and has its address.
 * NULL: the interface is no such function. */
const struct nic *nics_master(const struct nics *all, const struct nic *vf);
/* The function of a master, up and with a carrier: its queues and its ring are met, not the
 * master's. NULL: none. */
const struct nic *nics_vf(const struct nics *real, const struct nic *master);
/* The interface below the default route, else the first that is up; of a master and its function
 * the one that carries the packets. NULL: none is up. */
const struct nic *nics_main(const struct nics *real, const struct nics *all);
/* The packets that an interface received between two readings; 0 if one of them lacks it. */
uint64_t nic_received(const struct nics *before, const struct nics *after, uint32_t index);
/* The sum over all interfaces without bonds, bridges, VLANs and similar: an interface below them
 * counts their packets. Of a master and its function the master counts. */
uint64_t nics_received(const struct nics *before, const struct nics *after);
/* The packets that all interfaces dropped between two readings, received (rx_dropped) or sent
 * (tx_dropped). A full softnet backlog counts there too: on the interface that receives, and of a
 * veth on both ends. */
uint64_t nics_dropped(const struct nics *before, const struct nics *after);
/* The interface that received at least that share (0 to 1) of all these packets; NULL: none. */
const struct nic *nics_carrier(const struct nics *real, const struct nics *before,
			       const struct nics *after, double share);
/* The receive queues, and their maximum; 0: unknown. */
uint64_t nic_receive_queues(const struct nic *n, uint64_t *max);
/* Whether a queue has a CPU in its mask: RPS of receive queues (rps_cpus), XPS of transmit queues.
 */
enum nic_spread { NIC_SPREAD_UNKNOWN, NIC_SPREAD_OFF, NIC_SPREAD_ON };
enum nic_spread nic_spread(const struct nic *n, enum nic_direction direction);
/* "on", "off"; "": unknown. */
const char *nic_spread_name(enum nic_spread s);
/* The CPU that receives all its interrupts, "3"; NULL: several, or unknown. */
const char *nic_irq_cpu(const struct nic *n);

/* Which CPUs do the work of an interface. */
struct nic_placement {
	char irq_cpus[120]; /* of all its interrupts, "0-3"; "": unknown */
	bool offline;       /* an interrupt may go to CPUs only that are not online */
	bool beside_server; /* all go to CPUs of the server, and there are others */
	enum nic_spread rps, xps;
};
/* Lists of CPUs; "": unknown. */
struct nic_placement nic_placement(const struct nic *n, const char *online, const char *server);

/* What a count of lost packets means. */
enum nic_loss_kind {
	NIC_LOSS_RING,    /* the receive ring was full */
	NIC_LOSS_AMONG,   /* a full ring is among what it counts, beside the kernel's own drops */
	NIC_LOSS_SHAPED,  /* the provider queued or dropped packets beyond its allowance */
	NIC_LOSS_REFUSED, /* the provider dropped packets beyond its allowance */
	NIC_LOSS_OTHER,   /* no memory for a receive buffer, a damaged packet, or one not sent */
};

/* What counters of kernel and driver say of one kind of loss. */
struct nic_loss {
	enum nic_loss_kind kind;
	const char *grew; /* between the readings; NULL: none */
	uint64_t grown;
	const char *counter; /* since the driver was loaded; NULL: none */
	uint64_t total;
};
/* One counter, in the order of the table of drivers: `i` is below nic_loss_count(). Zeroed for one
 * that the interface does not have. `before`: NULL without an earlier reading. */
size_t nic_loss_count(void);
struct nic_loss nic_loss_at(size_t i, const struct nic *before, const struct nic *after);
/* Its name as the kernel or `ethtool -S` prints it; "*" stands for the number of a queue. */
const char *nic_loss_name(size_t i);
/* Whether such a counter is of packets to send. */
bool nic_loss_sends(const char *counter);
/* The largest of a kind, as several may count the same packets. Where no counter of NIC_LOSS_RING
 * has a number, the one of NIC_LOSS_AMONG takes its place. */
struct nic_loss nic_loss(const struct nic *before, const struct nic *after,
			 enum nic_loss_kind kind);
/* The same since an earlier reading of which `then` has the counter `i`; pure if that is. */
struct nic_loss nic_loss_since(const struct nic *now, enum nic_loss_kind kind,
			       struct nic_number (*then)(size_t i, const void *of), const void *of);
/* How often the counters of its driver move; 0: with the packets, or unknown. */
uint64_t nic_loss_interval_us(const struct nic *n);
/* Whether its driver counts what is lost at a full ring. */
bool nic_loss_counted(const struct nic *n);

/* What the qdiscs of an interface dropped between two readings as they were full or over their
 * rate. */
struct nic_qdisc_loss {
	uint64_t grown;
	size_t count;                 /* of qdiscs that dropped */
	const struct nic_qdisc *most; /* that dropped most; NULL: none */
	/* Besides, what others dropped to control congestion, as fq_codel does, or also as they
	 * were full, which they do not count apart; and the one that dropped most of it. */
	uint64_t controlled;
	const struct nic_qdisc *controls;
};
struct nic_qdisc_loss nic_qdisc_loss(const struct nic *before, const struct nic *after);
/* Whether it is a tunnel that queues what it unpacks for each CPU, at most
 * net.core.netdev_max_backlog packets, and counts what it drops as its rx_dropped alone. */
bool nic_unpacks(const struct nic *n);
/* What the filters of its ingress dropped, with clsact those of its egress too: a rate limit or a
 * firewall. */
uint32_t nic_filters_loss(const struct nic *before, const struct nic *after);

/* Deferred interrupts: the device interrupts after `polls` polls without packets, or `flush_ns`
 * after the last one. */
struct nic_deferral {
	uint64_t flush_ns;   /* gro_flush_timeout */
	uint64_t polls;      /* napi_defer_hard_irqs */
	uint64_t suspend_ns; /* irq-suspend-timeout, of a NAPI instance only */
};
static inline bool nic_defers(const struct nic_deferral *d) { return d->flush_ns && d->polls; }

/* The longest deferral of the interfaces that are up, without loopback. */
struct nic_deferred {
	char nic[NIC_NAME]; /* "": none is up */
	struct nic_deferral longest;
	int queue;             /* of the NAPI instance; -1: unknown, or all instances are alike */
	uint64_t busy_poll_us; /* net.core.busy_poll; 0: off, or unknown */
};
/* Fails as nics_read(); `out` is valid then, without an interface. */
int nic_deferred_read(const struct host *h, struct nic_deferred *out, struct err *e);
/* The same of interfaces already read, without `busy_poll_us`. Pure. */
struct nic_deferred nics_deferred(const struct nics *n);

/* Whether management traffic depends on the interface, directly or through a bridge, bond or VLAN
 * on it: the default route, or the operator's connection (SSH_CONNECTION of this process or one of
 * its parents); also where that cannot be read, or `all` is empty. `what` says which. */
bool nic_management_path(const struct host *h, const struct nics *all, const char *nic,
			 char what[40]);

/* "link": the name of the member of struct nic. */
const char *nic_group_name(enum nic_group group);

/* All numbers of a struct nic. Code that prints, compares or sets them uses this table. */
struct nic_field {
	enum nic_group group;
	const char *name; /* "rx-usecs": ethtool's option, or the kernel's name */
	bool settable;
	bool boolean; /* 0 or 1 */
	size_t offset;
	uint16_t attribute; /* of the ethtool family; 0: from another source */
};
extern const struct nic_field nic_fields[];
extern const size_t nic_field_count;
static inline struct nic_number nic_get(const struct nic *n, const struct nic_field *f)
{
	return *(const struct nic_number *)((const char *)n + f->offset);
}
/* By group and name; NULL if unknown. */
const struct nic_field *nic_field_find(enum nic_group group, const char *name);

/* Whether receive and transmit channels are separate, or there are none. */
static inline bool nic_split_channels(const struct nic *n) { return !n->channels.combined.known; }

/* Setting. All need CAP_NET_ADMIN; sysfs and `napi-set` need it in the initial user namespace, also
 * for devices of other namespaces. Drivers round values: read again to learn the result.
 * -ENODEV: no such interface or NAPI instance any more; -EOPNOTSUPP: not supported by the kernel or
 * driver; -EINVAL or -ERANGE: refused, with the kernel's reason if it gives one; -EPERM; -EROFS: a
 * captured machine. */

/* Whether this process may set values by these means, without trying: 0, -EPERM, -EROFS, or for
 * NIC_BY_SYSFS, which alone needs `n`, -EXDEV if the mounted sysfs shows another network namespace.
 */
int nic_settable(const struct host *h, const struct nic *n, enum nic_means means, struct err *e);
/* A field that is settable; -EOPNOTSUPP for others. */
int nic_set(const struct host *h, const char *nic, const struct nic_field *f, uint64_t value,
	    struct err *e);
/* rps_cpus of all receive queues, in sysfs. */
int nic_set_rps(const struct host *h, const struct nic *n, const char *mask, struct err *e);
/* "rx-gro", "tx-tcp-segmentation". */
int nic_set_feature(const struct host *h, const char *nic, const char *feature, bool on,
		    struct err *e);
/* Defers interrupts of all NAPI instances, in sysfs, without `suspend_ns`. */
int nic_defer(const struct host *h, const char *nic, const struct nic_deferral *d, struct err *e);
/* By `napi-set`, Linux 6.13. */
int nic_set_napi(const struct host *h, uint32_t napi, enum nic_napi_setting setting, uint64_t value,
		 struct err *e);

/* /proc/net/softnet_stat, one row per CPU, the same in every network namespace. Counters have 32
 * bits: softnet_growth() takes differences. */
struct softnet_cpu {
	uint32_t cpu;
	uint64_t processed;
	uint64_t dropped;      /* backlog full: net.core.netdev_max_backlog */
	uint64_t time_squeeze; /* budget exhausted: net.core.netdev_budget, netdev_budget_usecs */
	uint64_t received_rps;
	struct nic_number flow_limit;
	struct nic_number backlog; /* packets in the backlog now, with those that it processes */
	struct nic_number input;   /* of these those that wait */
};
struct softnet {
	struct softnet_cpu *at;
	size_t count;
};
/* -EBADMSG for malformed text. The caller owns the result. */
int softnet_read(const struct host *h, struct softnet *out, struct err *e);
/* The same from text. Before 5.10 rows have no CPU number: `online`, the text of
 * /sys/devices/system/cpu/online, numbers them (NULL: by position). */
int softnet_parse(const char *text, const char *online, struct softnet *out, struct err *e);
void softnet_free(struct softnet *s);
static inline void softnet_freep(struct softnet *s) { softnet_free(s); }

/* The sum over all CPUs. */
struct softnet_cpu softnet_total(const struct softnet *s);
/* The backlog of a CPU that holds the most. enqueue_to_backlog() drops where more than
 * net.core.netdev_max_backlog packets wait; process_backlog() takes all that wait at once, and what
 * it has taken does not count (net/core/dev.c). */
struct softnet_fill {
	int64_t packets; /* REPORT_NONE: unknown */
	int64_t limit;   /* it holds one more; REPORT_NONE: unknown */
	bool both;       /* of both queues together, as this kernel shows only their sum */
};
struct softnet_fill softnet_fullest(const struct softnet *s, int64_t max_backlog);
/* What the backlogs of all CPUs have dropped; -1: not readable. */
int64_t softnet_dropped(const struct host *h);

/* The growth between two readings; 0 for a CPU that is not in the first. Pure. */
struct softnet_growth {
	struct softnet_cpu total; /* processed, dropped and time_squeeze only */
	uint32_t busiest;         /* the CPU that processed the most packets */
	double busiest_share;     /* of them, 0 to 1; 0: no packets */
	unsigned cpus;            /* that processed a tenth of them or more */
};
struct softnet_growth softnet_growth(const struct softnet *before, const struct softnet *after);

/* Counters that follow the readings: a CPU that goes offline and comes back has no row meanwhile,
 * and is no growth. Zeros begin it at the totals. Takes over `now`. */
struct softnet_follow {
	struct softnet last;
	uint64_t dropped, time_squeeze;
};
void softnet_follow(struct softnet_follow *f, struct softnet *now);

/* The mask of all online CPUs for rps_cpus: "3", "ffffffff,ffffffff". False: no CPU, or one beyond
 * 255. */
#define SOFTNET_MASK 80
bool softnet_mask(const struct softnet *s, char mask[SOFTNET_MASK]);
