/* print: prints what lines change, for people and as JSON. */
#pragma once

#include "effects/effects.h"
#include "report/json_value.h"

/* A line for each line of the files and for each file; of two files also a table of walls. */
int effects_print_text(const struct effects *s, FILE *out, struct err *e);
/* { "files": [ { file, lines, tried, effect, why, walls } ], "lines": [ { file, line, name, value,
 * effect, why, walls } ], "walls": [ { name, unit, needed, now, file, other } ] } */
json_t *effects_json(struct json_writer *w, const struct effects *s);
