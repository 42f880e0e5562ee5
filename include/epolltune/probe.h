/* probe: the contract of a probe: experiments in a lab, an observation of the host, or both.
 *
 * A probe is one file in probes/ that defines `const struct probe probe_<name>`, one line in
 * probes/probes.def, and its rows in the catalogue. It includes only these headers and system
 * headers. The judge does what all probes share: it reads settings, sets and restores them in the
 * lab, computes need and verdict, rounds and proves proposals, writes findings, and reports why an
 * experiment was not possible. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/backlog.h"
#include "epolltune/catalogue.h"
#include "epolltune/err.h"
#include "epolltune/experiment.h"
#include "epolltune/host.h"
#include "epolltune/lab.h"
#include "epolltune/machine.h"
#include "epolltune/observation.h"
#include "epolltune/probe_options.h"
#include "epolltune/report.h"
#include "epolltune/settings.h"
#include "epolltune/since.h"
#include "epolltune/subject.h"
#include "epolltune/target.h"
#include "epolltune/trial.h"

struct knob;

enum probe_mode {
	PROBE_SHARED,    /* runs beside other probes */
	PROBE_EXCLUSIVE, /* fills CPUs or wire: no other experiment may run */
	PROBE_FIRST,     /* watches in a quiet window before the first experiment */
};
enum probe_place {
	PROBE_ANY,  /* in the lab, or over loopback of the calling namespace */
	PROBE_LAB,  /* in the lab only */
	PROBE_HOST, /* without a lab: watches the host */
};

struct probe {
	const char *name;
	const char *summary; /* one line */
	enum probe_mode mode;
	enum probe_place place;
	struct lab_options lab; /* the wire; RTT and bandwidth come from the target */
	/* Whether its experiments are on the operator's server (--run), in the lab of that one; or,
	 * GUEST_FAR, in one of its own with the probe's wire. */
	enum { GUEST_NOT, GUEST_TOO, GUEST_ONLY, GUEST_FAR } guest;
	/* Changes the wire's RTT and bandwidth from those of the target. NULL: keeps them. */
	void (*shape)(const struct target *, struct lab_options *);
	/* Why no wire can carry this target: a clause, static; NULL or "": one can. Pure. */
	const char *(*refuses)(const struct target *);
	size_t context_size; /* bytes of its struct context */
	/* Runs once in each lab, before the first experiment. NULL: nothing to prepare. */
	int (*prepare)(struct trial *, struct err *);
	const struct experiment *experiments; /* in running order; .wall NULL at the end */
	const struct observation *observation;
	/* Runs in a lab after the experiments, for no wall or for those of the observation. If it
	 * does not run, fails, or returns -ENOTSUP (this machine lacks what it needs), the judge
	 * reports the reason in the observation's walls and in findings that are TRIED_NOT without
	 * an outcome. NULL: none. */
	int (*measure)(struct trial *, struct report *, struct err *);
};

/* The probes in the order of probes.def. */
size_t probe_count(void);
const struct probe *probe_at(size_t i);
/* NULL if unknown. */
const struct probe *probe_find(const char *name);
/* Probes, 1 << i for probe_at(i). */
typedef uint32_t probe_set;
/* Of the option --probe: 0 is all of them. */
static inline bool probe_chosen(probe_set chosen, size_t i) { return !chosen || chosen >> i & 1; }
/* Those of a comma-separated list; 0, and the error, if one is unknown. */
probe_set probes_parse(const char *list, struct err *e);
/* Their names, comma separated. */
#define PROBES_TEXT 512
char *probes_text(probe_set set, char text[PROBES_TEXT]);
/* Wall i (from 0) that a probe writes; NULL beyond the last. */
const char *probe_wall(const struct probe *p, size_t i);
bool probe_has_wall(const struct probe *p, const char *wall);
/* What measures a wall; NULL: no experiment. */
const struct experiment *experiment_find(const char *wall);
/* Whether it reads the knob; false for NULL. */
bool experiment_uses(const struct experiment *x, const char *knob);
/* Whether a wall, and one of a probe's, depends on the knob: by its row, or by the experiment. */
bool wall_depends(const char *wall, const struct knob *k);
bool probe_depends(const struct probe *p, const struct knob *k);
/* Whether target and options give the experiment a wall. */
static inline bool experiment_applies(const struct experiment *x, const struct target *t,
				      const struct probe_options *o)
{
	return !x->applies || x->applies(t, o);
}
/* Whether the probe then runs anything in a lab. */
bool probe_experiments(const struct probe *p, const struct target *t,
		       const struct probe_options *o);
