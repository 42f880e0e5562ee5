/* array: an array that grows by one element at a time. */
#pragma once

#include <stdlib.h>
#include <string.h>

/* Adds a zeroed element of `size` bytes to the array of which `array` is the address; only this
 * function may grow it. Returns it; NULL without memory, and nothing has changed. */
static inline void *array_add(void *array, size_t *count, size_t size)
{
	char *at;
	memcpy(&at, array, sizeof(at));
	/* The array is full if the count is a power of two. */
	if (!(*count & (*count - 1))) {
		at = reallocarray(at, *count ? 2 * *count : 1, size);
		if (!at)
			return NULL;
		memcpy(array, &at, sizeof(at));
	}
	return memset(at + (*count)++ * size, 0, size);
}
