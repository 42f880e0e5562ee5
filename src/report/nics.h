/* nics: what `epolltune list --nic` prints: interfaces, queues, NAPI instances, interrupts and the
 * softnet layer, as tables or as JSON (schema epolltune.nic/1). A value that the kernel does not
 * report is "-" in the table and absent in JSON. `name`: of this interface only; NULL: of all.
 * Fails as nics_read_one() where there is none. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "epolltune/err.h"
#include "epolltune/host.h"

int list_nic(FILE *out, const struct host *h, const char *name, bool json, struct err *e);
