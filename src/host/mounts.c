#include "host/mounts.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

/* Takes a field, which has blanks and backslashes as "\040" and "\134". */
static void take(const char **line, char *out, size_t size)
{
	const char *at = *line, *end = at + strcspn(at, " \n");
	size_t n = 0;
	while (at < end && n < size - 1) {
		bool escape = at[0] == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] >= '0' &&
			      at[2] <= '7' && at[3] >= '0' && at[3] <= '7';
		if (escape)
			out[n++] = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
		else
			out[n++] = *at;
		at += escape ? 4 : 1;
	}
	out[n] = 0;
	*line = end + (*end == ' ');
}

/* "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [OPTIONAL…] - TYPE SOURCE OPTIONS" */
static bool mount_parse(const char *line, struct mount *out)
{
	unsigned major, minor;
	int used = 0;
	char word[8];
	if (sscanf(line, "%u %*u %u:%u %n", &out->id, &major, &minor, &used) != 3 || !used)
		return false;
	out->device = makedev(major, minor);
	line += used;
	take(&line, out->root, sizeof(out->root));
	take(&line, out->point, sizeof(out->point));
	do
		take(&line, word, sizeof(word));
	while (strcmp(word, "-") != 0 && *line && *line != '\n');
	take(&line, out->type, sizeof(out->type));
	take(&line, word, sizeof(word));
	take(&line, out->options, sizeof(out->options));
	return true;
}

bool mounts_next(const char **at, struct mount *out)
{
	bool found = false;
	while (**at && !found) {
		found = mount_parse(*at, out);
		*at += strcspn(*at, "\n");
		*at += **at == '\n';
	}
	return found;
}
