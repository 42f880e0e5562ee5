/* Feeds bytes to the readers of replies and of requests of HTTP: the first byte selects which, and
 * how the rest is cut. What they take depends on the bytes, not on the cuts. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The number of replies; negative: not of the protocol. */
static long replies(enum protocol p, const char *text, size_t size, size_t step)
{
	struct reply r = {0};
	long count = 0;
	for (size_t at = 0; at < size;) {
		size_t n = size - at < step ? size - at : step;
		ssize_t used = reply_read(&r, p, text + at, n);
		if (used < 0)
			return -count - 1;
		if (used == 0 || (size_t)used > n || (!r.complete && (size_t)used < n))
			abort();
		at += (size_t)used;
		if (r.complete) {
			count++;
			r = (struct reply){0};
		}
	}
	return count;
}

static long requests(const char *text, size_t size, size_t step)
{
	struct http_request r = {0};
	long count = 0;
	for (size_t at = 0; at < size && !r.closes; at += step) {
		int n = http_requests_read(&r, text + at, size - at < step ? size - at : step);
		if (n < 0)
			return -count - 1;
		count += n;
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum protocol by[] = {PROTOCOL_HTTP, PROTOCOL_REDIS, PROTOCOL_MEMCACHED};
	if (size < 2)
		return 0;
	/* A copy, so that a sanitizer sees every access beyond its end. */
	char *text = malloc(size - 1);
	const char *option;
	size_t step = data[0] / 4u + 1;
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	protocol_recognise(text, size - 1, &option);
	if (data[0] % 4 == 3) {
		/* A request that closes ends the reading within a step. */
		long whole = requests(text, size - 1, size), cut = requests(text, size - 1, step);
		if (whole >= 0 && whole != cut)
			abort();
	} else if (replies(by[data[0] % 4], text, size - 1, size) !=
		   replies(by[data[0] % 4], text, size - 1, step)) {
		abort();
	}
	free(text);
	return 0;
}
