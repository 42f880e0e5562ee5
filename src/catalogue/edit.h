/* edit: one line of a server's configuration: the limit that it sets, and the text with another.
 * Pure. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalogue/server_scan.h"

#define EDIT_NONE UINT64_MAX

/* Of a parameter that one directive of several for an address has, in whichever file. */
#define EDIT_ADDRESSES 32
struct edit_addresses {
	size_t count;
	struct {
		char text[SCAN_TEXT * 4];
		unsigned fit; /* of the directive that takes it best */
		bool taken;
	} at[EDIT_ADDRESSES];
};

struct edit {
	const struct server_file *file;
	const struct server_setting *set;
	const char *address; /* of a parameter: "8080", "unix:/run/app.sock" */
	uint64_t value;      /* a lower one is raised to it; 0: nothing is changed */
	/* For set->once, zeroed at first: all texts with `value` 0 fill it, and are then changed.
	 */
	struct edit_addresses *addresses;
};

struct edited {
	char *text;               /* the caller frees it; NULL: nothing had to be changed */
	size_t found;             /* directives, or addresses of one, that set the limit or can */
	uint64_t present;         /* the lowest value that is there; EDIT_NONE: none is */
	size_t at;                /* of SERVER_LAST: the place of the directive; 0: none */
	char sections[SCAN_TEXT]; /* that were changed, "global,listen"; with set->narrower */
};

/* Changes the directives in the text of a file, of which `around` is the section that includes it
 * ("": none). -ENOTSUP: a present value is not a number. */
int edit_text(const struct edit *edit, const char *text, const char *around, struct edited *out,
	      struct err *e);
/* A directive that includes files where the limit may be set: in its section, or around that where
 * the text does not have it; for a NULL `set` wherever it is. */
struct edit_included {
	char name[PATH_MAX];
	size_t begin, end; /* its place in the text */
};
/* The first one from the place `from` on; false: there is none. */
bool edit_included_find(const struct server_file *file, const struct server_setting *set,
			const char *text, size_t from, struct edit_included *out);
/* The limit that a text sets for at most so many `listeners`, their addresses,
 * "0.0.0.0:80,unix:/run/a"; "": all of them; `above`: replaces the limit above all sections, unless
 * EDIT_NONE. Zeros, which servers read as no limit, do not count. -ENOTSUP: a value is not a
 * number. */
#define EDIT_LISTENERS 64
struct edit_limit {
	uint64_t value; /* they have at most, together; EDIT_NONE: none is there */
	/* One of them has at least; less than `value` where several sections serve them, or may. */
	uint64_t least;
	char section[SCAN_TEXT]; /* that has `least` */
	bool preset;             /* which is the default of the version there: nothing sets it */
	bool sections;           /* any has one of its own, or may */
	uint64_t shared;         /* above all sections; EDIT_NONE: none is there */
	uint64_t files;          /* set->files_cap_directive has; EDIT_NONE: none is there */
	bool elsewhere;          /* a file that it includes, or a condition, may change it */
	/* The first directive that may limit them further, and whether one may take two of the
	 * server's connections for one of a client; static, NULL: there is none. */
	const char *further;
	bool doubles;
};
int edit_limit(const struct server_file *file, const struct server_setting *set,
	       const char *listeners, const char *text, uint64_t above, struct edit_limit *out,
	       struct err *e);
/* A number that a text sets a limit to, with the name before it: "tcp-backlog", "backlog=",
 * "backlog ". */
struct edit_number {
	unsigned line; /* from 1 */
	const char *name;
	uint64_t value;
};
/* Calls each() for those in any section, in their order; what is no plain number is skipped. */
void edit_each(const struct server_file *file, const struct server_setting *set, const char *text,
	       void (*each)(const struct edit_number *number, void *arg), void *arg);
/* Adds the directive to its section in a text that does not have it. -ENOTSUP: there is no such
 * section, or the limit is a parameter. */
int edit_insert(const struct edit *edit, const char *text, char **out, struct err *e);
/* Calls fn() for each name of files that the text includes from the place `from` on. Stops at an
 * error of it. */
typedef int (*edit_include)(const char *name, const char *section, void *arg, struct err *e);
int edit_includes(const struct server_file *file, const char *text, const char *around, size_t from,
		  edit_include fn, void *arg, struct err *e);
