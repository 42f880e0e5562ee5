/* hint: the command to run after a report was read. */
#pragma once

#include "epolltune/report.h"

#define HINT_COMMAND 1792
/* Writes the command, or "". Returns its purpose. `verbose`: the report shows all its findings. */
const char *hint_next(const struct report *r, bool verbose, char command[HINT_COMMAND]);
/* Writes the command that checks the same again and prints all reasons, or "". Returns `command`.
 */
char *hint_check(const struct report *r, char command[HINT_COMMAND]);
