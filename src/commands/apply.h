/* apply: what the files of the command share. */
#pragma once

#include "check/check.h"
#include "commands/tuning.h"
#include "report/hint.h"
#include "tune/journal.h"
#include "tune/plan.h"
#include "tune/verify.h"

struct apply {
	struct tuning tuning;
	struct check_options check;
	struct plan_options plan_options;
	const struct given *given;
	const char *from, *format;
	bool dry_run, yes, no_proof, persist;
	uint64_t confirm_us;
	char command[1024];
	bool command_cut; /* `command` is not to be pasted */
	char option[TUNING_OPTION];
	char reasons[HINT_COMMAND]; /* the command for the reasons of what has no verdict */
	char excluded[400];         /* which changes --only and --except left out */

	struct report *before, *after; /* `after` is the proof's */
	bool reported;                 /* `before` is filled */
	char answer[REPORT_ANSWER];    /* of `before` */
	struct check_options again;    /* options of the proof */
	probe_set probes;              /* of the proof; 0: all */
	struct plan *plan;
	struct change *standing; /* of plan_options */
	struct plan_result result;
	struct verification proof;
	struct journal journal; /* as last read; locked while changes are made */
};

/* Makes the plan; checks first, if no report is given. */
int apply_plan(struct apply *a, struct err *e);
/* Refuses because another run has to be decided first. */
int apply_refuse_pending(struct apply *a, const struct run *open, const struct host_identity *here,
			 struct err *e);
/* Why a report that is not ready leads to no change; NULL: nothing to say. */
const char *apply_no_change(struct apply *a);
/* The exit status of a preview, and of a plan without changes. */
int apply_preview_status(const struct apply *a);
/* EXIT_WARNING if manual steps remain or a change is not proven. */
int apply_status(const struct apply *a);

/* Whether any probe covers the changes; selects those of the proof. */
bool apply_choose_proof(struct apply *a);
/* At most how many seconds it takes. */
uint64_t apply_proof_limit(const struct apply *a);
/* Checks again and compares; prints the comparison. Of struct execution. */
int apply_prove(void *arg, struct err *e);

/* Asks on the terminal whether to make the changes. -ENOTTY without one, -ECANCELED: declined. */
int apply_ask(const struct apply *a, struct err *e);
/* Shows the count-down of a waiting run on a terminal; waits for the end of it where the watchdog
 * would end with this process. Returns the exit status: `status` if the run is confirmed or the
 * display is interrupted. */
int apply_watch(struct apply *a, int status);
