#include "bench/uring.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Since 6.0 and 6.1; in the headers of Debian 12, but not of older distributions. */
#ifndef IORING_SETUP_SINGLE_ISSUER
#define IORING_SETUP_SINGLE_ISSUER (1U << 12)
#endif
#ifndef IORING_SETUP_DEFER_TASKRUN
#define IORING_SETUP_DEFER_TASKRUN (1U << 13)
#endif

#define SUBMISSIONS 256

static int ring_setup(unsigned flags, struct io_uring_params *p, unsigned completions)
{
	*p = (struct io_uring_params){.flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
				      .cq_entries = completions};
	return (int)syscall(SYS_io_uring_setup, SUBMISSIONS, p);
}

static int ring_enter(const struct uring *u, unsigned submit, unsigned min, unsigned flags)
{
	int n = (int)TEMP_FAILURE_RETRY(
		syscall(SYS_io_uring_enter, u->fd, submit, min, flags, NULL, 0));
	return n < 0 ? -errno : n;
}

static int ring_map(struct uring *u, const struct io_uring_params *p, struct err *e)
{
	if (!(p->features & IORING_FEAT_SINGLE_MMAP))
		return err_set(e, ENOSYS, "io_uring needs Linux 5.4");
	size_t sq = p->sq_off.array + p->sq_entries * sizeof(unsigned);
	size_t cq = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
	u->rings_size = sq > cq ? sq : cq;
	u->sqe_size = p->sq_entries * sizeof(struct io_uring_sqe);
	u->rings = mmap(NULL, u->rings_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			u->fd, IORING_OFF_SQ_RING);
	u->sqe_memory = mmap(NULL, u->sqe_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			     u->fd, IORING_OFF_SQES);
	if (u->rings == MAP_FAILED || u->sqe_memory == MAP_FAILED)
		return err_errno(e, "map an io_uring");
	char *base = u->rings;
	u->sq_head = (unsigned *)(base + p->sq_off.head);
	u->sq_tail = (unsigned *)(base + p->sq_off.tail);
	u->sq_array = (unsigned *)(base + p->sq_off.array);
	u->sq_mask = p->sq_entries - 1;
	u->sq_entries = p->sq_entries;
	u->cq_head = (unsigned *)(base + p->cq_off.head);
	u->cq_tail = (unsigned *)(base + p->cq_off.tail);
	u->cq_mask = p->cq_entries - 1;
	u->cq_entries = p->cq_entries;
	u->cqes = (struct io_uring_cqe *)(base + p->cq_off.cqes);
	u->sqes = u->sqe_memory;
	return 0;
}

int uring_open(struct uring *u, unsigned completions, struct err *e)
{
	struct io_uring_params p;
	*u = (struct uring){.fd = -1, .rings = MAP_FAILED, .sqe_memory = MAP_FAILED};
	u->fd = ring_setup(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, &p,
			   completions);
	u->deferred = u->fd >= 0;
	if (u->fd < 0 && errno == EINVAL)
		u->fd = ring_setup(0, &p, completions);
	if (u->fd < 0)
		return err_errno(e, "io_uring_setup");
	int rc = ring_map(u, &p, e);
	if (rc == 0 && u->cq_entries < completions)
		rc = err_set(e, ENOSPC, "io_uring holds at most %u completions", u->cq_entries);
	if (rc < 0)
		uring_close(u);
	return rc;
}

void uring_close(struct uring *u)
{
	if (u->rings != MAP_FAILED && u->rings)
		munmap(u->rings, u->rings_size);
	if (u->sqe_memory != MAP_FAILED && u->sqe_memory)
		munmap(u->sqe_memory, u->sqe_size);
	if (u->fd >= 0)
		close(u->fd);
	*u = (struct uring){.fd = -1};
}

int uring_submit(struct uring *u, struct err *e)
{
	unsigned pending;
	while ((pending = *u->sq_tail - __atomic_load_n(u->sq_head, __ATOMIC_ACQUIRE))) {
		int n = ring_enter(u, pending, 0, 0);
		if (n < 0) {
			errno = -n;
			return err_errno(e, "io_uring_enter");
		}
	}
	return 0;
}

int uring_poll_add(struct uring *u, int fd, uint64_t data, struct err *e)
{
	unsigned tail = *u->sq_tail;
	if (tail - __atomic_load_n(u->sq_head, __ATOMIC_ACQUIRE) == u->sq_entries) {
		int rc = uring_submit(u, e);
		if (rc < 0)
			return rc;
	}
	u->sqes[tail & u->sq_mask] = (struct io_uring_sqe){
		.opcode = IORING_OP_POLL_ADD,
		.fd = fd,
		.len = IORING_POLL_ADD_MULTI,
		.poll_events = POLLIN,
		.user_data = data,
	};
	u->sq_array[tail & u->sq_mask] = tail & u->sq_mask;
	__atomic_store_n(u->sq_tail, tail + 1, __ATOMIC_RELEASE);
	return 0;
}

int uring_wait(struct uring *u, unsigned min)
{
	int rc = ring_enter(u, 0, min, IORING_ENTER_GETEVENTS);
	if (rc < 0)
		return rc;
	unsigned head = *u->cq_head, tail = __atomic_load_n(u->cq_tail, __ATOMIC_ACQUIRE);
	int n = 0;
	for (; head != tail; head++, n++) {
		const struct io_uring_cqe *c = &u->cqes[head & u->cq_mask];
		if (c->res >= 0 && c->flags & IORING_CQE_F_MORE)
			continue;
		n = c->res < 0 ? c->res : -EIO;
		break;
	}
	__atomic_store_n(u->cq_head, tail, __ATOMIC_RELEASE);
	return n;
}
