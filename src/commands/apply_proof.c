/* The proof of apply: the same check again, compared with the one before. */
#include <errno.h>
#include <stdio.h>

#include "base/interrupt.h"
#include "commands/apply.h"
#include "report/compare.h"
#include "tune/coverage.h"

/* Whether the report before is of a server that was named, also in the report of --from. */
static bool of_server(const struct apply *a) { return a->before->server.asked[0]; }

/* The probes of the proof: those of the check or, with --from, --only, --set or --server, those
 * that measure the changes. */
bool apply_choose_proof(struct apply *a)
{
	a->again = a->check;
	/* A running server keeps its queue and its limits until it is restarted: the proof is of
	 * a new one, which has the limits of this shell. */
	a->again.server = NULL;
	if (!a->from && !a->plan_options.only && !a->plan_options.set && !of_server(a))
		return true;
	a->again.probes = a->probes = coverage_probes(a->plan, a->check.probes);
	return a->probes;
}

static int prove_once(struct apply *a, struct err *e)
{
	int rc = check_run(&a->again, a->after, e);
	if (interrupt_came())
		return err_set(e, EINTR, "interrupted by %s during the proof",
			       interrupt_name(interrupt_came()));
	return rc < 0 ? err_prefix(e, "the proof") : verify_plan(&a->proof, e);
}

/* The knobs of a plan whose target needs no wall that depends on them. */
static void print_unconcerned(const struct apply *a, const struct page *p)
{
	char text[PAGE_TEXT] = "";
	for (size_t i = 0; i < a->plan->count; i++)
		if (a->plan->changes[i].scope != CHANGE_FILES)
			report_append(text, "%s%s", text[0] ? ", " : "", a->plan->changes[i].name);
	report_append(text, ": nothing to prove.");
	char line[PAGE_TEXT + 40];
	report_text(line, "No wall of this target depends on %s", text);
	page_paragraph(p, TONE_PLAIN, 0, line);
}

static void print_proof(const struct apply *a)
{
	struct err ignored; /* a closed pipe must not cause a rollback either */
	char text[PAGE_TEXT], probes[PROBES_TEXT];
	struct page p = page_open(stdout, &a->tuning.style);
	if (!a->before->wall_count && !a->after->wall_count) {
		print_unconcerned(a, &p);
		return;
	}
	snprintf(text, sizeof(text),
		 "Proof, %s%s before and after:", a->probes ? "check --probe " : "the same probes",
		 probes_text(a->probes, probes));
	page_paragraph(&p, TONE_PLAIN, 0, text);
	if (a->proof.other_subject)
		page_paragraph(&p, TONE_PLAIN, 0,
			       "A server that runs keeps its accept queue and its limits until it "
			       "is restarted: BEFORE is of this server, AFTER of a new one with "
			       "the limits of this shell.");
	putchar('\n');
	compare_text(stdout, a->before, a->after, COMPARE_TO_PROVE, &a->tuning.style, &ignored);
	for (size_t i = 0; i < a->plan->count; i++)
		if (verify_unproven(&a->proof, &a->plan->changes[i], text))
			tuning_print(&a->tuning, a->plan->changes[i].wall, text);
	for (size_t i = 0; i < a->after->wall_count; i++)
		if (verify_unrelated(&a->proof, &a->after->walls[i]))
			tuning_print(
				&a->tuning, a->after->walls[i].name,
				"became worse, but not by these changes: they do not affect it");
}

uint64_t apply_proof_limit(const struct apply *a) { return 2 * check_limit(&a->again); }

/* Repeats a failed proof once, so that a busy moment does not cause a rollback. */
int apply_prove(void *arg, struct err *e)
{
	struct apply *a = arg;
	a->proof = (struct verification){.plan = a->plan,
					 .before = a->before,
					 .after = a->after,
					 .foreign = a->plan_options.foreign,
					 .other_subject = of_server(a)};
	if (a->probes)
		coverage_narrow(a->before, a->probes);
	int rc = prove_once(a, e);
	if (rc < 0 && !interrupt_came())
		rc = prove_once(a, e);
	a->result.after = a->after;
	if (a->tuning.document)
		a->result.proof = compare_json(a->before, a->after, COMPARE_TO_PROVE);
	else
		print_proof(a);
	return rc;
}
