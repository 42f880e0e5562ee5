/* What a capture says of the server whose limits it has, as text. */
#include "host/subject_file.h"

#include <stdio.h>
#include <string.h>

#include "epolltune/capture.h"
#include "host/machine.h"

/* The numbers, each behind its name. */
#define NUMBERS(number)                                                                            \
	"pid " number "\naccepting " number "\nheld " number "\nupstream " number                  \
	"\nunshown " number "\nforks " number "\nactivated " number "\nmanager " number "\n"
#define COUNT 8

int subject_capture(const struct subject *s, struct capture *c, struct err *e)
{
	char text[512], unit[TEXT_FIELD], name[TEXT_FIELD];
	int n = snprintf(text, sizeof(text), NUMBERS("%u") "unit %s\nname %s\n", (unsigned)s->pid,
			 (unsigned)s->accepting, (unsigned)s->held, (unsigned)s->upstream,
			 subject_uncertain(s) > 0, s->forks, s->activated, (unsigned)s->manager,
			 text_field(s->unit, unit), text_field(s->name, name));
	const struct capture_file f = {.data = text, .size = (size_t)n};
	return capture_put(c, SUBJECT_FILE, &f, e);
}

bool subject_file_parse(char *text, struct subject *out)
{
	unsigned v[COUNT];
	int end = 0;
	if (sscanf(text, NUMBERS("%9u") "unit%n", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6],
		   &v[7], &end) != COUNT ||
	    !end || text[end] != ' ' || v[COUNT - 1] > UNIT_INSIDE)
		return false;
	/* %u takes a sign, too. */
	for (size_t i = 0; i < COUNT; i++)
		if (v[i] > INT32_MAX)
			return false;
	char *rest = text + end + 1, *unit = strsep(&rest, "\n");
	if (!rest || strncmp(rest, "name ", strlen("name ")) != 0)
		return false;
	*out = (struct subject){.pid = (pid_t)v[0],
				.accepting = v[1],
				.held = v[2],
				.upstream = v[3],
				.unshown = v[4],
				.forks = v[5],
				.activated = v[6],
				.manager = (enum unit_manager)v[7]};
	snprintf(out->unit, sizeof(out->unit), "%s", unit);
	snprintf(out->name, sizeof(out->name), "%s", rest + strlen("name "));
	return true;
}

bool subject_captured(const struct host *h, struct subject *out)
{
	char text[512];
	struct host_nofile limit = {0};
	if (host_live(h) || host_read(h, SUBJECT_FILE, text, sizeof(text), NULL) < 0 ||
	    !subject_file_parse(text, out))
		return false;
	if (!host_nofile(h, &limit, NULL)) {
		out->soft = limit.soft;
		out->hard = limit.hard;
	}
	return true;
}
