/* listener_address: internal to src/host/: the address of a listener by what sock_diag says. */
#pragma once

#include <linux/inet_diag.h>
#include <netlink/attr.h>

#include "epolltune/listener.h"

/* Sets address, port, device and ipv6 of one whose kind is set, TCP or UDP. */
void listener_inet_address(struct listener *l, const struct inet_diag_msg *m);
/* Sets the address of a UNIX socket by its UNIX_DIAG_NAME, as ss(8) prints it: "@" for the NUL of
 * an abstract one, "?" for control characters. NULL: it has no name. */
void listener_unix_address(struct listener *l, const struct nlattr *name);
