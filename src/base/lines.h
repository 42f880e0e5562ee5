/* lines: the lines of a configuration file, and what is wrong with which. */
#pragma once

#include "epolltune/err.h"

/* Calls take() for each line but blank ones and those that begin with "#", without blanks at its
 * ends, until it returns non-zero; take() may write into the line. Errors name file and line:
 * -EINVAL for what is not a file, a NUL byte or a line that is too long; -ENOENT. */
int lines_read(const char *path, int (*take)(char *line, void *arg, struct err *e), void *arg,
	       struct err *e);
/* The text without blanks at its ends, which it cuts off. */
char *line_trim(char *text);
