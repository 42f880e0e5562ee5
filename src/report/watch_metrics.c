/* A look at what is watched, as metrics. Their names are not those of a check: node_exporter takes
 * no series that two of its files have. */
#include "report/watch.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "report/metrics.h"

/* What does not change from look to look of a row's name. */
static const char *name_of(const struct watch_row *r)
{
	const char *constant = r->now.kind->constant;
	return constant && !strncmp(r->now.what, constant, strlen(constant)) ? constant
									     : r->now.what;
}

static void row_labels(struct metrics *m, const struct watch_row *r)
{
	char cookie[24];
	metrics_label(m, "wall", r->now.kind->wall);
	metrics_label(m, "what", name_of(r));
	if (!r->now.kind->alike || !r->now.key)
		return;
	snprintf(cookie, sizeof(cookie), "%" PRIx64, r->now.key);
	metrics_label(m, "cookie", cookie);
}

/* Whether its use and limit are figures of now, not the growth of counters. */
static bool is_gauge(const struct watch_row *r) { return !r->now.kind->paired; }

static void quantity(struct metrics *m, const struct watch_row *r, int64_t amount)
{
	if (!is_gauge(r) || amount == REPORT_NONE)
		return;
	row_labels(m, r);
	metrics_quantity(m, r->now.kind->unit, amount);
}

static void counted(struct metrics *m, const struct watch_row *r, int64_t count)
{
	if (count == REPORT_NONE)
		return;
	row_labels(m, r);
	metrics_count(m, count);
}

static void used(struct metrics *m, const struct watch_row *r) { quantity(m, r, r->used); }

static void capacity(struct metrics *m, const struct watch_row *r)
{
	quantity(m, r, watch_capacity(r));
}

static void recent(struct metrics *m, const struct watch_row *r) { quantity(m, r, r->recent); }

static void left(struct metrics *m, const struct watch_row *r)
{
	if (!is_gauge(r) || watch_share(r) < 0)
		return;
	row_labels(m, r);
	metrics_number(m, r->left_s);
}

static void verdict(struct metrics *m, const struct watch_row *r)
{
	row_labels(m, r);
	metrics_verdicts(m, r->verdict);
}

static void lost(struct metrics *m, const struct watch_row *r)
{
	int64_t count = watch_lost(r);
	if (count == REPORT_NONE || !r->now.kind->losses)
		return;
	row_labels(m, r);
	metrics_label(m, "event", r->now.kind->losses);
	metrics_count(m, count);
}

static void half_open(struct metrics *m, const struct watch_row *r)
{
	counted(m, r, r->now.half_open);
}

static void stuck(struct metrics *m, const struct watch_row *r)
{
	if (r->now.kind->listener)
		counted(m, r, r->now.stuck);
}

static void throttled(struct metrics *m, const struct watch_row *r)
{
	if (r->now.kind->paired)
		counted(m, r, r->pair[0]);
}

static void periods(struct metrics *m, const struct watch_row *r)
{
	if (r->now.kind->paired)
		counted(m, r, r->pair[1]);
}

/* Of each row, so that no series ends where another one is the nearest. */
static void nearest(struct metrics *m, const struct watch *w)
{
	for (size_t i = 0; i < w->count; i++) {
		const struct watch_row *r = w->nearest[i];
		if (r->ended)
			continue;
		row_labels(m, r);
		metrics_label(m, "owner", finding_remedy_name(r->now.owner));
		metrics_count(m, i == 0);
	}
}

static void events(struct metrics *m, const struct watch *w)
{
	for (enum watch_counter c = WATCH_ESTABLISHED + 1; c < WATCH_COUNTERS; c++) {
		if (w->counters[c] == REPORT_NONE)
			continue;
		metrics_label(m, "counter", watch_counter_names[c]);
		metrics_count(m, w->counters[c]);
	}
}

static void established(struct metrics *m, const struct watch *w)
{
	if (w->counters[WATCH_ESTABLISHED] != REPORT_NONE)
		metrics_count(m, w->counters[WATCH_ESTABLISHED]);
}

static void listens(struct metrics *m, const struct watch *w)
{
	metrics_count(m, watch_listens(w));
}

static void omitted(struct metrics *m, const struct watch *w)
{
	metrics_count(m, (int64_t)w->omitted);
}

static void timestamp(struct metrics *m, const struct watch *w)
{
	const int64_t ms = (int64_t)w->time.tv_sec * 1000 + w->time.tv_nsec / 1000000;
	metrics_number(m, (double)ms / 1000);
}

static void interval(struct metrics *m, const struct watch *w)
{
	if (w->interval_s > 0)
		metrics_number(m, w->interval_s);
}

static void info(struct metrics *m, const struct watch *w)
{
	metrics_label(m, "version", EPOLLTUNE_VERSION);
	metrics_label(m, "host", w->host);
	metrics_label(m, "server", w->server);
	metrics_count(m, 1);
}

static const struct family {
	const char *name, *help;
	void (*row)(struct metrics *, const struct watch_row *); /* of each row */
	void (*watch)(struct metrics *, const struct watch *);
	enum metric_type type;
} families[] = {
	{"epolltune_watch_used", "How much of a limit is in use, in its unit.", .row = used,
	 .type = METRIC_GAUGE},
	{"epolltune_watch_capacity", "Capacity of a limit, in its unit.", .row = capacity,
	 .type = METRIC_GAUGE},
	{"epolltune_watch_used_max",
	 "The maximum that was in use in the last 240 intervals, in the unit of the limit.",
	 .row = recent, .type = METRIC_GAUGE},
	{"epolltune_watch_left_seconds",
	 "Time until a limit is reached at the present growth, +Inf without growth.", .row = left,
	 .type = METRIC_GAUGE},
	{"epolltune_watch_verdict", "1 for the verdict of a limit, 0 for others.", .row = verdict,
	 .type = METRIC_GAUGE},
	{"epolltune_watch_lost", "What a limit cost.", .row = lost, .type = METRIC_COUNTER},
	{"epolltune_watch_half_open", "Half-open connections of a listening socket.",
	 .row = half_open, .type = METRIC_GAUGE},
	{"epolltune_watch_stuck", "1 for a listening socket whose process does not accept.",
	 .row = stuck, .type = METRIC_GAUGE},
	{"epolltune_watch_throttled_periods",
	 "Periods in which a control group used up its CPU quota.", .row = throttled,
	 .type = METRIC_COUNTER},
	{"epolltune_watch_periods", "Periods of the CPU quota of a control group.", .row = periods,
	 .type = METRIC_COUNTER},
	{"epolltune_watch_nearest", "1 for the nearest limit, 0 for others, and whose it is.",
	 .watch = nearest, .type = METRIC_GAUGE},
	{"epolltune_watch_kernel_events", "Events that the kernel counts.", .watch = events,
	 .type = METRIC_COUNTER},
	{"epolltune_watch_established", "Open TCP connections.", .watch = established,
	 .type = METRIC_GAUGE},
	{"epolltune_watch_listening", "Whether the server listens.", .watch = listens,
	 .type = METRIC_GAUGE},
	{"epolltune_watch_omitted", "Limits beyond the 1024 that are watched.", .watch = omitted,
	 .type = METRIC_GAUGE},
	{"epolltune_watch", "The watch that these metrics are of.", .watch = info,
	 .type = METRIC_INFO},
	{"epolltune_watch_timestamp_seconds", "When the figures were read.", .watch = timestamp,
	 .type = METRIC_GAUGE},
	{"epolltune_watch_interval_seconds",
	 "The time between two readings, as --interval asks for it.", .watch = interval,
	 .type = METRIC_GAUGE},
};

int watch_metrics(FILE *out, const struct watch *w, bool openmetrics, struct err *e)
{
	struct metrics m = {.out = out, .openmetrics = openmetrics};
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		const struct family *f = &families[i];
		metrics_family(&m, f->name, f->type, f->help);
		for (size_t k = 0; f->row && k < w->count; k++)
			if (!w->nearest[k]->ended)
				f->row(&m, w->nearest[k]);
		if (f->watch)
			f->watch(&m, w);
	}
	metrics_end(&m);
	return render_flush(out, "the watch", e);
}
