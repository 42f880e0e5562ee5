#include "catalogue/server_upstreams.h"

#include <stdio.h>
#include <string.h>

#include "catalogue/server_address.h"
#include "catalogue/server_scan.h"
#include "epolltune/list.h"

#define ADDRESS 256
/* Sections that are looked for, each by a scan of the whole text; further ones count as not found.
 */
#define GROUPS 64

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

/* Whether "http://NAME/path", "NAME" names a section of that text: upstream NAME { … }. */
static bool is_group(const struct server_row *row, const char *text, const char *address)
{
	struct scan s = scan_begin(&row->file, text, "");
	const char *scheme = strstr(address, "://"), *at = scheme ? scheme + 3 : address;
	char name[ADDRESS];
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, "/"), at);
	bool is = false;
	while (!is && scan_next(&s)) {
		is = s.opens && s.count > 1 && scan_word_is(&s, 0, "upstream") &&
		     scan_word_is(&s, 1, name);
		scan_enter(&s);
	}
	return is;
}

void server_upstreams_addresses(const struct server_row *row, const char *text,
				void (*each)(const char *address, void *arg), void *arg)
{
	struct scan s = scan_begin(&row->file, text, "");
	char address[ADDRESS], path[ADDRESS];
	size_t groups = 0;
	while (scan_next(&s)) {
		for (const struct server_apart *u = row->upstreams; u && u->words; u++) {
			if (s.opens || s.count <= u->address ||
			    !list_has(u->sections, scan_section(&s)) ||
			    !scan_words_begin(&s, u->words))
				continue;
			scan_word_copy(&s, u->address, address, sizeof(address));
			if (server_upstream_path(address, path, sizeof(path)) ||
			    groups++ >= GROUPS || !is_group(row, text, address))
				each(address, arg);
		}
		scan_enter(&s);
	}
}

struct paths {
	void (*each)(const char *path, void *arg);
	void *arg;
	bool others;
};

static void path_take(const char *address, void *arg)
{
	struct paths *p = arg;
	char path[ADDRESS];
	if (server_upstream_path(address, path, sizeof(path)))
		p->each(path, p->arg);
	else if (!p->others)
		p->each(NULL, p->arg);
	p->others |= !server_upstream_path(address, path, sizeof(path));
}

void server_upstreams_each(const struct server_row *row, const char *text,
			   void (*each)(const char *path, void *arg), void *arg)
{
	struct paths p = {each, arg, false};
	server_upstreams_addresses(row, text, path_take, &p);
}

/* Splits "127.0.0.1:80", "[::1]%eth0:80". False: it has no port. */
static bool address_split(char *address, char **host, char **port)
{
	*port = strrchr(address, ':');
	if (!*port || strchr(*port, ']'))
		return false;
	*(*port)++ = 0;
	*host = address + (*address == '[');
	(*host)[strcspn(*host, "]%")] = 0;
	return true;
}

static bool is_loopback(const char *host)
{
	return behind(host, "127.") || !strcmp(host, "::1") || !strcmp(host, "localhost");
}

bool server_upstream_reaches(const char *address, const char *listener)
{
	char path[ADDRESS], to[ADDRESS], bound[ADDRESS], *host, *port, *own, *at;
	if (server_upstream_path(address, path, sizeof(path)))
		return server_address_is_local(listener) &&
		       !strcmp(behind(listener, "unix:"), path);
	const char *scheme = strstr(address, "://");
	snprintf(to, sizeof(to), "%.*s", (int)strcspn(scheme ? scheme + 3 : address, "/"),
		 scheme ? scheme + 3 : address);
	snprintf(bound, sizeof(bound), "%s", listener);
	if (server_address_is_local(listener) || !address_split(bound, &own, &at))
		return false;
	/* After the name of a family, of HAProxy. */
	char *family = strchr(to, '@'), *begin = family ? family + 1 : to;
	if (!address_split(begin, &host, &port)) {
		host = begin + (*begin == '[');
		host[strcspn(host, "]")] = 0;
		port = behind(address, "https:") ? "443" : behind(address, "http:") ? "80" : "";
	}
	bool wild = !strcmp(own, "0.0.0.0") || !strcmp(own, "::");
	return !strcmp(port, at) && (!strcmp(host, own) || (is_loopback(host) && wild) ||
				     (!strcmp(host, "localhost") && is_loopback(own)));
}
