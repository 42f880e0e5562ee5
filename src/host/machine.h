/* machine: what the files of src/host/ share and nobody else sees. */
#ifndef EPOLLTUNE_HOST_MACHINE_H
#define EPOLLTUNE_HOST_MACHINE_H

#include "epolltune/host.h"

struct host {
	int fd; /* O_PATH of the root directory */
	bool live;
	char *root; /* "" for "/", so that "%s/%s" of root and path names a file in errors */
};

#define HOST_FILE_MAX ((size_t)16 << 20)

/* Opens a path below the root, close-on-exec and never blocking (a captured file may be a FIFO).
 * Refuses, as -EINVAL, absolute paths and those with a ".." in them. Symbolic links of a captured
 * machine are resolved inside its root; where the kernel has no openat2(2) they are refused, as
 * -ELOOP. Returns the descriptor. `verb` is for the error: "read", "write". */
int machine_open(const struct host *h, const char *path, int flags, const char *verb,
		 struct err *e);

/* Turns the negative code of a libnl function into an errno and "what: text". Returns -errno. */
int machine_netlink_error(struct err *e, int nl, const char *what);

/* Reading text, for the parsers. They take what the kernel writes and refuse all else. */

/* Skips blanks, reads decimal digits up to a blank or the end; *at moves behind them. False, with
 * *at unmoved, when there are none, when something else follows, or beyond UINT64_MAX. */
bool text_number(const char **at, uint64_t *value);
/* The number behind "key:" at a line's start, in a file such as /proc/meminfo; kB are turned into
 * bytes. */
bool text_keyed_bytes(const char *text, const char *key, uint64_t *bytes);

#endif
