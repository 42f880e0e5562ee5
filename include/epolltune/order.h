/* order: numbers by their size, for qsort() and bsearch(). */
#pragma once

/* Negative, 0 or positive: x before, with or after y. Evaluates both twice. */
#define ORDER(x, y) (((x) > (y)) - ((x) < (y)))

/* Of such numbers, and of structs that begin with one. */
int int_compare(const void *a, const void *b);
int u32_compare(const void *a, const void *b);
int u64_compare(const void *a, const void *b);
int double_compare(const void *a, const void *b);
