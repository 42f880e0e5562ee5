/* state: the directory of the journal. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "epolltune/err.h"

#define STATE_DIR "/var/lib/epolltune"

/* Opens the state directory and returns its descriptor; `create` makes it (0755). -EPERM unless it
 * is no symbolic link, belongs to root or the effective user, and is writable by its owner only.
 * -ENOENT if it does not exist. */
int state_open(const char *path, bool create, struct err *e);
/* Whether it can be written, or made. Makes nothing. */
int state_check(const char *path, struct err *e);
/* The directory without links; one that does not exist yet as the one that will hold it. */
void state_resolve(const char *path, char real[PATH_MAX]);
/* Opens a regular file in it, under the same conditions and with a single link. O_CREAT ignores the
 * umask and syncs the directory. `path` is the directory's, for errors. */
int state_file(int dir, const char *path, const char *name, int flags, mode_t mode, struct err *e);
