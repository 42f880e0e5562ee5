/* What looks at the limits of this machine say: how near each is, and how fast it comes nearer. */
#include "epolltune/watch.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "epolltune/order.h"
#include "epolltune/syn_queue.h"
#include "epolltune/throttling.h"
#include "judge/blame.h"

/* A trend is that of a line through so many looks, at least, that explains this share of their
 * variance, and that rises by more than that share of the limit. The short one of the last looks
 * counts before that of the whole history. */
#define TREND_MIN 5
#define TREND_SHORT 10
#define TREND_STEADY 0.7
#define TREND_RISE 0.01
/* A limit that is nearer than that is tight, with any headroom. */
#define NEAR_S 60

/* after - before; REPORT_NONE where one is unknown, or the counter restarted. */
static int64_t growth(int64_t before, int64_t after)
{
	return before == REPORT_NONE || after == REPORT_NONE || after < before ? REPORT_NONE
									       : after - before;
}

static int64_t losses(const struct watch_gauge *before, const struct watch_gauge *after)
{
	int64_t grown = growth(before->lost, after->lost);
	if (grown == REPORT_NONE && after->kind->wraps && before->lost > INT32_MAX &&
	    before->lost <= UINT32_MAX && after->lost != REPORT_NONE)
		grown = after->lost + UINT32_MAX + 1 - before->lost;
	return grown;
}

/* The slope of a line through the newest looks by least squares; 0: they are no line. */
static double trend(const struct watch *w, const struct watch_row *r, size_t looks)
{
	size_t all = watch_remembered(w), n = 0;
	double st = 0, sv = 0, stt = 0, svv = 0, stv = 0;
	for (size_t i = all > looks ? all - looks : 0; i < all; i++) {
		size_t place = watch_place(w, i);
		double t = w->at[place] - w->clock, v = r->history[place];
		if (isnan(v))
			continue;
		n++;
		st += t;
		sv += v;
		stt += t * t;
		svv += v * v;
		stv += t * v;
	}
	double count = (double)n, tt = count * stt - st * st, vv = count * svv - sv * sv;
	double tv = count * stv - st * sv;
	if (n < TREND_MIN || tt <= 0 || vv <= 0 || tv * tv < TREND_STEADY * tt * vv)
		return 0;
	double slope = tv / tt, from = w->at[watch_place(w, all > looks ? all - looks : 0)];
	return slope * (w->clock - from) >= TREND_RISE * (double)watch_capacity(r) ? slope : 0;
}

static void approach(const struct watch *w, struct watch_row *r)
{
	r->growth = 0;
	r->left_s = INFINITY;
	if (!watch_limited(r) || r->now.kind->paired)
		return;
	r->growth = trend(w, r, TREND_SHORT);
	if (r->growth <= 0)
		r->growth = trend(w, r, WATCH_HISTORY);
	double left = (double)watch_capacity(r) - (double)r->used;
	if (left <= 0)
		r->left_s = 0;
	else if (r->growth > 0)
		r->left_s = left / r->growth;
}

static void recent_find(const struct watch *w, struct watch_row *r)
{
	r->recent = REPORT_NONE;
	for (size_t i = 0; i < watch_remembered(w); i++) {
		double v = r->history[watch_place(w, i)];
		if (!isnan(v) && (r->recent == REPORT_NONE || v > (double)r->recent))
			r->recent = (int64_t)v;
	}
}

/* How packets that were dropped at listeners are to be read: by the overflows of all, as the drops
 * of each have other causes too. An overflow is a SYN that the SYN queue did not take, too. */
struct drops {
	bool complete;              /* all listeners of the network namespace are watched */
	int64_t overflows;          /* REPORT_NONE: this kernel does not count them */
	bool syns;                  /* some of them are SYNs */
	int64_t left;               /* of these, that no listener is named for */
	int64_t lost[WATCH_GAUGES]; /* and that each gauge is; 0: none */
};

static bool syns_wait(const struct watch_gauge *g)
{
	return g->syn_room != REPORT_NONE && syn_queue_is_full(g->half_open, g->syn_room);
}

static bool is_full(const struct watch_gauge *g, const struct drops *d)
{
	int64_t holds = watch_holds(g->kind, g->limit);
	return (g->value != REPORT_NONE && holds != REPORT_NONE && g->value >= holds) ||
	       (d->syns && syns_wait(g));
}

/* Whether it is full at this look or was at the one before, between which it dropped packets. `r`
 * is of the one before. */
static bool was_full(const struct watch_row *r, const struct watch_gauge *g, const struct drops *d)
{
	return is_full(g, d) || (r->ended <= 1 && is_full(&r->now, d));
}

/* What the growth of its drops cost, of which it is named for `lost`: nothing where there is no
 * other overflow that may be one of them, or where nearly all overflows are those of others, which
 * may have ended. */
static int64_t drops_of(int64_t grown, int64_t lost, const struct drops *d)
{
	/* None, or REPORT_NONE. */
	if (grown <= 0 || lost > 0)
		return grown <= 0 ? grown : lost;
	bool others = d->complete && d->overflows != REPORT_NONE &&
		      blame_is_little((uint64_t)grown, (uint64_t)d->overflows);
	return others ? 0 : grown < d->left ? grown : d->left;
}

/* A burst takes so long at most: a longer interval does not hide it. */
#define BURST_S 10

static enum wall_verdict loss_of(const struct watch_kind *k, int64_t grown, double seconds,
				 bool named)
{
	if (grown <= 0 || (double)grown < k->few * fmin(seconds, BURST_S))
		return VERDICT_OK;
	return k->shared && !named ? VERDICT_TIGHT : k->loss;
}

/* Of counters: `used` of `limit` periods were throttled. */
static enum wall_verdict paired_verdict(const struct watch_row *r)
{
	return r->used > 0 && r->limit > 0
		       ? throttling_verdict((uint64_t)r->used, (uint64_t)r->limit)
		       : VERDICT_OK;
}

static enum wall_verdict row_verdict(const struct watch_row *r, enum wall_verdict loss)
{
	const struct watch_kind *k = r->now.kind;
	bool full = watch_limited(r) && r->left_s <= 0;
	if (loss == VERDICT_SHORT || (full && !k->mild))
		return VERDICT_SHORT;
	if (loss == VERDICT_TIGHT || full)
		return VERDICT_TIGHT;
	if (k->paired && r->used != REPORT_NONE)
		return paired_verdict(r);
	if (k->limitless || (r->limit != REPORT_NONE && watch_capacity(r) <= 0))
		return VERDICT_NA;
	if (!watch_limited(r))
		return VERDICT_UNKNOWN;
	if (wall_is_near(k->wall, r->recent, watch_capacity(r)) || r->left_s < NEAR_S ||
	    r->now.stuck || syns_wait(&r->now))
		return VERDICT_TIGHT;
	return VERDICT_OK;
}

/* `place`: where it is searched first, and behind it. Rows are mostly in the order of the gauges.
 */
static struct watch_row *row_find(const struct watch *w, const struct watch_gauge *g, size_t *place)
{
	for (size_t i = 0; i < w->count; i++) {
		struct watch_row *r = &w->rows[(*place + i) % w->count];
		if (!watch_same(&r->now, g))
			continue;
		*place = (size_t)(r - w->rows) + 1;
		return r;
	}
	return NULL;
}

static int row_make(struct watch *w, const struct watch_gauge *g, struct err *e)
{
	size_t pointers = w->count; /* one for each row */
	struct watch_row *r = NULL;
	if (array_add(&w->nearest, &pointers, sizeof(*w->nearest)))
		r = array_add(&w->rows, &w->count, sizeof(*r));
	if (!r)
		return err_set(e, ENOMEM, "watch: out of memory");
	r->now = *g;
	/* One that was made since then has had all its losses in between, or has its row as of
	 * these. */
	r->now.lost = g->made && w->seconds > 0 ? 0 : REPORT_NONE;
	r->used = r->limit = r->pair[0] = r->pair[1] = REPORT_NONE;
	for (size_t i = 0; i < WATCH_HISTORY; i++)
		r->history[i] = NAN;
	return 0;
}

/* The gauge that a row has at this look; the growth of its losses. */
static void row_take(struct watch *w, struct watch_row *r, const struct watch_gauge *g,
		     int64_t named, const struct drops *d)
{
	const struct watch_gauge before = r->now;
	int64_t grown = losses(&before, g), dropped = grown;
	r->now = *g;
	r->ended = 0;
	if (!g->kind->paired) {
		r->used = g->value;
		r->limit = g->limit;
	} else if (g->value != REPORT_NONE) {
		r->used = growth(r->pair[0], g->value);
		r->limit = growth(r->pair[1], g->limit);
		r->pair[0] = g->value;
		r->pair[1] = g->limit;
	}
	r->history[watch_place(w, watch_remembered(w) - 1)] =
		r->used == REPORT_NONE ? NAN : (double)r->used;
	recent_find(w, r);
	approach(w, r);
	if (g->kind->shared)
		grown = drops_of(grown, named, d);
	if (g->lost < before.lost)
		r->stray = 0;
	else if (d->overflows > 0)
		r->stray += dropped - grown;
	r->lost = grown == REPORT_NONE || w->seconds <= 0 ? NAN : (double)grown / w->seconds;
	r->verdict = row_verdict(r, loss_of(g->kind, grown, w->seconds, named > 0));
}

/* Charges listeners with the overflows that are theirs. */
static void drops_settle(struct drops *d, struct dropper *droppers, size_t count)
{
	bool known = d->overflows != REPORT_NONE;
	uint64_t overflows = known ? (uint64_t)d->overflows : 0;
	d->left = known ? 0 : INT64_MAX;
	if (known && !overflows)
		return;
	uint64_t left = droppers_settle(droppers, count, overflows);
	if (known)
		d->left = (int64_t)left;
	for (size_t i = 0; i < count; i++)
		d->lost[droppers[i].at] = (int64_t)droppers[i].lost;
}

static int rows_make(struct watch *w, const struct watch_sample *s, struct drops *d, struct err *e)
{
	struct dropper droppers[WATCH_GAUGES];
	size_t place = 0, count = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct watch_row *r = row_find(w, &s->at[i], &place);
		if (!r) {
			if (row_make(w, &s->at[i], e))
				return -ENOMEM;
			r = &w->rows[w->count - 1];
		}
		int64_t grown = s->at[i].kind->shared ? losses(&r->now, &s->at[i]) : 0;
		if (grown <= 0)
			continue;
		bool full = was_full(r, &s->at[i], d);
		droppers[count++] = (struct dropper){
			.drops = (uint64_t)grown, .full = full ? (uint64_t)grown : 0, .at = i};
	}
	drops_settle(d, droppers, count);
	return 0;
}

static void rows_end(struct watch *w)
{
	/* Those of listeners that come and go in great numbers are not kept. */
	unsigned keep = w->count > WATCH_GAUGES ? 0 : WATCH_ENDED;
	size_t kept = 0;
	for (size_t i = 0; i < w->count; i++) {
		struct watch_row *r = &w->rows[i];
		if (r->ended > keep)
			continue;
		if (r->ended) {
			r->verdict = VERDICT_NA;
			r->growth = 0;
			r->left_s = INFINITY;
			r->lost = NAN;
			recent_find(w, r);
		}
		if (kept != i)
			w->rows[kept] = *r;
		kept++;
	}
	w->count = kept;
}

static unsigned rank(const struct watch_row *r)
{
	static const unsigned ranks[] = {[VERDICT_SHORT] = 0,
					 [VERDICT_TIGHT] = 1,
					 [VERDICT_OK] = 2,
					 [VERDICT_UNKNOWN] = 3,
					 [VERDICT_NA] = 4};
	return r->ended ? 5 : ranks[r->verdict];
}

static int by_nearness(const void *a, const void *b)
{
	const struct watch_row *x = *(struct watch_row *const *)a;
	const struct watch_row *y = *(struct watch_row *const *)b;
	/* Whole percents: rows do not change places for less. */
	double nearness[][2] = {
		{rank(x), rank(y)},
		{x->lost > 0 ? -x->lost : 0, y->lost > 0 ? -y->lost : 0},
		{x->left_s, y->left_s},
		{-floor(100 * watch_share(x)), -floor(100 * watch_share(y))},
		{0, (double)(y->now.kind - x->now.kind)},
	};
	for (size_t i = 0; i < sizeof(nearness) / sizeof(*nearness); i++)
		if (nearness[i][0] != nearness[i][1])
			return nearness[i][0] < nearness[i][1] ? -1 : 1;
	int r = strverscmp(x->now.what, y->now.what);
	return r ? r : ORDER(x->now.key, y->now.key);
}

static void nearest_find(struct watch *w, int64_t overflows)
{
	/* Overflows of listeners that have ended, or of several that were not seen full. */
	if (overflows > 0 && w->worst < VERDICT_TIGHT)
		w->worst = VERDICT_TIGHT;
	for (size_t i = 0; i < w->count; i++) {
		w->nearest[i] = &w->rows[i];
		if (verdict_asks(w->rows[i].verdict) && w->rows[i].verdict > w->worst)
			w->worst = w->rows[i].verdict;
	}
	if (w->count)
		qsort(w->nearest, w->count, sizeof(*w->nearest), by_nearness);
}

static void drops_between(struct drops *d, const int64_t *before, const int64_t *after)
{
	int64_t syns = growth(before[WATCH_SYNS_DROPPED], after[WATCH_SYNS_DROPPED]);
	*d = (struct drops){.overflows = growth(before[WATCH_OVERFLOWS], after[WATCH_OVERFLOWS]),
			    .syns = syns > 0};
	if (d->syns && d->overflows != REPORT_NONE)
		d->overflows += syns;
}

static void begin(struct watch *w)
{
	w->count = 0;
	w->looks = 0;
	w->clock = 0;
	for (size_t i = 0; i < WATCH_COUNTERS; i++)
		w->counters[i] = REPORT_NONE;
}

int watch_add(struct watch *w, const struct watch_sample *s, struct err *e)
{
	if (!w->looks || s->seconds <= 0)
		begin(w);
	memcpy(w->host, s->host, sizeof(w->host));
	memcpy(w->server, s->server, sizeof(w->server));
	memcpy(w->waiting, s->waiting, sizeof(w->waiting));
	w->time = s->time;
	w->seconds = w->looks ? s->seconds : 0;
	w->omitted = s->omitted;
	w->clock += w->seconds;
	w->looks++;
	size_t place = watch_place(w, watch_remembered(w) - 1);
	w->at[place] = w->clock;
	struct drops d;
	drops_between(&d, w->counters, s->counters);
	d.complete = !s->server[0] && !s->omitted;
	for (size_t i = 0; i < WATCH_COUNTERS; i++) {
		int64_t grown = growth(w->counters[i], s->counters[i]);
		w->rates[i] = grown == REPORT_NONE ? NAN : (double)grown / w->seconds;
		w->counters[i] = s->counters[i];
	}
	for (size_t i = 0; i < w->count; i++) {
		w->rows[i].ended++;
		w->rows[i].history[place] = NAN;
	}
	if (rows_make(w, s, &d, e))
		return -ENOMEM;
	size_t hint = 0;
	for (size_t i = 0; i < s->count; i++)
		row_take(w, row_find(w, &s->at[i], &hint), &s->at[i], d.lost[i], &d);
	rows_end(w);
	nearest_find(w, d.overflows);
	return 0;
}
