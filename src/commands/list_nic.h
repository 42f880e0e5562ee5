/* list_nic: `epolltune list --nic`: interfaces, queues, NAPI instances, interrupts and the softnet
 * layer, as tables or as JSON (schema epolltune.nic/1). A value that the kernel does not report is
 * "-" in the table and absent in JSON. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "epolltune/err.h"
#include "epolltune/host.h"

int list_nic(FILE *out, const struct host *h, bool json, struct err *e);
