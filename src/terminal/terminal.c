#include "terminal/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The alternate screen, no cursor, and lines that are too long are cut (xterm's control sequences).
 */
#define SCREEN_ON "\033[?1049h\033[?25l\033[?7l\033[2J"
/* Ends a sequence of a frame that was cut. */
#define CANCEL "\030"
#define SCREEN_OFF "\033[0m\033[?7h\033[?25h\033[?1049l"

/* What a fatal signal restores. */
static struct {
	volatile sig_atomic_t fd, screen; /* fd -1: nothing */
	struct termios was;
} crash = {.fd = -1};

static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS};

/* How long a slow terminal may take for what restores it. */
#define PUT_MS 2000

static void put(int fd, const char *text) { (void)!write(fd, text, strlen(text)); }

/* All of the text, also where a frame has filled the terminal's buffer. */
static void put_all(int fd, const char *text)
{
	struct pollfd ready = {fd, POLLOUT, 0};
	for (size_t left = strlen(text); left && poll(&ready, 1, PUT_MS) == 1;) {
		ssize_t n = write(fd, text, left);
		if (n < 0 && errno != EAGAIN)
			return;
		text += n > 0 ? n : 0;
		left -= n > 0 ? (size_t)n : 0;
	}
}

/* SA_RESETHAND: the signal is raised again, or the fault happens again, and ends the process. */
static void crashed(int number)
{
	if (crash.fd >= 0) {
		if (crash.screen)
			put(crash.fd, SCREEN_OFF);
		tcsetattr(crash.fd, TCSANOW, &crash.was);
	}
	raise(number);
}

/* A sanitizer's own handlers stay. */
static void fatal_catch(bool catch)
{
	for (size_t i = 0; i < sizeof(fatal) / sizeof(*fatal); i++) {
		const struct sigaction mine = {.sa_handler = crashed,
					       .sa_flags = (int)SA_RESETHAND};
		const struct sigaction none = {.sa_handler = SIG_DFL};
		struct sigaction now;
		if (!sigaction(fatal[i], NULL, &now) &&
		    now.sa_handler == (catch ? SIG_DFL : crashed))
			sigaction(fatal[i], catch ? &mine : &none, NULL);
	}
}

int terminal_open(struct terminal *t, struct err *e)
{
	*t = (struct terminal){.fd = open("/dev/tty", O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
	if (t->fd < 0)
		return err_errno(e, "cannot open /dev/tty");
	fatal_catch(true);
	terminal_measure(t);
	return 0;
}

void terminal_close(struct terminal *t)
{
	if (t->fd < 0)
		return;
	terminal_enter(t, TERMINAL_OFF, NULL);
	fatal_catch(false);
	free(t->frame);
	close(t->fd);
	*t = (struct terminal){.fd = -1};
}

static int keys_on(struct terminal *t, struct err *e)
{
	struct termios now;
	if (t->mode == TERMINAL_OFF && tcgetattr(t->fd, &crash.was) < 0)
		return err_errno(e, "cannot set the mode of the terminal");
	crash.fd = t->fd;
	now = crash.was;
	now.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ECHONL);
	now.c_iflag &= ~(tcflag_t)(IXON | ICRNL);
	now.c_cc[VMIN] = 1;
	now.c_cc[VTIME] = 0;
	return tcsetattr(t->fd, TCSANOW, &now) < 0
		       ? err_errno(e, "cannot set the mode of the terminal")
		       : 0;
}

int terminal_enter(struct terminal *t, enum terminal_mode mode, struct err *e)
{
	bool screen = mode == TERMINAL_SCREEN;
	int rc = 0;
	if (!screen && t->mode == TERMINAL_SCREEN)
		put_all(t->fd, t->frame ? CANCEL SCREEN_OFF : SCREEN_OFF);
	crash.screen = screen;
	if (mode != TERMINAL_OFF)
		rc = keys_on(t, e);
	else if (t->mode != TERMINAL_OFF)
		tcsetattr(t->fd, TCSANOW, &crash.was);
	if (rc)
		return rc;
	if (mode == TERMINAL_OFF)
		crash.fd = -1;
	if (screen)
		put_all(t->fd, SCREEN_ON);
	t->mode = mode;
	free(t->frame);
	t->frame = NULL;
	terminal_measure(t);
	return 0;
}

int terminal_suspend(struct terminal *t, struct err *e)
{
	enum terminal_mode mode = t->mode;
	sigset_t stop;
	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	terminal_enter(t, TERMINAL_OFF, NULL);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &stop, NULL); /* stops here */
	sigprocmask(SIG_BLOCK, &stop, NULL);
	return mode == TERMINAL_OFF ? 0 : terminal_enter(t, mode, e);
}

void terminal_measure(struct terminal *t)
{
	struct winsize size = {0};
	ioctl(t->fd, TIOCGWINSZ, &size);
	t->width = size.ws_col ? size.ws_col : 80;
	t->height = size.ws_row ? size.ws_row : 24;
}

void terminal_draw(struct terminal *t, char *lines)
{
	FILE *out =
		t->frame || t->mode != TERMINAL_SCREEN ? NULL : open_memstream(&t->frame, &t->size);
	if (out) {
		/* Erase before writing: behind a full line it would erase its last column. */
		unsigned count = 1;
		fputs("\033[H\033[K", out);
		for (const char *c = lines; *c; count += *c == '\n', c++)
			fputs(*c == '\n' ? "\r\n\033[K" : (const char[2]){*c, 0}, out);
		if (count < t->height)
			fputs("\r\n\033[J", out);
		fclose(out);
		t->sent = 0;
		terminal_flush(t);
	}
	free(lines);
}

void terminal_flush(struct terminal *t)
{
	while (t->frame) {
		ssize_t n = write(t->fd, t->frame + t->sent, t->size - t->sent);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n > 0)
			t->sent += (size_t)n;
		if (n <= 0 || t->sent == t->size) {
			free(t->frame);
			t->frame = NULL;
		}
	}
}

/* A key that sends several characters, "ESC [ A" or "ESC [ 5 ~"; how many they are. */
static size_t sequence(const unsigned char *at, size_t length, int *key)
{
	static const struct {
		const char *text;
		int key;
	} known[] = {{"[A", KEY_UP},   {"[B", KEY_DOWN},     {"[C", KEY_RIGHT},
		     {"[H", KEY_HOME}, {"[F", KEY_END},      {"[1~", KEY_HOME},
		     {"[4~", KEY_END}, {"[5~", KEY_PAGE_UP}, {"[6~", KEY_PAGE_DOWN},
		     {"OA", KEY_UP},   {"OB", KEY_DOWN},     {"OC", KEY_RIGHT},
		     {"OH", KEY_HOME}, {"OF", KEY_END}};
	*key = 0;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		size_t n = strlen(known[i].text);
		if (length > n && !memcmp(at + 1, known[i].text, n)) {
			*key = known[i].key;
			return n + 1;
		}
	}
	size_t n = 1;
	while (n < length && (at[n] == '[' || at[n] == ';' || (at[n] >= '0' && at[n] <= '9')))
		n++;
	return n < length && n > 1 ? n + 1 : n;
}

int terminal_keys(struct terminal *t, int keys[TERMINAL_KEYS_MAX])
{
	unsigned char typed[TERMINAL_KEYS_MAX];
	ssize_t length = read(t->fd, typed, sizeof(typed));
	int count = 0;
	if (length <= 0)
		return length < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
	for (size_t i = 0; i < (size_t)length;) {
		int key = typed[i];
		i += key == '\033' ? sequence(typed + i, (size_t)length - i, &key) : 1;
		if (key)
			keys[count++] = key;
	}
	return count;
}
