/* Listeners of processes in other network namespaces, by /proc/PID/net and /proc/PID/fd: each
 * namespace once. */
#include "host/elsewhere.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "epolltune/cgroup.h"
#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/counters.h"
#include "epolltune/listener.h"
#include "host/descriptors.h"
#include "host/machine.h"
#include "host/port_sockets.h"
#include "host/processes.h"

/* Of a process: servers have their listeners early. */
#define DESCRIPTORS 128
/* How long sockets are looked for: where a table has no connection, the kernel walks those of the
 * whole machine behind the last listener. */
#define LOOK_MS 200
/* Where net.ipv4.ip_local_port_range begins by default: from there on an unconnected UDP socket
 * may be a client's. */
#define CLIENT_PORTS 32768

/* The sockets that listen in a network namespace. */
struct sockets {
	uint64_t *inodes;
	size_t count;
};

static void sockets_free(struct sockets *s) { free(s->inodes); }

static bool is_among(const struct sockets *s, uint64_t inode)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->inodes[i] == inode)
			return true;
	return false;
}

/* 1, 0, or the negative errno of descriptors that cannot be read. */
static int holds_one(int process, const struct sockets *s)
{
	CLEAN(descriptors_close) struct descriptors all;
	struct descriptor d;
	int rc = descriptors_open(&all, process);
	for (unsigned n = 0; rc >= 0 && n < DESCRIPTORS && descriptors_next(&all, &d); n++) {
		if (d.socket && is_among(s, d.socket))
			return 1;
		if (!d.link[0]) /* root without CAP_SYS_PTRACE */
			rc = -EACCES;
	}
	return rc;
}

/* "TCP: inuse 5 …", net/ipv4/proc.c and net/ipv6/proc.c: a table without sockets is not walked. */
static bool in_use(int process, const char *stat, const char *protocol)
{
	char text[1024];
	const char *at =
		process_file(process, stat, text, sizeof(text)) > 0 ? strstr(text, protocol) : NULL;
	return !at || strncmp(at + strlen(protocol), ": inuse 0 ", 10) != 0;
}

struct space {
	struct netns_elsewhere is;
	struct netns_id netns;
	struct sockets sockets;
	struct sockets dropping; /* of is.dropping */
};

static int inode_add(struct sockets *s, uint64_t inode)
{
	uint64_t *more = array_add(&s->inodes, &s->count, sizeof(*more));
	if (!more)
		return -ENOMEM;
	*more = inode;
	return 0;
}

/* A client that is slow drops too: whether it does so for long shows the next look. */
static int dropping_add(struct space *x, const struct port_socket *s)
{
	size_t i = x->is.dropping_count;
	if (!s->drops || i == ELSEWHERE_SOCKETS)
		return 0;
	x->is.dropping[i].inode = s->inode;
	x->is.dropping[i].drops = s->drops;
	x->is.dropping_count++;
	return inode_add(&x->dropping, s->inode);
}

/* The listeners of a table, which proc_net_tcp has before connections. An unconnected UDP socket
 * has the state TCP_CLOSE. -ENOMEM. */
static int table_read(int process, const char *table, bool udp, bool reachable, struct space *out)
{
	int fd = openat(process, table, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	CLEAN(close_file) FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	CLEAN(free_pointer) char *line = NULL;
	size_t size = 0;
	if (!file)
		close_fd(&fd);
	while (file && getline(&line, &size, file) > 0) {
		struct port_socket s;
		if (!port_socket_parse(line, __BYTE_ORDER == __BIG_ENDIAN, &s))
			continue;
		if (s.state != (udp ? TCP_CLOSE : TCP_LISTEN)) {
			if (udp)
				continue;
			break;
		}
		if (reachable && port_address_is_loopback(&s.route.source))
			continue;
		bool client = reachable && udp && s.port >= CLIENT_PORTS;
		int rc = client ? dropping_add(out, &s) : inode_add(&out->sockets, s.inode);
		if (rc)
			return rc;
		if (s.waiting > out->is.waiting) {
			out->is.waits_at = s.inode;
			out->is.waiting = s.waiting;
		}
	}
	return 0;
}

/* Those of the network namespace of a process; `reachable`: not those on loopback, nor of clients.
 */
static int sockets_read(int process, bool udp, bool reachable, struct space *out)
{
	static const struct {
		const char *table, *stat, *protocol;
	} of[2][2] = {{{"net/tcp", "net/sockstat", "TCP"}, {"net/tcp6", "net/sockstat6", "TCP6"}},
		      {{"net/udp", "net/sockstat", "UDP"}, {"net/udp6", "net/sockstat6", "UDP6"}}};
	int rc = 0;
	for (size_t i = 0; i < 2 && !rc; i++)
		if (in_use(process, of[udp][i].stat, of[udp][i].protocol))
			rc = table_read(process, of[udp][i].table, udp, reachable, out);
	return rc;
}

void spaces_free(struct spaces *s)
{
	for (size_t i = 0; i < s->count; i++) {
		sockets_free(&s->at[i].sockets);
		sockets_free(&s->at[i].dropping);
	}
	free(s->at);
	*s = (struct spaces){0};
}

static struct space *space_find(const struct spaces *s, struct netns_id netns)
{
	for (size_t i = 0; i < s->count; i++)
		if (netns_same(s->at[i].netns, netns))
			return &s->at[i];
	return NULL;
}

/* One that is new; NULL without memory. */
static struct space *space_add(struct spaces *s, struct netns_id netns)
{
	struct space *x = array_add(&s->at, &s->count, sizeof(*x));
	if (x)
		x->netns = netns;
	return x;
}

bool process_listens(struct spaces *s, int process, struct netns_id netns, bool udp)
{
	struct space *x = space_find(s, netns);
	if (!x && (x = space_add(s, netns)) && sockets_read(process, udp, false, x))
		return false;
	return x && x->sockets.count && holds_one(process, &x->sockets) > 0;
}

struct elsewhere_search {
	struct spaces spaces;
	uint64_t until; /* clock_ms() */
	struct host_counters counters;
};

static void search_free(struct elsewhere_search **s)
{
	if (*s)
		spaces_free(&(*s)->spaces);
	free(*s);
}

static void space_name(struct space *x, const struct process_stat *p)
{
	x->is.pid = p->pid;
	memcpy(x->is.name, p->name, sizeof(p->name));
}

static void drops_read(struct elsewhere_search *s, int process, struct netns_elsewhere *out)
{
	static const struct {
		const char *file;
		bool (*add)(struct host_counters *c, char *text);
	} files[] = {{"net/netstat", host_counter_pairs},
		     {"net/snmp", host_counter_pairs},
		     {"net/snmp6", host_counter_lines}};
	s->counters.count = 0;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		CLEAN(free_pointer) char *text = NULL;
		if (process_text(process, files[i].file, &text) > 0)
			files[i].add(&s->counters, text);
	}
	for (size_t i = 0; i < ELSEWHERE_COUNTERS; i++)
		out->counted[i] = host_counter(&s->counters, counter_elsewhere(i));
	out->arrived = host_counter(&s->counters, COUNTER_PASSIVE_OPENS);
}

/* NULL without memory. */
static struct space *space_of(struct elsewhere_search *s, struct netns_id netns, int process,
			      const struct process_stat *p)
{
	struct space *x = space_find(&s->spaces, netns);
	if (x || !(x = space_add(&s->spaces, netns)))
		return x;
	x->is.netns = netns.file ? netns.file : netns.link;
	x->is.unread = clock_ms() >= s->until;
	space_name(x, p);
	drops_read(s, process, &x->is);
	if (x->is.unread)
		return x;
	int rc = sockets_read(process, false, true, x);
	return rc || sockets_read(process, true, true, x) ? NULL : x;
}

/* The process of which clients wait. */
static void waited_look(const struct host *h, struct space *x, int process,
			const struct process_stat *p)
{
	const struct sockets fullest = {&x->is.waits_at, 1};
	if (!x->is.waits_at || x->is.state || holds_one(process, &fullest) <= 0)
		return;
	x->is.waits_for = p->pid;
	memcpy(x->is.waits_name, p->name, sizeof(p->name));
	x->is.state = p->state;
	x->is.frozen = cgroup_frozen(h, p->pid);
}

static void holder_look(const struct elsewhere_search *s, struct space *x, int process,
			const struct process_stat *p)
{
	if (x->is.listens)
		return;
	if (x->dropping.count && clock_ms() < s->until && holds_one(process, &x->dropping) > 0) {
		space_name(x, p);
		x->dropping.count = 0;
	}
	if (!x->sockets.count)
		return;
	x->is.unread = clock_ms() >= s->until;
	int held = x->is.unread ? 0 : holds_one(process, &x->sockets);
	x->is.listens = held > 0;
	x->is.denied = !x->is.listens && (x->is.denied || held == -EACCES || held == -EPERM);
	if (x->is.listens)
		space_name(x, p);
}

static int spaces_take(const struct elsewhere_search *s, struct listeners_elsewhere *out,
		       struct err *e)
{
	out->at = calloc(s->spaces.count + 1, sizeof(*out->at));
	if (!out->at)
		return err_set(e, ENOMEM, "cannot list namespaces: out of memory");
	for (size_t i = 0; i < s->spaces.count; i++)
		out->at[out->count++] = s->spaces.at[i].is;
	return 0;
}

void listeners_elsewhere_free(struct listeners_elsewhere *x) { free(x->at); }

int listeners_elsewhere(const struct host *h, struct listeners_elsewhere *out, struct err *e)
{
	CLEAN(free_pointer) struct process_stat *all = NULL;
	CLEAN(search_free) struct elsewhere_search *s = calloc(1, sizeof(*s));
	size_t count = 0;
	struct process_stat own = {0};
	*out = (struct listeners_elsewhere){0};
	CLEAN(close_fd) int self = host_live(h) ? process_open(h, getpid(), NULL) : -1;
	struct netns_id here = process_netns(self);
	if (self < 0 || !netns_is_known(here) || process_stat_at(self, getpid(), &own, e) < 0)
		return 0;
	int rc = process_list(h, &all, &count, e);
	if (s)
		s->until = clock_ms() + LOOK_MS;
	for (size_t i = 0; s && i < count && !rc; i++) {
		CLEAN(close_fd) int process = process_open(h, all[i].pid, NULL);
		struct netns_id netns = process_netns(process);
		/* Experiments have namespaces of their own. */
		if (process < 0 || !netns_is_known(netns) || netns_same(netns, here) ||
		    process_family(all[i].name, own.name))
			continue;
		struct space *x = space_of(s, netns, process, &all[i]);
		if (!x)
			return err_set(e, ENOMEM, "cannot list namespaces: out of memory");
		holder_look(s, x, process, &all[i]);
		if (clock_ms() < s->until)
			waited_look(h, x, process, &all[i]);
	}
	return rc || !s ? rc : spaces_take(s, out, e);
}
