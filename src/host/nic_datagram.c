/* What network cards give a packet that they receive. */
#include "epolltune/datagram.h"
#include "epolltune/nic.h"

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
