/* Prints a report as metrics of Prometheus, or OpenMetrics. */
#include "report/render.h"

#include <inttypes.h>
#include <string.h>

#include "epolltune/counters.h"
#include "report/metrics.h"

static void quantity(struct metrics *m, const struct wall *w, int64_t amount)
{
	if (amount == REPORT_NONE)
		return;
	metrics_label(m, "wall", w->name);
	metrics_quantity(m, w->unit, amount);
}

static void capacity(struct metrics *m, const struct report *r)
{
	for (size_t i = 0; i < r->wall_count; i++)
		quantity(m, &r->walls[i], figure_of(&r->walls[i]));
}

static void needed(struct metrics *m, const struct report *r)
{
	for (size_t i = 0; i < r->wall_count; i++)
		quantity(m, &r->walls[i], r->walls[i].needed);
}

static void needed_max(struct metrics *m, const struct report *r)
{
	for (size_t i = 0; i < r->wall_count; i++)
		quantity(m, &r->walls[i], r->walls[i].needed_max);
}

static void verdict(struct metrics *m, const struct report *r)
{
	for (size_t i = 0; i < r->wall_count; i++) {
		metrics_label(m, "wall", r->walls[i].name);
		metrics_verdicts(m, r->walls[i].verdict);
	}
}

static void accepted(struct metrics *m, const struct report *r)
{
	for (size_t i = 0; i < r->wall_count; i++) {
		metrics_label(m, "wall", r->walls[i].name);
		metrics_count(m, r->walls[i].accepted);
	}
}

static void basis(struct metrics *m, const struct report *r)
{
	for (size_t i = 0; i < r->wall_count; i++) {
		metrics_label(m, "wall", r->walls[i].name);
		metrics_label(m, "basis", wall_method_name(r->walls[i].method));
		metrics_label(m, "knob", r->walls[i].knob);
		metrics_count(m, 1);
	}
}

static bool same_labels(const struct finding *a, const struct finding *b)
{
	return !strcmp(a->id, b->id) && !strcmp(a->wall, b->wall) && a->level == b->level &&
	       a->observed == b->observed && a->accepted == b->accepted;
}

/* Two listeners may have the same finding, a sample is there once. */
static void findings(struct metrics *m, const struct report *r)
{
	for (size_t i = 0; i < r->finding_count; i++) {
		const struct finding *f = &r->findings[i];
		size_t before = 0, alike = 0;
		for (size_t k = 0; k < r->finding_count; k++) {
			bool same = same_labels(f, &r->findings[k]);
			before += same && k < i;
			alike += same;
		}
		if (before)
			continue;
		metrics_label(m, "id", f->id);
		metrics_label(m, "wall", f->wall);
		metrics_label(m, "level", finding_level_name(f->level));
		metrics_flag(m, "observed", f->observed);
		metrics_flag(m, "accepted", f->accepted);
		metrics_count(m, (int64_t)alike);
	}
}

/* A socket has its own series, as the sum over an address would fall when one of them is closed. */
static void socket_labels(struct metrics *m, const struct report_listener *l)
{
	char cookie[24];
	snprintf(cookie, sizeof(cookie), "%" PRIx64, l->cookie);
	metrics_label(m, "address", l->address);
	metrics_label(m, "cookie", cookie);
}

static void depth(struct metrics *m, const struct report *r)
{
	for (size_t i = 0; i < r->listed; i++) {
		socket_labels(m, &r->listeners[i]);
		metrics_count(m, r->listeners[i].depth);
	}
}

static void backlog(struct metrics *m, const struct report *r)
{
	for (size_t i = 0; i < r->listed; i++) {
		socket_labels(m, &r->listeners[i]);
		metrics_count(m, r->listeners[i].limit);
	}
}

static void drops(struct metrics *m, const struct report *r)
{
	for (size_t i = 0; i < r->listed; i++) {
		if (r->listeners[i].kind != LISTENER_TCP)
			continue;
		socket_labels(m, &r->listeners[i]);
		metrics_count(m, r->listeners[i].drops);
	}
}

/* Whether expressions subtract it from a loss. */
static bool is_subtracted(const char *name)
{
	for (size_t i = 0; i < loss_row_count(); i++)
		if (loss_row_at(i)->less && !strcmp(loss_row_at(i)->less, name))
			return true;
	for (size_t i = 0; syn_drops_cause(i); i++)
		if (!strcmp(syn_drops_cause(i)->counter, name))
			return true;
	return syn_drops_is_sent(name);
}

/* Those that the catalogue explains, and what is no loss of them. */
static void events(struct metrics *m, const struct report *r)
{
	for (size_t i = 0; i < r->counter_count; i++) {
		const char *name = r->counters[i].name;
		if (counter_is_gauge(name) || (!counter_row_find(name) && !is_subtracted(name)))
			continue;
		metrics_label(m, "counter", name);
		metrics_count(m, r->counters[i].value);
	}
}

static void status(struct metrics *m, const struct report *r)
{
	for (int v = VERDICT_OK; v <= VERDICT_UNKNOWN; v++) {
		metrics_label(m, "status", report_status_name((enum wall_verdict)v));
		metrics_count(m, (int)report_summarize(r).status == v);
	}
}

static void check(struct metrics *m, const struct report *r)
{
	metrics_label(m, "version", EPOLLTUNE_VERSION);
	metrics_label(m, "host", r->host.name);
	metrics_label(m, "kernel", r->host.kernel);
	metrics_label(m, "role", target_role_name(r->target.role));
	metrics_flag(m, "quick", r->quick);
	metrics_label(m, "server", r->server.asked);
	metrics_count(m, 1);
}

static void lost(struct metrics *m, const struct report *r) { metrics_count(m, (int64_t)r->lost); }

static void timestamp(struct metrics *m, const struct report *r)
{
	metrics_count(m, r->time.tv_sec);
}

static const struct family {
	const char *name;
	enum metric_type type;
	const char *help;
	void (*samples)(struct metrics *, const struct report *);
} families[] = {
	{"epolltune_wall_capacity", METRIC_GAUGE, "Capacity of a limit, in its unit.", capacity},
	{"epolltune_wall_needed", METRIC_GAUGE, "What the target needs of a limit, in its unit.",
	 needed},
	{"epolltune_wall_needed_max", METRIC_GAUGE,
	 "The upper end of a need that is not exactly known.", needed_max},
	{"epolltune_wall_verdict", METRIC_GAUGE, "1 for the verdict of a limit, 0 for others.",
	 verdict},
	{"epolltune_wall_accepted", METRIC_GAUGE, "Whether the operator accepts the verdict.",
	 accepted},
	{"epolltune_wall", METRIC_INFO, "The basis of a limit's capacity, and the knob that binds.",
	 basis},
	{"epolltune_findings", METRIC_GAUGE, "Findings of a check.", findings},
	{"epolltune_listener_depth", METRIC_GAUGE,
	 "Connections that wait in the queue of a listening socket.", depth},
	{"epolltune_listener_backlog", METRIC_GAUGE, "Backlog of a listening socket.", backlog},
	{"epolltune_listener_dropped_packets", METRIC_COUNTER,
	 "Packets that a listening socket dropped.", drops},
	{"epolltune_kernel_events", METRIC_COUNTER, "Events that the kernel counts.", events},
	{"epolltune_check_status", METRIC_GAUGE, "1 for the status of the check, 0 for others.",
	 status},
	{"epolltune_check", METRIC_INFO, "The check that these metrics are of.", check},
	{"epolltune_check_omitted", METRIC_GAUGE,
	 "Walls and findings that did not fit into the report.", lost},
	{"epolltune_check_timestamp_seconds", METRIC_GAUGE, "When the check was made.", timestamp},
};

static int expose(FILE *out, const struct report *r, bool openmetrics, struct err *e)
{
	struct metrics m = {.out = out, .openmetrics = openmetrics};
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		metrics_family(&m, families[i].name, families[i].type, families[i].help);
		families[i].samples(&m, r);
	}
	metrics_end(&m);
	return render_flush(out, "the report", e);
}

int render_prometheus(FILE *out, const struct report *r, const struct render_style *style,
		      struct err *e)
{
	return expose(out, r, false, e);
}

int render_openmetrics(FILE *out, const struct report *r, const struct render_style *style,
		       struct err *e)
{
	return expose(out, r, true, e);
}
