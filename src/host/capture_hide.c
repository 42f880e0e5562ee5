#include "host/capture_hide.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <fnmatch.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"

#define NAME "captured"
_Static_assert(sizeof(NAME) <= HIDE_ROOM, "a text has room for the name");

/* An address, and the number that replaces it: the same in all files of a capture. */
struct alias {
	struct in6_addr address;
	uint32_t number;
};

void hiding_free(struct hiding *f) { tdestroy(f->aliases, free); }

static int alias_order(const void *a, const void *b)
{
	const struct alias *x = a, *y = b;
	return memcmp(&x->address, &y->address, sizeof(x->address));
}

/* 0: no memory; the address is then one with all such. */
static uint32_t alias_number(struct hiding *f, const struct in6_addr *address)
{
	struct alias *new = calloc(1, sizeof(*new));
	if (!new)
		return 0;
	new->address = *address;
	struct alias *const *at = tsearch(new, &f->aliases, alias_order);
	if (!at || *at != new)
		free(new);
	else
		new->number = ++f->alias_count;
	return at ? (*at)->number : 0;
}

/* Replaces an address by one that is reserved: of 198.18.0.0/15 and on (RFC 2544) or 2001:db8::/32
 * (RFC 3849). Those of all machines stay. */
static void address_hide(struct hiding *f, struct in6_addr *a)
{
	if (IN6_IS_ADDR_UNSPECIFIED(a) || IN6_IS_ADDR_LOOPBACK(a))
		return;
	bool four = IN6_IS_ADDR_V4MAPPED(a);
	if (four && (!a->s6_addr[12] || a->s6_addr[12] == 127))
		return;
	uint32_t number = alias_number(f, a);
	uint32_t word = htonl(four ? UINT32_C(0xc6120000) + number : number);
	static const unsigned char documentation[12] = {0x20, 0x01, 0x0d, 0xb8};
	if (!four)
		memcpy(a->s6_addr, documentation, sizeof(documentation));
	memcpy(&a->s6_addr[12], &word, sizeof(word));
}

/* Of /proc/net/tcp: each word of an address is a number in the byte order of the machine. */
static void tcp_address_hide(struct hiding *f, char *hex, size_t digits)
{
	struct in6_addr a = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
	size_t words = digits / 8, first = 4 - words;
	char text[9] = "";
	for (size_t i = 0; i < words; i++) {
		memcpy(text, hex + 8 * i, 8);
		uint32_t word = (uint32_t)strtoul(text, NULL, 16);
		memcpy(&a.s6_addr[4 * (first + i)], &word, sizeof(word));
	}
	address_hide(f, &a);
	for (size_t i = 0; i < words; i++) {
		uint32_t word;
		memcpy(&word, &a.s6_addr[4 * (first + i)], sizeof(word));
		snprintf(text, sizeof(text), "%08X", word);
		memcpy(hex + 8 * i, text, 8);
	}
}

/* "   0: 0100007F:1F90 00000000:0000 0A …": what is in hexadecimal before a colon and a port. */
static void tcp_hide(struct hiding *f, char *text)
{
	for (char *colon = text; (colon = strchr(colon, ':')); colon++) {
		size_t digits = 0;
		while (colon - text > (ptrdiff_t)digits &&
		       isxdigit((unsigned char)colon[-1 - (ptrdiff_t)digits]))
			digits++;
		if (digits == 8 || digits == 32)
			tcp_address_hide(f, colon - digits, digits);
	}
}

static void if_inet6_hide(struct hiding *f, char *text)
{
	for (char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		struct in6_addr a = {0};
		if (strspn(line, "0123456789abcdef") < 2 * sizeof(a.s6_addr))
			return;
		for (size_t i = 0; i < 16; i++)
			sscanf(line + 2 * i, "%2hhx", &a.s6_addr[i]);
		address_hide(f, &a);
		for (size_t i = 0; i < 16; i++) {
			char hex[3];
			snprintf(hex, sizeof(hex), "%02x", a.s6_addr[i]);
			memcpy(line + 2 * i, hex, 2);
		}
	}
}

static void line_drop(char *line)
{
	const char *next = strchr(line, '\n');
	memmove(line, next ? next + 1 : "", next ? strlen(next + 1) + 1 : 1);
}

/* Keeps the lines of default routes, without the gateway; the first line is a title. */
static void route_hide(struct hiding *f, char *text)
{
	char *line = strchr(text, '\n');
	for (line = line ? line + 1 : text + strlen(text); *line;) {
		int to = 0, gateway = 0;
		if (sscanf(line, "%*s %*1[0]0000000 %n%*8[0-9A-F]%n", &to, &gateway) < 0 ||
		    !gateway) {
			line_drop(line);
			continue;
		}
		memset(line + to, '0', (size_t)(gateway - to));
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
}

static void route6_hide(struct hiding *f, char *text)
{
	static const char none[] = "00000000000000000000000000000000";
	/* "DESTINATION LENGTH SOURCE LENGTH NEXTHOP …" */
	enum { SOURCE = 36, HOP = 72 };
	for (char *line = text; *line;) {
		if (strncmp(line, none, 32) != 0 || strcspn(line, "\n") < HOP + 32) {
			line_drop(line);
			continue;
		}
		memcpy(line + SOURCE, none, 32);
		memcpy(line + HOP, none, 32);
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
}

/* Paths, servers and options of all other file systems are private. */
static void mounts_hide(struct hiding *f, char *text)
{
	for (char *line = text; *line;) {
		size_t n = strcspn(line, "\n");
		const char *type = memmem(line, n, " - cgroup", strlen(" - cgroup"));
		if (!type) {
			line_drop(line);
			continue;
		}
		line += n;
		line += *line == '\n';
	}
}

static void smaps_hide(struct hiding *f, char *text)
{
	char *size = strstr(text, "KernelPageSize:");
	size_t n = size ? strcspn(size, "\n") : 0;
	memmove(text, size ? size : "", n);
	text[n] = 0;
}

static void hardware_hide(struct hiding *f, char *text)
{
	char own[18];
	if (strspn(text, "0:") == strlen(text) || strlen(text) < sizeof(own) - 1)
		return;
	snprintf(own, sizeof(own), "02:00:00:00:%02x:%02x", f->devices >> 8 & 0xff,
		 f->devices & 0xff);
	f->devices++;
	memcpy(text, own, sizeof(own));
}

static void name_hide(struct hiding *f, char *text) { memcpy(text, NAME, sizeof(NAME)); }

/* Comments of files in /etc; the lines keep their numbers. */
static void comments_hide(struct hiding *f, char *text)
{
	char *to = text;
	for (const char *line = text; *line; line += *line == '\n') {
		size_t n = strcspn(line, "\n"), blanks = strspn(line, " \t");
		/* One byte for at least one. */
		if (n && (blanks >= n || line[blanks] == '#' || line[blanks] == ';'))
			*to++ = '#';
		else
			to = (char *)memmove(to, line, n) + n;
		line += n;
		if (*line)
			*to++ = '\n';
	}
	*to = 0;
}

/* What is replaced in texts. None but a name becomes longer. */
static const struct {
	const char *path; /* as fnmatch(3) */
	void (*hide)(struct hiding *f, char *text);
	bool address; /* of those that --addresses keeps */
} hidden[] = {
	{"proc/sys/kernel/hostname", name_hide, true},
	{"proc/net/tcp", tcp_hide, true},
	{"proc/net/tcp6", tcp_hide, true},
	{"proc/net/if_inet6", if_inet6_hide, true},
	{"proc/net/route", route_hide, true},
	{"proc/net/ipv6_route", route6_hide, true},
	{"sys/class/net/*/address", hardware_hide, true},
	{"proc/self/mountinfo", mounts_hide, false},
	{"proc/self/smaps", smaps_hide, false},
	{"*etc/sysctl.conf", comments_hide, false},
	{"*/sysctl.d/*", comments_hide, false},
};

bool hide_text(struct hiding *f, const char *path, char *text)
{
	bool any = false;
	CLEAN(free_pointer) char *was = strdup(text);
	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
		if (!(hidden[i].address && f->addresses) && !fnmatch(hidden[i].path, path, 0)) {
			hidden[i].hide(f, text);
			any = !was || strcmp(was, text) != 0;
		}
	return any;
}

/* Attributes of a link that are read; the others may be private. */
static bool is_link_attribute(int type)
{
	static const int read[] = {IFLA_IFNAME,        IFLA_QDISC,        IFLA_LINKINFO,
				   IFLA_MASTER,        IFLA_LINK_NETNSID, IFLA_LINK,
				   IFLA_MTU,           IFLA_TXQLEN,       IFLA_NUM_RX_QUEUES,
				   IFLA_NUM_TX_QUEUES, IFLA_STATS64};
	for (size_t i = 0; i < sizeof(read) / sizeof(*read); i++)
		if (type == read[i])
			return true;
	return false;
}

static void link_hide(struct nlmsghdr *m)
{
	struct nlattr *a, *in;
	int left, more;
	nlmsg_for_each_attr(a, m, sizeof(struct ifinfomsg), left)
	{
		if (!is_link_attribute(nla_type(a)))
			memset(nla_data(a), 0, (size_t)nla_len(a));
		if (nla_type(a) != IFLA_LINKINFO)
			continue;
		nla_for_each_nested(in, a, more)
		{
			if (nla_type(in) != IFLA_INFO_KIND)
				memset(nla_data(in), 0, (size_t)nla_len(in));
		}
	}
}

void hide_links(unsigned char *data, size_t size)
{
	for (size_t at = 0; at + sizeof(struct nlmsghdr) <= size;) {
		struct nlmsghdr *m = (void *)(data + at);
		if (m->nlmsg_len < sizeof(*m) || m->nlmsg_len > size - at)
			return;
		if (m->nlmsg_type == RTM_NEWLINK)
			link_hide(m);
		at += NLMSG_ALIGN(m->nlmsg_len);
	}
}

void hide_listener(struct hiding *f, struct listener *l)
{
	struct in6_addr a = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
	char *begin = l->address + (l->kind == LISTENER_UDP ? strlen("udp:") : 0);
	char *end = strrchr(begin, ':');
	if (l->kind == LISTENER_UNIX) {
		snprintf(l->address, sizeof(l->address), "unix:#%llu",
			 (unsigned long long)l->inode);
		return;
	}
	if (!end)
		return;
	char device[IF_NAMESIZE + 1] = "";
	char *bound = strchr(begin, '%');
	*end = 0;
	if (bound) {
		snprintf(device, sizeof(device), "%s", bound);
		*bound = 0;
		end = bound;
	}
	bool six = begin[0] == '[';
	if (six) {
		end[-1] = 0;
		inet_pton(AF_INET6, begin + 1, &a);
	} else {
		inet_pton(AF_INET, begin, &a.s6_addr[12]);
	}
	address_hide(f, &a);
	char text[INET6_ADDRSTRLEN];
	inet_ntop(six ? AF_INET6 : AF_INET, six ? &a.s6_addr[0] : &a.s6_addr[12], text,
		  sizeof(text));
	snprintf(begin, sizeof(l->address) - (size_t)(begin - l->address),
		 six ? "[%s]%s:%u" : "%s%s:%u", text, device, l->port);
}
