/* guest_load: what the server of check --run does while clients send as much as they can, and
 * whether that is a measure of its speed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/probe.h"

/* For how long the rate of a closed loop is counted. */
#define GUEST_CLOSED_US 500000
/* By how many percent such rates differ, and how often one is counted again while the machine is
 * too busy: other processes come and go, and a longer run would meet more of them. */
#define GUEST_SPREAD 10
#define GUEST_AGAIN 6
#define GUEST_BAD sizeof(((struct outcome *)0)->why)

/* What came of the requests of an order. */
struct guest_replies {
	uint64_t done, errors; /* of the done ones */
	uint64_t failed;
};

/* What an order took, while clients sent as much as they could. Of other steps only from `ran` on.
 */
struct guest_load {
	struct client_sum sum;
	struct guest_replies replies;
	double rate;    /* of replies that are no errors */
	double client;  /* CPUs that the client used */
	double ran;     /* those that the server used */
	double busiest; /* and its busiest thread */
	double waited;  /* of the time that the server needed a CPU, the share that it had none */
	double idle;    /* CPUs that no process used */
};

/* Counts what `server` used, and what no process did, during a step. */
typedef int (*guest_load_step)(struct trial *t, void *arg, struct err *e);
int guest_load_around(struct trial *t, const struct subject *server, guest_load_step step,
		      void *arg, struct guest_load *l, struct err *e);
/* Gives the order to the first client, and counts what `server` used meanwhile. */
int guest_load_run(struct trial *t, const struct subject *server, const struct client_order *order,
		   struct guest_load *l, struct err *e);
/* Whether a thread of the server used up a CPU. */
bool guest_load_by_cpu(const struct guest_load *l);
/* Whether no CPU was idle while the server did not use one up. Pure. */
bool guest_load_crowded(const struct guest_load *l);
/* Whether the rate was that of the client or of a busy machine, or too low for the time: the
 * outcome says so. `how`: what the server did at it, "answered". */
bool guest_load_hindered(const struct trial *t, const struct guest_load *l, const char *how,
			 struct outcome *out);
/* Takes the rate as the outcome. False, with the outcome inconclusive: it was hindered below the
 * need. */
bool guest_rate_reached(const struct trial *t, const struct guest_load *l, const char *how,
			struct outcome *out);
/* Of an order, from the sums of its client before and after. */
struct guest_replies guest_replies_of(const struct client_sum *before,
				      const struct client_sum *after);
/* Whether so many requests failed or got errors that the others are no measure of the server's
 * speed. Pure. */
bool guest_replies_bad(const struct guest_replies *r);
/* Whether bad replies are the server's fault: it answered with errors, or, while the machine was
 * not busy, reset or closed the connection. One that is slow is not at fault. `cause`: the errno of
 * the first failure. Pure. */
bool guest_replies_accuse(const struct guest_replies *r, int cause, const struct guest_load *l);
/* "12 of 4 000 replies were errors: status 503; 1 of 4 001 requests failed: …"; "": none. */
void guest_replies_text(const struct trial *t, const struct guest_replies *r, char *text,
			size_t size);
/* Whether the replies are no measure of the server's speed: the outcome says why, and `bad` as well
 * where that is the server's fault. `l`: the load that fills the server, which is that of the
 * replies, or was just before. */
bool guest_replies_fail(const struct trial *t, const struct guest_replies *r,
			const struct guest_load *l, char bad[GUEST_BAD], struct outcome *out);
/* Whether connections ended that are not opened again: the rest is less load than was meant. */
bool guest_connections_fail(const struct trial *t, uint64_t count, uint64_t requests,
			    struct outcome *out);
