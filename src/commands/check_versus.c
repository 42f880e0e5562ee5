/* Compares two commands of check --run: in turn, so that what changes on the machine meanwhile
 * meets both, and several times, so that what repeated runs differ by counts as no difference. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "commands/check_versus.h"
#include "commands/command.h"
#include "epolltune/cleanup.h"
#include "report/compare.h"

static int versus_print(const struct report *a, const struct report *b, const char *format,
			const struct render_style *style, struct err *e)
{
	CLEAN(comparison_free) struct comparison c;
	int rc = compare_reports(&c, a, b, COMPARE_TO_DIFF, e);
	if (rc)
		return rc;
	c.command = "epolltune check --versus";
	c.names[0] = a->server.asked;
	c.names[1] = b->server.asked;
	c.time = b->time.tv_sec;
	report_text(c.notes[1], "Medians of %d rounds each.", COMPARE_ROUNDS);
	if (!strcmp(format, "text"))
		printf("Before: %s\nAfter: %s\n\n", c.names[0], c.names[1]);
	return comparison_render_find(format)(stdout, &c, style, e);
}

int check_versus(const struct check_options *given, const char *format,
		 const struct render_style *style)
{
	struct check_options o = *given;
	struct err e = {0};
	CLEAN(free_pointer) struct report *all = calloc(2 * COMPARE_ROUNDS, sizeof(*all));
	int rc = all ? 0 : err_set(&e, ENOMEM, "reports: out of memory");
	/* The other walls are those of this machine, the same for both. */
	if (!o.probes)
		o.probes = probes_parse("accept-queue,application", NULL);
	o.probe.no_proof = true;
	for (size_t i = 0; i < (size_t)2 * COMPARE_ROUNDS && !rc; i++) {
		o.guest.command = i % 2 ? given->versus : given->guest.command;
		struct report *r = &all[i % 2 * COMPARE_ROUNDS + i / 2];
		rc = check_run(&o, r, &e);
		if (interrupt_came())
			return EXIT_UNKNOWN;
		if (!rc && !o.guest.offered_per_s)
			o.guest.offered_per_s =
				o.guest.requests_per_s ? o.guest.requests_per_s : compare_rate(r);
	}
	if (rc)
		return command_error(&e);
	compare_rounds(all, COMPARE_ROUNDS);
	compare_rounds(all + COMPARE_ROUNDS, COMPARE_ROUNDS);
	if (versus_print(all, all + COMPARE_ROUNDS, format, style, &e))
		return command_error(&e);
	return compare_status(all, all + COMPARE_ROUNDS);
}
