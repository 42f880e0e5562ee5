/* device: settings of interfaces as changes of the kind "device". A name is the knob's, the
 * interface, and for a setting of one NAPI instance the receive queue that it serves, which
 * survives where ids do not: "device.ring.rx@eth0", "device.gro_flush_timeout@eth0:rx-3". */
#ifndef EPOLLTUNE_TUNE_DEVICE_H
#define EPOLLTUNE_TUNE_DEVICE_H

#include <stdbool.h>

#include "epolltune/change.h"
#include "epolltune/nic.h"

struct device_row {
	const char *knob;
	const char *group, *name; /* of nic_fields; NULL: of NAPI instances or queues alone */
	const char *most;         /* the field that is its maximum; NULL: none */
	bool resets;              /* many drivers take the link down for a moment */
	bool boolean;             /* 0 or 1 here, "no" or "yes", "off" or "on" elsewhere */
	bool masks;               /* of CPUs, one for each receive queue */
	bool by_napi;             /* NAPI instances can have it one by one */
	enum nic_napi_setting napi;
	const char *link;       /* its option in a .link file (systemd.link(5)); NULL: none */
	const char *unit;       /* after the value there; NULL: none */
	const char *udev;       /* its attribute in sysfs, for a udev rule; NULL: none */
	const char *ethtool[3]; /* "-G", "rx", and the label that it shows; NULL: not by it */
};

struct device_name {
	const struct device_row *row;
	char nic[NIC_NAME];
	int queue; /* -1: the whole device */
};

/* False for a name that is none of these. */
bool device_parse(const char *name, struct device_name *out);

/* The operations of the kind "device"; see change.h. -ENODEV: the interface is gone;
 * -EOPNOTSUPP: its driver or this kernel does not tell such a setting, or not while it is down;
 * -EXDEV: see nic_settable(). */
enum change_scope device_scope(const char *name);
int device_check(const struct change_site *site, const char *name, const char *value,
		 char normal[CHANGE_VALUE], struct err *e);
/* The same without asking whether this process may. */
int device_normal(const struct change_site *site, const char *name, const char *value,
		  char normal[CHANGE_VALUE], struct err *e);
int device_read(const struct change_site *site, const char *name, char value[CHANGE_VALUE],
		struct err *e);
int device_write(const struct change_site *site, const char *name, const char *value,
		 struct err *e);
/* The interface's index, which outlives a new name. */
int device_object(const struct change_site *site, const char *name, char object[CHANGE_OBJECT],
		  struct err *e);
bool device_gone(const struct change_site *site, const struct change *c, struct err *e);

#endif
