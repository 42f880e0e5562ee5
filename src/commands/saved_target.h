/* saved_target: files of "name = value" lines with the options' names. */
#pragma once

#include <limits.h>

#include "check/check.h"

/* Reads a saved target: "name = value" lines of the options' names, server, and accept, several
 * times. `where`: a file, if it has a "/", otherwise a name in /etc/epolltune/targets. -ENOENT:
 * there is none of that name; -EINVAL and -ERANGE name file and line. */
int saved_target_load(const char *where, struct check_options *out, struct err *e);
/* The error for a name that is neither predefined nor saved. */
int saved_target_unknown(const char *name, struct err *e);
/* The file of a name, or the file itself. */
void saved_target_path(const char *where, char path[PATH_MAX]);
/* Writes one atomically, and keeps what a present one accepts. */
int saved_target_save(const char *where, const struct check_options *o, struct err *e);
/* Calls each(name, arg) for those in /etc/epolltune/targets until it returns non-zero. Returns the
 * last result. */
int saved_target_names(int (*each)(const char *value, void *arg), void *arg);
/* Refuses what saved_target_save() could not write, before time is spent. */
int saved_target_check(const char *where, const struct check_options *o, struct err *e);
