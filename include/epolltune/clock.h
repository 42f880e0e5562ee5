/* clock: the one clock: monotonic time, CPU time, and a sleep. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

static inline uint64_t clock_of_ns(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t clock_ns(void) { return clock_of_ns(CLOCK_MONOTONIC); }
static inline double clock_s(void) { return (double)clock_ns() / 1e9; }
static inline uint64_t clock_ms(void) { return clock_ns() / 1000000; }
/* CPU time of the calling process, user and system. */
static inline uint64_t clock_cpu_ns(void) { return clock_of_ns(CLOCK_PROCESS_CPUTIME_ID); }

/* Sleeps until a time of clock_ns(); false: a signal arrived before. */
static inline bool clock_wait_until(uint64_t due_ns)
{
	const struct timespec due = {(time_t)(due_ns / 1000000000), (long)(due_ns % 1000000000)};
	return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) != EINTR;
}

/* The same, through signals. */
static inline void clock_sleep_until(uint64_t due_ns)
{
	while (!clock_wait_until(due_ns))
		;
}

static inline void clock_sleep_us(uint64_t us) { clock_sleep_until(clock_ns() + us * 1000); }
static inline void clock_sleep_ms(unsigned ms) { clock_sleep_us(ms * 1000ull); }
