/* state: the directory that the journal lives in. */
#ifndef EPOLLTUNE_TUNE_STATE_H
#define EPOLLTUNE_TUNE_STATE_H

#include <stdbool.h>
#include <sys/types.h>

#include "epolltune/err.h"

#define STATE_DIR "/var/lib/epolltune"

/* Opens the state directory and returns its descriptor; with `create` makes it (0755) if it is not
 * there. Its last component must be no symbolic link, and it must belong to root or the effective
 * user and be writable by nobody else: -EPERM. -ENOENT when it is not there. */
int state_open(const char *path, bool create, struct err *e);
/* Opens a regular file in it, with the same demands and one link only. O_CREAT makes it with that
 * mode, whatever the umask, and syncs the directory. `path` is the directory's, for errors. */
int state_file(int dir, const char *path, const char *name, int flags, mode_t mode, struct err *e);

#endif
