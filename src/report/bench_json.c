#include "report/bench_render.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <time.h>

#include "report/utf8.h"

static json_t *text(const char *field)
{
	char valid[1024];
	utf8_copy(valid, sizeof(valid), field);
	return json_string(valid);
}

static json_t *count(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static json_t *figure(double value)
{
	if (!isfinite(value))
		return json_null();
	return value == rint(value) && fabs(value) < 1e15 ? json_integer((json_int_t)value)
							  : json_real(value);
}

static json_t *result_of(const struct bench_result *r)
{
	json_t *samples = json_array();
	int failed = !samples;
	for (unsigned i = 0; i < r->runs && !failed; i++)
		failed = json_array_append_new(samples, figure(r->sample[i]));
	if (failed) {
		json_decref(samples);
		return NULL;
	}
	return json_pack("{so so so so ss ss so so so so so so}", "bench", text(r->bench),
			 "variant", text(r->variant), "n", count(r->n), "active", count(r->active),
			 "metric", bench_metric_name(r->metric), "unit",
			 bench_metric_unit(r->metric), "median", figure(r->median), "min",
			 figure(r->min), "max", figure(r->max), "runs", count(r->runs), "samples",
			 samples, "conditions", text(r->conditions));
}

static json_t *document(const struct bench_page *p)
{
	json_t *results = json_array(), *notes = json_array();
	int failed = !results || !notes;
	for (size_t i = 0; i < p->table->count && !failed; i++)
		failed = json_array_append_new(results, result_of(&p->table->at[i]));
	for (size_t i = 0; i < p->table->note_count && !failed; i++)
		failed = json_array_append_new(notes, text(p->table->notes[i]));
	if (failed) {
		json_decref(results);
		json_decref(notes);
		return NULL;
	}
	char stamp[32] = "";
	struct tm tm;
	if (gmtime_r(&p->time.tv_sec, &tm))
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_pack("{ss ss ss s{so so so so ss} so so so so}", "schema", "epolltune.bench/1",
			 "version", EPOLLTUNE_VERSION, "time", stamp, "host", "name",
			 text(p->host.name), "kernel", text(p->host.kernel), "cpus",
			 count(p->host.cpus), "memory_bytes", count(p->host.memory_bytes),
			 "isolation", report_isolation_name(p->host.isolation), "rounds",
			 count(p->runs), "results", results, "notes", notes, "lost",
			 count(p->table->lost));
}

int bench_render_json(FILE *out, const struct bench_page *p, const struct render_style *style,
		      struct err *e)
{
	(void)style;
	json_t *root = document(p);
	if (!root)
		return err_set(e, ENOMEM, "out of memory for the figures");
	int rc = json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	json_decref(root);
	if (rc < 0)
		return err_errno(e, "cannot write JSON");
	fputc('\n', out);
	return 0;
}
