/* usage: resources of the calling process. */
#pragma once

#include <stdint.h>

/* Private resident memory (resident minus shared, /proc/self/statm); 0 if it cannot be read. */
uint64_t usage_private_bytes(void);
