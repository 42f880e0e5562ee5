/* The version of a server, by a text in the file of its program. */
#include "epolltune/subject.h"

#include <fcntl.h>
#include <unistd.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "host/processes.h"
#include "host/program_text.h"

/* Of what follows the text. */
#define FOLLOWS 48

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
	return file >= 0 && program_text_find(file, row->version, follows, sizeof(follows))
		       ? server_version_parse(follows)
		       : 0;
}
