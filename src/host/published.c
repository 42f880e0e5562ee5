/* Processes that accept the clients of published ports in user space, by the user namespace of the
 * server: they run as a user that it maps, in another network namespace. */
#include "epolltune/published.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "host/elsewhere.h"
#include "host/machine.h"
#include "host/processes.h"

#define MAP_TEXT 4096

struct id_range {
	uint64_t inside, outside, count;
};

static bool range_next(const char **at, struct id_range *r)
{
	uint64_t *const fields[] = {&r->inside, &r->outside, &r->count};
	for (size_t i = 0; i < 3; i++) {
		*at += strspn(*at, " \n");
		if (!text_number(at, fields[i]))
			return false;
	}
	return true;
}

bool id_map_has(const char *map, uint32_t id, bool inside)
{
	struct id_range r;
	while (range_next(&map, &r)) {
		uint64_t first = inside ? r.inside : r.outside;
		if (id >= first && id - first < r.count)
			return true;
	}
	return false;
}

bool id_map_of_user(const char *map)
{
	struct id_range r;
	while (range_next(&map, &r))
		if (r.count == 1 && r.outside)
			return true;
	return false;
}

/* The initial user namespace maps all ids. */
static bool is_whole(const char *map)
{
	struct id_range r;
	return range_next(&map, &r) && r.count == UINT32_MAX;
}

/* The container that a forwarder may serve. */
struct served {
	struct netns_id netns;
	char map[MAP_TEXT];
	bool inside;          /* this process is in its user namespace */
	struct spaces spaces; /* of forwarders */
};

static void served_free(struct served *s) { spaces_free(&s->spaces); }

static bool may_listen(struct spaces *spaces, int process, struct netns_id netns)
{
	if (process_listens(spaces, process, netns, false))
		return true;
	CLEAN(close_fd) int fd = process_directory(process, "fd");
	return fd < 0 && (errno == EACCES || errno == EPERM);
}

static bool is_forwarder(struct served *s, int process)
{
	CLEAN(free_pointer) char *text = NULL;
	struct process_status status;
	if (process_text(process, "status", &text) <= 0 || !process_status_parse(text, &status))
		return false;
	struct netns_id netns = process_netns(process);
	return netns_is_known(netns) && !netns_same(netns, s->netns) &&
	       id_map_has(s->map, status.uid, s->inside) && may_listen(&s->spaces, process, netns);
}

static bool served_read(const struct host *h, const struct subject *subject, struct served *s)
{
	CLEAN(close_fd) int process = process_open(h, subject->pid, NULL);
	CLEAN(close_fd) int self = process_open(h, getpid(), NULL);
	if (process < 0 || self < 0 ||
	    process_file(process, "uid_map", s->map, sizeof(s->map)) <= 0 || is_whole(s->map))
		return false;
	uint64_t users = process_namespace(process, "user");
	s->inside = users && users == process_namespace(self, "user");
	s->netns = process_netns(process);
	return netns_is_known(s->netns);
}

void published_read(const struct host *h, const struct subject *subject, struct published *out)
{
	CLEAN(free_pointer) struct process_stat *all = NULL;
	struct host_identity here;
	CLEAN(served_free) struct served s = {0};
	size_t count = 0;
	*out = (struct published){0};
	if (!host_live(h) || !subject->pid || !served_read(h, subject, &s) ||
	    process_list(h, &all, &count, NULL))
		return;
	for (size_t i = 0; i < count && !out->pid; i++) {
		const struct forwarder_row *row = forwarder_row_find(all[i].name, 0);
		CLEAN(close_fd)
		int process = row && row->rootless ? process_open(h, all[i].pid, NULL) : -1;
		if (process < 0 || !is_forwarder(&s, process))
			continue;
		out->pid = all[i].pid;
		memcpy(out->name, all[i].name, sizeof(out->name));
	}
	out->hidden = !out->pid && id_map_of_user(s.map) && !host_identity(h, &here, NULL) &&
		      !here.first_pids && !here.first_netns;
}
