/* kind: the rows of the table of kinds, each in the file of its operations. */
#pragma once

#include "tune/change.h"

extern const struct change_kind kind_sysctl, kind_device;            /* of the running kernel */
extern const struct change_kind kind_sysctl_d, kind_link, kind_udev; /* of files */
