/* setting: "KNOB=VALUE,…", the one grammar of every --set. */
#pragma once

#include <stdbool.h>

#include "epolltune/err.h"
#include "epolltune/knob.h"

struct setting {
	char name[64]; /* as given: with dots or slashes, of an interface with "@NAME" */
	char value[256];
	const struct knob *knob; /* NULL: unknown */
};

/* Takes the next setting of a list: 1, 0 at its end, or -EINVAL. A comma without a KNOB= after it
 * is part of the value, as in CPU masks. */
int setting_next(const char **list, struct setting *out, struct err *e);
/* Whether the rest of the list has the same knob again: only one value can be meant. */
bool setting_repeated(const struct setting *set, const char *rest);
/* Whether a comma-separated list of knobs has this one; a knob of interfaces means all of them or,
 * with "@NAME", one. */
bool setting_listed(const char *knobs, const char *name);
