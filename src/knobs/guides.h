/* guides: what an application has to do itself, with the code that does it. */
#ifndef EPOLLTUNE_GUIDES_H
#define EPOLLTUNE_GUIDES_H

#include <stddef.h>

struct guide {
	const char *name;
	const char *what;   /* what it gains, for whom, at what price */
	const char *code;   /* C that compiles; lines of at most 76 columns, no tabs */
	const char *source; /* kernel file or documentation, man page */
	const char *since;  /* first kernel that has it, "" for all that we support */
};

size_t guide_count(void);
const struct guide *guide_at(size_t i);

#endif
