#include "tune/notice.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tune/operator.h"
#include "tune/watchdog.h"

static void print(const struct run *r, const struct host_identity *here, bool watched,
		  const char *state_dir)
{
	char option[1200];
	unsigned long long left = watchdog_seconds_left(r->deadline_ms);
	operator_state_option(option, sizeof(option), state_dir);
	bool here_still = here && strcmp(here->boot, r->boot) == 0;
	if (run_is_kept(r) && (here_still || run_has_lines(r)))
		fprintf(stderr,
			"epolltune: run %u was confirmed, but not completed; complete it with: "
			"epolltune confirm%s\n",
			r->id, option);
	else if (here && strcmp(here->boot, r->boot) != 0)
		fprintf(stderr,
			"epolltune: run %u was interrupted by a reboot; roll back what remains "
			"with: epolltune rollback %u%s\n",
			r->id, r->id, option);
	else if (r->status == RUN_WAITING && left && watched)
		fprintf(stderr,
			"epolltune: run %u will be rolled back in %llu s; "
			"confirm with: epolltune confirm%s\n",
			r->id, left, option);
	else if (r->status == RUN_WAITING)
		fprintf(stderr,
			"epolltune: run %u is not confirmed and its rollback watchdog has exited; "
			"roll back with: epolltune rollback %u%s\n",
			r->id, r->id, option);
	else
		fprintf(stderr,
			"epolltune: run %u is unfinished (%s); "
			"roll back with: epolltune rollback %u%s\n",
			r->id, r->undo ? "rolled back only in part" : "interrupted", r->id, option);
}

void notice_of_journal(const struct journal *j)
{
	struct host *host = NULL;
	struct host_identity here;
	bool known = host_open(&host, "/", NULL) == 0 && host_identity(host, &here, NULL) == 0;
	const struct run *r = journal_open_run(j, known ? &here : NULL);
	if (r && !journal_busy(j))
		print(r, known ? &here : NULL, journal_watched(j, r->id), j->path);
	if (host)
		host_close(host);
}

void notice_unfinished(const char *state_dir)
{
	struct journal j;
	if (journal_open(&j, state_dir, JOURNAL_READ, NULL) < 0)
		return;
	notice_of_journal(&j);
	journal_close(&j);
}
