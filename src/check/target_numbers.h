/* target_numbers: the numbers of a target, as the options that set them bound them. */
#pragma once

#include "check/check.h"
#include "epolltune/target.h"
#include "options/option.h"

#define HOUR_US UINT64_C(3600000000)

/* clang-format off */
/* The options of the numbers alone: `target` is a struct target in `type`. */
#define TARGET_NUMBERS(type, target) \
	{"connections", "N", "concurrent connections", \
	 OPTION_AT(type, target.connections), NUMBER(COUNT, 1, 100000000)}, \
	{"rate", "N", "new connections per second", \
	 OPTION_AT(type, target.rate_per_s), NUMBER(RATE, 1, 100000000)}, \
	{"stall", "TIME", "longest pause between two accepts", \
	 OPTION_AT(type, target.stall_us), NUMBER(DURATION, 1, HOUR_US)}, \
	{"rtt", "TIME", "round-trip time to the clients", \
	 OPTION_AT(type, target.rtt_us), NUMBER(DURATION, 1, HOUR_US)}, \
	{"bandwidth", "RATE", "bandwidth of each connection", \
	 OPTION_AT(type, target.bandwidth_bps), NUMBER(BANDWIDTH, 1000, 10000000000000)}, \
	{"datagrams", "N", "UDP datagrams per second that arrive at one address", \
	 OPTION_AT(type, target.datagrams_per_s), NUMBER(RATE, 0, 100000000)}, \
	{"datagram", "SIZE", "payload of each of them", \
	 OPTION_AT(type, target.datagram_bytes), NUMBER(SIZE, 1, 65507)}, \
	{"idle", "TIME", "time after which a load balancer or NAT forgets a connection", \
	 OPTION_AT(type, target.idle_us), NUMBER(DURATION, 1000000, 720 * HOUR_US)}, \
	{"destinations", "N", "servers behind a proxy, times its source addresses", \
	 OPTION_AT(type, target.destinations), NUMBER(COUNT, 1, TARGET_DESTINATIONS_MAX)}, \
	{"role", "ROLE", "server (default) accepts; proxy also connects out", \
	 OPTION_AT(type, target.role), CHOICE("server,proxy"), .explained = true}
/* clang-format on */

/* The numbers of a struct target; ends with a NULL name. */
extern const struct option_row target_rows[];

/* The bit of one of them in `kept` and `asked` of struct check_options. */
unsigned target_bit(const char *name);
/* Whether the target has it by an option or a saved target. */
bool target_is_asked(const struct check_options *o, const char *name);
/* Whether the options of a target could have made this one, which a file says. 0 or -ERANGE. */
int target_check(const struct target *t, struct err *e);
/* The nearest target that the options can make. */
struct target target_fit(const struct target *t);
/* `other` with the numbers of `given` whose bits in `kept` are set. */
struct target target_keep(const struct target *given, unsigned kept, const struct target *other);
/* Writes the options that make this target of a saved one, quoted for a shell; "": none was used.
 */
void saved_options(const struct check_options *o, char out[REPORT_SAVED]);
