#include "tune/orphans.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "epolltune/cleanup.h"
#include "tune/dropin.h"

/* People add lines to our files: only a comment with the number of a run is evidence. A new journal
 * gives the numbers again: of a run that was rolled back no line is left. */
static bool is_known(const struct journal *j, unsigned run)
{
	const struct run *r = j ? journal_find(j, run) : NULL;
	return r && r->status != RUN_ROLLED_BACK;
}

static bool file_has_orphan(const char *path, struct journal *j)
{
	char line[CHANGE_VALUE];
	CLEAN(close_file) FILE *in = fopen(path, "re");
	if (!in || !fgets(line, sizeof(line), in) ||
	    strncmp(line, DROPIN_OWN, strlen(DROPIN_OWN)) != 0)
		return false;
	while (fgets(line, sizeof(line), in)) {
		unsigned run = dropin_run(line);
		if (run && !is_known(j, run))
			return true;
	}
	return false;
}

/* Not a copy that an editor or a package manager made, which nothing reads. */
static bool is_ours(const char *name)
{
	static const char *const ends[] = {".conf", ".link", ".rules"};
	bool read = false;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		read |= text_ends(name, strlen(name), ends[i]);
	return read && !strncmp(name, DROPIN_PREFIX, strlen(DROPIN_PREFIX));
}

static bool directory_has_orphan(const struct change_site *site, const char *directory,
				 struct journal *j, char file[512])
{
	char path[1024];
	bool found = false;
	snprintf(path, sizeof(path), "%.400s%s", site->root, directory);
	CLEAN(close_directory) DIR *list = opendir(path);
	const struct dirent *entry;
	while (list && !found && (entry = readdir(list))) {
		if (!is_ours(entry->d_name))
			continue;
		snprintf(file, 512, "%.200s/%.300s", directory, entry->d_name);
		snprintf(path, sizeof(path), "%.400s%s", site->root, file);
		found = file_has_orphan(path, j);
	}
	return found;
}

bool orphans_find(const struct change_site *site, struct journal *j, char file[512])
{
	const struct change_kind *kind;
	for (size_t i = 0; (kind = change_kind_at(i)); i++)
		if (kind->file && directory_has_orphan(site, kind->file->directory, j, file))
			return true;
	return false;
}
