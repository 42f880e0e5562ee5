/* Runs the probes, each in a process and a lab of its own, and joins their reports. */
#include "commands/check.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "commands/gently.h"
#include "epolltune/cleanup.h"
#include "judge/judge.h"
#include "tune/interrupt.h"

#define PROBES 32
/* Timeouts of a probe, and of reading its settings alone. */
#define PROBE_SECONDS 60
#define GENTLE_SECONDS 180
#define INSPECT_SECONDS 10
#define PROGRESS_MS 100

/* The memory that a probe's process shares with this one. */
struct shared {
	struct report report;
	char progress[PROBE_PROGRESS];
	struct report_probe is;
};

struct schedule {
	const struct check_options *options;
	struct host *host;
	char enter[REPORT_ENTER]; /* of the report */
	int watched;              /* an eventfd for experiments: the quiet window is over */
	int ended;                /* an eventfd for observers: all other probes have ended */
	size_t count;
	struct job {
		const struct probe *probe;
		struct shared *shared;
		pid_t pid; /* 0: not running */
		int pidfd; /* -1: none */
		uint64_t deadline_ms;
		char killed[64]; /* why this process killed it; "" */
		char crash[128]; /* how it ended: what runs now reads its settings; "" */
		bool starved;    /* and that is because other work kept the CPU busy */
	} at[PROBES];
};

struct check_options check_defaults(void)
{
	return (struct check_options){.target = target_default()};
}

static uint64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The labs of a probe. */
struct labs {
	struct lab *lab, *proof; /* may be the same */
	bool in_place;
	char missing[256]; /* why there is none; "" */
};

static void labs_close(struct labs *l)
{
	if (l->proof != l->lab)
		lab_close(l->proof);
	lab_close(l->lab);
}

static void labs_refused(struct labs *l, struct report *r, const struct err *refused)
{
	struct wording words = {0};
	wording_set(&words, "why", "%s", refused->text);
	report_finding(r, "lab.refused", &words);
	err_reason(refused, l->missing, sizeof(l->missing));
}

/* Opens the lab that the probe wants; falls back to the calling namespace where that is allowed and
 * harmless. */
static int labs_open(struct labs *l, const struct schedule *s, const struct job *job, struct err *e)
{
	const struct probe *p = job->probe;
	const struct check_options *o = s->options;
	struct lab_options options = p->lab;
	struct err refused = {0};
	bool in_place = o->probe.in_place && p->place != PROBE_LAB;
	int rc = -EPERM;
	options.rtt_us = o->target.rtt_us;
	options.bandwidth_bps = o->target.bandwidth_bps;
	if (p->shape)
		p->shape(&o->target, &options);
	report_text(job->shared->progress, "making a lab");
	if (!in_place || !o->probe.no_proof)
		rc = lab_open(&l->proof, &options, s->host, &refused);
	if (rc)
		l->proof = NULL;
	if (!rc && !in_place) {
		l->lab = l->proof;
		return 0;
	}
	if (rc && !in_place)
		labs_refused(l, &job->shared->report, &refused);
	if (p->place == PROBE_LAB)
		return 0;
	options.place = LAB_IN_PLACE;
	l->in_place = true;
	return lab_open(&l->lab, &options, s->host, e);
}

static void labs_uncopied(const struct labs *l, struct report *r)
{
	struct wording words = {0};
	if (!l->lab || !lab_uncopied(l->lab)[0])
		return;
	wording_set(&words, "why", "%s", lab_uncopied(l->lab));
	report_finding(r, "lab.uncopied", &words);
}

static bool has_experiments(const struct probe *p)
{
	return p->place != PROBE_HOST && probe_experiments(p);
}

#define MODE(mode) (1u << (mode))
#define EXPERIMENTS (MODE(PROBE_SHARED) | MODE(PROBE_EXCLUSIVE))

static bool has_mode(const struct job *job, unsigned modes)
{
	return MODE(job->probe->mode) & modes;
}

static bool experiments_run(const struct schedule *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (has_mode(&s->at[i], EXPERIMENTS) && has_experiments(s->at[i].probe))
			return true;
	return false;
}

static void eventfd_wait(int fd)
{
	struct pollfd event = {.fd = fd, .events = POLLIN};
	while (poll(&event, 1, -1) < 0 && errno == EINTR)
		;
}

/* The quiet window, before the first experiment. */
static bool quiet_wait(void *arg, uint64_t us)
{
	(void)arg;
	trial_sleep_us(us);
	return false;
}

/* An observer's window: at least `us`, and until the other probes have ended. */
static bool window_wait(void *arg, uint64_t us)
{
	const struct schedule *s = arg;
	bool beside = experiments_run(s);
	trial_sleep_us(us);
	if (beside)
		eventfd_wait(s->ended);
	return beside;
}

static const char *unasked(const struct check_options *o)
{
	return o->sysroot ? "experiments need a running machine"
	       : o->quick ? "--quick runs no experiments"
			  : NULL;
}

static struct judging judging_of(const struct schedule *s, const struct job *job)
{
	return (struct judging){.target = &s->options->target,
				.options = &s->options->probe,
				.host = s->host,
				.report = &job->shared->report,
				.progress = job->shared->progress,
				.unasked = unasked(s->options),
				.wait_arg = (void *)s};
}

/* Judges the probe by the settings alone. `missing`: why its experiments did not run; NULL: it has
 * none. */
static int job_inspect(const struct schedule *s, const struct job *job, const char *missing)
{
	struct judging j = judging_of(s, job);
	struct err e = {0};
	report_init(j.report);
	j.missing = missing;
	return judge_probe(job->probe, &j, &e);
}

static void job_report_failure(const struct job *job, bool crashed, const char *why)
{
	struct wording words = {0};
	wording_set(&words, "probe", "%s", job->probe->name);
	wording_set(&words, "crashed", "%s", crashed ? "yes" : "");
	wording_set(&words, "why", "%s", why);
	report_finding(&job->shared->report, "probe.failed", &words);
	job->shared->is.state = crashed ? PROBE_CRASHED : PROBE_FAILED;
}

/* Whether the wall is due with these options. */
static bool wall_due(const struct schedule *s, const struct job *job, const char *wall)
{
	for (const struct experiment *x = job->probe->experiments; x && x->wall; x++)
		if (!strcmp(x->wall, wall))
			return experiment_applies(x, &s->options->probe);
	return true;
}

/* Whether an error left the walls judged as far as they can be. */
static bool job_is_judged(const struct schedule *s, const struct job *job)
{
	const char *name;
	for (size_t i = 0; (name = probe_wall(job->probe, i)); i++)
		if (wall_due(s, job, name) && !report_find(&job->shared->report, name))
			return false;
	return true;
}

static int job_measure_now(const struct schedule *s, const struct job *job)
{
	struct judging j = judging_of(s, job);
	struct labs labs = {0};
	struct err e = {0};
	int rc = 0;
	bool experiments = has_experiments(job->probe);
	bool skipped = s->options->probe.gentle && gently_skips(job->probe);
	if (experiments && !skipped)
		rc = labs_open(&labs, s, job, &e);
	j.lab = labs.lab;
	j.proof = labs.proof;
	if (rc)
		report_text(labs.missing, "%s", e.text);
	if (experiments && !labs.lab)
		j.missing = skipped ? GENTLE_REFUSES : labs.missing;
	if (job->probe->mode == PROBE_OBSERVER)
		j.wait = window_wait;
	else if (job->probe->mode == PROBE_FIRST)
		j.wait = quiet_wait;
	else
		eventfd_wait(s->watched);
	if (labs.lab)
		job->shared->is.isolation = labs.in_place ? ISOLATION_IN_PLACE : ISOLATION_LAB;
	struct err failed = {0};
	int judged = judge_probe(job->probe, &j, &failed);
	labs_uncopied(&labs, j.report);
	labs_close(&labs);
	if (judged && !job_is_judged(s, job))
		return 1;
	if (rc || judged)
		job_report_failure(job, false, rc ? e.text : failed.text);
	return 0;
}

/* With --gentle. What a probe found beside other work that leaves it no CPU time does not count:
 * it is judged by its settings. */
static int job_measure_gently(const struct schedule *s, const struct job *job)
{
	bool waits = has_experiments(job->probe) && !gently_skips(job->probe);
	int status = 0;
	gently_enter(s->host);
	report_text(job->shared->progress, "waiting for an idle CPU");
	if (waits && !gently_idle())
		return job_inspect(s, job, GENTLY_STARVED) ? 1 : 0;
	status = job_measure_now(s, job);
	if (!waits || gently_idle())
		return status;
	job->shared->is.state = PROBE_DONE;
	job->shared->is.isolation = ISOLATION_NONE;
	return job_inspect(s, job, GENTLY_STARVED) ? 1 : 0;
}

/* Runs the probe, in its own process. Returns the exit status. */
static int job_measure(const struct schedule *s, const struct job *job)
{
	return s->options->probe.gentle ? job_measure_gently(s, job) : job_measure_now(s, job);
}

/* Why the experiments of a crashed probe are missed; NULL: it has none. */
static const char *crash_text(const struct job *job, char text[192])
{
	snprintf(text, 192, "probe %s crashed: %s", job->probe->name, job->crash);
	if (job->starved)
		snprintf(text, 192, "%s", GENTLY_STARVED);
	return has_experiments(job->probe) ? text : NULL;
}

/* In a process of its own as well: what crashed the probe may be how it reads settings. */
static int job_reinspect(const struct schedule *s, const struct job *job)
{
	char text[192];
	return job_inspect(s, job, crash_text(job, text)) ? 1 : 0;
}

/* Its settings cannot be judged either: no wall of it has a verdict. */
static void job_unjudge(const struct schedule *s, const struct job *job)
{
	const char *name;
	report_init(&job->shared->report);
	for (size_t i = 0; (name = probe_wall(job->probe, i)); i++) {
		if (!wall_due(s, job, name))
			continue;
		const struct wall_row *row = wall_row_find(name);
		struct wall *w = report_wall(&job->shared->report, name);
		if (row && row->need)
			w->needed = row->need(&s->options->target);
		report_text(w->detail, "Probe %s crashed: %s.", job->probe->name, job->crash);
	}
}

static int job_fork(const struct schedule *s, struct job *job, unsigned seconds,
		    int (*body)(const struct schedule *, const struct job *))
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
		_exit(body(s, job));
	}
	job->pid = pid;
	job->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	job->deadline_ms = now_ms() + seconds * 1000ull;
	job->killed[0] = 0;
	return 0;
}

static unsigned probe_seconds(const struct schedule *s)
{
	unsigned seconds = s->options->probe.gentle ? GENTLE_SECONDS : PROBE_SECONDS;
	return seconds + (unsigned)(s->options->probe.window_us / 1000000);
}

static void job_crashed(const struct job *job)
{
	job_report_failure(job, true, job->crash);
	job->shared->is.isolation = ISOLATION_NONE;
}

/* Its experiments are missed, which their walls say; what watches the machine has no walls. */
static void job_starved(const struct job *job)
{
	job->shared->is.isolation = ISOLATION_NONE;
	if (!has_experiments(job->probe))
		job_report_failure(job, false, GENTLY_STARVED);
}

static void job_start(const struct schedule *s, struct job *job)
{
	int rc = job_fork(s, job, probe_seconds(s), job_measure);
	if (!rc)
		return;
	report_text(job->crash, "its process could not be started: %s", strerror(-rc));
	if (job_reinspect(s, job))
		job_unjudge(s, job);
	job_crashed(job);
}

static void job_interrupted(const struct schedule *s, struct job *job)
{
	report_text(job->crash, "interrupted");
	job_unjudge(s, job);
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
static void job_ended(const struct schedule *s, struct job *job, int status)
{
	char text[sizeof(job->crash)];
	bool again = job->crash[0], failed = job_failed(job, status, text);
	job->pid = 0;
	if (job->pidfd >= 0)
		close(job->pidfd);
	job->pidfd = -1;
	if (failed && !again) {
		report_text(job->crash, "%s", text);
		if (!interrupt_came() && !job_fork(s, job, INSPECT_SECONDS, job_reinspect))
			return;
	}
	if (failed)
		job_unjudge(s, job);
	if (failed || (again && !job->starved))
		job_crashed(job);
	else if (again)
		job_starved(job);
}

static void progress_show(const struct schedule *s)
{
	char line[256] = "";
	for (size_t i = 0; i < s->count; i++) {
		const char *progress = s->at[i].shared->progress;
		if (s->at[i].pid)
			report_append(line, "%s%s%s%s", line[0] ? "; " : "", s->at[i].probe->name,
				      *progress ? ": " : "", progress);
	}
	fprintf(stderr, "\r\033[K%.78s", line);
	fflush(stderr);
}

/* Kills a job after its timeout, or when the check is interrupted. */
static void job_limit(const struct schedule *s, struct job *job)
{
	if (interrupt_came())
		report_text(job->killed, "interrupted");
	else if (now_ms() > job->deadline_ms) {
		report_text(job->killed, "it did not end within %u s and was killed",
			    probe_seconds(s));
		job->starved |= s->options->probe.gentle && !job->crash[0];
	}
	if (job->killed[0])
		kill(job->pid, SIGKILL);
}

/* Kills jobs after their timeout and reaps those that have ended. Returns the number still running.
 */
static size_t jobs_reap(struct schedule *s, unsigned modes)
{
	size_t running = 0;
	for (size_t i = 0; i < s->count; i++) {
		struct job *job = &s->at[i];
		int status = 0;
		if (!job->pid || !has_mode(job, modes))
			continue;
		job_limit(s, job);
		if (waitpid(job->pid, &status, WNOHANG) == job->pid)
			job_ended(s, job, status);
		running += job->pid != 0;
	}
	return running;
}

/* Until one of them ends, or the progress is due. Without pidfds (before 5.3) that is a short poll.
 */
static void jobs_sleep(const struct schedule *s, unsigned modes)
{
	struct pollfd ends[PROBES];
	nfds_t count = 0;
	bool blind = false;
	for (size_t i = 0; i < s->count; i++) {
		const struct job *job = &s->at[i];
		if (!job->pid || !has_mode(job, modes))
			continue;
		blind |= job->pidfd < 0;
		ends[count++] = (struct pollfd){.fd = job->pidfd, .events = POLLIN};
	}
	poll(ends, count, blind ? 5 : s->options->progress ? PROGRESS_MS : 1000);
}

static void schedule_wait(struct schedule *s, unsigned modes)
{
	uint64_t shown = 0;
	while (jobs_reap(s, modes)) {
		if (s->options->progress && now_ms() - shown >= PROGRESS_MS) {
			progress_show(s);
			shown = now_ms();
		}
		jobs_sleep(s, modes);
	}
	if (shown)
		fputs("\r\033[K", stderr);
}

/* Observers wait for the other probes: their time begins when those have ended. */
static void observers_end(struct schedule *s)
{
	eventfd_write(s->ended, 1);
	for (size_t i = 0; i < s->count; i++)
		s->at[i].deadline_ms = now_ms() + probe_seconds(s) * 1000ull;
	schedule_wait(s, MODE(PROBE_OBSERVER));
}

/* Whether the job runs beside no other experiment. */
static bool is_alone(const struct schedule *s, const struct job *job)
{
	return has_mode(job, s->options->probe.gentle ? EXPERIMENTS : MODE(PROBE_EXCLUSIVE));
}

/* All but those that run alone at once: they open their labs while those that come first watch the
 * quiet machine, and then run beside each other. The others follow one at a time. */
static void schedule_run(struct schedule *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (!is_alone(s, &s->at[i]))
			job_start(s, &s->at[i]);
	schedule_wait(s, MODE(PROBE_FIRST));
	eventfd_write(s->watched, 1);
	schedule_wait(s, EXPERIMENTS);
	for (size_t i = 0; i < s->count; i++) {
		if (!is_alone(s, &s->at[i]))
			continue;
		if (interrupt_came()) {
			job_interrupted(s, &s->at[i]);
			continue;
		}
		job_start(s, &s->at[i]);
		schedule_wait(s, EXPERIMENTS);
	}
	observers_end(s);
}

/* Reads the settings of all. */
static void schedule_inspect(struct schedule *s)
{
	for (size_t i = 0; i < s->count; i++) {
		struct job *job = &s->at[i];
		if (!job_inspect(s, job, NULL))
			continue;
		report_text(job->crash, "its settings could not be judged");
		job_unjudge(s, job);
		job_report_failure(job, true, job->crash);
	}
}

static bool probe_wanted(const char *names, const char *name)
{
	size_t length = strlen(name);
	for (const char *at = names; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
		if (!strncmp(at, name, length) && (at[length] == ',' || !at[length]))
			return true;
	return !names;
}

static int probes_known(const char *names, struct err *e)
{
	char name[64];
	for (const char *at = names; at && *at;
	     at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',')) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, ","), at);
		if (!probe_find(name))
			return err_set(e, EINVAL, "no probe \"%s\"; epolltune list probes", name);
	}
	return 0;
}

/* The weakest that a probe with experiments had; none without such a probe. */
static enum report_isolation isolation_of(const struct schedule *s)
{
	enum report_isolation is = ISOLATION_NONE;
	if (s->options->sysroot)
		return ISOLATION_SYSROOT;
	for (size_t i = 0; i < s->count; i++) {
		enum report_isolation one = s->at[i].shared->is.isolation;
		if (one == ISOLATION_IN_PLACE)
			return one;
		if (one == ISOLATION_LAB)
			is = one;
	}
	return is;
}

/* Addresses that a report names. */
#define ADDRESSES_NAMED 3

static void server_describe(const char *asked, const struct subject *s, struct report_server *out)
{
	const char *last = "";
	size_t count = 0;
	report_text(out->asked, "%s", asked);
	report_text(out->name, "%s", s->name);
	report_text(out->unit, "%s", s->unit);
	out->pid = s->pid;
	out->processes = s->accepting;
	for (size_t i = 0; i < s->listeners.count; i++) {
		const char *address = s->listeners.at[i].address;
		if (!strcmp(address, last))
			continue;
		last = address;
		if (count++ < ADDRESSES_NAMED)
			report_append(out->addresses, "%s%s", count > 1 ? ", " : "", address);
	}
	if (count > ADDRESSES_NAMED)
		report_append(out->addresses, " and %zu more", count - ADDRESSES_NAMED);
}

static void report_head(const struct schedule *s, struct report *out)
{
	struct host_facts facts;
	struct host_identity identity;
	struct err unread;
	const struct check_options *o = s->options;
	report_init(out);
	clock_gettime(CLOCK_REALTIME, &out->time);
	host_facts(s->host, &facts);
	report_text(out->host.name, "%s", facts.name);
	report_text(out->host.kernel, "%s", facts.kernel);
	if (host_identity(s->host, &identity, &unread) == 0) {
		report_text(out->host.boot, "%s", identity.boot);
		report_text(out->host.netns, "%s", identity.netns);
	}
	out->host.cpus = facts.cpus;
	out->host.memory_bytes = facts.memory_bytes;
	out->host.isolation = isolation_of(s);
	out->target = o->target;
	report_text(out->probes, "%s", o->probes ? o->probes : "");
	out->backlog = o->probe.backlog;
	out->quick = o->quick;
	out->gentle = o->probe.gentle;
	report_text(out->enter, "%s", s->enter);
	if (o->probe.subject)
		server_describe(o->server, o->probe.subject, &out->server);
	out->require_measured = o->measured;
}

static void report_join_jobs(const struct schedule *s, struct report *out)
{
	for (size_t i = 0; i < s->count; i++) {
		report_join(out, &s->at[i].shared->report);
		if (out->probe_count < REPORT_PROBES)
			out->ran[out->probe_count++] = s->at[i].shared->is;
	}
	report_sort(out);
}

static void jobs_choose(struct schedule *s, struct shared *shared)
{
	for (size_t i = 0; i < probe_count() && s->count < PROBES; i++) {
		if (!probe_wanted(s->options->probes, probe_at(i)->name))
			continue;
		struct job *job = &s->at[s->count];
		*job = (struct job){.probe = probe_at(i), .shared = &shared[s->count], .pidfd = -1};
		report_init(&job->shared->report);
		report_text(job->shared->is.name, "%s", job->probe->name);
		job->shared->is.isolation =
			s->options->sysroot ? ISOLATION_SYSROOT : ISOLATION_NONE;
		s->count++;
	}
}

/* Only probe counters compares with an earlier report: without it "nothing was lost" is not known.
 */
static int since_compared(const struct check_options *o, struct err *e)
{
	if (!o->probe.since || probe_wanted(o->probes, "counters"))
		return 0;
	return err_set(e, EINVAL, "check: --since needs probe counters; add it to --probe %s",
		       o->probes);
}

static void shared_unmap(struct shared **shared)
{
	if (*shared)
		munmap(*shared, PROBES * sizeof(**shared));
}

static int host_choose(const struct check_options *o, struct host **host, struct err *e)
{
	int rc = host_open(host, o->sysroot ? o->sysroot : "/", e);
	if (rc || !o->sysroot)
		return rc;
	if (host_live(*host))
		return err_set(e, EINVAL, "--sysroot %s is this machine, not a captured one",
			       o->sysroot);
	if (!host_has(*host, "proc/sys"))
		return err_set(e, EINVAL,
			       "--sysroot %s is not a captured machine: it has no proc/sys",
			       o->sysroot);
	return 0;
}

static int netns_enter(const char *where, char enter[REPORT_ENTER], struct err *e)
{
	bool pid = strspn(where, "0123456789") == strlen(where);
	if (pid)
		report_text_into(enter, REPORT_ENTER, "nsenter --net=/proc/%s/ns/net", where);
	else
		report_text_into(enter, REPORT_ENTER, "nsenter --net=%s%s",
				 strchr(where, '/') ? "" : "/run/netns/", where);
	return host_enter_netns(where, e);
}

static int subject_enter(const struct check_options *o, struct host **host, struct subject *subject,
			 char enter[REPORT_ENTER], struct err *e)
{
	char pid[16];
	snprintf(pid, sizeof(pid), "%d", (int)subject->pid);
	subject_free(subject);
	if (o->stay)
		return err_remedy(e,
				  "apply changes this one only; run: nsenter --net=/proc/%s/ns/net "
				  "epolltune apply --server %s",
				  pid, o->server);
	host_close(*host);
	*host = NULL;
	int rc = netns_enter(pid, enter, e);
	if (!rc)
		rc = host_choose(o, host, e);
	if (!rc)
		rc = subject_find(*host, o->server, true, subject, e);
	return rc == -EXDEV ? err_recode(e, ENOENT) : rc;
}

/* Opens the machine, in the network namespace of the server if one is named. */
static int subject_choose(const struct check_options *o, struct host **host,
			  struct subject *subject, char enter[REPORT_ENTER], struct err *e)
{
	int rc = o->netns ? netns_enter(o->netns, enter, e) : 0;
	if (!rc)
		rc = host_choose(o, host, e);
	if (!rc && o->server)
		rc = subject_find(*host, o->server, o->netns, subject, e);
	return rc == -EXDEV ? subject_enter(o, host, subject, enter, e) : rc;
}

int check_run(const struct check_options *given, struct report *out, struct err *e)
{
	CLEAN(subject_free) struct subject subject = {0};
	CLEAN(host_closep) struct host *host = NULL;
	CLEAN(shared_unmap) struct shared *shared = NULL;
	CLEAN(close_fd) int watched = eventfd(0, EFD_CLOEXEC);
	CLEAN(close_fd) int ended = eventfd(0, EFD_CLOEXEC);
	struct check_options options = *given, *o = &options;
	struct schedule s = {.options = o, .watched = watched, .ended = ended};
	if (watched < 0 || ended < 0)
		return err_errno(e, "an eventfd for the probes");
	int rc = probes_known(o->probes, e);
	if (!rc)
		rc = since_compared(o, e);
	if (!rc)
		rc = subject_choose(o, &host, &subject, s.enter, e);
	if (!rc)
		rc = since_check(o, host, e);
	if (rc)
		return rc;
	o->probe.subject = o->server ? &subject : NULL;
	void *memory = mmap(NULL, PROBES * sizeof(*shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return err_errno(e, "memory for the probes' reports");
	shared = memory;
	s.host = host;
	jobs_choose(&s, shared);
	if (!unasked(o))
		schedule_run(&s);
	else
		schedule_inspect(&s);
	report_head(&s, out);
	report_join_jobs(&s, out);
	return 0;
}
