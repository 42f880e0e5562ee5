/* Feeds bytes to the reader of saved reports, and what it takes to all renderers: a report that was
 * read is written and read again as the same one. */
#include "fuzz.h"

#include "report/compare.h"
#include "report/parse.h"
#include "report/render.h"

static const struct render_style style = {.width = 80, .verbose = true};

static char *rendered(const char *format, const struct report *r, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);
	if (!out || render_find(format)(out, r, &style, NULL) || fclose(out))
		abort();
	return text;
}

static void render_all(const struct report *r)
{
#define FORMAT(name, help) #name,
	static const char *const formats[] = {
#include "report/formats.def"
	};
#undef FORMAT
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		size_t size;
		free(rendered(formats[i], r, &size));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct report first, second;
	char path[FUZZ_PATH];
	size_t length, again;
	struct err e = {0};
	CLEAN(close_fd) int fd = fuzz_file(data, size, path);
	if (fd < 0 || report_parse(path, &first, &e) < 0) {
		if (fd >= 0 && !e.text[0])
			abort();
		return 0;
	}
	render_all(&first);
	compare_status(&first, &first);
	CLEAN(free_pointer) char *text = rendered("json", &first, &length);
	CLEAN(close_fd) int copy = fuzz_file((const uint8_t *)text, length, path);
	if (copy < 0 || report_parse(path, &second, &e) < 0)
		fuzz_fail(e.text);
	CLEAN(free_pointer) char *other = rendered("json", &second, &again);
	if (again != length || memcmp(text, other, length) != 0)
		abort();
	return 0;
}
