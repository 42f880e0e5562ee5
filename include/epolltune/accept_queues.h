/* accept_queues: the accept queues of the listeners that run here, in two looks and at the ticks
 * between them, judged by what they show. All but the tick is pure. */
#pragma once

#include "epolltune/front.h"
#include "epolltune/listener.h"
#include "epolltune/owner_cpu.h"
#include "epolltune/probe.h"
#include "epolltune/published.h"

/* One look, with what was seen at the ticks before it. */
struct accept_queues {
	double at_s;        /* monotonic; of a captured machine when the capture was read */
	double middle_at_s; /* of the tick in the middle of the window */
	unsigned ticks;
	struct queue_seen { /* how often a listener was seen in trouble at a tick */
		uint64_t cookie;
		uint32_t full, waiting, depth;
		uint32_t last;    /* depth at the newest tick */
		uint32_t min;     /* at any tick; 0: it was empty at one */
		uint32_t middle;  /* in the middle of the window */
		uint32_t dropped; /* struct listener's drops there */
		uint64_t drained; /* by how much it became shorter between ticks, all in all */
		/* Of a UNIX socket: how many wait since the middle, and how many left it since
		 * then. */
		uint64_t stayed, left;
	} * seen;
	size_t seen_count;
	struct waiting_list waited; /* where queue_compares(), in the middle of the window */
	uint64_t drops_begun;       /* packets that all listeners had dropped at the first tick */
	struct listeners listeners;
	const struct listener *half_open; /* with the fullest SYN queue; NULL: none is full */
	const struct subject *subject;    /* NULL: none was named */
	struct subject_upstreams upstreams;
	struct published published; /* of the subject */
	struct front front;         /* likewise */
	/* Processes of the subject that accept connections, but not now: halted, or out of
	 * descriptors. */
	struct process *stuck;
	size_t stuck_count;
	struct owner_cpu cpu;        /* of those whose queues are in trouble, and of the subject */
	struct owner_cpu cpu_middle; /* where queue_lingers(), in the middle of the window */
	struct host_counters counters;
	/* net.core.somaxconn, net.ipv4.tcp_max_syn_backlog, tcp_syncookies, fs.nr_open;
	 * REPORT_NONE: unknown */
	int64_t somaxconn, max_syn, cookies, nr_open;
	unsigned kernel; /* as in struct machine */
	bool page;       /* nics_take_page(), where UDP sockets of the subject are set aside */
	bool openrc;     /* host_has_openrc() */
	/* Whether the counters are those of the machine's first network namespace, and since when
	 * they count; 0: unknown. */
	bool first_netns;
	double uptime_s;
	struct since since;
};

/* Adds a tick to `seen`, which the caller frees. */
int accept_queues_tick(struct accept_queues *q, const struct listeners *now, struct err *e);
/* Whether that tick was the one in the middle of the window. */
bool accept_queues_halved(const struct accept_queues *q);
/* Whether connections wait in it at each tick, and none left it, or it is of a UNIX socket, whose
 * arrivals no counter has: `queues` is accept_queues. */
bool queue_compares(const struct listener *l, void *queues);
/* Whether it is full, or connections waited in it at half of the ticks or more: it may be in
 * trouble at the next look. `queues` is accept_queues. */
bool queue_lingers(const struct listener *l, void *queues);
/* Adds to `seen` what these have accepted, at least, while as many came, and how many wait since
 * the middle of the window: `now` was read before `listeners`, and `waited` after its tick. */
void accept_queues_compare(struct accept_queues *q, const struct waiting_list *now);

/* Whether they have dropped more packets since the first tick than stray ones explain. */
bool queues_drop(const struct accept_queues *q);
/* 1.0: it is at its limit. */
double queue_fullness(const struct listener *l);
/* Whether connections wait in it whenever it is looked at. */
bool queue_waits(const struct accept_queues *q, const struct listener *l);
/* Its struct listener's drops in the middle of the window; false: there was no look then. */
bool queue_dropped(const struct accept_queues *q, const struct listener *l, uint32_t *drops);
/* Full, waiting, or dropping since the earlier report. */
bool queue_in_trouble(const struct accept_queues *q, const struct listener *l);

struct queue_watch {
	const struct accept_queues *before, *after;
	struct report *report;
	const struct target *target;
	double seconds;    /* 0: there is one look */
	double stall_s;    /* moment_stall_s() */
	double rate_per_s; /* new connections/s of the target */
	bool overflows;    /* ListenOverflows grew, or this kernel does not count them */
	bool blamed;       /* a listener is named for them */
};
struct queue_watch accept_queues_watch(const struct accept_queues *before,
				       const struct accept_queues *after, const struct moment *m,
				       struct report *r);
/* A counter's growth; 0 where nothing was watched. */
int64_t queue_growth(const struct queue_watch *w, const char *counter);
/* Whether listeners that are there now, of the subject where there is one, may have dropped these
 * packets, of which no listener can be named: their own drops grew by a tenth of it, or more. Those
 * of a listener that has gone show nothing of the servers that run. */
bool queues_may_drop(const struct queue_watch *w, int64_t lost);
/* Adds findings on queues that are full or drop, by address: with SO_REUSEPORT several sockets.
 * Sets `blamed`. */
void accept_queues_judge(struct queue_watch *w);
/* The same on those that dropped packets since the earlier report. */
void accept_queues_judge_since(const struct queue_watch *w);
