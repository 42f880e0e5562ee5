/* subject_file: internal to src/host/: what a capture says of the server whose limits and control
 * group it has, as text. */
#pragma once

#include "epolltune/subject.h"

#define SUBJECT_FILE "server"

/* Parses one, which it changes: fills `out` but for the limits; of its listeners it has what the
 * list of all lacks, by their cookies. False: it is damaged. The caller frees `out`, also then.
 * Pure. */
bool subject_file_parse(char *text, struct subject *out);
