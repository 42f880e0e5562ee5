/* Prints a report as metrics of Prometheus: text 0.0.4 for the textfile collector of node_exporter,
 * or OpenMetrics 1.0. Each family once, without timestamps of samples; an unknown quantity has no
 * sample. */
#include "report/render.h"

#include <inttypes.h>
#include <string.h>

#include "report/utf8.h"

/* What both formats have of a family, and only OpenMetrics names in # TYPE without its suffix. */
enum type { GAUGE, COUNTER, INFO };
static const struct {
	const char *text, *openmetrics, *suffix;
} types[] = {
	[GAUGE] = {"gauge", "gauge", ""},
	[COUNTER] = {"counter", "counter", "_total"},
	[INFO] = {"gauge", "info", "_info"},
};

/* The samples of one family. */
struct samples {
	FILE *out;
	const char *name, *suffix;
	size_t labels; /* printed of the present sample */
};

/* Prints external text as the value of a label. */
static void put(FILE *out, const char *text)
{
	char clean[256];
	utf8_copy_printable(clean, sizeof(clean), text);
	for (const char *c = clean; *c; c++) {
		if (*c == '\\' || *c == '"')
			fputc('\\', out);
		fputc(*c, out);
	}
}

/* A sample is any number of labels and a value. */
static void label(struct samples *s, const char *name, const char *value)
{
	if (!s->labels)
		fprintf(s->out, "%s%s", s->name, s->suffix);
	fprintf(s->out, "%s%s=\"", s->labels++ ? "," : "{", name);
	put(s->out, value);
	fputc('"', s->out);
}

static void flag(struct samples *s, const char *name, bool is)
{
	label(s, name, is ? "true" : "false");
}

static void label_end(struct samples *s)
{
	if (s->labels)
		fputs("} ", s->out);
	else
		fprintf(s->out, "%s%s ", s->name, s->suffix);
	s->labels = 0;
}

static void value(struct samples *s, int64_t number)
{
	label_end(s);
	fprintf(s->out, "%" PRId64 "\n", number);
}

/* Units of walls in base units, as Prometheus wants them. */
static const struct {
	const char *unit, *base;
	double scale;
} units[] = {
	{"B", "bytes", 1},
	{"B/s", "bytes_per_second", 1},
	{"us", "seconds", 1e-6},
	{"%", "ratio", 1e-2},
	{"accepts/s", "accepts_per_second", 1},
	{"connects/s", "connects_per_second", 1},
};

static void quantity(struct samples *s, const struct wall *w, int64_t amount)
{
	if (amount == REPORT_NONE)
		return;
	const char *unit = w->unit;
	double scale = 1;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (!strcmp(units[i].unit, w->unit)) {
			unit = units[i].base;
			scale = units[i].scale;
		}
	label(s, "wall", w->name);
	label(s, "unit", unit);
	label_end(s);
	if (amount > INT64_MAX / 2)
		fputs("+Inf\n", s->out);
	else
		fprintf(s->out, "%.15g\n", (double)amount * scale);
}

static void capacity(struct samples *s, const struct report *r)
{
	for (size_t i = 0; i < r->wall_count; i++)
		quantity(s, &r->walls[i], figure_of(&r->walls[i]));
}

static void needed(struct samples *s, const struct report *r)
{
	for (size_t i = 0; i < r->wall_count; i++)
		quantity(s, &r->walls[i], r->walls[i].needed);
}

static void verdict(struct samples *s, const struct report *r)
{
	for (size_t i = 0; i < r->wall_count; i++)
		for (int v = VERDICT_OK; v <= VERDICT_NA; v++) {
			label(s, "wall", r->walls[i].name);
			label(s, "verdict", wall_verdict_name((enum wall_verdict)v));
			value(s, (int)r->walls[i].verdict == v);
		}
}

static void accepted(struct samples *s, const struct report *r)
{
	for (size_t i = 0; i < r->wall_count; i++) {
		label(s, "wall", r->walls[i].name);
		value(s, r->walls[i].accepted);
	}
}

static void basis(struct samples *s, const struct report *r)
{
	for (size_t i = 0; i < r->wall_count; i++) {
		label(s, "wall", r->walls[i].name);
		label(s, "basis", wall_method_name(r->walls[i].method));
		label(s, "knob", r->walls[i].knob);
		value(s, 1);
	}
}

static bool same_labels(const struct finding *a, const struct finding *b)
{
	return !strcmp(a->id, b->id) && !strcmp(a->wall, b->wall) && a->level == b->level &&
	       a->observed == b->observed && a->accepted == b->accepted;
}

/* Two listeners may have the same finding, a sample is there once. */
static void findings(struct samples *s, const struct report *r)
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
		label(s, "id", f->id);
		label(s, "wall", f->wall);
		label(s, "level", finding_level_name(f->level));
		flag(s, "observed", f->observed);
		flag(s, "accepted", f->accepted);
		value(s, (int64_t)alike);
	}
}

/* A socket has its own series, as the sum over an address would fall when one of them is closed. */
static void socket_labels(struct samples *s, const struct report_listener *l)
{
	char cookie[24];
	snprintf(cookie, sizeof(cookie), "%" PRIx64, l->cookie);
	label(s, "address", l->address);
	label(s, "cookie", cookie);
}

static void depth(struct samples *s, const struct report *r)
{
	for (size_t i = 0; i < r->listed; i++) {
		socket_labels(s, &r->listeners[i]);
		value(s, r->listeners[i].depth);
	}
}

static void backlog(struct samples *s, const struct report *r)
{
	for (size_t i = 0; i < r->listed; i++) {
		socket_labels(s, &r->listeners[i]);
		value(s, r->listeners[i].limit);
	}
}

static void drops(struct samples *s, const struct report *r)
{
	for (size_t i = 0; i < r->listed; i++) {
		if (r->listeners[i].kind != LISTENER_TCP)
			continue;
		socket_labels(s, &r->listeners[i]);
		value(s, r->listeners[i].drops);
	}
}

/* Those that the catalogue explains, but for what /proc/net/sockstat has: it is in use. */
static void events(struct samples *s, const struct report *r)
{
	for (size_t i = 0; i < r->counter_count; i++) {
		const struct counter_row *row = counter_row_find(r->counters[i].name);
		if (!row || !strcmp(row->where, "/proc/net/sockstat"))
			continue;
		label(s, "counter", r->counters[i].name);
		value(s, r->counters[i].value);
	}
}

static void status(struct samples *s, const struct report *r)
{
	for (int v = VERDICT_OK; v <= VERDICT_UNKNOWN; v++) {
		label(s, "status", report_status_name((enum wall_verdict)v));
		value(s, (int)report_summarize(r).status == v);
	}
}

static void check(struct samples *s, const struct report *r)
{
	label(s, "version", EPOLLTUNE_VERSION);
	label(s, "host", r->host.name);
	label(s, "kernel", r->host.kernel);
	label(s, "role", target_role_name(r->target.role));
	flag(s, "quick", r->quick);
	label(s, "server", r->server.asked);
	value(s, 1);
}

static void lost(struct samples *s, const struct report *r) { value(s, (int64_t)r->lost); }

static void timestamp(struct samples *s, const struct report *r) { value(s, r->time.tv_sec); }

static const struct family {
	const char *name, *help;
	enum type type;
	void (*samples)(struct samples *, const struct report *);
} families[] = {
	{"epolltune_wall_capacity", "Capacity of a limit, in its unit.", GAUGE, capacity},
	{"epolltune_wall_needed", "What the target needs of a limit, in its unit.", GAUGE, needed},
	{"epolltune_wall_verdict", "1 for the verdict of a limit, 0 for others.", GAUGE, verdict},
	{"epolltune_wall_accepted", "Whether the operator accepts the verdict.", GAUGE, accepted},
	{"epolltune_wall", "The basis of a limit's capacity, and the knob that binds.", INFO,
	 basis},
	{"epolltune_findings", "Findings of a check.", GAUGE, findings},
	{"epolltune_listener_depth", "Connections that wait in the queue of a listening socket.",
	 GAUGE, depth},
	{"epolltune_listener_backlog", "Backlog of a listening socket.", GAUGE, backlog},
	{"epolltune_listener_dropped_packets", "Packets that a listening socket dropped.", COUNTER,
	 drops},
	{"epolltune_kernel_events", "Events that the kernel counts.", COUNTER, events},
	{"epolltune_check_status", "1 for the status of the check, 0 for others.", GAUGE, status},
	{"epolltune_check", "The check that these metrics are of.", INFO, check},
	{"epolltune_check_omitted", "Walls and findings that did not fit into the report.", GAUGE,
	 lost},
	{"epolltune_check_timestamp_seconds", "When the check was made.", GAUGE, timestamp},
};

static void family(FILE *out, const struct family *f, const struct report *r, bool openmetrics)
{
	const char *suffix = types[f->type].suffix;
	struct samples s = {out, f->name, suffix, 0};
	fprintf(out, "# HELP %s%s %s\n", f->name, openmetrics ? "" : suffix, f->help);
	fprintf(out, "# TYPE %s%s %s\n", f->name, openmetrics ? "" : suffix,
		openmetrics ? types[f->type].openmetrics : types[f->type].text);
	f->samples(&s, r);
}

static int expose(FILE *out, const struct report *r, bool openmetrics, struct err *e)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		family(out, &families[i], r, openmetrics);
	if (openmetrics)
		fputs("# EOF\n", out);
	return render_flush(out, "the report", e);
}

int render_prometheus(FILE *out, const struct report *r, const struct render_style *style,
		      struct err *e)
{
	(void)style;
	return expose(out, r, false, e);
}

int render_openmetrics(FILE *out, const struct report *r, const struct render_style *style,
		       struct err *e)
{
	(void)style;
	return expose(out, r, true, e);
}
