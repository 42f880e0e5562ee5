#include "catalogue/server_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/list.h"

#define SERVER_ADDRESS 256 /* longer ones are cut */

bool server_address_is_local(const char *address) { return !strncmp(address, "unix:", 5); }

/* By the family before its "@". */
static bool is_datagram(const char *address)
{
	static const char families[] = "udp,udp4,udp6,quic4,quic6,dgram";
	char family[SERVER_ADDRESS] = "";
	const char *at = strchr(address, '@');
	if (at)
		snprintf(family, sizeof(family), "%.*s", (int)(at - address), address);
	return at && list_has(families, family);
}

bool server_address_names(const char *list, const char *address)
{
	static const char prefix[] = "unix";
	const char *path = strncmp(address, "unix:", 5) ? NULL : address + 5;
	struct list_item item;
	while (list_next(&list, &item)) {
		char one[SERVER_ADDRESS];
		snprintf(one, sizeof(one), "%.*s", item.length, item.text);
		const char *last = strrchr(one, ':');
		if (is_datagram(one))
			continue;
		if (path && !strncmp(one, prefix, 4) && (one[4] == ':' || one[4] == '@')) {
			if (!strcmp(one + 5, path))
				return true;
		} else if (!strcmp(path ? path : address, path || !last ? one : last + 1)) {
			return true;
		}
	}
	return false;
}

void server_address_spell_wildcard(char *address, size_t size)
{
	static const char zero[] = "0.0.0.0:";
	size_t skip = strncmp(address, zero, sizeof(zero) - 1) ? 0 : sizeof(zero) - 1;
	char port[SERVER_ADDRESS];
	if (address[strspn(address, "0123456789")] && !skip)
		return;
	snprintf(port, sizeof(port), "%s", address + skip);
	snprintf(address, size, "*:%s", port);
}

bool server_address_is_digits(const char *text)
{
	return !text[strspn(text, "0123456789abcdefABCDEF:.*[]")];
}

/* The host part, without brackets. */
static void host_copy(const char *address, const char *colon, char *host, size_t size)
{
	bool brackets = *address == '[' && colon[-1] == ']';
	snprintf(host, size, "%.*s", (int)(colon - address) - 2 * brackets, address + brackets);
}

/* Whether it may be that of a listener, as those below. */
static bool host_serves(const char *bound, const char *listener)
{
	static const int families[] = {AF_INET, AF_INET6};
	if (!*bound || !strcmp(bound, "*"))
		return !strcmp(listener, "0.0.0.0") || !strcmp(listener, "::");
	for (size_t i = 0; i < 2; i++) {
		unsigned char a[16] = {0}, b[16] = {0};
		if (inet_pton(families[i], bound, a) == 1)
			return inet_pton(families[i], listener, b) == 1 && !memcmp(a, b, sizeof(a));
	}
	return true; /* a name */
}

/* "80", "8000-8010". */
static bool port_serves(const char *bound, const char *listener)
{
	char *end;
	unsigned long low = strtoul(bound, &end, 10), high = low,
		      port = strtoul(listener, NULL, 10);
	if (end != bound && *end == '-')
		high = strtoul(end + 1, &end, 10);
	if (end == bound || *end)
		return true;
	return port >= low && port <= high;
}

bool server_address_serves(const char *bound, const char *listener)
{
	static const char streams[] = "ipv4,ipv6,tcp,tcp4,tcp6", paths[] = "unix,uxst,abns,abnsz";
	char family[SERVER_ADDRESS] = "", own[SERVER_ADDRESS], other[SERVER_ADDRESS];
	const char *at = strchr(bound, '@'), *colon, *port = strrchr(listener, ':');
	bool local = server_address_is_local(listener);
	if (strpbrk(bound, "$\"'\\%"))
		return true;
	if (is_datagram(bound))
		return false;
	if (at) {
		snprintf(family, sizeof(family), "%.*s", (int)(at - bound), bound);
		bound = at + 1;
	}
	if (*bound == '/' || list_has(paths, family))
		return local;
	colon = strrchr(bound, ':');
	if ((at && !list_has(streams, family)) || !colon || !port)
		return true;
	if (local)
		return false;
	host_copy(bound, colon, own, sizeof(own));
	host_copy(listener, port, other, sizeof(other));
	return port_serves(colon + 1, port + 1) && host_serves(own, other);
}
