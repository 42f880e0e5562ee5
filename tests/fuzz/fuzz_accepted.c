/* Feeds bytes to the readers of the files that an operator writes: what is accepted, and a saved
 * target. What the latter takes is written and read again as the same target. */
#include "fuzz.h"

#include "check/check.h"
#include "commands/saved_target.h"

static void saved_again(const struct check_options *o)
{
	static struct check_options again;
	char path[] = "/dev/shm/epolltune-fuzz-XXXXXX";
	struct err e = {0};
	CLEAN(close_fd) int fd = mkstemp(path);
	if (fd < 0)
		abort();
	again = (struct check_options){.target = TARGET_DEFAULT};
	int rc = saved_target_save(path, o, &e);
	if (!rc)
		rc = saved_target_load(path, &again, &e);
	unlink(path);
	if (rc || memcmp(&again.target, &o->target, sizeof(again.target)) != 0 ||
	    again.saved.accepted.count != o->saved.accepted.count)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct accepted accepted;
	static struct check_options o;
	static unsigned calls;
	char path[FUZZ_PATH];
	struct err e = {0};
	CLEAN(close_fd) int fd = fuzz_file(data, size, path);
	if (fd < 0)
		return 0;
	accepted.count = 0;
	int rc = accepted_read(path, &accepted, &e);
	if (!rc != !e.code || accepted.count > ACCEPTED_MAX)
		abort();
	for (size_t i = 0; !rc && i < accepted.count; i++)
		if (!accepted.at[i].id[0] || !accepted.at[i].reason[0])
			abort();
	e = (struct err){0};
	o = (struct check_options){.target = TARGET_DEFAULT};
	rc = saved_target_load(path, &o, &e);
	if (!rc != !e.code)
		abort();
	/* A file that is written is slow: of each 64 one, and of the kept ones all. */
	if (!rc && o.saved.accepted.count == 0 && calls++ % 64 == 0)
		saved_again(&o);
	return 0;
}
