/* Ephemeral ports of UDP sockets: what the sockets of the calling network namespace show. */
#include "epolltune/ports_udp.h"

#include <stdio.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/ports.h"
#include "epolltune/ports_used.h"

/* Sockets to find owners of: they are those of most. */
#define SAMPLE 64

/* Of "10.0.0.1:53" the length of the address. */
static size_t address_length(const char *text)
{
	const char *port = strrchr(text, ':');
	return port ? (size_t)(port - text) : strlen(text);
}

/* "0.0.0.0" and "[::]" are none. */
static void address_take(const struct listener *l, struct ports_udp *out)
{
	char text[LISTENER_ADDRESS];
	listener_plain(l, text);
	text[address_length(text)] = '\0';
	snprintf(out->address, sizeof(out->address), "%.47s", listener_is_wild(l) ? "" : text);
}

/* The sockets are ordered by address and port. */
static void addresses_count(const struct listeners *l, const struct port_set *ephemeral,
			    struct ports_udp *out)
{
	const struct listener *last = NULL;
	uint32_t count = 0;
	for (size_t i = 0; i < l->count; i++) {
		const struct listener *at = &l->at[i];
		size_t length = address_length(at->address);
		if (!port_set_has(ephemeral, at->port))
			continue;
		if (!last || length != address_length(last->address) ||
		    memcmp(at->address, last->address, length) != 0)
			count = 0;
		count += !count || at->port != last->port;
		last = at;
		if (count <= out->bound)
			continue;
		out->bound = count;
		address_take(at, out);
	}
}

void ports_udp_count(const struct listeners *l, const struct port_set *ephemeral,
		     struct ports_udp *out)
{
	struct port_set four = {0}, all = {0};
	*out = (struct ports_udp){.available = port_set_count(ephemeral, 1, UINT16_MAX)};
	for (size_t i = 0; i < l->count; i++) {
		uint16_t port = l->at[i].port;
		if (!port_set_has(ephemeral, port))
			continue;
		port_set_add(&all, port, port);
		if (!l->at[i].v6only)
			port_set_add(&four, port, port);
	}
	out->four = (uint32_t)port_set_count(&four, 1, UINT16_MAX);
	out->all = (uint32_t)port_set_count(&all, 1, UINT16_MAX);
	addresses_count(l, ephemeral, out);
}

struct sampling {
	const struct port_set *ephemeral;
	size_t every, seen;
};

static bool is_sampled(const struct listener *l, void *arg)
{
	struct sampling *s = arg;
	return port_set_has(s->ephemeral, l->port) && s->seen++ % s->every == 0;
}

/* The owner of a socket that counts; NULL: it does not, or the owner is not known. */
static const struct process *owner_of(const struct listeners *l, size_t i,
				      const struct port_set *ephemeral)
{
	const struct listener *at = &l->at[i];
	return at->owner >= 0 && port_set_has(ephemeral, at->port) ? &l->processes[at->owner]
								   : NULL;
}

/* A majority vote: the program that has more than half of the sockets is left. */
static const struct process *majority(const struct listeners *l, const struct port_set *ephemeral)
{
	const struct process *leads = NULL;
	size_t votes = 0;
	for (size_t i = 0; i < l->count; i++) {
		const struct process *p = owner_of(l, i, ephemeral);
		if (!p)
			continue;
		leads = votes ? leads : p;
		if (strcmp(leads->name, p->name) != 0)
			votes--;
		else
			votes++;
	}
	return leads;
}

static void owner_choose(const struct listeners *l, const struct port_set *ephemeral,
			 struct ports_udp *out)
{
	const struct process *leads = majority(l, ephemeral);
	size_t own = 0, known = 0;
	for (size_t i = 0; leads && i < l->count; i++) {
		const struct process *p = owner_of(l, i, ephemeral);
		known += p != NULL;
		own += p && !strcmp(leads->name, p->name);
	}
	out->owned = 2 * own > known;
	out->hidden = !known && l->hidden;
	if (out->owned)
		out->owner = *leads;
}

int ports_udp_read(const struct host *h, struct ports_udp *out, struct err *e)
{
	CLEAN(listeners_free) struct listeners l = {0};
	struct port_set ephemeral;
	*out = (struct ports_udp){0};
	host_ephemeral_ports(h, &ephemeral);
	int rc = listeners_read_udp(h, true, &l, e);
	if (rc)
		return rc;
	ports_udp_count(&l, &ephemeral, out);
	host_port_range(h, &out->low, &out->high, NULL);
	if ((int64_t)out->all * 100 < out->available * PORTS_NEAR)
		return 0;
	struct sampling s = {&ephemeral, l.count / SAMPLE + 1, 0};
	rc = listeners_own(h, &l, is_sampled, &s, e);
	owner_choose(&l, &ephemeral, out);
	return rc;
}
