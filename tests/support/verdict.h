/* verdict: what the judge makes of settings and outcomes, without a lab: a case is a row. */
#pragma once

#include "epolltune/probe.h"

/* The experiment of a probe that answers for a wall; fails the test when there is none. */
const struct experiment *verdict_experiment(const char *probe, const char *wall);
/* "net.core.somaxconn=512; listen.backlog=128", values as sysctl writes them. What is not named is
 * unknown; listen.backlog is then the largest there is. The machine: 2 CPUs, 16 GiB of memory, 12
 * available, pages of 4 KiB, 1 000 of 1 000 000 files open, Linux 6.18. */
struct settings verdict_settings(const struct experiment *x, const char *values);
/* An outcome that reached so much; `limit_met`: and no more. */
struct outcome verdict_outcome(int64_t reached, bool limit_met);
/* The wall, and its finding if it is tight or short, by the settings alone (`o` NULL), or by the
 * outcome of an experiment at them. Lives until the next call. */
const struct report *verdict_of(const struct experiment *x, const struct target *t,
				const struct settings *s, const struct outcome *o);
/* Fails the test unless the report has that wall and that finding (`id` "": none), whose texts are
 * whole. `what`: names the case. */
void verdict_is(const char *what, const struct report *r, int64_t limit, enum wall_verdict verdict,
		const char *id, const char *proposals, enum finding_remedy remedy);
/* "net.core.somaxconn 512 -> 2048, listen.backlog 128 -> 2048", of the first finding; "" if it
 * proposes nothing, or there is none. */
const char *verdict_proposals(const struct report *r);
/* Fails the test unless these are all findings of the report, "id level, id level", and their texts
 * are whole: no {name} left, nothing cut. `what`: names the case. */
void findings_are(const char *what, const struct report *r, const char *expected);
