/* walls: the table of the limits that this program knows. Which knobs stand behind one is in the
 * table of knobs, which probe measures it in the probe's own row. */
#ifndef EPOLLTUNE_WALLS_H
#define EPOLLTUNE_WALLS_H

#include <stddef.h>

struct wall_row {
	const char *name; /* API: never renamed */
	const char *unit; /* of its limit in a report */
	const char *what; /* what it is, and what is needed of it */
};

size_t wall_row_count(void);
const struct wall_row *wall_row_at(size_t i);

#endif
