/* trial: one run of an experiment: the lab with its settings, and what it starts there. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/client.h"
#include "epolltune/err.h"
#include "epolltune/experiment.h"
#include "epolltune/host.h"
#include "epolltune/lab.h"
#include "epolltune/probe_options.h"
#include "epolltune/server.h"
#include "epolltune/target.h"

/* Bytes of the progress text. */
#define PROBE_PROGRESS 64

struct context; /* each probe defines its own: state that its experiments share */

#define TRIAL_CLIENTS 2

/* The argument of run(). The judge owns it and ends what run() has started. */
struct trial {
	const struct target *target;
	const struct probe_options *options;
	const struct host *host;   /* the calling namespace, read only */
	struct lab *lab;           /* has the settings */
	uint64_t needed;           /* in the unit of the wall; 0: the target does not need it */
	const struct bound *bound; /* of the settings, while run() runs */
	bool proof;                /* this run tries a proposed value */
	bool emulated;             /* the listen argument emulates somaxconn in the lab */
	struct context *context; /* probe.context_size bytes, zeroed before the first experiment */
	char *progress;          /* PROBE_PROGRESS bytes; NULL: none */
	/* What trial_server(), trial_client() and trial_knobs() have started, in the lab's memory
	 * from `mark` on. */
	struct server *server;                 /* NULL: none */
	struct client *clients[TRIAL_CLIENTS]; /* in the order of starting; NULL: none */
	struct trial_swap *swaps;              /* knobs to restore, the last one first */
	size_t mark;
	bool begun;
};

/* Starts the test server on the first address of the server host, as t->server. Stops the previous
 * server and its clients. The judge stops servers and clients and releases lab memory after run(),
 * alternatives() and measure(), also after an error. */
int trial_server(struct trial *t, struct server_config config, struct err *e);
/* Starts clients of that server, of the operator's with --run, as the next of t->clients, without
 * opening connections. -EMFILE, and no clients, if RLIMIT_NOFILE does not allow that many. */
int trial_client(struct trial *t, struct client_config config, struct err *e);
/* The same; 0 without clients instead of -EMFILE. */
int trial_client_optional(struct trial *t, struct client_config config, struct err *e);

/* Sets knobs of a lab host that are not settings of the experiment. Skips knobs that the kernel
 * lacks. The judge restores them after run(), alternatives() or measure(), but not after prepare().
 * `list` ends with a NULL name. -EROFS where the lab is the calling namespace. */
struct trial_knob {
	const char *name, *value;
};
int trial_knobs(struct trial *t, enum lab_host host, const struct trial_knob *list, struct err *e);

/* On the operator's server (--run): starts it again, so that nothing is left of an experiment
 * before, with RLIMIT_NOFILE `nofile` (0: the caller's), waits until it serves a first client, if
 * it does (guest->first), and finds its processes. The caller frees `out`, which is zeroed or of an
 * earlier call. */
int trial_guest(struct trial *t, uint64_t nofile, struct subject *out, struct err *e);
/* Of its clients, and bytes of their requests. */
struct client_config trial_guest_client(const struct trial *t, uint64_t connections);
unsigned trial_guest_size(const struct trial *t);
/* Waits, 2 s at most, until it has accepted what waits; the number that still does. */
int trial_guest_accepts(struct trial *t, uint64_t *queued, struct err *e);
/* Whether it runs, accepts and answers another client. There are no other clients of the trial. */
int trial_guest_serves(struct trial *t, bool *serves, struct err *e);
/* Ends the trial's clients. */
void trial_clients_end(struct trial *t);
/* Starts the operator's server again, with the lab's knobs. True: it cannot be tried, as `out`
 * says, since in a proof the command passes its own backlog to listen(); or an error in *rc. */
bool trial_guest_refuses(struct trial *t, const struct settings *s, enum listener_kind kind,
			 struct outcome *out, int *rc, struct err *e);

/* For the judge, after run(), alternatives() or measure() returned `rc`: ends what they started.
 * Returns `rc`, or the first error of restoring a knob if `rc` is 0. */
int trial_end(struct trial *t, int rc, struct err *e);

/* printf into trial->progress. */
void trial_progress(struct trial *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The counters of a lab host at two moments. trial_counters_growth() is -1 if the kernel has no
 * such counter. trial_counters_free() accepts a zeroed struct. */
struct trial_counters {
	struct host_counters *before, *after;
	enum lab_host host;
};
int trial_counters_begin(struct trial *t, enum lab_host host, struct trial_counters *c,
			 struct err *e);
int trial_counters_end(struct trial *t, struct trial_counters *c, struct err *e);
int64_t trial_counters_growth(const struct trial_counters *c, const char *name);
void trial_counters_free(struct trial_counters *c);
