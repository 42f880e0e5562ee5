/* throttling: what it costs a control group that its CPU quota is used up. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/report.h"

/* Of periods in which the group ran, those in which it was throttled: from half of them on it is
 * short of CPU time, from a twentieth on tight. One is tight at most. Pure. */
enum wall_verdict throttling_verdict(uint64_t throttled, uint64_t periods);
/* Whether that explains why a server accepts too little: it is tight or short, and not of one. */
bool throttling_explains(uint64_t throttled, uint64_t periods);
