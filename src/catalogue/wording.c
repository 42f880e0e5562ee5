#include "epolltune/wording.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void wording_set(struct wording *w, const char *name, const char *fmt, ...)
{
	size_t i = 0;
	while (i < w->count && strcmp(w->at[i].name, name))
		i++;
	if (i == WORDING_NAMES)
		return;
	if (i == w->count)
		snprintf(w->at[w->count++].name, sizeof(w->at[i].name), "%s", name);
	va_list args;
	va_start(args, fmt);
	vsnprintf(w->at[i].text, sizeof(w->at[i].text), fmt, args);
	va_end(args);
}

static const char *value_of(const struct wording *w, const char *name, size_t length)
{
	for (size_t i = 0; w && i < w->count; i++)
		if (strlen(w->at[i].name) == length && !memcmp(w->at[i].name, name, length))
			return w->at[i].text;
	return NULL;
}

void wording_flag(struct wording *w, const char *name, bool value)
{
	wording_set(w, name, "%s", value ? "yes" : "");
}

const char *wording_get(const struct wording *w, const char *name)
{
	const char *value = value_of(w, name, strlen(name));
	return value ? value : "";
}

struct filled {
	char *text;
	size_t size, used;
	bool cut;
};

static void put(struct filled *out, const char *text, size_t length)
{
	if (out->used + length >= out->size) {
		out->cut = true;
		length = out->size > out->used + 1 ? out->size - out->used - 1 : 0;
	}
	memcpy(out->text + out->used, text, length);
	out->used += length;
}

/* The end of a part: the first of `stops` that is in no braces and behind no backslash. */
static const char *part_end(const char *at, const char *end, const char *stops)
{
	unsigned depth = 0;
	for (; at < end; at++) {
		if (*at == '\\' && at + 1 < end) {
			at++;
			continue;
		}
		if (!depth && strchr(stops, *at))
			return at;
		depth += *at == '{';
		depth -= *at == '}';
	}
	return end;
}

static void fill(const struct wording *w, const char *at, const char *end, struct filled *out);

/* Whether a number is one, with or without a unit: not "1 000", "1.5 s". */
static bool is_one(const char *value)
{
	return value[0] == '1' && !strpbrk(value + 1, "0123456789.");
}

/* Whether {name?…} or {name=1?…} takes its first part. */
static bool condition(const struct wording *w, const char *at, size_t length)
{
	static const char one[] = "=1";
	size_t name = length - strlen(one);
	if (length > strlen(one) && !memcmp(at + name, one, strlen(one))) {
		const char *number = value_of(w, at, name);
		return number && is_one(number);
	}
	const char *value = value_of(w, at, length);
	return value && *value;
}

/* What stands between two braces. */
static void fill_braces(const struct wording *w, const char *at, const char *end,
			struct filled *out)
{
	const char *mark = part_end(at, end, "?");
	const char *value = value_of(w, at, (size_t)(mark - at));
	if (mark < end) {
		const char *colon = part_end(mark + 1, end, ":");
		if (condition(w, at, (size_t)(mark - at)))
			fill(w, mark + 1, colon, out);
		else if (colon < end)
			fill(w, colon + 1, end, out);
	} else if (value) {
		put(out, value, strlen(value));
	} else {
		put(out, at - 1, (size_t)(end - at) + 2);
	}
}

static void fill(const struct wording *w, const char *at, const char *end, struct filled *out)
{
	while (at < end) {
		const char *close;
		if (*at == '\\' && at + 1 < end) {
			put(out, ++at, 1);
		} else if (*at == '{' && (close = part_end(at + 1, end, "}")) < end) {
			fill_braces(w, at + 1, close, out);
			at = close;
		} else {
			put(out, at, 1);
		}
		at++;
	}
}

void wording_fill(const struct wording *w, const char *text, char *out, size_t size)
{
	static const char dots[] = "…";
	struct filled f = {.text = out, .size = size};
	if (text)
		fill(w, text, text + strlen(text), &f);
	f.text[f.used] = 0;
	if (!f.cut || size < sizeof(dots))
		return;
	f.used = size - sizeof(dots) < f.used ? size - sizeof(dots) : f.used;
	while (f.used && ((unsigned char)f.text[f.used] & 0xc0) == 0x80)
		f.used--;
	memcpy(f.text + f.used, dots, sizeof(dots));
}
