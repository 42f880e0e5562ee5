#include "epolltune/own_time.h"

#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "epolltune/clock.h"

/* For a process that has been waited for and does not count as ended yet. */
#define TRIES 200

static uint64_t timeval_ns(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_usec * 1000;
}

static void ended_count(struct own_time *o)
{
	struct rusage all;
	if (!getrusage(RUSAGE_CHILDREN, &all))
		o->ended_ns = timeval_ns(&all.ru_utime) + timeval_ns(&all.ru_stime);
}

int own_time_make(struct own_time **out, struct err *e)
{
	void *memory = mmap(NULL, sizeof(**out), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);
	*out = NULL;
	if (memory == MAP_FAILED)
		return err_errno(e, "memory for the CPU time of the check");
	*out = memory;
	ended_count(*out);
	own_time_began(*out, getpid());
	return 0;
}

void own_time_free(struct own_time **o)
{
	if (*o)
		munmap(*o, sizeof(**o));
	*o = NULL;
}

static void slot_change(struct own_time *o, pid_t from, pid_t to)
{
	for (size_t i = 0; o && i < OWN_PROCESSES; i++)
		if (o->running[i] == from) {
			o->running[i] = to;
			return;
		}
}

void own_time_began(struct own_time *o, pid_t pid) { slot_change(o, 0, pid); }

void own_time_ended(struct own_time *o, pid_t pid)
{
	if (!o)
		return;
	ended_count(o);
	slot_change(o, pid, 0);
}

/* False: one of them has just been waited for. */
static bool sum_read(const struct own_time *o, uint64_t *sum)
{
	uint64_t ended = *sum = o->ended_ns;
	for (size_t i = 0; i < OWN_PROCESSES; i++) {
		pid_t pid = o->running[i];
		clockid_t clock;
		struct timespec used;
		if (!pid)
			continue;
		if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &used))
			return false;
		*sum += (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
	}
	return o->ended_ns == ended;
}

uint64_t own_time_ns(const struct own_time *o)
{
	uint64_t sum = 0;
	for (unsigned i = 0; o && !sum_read(o, &sum) && i < TRIES; i++)
		clock_sleep_ms(1);
	return sum;
}
