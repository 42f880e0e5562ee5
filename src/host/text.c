/* Numbers in kernel text. */
#include "host/machine.h"

#include <ctype.h>
#include <string.h>

bool text_number(const char **at, uint64_t *value)
{
	const char *p = *at + strspn(*at, " \t\n");
	uint64_t n = 0;
	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++)
		if (__builtin_mul_overflow(n, 10u, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return false;
	if (*p && !strchr(" \t\n", *p))
		return false;
	*at = p;
	*value = n;
	return true;
}

bool text_keyed_bytes(const char *text, const char *key, uint64_t *bytes)
{
	size_t length = strlen(key);
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, length) != 0 || line[length] != ':')
			continue;
		const char *at = line + length + 1;
		uint64_t n;
		if (!text_number(&at, &n))
			return false;
		at += strspn(at, " \t");
		return strncmp(at, "kB", 2) == 0 && !__builtin_mul_overflow(n, 1024u, bytes);
	}
	return false;
}

const char *text_field(const char *name, char out[TEXT_FIELD])
{
	size_t n = 0;
	for (; n + 1 < TEXT_FIELD && name[n]; n++)
		out[n] = (char)((unsigned char)name[n] < ' ' ? '?' : name[n]);
	out[n] = 0;
	return out;
}
