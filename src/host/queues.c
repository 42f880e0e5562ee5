/* The TCP sockets that hold most memory, by inet_diag. */
#include "epolltune/queues.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "epolltune/cleanup.h"
#include "host/netns.h"
#include "host/owners.h"
#include "host/processes.h"
#include "host/sock_diag.h"

/* Listeners hold none, and TIME_WAIT is no socket. */
#define STATES (TCP_CONNECTED | 1u << TCP_SYN_SENT)
#define NAMESPACES 64

void queues_add(struct queues *q, const struct queue *one)
{
	uint64_t bytes = one->received + one->unsent;
	size_t at = q->count;
	while (at && q->at[at - 1].received + q->at[at - 1].unsent < bytes)
		at--;
	if (!bytes || at == QUEUES_LISTED)
		return;
	size_t behind = (q->count < QUEUES_LISTED ? q->count : QUEUES_LISTED - 1) - at;
	memmove(&q->at[at + 1], &q->at[at], behind * sizeof(*one));
	q->at[at] = *one;
	q->count += q->count < QUEUES_LISTED;
}

static int received(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct inet_diag_msg *m = nlmsg_data(header);
	uint32_t memory[SK_MEMINFO_VARS] = {0};
	char address[INET6_ADDRSTRLEN] = "?";
	struct queue one = {0};
	if (nlmsg_datalen(header) < (int)sizeof(*m) || !(1u << m->idiag_state & STATES))
		return NL_OK;
	const struct nlattr *a = nlmsg_find_attr(header, sizeof(*m), INET_DIAG_SKMEMINFO);
	if (a)
		nla_memcpy(memory, a, sizeof(memory));
	one.received = memory[SK_MEMINFO_RMEM_ALLOC];
	one.unsent = memory[SK_MEMINFO_WMEM_QUEUED];
	one.inode = m->idiag_inode;
	one.orphan = !one.inode && !(1u << m->idiag_state & TCP_OPEN);
	inet_ntop(m->idiag_family, m->id.idiag_dst, address, sizeof(address));
	snprintf(one.peer, sizeof(one.peer), m->idiag_family == AF_INET6 ? "[%s]:%u" : "%s:%u",
		 address, ntohs(m->id.idiag_dport));
	queues_add(arg, &one);
	return NL_OK;
}

static int here_read(struct queues *q, struct err *e)
{
	return sock_diag_tcp_with(SOCK_DIAG_WITH(INET_DIAG_SKMEMINFO), STATES, NULL, 0, received, q,
				  e);
}

static bool here_answer(const void *unused, void *out) { return !here_read(out, NULL); }

static bool there_read(const struct host *h, pid_t pid, struct queues *q)
{
	struct queues there = {0};
	char path[48];
	snprintf(path, sizeof(path), "proc/%d/ns/net", (int)pid);
	CLEAN(close_fd) int ns = machine_open(h, path, O_RDONLY, "read", NULL);
	if (ns < 0 || !netns_ask(ns, here_answer, NULL, &there, sizeof(there)))
		return false;
	for (size_t i = 0; i < there.count; i++)
		queues_add(q, &there.at[i]);
	return true;
}

static int seen_add(struct netns_id **seen, size_t *known, struct netns_id netns, struct err *e)
{
	struct netns_id *more = array_add(seen, known, sizeof(*more));
	if (!more)
		return err_set(e, ENOMEM, "cannot list namespaces: out of memory");
	*more = netns;
	return 0;
}

/* Each network namespace of a process that is visible, once; beyond NAMESPACES they only count. */
static int others_read(const struct host *h, struct queues *q, struct err *e)
{
	CLEAN(free_pointer) struct process_stat *all = NULL;
	CLEAN(free_pointer) struct netns_id *seen = NULL;
	size_t count = 0, known = 0;
	CLEAN(close_fd) int self = process_open(h, getpid(), NULL);
	int rc = process_list(h, &all, &count, e);
	if (!rc)
		rc = seen_add(&seen, &known, process_netns(self), e);
	for (size_t i = 0; i < count && !rc; i++) {
		CLEAN(close_fd) int process = process_open(h, all[i].pid, NULL);
		struct netns_id netns = process_netns(process);
		size_t k = 0;
		while (k < known && !netns_same(seen[k], netns))
			k++;
		if (!netns_is_known(netns) || k < known)
			continue;
		rc = seen_add(&seen, &known, netns, e);
		q->unseen += known > NAMESPACES || !there_read(h, all[i].pid, q);
	}
	return rc;
}

static int owners_name(const struct host *h, struct queues *q, struct err *e)
{
	struct owned_socket sockets[QUEUES_LISTED];
	int owner[QUEUES_LISTED];
	struct owners o = {.sockets = sockets, .owner = owner};
	size_t queue[QUEUES_LISTED] = {0};
	for (size_t i = 0; i < q->count; i++) {
		if (!q->at[i].inode)
			continue;
		queue[o.thing_count] = i;
		owner[o.thing_count] = -1;
		sockets[o.socket_count++] = (struct owned_socket){q->at[i].inode, o.thing_count++};
	}
	int rc = o.thing_count ? owners_find(h, &o, e) : 0;
	for (size_t i = 0; i < o.thing_count; i++) {
		struct queue *one = &q->at[queue[i]];
		if (owner[i] < 0)
			continue;
		one->pid = o.processes[owner[i]].pid;
		memcpy(one->process, o.processes[owner[i]].name, sizeof(one->process));
	}
	free(o.processes);
	return rc;
}

int queues_read(const struct host *h, struct queues *out, struct err *e)
{
	*out = (struct queues){0};
	int rc = sock_diag_live(h, e);
	if (!rc)
		rc = here_read(out, e);
	if (!rc)
		rc = others_read(h, out, e);
	return rc ? rc : owners_name(h, out, e);
}
