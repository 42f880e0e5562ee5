/* list_nic: `epolltune list --nic`: reads the interfaces of this network namespace, or one of them,
 * and prints them as report/nics.h has it. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "epolltune/err.h"
#include "epolltune/host.h"

/* `name`: of this interface only; NULL: of all. Fails as nics_read_one() where there is none. */
int list_nic(FILE *out, const struct host *h, const char *name, bool json, struct err *e);
