/* interrupt: notes the signals that end a command, which asks interrupt_came() between two steps.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>

/* Whether the caller ignores a signal, as nohup does, and a shell without job control of a command
 * in the background. sigwait() and signalfd() would take it anyway: a signal that is blocked
 * is not dropped as ignored. */
bool interrupt_ignored(int signal);

enum {
	INTERRUPT_HANGUP = 1, /* SIGHUP, besides SIGINT and SIGTERM */
	/* One more than a second after the first has its default action. timeout(1) signals its
	 * child and then its group. */
	INTERRUPT_ONCE = 2,
};
/* Notes them from here on, but those that the caller ignores. */
void interrupt_hold(unsigned flags);
/* Notes the first at `at`, which children share. NULL: no longer. */
void interrupt_share(volatile sig_atomic_t *at);
/* The first signal that arrived; 0 if none. */
int interrupt_came(void);
/* Its name: "SIGINT". */
const char *interrupt_name(int signal);
/* Restores the default actions. */
void interrupt_release(void);
/* Ends this process by the signal that arrived. */
void interrupt_obey(void);
