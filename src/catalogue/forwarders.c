/* What listens at the published port of a container, a virtual machine or a service, or hands the
 * clients of a socket unit on, and what is a proxy before a server. */
#include <stddef.h>

#include "epolltune/catalogue.h"

/* Kubernetes' default range of node ports begins there. */
#define NODE_PORTS 30000

static const struct forwarder_row forwarders[] = {
	{
		.process = "docker-proxy",
		.bypassed = true,
		.copies_local = true,
		.pid = "docker inspect -f '{{.State.Pid}}' CONTAINER",
	},
	/* Podman leaves it the sockets of published ports, which it never accepts from. */
	{
		.process = "conmon",
		.bypassed = true,
		.pid = "podman inspect -f '{{.State.Pid}}' CONTAINER",
	},
	/* Before Kubernetes 1.24 it holds the node ports; below them are its own. */
	{
		.process = "kube-proxy",
		.bypassed = true,
		.port_min = NODE_PORTS,
		.pid = "crictl inspect -o go-template --template '{{.info.pid}}' ID",
	},
	{.process = "rootlessport,rootlesskit,slirp4netns,pasta,pasta.avx2,passt,passt.avx2",
	 .rootless = true},
	/* systemd-socket-proxyd, as the kernel cuts it. */
	{.process = "systemd-socket-"},
};

const struct forwarder_row *forwarder_row_find(const char *process, uint16_t port)
{
	for (size_t i = 0; i < sizeof(forwarders) / sizeof(*forwarders); i++)
		if (process_named(forwarders[i].process, process) && port >= forwarders[i].port_min)
			return &forwarders[i];
	return NULL;
}

/* Besides the servers that are known to be proxies. */
#define REVERSE_PROXIES                                                                             \
	"nginx,openresty,angie,apache2,httpd,lighttpd,caddy,traefik,varnishd,cache-main,squid,"     \
	"hitch,ghostunnel,pound,socat,cloudflared,linkerd2-proxy,pgbouncer,pgcat,odyssey,proxysql," \
	"nghttpx,h2o,ats,traffic_server"

bool reverse_proxy_named(const char *process)
{
	const struct server_row *row = server_row_find(process);
	return (row && row->proxies) || process_named(REVERSE_PROXIES, process);
}
