/* topic: what explain describes: walls, probes, knobs, findings, counters, symptoms, directives,
 * myths, rules of lint, guides. Each kind is a row of the table in topic.c, which `explain`, `list`
 * and completion use. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "epolltune/host.h"

/* How names of a kind are found in a longer text. */
enum topic_match {
	MATCH_NAME,    /* only as the whole text: names are everyday words */
	MATCH_TEXT,    /* anywhere in it */
	MATCH_SHORT,   /* anywhere, also without what is before the last dot: "somaxconn" */
	MATCH_COUNTER, /* the same, also as "TcpExtListenOverflows" */
	MATCH_LOG,     /* anywhere, and in the lines of a log */
};

struct topic_kind {
	const char *name;   /* "knob" */
	const char *plural; /* "knobs": the operand of `list`, and the key in its JSON */
	size_t (*count)(void);
	const char *(*name_at)(size_t i);
	/* Describes topic i as a JSON object of texts, numbers and lists of names, which the
	 * caller owns. Knobs have "value", the running value of `h` or null. NULL if out of
	 * memory. */
	json_t *(*describe)(size_t i, const struct host *h);
	enum topic_match match;
	const char *(*match_at)(size_t i); /* further patterns, a line each; NULL: none */
	bool listed;                       /* by `list` without an operand */
};

extern const struct topic_kind topic_kinds[];
extern const size_t topic_kind_count;

/* Finds the kind and index of a name; slashes may replace dots in the name of a knob. Prefers the
 * wall if a wall and a probe share a name. NULL if unknown. */
const struct topic_kind *topic_find(const char *name, size_t *i);
/* The probe of a wall; NULL if unknown. */
const char *wall_probe(const char *wall);
