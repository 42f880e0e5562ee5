#include "engine/place.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

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
