/* Compares two commands of check --run: in turn, so that what changes on the machine meanwhile
 * meets both, and several times, so that what repeated runs differ by counts as no difference. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands/check.h"
#include "epolltune/cleanup.h"
#include "report/compare.h"

/* By chance alone the ranges of five runs each do not overlap in 1 of 126 cases. */
#define ROUNDS 5

static int figures_order(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* Joins the rounds of one command in the first of them: medians and ranges of what was measured. */
static void rounds_join(struct report *rounds)
{
	for (size_t i = 0; i < rounds->wall_count; i++) {
		struct wall *w = &rounds->walls[i];
		int64_t at[ROUNDS];
		size_t count = 0;
		for (size_t k = 0; k < ROUNDS; k++) {
			const struct wall *one = report_find(&rounds[k], w->name);
			if (one && one->verdict == w->verdict && one->measured != REPORT_NONE)
				at[count++] = one->measured;
		}
		if (count < ROUNDS)
			continue;
		qsort(at, ROUNDS, sizeof(*at), figures_order);
		w->lowest = at[0];
		w->measured = at[ROUNDS / 2];
		w->highest = at[ROUNDS - 1];
	}
}

static int versus_print(const struct report *a, const struct report *b, bool json,
			const struct render_style *style, struct err *e)
{
	if (json)
		return compare_json_print(stdout, json_array(), compare_json(a, b), e);
	printf("Before: %s\nAfter: %s\nMedians of %d rounds each.\n\n", a->server.asked,
	       b->server.asked, ROUNDS);
	return compare_text(stdout, a, b, style, e);
}

int check_versus(const struct check_options *given, bool json, const struct render_style *style)
{
	struct check_options o = *given;
	struct err e = {0};
	CLEAN(free_pointer) struct report *all = calloc(2 * ROUNDS, sizeof(*all));
	int rc = all ? 0 : err_set(&e, ENOMEM, "no memory for the reports");
	/* The other walls are those of this machine, the same for both. */
	if (!o.probes)
		o.probes = "accept-queue,application";
	o.probe.no_proof = true;
	for (size_t i = 0; i < (size_t)2 * ROUNDS && !rc; i++) {
		o.guest.command = i % 2 ? given->versus : given->guest.command;
		rc = check_run(&o, &all[i % 2 * ROUNDS + i / 2], &e);
	}
	if (rc)
		return command_error(&e);
	rounds_join(all);
	rounds_join(all + ROUNDS);
	if (versus_print(all, all + ROUNDS, json, style, &e))
		return command_error(&e);
	return compare_status(all, all + ROUNDS);
}
