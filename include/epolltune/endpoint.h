/* endpoint: an IPv4 or IPv6 address with a port. */
#pragma once

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

union endpoint {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static inline union endpoint endpoint_ipv4(struct in_addr address)
{
	return (union endpoint){.v4 = {.sin_family = AF_INET, .sin_addr = address}};
}

static inline union endpoint endpoint_ipv6(struct in6_addr address)
{
	return (union endpoint){.v6 = {.sin6_family = AF_INET6, .sin6_addr = address}};
}

/* Size of the address in use, for bind(2) and connect(2). */
socklen_t endpoint_size(const union endpoint *p);
/* In host byte order. */
uint16_t endpoint_port(const union endpoint *p);
void endpoint_set_port(union endpoint *p, uint16_t port);

/* "127.0.0.1:7007", "[::1]:7007", "[fe80::1%eth0]:7007". */
#define ENDPOINT_TEXT 80
char *endpoint_format(char buf[ENDPOINT_TEXT], const union endpoint *p);
