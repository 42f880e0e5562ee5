#include "tune/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t came;

static const struct {
	int signal;
	const char *name;
} held[] = {{SIGINT, "SIGINT"}, {SIGTERM, "SIGTERM"}, {SIGHUP, "SIGHUP"}};

#define HELD (sizeof(held) / sizeof(*held))

static void note(int signal)
{
	if (!came)
		came = signal;
}

static void handle(void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < HELD; i++) {
		struct sigaction was;
		/* Keep SIGHUP ignored under nohup. */
		if (sigaction(held[i].signal, NULL, &was) == 0 && was.sa_handler != SIG_IGN)
			sigaction(held[i].signal, &action, NULL);
	}
}

void interrupt_hold(void)
{
	came = 0;
	handle(note, SA_RESTART);
	signal(SIGXFSZ, SIG_IGN); /* write(2) fails with EFBIG instead */
}

void interrupt_hold_once(void)
{
	came = 0;
	handle(note, SA_RESTART | (int)SA_RESETHAND);
}

int interrupt_came(void) { return came; }

const char *interrupt_name(int signal)
{
	for (size_t i = 0; i < HELD; i++)
		if (held[i].signal == signal)
			return held[i].name;
	return "a signal";
}

void interrupt_release(void) { handle(SIG_DFL, 0); }

void interrupt_obey(void)
{
	interrupt_release();
	raise(came);
}
