/* tcp_info: internal to src/host/: decodes INET_DIAG_INFO. In a file of its own, as <linux/tcp.h>
 * and the <netinet/tcp.h> of libnl exclude each other. */
#pragma once

#include "epolltune/connections.h"

/* A shorter structure of an older kernel leaves the other fields 0. */
struct connection tcp_info_connection(const void *info, size_t size);
/* Fills what it has of a connection's state. False: without its times. */
bool tcp_info_state(const void *info, size_t size, struct connection_state *out);
/* Whether both ends have agreed on timestamps. */
bool tcp_info_stamped(const void *info, size_t size);
