/* The listeners that a server connects to for its clients. */
#include "host/subject_upstreams.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <linux/inet_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/array.h"
#include "catalogue/server_upstreams.h"
#include "epolltune/cleanup.h"
#include "host/address.h"
#include "host/inode_table.h"
#include "host/listener_address.h"
#include "host/listener_table.h"
#include "host/port_sockets.h"
#include "host/unix_clients.h"

/* Connections that a server may have to a daemon of the system: the journal, D-Bus, a resolver. */
#define DAEMON_CONNECTIONS 3

#define NO_MEMORY "cannot list connections: out of memory"

/* A socket that connected, to a listener of `all`. */
struct client {
	uint64_t inode;
	size_t listener;
};

struct reading {
	struct listeners *all;
	const struct subject *subject;
	const struct listener_table *table; /* of `all` */
	struct client *at;
	size_t count;
	struct subject_upstreams *out;
	uint32_t *away; /* the pools of servers that are not here */
	size_t away_count;
	struct address_asked asked;
	bool full;
};

static bool is_behind(const struct reading *r, const struct listener *l)
{
	return !subject_has(r->subject, l) && !subject_receives(l, (void *)r->subject);
}

static bool has_behind(const struct reading *r, enum listener_kind kind)
{
	for (size_t i = 0; i < r->all->count; i++)
		if (r->all->at[i].kind == kind && is_behind(r, &r->all->at[i]))
			return true;
	return false;
}

/* What receives at an address, IPv4 mapped, and port of this network namespace; -1: none. */
static int listener_at(const struct listener_table *table, const struct in6_addr *address,
		       unsigned port)
{
	struct inet_diag_msg m = {.idiag_family = AF_INET6,
				  .id.idiag_sport = htons((uint16_t)port)};
	memcpy(m.id.idiag_src, address, sizeof(*address));
	return listener_table_find(table, &m);
}

static void client_add(struct reading *r, uint64_t inode, size_t listener)
{
	struct client *more = inode ? array_add(&r->at, &r->count, sizeof(*more)) : NULL;
	r->full |= inode && !more;
	if (more)
		*more = (struct client){inode, listener};
}

/* To an address of this namespace. The listener first: it drops most connections without a question
 * to the kernel. */
static void connected_take(const struct port_socket *s, void *arg)
{
	struct reading *r = arg;
	const struct port_route *route = &s->route;
	const union endpoint to = endpoint_ipv6(route->destination);
	int at = s->inode ? listener_at(r->table, &route->destination, route->port) : -1;
	if (at >= 0 && is_behind(r, &r->all->at[at]) && address_is_local_again(&r->asked, &to))
		client_add(r, s->inode, (size_t)at);
}

/* Drops the clients of listeners that have too few; false: none is left. */
static bool clients_keep(struct reading *r, const struct listeners *all)
{
	CLEAN(free_pointer) size_t *counts = calloc(all->count + 1, sizeof(*counts));
	size_t kept = 0;
	for (size_t i = 0; counts && i < r->count; i++)
		counts[r->at[i].listener]++;
	for (size_t i = 0; counts && i < r->count; i++)
		if (counts[r->at[i].listener] > DAEMON_CONNECTIONS)
			r->at[kept++] = r->at[i];
	r->count = kept;
	return kept;
}

/* By its connections, with the other sockets of its address (SO_REUSEPORT). */
static void pooled_mark(struct reading *r, const struct listener *l)
{
	for (size_t i = 0; i < r->all->count; i++) {
		struct listener *each = &r->all->at[i];
		if (!listener_shares_arrivals(each, l))
			continue;
		each->pooled |= !each->upstream;
		each->upstream = true;
	}
}

static bool unix_wanted(const struct listener *l, void *arg) { return is_behind(arg, l); }

static bool unix_take(uint64_t inode, size_t listener, void *arg)
{
	struct reading *r = arg;
	client_add(r, inode, listener);
	return !r->full;
}

static int unix_read(struct reading *r, struct err *e)
{
	const struct unix_clients walk = {r->all, unix_wanted, unix_take, r};
	return unix_clients_walk(&walk, e);
}

/* The kernel walks all connections for these: those of a server that has opened some only. */
static int tcp_read(const struct host *h, struct reading *r, struct err *e)
{
	const struct port_window all = {1, UINT16_MAX};
	if (r->subject->opened <= DAEMON_CONNECTIONS)
		return 0;
	return port_sockets_walk(h, TCP_OPEN | 1u << TCP_SYN_SENT, false, &all, 1, connected_take,
				 r, e);
}

static int connected_read(const struct host *h, struct reading *r, struct err *e)
{
	CLEAN(free_pointer) uint64_t *inodes = NULL;
	size_t count, kept = 0;
	int rc = has_behind(r, LISTENER_UNIX) ? unix_read(r, e) : 0;
	if (!rc && has_behind(r, LISTENER_TCP))
		rc = tcp_read(h, r, e);
	if (rc || r->full)
		return rc ? rc : err_set(e, ENOMEM, NO_MEMORY);
	/* The descriptors of its processes may be many. */
	if (!clients_keep(r, r->all) || (rc = subject_sockets(h, r->subject, &inodes, &count, e)))
		return rc;
	inode_table_sort(inodes, count, sizeof(*inodes));
	for (size_t i = 0; i < r->count; i++)
		if (inode_table_find(inodes, count, sizeof(*inodes), r->at[i].inode))
			r->at[kept++] = r->at[i];
	r->count = kept;
	clients_keep(r, r->all);
	for (size_t i = 0; i < r->count; i++)
		pooled_mark(r, &r->all->at[r->at[i].listener]);
	return 0;
}

/* As the server sees it. False: there is no such file, or it is no socket. */
static bool socket_find(const struct subject *s, const char *path, uint64_t *file, uint64_t *device,
			bool *exact)
{
	char root[64], seen[PATH_MAX];
	struct stat own, other, st;
	snprintf(root, sizeof(root), "/proc/%d/root", (int)s->pid);
	bool ours = stat("/", &own) || stat(root, &other) ||
		    (own.st_dev == other.st_dev && own.st_ino == other.st_ino);
	snprintf(seen, sizeof(seen), "%s%s", ours ? "" : root, path);
	return !stat(seen, &st) && S_ISSOCK(st.st_mode) && listener_path(seen, file, device, exact);
}

/* Which listeners a server behind it is. */
struct search {
	const struct subject *subject;
	struct listeners *all;
	const struct listener_table *table;
	void (*each)(struct listener *l, void *arg);
	void *arg;
};

/* By the file, also of another name; by the name where that file is not visible. */
static void path_find(const struct search *f, const char *path)
{
	uint64_t file = 0, device = 0;
	bool exact = false;
	bool known = *path == '/' && socket_find(f->subject, path, &file, &device, &exact);
	for (size_t i = 0; i < f->all->count; i++) {
		struct listener *l = &f->all->at[i];
		bool same = known && l->file == (uint32_t)file && l->file_device == device;
		same |= !exact && !strcmp(l->address + strlen("unix:"), path);
		if (same && l->kind == LISTENER_UNIX)
			f->each(l, f->arg);
	}
}

/* With the other sockets of its address (SO_REUSEPORT). */
static void endpoint_find(const struct search *f, const char *host, const char *port)
{
	union endpoint to = {0};
	struct in6_addr six = {0};
	struct in_addr four;
	if (inet_pton(AF_INET, host, &four) == 1) {
		to = endpoint_ipv4(four);
		six.s6_addr[10] = six.s6_addr[11] = 0xff;
		memcpy(&six.s6_addr[12], &four, sizeof(four));
	} else if (inet_pton(AF_INET6, host, &six) == 1) {
		to = endpoint_ipv6(six);
	} else {
		return;
	}
	int at = address_is_local(&to)
			 ? listener_at(f->table, &six, (unsigned)strtoul(port, NULL, 10))
			 : -1;
	for (size_t i = 0; at >= 0 && i < f->all->count; i++)
		if (listener_shares_arrivals(&f->all->at[i], &f->all->at[at]))
			f->each(&f->all->at[i], f->arg);
}

/* Of names that of loopback only: others may be those of another host. */
static void address_find(const struct search *f, const char *address)
{
	char text[LISTENER_ADDRESS], *host = text;
	char *colon =
		server_upstream_endpoint(address, text, sizeof(text)) ? strrchr(text, ':') : NULL;
	if (!colon)
		return;
	*colon = 0;
	if (*host == '[' && colon[-1] == ']') {
		colon[-1] = 0;
		host++;
	}
	if (strcmp(host, "localhost") != 0) {
		endpoint_find(f, host, colon + 1);
		return;
	}
	endpoint_find(f, "127.0.0.1", colon + 1);
	endpoint_find(f, "::1", colon + 1);
}

void subject_upstream_find(const struct subject *s, struct listeners *all,
			   const struct listener_table *table, const struct server_upstream *u,
			   void (*each)(struct listener *l, void *arg), void *arg)
{
	const struct search f = {s, all, table, each, arg};
	if (u->path)
		path_find(&f, u->path);
	else
		address_find(&f, u->address);
}

/* Of a listener that several sections name: above all of these. */
#define POOL_OF_ITS_OWN (UINT32_C(1) << 31)

struct naming {
	struct reading *reading;
	const struct server_upstream *upstream;
	bool any, behind;
};

static void named_mark(struct listener *l, void *arg)
{
	struct naming *n = arg;
	const struct reading *r = n->reading;
	n->any = true;
	if (!is_behind(r, l))
		return;
	n->behind = true;
	/* Of which section it gets more is not known: no other one shares its load for sure. */
	if (l->upstream && l->pool != n->upstream->pool)
		l->pool = POOL_OF_ITS_OWN | (uint32_t)(l - r->all->at);
	else
		l->pool = n->upstream->pool;
	l->upstream = true;
}

static void named_take(const struct server_upstream *u, void *arg)
{
	struct reading *r = arg;
	struct naming n = {.reading = r, .upstream = u};
	uint64_t file, device;
	bool exact;
	if (!u->off)
		subject_upstream_find(r->subject, r->all, r->table, u, named_mark, &n);
	if (n.behind)
		return;
	r->out->away++;
	uint32_t *pool = u->off ? NULL : array_add(&r->away, &r->away_count, sizeof(*pool));
	if (pool)
		*pool = u->pool;
	if (u->path && *u->path == '/' && !u->off && !n.any && !r->out->unseen[0] &&
	    socket_find(r->subject, u->path, &file, &device, &exact))
		snprintf(r->out->unseen, sizeof(r->out->unseen), "unix:%s", u->path);
}

int subject_upstreams_read(const struct host *h, const struct subject *s, struct listeners *all,
			   struct subject_upstreams *out, struct err *e)
{
	*out = (struct subject_upstreams){0};
	if (!host_live(h) || !s->pid || s->activated)
		return 0;
	CLEAN(listener_table_free) struct listener_table *table = listener_table_make(all);
	struct reading r = {.all = all, .subject = s, .table = table, .out = out};
	if (!table)
		return err_set(e, ENOMEM, NO_MEMORY);
	if (!subject_upstreams_named(h, s, named_take, &r))
		out->away++;
	for (size_t i = 0; i < all->count; i++)
		for (size_t k = 0; k < r.away_count; k++)
			all->at[i].beyond += all->at[i].upstream && all->at[i].pool == r.away[k];
	int rc = connected_read(h, &r, e);
	free(r.at);
	free(r.away);
	return rc;
}

bool subject_upstreams_local(const struct subject *s)
{
	return s->behind.known && s->behind.any && s->behind.local && !s->opened && s->accepting &&
	       !s->veiled;
}
