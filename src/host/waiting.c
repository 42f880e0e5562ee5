/* The connections that wait for accept(), by sock_diag(7). */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "epolltune/cleanup.h"
#include "epolltune/listener.h"
#include "epolltune/order.h"
#include "host/listener_table.h"
#include "host/sock_diag.h"

struct reading {
	const struct listeners *all;
	const struct listener_table *table;
	bool (*wanted)(const struct listener *l, void *arg);
	void *arg;
	struct waiting_list *out;
	bool full;
};

static int waiting_add(struct reading *r, const struct listener *l, uint64_t id)
{
	struct waiting *more = array_add(&r->out->at, &r->out->count, sizeof(*more));
	r->full |= !more;
	if (!more)
		return NL_STOP;
	*more = (struct waiting){l->cookie, id};
	return NL_OK;
}

/* One that waits has no inode. */
static int tcp_received(struct nl_msg *msg, void *arg)
{
	struct reading *r = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct inet_diag_msg *m = nlmsg_data(header);
	uint64_t cookie;
	if (nlmsg_datalen(header) < (int)sizeof(*m) || !(1u << m->idiag_state & TCP_OPEN) ||
	    m->idiag_inode)
		return NL_OK;
	int at = listener_table_find(r->table, m);
	if (at < 0 || !r->wanted(&r->all->at[at], r->arg))
		return NL_OK;
	memcpy(&cookie, m->id.idiag_cookie, sizeof(cookie));
	return waiting_add(r, &r->all->at[at], cookie);
}

/* Of a listener the inodes of its clients, 0 of one that has closed: net/unix/diag.c,
 * sk_diag_dump_icons(). */
static int unix_received(struct nl_msg *msg, void *arg)
{
	struct reading *r = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct unix_diag_msg *m = nlmsg_data(header);
	uint64_t cookie;
	if (nlmsg_datalen(header) < (int)sizeof(*m))
		return NL_OK;
	memcpy(&cookie, m->udiag_cookie, sizeof(cookie));
	const struct listener *l = listeners_find(r->all, cookie);
	const struct nlattr *clients = nlmsg_find_attr(header, sizeof(*m), UNIX_DIAG_ICONS);
	if (!l || !clients || !r->wanted(l, r->arg))
		return NL_OK;
	for (size_t i = 0; i < (size_t)nla_len(clients) / sizeof(uint32_t); i++) {
		uint32_t inode;
		memcpy(&inode, (const char *)nla_data(clients) + i * sizeof(inode), sizeof(inode));
		if (inode && waiting_add(r, l, inode) != NL_OK)
			return NL_STOP;
	}
	return NL_OK;
}

static bool any_wanted(const struct reading *r, enum listener_kind kind)
{
	for (size_t i = 0; i < r->all->count; i++)
		if (r->all->at[i].kind == kind && r->wanted(&r->all->at[i], r->arg))
			return true;
	return false;
}

static int tcp_read(struct reading *r, struct err *e)
{
	CLEAN(listener_table_free) struct listener_table *table = listener_table_make(r->all);
	struct port_window windows[PORT_WINDOWS];
	if (!table)
		return err_set(e, ENOMEM, "cannot list connections: out of memory");
	r->table = table;
	return sock_diag_tcp_with(0, TCP_OPEN, windows,
				  listener_table_windows(r->all, r->wanted, r->arg, windows),
				  tcp_received, r, e);
}

static int unix_read(struct reading *r, struct err *e)
{
	struct unix_diag_req request = {.sdiag_family = AF_UNIX,
					.udiag_states = 1u << TCP_LISTEN,
					.udiag_show = UDIAG_SHOW_ICONS};
	return sock_diag_dump(SOCK_DIAG_BY_FAMILY, &request, sizeof(request), unix_received, r, e);
}

static int waiting_order(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;
	return x->listener != y->listener ? ORDER(x->listener, y->listener) : ORDER(x->id, y->id);
}

int listeners_waiting(const struct host *h, const struct listeners *l,
		      bool (*wanted)(const struct listener *l, void *arg), void *arg,
		      struct waiting_list *out, struct err *e)
{
	struct reading r = {.all = l, .wanted = wanted, .arg = arg, .out = out};
	*out = (struct waiting_list){0};
	int rc = sock_diag_live(h, e);
	if (!rc && any_wanted(&r, LISTENER_TCP))
		rc = tcp_read(&r, e);
	if (!rc && any_wanted(&r, LISTENER_UNIX))
		rc = unix_read(&r, e);
	if (!rc && r.full)
		rc = err_set(e, ENOMEM, "cannot list connections: out of memory");
	if (out->count)
		qsort(out->at, out->count, sizeof(*out->at), waiting_order);
	return rc;
}

bool waiting_has(const struct waiting_list *l, struct waiting one)
{
	return l->count && bsearch(&one, l->at, l->count, sizeof(one), waiting_order);
}

void waiting_free(struct waiting_list *l)
{
	free(l->at);
	*l = (struct waiting_list){0};
}
