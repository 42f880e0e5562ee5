/* parse: a report read back from its JSON. */
#ifndef EPOLLTUNE_PARSE_H
#define EPOLLTUNE_PARSE_H

#include <jansson.h>

#include "epolltune/err.h"
#include "epolltune/report.h"

/* Loads a JSON object with a "schema" from a file ("-": standard input), at most 16 MiB. */
int document_load(const char *path, json_t **root, struct err *e);

/* Reads a report of schema epolltune.report/1. Members that this version does not know are ignored;
 * what it knows has to be as render_json() writes it: -EBADMSG naming the member, -EPROTO for
 * another schema. `path` is for errors. */
int report_parse_document(const char *path, const json_t *root, struct report *out, struct err *e);
/* Both. */
int report_parse(const char *path, struct report *out, struct err *e);

#endif
