/* server_messages: the rows of symptom_row_at() that are messages of servers, and texts that both
 * tables of symptoms have. */
#pragma once

#include "epolltune/catalogue.h"

#define FILES_SHOW "grep 'open files' /proc/PID/limits; ls /proc/PID/fd | wc -l"
#define FILES_ACTION                                                                                 \
	"Raise the limit where the process is started: LimitNOFILE= in its systemd unit (systemctl " \
	"edit UNIT), then restart it; for the running process: prlimit --pid PID "                   \
	"--nofile=N:HARD, with HARD from /proc/PID/limits (not for one that computes its own limit " \
	"from it at its start, as Redis, HAProxy, MySQL, MongoDB and slapd)"

size_t server_message_count(void);
/* `i`: below server_message_count(). The row is part of the program. */
const struct clue_row *server_message_at(size_t i);
