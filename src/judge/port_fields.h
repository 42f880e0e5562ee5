/* port_fields: the numbers of the settings that port_settings.h describes. Internal to src/judge/.
 */
#pragma once

#include "epolltune/port_settings.h"

enum { ADDED = 1, TAKEN = 2 };
enum { HELD, ALL, UNREAD, BOUND = UNREAD };
enum { BESIDE = 1, BESIDE_NEAR };
/* Of BOUND: by the parity of its ports, most likely. */
#define SEEMS 2

/* The ports of the set in the range of the settings that are not reserved. Pure. */
int64_t port_fields_count(const struct settings *s, const struct port_set *ports);
