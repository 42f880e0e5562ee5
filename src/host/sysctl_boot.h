/* sysctl_boot: what sets a knob at each boot beside the files of sysctl.d: before them the kernel's
 * command line ("sysctl.NAME=VALUE", since Linux 5.8), after them ufw, and the active profile of
 * TuneD (tuned.conf(5); with reapply_sysctl, its default, it applies those of /run and /etc again
 * after the profile). */
#pragma once

#include <stdbool.h>

#include "epolltune/host.h"
#include "epolltune/sysctl_d.h"

enum sysctl_boot {
	SYSCTL_BOOT_NONE,
	SYSCTL_BOOT_SET,
	/* TuneD runs, and a file of its profile cannot be found, or it is open whether that sets it
	 * here. */
	SYSCTL_BOOT_UNKNOWN,
};

/* What sets a knob at boot in the end. `set`: what the files say, which stays or is replaced. SET
 * fills file, line and value, as it is written there, UNKNOWN file. */
enum sysctl_boot sysctl_boot_settle(const struct host *h, const char *name,
				    struct sysctl_setting *set);

/* Why no program reads the files at boot, and the command that ends that. */
struct sysctl_idle {
	const char *why, *command;
};
/* NULL: one reads them, or that is not known, as of a captured machine. */
const struct sysctl_idle *sysctl_boot_idle(const struct host *h);

/* TuneD runs: its directory there is made at each boot, also where it is off. */
#define TUNED_RUNS "run/tuned/tuned.pid"
/* What its active profile sets. `before`: the value that it finds, of which it may be a bound, as
 * with "net.core.somaxconn=>2048"; NULL: unknown. */
enum sysctl_boot tuned_find(const struct host *h, const char *name, const char *before,
			    struct sysctl_setting *out);
/* Whether TuneD applies the files of /run and /etc again after the [sysctl] section of its profile,
 * /etc/sysctl.conf last, as by default (reapply_sysctl): its plugin_sysctl.py and consts.py. True
 * where the profile cannot be read. */
bool tuned_reapplies(const struct host *h);

#define UFW_FILE 256
/* The file that ufw applies when it starts, after those of sysctl.d, "/etc/ufw/sysctl.conf":
 * ufw-init-functions of ufw(8). False: it is not enabled, or applies none. */
bool ufw_file(const struct host *h, char file[UFW_FILE]);
/* What that file sets; false: nothing. */
bool ufw_find(const struct host *h, const char *name, struct sysctl_setting *out);
