/* record: the file of a watch, a line each look, of bounded size. */
#pragma once

#include "epolltune/err.h"
#include "epolltune/watch.h"

/* A recording: PATH, and once that has half of the size, what it had before in PATH.1. */
struct recording;

/* Continues a recording, or begins one. -EEXIST: the file is something else; -EBUSY: another
 * process records there. The caller closes it, also after an error. */
int recording_open(struct recording **out, const char *path, uint64_t size, struct err *e);
/* Adds a look. After an error the next one may succeed: it begins a run then. So it does in a new
 * file, where the file was moved or removed. */
int recording_add(struct recording *r, const struct watch *w, struct err *e);
void recording_close(struct recording **r);

struct replay;
/* Reads PATH.1, if there is one, and PATH. */
int replay_open(struct replay **out, const char *path, struct err *e);
/* 1: the next look; 0: there is no further one. A last line without end is still being written, or
 * was when the machine stopped: it is no look. -EBADMSG names file and line of what is none. */
int replay_next(struct replay *r, struct watch_sample *out, struct err *e);
void replay_close(struct replay **r);
