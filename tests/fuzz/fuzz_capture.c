/* Feeds bytes to what reads an archive, a listing of sysctls, and the listeners and the server of a
 * capture. `make fuzz` builds it with libFuzzer. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "epolltune/cleanup.h"
#include "host/capture.h"
#include "host/listener_file.h"
#include "host/subject_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count(const char *path, void *arg)
{
	++*(size_t *)arg;
	return !*path;
}

static void archive_read_bytes(const uint8_t *data, size_t size)
{
	CLEAN(capture_free) struct capture *c = NULL;
	CLEAN(close_fd) int fd = memfd_create("fuzz", MFD_CLOEXEC);
	char path[32];
	size_t files = 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || capture_read(&c, path, -1, NULL))
		return;
	capture_walk(c, "proc/sys", 8, count, &files);
	/* A file may be below another one in what is damaged: it is then not found. */
	for (size_t i = 0; i < c->count; i++) {
		const struct capture_file *f = capture_find(c, c->at[i].path);
		if (f && f->size && f->data[f->size])
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(listeners_free) struct listeners l = {0};
	CLEAN(subject_free) struct subject server = {0};
	CLEAN(free_pointer) char *text = malloc(size + 1);
	archive_read_bytes(data, size);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	if (listener_file_parse(text, ~0u, &l, NULL))
		return 0;
	for (size_t i = 0; i < l.count; i++)
		if (l.at[i].owner >= (int)l.process_count)
			abort();
	if (subject_file_parse(text, &server) && server.pid < 0)
		abort();
	return 0;
}
