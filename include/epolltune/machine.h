/* machine: the facts about the machine that experiments and rules use (struct machine of
 * catalogue.h). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/catalogue.h"
#include "epolltune/host.h"
#include "epolltune/subject.h"

/* Fills `m`. Fields that cannot be read are 0, or what struct machine documents. The control group
 * in question is that of the subject; NULL: this process'. */
void machine_read(const struct host *h, const struct subject *subject, struct machine *m);
/* The part of a headroom of the machine that an experiment may use. */
static inline uint64_t machine_share(uint64_t headroom) { return headroom / 10; }
/* The descriptors left under fs.file-max; UINT64_MAX: it is unknown. */
static inline uint64_t machine_files_left(const struct machine *m)
{
	if (!m->files_max)
		return UINT64_MAX;
	return m->files_max > m->files_open ? m->files_max - m->files_open : 0;
}
