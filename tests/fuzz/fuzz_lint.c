/* Feeds bytes to what judges files; `make fuzz` builds it with libFuzzer. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "epolltune/cleanup.h"
#include "lint/lint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"sysctl.d/a.conf", "limits.d/a.conf", "a.service",
					    "nginx.conf",      "haproxy.cfg",     "a"};
	char path[64];
	CLEAN(lint_close) struct lint l = {.kernel = UINT_MAX};
	CLEAN(close_fd) int fd = memfd_create("lint", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	if (lint_file(&l, path, names[size % 6], NULL) < 0)
		abort();
	for (size_t i = 0; i < l.count; i++)
		if (!l.problems[i].text[0] || l.problems[i].rule >= LINT_RULES ||
		    l.problems[i].line > size + 1)
			abort();
	return 0;
}
