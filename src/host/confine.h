/* confine: what this process gives up before it reads files that others wrote: captures, saved
 * reports, logs, files to judge. A fault in a parser then reaches neither the network nor the host.
 */
#pragma once

#include "epolltune/err.h"

enum { CONFINE_SECCOMP = 1, CONFINE_LANDLOCK = 2 };

/* From now on this process and its children get EPERM for sockets, programs, namespaces, opening
 * for writing and changing files, and have no capability but CAP_DAC_READ_SEARCH, so that root
 * reads what it read before. They read files, write to open descriptors, to memory and to pipes.
 *
 * `root`: a captured machine; NULL: none. One that is a directory is read with openat2(2), whose
 * flags a filter cannot see: it stays allowed for that, and Landlock (Linux 5.13) refuses to write
 * with it (EACCES). Returns what confines it, of CONFINE_SECCOMP and CONFINE_LANDLOCK; 0 for this
 * machine's own root, which is also read through netlink. -errno: the kernel has no seccomp filters
 * or refuses this one; only the capabilities, and Landlock where there is one, confine it
 * then. Call it in a process of one thread. */
int confine_to_reading(const char *root, struct err *e);
