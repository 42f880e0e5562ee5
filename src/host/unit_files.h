/* unit_files: internal to src/host/: the files of systemd's units in their trees, in the order of
 * systemd.unit(5). */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "epolltune/host.h"

/* Where units of the system are, the highest first. */
#define UNIT_TREES 13
extern const char *const unit_trees[UNIT_TREES];

/* Where the configuration of the manager is: system.conf, system.conf.d. */
#define MANAGER_TREES 5
extern const char *const manager_trees[MANAGER_TREES];

/* The place of the tree, of either, that has a file of the machine,
 * "/etc/systemd/system/x.service"; 0: the highest. */
size_t unit_file_rank(const char *file);
/* Whether one in a higher tree hides it: with the same name, and the same directory of drop-ins,
 * also where it masks. */
bool unit_file_hidden(const struct host *h, const char *file);

/* Opens a directory as process `viewer` sees it; NULL with *rc: 0, there is none, or -ENOTSUP. */
DIR *unit_directory_open(const struct host *h, pid_t viewer, const char *path,
			 struct timespec *changed, int *rc);
/* Calls `each` for the directories of a tree that have drop-ins of the unit: "NAME.d", where NAME
 * is it, all units of its type, a beginning up to a dash, or a link to it in one of the trees.
 * Files in one with a lower rank hide those of the same name in others. Ends with the first value
 * that is not 0; *changed as of machine_open_as(). */
int unit_tree_dropins(const struct host *h, pid_t viewer, size_t tree, const char *unit,
		      struct timespec *changed,
		      int (*each)(const char *directory, size_t rank, void *arg), void *arg);

/* Paths, by the name of the file, each name once: the file that hides the others of that name. */
struct unit_files {
	struct unit_file {
		char *path;
		size_t rank;
	} * at;
	size_t count;
};
/* All units of a type, as ".socket", without those that are another name of one of them. The caller
 * frees `out` with unit_files_free(), also after an error. -ENOMEM. */
int unit_files_list(const struct host *h, pid_t viewer, const char *type, struct unit_files *out);
/* The same of the drop-ins of a unit, in the order in which systemd reads them. */
int unit_files_dropins(const struct host *h, pid_t viewer, const char *unit,
		       struct unit_files *out);
void unit_files_free(struct unit_files *f);
