/* err: an error with its context, made once where the system call failed.
 *
 * A function that can fail returns 0 (or a count) or a negative errno and fills the `struct err`
 * that its caller passes. NULL is a valid `struct err *`: the caller needs no text, and the return
 * value is the same. Callers do not reword a text; at most they prefix it or append. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err {
	int code;       /* positive errno; 0 is "no error" */
	size_t reason;  /* bytes of the text before what to do; 0: the text has no such part */
	char text[512]; /* one line: what, on which file or device, why, what to do */
};

/* "text: strerror(errno)". Returns -errno. */
int err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The text alone, with a positive errno for the caller to branch on. Returns -code. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Appends ": text", what to do. The caller returns the code of the failed call. */
void err_remedy(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The text without what to do. Returns `out`. */
char *err_reason(const struct err *e, char *out, size_t size);
/* Puts "prefix: " before the text. Returns -e->code, so that `return err_prefix(…)` reads well.
 * With NULL the code is unknown and it returns -EIO: a function that callers may pass NULL returns
 * the code of the failed call instead. */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Appends to the text as a whole. False: it did not fit, or `e` is NULL. */
bool err_append(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same if `rest` fits after it, which the caller appends in the end, as after the names of a
 * list: with shorter ones after the first that does not fit it would look complete. */
bool err_append_before(struct err *e, const char *rest, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Replaces the code and keeps the text. Returns -code. */
int err_recode(struct err *e, int code);
/* Copies an error. Returns -from->code. */
int err_copy(struct err *e, const struct err *from);
