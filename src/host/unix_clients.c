/* The sockets that connected to UNIX listeners, by sock_diag(7). */
#include "host/unix_clients.h"

#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

#include "host/listener_address.h"
#include "host/sock_diag.h"

/* Those that wait for accept(): net/unix/diag.c, sk_diag_dump_icons(). False: it ends. */
static bool waiting_take(const struct unix_clients *w, const struct unix_diag_msg *m,
			 const struct nlattr *clients)
{
	uint64_t cookie;
	memcpy(&cookie, m->udiag_cookie, sizeof(cookie));
	const struct listener *l = listeners_find(w->all, cookie);
	if (!l || !w->wanted(l, w->arg))
		return true;
	for (size_t i = 0; i < (size_t)nla_len(clients) / sizeof(uint32_t); i++) {
		uint32_t inode;
		memcpy(&inode, (const char *)nla_data(clients) + i * sizeof(inode), sizeof(inode));
		if (inode && !w->each(inode, (size_t)(l - w->all->at), w->arg))
			return false;
	}
	return true;
}

/* An accepted socket has the name and the file of its listener: net/unix/af_unix.c,
 * unix_stream_connect(). False: it ends. */
static bool accepted_take(const struct unix_clients *w, const struct nlattr *name,
			  const struct nlattr *file, uint32_t peer)
{
	struct listener named = {.kind = LISTENER_UNIX};
	struct unix_diag_vfs vfs = {0};
	listener_unix_address(&named, name);
	if (file)
		nla_memcpy(&vfs, file, sizeof(vfs));
	for (size_t i = 0; i < w->all->count; i++)
		if (peer && w->all->at[i].file == vfs.udiag_vfs_ino &&
		    listener_same_address(&w->all->at[i], &named) &&
		    w->wanted(&w->all->at[i], w->arg) && !w->each(peer, i, w->arg))
			return false;
	return true;
}

static int received(struct nl_msg *msg, void *arg)
{
	const struct unix_clients *w = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct unix_diag_msg *m = nlmsg_data(header);
	bool more = true;
	if (nlmsg_datalen(header) < (int)sizeof(*m))
		return NL_OK;
	const struct nlattr *name = nlmsg_find_attr(header, sizeof(*m), UNIX_DIAG_NAME);
	const struct nlattr *file = nlmsg_find_attr(header, sizeof(*m), UNIX_DIAG_VFS);
	const struct nlattr *peer = nlmsg_find_attr(header, sizeof(*m), UNIX_DIAG_PEER);
	const struct nlattr *clients = nlmsg_find_attr(header, sizeof(*m), UNIX_DIAG_ICONS);
	if (clients && m->udiag_state == TCP_LISTEN)
		more = waiting_take(w, m, clients);
	else if (name && peer)
		more = accepted_take(w, name, file, nla_get_u32(peer));
	return more ? NL_OK : NL_STOP;
}

int unix_clients_walk(const struct unix_clients *w, struct err *e)
{
	struct unix_diag_req request = {.sdiag_family = AF_UNIX,
					.udiag_states = 1u << TCP_ESTABLISHED | 1u << TCP_LISTEN,
					.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS |
						      UDIAG_SHOW_PEER | UDIAG_SHOW_ICONS};
	return sock_diag_dump(SOCK_DIAG_BY_FAMILY, &request, sizeof(request), received, (void *)w,
			      e);
}
