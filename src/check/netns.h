/* netns: moves this process into another network namespace, and keeps what the one that it leaves
 * shows of the machine. */
#pragma once

#include "epolltune/probe_options.h"
#include "epolltune/report.h"
#include "epolltune/subject.h"

/* The command that enters a network namespace, named as for host_enter_netns(). */
void netns_command(const char *where, char enter[REPORT_ENTER]);
/* As host_enter_netns(). `enter`: as netns_command(). */
int netns_enter(const char *where, char enter[REPORT_ENTER], struct err *e);
/* Over `h`, which was opened in the namespace that was entered, lays the values of sysctls that are
 * one for the machine where that namespace does not show them, as they are now; connection tracking
 * of the one that was left goes to *outside. Nothing where none was left. */
int netns_left_lay(struct host *h, struct conntrack *outside, struct err *e);
/* Whether packets to the one that was entered, of which `h` is, cross the one that was left: the
 * machine's first one where an interface here is virtual, or one with the other end of a veth pair.
 * OUTSIDE_UNSEEN also where this process may not return there. */
struct outside netns_left_look(const struct host *h);
/* Moves this process back there, and opens the host. */
int netns_left_return(struct host **h, struct err *e);
