/* Limits on open files: RLIMIT_NOFILE, fs.file-nr and fs.file-max. */
#include "host/machine.h"

#include <errno.h>
#include <sys/resource.h>

#include "host/processes.h"

int host_nofile(const struct host *h, struct host_nofile *out, struct err *e)
{
	if (h->live) {
		struct rlimit r;
		if (getrlimit(RLIMIT_NOFILE, &r) < 0)
			return err_errno(e, "cannot read RLIMIT_NOFILE");
		out->soft = r.rlim_cur == RLIM_INFINITY ? HOST_UNLIMITED : r.rlim_cur;
		out->hard = r.rlim_max == RLIM_INFINITY ? HOST_UNLIMITED : r.rlim_max;
		return 0;
	}
	char text[4096];
	ssize_t n = host_read(h, "proc/self/limits", text, sizeof(text), e);
	if (n < 0)
		return (int)n;
	if (!process_limits_parse(text, &out->soft, &out->hard))
		return err_set(e, EBADMSG, "%s/proc/self/limits: no line \"%s\" with two limits",
			       h->root, PROCESS_LIMITS_KEY);
	return 0;
}

int64_t host_nofile_bound(int64_t limit, int64_t nr_open)
{
	return nr_open >= 0 && nr_open < limit ? nr_open : limit;
}

int host_files(const struct host *h, struct host_files *out, struct err *e)
{
	char text[128];
	ssize_t n = host_read(h, "proc/sys/fs/file-nr", text, sizeof(text), e);
	if (n < 0)
		return (int)n;
	const char *at = text;
	uint64_t unused; /* always 0 since 2.6 */
	if (!text_number(&at, &out->allocated) || !text_number(&at, &unused) ||
	    !text_number(&at, &out->max))
		return err_set(e, EBADMSG, "%s/proc/sys/fs/file-nr: not three numbers: \"%.60s\"",
			       h->root, text);
	host_read_u64(h, "proc/sys/fs/file-max", &out->max, NULL); /* that is to be judged */
	return 0;
}
