/* mounts: internal to src/host/: the mounts of a process, by mountinfo(5). */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct mount {
	unsigned id;
	uint64_t device;
	char root[PATH_MAX]; /* of its file system: "/", "net:[4026532177]" */
	char point[PATH_MAX];
	char type[32];
	char options[256];    /* of its file system */
	char upper[PATH_MAX]; /* the upper directory of an overlay; "": none */
};

/* Reads the next mount of the text at *at, and moves *at behind it. False: there is none. Pure. */
bool mounts_next(const char **at, struct mount *out);
/* host_is_volatile() by the texts of mountinfo and of the kernel's command line. Pure. */
bool mounts_volatile(const char *text, const char *cmdline, const char *path, char type[32]);
