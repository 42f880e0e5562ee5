/* The life of a probe's process: start, deadline, end, and a second look after a crash. */
#include "check/job.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "check/gently.h"
#include "epolltune/clock.h"

/* Timeout of reading its settings alone. */
#define INSPECT_SECONDS 10

struct job job_make(const struct check *check, const struct probe *probe, struct shared *shared)
{
	report_init(&shared->report);
	report_text(shared->is.name, "%s", probe->name);
	shared->is.isolation = check->options->sysroot ? ISOLATION_SYSROOT : ISOLATION_NONE;
	return (struct job){.check = check, .probe = probe, .shared = shared, .pidfd = -1};
}

bool job_has_mode(const struct job *job, unsigned modes) { return MODE(job->probe->mode) & modes; }

bool job_has_experiments(const struct job *job)
{
	const struct check_options *o = job->check->options;
	return !job->outside && job->probe->place != PROBE_HOST &&
	       probe_experiments(job->probe, &o->target, &o->probe);
}

/* Why the experiments of a crashed probe are missed; NULL: it has none. */
static const char *crash_text(const struct job *job, char text[192])
{
	snprintf(text, 192, "probe %s crashed: %s", job->probe->name, job->crash);
	if (job->starved)
		snprintf(text, 192, "%s", GENTLY_STARVED);
	return job_has_experiments(job) ? text : NULL;
}

/* In a process of its own as well: what crashed the probe may be how it reads settings. */
static int job_reinspect(const struct job *job)
{
	char text[192];
	return job_inspect(job, crash_text(job, text)) ? 1 : 0;
}

/* Its settings cannot be judged either: no wall of it has a verdict. */
static void job_unjudge(const struct job *job)
{
	const char *name;
	report_init(&job->shared->report);
	for (size_t i = 0; !job->outside && (name = probe_wall(job->probe, i)); i++) {
		if (!job_wall_is_due(job, name))
			continue;
		const struct wall_row *row = wall_row_find(name);
		struct wall *w = report_wall(&job->shared->report, name);
		if (row && row->need)
			w->needed = row->need(&job->check->options->target);
		report_text(w->detail, "Probe %s crashed: %s.", job->probe->name, job->crash);
	}
}

static int job_fork(struct job *job, unsigned seconds, int (*body)(const struct job *))
{
	char name[32];
	pid_t parent = getpid(), pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		snprintf(name, sizeof(name), "probe:%.24s", job->probe->name);
		prctl(PR_SET_NAME, name); /* the kernel cuts it at 15 bytes */
		_exit(body(job));
	}
	own_time_began(job->check->own, pid);
	job->pid = pid;
	job->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	job->deadline_ms = clock_ms() + seconds * 1000ull;
	job->killed[0] = 0;
	return 0;
}

static unsigned probe_seconds(const struct probe_options *o)
{
	return PROBE_MS / 1000 * (o->gentle ? GENTLE_TIMES : 1) +
	       (unsigned)(o->window_us / 1000000);
}

static unsigned job_seconds(const struct job *job)
{
	return probe_seconds(&job->check->options->probe);
}

unsigned job_longest(const struct check_options *o)
{
	return probe_seconds(&o->probe) + INSPECT_SECONDS;
}

static void job_crashed(const struct job *job)
{
	job_report_failure(job, PROBE_CRASHED, job->crash);
	job->shared->is.isolation = ISOLATION_NONE;
}

/* Its experiments are missed, which their walls say; what watches the machine has no walls. */
static void job_starved(const struct job *job)
{
	job->shared->is.isolation = ISOLATION_NONE;
	if (!job_has_experiments(job))
		job_report_failure(job, PROBE_FAILED, GENTLY_STARVED);
}

void job_start(struct job *job)
{
	int rc = job_fork(job, job_seconds(job), job_measure);
	if (!rc)
		return;
	report_text(job->crash, "its process could not be started: %s",
		    rc == -EAGAIN ? LAB_NO_PROCESS : strerror(-rc));
	/* One that looks outside would leave this process there. */
	if (job->outside || job_reinspect(job))
		job_unjudge(job);
	job_crashed(job);
}

void job_interrupt(struct job *job)
{
	report_text(job->crash, "interrupted");
	job_unjudge(job);
	job_crashed(job);
}

/* How a process ended; false: as it should. */
static bool job_failed(const struct job *job, int status, char text[128])
{
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return false;
	if (WIFSIGNALED(status) && job->killed[0])
		snprintf(text, 128, "%s", job->killed);
	else if (WIFSIGNALED(status))
		snprintf(text, 128, "ended by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(text, 128, "ended with status %d", WEXITSTATUS(status));
	return true;
}

/* The report of a probe that crashed may be incomplete: judge it again, by its settings. */
static void job_ended(struct job *job, int status)
{
	char text[sizeof(job->crash)];
	bool again = job->crash[0], failed = job_failed(job, status, text);
	job->pid = 0;
	if (job->pidfd >= 0)
		close(job->pidfd);
	job->pidfd = -1;
	if (failed && !again) {
		report_text(job->crash, "%s", text);
		if (!interrupt_came() && !job_fork(job, INSPECT_SECONDS, job_reinspect))
			return;
	}
	if (failed)
		job_unjudge(job);
	if (failed || (again && !job->starved))
		job_crashed(job);
	else if (again)
		job_starved(job);
}

/* Kills a job after its timeout, or when the check is interrupted. */
static void job_limit(struct job *job)
{
	const char *progress = job->shared->progress;
	if (interrupt_came())
		report_text(job->killed, "interrupted");
	else if (clock_ms() > job->deadline_ms) {
		report_text(job->killed, "it did not end within %u s and was killed%s%.60s",
			    job_seconds(job), *progress ? ", last at: " : "", progress);
		job->starved |= job->check->options->probe.gentle && !job->crash[0];
	}
	if (job->killed[0])
		kill(job->pid, SIGKILL);
}

void job_reap(struct job *job)
{
	int status = 0;
	job_limit(job);
	if (waitpid(job->pid, &status, WNOHANG) != job->pid)
		return;
	own_time_ended(job->check->own, job->pid);
	job_ended(job, status);
}

void job_inspect_here(struct job *job)
{
	if (!job_inspect(job, NULL))
		return;
	report_text(job->crash, "its settings could not be judged");
	job_unjudge(job);
	job_report_failure(job, PROBE_CRASHED, job->crash);
}
