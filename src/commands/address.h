/* address: where to listen or connect to, as an operator writes it. */
#ifndef EPOLLTUNE_ADDRESS_H
#define EPOLLTUNE_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>

#include "epolltune/err.h"

/* "127.0.0.1", "localhost", "10.0.0.7:7007": an IPv4 address or a name of one, and a port where
 * `port` says so. `name` is the option or operand to be named in the error. 0 or -EINVAL. */
int address_parse(const char *name, const char *text, bool port, struct sockaddr_in *out,
		  struct err *e);
/* Is it an address of this machine (in this network namespace)? */
bool address_is_local(struct in_addr address);
/* "127.0.0.1:7007". */
char *address_format(char buf[32], const struct sockaddr_in *a);

#endif
