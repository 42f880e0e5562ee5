/* Feeds bytes to what reads a pasted text or a line of a log. `make fuzz` builds it with libFuzzer;
 * tests/unit/test_recognise runs it on damaged lines. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "topics/recognise.h"

#define FUZZ_HITS 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct recogniser *recognisers[2]; /* of any text, of a log */
	struct recogniser **r = &recognisers[size % 2];
	struct topic_hit hits[FUZZ_HITS];
	/* Exact sizes, so that a sanitizer sees every access beyond their end. */
	CLEAN(free_pointer) char *bytes = malloc(size + !size), *text = malloc(size + 1);
	if (!bytes || !text || (!*r && recogniser_open(r, size % 2, NULL) < 0))
		return 0;
	memcpy(bytes, data, size);
	text_clean(text, size + 1, bytes, size);
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			abort();
	size_t count = recognise(*r, text, hits, FUZZ_HITS);
	for (size_t i = 0; i < count; i++)
		if (hits[i].at >= hits[i].kind->count() || hits[i].weight > 2 * strlen(text) ||
		    (i && hits[i].weight > hits[i - 1].weight))
			abort();
	return 0;
}
