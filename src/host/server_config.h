/* server_config: internal to src/host/: the configuration of a running server, as the server sees
 * the files. */
#pragma once

#include "catalogue/edit.h"
#include "catalogue/server_command.h"
#include "epolltune/subject.h"

struct server_config {
	/* CLIENTS_READ, or why it is not: one of those with `file`. */
	enum subject_clients_state state;
	char file[PATH_MAX]; /* the first one, or that of the state; "": none is named */
	/* Of all files in their order, each included one in place of its directive. Those where the
	 * limit cannot be set may be missing. */
	char *text;
};
/* Reads the files that the command names; without one `usual`, unless that is NULL: unknown. The
 * caller frees out->text. */
void server_config_read(const struct host *h, const struct subject *s,
			const struct server_command *c, const char *usual,
			struct server_config *out);
