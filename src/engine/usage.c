#include "engine/usage.h"

#include <stdio.h>
#include <unistd.h>

#include "epolltune/host.h"

uint64_t usage_private_bytes(void)
{
	char text[128];
	struct err ignored = {0};
	unsigned long long size, resident, shared;
	struct host *h = NULL;
	uint64_t bytes = 0;
	if (host_open(&h, "/", &ignored) < 0)
		return 0;
	if (host_read(h, "proc/self/statm", text, sizeof(text), &ignored) > 0 &&
	    sscanf(text, "%llu %llu %llu", &size, &resident, &shared) == 3 && resident >= shared)
		bytes = (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
	host_close(h);
	return bytes;
}
