/* output: write a file atomically. */
#pragma once

#include <stdio.h>

#include "epolltune/err.h"

/* Write the content to `out`. Returns 0 or a negative errno with e set. */
typedef int (*output_writer)(FILE *out, void *arg, struct err *e);

/* Write a temporary file beside `path` (mode 0644 & ~umask), sync it and rename it to `path`. On
 * failure `path` is unchanged and no temporary file is left; the next one that
 * succeeds removes what killed ones left, where the file system has locks. Several may write to the
 * same path at once: one of their files is left, whole. A device or a pipe is written directly; a
 * symbolic link to a file is an error (-ELOOP), and so is a directory (-EISDIR). Blocks SIGHUP,
 * SIGINT and SIGTERM while there is a temporary file. "-" is standard output. */
int output_write(const char *path, output_writer write, void *arg, struct err *e);
/* The same, but replaces no file: -EEXIST, also where it appears meanwhile. */
int output_create(const char *path, output_writer write, void *arg, struct err *e);
/* The same as output_write() of a file that is soon replaced again: nothing is synced. Does not
 * wait for the reader of a pipe: -ENXIO without one, and -EINTR when a signal that the caller
 * blocks ends the wait for a slow one. */
int output_replace(const char *path, output_writer write, void *arg, struct err *e);
/* Refuses what output_write() would: links, directories, a directory that is missing or not
 * writable. */
int output_check(const char *path, struct err *e);
/* Refuses what output_create() would: also a file. */
int output_check_new(const char *path, struct err *e);
