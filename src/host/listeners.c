/* TCP sockets of the calling network namespace, by inet_diag. */
#include "host/machine.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <netinet/tcp.h>
#include <netlink/idiag/idiagnl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/cleanup.h"

/* Limits the search for owners on machines with many open files. */
#define OWNER_PROCESSES 4096
#define OWNER_DESCRIPTORS 32768

struct list {
	struct host_listener *at;
	size_t count, max, total;
};

static void socket_free(struct nl_sock **s)
{
	if (*s)
		nl_socket_free(*s);
}

static void dir_close(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* For a listener rqueue is the length of the accept queue and wqueue its maximum:
 * net/ipv4/tcp_diag.c, tcp_diag_get_info(). */
static int listener_received(struct nl_msg *msg, void *arg)
{
	struct list *list = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	if (nlmsg_datalen(header) < (int)sizeof(struct inet_diag_msg))
		return NL_SKIP;
	const struct inet_diag_msg *m = nlmsg_data(header);
	if (m->idiag_state != TCP_LISTEN ||
	    (m->idiag_family != AF_INET && m->idiag_family != AF_INET6))
		return NL_SKIP;
	list->total++;
	if (list->count == list->max)
		return NL_OK;
	struct host_listener *out = &list->at[list->count++];
	memset(out, 0, sizeof(*out));
	char address[INET6_ADDRSTRLEN] = "?";
	inet_ntop(m->idiag_family, m->id.idiag_src, address, sizeof(address));
	snprintf(out->address, sizeof(out->address),
		 m->idiag_family == AF_INET6 ? "[%s]:%u" : "%s:%u", address,
		 ntohs(m->id.idiag_sport));
	out->depth = m->idiag_rqueue;
	out->limit = m->idiag_wqueue;
	out->inode = m->idiag_inode;
	return NL_OK;
}

/* Calls `received` for every TCP socket in one of `states`. */
static int sockets_dump(unsigned states, nl_recvmsg_msg_cb_t received, void *arg, struct err *e)
{
	static const char what[] = "cannot list sockets: inet_diag";
	CLEAN(socket_free) struct nl_sock *s = nl_socket_alloc();
	if (!s)
		return err_set(e, ENOMEM, "cannot list sockets: out of memory");
	int r = idiagnl_connect(s);
	if (r < 0) {
		machine_netlink_error(e, r, what);
		return err_recode(e, EOPNOTSUPP);
	}
	nl_socket_modify_cb(s, NL_CB_VALID, NL_CB_CUSTOM, received, arg);
	/* TCPDIAG_GETSOCK dumps all families, not only the requested one: inet_diag_dump_compat().
	 */
	r = idiagnl_send_simple(s, 0, AF_INET, (uint16_t)states, 0);
	if (r >= 0)
		r = nl_recvmsgs_default(s);
	if (r >= 0)
		return 0;
	r = machine_netlink_error(e, r, what);
	/* The module tcp_diag is missing or cannot be loaded. */
	return r == -ENOENT ? err_recode(e, EOPNOTSUPP) : r;
}

struct half_open {
	uint16_t port;
	uint64_t count;
};

static int half_open_received(struct nl_msg *msg, void *arg)
{
	struct half_open *half = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct inet_diag_msg *m = nlmsg_data(header);
	if (nlmsg_datalen(header) >= (int)sizeof(*m) && m->idiag_state == TCP_SYN_RECV &&
	    m->id.idiag_sport == half->port)
		half->count++;
	return NL_OK;
}

int host_half_open(const struct host *h, uint16_t port, uint64_t *count, struct err *e)
{
	struct half_open half = {.port = port};
	if (!h->live)
		return err_set(e, EOPNOTSUPP,
			       "cannot list sockets: a captured machine has no sockets");
	int r = sockets_dump(1u << TCP_SYN_RECV, half_open_received, &half, e);
	*count = half.count;
	return r;
}

static int closing_received(struct nl_msg *msg, void *arg)
{
	(void)msg;
	++*(uint64_t *)arg;
	return NL_OK;
}

int host_closing(const struct host *h, uint64_t *count, struct err *e)
{
	*count = 0;
	if (!h->live)
		return err_set(e, EOPNOTSUPP,
			       "cannot list sockets: a captured machine has no sockets");
	return sockets_dump(1u << TCP_FIN_WAIT1 | 1u << TCP_FIN_WAIT2 | 1u << TCP_CLOSING,
			    closing_received, count, e);
}

static size_t owners_name(const struct host *h, struct list *list, uint32_t inode, const char *pid)
{
	size_t named = 0;
	char path[300], comm[sizeof(list->at->process)] = "";
	for (size_t i = 0; i < list->count; i++) {
		struct host_listener *l = &list->at[i];
		if (l->inode != inode || l->process[0])
			continue;
		snprintf(path, sizeof(path), "proc/%s/comm", pid);
		if (!comm[0] && host_read(h, path, comm, sizeof(comm), NULL) < 0)
			return 0;
		memcpy(l->process, comm, sizeof(comm));
		named++;
	}
	return named;
}

/* Searches the descriptors of one process; returns how many listeners it owns. */
static size_t owner_search(const struct host *h, struct list *list, const char *pid,
			   unsigned *budget)
{
	char path[300];
	snprintf(path, sizeof(path), "proc/%s/fd", pid);
	int fd = machine_open(h, path, O_RDONLY | O_DIRECTORY, "read", NULL);
	if (fd < 0)
		return 0;
	CLEAN(dir_close) DIR *dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return 0;
	}
	size_t named = 0;
	const struct dirent *entry;
	while (*budget && (entry = readdir(dir))) {
		char target[64];
		unsigned inode;
		--*budget;
		ssize_t n = readlinkat(fd, entry->d_name, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = 0;
		if (sscanf(target, "socket:[%u]", &inode) == 1)
			named += owners_name(h, list, inode, pid);
	}
	return named;
}

static void owners_find(const struct host *h, struct list *list)
{
	int fd = machine_open(h, "proc", O_RDONLY | O_DIRECTORY, "read", NULL);
	if (fd < 0)
		return;
	CLEAN(dir_close) DIR *proc = fdopendir(fd);
	if (!proc) {
		close(fd);
		return;
	}
	unsigned processes = OWNER_PROCESSES, descriptors = OWNER_DESCRIPTORS;
	size_t named = 0;
	const struct dirent *entry;
	while (named < list->count && processes && descriptors && (entry = readdir(proc))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		processes--;
		named += owner_search(h, list, entry->d_name, &descriptors);
	}
}

int host_listeners(const struct host *h, struct host_listener *out, size_t max, size_t *total,
		   struct err *e)
{
	struct list list = {.at = out, .max = max};
	*total = 0;
	if (!h->live)
		return err_set(e, EOPNOTSUPP,
			       "cannot list sockets: a captured machine has no sockets");
	int r = sockets_dump(1u << TCP_LISTEN, listener_received, &list, e);
	if (r < 0)
		return r;
	owners_find(h, &list);
	*total = list.total;
	return 0;
}

char *host_listener_name(const struct host_listener *l, char buf[HOST_LISTENER_NAME])
{
	snprintf(buf, HOST_LISTENER_NAME, "%s%s%s", l->process, l->process[0] ? " on " : "",
		 l->address);
	return buf;
}
