/* sysctl_d: the value of a knob after a reboot by the files in sysctl.d, as systemd-sysctl reads
 * them (sysctl.d(5), systemd src/sysctl/sysctl.c):
 *
 *	- /etc, /run, /usr/local/lib, /usr/lib, /lib, each with "/sysctl.d/NAME.conf"; a file, or
 *	  what else has such a name, masks those of the same name in later directories;
 *	- files apply in the order of their names, in any directory; the last assignment wins;
 *	- an assignment by name beats all patterns; "-NAME" excludes a name from patterns;
 *	- "-PATTERN" removes an assignment of the same pattern, not of others;
 *	- of a value that has two names, sysctl_twin(), the line that is written last sets it.
 *
 * For procps "-NAME" removes no assignment by name. TuneD applies the files of /run and /etc again,
 * only lines by name without a dash, and /etc/sysctl.conf last. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "epolltune/err.h"

#define SYSCTL_D_VALUE 512
/* Our own file. */
#define DROPIN_DIRECTORY "/etc/sysctl.d"
#define DROPIN_FILE "90-epolltune.conf"

struct host;

struct sysctl_line {
	char name[256]; /* with dots */
	char value[SYSCTL_D_VALUE];
	bool cut;          /* the value is longer: its beginning */
	const char *whole; /* all of it, in the text; NULL without one */
	size_t length;
	bool pattern; /* the name has * ? or [ */
	bool exclude; /* "-NAME" without a value */
	bool dash;    /* before the name */
	bool blank;   /* one is between the dash and the name */
};
/* Parses one line, without its newline; false for blank lines, comments and lines that
 * systemd-sysctl ignores. */
bool sysctl_d_line(const char *text, size_t length, struct sysctl_line *line);

struct sysctl_setting {
	char file[512]; /* "/etc/sysctl.d/99-local.conf"; "" if no file names it */
	unsigned line;
	char value[SYSCTL_D_VALUE]; /* or its beginning */
	bool exclude;               /* by a line "-name": the file sets nothing */
	bool ours;                  /* DROPIN_FILE in /etc */
	/* Of sysctl_d_at_boot(): why no program applies the line at boot, and what to do, clauses;
	 * "": one does. */
	char unapplied[128], remedy[160];
};
/* Which program reads the files at boot. */
enum sysctl_reader {
	SYSCTL_SYSTEMD,
	SYSCTL_PROCPS, /* without systemd: sysctl --system, /etc/sysctl.conf last */
	SYSCTL_TUNED,  /* systemd, then TuneD: tuned_reapplies() */
};
enum sysctl_reader sysctl_d_reader(const struct host *h);

/* Whether a line is applied after the lines that are between it and the last line before it of the
 * same name, or pattern. For systemd one that says the same keeps the place of that line
 * (src/sysctl/sysctl.c, parse_line()); procps and TuneD apply each line. */
bool sysctl_line_moves(enum sysctl_reader reader, const char *earlier_value, bool earlier_exclude,
		       const char *value, bool exclude);

/* The value after a reboot by the files of a host, and the line that sets it. */
int sysctl_d_find(const struct host *files, enum sysctl_reader reader, const char *name,
		  struct sysctl_setting *out, struct err *e);
/* What sets the names in this network namespace at boot: this machine's own files, TuneD or the
 * kernel's command line, or a line that nothing applies there; file "" where that is not known.
 * -EOPNOTSUPP where they do not apply: in
 * another network namespace than that of process 1, in a container without systemd. */
int sysctl_d_at_boot(const struct host *h, const char *const *names, size_t count,
		     struct sysctl_setting *out, struct err *e);
/* Likewise by the files after DROPIN_FILE, which override its lines. */
int sysctl_d_override(const struct host *files, enum sysctl_reader reader, const char *name,
		      struct sysctl_setting *out, struct err *e);
/* The value of /etc/sysctl.conf, unless a file in sysctl.d is a link to it: `sysctl --system` of
 * procps reads it last, systemd-sysctl does not. */
int sysctl_d_find_conf(const struct host *files, const char *name, struct sysctl_setting *out,
		       struct err *e);
/* Calls `each` for each file of the host, "/etc/sysctl.d/99-local.conf", in the order of reading,
 * without the masked ones; until it returns non-zero, which is returned. */
int sysctl_d_files(const struct host *h, int (*each)(const char *file, void *arg), void *arg,
		   struct err *e);
/* "/etc/sysctl.conf" where it exists and no file in sysctl.d is a link to it; otherwise NULL. */
int sysctl_d_conf(const struct host *h, const char **file, struct err *e);
