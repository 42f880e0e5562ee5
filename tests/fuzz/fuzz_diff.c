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

static void comparison_print(struct comparison *c, FILE *out)
{
	static const char *const formats[] = {
#define FORMAT(name, help) #name,
#include "report/comparison_formats.def"
#undef FORMAT
	};
	c->command = "epolltune diff";
	c->names[0] = "a";
	c->names[1] = "b";
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		comparison_render_find(formats[i])(out, c, &plain, NULL);
	}
}

static void benches_diff(json_t *const documents[2], FILE *out)
{
	static const char *const names[] = {"a", "b"};
	const json_t *both[] = {documents[0], documents[1]};
	struct bench_comparison *pairs = NULL;
	CLEAN(comparison_free) struct comparison c = {0};
	if (bench_comparison_make(&pairs, both, names, NULL) == 0) {
		if (compare_benches(&c, pairs, NULL) == 0)
			comparison_print(&c, out);
		bench_comparison_status(pairs);
	}
	bench_comparison_free(pairs);
}

static void reports_diff(json_t *const documents[2], FILE *out)
{
	static struct report r[2];
	CLEAN(comparison_free) struct comparison c = {0};
	for (int i = 0; i < 2; i++)
		if (report_parse_document("a", documents[i], &r[i], NULL) < 0)
			return;
	if (compare_reports(&c, &r[0], &r[1], COMPARE_TO_DIFF, NULL) == 0)
		comparison_print(&c, out);
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
		benches_diff(documents, out);
	else
		reports_diff(documents, out);
	fclose(out);
	return 0;
}
