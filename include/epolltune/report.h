/* report: walls and findings. Flat, without pointers, so that it can live in memory that several
 * processes share: probes running side by side each fill one of their own, `check` joins them. */
#ifndef EPOLLTUNE_REPORT_H
#define EPOLLTUNE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "epolltune/target.h"

#define REPORT_NONE INT64_MIN /* a quantity that is not known or does not apply: null in JSON */

enum wall_method { METHOD_MEASURED, METHOD_DERIVED, METHOD_INSPECTED };
enum wall_verdict { VERDICT_OK, VERDICT_TIGHT, VERDICT_SHORT, VERDICT_UNKNOWN };
enum finding_level { LEVEL_NOTE, LEVEL_WARNING, LEVEL_CRITICAL, LEVEL_SKIPPED };
enum finding_remedy { REMEDY_NONE, REMEDY_KERNEL, REMEDY_PROCESS, REMEDY_APPLICATION };
enum report_isolation { ISOLATION_LAB, ISOLATION_IN_PLACE, ISOLATION_SYSROOT, ISOLATION_NONE };

struct wall {
	char name[32];
	char unit[24]; /* "connections", "descriptors", "B/s", "B", "us", … */
	enum wall_method method;
	enum wall_verdict verdict;
	int64_t limit;    /* where it stands by the settings, or REPORT_NONE */
	int64_t measured; /* what the experiment reached, or REPORT_NONE */
	bool at_least;    /* the experiment ended at `measured` without meeting the limit */
	bool at_most;     /* `limit` is a bound that is not reached in practice */
	int64_t needed;   /* by the target, or REPORT_NONE: no need, verdict ok */
	char knob[48];    /* the knob, or "RLIMIT_NOFILE" and the like; "" if none */
	char detail[400]; /* one or two sentences */
};

struct evidence {
	char name[48]; /* a kernel counter's name, or a few words */
	char unit[24];
	double at_current;  /* NAN: not tried */
	double at_proposed; /* NAN: not tried */
};

#define FINDING_EVIDENCE 6

struct finding {
	char id[48]; /* <wall or probe>.<problem>, never renamed */
	enum finding_level level;
	enum finding_remedy remedy;
	char wall[32]; /* "" if it belongs to none */
	char title[120];
	char detail[640];
	char knob[48];     /* "" if none */
	char current[80];  /* as sysctl writes it; "" if none */
	char proposed[80]; /* likewise */
	char tried[160];  /* what the experiment at the proposed value showed ("0 dropped, …"), or
			     "not tried: why"; "" if there is no more to say than that it was not */
	char advice[320]; /* when it takes effect, what it costs, what to do elsewhere */
	size_t evidence_count;
	struct evidence evidence[FINDING_EVIDENCE];
};

struct report_host {
	char name[72];
	char kernel[72];
	char boot[40]; /* host_identity(); "" for a captured machine */
	uint64_t cpus;
	uint64_t memory_bytes;
	enum report_isolation isolation;
};

#define REPORT_WALLS 32
#define REPORT_FINDINGS 48

struct report {
	struct timespec time;
	struct report_host host;
	struct target target;
	char probes[128]; /* that were chosen, comma separated; "": all */
	size_t wall_count;
	size_t finding_count;
	size_t lost; /* walls and findings beyond the capacity; never silent: renderers print it */
	struct wall walls[REPORT_WALLS];
	struct finding findings[REPORT_FINDINGS];
};

struct report_summary {
	enum wall_verdict status; /* ok, tight = warning, short = critical, unknown */
	size_t ok, tight, short_, unknown;
};

void report_init(struct report *r);
/* The wall of that name, made empty (unknown, inspected, no quantities) when it is not there yet.
 * Never NULL: beyond the capacity a scratch wall is returned and `lost` counts it. */
struct wall *report_wall(struct report *r, const char *name);
/* The wall of that name or NULL. */
const struct wall *report_find(const struct report *r, const char *name);
/* Adds a finding: id, level and title set, all else empty. Never NULL, as report_wall(). */
struct finding *report_finding(struct report *r, const char *id, enum finding_level level,
			       const char *title, ...) __attribute__((format(printf, 4, 5)));
/* Adds evidence; what does not fit is dropped. NAN for "not tried". */
void finding_evidence(struct finding *f, const char *name, const char *unit, double at_current,
		      double at_proposed);
/* printf into a field of a report, cut at its end with "…" when it does not fit. */
#define report_text(field, ...) report_text_into((field), sizeof(field), __VA_ARGS__)
void report_text_into(char *field, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ok from 1.25 × needed, tight from 1 ×, short below; ok when needed is REPORT_NONE or 0, unknown
 * when capacity is REPORT_NONE. */
enum wall_verdict report_verdict(int64_t capacity, int64_t needed);
/* 1.25 × needed, rounded up: what makes a verdict ok. */
uint64_t report_margin(uint64_t needed);
/* Appends what `part` holds. */
void report_join(struct report *whole, const struct report *part);
/* Walls counted by verdict, and the status that they and the findings lead to: critical if a wall
 * is short or a finding critical, warning if tight or warning, unknown if a wall could not be told.
 */
struct report_summary report_summarize(const struct report *r);
/* 0 ok, 1 warning, 2 critical, 3 unknown. */
int report_exit_status(const struct report *r);

const char *wall_method_name(enum wall_method m);
const char *wall_verdict_name(enum wall_verdict v);
const char *finding_level_name(enum finding_level l);
const char *finding_remedy_name(enum finding_remedy r);
const char *report_isolation_name(enum report_isolation i);
const char *report_status_name(enum wall_verdict status); /* "ok" "warning" "critical" "unknown" */

#endif
