/* The limits on the memory that a server maps for its threads and processes. */
#include "host/subject_space.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/quantity.h"
#include "host/machine.h"
#include "host/processes.h"

/* A guard of a stack has a few pages; the unused part of an arena of malloc() has megabytes. */
#define GUARD_MAX (UINT64_C(256) << 10)
#define OVERCOMMIT_NEVER 2

struct mapping {
	uint64_t start, end, inode;
	char mode[8];
};

struct stack {
	uint64_t bytes, guard;
};

static int stack_order(const void *a, const void *b)
{
	const struct stack *x = a, *y = b;
	return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static bool mapping_parse(const char *line, struct mapping *m)
{
	return sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %*s %*s %" SCNu64, &m->start, &m->end,
		      m->mode, &m->inode) == 4;
}

static bool is_guard(const struct mapping *m)
{
	return !m->inode && !strcmp(m->mode, "---p") && m->end - m->start <= GUARD_MAX;
}

static bool is_stack(const struct mapping *m, const struct mapping *before)
{
	return !m->inode && !strcmp(m->mode, "rw-p") && is_guard(before) && before->end == m->start;
}

static size_t lines_of(const char *text)
{
	size_t n = 0;
	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

int space_maps_parse(const char *text, struct space_maps *out)
{
	struct mapping last = {0}, m;
	*out = (struct space_maps){0};
	CLEAN(free_pointer) struct stack *all = calloc(lines_of(text) + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	for (const char *line = text; line && mapping_parse(line, &m); last = m) {
		out->count++;
		if (is_stack(&m, &last))
			all[out->stacks++] = (struct stack){m.end - m.start, last.end - last.start};
		line = strchr(line, '\n');
		line += line != NULL;
	}
	if (!out->stacks)
		return 0;
	qsort(all, out->stacks, sizeof(*all), stack_order);
	out->stack = all[out->stacks / 2].bytes;
	out->guard = all[out->stacks / 2].guard;
	return 0;
}

/* Its stacks are visible: not those without guards of their own, as of glibc 2.42 on Linux 6.13. */
static bool stacks_read(int process, uint64_t threads, struct space_maps *out)
{
	CLEAN(free_pointer) char *text = NULL;
	return process_text(process, "maps", &text) > 0 && !space_maps_parse(text, out) &&
	       out->stacks && out->stacks >= threads / 2;
}

/* mm/mmap.c, may_expand_vm(). */
static void limit_read(const char *limits, const char *key, uint64_t used, uint64_t each,
		       struct subject_tasks *out, enum subject_space_kind kind)
{
	uint64_t soft, hard;
	if (!process_limit_parse(limits, key, &soft, &hard) || soft == HOST_UNLIMITED || !soft)
		return;
	if (each)
		out->space[kind] = (struct subject_space){soft, used, each};
	out->space_hidden |= !each;
}

/* mm/util.c, __vm_enough_memory(): a part is kept for others, and for administrators. */
static uint64_t reserve_read(const struct host *h, uint64_t mapped, bool administrator)
{
	uint64_t admin = 0, user = 0;
	if (!administrator)
		host_read_u64(h, "proc/sys/vm/admin_reserve_kbytes", &admin, NULL);
	host_read_u64(h, "proc/sys/vm/user_reserve_kbytes", &user, NULL);
	user = saturated_product(user, 1024);
	return saturated_sum(saturated_product(admin, 1024),
			     user < mapped / 32 ? user : mapped / 32);
}

static void commit_read(const struct host *h, uint64_t reserve, uint64_t each,
			struct subject_space *out)
{
	uint64_t mode = 0, max = 0, used = 0;
	CLEAN(free_pointer) char *text = NULL;
	host_read_u64(h, "proc/sys/vm/overcommit_memory", &mode, NULL);
	if (mode != OVERCOMMIT_NEVER || !each ||
	    host_read_all(h, "proc/meminfo", &text, NULL) < 0 ||
	    !text_keyed_bytes(text, "CommitLimit", &max) ||
	    !text_keyed_bytes(text, "Committed_AS", &used))
		return;
	*out = (struct subject_space){max ? max : 1, saturated_sum(used, reserve), each};
}

/* A child has a copy of what its parent may write: kernel/fork.c, dup_mmap(). */
void subject_space_read(const struct host *h, const struct subject *s, struct subject_tasks *out)
{
	CLEAN(free_pointer) char *status = NULL;
	char limits[4096];
	struct process_status p;
	struct space_maps maps = {0};
	uint64_t mapped, data;
	bool threads = subject_threads_each(s);
	CLEAN(close_fd)
	int process = !s->activated && (threads || subject_forks(s))
			      ? process_open(h, out->pid, NULL)
			      : -1;
	if (process < 0 || process_text(process, "status", &status) < 0 ||
	    !process_status_parse(status, &p) || !text_keyed_bytes(status, "VmSize", &mapped) ||
	    !text_keyed_bytes(status, "VmData", &data))
		return;
	if (threads && !stacks_read(process, p.threads, &maps))
		maps.stack = maps.guard = 0;
	bool administrator = p.effective & UINT64_C(1) << CAP_SYS_ADMIN;
	commit_read(h, reserve_read(h, mapped, administrator), threads ? maps.stack : data,
		    &out->space[SPACE_COMMIT]);
	if (!threads || s->accepting != 1)
		return;
	if (process_file(process, "limits", limits, sizeof(limits)) > 0) {
		limit_read(limits, "Max address space", mapped, maps.stack + maps.guard, out,
			   SPACE_ADDRESS);
		limit_read(limits, "Max data size", data, maps.stack, out, SPACE_DATA);
	}
	uint64_t max = 0;
	host_read_u64(h, "proc/sys/vm/max_map_count", &max, NULL);
	/* A guard and a stack. */
	if (maps.stack && max)
		out->space[SPACE_MAPS] = (struct subject_space){max, maps.count, 2};
}
