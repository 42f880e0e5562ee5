#include "base/interrupt.h"

#include <stddef.h>
#include <stdint.h>

#include "epolltune/clock.h"

#define SAME_NS 1000000000u

static volatile sig_atomic_t own;
static volatile sig_atomic_t *came = &own;

static const struct {
	int signal;
	const char *name;
	unsigned flags; /* with which it is held */
} held[] = {{SIGINT, "SIGINT", 0}, {SIGTERM, "SIGTERM", 0}, {SIGHUP, "SIGHUP", INTERRUPT_HANGUP}};

#define HELD (sizeof(held) / sizeof(*held))

static void note(int signal)
{
	if (!*came)
		*came = signal;
}

static void note_once(int number)
{
	static _Atomic uint64_t since_ns;
	uint64_t now = clock_ns();
	if (!*came) {
		since_ns = now;
		*came = number;
	} else if (now - since_ns > SAME_NS) {
		signal(number, SIG_DFL);
		raise(number);
	}
}

bool interrupt_ignored(int signal)
{
	struct sigaction was;
	return sigaction(signal, NULL, &was) == 0 && was.sa_handler == SIG_IGN;
}

static void handle(void (*handler)(int), unsigned flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < HELD; i++)
		if ((held[i].flags & flags) == held[i].flags && !interrupt_ignored(held[i].signal))
			sigaction(held[i].signal, &action, NULL);
}

void interrupt_hold(unsigned flags)
{
	*came = 0;
	handle(flags & INTERRUPT_ONCE ? note_once : note, flags);
}

void interrupt_share(volatile sig_atomic_t *at) { came = at ? at : &own; }

int interrupt_came(void) { return *came; }

const char *interrupt_name(int signal)
{
	for (size_t i = 0; i < HELD; i++)
		if (held[i].signal == signal)
			return held[i].name;
	return "a signal";
}

void interrupt_release(void) { handle(SIG_DFL, INTERRUPT_HANGUP); }

void interrupt_obey(void)
{
	interrupt_release();
	raise(*came);
}
