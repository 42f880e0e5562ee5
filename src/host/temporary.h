/* temporary: files that are written under a temporary name and then renamed. A writer holds a lock
 * on its file until it has renamed it; one without a lock is what a killed writer left. */
#pragma once

#include <sys/types.h>

/* Creates the file for writing, in place of what a killed writer left there. Returns a descriptor
 * that holds the lock, or -1 with errno: EBUSY if the name is another writer's or no file's. */
int temporary_open(int directory, const char *name, mode_t mode);
/* Removes a file of that name that a killed writer left; 0 also if there is none. Else -1 with
 * errno: EWOULDBLOCK for a writer's, another where it may be, as on a file system without
 * locks. Follows no link. */
int temporary_remove(int directory, const char *name);
