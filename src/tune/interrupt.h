/* interrupt: SIGINT, SIGTERM and SIGHUP as a question that a change in progress asks between two
 * steps, so that no signal ends it half done. */
#ifndef EPOLLTUNE_TUNE_INTERRUPT_H
#define EPOLLTUNE_TUNE_INTERRUPT_H

/* From here on the three signals are only noted, and a limit on file sizes is an error like others.
 */
void interrupt_hold(void);
/* The signal that came first; 0 if none. */
int interrupt_came(void);
/* Its name: "SIGINT". */
const char *interrupt_name(int signal);
/* A signal from here on ends the program again, also one that came and was answered. */
void interrupt_release(void);

#endif
