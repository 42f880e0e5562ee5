#include "epolltune/report.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Receive what exceeds the capacity, which is counted as lost. */
static _Thread_local struct wall spare_wall;
static _Thread_local struct finding spare_finding;

static void wall_clear(struct wall *w, const char *name)
{
	const struct wall_row *row = wall_row_find(name);
	memset(w, 0, sizeof(*w));
	report_text(w->name, "%s", name);
	report_text(w->unit, "%s", row ? row->unit : "");
	w->method = METHOD_INSPECTED;
	w->verdict = VERDICT_UNKNOWN;
	w->limit = w->measured = w->needed = w->needed_max = REPORT_NONE;
}

void report_init(struct report *r)
{
	/* Walls, findings, counters and listeners are cleared as they are added: most stay
	 * unused. */
	memset(r, 0, offsetof(struct report, walls));
	memset(r->ran, 0, sizeof(r->ran));
	clock_gettime(CLOCK_REALTIME, &r->time);
	r->host.isolation = ISOLATION_NONE;
	r->target = target_default();
}

struct wall *report_wall(struct report *r, const char *name)
{
	for (size_t i = 0; i < r->wall_count; i++)
		if (strcmp(r->walls[i].name, name) == 0)
			return &r->walls[i];
	struct wall *w = &spare_wall;
	if (r->wall_count < REPORT_WALLS)
		w = &r->walls[r->wall_count++];
	else
		r->lost++;
	wall_clear(w, name);
	return w;
}

const struct wall *report_find(const struct report *r, const char *name)
{
	for (size_t i = 0; i < r->wall_count; i++)
		if (strcmp(r->walls[i].name, name) == 0)
			return &r->walls[i];
	return NULL;
}

void wall_fill(struct wall *w, const struct wording *words)
{
	wording_fill(words, wall_row_find(w->name)->detail, w->detail, sizeof(w->detail));
}

/* Which gives way to which where there is no room. */
static unsigned finding_rank(enum finding_level level)
{
	static const unsigned ranks[] = {
		[LEVEL_NOTE] = 0, [LEVEL_SKIPPED] = 1, [LEVEL_WARNING] = 2, [LEVEL_CRITICAL] = 3};
	return ranks[level];
}

/* Where none is left for one of that level, the last of the least gives way. */
static struct finding *finding_place(struct report *r, enum finding_level level)
{
	struct finding *least = &r->findings[0];
	if (r->finding_count < REPORT_FINDINGS)
		return &r->findings[r->finding_count++];
	r->lost++;
	for (size_t i = 1; i < REPORT_FINDINGS; i++)
		if (finding_rank(r->findings[i].level) <= finding_rank(least->level))
			least = &r->findings[i];
	return finding_rank(least->level) < finding_rank(level) ? least : &spare_finding;
}

static struct finding *finding_new(struct report *r, enum finding_level level)
{
	struct finding *f = finding_place(r, level);
	memset(f, 0, sizeof(*f));
	f->level = level;
	return f;
}

struct finding *report_finding_blank(struct report *r) { return finding_new(r, LEVEL_NOTE); }

bool report_overflows(const struct report *r)
{
	size_t asking = 0;
	for (size_t i = 0; i < r->finding_count; i++)
		asking += finding_rank(r->findings[i].level) >= finding_rank(LEVEL_WARNING);
	return r->lost && (asking == REPORT_FINDINGS || r->wall_count == REPORT_WALLS);
}

struct finding *report_finding(struct report *r, const char *id, const struct wording *words)
{
	const struct finding_row *row = finding_row_find(id);
	struct finding *f = finding_new(r, row ? row->level : LEVEL_NOTE);
	report_text(f->id, "%s", id);
	if (!row)
		return f;
	f->remedy = row->remedy;
	f->observed = row->observed;
	f->quiet = row->quiet;
	report_text(f->wall, "%s", finding_wall(row));
	wording_fill(words, row->about ? row->about : "", f->about, sizeof(f->about));
	wording_fill(words, row->title, f->title, sizeof(f->title));
	wording_fill(words, row->detail, f->detail, sizeof(f->detail));
	wording_fill(words, row->advice, f->advice, sizeof(f->advice));
	wording_fill(words, row->answer ? row->answer : "", f->answer, sizeof(f->answer));
	return f;
}

void finding_to_note(struct finding *f)
{
	f->level = LEVEL_NOTE;
	f->answer[0] = 0;
}

void report_remove(struct report *r, const char *id)
{
	size_t kept = 0;
	for (size_t i = 0; i < r->finding_count; i++)
		if (strcmp(r->findings[i].id, id) != 0)
			r->findings[kept++] = r->findings[i];
	r->finding_count = kept;
}

struct proposal *finding_propose(struct finding *f, const char *knob, const char *current,
				 const char *proposed)
{
	static _Thread_local struct proposal spare;
	struct proposal *p =
		f->proposal_count < FINDING_PROPOSALS ? &f->proposals[f->proposal_count++] : &spare;
	report_text(p->knob, "%s", knob);
	report_text(p->current, "%s", current ? current : "");
	report_text(p->proposed, "%s", proposed ? proposed : "");
	return p;
}

struct proposal *finding_propose_device(struct finding *f, const char *knob, const char *device,
					const char *current, const char *proposed)
{
	char name[sizeof(f->proposals->knob)];
	report_text(name, "%s%s%s", knob, device[0] ? "@" : "", device);
	return finding_propose(f, name, current, proposed);
}

const struct proposal *finding_knob(const struct finding *f)
{
	return f->proposal_count ? &f->proposals[0] : NULL;
}

bool finding_proposes(const struct finding *f)
{
	for (size_t i = 0; i < f->proposal_count; i++)
		if (f->proposals[i].proposed[0])
			return true;
	return false;
}

void finding_evidence(struct finding *f, const char *name, const char *unit, double at_current,
		      double at_proposed)
{
	if (f->evidence_count >= FINDING_EVIDENCE)
		return;
	struct evidence *ev = &f->evidence[f->evidence_count++];
	report_text(ev->name, "%s", name);
	report_text(ev->unit, "%s", unit);
	ev->at_current = at_current;
	ev->at_proposed = at_proposed;
}

void finding_table(struct finding *f, const char *corner)
{
	f->table = (struct finding_table){0};
	report_text(f->table.corner, "%s", corner);
}

void finding_column(struct finding *f, const char *head, const char *unit)
{
	if (f->table.column_count == TABLE_COLUMNS)
		return;
	size_t i = f->table.column_count++;
	report_text(f->table.column[i].head, "%s", head);
	report_text(f->table.column[i].unit, "%s", unit);
}

double *finding_row(struct finding *f, const char *name)
{
	static _Thread_local double spare[TABLE_COLUMNS];
	if (f->table.row_count == TABLE_ROWS)
		return spare;
	size_t i = f->table.row_count++;
	report_text(f->table.row[i].name, "%s", name);
	for (size_t k = 0; k < TABLE_COLUMNS; k++)
		f->table.row[i].value[k] = NAN;
	return f->table.row[i].value;
}

void finding_curve(struct finding *f, const struct curve_axes *axes)
{
	f->curve.line_count = 0;
	report_text(f->curve.title, "%s", axes->title);
	report_text(f->curve.x.name, "%s", axes->x.name);
	report_text(f->curve.x.unit, "%s", axes->x.unit);
	report_text(f->curve.y.name, "%s", axes->y.name);
	report_text(f->curve.y.unit, "%s", axes->y.unit);
}

void finding_curve_line(struct finding *f, const char *name, const struct curve_line *points)
{
	if (f->curve.line_count == CURVE_LINES || points->count < 2)
		return;
	struct curve_line *l = &f->curve.line[f->curve.line_count++];
	*l = *points;
	report_text(l->name, "%s", name);
}

void curve_point(struct curve_line *l, double x, double y)
{
	if (!(fabs(x) <= FLT_MAX) || !(fabs(y) <= FLT_MAX))
		return; /* nor NAN */
	if (l->count == CURVE_POINTS) {
		l->count /= 2;
		for (size_t i = 0; i < l->count; i++)
			l->at[i] = l->at[2 * i];
	}
	l->at[l->count].x = (float)x;
	l->at[l->count++].y = (float)y;
}

void report_counter(struct report *r, const char *name, int64_t value)
{
	size_t i = 0;
	while (i < r->counter_count && strcmp(r->counters[i].name, name) != 0)
		i++;
	if (i == REPORT_COUNTERS)
		return;
	if (i == r->counter_count)
		r->counter_count++;
	report_text(r->counters[i].name, "%s", name);
	r->counters[i].value = value;
}

int64_t report_counter_value(const struct report *r, const char *name)
{
	for (size_t i = 0; i < r->counter_count; i++)
		if (!strcmp(r->counters[i].name, name))
			return r->counters[i].value;
	return -1;
}

struct report_listener *report_listener(struct report *r)
{
	static _Thread_local struct report_listener spare;
	struct report_listener *l =
		r->listed < REPORT_LISTENERS ? &r->listeners[r->listed++] : &spare;
	r->listener_count++;
	*l = (struct report_listener){0};
	return l;
}

const char *report_stamp(time_t when, char stamp[REPORT_STAMP])
{
	struct tm tm;
	stamp[0] = 0;
	if (gmtime_r(&when, &tm))
		strftime(stamp, REPORT_STAMP, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return stamp;
}

__attribute__((format(printf, 3, 0))) static bool text_print(char *field, size_t size,
							     const char *fmt, va_list args)
{
	static const char mark[] = "…";
	int length = vsnprintf(field, size, fmt, args);
	if (length < 0)
		field[0] = 0;
	if (length < 0 || (size_t)length < size)
		return length >= 0;
	size_t cut = size > sizeof(mark) ? size - sizeof(mark) : 0;
	while (cut > 0 && ((unsigned char)field[cut] & 0xc0) == 0x80)
		cut--;
	if (size >= sizeof(mark))
		memcpy(field + cut, mark, sizeof(mark));
	else
		field[cut] = 0;
	return false;
}

bool report_text_into(char *field, size_t size, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	bool whole = text_print(field, size, fmt, args);
	va_end(args);
	return whole;
}

bool report_append_to(char *field, size_t size, const char *fmt, ...)
{
	size_t used = strlen(field);
	va_list args;
	va_start(args, fmt);
	bool whole = text_print(field + used, size - used, fmt, args);
	va_end(args);
	return whole;
}

enum wall_verdict report_verdict(int64_t capacity, int64_t needed)
{
	if (capacity == REPORT_NONE)
		return VERDICT_UNKNOWN;
	if (needed == REPORT_NONE || needed <= 0)
		return VERDICT_OK;
	if (capacity < needed)
		return VERDICT_SHORT;
	return (uint64_t)capacity >= report_margin((uint64_t)needed) ? VERDICT_OK : VERDICT_TIGHT;
}

int64_t report_needed(const struct wall *w)
{
	return w->needed_max != REPORT_NONE ? w->needed_max : w->needed;
}

bool wall_undecided(const struct report *r, const struct wall *w)
{
	const struct wall_row *row = wall_row_find(w->name);
	bool of_server = row && row->watched && (r->server.asked[0] || r->require_measured);
	return w->verdict == VERDICT_UNKNOWN && (w->needed != REPORT_NONE || of_server);
}

uint64_t report_margin(uint64_t needed)
{
	uint64_t extra = needed / 4 + (needed % 4 != 0), sum;
	return __builtin_add_overflow(needed, extra, &sum) ? UINT64_MAX : sum;
}

static bool finding_known(const struct report *r, const struct finding *f)
{
	for (size_t i = 0; i < r->finding_count; i++)
		if (!strcmp(r->findings[i].id, f->id) && !strcmp(r->findings[i].title, f->title) &&
		    !strcmp(r->findings[i].detail, f->detail))
			return true;
	return false;
}

void report_join(struct report *whole, const struct report *part)
{
	for (size_t i = 0; i < part->wall_count; i++)
		*report_wall(whole, part->walls[i].name) = part->walls[i];
	for (size_t i = 0; i < part->finding_count; i++)
		if (!finding_known(whole, &part->findings[i]))
			*finding_place(whole, part->findings[i].level) = part->findings[i];
	for (size_t i = 0; i < part->counter_count; i++)
		report_counter(whole, part->counters[i].name, part->counters[i].value);
	for (size_t i = 0; i < part->listed; i++)
		*report_listener(whole) = part->listeners[i];
	whole->listener_count += part->listener_count - part->listed;
	whole->lost += part->lost;
}

static size_t wall_place(const struct wall *w)
{
	size_t i = 0;
	while (i < wall_row_count() && strcmp(wall_row_at(i)->name, w->name))
		i++;
	return i;
}

void report_sort(struct report *r)
{
	for (size_t i = 1; i < r->wall_count; i++)
		for (size_t k = i; k && wall_place(&r->walls[k]) < wall_place(&r->walls[k - 1]);
		     k--) {
			struct wall w = r->walls[k];
			r->walls[k] = r->walls[k - 1];
			r->walls[k - 1] = w;
		}
}

const char *wall_method_name(enum wall_method m)
{
	static const char *const names[] = {
		[METHOD_MEASURED] = "measured",
		[METHOD_DERIVED] = "derived",
		[METHOD_INSPECTED] = "inspected",
		[METHOD_RUNNING] = "running",
	};
	return names[m];
}

const char *wall_verdict_name(enum wall_verdict v)
{
	static const char *const names[] = {
		[VERDICT_OK] = "ok",           [VERDICT_TIGHT] = "tight", [VERDICT_SHORT] = "short",
		[VERDICT_UNKNOWN] = "unknown", [VERDICT_NA] = "n/a",
	};
	return names[v];
}

const char *finding_level_name(enum finding_level l)
{
	static const char *const names[] = {
		[LEVEL_NOTE] = "note",
		[LEVEL_WARNING] = "warning",
		[LEVEL_CRITICAL] = "critical",
		[LEVEL_SKIPPED] = "skipped",
	};
	return names[l];
}

const char *limit_field_name(enum limit_field f)
{
	static const char *const names[] = {[LIMIT_SOFT] = "soft", [LIMIT_HARD] = "hard"};
	return names[f];
}

const char *finding_remedy_name(enum finding_remedy r)
{
	static const char *const names[] = {
		[REMEDY_NONE] = "none",           [REMEDY_KERNEL] = "kernel",
		[REMEDY_PROCESS] = "process",     [REMEDY_APPLICATION] = "application",
		[REMEDY_CONTAINER] = "container", [REMEDY_DEVICE] = "device",
		[REMEDY_PROVIDER] = "provider",
	};
	return names[r];
}

const char *report_isolation_name(enum report_isolation i)
{
	static const char *const names[] = {
		[ISOLATION_LAB] = "lab",
		[ISOLATION_IN_PLACE] = "in-place",
		[ISOLATION_SYSROOT] = "sysroot",
		[ISOLATION_NONE] = "none",
	};
	return names[i];
}

const char *report_status_name(enum wall_verdict status)
{
	static const char *const names[] = {
		[VERDICT_OK] = "ok",          [VERDICT_TIGHT] = "warning",
		[VERDICT_SHORT] = "critical", [VERDICT_UNKNOWN] = "unknown",
		[VERDICT_NA] = "ok",
	};
	return names[status];
}

const char *wall_experiment_name(enum wall_experiment x)
{
	static const char *const names[] = {
		[EXPERIMENT_NONE] = "none",
		[EXPERIMENT_DONE] = "done",
		[EXPERIMENT_MISSED] = "missed",
	};
	return names[x];
}

const char *finding_tried_name(enum finding_tried t)
{
	static const char *const names[] = {
		[TRIED_NONE] = NULL,
		[TRIED_DONE] = "tried",
		[TRIED_INCONCLUSIVE] = "inconclusive",
		[TRIED_NOT] = "not tried",
	};
	return names[t];
}

const char *probe_state_name(enum probe_state state)
{
	static const char *const names[] = {
		[PROBE_DONE] = "done",
		[PROBE_FAILED] = "failed",
		[PROBE_CRASHED] = "crashed",
		[PROBE_UNOBSERVED] = "unobserved",
	};
	return names[state];
}
