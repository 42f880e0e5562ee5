/* watch: each limit and its use, one look after another: on a screen, as lines, as metrics, or in a
 * recording. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/shell.h"
#include "check/check.h"
#include "commands/command.h"
#include "commands/target_options.h"
#include "epolltune/cleanup.h"
#include "report/output.h"
#include "report/watch.h"
#include "terminal/terminal.h"
#include "topics/topic.h"
#include "watch/read.h"
#include "watch/record.h"

#define INTERVAL_MIN_US 100000
#define RECORD_MIN ((uint64_t)1 << 20)

/* In the order of --format. */
enum watch_format { FORMAT_TEXT, FORMAT_JSONL, FORMAT_PROMETHEUS, FORMAT_OPENMETRICS };

struct arguments {
	const char *server, *output, *record, *replay, *color;
	uint64_t interval_us, count, record_bytes;
	enum watch_format format;
};

static bool is_metrics(const struct arguments *a) { return a->format >= FORMAT_PROMETHEUS; }

enum { POLL_TIMER, POLL_SIGNALS, POLL_TERMINAL, POLLS };

struct session {
	const struct arguments *a;
	struct watcher *watcher; /* NULL: a replay */
	struct replay *replay;
	struct recording *recording; /* NULL: none */
	struct watch watch;
	struct watch_sample sample;
	struct watch_view view;
	bool chosen; /* the row that is selected is `selected`; otherwise it is the nearest one */
	struct watch_gauge selected;
	struct terminal terminal;
	struct render_style style;
	bool screen, paused, ended; /* the replay has ended */
	bool begun;                 /* the first look is done */
	/* The last look: it could not be taken, its metrics not written, it not recorded. */
	bool unread, unwritten, unrecorded;
	uint64_t intervals;
	int timer, signals;
	pid_t child; /* explain or check, which has the terminal; 0: none */
	bool left;   /* it has exited, and waits for a key */
	bool quit;
};

static void selected_find(struct session *s)
{
	s->view.selected = 0;
	for (size_t i = 0; s->chosen && i < s->watch.count; i++)
		if (watch_same(&s->watch.nearest[i]->now, &s->selected))
			s->view.selected = i;
}

static void select_row(struct session *s, size_t row)
{
	if (!s->watch.count)
		return;
	if (row >= s->watch.count)
		row = s->watch.count - 1;
	s->view.selected = row;
	s->selected = s->watch.nearest[row]->now;
	/* The first row is the nearest wall, which may be another one soon. */
	s->chosen = row > 0;
	if (!row)
		s->view.top = 0;
}

static void show(struct session *s)
{
	char *text = NULL, state[96];
	size_t size = 0;
	FILE *out;
	if (s->terminal.mode != TERMINAL_SCREEN || !(out = open_memstream(&text, &size)))
		return;
	report_text(state, "%s%s", s->replay ? "replay" : "every ",
		    s->replay ? "" : quantity_show(QUANTITY_DURATION, s->a->interval_us).text);
	if (s->ended)
		report_append(state, ", at its end");
	else if (s->paused)
		report_append(state, ", paused");
	if (s->unread)
		report_append(state, ", cannot read");
	if (s->recording)
		report_append(state, s->unrecorded ? ", cannot record" : ", recording");
	selected_find(s);
	s->style.width = s->terminal.width;
	s->view.height = s->terminal.height;
	s->view.state = state;
	s->view.keys = s->replay ? "q quit · ↑ ↓ select · e explain · space pause · → step"
				 : "q quit · ↑ ↓ select · e explain · c check · space pause";
	watch_screen(out, &s->watch, &s->view, &s->style);
	fclose(out);
	terminal_draw(&s->terminal, text);
}

static int metrics_write(FILE *out, void *session, struct err *e)
{
	const struct session *s = session;
	return watch_metrics(out, &s->watch, s->a->format == FORMAT_OPENMETRICS, e);
}

/* A disk that is full for some time, or a limit of the machine that leaves no descriptor to read
 * the others with, does not end the watch, which is to show that: what fails at the first look
 * does. It is reported once. *failed: whether it failed at the look before. */
static int failure_report(const struct session *s, int rc, bool *failed, const struct err *e)
{
	if (rc && !s->begun)
		return rc;
	if (rc && !*failed && !s->screen)
		command_error(e);
	*failed = rc < 0;
	return 0;
}

/* Metrics of one look are whole, and not to be followed by those of another. */
static int metrics_replace(struct session *s, struct err *e)
{
	int rc = output_replace(s->a->output, metrics_write, s, e);
	return failure_report(s, rc, &s->unwritten, e);
}

static int record(struct session *s, struct err *e)
{
	int rc = s->recording ? recording_add(s->recording, &s->watch, e) : 0;
	return failure_report(s, rc, &s->unrecorded, e);
}

static int line_write(struct session *s, struct err *e)
{
	if (is_metrics(s->a))
		return s->a->output ? metrics_replace(s, e) : 0;
	if (s->a->format == FORMAT_JSONL)
		watch_json(stdout, &s->watch);
	else
		watch_lines(stdout, &s->watch, &s->style);
	return render_flush(stdout, "the watch", e);
}

/* Takes the next look, of this machine or of the recording. 1: there is none. One that cannot be
 * read is left out. */
static int look(struct session *s, struct err *e)
{
	int rc = 0;
	if (s->replay) {
		rc = replay_next(s->replay, &s->sample, e);
		s->ended = !rc;
		if (rc <= 0)
			return rc < 0 ? rc : 1;
	} else {
		rc = watch_read(s->watcher, &s->sample, e);
		rc = failure_report(s, rc, &s->unread, e);
		if (rc || s->unread)
			return rc;
	}
	rc = watch_add(&s->watch, &s->sample, e);
	if (!rc)
		rc = record(s, e);
	if (!rc && !s->screen)
		rc = line_write(s, e);
	s->begun = true;
	return rc;
}

/* Gives the terminal to another command until a key is pressed after it. */
static int command_start(struct session *s, int argc, const char **argv, struct err *e)
{
	int rc = terminal_enter(&s->terminal, TERMINAL_OFF, e);
	if (rc)
		return rc;
	printf("$");
	for (int i = 0; i < argc; i++) {
		char word[256];
		shell_word(word, sizeof(word), argv[i]);
		printf(" %s", word);
	}
	printf("\n\n");
	fflush(stdout);
	s->child = fork();
	if (s->child < 0) {
		s->child = 0;
		return err_errno(e, "fork");
	}
	if (!s->child) {
		char *words[8] = {0};
		sigset_t none;
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		for (int i = 0; i < argc; i++)
			words[i] = strdup(argv[i]);
		int status = command_main(argc, words);
		fflush(stdout);
		_exit(status);
	}
	return 0;
}

static int explain_start(struct session *s, struct err *e)
{
	const char *words[] = {"epolltune", "explain",
			       s->watch.nearest[s->view.selected]->now.kind->wall};
	return command_start(s, 3, words, e);
}

static int check_start(struct session *s, struct err *e)
{
	const struct watch_gauge *g = &s->watch.nearest[s->view.selected]->now;
	const char *words[] = {
		"epolltune", "check",  "--gentle", "--probe", wall_probe(g->kind->wall),
		"--server",  g->server};
	return command_start(s, g->server[0] ? 7 : 5, words, e);
}

static int child_ended(struct session *s, struct err *e)
{
	int status;
	if (!s->child || waitpid(s->child, &status, WNOHANG) != s->child)
		return 0;
	s->child = 0;
	s->left = true;
	printf("\nPress a key to return to the watch.\n");
	fflush(stdout);
	return terminal_enter(&s->terminal, TERMINAL_KEYS, e);
}

static int key_take(struct session *s, int key, struct err *e)
{
	if (s->left) {
		s->left = false;
		return terminal_enter(&s->terminal, TERMINAL_SCREEN, e);
	}
	selected_find(s);
	size_t row = s->view.selected, page = s->terminal.height / 2;
	switch (key) {
	case 'q':
		s->quit = true;
		break;
	case ' ':
		s->paused = !s->paused && !s->recording; /* which has no gaps */
		break;
	case 'k':
	case KEY_UP:
		select_row(s, row ? row - 1 : 0);
		break;
	case 'j':
	case KEY_DOWN:
		select_row(s, row + 1);
		break;
	case KEY_PAGE_UP:
		select_row(s, row > page ? row - page : 0);
		break;
	case KEY_PAGE_DOWN:
		select_row(s, row + page);
		break;
	case KEY_HOME:
		select_row(s, 0);
		break;
	case KEY_END:
		select_row(s, s->watch.count);
		break;
	case 'e':
		return s->watch.count ? explain_start(s, e) : 0;
	case 'c':
		return s->watch.count && !s->replay ? check_start(s, e) : 0;
	case KEY_RIGHT:
		if (s->replay) {
			int rc = look(s, e);
			return rc < 0 ? rc : 0;
		}
		break;
	default:
		break;
	}
	return 0;
}

static int keys_take(struct session *s, struct err *e)
{
	int keys[TERMINAL_KEYS_MAX];
	int count = terminal_keys(&s->terminal, keys), rc = 0;
	if (count < 0)
		s->quit = true;
	/* What is typed while a command has the terminal is that command's. */
	for (int i = 0; i < count && !rc && !s->quit && !s->child; i++)
		rc = key_take(s, keys[i], e);
	return rc;
}

static int signal_take(struct session *s, struct err *e)
{
	struct signalfd_siginfo one;
	if (read(s->signals, &one, sizeof(one)) != sizeof(one))
		return 0;
	switch (one.ssi_signo) {
	case SIGCHLD:
		return child_ended(s, e);
	case SIGWINCH:
		terminal_measure(&s->terminal);
		return 0;
	case SIGTSTP:
		return terminal_suspend(&s->terminal, e);
	case SIGCONT:
		return terminal_enter(&s->terminal, s->terminal.mode, e);
	case SIGINT:
	case SIGQUIT:
		/* They went to the command that has the terminal too. */
		s->quit = !s->child;
		return 0;
	default:
		s->quit = true;
		return 0;
	}
}

static int tick(struct session *s, struct err *e)
{
	uint64_t expired = 0;
	if (read(s->timer, &expired, sizeof(expired)) != sizeof(expired))
		return 0;
	if (s->paused)
		return 0;
	int rc = look(s, e);
	s->intervals++;
	/* A replay that has ended stays on the screen. */
	if ((rc > 0 && !s->screen) || (s->a->count && s->intervals >= s->a->count))
		s->quit = true;
	return rc < 0 ? rc : 0;
}

static int session_run(struct session *s, struct err *e)
{
	int rc = look(s, e);
	while (rc >= 0 && !s->quit) {
		show(s);
		struct pollfd polls[POLLS] = {
			[POLL_TIMER] = {s->timer, POLLIN, 0},
			[POLL_SIGNALS] = {s->signals, POLLIN, 0},
			[POLL_TERMINAL] = {s->child ? -1 : s->terminal.fd,
					   (short)(POLLIN | (s->terminal.frame ? POLLOUT : 0)), 0},
		};
		if (poll(polls, POLLS, -1) < 0 && errno != EINTR)
			return err_errno(e, "poll");
		rc = 0;
		if (polls[POLL_SIGNALS].revents)
			rc = signal_take(s, e);
		if (!rc && polls[POLL_TERMINAL].revents & POLLOUT)
			terminal_flush(&s->terminal);
		if (!rc && polls[POLL_TERMINAL].revents & ~POLLOUT)
			rc = keys_take(s, e);
		if (!rc && polls[POLL_TIMER].revents)
			rc = tick(s, e);
	}
	return rc < 0 ? rc : 0;
}

/* Those that stop a process stop it where it has no screen. What the caller ignores stays so. */
static int signals_open(struct session *s, struct err *e)
{
	static const int taken[] = {SIGINT,  SIGTERM,  SIGHUP,  SIGQUIT,
				    SIGCHLD, SIGWINCH, SIGTSTP, SIGCONT};
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < (s->screen ? 8 : 4); i++)
		if (!interrupt_ignored(taken[i]))
			sigaddset(&set, taken[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signals < 0 ? err_errno(e, "signalfd") : 0;
}

static int timer_open(struct session *s, struct err *e)
{
	uint64_t us = s->a->interval_us;
	/* Lines of a recording need not be waited for. */
	if (s->replay && !s->screen)
		us = 1;
	const struct timespec every = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};
	const struct itimerspec both = {every, every};
	s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return s->timer < 0 || timerfd_settime(s->timer, 0, &both, NULL) < 0
		       ? err_errno(e, "timerfd")
		       : 0;
}

static int session_open(struct session *s, struct err *e)
{
	const struct arguments *a = s->a;
	s->screen = a->format == FORMAT_TEXT && render_terminal(STDOUT_FILENO);
	s->style = render_style_for(stdout, a->color);
	s->watch.interval_s = a->replay ? 0 : (double)a->interval_us / 1e6;
	int rc = a->replay ? replay_open(&s->replay, a->replay, e)
			   : watcher_open(&s->watcher, a->server, e);
	if (!rc && a->record)
		rc = recording_open(&s->recording, a->record, a->record_bytes, e);
	if (!rc)
		rc = signals_open(s, e);
	if (!rc)
		rc = timer_open(s, e);
	if (!rc && s->screen)
		rc = terminal_open(&s->terminal, e);
	return rc || !s->screen ? rc : terminal_enter(&s->terminal, TERMINAL_SCREEN, e);
}

static void session_close(struct session *s)
{
	if (s->child > 0) {
		kill(s->child, SIGTERM);
		waitpid(s->child, NULL, 0);
	}
	terminal_close(&s->terminal);
	watcher_close(&s->watcher);
	replay_close(&s->replay);
	recording_close(&s->recording);
	watch_free(&s->watch);
	close_fd(&s->timer);
	close_fd(&s->signals);
	free(s);
}

static int arguments_check(const struct arguments *a, const struct given *given, struct err *e)
{
	if (a->replay && (a->server || a->record || a->output))
		return err_set(e, EINVAL, "watch: --replay shows a recording; it takes no --%s",
			       a->server   ? "server"
			       : a->record ? "record"
					   : "output");
	if (a->output && !is_metrics(a))
		return err_set(e, EINVAL,
			       "watch: --output needs --format prometheus or openmetrics");
	if (is_metrics(a) && !a->output && !a->count && !a->replay)
		return err_set(e, EINVAL, "watch: metrics need --output FILE or --count N");
	if (!a->record && given_option(given, "record-size"))
		return err_set(e, EINVAL, "watch: --record-size needs --record");
	return given_check(given, 0, e);
}

static int watch(void *arguments, const struct given *given)
{
	struct arguments *a = arguments;
	struct err e = {0};
	if (a->output && !strcmp(a->output, "-"))
		a->output = NULL;
	if (arguments_check(a, given, &e))
		return command_error(&e);
	struct session *s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(&e, ENOMEM, "watch: out of memory"), command_error(&e);
	s->a = a;
	s->terminal.fd = s->timer = s->signals = -1;
	int rc = session_open(s, &e);
	/* The screen starts other commands. */
	if (!rc && a->replay && !s->screen)
		command_confine(NULL);
	if (!rc)
		rc = session_run(s, &e);
	bool whole = !s->screen && (s->ended || (a->count && s->intervals >= a->count));
	if (!rc && whole && is_metrics(a) && !a->output && s->watch.looks && !s->unread)
		rc = metrics_write(stdout, s, &e);
	enum wall_verdict worst = s->watch.worst;
	bool gone = s->watch.server[0] && !watch_listens(&s->watch);
	bool failed = s->unread || s->unwritten || s->unrecorded;
	session_close(s);
	if (rc)
		return command_error(&e);
	if (whole && failed)
		return EXIT_UNKNOWN;
	if (whole && gone && worst != VERDICT_SHORT)
		return EXIT_UNKNOWN;
	return !whole || worst == VERDICT_OK ? EXIT_OK
	       : worst == VERDICT_TIGHT      ? EXIT_WARNING
					     : EXIT_CRITICAL;
}

static const struct arguments defaults = {
	.color = "auto",
	.interval_us = 1000000,
	.record_bytes = (uint64_t)64 << 20,
};
#define AT(member) OPTION_AT(struct arguments, member)
static const struct option_row options[] = {
	{"server", "WHO", "watch this server: pid, unit, :PORT, ADDRESS:PORT, unix:PATH, name",
	 AT(server), TEXT(NULL)},
	{"interval", "TIME", "time between two readings", AT(interval_us),
	 NUMBER(DURATION, INTERVAL_MIN_US, HOUR_US)},
	{"count", "N", "end after N intervals (default: at q or a signal)", AT(count),
	 NUMBER(COUNT, 1, 1000000000), .explained = true},
	{"format", "FORMAT", "", AT(format), CHOICE("text,jsonl,prometheus,openmetrics")},
	OUTPUT_OPTION("metrics", AT(output)),
	{"record", "FILE", "append a line each interval to FILE; --record-size bounds it",
	 AT(record), TEXT_OF(FILES)},
	{"record-size", "SIZE", "maximum size of FILE and FILE.1 together", AT(record_bytes),
	 NUMBER(SIZE, RECORD_MIN, INT64_MAX)},
	{"replay", "FILE", "show a recording", AT(replay), TEXT_OF(FILES)},
	COLOR_OPTION(AT(color)),
	{0},
};

const struct command watch_command = {
	.name = "watch",
	.arguments = "",
	.summary = "Watch queues and limits on one screen, the nearest wall first",
	.options = options,
	.defaults = &defaults,
	.size = sizeof(defaults),
	.run = watch,
};
