/* Fills a capture from the running machine, without private data. */
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <search.h>
#include <string.h>
#include <sys/stat.h>

#include "epolltune/cleanup.h"
#include "host/listener_file.h"
#include "host/machine.h"

#define HIDDEN_NAME "captured"

/* An address, and the number that replaces it: the same in all files of a capture. */
struct alias {
	struct in6_addr address;
	uint32_t number;
};

struct filling {
	const struct host *live;
	struct capture_options options;
	void *aliases; /* of tsearch(3) */
	uint32_t alias_count, devices;
	bool busy; /* it reads of the running machine itself */
};

const struct host *filling_live(const struct host *h)
{
	return h->filling ? h->filling->live : NULL;
}

void filling_free(struct filling *f)
{
	if (f)
		tdestroy(f->aliases, free);
	free(f);
}

int capture_fill(struct host **out, struct capture *c, const struct host *live,
		 const struct capture_options *o, struct err *e)
{
	CLEAN(host_closep) struct host *h = machine_make("");
	*out = NULL;
	if (h)
		h->filling = calloc(1, sizeof(*h->filling));
	if (!h || !h->filling)
		return err_set(e, ENOMEM, "no memory for a capture");
	h->files = c;
	h->filling->live = live;
	h->filling->options = *o;
	*out = h;
	h = NULL;
	return 0;
}

/* --- private data --- */

static int alias_order(const void *a, const void *b)
{
	const struct alias *x = a, *y = b;
	return memcmp(&x->address, &y->address, sizeof(x->address));
}

/* 0: no memory; the address is then one with all such. */
static uint32_t alias_number(struct filling *f, const struct in6_addr *address)
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
static void address_hide(struct filling *f, struct in6_addr *a)
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
static void tcp_address_hide(struct filling *f, char *hex, size_t digits)
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
static void tcp_hide(struct filling *f, char *text)
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

static void if_inet6_hide(struct filling *f, char *text)
{
	for (char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		struct in6_addr a = {0};
		for (size_t i = 0; i < 16; i++) {
			unsigned byte;
			if (sscanf(line + 2 * i, "%2x", &byte) != 1)
				return;
			a.s6_addr[i] = (unsigned char)byte;
		}
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
static void route_hide(struct filling *f, char *text)
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

static void route6_hide(struct filling *f, char *text)
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
static void mounts_hide(struct filling *f, char *text)
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

static void smaps_hide(struct filling *f, char *text)
{
	char *size = strstr(text, "KernelPageSize:");
	size_t n = size ? strcspn(size, "\n") : 0;
	memmove(text, size ? size : "", n);
	text[n] = 0;
}

static void hardware_hide(struct filling *f, char *text)
{
	char own[18];
	if (strspn(text, "0:") == strlen(text) || strlen(text) < sizeof(own) - 1)
		return;
	snprintf(own, sizeof(own), "02:00:00:00:%02x:%02x", f->devices >> 8 & 0xff,
		 f->devices & 0xff);
	f->devices++;
	memcpy(text, own, sizeof(own));
}

static void name_hide(struct filling *f, char *text)
{
	memcpy(text, HIDDEN_NAME, sizeof(HIDDEN_NAME));
}

/* Comments of files in /etc; the lines keep their numbers. */
static void comments_hide(struct filling *f, char *text)
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

/* What is replaced in texts, which have room for HIDDEN_NAME and never grow beyond. */
static const struct {
	const char *path; /* as fnmatch(3) */
	void (*hide)(struct filling *f, char *text);
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

static bool text_hide(struct filling *f, const char *path, char *text, size_t length)
{
	bool any = false;
	CLEAN(free_pointer) char *was = strdup(text);
	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
		if (!(hidden[i].address && f->options.addresses) &&
		    !fnmatch(hidden[i].path, path, 0)) {
			hidden[i].hide(f, text);
			any = !was || strlen(text) != length || strcmp(was, text) != 0;
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

static void links_hide(unsigned char *data, size_t size)
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

/* --- files --- */

int filling_reply(const struct host *h, const char *path, void *data, size_t size, struct err *e)
{
	const struct capture_file f = {
		.data = data, .size = size, .hidden = !h->filling->options.addresses};
	if (f.hidden)
		links_hide(data, size);
	return capture_put(h->files, path, &f, e);
}

/* The path on the running machine; "": it is not read. */
static void live_path(const struct filling *f, const char *path, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s", path);
	if (f->options.self &&
	    (!strcmp(path, "proc/self/limits") || !strcmp(path, "proc/self/cgroup")))
		snprintf(out, PATH_MAX, "proc/%d/%s", (int)f->options.self,
			 path + strlen("proc/self/"));
	if ((!strncmp(path, "proc/", 5) && isdigit((unsigned char)path[5])) ||
	    !strncmp(path, CAPTURE_EARLIER, strlen(CAPTURE_EARLIER)) ||
	    !strncmp(path, "netlink/", 8))
		out[0] = 0;
}

static void file_take(const struct host *h, const char *path, const char *from)
{
	CLEAN(free_pointer) char *text = NULL;
	ssize_t n = host_read_all(h->filling->live, from, &text, NULL);
	struct capture_file f = {.kind = CAPTURE_FILE};
	/* A link to /dev/null masks a file of the same name. */
	if (n < 0 && (n != -EINVAL || fnmatch("*.conf", path, 0)))
		return;
	char *room = n > 0 ? realloc(text, (size_t)n + sizeof(HIDDEN_NAME)) : NULL;
	if (room) {
		text = room;
		f.hidden = text_hide(h->filling, path, text, (size_t)n);
	} else if (n > 0)
		return;
	/* host_read_all() left out the last newline; `line` ends with it. */
	CLEAN(free_pointer) char *line = NULL;
	int length = n > 0 && text[0] ? asprintf(&line, "%s\n", text) : 0;
	if (length < 0)
		return;
	f.data = line;
	f.size = (size_t)length;
	capture_put(h->files, path, &f, NULL);
}

static void text_put(const struct host *h, const char *path, char *text, bool hides)
{
	const struct capture_file f = {.data = text, .size = strlen(text), .hidden = hides};
	capture_put(h->files, path, &f, NULL);
}

static void identity_take(const struct host *h)
{
	struct host_identity i;
	char text[256];
	if (host_identity(h->filling->live, &i, NULL))
		return;
	snprintf(text, sizeof(text), HOST_IDENTITY_FORMAT, i.boot, i.netns, i.initial,
		 i.first_pids);
	text_put(h, HOST_IDENTITY_FILE, text, false);
}

static void listener_hide(struct filling *f, struct listener *l)
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

static bool any_listener(const struct listener *l, void *arg) { return true; }

static void listeners_take(const struct host *h)
{
	CLEAN(listeners_free) struct listeners l = {0};
	CLEAN(listeners_free) struct listeners udp = {0};
	const struct host *live = h->filling->live;
	CLEAN(free_pointer) char *text = NULL;
	bool hides = !h->filling->options.addresses;
	if (listeners_read(live, &l, NULL))
		return;
	listeners_half_open(live, &l, NULL);
	if (listeners_read_udp(live, true, &udp, NULL))
		l.unlisted |= 1u << LISTENER_UDP;
	for (size_t i = 0; i < udp.count; i++)
		listeners_add(&l, &udp.at[i], NULL);
	listeners_own(live, &l, any_listener, NULL, NULL);
	for (size_t i = 0; i < l.count && hides; i++)
		listener_hide(h->filling, &l.at[i]);
	if ((text = listener_file_text(&l)))
		text_put(h, LISTENER_FILE, text, hides);
}

void filling_text(const struct host *h, const char *path, const char *text)
{
	const struct capture_file f = {.data = (char *)text, .size = strlen(text)};
	capture_put(h->files, path, &f, NULL);
}

void filling_take(const struct host *h, const char *path)
{
	char from[PATH_MAX];
	struct stat st;
	if (!strcmp(path, HOST_IDENTITY_FILE)) {
		identity_take(h);
		return;
	}
	if (!strcmp(path, LISTENER_FILE)) {
		listeners_take(h);
		return;
	}
	if (!strcmp(path, HOST_BYTE_ORDER_FILE)) {
		char order[] = "little\n";
		text_put(h, path, machine_big_endian(NULL) ? strcpy(order, "big\n") : order, false);
		return;
	}
	live_path(h->filling, path, from);
	CLEAN(close_fd)
	int fd = from[0] ? machine_open(h->filling->live, from, O_PATH, "read", NULL) : -1;
	if (fd < 0 || fstat(fd, &st) < 0)
		errno = ENOENT;
	else if (S_ISDIR(st.st_mode))
		capture_put(h->files, path, &capture_directory, NULL);
	else
		file_take(h, path, from);
}

void filling_shadow(const struct host *h, const char *path)
{
	if (h->filling->busy || capture_find(h->files, path))
		return;
	h->filling->busy = true;
	filling_take(h, path);
	h->filling->busy = false;
}

void host_shadow(struct host *live, const struct host *filled) { live->shadow = filled; }

void filling_list(const struct host *h, const char *directory)
{
	int fd = machine_open(h->filling->live, directory, O_RDONLY | O_DIRECTORY, "read", NULL);
	CLEAN(close_directory) DIR *list = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	if (!list) {
		close_fd(&fd);
		return;
	}
	while ((entry = readdir(list))) {
		char path[PATH_MAX];
		if ((entry->d_type == DT_REG || entry->d_type == DT_LNK) &&
		    snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name) < PATH_MAX)
			filling_take(h, path);
	}
}
