#include "engine/place.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "epolltune/cleanup.h"

#define PATIENCE_MS 5000

void *place_alloc(const struct place *p, size_t size, struct err *e)
{
	if (p->lab)
		return lab_alloc(p->lab, size, e);
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory != MAP_FAILED)
		return memory;
	err_errno(e, "%zu bytes of shared memory", size);
	return NULL;
}

int place_spawn(const struct place *p, lab_task fn, void *arg, int *channel, pid_t *pid,
		struct err *e)
{
	int pair[2];
	*pid = -1;
	if (p->lab)
		return lab_spawn(p->lab, p->host, fn, arg, channel, e);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, "channel to a process");
	pid_t parent = getpid();
	*pid = fork();
	if (*pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		close(pair[0]);
		_exit(fn(pair[1], arg) ? 1 : 0);
	}
	close(pair[1]);
	if (*pid < 0) {
		close(pair[0]);
		return err_errno(e, "start a process");
	}
	*channel = pair[0];
	return 0;
}

int place_finish(int *channel, pid_t *pid)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int status = 0;
	pid_t ended = 0;
	if (*pid <= 0) {
		if (*channel >= 0)
			lab_finish(*channel);
		*channel = -1;
		return 0;
	}
	close_fd(channel);
	for (int i = 0; i < PATIENCE_MS; i++) {
		ended = waitpid(*pid, &status, WNOHANG);
		if (ended != 0)
			break;
		nanosleep(&pause, NULL);
	}
	if (ended == 0) {
		kill(*pid, SIGKILL);
		while ((ended = waitpid(*pid, &status, 0)) < 0 && errno == EINTR)
			;
	}
	*pid = -1;
	return ended > 0 && status == 0 ? 0 : -ECHILD;
}
