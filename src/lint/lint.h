/* lint: judges the files that set values: sysctl.d, limits.conf, units, configurations of servers.
 *
 * file.c reads and classifies them, sysctl_lines.c, limits.c, units.c and servers.c judge lines,
 * sysctl_files.c what the lines of sysctls do to each other, machine.c adds what a machine's files
 * do together and what is running, fix.c prints a diff. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "catalogue/lint_rules.h"
#include "epolltune/err.h"
#include "epolltune/host.h"
#include "epolltune/sysctl_d.h"

#define LINT_TEXT 800               /* bytes of a problem, or of a corrected line */
#define LINT_LINE 1024              /* longer lines are cut */
#define LINT_FILE (4 * 1024 * 1024) /* bytes of the largest file that is read */

struct lint_problem {
	const char *file; /* the lint's */
	unsigned line;    /* 0: the whole file */
	enum lint_id rule;
	enum finding_level level;
	char *text; /* what, why, remedy */
	char *fix;  /* the line that replaces it, "": none; NULL: no fix is known */
};

/* An assignment of a sysctl in a file, in the order of reading; or one of a unit, "UNIT KEY". */
struct lint_value {
	const char *file;
	unsigned line;
	size_t order;
	size_t place; /* in the order of writing: that of the line whose place it has */
	char *name, *value;
	char *written;   /* the value with its blanks */
	const char *key; /* sysctl_key() of the name, or the name */
	enum sysctl_reader reader;
	bool pattern;
	bool exclude; /* by a line "-NAME": nothing sets the name, unless a later line does */
	bool removed; /* by --fix, for a problem of its own */
	bool refused; /* by the kernel */
	unsigned refused_after; /* because of the line of that number in the same file; 0: of none
				 */
};

struct lint_values {
	struct lint_value *at;
	size_t count;
};

enum lint_kind { FILE_SYSCTL, FILE_LIMITS, FILE_UNIT, FILE_SERVER, FILE_NONE };

/* The kernel's own fs.nr_open, and the largest one that it takes: fs/file.c, sysctl_nr_open_max. */
#define NR_OPEN_DEFAULT 1048576
#define NR_OPEN_MAX 2147483584

struct lint {
	unsigned kernel;                   /* KERNEL(); UINT_MAX: any new one */
	const struct host *host;           /* whose files are judged; NULL: files for themselves */
	uint64_t memory_bytes, page_bytes; /* of the host; 0: unknown */
	size_t files;                      /* that were judged */
	struct lint_problem *problems;
	size_t count;
	struct lint_values values; /* of the file, or of all files of the machine */
	struct lint_values units;  /* of all units of the machine */
	enum sysctl_reader reader; /* of the file that is judged */
	size_t value_order;
	char **names;
	size_t name_count;
	int64_t somaxconn;        /* the running or configured one of the machine; 0: unknown */
	int64_t nr_open;          /* the same of fs.nr_open, or the files' highest */
	int64_t nr_open_set;      /* the highest that a file sets; 0: none does */
	unsigned guesses;         /* of names that are meant, which take long */
	unsigned depth;           /* of corrected lines that are judged again */
	size_t unjudged;          /* names that epolltune does not know */
	char unjudged_names[200]; /* the first of these names, each once */
	bool keeps;               /* the values of a file, until sysctl_values_clear() */
	bool failed;              /* out of memory */
};

void lint_close(struct lint *l);
/* Judges a file, or the files below a directory. -ENOENT, -EACCES: it cannot be read. */
int lint_path(struct lint *l, const char *path, struct err *e);
/* Reads from such a path what its sysctls allow the limits, before these are judged. */
void lint_path_look(struct lint *l, const char *path);
/* Judges the files that a machine reads at boot, and its running values. */
int lint_machine(struct lint *l, struct err *e);
/* Orders the problems by file and line. */
void lint_sort(struct lint *l);
/* The level of the worst problem; false: there is none above a note. */
bool lint_worst(const struct lint *l, enum finding_level *worst);
/* Prints a unified diff of the files with the known fixes. */
int lint_fix(const struct lint *l, FILE *out, struct err *e);

/* Of the files in this folder: */

/* A line of a file, without its end. */
struct lint_line {
	const char *file, *text;
	unsigned number;
};
/* Adds a problem; `fix` as in struct lint_problem. */
void lint_add(struct lint *l, const struct lint_line *line, enum lint_id rule, const char *fix,
	      const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The level of the last one, where it differs from that of its rule. */
void lint_level(struct lint *l, enum finding_level level);
/* A copy of a file's name that lives as long as the lint. */
const char *lint_name(struct lint *l, const char *name);
/* Whether its name is that of a copy which a package manager, an editor or an administrator has put
 * aside, and which no program reads: "10-a.conf.bak", "x.service.rpmsave". */
bool lint_is_aside(const char *file);
/* Whether it is in a directory of which programs read other names only: a file of sysctl.d that
 * does not end in .conf. */
bool lint_is_beside(const char *file);

/* Judges a file of the machine, or those below a directory; nothing where there is none. */
int lint_tree(struct lint *l, const char *path, struct err *e);
/* Judges one file: `shown` is its name in problems. */
int lint_file(struct lint *l, const char *path, const char *shown, struct err *e);
/* Judges one of the machine, "/etc/sysctl.conf"; its links lead to files of the machine. `boot`:
 * the lines of all such files are judged together. Nothing where it cannot be read. */
int lint_machine_file(struct lint *l, const char *file, bool boot, struct err *e);
/* The bytes of a file, of the machine or by its path. NULL without an error: `unread` says why, or
 * is NULL of what is no regular file, which readers skip, such as the /dev/null of a masked one. */
struct lint_text {
	char *bytes;
	const char *unread;
};
int lint_text_read(const struct lint *l, const char *file, struct lint_text *out, struct err *e);
static inline void lint_text_free(struct lint_text *t) { free(t->bytes); }

void sysctl_line_judge(struct lint *l, const struct lint_line *line);
/* Keeps an assignment, its blanks as one space. `value` NULL: a line "-NAME". */
void lint_value_keep(struct lint *l, struct lint_values *of, const struct lint_line *line,
		     const char *name, const char *value, bool pattern);
/* What the lines of a file, or all files in their order, do to each other. */
void sysctl_values_judge(struct lint *l);
/* The line that leaves a value in force, by its sysctl_key(). NULL: none does. */
const struct lint_value *sysctl_value_find(const struct lint *l, const char *key);
/* The line that takes a kept value's place or excludes its name, of the same values. NULL: none, it
 * is the one in force, unless the kernel refuses it. */
const struct lint_value *sysctl_value_winner(const struct lint *l, const struct lint_value *v);
/* Judges a value by advice that depends on other lines, once all are read. */
void sysctl_value_advise(struct lint *l, struct lint_value *v);
void sysctl_values_clear(struct lint *l);
/* The first number that the last assignment of a name sets; false: none. */
bool sysctl_value_number(const struct lint *l, const char *name, int64_t *value);

/* fs.nr_open as far as it is known, as text in brackets. Returns whether a limit above it is beyond
 * doubt: systemd raises fs.nr_open to its maximum at boot, unless it is built without
 * (src/core/main.c, bump_file_max_and_nr_open()). */
bool nr_open_format(const struct lint *l, long long limit, long long *nr_open, char text[64]);

struct limits_state {
	long long soft, hard; /* of the last "*" or named domain; -1: none */
	char domain[64];
	bool root_said;
};
void limits_line_judge(struct lint *l, const struct lint_line *line, struct limits_state *s);
/* Whether a line has the form of limits.conf. */
bool limits_line_is(const char *text);

struct unit_state {
	char section[32];
	char empty[32]; /* the limit that the last line left empty; "": none */
	size_t problem; /* what was said of it */
};
/* `line`: with those that continue it. */
void unit_line_judge(struct lint *l, const struct lint_line *line, struct unit_state *s);
/* What the files of a machine's units, which unit_line_judge() has kept, do to each other. */
void unit_values_judge(struct lint *l);

/* Judges the text of a file of a server's configuration. */
void server_text_judge(struct lint *l, const char *file, const struct server_row *row,
		       const char *text);
/* Judges a backlog; `name`: what is written before the number, "Backlog=", "tcp-backlog ". */
void backlog_value_judge(struct lint *l, const struct lint_line *line, const char *name,
			 uint64_t backlog);
