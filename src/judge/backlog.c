/* The bound of a listener's queues, from somaxconn and backlog. */
#include "epolltune/probe.h"

void backlog_bound(const struct target *target, const struct settings *s, struct bound *out)
{
	int64_t somaxconn = s->at[BACKLOG_MAX][0], argument = s->at[BACKLOG_ARGUMENT][0];
	(void)target;
	out->binding = argument < somaxconn ? BACKLOG_ARGUMENT : BACKLOG_MAX;
	if (somaxconn != REPORT_NONE)
		out->capacity = s->at[out->binding][0] + 1;
}

bool backlog_solve(const struct target *target, const struct settings *now, const struct outcome *o,
		   int64_t enough, struct settings *out)
{
	(void)target;
	(void)now;
	(void)o;
	for (int i = BACKLOG_MAX; i <= BACKLOG_ARGUMENT; i++)
		if (out->at[i][0] + 1 < enough)
			out->at[i][0] = enough - 1;
	return true;
}
