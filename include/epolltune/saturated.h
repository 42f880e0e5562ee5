/* saturated: sums and products that stop at the largest number. */
#pragma once

#include <stdint.h>

/* Of amounts whose factors come from outside: UINT64_MAX where the result is larger. */
static inline uint64_t saturated_sum(uint64_t a, uint64_t b)
{
	uint64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static inline uint64_t saturated_product(uint64_t a, uint64_t b)
{
	uint64_t product;
	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* As the fields of walls have it: INT64_MAX for more. */
static inline int64_t saturated(uint64_t n) { return n > INT64_MAX ? INT64_MAX : (int64_t)n; }
