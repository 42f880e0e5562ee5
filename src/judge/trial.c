/* What experiments are helped with while they run. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "epolltune/probe.h"

void trial_progress(struct trial *t, const char *fmt, ...)
{
	va_list args;
	if (!t->progress)
		return;
	va_start(args, fmt);
	vsnprintf(t->progress, PROBE_PROGRESS, fmt, args);
	va_end(args);
}

int trial_counters_begin(struct trial *t, enum lab_host host, struct trial_counters *c,
			 struct err *e)
{
	*c = (struct trial_counters){.host = host, .before = malloc(2 * sizeof(*c->before))};
	if (!c->before)
		return err_set(e, ENOMEM, "no memory for counters");
	c->after = c->before + 1;
	return lab_counters(t->lab, host, c->before, e);
}

int trial_counters_end(struct trial *t, struct trial_counters *c, struct err *e)
{
	return lab_counters(t->lab, c->host, c->after, e);
}

int64_t trial_counters_growth(const struct trial_counters *c, const char *name)
{
	return host_counter_delta(c->before, c->after, name);
}

void trial_counters_free(struct trial_counters *c) { free(c->before); }

void trial_sleep_us(uint64_t us)
{
	struct timespec left = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};
	while (nanosleep(&left, &left) && errno == EINTR)
		;
}
