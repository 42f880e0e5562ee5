/* progress: one line on standard error that says what runs, and is replaced by the next. */
#pragma once

#include <stdbool.h>

/* Whether standard error is a terminal that can replace a line: others get none. */
bool progress_usable(void);
/* Replaces the line, cut to the window; in ASCII unless the locale is UTF-8. */
__attribute__((format(printf, 1, 2))) void progress_print(const char *format, ...);
/* Erases it. */
void progress_clear(void);
