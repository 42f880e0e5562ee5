#include "judge/queue_lag.h"

#include <math.h>

#include "epolltune/report.h"

/* Deviations of a count that chance does not explain. */
#define DEVIATIONS 3

struct queue_lag queue_lag_of(const struct queue_course *c, double stall_s, double patience_s)
{
	struct queue_lag lag = {.known = c->arrived != REPORT_NONE && c->seconds > 0};
	bool grew =
		c->end > c->start && (!c->halved || (c->start < c->middle && c->middle < c->end));
	if (c->seconds <= 0)
		return lag;
	double grown = (double)c->end - (double)c->start, accepted = (double)c->drained;
	/* Of those that arrived, those that do not wait were accepted, here or elsewhere. */
	if (lag.known && (double)c->arrived - grown > accepted)
		accepted = (double)c->arrived - grown;
	lag.arrive_per_s = fmax(grown + accepted, 0) / c->seconds;
	lag.accept_per_s = accepted / c->seconds;
	lag.accept_max_per_s = (accepted + DEVIATIONS * sqrt(accepted)) / c->seconds;
	lag.wait_s = accepted > 0 ? (double)c->end / lag.accept_per_s : INFINITY;
	/* Arrivals and accepts each deviate by the root of their number. */
	bool chance = grown <= DEVIATIONS * sqrt(grown + 2 * accepted);
	/* A stall that is allowed accepts none. */
	bool stalls = !c->drained && c->seconds < 2 * stall_s;
	lag.lags = grew && !chance && !stalls && (!lag.known || lag.wait_s > stall_s);
	lag.saturated = !lag.lags && lag.known && accepted > 0 && c->seconds >= 2 * stall_s &&
			(double)c->min > patience_s * lag.accept_per_s;
	return lag;
}
