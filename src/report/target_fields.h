/* target_fields: the numbers of a target, as a document has them and a comparison names them. */
#pragma once

#include <stdbool.h>

#include "epolltune/quantity.h"
#include "epolltune/target.h"

struct target_field {
	const char *key, *label;
	enum quantity_kind kind;
	size_t offset;
	bool newer; /* older versions do not write it: a document without it has the default */
};

/* In the order of a document; ends with a NULL key. */
extern const struct target_field target_fields[];

static inline uint64_t target_number(const struct target *t, const struct target_field *f)
{
	return *(const uint64_t *)((const char *)t + f->offset);
}
