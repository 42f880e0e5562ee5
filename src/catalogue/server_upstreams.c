#include "catalogue/server_upstreams.h"

#include <stdio.h>
#include <string.h>

#include "catalogue/server_scan.h"
#include "epolltune/list.h"

#define ADDRESS 256

static const char *behind(const char *text, const char *beginning)
{
	size_t length = strlen(beginning);
	return strncmp(text, beginning, length) ? NULL : text + length;
}

bool server_upstream_path(const char *address, char *path, size_t size)
{
	const char *scheme = strstr(address, "://"), *at = scheme ? scheme + 3 : address;
	const char *local = behind(at, "unix:"), *abstract = behind(at, "abns@");
	local = local ? local : behind(at, "unix@");
	local = local || scheme || *at != '/' ? local : at;
	if (!local && !abstract)
		return false;
	size_t length = strcspn(abstract ? abstract : local, ":");
	int n = snprintf(path, size, "%s%.*s", abstract ? "@" : "", (int)length,
			 abstract ? abstract : local);
	return length && (size_t)n < size && !strchr(path, '$');
}

void server_upstreams_each(const struct server_row *row, const char *text,
			   void (*each)(const char *path, void *arg), void *arg)
{
	struct scan s = scan_begin(&row->file, text, "");
	char address[ADDRESS], path[ADDRESS];
	while (scan_next(&s)) {
		for (const struct server_apart *u = row->upstreams; u && u->words; u++) {
			if (s.opens || s.count <= u->address ||
			    !list_has(u->sections, scan_section(&s)) ||
			    !scan_words_begin(&s, u->words))
				continue;
			scan_word_copy(&s, u->address, address, sizeof(address));
			if (server_upstream_path(address, path, sizeof(path)))
				each(path, arg);
		}
		scan_enter(&s);
	}
}
