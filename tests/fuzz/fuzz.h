/* What the fuzzers share: bytes as a file, and as a text. `make fuzz` builds each with libFuzzer;
 * tests/unit/test_fuzz runs all on the kept corpora. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "epolltune/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_PATH 32

/* Ends the program at what must not be, with the reason. */
static inline _Noreturn void fuzz_fail(const char *why)
{
	fprintf(stderr, "fuzz: %s\n", why);
	abort();
}

/* A file in memory with these bytes; `path` opens it. Returns its descriptor, -1: none. */
static inline int fuzz_file(const uint8_t *data, size_t size, char path[FUZZ_PATH])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd >= 0 && write(fd, data, size) != (ssize_t)size)
		close_fd(&fd);
	snprintf(path, FUZZ_PATH, "/proc/self/fd/%d", fd);
	return fd;
}

/* The bytes with a NUL behind them, in memory that a sanitizer watches. The caller frees it. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = 0;
	return text;
}
