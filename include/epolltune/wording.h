/* wording: the values that stand for the {names} in the texts of the catalogue. */
#ifndef EPOLLTUNE_WORDING_H
#define EPOLLTUNE_WORDING_H

#include <stdbool.h>
#include <stddef.h>

#define WORDING_NAMES 32
#define WORDING_TEXT 400

struct wording {
	size_t count;
	struct {
		char name[16];
		char text[WORDING_TEXT];
	} at[WORDING_NAMES];
};

/* printf of a value. A name that has one already gets the new one; beyond the capacity it is
 * dropped. */
void wording_set(struct wording *w, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* "yes" or "": for {name?yes:no}. */
void wording_flag(struct wording *w, const char *name, bool value);
/* The value of a name, "" if it has none. */
const char *wording_get(const struct wording *w, const char *name);
/* Copies `text` with {name} replaced by its value, and {name?yes:no} by `yes` where it has a value
 * that is not empty and by `no` elsewhere; both may hold more of the kind, and a backslash before a
 * colon or brace of their own. A name without a value stays as it is, so that a test sees it. Cut
 * at the end with "…" when it does not fit. NULL for `w` is one without values. */
void wording_fill(const struct wording *w, const char *text, char *out, size_t size);

#endif
