/* servers_unread: internal to src/catalogue/: servers that have a limit on connections of their
 * own, by default or often, which epolltune does not read. */
#pragma once

#include <stddef.h>

#include "epolltune/catalogue.h"

extern const struct server_row servers_unread[];
extern const size_t servers_unread_count;
