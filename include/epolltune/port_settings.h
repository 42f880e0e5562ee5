/* port_settings: the settings of the walls ports.ephemeral and ports.rate, and what the kernel's
 * rules make of them. */
#pragma once

#include "epolltune/connect_cost.h"
#include "epolltune/probe.h"

/* The knobs of an experiment, in this order: up to PORT_FIRST of ports.ephemeral, all of
 * ports.rate. PORT_SERVICES has the ports of listeners as text; its number is set on a Kubernetes
 * node. A list of reserved ports that is too long has no text; its third number counts those in the
 * range. PORT_REMOTE and PORT_NEAR are the fullest destinations: the ports in use to it without
 * those in TIME_WAIT, and all, with its name as text; the third number of PORT_REMOTE is 1 where
 * what is in use is not known, that of PORT_NEAR where the server binds each port
 * (ports_from_bound()), 2 where it seems to (ports_from.binds). PORT_STAMPS: whether the server's
 * open connections have TCP timestamps, those to others and those over loopback: 0 none, 1 some.
 * PORT_OTHERS: the ports that others have most likely bound, with the owner of one as text, and of
 * these what PORT_REMOTE and PORT_NEAR do not include. */
enum {
	PORT_RANGE,
	PORT_RESERVED,
	PORT_SERVICES,
	PORT_FIRST,
	PORT_REUSE,
	PORT_TIMESTAMPS,
	PORT_REUSE_DELAY,
	PORT_BUCKETS,
	PORT_REMOTE,
	PORT_NEAR, /* over loopback */
	PORT_STAMPS,
	PORT_OTHERS,
};

#define RANGE_KNOB "net.ipv4.ip_local_port_range"
#define RESERVED_KNOB "net.ipv4.ip_local_reserved_ports"
#define REUSE_KNOB "net.ipv4.tcp_tw_reuse"

/* These, and how the server's open connections are spread. */
void ports_settings_read(const struct host *h, struct settings *s);
/* The same, and the destinations: of the server in question where one was named. Otherwise there
 * may always be another one that is not near. */
void ports_rate_read(const struct host *h, struct settings *s);

/* All that follow are pure. */

/* The ports of the range that are neither reserved nor those of a listener: connect() takes none
 * that is bound. REPORT_NONE: unknown. */
int64_t ports_free(const struct settings *s);
/* Adds the ports of listeners that are in the range to a list of reserved ports, so that a lab
 * without these listeners has as many ports. False: there are none, or the list is not known. */
bool ports_free_reserve(const struct settings *s, char *list, size_t size);
/* Whether its open connections show that a peer has no timestamps. */
bool ports_unstamped(const struct settings *s, bool loopback);
/* The new connections a second that the fullest destination of the target has; all where bind()
 * chooses the ports. */
int64_t ports_rate_needed(const struct target *t, const struct settings *s);
/* How long a closed connection keeps its port. */
int64_t ports_rest_ms(const struct settings *s, bool loopback);
/* Whether the destination that binds, with so many ports, is one over loopback. */
bool ports_near_binds(const struct target *t, const struct settings *s, int64_t ports);
/* The new connections a second that so many ports to a destination allow. */
int64_t ports_rate_of(const struct target *t, const struct settings *s, int64_t ports);
/* Whether the kernel ends TIME_WAIT before the ports are used up. */
bool ports_end_early(const struct target *t, const struct settings *s);
/* The ports that so many new connections a second take: connections + rate × rest, beside those
 * that others use. */
int64_t ports_for_rate(const struct target *t, const struct settings *s, int64_t rate);

/* The share of its ports to one destination that the target uses, with those that others use, up to
 * 0.99; 0 for a server, or one that takes no port. */
double ports_share(const struct target *t, const struct settings *s);
/* Adds the note ports.connect-cost where connect() costs the target ten times of what it costs with
 * free ports. */
void ports_cost_judge(const struct target *t, const struct settings *s,
		      const struct connect_cost *c, struct report *r);

/* bound(), solve() and words() of the experiments. */
void ports_bound(const struct target *t, const struct settings *s, struct bound *b);
bool ports_solve(const struct target *t, const struct settings *now, const struct outcome *o,
		 int64_t enough, struct settings *out);
void ports_words(const struct target *t, const struct settings *s, const struct outcome *o,
		 const struct bound *b, struct wording *w);
void ports_rate_bound(const struct target *t, const struct settings *s, struct bound *b);
bool ports_rate_solve(const struct target *t, const struct settings *now, const struct outcome *o,
		      int64_t enough, struct settings *out);
void ports_rate_words(const struct target *t, const struct settings *s, const struct outcome *o,
		      const struct bound *b, struct wording *w);
