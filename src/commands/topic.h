/* topic: a thing that has a name and can be explained: a wall, a probe, a knob, a finding, a
 * counter, a symptom, a myth or a guide. Every kind is a row of the table in topic.c; `explain`,
 * `list` and completion follow it. */
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
	/* Everything known, as a JSON object: texts, numbers, and lists of names. Knobs get
	 * "value", the running one of `h`, or null. NULL when out of memory; the caller owns it. */
	json_t *(*describe)(size_t i, const struct host *h);
};

extern const struct topic_kind topic_kinds[];
extern const size_t topic_kind_count;

/* The kind and index of a name; slashes for dots are accepted in the name of a knob. NULL if
 * unknown. Where a wall and a probe share a name, the wall. */
const struct topic_kind *topic_find(const char *name, size_t *i);

#endif
