/* What every test program shares. A test that cannot run here (no namespace, no TUN, no QEMU) says
 * so through skip_because(): a skip on a desk, a failure in CI (EPOLLTUNE_MUST_RUN=1). */
#ifndef EPOLLTUNE_TESTS_SUPPORT_H
#define EPOLLTUNE_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Whether what a busy machine could not tell may be tried once more: for a while after the first
 * such question of a program. */
bool may_try_again(void);

void skip_because(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The outcome of a command run through /bin/sh -c; free with output_free(). */
struct output {
	int status;   /* exit status, or 128 + signal */
	char *out;    /* standard output */
	char *errors; /* standard error */
};
/* Runs a command line; $PROGRAM is the epolltune under test. Bounded by 400 s. */
struct output run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void output_free(struct output *o);

/* Begins a command line: $PROGRAM is then a copy that any user may run, wherever the sources lie.
 */
#define PROGRAM_FOR_ALL                                                                            \
	"d=$(mktemp -d) && trap 'rm -rf $d' EXIT && chmod 755 $d && "                              \
	"install -m 755 $PROGRAM $d/epolltune && PROGRAM=$d/epolltune && "

#endif
