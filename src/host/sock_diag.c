/* Sockets of the calling network namespace by sock_diag(7). */
#include "host/sock_diag.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <netinet/tcp.h>
#include <netlink/attr.h>
#include <netlink/idiag/idiagnl.h>
#include <netlink/msg.h>

#include "epolltune/cleanup.h"
#include "epolltune/connections.h"
#include "host/tcp_info.h"

int sock_diag_live(const struct host *h, struct err *e)
{
	return h->live ? 0
		       : err_set(e, EOPNOTSUPP,
				 "cannot list sockets: a captured machine has no sockets");
}

static void socket_free(struct nl_sock **s)
{
	if (*s)
		nl_socket_free(*s);
}

/* A filter may be added to the request as an attribute. */
static int dump(int type, void *request, size_t size, const void *filter, size_t filter_size,
		nl_recvmsg_msg_cb_t received, void *arg, struct err *e)
{
	static const char what[] = "cannot list sockets: sock_diag";
	CLEAN(socket_free) struct nl_sock *s = nl_socket_alloc();
	CLEAN(machine_message_free)
	struct nl_msg *m = nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_DUMP);
	if (!s || !m || nlmsg_append(m, request, size, NLMSG_ALIGNTO) ||
	    (filter_size && nla_put(m, INET_DIAG_REQ_BYTECODE, (int)filter_size, filter)))
		return err_set(e, ENOMEM, "cannot list sockets: out of memory");
	int r = idiagnl_connect(s);
	if (r < 0)
		return machine_netlink_error(e, r, what);
	nl_socket_modify_cb(s, NL_CB_VALID, NL_CB_CUSTOM, received, arg);
	r = nl_send_auto(s, m);
	if (r >= 0)
		r = nl_recvmsgs_default(s);
	/* Sockets come and go during any dump; all of it has been received. */
	if (r >= 0 || r == -NLE_DUMP_INTR)
		return 0;
	r = machine_netlink_error(e, r, what);
	/* The module tcp_diag or unix_diag is missing or cannot be loaded. */
	return r == -ENOENT ? err_recode(e, EOPNOTSUPP) : r;
}

int sock_diag_dump(int type, void *request, size_t size, nl_recvmsg_msg_cb_t received, void *arg,
		   struct err *e)
{
	return dump(type, request, size, NULL, 0, received, arg, e);
}

/* TCPDIAG_GETSOCK dumps both families at once: inet_diag_dump_compat(). */
int sock_diag_tcp(unsigned states, nl_recvmsg_msg_cb_t received, void *arg, struct err *e)
{
	struct inet_diag_req request = {.idiag_family = AF_INET, .idiag_states = states};
	return sock_diag_dump(TCPDIAG_GETSOCK, &request, sizeof(request), received, arg, e);
}

/* A comparison of a port: an op, its operand behind it, and where to go by the result, in
 * bytes. The end accepts, 4 bytes beyond it rejects; `yes` has 8 bits, too few for the end. */
#define COMPARISON (2 * sizeof(struct inet_diag_bc_op))
#define REJECT sizeof(struct inet_diag_bc_op)

static void compare(struct inet_diag_bc_op op[2], unsigned char code, unsigned port, size_t no)
{
	op[0] = (struct inet_diag_bc_op){.code = code, .yes = COMPARISON, .no = (unsigned short)no};
	op[1] = (struct inet_diag_bc_op){.no = (unsigned short)port};
}

/* Of both families, with these attributes, whose port is in one of the windows by these ops. */
static int port_dump(unsigned attributes, unsigned states, const unsigned char code[2],
		     const struct port_window *windows, size_t count, nl_recvmsg_msg_cb_t received,
		     void *arg, struct err *e)
{
	struct inet_diag_req request = {.idiag_family = AF_INET,
					.idiag_ext = attributes & UINT8_MAX,
					.idiag_states = states};
	struct inet_diag_bc_op ops[PORT_WINDOWS * 4], *at = ops;
	for (size_t i = 0; i < count; i++, at += 4) {
		const struct port_window *w = &windows[i];
		size_t left = (count - i) * 2 * COMPARISON;
		/* Below this window is below all that follow. */
		compare(at, code[0], w->low, left + REJECT);
		if (i < count - 1)
			compare(at + 2, code[0], w->high + 1u, left - COMPARISON);
		else
			compare(at + 2, code[1], w->high, COMPARISON + REJECT);
	}
	return dump(TCPDIAG_GETSOCK, &request, sizeof(request), ops, count * 2 * COMPARISON,
		    received, arg, e);
}

int sock_diag_tcp_with(unsigned attributes, unsigned states, const struct port_window *windows,
		       size_t count, nl_recvmsg_msg_cb_t received, void *arg, struct err *e)
{
	static const unsigned char local[] = {INET_DIAG_BC_S_GE, INET_DIAG_BC_S_LE};
	return port_dump(attributes, states, local, windows, count, received, arg, e);
}

int sock_diag_tcp_to(unsigned states, const struct port_window *windows, size_t count,
		     nl_recvmsg_msg_cb_t received, void *arg, struct err *e)
{
	static const unsigned char remote[] = {INET_DIAG_BC_D_GE, INET_DIAG_BC_D_LE};
	return port_dump(0, states, remote, windows, count, received, arg, e);
}

struct half_open_count {
	uint16_t port;
	uint64_t count;
};

static int half_open_received(struct nl_msg *msg, void *arg)
{
	struct half_open_count *half = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct inet_diag_msg *m = nlmsg_data(header);
	if (nlmsg_datalen(header) >= (int)sizeof(*m) && m->idiag_state == TCP_SYN_RECV &&
	    m->id.idiag_sport == half->port)
		half->count++;
	return NL_OK;
}

int host_half_open(const struct host *h, uint16_t port, uint64_t *count, struct err *e)
{
	struct half_open_count half = {.port = port};
	int r = sock_diag_live(h, e);
	if (!r)
		r = sock_diag_tcp(1u << TCP_SYN_RECV, half_open_received, &half, e);
	*count = half.count;
	return r;
}

static int closing_received(struct nl_msg *msg, void *arg)
{
	++*(uint64_t *)arg;
	return NL_OK;
}

int host_closing(const struct host *h, uint64_t *count, struct err *e)
{
	int r = sock_diag_live(h, e);
	*count = 0;
	return r ? r
		 : sock_diag_tcp(1u << TCP_FIN_WAIT1 | 1u << TCP_FIN_WAIT2 | 1u << TCP_CLOSING,
				 closing_received, count, e);
}

/* The FIN is a segment too, and so is each acknowledgement of a client that has only shut its side
 * down and reads still. */
bool sock_diag_is_left(struct nlmsghdr *header)
{
	const struct inet_diag_msg *m = nlmsg_data(header);
	const struct nlattr *info = nlmsg_find_attr(header, sizeof(*m), INET_DIAG_INFO);
	struct connection_state s = {0};
	if (m->idiag_state != TCP_CLOSE_WAIT || !m->idiag_inode || !info)
		return false;
	tcp_info_state(nla_data(info), (size_t)nla_len(info), &s);
	return s.silent_ms >= CONNECTION_LEFT_MS;
}
