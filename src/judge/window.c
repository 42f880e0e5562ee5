/* The window that the buffers of a TCP connection allow, by the kernel's rules. */
#include <limits.h>
#include <math.h>

#include "epolltune/buffers.h"

/* The maximum TCP window (RFC 7323, 2.3). */
#define WINDOW_MAX (1u << 30)
/* A send buffer may exceed its maximum by two segments of 64 KiB. */
#define OVERSHOT (128 << 10)
#define UNSCALED 65535
/* The smallest share of a buffer that becomes window, and the usual one: what a small send buffer
 * exceeds its maximum by is no share of a larger one. */
#define SHARE_MIN 0.1
#define SHARE_USUAL 0.5
/* Beyond that RTT a proof at half the value takes too long. */
#define HALF_RTT_US 100000u

bool window_possible(const struct target *t) { return target_window(t) < WINDOW_MAX; }

static bool is_fixed(const struct settings *s) { return s->at[BUFFER_FIXED][0] > 0; }

double window_share(const struct settings *s)
{
	int64_t scale = s->at[BUFFER_SHARE][0];
	if (s->machine.kernel >= KERNEL(6, 6) || scale == REPORT_NONE)
		return 0;
	return scale > 0 ? 1 - ldexp(1, -(int)scale) : ldexp(1, (int)scale);
}

static double share_of(const struct settings *s)
{
	double known = window_share(s);
	return known > 0 && known < SHARE_USUAL ? known : SHARE_USUAL;
}

int window_limit(const struct settings *s)
{
	if (s->at[BUFFER_SCALING][0] == 0 && !(is_fixed(s) && s->at[BUFFER_FIXED][0] < UNSCALED))
		return BUFFER_SCALING;
	if (is_fixed(s))
		return BUFFER_FIXED;
	if (s->at[BUFFER_MODERATE][0] == 0)
		return BUFFER_MODERATE;
	return share_of(s) < SHARE_USUAL ? BUFFER_SHARE : BUFFER_TRIPLE;
}

bool window_by_buffer(const struct settings *s)
{
	int limit = window_limit(s);
	return limit == BUFFER_TRIPLE || limit == BUFFER_FIXED;
}

int64_t window_buffer(const struct settings *s)
{
	return is_fixed(s) ? s->at[BUFFER_FIXED][0] : s->at[BUFFER_TRIPLE][2];
}

static double speed(int64_t bytes, const struct target *t)
{
	return (double)bytes * 1e6 / (double)t->rtt_us;
}

const char *window_doubt(enum buffer_side side, const struct target *t, const struct settings *s)
{
	int64_t bytes = s->at[BUFFER_FIXED][1], needed = (int64_t)((t->bandwidth_bps + 7) / 8);
	if (bytes <= 0 ||
	    report_verdict((int64_t)(share_of(s) * speed(bytes, t)), needed) == VERDICT_OK)
		return NULL;
	return side == BUFFER_SEND ? "Whether the server sets SO_SNDBUF"
				   : "Whether the server sets SO_RCVBUF";
}

/* Both are switches, on by default: off, each leaves what window_bound() has for it. */
static void defaults_take(enum buffer_side side, const struct target *t, const struct settings *s,
			  struct bound *b)
{
	const double share = 0.5; /* that practice reaches of an upper bound */
	double unscaled = share * speed(UNSCALED, t);
	double fixed = (b->upper.is ? share : window_share(s)) * speed(s->at[BUFFER_TRIPLE][1], t);
	bool moderate = side == BUFFER_RECEIVE && b->binding == BUFFER_TRIPLE &&
			s->at[BUFFER_MODERATE][0] == REPORT_NONE;
	bool scaling = s->at[BUFFER_SCALING][0] == REPORT_NONE;
	if (scaling && (!moderate || unscaled <= fixed)) {
		b->fallback.knob = "net.ipv4.tcp_window_scaling";
		b->fallback.capacity = (int64_t)unscaled;
	} else if (moderate) {
		b->fallback.knob = "net.ipv4.tcp_moderate_rcvbuf";
		b->fallback.capacity = fixed > 0 ? (int64_t)fixed : 0;
	}
}

void window_bound(enum buffer_side side, const struct target *t, const struct settings *s,
		  struct bound *b)
{
	const int64_t *triple = s->at[BUFFER_TRIPLE];
	/* A receive buffer begins with the second field, and never shrinks. */
	bool begins_larger = side == BUFFER_RECEIVE && triple[1] > triple[2];
	const int64_t bytes[] = {
		[BUFFER_TRIPLE] =
			triple[begins_larger ? 1 : 2] + (side == BUFFER_SEND ? OVERSHOT : 0),
		[BUFFER_SCALING] = UNSCALED,
		[BUFFER_FIXED] = s->at[BUFFER_FIXED][0] + (side == BUFFER_SEND ? OVERSHOT : 0),
		[BUFFER_MODERATE] = triple[1],
		[BUFFER_SHARE] = triple[begins_larger ? 1 : 2],
	};
	double share = window_share(s);
	b->binding = window_limit(s);
	/* A larger share is not reached by packets whose memory is more than their data. */
	b->upper.is = share <= 0 || share > SHARE_USUAL || b->binding == BUFFER_SCALING;
	b->origin = OF_ASSUMPTION;
	if (triple[2] != REPORT_NONE || is_fixed(s))
		b->capacity = (int64_t)((b->upper.is ? 1 : share) * speed(bytes[b->binding], t));
	defaults_take(side, t, s, b);
	b->unread = window_doubt(side, t, s);
}

static void third_set(struct settings *s, double third)
{
	if (third < (double)s->at[BUFFER_TRIPLE][1])
		third = (double)s->at[BUFFER_TRIPLE][1];
	s->at[BUFFER_TRIPLE][2] = third < INT_MAX ? (int64_t)third : INT_MAX;
}

bool window_solve(const struct target *t, const struct settings *now, const struct outcome *o,
		  int64_t enough, struct settings *out)
{
	double window = (double)report_margin(target_window(t)), share = SHARE_USUAL;
	double third = (double)now->at[BUFFER_TRIPLE][2];
	int limit = window_limit(now);
	bool tuned = limit == BUFFER_TRIPLE;
	if (!window_possible(t) || is_fixed(now))
		return false;
	for (int i = BUFFER_SCALING; i <= BUFFER_MODERATE; i++)
		if (out->at[i][0] == 0)
			out->at[i][0] = 1;
	if (tuned && o && third > 0)
		share = (double)o->reached * (double)t->rtt_us / 1e6 / third /
			(1 + BUFFER_SPREAD / 100.0);
	share = fmin(fmax(share, SHARE_MIN), SHARE_USUAL);
	if (share_of(now) < SHARE_USUAL)
		out->at[BUFFER_SHARE][0] = 1;
	if (tuned || third < (limit == BUFFER_SHARE ? window / share : window))
		third_set(out, window / share);
	return true;
}

bool window_scale(uint64_t rtt_us, const struct settings *now, struct settings *s, unsigned percent)
{
	int64_t before = s->at[BUFFER_TRIPLE][2], running = now->at[BUFFER_TRIPLE][2];
	if (before == running || (percent < 100 && rtt_us > HALF_RTT_US))
		return false;
	third_set(s, (double)before * percent / 100);
	return s->at[BUFFER_TRIPLE][2] != before && s->at[BUFFER_TRIPLE][2] > running;
}
