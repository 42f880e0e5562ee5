/* sysctl_d: what the files in sysctl.d make of a knob at the next boot, by systemd-sysctl's rules
 * (sysctl.d(5), systemd src/sysctl/sysctl.c):
 *
 *	- /etc, /run, /usr/local/lib, /usr/lib, /lib, each with "/sysctl.d/NAME.conf"; of files of
 *the same name the one in the first directory counts, the others are masked by it;
 *	- files in the order of their names, whatever their directory; the last assignment wins;
 *	- an assignment by name beats all patterns, wherever they stand; "-NAME" takes a name out of
 *	  the patterns. */
#ifndef EPOLLTUNE_TUNE_SYSCTL_D_H
#define EPOLLTUNE_TUNE_SYSCTL_D_H

#include <stdbool.h>
#include <stddef.h>

#include "epolltune/change.h"

struct sysctl_line {
	char name[256]; /* with dots; the slashes of a path turned into dots */
	char value[CHANGE_VALUE];
	bool pattern; /* the name has * ? or [ */
	bool exclude; /* "-NAME" without a value */
};
/* Takes one line, without its newline; false for blank lines, comments and what systemd-sysctl
 * ignores as well. */
bool sysctl_d_line(const char *text, size_t length, struct sysctl_line *line);

struct sysctl_setting {
	char file[512]; /* "/etc/sysctl.d/99-local.conf"; "" when no file names it */
	unsigned line;
	char value[CHANGE_VALUE]; /* "": the line ("-name") takes it out of earlier ones */
	bool ours;                /* DROPIN_FILE in /etc */
};
/* What a knob will be after a reboot, and who says so. `root` stands before "/etc". */
int sysctl_d_find(const char *root, const char *name, struct sysctl_setting *out, struct err *e);
/* The same by files that come after DROPIN_FILE: what overrides a line there. */
int sysctl_d_override(const char *root, const char *name, struct sysctl_setting *out,
		      struct err *e);
/* What /etc/sysctl.conf sets it to, where no file in sysctl.d is a link to that: systemd-sysctl
 * does not read it then, but `sysctl --system` of procps does, last. */
int sysctl_d_find_conf(const char *root, const char *name, struct sysctl_setting *out,
		       struct err *e);

#endif
