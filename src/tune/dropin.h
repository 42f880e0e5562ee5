/* dropin: epolltune's files below /etc, edited line by line: runs can be rolled back in any order,
 * and lines that people add are kept. The value of a change is a line with the comment above it:
 *
 *	# run 3, 2026-07-25T14:30:00Z, alice: accept-queue.short: …
 *	net.core.somaxconn = 8192
 *
 * "" is "not in the file". The file is created with its first line and removed with its last. */
#pragma once

#include <stdbool.h>

#include "tune/change.h"

/* One of our files. It starts with DROPIN_OWN; a file that does not is not ours. */
#define DROPIN_PREFIX "90-epolltune"
#define DROPIN_OWN "# Written by epolltune"
#define DROPIN_HEAD                                                                                \
	DROPIN_OWN " apply --persist. The comment above each line names its run;\n"                \
		   "# `epolltune rollback RUN` removes the lines of that run.\n"
struct dropin_place {
	const char *directory; /* "/etc/sysctl.d" */
	char file[64];
	char head[900]; /* its first lines, with the newline */
	/* Whether a line, without its newline, sets `of`. */
	bool (*sets)(const char *line, size_t length, const char *of);
	const char *of;
};

/* The lines of one file. */
int place_read(const struct change_site *site, const struct dropin_place *place,
	       char value[CHANGE_VALUE], struct err *e);
int place_check(const struct change_site *site, const struct dropin_place *place, struct err *e);
int place_write(const struct change_site *site, const struct dropin_place *place, const char *value,
		struct err *e);
/* Removes temporary files of a write that was cut off, ".90-epolltune….new". */
int dropin_tidy(const struct change_site *site, const char *directory, struct err *e);

/* Makes a value of a line: comment, newline, line. -EFBIG if too long. */
int dropin_line(char value[CHANGE_VALUE], const char *line, const char *why,
		const struct change_author *author, struct err *e);
/* Of such a value: the run that wrote it, 0: no comment of ours says so; and the line itself. */
unsigned dropin_run(const char *value);
const char *dropin_setting(const char *value);
