/* dropin: epolltune's files below /etc, edited line by line: runs can be rolled back in any order,
 * and lines that people add are kept. The value of a change is a line with the comment above it:
 *
 *	# run 3, 2026-07-25T14:30:00Z, alice: accept-queue.short: …
 *	net.core.somaxconn = 8192
 *
 * "" is "not in the file". The file is created with its first line and removed with its last. */
#ifndef EPOLLTUNE_TUNE_DROPIN_H
#define EPOLLTUNE_TUNE_DROPIN_H

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "epolltune/change.h"
#include "epolltune/sysctl_d.h"

/* One of our files. It starts with DROPIN_OWN; a file that does not is not ours. */
#define DROPIN_OWN "# Written by epolltune"
struct dropin_place {
	const char *directory; /* "/etc/sysctl.d" */
	char file[64];
	char head[900]; /* its first lines, with the newline */
	/* Whether a line, without its newline, sets `of`. */
	bool (*sets)(const char *line, size_t length, const char *of);
	const char *of;
};

/* The lines of one file; dropin_read() and the others are these for /etc/sysctl.d. */
int place_read(const struct change_site *site, const struct dropin_place *place,
	       char value[CHANGE_VALUE], struct err *e);
int place_check(const struct change_site *site, const struct dropin_place *place, const char *value,
		char normal[CHANGE_VALUE], struct err *e);
int place_write(const struct change_site *site, const struct dropin_place *place, const char *value,
		struct err *e);
int place_tidy(const struct change_site *site, const struct dropin_place *place, struct err *e);

/* Makes a value of a line: comment, newline, line. -EFBIG if too long. */
int dropin_line(char value[CHANGE_VALUE], const char *line, const char *who, time_t when,
		unsigned run, const char *why, struct err *e);
/* The first lines of the file in /etc/sysctl.d. */
extern const char dropin_head[];
/* Makes the value that sets a knob. -EFBIG if too long. */
int dropin_value(char value[CHANGE_VALUE], const char *name, const char *set_to, const char *who,
		 time_t when, unsigned run, const char *why, struct err *e);
/* The setting of such a value; "" if none. */
void dropin_setting(const char *value, char setting[CHANGE_VALUE]);

/* The operations of the change kind "sysctl.d"; see change.h. */
int dropin_check(const struct change_site *site, const char *name, const char *value,
		 char normal[CHANGE_VALUE], struct err *e);
int dropin_read(const struct change_site *site, const char *name, char value[CHANGE_VALUE],
		struct err *e);
int dropin_write(const struct change_site *site, const char *name, const char *value,
		 struct err *e);
int dropin_tidy(const struct change_site *site, struct err *e);

#endif
