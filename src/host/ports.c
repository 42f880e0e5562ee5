/* Ports that the kernel does not hand out. */
#include "host/machine.h"

#include <stdlib.h>

#include "epolltune/cleanup.h"

/* The list as the kernel writes it: "8080,9000-9010". */
static int64_t ports_within(const char *list, int64_t low, int64_t high)
{
	int64_t count = 0;
	while (*list) {
		char *end;
		int64_t from = strtol(list, &end, 10), to = from;
		if (end == list)
			break;
		if (*end == '-')
			to = strtol(end + 1, &end, 10);
		from = from < low ? low : from;
		to = to > high ? high : to;
		count += to >= from ? to - from + 1 : 0;
		if (*end != ',')
			break;
		list = end + 1;
	}
	return count;
}

int64_t host_reserved_ports(const struct host *h, int64_t low, int64_t high)
{
	CLEAN(free_pointer) char *list = NULL;
	if (host_read_all(h, "proc/sys/net/ipv4/ip_local_reserved_ports", &list, NULL) < 0)
		return 0;
	return ports_within(list, low, high);
}
