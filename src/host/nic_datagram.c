/* What network cards give a packet that they receive. */
#include "epolltune/datagram.h"
#include "epolltune/nic.h"

#include <string.h>

bool nics_take_page(const struct nics *real, unsigned kernel)
{
	bool half = false, page = false, up = false;
	for (size_t i = 0; i < real->count; i++)
		up |= real->at[i].up;
	for (size_t i = 0; i < real->count; i++) {
		const struct nic *n = &real->at[i];
		uint64_t mtu = n->link.mtu.known ? n->link.mtu.value : 0;
		if (up && !n->up)
			continue;
		if (datagram_takes_page(n->driver, mtu, kernel))
			page = true;
		else
			half = true;
	}
	return page || !half;
}

/* udp_tunnel_sock_cfg.encap_rcv of Linux: net/ipv4/udp.c, udp_queue_rcv_one_skb(). */
bool nics_tunnel_udp(const struct nics *all)
{
	static const char *const kinds[] = {"wireguard", "vxlan", "geneve", "bareudp",
					    "gtp",       "ovpn",  "amt"};
	for (size_t i = 0; i < all->count; i++)
		for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
			if (!strcmp(all->at[i].kind, kinds[k]))
				return true;
	return false;
}
