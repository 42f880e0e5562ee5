/* markdown: external text in Markdown (GitHub's, with tables). */
#pragma once

#include <stdio.h>

/* Prints text so that none of it is markup. */
void markdown_put(FILE *out, const char *text);
/* The same as code, also in a cell of a table. */
void markdown_code(FILE *out, const char *text);
