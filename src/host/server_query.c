/* What --server names: a pid, a unit, an address, a path or a name. */
#include "host/server_query.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "host/address.h"

/* Of the address of a UNIX listener. */
static const char unix_prefix[] = "unix:";

static bool all_digits(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* The address as listener_plain() has it, without the port. */
static bool address_normal(const char *text, size_t length, struct server_query *q)
{
	char given[INET6_ADDRSTRLEN + 3], normal[INET6_ADDRSTRLEN];
	struct in6_addr binary = {0};
	struct in_addr v4;
	bool v6 = length > 2 && text[0] == '[' && text[length - 1] == ']';
	if (length >= sizeof(given))
		return false;
	snprintf(given, sizeof(given), "%.*s", (int)(v6 ? length - 2 : length), text + v6);
	if (inet_pton(v6 ? AF_INET6 : AF_INET, given, &binary) != 1)
		return false;
	bool mapped = v6 && IN6_IS_ADDR_V4MAPPED(&binary);
	v6 = v6 && !mapped;
	if (!inet_ntop(v6 ? AF_INET6 : AF_INET, &binary.s6_addr[mapped ? 12 : 0], normal,
		       sizeof(normal)))
		return false;
	snprintf(q->address, sizeof(q->address), v6 ? "[%s]" : "%s", normal);
	memcpy(&v4, &binary.s6_addr[mapped ? 12 : 0], sizeof(v4));
	q->binary = v6 ? endpoint_ipv6(binary) : endpoint_ipv4(v4);
	if (v6 && IN6_IS_ADDR_LINKLOCAL(&binary) && q->device[0])
		q->binary.v6.sin6_scope_id = if_nametoindex(q->device);
	return true;
}

static int query_address(struct server_query *q, const char *colon, struct err *e)
{
	unsigned long port =
		all_digits(colon + 1) && strlen(colon + 1) <= 5 ? strtoul(colon + 1, NULL, 10) : 0;
	size_t length = (size_t)(colon - q->who);
	const char *device = memchr(q->who, '%', length);
	if (device) {
		snprintf(q->device, sizeof(q->device), "%.*s", (int)(colon - device - 1),
			 device + 1);
		length = (size_t)(device - q->who);
	}
	if (length == 1 && q->who[0] == '*') /* as ss(8) prints all addresses */
		length = 0;
	q->kind = BY_ADDRESS;
	if (!port || port > UINT16_MAX || (length && !address_normal(q->who, length, q)))
		return err_set(e, EINVAL,
			       "--server %s: not :PORT, ADDRESS:PORT or [ADDRESS]:PORT with a port "
			       "from 1 to 65535",
			       q->who);
	q->port = (uint16_t)port;
	return 0;
}

int server_query_make(const char *who, struct server_query *q, struct err *e)
{
	bool exact;
	const char *colon = strrchr(who, ':');
	*q = (struct server_query){.kind = BY_NAME, .who = who};
	if (!*who)
		return err_set(e, EINVAL, "--server needs a pid, unit, address or name");
	if (!strncmp(who, unix_prefix, sizeof(unix_prefix) - 1) || who[0] == '/') {
		q->kind = BY_PATH;
		q->path = who[0] == '/' ? who : who + sizeof(unix_prefix) - 1;
		if (q->path[0] != '@')
			listener_path(q->path, &q->file, &q->file_device, &exact);
	} else if (all_digits(who)) {
		char *end;
		unsigned long pid = strtoul(who, &end, 10);
		q->kind = BY_PID;
		if (!pid || pid > INT32_MAX)
			return err_set(e, EINVAL, "--server %s: not a pid", who);
		q->pid = (pid_t)pid;
	} else if (colon) {
		return query_address(q, colon, e);
	} else if (text_ends(who, strlen(who), ".service") ||
		   text_ends(who, strlen(who), ".scope")) {
		q->kind = BY_UNIT;
	}
	return 0;
}

static bool is_local(const struct listener *l)
{
	return l->kind == LISTENER_UNIX || l->kind == LISTENER_DATAGRAM;
}

/* Whether clients that connect to the path reach it. */
static bool file_asked(const struct server_query *q, const struct listener *l, const char *unused)
{
	return is_local(l) && q->file && l->file == (uint32_t)q->file &&
	       l->file_device == q->file_device;
}

/* Sockets of other directories and mount namespaces may have that name too. */
static bool name_asked(const struct server_query *q, const struct listener *l, const char *unused)
{
	return is_local(l) && !strcmp(l->address + sizeof(unix_prefix) - 1, q->path);
}

static bool address_asked(const struct server_query *q, const struct listener *l,
			  const char *address)
{
	char name[LISTENER_ADDRESS], own[LISTENER_ADDRESS];
	if (is_local(l) || l->port != q->port)
		return false;
	snprintf(name, sizeof(name), "%%%s:", q->device);
	if (q->device[0] && !strstr(l->address, name))
		return false;
	/* [::] receives for IPv4 too, unless IPV6_V6ONLY is set. */
	if (l->v6only && q->address[0] && q->address[0] != '[')
		return false;
	listener_plain(l, own);
	snprintf(name, sizeof(name), "%s:%u", address, q->port);
	return !*address || !strcmp(own, name);
}

/* 0: all remain. */
static size_t keep_asked(struct listeners *l, const struct server_query *q,
			 bool (*asked)(const struct server_query *, const struct listener *,
				       const char *address),
			 const char *address)
{
	size_t kept = 0;
	for (size_t i = 0; i < l->count; i++)
		if (asked(q, &l->at[i], address))
			l->at[kept++] = l->at[i];
	return kept ? l->count = kept : 0;
}

/* Those of the address itself, otherwise those of all addresses, which receive for it. */
static bool keep_wildcard(struct listeners *l, const struct server_query *q)
{
	if (!q->address[0] || !address_is_local(&q->binary))
		return false;
	return (q->address[0] != '[' && keep_asked(l, q, address_asked, "0.0.0.0")) ||
	       keep_asked(l, q, address_asked, "[::]");
}

int server_query_keep(struct listeners *l, const struct server_query *q, struct err *e)
{
	bool path = q->kind == BY_PATH;
	if (path && (keep_asked(l, q, file_asked, "") || keep_asked(l, q, name_asked, "")))
		return 0;
	if (!path && (keep_asked(l, q, address_asked, q->address) || keep_wildcard(l, q)))
		return 0;
	return err_set(e, ENOENT,
		       "--server %s: nothing listens there in this network namespace; for that of "
		       "process PID add --netns PID (check, capture), or run epolltune by nsenter "
		       "--net=/proc/PID/ns/net",
		       q->who);
}
