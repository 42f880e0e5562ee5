/* persist: whether the files will restore the running value after a reboot. */
#pragma once

#include <stdbool.h>

#include "report/json_value.h"
#include "tune/change.h"
#include "tune/journal.h"

struct persisted {
	char knob[CHANGE_NAME];
	char running[CHANGE_VALUE];
	char files[CHANGE_VALUE]; /* after a reboot, as the file has it */
	char file[512];           /* the file that sets it; "" if none does */
	unsigned line;
	bool excluded;           /* by a line "-KNOB": the file sets nothing */
	const char *unread;      /* why no program reads the file at boot; NULL: one does */
	const char *module;      /* loaded after the files are read, perhaps; NULL: none */
	char rival[512];         /* a file that takes precedence over ours; "" if none */
	char remedy[400];        /* what to do about the rival, or the line; "": remove the line */
	bool ours;               /* `file` is ours and nothing overrides it */
	bool agrees;             /* `files` gives `running` at the next boot */
	char conf[CHANGE_VALUE]; /* of /etc/sysctl.conf, which only procps reads; "" if none */
};

/* -PLAN_REFUSED outside of the network namespace of process 1, for which the files are read, in a
 * container, and where /etc, or the state directory without it, does not survive a reboot. */
int persist_allowed(const struct change_site *site, const char *state_dir, struct err *e);
/* Reads the state of the knob of a file change. `standing`: what persist_standing() returns. */
int persist_look(const struct change *c, const struct change *standing, size_t count,
		 struct change_site *site, struct persisted *out, struct err *e);
/* A line for a person: "8192 after a reboot, as now". */
void persist_text(const struct persisted *p, char *text, size_t size);
json_t *persist_json(struct json_writer *w, const struct persisted *p);
/* The state of a change of the running kernel that a run has made. */
enum standing {
	STANDING_NONE, /* not made, a line of a file, or of another boot or network namespace */
	STANDING_IN_FORCE,
	STANDING_RESTORED, /* the old value is there */
	STANDING_MODIFIED, /* another value, or several */
	STANDING_LOST,     /* its object was removed */
	STANDING_UNKNOWN,  /* not readable here */
};
/* Reads it: `now` gets the value, "" where there is none, and *e why it is lost or unknown. */
enum standing persist_find(const struct run *r, const struct change *c, struct change_site *site,
			   const struct host_identity *here, char now[CHANGE_VALUE], struct err *e);
/* Whether it is in force. */
bool persist_in_force(const struct run *r, const struct change *c, struct change_site *site,
		      const struct host_identity *here);
/* Refuses (-PLAN_REFUSED) a waiting run of which nothing is in force, as after a rollback that
 * could not be recorded. Adds to `p`, NULL for none, a manual step for each value that is not in
 * force. `option`: that of the state directory, for the command. */
int persist_check(struct plan *p, const struct run *r, struct change_site *site,
		  const struct host_identity *here, const char *option, struct err *e);
/* Whether the next boot gives every change of a run its value, by a line of the run or without one.
 */
bool persist_whole(const struct run *r, struct change_site *site);
/* The changes of earlier runs that are in force, the newest of each knob; at most `max`. Returns
 * the number. */
size_t persist_standing(const struct journal *j, struct change_site *site, struct change *standing,
			size_t max);
