/* topic: a thing that has a name and can be explained: a knob, a wall, a finding, a probe, a
 * myth or a guide. Every kind is a row of the table in topic.c; `explain`, `list` and completion
 * follow it. */
#ifndef EPOLLTUNE_TOPIC_H
#define EPOLLTUNE_TOPIC_H

#include <jansson.h>
#include <stddef.h>

#include "epolltune/host.h"

struct topic_kind {
	const char *name;   /* "knob" */
	const char *plural; /* "knobs": the operand of `list`, and the key in its JSON */
	size_t (*count)(void);
	const char *(*name_at)(size_t i);
	/* All that there is to say, as a JSON object: texts, numbers, and lists of names. Knobs get
	 * "value", as it stands on `h`, or null. NULL when out of memory; the caller owns it. */
	json_t *(*describe)(size_t i, const struct host *h);
};

extern const struct topic_kind topic_kinds[];
extern const size_t topic_kind_count;

/* The kind and place of a name; a knob's with slashes for dots, too. NULL if unknown. Where a wall
 * and a probe share a name the wall is meant. */
const struct topic_kind *topic_find(const char *name, size_t *i);

#endif
