/* files: internal to src/host/: opening and reading below a root, for the files of a host. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "epolltune/host.h"

/* As openat(2), with links resolved inside the root; `resolve`: further RESOLVE_ flags of
 * openat2(2). Without that call -ELOOP for links. -1 with errno. */
int files_open_in(int root, const char *path, int flags, uint64_t resolve);
/* As machine_open(); -1 with errno. */
int files_open_below(const struct host *h, const char *path, int flags);
/* Reads an open text file, which errors name `path`. `strings`: each ends with a NUL. */
ssize_t files_text(const struct host *h, int fd, const char *path, bool strings, char **text,
		   struct err *e);
/* Whether it is a link of a captured directory that masks a file, as capture_read() has it: to
 * /dev/null, which the directory need not have. */
bool files_is_mask(const struct host *h, const char *path);
