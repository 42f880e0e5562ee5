/* knob_value: the running value of a knob. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/knob.h"

struct host;

/* Reads the running value from a host (live or captured), with blanks normalised to one space; of
 * RLIMIT_NOFILE "soft hard" of this process. Checks neither order nor range. -ENOENT: this kernel
 * or capture has no such knob, or its scope is KNOB_DEVICE or KNOB_APPLICATION; -EBADMSG: the value
 * does not have the knob's shape. */
int knob_read(const struct knob *k, const struct host *h, char value[KNOB_VALUE], struct err *e);
/* The first field of the running value; false without changing *value if it cannot be read. */
bool knob_number(const char *name, const struct host *h, int64_t *value);
/* The value that the kernel of a host starts with, where it has one field roughly by the memory.
 * False: it is not known. */
bool knob_own(const struct knob *k, const struct host *h, char value[KNOB_VALUE]);
/* Writes a sysctl with one write(2), unchecked: a value that was read, in any order of its fields,
 * can be restored. -EOPNOTSUPP for other scopes. The kernel may clamp or round it: read again to
 * learn the result. */
int knob_write(const struct knob *k, const struct host *h, const char *value, struct err *e);
