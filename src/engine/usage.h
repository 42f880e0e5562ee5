/* usage: what the calling process itself takes. */
#ifndef EPOLLTUNE_USAGE_H
#define EPOLLTUNE_USAGE_H

#include <stdint.h>

/* Memory that is resident and its own (resident less shared, /proc/self/statm); 0 when that cannot
 * be read. */
uint64_t usage_private_bytes(void);

#endif
