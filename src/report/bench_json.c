#include "report/bench_render.h"

#include "report/json_value.h"

static json_t *result(struct json_writer *w, const struct bench_result *r)
{
	json_t *o = json_object(), *samples = json_array();
	for (unsigned i = 0; i < r->runs; i++)
		value_add(w, samples, value_number(r->sample[i]));
	char text[BENCH_CONDITIONS_TEXT];
	value_set(w, o, "bench", value_text(r->bench));
	value_set(w, o, "variant", value_text(r->variant));
	value_set(w, o, "n", value_count(r->n));
	value_set(w, o, "active", value_count(r->active));
	value_set(w, o, "metric", value_text(bench_metric_name(r->metric)));
	value_set(w, o, "unit", value_text(bench_metric_unit(r->metric)));
	value_set(w, o, "median", value_number(r->median));
	value_set(w, o, "min", value_number(r->min));
	value_set(w, o, "max", value_number(r->max));
	value_set(w, o, "runs", value_count(r->runs));
	value_set(w, o, "samples", samples);
	value_set(w, o, "conditions", value_text(bench_conditions(r, text)));
	return o;
}

static json_t *host(struct json_writer *w, const struct report_host *h)
{
	json_t *o = json_object();
	value_set(w, o, "name", value_text(h->name));
	value_set(w, o, "kernel", value_text(h->kernel));
	value_set(w, o, "cpus", value_count(h->cpus));
	value_set(w, o, "memory_bytes", value_count(h->memory_bytes));
	value_set(w, o, "isolation", value_text(report_isolation_name(h->isolation)));
	return o;
}

int bench_render_json(FILE *out, const struct bench_page *p, const struct render_style *style,
		      struct err *e)
{
	char stamp[REPORT_STAMP];
	struct json_writer w = {false};
	json_t *root = json_object(), *results = json_array(), *notes = json_array();
	for (size_t i = 0; i < p->table->count; i++)
		value_add(&w, results, result(&w, &p->table->at[i]));
	for (size_t i = 0; i < p->table->note_count; i++)
		value_add(&w, notes, value_text(p->table->notes[i]));
	value_set(&w, root, "schema", value_text("epolltune.bench/1"));
	value_set(&w, root, "version", value_text(EPOLLTUNE_VERSION));
	value_set(&w, root, "time", value_text(report_stamp(p->time.tv_sec, stamp)));
	value_set(&w, root, "host", host(&w, &p->host));
	value_set(&w, root, "rounds", value_count(p->runs));
	value_set(&w, root, "results", results);
	value_set(&w, root, "notes", notes);
	value_set(&w, root, "lost", value_count(p->table->lost));
	return value_print(out, root, &w, "the figures", e);
}
