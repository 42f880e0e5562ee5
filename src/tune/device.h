/* device: settings of interfaces, the change kind "device". A name is KNOB@INTERFACE, for example
 * "device.ring.rx@eth0", or KNOB@INTERFACE:rx-QUEUE for one NAPI instance, whose id may change
 * while its queue does not: "device.gro_flush_timeout@eth0:rx-3". */
#pragma once

#include <stdbool.h>

#include "epolltune/knob.h"
#include "epolltune/nic.h"
#include "tune/change.h"

struct device_name {
	const struct knob *knob;
	const struct device_setting *setting; /* of the knob */
	char nic[NIC_NAME];
	int queue; /* -1: the whole device */
};

/* Where a setting is set for the next boot. */
struct device_setter {
	char file[512]; /* "": nowhere */
	unsigned line;
	char value[CHANGE_VALUE]; /* as kind_link.file->setting() takes it: "RxBufferSize=512" */
	char remedy[400];         /* what sets it to another value; "": edit the line */
};

/* False for a name of another form. */
bool device_parse(const char *name, struct device_name *out);

/* The kind of file that can hold the setting, "link" or "udev"; NULL: none. */
const struct change_kind *device_file(const char *name);
