/* Neighbours of the calling network namespace, by rtnetlink(7). */
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <string.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "host/machine.h"

/* Of a dump that changes of the table interrupt. */
#define TRIES 5

struct exempt {
	int family;
	uint64_t count;
};

static void socket_free(struct nl_sock **s)
{
	if (*s)
		nl_socket_free(*s);
}

static int neighbour_received(struct nl_msg *msg, void *arg)
{
	struct exempt *e = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct ndmsg *n = nlmsg_data(header);
	if (nlmsg_datalen(header) >= (int)sizeof(*n) && n->ndm_family == e->family &&
	    (n->ndm_state & NUD_PERMANENT || n->ndm_flags & NTF_EXT_LEARNED))
		e->count++;
	return NL_OK;
}

static int dump(struct exempt *exempt, const char *what, struct err *e)
{
	struct ndmsg all = {.ndm_family = (unsigned char)exempt->family};
	CLEAN(socket_free) struct nl_sock *s = nl_socket_alloc();
	exempt->count = 0;
	CLEAN(machine_message_free)
	struct nl_msg *m = nlmsg_alloc_simple(RTM_GETNEIGH, NLM_F_REQUEST | NLM_F_DUMP);
	if (!s || !m || nlmsg_append(m, &all, sizeof(all), NLMSG_ALIGNTO))
		return err_set(e, ENOMEM, "%s: out of memory", what);
	int r = nl_connect(s, NETLINK_ROUTE);
	nl_socket_modify_cb(s, NL_CB_VALID, NL_CB_CUSTOM, neighbour_received, exempt);
	if (r >= 0)
		r = nl_send_auto(s, m);
	if (r >= 0)
		r = nl_recvmsgs_default(s);
	return r < 0 ? machine_netlink_error(e, r, what) : 0;
}

int host_neighbours_exempt(const struct host *h, int family, uint64_t *count, struct err *e)
{
	static const char what[] = "cannot list neighbours";
	struct exempt exempt = {.family = family};
	*count = 0;
	if (!h->live)
		return err_set(e, EOPNOTSUPP, "%s: a captured machine does not contain them", what);
	/* Before 5.0 the limit counted all entries. */
	if (host_kernel(h) < KERNEL(5, 0))
		return 0;
	int r = -EINTR;
	for (int i = 0; i < TRIES && r == -EINTR; i++)
		r = dump(&exempt, what, e);
	*count = r ? 0 : exempt.count;
	return r;
}
