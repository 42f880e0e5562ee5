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
/* True for an address that the kernel delivers to this network namespace, of IPv4 also as
 * "::ffff:10.0.0.7". */
bool address_is_local(const union endpoint *p);

/* The last answer, for connections of which many have one address; {0}: none yet. */
struct address_asked {
	union endpoint address;
	bool known, local;
};

/* The same, and keeps the answer in `last`. */
bool address_is_local_again(struct address_asked *last, const union endpoint *p);
