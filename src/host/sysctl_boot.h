/* sysctl_boot: what sets a knob at each boot beside the files of sysctl.d, and yields to them: the
 * kernel's command line ("sysctl.NAME=VALUE", since Linux 5.8) and the active profile of TuneD
 * (tuned.conf(5); with reapply_sysctl, its default, it applies the files after the profile). */
#pragma once

#include <stdbool.h>

#include "epolltune/host.h"
#include "epolltune/sysctl_d.h"

enum sysctl_boot {
	SYSCTL_BOOT_NONE,
	SYSCTL_BOOT_SET,
	SYSCTL_BOOT_UNKNOWN, /* TuneD runs, and a file of its profile cannot be found */
};

/* SET fills file, line and value of `out`, as it is written there, UNKNOWN file. */
enum sysctl_boot sysctl_boot_find(const struct host *h, const char *name,
				  struct sysctl_setting *out);

/* TuneD runs: its directory there is made at each boot, also where it is off. */
#define TUNED_RUNS "run/tuned/tuned.pid"
/* Whether TuneD applies the files of /run and /etc again after the [sysctl] section of a profile,
 * /etc/sysctl.conf last, as by default (reapply_sysctl): its plugin_sysctl.py and consts.py. */
bool tuned_reapplies(const struct host *h);
