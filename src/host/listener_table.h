/* listener_table: internal to src/host/: finds the listener that a connection came to. */
#pragma once

#include <linux/inet_diag.h>

#include "epolltune/listener.h"
#include "host/sock_diag.h"

struct listener_table;

/* Of these listeners, which must outlive the table. NULL: no memory. */
struct listener_table *listener_table_make(const struct listeners *l);
void listener_table_free(struct listener_table **t);
/* The index of the listener that receives for the socket's local address and port, the most
 * specific one; -1: none. */
int listener_table_find(const struct listener_table *t, const struct inet_diag_msg *m);
/* The ports of the TCP listeners that are `wanted` (NULL: all), for the kernel to select by; 0: too
 * many, or none. */
size_t listener_table_windows(const struct listeners *all,
			      bool (*wanted)(const struct listener *l, void *arg), void *arg,
			      struct port_window w[PORT_WINDOWS]);
