/* conditions: compare the target, machine and version of two documents. If these differ, figures
 * may differ for that reason alone. */
#pragma once

#include <stdio.h>

#include "report/json_value.h"
#include "report/render.h"

/* List the conditions that differ as { name, before, after }. Both documents have the same schema
 * (epolltune.report/1 or epolltune.bench/1). NULL if out of memory. */
json_t *conditions_compare(json_t *const documents[2]);
/* One of them, with a label and values for people. */
struct condition_text {
	const char *label;
	char before[80], after[80];
};
/* The one at i; false beyond the last, and for a NULL list. */
bool condition_text(const json_t *differing, size_t i, struct condition_text *out);
/* Print them; prints nothing if none differs. */
void conditions_print(FILE *out, const json_t *differing, const struct render_style *style);
