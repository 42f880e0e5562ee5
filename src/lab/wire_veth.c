/* The veth wire, and the addresses of both wires. */
#include "lab/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>

#include "epolltune/cleanup.h"
#include "epolltune/clock.h"

/* How long the kernel may take to start the queues of a new pair, which it leaves to a work queue.
 */
#define CARRIES_MS 5000
#define CARRIES_STEP_MS 2

static void free_socket(struct nl_sock **sock) { nl_socket_free(*sock); }
static void put_link(struct rtnl_link **link) { rtnl_link_put(*link); }
static void put_addr(struct rtnl_addr **addr) { rtnl_addr_put(*addr); }
static void put_nl_addr(struct nl_addr **addr) { nl_addr_put(*addr); }

static int wire_error(struct err *e, int rc, const char *what)
{
	int code = rc == -NLE_PERM ? EPERM : rc == -NLE_OPNOTSUPP ? EOPNOTSUPP : EIO;
	return err_set(e, code, "lab: %s: %s", what, nl_geterror(rc));
}

static int wire_socket(struct nl_sock **sock, struct err *e)
{
	*sock = nl_socket_alloc();
	if (!*sock)
		return err_set(e, ENOMEM, "lab: netlink socket: out of memory");
	int rc = nl_connect(*sock, NETLINK_ROUTE);
	return rc ? wire_error(e, rc, "connect to rtnetlink") : 0;
}

int wire_veth_make(pid_t peer, struct err *e)
{
	CLEAN(free_socket) struct nl_sock *sock = NULL;
	int rc = wire_socket(&sock, e);
	if (rc)
		return rc;
	rc = rtnl_link_veth_add(sock, LAB_DEVICE, LAB_DEVICE, peer);
	return rc ? wire_error(e, rc, "create a veth pair (needs the kernel module veth)") : 0;
}

static int wire_up(struct nl_sock *sock, const char *name, int *index, struct err *e)
{
	CLEAN(put_link) struct rtnl_link *link = NULL;
	CLEAN(put_link) struct rtnl_link *change = rtnl_link_alloc();
	if (!change)
		return err_set(e, ENOMEM, "lab: netlink request: out of memory");
	int rc = rtnl_link_get_kernel(sock, 0, name, &link);
	if (rc)
		return wire_error(e, rc, name);
	rtnl_link_set_flags(change, IFF_UP);
	rc = rtnl_link_change(sock, link, change, 0);
	if (rc)
		return wire_error(e, rc, name);
	*index = rtnl_link_get_ifindex(link);
	return 0;
}

/* Whether packets pass; a tun device has no operational state. */
static bool link_carries(struct rtnl_link *link)
{
	int state = rtnl_link_get_operstate(link);
	return state == IF_OPER_UP || state == IF_OPER_UNKNOWN;
}

int wire_await(struct err *e)
{
	CLEAN(free_socket) struct nl_sock *sock = NULL;
	int rc = wire_socket(&sock, e);
	for (unsigned ms = 0; !rc && ms < CARRIES_MS; ms += CARRIES_STEP_MS) {
		CLEAN(put_link) struct rtnl_link *link = NULL;
		rc = rtnl_link_get_kernel(sock, 0, LAB_DEVICE, &link);
		if (rc)
			return wire_error(e, rc, LAB_DEVICE);
		if (link_carries(link))
			return 0;
		clock_sleep_ms(CARRIES_STEP_MS);
	}
	return rc ? rc : err_set(e, ETIMEDOUT, "lab: the wire did not come up in time");
}

int wire_size(unsigned mtu, unsigned queue, struct err *e)
{
	CLEAN(free_socket) struct nl_sock *sock = NULL;
	CLEAN(put_link) struct rtnl_link *link = NULL;
	CLEAN(put_link) struct rtnl_link *change = rtnl_link_alloc();
	if (!change)
		return err_set(e, ENOMEM, "lab: netlink request: out of memory");
	int rc = wire_socket(&sock, e);
	if (rc)
		return rc;
	rtnl_link_set_mtu(change, mtu);
	rtnl_link_set_txqlen(change, queue);
	rc = rtnl_link_get_kernel(sock, 0, LAB_DEVICE, &link);
	if (!rc)
		rc = rtnl_link_change(sock, link, change, 0);
	return rc ? wire_error(e, rc, "set MTU and queue length of the wire") : 0;
}

union endpoint wire_endpoint(bool ipv6, enum lab_host host, unsigned i)
{
	/* Server: 198.18.0.1 or 2001:2::1 and up; client: 198.18.1.1 or 2001:2::101 and up. */
	uint32_t number = (host == LAB_CLIENT ? 0x100u : 0) + 1 + i;
	struct in6_addr v6 = {
		.s6_addr = {0x20, 0x01, 0x00,
			    0x02, [14] = (uint8_t)(number >> 8), [15] = (uint8_t)number}};
	return ipv6 ? endpoint_ipv6(v6)
		    : endpoint_ipv4((struct in_addr){htonl(0xc6120000u + number)});
}

static struct nl_addr *address_build(bool ipv6, enum lab_host host, unsigned i)
{
	union endpoint at = wire_endpoint(ipv6, host, i);
	struct nl_addr *local =
		ipv6 ? nl_addr_build(AF_INET6, &at.v6.sin6_addr, sizeof(at.v6.sin6_addr))
		     : nl_addr_build(AF_INET, &at.v4.sin_addr, sizeof(at.v4.sin_addr));
	if (local)
		nl_addr_set_prefixlen(local, ipv6 ? 48 : 15);
	return local;
}

int wire_address(bool ipv6, enum lab_host host, unsigned addresses, struct err *e)
{
	CLEAN(free_socket) struct nl_sock *sock = NULL;
	int index, rc = wire_socket(&sock, e);
	if (rc)
		return rc;
	rc = wire_up(sock, "lo", &index, e);
	if (!rc)
		rc = wire_up(sock, LAB_DEVICE, &index, e);
	for (unsigned i = 0; !rc && i < addresses; i++) {
		CLEAN(put_addr) struct rtnl_addr *addr = rtnl_addr_alloc();
		CLEAN(put_nl_addr) struct nl_addr *local = address_build(ipv6, host, i);
		if (!addr || !local)
			return err_set(e, ENOMEM, "lab: netlink request: out of memory");
		rtnl_addr_set_ifindex(addr, index);
		/* Otherwise it stays tentative for a second or two. */
		if (ipv6)
			rtnl_addr_set_flags(addr, IFA_F_NODAD);
		rc = rtnl_addr_set_local(addr, local);
		if (!rc)
			rc = rtnl_addr_add(sock, addr, 0);
		if (rc)
			return wire_error(e, rc, "add an address to the wire");
	}
	return rc;
}
