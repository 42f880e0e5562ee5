/* Cost of epoll_ctl(2) on a set that holds n sockets. */
#include <errno.h>
#include <sys/epoll.h>

#include "bench/benches.h"
#include "engine/sockets.h"
#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/statistics.h"

#define SPARE_DESCRIPTORS 64
#define BATCH 256 /* sockets besides the n, used by the timed calls */

static const uint64_t sizes[] = {10, 100, 1000, 10000};

enum step { ADD, MODIFY, DELETE, CHURN, STEPS };
static const struct {
	const char *name, *conditions;
} steps[STEPS] = {
	[ADD] = {"add", "EPOLL_CTL_ADD"},
	[MODIFY] = {"modify", "EPOLL_CTL_MOD"},
	[DELETE] = {"delete", "EPOLL_CTL_DEL"},
	[CHURN] = {"churn", "EPOLL_CTL_ADD and EPOLL_CTL_DEL of one socket, one after the other"},
};

static int control(int epoll, int operation, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
	return epoll_ctl(epoll, operation, fd, &ev);
}

/* Runs one step on the whole batch; 0 or -errno. */
static int step_run(int epoll, enum step step, const int *fd)
{
	int bad = 0;
	for (int i = 0; i < BATCH; i++) {
		if (step == ADD || step == CHURN)
			bad |= control(epoll, EPOLL_CTL_ADD, fd[i]);
		if (step == MODIFY)
			bad |= control(epoll, EPOLL_CTL_MOD, fd[i]);
		if (step == DELETE || step == CHURN)
			bad |= control(epoll, EPOLL_CTL_DEL, fd[i]);
	}
	return bad ? -errno : 0;
}

/* One round at one size: each step as the median of several batches, in ns per socket. */
static int size_measure(struct bench_run *run, int epoll, uint64_t n, const int *fd, struct err *e)
{
	double took[STEPS][15];
	unsigned batches = run->options.quick ? 5 : 15;
	for (unsigned i = 0; i < batches; i++)
		for (int step = 0; step < STEPS; step++) {
			uint64_t start = clock_ns();
			int rc = step_run(epoll, (enum step)step, fd);
			took[step][i] = (double)(clock_ns() - start) / BATCH;
			errno = -rc;
			if (rc < 0)
				return err_errno(e, "%s with %llu sockets", steps[step].conditions,
						 (unsigned long long)n);
		}
	for (int step = 0; step < STEPS; step++) {
		double median = spread_of(took[step], batches).median;
		if (bench_wants(run, steps[step].name))
			bench_add(&run->table, "control", steps[step].name, n, 0, BENCH_COST,
				  median, "%s, TCP sockets over loopback, all idle",
				  steps[step].conditions);
	}
	return 0;
}

static int round_measure(struct bench_run *run, const struct sockets *s, struct err *e)
{
	CLEAN(close_fd) int epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		return err_errno(e, "epoll_create1");
	size_t in_set = 0;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (sizes[i] + BATCH > s->count)
			break;
		for (; in_set < sizes[i]; in_set++)
			if (control(epoll, EPOLL_CTL_ADD, s->fd[BATCH + in_set]) < 0)
				return err_errno(e, "EPOLL_CTL_ADD of socket %zu", in_set);
		int rc = size_measure(run, epoll, sizes[i], s->fd, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int control_task(struct bench_run *run, struct err *e)
{
	size_t limit = sockets_raise_limit(), count = sizes[sizeof(sizes) / sizeof(sizes[0]) - 1];
	struct sockets s;
	bench_progress(run, "control: opening sockets");
	if (limit < BATCH + sizes[0] + SPARE_DESCRIPTORS)
		return err_set(e, EMFILE, "RLIMIT_NOFILE is %zu, too low for this bench", limit);
	if (count > limit - BATCH - SPARE_DESCRIPTORS)
		count = limit - BATCH - SPARE_DESCRIPTORS;
	int rc = sockets_open(&s, count + BATCH, 0, e);
	for (unsigned i = 0; i < run->options.runs && rc == 0; i++) {
		rc = bench_round(run, "control", i, e);
		if (rc == 0)
			rc = round_measure(run, &s, e);
	}
	sockets_close(&s);
	return rc;
}

static int control_run(struct bench_run *run, struct err *e)
{
	int rc = bench_in_lab(run, LAB_SERVER, control_task, e);
	const struct bench_result *churn =
		bench_find(&run->table, "control", "churn", 1000, 0, BENCH_COST);
	if (rc == 0 && churn)
		bench_note(&run->table,
			   "control: deleting and adding a socket costs %.2f us; a server that "
			   "does so for each request pays this per request",
			   churn->median / 1000);
	return rc;
}

const struct bench bench_control = {
	.name = "control",
	.summary = "cost of epoll_ctl(): add, modify, delete, add and delete",
	.n = "sockets in the set",
	.variants = {BENCH_VARIANTS(steps)},
	.run = control_run,
};
