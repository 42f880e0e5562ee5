/* Listeners of processes in other network namespaces, by /proc/PID/net and /proc/PID/fd. */
#include "host/elsewhere.h"

#include <endian.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/listener.h"
#include "host/descriptors.h"
#include "host/machine.h"
#include "host/port_sockets.h"
#include "host/processes.h"

/* Of a process: servers have their listeners early. */
#define DESCRIPTORS 128
/* proc_net_tcp has listeners before connections. */
#define TABLE_TEXT 65536
/* Processes of other namespaces that are looked at, and for how long: the kernel walks all sockets
 * of the machine for each table. */
#define PROCESSES 1024
#define LOOK_MS 200

static bool holds_socket(int process, uint64_t inode)
{
	CLEAN(descriptors_close) struct descriptors all;
	struct descriptor d;
	if (descriptors_open(&all, process) < 0)
		return false;
	for (unsigned n = 0; n < DESCRIPTORS && descriptors_next(&all, &d); n++)
		if (d.socket == inode)
			return true;
	return false;
}

/* Of a listener; 0: the line is none. An unconnected UDP socket has the state TCP_CLOSE. */
static uint64_t line_inode(const char *line, bool udp, bool reachable)
{
	struct port_socket s;
	if (!port_socket_parse(line, __BYTE_ORDER == __BIG_ENDIAN, &s) ||
	    s.state != (udp ? TCP_CLOSE : TCP_LISTEN) ||
	    (reachable && port_address_is_loopback(&s.route.source)))
		return 0;
	return s.inode;
}

bool process_listens(int process, bool udp, bool reachable)
{
	const char *const tables[] = {udp ? "net/udp" : "net/tcp", udp ? "net/udp6" : "net/tcp6"};
	CLEAN(free_pointer) char *text = malloc(TABLE_TEXT);
	for (size_t i = 0; text && i < 2; i++) {
		if (process_file(process, tables[i], text, TABLE_TEXT) <= 0)
			continue;
		for (char *line = text; (line = strchr(line, '\n')); line++) {
			uint64_t inode = line_inode(line + 1, udp, reachable);
			if (inode && holds_socket(process, inode))
				return true;
		}
	}
	return false;
}

static bool is_known(const uint64_t *netns, size_t count, uint64_t one)
{
	for (size_t i = 0; i < count; i++)
		if (netns[i] == one)
			return true;
	return false;
}

static void elsewhere_add(struct listeners_elsewhere *out, const struct process_stat *p)
{
	if (out->count < ELSEWHERE_NAMED) {
		out->at[out->count].pid = p->pid;
		memcpy(out->at[out->count].name, p->name, sizeof(p->name));
	}
	out->count++;
}

int listeners_elsewhere(const struct host *h, struct listeners_elsewhere *out, struct err *e)
{
	CLEAN(free_pointer) struct process_stat *all = NULL;
	CLEAN(free_pointer) uint64_t *known = NULL; /* those counted, and this one */
	size_t count = 0, known_count = 0;
	struct process_stat own = {0};
	*out = (struct listeners_elsewhere){0};
	CLEAN(close_fd) int self = host_live(h) ? process_open(h, getpid(), NULL) : -1;
	uint64_t here = self < 0 ? 0 : process_netns(self);
	if (!here || process_stat_at(self, getpid(), &own, e) < 0)
		return 0;
	int rc = process_list(h, &all, &count, e);
	const uint64_t until = clock_ms() + LOOK_MS;
	for (size_t i = 0, looked = 0; i < count && looked < PROCESSES && !rc && clock_ms() < until;
	     i++) {
		CLEAN(close_fd) int process = process_open(h, all[i].pid, NULL);
		uint64_t netns = process < 0 ? 0 : process_netns(process);
		/* Experiments have namespaces of their own. */
		if (!netns || netns == here || is_known(known, known_count, netns) ||
		    process_family(all[i].name, own.name))
			continue;
		looked++;
		if (!process_listens(process, false, true))
			continue;
		uint64_t *more = array_add(&known, &known_count, sizeof(*more));
		if (!more)
			return err_set(e, ENOMEM, "cannot list namespaces: out of memory");
		*more = netns;
		elsewhere_add(out, &all[i]);
	}
	return rc;
}
