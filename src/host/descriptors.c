/* What a process has open, by /proc/PID/fd. */
#include "host/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "host/processes.h"

/* The kernel makes an inode for each entry that it lists, a buffer full at a time: of a table with
 * more than MANY the first ones are asked for by number. */
#define MANY 128
#define BY_NUMBER 1024

static const char socket_link[] = "socket:[";

int descriptors_open(struct descriptors *d, int process)
{
	struct stat st = {0};
	*d = (struct descriptors){.directory = process_directory(process, "fd")};
	int why = d->directory < 0 ? errno : 0;
	/* Since 6.2 the size is the number of descriptors. */
	if (why || fstat(d->directory, &st) < 0 || !st.st_size) {
		CLEAN(close_fd) int living = process_living(process);
		if (living >= 0) {
			close_fd(&d->directory);
			d->directory = process_directory(living, "fd");
			why = d->directory < 0 ? errno : 0;
		}
	}
	if (st.st_size > MANY)
		d->below = BY_NUMBER;
	return -why;
}

static bool look(const struct descriptors *d, struct descriptor *out)
{
	ssize_t n = readlinkat(d->directory, out->fd, out->link, sizeof(out->link) - 1);
	out->link[n > 0 ? n : 0] = 0;
	out->socket = 0;
	if (!strncmp(out->link, socket_link, sizeof(socket_link) - 1))
		out->socket = strtoull(out->link + sizeof(socket_link) - 1, NULL, 10);
	return n > 0 || errno != ENOENT;
}

bool descriptors_at(const struct descriptors *d, unsigned number, struct descriptor *out)
{
	snprintf(out->fd, sizeof(out->fd), "%u", number);
	return look(d, out);
}

static bool listing_next(struct descriptors *d, struct descriptor *out)
{
	const struct dirent *entry;
	int copy;
	if (!d->listing && (copy = dup(d->directory)) >= 0 && !(d->listing = fdopendir(copy)))
		close(copy);
	while (d->listing && (entry = readdir(d->listing))) {
		if (entry->d_name[0] == '.' || strtoul(entry->d_name, NULL, 10) < d->below)
			continue;
		snprintf(out->fd, sizeof(out->fd), "%.11s", entry->d_name);
		if (look(d, out))
			return true;
	}
	return false;
}

bool descriptors_next(struct descriptors *d, struct descriptor *out)
{
	while (d->next < d->below) {
		snprintf(out->fd, sizeof(out->fd), "%u", d->next++);
		if (look(d, out))
			return true;
	}
	return listing_next(d, out);
}

void descriptors_close(struct descriptors *d)
{
	if (d->listing)
		closedir(d->listing);
	close_fd(&d->directory);
}

/* Lines "tfd: 7 … ino:3f sdev:8" (proc_pid_fdinfo(5)). */
void watched_walk(int process, const char *fd, void (*seen)(uint64_t inode, void *arg), void *arg)
{
	char path[300];
	snprintf(path, sizeof(path), "fdinfo/%s", fd);
	int info = openat(process, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	CLEAN(close_file) FILE *file = info < 0 ? NULL : fdopen(info, "r");
	if (!file) {
		close_fd(&info);
		return;
	}
	CLEAN(free_pointer) char *line = NULL;
	size_t size = 0;
	while (getline(&line, &size, file) > 0) {
		const char *inode = strncmp(line, "tfd:", 4) == 0 ? strstr(line, " ino:") : NULL;
		if (inode)
			seen(strtoull(inode + 5, NULL, 16), arg);
	}
}
