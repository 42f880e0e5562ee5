/* descriptors: internal to src/host/: what a process has open, by /proc/PID/fd. */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>

struct descriptor {
	char fd[12];     /* its number */
	char link[64];   /* what it is, cut: "socket:[123]"; "": not visible, errno says why */
	uint64_t socket; /* inode; 0: no socket */
};

/* A walk over them, low ones first where there are many. */
struct descriptors {
	int directory;
	DIR *listing;   /* NULL: by number */
	unsigned next;  /* number to look at */
	unsigned below; /* those that were looked at by number */
};

/* `process`: of process_open(). -errno: they are not visible, or it is gone. */
int descriptors_open(struct descriptors *d, int process);
/* False: there are no more. */
bool descriptors_next(struct descriptors *d, struct descriptor *out);
/* The one of that number. False: there is none. */
bool descriptors_at(const struct descriptors *d, unsigned number, struct descriptor *out);
void descriptors_close(struct descriptors *d);
/* Calls `seen` with the inode of each file that the epoll set of that number watches. */
void watched_walk(int process, const char *fd, void (*seen)(uint64_t inode, void *arg), void *arg);
