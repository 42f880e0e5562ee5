/* unit: the units of walls, of evidence and of the columns of findings, as rows. */
#pragma once

#include "epolltune/quantity.h"

enum unit_form {
	UNIT_THINGS, /* what is counted, "connections": the number alone says enough */
	UNIT_SIGN,   /* follows the number: "2 %" */
	UNIT_SCALED, /* written by the quantity's kind, with a prefix: "4.1 MiB", "1.04 s" */
};

struct unit_row {
	const char *name;
	enum unit_form form;
	enum quantity_kind kind;
	const char *plugin; /* the unit of a monitoring plugin's figure; NULL: none */
	const char *base;   /* Prometheus' name of its base unit; NULL: its own name */
	double scale;       /* from it to the base unit */
};

/* Never NULL: a unit without a row counts things. */
const struct unit_row *unit_row_find(const char *name);
