/* target: the load to be ready for. Numbers, and what follows from them (Little's law). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/quantity.h"

#define TIME_WAIT_MS 60000 /* TCP_TIMEWAIT_LEN, include/net/tcp.h */

enum target_role {
	TARGET_SERVER, /* accepts; the other side closes first */
	TARGET_PROXY,  /* also connects out and closes first: ports and TIME_WAIT have a need */
};

struct target {
	enum target_role role;
	uint64_t connections;     /* open at a time */
	uint64_t rate_per_s;      /* new ones a second */
	uint64_t stall_us;        /* longest pause of the server between two accepts */
	uint64_t rtt_us;          /* round trip to the clients */
	uint64_t bandwidth_bps;   /* of one connection, bits per second */
	uint64_t datagrams_per_s; /* of UDP, that arrive at one address; 0: none */
	uint64_t datagram_bytes;  /* payload of each */
	uint64_t idle_us; /* after which a load balancer or NAT forgets a connection; 0: none */
	/* The servers behind a proxy, times its source addresses: each pair has all ports for
	 * itself. From 1, also where not given, to TARGET_DESTINATIONS_MAX; of no effect on a
	 * server. */
	uint64_t destinations;
	/* Connections and their rate were not asked for, and subject_prefers_datagrams(): they are
	 * those of the default, and have no need. */
	bool datagrams_only;
	/* The role is that of the server that was named, not asked for: whether it opens a
	 * connection for each of its clients is not known. */
	bool role_assumed;
};

#define TARGET_DESTINATIONS_MAX 65536

/* The preset c10k. */
/* clang-format off */
#define TARGET_DEFAULT {TARGET_SERVER, 10000, 10000, 100000, 50000, 100000000, 0, 1200, 0, 1, false, false}
/* clang-format on */

/* Presets c10k (the default), c100k, c1m. target_preset() returns 0, or -EINVAL naming those known.
 */
struct target target_default(void);
int target_preset(const char *name, struct target *out, struct err *e);
/* All presets' names, comma separated, for help and completion. */
const char *target_presets(void);
const char *target_role_name(enum target_role role);

/* A number of a target: as a document has it, as an option, and as a comparison names it. */
struct target_field {
	const char *key; /* the member */
	size_t offset;
	const char *option, *label;
	enum quantity_kind kind;
	bool newer; /* older versions do not write it: a document without it has the default */
};

/* In the order of a document; ends with a NULL key. */
extern const struct target_field target_fields[];

static inline uint64_t target_number(const struct target *t, const struct target_field *f)
{
	return *(const uint64_t *)((const char *)t + f->offset);
}

/* The options that make this target of the default one: " --rate 50k --stall 250ms", "" for none.
 * 256 bytes always suffice. */
void target_arguments(const struct target *t, char *text, size_t size);

/* Sockets of open connections: a proxy has one to its client and one of its own for each. */
uint64_t target_sockets(const struct target *t);
/* Connections that arrive while the server pauses: rate × stall, rounded up. */
uint64_t target_accept_queue(const struct target *t);
/* Datagrams that arrive while the server pauses: datagrams × stall, rounded up. */
uint64_t target_datagrams(const struct target *t);
/* Handshakes that are half open at a time: rate × rtt, rounded up. */
uint64_t target_syn_queue(const struct target *t);
/* Bytes in flight that fill the path: bandwidth × rtt / 8, rounded up. */
uint64_t target_window(const struct target *t);
/* What of so many connections, or new ones, comes to the fullest destination: an even part, rounded
 * up. */
uint64_t target_part(const struct target *t, uint64_t connections);
/* Connections in TIME_WAIT at a time, closing first: rate × 60 s (TCP_TIMEWAIT_LEN). */
uint64_t target_time_wait(const struct target *t);
