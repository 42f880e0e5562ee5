/* The connections that listeners have accepted, by sock_diag(7). */
#include "host/accepted_sockets.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/array.h"
#include "epolltune/cleanup.h"
#include "host/inode_table.h"
#include "host/listener_address.h"
#include "host/listener_table.h"
#include "host/sock_diag.h"

struct reading {
	struct listeners *own;        /* ordered by address; the first of one has its count */
	struct listener_table *table; /* of all TCP listeners */
	int *firsts;                  /* of each of these, as own_first() */
	struct accepted_list *out;
};

/* The first of the listeners in question with the address of `l`, an index; -1: none has it. */
static int own_first(const struct listeners *own, const struct listener *l)
{
	for (size_t i = 0; i < own->count; i++)
		if (listener_same_address(&own->at[i], l))
			return (int)i;
	return -1;
}

/* By listener once: there may be a million connections. NULL: no memory. */
static int *firsts_make(const struct listeners *own, const struct listeners *all)
{
	int *firsts = malloc((all->count + 1) * sizeof(*firsts));
	for (size_t i = 0; firsts && i < all->count; i++)
		firsts[i] = own_first(own, &all->at[i]);
	return firsts;
}

/* Counts a connection to that address; false: it is of another server. */
static bool own_count(struct listeners *own, int first)
{
	if (first >= 0)
		own->at[first].clients++;
	return first >= 0;
}

/* Each socket of an address has the count of all. */
static void own_spread(struct listeners *own)
{
	for (size_t i = 1; i < own->count; i++)
		if (listener_same_address(&own->at[i - 1], &own->at[i]))
			own->at[i].clients = own->at[i - 1].clients;
}

static int accepted_add(struct accepted_list *out, struct accepted one)
{
	struct accepted *more =
		out->count < ACCEPTED_MAX ? array_add(&out->at, &out->count, sizeof(*more)) : NULL;
	if (!more)
		return NL_STOP;
	*more = one;
	return NL_OK;
}

static int tcp_received(struct nl_msg *msg, void *arg)
{
	const struct reading *r = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct inet_diag_msg *m = nlmsg_data(header);
	/* One that waits for accept(), or that its process has closed, has no inode. */
	if (nlmsg_datalen(header) < (int)sizeof(*m) || !(1u << m->idiag_state & TCP_CONNECTED) ||
	    !m->idiag_inode)
		return NL_OK;
	int at = listener_table_find(r->table, m);
	struct accepted one = {
		.inode = m->idiag_inode, .opened = at < 0, .left = sock_diag_is_left(header)};
	if (at >= 0)
		one.own = own_count(r->own, r->firsts[at]);
	return at >= 0 || one.left ? accepted_add(r->out, one) : NL_OK;
}

/* Only those that clients have closed are asked for their times: there may be a million others. */
static void tcp_read(const struct listeners *all, struct reading *r)
{
	const unsigned closed = 1u << TCP_CLOSE_WAIT;
	struct port_window windows[PORT_WINDOWS];
	sock_diag_tcp_with(0, TCP_CONNECTED & ~closed, windows,
			   listener_table_windows(all, NULL, NULL, windows), tcp_received, r, NULL);
	sock_diag_tcp_with(SOCK_DIAG_WITH(INET_DIAG_INFO), closed, NULL, 0, tcp_received, r, NULL);
}

/* An accepted socket has the name of its listener: net/unix/af_unix.c, unix_stream_connect(). */
static int unix_received(struct nl_msg *msg, void *arg)
{
	const struct reading *r = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct unix_diag_msg *m = nlmsg_data(header);
	struct listener named = {.kind = LISTENER_UNIX};
	if (nlmsg_datalen(header) < (int)sizeof(*m) || m->udiag_state != TCP_ESTABLISHED)
		return NL_OK;
	const struct nlattr *name = nlmsg_find_attr(header, sizeof(*m), UNIX_DIAG_NAME);
	if (!name)
		return NL_OK;
	listener_unix_address(&named, name);
	return m->udiag_ino && own_count(r->own, own_first(r->own, &named))
		       ? accepted_add(r->out, (struct accepted){.inode = m->udiag_ino, .own = true})
		       : NL_OK;
}

static bool any_unix(const struct listeners *l)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->at[i].kind == LISTENER_UNIX)
			return true;
	return false;
}

void accepted_sockets_read(const struct host *h, struct listeners *own, struct accepted_list *out)
{
	struct unix_diag_req names = {.sdiag_family = AF_UNIX,
				      .udiag_states = 1u << TCP_ESTABLISHED,
				      .udiag_show = UDIAG_SHOW_NAME};
	CLEAN(listeners_free) struct listeners all = {0};
	*out = (struct accepted_list){0};
	for (size_t i = 0; i < own->count; i++)
		own->at[i].clients = 0;
	if (listeners_read_tcp(h, &all, NULL) < 0)
		return;
	CLEAN(listener_table_free) struct listener_table *table = listener_table_make(&all);
	CLEAN(free_pointer) int *firsts = firsts_make(own, &all);
	struct reading r = {own, table, firsts, out};
	if (table && firsts)
		tcp_read(&all, &r);
	if (any_unix(own))
		sock_diag_dump(SOCK_DIAG_BY_FAMILY, &names, sizeof(names), unix_received, &r, NULL);
	own_spread(own);
	inode_table_sort(out->at, out->count, sizeof(*out->at));
}

const struct accepted *accepted_sockets_find(const struct accepted_list *l, uint64_t inode)
{
	return inode_table_find(l->at, l->count, sizeof(*l->at), inode);
}
