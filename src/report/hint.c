#include "report/hint.h"

#include <inttypes.h>
#include <stdio.h>

#include "epolltune/knob.h"
#include "epolltune/shell.h"

/* Whether apply can change what the finding proposes: it runs in the network namespace that was
 * entered, which cannot change what is one for the machine. */
static bool apply_changes(const struct report *r, const struct finding *f)
{
	for (size_t i = 0; r->enter[0] && i < f->proposal_count; i++) {
		const struct knob *k = knob_find(f->proposals[i].knob);
		if (k && knob_initial_only(k))
			return false;
	}
	return finding_proposes(f);
}

/* Whether apply can improve a wall of that verdict. */
static bool apply_helps(const struct report *r, enum wall_verdict verdict)
{
	for (size_t i = 0; i < r->finding_count; i++) {
		const struct finding *f = &r->findings[i];
		const struct wall *w = report_find(r, f->wall);
		if (w && w->verdict == verdict && !f->accepted && f->remedy != REMEDY_NONE &&
		    (!r->server.run || f->remedy == REMEDY_KERNEL) && apply_changes(r, f))
			return true;
	}
	return false;
}

static const struct finding *first_of(const struct report *r, bool verbose,
				      enum finding_level level)
{
	for (size_t i = 0; i < r->finding_count; i++)
		if (r->findings[i].level == level && !r->findings[i].accepted &&
		    (verbose || !r->findings[i].quiet))
			return &r->findings[i];
	return NULL;
}

const char *hint_next(const struct report *r, bool verbose, char *command, size_t size)
{
	char arguments[REPORT_SAVED + 960], word[4 * sizeof(r->server.asked)];
	command[0] = 0;
	if (r->saved[0])
		report_text(arguments, "%s", r->saved);
	else
		target_arguments(&r->target, arguments, sizeof(arguments));
	shell_word(word, sizeof(word), r->server.asked);
	if (r->server.asked[0] && !r->server.run)
		report_append(arguments, " --server %s", word);
	if (r->backlog)
		report_append(arguments, " --backlog %" PRIu64, r->backlog);
	if (r->peers)
		report_append(arguments, " --peers %" PRIu64, r->peers);
	if (r->probes[0])
		report_append(arguments, " --probe %s", r->probes);
	if (r->gentle)
		report_append(arguments, " --gentle");
	if (r->ignored[0])
		report_append(arguments, " --ignore %s", r->ignored);
	bool shorts = apply_helps(r, VERDICT_SHORT);
	if (r->host.isolation != ISOLATION_SYSROOT && (shorts || apply_helps(r, VERDICT_TIGHT))) {
		snprintf(command, size, "%s%sepolltune apply%s%s --dry-run", r->enter,
			 r->enter[0] ? " " : "", arguments, shorts ? "" : " --tight");
		return "To see the changes: ";
	}
	const struct finding *f = first_of(r, verbose, LEVEL_CRITICAL);
	if (!f)
		f = first_of(r, verbose, LEVEL_WARNING);
	if (f)
		snprintf(command, size, "epolltune explain %s", f->id);
	else if (!verbose && first_of(r, verbose, LEVEL_NOTE))
		snprintf(command, size, "epolltune check%s --verbose", arguments);
	return f ? "For more: " : "For the notes: ";
}
