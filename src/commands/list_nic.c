#include "commands/list_nic.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <libsmartcols/libsmartcols.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/knob.h"
#include "epolltune/nic.h"

struct listing {
	const struct host *host;
	struct nics nics;
	struct softnet softnet; /* empty: not readable */
};

/* A softnet knob; unknown in child namespaces, which do not have it. */
static struct nic_number softnet_number(const struct listing *m, const struct knob *k)
{
	int64_t value;
	if (!knob_number(k->name, m->host, &value) || value < 0)
		return (struct nic_number){0};
	return (struct nic_number){true, (uint64_t)value};
}

static int machine_read(const struct host *h, struct listing *m, struct err *e)
{
	*m = (struct listing){.host = h};
	int r = nics_read(h, NIC_ALL, &m->nics, e);
	if (r < 0)
		return r;
	if (softnet_read(h, &m->softnet, NULL) < 0)
		m->softnet = (struct softnet){0};
	return 0;
}

static void machine_free(struct listing *m)
{
	nics_free(&m->nics);
	softnet_free(&m->softnet);
}

/* JSON: `status` keeps an allocation failure until the end. */

static void add(json_t *object, const char *key, json_t *value, int *status)
{
	if (json_object_set_new(object, key, value) < 0)
		*status = -ENOMEM;
}

static void add_number(json_t *object, const char *key, struct nic_number n, int *status)
{
	if (n.known)
		add(object, key, json_integer((json_int_t)n.value), status);
}

/* An interface name is any bytes but '/', ':' and blanks; JSON needs UTF-8. */
static void add_text(json_t *object, const char *key, const char *text, int *status)
{
	if (!text || !*text)
		return;
	json_t *value = json_string(text);
	if (!value) {
		char ascii[256];
		size_t n = strnlen(text, sizeof(ascii) - 1);
		for (size_t i = 0; i < n; i++)
			ascii[i] = text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?';
		ascii[n] = 0;
		value = json_string(ascii);
	}
	add(object, key, value, status);
}

static json_t *append(json_t *array, json_t *value, int *status)
{
	if (json_array_append_new(array, value) < 0)
		*status = -ENOMEM;
	return value;
}

static void add_fields(json_t *nic, const struct nic *n, int *status)
{
	for (size_t i = 0; i < nic_field_count; i++) {
		const struct nic_field *f = &nic_fields[i];
		struct nic_number value = nic_get(n, f);
		if (!value.known)
			continue;
		json_t *group = json_object_get(nic, f->group);
		if (!group) {
			group = json_object();
			add(nic, f->group, group, status);
		}
		if (!strcmp(f->unit, "bool"))
			add(group, f->name, json_boolean(value.value), status);
		else
			add_number(group, f->name, value, status);
	}
}

static void add_features(json_t *nic, const struct nic *n, int *status)
{
	json_t *features = json_object();
	for (size_t i = 0; i < n->feature_count; i++) {
		const struct nic_feature *f = &n->features[i];
		json_t *one = json_object();
		add(one, "active", json_boolean(f->active), status);
		add(one, "fixed", json_boolean(!f->changeable), status);
		add(one, "requested", json_boolean(f->wanted), status);
		add(features, f->name, one, status);
	}
	add(nic, "features", features, status);
	json_t *counters = json_object();
	for (size_t i = 0; i < n->counter_count; i++)
		add(counters, n->counters[i].name, json_integer((json_int_t)n->counters[i].value),
		    status);
	add(nic, "counters", counters, status);
}

static void add_queues(json_t *nic, const struct nic *n, int *status)
{
	json_t *queues = json_array();
	for (size_t i = 0; i < n->queue_count; i++) {
		const struct nic_queue *q = &n->queues[i];
		bool rx = q->direction == NIC_RX;
		json_t *one = append(queues, json_object(), status);
		add(one, "direction", json_string(rx ? "rx" : "tx"), status);
		add(one, "id", json_integer(q->id), status);
		add_number(one, "napi", q->napi, status);
		add_text(one, rx ? "rps_cpus" : "xps_cpus", q->cpus, status);
		add_number(one, "rps_flow_cnt", q->flows, status);
		add_number(one, "packets", q->packets, status);
		add_number(one, "bytes", q->bytes, status);
		add_number(one, "hw-drops", q->hw_drops, status);
		add_number(one, "hw-drop-overruns", q->hw_drop_overruns, status);
		add_number(one, "alloc-fail", q->alloc_fail, status);
	}
	add(nic, "queues", queues, status);
}

static void add_napis(json_t *nic, const struct nic *n, int *status)
{
	json_t *napis = json_array();
	for (size_t i = 0; i < n->napi_count; i++) {
		const struct nic_napi *p = &n->napis[i];
		json_t *one = append(napis, json_object(), status);
		add(one, "id", json_integer(p->id), status);
		add_number(one, "irq", p->irq, status);
		add_number(one, "pid", p->pid, status);
		add_number(one, "defer-hard-irqs", p->defer_hard_irqs, status);
		add_number(one, "gro-flush-timeout", p->gro_flush_timeout, status);
		add_number(one, "irq-suspend-timeout", p->irq_suspend_timeout, status);
		add_number(one, "threaded", p->threaded, status);
	}
	add(nic, "napis", napis, status);
	json_t *irqs = json_array();
	for (size_t i = 0; i < n->irq_count; i++) {
		const struct nic_irq *irq = &n->irqs[i];
		json_t *one = append(irqs, json_object(), status);
		add(one, "irq", json_integer(irq->irq), status);
		add_text(one, "action", irq->action, status);
		add_text(one, "smp_affinity_list", irq->affinity, status);
		add_number(one, "total", irq->total, status);
	}
	add(nic, "irqs", irqs, status);
}

static json_t *nic_json(const struct nic *n, int *status)
{
	json_t *nic = json_object();
	add_text(nic, "name", n->name, status);
	add(nic, "index", json_integer(n->index), status);
	add_text(nic, "kind", n->kind, status);
	add(nic, "physical", json_boolean(n->physical), status);
	add(nic, "up", json_boolean(n->up), status);
	add(nic, "running", json_boolean(n->running), status);
	add(nic, "default_route", json_boolean(n->default_route), status);
	json_t *driver = json_object();
	add_text(driver, "name", n->driver, status);
	add_text(driver, "version", n->driver_version, status);
	add_text(driver, "firmware", n->firmware, status);
	add_text(driver, "bus", n->bus, status);
	add(nic, "driver", driver, status);
	add_text(nic, "qdisc", n->qdisc, status);
	add_fields(nic, n, status);
	add_features(nic, n, status);
	add_queues(nic, n, status);
	add_napis(nic, n, status);
	return nic;
}

static json_t *softnet_json(const struct softnet *s, int *status)
{
	json_t *cpus = json_array();
	for (size_t i = 0; i < s->count; i++) {
		const struct softnet_cpu *c = &s->at[i];
		json_t *one = append(cpus, json_object(), status);
		add(one, "cpu", json_integer(c->cpu), status);
		add(one, "processed", json_integer((json_int_t)c->processed), status);
		add(one, "dropped", json_integer((json_int_t)c->dropped), status);
		add(one, "time_squeeze", json_integer((json_int_t)c->time_squeeze), status);
		add(one, "received_rps", json_integer((json_int_t)c->received_rps), status);
		add_number(one, "flow_limit", c->flow_limit, status);
		add_number(one, "backlog", c->backlog, status);
	}
	return cpus;
}

static int render_nics_json(FILE *out, const struct listing *m, struct err *e)
{
	int status = 0;
	json_t *root = json_object(), *nics = json_array(), *knobs = json_object();
	add(root, "schema", json_string("epolltune.nic/1"), &status);
	for (size_t i = 0; i < m->nics.count; i++)
		append(nics, nic_json(&m->nics.at[i], &status), &status);
	add(root, "interfaces", nics, &status);
	add(root, "softnet", softnet_json(&m->softnet, &status), &status);
	for (size_t i = 0; i < knob_count(); i++)
		if (knob_at(i)->softnet)
			add_number(knobs, knob_at(i)->name, softnet_number(m, knob_at(i)), &status);
	add(root, "knobs", knobs, &status);
	if (status < 0) {
		json_decref(root);
		return err_set(e, ENOMEM, "cannot list the interfaces: out of memory");
	}
	int r = json_dumpf(root, out, JSON_INDENT(2));
	json_decref(root);
	if (r < 0 || fputc('\n', out) == EOF)
		return err_errno(e, "cannot write the list");
	return 0;
}

/* Text: libsmartcols tables. An empty cell prints "-". */

struct table {
	struct libscols_table *table;
	struct libscols_line *line;
	size_t column;
	int status;
};

static struct table table_begin(FILE *out, const struct render_style *style,
				const char *const *columns)
{
	struct table t = {.table = scols_new_table()};
	if (!t.table) {
		t.status = -ENOMEM;
		return t;
	}
	scols_table_set_stream(t.table, out);
	scols_table_enable_ascii(t.table, !style->utf8);
	scols_table_set_termforce(t.table, SCOLS_TERMFORCE_NEVER);
	for (; *columns; columns++)
		/* A leading blank right-aligns the column. */
		if (!scols_table_new_column(t.table, *columns + (**columns == ' '), 0,
					    **columns == ' ' ? SCOLS_FL_RIGHT : 0))
			t.status = -ENOMEM;
	return t;
}

static void row(struct table *t)
{
	if (t->status < 0)
		return;
	t->line = scols_table_new_line(t->table, NULL);
	t->column = 0;
	if (!t->line)
		t->status = -ENOMEM;
}

static void cell(struct table *t, const char *text)
{
	if (t->status < 0)
		return;
	if (scols_line_set_data(t->line, t->column++, text && *text ? text : "-") != 0)
		t->status = -ENOMEM;
}

static void cell_number(struct table *t, struct nic_number n)
{
	char text[32] = "";
	if (n.known)
		snprintf(text, sizeof(text), "%" PRIu64, n.value);
	cell(t, text);
}

/* "256/4096": the current value and the maximum of the device. */
static void cell_of(struct table *t, struct nic_number now, struct nic_number max)
{
	char text[48] = "";
	if (now.known && max.known)
		snprintf(text, sizeof(text), "%" PRIu64 "/%" PRIu64, now.value, max.value);
	else if (now.known)
		snprintf(text, sizeof(text), "%" PRIu64, now.value);
	cell(t, text);
}

static void cell_feature(struct table *t, const struct nic *n, const char *name)
{
	const struct nic_feature *f = nic_feature(n, name);
	cell(t, !f ? "" : f->active ? "on" : "off");
}

static int table_end(struct table *t, const char *title, FILE *out, struct err *e)
{
	if (t->table && t->status == 0 && scols_table_get_nlines(t->table)) {
		if (title)
			fprintf(out, "\n%s\n", title);
		t->status = scols_print_table(t->table);
	}
	if (t->table)
		scols_unref_table(t->table);
	if (t->status == 0)
		return 0;
	return err_set(e, -t->status, "cannot list the interfaces: %s", strerror(-t->status));
}

static int table_nics(FILE *out, const struct listing *m, const struct render_style *style,
		      struct err *e)
{
	static const char *const columns[] = {"INTERFACE", "DRIVER",  " MTU",      " RX-RING",
					      " TX-RING",  " QUEUES", " RX-USECS", "GRO",
					      "TSO",       "QDISC",   NULL};
	struct table t = table_begin(out, style, columns);
	for (size_t i = 0; i < m->nics.count; i++) {
		const struct nic *n = &m->nics.at[i];
		const struct nic_channels *c = &n->channels;
		row(&t);
		cell(&t, n->name);
		cell(&t, n->driver[0] ? n->driver : n->kind);
		cell_number(&t, n->link.mtu);
		cell_of(&t, n->rings.rx, n->rings.rx_max);
		cell_of(&t, n->rings.tx, n->rings.tx_max);
		if (c->combined.known)
			cell_of(&t, c->combined, c->combined_max);
		else
			cell_of(&t, c->rx.known ? c->rx : n->link.rx_queues, c->rx_max);
		if (n->coalesce.adaptive_rx.known && n->coalesce.adaptive_rx.value)
			cell(&t, "adaptive");
		else
			cell_number(&t, n->coalesce.rx_usecs);
		cell_feature(&t, n, "rx-gro");
		cell_feature(&t, n, "tx-tcp-segmentation");
		cell(&t, n->qdisc);
	}
	if (m->nics.count)
		fputs("Interfaces (rings and queues: current/maximum)\n", out);
	return table_end(&t, NULL, out, e);
}

static const struct nic_napi *napi_find(const struct nic *n, struct nic_number id)
{
	for (size_t i = 0; id.known && i < n->napi_count; i++)
		if (n->napis[i].id == id.value)
			return &n->napis[i];
	return NULL;
}

static int table_queues(FILE *out, const struct listing *m, const struct render_style *style,
			struct err *e)
{
	static const char *const columns[] = {"INTERFACE", "QUEUE",  " NAPI",      "IRQ-CPUS",
					      "RPS/XPS",   " DEFER", " GRO-FLUSH", " SUSPEND",
					      "THREADED",  " DROPS", NULL};
	struct table t = table_begin(out, style, columns);
	for (size_t i = 0; i < m->nics.count; i++) {
		const struct nic *n = &m->nics.at[i];
		for (size_t k = 0; k < n->queue_count; k++) {
			const struct nic_queue *q = &n->queues[k];
			const struct nic_napi *p = napi_find(n, q->napi);
			struct nic_number none = {0};
			const char *affinity = NULL;
			char name[24];
			for (size_t j = 0; p && p->irq.known && j < n->irq_count; j++)
				if (n->irqs[j].irq == p->irq.value)
					affinity = n->irqs[j].affinity;
			snprintf(name, sizeof(name), "%s-%u", q->direction == NIC_RX ? "rx" : "tx",
				 q->id);
			row(&t);
			cell(&t, n->name);
			cell(&t, name);
			cell_number(&t, q->napi);
			cell(&t, affinity);
			cell(&t, q->cpus);
			cell_number(&t, p ? p->defer_hard_irqs : n->napi.napi_defer_hard_irqs);
			cell_number(&t, p ? p->gro_flush_timeout : n->napi.gro_flush_timeout);
			cell_number(&t, p ? p->irq_suspend_timeout : none);
			cell_number(&t, p ? p->threaded : n->napi.threaded);
			cell_number(&t, q->hw_drops);
		}
	}
	return table_end(&t, "Queues (GRO-FLUSH and SUSPEND in ns)", out, e);
}

static int table_interrupts(FILE *out, const struct listing *m, const struct render_style *style,
			    struct err *e)
{
	static const char *const columns[] = {"INTERFACE", " IRQ",   "ACTION",
					      "CPUS",      " TOTAL", NULL};
	struct table t = table_begin(out, style, columns);
	for (size_t i = 0; i < m->nics.count; i++) {
		const struct nic *n = &m->nics.at[i];
		for (size_t k = 0; k < n->irq_count; k++) {
			struct nic_number irq = {true, n->irqs[k].irq};
			row(&t);
			cell(&t, n->name);
			cell_number(&t, irq);
			cell(&t, n->irqs[k].action);
			cell(&t, n->irqs[k].affinity);
			cell_number(&t, n->irqs[k].total);
		}
	}
	return table_end(&t, "Interrupts", out, e);
}

static int table_softnet(FILE *out, const struct listing *m, const struct render_style *style,
			 struct err *e)
{
	static const char *const columns[] = {" CPU", " PROCESSED", " DROPPED", " SQUEEZED",
					      " RPS", " BACKLOG",   NULL};
	struct table t = table_begin(out, style, columns);
	for (size_t i = 0; i < m->softnet.count; i++) {
		const struct softnet_cpu *c = &m->softnet.at[i];
		const uint64_t numbers[] = {c->cpu, c->processed, c->dropped, c->time_squeeze,
					    c->received_rps};
		row(&t);
		for (size_t k = 0; k < sizeof(numbers) / sizeof(*numbers); k++) {
			struct nic_number number = {true, numbers[k]};
			cell_number(&t, number);
		}
		cell_number(&t, c->backlog);
	}
	return table_end(&t, "Softnet, since boot", out, e);
}

static int table_knobs(FILE *out, const struct listing *m, const struct render_style *style,
		       struct err *e)
{
	static const char *const columns[] = {"KNOB", " VALUE", NULL};
	struct table t = table_begin(out, style, columns);
	for (size_t i = 0; i < knob_count(); i++) {
		const struct knob *k = knob_at(i);
		struct nic_number value =
			k->softnet ? softnet_number(m, k) : (struct nic_number){0};
		if (!value.known)
			continue;
		row(&t);
		cell(&t, k->name);
		cell_number(&t, value);
	}
	return table_end(&t, "Softnet knobs", out, e);
}

int list_nic(FILE *out, const struct host *h, bool json, const struct render_style *style,
	     struct err *e)
{
	CLEAN(machine_free) struct listing m;
	int r = machine_read(h, &m, e);
	if (r < 0)
		return r;
	if (json)
		return render_nics_json(out, &m, e);
	r = table_nics(out, &m, style, e);
	if (r == 0)
		r = table_queues(out, &m, style, e);
	if (r == 0)
		r = table_interrupts(out, &m, style, e);
	if (r == 0)
		r = table_softnet(out, &m, style, e);
	if (r == 0)
		r = table_knobs(out, &m, style, e);
	return r;
}
