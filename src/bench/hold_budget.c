#include "bench/hold_budget.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/cgroup.h"

/* In addition to connections: processes, lab, results. */
#define MEMORY_BASE (256ull << 20)
#define FILES_BASE 4096

static void limit_name(const struct cgroup_limit *l, char *text, size_t size)
{
	const struct cgroup_bound *b = cgroup_bound_at(l, 0);
	snprintf(text, size, "%s of %.*s", cgroup_file_name(b->file), 40, b->path);
}

void hold_budget_make(struct hold_budget *b, const struct host *h, const struct hold_plan *plan)
{
	uint64_t connections = plan->connections;
	uint64_t clients = (connections + plan->per_process - 1) / plan->per_process;
	struct err ignored = {0};
	struct host_facts facts;
	struct host_files files;
	struct cgroup group;
	uint64_t value;
	host_facts(h, &facts);
	cgroup_read(h, 0, &group);
	*b = (struct hold_budget){
		.connections = connections,
		.memory = connections * HOLD_BUDGET_CONNECTION + MEMORY_BASE,
		.memory_available = facts.available_bytes ? facts.available_bytes : HOST_UNLIMITED,
		.group_memory = cgroup_left(&group.memory),
		.group_tasks = cgroup_left(&group.pids),
		.files = 2 * connections + FILES_BASE,
		.files_available = HOST_UNLIMITED,
		.watches = plan->watches,
		.watches_available = HOST_UNLIMITED,
		.processes = 2 * clients,
		.processes_max = plan->processes_max,
		.ports = connections,
		.ports_available = clients * plan->ports_of_process,
	};
	limit_name(&group.memory, b->group, sizeof(b->group));
	limit_name(&group.pids, b->group_pids, sizeof(b->group_pids));
	if (host_files(h, &files, &ignored) == 0)
		b->files_available = files.max > files.allocated ? files.max - files.allocated : 0;
	if (host_read_u64(h, "proc/sys/fs/epoll/max_user_watches", &value, &ignored) == 0)
		b->watches_available = value;
}

int hold_budget_check(const struct hold_budget *b, struct err *e)
{
	const struct {
		const char *what, *limit;
		uint64_t needed, available;
		double scale;
	} rows[] = {
		{"GB of memory", "MemAvailable", b->memory, b->memory_available, 1e9},
		{"GB of memory", b->group, b->memory, b->group_memory, 1e9},
		{"files", "fs.file-max", b->files, b->files_available, 1},
		{"watches", "fs.epoll.max_user_watches", b->watches, b->watches_available, 1},
		{"processes", "maximum of a lab; with a higher RLIMIT_NOFILE fewer are needed",
		 b->processes, b->processes_max, 1},
		{"processes", b->group_pids, b->processes, b->group_tasks, 1},
		{"ports", "net.ipv4.ip_local_port_range, all addresses", b->ports,
		 b->ports_available, 1},
	};
	char text[480] = "";
	bool fits = true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t used = strlen(text);
		bool too_much = rows[i].needed > rows[i].available;
		if (rows[i].available == HOST_UNLIMITED)
			continue;
		int decimals = rows[i].scale > 1 ? 1 : 0;
		snprintf(text + used, sizeof(text) - used, "%s%.*f %s (%s%.*f: %s)",
			 used ? ", " : "", decimals, (double)rows[i].needed / rows[i].scale,
			 rows[i].what, too_much ? "only " : "of ", decimals,
			 (double)rows[i].available / rows[i].scale, rows[i].limit);
		fits = fits && !too_much;
	}
	if (fits)
		return 0;
	return err_set(e, ENOSPC, "%llu connections need %s", (unsigned long long)b->connections,
		       text);
}
