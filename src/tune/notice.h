/* notice: one line on standard error when a run was cut off or waits, for commands of any kind. */
#ifndef EPOLLTUNE_TUNE_NOTICE_H
#define EPOLLTUNE_TUNE_NOTICE_H

/* Silent where there is no journal, where it cannot be read, and while another epolltune is at
 * work. */
void notice_unfinished(const char *state_dir);

#endif
