/* notify: sd_notify(3) and sd_listen_fds(3) without libsystemd. */
#pragma once

#include "epolltune/err.h"

/* Send a state ("READY=1") to $NOTIFY_SOCKET; a no-op if that is not set. */
void notify_send(const char *state);
/* Take over the listening socket that the service manager passed ($LISTEN_PID, $LISTEN_FDS) and
 * make it non-blocking. Returns its descriptor, -1 if there is none, or a negative errno below -1
 * (never EPERM) with e set. Removes the variables from the environment. */
int notify_listener(struct err *e);
