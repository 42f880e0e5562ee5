#include "host/tcp_info.h"

#include <linux/tcp.h>
#include <string.h>

struct connection tcp_info_connection(const void *info, size_t size)
{
	struct tcp_info t = {0};
	memcpy(&t, info, size < sizeof(t) ? size : sizeof(t));
	bool none = !t.tcpi_min_rtt || t.tcpi_min_rtt == UINT32_MAX;
	return (struct connection){.rtt_us = none ? t.tcpi_rtt : t.tcpi_min_rtt,
				   .app_limited = t.tcpi_delivery_rate_app_limited,
				   .delivered = t.tcpi_delivery_rate};
}
