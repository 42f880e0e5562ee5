/* The units that are more than the name of what is counted. */
#include "catalogue/unit.h"

#include <string.h>

static const struct unit_row rows[] = {
	{"B", UNIT_SCALED, QUANTITY_SIZE, "B", "bytes", 1},
	{"us", UNIT_SCALED, QUANTITY_DURATION, "us", "seconds", 1e-6},
	{"B/s", UNIT_SCALED, QUANTITY_SPEED, NULL, "bytes_per_second", 1},
	{"1/s", UNIT_SCALED, QUANTITY_RATE, NULL, "per_second", 1},
	{"%", UNIT_SIGN, QUANTITY_COUNT, NULL, "ratio", 1e-2},
	{"accepts/s", UNIT_THINGS, QUANTITY_COUNT, NULL, "accepts_per_second", 1},
	{"connects/s", UNIT_THINGS, QUANTITY_COUNT, NULL, "connects_per_second", 1},
};

const struct unit_row *unit_row_find(const char *name)
{
	static const struct unit_row things = {"", UNIT_THINGS, QUANTITY_COUNT, NULL, NULL, 1};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return &things;
}
