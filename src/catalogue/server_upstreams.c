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

bool server_upstream_endpoint(const char *address, char *endpoint, size_t size)
{
	static const char streams[] = "ipv4,ipv6,tcp,tcp4,tcp6";
	const char *scheme = strstr(address, "://"), *at = scheme ? scheme + 3 : address;
	const char *family = strchr(at, '@'), *colon;
	char path[ADDRESS], host[ADDRESS];
	if (server_upstream_path(address, path, sizeof(path)) || strchr(address, '$'))
		return false;
	snprintf(host, sizeof(host), "%.*s", family ? (int)(family - at) : 0, at);
	if (family && !list_has(streams, host))
		return false;
	at = family ? family + 1 : at;
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(at, "/"), at);
	colon = strrchr(host, ':');
	bool port = colon && !strchr(colon, ']');
	int n = snprintf(endpoint, size, "%s%s", host,
			 port                                        ? ""
			 : scheme && !strncmp(scheme - 1, "s://", 4) ? ":443"
								     : ":80");
	return host[0] && (size_t)n < size;
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

void server_upstreams_each(const struct server_row *row, const char *text,
			   void (*each)(const char *path, const char *address, void *arg),
			   void *arg)
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
			if (server_upstream_path(address, path, sizeof(path)))
				each(path, address, arg);
			else if (groups++ >= GROUPS || !is_group(row, text, address))
				each(NULL, address, arg);
		}
		scan_enter(&s);
	}
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
	snprintf(bound, sizeof(bound), "%s", listener);
	if (server_address_is_local(listener) || !address_split(bound, &own, &at) ||
	    !server_upstream_endpoint(address, to, sizeof(to)) || !address_split(to, &host, &port))
		return false;
	bool wild = !strcmp(own, "0.0.0.0") || !strcmp(own, "::");
	return !strcmp(port, at) && (!strcmp(host, own) || (is_loopback(host) && wild) ||
				     (!strcmp(host, "localhost") && is_loopback(own)));
}
