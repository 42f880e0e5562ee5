/* Shared by all test programs. A test that cannot run here (no namespace, no TUN, no QEMU) calls
 * skip_because(), which skips it, or fails it in CI (EPOLLTUNE_MUST_RUN=1). */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Deprecated since cmocka 2, which has it in two kinds; the unsigned one converts signs with a
 * warning. */
#ifdef assert_int_in_range
#undef assert_in_range
#define assert_in_range assert_int_in_range
#endif

#include "epolltune/clock.h"

/* Whether an inconclusive result of a busy machine may be retried: until TRY_AGAIN_S after the
 * first call. */
bool may_try_again(void);

/* Bounds what would hang; not what is slow. */
#define WITHIN_MS 60000
/* Waits until a condition holds, which it tests each millisecond, or about WITHIN_MS. */
#define WAIT_UNTIL(condition)                                                                      \
	do                                                                                         \
		for (int tries = 0; !(condition) && tries < WITHIN_MS; tries++)                    \
			clock_sleep_ms(1);                                                         \
	while (0)

/* Enters a network namespace, whose loopback is up; false: stays, without privilege. */
bool loopback_of_its_own(void);

/* What waits at a local port, by /proc/net/tcp: for TCP_LISTEN the connections in the accept queue,
 * for TCP_ESTABLISHED the bytes that are not read yet. */
unsigned tcp_waiting(uint16_t port, unsigned state);

void skip_because(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The result of a command run by /bin/sh -c; free with output_free(). */
struct output {
	int status;   /* exit status, or 128 + signal */
	char *out;    /* standard output */
	char *errors; /* standard error */
};
/* Runs a command line, for at most 400 s; $PROGRAM is the epolltune under test. */
struct output run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void output_free(struct output *o);
/* Whether its exit status is 0. */
bool run_succeeds(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Writes a file in one write(2); fails the test if that does not work. */
void file_write(const char *path, const char *text);
/* Brings the loopback device of this network namespace up. */
bool loopback_up(void);
/* Enters a user namespace, as its root, and a network namespace with loopback up; 0, or the errno
 * of unshare(2). */
int namespace_enter(void);

/* Prefix of a command line: makes $PROGRAM a copy that every user can execute. */
#define PROGRAM_FOR_ALL                                                                            \
	"d=$(mktemp -d) && trap 'rm -rf $d' EXIT && chmod 755 $d && "                              \
	"install -m 755 $PROGRAM $d/epolltune && PROGRAM=$d/epolltune && "
