/* lint_output: prints the problems of a lint. */
#pragma once

#include "lint/lint.h"

struct effects;

void lint_print_text(const struct lint *l, FILE *out);
/* `tried`: NULL if the lines were not tried. */
int lint_print_json(const struct lint *l, const struct effects *tried, FILE *out, struct err *e);
/* Static Analysis Results Interchange Format 2.1.0. */
int lint_print_sarif(const struct lint *l, FILE *out, struct err *e);
