/* myths: advice that goes round and is gone from the kernel, does nothing, or does harm. */
#ifndef EPOLLTUNE_MYTHS_H
#define EPOLLTUNE_MYTHS_H

#include <stddef.h>

struct myth {
	const char *name;   /* the sysctl's name, or a few words joined by hyphens */
	const char *claim;  /* what is said */
	const char *truth;  /* what is so */
	const char *source; /* kernel commit or file, man page, RFC */
	const char *since;  /* the kernel since which it is so; "" for always */
};

size_t myth_count(void);
const struct myth *myth_at(size_t i);

#endif
