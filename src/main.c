#include "commands/command.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>

/* Reserve descriptors 0 to 2 if the caller closed them. Open them in the wrong direction, so that
 * using one fails. */
static void open_missing_streams(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
	open_missing_streams();
	setlocale(LC_CTYPE, "");
	/* Report a closed pipe and a file beyond RLIMIT_FSIZE as a write error, below. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	/* Ignored by the caller, it would reap our children before waitpid(). */
	signal(SIGCHLD, SIG_DFL);

	int status = command_main(argc, argv);
	errno = 0;
	if (ferror(stdout) | fflush(stdout)) {
		struct err e;
		err_errno(&e, "cannot write to standard output");
		return command_error(&e);
	}
	return status;
}
