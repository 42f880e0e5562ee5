/* findings: the table of the findings that a report may hold, for `explain` and the manual. A probe
 * that makes a finding of a new id adds a row here, and one to epolltune-knobs(7). */
#ifndef EPOLLTUNE_FINDINGS_H
#define EPOLLTUNE_FINDINGS_H

#include <stddef.h>

struct finding_row {
	const char *id;      /* <wall or probe>.<problem>: API, never renamed */
	const char *meaning; /* one or two sentences */
	const char *remedy;  /* what to do */
	const char *proof;   /* what shows it: a counter, an errno, an experiment */
};

size_t finding_row_count(void);
const struct finding_row *finding_row_at(size_t i);

#endif
