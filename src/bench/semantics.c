/* Checks what epoll promises on this kernel. */
#include "epolltune/semantics.h"
#include "bench/benches.h"
#include "epolltune/quantity.h"

static int semantics_task(struct bench_run *run, struct err *e)
{
	struct host *h = NULL;
	int rc = host_open(&h, "/", e);
	size_t deviations = 0, skipped = 0;
	struct semantics s = {0};
	for (unsigned i = 0; i < run->options.runs && rc == 0; i++) {
		rc = bench_round(run, "semantics", i, e);
		if (rc == 0)
			rc = semantics_run(h, &s, e);
		for (size_t k = 0; k < s.count && rc == 0; k++) {
			const struct semantics_check *c = &s.at[k];
			deviations += c->state == SEMANTICS_DEVIATES;
			skipped += c->state == SEMANTICS_SKIPPED;
			if (c->state == SEMANTICS_SKIPPED)
				bench_note(&run->table, "semantics %s: %s", c->name, c->detail);
			else if (c->min == c->max)
				bench_add(&run->table, "semantics", c->name, 0, 0, BENCH_EVENTS,
					  (double)c->seen, "%lld: %s", (long long)c->min,
					  c->expected);
			else
				bench_add(&run->table, "semantics", c->name, 0, 0, BENCH_EVENTS,
					  (double)c->seen, "%lld to %lld: %s", (long long)c->min,
					  (long long)c->max, c->expected);
		}
	}
	host_close(h);
	if (rc == 0)
		bench_note(&run->table, "semantics: %zu checks in %s: %zu deviations, %zu skipped",
			   s.count, quantity_of(run->options.runs, "round").text, deviations,
			   skipped);
	if (s.spin_wakeups_per_s > 0)
		bench_note(&run->table,
			   "semantics: an unneeded level-triggered EPOLLOUT causes %.0f wakeups "
			   "per second and uses %.0f %% of a CPU",
			   s.spin_wakeups_per_s, 100 * s.spin_cpu);
	return rc;
}

static int semantics_bench(struct bench_run *run, struct err *e)
{
	return bench_in_lab(run, LAB_SERVER, semantics_task, e);
}

const struct bench bench_semantics = {
	.name = "semantics",
	.summary = "what epoll promises, checked by experiments: expected and observed",
	.n = "not applicable",
	.run = semantics_bench,
};
