/* Errors with their context. */
#include "epolltune/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

__attribute__((format(printf, 3, 0))) static int fill(struct err *e, int code, const char *fmt,
						      va_list args, const char *reason)
{
	if (!e)
		return -code;
	vsnprintf(e->text, sizeof(e->text), fmt, args);
	size_t length = strlen(e->text);
	if (reason)
		snprintf(e->text + length, sizeof(e->text) - length, ": %s", reason);
	/* One line: file names and kernel messages may contain any character. */
	text_flatten(e->text, 0);
	e->code = code;
	e->reason = 0;
	return -code;
}

int err_errno(struct err *e, const char *fmt, ...)
{
	int code = errno ? errno : EIO;
	va_list args;
	va_start(args, fmt);
	int rc = fill(e, code, fmt, args, strerror(code));
	va_end(args);
	return rc;
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int rc = fill(e, code, fmt, args, NULL);
	va_end(args);
	return rc;
}

void err_remedy(struct err *e, const char *fmt, ...)
{
	if (!e)
		return;
	size_t length = strlen(e->text);
	e->reason = length;
	length += (size_t)snprintf(e->text + length, sizeof(e->text) - length, ": ");
	if (length < sizeof(e->text)) {
		va_list args;
		va_start(args, fmt);
		vsnprintf(e->text + length, sizeof(e->text) - length, fmt, args);
		va_end(args);
	}
	text_flatten(e->text, 0);
}

char *err_reason(const struct err *e, char *out, size_t size)
{
	snprintf(out, size, "%.*s", e->reason ? (int)e->reason : -1, e->text);
	return out;
}

int err_prefix(struct err *e, const char *fmt, ...)
{
	char text[sizeof(e->text)];
	if (!e)
		return -EIO;
	memcpy(text, e->text, sizeof(text));
	va_list args;
	va_start(args, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, args);
	va_end(args);
	size_t length = strlen(e->text);
	snprintf(e->text + length, sizeof(e->text) - length, ": %s", text);
	if (e->reason)
		e->reason = e->reason + length + 2 < sizeof(e->text) ? e->reason + length + 2 : 0;
	text_flatten(e->text, 0);
	return -e->code;
}

/* Appends what leaves room for `rest` bytes. */
__attribute__((format(printf, 3, 0))) static bool append(struct err *e, size_t rest,
							 const char *fmt, va_list args)
{
	if (!e)
		return false;
	size_t length = strlen(e->text), left = sizeof(e->text) - length;
	bool whole = (size_t)vsnprintf(e->text + length, left, fmt, args) + rest < left;
	if (!whole)
		e->text[length] = 0;
	text_flatten(e->text, 0);
	return whole;
}

bool err_append(struct err *e, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	bool whole = append(e, 0, fmt, args);
	va_end(args);
	return whole;
}

bool err_append_before(struct err *e, const char *rest, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	bool whole = append(e, strlen(rest), fmt, args);
	va_end(args);
	return whole;
}

int err_recode(struct err *e, int code)
{
	if (e)
		e->code = code;
	return -code;
}

int err_copy(struct err *e, const struct err *from)
{
	if (e)
		*e = *from;
	return -from->code;
}
