/* modules: kernel modules whose sysctls exist only while they are loaded. */
#pragma once

#include <stdbool.h>

struct host;
struct sysctl_setting;

/* The module of a sysctl, "net.netfilter.nf_conntrack_max", that may be loaded only after the files
 * of sysctl.d are read, which then do not set it: it is not built in, no file of modules-load.d and
 * no modules_load= of the kernel's command line names it, and no rule of udev and no
 * command of modprobe.d(5) reads the files again or sets it once it is loaded (sysctl.d(5)). NULL:
 * none. */
const char *module_late(const struct host *h, const char *name);
/* Whether an option of its module sets the sysctl's value when it is loaded: nf_conntrack's
 * hashsize those of its table (net/netfilter/nf_conntrack_core.c, nf_conntrack_init_start()). */
bool module_sizes(const struct host *h, const char *name);

/* The value that "install MODULE …; sysctl -w NAME=VALUE" in modprobe.d(5) gives the sysctl of a
 * module, after the files of sysctl.d. False: none does. */
bool module_sets(const struct host *h, const char *name, struct sysctl_setting *out);

#define MODULE_COMMAND 128
/* The command that loads it early: "echo nf_conntrack >/etc/modules-load.d/nf_conntrack.conf". */
const char *module_command(const char *module, char command[MODULE_COMMAND]);
