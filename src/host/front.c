/* The process that most clients of a server are connections of: by both ends of each. */
#include "epolltune/front.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "host/address.h"
#include "host/descriptors.h"
#include "host/inode_table.h"
#include "host/listener_table.h"
#include "host/machine.h"
#include "host/processes.h"
#include "host/unix_clients.h"

/* Connections that a monitor or a health check may have. */
#define MONITOR_CONNECTIONS 3
/* Descriptors to look at: of one process, and of all. */
#define ONE 65536
#define ALL 262144

/* A socket that connected to the server, or a listener of another one. */
struct seen {
	uint64_t inode; /* first: its order */
	bool client;
	bool held; /* by a visible process */
};

struct tree {
	pid_t root;
	uint64_t connections;
};

struct reading {
	const struct host *host;
	const struct subject *subject;
	const struct listeners *all;
	const struct listener_table *table;
	struct seen *at;
	size_t count;
	struct tree *trees;
	size_t tree_count;
	struct address_asked asked;
	unsigned left; /* descriptors that may still be looked at */
	bool denied, full;
};

bool front_shown(uint64_t clients, uint64_t connections)
{
	return connections > MONITOR_CONNECTIONS && connections > clients / 2;
}

/* A listener of the server that its clients use. */
static bool is_own(const struct listener *l, void *arg)
{
	const struct reading *r = arg;
	const struct listener *own = listeners_find(&r->subject->listeners, l->cookie);
	return own && !own->aside;
}

static void seen_add(struct reading *r, uint64_t inode, bool client)
{
	struct seen *more = inode ? array_add(&r->at, &r->count, sizeof(*more)) : NULL;
	r->full |= inode && !more;
	if (more)
		*more = (struct seen){inode, client, false};
}

/* Whether the peer of the connection is this network namespace. */
static bool is_here(struct reading *r, const struct inet_diag_msg *m)
{
	bool six = m->idiag_family == AF_INET6;
	size_t size = six ? 16 : 4;
	struct in6_addr v6;
	struct in_addr v4;
	if (!memcmp(m->id.idiag_src, m->id.idiag_dst, size))
		return true;
	memcpy(&v6, m->id.idiag_dst, sizeof(v6));
	memcpy(&v4, m->id.idiag_dst, sizeof(v4));
	const union endpoint to = six ? endpoint_ipv6(v6) : endpoint_ipv4(v4);
	return address_is_local_again(&r->asked, &to);
}

static int client_received(struct nl_msg *msg, void *arg)
{
	struct reading *r = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct inet_diag_msg *m = nlmsg_data(header);
	if (nlmsg_datalen(header) < (int)sizeof(*m) || !m->idiag_inode)
		return NL_OK;
	struct inet_diag_msg peer = {.idiag_family = m->idiag_family};
	peer.id.idiag_sport = m->id.idiag_dport;
	memcpy(peer.id.idiag_src, m->id.idiag_dst, sizeof(peer.id.idiag_src));
	int at = listener_table_find(r->table, &peer);
	if (at >= 0 && is_own(&r->all->at[at], r) && is_here(r, m))
		seen_add(r, m->idiag_inode, true);
	return r->full ? NL_STOP : NL_OK;
}

static bool unix_client_take(uint64_t inode, size_t listener, void *arg)
{
	struct reading *r = arg;
	seen_add(r, inode, true);
	return !r->full;
}

static void clients_read(struct reading *r)
{
	struct port_window windows[PORT_WINDOWS];
	const struct unix_clients names = {r->all, is_own, unix_client_take, r};
	size_t count = listener_table_windows(r->all, is_own, r, windows);
	if (subject_listens(r->subject, LISTENER_TCP))
		sock_diag_tcp_to(TCP_OPEN, windows, count, client_received, r, NULL);
	if (subject_listens(r->subject, LISTENER_UNIX))
		unix_clients_walk(&names, NULL);
}

/* The connections to its listeners; each of one address has the count of all. */
static uint64_t clients_of(const struct subject *s)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < s->listeners.count; i = listeners_group(&s->listeners, i))
		if (!s->listeners.at[i].aside)
			sum += s->listeners.at[i].clients;
	return sum;
}

/* Where clients of other hosts may come in before they reach the server. */
static bool is_public(const struct listener *l)
{
	return l->kind == LISTENER_TCP && !listener_on_loopback(l);
}

static void listeners_add_other(struct reading *r)
{
	for (size_t i = 0; i < r->all->count; i++) {
		const struct listener *l = &r->all->at[i];
		if (is_public(l) && !subject_has(r->subject, l))
			seen_add(r, l->inode, false);
	}
}

static void tree_add(struct reading *r, pid_t pid, uint64_t connections)
{
	struct process p;
	if (process_read(r->host, pid, &p, NULL) < 0 || subject_has_root(r->subject, p.root))
		return;
	for (size_t i = 0; i < r->tree_count; i++)
		if (r->trees[i].root == p.root) {
			r->trees[i].connections += connections;
			return;
		}
	struct tree *more = array_add(&r->trees, &r->tree_count, sizeof(*more));
	r->full |= !more;
	if (more)
		*more = (struct tree){p.root, connections};
}

static void process_take(struct reading *r, pid_t pid)
{
	CLEAN(close_fd) int process = process_open(r->host, pid, NULL);
	CLEAN(descriptors_close) struct descriptors all = {.directory = -1};
	struct descriptor d;
	uint64_t connections = 0;
	if (process < 0)
		return;
	if (descriptors_open(&all, process) < 0) {
		r->denied |= errno == EACCES || errno == EPERM;
		return;
	}
	for (unsigned n = 0; n < ONE && r->left && descriptors_next(&all, &d); n++, r->left--) {
		struct seen *s =
			d.socket ? inode_table_find(r->at, r->count, sizeof(*s), d.socket) : NULL;
		r->denied |= !d.link[0] && (errno == EACCES || errno == EPERM);
		if (!s || s->held)
			continue;
		s->held = true;
		connections += s->client;
	}
	if (connections)
		tree_add(r, pid, connections);
}

static void processes_take(struct reading *r)
{
	CLEAN(free_pointer) struct process_stat *all = NULL;
	size_t count = 0;
	if (process_list(r->host, &all, &count, NULL))
		return;
	inode_table_sort(r->at, r->count, sizeof(*r->at));
	r->left = ALL;
	for (size_t i = 0; i < count && r->left && !r->full; i++)
		process_take(r, all[i].pid);
}

static uint64_t local_count(const struct reading *r)
{
	uint64_t n = 0;
	for (size_t i = 0; i < r->count; i++)
		n += r->at[i].client;
	return n;
}

/* Where most clients, and a listener that others reach, are of no visible process. */
static bool may_be_hidden(const struct reading *r, struct front *out)
{
	struct host_identity here;
	uint64_t clients = 0, listeners = 0;
	for (size_t i = 0; i < r->count; i++)
		if (!r->at[i].held)
			*(r->at[i].client ? &clients : &listeners) += 1;
	bool apart = !host_identity(r->host, &here, NULL) && !here.first_pids;
	out->cut = !r->left;
	if (!listeners || !front_shown(out->clients, clients) ||
	    !(r->denied || out->cut || apart || !host_has(r->host, "proc/1/stat")))
		return false;
	out->theirs = clients;
	return true;
}

/* As --server finds it. False: it is none. */
static bool front_describe(struct reading *r, const struct tree *t, struct listeners *all,
			   struct front *out)
{
	CLEAN(subject_free) struct subject f = {0};
	char pid[16];
	struct process p;
	bool reachable = false;
	snprintf(pid, sizeof(pid), "%d", (int)t->root);
	bool found = !subject_find(r->host, pid, true, &f, NULL);
	for (size_t i = 0; i < f.listeners.count && found; i++)
		reachable |= is_public(&f.listeners.at[i]);
	if (process_read(r->host, t->root, &p, NULL) < 0 ||
	    (!reachable && !reverse_proxy_named(p.name)))
		return false;
	out->pid = t->root;
	snprintf(out->name, sizeof(out->name), "%s", p.name);
	out->theirs = t->connections;
	if (!found)
		return true;
	const struct listener *own = subject_queue(&f, LISTENER_TCP).smallest;
	snprintf(out->address, sizeof(out->address), "%s", own ? own->address : "");
	out->accepted = clients_of(&f);
	out->accepting = f.accepting;
	out->soft = subject_forks(&f) || f.handing || f.unshown ? 0 : f.soft;
	for (size_t i = 0; i < all->count; i++) {
		const struct listener *l = listeners_find(&f.listeners, all->at[i].cookie);
		all->at[i].front = l && !l->aside;
	}
	return true;
}

static void front_find(struct reading *r, struct listeners *all, struct front *out)
{
	const struct tree *most = NULL;
	clients_read(r);
	out->local = local_count(r);
	out->clients = clients_of(r->subject);
	if (out->clients < out->local) /* some wait for accept(), or came since */
		out->clients = out->local;
	if (r->full || !front_shown(out->clients, out->local))
		return;
	listeners_add_other(r);
	processes_take(r);
	for (size_t i = 0; i < r->tree_count; i++)
		if (!most || r->trees[i].connections > most->connections)
			most = &r->trees[i];
	if (r->full)
		return;
	if (most && front_shown(out->clients, most->connections))
		front_describe(r, most, all, out);
	else
		out->hidden = may_be_hidden(r, out);
}

void front_read(const struct host *h, const struct subject *s, struct listeners *all,
		struct front *out)
{
	*out = (struct front){0};
	if (!host_live(h) || s->activated)
		return;
	CLEAN(listener_table_free) struct listener_table *table = listener_table_make(all);
	struct reading r = {.host = h, .subject = s, .all = all, .table = table};
	if (table)
		front_find(&r, all, out);
	free(r.at);
	free(r.trees);
}
