/* sysctl_d: the value of a knob after a reboot by the files in sysctl.d, as systemd-sysctl reads
 * them (sysctl.d(5), systemd src/sysctl/sysctl.c):
 *
 *	- /etc, /run, /usr/local/lib, /usr/lib, /lib, each with "/sysctl.d/NAME.conf"; a file masks
 *	  those of the same name in later directories;
 *	- files apply in the order of their names, in any directory; the last assignment wins;
 *	- an assignment by name beats all patterns; "-NAME" excludes a name from patterns. */
#ifndef EPOLLTUNE_TUNE_SYSCTL_D_H
#define EPOLLTUNE_TUNE_SYSCTL_D_H

#include <stdbool.h>
#include <stddef.h>

#include "epolltune/change.h"

struct sysctl_line {
	char name[256]; /* with dots */
	char value[CHANGE_VALUE];
	bool pattern; /* the name has * ? or [ */
	bool exclude; /* "-NAME" without a value */
};
/* Parses one line, without its newline; false for blank lines, comments and lines that
 * systemd-sysctl ignores. */
bool sysctl_d_line(const char *text, size_t length, struct sysctl_line *line);

struct sysctl_setting {
	char file[512]; /* "/etc/sysctl.d/99-local.conf"; "" if no file names it */
	unsigned line;
	char value[CHANGE_VALUE]; /* "": excluded by a line "-name" */
	bool ours;                /* DROPIN_FILE in /etc */
};
/* The value after a reboot, and the line that sets it. `root` is a prefix of "/etc". */
int sysctl_d_find(const char *root, const char *name, struct sysctl_setting *out, struct err *e);
/* Likewise by the files after DROPIN_FILE, which override its lines. */
int sysctl_d_override(const char *root, const char *name, struct sysctl_setting *out,
		      struct err *e);
/* The value of /etc/sysctl.conf, unless a file in sysctl.d is a link to it: `sysctl --system` of
 * procps reads it last, systemd-sysctl does not. */
int sysctl_d_find_conf(const char *root, const char *name, struct sysctl_setting *out,
		       struct err *e);

#endif
