#include "report/nics.h"

#include <inttypes.h>
#include <string.h>

#include "report/json_value.h"
#include "report/table.h"

static void add_number(struct json_writer *w, json_t *object, const char *key, struct nic_number n)
{
	if (n.known)
		value_set(w, object, key, value_count(n.value));
}

static void add_text(struct json_writer *w, json_t *object, const char *key, const char *text)
{
	if (text && *text)
		value_set(w, object, key, value_text(text));
}

static json_t *append(struct json_writer *w, json_t *array)
{
	json_t *object = json_object();
	value_add(w, array, object);
	return object;
}

static void add_fields(struct json_writer *w, json_t *nic, const struct nic *n)
{
	for (size_t i = 0; i < nic_field_count; i++) {
		const struct nic_field *f = &nic_fields[i];
		struct nic_number value = nic_get(n, f);
		if (!value.known)
			continue;
		const char *name = nic_group_name(f->group);
		json_t *group = json_object_get(nic, name);
		if (!group) {
			group = json_object();
			value_set(w, nic, name, group);
		}
		if (f->boolean)
			value_set(w, group, f->name, json_boolean(value.value));
		else
			add_number(w, group, f->name, value);
	}
}

static void add_features(struct json_writer *w, json_t *nic, const struct nic *n)
{
	json_t *features = json_object();
	for (size_t i = 0; i < n->feature_count; i++) {
		const struct nic_feature *f = &n->features[i];
		json_t *one = json_object();
		value_set(w, one, "active", json_boolean(f->active));
		value_set(w, one, "fixed", json_boolean(!f->changeable));
		value_set(w, one, "requested", json_boolean(f->wanted));
		value_set(w, features, f->name, one);
	}
	value_set(w, nic, "features", features);
	json_t *counters = json_object();
	for (size_t i = 0; i < n->counter_count; i++)
		value_set(w, counters, n->counters[i].name, value_count(n->counters[i].value));
	value_set(w, nic, "counters", counters);
}

static void add_queues(struct json_writer *w, json_t *nic, const struct nic *n)
{
	json_t *queues = json_array();
	for (size_t i = 0; i < n->queue_count; i++) {
		const struct nic_queue *q = &n->queues[i];
		bool rx = q->direction == NIC_RX;
		json_t *one = append(w, queues);
		value_set(w, one, "direction", value_text(rx ? "rx" : "tx"));
		value_set(w, one, "id", json_integer(q->id));
		add_number(w, one, "napi", q->napi);
		add_text(w, one, rx ? "rps_cpus" : "xps_cpus", q->cpus);
		add_number(w, one, "rps_flow_cnt", q->flows);
		add_number(w, one, "packets", q->packets);
		add_number(w, one, "bytes", q->bytes);
		add_number(w, one, "hw-drops", q->hw_drops);
		add_number(w, one, "hw-drop-overruns", q->hw_drop_overruns);
		add_number(w, one, "hw-drop-ratelimits", q->hw_drop_ratelimits);
		add_number(w, one, "alloc-fail", q->alloc_fail);
	}
	value_set(w, nic, "queues", queues);
}

static void add_napis(struct json_writer *w, json_t *nic, const struct nic *n)
{
	json_t *napis = json_array();
	for (size_t i = 0; i < n->napi_count; i++) {
		const struct nic_napi *p = &n->napis[i];
		json_t *one = append(w, napis);
		value_set(w, one, "id", json_integer(p->id));
		add_number(w, one, "irq", p->irq);
		add_number(w, one, "pid", p->pid);
		add_number(w, one, "defer-hard-irqs", p->defer_hard_irqs);
		add_number(w, one, "gro-flush-timeout", p->gro_flush_timeout);
		add_number(w, one, "irq-suspend-timeout", p->irq_suspend_timeout);
		add_number(w, one, "threaded", p->threaded);
	}
	value_set(w, nic, "napis", napis);
	json_t *irqs = json_array();
	for (size_t i = 0; i < n->irq_count; i++) {
		const struct nic_irq *irq = &n->irqs[i];
		json_t *one = append(w, irqs);
		value_set(w, one, "irq", json_integer(irq->irq));
		add_text(w, one, "action", irq->action);
		add_text(w, one, "smp_affinity_list", irq->affinity);
		add_text(w, one, "effective_affinity_list", irq->effective);
		add_number(w, one, "total", irq->total);
	}
	value_set(w, nic, "irqs", irqs);
}

static json_t *nic_json(struct json_writer *w, const struct nic *n)
{
	json_t *nic = json_object();
	add_text(w, nic, "name", n->name);
	value_set(w, nic, "index", json_integer(n->index));
	add_text(w, nic, "kind", n->kind);
	value_set(w, nic, "physical", json_boolean(n->physical));
	value_set(w, nic, "up", json_boolean(n->up));
	value_set(w, nic, "running", json_boolean(n->running));
	value_set(w, nic, "default_route", json_boolean(n->default_route));
	json_t *driver = json_object();
	add_text(w, driver, "name", n->driver);
	add_text(w, driver, "version", n->driver_version);
	add_text(w, driver, "firmware", n->firmware);
	add_text(w, driver, "bus", n->bus);
	value_set(w, nic, "driver", driver);
	add_text(w, nic, "qdisc", n->qdisc);
	add_fields(w, nic, n);
	add_features(w, nic, n);
	add_queues(w, nic, n);
	add_napis(w, nic, n);
	return nic;
}

static json_t *softnet_json(struct json_writer *w, const struct softnet *s)
{
	json_t *cpus = json_array();
	for (size_t i = 0; i < s->count; i++) {
		const struct softnet_cpu *c = &s->at[i];
		json_t *one = append(w, cpus);
		value_set(w, one, "cpu", json_integer(c->cpu));
		value_set(w, one, "processed", value_count(c->processed));
		value_set(w, one, "dropped", value_count(c->dropped));
		value_set(w, one, "time_squeeze", value_count(c->time_squeeze));
		value_set(w, one, "received_rps", value_count(c->received_rps));
		add_number(w, one, "flow_limit", c->flow_limit);
		add_number(w, one, "backlog", c->backlog);
	}
	return cpus;
}

static int print_json(FILE *out, const struct network *m, struct err *e)
{
	struct json_writer w = {false};
	json_t *root = json_object(), *nics = json_array(), *knobs = json_object();
	value_set(&w, root, "schema", value_text("epolltune.nic/1"));
	for (size_t i = 0; i < m->nics.count; i++)
		value_add(&w, nics, nic_json(&w, &m->nics.at[i]));
	value_set(&w, root, "interfaces", nics);
	value_set(&w, root, "softnet", softnet_json(&w, &m->softnet));
	for (size_t i = 0; i < m->knob_count; i++)
		add_number(&w, knobs, m->knobs[i].name, m->knobs[i].value);
	value_set(&w, root, "knobs", knobs);
	return value_print(out, root, &w, "the list", e);
}

/* Text: an empty cell prints "-". */

static void cell(struct table *t, const char *text) { table_cell(t, "%s", text ? text : ""); }

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

static int print(FILE *out, struct table *t, const char *title, struct err *e)
{
	if (title && t->row_count)
		fprintf(out, "\n%s\n", title);
	return table_print(t, out, e);
}

static int table_nics(FILE *out, const struct network *m, struct err *e)
{
	static const struct table_column columns[] = {{"INTERFACE", TABLE_LEFT},
						      {"DRIVER", TABLE_LEFT},
						      {"MTU", TABLE_RIGHT},
						      {"RX-RING", TABLE_RIGHT},
						      {"TX-RING", TABLE_RIGHT},
						      {"QUEUES", TABLE_RIGHT},
						      {"RX-USECS", TABLE_RIGHT},
						      {"GRO", TABLE_LEFT},
						      {"TSO", TABLE_LEFT},
						      {"QDISC", TABLE_LEFT},
						      {0}};
	struct table t = {.empty = "-", .columns = columns};
	for (size_t i = 0; i < m->nics.count; i++) {
		const struct nic *n = &m->nics.at[i];
		const struct nic_channels *c = &n->channels;
		table_row(&t);
		cell(&t, n->name);
		cell(&t, n->driver[0] ? n->driver : n->kind);
		cell_number(&t, n->link.mtu);
		cell_of(&t, n->rings.rx, n->rings.rx_max);
		cell_of(&t, n->rings.tx, n->rings.tx_max);
		if (nic_split_channels(n))
			cell_of(&t, c->rx.known ? c->rx : n->link.rx_queues, c->rx_max);
		else
			cell_of(&t, c->combined, c->combined_max);
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
	return print(out, &t, NULL, e);
}

static const struct nic_napi *napi_find(const struct nic *n, struct nic_number id)
{
	for (size_t i = 0; id.known && i < n->napi_count; i++)
		if (n->napis[i].id == id.value)
			return &n->napis[i];
	return NULL;
}

static int table_queues(FILE *out, const struct network *m, struct err *e)
{
	static const struct table_column columns[] = {{"INTERFACE", TABLE_LEFT},
						      {"QUEUE", TABLE_LEFT},
						      {"NAPI", TABLE_RIGHT},
						      {"IRQ-CPUS", TABLE_LEFT},
						      {"RPS/XPS", TABLE_LEFT},
						      {"DEFER", TABLE_RIGHT},
						      {"GRO-FLUSH", TABLE_RIGHT},
						      {"SUSPEND", TABLE_RIGHT},
						      {"THREADED", TABLE_LEFT},
						      {"DROPS", TABLE_RIGHT},
						      {0}};
	struct table t = {.empty = "-", .columns = columns};
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
			table_row(&t);
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
	return print(out, &t, "Queues (GRO-FLUSH and SUSPEND in ns)", e);
}

static int table_interrupts(FILE *out, const struct network *m, struct err *e)
{
	static const struct table_column columns[] = {
		{"INTERFACE", TABLE_LEFT}, {"IRQ", TABLE_RIGHT},   {"ACTION", TABLE_LEFT},
		{"CPUS", TABLE_LEFT},      {"TOTAL", TABLE_RIGHT}, {0}};
	struct table t = {.empty = "-", .columns = columns};
	for (size_t i = 0; i < m->nics.count; i++) {
		const struct nic *n = &m->nics.at[i];
		for (size_t k = 0; k < n->irq_count; k++) {
			struct nic_number irq = {true, n->irqs[k].irq};
			table_row(&t);
			cell(&t, n->name);
			cell_number(&t, irq);
			cell(&t, n->irqs[k].action);
			cell(&t, n->irqs[k].affinity);
			cell_number(&t, n->irqs[k].total);
		}
	}
	return print(out, &t, "Interrupts", e);
}

static int table_softnet(FILE *out, const struct network *m, struct err *e)
{
	static const struct table_column columns[] = {{"CPU", TABLE_RIGHT},
						      {"PROCESSED", TABLE_RIGHT},
						      {"DROPPED", TABLE_RIGHT},
						      {"SQUEEZED", TABLE_RIGHT},
						      {"RPS", TABLE_RIGHT},
						      {"BACKLOG", TABLE_RIGHT},
						      {0}};
	struct table t = {.empty = "-", .columns = columns};
	for (size_t i = 0; i < m->softnet.count; i++) {
		const struct softnet_cpu *c = &m->softnet.at[i];
		const uint64_t numbers[] = {c->cpu, c->processed, c->dropped, c->time_squeeze,
					    c->received_rps};
		table_row(&t);
		for (size_t k = 0; k < sizeof(numbers) / sizeof(*numbers); k++) {
			struct nic_number number = {true, numbers[k]};
			cell_number(&t, number);
		}
		cell_number(&t, c->backlog);
	}
	return print(out, &t, "Softnet, since boot", e);
}

static int table_knobs(FILE *out, const struct network *m, struct err *e)
{
	static const struct table_column columns[] = {
		{"KNOB", TABLE_LEFT}, {"VALUE", TABLE_RIGHT}, {0}};
	struct table t = {.empty = "-", .columns = columns};
	for (size_t i = 0; i < m->knob_count; i++) {
		if (!m->knobs[i].value.known)
			continue;
		table_row(&t);
		cell(&t, m->knobs[i].name);
		cell_number(&t, m->knobs[i].value);
	}
	return print(out, &t, "Softnet knobs", e);
}

int nics_print(FILE *out, const struct network *m, bool json, struct err *e)
{
	if (json)
		return print_json(out, m, e);
	int r = table_nics(out, m, e);
	if (r == 0)
		r = table_queues(out, m, e);
	if (r == 0)
		r = table_interrupts(out, m, e);
	if (r == 0)
		r = table_softnet(out, m, e);
	if (r == 0)
		r = table_knobs(out, m, e);
	return r;
}
