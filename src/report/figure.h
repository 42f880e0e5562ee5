/* figure: where a wall stands, as a number with its unit. */
#ifndef EPOLLTUNE_FIGURE_H
#define EPOLLTUNE_FIGURE_H

#include <stddef.h>
#include <stdint.h>

#include "epolltune/report.h"

/* What was measured, else the limit by the settings; REPORT_NONE when neither is known. */
int64_t figure_of(const struct wall *w);
/* Whether that is a figure, or a bound of one. */
enum figure_bound { FIGURE_EXACT, FIGURE_AT_LEAST, FIGURE_AT_MOST };
enum figure_bound figure_bound(const struct wall *w);
/* That with its unit, as a table shows it: "9.3 MB/s", "≥ 17.8 MB/s", "≤ 86.5 MB/s", "unknown" or "n/a". 64
 * bytes suffice. Returns text. */
char *figure_text(char *text, size_t size, const struct wall *w);
/* A quantity of a wall with its unit; what is counted in things ("connections") goes without. */
void figure_format(char *text, size_t size, const char *unit, int64_t value);

#endif
