/* wording: fills the {names} in the catalogue's texts with values. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define WORDING_NAMES 64
#define WORDING_TEXT 400

struct wording {
	size_t count;
	struct {
		char name[16];
		char text[WORDING_TEXT];
	} at[WORDING_NAMES];
};

/* Sets or replaces the value of a name, as printf; drops it beyond the capacity. */
void wording_set(struct wording *w, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Sets the value to "yes" or "", for {name?yes:no}. */
void wording_flag(struct wording *w, const char *name, bool value);
/* The value of a name, "" if it has none. */
const char *wording_get(const struct wording *w, const char *name);
/* Copies `text`. Replaces {name} by its value, and {name?yes:no} by `yes` if the value is not
 * empty, otherwise by `no`; {name=1?packet was:packets were} asks whether the number is one, with
 * or without a unit. All may nest, with a backslash before a literal colon or brace. A {name}
 * without a value is copied unchanged, so that a test finds it. Cuts at the end with "…" what does
 * not fit. `w`: NULL for no values; `text`: NULL for "". */
void wording_fill(const struct wording *w, const char *text, char *out, size_t size);
