/* confine: what this process gives up before it reads files that others wrote: captures, saved
 * reports, logs, files to judge. A fault in a parser then reaches neither the network nor the host.
 */
#pragma once

/* From now on this process and its children get EPERM for sockets, programs, namespaces, opening
 * for writing and changing files, and have no capability but CAP_DAC_READ_SEARCH, so that root
 * reads what it read before. They read files, write to open descriptors, to memory and to pipes.
 *
 * `root`: a captured machine; NULL: none. One that is a directory is read with openat2(2), whose
 * flags a filter cannot see: it stays allowed for that. Does nothing for this machine's own root,
 * which is also read through netlink, and where the kernel has no seccomp filters. Call it in a
 * process of one thread. */
void confine_to_reading(const char *root);
