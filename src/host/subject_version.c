/* The version of a server, by a text in the file of its program. */
#include "epolltune/subject.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "host/processes.h"

/* A program with all its libraries in it may have so many bytes. */
#define PROGRAM_MAX ((size_t)64 << 20)
#define PART 65536
/* Of what follows the text. */
#define FOLLOWS 48

/* What follows a text in a file. False: it is not there. */
static bool text_find(int file, const char *text, char out[FOLLOWS])
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
		if (at && at + length + FOLLOWS <= part + have) {
			snprintf(out, FOLLOWS, "%s", at + length);
			return true;
		}
		/* It may go on in the next part. */
		kept = have < length + FOLLOWS ? have : length + FOLLOWS;
		memmove(part, part + have - kept, kept);
	}
	return false;
}

uint32_t subject_version(const struct host *h, const struct subject *s)
{
	const struct server_row *row = subject_row(s);
	char follows[FOLLOWS];
	if (!row || !row->version)
		return 0;
	CLEAN(close_fd)
	int process = process_open(h, s->acceptor_count ? s->acceptors[0].pid : s->pid, NULL);
	CLEAN(close_fd)
	int file = process < 0 ? -1 : openat(process, "exe", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return file >= 0 && text_find(file, row->version, follows) ? server_version_parse(follows)
								   : 0;
}
