/* figure: the capacity of a wall, as a number with its unit. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/report.h"

/* Is the figure exact or a bound? */
enum figure_bound { FIGURE_EXACT, FIGURE_AT_LEAST, FIGURE_AT_MOST };
enum figure_bound figure_bound(const struct wall *w);
/* Whether most machines have no such thing, and neither has the one of this wall: a table for
 * people leaves it out. */
bool figure_is_absent(const struct wall *w);
/* Formats the figure for a table: "9.3 MB/s", "≥ 17.8 MB/s", "≤ 86.5 MB/s", "unknown" or "n/a". 64
 * bytes suffice. Returns text. */
char *figure_text(char *text, size_t size, const struct wall *w);
/* Formats a need that is a range if it has an upper end: "4.1 MiB", "4.1 MiB to 15 MiB", or "-" for
 * none. 64 bytes suffice. Returns text. */
char *figure_needed(char *text, size_t size, const struct wall *w);
/* How the figure was found: "measured", or "-" where the machine has no such thing. */
const char *figure_basis(const struct wall *w);
/* Whether there is something to print of a knob: its value, or a proposed one. */
bool proposal_known(const struct proposal *p);
/* The knob's value, or what an empty one means: "unknown", or "none" of a list of ports. */
const char *proposal_current(const struct proposal *p);
/* Writes what the proposal led to: "tried: 0 dropped", "not tried: --no-proof was given"; "": there
 * is none, or nothing to try. Returns `text`. */
#define FINDING_OUTCOME 352
char *finding_outcome(const struct finding *f, char text[FINDING_OUTCOME]);
/* Format a quantity with its unit; counts of things ("connections") have none. */
void figure_format(char *text, size_t size, const char *unit, int64_t value);
/* Formats a measured value, rounded, with its unit: "903 SYNs", "1.04 s", "-" for NAN. 64 bytes
 * suffice. Returns text. */
const char *figure_value(char *text, size_t size, double value, const char *unit);
/* Formats evidence: "903 → 0 SYNs", "1.04 s → 20 ms", "2 %"; both numbers have a unit if it is
 * scaled. 160 bytes suffice. Returns text. */
const char *figure_evidence(char *text, size_t size, const struct evidence *ev);
