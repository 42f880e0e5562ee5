/* guest_hold: how many connections the server of check --run holds, and how holding one more ended.
 * It opens them with a request each, or, where the server closes each after its reply, without. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/probe.h"

/* What servers keep free below RLIMIT_NOFILE: Redis 32 descriptors (CONFIG_MIN_RESERVED_FDS). */
#define GUEST_RESERVED 32
/* A server with fewer is asked for each number, not only for powers of two. */
#define GUEST_FEW 64
/* Numbers of connections at which its memory is read: none, each power of two from GUEST_FEW on,
 * all. */
#define GUEST_LEVELS 32

/* How holding more connections ended. */
enum guest_end {
	GUEST_HELD_ALL, /* it did not */
	GUEST_HELD_REFUSED,
	GUEST_HELD_RESET,
	GUEST_HELD_CLOSED,
	GUEST_HELD_UNKEPT,
	GUEST_HELD_MISFIT, /* what came is no reply of the protocol */
	GUEST_HELD_ERROR,
	GUEST_HELD_SILENT,
	GUEST_HELD_QUEUED,
	GUEST_HELD_SLOW, /* the time was over before */
};

struct guest_hold {
	struct guest_held {
		uint64_t count;
		enum guest_end end;
		bool unheld;       /* the server closes each connection after its reply */
		int lack;          /* errno of a client that had no port for one more; 0: it had */
		bool hurry;        /* opens several at a time */
		uint64_t until_ms; /* CLOCK_MONOTONIC */
		uint64_t elapsed_ms;
		char answer[CLIENT_ANSWER];
		struct subject_open open; /* with all of them */
	} held;
	/* The memory of its connections. */
	struct guest_weight {
		/* By the connections held, the last one with all; count 0: it was not weighed. */
		struct guest_weight_level {
			uint64_t held;
			uint64_t own; /* bytes of the server's processes */
		} at[GUEST_LEVELS];
		size_t count;
		struct host_slab_memory before, after;
	} weight;
	struct subject subject;   /* as it runs now */
	struct subject_open idle; /* its descriptors without connections */
	bool unserved;            /* it has not served its first client, since it was started */
};

/* Connections that are tried: the target's, with the margin of a verdict. */
uint64_t guest_hold_wanted(const struct target *target);
/* Starts the server again; `nofile`: its soft limit on descriptors, 0: as it is. */
int guest_hold_begin(struct trial *t, struct guest_hold *g, uint64_t nofile, struct err *e);
/* Whether nothing is known of its limits, as `out` says: it may still start. */
bool guest_hold_unserved(const struct guest_hold *g, struct outcome *out);
/* Whether two ends by silence are of about the same number of connections, as those of a limit are
 * and those of a slow moment are not. Pure. */
bool guest_hold_same(const struct guest_held *a, const struct guest_held *b);
/* Opens them; out->measured: `out` has what it held and whether a limit was met, otherwise why that
 * is not known. */
int guest_hold_run(struct trial *t, struct guest_hold *g, uint64_t nofile, struct outcome *out,
		   struct err *e);
/* Whether its process had then used up its limit on descriptors, and not one that the server sets
 * by its own limit on connections. Pure. */
bool guest_hold_at_nofile(const struct guest_hold *g);
/* "With 100 connections open, the next one got an error: -ERR max number of clients reached.";
 * `local`: over a UNIX socket. */
void guest_hold_text(const struct guest_hold *g, bool local, bool nofile, char *text, size_t size);
/* The server's own memory for a connection: what it grew by from a part of them, with which its
 * runtime has warmed up, to all. Where that is not above the noise, an upper bound: with the
 * warm-up. Pure. */
uint64_t guest_hold_own_bytes(const struct guest_weight *w, bool *bound);
/* For a server that speaks another protocol, sends more than was asked for, or a word of its own
 * before it closes: neither holds nor rates can be counted by its replies. */
void guest_misfit(const struct trial *t, const char *answer, struct outcome *out);
