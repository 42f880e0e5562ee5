/* listener_file: internal to src/host/: the listeners of a capture, with their owners, as text. */
#pragma once

#include <stdio.h>

#include "epolltune/listener.h"

#define LISTENER_FILE "listeners"

/* A line "process", and what is behind that word and a tab. False: it is damaged. */
#define PROCESS_LINE "process\t"
void process_line_print(FILE *out, const struct process *p);
bool process_line_parse(char *rest, struct process *out);
/* A line each of its processes and listeners, with tabs between the fields. NULL: no memory. */
char *listener_file_text(const struct listeners *l);
/* Parses one, the kinds that have their bit in `kinds`. Skips lines that are damaged. */
int listener_file_parse(const char *text, unsigned kinds, struct listeners *out, struct err *e);
/* The listeners of a captured machine. -EOPNOTSUPP: it has none. */
int listener_file_read(const struct host *h, unsigned kinds, struct listeners *out, struct err *e);
