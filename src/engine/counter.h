/* counter: a statistic with one writer and any number of readers, also in other processes. Cheaper
 * than an atomic addition, which locks the cache line. A reader also sees everything the writer
 * counted before. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint64_t counter;

static inline uint64_t counter_get(const counter *c)
{
	return atomic_load_explicit(c, memory_order_acquire);
}

static inline void counter_set(counter *c, uint64_t value)
{
	atomic_store_explicit(c, value, memory_order_release);
}

static inline void counter_add(counter *c, uint64_t n) { counter_set(c, counter_get(c) + n); }
