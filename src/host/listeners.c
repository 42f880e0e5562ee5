/* Listening sockets of the calling network namespace by sock_diag(7). */
#include "epolltune/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <linux/vm_sockets.h>
#include <linux/vm_sockets_diag.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/array.h"
#include "epolltune/cleanup.h"
#include "epolltune/order.h"
#include "host/accepted_sockets.h"
#include "host/listener_file.h"
#include "host/listener_table.h"
#include "host/mounts.h"
#include "host/owners.h"
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

static bool is_inet(const struct listener *l)
{
	return l->kind == LISTENER_TCP || l->kind == LISTENER_UDP;
}

static void inet_address(struct listener *l, const struct inet_diag_msg *m)
{
	char address[INET6_ADDRSTRLEN] = "?", device[IF_NAMESIZE + 1] = "", name[IF_NAMESIZE];
	inet_ntop(m->idiag_family, m->id.idiag_src, address, sizeof(address));
	l->port = ntohs(m->id.idiag_sport);
	l->device = m->id.idiag_if;
	l->ipv6 = m->idiag_family == AF_INET6;
	if (l->device && if_indextoname(l->device, name))
		snprintf(device, sizeof(device), "%%%s", name);
	else if (l->device)
		snprintf(device, sizeof(device), "%%if%u", l->device);
	snprintf(l->address, sizeof(l->address),
		 m->idiag_family == AF_INET6 ? "%s[%s]%s:%u" : "%s%s%s:%u",
		 l->kind == LISTENER_UDP ? "udp:" : "", address, device, l->port);
}

/* "[::ffff:10.0.0.5]:80" becomes "10.0.0.5:80", which is what such a socket receives for. */
static void address_unmap(char *text)
{
	static const char mapped[] = "[::ffff:";
	char *v4 = text + sizeof(mapped) - 1, *end = strchr(text, ']');
	if (strncmp(text, mapped, sizeof(mapped) - 1) || !end ||
	    !memchr(v4, '.', (size_t)(end - v4)))
		return;
	memmove(end, end + 1, strlen(end));
	memmove(text, v4, strlen(v4) + 1);
}

char *listener_plain(const struct listener *l, char text[LISTENER_ADDRESS])
{
	bool udp = l->kind == LISTENER_UDP && !strncmp(l->address, "udp:", 4);
	const char *address = l->address + (udp ? 4 : 0);
	const char *device = is_inet(l) ? strchr(address, '%') : NULL;
	const char *port = device ? strrchr(device, ':') : NULL;
	snprintf(text, LISTENER_ADDRESS, "%.*s%s", device ? (int)(device - address) : INT_MAX,
		 address, port ? port : "");
	if (is_inet(l))
		address_unmap(text);
	return text;
}

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
	inet_address(l, m);
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

void listener_unix_address(struct listener *l, const struct nlattr *name)
{
	static const char prefix[] = "unix:";
	const char *from = name ? nla_data(name) : "";
	size_t length = name ? (size_t)nla_len(name) : 0;
	if (length && from[0]) /* a path: with its final NUL or without */
		length = strnlen(from, length);
	char *to = l->address, *end = l->address + sizeof(l->address) - 1;
	for (const char *p = prefix; *p; p++)
		*to++ = *p;
	for (size_t i = 0; i < length && to < end; i++) {
		unsigned char c = (unsigned char)from[i];
		*to++ = (char)(!c ? '@' : c < ' ' || c == 127 ? '?' : c);
	}
	*to = 0;
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

int listeners_add(struct listeners *l, const struct listener *more, struct err *e)
{
	struct listener *at = array_add(&l->at, &l->count, sizeof(*at));
	if (!at)
		return err_set(e, ENOMEM, "cannot list sockets: out of memory");
	*at = *more;
	at->owner = -1;
	return 0;
}

/* The index of the process in l->processes; -1: there is no memory. */
static int process_take(struct listeners *l, const struct process *p)
{
	for (size_t i = 0; i < l->process_count; i++)
		if (process_same(&l->processes[i], p))
			return (int)i;
	struct process *more = array_add(&l->processes, &l->process_count, sizeof(*more));
	if (!more)
		return -1;
	*more = *p;
	return (int)l->process_count - 1;
}

int listeners_join(struct listeners *l, const struct listeners *more, struct err *e)
{
	CLEAN(free_pointer) int *taken = calloc(more->process_count + 1, sizeof(*taken));
	int rc = taken ? 0 : err_set(e, ENOMEM, "cannot list sockets: out of memory");
	for (size_t i = 0; i < more->process_count && !rc; i++)
		taken[i] = -1;
	for (size_t i = 0; i < more->count && !rc; i++) {
		int owner = more->at[i].owner;
		rc = listeners_add(l, &more->at[i], e);
		if (rc || owner < 0)
			continue;
		if (taken[owner] < 0)
			taken[owner] = process_take(l, &more->processes[owner]);
		l->at[l->count - 1].owner = taken[owner];
	}
	return rc;
}

void listeners_free(struct listeners *l)
{
	free(l->at);
	free(l->processes);
	memset(l, 0, sizeof(*l));
}

const struct listener *listeners_find(const struct listeners *l, uint64_t cookie)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->at[i].cookie == cookie)
			return &l->at[i];
	return NULL;
}

static int cookie_order(const void *a, const void *b)
{
	const struct listener *const *x = a, *const *y = b;
	return ((*x)->cookie > (*y)->cookie) - ((*x)->cookie < (*y)->cookie);
}

struct listener_index listener_index_make(const struct listeners *l)
{
	struct listener_index index = {l, calloc(l->count + 1, sizeof(*index.at))};
	for (size_t i = 0; index.at && i < l->count; i++)
		index.at[i] = &l->at[i];
	if (index.at && l->count)
		qsort(index.at, l->count, sizeof(*index.at), cookie_order);
	return index;
}

const struct listener *listener_index_find(const struct listener_index *i, uint64_t cookie)
{
	const struct listener key = {.cookie = cookie}, *wanted = &key;
	if (!i->at)
		return listeners_find(i->of, cookie);
	const struct listener **found =
		bsearch(&wanted, i->at, i->of->count, sizeof(*i->at), cookie_order);
	return found ? *found : NULL;
}

void listener_index_free(struct listener_index *i)
{
	free(i->at);
	i->at = NULL;
}

/* Drops processes that passed all to their children. */
static void processes_compact(struct listeners *l)
{
	size_t kept = 0;
	for (size_t i = 0; i < l->process_count; i++) {
		bool owns = false;
		for (size_t k = 0; k < l->count; k++)
			if (l->at[k].owner == (int)i) {
				l->at[k].owner = (int)kept;
				owns = true;
			}
		if (owns)
			l->processes[kept++] = l->processes[i];
	}
	l->process_count = kept;
}

/* Whether a socket of UDP, or one of the others, without an owner still exists. */
static bool kind_left(const struct host *h, bool udp, struct listener *const *wanted,
		      const int *owner, size_t count)
{
	struct listeners now;
	size_t i = 0;
	while (i < count && (owner[i] >= 0 || (wanted[i]->kind == LISTENER_UDP) != udp))
		i++;
	if (i == count)
		return false;
	bool left =
		(udp ? listeners_read_udp(h, true, &now, NULL) : listeners_read(h, &now, NULL)) < 0;
	for (; i < count && !left; i++)
		left = owner[i] < 0 && listeners_find(&now, wanted[i]->cookie);
	listeners_free(&now);
	return left;
}

static bool any_left(const struct host *h, struct listener *const *wanted, const int *owner,
		     size_t count)
{
	return kind_left(h, false, wanted, owner, count) ||
	       kind_left(h, true, wanted, owner, count);
}

static int wanted_own(const struct host *h, struct listeners *l, struct listener *const *wanted,
		      struct owners *o, struct err *e)
{
	const size_t count = o->thing_count;
	for (size_t i = 0; i < count; i++) {
		o->sockets[i] = (struct owned_socket){.inode = wanted[i]->inode, .thing = i};
		o->owner[i] = -1;
	}
	int r = owners_find(h, o, e);
	l->processes = o->processes;
	l->process_count = o->process_count;
	for (size_t i = 0; i < count; i++) {
		wanted[i]->owner = o->owner[i];
		wanted[i]->systemd = o->systemd[i];
	}
	bool left = !r && !o->chosen && any_left(h, wanted, o->owner, count);
	l->hidden |= left && o->denied;
	l->cut |= left && o->cut;
	l->apart |= left && o->apart;
	l->unheld |= left && !o->denied && !o->cut && !o->apart;
	return r;
}

static int own(const struct host *h, struct listeners *l,
	       bool (*wanted)(const struct listener *l, void *arg), void *arg, struct owners o,
	       struct err *e)
{
	size_t count = 0;
	if (!h->live)
		return 0;
	CLEAN(free_pointer) struct listener **at = calloc(l->count + 1, sizeof(struct listener *));
	CLEAN(free_pointer)
	struct owned_socket *sockets = calloc(l->count + 1, sizeof(*sockets));
	CLEAN(free_pointer) int *owner = calloc(l->count + 1, sizeof(*owner));
	CLEAN(free_pointer) bool *systemd = calloc(l->count + 1, sizeof(*systemd));
	if (!at || !sockets || !owner || !systemd)
		return err_set(e, ENOMEM, "cannot find the owners of sockets: out of memory");
	for (size_t i = 0; i < l->count; i++)
		if (l->at[i].owner < 0 && l->at[i].inode && wanted(&l->at[i], arg))
			at[count++] = &l->at[i];
	o.sockets = sockets;
	o.socket_count = o.thing_count = count;
	o.owner = owner;
	o.systemd = systemd;
	o.processes = l->processes;
	o.process_count = l->process_count;
	int rc = count ? wanted_own(h, l, at, &o, e) : 0;
	processes_compact(l);
	return rc;
}

int listeners_own(const struct host *h, struct listeners *l,
		  bool (*wanted)(const struct listener *l, void *arg), void *arg, struct err *e)
{
	return own(h, l, wanted, arg, (struct owners){0}, e);
}

static bool any_listener(const struct listener *l, void *unused) { return true; }

int listeners_own_by(const struct host *h, struct listeners *l,
		     bool (*chosen)(const struct process *p), struct err *e)
{
	return own(h, l, any_listener, NULL, (struct owners){.chosen = chosen}, e);
}

int listeners_own_among(const struct host *h, struct listeners *l, const pid_t *pids, size_t count,
			struct err *e)
{
	l->cut = false;
	return own(h, l, any_listener, NULL, (struct owners){.among = pids, .among_count = count},
		   e);
}

static int process_adopt(const struct host *h, struct listeners *l, const struct process *was,
			 struct err *e)
{
	struct process now;
	for (size_t i = 0; i < l->process_count; i++)
		if (process_same(&l->processes[i], was))
			return (int)i;
	if (process_read(h, was->pid, &now, NULL) < 0 || !process_same(&now, was))
		return -1;
	int taken = process_take(l, &now);
	return taken < 0 ? err_set(e, ENOMEM, "cannot find the owners of sockets: out of memory")
			 : taken;
}

int listeners_adopt(const struct host *h, struct listeners *l, const struct listeners *earlier,
		    struct err *e)
{
	for (size_t i = 0; h->live && i < earlier->count; i++) {
		const struct listener *was = &earlier->at[i];
		const struct listener *now = listeners_find(l, was->cookie);
		if (!now || was->owner < 0)
			continue;
		int owner = process_adopt(h, l, &earlier->processes[was->owner], e);
		if (owner < -1)
			return owner;
		l->at[now - l->at].owner = owner;
		l->at[now - l->at].systemd = was->systemd;
	}
	return 0;
}

bool listener_on_loopback(const struct listener *l)
{
	char own[LISTENER_ADDRESS];
	listener_plain(l, own);
	return is_inet(l) && (!strncmp(own, "127.", 4) || !strncmp(own, "[::1]:", 6));
}

bool listener_same_address(const struct listener *a, const struct listener *b)
{
	return a->kind == b->kind && !strcmp(a->address, b->address);
}

bool listener_shares_arrivals(const struct listener *a, const struct listener *b)
{
	bool spread = is_inet(a) && !a->connected && !b->connected;
	return listener_same_address(a, b) && (spread || a->cookie == b->cookie);
}

size_t listeners_group(const struct listeners *l, size_t first)
{
	size_t end = first + 1;
	while (end < l->count && listener_shares_arrivals(&l->at[first], &l->at[end]))
		end++;
	return end;
}

char *listener_name(const struct listeners *l, const struct listener *at, char *text, size_t size)
{
	if (at->owner < 0) {
		snprintf(text, size, "%s", at->address);
		return text;
	}
	const struct process *p = &l->processes[at->owner];
	snprintf(text, size, "%s (pid %d) on %s", p->name, (int)p->root, at->address);
	return text;
}
