/* accepted: findings that an operator accepts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "epolltune/report.h"

#define ACCEPTED_MAX 64
struct accepted {
	size_t count;
	struct acceptance at[ACCEPTED_MAX];
};

/* Adds ID[@WALL][=ABOUT] of the catalogue to a struct accepted. */
int accepted_parse(const char *value, void *accepted, struct err *e);
/* Adds the lines of a file, "ID[@WALL][=ABOUT] UNTIL VALUE REASON"; errors as lines_read(). */
int accepted_read(const char *path, struct accepted *out, struct err *e);
/* All that is accepted: what a saved target has, the list of --ignore, NULL for none, and of the
 * running machine, `live`, also /etc/epolltune/accepted. */
int accepted_gather(const struct accepted *saved, const char *ignore, bool live,
		    struct accepted *out, struct err *e);
