#include "host/program_text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "epolltune/list.h"

/* A program with all its libraries in it may have so many bytes. */
#define PROGRAM_MAX ((size_t)64 << 20)
#define PART 65536
bool program_text_find(int file, const char *text, char *out, size_t size)
{
	char part[PART + 1];
	size_t length = strlen(text), kept = 0;
	for (size_t all = 0; all < PROGRAM_MAX;) {
		ssize_t n = read(file, part + kept, PART - kept);
		if (n <= 0)
			return false;
		all += (size_t)n;
		size_t have = kept + (size_t)n;
		const char *at = memmem(part, have, text, length);
		part[have] = 0;
		if (at && at + length + size <= part + have) {
			snprintf(out, size, "%s", at + length);
			return true;
		}
		/* It may go on in the next part. */
		kept = have < length + size ? have : length + size;
		memmove(part, part + have - kept, kept);
	}
	return false;
}

/* Whether a list of paths has this one, which an update may have replaced: "/usr/sbin/nginx
 * (deleted)". */
static bool is_listed(const char *list, const char *path)
{
	struct list_item item;
	while (list_next(&list, &item)) {
		size_t length = (size_t)item.length;
		if (!strncmp(path, item.text, length) && (!path[length] || path[length] == ' '))
			return true;
	}
	return false;
}

bool program_usual_file(int program, const char *path, const struct server_file *file,
			char out[PROGRAM_FILE])
{
	if (!file->usual)
		return false;
	if (program < 0 || !file->built) {
		snprintf(out, PROGRAM_FILE, "%s", file->usual);
		return path && is_listed(file->program, path);
	}
	if (!program_text_find(program, file->built, out, PROGRAM_FILE))
		return false;
	size_t length = strcspn(out, " '\"");
	bool whole = length + 1 < PROGRAM_FILE;
	out[length] = 0;
	return whole && *out == '/';
}
