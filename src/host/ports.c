/* The range that connect() chooses from, and what of this host occupies ports. */
#include "epolltune/ports.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "epolltune/cleanup.h"
#include "epolltune/listener.h"
#include "host/port_sockets.h"

/* Of the kubelet and of kube-proxy: every node has one of them. */
#define KUBELET 10250
#define KUBE_PROXY 10256

int64_t port_range_free(int64_t low, int64_t high, int64_t reserved)
{
	if (low < 1 || high > UINT16_MAX || low > high || reserved < 0)
		return -1;
	return high - low + 1 - reserved;
}

bool ports_reused(int64_t reuse, int64_t timestamps, bool loopback)
{
	return timestamps > 0 && (reuse == 1 || (reuse == 2 && loopback));
}

int host_port_range(const struct host *h, int64_t *low, int64_t *high, struct err *e)
{
	static const char path[] = "proc/sys/net/ipv4/ip_local_port_range";
	char text[64];
	uint64_t first, last;
	ssize_t r = host_read(h, path, text, sizeof(text), e);
	const char *at = text;
	if (r < 0)
		return (int)r;
	if (!text_number(&at, &first) || !text_number(&at, &last) || !first || last < first ||
	    last > UINT16_MAX)
		return err_set(e, EBADMSG, "%s: damaged", path);
	*low = (int64_t)first;
	*high = (int64_t)last;
	return 0;
}

bool host_reserved_set(const struct host *h, struct port_set *out)
{
	static const char path[] = "proc/sys/net/ipv4/ip_local_reserved_ports";
	CLEAN(free_pointer) char *list = NULL;
	*out = (struct port_set){0};
	ssize_t n = host_read_all(h, path, &list, NULL);
	if (n < 0)
		return n == -ENOENT && host_whole(h, path);
	return port_set_parse(out, list);
}

void host_ephemeral_ports(const struct host *h, struct port_set *out)
{
	struct port_set reserved;
	int64_t low, high;
	*out = (struct port_set){0};
	if (host_port_range(h, &low, &high, NULL) || !host_reserved_set(h, &reserved))
		return;
	port_set_add(out, low, high);
	port_set_remove(out, &reserved);
}

int64_t host_reserved_ports(const struct host *h, int64_t low, int64_t high)
{
	struct port_set set;
	return host_reserved_set(h, &set) ? port_set_count(&set, low, high) : -1;
}

static void listener_seen(const struct port_socket *s, void *arg)
{
	port_set_add(arg, s->port, s->port);
}

void host_port_services(const struct host *h, struct port_services *out)
{
	static const struct port_window all = {1, UINT16_MAX};
	struct err unread;
	*out = (struct port_services){0};
	port_sockets_walk(h, 1u << TCP_LISTEN, false, &all, 1, listener_seen, &out->listeners,
			  &unread);
	out->kubernetes =
		port_set_has(&out->listeners, KUBELET) || port_set_has(&out->listeners, KUBE_PROXY);
	struct listeners udp;
	listeners_read_udp(h, false, &udp, NULL);
	for (size_t i = 0; i < udp.count; i++)
		port_set_add(&out->datagrams, udp.at[i].port, udp.at[i].port);
	listeners_free(&udp);
}

bool host_has_kube_proxy(const struct host *h)
{
	struct port_services services;
	host_port_services(h, &services);
	return port_set_has(&services.listeners, KUBE_PROXY);
}
