#include "report/hint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/shell.h"
#include "epolltune/knob.h"

#define ADD(...) report_append_to(arguments, HINT_ARGUMENTS, __VA_ARGS__)

enum apply_help {
	HELPS_NOT,
	HELPS_BY_STEPS,   /* it prints manual steps */
	HELPS_BY_CHANGES, /* it changes settings too */
};

/* What apply does about a finding: it runs in the network namespace that was entered, which cannot
 * change what is one for the machine. */
static enum apply_help apply_does(const struct report *r, const struct finding *f)
{
	enum apply_help does = finding_proposes(f) ? HELPS_BY_STEPS : HELPS_NOT;
	for (size_t i = 0; i < f->proposal_count; i++) {
		const struct knob *k = knob_find(f->proposals[i].knob);
		if (k && r->enter[0] && knob_initial_only(k))
			return HELPS_NOT;
		if (k && f->proposals[i].proposed[0] &&
		    (knob_is_sysctl(k) || k->scope == KNOB_DEVICE))
			does = HELPS_BY_CHANGES;
	}
	return does;
}

/* What apply does about the walls of that verdict. */
static enum apply_help apply_helps(const struct report *r, enum wall_verdict verdict)
{
	enum apply_help best = HELPS_NOT;
	for (size_t i = 0; i < r->finding_count; i++) {
		const struct finding *f = &r->findings[i];
		const struct wall *w = report_find(r, f->wall);
		if (!w || w->verdict != verdict || f->accepted || f->remedy == REMEDY_NONE ||
		    (r->server.run && f->remedy != REMEDY_KERNEL))
			continue;
		enum apply_help does = apply_does(r, f);
		best = does > best ? does : best;
	}
	return best;
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

/* The options that ask the same question of check and apply; false: they do not fit. */
static bool arguments_of(const struct report *r, char arguments[HINT_ARGUMENTS])
{
	char word[4 * sizeof(r->ignored)];
	bool whole = !r->cut;
	if (r->saved[0])
		report_text_into(arguments, HINT_ARGUMENTS, "%s", r->saved);
	else
		target_arguments(&r->target, arguments, HINT_ARGUMENTS);
	shell_word(word, sizeof(word), r->server.asked);
	if (r->server.asked[0] && !r->server.run)
		whole &= ADD(" --server %s", word);
	if (r->backlog)
		whole &= ADD(" --backlog %" PRIu64, r->backlog);
	if (r->peers)
		whole &= ADD(" --peers %" PRIu64, r->peers);
	shell_word(word, sizeof(word), r->probes);
	if (r->probes[0])
		whole &= ADD(" --probe %s", word);
	whole &= ADD("%s%s", r->further, r->gentle ? " --gentle" : "");
	shell_word(word, sizeof(word), r->ignored);
	if (r->ignored[0])
		whole &= ADD(" --ignore %s", word);
	return whole;
}

char *hint_arguments(const struct report *r, char arguments[HINT_ARGUMENTS])
{
	if (!arguments_of(r, arguments))
		arguments[0] = 0;
	return arguments;
}

char *hint_check(const struct report *r, char command[HINT_COMMAND])
{
	char arguments[HINT_ARGUMENTS];
	command[0] = 0;
	if (arguments_of(r, arguments))
		snprintf(command, HINT_COMMAND, "%s%sepolltune check%s --verbose", r->enter,
			 r->enter[0] ? " " : "", arguments);
	return command;
}

const char *hint_next(const struct report *r, bool verbose, char command[HINT_COMMAND])
{
	char arguments[HINT_ARGUMENTS];
	command[0] = 0;
	enum apply_help shorts = apply_helps(r, VERDICT_SHORT);
	enum apply_help helps = shorts ? shorts : apply_helps(r, VERDICT_TIGHT);
	if (r->host.isolation != ISOLATION_SYSROOT && helps) {
		/* A command that is cut off does something else. */
		if (arguments_of(r, arguments))
			snprintf(command, HINT_COMMAND, "%s%sepolltune apply%s%s --dry-run",
				 r->enter, r->enter[0] ? " " : "", arguments,
				 shorts ? "" : " --tight");
		return helps == HELPS_BY_CHANGES ? "To see the changes: "
						 : "For the manual steps: ";
	}
	const struct finding *f = first_of(r, verbose, LEVEL_CRITICAL);
	if (!f)
		f = first_of(r, verbose, LEVEL_WARNING);
	if (f)
		snprintf(command, HINT_COMMAND, "epolltune explain %s", f->id);
	else if (!verbose && r->command[0] && first_of(r, verbose, LEVEL_NOTE))
		snprintf(command, HINT_COMMAND, "%s --verbose", r->command);
	return f ? "For more: " : "For the notes: ";
}
