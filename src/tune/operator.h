/* operator: the user and the command line, for the journal and comments in files. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* "root", "alice (sudo)", "uid 1000": printable ASCII. */
void operator_name(char name[64]);
/* Joins the words by blanks, quoted for a shell where needed: printable ASCII. A line that does not
 * fit ends in OPERATOR_CUT, which is a syntax error in a shell. False: it is cut, or has "?" for
 * characters that are not printable ASCII, so it is no command to paste. */
bool operator_command(char *line, size_t size, int argc, char **argv);
#define OPERATOR_CUT " ... (cut)"
/* " --state-dir DIR", quoted, where it is not the default, else "". */
void operator_state_option(char *option, size_t size, const char *state_dir);
