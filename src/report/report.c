#include "epolltune/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What is written beyond the capacity lands here and is counted as lost. */
static _Thread_local struct wall spare_wall;
static _Thread_local struct finding spare_finding;

static void wall_clear(struct wall *w, const char *name)
{
	memset(w, 0, sizeof(*w));
	report_text(w->name, "%s", name);
	w->method = METHOD_INSPECTED;
	w->verdict = VERDICT_UNKNOWN;
	w->limit = w->measured = w->needed = REPORT_NONE;
}

void report_init(struct report *r)
{
	memset(r, 0, sizeof(*r));
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

static struct finding *finding_new(struct report *r)
{
	if (r->finding_count < REPORT_FINDINGS)
		return &r->findings[r->finding_count++];
	r->lost++;
	return &spare_finding;
}

struct finding *report_finding(struct report *r, const char *id, enum finding_level level,
			       const char *title, ...)
{
	struct finding *f = finding_new(r);
	memset(f, 0, sizeof(*f));
	report_text(f->id, "%s", id);
	f->level = level;
	f->remedy = REMEDY_NONE;
	va_list args;
	va_start(args, title);
	char text[sizeof(f->title) * 2];
	vsnprintf(text, sizeof(text), title, args);
	va_end(args);
	report_text(f->title, "%s", text);
	return f;
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

void report_text_into(char *field, size_t size, const char *fmt, ...)
{
	static const char mark[] = "…";
	va_list args;
	va_start(args, fmt);
	int length = vsnprintf(field, size, fmt, args);
	va_end(args);
	if (length < 0)
		field[0] = 0;
	if (length < 0 || (size_t)length < size)
		return;
	size_t cut = size > sizeof(mark) ? size - sizeof(mark) : 0;
	while (cut > 0 && ((unsigned char)field[cut] & 0xc0) == 0x80)
		cut--;
	if (size >= sizeof(mark))
		memcpy(field + cut, mark, sizeof(mark));
	else
		field[cut] = 0;
}

enum wall_verdict report_verdict(int64_t capacity, int64_t needed)
{
	if (needed == REPORT_NONE || needed <= 0)
		return VERDICT_OK;
	if (capacity == REPORT_NONE)
		return VERDICT_UNKNOWN;
	if (capacity < needed)
		return VERDICT_SHORT;
	return (uint64_t)capacity >= report_margin((uint64_t)needed) ? VERDICT_OK : VERDICT_TIGHT;
}

uint64_t report_margin(uint64_t needed)
{
	uint64_t extra = needed / 4 + (needed % 4 != 0), sum;
	return __builtin_add_overflow(needed, extra, &sum) ? UINT64_MAX : sum;
}

void report_join(struct report *whole, const struct report *part)
{
	for (size_t i = 0; i < part->wall_count; i++)
		*report_wall(whole, part->walls[i].name) = part->walls[i];
	for (size_t i = 0; i < part->finding_count; i++)
		*finding_new(whole) = part->findings[i];
	whole->lost += part->lost;
}

struct report_summary report_summarize(const struct report *r)
{
	struct report_summary s = {.status = VERDICT_OK};
	bool critical = false, warning = false, failed = false;
	for (size_t i = 0; i < r->wall_count; i++)
		switch (r->walls[i].verdict) {
		case VERDICT_OK:
			s.ok++;
			break;
		case VERDICT_TIGHT:
			s.tight++;
			break;
		case VERDICT_SHORT:
			s.short_++;
			break;
		case VERDICT_UNKNOWN:
			s.unknown++;
			break;
		}
	for (size_t i = 0; i < r->finding_count; i++) {
		critical |= r->findings[i].level == LEVEL_CRITICAL;
		warning |= r->findings[i].level == LEVEL_WARNING;
		failed |= !strcmp(r->findings[i].id, "probe.failed");
	}
	if (s.short_ || critical)
		s.status = VERDICT_SHORT;
	else if (s.tight || warning)
		s.status = VERDICT_TIGHT;
	else if (s.unknown || failed)
		s.status = VERDICT_UNKNOWN;
	return s;
}

int report_exit_status(const struct report *r)
{
	switch (report_summarize(r).status) {
	case VERDICT_OK:
		return 0;
	case VERDICT_TIGHT:
		return 1;
	case VERDICT_SHORT:
		return 2;
	case VERDICT_UNKNOWN:
		break;
	}
	return 3;
}

const char *wall_method_name(enum wall_method m)
{
	static const char *const names[] = {
		[METHOD_MEASURED] = "measured",
		[METHOD_DERIVED] = "derived",
		[METHOD_INSPECTED] = "inspected",
	};
	return names[m];
}

const char *wall_verdict_name(enum wall_verdict v)
{
	static const char *const names[] = {
		[VERDICT_OK] = "ok",
		[VERDICT_TIGHT] = "tight",
		[VERDICT_SHORT] = "short",
		[VERDICT_UNKNOWN] = "unknown",
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

const char *finding_remedy_name(enum finding_remedy r)
{
	static const char *const names[] = {
		[REMEDY_NONE] = "none",
		[REMEDY_KERNEL] = "kernel",
		[REMEDY_PROCESS] = "process",
		[REMEDY_APPLICATION] = "application",
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
		[VERDICT_OK] = "ok",
		[VERDICT_TIGHT] = "warning",
		[VERDICT_SHORT] = "critical",
		[VERDICT_UNKNOWN] = "unknown",
	};
	return names[status];
}
