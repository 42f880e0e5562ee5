#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/nic.h"
#include "host/machine.h"

/* sudo takes SSH_CONNECTION away, so that processes further up are asked as well. */
#define PROCESSES_UP 16
#define ENVIRONMENT 65536
#define LAYERS 8

static const char variable[] = "SSH_CONNECTION=";

/* "CLIENT PORT SERVER PORT": the server's address. */
static bool server_of(const char *connection, char address[INET6_ADDRSTRLEN])
{
	return sscanf(connection, "%*s %*s %45s", address) == 1;
}

static bool environment_of(const struct host *h, pid_t pid, char address[INET6_ADDRSTRLEN])
{
	char path[32];
	struct err ignored;
	CLEAN(free_pointer) char *text = malloc(ENVIRONMENT);
	snprintf(path, sizeof(path), "proc/%d/environ", pid);
	CLEAN(close_fd) int fd = machine_open(h, path, O_RDONLY, "read", &ignored);
	size_t length = 0;
	while (fd >= 0 && text && length < ENVIRONMENT - 1) {
		ssize_t n = read(fd, text + length, ENVIRONMENT - 1 - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		length += (size_t)n;
	}
	if (!length)
		return false;
	text[length] = 0;
	for (const char *at = text; at < text + length; at += strlen(at) + 1)
		if (!strncmp(at, variable, strlen(variable)))
			return server_of(at + strlen(variable), address);
	return false;
}

static pid_t parent_of(const struct host *h, pid_t pid)
{
	char path[32], text[512];
	struct err ignored;
	int parent = 0;
	snprintf(path, sizeof(path), "proc/%d/stat", pid);
	if (host_read(h, path, text, sizeof(text), &ignored) < 0)
		return 0;
	/* The name in parentheses may hold anything. */
	const char *end = strrchr(text, ')');
	return end && sscanf(end + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

static bool operator_address(const struct host *h, char address[INET6_ADDRSTRLEN])
{
	const char *own = getenv("SSH_CONNECTION");
	if (own && server_of(own, address))
		return true;
	pid_t pid = getppid();
	for (int i = 0; i < PROCESSES_UP && pid > 1; i++, pid = parent_of(h, pid))
		if (environment_of(h, pid, address))
			return true;
	return false;
}

/* The interface that has an address; "" if none. */
static void interface_of(const char *address, char name[IF_NAMESIZE])
{
	struct ifaddrs *list;
	name[0] = 0;
	if (getifaddrs(&list))
		return;
	for (const struct ifaddrs *a = list; a && !name[0]; a = a->ifa_next) {
		char text[INET6_ADDRSTRLEN] = "";
		if (!a->ifa_addr)
			continue;
		if (a->ifa_addr->sa_family == AF_INET)
			inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)a->ifa_addr)->sin_addr,
				  text, sizeof(text));
		else if (a->ifa_addr->sa_family == AF_INET6)
			inet_ntop(AF_INET6,
				  &((struct sockaddr_in6 *)(void *)a->ifa_addr)->sin6_addr, text,
				  sizeof(text));
		if (text[0] && !strcmp(text, address))
			snprintf(name, IF_NAMESIZE, "%s", a->ifa_name);
	}
	freeifaddrs(list);
}

static const struct nic *by_index(const struct nics *n, uint32_t index)
{
	for (size_t i = 0; index && i < n->count; i++)
		if (n->at[i].index == index)
			return &n->at[i];
	return NULL;
}

/* Whether `upper` stands on `lower`: is it, is a bridge or bond with it for a port, or a VLAN of
 * it. */
static bool stands_on(const struct nics *n, const struct nic *upper, const struct nic *lower,
		      unsigned layers)
{
	if (upper == lower)
		return true;
	if (!layers)
		return false;
	const struct nic *below = by_index(n, upper->below);
	if (below && below != upper && stands_on(n, below, lower, layers - 1))
		return true;
	const struct nic *master = by_index(n, lower->master);
	return master && master != lower && stands_on(n, upper, master, layers - 1);
}

bool nic_stands_on(const struct nics *all, const char *upper, const char *lower)
{
	const struct nic *u = nics_find(all, upper), *l = nics_find(all, lower);
	return u && l && stands_on(all, u, l, LAYERS);
}

bool nic_lifeline(const struct host *h, const char *nic, char what[40])
{
	CLEAN(nics_freep) struct nics all = {0};
	struct err ignored;
	char address[INET6_ADDRSTRLEN] = "", name[IF_NAMESIZE] = "";
	if (nics_read(h, NIC_STATISTICS, &all, &ignored) < 0)
		return false;
	const struct nic *lower = nics_find(&all, nic);
	if (!lower)
		return false;
	if (operator_address(h, address))
		interface_of(address, name);
	for (size_t i = 0; i < all.count; i++) {
		const struct nic *upper = &all.at[i];
		bool own = name[0] && !strcmp(upper->name, name);
		if ((!own && !upper->default_route) || !stands_on(&all, upper, lower, LAYERS))
			continue;
		snprintf(what, 40, "%s", own ? "your own connection" : "the default route");
		return true;
	}
	return false;
}
