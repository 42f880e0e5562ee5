/* hint: the command to run after a report was read. */
#pragma once

#include "epolltune/report.h"

#define HINT_COMMAND 1792
#define HINT_ARGUMENTS (REPORT_SAVED + 1088)
/* Writes the options that ask the question of the report again, " --idle 350s", for check and
 * apply; "" if they do not fit. Returns `arguments`. */
char *hint_arguments(const struct report *r, char arguments[HINT_ARGUMENTS]);
/* Writes the command, or "": what changes that with which the status goes, or else explains it.
 * Returns its purpose. `verbose`: the report shows all its findings. */
const char *hint_next(const struct report *r, bool verbose, char command[HINT_COMMAND]);
/* Writes the command that checks the same again and prints all reasons, or "". Returns `command`.
 */
char *hint_check(const struct report *r, char command[HINT_COMMAND]);
