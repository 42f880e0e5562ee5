/* task: a process with a channel, on a host of a lab or in the caller's namespaces. The caller
 * asks, the task answers. Requests are numbered, and an answer to an earlier one, whose caller has
 * timed out, is dropped. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "epolltune/err.h"
#include "epolltune/lab.h"

/* Where tasks run. */
struct task_context {
	struct lab *lab; /* NULL: children of the calling process, in its namespaces */
	enum lab_host host;
};

/* Allocates zeroed memory that tasks started later share; it lasts until the lab releases it, else
 * forever. NULL, with e set, on failure. */
void *task_alloc(const struct task_context *c, size_t size, struct err *e);

/* The caller's end. A zeroed one is not running, and may be ended. */
struct task {
	bool running;
	int channel;              /* SOCK_SEQPACKET */
	pid_t pid;                /* -1: unknown, as in a lab */
	uint32_t asked, answered; /* numbers of the last request and answer; the start is 1 */
};

/* The most tasks of one array. */
#define TASKS_MAX 512

/* Starts main(arg) as a process. In a lab `arg` must come from lab_alloc() or be older than the
 * lab; otherwise the task has the caller's memory at this time. */
int task_start(struct task *t, const struct task_context *where, task_main main, void *arg,
	       struct err *e);
/* Sends a request. -ECHILD if the task has exited; the text says how. */
int task_send(struct task *t, const void *request, size_t size, struct err *e);
/* Waits for the answer to the last request, or to the start, and returns its result. -ETIMEDOUT
 * after timeout_ms (-1: none): the answer may still be awaited, or is dropped by the next request.
 * -ECHILD if the task has exited. */
int task_await(struct task *t, void *answer, size_t size, int timeout_ms, struct err *e);
int task_ask(struct task *t, const void *request, size_t request_size, void *answer, size_t size,
	     int timeout_ms, struct err *e);
/* Waits for each of `count` tasks; answers carry no data. Returns the first failure. */
int task_await_all(struct task *tasks, size_t count, int timeout_ms, struct err *e);
/* Waits until one of `count` tasks has answered, or exited, that was asked: its index, or
 * -ETIMEDOUT. */
int task_select(const struct task *tasks, size_t count, int timeout_ms);
/* 0 while it runs; -ECHILD says how it exited. */
int task_check(struct task *t, struct err *e);
/* Closes the channel, so that the task ends, and waits until it has closed its descriptors; kills
 * it after 5 s. -ECHILD if it failed, as far as known. */
int task_end(struct task *t);
/* Signals all before it waits for any, so that they end in parallel. */
int task_end_all(struct task *tasks, size_t count);

/* Passes open descriptors along a socket, with one byte. */
int task_send_fds(int socket, const int *fds, size_t count, struct err *e);
/* Receives exactly `count`, at most 8. -EPIPE if the socket was closed, -EMFILE if the kernel
 * dropped some at RLIMIT_NOFILE. */
int task_receive_fds(int socket, int *fds, size_t count, struct err *e);

/* The task's own end. Its descriptors in a lab are 0 and 1 (/dev/null), 2 (standard error), the
 * channel, and those it opens. It ignores SIGINT, SIGTERM and SIGPIPE. */
struct task_port {
	int channel;
	uint32_t sequence; /* of the request heard last */
	struct err e;      /* why main() fails: the caller gets it from task_check() and others */
};
/* Waits for a request. False when the caller has ended the task: main() then returns soon. */
bool task_hear(struct task_port *p, void *request, size_t size);
/* Answers the start, or the request heard last: a result, 0 or more, or a negative errno with the
 * text of `e`, which may be NULL. False when the caller has exited. */
bool task_answer(struct task_port *p, int result, const struct err *e, const void *answer,
		 size_t size);
/* Whether the caller has ended the task; a request does not count. */
bool task_ended(const struct task_port *p);
