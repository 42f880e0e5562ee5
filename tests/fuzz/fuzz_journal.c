/* Feeds bytes to the reader of the journal. One that it takes for writing takes a further record
 * and is read again with all runs it had, and one more. */
#include "fuzz.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "tune/journal.h"

static char directory[64];

static void directory_remove(void)
{
	static const char *const names[] = {JOURNAL_FILE, JOURNAL_LOCK};
	char path[128];
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	rmdir(directory);
}

static void directory_make(void)
{
	strcpy(directory, "/dev/shm/epolltune-fuzz-XXXXXX");
	if (!mkdtemp(directory) || chmod(directory, 0755) < 0 || atexit(directory_remove))
		abort();
}

static void journal_write(const uint8_t *data, size_t size)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/" JOURNAL_FILE, directory);
	CLEAN(close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || fchmod(fd, 0644) < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
}

static void runs_check(const struct journal *j)
{
	const struct host_identity here = {.boot = "b", .netns = "1"};
	for (size_t i = 0; i < j->count; i++) {
		const struct run *r = &j->runs[i];
		if (i && r->id <= j->runs[i - 1].id)
			abort();
		run_is_open(r);
		run_in_force(r);
		run_in_other_netns(r, &here);
		run_status_name(r->status);
	}
	journal_open_run(j, &here);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct run about = {.by = "a", .command = "c", .boot = "b", .netns = "1"};
	struct err e = {0};
	struct run *added;
	CLEAN(journal_close) struct journal j = JOURNAL_CLOSED, again = JOURNAL_CLOSED;
	if (!directory[0])
		directory_make();
	journal_write(data, size);
	if (journal_open(&j, directory, JOURNAL_WRITE, &e) < 0) {
		if (!e.text[0])
			abort();
		return 0;
	}
	runs_check(&j);
	size_t before = j.count;
	if (before && j.runs[before - 1].id == UINT32_MAX)
		return 0; /* there is no further number */
	if (journal_begin(&j, &about, &added, &e) < 0 ||
	    journal_open(&again, directory, JOURNAL_READ, &e) < 0 || again.torn ||
	    again.count != before + 1)
		abort();
	runs_check(&again);
	return 0;
}
