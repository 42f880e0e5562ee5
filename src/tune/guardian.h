/* guardian: a process of its own that takes a run back unless it is confirmed in time. It outlives
 * the terminal, the session and the program that started it; it does nothing when it is ended. */
#ifndef EPOLLTUNE_TUNE_GUARDIAN_H
#define EPOLLTUNE_TUNE_GUARDIAN_H

#include <stdint.h>

#include "epolltune/change.h"
#include "epolltune/err.h"

/* How long after the deadline it may still be at work. */
#define GUARDIAN_LATE_MS 5000

struct guardian {
	int channel; /* -1: none */
};

/* Starts one for a run, before its first change is written. The deadline is `confirm_s` after
 * guardian_arm(), or after the end of the calling process if that comes first. */
int guardian_start(struct guardian *g, const char *state_dir, const struct change_site *site,
		   unsigned run, uint64_t confirm_s, struct err *e);
/* The count-down starts; deadline in milliseconds of CLOCK_BOOTTIME. */
int guardian_arm(struct guardian *g, uint64_t deadline_ms, struct err *e);
/* The calling process' end is closed; a guardian that is not armed watches from now on. */
void guardian_leave(struct guardian *g);

/* CLOCK_BOOTTIME in milliseconds: it goes on while the machine sleeps. */
uint64_t guardian_clock_ms(void);

#endif
