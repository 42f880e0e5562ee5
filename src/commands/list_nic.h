/* list_nic: `epolltune list --nic`: interfaces, their queues, NAPI instances and interrupts, and
 * the softnet layer, as a table or as JSON (schema epolltune.nic/1). What the kernel does not tell
 * is
 * "-" in the table and missing in JSON. */
#ifndef EPOLLTUNE_COMMANDS_LIST_NIC_H
#define EPOLLTUNE_COMMANDS_LIST_NIC_H

#include <stdbool.h>
#include <stdio.h>

#include "epolltune/err.h"
#include "epolltune/host.h"
#include "report/render.h"

int list_nic(FILE *out, const struct host *h, bool json, const struct render_style *style,
	     struct err *e);

#endif
