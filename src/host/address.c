#include "host/address.h"

#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "epolltune/cleanup.h"
#include "epolltune/quantity.h"

/* "ADDRESS:PORT", "[ADDRESS]:PORT", or either without the port. */
static int address_split(const char *name, const char *text, bool port, char host[256],
			 uint64_t *number, struct err *e)
{
	bool bracket = text[0] == '[';
	const char *close = bracket ? strchr(text, ']') : NULL;
	const char *colon = close ? close + 1 : bracket ? NULL : strrchr(text, ':');
	if (port && (!colon || *colon != ':'))
		return err_set(e, EINVAL, "%s: \"%s\" has no port; write ADDRESS:PORT", name, text);
	if (port && !bracket && colon != strchr(text, ':'))
		return err_set(e, EINVAL, "%s: \"%s\": write an IPv6 address as [ADDRESS]:PORT",
			       name, text);
	const char *end = close ? close : port ? colon : text + strlen(text);
	size_t length = (size_t)(end - text) - bracket;
	if (!length || length >= 256 || (bracket && !close) || (close && !port && close[1]))
		return err_set(e, EINVAL, "%s: \"%s\" is not an address", name, text);
	memcpy(host, text + bracket, length);
	host[length] = 0;
	return port ? quantity_parse(name, QUANTITY_COUNT, colon + 1, 1, 65535, number, e) : 0;
}

int address_parse(const char *name, const char *text, bool port, union endpoint *out, struct err *e)
{
	char host[256];
	uint64_t number = 0;
	int rc = address_split(name, text, port, host, &number, e);
	if (rc < 0)
		return rc;
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	int code = EAI_NONAME;
	if (!strchr(host, ':'))
		code = getaddrinfo(host, NULL, &hints, &found);
	if (code) {
		hints.ai_family = AF_INET6;
		code = getaddrinfo(host, NULL, &hints, &found);
	}
	if (code)
		return err_set(e, EINVAL, "%s: \"%s\": %s", name, host, gai_strerror(code));
	*out = (union endpoint){0};
	memcpy(out, found->ai_addr, found->ai_addrlen);
	endpoint_set_port(out, (uint16_t)number);
	freeaddrinfo(found);
	return 0;
}

/* connect() to the unspecified address reaches loopback. */
static bool is_loopback(const union endpoint *p)
{
	if (p->any.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&p->v6.sin6_addr) ||
		       IN6_IS_ADDR_UNSPECIFIED(&p->v6.sin6_addr);
	return ntohl(p->v4.sin_addr.s_addr) >> 24 == 127 || !p->v4.sin_addr.s_addr;
}

bool address_is_local(const union endpoint *p)
{
	union endpoint to = *p, own = {0};
	socklen_t size = sizeof(own);
	if (is_loopback(p))
		return true;
	/* To reach a local address, the kernel uses that address as the source. */
	endpoint_set_port(&to, 9);
	CLEAN(close_fd) int fd = socket(to.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &to.any, endpoint_size(&to)) < 0 ||
	    getsockname(fd, &own.any, &size) < 0)
		return false;
	return to.any.sa_family == AF_INET6
		       ? IN6_ARE_ADDR_EQUAL(&own.v6.sin6_addr, &to.v6.sin6_addr)
		       : own.v4.sin_addr.s_addr == to.v4.sin_addr.s_addr;
}
