/* operator: who asks, for the journal and the comments in files. */
#ifndef EPOLLTUNE_TUNE_OPERATOR_H
#define EPOLLTUNE_TUNE_OPERATOR_H

#include <stdbool.h>
#include <stddef.h>

/* "root", "alice (sudo)", "uid 1000": printable ASCII. */
void operator_name(char name[64]);
/* The words joined by blanks, quoted for a shell where needed: printable ASCII. One that does not
 * fit ends in OPERATOR_CUT, which no shell takes for a command's end; false then. */
bool operator_command(char *line, size_t size, int argc, char **argv);
#define OPERATOR_CUT " ... (cut)"
/* " --state-dir DIR", quoted, where it is not the usual one, else "". */
void operator_state_option(char *option, size_t size, const char *state_dir);

#endif
