/* address: where to listen or connect to, as an operator writes it. */
#ifndef EPOLLTUNE_ADDRESS_H
#define EPOLLTUNE_ADDRESS_H

#include <stdbool.h>

#include "engine/endpoint.h"
#include "epolltune/err.h"

/* "127.0.0.1", "::1", "fe80::1%eth0", "localhost", or with a port where `port` says so:
 * "10.0.0.7:7007", "[::1]:7007". Of a name that has both the IPv4 address. `name` is the option or
 * operand to be named in the error. 0 or -EINVAL. */
int address_parse(const char *name, const char *text, bool port, union endpoint *out,
		  struct err *e);
/* Is it an address of this machine (in this network namespace)? */
bool address_is_local(const union endpoint *p);

#endif
