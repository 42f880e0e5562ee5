#include "catalogue/server_upstreams.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

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

/* The weights that are distinguished: HAProxy has up to 256. */
#define WEIGHTS 512

/* Sets `off`, and `pool` of a server of that section. */
static void part_read(const struct scan *s, size_t first, uint32_t section,
		      struct server_upstream *u)
{
	uint64_t weight = 1;
	bool spare = false;
	size_t skip = 0, at = scan_parameter_find(s, "weight ", first, &skip);
	at = at ? at : scan_parameter_find(s, "weight=", first, &skip);
	if (at)
		scan_number(s, at, skip, &weight, NULL);
	u->off = !weight;
	for (size_t i = first; i < s->count; i++) {
		spare |= scan_word_is(s, i, "backup");
		u->off |= scan_word_is(s, i, "disabled") || scan_word_is(s, i, "down");
	}
	weight = weight < WEIGHTS ? weight : WEIGHTS - 1;
	u->pool = (section * WEIGHTS + (uint32_t)weight) * 2 + spare;
}

void server_upstreams_each(const struct server_row *row, const char *text,
			   void (*each)(const struct server_upstream *, void *arg), void *arg)
{
	struct scan s = scan_begin(&row->file, text, "");
	char address[ADDRESS], path[ADDRESS];
	size_t groups = 0;
	uint32_t section = 0;
	while (scan_next(&s)) {
		section += s.opens;
		for (const struct server_apart *u = row->upstreams; u && u->words; u++) {
			struct server_upstream found = {.address = address};
			if (s.opens || s.count <= u->address ||
			    !list_has(u->sections, scan_section(&s)) ||
			    !scan_words_begin(&s, u->words))
				continue;
			scan_word_copy(&s, u->address, address, sizeof(address));
			/* A directive that passes all on has no other server beside it. */
			section += !behind(u->words, "server");
			part_read(&s, u->address + 1, section, &found);
			if (server_upstream_path(address, path, sizeof(path)))
				found.path = path;
			else if (groups++ < GROUPS && is_group(row, text, address))
				continue;
			each(&found, arg);
		}
		scan_enter(&s);
	}
}

bool server_upstream_is_near(const char *endpoint)
{
	struct in6_addr six;
	struct in_addr four;
	char host[ADDRESS];
	const char *colon = strrchr(endpoint, ':');
	snprintf(host, sizeof(host), "%.*s", (int)(colon ? colon - endpoint : 0),
		 endpoint + (*endpoint == '['));
	host[strcspn(host, "]%")] = 0;
	if (inet_pton(AF_INET6, host, &six) == 1)
		return IN6_IS_ADDR_LOOPBACK(&six) ||
		       (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127);
	return !strcmp(host, "localhost") ||
	       (inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127);
}
