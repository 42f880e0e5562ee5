/* notify: the service manager's side of a daemon, sd_notify(3) and sd_listen_fds(3), as the few
 * lines of protocol that they are. */
#ifndef EPOLLTUNE_NOTIFY_H
#define EPOLLTUNE_NOTIFY_H

#include "epolltune/err.h"

/* Sends a state ("READY=1") to $NOTIFY_SOCKET; does nothing where there is none. */
void notify_send(const char *state);
/* The listening stream socket that was passed to this process ($LISTEN_PID, $LISTEN_FDS), made
 * non-blocking: its descriptor, -1 when none was passed, or a negative errno below -1 (none is
 * EPERM) with e set when what was passed cannot be used. Takes the variables out of the
 * environment. */
int notify_listener(struct err *e);

#endif
