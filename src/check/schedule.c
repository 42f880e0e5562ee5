/* Runs the jobs of a check in their order. */
#include "check/schedule.h"

#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>

#include "base/interrupt.h"
#include "epolltune/clock.h"
#include "terminal/progress.h"

#define PROGRESS_MS 100

static void progress_show(const struct schedule *s)
{
	char line[256] = "";
	for (size_t i = 0; i < s->count; i++) {
		const char *progress = s->at[i].shared->progress;
		if (s->at[i].pid)
			report_append(line, "%s%s%s%s", line[0] ? "; " : "", s->at[i].probe->name,
				      *progress ? ": " : "", progress);
	}
	progress_print("%s", line);
}

/* Kills jobs after their timeout and reaps those that have ended. Returns the number still running.
 */
static size_t jobs_reap(struct schedule *s, unsigned modes)
{
	size_t running = 0;
	for (size_t i = 0; i < s->count; i++) {
		struct job *job = &s->at[i];
		if (!job->pid || !job_has_mode(job, modes))
			continue;
		job_reap(job);
		running += job->pid != 0;
	}
	return running;
}

/* Until one of them ends, or the progress is due. Without pidfds (before 5.3) that is a short poll.
 */
static void jobs_sleep(const struct schedule *s, unsigned modes)
{
	struct pollfd ends[SCHEDULE_JOBS];
	nfds_t count = 0;
	bool blind = false;
	for (size_t i = 0; i < s->count; i++) {
		const struct job *job = &s->at[i];
		if (!job->pid || !job_has_mode(job, modes))
			continue;
		blind |= job->pidfd < 0;
		ends[count++] = (struct pollfd){.fd = job->pidfd, .events = POLLIN};
	}
	poll(ends, count, blind ? 5 : s->check.options->progress ? PROGRESS_MS : 1000);
}

static void schedule_wait(struct schedule *s, unsigned modes)
{
	uint64_t shown = 0;
	while (jobs_reap(s, modes)) {
		if (s->check.options->progress && clock_ms() - shown >= PROGRESS_MS) {
			progress_show(s);
			shown = clock_ms();
		}
		jobs_sleep(s, modes);
	}
	if (shown)
		progress_clear();
}

/* A probe that crashed has restored nothing in the lab that it shares with others (--run), and may
 * have left answers to it. */
static void spoilt_find(struct schedule *s)
{
	for (size_t i = 0; s->check.options->probe.guest && i < s->count; i++)
		if (s->at[i].probe->guest && s->at[i].crash[0])
			report_text(s->check.spoilt, "probe %s crashed in the lab of the server",
				    s->at[i].probe->name);
}

/* Whether the job runs beside no other experiment: those on one server start it again. */
static bool is_alone(const struct schedule *s, const struct job *job)
{
	return (s->check.options->probe.guest && job->probe->guest) ||
	       job_has_mode(job,
			    s->check.options->probe.gentle ? EXPERIMENTS : MODE(PROBE_EXCLUSIVE));
}

/* All but those that run alone at once: they open their labs while those that come first watch the
 * quiet machine, and then run beside each other. The others follow one at a time. */
void schedule_run(struct schedule *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (!is_alone(s, &s->at[i]))
			job_start(&s->at[i]);
	schedule_wait(s, MODE(PROBE_FIRST));
	eventfd_write(s->check.watched, 1);
	schedule_wait(s, EXPERIMENTS);
	for (size_t i = 0; i < s->count; i++) {
		if (!is_alone(s, &s->at[i]))
			continue;
		if (interrupt_came()) {
			job_interrupt(&s->at[i]);
			continue;
		}
		spoilt_find(s);
		job_start(&s->at[i]);
		schedule_wait(s, EXPERIMENTS);
	}
}

void schedule_inspect(struct schedule *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (!s->at[i].outside) {
			job_inspect_here(&s->at[i]);
			continue;
		}
		job_start(&s->at[i]);
		schedule_wait(s, MODE(PROBE_FIRST));
	}
}
