/* Judges limits of the whole machine and of a user that a server runs into. */
#include "epolltune/machine_limits.h"

#include <inttypes.h>
#include <math.h>

#include "epolltune/doing.h"
#include "epolltune/quantity.h"

/* Tables by the soft limit that are worth a note, a soft limit that suffices for most servers, and
 * the highest one that fs.nr_open allows. */
#define TABLES_MIN (UINT64_C(1) << 30)
#define FILES_USUAL 1048576
#define FILES_MAX (UINT64_C(1) << 31)

/* Less than one open file in so many that is left is none: accept() takes one that is closed, and
 * fails until then. */
#define FILES_SPENT 1000

/* What start of a process fails for: none has room for one more. */
struct exhausted {
	uint64_t used, max; /* 0, 0: there is room */
	const char *limit;
	const char *raise; /* of a process: the line of its unit, and prlimit's option */
	const char *option;
	uint64_t each; /* of memory, or mappings, that one takes; 0: of another kind */
	enum subject_space_kind kind;
	bool machine; /* of all users */
};

static const struct exhausted spaces[SUBJECT_SPACES] = {
	[SPACE_ADDRESS] = {.limit = "RLIMIT_AS", .raise = "LimitAS", .option = "as"},
	[SPACE_DATA] = {.limit = "RLIMIT_DATA", .raise = "LimitDATA", .option = "data"},
	[SPACE_MAPS] = {.limit = "vm.max_map_count", .machine = true},
	[SPACE_COMMIT] = {.limit = "CommitLimit", .machine = true},
};

static struct exhausted space_exhausted(const struct subject_tasks *t)
{
	for (size_t i = 0; i < SUBJECT_SPACES; i++) {
		const struct subject_space *p = &t->space[i];
		if (!p->max || saturated_sum(p->used, p->each) <= p->max)
			continue;
		struct exhausted x = spaces[i];
		x.used = p->used;
		x.max = p->max;
		x.each = p->each;
		x.kind = (enum subject_space_kind)i;
		return x;
	}
	return (struct exhausted){0};
}

static struct exhausted tasks_exhausted(const struct subject_tasks *t)
{
	if (t->max && t->max != HOST_UNLIMITED && t->used >= t->max)
		return (struct exhausted){t->used, t->max, "RLIMIT_NPROC", .raise = "LimitNPROC",
					  .option = "nproc"};
	if (t->threads_max && t->threads >= t->threads_max)
		return (struct exhausted){t->threads, t->threads_max, "kernel.threads-max",
					  .machine = true};
	if (t->pids_max && t->pids >= t->pids_max)
		return (struct exhausted){t->pids, t->pids_max, "kernel.pid_max", .machine = true};
	return space_exhausted(t);
}

static bool is_bytes(const struct exhausted *x) { return x->each && x->kind != SPACE_MAPS; }

static struct quantity_shown exhausted_show(const struct exhausted *x, uint64_t n)
{
	return is_bytes(x) ? quantity_measured(QUANTITY_SIZE, n) : quantity_count(n);
}

void machine_tasks_judge(const struct queue_watch *w, const struct subject_tasks *before,
			 const struct subject_tasks *after)
{
	const struct subject *s = w->after->subject;
	struct exhausted x = tasks_exhausted(after);
	struct wording words = {0};
	if (!s || !x.max || !tasks_exhausted(before).max)
		return;
	wording_set(&words, "who", "%s", s->name);
	wording_set(&words, "pid", "%d", (int)after->pid);
	bool bytes = is_bytes(&x), commit = x.each && x.kind == SPACE_COMMIT;
	wording_set(&words, "used", "%s", exhausted_show(&x, x.used).text);
	wording_set(&words, "max", "%s", exhausted_show(&x, x.max).text);
	wording_set(&words, "each", "%s", x.each ? exhausted_show(&x, x.each).text : "");
	wording_set(&words, "limit", "%s", x.limit);
	wording_flag(&words, "machine", x.machine);
	wording_flag(&words, "commit", commit);
	wording_set(&words, "line", "%s", x.raise ? x.raise : "");
	wording_set(&words, "option", "%s", x.option ? x.option : "");
	uint64_t more = bytes ? saturated_product(x.max, 2) : quantity_more(x.max);
	wording_set(&words, "more", "%s", quantity_plain(commit ? more / 1024 : more).text);
	wording_flag(&words, "mappings", x.each && x.kind == SPACE_MAPS);
	unit_words(&words, unit_service(s->unit), s->manager);
	struct finding *f = report_finding(w->report, "listeners.processes", &words);
	if (!x.each)
		finding_evidence(f, "processes and threads", "processes", (double)x.used, NAN);
	else
		finding_evidence(f, "in use", bytes ? "B" : "mappings", (double)x.used, NAN);
}

static bool files_are_near(const struct host_files *f)
{
	return wall_is_near("descriptors.system", saturated(f->allocated), saturated(f->max));
}

static bool files_are_spent(const struct host_files *f)
{
	return f->max && (f->allocated >= f->max || f->max - f->allocated < f->max / FILES_SPENT);
}

/* fs.file-max bounds every process without CAP_SYS_ADMIN, also one of no target (fs/file_table.c,
 * alloc_empty_file()). */
void machine_files_judge(const struct queue_watch *w, const struct host_files *before,
			 const struct host_files *after)
{
	bool spent = files_are_spent(after) && files_are_spent(before);
	struct wording words = {0};
	if (!files_are_near(after) || !files_are_near(before))
		return;
	uint64_t left = after->max > after->allocated ? after->max - after->allocated : 0;
	wording_set(&words, "open", "%s", quantity_count(after->allocated).text);
	wording_set(&words, "max", "%s", quantity_count(after->max).text);
	wording_set(&words, "left", "%s", quantity_count(left).text);
	wording_set(&words, "more", "%s", quantity_plain(after->max * 2).text);
	wording_flag(&words, "spent", spent);
	struct finding *x = report_finding(w->report, "descriptors.system.exhausted", &words);
	finding_evidence(x, "open files", "descriptors", (double)after->allocated, NAN);
	finding_propose(x, "fs.file-max", quantity_plain(after->max).text, "");
	if (!spent)
		x->level = LEVEL_WARNING;
}

static void tables_finding(const struct process *p, const struct server_row *server,
			   uint64_t memory, struct report *r)
{
	double bytes = (double)p->soft * (double)server->files_bytes;
	struct wording words = {0};
	char line[WORDING_TEXT];
	process_words(&words, p, "");
	wording_set(&words, "soft", "%s", quantity_count(p->soft).text);
	wording_set(&words, "each", "%" PRIu64, server->files_bytes);
	wording_set(&words, "bytes", "%s", quantity_measured(QUANTITY_SIZE, (uint64_t)bytes).text);
	wording_set(&words, "memory", "%s",
		    memory ? quantity_show(QUANTITY_SIZE, memory).text : "");
	wording_set(&words, "files", "%s", quantity_plain(FILES_USUAL).text);
	wording_set(&words, "line", "%s",
		    server_line(server->files_bound, "files", FILES_USUAL, line, sizeof(line)));
	struct finding *f = report_finding(r, "descriptors.process.large", &words);
	if (memory && bytes > (double)memory)
		f->level = LEVEL_WARNING;
	else
		f->answer[0] = 0;
	finding_evidence(f, "tables", "B", bytes, NAN);
}

/* Its processes have the same. */
void machine_tables_judge(const struct queue_watch *w, uint64_t memory)
{
	const struct listeners *all = &w->after->listeners;
	for (size_t i = 0; i < all->count; i++) {
		const struct listener *l = &all->at[i];
		const struct process *p = l->owner < 0 ? NULL : &all->processes[l->owner];
		const struct server_row *server = p ? server_row_find(p->name) : NULL;
		if (!server || !subject_has(w->after->subject, l) || p->soft >= FILES_MAX ||
		    p->soft * server->files_bytes < TABLES_MIN)
			continue;
		tables_finding(p, server, memory, w->report);
		return;
	}
}
