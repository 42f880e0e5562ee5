/* listener_file: internal to src/host/: the listeners of a capture, with their owners, as text. */
#ifndef EPOLLTUNE_HOST_LISTENER_FILE_H
#define EPOLLTUNE_HOST_LISTENER_FILE_H

#include "epolltune/listener.h"

#define LISTENER_FILE "listeners"

/* A line each of its processes and listeners, with tabs between the fields. NULL: no memory. */
char *listener_file_text(const struct listeners *l);
/* Parses one. Skips lines that are damaged. */
int listener_file_parse(const char *text, bool all, struct listeners *out, struct err *e);
/* The listeners of a captured machine; `all`: those of UNIX too. -EOPNOTSUPP: it has none. */
int listener_file_read(const struct host *h, bool all, struct listeners *out, struct err *e);

#endif
