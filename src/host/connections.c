/* Connections to listeners of the calling network namespace, by inet_diag. */
#include "epolltune/connections.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/ports.h"
#include "epolltune/subject.h"
#include "host/listener_table.h"
#include "host/sock_diag.h"
#include "host/tcp_info.h"

#define CLOSED (1u << TCP_TIME_WAIT | 1u << TCP_FIN_WAIT2)

struct reading {
	unsigned wanted_states;
	const struct listeners *l;
	struct listener_table *table;
	bool (*wanted)(const struct listener *l, void *arg);
	void *arg;
	struct connections *out;
	struct connection_states *states;
	uint64_t *closed_ms, *left;
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

static bool is_wanted(const struct reading *r, struct nlmsghdr *header)
{
	const struct inet_diag_msg *m = nlmsg_data(header);
	if (nlmsg_datalen(header) < (int)sizeof(*m) || !(1u << m->idiag_state & r->wanted_states))
		return false;
	int at = listener_table_find(r->table, m);
	return at >= 0 && r->wanted(&r->l->at[at], r->arg);
}

static int received(struct nl_msg *msg, void *arg)
{
	const struct reading *r = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	if (!is_wanted(r, header))
		return NL_OK;
	if (sock_diag_is_left(header)) {
		r->out->left++;
		return NL_OK;
	}
	const struct inet_diag_msg *m = nlmsg_data(header);
	const struct connection one = connection_of(header);
	r->out->open++;
	/* One that waits for accept() has no inode. */
	r->out->accepted += m->idiag_inode != 0;
	r->out->heard += m->idiag_inode && one.received;
	draw(r->out, one);
	return NL_OK;
}

/* An IPv4 peer of a dual-stack listener is one of IPv4. */
static union endpoint peer_of(const struct inet_diag_msg *m)
{
	union endpoint peer;
	struct in6_addr six;
	struct in_addr four;
	memcpy(&six, m->id.idiag_dst, sizeof(six));
	bool mapped = m->idiag_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six);
	memcpy(&four, mapped ? &six.s6_addr[12] : six.s6_addr, sizeof(four));
	peer = m->idiag_family == AF_INET6 && !mapped ? endpoint_ipv6(six) : endpoint_ipv4(four);
	endpoint_set_port(&peer, ntohs(m->id.idiag_dport));
	return peer;
}

/* net/ipv4/inet_diag.c, inet_sk_diag_fill() */
static void keepalive_take(const struct inet_diag_msg *m, struct connection_state *s)
{
	enum { TIMER_NONE, TIMER_KEEPALIVE = 2 };
	if (m->idiag_timer == TIMER_NONE)
		s->keepalive = KEEPALIVE_OFF;
	if (m->idiag_timer != TIMER_KEEPALIVE)
		return;
	s->keepalive = KEEPALIVE_ON;
	s->keepalive_ms = (uint64_t)m->idiag_expires + s->silent_ms;
}

/* Whether its client may wait for an answer. One that waits for accept() has no inode. */
static bool is_served(const struct inet_diag_msg *m)
{
	return m->idiag_inode && m->idiag_state == TCP_ESTABLISHED;
}

static int state_received(struct nl_msg *msg, void *arg)
{
	const struct reading *r = arg;
	struct connection_states *all = r->states;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct inet_diag_msg *m = nlmsg_data(header);
	uint32_t memory[SK_MEMINFO_VARS] = {0};
	if (!is_wanted(r, header))
		return NL_OK;
	if (all->count == CONNECTIONS_SAMPLE) {
		all->more = true;
		return NL_STOP;
	}
	struct connection_state *s = &all->at[all->count++];
	const struct nlattr *info = nlmsg_find_attr(header, sizeof(*m), INET_DIAG_INFO);
	const struct nlattr *held = nlmsg_find_attr(header, sizeof(*m), INET_DIAG_SKMEMINFO);
	*s = (struct connection_state){
		.peer = peer_of(m), .at_us = clock_ns() / 1000, .receive_scale = -1};
	memcpy(&s->cookie, m->id.idiag_cookie, sizeof(s->cookie));
	all->timed = info && tcp_info_state(nla_data(info), (size_t)nla_len(info), s);
	if (info)
		keepalive_take(m, s);
	if (held)
		nla_memcpy(memory, held, sizeof(memory));
	/* net/ipv4/tcp_diag.c, tcp_diag_get_info() */
	s->unread = is_served(m) ? m->idiag_rqueue : 0;
	s->heard = is_served(m) && connection_of(header).received;
	s->left = sock_diag_is_left(header);
	s->received = memory[SK_MEMINFO_RMEM_ALLOC];
	s->queued = memory[SK_MEMINFO_WMEM_QUEUED];
	s->receive_buffer = memory[SK_MEMINFO_RCVBUF];
	s->send_buffer = memory[SK_MEMINFO_SNDBUF];
	return NL_OK;
}

static int reading_run(struct reading *r, const struct host *h, unsigned attributes,
		       nl_recvmsg_msg_cb_t each, struct err *e)
{
	CLEAN(listener_table_free) struct listener_table *table = listener_table_make(r->l);
	struct port_window windows[PORT_WINDOWS];
	int rc = sock_diag_live(h, e);
	if (rc)
		return rc;
	if (!table)
		return err_set(e, ENOMEM, "cannot list connections: out of memory");
	r->table = table;
	return sock_diag_tcp_with(attributes, r->wanted_states, windows,
				  listener_table_windows(r->l, r->wanted, r->arg, windows), each, r,
				  e);
}

int connections_read(const struct host *h, const struct listeners *l,
		     bool (*wanted)(const struct listener *l, void *arg), void *arg,
		     struct connections *c, struct err *e)
{
	struct reading r = {
		.wanted_states = TCP_OPEN, .l = l, .wanted = wanted, .arg = arg, .out = c};
	c->open = c->accepted = c->heard = c->left = 0;
	return reading_run(&r, h, SOCK_DIAG_WITH(INET_DIAG_INFO), received, e);
}

int connections_read_subject(const struct host *h, const struct subject *s, struct connections *c,
			     struct err *e)
{
	CLEAN(listeners_free) struct listeners l = {0};
	if (!host_live(h)) {
		c->open = s->then.open;
		c->accepted = s->then.accepted;
		c->heard = s->then.heard;
		c->left = s->then.left;
		return 0;
	}
	int rc = listeners_read_tcp(h, &l, e);
	return rc ? rc : connections_read(h, &l, subject_receives, (void *)s, c, e);
}

static int left_received(struct nl_msg *msg, void *arg)
{
	const struct reading *r = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	*r->left += is_wanted(r, header) && sock_diag_is_left(header);
	return NL_OK;
}

int connections_left(const struct host *h, const struct listeners *l,
		     bool (*wanted)(const struct listener *l, void *arg), void *arg, uint64_t *left,
		     struct err *e)
{
	struct reading r = {.wanted_states = 1u << TCP_CLOSE_WAIT,
			    .l = l,
			    .wanted = wanted,
			    .arg = arg,
			    .left = left};
	*left = 0;
	return reading_run(&r, h, SOCK_DIAG_WITH(INET_DIAG_INFO), left_received, e);
}

int connections_states(const struct host *h, const struct listeners *l,
		       bool (*wanted)(const struct listener *l, void *arg), void *arg,
		       struct connection_states *out, struct err *e)
{
	struct reading r = {
		.wanted_states = TCP_OPEN, .l = l, .wanted = wanted, .arg = arg, .states = out};
	out->count = 0;
	out->more = false;
	return reading_run(&r, h,
			   SOCK_DIAG_WITH(INET_DIAG_INFO) | SOCK_DIAG_WITH(INET_DIAG_SKMEMINFO),
			   state_received, e);
}

static int closed_received(struct nl_msg *msg, void *arg)
{
	enum { TIMER_TIME_WAIT = 3 };
	const struct reading *r = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct inet_diag_msg *m = nlmsg_data(header);
	if (!is_wanted(r, header) || m->idiag_timer != TIMER_TIME_WAIT ||
	    m->idiag_expires > TIME_WAIT_MS)
		return NL_OK;
	if (TIME_WAIT_MS - m->idiag_expires < *r->closed_ms)
		*r->closed_ms = TIME_WAIT_MS - m->idiag_expires;
	return NL_OK;
}

int connections_closed(const struct host *h, const struct listeners *l,
		       bool (*wanted)(const struct listener *l, void *arg), void *arg, uint64_t *ms,
		       struct err *e)
{
	struct reading r = {
		.wanted_states = CLOSED, .l = l, .wanted = wanted, .arg = arg, .closed_ms = ms};
	*ms = UINT64_MAX;
	return reading_run(&r, h, 0, closed_received, e);
}
