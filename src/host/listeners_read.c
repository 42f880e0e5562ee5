/* Reads the listening sockets of the calling network namespace by sock_diag(7). */
#include "epolltune/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <linux/vm_sockets.h>
#include <linux/vm_sockets_diag.h>
#include <netinet/tcp.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/array.h"
#include "epolltune/cleanup.h"
#include "epolltune/order.h"
#include "host/listener_address.h"
#include "host/listener_file.h"
#include "host/listener_table.h"
#include "host/mounts.h"
#include "host/processes.h"
#include "host/sock_diag.h"

/* Since 5.3. */
#ifndef UDIAG_SHOW_UID
#define UDIAG_SHOW_UID 0x40
#define UNIX_DIAG_UID (UNIX_DIAG_SHUTDOWN + 1)
#endif

struct listener_list {
	enum listener_kind kind; /* of inet_diag: TCP or UDP */
	struct listener *at;
	size_t count;
	bool full; /* no memory */
};

static struct listener *list_add(struct listener_list *list)
{
	struct listener *l = array_add(&list->at, &list->count, sizeof(*l));
	if (l)
		l->owner = -1;
	else
		list->full = true;
	return l;
}

static uint64_t cookie_of(const uint32_t words[2]) { return (uint64_t)words[1] << 32 | words[0]; }

/* For a listener rqueue is the length of the accept queue and wqueue its maximum:
 * net/ipv4/tcp_diag.c, tcp_diag_get_info(). */
static int inet_received(struct nl_msg *msg, void *arg)
{
	struct listener_list *list = arg;
	bool udp = list->kind == LISTENER_UDP;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct inet_diag_msg *m = nlmsg_data(header);
	if (nlmsg_datalen(header) < (int)sizeof(*m) || (!udp && m->idiag_state != TCP_LISTEN) ||
	    (m->idiag_family != AF_INET && m->idiag_family != AF_INET6))
		return NL_SKIP;
	struct listener *l = list_add(list);
	if (!l)
		return NL_STOP;
	l->kind = list->kind;
	listener_inet_address(l, m);
	l->depth = m->idiag_rqueue;
	l->limit = m->idiag_wqueue;
	l->inode = m->idiag_inode;
	l->uid = m->idiag_uid;
	l->cookie = cookie_of(m->id.idiag_cookie);
	const struct nlattr *memory = nlmsg_find_attr(header, sizeof(*m), INET_DIAG_SKMEMINFO);
	uint32_t values[SK_MEMINFO_VARS] = {0}; /* before 4.6 without drops */
	if (memory)
		nla_memcpy(values, memory, sizeof(values));
	l->drops = values[SK_MEMINFO_DROPS];
	l->receive_buffer = udp ? 0 : values[SK_MEMINFO_RCVBUF];
	l->send_buffer = udp ? 0 : values[SK_MEMINFO_SNDBUF];
	if (udp) {
		l->connected = m->idiag_state == TCP_ESTABLISHED;
		l->depth = values[SK_MEMINFO_RMEM_ALLOC];
		l->limit = values[SK_MEMINFO_RCVBUF];
	}
	const struct nlattr *v6only = nlmsg_find_attr(header, sizeof(*m), INET_DIAG_SKV6ONLY);
	l->v6only = v6only && nla_get_u8(v6only);
	return NL_OK;
}

/* The kernel writes its own dev_t: MKDEV() of include/linux/kdev_t.h. */
static void unix_file(struct listener *l, const struct nlattr *attribute)
{
	struct unix_diag_vfs vfs = {0};
	nla_memcpy(&vfs, attribute, sizeof(vfs));
	l->file = vfs.udiag_vfs_ino;
	l->file_device = makedev(vfs.udiag_vfs_dev >> 20, vfs.udiag_vfs_dev & 0xfffff);
}

static bool mount_device(unsigned id, uint64_t *device)
{
	struct mount mount;
	CLEAN(free_pointer) char *mounts = NULL;
	if (process_text(AT_FDCWD, "/proc/self/mountinfo", &mounts) < 0)
		return false;
	for (const char *at = mounts; mounts_next(&at, &mount);)
		if (mount.id == id) {
			*device = mount.device;
			return true;
		}
	return false;
}

bool listener_path(const char *path, uint64_t *file, uint64_t *device, bool *exact)
{
	struct stat st;
	char name[64], line[128];
	uint64_t inode = 0;
	unsigned mount = 0;
	*exact = false;
	CLEAN(close_fd) int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return false;
	*file = st.st_ino;
	*device = st.st_dev;
	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	CLEAN(close_file) FILE *info = fopen(name, "re");
	while (info && fgets(line, sizeof(line), info))
		if (sscanf(line, "ino: %" SCNu64, &inode) != 1)
			(void)!sscanf(line, "mnt_id: %u", &mount);
	if (inode && mount_device(mount, device)) {
		*file = inode;
		*exact = true;
	}
	return true;
}

static int unix_received(struct nl_msg *msg, void *arg)
{
	struct listener_list *list = arg;
	bool datagram = list->kind == LISTENER_DATAGRAM;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct unix_diag_msg *m = nlmsg_data(header);
	if (nlmsg_datalen(header) < (int)sizeof(*m))
		return NL_SKIP;
	const struct nlattr *name = nlmsg_find_attr(header, sizeof(*m), UNIX_DIAG_NAME);
	if (datagram ? m->udiag_type != SOCK_DGRAM || !name : m->udiag_state != TCP_LISTEN)
		return NL_SKIP;
	struct listener *l = list_add(list);
	if (!l)
		return NL_STOP;
	struct unix_diag_rqlen queue = {0};
	const struct nlattr *rqlen = nlmsg_find_attr(header, sizeof(*m), UNIX_DIAG_RQLEN);
	const struct nlattr *uid = nlmsg_find_attr(header, sizeof(*m), UNIX_DIAG_UID);
	const struct nlattr *file = nlmsg_find_attr(header, sizeof(*m), UNIX_DIAG_VFS);
	if (rqlen && !datagram)
		nla_memcpy(&queue, rqlen, sizeof(queue));
	l->kind = datagram ? LISTENER_DATAGRAM : LISTENER_UNIX;
	listener_unix_address(l, name);
	l->depth = queue.udiag_rqueue;
	l->limit = queue.udiag_wqueue;
	l->inode = m->udiag_ino;
	l->cookie = cookie_of(m->udiag_cookie);
	l->uid = LISTENER_UID_UNKNOWN;
	if (uid)
		nla_memcpy(&l->uid, uid, sizeof(l->uid));
	if (file)
		unix_file(l, file);
	return NL_OK;
}

/* Of TCP listeners alone the kernel walks only their table, however many connections there are. */
static int inet_read(int family, unsigned states, struct listener_list *list, struct err *e)
{
	struct inet_diag_req_v2 request = {.sdiag_family = (uint8_t)family,
					   .idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1),
					   .idiag_states = states};
	request.sdiag_protocol = list->kind == LISTENER_UDP ? IPPROTO_UDP : IPPROTO_TCP;
	return sock_diag_dump(SOCK_DIAG_BY_FAMILY, &request, sizeof(request), inet_received, list,
			      e);
}

static int unix_read(unsigned states, struct listener_list *list, struct err *e)
{
	struct unix_diag_req request = {.sdiag_family = AF_UNIX,
					.udiag_states = states,
					.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN |
						      UDIAG_SHOW_UID | UDIAG_SHOW_VFS};
	return sock_diag_dump(SOCK_DIAG_BY_FAMILY, &request, sizeof(request), unix_received, list,
			      e);
}

static int vsock_received(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct vsock_diag_msg *m = nlmsg_data(header);
	if (nlmsg_datalen(header) < (int)sizeof(*m) || m->vdiag_state != TCP_LISTEN)
		return NL_SKIP;
	struct listener *l = list_add(arg);
	if (!l)
		return NL_STOP;
	char cid[16] = "*";
	if (m->vdiag_src_cid != VMADDR_CID_ANY)
		snprintf(cid, sizeof(cid), "%u", m->vdiag_src_cid);
	snprintf(l->address, sizeof(l->address), "vsock:%s:%u", cid, m->vdiag_src_port);
	l->kind = LISTENER_VSOCK;
	l->inode = m->vdiag_ino;
	l->cookie = cookie_of(m->vdiag_cookie);
	l->uid = LISTENER_UID_UNKNOWN;
	return NL_OK;
}

struct half_open_tally {
	struct listeners *l;
	struct listener_table *table;
};

static int half_open_received(struct nl_msg *msg, void *arg)
{
	const struct half_open_tally *half = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct inet_diag_msg *m = nlmsg_data(header);
	if (nlmsg_datalen(header) < (int)sizeof(*m) || m->idiag_state != TCP_SYN_RECV)
		return NL_OK;
	int at = listener_table_find(half->table, m);
	if (at >= 0)
		half->l->at[at].half_open++;
	return NL_OK;
}

/* Each of those that share arrivals gets an even part of what they have together. */
static void half_open_spread(struct listeners *l)
{
	for (size_t i = 0, end; i < l->count; i = end) {
		uint32_t sum = 0;
		end = listeners_group(l, i);
		for (size_t k = i; k < end; k++)
			sum += l->at[k].half_open;
		for (size_t k = i; k < end; k++)
			l->at[k].half_open =
				(uint32_t)(sum / (end - i) + (k - i < sum % (end - i)));
	}
}

int listeners_half_open(const struct host *h, struct listeners *l, struct err *e)
{
	CLEAN(listener_table_free) struct listener_table *table = listener_table_make(l);
	struct half_open_tally half = {l, table};
	int r = sock_diag_live(h, e);
	if (!table)
		return err_set(e, ENOMEM, "cannot list sockets: out of memory");
	for (size_t i = 0; i < l->count; i++)
		l->at[i].half_open = 0;
	if (!r)
		r = sock_diag_tcp(1u << TCP_SYN_RECV, half_open_received, &half, e);
	half_open_spread(l);
	l->counted = !r;
	return r;
}

/* Numbers by value: port 80 before 443. */
static int listener_order(const void *a, const void *b)
{
	const struct listener *x = a, *y = b;
	int r = x->kind != y->kind ? ORDER(x->kind, y->kind) : strverscmp(x->address, y->address);
	return r ? r : ORDER(x->cookie, y->cookie);
}

/* A dump in several parts may repeat sockets when others open and close in between. */
static size_t repeated_drop(struct listener *at, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++)
		if (!kept || at[i].cookie != at[kept - 1].cookie)
			at[kept++] = at[i];
	return kept;
}

/* What was read without the error `r`, in order. */
static int listed(struct listener_list *list, int r, struct listeners *out, struct err *e)
{
	if (!r && list->full)
		r = err_set(e, ENOMEM, "cannot list sockets: out of memory");
	out->at = list->at;
	if (r)
		return r;
	if (list->count)
		qsort(list->at, list->count, sizeof(*list->at), listener_order);
	out->count = repeated_drop(list->at, list->count);
	return 0;
}

static int read_kinds(const struct host *h, enum listener_kind inet, unsigned states, bool local,
		      struct listeners *out, struct err *e)
{
	struct listener_list list = {.kind = inet};
	memset(out, 0, sizeof(*out));
	if (!h->live)
		return listener_file_read(h, 1u << inet | (unsigned)local << LISTENER_UNIX, out, e);
	int r = sock_diag_live(h, e);
	if (!r)
		r = inet_read(AF_INET, states, &list, e);
	if (!r)
		r = inet_read(AF_INET6, states, &list, e);
	int local_r = !r && local ? unix_read(1u << TCP_LISTEN, &list, e) : 0;
	if (local_r == -EOPNOTSUPP)
		out->unlisted = 1u << LISTENER_UNIX;
	else
		r = r ? r : local_r;
	return listed(&list, r, out, e);
}

int listeners_read(const struct host *h, struct listeners *out, struct err *e)
{
	return read_kinds(h, LISTENER_TCP, 1u << TCP_LISTEN, true, out, e);
}

int listeners_read_tcp(const struct host *h, struct listeners *out, struct err *e)
{
	return read_kinds(h, LISTENER_TCP, 1u << TCP_LISTEN, false, out, e);
}

/* An unconnected socket of UDP is in state TCP_CLOSE. */
int listeners_read_udp(const struct host *h, bool connected, struct listeners *out, struct err *e)
{
	unsigned states = 1u << TCP_CLOSE | (connected ? 1u << TCP_ESTABLISHED : 0);
	return read_kinds(h, LISTENER_UDP, states, false, out, e);
}

/* One that is not connected is in state TCP_CLOSE. */
int listeners_read_datagram(const struct host *h, struct listeners *out, struct err *e)
{
	struct listener_list list = {.kind = LISTENER_DATAGRAM};
	memset(out, 0, sizeof(*out));
	int r = sock_diag_live(h, e);
	return r ? r : listed(&list, unix_read(1u << TCP_CLOSE, &list, e), out, e);
}

/* A request for AF_VSOCK would load its module, but without it there are no such sockets. */
int listeners_read_vsock(const struct host *h, struct listeners *out, struct err *e)
{
	struct listener_list list = {.kind = LISTENER_VSOCK};
	struct vsock_diag_req request = {.sdiag_family = AF_VSOCK,
					 .vdiag_states = 1u << TCP_LISTEN};
	CLEAN(free_pointer) char *protocols = NULL;
	memset(out, 0, sizeof(*out));
	int r = sock_diag_live(h, e);
	if (r || host_read_all(h, "proc/net/protocols", &protocols, NULL) < 0 ||
	    !strstr(protocols, "\nAF_VSOCK "))
		return r;
	r = sock_diag_dump(SOCK_DIAG_BY_FAMILY, &request, sizeof(request), vsock_received, &list,
			   e);
	return listed(&list, r, out, e);
}

const char *listeners_unlisted(unsigned unlisted)
{
	bool local = unlisted >> LISTENER_UNIX & 1, udp = unlisted >> LISTENER_UDP & 1;
	return local && udp ? "UNIX and UDP sockets: its modules unix_diag and udp_diag are missing"
	       : udp        ? "UDP sockets: its module udp_diag is missing"
			    : "UNIX sockets: its module unix_diag is missing";
}
