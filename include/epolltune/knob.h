/* knob: the table of all settings: name (as in the kernel), scope, unit, range, when a change takes
 * effect, what it costs. `apply`, `explain`, `list` and the manual are made from it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/err.h"

struct device_setting; /* nic.h */

enum knob_scope {
	KNOB_NETNS,       /* sysctl, each network namespace has its own */
	KNOB_SYSTEM,      /* sysctl, one for the machine */
	KNOB_PROCESS,     /* a resource limit */
	KNOB_APPLICATION, /* an argument that the server passes: listen(), SO_RCVBUF */
	KNOB_DEVICE,      /* an interface's, in sysfs or netlink */
};

enum knob_shape {
	KNOB_NUMBER, /* one decimal integer */
	KNOB_TRIPLE, /* min default max: the kernel takes them in any order */
	KNOB_RANGE,  /* low high, ascending; a resource limit: soft hard */
	KNOB_WORD,   /* one word, such as a congestion control's name */
	KNOB_PORTS,  /* a list of ports and ranges of them: "8080,9000-9010"; may be empty */
};

enum knob_effect {
	KNOB_AT_ONCE,
	KNOB_NEXT_PACKET,
	/* Sockets made from now on: those of accept() have what their listener was made with. */
	KNOB_NEXT_SOCKET,
	KNOB_NEXT_SOCKET_MIDDLE, /* of three fields so the second, the others at once */
	KNOB_NEXT_CONNECTION,    /* connect() from now on */
	KNOB_NEXT_ACCEPT,        /* connect() and accepted connections from now on */
	KNOB_NEXT_LISTEN,        /* the next listen(): restart or reload the server */
	KNOB_NEXT_PROCESS,       /* the next start of the process */
	KNOB_NEXT_DEVICE,        /* interfaces that are first brought up from now on */
};

/* How the last field of a proposed value is rounded up, to `round_min` at least. */
enum knob_round {
	KNOB_EXACT,     /* not rounded */
	KNOB_POWER,     /* to a power of two */
	KNOB_SIXTEENTH, /* to a multiple of a power of two that is at most a sixteenth of it */
};

/* What the kernel makes of a number that is written. */
enum knob_kept {
	KNOB_AS_WRITTEN,
	KNOB_UP_TO_POWER, /* the next power of two; 0 stays */
	KNOB_UP_TO_PAGE,  /* a table of pointers that fills its pages */
};

/* Memory of a TCP socket without data: 4.0 kB, measured as the growth of the slabs TCP, sock_inode,
 * filp, dentry and epoll. */
#define KNOB_SOCKET_BYTES 4096

/* The memory that raising a value by one can cost: `bytes` for each of `per`, in total at most what
 * `max` allows at the target's load. */
struct knob_memory {
	uint32_t bytes; /* 0: not known as a number; the cost text says what is known */
	enum {
		KNOB_PER_ENTRY,      /* each entry that the value allows */
		KNOB_PER_CONNECTION, /* each connection of the target */
		KNOB_PER_CPU,
		KNOB_PER_PAGE, /* the value counts pages: each byte of one */
	} per;
	enum {
		KNOB_UNLIMITED,
		KNOB_MAX_CONNECTIONS, /* entries: the target's connections */
		KNOB_MAX_TIME_WAIT,   /* entries: its connections in TIME_WAIT */
		KNOB_MAX_TCP_MEMORY,  /* net.ipv4.tcp_mem */
	} max;
};

struct knob {
	const char *name; /* "net.core.somaxconn", "RLIMIT_NOFILE" */
	enum knob_scope scope;
	enum knob_shape shape;
	enum knob_effect effect;
	const char *unit; /* of each field: "connections", "B", "pages", "us", "" */
	/* Of each field, as the kernel enforces or as is reasonable; see knob_min(). */
	int64_t min, max;
	/* The kernel refuses (EINVAL) what is below min, above max: "" always, "5.15" since that
	 * version, NULL not. */
	const char *refuses_less, *refuses_more;
	bool choice;          /* its number selects a behaviour: none is lower than another */
	const char *rank;     /* of a choice: its digits, the best one last */
	bool lower_is_better; /* for what the knob limits; see knob_worse() */
	enum knob_round round;
	int64_t round_min;
	enum knob_kept kept;
	/* How to set it if epolltune cannot: a sentence with the {names} of a finding; NULL: only
	 * its effect is reported. */
	const char *how;
	const char *steps;         /* the same as lines to paste; NULL: none */
	const char *walls;         /* names of the walls that it limits, comma separated */
	const char *what;          /* what it is, two or three sentences */
	const char *cost;          /* what raising it costs */
	const char *counter;       /* the counter or errno that proves that it binds */
	const char *source;        /* kernel file and function, man page, RFC */
	const char *since;         /* first kernel that has it; NULL: all supported ones */
	struct knob_memory memory; /* of the field that is the limit */
	bool first;                /* that is the first one, not the last */
	bool softnet;              /* `list --nic` prints it */
	bool anywhere;             /* of KNOB_SYSTEM: each network namespace can change it */
	const struct device_setting *device; /* of KNOB_DEVICE: how to read and write it */
};

/* There are no more. */
#define KNOBS_MAX 96
size_t knob_count(void);
const struct knob *knob_at(size_t i);
/* Finds a knob by its exact name; slashes may replace dots, and "@" and a device may follow, as in
 * findings and plans ("device.ring.rx@eth0"). NULL if unknown. */
const struct knob *knob_find(const char *name);
bool knob_is_sysctl(const struct knob *k);
const char *knob_scope_name(enum knob_scope s); /* "netns" "system" "process" … */
const char *knob_scope_text(enum knob_scope s); /* "each network namespace has its own" … */
/* Why no lab can try another value of such a knob, a clause; NULL: a lab can. */
const char *knob_scope_untried(enum knob_scope s);
/* When a change takes effect: "at the next listen(): restart the server". */
const char *knob_effect_text(enum knob_effect e);

#define KNOB_FIELDS 3 /* of a value, at most */
#define KNOB_VALUE 80 /* bytes that hold any value of the table's knobs, normalised */

#define KNOB_PATH 128
/* A sysctl's file relative to the root of a host: "proc/sys/net/core/somaxconn". */
void knob_path(const struct knob *k, char path[KNOB_PATH]);

/* Whether it is one for the machine that only the initial network namespace can change: others do
 * not show it, or show it read-only. */
bool knob_initial_only(const struct knob *k);

/* The value that a kernel, KERNEL(), starts with, normalised; NULL: it depends on the machine, or
 * on its process 1. */
const char *knob_default(const struct knob *k, unsigned kernel);
/* The least that a kernel surely takes in each field: min, or more since some version. tick_us: of
 * its clock, host_tick_us(). */
int64_t knob_min(const struct knob *k, unsigned kernel, int64_t tick_us);
/* Whether it surely refuses less: a stable release may have taken the change of a later version. */
bool knob_min_refuses(const struct knob *k, unsigned kernel);
/* Whether a kernel, KERNEL(), surely refuses what is below `min` or above `max` of the table. What
 * it takes there has no meaning. */
bool knob_refuses_less(const struct knob *k, unsigned kernel);
bool knob_refuses_more(const struct knob *k, unsigned kernel);
/* Checks a normalised value against knob_min(); -ERANGE. */
int knob_check_min(const struct knob *k, unsigned kernel, int64_t tick_us, const char *normal,
		   struct err *e);
/* Blanks become one, none at the ends. False: it does not fit, or has not the knob's shape. Checks
 * neither order nor range. */
bool knob_normalise(const struct knob *k, const char *text, char normal[KNOB_VALUE]);
/* Checks a value against shape, range and, of a range, order, and normalises it. -EINVAL or
 * -ERANGE: the error names knob and value. */
int knob_check(const struct knob *k, const char *value, char normal[KNOB_VALUE], struct err *e);
/* What the kernel makes of the value in a line of sysctl.d at boot: numbers of any base, nothing
 * behind the last field, fewer fields than the knob has, see also knob_keep(). Those that the line
 * does not set are the kernel's own, or where that depends on the machine those of `running`.
 * False: it stays as it was, or what it becomes is not known. */
bool knob_at_boot(const struct knob *k, unsigned kernel, uint64_t page_bytes, const char *text,
		  const char *running, char value[KNOB_VALUE]);
/* Rounds a normalised value as the kernel does that takes it. page_bytes: of its memory,
 * host_page_bytes(); 0: 4096. */
void knob_keep(const struct knob *k, uint64_t page_bytes, char value[KNOB_VALUE]);
/* The fields that the kernel sets of a value that it refuses, "4096 131072": those before the first
 * one that it does not take. "": none. */
void knob_taken(const struct knob *k, unsigned kernel, const char *text, char taken[KNOB_VALUE]);
/* The value to write in a lab, which has one kernel log with the machine: the kernel warns about a
 * port range with ends of the same parity, so it loses its last port; a single one gains another.
 * Others stay, as does the form in which the kernel shows them. */
const char *knob_silent(const char *name, const char *value, char silent[KNOB_VALUE]);
/* Whether a normalised value `to` has a smaller field than `from`, is a narrower range or a list
 * without some port of it. Never of a word or a choice. */
bool knob_lower(const struct knob *k, const char *from, const char *to);
/* Whether the walls lose by a change of `from` to `to`, both normalised. Of words none is better
 * than another. */
bool knob_worse(const struct knob *k, const char *from, const char *to);
/* The command that sets it: "epolltune apply --only KNOB --set KNOB=VALUE". `arguments`: options of
 * the target before these, " --idle 350s" or "". `lower`: some field is below the running value.
 * Returns `text`. */
char *knob_command(const char *arguments, const char *knob, const char *value, bool lower,
		   char *text, size_t size);
/* Rounds a proposed value up, to the knob's maximum at most; INT64_MAX if the value is above that.
 */
int64_t knob_round(const struct knob *k, int64_t value);
const char *knob_shape_text(enum knob_shape shape); /* "two decimal integers" */
/* The number of fields of a shape; 0 for a word. */
size_t knob_fields(enum knob_shape shape);
/* Field i (from 0) of a normalised value as a number; -EINVAL when there is none. */
int knob_field(const char *value, size_t i, int64_t *out);
