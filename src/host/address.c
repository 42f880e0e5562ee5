#include "host/address.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netdb.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "epolltune/cleanup.h"
#include "epolltune/quantity.h"

/* "ADDRESS:PORT", "[ADDRESS]:PORT", or either without the port. */
static int address_split(const char *name, const char *text, bool port, char host[256],
			 uint64_t *number, struct err *e)
{
	bool bracket = text[0] == '[';
	const char *close = bracket ? strchr(text, ']') : NULL;
	const char *colon = close ? close + 1 : bracket ? NULL : strrchr(text, ':');
	if (port && (!colon || *colon != ':'))
		return err_set(e, EINVAL, "%s: \"%s\" has no port; write ADDRESS:PORT", name, text);
	if (port && !bracket && colon != strchr(text, ':'))
		return err_set(e, EINVAL, "%s: \"%s\": write an IPv6 address as [ADDRESS]:PORT",
			       name, text);
	const char *end = close ? close : port ? colon : text + strlen(text);
	size_t length = (size_t)(end - text) - bracket;
	if (!length || length >= 256 || (bracket && !close) || (close && !port && close[1]))
		return err_set(e, EINVAL, "%s: \"%s\" is not an address", name, text);
	memcpy(host, text + bracket, length);
	host[length] = 0;
	return port ? quantity_parse(name, QUANTITY_COUNT, colon + 1, 1, 65535, number, e) : 0;
}

int address_parse(const char *name, const char *text, bool port, union endpoint *out, struct err *e)
{
	char host[256];
	uint64_t number = 0;
	int rc = address_split(name, text, port, host, &number, e);
	if (rc < 0)
		return rc;
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	int code = EAI_NONAME;
	if (!strchr(host, ':'))
		code = getaddrinfo(host, NULL, &hints, &found);
	if (code) {
		hints.ai_family = AF_INET6;
		code = getaddrinfo(host, NULL, &hints, &found);
	}
	if (code)
		return err_set(e, EINVAL, "%s: \"%s\": %s", name, host, gai_strerror(code));
	*out = (union endpoint){0};
	memcpy(out, found->ai_addr, found->ai_addrlen);
	endpoint_set_port(out, (uint16_t)number);
	freeaddrinfo(found);
	return 0;
}

/* connect() to the unspecified address reaches loopback. */
static bool is_loopback(const union endpoint *p)
{
	if (p->any.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&p->v6.sin6_addr) ||
		       IN6_IS_ADDR_UNSPECIFIED(&p->v6.sin6_addr);
	return ntohl(p->v4.sin_addr.s_addr) >> 24 == 127 || !p->v4.sin_addr.s_addr;
}

/* IPv4 in IPv6 is IPv4 to the kernel. */
static union endpoint unmapped(const union endpoint *p)
{
	struct in_addr v4;
	if (p->any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&p->v6.sin6_addr))
		return *p;
	memcpy(&v4, &p->v6.sin6_addr.s6_addr[12], sizeof(v4));
	return endpoint_ipv4(v4);
}

static int route_received(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct rtmsg *route = nlmsg_data(header);
	bool *local = arg;
	if (header->nlmsg_type == RTM_NEWROUTE && nlmsg_datalen(header) >= (int)sizeof(*route))
		*local = route->rtm_type == RTN_LOCAL;
	return NL_OK;
}

static bool route_put(struct nl_msg *msg, const union endpoint *to)
{
	bool six = to->any.sa_family == AF_INET6;
	const void *address = six ? (const void *)&to->v6.sin6_addr : &to->v4.sin_addr;
	int size = six ? sizeof(to->v6.sin6_addr) : sizeof(to->v4.sin_addr);
	struct rtmsg route = {.rtm_family = (unsigned char)to->any.sa_family,
			      .rtm_dst_len = (unsigned char)(size * 8)};
	if (nlmsg_append(msg, &route, sizeof(route), NLMSG_ALIGNTO) < 0 ||
	    nla_put(msg, RTA_DST, size, address) < 0)
		return false;
	return !six || !to->v6.sin6_scope_id ||
	       nla_put_u32(msg, RTA_OIF, to->v6.sin6_scope_id) >= 0;
}

/* Whether the kernel's route to the address is of type local. The source that it chooses does not
 * show it: that of a second address in a subnet is the first one (net/ipv4/fib_frontend.c,
 * fib_add_ifaddr()). Nor does bind(): net.ipv4.ip_nonlocal_bind allows any address. */
static bool route_is_local(struct nl_sock *s, struct nl_msg *msg, const union endpoint *to)
{
	bool local = false;
	if (!route_put(msg, to) || nl_connect(s, NETLINK_ROUTE) < 0)
		return false;
	nl_socket_disable_auto_ack(s);
	nl_socket_modify_cb(s, NL_CB_VALID, NL_CB_CUSTOM, route_received, &local);
	return nl_send_auto(s, msg) >= 0 && nl_recvmsgs_default(s) >= 0 && local;
}

bool address_is_local(const union endpoint *p)
{
	union endpoint to = unmapped(p);
	if (is_loopback(&to))
		return true;
	struct nl_sock *s = nl_socket_alloc();
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_REQUEST);
	bool local = s && msg && route_is_local(s, msg, &to);
	nlmsg_free(msg);
	nl_socket_free(s);
	return local;
}

static bool is_same(const union endpoint *a, const union endpoint *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	return a->any.sa_family == AF_INET6
		       ? IN6_ARE_ADDR_EQUAL(&a->v6.sin6_addr, &b->v6.sin6_addr) &&
				 a->v6.sin6_scope_id == b->v6.sin6_scope_id
		       : a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

bool address_is_local_again(struct address_asked *last, const union endpoint *p)
{
	if (last->known && is_same(&last->address, p))
		return last->local;
	*last = (struct address_asked){.address = *p, .known = true, .local = address_is_local(p)};
	return last->local;
}
