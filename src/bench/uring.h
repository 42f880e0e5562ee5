/* uring: the part of io_uring that multishot poll needs, by raw system calls: a library would be a
 * dependency for a ring of three pointers. */
#pragma once

#include <linux/io_uring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/err.h"

struct uring {
	int fd;
	bool deferred; /* IORING_SETUP_DEFER_TASKRUN: work runs in the wait, as it does for epoll */
	unsigned *sq_head, *sq_tail, *sq_array, sq_mask, sq_entries;
	unsigned *cq_head, *cq_tail, cq_mask, cq_entries;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	void *rings, *sqe_memory;
	size_t rings_size, sqe_size;
};

/* Opens a ring with a completion queue for at least `completions`. -ENOSYS, -EPERM or similar
 * if the kernel or its settings refuse. */
int uring_open(struct uring *u, unsigned completions, struct err *e);
void uring_close(struct uring *u);
static inline void uring_closep(struct uring *u) { uring_close(u); }
/* Arms one multishot poll for POLLIN; submitted when the queue is full and by uring_submit(). */
int uring_poll_add(struct uring *u, int fd, uint64_t data, struct err *e);
int uring_submit(struct uring *u, struct err *e);
/* Waits for at least `min` completions (0: does not wait), consumes all and returns their number;
 * the error of a poll that failed, -EIO if one ended. */
int uring_wait(struct uring *u, unsigned min);
