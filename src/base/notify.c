#include "base/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "epolltune/cleanup.h"

#define FIRST_PASSED 3 /* SD_LISTEN_FDS_START */

void notify_send(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t length = path ? strlen(path) : 0;
	if (!length || length >= sizeof(to.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(to.sun_path, path, length);
	if (path[0] == '@')
		to.sun_path[0] = 0;
	CLEAN(close_fd) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		(void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
}

int notify_listener(struct err *e)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	bool passed = pid && count && strtol(pid, NULL, 10) == (long)getpid();
	long sockets = passed ? strtol(count, NULL, 10) : 0;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (sockets <= 0)
		return -1;
	int listening = 0, type = 0, domain = 0;
	socklen_t size = sizeof(int);
	if (sockets > 1)
		return err_set(e, EINVAL, "the service manager passed %ld sockets; one is expected",
			       sockets);
	if (getsockopt(FIRST_PASSED, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 ||
	    getsockopt(FIRST_PASSED, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
	    getsockopt(FIRST_PASSED, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0)
		return err_set(e, ENOTSOCK, "descriptor %d from the service manager: %s",
			       FIRST_PASSED, strerror(errno));
	if (!listening || type != SOCK_STREAM || (domain != AF_INET && domain != AF_INET6))
		return err_set(e, EINVAL,
			       "the socket from the service manager is not a listening TCP socket");
	if (fcntl(FIRST_PASSED, F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(FIRST_PASSED, F_SETFD, FD_CLOEXEC) < 0)
		return err_errno(e, "the socket from the service manager");
	return FIRST_PASSED;
}
