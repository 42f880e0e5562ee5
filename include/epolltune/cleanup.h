/* cleanup: scope-bound cleanup by __attribute__((cleanup)).
 *
 *	CLEAN(close_fd) int fd = open(…);
 *	CLEAN(free_pointer) char *text = strdup(…); */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEAN(function) __attribute__((cleanup(function), unused))

static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline void free_pointer(void *pointer) { free(*(void **)pointer); }

static inline void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
	*file = NULL;
}

static inline void close_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}
