/* device_setting: how a knob of KNOB_DEVICE is read, written, and written to files for the next
 * boot, as the catalogue has it. */
#pragma once

#include <stdbool.h>

enum nic_means { NIC_BY_ETHTOOL, NIC_BY_NAPI_SET, NIC_BY_SYSFS };

/* The members of struct nic that hold numbers. */
enum nic_group {
	GROUP_LINK,
	GROUP_RINGS,    /* set by ethtool, like the next two */
	GROUP_CHANNELS, /* many drivers reset the link for it and for rings */
	GROUP_COALESCE,
	GROUP_NAPI, /* set in sysfs */
	GROUP_RSS,
	GROUP_STATISTICS,
};

/* By `napi-set`, Linux 6.13. */
enum nic_napi_setting { NAPI_DEFER_HARD_IRQS, NAPI_GRO_FLUSH_TIMEOUT, NAPI_IRQ_SUSPEND_TIMEOUT };

/* It has a field of nic_fields, or is set per NAPI instance, or is a mask of each receive queue. */
struct device_setting {
	enum nic_means means;       /* of the whole interface */
	enum nic_group group;       /* of nic_fields, like the name */
	const char *name;           /* NULL: per NAPI instance or queue only */
	const char *max;            /* the field that is its maximum; NULL: none */
	bool resets;                /* many drivers briefly take the link down */
	bool boolean;               /* 0 or 1 here, "no" or "yes", "off" or "on" elsewhere */
	bool masks;                 /* CPU masks, one for each receive queue */
	bool by_napi;               /* can be set per NAPI instance, as `napi` */
	enum nic_napi_setting napi; /* used with by_napi only */
	bool threads;               /* since Linux 6.17 each NAPI instance has its own value too */
	const char *link;           /* option of a .link file (systemd.link(5)); NULL: none */
	unsigned link_since;        /* the version of systemd that has it */
	const char *unit;           /* suffix of its value there; NULL: none */
	const char *sysfs;          /* attribute in sysfs; NULL: none */
	bool when_up;               /* refused there until the driver has NAPI instances */
	const char *ethtool[3];     /* "-G", "rx" and the label in its output; NULL: none */
};
