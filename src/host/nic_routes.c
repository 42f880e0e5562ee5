/* Interfaces with a default route. */
#include <stdio.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "host/machine.h"
#include "host/nic_sources.h"

#define RTF_UP 1u
#define RTF_REJECT 0x200u
/* The default routes of IPv4 come first, before a million of BGP: fib_route_seq_show(). Those of
 * IPv6 come last: fib6_walk_continue(). */
#define ROUTES_BEGIN ((size_t)1 << 20)

static void mark(struct nics *n, const char *name)
{
	for (size_t i = 0; i < n->count; i++)
		if (!strcmp(n->at[i].name, name))
			n->at[i].default_route = true;
}

/* "eth0 00000000 0200000A 0003 0 0 100 00000000 …": interface, destination, gateway, flags,
 * references, use, metric, mask. */
static void route_line(const char *line, struct nics *n)
{
	char name[NIC_NAME];
	unsigned destination, flags, mask;
	if (sscanf(line, "%15s %x %*x %x %*u %*u %*u %x", name, &destination, &flags, &mask) == 4 &&
	    destination == 0 && mask == 0 && (flags & RTF_UP) && !(flags & RTF_REJECT))
		mark(n, name);
}

/* Destination, prefix length, source, its length, next hop, metric, references, use, flags,
 * interface. Without a default route the kernel shows a reject route on lo. */
static void route6_line(const char *line, struct nics *n)
{
	char name[NIC_NAME], destination[33];
	unsigned length, flags;
	if (sscanf(line, "%32s %x %*s %*x %*s %*x %*x %*x %x %15s", destination, &length, &flags,
		   name) == 4 &&
	    length == 0 && strspn(destination, "0") == 32 && (flags & RTF_UP) &&
	    !(flags & RTF_REJECT))
		mark(n, name);
}

static void routes(const struct host *h, const char *path, size_t max,
		   void (*each)(const char *, struct nics *), struct nics *n)
{
	CLEAN(free_pointer) char *text = NULL;
	if (host_read_begin(h, path, max, &text, NULL) < 0)
		return;
	for (char *save, *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		each(line, n);
}

void nics_take_routes(const struct host *h, struct nics *n)
{
	routes(h, "proc/net/route", ROUTES_BEGIN, route_line, n);
	routes(h, "proc/net/ipv6_route", HOST_FILE_MAX, route6_line, n);
}
