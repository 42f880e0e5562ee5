/* err: an error with its context, made once where the system call failed.
 *
 * A function that can fail returns 0 (or a count) or a negative errno and fills the `struct err`
 * that it was handed. Callers do not write the text anew; they add a prefix at most. */
#ifndef EPOLLTUNE_ERR_H
#define EPOLLTUNE_ERR_H

struct err {
	int code;       /* positive errno; 0 is "no error" */
	char text[512]; /* one line: what, on which file or device, why, what to do */
};

/* "text: strerror(errno)". Returns -errno. */
int err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The text alone, with a positive errno for the caller to branch on. Returns -code. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Puts "prefix: " before the text. Returns -e->code, so that `return err_prefix(…)` reads well. */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
