#include "port_verdicts.h"

#include <string.h>

struct target proxy_target(uint64_t connections, uint64_t rate)
{
	struct target t = target_default();
	t.role = TARGET_PROXY;
	t.connections = connections;
	t.rate_per_s = rate;
	return t;
}

void text_is_whole(const char *text)
{
	if (strpbrk(text, "{}") || strstr(text, "…") || strstr(text, "  ") || strstr(text, " ."))
		fail_msg("\"%s\"", text);
}
