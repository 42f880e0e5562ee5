#include "epolltune/endpoint.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

socklen_t endpoint_size(const union endpoint *p)
{
	return p->any.sa_family == AF_INET6 ? sizeof(p->v6) : sizeof(p->v4);
}

uint16_t endpoint_port(const union endpoint *p)
{
	return ntohs(p->any.sa_family == AF_INET6 ? p->v6.sin6_port : p->v4.sin_port);
}

void endpoint_set_port(union endpoint *p, uint16_t port)
{
	if (p->any.sa_family == AF_INET6)
		p->v6.sin6_port = htons(port);
	else
		p->v4.sin_port = htons(port);
}

char *endpoint_format(char buf[ENDPOINT_TEXT], const union endpoint *p)
{
	char host[ENDPOINT_TEXT - 8] = "?";
	getnameinfo(&p->any, endpoint_size(p), host, sizeof(host), NULL, 0, NI_NUMERICHOST);
	snprintf(buf, ENDPOINT_TEXT, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host,
		 endpoint_port(p));
	return buf;
}
