/* change: one setting, from, to, why. A plan is a list of them, the journal their history.
 *
 * Whatever can be changed is of a kind: a row of operations in src/tune/kind.c. Plan, journal,
 * executors and rollback know nothing but these rows. */
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
	CHANGE_NETNS,  /* goes with its network namespace, and with the boot */
	CHANGE_SYSTEM, /* goes with the boot */
	CHANGE_FILES,  /* stays */
};

enum change_state {
	CHANGE_PLANNED,
	CHANGE_INTENDED, /* in the journal; perhaps written */
	CHANGE_DONE,     /* written and read back */
	CHANGE_UNDOING,  /* on the way back; perhaps written */
	CHANGE_UNDONE,
	CHANGE_SPARED, /* not undone: somebody else has changed it since */
	CHANGE_GONE,   /* nothing to undo: it went with its boot, namespace or device */
};

struct change {
	char kind[16];
	char name[CHANGE_NAME]; /* "net.core.somaxconn" */
	/* What tells the thing apart that the name stands for today: an interface's index. "": the
	 * name does. */
	char object[CHANGE_OBJECT];
	enum change_scope scope;
	enum change_state state;
	char from[CHANGE_VALUE];
	char to[CHANGE_VALUE];
	char became[CHANGE_VALUE]; /* as read back: kernels clamp and round; "" before */
	char why[200];
	char wall[32];      /* "" if set by hand */
	char finding[48];   /* "" if set by hand */
	const char *effect; /* when it takes effect; static text, of a plan only */
	const char *cost;   /* what it costs; likewise */
	int64_t cost_bytes; /* more memory at the target's load, at worst; REPORT_NONE: not known */
};

/* Where changes are made. */
struct change_site {
	const struct host *host;
	const char *root; /* before "/etc/sysctl.d"; "" but in tests */
};

struct change_kind {
	const char *name;
	enum change_scope (*scope)(const char *name);
	/* Whether `value` is in range (-EINVAL, -ERANGE) and this process may write it here
	 * (-EACCES, -EPERM, -EROFS, -ENOENT); `normal` gets it as read() would tell it. */
	int (*check)(const struct change_site *site, const char *name, const char *value,
		     char normal[CHANGE_VALUE], struct err *e);
	int (*read)(const struct change_site *site, const char *name, char value[CHANGE_VALUE],
		    struct err *e);
	int (*write)(const struct change_site *site, const char *name, const char *value,
		     struct err *e);
	/* Removes what a write that was cut off may have left beside its object; NULL: nothing. */
	int (*tidy)(const struct change_site *site, struct err *e);
	/* Fills change.object; NULL: it stays "". */
	int (*object)(const struct change_site *site, const char *name, char object[CHANGE_OBJECT],
		      struct err *e);
	/* Of a change that read() does not find any more: whether its object is gone for good, not
	 * merely out of sight; if not, *e may tell where it is. NULL: that cannot be known. */
	bool (*gone)(const struct change_site *site, const struct change *c, struct err *e);
};

/* By exact name; NULL if unknown. */
const struct change_kind *change_kind_find(const char *name);
const char *change_scope_name(enum change_scope s);
const char *change_state_name(enum change_state s);
/* 0, or -EINVAL. */
int change_scope_parse(const char *text, enum change_scope *s);

#endif
