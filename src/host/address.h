/* address: parse the addresses that an operator writes. */
#pragma once

#include <stdbool.h>

#include "epolltune/endpoint.h"
#include "epolltune/err.h"

/* Parse "127.0.0.1", "::1", "fe80::1%eth0", "localhost", or if `port` is set "10.0.0.7:7007",
 * "[::1]:7007". IPv4 is preferred for a name that has both. Errors name the option or operand
 * `name`. Returns 0 or -EINVAL. */
int address_parse(const char *name, const char *text, bool port, union endpoint *out,
		  struct err *e);
/* True for a local address of this network namespace. */
bool address_is_local(const union endpoint *p);
