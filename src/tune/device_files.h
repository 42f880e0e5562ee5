/* device_files: files that set an interface at the next boot, identified by its hardware address: a
 * .link file of systemd-udevd (rings, channels, coalescing; systemd.link(5)) and a udev rule (NAPI,
 * RPS). Change kinds "link" and "udev"; names as of the kind "device", values as in dropin.h. */
#ifndef EPOLLTUNE_TUNE_DEVICE_FILES_H
#define EPOLLTUNE_TUNE_DEVICE_FILES_H

#include <time.h>

#include "epolltune/change.h"

/* "link" or "udev"; NULL if no file can hold the setting (of one NAPI instance). */
const char *device_file_kind(const char *name);
/* The file, below site->root. */
void device_file_path(const char *name, char path[128]);
/* The line that sets it, with its comment. -EOPNOTSUPP for an interface without an address. */
int device_file_line(const struct change_site *site, const char *name, const char *set_to,
		     const char *who, time_t when, unsigned run, const char *why,
		     char value[CHANGE_VALUE], struct err *e);
/* The setting of such a line; "" for no line. */
void device_file_setting(const char *name, const char *value, char setting[CHANGE_VALUE]);
/* Another .link file that names this interface and that systemd-udevd prefers to ours, because its
 * name sorts first; "" if none. */
void device_file_rival(const struct change_site *site, const char *name, char path[512]);

int device_file_check(const struct change_site *site, const char *name, const char *value,
		      char normal[CHANGE_VALUE], struct err *e);
int device_file_read(const struct change_site *site, const char *name, char value[CHANGE_VALUE],
		     struct err *e);
int device_file_write(const struct change_site *site, const char *name, const char *value,
		      struct err *e);
int device_file_tidy(const struct change_site *site, struct err *e);

#endif
