/* report: walls and findings. It has no pointers, so that processes can share it: each probe's
 * process fills one report, and `check` joins them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "epolltune/catalogue.h"
#include "epolltune/exit_status.h"
#include "epolltune/listener.h"
#include "epolltune/target.h"
#include "epolltune/wording.h"

enum wall_method {
	METHOD_MEASURED,  /* by an experiment */
	METHOD_DERIVED,   /* from other figures */
	METHOD_INSPECTED, /* read from the settings */
	METHOD_RUNNING,   /* read from the running server */
};
enum wall_verdict {
	VERDICT_OK,
	VERDICT_TIGHT,
	VERDICT_SHORT,
	VERDICT_UNKNOWN, /* no value is known */
	VERDICT_NA,      /* this machine has no such thing, or no experiment judged it */
};
/* The state of a wall's experiment. */
enum wall_experiment {
	EXPERIMENT_NONE,   /* the wall has none, or none was requested */
	EXPERIMENT_DONE,   /* the wall's figures come from it */
	EXPERIMENT_MISSED, /* requested, but without result: wall.reason says why */
};
/* The state of a finding's proposal. */
enum finding_tried {
	TRIED_NONE,         /* nothing to try */
	TRIED_DONE,         /* the experiment was repeated with it */
	TRIED_INCONCLUSIVE, /* the repeated experiment had no result */
	TRIED_NOT,          /* the experiment was not repeated */
};
enum report_isolation {
	ISOLATION_LAB,      /* experiments in private namespaces */
	ISOLATION_IN_PLACE, /* experiments over loopback of the calling namespace */
	ISOLATION_SYSROOT,  /* a captured machine was read, without experiments */
	ISOLATION_NONE,     /* this machine was read, without experiments */
};
enum probe_state {
	PROBE_DONE,
	PROBE_FAILED,  /* an experiment ended with an error: its walls are derived */
	PROBE_CRASHED, /* its process died: its walls are derived, the answer is "Not known" */
	/* What it observes could not be read, and no setting shows it: "Not known" too. */
	PROBE_UNOBSERVED,
};

struct wall {
	char name[32];
	char unit[24]; /* from the catalogue: "connections", "B/s", "B", "us", … */
	enum wall_method method;
	enum wall_verdict verdict;
	enum wall_experiment experiment;
	int64_t limit;    /* by the settings; REPORT_NONE: unknown */
	int64_t measured; /* by the experiment; REPORT_NONE: not measured */
	/* Of repeated runs, of which `measured` is the median; both 0: one run. */
	int64_t lowest, highest;
	bool at_least;  /* the experiment ended at `measured` without meeting the limit */
	bool at_most;   /* practice does not reach `limit` */
	int64_t needed; /* by the target; REPORT_NONE: the target does not need it */
	/* The upper end of a need that is a range from `needed`: short is what does not suffice for
	 * its lower end, ok what suffices for this with the margin. REPORT_NONE: it has no known
	 * upper end, or is none. */
	int64_t needed_max;
	bool accepted;    /* all its findings are: the verdict counts nothing */
	char knob[48];    /* that binds, "RLIMIT_NOFILE" included; "": none */
	char detail[600]; /* a few sentences */
	char reason[200]; /* of EXPERIMENT_MISSED: a clause without full stop; otherwise "" */
	/* A knob that cannot be read, and without whose default the verdict may be another; "":
	 * none. */
	char assumed[64];
};

struct evidence {
	char name[48]; /* a kernel counter's name, or a few words */
	char unit[24];
	double at_current;  /* NAN: not tried */
	double at_proposed; /* NAN: not tried */
};

/* Which number of a resource limit; none of another knob. */
enum limit_field { LIMIT_NONE, LIMIT_SOFT, LIMIT_HARD };

/* A knob that a finding is about. */
struct proposal {
	char knob[48];
	char current[80];  /* as sysctl writes it; "" if unknown */
	char proposed[80]; /* likewise; "" if no value is proposed */
	enum limit_field field;
};

/* Figures that compare alternatives (rows) under several conditions (columns). */
#define TABLE_COLUMNS 4
#define TABLE_ROWS 80
struct finding_table {
	char corner[24]; /* head of the column of row names */
	size_t column_count, row_count;
	struct {
		char head[32], unit[16];
	} column[TABLE_COLUMNS];
	struct {
		char name[48];
		double value[TABLE_COLUMNS]; /* NAN: no value */
	} row[TABLE_ROWS];
};

/* A course through an experiment, or a distribution: lines in one pair of axes. */
#define CURVE_LINES 4
#define CURVE_POINTS 32
struct curve_line {
	char name[48]; /* what differs between the lines: "current", "proposed" */
	size_t count;
	struct {
		float x, y;
	} at[CURVE_POINTS]; /* in the order of measurement */
};
struct curve_axis {
	const char *name, *unit; /* "clients that have arrived"; units as in evidence */
};
struct curve_axes {
	const char *title; /* NULL: nothing is drawn */
	struct curve_axis x, y;
};
struct finding_curve {
	char title[64];
	struct {
		char name[40], unit[16];
	} x, y;
	size_t line_count;
	struct curve_line line[CURVE_LINES];
};

/* What an operator accepts. */
struct acceptance {
	char id[48], wall[32]; /* of a finding; wall "": on every wall */
	/* Of its finding.about the whole or the first words; where that is empty, of the name of
	 * the report's server. "": of any, but no critical one that another could have instead. */
	char about[96];
	int64_t until;    /* seconds since 1970: not from then on; 0: no end */
	int64_t value;    /* of the wall: a worse one is not accepted; REPORT_NONE: any is */
	char reason[120]; /* "": none was given */
};
enum acceptance_state {
	ACCEPTANCE_NONE,
	ACCEPTANCE_VALID,
	ACCEPTANCE_EXPIRED, /* its time is over */
	ACCEPTANCE_WORSE,   /* the wall's figure is worse than the accepted one */
	ACCEPTANCE_UNNAMED, /* a critical finding of one of several, and no `about` names it */
};

#define FINDING_EVIDENCE 12
#define FINDING_PROPOSALS 4

struct finding {
	char id[48]; /* from the catalogue: <wall or probe>.<problem> */
	enum finding_level level;
	enum finding_remedy remedy;
	bool observed; /* on this machine as it runs, not in an experiment */
	bool accepted; /* by the operator: it counts nothing */
	enum acceptance_state acceptance;
	int64_t accepted_until, accepted_value; /* of an acceptance, as struct acceptance */
	char accepted_reason[120];
	bool quiet;    /* a text report prints it with --verbose only */
	char wall[32]; /* "" if it belongs to none */
	/* The server, device or address that it is about, without figures; "": not known, or there
	 * is only one. Findings of two reports are the same by it, id and knob. */
	char about[96];
	char title[160];
	char detail[640];
	char advice[768];
	char answer[96]; /* what the report's answer says of it, a clause; "": its id */
	enum finding_tried tried;
	char outcome[320]; /* the result of the proposal, or why there is none */
	size_t proposal_count;
	struct proposal proposals[FINDING_PROPOSALS]; /* the one that binds first */
	size_t evidence_count;
	struct evidence evidence[FINDING_EVIDENCE];
	struct finding_table table; /* row_count 0: none */
	struct finding_curve curve; /* line_count 0: none */
};

struct report_host {
	char name[72];
	char kernel[72];
	char boot[40];  /* host_identity(); "" for a captured machine */
	char netns[48]; /* likewise */
	uint64_t cpus;
	uint64_t memory_bytes;
	enum report_isolation isolation; /* the weakest of all probes */
	uint64_t family;                 /* of the experiments: 4 or 6; 0: none ran */
};

/* The server that --server named, or the command of --run. */
struct report_server {
	char asked[128]; /* "": none */
	bool run;        /* it is that command, in a lab */
	char name[16];   /* "": not visible */
	char unit[96];
	int64_t pid;        /* 0: not visible */
	uint64_t processes; /* that accept; 0: not visible */
	char addresses[300];
	bool proxy; /* the target is one of a proxy for that, as the role was not given */
};
/* What --observe saw of that server. */
struct observed_share {
	size_t count; /* samples that show it; 0: unknown */
	uint64_t p50, p95, p99;
};
struct report_observed {
	uint64_t us;          /* how long the server listened; 0: not observed */
	uint64_t connections; /* open at a time, at most */
	uint64_t opened;      /* new ones, of all listeners of the network namespace */
	uint64_t rate_per_s;  /* their mean */
	uint64_t peak_per_s;  /* in the busiest 100 ms */
	uint64_t stall_us;    /* the longest pause between two accepts; 0: none was seen */
	uint64_t gap_us;      /* the longest time between two looks */
	/* Packets of new connections that the kernel dropped meanwhile, at all listeners: the rate
	 * is a lower bound where there are some. */
	uint64_t dropped;
	bool rate_given; /* the target has the rate that was asked for, not this one */
	bool others;     /* the namespace has other listeners */
	bool udp;        /* the server has UDP sockets */
	bool udp_others; /* and so has another, whose datagrams count too: no target is of them */
	/* That arrived at all UDP sockets of the network namespace: the mean, and the busiest
	 * 100 ms. */
	uint64_t datagrams_per_s, datagrams_peak_per_s;
	size_t sampled; /* looks at connections, of one or several each, that these are of */
	struct observed_share rtt_us, bandwidth_bps;
	uint64_t window_bytes; /* p95 of bandwidth × round trip of each sample; 0: unknown */
	struct target target;  /* as it was seen */
	uint64_t headroom_percent;
};
/* Bytes of a command prefix that enters the network namespace that was checked. */
#define REPORT_ENTER 160

struct report_probe {
	char name[24];
	enum probe_state state;
	enum report_isolation isolation;
};

/* A counter of the kernel when the report was made. */
struct report_counter {
	char name[44]; /* of host_counters() */
	int64_t value;
};

struct report_listener {
	enum listener_kind kind;
	char address[128];
	uint32_t depth, limit, drops; /* of struct listener */
	int64_t half_open;            /* likewise; REPORT_NONE: not counted */
	uint64_t cookie;
	int64_t pid; /* of a process that accepts from it; 0: not looked for, or not visible */
	char process[16], unit[96];
	bool subject; /* of the server that --server named */
};

#define REPORT_SAVED 384
#define REPORT_WALLS 40
#define REPORT_FINDINGS 64
#define REPORT_PROBES 24
#define REPORT_COUNTERS 256
#define REPORT_LISTENERS 64

struct report {
	struct timespec time;
	struct report_host host;
	struct report_server server;
	struct report_observed observed;
	char enter[REPORT_ENTER]; /* "nsenter --net=/proc/812/ns/net"; "": the caller's */
	struct target target;
	char saved[REPORT_SAVED]; /* options of a saved target, " --target web"; "": none */
	char probes[128];         /* chosen by the operator, comma separated; "": all */
	uint64_t backlog;         /* of the application, given by the operator; 0: none */
	uint64_t peers;           /* given by the operator; 0: none */
	char ignored[256];        /* findings, as --ignore takes them; "": none */
	char further[96];         /* options of the experiments, " --family 6"; "": none */
	/* "epolltune check …", as it was given, without what writes files; "": unknown, or not to
	 * be pasted. */
	char command[1024];
	/* Where the target was saved, and how --target names it; "": it was not. */
	char stored[384], stored_as[256];
	bool cut;              /* an option did not fit: no command repeats the question */
	bool quick;            /* no experiment was requested */
	bool gentle;           /* experiments ran at the lowest priority, with bounds */
	bool require_measured; /* what is missed or assumed makes the status unknown */
	size_t wall_count;
	size_t finding_count;
	size_t probe_count;
	size_t lost; /* walls and findings beyond the capacity: every renderer prints it */
	size_t counter_count;
	size_t listener_count; /* of the network namespace */
	size_t listed;         /* of these in listeners: in trouble first, then the fullest */
	struct wall walls[REPORT_WALLS];
	struct finding findings[REPORT_FINDINGS];
	struct report_probe ran[REPORT_PROBES];
	struct report_counter counters[REPORT_COUNTERS];
	struct report_listener listeners[REPORT_LISTENERS];
};

void report_init(struct report *r);
/* Finds the wall of that name, or adds an empty one: unknown, inspected, without quantities, in the
 * catalogue's unit. Never NULL: beyond the capacity it returns a scratch wall and counts it as
 * `lost`. */
struct wall *report_wall(struct report *r, const char *name);
/* The wall of that name; NULL if there is none. */
const struct wall *report_find(const struct report *r, const char *name);
/* Fills the wall's detail from the catalogue. */
void wall_fill(struct wall *w, const struct wording *words);
/* Beyond the capacity the last finding of the least level gives way to one of a higher level: a
 * note, one that was skipped, a warning. Adds a finding with level, remedy, wall, title, detail and
 * advice from the catalogue, filled from `words` (NULL: none); all other fields are empty. Never
 * NULL, as report_wall(). */
struct finding *report_finding(struct report *r, const char *id, const struct wording *words);
/* Makes it one to know, which no answer names. */
void finding_to_note(struct finding *f);
/* Removes all findings of that id. */
void report_remove(struct report *r, const char *id);
/* Adds an empty finding, for parsers of reports. Never NULL, as report_wall(). */
struct finding *report_finding_blank(struct report *r);
/* Adds a knob. `current`, `proposed`: "" or NULL for none. Never NULL: beyond the capacity it
 * returns a scratch proposal. */
struct proposal *finding_propose(struct finding *f, const char *knob, const char *current,
				 const char *proposed);
/* The same for a knob of a device, "eth0", or of one of its queues, "eth0:rx-3"; "": no device. */
struct proposal *finding_propose_device(struct finding *f, const char *knob, const char *device,
					const char *current, const char *proposed);
/* Adds a counter, or replaces its value; drops it beyond the capacity. */
void report_counter(struct report *r, const char *name, int64_t value);
/* Its value; -1 if the report does not have it. */
int64_t report_counter_value(const struct report *r, const char *name);
/* Counts a listener and adds an empty one. Never NULL: beyond the capacity it returns a scratch
 * listener. */
struct report_listener *report_listener(struct report *r);
/* The knob that binds; NULL if the finding is not about a knob. */
const struct proposal *finding_knob(const struct finding *f);
/* Whether a value is proposed. */
bool finding_proposes(const struct finding *f);
/* Adds evidence; drops it beyond the capacity. NAN: not tried. */
void finding_evidence(struct finding *f, const char *name, const char *unit, double at_current,
		      double at_proposed);
/* Start the finding's table, add a column, add a row. finding_row() returns the row's values, all
 * NAN, for the caller to set. They drop what exceeds the capacity. */
void finding_table(struct finding *f, const char *corner);
void finding_column(struct finding *f, const char *head, const char *unit);
double *finding_row(struct finding *f, const char *name);
/* Start the finding's curve, and add a line. A line with less than two points, or beyond the
 * capacity, is dropped. */
void finding_curve(struct finding *f, const struct curve_axes *axes);
void finding_curve_line(struct finding *f, const char *name, const struct curve_line *points);
/* Adds a point. When the line is full, every second one is dropped. */
void curve_point(struct curve_line *l, double x, double y);
/* printf into a field of a report, and behind its present text. They cut at the end with "…" what
 * does not fit. Whether they cut nothing. */
#define report_text(field, ...) report_text_into((field), sizeof(field), __VA_ARGS__)
#define report_append(field, ...) report_append_to((field), sizeof(field), __VA_ARGS__)
bool report_text_into(char *field, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool report_append_to(char *field, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ok from 1.25 × needed, tight from 1 ×, short below. Unknown if capacity is REPORT_NONE; otherwise
 * ok if needed is REPORT_NONE or 0. */
enum wall_verdict report_verdict(int64_t capacity, int64_t needed);
/* The need that decides about headroom: the upper end of a range. */
int64_t report_needed(const struct wall *w);
/* 1.25 × needed, rounded up: the smallest capacity that is ok. */
uint64_t report_margin(uint64_t needed);
/* Whether it has no verdict, and the target needs it or the load of the server in question decides
 * it: that server is named, or what is not measured counts. */
bool wall_undecided(const struct report *r, const struct wall *w);
/* Whether the verdict asks for a finding: tight or short. */
static inline bool verdict_asks(enum wall_verdict v)
{
	return v == VERDICT_TIGHT || v == VERDICT_SHORT;
}
/* Whether it is a warning or critical. */
static inline bool finding_asks(const struct finding *f)
{
	return !f->accepted && (f->level == LEVEL_WARNING || f->level == LEVEL_CRITICAL);
}
/* Of what belongs to no wall and has no result: the answer names it. */
static inline bool finding_untried(const struct finding *f)
{
	return !f->accepted && f->level == LEVEL_SKIPPED && f->answer[0];
}
/* The relative difference between two runs that counts as noise. */
#define COMPARE_NOISE 0.05

/* Marks the findings of that acceptance as accepted, and walls of which all that asks for action
 * is. Where its time is over when the report was made, the wall's figure is worse, or its `about`
 * is needed and missing, only notes that in them. A measured figure is worse from COMPARE_NOISE on.
 * Of several acceptances of a finding a valid one counts. */
void report_accept(struct report *r, const struct acceptance *a);
/* Writes until when and why a finding is accepted, or why it no longer is, as a sentence; "": there
 * is nothing to say. Returns `text`. */
#define ACCEPTANCE_TEXT 400
char *acceptance_text(const struct report *r, const struct finding *f, char text[ACCEPTANCE_TEXT]);
/* "2026-01-31", the last day of an acceptance (UTC); "" for none. Returns `date`. */
char *acceptance_date(int64_t until, char date[16]);
/* The same back; false: it is not a date of that form. */
bool acceptance_until(const char *date, int64_t *until);
const char *acceptance_name(enum acceptance_state s);
/* Whether the verdict of the finding's wall reports the problem already. */
bool report_accounts(const struct report *r, const struct finding *f);
/* Appends the content of `part`, without findings whose id and detail `whole` has already. */
void report_join(struct report *whole, const struct report *part);
/* Whether of what did not fit something may have been a warning, critical or a wall. */
bool report_overflows(const struct report *r);
/* Sorts the walls in the order of the catalogue. */
void report_sort(struct report *r);

struct report_summary {
	/* The first that applies:
	 * critical (short): a wall is short or a finding critical;
	 * unknown: the report overflows, a wall that is undecided, or each, has no verdict, a probe
	 * crashed or observed nothing, or one failed or left something untried and there is no
	 * wall; with require_measured also: an experiment is missed, a setting assumed, a probe
	 * failed or left something untried; warning (tight): a wall is tight or a finding a
	 * warning; ok. */
	enum wall_verdict status;
	size_t ok, tight, short_, unknown, na;
	size_t needed_unknown; /* wall_undecided() */
	bool unjudged;         /* there are walls, and all are unknown */
	bool overflows;        /* report_overflows() */
	size_t accepted;       /* findings */
	size_t missed;         /* walls that the target needs, with EXPERIMENT_MISSED */
	size_t assumed; /* such walls that are not short, by the default of a knob not read */
	size_t warnings, criticals;         /* findings that belong to no tight or short wall */
	size_t crashed, unobserved, failed; /* probes */
	size_t untried;                     /* skipped findings that the answer names */
};
struct report_summary report_summarize(const struct report *r);
#define REPORT_ANSWER 640
/* Writes whether this machine is ready for the target, in one line. */
void report_answer(const struct report *r, char answer[REPORT_ANSWER]);
/* "2026-01-31T23:59:59Z". "" if the year is out of range. */
#define REPORT_STAMP 32
const char *report_stamp(time_t when, char stamp[REPORT_STAMP]);
/* Returns an exit_status. */
int report_exit_status(const struct report *r);

const char *wall_method_name(enum wall_method m);
const char *wall_verdict_name(enum wall_verdict v);
const char *wall_experiment_name(enum wall_experiment x);
const char *finding_level_name(enum finding_level l);
const char *finding_remedy_name(enum finding_remedy r);
const char *limit_field_name(enum limit_field f);     /* NULL: LIMIT_NONE */
const char *finding_tried_name(enum finding_tried t); /* NULL for TRIED_NONE */
const char *report_isolation_name(enum report_isolation i);
const char *probe_state_name(enum probe_state s);
const char *report_status_name(enum wall_verdict status); /* "ok" "warning" "critical" "unknown" */

/* The measured capacity, else the limit by the settings; REPORT_NONE if neither is known. */
int64_t figure_of(const struct wall *w);

enum compare_verdict {
	COMPARE_SAME,
	COMPARE_BETTER, /* by verdict: ok, tight, short */
	COMPARE_WORSE,
	COMPARE_MOVED,   /* same verdict, figure changed by more than COMPARE_NOISE */
	COMPARE_UNKNOWN, /* one of the two has no verdict, or only a bound */
	COMPARE_NEW,     /* only in the second report */
	COMPARE_GONE,    /* only in the first report */
};
/* Compare a wall of two reports; `before` or `after` is NULL if that report lacks it. */
enum compare_verdict compare_wall(const struct wall *before, const struct wall *after);
/* What the target gains or loses: better or worse if the verdict changes, or if the figure of one
 * that is not ok moves; by more than `spread` percent, in which repeated experiments differ. */
enum compare_verdict compare_gain(const struct wall *before, const struct wall *after,
				  unsigned spread);
