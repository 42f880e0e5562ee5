/* notice: one line on standard error, from any command, about an unfinished or waiting run. */
#ifndef EPOLLTUNE_TUNE_NOTICE_H
#define EPOLLTUNE_TUNE_NOTICE_H

/* Silent if the journal is missing, unreadable or being written. */
void notice_unfinished(const char *state_dir);

#endif
