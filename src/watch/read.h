/* read: takes looks at the limits of this machine and their use, at little cost. */
#pragma once

#include "epolltune/err.h"
#include "epolltune/watch.h"

struct watcher;

/* `server`: whose listeners and processes to look at, as subject_find(); NULL: all of this network
 * namespace. Enters the network namespace of the server. The caller frees with watcher_close(). */
int watcher_open(struct watcher **out, const char *server, struct err *e);
void watcher_close(struct watcher **w);
/* One look. Listeners and counters are read each time; what takes long is read less often, with at
 * most WATCHER_SHARE of a CPU for each kind, and the last reading counts in between. -EOPNOTSUPP
 * without inet_diag. After an error the next look may succeed: its growth is since the last whole
 * one. */
#define WATCHER_SHARE 1000 /* a thousandth */
int watch_read(struct watcher *w, struct watch_sample *out, struct err *e);
