#include "host/tcp_info.h"

#include <linux/tcp.h>
#include <stddef.h>
#include <string.h>

static struct tcp_info decoded(const void *info, size_t size)
{
	struct tcp_info t = {0};
	memcpy(&t, info, size < sizeof(t) ? size : sizeof(t));
	return t;
}

struct connection tcp_info_connection(const void *info, size_t size)
{
	const struct tcp_info t = decoded(info, size);
	bool none = !t.tcpi_min_rtt || t.tcpi_min_rtt == UINT32_MAX;
	return (struct connection){.rtt_us = none ? t.tcpi_rtt : t.tcpi_min_rtt,
				   .app_limited = t.tcpi_delivery_rate_app_limited,
				   .delivered = t.tcpi_delivery_rate,
				   .received = t.tcpi_bytes_received};
}

bool tcp_info_state(const void *info, size_t size, struct connection_state *out)
{
	const struct tcp_info t = decoded(info, size);
	out->busy_us = t.tcpi_busy_time;
	out->window_us = t.tcpi_rwnd_limited;
	out->buffer_us = t.tcpi_sndbuf_limited;
	out->retransmits = t.tcpi_total_retrans;
	out->rtt_us = t.tcpi_rtt;
	out->unsent = t.tcpi_notsent_bytes;
	/* keepalive_time_elapsed() of net/ipv4/tcp_timer.c */
	out->silent_ms = t.tcpi_last_data_recv < t.tcpi_last_ack_recv ? t.tcpi_last_data_recv
								      : t.tcpi_last_ack_recv;
	out->data_ms = t.tcpi_last_data_recv;
	out->receive_scale = t.tcpi_options & TCPI_OPT_WSCALE ? (int)t.tcpi_rcv_wscale : -1;
	out->recovering = t.tcpi_ca_state >= TCP_CA_Recovery;
	return size >=
	       offsetof(struct tcp_info, tcpi_sndbuf_limited) + sizeof(t.tcpi_sndbuf_limited);
}

bool tcp_info_stamped(const void *info, size_t size)
{
	return decoded(info, size).tcpi_options & TCPI_OPT_TIMESTAMPS;
}
