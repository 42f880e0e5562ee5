/* watch: limits and their use, one look after another: what a look shows, and what many of them
 * say. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "epolltune/catalogue.h"
#include "epolltune/err.h"
#include "epolltune/report.h"

#define WATCH_GAUGES 1024
#define WATCH_HISTORY 240 /* looks that a row remembers */
#define WATCH_ENDED 30    /* looks for which it stays after its end */

/* How to read the figures of a wall. */
struct watch_kind {
	const char *wall; /* its row in the catalogue */
	const char *unit; /* of value and limit; "B": bytes */
	bool over;        /* full is above the limit, not at it */
	bool listener;    /* a row is a listener */
	bool wraps;       /* `lost` has 32 bits: it begins at 0 again beyond them */
	bool paired;      /* value and limit are counters: their growth is "3 of 10 periods" */
	bool limitless;   /* it has no limit to compare with */
	bool mild;        /* at its limit it refuses nothing: that is tight, not short */
	bool alike;       /* rows may have the same `what`: metrics name their key too */
	/* `lost` counts other packets too: only overflows of the accept queue and SYNs that the SYN
	 * queue did not take count. */
	bool shared;
	enum wall_verdict loss; /* where `lost` grows; VERDICT_OK: it does no harm */
	double few;             /* losses a second, in a burst, below which it does none */
	const char *losses;     /* what it counts: "packets dropped"; NULL: nothing */
	/* What `what` begins with where the rest changes from look to look; NULL: it does not. */
	const char *constant;
};
/* NULL: there are no gauges of this wall. */
const struct watch_kind *watch_kind_find(const char *wall);

/* A limit and its use at one moment. */
struct watch_gauge {
	const struct watch_kind *kind;
	/* With the wall it identifies the row: the cookie of a socket, the start of a process, the
	 * path of a control group. */
	uint64_t key;
	char what[128];  /* "nginx 0.0.0.0:443", "TIME_WAIT sockets" */
	char note[128];  /* what else is known, a clause: "worker 813 is stopped"; "": nothing */
	char server[32]; /* for --server of check: "812", ":443"; "": it belongs to no server */
	enum finding_remedy owner;
	int64_t value, limit; /* REPORT_NONE: unknown, or of a paired kind not read this time */
	int64_t lost;         /* counter of what this limit cost; REPORT_NONE: unknown */
	bool made; /* all of `lost` is since the look before, as of a socket that was made since */
	int64_t half_open; /* of a TCP listener; REPORT_NONE: not counted */
	int64_t syn_room;  /* that its SYN queue holds of these; REPORT_NONE: unknown */
	bool stuck;        /* connections wait, and the process does not accept them */
};

/* Counters of the network namespace, the last one of the watch. */
enum watch_counter {
	WATCH_ESTABLISHED, /* a number of now, not a counter */
	WATCH_ACCEPTED,
	WATCH_OPENED,
	WATCH_OVERFLOWS,
	WATCH_COOKIES,
	WATCH_RETRANSMITS,
	WATCH_SYNS_DROPPED, /* since the watch began, as syn_drops_lost() has it */
	WATCH_COUNTERS,
};
extern const char *const watch_counter_names[WATCH_COUNTERS];

/* Connections that the kernel reset, by TcpExt.TCPAbortOnMemory: it counts too many orphans and
 * lack of TCP memory alike. net/ipv4/tcp.c, tcp_check_oom(): four times the orphans have to exceed
 * their limit at least (net/ipv4/tcp_timer.c, tcp_out_of_resources()). */
struct watch_aborts {
	int64_t orphans, memory;
};
/* Adds the growth of that counter; -1, REPORT_NONE: unknown. Pure. */
void watch_aborts_add(struct watch_aborts *a, int64_t grown, int64_t orphans, int64_t limit);

/* One look. */
struct watch_sample {
	char host[72];
	char server[128]; /* that --server named; "": none */
	/* Why the search failed, where it may be there anyway; "": it is, or does not listen. */
	char waiting[256];
	struct timespec time;
	double seconds;                   /* since the look before it; 0: it is the first */
	int64_t counters[WATCH_COUNTERS]; /* REPORT_NONE: unknown */
	size_t count;
	size_t omitted; /* gauges beyond WATCH_GAUGES */
	struct watch_gauge at[WATCH_GAUGES];
};
/* Adds an empty gauge of that wall. Never NULL: beyond the capacity it returns a scratch gauge and
 * counts it as omitted. */
struct watch_gauge *watch_gauge(struct watch_sample *s, const char *wall);

/* What many looks say of a gauge. */
struct watch_row {
	struct watch_gauge now;
	enum wall_verdict verdict; /* VERDICT_NA: it has no limit, or is not there any more */
	unsigned ended;            /* looks since it was there; 0: it is */
	int64_t used, limit;       /* of a paired kind their growth; REPORT_NONE: unknown */
	int64_t pair[2];           /* of a paired kind value and limit when they were last known */
	int64_t recent;            /* the maximum of `used` in the history; REPORT_NONE: unknown */
	double growth;             /* a second, where it is steady; 0: none */
	double left_s; /* until the limit at that growth, 0 at it; INFINITY: no growth to it */
	double lost;   /* a second; NAN: unknown */
	/* Of a shared kind: what of now.lost does not count: what it dropped while others had all
	 * overflows, or what counts twice. */
	int64_t stray;
	double history[WATCH_HISTORY]; /* of `used`, at watch_place(); NAN: unknown */
};

struct watch {
	char host[72], server[128], waiting[256];
	double interval_s; /* between looks, set by the caller; 0: unknown */
	struct timespec time;
	double seconds;                   /* as in the last look */
	int64_t counters[WATCH_COUNTERS]; /* likewise */
	double rates[WATCH_COUNTERS];     /* their growth a second; NAN: unknown */
	size_t omitted;
	uint64_t looks;
	double clock;             /* seconds of all looks */
	double at[WATCH_HISTORY]; /* the clock at each look, at watch_place() */
	size_t count;
	struct watch_row *rows;
	struct watch_row **nearest; /* the rows, the nearest wall first */
	enum wall_verdict worst;    /* of all looks: ok, tight or short */
};

/* Adds a look. One without `seconds` drops those before it. The caller frees with watch_free(),
 * also after -ENOMEM. */
int watch_add(struct watch *w, const struct watch_sample *s, struct err *e);
void watch_free(struct watch *w);
/* How many looks the history has, and the place of the i-th of them, the oldest first. */
size_t watch_remembered(const struct watch *w);
size_t watch_place(const struct watch *w, size_t i);
/* How much a limit of that kind holds: a queue takes one connection more. REPORT_NONE: unknown. */
int64_t watch_holds(const struct watch_kind *k, int64_t limit);
int64_t watch_capacity(const struct watch_row *r);
/* Whether it has a limit that is known. */
bool watch_limited(const struct watch_row *r);
/* The largest share of the limit that was in use in the history: 1 is full; -1: unknown. */
double watch_share(const struct watch_row *r);
/* What its limit has cost in all, without what does not count; REPORT_NONE: unknown. now.lost is
 * the kernel's counter. */
int64_t watch_lost(const struct watch_row *r);
/* Whether a listener is there: of the server, if one was named. */
bool watch_listens(const struct watch *w);
/* Whether both are of the same row. */
bool watch_same(const struct watch_gauge *a, const struct watch_gauge *b);
