/* change: one setting, from, to, why. A plan is a list of them, the journal their history.
 *
 * What epolltune can change is of a kind: a row of operations in src/tune/kind.c, which plan,
 * journal, executors and rollback call. */
#ifndef EPOLLTUNE_CHANGE_H
#define EPOLLTUNE_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/host.h"

#define CHANGE_NAME 64   /* bytes that hold any name */
#define CHANGE_VALUE 512 /* bytes that hold any value */
#define CHANGE_OBJECT 24

enum change_scope {
	CHANGE_NETNS,  /* lost with its network namespace and at a reboot */
	CHANGE_SYSTEM, /* lost at a reboot */
	CHANGE_FILES,  /* persistent */
};

enum change_state {
	CHANGE_PLANNED,
	CHANGE_INTENDED,  /* in the journal; perhaps written */
	CHANGE_DONE,      /* written and read back */
	CHANGE_REVERTING, /* about to be written back; perhaps written */
	CHANGE_REVERTED,
	CHANGE_CONFLICT,    /* not reverted: modified by others since */
	CHANGE_UNREACHABLE, /* not reverted: not readable at that time */
	CHANGE_STALE,       /* nothing to revert: lost with its boot, namespace or device */
};

struct change {
	char kind[16];
	char name[CHANGE_NAME]; /* "net.core.somaxconn" */
	/* Identifies the object where names can be reused: an interface's index. "": the name is
	 * enough. */
	char object[CHANGE_OBJECT];
	enum change_scope scope;
	enum change_state state;
	char from[CHANGE_VALUE];
	char to[CHANGE_VALUE];
	char became[CHANGE_VALUE]; /* as read back: kernels clamp and round; "" until then */
	char why[200];
	char wall[32];      /* "" if set by hand */
	char finding[48];   /* "" if set by hand */
	const char *effect; /* when it takes effect; static text, set in plans only */
	const char *cost;   /* what it costs; likewise */
	int64_t cost_bytes; /* extra memory at the target's load, worst case; or REPORT_NONE */
};

/* Where changes are made. */
struct change_site {
	const struct host *host;
	const char *root; /* prefix of "/etc/sysctl.d"; "" outside of tests */
};

struct change_kind {
	const char *name;
	enum change_scope (*scope)(const char *name);
	/* Whether `value` is in range (-EINVAL, -ERANGE) and this process may write it here
	 * (-EACCES, -EPERM, -EROFS, -ENOENT); `normal` gets it as read() returns it. */
	int (*check)(const struct change_site *site, const char *name, const char *value,
		     char normal[CHANGE_VALUE], struct err *e);
	int (*read)(const struct change_site *site, const char *name, char value[CHANGE_VALUE],
		    struct err *e);
	int (*write)(const struct change_site *site, const char *name, const char *value,
		     struct err *e);
	/* Removes temporary files of a write that was cut off; NULL: it has none. */
	int (*tidy)(const struct change_site *site, struct err *e);
	/* Fills change.object; NULL: it stays "". */
	int (*object)(const struct change_site *site, const char *name, char object[CHANGE_OBJECT],
		      struct err *e);
	/* Whether the object of a change that read() does not find was removed, and is not merely
	 * hidden; if not, *e may say where it is. NULL: unknown. */
	bool (*gone)(const struct change_site *site, const struct change *c, struct err *e);
};

/* By exact name; NULL if unknown. */
const struct change_kind *change_kind_find(const char *name);
const char *change_scope_name(enum change_scope s);
const char *change_state_name(enum change_state s);
/* 0, or -EINVAL. */
int change_scope_parse(const char *text, enum change_scope *s);

#endif
