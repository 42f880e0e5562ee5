/* interrupt: defers SIGINT, SIGTERM and SIGHUP while a change is in progress, which polls
 * interrupt_came() between two steps. */
#pragma once

/* Defers the three signals; makes RLIMIT_FSIZE an error of write(2). */
void interrupt_hold(void);
/* The same, but a second signal has its default action. */
void interrupt_hold_once(void);
/* The first signal that arrived; 0 if none. */
int interrupt_came(void);
/* Its name: "SIGINT". */
const char *interrupt_name(int signal);
/* Restores the default actions. */
void interrupt_release(void);
/* Ends this process by the signal that arrived. */
void interrupt_obey(void);
