/* clock: the one clock: monotonic time, CPU time, and a sleep. */
#pragma once

#include <errno.h>
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

/* Sleeps, at least that long unless a signal arrives. */
static inline void clock_sleep_ms(unsigned ms)
{
	const struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
	nanosleep(&t, NULL);
}

/* Sleeps until a time of clock_ns(). */
static inline void clock_sleep_until(uint64_t due_ns)
{
	const struct timespec due = {(time_t)(due_ns / 1000000000), (long)(due_ns % 1000000000)};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
		;
}
