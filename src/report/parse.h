/* parse: read a report back from JSON. */
#pragma once

#include <jansson.h>

#include "epolltune/err.h"
#include "epolltune/report.h"

/* Load a JSON object with a "schema" from a file ("-": standard input), at most 16 MiB. */
int document_load(const char *path, json_t **root, struct err *e);

/* Read a report of schema epolltune.report/1. Unknown members are ignored. Returns -EBADMSG for a
 * known member that render_json() would not write, -EPROTO for another schema. `path` is for
 * errors. */
int report_parse_document(const char *path, const json_t *root, struct report *out, struct err *e);
/* Load and read. */
int report_parse(const char *path, struct report *out, struct err *e);
