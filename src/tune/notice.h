/* notice: one line on standard error, from any command, about an unfinished or waiting run. */
#pragma once

#include "tune/journal.h"

/* Silent if the journal is missing, unreadable or being written. Ignores runs of other network
 * namespaces. */
void notice_unfinished(const char *state_dir);
/* The same of a journal that was read already. */
void notice_of_journal(const struct journal *j);
