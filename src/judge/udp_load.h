/* udp_load: whether a server's UDP sockets are judged by a load. */
#pragma once

#include "epolltune/report.h"
#include "epolltune/subject.h"

/* Adds a note where none is known: the target has no datagrams. `most`: what the socket is known to
 * get at most, a second; 0: not known. Pure. */
void udp_load_judge(const struct subject *, uint64_t most, struct report *);
