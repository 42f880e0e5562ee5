/* nofile: how to write RLIMIT_NOFILE down where a server is started. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/wording.h"

/* Adds {files}, the limit to give; {keep}, ":HARD", and {soft_flag}, "S", where the hard limit
 * suffices: LimitNOFILE= and ulimit -n with one number would lower it; {ceiling}: fs.nr_open, where
 * that has to be raised first. `hard`: the present one, HOST_UNLIMITED for none; `nr_open`:
 * negative: unknown. {openrc}: services are OpenRC's. Pure. */
void nofile_words(struct wording *w, uint64_t files, uint64_t hard, int64_t nr_open, bool openrc);
