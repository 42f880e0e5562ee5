/* probe: the contract of a probe: experiments in a lab, an observation of the host, or both.
 *
 * A probe is one file in probes/ that defines `const struct probe probe_<name>`, one line in
 * probes/probes.def, and its rows in the catalogue. It includes only these headers and system
 * headers. The judge does what all probes share: it reads settings, sets and restores them in the
 * lab, computes need and verdict, rounds and proves proposals, writes findings, and reports why an
 * experiment was not possible. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/catalogue.h"
#include "epolltune/client.h"
#include "epolltune/err.h"
#include "epolltune/guest.h"
#include "epolltune/host.h"
#include "epolltune/lab.h"
#include "epolltune/listener.h"
#include "epolltune/report.h"
#include "epolltune/server.h"
#include "epolltune/subject.h"
#include "epolltune/target.h"

struct knob;

struct probe_options {
	bool no_proof;              /* do not try proposed values */
	bool in_place;              /* loopback of the calling namespace instead of a lab */
	bool kernel_log;            /* experiments may make the kernel write to its log */
	bool gentle;                /* on one CPU at the lowest priority, within the bounds below */
	uint64_t backlog;           /* what the application passes to listen(); 0: the maximum */
	uint64_t peers;             /* on the same link, at a time; 0: not given */
	uint64_t window_us;         /* minimum time between the samples; 0: the probe's default */
	const struct report *since; /* an earlier report to compare with; NULL: none */
	bool since_began;           /* `since` is how this check began to observe the server */
	bool stall_seen; /* the target's stall is one that this server was seen to have */
	/* The server in question, that of a captured machine too (subject_captured()); NULL: none
	 * was named. */
	const struct subject *subject;
	struct guest *guest; /* that server in a lab (--run); NULL: it is not */
	uint64_t pause_us;   /* of a CPU quota, which became the target's stall; 0: did not */
	bool entered;        /* the check moved into another network namespace */
};

/* The bounds of --gentle: new connections/s, handshakes at a time, and bytes/s. What exceeds them
 * is not run, nor is measure() of an exclusive probe. */
#define GENTLE_PER_S 2000
#define GENTLE_AT_ONCE 1024
#define GENTLE_BYTES_PER_S 20000000
#define GENTLE_REFUSES "--gentle runs no experiment that fills a CPU or the wire"

#define SETTINGS_MAX 12
#define METRICS_MAX 8
#define SETTING_TEXT 200

/* The values that an experiment depends on, in the order of experiment.knobs, and the machine. */
struct settings {
	/* The fields of each knob; REPORT_NONE: not readable, or no such field. RLIMIT_NOFILE:
	 * soft, hard, INT64_MAX for unlimited, of the subject; without one a shell's.
	 * listen.backlog: INT32_MAX if none was given; with a subject that of the server. */
	int64_t at[SETTINGS_MAX][3];
	char text[SETTINGS_MAX][SETTING_TEXT]; /* as the kernel writes it; "" where unreadable */
	struct machine machine;
	const struct subject *subject;  /* the server in question; NULL: none was named */
	const struct guest *guest;      /* it is in a lab, and experiments are on it; NULL: not */
	struct subject_clients clients; /* of its configuration, by read(); zeroed: not read */
	uint64_t peers;                 /* of the options */
	/* What run() measured that a server or a connection uses; 0: not measured, bound()
	 * assumes a value. */
	struct taken {
		uint64_t held;             /* descriptors of a server without connections */
		uint64_t connection_bytes; /* kernel memory of an idle connection at one end */
		uint64_t socket_bytes;     /* of these, of the socket itself; 0: unknown, too */
		uint64_t own_bytes;        /* of the server's own memory, for a connection */
		uint64_t own_memory;       /* of the server in all, now; 0: unknown */
		bool limited;              /* by a control group */
		uint64_t processes;        /* of the server, now; 0: unknown */
		uint64_t open;             /* connections that clients have to it */
		uint64_t opened;           /* at least, that it opened itself, as for its clients */
		uint64_t accepted;         /* of `open`, that it has accepted */
		uint64_t heard;            /* of those, that clients have sent data on */
		uint64_t request_bytes;    /* buffer of a connection with a waiting request */
		uint64_t datagram_bytes;   /* of a receive buffer that a datagram takes */
		bool page;                 /* a network card's driver may give each packet a page */
		/* CPU time per connection of a server's process, of its client's, with the
		 * softirqs of the handshake, and of both in one run; the CPUs they may use. */
		uint64_t accept_ns, connect_ns, both_ns, cpus;
		double quota;             /* CPUs that its control group allows; 0: all */
		const char *quota_unread; /* the file of another quota that it may have, or NULL */
		uint64_t threads;         /* of it that accept; 0: unknown */
		bool measured;
		/* Its UDP socket has what net.core.rmem_default was when that was made. */
		bool outdated;
		bool at_nofile;    /* the server of --run had used up its RLIMIT_NOFILE */
		bool at_own;       /* it met another limit, which a known line sets */
		bool by_cpu;       /* a thread of it used up a CPU */
		bool own_buffer;   /* its send buffer was one that the kernel does not grow */
		bool overflows;    /* its accept queue overflowed meanwhile */
		const char *basis; /* where the figure comes from: a clause, static */
	} taken;
};

/* The limit that the kernel's rules derive from settings. */
struct bound {
	int64_t capacity; /* in the unit of the wall; REPORT_NONE: unknown */
	int64_t unraised; /* without raising the soft limit; REPORT_NONE: the same */
	const char *soft; /* of the finding's id where only that is short; NULL: "soft-limit" */
	/* `unraised` is what these settings hold where it is not measured: it takes the margin, and
	 * also where the run had what the application asks for. */
	bool worse;
	int64_t needed; /* REPORT_NONE: by the catalogue's formula */
	int binding;    /* index into knobs of the one that binds; -1: none */
	/* An upper bound that practice does not reach: short below the need, ok only from twice
	 * the margin, or where an experiment showed the margin and tight up to the bound. */
	bool upper;
	int64_t shown; /* REPORT_NONE: nothing */
	/* What could not be read, of what is left: a wall that is not short without it is
	 * unknown. NULL: all was read. */
	const char *unread;
#define SUBJECT_CUT "The rest of the server's descriptors, which may be listeners,"
	/* The upper end of a need that is a range from `needed`: a wall that suffices for that, not
	 * for this with the margin, is tight, or with `unsure` unknown. INT64_MAX: it is not known,
	 * REPORT_NONE: the need is `needed`. */
	int64_t needed_max;
	bool unsure;
	bool explained; /* the detail of the wall says why the capacity is unknown */
	bool by_run;    /* only run() shows a capacity: without it the wall is n/a */
	bool due;       /* initially the experiment's: bound() may know better */
	bool unlimited; /* these settings impose no such limit: the wall is ok */
	bool assumed;   /* uses assumptions besides the settings: derived, not inspected */
	/* The knob that cannot be read, so that its default counts; NULL: none. A wall that is not
	 * short by that, but may be by another value, is counted and named. */
	const char *defaulted;
	int64_t otherwise; /* by the smallest usual value of it; REPORT_NONE: an eighth */
	bool running;      /* as the running server has it */
	bool absent;       /* the running server has no such thing: the wall is n/a */
	bool beside;       /* it has, but the target's clients may not use it: likewise */
	/* It has no such thing, but the target needs it: the wall is unknown. */
	bool missing;
	const char *absent_as; /* the sentence about either; NULL: of the catalogue */
};

enum outcome_state {
	OUTCOME_CONCLUSIVE,
	OUTCOME_INCONCLUSIVE, /* too busy */
	OUTCOME_UNSUPPORTED,  /* it cannot be run here */
	OUTCOME_UNNEEDED,     /* it has nothing to add: the wall is judged by its settings */
};

/* What one run showed. */
struct outcome {
	enum outcome_state state;
	/* Why it is not conclusive: a clause without full stop; of an unneeded one for words(), or
	 * "". */
	char why[160];
	int64_t reached;  /* in the unit of the wall; REPORT_NONE: the run showed no capacity */
	bool limit_met;   /* false: the wall is at least `reached` */
	bool measured;    /* the figures count as measured though no limit was met */
	bool derived;     /* `reached` was computed from other figures */
	char remark[480]; /* sentences printed with the wall; "": none */
	double metric[METRICS_MAX]; /* NAN: not applicable */
	struct curve_line course;   /* in the axes of experiment.course; no points: none */
};

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

/* Clients that an experiment uses, and their maximum; 0, 0: few. */
struct cost {
	uint64_t clients, clients_max;
	uint64_t at_once;     /* handshakes at a time, which cannot be spread; 0: few */
	uint64_t bytes_per_s; /* over one connection; 0: few */
};

/* The time that a check gives a probe before it ends its process; with --gentle it gives
 * GENTLE_TIMES as much. Parts of it for what takes long: */
#define PROBE_MS 60000u
#define GENTLE_TIMES 3u
#define PROBE_AGAIN_MS (PROBE_MS / 6)

struct experiment {
	const char *wall; /* its row in the catalogue */
	/* By how many percent repeated runs differ, on a busy machine and a quiet one: a proof must
	 * exceed the need and the margin by as much. 0: it counts, and runs do not differ. */
	unsigned spread;
	/* Maximum number of further runs while one is inconclusive, as the disturbance may end;
	 * none begins later than PROBE_AGAIN_MS after the first. */
	unsigned again;
	const char *knobs[SETTINGS_MAX + 1]; /* the knobs that it depends on; NULL at the end */
	struct {
		const char *name, *unit;
	} metrics[METRICS_MAX];
	struct curve_axes course; /* of outcome.course: evidence of the finding, as a curve */
	enum lab_host host;       /* the lab host whose knobs are set; default: the server's */
	bool due; /* only run() shows the capacity: without it the wall is unknown, unless it is
		     unneeded, and it is run also for a target without a need */
	bool emulates; /* run() imposes knobs that no lab has of its own */
	/* Whether there is such a wall. NULL: always. */
	bool (*applies)(const struct target *, const struct probe_options *);
	/* Reads what is not a knob: fills `taken`, and the slots of knobs that are not in the
	 * table. NULL: nothing to read. */
	void (*read)(const struct host *, struct settings *);
	/* Computes the limit from the settings, by the kernel's rules. Pure. The fields of `out`
	 * are initially REPORT_NONE, -1 and false, but for `due` and `by_run`, which are the
	 * experiment's `due`. NULL: no rule. */
	void (*bound)(const struct target *, const struct settings *, struct bound *out);
	/* Finds the smallest settings whose bound is at least `enough`; `out` initially equals
	 * `now`. The judge rounds them up. `o`: the outcome at `now`, or NULL. False: there are
	 * none. Pure. NULL: nothing can be set. */
	bool (*solve)(const struct target *, const struct settings *now, const struct outcome *o,
		      int64_t enough, struct settings *out);
	/* Scales to `percent` what solve() changed from `now`, so that a proof finds the smallest
	 * value that suffices. False: nothing to scale. Pure. NULL: a proof tries one value. */
	bool (*scale)(const struct target *, const struct settings *now, struct settings *,
		      unsigned percent);
	/* Adds {names} to the judge's for the texts of the wall and its findings. `o`: the
	 * outcome of the run, conclusive or unneeded, or NULL; the bound is the one by which the
	 * wall is judged. Pure. NULL: none. */
	void (*words)(const struct target *, const struct settings *, const struct outcome *o,
		      const struct bound *, struct wording *);
	/* What the experiment will use of the machine. Pure. NULL: little. */
	struct cost (*cost)(const struct target *, const struct settings *, const struct bound *);
	/* Runs the experiment in a lab that has these settings. May write measured values to
	 * s->taken; the judge then calls bound() again. NULL: bound() alone judges the wall. */
	int (*run)(struct trial *, struct settings *s, struct outcome *out, struct err *);
	/* Describes the outcome: of a proof as a clause ("0 dropped"), otherwise in one or two
	 * sentences; "": the catalogue's text suffices. NULL: it always does, and solve() is NULL
	 * too. */
	void (*describe)(const struct trial *, const struct outcome *, char *text, size_t size);
	/* Tries other remedies of a short or tight wall and adds them to the finding. NULL: none.
	 */
	int (*alternatives)(struct trial *, const struct settings *, struct finding *,
			    struct err *);
	/* Adds findings for no wall, about what run() saw. NULL: none. */
	void (*notice)(const struct trial *, struct report *);
};

/* bound() and solve() for a listener's queues. The first two knobs must be net.core.somaxconn and
 * listen.backlog; the queue holds one more than the smaller of them. A subject's queue holds one
 * more than the kernel keeps as its limit since listen(), also where somaxconn has changed. Pure.
 */
enum { BACKLOG_MAX, BACKLOG_ARGUMENT };
/* The kernel's net.core.somaxconn since Linux 5.4. */
#define SOMAXCONN_DEFAULT 4096
/* Whether of a queue's two limits somaxconn binds, not the argument of listen(). False where it is
 * hidden: before 6.11 in the network namespace of another user namespace. */
bool somaxconn_binds(int64_t limit, int64_t somaxconn);
void backlog_bound(const struct target *, const struct settings *s, struct bound *out);
bool backlog_solve(const struct target *, const struct settings *now, const struct outcome *o,
		   int64_t enough, struct settings *out);
/* The parts of that: how many sockets share the connections (SO_REUSEPORT), the limit of each, as
 * the kernel keeps it, REPORT_NONE: unknown, and how to raise that. */
size_t backlog_sockets(const struct settings *s);
int64_t backlog_limit(const struct settings *s);
/* An argument that is raised becomes what backlog_asked() says. */
void backlog_raise(const struct target *, enum listener_kind kind, int64_t limit,
		   struct settings *out);
/* The argument of listen() that every finding on one listener names: what the target asks of the
 * accept queue and, of TCP, the SYN queue of each of its sockets, rounded, and not less than
 * `usual`, the server's default. 0: `limit`, the present one, is enough for both. Pure. */
int64_t backlog_asked(const struct target *, enum listener_kind kind, size_t sockets,
		      unsigned kernel, int64_t limit, uint32_t usual);
/* The default of the server that calls listen(); 0: unknown, as that of a systemd unit. */
uint32_t backlog_usual(const struct listener *l, const char *process);
/* The same for a subject's queues of that kind. */
void backlog_subject_bound(const struct settings *s, enum listener_kind kind, struct bound *out);
/* The limit of a subject's listener; REPORT_NONE: it is not known, while that is paused. */
int64_t backlog_of_listener(const struct listener *l);
/* Why no lab shows what the subject's queue holds; NULL: one does. */
const char *backlog_untestable(const struct settings *s);
#define UNTESTABLE_GROUP "the test server has one socket, the running one several (SO_REUSEPORT)"
/* The row whose line sets the backlog of a listener of a process: systemd's, where that holds it
 * for a service. NULL: none. */
const struct server_row *backlog_row(const struct listener *l, const char *process);
/* Sets that name to when the line of that row, NULL: of the application, takes effect. */
void backlog_effect_word(struct wording *w, const char *name, const struct listener *l,
			 const struct server_row *row);
/* Adds what names the subject's queue and its configuration: {listener} {limit} {sockets} {sum}
 * {server} {default} {wanted} {line} {line_effect} {kernel} {raise} {somaxconn}; {listener} is ""
 * without a subject. {raise}: the kernel would cut {wanted} at somaxconn. */
void backlog_words(const struct target *, const struct settings *s, enum listener_kind kind,
		   struct wording *w);

/* When the samples of an observation were taken. */
struct moment {
	const struct target *target;
	const struct probe_options *options;
	double seconds; /* between the two; 0: one sample, `before` equals `after` */
	bool beside;    /* experiments ran meanwhile */
	bool live;      /* false: a captured machine */
};

/* The stall that the target allows, in seconds. What a server that accepts too slowly was seen to
 * do allows nothing: then at most that of the default target. */
double moment_stall_s(const struct moment *m);

/* Groups of counters: "TcpExt" of "TcpExt.ListenDrops". The kernel has fewer. */
#define SINCE_GROUPS 16

/* Whether a counter began again at 0 in between: after a reboot, in another network namespace, as a
 * container has one after a restart, or one of its group is smaller than in the report, as after a
 * module was loaded again; where it is not known that this is the same boot, one of any group. Then
 * the total is what is known of the time since. */
enum since_reset { SINCE_CONTINUED, SINCE_REBOOT, SINCE_NETNS, SINCE_RESTART };

/* What the kernel has counted since an earlier report. */
struct since {
	const struct report *report; /* NULL: none to compare with */
	const struct host_counters *now;
	enum since_reset all; /* of all counters: SINCE_REBOOT, SINCE_NETNS or SINCE_CONTINUED */
	bool began;           /* it is how this check began to observe the server */
	bool same_boot;       /* this machine has not booted since; false: unknown, too */
	/* Of each group one that is smaller than in the report. */
	const char *restarted[SINCE_GROUPS];
	size_t restarted_count;
};

/* Of the options' report. `here`: of this machine, "": unknown. Pure, as are those below. */
struct since since_make(const struct probe_options *o, const struct host_identity *here,
			const struct host_counters *now);
enum since_reset since_reset(const struct since *, const char *counter);
/* The growth of a counter since the report, or since the reset; -1: unknown. */
int64_t since_growth(const struct since *, const char *counter);
/* The drops of a TCP listener since then; 0: none, or unknown. They count packets, stray FIN and
 * RST included. */
uint64_t since_drops(const struct since *, const struct listener *);
/* Sets {report}, its time; {since}, "since the report of … (2 hours ago)", and {after}, "since …",
 * which name the reset after one; the flags {reboot}, {netns} and {in_place}: experiments of that
 * report count too. `reset`: of the counters in question; `now`: the time of the new report. */
void since_words(const struct since *, enum since_reset reset, struct timespec now,
		 struct wording *);

struct sample; /* each probe defines its own */

/* Fills `m`. Fields that cannot be read are 0, or what struct machine documents. The control group
 * in question is that of the subject; NULL: this process'. */
void machine_read(const struct host *h, const struct subject *subject, struct machine *m);
/* The part of a headroom of the machine that an experiment may use. */
static inline uint64_t machine_share(uint64_t headroom) { return headroom / 10; }
/* The descriptors left under fs.file-max; UINT64_MAX: it is unknown. */
static inline uint64_t machine_files_left(const struct machine *m)
{
	if (!m->files_max)
		return UINT64_MAX;
	return m->files_max > m->files_open ? m->files_max - m->files_open : 0;
}

/* Looks during a window. */
#define OBSERVATION_TICKS 10

struct observation {
	const char *const *walls; /* the walls that it writes, NULL at the end; NULL: none */
	size_t size;              /* bytes of its struct sample */
	bool window;              /* takes two samples, some time apart; false: one */
	/* Fills a sample, without side effects. It comes zeroed, or as the ticks left it. The
	 * sample records what cannot be read; the only error is -ENOMEM. */
	int (*sample)(const struct host *, const struct probe_options *, struct sample *,
		      struct err *);
	/* The error of what the sample lacks to show whether this machine loses connections or
	 * packets: a file or list that could not be read; code 0: it lacks nothing. The rest is
	 * judged, and the answer is "Not known". NULL: it lacks nothing. */
	const struct err *(*unread)(const struct sample *);
	/* Looks again during the window, OBSERVATION_TICKS times, evenly spread. `during` becomes
	 * the second sample and comes zeroed before the first tick. NULL: no ticks. */
	int (*tick)(const struct host *, struct sample *during, struct err *);
	void (*release)(struct sample *); /* NULL: the sample owns nothing */
	/* Writes walls and findings from the samples. Pure. */
	void (*judge)(const struct sample *before, const struct sample *after,
		      const struct moment *, struct report *);
};

enum probe_mode {
	PROBE_SHARED,    /* runs beside other probes */
	PROBE_EXCLUSIVE, /* fills CPUs or wire: no other experiment may run */
	PROBE_OBSERVER,  /* watches while the others run */
	PROBE_FIRST,     /* watches in a quiet window before the first experiment */
};
enum probe_place {
	PROBE_ANY,  /* in the lab, or over loopback of the calling namespace */
	PROBE_LAB,  /* in the lab only */
	PROBE_HOST, /* without a lab: watches the host */
};

struct probe {
	const char *name;
	const char *summary; /* one line */
	enum probe_mode mode;
	enum probe_place place;
	struct lab_options lab; /* the wire; RTT and bandwidth come from the target */
	/* Whether its experiments are on the operator's server (--run), in the lab of that one; or,
	 * GUEST_FAR, in one of its own with the probe's wire. */
	enum { GUEST_NOT, GUEST_TOO, GUEST_ONLY, GUEST_FAR } guest;
	/* Changes the wire's RTT and bandwidth from those of the target. NULL: keeps them. */
	void (*shape)(const struct target *, struct lab_options *);
	/* Why no wire can carry this target: a clause, static; NULL or "": one can. Pure. */
	const char *(*refuses)(const struct target *);
	size_t context_size; /* bytes of its struct context */
	/* Runs once in each lab, before the first experiment. NULL: nothing to prepare. */
	int (*prepare)(struct trial *, struct err *);
	const struct experiment *experiments; /* in running order; .wall NULL at the end */
	const struct observation *observation;
	/* Runs in a lab after the experiments, for no wall or for those of the observation. If it
	 * does not run, fails, or returns -ENOTSUP (this machine lacks what it needs), the judge
	 * reports the reason in the observation's walls and in findings that are TRIED_NOT without
	 * an outcome. NULL: none. */
	int (*measure)(struct trial *, struct report *, struct err *);
};

/* The probes in the order of probes.def. */
size_t probe_count(void);
const struct probe *probe_at(size_t i);
/* NULL if unknown. */
const struct probe *probe_find(const char *name);
/* Probes, 1 << i for probe_at(i). */
typedef uint32_t probe_set;
/* Of the option --probe: 0 is all of them. */
static inline bool probe_chosen(probe_set chosen, size_t i) { return !chosen || chosen >> i & 1; }
/* Those of a comma-separated list; 0, and the error, if one is unknown. */
probe_set probes_parse(const char *list, struct err *e);
/* Their names, comma separated. */
#define PROBES_TEXT 512
char *probes_text(probe_set set, char text[PROBES_TEXT]);
/* Wall i (from 0) that a probe writes; NULL beyond the last. */
const char *probe_wall(const struct probe *p, size_t i);
bool probe_has_wall(const struct probe *p, const char *wall);
/* What measures a wall; NULL: no experiment. */
const struct experiment *experiment_find(const char *wall);
/* Whether it reads the knob; false for NULL. */
bool experiment_uses(const struct experiment *x, const char *knob);
/* Whether a wall, and one of a probe's, depends on the knob: by its row, or by the experiment. */
bool wall_depends(const char *wall, const struct knob *k);
bool probe_depends(const struct probe *p, const struct knob *k);
/* Whether target and options give the experiment a wall. */
static inline bool experiment_applies(const struct experiment *x, const struct target *t,
				      const struct probe_options *o)
{
	return !x->applies || x->applies(t, o);
}
/* Whether the probe then runs anything in a lab. */
bool probe_experiments(const struct probe *p, const struct target *t,
		       const struct probe_options *o);

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
 * before, with RLIMIT_NOFILE `nofile` (0: the caller's), and finds its processes. The caller frees
 * `out`, which is zeroed or of an earlier call. */
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

/* Set the state of an outcome and the reason, a clause. */
void outcome_inconclusive(struct outcome *o, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void outcome_unsupported(struct outcome *o, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* `why`: "" where no words() prints it. */
void outcome_unneeded(struct outcome *o, const char *why);

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
