/* Ports in use by destination: what the sockets of the calling network namespace show. */
#include "epolltune/ports_used.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <netinet/tcp.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "host/owners.h"
#include "host/sock_diag.h"

#define NO_MEMORY "cannot count the ports in use: out of memory"
/* All but LISTEN and CLOSE. Only the side that accepts is in SYN_RECV. */
#define STATES                                                                                     \
	(1u << TCP_ESTABLISHED | 1u << TCP_SYN_SENT | 1u << TCP_FIN_WAIT1 | 1u << TCP_FIN_WAIT2 |  \
	 1u << TCP_TIME_WAIT | 1u << TCP_CLOSE_WAIT | 1u << TCP_LAST_ACK | 1u << TCP_CLOSING)
/* Of a larger range so many ports are looked at first, in windows. Kernel and applications spread
 * ports: the share in use is near that of all. (The order of a dump is no sample: since 6.15
 * inet_ehashfn() puts the sockets of a destination side by side.) */
#define SAMPLE 1024
#define SAMPLE_NEAR 75
#define TALLIES ((size_t)1 << 17)
/* Sockets of a destination to find its owner by: one is enough, among the low descriptors. */
#define OWNER_SOCKETS 64

/* IPv4 addresses are mapped: a socket of either family takes the same ports. */
struct route {
	struct in6_addr source, destination;
	uint32_t port; /* of the destination */
};

struct tally {
	struct route route;
	uint32_t count; /* 0: a free slot */
};

struct tallies {
	struct tally *at;
	size_t size, used; /* a power of two, at most half full */
};

struct candidate {
	struct route route;
	uint32_t used, waiting;
	uint64_t inodes[OWNER_SOCKETS];
	size_t inode_count;
	uint8_t seen[(UINT16_MAX + 1) / 8]; /* a dump in several parts may repeat sockets */
};

struct candidates {
	struct candidate *at;
	size_t count;
};

static struct in6_addr address_of(int family, const uint32_t words[4])
{
	struct in6_addr a = {0};
	if (family == AF_INET6) {
		memcpy(&a, words, sizeof(a));
	} else {
		memset(&a.s6_addr[10], 0xff, 2);
		memcpy(&a.s6_addr[12], words, 4);
	}
	return a;
}

static const struct inet_diag_msg *message_route(struct nl_msg *msg, struct route *route)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct inet_diag_msg *m = nlmsg_data(header);
	if (nlmsg_datalen(header) < (int)sizeof(*m) ||
	    (m->idiag_family != AF_INET && m->idiag_family != AF_INET6))
		return NULL;
	*route = (struct route){.source = address_of(m->idiag_family, m->id.idiag_src),
				.destination = address_of(m->idiag_family, m->id.idiag_dst),
				.port = ntohs(m->id.idiag_dport)};
	return m;
}

static size_t route_hash(const struct route *r)
{
	uint32_t words[sizeof(*r) / 4];
	uint64_t hash = 0;
	memcpy(words, r, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		hash = (hash ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(hash >> 32);
}

/* Routes beyond the capacity are dropped: one that is frequent comes early. */
static int tally_received(struct nl_msg *msg, void *arg)
{
	struct tallies *t = arg;
	struct route route;
	if (!message_route(msg, &route))
		return NL_SKIP;
	size_t i = route_hash(&route) & (t->size - 1);
	while (t->at[i].count && memcmp(&t->at[i].route, &route, sizeof(route)) != 0)
		i = (i + 1) & (t->size - 1);
	if (!t->at[i].count && t->used >= t->size / 2)
		return NL_SKIP;
	t->used += !t->at[i].count;
	t->at[i].route = route;
	t->at[i].count++;
	return NL_OK;
}

static int candidate_received(struct nl_msg *msg, void *arg)
{
	const struct candidates *c = arg;
	struct route route;
	const struct inet_diag_msg *m = message_route(msg, &route);
	size_t i = 0;
	while (m && i < c->count && memcmp(&c->at[i].route, &route, sizeof(route)) != 0)
		i++;
	if (!m || i == c->count)
		return NL_SKIP;
	struct candidate *at = &c->at[i];
	uint16_t port = ntohs(m->id.idiag_sport);
	if (at->seen[port / 8] & 1u << port % 8)
		return NL_SKIP;
	at->seen[port / 8] |= (uint8_t)(1u << port % 8);
	at->used++;
	at->waiting += m->idiag_state == TCP_TIME_WAIT;
	if (m->idiag_inode && at->inode_count < OWNER_SOCKETS)
		at->inodes[at->inode_count++] = m->idiag_inode;
	return NL_OK;
}

static uint64_t near(const struct ports_used *u)
{
	return ((uint64_t)u->available * PORTS_NEAR + 99) / 100;
}

/* The sum of these fields of a line "name: field value …". */
static uint64_t sockstat_sum(const struct host *h, const char *path, const char *line)
{
	char text[1024];
	uint64_t sum = 0, value;
	const char *at =
		host_read(h, path, text, sizeof(text), NULL) > 0 ? strstr(text, line) : NULL;
	for (const char *field = at ? strchr(at, ' ') : NULL; field && *field == ' ';) {
		bool counts = !strncmp(field, " inuse ", 7) || !strncmp(field, " tw ", 4);
		field = strchr(field + 1, ' ');
		if (!field)
			break;
		field++;
		if (!text_number(&field, &value))
			break;
		sum += counts ? value : 0;
	}
	return sum;
}

/* Listeners and both families included: the ports in use are not more. */
static uint64_t sockets_count(const struct host *h)
{
	return sockstat_sum(h, "proc/net/sockstat", "TCP: ") +
	       sockstat_sum(h, "proc/net/sockstat6", "TCP6: ");
}

static int range_read(const struct host *h, struct ports_used *u, struct err *e)
{
	static const char path[] = "proc/sys/net/ipv4/ip_local_port_range";
	char text[64];
	uint64_t low, high;
	ssize_t r = host_read(h, path, text, sizeof(text), e);
	const char *at = text;
	if (r < 0)
		return (int)r;
	if (!text_number(&at, &low) || !text_number(&at, &high) || !low || high < low ||
	    high > UINT16_MAX)
		return err_set(e, EBADMSG, "%s: damaged", path);
	u->low = (int64_t)low;
	u->high = (int64_t)high;
	u->available = u->high - u->low + 1 - host_reserved_ports(h, u->low, u->high);
	return 0;
}

/* The windows to look at, at equal distances; returns how many sockets of a destination in them
 * make it a candidate. */
static uint64_t windows_make(const struct ports_used *u, struct port_window w[PORT_WINDOWS],
			     size_t *count)
{
	uint64_t size = (uint64_t)(u->high - u->low + 1), available = (uint64_t)u->available;
	*count = 1;
	w[0] = (struct port_window){(uint16_t)u->low, (uint16_t)u->high};
	/* Reserved ports are not spread. */
	if (size <= SAMPLE || available < size / 2)
		return near(u);
	for (*count = 0; *count < PORT_WINDOWS; ++*count) {
		uint64_t from = (uint64_t)u->low + *count * (size / PORT_WINDOWS);
		w[*count] = (struct port_window){(uint16_t)from,
						 (uint16_t)(from + SAMPLE / PORT_WINDOWS - 1)};
	}
	return SAMPLE * available * SAMPLE_NEAR / size / 100;
}

/* Adds the routes that have so many sockets. */
static int candidates_choose(const struct tallies *t, uint64_t enough, struct candidates *c,
			     struct err *e)
{
	c->at = calloc(PORTS_USED_MAX, sizeof(*c->at));
	if (!c->at)
		return err_set(e, ENOMEM, NO_MEMORY);
	for (size_t i = 0; i < t->size && c->count < PORTS_USED_MAX; i++)
		if (t->at[i].count && t->at[i].count >= enough)
			c->at[c->count++].route = t->at[i].route;
	return 0;
}

static int candidates_find(const struct ports_used *u, uint64_t sockets, struct candidates *c,
			   struct err *e)
{
	struct port_window windows[PORT_WINDOWS];
	size_t count;
	uint64_t enough = windows_make(u, windows, &count);
	struct tallies t = {.size = 64};
	while (t.size < TALLIES && t.size < 2 * sockets)
		t.size *= 2;
	CLEAN(free_pointer) struct tally *at = calloc(t.size, sizeof(*at));
	t.at = at;
	if (!at)
		return err_set(e, ENOMEM, NO_MEMORY);
	int r = sock_diag_tcp_ports(STATES, windows, count, tally_received, &t, e);
	return r ? r : candidates_choose(&t, enough, c, e);
}

static bool is_loopback(const struct in6_addr *a)
{
	return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
}

static void address_text(const struct in6_addr *a, char text[INET6_ADDRSTRLEN])
{
	bool four = IN6_IS_ADDR_V4MAPPED(a);
	inet_ntop(four ? AF_INET : AF_INET6, four ? &a->s6_addr[12] : a->s6_addr, text,
		  INET6_ADDRSTRLEN);
}

static void ports_add(struct ports_used *u, const struct candidate *c)
{
	const struct route *r = &c->route;
	struct ports_to *to = &u->at[u->count++];
	char address[INET6_ADDRSTRLEN];
	address_text(&r->source, address);
	snprintf(to->source, sizeof(to->source), "%s", address);
	address_text(&r->destination, address);
	snprintf(to->destination, sizeof(to->destination),
		 strchr(address, ':') ? "[%s]:%u" : "%s:%u", address, r->port);
	to->loopback = is_loopback(&r->source) || is_loopback(&r->destination);
	to->used = c->used;
	to->waiting = c->waiting;
	to->owner = -1;
}

static int by_use(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	return x->used != y->used ? (x->used < y->used) - (x->used > y->used)
				  : memcmp(&x->route, &y->route, sizeof(x->route));
}

static int ports_own(const struct host *h, struct ports_used *u, const struct candidates *c,
		     struct err *e)
{
	int owner[PORTS_USED_MAX];
	CLEAN(free_pointer)
	struct owned_socket *sockets = calloc(u->count * OWNER_SOCKETS + 1, sizeof(*sockets));
	struct owners o = {.sockets = sockets, .owner = owner};
	size_t index[PORTS_USED_MAX];
	if (!sockets)
		return err_set(e, ENOMEM, NO_MEMORY);
	for (size_t i = 0; i < u->count; i++) {
		for (size_t k = 0; k < c->at[i].inode_count; k++)
			sockets[o.socket_count++] = (struct owned_socket){
				.inode = c->at[i].inodes[k], .thing = o.thing_count};
		if (!c->at[i].inode_count)
			continue;
		index[o.thing_count] = i;
		owner[o.thing_count++] = -1;
	}
	const size_t count = o.thing_count;
	int r = count ? owners_find(h, &o, e) : 0;
	for (size_t i = 0; i < count; i++)
		u->at[index[i]].owner = owner[i];
	u->processes = o.processes;
	u->process_count = o.process_count;
	u->hidden = o.denied;
	return r;
}

static int candidates_count(const struct host *h, struct ports_used *u, struct candidates *c,
			    struct err *e)
{
	const struct port_window all = {(uint16_t)u->low, (uint16_t)u->high};
	int r = sock_diag_tcp_ports(STATES, &all, 1, candidate_received, c, e);
	if (r)
		return r;
	qsort(c->at, c->count, sizeof(*c->at), by_use);
	for (size_t i = 0; i < c->count && c->at[i].used >= near(u); i++)
		ports_add(u, &c->at[i]);
	return u->count ? ports_own(h, u, c, e) : 0;
}

int ports_used_read(const struct host *h, struct ports_used *out, struct err *e)
{
	struct candidates c = {0};
	memset(out, 0, sizeof(*out));
	int r = sock_diag_live(h, e);
	if (!r)
		r = range_read(h, out, e);
	uint64_t sockets = r ? 0 : sockets_count(h);
	if (r || out->available <= 0 || sockets < near(out))
		return r;
	r = candidates_find(out, sockets, &c, e);
	if (!r && c.count)
		r = candidates_count(h, out, &c, e);
	free(c.at);
	return r;
}

void ports_used_free(struct ports_used *u)
{
	free(u->processes);
	memset(u, 0, sizeof(*u));
}
