/* conditions: compare the target, machine and version of two documents. If these differ, figures
 * may differ for that reason alone. */
#ifndef EPOLLTUNE_CONDITIONS_H
#define EPOLLTUNE_CONDITIONS_H

#include <stdio.h>

#include "report/json_value.h"
#include "report/render.h"

/* List the conditions that differ as { name, before, after }. Both documents have the same schema
 * (epolltune.report/1 or epolltune.bench/1). NULL if out of memory. */
json_t *conditions_compare(json_t *const documents[2]);
/* Print them; prints nothing if none differs. */
void conditions_print(FILE *out, json_t *differing, const struct render_style *style);

#endif
