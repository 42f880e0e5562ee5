/* watches: the epoll watches that other processes of a server's user have, as
 * fs.epoll.max_user_watches is one number for all of them: also for those of other containers, as
 * far as these have no user namespace of their own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/host.h"
#include "epolltune/subject.h"

struct watches {
	uint64_t used; /* without those of processes that have few descriptors */
	bool hidden;   /* there may be more: they are not visible, or there was no time */
};
/* Of a captured machine, or without processes that are visible, they are hidden. */
void watches_read(const struct host *h, const struct subject *s, struct watches *out);
