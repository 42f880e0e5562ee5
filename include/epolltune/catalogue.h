/* catalogue: rows for walls, findings, counters, symptoms, myths and guides. Reports, `explain`,
 * `list`, completion and epolltune-knobs(7) are made from them; knob.h has the knobs.
 *
 * wording_fill() fills texts with {names}. In a finding of a wall these are
 *	{connections} {rate} {stall} {rtt}	the target's numbers
 *	{proxy}				set if its role is proxy
 *	{needed} {capacity} {unraised}	of the wall; {unraised} without raising a soft limit
 *	{knob} {current} {proposed}	the knob that binds
 *	{others}			"A to 2 and B to 4", the other knobs
 *	{effect} {cost}			of that knob
 *	{tight}				set if the wall is tight, not short
 * and those that its probe adds. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/target.h"

#define REPORT_NONE INT64_MIN /* a quantity that is unknown or does not apply: null in JSON */

enum finding_level { LEVEL_NOTE, LEVEL_WARNING, LEVEL_CRITICAL, LEVEL_SKIPPED };
/* Who owns the limit and has to act. */
enum finding_remedy {
	REMEDY_NONE,
	REMEDY_KERNEL,
	REMEDY_PROCESS,
	REMEDY_APPLICATION,
	REMEDY_CONTAINER,
	REMEDY_DEVICE,
	REMEDY_PROVIDER,
};

struct wall_row {
	const char *name; /* API: never renamed */
	const char *unit; /* of its limit */
	const char *what; /* what it is, and how much of it a target needs */
	/* In `unit`; REPORT_NONE: the target does not need it. NULL: no target does, or only the
	 * probe knows how much (bound.need). */
	int64_t (*need)(const struct target *);
	const char *no_need; /* a sentence for a target that does not need it; NULL: none */
	const char *absent;  /* a sentence for a machine or server that has no such thing */
	const char *detail;  /* how its limit is composed, a text with {names} */
	/* The wall whose figure is the rate of its requests; NULL: none. */
	const char *at_rate_of;
	bool lower_is_better;
	bool tcp;         /* absent for a server that listens on UNIX sockets only */
	bool connections; /* like TCP, not needed by a server that has sockets of UDP only */
	bool arrivals;    /* of connections: not needed where the load is datagrams only */
	bool quiet;       /* where it is n/a a text report prints it with --verbose only */
	/* Judged by what a window shows of the server, without a need. */
	bool watched;
	bool memory; /* bytes that are left: less where anything takes memory */
	/* In use of its limit beyond that, it is near; 0: NEAR_PERCENT. */
	unsigned near_percent;
	const char *runbook; /* the chapter of epolltune-runbook(7); NULL: none */
};

size_t wall_row_count(void);
const struct wall_row *wall_row_at(size_t i);
/* NULL if unknown. */
const struct wall_row *wall_row_find(const char *name);
/* Whether that much in use is near the limit of a wall, for any target: a wall that is full is;
 * none is without a limit above 0. Pure. */
#define NEAR_PERCENT 80 /* a headroom of 25 % */
bool wall_is_near(const char *name, int64_t used, int64_t limit);

struct finding_row {
	const char *id; /* <wall or probe>.<problem>: API, never renamed or reused */
	enum finding_level level;
	enum finding_remedy remedy; /* if the knob that binds does not determine it */
	const char *wall;           /* if not the one whose name begins the id; "": none */
	bool observed;              /* on this machine as it runs, not in an experiment */
	bool unserved;              /* clients of a server that runs here are not served: an answer
				       does not begin with Ready */
	bool quiet;                 /* a text report prints it with --verbose only */
	/* Which of several things of the machine it is about, without figures: the same name in
	 * each report. NULL: there is one, or its knob names it. */
	const char *about;
	/* For reports: texts with {names}; NULL: none. */
	const char *title, *detail, *advice;
	/* For the answer: a clause with {names}; NULL: the id. */
	const char *answer;
	/* For `explain` and the manual. */
	const char *meaning; /* one or two sentences */
	const char *action;  /* what to do */
	const char *proof;   /* a counter, an errno, an experiment */
	const char *runbook; /* the chapter of epolltune-runbook(7); NULL: that of its wall */
};

size_t finding_row_count(void);
const struct finding_row *finding_row_at(size_t i);
/* NULL if unknown. */
const struct finding_row *finding_row_find(const char *id);
/* Its wall; "": none. */
const char *finding_wall(const struct finding_row *f);
/* The chapter of the runbook; "": none. */
const char *finding_runbook(const struct finding_row *f);

/* A counter of the kernel or of a driver that grows when a wall is reached. */
struct counter_row {
	const char *name;  /* as the kernel writes it: "TcpExt.ListenOverflows" */
	const char *match; /* further patterns of pattern_find(), a line each; "": none */
	const char *where; /* the file or command that has it */
	const char *what;  /* what it counts, and what it does not */
	const char *walls; /* comma separated; "": none */
	enum finding_remedy whose;
	const char *show;   /* a command that prints it */
	const char *action; /* what to do where it grows */
};

size_t counter_row_count(void);
const struct counter_row *counter_row_at(size_t i);
/* NULL if unknown. */
const struct counter_row *counter_row_find(const char *name);
/* Whether it is a number of what is there now, which shrinks too, not a total. */
bool counter_is_gauge(const char *name);

/* What an operator starts from: an errno, a line of a log, a directive of a configuration file. */
struct clue_row {
	const char *name;  /* "EMFILE", "Possible SYN flooding", "LimitNOFILE": a pattern as well */
	const char *match; /* further patterns of pattern_find(), a line each; "": none */
	const char *what;  /* the cause, or what it sets */
	const char *walls; /* comma separated; "": none */
	enum finding_remedy whose;
	const char *show;   /* a command that shows the present state */
	const char *action; /* what to do */
	const char *source; /* kernel file and function, file of the server, man page */
};

/* Errors of system calls, lines of the kernel log, messages of servers. */
size_t symptom_row_count(void);
const struct clue_row *symptom_row_at(size_t i);
/* What operators see, in their own words. */
size_t complaint_row_count(void);
const struct clue_row *complaint_row_at(size_t i);
/* Lines of systemd units, limits.conf, configuration files of servers, and sysctls that epolltune
 * does not set. */
size_t directive_row_count(void);
const struct clue_row *directive_row_at(size_t i);

/* Finds a pattern in a text, where each run of blanks is one. "*" stands for any text and "." for
 * "/" too, the case of letters does not count, and words match as a whole. Returns the number of
 * characters that the pattern fixes; 0: not found. Pure. */
size_t pattern_find(const char *pattern, const char *text);
/* Whether a character is part of a word. */
static inline bool pattern_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_';
}

/* The facts about the machine that rules about values use. */
struct machine {
	uint64_t cpus;
	uint64_t memory_bytes, available_bytes, page_bytes; /* 0: unknown */
	uint64_t files_open, files_max;                     /* fs.file-nr; both 0: unknown */
	unsigned kernel;                                    /* KERNEL(6, 18); UINT_MAX: unknown */
	int64_t ehash_entries;                              /* of the TCP hash table; 0: unknown */
	int64_t time_wait_overflow;                         /* TCPTimeWaitOverflow; -1: unknown */
	/* Of all network namespaces (net/ipv4/proc.c, sockstat_seq_show()): pages that buffers use,
	 * and closed connections whose FIN is not acknowledged; -1: unknown. */
	int64_t tcp_pages, udp_pages, orphans;
	/* Bytes that the limits of the control group in question leave, for all its memory and for
	 * socket buffers alone (cgroup v1); INT64_MAX: no limit that is known. */
	int64_t group_left, sockets_left;
	bool sockets_several; /* control groups of the server have different ones of the latter */
	bool sockets_hidden;  /* there may be a smaller one, of a group that could not be read */
	bool sockets_charged; /* socket buffers count as memory of the group: cgroup v2 */
	char sockets_group[1024]; /* the path of that with `sockets_left`; "": no limit */
	char memory_group[1024];  /* the same with `group_left` */
	const struct container_row *container; /* that has the server; NULL: none that is known */
	bool own_netns;      /* the network namespace is not the machine's first one */
	bool openrc;         /* host_has_openrc() */
	uint64_t room_bytes; /* that experiments have: MemAvailable within epolltune's own group */
};
#define KERNEL(major, minor) ((unsigned)(major) << 16 | (unsigned)(minor))
/* KERNEL() of a release, "5.10" or "6.1.0-50-amd64"; UINT_MAX: unknown. Pure. */
unsigned kernel_parse(const char *release);

/* A running value, the argument of a rule. */
struct value_rule {
	const struct machine *machine;
	uint64_t connections;     /* of the target; 0: unknown */
	int64_t field[3];         /* REPORT_NONE: no such field */
	enum finding_level level; /* of the finding; the rule may change it */
	char default_value[80];   /* the kernel's, set by the rule; "": unknown */
	const char *counter;      /* counts the harm since boot, set by the rule; NULL: none */
	const char *counter_unit;
	int64_t count;
};

/* Common advice that has no effect or does harm. */
struct myth {
	const char *name;   /* the sysctl's name, or a few words joined by hyphens */
	const char *claim;  /* the advice */
	const char *truth;  /* what the kernel does */
	const char *source; /* kernel commit or file, man page, RFC */
	const char *since;  /* first kernel of which this is true; NULL: all */
	/* The knobs whose running value shows that it was followed, NULL at the end. The other
	 * fields are unused without a knob. */
	const char *knobs[3];
	/* Whether the value follows the advice. Pure, except for the rule's own fields. */
	bool (*followed)(struct value_rule *);
	enum finding_level level;
	const char *effect; /* of the value, a predicate: "has no effect" */
	const char *reason; /* one or two sentences; NULL: the truth says it */
};

size_t myth_count(void);
const struct myth *myth_at(size_t i);
/* Why a value that follows the advice has its effect: sentences. */
const char *myth_reason(const struct myth *m);

/* How a server finds its configuration file, and how that is written. */
struct server_file {
	const char *option; /* of its command, that names the file; "": the first argument, unless
			       that is an option; NULL: no file is known */
	const char *prefix; /* of its command: where a relative name begins; NULL: the working
			       directory */
	/* Where no file is named: the text in the program before the name of the file that it reads
	 * then, NULL: none; that of a program which is not readable, and the paths of such
	 * programs, comma separated, NULL: none is read. */
	const char *built, *usual, *program;
	/* That it writes before its command; NULL: none. Another title hides the command, which is
	 * then that of its systemd unit. */
	const char *title;
	/* Of a server that reads several files, in the order of the command: those of a directory
	 * that it reads, in the order of their names; NULL: it reads one. */
	const char *directory;
	/* "name value;" and "name {…}", a line each, or "name = value" in lines. */
	enum { SERVER_BLOCKS, SERVER_LINES, SERVER_ASSIGNMENTS } syntax;
	const char *sections; /* of SERVER_LINES: what begins one, comma separated; NULL: none */
	const char *include;  /* the directive with the names of further files; NULL: none */
	bool kept;            /* a worker that replaces one that ended has what the master read */
	bool literal;         /* a backslash within single quotes is one */
	bool folds;           /* names of directives may have any letter case */
	/* Of a server with limits of sections (`narrower`): the directive whose first argument is
	 * what its section serves; its parameter, and the directive for all of them, that make
	 * several sockets of an address; the word in the first line of a section behind which the
	 * one stands that it has its values of; with what a line begins that makes others
	 * conditional. */
	const char *listens, *splits, *splits_all, *inherits;
	char condition;
};

/* A directive beside that of a limit on connections, which may bind first: epolltune does not
 * evaluate it. An argument of 0 turns it off. */
struct server_further {
	const char *words;    /* its first ones, with a blank between; NULL ends a list */
	const char *sections; /* around it, comma separated, "": none */
	/* Beginnings of further words, comma separated, of which it must have one anywhere; NULL:
	 * none. */
	const char *with;
	/* It allows fewer connections or a rate, or one of a client may take a second one. */
	enum { FURTHER_LIMITS, FURTHER_DOUBLES } effect;
};

/* A directive with an address: of a listener that clients of the limit do not use, or of a server
 * that it connects to. */
struct server_apart {
	const char *words;    /* as in struct server_further */
	const char *sections; /* around it, comma separated */
	size_t address;       /* which of its words that is */
};

/* Where one of its limits is set. */
struct server_setting {
	const char *directive; /* of its file; NULL: it is not set there */
	const char *section;   /* around the directive; "": none; NULL: any */
	/* Of the directive whose first argument is the address: "backlog=", or "backlog " where the
	 * number is the next argument. NULL: the directive has the number. */
	const char *parameter;
	/* The directive that sets it for those of its section without the parameter; NULL: none. */
	const char *shared;
	bool once; /* one of several such directives for an address has it */
	enum { SERVER_EACH, SERVER_FIRST, SERVER_LAST } counts; /* of several directives */
	const char *option;      /* of its command, which counts more; NULL: there is none */
	const char *long_option; /* another name of that; NULL: there is none */
	/* Without one of `classes` in the last of `class_options` (comma separated) the option has
	 * no effect, and `class_option` is added too, but only in place of `class_default`: an
	 * application may need another one. NULL: it always has one. */
	const char *class_options, *classes, *class_default, *class_option;
	/* A number above 1 of the option `class_threads` makes `class_threaded` of class_default;
	 * NULL: none does. */
	const char *class_threads, *class_threaded;
	/* Of each process with class_default, beyond which clients wait in the accept queue; 0:
	 * unknown. */
	uint64_t class_preset;
	unsigned spare;       /* of so many of its connections one that it does not give to clients;
				 above 1, 0: it gives all */
	unsigned unused;      /* of its number, connections that no client has */
	const char *narrower; /* further sections that lower it for their listeners: the first
				 for those after it; NULL: none */
	/* What versions before `old_before` have where nothing sets it, and in each of those
	 * sections that has none of its own; `narrower_preset` is that of the version in question,
	 * by server_setting_of(). 0: there is none. */
	uint64_t old_preset, narrower_preset;
	uint32_t old_before;
	const struct server_apart *apart; /* listeners of others; NULL: none */
	uint64_t preset; /* where nothing sets it; 0: it takes what RLIMIT_NOFILE allows, or where
			    files_each is 0 too there is none */
	/* At most (RLIMIT_NOFILE - files_kept) / files_each; files_each 0: there is no such
	 * bound. */
	uint64_t files_each, files_kept;
	/* Where nothing sets it the directive of its section that replaces a higher RLIMIT_NOFILE
	 * there, and what versions do that have a limit of their own; NULL, 0: there is none. */
	const char *files_cap_directive;
	uint64_t files_preset;
	/* The directive that sets it, of a server whose files epolltune does not read; NULL: it
	 * does, or nothing sets it. */
	const char *unread;
	/* Of such a server that has it, as its threads are named, in the form of the names of
	 * struct server_row; others of its name have none. NULL: each has it. */
	const char *threads;
	/* Of such a server whose title has "N of MANY" after this word, where it closes none of so
	 * many clients. NULL: it has none. */
	const char *told;
	bool both;         /* connections to servers behind it count */
	const char *asked; /* the command that shows it, as another may change it while the server
			      runs; NULL: there is none */
	const struct server_further *further; /* NULL: none */
	/* What else the server reads it from, where epolltune does not look: a file in its working
	 * directory, or in that of the option `elsewhere_directory`, NULL: none, and variables of
	 * its environment that begin so, comma separated; NULL: nothing. */
	const char *elsewhere_file, *elsewhere_directory, *elsewhere_variables;
};
enum server_limit { SERVER_CLIENTS, SERVER_BACKLOG, SERVER_LIMITS };

/* A well-known server. A socket does not show the backlog that was passed to listen(): `backlog` is
 * the default of the application. */
struct server_row {
	const char *process; /* names of its process, comma separated; "php-fpm*": beginnings */
	const char *name;    /* as people write it */
	bool interpreted;    /* it is a script or a module of Python, Ruby or Perl */
	/* It runs servers of any kind: whether each of their connections has a thread or a process
	 * is what their processes show. */
	bool runtime;
	const char *backlog;        /* its default, a number or a few words */
	const char *backlog_line;   /* of its configuration, with {backlog} or its {half} */
	const char *backlog_effect; /* when that line takes effect, a clause */
	bool pauses;                /* at a limit it calls listen(fd, 0), and accepts none */
	const char *clients;        /* the default of its limit on connections; NULL: it has none */
	const char *clients_line;   /* the line that sets it, with {clients} */
	bool clients_closed; /* at that limit it closes new ones; otherwise it accepts none */
	const char *clients_answer; /* what it answers those before; NULL: nothing is known */
	bool clients_files;         /* it sets its RLIMIT_NOFILE by that line */
	/* It computes its limit on connections from RLIMIT_NOFILE when it starts, also without
	 * `files_each` of struct server_setting. */
	bool files_start;
	uint64_t files_per_client; /* descriptors that each takes; 0: one */
	bool files_raised;         /* it raises its soft limit as far as that line needs */
	const char *files_line;    /* of its limit on descriptors: {files} or {half}; NULL: none */
	uint64_t files_bytes; /* that its tables take for each descriptor of the soft limit; 0: none
			       */
	const char *files_bound;    /* the line that bounds those tables; NULL: none */
	const char *keepalive_line; /* for the idle time of keepalive, with {seconds}; NULL: none */
	const char *send_line;      /* that fixes its send buffers, to remove; NULL: none */
	const char *stalled_line;   /* that bounds clients that stall; NULL: none */
	/* Bytes of its own memory for an idle connection, as measured: at least, after a request,
	 * and at most, with TLS; zeros: not measured. */
	struct {
		uint64_t idle, busy, tls;
	} own;
	bool forks;      /* a process for each connection */
	bool threads;    /* a thread for each, unless it is set to have a pool of them */
	bool sessions;   /* which systemd-logind moves to a control group of its own */
	bool hands_over; /* a process of it may accept for others, which then have the clients */
	bool datagrams;  /* its clients use UDP, and TCP at the same port where that fails */
	/* Each of its processes has few clients, by a limit of its own: more of them make more
	 * processes, or wait. */
	bool few_each;
	/* What its program has as text before its version; NULL: not known. */
	const char *version;
	/* The first version whose processes take turns at a socket that they share. Before, the
	 * kernel wakes the one that waited for it first. 0: none. */
	uint32_t turns_since;
	const char *spread_line; /* to set, for a socket of each; NULL: not known */
	bool accepts_in_one;     /* one thread of each of its processes accepts */
	/* Of its command, without effect on the limits of `set`, comma separated: "-d", "-p:" with
	 * a word after it, "-g+" with those up to the next option, "*" a word of its own. NULL: its
	 * words are lines of its configuration. */
	const char *options;
	/* Where distributions have its configuration, files and directories, and patterns of
	 * fnmatch(3) for the paths of such files; both comma separated. NULL: not known. */
	const char *trees, *files;
	const char *files_directive; /* of them, that sets RLIMIT_NOFILE; NULL: none is known */
	/* The directives with the address of a server behind it; NULL: not known. */
	const struct server_apart *upstreams;
	/* It connects to a server behind it for each client, where its configuration names one or
	 * is not known. */
	bool proxies;
	struct server_file file;
	struct server_setting set[SERVER_LIMITS]; /* how the lines of `clients` and `backlog` are
						     tried (edit.h); zeroed: they are not */
};

#define SERVER_VERSION(major, minor, patch)                                                        \
	((uint32_t)(major) << 20 | (uint32_t)(minor) << 10 | (uint32_t)(patch))
/* Of the first number in a text, "nginx/1.22.1", "252.so"; 0: there is none. Pure. */
uint32_t server_version_parse(const char *text);

size_t server_row_count(void);
const struct server_row *server_row_at(size_t i);
/* The number that its default backlog begins with; 0: none. NULL has none. */
uint32_t server_backlog(const struct server_row *row);
/* Whether a list of names of processes has this one. */
bool process_named(const char *names, const char *process);
/* By the name of a process; NULL if unknown. */
const struct server_row *server_row_find(const char *process);
/* How it limits the connections of its clients; NULL: that is unknown, as for a NULL row. */
const struct server_setting *server_clients_setting(const struct server_row *row);
/* The same setting of that version of the server; 0: one of unknown version is a newer one. */
struct server_setting server_setting_of(const struct server_setting *set, uint32_t version);
/* By the path of a file of its configuration, as its patterns say: of several that whose tree has
 * the file, at any depth; NULL if unknown. */
const struct server_row *server_row_of_file(const char *path);
/* Whether a path, relative to the root of a machine, is where one has its configuration. */
bool server_tree_has(const char *path);
/* Whether its limit on connections is what RLIMIT_NOFILE allowed at its start. False for NULL. */
bool server_files_at_start(const struct server_row *row);
/* The limit on connections with which it holds that many clients; `held`: descriptors that it has
 * open without any. */
uint64_t server_clients(const struct server_row *row, uint64_t clients, uint64_t held);
/* A line of its configuration with {name} as `value`; "" for a NULL line. Returns `out`. */
char *server_line(const char *line, const char *name, uint64_t value, char *out, size_t size);
/* Sentences about a server's memory, with {named} {assumed} {bounded} {server} {min} {max} {range}
 * {tls} {seen} {heard} {open}. */
extern const char server_own_memory[];
/* Whether a server that operators call `who` may have a process of that name: "redis" has
 * "redis-server". */
bool server_named(const char *who, const char *process);

/* What listens at a published port and is not the server that clients of it want. */
struct forwarder_row {
	const char *process; /* as in struct server_row */
	bool bypassed;       /* it holds the port, and the kernel forwards clients past it (DNAT) */
	bool copies_local;   /* it accepts the clients of a port on loopback itself */
	bool rootless;       /* it does so for the containers of an ordinary user */
	uint16_t port_min;   /* lower ones are its own */
	const char *pid;     /* a command that prints the pid of the server; NULL: not known */
};
/* By the name of a process that listens at that port; NULL: it is none. */
const struct forwarder_row *forwarder_row_find(const char *process, uint16_t port);

/* Whether a process of that name connects to a server behind it for its clients, where it connects
 * to one: a proxy, or a web server that may be one. */
bool reverse_proxy_named(const char *process);

/* Kinds of limits. */
enum container_limit { CONTAINER_MEMORY = 1, CONTAINER_PIDS = 2, CONTAINER_CPU = 4 };

/* What sets the limits of a control group, and the values of a container. Lines are texts with
 * {mib} {swap} {bytes} {file} {high} {v1} {tasks} {path} {root} and those of unit_words(), of
 * values with {sysctls} {unsafe} {files}. */
struct container_row {
	/* How a part of the group's path begins, with "@" one that has groups below it; with a dot
	 * how the last one ends; "/": the root of a cgroup namespace; "": any. */
	const char *match;
	bool all_pods; /* only the groups that have the pods of a node */
	bool in_pod;   /* only the containers of a pod of Podman */
	bool unnamed;  /* the path does not say what made the group */
	/* CONTAINER_…: the limits that it sets for the group that is the root of the container's
	 * cgroup namespace; others it may set for one above. */
	unsigned own;
	const char *marks[2]; /* files that its containers have; NULL: no more */
	const char *name;
	const char *memory, *cpu, *pids; /* what raises the limit */
	const char *kernel;  /* the same of kernel memory in v1; NULL: a write to its file */
	const char *sysctls; /* sets sysctls of its network namespace; NULL: nothing */
	const char
		*sysctl;   /* one of {sysctls}, with {name} {value}, and {more} but for the first */
	const char *files; /* sets RLIMIT_NOFILE; NULL: nothing of its own */
	const char *thaw;  /* resumes what it has frozen; NULL: see the one of any group */
};

/* By the path of a group; never NULL. */
size_t container_row_count(void);
const struct container_row *container_row_at(size_t i);
const struct container_row *container_row_find(const char *path);
/* Whether a pod may set this sysctl without the kubelet's permission (safe sysctls). */
bool container_pod_safe(const char *sysctl);
/* Whether that is the group of a pod. */
bool container_is_pod(const char *path);
/* Of a container without a limit, a sentence. */
extern const char container_above[];
/* Whose value of a sysctl counts, a sentence. */
extern const char container_netns[];
extern const char container_host[];
extern const char container_machine[];
/* What findings and walls of the network namespace that a check left for another one say beside
 * their own texts. {who}: the server, "": none was named; {device}: a value of a device is
 * proposed.
 */
extern const char outside_title[], outside_detail[], outside_advice[], outside_wall[];

/* What only the application can do, with example code. */
struct guide {
	const char *name;
	const char *what;   /* the gain, the applications that have it, the cost */
	const char *code;   /* C that compiles; lines of at most 76 columns, no tabs */
	const char *source; /* kernel file or documentation, man page */
	const char *since;  /* first kernel that has it; NULL: all supported ones */
};

size_t guide_count(void);
const struct guide *guide_at(size_t i);
