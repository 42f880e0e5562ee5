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

static bool is_critical(const struct report *r, const struct finding *f)
{
	return f->level == LEVEL_CRITICAL;
}
static bool is_warning(const struct report *r, const struct finding *f)
{
	return f->level == LEVEL_WARNING;
}
static bool is_note(const struct report *r, const struct finding *f)
{
	return f->level == LEVEL_NOTE;
}
static bool is_skipped(const struct report *r, const struct finding *f)
{
	return f->level == LEVEL_SKIPPED;
}
/* The answer has its clause. */
static bool is_untried(const struct report *r, const struct finding *f)
{
	return finding_untried(f);
}
static bool is_undecided(const struct report *r, const struct finding *f)
{
	const struct wall *w = report_find(r, f->wall);
	return w && !w->accepted && wall_undecided(r, w);
}

static const struct finding *first_of(const struct report *r, bool verbose,
				      bool (*wanted)(const struct report *, const struct finding *))
{
	for (size_t i = 0; i < r->finding_count; i++)
		if (!r->findings[i].accepted && (verbose || !r->findings[i].quiet) &&
		    wanted(r, &r->findings[i]))
			return &r->findings[i];
	return NULL;
}

static const char *undecided_first(const struct report *r)
{
	for (size_t i = 0; i < r->wall_count; i++)
		if (!r->walls[i].accepted && wall_undecided(r, &r->walls[i]))
			return r->walls[i].name;
	return NULL;
}

/* What made the status, a finding or a wall; NULL: nothing that explain knows. */
static const char *cause_of(const struct report *r, bool verbose, enum wall_verdict status)
{
	const struct finding *f = NULL;
	if (status == VERDICT_SHORT)
		f = first_of(r, verbose, is_critical);
	else if (status == VERDICT_UNKNOWN)
		f = first_of(r, verbose, is_undecided);
	else if (status == VERDICT_TIGHT)
		f = first_of(r, verbose, is_warning);
	if (!f && status == VERDICT_UNKNOWN && undecided_first(r))
		return undecided_first(r);
	if (!f)
		f = first_of(r, verbose, is_untried);
	if (!f && status == VERDICT_UNKNOWN)
		f = first_of(r, verbose, is_skipped);
	return f ? f->id : NULL;
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
	const enum wall_verdict status = report_summarize(r).status;
	enum apply_help helps = verdict_asks(status) ? apply_helps(r, status) : HELPS_NOT;
	if (r->host.isolation != ISOLATION_SYSROOT && helps) {
		/* A command that is cut off does something else. */
		if (arguments_of(r, arguments))
			snprintf(command, HINT_COMMAND, "%s%sepolltune apply%s%s --dry-run",
				 r->enter, r->enter[0] ? " " : "", arguments,
				 status == VERDICT_SHORT ? "" : " --tight");
		return helps == HELPS_BY_CHANGES ? "To see the changes: "
						 : "For the manual steps: ";
	}
	const char *cause = cause_of(r, verbose, status);
	if (cause)
		snprintf(command, HINT_COMMAND, "epolltune explain %s", cause);
	else if (!verbose && r->command[0] && first_of(r, verbose, is_note))
		snprintf(command, HINT_COMMAND, "%s --verbose", r->command);
	return cause ? "For more: " : "For the notes: ";
}
