/* hash: a number for a text, by which texts are compared at little cost. */
#pragma once

#include <stdint.h>

/* FNV-1a. Pure. */
static inline uint64_t text_hash(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325;
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return hash;
}
