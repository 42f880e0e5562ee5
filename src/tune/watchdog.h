/* watchdog: a process that rolls a run back unless it is confirmed before the deadline
 * (commit-confirm). It survives the terminal, the session and the program that started it. */
#pragma once

#include <stdint.h>

#include "epolltune/err.h"
#include "tune/change.h"

/* How long it waits for another epolltune that locks the journal. */
#define WATCHDOG_PATIENCE_MS 30000

struct watchdog {
	int channel; /* -1: none */
};

/* Starts the watchdog of a run, before its first change is written. It rolls back at the deadline
 * of watchdog_arm(). Without that call: at the deadline in the journal if the run has one,
 * otherwise `confirm_s` after the calling process ends, or `limit_s` after the start if it does not
 * end: it hangs or is stopped. */
int watchdog_start(struct watchdog *handle, const char *state_dir, struct change_site *site,
		   unsigned run, uint64_t confirm_s, uint64_t limit_s, struct err *e);
/* Sets the deadline, in milliseconds of CLOCK_BOOTTIME. */
int watchdog_arm(struct watchdog *handle, uint64_t deadline_ms, struct err *e);
/* Closes the channel. */
void watchdog_leave(struct watchdog *handle);

/* CLOCK_BOOTTIME in milliseconds: includes the time of a suspend. */
uint64_t watchdog_clock_ms(void);
/* The seconds until a deadline, rounded up; 0: it has passed. */
unsigned long long watchdog_seconds_left(uint64_t deadline_ms);
