/* Listening sockets of the calling network namespace by sock_diag(7), and their owners by /proc. */
#include "epolltune/listener.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <netlink/attr.h>
#include <netlink/idiag/idiagnl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "epolltune/cleanup.h"
#include "host/machine.h"
#include "host/processes.h"

/* Limit the search for owners: of one process, and of all. Listeners have low descriptors. */
#define OWNER_DESCRIPTORS 8192
#define OWNER_TOTAL 262144
/* Descendants of a process that holds a listener. */
#define OWNER_DEPTH 8
#define OWNER_THREADS 64
/* Of a process whose epoll sets are listed. */
#define WATCHED_DESCRIPTORS 4096
#define CHILDREN 4096

/* Since 5.3. */
#ifndef UDIAG_SHOW_UID
#define UDIAG_SHOW_UID 0x40
#define UNIX_DIAG_UID (UNIX_DIAG_SHUTDOWN + 1)
#endif

static const char no_sockets[] = "cannot list sockets: a captured machine has no sockets";

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

/* Calls `received` for every socket that a dump by this request of sock_diag(7) has. */
static int diag_dump(int type, void *request, size_t size, nl_recvmsg_msg_cb_t received, void *arg,
		     struct err *e)
{
	static const char what[] = "cannot list sockets: sock_diag";
	CLEAN(socket_free) struct nl_sock *s = nl_socket_alloc();
	if (!s)
		return err_set(e, ENOMEM, "cannot list sockets: out of memory");
	int r = idiagnl_connect(s);
	if (r < 0) {
		machine_netlink_error(e, r, what);
		return err_recode(e, EOPNOTSUPP);
	}
	nl_socket_modify_cb(s, NL_CB_VALID, NL_CB_CUSTOM, received, arg);
	r = nl_send_simple(s, type, NLM_F_DUMP, request, size);
	if (r >= 0)
		r = nl_recvmsgs_default(s);
	if (r >= 0)
		return 0;
	r = machine_netlink_error(e, r, what);
	/* The module tcp_diag or unix_diag is missing or cannot be loaded. */
	return r == -ENOENT ? err_recode(e, EOPNOTSUPP) : r;
}

/* TCPDIAG_GETSOCK dumps both families at once: inet_diag_dump_compat(). */
static int sockets_dump(unsigned states, nl_recvmsg_msg_cb_t received, void *arg, struct err *e)
{
	struct inet_diag_req request = {.idiag_family = AF_INET, .idiag_states = states};
	return diag_dump(TCPDIAG_GETSOCK, &request, sizeof(request), received, arg, e);
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
		return err_set(e, EOPNOTSUPP, "%s", no_sockets);
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
		return err_set(e, EOPNOTSUPP, "%s", no_sockets);
	return sockets_dump(1u << TCP_FIN_WAIT1 | 1u << TCP_FIN_WAIT2 | 1u << TCP_CLOSING,
			    closing_received, count, e);
}

struct list {
	struct listener *at;
	size_t count, room;
	bool full; /* no memory */
};

static struct listener *list_add(struct list *list)
{
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 64;
		struct listener *more = reallocarray(list->at, room, sizeof(*more));
		if (!more) {
			list->full = true;
			return NULL;
		}
		list->at = more;
		list->room = room;
	}
	struct listener *l = &list->at[list->count++];
	memset(l, 0, sizeof(*l));
	l->owner = -1;
	return l;
}

static uint64_t cookie_of(const uint32_t words[2]) { return (uint64_t)words[1] << 32 | words[0]; }

/* For a listener rqueue is the length of the accept queue and wqueue its maximum:
 * net/ipv4/tcp_diag.c, tcp_diag_get_info(). */
static int tcp_received(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct inet_diag_msg *m = nlmsg_data(header);
	if (nlmsg_datalen(header) < (int)sizeof(*m) || m->idiag_state != TCP_LISTEN ||
	    (m->idiag_family != AF_INET && m->idiag_family != AF_INET6))
		return NL_SKIP;
	struct listener *l = list_add(arg);
	if (!l)
		return NL_STOP;
	char address[INET6_ADDRSTRLEN] = "?";
	inet_ntop(m->idiag_family, m->id.idiag_src, address, sizeof(address));
	l->kind = LISTENER_TCP;
	l->port = ntohs(m->id.idiag_sport);
	snprintf(l->address, sizeof(l->address), m->idiag_family == AF_INET6 ? "[%s]:%u" : "%s:%u",
		 address, l->port);
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
	return NL_OK;
}

/* The name as ss(8) prints it: "@" for the NUL of an abstract one, "?" for control characters. */
static void unix_address(struct listener *l, const struct nlattr *name)
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

static int unix_received(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct unix_diag_msg *m = nlmsg_data(header);
	if (nlmsg_datalen(header) < (int)sizeof(*m) || m->udiag_state != TCP_LISTEN)
		return NL_SKIP;
	struct listener *l = list_add(arg);
	if (!l)
		return NL_STOP;
	struct unix_diag_rqlen queue = {0};
	const struct nlattr *rqlen = nlmsg_find_attr(header, sizeof(*m), UNIX_DIAG_RQLEN);
	const struct nlattr *uid = nlmsg_find_attr(header, sizeof(*m), UNIX_DIAG_UID);
	if (rqlen)
		nla_memcpy(&queue, rqlen, sizeof(queue));
	l->kind = LISTENER_UNIX;
	unix_address(l, nlmsg_find_attr(header, sizeof(*m), UNIX_DIAG_NAME));
	l->depth = queue.udiag_rqueue;
	l->limit = queue.udiag_wqueue;
	l->inode = m->udiag_ino;
	l->cookie = cookie_of(m->udiag_cookie);
	l->uid = LISTENER_UID_UNKNOWN;
	if (uid)
		nla_memcpy(&l->uid, uid, sizeof(l->uid));
	return NL_OK;
}

static int tcp_read(int family, struct list *list, struct err *e)
{
	/* The kernel walks its table of listeners alone, however many connections there are. */
	struct inet_diag_req_v2 request = {.sdiag_family = (uint8_t)family,
					   .sdiag_protocol = IPPROTO_TCP,
					   .idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1),
					   .idiag_states = 1u << TCP_LISTEN};
	return diag_dump(SOCK_DIAG_BY_FAMILY, &request, sizeof(request), tcp_received, list, e);
}

static int unix_read(struct list *list, struct err *e)
{
	struct unix_diag_req request = {.sdiag_family = AF_UNIX,
					.udiag_states = 1u << TCP_LISTEN,
					.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN |
						      UDIAG_SHOW_UID};
	int r = diag_dump(SOCK_DIAG_BY_FAMILY, &request, sizeof(request), unix_received, list, e);
	return r == -EOPNOTSUPP ? 0 : r;
}

static int port_received(struct nl_msg *msg, void *arg)
{
	uint32_t *ports = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct inet_diag_msg *m = nlmsg_data(header);
	if (nlmsg_datalen(header) >= (int)sizeof(*m) && m->idiag_state == TCP_SYN_RECV)
		ports[ntohs(m->id.idiag_sport)]++;
	return NL_OK;
}

static int half_open_read(struct list *list, struct err *e)
{
	CLEAN(free_pointer) uint32_t *ports = calloc(UINT16_MAX + 1, sizeof(*ports));
	if (!ports)
		return err_set(e, ENOMEM, "cannot list sockets: out of memory");
	int r = sockets_dump(1u << TCP_SYN_RECV, port_received, ports, e);
	for (size_t i = 0; i < list->count; i++)
		list->at[i].half_open = ports[list->at[i].port];
	return r;
}

/* Numbers by value: port 80 before 443. */
static int listener_order(const void *a, const void *b)
{
	const struct listener *x = a, *y = b;
	int r = x->kind != y->kind ? (x->kind > y->kind ? 1 : -1)
				   : strverscmp(x->address, y->address);
	return r ? r : (x->cookie > y->cookie) - (x->cookie < y->cookie);
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

int listeners_read(const struct host *h, struct listeners *out, struct err *e)
{
	struct list list = {0};
	memset(out, 0, sizeof(*out));
	if (!h->live)
		return err_set(e, EOPNOTSUPP, "%s", no_sockets);
	int r = tcp_read(AF_INET, &list, e);
	if (!r)
		r = tcp_read(AF_INET6, &list, e);
	if (!r && list.count)
		r = half_open_read(&list, e);
	if (!r)
		r = unix_read(&list, e);
	if (!r && list.full)
		r = err_set(e, ENOMEM, "cannot list sockets: out of memory");
	out->at = list.at;
	if (r)
		return r;
	if (list.count)
		qsort(list.at, list.count, sizeof(*list.at), listener_order);
	out->count = repeated_drop(list.at, list.count);
	return 0;
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

struct mark {
	bool held, watched; /* by the process that is looked at */
};

struct search {
	const struct host *host;
	struct listeners *l;
	struct listener **wanted; /* by inode */
	struct mark *marks;
	size_t count;
	unsigned descriptors; /* that may still be read */
	bool denied, full;
};

static int inode_order(const void *a, const void *b)
{
	const struct listener *x = *(struct listener *const *)a, *y = *(struct listener *const *)b;
	return (x->inode > y->inode) - (x->inode < y->inode);
}

/* Its place among those wanted; `count`: none has this inode. */
static size_t wanted_find(const struct search *s, uint64_t inode)
{
	struct listener key = {.inode = inode}, *at = &key;
	struct listener **found =
		bsearch(&at, s->wanted, s->count, sizeof(*s->wanted), inode_order);
	return found ? (size_t)(found - s->wanted) : s->count;
}

static size_t owned_by(const struct search *s, int index)
{
	size_t n = 0;
	for (size_t i = 0; i < s->count; i++)
		n += s->wanted[i]->owner == index;
	return n;
}

/* The index of the process in listeners.processes; -1: it is gone, or there is no memory. */
static int process_add(struct search *s, int dir, pid_t pid)
{
	struct process p;
	struct listeners *l = s->l;
	if (process_read_at(dir, pid, &p, NULL) < 0)
		return -1;
	for (size_t i = 0; i < l->process_count; i++)
		if (process_same(&l->processes[i], &p))
			return (int)i;
	struct process *more = reallocarray(l->processes, l->process_count + 1, sizeof(*more));
	if (!more) {
		s->full = true;
		return -1;
	}
	l->processes = more;
	more[l->process_count] = p;
	return (int)l->process_count++;
}

static void denied_note(struct search *s) { s->denied |= errno == EACCES || errno == EPERM; }

/* Marks what an epoll set watches: lines "tfd: 7 … ino:3f sdev:8" (proc_pid_fdinfo(5)). */
static void watched_mark(struct search *s, int dir, const char *fd)
{
	char path[300];
	snprintf(path, sizeof(path), "fdinfo/%s", fd);
	int info = openat(dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	CLEAN(close_file) FILE *file = info < 0 ? NULL : fdopen(info, "r");
	if (!file) {
		close_fd(&info);
		return;
	}
	CLEAN(free_pointer) char *line = NULL;
	size_t size = 0;
	while (getline(&line, &size, file) > 0) {
		const char *inode = strncmp(line, "tfd:", 4) == 0 ? strstr(line, " ino:") : NULL;
		size_t i = inode ? wanted_find(s, strtoull(inode + 5, NULL, 16)) : s->count;
		if (i < s->count)
			s->marks[i].watched = true;
	}
}

/* Marks what the process holds of those that `from` owns, and what its epoll sets watch. */
static void held_mark(struct search *s, int dir, int from, bool watched)
{
	static const char socket[] = "socket:[";
	size_t left = owned_by(s, from);
	int fd = process_directory(dir, "fd");
	CLEAN(dir_close) DIR *fds = fd < 0 ? NULL : fdopendir(fd);
	memset(s->marks, 0, s->count * sizeof(*s->marks));
	if (!fds) {
		denied_note(s);
		close_fd(&fd);
		return;
	}
	const struct dirent *entry;
	for (unsigned n = 0;
	     n < OWNER_DESCRIPTORS && s->descriptors && (left || watched) && (entry = readdir(fds));
	     n++) {
		char link[64];
		s->descriptors--;
		ssize_t length = readlinkat(fd, entry->d_name, link, sizeof(link) - 1);
		if (length < 0)
			denied_note(s); /* root without CAP_SYS_PTRACE */
		if (length <= 0)
			continue;
		link[length] = 0;
		if (watched && strcmp(link, "anon_inode:[eventpoll]") == 0)
			watched_mark(s, dir, entry->d_name);
		if (strncmp(link, socket, sizeof(socket) - 1) != 0)
			continue;
		size_t i = wanted_find(s, strtoull(link + sizeof(socket) - 1, NULL, 10));
		if (i < s->count && s->wanted[i]->owner == from && !s->marks[i].held) {
			s->marks[i].held = true;
			left--;
		}
	}
}

/* Makes the process the owner of those that it holds, and by an epoll set watches if `watched`, of
 * those that `from` owns: another process, or -1. Returns its index, or -1 if there are none. */
static int process_own(struct search *s, int dir, pid_t pid, int from, bool watched)
{
	int self = -1;
	held_mark(s, dir, from, watched);
	for (size_t i = 0; i < s->count; i++) {
		if (!s->marks[i].held || (watched && !s->marks[i].watched))
			continue;
		if (self < 0 && (self = process_add(s, dir, pid)) < 0)
			return -1;
		s->wanted[i]->owner = self;
	}
	return self;
}

static int pid_order(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;
	return (x > y) - (x < y);
}

/* The children of all threads; 0 on a kernel without CONFIG_PROC_CHILDREN. */
static size_t children_read(int dir, pid_t *pids, size_t max)
{
	int fd = process_directory(dir, "task");
	CLEAN(dir_close) DIR *threads = fd < 0 ? NULL : fdopendir(fd);
	CLEAN(free_pointer) char *text = malloc(CHILDREN * 11);
	size_t count = 0;
	if (!threads || !text) {
		if (!threads)
			close_fd(&fd);
		return 0;
	}
	const struct dirent *entry;
	for (int n = 0; n < OWNER_THREADS && (entry = readdir(threads)); n++) {
		char path[300];
		uint64_t pid;
		snprintf(path, sizeof(path), "%s/children", entry->d_name);
		if (entry->d_name[0] == '.' || process_file(fd, path, text, CHILDREN * 11) <= 0)
			continue;
		for (const char *at = text; count < max && text_number(&at, &pid);)
			pids[count++] = (pid_t)pid;
	}
	qsort(pids, count, sizeof(*pids), pid_order);
	return count;
}

/* Whether a parent holds sockets for such a child. A helper that it runs, another program, may have
 * inherited them by accident. */
static bool serves_for(const struct process_stat *child, const struct process *parent)
{
	return child->parent == parent->pid &&
	       (parent->pid == 1 || strcmp(parent->name, "systemd") == 0 ||
		strcmp(parent->name, child->name) == 0);
}

/* An epoll set is listed under a lock that its server needs: only small ones are. */
static bool may_list_watched(int dir)
{
	struct process p;
	return !process_read_at(dir, 0, &p, NULL) && p.open && p.open <= WATCHED_DESCRIPTORS;
}

static void children_own(struct search *s, int dir, int parent, int depth);

static void child_own(struct search *s, pid_t pid, int parent, int depth, bool watched)
{
	struct process_stat stat;
	CLEAN(close_fd) int child = process_open(s->host, pid, NULL);
	if (child < 0 || process_stat_at(child, pid, &stat, NULL) < 0 ||
	    !serves_for(&stat, &s->l->processes[parent]) || (watched && !may_list_watched(child)))
		return;
	int self = process_own(s, child, pid, parent, watched);
	if (self >= 0)
		children_own(s, child, self, depth - 1);
}

/* Passes what the process `parent` owns to those of its children that hold it too. Workers with a
 * socket each (SO_REUSEPORT) may hold those of all: first to the child that watches it. */
static void children_own(struct search *s, int dir, int parent, int depth)
{
	CLEAN(free_pointer) pid_t *pids = depth ? calloc(CHILDREN, sizeof(*pids)) : NULL;
	size_t count = pids ? children_read(dir, pids, CHILDREN) : 0;
	for (size_t i = 0; i < count && owned_by(s, parent); i++)
		child_own(s, pids[i], parent, depth, true);
	for (size_t i = 0; i < count && owned_by(s, parent); i++)
		child_own(s, pids[i], parent, depth, false);
}

/* A child may have a lower pid than its parent: pids wrap around. */
static void family_own(struct search *s, int dir, pid_t pid, int self)
{
	struct process_stat stat;
	CLEAN(close_fd) int parent = -1;
	if (!process_stat_at(dir, pid, &stat, NULL) && stat.parent > pid)
		parent = process_open(s->host, stat.parent, NULL);
	int above = parent < 0 ? -1 : process_own(s, parent, stat.parent, self, false);
	if (above >= 0)
		children_own(s, parent, above, OWNER_DEPTH);
	children_own(s, dir, self, OWNER_DEPTH);
}

static pid_t pid_of(const char *name)
{
	uint64_t n;
	return text_number(&name, &n) && !*name && n && n <= INT32_MAX ? (pid_t)n : -1;
}

/* By ascending pid, as the kernel lists them. */
static void processes_search(struct search *s)
{
	int fd = machine_open(s->host, "proc", O_RDONLY | O_DIRECTORY, "read", NULL);
	CLEAN(dir_close) DIR *proc = fd < 0 ? NULL : fdopendir(fd);
	if (!proc) {
		s->denied = true;
		close_fd(&fd);
		return;
	}
	const struct dirent *entry;
	while (owned_by(s, -1) && s->descriptors && !s->full && (entry = readdir(proc))) {
		pid_t pid = pid_of(entry->d_name);
		CLEAN(close_fd) int process = pid < 0 ? -1 : process_open(s->host, pid, NULL);
		int self = process < 0 ? -1 : process_own(s, process, pid, -1, false);
		if (self >= 0)
			family_own(s, process, pid, self);
	}
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

/* Whether a listener without an owner still exists. */
static bool any_left(const struct search *s)
{
	struct listeners now;
	bool left = listeners_read(s->host, &now, NULL) < 0;
	for (size_t i = 0; i < s->count && !left; i++)
		left = s->wanted[i]->owner < 0 && listeners_find(&now, s->wanted[i]->cookie);
	listeners_free(&now);
	return left;
}

int listeners_own(const struct host *h, struct listeners *l,
		  bool (*wanted)(const struct listener *l, void *arg), void *arg, struct err *e)
{
	struct search s = {.host = h, .l = l, .descriptors = OWNER_TOTAL};
	if (!h->live)
		return err_set(e, EOPNOTSUPP, "%s", no_sockets);
	CLEAN(free_pointer) struct listener **at = calloc(l->count + 1, sizeof(struct listener *));
	CLEAN(free_pointer) struct mark *marks = calloc(l->count + 1, sizeof(*marks));
	if (!at || !marks)
		return err_set(e, ENOMEM, "cannot find the owners of sockets: out of memory");
	for (size_t i = 0; i < l->count; i++)
		if (l->at[i].owner < 0 && l->at[i].inode && wanted(&l->at[i], arg))
			at[s.count++] = &l->at[i];
	if (!s.count)
		return 0;
	s.wanted = at;
	s.marks = marks;
	qsort(at, s.count, sizeof(struct listener *), inode_order);
	processes_search(&s);
	processes_compact(l);
	/* With hidepid (proc(5)) the processes of other users are not listed. */
	if (owned_by(&s, -1) && (s.denied || !host_has(h, "proc/1/stat")) && any_left(&s))
		l->hidden = true;
	return s.full ? err_set(e, ENOMEM, "cannot find the owners of sockets: out of memory") : 0;
}

char *listener_name(const struct listeners *l, const struct listener *at, char *text, size_t size)
{
	if (at->owner < 0) {
		snprintf(text, size, "%s", at->address);
		return text;
	}
	const struct process *p = &l->processes[at->owner];
	snprintf(text, size, "%s (pid %d) on %s", p->name, (int)p->pid, at->address);
	return text;
}
