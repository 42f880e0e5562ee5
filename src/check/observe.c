#include "check/observe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/connections.h"
#include "epolltune/counters.h"
#include "epolltune/quantity.h"
#include "judge/traffic.h"
#include "terminal/progress.h"

/* Between two looks at the queues, two counts of the connections, and two searches for a server
 * that does not listen any more, at least; and so many times as long as the one before took. A long
 * count does not delay the looks. */
#define LOOK_NS 5000000u
#define COUNT_NS 250000000u
#define SEARCH_NS 1000000000u
#define REST 50
#define PROGRESS_NS 1000000000u

struct observer {
	const struct check_options *options;
	struct check_subject *of;
	struct traffic traffic;
	struct connections connections;
	struct host_counters counters, drops;
	uint64_t max_open;
	/* When to look, to count the connections, and to search next. */
	uint64_t look_at, count_at, search_at;
	bool moved; /* into another network namespace since the last look */
};

static uint64_t rest_after(uint64_t began, uint64_t min_ns)
{
	uint64_t now = clock_ns(), rest = (now - began) * REST;
	return now + (rest > min_ns ? rest : min_ns);
}

static int connections_count(struct observer *o, const struct listeners *l, struct err *e)
{
	uint64_t began = clock_ns();
	int rc = connections_read(o->of->host, l, subject_receives, &o->of->subject,
				  &o->connections, e);
	o->count_at = rest_after(began, COUNT_NS);
	if (o->connections.open > o->max_open)
		o->max_open = o->connections.open;
	return rc;
}

/* A container that was restarted has another network namespace. */
static void server_search(struct observer *o)
{
	uint64_t began = clock_ns();
	check_again(o->options, o->of, NULL);
	o->moved |= o->of->moved;
	o->search_at = rest_after(began, SEARCH_NS);
}

/* The kernel counts a datagram when it is read, or dropped. */
static int64_t datagrams_count(const struct host_counters *c)
{
	static const char *const counted[] = {"Udp.InDatagrams",  COUNTER_UDP_FULL,
					      COUNTER_UDP_MEMORY, "Udp6.InDatagrams",
					      COUNTER_UDP6_FULL,  COUNTER_UDP6_MEMORY};
	int64_t all = 0;
	for (size_t i = 0; i < sizeof(counted) / sizeof(*counted); i++) {
		int64_t one = host_counter(c, counted[i]);
		all += one > 0 ? one : 0;
	}
	return all;
}

/* Clients rarely come to a listener that is set aside: one that waits there shows no pause. */
static bool is_timed(const struct listener *l, void *subject)
{
	const struct subject *s = subject;
	bool only = !subject_listens(s, LISTENER_TCP);
	for (size_t i = 0; i < s->listeners.count; i++)
		if (listener_shares_arrivals(l, &s->listeners.at[i]) &&
		    (only || !s->listeners.at[i].aside))
			return true;
	return false;
}

/* Whether programs receive datagrams in the network namespace that the server does not: the kernel
 * counts them with its own, also those of a tunnel. Those of DHCP, NTP, mDNS, LLMNR, SSDP, rpcbind,
 * SNMP, NetBIOS and CUPS are few. */
static bool datagrams_shared(struct observer *o)
{
	static const uint16_t few[] = {68,  111, 123, 137,  138,  161,
				       323, 546, 631, 1900, 5353, 5355};
	CLEAN(listeners_free) struct listeners all = {0};
	if (listeners_read_udp(o->of->host, false, &all, NULL) < 0)
		return true;
	for (size_t i = 0; i < all.count; i++) {
		const struct listener *l = &all.at[i];
		bool counts = !listener_on_loopback(l) && !subject_has(&o->of->subject, l);
		for (size_t k = 0; k < sizeof(few) / sizeof(*few); k++)
			counts &= l->port != few[k];
		if (counts)
			return true;
	}
	return false;
}

/* Those of full accept and SYN queues are among them. Each look would read the file for nothing. */
static int64_t drops_count(struct observer *o, bool last)
{
	bool ends = !o->traffic.looks || o->moved || last;
	return ends && !host_counters(o->of->host, &o->drops, NULL)
		       ? host_counter(&o->drops, COUNTER_LISTEN_DROPS)
		       : -1;
}

static int look(struct observer *o, bool last, struct err *e)
{
	CLEAN(listeners_free) struct listeners l = {0};
	struct traffic_look one = {.l = &l,
				   .wanted = subject_receives,
				   .timed = is_timed,
				   .arg = &o->of->subject,
				   .begins = o->moved,
				   .at_ns = clock_ns()};
	one.udp = subject_listens(&o->of->subject, LISTENER_UDP);
	one.only_udp = one.udp && !subject_listens(&o->of->subject, LISTENER_TCP);
	int rc = host_counters_snmp(o->of->host, one.udp, &o->counters, e);
	if (!rc && !one.only_udp)
		rc = listeners_read_tcp(o->of->host, &l, e);
	if (rc)
		return rc;
	one.opened = one.only_udp ? 0 : host_counter(&o->counters, COUNTER_PASSIVE_OPENS);
	if (one.opened < 0)
		return err_set(e, ENODATA, "--observe: proc/net/snmp has no Tcp PassiveOpens");
	one.dropped = one.only_udp ? -1 : drops_count(o, last);
	one.datagrams = one.udp ? datagrams_count(&o->counters) : 0;
	traffic_add(&o->traffic, &one);
	o->moved = false;
	o->look_at = rest_after(one.at_ns, LOOK_NS);
	if (o->traffic.queue_count)
		o->search_at = clock_ns() + SEARCH_NS;
	else if (!last && clock_ns() >= o->search_at)
		server_search(o);
	bool counts = !one.only_udp && (last || clock_ns() >= o->count_at);
	return counts ? connections_count(o, &l, e) : 0;
}

static void progress_show(uint64_t now, uint64_t began, uint64_t end)
{
	progress_print("%s of %s observed ",
		       quantity_show(QUANTITY_DURATION, (now - began) / 1000000000 * 1000000).text,
		       quantity_show(QUANTITY_DURATION, (end - began) / 1000).text);
}

static int observer_run(struct observer *o, struct err *e)
{
	uint64_t began = clock_ns(), end = began + o->options->observe_us * 1000;
	uint64_t shown = began + PROGRESS_NS;
	for (uint64_t now = began;;) {
		int rc = look(o, now >= end, e);
		uint64_t next = o->look_at < end ? o->look_at : end;
		if (rc || now >= end)
			return rc;
		if (o->options->progress && clock_ns() >= shown) {
			progress_show(clock_ns(), began, end);
			shown += PROGRESS_NS;
		}
		clock_sleep_until(next);
		now = clock_ns();
	}
}

static void observer_free(struct observer **o) { free(*o); }

int observe_server(const struct check_options *options, struct check_subject *of,
		   struct report_observed *out, struct err *e)
{
	CLEAN(observer_free) struct observer *o = calloc(1, sizeof(*o));
	const struct subject *s = &of->subject;
	if (!o)
		return err_set(e, ENOMEM, "--observe: out of memory");
	o->options = options;
	o->of = of;
	if (!subject_listens(s, LISTENER_TCP) && !subject_listens(s, LISTENER_UDP))
		return err_set(e, EOPNOTSUPP,
			       "--observe: %s has no TCP listener and no UDP socket; connections "
			       "to UNIX sockets cannot be observed",
			       s->name[0] ? s->name : "the server");
	int rc = observer_run(o, e);
	if (options->progress)
		progress_clear();
	if (rc)
		return rc;
	traffic_sum(&o->traffic, &o->connections, o->max_open, out);
	out->udp_others = out->udp && datagrams_shared(o);
	if (!out->opened && !out->connections && !out->datagrams_per_s)
		return err_set(e, ENODATA, "--observe: %s had no %s in %s; repeat it under load",
			       s->name[0] ? s->name : "the server",
			       out->udp ? "connection and no datagram" : "connection",
			       quantity_show(QUANTITY_DURATION, options->observe_us).text);
	return 0;
}
