/* ports: the range that connect() chooses from, and what of this host occupies ports. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/host.h"
#include "epolltune/port_set.h"
#include "epolltune/target.h"

/* The ports of a range that connect() may take; -1: no such range, or `reserved`, the number of
 * those in net.ipv4.ip_local_reserved_ports, is -1. Pure. */
int64_t port_range_free(int64_t low, int64_t high, int64_t reserved);
/* Whether connect() takes ports in TIME_WAIT, by the values of net.ipv4.tcp_tw_reuse and
 * net.ipv4.tcp_timestamps: net/ipv4/tcp_ipv4.c, tcp_twsk_unique(). A negative one is unknown, and
 * counts as off. Pure. */
bool ports_reused(int64_t reuse, int64_t timestamps, bool loopback);

/* Services that connect() must not take the port of. */
struct port_services {
	struct port_set listeners; /* ports of its TCP listeners */
	/* Of UDP sockets that are not connected. TCP may use them, but a UDP client may not: both
	 * have one range, and one list of reserved ports. */
	struct port_set datagrams;
	bool kubernetes; /* this host is a node: it has node ports */
};
/* net.ipv4.ip_local_reserved_ports; false: unreadable, or damaged on a captured machine. */
bool host_reserved_set(const struct host *h, struct port_set *out);
/* net.ipv4.ip_local_port_range; -EBADMSG: damaged. */
int host_port_range(const struct host *h, int64_t *low, int64_t *high, struct err *e);
/* The ports that the kernel chooses from: those of the range that are not reserved. Empty where it
 * is not readable. */
void host_ephemeral_ports(const struct host *h, struct port_set *out);
/* Without listeners where they cannot be listed; a captured machine has those of its
 * /proc/net/tcp. */
void host_port_services(const struct host *h, struct port_services *out);
/* Those of the datagrams that are services beside a range whose ports clients have: a resolver or a
 * relay has many, one for each request or call, of which only well-known ones are. Pure. */
void port_services_beside(struct port_services *s, int64_t low, int64_t high);

/* Whether the port of kube-proxy's health check listens, of it or of what replaces it. */
bool host_has_kube_proxy(const struct host *h);

/* What a new range has to respect. */
struct port_rules {
	int64_t low, high;        /* the running range */
	int64_t first;            /* net.ipv4.ip_unprivileged_port_start */
	struct port_set reserved; /* net.ipv4.ip_local_reserved_ports */
	bool reserved_fixed;      /* that list cannot be changed here: it is too long */
	struct port_services services;
};

struct port_range {
	int64_t low, high;
	int64_t free;             /* not reserved */
	struct port_set reserved; /* with the services in the range */
	struct port_set added;    /* those of them that were not reserved before */
};

/* The smallest range around the running one with `enough` free ports, otherwise the widest. It
 * grows to the top first, as services rather have low ports. False: none is wider. Pure. */
bool port_range_for(const struct port_rules *rules, int64_t enough, struct port_range *out);
