/* persist: whether the running value and the files will agree after a reboot. */
#ifndef EPOLLTUNE_TUNE_PERSIST_H
#define EPOLLTUNE_TUNE_PERSIST_H

#include <jansson.h>
#include <stdbool.h>

#include "epolltune/change.h"
#include "tune/plan.h"

struct persisted {
	char knob[CHANGE_NAME];
	char running[CHANGE_VALUE];
	char files[CHANGE_VALUE]; /* after a reboot; "" when no file sets it */
	char file[512];           /* the file that says so */
	unsigned line;
	char rival[512];         /* a file that is taken in place of ours; "" if none */
	bool ours;               /* and it is ours: nothing overrides it */
	bool agrees;             /* running and files */
	char conf[CHANGE_VALUE]; /* what /etc/sysctl.conf says, read by procps only; "" if not */
};

/* Whether the files are read at boot for this network namespace: -PLAN_REFUSED if it is not that of
 * process 1. */
int persist_allowed(const struct change_site *site, struct err *e);
/* Looks at the knob of a change of files. */
int persist_look(const struct change *c, const struct change_site *site, struct persisted *out,
		 struct err *e);
/* One line for a person: "8192 after a reboot, as now" and the like. */
void persist_text(const struct persisted *p, char *text, size_t size);
json_t *persist_json(const struct persisted *p);
/* Changes of earlier runs that are in force and that no line of ours holds yet; at most `max`.
 * Returns how many. Nothing to be read is none. */
size_t persist_standing(const char *state_dir, const struct change_site *site,
			struct change *standing, size_t max);

#endif
