#include "base/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "epolltune/cleanup.h"

#define LINE_BYTES 512

char *line_trim(char *text)
{
	text += strspn(text, " \t");
	size_t n = strlen(text);
	while (n && strchr(" \t\r\n", text[n - 1]))
		text[--n] = 0;
	return text;
}

static int file_take(FILE *in, const char *path, int (*take)(char *, void *, struct err *),
		     void *arg, struct err *e)
{
	char line[LINE_BYTES];
	/* A NUL byte that is not the end of the string is of the file. */
	memset(line, ' ', sizeof(line));
	for (unsigned number = 1; fgets(line, sizeof(line), in); number++) {
		size_t length = strlen(line);
		if (memrchr(line, 0, sizeof(line)) != line + length)
			return err_set(e, EINVAL, "%s:%u: has a NUL byte", path, number);
		if (length == sizeof(line) - 1 && line[length - 1] != '\n')
			return err_set(e, EINVAL, "%s:%u: longer than %d bytes", path, number,
				       LINE_BYTES - 2);
		char *text = line_trim(line);
		int rc = !*text || *text == '#' ? 0 : take(text, arg, e);
		if (rc)
			return err_prefix(e, "%s:%u", path, number);
		memset(line, ' ', sizeof(line));
	}
	return ferror(in) ? err_errno(e, "%s", path) : 0;
}

int lines_read(const char *path, int (*take)(char *, void *, struct err *), void *arg,
	       struct err *e)
{
	struct stat st;
	CLEAN(close_fd) int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, EINVAL, "%s: not a file", path);
	CLEAN(close_file) FILE *in = fdopen(fd, "r");
	if (!in)
		return err_errno(e, "%s", path);
	fd = -1;
	return file_take(in, path, take, arg, e);
}
