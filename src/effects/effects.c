#include "effects/effects.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "epolltune/cleanup.h"
#include "epolltune/exit_status.h"
#include "epolltune/lab.h"
#include "epolltune/order.h"
#include "report/figure.h"
#include "terminal/progress.h"

const char *effect_name(enum effect_kind kind)
{
	static const char *const names[] = {
		[EFFECT_NONE] = "no effect here",
		[EFFECT_GAINS] = "gains",
		[EFFECT_HARMS] = "harms",
		[EFFECT_UNTESTED] = "not testable here",
	};
	return names[kind];
}

enum effect_kind effect_kind(const struct effect *x)
{
	for (size_t i = 0; i < x->count; i++)
		if (!x->walls[i].better)
			return EFFECT_HARMS;
	return x->count ? EFFECT_GAINS : x->differs ? EFFECT_UNTESTED : EFFECT_NONE;
}

void effects_free(struct effects *s)
{
	for (size_t side = 0; side < SIDES; side++) {
		free(s->measured[side]);
		free(s->inspected[side]);
	}
	free(s->lines);
}

static int line_compare(const void *a, const void *b)
{
	const struct line_effect *x = a, *y = b;
	if (x->side != y->side)
		return ORDER(x->side, y->side);
	int file = strcmp(x->file, y->file);
	return file ? file : ORDER(x->line, y->line);
}

int effects_add(struct effects *s, const struct lint *l, size_t side, const char *file,
		struct err *e)
{
	size_t sets = 0;
	for (size_t i = 0; i < l->values.count; i++)
		sets += !l->values.at[i].exclude;
	if (!sets)
		return err_set(e, EINVAL, "lint: %s: no line sets a sysctl", file);
	struct line_effect *lines = reallocarray(s->lines, s->count + sets, sizeof(*lines));
	if (!lines)
		return err_set(e, ENOMEM, "lint: out of memory");
	s->lines = lines;
	s->files[side] = file;
	for (size_t i = 0; i < l->values.count; i++) {
		const struct lint_value *v = &l->values.at[i];
		if (v->exclude)
			continue;
		const struct lint_value *winner = sysctl_value_winner(l, v);
		struct line_effect *x = &lines[s->count++];
		*x = (struct line_effect){.file = v->file,
					  .line = v->line,
					  .side = side,
					  .winner = winner ? winner->line : 0,
					  .excluded = winner && winner->exclude,
					  .refused_after = v->refused_after};
		report_text(x->name, "%s", v->name);
		report_text(x->value, "%s", v->value);
		x->knob = knob_find(v->name);
	}
	qsort(lines, s->count, sizeof(*lines), line_compare);
	return 0;
}

/* Whether experiments of the probe depend on the knob; NULL: on any. */
static bool probe_tries(const struct probe *p, const struct knob *k)
{
	for (const struct experiment *x = p->experiments; x && x->wall; x++)
		if (x->run && x->knobs[0] && (!k || wall_depends(x->wall, k)))
			return true;
	return false;
}

static probe_set probes_of(const struct knob *k, probe_set allowed)
{
	probe_set set = 0;
	for (size_t i = 0; i < probe_count(); i++)
		if (probe_chosen(allowed, i) && probe_tries(probe_at(i), k))
			set |= (probe_set)1 << i;
	return set;
}

__attribute__((format(printf, 3, 4))) static void
line_settle(struct line_effect *x, enum effect_kind kind, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(x->why, sizeof(x->why), fmt, args);
	va_end(args);
	x->way = LINE_LEFT_OUT;
	x->kind = kind;
}

static const char *outside(const char *name)
{
	static const struct {
		const char *begins, *why;
	} trees[] = {
		{"net.ipv4.conf.", "it needs a device: it is set for each interface"},
		{"net.ipv6.conf.", "it needs a device: it is set for each interface"},
		{"net.ipv4.neigh.", "it needs a device: it is set for each interface"},
		{"net.ipv6.neigh.", "it needs a device: it is set for each interface"},
		{"net.", "no experiment depends on it"},
	};
	for (size_t i = 0; i < sizeof(trees) / sizeof(*trees); i++)
		if (!strncmp(name, trees[i].begins, strlen(trees[i].begins)))
			return trees[i].why;
	return "it is a setting of the whole machine, which the lab does not have";
}

/* Sets the value in the lab and restores the one before. It is then as the kernel shows it, where
 * not only blanks differ. */
static int value_try(struct lab *lab, struct lab_sysctl *s, struct line_effect *x, struct err *e)
{
	char set[LAB_SYSCTL_TEXT], silent[KNOB_VALUE];
	report_text(set, "%s", knob_silent(x->name, x->value, silent));
	report_text(s->name, "%s", x->name);
	report_text(s->text, "%s", set);
	int rc = lab_sysctl_swap(lab, LAB_SERVER, s, e);
	if (!rc)
		rc = lab_sysctl_swap(lab, LAB_SERVER, s, e);
	if (rc)
		return rc;
	text_join(set);
	text_join(s->text);
	if (strcmp(s->text, set) != 0)
		report_text(x->value, "%s", s->text);
	return 0;
}

struct trying {
	struct effects *s;
	const struct check_options *o;
	struct host *host;
	struct lab *lab;  /* to set values in; NULL: none */
	struct err nolab; /* then: why */
	effects_check *check;
	struct report *at; /* of a group of lines */
};

static bool is_loaded_control(const struct host *h, const char *name)
{
	char list[1024];
	if (host_read(h, "proc/sys/net/ipv4/tcp_available_congestion_control", list, sizeof(list),
		      NULL) < 0)
		return false;
	char *rest = list, *word;
	while ((word = strsep(&rest, " ")))
		if (!strcmp(word, name))
			return true;
	return false;
}

/* Checks by the catalogue what no lab can set. */
static void line_check(const struct trying *t, struct line_effect *x)
{
	char normal[KNOB_VALUE];
	struct err refused;
	int rc = knob_check(x->knob, x->value, normal, &refused);
	if (!rc)
		rc = knob_check_min(x->knob, host_kernel(t->host), host_tick_us(t->host), normal,
				    &refused);
	if (rc)
		line_settle(x, EFFECT_NONE, "the value is refused: %s", refused.text);
	else
		report_text(x->value, "%s", normal);
}

static int line_enter(const struct trying *t, struct line_effect *x, struct err *e)
{
	struct err refused = {0};
	x->way = LINE_IN_LAB;
	if (!strcmp(x->name, "net.ipv4.tcp_congestion_control") &&
	    !is_loaded_control(t->host, x->value)) {
		line_settle(
			x, EFFECT_UNTESTED,
			"the module tcp_%.40s is not loaded, and loading it changes the machine",
			x->value);
		return 0;
	}
	if (!t->lab && !x->knob)
		line_settle(x, EFFECT_UNTESTED, "%s", t->nolab.text);
	else if (!t->lab)
		line_check(t, x);
	if (!t->lab)
		return 0;
	size_t mark = lab_mark(t->lab);
	struct lab_sysctl *s = lab_alloc(t->lab, sizeof(*s), e);
	if (!s)
		return -ENOMEM;
	int rc = value_try(t->lab, s, x, &refused);
	if (rc == -EACCES || rc == -EPERM || rc == -EROFS || (rc == -ENOENT && !x->knob))
		line_settle(x, EFFECT_UNTESTED,
			    "the kernel does not let a private namespace set it");
	else if (rc == -ENOENT)
		line_check(t, x); /* an unprivileged lab before Linux 6.11 */
	else if (rc == -ETIMEDOUT || rc == -ENOMEM || rc == -EFBIG)
		line_settle(x, EFFECT_UNTESTED, "%s", refused.text);
	else if (rc)
		line_settle(x, EFFECT_NONE, "the kernel refuses the value: %s", strerror(-rc));
	if (rc != -ETIMEDOUT)
		lab_release(t->lab, mark);
	return 0;
}

/* Whether the running kernel has a sysctl of that name, here or elsewhere. */
static bool kernel_has(const struct host *h, const char *general, bool knob)
{
	const struct sysctl_history *of = sysctl_history_find(general);
	if (of && of->until && host_kernel(h) >= of->until)
		return false;
	if (of && of->since && host_kernel(h) < of->since)
		return false;
	return knob || sysctl_known(general);
}

/* How the line can be tried; what is known without an experiment. */
static int line_prepare(const struct trying *t, struct line_effect *x, struct err *e)
{
	char path[SYSCTL_PATH], general[SYSCTL_NAME] = "", running[LAB_SYSCTL_TEXT];
	sysctl_path(x->name, path);
	sysctl_general(x->name, general);
	const char *module = sysctl_module(general);
	bool system = x->knob && x->knob->scope == KNOB_SYSTEM;
	if (x->winner)
		line_settle(x, EFFECT_NONE, "line %u %s it", x->winner,
			    x->excluded ? "excludes" : "overrides");
	else if (x->refused_after)
		line_settle(x, EFFECT_NONE, "the kernel refuses it after line %u",
			    x->refused_after);
	else if (strpbrk(x->name, "*?[/"))
		line_settle(x, EFFECT_UNTESTED, "%s", outside(x->name));
	else if (!host_has(t->host, path) && module)
		line_settle(x, EFFECT_UNTESTED, "it exists only while %s is loaded", module);
	else if (!host_has(t->host, path) && kernel_has(t->host, general, x->knob))
		line_settle(x, EFFECT_UNTESTED, "it is not visible in this network namespace");
	else if (!host_has(t->host, path))
		line_settle(x, EFFECT_NONE, "this kernel does not have it");
	else if (system)
		x->way = LINE_INSPECTED, line_check(t, x);
	else if (!lab_copies(x->name))
		line_settle(x, EFFECT_UNTESTED, "%s", outside(x->name));
	else if (line_enter(t, x, e) < 0)
		return -ENOMEM;
	if (x->way == LINE_LEFT_OUT)
		return 0;
	if (host_read(t->host, path, running, sizeof(running), NULL) >= 0) {
		text_join(running);
		if (!strcmp(running, x->value))
			line_settle(x, EFFECT_NONE, "the value is in force already");
	}
	if (x->knob)
		x->probes = probes_of(x->knob, t->o->probes);
	return 0;
}

/* A check with the values of some lines. */
static int laid_run(const struct trying *t, const struct line_effect *const *lines, size_t count,
		    probe_set probes, bool quick, struct report *out, struct err *e)
{
	CLEAN(free_pointer) struct check_laid *laid = calloc(count + 1, sizeof(*laid));
	struct check_options o = *t->o;
	if (!laid)
		return err_set(e, ENOMEM, "lint: out of memory");
	for (size_t i = 0; i < count; i++)
		laid[i] = (struct check_laid){lines[i]->name, lines[i]->value};
	o.laid = laid;
	o.laid_count = count;
	o.quick = quick;
	o.probes = probes;
	o.probe.no_proof = true;
	o.progress = progress_usable();
	return t->check(&o, out, e);
}

/* Whether a line can move the wall; one without a knob may move any that depends on knobs. */
static bool line_concerns(const struct line_effect *x, const char *wall)
{
	const struct experiment *experiment = experiment_find(wall);
	if (experiment && !experiment->knobs[0])
		return false; /* a figure of the machine's CPUs */
	return !x || !x->knob || wall_depends(wall, x->knob);
}

static bool is_judged(const struct wall *w)
{
	return w->verdict != VERDICT_UNKNOWN && w->experiment != EXPERIMENT_MISSED;
}

/* A harm takes the place of a gain where there is no other. */
static void effect_add(struct effect *x, const struct wall_effect *one)
{
	size_t at = x->count;
	if (at == EFFECT_WALLS)
		for (at = 0; at < EFFECT_WALLS && (one->better || !x->walls[at].better);)
			at++;
	else
		x->count++;
	if (at < EFFECT_WALLS)
		x->walls[at] = *one;
}

/* Adds the walls that change. `x`: NULL for any wall. */
static void effect_find(struct effect *out, const struct line_effect *x,
			const struct report *before, const struct report *after)
{
	for (size_t i = 0; i < after->wall_count; i++) {
		const struct wall *is = &after->walls[i], *was = report_find(before, is->name);
		const struct experiment *experiment = experiment_find(is->name);
		if (!was || !line_concerns(x, is->name))
			continue;
		enum compare_verdict v = compare_gain(was, is, experiment ? experiment->spread : 0);
		if (v == COMPARE_BETTER || v == COMPARE_WORSE)
			effect_add(out, &(struct wall_effect){*was, *is, v == COMPARE_BETTER});
	}
}

static const struct wall_effect *effect_same(const struct effect *x, const struct wall_effect *as)
{
	for (size_t i = 0; i < x->count; i++)
		if (x->walls[i].better == as->better &&
		    !strcmp(x->walls[i].after.name, as->after.name))
			return &x->walls[i];
	return NULL;
}

/* Says of a line without effect what stays, or why nothing was learned. */
static void line_explain(struct line_effect *x, const struct report *before,
			 const struct report *after)
{
	size_t done = 0;
	const struct wall *missed = NULL, *lost = NULL; /* before as well; with the line only */
	char stays[sizeof(x->why)] = "", from[64], to[64];
	for (size_t i = 0; i < after->wall_count; i++) {
		const struct wall *is = &after->walls[i], *was = report_find(before, is->name);
		if (!was || !line_concerns(x, is->name) || is->verdict == VERDICT_NA)
			continue;
		if (!is_judged(is) && is_judged(was))
			lost = is;
		else if (!is_judged(is))
			missed = is;
		done += is_judged(is);
		report_append(stays, "%s%s", stays[0] ? ", " : "", is->name);
		if (compare_wall(was, is) == COMPARE_MOVED)
			report_append(stays, " %s → %s", figure_text(from, sizeof(from), was),
				      figure_text(to, sizeof(to), is));
		report_append(stays, " stays %s", wall_verdict_name(is->verdict));
	}
	if (!lost && !done)
		lost = missed;
	x->kind = lost || !stays[0] ? EFFECT_UNTESTED : EFFECT_NONE;
	if (lost)
		report_text(x->why, "%s: %s", lost->name,
			    lost->reason[0] ? lost->reason : lost->detail);
	else
		report_text(x->why, "%s",
			    stays[0] ? stays : "this target has no wall that depends on it");
}

/* Whether a line of the file alone explains what all of them do. */
static bool is_explained(const struct effects *s, size_t side, const struct wall_effect *by)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->lines[i].side == side && effect_same(&s->lines[i].effect, by))
			return true;
	return false;
}

/* Lines that are in force at once. */
struct laid {
	const struct line_effect *const *lines;
	size_t count;
	const struct line_effect *one; /* the only one; NULL: all of a file */
};

/* Whether a figure that differs between runs by itself makes the effect; of all lines one that none
 * of them alone has confirmed. */
static bool is_doubted(const struct effects *s, const struct laid *l, const struct wall_effect *by)
{
	const struct experiment *x = experiment_find(by->after.name);
	return x && x->spread && (l->one || !is_explained(s, l->lines[0]->side, by));
}

static probe_set probes_of_wall(const char *wall)
{
	probe_set set = 0;
	for (size_t i = 0; i < probe_count(); i++)
		if (probe_has_wall(probe_at(i), wall))
			set |= (probe_set)1 << i;
	return set;
}

/* Repeats what is doubted: it has to show twice. */
static int effect_confirm(const struct trying *t, struct effect *x, const struct laid *l,
			  struct err *e)
{
	probe_set probes = 0;
	for (size_t i = 0; i < x->count; i++)
		if (is_doubted(t->s, l, &x->walls[i]))
			probes |= probes_of_wall(x->walls[i].after.name);
	if (!probes)
		return 0;
	CLEAN(free_pointer) struct report *again = calloc(1, sizeof(*again));
	CLEAN(free_pointer) struct effect *second = calloc(1, sizeof(*second));
	size_t kept = 0;
	if (!again || !second)
		return err_set(e, ENOMEM, "lint: out of memory");
	int rc = laid_run(t, NULL, 0, probes, false, again, e);
	if (!rc)
		rc = laid_run(t, l->lines, l->count, probes, false, t->at, e);
	if (rc)
		return rc;
	effect_find(second, l->one, again, t->at);
	for (size_t i = 0; i < x->count; i++) {
		const struct wall_effect *by = &x->walls[i];
		if (!is_doubted(t->s, l, by) || effect_same(second, by))
			x->walls[kept++] = *by;
		else
			x->differs = experiment_find(by->after.name)->wall;
	}
	x->count = kept;
	return 0;
}

/* Confirms what a line seems to do. */
static int line_confirm(const struct trying *t, struct line_effect *x, struct err *e)
{
	const struct line_effect *one = x;
	int rc = effect_confirm(t, &x->effect, &(struct laid){&one, 1, x}, e);
	x->kind = effect_kind(&x->effect);
	if (x->kind == EFFECT_UNTESTED)
		report_text(x->why, "%s differs between two runs", x->effect.differs);
	return rc;
}

/* Judges a line by the report that has it. */
static int line_judge(const struct trying *t, struct line_effect *x, bool quick, struct err *e)
{
	const struct report *before = quick ? t->s->inspected[0] : t->s->measured[0];
	const struct line_effect *one = x;
	int rc = 0;
	for (unsigned tries = 0; tries < 2 && !rc; tries++) {
		x->effect.count = 0;
		effect_find(&x->effect, x, before, t->at);
		line_explain(x, before, t->at);
		if (quick || x->effect.count || x->kind != EFFECT_UNTESTED || tries)
			break;
		/* The machine may have been too busy. */
		rc = laid_run(t, &one, 1, x->probes, false, t->at, e);
	}
	if (rc || !x->effect.count)
		return rc;
	x->kind = effect_kind(&x->effect);
	return quick ? 0 : line_confirm(t, x, e);
}

/* Runs lines that share no probe in one check, until all are done. */
static int groups_run(const struct trying *t, struct err *e)
{
	struct effects *s = t->s;
	CLEAN(free_pointer)
	struct line_effect **group = calloc(s->count + 1, sizeof(struct line_effect *));
	CLEAN(free_pointer) bool *done = calloc(s->count + 1, sizeof(*done));
	size_t count = 1;
	int rc = group && done ? 0 : err_set(e, ENOMEM, "lint: out of memory");
	while (!rc && count) {
		probe_set probes = 0;
		count = 0;
		for (size_t i = 0; i < s->count; i++) {
			struct line_effect *x = &s->lines[i];
			if (done[i] || x->way != LINE_IN_LAB || !x->probes || x->probes & probes)
				continue;
			done[i] = true;
			group[count++] = x;
			probes |= x->probes;
		}
		if (!rc && count)
			rc = laid_run(t, (const struct line_effect *const *)group, count, probes,
				      false, t->at, e);
		/* effect_confirm() uses the report for itself. */
		CLEAN(free_pointer) struct report *at = malloc(sizeof(*at));
		if (!at)
			return err_set(e, ENOMEM, "lint: out of memory");
		*at = *t->at;
		for (size_t i = 0; i < count && !rc; i++) {
			*t->at = *at;
			rc = line_judge(t, group[i], false, e);
		}
	}
	return rc;
}

static int inspected_run(const struct trying *t, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; i < t->s->count && !rc; i++) {
		struct line_effect *x = &t->s->lines[i];
		const struct line_effect *one = x;
		if (x->way != LINE_INSPECTED)
			continue;
		rc = laid_run(t, &one, 1, 0, true, t->at, e);
		if (!rc)
			rc = line_judge(t, x, true, e);
		bool judged = false;
		for (size_t w = 0; w < t->at->wall_count; w++)
			judged |= experiment_uses(experiment_find(t->at->walls[w].name), x->name);
		if (!x->effect.count && !judged)
			line_settle(
				x, EFFECT_UNTESTED,
				"it is a setting of the whole machine, and no experiment depends on it");
		x->way = LINE_INSPECTED;
	}
	return rc;
}

/* All lines of a file that one way of trying takes. */
static size_t lines_of(const struct effects *s, size_t side, int way,
		       const struct line_effect **out)
{
	size_t count = 0;
	for (size_t i = 0; i < s->count; i++)
		if (s->lines[i].side == side && (int)s->lines[i].way == way)
			out[count++] = &s->lines[i];
	return count;
}

static int together_run(const struct trying *t, size_t side, probe_set probes, struct err *e)
{
	struct effects *s = t->s;
	CLEAN(free_pointer)
	const struct line_effect **lines = calloc(s->count + 1, sizeof(struct line_effect *));
	if (!lines)
		return err_set(e, ENOMEM, "lint: out of memory");
	size_t count = lines_of(s, side, LINE_IN_LAB, lines);
	int rc = s->measured[side] ? laid_run(t, lines, count, probes, false, s->measured[side], e)
				   : 0;
	if (!rc && s->measured[side])
		effect_find(&s->together[side], NULL, s->measured[0], s->measured[side]);
	if (!rc && count)
		rc = effect_confirm(t, &s->together[side], &(struct laid){lines, count, NULL}, e);
	count = lines_of(s, side, LINE_INSPECTED, lines);
	if (!rc && s->inspected[side])
		rc = laid_run(t, lines, count, 0, true, s->inspected[side], e);
	if (!rc && s->inspected[side])
		effect_find(&s->together[side], NULL, s->inspected[0], s->inspected[side]);
	return rc;
}

/* Tries lines on which no experiment is known to depend, where all lines do what none of the others
 * does alone. */
static int unknown_run(const struct trying *t, size_t side, probe_set probes, struct err *e)
{
	struct effects *s = t->s;
	const struct effect *all = &s->together[side];
	bool explained = true;
	int rc = 0;
	for (size_t i = 0; i < all->count; i++)
		explained &= is_explained(s, side, &all->walls[i]);
	for (size_t i = 0; i < s->count && !rc && !explained; i++) {
		struct line_effect *x = &s->lines[i];
		const struct line_effect *one = x;
		if (x->side != side || x->way != LINE_IN_LAB || x->probes)
			continue;
		rc = laid_run(t, &one, 1, probes, false, t->at, e);
		if (!rc)
			effect_find(&x->effect, x, s->measured[0], t->at);
		size_t kept = 0;
		for (size_t k = 0; k < x->effect.count; k++)
			if (effect_same(all, &x->effect.walls[k]))
				x->effect.walls[kept++] = x->effect.walls[k];
		x->effect.count = kept;
		if (!rc)
			rc = line_confirm(t, x, e);
	}
	for (size_t i = 0; i < s->count; i++) {
		struct line_effect *x = &s->lines[i];
		if (x->side == side && x->way == LINE_IN_LAB && !x->probes && !x->effect.count &&
		    !x->effect.differs) {
			x->kind = EFFECT_UNTESTED;
			report_text(x->why, "no experiment%s depends on it",
				    x->knob && t->o->probes ? " of these probes" : "");
		}
	}
	return rc;
}

static int reports_make(struct effects *s, bool measured, bool inspected, struct err *e)
{
	for (size_t side = 0; side < SIDES; side++) {
		if (side && !s->files[side])
			continue;
		if (measured && !(s->measured[side] = calloc(1, sizeof(struct report))))
			return err_set(e, ENOMEM, "lint: out of memory");
		if (inspected && !(s->inspected[side] = calloc(1, sizeof(struct report))))
			return err_set(e, ENOMEM, "lint: out of memory");
	}
	return 0;
}

static int lines_try(const struct trying *t, struct err *e)
{
	struct effects *s = t->s;
	probe_set probes = 0;
	bool measured = false, inspected = false, unknown = false;
	for (size_t i = 0; i < s->count; i++) {
		const struct line_effect *x = &s->lines[i];
		inspected |= x->way == LINE_INSPECTED;
		measured |= x->way == LINE_IN_LAB;
		unknown |= x->way == LINE_IN_LAB && !x->probes;
		probes |= x->probes;
	}
	if (unknown)
		probes = probes_of(NULL, t->o->probes);
	measured &= probes != 0;
	int rc = reports_make(s, measured, inspected, e);
	if (!rc && measured)
		rc = laid_run(t, NULL, 0, probes, false, s->measured[0], e);
	if (!rc && inspected)
		rc = laid_run(t, NULL, 0, 0, true, s->inspected[0], e);
	if (!rc && measured)
		rc = groups_run(t, e);
	if (!rc)
		rc = inspected_run(t, e);
	for (size_t side = 1; side < SIDES && !rc; side++) {
		if (s->files[side])
			rc = together_run(t, side, probes, e);
		if (!rc && s->files[side])
			rc = unknown_run(t, side, probes, e);
	}
	return rc;
}

int effects_try(struct effects *s, const struct check_options *o, effects_check *check,
		struct err *e)
{
	CLEAN(free_pointer) struct report *at = calloc(1, sizeof(*at));
	const struct trying t = {.s = s, .o = o, .check = check, .at = at};
	return at ? lines_try(&t, e) : err_set(e, ENOMEM, "lint: out of memory");
}

int effects_measure(struct effects *s, const struct check_options *o, struct err *e)
{
	CLEAN(host_closep) struct host *host = NULL;
	struct trying t = {.s = s, .o = o};
	int rc = host_open(&host, "/", e);
	if (rc)
		return rc;
	t.host = host;
	/* Without a lab, what remains is judged by the settings. */
	if (lab_open(&t.lab, &(struct lab_options){0}, host, &t.nolab))
		t.lab = NULL;
	for (size_t i = 0; i < s->count && !rc; i++)
		rc = line_prepare(&t, &s->lines[i], e);
	lab_close(t.lab);
	return rc ? rc : effects_try(s, o, check_run, e);
}

/* Whether it is known what a line does among all of its file: in the lab any experiment may show
 * it. */
static bool is_tried(const struct effects *s, const struct line_effect *x)
{
	return x->way == LINE_IN_LAB ? s->measured[x->side] != NULL : x->kind != EFFECT_UNTESTED;
}

struct effects_count effects_count(const struct effects *s, size_t side)
{
	struct effects_count n = {0};
	for (size_t i = 0; i < s->count; i++) {
		n.lines += s->lines[i].side == side;
		n.tried += s->lines[i].side == side && is_tried(s, &s->lines[i]);
	}
	return n;
}

enum effect_kind effects_together(const struct effects *s, size_t side)
{
	enum effect_kind kind = effect_kind(&s->together[side]);
	return effects_count(s, side).tried ? kind : EFFECT_UNTESTED;
}

static int effect_status(const struct effect *x)
{
	int status = EXIT_OK;
	for (size_t i = 0; i < x->count; i++)
		if (!x->walls[i].better && status < EXIT_CRITICAL)
			status = x->walls[i].after.verdict == VERDICT_SHORT ? EXIT_CRITICAL
									    : EXIT_WARNING;
	return status;
}

int effects_status(const struct effects *s)
{
	int worst = EXIT_OK;
	size_t tried = 0;
	for (size_t i = 0; i < s->count; i++)
		tried += s->lines[i].kind != EFFECT_UNTESTED;
	for (size_t i = 0; i < s->count + SIDES; i++) {
		int status = effect_status(i < s->count ? &s->lines[i].effect
							: &s->together[i - s->count]);
		worst = status > worst ? status : worst;
	}
	return s->count && !tried && worst < EXIT_CRITICAL ? EXIT_UNKNOWN : worst;
}

static bool is_concerned(const struct effects *s, int way, const char *wall)
{
	for (size_t i = 0; i < s->count; i++)
		if ((int)s->lines[i].way == way && s->lines[i].knob &&
		    line_concerns(&s->lines[i], wall))
			return true;
	return false;
}

const struct wall *effects_wall(const struct effects *s, size_t i, size_t side)
{
	for (int way = LINE_IN_LAB; way <= LINE_INSPECTED; way++) {
		struct report *const *of = way == LINE_IN_LAB ? s->measured : s->inspected;
		for (size_t w = 0; of[0] && w < of[0]->wall_count; w++) {
			const char *name = of[0]->walls[w].name;
			bool other = way == LINE_INSPECTED && is_concerned(s, LINE_IN_LAB, name);
			if (!other && is_concerned(s, way, name) && !i--)
				return report_find(of[side], name);
		}
	}
	return NULL;
}
