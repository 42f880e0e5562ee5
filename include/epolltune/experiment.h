/* experiment: settings, what the kernel's rules make of them (bound), a run, and what it showed
 * (outcome): for one wall. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/host.h"
#include "epolltune/lab.h"
#include "epolltune/listener.h"
#include "epolltune/report.h"
#include "epolltune/settings.h"
#include "epolltune/target.h"
#include "epolltune/wording.h"

struct trial;
struct probe_options;

#define METRICS_MAX 8

/* What the kernel's rules make of settings; the first two are judged by `capacity`, which a run may
 * have shown. */
enum bound_state {
	BOUND_LIMIT,     /* REPORT_NONE: a knob cannot be read, and the judge names it */
	BOUND_UNKNOWN,   /* no capacity, and the catalogue's detail of the wall says why */
	BOUND_UNLIMITED, /* these settings impose no such limit: the wall is ok */
	BOUND_ABSENT,    /* the running server has no such thing: the wall is n/a */
	BOUND_BESIDE,    /* it has, but the target's clients may not use it: likewise */
	BOUND_MISSING,   /* it has none, but the target needs it: the wall is unknown */
};

/* What shows a capacity. */
enum bound_by {
	BY_SETTINGS,
	BY_RUN,     /* only run(): without it the wall is n/a */
	BY_RUN_DUE, /* likewise, but without it the wall is unknown */
};

/* What the bound is derived from. */
enum bound_origin {
	OF_SETTINGS,
	OF_ASSUMPTION, /* besides the settings: derived, not inspected */
	OF_RUNNING,    /* what the running server has */
};

/* The limit that the kernel's rules derive from settings. */
struct bound {
	enum bound_state state;
	enum bound_by by; /* initially by the experiment's `due`: bound() may know better */
	enum bound_origin origin;
	const char *why; /* the sentence about the state; NULL: the catalogue's */
	/* What could not be read, of what is left: a wall that is not short without it is
	 * unknown. NULL: all was read. */
	const char *unread;
#define SUBJECT_CUT "The rest of the server's descriptors, which may be listeners,"
	int64_t capacity;           /* in the unit of the wall; REPORT_NONE: unknown */
	int binding;                /* index into knobs of the one that binds; -1: none */
	enum finding_remedy remedy; /* REMEDY_NONE: that of the knob, or the catalogue's */
	struct {
		int64_t min; /* REPORT_NONE: by the catalogue's formula */
		/* Its upper end: a wall that suffices for `min`, not for this with the margin, is
		 * tight, or with `unsure` unknown. INT64_MAX: it is not known, REPORT_NONE: the
		 * need is `min`. */
		int64_t max;
		bool unsure;
	} need;
	struct {
		/* `capacity` is an upper bound that practice does not reach: short below the need,
		 * ok only from twice the margin, or where an experiment showed the margin and tight
		 * up to the bound. */
		bool is;
		int64_t shown; /* REPORT_NONE: nothing */
	} upper;
	/* Beyond `capacity` nothing is lost, it costs more: the wall is never worse than tight. */
	bool soft;
	/* Of the capacity, where only that may be short. */
	struct {
		int64_t capacity;    /* without raising the soft limit; REPORT_NONE: all of it */
		const char *problem; /* of the finding's id; NULL: "soft-limit" */
		/* It is what these settings hold where it is not measured: it takes the margin, and
		 * also where the run had what the application asks for. */
		bool margin;
	} part;
	struct {
		/* That cannot be read, so that its default counts; NULL: none. A wall that is not
		 * short by that, but may be by another value, is counted and named. */
		const char *knob;
		int64_t capacity; /* by the smallest usual value; REPORT_NONE: an eighth */
	} fallback;
};
/* The most that the load may need; REPORT_NONE: unknown, or it needs none. */
static inline int64_t bound_needed(const struct bound *b)
{
	return b->need.max != REPORT_NONE ? b->need.max : b->need.min;
}

enum outcome_state {
	OUTCOME_CONCLUSIVE,
	OUTCOME_INCONCLUSIVE, /* too busy */
	OUTCOME_UNSUPPORTED,  /* it cannot be run here */
	OUTCOME_UNNEEDED,     /* it has nothing to add: the wall is judged by its settings */
};

/* What one run showed. */
struct outcome {
	enum outcome_state state;
	/* Why it is not conclusive: a clause without full stop; of an unneeded one for words(), or
	 * "". */
	char why[160];
	int64_t reached;  /* in the unit of the wall; REPORT_NONE: the run showed no capacity */
	bool limit_met;   /* false: the wall is at least `reached` */
	bool measured;    /* the figures count as measured though no limit was met */
	bool derived;     /* `reached` was computed from other figures */
	char remark[480]; /* sentences printed with the wall; "": none */
	double metric[METRICS_MAX]; /* NAN: not applicable */
	struct curve_line course;   /* in the axes of experiment.course; no points: none */
};

/* Clients that an experiment uses, and their maximum; 0, 0: few. */
struct cost {
	uint64_t clients, clients_max;
	uint64_t at_once;     /* handshakes at a time, which cannot be spread; 0: few */
	uint64_t bytes_per_s; /* over one connection; 0: few */
	uint64_t flow_bytes;  /* in flight over all bulk connections at a time; 0: few */
};

/* The time that a check gives a probe before it ends its process; with --gentle it gives
 * GENTLE_TIMES as much. Parts of it for what takes long: */
#define PROBE_MS 60000u
#define GENTLE_TIMES 3u
#define PROBE_AGAIN_MS (PROBE_MS / 6)

struct experiment {
	const char *wall; /* its row in the catalogue */
	/* By how many percent repeated runs differ, on a busy machine and a quiet one: a proof must
	 * exceed the need and the margin by as much, and a run that misses the need by less (than a
	 * tenth, at most) makes it tight, not short. 0: it counts, and runs do not differ. */
	unsigned spread;
	/* Maximum number of further runs while one is inconclusive, as the disturbance may end;
	 * none begins later than PROBE_AGAIN_MS after the first. */
	unsigned again;
	const char *knobs[SETTINGS_MAX + 1]; /* the knobs that it depends on; NULL at the end */
	struct {
		const char *name, *unit;
	} metrics[METRICS_MAX];
	struct curve_axes course; /* of outcome.course: evidence of the finding, as a curve */
	enum lab_host host;       /* the lab host whose knobs are set; default: the server's */
	bool due; /* only run() shows the capacity: without it the wall is unknown, unless it is
		     unneeded, and it is run also for a target without a need */
	bool emulates; /* run() imposes knobs that no lab has of its own */
	/* Whether there is such a wall. NULL: always. */
	bool (*applies)(const struct target *, const struct probe_options *);
	/* Reads what is not a knob: fills `taken`, and the slots of knobs that are not in the
	 * table. NULL: nothing to read. */
	void (*read)(const struct host *, struct settings *);
	/* Computes the limit from the settings, by the kernel's rules. Pure. The fields of `out`
	 * are initially REPORT_NONE, -1, 0 and false, but for `by`, which is by the experiment's
	 * `due`. NULL: no rule. */
	void (*bound)(const struct target *, const struct settings *, struct bound *out);
	/* Finds the smallest settings whose bound is at least `enough`; `out` initially equals
	 * `now`. The judge rounds them up. `o`: the outcome at `now`, or NULL. False: there are
	 * none. Pure. NULL: nothing can be set. */
	bool (*solve)(const struct target *, const struct settings *now, const struct outcome *o,
		      int64_t enough, struct settings *out);
	/* Scales to `percent` what solve() changed from `now`, so that a proof finds the smallest
	 * value that suffices. False: nothing to scale. Pure. NULL: a proof tries one value. */
	bool (*scale)(const struct target *, const struct settings *now, struct settings *,
		      unsigned percent);
	/* Adds {names} to the judge's for the texts of the wall and its findings. `o`: the
	 * outcome of the run, conclusive or unneeded, or NULL; the bound is the one by which the
	 * wall is judged. Pure. NULL: none. */
	void (*words)(const struct target *, const struct settings *, const struct outcome *o,
		      const struct bound *, struct wording *);
	/* What the experiment will use of the machine. Pure. NULL: little. */
	struct cost (*cost)(const struct target *, const struct settings *, const struct bound *);
	/* Runs the experiment in a lab that has these settings. May write measured values to
	 * s->taken; the judge then calls bound() again. NULL: bound() alone judges the wall. */
	int (*run)(struct trial *, struct settings *s, struct outcome *out, struct err *);
	/* Describes the outcome: of a proof as a clause ("0 dropped"), otherwise in one or two
	 * sentences; "": the catalogue's text suffices. NULL: it always does, and solve() is NULL
	 * too. */
	void (*describe)(const struct trial *, const struct outcome *, char *text, size_t size);
	/* Tries other remedies of a short or tight wall and adds them to the finding. NULL: none.
	 */
	int (*alternatives)(struct trial *, const struct settings *, struct finding *,
			    struct err *);
	/* Adds findings for no wall, about what run() saw. NULL: none. */
	void (*notice)(const struct trial *, struct report *);
};

/* Set the state of an outcome and the reason, a clause. */
void outcome_inconclusive(struct outcome *o, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void outcome_unsupported(struct outcome *o, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* `why`: "" where no words() prints it. */
void outcome_unneeded(struct outcome *o, const char *why);
