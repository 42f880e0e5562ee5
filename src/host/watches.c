/* How many epoll watches the other processes of a user have, by /proc/PID/fdinfo. */
#include "epolltune/watches.h"

#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "host/descriptors.h"
#include "host/owners.h"
#include "host/processes.h"

/* With fewer descriptors a process has no watches that matter. */
#define FEW 64
/* The kernel writes a line for each watch, while it holds the epoll set. */
#define WATCHES_MS 1000

static bool user_of(int process, uint32_t *uid)
{
	struct process_status status;
	CLEAN(free_pointer) char *text = NULL;
	bool known =
		process_text(process, "status", &text) > 0 && process_status_parse(text, &status);
	*uid = known ? status.uid : 0;
	return known;
}

static void watch_count(uint64_t inode, void *arg) { ++*(uint64_t *)arg; }

/* False: its descriptors are not visible, or there was no time for all. */
static bool watches_add(int process, uint64_t until, uint64_t *used)
{
	CLEAN(descriptors_close) struct descriptors all;
	struct descriptor d;
	if (descriptors_open(&all, process) < 0)
		return false;
	while (descriptors_next(&all, &d)) {
		if (clock_ms() > until)
			return false;
		if (!strcmp(d.link, "anon_inode:[eventpoll]"))
			watched_walk(process, d.fd, watch_count, used);
	}
	return true;
}

void watches_read(const struct host *h, const struct subject *s, struct watches *out)
{
	CLEAN(free_pointer) struct process_stat *all = NULL;
	struct host_identity here;
	struct process p;
	size_t count = 0;
	uint32_t uid, other;
	uint64_t until = clock_ms() + WATCHES_MS;
	pid_t pid = s->acceptor_count ? s->acceptors[0].pid : s->pid;
	CLEAN(close_fd) int server = pid && host_live(h) ? process_open(h, pid, NULL) : -1;
	*out = (struct watches){.hidden = true};
	if (server < 0 || !user_of(server, &uid) || process_list(h, &all, &count, NULL))
		return;
	out->hidden = host_identity(h, &here, NULL) || !here.first_pids;
	for (size_t i = 0; i < count; i++) {
		if (clock_ms() > until) {
			out->hidden = true;
			break;
		}
		CLEAN(close_fd) int process = process_open(h, all[i].pid, NULL);
		if (process < 0 || !user_of(process, &other) || other != uid ||
		    process_read_at(process, all[i].pid, &p, NULL) < 0 ||
		    subject_has_root(s, p.root) || (p.open && p.open < FEW))
			continue;
		/* While its large sets are printed it waits: about a watch for each descriptor. */
		bool large = !may_list_watched(&p);
		out->used += large ? p.open : 0;
		out->hidden |= large || !watches_add(process, until, &out->used);
	}
}
