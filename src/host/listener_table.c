#include "host/listener_table.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct listener_table {
	const struct listeners *l;
	int first[UINT16_MAX + 1]; /* of a port, an index; -1: none */
	struct {
		int next; /* of the same port */
		char plain[LISTENER_ADDRESS];
	} at[];
};

struct listener_table *listener_table_make(const struct listeners *l)
{
	struct listener_table *t = malloc(sizeof(*t) + l->count * sizeof(*t->at));
	if (!t)
		return NULL;
	memset(t->first, -1, sizeof(t->first));
	t->l = l;
	for (size_t i = 0; i < l->count; i++) {
		t->at[i].next = -1;
		if (l->at[i].kind != LISTENER_TCP)
			continue;
		listener_plain(&l->at[i], t->at[i].plain);
		t->at[i].next = t->first[l->at[i].port];
		t->first[l->at[i].port] = (int)i;
	}
	return t;
}

void listener_table_free(struct listener_table **t) { free(*t); }

static int match_address(const char *own, const char *address, bool v4, bool v6only)
{
	size_t n = strlen(address);
	if (!strncmp(own, address, n) && own[n] == ':')
		return 3;
	if (v4 && !strncmp(own, "0.0.0.0:", 8))
		return 2;
	return !strncmp(own, "[::]:", 5) && !(v4 && v6only);
}

/* How well the listener at `i` matches the local address of a connection, and the device that it is
 * bound to; 0: it does not. Of one address a listener that is bound to the device comes first:
 * net/ipv4/inet_hashtables.c, compute_score(). */
static int match(const struct listener_table *t, int i, const char *address, bool v4,
		 uint32_t device)
{
	const struct listener *l = &t->l->at[i];
	if (l->device && l->device != device)
		return 0;
	int found = match_address(t->at[i].plain, address, v4, l->v6only);
	return found ? 2 * found + (l->device != 0) : 0;
}

/* A socket of a dual-stack listener has an IPv4 address in IPv6 form. */
static bool local_address(const struct inet_diag_msg *m, char *out, size_t size)
{
	char text[INET6_ADDRSTRLEN] = "";
	const struct in6_addr *six = (const struct in6_addr *)m->id.idiag_src;
	bool v4 = m->idiag_family == AF_INET || IN6_IS_ADDR_V4MAPPED(six);
	const void *at = m->idiag_family == AF_INET ? (const void *)m->id.idiag_src
			 : v4                       ? (const void *)&six->s6_addr[12]
						    : (const void *)six;
	inet_ntop(v4 ? AF_INET : AF_INET6, at, text, sizeof(text));
	snprintf(out, size, v4 ? "%s" : "[%s]", text);
	return v4;
}

int listener_table_find(const struct listener_table *t, const struct inet_diag_msg *m)
{
	char address[INET6_ADDRSTRLEN + 3];
	int best = 0, at = -1, i = t->first[ntohs(m->id.idiag_sport)];
	if (i < 0)
		return -1;
	bool v4 = local_address(m, address, sizeof(address));
	for (; i >= 0; i = t->at[i].next) {
		int found = match(t, i, address, v4, m->id.idiag_if);
		if (found > best) {
			best = found;
			at = i;
		}
	}
	return at;
}

size_t listener_table_windows(const struct listeners *all,
			      bool (*wanted)(const struct listener *l, void *arg), void *arg,
			      struct port_window w[PORT_WINDOWS])
{
	uint16_t after = 0;
	for (size_t count = 0;; count++) {
		uint16_t next = 0;
		for (size_t i = 0; i < all->count; i++) {
			const struct listener *l = &all->at[i];
			if (l->kind == LISTENER_TCP && l->port > after &&
			    (!next || l->port < next) && (!wanted || wanted(l, arg)))
				next = l->port;
		}
		if (!next || count == PORT_WINDOWS)
			return next ? 0 : count;
		w[count] = (struct port_window){next, next};
		after = next;
	}
}
