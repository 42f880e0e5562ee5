/* log: the symptoms that a log contains, in one pass. */
#pragma once

#include <jansson.h>

#include "epolltune/err.h"
#include "epolltune/host.h"

/* Reads a file, or standard input for "-", and counts the lines that each symptom has. Returns the
 * topics as explain describes them, most lines first, with "lines", "first_line", "first",
 * "last_line" and "last", and sets *log to the counts of lines. NULL with e set. */
json_t *explain_log(const char *name, const struct host *h, json_t **log, struct err *e);
