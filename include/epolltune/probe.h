/* probe: one area, as experiments on it, what the machine itself shows of it, or both.
 *
 * A probe is one file in probes/ that defines `const struct probe probe_<name>`, one line in
 * probes/probes.def, and its rows in the catalogue. It includes these headers and the system's
 * only. What all probes share is the judge's: reading settings, having them in a lab and restoring
 * them, need, verdict, rounding of proposals, findings, the proof at the proposed value, and what
 * is said where no experiment is possible. */
#ifndef EPOLLTUNE_PROBE_H
#define EPOLLTUNE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/catalogue.h"
#include "epolltune/err.h"
#include "epolltune/host.h"
#include "epolltune/lab.h"
#include "epolltune/load.h"
#include "epolltune/report.h"
#include "epolltune/server.h"
#include "epolltune/target.h"

struct probe_options {
	bool no_proof;      /* do not try proposed values */
	bool in_place;      /* loopback of the calling namespace instead of a lab */
	uint64_t backlog;   /* what the application passes to listen(); 0: the largest there is */
	uint64_t window_us; /* the host is watched for at least that long; 0: as the probe likes */
};

#define SETTINGS_MAX 6
#define METRICS_MAX 8
#define SETTING_TEXT 200

/* The values that an experiment stands on, in the order of experiment.knobs, and the machine. */
struct settings {
	/* Fields of each knob; REPORT_NONE where it cannot be read or has fewer. RLIMIT_NOFILE:
	 * soft, hard, INT64_MAX for unlimited. listen.backlog: INT32_MAX where none was given. */
	int64_t at[SETTINGS_MAX][3];
	char text[SETTINGS_MAX][SETTING_TEXT]; /* as the kernel writes it; "" where unreadable */
	struct machine machine;
	/* What a connection or a server takes: an assumption of bound() where it is 0, and what
	 * run() has measured otherwise. */
	struct taken {
		uint64_t held;             /* descriptors of a server without connections */
		uint64_t connection_bytes; /* kernel memory of an idle connection at one end */
		uint64_t request_bytes;    /* buffer of a connection with a waiting request */
		bool measured;
		const char *basis; /* what the figure rests on, a clause; static */
	} taken;
};

/* What the kernel's rules make of settings. */
struct bound {
	int64_t capacity; /* in the unit of the wall; REPORT_NONE: unknown */
	int64_t unraised; /* of a process that does not raise its soft limit; REPORT_NONE: the same
			   */
	int64_t needed;   /* where the catalogue has no formula; REPORT_NONE: the catalogue's */
	int binding;      /* index into knobs: the one that binds; -1: none */
	bool upper;       /* practice does not reach it */
	bool unlimited;   /* with these settings there is no such limit: the wall is ok */
	bool assumed;     /* it rests on more than the settings: derived, not inspected */
	/* With `upper`: below the need it is short, and ok only from twice the margin. */
};

enum outcome_state { OUTCOME_CONCLUSIVE, OUTCOME_INCONCLUSIVE, OUTCOME_UNSUPPORTED };

/* What one run showed. */
struct outcome {
	enum outcome_state state;
	/* Where not conclusive: a clause without full stop. Unsupported with "": the experiment is
	 * not due, the wall is what its settings say. */
	char why[160];
	int64_t reached;  /* in the unit of the wall; REPORT_NONE: what it showed is no capacity */
	bool limit_met;   /* otherwise the wall is at least `reached` */
	bool measured;    /* the figures count as measured though no limit was met */
	bool derived;     /* `reached` follows from other figures: the wall is derived from it */
	char remark[320]; /* said with the wall, sentences; "" */
	double metric[METRICS_MAX]; /* NAN: not applicable */
};

/* Progress that a person sees. */
#define PROBE_PROGRESS 64

struct context; /* of a probe: what its experiments share */

#define TRIAL_LOADS 2

/* What run() gets. The judge owns it and ends what run() has begun. */
struct trial {
	const struct target *target;
	const struct probe_options *options;
	const struct host *host; /* the calling namespace, read only */
	struct lab *lab;         /* it has the settings */
	uint64_t needed;         /* of the wall, by the target; 0: nothing */
	bool proof;              /* a proposed value is tried */
	bool emulated;           /* somaxconn stands in the lab by the listen argument */
	struct context *context; /* probe.context_size bytes, zeroed before the first experiment */
	char *progress;
	/* What trial_server(), trial_load() and trial_knobs() have begun, in the lab's memory from
	 * `mark` on. */
	struct server *server;           /* NULL: none */
	struct load *loads[TRIAL_LOADS]; /* in the order of starting; NULL: none */
	struct trial_swap *swaps;        /* knobs to restore, the last one first */
	size_t mark;
	bool begun;
};

/* Clients that an experiment sends, and the most it can; 0, 0: none to speak of. */
struct cost {
	uint64_t clients, clients_max;
};

struct experiment {
	const char *wall;                    /* its row in the catalogue */
	const char *knobs[SETTINGS_MAX + 1]; /* that it stands on */
	struct {
		const char *name, *unit;
	} metrics[METRICS_MAX];
	enum lab_host host; /* of the lab: where the knobs are set; the server's by default */
	/* Reads what is no knob: fills `taken`, and the slots whose knob the table does not have.
	 * NULL: nothing. */
	void (*read)(const struct host *, struct settings *);
	/* What the kernel's rules make of the settings. Pure. `out` comes with everything
	 * REPORT_NONE, -1 and false. */
	void (*bound)(const struct target *, const struct settings *, struct bound *out);
	/* The smallest settings whose bound is at least `enough`, in place of `now`, which is in
	 * `out` already; the judge rounds them up. `o`: what the run at `now` showed, or NULL.
	 * False: there are none. Pure. NULL: nothing can be set. */
	bool (*solve)(const struct target *, const struct settings *now, const struct outcome *o,
		      int64_t enough, struct settings *out);
	/* Scales what solve() found in place of `now`, by percent; then a proof searches for the
	 * smallest value that does. False: nothing to scale. Pure. NULL: a proof tries what was
	 * found once. */
	bool (*scale)(const struct target *, const struct settings *now, struct settings *,
		      unsigned percent);
	/* {names} for the texts of the wall and its findings, besides the judge's. `o`: what the
	 * run showed, or NULL. Pure. NULL: none. */
	void (*words)(const struct target *, const struct settings *, const struct outcome *o,
		      struct wording *);
	/* What it takes of the machine, before it is run. Pure. NULL: nothing to speak of. */
	struct cost (*cost)(const struct target *, const struct settings *);
	/* In a lab that has these settings: what was reached. It may write into s->taken what it
	 * has measured, on which bound() is asked again. NULL: the wall is judged by bound(). */
	int (*run)(struct trial *, struct settings *s, struct outcome *out, struct err *);
	/* The outcome, of a proof as a clause ("0 dropped"), else as a sentence or two. "" : no
	 * more than the catalogue says. */
	void (*describe)(const struct trial *, const struct outcome *, char *text, size_t size);
	/* What else would help, tried where the wall is short: adds to the finding. NULL: nothing.
	 */
	int (*alternatives)(struct trial *, const struct settings *, struct finding *,
			    struct err *);
};

/* For experiments on a listener's queues: .knobs begins with net.core.somaxconn and listen.backlog,
 * and the queue holds one more than the smaller of them. Pure. */
enum { BACKLOG_MAX, BACKLOG_ARGUMENT };
void backlog_bound(const struct target *, const struct settings *s, struct bound *out);
bool backlog_solve(const struct target *, const struct settings *now, const struct outcome *o,
		   int64_t enough, struct settings *out);

/* When the samples of an observation were taken. */
struct moment {
	const struct target *target;
	const struct probe_options *options;
	double seconds; /* between the two; 0: there is one, `before` and `after` are the same */
	bool beside;    /* experiments ran meanwhile */
	bool live;      /* not a captured machine */
};

struct sample; /* each probe has its own */

/* For samples. What cannot be read is 0, or as struct machine says. */
void machine_read(const struct host *h, struct machine *m);

/* Looks during a window. */
#define OBSERVATION_TICKS 10

struct observation {
	const char *const *walls; /* that it writes, NULL at the end; NULL: none */
	size_t size;              /* of a struct sample */
	bool window;              /* two samples, some time apart; otherwise one says all */
	/* Reads only. What cannot be read is noted in the sample; an error is a lack of memory. The
	 * sample comes zeroed, or as the ticks left it. */
	int (*sample)(const struct host *, const struct probe_options *, struct sample *,
		      struct err *);
	/* Looks again during the window, OBSERVATION_TICKS times, evenly spread, for what a first
	 * and a last look do not show; `during` becomes the second sample and comes zeroed before
	 * the first tick. NULL: nothing. */
	int (*tick)(const struct host *, struct sample *during, struct err *);
	void (*release)(struct sample *); /* NULL: it owns nothing */
	/* Pure. */
	void (*judge)(const struct sample *before, const struct sample *after,
		      const struct moment *, struct report *);
};

enum probe_mode {
	PROBE_SHARED,    /* others may run beside it */
	PROBE_EXCLUSIVE, /* fills CPUs or wire: nothing else may run */
	PROBE_OBSERVER,  /* watches while the others run */
	PROBE_FIRST,     /* watches in a quiet window before the first experiment */
};
enum probe_place {
	PROBE_ANY,  /* in the lab, or over loopback of the calling namespace */
	PROBE_LAB,  /* in the lab only */
	PROBE_HOST, /* no lab: it watches the host itself */
};

struct probe {
	const char *name;
	const char *summary; /* one line */
	enum probe_mode mode;
	enum probe_place place;
	struct lab_options lab; /* the wire it wants; rtt and bandwidth are the target's */
	/* Makes another wire of the target than one of its RTT and bandwidth; NULL: that one. */
	void (*shape)(const struct target *, struct lab_options *);
	/* Why this target cannot be tried on any wire; NULL or "": it can. Pure. */
	const char *(*refuses)(const struct target *);
	size_t context_size;
	/* Once in each lab, before its first experiment. NULL: nothing. */
	int (*prepare)(struct trial *, struct err *);
	const struct experiment *experiments; /* in the order of running; .wall NULL at the end */
	const struct observation *observation;
	/* An experiment that answers for no wall, or for one that its observation judges; after the
	 * others, in a lab. Where it is not run, fails, or returns -ENOTSUP because this machine
	 * does not have what it needs, the judge says why: with the observation's walls, and as the
	 * outcome of findings that are TRIED_NOT without one. NULL: none. */
	int (*measure)(struct trial *, struct report *, struct err *);
};

/* In the order of probes.def. */
size_t probe_count(void);
const struct probe *probe_at(size_t i);
const struct probe *probe_find(const char *name);
/* The walls that a probe writes, the i-th from 0; NULL beyond the last. */
const char *probe_wall(const struct probe *p, size_t i);
bool probe_has_wall(const struct probe *p, const char *wall);
/* Whether it has anything to run in a lab. */
bool probe_experiments(const struct probe *p);

/* Starts the test server, as t->server, on the server's first address. It replaces the one before,
 * whose clients end too. What these functions begin, and all of the lab's memory that was allocated
 * since, ends with run(), alternatives() or measure(), also after an error. */
int trial_server(struct trial *t, struct server_config config, struct err *e);
/* Starts clients of that server, as the next of t->loads; they open no connection yet. -EMFILE
 * where RLIMIT_NOFILE does not allow so many: then there are none. */
int trial_load(struct trial *t, struct load_config config, struct err *e);
/* The same, but not an error where there are none: the experiment does without. */
int trial_load_optional(struct trial *t, struct load_config config, struct err *e);

/* Sets knobs of one of the lab's hosts that are not the experiment's settings. Those of a kernel
 * without the knob are skipped. They are restored at the end of run(), alternatives() or measure(),
 * and stay when prepare() sets them. `list` ends with NULL. */
struct trial_knob {
	const char *name, *value;
};
int trial_knobs(struct trial *t, enum lab_host host, const struct trial_knob *list, struct err *e);

/* What the judge calls after run(), alternatives() and measure(), which returned `rc`: ends what
 * they have begun. Returns `rc`, or else the first error of restoring a knob. */
int trial_end(struct trial *t, int rc, struct err *e);

/* Set the state of an outcome and a clause why. */
void outcome_inconclusive(struct outcome *o, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void outcome_unsupported(struct outcome *o, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* printf into trial->progress. */
void trial_progress(struct trial *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Counters of one of the lab's hosts at two moments. trial_counters_growth() is -1 where the kernel
 * has no such counter. trial_counters_free() may be called before the first use. */
struct trial_counters {
	struct host_counters *before, *after;
	enum lab_host host;
};
int trial_counters_begin(struct trial *t, enum lab_host host, struct trial_counters *c,
			 struct err *e);
int trial_counters_end(struct trial *t, struct trial_counters *c, struct err *e);
int64_t trial_counters_growth(const struct trial_counters *c, const char *name);
void trial_counters_free(struct trial_counters *c);

/* Sleeps, at least that long. */
void trial_sleep_us(uint64_t us);

#endif
