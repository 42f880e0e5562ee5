/* output: a file that is either wholly new or still the old one. */
#ifndef EPOLLTUNE_OUTPUT_H
#define EPOLLTUNE_OUTPUT_H

#include <stdio.h>

#include "epolltune/err.h"

/* Writes the whole content to `out`; returns 0 or a negative errno with e set. */
typedef int (*output_writer)(FILE *out, void *arg, struct err *e);

/* Has `write` fill a new file beside `path` (mode 0644 less the umask), syncs it and renames it to
 * `path`. On a failure `path` is as before and nothing is left beside it. A device or a pipe is
 * written to directly; a symbolic link to a file is refused (-ELOOP), a directory too (-EISDIR).
 * SIGHUP, SIGINT and SIGTERM wait until it is done. "-" is standard output. */
int output_write(const char *path, output_writer write, void *arg, struct err *e);

#endif
