/* The UNIX listeners that a server connects to for its clients. */
#include "host/subject_upstreams.h"

#include <errno.h>
#include <limits.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/array.h"
#include "epolltune/cleanup.h"
#include "host/inode_table.h"
#include "host/listener_address.h"
#include "host/sock_diag.h"

/* Connections that a server may have to a daemon of the system: the journal, D-Bus, a resolver. */
#define DAEMON_CONNECTIONS 3

/* A socket that connected, to a listener of `all`. */
struct client {
	uint64_t inode;
	size_t listener;
};

struct reading {
	struct listeners *all;
	const struct subject *subject;
	struct client *at;
	size_t count;
	char *unseen;
	bool full;
};

static bool is_behind(const struct reading *r, const struct listener *l)
{
	return l->kind == LISTENER_UNIX && !subject_has(r->subject, l);
}

static void client_add(struct reading *r, uint32_t inode, size_t listener)
{
	struct client *more = inode ? array_add(&r->at, &r->count, sizeof(*more)) : NULL;
	r->full |= inode && !more;
	if (more)
		*more = (struct client){inode, listener};
}

/* Those that wait for accept(): net/unix/diag.c, sk_diag_dump_icons(). */
static void waiting_take(struct reading *r, const struct unix_diag_msg *m,
			 const struct nlattr *clients)
{
	uint64_t cookie;
	memcpy(&cookie, m->udiag_cookie, sizeof(cookie));
	const struct listener *l = listeners_find(r->all, cookie);
	for (size_t i = 0; l && is_behind(r, l) && i < (size_t)nla_len(clients) / sizeof(uint32_t);
	     i++) {
		uint32_t inode;
		memcpy(&inode, (const char *)nla_data(clients) + i * sizeof(inode), sizeof(inode));
		client_add(r, inode, (size_t)(l - r->all->at));
	}
}

/* An accepted socket has the name and the file of its listener: net/unix/af_unix.c,
 * unix_stream_connect(). */
static void accepted_take(struct reading *r, const struct nlattr *name, const struct nlattr *file,
			  uint32_t peer)
{
	struct listener named = {.kind = LISTENER_UNIX};
	struct unix_diag_vfs vfs = {0};
	listener_unix_address(&named, name);
	if (file)
		nla_memcpy(&vfs, file, sizeof(vfs));
	for (size_t i = 0; i < r->all->count; i++)
		if (r->all->at[i].file == vfs.udiag_vfs_ino &&
		    listener_same_address(&r->all->at[i], &named) && is_behind(r, &r->all->at[i]))
			client_add(r, peer, i);
}

static int received(struct nl_msg *msg, void *arg)
{
	struct reading *r = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct unix_diag_msg *m = nlmsg_data(header);
	if (nlmsg_datalen(header) < (int)sizeof(*m))
		return NL_OK;
	const struct nlattr *name = nlmsg_find_attr(header, sizeof(*m), UNIX_DIAG_NAME);
	const struct nlattr *file = nlmsg_find_attr(header, sizeof(*m), UNIX_DIAG_VFS);
	const struct nlattr *peer = nlmsg_find_attr(header, sizeof(*m), UNIX_DIAG_PEER);
	const struct nlattr *clients = nlmsg_find_attr(header, sizeof(*m), UNIX_DIAG_ICONS);
	if (clients && m->udiag_state == TCP_LISTEN)
		waiting_take(r, m, clients);
	else if (name && peer)
		accepted_take(r, name, file, nla_get_u32(peer));
	return r->full ? NL_STOP : NL_OK;
}

/* Drops the clients of listeners that have too few; false: none is left. */
static bool clients_keep(struct reading *r, const struct listeners *all)
{
	CLEAN(free_pointer) size_t *counts = calloc(all->count + 1, sizeof(*counts));
	size_t kept = 0;
	for (size_t i = 0; counts && i < r->count; i++)
		counts[r->at[i].listener]++;
	for (size_t i = 0; counts && i < r->count; i++)
		if (counts[r->at[i].listener] > DAEMON_CONNECTIONS)
			r->at[kept++] = r->at[i];
	r->count = kept;
	return kept;
}

static int connected_read(const struct host *h, struct reading *r, struct err *e)
{
	struct unix_diag_req request = {.sdiag_family = AF_UNIX,
					.udiag_states = 1u << TCP_ESTABLISHED | 1u << TCP_LISTEN,
					.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS |
						      UDIAG_SHOW_PEER | UDIAG_SHOW_ICONS};
	CLEAN(free_pointer) uint64_t *inodes = NULL;
	size_t count, kept = 0;
	int rc = sock_diag_dump(SOCK_DIAG_BY_FAMILY, &request, sizeof(request), received, r, e);
	if (rc || r->full)
		return rc ? rc : err_set(e, ENOMEM, "cannot list connections: out of memory");
	/* The descriptors of its processes may be many. */
	if (!clients_keep(r, r->all) || (rc = subject_sockets(h, r->subject, &inodes, &count, e)))
		return rc;
	inode_table_sort(inodes, count, sizeof(*inodes));
	for (size_t i = 0; i < r->count; i++)
		if (inode_table_find(inodes, count, sizeof(*inodes), r->at[i].inode))
			r->at[kept++] = r->at[i];
	r->count = kept;
	clients_keep(r, r->all);
	for (size_t i = 0; i < r->count; i++) {
		struct listener *l = &r->all->at[r->at[i].listener];
		l->pooled |= !l->upstream;
		l->upstream = true;
	}
	return 0;
}

/* As the server sees it. False: there is no such file, or it is no socket. */
static bool socket_find(const struct subject *s, const char *path, uint64_t *file, uint64_t *device,
			bool *exact)
{
	char root[64], seen[PATH_MAX];
	struct stat own, other, st;
	snprintf(root, sizeof(root), "/proc/%d/root", (int)s->pid);
	bool ours = stat("/", &own) || stat(root, &other) ||
		    (own.st_dev == other.st_dev && own.st_ino == other.st_ino);
	snprintf(seen, sizeof(seen), "%s%s", ours ? "" : root, path);
	return !stat(seen, &st) && S_ISSOCK(st.st_mode) && listener_path(seen, file, device, exact);
}

/* By the file, also of another name; by the name where that file is not visible. */
static void named_take(const char *path, void *arg)
{
	struct reading *r = arg;
	uint64_t file = 0, device = 0;
	bool any = false, exact = false;
	bool known = path && *path == '/' && socket_find(r->subject, path, &file, &device, &exact);
	for (size_t i = 0; path && i < r->all->count; i++) {
		struct listener *l = &r->all->at[i];
		bool same = known && l->file == (uint32_t)file && l->file_device == device;
		same |= !exact && !strcmp(l->address + strlen("unix:"), path);
		any |= same && l->kind == LISTENER_UNIX;
		l->upstream |= is_behind(r, l) && same;
	}
	if (known && !any && !r->unseen[0])
		snprintf(r->unseen, LISTENER_ADDRESS, "unix:%s", path);
}

int subject_upstreams_read(const struct host *h, const struct subject *s, struct listeners *all,
			   char unseen[LISTENER_ADDRESS], struct err *e)
{
	struct reading r = {.all = all, .subject = s, .unseen = unseen};
	bool any = false;
	unseen[0] = 0;
	if (!host_live(h) || !s->pid || s->activated)
		return 0;
	subject_upstreams_named(h, s, named_take, &r);
	for (size_t i = 0; i < all->count; i++)
		any |= is_behind(&r, &all->at[i]);
	int rc = any ? connected_read(h, &r, e) : 0;
	free(r.at);
	return rc;
}

struct kinds {
	size_t local, others;
};

static void kind_take(const char *path, void *arg)
{
	struct kinds *k = arg;
	*(path ? &k->local : &k->others) += 1;
}

bool subject_upstreams_local(const struct host *h, const struct subject *s)
{
	struct kinds k = {0};
	return host_live(h) && s->pid && !s->activated && s->accepting && !s->veiled &&
	       !s->opened && subject_upstreams_named(h, s, kind_take, &k) && k.local && !k.others;
}
