/* Files that were there and whose data is not in a capture. */
#include <errno.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "host/capture.h"

static const struct {
	int error;
	const char *word; /* in CAPTURE_LEFT_OUT */
	const char *reason;
} reasons[] = {
	{EFBIG, "too-large", "left out: too large"},
	{EBADMSG, "damaged", "left out: not a text"},
	{EIO, "unreadable", "left out: unreadable"},
};
#define REASONS (sizeof(reasons) / sizeof(*reasons))

/* Before the path of a file that a capture has: without it the capture is damaged. */
#define KEPT "kept"
#define LOST EIO

const char *capture_left_out_reason(int error)
{
	for (size_t i = 0; i < REASONS; i++)
		if (reasons[i].error == error)
			return reasons[i].reason;
	return "";
}

/* "too-large proc/net/tcp"; false: no such line. */
static bool line_parse(const char *line, size_t length, int *error, const char **path)
{
	for (size_t i = 0; i <= REASONS; i++) {
		const char *word = i < REASONS ? reasons[i].word : KEPT;
		size_t n = strlen(word);
		if (length <= n + 1 || strncmp(line, word, n) != 0 || line[n] != ' ')
			continue;
		*error = i < REASONS ? reasons[i].error : LOST;
		*path = line + n + 1;
		return true;
	}
	return false;
}

int capture_left_out_error(const char *list, const char *path)
{
	size_t length = strlen(path);
	for (const char *line = list; *line;) {
		size_t n = strcspn(line, "\n");
		const char *of;
		int error;
		if (line_parse(line, n, &error, &of) && (size_t)(line + n - of) == length &&
		    !memcmp(of, path, length))
			return error;
		line += n + (line[n] == '\n');
	}
	return ENOENT;
}

int capture_list_left_out(struct capture *c, struct err *e)
{
	CLEAN(free_pointer) char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	for (size_t i = 0; out && i < c->count; i++) {
		const char *word = c->at[i].kind == CAPTURE_FILE && !c->at[i].error ? KEPT : "";
		for (size_t k = 0; k < REASONS; k++)
			if (c->at[i].error == reasons[k].error)
				word = reasons[k].word;
		if (word[0])
			fprintf(out, "%s %s\n", word, c->at[i].path);
	}
	if (!out || fclose(out))
		return err_set(e, ENOMEM, "capture: out of memory");
	const struct capture_file f = {.data = text, .size = size};
	return size ? capture_put(c, CAPTURE_LEFT_OUT, &f, e) : 0;
}

int capture_take_left_out(struct capture *c, struct err *e)
{
	const struct capture_file *list = capture_find(c, CAPTURE_LEFT_OUT);
	bool there = list && list->kind == CAPTURE_FILE && !list->error;
	CLEAN(free_pointer) char *text = there ? strdup(list->data) : NULL;
	struct capture_file f = {.kind = CAPTURE_FILE};
	if (there && !text)
		return err_set(e, ENOMEM, "capture: out of memory");
	for (char *line, *rest = text; rest && (line = strsep(&rest, "\n"));) {
		const char *path;
		if (!line_parse(line, strlen(line), &f.error, &path) || capture_find(c, path))
			continue;
		int rc = capture_put(c, path, &f, e);
		if (rc && rc != -EINVAL)
			return rc;
	}
	return 0;
}
