/* The IP version that this host's network uses. */
#include <ifaddrs.h>
#include <net/if.h>

#include "epolltune/host.h"
#include "host/machine.h"

int host_family(const struct host *h)
{
	struct ifaddrs *list;
	bool ipv4 = false, ipv6 = false;
	if (!h->live || getifaddrs(&list))
		return AF_INET;
	for (const struct ifaddrs *a = list; a; a = a->ifa_next) {
		if (!a->ifa_addr || (a->ifa_flags & IFF_LOOPBACK))
			continue;
		ipv4 |= a->ifa_addr->sa_family == AF_INET;
		ipv6 |= a->ifa_addr->sa_family == AF_INET6;
	}
	freeifaddrs(list);
	return ipv6 && !ipv4 ? AF_INET6 : AF_INET;
}
