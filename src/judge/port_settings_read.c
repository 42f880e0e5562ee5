/* Reads the settings of ports: the range, and what is in use of it. */
#include <inttypes.h>

#include "epolltune/knob_value.h"
#include "epolltune/ports.h"
#include "epolltune/ports_used.h"
#include "judge/port_fields.h"

/* Connections of two destinations that are evidence (ports_evidence.c). */
#define PORTS_SPREAD_MIN 20

static void reserved_read(const struct host *h, struct settings *s)
{
	const int64_t *range = s->at[PORT_RANGE];
	struct port_set set = {0};
	char list[KNOB_VALUE];
	bool known = knob_read(knob_find(RESERVED_KNOB), h, list, NULL) == 0;
	s->at[PORT_RESERVED][0] = s->at[PORT_RESERVED][TAKEN] = REPORT_NONE;
	if (known && port_set_parse(&set, list)) {
		s->at[PORT_RESERVED][0] = port_set_count(&set, 0, 65535);
		report_text(s->text[PORT_RESERVED], "%s", list);
	} else {
		s->at[PORT_RESERVED][TAKEN] = host_reserved_ports(h, range[0], range[1]);
	}
}

static void services_read(const struct host *h, struct settings *s)
{
	struct port_services services;
	struct port_set reserved;
	host_port_services(h, &services);
	/* A list that is too long for the settings. */
	port_services_beside(&services, s->at[PORT_RANGE][0], s->at[PORT_RANGE][1]);
	if (s->at[PORT_RESERVED][TAKEN] != REPORT_NONE && host_reserved_set(h, &reserved)) {
		port_set_remove(&services.listeners, &reserved);
		port_set_remove(&services.datagrams, &reserved);
	}
	port_set_format(&services.datagrams, s->datagram_ports, sizeof(s->datagram_ports));
	int64_t exact = port_fields_count(s, &services.listeners);
	port_set_format(&services.listeners, s->text[PORT_SERVICES],
			sizeof(s->text[PORT_SERVICES]));
	s->at[PORT_SERVICES][0] = services.kubernetes;
	s->at[PORT_SERVICES][ADDED] = port_fields_count(s, &services.listeners) - exact;
}

static void range_read(const struct host *h, struct settings *s)
{
	int64_t *range = s->at[PORT_RANGE];
	/* A captured machine may hold any text: discard an invalid range. */
	if (port_range_free(range[0], range[1], 0) < 0) {
		range[0] = range[1] = REPORT_NONE;
		s->text[PORT_RANGE][0] = 0;
		return;
	}
	reserved_read(h, s);
	services_read(h, s);
	s->at[PORT_FIRST][0] = host_number(h, "proc/sys/net/ipv4/ip_unprivileged_port_start");
}

/* Which of the sockets in a capture are the server's is not known. */
static bool is_visible(const struct host *h, const struct settings *s)
{
	return s->subject && !s->guest && host_live(h);
}

/* Where bind() has chosen the ports, all destinations share one range. */
static void spread_read(struct settings *s, const struct ports_used *used)
{
	bool binds = false;
	for (size_t i = 0; i < used->from_count; i++)
		binds |= used->from[i].binds || ports_from_bound(used, &used->from[i]);
	if (!binds)
		s->spread = ports_used_spread(used);
}

/* Whether bind() chose ports of the server. */
static void bound_mark(struct settings *s, const struct ports_used *used)
{
	int64_t *bound = &s->at[PORT_NEAR][BOUND];
	for (size_t i = 0; i < used->from_count && *bound != 1; i++)
		if (used->from[i].own && ports_from_bound(used, &used->from[i]))
			*bound = 1;
		else if (used->from[i].binds)
			*bound = SEEMS;
}

void ports_settings_read(const struct host *h, struct settings *s)
{
	struct ports_used used;
	range_read(h, s);
	if (!is_visible(h, s) || s->subject->opened < PORTS_SPREAD_MIN)
		return;
	if (!ports_used_read(h, s->subject, &used, NULL)) {
		bound_mark(s, &used);
		spread_read(s, &used);
	}
	ports_used_free(&used);
}

static void destination_read(struct settings *s, int at, const struct ports_taken *taken)
{
	s->at[at][HELD] = taken->held;
	s->at[at][ALL] = taken->all;
	s->at[PORT_OTHERS][at == PORT_NEAR ? BESIDE_NEAR : BESIDE] = taken->beside;
	report_text(s->text[at], "%s", taken->destination);
}

/* All destinations of a server that binds each port take it from one range: what others have of
 * that. */
static void bound_read(struct settings *s, const struct ports_used *used)
{
	struct ports_taken taken;
	for (int loopback = 0; loopback < 2; loopback++)
		if (ports_used_bound(used, loopback, &taken))
			destination_read(s, loopback ? PORT_NEAR : PORT_REMOTE, &taken);
	bound_mark(s, used);
}

static void others_read(struct settings *s, const struct ports_used *used)
{
	const struct process *p =
		used->others.owner < 0 ? NULL : &used->processes[used->others.owner];
	s->at[PORT_OTHERS][0] = ports_others_bound(&used->others);
	if (p)
		report_text(s->text[PORT_OTHERS], "%s (pid %d)", p->name, (int)p->pid);
}

/* Without timestamps here the connections do not show whether the other end has them. */
static void stamps_read(struct settings *s, const struct ports_used *used)
{
	for (int loopback = 0; loopback < 2 && s->at[PORT_TIMESTAMPS][0] != 0; loopback++) {
		enum ports_stamps stamps = ports_used_stamps(used, loopback);
		if (stamps != PORTS_STAMPS_UNKNOWN)
			s->at[PORT_STAMPS][loopback] = stamps == PORTS_STAMPS_SOME;
	}
}

void ports_rate_read(const struct host *h, struct settings *s)
{
	struct ports_used used;
	struct ports_taken taken;
	struct err unread;
	range_read(h, s);
	bool own = s->subject;
	bool unknown = own && !host_live(h);
	int rc = ports_used_read(h, unknown ? NULL : s->subject, &used, &unread);
	if (rc < 0 || (unknown && used.count)) {
		ports_used_free(&used);
		used.others.owner = -1;
		s->at[PORT_REMOTE][UNREAD] = 1;
	}
	if (ports_used_taken(&used, false, own, &taken) || !own)
		destination_read(s, PORT_REMOTE, &taken);
	if (ports_used_taken(&used, true, own, &taken))
		destination_read(s, PORT_NEAR, &taken);
	bound_read(s, &used);
	others_read(s, &used);
	if (own)
		stamps_read(s, &used);
	if (is_visible(h, s) && rc >= 0)
		spread_read(s, &used);
	ports_used_free(&used);
}
