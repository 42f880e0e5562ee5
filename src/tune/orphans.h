/* orphans: lines of our files whose runs a journal does not have. It was lost, or is another one.
 */
#pragma once

#include "tune/journal.h"

/* Finds a file that has such a line: of sysctl.d, else of another kind. `j` NULL: no journal. */
bool orphans_find(const struct change_site *site, struct journal *j, char file[512]);
