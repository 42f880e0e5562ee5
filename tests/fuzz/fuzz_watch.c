/* Feeds bytes to the reader of a recording of `watch`, and what it reads to the judgement of the
 * looks, the screen and the lines. What was read is written and read again. */
#include "fuzz.h"

#include "report/watch.h"
#include "watch/record.h"

static const struct render_style style = {.width = 100};

static void look_check(struct watch *w, const struct watch_sample *s)
{
	static struct watch_sample again;
	struct watch_view v = {.height = 24, .state = "", .keys = ""};
	CLEAN(free_pointer) char *text = NULL;
	size_t size;
	struct err e = {0};
	if (watch_add(w, s, NULL))
		abort();
	FILE *out = open_memstream(&text, &size);
	if (!out)
		abort();
	watch_json(out, w);
	fflush(out);
	if (watch_parse(text, size, &again, &e))
		fuzz_fail(e.text);
	/* Two of the same row are one. */
	if (again.count > s->count)
		fuzz_fail("a row is new");
	watch_screen(out, w, &v, &style);
	watch_lines(out, w, &style);
	fclose(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct watch_sample s;
	CLEAN(watch_free) struct watch w = {0};
	char path[FUZZ_PATH];
	struct err e = {0};
	CLEAN(close_fd) int fd = fuzz_file(data, size, path);
	CLEAN(replay_close) struct replay *r = NULL;
	if (fd < 0 || replay_open(&r, path, &e) < 0)
		return 0;
	int rc;
	while ((rc = replay_next(r, &s, &e)) > 0)
		look_check(&w, &s);
	if (rc < 0 && !e.text[0])
		abort();
	return 0;
}
