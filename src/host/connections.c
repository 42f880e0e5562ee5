/* Connections to listeners of the calling network namespace, by inet_diag. */
#include "epolltune/connections.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <netinet/tcp.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "host/listener_table.h"
#include "host/sock_diag.h"
#include "host/tcp_info.h"

#define STATES (1u << TCP_ESTABLISHED | 1u << TCP_CLOSE_WAIT)

struct reading {
	const struct listeners *l;
	struct listener_table *table;
	bool (*wanted)(const struct listener *l, void *arg);
	void *arg;
	struct connections *out;
};

static struct connection connection_of(struct nlmsghdr *header)
{
	const struct nlattr *info =
		nlmsg_find_attr(header, sizeof(struct inet_diag_msg), INET_DIAG_INFO);
	return info ? tcp_info_connection(nla_data(info), (size_t)nla_len(info))
		    : (struct connection){0};
}

/* Algorithm R of Vitter, "Random Sampling with a Reservoir", 1985. The numbers, of splitmix64, need
 * not be unpredictable. */
static void draw(struct connections *c, struct connection one)
{
	uint64_t x = ++c->seen * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	x ^= x >> 31;
	if (c->count < CONNECTIONS_SAMPLE)
		c->at[c->count++] = one;
	else if (x % c->seen < CONNECTIONS_SAMPLE)
		c->at[x % c->seen] = one;
}

static int received(struct nl_msg *msg, void *arg)
{
	const struct reading *r = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct inet_diag_msg *m = nlmsg_data(header);
	if (nlmsg_datalen(header) < (int)sizeof(*m) || !(1u << m->idiag_state & STATES))
		return NL_OK;
	int at = listener_table_find(r->table, m);
	if (at < 0 || !r->wanted(&r->l->at[at], r->arg))
		return NL_OK;
	r->out->open++;
	draw(r->out, connection_of(header));
	return NL_OK;
}

/* The ports of the listeners in question, for the kernel to select by; 0: too many. */
static size_t windows_make(const struct reading *r, struct port_window w[PORT_WINDOWS])
{
	uint16_t after = 0;
	for (size_t count = 0;; count++) {
		uint16_t next = 0;
		for (size_t i = 0; i < r->l->count; i++) {
			const struct listener *l = &r->l->at[i];
			if (l->kind == LISTENER_TCP && l->port > after &&
			    (!next || l->port < next) && r->wanted(l, r->arg))
				next = l->port;
		}
		if (!next || count == PORT_WINDOWS)
			return next ? 0 : count;
		w[count] = (struct port_window){next, next};
		after = next;
	}
}

int connections_read(const struct host *h, const struct listeners *l,
		     bool (*wanted)(const struct listener *l, void *arg), void *arg,
		     struct connections *c, struct err *e)
{
	CLEAN(listener_table_free) struct listener_table *table = listener_table_make(l);
	struct reading r = {l, table, wanted, arg, c};
	struct port_window windows[PORT_WINDOWS];
	int rc = sock_diag_live(h, e);
	c->open = 0;
	if (rc)
		return rc;
	if (!table)
		return err_set(e, ENOMEM, "cannot list connections: out of memory");
	return sock_diag_tcp_with(INET_DIAG_INFO, STATES, windows, windows_make(&r, windows),
				  received, &r, e);
}
