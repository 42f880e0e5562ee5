#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "bench/metrics.h"
#include "commands/command.h"
#include "commands/figures.h"
#include "epolltune/cleanup.h"
#include "report/bench_render.h"
#include "report/output.h"
#include "terminal/progress.h"

#define NAMES 16
#define CONNECTIONS_MAX 4000000

struct bench_arguments {
	struct bench_options bench;
	const struct bench *names[NAMES];
	size_t count;
	struct figures_options figures;
	const char *svg;
	bool in_place;
};

static int name_add(struct bench_arguments *a, const char *name, struct err *e)
{
	const struct bench *b = bench_named(name);
	if (!b) {
		err_set(e, EINVAL, "bench: unknown bench \"%s\"; known: ", name);
		for (size_t i = 0; i < bench_count(); i++)
			err_append(e, "%s%s", i ? ", " : "", bench_at(i)->name);
		return -EINVAL;
	}
	for (size_t i = 0; i < a->count; i++)
		if (a->names[i] == b)
			return err_set(e, EINVAL, "bench: \"%s\" given twice", name);
	a->names[a->count++] = b;
	return 0;
}

static int arguments_complete(struct bench_arguments *a, const struct given *given, struct err *e)
{
	int rc = 0;
	if (a->svg && !strcmp(a->svg, "-"))
		return err_set(e, EINVAL, "--svg: needs a file, not standard output");
	rc = a->svg ? output_check(a->svg, e) : 0;
	if (rc == 0)
		rc = figures_check(&a->figures, e);
	for (int i = 0; i < given->count && rc == 0; i++)
		rc = name_add(a, given->operands[i], e);
	if (rc == 0 && !a->count)
		for (size_t i = 0; i < bench_count(); i++)
			a->names[a->count++] = bench_at(i);
	if (rc == 0 && a->bench.variants)
		rc = bench_check_variants(a->bench.variants, a->names, a->count, e);
	if (!a->bench.runs)
		a->bench.runs = a->bench.quick ? 3 : 5;
	return rc;
}

static void progress_show(const char *progress) { progress_print("%s", progress); }

/* Open a private lab, or use the calling namespace if namespaces are not available. */
static int lab_for(struct lab **lab, const struct bench_arguments *a, const struct host *h,
		   struct err *e)
{
	struct lab_options options = {0};
	int rc = a->in_place ? -EPERM : lab_open(lab, &options, h, e);
	if (rc != -EPERM)
		return rc;
	if (!a->in_place)
		fprintf(stderr,
			"epolltune: bench: no lab, measuring in the calling namespace: %s\n",
			e->text);
	e->code = 0;
	options.place = LAB_IN_PLACE;
	return lab_open(lab, &options, h, e);
}

static const int stopping[] = {SIGINT, SIGTERM};
#define STOPPING (sizeof(stopping) / sizeof(stopping[0]))

/* The caller's signal handling. Lab processes are stopped by their parent, not by the terminal:
 * they start with both signals ignored; a signal that arrives meanwhile stays pending. */
struct signals {
	struct sigaction before[STOPPING];
	sigset_t mask;
};

static void signals_block(struct signals *s)
{
	sigset_t both;
	sigemptyset(&both);
	for (size_t i = 0; i < STOPPING; i++)
		sigaddset(&both, stopping[i]);
	sigprocmask(SIG_BLOCK, &both, &s->mask);
	for (size_t i = 0; i < STOPPING; i++)
		sigaction(stopping[i], &(struct sigaction){.sa_handler = SIG_IGN}, &s->before[i]);
}

/* From here on a signal stops the run, if there is one: the first prints its results, a later one
 * kills. */
static void signals_unblock(const struct signals *s, struct bench_run *run)
{
	for (size_t i = 0; i < STOPPING; i++)
		sigaction(stopping[i], &s->before[i], NULL);
	if (run) {
		interrupt_share(&run->interrupt);
		interrupt_hold(INTERRUPT_ONCE);
	}
	sigprocmask(SIG_SETMASK, &s->mask, NULL);
}

/* Run the benches in turn until interrupted. A failure is reported at once and in the notes, and
 * does not stop the others. Returns false if any failed. */
static bool benches_run(const struct bench_arguments *a, struct bench_run *run)
{
	bool good = true;
	for (size_t i = 0; i < a->count && !interrupt_came(); i++) {
		struct err e = {0};
		int rc = a->names[i]->run(run, &e);
		if (run->show)
			progress_clear();
		if (rc == 0)
			continue;
		err_prefix(&e, "bench %s", a->names[i]->name);
		command_error(&e);
		bench_note(&run->table,
			   rc == -EINTR ? "%s: these are the figures up to then" : "failed: %s",
			   e.text);
		good = false;
	}
	if (interrupt_came() && good) {
		const struct err e = {.text = "interrupted"};
		command_error(&e);
		bench_note(&run->table, "interrupted: some benches or rounds are missing");
	}
	return good && !interrupt_came();
}

/* The number of rounds in the longest series. */
static unsigned rounds_done(const struct bench_table *t)
{
	unsigned max = 0;
	for (size_t i = 0; i < t->count; i++)
		max = t->at[i].runs > max ? t->at[i].runs : max;
	return max;
}

static int render_svg_to(FILE *out, void *arg, struct err *e)
{
	return bench_render_svg(out, arg, e);
}

static int figures_render(const struct bench_arguments *a, const struct host *h,
			  const struct bench_run *run, struct err *e)
{
	struct bench_page page = {.command = "bench",
				  .runs = rounds_done(&run->table),
				  .wanted = a->bench.runs,
				  .table = &run->table};
	page.host.isolation = lab_private(run->lab) ? ISOLATION_LAB : ISOLATION_IN_PLACE;
	int rc = figures_write(&a->figures, &page, h, e);
	return rc == 0 && a->svg ? output_write(a->svg, render_svg_to, &page, e) : rc;
}

static struct bench_run *run_make(const struct bench_arguments *a, const struct host *host,
				  struct lab *lab, struct err *e)
{
	struct bench_run *run = lab_alloc(lab, sizeof(*run), e);
	if (!run)
		return NULL;
	bench_init(&run->table);
	run->options = a->bench;
	run->host = host;
	run->lab = lab;
	run->show = progress_usable() ? progress_show : NULL;
	return run;
}

/* Print what was measured even if a bench failed; then *good is false. */
static int bench_all(const struct bench_arguments *a, bool *good, struct err *e)
{
	CLEAN(host_closep) struct host *host = NULL;
	CLEAN(lab_closep) struct lab *lab = NULL;
	struct signals signals;
	int rc = host_open(&host, "/", e);
	if (rc < 0)
		return rc;
	signals_block(&signals);
	rc = lab_for(&lab, a, host, e);
	struct bench_run *run = rc == 0 ? run_make(a, host, lab, e) : NULL;
	signals_unblock(&signals, run);
	if (!run)
		return -e->code;
	*good = benches_run(a, run);
	interrupt_release();
	interrupt_share(NULL);
	return run->table.count || *good ? figures_render(a, host, run, e) : 0;
}

static int bench(void *arguments, const struct given *given)
{
	struct bench_arguments *a = arguments;
	struct err e = {0};
	bool good = false;
	if (arguments_complete(a, given, &e) || bench_all(a, &good, &e))
		return command_error(&e);
	return good ? EXIT_OK : EXIT_UNKNOWN;
}

#define AT(member) OPTION_AT(struct bench_arguments, member)

static const struct option_row options[] = {
	{"runs", "N", "number of interleaved rounds (5)", AT(bench.runs),
	 NUMBER(COUNT, 1, BENCH_RUNS)},
	{"quick", NULL, "fewer and shorter rounds, smaller sizes", AT(bench.quick), FLAG},
	{"variant", "NAME,…", "run only these variants", AT(bench.variants), LIST(NULL)},
	{"connections", "N", "connections of hold and request, largest size of wait",
	 AT(bench.connections), NUMBER(COUNT, 2, CONNECTIONS_MAX)},
	FIGURES_OPTIONS(struct bench_arguments, figures),
	{"svg", "FILE", "also draw the figures into FILE, as SVG", AT(svg), TEXT_OF(FILES)},
	IN_PLACE_OPTION(AT(in_place)),
	{0},
};

static const struct bench_arguments defaults = {.figures = {"text", NULL, "auto"}};

const struct command bench_command = {
	.name = "bench",
	.arguments = "[BENCH ...]",
	.summary = "Benchmark connects, requests, waits and memory of epoll",
	.options = options,
	.defaults = &defaults,
	.size = sizeof(defaults),
	.run = bench,
};
