/* device: settings of interfaces, the change kind "device". A name is KNOB@INTERFACE, for example
 * "device.ring.rx@eth0", or KNOB@INTERFACE:rx-QUEUE for one NAPI instance, whose id may change
 * while its queue does not: "device.gro_flush_timeout@eth0:rx-3". */
#ifndef EPOLLTUNE_TUNE_DEVICE_H
#define EPOLLTUNE_TUNE_DEVICE_H

#include <stdbool.h>

#include "epolltune/change.h"
#include "epolltune/knob.h"
#include "epolltune/nic.h"

struct device_name {
	const struct knob *knob;
	const struct device_setting *setting; /* of the knob */
	char nic[NIC_NAME];
	int queue; /* -1: the whole device */
};

/* False for a name of another form. */
bool device_parse(const char *name, struct device_name *out);

/* The operations of the kind "device"; see change.h. -ENODEV: no such interface; -EOPNOTSUPP: its
 * driver or this kernel does not have the setting, or not while it is down; -EXDEV: see
 * nic_settable(). */
enum change_scope device_scope(const char *name);
int device_check(const struct change_site *site, const char *name, const char *value,
		 char normal[CHANGE_VALUE], struct err *e);
/* The same without the check of permissions. */
int device_normal(const struct change_site *site, const char *name, const char *value,
		  char normal[CHANGE_VALUE], struct err *e);
int device_read(const struct change_site *site, const char *name, char value[CHANGE_VALUE],
		struct err *e);
int device_write(const struct change_site *site, const char *name, const char *value,
		 struct err *e);
/* The interface's index, which survives a rename. */
int device_object(const struct change_site *site, const char *name, char object[CHANGE_OBJECT],
		  struct err *e);
bool device_gone(const struct change_site *site, const struct change *c, struct err *e);

#endif
