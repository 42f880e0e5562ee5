/* parse: a report read back from its JSON. */
#ifndef EPOLLTUNE_PARSE_H
#define EPOLLTUNE_PARSE_H

#include "epolltune/err.h"
#include "epolltune/report.h"

/* Reads a report of schema epolltune.report/1 from a file ("-": standard input), at most 16 MiB.
 * Members that this version does not know are ignored; what it knows has to be as render_json()
 * writes it: -EBADMSG naming the member, -EPROTO for another schema. */
int report_parse(const char *path, struct report *out, struct err *e);

#endif
