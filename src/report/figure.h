/* figure: where a wall stands, as a number with its unit. */
#ifndef EPOLLTUNE_FIGURE_H
#define EPOLLTUNE_FIGURE_H

#include <stddef.h>
#include <stdint.h>

#include "epolltune/report.h"

/* What was measured, else the limit by the settings; REPORT_NONE when neither is known. */
int64_t figure_of(const struct wall *w);
/* A quantity of a wall with its unit; what is counted in things ("connections") goes without. */
void figure_format(char *text, size_t size, const char *unit, int64_t value);

#endif
