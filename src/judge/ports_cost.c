/* Judges what connect() costs where much of the port range is in use. */
#include <math.h>

#include "epolltune/port_settings.h"
#include "epolltune/quantity.h"

/* A cost that is worth a note, in times of that with free ports. */
#define TIMES 10
/* Beyond it a connect() fails soon. */
#define SHARE_MAX 0.99

double ports_share(const struct target *t, const struct settings *s)
{
	int64_t ports = ports_free(s);
	double used = (double)ports_for_rate(t, s, ports_rate_needed(t, s)) / (double)ports;
	return ports > 0 && t->role == TARGET_PROXY && !s->portless ? fmin(used, SHARE_MAX) : 0;
}

static double us(double ns) { return rint(ns / 100) / 10; }

static void costs_table(struct finding *f, const struct connect_cost *c, int64_t ports)
{
	char head[2][32];
	report_text(head[0], "%s ports", quantity_count(c->ports).text);
	report_text(head[1], "%s, scaled", quantity_count((uint64_t)ports).text);
	finding_table(f, "ports in use");
	finding_column(f, head[0], "us");
	finding_column(f, head[1], "us");
	for (size_t i = 0; i < CONNECT_COST_LEVELS; i++) {
		char name[16];
		report_text(name, "%u %%", c->percent[i]);
		double *value = finding_row(f, name);
		value[0] = us((double)c->ns[i]);
		value[1] = us(connect_cost_ns(c, (double)ports, c->percent[i] / 100.0));
	}
}

void ports_cost_judge(const struct target *t, const struct settings *s,
		      const struct connect_cost *c, struct report *r)
{
	struct wording w = {0};
	int64_t ports = ports_free(s);
	double share = ports_share(t, s), from = connect_cost_share(c, (double)ports, TIMES);
	if (share < from)
		return;
	double cost = connect_cost_ns(c, (double)ports, share);
	wording_set(&w, "share", "%.0f %%", share * 100);
	wording_set(&w, "from", "%.0f %%", from * 100);
	wording_set(&w, "ports", "%s", quantity_count((uint64_t)ports).text);
	wording_set(&w, "measured", "%s", quantity_count(c->ports).text);
	wording_set(&w, "cost", "%s", quantity_seconds(cost / 1e9).text);
	wording_set(&w, "plain", "%s", quantity_seconds((double)c->ns[0] / 1e9).text);
	wording_set(&w, "times", "%.0f", cost / (double)c->ns[0]);
	costs_table(report_finding(r, "ports.connect-cost", &w), c, ports);
}
