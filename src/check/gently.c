#include "check/gently.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include "epolltune/clock.h"

#define NICE_MAX 19
/* The minimum CPU time that an idle CPU gives within that time. A busy one gives a percent, in
 * slices of a tick, up to 10 ms. */
#define SPIN_NS 20000000u
#define SPIN_MAX_NS 100000000u
#define PAUSE_US 50000u
#define TRIES 10
#define PATIENCE_NS 5000000000u

static void bind_to_last(void)
{
	cpu_set_t allowed, last;
	int cpu = CPU_SETSIZE;
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return;
	while (cpu-- > 0 && !CPU_ISSET((size_t)cpu, &allowed))
		;
	CPU_ZERO(&last);
	if (cpu >= 0)
		CPU_SET((size_t)cpu, &last);
	sched_setaffinity(0, sizeof(last), &last);
}

/* With autogroups a policy counts only within a session (sched(7)): the probe gets one of its own,
 * of the lowest priority. Without privilege the kernel takes ten of these a second. */
static void session_lower(const struct host *h)
{
	setsid();
	for (unsigned i = 0; i < TRIES; i++) {
		if (host_write(h, "proc/self/autogroup", "19", NULL) != -EAGAIN)
			return;
		clock_sleep_us(PAUSE_US);
	}
}

void gently_enter(const struct host *h)
{
	const struct sched_param none = {0};
	session_lower(h);
	if (sched_setscheduler(0, SCHED_IDLE, &none))
		setpriority(PRIO_PROCESS, 0, NICE_MAX);
	bind_to_last();
}

static bool has_time(void)
{
	uint64_t began = clock_ns(), spent = clock_of_ns(CLOCK_THREAD_CPUTIME_ID);
	while (clock_of_ns(CLOCK_THREAD_CPUTIME_ID) - spent < SPIN_NS)
		if (clock_ns() - began > SPIN_MAX_NS)
			return false;
	return clock_ns() - began <= SPIN_MAX_NS;
}

bool gently_idle(void)
{
	uint64_t end = clock_ns() + PATIENCE_NS;
	while (!has_time()) {
		if (clock_ns() >= end)
			return false;
		clock_sleep_us(PAUSE_US);
	}
	return true;
}

bool gently_skips(const struct probe *p) { return p->mode == PROBE_EXCLUSIVE && !p->experiments; }
