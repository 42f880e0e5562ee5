/* program: a command of the operator on a host of a lab: a client, a server, and all that they
 * start. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/lab.h"
#include "epolltune/task.h"

struct program_config {
	const char *shell; /* for sh -c */
	char **argv;       /* instead of `shell`; NULL: none */
	bool input;        /* reads the caller's standard input */
	bool captured;     /* its output is kept for program_output(); false: it is the caller's */
	uint64_t nofile;   /* its RLIMIT_NOFILE, soft and hard; 0: the caller's */
	unsigned grace_ms; /* from SIGTERM to SIGKILL, below the patience of task_end() */
};

/* The caller's handle. A zeroed one is not running, and may be ended. */
struct program {
	struct program_part *part; /* in the lab's memory */
	struct task task;
};

/* Starts the command, with the lab's addresses in SERVER and CLIENT. `p` is zeroed, or has ended.
 * The strings of `config` must be older than the lab. */
int program_start(struct program *p, struct lab *lab, enum lab_host host,
		  const struct program_config *config, struct err *e);
/* Sends a signal to all of its processes. LAB_COMMAND only: elsewhere to the first one. */
int program_signal(struct program *p, int signal, struct err *e);
/* Waits until the first process has exited. */
int program_await(struct program *p, struct err *e);
/* Its wait status, once it has exited: false before. */
bool program_exited(const struct program *p, int *status);
/* Whether a process of it is left: a daemon goes on when the first one has exited. */
bool program_lives(const struct program *p);
/* "exited with status 1", "was killed by signal 9". Returns `text`. */
#define PROGRAM_END 48
char *program_end_text(const struct program *p, char text[PROGRAM_END]);
/* The end of what it has printed. */
#define PROGRAM_OUTPUT 2048
void program_output(const struct program *p, char text[PROGRAM_OUTPUT]);
/* Ends it: SIGTERM, after the grace SIGKILL. Returns when all its processes are gone; what is known
 * of it stays. */
void program_end(struct program *p);
