/* nics: what `epolltune list --nic` prints: interfaces, queues, NAPI instances, interrupts and the
 * softnet layer, as tables or as JSON (schema epolltune.nic/1). A value that the kernel does not
 * report is "-" in the table and absent in JSON. Reads nothing. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "epolltune/err.h"
#include "epolltune/nic.h"

#define NETWORK_KNOBS 16

/* The interfaces of a network namespace, and what of the machine serves them. */
struct network {
	struct nics nics;
	struct softnet softnet; /* empty: not readable */
	/* Those of the softnet layer, which child namespaces do not have. */
	struct network_knob {
		const char *name; /* of the catalogue */
		struct nic_number value;
	} knobs[NETWORK_KNOBS];
	size_t knob_count;
};

int nics_print(FILE *out, const struct network *m, bool json, struct err *e);
