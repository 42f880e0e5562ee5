/* systemd_value: values of lines in systemd's files, units and .link files alike. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Of a time span without end. */
#define SYSTEMD_INFINITY UINT64_MAX
/* The longest that is read, about 30 years; a longer one is read as this. */
#define SYSTEMD_TIME_MAX UINT64_C(1000000000000000)

/* 1 or 0, as parse_boolean() of systemd; -EINVAL: it ignores the line. */
int systemd_boolean(const char *value);
/* Microseconds of a span of systemd.time(7), a number alone in seconds: "1min 30s". False: systemd
 * ignores the line. */
bool systemd_time_us(const char *value, uint64_t *us);
