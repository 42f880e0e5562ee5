/* conditions: what two documents were made under: their target, machine and version. Where these
 * differ, so may the figures, whatever was set in between. */
#ifndef EPOLLTUNE_CONDITIONS_H
#define EPOLLTUNE_CONDITIONS_H

#include <jansson.h>
#include <stdio.h>

#include "report/render.h"

/* Those that differ, a list of { name, before, after }, of documents of the same schema
 * (epolltune.report/1 or epolltune.bench/1); NULL without memory. */
json_t *conditions_compare(json_t *const documents[2]);
/* The same for a person; nothing where none differs. */
void conditions_print(FILE *out, json_t *differing, const struct render_style *style);

#endif
