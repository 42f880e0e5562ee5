/* json_fields: the members of a report's JSON that are one field each. Both the writer and the
 * reader go by these tables. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum field_kind {
	FIELD_STRING,   /* char[] */
	FIELD_NULLABLE, /* likewise; "" is null */
	FIELD_FLAG,     /* bool */
	FIELD_WORD,     /* an enum */
	FIELD_QUANTITY, /* int64_t; REPORT_NONE is null */
	FIELD_COUNT,    /* uint32_t, uint64_t or size_t */
	FIELD_FACT,     /* likewise; 0 is unknown: null */
	FIELD_PID,      /* int64_t; likewise */
	FIELD_PERCENT,  /* uint64_t; the member is a hundredth of it */
	/* No field: null until the writer sets it. The reader has a function for it, if it needs
	 * it. */
	FIELD_OTHER,
};

struct json_field {
	const char *key;
	enum field_kind kind;
	size_t offset, size;
	const char *(*word)(int value); /* of FIELD_WORD; that of 0 may be NULL, for null */
	/* The last of its words, of which the first is that of 0; the largest count or pid, where
	 * the field has room for more. */
	int last;
	/* Its bytes were chosen by a machine, a program or a user: each that is not UTF-8 is
	 * written as U+FFFD, of three bytes, so that what is read may not fit and is then cut. */
	bool foreign;
	bool newer; /* older versions do not write it, a count or a word: then it is that of 0 */
};

/* In the order of a document; each ends with a NULL key. */
extern const struct json_field json_host[], json_server[], json_observed[], json_share[],
	json_wall[], json_proposal[], json_acceptance[], json_finding[], json_probe[],
	json_listener[], json_options[];
