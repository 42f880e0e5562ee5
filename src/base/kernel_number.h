/* kernel_number: a number in the text of a sysctl, as the kernel reads it. */
#pragma once

#include <stdint.h>

/* Reads a number of the base that its prefix says, 10, 16 or 8, with one of `ends`, or the end of
 * the text, behind it. Above INT64_MAX it is INT64_MAX. Returns what is behind it; NULL: the kernel
 * refuses it (EINVAL). */
const char *kernel_number(const char *text, const char *ends, int64_t *value);
