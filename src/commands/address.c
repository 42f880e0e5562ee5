#include "commands/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "epolltune/cleanup.h"
#include "epolltune/quantity.h"

int address_parse(const char *name, const char *text, bool port, struct sockaddr_in *out,
		  struct err *e)
{
	char host[256];
	uint64_t number = 0;
	const char *colon = strrchr(text, ':');
	if (port && !colon)
		return err_set(e, EINVAL, "%s: \"%s\" has no port; write ADDRESS:PORT", name, text);
	size_t length = port ? (size_t)(colon - text) : strlen(text);
	if (!length || length >= sizeof(host) || memchr(text, ':', length))
		return err_set(e, EINVAL, "%s: \"%s\" is no IPv4 address", name, text);
	if (port && quantity_parse(name, QUANTITY_COUNT, colon + 1, 1, 65535, &number, e))
		return -e->code;
	memcpy(host, text, length);
	host[length] = 0;
	const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	int rc = getaddrinfo(host, NULL, &hints, &found);
	if (rc)
		return err_set(e, EINVAL, "%s: \"%s\": %s", name, host, gai_strerror(rc));
	memcpy(out, found->ai_addr, sizeof(*out));
	out->sin_port = htons((uint16_t)number);
	freeaddrinfo(found);
	return 0;
}

bool address_is_local(struct in_addr address)
{
	if (ntohl(address.s_addr) >> 24 == 127)
		return true;
	/* To reach an address of its own, the kernel takes that address as the source. */
	CLEAN(close_fd) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = address, .sin_port = htons(9)};
	struct sockaddr_in own = {0};
	socklen_t size = sizeof(own);
	return fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
	       getsockname(fd, (struct sockaddr *)&own, &size) == 0 &&
	       own.sin_addr.s_addr == address.s_addr;
}

char *address_format(char buf[32], const struct sockaddr_in *a)
{
	char host[INET_ADDRSTRLEN];
	inet_ntop(AF_INET, &a->sin_addr, host, sizeof(host));
	snprintf(buf, 32, "%s:%u", host, ntohs(a->sin_port));
	return buf;
}
