/* operator: who asks, for the journal and the comments in files. */
#ifndef EPOLLTUNE_TUNE_OPERATOR_H
#define EPOLLTUNE_TUNE_OPERATOR_H

#include <stddef.h>

/* "root", "alice (sudo)", "uid 1000": printable ASCII. */
void operator_name(char name[64]);
/* The words joined by blanks, those with blanks in quotes: printable ASCII, cut where too long. */
void operator_command(char *line, size_t size, int argc, char **argv);

#endif
