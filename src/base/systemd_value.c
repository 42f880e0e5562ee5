#include "base/systemd_value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "epolltune/list.h"

int systemd_boolean(const char *value)
{
	static const char *const words[][2] = {{"no", "yes"}, {"false", "true"}, {"off", "on"},
					       {"0", "1"},    {"n", "y"},        {"f", "t"}};
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		for (int is = 0; is < 2; is++)
			if (!strcasecmp(value, words[i][is]))
				return is;
	return -EINVAL;
}

/* Microseconds of a unit, of a number alone if it is ""; 0: it is none. */
static double time_unit(const char *name)
{
	static const struct {
		const char *names;
		double us;
	} units[] = {{"us,usec,µs,μs", 1},           {"ms,msec", 1e3},
		     {",s,sec,second,seconds", 1e6}, {"m,min,minute,minutes", 60e6},
		     {"h,hr,hour,hours", 3600e6},    {"d,day,days", 86400e6},
		     {"w,week,weeks", 604800e6},     {"M,month,months", 2629800e6},
		     {"y,year,years", 31557600e6}};
	struct list_item item;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		for (const char *names = units[i].names; list_next(&names, &item);)
			if (list_item_is(&item, name))
				return units[i].us;
	return 0;
}

bool systemd_time_us(const char *value, uint64_t *us)
{
	static const char blanks[] = " \t", digits[] = "0123456789.";
	double all = 0;
	if (!strcmp(value, "infinity")) {
		*us = SYSTEMD_INFINITY;
		return true;
	}
	if (!value[strspn(value, blanks)])
		return false;
	for (value += strspn(value, blanks); *value; value += strspn(value, blanks)) {
		char unit[12], *end;
		double number = strtod(value, &end);
		/* strtod() also takes signs, exponents, hexadecimal numbers and words. */
		if (!strchr(digits, *value) || end != value + strspn(value, digits))
			return false;
		value = end + strspn(end, blanks);
		size_t length = strcspn(value, " \t0123456789.");
		if (length >= sizeof(unit))
			return false;
		memcpy(unit, value, length);
		unit[length] = 0;
		if (time_unit(unit) < 1)
			return false;
		all += number * time_unit(unit);
		value += length;
	}
	*us = all < (double)SYSTEMD_TIME_MAX ? (uint64_t)all : SYSTEMD_TIME_MAX;
	return true;
}
