/* The addresses of listeners, as text. */
#include "host/listener_address.h"

#include <arpa/inet.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

static bool is_inet(const struct listener *l)
{
	return l->kind == LISTENER_TCP || l->kind == LISTENER_UDP;
}

void listener_inet_address(struct listener *l, const struct inet_diag_msg *m)
{
	char address[INET6_ADDRSTRLEN] = "?", device[IF_NAMESIZE + 1] = "", name[IF_NAMESIZE];
	inet_ntop(m->idiag_family, m->id.idiag_src, address, sizeof(address));
	l->port = ntohs(m->id.idiag_sport);
	l->device = m->id.idiag_if;
	l->ipv6 = m->idiag_family == AF_INET6;
	if (l->device && if_indextoname(l->device, name))
		snprintf(device, sizeof(device), "%%%s", name);
	else if (l->device)
		snprintf(device, sizeof(device), "%%if%u", l->device);
	snprintf(l->address, sizeof(l->address),
		 m->idiag_family == AF_INET6 ? "%s[%s]%s:%u" : "%s%s%s:%u",
		 l->kind == LISTENER_UDP ? "udp:" : "", address, device, l->port);
}

/* "[::ffff:10.0.0.5]:80" becomes "10.0.0.5:80", which is what such a socket receives for. */
static void address_unmap(char *text)
{
	static const char mapped[] = "[::ffff:";
	char *v4 = text + sizeof(mapped) - 1, *end = strchr(text, ']');
	if (strncmp(text, mapped, sizeof(mapped) - 1) || !end ||
	    !memchr(v4, '.', (size_t)(end - v4)))
		return;
	memmove(end, end + 1, strlen(end));
	memmove(text, v4, strlen(v4) + 1);
}

char *listener_plain(const struct listener *l, char text[LISTENER_ADDRESS])
{
	bool udp = l->kind == LISTENER_UDP && !strncmp(l->address, "udp:", 4);
	const char *address = l->address + (udp ? 4 : 0);
	const char *device = is_inet(l) ? strchr(address, '%') : NULL;
	const char *port = device ? strrchr(device, ':') : NULL;
	snprintf(text, LISTENER_ADDRESS, "%.*s%s", device ? (int)(device - address) : INT_MAX,
		 address, port ? port : "");
	if (is_inet(l))
		address_unmap(text);
	return text;
}

void listener_unix_address(struct listener *l, const struct nlattr *name)
{
	static const char prefix[] = "unix:";
	const char *from = name ? nla_data(name) : "";
	size_t length = name ? (size_t)nla_len(name) : 0;
	if (length && from[0]) /* a path: with its final NUL or without */
		length = strnlen(from, length);
	char *to = l->address, *end = l->address + sizeof(l->address) - 1;
	for (const char *p = prefix; *p; p++)
		*to++ = *p;
	for (size_t i = 0; i < length && to < end; i++) {
		unsigned char c = (unsigned char)from[i];
		*to++ = (char)(!c ? '@' : c < ' ' || c == 127 ? '?' : c);
	}
	*to = 0;
}

bool listener_is_wild(const struct listener *l)
{
	char own[LISTENER_ADDRESS];
	listener_plain(l, own);
	return !strncmp(own, "0.0.0.0:", 8) || !strncmp(own, "[::]:", 5);
}

bool listener_on_loopback(const struct listener *l)
{
	char own[LISTENER_ADDRESS];
	listener_plain(l, own);
	return is_inet(l) && (!strncmp(own, "127.", 4) || !strncmp(own, "[::1]:", 6));
}

bool listener_same_address(const struct listener *a, const struct listener *b)
{
	return a->kind == b->kind && !strcmp(a->address, b->address);
}

bool listener_shares_arrivals(const struct listener *a, const struct listener *b)
{
	bool spread = is_inet(a) && !a->connected && !b->connected;
	return listener_same_address(a, b) && (spread || a->cookie == b->cookie);
}

char *listener_name(const struct listeners *l, const struct listener *at, char *text, size_t size)
{
	if (at->owner < 0) {
		snprintf(text, size, "%s", at->address);
		return text;
	}
	const struct process *p = &l->processes[at->owner];
	snprintf(text, size, "%s (pid %d) on %s", p->name, (int)p->root, at->address);
	return text;
}
