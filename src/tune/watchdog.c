#include "tune/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "host/compat.h"
#include "tune/journal.h"
#include "tune/undo.h"

#define WATCHDOG_CHANNEL 3

uint64_t watchdog_clock_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

unsigned long long watchdog_seconds_left(uint64_t deadline_ms)
{
	uint64_t now = watchdog_clock_ms();
	return now < deadline_ms ? (deadline_ms - now + 999) / 1000 : 0;
}

struct confirm_watch {
	const char *state_dir;
	struct change_site *site;
	unsigned run;
	uint64_t confirm_s, limit_s; /* of watchdog_start() */
	uint64_t deadline_ms;
	struct journal known; /* as last read: a lost journal does not prevent the rollback */
};

/* The watched run; NULL if a new journal has another run of that number. */
static struct run *watched(struct confirm_watch *w, struct journal *j)
{
	struct run *r = journal_find(j, w->run), *known = journal_find(&w->known, w->run);
	if (!r || !known)
		return r;
	bool same =
		r->time == known->time && !strcmp(r->boot, known->boot) &&
		!strcmp(r->netns, known->netns) && !strcmp(r->by, known->by) &&
		!strcmp(r->command, known->command) &&
		(!r->deadline_ms || !known->deadline_ms || r->deadline_ms == known->deadline_ms);
	return same ? r : NULL;
}

/* Takes what was read as known if it has the run. */
static bool known_replace(struct confirm_watch *w, struct journal *j)
{
	bool has = watched(w, j);
	journal_close(has ? &w->known : j);
	if (has)
		w->known = *j;
	return has;
}

/* Whether the run is neither confirmed nor rolled back, by the journal as it was last read if it is
 * lost, damaged or replaced: a decision that came just before that is in the file that is open. */
static bool undecided(struct confirm_watch *w)
{
	struct journal j;
	const struct run *r = journal_find(&w->known, w->run);
	if (r && !journal_changed(&w->known))
		return run_is_open(r);
	bool read = journal_open(&j, w->state_dir, JOURNAL_READ, NULL) == 0 && known_replace(w, &j);
	if (!read && r && journal_reread(&w->known, &j, NULL) == 0)
		known_replace(w, &j);
	r = journal_find(&w->known, w->run);
	return !r || run_is_open(r);
}

/* Waits until the deadline; false if the run was decided before. Looks at the journal when it
 * changes, and each second: inotify may be refused, and the clock runs on while the machine is
 * suspended. */
static bool wait_for_deadline(struct confirm_watch *w)
{
	char path[JOURNAL_PATH + sizeof(JOURNAL_FILE)], events[4096];
	snprintf(path, sizeof(path), "%s/" JOURNAL_FILE, w->state_dir);
	CLEAN(close_fd) int changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (changes >= 0)
		inotify_add_watch(changes, path, IN_MODIFY);
	while (undecided(w)) {
		uint64_t now = watchdog_clock_ms();
		if (now >= w->deadline_ms)
			return true;
		uint64_t left = w->deadline_ms - now;
		struct pollfd p = {changes, POLLIN, 0};
		poll(&p, 1, (int)(left < 1000 ? left : 1000));
		while (changes >= 0 && read(changes, events, sizeof(events)) > 0)
			;
	}
	return false;
}

/* Opens the journal for writing; if that fails, returns it as last read, to restore values only. */
static struct journal *open_journal(struct confirm_watch *w, struct journal *j)
{
	struct err e;
	uint64_t until = watchdog_clock_ms() + WATCHDOG_PATIENCE_MS;
	do {
		e.code = 0;
		if (journal_open(j, w->state_dir, JOURNAL_WRITE, &e) == 0) {
			if (watched(w, j))
				return j;
			journal_close(j);
		}
	} while (e.code == EBUSY && watchdog_clock_ms() < until);
	undecided(w);
	return &w->known;
}

static void roll_back(struct confirm_watch *w)
{
	struct journal opened = JOURNAL_CLOSED, *j = open_journal(w, &opened);
	struct run *r = journal_find(j, w->run);
	if (r && !r->confirmed && run_is_open(r)) {
		struct err e;
		struct undo u = {
			.site = w->site, .by = "the watchdog of --confirm", .reason = UNDO_LATE};
		undo_run(&u, j, r, &e);
	}
	journal_close(&opened);
}

/* Waits until the deadline is set, the process that sets it ends, or the limit has passed. Returns
 * whether it is set. */
static bool read_deadline(struct confirm_watch *w)
{
	uint64_t until = watchdog_clock_ms() + w->limit_s * 1000, deadline;
	struct pollfd p = {WATCHDOG_CHANNEL, POLLIN, 0};
	uint64_t now = watchdog_clock_ms();
	int ready = 0;
	while (ready <= 0 && now < until) {
		ready = poll(&p, 1, (int)(until - now < 1000 ? until - now : 1000));
		now = watchdog_clock_ms();
	}
	bool ended = ready > 0;
	bool set = ended && TEMP_FAILURE_RETRY(read(WATCHDOG_CHANNEL, &deadline,
						    sizeof(deadline))) == sizeof(deadline);
	w->deadline_ms = set ? deadline : ended ? now + w->confirm_s * 1000 : now;
	return set;
}

static void watch_run(struct confirm_watch *w)
{
	static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGTSTP, SIGALRM};
	sigset_t none;
	sigemptyset(&none);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigprocmask(SIG_SETMASK, &none, NULL);
	struct err e;
	if (journal_watch(w->state_dir, w->run, &e) < 0)
		return;
	if (write(WATCHDOG_CHANNEL, "", 1) != 1) /* ready */
		return;
	bool armed = read_deadline(w);
	/* Reads what to roll back, in case the journal is lost later. Exits without an answer if
	 * the run is not there. */
	undecided(w);
	const struct run *r = journal_find(&w->known, w->run);
	if (armed && !r)
		return;
	/* A process that ended before it set the deadline may have recorded it. */
	if (!armed && r && r->deadline_ms)
		w->deadline_ms = r->deadline_ms;
	if (armed)
		send(WATCHDOG_CHANNEL, "", 1, MSG_NOSIGNAL);
	close(WATCHDOG_CHANNEL);
	if (wait_for_deadline(w))
		roll_back(w);
}

/* Closes what it inherited: terminal, lock, directory. */
static bool detach(int channel)
{
	int null = open("/dev/null", O_RDWR);
	if (null < 0 || setsid() < 0 || chdir("/") < 0)
		return false;
	for (int fd = 0; fd <= 2; fd++)
		if (dup2(null, fd) < 0)
			return false;
	return channel == WATCHDOG_CHANNEL || dup2(channel, WATCHDOG_CHANNEL) >= 0;
}

static bool start(struct confirm_watch *w, int channel)
{
	if (!detach(channel))
		return false;
	pid_t pid = fork(); /* not a session leader: cannot reacquire a controlling tty */
	if (pid != 0)
		return pid > 0;
	struct err e;
	struct host *host = NULL;
	closefrom(WATCHDOG_CHANNEL + 1);
	prctl(PR_SET_NAME, "epolltune-watch");
	if (host_open(&host, "/", &e) < 0)
		_exit(1);
	struct change_site site = {.host = host, .root = w->site->root, .files = host};
	w->site = &site;
	watch_run(w);
	_exit(0);
}

static bool answered(int channel)
{
	char ready;
	ssize_t n = TEMP_FAILURE_RETRY(read(channel, &ready, 1));
	return n == 1;
}

int watchdog_start(struct watchdog *handle, const char *state_dir, struct change_site *site,
		   unsigned run, uint64_t confirm_s, uint64_t limit_s, struct err *e)
{
	handle->channel = -1;
	CLEAN(free_pointer) char *path = realpath(state_dir, NULL);
	int ends[2];
	if (!path)
		return err_errno(e, "cannot find the state directory %s", state_dir);
	if (strlen(path) >= JOURNAL_PATH)
		return err_set(e, ENAMETOOLONG,
			       "the name of the state directory is too long: %.80s…", path);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_errno(e, "cannot start the rollback watchdog");
	fflush(NULL);
	struct confirm_watch w = {.state_dir = path,
				  .site = site,
				  .run = run,
				  .confirm_s = confirm_s,
				  .limit_s = limit_s,
				  .known = JOURNAL_CLOSED};
	pid_t pid = fork();
	if (pid == 0)
		_exit(!start(&w, ends[1]));
	close(ends[1]);
	int status = -1;
	if (pid > 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	if (pid < 0 || status || !answered(ends[0])) {
		close(ends[0]);
		return err_set(e, ECHILD,
			       "the rollback watchdog did not start: nothing was changed");
	}
	handle->channel = ends[0];
	return 0;
}

int watchdog_arm(struct watchdog *handle, uint64_t deadline_ms, struct err *e)
{
	if (send(handle->channel, &deadline_ms, sizeof(deadline_ms), MSG_NOSIGNAL) !=
		    sizeof(deadline_ms) ||
	    !answered(handle->channel))
		return err_set(e, ECHILD, "the rollback watchdog has exited");
	return 0;
}

void watchdog_leave(struct watchdog *handle) { close_fd(&handle->channel); }
