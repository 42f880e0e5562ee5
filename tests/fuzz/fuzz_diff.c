/* Feeds bytes to what compares two saved documents, of check or of bench: a form feed ends the
 * first. */
#include "fuzz.h"

#include "report/compare.h"
#include "report/compare_bench.h"
#include "report/conditions.h"
#include "report/parse.h"

static const struct render_style plain = {.width = 80};

static void documents_free(json_t *(*documents)[2])
{
	json_decref((*documents)[0]);
	json_decref((*documents)[1]);
}

static void compare_benches(json_t *const documents[2], FILE *out)
{
	static const char *const names[] = {"a", "b"};
	const json_t *both[] = {documents[0], documents[1]};
	struct bench_comparison *c = NULL;
	if (bench_comparison_make(&c, both, names, NULL) == 0) {
		bench_comparison_text(c, out, &plain, NULL);
		json_decref(bench_comparison_json(c));
		bench_comparison_status(c);
	}
	bench_comparison_free(c);
}

static void compare_reports(json_t *const documents[2], FILE *out)
{
	static struct report r[2];
	for (int i = 0; i < 2; i++)
		if (report_parse_document("a", documents[i], &r[i], NULL) < 0)
			return;
	compare_text(out, &r[0], &r[1], &plain, NULL);
	json_decref(compare_json(&r[0], &r[1]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[FUZZ_PATH];
	const uint8_t *half = size ? memchr(data, '\f', size) : NULL;
	const size_t sizes[] = {half ? (size_t)(half - data) : size,
				half ? size - (size_t)(half + 1 - data) : size};
	CLEAN(documents_free) json_t *documents[2] = {NULL, NULL};
	for (int i = 0; i < 2; i++) {
		CLEAN(close_fd)
		int fd = fuzz_file(i && half ? half + 1 : data, sizes[i], path);
		if (fd < 0 || document_load(path, &documents[i], NULL) < 0)
			return 0;
	}
	CLEAN(free_pointer) char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	json_t *differing = conditions_compare(documents);
	if (!out || !differing)
		abort();
	conditions_print(out, differing, &plain);
	json_decref(differing);
	const char *schema = json_string_value(json_object_get(documents[0], "schema"));
	if (!strcmp(schema, COMPARE_BENCH_SCHEMA))
		compare_benches(documents, out);
	else
		compare_reports(documents, out);
	fclose(out);
	return 0;
}
