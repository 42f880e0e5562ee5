/* Whether management traffic depends on an interface. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/nic.h"
#include "host/machine.h"
#include "host/processes.h"

/* sudo removes SSH_CONNECTION, so parent processes are searched too. */
#define PROCESSES_UP 16
#define ENVIRONMENT 65536
#define LAYERS 8

static const char variable[] = "SSH_CONNECTION=";

/* Both ends of the operator's connection; a link-local address has a scope, "fe80::1%eth0". */
struct operator { char client[64], server[64]; };

/* "CLIENT PORT SERVER PORT" */
static bool connection_parse(const char *connection, struct operator* o)
{
	return sscanf(connection, "%63s %*s %63s", o->client, o->server) == 2;
}

static bool environment_of(const struct host *h, pid_t pid, struct operator* o)
{
	char path[32];
	CLEAN(free_pointer) char *text = malloc(ENVIRONMENT);
	snprintf(path, sizeof(path), "proc/%d/environ", pid);
	CLEAN(close_fd) int fd = machine_open(h, path, O_RDONLY, "read", NULL);
	size_t length = 0;
	while (fd >= 0 && text && length < ENVIRONMENT - 1) {
		ssize_t n = TEMP_FAILURE_RETRY(read(fd, text + length, ENVIRONMENT - 1 - length));
		if (n <= 0)
			break;
		length += (size_t)n;
	}
	if (!length)
		return false;
	text[length] = 0;
	for (const char *at = text; at < text + length; at += strlen(at) + 1)
		if (!strncmp(at, variable, strlen(variable)))
			return connection_parse(at + strlen(variable), o);
	return false;
}

static pid_t parent_of(const struct host *h, pid_t pid)
{
	struct process_stat stat;
	CLEAN(close_fd) int process = process_open(h, pid, NULL);
	return process >= 0 && !process_stat_at(process, pid, &stat, NULL) ? stat.parent : 0;
}

static bool operator_find(const struct host *h, struct operator* o)
{
	const char *own = getenv("SSH_CONNECTION");
	if (own && connection_parse(own, o))
		return true;
	pid_t pid = getppid();
	for (int i = 0; i < PROCESSES_UP && pid > 1; i++, pid = parent_of(h, pid))
		if (environment_of(h, pid, o))
			return true;
	return false;
}

/* Index of the interface that has an address; 0 if none. */
static uint32_t interface_of(const char *address)
{
	struct ifaddrs *list;
	uint32_t index = 0;
	if (getifaddrs(&list))
		return 0;
	for (const struct ifaddrs *a = list; a && !index; a = a->ifa_next) {
		char text[INET6_ADDRSTRLEN] = "";
		if (!a->ifa_addr)
			continue;
		if (a->ifa_addr->sa_family == AF_INET)
			inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)a->ifa_addr)->sin_addr,
				  text, sizeof(text));
		else if (a->ifa_addr->sa_family == AF_INET6)
			inet_ntop(AF_INET6,
				  &((struct sockaddr_in6 *)(void *)a->ifa_addr)->sin6_addr, text,
				  sizeof(text));
		if (text[0] && !strcmp(text, address))
			index = if_nametoindex(a->ifa_name);
	}
	freeifaddrs(list);
	return index;
}

/* Reads the routes of all tables. */
static struct nl_cache *routes_read(struct nl_sock *s)
{
	struct nl_cache *routes = NULL;
	return nl_connect(s, NETLINK_ROUTE) == 0 &&
			       rtnl_route_alloc_cache(s, AF_UNSPEC, 0, &routes) == 0
		       ? routes
		       : NULL;
}

/* Whether a route is a default route (`to` NULL) or leads to `to`. Routes of every table count:
 * rules are not evaluated. */
static bool route_counts(struct rtnl_route *r, const struct nl_addr *to)
{
	struct nl_addr *destination = rtnl_route_get_dst(r);
	if (!destination || rtnl_route_get_type(r) != RTN_UNICAST)
		return false;
	if (!to)
		return nl_addr_get_prefixlen(destination) == 0;
	return nl_addr_get_family(destination) == nl_addr_get_family(to) &&
	       nl_addr_cmp_prefix(destination, to) == 0;
}

/* Calls `each` for the interfaces of all default routes, or of all routes to an address. */
static void routes_each(struct nl_cache *routes, const struct nl_addr *to,
			void (*each)(uint32_t index, void *arg), void *arg)
{
	for (struct nl_object *o = nl_cache_get_first(routes); o; o = nl_cache_get_next(o)) {
		struct rtnl_route *r = (struct rtnl_route *)o;
		if (!route_counts(r, to))
			continue;
		for (int i = 0; i < rtnl_route_get_nnexthops(r); i++)
			each((uint32_t)rtnl_route_nh_get_ifindex(rtnl_route_nexthop_n(r, i)), arg);
	}
}

/* Whether `upper` is `lower`, a bridge or bond that has it as a port, or a VLAN on it. */
static bool stands_on(const struct nics *n, const struct nic *upper, const struct nic *lower,
		      unsigned layers)
{
	if (upper == lower)
		return true;
	if (!layers)
		return false;
	const struct nic *below = nics_at(n, upper->below);
	if (below && below != upper && stands_on(n, below, lower, layers - 1))
		return true;
	const struct nic *master = nics_at(n, lower->master);
	return master && master != lower && stands_on(n, upper, master, layers - 1);
}

bool nic_stands_on(const struct nics *all, const char *upper, const char *lower)
{
	const struct nic *u = nics_find(all, upper), *l = nics_find(all, lower);
	return u && l && stands_on(all, u, l, LAYERS);
}

/* A tunnel does not say by which interface its packets leave. */
static bool tunnel(const struct nic *n)
{
	static const char *const kinds[] = {"tun",    "wireguard", "vxlan",  "geneve", "gre",
					    "gretap", "ip6gre",    "ipip",   "sit",    "ip6tnl",
					    "vti",    "xfrm",      "bareudp"};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(n->kind, kinds[i]))
			return true;
	return false;
}

/* The interface in question, and the traffic that depends on it. */
struct question {
	const struct nics *all;
	const struct nic *lower;
	const char *over;
	const char *found; /* NULL: nothing yet */
};

static void ask(uint32_t index, void *arg)
{
	struct question *q = arg;
	const struct nic *upper = nics_at(q->all, index);
	if (!upper || q->found)
		return;
	if (stands_on(q->all, upper, q->lower, LAYERS) ||
	    (tunnel(upper) && strcmp(q->lower->name, "lo") != 0))
		q->found = q->over;
}

/* Checks the interfaces of the operator's connection: of its scope, of its local address and of the
 * routes to its client. */
static void ask_operator(const struct host *h, struct nl_cache *routes, struct question *q)
{
	struct operator o;
	struct nl_addr *client = NULL;
	q->over = "your own connection";
	if (!operator_find(h, &o))
		return;
	char *ends[] = {o.client, o.server};
	for (size_t i = 0; i < 2; i++) {
		char *scope = strchr(ends[i], '%');
		if (!scope)
			continue;
		*scope++ = 0;
		ask(if_nametoindex(scope), q);
	}
	ask(interface_of(o.server), q);
	if (nl_addr_parse(o.client, AF_UNSPEC, &client) < 0)
		return;
	routes_each(routes, client, ask, q);
	nl_addr_put(client);
}

bool nic_management_path(const struct host *h, const struct nics *all, const char *nic,
			 char what[40])
{
	struct question q = {.all = all, .lower = nics_find(all, nic)};
	struct nl_sock *s = nl_socket_alloc();
	struct nl_cache *routes = s ? routes_read(s) : NULL;
	if (!all->count || !routes) {
		q.found = "perhaps your own connection";
	} else if (q.lower) {
		ask_operator(h, routes, &q);
		q.over = "the default route";
		routes_each(routes, NULL, ask, &q);
		for (size_t i = 0; i < all->count; i++)
			if (all->at[i].default_route)
				ask(all->at[i].index, &q);
	}
	if (routes)
		nl_cache_free(routes);
	if (s)
		nl_socket_free(s);
	snprintf(what, 40, "%s", q.found ? q.found : "");
	return q.found;
}
