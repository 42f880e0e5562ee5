/* histogram: latencies in constant memory, log-linear: 128 steps per power of two, so that a
 * reported value is at most 1/128 (0.8 %) too high. No pointers: lives in shared memory. One
 * writer. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BITS 7
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS)

struct histogram {
	uint64_t total;
	uint64_t max;
	uint64_t at[HISTOGRAM_BUCKETS];
};

/* Adds one value, in the caller's unit (nanoseconds throughout this program). */
void histogram_add(struct histogram *h, uint64_t value);
/* Adds one value `count` times. */
void histogram_add_many(struct histogram *h, uint64_t value, uint64_t count);
void histogram_merge(struct histogram *into, const struct histogram *from);
/* The value that a `share` (0 to 1) of all values does not exceed; 0 when empty; 1.0 gives the
 * exact maximum. */
uint64_t histogram_quantile(const struct histogram *h, double share);
