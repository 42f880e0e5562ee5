#include "tune/notice.h"

#include <stdio.h>
#include <string.h>

#include "tune/guardian.h"
#include "tune/journal.h"
#include "tune/state.h"

static bool same_boot(const struct run *r)
{
	struct host *host;
	struct host_identity here;
	struct err ignored;
	if (host_open(&host, "/", &ignored) < 0)
		return true;
	bool same = host_identity(host, &here, &ignored) < 0 || strcmp(here.boot, r->boot) == 0;
	host_close(host);
	return same;
}

static void print(const struct run *r, const char *state_dir)
{
	bool elsewhere = strcmp(state_dir, STATE_DIR) != 0;
	const char *option = elsewhere ? " --state-dir " : "", *dir = elsewhere ? state_dir : "";
	uint64_t now = guardian_clock_ms();
	if (!same_boot(r)) {
		fprintf(stderr,
			"epolltune: run %u was cut off by a restart: epolltune rollback%s%s takes "
			"back what is left of it\n",
			r->id, option, dir);
		return;
	}
	if (r->status == RUN_WAITING && now < r->deadline_ms)
		fprintf(stderr,
			"epolltune: run %u goes back in %llu s unless: epolltune confirm%s%s\n",
			r->id, (unsigned long long)((r->deadline_ms - now + 999) / 1000), option,
			dir);
	else if (r->status == RUN_WAITING)
		fprintf(stderr,
			"epolltune: run %u was not confirmed, and its guardian is gone: epolltune "
			"rollback%s%s takes it back\n",
			r->id, option, dir);
	else
		fprintf(stderr,
			"epolltune: run %u is unfinished (it was cut off): epolltune rollback%s%s "
			"takes it back\n",
			r->id, option, dir);
}

void notice_unfinished(const char *state_dir)
{
	struct journal j;
	struct err ignored;
	if (journal_open(&j, state_dir, JOURNAL_READ, &ignored) < 0)
		return;
	const struct run *r = journal_open_run(&j);
	if (r && !journal_busy(&j))
		print(r, state_dir);
	journal_close(&j);
}
