#include "epolltune/order.h"

#include <stdint.h>

int int_compare(const void *a, const void *b) { return ORDER(*(const int *)a, *(const int *)b); }

int u32_compare(const void *a, const void *b)
{
	return ORDER(*(const uint32_t *)a, *(const uint32_t *)b);
}

int u64_compare(const void *a, const void *b)
{
	return ORDER(*(const uint64_t *)a, *(const uint64_t *)b);
}

int double_compare(const void *a, const void *b)
{
	return ORDER(*(const double *)a, *(const double *)b);
}
